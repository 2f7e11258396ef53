/*
 * The forwarding rules: request bytes in, the bytes for the upstream out; response fields in, the client's lines out.
 */
#include "support.h"

#include "proxy/forward.h"

#include <stdlib.h>

static const struct http_limits limits = {.head_bytes = 32768, .header_lines = 100, .target_bytes = 8192, .body_bytes = 1 << 20};

/* What comes behind the client's own fields in every request. */
#define BEHIND "X-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nVia: 1.1 clusterbench\r\n\r\n"

static void assert_text(const char *at, size_t length, const char *expected)
{
    char *text = strndup(at ? at : "", length);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_forwarded(const char *from, const char *to)
{
    struct http_request *request = http_request_new(&limits);
    struct forward_text head = {NULL, 0, 0};
    size_t consumed;
    assert_non_null(request);
    http_request_reset(request, true);
    assert_int_equal(http_request_parse(request, from, strlen(from), &consumed), HTTP_PARSE_REQUEST);
    assert_int_equal(forward_request(request, SLICE("192.0.2.7"), &head), 0);
    assert_text(head.at, head.length, to);
    forward_text_free(&head);
    http_request_free(request);
}

static void test_ordinary_request(void **state)
{
    (void)state;
    assert_forwarded("GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\nCookie: k\r\n\r\n",
                     "GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\nCookie: k\r\n" BEHIND);
}

static void test_target_becomes_origin_form(void **state)
{
    (void)state;
    assert_forwarded("GET http://other:81/x?y HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x?y HTTP/1.1\r\nHost: other:81\r\n" BEHIND);
    assert_forwarded("GET http://other HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: other\r\n" BEHIND);
    assert_forwarded("GET http://other?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: other\r\n" BEHIND);
    assert_forwarded("GET /? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /? HTTP/1.1\r\nHost: h\r\n" BEHIND);
}

/* RFC 9112 3.2.4 */
static void test_asterisk_form(void **state)
{
    (void)state;
    assert_forwarded("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n" BEHIND);
    assert_forwarded("OPTIONS http://h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h:1\r\n" BEHIND);
    assert_forwarded("OPTIONS http://h:1/ HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS / HTTP/1.1\r\nHost: h:1\r\n" BEHIND);
}

static void test_hop_by_hop_fields_stay(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nKeep-Alive: timeout=5\r\nproxy-connection: "
                     "keep-alive\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nExpect: 100-continue\r\nX: y\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n" BEHIND);
}

/* RFC 9110 7.6.1; a client that names Host, Content-Length or our own fields gains nothing. */
static void test_fields_named_by_connection(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.1\r\nX-Foo: 1\r\nHost: h\r\nConnection: x-foo ,, X-Bar\r\nx-bar: 2\r\nX-Baz: 3\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: h\r\nX-Baz: 3\r\n" BEHIND);
    assert_forwarded("POST / HTTP/1.1\r\nHost: h\r\nConnection: Host\r\nConnection: close, Content-Length\r\nContent-Length: "
                     "2\r\n\r\nab",
                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" BEHIND);
    assert_forwarded("GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Forwarded-For, X-Real-IP\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: h\r\n" BEHIND);
}

static void test_bodies_are_counted(void **state)
{
    (void)state;
    assert_forwarded("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: r\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n" BEHIND);
    assert_forwarded("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" BEHIND);
}

static void test_who_the_client_is(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nX-Real-IP: 10.9.9.9\r\n"
                     "X-Forwarded-Proto: https\r\nx-forwarded-for: 10.0.0.3\r\nX-Forwarded-For:\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7\r\n"
                     "X-Real-IP: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nVia: 1.1 clusterbench\r\n\r\n");
}

static void test_http_1_0(void **state)
{
    (void)state;
    assert_forwarded("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\nX-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n"
                                               "X-Forwarded-Proto: http\r\nVia: 1.0 clusterbench\r\n\r\n");
}

/* What is added stays within what the header promises to those who have to make room for it. */
static void test_what_is_added_is_bounded(void **state)
{
    (void)state;
    static const char bare[] = "GET / HTTP/1.0\r\n\r\n";
    struct http_request *request = http_request_new(&limits);
    struct forward_text head = {NULL, 0, 0};
    size_t consumed, lines = 0;
    assert_non_null(request);
    http_request_reset(request, true);
    assert_int_equal(http_request_parse(request, bare, strlen(bare), &consumed), HTTP_PARSE_REQUEST);
    assert_int_equal(forward_request(request, SLICE("192.0.2.7"), &head), 0);
    for (size_t i = 0; i < head.length; i++)
        lines += head.at[i] == '\n';
    assert_true(lines - 2 <= FORWARD_ADDED_LINES);
    assert_true(head.length - strlen(bare) <= FORWARD_ADDED_BYTES);
    forward_text_free(&head);
    http_request_free(request);
}

static void test_idempotent_methods(void **state)
{
    (void)state;
    assert_true(forward_is_idempotent(SLICE("GET")) && forward_is_idempotent(SLICE("HEAD")) && forward_is_idempotent(SLICE("PUT")));
    assert_true(forward_is_idempotent(SLICE("DELETE")) && forward_is_idempotent(SLICE("OPTIONS")));
    assert_false(forward_is_idempotent(SLICE("POST")) || forward_is_idempotent(SLICE("PATCH")));
}

struct field {
    const char *name, *value;
};

static void assert_fields(struct forward_fields *fields, const struct field *from, const char *to)
{
    forward_fields_reset(fields);
    for (; from->name; from++)
        assert_int_equal(forward_fields_add(fields, slice_of(from->name), slice_of(from->value)), 0);
    struct slice lines = forward_fields_finish(fields);
    assert_text(lines.at, lines.length, to);
}

static void test_response_fields(void **state)
{
    (void)state;
    static const struct field plain[] = {{"X-Worker", "1"}, {"Date", "now"}, {"content-length", "3"}, {"Server", ""}, {NULL, NULL}};
    static const struct field hops[] = {{"Connection", "close"},
                                        {"Keep-Alive", "timeout=1"},
                                        {"Trailer", "X"},
                                        {"Transfer-Encoding", "chunked"},
                                        {"Upgrade", "h2c"},
                                        {"Vary", "*"},
                                        {NULL, NULL}};
    static const struct field named[] = {
        {"X-A", "1"}, {"X-B", "2"}, {"Connection", "x-a, close"}, {"X-C", "3"}, {"Connection", "X-C"}, {"X-Ab", "4"}, {NULL, NULL}};
    static const struct field nothing[] = {{"X-A", "1"}, {"Connection", "X-A"}, {NULL, NULL}};
    struct forward_fields fields = {{NULL, 0, 0}, {NULL, 0, 0}};
    assert_fields(&fields, plain, "X-Worker: 1\r\nServer: \r\n");
    assert_fields(&fields, hops, "Vary: *\r\n");
    assert_fields(&fields, named, "X-B: 2\r\nX-Ab: 4\r\n");
    assert_fields(&fields, nothing, "");
    assert_fields(&fields, plain, "X-Worker: 1\r\nServer: \r\n"); /* nothing is left of the head before */
    forward_fields_free(&fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_request),
        cmocka_unit_test(test_target_becomes_origin_form),
        cmocka_unit_test(test_asterisk_form),
        cmocka_unit_test(test_hop_by_hop_fields_stay),
        cmocka_unit_test(test_fields_named_by_connection),
        cmocka_unit_test(test_bodies_are_counted),
        cmocka_unit_test(test_who_the_client_is),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_what_is_added_is_bounded),
        cmocka_unit_test(test_idempotent_methods),
        cmocka_unit_test(test_response_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
