/* Who is best, and how sure that is: places as ranges, from made-up blocks whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/ranking.h"
#include "harness/summary_parts.h"

#define BLOCKS_MOST 10
#define ROWS_MOST   6

struct world {
    struct experiment experiment;
    struct results results;
    struct summary summary;
    struct row rows[ROWS_MOST];
    double values[ROWS_MOST][BLOCKS_MOST], nothing[BLOCKS_MOST];
    enum metric metric;
};

static void make_world(struct world *world, unsigned blocks, enum metric metric)
{
    *world = (struct world){.experiment = {.name = (char *)"x", .baseline = (char *)"base", .primary = metric, .workers_count = 1},
                            .metric = metric};
    world->results = (struct results){.plan = {.experiments = &world->experiment, .count = 1}, .seed = 7};
    world->summary = (struct summary){.results = &world->results,
                                      .block_count = blocks,
                                      .verdicts = true,
                                      .adjusted = blocks >= HOLM_BLOCKS,
                                      .rows = world->rows};
    for (unsigned b = 0; b < BLOCKS_MOST; b++)
        world->nothing[b] = NAN;
}

/* A row whose blocks are `value` times what `wave` says, by turns. */
static struct row *add_row(struct world *world, const char *strategy, double value, double wave)
{
    unsigned r = world->summary.row_count++, blocks = world->summary.block_count;
    struct row *row = &world->rows[r];
    *row = (struct row){.strategy = strategy, .load = "closed", .workers = 2, .cells = blocks, .ranked = blocks};
    row->baseline = !strcmp(strategy, "base") && !r;
    row->again = !strcmp(strategy, "base") && r;
    for (unsigned b = 0; b < blocks; b++)
        world->values[r][b] = value * (b % 2 ? wave : 1 / wave);
    return row;
}

static void judge(struct world *world, struct ranking *ranking)
{
    for (unsigned r = 0; r < world->summary.row_count; r++)
        for (int m = 0; m < METRIC_COUNT; m++) {
            struct row *row = &world->rows[r];
            row->values[m] = m == (int)world->metric ? world->values[r] : world->nothing;
            row->of[m] = estimate_of(row->values[m], world->summary.block_count);
            row->verdict[m] = VERDICT_NONE;
        }
    summary_compare(&world->summary);
    ranking_make(ranking, &world->summary, 0, world->metric);
}

static void assert_place(const struct ranking *ranking, unsigned index, const char *strategy, const char *place,
                         enum verdict verdict)
{
    char *text = place_text(&ranking->places[index]);
    assert_string_equal(ranking->places[index].row->strategy, strategy);
    assert_string_equal(text, place);
    assert_int_equal(ranking->places[index].verdict, verdict);
    free(text);
}

/* Alike ones share a range, who is different stands behind them, who is noisy may stand anywhere among them. */
static void test_places(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_CPU);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10, 1.002);
    add_row(&world, "double", 20, 1.01);
    add_row(&world, "alike", 10.1, 1.002);
    add_row(&world, "restless", 10.5, 1.2);
    judge(&world, &ranking);
    assert_int_equal(ranking.state, RANKING_DECIDED);
    assert_int_equal(ranking.count, 4);
    assert_place(&ranking, 0, "base", "1 to 3", VERDICT_NONE);
    assert_place(&ranking, 1, "alike", "1 to 3", VERDICT_SAME);
    assert_place(&ranking, 2, "restless", "1 to 3", VERDICT_UNDECIDED);
    assert_place(&ranking, 3, "double", "4", VERDICT_DIFFERENT);
    ranking_free(&ranking);
}

static void test_more_is_better(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_RATE);
    add_row(&world, "base", 1000, 1);
    add_row(&world, "base", 1000, 1.002);
    add_row(&world, "fast", 2000, 1.01);
    judge(&world, &ranking);
    assert_place(&ranking, 0, "fast", "1", VERDICT_NONE);
    assert_place(&ranking, 1, "base", "2", VERDICT_DIFFERENT);
    ranking_free(&ranking);
}

/* Where two runs of the same differ nobody has a place, and without verdicts neither. */
static void test_nothing_decided(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_CPU);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10.5, 1);
    add_row(&world, "double", 20, 1);
    judge(&world, &ranking);
    assert_int_equal(ranking.state, RANKING_VOID);
    assert_place(&ranking, 0, "base", "1 to 2", VERDICT_NONE);
    assert_place(&ranking, 1, "double", "1 to 2", VERDICT_NONE);
    ranking_free(&ranking);
    world.summary.verdicts = false;
    judge(&world, &ranking);
    assert_int_equal(ranking.state, RANKING_WITHOUT_VERDICTS);
    ranking_free(&ranking);
}

/* Who loses nothing stands before who loses something, though there is no ratio; of what is compared by ratio a 0 decides nothing.
 */
static void test_zeros(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_LOST);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10, 1.002);
    add_row(&world, "none", 0, 1);
    judge(&world, &ranking);
    assert_int_equal(ranking.state, RANKING_DECIDED);
    assert_place(&ranking, 0, "none", "1", VERDICT_NONE);
    assert_place(&ranking, 1, "base", "2", VERDICT_DIFFERENT);
    assert_float_equal(ranking.places[1].against.low, 10, 0);
    ranking_free(&ranking);
    make_world(&world, 6, METRIC_MEMORY);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10, 1.002);
    add_row(&world, "none", 0, 1);
    judge(&world, &ranking);
    assert_int_equal(ranking.state, RANKING_DECIDED);
    assert_place(&ranking, 0, "none", "1 to 2", VERDICT_NONE);
    assert_place(&ranking, 1, "base", "1 to 2", VERDICT_UNDECIDED);
    ranking_free(&ranking);
}

/* Of a strategy the row with most workers; who is not ranked is named and has no place. */
static void test_rows(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_CPU);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10, 1.002);
    add_row(&world, "grown", 5, 1);
    add_row(&world, "grown", 30, 1)->workers = 4;
    add_row(&world, "failed", 1, 1)->ranked = 0;
    judge(&world, &ranking);
    assert_int_equal(ranking.count, 2);
    assert_place(&ranking, 0, "base", "1", VERDICT_NONE);
    assert_place(&ranking, 1, "grown", "2", VERDICT_DIFFERENT);
    assert_int_equal(ranking.unranked.count, 1);
    assert_string_equal(ranking.unranked.items[0], "failed");
    ranking_free(&ranking);
}

/* Nine signs of ten are p = .021: enough for one pair, not for the best of six. */
static void test_holm(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "c"};
    for (unsigned others = 0; others <= 2; others += 2) {
        struct world world;
        struct ranking ranking;
        make_world(&world, 10, METRIC_CPU);
        add_row(&world, "base", 10, 1.001);
        add_row(&world, "base", 10, 1.001);
        add_row(&world, "a", 9, 1.001);
        world.values[2][0] = 11;
        for (unsigned i = 0; i < others; i++)
            add_row(&world, names[i], 10, 1.001);
        judge(&world, &ranking);
        assert_place(&ranking, 0, "a", others ? "1 to 4" : "1", VERDICT_NONE);
        assert_place(&ranking, 1, "base", others ? "1 to 4" : "2", others ? VERDICT_UNDECIDED : VERDICT_DIFFERENT);
        ranking_free(&ranking);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places), cmocka_unit_test(test_more_is_better), cmocka_unit_test(test_nothing_decided),
        cmocka_unit_test(test_zeros),  cmocka_unit_test(test_rows),           cmocka_unit_test(test_holm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
