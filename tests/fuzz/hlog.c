/*
 * Histograms out of a log. Input: a byte; 0: the rest is the text; else: the rest is the layout that the text has compressed
 * inside, which is compressed here, since no fuzzer gets through a checksum. What is taken comes out the same after another round.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "loadgen/report/hlog.h"
#include "tests/fuzz/fuzz.h"

#define ENVELOPE_SIZE 8

static char *in_base64(const uint8_t *bytes, size_t length)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((length + 2) / 3 * 4 + 1), *to = text;
    uint32_t bits = 0, have = 0;
    fuzz_require(text != NULL);
    for (size_t i = 0; i < length; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (have += 8; have >= 6; have -= 6)
            *to++ = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        *to++ = alphabet[bits << (6 - have) & 63];
    *to = '\0';
    return text;
}

static char *wrap(const char *layout, size_t length)
{
    uLongf size = compressBound(length);
    uint8_t *envelope = malloc(ENVELOPE_SIZE + size);
    fuzz_require(envelope && compress(envelope + ENVELOPE_SIZE, &size, (const Bytef *)layout, length) == Z_OK);
    const uint8_t head[ENVELOPE_SIZE] = {
        0x1c, 0x84, 0x93, 0x14, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(envelope, head, sizeof(head));
    char *text = in_base64(envelope, ENVELOPE_SIZE + size);
    free(envelope);
    return text;
}

static void compare(const struct histogram *one, const struct histogram *other)
{
    fuzz_require(one->total == other->total && one->counts_length == other->counts_length);
    fuzz_require(memcmp(one->counts, other->counts, one->counts_length * sizeof(one->counts[0])) == 0);
    for (double percentile = 0; percentile <= 100; percentile += 12.5)
        fuzz_require(histogram_percentile(one, percentile) == histogram_percentile(other, percentile));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct histogram histogram, again;
    size_t length;
    uint8_t wrapped = fuzz_byte(&input);
    char *rest = fuzz_rest(&input, &length), *text = wrapped ? wrap(rest, length) : rest;
    if (hlog_decode(text, &histogram) == 0) {
        char *encoded = hlog_encode(&histogram);
        fuzz_require(encoded && hlog_decode(encoded, &again) == 0);
        compare(&histogram, &again);
        histogram_close(&again);
        histogram_close(&histogram);
        free(encoded);
    }
    if (text != rest)
        free(text);
    free(rest);
    return 0;
}
