/* The heap of timers against a plain array that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadgen/engine/engine.h"

#define COUNT 64

static uint64_t earliest(const struct timer *all)
{
    uint64_t when = UINT64_MAX;
    for (unsigned i = 0; i < COUNT; i++)
        if (all[i].position && all[i].when_ns < when)
            when = all[i].when_ns;
    return when;
}

static void test_against_an_array(void **state)
{
    (void)state;
    struct timer all[COUNT] = {{0, 0}};
    struct timers timers;
    struct random random;
    random_init(&random, 5);
    assert_int_equal(timers_init(&timers, COUNT), 0);
    assert_int_equal(timers_next_ns(&timers), UINT64_MAX);
    for (unsigned round = 0; round < 50000; round++) {
        struct timer *one = &all[random_below(&random, COUNT)];
        switch (random_below(&random, 4)) {
        case 0:
        case 1:
            timers_set(&timers, one, random_below(&random, 1000));
            break;
        case 2:
            timers_cancel(&timers, one);
            break;
        default: {
            uint64_t first = earliest(all), now = random_below(&random, 1000);
            struct timer *due = timers_take_due(&timers, now);
            assert_int_equal(due != NULL, first <= now);
            if (due) {
                assert_int_equal(due->when_ns, first);
                assert_int_equal(due->position, 0);
            }
        }
        }
        assert_int_equal(timers_next_ns(&timers), earliest(all));
    }
    timers_close(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_an_array)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
