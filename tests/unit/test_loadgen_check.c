/* What a response must be: each kind of check, what is no check, and bodies in pieces. */
#include "tests/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/random.h"
#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

static struct check make(const char *const *texts)
{
    struct check check = {.status_from = 0};
    char message[MESSAGE_SIZE] = "";
    for (; *texts; texts++)
        if (check_add(&check, *texts, message) != 0)
            fail_msg("%s: %s", *texts, message);
    return check;
}

#define CHECK(...) make((const char *const[]){__VA_ARGS__, NULL})

struct field {
    const char *name, *value;
};

/* Runs one response past the check, its body in one piece. */
static enum check_kind verdict(const struct check *check, unsigned status, const struct field *fields, struct slice body)
{
    struct check_progress progress;
    check_begin(&progress);
    for (; fields && fields->name; fields++)
        check_header(check, &progress, slice_of(fields->name), slice_of(fields->value));
    check_body(check, &progress, body);
    return check_end(check, &progress, status);
}

static void test_nothing_asked(void **state)
{
    (void)state;
    struct check check = {.status_from = 0};
    assert_true(check_is_empty(&check));
    assert_false(check_needs_body(&check));
    assert_int_equal(verdict(&check, 500, NULL, SLICE("x")), CHECK_KINDS);
    check_close(&check);
}

static void test_status(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned least, most;
    } rows[] = {{"status=200", 200, 200},     {"status=2xx", 200, 299},     {"status=5XX", 500, 599},
                {"status=200-299", 200, 299}, {"status=204-204", 204, 204}, {"status=301-404", 301, 404}};
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct check check = CHECK(rows[i].text);
        assert_false(check_is_empty(&check));
        assert_false(check_needs_body(&check));
        for (unsigned status = 100; status <= 999; status++) {
            bool good = status >= rows[i].least && status <= rows[i].most;
            assert_int_equal(verdict(&check, status, NULL, SLICE("")), good ? CHECK_KINDS : CHECK_STATUS);
        }
        check_close(&check);
    }
}

static void test_header(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct field fields[3];
        bool good;
    } rows[] = {
        {"header=ETag", {{"etag", ""}}, true},
        {"header=ETag", {{"E-Tag", "1"}}, false},
        {"header=ETag", {{NULL, NULL}}, false},
        {"header=X-A: 1", {{"x-a", "1"}}, true},
        {"header=X-A:\t1 ", {{"X-A", "1"}}, true},
        {"header=X-A: 1", {{"X-A", "2"}}, false},
        {"header=X-A: 1", {{"X-A", "11"}}, false},
        {"header=X-A: a", {{"X-A", "A"}}, false},
        {"header=X-A: 1", {{"X-A", "2"}, {"X-A", "1"}}, true},
        {"header=X-A: 1", {{"X-A", "1"}, {"X-A", "2"}}, true},
        {"header=X-A:", {{"X-A", ""}}, true},
        {"header=X-A:", {{"X-A", "1"}}, false},
        {"header=X-A: a: b", {{"X-A", "a: b"}}, true},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct check check = CHECK(rows[i].text);
        if (verdict(&check, 200, rows[i].fields, SLICE("")) != (rows[i].good ? CHECK_KINDS : CHECK_HEADER))
            fail_msg("row %u: %s", i, rows[i].text);
        check_close(&check);
    }
}

static void test_body(void **state)
{
    (void)state;
    struct check length = CHECK("length=1k"), crc = CHECK("crc32=CBF43926"), empty = CHECK("length=0", "crc32=0");
    char kilobyte[1024] = "";
    assert_true(check_needs_body(&length) && check_needs_body(&crc));
    assert_int_equal(verdict(&length, 200, NULL, (struct slice){kilobyte, 1024}), CHECK_KINDS);
    assert_int_equal(verdict(&length, 200, NULL, (struct slice){kilobyte, 1023}), CHECK_LENGTH);
    assert_int_equal(verdict(&crc, 200, NULL, SLICE("123456789")), CHECK_KINDS); /* the check value of CRC-32 */
    assert_int_equal(verdict(&crc, 200, NULL, SLICE("123456788")), CHECK_CRC32);
    assert_int_equal(verdict(&empty, 204, NULL, SLICE("")), CHECK_KINDS);
    assert_int_equal(verdict(&empty, 204, NULL, SLICE("x")), CHECK_LENGTH);
    check_close(&length);
    check_close(&crc);
    check_close(&empty);
}

/* Bodies and texts of two letters, cut everywhere: the same answer as memmem has for the whole. */
static void test_contains(void **state)
{
    (void)state;
    struct random random;
    unsigned found = 0;
    random_init(&random, 11);
    for (unsigned round = 0; round < 20000; round++) {
        char text[24] = "contains=", *wanted = text + strlen("contains="), body[48];
        size_t wanted_length = 1 + random_below(&random, 9), body_length = random_below(&random, sizeof(body));
        for (size_t i = 0; i < wanted_length; i++)
            wanted[i] = "ab"[random_below(&random, 2)];
        for (size_t i = 0; i < body_length; i++)
            body[i] = "ab"[random_below(&random, 2)];
        struct check check = CHECK(text);
        struct check_progress progress;
        check_begin(&progress);
        for (size_t at = 0, step; at < body_length; at += step) {
            step = 1 + random_below(&random, body_length - at);
            check_body(&check, &progress, (struct slice){body + at, step});
        }
        bool there = memmem(body, body_length, wanted, wanted_length) != NULL;
        found += there;
        if (check_end(&check, &progress, 200) != (there ? CHECK_KINDS : CHECK_CONTAINS))
            fail_msg("'%s' in '%.*s'", wanted, (int)body_length, body);
        check_close(&check);
    }
    assert_in_range(found, 2000, 18000);
}

static void test_pieces(void **state)
{
    (void)state;
    struct check check = CHECK("status=200", "contains=lo wo", "length=11", "crc32=0d4a1185"); /* of "hello world" */
    const char *whole = "hello world";
    for (size_t first = 0; first <= 11; first++)
        for (size_t second = first; second <= 11; second++) {
            struct check_progress progress;
            check_begin(&progress);
            check_body(&check, &progress, (struct slice){whole, first});
            check_body(&check, &progress, (struct slice){whole + first, second - first});
            check_body(&check, &progress, (struct slice){whole + second, 11 - second});
            assert_int_equal(check_end(&check, &progress, 200), CHECK_KINDS);
        }
    check_close(&check);
}

/* What fails first, in the order of the kinds, is what is reported. */
static void test_first_failure(void **state)
{
    (void)state;
    struct check check = CHECK("crc32=1", "length=5", "contains=z", "header=X", "status=200");
    const struct field fields[] = {{"x", "1"}, {NULL, NULL}};
    assert_int_equal(verdict(&check, 404, NULL, SLICE("")), CHECK_STATUS);
    assert_int_equal(verdict(&check, 200, NULL, SLICE("")), CHECK_HEADER);
    assert_int_equal(verdict(&check, 200, fields, SLICE("aaaaaa")), CHECK_CONTAINS);
    assert_int_equal(verdict(&check, 200, fields, SLICE("zzzzzz")), CHECK_LENGTH);
    assert_int_equal(verdict(&check, 200, fields, SLICE("zzzzz")), CHECK_CRC32);
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        assert_true(strlen(check_names[kind]) > 0);
    check_close(&check);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "status",
        "status=",
        "status=20",
        "status=2000",
        "status=099",
        "status=0xx",
        "status=200-",
        "status=300-200",
        "status=200-2000",
        "status=200x",
        "status=axx",
        "status= 200",
        "Status=200",
        "header=",
        "header=a b",
        "header=: x",
        "contains=",
        "contains",
        "length=",
        "length=-1",
        "length=x",
        "length=1.5",
        "crc32=",
        "crc32=123456789",
        "crc32=xyz",
        "crc32=-1",
        "sha256=00",
        "=200",
        "statuss=200",
    };
    for (unsigned i = 0; i < LENGTH_OF(texts); i++) {
        struct check check = {.status_from = 0};
        char message[MESSAGE_SIZE] = "";
        if (check_add(&check, texts[i], message) != -EINVAL || !strstr(message, "status=200"))
            fail_msg("'%s': '%s'", texts[i], message);
        assert_true(check_is_empty(&check));
        check_close(&check);
    }
    struct check check = CHECK("contains=a");
    char message[MESSAGE_SIZE] = "";
    assert_int_equal(check_add(&check, "contains=b", message), -EINVAL);
    assert_non_null(strstr(message, "already"));
    assert_int_equal(verdict(&check, 200, NULL, SLICE("a")), CHECK_KINDS);
    check_close(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_asked), cmocka_unit_test(test_status),   cmocka_unit_test(test_header),
        cmocka_unit_test(test_body),          cmocka_unit_test(test_contains), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_first_failure), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
