/*
 * The arithmetic of judging: medians, ratios and verdicts (base/estimate.h), fairness.
 * Pure: arrays in, numbers out.
 */
#ifndef HARNESS_STATISTICS_H
#define HARNESS_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/estimate.h"

struct power_question {
    unsigned count;     /* blocks */
    bool by_difference; /* a - b and not a/b: answer and delta are in their unit */
    double delta;       /* what counts as the same */
    double level;       /* the sign test's p must lie below it; 1: it is not asked */
    uint64_t seed;
};

/*
 * The smallest difference between a and b, as a part of 1 (0.05: 5 %), that would be called different in 8 of 10 runs with as many
 * blocks, which spread as these do: by 2,000 seeded draws of whole blocks. Infinity where no difference would be: too few blocks,
 * or too many comparisons for them. Pairs with a value that is not positive, NaN included, are left out (by difference: NaN only).
 */
double statistics_power(const double *a, const double *b, const struct power_question *question);

/* Fairness of `count` shares (any unit): Jain's index (sum x)^2 / (k sum x^2), 1/k..1, and the busiest over the mean. 0 when all
 * are 0. */
double statistics_jain(const double *shares, unsigned count);
double statistics_busiest(const double *shares, unsigned count);

/* Jain's index that hashing n connections on k workers gives on the average: n / (n + k - 1). */
double statistics_jain_by_chance(double connections, unsigned workers);

/* P(a spread at least as uneven as this | each connection chooses a worker at random); NaN below 5 expected a worker. */
double statistics_chi_square_p(const double *counts, unsigned count);

/*
 * Where the shares, sorted with the busiest first, lie in 95 of 100 cases if each of `connections` chose a worker at random: low[i]
 * and high[i] for the i-th busiest, as parts of 1. By 2,000 seeded draws.
 */
void statistics_chance_band(unsigned connections, unsigned workers, uint64_t seed, double *low, double *high);

/* The same of their sums from the idlest on, as in a Lorenz curve: low[i] and high[i] of the i+1 idlest together. */
void statistics_lorenz_band(unsigned connections, unsigned workers, uint64_t seed, double *low, double *high);

#endif
