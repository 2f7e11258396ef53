/* The request as bytes: fields, body, and drawn times that repeat with their seed. */
#include "tests/unit/support.h"

#include <ctype.h>
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
        assert_int_equal(template_init(&template, &(struct request_parts){.method = "GET", .url = &url, .headers = &none}, message),
                         -EINVAL);
        assert_non_null(strstr(message, "exp:MEAN"));
    }
}

/* ---- what is drawn, anywhere ---- */

static const struct option_list no_headers = {NULL, 0};

/* The next request as a string, rendered into exactly the room it was promised, with nothing behind. */
static char *render_next(const struct template *template, struct render_state *render, const struct cookie_jar *jar)
{
    struct guarded room;
    char *blank = calloc(1, template->longest);
    assert_non_null(blank);
    guarded_init(&room, blank, template->longest);
    struct slice text = template_render(template, render, jar, room.text);
    assert_true(text.length <= template->longest);
    char *copy = strndup(text.at, text.length);
    assert_non_null(copy);
    assert_int_equal(strlen(copy), text.length);
    guarded_close(&room);
    free(blank);
    return copy;
}

static void test_sequence(void **state)
{
    (void)state;
    const char *items[] = {"X-Number: {seq}"};
    struct option_list headers = {items, 1};
    struct template template = make("http://127.0.0.1:1/{seq}/{seq}",
                                    (struct request_parts){.method = "POST", .headers = &headers, .body = SLICE("<{seq}>")});
    struct render_state render = {.sequence = 2, .step = 49};
    static const unsigned expected[] = {2, 51, 100, 149};
    for (unsigned i = 0; i < LENGTH_OF(expected); i++) {
        char *text = render_next(&template, &render, NULL);
        unsigned seen[4];
        assert_int_equal(
            sscanf(text, "POST /%u/%u HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-Number: %u\r\n", &seen[0], &seen[1], &seen[2]), 3);
        assert_int_equal(sscanf(strstr(text, "\r\n\r\n"), "\r\n\r\n<%u>", &seen[3]), 1);
        for (unsigned j = 0; j < 4; j++)
            assert_int_equal(seen[j], expected[i]);
        free(text);
    }
    render.sequence = UINT64_MAX;
    char *text = render_next(&template, &render, NULL);
    assert_non_null(strstr(text, "<18446744073709551615>"));
    free(text);
    template_close(&template);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Version and variant where RFC 9562 5.4 has them, no two alike, and the same ones from the same seed. */
static void test_uuids(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    char *uuids[COUNT], *again;
    struct template template = make("http://127.0.0.1:1/{uuid}", (struct request_parts){.method = "GET", .headers = &no_headers});
    struct render_state render = {.sequence = 0};
    random_init(&render.random, 5);
    for (unsigned i = 0; i < COUNT; i++) {
        uuids[i] = render_next(&template, &render, NULL);
        const char *uuid = uuids[i] + strlen("GET /");
        for (unsigned j = 0; j < 36; j++)
            if (j == 8 || j == 13 || j == 18 || j == 23)
                assert_int_equal(uuid[j], '-');
            else
                assert_true(isxdigit((unsigned char)uuid[j]) && !isupper((unsigned char)uuid[j]));
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
        assert_int_equal(uuid[36], ' ');
    }
    random_init(&render.random, 5);
    again = render_next(&template, &render, NULL);
    assert_string_equal(again, uuids[0]);
    free(again);
    qsort(uuids, COUNT, sizeof(uuids[0]), compare_texts);
    for (unsigned i = 1; i < COUNT; i++)
        assert_string_not_equal(uuids[i - 1], uuids[i]);
    for (unsigned i = 0; i < COUNT; i++)
        free(uuids[i]);
    template_close(&template);
}

/* What the head says of the body's length; -1 when it says nothing. */
static long announced(const char *request)
{
    const char *field = strstr(request, "\r\nContent-Length: ");
    return field ? strtol(field + strlen("\r\nContent-Length: "), NULL, 10) : -1;
}

static void test_body_length(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{seq}", "{\"id\": {seq}, \"u\": \"{uuid}\"}", "{exp:1s}{exp:1s}", "{zipf:10000000}", "xxxxxxxx{seq}", "{5ms} {\n}",
    };
    for (unsigned i = 0; i < LENGTH_OF(bodies); i++)
        for (int last = 0; last < 2; last++) {
            struct request_parts parts = {.method = "POST", .headers = &no_headers, .body = slice_of(bodies[i]), .last = last};
            struct template template = make("http://127.0.0.1:1/{seq}", parts);
            struct render_state render = {.step = 7};
            size_t shortest = SIZE_MAX, longest = 0;
            random_init(&render.random, i);
            for (int k = 0; k < 300; k++) {
                char *text = render_next(&template, &render, NULL), *body = strstr(text, "\r\n\r\n") + 4;
                assert_int_equal(announced(text), strlen(body));
                shortest = strlen(body) < shortest ? strlen(body) : shortest;
                longest = strlen(body) > longest ? strlen(body) : longest;
                free(text);
            }
            assert_true(i == 5 ? shortest == longest : shortest < longest);
            template_close(&template);
        }
}

/* Braces that mean nothing here: the body goes out as it is, from where it lies. */
static void test_plain_braces(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",           "{",          "{\"seq\": 1}",  "{{seq}",  "{ uuid }", "{0}",
        "{12}",         "{seq",       "{uuid ",        "{seq\n}", "{sequel}", "{5}",
        "function(){}", "{5ms",       "{\"exp:5ms\"}", "{Seq}",   "{exp}",    "query {user{id}}",
        "{'zipf:1'}",   "{\"a\":{}}",
    };
    for (unsigned i = 0; i < LENGTH_OF(bodies); i++) {
        struct request_parts parts = {.method = "POST", .headers = &no_headers, .body = slice_of(bodies[i])};
        struct template template = make("http://127.0.0.1:1/", parts);
        bool outer = strcmp(bodies[i], "{{seq}") == 0; /* text, then a placeholder */
        assert_int_equal(template.count, outer ? 3 : 1);
        if (!outer) {
            struct slice text = template_render(&template, NULL, NULL, NULL);
            assert_memory_equal(text.at + text.length - strlen(bodies[i]), bodies[i], strlen(bodies[i]));
        }
        template_close(&template);
    }
}

static void test_bodies_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{exp:5}",         "{exp:5ms",      "{\"t\": \"{exp:}\"}", "{zipf:0}",    "{zipf:}",
        "{zipf:10000001}", "{zipf:5,}",     "{zipf:5,-1}",         "{zipf:5,x}",  "{zipf:5,11}",
        "{zipf:5,1,1}",    "{uniform:5ms}", "{bimodal:\n}",        "{exp:{seq}}", "{pareto:\x01}",
    };
    for (unsigned i = 0; i < LENGTH_OF(bodies); i++) {
        struct url url = {.target = SLICE("/")};
        struct request_parts parts = {.method = "POST", .url = &url, .headers = &no_headers, .body = slice_of(bodies[i])};
        struct template template;
        char message[MESSAGE_SIZE] = "";
        if (template_init(&template, &parts, message) != -EINVAL)
            fail_msg("'%s' was taken", bodies[i]);
        assert_int_equal(template_check_text(parts.body, false, message), -EINVAL);
        assert_non_null(strstr(message, "{uuid}"));
        assert_null(strpbrk(message, "\n\x01"));
    }
}

static void test_cookies(void **state)
{
    (void)state;
    struct template template =
        make("http://127.0.0.1:1/", (struct request_parts){.method = "GET", .headers = &no_headers, .cookies = true, .last = true});
    struct cookie_jar *jar = cookie_jar_new();
    struct render_state render = {.sequence = 0};
    static const char *const expected[] = {
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nCookie: a=1; b=2\r\nConnection: close\r\n\r\n",
    };
    for (unsigned i = 0; i < LENGTH_OF(expected); i++) {
        if (i == 2) {
            cookie_jar_set(jar, SLICE("a=1"));
            cookie_jar_set(jar, SLICE("b=2; Path=/"));
        }
        char *text = render_next(&template, &render, i == 0 ? NULL : jar);
        assert_string_equal(text, expected[i]);
        free(text);
    }
    char *big = calloc(1, COOKIES_LONGEST + 1);
    memset(big, 'x', COOKIES_LONGEST - strlen("a=1; b=2; "));
    big[1] = '=';
    cookie_jar_set(jar, slice_of(big));
    assert_int_equal(cookie_jar_header(jar).length, COOKIES_LONGEST);
    free(render_next(&template, &render, jar)); /* as long as can be: against the guard page */
    free(big);
    cookie_jar_free(jar);
    template_close(&template);
}

static void test_header_placeholders(void **state)
{
    (void)state;
    const char *items[] = {"X-Request-Id: {uuid}", "X-Json: {\"a\": 1}"};
    struct option_list headers = {items, 2};
    struct template template = make("http://127.0.0.1:1/", (struct request_parts){.method = "GET", .headers = &headers});
    struct render_state render = {.sequence = 0};
    random_init(&render.random, 9);
    char *one = render_next(&template, &render, NULL), *other = render_next(&template, &render, NULL);
    assert_int_equal(strlen(one), strlen(other));
    assert_string_not_equal(one, other);
    assert_non_null(strstr(one, "\r\nX-Json: {\"a\": 1}\r\n\r\n"));
    free(one);
    free(other);
    template_close(&template);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_uuids),        cmocka_unit_test(test_body_length),
        cmocka_unit_test(test_plain_braces), cmocka_unit_test(test_bodies_refused),
        cmocka_unit_test(test_cookies),      cmocka_unit_test(test_header_placeholders),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
