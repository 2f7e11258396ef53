/*
 * HdrHistogram's log format. Three layers, each a pair of functions that undo each other: counts and bytes (ZigZag LEB128), bytes
 * and fewer bytes (zlib), bytes and text (base64, RFC 4648). Numbers of fixed size are big-endian.
 *
 * Source: the documentation of org.HdrHistogram's HistogramLogWriter and of encodeIntoCompressedByteBuffer; checked against
 * hdr-histogram-js (tests/loadgen/hlog_reference.js).
 */
#include "loadgen/report/hlog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define COOKIE            0x1c849313u /* V2, and 0x10: words are ZigZag LEB128 */
#define COOKIE_COMPRESSED 0x1c849314u
#define COOKIE_MASK       0xffffff0fu
#define HEAD_SIZE         40
#define ENVELOPE_SIZE     8
#define LEB128_LONGEST    9
#define US_PER_MS         1000.0

/* ---- bytes ---- */

struct bytes {
    uint8_t *at;
    size_t length;
};

static void put_number(struct bytes *bytes, uint64_t value, unsigned size)
{
    while (size-- > 0)
        bytes->at[bytes->length++] = (uint8_t)(value >> (8 * size));
}

static uint64_t get_number(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* Seven bits a byte, lowest first; the ninth byte holds eight. */
static void put_leb128(struct bytes *bytes, int64_t signed_value)
{
    uint64_t value = (uint64_t)signed_value << 1 ^ (uint64_t)(signed_value >> 63);
    for (unsigned i = 1; i < LEB128_LONGEST && value >= 0x80; i++, value >>= 7)
        bytes->at[bytes->length++] = (uint8_t)(value | 0x80);
    bytes->at[bytes->length++] = (uint8_t)value;
}

/* False at the end of the bytes. */
static bool get_leb128(const uint8_t **at, const uint8_t *end, int64_t *result)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < LEB128_LONGEST; i++) {
        if (*at == end)
            return false;
        uint8_t byte = *(*at)++;
        bool last = i == LEB128_LONGEST - 1;
        value |= (uint64_t)(last ? byte : byte & 0x7f) << (7 * i);
        if (last || byte < 0x80)
            break;
    }
    *result = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    return true;
}

/* ---- counts ---- */

static void put_counts(struct bytes *bytes, const struct histogram *histogram)
{
    unsigned length = histogram_index(histogram, histogram->maximum) + 1, i = 0;
    while (i < length) {
        int64_t zeros = 0;
        for (; i < length && histogram->counts[i] == 0; i++)
            zeros++;
        if (zeros > 0)
            put_leb128(bytes, zeros == 1 ? 0 : -zeros);
        if (i < length)
            put_leb128(bytes, (int64_t)histogram->counts[i++]);
    }
}

static int get_counts(const uint8_t *at, const uint8_t *end, struct histogram *histogram)
{
    uint64_t index = 0;
    int64_t count;
    while (get_leb128(&at, end, &count)) {
        if (count < 0) {
            uint64_t zeros = -(uint64_t)count;
            if (zeros > histogram->counts_length - index)
                return -EINVAL;
            index += zeros;
            continue;
        }
        if (index >= histogram->counts_length)
            return -EINVAL;
        histogram_record_many(histogram, histogram_value_at_index(histogram, (unsigned)index), (uint64_t)count);
        index++;
    }
    return 0;
}

/* ---- layout ---- */

/* To be freed; at NULL without memory. */
static struct bytes lay_out(const struct histogram *histogram)
{
    struct bytes bytes = {malloc(HEAD_SIZE + (size_t)histogram->counts_length * LEB128_LONGEST), 0};
    const double ratio = 1;
    uint64_t ratio_bits;
    if (!bytes.at)
        return bytes;
    memcpy(&ratio_bits, &ratio, sizeof(ratio_bits));
    put_number(&bytes, COOKIE, 4);
    put_number(&bytes, 0, 4); /* the length of what follows the head, known below */
    put_number(&bytes, 0, 4);
    put_number(&bytes, (uint64_t)histogram->digits, 4);
    put_number(&bytes, 1, 8);
    put_number(&bytes, histogram->highest, 8);
    put_number(&bytes, ratio_bits, 8);
    put_counts(&bytes, histogram);
    struct bytes length = {bytes.at + 4, 0};
    put_number(&length, bytes.length - HEAD_SIZE, 4);
    return bytes;
}

static int read_layout(struct bytes bytes, struct histogram *histogram)
{
    if (bytes.length < HEAD_SIZE || (get_number(bytes.at, 4) & COOKIE_MASK) != (COOKIE & COOKIE_MASK))
        return -EINVAL;
    uint64_t length = get_number(bytes.at + 4, 4), lowest = get_number(bytes.at + 16, 8);
    if (length > bytes.length - HEAD_SIZE || lowest != 1) /* the offset is not looked at: hdr-histogram-js writes 1 and means 0 */
        return -EINVAL;
    int error = histogram_init(histogram, get_number(bytes.at + 24, 8), (int)get_number(bytes.at + 12, 4));
    if (error)
        return error;
    error = get_counts(bytes.at + HEAD_SIZE, bytes.at + HEAD_SIZE + length, histogram);
    if (error)
        histogram_close(histogram);
    return error;
}

/* ---- zlib ---- */

static struct bytes compress_bytes(struct bytes bytes)
{
    uLongf length = compressBound(bytes.length);
    struct bytes made = {malloc(ENVELOPE_SIZE + length), 0};
    if (made.at && compress(made.at + ENVELOPE_SIZE, &length, bytes.at, bytes.length) != Z_OK) {
        free(made.at);
        made.at = NULL;
    }
    if (made.at) {
        put_number(&made, COOKIE_COMPRESSED, 4);
        put_number(&made, length, 4);
        made.length += length;
    }
    return made;
}

#define DEFLATED_MOST    1032                /* bytes that one byte of deflate can stand for */
#define UNCOMPRESSED_MAX (UINT64_C(1) << 24) /* bytes; five digits up to INT64_MAX stay below */

static int uncompress_bytes(struct bytes bytes, struct bytes *result)
{
    if (bytes.length < ENVELOPE_SIZE || (get_number(bytes.at, 4) & COOKIE_MASK) != (COOKIE_COMPRESSED & COOKIE_MASK))
        return -EINVAL;
    uint64_t length = get_number(bytes.at + 4, 4);
    uLongf size = length < UNCOMPRESSED_MAX / DEFLATED_MOST ? length * DEFLATED_MOST + 64 : UNCOMPRESSED_MAX;
    *result = (struct bytes){length <= bytes.length - ENVELOPE_SIZE ? malloc(size) : NULL, 0};
    if (!result->at)
        return length <= bytes.length - ENVELOPE_SIZE ? -ENOMEM : -EINVAL;
    if (uncompress(result->at, &size, bytes.at + ENVELOPE_SIZE, length) != Z_OK) {
        free(result->at);
        return -EINVAL;
    }
    result->length = size;
    return 0;
}

/* ---- base64 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *text_of(struct bytes bytes)
{
    char *text = malloc((bytes.length + 2) / 3 * 4 + 1), *to = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        uint32_t three =
            (uint32_t)bytes.at[i] << 16 | (left > 1 ? (uint32_t)bytes.at[i + 1] << 8 : 0) | (left > 2 ? bytes.at[i + 2] : 0);
        *to++ = alphabet[three >> 18];
        *to++ = alphabet[three >> 12 & 63];
        *to++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
        *to++ = left > 2 ? alphabet[three & 63] : '=';
    }
    *to = '\0';
    return text;
}

/* Up to the first byte that is not of the alphabet, which must be padding or the end. */
static int bytes_of(const char *text, struct bytes *bytes)
{
    uint32_t bits = 0;
    *bytes = (struct bytes){malloc(strlen(text) + 1), 0};
    if (!bytes->at)
        return -ENOMEM;
    for (unsigned i = 1; *text && *text != '='; i++, text++) {
        const char *found = strchr(alphabet, *text);
        if (!found) {
            free(bytes->at);
            return -EINVAL;
        }
        bits = bits << 6 | (uint32_t)(found - alphabet);
        if (i % 4 != 1) /* the first of four leaves two bits short of a byte */
            bytes->at[bytes->length++] = (uint8_t)(bits >> (3 - (i - 1) % 4) * 2);
    }
    return 0;
}

/* ---- all of it ---- */

char *hlog_encode(const struct histogram *histogram)
{
    struct bytes plain = lay_out(histogram), small = {NULL, 0};
    if (plain.at)
        small = compress_bytes(plain);
    char *text = small.at ? text_of(small) : NULL;
    free(plain.at);
    free(small.at);
    return text;
}

int hlog_decode(const char *base64, struct histogram *histogram)
{
    struct bytes small, plain;
    int error = bytes_of(base64, &small);
    if (error)
        return error;
    error = uncompress_bytes(small, &plain);
    free(small.at);
    if (error)
        return error;
    error = read_layout(plain, histogram);
    free(plain.at);
    return error;
}

void hlog_print_head(FILE *out, const struct timespec *start)
{
    struct tm date;
    char text[32] = "";
    if (gmtime_r(&start->tv_sec, &date))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &date);
    fprintf(out, "#[loadgen " CLUSTERBENCH_VERSION ": response times in microseconds, Interval_Max in milliseconds]\n");
    fprintf(out, "#[Histogram log format version 1.3]\n");
    fprintf(out, "#[StartTime: %lld.%03ld (seconds since epoch), %s]\n", (long long)start->tv_sec, start->tv_nsec / 1000000, text);
    fprintf(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
}

static void print_tag(FILE *out, const char *tag)
{
    fputs("Tag=", out);
    for (; *tag; tag++)
        fputc(*tag <= ' ' || *tag == ',' ? '_' : *tag, out);
    fputc(',', out);
}

int hlog_print(FILE *out, const char *tag, double from_s, double length_s, const struct histogram *histogram)
{
    char *text = hlog_encode(histogram);
    if (!text)
        return -ENOMEM;
    if (tag)
        print_tag(out, tag);
    fprintf(out, "%.3f,%.3f,%.3f,%s\n", from_s, length_s, (double)histogram_maximum(histogram) / US_PER_MS, text);
    free(text);
    return 0;
}
