/* Lines of the access log, word for word: both formats, what clients may not smuggle in, bounds that hold. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster/access_line.h"

static const struct access_entry plain = {
    .time = {1795316645, 678999999}, /* 2026-11-22T03:04:05 */
    .worker = 3,
    .client = {"127.0.0.1", 9},
    .method = {"GET", 3},
    .target = {"/hello", 6},
    .protocol = {"HTTP/1.1", 8},
    .status = 200,
    .bytes = 20,
    .duration_us = 153,
};

/* The line behind which a guard page lies at the bound; without its newline. It lasts until the next call. */
static const char *line_of(enum access_format format, const struct access_entry *entry)
{
    static char line[1 << 17];
    struct access_dates dates = {0};
    struct guarded room;
    size_t bound = access_line_bound(entry);
    char *filler = calloc(1, bound);
    assert_non_null(filler);
    guarded_init(&room, filler, bound);
    size_t length = access_line_put(format, entry, &dates, room.text);
    assert_true(length <= bound && length > 0);
    assert_int_equal(room.text[length - 1], '\n');
    assert_null(memchr(room.text, '\n', length - 1));
    memcpy(line, room.text, length - 1);
    line[length - 1] = '\0';
    guarded_close(&room);
    free(filler);
    return line;
}

static void both_formats(void **state)
{
    (void)state;
    assert_string_equal(line_of(ACCESS_COMMON, &plain),
                        "127.0.0.1 - - [22/Nov/2026:03:04:05 +0000] \"GET /hello HTTP/1.1\" 200 20 3 153");
    assert_string_equal(line_of(ACCESS_JSON, &plain),
                        "{\"time\":\"2026-11-22T03:04:05.678Z\",\"worker\":3,\"client\":\"127.0.0.1\",\"method\":\"GET\","
                        "\"target\":\"/hello\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":20,\"duration_us\":153}");
}

static void what_is_unknown(void **state)
{
    struct access_entry entry = plain;
    (void)state;
    entry.worker = -1;
    entry.method = entry.target = entry.protocol = (struct slice){NULL, 0};
    entry.time.tv_nsec = 0;
    assert_string_equal(line_of(ACCESS_COMMON, &entry), "127.0.0.1 - - [22/Nov/2026:03:04:05 +0000] \"-\" 200 20 - 153");
    assert_non_null(strstr(line_of(ACCESS_JSON, &entry), ".000Z\",\"worker\":null,"));
    assert_non_null(strstr(line_of(ACCESS_JSON, &entry), "\"method\":\"\",\"target\":\"\",\"protocol\":\"\""));
    entry.target = SLICE("/x");
    assert_non_null(strstr(line_of(ACCESS_COMMON, &entry), "\"-\""));
    assert_non_null(strstr(line_of(ACCESS_JSON, &entry), "\"method\":\"\",\"target\":\"/x\",\"protocol\":\"\""));
    entry.method = SLICE("GET");
    entry.target = (struct slice){NULL, 0};
    assert_non_null(strstr(line_of(ACCESS_COMMON, &entry), "\"-\""));
}

/* Every byte a client can send: no line and no quoted text is ended by it, and JSON gives it back. */
static void escapes(void **state)
{
    char all[256];
    struct access_entry entry = plain;
    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    entry.target = (struct slice){all, 256};
    const char *common = line_of(ACCESS_COMMON, &entry);
    assert_non_null(strstr(common, "\"GET \\x00\\x01"));
    assert_non_null(strstr(common, "\\x09\\x0a\\x0b"));
    assert_non_null(strstr(common, " !\\\"#"));
    assert_non_null(strstr(common, "[\\\\]"));
    assert_non_null(strstr(common, "~\\x7f\\x80"));
    assert_non_null(strstr(common, "\\xff HTTP/1.1\" 200"));
    json_t *line = json_loads(line_of(ACCESS_JSON, &entry), JSON_ALLOW_NUL, NULL);
    assert_non_null(line);
    const json_t *target = json_object_get(line, "target");
    assert_int_equal(json_string_length(target), 128 + 2 * 128); /* bytes above 0x7f are U+0080.., two bytes each */
    assert_memory_equal(json_string_value(target), all, 128);
    json_decref(line);
}

static void long_targets(void **state)
{
    static char text[ACCESS_TARGET_MOST + 1];
    struct access_entry entry = plain;
    (void)state;
    memset(text, '"', sizeof text);
    entry.target = (struct slice){text, ACCESS_TARGET_MOST};
    assert_non_null(strstr(line_of(ACCESS_COMMON, &entry), "\\\" HTTP/1.1"));
    entry.target.length++;
    assert_non_null(strstr(line_of(ACCESS_COMMON, &entry), "\\\"... HTTP/1.1"));
    assert_non_null(strstr(line_of(ACCESS_JSON, &entry), "\\\"...\",\"protocol\""));
    memset(text, 1, sizeof text);
    assert_int_equal(strlen(line_of(ACCESS_JSON, &entry)) > 6 * ACCESS_TARGET_MOST, 1);
}

/* The largest of everything still fits into the bound: line_of checks it. */
static void largest_numbers(void **state)
{
    struct access_entry entry = plain;
    (void)state;
    entry.bytes = entry.duration_us = UINT64_MAX;
    entry.worker = INT32_MAX;
    entry.status = 999;
    entry.client = entry.method = entry.target = entry.protocol = (struct slice){NULL, 0};
    assert_non_null(strstr(line_of(ACCESS_COMMON, &entry), " 999 18446744073709551615 2147483647 18446744073709551615"));
    assert_non_null(strstr(line_of(ACCESS_JSON, &entry), "\"bytes\":18446744073709551615,"));
}

/* The date is made anew when its second is over, and not before. */
static void dates(void **state)
{
    struct access_dates kept = {0};
    struct access_entry entry = plain;
    char line[512];
    (void)state;
    line[access_line_put(ACCESS_COMMON, &entry, &kept, line)] = '\0';
    assert_non_null(strstr(line, ":03:04:05 +0000"));
    entry.time.tv_sec++;
    line[access_line_put(ACCESS_COMMON, &entry, &kept, line)] = '\0';
    assert_non_null(strstr(line, ":03:04:06 +0000"));
    entry.time = (struct timespec){0, 0};
    kept = (struct access_dates){0};
    line[access_line_put(ACCESS_JSON, &entry, &kept, line)] = '\0';
    assert_non_null(strstr(line, "\"1970-01-01T00:00:00.000Z\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats), cmocka_unit_test(what_is_unknown), cmocka_unit_test(escapes),
        cmocka_unit_test(long_targets), cmocka_unit_test(largest_numbers), cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests_name("access_line", tests, NULL, NULL);
}
