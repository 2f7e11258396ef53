/*
 * Reading HTTP/1.x responses: bytes in, callbacks out. No I/O, no clock, no loop, so that a load generator, a proxy, a test
 * and a fuzzer can all drive it. RFC 9112, the strict reading: what is malformed is an error, never guessed at.
 *
 *   response_parser_begin(&parser, is_head)       before each response expected, pipelined ones too
 *   response_parser_feed(&parser, data, length)   as bytes arrive, cut anywhere
 *   response_parser_finish(&parser)               when the peer has closed: the only end some bodies have
 *
 * The order of callbacks for one response: on_header for each field, on_head, on_body any number of times, on_complete.
 * An interim response (1xx other than 101) is announced by on_head with `interim` set and is followed by the next head.
 * Any callback may be NULL. One that returns non-zero ends the parsing; feed passes the value on, so make it a negative errno.
 */
#ifndef HTTP_RESPONSE_PARSER_H
#define HTTP_RESPONSE_PARSER_H

#include <llhttp/llhttp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

/* How the end of the body is found. RFC 9112 6.3 */
enum response_framing {
    RESPONSE_EMPTY,  /* to HEAD, 1xx, 204, 304: no body, whatever the fields say */
    RESPONSE_LENGTH, /* Content-Length */
    RESPONSE_CHUNKED,
    RESPONSE_UNTIL_CLOSE,
};

struct response_head {
    uint16_t status;      /* 100..999 */
    uint8_t major, minor; /* HTTP/1.1: 1 and 1 */
    bool keep_alive;      /* the connection may carry another request after this response */
    bool interim;         /* 1xx: the real response is still to come */
    bool has_length;      /* a Content-Length field was there (also where no body is, as for HEAD) */
    enum response_framing framing;
    uint64_t content_length; /* its value */
};

struct response_events {
    /* A field of the head, whole even when it came in pieces; value without white space around it. Both are valid only
     * during the call. Trailer fields (RFC 9112 7.1.2) are dropped: they must not be taken for fields of the head. */
    int (*on_header)(void *context, struct slice name, struct slice value);
    struct slice only; /* call on_header for this field only (any case); empty: for every field */
    int (*on_head)(void *context, const struct response_head *head);
    int (*on_body)(void *context, struct slice piece); /* without chunk framing */
    int (*on_complete)(void *context);
    size_t head_limit; /* bytes of status line and fields, interim responses included; 0 means RESPONSE_HEAD_LIMIT */
};

#define RESPONSE_HEAD_LIMIT (64 * 1024)

enum response_stage {
    RESPONSE_FRESH, /* no byte seen yet */
    RESPONSE_IN_HEAD,
    RESPONSE_IN_BODY,
    RESPONSE_COMPLETE,
    RESPONSE_BROKEN, /* only response_parser_begin leads out of it */
};

/* Owned by the caller; read `stage` and `head`, leave the rest alone. */
struct response_parser {
    enum response_stage stage;
    struct response_head head; /* once on_head has been called */

    const struct response_events *events; /* outlives the parser */
    void *context;
    llhttp_t llhttp;
    bool is_head;
    uint8_t last, before_last; /* bytes of the head, across calls: finds its end and what llhttp lets pass */
    bool in_value;             /* llhttp has passed the colon of a field */
    bool wanted;               /* the field under way goes to on_header */
    uint32_t head_bytes;
    int callback_error;
    struct slice name, value; /* the field under way, in the caller's bytes or in `held` */
    char *held;               /* the beginning of a field cut by the end of a read; NULL nearly always */
    uint32_t held_length, held_size;
};

void response_parser_init(struct response_parser *parser, const struct response_events *events, void *context);
void response_parser_close(struct response_parser *parser);

/* Ready for the next response; `is_head`: it answers a HEAD request, so it has no body. */
void response_parser_begin(struct response_parser *parser, bool is_head);

/*
 * Takes bytes up to the end of the response at most. Returns how many were taken: fewer than `length` only when the response
 * is complete (stage says so), the others belong to the next response or to nobody. -EBADMSG: malformed; -EMSGSIZE: head over
 * its limit; -ENOMEM; else what a callback returned. Nothing more can be read from the connection after an error.
 */
ssize_t response_parser_feed(struct response_parser *parser, const char *data, size_t length);

/*
 * The peer closed. 0: the response is complete (on_complete is called here when the close was its end); -ENODATA: it had not
 * begun; -EBADMSG: it was cut short; else what a callback returned.
 */
int response_parser_finish(struct response_parser *parser);

#endif
