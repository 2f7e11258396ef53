/*
 * HdrHistogram's log format: what is written can be read again; what the reference implementation wrote (its text stands here) is
 * read as it reads it; and what is no such text is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/report/hlog.h"

static void expect_same(const struct histogram *one, const struct histogram *two)
{
    assert_int_equal(one->digits, two->digits);
    assert_int_equal(one->highest, two->highest);
    assert_int_equal(one->total, two->total);
    assert_int_equal(one->counts_length, two->counts_length);
    assert_memory_equal(one->counts, two->counts, one->counts_length * sizeof(*one->counts));
}

static void expect_round_trip(const struct histogram *histogram)
{
    struct histogram read;
    char *text = hlog_encode(histogram);
    assert_non_null(text);
    assert_memory_equal(text, "HISTFAAA", 8);
    assert_int_equal(hlog_decode(text, &read), 0);
    expect_same(histogram, &read);
    histogram_close(&read);
    free(text);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 5; digits++) {
        struct histogram histogram;
        assert_int_equal(histogram_init(&histogram, HISTOGRAM_HOUR_US, digits), 0);
        expect_round_trip(&histogram); /* empty */
        for (uint64_t value = 0; value < 100000; value += 1 + value / 7)
            histogram_record_many(&histogram, value, 1 + value % 300);
        expect_round_trip(&histogram);
        histogram_record_many(&histogram, HISTOGRAM_HOUR_US, UINT64_C(1) << 40); /* the last slot; a count of six bytes */
        histogram_record_many(&histogram, 3, INT64_MAX / 2);                     /* ... of nine */
        expect_round_trip(&histogram);
        histogram_close(&histogram);
    }
}

/* Made by hdr-histogram-js 3.0.1 (encodeIntoCompressedBase64) from the values below. */
static const char golden[] =
    "HISTFAAAANl4nDXNsSvEcRzG8e/ndbPJpOy//AmSJOmS0CVJ0iVJ0qUbTDeJkqSjG26QDJgMkmS8wXCDJIvlBrP8ATcYyA/P+3nqeaanf7fRm1"
    "LqppQipVRIv/rp6bVxkf53j0zf0XSmrKYZbsNz+Ah7nNOiQ5dGwXXBY8EBX6HOCVfc06YdbsJdaIWH8BReQie8hfdwGGpqtsNO2M9dD8fx89cM"
    "p+EsXIaqWXMWzFu0pKxs2Yo1q9ZtqKjYVLWlZNCQ4TwjOaPG/hhXzJkwmWcqZ0ZJSVEmM+Cz5Bv4JDZc";

static void fill(struct histogram *histogram)
{
    assert_int_equal(histogram_init(histogram, HISTOGRAM_HOUR_US, 3), 0);
    for (uint64_t i = 1; i <= 100; i++)
        histogram_record(histogram, i * i * 7);
    histogram_record_many(histogram, 42, 5000);
    histogram_record(histogram, 2500000);
}

static void test_reference(void **state)
{
    (void)state;
    struct histogram read, made;
    fill(&made);
    assert_int_equal(hlog_decode(golden, &read), 0);
    expect_same(&made, &read);
    assert_int_equal(read.total, 5101); /* and what hdr-histogram-js says of them: */
    assert_int_equal(histogram_percentile(&read, 50), 42);
    assert_int_equal(histogram_percentile(&read, 98.5), 4375);
    assert_int_equal(histogram_percentile(&read, 99), 17503);
    assert_int_equal(histogram_percentile(&read, 99.9), 64543);
    assert_int_equal(histogram_maximum(&read), 2500607);
    histogram_close(&made);
    histogram_close(&read);
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    struct histogram histogram, read;
    assert_int_equal(histogram_init(&histogram, HISTOGRAM_HOUR_US, 2), 0);
    histogram_record(&histogram, 77);
    char *text = hlog_encode(&histogram);
    static const char *const bad[] = {
        "", "HIST", "not base64 at all", "HISTFAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "HISTFP////8="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(hlog_decode(bad[i], &read), -EINVAL);
    for (size_t length = strlen(text) - 4; length > 0; length--) { /* cut anywhere before the end: zlib's checksum is missing */
        char cut[512];
        assert_true(length < sizeof(cut));
        snprintf(cut, length + 1, "%s", text);
        assert_int_equal(hlog_decode(cut, &read), -EINVAL);
    }
    for (size_t i = 12; i < strlen(text) - 2; i++) { /* a wrong letter: refused, or by luck something else, but no crash */
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        if (hlog_decode(text, &read) == 0)
            histogram_close(&read);
        text[i] = was;
    }
    free(text);
    histogram_close(&histogram);
}

static void test_lines(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct histogram histogram;
    const struct timespec start = {1764000000, 123456789};
    assert_non_null(out);
    assert_int_equal(histogram_init(&histogram, HISTOGRAM_HOUR_US, 3), 0);
    histogram_record(&histogram, 1234);
    hlog_print_head(out, &start);
    assert_int_equal(hlog_print(out, NULL, 0, 0.1, &histogram), 0);
    assert_int_equal(hlog_print(out, "a, b", 12.3456, 1, &histogram), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\n#[Histogram log format version 1.3]\n"));
    assert_non_null(strstr(text, "\n#[StartTime: 1764000000.123 (seconds since epoch), 2025-11-24T16:00:00Z]\n"));
    assert_non_null(strstr(text, "\n\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"));
    assert_non_null(strstr(text, "\n0.000,0.100,1.234,HISTFAAA"));
    assert_non_null(strstr(text, "\nTag=a__b,12.346,1.000,1.234,HISTFAAA"));
    histogram_close(&histogram);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_reference),
                                       cmocka_unit_test(test_nonsense_is_refused), cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
