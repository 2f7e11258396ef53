/* Counts that must not get lost: backends beyond the limit, merging, and intervals passed between threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "loadgen/measure/measure.h"

static void test_backends_are_bounded(void **state)
{
    (void)state;
    struct stats stats;
    assert_int_equal(stats_init(&stats, 1), 0);
    for (unsigned i = 0; i < 2000; i++) {
        char id[100];
        int length = snprintf(id, sizeof(id), "%u", i % 1000);
        stats_backend(&stats, (struct slice){id, (size_t)length})->requests++;
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < stats.backend_count; i++)
        sum += stats.backends[i]->requests;
    assert_int_equal(sum, 2000);
    assert_true(stats.backend_count <= BACKENDS_MAX + 1);
    assert_ptr_equal(stats_backend(&stats, SLICE("another")), stats_backend(&stats, SLICE("(others)")));
    assert_ptr_equal(stats_backend(&stats, (struct slice){"", 0}), stats.backends[0]);
    stats_close(&stats);
}

static void test_long_ids_are_cut(void **state)
{
    (void)state;
    char id[200];
    struct stats stats;
    memset(id, 'x', sizeof(id));
    assert_int_equal(stats_init(&stats, 1), 0);
    struct backend *backend = stats_backend(&stats, (struct slice){id, sizeof(id)});
    assert_int_equal(backend->id_length, BACKEND_ID_MAX);
    assert_ptr_equal(stats_backend(&stats, (struct slice){id, sizeof(id)}), backend);
    stats_close(&stats);
}

static void test_merge(void **state)
{
    (void)state;
    struct stats sum, parts[3];
    struct histogram response;
    assert_int_equal(stats_init(&sum, 1), 0);
    assert_int_equal(histogram_init(&response, HISTOGRAM_HOUR_US, 3), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(stats_init(&parts[i], 1), 0);
        parts[i].started = parts[i].ok = parts[i].status[200] = 10;
        parts[i].http_errors = parts[i].status[404] = 1;
        parts[i].errors[ERROR_READ] = i;
        struct backend *backend = stats_backend(&parts[i], i == 1 ? SLICE("b") : SLICE("a"));
        backend->requests = 11;
        backend->answered = true;
        stats_backend(&parts[i], SLICE("103")); /* named in a head whose response never came */
        backend->connections = 1;
        histogram_record(&backend->response, 100 * (i + 1));
        assert_int_equal(stats_merge(&sum, &parts[i]), 0);
        stats_close(&parts[i]);
    }
    assert_int_equal(sum.started, 30);
    assert_int_equal(sum.ok, 30);
    assert_int_equal(sum.http_errors, 3);
    assert_int_equal(sum.errors[ERROR_READ], 3);
    assert_int_equal(sum.backend_count, 3); /* "-", a, b */
    assert_int_equal(stats_backend(&sum, SLICE("a"))->requests, 22);
    assert_int_equal(stats_backend(&sum, SLICE("a"))->connections, 2);
    assert_int_equal(stats_backend(&sum, SLICE("b"))->requests, 11);
    assert_int_equal(stats_response_times(&sum, &response), 0);
    assert_int_equal(response.total, 3);
    histogram_close(&response);
    stats_close(&sum);
}

#define TURNS 2000

static void *write_series(void *argument)
{
    struct series *series = argument;
    struct stats stats;
    assert_int_equal(stats_init(&stats, 1), 0);
    struct backend *backend = stats_backend(&stats, SLICE("7"));
    series_begin(series, &stats);
    for (unsigned turn = 0; turn < TURNS;) {
        backend->requests++;
        backend->errors++;
        series_record(series, backend, 100);
        if (series_turn(series, &stats, 0))
            turn++;
        else
            sched_yield(); /* where both share a CPU */
    }
    stats_close(&stats);
    return NULL;
}

/* A reader as fast as it can and a writer as fast as it can: nothing is lost and nothing seen twice. */
static void test_series_between_threads(void **state)
{
    (void)state;
    struct series series;
    struct series_interval sum = {.started = 0};
    pthread_t writer;
    unsigned taken = 0;
    assert_int_equal(series_init(&series, true), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_series, &series), 0);
    while (taken < TURNS) {
        if (series_take(&series, UINT64_MAX, &sum))
            taken++;
        else
            sched_yield();
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_false(series_take(&series, UINT64_MAX, &sum));
    assert_int_equal(sum.backend_count, 2); /* "-" and the one */
    const struct series_backend *backend = sum.backends[1];
    assert_string_equal(backend->id, "7");
    assert_true(backend->requests >= TURNS);
    assert_int_equal(backend->requests, backend->errors);
    assert_int_equal(backend->requests, backend->response.total);
    series_interval_close(&sum);
    series_close(&series);
}

/* A reader that is late gets everything, and is told up to when; another one, of the thread in time, waits for it. */
static void test_series_keeps_time(void **state)
{
    (void)state;
    struct series series;
    struct stats stats;
    struct series_interval sum = {.started = 0};
    assert_int_equal(stats_init(&stats, 1), 0);
    assert_int_equal(series_init(&series, true), 0);
    struct backend *backend = stats_backend(&stats, SLICE("a"));
    backend->requests = stats.started = 1000; /* of the warm-up */
    series_begin(&series, &stats);
    for (unsigned tick = 1; tick <= 5; tick++) {
        backend->requests += tick, stats.started += tick, stats.http_errors++;
        series_record(&series, backend, 100);
        assert_int_equal(series_turn(&series, &stats, tick), tick == 1);
    }
    assert_true(series_take(&series, 1, &sum));
    assert_int_equal(sum.backends[1]->requests, 1);
    assert_int_equal(sum.in_flight, 1);
    series_interval_reset(&sum);
    assert_false(series_take(&series, 2, &sum)); /* 2..5 are not handed over yet */
    assert_int_equal(sum.in_flight, 1);          /* as last heard */
    assert_true(series_turn(&series, &stats, 7));
    series_interval_reset(&sum);
    assert_false(series_take(&series, 5, &sum));
    assert_int_equal(sum.backends[1]->requests, 0);
    series_interval_reset(&sum);
    assert_true(series_take(&series, 6, &sum));
    assert_int_equal(sum.backends[1]->requests, 2 + 3 + 4 + 5);
    assert_int_equal(sum.started, 2 + 3 + 4 + 5);
    assert_int_equal(sum.errors, 4);
    assert_int_equal(sum.in_flight, 7);
    assert_int_equal(sum.backends[1]->response.total, 4);
    backend->requests += 9;
    series_interval_reset(&sum);
    series_end(&series, &stats, &sum);
    assert_int_equal(sum.backends[1]->requests, 9);
    assert_int_equal(sum.in_flight, 0);
    assert_int_equal(series.rates.total, 6); /* ticks that were over */
    assert_int_equal(histogram_minimum(&series.rates), 10);
    assert_int_equal(histogram_maximum(&series.rates), 28); /* 14 in 5 ticks, at 10 a second */
    series_interval_close(&sum);
    series_close(&series);
    stats_close(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_backends_are_bounded), cmocka_unit_test(test_long_ids_are_cut),
                                       cmocka_unit_test(test_merge), cmocka_unit_test(test_series_between_threads),
                                       cmocka_unit_test(test_series_keeps_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
