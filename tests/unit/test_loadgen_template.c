/* The request as bytes: fields, body, and drawn times that repeat with their seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

static struct template make(const char *url_text, struct request_parts parts)
{
    static struct url url;
    struct template template;
    char message[MESSAGE_SIZE] = "";
    assert_int_equal(url_parse(url_text, &url, message), 0);
    parts.url = &url;
    if (template_init(&template, &parts, message) != 0)
        fail_msg("%s: %s", url_text, message);
    return template;
}

static void expect(const char *url, struct request_parts parts, const char *expected)
{
    struct template template = make(url, parts);
    struct render_state render = {.sequence = 0};
    random_init(&render.random, 1);
    struct slice text = template_render(&template, &render, NULL, NULL); /* no placeholder: the buffer is not touched */
    if (!slice_is(text, expected))
        fail_msg("expected '%s', saw '%.*s'", expected, (int)text.length, text.at);
    template_close(&template);
}

static void test_requests(void **state)
{
    (void)state;
    const char *items[] = {"X-A: 1", "X-B: 2"}, *host[] = {"HOST: h", "connection: keep-alive"};
    struct option_list none = {NULL, 0}, two = {items, 2}, own = {host, 2};
    expect("http://127.0.0.1:1", (struct request_parts){.method = "GET", .headers = &none},
           "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n");
    expect("http://127.0.0.1:1?q", (struct request_parts){.method = "HEAD", .headers = &none, .last = true},
           "HEAD /?q HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n");
    expect("http://[::1]:1/x", (struct request_parts){.method = "POST", .headers = &two, .body = SLICE("body")},
           "POST /x HTTP/1.1\r\nHost: [::1]:1\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 4\r\n\r\nbody");
    expect("http://127.0.0.1:1/x", (struct request_parts){.method = "POST", .headers = &own, .body = SLICE(""), .last = true},
           "POST /x HTTP/1.1\r\nHOST: h\r\nconnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
}

static void test_placeholders(void **state)
{
    (void)state;
    struct option_list none = {NULL, 0};
    struct template template =
        make("http://127.0.0.1:1/a/{5ms}/{uniform:1ms-2ms}?{exp:1s}", (struct request_parts){.method = "GET", .headers = &none});
    char *buffer = malloc(template.longest), first[256] = "";
    assert_non_null(buffer);
    assert_int_equal(template.count, 4);
    for (int round = 0; round < 2; round++) {
        struct render_state render = {.sequence = 0};
        random_init_stream(&render.random, 7, 3);
        for (int i = 0; i < 1000; i++) {
            unsigned constant, uniform, exponential;
            char copy[256];
            struct slice text = template_render(&template, &render, NULL, buffer);
            assert_true(text.length <= template.longest);
            snprintf(copy, sizeof(copy), "%.*s", (int)text.length, text.at);
            assert_int_equal(sscanf(copy, "GET /a/%uus/%uus?%uus HTTP/1.1\r\n", &constant, &uniform, &exponential), 3);
            assert_int_equal(constant, 5000);
            assert_in_range(uniform, 1000, 2000);
            assert_string_equal(copy + strlen(copy) - 4, "\r\n\r\n");
            if (i == 999 && round == 0)
                strcpy(first, copy);
            else if (i == 999)
                assert_string_equal(copy, first);
        }
    }
    free(buffer);
    template_close(&template);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://127.0.0.1:1/{", "http://127.0.0.1:1/{}", "http://127.0.0.1:1/{exp:}",
                                       "http://127.0.0.1:1/{5ms}/{nope}", "http://127.0.0.1:1/{5}"};
    struct option_list none = {NULL, 0};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct url url;
        struct template template;
        char message[MESSAGE_SIZE] = "";
        assert_int_equal(url_parse(urls[i], &url, message), 0);
        assert_int_equal(template_init(&template, &(struct request_parts){.method = "GET", .url = &url, .headers = &none}, message), -EINVAL);
        assert_non_null(strstr(message, "exp:MEAN"));
    }
}

static void test_headers(void **state)
{
    (void)state;
    static const char *const good[] = {"A: b", "A:", "X-Y_z: \tq", "Host: x"};
    static const char *const bad[] = {
        "", ":", ": x", "A", "A b: c", "A: b\r\nC: d", "A: \x7f", "Content-Length: 1", "transfer-encoding: x"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(template_check_header(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(template_check_header(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_placeholders),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
