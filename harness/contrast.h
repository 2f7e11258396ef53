/*
 * Two rows held against each other by one metric, block by block: as a ratio, or, where 0 is a good figure, as a difference.
 */
#ifndef HARNESS_CONTRAST_H
#define HARNESS_CONTRAST_H

#include "base/estimate.h"

#include "metric.h"

struct contrast {
    struct estimate of; /* the ratio a/b, or the difference a - b in the metric's stored unit */
    double p;           /* of the sign test; NaN without a pair */
};

/* Pairs that are left out are those of estimate_ratio or estimate_difference. */
struct contrast contrast_make(enum metric metric, const double *a, const double *b, unsigned count);

/*
 * What counts as the same, from the baseline's second run against its first: half the width of that interval, or 3 % if that is
 * more; of a difference 3 % of `level`, the baseline's median (a NaN is none).
 */
double contrast_delta(enum metric metric, const struct estimate *again, double level);

/* Does that interval lie wholly more than 1 % away from no difference? */
bool contrast_voids(enum metric metric, const struct estimate *again, double level);

enum verdict contrast_verdict(enum metric metric, const struct estimate *of, double delta);

/* Words; the caller frees. "3.01 [2.95, 3.08]" or "+12 [+8, +15]", "-" without a value. */
char *contrast_text(enum metric metric, const struct estimate *of);
/* "3.01 [2.95, 3.08] times" or "+12 [+8, +15] ms". */
char *contrast_phrase(enum metric metric, const struct estimate *of);
/* "-4.2..+9.0 %", "-12..0 %" or "-3..+12 ms". */
char *contrast_range(enum metric metric, const struct estimate *of);
/* "3 %" or "5 ms". */
char *contrast_size(enum metric metric, double size);

#endif
