/*
 * Checks of responses. Input: a line that is a check, two bytes for the cuts, the rest is the body of a response.
 *
 * Whatever the cuts, the answer is that of memmem, crc32 and the length for the whole body.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"
#include "tests/fuzz/fuzz.h"

static void feed(const struct check *check, struct check_progress *progress, struct slice body, struct fuzz_cuts cuts)
{
    check_begin(progress);
    check_header(check, progress, SLICE("X-Worker"), SLICE("3"));
    while (body.length > 0) {
        struct slice piece = {body.at, fuzz_cut(&cuts, body.length)};
        check_body(check, progress, piece);
        body = slice_after(body, piece.length);
    }
}

static bool holds(const struct check *check, enum check_kind kind, struct slice body, unsigned status)
{
    switch (kind) {
    case CHECK_STATUS:
        return status >= check->status_from && status <= check->status_to;
    case CHECK_HEADER:
        return slice_is_nocase(check->header, "x-worker") && (!check->value.at || slice_is(check->value, "3"));
    case CHECK_CONTAINS:
        return memmem(body.at, body.length, check->contains.at, check->contains.length) != NULL;
    case CHECK_LENGTH:
        return body.length == check->length;
    case CHECK_CRC32:
        return crc32(0, (const Bytef *)body.at, (uInt)body.length) == check->crc32;
    default:
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *text = fuzz_line(&input), message[MESSAGE_SIZE] = "";
    uint8_t low = fuzz_byte(&input), high = fuzz_byte(&input);
    struct slice body;
    char *bytes = fuzz_rest(&input, &body.length);
    struct check check = {.status_from = 0};
    struct check_progress progress;
    body.at = bytes;
    if (check_add(&check, text, message) == 0) {
        enum check_kind kind = check_kind_of(text);
        unsigned status = 100 + high;
        fuzz_require(kind < CHECK_KINDS && check.wanted[kind]);
        feed(&check, &progress, body, (struct fuzz_cuts){(uint32_t)(low | high << 8)});
        fuzz_require(check_end(&check, &progress, status) == (holds(&check, kind, body, status) ? CHECK_KINDS : kind));
        fuzz_require(check_add(&check, text, message) < 0);
    } else
        fuzz_require(fuzz_is_message(message) && check_is_empty(&check));
    check_close(&check);
    free(text);
    free(bytes);
    return 0;
}
