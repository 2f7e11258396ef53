/*
 * Plans, end to end: what a profile or a trace plans is what the report says was planned, over any number of threads and ways of
 * dispatch, and the run ends with it. (Tabs stand for the spaces of a profile: program_start parts at spaces.)
 */
#include "program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct result run(const char *arguments)
{
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, arguments, "/ok");
    script_server_stop(&server);
    report_expect_identity(&result);
    uint64_t seen = server.requests, ok = report_number(&result, "requests/ok");
    bool is_all = !strstr(arguments, "--warmup"); /* what the server sees of the warm-up is in no figure */
    if (seen < ok || (is_all && seen > ok + report_number(&result, "requests/unfinished")))
        fail_msg("%s: the server saw %llu requests, %llu were answered", arguments, (unsigned long long)seen,
                 (unsigned long long)ok);
    script_server_free(&server);
    return result;
}

static void test_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        unsigned planned;
        double seconds, rate; /* 0: not asked */
    } rows[] = {
        {"-c 20 --profile ramp\t0..1000\tover\t500ms", 250, 0.5, 500},
        {"-c 20 --profile ramp\t0..1000\tover\t500ms -d 10s", 250, 0.5, 500}, /* not longer than there are plans */
        {"-c 20 --profile ramp\t0..1000\tover\t500ms -d 250ms", 63, 0.25, 250},
        {"-c 20 --profile ramp\t1000..0\tover\t500ms -t 3 --arrivals uniform-jitter", 250, 0.5, 500},
        {"-c 20 --profile step\t200..600\tby\t200\tevery\t200ms -t 2", 240, 0.6, 400},
        {"-c 20 --profile spike\t100..1000\tat\t200ms\tfor\t200ms --dispatch pinned", 240, 0.6, 400},
        {"-c 20 --profile sine\t0..1000\tevery\t100ms\tfor\t400ms --dispatch open", 200, 0.4, 500},
        {"-c 20 --profile hold\t500\tfor\t100ms,hold\t0\tfor\t200ms,hold\t500\tfor\t100ms", 100, 0.4, 250},
        {"-c 20 --profile ramp\t0..1000\tover\t500ms -n 40", 40, 0, 200},
        {"-c 20 --profile ramp\t0..1000\tover\t500ms -n 4000", 250, 0, 0}, /* nor more than are planned */
        {"-c 20 --profile ramp\t0..1000\tover\t500ms --warmup 200ms", 250, 0.5, 500},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct result result = run(rows[i].arguments);
        double seconds = json_number_value(report_find(&result, "duration_s"));
        double rate = json_number_value(report_find(&result, "rate/planned"));
        if (report_number(&result, "requests/planned") != rows[i].planned)
            fail_msg("%s: %llu planned", rows[i].arguments, (unsigned long long)report_number(&result, "requests/planned"));
        if (rows[i].seconds > 0 && (seconds < rows[i].seconds - 1e-6 || seconds > rows[i].seconds + 1e-6))
            fail_msg("%s: lasted %.9f s", rows[i].arguments, seconds);
        if (rows[i].rate > 0 && (rate < rows[i].rate * 0.999 || rate > rows[i].rate * 1.001))
            fail_msg("%s: %g/s planned", rows[i].arguments, rate);
        json_decref(result.json);
    }
}

static void test_traces(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        unsigned planned;
    } rows[] = {
        {"", 300}, {"-t 3", 300}, {"-n 50", 50}, {"-n 5000", 300}, {"-d 100ms", 100}, {"-d 60s", 300}, {"--dispatch pinned", 300}};
    char path[256], arguments[512];
    snprintf(path, sizeof(path), "%s/trace", program_folder());
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("# one a millisecond\n", out);
    for (unsigned i = 0; i < 300; i++)
        fprintf(out, i % 2 ? "%ums\n" : "%u.0e-3 # s\n", i);
    assert_int_equal(fclose(out), 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(arguments, sizeof(arguments), "-c 10 --arrivals trace:%s%s%s", path, *rows[i].arguments ? " " : "",
                 rows[i].arguments);
        struct result result = run(arguments);
        if (report_number(&result, "requests/planned") != rows[i].planned)
            fail_msg("%s: %llu planned", arguments, (unsigned long long)report_number(&result, "requests/planned"));
        json_decref(result.json);
    }
    assert_int_equal(unlink(path), 0);
}

/* The same seed plans the same requests, another one others. */
static void test_seeds(void **state)
{
    (void)state;
    static const char *const seeds[] = {"1", "1", "2", "3"};
    uint64_t planned[4];
    for (unsigned i = 0; i < 4; i++) {
        char arguments[256];
        snprintf(arguments, sizeof(arguments), "-c 20 -t 2 --arrivals poisson --profile ramp\t0..4000\tover\t300ms --seed %s",
                 seeds[i]);
        struct result result = run(arguments);
        planned[i] = report_number(&result, "requests/planned");
        assert_true(planned[i] > 450 && planned[i] < 750); /* 600, and six standard deviations */
        json_decref(result.json);
    }
    assert_int_equal(planned[0], planned[1]);
    assert_true(planned[2] != planned[0] || planned[3] != planned[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_profiles), cmocka_unit_test(test_traces),
                                       cmocka_unit_test(test_seeds)};
    if (argc != 2 || program_open(argv[1]) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() == 0 ? failed : 1;
}
