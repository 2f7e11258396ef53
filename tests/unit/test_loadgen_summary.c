/* The figures of all threads together, from two threads made by hand: each figure is worked out here in another way. */
#include "support.h"

#include <math.h>

#include "loadgen/report/report.h"

#define SECOND UINT64_C(1000000000)
#define BEGIN  (1000 * SECOND)

static struct settings settings;
static struct engine engines[2];
static struct series series[2];
static struct run run;
static struct summary summary;

/* Two threads, 2 s, 100 requests each: 80 answered, of which 10 came in two reads and 5 by lingering, 3 http errors among them; 8
 * broken off, 6 timed out, 4 unfinished, 2 unsent. */
static void fill(struct engine *engine, struct series *its_series, const char *worker)
{
    struct stats *stats = &engine->stats;
    assert_int_equal(stats_init(stats, 1), 0);
    assert_int_equal(series_init(its_series, false), 0);
    engine->from_ns = BEGIN;
    engine->until_ns = BEGIN + 2 * SECOND;
    stats->started = 98;
    stats->ok = 77, stats->http_errors = 3, stats->lingered = 5;
    stats->warmup = 11, stats->carried = 4; /* those for the rate, and in no other figure */
    stats->status[200] = 77, stats->status[500] = 3;
    stats->socket_errors = 8, stats->timed_out = 6, stats->unfinished = 4, stats->unsent = 2;
    stats->cpu_ns = SECOND / 10;
    stats->run_wait_ns = SECOND / 100;
    stats->in_flight_ns = 1e9;
    struct backend *backend = stats_backend(stats, slice_of(worker));
    backend->answered = true;
    backend->requests = 80, backend->connections = 10;
    histogram_record_many(&backend->response, 2000, 80);
    histogram_record_many(&stats->service, 1000, 70);
    histogram_record_many(&stats->service, 5000, 10);
    histogram_record_many(&stats->split_service, 5000, 10);
    histogram_record_many(&stats->split_first, 100, 10);
    histogram_record_many(&stats->censored, 1000000, 12);
    histogram_record_many(&stats->censored_service, 500000, 10);
}

static int set_up(void **state)
{
    (void)state;
    settings = (struct settings){.is_open_loop = true, .threads = 2, .connections = 2, .duration_ns = 2 * SECOND, .mix.count = 1};
    run = (struct run){.settings = &settings,
                       .engines = engines,
                       .series = series,
                       .engine_count = 2,
                       .before = {.cpu_ticks = 1000, .steal_ticks = 10, .listen_overflows = 5, .listen_drops = 6},
                       .after = {.cpu_ticks = 1400, .steal_ticks = 14, .listen_overflows = 7, .listen_drops = 9}};
    fill(&engines[0], &series[0], "10");
    fill(&engines[1], &series[1], "9");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    summary_close(&summary);
    for (unsigned i = 0; i < 2; i++) {
        stats_close(&engines[i].stats);
        series_close(&series[i]);
    }
    return 0;
}

static void expect_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-3 * fabs(expected)))
        fail_msg("%.9g is not %.9g", value, expected);
}

static void test_figures(void **state)
{
    (void)state;
    engines[1].stats.cpu_ns *= 3;
    engines[0].stats.run_wait_ns *= 4;
    engines[1].until_ns = BEGIN + SECOND; /* -n: its share was done earlier */
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_int_equal(summary.planned, 200);
    assert_true(summary.identity_holds);
    expect_near(summary.duration_s, 2);
    expect_near(summary.achieved_rate, (160 - 10 + 8) / 2.0);
    expect_near(summary.busiest_thread, 0.15);
    expect_near(summary.run_wait, 0.02);
    expect_near(summary.cpu_us_per_request, 400000.0 / 160);
    expect_near(summary.in_flight, 1);
    expect_near(summary.little, 2 * (70 * 0.001 + 10 * 0.005 + 10 * 0.5) / 2);
    expect_near(summary.steal, 0.01);
    assert_int_equal(summary.cpu_ticks, 400);
    assert_int_equal(summary.listen_overflows, 2);
    assert_int_equal(summary.listen_drops, 3);
    assert_true(isnan(summary.headroom));
    assert_int_equal(summary.fairness.workers, 2);
    expect_near(summary.fairness.jain, 1);
    assert_string_equal(summary.stats.backends[1]->id, "9"); /* by number */
}

static void test_histograms(void **state)
{
    (void)state;
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_int_equal(summary.answered.total, 160);
    assert_int_equal(summary.response.total, 184);
    assert_int_equal(summary.service.total, 180);
    assert_int_equal(summary.first_byte.total, 160);
    assert_int_equal(histogram_count_up_to(&summary.first_byte, 100), 20);
    assert_int_equal(histogram_count_up_to(&summary.first_byte, 1000), 160);
}

/* Closed loop over kept connections: service time is response time, and only response time is kept. */
static void test_closed_loop(void **state)
{
    (void)state;
    settings.is_open_loop = false;
    for (unsigned i = 0; i < 2; i++) {
        struct stats *stats = &engines[i].stats;
        histogram_reset(&stats->service);
        histogram_reset(&stats->censored_service);
        histogram_reset(&stats->split_service);
        histogram_record_many(&stats->split_service, 2000, 10);
    }
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary.identity_holds);
    assert_int_equal(summary.service.total, 184);
    assert_int_equal(summary.first_byte.total, 160);
    assert_int_equal(histogram_count_up_to(&summary.first_byte, 100), 20);
}

/* Every count that is in one view and not in the other breaks the identity. */
static void test_identity(void **state)
{
    (void)state;
    uint64_t *const counts[] = {
        &engines[0].stats.started,   &engines[0].stats.ok,         &engines[0].stats.http_errors, &engines[0].stats.socket_errors,
        &engines[0].stats.timed_out, &engines[0].stats.unfinished, &engines[0].stats.status[404],
    };
    for (unsigned i = 0; i < LENGTH_OF(counts); i++) {
        ++*counts[i];
        assert_int_equal(summary_init(&summary, &run), 0);
        assert_false(summary.identity_holds);
        assert_int_equal(summary.validity, VALIDITY_INVALID);
        summary_close(&summary);
        --*counts[i];
    }
    struct histogram *const times[] = {&engines[1].stats.split_service, &engines[1].stats.split_first,
                                       &engines[1].stats.backends[0]->response, &engines[1].stats.censored};
    for (unsigned i = 0; i < LENGTH_OF(times); i++) {
        histogram_record(times[i], 77); /* there is no such service time, for one */
        assert_int_equal(summary_init(&summary, &run), 0);
        assert_false(summary.identity_holds);
        summary_close(&summary);
        struct histogram odd;
        assert_int_equal(histogram_init(&odd, HISTOGRAM_HOUR_US, 3), 0);
        histogram_record(&odd, 77);
        assert_int_equal(histogram_subtract(times[i], &odd), 0);
        histogram_close(&odd);
    }
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary.identity_holds);
}

/* -n given up: what was never due has no lower bound. */
static void test_bounds_of_a_run_given_up(void **state)
{
    (void)state;
    settings.duration_ns = 0, settings.requests = 1200;
    engines[0].stats.unsent += 1000;
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary.identity_holds);
    summary_close(&summary);
    histogram_record_many(&engines[0].stats.censored, 10, 1000);
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary.identity_holds);
    summary_close(&summary);
    histogram_record(&engines[0].stats.censored, 10);
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_false(summary.identity_holds);
}

/* 160 of 184 were answered: beyond rank 160 nothing but lower bounds is known. */
static void test_bounds(void **state)
{
    (void)state;
    bool bound;
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_int_equal(summary_percentile(&summary, 50, &bound), 2000);
    assert_false(bound);
    assert_true(summary_percentile(&summary, 100.0 * 160 / 184 - 0.01, &bound) == 2000 && !bound);
    assert_true(summary_percentile(&summary, 100.0 * 161 / 184, &bound) >= 1000000 && bound);
    summary_percentile(&summary, 100, &bound);
    assert_true(bound);
}

/* Bounds that lie below the answered ones pull percentiles down: those, too, are marked. */
static void test_low_bounds(void **state)
{
    (void)state;
    bool bound;
    for (unsigned i = 0; i < 2; i++) {
        histogram_reset(&engines[i].stats.censored);
        histogram_record_many(&engines[i].stats.censored, 10, 12);
        histogram_reset(&engines[i].stats.backends[1]->response);
        for (unsigned k = 1; k <= 80; k++)
            histogram_record(&engines[i].stats.backends[1]->response, 1000 * k);
    }
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary_percentile(&summary, 5, &bound) == 10 && bound);
    summary_percentile(&summary, 50, &bound);
    assert_true(bound);
}

static void test_headroom(void **state)
{
    (void)state;
    run.headroom = 790;
    assert_int_equal(summary_init(&summary, &run), 0);
    expect_near(summary.headroom, 10);
}

/* A run that never began its measurement. */
static void test_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        stats_close(&engines[i].stats);
        assert_int_equal(stats_init(&engines[i].stats, 1), 0);
        engines[i].from_ns = engines[i].until_ns = 0;
    }
    assert_int_equal(summary_init(&summary, &run), 0);
    assert_true(summary.duration_s == 0 && summary.achieved_rate == 0 && summary.in_flight == 0 && summary.busiest_thread == 0);
    assert_true(summary.identity_holds);
    assert_int_equal(summary.validity, VALIDITY_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_histograms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds_of_a_run_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_low_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_headroom, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
