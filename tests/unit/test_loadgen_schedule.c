/* Plans: threads together make exactly the schedule asked for; Poisson gaps are exponential (Kolmogorov-Smirnov). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "loadgen/plan/plan.h"

#define START  UINT64_C(1000000000000)
#define SECOND UINT64_C(1000000000)

static struct profile profile;

static struct schedule_plan plan(enum arrivals arrivals, double rate, unsigned thread, unsigned threads, uint64_t limit)
{
    profile_close(&profile);
    assert_int_equal(profile_constant(&profile, rate), 0);
    return (struct schedule_plan){arrivals, &profile, NULL, thread, threads, START, START + 2 * SECOND, limit, 42, thread};
}

/* Whatever the number of threads: 2 s at 1000/3 per second, every plan once, in its place. */
static void test_constant_interleaves(void **state)
{
    (void)state;
    double rate = 1000.0 / 3;
    for (unsigned threads = 1; threads <= 7; threads++) {
        uint64_t seen = 0;
        for (unsigned thread = 0; thread < threads; thread++) {
            struct schedule schedule;
            struct schedule_plan mine = plan(ARRIVALS_CONSTANT, rate, thread, threads, UINT64_MAX);
            schedule_init(&schedule, &mine);
            for (uint64_t k = thread; schedule.next_ns != UINT64_MAX; k += threads, seen++) {
                assert_int_equal(schedule.next_ns, START + (uint64_t)((double)k * 1e9 / rate));
                schedule_advance(&schedule);
            }
        }
        assert_int_equal(seen, 667); /* plans 0 .. 666 lie below 2 s */
    }
}

static void test_limit_and_end(void **state)
{
    (void)state;
    struct schedule schedule;
    struct schedule_plan mine = plan(ARRIVALS_CONSTANT, 5000, 0, 1, UINT64_MAX);
    schedule_init(&schedule, &mine);
    assert_int_equal(schedule.next_ns, START);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 10000);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 0);
    mine.limit = 7;
    schedule_init(&schedule, &mine);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 7);
    mine.limit = 0;
    schedule_init(&schedule, &mine);
    assert_int_equal(schedule.next_ns, UINT64_MAX);
}

/* A rate of centuries a request, and a number of requests nobody could walk through. */
static void test_extremes(void **state)
{
    (void)state;
    struct schedule schedule;
    struct schedule_plan mine = plan(ARRIVALS_CONSTANT, 1e-300, 0, 1, UINT64_MAX);
    schedule_init(&schedule, &mine);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 1); /* the one at the start */
    mine.arrivals = ARRIVALS_POISSON;
    schedule_init(&schedule, &mine);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 0);
    mine = plan(ARRIVALS_CONSTANT, 1000, 0, 1, UINT64_MAX - 1);
    mine.end_ns = UINT64_MAX;
    schedule_init(&schedule, &mine);
    schedule_advance(&schedule);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), UINT64_MAX - 2);
    assert_int_equal(schedule_drain(&schedule, NULL, NULL), 0);
}

static int compare_doubles(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static void test_poisson_gaps(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    double *gaps = calloc(COUNT, sizeof(*gaps)), worst = 0;
    struct schedule schedule;
    struct schedule_plan mine = plan(ARRIVALS_POISSON, 3000, 1, 3, UINT64_MAX); /* 1000/s in this thread */
    mine.end_ns = UINT64_MAX - 1;
    schedule_init(&schedule, &mine);
    uint64_t last = START;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(schedule.next_ns >= last);
        gaps[i] = (double)(schedule.next_ns - last) / 1e6;
        last = schedule.next_ns;
        schedule_advance(&schedule);
    }
    qsort(gaps, COUNT, sizeof(*gaps), compare_doubles);
    for (unsigned i = 0; i < COUNT; i++) {
        double expected = 1 - exp(-gaps[i]);
        worst = fmax(worst, fmax(fabs(expected - (double)i / COUNT), fabs(expected - (i + 1.0) / COUNT)));
    }
    assert_true(worst * sqrt(COUNT) < 1.95); /* p = .001 */
    free(gaps);
}

static void test_seed_decides(void **state)
{
    (void)state;
    struct schedule one, same, other;
    struct schedule_plan mine = plan(ARRIVALS_POISSON, 100000, 0, 1, 1000);
    schedule_init(&one, &mine);
    schedule_init(&same, &mine);
    mine.seed++;
    schedule_init(&other, &mine);
    unsigned differ = 0;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(one.next_ns, same.next_ns);
        differ += one.next_ns != other.next_ns;
        schedule_advance(&one);
        schedule_advance(&same);
        schedule_advance(&other);
    }
    assert_true(differ > 990);
}

static void test_shares(void **state)
{
    (void)state;
    for (uint64_t total = 0; total < 40; total++)
        for (unsigned threads = 1; threads < 9; threads++) {
            uint64_t sum = 0;
            for (unsigned thread = 0; thread < threads; thread++) {
                uint64_t share = share_of(total, thread, threads);
                assert_true(share == total / threads || share == total / threads + 1);
                sum += share;
            }
            assert_int_equal(sum, total);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_interleaves), cmocka_unit_test(test_limit_and_end), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_poisson_gaps),         cmocka_unit_test(test_seed_decides),  cmocka_unit_test(test_shares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
