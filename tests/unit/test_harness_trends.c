/* Speed-ups, laws and knees out of rows: which rows take part, in which order, and what is said of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/summary.h"
#include "harness/summary_parts.h"

#define BLOCKS 6
#define ROWS   8

struct world {
    struct load loads[4];
    struct experiment experiment;
    struct results results;
    struct summary summary;
    struct row rows[ROWS];
    double values[ROWS][METRIC_COUNT][BLOCKS];
};

static void make_world(struct world *world, unsigned rows)
{
    memset(world, 0, sizeof(*world));
    world->experiment = (struct experiment){
        .name = (char *)"x", .workers_count = rows, .loads = world->loads, .loads_count = 1, .primary = METRIC_RATE};
    world->results = (struct results){.plan = {.experiments = &world->experiment, .count = 1}, .seed = 7};
    world->summary = (struct summary){.results = &world->results, .block_count = BLOCKS, .rows = world->rows, .row_count = rows};
    for (unsigned r = 0; r < ROWS; r++) {
        world->rows[r] = (struct row){.strategy = "shared", .load = "closed", .workers = 2, .cells = BLOCKS, .ranked = BLOCKS};
        for (int m = 0; m < METRIC_COUNT; m++)
            world->rows[r].values[m] = world->values[r][m];
    }
}

static void fill(struct world *world, unsigned row, int m, double value)
{
    static const double noise[BLOCKS] = {1, 1.01, 0.99, 1.005, 0.995, 1};
    for (unsigned b = 0; b < BLOCKS; b++)
        world->values[row][m][b] = value * pow(noise[b], 1 + row % 3);
}

static void make_scaling(struct world *world)
{
    static const unsigned workers[ROWS] = {64, 32, 16, 8, 4, 2, 1, 1}; /* not in order: a plan may say so */
    const struct scaling_law law = {.scale = 1000, .sigma = 0.05, .kappa = 0.002};
    make_world(world, ROWS);
    for (unsigned r = 0; r < ROWS; r++) {
        world->rows[r].workers = workers[r];
        fill(world, r, METRIC_RATE, scaling_law_at(&law, workers[r]));
    }
    world->rows[7].again = true; /* the A/A row of the one worker, made useless */
    fill(world, 7, METRIC_RATE, 1);
}

static void check_text(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void check_start(char *text, const char *expected)
{
    assert_ptr_equal(strstr(text, expected), text);
    free(text);
}

static void test_scaling(void **state)
{
    (void)state;
    struct world world;
    make_scaling(&world);
    summary_find_trends(&world.summary);
    assert_int_equal(world.summary.scaling_count, 1);
    const struct scaling *scaling = &world.summary.scalings[0];
    assert_true(scaling->fitted);
    assert_int_equal(scaling->fewest, 1);
    assert_int_equal(scaling->most, 64);
    assert_float_equal(scaling->usl.law.scale, 1, 0.02);
    assert_float_equal(scaling->usl.law.sigma, 0.05, 0.01);
    assert_float_equal(scaling->usl.peak.median, sqrt(0.95 / 0.002), 2);
    assert_float_equal(world.rows[6].speedup.median, 1, 0);
    assert_float_equal(world.rows[5].speedup.median, 2 / 1.054, 0.03);
    assert_int_equal(world.rows[7].speedup.n, 0);
    assert_int_equal(world.summary.knee_count, 0);
    char *text = scaling_text(scaling);
    assert_ptr_equal(strstr(text, "shared: USL sigma 0.0"), text);
    assert_non_null(strstr(text, ", most at 22 workers; Amdahl sigma "));
    free(text);
    summary_free_trends(&world.summary);
}

/* Two rows not ranked, as where emulation did not hold: five are left, and no law is fitted to what the machine could not do. */
static void test_not_ranked(void **state)
{
    (void)state;
    struct world world;
    make_scaling(&world);
    world.rows[0].ranked = world.rows[6].ranked = 0;
    summary_find_trends(&world.summary);
    assert_int_equal(world.summary.scaling_count, 1);
    const struct scaling *scaling = &world.summary.scalings[0];
    assert_false(scaling->fitted);
    assert_int_equal(scaling->fewest, 2);
    assert_int_equal(scaling->most, 32);
    assert_float_equal(world.rows[5].speedup.median, 1, 0); /* speed-ups count from the two workers now */
    assert_int_equal(world.rows[0].speedup.n, 0);
    check_text(scaling_text(scaling), "shared: no law is fitted: 5 numbers of workers were measured, it takes 6");
    summary_free_trends(&world.summary);
}

static void test_no_scaling(void **state)
{
    (void)state;
    struct world world;
    make_scaling(&world);
    world.loads[0].kind = LOAD_RATE; /* in an open loop throughput is what was planned */
    summary_find_trends(&world.summary);
    assert_int_equal(world.summary.scaling_count, 0);
    assert_int_equal(world.rows[5].speedup.n, 0);
}

static void make_loads(struct world *world, const double p99[4])
{
    make_world(world, 4);
    world->experiment.workers_count = 1;
    world->experiment.loads_count = 4;
    for (unsigned r = 0; r < 4; r++) {
        world->loads[r] = (struct load){LOAD_RATE, 100.0 * (r + 1)};
        world->rows[r].rate = 100.0 * (r + 1);
        fill(world, r, METRIC_P99, p99[r]);
    }
}

static void test_knee(void **state)
{
    (void)state;
    static const double bent[] = {1, 2, 4, 8}, flat[] = {1, 1, 1, 1};
    struct world world;
    make_loads(&world, bent);
    summary_find_trends(&world.summary);
    assert_int_equal(world.summary.scaling_count, 0);
    assert_int_equal(world.summary.knee_count, 1);
    assert_float_equal(world.summary.knees[0].rate.median, 332, 3);
    check_start(knee_text(&world.summary.knees[0]), "shared: knee at 33");
    summary_free_trends(&world.summary);
    make_loads(&world, flat);
    summary_find_trends(&world.summary);
    check_text(knee_text(&world.summary.knees[0]), "shared: no knee up to 400/s");
    summary_free_trends(&world.summary);
    make_loads(&world, bent);
    world.rows[1].ranked = world.rows[3].ranked = 0;
    summary_find_trends(&world.summary);
    assert_int_equal(world.summary.knee_count, 0); /* two loads make no curve */
    summary_free_trends(&world.summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_not_ranked),
        cmocka_unit_test(test_no_scaling),
        cmocka_unit_test(test_knee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
