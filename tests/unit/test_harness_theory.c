/* Queueing theory against tabulated values, closed forms and a simulated queue. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_sort.h>

#include "base/random.h"
#include "harness/theory.h"

static struct theory queue(double load, unsigned workers, double scv)
{
    return (struct theory){.service = 1, .load = load, .workers = workers, .scv = scv};
}

/* Erlang C as printed in tables: offered erlangs, servers, probability of delay. */
static void test_erlang_c(void **state)
{
    (void)state;
    assert_float_equal(theory_erlang_c(8, 6.4), 0.458, 5e-4);
    assert_float_equal(theory_erlang_c(1, 0.7), 0.7, 1e-12);
    assert_float_equal(theory_erlang_c(2, 1), 1.0 / 3, 1e-12);
    assert_float_equal(theory_erlang_c(5, 4), 0.5541, 5e-5);
    assert_float_equal(theory_erlang_c(64, 32), 0, 1e-6);
}

/* FACTS of any textbook: pooled 8 workers wait 0.286 S where each by itself lets wait 4 S; constant service halves it. */
static void test_means(void **state)
{
    (void)state;
    struct theory pooled = queue(0.8, 8, 1), alone = queue(0.8, 1, 1), constant = queue(0.8, 1, 0), full = queue(1, 1, 1),
                  mixed = queue(0.5, 1, 3);
    assert_float_equal(theory_mean_wait(&pooled), 0.286, 5e-4);
    assert_float_equal(theory_mean_wait(&alone), 4, 1e-12);
    assert_float_equal(theory_mean_response(&alone), 5, 1e-12);
    assert_float_equal(theory_mean_wait(&constant), 2, 1e-12);
    assert_float_equal(theory_mean_wait(&mixed), 2, 1e-12); /* rho (1 + scv) / 2 / (1 - rho) */
    assert_true(isnan(theory_mean_wait(&full)));
}

static void test_quantiles_of_mm1(void **state)
{
    (void)state;
    struct theory alone = queue(0.8, 1, 1), odd = queue(0.8, 1, 2);
    assert_float_equal(theory_response_quantile(&alone, 0.99), -log(0.01) * 5, 1e-9);
    assert_float_equal(theory_response_quantile(&alone, 0.5), log(2) * 5, 1e-9);
    assert_float_equal(theory_wait_quantile(&alone, 0.99), log(80) * 5, 1e-9);
    assert_float_equal(theory_wait_quantile(&alone, 0.2), 0, 0); /* one in five does not wait */
    assert_true(isnan(theory_response_quantile(&odd, 0.5)));
    assert_true(isnan(theory_response_quantile(&alone, 1)));
}

/* Two workers at half load: k (1 - rho) = 1, where the general form has no value of its own; the limit is e^-t (1 + t / 3). */
static void test_quantiles_of_mmk(void **state)
{
    (void)state;
    struct theory limit = queue(0.5, 2, 1), near = queue(0.5 + 1e-7, 2, 1);
    double t = theory_response_quantile(&limit, 0.9);
    assert_float_equal(exp(-t) * (1 + t / 3), 0.1, 1e-9);
    assert_float_equal(theory_response_quantile(&near, 0.9), t, 1e-5);
}

/* Erlang's own series for M/D/1, which is exact but for its differences of large terms: good for short waits. */
static double erlang_series(double load, double t)
{
    double sum = 0, factorial = 1;
    for (int i = 0; i <= (int)t; i++) {
        factorial *= i ? i : 1;
        sum += pow(load * (i - t), i) * exp(-load * (i - t)) / factorial;
    }
    return (1 - load) * sum;
}

static void test_quantiles_of_md1(void **state)
{
    (void)state;
    static const double loads[] = {0.3, 0.5, 0.8, 0.95}, parts[] = {0.75, 0.9, 0.95};
    for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
        for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++) {
            struct theory constant = queue(loads[i], 1, 0);
            double t = theory_wait_quantile(&constant, parts[k]);
            if (t > 0 && t < 15)
                assert_float_equal(erlang_series(loads[i], t), parts[k], 1e-6);
        }
    struct theory constant = queue(0.8, 1, 0);
    assert_float_equal(theory_wait_quantile(&constant, 0.19), 0, 0);
    assert_float_equal(theory_response_quantile(&constant, 0.19), 1, 0);
    constant = queue(0.95, 1, 0);
    double far = theory_wait_quantile(&constant, 0.9999), near = theory_wait_quantile(&constant, 0.999);
    const double decay = 0.1017243; /* the root of load (e^x - 1) = x, x > 0: tails fall like e^-xt */
    assert_float_equal(0.95 * (exp(decay) - 1), decay, 1e-6);
    assert_float_equal(far - near, log(10) / decay, 1e-3);
}

/* k workers take requests in order of arrival; wait and response times of `count`, sorted. */
static void simulate(const struct theory *theory, unsigned count, double *waits, double *responses)
{
    double free_at[8] = {0}, now = 0;
    struct random random;
    random_init(&random, 11);
    for (unsigned i = 0; i < count; i++) {
        unsigned first = 0;
        now += random_exponential(&random) * theory->service / (theory->load * theory->workers);
        for (unsigned k = 1; k < theory->workers; k++)
            first = free_at[k] < free_at[first] ? k : first;
        double start = fmax(now, free_at[first]), service = theory->service * (theory->scv > 0 ? random_exponential(&random) : 1);
        free_at[first] = start + service;
        waits[i] = start - now;
        responses[i] = free_at[first] - now;
    }
    gsl_sort(waits, 1, count);
    gsl_sort(responses, 1, count);
}

static void test_against_a_simulation(void **state)
{
    (void)state;
    enum { COUNT = 400000 };
    static const struct theory queues[] = {{2, 0.7, 1, 1}, {2, 0.7, 1, 0}, {0.5, 0.8, 8, 1}};
    double *waits = malloc(COUNT * sizeof(*waits)), *responses = malloc(COUNT * sizeof(*responses));
    for (size_t q = 0; q < sizeof(queues) / sizeof(*queues); q++) {
        double sum = 0;
        simulate(&queues[q], COUNT, waits, responses);
        for (unsigned i = 0; i < COUNT; i++)
            sum += waits[i];
        assert_float_equal(sum / COUNT / theory_mean_wait(&queues[q]), 1, 0.05);
        for (int percent = 50; percent <= 99; percent += 7) {
            unsigned rank = COUNT / 100 * percent;
            double wait = theory_wait_quantile(&queues[q], percent / 100.0), slack = 0.05 * queues[q].service;
            assert_float_equal(waits[rank], wait, 0.05 * wait + slack / 5);
            assert_float_equal(responses[rank] / theory_response_quantile(&queues[q], percent / 100.0), 1, 0.05);
        }
    }
    free(waits);
    free(responses);
}

static void test_distributions(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double service, scv;
    } known[] = {
        {"5ms", 0.005, 0},
        {"exp:5ms", 0.005, 1},
        {"uniform:1ms-9ms", 0.005, 64.0 / 12 / 25},
        {"lognormal:5ms,1", 0.005 * exp(0.5), 1.718281828},
        {"pareto:1ms,3", 0.0015, 1.0 / 3},
        {"bimodal:1ms@0.5,3ms@0.5", 0.002, 0.25},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        struct distribution distribution;
        assert_int_equal(distribution_parse(known[i].text, strlen(known[i].text), &distribution), 0);
        struct theory theory = theory_of(&distribution, 100, 2);
        assert_float_equal(theory.service, known[i].service, 1e-9);
        assert_float_equal(theory.scv, known[i].scv, 1e-6);
        assert_float_equal(theory.load, 50 * known[i].service, 1e-7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang_c),         cmocka_unit_test(test_means),
        cmocka_unit_test(test_quantiles_of_mm1), cmocka_unit_test(test_quantiles_of_mmk),
        cmocka_unit_test(test_quantiles_of_md1), cmocka_unit_test(test_against_a_simulation),
        cmocka_unit_test(test_distributions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
