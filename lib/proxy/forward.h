/*
 * What a proxy passes on, and how: pure functions from a request to the bytes for the upstream, and from the fields of its
 * response to the lines for the client. No I/O. RFC 9110 7.6, RFC 9112 3.2.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include <stdbool.h>

#include "base/slice.h"
#include "http/request.h"

/* Text that grows; zeroed it is empty. Whoever holds it frees it with forward_text_free. */
struct forward_text {
    char *at;
    size_t length, size;
};

int forward_text_append(struct forward_text *text, struct slice piece); /* 0 or -ENOMEM */
void forward_text_trim(struct forward_text *text);                      /* empties it; memory out of the ordinary goes */
void forward_text_free(struct forward_text *text);

/* What forward_request may add to a head at most, the client's address aside. An upstream's limits have to have room for it. */
#define FORWARD_ADDED_LINES 6
#define FORWARD_ADDED_BYTES 512

/*
 * The head to send, into `head` (what was there is lost): request line in origin-form, Host, the client's fields as far as
 * they go beyond its own connection, and who the client is:
 *   X-Forwarded-For    what came with the request, then `peer`
 *   X-Real-IP          `peer`, whatever came
 *   X-Forwarded-Proto  http, whatever came
 *   Via                what came, then a line of ours: RFC 9110 7.6.3
 * A body, whatever its framing was, is announced by Content-Length; it is sent behind the head as it is.
 * 0 or -ENOMEM.
 */
int forward_request(const struct http_request *request, struct slice peer, struct forward_text *head);

/* May it be sent again when nobody knows whether the first one was carried out? RFC 9110 9.2.2 */
bool forward_is_idempotent(struct slice method);

/* The fields of one response head on their way to the client; zeroed it is empty. */
struct forward_fields {
    struct forward_text lines; /* each ended by CRLF */
    struct forward_text named; /* members of Connection, each ended by a comma */
};

/* Ready for another head; the memory stays. */
void forward_fields_reset(struct forward_fields *fields);
void forward_fields_trim(struct forward_fields *fields); /* as forward_text_trim */

/* Adds a field, unless it is about the upstream's connection or the client's side writes its own (Date, Content-Length).
 * 0 or -ENOMEM. */
int forward_fields_add(struct forward_fields *fields, struct slice name, struct slice value);

/* The head is whole: what Connection named, before or behind, is taken out. Returns the lines; they live in `fields`. */
struct slice forward_fields_finish(struct forward_fields *fields);

void forward_fields_free(struct forward_fields *fields);

#endif
