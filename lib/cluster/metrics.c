/*
 * GET /metrics: the text format of Prometheus, version 0.0.4. A family a figure: HELP, TYPE, then its samples; seconds and bytes;
 * what only grows ends in _total.
 *
 * Counters are a series a place, worker="3", and hold what all its lives have counted: they never fall when a worker is replaced,
 * and those of role="worker" add up to "total" of /status. Gauges are those of who lives now.
 */
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/admin.h"
#include "cluster/usage.h"

#define PREFIX      "clusterbench_"
#define LABELS_SIZE 64

struct metrics {
    const struct primary *primary;
    FILE *out;
};

/* ---- the format ---- */

enum kind { COUNTER, GAUGE, HISTOGRAM };

static void family(FILE *out, const char *name, enum kind kind, const char *help)
{
    static const char *const kinds[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, kinds[kind]);
}

static void count(FILE *out, const char *name, const char *labels, uint64_t value)
{
    fprintf(out, PREFIX "%s%s%s%s %llu\n", name, *labels ? "{" : "", labels, *labels ? "}" : "", (unsigned long long)value);
}

/* Seconds with all their digits: a double would lose some after 104 days of nanoseconds. */
static void seconds(FILE *out, const char *name, const char *labels, uint64_t ns)
{
    fprintf(out, PREFIX "%s%s%s%s %llu.%09llu\n", name, *labels ? "{" : "", labels, *labels ? "}" : "",
            (unsigned long long)(ns / CLOCK_NS_PER_S), (unsigned long long)(ns % CLOCK_NS_PER_S));
}

static const char *labels_of(enum worker_role role, unsigned index, char labels[LABELS_SIZE])
{
    snprintf(labels, LABELS_SIZE, "worker=\"%u\",role=\"%s\"", index, role_name(role));
    return labels;
}

/* ---- the program as a whole ---- */

static void print_program(const struct metrics *metrics)
{
    const struct primary *primary = metrics->primary;
    FILE *out = metrics->out;
    char labels[160];
    snprintf(labels, sizeof labels, "strategy=\"%s\",version=\"%s\",libuv=\"%s\"", primary->strategy->name, CLUSTERBENCH_VERSION,
             uv_version_string());
    family(out, "info", GAUGE, "What runs here; always 1.");
    count(out, "info", labels, 1);
    family(out, "start_time_seconds", GAUGE, "When the program was started, since 1970-01-01 UTC.");
    seconds(out, "start_time_seconds", "", primary->admin.start_time_ns);
    family(out, "draining", GAUGE, "Whether the program is on its way to its end (1) or serves (0).");
    count(out, "draining", "", primary->draining);
    family(out, "workers_wanted", GAUGE, "How many workers there are to be.");
    count(out, "workers_wanted", "", primary->worker_count);
}

static void print_reloads(const struct metrics *metrics)
{
    const struct reload *reload = &metrics->primary->reload;
    FILE *out = metrics->out;
    family(out, "reload_running", GAUGE, "Whether workers are being replaced one after the other.");
    count(out, "reload_running", "", reload->running);
    family(out, "reloads_total", COUNTER, "Reloads, by how they ended.");
    count(out, "reloads_total", "result=\"done\"", reload->done);
    count(out, "reloads_total", "result=\"aborted\"", reload->aborted);
}

static void print_primary(const struct metrics *metrics)
{
    struct usage usage = {0};
    FILE *out = metrics->out;
    if (usage_read(getpid(), 0, &usage) != 0)
        return;
    family(out, "primary_cpu_seconds_total", COUNTER, "CPU time of the primary process, all its threads.");
    seconds(out, "primary_cpu_seconds_total", "", (usage.cpu_user_us + usage.cpu_system_us) * CLOCK_NS_PER_US);
    family(out, "primary_resident_memory_bytes", GAUGE, "Resident memory of the primary process.");
    count(out, "primary_resident_memory_bytes", "", usage.rss_bytes);
}

/* ---- places: what the primary knows of them ---- */

static uint64_t ready_of(const struct place *place)
{
    return place_serves(place);
}

static uint64_t restarts_of(const struct place *place)
{
    return place->restarts;
}

static uint64_t errored_of(const struct place *place)
{
    return place->errored;
}

static void print_places(const struct metrics *metrics)
{
    static const struct {
        const char *name, *help;
        enum kind kind;
        uint64_t (*read)(const struct place *place);
    } rows[] = {
        {"worker_ready", "Whether it serves: 0 or 1.", GAUGE, ready_of},
        {"worker_errored", "Whether it was given up after too many short lives: 0 or 1.", GAUGE, errored_of},
        {"worker_restarts_total", "Lives begun because the one before had ended unasked.", COUNTER, restarts_of},
    };
    char labels[LABELS_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        family(metrics->out, rows[i].name, rows[i].kind, rows[i].help);
        for (const struct place *place = place_next(metrics->primary, NULL); place; place = place_next(metrics->primary, place))
            count(metrics->out, rows[i].name, labels_of(place->role, place->index, labels), rows[i].read(place));
    }
}

/* ---- lives: what the kernel knows of them ---- */

/* Of all lives in the place: two of them while one takes over from the other. */
static struct usage usage_of(const struct place *place)
{
    struct usage sum = {0}, usage;
    for (const struct list *link = place->lives.next; link != &place->lives; link = link->next) {
        const struct scoreboard_slot *slot = list_entry(link, struct life, link)->slot;
        if (!slot || slot->pid <= 0 || usage_read(slot->pid, slot->tid, &usage) != 0)
            continue;
        sum.cpu_user_us += usage.cpu_user_us;
        sum.cpu_system_us += usage.cpu_system_us;
        sum.rss_bytes += usage.rss_bytes;
        sum.pss_bytes += usage.pss_bytes;
    }
    return sum;
}

static void print_memory(const struct metrics *metrics, const struct usage *usages)
{
    const struct primary *primary = metrics->primary;
    const struct place *place;
    char labels[LABELS_SIZE];
    unsigned i = 0;
    family(metrics->out, "worker_resident_memory_bytes", GAUGE, "Resident memory of its process, shared pages included.");
    for (place = place_next(primary, NULL); place; place = place_next(primary, place))
        count(metrics->out, "worker_resident_memory_bytes", labels_of(place->role, place->index, labels), usages[i++].rss_bytes);
    i = 0;
    family(metrics->out, "worker_proportional_memory_bytes", GAUGE, "The same, each shared page divided by who shares it.");
    for (place = place_next(primary, NULL); place; place = place_next(primary, place))
        count(metrics->out, "worker_proportional_memory_bytes", labels_of(place->role, place->index, labels),
              usages[i++].pss_bytes);
}

/* Threads have no memory of their own: theirs is the primary's. */
static void print_usage(const struct metrics *metrics)
{
    const struct primary *primary = metrics->primary;
    struct usage *usages = calloc(PLACES_MAX, sizeof *usages);
    char labels[LABELS_SIZE];
    unsigned i = 0;
    if (!usages)
        return;
    family(metrics->out, "worker_cpu_seconds_total", COUNTER, "CPU time of its loop's thread, in its present life.");
    for (const struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        usages[i] = usage_of(place);
        seconds(metrics->out, "worker_cpu_seconds_total", labels_of(place->role, place->index, labels),
                (usages[i].cpu_user_us + usages[i].cpu_system_us) * CLOCK_NS_PER_US);
        i++;
    }
    if (primary->strategy->place == PROCESSES)
        print_memory(metrics, usages);
    free(usages);
}

/* ---- counters ---- */

/* How a counter is shown where its name alone does not say it. Rows of one family have its help at the first of them. */
static const struct shown {
    const char *counter, *family, *label, *help;
    enum kind kind;
} shown[] = {
    {"accepted", "connections_accepted_total", "", "Connections taken.", COUNTER},
    {"active", "connections_active", "", "Connections open now.", GAUGE},
    {"responses_1xx", "responses_total", ",code=\"1xx\"", "Responses, by the class of their status.", COUNTER},
    {"responses_2xx", "responses_total", ",code=\"2xx\"", "", COUNTER},
    {"responses_3xx", "responses_total", ",code=\"3xx\"", "", COUNTER},
    {"responses_4xx", "responses_total", ",code=\"4xx\"", "", COUNTER},
    {"responses_5xx", "responses_total", ",code=\"5xx\"", "", COUNTER},
    {"bytes_in", "received_bytes_total", "", "Bytes read from clients.", COUNTER},
    {"bytes_out", "sent_bytes_total", "", "Bytes written to clients.", COUNTER},
    {"errors_read", "errors_total", ",kind=\"read\"",
     "Connections that broke (read, write), requests refused (parse), time-outs, failed accepts.", COUNTER},
    {"errors_write", "errors_total", ",kind=\"write\"", "", COUNTER},
    {"errors_parse", "errors_total", ",kind=\"parse\"", "", COUNTER},
    {"errors_timeout", "errors_total", ",kind=\"timeout\"", "", COUNTER},
    {"errors_accept", "errors_total", ",kind=\"accept\"", "", COUNTER},
    {"session_hits", "session_visits_total", ",result=\"hit\"", "Visits of /session, by whether the session was known.", COUNTER},
    {"session_misses", "session_visits_total", ",result=\"miss\"", "", COUNTER},
    {"cache_hits", "cache_answers_total", ",result=\"hit\"", "Answers of /api/products, by where they came from.", COUNTER},
    {"cache_misses", "cache_answers_total", ",result=\"miss\"", "", COUNTER},
    {"cache_collapsed", "cache_answers_total", ",result=\"collapsed\"", "", COUNTER},
    {"loop_lag_ns", "loop_lag_seconds", "", "How late the last housekeeping tick came.", GAUGE},
    {"loop_lag_max_ns", "loop_lag_max_seconds", "", "The latest it ever came, in the present life.", GAUGE},
};

/* One counter of the table, and how it is shown. */
struct column {
    const char *name, *help;
    size_t offset;
    char family[64];
    const char *label;
    enum kind kind;
    bool is_time;
};

#define COLUMN(name, help) {#name, help, offsetof(struct counters, name), "", "", COUNTER, false},
static const struct column all_columns[] = {COUNTERS_TABLE(COLUMN)};
#undef COLUMN
#define COLUMNS (sizeof all_columns / sizeof *all_columns)

static const struct shown *find_shown(const char *name)
{
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strcmp(shown[i].counter, name) == 0)
            return &shown[i];
    return NULL;
}

/* A counter without a row above: its own name with its unit, and its own help. */
static void name_column(struct column *column)
{
    const struct shown *row = find_shown(column->name);
    size_t length = strlen(column->name);
    column->is_time = length > 3 && strcmp(column->name + length - 3, "_ns") == 0;
    if (row) {
        snprintf(column->family, sizeof column->family, "%s", row->family);
        column->label = row->label;
        column->help = row->help;
        column->kind = row->kind;
        return;
    }
    snprintf(column->family, sizeof column->family, "%.*s%s_total", (int)(column->is_time ? length - 3 : length), column->name,
             column->is_time ? "_seconds" : "");
}

static void print_cell(const struct metrics *metrics, const struct column *column, const struct counters *counters,
                       const char *labels)
{
    uint64_t value = counter_read((const counter *)((const char *)counters + column->offset));
    char all[2 * LABELS_SIZE];
    snprintf(all, sizeof all, "%s%s", labels, column->label);
    if (column->is_time)
        seconds(metrics->out, column->family, all, value);
    else
        count(metrics->out, column->family, all, value);
}

/* ---- places: what they have counted and how long it took ---- */

struct account {
    struct scoreboard_past sums;
    char labels[LABELS_SIZE];
};

/* Of every place that ever had a life, workers first. The caller frees; NULL without memory. */
static struct account *take_accounts(const struct scoreboard *scoreboard, unsigned *number)
{
    struct account *accounts = calloc(scoreboard->workers_ever + scoreboard->fronts_ever + 1, sizeof *accounts);
    *number = 0;
    for (unsigned role = ROLE_WORKER; accounts && role <= ROLE_FRONT; role++)
        for (unsigned i = 0; i < (role == ROLE_WORKER ? scoreboard->workers_ever : scoreboard->fronts_ever); i++) {
            struct account *account = &accounts[(*number)++];
            scoreboard_sum_place(scoreboard, (enum worker_role)role, i, &account->sums);
            labels_of((enum worker_role)role, i, account->labels);
        }
    return accounts;
}

/* All columns of the family that columns[first] begins. */
static void print_counter_family(const struct metrics *metrics, const struct column *columns, size_t first,
                                 const struct account *accounts, unsigned number)
{
    const char *name = columns[first].family;
    family(metrics->out, name, columns[first].kind, columns[first].help[0] ? columns[first].help : name);
    for (unsigned i = 0; i < number; i++)
        for (size_t j = first; j < COLUMNS; j++)
            if (strcmp(columns[j].family, name) == 0)
                print_cell(metrics, &columns[j], &accounts[i].sums.counters, accounts[i].labels);
}

static bool is_first_of_family(const struct column *columns, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(columns[i].family, columns[at].family) == 0)
            return false;
    return true;
}

static void print_counters(const struct metrics *metrics, const struct account *accounts, unsigned number)
{
    struct column columns[COLUMNS];
    memcpy(columns, all_columns, sizeof columns);
    for (size_t i = 0; i < COLUMNS; i++)
        name_column(&columns[i]);
    for (size_t i = 0; i < COLUMNS; i++)
        if (is_first_of_family(columns, i))
            print_counter_family(metrics, columns, i, accounts, number);
}

static void print_timings(FILE *out, const struct timings *timings, const char *labels)
{
    static const uint64_t steps[] = {10, 25, 50};
    char with_edge[2 * LABELS_SIZE];
    for (uint64_t unit = CLOCK_NS_PER_US / 10; unit <= 10 * CLOCK_NS_PER_S; unit *= 10)
        for (size_t i = 0; i < sizeof steps / sizeof *steps && unit * steps[i] <= 100 * CLOCK_NS_PER_S; i++) {
            uint64_t edge_ns = unit * steps[i];
            snprintf(with_edge, sizeof with_edge, "%s,le=\"%g\"", labels, (double)edge_ns / 1e9);
            count(out, "service_time_seconds_bucket", with_edge, timings_count_up_to(timings, edge_ns));
        }
    snprintf(with_edge, sizeof with_edge, "%s,le=\"+Inf\"", labels);
    count(out, "service_time_seconds_bucket", with_edge, timings_count(timings));
    seconds(out, "service_time_seconds_sum", labels, counter_read(&timings->sum_ns));
    count(out, "service_time_seconds_count", labels, timings_count(timings));
}

static void print_accounts(const struct metrics *metrics)
{
    unsigned number;
    struct account *accounts = take_accounts(metrics->primary->scoreboard, &number);
    if (!accounts)
        return;
    print_counters(metrics, accounts, number);
    family(metrics->out, "service_time_seconds", HISTOGRAM,
           "From the whole request to its answer. Sampled: of answers given on the spot 1 in 16.5 is timed and counts for those "
           "between; "
           "all others are timed.");
    for (unsigned i = 0; i < number; i++)
        if (strstr(accounts[i].labels, "role=\"worker\""))
            print_timings(metrics->out, &accounts[i].sums.timings, accounts[i].labels);
    free(accounts);
}

void metrics_print(const struct primary *primary, FILE *out)
{
    const struct metrics metrics = {primary, out};
    print_program(&metrics);
    print_reloads(&metrics);
    print_primary(&metrics);
    print_places(&metrics);
    print_usage(&metrics);
    print_accounts(&metrics);
}
