/*
 * The bootstrap over whole blocks: what would other blocks have said? A resample takes as many blocks as there are, with
 * replacement, and all of each: what happened in one block stays together. Used where no order statistic gives an interval: Jain's
 * index, knees, fits (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, 13.3: the percentile interval).
 * Pure: the same seed, the same resamples.
 */
#ifndef HARNESS_BOOTSTRAP_H
#define HARNESS_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/estimate.h"
#include "base/random.h"

#define BOOTSTRAP_RUNS         10000u
#define BOOTSTRAP_COVERAGE     0.95 /* nominal; tests hold it against simulated blocks */
#define BOOTSTRAP_BLOCKS_LEAST 6u   /* below them resamples repeat each other too often to tell anything */

struct bootstrap {
    struct random random;
    unsigned blocks, runs;
    unsigned *times; /* how often each block is in the resample */
};

void bootstrap_begin(struct bootstrap *bootstrap, unsigned blocks, uint64_t seed);
/* The next resample into `times`; false after BOOTSTRAP_RUNS of them. */
bool bootstrap_next(struct bootstrap *bootstrap);
void bootstrap_end(struct bootstrap *bootstrap);

/* One value a block, put in order once for many medians. NaNs are left out. */
struct ordered {
    const double *values; /* outlive it */
    unsigned *order, count;
};

void ordered_make(struct ordered *ordered, const double *values, unsigned blocks);
void ordered_free(struct ordered *ordered);

/* The median where block i counts times[i] times; NaN when none of them has a value. */
double ordered_median(const struct ordered *ordered, const unsigned *times);

/* The middle 95 % of what the resamples gave (sorted in place); infinities may be ends, NaNs are left out; NaN without any. */
void bootstrap_interval(double *samples, unsigned count, double *low, double *high);

/* The median of the blocks with its bootstrap interval; none below BOOTSTRAP_BLOCKS_LEAST values. */
struct estimate bootstrap_estimate(const double *values, unsigned blocks, uint64_t seed);

#endif
