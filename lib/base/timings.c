/*
 * The table of edges and the search in it. A time is placed by comparing: no logarithm and no division.
 */
#include "base/timings.h"

#include <math.h>
#include <stdbool.h>

#define HUNDREDTHS(unit)                                                                                                          \
    100 * (unit), 106 * (unit), 112 * (unit), 118 * (unit), 125 * (unit), 132 * (unit), 140 * (unit), 150 * (unit), 160 * (unit), \
        170 * (unit), 180 * (unit), 190 * (unit), 200 * (unit), 212 * (unit), 224 * (unit), 236 * (unit), 250 * (unit),           \
        265 * (unit), 280 * (unit), 300 * (unit), 315 * (unit), 335 * (unit), 355 * (unit), 375 * (unit), 400 * (unit),           \
        425 * (unit), 450 * (unit), 475 * (unit), 500 * (unit), 530 * (unit), 560 * (unit), 600 * (unit), 630 * (unit),           \
        670 * (unit), 710 * (unit), 750 * (unit), 800 * (unit), 850 * (unit), 900 * (unit), 950 * (unit)

static const uint64_t edges_ns[] = {
    HUNDREDTHS(UINT64_C(10)),       HUNDREDTHS(UINT64_C(100)),       HUNDREDTHS(UINT64_C(1000)),
    HUNDREDTHS(UINT64_C(10000)),    HUNDREDTHS(UINT64_C(100000)),    HUNDREDTHS(UINT64_C(1000000)),
    HUNDREDTHS(UINT64_C(10000000)), HUNDREDTHS(UINT64_C(100000000)), UINT64_C(100000000000),
};

_Static_assert(sizeof edges_ns / sizeof *edges_ns == TIMINGS_EDGES, "one edge for each count but the last");

uint64_t timings_edge_ns(unsigned edge)
{
    return edges_ns[edge];
}

/* The first edge that is not below `ns`: its decade, then halving what is left of that. */
unsigned timings_place(uint64_t ns)
{
    const uint64_t *at = edges_ns, *end = edges_ns + TIMINGS_EDGES - 1;
    while (at < end && at[TIMINGS_DECADE - 1] < ns)
        at += TIMINGS_DECADE;
    for (unsigned left = at < end ? TIMINGS_DECADE : 1; left > 1; left -= left / 2)
        at += at[left / 2 - 1] < ns ? left / 2 : 0;
    return (unsigned)(at - edges_ns) + (*at < ns);
}

void timings_note(struct timings *timings, uint64_t ns, uint64_t times)
{
    counter_add(&timings->sum_ns, ns * times);
    counter_add(&timings->counts[timings_place(ns)], times);
}

void timings_add(struct timings *into, const struct timings *from)
{
    counter_add(&into->sum_ns, counter_read(&from->sum_ns));
    for (unsigned i = 0; i < TIMINGS_COUNTS; i++)
        counter_add(&into->counts[i], counter_read(&from->counts[i]));
}

uint64_t timings_count(const struct timings *timings)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < TIMINGS_COUNTS; i++)
        count += counter_read(&timings->counts[i]);
    return count;
}

uint64_t timings_count_up_to(const struct timings *timings, uint64_t ns)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < TIMINGS_EDGES && edges_ns[i] <= ns; i++)
        count += counter_read(&timings->counts[i]);
    return count;
}

/* Within a count its times are taken to lie evenly. */
static double between_edges(unsigned place, double share)
{
    if (place == TIMINGS_EDGES)
        return (double)edges_ns[TIMINGS_EDGES - 1];
    double low = place > 0 ? (double)edges_ns[place - 1] : 0;
    return low + ((double)edges_ns[place] - low) * share;
}

double timings_percentile_ns(const struct timings *timings, double percent)
{
    uint64_t rank = (uint64_t)ceil((double)timings_count(timings) * percent / 100), before = 0;
    for (unsigned i = 0; i < TIMINGS_COUNTS; i++) {
        uint64_t here = counter_read(&timings->counts[i]);
        if (here > 0 && before + here >= rank)
            return between_edges(i, (double)(rank - before) / (double)here);
        before += here;
    }
    return 0;
}
