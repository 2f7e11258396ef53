/*
 * The forwarding rules.
 *
 * A field is about the message, and is passed on, or about the connection it came over, and is not. The second kind are those
 * of the table and whatever the field Connection names. Host and Content-Length decide where a message goes and where it ends,
 * so Connection cannot name them away: they are written anew, from what the parser made of them.
 *
 * Rule: the bound of a head is known before its first byte is written, so that there is one check of room, not forty.
 */
#include "proxy/forward.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_TO_KEEP 4096

/* ---- text ---- */

static int text_reserve(struct forward_text *text, size_t more)
{
    size_t need = text->length + more;
    if (need <= text->size)
        return 0;
    size_t size = text->size ? text->size : 1024;
    while (size < need)
        size *= 2;
    char *grown = realloc(text->at, size);
    if (!grown)
        return -ENOMEM;
    text->at = grown;
    text->size = size;
    return 0;
}

/* The room has been reserved. */
static void text_put(struct forward_text *text, struct slice piece)
{
    if (piece.length > 0)
        memcpy(text->at + text->length, piece.at, piece.length);
    text->length += piece.length;
}

static void text_put_field(struct forward_text *text, struct slice name, struct slice value)
{
    text_put(text, name);
    text_put(text, SLICE(": "));
    text_put(text, value);
    text_put(text, SLICE("\r\n"));
}

int forward_text_append(struct forward_text *text, struct slice piece)
{
    int error = text_reserve(text, piece.length);
    if (!error)
        text_put(text, piece);
    return error;
}

void forward_text_free(struct forward_text *text)
{
    free(text->at);
    *text = (struct forward_text){NULL, 0, 0};
}

void forward_text_trim(struct forward_text *text)
{
    if (text->size > TEXT_TO_KEEP)
        forward_text_free(text);
    text->length = 0;
}

/* ---- what happens to a field ---- */

enum fate {
    PASS,
    DROP,          /* hop by hop, or written anew */
    CONNECTION,    /* dropped, and so is what it names */
    FORWARDED_FOR, /* joined with ours */
    BODY,          /* dropped; says that there is a body */
};

struct rule {
    struct slice name;
    enum fate fate;
};

#define RULE(literal, fate)                     \
    {                                           \
        {"" literal, sizeof(literal) - 1}, fate \
    }

static const struct rule request_rules[] = {
    RULE("Host", DROP),
    RULE("Connection", CONNECTION),
    RULE("Content-Length", BODY),
    RULE("Transfer-Encoding", BODY),
    RULE("Expect", DROP), /* the server in front has said 100 Continue */
    RULE("Keep-Alive", DROP),
    RULE("Proxy-Connection", DROP),
    RULE("TE", DROP),
    RULE("Trailer", DROP),
    RULE("Upgrade", DROP),
    RULE("X-Forwarded-For", FORWARDED_FOR),
    RULE("X-Forwarded-Proto", DROP),
    RULE("X-Real-IP", DROP),
    {{NULL, 0}, PASS},
};

static const struct rule response_rules[] = {
    RULE("Connection", CONNECTION),
    RULE("Content-Length", DROP), /* the client's side frames for itself */
    RULE("Date", DROP),           /* ... and says when */
    RULE("Keep-Alive", DROP),
    RULE("Proxy-Connection", DROP),
    RULE("TE", DROP),
    RULE("Trailer", DROP),
    RULE("Transfer-Encoding", DROP),
    RULE("Upgrade", DROP),
    {{NULL, 0}, PASS},
};

static bool same_name(struct slice one, struct slice other)
{
    return one.length == other.length && strncasecmp(one.at, other.at, one.length) == 0;
}

static enum fate fate_of(const struct rule *rules, struct slice name)
{
    const struct rule *rule = rules;
    while (rule->name.at && !same_name(rule->name, name))
        rule++;
    return rule->fate;
}

static bool list_names(struct slice list, struct slice name)
{
    struct slice member;
    while (slice_next_member(&list, &member))
        if (same_name(member, name))
            return true;
    return false;
}

/* ---- requests ---- */

static bool request_connection_names(const struct http_request *request, struct slice name)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (slice_is_nocase(header->name, "Connection") && list_names(header->value, name))
            return true;
    }
    return false;
}

/* "OPTIONS http://host" without a path asks about the server as a whole, RFC 9112 3.2.4. */
static bool asks_for_server(const struct http_request *request)
{
    static const size_t scheme = sizeof("http://") - 1;
    return slice_is(request->method, "OPTIONS") && request->target.length == scheme + request->authority.length &&
           *request->target.at != '/';
}

static void put_request_line(struct forward_text *head, const struct http_request *request)
{
    text_put(head, request->method);
    text_put(head, SLICE(" "));
    if (asks_for_server(request)) {
        text_put(head, SLICE("*"));
    } else {
        text_put(head, request->path);
        if (request->query.at) { /* an empty one had its '?', too */
            text_put(head, SLICE("?"));
            text_put(head, request->query);
        }
    }
    text_put(head, SLICE(" HTTP/1.1\r\n"));
}

/* Room for any head made of this request: every field passed on, and everything added. */
static size_t request_bound(const struct http_request *request, struct slice peer)
{
    size_t bound = FORWARD_ADDED_BYTES + request->target.length + request->authority.length + 2 * peer.length;
    for (unsigned i = 0; i < request->header_count; i++)
        bound += request->headers[i].name.length + request->headers[i].value.length + 4;
    return bound;
}

static bool has_connection(const struct http_request *request)
{
    for (unsigned i = 0; i < request->header_count; i++)
        if (slice_is_nocase(request->headers[i].name, "Connection"))
            return true;
    return false;
}

/* What came with the request and is written anew behind the fields passed on. */
struct came {
    bool body, forwarded_for;
};

static void put_fields(struct forward_text *head, const struct http_request *request, struct came *came)
{
    bool may_be_named = has_connection(request);
    for (unsigned i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        enum fate fate = fate_of(request_rules, header->name);
        if (fate == BODY)
            came->body = true;
        else if (fate != PASS && fate != FORWARDED_FOR)
            continue;
        else if (may_be_named && request_connection_names(request, header->name))
            continue;
        else if (fate == FORWARDED_FOR)
            came->forwarded_for = true;
        else
            text_put_field(head, header->name, header->value);
    }
}

/* Every line that came is part of one list, in order; the last entry is the only one that can be trusted: ours. */
static void put_forwarded_for(struct forward_text *head, const struct http_request *request, struct slice peer, bool came)
{
    text_put(head, SLICE("X-Forwarded-For: "));
    for (unsigned i = 0; came && i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (slice_is_nocase(header->name, "X-Forwarded-For") && header->value.length > 0) {
            text_put(head, header->value);
            text_put(head, SLICE(", "));
        }
    }
    text_put(head, peer);
    text_put(head, SLICE("\r\n"));
}

static void put_length(struct forward_text *head, size_t length)
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%zu", length);
    text_put_field(head, SLICE("Content-Length"), (struct slice){digits, (size_t)count});
}

int forward_request(const struct http_request *request, struct slice peer, struct forward_text *head)
{
    struct came came = {false, false};
    head->length = 0;
    int error = text_reserve(head, request_bound(request, peer));
    if (error)
        return error;
    put_request_line(head, request);
    text_put_field(head, SLICE("Host"), request->authority);
    put_fields(head, request, &came);
    if (came.body)
        put_length(head, request->body.length);
    put_forwarded_for(head, request, peer, came.forwarded_for);
    text_put_field(head, SLICE("X-Real-IP"), peer);
    text_put(head, request->http_1_0 ? SLICE("X-Forwarded-Proto: http\r\nVia: 1.0 clusterbench\r\n\r\n")
                                     : SLICE("X-Forwarded-Proto: http\r\nVia: 1.1 clusterbench\r\n\r\n"));
    return 0;
}

bool forward_is_idempotent(struct slice method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL};
    for (const char *const *name = names; *name; name++)
        if (slice_is(method, *name))
            return true;
    return false;
}

/* ---- responses ---- */

void forward_fields_reset(struct forward_fields *fields)
{
    fields->lines.length = fields->named.length = 0;
}

void forward_fields_trim(struct forward_fields *fields)
{
    forward_text_trim(&fields->lines);
    forward_text_trim(&fields->named);
}

/* Fields that Connection names are taken out at the end of the head; its own members are noted here. */
static int note_named(struct forward_fields *fields, struct slice value)
{
    int error = text_reserve(&fields->named, value.length + 1);
    if (error)
        return error;
    text_put(&fields->named, value);
    text_put(&fields->named, SLICE(","));
    return 0;
}

int forward_fields_add(struct forward_fields *fields, struct slice name, struct slice value)
{
    enum fate fate = fate_of(response_rules, name);
    if (fate == CONNECTION) /* the ordinary ones name nothing that could be here */
        return slice_is_nocase(value, "keep-alive") || slice_is_nocase(value, "close") ? 0 : note_named(fields, value);
    if (fate == DROP)
        return 0;
    int error = text_reserve(&fields->lines, name.length + value.length + 4);
    if (error)
        return error;
    text_put_field(&fields->lines, name, value);
    return 0;
}

struct slice forward_fields_finish(struct forward_fields *fields)
{
    struct forward_text *lines = &fields->lines;
    struct slice named = {fields->named.at, fields->named.length};
    size_t read = 0, kept = 0;
    while (named.length > 0 && read < lines->length) {
        char *line = lines->at + read, *end = memchr(line, '\n', lines->length - read),
             *colon = memchr(line, ':', (size_t)(end - line));
        size_t length = (size_t)(end - line) + 1;
        if (!list_names(named, (struct slice){line, (size_t)(colon - line)})) {
            memmove(lines->at + kept, line, length);
            kept += length;
        }
        read += length;
    }
    if (named.length > 0)
        lines->length = kept;
    return (struct slice){lines->at, lines->length};
}

void forward_fields_free(struct forward_fields *fields)
{
    forward_text_free(&fields->lines);
    forward_text_free(&fields->named);
}
