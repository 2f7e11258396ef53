/*
 * Connections that wait for a moment: a binary heap, its root the earliest. Each timer knows its place, so that it can be
 * taken out from the middle. Request time-outs are not here: they are all equally long, so a list in order of sending does.
 */
#include <errno.h>
#include <stdlib.h>

#include "loadgen/engine/engine.h"

int timers_init(struct timers *timers, unsigned size)
{
    *timers = (struct timers){.size = size};
    timers->heap = calloc((size_t)size + 1, sizeof(struct timer *)); /* from 1, so that parent and children are n/2, 2n, 2n+1 */
    return timers->heap ? 0 : -ENOMEM;
}

void timers_close(struct timers *timers)
{
    free(timers->heap);
    timers->heap = NULL;
}

static void put(struct timers *timers, unsigned position, struct timer *timer)
{
    timers->heap[position] = timer;
    timer->position = position;
}

static void sift_up(struct timers *timers, struct timer *timer)
{
    unsigned at = timer->position;
    for (; at > 1 && timers->heap[at / 2]->when_ns > timer->when_ns; at /= 2)
        put(timers, at, timers->heap[at / 2]);
    put(timers, at, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
    unsigned at = timer->position, child;
    while ((child = 2 * at) <= timers->count) {
        if (child < timers->count && timers->heap[child + 1]->when_ns < timers->heap[child]->when_ns)
            child++;
        if (timers->heap[child]->when_ns >= timer->when_ns)
            break;
        put(timers, at, timers->heap[child]);
        at = child;
    }
    put(timers, at, timer);
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t when_ns)
{
    timers_cancel(timers, timer);
    timer->when_ns = when_ns;
    timer->position = ++timers->count; /* one slot an owner: there is always room */
    sift_up(timers, timer);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    unsigned position = timer->position;
    if (position == 0)
        return;
    struct timer *last = timers->heap[timers->count--];
    timer->position = 0;
    if (last == timer)
        return;
    put(timers, position, last);
    sift_up(timers, last);
    sift_down(timers, last);
}

uint64_t timers_next_ns(const struct timers *timers)
{
    return timers->count ? timers->heap[1]->when_ns : UINT64_MAX;
}

struct timer *timers_take_due(struct timers *timers, uint64_t now_ns)
{
    if (timers_next_ns(timers) > now_ns)
        return NULL;
    struct timer *timer = timers->heap[1];
    timers_cancel(timers, timer);
    return timer;
}
