/*
 * Studies of several runs, end to end: objectives and exit statuses, what each study sends and reports, its files, its end when
 * it is interrupted. Counts, orders and states only: how good the studies are is for scripts/compare-study to measure.
 *
 * usage: test_studies PATH-OF-LOADGEN
 */
#include "program.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "loadgen/study/study.h"

static const char *text_at(json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text)
        fail_msg("no text '%s'", key);
    return text;
}

static double number_at(json_t *json, const char *key)
{
    json_t *number = json_object_get(json, key);
    if (!json_is_number(number))
        fail_msg("no number '%s'", key);
    return json_number_value(number);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* ---- --slo ---- */

static void test_slo(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path;
        int status;
        bool met;
    } rows[] = {
        {"-n 20 --slo p99<1h,errors<1%", "/ok", 0, true},
        {"-n 20 --slo p99<1h,rate>1000m", "/ok", 99, false},
        {"-n 20 --slo max<0", "/ok", 99, false},
        {"-n 20 --slo errors<=0%", "/status/503", 99, false},
        {"-n 20 --slo errors<=100%", "/status/503", 0, true},
        {"-n 20 --slo p99<1h", "/reset", 2, false}, /* what could not be measured is no missed objective */
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, rows[i].path);
        script_server_stop(&server);
        bool met = true;
        size_t index;
        json_t *objective;
        json_array_foreach(report_find(&result, "slo"), index, objective) met &= json_is_true(json_object_get(objective, "met"));
        if (result.status != rows[i].status || met != rows[i].met)
            fail_msg("%s %s: exit %d, %s", rows[i].arguments, rows[i].path, result.status, met ? "met" : "missed");
        program_finish(&server, &result);
    }
}

static void test_slo_lines(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-n 20 --slo p99<1h,max<0,errors<1%", server.url, "/ok");
    script_server_stop(&server);
    assert_non_null(strstr(result.out, "\nSLO p99<1h: met, "));
    assert_non_null(strstr(result.out, "\nSLO max<0: missed, "));
    assert_non_null(strstr(result.out, "\nSLO errors<1%: met, 0%\n"));
    assert_int_equal(result.status, 99);
    program_finish(&server, &result);
}

/* ---- --repeat ---- */

static void test_repeat(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 2 -n 50 --repeat 6 --seed 40 --slo p50<1h", "/ok");
    script_server_stop(&server);
    assert_int_equal(result.status, 0);
    assert_string_equal(text_at(result.json, "schema"), "clusterbench.loadgen.repeat/1");
    assert_int_equal(server.requests, 300);
    assert_int_equal(server.connections, 12); /* fresh ones each time */
    json_t *runs = report_find(&result, "runs");
    assert_int_equal(json_array_size(runs), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *run = json_array_get(runs, i);
        assert_string_equal(text_at(run, "schema"), "clusterbench.loadgen/1");
        assert_int_equal((int)number_at(run, "seed"), 40 + (int)i);
        assert_int_equal((int)number_at(json_object_get(run, "requests"), "ok"), 50);
    }
    assert_int_equal(report_number(&result, "estimates/p50_us/n"), 6);
    assert_true(json_is_number(report_find(&result, "estimates/p50_us/low")));
    json_t *slo = json_array_get(report_find(&result, "slo"), 0);
    assert_int_equal((int)number_at(slo, "runs_met"), 6);
    program_finish(&server, &result);
}

static void test_repeat_without_interval(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 2 -n 50 --repeat 5 --slo p50<1h,max<0", "/ok");
    struct result text = program_run_url("-c 2 -n 50 --repeat 5", server.url, "/ok");
    struct result csv = program_run_url("-c 2 -n 50 --repeat 5 --format csv", server.url, "/ok");
    script_server_stop(&server);
    assert_int_equal(result.status, 99);
    assert_true(json_is_number(report_find(&result, "estimates/p50_us/median")));
    assert_true(json_is_null(report_find(&result, "estimates/p50_us/low")));
    assert_non_null(strstr(text.out, "no interval below 6 runs"));
    assert_int_equal(text.status, 0);
    assert_int_equal(count_lines(csv.out), 6); /* the names, then a row a run */
    assert_int_equal(strncmp(csv.out, "run,", 4), 0);
    program_finish(&server, &result);
}

static void test_repeat_ends_when_the_server_is_gone(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-c 1 -n 5 --repeat 50 --quiet", server.url, "/reset");
    script_server_stop(&server);
    assert_int_equal(result.status, 2);
    assert_int_equal(count_lines(result.err), 1);
    assert_in_range(server.requests, 1, 5);
    program_finish(&server, &result);
}

/* ---- --compare ---- */

static struct result compare(struct script_server *a, struct script_server *b, const char *arguments)
{
    char all[512];
    script_server_start(a, "127.0.0.1:0");
    script_server_start(b, "127.0.0.1:0");
    snprintf(all, sizeof(all), "%s --compare %s/ok", arguments, b->url);
    struct result result = program_run(a, all, "/ok");
    script_server_stop(a);
    script_server_stop(b);
    return result;
}

#define BLOCKS 7

/*
 * Each block has A, A again and B once, in an order the seed alone decides: written to `order`, '-' where no run was made. A busy
 * machine may have blocks rejected; those are made again.
 */
static void note_orders(const struct result *result, char order[3 * BLOCKS + 1])
{
    size_t index, position;
    json_t *block, *run;
    unsigned kept = 0;
    memset(order, '-', 3 * BLOCKS);
    order[3 * BLOCKS] = '\0';
    json_array_foreach(report_find(result, "blocks"), index, block)
    {
        unsigned seen = 0, number = (unsigned)number_at(block, "block");
        assert_in_range(number, 1, BLOCKS);
        json_array_foreach(json_object_get(block, "runs"), position, run)
        {
            const char *cell = text_at(run, "cell");
            unsigned bit = strcmp(cell, "A") == 0 ? 1 : strcmp(cell, "A again") == 0 ? 2 : 4;
            seen |= bit;
            order[3 * (number - 1) + position] = (char)('0' + bit);
            assert_true(number_at(run, "requests_per_s") > 0);
        }
        if (json_is_null(json_object_get(block, "rejected")))
            assert_int_equal(seen, 7);
        kept += json_is_null(json_object_get(block, "rejected"));
    }
    assert_int_equal(kept, report_number(result, "blocks_kept"));
    assert_int_equal(json_array_size(report_find(result, "blocks")), kept + report_number(result, "blocks_rejected"));
    assert_int_equal(result->status, json_is_true(report_find(result, "reportable")) ? 0 : 3);
}

static bool is_same_order(const char *one, const char *two)
{
    for (; *one; one++, two++)
        if (*one != *two && *one != '-' && *two != '-')
            return false;
    return true;
}

static void test_compare(void **state)
{
    (void)state;
    struct script_server a, b;
    char order[3 * BLOCKS + 1], same[3 * BLOCKS + 1], other[3 * BLOCKS + 1];
    struct result result = compare(&a, &b, "-c 2 -n 100 --warmup 1ms --repeat 7 --seed 5");
    assert_string_equal(text_at(result.json, "schema"), "clusterbench.loadgen.compare/1");
    assert_string_equal(text_at(result.json, "primary"), "requests_per_s");
    assert_string_equal(text_at(result.json, "b") + strlen(b.url), "/ok");
    note_orders(&result, order);
    assert_int_equal(report_number(&result, "metrics/p50_us/ratio/n"), report_number(&result, "blocks_kept"));
    if (report_number(&result, "blocks_rejected") == 0) {
        assert_int_equal(a.connections, 2 * 2 * BLOCKS); /* two runs a block, two connections a run */
        assert_int_equal(b.connections, 2 * BLOCKS);
    }
    program_finish(&a, &result);
    script_server_free(&b);
    result = compare(&a, &b, "-c 2 -n 10 --warmup 1ms --repeat 7 --seed 5");
    note_orders(&result, same);
    program_finish(&a, &result);
    script_server_free(&b);
    result = compare(&a, &b, "-c 2 -n 10 --warmup 1ms --repeat 7 --seed 6 -R 1000");
    assert_string_equal(text_at(result.json, "primary"), "p50_us");
    note_orders(&result, other);
    program_finish(&a, &result);
    script_server_free(&b);
    assert_true(is_same_order(order, same));
    assert_false(is_same_order(order, other));
}

#define TRIES 8

/* A machine that others disturb has so many blocks rejected that nothing is concluded (status 3): then it is asked again. */
static struct result run_until_reportable(const char *arguments, const struct script_server *server)
{
    struct result result = program_run_url(arguments, server->url, "/ok");
    for (unsigned i = 1; i < TRIES && result.status == 3; i++) {
        json_decref(result.json);
        result = program_run_url(arguments, server->url, "/ok");
    }
    return result;
}

/* Error pages come as fast as answers; that is not "same". */
static void test_compare_sees_errors(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[256];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-n 20 --repeat 7 --format json --compare %s/status/503", server.url);
    struct result json = run_until_reportable(arguments, &server);
    snprintf(arguments, sizeof(arguments), "-n 20 --repeat 7 --compare %s/status/503", server.url);
    struct result text = run_until_reportable(arguments, &server);
    struct result slo = program_run_url("-n 20 --repeat 3 --slo errors<1%,p99<1h", server.url, "/status/503");
    script_server_stop(&server);
    script_server_free(&server);
    bool is_disturbed = json.status == 3 || text.status == 3;
    if (!is_disturbed) {
        assert_int_equal(json.status, 0);
        assert_string_equal(text_at(json.json, "primary"), "errors");
        assert_string_equal(text_at(json.json, "verdict"), "different");
        assert_non_null(strstr(text.out, "B failed 100.00% of its requests, A 0.00%: different"));
    } else {
        assert_true(json.status == 0 || !json_is_true(report_find(&json, "reportable")));
        assert_true(text.status == 0 || strstr(text.out, "Not reportable: "));
    }
    assert_null(strstr(text.out, "B answers"));
    assert_int_equal(slo.status, 99);
    assert_non_null(strstr(slo.out, "SLO errors<1%: missed in 3 of 3 runs"));
    assert_non_null(strstr(slo.out, "SLO p99<1h: met in 3 of 3 runs"));
    json_decref(json.json);
    json_decref(text.json);
    json_decref(slo.json);
    if (is_disturbed) {
        print_message("skipped: this machine is too disturbed for a verdict, %d times in turn\n", TRIES);
        skip();
    }
}

/* ---- docs/loadgen-studies.md ---- */

static bool is_figure(const char *key)
{
    for (unsigned kind = 0; kind < METRICS; kind++)
        if (strcmp(key, metrics[kind].key) == 0)
            return true;
    return false;
}

static void expect_documented(const char *text, const char *path)
{
    char row[300];
    snprintf(row, sizeof(row), "\n| `%s` |", path);
    if (!strstr(text, row))
        fail_msg("%s is written and not documented", path);
}

/* Estimates are described once, reports of runs and objectives elsewhere. */
static void check_documented(const char *text, const char *prefix, const json_t *value)
{
    const char *key;
    json_t *member;
    char path[250];
    value = json_is_array(value) ? json_array_get(value, 0) : value;
    bool is_estimate = json_object_get(value, "median") != NULL, is_probe = strcmp(prefix, "probes[]") == 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        bool is_common = is_estimate && strcmp(key, "lower_bound") != 0;
        snprintf(path, sizeof(path), "%s%s%s", is_common ? "*" : prefix, *prefix ? "." : "",
                 is_figure(key) && !is_probe ? "*" : key);
        expect_documented(text, path);
        if (strcmp(path, "runs") == 0 || strcmp(path, "slo") == 0)
            continue;
        if (json_is_array(member))
            strncat(path, "[]", sizeof(path) - strlen(path) - 1);
        check_documented(text, path, member);
    }
}

static char *read_documentation(void)
{
    static const char here[] = __FILE__;
    char path[512], *text = NULL;
    const char *folder = strstr(here, "tests/loadgen/");
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%.*sdocs/loadgen-studies.md", (int)(folder - here), here);
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    return text;
}

static void test_studies_are_documented(void **state)
{
    (void)state;
    struct script_server server;
    char compare_arguments[256], *text = read_documentation();
    script_server_start(&server, "127.0.0.1:0");
    snprintf(compare_arguments, sizeof(compare_arguments), "--format json -n 5 --repeat 1 --compare %s/ok", server.url);
    const char *const arguments[] = {"--format json -n 5 --repeat 2 --slo p99<1h", compare_arguments,
                                     "--format json -d 50ms --warmup 1ms --find-max errors>50% -R 30"};
    for (unsigned i = 0; i < 3; i++) {
        struct result result = program_run_url(arguments[i], server.url, "/ok");
        json_t *json = json_loads(result.out, 0, NULL);
        if (!json)
            fail_msg("%s: no JSON: %s", arguments[i], result.err);
        check_documented(text, "", json);
        json_decref(json);
        json_decref(result.json);
    }
    free(text);
    script_server_stop(&server);
    script_server_free(&server);
}

/* An overloaded server: what stands in the tables are lower bounds, and no two of them are the same. */
static void test_bounds_are_marked(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[256];
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-c 1 -R 1000 -d 100ms --linger 1ms --repeat 2 --format json", server.url, "/slow/20");
    json_t *json = json_loads(result.out, 0, NULL);
    assert_non_null(json);
    json_t *p99 = json_object_get(json_object_get(json_object_get(json, "estimates"), "p99_us"), "lower_bound");
    assert_true(json_is_true(p99));
    json_decref(json);
    json_decref(result.json);
    result = program_run_url("-c 1 -R 1000 -d 100ms --linger 1ms --repeat 2", server.url, "/slow/20");
    assert_non_null(strstr(result.out, " >"));
    json_decref(result.json);
    snprintf(arguments, sizeof(arguments), "-c 1 -R 1000 -d 100ms --linger 1ms --repeat 6 --compare %s/slow/20", server.url);
    result = program_run_url(arguments, server.url, "/slow/20");
    assert_null(strstr(result.out, "B answers as A does"));
    json_decref(result.json);
    script_server_stop(&server);
    script_server_free(&server);
}

static void test_compare_forms(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[256];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-n 20 --repeat 3 --compare %s/ok", server.url);
    struct result text = program_run_url(arguments, server.url, "/ok");
    snprintf(arguments, sizeof(arguments), "-n 20 --repeat 3 --format csv --compare %s/ok", server.url);
    struct result csv = program_run_url(arguments, server.url, "/ok");
    snprintf(arguments, sizeof(arguments), "-n 20 --repeat 3 --quiet --compare %s/reset", server.url);
    struct result broken = program_run_url(arguments, server.url, "/ok");
    script_server_stop(&server);
    if (text.status == 0)
        assert_non_null(strstr(text.out, "No verdict, there is no interval below 6 blocks"));
    else
        assert_non_null(strstr(text.out, "Not reportable"));
    assert_in_range(count_lines(csv.out), 1 + 3 * 3, 1 + 3 * 3 * 4); /* the names, then a row a run */
    assert_int_equal(strncmp(csv.out, "block,kept,position,cell,", 25), 0);
    assert_int_equal(broken.status, 2);
    assert_int_equal(count_lines(broken.err), 1);
    script_server_free(&server);
}

/* ---- --find-max ---- */

/* Replays the search over what its probes came to: it must have asked for just these rates, and ended just so. */
static void expect_search(const struct result *result, double first_rate, double lowest)
{
    static const char *const ends[] = {
        [SEARCH_FOUND] = "found", [SEARCH_NOTHING] = "nothing", [SEARCH_GENERATOR] = "generator", [SEARCH_UNSTEADY] = "unsteady"};
    struct search search;
    size_t index;
    json_t *probe;
    search_init(&search, first_rate, lowest);
    json_array_foreach(report_find(result, "probes"), index, probe)
    {
        const char *outcome = text_at(probe, "outcome");
        assert_int_equal(search.end, SEARCH_GOES_ON);
        assert_true(number_at(probe, "rate") == search.rate);
        search_take(&search, strcmp(outcome, "holds") == 0    ? PROBE_HOLDS
                             : strcmp(outcome, "misses") == 0 ? PROBE_MISSES
                                                              : PROBE_INVALID);
    }
    assert_string_equal(text_at(result->json, "end"), ends[search.end]);
    if (search.best > 0)
        assert_true(number_at(result->json, "highest_rate") == search.best);
    else
        assert_true(json_is_null(report_find(result, "highest_rate")));
    assert_int_equal(result->status, search.end == SEARCH_NOTHING ? 99 : search.best > 0 ? 0 : 3);
}

/* `rate<300` holds below 300/s whatever the server does; on a busy machine probes may be INVALID, or late enough for growth. */
static void test_find_max(void **state)
{
    (void)state;
    struct script_server server;
    size_t index;
    json_t *probe;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 8 -d 200ms --warmup 10ms -R 60 --find-max rate<300,errors<=100%", "/ok");
    script_server_stop(&server);
    assert_string_equal(text_at(result.json, "schema"), "clusterbench.loadgen.find-max/1");
    assert_true(json_array_size(report_find(&result, "probes")) > 0);
    expect_search(&result, 60, 50);
    json_array_foreach(report_find(&result, "probes"), index, probe)
    {
        bool holds = strcmp(text_at(probe, "outcome"), "holds") == 0, misses = strcmp(text_at(probe, "outcome"), "misses") == 0;
        if ((holds && number_at(probe, "achieved") >= 300) || (misses && number_at(probe, "achieved") < 300))
            fail_msg("%g/s %s", number_at(probe, "achieved"), text_at(probe, "outcome"));
    }
    program_finish(&server, &result);
}

/* Answers in time, but none as it should be. */
static void test_nothing_holds(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-d 100ms --warmup 1ms -R 400 --find-max p99<1h", "/status/503");
    script_server_stop(&server);
    expect_search(&result, 400, 100);
    assert_true(json_is_null(report_find(&result, "highest_rate")));
    program_finish(&server, &result);
}

/* ---- --selftest ---- */

/* What it measures is another server: this one sees the run's requests and no more. */
static void test_selftest(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-n 100 --selftest",
        "-c 4 -n 100 -R 1000 --selftest",
        "-n 100 -m POST --body {seq} --requests-per-connection 3 --selftest",
    };
    for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, arguments[i], "/ok");
        script_server_stop(&server);
        assert_int_equal(server.requests, 100);
        assert_true(number_at(result.json, "headroom") > 0);
        program_finish(&server, &result);
    }
}

/* ---- files ---- */

/* Nothing is sent when its report has nowhere to go. */
static void test_files_are_tried_first(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-n 5 --output /no/such/folder/file",
        "-n 5 --hgrm /no/such/folder/file",
        "-n 5 --html /no/such/folder/file",
        "-n 5 --repeat 3 --output /no/such/folder/file",
    };
    for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        char all[256];
        snprintf(all, sizeof(all), "%s --quiet", arguments[i]);
        struct result result = program_run_url(all, server.url, "/ok");
        script_server_stop(&server);
        if (result.status != 2 || count_lines(result.err) != 1 || !strstr(result.err, "/no/such/folder/file") || server.requests)
            fail_msg("%s: exit %d, %u requests, stderr '%s'", all, result.status, server.requests, result.err);
        program_finish(&server, &result);
    }
}

static char *read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* stdout has the text, the file the form asked for. */
static void test_study_file(void **state)
{
    (void)state;
    static const char *const formats[] = {"text", "csv"};
    for (unsigned i = 0; i < 2; i++) {
        struct script_server server;
        char path[128], arguments[256], text[4096];
        script_server_start(&server, "127.0.0.1:0");
        snprintf(path, sizeof(path), "%s/study", program_folder());
        snprintf(arguments, sizeof(arguments), "-n 20 --repeat 3 --format %s --output %s", formats[i], path);
        struct result result = program_run_url(arguments, server.url, "/ok");
        script_server_stop(&server);
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.out, "Median of 3 runs"));
        read_text(path, text, sizeof(text));
        if (i == 0)
            assert_string_equal(text, result.out);
        else
            assert_int_equal(strncmp(text, "run,", 4), 0);
        unlink(path);
        program_finish(&server, &result);
    }
}

/* ---- interrupts ---- */

static void test_interrupt(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "--format json -c 2 -d 100ms --repeat 1000",
        "--format json -c 2 -d 60s --find-max p99<1h -R 200",
        "--format json -c 2 -d 100ms --repeat 1000 --compare",
    };
    for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        struct script_server server;
        char all[512];
        script_server_start(&server, "127.0.0.1:0");
        snprintf(all, sizeof(all), i == 2 ? "%s %s/ok" : "%s", arguments[i], server.url);
        struct running running = program_begin(all, server.url, "/ok");
        while (server.requests < 10)
            sched_yield();
        assert_int_equal(kill(running.pid, SIGINT), 0);
        struct result result = program_await(&running);
        script_server_stop(&server);
        assert_int_equal(result.status, 130);
        if (!result.json)
            fail_msg("%s: no JSON but '%s%s'", all, result.out, result.err);
        assert_true(json_is_true(report_find(&result, "interrupted")));
        program_finish(&server, &result);
    }
}

/* ---- a generator that is late ---- */

/* The program is stopped in the midst of its first run, with connections free. */
static struct result run_disturbed(struct script_server *server, const char *arguments, bool compares)
{
    char all[512];
    script_server_start(server, "127.0.0.1:0");
    snprintf(all, sizeof(all), compares ? "%s --compare %s/ok" : "%s", arguments, server->url);
    struct running running = program_begin(all, server->url, "/ok");
    while (server->requests < 200)
        sched_yield();
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    clock_sleep_until_ns(clock_now_ns() + 200 * CLOCK_NS_PER_MS); /* the disturbance, not a wait for something */
    assert_int_equal(kill(running.pid, SIGCONT), 0);
    struct result result = program_await(&running);
    script_server_stop(server);
    assert_non_null(result.json);
    return result;
}

static void test_invalid_runs_are_left_out(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run_disturbed(&server, "--format json -c 4 -R 1000 -d 600ms --repeat 2", false);
    json_t *first = json_array_get(report_find(&result, "runs"), 0);
    assert_string_equal(text_at(first, "verdict"), "INVALID");
    assert_in_range(report_number(&result, "invalid"), 1, 2);
    assert_int_equal(report_number(&result, "estimates/p50_us/n"), 2 - report_number(&result, "invalid"));
    program_finish(&server, &result);
}

static void test_invalid_blocks_are_rejected(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run_disturbed(&server, "--format json -c 4 -R 1000 -d 600ms --repeat 1", true);
    json_t *first = json_array_get(report_find(&result, "blocks"), 0), *second = json_array_get(report_find(&result, "blocks"), 1);
    assert_non_null(strstr(text_at(first, "rejected"), "INVALID"));
    assert_int_equal((int)number_at(second, "block"), 1);           /* tried again */
    assert_true(json_is_false(report_find(&result, "reportable"))); /* half or more were rejected */
    assert_int_equal(result.status, 3);
    program_finish(&server, &result);
}

/* ---- what does not go together ---- */

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *option;
    } rows[] = {
        {"--slo p99", "--slo"},
        {"--slo quick>1", "--slo"},
        {"--find-max p99<5", "--find-max"},
        {"--find-max p99<5ms --compare http://127.0.0.1:1/", "--compare"},
        {"--find-max p99<5ms --repeat 3", "--repeat"},
        {"--find-max p99<5ms --slo p99<5ms", "--slo"},
        {"--find-max p99<5ms --profile hold:1", "--profile"},
        {"--find-max p99<5ms -n 5", "--requests"},
        {"--find-max p99<5ms --think 5ms", "--think"},
        {"--find-max p99<5ms --hgrm /tmp/x", "--hgrm"},
        {"--find-max p99<5ms --hgrm-service /tmp/x", "--hgrm-service"},
        {"--find-max p99<5ms --selftest", "--selftest"},
        {"--repeat 3 --hlog /tmp/x", "--hlog"},
        {"--repeat 3 --html /tmp/x", "--html"},
        {"--repeat 0", "--repeat"},
        {"--compare http://127.0.0.1:1/ --slo p99<5ms", "--slo"},
        {"--compare http://127.0.0.1:1/ --series /tmp/x", "--series"},
        {"--repeat 3 --heat /tmp/x", "--heat"},
        {"--repeat 3 --announce", "--announce"},
        {"--compare ftp://127.0.0.1:1/", "ftp://127.0.0.1:1/"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct result result = program_run_url(rows[i].arguments, "http://127.0.0.1:1/", "");
        if (result.status != 1 || count_lines(result.err) != 1 || !strstr(result.err, rows[i].option) || *result.out)
            fail_msg("%s: exit %d, stderr '%s', stdout '%s'", rows[i].arguments, result.status, result.err, result.out);
        json_decref(result.json);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slo),
        cmocka_unit_test(test_slo_lines),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_repeat_without_interval),
        cmocka_unit_test(test_repeat_ends_when_the_server_is_gone),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_compare_forms),
        cmocka_unit_test(test_compare_sees_errors),
        cmocka_unit_test(test_studies_are_documented),
        cmocka_unit_test(test_bounds_are_marked),
        cmocka_unit_test(test_find_max),
        cmocka_unit_test(test_nothing_holds),
        cmocka_unit_test(test_selftest),
        cmocka_unit_test(test_files_are_tried_first),
        cmocka_unit_test(test_study_file),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_invalid_runs_are_left_out),
        cmocka_unit_test(test_invalid_blocks_are_rejected),
        cmocka_unit_test(test_refused),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_studies PATH-OF-LOADGEN\n");
        return 1;
    }
    if (program_open(argv[1]) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() == 0 ? failed : 1;
}
