/*
 * What every server answers: a pure function from a request to a description of its response. Nothing is read, written,
 * slept or allocated here; the worker carries out what the description says.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct service_request {
    struct slice method, path, query, body;
    unsigned worker; /* index: X-Worker, and in the greeting */
    bool draining;   /* /healthz says 503 */
    bool faults;     /* /crash, /leak and /stall exist */
};

/* What the worker does before (or instead of) answering. */
enum service_work {
    SERVICE_ANSWER, /* nothing: answer now */
    SERVICE_BLOCK,  /* sleep in the loop for work_ns, then answer: occupies the worker, needs no core */
    SERVICE_CPU,    /* burn work_ns of the worker's CPU time, then answer */
    SERVICE_WAIT,   /* answer work_ns later; the worker goes on meanwhile */
    SERVICE_CRASH,  /* the worker dies, without an answer */
    SERVICE_LEAK,   /* work_bytes of memory are taken and never given back */
    SERVICE_STALL,  /* answer, then stop the loop for work_ns as if it hung */
    SERVICE_ERRAND, /* fetch the answer from elsewhere: see `errand` */
};

/* Errands, in the order of the table in cluster/errands.c. */
enum service_errand {
    SERVICE_COUNTER,   /* argument: the store's name; number: what to add, 0 to read */
    SERVICE_SESSION,   /* the visit of a session, by its cookie */
    SERVICE_PRODUCTS,  /* the shop's list, from the cache or the slow database */
    SERVICE_CART,      /* put something in the cart: JSON in the body */
    SERVICE_STATIC,    /* argument: the path below --root */
    SERVICE_APPEND,    /* choice: how (service_append); argument: the line's text; at NULL: one of `number` bytes is made up;
                          work_ns: how long the lock is held in between */
    SERVICE_BROADCAST, /* argument: what to tell every worker; choice: enum service_message */
    SERVICE_STATS,     /* what every worker says of itself */
    ERRANDS
};

/* How a line comes into the common file. */
enum service_append {
    SERVICE_APPEND_WHOLE,    /* O_APPEND, the line in one write */
    SERVICE_APPEND_BUFFERED, /* O_APPEND, in several writes, as a stream's buffer empties */
    SERVICE_APPEND_FLOCK,    /* the same, between flock(2) and its release */
    SERVICE_APPEND_PRIMARY,  /* the primary writes it */
};

enum service_message {
    SERVICE_MESSAGE_PLAIN,
    SERVICE_MESSAGE_ESCAPED, /* as in a query: query_decode gives at most SERVICE_MESSAGE_MAX bytes */
};

#define SERVICE_MESSAGE_MAX 1024

#define SERVICE_ADD_MOST INT64_C(1000000) /* /counter?add=, either way */

#define SERVICE_LINE_LEAST 128
#define SERVICE_LINE_MOST  (UINT64_C(1) << 20)

#define SERVICE_TEXT_SIZE 160
#define SERVICE_TIME_MAX  UINT64_C(600000000000) /* ten minutes */
#define SERVICE_BYTES_MAX (UINT64_C(1) << 30)

struct service_response {
    int status;
    const char *content_type;
    struct slice fields;  /* further header lines, each ended by CRLF: static text */
    struct slice body;    /* static text, the request's body, or `text` below */
    uint64_t body_length; /* when larger than the body: the body is repeated up to it */
    enum service_work work;
    uint64_t work_ns, work_bytes;
    /* Of an errand; not set otherwise. */
    enum service_errand errand;
    int choice;
    int64_t number;
    struct slice argument; /* into the request */
    char text[SERVICE_TEXT_SIZE];
};

/* Fills in `response`, which must stay where it is until it is sent: its body may point into itself. */
void service_answer(const struct service_request *request, struct service_response *response);

#endif
