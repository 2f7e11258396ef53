/* The gates: which readings make a cell that is ranked, and the words for those that are not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpus.h"

#include "harness/judge.h"

static const char plan_text[] =
    "[experiment cost]\nstrategies = shared\nrequest = /hello\nduration = 1s\n"
    "[experiment queueing]\nstrategies = shared\nrequest = /block/{exp:5ms}\nload = 80 %\nworkers = 8\nduration = 1s\n"
    "[experiment faults]\nstrategies = shared\nrequest = /block/{exp:5ms}\nload = 100/s\nduration = 1s\nevents = at 100ms kill "
    "worker 0\n"
    "[experiment few]\nstrategies = shared\nrequest = /hello\nduration = 1s\nconnections = 64\n";

static struct plan plan;
static bool renewed; /* processes came and went under load */

static int read_plan(void **state)
{
    (void)state;
    char error[PLAN_ERROR_SIZE];
    return plan_parse(&plan, "p.ini", plan_text, error);
}

static int close_plan(void **state)
{
    (void)state;
    plan_close(&plan);
    return 0;
}

struct readings {
    const char *before, *after, *load;
    double cpu_ms;
    unsigned experiment;
};

static double front_ms; /* of cpu_ms, a peer's proxy's */

struct judged {
    struct window window;
    struct names notes;
    char *reason;
    bool generator;
};

static struct judged judge(const struct readings *readings)
{
    struct judged judged = {0};
    struct cell_plan cell = {.experiment = readings->experiment, .strategy = "shared", .workers = 2};
    struct tree_usage before = {.cpu_ns = 1000, .user_ns = 10, .system_ns = 10, .front_ns = 500},
                      after = {.cpu_ns = 1000 + (uint64_t)(readings->cpu_ms * 1e6),
                               .identity = renewed,
                               .front_ns = front_ms > 0 ? 500 + (uint64_t)(front_ms * 1e6) : 0,
                               .user_ns = 10 + (uint64_t)(readings->cpu_ms * 0.3e6),
                               .system_ns = 10 + (uint64_t)(readings->cpu_ms * 0.7e6)};
    json_t *status_before = json_loads(readings->before, 0, NULL), *status_after = json_loads(readings->after, 0, NULL),
           *load = json_loads(readings->load, 0, NULL);
    struct evidence evidence = {.plan = &plan,
                                .cell = &cell,
                                .before = &before,
                                .after = &after,
                                .status_before = status_before,
                                .status_after = status_after,
                                .load = load,
                                .generator_cpu_ns = 1000000,
                                .wall_ns = 1000000000};
    judge_window(&evidence, &judged.window);
    judged.reason = judge_cell(&evidence, &judged.window, &judged.notes, &judged.generator);
    json_decref(status_before);
    json_decref(status_after);
    json_decref(load);
    return judged;
}

static void drop(struct judged *judged)
{
    free(judged->reason);
    names_free(&judged->notes);
}

#define WORKER(role, requests, busy, planned)                                                                       \
    "{\"index\":0,\"role\":\"" role "\",\"counters\":{\"requests\":" #requests ",\"accepted\":4,\"busy_ns\":" #busy \
    ",\"busy_planned_ns\":" #planned "}}"
#define NOTHING   "{\"workers\":[" WORKER("worker", 0, 0, 0) "]}"
#define GOOD_LOAD "{\"requests\":{\"ok\":900,\"http_errors\":0},\"verdict\":\"VALID\"}"

/* Of answers that all come behind the end there is a latency, but no rate: a row of half its figures is none. */
static void test_nothing_within_the_measured_time(void **state)
{
    (void)state;
    const char *load = "{\"requests\":{\"ok\":4,\"lingered\":4},\"rate\":{\"achieved\":0},\"verdict\":\"VALID\"}";
    struct readings readings = {"null", "null", load, 1000, 0};
    struct judged judged = judge(&readings);
    assert_non_null(judged.reason);
    assert_non_null(strstr(judged.reason, "no request was answered within the measured time"));
    drop(&judged);
    readings.cpu_ms = 1;
    readings.experiment = 2; /* events may have stopped everybody */
    judged = judge(&readings);
    assert_null(judged.reason);
    drop(&judged);
}

static void test_connections_without_an_answer(void **state)
{
    (void)state;
    const char *some = "{\"requests\":{\"ok\":90},\"verdict\":\"VALID\",\"workers\":[{\"connections\":30},{\"connections\":33}]}",
               *all = "{\"requests\":{\"ok\":90},\"verdict\":\"VALID\",\"workers\":[{\"connections\":30},{\"connections\":34}]}";
    struct readings readings = {"null", "null", some, 1000, 3};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    assert_int_equal(judged.notes.count, 1);
    assert_non_null(strstr(judged.notes.items[0], "63 of 64 connections were answered"));
    drop(&judged);
    readings.load = all;
    judged = judge(&readings);
    assert_int_equal(judged.notes.count, 0);
    drop(&judged);
}

static void test_good_cell(void **state)
{
    (void)state;
    struct readings readings = {NOTHING, "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}", GOOD_LOAD, 1000, 0};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    assert_true(judged.window.by_server);
    assert_int_equal(judged.window.requests, 1000); /* warm-up included, as in the CPU time */
    assert_float_equal(judged.window.cpu_us_per_request, 1000, 1e-9);
    assert_float_equal(judged.window.user_us_per_request, 300, 1e-9);
    assert_float_equal(judged.window.system_us_per_request, 700, 1e-9);
    drop(&judged);
}

/* Ten ticks of a clock: who takes them for user or system time takes a guess for a figure. */
static void test_too_few_ticks_to_split(void **state)
{
    (void)state;
    struct readings readings = {NOTHING, "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}", GOOD_LOAD, 10, 0};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    assert_float_equal(judged.window.cpu_us_per_request, 10, 1e-9);
    assert_true(isnan(judged.window.user_us_per_request));
    assert_true(isnan(judged.window.system_us_per_request));
    drop(&judged);
}

#define SPENT(role, user, system) \
    "{\"role\":\"" role "\",\"cpu_user_us\":" #user ",\"cpu_system_us\":" #system ",\"counters\":{\"requests\":" #user "}}"

/* The part of the proxy is taken from the ticks of its processes and of the workers; too few of them tell nothing. */
static void test_the_proxys_part(void **state)
{
    (void)state;
    struct readings readings = {"{\"workers\":[" SPENT("front", 0, 100000) "," SPENT("worker", 0, 100000) "]}",
                                "{\"workers\":[" SPENT("front", 1000, 699000) "," SPENT("worker", 1000, 299000) "]}", GOOD_LOAD,
                                1000, 0};
    struct judged judged = judge(&readings);
    assert_float_equal(judged.window.cpu_us_per_request, 1000, 1e-9);
    assert_float_equal(judged.window.front_us_per_request, 750, 1e-9); /* 600 ms of 800 */
    drop(&judged);
    readings.after = "{\"workers\":[" SPENT("front", 1000, 149000) "," SPENT("worker", 1000, 109000) "]}";
    judged = judge(&readings);
    assert_true(isnan(judged.window.front_us_per_request));
    drop(&judged);
    readings = (struct readings){NOTHING, "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}", GOOD_LOAD, 1000, 0};
    judged = judge(&readings);
    assert_true(isnan(judged.window.front_us_per_request)); /* there is none */
    drop(&judged);
}

/* That of a peer is known to the nanosecond: its backends are processes that the harness started. */
static void test_the_part_of_a_peers_proxy(void **state)
{
    (void)state;
    const char *load = "{\"requests\":{\"ok\":100},\"verdict\":\"VALID\"}";
    struct readings readings = {"null", "null", load, 5, 0};
    front_ms = 2;
    struct judged judged = judge(&readings);
    front_ms = 0;
    assert_null(judged.reason);
    assert_float_equal(judged.window.cpu_us_per_request, 50, 1e-9);
    assert_float_equal(judged.window.front_us_per_request, 20, 1e-9);
    drop(&judged);
}

static void test_fronts_count_for_clients(void **state)
{
    (void)state;
    struct readings readings = {"{\"workers\":[" WORKER("front", 10, 0, 0) "," WORKER("worker", 10, 0, 0) "]}",
                                "{\"workers\":[" WORKER("front", 110, 0, 0) "," WORKER("worker", 310, 0, 0) "]}", GOOD_LOAD, 1, 0};
    struct judged judged = judge(&readings);
    assert_int_equal(judged.window.requests, 100);
    drop(&judged);
}

static void test_without_status(void **state)
{
    (void)state;
    struct readings readings = {"", "", GOOD_LOAD, 9, 0};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    assert_false(judged.window.by_server);
    assert_float_equal(judged.window.cpu_us_per_request, 10, 1e-9);
    drop(&judged);
}

/* The generator's count leaves the warm-up out, the CPU time does not. */
static void test_warmup_without_status(void **state)
{
    (void)state;
    struct readings readings = {"", "", "{\"requests\":{\"ok\":900,\"warmup\":300},\"verdict\":\"VALID\"}", 12, 0};
    struct judged judged = judge(&readings);
    assert_int_equal(judged.window.requests, 1200);
    assert_float_equal(judged.window.cpu_us_per_request, 10, 1e-9);
    drop(&judged);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char after[] = "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}";
    static const struct {
        struct readings readings;
        const char *reason;
    } cases[] = {
        {{NOTHING, after, "{\"requests\":{\"ok\":0}}", 1, 0}, "no request was answered"},
        {{NOTHING, NOTHING, GOOD_LOAD, 1, 0}, "the server counted no request"},
        {{NOTHING, after, "{\"requests\":{\"ok\":9,\"http_errors\":1,\"timed_out\":2}}", 1, 0},
         "requests failed: 1 http_errors, 2 timed_out"},
        {{NOTHING, after, "{\"requests\":{\"ok\":9},\"verdict\":\"INVALID\",\"reasons\":[\"late\",\"busy\"]}", 1, 0},
         "generator: INVALID: late; busy"},
        {{NOTHING, "{\"workers\":[" WORKER("worker", 1000, 1060, 1000) "]}", GOOD_LOAD, 1, 1},
         "blocked-worker emulation does not hold: sleeps took 6.0 % longer than asked (at most 5 %)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct judged judged = judge(&cases[i].readings);
        assert_non_null(judged.reason);
        assert_string_equal(judged.reason, cases[i].reason);
        assert_int_equal(judged.generator, strncmp(cases[i].reason, "generator", 9) == 0); /* only then another try is fair */
        drop(&judged);
    }
}

static void test_emulation_needs_half_the_machine(void **state)
{
    (void)state;
    struct readings readings = {NOTHING, "{\"workers\":[" WORKER("worker", 1000, 1000, 1000) "]}", GOOD_LOAD, 1e6, 1};
    struct judged judged = judge(&readings);
    assert_non_null(judged.reason);
    assert_non_null(strstr(judged.reason, "of the machine was in use (at most 50 %)"));
    drop(&judged);
    readings.experiment = 0; /* no emulation: as busy as it likes */
    judged = judge(&readings);
    assert_null(judged.reason);
    drop(&judged);
}

/* What ended took its CPU time and its counters along: what is left of both is no cost of a request. */
static void test_events_that_replace_workers(void **state)
{
    (void)state;
    static const char load[] = "{\"requests\":{\"ok\":900,\"warmup\":300}}";
    struct readings readings = {NOTHING, NOTHING, load, 100, 2};
    renewed = true;
    struct judged judged = judge(&readings);
    renewed = false;
    assert_null(judged.reason); /* that the new ones have counted nothing is not its fault */
    assert_false(judged.window.by_server);
    assert_int_equal(judged.window.requests, 1200);
    assert_float_equal(judged.window.cpu_us_per_request, 0, 0);
    drop(&judged);
    readings.after = "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}";
    judged = judge(&readings);
    assert_true(judged.window.by_server);
    assert_float_equal(judged.window.cpu_us_per_request, 100, 1e-9);
    drop(&judged);
}

static void test_less_cpu_time_than_before(void **state)
{
    (void)state;
    struct readings readings = {"", "", GOOD_LOAD, -0.0005, 0};
    struct judged judged = judge(&readings);
    assert_float_equal(judged.window.cpu_us, 0, 0);
    drop(&judged);
}

/* Half of what this process may use, not of what the machine has. */
static void test_emulation_on_some_of_the_cpus(void **state)
{
    (void)state;
    struct cpu_list all;
    assert_int_equal(cpus_allowed(&all), 0);
    assert_int_equal(cpus_pin(all.cpu[0]), 0);
    struct readings readings = {NOTHING, "{\"workers\":[" WORKER("worker", 1000, 1000, 1000) "]}", GOOD_LOAD, 700, 1};
    struct judged judged = judge(&readings);
    assert_int_equal(cpus_pin_list(&all), 0);
    assert_non_null(judged.reason);
    assert_non_null(strstr(judged.reason, "of the machine was in use (at most 50 %)"));
    drop(&judged);
}

/* Events cost requests, and workers that are stopped in their sleep oversleep: results. A generator that was late by itself is
 * none. */
static void test_events_may_lose_requests(void **state)
{
    (void)state;
    struct readings readings = {
        NOTHING, "{\"workers\":[" WORKER("worker", 1000, 1500, 1000) "]}",
        "{\"requests\":{\"ok\":9,\"socket_errors\":7,\"timed_out\":1},\"verdict\":\"INVALID\",\"reasons\":[\"x\"],"
        "\"own_lag_us\":{\"p99\":1900},\"response_time_us\":{\"p50\":40000}}",
        1, 2};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    drop(&judged);
    readings.load = "{\"requests\":{\"ok\":9},\"own_lag_us\":{\"p99\":2100},\"response_time_us\":{\"p50\":40000}}";
    judged = judge(&readings);
    assert_string_equal(judged.reason, "generator: it sent late by itself, p99 2.1 ms, allowed 2.0 ms");
    assert_true(judged.generator);
    drop(&judged);
    readings.load = "{\"requests\":{\"ok\":9},\"cpu_busiest_thread\":0.81}";
    judged = judge(&readings);
    assert_string_equal(judged.reason, "generator: its busiest thread used 81 % of a CPU, allowed 80 %");
    assert_true(judged.generator);
    drop(&judged);
    readings.load = "{\"requests\":{\"ok\":9},\"cpu_busiest_thread\":0.79}";
    judged = judge(&readings);
    assert_null(judged.reason);
    drop(&judged);
}

static void test_suspect_is_a_note(void **state)
{
    (void)state;
    struct readings readings = {NOTHING, "{\"workers\":[" WORKER("worker", 1000, 0, 0) "]}",
                                "{\"requests\":{\"ok\":9},\"verdict\":\"SUSPECT\",\"reasons\":[\"hm\"]}", 1, 0};
    struct judged judged = judge(&readings);
    assert_null(judged.reason);
    assert_true(names_hold(&judged.notes, "generator: SUSPECT: hm"));
    drop(&judged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_within_the_measured_time),
        cmocka_unit_test(test_connections_without_an_answer),
        cmocka_unit_test(test_good_cell),
        cmocka_unit_test(test_too_few_ticks_to_split),
        cmocka_unit_test(test_the_proxys_part),
        cmocka_unit_test(test_the_part_of_a_peers_proxy),
        cmocka_unit_test(test_fronts_count_for_clients),
        cmocka_unit_test(test_without_status),
        cmocka_unit_test(test_warmup_without_status),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_emulation_needs_half_the_machine),
        cmocka_unit_test(test_emulation_on_some_of_the_cpus),
        cmocka_unit_test(test_events_that_replace_workers),
        cmocka_unit_test(test_less_cpu_time_than_before),
        cmocka_unit_test(test_events_may_lose_requests),
        cmocka_unit_test(test_suspect_is_a_note),
    };
    return cmocka_run_group_tests(tests, read_plan, close_plan);
}
