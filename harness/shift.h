/*
 * Two samples that were not taken in pairs, as two runs are: how far does one lie from the other? Logarithms in, a ratio out; or
 * figures in, a difference out. Pure: arrays in, numbers out.
 */
#ifndef HARNESS_SHIFT_H
#define HARNESS_SHIFT_H

/* b over a, or b less a. Without a value in either all figures are NaN. */
struct shift {
    unsigned a, b;    /* values in each */
    double middle;    /* of all differences b[j] - a[i] the median; of a ratio its exp */
    double low, high; /* NaN where so few values allow no 95 % interval */
    double coverage;  /* of the interval: 0.959 for 6 and 6, 0.957 for 10 and 10; 0 without one */
    double p;         /* two-sided, of the rank sum test */
};

/*
 * Hodges and Lehmann's shift of `b` against `a`, both as logarithms. Its interval runs from the k-th least to the k-th greatest of
 * all differences, k the greatest whose coverage by the distribution of Mann and Whitney's U is at least 95 %: exact up to 40
 * values each, by its normal approximation beyond. Taken for granted: values are independent, and b is spread as a is, only
 * elsewhere. Values that are not finite are left out.
 */
struct shift shift_of(const double *a, unsigned a_count, const double *b, unsigned b_count);

/* The same of plain figures, of which 0 may be one: the difference b - a in their unit. */
struct shift shift_of_differences(const double *a, unsigned a_count, const double *b, unsigned b_count);

/* P(U <= u) of Mann and Whitney's U for samples of n and m, when both come from the same distribution. */
double shift_u_at_most(unsigned u, unsigned n, unsigned m);

/* The least p that samples of n and m can give. */
double shift_p_least(unsigned n, unsigned m);

#endif
