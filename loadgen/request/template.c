/*
 * The request, made once.
 *
 * A placeholder in the target, /block/{exp:5ms}, cuts the bytes in two: each piece is a text and a distribution, and rendering
 * is copying texts and writing drawn times between them. The common request has one piece and is sent from where it lies.
 *
 * Rule: one render, one draw a placeholder, in the order of the requests, so that the k-th request of a thread asks for the
 * same work whatever server answers it (common random numbers).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

#define DRAWN_LONGEST sizeof("18446744073709551615us")

/* ---- the text ---- */

bool template_is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", text.at[i]) || !text.at[i])
            return false;
    return text.length > 0;
}

static struct slice header_name(const char *text)
{
    return (struct slice){text, strcspn(text, ":")};
}

const char *template_check_header(const char *text)
{
    struct slice name = header_name(text);
    if (text[name.length] != ':' || !template_is_token(name))
        return "use 'Name: value'";
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return "no control characters";
    if (slice_is_nocase(name, "content-length") || slice_is_nocase(name, "transfer-encoding"))
        return "the length is worked out from --body";
    return NULL;
}

static bool has_header(const struct option_list *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (slice_is_nocase(header_name(headers->items[i]), name))
            return true;
    return false;
}

static void write_slice(FILE *out, struct slice text)
{
    if (text.length)
        fwrite(text.at, 1, text.length, out);
}

static void write_headers(FILE *out, const struct request_parts *parts)
{
    if (!has_header(parts->headers, "host")) {
        fputs("Host: ", out);
        write_slice(out, parts->url->host);
        fputs("\r\n", out);
    }
    for (size_t i = 0; i < parts->headers->count; i++)
        fprintf(out, "%s\r\n", parts->headers->items[i]);
    if (parts->last && !has_header(parts->headers, "connection"))
        fputs("Connection: close\r\n", out);
    if (parts->body.at)
        fprintf(out, "Content-Length: %zu\r\n", parts->body.length);
}

/* The whole request with its placeholders as written; *target tells where the target lies in it. */
static int write_request(const struct request_parts *parts, char **text, size_t *length, struct slice *target)
{
    FILE *out = open_memstream(text, length);
    if (!out)
        return -ENOMEM;
    struct slice path = parts->target.length ? parts->target : parts->url->target;
    bool rooted = path.length > 0 && path.at[0] == '/';
    fprintf(out, "%s %s", parts->method, rooted ? "" : "/");
    write_slice(out, path);
    fputs(" HTTP/1.1\r\n", out);
    write_headers(out, parts);
    fputs("\r\n", out);
    write_slice(out, parts->body);
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return -ENOMEM;
    }
    *target = (struct slice){*text + strlen(parts->method) + (rooted ? 1 : 2), path.length};
    return 0;
}

/* ---- the pieces ---- */

static int add_piece(struct template *template, struct slice text)
{
    struct template_piece *pieces = realloc(template->pieces, (template->count + 1) * sizeof(*pieces));
    if (!pieces)
        return -ENOMEM;
    template->pieces = pieces;
    pieces[template->count++] = (struct template_piece){.text = text};
    template->longest += text.length + DRAWN_LONGEST;
    return 0;
}

static int refuse_placeholder(struct slice text, char *message)
{
    snprintf(message, MESSAGE_SIZE, "the placeholder '{%.*s' is not allowed; use {DISTRIBUTION}: %s", (int)text.length, text.at,
             distribution_allowed);
    return -EINVAL;
}

/* Cuts [begin, end) at each placeholder of the target. */
static int cut(struct template *template, struct slice target, const char *begin, const char *end, char *message)
{
    const char *target_end = target.at + target.length, *open;
    int error = 0;
    while (!error && (open = memchr(target.at, '{', (size_t)(target_end - target.at)))) {
        const char *close = memchr(open, '}', (size_t)(target_end - open));
        struct slice inside = {open + 1, (size_t)((close ? close : target_end) - open - 1)};
        struct distribution time;
        if (!close || distribution_parse(inside.at, inside.length, &time) != 0)
            return refuse_placeholder((struct slice){inside.at, inside.length + (close ? 1 : 0)}, message);
        error = add_piece(template, (struct slice){begin, (size_t)(open - begin)});
        if (!error) {
            template->pieces[template->count - 1].kind = PIECE_TIME;
            template->pieces[template->count - 1].time = time;
        }
        begin = target.at = close + 1;
    }
    return error ? error : add_piece(template, (struct slice){begin, (size_t)(end - begin)});
}

int template_init(struct template *template, const struct request_parts *parts, char *message)
{
    struct slice target;
    size_t length;
    *template = (struct template){.count = 0};
    int error = write_request(parts, &template->text, &length, &target);
    if (!error)
        error = cut(template, target, template->text, template->text + length, message);
    if (error)
        template_close(template);
    return error;
}

void template_close(struct template *template)
{
    free(template->pieces);
    free(template->text);
    *template = (struct template){.count = 0};
}

struct slice template_render(const struct template *template, struct render_state *state, const struct cookie_jar *jar, char *buffer)
{
    (void)jar;
    unsigned last = template->count - 1;
    if (last == 0)
        return template->pieces[0].text;
    char *at = buffer;
    for (unsigned i = 0; i <= last; i++) {
        const struct template_piece *piece = &template->pieces[i];
        at = mempcpy(at, piece->text.at, piece->text.length);
        if (i < last)
            at += sprintf(at, "%lluus", (unsigned long long)(distribution_draw(&piece->time, &state->random) + 500) / 1000);
    }
    return (struct slice){buffer, (size_t)(at - buffer)};
}
