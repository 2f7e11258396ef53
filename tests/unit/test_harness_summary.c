/*
 * From a results folder to rows and verdicts, on a folder written here: six blocks of a baseline that runs twice, one strategy
 * that costs the same, one that costs twice as much, one that never worked. Then the same folder with its files cut short.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "harness/finding.h"
#include "harness/folder.h"
#include "harness/judge.h"
#include "harness/summary.h"
#include "harness/table.h"

static char folder[] = "/tmp/test_harness_summary.XXXXXX";

static const char plan_text[] =
    "[plan]\ntitle = T\nblocks = 6\n[experiment cost]\nstrategies = base, alike, twice, broken\nrequest = /hello\n"
    "duration = 1s\nworkers = 2\nbaseline = base\nprimary = cpu_us_per_request\n";

static void write_text(const char *name, const char *text)
{
    char *path = text_print("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void write_cell(unsigned block, const char *strategy, bool again, double cpu_us, const char *failure)
{
    char *name = text_print("cells/%02u-cost-%s%s-w2-closed", block, strategy, again ? ".again" : ""),
         *path = text_print("%s/%s", folder, name);
    assert_int_equal(folder_make(path), 0);
    text_replace(&path, text_print("%s/server.json", name));
    char *text = text_print(
        "{\"schema\":\"clusterbench.cell/"
        "1\",\"block\":%u,\"experiment\":\"cost\",\"strategy\":\"%s\",\"again\":%s,\"workers\":2,\"load\":{\"label\":\"closed\"},"
        "\"ranked\":%s,\"failure\":%s%s%s,\"notes\":[],\"startup_us\":5000,\"window\":{\"cpu_us_per_request\":%g},"
        "\"memory\":{\"pss_loaded_bytes\":1000000}}",
        block, strategy, again ? "true" : "false", failure ? "false" : "true", failure ? "\"" : "", failure ? failure : "null",
        failure ? "\"" : "", cpu_us);
    write_text(path, text);
    if (!failure) {
        text_replace(&path, text_print("%s/load.json", name));
        write_text(path, "{\"schema\":\"clusterbench.loadgen/"
                         "1\",\"rate\":{\"achieved\":1000},\"response_time_us\":{\"p50\":1,\"p99\":2},\"workers\":["
                         "{\"id\":\"0\",\"connections\":48,\"requests\":75},{\"id\":\"1\",\"connections\":16,\"requests\":25},"
                         "{\"id\":\"-\",\"connections\":1,\"requests\":1}]}");
    }
    free(text);
    free(path);
    free(name);
}

static void write_run(unsigned rejected)
{
    char *blocks = text_copy("");
    for (unsigned b = 1; b <= 6; b++)
        text_replace(&blocks, text_print("%s%s{\"number\":%u,\"accepted\":%s,\"reason\":\"steal\"}", blocks, b > 1 ? "," : "", b,
                                         b <= rejected ? "false" : "true"));
    char *text = text_print(
        "{\"schema\":\"clusterbench.run/1\",\"state\":\"complete\",\"seed\":7,\"planned_blocks\":6,\"only\":[],\"blocks\":[%s]}",
        blocks);
    write_text("run.json", text);
    free(text);
    free(blocks);
}

static int write_folder(void **state)
{
    (void)state;
    static const double noise[] = {1, 1.01, 0.99, 1.005, 0.995, 1.002};
    assert_non_null(mkdtemp(folder));
    write_text("plan.ini", plan_text);
    write_run(0);
    for (unsigned b = 1; b <= 6; b++) {
        double base = 10 * b; /* blocks differ more than strategies do: only pairs within blocks show it */
        write_cell(b, "base", false, base, NULL);
        write_cell(b, "base", true, base * noise[b - 1], NULL);
        write_cell(b, "alike", false, base * noise[6 - b], NULL);
        write_cell(b, "twice", false, 2 * base * noise[b - 1], NULL);
        write_cell(b, "broken", false, 0, "it did not start");
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *argv_text = text_print("rm -rf '%s'", folder);
    int result = system(argv_text);
    free(argv_text);
    return result;
}

static const struct row *find_row(const struct summary *summary, const char *strategy, bool again)
{
    for (unsigned i = 0; i < summary->row_count; i++)
        if (!strcmp(summary->rows[i].strategy, strategy) && summary->rows[i].again == again)
            return &summary->rows[i];
    fail_msg("no row %s", strategy);
    return NULL;
}

static void open_summary(struct results *results, struct summary *summary)
{
    char error[RESULTS_ERROR_SIZE];
    assert_int_equal(results_read(results, folder, error), 0);
    summary_make(summary, results);
}

static void close_summary(struct results *results, struct summary *summary)
{
    summary_free(summary);
    results_close(results);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    open_summary(&results, &summary);
    assert_int_equal(summary.row_count, 5);
    assert_true(summary.verdicts);
    const struct row *twice = find_row(&summary, "twice", false), *alike = find_row(&summary, "alike", false),
                     *broken = find_row(&summary, "broken", false), *again = find_row(&summary, "base", true);
    assert_int_equal(twice->verdict[METRIC_CPU], VERDICT_DIFFERENT);
    assert_float_equal(twice->ratio[METRIC_CPU].low, 1.98, 1e-6);
    assert_int_equal(alike->verdict[METRIC_CPU], VERDICT_SAME);
    assert_int_equal(again->verdict[METRIC_CPU], VERDICT_NONE);
    assert_float_equal(again->ratio[METRIC_CPU].high, 1.01, 1e-6);
    assert_int_equal(broken->ranked, 0);
    assert_int_equal(broken->cells, 6);
    assert_string_equal(broken->failure, "it did not start");
    assert_int_equal(broken->verdict[METRIC_CPU], VERDICT_NONE);
    assert_float_equal(twice->shares[0], 0.75, 1e-9); /* what came without a worker's name is nobody's */
    assert_float_equal(twice->of[METRIC_JAIN_REQUESTS].median, 0.8, 1e-9);
    close_summary(&results, &summary);
}

static void test_words(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    open_summary(&results, &summary);
    char *finding = finding_text(&summary, 0);
    assert_non_null(strstr(finding, "CPU per request differs from base in twice (2.00 [1.98, 2.02] times)"));
    assert_non_null(strstr(finding, "The same within the noise: alike"));
    assert_non_null(strstr(finding, "Not ranked: broken"));
    free(finding);
    char *text = estimate_text(&find_row(&summary, "base", false)->of[METRIC_RATE], METRIC_RATE);
    assert_string_equal(text, "1,000 [1,000, 1,000]");
    free(text);
    struct table table;
    table_make(&table, &summary, 0, TABLE_RESULT);
    assert_int_equal(table.rows, 5);
    table_free(&table);
    assert_int_equal(summary_write(&summary), 0);
    close_summary(&results, &summary);
}

static void expect_finding(const char *holds, const char *lacks)
{
    struct results results;
    struct summary summary;
    open_summary(&results, &summary);
    char *finding = finding_text(&summary, 0);
    if (!strstr(finding, holds))
        fail_msg("'%s' is not in: %s", holds, finding);
    if (lacks && strstr(finding, lacks))
        fail_msg("'%s' is in: %s", lacks, finding);
    free(finding);
    close_summary(&results, &summary);
}

/* Without a baseline there is nothing to differ from: the medians' ends are told. */
static void test_no_baseline(void **state)
{
    (void)state;
    char *text = text_copy(plan_text);
    strcpy(strstr(text, "baseline = base\n"), "primary = cpu_us_per_request\n");
    write_text("plan.ini", text);
    expect_finding("CPU per request, held against no baseline: medians from 3", "differ");
    expect_finding("(twice). Not ranked: broken", "(null)");
    write_text("plan.ini", plan_text);
    free(text);
}

/* Five blocks have no interval. Who lacks one is named with what is left, and that is not "no difference". */
static void test_left_out_cells(void **state)
{
    (void)state;
    write_cell(1, "base", false, 10, "it stumbled");
    expect_finding("nothing could be held against base. No verdict for alike (5 of 6 blocks), twice (5 of 6 blocks).", "was found");
    write_cell(1, "base", false, 10, NULL);
    write_cell(1, "base", true, 10, "it stumbled");
    expect_finding("No verdict for alike (the A/A pair has 5 of 6 blocks), twice (the A/A pair has 5 of 6 blocks).", "was found");
    write_cell(1, "base", true, 10, NULL);
    write_cell(1, "alike", false, 10, "it stumbled");
    expect_finding("differs from base in twice (2.00 [1.98, 2.02] times). No verdict for alike (5 of 6 blocks).", NULL);
    write_cell(1, "alike", false, 10.02, NULL);
    expect_finding("The same within the noise: alike", "No verdict");
}

/* Two rows are compared: neither the baseline, nor its second run, nor what never worked. */
static void test_power(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    open_summary(&results, &summary);
    assert_int_equal(summary.powers[0].comparisons, 2);
    assert_false(summary.adjusted);
    assert_in_range(1000 * summary.powers[0].median, 31, 60);
    char *text = power_text(&summary, 0), *basis = basis_text(&summary);
    assert_ptr_equal(strstr(text, "With these 6 blocks a difference of "), text);
    assert_non_null(strstr(text, " % would be seen in 8 of 10 runs (in each of 2 comparisons)."));
    free(text);
    summary.powers[0] = (struct power){.comparisons = 2,
                                       .median = 0.14,
                                       .least = {0.031, find_row(&summary, "alike", false)},
                                       .most = {INFINITY, find_row(&summary, "twice", false)}};
    text = power_text(&summary, 0);
    assert_string_equal(text,
                        "With these 6 blocks a difference of 14 % would be seen in 8 of 10 runs (the middle of 2 comparisons: "
                        "from 3.1 % with alike to none at all with twice).");
    assert_non_null(strstr(basis, "6 blocks with 96.9 % intervals. Verdicts are not adjusted"));
    free(basis);
    free(text);
    close_summary(&results, &summary);
}

static void test_rejected_blocks(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    write_run(1);
    open_summary(&results, &summary);
    assert_int_equal(summary.block_count, 5);
    assert_false(summary.verdicts); /* five blocks have no interval */
    assert_int_equal(find_row(&summary, "twice", false)->cells, 5);
    close_summary(&results, &summary);
    write_run(2);
    open_summary(&results, &summary);
    assert_int_equal(summary.block_count, 6); /* more than 30 %: all are shown */
    assert_false(summary.verdicts);
    assert_non_null(strstr(summary.no_verdicts_because, "30 %"));
    close_summary(&results, &summary);
    write_run(0);
}

static void test_markdown(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    char *path = text_print("%s/summary.md", folder), *text;
    size_t length;
    write_run(1);
    open_summary(&results, &summary);
    assert_int_equal(summary_write(&summary), 0);
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_non_null(strstr(text, "| strategy | CPU per request, us | against base | verdict |\n|---|---:|---:|---|\n"));
    assert_non_null(strstr(text, "\nRejected: 1 of 6 blocks (block 1: steal).\nNo verdicts: "));
    assert_non_null(strstr(text, "| broken | - | - | NOT RANKED: it did not start |\n"));
    assert_non_null(strstr(text, "\nMachine: not recorded, not recorded; not recorded.\n"));
    free(text);
    close_summary(&results, &summary);
    write_run(0);
    open_summary(&results, &summary);
    summary.rows[1].strategy = "a|b";
    assert_int_equal(summary_write(&summary), 0);
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_non_null(strstr(text, "| a\\|b"));
    assert_non_null(strstr(text, "\nNo block was rejected.\nFigures are medians of 6 blocks"));
    assert_non_null(strstr(text, "\n- With these 6 blocks a difference of "));
    free(text);
    free(path);
    close_summary(&results, &summary);
}

/* Files cut at every length that a killed copy might leave: a message or a row less, never a crash. */
static void cut_everywhere(const char *name)
{
    char *path = text_print("%s/%s", folder, name), *text, error[RESULTS_ERROR_SIZE];
    size_t length;
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    for (size_t cut = 0; cut <= length; cut++) {
        char *part = text_print("%.*s", (int)cut, text);
        write_text(name, part);
        free(part);
        struct results results;
        if (results_read(&results, folder, error) < 0) {
            assert_int_not_equal(*error, '\0');
            assert_null(strchr(error, '\n'));
            continue;
        }
        struct summary summary;
        summary_make(&summary, &results);
        for (unsigned e = 0; e < results.plan.count; e++)
            free(finding_text(&summary, e));
        close_summary(&results, &summary);
    }
    free(text);
    free(path);
}

static void test_cut_files(void **state)
{
    (void)state;
    cut_everywhere("run.json");
    cut_everywhere("plan.ini");
    cut_everywhere("cells/01-cost-twice-w2-closed/server.json");
    cut_everywhere("cells/01-cost-twice-w2-closed/load.json");
}

static void test_odd_values(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "[]",
        "{}",
        "{\"schema\":\"clusterbench.cell/"
        "1\",\"block\":1e300,\"experiment\":\"cost\",\"strategy\":\"x\",\"workers\":2,\"load\":{\"label\":\"closed\"}}",
        "{\"schema\":\"clusterbench.cell/"
        "1\",\"block\":1,\"experiment\":\"cost\",\"strategy\":\"x\",\"workers\":1e9,\"load\":{\"label\":\"closed\"}}",
        "{\"schema\":\"clusterbench.cell/"
        "1\",\"block\":1,\"experiment\":\"cost\",\"strategy\":\"x\",\"workers\":-1,\"load\":{\"label\":\"closed\"}}",
        "{\"schema\":\"clusterbench.cell/"
        "1\",\"block\":1,\"experiment\":\"other\",\"strategy\":\"x\",\"workers\":1,\"load\":{\"label\":\"closed\"}}",
        "{\"schema\":\"clusterbench.cell/1\",\"block\":1,\"experiment\":\"cost\",\"strategy\":7,\"workers\":1,\"load\":[]}"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        write_text("cells/01-cost-twice-w2-closed/server.json", odd[i]);
        struct results results;
        struct summary summary;
        open_summary(&results, &summary);
        assert_int_equal(results.unreadable.count, 1);
        close_summary(&results, &summary);
    }
}

/* ---- who loses requests? ---- */

static const char losses_text[] =
    "[plan]\ntitle = T\nblocks = 6\n[experiment cost]\nstrategies = base, alike, twice, broken\nrequest = /hello\nload = 100/s\n"
    "duration = 1s\nworkers = 2\nbaseline = base\nprimary = lost_requests\nevents = at 500ms kill worker 0\n";

static void write_lost(unsigned block, const char *strategy, unsigned lost)
{
    char *name = text_print("cells/%02u-cost-%s-w2-closed/load.json", block, strategy);
    char *text = text_print(
        "{\"schema\":\"clusterbench.loadgen/1\",\"rate\":{\"achieved\":1000},\"requests\":{\"ok\":100,\"socket_errors\":%u}}",
        lost);
    write_cell(block, strategy, strchr(strategy, '.') != NULL, 10, NULL);
    write_text(name, text);
    free(text);
    free(name);
}

/* The baseline loses a request in one block, one strategy never does, one always does. */
static void test_losses(void **state)
{
    (void)state;
    struct results results;
    struct summary summary;
    write_text("plan.ini", losses_text);
    for (unsigned b = 1; b <= 6; b++) {
        write_lost(b, "base", b == 3);
        write_lost(b, "alike", 0);
        write_lost(b, "twice", 20 + b);
    }
    open_summary(&results, &summary);
    const struct row *twice = find_row(&summary, "twice", false), *alike = find_row(&summary, "alike", false);
    assert_int_equal(twice->verdict[METRIC_LOST], VERDICT_DIFFERENT);
    assert_int_equal(alike->verdict[METRIC_LOST], VERDICT_UNDECIDED); /* the one request of the baseline may be luck or not */
    char *finding = finding_text(&summary, 0), *path = text_print("%s/summary.md", folder), *text;
    assert_non_null(strstr(finding, "lost requests differs from base in twice (+23 [+21, +26])."));
    assert_non_null(strstr(finding, "Undecided with these blocks: alike (0 [-1, 0])."));
    free(finding);
    size_t length;
    assert_int_equal(summary_write(&summary), 0);
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_non_null(strstr(text, "| base | 0 [0, 1] | 0 | baseline |\n"));
    assert_non_null(strstr(text, "| twice | 24 [21, 26] | +23 [+21, +26] | different |\n"));
    assert_non_null(
        strstr(text, "\n- Compared by \"lost requests\", of which 0 is a figure like any other: by the difference to base"));
    free(text);
    text_replace(&path, text_print("%s/summary.csv", folder));
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_non_null(
        strstr(text, "\ncost,twice,2,closed,lost_requests,6,23.5,21,26,0.96875,,,,different,0,0.03125,,difference,23,21,26,0\n"));
    free(text);
    free(path);
    close_summary(&results, &summary);
    write_text("plan.ini", plan_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_words),           cmocka_unit_test(test_no_baseline),
        cmocka_unit_test(test_left_out_cells), cmocka_unit_test(test_rejected_blocks), cmocka_unit_test(test_power),
        cmocka_unit_test(test_markdown),       cmocka_unit_test(test_cut_files),       cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_losses),
    };
    return cmocka_run_group_tests(tests, write_folder, remove_folder);
}
