/*
 * The figures of all threads together.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/report/report.h"

#define BOUND_SLACK 0.01

/* ---- the figures ---- */

static bool is_open_loop(const struct summary *summary)
{
    return summary->settings->is_open_loop;
}

/* Closed loop over kept connections: a request is sent when it is planned, and service time is response time; it is kept once. */
static bool is_service_response(const struct summary *summary)
{
    return !is_open_loop(summary) && !settings_opens_on_demand(summary->settings);
}

static int make_response_time(struct summary *summary)
{
    int error = stats_response_times(&summary->stats, &summary->answered);
    if (!error)
        error = histogram_merge(&summary->response, &summary->answered);
    return error ? error : histogram_merge(&summary->response, &summary->stats.censored);
}

static int make_service_time(struct summary *summary)
{
    if (is_service_response(summary))
        return histogram_merge(&summary->service, &summary->response);
    int error = histogram_merge(&summary->service, &summary->stats.service);
    return error ? error : histogram_merge(&summary->service, &summary->stats.censored_service);
}

/* Where the first byte came with the last one, the service time is the time to it. */
static int make_first_byte(struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    int error = histogram_merge(&summary->first_byte, is_service_response(summary) ? &summary->answered : &stats->service);
    if (!error)
        error = histogram_subtract(&summary->first_byte, &stats->split_service);
    if (error == -ERANGE) { /* the identity will say so */
        histogram_reset(&summary->first_byte);
        error = 0;
    }
    return error ? error : histogram_merge(&summary->first_byte, &stats->split_first);
}

static int make_histograms(struct summary *summary)
{
    int (*const all[])(struct summary *) = {make_response_time, make_service_time, make_first_byte};
    int error = 0;
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]) && !error; i++)
        error = all[i](summary);
    return error;
}

/* From the first thread's begin to the last one's end. */
static double duration_of(const struct run *run)
{
    uint64_t from = UINT64_MAX, until = 0;
    for (unsigned i = 0; i < run->engine_count; i++) {
        const struct engine *engine = &run->engines[i];
        if (engine->from_ns == 0)
            continue;
        from = engine->from_ns < from ? engine->from_ns : from;
        until = engine->until_ns > until ? engine->until_ns : until;
    }
    return until > from ? (double)(until - from) / 1e9 : 0;
}

static int merge(struct summary *summary, const struct run *run)
{
    int error = 0;
    for (unsigned i = 0; i < run->engine_count && !error; i++)
        error = stats_merge(&summary->stats, &run->engines[i].stats);
    for (unsigned i = 0; i < run->engine_count && !error; i++)
        error = histogram_merge(&summary->rates, &run->series[i].rates);
    return error ? error : make_histograms(summary);
}

/* ---- what must hold ---- */

static uint64_t count_statuses(const struct stats *stats)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < STATUS_MAX; i++)
        sum += stats->status[i];
    return sum;
}

/* Every request that did not get its response, and was not broken off, is in the percentiles as a lower bound; when -n was given
 * up, those never due have none. */
static bool holds_bounds(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    uint64_t sure = stats->timed_out + stats->unfinished, bounds = stats->censored.total;
    if (summary->settings->requests)
        return bounds >= sure && bounds <= sure + stats->unsent;
    return bounds == sure + stats->unsent;
}

/* planned = ok + http errors + socket errors + timed out + unfinished + unsent, and every response is in every view of them. */
static bool holds_identity(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    uint64_t responses = stats->ok + stats->http_errors;
    uint64_t ends = responses + stats->socket_errors + stats->timed_out + stats->unfinished + stats->unsent;
    return summary->planned == ends && summary->answered.total == responses && summary->first_byte.total == responses &&
           count_statuses(stats) == responses && stats->lingered <= responses && holds_bounds(summary);
}

/* ---- figures ---- */

static void account(struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    uint64_t responses = stats->ok + stats->http_errors;
    double seconds = summary->duration_s;
    summary->planned = stats->started + stats->unsent;
    summary->identity_holds = holds_identity(summary);
    summary->cpu_us_per_request = responses ? (double)stats->cpu_ns / 1000 / (double)responses : 0;
    if (seconds <= 0)
        return;
    summary->achieved_rate = (double)(responses - stats->lingered + stats->carried) / seconds;
    summary->in_flight = stats->in_flight_ns / 1e9 / seconds;
    summary->little = histogram_mean(&summary->service) / 1e6 * (double)summary->service.total / seconds;
}

/* Shares of the duration, of the thread that had most. */
static void account_threads(struct summary *summary, const struct run *run)
{
    for (unsigned i = 0; i < run->engine_count && summary->duration_s > 0; i++) {
        const struct stats *stats = &run->engines[i].stats;
        summary->busiest_thread = fmax(summary->busiest_thread, (double)stats->cpu_ns / 1e9 / summary->duration_s);
        summary->run_wait = fmax(summary->run_wait, (double)stats->run_wait_ns / 1e9 / summary->duration_s);
    }
}

static void account_host(struct summary *summary, const struct run *run)
{
    summary->steal = host_steal_share(&run->before, &run->after);
    summary->cpu_ticks = host_grown(run->before.cpu_ticks, run->after.cpu_ticks);
    summary->listen_overflows = host_grown(run->before.listen_overflows, run->after.listen_overflows);
    summary->listen_drops = host_grown(run->before.listen_drops, run->after.listen_drops);
    summary->headroom = run->headroom > 0 && summary->achieved_rate > 0 ? run->headroom / summary->achieved_rate : NAN;
}

/* Windows that count several workers as one say nothing of them. */
static void account_fairness(struct summary *summary, const struct run *run)
{
    struct fairness *fairness = &summary->fairness;
    bool is_known = !stats_has_others(&summary->stats);
    *fairness = fairness_of(&summary->stats);
    fairness->jain_100ms = is_known ? windows_jain(&run->windows.tenth, fairness->workers) : NAN;
    fairness->jain_1s = is_known ? windows_jain(&run->windows.second, fairness->workers) : NAN;
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
    struct histogram *own[] = {&summary->response, &summary->answered, &summary->service, &summary->first_byte};
    int error = stats_init(&summary->stats, run->settings->mix.count);
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]) && !error; i++)
        error = histogram_init(own[i], HISTOGRAM_HOUR_US, 3);
    if (!error)
        error = histogram_init(&summary->rates, SERIES_RATE_MAX, 3);
    if (!error)
        error = merge(summary, run);
    if (error)
        return error;
    qsort(summary->stats.backends + 1, summary->stats.backend_count - 1, sizeof(struct backend *), compare_backends);
    summary->duration_s = duration_of(run);
    account(summary);
    account_threads(summary, run);
    account_host(summary, run);
    account_fairness(summary, run);
    summary_judge(summary);
    return 0;
}

/* Had the censored requests, which `all` holds too, never been answered, the same rank would be found among the answered alone. */
static uint64_t percentile_of(const struct histogram *all, const struct histogram *answered, double percentile, bool *bound)
{
    uint64_t value = histogram_percentile(all, percentile);
    double rank = percentile * (double)all->total, count = (double)answered->total;
    *bound = all->total > answered->total &&
             (rank > 100 * count || (double)histogram_percentile(answered, rank / count) > (1 + BOUND_SLACK) * (double)value);
    return value;
}

uint64_t summary_percentile(const struct summary *summary, double percentile, bool *bound)
{
    return percentile_of(&summary->response, &summary->answered, percentile, bound);
}

uint64_t summary_service_percentile(const struct summary *summary, double percentile, bool *bound)
{
    return percentile_of(&summary->service, summary_uncorrected(summary), percentile, bound);
}

const struct histogram *summary_uncorrected(const struct summary *summary)
{
    return summary->stats.service.total ? &summary->stats.service : &summary->answered;
}

void summary_close(struct summary *summary)
{
    histogram_close(&summary->response);
    histogram_close(&summary->answered);
    histogram_close(&summary->service);
    histogram_close(&summary->first_byte);
    histogram_close(&summary->rates);
    stats_close(&summary->stats);
}
