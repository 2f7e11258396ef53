/*
 * The request, made once.
 *
 * The bytes are written as they will go out, with placeholders as they were given; then they are cut. Each piece is a text and
 * what follows it: a drawn time, a number, the jar's cookies, the body's length. Rendering is copying texts and writing between
 * them. The common request has one piece and is sent from where it lies.
 *
 * A body with placeholders has another length each time, and the head has to say it before the body is there: Content-Length is
 * the last field, its slot as wide as the longest body needs, and the number is put right-aligned into it once the body is
 * written. Spaces before a field's value mean nothing (RFC 9112 5.1).
 *
 * Rule: one render draws for each placeholder from the left to the right, in the order of the requests, so that the k-th request
 * of a thread asks for the same work whatever server answers it (common random numbers).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

#define NUMBER_LONGEST 20 /* digits of UINT64_MAX */
#define UUID_LENGTH    36
#define SHOWN_LONGEST  80 /* bytes of a bad placeholder in a message */

/* ---- checks on what is put in ---- */

bool template_is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", text.at[i]) || !text.at[i])
            return false;
    return text.length > 0;
}

struct slice template_header_name(const char *text)
{
    return (struct slice){text, strcspn(text, ":")};
}

const char *template_check_header(const char *text)
{
    struct slice name = template_header_name(text);
    if (text[name.length] != ':' || !template_is_token(name))
        return "use 'Name: value'";
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return "no control characters";
    if (slice_is_nocase(name, "content-length") || slice_is_nocase(name, "transfer-encoding"))
        return "the length is worked out from --body";
    return NULL;
}

bool template_is_idempotent(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(idempotent) / sizeof(idempotent[0]); i++)
        if (strcmp(method, idempotent[i]) == 0)
            return true;
    return false;
}

const char *template_check_method(const char *text)
{
    bool plain = *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(text);
    return plain && strcmp(text, "CONNECT") != 0 ? NULL : "use an upper-case HTTP method other than CONNECT";
}

/* ---- placeholders ---- */

/* "1000" or "1000,0.8" */
static bool parse_zipf(struct slice text, uint64_t *ranks, double *exponent)
{
    const char *comma = memchr(text.at, ',', text.length);
    size_t length = comma ? (size_t)(comma - text.at) : text.length;
    *exponent = 1;
    if (units_parse_count(text.at, length, ranks) != 0 || *ranks < 1 || *ranks > ZIPF_RANKS_MAX)
        return false;
    if (!comma)
        return true;
    struct slice power = slice_after(text, length + 1);
    return units_parse_decimal(power.at, power.length, exponent) == 0 && *exponent <= ZIPF_EXPONENT_MAX;
}

struct placeholder {
    enum piece_kind kind;
    struct distribution time;
    uint64_t ranks;
    double exponent;
};

/* What stands between the braces. */
static bool parse_placeholder(struct slice inside, struct placeholder *placeholder)
{
    static const char zipf[] = "zipf:";
    *placeholder = (struct placeholder){.kind = PIECE_TIME};
    if (slice_begins(inside, zipf)) {
        placeholder->kind = PIECE_ZIPF;
        return parse_zipf(slice_after(inside, sizeof(zipf) - 1), &placeholder->ranks, &placeholder->exponent);
    }
    if (slice_is(inside, "seq"))
        placeholder->kind = PIECE_SEQUENCE;
    else if (slice_is(inside, "uuid"))
        placeholder->kind = PIECE_UUID;
    return placeholder->kind != PIECE_TIME || distribution_parse(inside.at, inside.length, &placeholder->time) == 0;
}

/* In a body or a header '{' is mostly just that. Only these make a placeholder of it; a number alone, {0}, does not. */
static bool is_meant(struct slice inside, bool closed)
{
    static const char *const words[] = {"zipf:", "exp:", "uniform:", "lognormal:", "pareto:", "bimodal:"};
    struct placeholder placeholder;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_begins(inside, words[i]))
            return true;
    bool number = true;
    for (size_t i = 0; i < inside.length && number; i++)
        number = inside.at[i] >= '0' && inside.at[i] <= '9';
    return closed && !number && parse_placeholder(inside, &placeholder);
}

/* Where the text between the braces at `open` ends; *closed: at a '}'. A placeholder holds no white space and no further '{'. */
static struct slice look_inside(struct slice text, const char *open, bool *closed)
{
    const char *end = text.at + text.length, *at = open + 1;
    while (at < end && (unsigned char)*at > ' ' && *at != '{' && *at != '}')
        at++;
    *closed = at < end && *at == '}';
    return (struct slice){open + 1, (size_t)(at - open - 1)};
}

static int refuse_placeholder(struct slice inside, bool closed, char *message)
{
    char shown[SHOWN_LONGEST + 1];
    size_t length = inside.length < SHOWN_LONGEST ? inside.length : SHOWN_LONGEST;
    for (size_t i = 0; i < length; i++)
        shown[i] = inside.at[i] > ' ' && inside.at[i] < 0x7f ? inside.at[i] : '?';
    shown[length] = '\0';
    snprintf(message, MESSAGE_SIZE,
             "the placeholder '{%s%s' is not allowed; use {seq}, {uuid}, {zipf:N} or {zipf:N,S} (N up to %um), or in braces %s",
             shown, closed ? "}" : "", ZIPF_RANKS_MAX / 1000000, distribution_allowed);
    return -EINVAL;
}

/* The next placeholder of `text`: 1 with its braces in *found, 0 for none, -EINVAL. With `strict` every '{' begins one. */
static int next_placeholder(struct slice text, bool strict, struct slice *found, struct placeholder *placeholder, char *message)
{
    const char *open = text.length ? memchr(text.at, '{', text.length) : NULL;
    while (open) {
        bool closed;
        struct slice inside = look_inside(text, open, &closed);
        if (strict || is_meant(inside, closed)) {
            *found = (struct slice){open, inside.length + 2};
            return closed && parse_placeholder(inside, placeholder) ? 1 : refuse_placeholder(inside, closed, message);
        }
        text = slice_after(text, (size_t)(open + 1 - text.at));
        open = text.length ? memchr(text.at, '{', text.length) : NULL;
    }
    return 0;
}

int template_check_text(struct slice text, bool is_target, char *message)
{
    struct slice found;
    struct placeholder placeholder;
    int outcome;
    while ((outcome = next_placeholder(text, is_target, &found, &placeholder, message)) > 0)
        text = slice_after(text, (size_t)(found.at + found.length - text.at));
    return outcome;
}

/* ---- the text ---- */

/* The request as it is written first, and where its parts lie in it. */
struct draft {
    FILE *out;
    char *text;
    size_t length;
    size_t target, target_end, headers, headers_end, cookies, body_length, body;
};

static bool has_header(const struct option_list *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (slice_is_nocase(template_header_name(headers->items[i]), name))
            return true;
    return false;
}

static void write_slice(FILE *out, struct slice text)
{
    if (text.length)
        fwrite(text.at, 1, text.length, out);
}

/* Where the next byte will be. */
static size_t position(const struct draft *draft)
{
    return (size_t)ftello(draft->out);
}

static void write_request_line(struct draft *draft, const struct request_parts *parts)
{
    struct slice path = parts->target.length ? parts->target : parts->url->target;
    bool rooted = path.length > 0 && path.at[0] == '/';
    fprintf(draft->out, "%s %s", parts->method, rooted ? "" : "/");
    draft->target = position(draft);
    write_slice(draft->out, path);
    draft->target_end = position(draft);
    fputs(" HTTP/1.1\r\n", draft->out);
}

/* Content-Length last: template_render counts on it. */
static void write_fields(struct draft *draft, const struct request_parts *parts)
{
    FILE *out = draft->out;
    if (!has_header(parts->headers, "host")) {
        fputs("Host: ", out);
        write_slice(out, parts->url->host);
        fputs("\r\n", out);
    }
    draft->headers = position(draft);
    for (size_t i = 0; i < parts->headers->count; i++)
        fprintf(out, "%s\r\n", parts->headers->items[i]);
    draft->headers_end = draft->cookies = position(draft);
    if (parts->last && !has_header(parts->headers, "connection"))
        fputs("Connection: close\r\n", out);
    if (parts->body.at)
        fputs("Content-Length: ", out);
    draft->body_length = position(draft);
}

/* Whether a body has placeholders decides what stands for its length. */
static int write_draft(struct draft *draft, const struct request_parts *parts, bool fixed)
{
    *draft = (struct draft){.out = NULL};
    draft->out = open_memstream(&draft->text, &draft->length);
    if (!draft->out)
        return -ENOMEM;
    write_request_line(draft, parts);
    write_fields(draft, parts);
    if (parts->body.at && fixed)
        fprintf(draft->out, "%zu", parts->body.length);
    fputs(parts->body.at ? "\r\n\r\n" : "\r\n", draft->out);
    draft->body = position(draft);
    write_slice(draft->out, parts->body);
    bool failed = ferror(draft->out);
    if (fclose(draft->out) == 0 && !failed)
        return 0;
    free(draft->text);
    draft->text = NULL;
    return -ENOMEM;
}

/* ---- the pieces ---- */

static size_t longest_of(const struct template_piece *piece)
{
    switch (piece->kind) {
    case PIECE_TIME:
        return NUMBER_LONGEST + strlen("us");
    case PIECE_SEQUENCE:
    case PIECE_ZIPF:
        return NUMBER_LONGEST;
    case PIECE_UUID:
        return UUID_LENGTH;
    case PIECE_COOKIES:
        return strlen("Cookie: \r\n") + COOKIES_LONGEST;
    case PIECE_LENGTH:
        return piece->width;
    case PIECE_END:
        break;
    }
    return 0;
}

/* Adds what lies between the last cut and `until`, followed by what `piece` says. */
static int add_piece(struct template *template, const char **cut, const char *until, struct template_piece piece)
{
    piece.text = (struct slice){*cut, (size_t)(until - *cut)};
    struct template_piece *pieces = realloc(template->pieces, (template->count + 1) * sizeof(*pieces));
    if (!pieces) {
        free(piece.zipf);
        return -ENOMEM;
    }
    template->pieces = pieces;
    pieces[template->count++] = piece;
    template->longest += piece.text.length + longest_of(&piece);
    template->sequenced |= piece.kind == PIECE_SEQUENCE;
    *cut = until;
    return 0;
}

static int add_placeholder(struct template *template, const char **cut, struct slice found, const struct placeholder *placeholder)
{
    struct template_piece piece = {.kind = placeholder->kind, .time = placeholder->time};
    if (piece.kind == PIECE_ZIPF) {
        piece.zipf = malloc(sizeof(*piece.zipf));
        if (!piece.zipf)
            return -ENOMEM;
        zipf_init(piece.zipf, placeholder->ranks, placeholder->exponent);
    }
    int error = add_piece(template, cut, found.at, piece);
    *cut = found.at + found.length;
    return error;
}

/* Cuts [from, to) of the draft's text at its placeholders. */
static int cut_zone(struct template *template, const char **cut, size_t from, size_t to, bool strict, char *message)
{
    struct slice rest = {template->text + from, to - from}, found;
    struct placeholder placeholder;
    int outcome;
    while ((outcome = next_placeholder(rest, strict, &found, &placeholder, message)) > 0) {
        int error = add_placeholder(template, cut, found, &placeholder);
        if (error)
            return error;
        rest = slice_after(rest, (size_t)(found.at + found.length - rest.at));
    }
    return outcome;
}

static unsigned digits_of(size_t number)
{
    unsigned digits = 1;
    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

/* The body's pieces come behind the slot for their length, and say how wide it has to be. */
static int cut_body(struct template *template, const char **cut, const struct draft *draft, char *message)
{
    unsigned slot = template->count;
    int error = add_piece(template, cut, template->text + draft->body_length, (struct template_piece){.kind = PIECE_LENGTH});
    size_t before = template->longest;
    if (!error)
        error = cut_zone(template, cut, draft->body, draft->length, false, message);
    if (!error) {
        size_t tail = (size_t)(template->text + draft->length - *cut);
        template->pieces[slot].width = digits_of(template->longest - before + tail - strlen("\r\n\r\n"));
        template->longest += template->pieces[slot].width;
    }
    return error;
}

static int cut_draft(struct template *template, const struct draft *draft, const struct request_parts *parts, bool fixed,
                     char *message)
{
    const char *cut = template->text;
    int error = cut_zone(template, &cut, draft->target, draft->target_end, true, message);
    if (!error)
        error = cut_zone(template, &cut, draft->headers, draft->headers_end, false, message);
    if (!error && parts->cookies)
        error = add_piece(template, &cut, template->text + draft->cookies, (struct template_piece){.kind = PIECE_COOKIES});
    if (!error && !fixed)
        error = cut_body(template, &cut, draft, message);
    if (!error)
        error = add_piece(template, &cut, template->text + draft->length, (struct template_piece){.kind = PIECE_END});
    return error;
}

int template_init(struct template *template, const struct request_parts *parts, char *message)
{
    struct draft draft;
    struct slice found;
    struct placeholder placeholder;
    *template = (struct template){.count = 0};
    int outcome = next_placeholder(parts->body, false, &found, &placeholder, message);
    if (outcome < 0)
        return outcome;
    bool fixed = outcome == 0;
    int error = write_draft(&draft, parts, fixed);
    template->text = draft.text;
    if (!error)
        error = cut_draft(template, &draft, parts, fixed, message);
    if (error)
        template_close(template);
    return error;
}

void template_close(struct template *template)
{
    for (unsigned i = 0; i < template->count; i++)
        free(template->pieces[i].zipf);
    free(template->pieces);
    free(template->text);
    *template = (struct template){.count = 0};
}

/* ---- rendering ---- */

/* Writes the digits so that they end before `end`; returns where they begin. */
static char *put_number(char *end, uint64_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

static char *write_number(char *at, uint64_t number)
{
    char digits[NUMBER_LONGEST], *begin = put_number(digits + sizeof(digits), number);
    return mempcpy(at, begin, (size_t)(digits + sizeof(digits) - begin));
}

/* RFC 9562 5.4: 122 random bits, version 4, variant 10. */
static char *write_uuid(char *at, struct random *random)
{
    static const char hex[] = "0123456789abcdef", form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    uint64_t high = random_next(random), low = random_next(random);
    uint64_t halves[2] = {(high & ~UINT64_C(0xf000)) | UINT64_C(0x4000), (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62};
    unsigned digit = 0;
    for (const char *mark = form; *mark; mark++, at++) {
        *at = *mark == '-' ? '-' : hex[halves[digit / 16] >> (60 - 4 * (digit % 16)) & 15];
        digit += *mark != '-';
    }
    return at;
}

static char *write_cookies(char *at, const struct cookie_jar *jar)
{
    struct slice cookies = jar ? cookie_jar_header(jar) : (struct slice){NULL, 0};
    if (cookies.length == 0)
        return at;
    at = mempcpy(at, "Cookie: ", strlen("Cookie: "));
    at = mempcpy(at, cookies.at, cookies.length);
    return mempcpy(at, "\r\n", 2);
}

static char *write_piece(const struct template_piece *piece, struct render_state *state, const struct cookie_jar *jar, char *at)
{
    switch (piece->kind) {
    case PIECE_TIME:
        return mempcpy(write_number(at, (distribution_draw(&piece->time, &state->random) + 500) / 1000), "us", 2);
    case PIECE_SEQUENCE:
        return write_number(at, state->sequence);
    case PIECE_ZIPF:
        return write_number(at, zipf_draw(piece->zipf, &state->random));
    case PIECE_UUID:
        return write_uuid(at, &state->random);
    case PIECE_COOKIES:
        return write_cookies(at, jar);
    case PIECE_LENGTH:
        return (char *)memset(at, ' ', piece->width) + piece->width;
    case PIECE_END:
        break;
    }
    return at;
}

struct slice template_render(const struct template *template, struct render_state *state, const struct cookie_jar *jar,
                             char *buffer)
{
    if (template->count == 1)
        return template->pieces[0].text;
    char *at = buffer, *length_end = NULL;
    for (const struct template_piece *piece = template->pieces; piece < template->pieces + template->count; piece++) {
        at = mempcpy(at, piece->text.at, piece->text.length);
        at = write_piece(piece, state, jar, at);
        if (piece->kind == PIECE_LENGTH)
            length_end = at;
    }
    if (length_end)
        put_number(length_end, (uint64_t)(at - length_end) - strlen("\r\n\r\n"));
    if (template->sequenced)
        state->sequence += state->step;
    return (struct slice){buffer, (size_t)(at - buffer)};
}
