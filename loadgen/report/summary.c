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

/* Closed loop over kept connections: a request is sent when it is planned, and service time is response time. */
static int make_service_time(struct summary *summary)
{
    if (!is_open_loop(summary) && !settings_opens_on_demand(summary->settings))
        return histogram_merge(&summary->service, &summary->response);
    int error = histogram_merge(&summary->service, &summary->stats.service);
    return error ? error : histogram_merge(&summary->service, &summary->stats.censored_service);
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
        error = stats_response_times(&summary->stats, &summary->answered);
    if (!error)
        error = histogram_merge(&summary->response, &summary->answered);
    if (!error)
        error = histogram_merge(&summary->response, &summary->stats.censored);
    return error ? error : make_service_time(summary);
}

/* planned = ok + http errors + socket errors + timed out + unfinished + unsent */
static void account(struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    summary->planned = stats->started + stats->unsent;
    summary->identity_holds = summary->planned == stats->ok + stats->http_errors + stats->socket_errors + stats->timed_out +
                                                      stats->unfinished + stats->unsent &&
                              summary->answered.total == stats->ok + stats->http_errors;
    uint64_t responses = stats->ok + stats->http_errors;
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
    struct histogram *own[] = {&summary->response, &summary->answered, &summary->service, &summary->first_byte};
    int error = stats_init(&summary->stats, run->settings->mix.count);
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]) && !error; i++)
        error = histogram_init(own[i], HISTOGRAM_HOUR_US, 3);
    if (!error)
        error = histogram_init(&summary->rates, SERIES_RATE_MAX, 3);
    for (unsigned i = 0; i < run->engine_count && !error; i++)
        error = histogram_merge(&summary->rates, &run->series[i].rates);
    if (!error)
        error = merge(summary, run);
    if (error)
        return error;
    qsort(summary->stats.backends + 1, summary->stats.backend_count - 1, sizeof(struct backend *), compare_backends);
    account(summary);
    summary->fairness = fairness_of(&summary->stats);
    summary->fairness.jain_100ms = windows_jain(&run->windows.tenth, summary->fairness.workers);
    summary->fairness.jain_1s = windows_jain(&run->windows.second, summary->fairness.workers);
    summary->headroom = NAN;
    summary_judge(summary);
    return 0;
}

/* Had the censored requests never been answered, the same rank would be found among the answered ones alone. */
uint64_t summary_percentile(const struct summary *summary, double percentile, bool *bound)
{
    uint64_t value = histogram_percentile(&summary->response, percentile);
    double rank = percentile * (double)summary->response.total, answered = (double)summary->answered.total;
    *bound = summary->response.total > summary->answered.total &&
             (rank > 100 * answered ||
              (double)histogram_percentile(&summary->answered, rank / answered) > (1 + BOUND_SLACK) * (double)value);
    return value;
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
