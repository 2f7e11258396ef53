/*
 * Times between fixed edges, and which answers are timed.
 */
#include "support.h"

#include "base/timings.h"
#include "cluster/sampler.h"

#define US CLOCK_NS_PER_US
#define MS CLOCK_NS_PER_MS
#define S  CLOCK_NS_PER_S

static void edges_are_preferred_numbers(void **state)
{
    (void)state;
    assert_int_equal(timings_edge_ns(0), US);
    assert_int_equal(timings_edge_ns(TIMINGS_EDGES - 1), 100 * S);
    for (unsigned i = 1; i < TIMINGS_EDGES; i++) {
        double step = (double)timings_edge_ns(i) / (double)timings_edge_ns(i - 1);
        assert_true(step > 1.04 && step < 1.08);
    }
    for (unsigned i = 0; i + TIMINGS_DECADE < TIMINGS_EDGES; i++)
        assert_int_equal(timings_edge_ns(i + TIMINGS_DECADE), 10 * timings_edge_ns(i));
    for (uint64_t unit = US; unit < 100 * S; unit *= 10) { /* what /metrics shows */
        assert_int_equal(timings_edge_ns(timings_place(unit)), unit);
        assert_int_equal(timings_edge_ns(timings_place(unit * 5 / 2)), unit * 5 / 2);
        assert_int_equal(timings_edge_ns(timings_place(unit * 5)), unit * 5);
    }
}

static void a_time_belongs_below_its_edge(void **state)
{
    (void)state;
    assert_int_equal(timings_place(0), 0);
    for (unsigned i = 0; i < TIMINGS_EDGES; i++) {
        assert_int_equal(timings_place(timings_edge_ns(i)), i);
        assert_int_equal(timings_place(timings_edge_ns(i) + 1), i + 1);
    }
    assert_int_equal(timings_place(UINT64_MAX), TIMINGS_COUNTS - 1);
}

static void assert_close(double got, double wanted)
{
    if (got < wanted * 0.94 || got > wanted * 1.07)
        fail_msg("%f, wanted %f to 6 %%", got, wanted);
}

static void percentiles_are_within_six_percent(void **state)
{
    (void)state;
    static struct timings timings;
    memset(&timings, 0, sizeof timings);
    assert_true(timings_percentile_ns(&timings, 50) == 0);
    for (uint64_t i = 1; i <= 10000; i++)
        timings_note(&timings, i * 3 * US, 1);
    assert_int_equal(timings_count(&timings), 10000);
    assert_int_equal(counter_read(&timings.sum_ns), 3 * US * 10000 * 10001 / 2);
    assert_close(timings_percentile_ns(&timings, 1), 300 * US);
    assert_close(timings_percentile_ns(&timings, 50), 15 * MS);
    assert_close(timings_percentile_ns(&timings, 99), 29.7 * MS);
    assert_close(timings_percentile_ns(&timings, 100), 30 * MS);
}

static void ranks_are_rounded_up(void **state)
{
    (void)state;
    static struct timings timings;
    memset(&timings, 0, sizeof timings);
    timings_note(&timings, 5 * MS, 98);
    timings_note(&timings, 1 * S, 2);
    assert_close(timings_percentile_ns(&timings, 98), 5 * MS);
    assert_close(timings_percentile_ns(&timings, 98.01), 1 * S);
    assert_close(timings_percentile_ns(&timings, 99), 1 * S);
}

static void beyond_the_last_edge_is_the_last_edge(void **state)
{
    (void)state;
    static struct timings timings;
    memset(&timings, 0, sizeof timings);
    timings_note(&timings, 1000 * S, 3);
    assert_true(timings_percentile_ns(&timings, 50) == (double)(100 * S));
    assert_int_equal(timings_count(&timings), 3);
    assert_int_equal(timings_count_up_to(&timings, 100 * S), 0);
}

static void counts_up_to_an_edge_and_sums(void **state)
{
    (void)state;
    static struct timings one, both;
    memset(&one, 0, sizeof one);
    memset(&both, 0, sizeof both);
    timings_note(&one, 1 * MS, 4);
    timings_note(&one, 1 * MS + 1, 2);
    assert_int_equal(timings_count_up_to(&one, 1 * MS), 4);
    assert_int_equal(timings_count_up_to(&one, 5 * MS / 2), 6);
    timings_add(&both, &one);
    timings_add(&both, &one);
    assert_int_equal(timings_count(&both), 12);
    assert_int_equal(counter_read(&both.sum_ns), 12 * MS + 4);
}

/* Gives `count` answers as a worker does, `slow_every`-th ones taking a second by a clock of our own: sampler_note reads the real
 * one, so here its two halves are carried out apart. */
static void answer_many(struct sampler *sampler, struct timings *timings, unsigned count, unsigned slow_every, unsigned *timed)
{
    for (unsigned i = 0; i < count; i++) {
        if (!sampler_is_due(sampler)) {
            sampler_skip(sampler);
            continue;
        }
        timings_note(timings, i % slow_every == 0 ? S : US, sampler->gap);
        sampler_draw(sampler);
        ++*timed;
    }
}

static void sampled_counts_add_up(void **state)
{
    (void)state;
    static struct timings timings;
    struct sampler sampler;
    unsigned timed = 0;
    memset(&timings, 0, sizeof timings);
    sampler_init(&sampler, 1);
    answer_many(&sampler, &timings, 1, 2, &timed);
    assert_int_equal(timings_count(&timings), 1); /* the very first shows at once */
    answer_many(&sampler, &timings, 165000, 7, &timed);
    assert_in_range(165001 - timings_count(&timings), 0, 31);
    assert_in_range(timed, 9500, 10500); /* one in 16.5 */
}

/* Every 16th request is slow: a fixed stride of 16 would see all of them or none. */
static void no_rhythm_falls_in_with_the_samples(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 8; seed++) {
        static struct timings timings;
        struct sampler sampler;
        unsigned timed = 0;
        memset(&timings, 0, sizeof timings);
        sampler_init(&sampler, seed);
        answer_many(&sampler, &timings, 1600000, 16, &timed);
        uint64_t slow = timings_count(&timings) - timings_count_up_to(&timings, MS);
        assert_in_range(slow, 90000, 110000); /* 100,000 of 1,600,000 */
    }
}

static void a_sample_reads_the_clock(void **state)
{
    (void)state;
    static struct timings timings;
    struct sampler sampler;
    memset(&timings, 0, sizeof timings);
    sampler_init(&sampler, 1);
    assert_true(sampler_is_due(&sampler));
    sampler_note(&sampler, &timings, clock_now_ns() - 20 * S);
    assert_int_equal(timings_count_up_to(&timings, 19 * S), 0);
    assert_int_equal(timings_count(&timings), 1);
    assert_in_range(sampler.gap, 1, 32);
    assert_int_equal(sampler.left, sampler.gap);
    sampler.left = 1;
    sampler.gap = 7;
    sampler_note(&sampler, &timings, clock_now_ns() - 20 * S);
    assert_int_equal(timings_count(&timings), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_preferred_numbers),
        cmocka_unit_test(a_time_belongs_below_its_edge),
        cmocka_unit_test(percentiles_are_within_six_percent),
        cmocka_unit_test(ranks_are_rounded_up),
        cmocka_unit_test(beyond_the_last_edge_is_the_last_edge),
        cmocka_unit_test(counts_up_to_an_edge_and_sums),
        cmocka_unit_test(sampled_counts_add_up),
        cmocka_unit_test(no_rhythm_falls_in_with_the_samples),
        cmocka_unit_test(a_sample_reads_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
