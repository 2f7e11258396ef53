/* Two samples that are no pairs: the distribution of U as tables have it, estimates and intervals that can be counted by hand, and
 * simulated pairs of runs: how often the interval holds the truth, how often alike runs are called different. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "harness/compare_parts.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void test_distribution(void **state)
{
    (void)state;
    NEAR(shift_u_at_most(0, 6, 6), 1.0 / 924);
    NEAR(shift_u_at_most(5, 6, 6), 19.0 / 924); /* partitions of 0..5 into parts of at most 6: 1 1 2 3 5 7 */
    NEAR(shift_u_at_most(0, 10, 10), 1.0 / 184756);
    NEAR(shift_u_at_most(1, 2, 1), 2.0 / 3);
    NEAR(shift_u_at_most(4, 2, 2), 1);
    NEAR(shift_p_least(6, 6), 2.0 / 924);
    /* Critical values of two-sided 5 %: 5 for 6 and 6, 23 for 10 and 10, 11 for 6 and 10, 127 for 20 and 20. */
    static const unsigned table[][3] = {{6, 6, 5}, {10, 10, 23}, {6, 10, 11}, {10, 6, 11}, {20, 20, 127}};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        assert_true(2 * shift_u_at_most(table[i][2], table[i][0], table[i][1]) <= 0.05);
        assert_true(2 * shift_u_at_most(table[i][2] + 1, table[i][0], table[i][1]) > 0.05);
    }
    /* The approximation takes over where nobody sees it. */
    assert_true(fabs(shift_u_at_most(640, 41, 41) - shift_u_at_most(600, 40, 40)) < 0.01);
    assert_true(fabs(shift_u_at_most(600, 40, 40) - 0.0274) < 0.0005);
}

static void test_known_shift(void **state)
{
    (void)state;
    const double a[] = {log(1), log(2), log(3), log(4), log(5), log(6)};
    double b[6];
    for (int i = 0; i < 6; i++)
        b[i] = a[i] + log(10);
    struct shift shift = shift_of(a, 6, b, 6);
    assert_int_equal(shift.a, 6);
    assert_int_equal(shift.b, 6);
    NEAR(shift.middle, 10);
    NEAR(shift.coverage, 1 - 2 * 19.0 / 924);
    NEAR(shift.low, 10 * 2.0 / 5); /* of the 36 ratios i/j the 6th least: 1/6 1/5 1/4 1/3 2/6 2/5 */
    NEAR(shift.high, 10 * 5.0 / 2);
    NEAR(shift.p, 2.0 / 924); /* the least of b is above the greatest of a */
}

/* Turning the runs round turns the ratio round. */
static void test_symmetry(void **state)
{
    (void)state;
    const double a[] = {0.1, 0.5, 0.2, 0.9, 0.4, 0.3, 0.8}, b[] = {0.6, 0.7, 1.1, 0.35, 0.55, 1.3};
    struct shift there = shift_of(a, 7, b, 6), back = shift_of(b, 6, a, 7);
    NEAR(there.middle * back.middle, 1);
    NEAR(there.low * back.high, 1);
    NEAR(there.p, back.p);
}

static void test_ties_and_gaps(void **state)
{
    (void)state;
    const double same[] = {2, 2, 2, 2, 2, 2}, gaps[] = {1, NAN, 2, -INFINITY, 3, 4, 5, 6}, few[] = {1, 2, 3};
    struct shift shift = shift_of(same, 6, same, 6);
    NEAR(shift.middle, 1);
    NEAR(shift.low, 1);
    NEAR(shift.high, 1);
    NEAR(shift.p, 1);
    shift = shift_of(gaps, 8, gaps, 8);
    assert_int_equal(shift.a, 6);
    NEAR(shift.middle, 1);
    shift = shift_of(few, 3, few, 3);
    NEAR(shift.middle, 1);
    assert_true(isnan(shift.low) && isnan(shift.high) && shift.coverage == 0);
    shift = shift_of(few, 0, few, 3);
    assert_true(isnan(shift.middle) && isnan(shift.p));
}

/* Who loses nothing can be held against who does. */
static void test_differences(void **state)
{
    (void)state;
    const double none[] = {0, 0, 0, 0, 0, 0}, some[] = {5, 6, 7, 8, 9, 10};
    struct shift shift = shift_of_differences(none, 6, some, 6);
    NEAR(shift.middle, 7.5);
    NEAR(shift.low, 5);
    NEAR(shift.high, 10);
    NEAR(shift.p, 2.0 / 924);
    shift = shift_of_differences(some, 6, none, 6);
    NEAR(shift.middle, -7.5);
    shift = shift_of_differences(none, 6, none, 6);
    assert_true(shift.middle == 0 && shift.low == 0 && shift.high == 0 && shift.p == 1);
}

static enum outcome outcome_of(double low, double high, int better)
{
    const struct shift shift = {.low = low, .high = high};
    return compare_outcome(&shift, 1, 0.03, better);
}

static void test_outcomes(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(0.98, 1.02, -1), OUTCOME_SAME);
    assert_int_equal(outcome_of(1.04, 1.20, -1), OUTCOME_WORSE);
    assert_int_equal(outcome_of(1.04, 1.20, +1), OUTCOME_BETTER);
    assert_int_equal(outcome_of(0.80, 0.96, -1), OUTCOME_BETTER);
    assert_int_equal(outcome_of(0.80, 0.96, +1), OUTCOME_WORSE);
    assert_int_equal(outcome_of(0.90, 1.02, -1), OUTCOME_NO_WORSE);
    assert_int_equal(outcome_of(0.90, 1.02, +1), OUTCOME_UNDECIDED);
    assert_int_equal(outcome_of(0.98, 1.10, -1), OUTCOME_UNDECIDED);
    assert_int_equal(outcome_of(0.98, 1.10, +1), OUTCOME_NO_WORSE);
    assert_int_equal(outcome_of(0.90, 1.10, -1), OUTCOME_UNDECIDED);
    assert_int_equal(outcome_of(NAN, NAN, -1), OUTCOME_NONE);
    const struct shift lost = {.low = 5, .high = 10}, nothing = {.low = 0, .high = 0}, perhaps = {.low = -1, .high = 3};
    assert_int_equal(compare_outcome(&lost, 0, 2, -1), OUTCOME_WORSE);
    assert_int_equal(compare_outcome(&nothing, 0, 0, -1), OUTCOME_SAME);
    assert_int_equal(compare_outcome(&perhaps, 0, 2, -1), OUTCOME_UNDECIDED);
    assert_int_equal(compare_outcome(&perhaps, 0, 2, +1), OUTCOME_NO_WORSE);
}

/* 4,000 pairs of runs of n blocks, B `shift` above A: the share of intervals that hold the shift, and of p below .05. */
static void simulate(unsigned n, double shift, double *holds, double *found)
{
    struct random random;
    unsigned inside = 0, small = 0;
    random_init(&random, 4211 + n);
    for (unsigned run = 0; run < 4000; run++) {
        double a[20], b[20];
        for (unsigned i = 0; i < n; i++) {
            a[i] = 0.05 * random_normal(&random);
            b[i] = 0.05 * random_normal(&random) + shift;
        }
        struct shift got = shift_of(a, n, b, n);
        inside += got.low <= exp(shift) && exp(shift) <= got.high;
        small += got.p < 0.05;
    }
    *holds = inside / 4000.0;
    *found = small / 4000.0;
}

static void test_simulated(void **state)
{
    (void)state;
    double holds, found;
    simulate(6, 0, &holds, &found);
    assert_true(holds > 0.95 && holds < 0.97); /* 95.9 % */
    assert_true(found > 0.03 && found < 0.05); /* 4.1 % */
    simulate(10, 0.1, &holds, &found);
    assert_true(holds > 0.945 && holds < 0.97); /* 95.7 % */
    assert_true(found > 0.95);                  /* twice the noise, ten blocks each */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distribution),  cmocka_unit_test(test_known_shift), cmocka_unit_test(test_symmetry),
        cmocka_unit_test(test_ties_and_gaps), cmocka_unit_test(test_differences), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_simulated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
