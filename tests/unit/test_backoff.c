/* When a worker starts again: doubling, the cap, the spread, what counts as short, giving up, being forgiven. */
#include "support.h"

#include "cluster/backoff.h"

#include <errno.h>

#define MS UINT64_C(1000000)

/* The defaults of the servers. */
static const struct backoff_settings usual = {100 * MS, 15000 * MS, 30000 * MS, 8};

/* Dice for the least and the greatest delay of `most_ns`. */
static const uint64_t lowest = 0;

static uint64_t highest(uint64_t most_ns)
{
    return most_ns - most_ns / 2;
}

static uint64_t delay_after(struct backoff *backoff, const struct backoff_settings *settings, uint64_t lived_ns, uint64_t random)
{
    uint64_t delay_ns = 0;

    assert_int_equal(backoff_next(backoff, settings, lived_ns, random, &delay_ns), 0);
    return delay_ns;
}

static void doubles_behind_each_short_life(void **state)
{
    static const uint64_t most_ms[] = {100, 200, 400, 800, 1600, 3200, 6400};
    struct backoff low = {0}, high = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(most_ms); i++) {
        assert_int_equal(delay_after(&low, &usual, 0, lowest), most_ms[i] * MS / 2);
        assert_int_equal(delay_after(&high, &usual, 29999 * MS, highest(most_ms[i] * MS)), most_ms[i] * MS);
        assert_int_equal(low.short_lives, i + 1);
    }
}

static void grows_to_the_cap_and_no_further(void **state)
{
    const struct backoff_settings settings = {100 * MS, 1000 * MS, 30000 * MS, 1000000};
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 4; i++)
        delay_after(&backoff, &settings, 0, lowest);
    for (int i = 0; i < 200; i++) { /* behind 64 doublings, too */
        assert_int_equal(delay_after(&backoff, &settings, 0, lowest), 500 * MS);
        assert_int_equal(delay_after(&backoff, &settings, 0, highest(1000 * MS)), 1000 * MS);
    }
}

static void first_delay_may_pass_the_cap(void **state)
{
    const struct backoff_settings settings = {5000 * MS, 1000 * MS, 30000 * MS, 8};
    struct backoff backoff = {0};

    (void)state;
    assert_int_equal(delay_after(&backoff, &settings, 0, highest(1000 * MS)), 1000 * MS);
}

/* A delay of the whole range of 64 bits must not run over. */
static void largest_times_do_not_run_over(void **state)
{
    const struct backoff_settings settings = {UINT64_MAX / 2 + 1, UINT64_MAX, UINT64_MAX, 8};
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(delay_after(&backoff, &settings, 0, UINT64_MAX) >= UINT64_MAX / 4);
}

/* Every delay lies in the upper half, and both halves of that are hit. */
static void spread_over_the_upper_half(void **state)
{
    unsigned below = 0, above = 0;
    uint64_t random = 88172645463325252u;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct backoff backoff = {0};
        random ^= random << 13, random ^= random >> 7, random ^= random << 17; /* Marsaglia, "Xorshift RNGs", 2003 */
        uint64_t delay_ns = delay_after(&backoff, &usual, 0, random);
        assert_in_range(delay_ns, 50 * MS, 100 * MS);
        below += delay_ns < 75 * MS;
        above += delay_ns >= 75 * MS;
    }
    assert_true(below > 900 && above > 900);
}

static void long_life_forgives(void **state)
{
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        delay_after(&backoff, &usual, 0, lowest);
    assert_int_equal(delay_after(&backoff, &usual, 30000 * MS, lowest), 50 * MS);
    assert_int_equal(backoff.short_lives, 0);
    assert_int_equal(delay_after(&backoff, &usual, 0, lowest), 50 * MS);
}

static void given_up_behind_too_many(void **state)
{
    struct backoff backoff = {0};
    uint64_t delay_ns = 7;

    (void)state;
    for (int i = 1; i < 8; i++)
        delay_after(&backoff, &usual, 0, lowest);
    for (int i = 0; i < 3; i++) { /* and stays so */
        assert_int_equal(backoff_next(&backoff, &usual, 0, 0, &delay_ns), -ELOOP);
        assert_int_equal(delay_ns, 7);
    }
    backoff_forgive(&backoff);
    assert_int_equal(delay_after(&backoff, &usual, 0, lowest), 50 * MS);
}

/* Eight lives, but one of them was long. */
static void only_lives_in_a_row_count(void **state)
{
    struct backoff backoff = {0};

    (void)state;
    for (int i = 1; i < 8; i++)
        delay_after(&backoff, &usual, 0, lowest);
    delay_after(&backoff, &usual, 30000 * MS, lowest);
    for (int i = 1; i < 8; i++)
        delay_after(&backoff, &usual, 0, lowest);
}

static void one_crash_may_be_too_many(void **state)
{
    const struct backoff_settings settings = {100 * MS, 1000 * MS, 30000 * MS, 1};
    struct backoff backoff = {0};
    uint64_t delay_ns;

    (void)state;
    assert_int_equal(delay_after(&backoff, &settings, 30000 * MS, lowest), 50 * MS);
    assert_int_equal(backoff_next(&backoff, &settings, 0, 0, &delay_ns), -ELOOP);
}

/* --steady-after 0: no life is short. */
static void no_life_is_short(void **state)
{
    const struct backoff_settings settings = {100 * MS, 1000 * MS, 0, 1};
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(delay_after(&backoff, &settings, 0, lowest), 50 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_behind_each_short_life), cmocka_unit_test(grows_to_the_cap_and_no_further),
        cmocka_unit_test(first_delay_may_pass_the_cap),   cmocka_unit_test(largest_times_do_not_run_over),
        cmocka_unit_test(spread_over_the_upper_half),     cmocka_unit_test(long_life_forgives),
        cmocka_unit_test(given_up_behind_too_many),       cmocka_unit_test(only_lives_in_a_row_count),
        cmocka_unit_test(one_crash_may_be_too_many),      cmocka_unit_test(no_life_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
