/*
 * series.jsonl of a cell, read back: what was answered, interval by interval, by all workers together and by each.
 */
#ifndef HARNESS_SERIES_H
#define HARNESS_SERIES_H

#include "text.h"

struct series_row { /* an interval */
    double from_s, length_s, requests, errors;
};

struct series_worker {
    char *name;
    double *requests; /* an interval each; 0 before it was first seen */
};

struct series {
    struct series_row *rows;
    unsigned count;
    struct series_worker *workers;
    unsigned worker_count;
};

/* 0 (end with series_free), or the negative errno of reading, -EINVAL for what is no series. Intervals that begin at `until_s` or
 * later (answers that came when the load was over) are left out. */
int series_read(struct series *series, const char *path, double until_s);
void series_free(struct series *series);

/* The longest time in which nothing was answered, in milliseconds, as far as intervals show it. */
double series_longest_gap_ms(const struct series *series);

/*
 * Jain's index of the workers' requests in windows of `window_s`, the mean over the windows in which there are five requests a
 * worker or more; `workers` of them share, seen or not. NaN without such a window. A window of all there is: INFINITY.
 */
double series_jain(const struct series *series, double window_s, unsigned workers);

#endif
