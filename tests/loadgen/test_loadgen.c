/*
 * The loadgen program against a server whose behaviour is known: what it reports must be what happened. Each test starts a
 * scripted server in a thread, runs the program to its end with --format json, and compares. Counts and states only, never
 * how fast something was.
 *
 * usage: test_loadgen PATH-OF-LOADGEN
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

/* ---- counts ---- */

static void expect_workers(const struct script_server *server, const struct result *result)
{
    for (unsigned i = 0; i < SCRIPT_WORKERS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%u", i);
        assert_int_equal(report_worker_number(result, id, "requests"), server->worker_requests[i]);
        assert_int_equal(report_worker_number(result, id, "connections"), server->worker_connections[i]);
    }
}

static void test_exact_number(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-t 3 -c 7 -n 5003", "/ok");
    script_server_stop(&server);
    assert_int_equal(result.status, 0);
    assert_int_equal(report_number(&result, "requests/ok"), 5003);
    assert_int_equal(report_number(&result, "requests/planned"), 5003);
    assert_int_equal(report_number(&result, "status/200"), 5003);
    assert_int_equal(report_number(&result, "response_time_us/count"), 5003);
    assert_int_equal(server.requests, 5003);
    assert_int_equal(server.connections, 7);
    report_expect_identity(&result);
    expect_workers(&server, &result);
    assert_string_equal(json_string_value(report_find(&result, "loop")), "closed");
    program_finish(&server, &result);
}

static void test_open_loop_number(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-t 2 -c 8 -R 4000 -n 1001",
        "-t 2 -c 8 -R 4000 -n 1001 --arrivals poisson",
        "-t 2 -c 8 -R 4000 -n 1001 --arrivals poisson --requests-per-connection 1",
    };
    for (unsigned i = 0; i < 3; i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, arguments[i], "/ok");
        script_server_stop(&server);
        assert_int_equal(report_number(&result, "requests/ok"), 1001);
        assert_int_equal(report_number(&result, "send_lag_us/count"), 1001);
        assert_int_equal(server.requests, 1001);
        report_expect_identity(&result);
        expect_workers(&server, &result);
        program_finish(&server, &result);
    }
}

/* 1000/s for half a second is 500 plans, whether they could be sent or not. */
static void test_open_loop_duration(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-t 2 -c 4 -R 1000 -d 500ms", "/ok");
    script_server_stop(&server);
    assert_int_equal(report_number(&result, "requests/planned"), 500);
    report_expect_identity(&result);
    assert_string_equal(json_string_value(report_find(&result, "loop")), "open");
    program_finish(&server, &result);
}

static void test_requests_per_connection(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        unsigned connections;
    } rows[] = {
        {"-c 3 -n 100 --requests-per-connection 1", 100},
        {"-c 1 -n 100 --requests-per-connection 7", 15},
        {"-c 4 -n 100 -R 2000 --requests-per-connection 1", 100},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, "/ok");
        script_server_stop(&server);
        assert_int_equal(report_number(&result, "requests/ok"), 100);
        assert_int_equal(server.connections, rows[i].connections);
        assert_int_equal(report_number(&result, "connect_time_us/count"), rows[i].connections);
        assert_int_equal(server.closes_seen, rows[i].connections == 15 ? 14 : rows[i].connections);
        expect_workers(&server, &result);
        program_finish(&server, &result);
    }
}

static void test_warmup_is_left_out(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-t 2 -c 4 -n 400 --warmup 200ms", "/ok");
    script_server_stop(&server);
    assert_int_equal(report_number(&result, "requests/planned"), 400);
    assert_int_equal(report_number(&result, "response_time_us/count"), 400);
    assert_true(server.requests > 400);
    report_expect_identity(&result);
    program_finish(&server, &result);
}

/* ---- bodies ---- */

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path;
        unsigned connections;
    } rows[] = {
        {"-c 2 -n 50", "/chunked", 2},         {"-c 2 -n 50", "/until-close", 50}, {"-c 2 -n 50", "/last", 50},
        {"-c 2 -n 50", "/pieces", 2},          {"-c 2 -n 50", "/interim", 2},      {"-c 2 -n 50 -m HEAD", "/ok", 2},
        {"-c 2 -n 50 -m HEAD", "/chunked", 2}, {"-c 2 -n 50", "/status/204", 0},   {"-c 2 -n 50 -m POST --body abc", "/ok", 2},
        {"-c 2 -n 50", "/nameless", 2},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, rows[i].path);
        script_server_stop(&server);
        if (report_number(&result, "requests/ok") != 50 || server.requests != 50)
            fail_msg("%s %s: ok %d of %u", rows[i].arguments, rows[i].path, (int)report_number(&result, "requests/ok"),
                     server.requests);
        if (rows[i].connections) /* those opened again at the very end may or may not have been seen */
            assert_in_range(server.connections, rows[i].connections, rows[i].connections + 2);
        report_expect_identity(&result);
        program_finish(&server, &result);
    }
}

static void test_request_as_asked(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 1 -n 1 -m PUT --body data -H X-One:1 -H Host:elsewhere", "/a?b=c#fragment");
    script_server_stop(&server);
    assert_string_equal(server.last_request, "PUT /a?b=c HTTP/1.1\r\nX-One:1\r\nHost:elsewhere\r\nContent-Length: 4\r\n\r\ndata");
    program_finish(&server, &result);
}

static void test_attribution(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path, *id;
    } rows[] = {
        {"-c 1 -n 10", "/nameless", "-"},
        {"-c 1 -n 10", "/hints", "-"}, /* nor is worker 99 listed */
        {"-c 1 -n 10", "/strange", "caf?"},
        {"-c 1 -n 10 --backend-header none", "/ok", "-"},
        {"-c 1 -n 10 --backend-header x-WORKER", "/ok", "0"},
        {"-c 1 -n 10 --backend-header Content-Length", "/ok", "5"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, rows[i].path);
        script_server_stop(&server);
        assert_int_equal(json_array_size(report_find(&result, "workers")), 1);
        assert_int_equal(report_worker_number(&result, rows[i].id, "requests"), 10);
        assert_int_equal(report_worker_number(&result, rows[i].id, "connections"), 1);
        program_finish(&server, &result);
    }
}

/* ---- what goes wrong ---- */

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path, *count, *kind;
        unsigned expected;
        int status;
    } rows[] = {
        {"-c 2 -n 20", "/status/404", "requests/http_errors", NULL, 20, 0},
        {"-c 2 -n 20", "/status/503", "requests/http_errors", NULL, 20, 0},
        {"-c 2 -n 20", "/reset", "requests/socket_errors", "errors/read", 20, 2},
        {"-c 1 -n 20", "/second-leaves", "requests/socket_errors", "errors/idle_closed", 10, 0},
        {"-c 1 -n 20", "/second-resets", "requests/socket_errors", "errors/idle_closed", 10, 0},
        {"-c 1 -n 20", "/second-resets", "requests/ok", NULL, 10, 0},
        {"-c 1 -n 20", "/second-hints", "requests/socket_errors", "errors/read", 10, 0},
        {"-c 2 -n 20", "/cut", "requests/socket_errors", "errors/malformed", 20, 2},
        {"-c 2 -n 20", "/garbage", "requests/socket_errors", "errors/malformed", 20, 2},
        {"-c 2 -n 20", "/surplus", "requests/ok", "errors/malformed", 20, 0},
        {"-c 2 -n 6 --timeout 100ms", "/silent", "requests/timed_out", "errors/timeout", 6, 2},
        {"-c 2 -n 6 --timeout 100ms -R 1000", "/silent", "requests/timed_out", "errors/timeout", 6, 2},
        {"-c 2 -n 6 --timeout 100ms --requests-per-connection 1", "/silent", "requests/timed_out", "errors/timeout", 6, 2},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, rows[i].path);
        script_server_stop(&server);
        if (report_number(&result, rows[i].count) != rows[i].expected || result.status != rows[i].status)
            fail_msg("%s %s: exit %d, %s", rows[i].arguments, rows[i].path, result.status, result.out);
        if (rows[i].kind)
            assert_int_equal(report_number(&result, rows[i].kind), rows[i].expected);
        report_expect_identity(&result);
        program_finish(&server, &result);
    }
}

/*
 * --retry-idle: who meets the end of an idle connection goes to a new one, the same request once more; whose method is not
 * idempotent, whose connection had answered nothing yet, or whose answer had begun does not.
 */
static void test_retry_idle(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path;
        unsigned ok, socket_errors, retries, idle_closed;
    } rows[] = {
        {"-c 1 -n 20", "/second-leaves", 10, 10, 0, 10}, /* not without being asked to */
        {"-c 1 -n 20 --retry-idle", "/second-leaves", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle", "/second-resets", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle -m PUT --body x", "/second-leaves", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle -m HEAD", "/second-resets", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle -m POST --body x", "/second-leaves", 10, 10, 0, 10},
        {"-c 1 -n 20 --retry-idle -m PATCH --body x", "/second-resets", 10, 10, 0, 10},
        {"-c 1 -n 20 --retry-idle", "/second-hints", 10, 10, 0, 0},
        {"-c 1 -n 20 --retry-idle", "/reset", 0, 20, 0, 0},
        {"-c 1 -n 20 --retry-idle -R 2000", "/second-leaves", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle -R 2000 --dispatch pinned", "/second-resets", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle --requests-per-connection 9", "/second-leaves", 20, 0, 19, 19},
        {"-c 1 -n 20 --retry-idle --connect-rate 1000", "/second-leaves", 20, 0, 19, 19},
        {"-c 3 -t 2 -n 60 --retry-idle", "/ok", 60, 0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, rows[i].arguments, rows[i].path);
        script_server_stop(&server);
        if (report_number(&result, "requests/ok") != rows[i].ok ||
            report_number(&result, "requests/socket_errors") != rows[i].socket_errors ||
            report_number(&result, "requests/retries") != rows[i].retries ||
            report_number(&result, "errors/idle_closed") != rows[i].idle_closed)
            fail_msg("%s %s: exit %d, %s", rows[i].arguments, rows[i].path, result.status, result.out);
        assert_int_equal(server.requests, rows[i].ok + rows[i].socket_errors + rows[i].retries);
        report_expect_identity(&result);
        program_finish(&server, &result);
    }
}

/* What is drawn is drawn once: the numbers go up by one, and each that was sent again stands there twice. */
static void test_retry_is_the_same_request(void **state)
{
    (void)state;
    struct script_server server;
    unsigned last = 0, numbers = 0;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-t 1 -c 1 -n 20 --retry-idle", "/second-leaves?{seq}-{zipf:1000000}");
    script_server_stop(&server);
    assert_int_equal(server.requests, 39);
    for (unsigned i = 0; i < server.requests; i++) {
        unsigned number = 0;
        assert_int_equal(sscanf(server.targets[i], "/second-leaves?%u-", &number), 1);
        if (numbers > 0 && number == last)
            assert_string_equal(server.targets[i], server.targets[i - 1]);
        else
            assert_true(numbers++ == 0 || number == last + 1);
        last = number;
    }
    assert_int_equal(numbers, 20);
    program_finish(&server, &result);
}

/* Of a batch that met the end the first goes again, alone; the others have failed. Nothing is counted twice. */
static void test_retry_of_pipelined(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-t 1 -c 1 -n 40 --pipeline 4 --retry-idle", "/second-leaves");
    script_server_stop(&server);
    report_expect_identity(&result);
    assert_int_equal(report_number(&result, "requests/ok") + report_number(&result, "requests/socket_errors"), 40);
    assert_true(report_number(&result, "requests/retries") <= report_number(&result, "errors/idle_closed"));
    program_finish(&server, &result);
}

/* What was not a success must not pass for one: neither error pages nor answers that go on behind their end. */
static void test_bad_answers_are_suspect(void **state)
{
    (void)state;
    static const char *const paths[] = {"/status/404", "/status/503", "/surplus"};
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct script_server server;
        script_server_start(&server, "127.0.0.1:0");
        struct result result = program_run(&server, "-c 2 -n 20", paths[i]);
        script_server_stop(&server);
        assert_string_equal(json_string_value(report_find(&result, "verdict")), "SUSPECT");
        assert_int_equal(json_array_size(report_find(&result, "reasons")), 1);
        program_finish(&server, &result);
    }
}

/* The time that passed until the last request had failed belongs to the run. */
static void test_failures_take_time(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 1 -n 2 --timeout 100ms", "/silent");
    script_server_stop(&server);
    assert_int_equal(report_number(&result, "requests/timed_out"), 2);
    assert_true(json_number_value(report_find(&result, "duration_s")) >= 0.2);
    program_finish(&server, &result);
}

static void test_full_stdout(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct running running = {.out = open("/dev/full", O_WRONLY | O_CLOEXEC), .err = program_capture("err")};
    assert_true(running.out >= 0);
    running.pid = program_start("-c 1 -n 2", server.url, "/ok", running.out, running.err);
    int status;
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    close(running.out);
    close(running.err);
    script_server_stop(&server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    script_server_free(&server);
}

/* A server that never answers, by duration: what is in flight at the end is unfinished, what found no connection unsent. */
static void test_unfinished_and_unsent(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 3 -R 100 -d 500ms", "/silent");
    script_server_stop(&server);
    assert_int_equal(result.status, 2);
    assert_int_equal(report_number(&result, "requests/planned"), 50);
    assert_int_equal(report_number(&result, "requests/unfinished"), 3);
    assert_int_equal(report_number(&result, "requests/unsent"), 47);
    program_finish(&server, &result);
}

/* The milliseconds that an .hgrm gives for 90 %. */
static double p90_of(const char *path)
{
    char line[256];
    double value = 0, percentile = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (percentile < 0.9 && fgets(line, sizeof(line), file))
        if (sscanf(line, "%lf %lf", &value, &percentile) != 2)
            percentile = 0;
    assert_int_equal(fclose(file), 0);
    assert_true(percentile >= 0.9);
    return value;
}

/*
 * The server stops for a second under 1000 requests/s: a closed loop would see four slow requests. The open loop must show all of
 * those planned meanwhile, each late by what was left of the stop, and lose none.
 */
static void test_stall_shows(void **state)
{
    (void)state;
    struct script_server server;
    char hgrm[128], service[128], arguments[512];
    snprintf(hgrm, sizeof(hgrm), "%s/stall.hgrm", program_folder());
    snprintf(service, sizeof(service), "%s/stall-service.hgrm", program_folder());
    snprintf(arguments, sizeof(arguments), "-c 4 -R 1000 -n 2000 --hgrm %s --hgrm-service %s", hgrm, service);
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, arguments, "/stall");
    script_server_stop(&server);
    assert_int_equal(report_number(&result, "requests/ok"), 2000);
    assert_true(report_number(&result, "response_time_us/max") >= SCRIPT_STALL_MS * 900);
    /* Half of the 1000 planned in the stop were late by more than half of it: a quarter of all 2000. */
    assert_true(report_number(&result, "response_time_us/p90") >= SCRIPT_STALL_MS * 600);
    assert_true(report_number(&result, "requests/waited") >= 900);
    /* From the send only the four that were in flight were late. */
    assert_true(p90_of(hgrm) >= SCRIPT_STALL_MS * 0.6 && p90_of(service) < SCRIPT_STALL_MS * 0.6);
    unlink(hgrm);
    unlink(service);
    program_finish(&server, &result);
}

/* The program runs against /ok until the server has seen 100 requests. */
static struct running begin_and_watch(struct script_server *server, const char *arguments)
{
    script_server_start(server, "127.0.0.1:0");
    struct running running = program_begin(arguments, server->url, "/ok");
    while (server->requests < 100)
        sched_yield();
    return running;
}

/* A server that goes away for good in the middle of -n must not keep the run forever. */
static void test_server_goes_away(void **state)
{
    (void)state;
    struct script_server server;
    struct running running = begin_and_watch(&server, "--format json -c 2 -n 100000000 --timeout 200ms");
    script_server_stop(&server);
    struct result result = program_await(&running);
    assert_non_null(result.json);
    assert_int_equal(result.status, 0);
    assert_int_equal(report_number(&result, "requests/planned"), 100000000);
    assert_true(report_number(&result, "requests/unsent") > 0);
    assert_string_equal(json_string_value(report_find(&result, "verdict")), "SUSPECT");
    report_expect_identity(&result);
    program_finish(&server, &result);
}

static void test_interrupt(void **state)
{
    (void)state;
    struct script_server server;
    struct running running = begin_and_watch(&server, "--format json -t 2 -c 4 -d 600s");
    assert_int_equal(kill(running.pid, SIGINT), 0);
    struct result result = program_await(&running);
    script_server_stop(&server);
    assert_int_equal(result.status, 130);
    assert_non_null(result.json);
    assert_true(json_is_true(report_find(&result, "interrupted")));
    assert_true(report_number(&result, "requests/ok") > 0);
    report_expect_identity(&result);
    program_finish(&server, &result);
}

static struct result run_and_stand_still(struct script_server *server)
{
    struct running running = begin_and_watch(server, "--format json -c 4 -R 1000 -n 2000");
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    clock_sleep_until_ns(clock_now_ns() + 200 * CLOCK_NS_PER_MS); /* the disturbance, not a wait for something */
    assert_int_equal(kill(running.pid, SIGCONT), 0);
    struct result result = program_await(&running);
    script_server_stop(server);
    return result;
}

/*
 * The generator itself is stopped for a tenth of the run, with connections free: it must say that its figures are not the server's.
 * Where the server stood still in that moment, too, no connection was free: then once more.
 */
static void test_late_generator_is_invalid(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run_and_stand_still(&server);
    for (unsigned tries = 1; tries < 5 && result.json && report_number(&result, "own_lag_us/max") <= 100000; tries++) {
        program_finish(&server, &result);
        result = run_and_stand_still(&server);
    }
    assert_int_equal(result.status, 3);
    assert_non_null(result.json);
    assert_string_equal(json_string_value(report_find(&result, "verdict")), "INVALID");
    assert_true(json_array_size(report_find(&result, "reasons")) > 0);
    assert_int_equal(report_number(&result, "requests/ok"), 2000);
    assert_true(report_number(&result, "own_lag_us/max") > 100000); /* how many it was depends on how fast it catches up */
    report_expect_identity(&result);
    program_finish(&server, &result);
}

/* ---- the same seed, the same work ---- */

static int compare_targets(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted, because threads and connections may overtake each other. */
static void run_seeded(struct script_server *server, const char *arguments)
{
    script_server_start(server, "127.0.0.1:0");
    struct result result = program_run(server, arguments, "/block/{exp:5ms}/{uniform:1ms-2ms}");
    script_server_stop(server);
    assert_int_equal(report_number(&result, "requests/ok"), 200);
    assert_in_range(server->requests, 200, SCRIPT_REQUESTS_MAX);
    qsort(server->targets, server->requests, SCRIPT_TARGET_SIZE, compare_targets);
    json_decref(result.json);
}

static unsigned count_found(const struct script_server *wanted, const struct script_server *in)
{
    unsigned found = 0;
    for (unsigned i = 0; i < wanted->requests; i++)
        found += bsearch(wanted->targets[i], in->targets, in->requests, SCRIPT_TARGET_SIZE, compare_targets) != NULL;
    return found;
}

/* The seed alone decides: not the loop, the arrivals, the connections or what a warm-up used up. */
static void test_placeholders(void **state)
{
    (void)state;
    struct script_server one, same, warm, other;
    run_seeded(&one, "-t 2 -c 2 -n 200 --seed 7");
    run_seeded(&same, "-t 2 -c 4 -n 200 --seed 7 -R 100000 --arrivals poisson");
    run_seeded(&warm, "-t 2 -c 4 -n 200 --seed 7 -R 5000 --warmup 50ms");
    run_seeded(&other, "-t 2 -c 2 -n 200 --seed 8");
    assert_true(warm.requests > 200);
    assert_int_equal(count_found(&one, &same), 200);
    assert_int_equal(count_found(&one, &warm), 200);
    assert_true(count_found(&one, &other) < 10);
    for (unsigned i = 0; i < 200; i++) {
        unsigned first, second;
        assert_int_equal(sscanf(one.targets[i], "/block/%uus/%uus", &first, &second), 2);
        assert_in_range(second, 1000, 2000);
    }
    script_server_free(&one);
    script_server_free(&same);
    script_server_free(&warm);
    script_server_free(&other);
}

/* ---- addresses ---- */

static void expect_ok_at(const char *address)
{
    struct script_server server;
    script_server_start(&server, address);
    struct result result = program_run(&server, "-c 2 -n 10", "/ok");
    script_server_stop(&server);
    assert_int_equal(report_number(&result, "requests/ok"), 10);
    program_finish(&server, &result);
}

static void test_addresses(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "unix:%s/socket", program_folder());
    expect_ok_at(path);
    unlink(path + strlen("unix:"));
    if (access("/proc/net/if_inet6", R_OK) == 0)
        expect_ok_at("[::1]:0");
}

/* ---- reports ---- */

static void test_json_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "schema",
        "url",
        "seed",
        "threads",
        "connections",
        "duration_s",
        "loop",
        "requests/planned",
        "requests/ok",
        "requests/http_errors",
        "requests/socket_errors",
        "requests/timed_out",
        "requests/unfinished",
        "requests/unsent",
        "rate/planned",
        "rate/achieved",
        "response_time_us/mean",
        "response_time_us/p50",
        "response_time_us/p90",
        "response_time_us/p99",
        "response_time_us/p99.9",
        "response_time_us/p99.99",
        "response_time_us/max",
        "service_time_us/p50",
        "send_lag_us/p50",
        "connect_time_us/p50",
        "status/200",
        "errors/connect",
        "errors/read",
        "errors/write",
        "errors/timeout",
        "errors/idle_closed",
        "bytes/read",
        "bytes/written",
        "workers",
        "fairness/jain",
        "fairness/cv",
        "fairness/max_over_mean",
        "fairness/chi_square_p",
        "cpu_us_per_request",
        "verdict",
        "reasons",
    };
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-c 20 -R 1000 -n 100", "/ok");
    script_server_stop(&server);
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        report_find(&result, keys[i]);
    assert_string_equal(json_string_value(report_find(&result, "schema")), "clusterbench.loadgen/1");
    assert_true(json_real_value(report_find(&result, "fairness/chi_square_p")) > 0.999); /* 5 connections a worker, exactly */
    assert_true(json_number_value(report_find(&result, "bytes/read")) > 0);
    program_finish(&server, &result);
}

static void test_text(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "Running ",
        " test @ http://127.0.0.1:",
        "  2 threads and 4 connections",
        "  100 requests in ",
        "read\n",
        "  planned 100 = ok 100 + http errors 0 + socket errors 0 + timed out 0 + unfinished 0 + unsent 0\n",
        "     50%  ",
        "Requests/sec: ",
        "Transfer/sec: ",
        "\nVALID\n",
        "  Worker  connections  requests",
    };
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-t 2 -c 4 -n 100 --latency", server.url, "/ok");
    script_server_stop(&server);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(result.out, lines[i]))
            fail_msg("no '%s' in: %s", lines[i], result.out);
    assert_string_equal(result.err, "");
    program_finish(&server, &result);
}

/* Sent again is no error where wrk has its line, and no line at all where there is nothing else. */
static void test_retries_in_text(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-t 1 -c 1 -n 20 --retry-idle", server.url, "/second-leaves");
    script_server_stop(&server);
    if (!strstr(result.out, "planned 20 = ok 20 +") ||
        !strstr(result.out, "  19 of the requests met the end of an idle connection and were sent again\n") ||
        strstr(result.out, "Socket errors:"))
        fail_msg("retries are told otherwise: %s", result.out);
    program_finish(&server, &result);
}

/* As a read error where wrk has its line, and apart in the table. */
static void test_idle_close_in_text(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "planned 20 = ok 10 + http errors 0 + socket errors 10 +",
        "  Socket errors: connect 0, read 10, write 0, timeout 0\n",
        "  idle_closed        10   the server closed an idle connection as a request was sent\n",
    };
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run_url("-t 1 -c 1 -n 20", server.url, "/second-leaves");
    script_server_stop(&server);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(result.out, lines[i]))
            fail_msg("no '%s' in: %s", lines[i], result.out);
    program_finish(&server, &result);
}

/* --output, --series and --hgrm are whole files; the series adds up to what was answered. */
static void test_files(void **state)
{
    (void)state;
    struct script_server server;
    char arguments[512], path[128], line[128];
    script_server_start(&server, "127.0.0.1:0");
    snprintf(arguments, sizeof(arguments), "-t 2 -c 4 -R 1000 -n 350 --quiet --format json -o %s/r.json --series %s/s.csv",
             program_folder(), program_folder());
    struct result result = program_run_url(arguments, server.url, "/ok");
    script_server_stop(&server);
    assert_string_equal(result.out, "");
    snprintf(path, sizeof(path), "%s/r.json", program_folder());
    result.json = json_load_file(path, 0, NULL);
    unlink(path);
    assert_non_null(result.json);
    assert_int_equal(report_number(&result, "requests/ok"), 350);

    snprintf(path, sizeof(path), "%s/s.csv", program_folder());
    FILE *series = fopen(path, "re");
    unsigned sum = 0, requests;
    assert_non_null(series);
    assert_non_null(fgets(line, sizeof(line), series));
    assert_string_equal(line, "time_s,requests,errors,p50_us,p99_us\n");
    while (fgets(line, sizeof(line), series)) {
        assert_int_equal(sscanf(line, "%*f,%u,%*u,%*u,%*u", &requests), 1);
        sum += requests;
    }
    assert_int_equal(sum, 350);
    fclose(series);
    unlink(path);
    program_finish(&server, &result);
}

/* ---- bad input ---- */

static void test_bad_input(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *url, *named;
        int status;
    } rows[] = {
        {"-c 4", "", "URL", 1},
        {"-c 4 http://127.0.0.1:1/", "http://127.0.0.1:1/", "exactly one URL", 1},
        {"", "127.0.0.1:80", "http://", 1},
        {"", "https://127.0.0.1/", "https", 1},
        {"", "http://", "host", 1},
        {"", "http://127.0.0.1:99999/", "99999", 1},
        {"", "http://127.0.0.1:0/", "port 0", 1},
        {"", "http://127.0.0.1:x/", "127.0.0.1:x", 1},
        {"", "http://[::1/", "[::1", 1},
        {"", "http://no-such-host.invalid/", "no-such-host.invalid", 1},
        {"", "http://user@127.0.0.1/", "user@", 1},
        {"", "http://127.0.0.1:1/a\tb", "%XX", 1},
        {"", "http://unix:", "socket", 1},
        {"", "http://127.0.0.1:1/{exp}", "{exp}", 1},
        {"", "http://127.0.0.1:1/{5ms", "{5ms", 1},
        {"-c 0", "http://127.0.0.1:1/", "--connections", 1},
        {"-t 4 -c 3", "http://127.0.0.1:1/", "--connections", 1},
        {"-d 5", "http://127.0.0.1:1/", "--duration", 1},
        {"-d 0s", "http://127.0.0.1:1/", "--duration", 1},
        {"-n 0", "http://127.0.0.1:1/", "--requests", 1},
        {"-R 0", "http://127.0.0.1:1/", "--rate", 1},
        {"-R -5", "http://127.0.0.1:1/", "--rate", 1},
        {"--arrivals often", "http://127.0.0.1:1/", "poisson", 1},
        {"-m get", "http://127.0.0.1:1/", "--method", 1},
        {"-H Broken", "http://127.0.0.1:1/", "Name: value", 1},
        {"-H Content-Length:5", "http://127.0.0.1:1/", "--body", 1},
        {"--backend-header a:b", "http://127.0.0.1:1/", "--backend-header", 1},
        {"--pin 100000", "http://127.0.0.1:1/", "--pin", 1},
        {"--pin zero", "http://127.0.0.1:1/", "--pin", 1},
        {"--no-such-option", "http://127.0.0.1:1/", "--no-such-option", 1},
        {"--format xml", "http://127.0.0.1:1/", "json", 1},
        {"--quiet -d 1s", "http://127.0.0.1:1/", "Connection refused", 2},
        {"--quiet -d 1s --requests-per-connection 1", "http://127.0.0.1:1/", "Connection refused", 2},
        {"--quiet -n 5 -R 1000", "http://127.0.0.1:1/", "Connection refused", 2},
        {"--quiet -d 1s", "http://unix:/no/such/socket:/", "No such file", 2},
        {"--quiet -d 1s --series /no/such/folder/s.csv", "http://127.0.0.1:1/", "/no/such/folder", 2},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct result result = program_run_url(rows[i].arguments, rows[i].url, "");
        const char *newline = strchr(result.err, '\n');
        if (result.status != rows[i].status || !strstr(result.err, rows[i].named) || !newline || newline[1] != '\0' || *result.out)
            fail_msg("%s %s: exit %d, stderr '%s', stdout '%s'", rows[i].arguments, rows[i].url, result.status, result.err,
                     result.out);
        json_decref(result.json);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_number),
        cmocka_unit_test(test_open_loop_number),
        cmocka_unit_test(test_open_loop_duration),
        cmocka_unit_test(test_requests_per_connection),
        cmocka_unit_test(test_warmup_is_left_out),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_request_as_asked),
        cmocka_unit_test(test_attribution),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_retry_idle),
        cmocka_unit_test(test_retry_is_the_same_request),
        cmocka_unit_test(test_retry_of_pipelined),
        cmocka_unit_test(test_bad_answers_are_suspect),
        cmocka_unit_test(test_failures_take_time),
        cmocka_unit_test(test_full_stdout),
        cmocka_unit_test(test_unfinished_and_unsent),
        cmocka_unit_test(test_stall_shows),
        cmocka_unit_test(test_server_goes_away),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_late_generator_is_invalid),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_json_keys),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_idle_close_in_text),
        cmocka_unit_test(test_retries_in_text),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_bad_input),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_loadgen PATH-OF-LOADGEN\n");
        return 1;
    }
    if (program_open(argv[1]) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() == 0 ? failed : 1;
}
