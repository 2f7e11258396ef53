/*
 * summary_trends: rows of one strategy seen together: speed-up over its numbers of workers, latency over its loads.
 *
 * Speed-up is the ratio of throughputs to the fewest workers of the same strategy, within blocks, so it has the interval of any
 * ratio. It needs a closed loop: in an open one throughput is what was planned. Laws are fitted from six numbers of workers on.
 *
 * Rule: only ranked rows take part. Where blocked workers stand for cores, a row that did not pass the gates of emulation is not
 * ranked (judge.c), so no law is fitted to what the machine was too small for.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"
#include "summary_parts.h"

/* ---- one strategy's rows ---- */

struct series {
    const struct row **rows; /* ascending in workers or in rate */
    unsigned count;
    double *at, *values; /* for struct curve */
};

typedef bool (*choice)(const struct row *row, const struct row *of);

static bool same_but_workers(const struct row *row, const struct row *of)
{
    return row->experiment == of->experiment && row->ranked && !row->again && !strcmp(row->strategy, of->strategy) &&
           !strcmp(row->load, of->load);
}

static bool same_but_load(const struct row *row, const struct row *of)
{
    return row->experiment == of->experiment && row->ranked && !row->again && !strcmp(row->strategy, of->strategy) &&
           row->workers == of->workers && row->rate > 0;
}

static double place_of(const struct row *row, choice chosen)
{
    return chosen == same_but_workers ? row->workers : row->rate;
}

static struct series find_series(const struct summary *summary, const struct row *of, choice chosen)
{
    struct series series = {.rows = memory_get(summary->row_count * sizeof(*series.rows)),
                            .at = memory_get(summary->row_count * sizeof(*series.at)),
                            .values = memory_get(summary->row_count * (size_t)(summary->block_count + 1) * sizeof(*series.values))};
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (!chosen(row, of))
            continue;
        unsigned at = series.count++;
        for (; at && place_of(series.rows[at - 1], chosen) > place_of(row, chosen); at--)
            series.rows[at] = series.rows[at - 1];
        series.rows[at] = row;
    }
    for (unsigned i = 0; i < series.count; i++)
        series.at[i] = place_of(series.rows[i], chosen);
    return series;
}

static void series_free(struct series *series)
{
    free(series->rows);
    free(series->at);
    free(series->values);
}

static struct curve series_curve(const struct summary *summary, const struct series *series)
{
    return (struct curve){.at = series->at, .points = series->count, .values = series->values, .blocks = summary->block_count};
}

/* ---- speed-up ---- */

static bool is_scaling(const struct summary *summary, const struct row *row)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    return experiment->workers_count > 1 && experiment->loads[0].kind == LOAD_CLOSED && row->ranked && !row->again;
}

static void fit_laws(struct scaling *scaling, const struct curve *speedups, uint64_t seed)
{
    int amdahl = fit_make(&scaling->amdahl, FIT_AMDAHL, speedups, seed), usl = fit_make(&scaling->usl, FIT_USL, speedups, seed);
    scaling->fitted = !amdahl && !usl;
    if (speedups->points < FIT_POINTS_LEAST)
        scaling->no_fit_because =
            text_print("no law is fitted: %u numbers of workers were measured, it takes %u", speedups->points, FIT_POINTS_LEAST);
    else if (!scaling->fitted)
        scaling->no_fit_because = text_copy("no law fits these points");
}

static void fill_speedups(const struct summary *summary, struct series *series)
{
    const double *least = series->rows[0]->values[METRIC_RATE];
    unsigned blocks = summary->block_count;
    for (unsigned i = 0; i < series->count; i++)
        for (unsigned b = 0; b < blocks; b++)
            series->values[(size_t)i * blocks + b] = series->rows[i]->values[METRIC_RATE][b] / least[b];
}

static void add_scaling(struct summary *summary, const struct series *series)
{
    summary->scalings = memory_grow(summary->scalings, (summary->scaling_count + 1) * sizeof(*summary->scalings));
    struct scaling *scaling = &summary->scalings[summary->scaling_count++];
    const struct row *first = series->rows[0];
    struct curve speedups = series_curve(summary, series);
    *scaling = (struct scaling){.experiment = first->experiment,
                                .strategy = first->strategy,
                                .load = first->load,
                                .fewest = first->workers,
                                .most = series->rows[series->count - 1]->workers};
    fit_laws(scaling, &speedups, summary->results->seed);
}

/* Takes the row's speed-up; the last of its strategy's adds their laws, too. */
static void scale_row(struct summary *summary, struct row *row)
{
    struct series series = find_series(summary, row, same_but_workers);
    row->speedup = estimate_ratio(row->values[METRIC_RATE], series.rows[0]->values[METRIC_RATE], summary->block_count);
    if (series.count > 1 && row == series.rows[series.count - 1]) {
        fill_speedups(summary, &series);
        add_scaling(summary, &series);
    }
    series_free(&series);
}

/* ---- knees ---- */

static bool has_knee(const struct summary *summary, const struct row *row)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    return experiment->loads_count >= KNEE_LOADS_LEAST && row->ranked && !row->again && row->rate > 0;
}

/* At the row of the highest load. */
static void find_knee(struct summary *summary, const struct row *row)
{
    struct series series = find_series(summary, row, same_but_load);
    unsigned blocks = summary->block_count;
    for (unsigned i = 0; i < series.count; i++)
        memcpy(series.values + (size_t)i * blocks, series.rows[i]->values[METRIC_P99], blocks * sizeof(double));
    if (series.count >= KNEE_LOADS_LEAST && row == series.rows[series.count - 1]) {
        struct curve latencies = series_curve(summary, &series);
        summary->knees = memory_grow(summary->knees, (summary->knee_count + 1) * sizeof(*summary->knees));
        summary->knees[summary->knee_count++] = (struct knee){.experiment = row->experiment,
                                                              .strategy = row->strategy,
                                                              .workers = row->workers,
                                                              .lowest = series.at[0],
                                                              .highest = row->rate,
                                                              .rate = knee_make(&latencies, summary->results->seed)};
    }
    series_free(&series);
}

void summary_find_trends(struct summary *summary)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        struct row *row = &summary->rows[i];
        if (is_scaling(summary, row))
            scale_row(summary, row);
        if (has_knee(summary, row))
            find_knee(summary, row);
    }
}

void summary_free_trends(struct summary *summary)
{
    for (unsigned i = 0; i < summary->scaling_count; i++) {
        fit_free(&summary->scalings[i].amdahl);
        fit_free(&summary->scalings[i].usl);
        free(summary->scalings[i].no_fit_because);
    }
    free(summary->scalings);
    free(summary->knees);
}

/* ---- words ---- */

static char *interval_text(const struct estimate *estimate, int significant)
{
    if (isnan(estimate->low))
        return text_print("%.*g", significant, estimate->median);
    return text_print("%.*g [%.*g, %.*g]", significant, estimate->median, significant, estimate->low, significant, estimate->high);
}

static double largest_residual(const struct fit *fit)
{
    double largest = 0;
    for (unsigned i = 0; i < fit->points; i++)
        largest = fmax(largest, fabs(fit->residuals[i])); /* leaves NaNs out */
    return largest;
}

bool scaling_has_peak(const struct scaling *scaling)
{
    const struct estimate *peak = &scaling->usl.peak;
    return peak->high <= scaling->most || (isnan(peak->high) && peak->median <= scaling->most);
}

static char *peak_text(const struct scaling *scaling)
{
    return scaling_has_peak(scaling) ? text_print("most at %.0f workers", scaling->usl.peak.median)
                                     : text_print("no certain peak up to %u workers", scaling->most);
}

char *scaling_text(const struct scaling *scaling)
{
    if (!scaling->fitted)
        return text_print("%s: %s", scaling->strategy, scaling->no_fit_because);
    char *sigma = interval_text(&scaling->usl.sigma, 2), *kappa = interval_text(&scaling->usl.kappa, 2),
         *alone = interval_text(&scaling->amdahl.sigma, 2), *peak = peak_text(scaling);
    char *text =
        text_print("%s: USL sigma %s, kappa %s, off by up to %.1f %%, %s; Amdahl sigma %s, off by up to %.1f %%", scaling->strategy,
                   sigma, kappa, 100 * largest_residual(&scaling->usl), peak, alone, 100 * largest_residual(&scaling->amdahl));
    free(sigma);
    free(kappa);
    free(alone);
    free(peak);
    return text;
}

static char *rate_text(double rate)
{
    return isinf(rate) ? text_copy("more") : text_print("%.0f", rate);
}

char *knee_text(const struct knee *knee)
{
    if (isnan(knee->rate.median))
        return text_print("%s: p99 was not measured at three loads", knee->strategy);
    char *what = isinf(knee->rate.median) ? text_print("no knee up to %.0f/s", knee->highest)
                                          : text_print("knee at %.0f/s", knee->rate.median);
    char *low = rate_text(knee->rate.low), *high = rate_text(knee->rate.high);
    char *text = isnan(knee->rate.low) || (isinf(knee->rate.low) && isinf(knee->rate.high))
                     ? text_print("%s: %s", knee->strategy, what)
                     : text_print("%s: %s [%s, %s]", knee->strategy, what, low, high);
    free(low);
    free(high);
    free(what);
    return text;
}
