/*
 * Alarms to the nanosecond on a libuv loop: a timerfd(2) under a heap. libuv's own timers count whole milliseconds.
 */
#ifndef CLUSTER_ALARM_H
#define CLUSTER_ALARM_H

#include <stdint.h>
#include <uv.h>

struct alarm {
    uint64_t due_ns;
    unsigned position; /* in the heap, from 1; 0 while it is not set */
    void (*ring)(struct alarm *alarm);
};

struct alarm_clock {
    uv_poll_t poll;
    int fd;
    struct alarm **heap;
    unsigned count, size;
    uint64_t armed_ns; /* what the timerfd is set to, UINT64_MAX when off */
};

/* 0 or negative errno. */
int alarm_clock_init(struct alarm_clock *clock, uv_loop_t *loop);

/* Ends it; `closed` is told when the loop has let go (clock->poll.data is the caller's). Alarms still set never ring. */
void alarm_clock_close(struct alarm_clock *clock, uv_close_cb closed);

/* Rings once at `due_ns` of clock_now_ns, or at the loop's next turn when that is past. 0 or -ENOMEM. */
int alarm_set(struct alarm_clock *clock, struct alarm *alarm, uint64_t due_ns);

/* Does nothing when it is not set. */
void alarm_cancel(struct alarm_clock *clock, struct alarm *alarm);

#endif
