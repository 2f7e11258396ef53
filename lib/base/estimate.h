/*
 * What may be said about a few noisy runs: medians with exact intervals, ratios of runs made in pairs, verdicts. Pure: arrays in,
 * numbers out. The unit is one run (a block), never a request: thousands of requests of one run share its luck.
 */
#ifndef BASE_ESTIMATE_H
#define BASE_ESTIMATE_H

#include <stdbool.h>

/* A median and the interval for it that two order statistics give. */
struct estimate {
    unsigned n;
    double median, low, high; /* low and high are NaN where n allows no 95 % interval (n < 6) */
    double coverage;          /* of the interval: 0.969 for n = 6; 0 without one */
};

/*
 * The interval runs from the k-th least to the k-th greatest value, k the greatest whose binomial coverage
 * 1 - 2 P(X <= k-1), X ~ B(n, 1/2), is at least 95 %: n=6: 1st..6th (96.9 %), 10: 2nd..9th (97.9 %), 20: 6th..15th (95.9 %).
 * Distribution-free: only that runs are alike and independent is assumed. NaNs are left out; n 0, or too little memory, gives a
 * NaN median.
 */
struct estimate estimate_of(const double *values, unsigned count);

/* The rank k of above, 0 when n is too small. */
unsigned estimate_rank(unsigned n, double *coverage);

/* The ratio a/b from pairs made in one block each: exp of the estimate of ln(a) - ln(b). Pairs with a value that is not positive,
 * NaN included, are left out. */
struct estimate estimate_ratio(const double *a, const double *b, unsigned count);

/*
 * The exact two-sided sign test of the same pairs: P(so many or more on one side | both sides are equally likely). Pairs that are
 * alike count for neither side; without any other p is 1.
 */
double estimate_sign_p(const double *a, const double *b, unsigned count);

/* The same of so many pairs on one side and on the other. */
double estimate_signs_p(unsigned above, unsigned below);

/* The difference a - b of such pairs, for figures that may be 0. Pairs with a value that is not finite are left out. */
struct estimate estimate_difference(const double *a, const double *b, unsigned count);

/* How many of n pairs must fall on one side for p < level; n + 1 where not even all of them are enough. */
unsigned estimate_signs_needed(unsigned n, double level);

/*
 * Holm's step-down correction, in place: each p becomes the least level at which its comparison stands when all that are no NaN
 * are made together (Holm, A simple sequentially rejective multiple test procedure, 1979). 0, or -ENOMEM with p as it was.
 */
int estimate_holm(double *p, unsigned count);

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
double estimate_delta(const struct estimate *again);

/* Does the A/A interval lie wholly more than 1 % away from 1? */
bool estimate_voids(const struct estimate *again);

enum verdict estimate_verdict(const struct estimate *ratio, double delta);

#endif
