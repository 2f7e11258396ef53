/*
 * Counts in tables: 100 columns are enough for them, whatever a server calls its workers.
 */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/report/text_parts.h"

#define ID_LEAST     6 /* columns of a worker's id or a kind's name */
#define ID_MOST      24
#define BAR_MOST     20
#define STATUS_FIRST 200 /* the one status of which nobody wants to read */

char *text_bar(uint64_t count, uint64_t most, unsigned width, char bar[BAR_SIZE])
{
    unsigned length = most ? (unsigned)((double)width * (double)count / (double)most + 0.5) : 0;
    length = length == 0 && count > 0 ? 1 : length;
    memset(bar, '#', length);
    bar[length] = '\0';
    return bar;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* The ends of what is too long say more than its beginning alone. */
static const char *shorten(const char *name, char text[ID_MOST + 1])
{
    size_t length = strlen(name), half = (ID_MOST - 2) / 2;
    if (length <= ID_MOST)
        return name;
    snprintf(text, ID_MOST + 1, "%.*s..%s", (int)half, name, name + length - half);
    return text;
}

static unsigned width_for(unsigned width, const char *name)
{
    size_t length = strlen(name) < ID_MOST ? strlen(name) : ID_MOST;
    return length > width ? (unsigned)length : width;
}

/* ---- what came back ---- */

void print_statuses(const struct summary *summary, FILE *out)
{
    const uint64_t *status = summary->stats.status;
    char bar[BAR_SIZE];
    if (status[STATUS_FIRST] == summary_responses(summary))
        return;
    fprintf(out, "  Status      count   share\n");
    for (unsigned i = 0; i < STATUS_MAX; i++)
        if (status[i])
            fprintf(out, "  %6u %10llu  %5.1f%%  %s\n", i, (unsigned long long)status[i],
                    percent(status[i], summary_responses(summary)), text_bar(status[i], summary_responses(summary), BAR_MOST, bar));
}

static const char *reason_of(const struct stats *stats, enum error_kind kind)
{
    if (kind == ERROR_MALFORMED)
        return "not an HTTP/1.x response, or bytes nobody asked for";
    if (kind == ERROR_TIMEOUT)
        return "no response within --timeout";
    if (kind == ERROR_IDLE_CLOSED)
        return "the server closed an idle connection as a request was sent";
    return stats->last_error[kind] ? strerror(-stats->last_error[kind]) : "closed by the server";
}

void print_errors(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        sum += stats->errors[kind];
    if (sum == 0)
        return;
    fprintf(out, "  Error           count   the last one\n");
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        if (stats->errors[kind])
            fprintf(out, "  %-11s %9llu   %s%s\n", error_names[kind], (unsigned long long)stats->errors[kind],
                    reason_of(stats, kind), kind == ERROR_LOCAL ? " (on this side: not the server's)" : "");
}

void print_failed_checks(const struct summary *summary, FILE *out)
{
    const uint64_t *failed = summary->stats.check_failed;
    const char *between = "  Failed checks: ";
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++) {
        if (failed[kind] == 0)
            continue;
        fprintf(out, "%s%s %llu", between, check_names[kind], (unsigned long long)failed[kind]);
        between = ", ";
    }
    if (*between == ',')
        fputc('\n', out);
}

/* ---- who and what ---- */

static void print_time_cell(FILE *out, const struct histogram *times, double percentile)
{
    char text[UNITS_TEXT_SIZE];
    fprintf(out, " %8s", times->total ? units_print_time(us_to_ns(histogram_percentile(times, percentile)), text) : "-");
}

void print_kinds(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    unsigned width = ID_LEAST;
    char name[ID_MOST + 1];
    if (!stats->kinds || stats->kind_count < 2)
        return;
    for (unsigned i = 0; i < stats->kind_count; i++)
        width = width_for(width, summary->settings->mix.kinds[i].name);
    fprintf(out, "  %-*s  requests   share      p50      p99   not ok\n", (int)width, "Kind");
    for (unsigned i = 0; i < stats->kind_count; i++) {
        const struct kind_stats *kind = &stats->kinds[i];
        fprintf(out, "  %-*s %9llu  %5.1f%%", (int)width, shorten(summary->settings->mix.kinds[i].name, name),
                (unsigned long long)kind->requests, percent(kind->requests, summary_responses(summary)));
        print_time_cell(out, &kind->response, 50);
        print_time_cell(out, &kind->response, 99);
        fprintf(out, " %8llu\n", (unsigned long long)kind->not_ok);
    }
}

struct worker_table {
    unsigned width, bar_width;
    uint64_t most;
    bool has_errors;
};

static bool is_shown(const struct stats *stats, unsigned index)
{
    return index > 0 || stats->backends[0]->requests > 0;
}

static struct worker_table lay_out(const struct stats *stats)
{
    struct worker_table table = {.width = ID_LEAST};
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        if (!is_shown(stats, i))
            continue;
        table.width = width_for(table.width, backend->id);
        table.most = backend->requests > table.most ? backend->requests : table.most;
        table.has_errors |= backend->errors + backend->http_errors > 0;
    }
    table.bar_width = BAR_MOST + ID_LEAST - table.width; /* an id takes its room from the bars */
    table.bar_width = table.bar_width > BAR_MOST || table.bar_width < 8 ? 8 : table.bar_width;
    return table;
}

static void print_worker(const struct summary *summary, const struct worker_table *table, const struct backend *backend, FILE *out)
{
    char bar[BAR_SIZE], name[ID_MOST + 1];
    fprintf(out, "  %*s %12llu %9llu  %5.1f%%", (int)table->width, shorten(backend->id, name),
            (unsigned long long)backend->connections, (unsigned long long)backend->requests,
            percent(backend->requests, summary_responses(summary)));
    print_time_cell(out, &backend->response, 50);
    print_time_cell(out, &backend->response, 99);
    if (table->has_errors)
        fprintf(out, " %7llu", (unsigned long long)(backend->errors + backend->http_errors));
    fprintf(out, "  %s\n", text_bar(backend->requests, table->most, table->bar_width, bar));
}

/* One worker alone is as even as can be: no line. */
static void print_fairness(const struct fairness *fairness, FILE *out)
{
    if (isnan(fairness->jain) || fairness->workers < 2)
        return;
    fprintf(out, "  Jain %.3f", fairness->jain);
    if (!isnan(fairness->jain_100ms))
        fprintf(out, " (in 100 ms %.3f", fairness->jain_100ms);
    if (!isnan(fairness->jain_1s))
        fprintf(out, "%s 1 s %.3f", isnan(fairness->jain_100ms) ? " (in" : ", in", fairness->jain_1s);
    fprintf(out, "%s   CV %.3f   busiest/mean %.2f   ", isnan(fairness->jain_100ms) && isnan(fairness->jain_1s) ? "" : ")",
            fairness->cv, fairness->max_over_mean);
    if (isnan(fairness->chi_square_p))
        fprintf(out, "chi-square on connections: too few\n");
    else
        fprintf(out,
                fairness->chi_square_p < 0.01 ? "chi-square on connections p = %.1e\n" : "chi-square on connections p = %.2f\n",
                fairness->chi_square_p);
}

void print_workers(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    if (stats->backend_count < 2)
        return; /* nobody named itself */
    struct worker_table table = lay_out(stats);
    fprintf(out, "  %*s  connections  requests   share      p50      p99%s\n", (int)table.width, "Worker",
            table.has_errors ? "  errors" : "");
    for (unsigned i = 0; i < stats->backend_count; i++)
        if (is_shown(stats, i))
            print_worker(summary, &table, stats->backends[i], out);
    print_fairness(&summary->fairness, out);
}

/* ---- the histogram ---- */

/* 1, 2, 5, 10, 20, 50, ... microseconds. */
static uint64_t edge(unsigned index)
{
    static const uint64_t steps[] = {1, 2, 5};
    uint64_t value = steps[index % 3];
    for (unsigned i = 0; i < index / 3; i++)
        value *= 10;
    return value;
}

#define EDGES 30 /* up to 5000 s: beyond the hour a histogram ends with */

static uint64_t count_up_to_edge(const struct histogram *times, unsigned index)
{
    return edge(index) >= histogram_maximum(times) ? times->total : histogram_count_up_to(times, edge(index));
}

/* From the first bucket with something in it to the last; empty ones between are part of the picture. */
void print_histogram(const struct summary *summary, FILE *out)
{
    const struct histogram *times = &summary->response;
    uint64_t counts[EDGES], most = 0, before = 0;
    unsigned first = EDGES, last = 0;
    char text[UNITS_TEXT_SIZE], bar[BAR_SIZE];
    for (unsigned i = 0; i < EDGES; i++) {
        uint64_t up_to = count_up_to_edge(times, i);
        counts[i] = up_to - before;
        before = up_to;
        most = counts[i] > most ? counts[i] : most;
        last = counts[i] ? i : last;
        first = counts[i] && first == EDGES ? i : first;
    }
    if (most == 0)
        return;
    fprintf(out, "  Response time to      count   share\n");
    for (unsigned i = first; i <= last; i++)
        fprintf(out, "  %16s %10llu  %5.1f%%  %s\n", units_format_time(edge(i) * 1000, text), (unsigned long long)counts[i],
                percent(counts[i], times->total), text_bar(counts[i], most, BAR_MOST, bar));
}
