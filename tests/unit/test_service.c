/*
 * The service: every path, what it answers and what it wants done, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "service/service.h"

static struct service_response ask(const char *method, const char *path, bool faults, bool draining,
                                   struct service_response *response)
{
    struct service_request request = {
        .method = slice_of(method),
        .path = slice_of(path),
        .body = SLICE("the body"),
        .worker = 7,
        .draining = draining,
        .faults = faults,
    };
    service_answer(&request, response);
    return *response;
}

static const struct {
    const char *method, *path;
    int status;
    const char *body; /* NULL: not looked at */
    enum service_work work;
    uint64_t work_ns, work_bytes;
} table[] = {
    {"GET", "/", 200, "Hello from worker 7\n", SERVICE_ANSWER, 0, 0},
    {"GET", "/hello", 200, "Hello from worker 7\n", SERVICE_ANSWER, 0, 0},
    {"HEAD", "/hello", 200, "Hello from worker 7\n", SERVICE_ANSWER, 0, 0},
    {"GET", "/hello/", 404, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/Hello", 404, NULL, SERVICE_ANSWER, 0, 0},
    {"POST", "/hello", 405, NULL, SERVICE_ANSWER, 0, 0},
    {"TRACE", "/echo", 405, NULL, SERVICE_ANSWER, 0, 0},
    {"OPTIONS", "/hello", 204, "", SERVICE_ANSWER, 0, 0},
    {"OPTIONS", "*", 204, "", SERVICE_ANSWER, 0, 0},
    {"GET", "/healthz", 200, "ok\n", SERVICE_ANSWER, 0, 0},
    {"POST", "/echo", 200, "the body", SERVICE_ANSWER, 0, 0},
    {"GET", "/stats", 404, NULL, SERVICE_ERRAND, 0, 0},
    {"POST", "/stats", 405, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/broadcast", 400, NULL, SERVICE_ANSWER, 0, 0}, /* the body is no message of a GET */
    {"PUT", "/broadcast", 405, NULL, SERVICE_ANSWER, 0, 0},
    {"DELETE", "/echo", 200, "the body", SERVICE_ANSWER, 0, 0},
    {"GET", "/block/5ms", 200, "Hello from worker 7\n", SERVICE_BLOCK, 5000000, 0},
    {"GET", "/cpu/250us", 200, "Hello from worker 7\n", SERVICE_CPU, 250000, 0},
    {"GET", "/wait/1.5s", 200, "Hello from worker 7\n", SERVICE_WAIT, 1500000000, 0},
    {"GET", "/block/", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/block/5", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/block/-5ms", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/block/11m", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/block/5ms/6ms", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/bytes/", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/bytes/2g", 400, NULL, SERVICE_ANSWER, 0, 0},
    {"GET", "/crash", 200, NULL, SERVICE_CRASH, 0, 0},
    {"GET", "/leak/1k", 200, NULL, SERVICE_LEAK, 0, 1024},
    {"GET", "/stall/1s", 200, NULL, SERVICE_STALL, 1000000000, 0},
    {"GET", "/nothing", 404, NULL, SERVICE_ANSWER, 0, 0},
};

static void test_every_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct service_response response;
        ask(table[i].method, table[i].path, true, false, &response);
        bool crash = table[i].work == SERVICE_CRASH; /* it never answers */
        if ((!crash && response.status != table[i].status) || response.work != table[i].work ||
            response.work_ns != (response.status == 400 ? response.work_ns : table[i].work_ns) ||
            response.work_bytes != table[i].work_bytes)
            fail_msg("%s %s: status %d, work %d, %llu ns", table[i].method, table[i].path, response.status, (int)response.work,
                     (unsigned long long)response.work_ns);
        if (table[i].body && !slice_is(response.body, table[i].body))
            fail_msg("%s %s: body '%.*s'", table[i].method, table[i].path, (int)response.body.length, response.body.at);
    }
}

static void test_faults_are_off_by_default(void **state)
{
    (void)state;
    static const char *const paths[] = {"/crash", "/leak/1k", "/stall/1s"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct service_response response;
        ask("GET", paths[i], false, false, &response);
        assert_int_equal(response.status, 404);
        assert_int_equal(response.work, SERVICE_ANSWER);
    }
}

static void test_health_while_draining(void **state)
{
    (void)state;
    struct service_response response;
    ask("GET", "/healthz", false, true, &response);
    assert_int_equal(response.status, 503);
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t length;
    } sizes[] = {{"/bytes/0", 0}, {"/bytes/1", 1}, {"/bytes/64k", 65536}, {"/bytes/1m", 1 << 20}, {"/bytes/1g", 1 << 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct service_response response;
        ask("GET", sizes[i].path, false, false, &response);
        assert_int_equal(response.status, 200);
        assert_int_equal(response.body_length, sizes[i].length);
        assert_true(response.body.length <= sizes[i].length);
    }
}

static void test_not_allowed_names_what_is(void **state)
{
    (void)state;
    struct service_response response;
    ask("POST", "/hello", false, false, &response);
    assert_true(slice_begins(response.fields, "Allow: GET, HEAD"));
}

/* A long bad value is quoted in part; the answer stays within its buffer. */
static void test_long_bad_value(void **state)
{
    (void)state;
    char path[4096] = "/block/";
    struct service_response response;
    memset(path + 7, '9', sizeof path - 8);
    path[sizeof path - 1] = '\0';
    ask("GET", path, false, false, &response);
    assert_int_equal(response.status, 400);
    assert_true(response.body.length < SERVICE_TEXT_SIZE);
}

static void test_static_names_the_file(void **state)
{
    (void)state;
    struct service_response response;
    ask("GET", "/static/a/b%20c.txt", false, false, &response);
    assert_int_equal(response.work, SERVICE_ERRAND);
    assert_int_equal(response.errand, SERVICE_STATIC);
    assert_true(slice_is(response.argument, "a/b%20c.txt")); /* decoded by who opens it, once */
    ask("POST", "/static/a", false, false, &response);
    assert_int_equal(response.status, 405);
    assert_true(slice_begins(response.fields, "Allow: GET, HEAD"));
}

static const struct {
    const char *method, *query;
    bool faults;
    int status; /* 0: it is an errand */
    int mode;
    int64_t size;
    uint64_t hold_ns;
} appends[] = {
    {"GET", "", false, 0, SERVICE_APPEND_WHOLE, 128, 0},
    {"POST", "", false, 0, SERVICE_APPEND_WHOLE, 128, 0},
    {"HEAD", "", false, 405, 0, 0, 0},
    {"PUT", "", false, 405, 0, 0, 0},
    {"GET", "mode=buffered&size=64k", false, 0, SERVICE_APPEND_BUFFERED, 65536, 0},
    {"GET", "size=1m&mode=flock", false, 0, SERVICE_APPEND_FLOCK, 1 << 20, 0},
    {"GET", "mode=primary", false, 0, SERVICE_APPEND_PRIMARY, 128, 0},
    {"GET", "mode=flocks", false, 400, 0, 0, 0},
    {"GET", "mode=", false, 400, 0, 0, 0},
    {"GET", "size=127", false, 400, 0, 0, 0},
    {"GET", "size=2m", false, 400, 0, 0, 0},
    {"GET", "size=-1", false, 400, 0, 0, 0},
    {"GET", "mode=flock&hold=1s", true, 0, SERVICE_APPEND_FLOCK, 128, 1000000000},
    {"GET", "mode=flock&hold=1s", false, 400, 0, 0, 0},
    {"GET", "mode=append&hold=1s", true, 400, 0, 0, 0},
    {"GET", "mode=flock&hold=1h", true, 400, 0, 0, 0},
    {"GET", "mode=flock&hold=", true, 400, 0, 0, 0},
};

static void test_append_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof appends / sizeof *appends; i++) {
        struct service_response response;
        struct service_request request = {
            .method = slice_of(appends[i].method),
            .path = SLICE("/append"),
            .query = slice_of(appends[i].query),
            .body = SLICE("the body"),
            .faults = appends[i].faults,
        };
        service_answer(&request, &response);
        bool errand = response.work == SERVICE_ERRAND && response.errand == SERVICE_APPEND;
        if (errand != (appends[i].status == 0) || (!errand && response.status != appends[i].status) ||
            (errand &&
             (response.choice != appends[i].mode || response.number != appends[i].size || response.work_ns != appends[i].hold_ns)))
            fail_msg("%s ?%s: status %d, work %d, mode %d, size %lld", appends[i].method, appends[i].query, response.status,
                     (int)response.work, response.choice, (long long)response.number);
    }
}

/* An empty body is an empty line; no body is none. */
static void test_append_argument(void **state)
{
    (void)state;
    struct service_response response;
    struct service_request request = {.method = SLICE("POST"), .path = SLICE("/append"), .body = SLICE("the body")};
    service_answer(&request, &response);
    assert_true(slice_is(response.argument, "the body"));
    request.body = (struct slice){NULL, 0};
    service_answer(&request, &response);
    assert_non_null(response.argument.at);
    assert_int_equal(response.argument.length, 0);
    request.method = SLICE("GET");
    service_answer(&request, &response);
    assert_null(response.argument.at);
}

/* A message, in the query or in the body: what is taken, and what is refused with which status. */
static void check_broadcast(const char *method, struct slice query, struct slice body, int status, struct slice argument)
{
    struct service_response response;
    struct service_request request = {.method = slice_of(method), .path = SLICE("/broadcast"), .query = query, .body = body};
    service_answer(&request, &response);
    bool errand = response.work == SERVICE_ERRAND && response.errand == SERVICE_BROADCAST;
    if (errand != (status == 0) || (!errand && response.status != status))
        fail_msg("%s ?%.*s: status %d, work %d", method, (int)query.length, query.at, response.status, (int)response.work);
    if (errand) {
        assert_int_equal(response.choice, query.length > 0 ? SERVICE_MESSAGE_ESCAPED : SERVICE_MESSAGE_PLAIN);
        assert_int_equal(response.argument.length, argument.length);
        assert_memory_equal(response.argument.at, argument.at, argument.length);
    } else {
        assert_non_null(memchr(response.body.at, '\n', response.body.length));
    }
}

static void test_broadcast(void **state)
{
    static char query[4 + 3 * SERVICE_MESSAGE_MAX + 4], body[SERVICE_MESSAGE_MAX + 1];
    const struct slice none = {"", 0}, text = SLICE("a text");
    (void)state;
    check_broadcast("GET", SLICE("msg=a+b%21"), none, 0, SLICE("a+b%21"));
    check_broadcast("POST", SLICE("msg=a"), text, 0, SLICE("a")); /* the query goes before the body */
    check_broadcast("POST", none, text, 0, text);
    check_broadcast("GET", none, text, 400, none);
    check_broadcast("POST", none, none, 400, none);
    check_broadcast("GET", SLICE("msg="), none, 400, none);
    check_broadcast("GET", SLICE("msg=%4"), none, 400, none);
    /* The longest, each character of it escaped, and one more. */
    memcpy(query, "msg=", 4);
    for (size_t i = 0; i <= SERVICE_MESSAGE_MAX; i++)
        memcpy(query + 4 + 3 * i, "%41", 3);
    memset(body, 'x', sizeof body);
    struct slice longest = {query, 4 + 3 * SERVICE_MESSAGE_MAX}, longest_body = {body, SERVICE_MESSAGE_MAX};
    check_broadcast("GET", longest, none, 0, slice_after(longest, 4));
    check_broadcast("GET", (struct slice){query, longest.length + 3}, none, 400, none);
    check_broadcast("POST", none, longest_body, 0, longest_body);
    check_broadcast("POST", none, (struct slice){body, sizeof body}, 413, none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_path),
        cmocka_unit_test(test_faults_are_off_by_default),
        cmocka_unit_test(test_health_while_draining),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_not_allowed_names_what_is),
        cmocka_unit_test(test_long_bad_value),
        cmocka_unit_test(test_static_names_the_file),
        cmocka_unit_test(test_append_options),
        cmocka_unit_test(test_append_argument),
        cmocka_unit_test(test_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
