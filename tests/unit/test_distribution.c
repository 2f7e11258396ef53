/* Distributions: what is taken and refused, and draws at fixed seeds against GSL's distribution functions. */
#include "support.h"

#include "base/distribution.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>
#include <stdlib.h>

#define DRAWS 100000
#define MS    1e6

static int parse_guarded(const char *text, struct distribution *distribution)
{
    struct guarded guarded;
    int result;

    guarded_init(&guarded, text, strlen(text));
    result = distribution_parse(guarded.text, guarded.length, distribution);
    guarded_close(&guarded);
    return result;
}

static struct distribution parse(const char *text)
{
    struct distribution distribution;

    if (parse_guarded(text, &distribution) != 0)
        fail_msg("'%s' is refused", text);
    return distribution;
}

static void good_forms(void **state)
{
    static const struct {
        const char *text;
        enum distribution_kind kind;
        double a, b, share, mean;
    } rows[] = {
        {"5ms", DISTRIBUTION_CONSTANT, 5 * MS, 0, 0, 5 * MS},
        {"0", DISTRIBUTION_CONSTANT, 0, 0, 0, 0},
        {"exp:5ms", DISTRIBUTION_EXPONENTIAL, 5 * MS, 0, 0, 5 * MS},
        {"uniform:1ms-9ms", DISTRIBUTION_UNIFORM, MS, 9 * MS, 0, 5 * MS},
        {"uniform:2ms-2ms", DISTRIBUTION_UNIFORM, 2 * MS, 2 * MS, 0, 2 * MS},
        {"lognormal:5ms,0", DISTRIBUTION_LOGNORMAL, 5 * MS, 0, 0, 5 * MS},
        {"lognormal:1ms,1.5", DISTRIBUTION_LOGNORMAL, MS, 1.5, 0, 3.0802168489180309 * MS}, /* e^(1.5^2/2) */
        {"pareto:1ms,1.5", DISTRIBUTION_PARETO, MS, 1.5, 0, 3 * MS},
        {"pareto:1ms,1", DISTRIBUTION_PARETO, MS, 1, 0, INFINITY},
        {"bimodal:1ms@0.99,100ms@0.01", DISTRIBUTION_BIMODAL, MS, 100 * MS, 0.99, 1.99 * MS},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct distribution d = parse(rows[i].text);
        double mean = distribution_mean(&d);

        assert_int_equal(d.kind, rows[i].kind);
        assert_true(d.a == rows[i].a && d.b == rows[i].b && d.share == rows[i].share);
        if (mean != rows[i].mean && !(fabs(mean / rows[i].mean - 1) < 1e-12))
            fail_msg("%s: mean %.3f", rows[i].text, mean);
    }
}

static void bad_forms(void **state)
{
    static const char *const bad[] = {
        "",
        "5",
        "5 ms",
        "exp",
        "exp:",
        "exp:5",
        "exp:5ms,1",
        "exp:5ms ",
        "EXP:5ms",
        "normal:5ms,1",
        ":5ms",
        "uniform:5ms",
        "uniform:9ms-1ms",
        "uniform:1ms,9ms",
        "uniform:-1ms-9ms",
        "lognormal:5ms",
        "lognormal:0,1",
        "lognormal:5ms,",
        "lognormal:5ms,-1",
        "lognormal:5ms,1e3",
        "lognormal:5ms,1.2.3",
        "lognormal:5ms,nan",
        "lognormal:5ms,.",
        "pareto:1ms,0",
        "pareto:1ms,inf",
        "bimodal:1ms@0.99",
        "bimodal:1ms@0.99,100ms@0.02",
        "bimodal:1ms@1.5,1ms@0",
        "bimodal:1ms,100ms",
        "bimodal:1ms@0.99,100ms@0.01,1s@0",
        "2h",
        "exp:61m",
        "lognormal:5ms,1111111111111111111111111111111111111111",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct distribution d = {.kind = DISTRIBUTION_PARETO, .a = 47};

        if (parse_guarded(bad[i], &d) != -EINVAL || d.a != 47)
            fail_msg("'%s' is taken", bad[i]);
    }
}

static double *draw_sorted(const char *text)
{
    struct distribution d = parse(text);
    double *draws = malloc(DRAWS * sizeof(*draws));
    struct random random;

    assert_non_null(draws);
    random_init(&random, 20261121);
    for (int i = 0; i < DRAWS; i++)
        draws[i] = (double)distribution_draw(&d, &random);
    gsl_sort(draws, 1, DRAWS);
    return draws;
}

/* Kolmogorov and Smirnov: the largest distance between what was drawn and what should be, at a level of about 1 in 1000. */
static void check_against(const char *text, double (*expected)(double ns))
{
    double *draws = draw_sorted(text), worst = 0;

    for (int i = 0; i < DRAWS; i++) {
        double p = expected(draws[i]);

        worst = fmax(worst, fmax(fabs(p - (double)i / DRAWS), fabs((double)(i + 1) / DRAWS - p)));
    }
    if (worst > 1.95 / sqrt(DRAWS))
        fail_msg("%s: Kolmogorov-Smirnov distance %.5f", text, worst);
    free(draws);
}

static double exponential_5ms(double ns)
{
    return gsl_cdf_exponential_P(ns, 5 * MS);
}

static double uniform_1ms_9ms(double ns)
{
    return gsl_cdf_flat_P(ns, MS, 9 * MS);
}

static double lognormal_5ms(double ns)
{
    return gsl_cdf_lognormal_P(ns, log(5 * MS), 0.5);
}

static double pareto_1ms(double ns)
{
    return gsl_cdf_pareto_P(ns, 2.5, MS);
}

static void draws_follow_their_distribution(void **state)
{
    (void)state;
    check_against("exp:5ms", exponential_5ms);
    check_against("uniform:1ms-9ms", uniform_1ms_9ms);
    check_against("lognormal:5ms,0.5", lognormal_5ms);
    check_against("pareto:1ms,2.5", pareto_1ms);
}

static void means_of_draws(void **state)
{
    static const struct {
        const char *text;
        double deviation_ns; /* of one draw */
    } rows[] = {{"5ms", 0},
                {"exp:5ms", 5 * MS},
                {"uniform:1ms-9ms", 2.3094010767585 * MS},
                {"bimodal:1ms@0.75,9ms@0.25", 3.4641016151378 * MS}};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct distribution d = parse(rows[i].text);
        double *draws = draw_sorted(rows[i].text), sum = 0;

        for (int k = 0; k < DRAWS; k++)
            sum += draws[k];
        if (fabs(sum / DRAWS - distribution_mean(&d)) > 4 * rows[i].deviation_ns / sqrt(DRAWS))
            fail_msg("%s: mean of the draws %.0f ns", rows[i].text, sum / DRAWS);
        free(draws);
    }
}

static void bimodal_has_two_values(void **state)
{
    double *draws = draw_sorted("bimodal:1ms@0.75,9ms@0.25");
    int first = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        assert_true(draws[i] == MS || draws[i] == 9 * MS);
        first += draws[i] == MS;
    }
    assert_true(fabs((double)first / DRAWS - 0.75) < 4 * sqrt(0.75 * 0.25 / DRAWS));
    free(draws);
}

static void draws_are_capped_at_an_hour(void **state)
{
    double *draws = draw_sorted("pareto:1h,0.1");

    (void)state;
    assert_true(draws[0] == 3.6e12 && draws[DRAWS - 1] == 3.6e12);
    free(draws);
}

static void same_seed_same_draws(void **state)
{
    struct distribution d = parse("lognormal:5ms,1.5");
    struct random one, other;

    (void)state;
    random_init(&one, 5);
    random_init(&other, 5);
    for (int i = 0; i < 1000; i++)
        assert_true(distribution_draw(&d, &one) == distribution_draw(&d, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_forms),
        cmocka_unit_test(bad_forms),
        cmocka_unit_test(draws_follow_their_distribution),
        cmocka_unit_test(means_of_draws),
        cmocka_unit_test(bimodal_has_two_values),
        cmocka_unit_test(draws_are_capped_at_an_hour),
        cmocka_unit_test(same_seed_same_draws),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
