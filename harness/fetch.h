/*
 * One blocking HTTP/1.1 exchange with a deadline, on a connection of its own: how the harness asks a server's admin address.
 */
#ifndef HARNESS_FETCH_H
#define HARNESS_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/net.h"

struct fetch_request {
    const char *method, *target; /* "GET", "/status" */
    const char *token;           /* for Authorization: Bearer, or NULL */
    uint64_t deadline_ns;        /* by clock_now_ns */
    const int *stop_fds;         /* one of them readable ends the exchange with -EINTR; or NULL */
    unsigned stop_count;
};

struct fetch_answer {
    int status;
    char *body; /* NUL-terminated; the caller frees. NULL after an error */
    size_t length;
};

/* "127.0.0.1:9000", "unix:PATH", or either as a URL: "http://127.0.0.1:9000/", "http://unix:/PATH:". 0 or as net_parse_address. */
int fetch_parse_address(const char *text, struct net_address *address);

/* 0 once an answer has come, whatever its status; -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET (also: closed early), -EPROTO (no HTTP),
 * -EMSGSIZE (beyond 16 MB), -EINTR. */
int fetch(const struct net_address *address, const struct fetch_request *request, struct fetch_answer *answer);

#endif
