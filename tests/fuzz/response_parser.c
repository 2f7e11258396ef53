/*
 * The response parser: however the bytes are cut, the same responses come out.
 *
 * Input: a byte of settings, two bytes for the cuts, then what the server sent: responses one after the other until one is broken
 * or the bytes end, and then the close of the connection. What was seen of each is written down and compared, once for all bytes
 * in one piece (where the scanner of ordinary responses has its chance), once byte by byte, once with the input's cuts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/response_parser.h"
#include "tests/fuzz/fuzz.h"

#define HEAD_LIMIT 512

enum { ANSWERS_HEAD = 1, ONE_FIELD = 2, NO_FIELDS = 4, SMALL_HEAD = 8 };

/* What was seen: whole responses in `sure`, the one under way in `open`. */
struct record {
    FILE *out;
    char *text;
    size_t length, sure;
    unsigned headers, heads;
    bool complete;
};

static int on_header(void *context, struct slice name, struct slice value)
{
    struct record *record = context;
    record->headers++;
    fuzz_require(name.length > 0 && !record->complete);
    fuzz_require(value.length == 0 || (*value.at != ' ' && value.at[value.length - 1] != ' '));
    fprintf(record->out, "[%.*s]=[", (int)name.length, name.at);
    fwrite(value.at ? value.at : "", 1, value.length, record->out);
    fputs("]\n", record->out);
    return 0;
}

static int on_head(void *context, const struct response_head *head)
{
    struct record *record = context;
    record->heads++;
    fuzz_require(head->status >= 100 && head->status <= 999 && head->major == 1);
    fuzz_require(!(head->framing == RESPONSE_UNTIL_CLOSE && head->keep_alive));
    fuzz_require(!(head->framing == RESPONSE_LENGTH && !head->has_length));
    fprintf(record->out, "head %u %u.%u keep %d interim %d length %d framing %d %llu\nbody ", head->status, head->major,
            head->minor, head->keep_alive, head->interim, head->has_length, (int)head->framing,
            (unsigned long long)head->content_length);
    return 0;
}

static int on_body(void *context, struct slice piece)
{
    struct record *record = context;
    fuzz_require(record->heads > 0 && piece.length > 0 && !record->complete);
    fwrite(piece.at, 1, piece.length, record->out);
    return 0;
}

static int on_complete(void *context)
{
    struct record *record = context;
    fuzz_require(!record->complete);
    record->complete = true;
    fputs("\nend\n", record->out);
    return 0;
}

/* Feeds one response's worth in pieces of their own. Returns bytes taken, or the error. */
static ssize_t feed(struct response_parser *parser, const uint8_t *data, size_t length, size_t step, struct fuzz_cuts *cuts)
{
    size_t done = 0;
    while (done < length && parser->stage != RESPONSE_COMPLETE) {
        size_t piece = step ? (length - done < step ? length - done : step) : fuzz_cut(cuts, length - done);
        char *copy = malloc(piece);
        fuzz_require(copy != NULL);
        memcpy(copy, data + done, piece);
        ssize_t taken = response_parser_feed(parser, copy, piece);
        free(copy);
        if (taken < 0)
            return taken;
        fuzz_require((size_t)taken <= piece && ((size_t)taken == piece || parser->stage == RESPONSE_COMPLETE));
        done += (size_t)taken;
    }
    return (ssize_t)done;
}

/* All that the server sent. Returns how it ended: 0 or an error. */
static int run(struct record *record, uint8_t settings, const uint8_t *data, size_t length, size_t step, struct fuzz_cuts cuts)
{
    const struct response_events events = {
        .on_header = settings & NO_FIELDS ? NULL : on_header,
        .only = settings & ONE_FIELD ? SLICE("X-Worker") : (struct slice){NULL, 0},
        .on_head = on_head,
        .on_body = on_body,
        .on_complete = on_complete,
        .head_limit = settings & SMALL_HEAD ? HEAD_LIMIT : 0,
    };
    struct response_parser parser;
    ssize_t taken;
    *record = (struct record){.out = NULL};
    record->out = open_memstream(&record->text, &record->length);
    fuzz_require(record->out != NULL);
    response_parser_init(&parser, &events, record);
    do {
        record->complete = false;
        response_parser_begin(&parser, settings & ANSWERS_HEAD);
        taken = feed(&parser, data, length, step, &cuts);
        fuzz_require((parser.stage == RESPONSE_COMPLETE) == record->complete);
        fuzz_require((parser.stage == RESPONSE_BROKEN) == (taken < 0));
        if (record->complete)
            record->sure = (size_t)ftello(record->out);
        data += taken > 0 ? taken : 0;
        length -= taken > 0 ? (size_t)taken : 0;
    } while (taken > 0 && length > 0);
    int end = taken < 0 ? (int)taken : response_parser_finish(&parser);
    if (taken < 0) /* a broken one stays broken */
        fuzz_require(response_parser_feed(&parser, "H", 1) < 0 && response_parser_finish(&parser) != 0);
    response_parser_close(&parser);
    fuzz_require(fclose(record->out) == 0);
    return end;
}

/* A response that turns out to be broken may have been reported in part: only whole ones have to agree then. */
static void compare(const struct record *one, int one_end, const struct record *other, int other_end)
{
    size_t length = one_end < 0 && one_end != -ENODATA ? one->sure : one->length;
    fuzz_require((one_end < 0) == (other_end < 0));
    fuzz_require(one->sure == other->sure);
    fuzz_require(one_end < 0 || one->length == other->length);
    fuzz_require(memcmp(one->text, other->text, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t settings = fuzz_byte(&input), low = fuzz_byte(&input), high = fuzz_byte(&input);
    struct fuzz_cuts cuts = {(uint32_t)(low | high << 8)};
    struct record whole, bytewise, cut;
    int whole_end = run(&whole, settings, input.at, input.left, input.left ? input.left : 1, cuts);
    int bytewise_end = run(&bytewise, settings, input.at, input.left, 1, cuts);
    int cut_end = run(&cut, settings, input.at, input.left, 0, cuts);
    compare(&whole, whole_end, &bytewise, bytewise_end);
    compare(&whole, whole_end, &cut, cut_end);
    free(whole.text);
    free(bytewise.text);
    free(cut.text);
    return 0;
}
