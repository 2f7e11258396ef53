/*
 * Exponential back-off with jitter, and the end of patience.
 */
#include "cluster/backoff.h"

#include <errno.h>

static uint64_t doubled(uint64_t first_ns, uint64_t most_ns, unsigned times)
{
    uint64_t delay_ns = first_ns;
    while (times-- > 0 && delay_ns < most_ns)
        delay_ns = delay_ns <= most_ns / 2 ? 2 * delay_ns : most_ns;
    return delay_ns < most_ns ? delay_ns : most_ns;
}

static uint64_t spread(uint64_t delay_ns, uint64_t random)
{
    uint64_t half_ns = delay_ns / 2;
    return half_ns + random % (delay_ns - half_ns + 1);
}

int backoff_next(struct backoff *backoff, const struct backoff_settings *settings, uint64_t lived_ns, uint64_t random,
                 uint64_t *delay_ns)
{
    if (lived_ns >= settings->steady_ns)
        backoff->short_lives = 0;
    else if (++backoff->short_lives >= settings->short_lives_most)
        return -ELOOP;
    unsigned times = backoff->short_lives > 0 ? backoff->short_lives - 1 : 0;
    *delay_ns = spread(doubled(settings->first_ns, settings->most_ns, times), random);
    return 0;
}

void backoff_forgive(struct backoff *backoff)
{
    backoff->short_lives = 0;
}
