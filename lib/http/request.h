/*
 * A request as it comes off the wire, and the parser that builds it. Bytes in, one request out: no I/O, no loop, so that
 * tests and fuzzers can drive it directly. HTTP/1.0 and 1.1, RFC 9112; the strict reading everywhere.
 *
 * A request is a pooled object: it holds the parser, the copied head and the body while a request is under way, and
 * nothing of it stays with a connection that is idle.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <llhttp/llhttp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct http_limits {
    uint64_t head_bytes;   /* request line and header fields together; beyond it 431 */
    uint64_t header_lines; /* 431 */
    uint64_t target_bytes; /* 414 */
    uint64_t body_bytes;   /* 413 */
};

struct http_header {
    struct slice name, value; /* value without the white space around it */
};

struct http_request {
    /* What the handler reads, from on_request until it has answered. */
    struct http_connection *connection;
    struct slice method;    /* "GET" */
    struct slice target;    /* as sent */
    struct slice path;      /* origin form, without the query */
    struct slice query;     /* behind the '?'; `at` is NULL where there is none */
    struct slice authority; /* of an absolute-form target, else of Host; empty in HTTP/1.0 without Host */
    struct slice body;
    struct http_header *headers;
    unsigned header_count;
    bool is_head;     /* HEAD: the answer has no body */
    bool http_1_0;    /* the client speaks HTTP/1.0: no chunks, no 100 Continue */
    bool keep_alive;  /* the client lets the connection live on */
    void *user;       /* the handler's */
    struct list link; /* the handler's while it holds the request; the pool's otherwise */

    /* For logs. */
    uint64_t arrived_ns; /* when the handler was given it, where that is noted; else 0 */
    int answered_by;     /* the upstream that answered a front, or -1 */
    int status;          /* of an answer in pieces, from its beginning on; else 0 */
    uint64_t body_sent;  /* bytes of its body so far */

    /* The parser's. */
    const struct http_limits *limits;
    llhttp_t parser;
    int refusal;                                    /* the status to refuse the request with, 0 while all is well */
    const char *why;                                /* one phrase for the log and the refusal's body */
    bool begun;                                     /* a byte of this request has been seen */
    bool head_complete;                             /* now waiting for the body */
    bool wants_continue;                            /* Expect: 100-continue, not yet answered */
    bool complete;                                  /* the parser paused behind the last byte */
    bool in_value;                                  /* the header line under way has reached its value */
    bool line_begun, line_ended, method_is_garbage; /* of the request line */
    unsigned line_spaces;
    const char *piece;          /* what http_request_parse was given last */
    bool piece_follows_newline; /* the byte before it, white space aside, ended a line */
    char *head;                 /* all text of the head, copied */
    size_t head_used, head_size;
    unsigned header_size;
    char *body_text;
    size_t body_size;
};

enum http_parse {
    HTTP_PARSE_MORE,    /* every byte taken, the request is not whole yet */
    HTTP_PARSE_REQUEST, /* a whole request; the bytes behind it are not looked at */
    HTTP_PARSE_REFUSED, /* refusal and why are set; nothing more can be read from this connection */
};

/* A request that can be parsed into; NULL without memory. `limits` outlives it. */
struct http_request *http_request_new(const struct http_limits *limits);
void http_request_free(struct http_request *request);

/* Makes it ready for the next request on a connection, `fresh` for the first on another connection. */
void http_request_reset(struct http_request *request, bool fresh);

/* Feeds `length` bytes; *consumed tells how many belong to this request. */
enum http_parse http_request_parse(struct http_request *request, const char *data, size_t length, size_t *consumed);

/* The value of a header field by name (any case), or NULL. The first one, if there are several. */
const struct slice *http_request_header(const struct http_request *request, const char *name);

#endif
