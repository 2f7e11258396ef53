/*
 * Which answers are timed. Two readings of the clock cost more than all other counting of a request, so an answer that is given on
 * the spot is timed only once in 16.5 on average: after a gap of 1 to 32 others, drawn anew each time, so that no rhythm of the
 * requests falls in with it. What was timed counts for the whole gap, itself included: the counts then add up to the answers given,
 * up to the last one that was timed. Jobs (work.h) cost far more than the clock: each of them is timed and counts once. The gaps do
 * not depend on how long anything takes, so a mix of both is shown as it is.
 */
#ifndef CLUSTER_SAMPLER_H
#define CLUSTER_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/timings.h"

struct sampler {
    uint32_t left; /* answers up to the next one that is timed, that one included */
    uint32_t gap;  /* what it counts for */
    uint32_t state;
};

/* The first answer is timed. */
static inline void sampler_init(struct sampler *sampler, uint32_t seed)
{
    *sampler = (struct sampler){.left = 1, .gap = 1, .state = seed};
}

static inline bool sampler_is_due(const struct sampler *sampler)
{
    return sampler->left == 1;
}

/* The next gap, from the upper bits of a linear congruential generator (Numerical Recipes' "quick and dirty" constants). */
static inline void sampler_draw(struct sampler *sampler)
{
    sampler->state = sampler->state * UINT32_C(1664525) + UINT32_C(1013904223);
    sampler->left = sampler->gap = 1 + (sampler->state >> 27);
}

/* An answer was given on the spot that was not due. */
static inline void sampler_skip(struct sampler *sampler)
{
    sampler->left--;
}

/* An answer that was due was given on the spot; its request was whole at `begin_ns`. */
static inline void sampler_note(struct sampler *sampler, struct timings *timings, uint64_t begin_ns)
{
    timings_note(timings, clock_now_ns() - begin_ns, sampler->gap);
    sampler_draw(sampler);
}

#endif
