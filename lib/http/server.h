/*
 * HTTP/1.1 on a libuv loop: connections in, whole requests to a handler, answers out.
 *
 * The handler gets a request when its last byte has arrived and answers it now or later, in one go (http_respond) or in
 * pieces (http_respond_begin, _piece, _end). One request of a connection is under way at a time; pipelined ones wait.
 *
 * The hot path is one read, one parse, one write and no allocation. An idle connection holds no buffer and no parser.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <uv.h>

#include "base/counters.h"
#include "http/request.h"

struct http_timeouts {   /* all in ms */
    uint64_t header_ms;  /* from the connection, or a request's first byte, to the end of its head, in all: 408 */
    uint64_t body_ms;    /* from there to the end of its body, in all: 408 */
    uint64_t idle_ms;    /* between requests: closed without a word */
    uint64_t write_ms;   /* a client that takes nothing for so long is cut off */
    uint64_t parting_ms; /* in a drain: a connection without a request is listened to for so long, a new one twice as long */
};

struct http_response {
    int status;
    struct slice content_type; /* empty: no Content-Type */
    struct slice fields;       /* further header lines, each ended by CRLF */
    struct slice body;         /* looked at before the call returns, or static; see body_length */
    uint64_t body_length;      /* when larger than body.length, the (then static) body is repeated up to it */
    bool close;                /* end the connection behind it */
};

struct http_server_events {
    /* A whole request. Answer it exactly once, now or later; it belongs to the server again when answered. */
    void (*request)(void *context, struct http_request *request);
    /* The client is gone: drop the request, do not answer it. This may come from inside http_respond_begin and _piece, which
     * leave the request alone behind it. NULL when the handler always answers at once. */
    void (*abandoned)(void *context, struct http_request *request);
    /* Everything written for a streamed answer has left: go on. NULL when nothing is streamed. */
    void (*drained)(void *context, struct http_request *request);
    /*
     * The answer is complete and on its way, or was broken off by http_respond_abort: its status and how many bytes of body it has.
     * Also for a refusal of what could not be read: of `request` there is then what had been read, arrived_ns is 0, and the request
     * event has not come before. For each request there is either this or `abandoned`. The request is not to be touched. May be
     * NULL.
     */
    void (*answered)(void *context, const struct http_request *request, int status, uint64_t body_bytes);
    /* After http_server_drain or _close: the last connection is gone. May be NULL. */
    void (*empty)(void *context);
    /* A connection has ended; `open` are left. May be NULL. */
    void (*released)(void *context, unsigned open);
};

#define HTTP_PHASES 7

struct http_server {
    /* Set by the caller before http_server_init; what they point to outlives the server. */
    uv_loop_t *loop;
    struct http_limits limits;
    struct http_timeouts timeouts;
    struct slice fields; /* header lines on every response, each ended by CRLF */
    bool unix_sockets;   /* the connections are AF_UNIX */
    const struct http_server_events *events;
    void *context;
    struct counters *counters;

    /* The server's own. */
    struct list phases[HTTP_PHASES]; /* connections by what they wait for, each list in order of deadline */
    uv_timer_t timer;
    uv_check_t after_reads;
    uv_idle_t no_sleep;
    uint64_t timer_due_ms;
    unsigned handles; /* of the three above, still open */
    unsigned open;    /* connections */
    bool draining, closing;
    struct list spare_requests;
    unsigned spare_count;
    char *read_buffer, *write_buffer;
    size_t write_used;
    struct http_connection *writer; /* the connection the write buffer belongs to right now */
    char date[40];
    uint64_t date_stale_ms;
};

/* 0 or negative errno. */
int http_server_init(struct http_server *server);

/* Takes over a connected, non-blocking socket: 0, or a negative errno and the socket stays the caller's. */
int http_server_open(struct http_server *server, int fd);

/*
 * No more keep-alive. What has arrived on a connection when it is answered next is still answered, the last of it with
 * "Connection: close". A client whose connection is idle may be sending at this very moment: it is listened to for parting_ms
 * and answered in the same way. What is silent until then is shut down, and read from until the client has seen that.
 */
void http_server_drain(struct http_server *server);

/* Cuts every connection and ends the server's handles; `empty` follows once the loop has turned. */
void http_server_close(struct http_server *server);

/* Frees the memory, after `empty` of http_server_close. */
void http_server_free(struct http_server *server);

/* The complete answer. HEAD and body-less statuses are taken care of. */
void http_respond(struct http_request *request, const struct http_response *response);

/*
 * An answer in pieces. `length` of the whole body, or HTTP_LENGTH_UNKNOWN: then it is sent in chunks (HTTP/1.1) or ended
 * by closing (HTTP/1.0). response->body is not used. Pieces are copied as far as the socket does not take them;
 * http_respond_backlog tells how many bytes still wait here: stop at some bound and go on at `drained`.
 * The head leaves with the first piece; a piece without bytes sends it alone.
 */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX
void http_respond_begin(struct http_request *request, const struct http_response *response, uint64_t length);
void http_respond_piece(struct http_request *request, const char *data, size_t length);
void http_respond_end(struct http_request *request);
size_t http_respond_backlog(const struct http_request *request);

/* A 1xx response before the final one; `head` is a whole response head. */
void http_respond_interim(struct http_request *request, struct slice head);

/* The answer cannot be completed: the connection is reset, so that the client cannot take it for whole, however it was framed. */
void http_respond_abort(struct http_request *request);

/*
 * The client's address as text without the port ("unix:" for a unix socket, "unknown" when it cannot be told). It is found out
 * once a connection, and lives as long as that.
 */
struct slice http_request_peer(const struct http_request *request);

/* "HTTP/1.1", "HTTP/1.0"; "" while the head is not complete, and for versions that are refused. */
struct slice http_request_protocol(const struct http_request *request);

/* "Not Found" for 404; "Unknown" for what has no name. */
const char *http_status_reason(int status);

#endif
