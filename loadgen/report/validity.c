/*
 * Whether the figures may be believed.
 *
 * INVALID: they say more of the generator than of the server. SUSPECT: they were measured as they should be, but mean something
 * else than asked for (the server did not keep up, requests failed, connections were too few), or the machine had a part in them.
 * One function a question, all of them in the table at the end; every reason has the figures, and what to do about them.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/report/report.h"

/* The send lag's 99th percentile may be 1 ms, or this share of the median response time. */
#define LAG_FLOOR_US 1000.0
#define LAG_SHARE    0.05

#define RATE_SLACK        0.02
#define FAILED_SHARE_MOST 0.01
#define LOCAL_SHARE_MOST  0.001
#define STEAL_MOST        0.02
#define HEADROOM_LEAST    1.25 /* 80 % of what the generator can do by itself */

/* Of one CPU: above, an open loop's plans wait for each other. A closed loop may use all of it, but then it says so. */
#define BUSY_MOST_OPEN   0.80
#define BUSY_MOST_CLOSED 0.95

/* A thread's time that was spent waiting for a CPU. A closed loop on the server's CPUs always waits. */
#define WAIT_SUSPECT_OPEN   0.05
#define WAIT_INVALID_OPEN   0.20
#define WAIT_SUSPECT_CLOSED 0.20

/* Shorter runs have no shares of CPU time worth the name, and steal is counted in ticks. */
#define SHARES_LEAST_S    0.1
#define STEAL_LEAST_TICKS 100

/* Little's law holds on the average: not for a few requests. */
#define LITTLE_REQUESTS_LEAST 1000
#define LITTLE_SLACK          0.02
#define LITTLE_SLACK_CLOSED   0.05

#define POISSON_SLACK 6.0 /* standard deviations: once in 500 million runs */

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

/* Long enough for shares of CPU time. */
static bool has_shares(const struct summary *summary)
{
    return summary->duration_s >= SHARES_LEAST_S;
}

/* Open loop. Who spins is busy on purpose; then the lag alone tells. */
static bool is_overworked(const struct summary *summary)
{
    return has_shares(summary) && !summary->settings->spin_ns && summary->busiest_thread > BUSY_MOST_OPEN;
}

static uint64_t count_failed_checks(const struct summary *summary)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        sum += summary->stats.check_failed[kind];
    return sum;
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

/* ---- the plan ---- */

/* Requests that the settings plan, when that is known; else NAN. `*slack`: how far the run may be off. */
static double planned_by_settings(const struct summary *summary, double *slack)
{
    const struct settings *settings = summary->settings;
    bool ended_by_time = settings->duration_ns && fabs(summary->duration_s * 1e9 - (double)settings->duration_ns) < 1000;
    *slack = 0;
    if (summary->interrupted || (settings->requests != 0) == (settings->duration_ns != 0))
        return NAN;
    if (settings->requests) /* a profile may have fewer */
        return settings->profile_text ? NAN : (double)settings->requests;
    if (!is_open_loop(summary) || !ended_by_time)
        return NAN;
    double planned = profile_planned(&settings->profile, settings->duration_ns);
    *slack = settings->arrivals.kind == ARRIVALS_POISSON ? POISSON_SLACK * (sqrt(planned) + 1) : 1;
    return planned;
}

/* Nothing planned is left out, nothing else added. */
static void judge_plan(struct summary *summary)
{
    double slack, planned = planned_by_settings(summary, &slack);
    if (fabs((double)summary->planned - planned) > slack)
        give_reason(summary, VALIDITY_INVALID, "internal error: %.0f requests should have been planned, %llu were", planned,
                    (unsigned long long)summary->planned);
}

/* More than one in a hundred: what else is late waited for its own connection, which had to be opened. */
static bool waited_for_any(const struct summary *summary)
{
    return summary->stats.waited * 100 > summary->stats.send_lag.total;
}

static void judge_lag(struct summary *summary)
{
    char lag[UNITS_TEXT_SIZE], allowed[UNITS_TEXT_SIZE];
    double waited_us = (double)histogram_percentile(&summary->stats.send_lag, 99);
    units_print_time(lag_allowed_us(summary) * 1000, allowed);
    if (is_generator_late(summary))
        give_reason(summary, VALIDITY_INVALID,
                    "the generator sent late: send lag p99 %s with a connection free, allowed %s; use more threads (-t) or --spin",
                    units_print_time((double)histogram_percentile(&summary->stats.own_lag, 99) * 1000, lag), allowed);
    else if (waited_us > lag_allowed_us(summary) && waited_for_any(summary))
        give_reason(summary, VALIDITY_SUSPECT,
                    "requests waited for a free connection: send lag p99 %s (%llu waited); more connections (-c) "
                    "would have reached the server",
                    units_print_time(waited_us * 1000, lag), (unsigned long long)summary->stats.waited);
}

/* So many in flight when a run ends are no sign of anything: as many as there were on the average, give or take. */
static double unfinished_expected(const struct summary *summary)
{
    return summary->in_flight + 3 * sqrt(summary->in_flight) + 1;
}

static void judge_rate(struct summary *summary)
{
    double planned = (double)summary->planned, unfinished = (double)summary->stats.unfinished;
    double missed = (double)summary->stats.unsent + unfinished - fmin(unfinished, unfinished_expected(summary));
    if (planned <= 0 || summary->interrupted || missed <= RATE_SLACK * planned)
        return;
    bool own_fault = is_generator_late(summary) || is_overworked(summary);
    give_reason(summary, own_fault ? VALIDITY_INVALID : VALIDITY_SUSPECT, "%.1f %% of the planned requests were done: %s",
                100 * (1 - missed / planned),
                own_fault ? "the generator did not keep up (more threads, -t)" : "the server did not keep up");
}

/* ---- the generator's own part ---- */

static void judge_cpu(struct summary *summary)
{
    if (is_overworked(summary))
        give_reason(summary, VALIDITY_INVALID,
                    "a generator thread was busy %.0f %% of the time, allowed %.0f %%; use more threads (-t) or a lower rate",
                    100 * summary->busiest_thread, 100 * BUSY_MOST_OPEN);
}

static void judge_saturation(struct summary *summary)
{
    if (has_shares(summary) && summary->busiest_thread > BUSY_MOST_CLOSED)
        give_reason(summary, VALIDITY_SUSPECT,
                    "a generator thread was busy %.0f %% of the time: the limit was the generator, not the server; use more "
                    "threads (-t)",
                    100 * summary->busiest_thread);
}

static void judge_run_wait(struct summary *summary)
{
    bool open = is_open_loop(summary);
    if (!has_shares(summary) || summary->run_wait <= (open ? WAIT_SUSPECT_OPEN : WAIT_SUSPECT_CLOSED))
        return;
    give_reason(summary, open && summary->run_wait > WAIT_INVALID_OPEN ? VALIDITY_INVALID : VALIDITY_SUSPECT,
                "a generator thread waited %.0f %% of the time for a CPU others had; keep server and generator on CPUs of "
                "their own (--pin)",
                100 * summary->run_wait);
}

static void judge_headroom(struct summary *summary)
{
    if (summary->headroom < HEADROOM_LEAST) /* not when it is NAN */
        give_reason(summary, VALIDITY_SUSPECT,
                    "the rate achieved is %.0f %% of what the generator reaches against a server that does nothing: the "
                    "generator may be the limit; use more threads (-t)",
                    100 / summary->headroom);
}

/* ---- Little's law ---- */

static bool is_steady(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    double lost = (double)(stats->socket_errors + stats->timed_out + stats->unfinished + stats->unsent);
    return summary->service.total >= LITTLE_REQUESTS_LEAST && summary->duration_s > 0 && !summary->interrupted &&
           lost <= FAILED_SHARE_MOST * (double)summary->planned;
}

/*
 * What the ends of the run may take from one side or the other: requests under way when it begins or ends. There are L of them, on
 * the average for E[S^2] / 2E[S] longer (the residual life of renewal theory), at each end.
 */
static double cut_share(const struct summary *summary)
{
    double mean = histogram_mean(&summary->service), deviation = histogram_deviation(&summary->service);
    return mean > 0 ? (mean * mean + deviation * deviation) / mean / 1e6 / summary->duration_s : 0;
}

/* L = lambda W: the requests in flight, counted, and what rates and times say they must have been. */
static void judge_little(struct summary *summary)
{
    double gap = fabs(summary->in_flight - summary->little) / fmax(summary->in_flight, summary->little);
    if (is_steady(summary) && gap > LITTLE_SLACK + cut_share(summary))
        give_reason(summary, VALIDITY_INVALID,
                    "Little's law is broken: %.3g requests were in flight, but rate times service time is %.3g: times or "
                    "counts are wrong",
                    summary->in_flight, summary->little);
}

/* In a closed loop every connection has its requests in flight, always. */
static void judge_idle_connections(struct summary *summary)
{
    const struct settings *settings = summary->settings;
    double wanted = (double)settings->connections * (double)(settings->pipeline ? settings->pipeline : 1);
    double ends = (double)histogram_maximum(&summary->service) / 1e6 / summary->duration_s;
    if (settings->has_think || settings_opens_on_demand(settings) || !is_steady(summary))
        return;
    if (1 - summary->little / wanted > LITTLE_SLACK_CLOSED + ends)
        give_reason(summary, VALIDITY_SUSPECT,
                    "of %.0f requests that could have been in flight %.1f were: connections were not used all the time (does "
                    "the server close them?)",
                    wanted, summary->little);
}

/* ---- the machine ---- */

static void judge_steal(struct summary *summary)
{
    if (summary->steal > STEAL_MOST && summary->cpu_ticks >= STEAL_LEAST_TICKS)
        give_reason(summary, VALIDITY_SUSPECT,
                    "%.1f %% of the machine's CPU time was stolen by the hypervisor, allowed %.0f %%; measure again, or elsewhere",
                    100 * summary->steal, 100 * STEAL_MOST);
}

/* An overflow counts as a drop, too. The client tries again after a second, and that second is in its response time. */
static void judge_accept_queue(struct summary *summary)
{
    if (summary->listen_overflows > 0)
        give_reason(summary, VALIDITY_SUSPECT,
                    "%llu connections were dropped from a full accept queue on this machine; raise the server's backlog and "
                    "net.core.somaxconn",
                    (unsigned long long)summary->listen_overflows);
    else if (summary->listen_drops > 0)
        give_reason(summary, VALIDITY_SUSPECT, "%llu connections were dropped before they were accepted on this machine",
                    (unsigned long long)summary->listen_drops);
}

static void judge_local_errors(struct summary *summary)
{
    uint64_t errors = summary->stats.errors[ERROR_LOCAL];
    int last = summary->stats.last_error[ERROR_LOCAL];
    if (errors == 0)
        return;
    give_reason(summary, (double)errors > LOCAL_SHARE_MOST * (double)summary->planned ? VALIDITY_INVALID : VALIDITY_SUSPECT,
                "%llu errors were this machine's, not the server's (%.60s); it is out of ports (--source), of descriptors "
                "(ulimit -n) or of memory",
                (unsigned long long)errors, strerror(last < 0 ? -last : last));
}

/* ---- the answers ---- */

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
    double statuses = (double)(summary->stats.http_errors - count_failed_checks(summary));
    uint64_t malformed = summary->stats.errors[ERROR_MALFORMED];
    if (statuses > FAILED_SHARE_MOST * responses)
        give_reason(summary, VALIDITY_SUSPECT, "%.1f %% of the responses had a status of 400 or above", 100 * statuses / responses);
    if (responses > 0 && (double)malformed > FAILED_SHARE_MOST * responses)
        give_reason(summary, VALIDITY_SUSPECT, "%llu connections were given up for bytes that are no response, or belong to none",
                    (unsigned long long)malformed);
    if (stats_has_others(&summary->stats))
        give_reason(summary, VALIDITY_SUSPECT, "more than %d workers named themselves: how even they are cannot be told",
                    BACKENDS_MAX - 1);
}

/* Who asks for a check wants to know of every one that failed. */
static void judge_checks(struct summary *summary)
{
    char which[REASON_SIZE] = "";
    size_t length = 0;
    uint64_t failed = count_failed_checks(summary);
    for (unsigned kind = 0; kind < CHECK_KINDS && length < sizeof(which); kind++)
        if (summary->stats.check_failed[kind])
            length += (size_t)snprintf(which + length, sizeof(which) - length, "%s%s %llu", length ? ", " : "", check_names[kind],
                                       (unsigned long long)summary->stats.check_failed[kind]);
    if (failed > 0)
        give_reason(summary, VALIDITY_SUSPECT, "%llu responses failed a check (%.2f %%): %.120s", (unsigned long long)failed,
                    100 * (double)failed / (double)(summary->stats.ok + summary->stats.http_errors), which);
}

static void judge_end(struct summary *summary)
{
    if (summary->interrupted)
        give_reason(summary, VALIDITY_SUSPECT, "interrupted after %.2f s", summary->duration_s);
    else if (summary->settings->requests && summary->stats.unsent && !is_open_loop(summary))
        give_reason(summary, VALIDITY_SUSPECT, "the server could not be reached any more: %llu requests were not sent",
                    (unsigned long long)summary->stats.unsent);
}

enum loop { ANY_LOOP, OPEN_LOOP, CLOSED_LOOP };

static const struct {
    enum loop loop;
    void (*judge)(struct summary *);
} rules[] = {
    {ANY_LOOP, judge_identity},
    {ANY_LOOP, judge_plan},
    {ANY_LOOP, judge_silence},
    {OPEN_LOOP, judge_lag},
    {OPEN_LOOP, judge_rate},
    {OPEN_LOOP, judge_cpu},
    {CLOSED_LOOP, judge_saturation},
    {ANY_LOOP, judge_run_wait},
    {ANY_LOOP, judge_headroom},
    {ANY_LOOP, judge_little},
    {CLOSED_LOOP, judge_idle_connections},
    {ANY_LOOP, judge_local_errors},
    {ANY_LOOP, judge_failures},
    {ANY_LOOP, judge_checks},
    {ANY_LOOP, judge_answers},
    {ANY_LOOP, judge_accept_queue},
    {ANY_LOOP, judge_steal},
    {ANY_LOOP, judge_end},
};

void summary_judge(struct summary *summary)
{
    enum loop loop = is_open_loop(summary) ? OPEN_LOOP : CLOSED_LOOP;
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].loop == ANY_LOOP || rules[i].loop == loop)
            rules[i].judge(summary);
}
