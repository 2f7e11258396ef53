/* An event log becomes moments and lanes on the clock of the measurement, and a series is read back. */
#include <errno.h>
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

#include "base/clock.h"
#include "base/file.h"
#include "harness/series.h"
#include "harness/timeline.h"

static char path[] = "/tmp/test-timeline-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Compares what `write` leaves with `wanted`. */
static void expect_file(const char *wanted)
{
    char *text;
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    assert_string_equal(text, wanted);
    free(text);
}

#define AT "{\"time\":\"2026-11-22T03:04:"

/* Worker 0 is killed and comes back; worker 1 is replaced by a reload; worker 2 is scaled away. */
static const char log_text[] = AT
    "00.500Z\",\"event\":\"start\",\"role\":\"primary\",\"pid\":1}\n" AT
    "00.600Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":0,\"pid\":2,\"generation\":0}\n" AT
    "00.600Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":1,\"pid\":3,\"generation\":0}\n" AT
    "00.600Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":2,\"pid\":4,\"generation\":0}\n" AT
    "00.700Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":0,\"pid\":2,\"generation\":0}\n" AT
    "00.700Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":1,\"pid\":3,\"generation\":0}\n" AT
    "00.700Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":2,\"pid\":4,\"generation\":0}\n"
    "no JSON at all\n" AT
    "02.000Z\",\"event\":\"exit\",\"role\":\"worker\",\"worker\":0,\"pid\":2,\"generation\":0,\"signal\":9}\n" AT
    "02.100Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":0,\"pid\":5,\"generation\":1}\n" AT
    "02.200Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":0,\"pid\":5,\"generation\":1}\n" AT
    "03.000Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":1,\"pid\":6,\"generation\":1}\n" AT
    "03.100Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":1,\"pid\":6,\"generation\":1}\n" AT
    "03.300Z\",\"event\":\"exit\",\"role\":\"worker\",\"worker\":1,\"pid\":3,\"generation\":0,\"status\":0}\n" AT
    "04.000Z\",\"event\":\"scale\",\"role\":\"primary\",\"pid\":1,\"from\":3,\"to\":2}\n" AT
    "04.500Z\",\"event\":\"exit\",\"role\":\"worker\",\"worker\":2,\"pid\":4,\"generation\":0,\"status\":0}\n" AT
    "05.000Z\",\"event\":\"start\",\"role\":\"front\",\"front\":0,\"pid\":7,\"generation\":0,\"error\":\"no \\\"memory\\\"\"}\n" AT
    "06.000Z\",\"event\":\"drain\",\"role\":\"primary\",\"pid\":1}\n" AT "06.1";

static void open_at_one(struct timeline *timeline)
{
    timeline_open(timeline, clock_now_ns());
    timeline->wall_begin_s = 1795316641; /* 2026-11-22T03:04:01Z */
    write_text(log_text);
    assert_int_equal(timeline_read_log(timeline, path), 0);
}

static void test_lanes(void **state)
{
    (void)state;
    struct timeline timeline;
    open_at_one(&timeline);
    assert_int_equal(timeline_write_lanes(&timeline, path), 0);
    expect_file("worker,life,state,from_s,to_s\n"
                "0,0,starting,-0.4000,-0.3000\n0,0,up,-0.3000,1.0000\n0,0,down,1.0000,1.1000\n"
                "1,0,starting,-0.4000,-0.3000\n1,0,up,-0.3000,2.1000\n1,0,draining,2.1000,2.3000\n"
                "2,0,starting,-0.4000,-0.3000\n2,0,up,-0.3000,3.0000\n2,0,draining,3.0000,3.5000\n"
                "0,1,starting,1.1000,1.2000\n0,1,up,1.2000,5.0000\n"
                "1,1,starting,2.0000,2.1000\n1,1,up,2.1000,5.0000\n"
                "front-0,0,down,4.0000,5.0000\n");
    timeline_close(&timeline);
}

static void test_moments_of_both_in_order(void **state)
{
    (void)state;
    struct timeline timeline;
    open_at_one(&timeline);
    timeline_note(&timeline, timeline.begin_ns + 999 * CLOCK_NS_PER_MS, "fault", "0", "kill worker 0");
    assert_int_equal(timeline_write_events(&timeline, path), 0);
    char *text;
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    assert_non_null(
        strstr(text, "0.9990,fault,0,\"kill worker 0\"\n1.0000,exit,0,\"pid 2, generation 0, signal 9\"\n1.1000,start,0,"));
    assert_non_null(strstr(text, "3.0000,scale,,\"pid 1, from 3, to 2\"\n"));
    assert_non_null(strstr(text, "4.0000,start,front-0,\"pid 7, generation 0, error no \"\"memory\"\"\"\n"));
    free(text);
    timeline_close(&timeline);
}

static void test_killed_program(void **state)
{
    (void)state;
    struct timeline timeline;
    timeline_open(&timeline, clock_now_ns());
    timeline.wall_begin_s = 1795316641;
    write_text(AT "00.600Z\",\"event\":\"start\",\"role\":\"worker\",\"worker\":0,\"pid\":2,\"generation\":0}\n" AT
                  "00.700Z\",\"event\":\"ready\",\"role\":\"worker\",\"worker\":0,\"pid\":2,\"generation\":0}\n");
    assert_int_equal(timeline_read_log(&timeline, path), 0);
    timeline_end_all(&timeline, timeline.begin_ns + CLOCK_NS_PER_S, 4 * CLOCK_NS_PER_S);
    assert_int_equal(timeline_write_lanes(&timeline, path), 0);
    expect_file("worker,life,state,from_s,to_s\n0,0,starting,-0.4000,-0.3000\n0,0,up,-0.3000,1.0000\n0,0,down,1.0000,4.0000\n");
    timeline_close(&timeline);
    assert_int_equal(timeline_read_log(&timeline, "/tmp/no/such/log"), -ENOENT);
}

#define ROW(t, worker, requests) "{\"t_s\":" t ",\"interval_s\":0.1,\"worker\":" worker ",\"requests\":" requests ",\"errors\":0}\n"

static void test_series(void **state)
{
    (void)state;
    struct series series;
    write_text(ROW("0.0", "null", "20") ROW("0.0", "\"0\"", "20") ROW("0.1", "null", "0") ROW("0.1", "\"0\"", "0")
                   ROW("0.2", "null", "0") ROW("0.2", "\"0\"", "0") ROW("0.3", "null", "20") ROW("0.3", "\"0\"", "0")
                       ROW("0.3", "\"1\"", "20") ROW("0.4", "null", "9") ROW("0.4", "\"0\"", "9") ROW("0.4", "\"1\"", "0"));
    assert_int_equal(series_read(&series, path, 0.4), 0);
    assert_int_equal(series.count, 4); /* what came at 0.4 is of after the load */
    assert_int_equal(series.worker_count, 2);
    assert_true(fabs(series_longest_gap_ms(&series) - 200) < 1e-6);
    assert_true(fabs(series_jain(&series, 0.1, 2) - 0.5) < 1e-9); /* each had an interval alone; empty ones do not count */
    assert_true(fabs(series_jain(&series, INFINITY, 2) - 1) < 1e-9);
    assert_true(fabs(series_jain(&series, INFINITY, 4) - 0.5) < 1e-9); /* two more that got nothing */
    assert_true(isnan(series_jain(&series, 0.1, 5)));                  /* too few requests to tell */
    series_free(&series);
    write_text(ROW("0.0", "null", "20") "{\"t_s\":0.1,\"inter");
    assert_int_equal(series_read(&series, path, 1), -EINVAL);
    write_text(ROW("0.0", "\"0\"", "20"));
    assert_int_equal(series_read(&series, path, 1), -EINVAL);
    write_text("");
    assert_int_equal(series_read(&series, path, 1), 0);
    assert_true(series_longest_gap_ms(&series) < 1e-9);
    series_free(&series);
    assert_int_equal(series_read(&series, "/tmp/no/such/series", 1), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lanes), cmocka_unit_test(test_moments_of_both_in_order),
                                       cmocka_unit_test(test_killed_program), cmocka_unit_test(test_series)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
