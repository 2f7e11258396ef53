/* URLs: what is taken apart how, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

static void test_good(void **state)
{
    (void)state;
    static const struct {
        const char *text, *address, *host, *target;
    } rows[] = {
        {"http://127.0.0.1:8080/hello", "127.0.0.1:8080", "127.0.0.1:8080", "/hello"},
        {"http://127.0.0.1", "127.0.0.1:80", "127.0.0.1", ""},
        {"http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080", ""},
        {"http://127.0.0.1?a=b", "127.0.0.1:80", "127.0.0.1", "?a=b"},
        {"http://127.0.0.1:1/a/b?c=/d#e", "127.0.0.1:1", "127.0.0.1:1", "/a/b?c=/d"},
        {"http://[::1]:9/x", "[::1]:9", "[::1]:9", "/x"},
        {"http://[::1]/x", "[::1]:80", "[::1]", "/x"},
        {"http://127.0.0.1:1/{exp:5ms}", "127.0.0.1:1", "127.0.0.1:1", "/{exp:5ms}"},
        {"http://unix:/run/a.sock:/hello", "unix:/run/a.sock", "localhost", "/hello"},
        {"http://unix:/run/a.sock", "unix:/run/a.sock", "localhost", "/"},
        {"http://unix:@name:/x:y", "unix:@name", "localhost", "/x:y"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url url;
        char message[MESSAGE_SIZE] = "", text[NET_TEXT_SIZE];
        if (url_parse(rows[i].text, &url, message) != 0)
            fail_msg("%s: %s", rows[i].text, message);
        assert_string_equal(net_format_address(&url.address, true, text), rows[i].address);
        assert_true(slice_is(url.host, rows[i].host));
        assert_true(slice_is(url.target, rows[i].target));
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "127.0.0.1:80",
        "HTTP//127.0.0.1",
        "https://127.0.0.1/",
        "http://",
        "http:///path",
        "http://:80/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:8o/",
        "http://[::1",
        "http://[::1]x:80/",
        "http://a@127.0.0.1/",
        "http://*:80/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\x7f",
        "http://127.0.0.1/caf\xc3\xa9",
        "http://unix:",
        "http://unix::/x",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url url;
        char message[MESSAGE_SIZE] = "";
        if (url_parse(rows[i], &url, message) != -EINVAL || !*message)
            fail_msg("'%s' was taken: %s", rows[i], message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
