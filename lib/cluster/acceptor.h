/*
 * Takes connections from a listening socket on a libuv loop: accept4 itself instead of uv_listen, so that running out of
 * descriptors pauses the taking (libuv would accept and close), and so that it can be paused at all.
 */
#ifndef CLUSTER_ACCEPTOR_H
#define CLUSTER_ACCEPTOR_H

#include <stdbool.h>
#include <uv.h>

#include "base/counters.h"

struct acceptor {
    uv_poll_t poll;
    uv_timer_t retry;
    int listener;
    unsigned batch; /* at most so many connections a wake-up */
    bool paused, waiting, closed;
    unsigned handles;
    struct counters *counters; /* errors_accept; or NULL */
    void *context;
    void (*taken)(void *context, int fd); /* `fd` is the callee's */
    void (*gone)(void *context);          /* after acceptor_close */
};

/* Begins to accept; the listener is the acceptor's until acceptor_close. 0 or negative errno (then it stays the caller's). */
int acceptor_open(struct acceptor *acceptor, uv_loop_t *loop, int listener, unsigned batch, void (*taken)(void *context, int fd),
                  void *context);

void acceptor_pause(struct acceptor *acceptor);
void acceptor_resume(struct acceptor *acceptor);

/* Takes what is waiting in the queue, beyond any batch. False when some may be left: paused, or no descriptor is free. */
bool acceptor_take_all(struct acceptor *acceptor);

/* Closes the listener; `gone` is called when the loop has let go. */
void acceptor_close(struct acceptor *acceptor, void (*gone)(void *context));

#endif
