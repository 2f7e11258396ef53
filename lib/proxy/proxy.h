/*
 * An HTTP proxy on a worker's loop: every request of its clients goes to one of the upstreams that a policy picks.
 *
 * forward.c   what is passed on, and how: the header rules, pure
 * upstream.c  connections to the upstreams: opened, kept, reused; knows no HTTP
 * exchange.c  one request and its response: sent, received, streamed, tried again, given up
 * members.c   who is next: upstreams that are open and take connections
 * proxy.c     what is late, the end
 *
 * A request has arrived whole before an upstream hears of it, so that a slow client occupies no upstream. A response is
 * passed on as it comes, no faster than the client takes it.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <uv.h>

#include "balance/balance.h"
#include "base/log.h"
#include "base/net.h"
#include "http/server.h"

/*
 * Upstreams that come and go, as somebody else writes them down (ipc/scoreboard.h): arrays of upstream_count each. The proxy
 * looks at `version` with every choice, and at the rest when that has grown.
 */
struct proxy_members {
    const _Atomic uint32_t *version;     /* grows behind every change of anything below, or of an address; NULL: nothing changes */
    const _Atomic uint8_t *states;       /* enum upstream_state; the address was written before it became OPEN. While none is,
                                            requests wait at any address there is, if only in the queue of its socket */
    const _Atomic uint32_t *generations; /* another one, and kept connections lead to somebody who is about to end */
    const _Atomic uint32_t *departures;  /* the same, said by the one who leaves, once it takes no more connections */
};

struct proxy_settings {
    uv_loop_t *loop;
    const struct net_address *upstreams; /* copied, again when members.version has grown */
    unsigned upstream_count;             /* 1 or more: there are, or can be */
    struct proxy_members members;
    const struct balance_policy *policy; /* picks the upstream, for every request anew */
    uint64_t connect_timeout_ms;         /* to an upstream: then another one is tried, in the end 504 */
    uint64_t response_timeout_ms;        /* an upstream that neither takes nor gives a byte for so long: 504 */
    uint64_t idle_ms;                    /* connections are kept so long: less than the upstreams themselves keep them */
    unsigned idle_most;                  /* ... and so many by an upstream */
    struct counters *counters;           /* upstream_requests, upstream_errors, upstream_connects; outlives the proxy */
    const struct log *log;               /* outlives the proxy */
    void (*closed)(void *owner);         /* after proxy_close: the loop holds nothing of it, and it is freed */
    void *owner;
};

struct proxy;

/* Makes it: 0 or -ENOMEM. It connects to nobody until there is a request. */
int proxy_open(struct proxy **proxy, const struct proxy_settings *settings);

/* For worker_handle_requests (or an http_server), with the proxy as context. */
extern const struct http_server_events proxy_events;

/* Cuts all connections to upstreams. Requests under way have to be abandoned by their server before the loop turns. */
void proxy_close(void *proxy);

#endif
