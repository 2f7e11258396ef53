/*
 * The servers' request parser: however the bytes are cut, the same requests come out, and what is refused is refused.
 *
 * Input: two bytes for the cuts, then what the client sent on one connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"
#include "tests/fuzz/fuzz.h"

static const struct http_limits limits = {.head_bytes = 2048, .header_lines = 16, .target_bytes = 256, .body_bytes = 512};

static void write_slice(FILE *out, const char *what, struct slice text)
{
    fprintf(out, "%s[", what);
    fwrite(text.length ? text.at : "", 1, text.length, out);
    fputs("]\n", out);
}

static void write_request(FILE *out, const struct http_request *request)
{
    write_slice(out, "method", request->method);
    write_slice(out, "target", request->target);
    write_slice(out, "path", request->path);
    write_slice(out, "query", request->query);
    write_slice(out, "authority", request->authority);
    for (unsigned i = 0; i < request->header_count; i++) {
        write_slice(out, "name", request->headers[i].name);
        write_slice(out, "value", request->headers[i].value);
    }
    write_slice(out, "body", request->body);
    fprintf(out, "%d %d %d %d\n", request->is_head, request->http_1_0, request->keep_alive, request->wants_continue);
}

static enum http_parse feed(struct http_request *request, const uint8_t **data, size_t *length, size_t step, struct fuzz_cuts *cuts)
{
    enum http_parse outcome = HTTP_PARSE_MORE;
    while (*length > 0 && outcome == HTTP_PARSE_MORE) {
        size_t piece = step ? (*length < step ? *length : step) : fuzz_cut(cuts, *length), consumed = 0;
        char *copy = malloc(piece);
        fuzz_require(copy != NULL);
        memcpy(copy, *data, piece);
        outcome = http_request_parse(request, copy, piece, &consumed);
        free(copy);
        fuzz_require(consumed <= piece && (outcome != HTTP_PARSE_MORE || consumed == piece));
        *data += consumed;
        *length -= consumed;
    }
    return outcome;
}

/* Writes down every request of the connection, and a refusal's status. The caller frees. */
static char *run(const uint8_t *data, size_t length, size_t step, struct fuzz_cuts cuts)
{
    char *text;
    size_t text_length;
    FILE *out = open_memstream(&text, &text_length);
    struct http_request *request = http_request_new(&limits);
    fuzz_require(out && request);
    enum http_parse outcome;
    http_request_reset(request, true);
    while ((outcome = feed(request, &data, &length, step, &cuts)) == HTTP_PARSE_REQUEST) {
        fuzz_require(request->body.length <= limits.body_bytes && request->target.length <= limits.target_bytes);
        fuzz_require(request->header_count <= limits.header_lines && request->path.length > 0);
        write_request(out, request);
        http_request_reset(request, false);
    }
    if (outcome == HTTP_PARSE_REFUSED) {
        fuzz_require(request->refusal >= 400 && request->refusal <= 599 && request->why);
        fprintf(out, "refused\n");
    }
    http_request_free(request);
    fuzz_require(fclose(out) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t low = fuzz_byte(&input), high = fuzz_byte(&input);
    struct fuzz_cuts cuts = {(uint32_t)(low | high << 8)};
    char *whole = run(input.at, input.left, input.left ? input.left : 1, cuts);
    char *bytewise = run(input.at, input.left, 1, cuts);
    char *cut = run(input.at, input.left, 0, cuts);
    fuzz_require(strcmp(whole, bytewise) == 0);
    fuzz_require(strcmp(whole, cut) == 0);
    free(whole);
    free(bytewise);
    free(cut);
    return 0;
}
