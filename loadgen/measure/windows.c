/*
 * How even, in windows of 100 ms and of 1 s: taking turns hides in totals.
 *
 * A window with few requests is uneven by chance alone (the last one of a run, a lull of the open loop), so windows with less than
 * 5 a worker are passed over; workers that have not been heard of yet cannot be counted, and had nothing.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/measure/measure.h"

#define TENTHS_A_SECOND 10
#define REQUESTS_LEAST  5.0 /* a worker and window, on the average */

int windows_init(struct windows *windows)
{
    *windows = (struct windows){.of_second = calloc(BACKENDS_MAX + 1, sizeof(uint64_t))};
    return windows->of_second ? 0 : -ENOMEM;
}

void windows_close(struct windows *windows)
{
    free(windows->of_second);
    windows->of_second = NULL;
}

/* `workers`: known so far. */
static void add_window(struct window_sum *sum, const uint64_t *counts, unsigned count, unsigned workers)
{
    double total = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        total += (double)counts[i];
        squares += (double)counts[i] * (double)counts[i];
    }
    if (squares <= 0 || total < REQUESTS_LEAST * workers)
        return;
    sum->ratios += total * total / squares;
    sum->requests += total;
    sum->windows++;
}

void windows_take(struct windows *windows, const struct series_interval *interval)
{
    uint64_t counts[BACKENDS_MAX + 1];
    unsigned count = interval->backend_count, workers = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_named = strcmp(interval->backends[i]->id, "-") != 0;
        counts[i] = is_named ? interval->backends[i]->requests : 0;
        workers += is_named;
        windows->of_second[i] += counts[i];
    }
    if (interval->ticks <= 1) /* what a thread did in several, told at the last, is no tenth of a second */
        add_window(&windows->tenth, counts, count, workers);
    if (++windows->in_second < TENTHS_A_SECOND)
        return;
    add_window(&windows->second, windows->of_second, count, workers);
    memset(windows->of_second, 0, (BACKENDS_MAX + 1) * sizeof(*windows->of_second));
    windows->in_second = 0;
}

double windows_jain(const struct window_sum *sum, unsigned workers)
{
    if (workers < 2 || sum->windows == 0 || sum->requests / (double)sum->windows < REQUESTS_LEAST * workers)
        return NAN;
    return sum->ratios / (double)sum->windows / workers;
}
