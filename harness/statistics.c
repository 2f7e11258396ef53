/*
 * statistics: what may be said about a few noisy blocks.
 *
 * The unit is one block, never a request: thousands of requests of one server start share its luck. Strategies are compared
 * within blocks, because what disturbs the machine disturbs neighbours alike, and ratios are averaged as logarithms, so that
 * a/b and b/a tell the same story. The interval of the median by order statistics needs no normal distribution (David
 * and Nagaraja, Order Statistics, 7.1) and does not exist at 95 % below six blocks.
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "statistics.h"
#include "text.h"

#define CONFIDENCE     0.95
#define CHANCE_RUNS    2000u
#define EXPECTED_LEAST 5.0

const char *const verdict_names[] = {
    [VERDICT_NONE] = "none",           [VERDICT_SAME] = "same", [VERDICT_DIFFERENT] = "different",
    [VERDICT_UNDECIDED] = "undecided", [VERDICT_VOID] = "void",
};

unsigned statistics_rank(unsigned n, double *coverage)
{
    unsigned rank = 0;
    *coverage = 0;
    for (unsigned k = 1; 2 * k <= n; k++) {
        double covered = 1 - 2 * gsl_cdf_binomial_P(k - 1, 0.5, n);
        if (covered < CONFIDENCE)
            break;
        rank = k;
        *coverage = covered;
    }
    return rank;
}

static unsigned keep_numbers(const double *values, unsigned count, double *kept)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        if (isfinite(values[i]))
            kept[n++] = values[i];
    return n;
}

struct estimate statistics_estimate(const double *values, unsigned count)
{
    struct estimate estimate = {.median = NAN, .low = NAN, .high = NAN};
    double *sorted = memory_get(count * sizeof(*sorted));
    estimate.n = keep_numbers(values, count, sorted);
    if (estimate.n) {
        gsl_sort(sorted, 1, estimate.n);
        estimate.median = gsl_stats_median_from_sorted_data(sorted, 1, estimate.n);
        unsigned rank = statistics_rank(estimate.n, &estimate.coverage);
        if (rank) {
            estimate.low = sorted[rank - 1];
            estimate.high = sorted[estimate.n - rank];
        }
    }
    free(sorted);
    return estimate;
}

struct estimate statistics_ratio(const double *a, const double *b, unsigned count)
{
    double *differences = memory_get(count * sizeof(*differences));
    for (unsigned i = 0; i < count; i++)
        differences[i] = a[i] > 0 && b[i] > 0 ? log(a[i]) - log(b[i]) : NAN;
    struct estimate ratio = statistics_estimate(differences, count);
    free(differences);
    ratio.median = exp(ratio.median); /* NaN stays NaN */
    ratio.low = exp(ratio.low);
    ratio.high = exp(ratio.high);
    return ratio;
}

double statistics_delta(const struct estimate *again)
{
    double half_width = (again->high - again->low) / 2;
    return half_width > DELTA_LEAST ? half_width : DELTA_LEAST; /* a NaN is not greater */
}

bool statistics_voids(const struct estimate *again)
{
    return again->low > 1.01 || again->high < 0.99;
}

enum verdict statistics_verdict(const struct estimate *ratio, double delta)
{
    if (!isfinite(ratio->low) || !isfinite(ratio->high))
        return VERDICT_NONE;
    if (ratio->low > 1 + delta || ratio->high < 1 - delta)
        return VERDICT_DIFFERENT;
    if (ratio->low >= 1 - delta && ratio->high <= 1 + delta)
        return VERDICT_SAME;
    return VERDICT_UNDECIDED;
}

double statistics_jain(const double *shares, unsigned count)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += shares[i];
        squares += shares[i] * shares[i];
    }
    return squares > 0 ? sum * sum / (count * squares) : 0;
}

double statistics_busiest(const double *shares, unsigned count)
{
    double sum = 0, busiest = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += shares[i];
        busiest = fmax(busiest, shares[i]);
    }
    return sum > 0 ? busiest * count / sum : 0;
}

double statistics_jain_by_chance(double connections, unsigned workers)
{
    return connections / (connections + workers - 1);
}

double statistics_chi_square_p(const double *counts, unsigned count)
{
    double sum = 0, chi_square = 0;
    for (unsigned i = 0; i < count; i++)
        sum += counts[i];
    double expected = sum / count;
    if (count < 2 || expected < EXPECTED_LEAST)
        return NAN;
    for (unsigned i = 0; i < count; i++)
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    return gsl_cdf_chisq_Q(chi_square, count - 1);
}

/* One throw of all connections, as sorted shares, the busiest first. */
static void throw_once(const gsl_rng *random, unsigned connections, unsigned workers, const double *even, unsigned *counts,
                       double *shares)
{
    gsl_ran_multinomial(random, workers, connections, even, counts);
    for (unsigned i = 0; i < workers; i++)
        shares[i] = -(double)counts[i] / connections;
    gsl_sort(shares, 1, workers);
    for (unsigned i = 0; i < workers; i++)
        shares[i] = -shares[i];
}

/* runs[i * CHANCE_RUNS + r]: the share of the i-th busiest in throw r. */
static void throw_often(unsigned connections, unsigned workers, uint64_t seed, double *runs)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937); /* gives up the program itself when memory ends */
    double *even = memory_get(workers * sizeof(*even)), *shares = memory_get(workers * sizeof(*shares));
    unsigned *counts = memory_get(workers * sizeof(*counts));
    gsl_rng_set(random, (unsigned long)seed);
    for (unsigned i = 0; i < workers; i++)
        even[i] = 1.0 / workers;
    for (unsigned r = 0; r < CHANCE_RUNS; r++) {
        throw_once(random, connections, workers, even, counts, shares);
        for (unsigned i = 0; i < workers; i++)
            runs[i * CHANCE_RUNS + r] = shares[i];
    }
    free(counts);
    free(shares);
    free(even);
    gsl_rng_free(random);
}

void statistics_chance_band(unsigned connections, unsigned workers, uint64_t seed, double *low, double *high)
{
    double *runs = memory_get(CHANCE_RUNS * workers * sizeof(*runs));
    throw_often(connections, workers, seed, runs);
    for (unsigned i = 0; i < workers; i++) {
        double *of_rank = runs + i * CHANCE_RUNS;
        gsl_sort(of_rank, 1, CHANCE_RUNS);
        low[i] = gsl_stats_quantile_from_sorted_data(of_rank, 1, CHANCE_RUNS, 0.025);
        high[i] = gsl_stats_quantile_from_sorted_data(of_rank, 1, CHANCE_RUNS, 0.975);
    }
    free(runs);
}
