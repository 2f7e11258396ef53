/*
 * --find-max: the highest rate at which the objectives hold, and the curve of latency against load on the way there.
 *
 * Each rate search.c asks for is offered for --duration after a warm-up. It holds when
 *
 *   - every objective is met,
 *   - at least 98 % of the planned requests were answered as they should be, unless an objective on errors says how many must, and
 *   - the backlog does not grow. A server that gets through 99 % of what is offered passes a short probe: its queue is long only
 *     later. But each answer then comes a bit later than the one before, by 1 % of the time between them. So the growth of the
 *     median response time from the first third of the probe to the last, divided by the time between their middles, is the
 *     share of the load that is left lying; it must be below 1 %, half of what the search can tell apart.
 *
 * A probe the generator spoilt (INVALID) is repeated, at most twice; then the search ends, because it cannot see further.
 *
 * What an overload leaves in the server's queues must not be charged to the next probe. No more than the connections' requests
 * can be left there, the rest was never sent; so the study rests for as long as the slowest answer took from its send.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "loadgen/study/study.h"

#define RATE_FIRST     100.0
#define PLANNED_LEAST  10.0 /* requests in a probe: of fewer, little can be said */
#define ANSWERED_LEAST 0.98
#define GROWTH_MOST    0.01
#define REST_LEAST_NS  (20 * CLOCK_NS_PER_MS)
#define REST_MOST_NS   (5 * CLOCK_NS_PER_S)
#define THIRDS         3
#define WHY_SIZE       REASON_SIZE

struct probe {
    double rate, achieved, errors, growth; /* errors: share of planned; growth: s of response time a s; NaN when not known */
    uint64_t p50_us, p90_us, p99_us, max_us;
    bool p99_bound; /* it is a lower bound */
    enum validity validity;
    enum probe_verdict verdict;
    char why[WHY_SIZE]; /* it does not hold */
};

struct find_max {
    const struct settings *settings;
    const struct objectives *goal;
    struct search search;
    struct probe *probes;
    unsigned count;
    bool interrupted;
};

/* ---- growth ---- */

/* Response times of the first and the last third of a probe, by when they were answered. */
struct drift {
    struct histogram thirds[THIRDS];
    uint64_t length_ns;
};

static void take_interval(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns)
{
    struct drift *drift = context;
    uint64_t third = (from_ns + until_ns) / 2 * THIRDS / drift->length_ns;
    struct histogram *into = &drift->thirds[third < THIRDS ? third : THIRDS - 1];
    for (unsigned i = 0; i < interval->backend_count; i++)
        if (interval->backends[i]->response.counts)
            histogram_merge(into, &interval->backends[i]->response);
}

static void drift_close(struct drift *drift)
{
    for (unsigned i = 0; i < THIRDS; i++)
        histogram_close(&drift->thirds[i]);
}

static int drift_init(struct drift *drift, uint64_t length_ns)
{
    int error = 0;
    *drift = (struct drift){.length_ns = length_ns};
    for (unsigned i = 0; i < THIRDS && !error; i++)
        error = histogram_init(&drift->thirds[i], HISTOGRAM_HOUR_US, SERIES_DIGITS);
    if (error)
        drift_close(drift);
    return error;
}

static double drift_growth(const struct drift *drift)
{
    const struct histogram *first = &drift->thirds[0], *last = &drift->thirds[THIRDS - 1];
    if (drift->length_ns < THIRDS * SERIES_INTERVAL_NS || first->total == 0 || last->total == 0)
        return NAN;
    double later_us = (double)histogram_percentile(last, 50) - (double)histogram_percentile(first, 50);
    return later_us * 1000 / ((double)drift->length_ns * (THIRDS - 1) / THIRDS);
}

/* ---- a probe ---- */

static bool names_errors(const struct objectives *goal)
{
    for (unsigned i = 0; i < goal->count; i++)
        if (goal->items[i].figure == FIGURE_ERRORS)
            return true;
    return false;
}

static void judge(struct probe *probe, const struct objectives *goal, const struct summary *summary)
{
    const struct objective *missed = objectives_missed(goal, summary);
    probe->verdict = PROBE_MISSES;
    if (summary->validity == VALIDITY_INVALID) {
        probe->verdict = PROBE_INVALID;
        snprintf(probe->why, WHY_SIZE, "%s", summary->reason_count ? summary->reasons[0] : "");
    } else if (missed) {
        snprintf(probe->why, WHY_SIZE, "%s", missed->text);
    } else if (!names_errors(goal) && probe->errors > 1 - ANSWERED_LEAST) {
        snprintf(probe->why, WHY_SIZE, "%.1f %% of the requests were not answered", 100 * probe->errors);
    } else if (probe->growth > GROWTH_MOST) {
        snprintf(probe->why, WHY_SIZE, "the backlog grows, by %.1f %% of the load", 100 * probe->growth);
    } else {
        probe->verdict = PROBE_HOLDS;
    }
}

static void note(struct probe *probe, const struct summary *summary)
{
    const struct histogram *response = &summary->response;
    bool bound;
    probe->achieved = summary->achieved_rate;
    probe->errors = summary->planned ? (double)(summary->planned - summary->stats.ok) / (double)summary->planned : 0;
    probe->p50_us = histogram_percentile(response, 50);
    probe->p90_us = histogram_percentile(response, 90);
    probe->p99_us = summary_percentile(summary, 99, &bound);
    probe->p99_bound = bound;
    probe->max_us = histogram_maximum(response);
    probe->validity = summary->validity;
}

static uint64_t rest_after(const struct probe *probe, const struct summary *summary)
{
    uint64_t slowest_ns = histogram_maximum(&summary->service) * 1000;
    if (probe->verdict != PROBE_MISSES || slowest_ns < REST_LEAST_NS)
        return REST_LEAST_NS;
    return slowest_ns < REST_MOST_NS ? slowest_ns : REST_MOST_NS;
}

static int measure(struct find_max *find, const struct settings *at_rate, struct probe *probe, uint64_t *rest_ns)
{
    struct drift drift;
    struct summary summary;
    char message[MESSAGE_SIZE];
    bool measured;
    if (drift_init(&drift, at_rate->duration_ns) != 0) {
        fprintf(stderr, "loadgen: cannot begin: %s\n", strerror(ENOMEM));
        return EXIT_UNMEASURED;
    }
    const struct watcher watcher = {take_interval, &drift, true};
    int status = measure_watched(at_rate, &watcher, &summary, &measured, message);
    if (*message)
        fprintf(stderr, "%s\n", message);
    if (measured) {
        probe->growth = drift_growth(&drift);
        note(probe, &summary);
        judge(probe, find->goal, &summary);
        *rest_ns = rest_after(probe, &summary);
        summary_close(&summary);
    }
    drift_close(&drift);
    return status;
}

/* Its own seed each time: what a probe saw by chance is not to be seen again. */
static int measure_at(struct find_max *find, struct probe *probe, uint64_t *rest_ns)
{
    struct settings at_rate;
    char message[MESSAGE_SIZE];
    *probe = (struct probe){.rate = find->search.rate, .growth = NAN};
    int status = EXIT_UNMEASURED;
    if (settings_copy_at_rate(&at_rate, find->settings, probe->rate, message) == 0) {
        study_watch_nothing(&at_rate);
        study_warm_up(&at_rate);
        at_rate.seed = study_seed(find->settings, find->count);
        status = measure(find, &at_rate, probe, rest_ns);
    } else {
        fprintf(stderr, "%s\n", message);
    }
    settings_close_copy(&at_rate);
    return status;
}

/* ---- text ---- */

/* How long it will take, said before: nobody should have to guess whether it ends. Rests after misses are not in it. */
static void print_length(const struct settings *run, FILE *out)
{
    char usual[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];
    double each_ns = (double)(run->duration_ns + run->warmup_ns);
    fprintf(out, "  about %d rates (%s of load), never more than %d (%s)\n", SEARCH_PROBES_USUAL,
            units_print_time(SEARCH_PROBES_USUAL * each_ns, usual), SEARCH_PROBES_MOST,
            units_print_time(SEARCH_PROBES_MOST * each_ns, most));
}

static void print_head(const struct find_max *find, FILE *out)
{
    char duration[UNITS_TEXT_SIZE], warmup[UNITS_TEXT_SIZE];
    struct settings run = *find->settings;
    study_warm_up(&run);
    fprintf(out, "Highest rate at which %s holds @ %s\n", run.find_max_text, run.url_text);
    fprintf(out, "  %llu threads and %llu connections, open loop, %s, %s a rate after %s of warm-up, seed %llu\n",
            (unsigned long long)run.threads, (unsigned long long)run.connections, arrivals_names[run.arrivals.kind],
            units_format_time(run.duration_ns, duration), units_format_time(run.warmup_ns, warmup), (unsigned long long)run.seed);
    print_length(&run, out);
    fprintf(out, "  %10s %10s %9s %9s %9s\n", "rate/s", "achieved/s", "p50", "p99", "errors");
    fflush(out);
}

static const char *const verdict_words[] = {[PROBE_HOLDS] = "holds", [PROBE_MISSES] = "misses: ", [PROBE_INVALID] = "INVALID: "};

#define RATE_TEXT_SIZE 32

/* Four figures, and no exponent: the search tells apart 2 %. */
static char *print_rate(double rate, char text[RATE_TEXT_SIZE])
{
    snprintf(text, RATE_TEXT_SIZE, rate < 1000 ? "%.4g" : "%.0f", rate);
    return text;
}

static void print_probe(const struct probe *probe, FILE *out)
{
    char rate[RATE_TEXT_SIZE], p50[UNITS_TEXT_SIZE], p99[UNITS_TEXT_SIZE + 1] = ">";
    units_print_time((double)probe->p50_us * 1000, p50);
    units_print_time((double)probe->p99_us * 1000, p99 + probe->p99_bound);
    fprintf(out, "  %10s %10.1f %9s %9s %8.2f%%  %s%s\n", print_rate(probe->rate, rate), probe->achieved, p50, p99,
            100 * probe->errors, verdict_words[probe->verdict], probe->why);
    fflush(out);
}

static void print_result(const struct find_max *find, FILE *out)
{
    const struct search *search = &find->search;
    const char *goal = find->settings->find_max_text;
    char text[RATE_TEXT_SIZE];
    if (find->interrupted)
        fprintf(out, "Interrupted: the search had not ended\n");
    if (search->best > 0) {
        fprintf(out, "Highest rate at which %s holds: %s/s", goal, print_rate(search->best, text));
        if (search->least_missed > 0)
            fprintf(out, " (%s/s missed)", print_rate(search->least_missed, text));
        fputc('\n', out);
        if (search->end == SEARCH_FOUND && search->resolution > SEARCH_RESOLUTION)
            fprintf(out, "The same rates held and missed in turn: the edge is known to %.0f %% only; longer runs (-d) tell more\n",
                    100 * (search->resolution - 1));
    } else if (search->least_missed > 0) {
        fprintf(out, "%s does not hold at %s/s%s\n", goal, print_rate(search->least_missed, text),
                search->end == SEARCH_NOTHING ? ", the lowest rate tried" : "");
    }
    if (search->end == SEARCH_GENERATOR && search->least_missed > 0)
        fprintf(out, "The search ended early: the generator spoilt %u probes in a row\n", search->invalid_in_row);
    else if (search->end == SEARCH_GENERATOR)
        fprintf(out, "The generator was the limit: whether the server does more is not known\n");
    if (search->end == SEARCH_UNSTEADY)
        fprintf(out, "The edge would not hold still: after %u probes the rates above are no more than an indication\n",
                search->probes);
}

static void print_all(const void *results, FILE *out)
{
    const struct find_max *find = results;
    print_head(find, out);
    for (unsigned i = 0; i < find->count; i++)
        print_probe(&find->probes[i], out);
    print_result(find, out);
}

/* ---- JSON and CSV ---- */

static const char *const end_names[] = {
    [SEARCH_GOES_ON] = "unfinished",  [SEARCH_FOUND] = "found",       [SEARCH_NOTHING] = "nothing",
    [SEARCH_GENERATOR] = "generator", [SEARCH_UNSTEADY] = "unsteady",
};
static const char *const verdict_keys[] = {[PROBE_HOLDS] = "holds", [PROBE_MISSES] = "misses", [PROBE_INVALID] = "INVALID"};

static json_t *positive_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *probe_json(const struct probe *probe)
{
    return json_pack("{s:f s:f s:f s:I s:I s:I s:I s:b s:o s:s s:s s:s}", "rate", probe->rate, "achieved", probe->achieved,
                     "errors", probe->errors, "p50_us", (json_int_t)probe->p50_us, "p90_us", (json_int_t)probe->p90_us, "p99_us",
                     (json_int_t)probe->p99_us, "max_us", (json_int_t)probe->max_us, "p99_is_lower_bound", probe->p99_bound,
                     "growth", isfinite(probe->growth) ? json_real(probe->growth) : json_null(), "outcome",
                     verdict_keys[probe->verdict], "reason", probe->why, "verdict", validity_names[probe->validity]);
}

static json_t *all_json(const void *results)
{
    const struct find_max *find = results;
    json_t *probes = json_array();
    for (unsigned i = 0; i < find->count; i++)
        json_array_append_new(probes, probe_json(&find->probes[i]));
    return json_pack("{s:s s:s s:s s:s s:I s:I s:I s:s s:b s:o s:o s:f s:o}", "schema", "clusterbench.loadgen.find-max/1",
                     "version", CLUSTERBENCH_VERSION, "url", find->settings->url_text, "objectives", find->settings->find_max_text,
                     "seed", (json_int_t)find->settings->seed, "threads", (json_int_t)find->settings->threads, "connections",
                     (json_int_t)find->settings->connections, "end", end_names[find->search.end], "interrupted", find->interrupted,
                     "highest_rate", positive_or_null(find->search.best), "least_missed",
                     positive_or_null(find->search.least_missed), "resolution", find->search.resolution - 1, "probes", probes);
}

static void all_csv(const void *results, FILE *out)
{
    const struct find_max *find = results;
    fputs("rate,achieved,errors,p50_us,p90_us,p99_us,max_us,growth,outcome\n", out);
    for (unsigned i = 0; i < find->count; i++) {
        const struct probe *probe = &find->probes[i];
        fprintf(out, "%.6g,%.3f,%.6f,%llu,%llu,%llu,%llu,", probe->rate, probe->achieved, probe->errors,
                (unsigned long long)probe->p50_us, (unsigned long long)probe->p90_us, (unsigned long long)probe->p99_us,
                (unsigned long long)probe->max_us);
        if (isfinite(probe->growth))
            fprintf(out, "%.6f", probe->growth);
        fprintf(out, ",%s\n", verdict_keys[probe->verdict]);
    }
}

static const struct study_forms forms = {print_all, all_json, all_csv};

/* ---- the search ---- */

static struct probe *add_probe(struct find_max *find)
{
    struct probe *probes = realloc(find->probes, (find->count + 1) * sizeof(*probes));
    if (!probes) {
        fprintf(stderr, "loadgen: cannot go on: %s\n", strerror(ENOMEM));
        return NULL;
    }
    find->probes = probes;
    return &probes[find->count];
}

/* 0: go on. What was interrupted or could not be measured is no probe. */
static int probe_once(struct find_max *find, struct study *study)
{
    uint64_t rest_ns = REST_LEAST_NS;
    char text[RATE_TEXT_SIZE];
    struct probe *probe = add_probe(find);
    if (!probe)
        return EXIT_UNMEASURED;
    study_progress(study, "probe %u: %s/s", find->count + 1, print_rate(find->search.rate, text));
    int status = measure_at(find, probe, &rest_ns);
    if (status == EXIT_UNMEASURED || status == EXIT_INTERRUPTED)
        return status;
    find->count++;
    study_progress(study, NULL);
    if (study->text)
        print_probe(probe, study->text);
    search_take(&find->search, probe->verdict);
    return study_rest(study, rest_ns) ? EXIT_INTERRUPTED : 0;
}

static int search_through(struct find_max *find, struct study *study)
{
    int status = 0;
    while (!status && find->search.end == SEARCH_GOES_ON)
        status = probe_once(find, study);
    find->interrupted = status == EXIT_INTERRUPTED;
    if (study->text)
        print_result(find, study->text);
    if (status)
        return status;
    return find->search.end == SEARCH_NOTHING ? EXIT_MISSED : find->search.best > 0 ? EXIT_DONE : EXIT_INVALID;
}

enum exit_status study_find_max(const struct settings *settings, const struct objectives *goal)
{
    struct find_max find = {.settings = settings, .goal = goal};
    struct study study;
    int status = study_begin(&study, settings);
    if (status)
        return status;
    search_init(&find.search, settings->rate > 0 ? settings->rate : RATE_FIRST,
                PLANNED_LEAST / ((double)settings->duration_ns / 1e9));
    if (study.text)
        print_head(&find, study.text);
    status = study_end(&study, &forms, &find, search_through(&find, &study));
    free(find.probes);
    return status;
}
