/*
 * Whether the figures may be believed.
 *
 * INVALID: they say more of the generator than of the server. SUSPECT: they were measured as they should be, but mean something
 * else than asked for (the server did not keep up, requests failed, connections were too few). The rules stand in one table.
 */
#include <math.h>
#include <stdarg.h>

#include "base/units.h"
#include "loadgen/report/report.h"

#define LAG_FLOOR_US      1000.0 /* send lag p99 may be 1 ms, */
#define LAG_SHARE         0.05   /* or this share of the median response time */
#define RATE_SLACK        0.02
#define BUSY_MOST         0.80 /* of one CPU, open loop */
#define FAILED_SHARE_MOST 0.01

const char *const validity_names[] = {"VALID", "SUSPECT", "INVALID"};

static void give_reason(struct summary *summary, enum validity validity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void give_reason(struct summary *summary, enum validity validity, const char *format, ...)
{
    va_list arguments;
    if (validity > summary->validity)
        summary->validity = validity;
    if (summary->reason_count == REASONS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(summary->reasons[summary->reason_count++], REASON_SIZE, format, arguments);
    va_end(arguments);
}

static bool is_open_loop(const struct summary *summary)
{
    return summary->settings->is_open_loop;
}

static double lag_allowed_us(const struct summary *summary)
{
    return fmax(LAG_FLOOR_US, LAG_SHARE * (double)histogram_percentile(&summary->response, 50));
}

static bool is_generator_late(const struct summary *summary)
{
    return (double)histogram_percentile(&summary->stats.own_lag, 99) > lag_allowed_us(summary);
}

static void judge_identity(struct summary *summary)
{
    if (!summary->identity_holds)
        give_reason(summary, VALIDITY_INVALID, "internal error: planned requests and their ends do not add up");
}

static void judge_silence(struct summary *summary)
{
    if (summary->stats.ok + summary->stats.http_errors == 0)
        give_reason(summary, VALIDITY_INVALID, "nothing was answered");
}

static void judge_lag(struct summary *summary)
{
    char lag[UNITS_TEXT_SIZE], allowed[UNITS_TEXT_SIZE];
    double waited_us = (double)histogram_percentile(&summary->stats.send_lag, 99);
    units_print_time(lag_allowed_us(summary) * 1000, allowed);
    if (is_generator_late(summary))
        give_reason(summary, VALIDITY_INVALID, "the generator sent late: send lag p99 %s with a connection free, allowed %s",
                    units_print_time((double)histogram_percentile(&summary->stats.own_lag, 99) * 1000, lag), allowed);
    else if (waited_us > lag_allowed_us(summary))
        give_reason(summary, VALIDITY_SUSPECT,
                    "requests waited for a free connection: send lag p99 %s (%llu waited); more connections (-c) "
                    "would have reached the server",
                    units_print_time(waited_us * 1000, lag), (unsigned long long)summary->stats.waited);
}

static void judge_rate(struct summary *summary)
{
    double planned = (double)summary->planned;
    double achieved =
        (double)(summary->stats.ok + summary->stats.http_errors + summary->stats.socket_errors + summary->stats.timed_out);
    if (planned <= 0 || summary->interrupted || fabs(achieved / planned - 1) <= RATE_SLACK)
        return;
    bool own_fault = is_generator_late(summary) || summary->busiest_thread > BUSY_MOST;
    give_reason(summary, own_fault ? VALIDITY_INVALID : VALIDITY_SUSPECT, "%.1f %% of the planned requests were done: %s",
                100 * achieved / planned, own_fault ? "the generator did not keep up" : "the server did not keep up");
}

static void judge_cpu(struct summary *summary)
{
    if (summary->busiest_thread > BUSY_MOST)
        give_reason(summary, VALIDITY_SUSPECT, "a generator thread was busy %.0f %% of the time (use more threads or a lower rate)",
                    100 * summary->busiest_thread);
}

static void judge_failures(struct summary *summary)
{
    uint64_t failed = summary->stats.socket_errors + summary->stats.timed_out;
    if ((double)failed > FAILED_SHARE_MOST * (double)summary->planned)
        give_reason(summary, VALIDITY_SUSPECT, "%.1f %% of the requests got no response",
                    100 * (double)failed / (double)summary->planned);
}

/* Figures of error pages, or of a server that does not end its answers where it says. */
static void judge_answers(struct summary *summary)
{
    double responses = (double)(summary->stats.ok + summary->stats.http_errors);
    uint64_t malformed = summary->stats.errors[ERROR_MALFORMED];
    if ((double)summary->stats.http_errors > FAILED_SHARE_MOST * responses)
        give_reason(summary, VALIDITY_SUSPECT, "%.1f %% of the responses had a status of 400 or above",
                    100 * (double)summary->stats.http_errors / responses);
    if (responses > 0 && (double)malformed > FAILED_SHARE_MOST * responses)
        give_reason(summary, VALIDITY_SUSPECT, "%llu connections were given up for bytes that are no response, or belong to none",
                    (unsigned long long)malformed);
    if (stats_has_others(&summary->stats))
        give_reason(summary, VALIDITY_SUSPECT, "more than %d workers named themselves: how even they are cannot be told",
                    BACKENDS_MAX - 1);
}

static void judge_end(struct summary *summary)
{
    if (summary->interrupted)
        give_reason(summary, VALIDITY_SUSPECT, "interrupted after %.2f s", summary->duration_s);
    else if (summary->settings->requests && summary->stats.unsent && !is_open_loop(summary))
        give_reason(summary, VALIDITY_SUSPECT, "the server could not be reached any more: %llu requests were not sent",
                    (unsigned long long)summary->stats.unsent);
}

static const struct {
    bool open_loop_only;
    void (*judge)(struct summary *);
} rules[] = {
    {false, judge_identity}, {false, judge_silence},  {true, judge_lag},      {true, judge_rate},
    {true, judge_cpu},       {false, judge_failures}, {false, judge_answers}, {false, judge_end},
};

void summary_judge(struct summary *summary)
{
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!rules[i].open_loop_only || is_open_loop(summary))
            rules[i].judge(summary);
}
