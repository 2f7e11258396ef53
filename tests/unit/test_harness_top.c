/*
 * What `top` reads from /status and shows of it.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "harness/top_view.h"

/* ---- short forms ---- */

static void short_forms(void **state)
{
    (void)state;
    static const struct {
        char *(*print)(double value, char *text);
        double value;
        const char *wanted;
    } rows[] = {
        {top_print_time, 0, "0.0us"},
        {top_print_time, 1900, "1.9us"},
        {top_print_time, 9949, "9.9us"},
        {top_print_time, 9950, "10us"},
        {top_print_time, 999499, "999us"},
        {top_print_time, 999500, "1.0ms"},
        {top_print_time, 5.3e6, "5.3ms"},
        {top_print_time, 1.2e9, "1.2s"},
        {top_print_time, 99e9, "99s"},
        {top_print_time, 123e9, "2m03s"},
        {top_print_duration, 0, "0s"},
        {top_print_duration, 59.9, "59s"},
        {top_print_duration, 60, "1m00s"},
        {top_print_duration, 3599, "59m59s"},
        {top_print_duration, 3600, "1h00m"},
        {top_print_duration, 86399, "23h59m"},
        {top_print_duration, 86400, "1d00h"},
        {top_print_duration, 400 * 86400.0 + 7200, "400d02h"},
        {top_print_duration, -1, "0s"},
        {top_print_size, 0, "0.0KB"},
        {top_print_size, 2.7 * 1024 * 1024, "2.7MB"},
        {top_print_size, 999.4 * 1024 * 1024, "999MB"},
        {top_print_size, 1000.0 * 1024 * 1024, "1.0GB"},
        {top_print_rate, 0, "0"},
        {top_print_rate, 0.5, "0.5"},
        {top_print_rate, 9.94, "9.9"},
        {top_print_rate, 9.96, "10"},
        {top_print_rate, 999.4, "999"},
        {top_print_rate, 999.6, "1,000"},
        {top_print_rate, 12345, "12,345"},
        {top_print_rate, 1234567, "1,234,567"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        char text[TOP_CELL_SIZE];
        assert_string_equal(rows[i].print(rows[i].value, text), rows[i].wanted);
    }
}

/* ---- addresses ---- */

static void addresses_and_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted; /* NULL: refused */
    } rows[] = {
        {"127.0.0.1:9000", "127.0.0.1:9000"},
        {"http://127.0.0.1:9000", "127.0.0.1:9000"},
        {"http://127.0.0.1:9000/", "127.0.0.1:9000"},
        {"[::1]:9000", "[::1]:9000"},
        {"http://[::1]:9000/", "[::1]:9000"},
        {"unix:/tmp/x", "unix:/tmp/x"},
        {"http://unix:/tmp/x:", "unix:/tmp/x"},
        {"unix:/tmp/x:", "unix:/tmp/x:"}, /* a path may end so */
        {"http://unix:/tmp/x:/", "unix:/tmp/x"},
        {"https://127.0.0.1:9000", NULL},
        {"127.0.0.1", NULL},
        {"127.0.0.1:9000/status", NULL},
        {"", NULL},
        {"http://", NULL},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct net_address address;
        char text[NET_TEXT_SIZE];
        int result = fetch_parse_address(rows[i].text, &address);
        if ((result == 0) != (rows[i].wanted != NULL))
            fail_msg("'%s': %d", rows[i].text, result);
        if (result == 0)
            assert_string_equal(net_format_address(&address, true, text), rows[i].wanted);
    }
}

/* ---- reading ---- */

static void reads_what_a_server_says(void **state)
{
    (void)state;
    static const char document[] =
        "{\"schema\":\"clusterbench.status/1\",\"strategy\":\"shared\",\"state\":\"serving\",\"pid\":7,\"uptime_s\":12.5,"
        "\"workers_wanted\":2,\"fronts_wanted\":1,\"reload\":{\"state\":\"running\",\"done\":3,\"aborted\":1,\"last_error\":"
        "\"no\\n\"},"
        "\"primary\":{\"cpu_user_us\":10,\"cpu_system_us\":5,\"pss_bytes\":4096},\"total\":{\"requests\":99},\"workers\":["
        "{\"index\":1,\"role\":\"worker\",\"state\":\"ready\",\"slot\":4,\"pid\":8,\"generation\":2,\"restarts\":1,"
        "\"last_end\":\"signal 9\",\"uptime_s\":3.5,\"heartbeat_age_s\":0.25,\"cpu_user_us\":100,\"cpu_system_us\":11,"
        "\"rss_bytes\":1024,\"pss_bytes\":512,\"counters\":{\"requests\":42,\"active\":5,\"loop_lag_ns\":77},"
        "\"service_time\":{\"buckets\":[[1.06,3],[100000000.0,2]]}},"
        "{\"index\":0,\"role\":\"front\",\"state\":\"restarting\",\"slot\":-1,\"pid\":0,\"next_start_in_s\":0.5}]}";
    json_t *status = json_loads(document, 0, NULL);
    struct sight sight;
    assert_int_equal(sight_read(&sight, status), 0);
    assert_string_equal(sight.strategy, "shared");
    assert_string_equal(sight.reload_error, "no?"); /* it goes to a terminal */
    assert_int_equal(sight.wanted, 2);
    assert_int_equal(sight.reloads_done, 3);
    assert_int_equal(sight.primary_cpu_us, 15);
    assert_int_equal(sight.requests, 99);
    assert_int_equal(sight.count, 2);
    const struct sight_row *row = &sight.rows[0];
    assert_false(row->front);
    assert_int_equal(row->cpu_us, 111);
    assert_int_equal(row->requests, 42);
    assert_int_equal(row->lag_ns, 77);
    assert_int_equal(timings_count(&row->timings), 5);
    assert_int_equal(timings_count_up_to(&row->timings, 1060), 3);
    assert_true(sight.rows[1].front);
    assert_int_equal(sight.rows[1].pid, 0);
    assert_int_equal(sight_count(&sight, "ready"), 1);
    assert_int_equal(sight_count(&sight, "restarting"), 0); /* a front is no worker */
    sight_close(&sight);
    json_decref(status);
}

static void refuses_what_is_no_status(void **state)
{
    (void)state;
    static const char *const documents[] = {"{}", "[]", "{\"schema\":\"clusterbench.status/2\",\"workers\":[]}",
                                            "{\"schema\":\"clusterbench.status/1\"}",
                                            "{\"schema\":\"clusterbench.status/1\",\"workers\":3}"};
    for (size_t i = 0; i < LENGTH_OF(documents); i++) {
        json_t *status = json_loads(documents[i], 0, NULL);
        struct sight sight;
        assert_non_null(status);
        assert_int_equal(sight_read(&sight, status), -EPROTO);
        json_decref(status);
    }
}

/* ---- the table ---- */

struct fixture {
    struct sight earlier, now;
    struct sight_row rows_before[2], rows[4];
    char *text;
};

static struct sight_row life(unsigned index, int pid, uint64_t requests)
{
    return (struct sight_row){.index = index,
                              .slot = index,
                              .pid = pid,
                              .state = "ready",
                              .uptime_s = 125,
                              .cpu_us = 1000000,
                              .rss_bytes = 2831155,
                              .pss_bytes = 1024 * 1024,
                              .requests = requests,
                              .active = 3,
                              .lag_ns = 80000};
}

/* Two looks 2 s apart. Worker 0 went on, worker 1 is a new life, worker 2 was given up, worker 3 waits for its next life. */
static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->earlier = (struct sight){.taken_ns = 10 * CLOCK_NS_PER_S, .pid = 99, .requests = 5000, .primary_cpu_us = 0};
    fixture->earlier.rows = fixture->rows_before;
    fixture->earlier.count = 1;
    fixture->rows_before[0] = life(0, 1000, 4000);
    timings_note(&fixture->rows_before[0].timings, CLOCK_NS_PER_S, 50);
    fixture->now = (struct sight){.taken_ns = 12 * CLOCK_NS_PER_S,
                                  .strategy = "shared",
                                  .state = "serving",
                                  .reload_state = "idle",
                                  .reload_error = "worker 1: not ready",
                                  .pid = 99,
                                  .uptime_s = 3725,
                                  .wanted = 4,
                                  .reloads_done = 2,
                                  .reloads_aborted = 1,
                                  .primary_cpu_us = 200000,
                                  .primary_pss_bytes = 1024 * 1024,
                                  .requests = 29690};
    fixture->now.rows = fixture->rows;
    fixture->now.count = 4;
    fixture->rows[0] = life(0, 1000, 4000 + 24690);
    fixture->rows[0].cpu_us += 700000;
    timings_note(&fixture->rows[0].timings, CLOCK_NS_PER_S, 50);
    timings_note(&fixture->rows[0].timings, 2 * CLOCK_NS_PER_MS, 1000);
    fixture->rows[1] = life(1, 1001, 8);
    fixture->rows[1].uptime_s = 1;
    fixture->rows[1].cpu_us = 100000;
    fixture->rows[1].restarts = 3;
    strcpy(fixture->rows[1].last_end, "signal 9");
    fixture->rows[2] = (struct sight_row){.index = 2, .state = "errored", .restarts = 8, .last_end = "exit status 1"};
    fixture->rows[3] = (struct sight_row){.index = 3, .state = "restarting", .last_end = "signal 6", .next_start_in_s = 1.25};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->text);
    free(fixture);
    return 0;
}

static struct top_view view_of(struct fixture *fixture)
{
    return (struct top_view){.address = "127.0.0.1:9000", .now = &fixture->now, .earlier = &fixture->earlier, .note = ""};
}

static const char *show(struct fixture *fixture, const struct top_view *view)
{
    free(fixture->text);
    fixture->text = top_view_text(view);
    return fixture->text;
}

static void everything_has_its_place(void **state)
{
    struct top_view view = view_of(*state);
    assert_string_equal(
        show(*state, &view),
        "shared at 127.0.0.1:9000: serving, up 1h02m, 2 of 4 workers ready, 1 restarting, 1 errored\n"
        "12,345 requests/s   6 connections   CPU 55.0 %   memory 3.0MB   reload idle, 2 done, 1 aborted (worker 1: not ready)\n"
        "\n"
        "WORKER  STATE           PID  UPTIME  RESTARTS   CPU%  MEMORY    REQ/S  ACTIVE    P50    P99    LAG  LAST END\n"
        "0       ready          1000   2m05s         0   35.0   2.7MB   12,345       3  1.9ms  2.0ms   80us\n"
        "1       ready          1001      1s         3   10.0   2.7MB      8.0       3      -      -   80us  signal 9\n"
        "2       errored           -       -         8      -       -        -       -      -      -      -  exit status 1\n"
        "3       restarting        -       -         0      -       -        -       -      -      -      -  signal 6, again in "
        "1.2s\n");
}

/* The error of an aborted reload is told until one succeeds. */
static void reloads_are_told(void **state)
{
    struct fixture *fixture = *state;
    char text[SIGHT_RELOAD_SIZE];
    assert_string_equal(sight_print_reload(&fixture->now, text), "reload idle, 2 done, 1 aborted (worker 1: not ready)");
    fixture->now.reload_error[0] = '\0';
    assert_string_equal(sight_print_reload(&fixture->now, text), "reload idle, 2 done, 1 aborted");
    fixture->now.reloads_aborted = 0;
    strcpy(fixture->now.reload_state, "running");
    assert_string_equal(sight_print_reload(&fixture->now, text), "reload running, 2 done");
    fixture->now.reloads_done = 0;
    assert_string_equal(sight_print_reload(&fixture->now, text), "reload running");
}

/* One look: since the start of each. */
static void one_look_gives_means(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    view.earlier = NULL;
    const char *text = show(fixture, &view);
    assert_non_null(strstr(text, "\n8.0 requests/s")); /* 29690 in 3725 s */
    assert_non_null(strstr(text, "0       ready          1000   2m05s         0    1.4   2.7MB      230       3  2.0ms  990ms "));
}

static void columns_are_left_out_where_it_is_narrow(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    static const struct {
        unsigned width;
        const char *heading;
    } rows[] = {
        {130, "WORKER  STATE           PID  UPTIME  RESTARTS   CPU%  MEMORY    REQ/S  ACTIVE    P50    P99    LAG  LAST END\n"},
        {100, "WORKER  STATE           PID  UPTIME  RESTARTS   CPU%  MEMORY    REQ/S  ACTIVE    P50    P99    LAG\n"},
        {92, "WORKER  STATE           PID  RESTARTS   CPU%  MEMORY    REQ/S  ACTIVE    P50    P99    LAG\n"},
        {80, "WORKER  STATE       RESTARTS   CPU%  MEMORY    REQ/S  ACTIVE    P99    LAG\n"},
        {64, "WORKER  STATE        CPU%  MEMORY    REQ/S  ACTIVE    P99    LAG\n"},
        {40, "WORKER  STATE         REQ/S    P99\n"},
        {20, "WORKER  STATE       \n"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        view.width = rows[i].width;
        const char *text = show(fixture, &view), *line = text;
        if (rows[i].width > 20 && !strstr(text, rows[i].heading))
            fail_msg("%u columns:\n%s", rows[i].width, text);
        for (; *line; line = strchr(line, '\n') + 1)
            assert_true((size_t)(strchr(line, '\n') - line) <= rows[i].width);
    }
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void rows_that_do_not_fit_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    view.height = 8;
    assert_int_equal(count_lines(show(fixture, &view)), 8);
    assert_null(strstr(fixture->text, "more"));
    view.height = 7;
    assert_int_equal(count_lines(show(fixture, &view)), 7);
    assert_non_null(strstr(fixture->text, "\n... and 2 more\n"));
    view.height = 5;
    assert_non_null(strstr(show(fixture, &view), "\n... and 4 more\n"));
    for (view.height = 1; view.height < 5; view.height++)
        assert_true(count_lines(show(fixture, &view)) <= 4);
}

/* Threads have the memory and the pid of the top process: its CPU time is counted once. */
static void threads_are_not_counted_twice(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    fixture->rows_before[0].pid = fixture->rows[0].pid = fixture->rows[1].pid = 99;
    const char *text = show(fixture, &view);
    assert_non_null(strstr(text, "CPU 10.0 %   memory 1.0MB"));
    assert_non_null(strstr(text, "0       ready            99   2m05s         0   35.0       -"));
}

/* Where fronts stand between, clients' connections are theirs. */
static void connections_are_those_of_clients(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    fixture->now.fronts_wanted = 1;
    fixture->rows[1].front = true;
    fixture->rows[1].active = 17;
    const char *text = show(fixture, &view);
    assert_non_null(strstr(text, "17 connections"));
    assert_non_null(strstr(text, "\nfront 1  ready "));
}

/* A loop that does not turn has no lag of its own to tell: the silence is it. */
static void silence_is_lag(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    fixture->rows[0].heartbeat_age_s = 3.25;
    assert_non_null(strstr(show(fixture, &view), "  2.0ms   3.2s\n"));
}

static void colours_and_notes(void **state)
{
    struct fixture *fixture = *state;
    struct top_view view = view_of(fixture);
    view.note = "no answer for 5 s";
    view.keys = true;
    assert_null(strchr(show(fixture, &view), '\033'));
    assert_non_null(strstr(fixture->text, "(q ends)\n"));
    assert_non_null(strstr(fixture->text, "\nno answer for 5 s\n"));
    view.coloured = true;
    const char *text = show(fixture, &view);
    assert_non_null(strstr(text, "\033[31m2       errored "));
    assert_non_null(strstr(text, "\n0       ready "));
    view.now = NULL;
    assert_string_equal(show(fixture, &view), "\033[1m127.0.0.1:9000   (q ends)\033[0m\n\033[31mno answer for 5 s\033[0m\n");
}

/* What fetch.c says of an answer beyond its limit is no strerror(3) of a datagram. */
static void too_long_is_said(void **state)
{
    (void)state;
    assert_non_null(strstr(sight_error(-EMSGSIZE), "the answer is too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_forms),
        cmocka_unit_test(addresses_and_urls),
        cmocka_unit_test(reads_what_a_server_says),
        cmocka_unit_test(refuses_what_is_no_status),
        cmocka_unit_test_setup_teardown(everything_has_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reloads_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_look_gives_means, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_are_left_out_where_it_is_narrow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_do_not_fit_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_are_not_counted_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connections_are_those_of_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_is_lag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(colours_and_notes, set_up, tear_down),
        cmocka_unit_test(too_long_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
