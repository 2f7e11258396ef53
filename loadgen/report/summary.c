/*
 * The figures of all threads together, and whether they may be believed.
 *
 * INVALID: they say more of the generator than of the server. SUSPECT: they were measured as they should be, but mean something
 * else than asked for (the server did not keep up, requests failed, connections were too few). The rules stand in one table.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/loadgen.h"

#define LAG_FLOOR_US      1000.0 /* send lag p99 may be 1 ms, */
#define LAG_SHARE         0.05   /* or this share of the median response time */
#define RATE_SLACK        0.02
#define BUSY_MOST         0.80 /* of one CPU, open loop */
#define FAILED_SHARE_MOST 0.01

const char *const verdict_names[] = {"VALID", "SUSPECT", "INVALID"};

/* ---- the verdict ---- */

static void give_reason(struct summary *summary, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void give_reason(struct summary *summary, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    if (verdict > summary->verdict)
        summary->verdict = verdict;
    if (summary->reason_count == REASONS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(summary->reasons[summary->reason_count++], REASON_SIZE, format, arguments);
    va_end(arguments);
}

static bool is_open_loop(const struct summary *summary)
{
    return summary->settings->rate > 0;
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
        give_reason(summary, VERDICT_INVALID, "internal error: planned requests and their ends do not add up");
}

static void judge_silence(struct summary *summary)
{
    if (summary->ok + summary->http_errors == 0)
        give_reason(summary, VERDICT_INVALID, "nothing was answered");
}

static void judge_lag(struct summary *summary)
{
    char lag[UNITS_TEXT_SIZE], allowed[UNITS_TEXT_SIZE];
    double waited_us = (double)histogram_percentile(&summary->stats.send_lag, 99);
    units_print_time(lag_allowed_us(summary) * 1000, allowed);
    if (is_generator_late(summary))
        give_reason(summary, VERDICT_INVALID, "the generator sent late: send lag p99 %s with a connection free, allowed %s",
                    units_print_time((double)histogram_percentile(&summary->stats.own_lag, 99) * 1000, lag), allowed);
    else if (waited_us > lag_allowed_us(summary))
        give_reason(summary, VERDICT_SUSPECT,
                    "requests waited for a free connection: send lag p99 %s (%llu waited); more connections (-c) "
                    "would have reached the server",
                    units_print_time(waited_us * 1000, lag), (unsigned long long)summary->stats.waited);
}

static void judge_rate(struct summary *summary)
{
    double planned = (double)summary->planned;
    double achieved = (double)(summary->ok + summary->http_errors + summary->stats.socket_errors + summary->stats.timed_out);
    if (planned <= 0 || summary->interrupted || fabs(achieved / planned - 1) <= RATE_SLACK)
        return;
    bool own_fault = is_generator_late(summary) || summary->busiest_thread > BUSY_MOST;
    give_reason(summary, own_fault ? VERDICT_INVALID : VERDICT_SUSPECT, "%.1f %% of the planned requests were done: %s",
                100 * achieved / planned, own_fault ? "the generator did not keep up" : "the server did not keep up");
}

static void judge_cpu(struct summary *summary)
{
    if (summary->busiest_thread > BUSY_MOST)
        give_reason(summary, VERDICT_SUSPECT, "a generator thread was busy %.0f %% of the time (use more threads or a lower rate)",
                    100 * summary->busiest_thread);
}

static void judge_failures(struct summary *summary)
{
    uint64_t failed = summary->stats.socket_errors + summary->stats.timed_out;
    if ((double)failed > FAILED_SHARE_MOST * (double)summary->planned)
        give_reason(summary, VERDICT_SUSPECT, "%.1f %% of the requests got no response",
                    100 * (double)failed / (double)summary->planned);
}

/* Figures of error pages, or of a server that does not end its answers where it says. */
static void judge_answers(struct summary *summary)
{
    double responses = (double)(summary->ok + summary->http_errors);
    uint64_t malformed = summary->stats.errors[ERROR_MALFORMED];
    if ((double)summary->http_errors > FAILED_SHARE_MOST * responses)
        give_reason(summary, VERDICT_SUSPECT, "%.1f %% of the responses had a status of 400 or above",
                    100 * (double)summary->http_errors / responses);
    if (responses > 0 && (double)malformed > FAILED_SHARE_MOST * responses)
        give_reason(summary, VERDICT_SUSPECT, "%llu connections were given up for bytes that are no response, or belong to none",
                    (unsigned long long)malformed);
    if (stats_has_others(&summary->stats))
        give_reason(summary, VERDICT_SUSPECT, "more than %d workers named themselves: how even they are cannot be told",
                    BACKENDS_MAX - 1);
}

static void judge_end(struct summary *summary)
{
    if (summary->interrupted)
        give_reason(summary, VERDICT_SUSPECT, "interrupted after %.2f s", summary->duration_s);
    else if (summary->settings->requests && summary->stats.unsent && !is_open_loop(summary))
        give_reason(summary, VERDICT_SUSPECT, "the server could not be reached any more: %llu requests were not sent",
                    (unsigned long long)summary->stats.unsent);
}

static const struct {
    bool open_loop_only;
    void (*judge)(struct summary *);
} rules[] = {
    {false, judge_identity}, {false, judge_silence},  {true, judge_lag},      {true, judge_rate},
    {true, judge_cpu},       {false, judge_failures}, {false, judge_answers}, {false, judge_end},
};

static void judge(struct summary *summary)
{
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!rules[i].open_loop_only || is_open_loop(summary))
            rules[i].judge(summary);
}

/* ---- the figures ---- */

/* Closed loop over kept connections: a request is sent when it is planned, and service time is response time. */
static int fill_in_service_time(struct summary *summary)
{
    if (is_open_loop(summary) || summary->settings->requests_per_connection)
        return 0;
    histogram_reset(&summary->stats.service);
    return histogram_merge(&summary->stats.service, &summary->response);
}

static int merge(struct summary *summary, const struct run *run)
{
    uint64_t from = UINT64_MAX, until = 0;
    int error = 0;
    for (unsigned i = 0; i < run->engine_count && !error; i++) {
        const struct engine *engine = &run->engines[i];
        error = stats_merge(&summary->stats, &engine->stats);
        if (engine->from_ns) {
            from = engine->from_ns < from ? engine->from_ns : from;
            until = engine->until_ns > until ? engine->until_ns : until;
        }
    }
    summary->duration_s = until > from ? (double)(until - from) / 1e9 : 0;
    for (unsigned i = 0; i < run->engine_count && summary->duration_s > 0; i++)
        summary->busiest_thread = fmax(summary->busiest_thread, (double)run->engines[i].stats.cpu_ns / 1e9 / summary->duration_s);
    if (!error)
        error = stats_response_times(&summary->stats, &summary->response);
    return error ? error : fill_in_service_time(summary);
}

/* planned = ok + http errors + socket errors + timed out + unfinished + unsent */
static void account(struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    summary->ok = stats_ok(stats);
    summary->http_errors = stats_http_errors(stats);
    summary->planned = stats->started + stats->unsent;
    summary->identity_holds = summary->planned == summary->ok + summary->http_errors + stats->socket_errors + stats->timed_out +
                                                      stats->unfinished + stats->unsent &&
                              summary->response.total == summary->ok + summary->http_errors + stats->timed_out;
    uint64_t responses = summary->ok + summary->http_errors;
    summary->achieved_rate = summary->duration_s > 0 ? (double)responses / summary->duration_s : 0;
    summary->cpu_us_per_request = responses ? (double)stats->cpu_ns / 1000 / (double)responses : 0;
}

/* By number where ids are numbers; "-" stays in front. */
static int compare_backends(const void *a, const void *b)
{
    const struct backend *const *one = a, *const *two = b;
    return strverscmp((*one)->id, (*two)->id);
}

int summary_init(struct summary *summary, const struct run *run)
{
    *summary = (struct summary){.settings = run->settings, .interrupted = run->interrupted};
    int error = stats_init(&summary->stats);
    if (!error)
        error = histogram_init(&summary->response, HISTOGRAM_HOUR_US, 3);
    if (!error)
        error = merge(summary, run);
    if (error)
        return error;
    qsort(summary->stats.backends + 1, summary->stats.backend_count - 1, sizeof(struct backend *), compare_backends);
    account(summary);
    summary->fairness = fairness_of(&summary->stats);
    judge(summary);
    return 0;
}

void summary_close(struct summary *summary)
{
    histogram_close(&summary->response);
    stats_close(&summary->stats);
}
