/*
 * Dates in HTTP: there and back, all three forms, and everything that only looks like one.
 */
#include "support.h"

#include "http/date.h"

#define NOW 1763800000 /* November 2025 */

static const struct {
    const char *text;
    time_t date;
} good[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* the leap second */
    {"Tue Jan 19 03:14:08 2038", 2147483648},
    {"Monday, 01-Jan-75 00:00:00 GMT", 3313526400}, /* fifty years ahead: still the future */
    {"Monday, 01-Jan-76 00:00:00 GMT", 189302400},  /* beyond: the past */
};

static const char *const bad[] = {
    "",
    "0",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Sun, 06 Now 1994 08:49:37 GMT",
    "Xxx, 06 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 29 Feb 1900 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov +994 08:49:37 GMT",
    "Sun, 06 Nov 199 08:49:37 GMT",
    "Sun, 06 Nov 19940 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sun Nov 06 08:49:37 94",
    "Sun Nov   08:49:37 1994",
};

static int parse(const char *text, size_t length, time_t *date)
{
    struct guarded guarded;
    guarded_init(&guarded, text, length);
    int error = http_date_parse((struct slice){guarded.text, guarded.length}, NOW, date);
    guarded_close(&guarded);
    return error;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        time_t date = 42;
        if (parse(good[i].text, strlen(good[i].text), &date) != 0 || date != good[i].date)
            fail_msg("'%s': %lld, wanted %lld", good[i].text, (long long)date, (long long)good[i].date);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        time_t date;
        if (parse(bad[i], strlen(bad[i]), &date) == 0)
            fail_msg("'%s' was taken for %lld", bad[i], (long long)date);
    }
}

/* No piece of a date is one. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t length = 0; length < strlen(good[i].text); length++) {
            time_t date;
            assert_int_not_equal(parse(good[i].text, length, &date), 0);
        }
}

static void test_there_and_back(void **state)
{
    char text[HTTP_DATE_SIZE];
    (void)state;
    assert_string_equal(http_date_write(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    for (time_t date = -5000000000; date < 200000000000; date += 86399 * 1234 + 7) {
        time_t back = 0;
        http_date_write(date, text);
        assert_int_equal(strlen(text), HTTP_DATE_SIZE - 1);
        assert_int_equal(parse(text, strlen(text), &back), 0);
        assert_int_equal(back, date);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
