/*
 * From bytes to a request.
 *
 * llhttp finds where things begin and end; the callbacks copy the head into one buffer of the request, so that a request
 * cut anywhere by TCP is no special case. What llhttp lets pass and RFC 9112 does not - a missing Host, a coding after
 * `chunked`, control characters in a value - is refused when the head is complete, before a handler sees anything.
 *
 * Rule: http_request_parse stops behind the last byte of a request. Two requests are never under way on one connection.
 */
#include "request.h"

#include <errno.h>
#include <stdlib.h>

#define HEAD_SIZE_FIRST   1024
#define HEADERS_FIRST     16
#define BODY_SIZE_FIRST   4096
#define BODY_SIZE_TO_KEEP 65536

static int refuse(struct http_request *request, int status, const char *why)
{
    if (request->refusal == 0) {
        request->refusal = status;
        request->why = why;
        if (request->target.length > 0) /* then the method is known; a request that is answered gets it with its head */
            request->method = slice_of(llhttp_method_name((llhttp_method_t)request->parser.method));
    }
    return -1; /* HPE_USER: llhttp stops */
}

static void rebase(struct slice *slice, const char *old, const char *now)
{
    if (slice->at)
        slice->at = now + (slice->at - old);
}

/* The head moved: every slice into it moves along. */
static void rebase_head(struct http_request *request, const char *old, const char *now)
{
    rebase(&request->target, old, now);
    for (unsigned i = 0; i < request->header_count; i++) {
        rebase(&request->headers[i].name, old, now);
        rebase(&request->headers[i].value, old, now);
    }
}

static int grow_head(struct http_request *request, size_t need)
{
    size_t size = request->head_size;
    while (size < need)
        size *= 2;
    char *head = malloc(size);
    if (!head)
        return refuse(request, 503, "out of memory");
    memcpy(head, request->head, request->head_used);
    rebase_head(request, request->head, head);
    free(request->head);
    request->head = head;
    request->head_size = size;
    return 0;
}

/* Adds text to the slice that ends where the head ends now; begins it when it is empty. */
static int append_head(struct http_request *request, struct slice *slice, const char *at, size_t length)
{
    size_t need = request->head_used + length;
    if (need > request->limits->head_bytes)
        return refuse(request, 431, "header too large");
    if (need > request->head_size) {
        int error = grow_head(request, need);
        if (error)
            return error;
    }
    if (!slice->at)
        slice->at = request->head + request->head_used;
    memcpy(request->head + request->head_used, at, length);
    request->head_used += length;
    slice->length += length;
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (request->target.length + length <= request->limits->target_bytes)
        return append_head(request, &request->target, at, length);
    refuse(request, 414, "request target too long");
    request->method = slice_of(llhttp_method_name((llhttp_method_t)parser->method));
    return -1;
}

static int begin_header(struct http_request *request)
{
    if (request->header_count == request->limits->header_lines)
        return refuse(request, 431, "too many header lines");
    if (request->header_count == request->header_size) {
        struct http_header *headers = realloc(request->headers, 2 * request->header_size * sizeof *headers);
        if (!headers)
            return refuse(request, 503, "out of memory");
        request->headers = headers;
        request->header_size *= 2;
    }
    request->headers[request->header_count++] = (struct http_header){{NULL, 0}, {NULL, 0}};
    request->in_value = false;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (request->head_complete)
        return 0; /* a trailer field: never merged into the header, RFC 9112 7.1.2 */
    if (request->header_count == 0 || request->in_value) {
        int error = begin_header(request);
        if (error)
            return error;
    }
    return append_head(request, &request->headers[request->header_count - 1].name, at, length);
}

/* Is `at` the first byte of a line, white space aside? What lay before this piece is known by its last byte. */
static bool follows_newline(const struct http_request *request, const char *at)
{
    while (at > request->piece && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at > request->piece ? at[-1] == '\n' : request->piece_follows_newline;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    if (request->head_complete)
        return 0;
    if (length > 0 && follows_newline(request, at))
        return refuse(request, 400, "folded header line"); /* obs-fold, RFC 9112 5.2: llhttp would unfold it */
    request->in_value = true;
    return append_head(request, &request->headers[request->header_count - 1].value, at, length);
}

const struct slice *http_request_header(const struct http_request *request, const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name.length == length && strncasecmp(header->name.at, name, length) == 0)
            return &header->value;
    }
    return NULL;
}

/* field-value, RFC 9110 5.5: no control characters but the tab. Bytes above 0x7f are obs-text and pass. */
static const bool forbidden_in_value[256] = {[0 ... 8] = true, [10 ... 0x1f] = true, [0x7f] = true};

/* uri-host [":" port], RFC 9112 3.2: enough to keep out what two readers could take for two hosts. */
static const bool forbidden_in_host[256] = {
    [0 ... ' '] = true, [0x7f ... 0xff] = true, ['/'] = true, ['?'] = true, ['#'] = true, ['@'] = true, ['\\'] = true, ['<'] = true,
    ['>'] = true,       ['"'] = true,           ['{'] = true, ['}'] = true, ['|'] = true, ['^'] = true, ['`'] = true,  [','] = true,
};

/* No fragments and nothing that is not printable ASCII, RFC 9112 3.2. */
static const bool forbidden_in_target[256] = {[0 ... ' '] = true, ['#'] = true, [0x7f ... 0xff] = true};

static bool is_clean(struct slice text, const bool *forbidden)
{
    for (size_t i = 0; i < text.length; i++)
        if (forbidden[(unsigned char)text.at[i]])
            return false;
    return true;
}

/* Transfer-Encoding: only `chunked`, once, alone, in HTTP/1.1, without Content-Length. RFC 9112 6.1, 6.3 */
static int check_transfer_encoding(struct http_request *request, struct slice list, unsigned lines)
{
    struct slice coding, last = {NULL, 0};
    unsigned codings = 0;
    if (request->http_1_0)
        return refuse(request, 400, "Transfer-Encoding in HTTP/1.0");
    if (http_request_header(request, "Content-Length"))
        return refuse(request, 400, "Transfer-Encoding with Content-Length");
    if (lines > 1)
        return refuse(request, 400, "Transfer-Encoding twice");
    while (slice_next_member(&list, &coding)) {
        if (codings++ > 0 && slice_is_nocase(last, "chunked"))
            return refuse(request, 400, "a coding after chunked");
        last = coding;
    }
    if (!slice_is_nocase(last, "chunked"))
        return refuse(request, 400, "Transfer-Encoding does not end in chunked");
    if (codings > 1)
        return refuse(request, 501, "transfer coding not implemented");
    return 0;
}

static bool expects_continue(struct slice value)
{
    return slice_is_nocase(value, "100-continue");
}

/* One pass over the header lines: what matters for framing and routing. */
static int check_headers(struct http_request *request)
{
    unsigned hosts = 0, encodings = 0;
    struct slice encoding = {NULL, 0};
    for (unsigned i = 0; i < request->header_count; i++) {
        struct http_header *header = &request->headers[i];
        if (header->name.length == 0)
            return refuse(request, 400, "header line without a name");
        if (!is_clean(header->value, forbidden_in_value))
            return refuse(request, 400, "control character in a header");
        header->value = slice_trim(header->value);
        if (slice_is_nocase(header->name, "Host")) {
            hosts++;
            request->authority = header->value;
        } else if (slice_is_nocase(header->name, "Transfer-Encoding")) {
            encodings++;
            encoding = header->value;
        } else if (slice_is_nocase(header->name, "Expect")) {
            request->wants_continue = expects_continue(header->value) && !request->http_1_0;
        }
    }
    if (hosts > 1 || (hosts == 0 && !request->http_1_0))
        return refuse(request, 400, hosts ? "Host twice" : "Host is missing");
    if (!is_clean(request->authority, forbidden_in_host))
        return refuse(request, 400, "malformed Host");
    return encodings ? check_transfer_encoding(request, encoding, encodings) : 0;
}

/* absolute-form, RFC 9112 3.2.2: its authority counts, not Host. */
static int split_absolute_form(struct http_request *request, struct slice rest)
{
    size_t end = 0;
    while (end < rest.length && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    request->authority = (struct slice){rest.at, end};
    request->path = slice_after(rest, end);
    if (request->authority.length == 0 || !is_clean(request->authority, forbidden_in_host))
        return refuse(request, 400, "malformed authority in the target");
    if (request->path.length == 0 || *request->path.at != '/') {
        if (request->path.length > 0)
            request->query = slice_after(request->path, 1);
        request->path = SLICE("/");
    }
    return 0;
}

/* The four forms of a target, RFC 9112 3.2. CONNECT has been refused before. */
static int split_target(struct http_request *request)
{
    struct slice target = request->target;
    request->path = target;
    if (!is_clean(target, forbidden_in_target))
        return refuse(request, 400, "forbidden character in the target");
    if (slice_is(target, "*"))
        return slice_is(request->method, "OPTIONS") ? 0 : refuse(request, 400, "target * without OPTIONS");
    if (target.length >= 7 && strncasecmp(target.at, "http://", 7) == 0) {
        int error = split_absolute_form(request, slice_after(target, 7));
        if (error)
            return error;
    } else if (target.length == 0 || *target.at != '/') {
        return refuse(request, 400, "malformed target");
    }
    const char *mark = request->path.length ? memchr(request->path.at, '?', request->path.length) : NULL;
    if (mark) {
        request->query = slice_after(request->path, (size_t)(mark - request->path.at) + 1);
        request->path.length = (size_t)(mark - request->path.at);
    }
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;
    request->head_complete = true;
    request->method = slice_of(llhttp_method_name((llhttp_method_t)parser->method));
    request->is_head = parser->method == HTTP_HEAD;
    request->http_1_0 = parser->http_major == 1 && parser->http_minor == 0;
    parser->upgrade = 0; /* nobody here supports any: ignored, RFC 9110 7.8 */
    if (parser->http_major != 1)
        return refuse(request, parser->http_major == 0 ? 400 : 505, "HTTP version not supported");
    if (parser->method == HTTP_CONNECT)
        return refuse(request, 405, "CONNECT is not allowed");
    if (check_headers(request) || split_target(request))
        return -1;
    if ((parser->flags & F_CONTENT_LENGTH) && parser->content_length > request->limits->body_bytes)
        return refuse(request, 413, "body too large");
    return 0;
}

static int grow_body(struct http_request *request, size_t need)
{
    size_t size = request->body_size ? request->body_size : BODY_SIZE_FIRST;
    while (size < need)
        size *= 2;
    char *text = realloc(request->body_text, size);
    if (!text)
        return refuse(request, 503, "out of memory");
    request->body_text = text;
    request->body_size = size;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_request *request = parser->data;
    size_t need = request->body.length + length;
    if (need > request->limits->body_bytes)
        return refuse(request, 413, "body too large");
    if (need > request->body_size) {
        int error = grow_body(request, need);
        if (error)
            return error;
    }
    memcpy(request->body_text + request->body.length, at, length);
    request->body.length = need;
    request->body.at = request->body_text;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_request *request = parser->data;
    request->complete = true;
    request->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

struct http_request *http_request_new(const struct http_limits *limits)
{
    struct http_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->limits = limits;
    request->head = malloc(HEAD_SIZE_FIRST);
    request->head_size = HEAD_SIZE_FIRST;
    request->headers = malloc(HEADERS_FIRST * sizeof *request->headers);
    request->header_size = HEADERS_FIRST;
    list_init(&request->link);
    if (!request->head || !request->headers) {
        http_request_free(request);
        return NULL;
    }
    return request;
}

void http_request_free(struct http_request *request)
{
    free(request->head);
    free(request->headers);
    free(request->body_text);
    free(request);
}

void http_request_reset(struct http_request *request, bool fresh)
{
    static const struct slice empty = {NULL, 0};
    request->method = request->target = request->path = request->query = request->authority = request->body = empty;
    request->header_count = 0;
    request->is_head = request->http_1_0 = request->keep_alive = false;
    request->user = NULL;
    request->arrived_ns = request->body_sent = 0;
    request->answered_by = -1;
    request->status = 0;
    request->refusal = 0;
    request->why = NULL;
    request->begun = request->head_complete = request->wants_continue = request->complete = request->in_value = false;
    request->piece_follows_newline = request->line_begun = request->line_ended = request->method_is_garbage = false;
    request->line_spaces = 0;
    request->head_used = 0;
    if (request->body_size > BODY_SIZE_TO_KEEP) {
        free(request->body_text);
        request->body_text = NULL;
        request->body_size = 0;
    }
    if (fresh) {
        /* llhttp takes a settings pointer it never writes through, but does not say const. */
        llhttp_init(&request->parser, HTTP_REQUEST, (llhttp_settings_t *)(uintptr_t)&callbacks);
        request->parser.data = request;
    }
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static enum http_parse refuse_unparsable(struct http_request *request, enum llhttp_errno error)
{
    if (error == HPE_INVALID_METHOD && !request->method_is_garbage) /* a token, but none we know: RFC 9110 9.1 */
        refuse(request, 501, "method not implemented");
    else if (error == HPE_INVALID_VERSION)
        refuse(request, 505, "HTTP version not supported");
    else
        refuse(request, 400, llhttp_get_error_reason(&request->parser));
    return HTTP_PARSE_REFUSED;
}

/* Method, target and version with exactly one space between them, RFC 9112 3: llhttp takes any number. */
static bool request_line_is_clean(struct http_request *request, const char *data, size_t length)
{
    for (size_t i = 0; i < length && !request->line_ended; i++) {
        char c = data[i];
        if (c == '\n')
            request->line_ended = request->line_begun; /* an empty line before the request is ignored, 2.2 */
        else if (c != '\r')
            request->line_begun = true;
        if (request->line_begun && request->line_spaces == 0 && c != ' ' && !is_token(c))
            request->method_is_garbage = true;
        if (c == '\t' || (c == ' ' && ++request->line_spaces > 2))
            return false;
    }
    return true;
}

enum http_parse http_request_parse(struct http_request *request, const char *data, size_t length, size_t *consumed)
{
    request->begun = true;
    request->piece = data;
    if (!request->line_ended && !request_line_is_clean(request, data, length)) {
        *consumed = length;
        refuse(request, 400, "white space in the request line");
        return HTTP_PARSE_REFUSED;
    }
    enum llhttp_errno error = llhttp_execute(&request->parser, data, length);
    if (error == HPE_OK) {
        request->piece_follows_newline = follows_newline(request, data + length);
        *consumed = length;
        return HTTP_PARSE_MORE;
    }
    const char *stop = llhttp_get_error_pos(&request->parser);
    *consumed = stop ? (size_t)(stop - data) : length;
    if (error == HPE_PAUSED && request->complete) {
        llhttp_resume(&request->parser);
        return HTTP_PARSE_REQUEST;
    }
    return refuse_unparsable(request, error);
}
