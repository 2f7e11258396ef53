/*
 * Plans: parts together make exactly the schedule asked for, whatever their number; Poisson gaps are exponential
 * (Kolmogorov-Smirnov) and follow the profile (chi-square). Seeds are fixed, so a test that passes goes on passing.
 */
#include "support.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "loadgen/loadgen.h"
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

/* ---- all parts together ---- */

struct merged {
    double *offsets; /* seconds since the start, ascending */
    size_t count, room;
};

static int compare_doubles(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static void keep_offset(void *context, uint64_t planned_ns)
{
    struct merged *merged = context;
    if (merged->count == merged->room) {
        merged->room = merged->room ? 2 * merged->room : 1024;
        merged->offsets = reallocarray(merged->offsets, merged->room, sizeof(*merged->offsets));
        assert_non_null(merged->offsets);
    }
    assert_true(planned_ns >= START);
    merged->offsets[merged->count++] = (double)(planned_ns - START) / 1e9;
}

static struct merged merge_parts(struct schedule_plan one, unsigned parts)
{
    struct merged merged = {NULL, 0, 0};
    for (one.part = 0, one.parts = parts; one.part < parts; one.part++) {
        struct schedule schedule;
        one.stream = one.part;
        schedule_init(&schedule, &one);
        size_t before = merged.count;
        uint64_t drained = schedule_drain(&schedule, keep_offset, &merged);
        assert_int_equal(drained, merged.count - before);
        assert_int_equal(schedule.next_ns, UINT64_MAX);
        for (size_t i = before + 1; i < merged.count; i++)
            assert_true(merged.offsets[i] >= merged.offsets[i - 1]);
    }
    qsort(merged.offsets, merged.count, sizeof(*merged.offsets), compare_doubles);
    return merged;
}

static struct schedule_plan plan_along(enum arrivals arrivals, const char *text, uint64_t seed)
{
    char message[MESSAGE_SIZE] = "";
    profile_close(&profile);
    if (profile_parse(text, &profile, message) != 0)
        fail_msg("%s", message);
    return (struct schedule_plan){arrivals, &profile, NULL, 0, 1, START, START + profile.length_ns, UINT64_MAX, seed, 0};
}

static const unsigned parts[] = {1, 2, 3, 7, 64, 1000};

/* Every kind of segment plans what it says, over any number of parts, with and without an end by time. */
static void test_counts_of_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {"hold 5000 for 2s", 10000},
        {"hold 333.3 for 3s", 1000}, /* 999.9: the plans 0 .. 999 lie before the end */
        {"ramp 1000..3000 over 2s", 4000},
        {"ramp 3000..0 over 2s", 3000},
        {"step 1000..3000 by 1000 every 1s", 6000},
        {"spike 100..5000 at 1s for 1s", 5200},
        {"sine 0..2000 every 1s for 3s", 3000},
        {"hold 100 for 1s, hold 0 for 2s, ramp 0..1000 over 1s", 600},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++)
        for (unsigned p = 0; p < LENGTH_OF(parts); p++)
            for (unsigned ends = 0; ends < 2; ends++) {
                struct schedule_plan mine = plan_along(ARRIVALS_CONSTANT, rows[i].text, 1);
                mine.end_ns = ends ? mine.end_ns : UINT64_MAX;
                struct merged merged = merge_parts(mine, parts[p]);
                if (merged.count != rows[i].count)
                    fail_msg("%s: %zu planned in %u parts", rows[i].text, merged.count, parts[p]);
                for (size_t k = 0; k < merged.count; k++)
                    assert_true(fabs(merged.offsets[k] * 1e9 - profile_offset_ns(&profile, (double)k)) <= 1);
                free(merged.offsets);
            }
}

/* Nothing is planned behind a profile's end, be the run's end as late as it may; and a limit cuts it short. */
static void test_behind_the_end(void **state)
{
    (void)state;
    static const enum arrivals all[] = {ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_JITTER};
    for (unsigned i = 0; i < LENGTH_OF(all); i++) {
        struct schedule_plan mine = plan_along(all[i], "ramp 0..2000 over 1s", 5);
        mine.end_ns = START + 100 * SECOND;
        struct merged merged = merge_parts(mine, 3);
        assert_true(merged.count > 800 && merged.count < 1200);
        assert_true(merged.offsets[merged.count - 1] <= 1);
        free(merged.offsets);
        mine.limit = 7;
        merged = merge_parts(mine, 3);
        assert_int_equal(merged.count, 21);
        free(merged.offsets);
    }
}

/* ---- Poisson ---- */

/* p of a sample of exponential gaps with mean 1: Kolmogorov's distribution, with Stephens' correction for its size. */
static double kolmogorov_p(double *gaps, size_t count)
{
    double worst = 0, root = sqrt((double)count), p = 0;
    qsort(gaps, count, sizeof(*gaps), compare_doubles);
    for (size_t i = 0; i < count; i++) {
        double expected = 1 - exp(-gaps[i]);
        worst = fmax(worst, fmax(fabs(expected - (double)i / (double)count), fabs(expected - (double)(i + 1) / (double)count)));
    }
    double x = (root + 0.12 + 0.11 / root) * worst;
    for (int k = 1; k <= 100; k++)
        p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return fmin(p, 1);
}

static const uint64_t seeds[] = {1, 42, 20261121, 0xfeedface};

static double poisson_p(struct schedule_plan mine, unsigned count_of_parts, double expected)
{
    struct merged merged = merge_parts(mine, count_of_parts);
    assert_true(fabs((double)merged.count - expected) < 4.5 * sqrt(expected));
    double before = 0;
    for (size_t i = 0; i < merged.count; i++) { /* back to a rate of 1 */
        double planned = profile_planned(&profile, (uint64_t)llround(merged.offsets[i] * 1e9));
        merged.offsets[i] = planned - before;
        before = planned;
    }
    double p = kolmogorov_p(merged.offsets, merged.count);
    free(merged.offsets);
    return p;
}

static void test_poisson_gaps(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 3, 64};
    static const struct {
        const char *text;
        double expected;
    } rows[] = {{"hold 10000 for 2s", 20000},
                {"ramp 0..20000 over 2s", 20000},
                {"sine 0..10000 every 1s for 4s", 20000},
                {"step 1000..9000 by 4000 every 1s", 15000}};
    for (unsigned i = 0; i < LENGTH_OF(rows); i++)
        for (unsigned t = 0; t < LENGTH_OF(threads); t++)
            for (unsigned s = 0; s < LENGTH_OF(seeds); s++) {
                double p = poisson_p(plan_along(ARRIVALS_POISSON, rows[i].text, seeds[s]), threads[t], rows[i].expected);
                if (!(p > .001))
                    fail_msg("%s, %u parts, seed %llu: p = %g", rows[i].text, threads[t], (unsigned long long)seeds[s], p);
            }
}

/* The test above can fail: constant gaps, and ones that are 5 % too long, do. */
static void test_poisson_test_can_fail(void **state)
{
    (void)state;
    assert_true(poisson_p(plan_along(ARRIVALS_CONSTANT, "hold 10000 for 2s", 1), 3, 20000) < 1e-6);
    struct merged merged = merge_parts(plan_along(ARRIVALS_POISSON, "hold 10000 for 2s", 1), 1);
    for (size_t i = merged.count - 1; i > 0; i--)
        merged.offsets[i] = (merged.offsets[i] - merged.offsets[i - 1]) * 10500;
    assert_true(kolmogorov_p(merged.offsets + 1, merged.count - 1) < .001);
    free(merged.offsets);
}

/* Counts by the tenth of a second, against what the profile plans in it. */
static double counts_p(const struct merged *merged)
{
    uint64_t width = SECOND / 10, bins = profile.length_ns / width;
    double *counts = calloc(bins, sizeof(*counts)), x = 0;
    assert_non_null(counts);
    for (size_t i = 0; i < merged->count; i++)
        counts[(size_t)fmin(merged->offsets[i] * 10, (double)bins - 1)]++;
    for (uint64_t i = 0; i < bins; i++) {
        double expected = profile_planned(&profile, (i + 1) * width) - profile_planned(&profile, i * width);
        assert_true(expected >= 5);
        x += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    free(counts);
    return gsl_cdf_chisq_Q(x, (double)bins);
}

static void test_poisson_follows_the_profile(void **state)
{
    (void)state;
    static const char *const texts[] = {"ramp 100..3000 over 10s", "ramp 3000..100 over 5s", "sine 200..3000 every 2s for 7s"};
    for (unsigned i = 0; i < LENGTH_OF(texts); i++)
        for (unsigned s = 0; s < LENGTH_OF(seeds); s++) {
            struct merged merged = merge_parts(plan_along(ARRIVALS_POISSON, texts[i], seeds[s]), 3);
            double p = counts_p(&merged);
            if (!(p > .001 && p < .999))
                fail_msg("%s, seed %llu: p = %g", texts[i], (unsigned long long)seeds[s], p);
            free(merged.offsets);
        }
}

/* ---- jitter ---- */

/* Plan k lies between the places that plans k and k+1 of the constant schedule have, and anywhere there alike. */
static void test_jitter_stays_in_its_cell(void **state)
{
    (void)state;
    static const char *const texts[] = {"hold 5000 for 2s", "ramp 0..10000 over 2s", "sine 100..10000 every 1s for 2s"};
    for (unsigned i = 0; i < LENGTH_OF(texts); i++)
        for (unsigned p = 0; p < LENGTH_OF(parts); p++) {
            struct merged merged = merge_parts(plan_along(ARRIVALS_JITTER, texts[i], 9), parts[p]);
            double total = profile_total(&profile), x = 0, tenths[10] = {0};
            assert_true((double)merged.count >= floor(total) && (double)merged.count <= ceil(total));
            for (size_t k = 0; k < merged.count; k++) {
                double number = profile_planned(&profile, (uint64_t)llround(merged.offsets[k] * 1e9));
                assert_true(number > (double)k - 1e-3 && number < (double)k + 1 + 1e-3);
                tenths[(size_t)fmax(0, fmin((number - (double)k) * 10, 9))]++;
            }
            for (unsigned t = 0; t < 10; t++)
                x += pow(tenths[t] - (double)merged.count / 10, 2) / ((double)merged.count / 10);
            assert_true(gsl_cdf_chisq_Q(x, 9) > .001);
            free(merged.offsets);
        }
}

/* ---- traces ---- */

static void test_trace_is_dealt_like_cards(void **state)
{
    (void)state;
    uint64_t offsets[1000];
    struct trace trace = {offsets, LENGTH_OF(offsets)};
    for (unsigned i = 0; i < LENGTH_OF(offsets); i++)
        offsets[i] = (uint64_t)i * i / 3 * 1000; /* some at the same moment */
    struct schedule_plan mine = {ARRIVALS_TRACE, NULL, &trace, 0, 1, START, UINT64_MAX, UINT64_MAX, 1, 1};
    for (unsigned p = 0; p < LENGTH_OF(parts); p++) {
        struct merged merged = merge_parts(mine, parts[p]);
        assert_int_equal(merged.count, LENGTH_OF(offsets));
        for (unsigned i = 0; i < LENGTH_OF(offsets); i++)
            assert_int_equal(llround(merged.offsets[i] * 1e9), offsets[i]);
        free(merged.offsets);
    }
    for (mine.part = 0, mine.parts = 3; mine.part < 3; mine.part++) {
        struct schedule schedule;
        schedule_init(&schedule, &mine);
        for (unsigned i = mine.part; i < LENGTH_OF(offsets); i += 3, schedule_advance(&schedule))
            assert_int_equal(schedule.next_ns, START + offsets[i]);
        assert_int_equal(schedule.next_ns, UINT64_MAX);
        assert_int_equal(schedule_drain(&schedule, NULL, NULL), 0);
    }
    mine.part = 0, mine.parts = 1, mine.end_ns = START + offsets[500];
    struct merged merged = merge_parts(mine, 1);
    assert_int_equal(merged.count, 500); /* the end is not part of it */
    free(merged.offsets);
}

/* ---- names ---- */

static void test_arrivals_by_name(void **state)
{
    (void)state;
    struct arrivals_choice choice;
    static const char *const refused[] = {"", "Constant", "trace", "trace:", "poisson ", "uniform", "jitter"};
    for (unsigned i = ARRIVALS_CONSTANT; i < ARRIVALS_TRACE; i++) {
        assert_int_equal(arrivals_parse(arrivals_names[i], &choice), 0);
        assert_int_equal(choice.kind, i);
        assert_null(choice.trace_file);
    }
    assert_int_equal(arrivals_parse("trace:a:b.txt", &choice), 0);
    assert_int_equal(choice.kind, ARRIVALS_TRACE);
    assert_string_equal(choice.trace_file, "a:b.txt");
    for (unsigned i = 0; i < LENGTH_OF(refused); i++)
        assert_int_equal(arrivals_parse(refused[i], &choice), -EINVAL);
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
        cmocka_unit_test(test_constant_interleaves),
        cmocka_unit_test(test_limit_and_end),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_counts_of_profiles),
        cmocka_unit_test(test_behind_the_end),
        cmocka_unit_test(test_poisson_gaps),
        cmocka_unit_test(test_poisson_test_can_fail),
        cmocka_unit_test(test_poisson_follows_the_profile),
        cmocka_unit_test(test_jitter_stays_in_its_cell),
        cmocka_unit_test(test_trace_is_dealt_like_cards),
        cmocka_unit_test(test_arrivals_by_name),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_shares),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    profile_close(&profile);
    return failed;
}
