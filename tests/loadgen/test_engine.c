/*
 * How load is put on: pipelining, dispatch, connections, what happens at the end. The scripted server says what really happened.
 *
 * usage: test_engine PATH-OF-LOADGEN
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Starts a server, runs the program to its end, stops the server. */
static struct result run(struct script_server *server, const char *arguments, const char *path)
{
    script_server_start(server, "127.0.0.1:0");
    struct result result = program_run(server, arguments, path);
    script_server_stop(server);
    report_expect_identity(&result);
    return result;
}

static void expect_count(const struct result *result, const char *path, uint64_t expected)
{
    if (report_number(result, path) != expected)
        fail_msg("%s is not %llu: %s", path, (unsigned long long)expected, result->out);
}

static int64_t rusage_ms(const struct rusage *usage)
{
    return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

/* ---- pipelining ---- */

/* Eight requests are written at once and eight answers, which come in one segment, are answered by one write again. */
static void test_pipeline_is_batched(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -n 800 --pipeline 8", "/ok");
    expect_count(&result, "requests/ok", 800);
    expect_count(&result, "response_time_us/count", 800);
    assert_int_equal(server.requests, 800);
    assert_int_equal(server.connections, 1);
    assert_in_range(server.reads, 100, 110); /* a read may come in the middle of a write */
    program_finish(&server, &result);
}

static void test_pipeline_keeps_order(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -n 500 --pipeline 5", "/ok/{seq}");
    for (unsigned i = 0; i < 500; i++) {
        char target[SCRIPT_TARGET_SIZE];
        snprintf(target, sizeof(target), "/ok/%u", i);
        assert_string_equal(server.targets[i], target);
    }
    program_finish(&server, &result);
}

static void test_pipeline_counts(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path;
    } rows[] = {
        {"-t 2 -c 3 -n 1000 --pipeline 7", "/ok"},
        {"-c 2 -n 300 --pipeline 4 -m HEAD", "/ok"},
        {"-c 2 -n 100 --pipeline 4", "/chunked"},
        {"-c 2 -n 60 --pipeline 4", "/pieces"},
        {"-c 2 -n 300 --pipeline 4", "/interim"},
        {"-c 2 -n 300 --pipeline 1024", "/ok"},
        {"-c 2 -n 300 --pipeline 4 -R 20000", "/ok"},
        {"-c 2 -n 300 --pipeline 4 -R 20000 --dispatch pinned", "/ok"},
        {"-c 2 -n 300 --pipeline 4 --requests-per-connection 7", "/ok"},
        {"-c 2 -n 300 --pipeline 4 --requests-per-connection geometric:3 -R 20000", "/ok"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct script_server server;
        struct result result = run(&server, rows[i].arguments, rows[i].path);
        uint64_t planned = report_number(&result, "requests/planned");
        if (report_number(&result, "requests/ok") != planned || server.requests != planned)
            fail_msg("%s %s: the server saw %u: %s", rows[i].arguments, rows[i].path, server.requests, result.out);
        program_finish(&server, &result);
    }
}

/* Each connection answers three requests; those written behind them are never answered. */
static void test_early_close(void **state)
{
    (void)state;
    static const char *const paths[] = {"/third", "/drop-third"};
    for (unsigned i = 0; i < LENGTH_OF(paths); i++) {
        struct script_server server;
        struct result result = run(&server, "-c 1 -n 64 --pipeline 8", paths[i]);
        uint64_t ok = report_number(&result, "requests/ok"), lost = report_number(&result, "requests/socket_errors");
        assert_int_equal(ok + lost, 64);
        assert_int_equal(ok % 3, 0);
        assert_int_equal(ok, server.requests);
        uint64_t ends = report_number(&result, "errors/read") + report_number(&result, "errors/write");
        if (ends == 0 || ends > server.connections || lost > 8 * ends || lost < 5 * (ends - 1))
            fail_msg("%s: %u connections, %s", paths[i], server.connections, result.out);
        uint64_t blamed = 0;
        for (unsigned worker = 0; worker < SCRIPT_WORKERS; worker++) {
            char id[8];
            snprintf(id, sizeof(id), "%u", worker);
            blamed += report_worker_number(&result, id, "errors");
        }
        assert_int_equal(blamed, lost);
        program_finish(&server, &result);
    }
}

/* Written to while it closes: what it had answered by then is not lost. */
static void test_answers_before_a_close(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 4 -n 8000 --pipeline 8 -R 30000", "/third");
    expect_count(&result, "requests/ok", server.requests);
    assert_int_equal(report_number(&result, "requests/ok") + report_number(&result, "requests/socket_errors"), 8000);
    program_finish(&server, &result);
}

/* The server does not read the body to its end: its answer arrives with a reset behind it, while there is more to write. */
static void test_answer_before_the_body(void **state)
{
    (void)state;
    char path[128], arguments[256];
    struct script_server server;
    snprintf(path, sizeof(path), "%s/body", program_folder());
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(ftruncate(fileno(out), 20 * 1024 * 1024), 0);
    assert_int_equal(fclose(out), 0);
    snprintf(arguments, sizeof(arguments), "-c 2 -n 20 --body-file %s", path);
    struct result result = run(&server, arguments, "/refuse");
    assert_int_equal(unlink(path), 0);
    expect_count(&result, "status/413", 20);
    expect_count(&result, "requests/socket_errors", 0);
    program_finish(&server, &result);
}

/* Every request has its own time-out, also those that wait behind another. */
static void test_pipelined_timeouts(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-c 1 -n 8 --pipeline 4 --timeout 100ms", "-c 1 -n 8 --pipeline 4 --timeout 100ms -R 100", /* one after the other */
    };
    for (unsigned i = 0; i < LENGTH_OF(arguments); i++) {
        struct script_server server;
        struct result result = run(&server, arguments[i], "/silent");
        expect_count(&result, "requests/timed_out", 8);
        expect_count(&result, "errors/timeout", 2); /* connections given up */
        expect_count(&result, "censored", 8);
        program_finish(&server, &result);
    }
}

/* ---- clocks ---- */

/* Each last byte comes at least 20 ms after the first. */
static void test_first_byte(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -n 10", "/halves/100");
    expect_count(&result, "first_byte_us/count", 10);
    double first = json_number_value(report_find(&result, "first_byte_us/mean"));
    double last = json_number_value(report_find(&result, "service_time_us/mean"));
    if (last - first < 50000) /* half of it: on a busy machine the first half may be read late */
        fail_msg("first byte %.0f us, last %.0f us", first, last);
    program_finish(&server, &result);
}

static void test_first_byte_with_the_last(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -n 10", "/ok");
    expect_count(&result, "first_byte_us/count", 10);
    assert_true(json_equal(report_find(&result, "first_byte_us"), report_find(&result, "service_time_us")));
    program_finish(&server, &result);
}

/* ---- the end ---- */

static void test_linger(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -d 100ms --linger 30s", "/slow/300");
    expect_count(&result, "requests/planned", 1);
    expect_count(&result, "requests/ok", 1);
    expect_count(&result, "requests/lingered", 1);
    expect_count(&result, "response_time_us/count", 1);
    assert_true(report_number(&result, "response_time_us/max") >= 300000);
    assert_true(json_number_value(report_find(&result, "duration_s")) < 0.2);
    assert_true(json_number_value(report_find(&result, "rate/achieved")) < 0.001); /* nothing came before the end */
    program_finish(&server, &result);
}

/* The first request is sent in the warm-up and answered behind it, the second is answered behind the end: one answer came in
 * between. */
static void test_answers_carried_over(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 --warmup 100ms -d 1500ms --linger 30s", "/slow/1000");
    expect_count(&result, "requests/planned", 1);
    expect_count(&result, "requests/lingered", 1);
    expect_count(&result, "requests/warmup", 1);
    expect_count(&result, "requests/carried", 1);
    expect_count(&result, "response_time_us/count", 1);
    assert_float_equal(
        json_number_value(report_find(&result, "rate/achieved")) * json_number_value(report_find(&result, "duration_s")), 1, 1e-3);
    program_finish(&server, &result);
}

/* A bound for each: in flight since the start; planned every 10 ms from then on. */
static void test_unfinished_is_censored(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -R 100 -d 200ms --linger 0", "/silent");
    expect_count(&result, "requests/unfinished", 1);
    expect_count(&result, "requests/unsent", 19);
    expect_count(&result, "censored", 20);
    expect_count(&result, "response_time_us/count", 20);
    expect_count(&result, "service_time_us/count", 1);
    assert_in_range(report_number(&result, "response_time_us/max"), 199000, 201000);
    assert_in_range(report_number(&result, "response_time_us/min"), 9000, 11000);
    program_finish(&server, &result);
}

static void test_linger_ends_in_time(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 3 -d 200ms --linger 100ms", "/silent");
    expect_count(&result, "requests/unfinished", 3);
    assert_true(report_number(&result, "response_time_us/max") >= 299000); /* waited for, to the end of the linger */
    program_finish(&server, &result);
}

/* What is sent while the end comes has been waited for no time at all, and not since the beginning of time. */
static void test_sent_at_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct script_server server;
        struct result result = run(&server, "-c 64 -d 20ms --linger 0 --requests-per-connection 1", "/ok");
        assert_true(report_number(&result, "service_time_us/max") <= report_number(&result, "response_time_us/max"));
        program_finish(&server, &result);
    }
}

static void test_interrupt_does_not_linger(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct running running = program_begin("--format json -c 2 -d 600s --linger 600s", server.url, "/silent");
    while (server.requests < 2)
        sched_yield();
    assert_int_equal(kill(running.pid, SIGINT), 0);
    struct result result = program_await(&running);
    script_server_stop(&server);
    assert_int_equal(result.status, 130);
    assert_non_null(result.json);
    expect_count(&result, "requests/unfinished", 2);
    expect_count(&result, "censored", 2);
    report_expect_identity(&result);
    program_finish(&server, &result);
}

/* ---- dispatch ---- */

/* Plans `gap_ms` apart, the last one long before the end of a run of a second: also a generator that is late sends them all. */
static void write_trace(char path[128], unsigned count, unsigned gap_ms)
{
    snprintf(path, 128, "%s/trace", program_folder());
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%ums\n", i * gap_ms);
    assert_int_equal(fclose(out), 0);
}

static struct result run_trace(struct script_server *server, const char *arguments, unsigned count, unsigned gap_ms,
                               const char *path)
{
    char trace[128], all[512];
    write_trace(trace, count, gap_ms);
    snprintf(all, sizeof(all), "-d 1s --arrivals trace:%s %s", trace, arguments);
    struct result result = run(server, all, path);
    assert_int_equal(unlink(trace), 0);
    expect_count(&result, "requests/planned", count);
    return result;
}

static void test_pinned_shares_evenly(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-c 4 -R 2000 -n 202 --dispatch pinned", "-t 2 -c 4 -R 2000 -n 202 --dispatch pinned"};
    for (unsigned i = 0; i < LENGTH_OF(arguments); i++) {
        struct script_server server;
        unsigned sum = 0;
        struct result result = run(&server, arguments[i], "/ok");
        expect_count(&result, "requests/ok", 202);
        expect_count(&result, "send_lag_us/count", 202);
        for (unsigned worker = 0; worker < SCRIPT_WORKERS; worker++) {
            assert_in_range(server.worker_requests[worker], 50, 51);
            sum += server.worker_requests[worker];
        }
        assert_int_equal(sum, 202);
        program_finish(&server, &result);
    }
}

/* One of four connections is never answered. Pinned, a quarter of the plans is its; else the others take over. */
static void test_hung_connection(void **state)
{
    (void)state;
    static const struct {
        const char *dispatch;
        unsigned ok, unfinished, unsent;
    } rows[] = {{"pinned", 30, 1, 9}, {"idle", 39, 1, 0}, {"open", 39, 1, 0}};
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct script_server server;
        char arguments[128];
        snprintf(arguments, sizeof(arguments), "-c 4 --linger 30ms --dispatch %s", rows[i].dispatch);
        struct result result = run_trace(&server, arguments, 40, 5, "/hang-first");
        expect_count(&result, "requests/unfinished", rows[i].unfinished);
        expect_count(&result, "requests/unsent", rows[i].unsent);
        expect_count(&result, "requests/ok", rows[i].ok);
        program_finish(&server, &result);
    }
}

static void test_open_opens_more(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        unsigned connections, unsent;
    } rows[] = {
        {"-c 1 --linger 10ms --dispatch open --connections-max 7", 7, 43},
        {"-c 1 --linger 10ms --dispatch open --connections-max 99", 50, 0},
        {"-c 2 --linger 10ms --dispatch open --connections-max 4 --pipeline 3", 4, 38},
        {"-c 2 --linger 10ms", 2, 48},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct script_server server;
        struct result result = run_trace(&server, rows[i].arguments, 50, 1, "/silent");
        expect_count(&result, "requests/unsent", rows[i].unsent);
        assert_int_equal(server.connections, rows[i].connections);
        program_finish(&server, &result);
    }
}

/* What the warm-up could not send is dropped: the measurement plans its own ten, and nothing of what was before counts. */
static void test_backlog_of_the_warmup(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -R 100 --warmup 300ms -d 100ms --linger 10ms", "/silent");
    expect_count(&result, "requests/planned", 10);
    expect_count(&result, "requests/unsent", 10);
    expect_count(&result, "requests/unfinished", 0);
    expect_count(&result, "censored", 10);
    assert_true(report_number(&result, "response_time_us/max") <= 101000);
    program_finish(&server, &result);
}

/* Answers to the warm-up are counted, apart. */
static void test_answers_to_the_warmup(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 1 -R 100 --warmup 300ms -d 100ms", "/ok");
    expect_count(&result, "requests/planned", 10);
    assert_in_range((unsigned)report_number(&result, "requests/warmup"), 1, 30);
    program_finish(&server, &result);
    result = run(&server, "-c 1 -R 100 -d 100ms", "/ok");
    expect_count(&result, "requests/warmup", 0);
    program_finish(&server, &result);
}

/* A server too slow for its load: what waits, waits for it, and the generator does not call itself late. */
static void test_lag_of_the_server(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-c 2 -R 100 -d 800ms",
        "-c 2 -R 100 -d 800ms --dispatch pinned",
        "-c 2 -R 100 -d 800ms --dispatch pinned --pipeline 2",
        "-c 2 -R 100 -d 800ms --dispatch pinned --requests-per-connection 1",
        "-c 2 -R 100 -d 800ms --dispatch open --connections-max 3",
    };
    for (unsigned i = 0; i < LENGTH_OF(arguments); i++) {
        struct script_server server;
        struct result result = run(&server, arguments[i], "/slow/20");
        if (4 * report_number(&result, "own_lag_us/p75") > report_number(&result, "send_lag_us/p75"))
            fail_msg("%s: %s", arguments[i], result.out);
        program_finish(&server, &result);
    }
}

/* Ten a second may connect: the last is sent nearly a second late, though its connection was free. */
static void test_lag_of_connecting(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-c 10 -R 1000 -n 10 --requests-per-connection 1 --connect-rate 10",
        "-c 10 -R 1000 -n 10 --requests-per-connection 1 --connect-rate 10 --dispatch pinned",
    };
    for (unsigned i = 0; i < LENGTH_OF(arguments); i++) {
        struct script_server server;
        struct result result = run(&server, arguments[i], "/ok");
        expect_count(&result, "requests/ok", 10);
        expect_count(&result, "send_lag_us/count", 10);
        assert_true(report_number(&result, "send_lag_us/max") > 800000);
        assert_true(report_number(&result, "own_lag_us/p50") < 100000);
        program_finish(&server, &result);
    }
}

/* A connection that had to wait for its turn to connect has room for more than what it was opened for. */
static void test_room_behind_a_turn(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server,
                               "-c 2 -R 20 -d 1s --linger 0 --pipeline 4 --dispatch pinned --requests-per-connection 100 "
                               "--connect-rate 10",
                               "/silent");
    assert_int_equal(server.connections, 2);
    assert_int_equal(server.requests, 8);
    program_finish(&server, &result);
}

/* The thread with one connection has nothing to do for half a second, and does nothing, while the other opens its second. */
static void test_waiting_to_begin_is_idle(void **state)
{
    (void)state;
    struct script_server server;
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &before), 0);
    struct result result = run(&server, "-t 2 -c 3 -n 3 --connect-rate 2 --timeout 50ms", "/ok");
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &after), 0);
    expect_count(&result, "requests/ok", 3);
    assert_true(rusage_ms(&after) - rusage_ms(&before) < 200);
    program_finish(&server, &result);
}

static void test_spin(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 4 -R 1000 -n 100 --spin 200us", "/ok");
    expect_count(&result, "requests/ok", 100);
    program_finish(&server, &result);
}

/* ---- connections ---- */

/* The k-th connect of a thread comes no sooner than k-1 gaps after its first. */
static void test_connect_rate(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "-c 20 -n 20 --connect-rate 100",
        "-t 2 -c 20 -n 20 --connect-rate 100",
        "-c 5 -n 20 --connect-rate 100 --requests-per-connection 1",
        "-c 5 -n 20 --connect-rate 100 --requests-per-connection 1 -R 1000",
    };
    for (unsigned i = 0; i < LENGTH_OF(arguments); i++) {
        struct script_server server;
        uint64_t began = clock_now_ns();
        struct result result = run(&server, arguments[i], "/ok");
        expect_count(&result, "requests/ok", 20);
        assert_int_equal(server.connections, 20);
        assert_true(clock_now_ns() - began >= 160 * CLOCK_NS_PER_MS);
        program_finish(&server, &result);
    }
}

static unsigned count_peers(const struct script_server *server, const char *address)
{
    unsigned count = 0;
    char text[NET_TEXT_SIZE];
    for (unsigned i = 0; i < server->connections; i++)
        count += strcmp(net_format_address(&server->peers[i], false, text), address) == 0;
    return count;
}

static void test_source_addresses(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-t 2 -c 10 -n 100 --source 127.0.0.254-127.0.1.2", "/ok");
    assert_int_equal(server.connections, 10);
    static const char *const addresses[] = {"127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1", "127.0.1.2"};
    for (unsigned i = 0; i < LENGTH_OF(addresses); i++)
        assert_int_equal(count_peers(&server, addresses[i]), 2);
    program_finish(&server, &result);
}

static void test_source_ipv6(void **state)
{
    (void)state;
    struct script_server server;
    if (access("/proc/net/if_inet6", R_OK) != 0)
        skip();
    script_server_start(&server, "[::1]:0");
    struct result result = program_run(&server, "-c 2 -n 10 --source ::1", "/ok");
    script_server_stop(&server);
    expect_count(&result, "requests/ok", 10);
    assert_int_equal(count_peers(&server, "::1"), 2);
    program_finish(&server, &result);
}

static void test_source_that_is_not_ours(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 2 -n 4 --source 192.0.2.1 --requests-per-connection 1", "/ok");
    expect_count(&result, "requests/socket_errors", 4);
    expect_count(&result, "errors/local", 4);
    expect_count(&result, "errors/connect", 0);
    program_finish(&server, &result);
}

static int compare_ports(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

#define PORTS 32

static void run_ports(const char *arguments, uint16_t ports[PORTS])
{
    struct script_server server;
    struct result result = run(&server, arguments, "/ok");
    expect_count(&result, "requests/ok", 64);
    assert_int_equal(server.connections, PORTS);
    for (unsigned i = 0; i < PORTS; i++)
        ports[i] = net_port(&server.peers[i]);
    qsort(ports, PORTS, sizeof(*ports), compare_ports);
    program_finish(&server, &result);
}

static unsigned count_common(const uint16_t one[PORTS], const uint16_t two[PORTS])
{
    unsigned common = 0;
    for (unsigned i = 0; i < PORTS; i++)
        common += bsearch(&one[i], two, PORTS, sizeof(*two), compare_ports) != NULL;
    return common;
}

/* But for ports that somebody else happened to have in one of the runs. */
static void test_seeded_ports(void **state)
{
    (void)state;
    uint16_t one[PORTS], same[PORTS], other[PORTS];
    run_ports("-c 32 -n 64 --source-ports seeded --seed 11", one);
    run_ports("-c 32 -n 64 --source-ports seeded --seed 11", same);
    run_ports("-c 32 -n 64 --source-ports seeded --seed 12 --source 127.0.0.3", other);
    assert_in_range(count_common(one, same), PORTS - 4, PORTS);
    assert_in_range(count_common(one, other), 0, PORTS / 4);
}

static void test_geometric_lives(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 4 -n 2000 --requests-per-connection geometric:4 --seed 3", "/ok");
    expect_count(&result, "requests/ok", 2000);
    expect_count(&result, "connect_time_us/count", server.connections);
    assert_in_range(server.connections, 420, 580); /* 500 expected, standard deviation 19 */
    assert_in_range(server.closes_seen, server.connections - 4, server.connections);
    program_finish(&server, &result);
}

/* Ten requests on one of the two connections at least, so nine pauses. */
static void test_think(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *path;
    } rows[] = {
        {"-c 2 -n 20 --think 20ms", "/ok"},
        {"-c 2 -n 20 --think 20ms", "/until-close"},
        {"-c 2 -n 20 --think 20ms --requests-per-connection 1", "/ok"},
        {"-c 2 -n 40 --think 20ms --pipeline 2", "/ok"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct script_server server;
        struct result result = run(&server, rows[i].arguments, rows[i].path);
        assert_true(json_number_value(report_find(&result, "duration_s")) >= 9 * 0.020);
        assert_int_equal(report_number(&result, "requests/ok"), server.requests);
        program_finish(&server, &result);
    }
}

/* ---- what is this side's own ---- */

static int connect_until_full(const struct net_address *address, int *fds, int most)
{
    bool in_progress;
    int count = 0, fd = 0;
    while (count < most && (fd = net_connect_start(address, NULL, &in_progress)) >= 0)
        fds[count++] = fd;
    assert_int_equal(fd, -EAGAIN);
    return count;
}

/* The backlog is full before the program begins, and is emptied after a while: no error, only a wait. */
static void test_full_backlog(void **state)
{
    (void)state;
    char text[128];
    struct net_address address;
    struct script_server server;
    int fds[64];
    snprintf(text, sizeof(text), "unix:%s/backlog", program_folder());
    assert_int_equal(net_parse_address(text, &address), 0);
    int listener = net_listen(&address, 0, 1);
    assert_true(listener >= 0);
    int count = connect_until_full(&address, fds, 64);
    char url[NET_TEXT_SIZE];
    struct running running = program_begin("--format json -c 8 -n 80", net_format_url(&address, url), "/ok");
    clock_sleep_until_ns(clock_now_ns() + 100 * CLOCK_NS_PER_MS); /* the disturbance, not a wait for something */
    script_server_adopt(&server, listener);
    struct result result = program_await(&running);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    script_server_stop(&server);
    assert_non_null(result.json);
    expect_count(&result, "requests/ok", 80);
    expect_count(&result, "errors/connect", 0);
    expect_count(&result, "errors/local", 0);
    expect_count(&result, "connect_time_us/count", 8);
    unlink(text + strlen("unix:"));
    program_finish(&server, &result);
}

/* Nobody ever empties it: the connects time out, and are the server's. */
static void test_backlog_full_for_good(void **state)
{
    (void)state;
    char text[128], url[NET_TEXT_SIZE];
    struct net_address address;
    int fds[64];
    snprintf(text, sizeof(text), "unix:%s/full", program_folder());
    assert_int_equal(net_parse_address(text, &address), 0);
    int listener = net_listen(&address, 0, 1);
    assert_true(listener >= 0);
    int count = connect_until_full(&address, fds, 64);
    struct result result =
        program_run_url("--format json -c 2 -n 4 --timeout 50ms --requests-per-connection 1", net_format_url(&address, url), "/ok");
    for (int i = 0; i < count; i++)
        close(fds[i]);
    close(listener);
    unlink(text + strlen("unix:"));
    assert_non_null(result.json);
    expect_count(&result, "requests/timed_out", 4);
    expect_count(&result, "errors/timeout", 4);
    json_decref(result.json);
}

#define DESCRIPTORS 160

/* The program is begun with so many descriptors open that it cannot have as many connections as it was promised. */
static pid_t begin_without_descriptors(const char *arguments, const char *url, int out, int err)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
    int fd = STDERR_FILENO, left = 0;
    while (fd >= 0 && fd < DESCRIPTORS - 40)
        fd = dup(STDIN_FILENO);
    left = setrlimit(RLIMIT_NOFILE, &limit);
    pid_t program = left == 0 ? program_start(arguments, url, "/ok", out, err) : -1;
    int status;
    _exit(program > 0 && waitpid(program, &status, 0) == program && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static void test_no_descriptors_left(void **state)
{
    (void)state;
    struct script_server server;
    script_server_start(&server, "127.0.0.1:0");
    struct running running = {.out = program_capture("out"), .err = program_capture("err")};
    running.pid = begin_without_descriptors("--format json -c 60 -n 400 --requests-per-connection 1 --seed 1", server.url,
                                            running.out, running.err);
    struct result result = program_await(&running);
    script_server_stop(&server);
    if (!result.json)
        fail_msg("%s%s", result.out, result.err);
    assert_true(report_number(&result, "errors/local") > 0);
    assert_true(report_number(&result, "requests/ok") > 0);
    assert_int_equal(report_number(&result, "errors/local"), report_number(&result, "requests/socket_errors"));
    expect_count(&result, "errors/connect", 0);
    report_expect_identity(&result);
    program_finish(&server, &result);
}

/* ---- what is sent, and what must come back ---- */

static unsigned count_targets(const struct script_server *server, const char *target)
{
    unsigned count = 0;
    for (unsigned i = 0; i < server->requests; i++)
        count += strcmp(server->targets[i], target) == 0;
    return count;
}

/* Requests of a kind, as reported. */
static uint64_t kind_number(const struct result *result, const char *name, const char *key)
{
    size_t i;
    json_t *kind;
    json_array_foreach(report_find(result, "kinds"), i, kind)
    {
        if (strcmp(json_string_value(json_object_get(kind, "name")), name) == 0)
            return (uint64_t)json_integer_value(json_object_get(kind, key));
    }
    fail_msg("no kind '%s': %s", name, result->out);
    return 0;
}

/* Kinds by weight, one without bodies, one that has to be a 404; three in flight on a connection know what they are. */
static void test_mix(void **state)
{
    (void)state;
    static const char text[] = "[plain]\nweight = 3\npath = /ok\n[head]\nmethod = HEAD\npath = /chunked\n"
                               "[missing]\npath = /status/404\ncheck = status=404\n[wrong]\npath = /status/200\ncheck = length=4\n";
    char path[128], arguments[256];
    snprintf(path, sizeof(path), "%s/mix.ini", program_folder());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    snprintf(arguments, sizeof(arguments), "-c 4 -n 1200 --pipeline 3 --seed 5 --mix %s", path);
    struct script_server server;
    struct result result = run(&server, arguments, "/");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(kind_number(&result, "plain", "requests"), count_targets(&server, "/ok"));
    assert_int_equal(kind_number(&result, "head", "requests"), count_targets(&server, "/chunked"));
    assert_int_equal(kind_number(&result, "missing", "requests"), count_targets(&server, "/status/404"));
    assert_int_equal(kind_number(&result, "missing", "not_ok"), 0);
    uint64_t wrong = kind_number(&result, "wrong", "requests");
    assert_int_equal(kind_number(&result, "wrong", "not_ok"), wrong);
    assert_in_range(count_targets(&server, "/ok"), 500, 700); /* half of them, give or take six deviations */
    assert_in_range(wrong, 100, 300);
    expect_count(&result, "requests/http_errors", wrong);
    expect_count(&result, "check_failed/length", wrong);
    expect_count(&result, "requests/ok", 1200 - wrong);
    program_finish(&server, &result);
}

/* An answer that is not what it must be is an http error, whatever its status. */
static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *check, *failed; /* NULL: it holds */
    } rows[] = {
        {"status=2xx", NULL},      {"contains=ell", NULL},      {"length=5", NULL},           {"crc32=3610a686", NULL},
        {"header=x-worker", NULL}, {"status=201", "status"},    {"contains=lle", "contains"}, {"length=6", "length"},
        {"crc32=0", "crc32"},      {"header=Server", "header"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        char arguments[128], name[64];
        struct script_server server;
        snprintf(arguments, sizeof(arguments), "-c 2 -n 10 --check %s", rows[i].check);
        struct result result = run(&server, arguments, "/pieces");
        expect_count(&result, "status/200", 10);
        expect_count(&result, "requests/ok", rows[i].failed ? 0 : 10);
        snprintf(name, sizeof(name), "check_failed/%s", rows[i].failed ? rows[i].failed : "status");
        expect_count(&result, name, rows[i].failed ? 10 : 0);
        program_finish(&server, &result);
    }
}

/* What a connection was given it says again, also once it has been opened anew; another one has its own. */
static void test_cookies(void **state)
{
    (void)state;
    struct script_server server;
    struct result result = run(&server, "-c 2 -n 12 --cookies --requests-per-connection 2 --think 1ms", "/cookie");
    expect_count(&result, "requests/ok", 12);
    assert_int_equal(server.connections, 6);
    assert_int_equal(server.cookies_seen, 10);
    program_finish(&server, &result);
    result = run(&server, "-c 2 -n 12", "/cookie");
    assert_int_equal(server.cookies_seen, 0);
    program_finish(&server, &result);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_is_batched),
        cmocka_unit_test(test_pipeline_keeps_order),
        cmocka_unit_test(test_pipeline_counts),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_answers_before_a_close),
        cmocka_unit_test(test_answer_before_the_body),
        cmocka_unit_test(test_pipelined_timeouts),
        cmocka_unit_test(test_first_byte),
        cmocka_unit_test(test_first_byte_with_the_last),
        cmocka_unit_test(test_linger),
        cmocka_unit_test(test_answers_carried_over),
        cmocka_unit_test(test_unfinished_is_censored),
        cmocka_unit_test(test_linger_ends_in_time),
        cmocka_unit_test(test_sent_at_the_end),
        cmocka_unit_test(test_interrupt_does_not_linger),
        cmocka_unit_test(test_pinned_shares_evenly),
        cmocka_unit_test(test_hung_connection),
        cmocka_unit_test(test_open_opens_more),
        cmocka_unit_test(test_backlog_of_the_warmup),
        cmocka_unit_test(test_answers_to_the_warmup),
        cmocka_unit_test(test_lag_of_the_server),
        cmocka_unit_test(test_lag_of_connecting),
        cmocka_unit_test(test_room_behind_a_turn),
        cmocka_unit_test(test_waiting_to_begin_is_idle),
        cmocka_unit_test(test_spin),
        cmocka_unit_test(test_connect_rate),
        cmocka_unit_test(test_source_addresses),
        cmocka_unit_test(test_source_ipv6),
        cmocka_unit_test(test_source_that_is_not_ours),
        cmocka_unit_test(test_seeded_ports),
        cmocka_unit_test(test_geometric_lives),
        cmocka_unit_test(test_think),
        cmocka_unit_test(test_full_backlog),
        cmocka_unit_test(test_backlog_full_for_good),
        cmocka_unit_test(test_no_descriptors_left),
        cmocka_unit_test(test_mix),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_cookies),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_engine PATH-OF-LOADGEN\n");
        return 1;
    }
    if (program_open(argv[1]) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() == 0 ? failed : 1;
}
