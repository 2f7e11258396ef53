/*
 * plot_time: what happened by time, from the files that cells keep of it (recording.h): the heat map of response times with its
 * faults, the lanes of workers above throughput and errors, and fairness by length of window. The first two are a panel a strategy,
 * side by side, so that one picture tells who lost requests.
 *
 * Heat maps are the mean of the blocks; lanes are those of one block, for no two blocks restart at the same millisecond.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#include "chart.h"
#include "csv.h"
#include "series.h"

#define TICK_S          0.1 /* the interval of heat.csv */
#define STEPS           10  /* of latency a decade */
#define STEPS_MOST      100u
#define TICKS_MOST      36000u
#define PANELS_A_ROW    3u
#define PANEL_NAME_MOST 18u /* characters, of three panels beside each other */
#define FAULTS_SHOWN    9u  /* moments that get a number and a place in the legend */
#define LEGEND_LINES    2u
#define LEGEND_LENGTH   110u

/* ---- panels ---- */

struct panels {
    struct names names, styles, losses, works, lanes; /* lanes: how many, where there are any */
    const struct row **rows;
};

static double duration_s(const struct drawing *drawing)
{
    return (double)drawing->experiment->duration_ns / (double)CLOCK_NS_PER_S;
}

/* "12 lost [9, 15]", "7,578 lost", "none lost". The caller frees. */
static char *loss_text(const struct row *row)
{
    const struct estimate *lost = &row->of[METRIC_LOST];
    if (!isfinite(lost->median))
        return text_copy("");
    if (lost->median <= 0 && !(lost->high > 0))
        return text_copy("none lost");
    char *text = estimate_text(lost, METRIC_LOST), *interval = strstr(text, " [");
    char *loss = text_print("%.*s lost%s", interval ? (int)(interval - text) : (int)strlen(text), text, interval ? interval : "");
    free(text);
    return loss;
}

static void add_panel(struct panels *panels, struct drawing *drawing, const struct row *row)
{
    char *label = chart_label(drawing, row), *style = text_print("%u", chart_style(drawing, row->strategy)), *loss = loss_text(row);
    bool loses = row->of[METRIC_LOST].median > 0 || row->of[METRIC_LOST].high > 0;
    names_add(&panels->names, label);
    panels->rows = memory_grow(panels->rows, panels->names.count * sizeof(const struct row *));
    panels->rows[panels->names.count - 1] = row;
    names_add(&panels->styles, style);
    names_add(&panels->losses, loss);
    names_add(&panels->works, loses ? "0" : "1");
    free(loss);
    free(style);
    free(label);
}

static void add_number(struct names *numbers, double number)
{
    char *text = text_print("%g", number);
    names_add(numbers, text);
    free(text);
}

static void print_texts(FILE *out, const char *name, const struct names *texts)
{
    fprintf(out, "array %s[%zu] = [", name, texts->count);
    for (size_t i = 0; i < texts->count; i++) {
        fputs(i ? ", " : "", out);
        chart_print_quoted(out, texts->items[i]);
    }
    fputs("]\n", out);
}

static void print_numbers(FILE *out, const char *name, const struct names *numbers)
{
    char *list = names_join(numbers, ", ");
    fprintf(out, "array %s[%zu] = [%s]\n", name, numbers->count, list);
    free(list);
}

/* What is to be seen, in words: who lost how many. The caller frees. */
static char *losses_in_words(const struct panels *panels)
{
    struct names parts = {0};
    for (size_t i = 0; i < panels->names.count; i++) {
        char *part =
            text_print("%s: %s", panels->names.items[i], *panels->losses.items[i] ? panels->losses.items[i] : "not counted");
        names_add(&parts, part);
        free(part);
    }
    char *text = names_join(&parts, "; ");
    names_free(&parts);
    return text;
}

/* Beside each other three panels have no room for long names: their middle goes, for names mostly differ at an end. */
static void shorten_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        char **name = &names->items[i];
        size_t length = strlen(*name);
        if (length > PANEL_NAME_MOST)
            text_replace(name,
                         text_print("%.*s...%s", (int)PANEL_NAME_MOST / 2 - 1, *name, *name + length - PANEL_NAME_MOST / 2 + 2));
    }
}

/* A loss goes without its interval where that would run into the panel's name; widths of characters are those of style.gp's fonts.
 */
static void shorten_losses(struct panels *panels, unsigned room_px)
{
    for (size_t i = 0; i < panels->names.count; i++) {
        char **loss = &panels->losses.items[i], *interval = strstr(*loss, " [");
        if (interval && 7.8 * (double)strlen(panels->names.items[i]) + 5.8 * (double)strlen(*loss) > room_px)
            text_replace(loss, text_print("%.*s", (int)(interval - *loss), *loss));
    }
}

static size_t longest_of(const struct names *names)
{
    size_t longest = 0;
    for (size_t i = 0; i < names->count; i++)
        longest = strlen(names->items[i]) > longest ? strlen(names->items[i]) : longest;
    return longest;
}

/* Prints the panels' arrays and frees the lists; row_height and room_px (the width of a panel where there are three): 0 without
 * panels side by side. 0, or -ENODATA without a panel. */
static int end_panels(struct panels *panels, struct drawing *drawing, const char *what, unsigned row_height, unsigned room_px)
{
    FILE *out = drawing->script;
    unsigned count = (unsigned)panels->names.count, columns = count <= 2 ? count : count == 4 ? 2 : PANELS_A_ROW;
    unsigned rows = columns ? (count + columns - 1) / columns : 0;
    if (count) {
        fprintf(out, "panels = %u\ncolumns = %u\nrows = %u\nheight = %u\nduration = %g\n", count, columns, rows,
                150 + rows * row_height, duration_s(drawing));
        char *words = losses_in_words(panels);
        drawing->alt = text_print("%s %s.", what, words);
        free(words);
        if (row_height && columns == PANELS_A_ROW) {
            shorten_names(&panels->names);
            shorten_losses(panels, room_px);
        }
        print_texts(out, "panel_name", &panels->names);
        fprintf(out, "name_length = %zu\n", longest_of(&panels->names));
        print_numbers(out, "panel_style", &panels->styles);
        print_texts(out, "panel_loss", &panels->losses);
        print_numbers(out, "panel_works", &panels->works);
        if (panels->lanes.count)
            print_numbers(out, "panel_lanes", &panels->lanes);
    }
    names_free(&panels->names);
    names_free(&panels->styles);
    names_free(&panels->losses);
    names_free(&panels->works);
    names_free(&panels->lanes);
    free(panels->rows);
    return count ? 0 : -ENODATA;
}

/* ---- faults ---- */

/* Worker numbers there are at any time, in any cell. */
static unsigned most_workers(const struct drawing *drawing)
{
    unsigned most = 1;
    for (unsigned i = 0; i < drawing->summary->row_count; i++)
        if (chart_shows(drawing, &drawing->summary->rows[i], false) && drawing->summary->rows[i].workers > most)
            most = drawing->summary->rows[i].workers;
    for (unsigned i = 0; i < drawing->experiment->schedule.count; i++) {
        const struct fault *fault = &drawing->experiment->schedule.faults[i];
        most = fault->kind == FAULT_SCALE && fault->number > most ? fault->number : most;
    }
    return most;
}

/* Lines of the legend, each as long as 800 pixels take. */
static void print_legend(FILE *out, const struct names *texts)
{
    char *lines[LEGEND_LINES] = {text_copy(""), text_copy("")};
    unsigned line = 0;
    for (size_t i = 0; i < texts->count; i++) {
        if (*lines[line] && strlen(lines[line]) + strlen(texts->items[i]) > LEGEND_LENGTH && line + 1 < LEGEND_LINES)
            line++;
        text_replace(&lines[line], text_print("%s%s%s", lines[line], *lines[line] ? "     " : "", texts->items[i]));
    }
    for (unsigned i = 0; i < LEGEND_LINES; i++) {
        char *name = text_print("fault_key%u", i + 1);
        chart_print_text(out, name, lines[i]);
        free(name);
        free(lines[i]);
    }
}

/* What is done at the same moment has one number: "2  kill worker 0, kill worker 1 at 4.5s". */
static void name_faults(const struct occasion *occasions, unsigned count, struct names *texts, FILE *out)
{
    unsigned groups = 0;
    for (unsigned i = 0, next; i < count; i = next) {
        char *what = text_copy(occasions[i].fault->text);
        for (next = i + 1; next < count && occasions[next].at_ns == occasions[i].at_ns; next++)
            text_replace(&what, text_print("%s, %s", what, occasions[next].fault->text));
        if (++groups <= FAULTS_SHOWN) {
            char *text = text_print("%u  %s at %gs", groups, what, (double)occasions[i].at_ns / 1e9);
            names_add(texts, text);
            free(text);
            fprintf(out, "fault_number[%u] = %u\n", i + 1, groups);
        }
        free(what);
    }
}

/* Of the one that stands still meanwhile: its lane, fronts behind the workers; -1 when nobody does, or all do. */
static int lane_of_fault(const struct drawing *drawing, const struct fault *fault)
{
    if ((fault->kind != FAULT_STOP && fault->kind != FAULT_SLOW) || fault->target == TARGET_SERVER)
        return -1;
    return (int)(fault->number + (fault->target == TARGET_FRONT ? most_workers(drawing) : 0));
}

/* done_at[(panel - 1) * faults + fault] and its like: when it was done there; done_badly: 1 in some cells it was not, 2 in none it
 * was. panel_together: what is done to one worker there is done to all, for they are one process. */
static void print_done(const struct panels *panels, const struct drawing *drawing, bool one_block, const struct occasion *occasions,
                       unsigned count)
{
    FILE *out = drawing->script;
    size_t size = panels->names.count * count;
    fprintf(out, "array done_at[%zu]\narray done_until[%zu]\narray done_badly[%zu]\n", size + !size, size + !size, size + !size);
    fprintf(out, "array panel_together[%zu]\n", panels->names.count + !panels->names.count);
    for (size_t p = 0, k = 1; p < panels->names.count; p++) {
        struct done *done = chart_read_done(drawing, panels->rows[p], one_block, occasions, count);
        fprintf(out, "panel_together[%zu] = %d\n", p + 1, count && done[0].together);
        for (unsigned i = 0; i < count; i++, k++)
            fprintf(out, "done_at[%zu] = %.4g; done_until[%zu] = %.4g; done_badly[%zu] = %d\n", k, done[i].at_s, k, done[i].until_s,
                    k,
                    !done[i].failed       ? 0
                    : done[i].carried_out ? 1
                                          : 2);
        free(done);
    }
}

/* The experiment's events: what they are and when they were due, for the legend; when they were done, a panel each. */
static void print_faults(const struct panels *panels, const struct drawing *drawing, bool one_block)
{
    struct occasion *occasions;
    struct names texts = {0};
    FILE *out = drawing->script;
    unsigned count = schedule_occasions(&drawing->experiment->schedule, drawing->experiment->duration_ns, &occasions);
    unsigned size = count + !count;
    fprintf(out, "faults = %u\narray fault_number[%u]\narray fault_lane[%u]\n", count, size, size);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "fault_number[%u] = 0; fault_lane[%u] = %d\n", i + 1, i + 1, lane_of_fault(drawing, occasions[i].fault));
    print_done(panels, drawing, one_block, occasions, count);
    name_faults(occasions, count, &texts, out);
    print_legend(out, &texts);
    names_free(&texts);
    free(occasions);
}

/* ---- heat ---- */

struct heat {
    unsigned ticks, cells;
    double *counts; /* ticks * STEPS_MOST */
};

static void add_heat(struct heat *heat, double at_s, double edge_us, double count)
{
    long tick = lround(at_s / TICK_S), step = lround(STEPS * log10(fmax(edge_us, 1)));
    if (tick >= 0 && tick < (long)heat->ticks && step >= 0 && step < (long)STEPS_MOST)
        heat->counts[(size_t)tick * STEPS_MOST + (size_t)step] += count;
}

static void read_heat(struct heat *heat, const char *path)
{
    struct csv csv;
    double at_s, edge_us, count;
    if (csv_open(&csv, path) < 0)
        return;
    while (csv_next(&csv))
        if (csv_number(&csv, 0, &at_s) && csv_number(&csv, 1, &edge_us) && csv_number(&csv, 2, &count))
            add_heat(heat, at_s, edge_us, count);
    csv_close(&csv);
    heat->cells++;
}

struct span {
    unsigned low, high; /* steps of latency that anybody needed */
    double top;         /* most responses in a place of the grid */
};

static void collect_heat(const struct drawing *drawing, const struct row *row, struct heat *heat, struct span *span)
{
    double ticks = fmin(duration_s(drawing) / TICK_S + 0.5, TICKS_MOST);
    *heat = (struct heat){.ticks = (unsigned)ticks};
    heat->counts = memory_get((size_t)heat->ticks * STEPS_MOST * sizeof(*heat->counts) + 1);
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        char *path = chart_cell_path(drawing, cell, "heat.csv");
        read_heat(heat, path);
        free(path);
    }
    for (unsigned i = 0; i < heat->ticks * STEPS_MOST; i++)
        if (heat->counts[i] > 0) {
            span->low = i % STEPS_MOST < span->low ? i % STEPS_MOST : span->low;
            span->high = i % STEPS_MOST > span->high ? i % STEPS_MOST : span->high;
            span->top = fmax(span->top, heat->counts[i] / heat->cells);
        }
}

/* Errors by interval of one block, a line each; NaN when there are none: gnuplot wants a point. */
static void print_errors(const struct drawing *drawing, const struct series *series)
{
    bool any = false;
    for (unsigned i = 0; i < series->count; i++)
        if (series->rows[i].errors > 0) {
            fprintf(drawing->data, "%.2f %.0f\n", series->rows[i].from_s, series->rows[i].errors);
            any = true;
        }
    fputs(any ? "\n\n" : "NaN NaN\n\n\n", drawing->data);
}

static int read_series(const struct drawing *drawing, const struct cell_record *cell, struct series *series)
{
    char *path = chart_cell_path(drawing, cell, "series.jsonl");
    int result = series_read(series, path, duration_s(drawing));
    free(path);
    return result;
}

/* When anybody lost anything, in any block. */
static void print_all_errors(const struct drawing *drawing, const struct row *row)
{
    struct series all = {0}, one;
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        if (read_series(drawing, cell, &one) < 0)
            continue;
        if (!all.count) {
            all = one;
            continue;
        }
        for (unsigned i = 0; i < all.count && i < one.count; i++)
            all.rows[i].errors += one.rows[i].errors;
        series_free(&one);
    }
    print_errors(drawing, &all);
    series_free(&all);
}

/* The grid of one panel: every place of it, for gnuplot draws an image of whole rows. The report reads it, too: html_heat.c. */
static void print_heat(const struct drawing *drawing, const char *label, const struct heat *heat, const struct span *span)
{
    fprintf(drawing->data, "# %s\n", label);
    for (unsigned step = span->low; step <= span->high; step++)
        for (unsigned tick = 0; tick < heat->ticks; tick++) {
            double count = heat->counts[(size_t)tick * STEPS_MOST + step] / heat->cells;
            fprintf(drawing->data, "%.2f %.2f ", (tick + 0.5) * TICK_S, (step + 0.5) / STEPS - 3); /* from us to ms */
            if (count > 0)
                fprintf(drawing->data, "%.3g\n", log10(count));
            else
                fputs("NaN\n", drawing->data);
        }
    fputs("\n\n", drawing->data);
}

static int write_heat(struct drawing *drawing)
{
    struct panels panels = {0};
    struct span span = {STEPS_MOST - 1, 0, 1};
    unsigned count = drawing->summary->row_count;
    struct heat *heats = memory_get((count + 1) * sizeof(*heats));
    for (unsigned i = 0; i < count; i++)
        if (chart_shows(drawing, &drawing->summary->rows[i], false))
            collect_heat(drawing, &drawing->summary->rows[i], &heats[i], &span);
    fputs("# a strategy, its name first: time_s log10(response_time_ms) log10(responses in 100 ms, the mean of the blocks); then: "
          "time_s errors\n",
          drawing->data);
    for (unsigned i = 0; i < count; i++) {
        if (heats[i].cells && span.low <= span.high) {
            add_panel(&panels, drawing, &drawing->summary->rows[i]);
            print_heat(drawing, panels.names.items[panels.names.count - 1], &heats[i], &span);
            print_all_errors(drawing, &drawing->summary->rows[i]);
        }
        free(heats[i].counts);
    }
    free(heats);
    fprintf(drawing->script, "low = %g\nhigh = %g\ncount_low = %g\ncount_high = %g\n", (double)span.low / STEPS - 3,
            (span.high + 1.0) / STEPS - 3, -log10(fmax(1, drawing->summary->block_count)), log10(span.top));
    print_faults(&panels, drawing, false);
    drawing->subtitle = text_copy("red marks: requests failed here; x: not done; lost: median of the blocks and its interval");
    return end_panels(&panels, drawing, "Heat maps of response time by time, one a strategy; requests lost a run:", 190, 197);
}

const struct chart_kind chart_heat = {"heat", "Response times, moment by moment", true, write_heat};

/* ---- lanes ---- */

static const char *const states[] = {"starting", "up", "draining", "down"};

#define STATES     (sizeof(states) / sizeof(*states))
#define STATE_UP   1
#define LANES_MOST 4096 /* 1024 workers, and fronts; a file may say anything */

static int find_state(const char *name)
{
    for (size_t i = 0; i < STATES; i++)
        if (!strcmp(states[i], name))
            return (int)i;
    return -1;
}

/* Workers' numbers, then fronts behind them. */
static double lane_of(const char *worker, unsigned workers)
{
    bool front = !strncmp(worker, "front-", 6);
    return strtod(front ? worker + 6 : worker, NULL) + (front ? workers : 0);
}

/* Where the bar before ended, by lane. */
struct ends {
    double *at_s;
    unsigned count;
};

/* Where the lane's bar before ended, NaN where there was none; and takes down where this one ends. */
static double swap_end(struct ends *ends, unsigned lane, double to_s)
{
    if (lane >= ends->count) {
        ends->at_s = memory_grow(ends->at_s, (lane + 1) * sizeof(*ends->at_s));
        while (ends->count <= lane)
            ends->at_s[ends->count++] = NAN;
    }
    double before_s = ends->at_s[lane];
    ends->at_s[lane] = to_s;
    return before_s;
}

/* Where one process took over from another between two looks there is a mark, or else nothing would be seen of it. */
static bool print_lanes(const struct drawing *drawing, struct csv *csv, double *lanes)
{
    unsigned workers = most_workers(drawing);
    struct ends ends = {0};
    bool changed = false;
    double from_s, to_s;
    while (csv_next(csv)) {
        int state = find_state(csv_text(csv, 2));
        if (state < 0 || !csv_number(csv, 3, &from_s) || !csv_number(csv, 4, &to_s))
            continue;
        from_s = fmax(from_s, 0);
        to_s = fmin(to_s, duration_s(drawing));
        if (from_s >= to_s)
            continue;
        double lane = lane_of(csv_text(csv, 0), workers);
        if (!(lane >= 0 && lane < LANES_MOST))
            continue;
        double before_s = state == STATE_UP ? swap_end(&ends, (unsigned)lane, to_s) : NAN;
        fprintf(drawing->data, "%g %.4f %.4f %d\n", lane, from_s, to_s, state);
        if (before_s == from_s)
            fprintf(drawing->data, "%g %.4f %.4f %d\n", lane, from_s, from_s, (int)STATES);
        changed |= before_s == from_s;
        *lanes = fmax(*lanes, lane + 1);
    }
    free(ends.at_s);
    fputs("NaN NaN NaN NaN\n\n\n", drawing->data);
    return changed;
}

static void print_rates(const struct drawing *drawing, const struct series *series, double *top)
{
    for (unsigned i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        double rate = row->length_s > 0 ? row->requests / row->length_s : 0;
        fprintf(drawing->data, "%.2f %.1f\n", row->from_s + row->length_s / 2, rate);
        *top = fmax(*top, rate);
    }
    fputs("\n\n", drawing->data);
}

struct extent {
    double lanes, top;
    bool changed; /* a process took over from another, unseen but for a mark */
};

static bool print_panel(const struct drawing *drawing, const struct cell_record *cell, double *lanes, struct extent *extent)
{
    char *path = chart_cell_path(drawing, cell, "lanes.csv");
    struct series series = {0};
    struct csv csv;
    bool good = read_series(drawing, cell, &series) == 0 && series.count && csv_open(&csv, path) == 0;
    if (good) {
        extent->changed |= print_lanes(drawing, &csv, lanes);
        print_rates(drawing, &series, &extent->top);
        print_errors(drawing, &series);
        csv_close(&csv);
    }
    series_free(&series);
    free(path);
    return good;
}

static int write_lanes(struct drawing *drawing)
{
    struct panels panels = {0};
    struct extent extent = {.lanes = 1, .top = 1};
    fputs("# a strategy: lane from_s to_s state(0 starting, 1 up, 2 draining, 3 down, 4 another process); then: time_s "
          "requests_per_s; then: time_s "
          "errors\n",
          drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, false))
            continue;
        const struct cell_record *cell = chart_next_cell(drawing, row, NULL);
        double lanes = row->workers;
        if (!cell || !print_panel(drawing, cell, &lanes, &extent))
            continue;
        add_panel(&panels, drawing, row);
        add_number(&panels.lanes, lanes);
        extent.lanes = fmax(extent.lanes, lanes);
    }
    fprintf(drawing->script, "lanes = %g\nworkers = %u\ntop = %g\n", extent.lanes, most_workers(drawing), extent.top);
    print_faults(&panels, drawing, true);
    drawing->subtitle = text_print("lanes and rates of one block; x: not done; %slost: median of the blocks and its interval",
                                   extent.changed ? "white: another process; " : "");
    return end_panels(&panels, drawing,
                      "Lanes of the workers above requests per second, one panel a strategy; requests lost a run:", 230, 218);
}

const struct chart_kind chart_lanes = {"lanes", "Workers that come and go, and what clients get", true, write_lanes};

/* ---- fairness ---- */

static const double windows_s[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60};

#define WINDOWS (sizeof(windows_s) / sizeof(*windows_s))

/* Shorter than half of the run: two windows at least. The last one is the whole run. */
static unsigned count_windows(double length_s)
{
    unsigned count = 0;
    while (count < WINDOWS && windows_s[count] <= length_s / 2)
        count++;
    return count + 1;
}

static void print_fairness(const struct drawing *drawing, const struct row *row, double *whole)
{
    double length_s = duration_s(drawing);
    unsigned windows = count_windows(length_s), stride = drawing->summary->results->cell_count, cells = 0;
    double *values = memory_get(((size_t)windows * stride + 1) * sizeof(*values));
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        struct series series;
        if (read_series(drawing, cell, &series) < 0)
            continue;
        for (unsigned w = 0; w < windows; w++)
            values[w * stride + cells] = series_jain(&series, w + 1 < windows ? windows_s[w] : INFINITY, row->workers);
        cells++;
        series_free(&series);
    }
    for (unsigned w = 0; w < windows && cells; w++) {
        struct estimate jain = estimate_of(values + (size_t)w * stride, cells);
        *whole = jain.median;
        if (isfinite(jain.median))
            fprintf(drawing->data, "%g %.5f %.5f %.5f\n", w + 1 < windows ? windows_s[w] : length_s, jain.median,
                    isfinite(jain.low) ? jain.low : jain.median, isfinite(jain.high) ? jain.high : jain.median);
    }
    free(values);
    fputs("NaN NaN NaN NaN\n\n\n", drawing->data);
}

static int write_fairness(struct drawing *drawing)
{
    struct panels panels = {0};
    unsigned most = 1;
    fputs("# a strategy: window_s jain low high (the mean over the windows, the median over the blocks)\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        double whole = NAN;
        if (!chart_shows(drawing, row, false) || !row->measured || row->workers < 2)
            continue;
        print_fairness(drawing, row, &whole);
        add_panel(&panels, drawing, row);
        text_replace(&panels.losses.items[panels.losses.count - 1], text_print("%.2f", whole));
        most = row->workers > most ? row->workers : most;
    }
    fprintf(drawing->script, "least = %g\n", 1.0 / most);
    drawing->subtitle = text_copy("bars: interval of the median");
    int result = end_panels(&panels, drawing,
                            "Jain's index of fairness by length of window, one curve a strategy; over the whole run:", 0, 0);
    fputs("height = 460\n", drawing->script);
    return result;
}

const struct chart_kind chart_fairness = {"fairness", "How even are the shares of the workers, looked at for how long?", true,
                                          write_fairness};
