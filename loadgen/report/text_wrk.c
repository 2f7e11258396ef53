/*
 * The lines of wrk 4.1 that scripts look for, in its order and widths. What they mean where wrk's own are doubtful:
 *
 *   Latency   response time, so from the plan in the open loop, requests that never ended included; with --uncorrected service
 *             time of the answered ones, which is what wrk would have measured
 *   Req/Sec   responses a second of a single thread, one value a thread and 100 ms
 *   +/- Stdev share of the values within one standard deviation of the mean
 */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/report/text_parts.h"

static const struct histogram *latency_of(const struct summary *summary)
{
    return summary->settings->uncorrected ? summary_uncorrected(summary) : &summary->response;
}

/* The largest unit that leaves 1 or more. `units` ends with a NULL; the first is that of `value`. */
static char *print_scaled(double value, double step, const char *const *units, char *text)
{
    for (; units[1] && value >= step; units++)
        value /= step;
    snprintf(text, UNITS_TEXT_SIZE, "%.2f%s", value, *units);
    return text;
}

static char *print_time(double us, char *text)
{
    static const char *const short_units[] = {"us", "ms", "s", NULL}, *const long_units[] = {"s", "m", "h", NULL};
    return us < 60e6 ? print_scaled(us, 1000, short_units, text) : print_scaled(us / 1e6, 60, long_units, text);
}

static char *print_metric(double value, char *text)
{
    static const char *const units[] = {"", "k", "M", "G", NULL};
    return print_scaled(value, 1000, units, text);
}

/* Right-aligned, with room for units of two letters: figures stand below each other whatever theirs have. */
static void print_cell(FILE *out, const char *text, int width)
{
    size_t length = strlen(text), digits = strspn(text, "0123456789.");
    int missing = 2 - (int)(length - digits);
    fprintf(out, "%*s%*s", width - missing, text, missing, "");
}

static double share_within_deviation(const struct histogram *values)
{
    double mean = histogram_mean(values), deviation = histogram_deviation(values);
    uint64_t above = histogram_count_up_to(values, (uint64_t)(mean + deviation)), below = 0;
    if (mean - deviation >= 1)
        below = histogram_count_up_to(values, (uint64_t)ceil(mean - deviation) - 1);
    return 100 * (double)(above - below) / (double)values->total;
}

static void print_stats(FILE *out, const char *name, const struct histogram *values, char *(*print)(double, char *))
{
    char text[UNITS_TEXT_SIZE];
    fprintf(out, "    %-10s", name);
    print_cell(out, print(histogram_mean(values), text), 8);
    print_cell(out, print(histogram_deviation(values), text), 10);
    print_cell(out, print((double)histogram_maximum(values), text), 9);
    fprintf(out, "%8.2f%%\n", share_within_deviation(values));
}

void print_thread_stats(const struct summary *summary, FILE *out)
{
    const struct histogram *latency = latency_of(summary);
    if (latency->total == 0)
        return;
    fprintf(out, "  Thread Stats%6s%11s%8s%12s\n", "Avg", "Stdev", "Max", "+/- Stdev");
    print_stats(out, "Latency", latency, print_time);
    if (summary->rates.total)
        print_stats(out, "Req/Sec", &summary->rates, print_metric);
    if (summary->settings->uncorrected)
        fprintf(out, "  Latency is the service time of answered requests, uncorrected: as a closed-loop generator would say\n");
}

void print_distribution(const struct summary *summary, FILE *out)
{
    static const double percentiles[] = {50, 75, 90, 99, 99.9, 99.99, 99.999};
    const struct histogram *latency = latency_of(summary);
    bool uncorrected = summary->settings->uncorrected;
    char text[UNITS_TEXT_SIZE];
    if (latency->total == 0)
        return;
    fprintf(out, "  Latency Distribution (%s)\n", uncorrected ? "service time, uncorrected" : "response time");
    for (unsigned i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
        bool bound = false;
        uint64_t us =
            uncorrected ? histogram_percentile(latency, percentiles[i]) : summary_percentile(summary, percentiles[i], &bound);
        fprintf(out, "%7.7g%%", percentiles[i]);
        print_cell(out, print_time((double)us, text), 10);
        fprintf(out, "%s\n", bound ? "  or more" : "");
    }
}

void print_requests_in(const struct summary *summary, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    fprintf(out, "  %llu requests in %.2fs, %s read\n", (unsigned long long)summary_responses(summary), summary->duration_s,
            units_print_size((double)summary->stats.bytes_read, text));
}

/* By the status alone: an answer of 200 that fails its check is an http error, but none of these. */
static uint64_t bad_statuses(const struct stats *stats)
{
    uint64_t sum = 0;
    for (unsigned status = 0; status < STATUS_MAX; status++)
        if (status < 200 || status >= 400)
            sum += stats->status[status];
    return sum;
}

void print_socket_errors(const struct summary *summary, FILE *out)
{
    const uint64_t *errors = summary->stats.errors;
    uint64_t connects = errors[ERROR_CONNECT] + errors[ERROR_LOCAL],
             reads = errors[ERROR_READ] + errors[ERROR_MALFORMED] + errors[ERROR_IDLE_CLOSED] - summary->stats.retries;
    if (connects + reads + errors[ERROR_WRITE] + errors[ERROR_TIMEOUT] > 0)
        fprintf(out, "  Socket errors: connect %llu, read %llu, write %llu, timeout %llu\n", (unsigned long long)connects,
                (unsigned long long)reads, (unsigned long long)errors[ERROR_WRITE], (unsigned long long)errors[ERROR_TIMEOUT]);
    uint64_t bad = bad_statuses(&summary->stats);
    if (bad)
        fprintf(out, "  Non-2xx or 3xx responses: %llu\n", (unsigned long long)bad);
}

void print_rates(const struct summary *summary, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    double transfer = summary->duration_s > 0 ? (double)summary->stats.bytes_read / summary->duration_s : 0;
    fprintf(out, "Requests/sec: %10.2f\n", summary->achieved_rate);
    fprintf(out, "Transfer/sec: %10s\n", units_print_size(transfer, text));
}
