/* The generators against their published test vectors, and what is made of them against chi-square at fixed seeds. */
#include "support.h"

#include "base/random.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define DRAWS 200000

static void xoshiro_reference_sequence(void **state)
{
    static const uint64_t expected[] = {
        11520,
        0,
        1509978240,
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct random random = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(expected); i++)
        assert_true(random_next(&random) == expected[i]);
}

static void splitmix_reference_seeding(void **state)
{
    static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
                                        UINT64_C(4593380528125082431)};
    struct random random;

    (void)state;
    random_init(&random, 1234567);
    for (size_t i = 0; i < LENGTH_OF(expected); i++)
        assert_true(random.state[i] == expected[i]);
}

static void streams_repeat_and_differ(void **state)
{
    uint64_t first[64];

    (void)state;
    for (uint64_t i = 0; i < 64; i++) {
        struct random one, same;

        random_init_stream(&one, i / 8, i % 8);
        random_init_stream(&same, i / 8, i % 8);
        first[i] = random_next(&one);
        assert_true(first[i] == random_next(&same));
        for (uint64_t j = 0; j < i; j++)
            assert_true(first[j] != first[i]);
    }
}

static void unit_stays_below_one(void **state)
{
    struct random random;
    double sum = 0;

    (void)state;
    random_init(&random, 7);
    for (int i = 0; i < DRAWS; i++) {
        double u = random_unit(&random);

        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 4 * sqrt(1.0 / 12 / DRAWS));
}

static void check_uniform(const unsigned *counts, unsigned cells, unsigned draws)
{
    double expected = (double)draws / cells, chi_square = 0;

    for (unsigned i = 0; i < cells; i++)
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    if (gsl_cdf_chisq_Q(chi_square, cells - 1) < 1e-4)
        fail_msg("chi-square %.1f in %u cells", chi_square, cells);
}

static void below_is_uniform(void **state)
{
    static const unsigned bounds[] = {1, 2, 3, 7, 10, 100};

    (void)state;
    for (size_t b = 0; b < LENGTH_OF(bounds); b++) {
        unsigned counts[100] = {0};
        struct random random;

        random_init(&random, 11 + b);
        for (int i = 0; i < DRAWS; i++) {
            uint64_t value = random_below(&random, bounds[b]);

            assert_true(value < bounds[b]);
            counts[value]++;
        }
        if (bounds[b] > 1)
            check_uniform(counts, bounds[b], DRAWS);
    }
}

/* Scaling 2^64 numbers onto 3 * 2^62 without a second draw would give every third result twice as often as its neighbours. */
static void below_is_not_biased(void **state)
{
    uint64_t bound = 3 * (UINT64_C(1) << 62);
    unsigned counts[3] = {0};
    struct random random;

    (void)state;
    random_init(&random, 13);
    for (int i = 0; i < DRAWS; i++)
        counts[random_below(&random, bound) % 3]++;
    check_uniform(counts, 3, DRAWS);
}

static void check_moments(double (*draw)(struct random *random), double mean, double variance, double fourth)
{
    struct random random;
    double sum = 0, squares = 0;

    random_init(&random, 17);
    for (int i = 0; i < DRAWS; i++) {
        double x = draw(&random);

        sum += x;
        squares += (x - mean) * (x - mean);
    }
    assert_true(fabs(sum / DRAWS - mean) < 4 * sqrt(variance / DRAWS));
    assert_true(fabs(squares / DRAWS - variance) < 4 * sqrt((fourth - variance * variance) / DRAWS));
}

static void exponential_and_normal_moments(void **state)
{
    (void)state;
    check_moments(random_exponential, 1, 1, 9);
    check_moments(random_normal, 0, 1, 3);
}

static void shuffle_is_uniform(void **state)
{
    unsigned counts[6] = {0};
    struct random random;

    (void)state;
    random_init(&random, 19);
    for (int i = 0; i < DRAWS; i++) {
        short items[3] = {0, 1, 2};

        random_shuffle(&random, items, 3, sizeof(items[0]));
        assert_int_equal(1 << items[0] | 1 << items[1] | 1 << items[2], 7);
        counts[items[0] * 2 + (items[1] > items[2])]++;
    }
    check_uniform(counts, 6, DRAWS);
}

static void shuffle_of_little_does_nothing(void **state)
{
    struct random random;
    int one = 42;

    (void)state;
    random_init(&random, 1);
    random_shuffle(&random, &one, 1, sizeof(one));
    random_shuffle(&random, &one, 0, sizeof(one));
    assert_int_equal(one, 42);
}

static void seeds_differ(void **state)
{
    (void)state;
    assert_true(random_seed() != random_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_reference_sequence),
        cmocka_unit_test(splitmix_reference_seeding),
        cmocka_unit_test(streams_repeat_and_differ),
        cmocka_unit_test(unit_stays_below_one),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(below_is_not_biased),
        cmocka_unit_test(exponential_and_normal_moments),
        cmocka_unit_test(shuffle_is_uniform),
        cmocka_unit_test(shuffle_of_little_does_nothing),
        cmocka_unit_test(seeds_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
