/* bootstrap: resamples as numbers of times each block is taken, so that a median is one walk over values in order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>

#include "bootstrap.h"
#include "text.h"

void bootstrap_begin(struct bootstrap *bootstrap, unsigned blocks, uint64_t seed)
{
    *bootstrap = (struct bootstrap){.blocks = blocks, .times = memory_get((blocks + 1) * sizeof(*bootstrap->times))};
    random_init(&bootstrap->random, seed);
}

bool bootstrap_next(struct bootstrap *bootstrap)
{
    if (bootstrap->runs++ >= BOOTSTRAP_RUNS)
        return false;
    memset(bootstrap->times, 0, bootstrap->blocks * sizeof(*bootstrap->times));
    for (unsigned i = 0; i < bootstrap->blocks; i++)
        bootstrap->times[random_below(&bootstrap->random, bootstrap->blocks)]++;
    return true;
}

void bootstrap_end(struct bootstrap *bootstrap)
{
    free(bootstrap->times);
    *bootstrap = (struct bootstrap){0};
}

void ordered_make(struct ordered *ordered, const double *values, unsigned blocks)
{
    *ordered = (struct ordered){.values = values, .order = memory_get((blocks + 1) * sizeof(*ordered->order))};
    for (unsigned b = 0; b < blocks; b++) {
        if (isnan(values[b]))
            continue;
        unsigned i = ordered->count++;
        for (; i && values[ordered->order[i - 1]] > values[b]; i--)
            ordered->order[i] = ordered->order[i - 1];
        ordered->order[i] = b;
    }
}

void ordered_free(struct ordered *ordered)
{
    free(ordered->order);
    *ordered = (struct ordered){0};
}

double ordered_median(const struct ordered *ordered, const unsigned *times)
{
    unsigned total = 0, passed = 0;
    double lower = NAN;
    for (unsigned i = 0; i < ordered->count; i++)
        total += times[ordered->order[i]];
    for (unsigned i = 0; i < ordered->count; i++) {
        double value = ordered->values[ordered->order[i]];
        passed += times[ordered->order[i]];
        if (isnan(lower) && total && 2 * passed >= total)
            lower = value;
        if (2 * passed > total)
            return (lower + value) / 2;
    }
    return NAN;
}

void bootstrap_interval(double *samples, unsigned count, double *low, double *high)
{
    const double tail = (1 - BOOTSTRAP_COVERAGE) / 2;
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (!isnan(samples[i]))
            samples[kept++] = samples[i];
    gsl_sort(samples, 1, kept);
    unsigned beyond = (unsigned)(tail * kept);
    *low = kept ? samples[beyond] : NAN;
    *high = kept ? samples[kept - 1 - beyond] : NAN;
}

static void resample_medians(struct estimate *estimate, const struct ordered *ordered, unsigned blocks, uint64_t seed)
{
    struct bootstrap bootstrap;
    double *medians = memory_get(BOOTSTRAP_RUNS * sizeof(*medians));
    bootstrap_begin(&bootstrap, blocks, seed);
    for (unsigned run = 0; bootstrap_next(&bootstrap); run++)
        medians[run] = ordered_median(ordered, bootstrap.times);
    bootstrap_end(&bootstrap);
    bootstrap_interval(medians, BOOTSTRAP_RUNS, &estimate->low, &estimate->high);
    free(medians);
}

struct estimate bootstrap_estimate(const double *values, unsigned blocks, uint64_t seed)
{
    struct estimate estimate = estimate_of(values, blocks);
    struct ordered ordered;
    ordered_make(&ordered, values, blocks);
    estimate.low = estimate.high = NAN;
    estimate.coverage = 0;
    if (ordered.count >= BOOTSTRAP_BLOCKS_LEAST) {
        estimate.coverage = BOOTSTRAP_COVERAGE;
        if (values[ordered.order[0]] < values[ordered.order[ordered.count - 1]])
            resample_medians(&estimate, &ordered, blocks, seed);
        else
            estimate.low = estimate.high = estimate.median; /* all alike: so is every resample */
    }
    ordered_free(&ordered);
    return estimate;
}
