/* Fairness figures against hand-worked cases, the chi-square tail against GSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "loadgen/measure/measure.h"

static void expect_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fmax(1, fabs(expected))))
        fail_msg("%.15g is not %.15g", value, expected);
}

static void test_tail_is_gsl_s(void **state)
{
    (void)state;
    for (double freedom = 1; freedom <= 255; freedom += freedom < 20 ? 1 : 47)
        for (double x = 0; x <= 3 * freedom + 40; x += 0.37) {
            double expected = gsl_cdf_chisq_Q(x, freedom), value = chi_square_upper_tail(x, freedom);
            if (fabs(value - expected) > 1e-10 + 1e-8 * expected)
                fail_msg("x %.3f, %.0f degrees: %.12g, GSL %.12g", x, freedom, value, expected);
        }
}

static void test_jain(void **state)
{
    (void)state;
    expect_near(fairness_jain((uint64_t[]){5, 5, 5, 5}, 4), 1);
    expect_near(fairness_jain((uint64_t[]){7, 0, 0, 0}, 4), 0.25);
    expect_near(fairness_jain((uint64_t[]){1, 2, 3}, 3), 36.0 / 42);
    assert_true(isnan(fairness_jain((uint64_t[]){0, 0}, 2)));
}

static void test_chi_square(void **state)
{
    (void)state;
    expect_near(fairness_chi_square_p((uint64_t[]){16, 16, 16, 16}, 4), 1);
    expect_near(fairness_chi_square_p((uint64_t[]){10, 20}, 2), gsl_cdf_chisq_Q(10.0 / 3, 1));
    assert_true(isnan(fairness_chi_square_p((uint64_t[]){4, 5}, 2))); /* fewer than five expected */
    assert_true(isnan(fairness_chi_square_p((uint64_t[]){100}, 1)));  /* nothing to compare */
    assert_true(isnan(fairness_chi_square_p((uint64_t[]){0}, 0)));
}

static void test_of_stats(void **state)
{
    (void)state;
    struct stats stats;
    assert_int_equal(stats_init(&stats, 1), 0);
    assert_true(isnan(fairness_of(&stats).jain));
    stats.backends[0]->requests = 1000; /* nobody's: left out */
    struct backend *one = stats_backend(&stats, SLICE("0")), *two = stats_backend(&stats, SLICE("1"));
    one->requests = 30, one->connections = 10;
    two->requests = 10, two->connections = 20;
    struct fairness fairness = fairness_of(&stats);
    assert_int_equal(fairness.workers, 2);
    expect_near(fairness.jain, 1600.0 / 2000);
    expect_near(fairness.cv, 0.5);
    expect_near(fairness.max_over_mean, 1.5);
    expect_near(fairness.chi_square_p, gsl_cdf_chisq_Q(10.0 / 3, 1));
    stats_close(&stats);
}

/* More workers than there is room for: all are counted, but a group is no worker. */
static void test_too_many(void **state)
{
    (void)state;
    struct stats stats;
    char id[16];
    assert_int_equal(stats_init(&stats, 1), 0);
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        stats_backend(&stats, slice_of(id))->requests++;
    }
    assert_true(stats_has_others(&stats));
    assert_int_equal(stats.backend_count, BACKENDS_MAX + 1);
    assert_true(isnan(fairness_of(&stats).jain));
    stats_close(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tail_is_gsl_s), cmocka_unit_test(test_jain),
                                       cmocka_unit_test(test_chi_square), cmocka_unit_test(test_of_stats),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
