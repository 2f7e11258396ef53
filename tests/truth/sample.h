/*
 * Values, and what is asked of them. No histogram: every value is kept, so that percentiles are exact.
 */
#ifndef TRUTH_SAMPLE_H
#define TRUTH_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: empty. */
struct sample {
    double *values;
    size_t count, size;
    bool sorted;
};

void sample_add(struct sample *sample, double value); /* aborts without memory */
void sample_close(struct sample *sample);

/* The value of rank ceil(percentile / 100 * count), as HdrHistogram counts ranks; NAN when empty. */
double sample_percentile(struct sample *sample, double percentile);
double sample_median(struct sample *sample);

/*
 * Kolmogorov-Smirnov: the probability of a distance at least as great as this sample's if its values come from `distribution`.
 * Stephens, "EDF Statistics for Goodness of Fit and Some Comparisons", JASA 69 (1974): the correction for finite n.
 */
double sample_ks_p(struct sample *sample, double (*distribution)(double value));
double exponential_distribution(double value); /* of mean 1 */
double uniform_distribution(double value);     /* on 0..1 */

/* Pearson's statistic of counts that should be equal. */
double chi_square_of(const uint64_t *counts, unsigned count);
double chi_square_p(double statistic, double freedom); /* upper tail */

#endif
