/*
 * How often verdicts are right, by seeded simulation: experiments whose rows are all alike, which must hardly ever be told apart,
 * and experiments with a difference as large as the power estimate says can be seen. Through summary_compare, as in a report.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "harness/summary.h"
#include "harness/summary_parts.h"

#define RUNS        2000
#define ROWS        7 /* the baseline, its second run, and five that are compared */
#define BLOCKS_MOST 20

struct world {
    struct experiment experiment;
    struct results results;
    struct summary summary;
    struct row rows[ROWS];
    double values[ROWS][BLOCKS_MOST], nothing[BLOCKS_MOST];
    struct random random;
    enum metric metric; /* the one that has figures */
};

static void make_world(struct world *world, unsigned blocks, uint64_t seed)
{
    static const char *const names[ROWS] = {"base", "base", "a", "b", "c", "d", "e"};
    *world = (struct world){.experiment = {.name = (char *)"x", .baseline = (char *)"base", .primary = METRIC_CPU},
                            .metric = METRIC_CPU};
    world->results = (struct results){.plan = {.experiments = &world->experiment, .count = 1}, .seed = 7};
    world->summary = (struct summary){
        .results = &world->results, .block_count = blocks, .verdicts = true, .rows = world->rows, .row_count = ROWS};
    for (unsigned i = 0; i < BLOCKS_MOST; i++)
        world->nothing[i] = NAN;
    for (unsigned r = 0; r < ROWS; r++)
        world->rows[r] = (struct row){.strategy = names[r],
                                      .load = "closed",
                                      .workers = 2,
                                      .again = r == 1,
                                      .baseline = !r,
                                      .cells = blocks,
                                      .ranked = blocks};
    random_init(&world->random, seed);
}

static void judge(struct world *world)
{
    for (unsigned r = 0; r < ROWS; r++)
        for (int m = 0; m < METRIC_COUNT; m++) {
            world->rows[r].values[m] = m == (int)world->metric ? world->values[r] : world->nothing;
            world->rows[r].verdict[m] = VERDICT_NONE;
            world->rows[r].p[m] = world->rows[r].p_holm[m] = NAN;
        }
    summary_compare(&world->summary);
}

struct noise {
    double of_baseline, of_others; /* spreads of the logarithm */
};

/* New figures for all rows, lognormal around a block's own level; the row `a` is `factor` times the others. */
static void throw_figures(struct world *world, struct noise noise, double factor)
{
    unsigned blocks = world->summary.block_count;
    for (unsigned b = 0; b < blocks; b++) {
        double level = exp(0.5 * random_normal(&world->random));
        for (unsigned r = 0; r < ROWS; r++)
            world->values[r][b] =
                level * (r == 2 ? factor : 1) * exp((r < 2 ? noise.of_baseline : noise.of_others) * random_normal(&world->random));
    }
    judge(world);
}

static unsigned count_different(const struct world *world)
{
    unsigned count = 0;
    for (unsigned r = 0; r < ROWS; r++)
        count += world->rows[r].verdict[world->metric] == VERDICT_DIFFERENT;
    return count;
}

struct alarms {
    unsigned experiments, comparisons; /* experiments with at least one, and all of them */
};

static struct alarms count_alarms(unsigned blocks, struct noise noise)
{
    struct world world;
    struct alarms alarms = {0};
    make_world(&world, blocks, 1);
    for (unsigned run = 0; run < RUNS; run++) {
        throw_figures(&world, noise, 1);
        unsigned different = count_different(&world);
        alarms.experiments += different > 0;
        alarms.comparisons += different;
    }
    return alarms;
}

/* Everything alike, the noise, too: any of five comparisons called different. */
static void test_alike(void **state)
{
    (void)state;
    static const double spreads[] = {0.005, 0.02, 0.3};
    for (size_t i = 0; i < sizeof(spreads) / sizeof(*spreads); i++) {
        struct noise noise = {spreads[i], spreads[i]};
        assert_in_range(count_alarms(6, noise).experiments, 0, RUNS / 20 - 1);
        assert_in_range(count_alarms(10, noise).experiments, 0, RUNS / 20 - 1);
    }
}

/*
 * The hard case: a steady baseline, whose A/A pair promises much, and rows that are as good but far more restless. With six blocks
 * only each comparison by itself is right in 95 of 100; from ten on all of an experiment's together are. Without Holm they would
 * not be: 11 of 1,024 orders of signs on either side, five times, are more than 10 %.
 */
static void test_restless(void **state)
{
    (void)state;
    const struct noise noise = {0.002, 0.5};
    struct alarms six = count_alarms(6, noise), ten = count_alarms(10, noise), twenty = count_alarms(20, noise);
    assert_in_range(six.comparisons, 1, RUNS * 5 / 20 - 1);
    assert_in_range(ten.experiments, 1, RUNS / 20 - 1);
    assert_in_range(twenty.experiments, 1, RUNS / 20 - 1);
}

/* A difference as large as one run says it could see is seen by 8 of 10 others, more or less: one run guesses from few blocks. */
static void check_power(unsigned blocks, double spread)
{
    struct world world;
    const struct noise noise = {spread, spread};
    unsigned seen = 0, worlds = 200;
    make_world(&world, blocks, 3);
    for (unsigned i = 0; i < worlds; i++) {
        throw_figures(&world, noise, 1);
        const struct power_question question = {
            .count = blocks, .delta = world.rows[2].delta[METRIC_CPU], .level = blocks < HOLM_BLOCKS ? 1 : 0.05 / 5, .seed = i};
        double difference = statistics_power(world.values[2], world.values[0], &question);
        throw_figures(&world, noise, i % 2 ? 1 + difference : 1 / (1 + difference));
        seen += world.rows[2].verdict[METRIC_CPU] == VERDICT_DIFFERENT;
    }
    assert_in_range(seen, worlds * 65 / 100, worlds * 95 / 100);
}

static void test_power(void **state)
{
    (void)state;
    check_power(6, 0.02);
    check_power(10, 0.02);
    check_power(20, 0.2);
}

/* Three orders of p in a family of five: the least is counted five times, and a difference that luck explains is undecided. */
static void test_families(void **state)
{
    (void)state;
    struct world world;
    const struct noise none = {0, 0};
    make_world(&world, 10, 4);
    throw_figures(&world, none, 1);
    for (unsigned b = 0; b < 10; b++) {
        world.values[2][b] = 2 * world.values[0][b];
        world.values[3][b] = (b ? 2 : 0.5) * world.values[0][b];
    }
    judge(&world);
    assert_float_equal(world.rows[2].p[METRIC_CPU], 2.0 / 1024, 1e-12);
    assert_float_equal(world.rows[2].p_holm[METRIC_CPU], 10.0 / 1024, 1e-12);
    assert_int_equal(world.rows[2].verdict[METRIC_CPU], VERDICT_DIFFERENT);
    assert_float_equal(world.rows[3].p_holm[METRIC_CPU], 4 * 22.0 / 1024, 1e-12);
    assert_int_equal(world.rows[3].verdict[METRIC_CPU], VERDICT_UNDECIDED); /* though nine of ten are twice as much */
    char *text = verdict_text(&world.rows[3], METRIC_CPU);
    assert_string_equal(text, "undecided; could be +100..+100 %, or luck (Holm)");
    free(text);
    assert_true(isnan(world.rows[1].p_holm[METRIC_CPU])); /* the A/A row is no comparison */
    assert_float_equal(world.rows[1].p[METRIC_CPU], 1, 0);
    world.rows[4].ranked = world.rows[5].ranked = world.rows[6].ranked = 0; /* nor is what is not ranked: two are left */
    judge(&world);
    assert_float_equal(world.rows[3].p_holm[METRIC_CPU], 22.0 / 1024, 1e-12);
    assert_int_equal(world.rows[3].verdict[METRIC_CPU], VERDICT_DIFFERENT);
}

/* A noisy bench takes much for the same: the word does not stand alone then. */
static void test_same_within(void **state)
{
    (void)state;
    struct row row = {.verdict[METRIC_CPU] = VERDICT_SAME, .delta[METRIC_CPU] = DELTA_LEAST};
    char *text = verdict_text(&row, METRIC_CPU);
    assert_string_equal(text, "same");
    free(text);
    row.delta[METRIC_CPU] = 0.3;
    text = verdict_text(&row, METRIC_CPU);
    assert_string_equal(text, "same within 30 %");
    free(text);
}

/* An A/A pair that differs leaves no comparison, and fewer than ten blocks no correction. */
static void test_no_families(void **state)
{
    (void)state;
    struct world world;
    const struct noise none = {0, 0};
    make_world(&world, 10, 4);
    throw_figures(&world, none, 2);
    for (unsigned b = 0; b < 10; b++)
        world.values[1][b] = 1.05 * world.values[0][b];
    judge(&world);
    assert_int_equal(world.rows[2].verdict[METRIC_CPU], VERDICT_VOID);
    assert_true(isnan(world.rows[2].p_holm[METRIC_CPU]));
    make_world(&world, 9, 4);
    throw_figures(&world, none, 2);
    assert_int_equal(world.rows[2].verdict[METRIC_CPU], VERDICT_DIFFERENT);
    assert_true(isnan(world.rows[2].p_holm[METRIC_CPU]));
    assert_float_equal(world.rows[2].p[METRIC_CPU], 2.0 / 512, 1e-12);
}

static void set_counts(struct world *world, unsigned r, double first, double rest)
{
    for (unsigned b = 0; b < BLOCKS_MOST; b++)
        world->values[r][b] = b ? rest : first;
}

static void assert_count(const struct world *world, unsigned r, enum verdict verdict, double low, double high)
{
    assert_int_equal(world->rows[r].verdict[METRIC_LOST], verdict);
    assert_float_equal(row_against(&world->rows[r], METRIC_LOST)->low, low, 0);
    assert_float_equal(row_against(&world->rows[r], METRIC_LOST)->high, high, 0);
}

/* The baseline loses nothing: no ratio exists, and yet it can be told who loses something. */
static void test_counts(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 6, 1);
    world.metric = METRIC_LOST;
    set_counts(&world, 2, 3, 3);
    set_counts(&world, 3, 0, 0);
    set_counts(&world, 4, 1, 0);
    set_counts(&world, 5, NAN, 4);
    set_counts(&world, 6, 1, 90);
    judge(&world);
    assert_count(&world, 2, VERDICT_DIFFERENT, 3, 3);
    assert_float_equal(world.rows[2].p[METRIC_LOST], 2.0 / 64, 1e-12);
    assert_int_equal(world.rows[2].ratio[METRIC_LOST].n, 0);
    assert_int_equal(row_left_out(&world.summary, &world.rows[2], METRIC_LOST), 0);
    assert_count(&world, 3, VERDICT_SAME, 0, 0);
    assert_float_equal(world.rows[3].p[METRIC_LOST], 1, 0); /* all alike */
    assert_count(&world, 4, VERDICT_UNDECIDED, 0, 1);
    assert_int_equal(world.rows[5].verdict[METRIC_LOST], VERDICT_NONE); /* five pairs have no interval */
    assert_int_equal(row_left_out(&world.summary, &world.rows[5], METRIC_LOST), 1);
    assert_count(&world, 6, VERDICT_DIFFERENT, 1, 90);
    set_counts(&world, 1, 1, 2); /* an A/A pair that loses and does not: the metric tells nothing */
    judge(&world);
    assert_int_equal(world.rows[2].verdict[METRIC_LOST], VERDICT_VOID);
    assert_true(world.rows[1].differs[METRIC_LOST]);
}

/* What the A/A pair does not hold still counts as the same: half the width of its interval, or 3 % of the baseline's median. */
static void test_counts_within_the_noise(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 6, 1);
    world.metric = METRIC_LOST;
    set_counts(&world, 0, 100, 100);
    set_counts(&world, 1, 90, 110); /* -10..10 */
    set_counts(&world, 2, 92, 108);
    set_counts(&world, 3, 112, 112);
    judge(&world);
    assert_float_equal(world.rows[2].delta[METRIC_LOST], 10, 0);
    assert_count(&world, 2, VERDICT_SAME, -8, 8);
    assert_count(&world, 3, VERDICT_DIFFERENT, 12, 12);
    char *text = verdict_text(&world.rows[2], METRIC_LOST);
    assert_string_equal(text, "same within 10");
    free(text);
    text = verdict_text(&world.rows[4], METRIC_LOST);
    assert_string_equal(text, "different");
    free(text);
    set_counts(&world, 4, 85, 111);
    set_counts(&world, 1, 100, 100);
    judge(&world);
    assert_float_equal(world.rows[4].delta[METRIC_LOST], 3, 1e-12);
    text = verdict_text(&world.rows[4], METRIC_LOST);
    assert_string_equal(text, "undecided; could be -15..+11");
    free(text);
}

/* Rows that lose alike, mostly little or nothing: hardly ever is one called different. */
static void test_counts_alike(void **state)
{
    (void)state;
    struct world world;
    unsigned alarms[2] = {0};
    for (unsigned ten = 0; ten < 2; ten++) {
        make_world(&world, ten ? 10 : 6, 5);
        world.metric = METRIC_LOST;
        for (unsigned run = 0; run < RUNS; run++) {
            for (unsigned r = 0; r < ROWS; r++)
                for (unsigned b = 0; b < BLOCKS_MOST; b++)
                    world.values[r][b] = floor(3 * pow(random_unit(&world.random), 2));
            judge(&world);
            alarms[ten] += count_different(&world) > 0;
        }
    }
    assert_in_range(alarms[0], 0, RUNS / 20 - 1);
    assert_in_range(alarms[1], 0, RUNS / 20 - 1);
}

/* In a ratio a figure of 0 makes no pair; that is told. */
static void test_left_out(void **state)
{
    (void)state;
    struct world world;
    const struct noise none = {0, 0};
    make_world(&world, 10, 4);
    world.experiment.workers_count = world.experiment.loads_count = 1;
    throw_figures(&world, none, 1);
    char *text = left_out_remark(&world.summary, 0);
    assert_string_equal(text, "");
    free(text);
    world.values[2][3] = 0;
    world.values[4][0] = world.values[4][1] = NAN;
    judge(&world);
    assert_int_equal(world.rows[2].ratio[METRIC_CPU].n, 9);
    text = left_out_remark(&world.summary, 0);
    assert_string_equal(text,
                        "Pairs left out, since the row or its baseline has no figure above 0 in that block: a 1 of 10, c 2 of 10.");
    free(text);
}

/* A row with another number of workers is compared, and it is said. */
static void test_other_workers(void **state)
{
    (void)state;
    struct world world;
    const struct noise none = {0, 0};
    make_world(&world, 6, 4);
    throw_figures(&world, none, 1);
    char *text = workers_remark(&world.summary, 0);
    assert_string_equal(text, "");
    free(text);
    world.rows[3].workers = 8;
    text = workers_remark(&world.summary, 0);
    assert_string_equal(text,
                        "Not the number of workers that the baseline has (base 2): b 8. Their verdicts are about that, too, not "
                        "about the strategy alone.");
    free(text);
}

static void test_power_of_counts(void **state)
{
    (void)state;
    const double zeros[10] = {0}, a[] = {0, 8, 0, 8, 0, 8, 0, 8, 0, 8};
    struct power_question question = {.count = 10, .by_difference = true, .level = 0.05, .seed = 1};
    assert_float_equal(statistics_power(zeros, zeros, &question), 0, 0);
    question.delta = 5;
    assert_float_equal(statistics_power(zeros, zeros, &question), 5, 0);
    assert_in_range(statistics_power(a, zeros, &question), 8, 20);
}

static void test_power_ends(void **state)
{
    (void)state;
    const double a[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, b[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, NAN};
    struct power_question question = {.count = 10, .delta = 0.03, .level = 0.05, .seed = 1};
    assert_float_equal(statistics_power(a, a, &question), 0.03 / (1 - 0.03), 1e-12); /* downward it takes a little more */
    question.level = 0.001;                                                          /* ten signs give no p below .00195 */
    assert_true(isinf(statistics_power(a, a, &question)));
    question.level = 0.003;
    assert_false(isinf(statistics_power(a, a, &question)));
    assert_true(isinf(statistics_power(a, b, &question)));     /* nine give none below .0039 */
    const double outlier[] = {1, 1, 1, 1, 0.4, 1, 1, 1, 1, 1}; /* in two of three draws, and half of them are mirrored */
    question = (struct power_question){.count = 10, .delta = 0.03, .level = 0.05, .seed = 1};
    assert_true(statistics_power(outlier, a, &question) < 0.04); /* nine of ten on one side will do */
    question.level = 0.01;
    assert_true(statistics_power(outlier, a, &question) > 1); /* where all must be, the one counts */
    question = (struct power_question){.count = 5, .delta = 0.03, .level = 1, .seed = 1};
    assert_true(isinf(statistics_power(a, a, &question))); /* five blocks have no interval */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alike),           cmocka_unit_test(test_restless),    cmocka_unit_test(test_families),
        cmocka_unit_test(test_same_within),     cmocka_unit_test(test_no_families), cmocka_unit_test(test_power),
        cmocka_unit_test(test_power_ends),      cmocka_unit_test(test_counts),      cmocka_unit_test(test_counts_within_the_noise),
        cmocka_unit_test(test_counts_alike),    cmocka_unit_test(test_left_out),    cmocka_unit_test(test_other_workers),
        cmocka_unit_test(test_power_of_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
