/*
 * The request parser, driven with bytes: what it makes of good requests however they are cut, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"

static const struct http_limits limits = {.head_bytes = 4096, .header_lines = 20, .target_bytes = 200, .body_bytes = 1000};

/* Feeds `text` in pieces of `step` bytes; returns the last outcome, and how many bytes were taken in *taken. */
static enum http_parse feed(struct http_request *request, const char *text, size_t length, size_t step, size_t *taken)
{
    enum http_parse outcome = HTTP_PARSE_MORE;
    *taken = 0;
    while (*taken < length && outcome == HTTP_PARSE_MORE) {
        size_t consumed, piece = length - *taken < step ? length - *taken : step;
        char *copy = malloc(piece); /* of its own, so that reading past its end is seen by the sanitizers */
        assert_non_null(copy);
        memcpy(copy, text + *taken, piece);
        outcome = http_request_parse(request, copy, piece, &consumed);
        free(copy);
        *taken += consumed;
    }
    return outcome;
}

static struct http_request *new_request(void)
{
    struct http_request *request = http_request_new(&limits);
    assert_non_null(request);
    http_request_reset(request, true);
    return request;
}

struct good {
    const char *text, *method, *path, *query, *authority, *body;
    bool keep_alive;
};

static const struct good good[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "a", "", true},
    {"GET /x?y=1&z HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n", "GET", "/x", "y=1&z", "a:80", "", false},
    {"HEAD /x HTTP/1.0\r\n\r\n", "HEAD", "/x", "", "", "", false},
    {"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/x", "", "", "", true},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "a", "", true},
    {"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST", "/e", "", "a", "hello", true},
    {"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tChUnKeD\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nContent-Length: 9\r\n\r\n",
     "POST", "/e", "", "a", "abcde", true},
    {"GET http://b:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/p", "q", "b:81", "", true},
    {"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "b", "", true},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "", "a", "", true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "GET", "/", "", "a", "", true},
    {"GET /empty HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\nZ:\t\r\n\r\n", "GET", "/empty", "", "a", "", true},
    {"GET /g HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET", "/g", "", "a", "abc", true},
};

static void assert_slice(struct slice slice, const char *expected)
{
    if (slice.length != strlen(expected) || memcmp(slice.length ? slice.at : "", expected, slice.length) != 0)
        fail_msg("'%.*s' instead of '%s'", (int)slice.length, slice.length ? slice.at : "", expected);
}

static void check_good(const struct good *row, size_t step)
{
    struct http_request *request = new_request();
    size_t taken;
    if (feed(request, row->text, strlen(row->text), step, &taken) != HTTP_PARSE_REQUEST)
        fail_msg("not parsed in steps of %zu: %s(%s)", step, row->text, request->why ? request->why : "incomplete");
    assert_int_equal(taken, strlen(row->text));
    assert_slice(request->method, row->method);
    assert_slice(request->path, row->path);
    assert_slice(request->query, row->query);
    assert_slice(request->authority, row->authority);
    assert_slice(request->body, row->body);
    assert_int_equal(request->keep_alive, row->keep_alive);
    http_request_free(request);
}

static void test_good_requests_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (size_t step = 1; step <= strlen(good[i].text); step++)
            check_good(&good[i], step);
}

static void test_stops_behind_a_request(void **state)
{
    (void)state;
    static const char text[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxyGET";
    struct http_request *request = new_request();
    size_t first, second;
    assert_int_equal(feed(request, text, sizeof text - 1, sizeof text, &first), HTTP_PARSE_REQUEST);
    assert_slice(request->path, "/1");
    http_request_reset(request, false);
    assert_int_equal(feed(request, text + first, sizeof text - 1 - first, sizeof text, &second), HTTP_PARSE_REQUEST);
    assert_slice(request->path, "/2");
    assert_slice(request->body, "xy");
    assert_int_equal(first + second, sizeof text - 1 - strlen("GET"));
    http_request_free(request);
}

#define LINE(text)         "GET / HTTP/1.1\r\nHost: a\r\n" text "\r\n\r\n"
#define BODY(fields, text) "POST /echo HTTP/1.1\r\nHost: a\r\n" fields "\r\n\r\n" text

/* The refusals of RFC 9112 and RFC 9110 that keep two readers of one stream from disagreeing. */
static const struct {
    const char *text;
    int status, or_status;
} bad[] = {
    {BODY("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked\r\nContent-Length: 6", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: x, chunked", "0\r\n\r\n"), 501, 0},
    {BODY("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: identity", "0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: xchunked", "0\r\n\r\n"), 400, 501},
    {BODY("Transfer-Encoding: \x0b"
          "chunked",
          "0\r\n\r\n"),
     400, 501},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {BODY("Content-Length: 5\r\nContent-Length: 6", "hello"), 400, 0},
    {BODY("Content-Length: 5, 5", "hello"), 400, 0},
    {BODY("Content-Length: +5", "hello"), 400, 0},
    {BODY("Content-Length: -5", "hello"), 400, 0},
    {BODY("Content-Length: 5 5", "hello"), 400, 0},
    {BODY("Content-Length: 0x5", "hello"), 400, 0},
    {BODY("Content-Length: 5_0", "hello"), 400, 0},
    {BODY("Content-Length: ", "hello"), 400, 0},
    {BODY("Content-Length: 99999999999999999999", ""), 400, 413},
    {BODY("Content-Length : 5", "hello"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "+5\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "-1\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "5_0\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "5;a=\n\r\nhello\r\n0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "5\r\nhelloX0\r\n\r\n"), 400, 0},
    {BODY("Transfer-Encoding: chunked", "5\nhello\n0\n\n"), 400, 0},
    {"GET / HTTP/1.1\nHost: a\n\n", 400, 0},
    {LINE("X: a\rTransfer-Encoding: chunked"), 400, 0},
    {LINE("X: a\x01z"), 400, 0},
    {LINE("X: a\x7fz"), 400, 0},
    {LINE("X: a\r\n b"), 400, 0},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 0},
    {LINE(": x"), 400, 0},
    {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400, 0},
    {LINE("X[]: 1"), 400, 0},
    {LINE("X\xc3\xa9: 1"), 400, 0},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0},
    {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 501},
    {"GET /\r\n\r\n", 400, 0},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, 0},
    {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, 0},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", 400, 0},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505},
    {"GET / HTTP/1.1\r\n\r\n", 400, 0},
    {LINE("Host: b"), 400, 0},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, 0},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0},
    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, 501},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0},
    {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0},
    {"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 501, 0},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, 0},
    {BODY("Content-Length: 1001", ""), 413, 0},
};

static void check_bad(size_t row, size_t step)
{
    struct http_request *request = new_request();
    size_t taken;
    enum http_parse outcome = feed(request, bad[row].text, strlen(bad[row].text), step, &taken);
    bool as_expected = request->refusal == bad[row].status || (bad[row].or_status && request->refusal == bad[row].or_status);
    if (outcome != HTTP_PARSE_REFUSED || !as_expected)
        fail_msg("row %zu, steps of %zu: outcome %d, status %d instead of %d: %s", row, step, outcome, request->refusal,
                 bad[row].status, bad[row].text);
    http_request_free(request);
}

static void test_bad_requests_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_bad(i, strlen(bad[i].text));
}

/* A request refused whole must be refused in pieces, too. */
static void test_bad_requests_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t step = 1; step < strlen(bad[i].text); step++) {
            struct http_request *request = new_request();
            size_t taken;
            if (feed(request, bad[i].text, strlen(bad[i].text), step, &taken) != HTTP_PARSE_REFUSED)
                fail_msg("row %zu passes in steps of %zu: %s", i, step, bad[i].text);
            http_request_free(request);
        }
}

static void test_nul_in_a_value(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
    struct http_request *request = new_request();
    size_t taken;
    assert_int_equal(feed(request, text, sizeof text - 1, sizeof text, &taken), HTTP_PARSE_REFUSED);
    assert_int_equal(request->refusal, 400);
    http_request_free(request);
}

static int refusal_of(const char *text)
{
    struct http_request *request = new_request();
    size_t taken;
    feed(request, text, strlen(text), 16, &taken);
    int refusal = request->refusal;
    http_request_free(request);
    return refusal;
}

static void test_limits(void **state)
{
    (void)state;
    char text[8192], filler[8192];
    memset(filler, 'x', sizeof filler);
    snprintf(text, sizeof text, "GET /%.*s HTTP/1.1\r\nHost: a\r\n\r\n", 199, filler);
    assert_int_equal(refusal_of(text), 0);
    snprintf(text, sizeof text, "GET /%.*s HTTP/1.1\r\nHost: a\r\n\r\n", 200, filler);
    assert_int_equal(refusal_of(text), 414);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX: %.*s\r\n\r\n", 4096, filler);
    assert_int_equal(refusal_of(text), 431);
    size_t used = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 20; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "X: y\r\n");
    assert_int_equal(refusal_of(text), 431);
    used = (size_t)snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "64\r\n%.100s\r\n", filler);
    assert_int_equal(refusal_of(text), 413);
}

static void test_head_grows_and_stays_whole(void **state)
{
    (void)state;
    char text[4096], name[16];
    size_t used = (size_t)snprintf(text, sizeof text, "GET /where HTTP/1.1\r\nHost: a\r\n"), taken;
    for (int i = 0; i < 18; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "X-%d:  value-%d-%0100d \t\r\n", i, i, i);
    snprintf(text + used, sizeof text - used, "\r\n");
    struct http_request *request = new_request();
    assert_int_equal(feed(request, text, strlen(text), 7, &taken), HTTP_PARSE_REQUEST);
    assert_slice(request->path, "/where");
    for (int i = 0; i < 18; i++) {
        char value[160];
        snprintf(name, sizeof name, "x-%d", i);
        snprintf(value, sizeof value, "value-%d-%0100d", i, i);
        const struct slice *found = http_request_header(request, name);
        assert_non_null(found);
        assert_slice(*found, value);
    }
    http_request_free(request);
}

/* The head's buffer moves at every possible place of a header line: within a name, before it, within a value. */
static void test_head_grows_anywhere(void **state)
{
    (void)state;
    for (int filler = 900; filler < 1060; filler++) {
        char text[2048];
        size_t taken;
        snprintf(text, sizeof text, "GET /where HTTP/1.1\r\nHost: a\r\nX: %0*d\r\nName: value\r\n\r\n", filler, 1);
        struct http_request *request = new_request();
        assert_int_equal(feed(request, text, strlen(text), sizeof text, &taken), HTTP_PARSE_REQUEST);
        assert_slice(request->authority, "a");
        assert_non_null(http_request_header(request, "Name"));
        assert_slice(*http_request_header(request, "Name"), "value");
        http_request_free(request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_requests_cut_anywhere),
        cmocka_unit_test(test_stops_behind_a_request),
        cmocka_unit_test(test_bad_requests_are_refused),
        cmocka_unit_test(test_bad_requests_cut_anywhere),
        cmocka_unit_test(test_nul_in_a_value),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_head_grows_and_stays_whole),
        cmocka_unit_test(test_head_grows_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
