/*
 * The accept loop.
 *
 * Rule: a wake-up takes at most `batch` connections. A greedy loop that drains the queue piles up connections at whichever
 * worker wakes first while others idle; one a wake-up is what a listener shared by several workers wants.
 */
#include "acceptor.h"

#include <errno.h>
#include <unistd.h>

#include "base/net.h"

#define RETRY_MS 50 /* after EMFILE and its like: nothing tells us when a descriptor is free again */

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void listen_again(struct acceptor *acceptor)
{
    if (!acceptor->paused && !acceptor->waiting && !acceptor->closed)
        uv_poll_start(&acceptor->poll, UV_READABLE, on_acceptable);
}

static void on_retry(uv_timer_t *timer)
{
    struct acceptor *acceptor = timer->data;
    acceptor->waiting = false;
    listen_again(acceptor);
}

/* The connection was gone before it was taken, or the network had a word: the next one may be fine. accept(2) */
static bool is_passing(int error)
{
    return error == -ECONNABORTED || error == -EPROTO || error == -EPERM || error == -EINTR;
}

static void back_off(struct acceptor *acceptor)
{
    if (acceptor->counters)
        counter_add(&acceptor->counters->errors_accept, 1);
    uv_poll_stop(&acceptor->poll);
    acceptor->waiting = true;
    uv_timer_start(&acceptor->retry, on_retry, RETRY_MS, 0);
}

/* True when nothing is left in the queue. */
static bool take(struct acceptor *acceptor, unsigned most)
{
    for (unsigned i = 0; i < most && !acceptor->paused && !acceptor->closed; i++) {
        int fd = net_accept(acceptor->listener);
        if (fd >= 0) {
            acceptor->taken(acceptor->context, fd);
        } else if (fd == -EAGAIN) {
            return true;
        } else if (!is_passing(fd)) {
            back_off(acceptor);
            return false;
        }
    }
    return false;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct acceptor *acceptor = poll->data;
    (void)events;
    if (status < 0)
        back_off(acceptor);
    else
        (void)take(acceptor, acceptor->batch);
}

int acceptor_open(struct acceptor *acceptor, uv_loop_t *loop, int listener, unsigned batch, void (*taken)(void *context, int fd),
                  void *context)
{
    int error = uv_poll_init(loop, &acceptor->poll, listener);
    if (error)
        return error;
    uv_timer_init(loop, &acceptor->retry);
    acceptor->poll.data = acceptor->retry.data = acceptor;
    acceptor->listener = listener;
    acceptor->batch = batch;
    acceptor->taken = taken;
    acceptor->context = context;
    acceptor->paused = acceptor->waiting = acceptor->closed = false;
    acceptor->handles = 2;
    return uv_poll_start(&acceptor->poll, UV_READABLE, on_acceptable);
}

void acceptor_pause(struct acceptor *acceptor)
{
    if (acceptor->paused || acceptor->closed)
        return;
    acceptor->paused = true;
    uv_poll_stop(&acceptor->poll);
}

void acceptor_resume(struct acceptor *acceptor)
{
    acceptor->paused = false;
    listen_again(acceptor);
}

bool acceptor_take_all(struct acceptor *acceptor)
{
    return !acceptor->waiting && take(acceptor, UINT32_MAX);
}

static void on_closed(uv_handle_t *handle)
{
    struct acceptor *acceptor = handle->data;
    if (--acceptor->handles == 0 && acceptor->gone)
        acceptor->gone(acceptor->context);
}

void acceptor_close(struct acceptor *acceptor, void (*gone)(void *context))
{
    if (acceptor->closed)
        return;
    acceptor->closed = true;
    acceptor->gone = gone;
    uv_close((uv_handle_t *)&acceptor->poll, on_closed);
    uv_close((uv_handle_t *)&acceptor->retry, on_closed);
    close(acceptor->listener);
}
