/*
 * --repeat: the same run N times, because one says nothing of how much the next will differ.
 *
 * Each run has a seed of its own (the one given, plus its number). What is said of all of them is a median and, from 6 runs on, an
 * interval made of two of the values themselves (base/estimate.h). Runs that are INVALID are shown and left out.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/study/study.h"

struct repeat_run {
    uint64_t seed;
    enum validity validity;
    double values[METRICS];
    bool bounds[METRICS]; /* which of them are lower bounds */
    bool met[OBJECTIVES_MAX];
    char reason[REASON_SIZE]; /* the first one */
    json_t *report;
    char *csv; /* two lines */
};

struct repeat {
    const struct settings *settings;
    const struct objectives *slo;
    struct repeat_run *runs;
    unsigned count;
    bool interrupted;
    struct estimate estimates[METRICS];
    unsigned counted; /* runs that are not INVALID */
};

static bool counts(const struct repeat_run *run)
{
    return run->validity != VALIDITY_INVALID;
}

/* ---- one run ---- */

static char *csv_of(const struct summary *summary)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    int error = report_csv(summary, out);
    if (fclose(out) == 0 && !error)
        return text;
    free(text);
    return NULL;
}

static int note(struct repeat_run *run, const struct objectives *slo, const struct summary *summary)
{
    run->validity = summary->validity;
    snprintf(run->reason, sizeof(run->reason), "%s", summary->reason_count ? summary->reasons[0] : "");
    metrics_of(summary, run->values, run->bounds);
    for (unsigned i = 0; i < slo->count; i++)
        objective_value(&slo->items[i], summary, &run->met[i]);
    run->csv = csv_of(summary);
    run->report = report_json(summary);
    if (run->report)
        json_object_set_new(run->report, "slo", slo->count ? objectives_json(slo, summary) : json_null());
    return run->report && run->csv ? 0 : -ENOMEM;
}

static void free_run(struct repeat_run *run)
{
    json_decref(run->report);
    free(run->csv);
}

static int measure(struct repeat *repeat, struct repeat_run *run)
{
    struct settings settings = *repeat->settings;
    struct summary summary;
    char message[MESSAGE_SIZE];
    bool measured;
    study_watch_nothing(&settings);
    settings.seed = study_seed(repeat->settings, repeat->count);
    *run = (struct repeat_run){.seed = settings.seed};
    int status = measure_once(&settings, &summary, &measured, message);
    if (*message)
        fprintf(stderr, "%s\n", message);
    if (!measured)
        return status;
    if (note(run, repeat->slo, &summary) != 0) {
        fprintf(stderr, "loadgen: cannot go on: %s\n", strerror(ENOMEM));
        status = EXIT_UNMEASURED;
    }
    summary_close(&summary);
    return status;
}

/* ---- text ---- */

static const enum metric_kind columns[] = {METRIC_RATE, METRIC_MEAN, METRIC_P50,   METRIC_P90,
                                           METRIC_P99,  METRIC_P999, METRIC_ERRORS};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void print_head(const struct repeat *repeat, FILE *out)
{
    report_text_head(repeat->settings, out);
    fprintf(out, "  %llu runs\n  %4s %12s", (unsigned long long)repeat->settings->repeat, "run", "seed");
    for (unsigned i = 0; i < COLUMNS; i++)
        fprintf(out, " %10s", metrics[columns[i]].name);
    fputc('\n', out);
    fflush(out);
}

static void print_run(const struct repeat_run *run, unsigned number, FILE *out)
{
    char text[METRIC_TEXT_SIZE];
    fprintf(out, "  %4u %12llu", number, (unsigned long long)run->seed);
    for (unsigned i = 0; i < COLUMNS; i++)
        fprintf(out, " %10s", metric_print_bound(columns[i], run->values[columns[i]], run->bounds[columns[i]], text));
    fprintf(out, "  %s%s%s\n", validity_names[run->validity], counts(run) ? "" : ", left out: ", counts(run) ? "" : run->reason);
    fflush(out);
}

/* One lower bound among the values makes the median one. */
static bool is_bound(const struct repeat *repeat, enum metric_kind kind)
{
    bool bound = false;
    for (unsigned i = 0; i < repeat->count; i++)
        bound |= counts(&repeat->runs[i]) && repeat->runs[i].bounds[kind];
    return bound;
}

static void print_estimates(const struct repeat *repeat, FILE *out)
{
    char text[METRIC_TEXT_SIZE];
    double coverage;
    unsigned rank = estimate_rank(repeat->counted, &coverage);
    fprintf(out, "Median of %u run%s", repeat->counted, repeat->counted == 1 ? "" : "s");
    if (repeat->counted < repeat->count)
        fprintf(out, " (%u INVALID left out)", repeat->count - repeat->counted);
    if (rank)
        fprintf(out, " [%.1f %% interval]\n", 100 * coverage);
    else
        fprintf(out, "; no interval below 6 runs\n");
    for (unsigned i = 0; i < COLUMNS; i++) {
        const struct estimate *estimate = &repeat->estimates[columns[i]];
        fprintf(out, "  %-12s %10s", metrics[columns[i]].name,
                metric_print_bound(columns[i], estimate->median, is_bound(repeat, columns[i]), text));
        if (rank) {
            fprintf(out, " [%s,", metric_print(columns[i], estimate->low, text));
            fprintf(out, " %s]", metric_print(columns[i], estimate->high, text));
        }
        fputc('\n', out);
    }
}

static unsigned count_met(const struct repeat *repeat, unsigned objective)
{
    unsigned met = 0;
    for (unsigned i = 0; i < repeat->count; i++)
        met += counts(&repeat->runs[i]) && repeat->runs[i].met[objective];
    return met;
}

static void print_result(const struct repeat *repeat, FILE *out)
{
    if (repeat->interrupted)
        fprintf(out, "Interrupted after %u of %llu runs\n", repeat->count, (unsigned long long)repeat->settings->repeat);
    if (repeat->counted > 0)
        print_estimates(repeat, out);
    else if (repeat->count > 0)
        fprintf(out, "All runs were INVALID: nothing can be said\n");
    for (unsigned i = 0; i < repeat->slo->count && repeat->counted > 0; i++) {
        unsigned met = count_met(repeat, i);
        fprintf(out, "SLO %s: %s in %u of %u runs\n", repeat->slo->items[i].text, met == repeat->counted ? "met" : "missed",
                met == repeat->counted ? met : repeat->counted - met, repeat->counted);
    }
}

static void print_all(const void *results, FILE *out)
{
    const struct repeat *repeat = results;
    print_head(repeat, out);
    for (unsigned i = 0; i < repeat->count; i++)
        print_run(&repeat->runs[i], i + 1, out);
    print_result(repeat, out);
}

/* ---- JSON and CSV ---- */

static json_t *slo_json(const struct repeat *repeat)
{
    json_t *json = json_array();
    for (unsigned i = 0; i < repeat->slo->count; i++) {
        unsigned met = count_met(repeat, i);
        json_array_append_new(json,
                              json_pack("{s:s s:i s:i s:b}", "objective", repeat->slo->items[i].text, "runs", (int)repeat->counted,
                                        "runs_met", (int)met, "met", repeat->counted > 0 && met == repeat->counted));
    }
    return json;
}

static json_t *all_json(const void *results)
{
    const struct repeat *repeat = results;
    json_t *runs = json_array(), *estimates = json_object();
    for (unsigned i = 0; i < repeat->count; i++)
        json_array_append(runs, repeat->runs[i].report);
    for (unsigned i = 0; i < COLUMNS; i++) {
        json_t *estimate = estimate_json(&repeat->estimates[columns[i]]);
        json_object_set_new(estimate, "lower_bound", json_boolean(is_bound(repeat, columns[i])));
        json_object_set_new(estimates, metrics[columns[i]].key, estimate);
    }
    return json_pack("{s:s s:s s:s s:I s:I s:i s:b s:o s:o s:o}", "schema", "clusterbench.loadgen.repeat/1", "version",
                     CLUSTERBENCH_VERSION, "url", repeat->settings->url_text, "seed", (json_int_t)repeat->settings->seed,
                     "planned_runs", (json_int_t)repeat->settings->repeat, "invalid", (int)(repeat->count - repeat->counted),
                     "interrupted", repeat->interrupted, "estimates", estimates, "slo",
                     repeat->slo->count ? slo_json(repeat) : json_null(), "runs", runs);
}

/* The names once, then a row a run. */
static void all_csv(const void *results, FILE *out)
{
    const struct repeat *repeat = results;
    for (unsigned i = 0; i < repeat->count; i++) {
        const char *csv = repeat->runs[i].csv, *row = strchr(csv, '\n');
        if (i == 0)
            fprintf(out, "run,%.*s\n", (int)strcspn(csv, "\n"), csv);
        fprintf(out, "%u,%s", i + 1, row ? row + 1 : "\n");
    }
}

static const struct study_forms forms = {print_all, all_json, all_csv};

/* ---- all runs ---- */

static void estimate_all(struct repeat *repeat)
{
    double *values = calloc(repeat->count + 1, sizeof(*values));
    repeat->counted = 0;
    for (unsigned i = 0; i < repeat->count; i++)
        repeat->counted += counts(&repeat->runs[i]);
    for (unsigned kind = 0; kind < METRICS; kind++) {
        unsigned n = 0;
        for (unsigned i = 0; values && i < repeat->count; i++)
            if (counts(&repeat->runs[i]))
                values[n++] = repeat->runs[i].values[kind];
        repeat->estimates[kind] = estimate_of(values, n);
    }
    free(values);
}

/* 0: go on. A run that could not be measured, or was cut off, is none of the N. */
static int run_once(struct repeat *repeat, struct study *study)
{
    struct repeat_run *run = &repeat->runs[repeat->count];
    study_progress(study, "run %u of %llu", repeat->count + 1, (unsigned long long)repeat->settings->repeat);
    int status = measure(repeat, run);
    study_progress(study, NULL);
    if (status == EXIT_UNMEASURED || status == EXIT_INTERRUPTED) {
        free_run(run);
        return status;
    }
    repeat->count++;
    if (study->text)
        print_run(run, repeat->count, study->text);
    return study_rest(study, 0) ? EXIT_INTERRUPTED : 0;
}

static bool misses_objectives(const struct repeat *repeat)
{
    for (unsigned i = 0; i < repeat->slo->count; i++)
        if (count_met(repeat, i) < repeat->counted)
            return true;
    return false;
}

static int run_all(struct repeat *repeat, struct study *study)
{
    int status = 0;
    while (!status && repeat->count < repeat->settings->repeat)
        status = run_once(repeat, study);
    repeat->interrupted = status == EXIT_INTERRUPTED;
    estimate_all(repeat);
    if (study->text)
        print_result(repeat, study->text);
    if (status)
        return status;
    return repeat->counted == 0 ? EXIT_INVALID : misses_objectives(repeat) ? EXIT_MISSED : EXIT_DONE;
}

enum exit_status study_repeat(const struct settings *settings, const struct objectives *slo)
{
    struct repeat repeat = {.settings = settings, .slo = slo, .runs = calloc(settings->repeat, sizeof(*repeat.runs))};
    struct study study;
    if (!repeat.runs) {
        fprintf(stderr, "loadgen: cannot begin: %s\n", strerror(ENOMEM));
        return EXIT_UNMEASURED;
    }
    int status = study_begin(&study, settings);
    if (!status) {
        if (study.text)
            print_head(&repeat, study.text);
        status = study_end(&study, &forms, &repeat, run_all(&repeat, &study));
    }
    for (unsigned i = 0; i < repeat.count; i++)
        free_run(&repeat.runs[i]);
    free(repeat.runs);
    return status;
}
