/*
 * A binary heap of alarms, the earliest on top; the timerfd is set to that one.
 */
#include "alarm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

static void place(struct alarm_clock *clock, unsigned position, struct alarm *alarm)
{
    clock->heap[position - 1] = alarm;
    alarm->position = position;
}

static void sift_up(struct alarm_clock *clock, struct alarm *alarm)
{
    unsigned position = alarm->position;
    while (position > 1 && clock->heap[position / 2 - 1]->due_ns > alarm->due_ns) {
        place(clock, position, clock->heap[position / 2 - 1]);
        position /= 2;
    }
    place(clock, position, alarm);
}

static void sift_down(struct alarm_clock *clock, struct alarm *alarm)
{
    unsigned position = alarm->position;
    for (;;) {
        unsigned child = 2 * position;
        if (child > clock->count)
            break;
        if (child < clock->count && clock->heap[child]->due_ns < clock->heap[child - 1]->due_ns)
            child++;
        if (clock->heap[child - 1]->due_ns >= alarm->due_ns)
            break;
        place(clock, position, clock->heap[child - 1]);
        position = child;
    }
    place(clock, position, alarm);
}

/* Sets the timerfd to the earliest alarm, if it is not set so already. */
static void arm(struct alarm_clock *clock)
{
    uint64_t due_ns = clock->count ? clock->heap[0]->due_ns : UINT64_MAX;
    if (due_ns == clock->armed_ns)
        return;
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (due_ns != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(due_ns / CLOCK_NS_PER_S);
        when.it_value.tv_nsec = (long)(due_ns % CLOCK_NS_PER_S);
        if (due_ns == 0)
            when.it_value.tv_nsec = 1; /* zero would switch it off */
    }
    if (timerfd_settime(clock->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        clock->armed_ns = due_ns;
}

static void on_due(uv_poll_t *poll, int status, int events)
{
    struct alarm_clock *clock = (struct alarm_clock *)poll;
    uint64_t expirations;
    (void)status;
    (void)events;
    if (read(clock->fd, &expirations, sizeof expirations) < 0 && errno == EAGAIN)
        return;
    clock->armed_ns = UINT64_MAX;
    uint64_t now_ns = clock_now_ns();
    while (clock->count > 0 && clock->heap[0]->due_ns <= now_ns) {
        struct alarm *alarm = clock->heap[0];
        alarm_cancel(clock, alarm);
        alarm->ring(alarm);
    }
    arm(clock);
}

int alarm_clock_init(struct alarm_clock *clock, uv_loop_t *loop)
{
    clock->heap = NULL;
    clock->count = clock->size = 0;
    clock->armed_ns = UINT64_MAX;
    clock->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (clock->fd < 0)
        return -errno;
    int error = uv_poll_init(loop, &clock->poll, clock->fd);
    if (error) {
        close(clock->fd);
        return error;
    }
    return uv_poll_start(&clock->poll, UV_READABLE, on_due);
}

void alarm_clock_close(struct alarm_clock *clock, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&clock->poll, closed);
    close(clock->fd);
    free(clock->heap);
    clock->heap = NULL;
    clock->count = clock->size = 0;
}

int alarm_set(struct alarm_clock *clock, struct alarm *alarm, uint64_t due_ns)
{
    alarm_cancel(clock, alarm);
    if (clock->count == clock->size) {
        unsigned size = clock->size ? 2 * clock->size : 16;
        struct alarm **heap = realloc(clock->heap, size * sizeof(struct alarm *));
        if (!heap)
            return -ENOMEM;
        clock->heap = heap;
        clock->size = size;
    }
    alarm->due_ns = due_ns;
    place(clock, ++clock->count, alarm);
    sift_up(clock, alarm);
    arm(clock);
    return 0;
}

void alarm_cancel(struct alarm_clock *clock, struct alarm *alarm)
{
    unsigned position = alarm->position;
    if (position == 0 || clock->count == 0)
        return;
    struct alarm *last = clock->heap[--clock->count];
    alarm->position = 0;
    if (last != alarm) {
        place(clock, position, last);
        sift_up(clock, last);
        sift_down(clock, last);
    }
}
