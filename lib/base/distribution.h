/*
 * Distributions of times as people write them:
 *   5ms  exp:5ms  uniform:1ms-9ms  lognormal:5ms,1.5  pareto:1ms,1.5  bimodal:1ms@0.99,100ms@0.01
 * exp:MEAN; uniform:LOW-HIGH; lognormal:MEDIAN,SIGMA (of the logarithm); pareto:LEAST,SHAPE; bimodal:TIME@SHARE,TIME@SHARE.
 * Times are at most one hour; the two shares of a bimodal one sum to 1.
 */
#ifndef BASE_DISTRIBUTION_H
#define BASE_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

enum distribution_kind {
    DISTRIBUTION_CONSTANT,
    DISTRIBUTION_EXPONENTIAL,
    DISTRIBUTION_UNIFORM,
    DISTRIBUTION_LOGNORMAL,
    DISTRIBUTION_PARETO,
    DISTRIBUTION_BIMODAL,
};

struct distribution {
    enum distribution_kind kind;
    double a, b;  /* the two times in ns, or a time and a shape, in the order written */
    double share; /* bimodal: probability of the first */
};

/* What distribution_parse takes, for messages: one line. */
extern const char distribution_allowed[];

/* Parses exactly `length` bytes of `text`. Returns 0, or -EINVAL, and then `distribution` is left alone. */
int distribution_parse(const char *text, size_t length, struct distribution *distribution);

/* One draw, in nanoseconds, capped at one hour. */
uint64_t distribution_draw(const struct distribution *distribution, struct random *random);

/* The mean in nanoseconds of the distribution as written, without the cap on draws; infinity for pareto with shape <= 1. */
double distribution_mean(const struct distribution *distribution);

#endif
