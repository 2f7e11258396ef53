/*
 * top_view: a table of columns says what there is to see and what is left out first. Rates are differences between two looks at the
 * same life; of a life that began in between, and where there is one look only, they are what it did since its start.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "text.h"
#include "top_view.h"

#define GAP 2 /* blanks between columns */

/* ---- short forms ---- */

static char *dash(char *text)
{
    return strcpy(text, "-");
}

/* Two digits at least, three at most: 9.9us, 99us, 999us. */
static char *print_scaled(double value, const char *unit, char *text)
{
    snprintf(text, TOP_CELL_SIZE, value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
    return text;
}

char *top_print_time(double ns, char *text)
{
    static const char *const units[] = {"us", "ms", "s"};
    double value = ns / 1e3;
    unsigned unit = 0;
    while (unit < 2 && value >= 999.5) {
        value /= 1000;
        unit++;
    }
    return unit == 2 && value >= 99.5 ? top_print_duration(value, text) : print_scaled(value, units[unit], text);
}

char *top_print_duration(double seconds, char *text)
{
    static const struct {
        uint64_t below, upper, lower;
        const char *format;
    } forms[] = {{3600, 60, 1, "%llum%02llus"}, {86400, 3600, 60, "%lluh%02llum"}, {UINT64_MAX, 86400, 3600, "%llud%02lluh"}};
    uint64_t s = seconds > 0 && seconds < 1e12 ? (uint64_t)seconds : 0;
    size_t i = 0;
    if (s < 60) {
        snprintf(text, TOP_CELL_SIZE, "%llus", (unsigned long long)s);
        return text;
    }
    while (s >= forms[i].below)
        i++;
    unsigned long long high = s / forms[i].upper, low = s % forms[i].upper / forms[i].lower;
    snprintf(text, TOP_CELL_SIZE, forms[i].format, high, low);
    return text;
}

char *top_print_size(double bytes, char *text)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    double value = bytes / 1024;
    unsigned unit = 0;
    while (unit < 3 && value >= 999.5) {
        value /= 1024;
        unit++;
    }
    return print_scaled(value, units[unit], text);
}

char *top_print_rate(double rate, char *text)
{
    unsigned long long whole = (unsigned long long)llround(fmin(fmax(rate, 0), 1e15));
    if (rate <= 0)
        strcpy(text, "0");
    else if (rate < 9.95)
        snprintf(text, TOP_CELL_SIZE, "%.1f", rate);
    else if (whole < 1000)
        snprintf(text, TOP_CELL_SIZE, "%llu", whole);
    else if (whole < 1000000)
        snprintf(text, TOP_CELL_SIZE, "%llu,%03llu", whole / 1000, whole % 1000);
    else
        snprintf(text, TOP_CELL_SIZE, "%llu,%03llu,%03llu", whole / 1000000, whole / 1000 % 1000, whole % 1000);
    return text;
}

/* ---- figures of a row ---- */

/* A row, and what it is compared with. */
struct pair {
    const struct sight *now;
    const struct sight_row *row, *before; /* before: NULL, compare with nothing, over its whole life */
    double seconds;                       /* between the two */
};

static double seconds_between(const struct sight *earlier, const struct sight *now)
{
    return earlier ? (double)(now->taken_ns - earlier->taken_ns) / 1e9 : now->uptime_s;
}

static struct pair pair_of(const struct top_view *view, const struct sight_row *row)
{
    const struct sight_row *before = view->earlier ? sight_find(view->earlier, row) : NULL;
    return (struct pair){view->now, row, before, before ? seconds_between(view->earlier, view->now) : row->uptime_s};
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
    return seconds > 0 && now > before ? (double)(now - before) / seconds : 0;
}

static double cpu_percent(const struct pair *pair)
{
    return rate(pair->row->cpu_us, pair->before ? pair->before->cpu_us : 0, pair->seconds) / 1e4;
}

/* A life that is not a process of its own shares the memory and the CPU time of the top process. */
static bool is_apart(const struct sight *sight, const struct sight_row *row)
{
    return row->pid > 0 && row->pid != sight->pid;
}

static char *print_percentile(const struct pair *pair, double percent, char *text)
{
    static const struct timings zero;
    const struct timings *before = pair->before ? &pair->before->timings : &zero;
    struct timings between;
    memset(&between, 0, sizeof(between));
    for (unsigned i = 0; i < TIMINGS_COUNTS; i++) {
        uint64_t now = counter_read(&pair->row->timings.counts[i]), then = counter_read(&before->counts[i]);
        counter_set(&between.counts[i], now > then ? now - then : 0);
    }
    return timings_count(&between) ? top_print_time(timings_percentile_ns(&between, percent), text) : dash(text);
}

/* ---- columns ---- */

static void cell_worker(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%s%u", pair->row->front ? "front " : "", pair->row->index);
}

static void cell_state(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%s", pair->row->state);
}

static void cell_pid(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%d", pair->row->pid);
}

static void cell_uptime(const struct pair *pair, char *text)
{
    top_print_duration(pair->row->uptime_s, text);
}

static void cell_restarts(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%u", pair->row->restarts);
}

static void cell_cpu(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%.1f", cpu_percent(pair));
}

static void cell_memory(const struct pair *pair, char *text)
{
    if (is_apart(pair->now, pair->row))
        top_print_size((double)pair->row->rss_bytes, text);
    else
        dash(text);
}

static void cell_rate(const struct pair *pair, char *text)
{
    top_print_rate(rate(pair->row->requests, pair->before ? pair->before->requests : 0, pair->seconds), text);
}

static void cell_active(const struct pair *pair, char *text)
{
    snprintf(text, TOP_CELL_SIZE, "%llu", (unsigned long long)pair->row->active);
}

static void cell_p50(const struct pair *pair, char *text)
{
    print_percentile(pair, 50, text);
}

static void cell_p99(const struct pair *pair, char *text)
{
    print_percentile(pair, 99, text);
}

/* While the loop does not turn nobody measures its lag: it is as long as the silence, at least. */
static void cell_lag(const struct pair *pair, char *text)
{
    double silence_ns = pair->row->heartbeat_age_s > 1 ? pair->row->heartbeat_age_s * 1e9 : 0;
    top_print_time(fmax((double)pair->row->lag_ns, silence_ns), text);
}

static void cell_end(const struct pair *pair, char *text)
{
    const struct sight_row *row = pair->row;
    char in[TOP_CELL_SIZE];
    if (row->next_start_in_s > 0)
        snprintf(text, TOP_CELL_SIZE, "%.40s, again in %.10s", row->last_end, top_print_time(row->next_start_in_s * 1e9, in));
    else
        snprintf(text, TOP_CELL_SIZE, "%.60s", row->last_end);
}

static const struct column {
    const char *heading;
    void (*print)(const struct pair *pair, char *text);
    unsigned width;    /* at least, so that the table does not jump */
    unsigned priority; /* the greatest is left out first */
    bool left;         /* words stand left, numbers right */
    bool of_life;      /* a dash where nobody lives */
} columns[] = {
    {"WORKER", cell_worker, 6, 0, true, false},
    {"STATE", cell_state, 10, 0, true, false},
    {"PID", cell_pid, 7, 4, false, true},
    {"UPTIME", cell_uptime, 6, 5, false, true},
    {"RESTARTS", cell_restarts, 8, 3, false, false},
    {"CPU%", cell_cpu, 5, 1, false, true},
    {"MEMORY", cell_memory, 6, 2, false, true},
    {"REQ/S", cell_rate, 7, 0, false, true},
    {"ACTIVE", cell_active, 6, 2, false, true},
    {"P50", cell_p50, 5, 4, false, true},
    {"P99", cell_p99, 5, 0, false, true},
    {"LAG", cell_lag, 5, 1, false, true},
    {"LAST END", cell_end, 8, 6, true, false},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* ---- lines ---- */

struct page {
    const struct top_view *view;
    FILE *out;
    unsigned lines;
    unsigned widths[COLUMNS]; /* 0: left out */
};

static const char *colour_of(const char *state)
{
    static const struct {
        const char *state, *colour;
    } colours[] = {{"errored", "31"},  {"restarting", "31"}, {"starting", "33"},
                   {"draining", "33"}, {"ending", "33"},     {"drained", "33"}};
    for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++)
        if (!strcmp(colours[i].state, state))
            return colours[i].colour;
    return NULL;
}

/* A line as far as there is room for it. */
static __attribute__((format(printf, 3, 4))) void add_line(struct page *page, const char *colour, const char *format, ...)
{
    const struct top_view *view = page->view;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t length = strlen(text), most = view->width ? view->width : sizeof(text);
    length = length < most ? length : most;
    while (length && text[length - 1] == ' ')
        length--;
    if (view->coloured && colour && length)
        fprintf(page->out, "\033[%sm%.*s\033[0m\n", colour, (int)length, text);
    else
        fprintf(page->out, "%.*s\n", (int)length, text);
    page->lines++;
}

/* ---- the head ---- */

/* CPU of the whole program in percent of one; its memory, shared pages once. */
static void add_up(const struct top_view *view, double *cpu, double *memory, uint64_t *active)
{
    const struct sight *now = view->now, *earlier = view->earlier;
    *cpu = rate(now->primary_cpu_us, earlier ? earlier->primary_cpu_us : 0, seconds_between(earlier, now)) / 1e4;
    *memory = (double)now->primary_pss_bytes;
    *active = 0;
    for (unsigned i = 0; i < now->count; i++) {
        const struct sight_row *row = &now->rows[i];
        const struct pair pair = pair_of(view, row);
        *active += row->front == (now->fronts_wanted > 0) ? row->active : 0; /* what clients have, not what fronts have */
        if (!is_apart(now, row))
            continue;
        *cpu += cpu_percent(&pair);
        *memory += (double)row->pss_bytes;
    }
}

static void add_head(struct page *page)
{
    const struct top_view *view = page->view;
    const struct sight *now = view->now;
    char states[SIGHT_STATES_SIZE], reload[SIGHT_RELOAD_SIZE], uptime[TOP_CELL_SIZE], requests[TOP_CELL_SIZE], size[TOP_CELL_SIZE];
    double cpu, memory;
    uint64_t active;
    sight_print_states(now, states);
    sight_print_reload(now, reload);
    add_up(view, &cpu, &memory, &active);
    add_line(page, "1", "%s at %s: %s, up %s, %s%s", now->strategy, view->address, now->state,
             top_print_duration(now->uptime_s, uptime), states, view->keys ? "   (q ends)" : "");
    add_line(page, NULL, "%s requests/s   %llu connections   CPU %.1f %%   memory %s   %s",
             top_print_rate(rate(now->requests, view->earlier ? view->earlier->requests : 0, seconds_between(view->earlier, now)),
                            requests),
             (unsigned long long)active, cpu, top_print_size(memory, size), reload);
}

/* ---- the table ---- */

static void print_cell(const struct column *column, const struct pair *pair, char *text)
{
    if (column->of_life && pair->row->pid == 0)
        dash(text);
    else
        column->print(pair, text);
}

static unsigned table_width(const struct page *page)
{
    unsigned width = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        width += page->widths[i] ? page->widths[i] + (width ? GAP : 0) : 0;
    return width;
}

static void measure_columns(struct page *page)
{
    char text[TOP_CELL_SIZE];
    for (size_t i = 0; i < COLUMNS; i++) {
        page->widths[i] = columns[i].width;
        for (unsigned j = 0; j < page->view->now->count; j++) {
            const struct pair pair = pair_of(page->view, &page->view->now->rows[j]);
            print_cell(&columns[i], &pair, text);
            page->widths[i] = strlen(text) > page->widths[i] ? (unsigned)strlen(text) : page->widths[i];
        }
    }
}

static void leave_out_columns(struct page *page)
{
    for (unsigned priority = 6; priority > 0; priority--)
        for (size_t i = COLUMNS; i-- > 0;)
            if (columns[i].priority == priority && page->view->width && table_width(page) > page->view->width)
                page->widths[i] = 0;
}

static size_t append_cell(const struct page *page, size_t column, const char *text, char *line, size_t used, size_t size)
{
    if (!page->widths[column] || used >= size)
        return used;
    int width = (int)page->widths[column];
    return used +
           (size_t)snprintf(line + used, size - used, columns[column].left ? "%*s%-*s" : "%*s%*s", used ? GAP : 0, "", width, text);
}

static void add_heading(struct page *page)
{
    char line[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        used = append_cell(page, i, columns[i].heading, line, used, sizeof(line));
    add_line(page, "1", "%s", line);
}

static void add_row(struct page *page, const struct sight_row *row)
{
    const struct pair pair = pair_of(page->view, row);
    char line[512] = "", text[TOP_CELL_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        print_cell(&columns[i], &pair, text);
        used = append_cell(page, i, text, line, used, sizeof(line));
    }
    add_line(page, colour_of(row->state), "%s", line);
}

static void add_rows(struct page *page)
{
    const struct sight *now = page->view->now;
    unsigned room = page->view->height > page->lines ? page->view->height - page->lines : 0;
    unsigned shown = page->view->height && now->count > room ? (room ? room - 1 : 0) : now->count;
    for (unsigned i = 0; i < shown; i++)
        add_row(page, &now->rows[i]);
    if (shown < now->count && room)
        add_line(page, NULL, "... and %u more", now->count - shown);
}

char *top_view_text(const struct top_view *view)
{
    char *text = NULL;
    size_t length;
    struct page page = {.view = view, .out = open_memstream(&text, &length)};
    if (!page.out)
        return text_copy("");
    if (view->now)
        add_head(&page);
    else
        add_line(&page, "1", "%s%s", view->address, view->keys ? "   (q ends)" : "");
    add_line(&page, "31", "%s", view->note);
    if (view->now) {
        measure_columns(&page);
        leave_out_columns(&page);
        add_heading(&page);
        add_rows(&page);
    }
    fclose(page.out);
    return text;
}
