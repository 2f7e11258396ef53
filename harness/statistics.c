/*
 * statistics: how work falls on workers, and how it would fall by chance alone. What may be said about a few noisy blocks is
 * in lib/base/estimate.
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

#define CHANCE_RUNS    2000u
#define EXPECTED_LEAST 5.0

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

/* The middle 95 % of each of the `count` rows of runs. */
static void take_band(double *runs, unsigned count, double *low, double *high)
{
    for (unsigned i = 0; i < count; i++) {
        double *of_rank = runs + i * CHANCE_RUNS;
        gsl_sort(of_rank, 1, CHANCE_RUNS);
        low[i] = gsl_stats_quantile_from_sorted_data(of_rank, 1, CHANCE_RUNS, 0.025);
        high[i] = gsl_stats_quantile_from_sorted_data(of_rank, 1, CHANCE_RUNS, 0.975);
    }
}

void statistics_chance_band(unsigned connections, unsigned workers, uint64_t seed, double *low, double *high)
{
    double *runs = memory_get(CHANCE_RUNS * workers * sizeof(*runs));
    throw_often(connections, workers, seed, runs);
    take_band(runs, workers, low, high);
    free(runs);
}

void statistics_lorenz_band(unsigned connections, unsigned workers, uint64_t seed, double *low, double *high)
{
    double *runs = memory_get(CHANCE_RUNS * workers * sizeof(*runs)), *sums = memory_get(CHANCE_RUNS * workers * sizeof(*sums));
    throw_often(connections, workers, seed, runs);
    for (unsigned r = 0; r < CHANCE_RUNS; r++) {
        double sum = 0;
        for (unsigned i = 0; i < workers; i++)
            sums[i * CHANCE_RUNS + r] = sum += runs[(workers - 1 - i) * CHANCE_RUNS + r];
    }
    take_band(sums, workers, low, high);
    free(sums);
    free(runs);
}
