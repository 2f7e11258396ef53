/*
 * Responses off the wire, in two ways with one meaning.
 *
 * Nearly every response a client sees is ordinary: a status line, a dozen plain fields, a Content-Length and the whole body
 * in one read. scan_ordinary recognises exactly that in one pass over the bytes. Whatever it does not recognise at once - cut by
 * a read, chunked, until close, an interim response, a strange byte - it leaves untouched to llhttp, which then sees the
 * response from its first byte. So the scanner never has to say "malformed", and may be as narrow as it likes.
 *
 * llhttp is lenient where RFC 9112 leaves a choice to the recipient: it takes a bare LF for an end of line and obs-fold for a
 * value, and a field without a name. Bodies have been smuggled that way, so check_head refuses those before llhttp sees them; it
 * also finds the end of the head, which keeps the limit exact.
 *
 * Rule: a field is given to on_header whole. Only when a read ends inside a field is its beginning copied (`held`), so that
 * an ordinary response costs no allocation and an idle parser owns no memory.
 */
#include "http/response_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what both ways share ---- */

static size_t head_limit(const struct response_parser *parser)
{
    return parser->events->head_limit ? parser->events->head_limit : RESPONSE_HEAD_LIMIT;
}

static bool has_no_body(const struct response_parser *parser, unsigned status)
{
    return parser->is_head || status < 200 || status == 204 || status == 304;
}

static bool is_wanted(const struct response_parser *parser, struct slice name)
{
    struct slice only = parser->events->only;
    if (only.length == 0)
        return true;
    return name.length == only.length && (*name.at | 0x20) == (*only.at | 0x20) && strncasecmp(name.at, only.at, only.length) == 0;
}

static int call_header(struct response_parser *parser, struct slice name, struct slice value)
{
    return parser->events->on_header ? parser->events->on_header(parser->context, name, value) : 0;
}

static int call_head(struct response_parser *parser)
{
    return parser->events->on_head ? parser->events->on_head(parser->context, &parser->head) : 0;
}

static int call_body(struct response_parser *parser, struct slice piece)
{
    return parser->events->on_body && piece.length > 0 ? parser->events->on_body(parser->context, piece) : 0;
}

static int complete(struct response_parser *parser)
{
    parser->stage = RESPONSE_COMPLETE;
    return parser->events->on_complete ? parser->events->on_complete(parser->context) : 0;
}

/* ---- the ordinary response ---- */

#define ORDINARY_FIELDS_MAX 32

struct field {
    struct slice name, value;
};

struct ordinary {
    const char *at, *end;
    struct response_head head;
    unsigned field_count; /* of those wanted */
    struct field fields[ORDINARY_FIELDS_MAX];
};

/* tchar of RFC 9110 5.6.2 */
static const bool token_bytes[256] = {
    ['!'] = true, ['#' ... '\''] = true, ['*'] = true,         ['+'] = true, ['-'] = true,
    ['.'] = true, ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['^'] = true, ['_'] = true,
    ['`'] = true, ['a' ... 'z'] = true,  ['|'] = true,         ['~'] = true,
};

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Non-zero when one of eight bytes is a control character (below 0x20, or 0x7f); "Bit Twiddling Hacks", S. E. Anderson. */
static inline uint64_t find_controls(uint64_t bytes)
{
    uint64_t deleted = bytes ^ EACH_BYTE(0x7f);
    return ((bytes - EACH_BYTE(0x20)) & ~bytes & EACH_BYTE(0x80)) | ((deleted - EACH_BYTE(0x01)) & ~deleted & EACH_BYTE(0x80));
}

static inline bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

static inline unsigned first_marked_byte(uint64_t marks)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(marks) / 8;
#else
#error "the scanner reads words of little-endian machines: x86-64 and arm64"
#endif
}

/* The first control character, or `end`. */
static inline const char *find_control(const char *at, const char *end)
{
    uint64_t bytes;
    for (; end - at >= (ptrdiff_t)sizeof(bytes); at += sizeof(bytes)) {
        memcpy(&bytes, at, sizeof(bytes));
        uint64_t controls = find_controls(bytes);
        if (controls)
            return at + first_marked_byte(controls); /* marks above the lowest may be false, the lowest is true */
    }
    while (at < end && !is_control(*at))
        at++;
    return at;
}

/* The first control character other than a tab, or `end`. */
static inline const char *find_line_end(const char *at, const char *end)
{
    at = find_control(at, end);
    while (at < end && *at == '\t')
        at = find_control(at + 1, end);
    return at;
}

/* Steps over CR LF. */
static bool scan_line_end(struct ordinary *scan)
{
    if (scan->end - scan->at < 2 || scan->at[0] != '\r' || scan->at[1] != '\n')
        return false;
    scan->at += 2;
    return true;
}

/* "HTTP/1.1 200 OK": 1.1 only, and a status whose framing holds no surprise. */
static bool scan_status_line(struct ordinary *scan)
{
    const char *at = scan->at;
    if (scan->end - at < 15 || memcmp(at, "HTTP/1.1 ", 9) != 0 || at[12] != ' ')
        return false;
    unsigned hundreds = (unsigned)(at[9] - '0'), tens = (unsigned)(at[10] - '0'), ones = (unsigned)(at[11] - '0');
    if (hundreds < 2 || hundreds > 5 || tens > 9 || ones > 9)
        return false;
    scan->head.status = (uint16_t)(hundreds * 100 + tens * 10 + ones);
    scan->at = find_line_end(at + 13, scan->end);
    return scan_line_end(scan);
}

/* 1 to 18 digits: no overflow to think of. */
static bool scan_length(struct ordinary *scan, struct slice value)
{
    if (value.length == 0 || value.length > 18 || scan->head.has_length)
        return false;
    uint64_t length = 0;
    for (size_t i = 0; i < value.length; i++) {
        unsigned digit = (unsigned)(value.at[i] - '0');
        if (digit > 9)
            return false;
        length = length * 10 + digit;
    }
    scan->head.has_length = true;
    scan->head.content_length = length;
    return true;
}

/* slice_is_nocase with a look at the first letter before the call: most fields are none of these. `lower` is in small letters. */
static inline bool is_name(struct slice name, const char *lower)
{
    return (*name.at | 0x20) == *lower && slice_is_nocase(name, lower);
}

/* Fields that decide where the response ends. Only Content-Length and a plain `Connection: keep-alive` or `close` are ordinary, and
 * not with a tab (`line` is all behind the colon): llhttp has its own opinion of tabs there, and must have the same say however
 * the bytes were cut. */
static bool scan_framing_field(struct ordinary *scan, struct slice name, struct slice value, struct slice line)
{
    switch (name.length) {
    case 7: /* Trailer, Upgrade */
        return !is_name(name, "upgrade");
    case 10:
        if (!is_name(name, "connection"))
            return true;
        if (slice_is_nocase(value, "close"))
            scan->head.keep_alive = false;
        return (!scan->head.keep_alive || slice_is_nocase(value, "keep-alive")) && !memchr(line.at, '\t', line.length);
    case 14:
        return is_name(name, "content-length") ? scan_length(scan, value) && !memchr(line.at, '\t', line.length) : true;
    case 16:
        return !is_name(name, "proxy-connection");
    case 17:
        return !is_name(name, "transfer-encoding");
    default:
        return true;
    }
}

static bool keep_wanted(const struct response_parser *parser, struct ordinary *scan, struct slice name, struct slice value)
{
    if (!parser->events->on_header || !is_wanted(parser, name))
        return true;
    if (scan->field_count == ORDINARY_FIELDS_MAX)
        return false;
    scan->fields[scan->field_count++] = (struct field){name, value};
    return true;
}

static bool scan_field(const struct response_parser *parser, struct ordinary *scan)
{
    const char *at = scan->at;
    while (at < scan->end && token_bytes[(unsigned char)*at])
        at++;
    struct slice name = {scan->at, (size_t)(at - scan->at)};
    if (at == scan->end || *at != ':' || name.length == 0)
        return false;
    at++;
    scan->at = find_line_end(at, scan->end);
    struct slice line = {at, (size_t)(scan->at - at)}, value = slice_trim(line);
    return scan_line_end(scan) && scan_framing_field(scan, name, value, line) && keep_wanted(parser, scan, name, value);
}

/* True when [at, end) begins with a whole ordinary response; scan->at is then behind its head. */
static bool scan_ordinary(const struct response_parser *parser, struct ordinary *scan)
{
    const char *begin = scan->at;
    if (!scan_status_line(scan))
        return false;
    while (scan->at < scan->end && *scan->at != '\r')
        if (!scan_field(parser, scan))
            return false;
    if (!scan_line_end(scan) || !scan->head.has_length || (size_t)(scan->at - begin) > head_limit(parser))
        return false;
    if (has_no_body(parser, scan->head.status))
        return true;
    scan->head.framing = RESPONSE_LENGTH;
    return scan->head.content_length <= (uint64_t)(scan->end - scan->at);
}

/* Takes an ordinary response whole. Returns the bytes taken, 0 when it is not one, or a callback's error. */
static ssize_t feed_ordinary(struct response_parser *parser, const char *data, size_t length)
{
    struct ordinary scan;
    scan.at = data;
    scan.end = data + length;
    scan.field_count = 0;
    scan.head = (struct response_head){.major = 1, .minor = 1, .keep_alive = true, .framing = RESPONSE_EMPTY};
    if (!scan_ordinary(parser, &scan))
        return 0;

    int error = 0;
    for (unsigned i = 0; i < scan.field_count && !error; i++)
        error = call_header(parser, scan.fields[i].name, scan.fields[i].value);
    parser->head = scan.head;
    if (!error)
        error = call_head(parser);
    if (error)
        return error;
    struct slice body = {scan.at, scan.head.framing == RESPONSE_LENGTH ? (size_t)scan.head.content_length : 0};
    error = call_body(parser, body);
    if (!error)
        error = complete(parser);
    return error ? error : body.at + body.length - data;
}

/* ---- everything else: llhttp ---- */

static struct response_parser *owner(llhttp_t *llhttp)
{
    return llhttp->data;
}

static int fail(struct response_parser *parser, int error)
{
    parser->callback_error = error;
    return -1; /* makes llhttp stop */
}

/* Adds bytes behind what is held. 0 or -ENOMEM. Bounded by the head's limit. */
static int hold(struct response_parser *parser, struct slice piece)
{
    if (parser->held_length + piece.length > parser->held_size) {
        uint32_t size = (uint32_t)(2 * (parser->held_length + piece.length) + 64);
        char *grown = realloc(parser->held, size);
        if (!grown)
            return -ENOMEM;
        parser->held = grown;
        parser->held_size = size;
    }
    memcpy(parser->held + parser->held_length, piece.at, piece.length);
    parser->held_length += (uint32_t)piece.length;
    return 0;
}

static bool is_held(const struct response_parser *parser, struct slice piece)
{
    return parser->held && piece.at == parser->held;
}

/* The read ends inside a field: moves name and value, in this order, to `held`. 0 or -ENOMEM. */
static int hold_field(struct response_parser *parser)
{
    if (!parser->events->on_header || (parser->in_value && !parser->wanted) || parser->name.length == 0)
        return 0;
    bool name_held = is_held(parser, parser->name);
    bool value_held = name_held && parser->held_length > parser->name.length;
    int error = name_held ? 0 : hold(parser, parser->name);
    if (!error && !value_held && parser->value.length > 0)
        error = hold(parser, parser->value);
    if (error)
        return error;
    parser->name.at = parser->held;
    parser->value.at = parser->held + parser->name.length;
    return 0;
}

/* A piece of the name or value: the first lies in the caller's bytes, a later one goes behind what is held. */
static int add_piece(struct response_parser *parser, struct slice *part, struct slice piece)
{
    if (part->length == 0) {
        *part = piece;
        return 0;
    }
    if (!is_held(parser, parser->name))
        return fail(parser, -EBADMSG); /* two pieces in one read would be a folded value: check_head refuses those */
    if (hold(parser, piece))
        return fail(parser, -ENOMEM);
    part->length += piece.length;
    parser->name.at = parser->held; /* may have moved */
    if (part == &parser->value)
        parser->value.at = parser->held + parser->name.length;
    return 0;
}

static int on_field_name(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response_parser *parser = owner(llhttp);
    if (parser->stage != RESPONSE_IN_HEAD)
        return 0; /* a trailer */
    return add_piece(parser, &parser->name, (struct slice){at, length});
}

static int on_field_name_complete(llhttp_t *llhttp)
{
    struct response_parser *parser = owner(llhttp);
    parser->in_value = true;
    parser->wanted = parser->stage == RESPONSE_IN_HEAD && is_wanted(parser, parser->name);
    return 0;
}

static int on_field_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response_parser *parser = owner(llhttp);
    return parser->wanted ? add_piece(parser, &parser->value, (struct slice){at, length}) : 0;
}

static int on_field_value_complete(llhttp_t *llhttp)
{
    struct response_parser *parser = owner(llhttp);
    int error = parser->wanted ? call_header(parser, parser->name, slice_trim(parser->value)) : 0;
    parser->name = parser->value = (struct slice){NULL, 0};
    parser->held_length = 0;
    parser->in_value = parser->wanted = false;
    return error ? fail(parser, error) : 0;
}

static enum response_framing framing_of(const struct response_parser *parser, const llhttp_t *llhttp)
{
    if (has_no_body(parser, llhttp->status_code))
        return RESPONSE_EMPTY;
    if (llhttp->flags & F_CHUNKED)
        return RESPONSE_CHUNKED;
    if (llhttp->flags & F_CONTENT_LENGTH)
        return RESPONSE_LENGTH;
    return RESPONSE_UNTIL_CLOSE;
}

static bool keeps_alive(const llhttp_t *llhttp, enum response_framing framing)
{
    if (framing == RESPONSE_UNTIL_CLOSE || llhttp->status_code == 101 || llhttp->flags & F_CONNECTION_CLOSE)
        return false;
    return (llhttp->http_major == 1 && llhttp->http_minor >= 1) || llhttp->flags & F_CONNECTION_KEEP_ALIVE;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct response_parser *parser = owner(llhttp);
    if (llhttp->status_code < 100 || llhttp->http_major != 1)
        return fail(parser, -EBADMSG);
    enum response_framing framing = framing_of(parser, llhttp);
    parser->head = (struct response_head){
        .status = llhttp->status_code,
        .major = llhttp->http_major,
        .minor = llhttp->http_minor,
        .keep_alive = keeps_alive(llhttp, framing),
        .interim = llhttp->status_code < 200 && llhttp->status_code != 101,
        .has_length = llhttp->flags & F_CONTENT_LENGTH,
        .framing = framing,
        .content_length = llhttp->content_length,
    };
    parser->stage = RESPONSE_IN_BODY;
    int error = call_head(parser);
    if (error)
        return fail(parser, error);
    if (llhttp->status_code == 101)
        return 2; /* another protocol follows: stop here */
    return framing == RESPONSE_EMPTY ? 1 : 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response_parser *parser = owner(llhttp);
    int error = call_body(parser, (struct slice){at, length});
    return error ? fail(parser, error) : 0;
}

/* Stops llhttp at the end of each message: what follows is not ours to read. */
static int on_message_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static const llhttp_settings_t callbacks_with_fields = {
    .on_header_field = on_field_name,
    .on_header_field_complete = on_field_name_complete,
    .on_header_value = on_field_value,
    .on_header_value_complete = on_field_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static void start_head(struct response_parser *parser)
{
    const llhttp_settings_t *settings = parser->events->on_header ? &callbacks_with_fields : &callbacks;
    llhttp_init(&parser->llhttp, HTTP_RESPONSE, (llhttp_settings_t *)(uintptr_t)settings); /* never written through */
    parser->llhttp.data = parser;
    parser->stage = RESPONSE_IN_HEAD;
    parser->last = '\n'; /* as if a line had just ended */
    parser->before_last = 0;
    parser->name = parser->value = (struct slice){NULL, 0};
    parser->held_length = 0;
    parser->in_value = parser->wanted = false;
}

/*
 * How many of the bytes belong to the head, up to and with its empty line. -EBADMSG: a bare CR or LF, or a line that begins
 * with white space (obs-fold, RFC 9112 5.2) or a colon (no name) or is empty where the status line should be. -EMSGSIZE: over the
 * limit.
 */
static ssize_t check_head(struct response_parser *parser, const char *data, size_t length)
{
    size_t room = head_limit(parser) - parser->head_bytes, i = 0;
    bool ended = false;
    while (i < length && !ended) {
        if (i == room)
            return -EMSGSIZE;
        uint8_t byte = (uint8_t)data[i++];
        bool first = parser->last == '\n' && parser->before_last == 0;
        bool line_start = parser->last == '\n';
        if ((byte == '\n') != (parser->last == '\r') || (line_start && (byte == ' ' || byte == '\t' || byte == ':')) ||
            (first && byte != 'H'))
            return -EBADMSG;
        ended = byte == '\n' && parser->before_last == '\n';
        parser->before_last = parser->last;
        parser->last = byte;
    }
    parser->head_bytes += (uint32_t)i;
    return (ssize_t)i;
}

/* What llhttp's verdict means for us: bytes taken of `length`, or an error. */
static ssize_t read_verdict(struct response_parser *parser, enum llhttp_errno verdict, const char *data, size_t length)
{
    if (verdict == HPE_OK)
        return (ssize_t)length;
    if (verdict == HPE_PAUSED || verdict == HPE_PAUSED_UPGRADE) {
        ssize_t taken = llhttp_get_error_pos(&parser->llhttp) - data;
        if (parser->head.interim) {
            start_head(parser);
            return taken;
        }
        int error = complete(parser);
        return error ? error : taken;
    }
    return parser->callback_error ? parser->callback_error : -EBADMSG;
}

/* One step through llhttp: a stretch of head or a stretch of body. */
static ssize_t feed_step(struct response_parser *parser, const char *data, size_t length)
{
    if (parser->stage == RESPONSE_FRESH)
        start_head(parser);
    if (parser->stage == RESPONSE_IN_HEAD) {
        ssize_t head = check_head(parser, data, length);
        if (head < 0)
            return head;
        length = (size_t)head;
    }
    ssize_t taken = read_verdict(parser, llhttp_execute(&parser->llhttp, data, length), data, length);
    if (taken >= 0 && parser->stage == RESPONSE_IN_HEAD) {
        int error = hold_field(parser);
        return error ? error : taken;
    }
    return taken;
}

/* ---- the public face ---- */

void response_parser_init(struct response_parser *parser, const struct response_events *events, void *context)
{
    *parser = (struct response_parser){.events = events, .context = context};
}

void response_parser_close(struct response_parser *parser)
{
    free(parser->held);
    parser->held = NULL;
    parser->held_size = parser->held_length = 0;
}

void response_parser_begin(struct response_parser *parser, bool is_head)
{
    if (parser->held)
        response_parser_close(parser);
    parser->stage = RESPONSE_FRESH;
    parser->is_head = is_head;
    parser->head_bytes = 0;
    parser->callback_error = 0;
}

ssize_t response_parser_feed(struct response_parser *parser, const char *data, size_t length)
{
    ssize_t taken = parser->stage == RESPONSE_FRESH ? feed_ordinary(parser, data, length) : 0;
    if (parser->stage == RESPONSE_BROKEN)
        return -EBADMSG;
    size_t done = taken > 0 ? (size_t)taken : 0;
    while (taken >= 0 && done < length && parser->stage != RESPONSE_COMPLETE) {
        taken = feed_step(parser, data + done, length - done);
        done += taken > 0 ? (size_t)taken : 0;
    }
    if (taken < 0) {
        parser->stage = RESPONSE_BROKEN;
        return taken;
    }
    return (ssize_t)done;
}

int response_parser_finish(struct response_parser *parser)
{
    if (parser->stage == RESPONSE_COMPLETE)
        return 0;
    if (parser->stage == RESPONSE_FRESH)
        return -ENODATA;
    if (parser->stage == RESPONSE_IN_BODY && parser->head.framing == RESPONSE_UNTIL_CLOSE)
        return complete(parser);
    parser->stage = RESPONSE_BROKEN;
    return -EBADMSG;
}
