/*
 * The arithmetic of judging: medians with exact intervals, ratios of paired blocks, verdicts, fairness.
 * Pure: arrays in, numbers out.
 */
#ifndef HARNESS_STATISTICS_H
#define HARNESS_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

/* A median and the interval for it that two order statistics give. */
struct estimate {
    unsigned n;
    double median, low, high; /* low and high are NaN where n allows no 95 % interval (n < 6) */
    double coverage;          /* of the interval: 0.969 for n = 6; 0 without one */
};

/*
 * The interval runs from the k-th least to the k-th greatest value, k the greatest whose binomial coverage
 * 1 - 2 P(X <= k-1), X ~ B(n, 1/2), is at least 95 %: n=6: 1st..6th (96.9 %), 10: 2nd..9th (97.9 %), 20: 6th..15th (95.9 %).
 * Distribution-free: only that blocks are alike and independent is assumed. NaNs are left out; n 0 gives a NaN median.
 */
struct estimate statistics_estimate(const double *values, unsigned count);

/* The rank k of above, 0 when n is too small. */
unsigned statistics_rank(unsigned n, double *coverage);

/* The ratio a/b from pairs of one block each: exp of the estimate of ln(a) - ln(b). Pairs with a value that is not positive, NaN
 * included, are left out. */
struct estimate statistics_ratio(const double *a, const double *b, unsigned count);

enum verdict {
    VERDICT_NONE,      /* no interval, no baseline, or a plan without verdicts */
    VERDICT_SAME,      /* the interval lies within 1 +- delta */
    VERDICT_DIFFERENT, /* the interval lies outside of it */
    VERDICT_UNDECIDED, /* it reaches over an edge */
    VERDICT_VOID,      /* the A/A pair itself differs: this metric tells nothing here */
};
extern const char *const verdict_names[];

#define DELTA_LEAST 0.03

/* max(3 %, half the width of the A/A interval); the least where there is no A/A interval. */
double statistics_delta(const struct estimate *again);

/* Does the A/A interval lie wholly more than 1 % away from 1? */
bool statistics_voids(const struct estimate *again);

enum verdict statistics_verdict(const struct estimate *ratio, double delta);

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

#endif
