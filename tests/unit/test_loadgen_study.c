/*
 * The parts of studies that measure nothing: the search against simulated servers, the statistics of a comparison against
 * simulated noise. Everything random is seeded.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "loadgen/study/study.h"

/* ---- the search ---- */

/* A server that holds rates up to its capacity; near it, chance decides, `noise` wide. */
struct simulated {
    double capacity, noise;
    struct random random;
    unsigned invalid_from; /* the generator is at its end from this probe on; 0: never */
    double invalid_above;  /* ... or above this rate; 0: never */
};

static enum probe_verdict probe(struct simulated *server, const struct search *search)
{
    if (server->invalid_from && search->probes + 1 >= server->invalid_from)
        return PROBE_INVALID;
    if (server->invalid_above > 0 && search->rate > server->invalid_above)
        return PROBE_INVALID;
    double luck = server->noise > 0 ? random_normal(&server->random) : 0, limit = server->capacity * (1 + server->noise * luck);
    return search->rate <= limit ? PROBE_HOLDS : PROBE_MISSES;
}

static struct search search_for(struct simulated *server, double first_rate)
{
    struct search search;
    search_init(&search, first_rate, 0.1);
    while (!search.end) {
        assert_true(search.rate > 0 && isfinite(search.rate));
        search_take(&search, probe(server, &search));
        assert_in_range(search.probes, 1, SEARCH_PROBES_MOST);
    }
    assert_true(search.rate == 0);
    return search;
}

static void test_search_finds_the_edge(void **state)
{
    (void)state;
    static const double capacities[] = {0.5, 60, 100, 101, 748, 20000, 1234567};
    for (size_t i = 0; i < LENGTH_OF(capacities); i++) {
        struct simulated server = {.capacity = capacities[i]};
        struct search search = search_for(&server, 100);
        assert_int_equal(search.end, SEARCH_FOUND);
        assert_true(search.best <= capacities[i] && search.least_missed > capacities[i]);
        assert_true(search.least_missed / search.best <= SEARCH_RESOLUTION + 1e-9);
        assert_true(search.best_votes.holds >= 2 && search.missed_votes.misses >= 2);
        assert_in_range(search.probes, 5, 32);
    }
}

/* Lucky and unlucky probes: nearly every search must end within 5 % all the same. */
static void test_noise_does_not_decide(void **state)
{
    (void)state;
    unsigned near = 0, probes = 0;
    for (unsigned seed = 1; seed <= 1000; seed++) {
        struct simulated server = {.capacity = 800, .noise = 0.02};
        random_init(&server.random, seed);
        struct search search = search_for(&server, 100);
        assert_int_equal(search.end, SEARCH_FOUND);
        near += fabs(search.best / 800 - 1) <= 0.05;
        probes += search.probes;
    }
    assert_in_range(near, 980, 1000);
    assert_in_range(probes / 1000, 10, 30);
}

/* A server that holds a rate by chance, less and less likely over a span of 20 %: the search must not wander along it for long. */
static void test_search_ends_on_a_noisy_machine(void **state)
{
    (void)state;
    unsigned many = 0, unsteady = 0, sum = 0;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        struct random random;
        struct search search;
        random_init_stream(&random, seed, 1);
        search_init(&search, 100, 0.1);
        while (!search.end) {
            double likely = 1 / (1 + exp(log(search.rate / 800) / 0.05));
            search_take(&search, random_unit(&random) < likely ? PROBE_HOLDS : PROBE_MISSES);
        }
        assert_true(search.probes <= SEARCH_PROBES_MOST);
        assert_true(search.end != SEARCH_FOUND || search.least_missed / search.best <= search.resolution + 1e-9);
        many += search.probes > 40;
        unsteady += search.end != SEARCH_FOUND;
        sum += search.probes;
    }
    if (many > 120 || unsteady > 5 || sum / 2000 > 24)
        fail_msg("%u of 2000 took more than 40 probes, %u did not end; %u on the average", many, unsteady, sum / 2000);
}

/* The lowest rate, too, is missed by two of three at least. */
static void test_one_miss_is_not_nothing(void **state)
{
    (void)state;
    struct search search;
    search_init(&search, 100, 100);
    search_take(&search, PROBE_MISSES);
    assert_int_equal(search.end, SEARCH_GOES_ON);
    assert_true(search.rate == 100);
    search_take(&search, PROBE_HOLDS);
    assert_true(search.rate == 100);
    search_take(&search, PROBE_HOLDS);
    assert_int_equal(search.end, SEARCH_GOES_ON);
    assert_true(search.best == 100 && search.rate > 100);

    search_init(&search, 100, 100);
    search_take(&search, PROBE_MISSES);
    search_take(&search, PROBE_MISSES);
    assert_int_equal(search.end, SEARCH_GOES_ON);
    search_take(&search, PROBE_MISSES);
    assert_int_equal(search.end, SEARCH_NOTHING);
    assert_true(search.best == 0 && search.least_missed == 100);
}

/* One probe that lies, at any point of the search, must not move the result by more than the resolution allows. */
static void test_a_single_lie_is_found_out(void **state)
{
    (void)state;
    for (unsigned lie = 1; lie <= 20; lie++) {
        struct simulated server = {.capacity = 748};
        struct search search;
        search_init(&search, 100, 0.1);
        while (!search.end) {
            enum probe_verdict verdict = probe(&server, &search);
            if (search.probes + 1 == lie)
                verdict = verdict == PROBE_HOLDS ? PROBE_MISSES : PROBE_HOLDS;
            search_take(&search, verdict);
        }
        if (search.end != SEARCH_FOUND || search.best > 748 || search.least_missed <= 748 || search.best < 748 / 1.05)
            fail_msg("probe %u lied: %g holds, %g misses", lie, search.best, search.least_missed);
    }
}

static void test_nothing_holds(void **state)
{
    (void)state;
    struct simulated server = {.capacity = 0.001};
    struct search search = search_for(&server, 100);
    assert_int_equal(search.end, SEARCH_NOTHING);
    assert_true(search.best == 0 && search.least_missed >= 0.1);
    assert_in_range(search.probes, 5, 15);
}

static void test_the_generator_is_the_limit(void **state)
{
    (void)state;
    struct simulated tired = {.capacity = 1e6, .invalid_above = 5000}, broken = {.capacity = 1e6, .invalid_from = 1},
                     boundless = {.capacity = 1e12};
    struct search search = search_for(&tired, 100);
    assert_int_equal(search.end, SEARCH_GENERATOR);
    assert_true(search.best == 3200 && search.least_missed == 0);
    assert_int_equal(search.probes, 6 + 3); /* 100 .. 3200 hold; 6400 is tried three times */
    search = search_for(&broken, 100);
    assert_int_equal(search.end, SEARCH_GENERATOR);
    assert_true(search.best == 0);
    assert_int_equal(search.probes, 3);
    search = search_for(&boundless, 100);
    assert_int_equal(search.end, SEARCH_GENERATOR);
    assert_true(search.best <= SEARCH_HIGHEST && search.best > SEARCH_HIGHEST / 2);
}

/* An INVALID probe now and then is repeated, and changes nothing. */
static void test_spoilt_probes_are_repeated(void **state)
{
    (void)state;
    struct simulated server = {.capacity = 748};
    struct search search, undisturbed = search_for(&server, 100);
    unsigned taken = 0;
    search_init(&search, 100, 0.1);
    while (!search.end)
        search_take(&search, ++taken % 3 == 0 ? probe(&server, &search) : PROBE_INVALID);
    assert_int_equal(search.end, SEARCH_FOUND);
    assert_true(search.best == undisturbed.best && search.least_missed == undisturbed.least_missed);
}

/* A server without an edge: the search must end, and say so or be lucky. */
static void test_coin_tosses_end(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct random random;
        struct search search;
        random_init(&random, seed);
        search_init(&search, 100, 0.1);
        while (!search.end)
            search_take(&search, random_below(&random, 2) ? PROBE_HOLDS : PROBE_MISSES);
        assert_in_range(search.probes, 1, 80);
    }
}

/* ---- comparisons ---- */

#define BLOCKS 10

/* A comparison of two servers whose figures scatter log-normally: `own` a run, `shared` a block. */
static struct comparison compare(uint64_t seed, double handicap, double own, double shared)
{
    double values[CELLS][BLOCKS];
    struct comparison comparison;
    struct random random;
    random_init(&random, seed);
    for (unsigned i = 0; i < BLOCKS; i++) {
        double weather = shared * random_normal(&random);
        for (unsigned cell = 0; cell < CELLS; cell++)
            values[cell][i] = 1000 * (cell == CELL_B ? handicap : 1) * exp(weather + own * random_normal(&random));
    }
    const double *const cells[CELLS] = {values[CELL_A], values[CELL_AGAIN], values[CELL_B]};
    assert_int_equal(comparison_init(&comparison, cells, BLOCKS), 0);
    return comparison;
}

static unsigned count_different(double handicap, double own, double shared)
{
    unsigned different = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++)
        different += compare(seed, handicap, own, shared).verdict == VERDICT_DIFFERENT;
    return different;
}

/* However noisy: no difference is called one in at most 1 of 20 studies. */
static void test_no_difference_is_seen_in_none(void **state)
{
    (void)state;
    static const double noises[] = {0, 0.005, 0.02, 0.05, 0.2};
    for (size_t i = 0; i < LENGTH_OF(noises); i++) {
        unsigned different = count_different(1, noises[i], 0.1);
        if (different > 50)
            fail_msg("noise %g: %u of 1000 different", noises[i], different);
    }
}

/* A tenth is seen in at least 18 of 20, also where blocks differ by far more than that. */
static void test_a_tenth_is_seen(void **state)
{
    (void)state;
    static const double noises[] = {0, 0.005, 0.02};
    for (size_t i = 0; i < LENGTH_OF(noises); i++) {
        unsigned different = count_different(0.9, noises[i], 0.3);
        if (different < 900)
            fail_msg("noise %g: %u of 1000 different", noises[i], different);
    }
}

static void test_comparison_figures(void **state)
{
    (void)state;
    static const double a[6] = {100, 200, 100, 200, 100, 200}, again[6] = {100, 200, 100, 200, 100, 200},
                        b[6] = {110, 220, 110, 220, 110, 220}, other[6] = {110, 220, 110, 220, 110, 220};
    const double *const plain[CELLS] = {a, again, b}, *const drifting[CELLS] = {a, other, b};
    struct comparison comparison;
    assert_int_equal(comparison_init(&comparison, plain, 6), 0);
    assert_true(fabs(comparison.ratio.median - 1.1) < 1e-12 && fabs(comparison.again.median - 1) < 1e-12);
    assert_true(fabs(comparison.delta - DELTA_LEAST) < 1e-12);
    assert_int_equal(comparison.verdict, VERDICT_DIFFERENT);
    assert_int_equal(comparison_init(&comparison, plain, 5), 0); /* no interval below six */
    assert_int_equal(comparison.verdict, VERDICT_NONE);
    assert_int_equal(comparison_init(&comparison, drifting, 6), 0); /* A differs from itself */
    assert_int_equal(comparison.verdict, VERDICT_VOID);
    assert_int_equal(comparison_init(&comparison, plain, 0), 0);
    assert_int_equal(comparison.verdict, VERDICT_NONE);
}

static void test_order_is_drawn_from_the_seed(void **state)
{
    (void)state;
    unsigned first[CELLS] = {0};
    for (unsigned attempt = 0; attempt < 600; attempt++) {
        enum compare_cell order[CELLS], same[CELLS];
        block_shuffle(7, attempt, order);
        block_shuffle(7, attempt, same);
        assert_memory_equal(order, same, sizeof(order));
        assert_int_equal((1u << order[0]) | (1u << order[1]) | (1u << order[2]), 7);
        first[order[0]]++;
    }
    for (unsigned cell = 0; cell < CELLS; cell++)
        assert_in_range(first[cell], 150, 250);
}

/* "Slower than I waited" twice is not "the same". */
static void test_bounds_are_not_the_same(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        enum verdict verdict;
        bool a, b;
        enum verdict expected;
    } rows[] = {
        {0.99, 1.01, VERDICT_SAME, false, false, VERDICT_SAME},
        {0.99, 1.01, VERDICT_SAME, true, true, VERDICT_UNDECIDED},
        {0.99, 1.01, VERDICT_SAME, false, true, VERDICT_UNDECIDED},
        {1.2, 1.3, VERDICT_DIFFERENT, false, true, VERDICT_DIFFERENT}, /* B is at least so much slower */
        {1.2, 1.3, VERDICT_DIFFERENT, true, false, VERDICT_UNDECIDED},
        {1.2, 1.3, VERDICT_DIFFERENT, true, true, VERDICT_UNDECIDED},
        {0.7, 0.8, VERDICT_DIFFERENT, true, false, VERDICT_DIFFERENT},
        {0.7, 0.8, VERDICT_DIFFERENT, false, true, VERDICT_UNDECIDED},
        {0.7, 0.8, VERDICT_DIFFERENT, false, false, VERDICT_DIFFERENT},
        {NAN, NAN, VERDICT_NONE, true, true, VERDICT_NONE},
        {0.99, 1.01, VERDICT_VOID, true, true, VERDICT_VOID},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct comparison comparison = {.ratio = {.low = rows[i].low, .high = rows[i].high}, .verdict = rows[i].verdict};
        comparison_weaken(&comparison, rows[i].a, rows[i].b);
        if (comparison.verdict != rows[i].expected)
            fail_msg("row %u: %s", i, verdict_names[comparison.verdict]);
    }
}

/* What is printed as a run's seed must be taken by --seed. */
static void test_seeds_stay_in_range(void **state)
{
    (void)state;
    struct settings settings = {.seed = 5};
    assert_true(study_seed(&settings, 0) == 5 && study_seed(&settings, 7) == 12);
    settings.seed = INT64_MAX;
    assert_true(study_seed(&settings, 0) == INT64_MAX && study_seed(&settings, 1) == 1 && study_seed(&settings, 2) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_finds_the_edge),
        cmocka_unit_test(test_search_ends_on_a_noisy_machine),
        cmocka_unit_test(test_bounds_are_not_the_same),
        cmocka_unit_test(test_one_miss_is_not_nothing),
        cmocka_unit_test(test_seeds_stay_in_range),
        cmocka_unit_test(test_noise_does_not_decide),
        cmocka_unit_test(test_a_single_lie_is_found_out),
        cmocka_unit_test(test_nothing_holds),
        cmocka_unit_test(test_the_generator_is_the_limit),
        cmocka_unit_test(test_spoilt_probes_are_repeated),
        cmocka_unit_test(test_coin_tosses_end),
        cmocka_unit_test(test_no_difference_is_seen_in_none),
        cmocka_unit_test(test_a_tenth_is_seen),
        cmocka_unit_test(test_comparison_figures),
        cmocka_unit_test(test_order_is_drawn_from_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
