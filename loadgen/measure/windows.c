/*
 * How even, in windows of 100 ms and of 1 s: taking turns hides in totals.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/measure/measure.h"

#define TENTHS_A_SECOND 10

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

static void add_window(struct window_sum *sum, const uint64_t *counts, unsigned count)
{
    double total = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        total += (double)counts[i];
        squares += (double)counts[i] * (double)counts[i];
    }
    if (squares <= 0)
        return;
    sum->ratios += total * total / squares;
    sum->requests += total;
    sum->windows++;
}

void windows_take(struct windows *windows, const struct series_interval *interval)
{
    uint64_t counts[BACKENDS_MAX + 1];
    unsigned count = interval->backend_count;
    for (unsigned i = 0; i < count; i++) {
        counts[i] = strcmp(interval->backends[i]->id, "-") == 0 ? 0 : interval->backends[i]->requests;
        windows->of_second[i] += counts[i];
    }
    add_window(&windows->tenth, counts, count);
    if (++windows->in_second < TENTHS_A_SECOND)
        return;
    add_window(&windows->second, windows->of_second, count);
    memset(windows->of_second, 0, (BACKENDS_MAX + 1) * sizeof(*windows->of_second));
    windows->in_second = 0;
}

double windows_jain(const struct window_sum *sum, unsigned workers)
{
    if (workers < 2 || sum->windows == 0 || sum->requests / (double)sum->windows < 5.0 * workers)
        return NAN;
    return sum->ratios / (double)sum->windows / workers;
}
