/* Who is best, and how sure that is: places as ranges, from made-up blocks whose answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "harness/ranking.h"
#include "world.h"

#define RUNS 2000u

static void judge(struct world *world, struct ranking *ranking)
{
    judge_world(world);
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

/* Nine signs of ten are p = .021: enough for one pair, not for the best of four. */
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
        assert_int_equal(ranking.places[1].by_luck, others > 0);
        ranking_free(&ranking);
    }
}

/* Ten blocks tell the best of eight from the seven others; what stands between those is another question, and stays open. */
static void test_best_of_many(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct world world;
    struct ranking ranking;
    make_world(&world, 10, METRIC_CPU);
    add_row(&world, "base", 10, 1.001);
    add_row(&world, "base", 10, 1.001);
    add_row(&world, "best", 9, 1.001);
    for (unsigned i = 0; i < 6; i++)
        add_row(&world, names[i], 20 * (i + 1), 1.001);
    judge(&world, &ranking);
    assert_int_equal(ranking.count, 8);
    assert_place(&ranking, 0, "best", "1", VERDICT_NONE);
    assert_place(&ranking, 1, "base", "2 to 8", VERDICT_DIFFERENT);
    assert_place(&ranking, 7, "f", "2 to 8", VERDICT_DIFFERENT);
    assert_int_equal(ranking.blocks_needed, 0);
    ranking_free(&ranking);
}

/* 2 / 2^10 times 26 comparisons is .051: not even ten signs of ten pass, eleven of eleven would. */
static void test_too_many_for_the_blocks(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
                                        "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"};
    for (unsigned others = 25; others <= 26; others++) {
        make_world(&world, 10, METRIC_CPU);
        add_row(&world, "base", 10, 1.001);
        add_row(&world, "base", 10, 1.001);
        for (unsigned i = 0; i < others; i++)
            add_row(&world, names[i], 20, 1.001);
        judge(&world, &ranking);
        assert_int_equal(ranking.blocks_needed, others == 26 ? 11 : 0);
        assert_place(&ranking, 0, "base", others == 26 ? "1 to 27" : "1", VERDICT_NONE);
        ranking_free(&ranking);
    }
}

/* In nine of ten blocks it needs 5 % more, and its median is less all the same. */
static void test_medians_against_pairs(void **state)
{
    (void)state;
    struct world world;
    struct ranking ranking;
    make_world(&world, 10, METRIC_CPU);
    add_row(&world, "base", 10, 1);
    add_row(&world, "base", 10, 1);
    add_row(&world, "low", 10, 1);
    for (unsigned b = 0; b < 10; b++) {
        world.values[0][b] = world.values[1][b] = 10 * (b + 1);
        world.values[2][b] = b == 9 ? 5 : 10.5 * (b + 1);
    }
    judge(&world, &ranking);
    assert_place(&ranking, 0, "low", "2", VERDICT_NONE);
    assert_place(&ranking, 1, "base", "1", VERDICT_DIFFERENT);
    assert_true(ranking.places[1].reversed);
    ranking_free(&ranking);
}

/* A plan may name its loads in any order. */
static void test_highest_load(void **state)
{
    (void)state;
    static const char *const loads[] = {"80pct", "90pct", "20pct"};
    static const double rates[] = {800, 900, 200};
    struct world world;
    struct ranking ranking;
    make_world(&world, 6, METRIC_CPU);
    for (unsigned l = 0; l < 3; l++)
        for (unsigned i = 0; i < 3; i++) {
            struct row *row = add_row(&world, i < 2 ? "base" : "other", 10 * (l + 1), 1.001);
            row->baseline = !i;
            row->again = i == 1;
            row->load = loads[l];
            row->rate = rates[l];
        }
    judge(&world, &ranking);
    assert_string_equal(ranking.load, "90pct");
    assert_int_equal(ranking.count, 2);
    assert_float_equal(ranking.places[0].row->of[METRIC_CPU].median, 20, 0.1);
    ranking_free(&ranking);
}

/* Who is best of eight that are all alike is chosen from the same figures; it is hardly ever told from anybody all the same. */
static void test_false_alarms(void **state)
{
    (void)state;
    static const char *const names[] = {"base", "base", "a", "b", "c", "d", "e", "f", "g"};
    struct world world;
    struct random random;
    random_init(&random, 1);
    for (int s = 0; s < 3; s++) {
        unsigned alarms = 0;
        for (unsigned run = 0; run < RUNS; run++) {
            struct ranking ranking;
            make_world(&world, 10, METRIC_CPU);
            for (unsigned r = 0; r < 9; r++) {
                add_row(&world, names[r], 10, 1);
                for (unsigned b = 0; b < 10; b++)
                    world.values[r][b] = exp((s == 0 || (s == 2 && r < 2) ? 0.01 : 0.3) * random_normal(&random));
            }
            judge(&world, &ranking);
            bool alarm = false;
            for (unsigned i = 1; i < ranking.count; i++)
                alarm |= ranking.places[i].verdict == VERDICT_DIFFERENT;
            alarms += alarm;
            ranking_free(&ranking);
        }
        assert_true(alarms <= RUNS / 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_more_is_better),
        cmocka_unit_test(test_nothing_decided),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_best_of_many),
        cmocka_unit_test(test_too_many_for_the_blocks),
        cmocka_unit_test(test_medians_against_pairs),
        cmocka_unit_test(test_highest_load),
        cmocka_unit_test(test_false_alarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
