/* Schedules of faults: what is understood, in which order it is due, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness/schedule.h"

#define S(n) ((n)*CLOCK_NS_PER_S)

static void test_reads_every_kind(void **state)
{
    (void)state;
    struct schedule schedule;
    char error[SCHEDULE_ERROR_SIZE];
    const char *text =
        "at 3s kill worker 1, at 4s stop backend 2 for 2s,at 500ms stop front 0, at 5s   reload , at 6s scale 4, "
        "at 7s slow worker 3 x2.5 for 1.5s, at 1s slow server x10, at 2s drain worker 1, every 1s stop server for 5ms";
    static const char *const spelt[] = {
        "kill worker 1",   "stop worker 2 for 2s", "stop front 0",       "reload", "scale 4", "slow worker 3 x2.5 for 1500ms",
        "slow server x10", "drain worker 1",       "stop server for 5ms"};
    assert_int_equal(schedule_parse(&schedule, text, error), 0);
    assert_int_equal(schedule.count, sizeof(spelt) / sizeof(*spelt));
    for (unsigned i = 0; i < schedule.count; i++)
        assert_string_equal(schedule.faults[i].text, spelt[i]);
    assert_int_equal(schedule.faults[1].target, TARGET_WORKER);
    assert_int_equal(schedule.faults[1].number, 2);
    assert_int_equal(schedule.faults[1].at_ns, S(4));
    assert_int_equal(schedule.faults[1].for_ns, S(2));
    assert_int_equal(schedule.faults[2].target, TARGET_FRONT);
    assert_int_equal(schedule.faults[4].number, 4);
    assert_true(schedule.faults[5].factor == 2.5);
    assert_false(schedule.faults[7].repeats);
    assert_true(schedule.faults[8].repeats && schedule.faults[8].target == TARGET_SERVER);
    schedule_free(&schedule);
}

static void test_occasions_in_order(void **state)
{
    (void)state;
    struct schedule schedule;
    struct occasion *occasions;
    char error[SCHEDULE_ERROR_SIZE];
    assert_int_equal(schedule_parse(&schedule, "at 2500ms stop worker 0, every 1s reload, at 2s kill worker 1", error), 0);
    assert_int_equal(schedule_check(&schedule, S(4), 2, error), 0);
    static const struct {
        uint64_t at_ms, until_ms;
        enum fault_kind kind;
    } wanted[] = {{1000, 1000, FAULT_RELOAD},
                  {2000, 2000, FAULT_RELOAD},
                  {2000, 2000, FAULT_KILL},
                  {2500, 4000, FAULT_STOP},
                  {3000, 3000, FAULT_RELOAD}}; /* not at 4s: that is the end */
    unsigned count = schedule_occasions(&schedule, S(4), &occasions);
    assert_int_equal(count, sizeof(wanted) / sizeof(*wanted));
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(occasions[i].at_ns, wanted[i].at_ms * CLOCK_NS_PER_MS);
        assert_int_equal(occasions[i].until_ns, wanted[i].until_ms * CLOCK_NS_PER_MS);
        assert_int_equal(occasions[i].fault->kind, wanted[i].kind);
    }
    free(occasions);
    schedule_free(&schedule);
}

static void test_hurries(void **state)
{
    (void)state;
    struct schedule schedule;
    char error[SCHEDULE_ERROR_SIZE];
    assert_int_equal(schedule_parse(&schedule, "at 2s stop worker 0 for 1s", error), 0);
    schedule_hurry(&schedule, 5);
    assert_int_equal(schedule.faults[0].at_ns, 400 * CLOCK_NS_PER_MS);
    assert_string_equal(schedule.faults[0].text, "stop worker 0 for 200ms");
    schedule_free(&schedule);
}

static void test_refuses_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "event '': it is empty; use at|every TIME, then kill|stop|slow TARGET"},
        {"at 1s reload,, at 2s reload", "event '': it is empty; use at|every TIME"},
        {"3s kill worker 1", "event '3s kill worker 1': it begins with '3s'; use at|every TIME, then kill"},
        {"at 3 kill worker 1", "event 'at 3 kill worker 1': '3' stands behind at; use a time such as 500ms or 3s, up to 1h"},
        {"at 0 reload", "'0' stands behind at"},
        {"every", "'' stands behind every; use a time"},
        {"at 1s", "event 'at 1s': '' is not known; use at|every TIME"},
        {"at 1s murder worker 1", "'murder' is not known; use at|every TIME"},
        {"at 1s kill", "'' cannot be the target of kill; use worker N, backend N, front N or server"},
        {"at 1s kill worker", "'' is no worker; use 0..1023"},
        {"at 1s kill worker -1", "'-1' is no worker; use 0..1023"},
        {"at 1s kill worker 1 for 2s", "'for' is one word too many"},
        {"at 1s drain server", "'server' cannot be the target of drain; use worker N"},
        {"at 1s drain front 0", "'front' cannot be the target of drain; use worker N"},
        {"at 1s stop worker 1 for", "'' stands behind for; use a time"},
        {"at 1s stop worker 1 for ever", "'ever' stands behind for; use a time"},
        {"at 1s stop worker 1 2s", "'2s' is one word too many"},
        {"at 1s slow worker 1", "'' does not say how slow; use x2, x10, ... up to x100"},
        {"at 1s slow worker 1 x1", "'x1' does not say how slow"},
        {"at 1s slow worker 1 xnan", "'xnan' does not say how slow"},
        {"at 1s slow worker 1 x101", "'x101' does not say how slow"},
        {"at 1s scale", "'' is no number of workers; use 1..1024"},
        {"at 1s scale 0", "'0' is no number of workers; use 1..1024"},
        {"at 1s reload now", "'now' is one word too many"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct schedule schedule;
        char error[SCHEDULE_ERROR_SIZE] = "";
        if (schedule_parse(&schedule, cases[i].text, error) == 0)
            fail_msg("'%s' is taken", cases[i].text);
        if (!strstr(error, cases[i].message))
            fail_msg("'%s': %s", cases[i].text, error);
        schedule_free(&schedule);
    }
}

static void test_refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message; /* message NULL: it fits */
    } cases[] = {
        {"at 4s reload", "event 'reload' comes at 4s, but the measured time is 4s; use a time before its end"},
        {"at 3s stop worker 0 for 2s", "event 'stop worker 0 for 2s' at 3s ends after the measured time of 4s; use a shorter one"},
        {"every 1s stop worker 0 for 2s", "event 'stop worker 0 for 2s' lasts longer than the 1s after which it comes again"},
        {"at 1s kill worker 2", "event 'kill worker 2': there are 2 workers; use worker 0..1"},
        {"at 1s scale 3, at 2s kill worker 2", NULL},
        {"at 1s kill front 7", NULL}, /* how many there are is not the plan's */
        {"at 1s stop worker 0, at 2s slow worker 0 x2", "event 'slow worker 0 x2' begins before 'stop worker 0' is over"},
        {"at 1s stop worker 0, at 2s stop server for 1s", "event 'stop server for 1s' begins before 'stop worker 0' is over"},
        {"at 1s stop worker 0, at 2s stop worker 1, at 3s kill worker 0", NULL},
        {"at 1s stop worker 0 for 1s, at 2s stop worker 0 for 1s", NULL},
        {"at 1s stop worker 0, at 2s stop front 0", NULL},
        {"every 1ms reload", "the events come to more than 1000; let them come less often"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct schedule schedule;
        char error[SCHEDULE_ERROR_SIZE] = "";
        assert_int_equal(schedule_parse(&schedule, cases[i].text, error), 0);
        int result = schedule_check(&schedule, S(4), 2, error);
        if ((result == 0) != !cases[i].message || (cases[i].message && !strstr(error, cases[i].message)))
            fail_msg("'%s': %d %s", cases[i].text, result, error);
        schedule_free(&schedule);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_kind), cmocka_unit_test(test_occasions_in_order),        cmocka_unit_test(test_hurries),
        cmocka_unit_test(test_refuses_words),    cmocka_unit_test(test_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
