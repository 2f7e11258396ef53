/*
 * A proxy from the inside, for the rest of this room. Others see proxy.h.
 */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "http/response_parser.h"
#include "proxy/forward.h"
#include "proxy/proxy.h"
#include "proxy/upstream.h"

/* What an exchange waits for. Each has one length of time-out, so the order of arrival is the order of deadlines. */
enum wait { WAIT_CONNECT, WAIT_RESPONSE, WAIT_KINDS };

struct proxy {
    struct proxy_settings settings;
    struct upstream_pool pool;
    struct balance balance;
    struct balance_member *members; /* one an upstream */
    uint32_t version;               /* of the settings' members, as last seen */
    unsigned open;                  /* upstreams that may be chosen */
    unsigned passed_over;           /* ... but not for the moment */
    struct list waiting[WAIT_KINDS];
    struct list spare; /* exchanges without a request */
    unsigned spare_count;
    uv_timer_t timer;
    uint64_t timer_due_ms; /* UINT64_MAX: not set */
    bool has_read_since;   /* the timer fired before, and the loop has looked at its sockets since */
    bool closing;
};

/* One request of a client and its response from an upstream. Pooled; the texts keep their memory. */
struct exchange {
    struct proxy *proxy;
    struct http_request *request;           /* NULL: the client is gone, or nothing is under way */
    struct upstream_connection *connection; /* NULL between attempts */
    struct list link;                       /* of proxy->waiting, or spare */
    uint64_t deadline_ms;
    enum wait wait;
    int upstream;             /* tried last, or -1 */
    unsigned attempts;        /* begun */
    bool sent : 1;            /* a byte of the request has left for an upstream, or may have */
    bool sent_again : 1;      /* ... for a second one: there will be no third */
    bool answered : 1;        /* a byte of a response has come: there will be no further attempt */
    bool begun : 1;           /* the client has been sent the head of the response */
    bool paused : 1;          /* the client is slower than the upstream */
    bool in_received : 1;     /* exchange_received is on the stack: nobody else may give the exchange back */
    struct forward_text head; /* the request's, as sent */
    struct forward_fields fields;
    struct slice lines; /* what of the response's fields is passed on: in `fields` */
    struct slice body;  /* a body that came whole, in the pool's read buffer */
    struct response_parser parser;
};

/* exchange.c */
struct exchange *exchange_new(struct proxy *proxy);
void exchange_free(struct exchange *exchange);
void exchange_start(struct exchange *exchange, struct http_request *request);
void exchange_expire(struct exchange *exchange);
void exchange_abandon(struct exchange *exchange); /* its client is gone */
void exchange_go_on(struct exchange *exchange);   /* its client has taken everything so far */
extern const struct upstream_events exchange_events;

/* members.c */
int members_open(struct proxy *proxy);                          /* 0 or -ENOMEM */
int members_choose(struct proxy *proxy, int tried);             /* an upstream's number, another than `tried` if there is one */
void members_pass_over(struct proxy *proxy, unsigned upstream); /* it takes no connections: not to be chosen for a while */

/* proxy.c */
struct exchange *proxy_take_exchange(struct proxy *proxy); /* NULL without memory */
void proxy_give_exchange(struct proxy *proxy, struct exchange *exchange);
void proxy_await(struct proxy *proxy, struct exchange *exchange, enum wait kind);
void proxy_arm(struct proxy *proxy, uint64_t due_ms);

#endif
