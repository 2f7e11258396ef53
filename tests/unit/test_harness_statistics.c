/* Intervals, ratios, verdicts and fairness against values known from elsewhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/hgrm.h"
#include "harness/statistics.h"

static void test_ranks(void **state)
{
    (void)state;
    static const struct {
        unsigned n, rank;
        double coverage;
    } known[] = {{3, 0, 0}, {5, 0, 0}, {6, 1, 0.96875}, {10, 2, 0.97852}, {15, 4, 0.96484}, {20, 6, 0.95861}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        double coverage;
        assert_int_equal(estimate_rank(known[i].n, &coverage), known[i].rank);
        assert_float_equal(coverage, known[i].coverage, 1e-4);
    }
}

static void test_estimate(void **state)
{
    (void)state;
    const double six[] = {5, NAN, 3, 1, 4, 2, 6};
    struct estimate estimate = estimate_of(six, 7);
    assert_int_equal(estimate.n, 6);
    assert_float_equal(estimate.median, 3.5, 0);
    assert_float_equal(estimate.low, 1, 0);
    assert_float_equal(estimate.high, 6, 0);
    estimate = estimate_of(six, 4);
    assert_int_equal(estimate.n, 3);
    assert_float_equal(estimate.median, 3, 0);
    assert_true(isnan(estimate.low) && isnan(estimate.high));
    estimate = estimate_of(six, 0);
    assert_int_equal(estimate.n, 0);
    assert_true(isnan(estimate.median));
}

static void test_ratio(void **state)
{
    (void)state;
    const double a[] = {2, 4, 8, 2, 4, 8, 0}, b[] = {1, 2, 4, 2, 2, 2, 1};
    struct estimate ratio = estimate_ratio(a, b, 7);
    assert_int_equal(ratio.n, 6); /* a zero has no logarithm */
    assert_float_equal(ratio.median, 2, 1e-12);
    assert_float_equal(ratio.low, 1, 1e-12);
    assert_float_equal(ratio.high, 4, 1e-12);
    struct estimate inverse = estimate_ratio(b, a, 7);
    assert_float_equal(inverse.median * ratio.median, 1, 1e-12);
}

static struct estimate interval(double low, double high)
{
    return (struct estimate){.n = 6, .median = (low + high) / 2, .low = low, .high = high};
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        enum verdict verdict;
    } cases[] = {
        {0.99, 1.02, VERDICT_SAME},      {1.04, 1.20, VERDICT_DIFFERENT}, {0.80, 0.96, VERDICT_DIFFERENT},
        {1.01, 1.08, VERDICT_UNDECIDED}, {0.90, 1.10, VERDICT_UNDECIDED}, {1.03, 1.04, VERDICT_UNDECIDED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct estimate ratio = interval(cases[i].low, cases[i].high);
        assert_int_equal(estimate_verdict(&ratio, 0.03), cases[i].verdict);
    }
    struct estimate none = interval(NAN, NAN);
    assert_int_equal(estimate_verdict(&none, 0.03), VERDICT_NONE);
}

/* Binomial tables: 1 of 10 against 9 is 22/1024; six of six 2/64. */
static void test_sign(void **state)
{
    (void)state;
    const double ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, nine[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 0.5, 1, NAN},
                 six[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, half[] = {2, 0.5, 2, 0.5};
    assert_float_equal(estimate_sign_p(nine, ones, 12), 22.0 / 1024, 1e-12); /* one alike, one without a value */
    assert_float_equal(estimate_sign_p(ones, nine, 12), 22.0 / 1024, 1e-12);
    assert_float_equal(estimate_sign_p(six, ones, 6), 2.0 / 64, 1e-12);
    assert_float_equal(estimate_sign_p(half, ones, 4), 1, 0);
    assert_float_equal(estimate_sign_p(ones, ones, 12), 1, 0);
    assert_float_equal(estimate_sign_p(ones, ones, 0), 1, 0);
    assert_int_equal(estimate_signs_needed(10, 0.05), 9);
    assert_int_equal(estimate_signs_needed(10, 0.01), 10);
    assert_int_equal(estimate_signs_needed(10, 0.001), 11); /* there are not so many */
    assert_int_equal(estimate_signs_needed(20, 0.05), 15);
    assert_true(estimate_signs_needed(10, 1) <= 6);
}

/* Holm's own kind of example: .005, .01, .03, .04 of four become .02, .03, .06, .06. */
static void test_holm(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005}, one[] = {0.04}, large[] = {0.9, 0.6};
    assert_int_equal(estimate_holm(p, 5), 0);
    assert_float_equal(p[0], 0.03, 1e-12);
    assert_float_equal(p[1], 0.06, 1e-12);
    assert_true(isnan(p[2]));
    assert_float_equal(p[3], 0.06, 1e-12);
    assert_float_equal(p[4], 0.02, 1e-12);
    assert_int_equal(estimate_holm(one, 1), 0);
    assert_float_equal(one[0], 0.04, 1e-12);
    assert_int_equal(estimate_holm(large, 2), 0);
    assert_float_equal(large[1], 1, 1e-12);
    assert_float_equal(large[0], 1, 1e-12);
    assert_int_equal(estimate_holm(NULL, 0), 0);
}

static void test_again(void **state)
{
    (void)state;
    struct estimate narrow = interval(0.99, 1.01), wide = interval(0.90, 1.10), off = interval(1.02, 1.05),
                    near = interval(1.005, 1.02), none = interval(NAN, NAN);
    assert_float_equal(estimate_delta(&narrow), 0.03, 1e-12);
    assert_float_equal(estimate_delta(&wide), 0.10, 1e-12);
    assert_float_equal(estimate_delta(&none), 0.03, 1e-12);
    assert_false(estimate_voids(&narrow));
    assert_true(estimate_voids(&off));
    assert_false(estimate_voids(&near)); /* leaves out 1, but begins less than 1 % from it */
    assert_false(estimate_voids(&none));
}

static void test_fairness(void **state)
{
    (void)state;
    const double even[] = {5, 5, 5, 5}, one[] = {9, 0, 0, 0}, none[] = {0, 0}, some[] = {1, 2, 3};
    assert_float_equal(statistics_jain(even, 4), 1, 1e-12);
    assert_float_equal(statistics_jain(one, 4), 0.25, 1e-12);
    assert_float_equal(statistics_jain(none, 2), 0, 0);
    assert_float_equal(statistics_jain(some, 3), 36.0 / (3 * 14), 1e-12);
    assert_float_equal(statistics_busiest(some, 3), 1.5, 1e-12);
    assert_float_equal(statistics_jain_by_chance(64, 8), 64.0 / 71, 1e-12);
}

static void test_chi_square(void **state)
{
    (void)state;
    const double even[] = {10, 10, 10}, uneven[] = {20, 10, 0}, few[] = {2, 2, 2};
    assert_float_equal(statistics_chi_square_p(even, 3), 1, 1e-12);
    assert_float_equal(statistics_chi_square_p(uneven, 3), exp(-10), 1e-9); /* chi-square 20, 2 degrees: exp(-x/2) */
    assert_true(isnan(statistics_chi_square_p(few, 3)));
}

static void test_chance_band(void **state)
{
    (void)state;
    double low[8], high[8], again_low[8], again_high[8];
    statistics_chance_band(64, 8, 1, low, high);
    statistics_chance_band(64, 8, 1, again_low, again_high);
    assert_memory_equal(low, again_low, sizeof(low));
    assert_memory_equal(high, again_high, sizeof(high));
    for (unsigned i = 0; i < 8; i++) {
        assert_true(low[i] <= high[i]);
        assert_true(!i || (low[i] <= low[i - 1] && high[i] <= high[i - 1]));
    }
    assert_true(low[0] > 1.0 / 8 && high[7] < 1.0 / 8); /* the busiest of eight is above the mean, the idlest below */
    statistics_chance_band(1000000, 2, 1, low, high);
    assert_true(low[0] >= 0.5 && high[0] < 0.502);
}

static const char hgrm_text[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                                "       0.042 0.000000000000          1           1.00\n"
                                "       2.000 0.500000000000        500           2.00\n"
                                "       8.000 0.990000000000        990         100.00\n"
                                "       9.000 1.000000000000       1000\n"
                                "#[Mean    =        2.500, StdDeviation   =        1.000]\n";

static void test_hgrm(void **state)
{
    (void)state;
    struct hgrm hgrm;
    assert_int_equal(hgrm_parse(hgrm_text, &hgrm), 0);
    assert_int_equal(hgrm.count, 4);
    assert_float_equal(hgrm.total, 1000, 0);
    assert_float_equal(hgrm_value(&hgrm, 0.5), 2, 0);
    assert_float_equal(hgrm_value(&hgrm, 0.6), 8, 0);
    assert_float_equal(hgrm_value(&hgrm, 1), 9, 0);
    hgrm_free(&hgrm);
    static const char *const broken[] = {"", "what?\n", "1.0 2.0 3\n", "1 0.5 1\n1 0.4 1\n", "nan 0.5 1\n"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
        assert_int_not_equal(hgrm_parse(broken[i], &hgrm), 0);
    assert_int_not_equal(hgrm_read("/nonexistent/latency.hgrm", &hgrm), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),       cmocka_unit_test(test_estimate), cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_sign),        cmocka_unit_test(test_holm),     cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_again),       cmocka_unit_test(test_fairness), cmocka_unit_test(test_chi_square),
        cmocka_unit_test(test_chance_band), cmocka_unit_test(test_hgrm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
