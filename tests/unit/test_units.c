/* Times, sizes and counts: what is taken, what is refused, and that the formatters' words are taken back. */
#include "support.h"

#include "base/units.h"

#include <errno.h>

typedef int (*parser)(const char *text, size_t length, uint64_t *value);

struct good {
    const char *text;
    uint64_t value;
};

static int parse_guarded(parser parse, const char *text, uint64_t *value)
{
    struct guarded guarded;
    int result;

    guarded_init(&guarded, text, strlen(text));
    result = parse(guarded.text, guarded.length, value);
    guarded_close(&guarded);
    return result;
}

static void check_good(parser parse, const struct good *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;

        if (parse_guarded(parse, rows[i].text, &value) != 0 || value != rows[i].value)
            fail_msg("'%s' gave %llu", rows[i].text, (unsigned long long)value);
    }
}

static void check_refused(parser parse, const char *const *texts, int expected)
{
    for (; *texts != NULL; texts++) {
        uint64_t value = 4711;
        int result = parse_guarded(parse, *texts, &value);

        if (result != expected || value != 4711)
            fail_msg("'%s' gave %d and %llu", *texts, result, (unsigned long long)value);
    }
}

static void times(void **state)
{
    static const struct good good[] = {
        {"0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"250us", 250000},
        {"5ms", 5000000},
        {"1.5s", 1500000000},
        {"2m", 120000000000},
        {"1h", 3600000000000},
        {"0.001us", 1},
        {"1.000000000000s", 1000000000},
        {"0.1m", 6000000000},
        {"18446744073709551615ns", UINT64_MAX},
    };
    static const char *const bad[] = {"",     "5",    "00",  "s",     ".5s",  "5.s",  "-5ms", "+5ms",  " 5ms", "5 ms",
                                      "5ms ", "5msx", "5MS", "1.5ns", "1e3s", "0x5s", "5d",   "1..5s", NULL};
    static const char *const large[] = {"18446744073709551616ns", "18446744073709551616s", "18446744074s",
                                        "99999999999999999999999999h", NULL};

    (void)state;
    check_good(units_parse_time, good, LENGTH_OF(good));
    check_refused(units_parse_time, bad, -EINVAL);
    check_refused(units_parse_time, large, -ERANGE);
}

static void sizes(void **state)
{
    static const struct good good[] = {
        {"0", 0},       {"512", 512},    {"1k", 1024},       {"64K", 65536},
        {"1.5k", 1536}, {"1m", 1048576}, {"1g", 1073741824}, {"17179869183g", UINT64_C(17179869183) << 30},
    };
    static const char *const bad[] = {"", "k", "1.5", "0.3k", "1kb", "1kk", "-1", "1 k", "1t", NULL};
    static const char *const large[] = {"17179869184g", "18446744073709551616", NULL};

    (void)state;
    check_good(units_parse_size, good, LENGTH_OF(good));
    check_refused(units_parse_size, bad, -EINVAL);
    check_refused(units_parse_size, large, -ERANGE);
}

static void counts(void **state)
{
    static const struct good good[] = {{"0", 0}, {"64", 64}, {"10k", 10000}, {"1.5k", 1500}, {"2M", 2000000}, {"1g", 1000000000}};
    static const char *const bad[] = {"", "1.5", "1.0005k", "ten", "1_000", "1,000", NULL};

    (void)state;
    check_good(units_parse_count, good, LENGTH_OF(good));
    check_refused(units_parse_count, bad, -EINVAL);
}

/* `length` is the end, whatever stands behind it. */
static void length_is_respected(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(units_parse_time("5msX", 3, &value), 0);
    assert_int_equal(value, 5000000);
    assert_int_equal(units_parse_size("1234", 2, &value), 0);
    assert_int_equal(value, 12);
}

static void formatted_exactly(void **state)
{
    static const struct good times[] = {{"0", 0},
                                        {"1ns", 1},
                                        {"1500us", 1500000},
                                        {"2s", 2000000000},
                                        {"90s", 90000000000},
                                        {"2m", 120000000000},
                                        {"1h", 3600000000000}};
    static const struct good sizes[] = {{"0", 0}, {"1000", 1000}, {"64k", 65536}, {"1536k", 1572864}, {"1g", 1073741824}};
    char text[UNITS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(times); i++)
        assert_string_equal(units_format_time(times[i].value, text), times[i].text);
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        assert_string_equal(units_format_size(sizes[i].value, text), sizes[i].text);
}

static void formatted_is_parsed_back(void **state)
{
    char text[UNITS_TEXT_SIZE];
    uint64_t value, back;

    (void)state;
    for (value = 1; value < UINT64_MAX / 7; value *= 7) {
        units_format_time(value, text);
        assert_int_equal(units_parse_time(text, strlen(text), &back), 0);
        assert_int_equal(back, value);
        units_format_size(value, text);
        assert_int_equal(units_parse_size(text, strlen(text), &back), 0);
        assert_int_equal(back, value);
    }
}

static void printed_for_tables(void **state)
{
    static const struct {
        double ns;
        const char *text;
    } times[] = {{0, "0.00ms"},        {80000, "0.08ms"}, {1020000, "1.02ms"}, {999990000, "999.99ms"},
                 {999996000, "1.00s"}, {1.52e9, "1.52s"}, {59.999e9, "1.00m"}, {5400e9, "1.50h"}};
    static const struct {
        double bytes;
        const char *text;
    } sizes[] = {{0, "0.00B"},        {512, "512.00B"},      {1023.999, "1.00KB"}, {799037.44, "780.31KB"},
                 {3995074, "3.81MB"}, {1610612736, "1.50GB"}};
    char text[UNITS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(times); i++)
        assert_string_equal(units_print_time(times[i].ns, text), times[i].text);
    for (size_t i = 0; i < LENGTH_OF(sizes); i++)
        assert_string_equal(units_print_size(sizes[i].bytes, text), sizes[i].text);
}

static void test_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0}, {"0.8", 0.8}, {"12.", 12}, {".5", 0.5}, {"0000000000000000000000000000001", 1}};
    static const char *const bad[] = {
        "", ".", "-1", "+1", "1e3", "0x1", "nan", "1.2.3", " 1", "1 ", "00000000000000000000000000000001"};
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        double value = -1;
        assert_int_equal(units_parse_decimal(good[i].text, strlen(good[i].text), &value), 0);
        assert_true(value == good[i].value);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        double value = -1;
        assert_int_equal(units_parse_decimal(bad[i], strlen(bad[i]), &value), -EINVAL);
        assert_true(value == -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(sizes),
        cmocka_unit_test(counts),
        cmocka_unit_test(length_is_respected),
        cmocka_unit_test(formatted_exactly),
        cmocka_unit_test(formatted_is_parsed_back),
        cmocka_unit_test(printed_for_tables),
        cmocka_unit_test(test_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
