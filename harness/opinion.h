/*
 * What another load generator said of the same servers (crosscheck.h), beside what ours said: read from the cells' crosscheck.json.
 */
#ifndef HARNESS_OPINION_H
#define HARNESS_OPINION_H

#include "results.h"

/* A row of the plan at one load: medians of the ranked cells that were cross-checked, in blocks that count. */
struct opinion {
    unsigned experiment, workers;
    const char *strategy, *load; /* of the results */
    bool again;
    unsigned count;             /* of such cells */
    double ours, theirs, ratio; /* requests/s; ratio: theirs over ours, the median of the cells' */
    double *all_ours, *all_theirs, *all_ratios;
};

struct opinions {
    struct opinion *items;
    size_t count;
};

/* In the order of the cells; `results` outlives them. */
void opinions_take(struct opinions *opinions, const struct results *results);
void opinions_free(struct opinions *opinions);

/* The one of the same row and load as `like`, or NULL. */
const struct opinion *opinions_find(const struct opinions *opinions, const struct opinion *like);

#endif
