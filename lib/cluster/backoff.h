/*
 * When a worker that has ended is started again: later each time it lives shortly, and in the end not at all. Pure: the caller
 * brings the times and the dice.
 */
#ifndef CLUSTER_BACKOFF_H
#define CLUSTER_BACKOFF_H

#include <stdint.h>

struct backoff_settings {
    uint64_t first_ns, most_ns; /* the delay behind the first short life; doubled behind each further one, up to most_ns */
    uint64_t steady_ns;         /* a life that reached this is not short, and all is forgiven */
    uint64_t short_lives_most;  /* so many short lives in a row, and it is given up */
};

struct backoff {
    unsigned short_lives; /* in a row */
};

/*
 * A life of `lived_ns` has ended. 0 and the delay before the next one, spread evenly over its upper half by `random` (64 random
 * bits), so that workers that fall together do not rise together; or -ELOOP: it is given up until backoff_forgive.
 */
int backoff_next(struct backoff *backoff, const struct backoff_settings *settings, uint64_t lived_ns, uint64_t random,
                 uint64_t *delay_ns);

void backoff_forgive(struct backoff *backoff);

#endif
