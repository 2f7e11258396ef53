/*
 * Who may use the admin address: tokens, and what a page in a browser could send.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>

#include "cluster/admin.h"

#define TOKEN "correct-horse-battery"

/* The outcome for a request with these header lines, each ended by CRLF. */
static int check(const char *bound, const char *token, const char *method, const char *fields)
{
    static const struct http_limits limits = {8192, 100, 1024, 1024};
    struct net_address address;
    struct http_request *request = http_request_new(&limits);
    char text[1024], why[ACCESS_WHY_SIZE] = "";
    size_t consumed;
    assert_int_equal(net_parse_address(bound, &address), 0);
    http_request_reset(request, true);
    int length = snprintf(text, sizeof text, "%s /status HTTP/1.1\r\n%s\r\n", method, fields);
    assert_int_equal(http_request_parse(request, text, (size_t)length, &consumed), HTTP_PARSE_REQUEST);
    const struct access_rules rules = {token, &address};
    int status = access_check(&rules, request, strcmp(method, "GET") != 0, why);
    assert_int_equal(status != 0, why[0] != '\0');
    http_request_free(request);
    return status;
}

#define HOST "Host: 127.0.0.1:9000\r\n"

static void a_token_is_asked_of_everybody(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {HOST "Authorization: Bearer " TOKEN "\r\n", 0},
        {HOST "authorization: bEARER  " TOKEN " \r\n", 0},
        {HOST, 401},
        {HOST "Authorization: " TOKEN "\r\n", 401},
        {HOST "Authorization: Basic " TOKEN "\r\n", 401},
        {HOST "Authorization: Digest " TOKEN "\r\n", 401},
        {HOST "Authorization: Bearer\r\n", 401},
        {HOST "Authorization: Bearer \r\n", 401},
        {HOST "Authorization: Bearer " TOKEN "x\r\n", 401},
        {HOST "Authorization: Bearer correct-horse-batter\r\n", 401},
        {HOST "Authorization: Bearer Correct-horse-battery\r\n", 401},
        {HOST "Authorization: Bearer correct-horse-batterz\r\n", 401},
        {HOST "Authorization: Bearer " TOKEN TOKEN "\r\n", 401},
        {HOST "Proxy-Authorization: Bearer " TOKEN "\r\n", 401},
    };
    static const char *const bound[] = {"127.0.0.1:9000", "0.0.0.0:9000", "unix:/tmp/x"};
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        for (size_t j = 0; j < LENGTH_OF(bound); j++) {
            assert_int_equal(check(bound[j], TOKEN, "GET", rows[i].fields), rows[i].status);
            assert_int_equal(check(bound[j], TOKEN, "POST", rows[i].fields), rows[i].status);
        }
    assert_int_equal(check("127.0.0.1:9000", "", "POST", HOST), 0);
}

static void a_name_in_host_betrays_rebinding(void **state)
{
    (void)state;
    static const struct {
        const char *bound, *token, *host;
        int status;
    } rows[] = {
        {"127.0.0.1:9000", "", "127.0.0.1:9000", 0},
        {"127.0.0.1:9000", "", "127.0.0.1", 0},
        {"127.0.0.1:9000", "", "localhost:1", 0}, /* as behind a forwarded port */
        {"127.0.0.1:9000", "", "LocalHost", 0},
        {"127.0.0.1:9000", "", "[::1]:9000", 0},
        {"127.0.0.1:9000", "", "evil.example:9000", 403},
        {"127.0.0.1:9000", "", "localhost.evil.example", 403},
        {"127.0.0.1:9000", "", "127.0.0.1.evil.example", 403},
        {"127.0.0.1:9000", "", "192.0.2.1:9000", 403},
        {"127.0.0.1:9000", TOKEN, "evil.example", 403},
        {"[::1]:9000", "", "[::1]:9000", 0},
        {"[::1]:9000", "", "evil.example", 403},
        {"192.0.2.1:9000", TOKEN, "192.0.2.1:9000", 0},
        {"192.0.2.1:9000", TOKEN, "192.0.2.2:9000", 403},
        {"192.0.2.1:9000", TOKEN, "metrics.example:9000", 0},
        {"0.0.0.0:9000", TOKEN, "192.0.2.2:9000", 0},
        {"[::]:9000", TOKEN, "[2001:db8::1]:9000", 0},
        {"unix:/tmp/x", "", "anything", 0}, /* no browser gets there */
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        char fields[256];
        snprintf(fields, sizeof fields, "Host: %s\r\nAuthorization: Bearer " TOKEN "\r\n", rows[i].host);
        int get = check(rows[i].bound, rows[i].token, "GET", fields), post = check(rows[i].bound, rows[i].token, "POST", fields);
        if (get != rows[i].status || post != rows[i].status)
            fail_msg("bound to %s, Host: %s: GET %d, POST %d, wanted %d", rows[i].bound, rows[i].host, get, post, rows[i].status);
    }
}

static void a_page_may_not_steer(void **state)
{
    (void)state;
    static const char *const origins[] = {"http://evil.example", "null", "http://127.0.0.1:9000", ""};
    for (size_t i = 0; i < LENGTH_OF(origins); i++) {
        char fields[256];
        snprintf(fields, sizeof fields, HOST "Origin: %s\r\nAuthorization: Bearer " TOKEN "\r\n", origins[i]);
        assert_int_equal(check("127.0.0.1:9000", "", "POST", fields), 403);
        assert_int_equal(check("127.0.0.1:9000", TOKEN, "POST", fields), 403);
        assert_int_equal(check("127.0.0.1:9000", "", "GET", fields), 0);
    }
}

static void which_tokens_are_taken(void **state)
{
    (void)state;
    char longest[258];
    memset(longest, 'x', sizeof longest);
    assert_true(admin_token_is_allowed("0123456789abcdef", 16));
    assert_false(admin_token_is_allowed("0123456789abcde", 15));
    assert_true(admin_token_is_allowed(longest, 256));
    assert_false(admin_token_is_allowed(longest, 257));
    assert_false(admin_token_is_allowed("0123456789 abcdef", 17));
    assert_false(admin_token_is_allowed("0123456789abcdef\n", 17));
    assert_false(admin_token_is_allowed("0123456789abcde\xe4", 16));
}

static void strangers_need_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *admin, *token, *file;
        int result;
    } rows[] = {
        {"127.0.0.1:9000", NULL, NULL, 0},     {"[::1]:9000", NULL, NULL, 0},           {"unix:/tmp/x", NULL, NULL, 0},
        {"0.0.0.0:9000", NULL, NULL, -EINVAL}, {"192.0.2.1:9000", NULL, NULL, -EINVAL}, {"[::]:9000", NULL, NULL, -EINVAL},
        {"0.0.0.0:9000", TOKEN, NULL, 0},      {"0.0.0.0:9000", NULL, "file", 0},       {"127.0.0.1:9000", TOKEN, "file", -EINVAL},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct cluster_options options = {.admin_token = rows[i].token, .admin_token_file = rows[i].file};
        char why[OPTIONS_ERROR_SIZE] = "";
        assert_int_equal(net_parse_address(rows[i].admin, &options.admin), 0);
        assert_int_equal(cluster_options_check(&options, why), rows[i].result);
        assert_int_equal(rows[i].result != 0, why[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_asked_of_everybody), cmocka_unit_test(a_name_in_host_betrays_rebinding),
        cmocka_unit_test(a_page_may_not_steer),          cmocka_unit_test(which_tokens_are_taken),
        cmocka_unit_test(strangers_need_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
