/* What export prints, from cells that are written here: names that need escapes stay one field and one label. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/export.h"
#include "tests/contract/exposition.h"

static const char plan_text[] = "[plan]\ntitle = T\nblocks = 2\n[experiment cost]\nstrategies = even, odd\nrequest = /hello\n"
                                "workers = 2\nduration = 1s\nbaseline = even\nprimary = p99_us\n";

static void add_cell(struct results *results, unsigned block, const char *strategy, bool ranked, double value)
{
    results->cells = memory_grow(results->cells, (results->cell_count + 1) * sizeof(*results->cells));
    struct cell_record *cell = &results->cells[results->cell_count++];
    *cell = (struct cell_record){.block = block, .workers = 2, .ranked = ranked};
    cell->folder = text_copy("x");
    cell->strategy = text_copy(strategy);
    cell->load = text_copy("closed");
    cell->requests = memory_get(2 * sizeof(double));
    cell->connections = memory_get(2 * sizeof(double));
    for (int m = 0; m < METRIC_COUNT; m++)
        cell->value[m] = value;
    cell->value[METRIC_GAP] = NAN;
}

static void make_results(struct results *results)
{
    char error[PLAN_ERROR_SIZE];
    *results = (struct results){.folder = text_copy("x"), .complete = true};
    assert_int_equal(plan_parse(&results->plan, "plan.ini", plan_text, error), 0);
    text_replace(&results->plan.name, text_copy("a \"plan\", \\ with\nlines"));
    results->blocks = memory_get(2 * sizeof(*results->blocks));
    results->block_count = 2;
    results->blocks[0] = (struct block_record){.number = 1, .accepted = true};
    results->blocks[1] = (struct block_record){.number = 2, .accepted = true};
    for (unsigned block = 1; block <= 2; block++) {
        add_cell(results, block, "even", true, 1000 * block);
        add_cell(results, block, "odd", false, 5);
    }
}

static char *print(const struct results *results, bool csv)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    if (csv) {
        export_print_csv(results, out);
    } else {
        struct summary summary;
        summary_make(&summary, results);
        export_print_prometheus(&summary, out);
        summary_free(&summary);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_prometheus(void **state)
{
    (void)state;
    struct results results;
    char why[EXPOSITION_WHY_SIZE] = "";
    unsigned count;
    make_results(&results);
    char *text = print(&results, false);
    if (!exposition_check(text, why))
        fail_msg("%s\n%s", why, text);
    assert_true(strstr(text, "{plan=\"a \\\"plan\\\", \\\\ with\\nlines\",experiment=\"cost\",strategy=\"even\"") != NULL);
    assert_true(fabs(exposition_sum(text, "clusterbench_response_time_p99_seconds", "", &count) - 0.0015) < 1e-12);
    assert_int_equal(count, 1); /* who is not ranked is not there */
    assert_null(strstr(text, "longest_gap"));
    free(text);
    results_close(&results);
}

static void test_csv(void **state)
{
    (void)state;
    struct results results;
    make_results(&results);
    char *text = print(&results, true);
    assert_true(strncmp(text, "plan,experiment,strategy,", 25) == 0);
    assert_non_null(strstr(text, "\n\"a \"\"plan\"\", \\ with\nlines\",cost,even,false,2,closed,0,2,true,true,p99_us,2000\n"));
    assert_non_null(strstr(text, "cost,odd,false,2,closed,0,1,true,false,p99_us,5\n"));
    assert_null(strstr(text, "longest_gap"));
    free(text);
    results_close(&results);
}

/* Every metric has a name of its own. */
static void test_all_metrics(void **state)
{
    (void)state;
    struct results results;
    make_results(&results);
    for (unsigned i = 0; i < results.cell_count; i++)
        results.cells[i].value[METRIC_GAP] = 200;
    char *text = print(&results, false), why[EXPOSITION_WHY_SIZE] = "";
    unsigned families = 0;
    for (const char *at = text; (at = strstr(at, "# TYPE ")); at++)
        families++;
    assert_int_equal(families, METRIC_COUNT + 1);
    assert_null(strstr(text, "(null)"));
    assert_true(exposition_check(text, why));
    free(text);
    results_close(&results);
}

/* Control characters and what is no UTF-8 go, letters of any language stay. */
static void test_clean(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"plain, \"quoted\" <b>", "plain, \"quoted\" <b>"},
        {"\x1b[31mred\x07\r\n\tx\x7f", "?[31mred????x?"},
        {"f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x98\x80", "f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b"
         "31m \xc2\xa0",
         "??"
         "31m \xc2\xa0"}, /* CSI in eight bits; a space that does not break */
        {"\x9b"
         "31m \xc3",
         "?"
         "31m ?"},                                                                  /* alone, and cut short */
        {"\xc0\x9b \xe0\x82\x9b \xed\xa0\x80 \xf4\x90\x80\x80", "?? ??? ??? ????"}, /* too long, surrogate, too large */
        {"\xe2\x82x \xf0\x9f\x98", "??x ???"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char *text = text_copy(texts[i][0]);
        assert_string_equal(text_clean(text), texts[i][1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_all_metrics),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
