/* The front of the page, words and forest: what is said of who is best, and why nothing can be said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/chart.h"
#include "harness/html_parts.h"
#include "world.h"

static struct world world;

static char *front(void)
{
    char *text;
    size_t length;
    struct gallery gallery = {0};
    judge_world(&world);
    struct page page = {.out = open_memstream(&text, &length), .summary = &world.summary, .gallery = &gallery};
    assert_non_null(page.out);
    html_print_answers(&page);
    assert_int_equal(fclose(page.out), 0);
    return text;
}

static void expect(const char *const *texts)
{
    char *page = front();
    for (; *texts; texts++)
        if (!strstr(page, *texts))
            fail_msg("'%s' is not in: %s", *texts, page);
    free(page);
}

#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})

static void begin(unsigned blocks, enum metric metric)
{
    make_world(&world, blocks, metric);
    world.experiment.title = (char *)"X";
    add_row(&world, "base", 10, 1.001);
    add_row(&world, "base", 10, 1.001);
}

/* The best one, and in which direction the others differ; who is not ranked is not among them. */
static void test_direction(void **state)
{
    (void)state;
    begin(6, METRIC_CPU);
    add_row(&world, "double", 20, 1.001);
    add_row(&world, "broken", 1, 1)->ranked = 0;
    EXPECT("<strong class=\"word\">different</strong> base, 10.0 [10.0, 10.0] us; every other ranked one needs more. Needs more: "
           "double (",
           "Not ranked: broken; its section says why.", "<td>2, needs more<br>");
    begin(6, METRIC_RATE);
    add_row(&world, "half", 5, 1.001);
    EXPECT("every other ranked one serves fewer. Serves fewer: half (0.50");
}

/* "could be -3..-0 %" beside "the same within 3 %" would contradict itself. */
static void test_ranges(void **state)
{
    (void)state;
    begin(6, METRIC_CPU);
    add_row(&world, "same", 10.01, 1.001);
    add_row(&world, "near", 10.2, 1.015);
    add_row(&world, "far", 11.2, 1.1);
    EXPECT(
        "base has the best median, 10.0 [10.0, 10.0] us, but is not alone. The same within 3.0 %: same (1.00 [1.00, 1.00] times). "
        "Undecided: near (could be +0.6..+3.4 %), far (could be +1.9..+23 %).");
}

/* A cell that was left out and a figure of 0 are not the same; nothing said of one is said of the other. */
static void test_gaps(void **state)
{
    (void)state;
    begin(6, METRIC_CPU);
    leave_out(&world, add_row(&world, "stumbled", 20, 1.001));
    EXPECT("Undecided: stumbled (1 of 6 cells left out).");
    begin(6, METRIC_MEMORY);
    add_row(&world, "none", 0, 1);
    EXPECT("none has the best median, 0.0 [0.0, 0.0] MB, but is not alone. Undecided: base (none of it in 6 of 6 blocks).");
    begin(6, METRIC_CPU);
    leave_out(&world, &world.rows[1]);
    add_row(&world, "double", 20, 1.001);
    EXPECT("Nothing tells how much is noise here: the A/A pair has 5 of 6 blocks. Medians lie from 10.0 [10.0, 10.0] us (base) to");
    begin(6, METRIC_CPU);
    world.rows[0].baseline = world.rows[1].again = false;
    world.experiment.baseline = NULL;
    EXPECT("<strong class=\"word\">no verdict</strong> Nothing tells how much is noise here: there is no baseline. Medians lie");
}

/* Where the correction takes a verdict away the front says so, and how many blocks it would have taken. */
static void test_holm(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
                                        "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"};
    begin(10, METRIC_CPU);
    for (unsigned i = 0; i < 26; i++)
        add_row(&world, names[i], 20, 1.001);
    EXPECT("z (could be +100..+100 %, or luck (Holm)). Even a difference in all 10 blocks would not pass Holm's correction over 26 "
           "comparisons: that takes 11 blocks.");
}

/* The best median alone makes nobody the best. */
static void test_medians_against_pairs(void **state)
{
    (void)state;
    begin(10, METRIC_CPU);
    add_row(&world, "low", 10, 1);
    for (unsigned b = 0; b < 10; b++) {
        world.values[0][b] = world.values[1][b] = 10 * (b + 1);
        world.values[2][b] = b == 9 ? 5 : 10.5 * (b + 1);
    }
    EXPECT("<strong class=\"word\">undecided</strong> low has the best median",
           "Better than it within the blocks, though not by the median: base (0.95 [0.95, 0.95] times).",
           "<td><strong>1</strong>, better within the blocks<br>");
}

/* ---- the forest, of the same figures ---- */

static void expect_words(const char *words)
{
    char *data, *script;
    size_t data_length, script_length;
    judge_world(&world);
    struct drawing drawing = {
        .summary = &world.summary, .data = open_memstream(&data, &data_length), .script = open_memstream(&script, &script_length)};
    assert_non_null(drawing.data);
    assert_non_null(drawing.script);
    assert_int_equal(chart_forest.write(&drawing), 0);
    assert_int_equal(fclose(drawing.data), 0);
    assert_int_equal(fclose(drawing.script), 0);
    char *label = text_print("set label '%s'", words);
    if (!strstr(script, label))
        fail_msg("'%s' is not in: %s", words, script);
    free(label);
    free(drawing.subtitle);
    free(drawing.alt);
    free(script);
    free(data);
}

/* A line says why it has no interval, no ratio or no verdict; and a cell that failed does not make a ranked row unranked. */
static void test_forest_words(void **state)
{
    (void)state;
    begin(6, METRIC_CPU);
    leave_out(&world, add_row(&world, "stumbled", 20, 1.001));
    expect_words("2.00  no interval: 5 of 6 blocks");
    begin(6, METRIC_CPU);
    leave_out(&world, &world.rows[1]);
    add_row(&world, "double", 20, 1.001);
    expect_words("A/A  1.00  no interval: 5 of 6 blocks");
    expect_words("2.00  no verdict: no A/A interval");
    begin(6, METRIC_MEMORY);
    leave_out(&world, add_row(&world, "none", 0, 1));
    expect_words("no ratio: 1 of 6 cells left out");
    begin(6, METRIC_MEMORY);
    add_row(&world, "none", 0, 1);
    expect_words("no ratio: none of it in 6 of 6 blocks");
    begin(6, METRIC_CPU);
    add_row(&world, "broken", 10, 1)->ranked = 0;
    expect_words("not ranked: the table says why");
    begin(6, METRIC_CPU);
    add_row(&world, "near", 10.2, 1.015);
    expect_words("undecided: +0.6..+3.4 %");
}

/* What does not fit a page is shortened to the highest load, wherever the plan has it. */
static void test_shortened_forest(void **state)
{
    (void)state;
    static const char *const names[] = {"base", "base", "a", "b", "c", "d", "e", "f"};
    static const char *const loads[] = {"80pct", "90pct", "20pct"};
    static const double rates[] = {800, 900, 200};
    make_world(&world, 6, METRIC_CPU);
    world.experiment.title = (char *)"X";
    world.experiment.loads_count = 3;
    for (unsigned i = 0; i < 96; i++) {
        struct row *row = add_row(&world, names[i % 8], 10 + i % 8, 1.001);
        row->baseline = i % 8 == 0;
        row->again = i % 8 == 1;
        row->load = loads[i / 32];
        row->rate = rates[i / 32];
        row->workers = 1 + i / 8 % 4;
    }
    judge_world(&world);
    assert_true(plot_forest_is_too_long(&world.summary));
    char *data, *script;
    size_t data_length, script_length;
    struct drawing drawing = {
        .summary = &world.summary, .data = open_memstream(&data, &data_length), .script = open_memstream(&script, &script_length)};
    assert_int_equal(chart_forest.write(&drawing), 0);
    assert_int_equal(fclose(drawing.data) | fclose(drawing.script), 0);
    assert_non_null(strstr(data, "\"f, 90 %\""));
    assert_null(strstr(data, "20 %"));
    free(drawing.subtitle);
    free(drawing.alt);
    free(script);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_medians_against_pairs),
        cmocka_unit_test(test_forest_words),
        cmocka_unit_test(test_shortened_forest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
