/*
 * The files loadgen writes, against a scripted server: what stands in them is what happened, by time and by worker.
 *
 * usage: test_reports LOADGEN               the tests
 *        test_reports LOADGEN READER.js     an .hlog as the reference implementation reads it; 77: node or its module is missing
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "loadgen/report/hlog.h"
#include "program.h"

#define EXIT_SKIPPED 77
#define TEXT_MAX     (8 << 20)

static const char *program; /* loadgen */
static const char *reader;  /* READER.js */

/* ---- files ---- */

static void path_of(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", program_folder(), name);
}

/* The caller frees it. The file is removed. */
static char *take_file(const char *name)
{
    static char *text; /* static: gcc 12 takes a pointer into what it points to for one to itself */
    char path[256];
    path_of(name, path);
    assert_int_equal(file_read(path, TEXT_MAX, &text, NULL), 0);
    assert_int_equal(unlink(path), 0);
    return text;
}

static void expect_no_file(const char *name)
{
    char path[256];
    path_of(name, path);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

/* ---- series ---- */

/* Sums of the rows of one worker (NULL: of the rows of all). */
struct sums {
    uint64_t rows, requests, errors, started, empty, longest_gap;
    double end_s;
};

static uint64_t integer_at(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static void add_row(struct sums *sums, const json_t *row, uint64_t *gap)
{
    uint64_t requests = integer_at(row, "requests");
    assert_true(json_is_null(json_object_get(row, "p50_us")) == (requests == 0));
    assert_true(json_number_value(json_object_get(row, "t_s")) >= sums->end_s - 1e-6); /* no row twice, none out of order */
    assert_true(json_number_value(json_object_get(row, "t_s")) <= sums->end_s + 1e-6 || sums->rows == 0); /* and none missing */
    sums->end_s = json_number_value(json_object_get(row, "t_s")) + json_number_value(json_object_get(row, "interval_s"));
    *gap = requests ? 0 : *gap + 1;
    sums->longest_gap = *gap > sums->longest_gap ? *gap : sums->longest_gap;
    sums->rows++;
    sums->empty += requests == 0;
    sums->requests += requests;
    sums->errors += integer_at(row, "errors");
    if (json_is_null(json_object_get(row, "worker")))
        sums->started += integer_at(row, "started");
}

static struct sums sum_rows(const char *text, const char *worker)
{
    struct sums sums = {.rows = 0};
    uint64_t gap = 0;
    for (const char *at = text, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        assert_non_null(end);
        json_t *row = json_loadb(at, (size_t)(end - at), 0, NULL);
        assert_non_null(row);
        const char *who = json_string_value(json_object_get(row, "worker"));
        if (worker ? who && strcmp(who, worker) == 0 : !who)
            add_row(&sums, row, &gap);
        json_decref(row);
    }
    return sums;
}

#define TRIES 8

/*
 * Until a run has all its answers: one that was not answered when the run ended is in the report as a lower bound, in no interval
 * of a series, and at the server all the same. A machine that stands still at the end has such.
 */
static struct result run_whole(struct script_server *server, const char *arguments)
{
    for (unsigned tries = 1;; tries++) {
        script_server_start(server, "127.0.0.1:0");
        struct result result = program_run(server, arguments, "/ok");
        script_server_stop(server);
        if (report_number(&result, "requests/ok") == report_number(&result, "requests/planned") || tries == TRIES)
            return result;
        program_finish(server, &result);
    }
}

static void test_series_adds_up(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600], id[8];
    snprintf(arguments, sizeof(arguments), "-t 2 -c 8 -R 2000 -d 1050ms --series %s/s.jsonl", program_folder());
    struct result result = run_whole(&server, arguments);
    char *text = take_file("s.jsonl");
    struct sums all = sum_rows(text, NULL);
    assert_true(all.rows >= 11);
    assert_int_equal(all.requests, report_number(&result, "requests/ok"));
    assert_int_equal(all.started + report_number(&result, "requests/unsent"), report_number(&result, "requests/planned"));
    assert_int_equal(all.errors, 0);
    for (unsigned i = 0; i < SCRIPT_WORKERS; i++) {
        snprintf(id, sizeof(id), "%u", i);
        assert_int_equal(sum_rows(text, id).requests, server.worker_requests[i]);
    }
    assert_int_equal(sum_rows(text, "-").rows, 0);
    free(text);
    program_finish(&server, &result);
}

/* A server that stands still for a second: its rows are there, and empty. */
static void test_series_shows_a_stall(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-c 4 -R 200 -d 2500ms --series %s/s.jsonl", program_folder());
    struct result result = program_run(&server, arguments, "/stall");
    script_server_stop(&server);
    char *text = take_file("s.jsonl");
    struct sums all = sum_rows(text, NULL), one = sum_rows(text, "1");
    assert_int_equal(all.requests, report_number(&result, "requests/ok"));
    assert_true(all.longest_gap >= SCRIPT_STALL_MS / 100 - 2);
    assert_true(one.empty >= all.longest_gap);
    free(text);
    program_finish(&server, &result);
}

/* All kinds of errors count: here every second request is answered with 503, or not at all. */
static void test_series_counts_errors(void **state)
{
    (void)state;
    static const char *const paths[] = {"/status/503", "/reset"};
    for (unsigned i = 0; i < 2; i++) {
        struct script_server server;
        char arguments[600];
        script_server_start(&server, "127.0.0.1:0");
        snprintf(arguments, sizeof(arguments), "-c 2 -n 50 --series %s/s.jsonl", program_folder());
        struct result result = program_run(&server, arguments, paths[i]);
        script_server_stop(&server);
        char *text = take_file("s.jsonl");
        assert_int_equal(sum_rows(text, NULL).errors,
                         report_number(&result, "requests/http_errors") + report_number(&result, "requests/socket_errors"));
        assert_int_equal(sum_rows(text, NULL).errors, 50);
        if (i == 0)
            assert_int_equal(sum_rows(text, "0").errors, server.worker_requests[0]);
        free(text);
        program_finish(&server, &result);
    }
}

static void test_series_as_csv(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-c 2 -R 500 -d 1s --series-interval 500ms --series %s/s.csv", program_folder());
    struct result result = program_run(&server, arguments, "/ok");
    script_server_stop(&server);
    char *text = take_file("s.csv"), *at = strchr(text, '\n');
    static const char head[] = "time_s,requests,errors,p50_us,p99_us\n0.0,";
    unsigned long long requests = 0, one, rows = 0;
    assert_memory_equal(text, head, sizeof(head) - 1);
    for (; at[1]; at = strchr(at + 1, '\n'), rows++) {
        assert_int_equal(sscanf(at + 1, "%*f,%llu,", &one), 1);
        requests += one;
    }
    assert_int_equal(requests, report_number(&result, "requests/ok"));
    assert_in_range(rows, 2, 3); /* a third one for what came after the end */
    free(text);
    program_finish(&server, &result);
}

/* ---- heat ---- */

/* Every response is counted once, in the step its time falls into; after a stall of a second there are some of every height. */
static void test_heat_adds_up(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-c 4 -R 200 -d 2500ms --heat %s/heat.csv", program_folder());
    struct result result = program_run(&server, arguments, "/stall");
    script_server_stop(&server);
    char *text = take_file("heat.csv");
    static const char head[] = "time_s,latency_us,count\n";
    double from_s, last_s = 0;
    unsigned long long edge, count, sum = 0, slow = 0;
    assert_memory_equal(text, head, sizeof(head) - 1);
    for (const char *at = text + sizeof(head) - 1; *at; at = strchr(at, '\n') + 1) {
        assert_int_equal(sscanf(at, "%lf,%llu,%llu\n", &from_s, &edge, &count), 3);
        assert_true(from_s >= last_s);
        assert_int_not_equal(count, 0);
        last_s = from_s;
        sum += count;
        slow += edge >= 100000 ? count : 0;
    }
    assert_int_equal(sum, report_number(&result, "requests/ok"));
    assert_true(slow >= 150); /* planned in the first 0.9 s of standing still: 180 */
    free(text);
    program_finish(&server, &result);
}

/* The line with the beginning comes first, also when nothing else is said, and the time is of this boot's clock. */
static void test_announces_the_beginning(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-c 1 -n 5 --quiet --announce --warmup 50ms -o %s/o", program_folder());
    uint64_t before_ns = clock_now_ns();
    struct result result = program_run_url(arguments, server.url, "/ok");
    unsigned long long from_ns = 0;
    char end = 0;
    assert_int_equal(sscanf(result.out, "measuring from %llu%c", &from_ns, &end), 2);
    assert_int_equal(end, '\n');
    assert_string_equal(strchr(result.out, '\n'), "\n");
    assert_in_range(from_ns, before_ns + 50 * CLOCK_NS_PER_MS, clock_now_ns());
    free(take_file("o"));
    script_server_stop(&server);
    program_finish(&server, &result);
}

/* ---- hlog ---- */

/* Sum of the histograms with that tag (NULL: of the lines without one). */
static void sum_hlog(const char *text, const char *tag, struct histogram *sum)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "Tag=%s,", tag ? tag : "");
    assert_int_equal(histogram_init(sum, HISTOGRAM_HOUR_US, 2), 0);
    for (const char *at = text, *end; *at; at = end + 1) {
        struct histogram one;
        char line[65536];
        end = strchr(at, '\n');
        assert_non_null(end);
        assert_true((size_t)(end - at) < sizeof(line));
        snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
        bool tagged = strncmp(line, "Tag=", 4) == 0;
        if (*line == '#' || *line == '"' || (tag ? strncmp(line, wanted, strlen(wanted)) != 0 : tagged))
            continue;
        assert_int_equal(hlog_decode(strrchr(line, ',') + 1, &one), 0);
        assert_int_equal(histogram_merge(sum, &one), 0);
        histogram_close(&one);
    }
}

static struct result run_with_hlog(struct script_server *server)
{
    char arguments[600];
    snprintf(arguments, sizeof(arguments), "-t 2 -c 8 -R 1000 -d 1s --hlog %s/h.hlog --series %s/s.jsonl", program_folder(),
             program_folder());
    return run_whole(server, arguments);
}

static void test_hlog_adds_up(void **state)
{
    (void)state;
    struct script_server server;
    struct histogram sum;
    struct result result = run_with_hlog(&server);
    char *text = take_file("h.hlog"), *series = take_file("s.jsonl"), id[8];
    sum_hlog(text, NULL, &sum);
    assert_int_equal(sum.total, report_number(&result, "response_time_us/count"));
    assert_int_equal(histogram_index(&sum, histogram_maximum(&sum)),
                     histogram_index(&sum, report_number(&result, "response_time_us/max")));
    assert_int_equal(sum_rows(series, NULL).requests, sum.total);
    histogram_close(&sum);
    for (unsigned i = 0; i < SCRIPT_WORKERS; i++) {
        snprintf(id, sizeof(id), "%u", i);
        sum_hlog(text, id, &sum);
        assert_int_equal(sum.total, server.worker_requests[i]);
        histogram_close(&sum);
    }
    free(text);
    free(series);
    program_finish(&server, &result);
}

/* READER.js prints "TAG INTERVALS COUNT P50 P99 MAX" a line. Its output, or NULL when it cannot run here. */
static char *read_with_reference(const char *name, char *text, size_t size)
{
    char path[256], *argv[] = {"node", (char *)(uintptr_t)reader, path, NULL};
    path_of(name, path);
    int out = program_capture("reference"), status;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    int error = posix_spawnp(&pid, "node", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) {
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        error = WEXITSTATUS(status);
        assert_true(error == 0 || error == EXIT_SKIPPED || error == 127);
    } else {
        fprintf(stderr, "node: %s\n", strerror(error));
    }
    ssize_t length = pread(out, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    close(out);
    return error ? NULL : text;
}

static void expect_reference(const char *text, const char *tag, uint64_t count, const struct histogram *ours)
{
    char line[64];
    unsigned long long intervals, total, p50, p99, most;
    snprintf(line, sizeof(line), "\n%s ", tag);
    const char *at = strstr(text, line);
    if (!at)
        fail_msg("no %s in %s", tag, text);
    assert_int_equal(sscanf(at + strlen(line), "%llu %llu %llu %llu %llu", &intervals, &total, &p50, &p99, &most), 5);
    assert_true(intervals >= 10);
    assert_int_equal(total, count);
    assert_int_equal(histogram_index(ours, p50), histogram_index(ours, histogram_percentile(ours, 50)));
    assert_int_equal(histogram_index(ours, p99), histogram_index(ours, histogram_percentile(ours, 99)));
    assert_int_equal(histogram_index(ours, most), histogram_index(ours, histogram_maximum(ours)));
}

static bool reference_is_missing; /* for the exit status: cmocka's is about failures only */

static void test_hlog_reference(void **state)
{
    (void)state;
    struct script_server server;
    struct histogram sum;
    char text[8192] = "\n", tag[16];
    struct result result = run_with_hlog(&server);
    reference_is_missing = !read_with_reference("h.hlog", text + 1, sizeof(text) - 1);
    char *hlog = take_file("h.hlog");
    free(take_file("s.jsonl"));
    if (!reference_is_missing) {
        sum_hlog(hlog, NULL, &sum);
        expect_reference(text, "-", report_number(&result, "requests/ok"), &sum);
        histogram_close(&sum);
        for (unsigned i = 0; i < SCRIPT_WORKERS; i++) {
            snprintf(tag, sizeof(tag), "tag:%u", i);
            sum_hlog(hlog, tag + 4, &sum);
            expect_reference(text, tag, server.worker_requests[i], &sum);
            histogram_close(&sum);
        }
    }
    free(hlog);
    program_finish(&server, &result);
}

/* ---- other files ---- */

static void test_html(void **state)
{
    (void)state;
    static const char *const wanted[] = {"<!DOCTYPE html>", "Throughput.",           "Every response.",
                                         "Percentiles.",    "Share of each worker.", "</body></html>\n"};
    static const char *const unwanted[] = {"<script", "src=", "href=", "@import", "url("}; /* nothing is loaded */
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-c 4 -R 1000 -d 500ms --html %s/page.html", program_folder());
    struct result result = program_run(&server, arguments, "/ok");
    script_server_stop(&server);
    char *text = take_file("page.html");
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no %s in the page", wanted[i]);
    for (unsigned i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        if (strstr(text, unwanted[i]))
            fail_msg("%s in the page", unwanted[i]);
    free(text);
    program_finish(&server, &result);
}

/* A run of one answer has no rate by time, and its one point can be seen. */
static void test_html_of_one_answer(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[600];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-n 1 --html %s/page.html", program_folder());
    struct result result = program_run(&server, arguments, "/ok");
    script_server_stop(&server);
    char *text = take_file("page.html"), *path = strstr(text, "<path class=\"one\" d=\"M");
    assert_null(strstr(text, "Throughput."));
    assert_non_null(strstr(text, "Response time, from the send")); /* closed loop */
    assert_true(path && strstr(path, "h6\"") && strstr(path, "h6\"") < strchr(path, '>'));
    free(text);
    program_finish(&server, &result);
}

/* One header line, one row; a figure is where its name is. */
static void test_csv(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-c 3 -n 321 --format csv", server.url, "/ok");
    script_server_stop(&server);
    assert_int_equal(result.status, 0);
    char *name = result.out, *row = strchr(result.out, '\n') + 1;
    while (strncmp(name, "requests.ok,", 12) != 0) {
        name = strchr(name, ',');
        row = strchr(row, ',');
        assert_true(name && row);
        name++, row++;
    }
    assert_memory_equal(row, "321,", 4);
    assert_null(strchr(strchr(strchr(result.out, '\n') + 1, '\n') + 1, '\n'));
    program_finish(&server, &result);
}

/* Nothing was measured: no file, no draft of one, and the folder can be removed. */
static void test_no_files_of_nothing(void **state)
{
    (void)state;
    char arguments[1000];
    snprintf(arguments, sizeof(arguments), "-n 1 --series %s/s.jsonl --hlog %s/h.hlog --html %s/p.html -o %s/o --hgrm %s/g",
             program_folder(), program_folder(), program_folder(), program_folder(), "/dev/null/impossible");
    struct result result = program_run_url(arguments, "http://127.0.0.1:1", "/");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.err, "loadgen: cannot write --hgrm /dev/null/impossible/g: "));
    static const char *const names[] = {"s.jsonl", "h.hlog", "p.html", "o"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        expect_no_file(names[i]);
    json_decref(result.json);
}

/* Nothing was answered: the files are there all the same, and say so. */
static void test_files_of_no_answer(void **state)
{
    (void)state;
    const char *const folder = program_folder();
    char arguments[1000];
    snprintf(arguments, sizeof(arguments),
             "-n 1 --format json --series %s/s.jsonl --hlog %s/h.hlog --html %s/p.html -o %s/o --hgrm %s/g", folder, folder, folder,
             folder, folder);
    struct result result = program_run_url(arguments, "http://127.0.0.1:1", "/");
    assert_int_equal(result.status, 2);
    static const char *const names[] = {"p.html", "o", "g", "h.hlog", "s.jsonl"};
    static const char *const says[] = {"nothing was answered", "nothing was answered",
                                       "#[Max     =        0.000, Total count    =            0]", "StartTimestamp", ""};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = take_file(names[i]);
        if (!strstr(text, says[i]))
            fail_msg("%s does not say '%s'", names[i], says[i]);
        free(text);
    }
    json_decref(result.json);
}

/* A full disk: exit 2 and a line that names the option, for each of them. */
static void test_full_disk(void **state)
{
    (void)state;
    static const char *const options[] = {"--output", "--hgrm", "--hlog", "--series", "--heat", "--html"};
    struct script_server server;
    char arguments[100], line[200];
    script_server_start(&server, "127.0.0.1:0");
    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        snprintf(arguments, sizeof(arguments), "-n 5 %s /dev/full", options[i]);
        snprintf(line, sizeof(line), "loadgen: cannot write %s /dev/full: ", options[i]);
        struct result result = program_run_url(arguments, server.url, "/ok");
        assert_int_equal(result.status, 2);
        if (strncmp(result.err, line, strlen(line)) != 0)
            fail_msg("%s: %s", options[i], result.err);
        json_decref(result.json);
    }
    script_server_stop(&server);
    script_server_free(&server);
}

/* Text for a stdout that is closed must not end in the next file that is opened. */
static void test_closed_stdout(void **state)
{
    (void)state;
    struct script_server server;
    char output[300], url[200], *argv[] = {(char *)(uintptr_t)program, "-n", "5", "--format", "json", "-o", output, url, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    script_server_start(&server, "127.0.0.1:0");
    snprintf(output, sizeof(output), "%s/report.json", program_folder());
    snprintf(url, sizeof(url), "%s/ok", server.url);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, STDERR_FILENO), 0);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    char *text = take_file("report.json");
    json_t *json = json_loads(text, 0, NULL);
    if (!json)
        fail_msg("no JSON: %.100s", text);
    json_decref(json);
    free(text);
    script_server_stop(&server);
    script_server_free(&server);
}

static int run_reference(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hlog_reference)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return !failed && reference_is_missing ? EXIT_SKIPPED : failed;
}

int main(int argc, char **argv)
{
    if (argc < 2 || program_open(argv[1]) != 0) {
        fprintf(stderr, "usage: test_reports LOADGEN [READER.js]\n");
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_adds_up),
        cmocka_unit_test(test_series_shows_a_stall),
        cmocka_unit_test(test_series_counts_errors),
        cmocka_unit_test(test_series_as_csv),
        cmocka_unit_test(test_heat_adds_up),
        cmocka_unit_test(test_announces_the_beginning),
        cmocka_unit_test(test_hlog_adds_up),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_of_one_answer),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_no_files_of_nothing),
        cmocka_unit_test(test_files_of_no_answer),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_closed_stdout),
    };
    program = argv[1];
    reader = argc > 2 ? argv[2] : NULL;
    int failed = reader ? run_reference() : cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() == 0 ? failed : 1;
}
