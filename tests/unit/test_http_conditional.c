/*
 * Conditional and partial requests, a row each: fields in, status and range out. RFC 9110 13 and 14.
 */
#include "support.h"

#include <stdlib.h>

#include "http/conditional.h"

#define TAG  "\"1a-2b-3c\""
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define OLD  "Sun, 06 Nov 1994 08:49:36 GMT"
#define NEW  "Sun, 06 Nov 1994 08:49:38 GMT"
#define SIZE 1000

#define MODIFIED 784111777
#define LATER    (MODIFIED + 1000)

#define FIELDS_MOST 4

/* "Name: value" lines; bodies as `first-last` or none. */
static const struct {
    const char *fields[FIELDS_MOST];
    int status;
    uint64_t first, length;
} table[] = {
    {{NULL}, 200, 0, SIZE},

    /* If-None-Match */
    {{"If-None-Match: " TAG}, 304, 0, 0},
    {{"if-none-match: " TAG}, 304, 0, 0},
    {{"If-None-Match: W/" TAG}, 304, 0, 0},
    {{"If-None-Match: *"}, 304, 0, 0},
    {{"If-None-Match: \"x\", " TAG}, 304, 0, 0},
    {{"If-None-Match: ,, \"x\"\t,W/" TAG ",\"y\""}, 304, 0, 0},
    {{"If-None-Match: \"a,b\"," TAG}, 304, 0, 0},
    {{"If-None-Match: \"x\"", "If-None-Match: " TAG}, 304, 0, 0},
    {{"If-None-Match: \"x\""}, 200, 0, SIZE},
    {{"If-None-Match: "}, 200, 0, SIZE},
    {{"If-None-Match: 1a-2b-3c"}, 200, 0, SIZE},
    {{"If-None-Match: \"1a-2b-3c"}, 200, 0, SIZE},
    {{"If-None-Match: \"x\" " TAG}, 200, 0, SIZE},
    {{"If-None-Match: w/" TAG}, 200, 0, SIZE},
    {{"If-None-Match: W/ " TAG}, 200, 0, SIZE},
    {{"If-None-Match: \"*\""}, 200, 0, SIZE},
    {{"If-None-Match: \",1a-2b-3c,\""}, 200, 0, SIZE},
    {{"If-None-Match: \"x\"", "If-Modified-Since: " SAME}, 200, 0, SIZE}, /* the tag decides alone */
    {{"If-None-Match: " TAG, "If-Modified-Since: " OLD}, 304, 0, 0},

    /* If-Modified-Since */
    {{"If-Modified-Since: " SAME}, 304, 0, 0},
    {{"If-Modified-Since: " NEW}, 304, 0, 0},
    {{"If-Modified-Since: " OLD}, 200, 0, SIZE},
    {{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"}, 304, 0, 0},
    {{"If-Modified-Since: yesterday"}, 200, 0, SIZE},
    {{"If-Modified-Since: " SAME, "If-Modified-Since: " SAME}, 200, 0, SIZE},

    /* If-Match, If-Unmodified-Since */
    {{"If-Match: " TAG}, 200, 0, SIZE},
    {{"If-Match: *"}, 200, 0, SIZE},
    {{"If-Match: \"x\", " TAG}, 200, 0, SIZE},
    {{"If-Match: W/" TAG}, 412, 0, 0}, /* strong comparison */
    {{"If-Match: \"x\""}, 412, 0, 0},
    {{"If-Match: " TAG, "If-Unmodified-Since: " OLD}, 200, 0, SIZE},
    {{"If-Match: " TAG, "If-None-Match: " TAG}, 304, 0, 0},
    {{"If-Match: \"x\"", "If-None-Match: " TAG}, 412, 0, 0},
    {{"If-Unmodified-Since: " SAME}, 200, 0, SIZE},
    {{"If-Unmodified-Since: " OLD}, 412, 0, 0},
    {{"If-Unmodified-Since: soon"}, 200, 0, SIZE},

    /* Range */
    {{"Range: bytes=0-0"}, 206, 0, 1},
    {{"Range: bytes=0-999"}, 206, 0, 1000},
    {{"Range: bytes=0-1000"}, 206, 0, 1000},
    {{"Range: bytes=999-"}, 206, 999, 1},
    {{"Range: bytes=0-"}, 206, 0, 1000},
    {{"Range: bytes=500-600"}, 206, 500, 101},
    {{"range: BYTES=500-600"}, 206, 500, 101},
    {{"Range: bytes=, 500-600 ,"}, 206, 500, 101},
    {{"Range: bytes=-1"}, 206, 999, 1},
    {{"Range: bytes=-1000"}, 206, 0, 1000},
    {{"Range: bytes=-1001"}, 206, 0, 1000},
    {{"Range: bytes=-99999999999999999999999"}, 206, 0, 1000},
    {{"Range: bytes=1-99999999999999999999999"}, 206, 1, 999},
    {{"Range: bytes=1000-"}, 416, 0, 0},
    {{"Range: bytes=1000-2000"}, 416, 0, 0},
    {{"Range: bytes=18446744073709551616-"}, 416, 0, 0},
    {{"Range: bytes=-0"}, 416, 0, 0},
    {{"Range: bytes=5-4"}, 200, 0, SIZE},
    {{"Range: bytes=-"}, 200, 0, SIZE},
    {{"Range: bytes="}, 200, 0, SIZE},
    {{"Range: bytes=,"}, 200, 0, SIZE},
    {{"Range: bytes"}, 200, 0, SIZE},
    {{"Range: bytes=0"}, 200, 0, SIZE},
    {{"Range: bytes=a-b"}, 200, 0, SIZE},
    {{"Range: bytes=0-5x"}, 200, 0, SIZE},
    {{"Range: bytes=0 - 5"}, 200, 0, SIZE},
    {{"Range: bytes=--5"}, 200, 0, SIZE},
    {{"Range: bytes=+1-5"}, 200, 0, SIZE},
    {{"Range: bytes=0-5-6"}, 200, 0, SIZE},
    {{"Range: bytes = 0-5"}, 200, 0, SIZE},
    {{"Range: lines=0-5"}, 200, 0, SIZE},
    {{"Range: bytes=0-1,3-4"}, 200, 0, SIZE}, /* several: the whole */
    {{"Range: bytes=2000-,3000-"}, 200, 0, SIZE},
    {{"Range: bytes=0-1", "Range: bytes=0-1"}, 200, 0, SIZE},
    {{"Range: bytes=0-1", "If-None-Match: " TAG}, 304, 0, 0},
    {{"Range: bytes=2000-", "If-Match: \"x\""}, 412, 0, 0},

    /* If-Range */
    {{"Range: bytes=0-0", "If-Range: " TAG}, 206, 0, 1},
    {{"Range: bytes=2000-", "If-Range: " TAG}, 416, 0, 0},
    {{"Range: bytes=2000-", "If-Range: \"x\""}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: \"x\""}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: W/" TAG}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: *"}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: " TAG ", " TAG}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: " SAME}, 206, 0, 1},
    {{"Range: bytes=0-0", "If-Range: " OLD}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: " NEW}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: nonsense"}, 200, 0, SIZE},
    {{"Range: bytes=0-0", "If-Range: " TAG, "If-Range: " TAG}, 200, 0, SIZE},
    {{"If-Range: " TAG}, 200, 0, SIZE},
};

static const struct http_representation file = {SLICE(TAG), MODIFIED, SIZE};

/* The request with these lines, each value at a guard page. */
struct asked {
    struct http_request request;
    struct http_header headers[FIELDS_MOST];
    struct guarded values[FIELDS_MOST];
};

static void ask(struct asked *asked, const char *method, const char *const *fields)
{
    memset(asked, 0, sizeof *asked);
    asked->request.method = slice_of(method);
    asked->request.headers = asked->headers;
    for (unsigned i = 0; i < FIELDS_MOST && fields[i]; i++) {
        const char *colon = strchr(fields[i], ':');
        guarded_init(&asked->values[i], colon + 2, strlen(colon + 2));
        asked->headers[i].name = (struct slice){fields[i], (size_t)(colon - fields[i])};
        asked->headers[i].value = (struct slice){asked->values[i].text, asked->values[i].length};
        asked->request.header_count++;
    }
}

static void forget(struct asked *asked)
{
    for (unsigned i = 0; i < asked->request.header_count; i++)
        guarded_close(&asked->values[i]);
}

static struct http_selection choose(const char *method, const char *const *fields, const struct http_representation *of, time_t now)
{
    struct asked asked;
    struct http_selection selection;
    ask(&asked, method, fields);
    http_select(&asked.request, of, now, &selection);
    forget(&asked);
    return selection;
}

static void test_get(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        struct http_selection got = choose("GET", table[i].fields, &file, LATER);
        if (got.status != table[i].status || got.first != table[i].first || got.length != table[i].length)
            fail_msg("%s | %s: %d %llu+%llu, wanted %d %llu+%llu", table[i].fields[0], table[i].fields[1], got.status,
                     (unsigned long long)got.first, (unsigned long long)got.length, table[i].status,
                     (unsigned long long)table[i].first, (unsigned long long)table[i].length);
    }
}

/* HEAD knows conditions, but no ranges: 14.2. */
static void test_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        int wanted = table[i].status == 206 || table[i].status == 416 ? 200 : table[i].status;
        struct http_selection got = choose("HEAD", table[i].fields, &file, LATER);
        if (got.status != wanted || (wanted == 200 && got.length != SIZE))
            fail_msg("HEAD %s: %d", table[i].fields[0], got.status);
    }
}

static void test_of_something_empty(void **state)
{
    static const struct http_representation empty = {SLICE(TAG), MODIFIED, 0};
    static const char *const begin[FIELDS_MOST] = {"Range: bytes=0-"}, *const suffix[FIELDS_MOST] = {"Range: bytes=-5"},
                             *const none[FIELDS_MOST] = {"Range: bytes=-0"};
    (void)state;
    assert_int_equal(choose("GET", begin, &empty, LATER).status, 416);
    assert_int_equal(choose("GET", suffix, &empty, LATER).status, 200);
    assert_int_equal(choose("GET", none, &empty, LATER).status, 416);
}

/* What changed within this second may have changed in it before. */
static void test_young_dates_are_weak(void **state)
{
    static const char *const fields[FIELDS_MOST] = {"Range: bytes=0-0", "If-Range: " SAME};
    (void)state;
    assert_int_equal(choose("GET", fields, &file, MODIFIED).status, 200);
    assert_int_equal(choose("GET", fields, &file, MODIFIED + 1).status, 200);
    assert_int_equal(choose("GET", fields, &file, MODIFIED + 2).status, 206);
}

static void test_is_conditional(void **state)
{
    static const char *const plain[FIELDS_MOST] = {"Host: a", "Ranges: bytes=0-0"};
    (void)state;
    struct asked asked;
    ask(&asked, "GET", plain);
    assert_false(http_is_conditional(&asked.request));
    forget(&asked);
    for (size_t i = 1; i < LENGTH_OF(table); i++) {
        ask(&asked, "GET", table[i].fields);
        assert_true(http_is_conditional(&asked.request));
        forget(&asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_of_something_empty),
        cmocka_unit_test(test_young_dates_are_weak),
        cmocka_unit_test(test_is_conditional),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
