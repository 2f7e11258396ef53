/*
 * What a connection is inside the server. Not for handlers: they see requests only.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/server.h"

enum http_phase {
    PHASE_NEW,     /* no byte yet: header time-out */
    PHASE_HEAD,    /* a head is under way: header time-out, counted from its first byte */
    PHASE_BODY,    /* a body is under way: body time-out */
    PHASE_IDLE,    /* between requests: idle time-out */
    PHASE_WORKING, /* the handler has it: no time-out of ours */
    PHASE_WRITING, /* output waits for the client: write time-out, renewed by progress */
    PHASE_LINGER,  /* shut down, behind an answer or idle; reading until the client has seen it: RFC 9112 9.6 */
};

/* Bytes that were read but cannot be parsed yet, because an answer is under way. */
struct http_held {
    size_t used, size;
    char text[];
};

/* A large static body on its way out: a pattern, repeated. */
struct http_fill {
    struct slice pattern;
    size_t at;     /* the next byte of the pattern */
    uint64_t left; /* bytes of the body not yet handed to the socket or to libuv */
};

struct http_connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct http_server *server;
    struct list phase_link;
    uint64_t deadline_ms;
    struct http_request *request; /* under way, else NULL */
    struct http_held *held;
    struct http_fill *fill;
    char *peer;                /* the client's address as text, once somebody has asked; else NULL */
    uint32_t written;          /* bytes given to the socket or to libuv's queue, modulo 2^32 */
    uint32_t taken;            /* of those, what the client's side had acknowledged at the last look */
    uint32_t received, parsed; /* bytes read; those of them that requests were made of: modulo 2^32 */
    uint32_t last_byte;        /* with last_call: what had arrived by then, counted as `received` is */
    uint8_t phase;
    bool handling : 1;     /* the handler has the request */
    bool next_begun : 1;   /* the request under way is not the one its phase began with */
    bool chunked : 1;      /* the streamed answer goes out in chunks */
    bool body_dropped : 1; /* the answer's body is not sent: HEAD, 204, 304 */
    bool close_after : 1;  /* end the connection when all is written */
    bool linger : 1;       /* ... and read on for a while, so that no reset overtakes the answer */
    bool last_call : 1;    /* in a drain: answered since, and `last_byte` is known */
    bool peer_ended : 1;   /* the client has sent its FIN */
    bool reading : 1;
    bool parsing : 1; /* inside the parse loop: answers need not start it again */
    bool closing : 1;
};

/* connection.c: reading, phases, the end */
void http_connection_set_phase(struct http_connection *connection, enum http_phase phase);
void http_connection_expire(struct http_connection *connection);
void http_connection_close(struct http_connection *connection);
void http_connection_answered(struct http_connection *connection);
void http_connection_written(struct http_connection *connection);
bool http_connection_is_last(struct http_connection *connection); /* in a drain: close behind the request under way? */

/* output.c: what goes out */
void http_output_append(struct http_connection *connection, const char *data, size_t length);
void http_output_flush(struct http_connection *connection);
bool http_output_pending(const struct http_connection *connection);
void http_output_refusal(struct http_connection *connection, int status, const char *why);

/* server.c */
struct http_request *http_server_take_request(struct http_server *server);
void http_server_give_request(struct http_server *server, struct http_request *request);
void http_server_arm(struct http_server *server, uint64_t deadline_ms);
void http_server_forget(struct http_server *server);

#endif
