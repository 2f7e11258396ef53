/* Fairness by window: taking turns is even in the total and uneven in every window. */
#include "support.h"

#include <math.h>
#include <stdio.h>

#include "loadgen/measure/measure.h"

#define WORKERS 4

static struct series_backend backends[WORKERS + 1];
static struct series_interval interval;
static struct windows windows;

/* "-" and the workers, as a summed interval has them. */
static int set_up(void **state)
{
    (void)state;
    interval = (struct series_interval){.backend_count = WORKERS + 1};
    for (unsigned i = 0; i <= WORKERS; i++) {
        backends[i] = (struct series_backend){.requests = 0};
        snprintf(backends[i].id, sizeof(backends[i].id), i ? "%u" : "-", i - 1);
        interval.backends[i] = &backends[i];
    }
    return windows_init(&windows);
}

static int tear_down(void **state)
{
    (void)state;
    windows_close(&windows);
    return 0;
}

static void take(uint64_t nobody, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t counts[] = {nobody, a, b, c, d};
    for (unsigned i = 0; i <= WORKERS; i++)
        backends[i].requests = counts[i];
    windows_take(&windows, &interval);
}

static void expect_jain(double tenth, double second)
{
    double by_tenth = windows_jain(&windows.tenth, WORKERS), by_second = windows_jain(&windows.second, WORKERS);
    bool tenth_fits = isnan(tenth) ? isnan(by_tenth) : fabs(by_tenth - tenth) < 1e-12;
    bool second_fits = isnan(second) ? isnan(by_second) : fabs(by_second - second) < 1e-12;
    if (!tenth_fits || !second_fits)
        fail_msg("%g and %g, not %g and %g", by_tenth, by_second, tenth, second);
}

static void test_even(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        take(1000, 10, 10, 10, 10); /* nobody's requests are nobody's share */
    expect_jain(1, 1);
    assert_int_equal(windows.tenth.windows, 20);
    assert_int_equal(windows.second.windows, 2);
}

/* One worker after the other, a tenth each: the total is even, the second nearly, the tenth not at all. */
static void test_turns_hide_in_totals(void **state)
{
    (void)state;
    uint64_t total[WORKERS] = {0};
    for (unsigned i = 0; i < 40; i++) {
        total[i % 4] += 100;
        take(0, i % 4 == 0 ? 100 : 0, i % 4 == 1 ? 100 : 0, i % 4 == 2 ? 100 : 0, i % 4 == 3 ? 100 : 0);
    }
    assert_true(fairness_jain(total, WORKERS) == 1);
    expect_jain(0.25, fairness_jain((uint64_t[]){3, 3, 2, 2}, 4));

    /* ... and with turns of a second, the second shows it, too. */
    tear_down(state);
    set_up(state);
    for (unsigned i = 0; i < 40; i++)
        take(0, i / 10 == 0 ? 100 : 0, i / 10 == 1 ? 100 : 0, i / 10 == 2 ? 100 : 0, i / 10 == 3 ? 100 : 0);
    expect_jain(0.25, 0.25);
}

/* Windows of less than 5 a worker are passed over: they would be uneven by chance. */
static void test_too_few(void **state)
{
    (void)state;
    take(0, 19, 0, 0, 0);
    take(500, 0, 0, 0, 0);
    take(0, 0, 0, 0, 0);
    expect_jain(NAN, NAN);
    assert_int_equal(windows.tenth.windows, 0);
    take(0, 20, 0, 0, 0);
    expect_jain(0.25, NAN);
    for (unsigned i = 0; i < 5; i++)
        take(0, 5, 5, 5, 5);
    expect_jain((0.25 + 5) / 6, NAN);
    take(0, 1, 0, 0, 0); /* the tenth one: the second has enough, the tenth of it had not */
    assert_int_equal(windows.tenth.windows, 6);
    assert_int_equal(windows.second.windows, 1);
    expect_jain((0.25 + 5) / 6, fairness_jain((uint64_t[]){65, 25, 25, 25}, 4));
}

/* A thread that reports of several tenths at once: turns taken within them would look even. */
static void test_several_tenths_in_one(void **state)
{
    (void)state;
    struct series_interval sum = {.backend_count = 0};
    interval.ticks = 3;
    take(0, 100, 100, 100, 100);
    series_interval_add(&sum, &interval);
    assert_int_equal(sum.ticks, 3);
    expect_jain(NAN, NAN);
    interval.ticks = 1;
    for (unsigned i = 0; i < 9; i++)
        take(0, 100, 0, 0, 0);
    assert_int_equal(windows.tenth.windows, 9);
    expect_jain(0.25, fairness_jain((uint64_t[]){10, 1, 1, 1}, 4)); /* the second has them all */
    series_interval_add(&sum, &interval);
    assert_int_equal(sum.ticks, 3);
    series_interval_reset(&sum);
    assert_int_equal(sum.ticks, 0);
    series_interval_close(&sum);
}

/* A worker that is heard of late had nothing before. */
static void test_late_worker(void **state)
{
    (void)state;
    interval.backend_count = 3;
    take(0, 50, 50, 0, 0);
    interval.backend_count = WORKERS + 1;
    take(0, 50, 50, 50, 50);
    expect_jain((0.5 + 1) / 2, NAN);
}

static void test_one_worker_is_no_question(void **state)
{
    (void)state;
    take(0, 100, 0, 0, 0);
    assert_true(isnan(windows_jain(&windows.tenth, 1)));
    assert_true(isnan(windows_jain(&windows.tenth, 0)));
    assert_true(isnan(windows_jain(&windows.tenth, 100))); /* 100 requests are too few for so many */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_even, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_hide_in_totals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_tenths_in_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_worker_is_no_question, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
