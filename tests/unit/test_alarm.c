/*
 * Alarms: they ring in order of their time, not of their setting; cancelled ones never do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/alarm.h"

#define ALARMS 300

static struct alarm_clock alarms;

struct probe {
    struct alarm alarm;
    unsigned *rung;
    unsigned wanted;
    bool early;
};

static void on_ring(struct alarm *alarm)
{
    struct probe *probe = (struct probe *)alarm;
    probe->early = clock_now_ns() < alarm->due_ns;
    (*probe->rung)++;
    if (*probe->rung == probe->wanted)
        alarm_clock_close(&alarms, NULL);
}

static void test_ring_in_order_unless_cancelled(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct probe probes[ALARMS];
    struct random random;
    unsigned rung = 0, kept = 0;
    uint64_t begin_ns = clock_now_ns();
    random_init(&random, 11);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(alarm_clock_init(&alarms, &loop), 0);
    for (unsigned i = 0; i < ALARMS; i++) {
        probes[i] = (struct probe){.alarm = {.ring = on_ring}, .rung = &rung};
        assert_int_equal(alarm_set(&alarms, &probes[i].alarm, begin_ns + random_below(&random, 20 * CLOCK_NS_PER_MS)), 0);
    }
    for (unsigned i = 0; i < ALARMS; i++) {
        if (i % 3 == 0)
            alarm_cancel(&alarms, &probes[i].alarm);
        else
            kept++;
        if (i % 5 == 1)
            assert_int_equal(alarm_set(&alarms, &probes[i].alarm, begin_ns + random_below(&random, 20 * CLOCK_NS_PER_MS)), 0);
    }
    kept = 0;
    for (unsigned i = 0; i < ALARMS; i++)
        kept += probes[i].alarm.position > 0;
    assert_int_equal(kept, alarms.count);
    for (unsigned i = 0; i < ALARMS; i++)
        probes[i].wanted = kept;
    for (unsigned i = 1; i < alarms.count; i++) /* a parent is never later than its child */
        assert_true(alarms.heap[(i + 1) / 2 - 1]->due_ns <= alarms.heap[i]->due_ns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(rung, kept);
    for (unsigned i = 0; i < ALARMS; i++)
        assert_false(probes[i].early);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_past_rings_at_once(void **state)
{
    (void)state;
    uv_loop_t loop;
    unsigned rung = 0;
    struct probe probe = {.alarm = {.ring = on_ring}, .rung = &rung, .wanted = 1};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(alarm_clock_init(&alarms, &loop), 0);
    assert_int_equal(alarm_set(&alarms, &probe.alarm, 0), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(rung, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_in_order_unless_cancelled),
        cmocka_unit_test(test_past_rings_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
