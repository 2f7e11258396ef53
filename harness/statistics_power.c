/*
 * statistics_power: what difference could have been seen?
 *
 * The blocks that were measured stand for all that might have been: their log ratios, moved so that their median is 0, are drawn
 * from with replacement, as many as there were blocks, and a difference is laid on top. For one such run the least difference that
 * makes the verdict "different" needs no search: laying on moves all of them alike, so it is the distance from the order statistic
 * that ends the interval to the edge of what counts as the same, or, if that is more, what brings enough pairs to one side for the
 * sign test. The run that stands at 80 % of them all gives the answer.
 *
 * With differences in place of log ratios all is the same but for the logarithms.
 *
 * Half of the runs are mirrored: a difference may go either way. Deviations from the median of a few blocks are a little too small,
 * by sqrt((n - 1) / n) for normal ones; that is made good.
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_sort.h>

#include "base/random.h"

#include "statistics.h"
#include "text.h"

#define POWER_RUNS 2000u
#define POWER      0.8

struct power_run {
    const double *residuals;
    double *drawn;
    unsigned count, rank, needed; /* the interval starts at the rank-th; `needed` must lie on one side */
    double above, below;          /* the edges of what counts as the same: how far up, how far down */
};

static double least_difference(const struct power_run *run, struct random *random, bool mirrored)
{
    for (unsigned i = 0; i < run->count; i++) {
        double residual = run->residuals[random_below(random, run->count)];
        run->drawn[i] = mirrored ? -residual : residual;
    }
    gsl_sort(run->drawn, 1, run->count);
    return fmax((mirrored ? run->below : run->above) - run->drawn[run->rank - 1], -run->drawn[run->count - run->needed]);
}

static double simulate(const struct power_run *run, uint64_t seed)
{
    double *differences = memory_get(POWER_RUNS * sizeof(*differences));
    struct random random;
    random_init(&random, seed);
    for (unsigned r = 0; r < POWER_RUNS; r++)
        differences[r] = least_difference(run, &random, r % 2);
    gsl_sort(differences, 1, POWER_RUNS);
    double difference = differences[(unsigned)ceil(POWER * POWER_RUNS) - 1];
    free(differences);
    return difference;
}

/* NaN where they make no pair. */
static double contrast(double a, double b, bool by_difference)
{
    return by_difference ? a - b : a > 0 && b > 0 ? log(a) - log(b) : NAN;
}

double statistics_power(const double *a, const double *b, const struct power_question *question)
{
    double *residuals = memory_get((question->count + 1) * sizeof(*residuals)), answer = INFINITY, coverage;
    unsigned n = 0;
    for (unsigned i = 0; i < question->count; i++)
        if (isfinite(contrast(a[i], b[i], question->by_difference)))
            residuals[n++] = contrast(a[i], b[i], question->by_difference);
    double middle = estimate_of(residuals, n).median;
    for (unsigned i = 0; i < n; i++)
        residuals[i] = (residuals[i] - middle) * sqrt(n / (n - 1.0));
    struct power_run run = {.residuals = residuals,
                            .drawn = memory_get((n + 1) * sizeof(double)),
                            .count = n,
                            .rank = estimate_rank(n, &coverage),
                            .needed = estimate_signs_needed(n, question->level),
                            .above = question->by_difference ? question->delta : log(1 + question->delta),
                            .below = question->by_difference ? question->delta : -log(1 - question->delta)};
    if (run.rank && run.needed <= n && (question->by_difference || question->delta < 1))
        answer = simulate(&run, question->seed);
    if (!question->by_difference)
        answer = exp(answer) - 1; /* infinity stays */
    free(run.drawn);
    free(residuals);
    return answer;
}
