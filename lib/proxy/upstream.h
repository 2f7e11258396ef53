/*
 * Upstreams and the connections to them: opening, keeping, sending, receiving. Nothing here knows HTTP.
 *
 * A connection belongs to its user from upstream_take or upstream_connect until upstream_release, upstream_discard or the
 * event `failed`; otherwise it waits in its upstream's stack for the next one.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <uv.h>

#include "base/counters.h"
#include "base/list.h"
#include "base/net.h"

/* What a connection tells its user. */
struct upstream_events {
    void (*connected)(void *user);
    void (*received)(void *user, const char *data, size_t length); /* the bytes are valid during the call */
    void (*sent)(void *user);                                      /* what upstream_send could not send at once has left */
    void (*failed)(void *user, int error); /* UV_EOF, or a negative errno; the connection is the user's no more */
};

struct upstream {
    struct upstream_pool *pool;
    struct net_address address; /* empty: not known yet */
    bool open;                  /* connections to it are kept; members.c: it may be chosen */
    uint32_t edition;           /* who is behind the address: connections of another one are not kept */
    struct list idle;           /* the one used last is the last */
    unsigned idle_count;

    /* members.c */
    uint32_t generation, departures; /* as last seen */
    uint64_t passed_over_until_ms;   /* it refused a connection: 0 when it did not */
};

/* All upstreams of a proxy. */
struct upstream_pool {
    /* Set by the caller before upstream_pool_init. */
    uv_loop_t *loop;
    const struct upstream_events *events;
    struct counters *counters;
    unsigned idle_most;           /* connections kept by an upstream */
    uint64_t idle_ms;             /* a connection that has waited so long is closed, not used */
    void (*emptied)(void *owner); /* after upstream_pool_close: the last handle is gone. Not called when there was none */
    void *owner;

    struct upstream *upstreams;
    unsigned count;
    struct list busy; /* connections with a user */
    unsigned open;    /* handles, closing ones too */
    bool closing;
    char *read_buffer;
};

struct upstream_connection {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct upstream *upstream;
    struct list link; /* busy or idle */
    void *user;       /* NULL while idle or closing */
    uint64_t idle_since_ms;
    uint32_t edition; /* the upstream's, when it was opened */
    bool began;       /* a byte of what the present user sends has left, or may have */
    bool sending;     /* not all of it has */
    bool closing;
};

/* 0 or -ENOMEM. All are closed, and have no address. */
int upstream_pool_init(struct upstream_pool *pool, unsigned count);

/* Cuts every connection; nobody is told but `emptied`. */
void upstream_pool_close(struct upstream_pool *pool);

void upstream_pool_free(struct upstream_pool *pool);

/* Closes what has been idle for too long. Returns when to look again (uv_now), UINT64_MAX when nothing is idle. */
uint64_t upstream_pool_expire(struct upstream_pool *pool);

/* Somebody else answers there now, or nobody: idle connections are closed, busy ones when they are released. */
void upstream_renew(struct upstream *upstream);

/*
 * The idle connection used last, whose warmth is freshest, or NULL. `surely`: not one whose end has arrived, though the loop may
 * not have come to it yet; that costs a system call.
 */
struct upstream_connection *upstream_take(struct upstream *upstream, void *user, bool surely);

/* Begins a new one: 0 and `connected` or `failed` follows, never during the call; or a negative errno. */
int upstream_connect(struct upstream *upstream, void *user, struct upstream_connection **connection);

/*
 * Sends `count` buffers (2 at most), which stay where they are until `sent` when connection->sending says so. 0, or a negative
 * errno: the connection is useless, and connection->began tells whether anything of this has left.
 */
int upstream_send(struct upstream_connection *connection, const uv_buf_t *buffers, unsigned count);

/* Receive no more for a while, and again. */
void upstream_pause(struct upstream_connection *connection);
void upstream_resume(struct upstream_connection *connection);

/* The user is done and the connection is as good as new. */
void upstream_release(struct upstream_connection *connection);

/* The user is done and nobody may use it again. */
void upstream_discard(struct upstream_connection *connection);

#endif
