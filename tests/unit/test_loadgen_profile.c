/* Rates over time: what is planned by when, in closed form and backwards; what a profile's text may be. */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

#define SECOND UINT64_C(1000000000)

static struct profile profile_of(const char *text)
{
    struct profile profile;
    char message[MESSAGE_SIZE] = "";
    if (profile_parse(text, &profile, message) != 0)
        fail_msg("'%s' was refused: %s", text, message);
    return profile;
}

static void expect_near(double value, double expected, double by)
{
    if (!(fabs(value - expected) <= by))
        fail_msg("%.17g is not %.17g +- %g", value, expected, by);
}

static void test_totals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double total;
        uint64_t length_ns;
        unsigned segments;
        double peak;
    } rows[] = {
        {"hold 5000 for 10s", 50000, 10 * SECOND, 1, 5000},
        {"ramp 1000..20000 over 30s", 315000, 30 * SECOND, 1, 20000},
        {"ramp 20k..0 over 30s", 300000, 30 * SECOND, 1, 20000},
        {"step 1000..5000 by 1000 every 5s", 75000, 25 * SECOND, 5, 5000},
        {"step 5000..1000 by 2k every 1s", 9000, 3 * SECOND, 3, 5000},
        {"step 7..7 by 1 every 2s", 14, 2 * SECOND, 1, 7},
        {"step 0.1..0.5 by 0.1 every 10s", 15, 50 * SECOND, 5, 0.5},
        {"spike 1000..20000 at 10s for 2s", 60000, 22 * SECOND, 3, 20000},
        {"spike 1000..20000 at 0 for 2s", 40000, 2 * SECOND, 1, 20000},
        {"sine 1000..5000 every 10s for 60s", 180000, 60 * SECOND, 1, 5000},
        {"sine 1000..5000 every 10s", 30000, 10 * SECOND, 1, 5000},
        {"sine 0..100 every 2s for 1s", 50 + 100 / M_PI, SECOND, 1, 100},
        {"hold 100 for 1s, hold 0 for 10s,hold 100 for 1s", 200, 12 * SECOND, 3, 100},
        {"\t hold  1.5k   for\t2s ,ramp 0.5 .. 1.5 over 1s", 3001, 3 * SECOND, 2, 1500},
        {"ramp 0..0 over 1s, hold 2.5 for 400ms", 1, 1400 * SECOND / 1000, 2, 2.5},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct profile profile = profile_of(rows[i].text);
        expect_near(profile_total(&profile), rows[i].total, 1e-12 * rows[i].total);
        expect_near(profile_planned(&profile, rows[i].length_ns), rows[i].total, 1e-12 * rows[i].total);
        assert_int_equal(profile.length_ns, rows[i].length_ns);
        assert_int_equal(profile.count, rows[i].segments);
        expect_near(profile_peak(&profile), rows[i].peak, 0);
        expect_near(profile_rate(&profile, rows[i].length_ns), 0, 0);
        assert_true(isinf(profile_offset_ns(&profile, profile_total(&profile))));
        profile_close(&profile);
    }
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double second, rate;
    } rows[] = {
        {"hold 5000 for 10s", 9.999, 5000},
        {"ramp 1000..20000 over 30s", 0, 1000},
        {"ramp 1000..20000 over 30s", 15, 10500},
        {"step 1000..5000 by 1000 every 5s", 4.999, 1000},
        {"step 1000..5000 by 1000 every 5s", 5, 2000},
        {"step 5000..1000 by 2000 every 5s", 10, 1000},
        {"spike 1000..20000 at 10s for 2s", 9.999, 1000},
        {"spike 1000..20000 at 10s for 2s", 10, 20000},
        {"spike 1000..20000 at 10s for 2s", 12, 1000},
        {"sine 1000..5000 every 8s", 0, 3000},
        {"sine 1000..5000 every 8s", 2, 5000}, /* from the middle up first */
        {"sine 1000..5000 every 8s for 16s", 14, 1000},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct profile profile = profile_of(rows[i].text);
        expect_near(profile_rate(&profile, (uint64_t)(rows[i].second * 1e9)), rows[i].rate, 1e-6);
        profile_close(&profile);
    }
}

static const char *const shapes[] = {
    "hold 5000 for 10s",
    "hold 0.3 for 10s",
    "ramp 1000..20000 over 30s",
    "ramp 0..20000 over 30s",
    "ramp 20000..0 over 30s",
    "ramp 1000..1000.0001 over 30s",
    "ramp 20000..1000 over 3s, ramp 1000..20000 over 3s",
    "step 1000..5000 by 1000 every 5s",
    "spike 0..20000 at 10s for 2s",
    "sine 1000..5000 every 10s for 65s",
    "sine 0..5000 every 1s for 30s",
    "sine 3000..3000 every 1s for 3s",
    "hold 100 for 1s, hold 0 for 10s, ramp 0..10 over 5s, sine 0..1000 every 3s",
};

/* Forth and back: offset(planned(x)) is x, as far as doubles can tell, which is less far where the rate comes near 0. */
static void test_inverse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(shapes); i++) {
        struct profile profile = profile_of(shapes[i]);
        struct random random;
        random_init(&random, 7);
        for (unsigned k = 0; k < 20000; k++) {
            uint64_t at = random_below(&random, profile.length_ns);
            double rate = profile_rate(&profile, at), planned = profile_planned(&profile, at);
            double back = profile_offset_ns(&profile, planned);
            if (rate >= 0.1 && fabs(back - (double)at) > 0.01 + 1e-14 * planned / rate * 1e9)
                fail_msg("%s: at %llu ns %.17g are planned, and these by %.17g ns", shapes[i], (unsigned long long)at, planned,
                         back);
            /* and where the rate is next to nothing, at least so many are planned by then */
            if (planned < profile_total(&profile))
                expect_near(profile_planned(&profile, (uint64_t)(back + 0.5)), planned, 1e-6);
        }
        profile_close(&profile);
    }
}

/* What is planned never falls; the moments of ascending numbers, near ones too, never go back. */
static void test_monotone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(shapes); i++) {
        struct profile profile = profile_of(shapes[i]);
        double total = profile_total(&profile), planned = 0, offset = 0;
        for (unsigned k = 0; k <= 100000; k++) {
            double now = profile_planned(&profile, (uint64_t)((double)profile.length_ns / 100000 * k));
            assert_true(now >= planned && now <= total);
            planned = now;
        }
        for (unsigned k = 0; k < 100000; k++) {
            double now = profile_offset_ns(&profile, total * k / 100000.0);
            assert_true(now >= offset - 0.002 && now <= (double)profile.length_ns);
            offset = now;
        }
        offset = 0;
        for (unsigned k = 0; k < 100000; k++) {
            double now = profile_offset_ns(&profile, total * 0.37 + k * 1e-9 * total / 1e5);
            assert_true(now >= offset - 0.002);
            offset = now;
        }
        profile_close(&profile);
    }
}

/* A rate of 0 has no requests: the one on its border comes when there is a rate again. */
static void test_pause(void **state)
{
    (void)state;
    struct profile profile = profile_of("hold 100 for 1s, hold 0 for 10s, hold 100 for 1s, hold 0 for 5s");
    expect_near(profile_offset_ns(&profile, 99), 0.99e9, 1e-3);
    expect_near(profile_offset_ns(&profile, 100), 11e9, 0);
    expect_near(profile_offset_ns(&profile, 199), 11.99e9, 1e-3);
    assert_true(isinf(profile_offset_ns(&profile, 200)));
    expect_near(profile_planned(&profile, 5 * SECOND), 100, 0);
    profile_close(&profile);
}

static void test_constant_is_exact(void **state)
{
    (void)state;
    static const double rates[] = {1, 1000.0 / 3, 20000, 123456.789, 1e8};
    for (unsigned i = 0; i < LENGTH_OF(rates); i++) {
        struct profile profile;
        assert_int_equal(profile_constant(&profile, rates[i]), 0);
        for (double nth = 0; nth < 1e10; nth = nth * 1.7 + 1)
            assert_true(profile_offset_ns(&profile, nth) == nth * 1e9 / rates[i]);
        assert_true(isinf(profile_total(&profile)));
        assert_true(profile_rate(&profile, UINT64_MAX - 1) == rates[i]);
        profile_close(&profile);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "segment 1 is empty; use 'hold"},
        {"hold 5 for 1s,", "segment 2 is empty"},
        {"hold 5 for 1s,,hold 5 for 1s", "segment 2 is empty"},
        {"jump 1..2 over 3s", "segment 1 is of no known kind; use 'hold"},
        {"Hold 5 for 1s", "segment 1 is of no known kind"},
        {"hold", "segment 1: it ends too early; use 'hold RATE for TIME'"},
        {"hold 5 for", "segment 1: it ends too early"},
        {"hold 5 for 10", "segment 1: '10' is not a time above 0 with its unit; use 'hold RATE for TIME'"},
        {"hold 5 for 0", "segment 1: '0' is not a time above 0"},
        {"hold 5 over 10s", "segment 1: 'over' is not expected there"},
        {"hold 5 for 10s twice", "segment 1: 'twice' is too much"},
        {"hold -5 for 10s", "segment 1: '-5' is not a rate of 0..100m requests/s"},
        {"hold 0x10 for 10s", "segment 1: '0x10' is not a rate"},
        {"hold inf for 10s", "segment 1: 'inf' is not a rate"},
        {"hold .5 for 10s", "segment 1: '.5' is not a rate"},
        {"hold 1.2.3 for 10s", "segment 1: '1.2.3' is not a rate"},
        {"hold 101m for 10s", "segment 1: '101m' is not a rate"},
        {"hold 5..6 for 10s", "segment 1: '..' is not expected there"},
        {"hold 1s for 5", "segment 1: '1s' is not a rate"},
        {"hold 5 for 25h", "segment 1: it lasts longer than 24h"},
        {"hold 5 for 20h, hold 5 for 4h, hold 5 for 1ns", "segment 3: it lasts longer than 24h"},
        {"hold 5 for 1s, ramp 1000 over 3s", "segment 2: 'over' is not expected there; use 'ramp RATE..RATE over TIME'"},
        {"ramp 1000.. over 3s", "segment 1: 'over' is not a rate"},
        {"ramp 1...5 over 3s", "segment 1: '.5' is not a rate"},
        {"step 1..5 by 0 every 1s", "segment 1: its steps must be above 0"},
        {"step 1000..4500 by 1000 every 5s", "segment 1: its steps do not end at the last rate"},
        {"step 0..10001 by 1 every 1us", "segment 1: that makes more than 10000 steps"},
        {"step 0..100m by 0.001 every 1us", "segment 1: that makes more than 10000 steps"},
        {"spike 1..5 at 0 for 0", "segment 1: '0' is not a time above 0"},
        {"sine 5000..1000 every 10s", "segment 1: its first rate must be the lower one"},
        {"sine 1000..5000 every 10s for", "segment 1: it ends too early"},
        {"sine 1000..5000 every 10s 60s", "segment 1: '60s' is not expected there"},
        {"hold 0 for 10s, ramp 0..0 over 1s", "it plans no request at all"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct profile profile;
        char message[MESSAGE_SIZE] = "";
        if (profile_parse(rows[i].text, &profile, message) != -EINVAL || !strstr(message, rows[i].says) || strchr(message, '\n'))
            fail_msg("'%s': '%s'", rows[i].text, message);
        assert_null(profile.segments);
    }
}

/* No text breaks the reader: every beginning of good ones, and random words of their alphabet. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const words[] = {"hold", "ramp", "step", "spike", "sine", "for", "over", "by", "at",
                                        "..",   "1",    "1000", "0.5",   "1s",   "5ms", ",",    " ",  "every"};
    struct random random;
    struct profile profile;
    char text[256], message[MESSAGE_SIZE];
    for (unsigned i = 0; i < LENGTH_OF(shapes); i++)
        for (size_t length = 0; length < strlen(shapes[i]); length++) {
            snprintf(text, sizeof(text), "%.*s", (int)length, shapes[i]);
            if (profile_parse(text, &profile, message) == 0)
                profile_close(&profile);
        }
    random_init(&random, 3);
    for (unsigned i = 0; i < 100000; i++) {
        text[0] = '\0';
        for (unsigned k = (unsigned)random_below(&random, 12); k > 0; k--) {
            strcat(text, words[random_below(&random, LENGTH_OF(words))]);
            strcat(text, random_below(&random, 4) ? " " : "");
        }
        if (profile_parse(text, &profile, message) == 0) {
            assert_true(profile_total(&profile) > 0 && profile.count > 0 && profile.length_ns > 0);
            profile_close(&profile);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),   cmocka_unit_test(test_rates),   cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_monotone), cmocka_unit_test(test_pause),   cmocka_unit_test(test_constant_is_exact),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
