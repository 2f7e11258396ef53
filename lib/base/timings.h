/*
 * How long things took, by one writer for any number of readers: counts between fixed edges, from 1 us to 100 s, 40 a decade. The
 * edges are preferred numbers (ISO 3, R40: 1.00 1.06 1.12 1.18 1.25 ... 9.50), so that every decade has a 1, a 2.5 and a 5, and two
 * edges are 6 % apart at most: a percentile read from it is that exact. It lies in shared memory: relaxed loads and stores, as with
 * counters; and adding is all that happens, so that the difference of two looks is what came between them.
 */
#ifndef BASE_TIMINGS_H
#define BASE_TIMINGS_H

#include <stdint.h>

#include "base/counters.h"

#define TIMINGS_DECADES 8
#define TIMINGS_DECADE  40 /* edges */
#define TIMINGS_EDGES   (TIMINGS_DECADE * TIMINGS_DECADES + 1)
#define TIMINGS_COUNTS  (TIMINGS_EDGES + 1) /* the last one: beyond the last edge */

struct timings {
    counter sum_ns;
    counter counts[TIMINGS_COUNTS]; /* [i]: above edge i - 1, and up to edge i */
};

/* Edge 0 is 1 us, edge TIMINGS_EDGES - 1 is 100 s. */
uint64_t timings_edge_ns(unsigned edge);

/* The count that a time belongs to. */
unsigned timings_place(uint64_t ns);

/* It took `ns`, and so did `times` - 1 others that it stands for. Only by the one writer. */
void timings_note(struct timings *timings, uint64_t ns, uint64_t times);

/* Adds what `from` holds; nobody else writes to `into`. */
void timings_add(struct timings *into, const struct timings *from);

/* How many times were noted, or stood for. */
uint64_t timings_count(const struct timings *timings);

/* How many of them were `ns` or less, where `ns` is an edge. */
uint64_t timings_count_up_to(const struct timings *timings, uint64_t ns);

/* The time that `percent` (above 0, up to 100) of them do not pass, straight between the edges; 0 when there are none. 100 s when
 * it lies beyond that. */
double timings_percentile_ns(const struct timings *timings, double percent);

#endif
