/* Zipf's law: the draws against the exact probabilities. */
#include "tests/unit/support.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "loadgen/request/request.h"

#define P_LEAST 1e-4 /* the seeds are fixed: what passes once passes always */

/* Ranks 1..count one by one up to `single`, then in bins that double: the tail of a long law is thin. */
static unsigned bin_of(uint64_t rank, uint64_t single)
{
    if (rank <= single)
        return (unsigned)rank - 1;
    return (unsigned)(single + (uint64_t)floor(log2((double)rank / (double)(single + 1))));
}

static double chi_square_p(uint64_t ranks, double exponent, uint64_t single, unsigned draws, uint64_t seed)
{
    unsigned bins = bin_of(ranks, single) + 1;
    double *expected = calloc(bins, sizeof(*expected)), total = 0, sum = 0;
    unsigned *seen = calloc(bins, sizeof(*seen)), used = 0;
    assert_true(expected && seen);
    for (uint64_t rank = ranks; rank >= 1; rank--) {
        double weight = pow((double)rank, -exponent);
        expected[bin_of(rank, single)] += weight;
        total += weight;
    }
    struct zipf zipf;
    struct random random;
    zipf_init(&zipf, ranks, exponent);
    random_init(&random, seed);
    for (unsigned i = 0; i < draws; i++) {
        uint64_t rank = zipf_draw(&zipf, &random);
        assert_in_range(rank, 1, ranks);
        seen[bin_of(rank, single)]++;
    }
    double rare = 0, rare_seen = 0; /* bins that expect less than five are one bin */
    for (unsigned i = 0; i < bins; i++) {
        double mean = expected[i] / total * draws;
        if (mean < 5) {
            rare += mean;
            rare_seen += seen[i];
        } else {
            sum += (seen[i] - mean) * (seen[i] - mean) / mean;
            used++;
        }
    }
    if (rare >= 5) {
        sum += (rare_seen - rare) * (rare_seen - rare) / rare;
        used++;
    } else
        assert_true(rare_seen <= 25);
    free(expected);
    free(seen);
    return used > 1 ? gsl_cdf_chisq_Q(sum, used - 1) : 1;
}

static void test_distribution(void **state)
{
    (void)state;
    static const struct {
        uint64_t ranks;
        double exponent;
        uint64_t single;
    } rows[] = {
        {1, 1, 1},
        {2, 1, 2},
        {3, 0.5, 3},
        {10, 1, 10},
        {1000, 1, 1000},
        {1000, 0.8, 1000},
        {1000, 0, 1000},
        {1000, 1.2, 1000},
        {100, 2, 100},
        {50, 10, 50},
        {20, 1.0000000001, 20},
        {20, 0.9999999999, 20},
        {ZIPF_RANKS_MAX, 1, 64},
        {ZIPF_RANKS_MAX, 0.5, 64},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        double p = chi_square_p(rows[i].ranks, rows[i].exponent, rows[i].single, 200000, 20 + i);
        if (p < P_LEAST)
            fail_msg("zipf:%llu,%g: p %g", (unsigned long long)rows[i].ranks, rows[i].exponent, p);
    }
}

static void test_repeats(void **state)
{
    (void)state;
    struct zipf zipf;
    struct random one, other;
    zipf_init(&zipf, 1000, 1);
    random_init(&one, 3);
    random_init(&other, 3);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zipf_draw(&zipf, &one), zipf_draw(&zipf, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_distribution), cmocka_unit_test(test_repeats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
