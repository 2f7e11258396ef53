/* The clocks: order and lower bounds only. How fast the machine is, or how late a sleep ends, is nobody's promise. */
#include "support.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/time.h>

static void now_never_goes_back(void **state)
{
    uint64_t before = clock_now_ns(), now;

    (void)state;
    for (int i = 0; i < 100000; i++, before = now) {
        now = clock_now_ns();
        assert_true(now >= before);
    }
}

static void sleep_lasts_until_its_deadline(void **state)
{
    uint64_t deadline = clock_now_ns() + 20 * CLOCK_NS_PER_MS;

    (void)state;
    clock_sleep_until_ns(deadline);
    assert_true(clock_now_ns() >= deadline);
}

static void past_deadline_returns(void **state)
{
    (void)state;
    clock_sleep_until_ns(0);
    clock_sleep_until_ns(clock_now_ns() - 1);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void signals_do_not_shorten_a_sleep(void **state)
{
    struct sigaction action = {.sa_handler = count_signal}, former;
    struct itimerval timer = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    uint64_t deadline;

    (void)state;
    signals = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &former), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    deadline = clock_now_ns() + 30 * CLOCK_NS_PER_MS;
    clock_sleep_until_ns(deadline);
    assert_true(clock_now_ns() >= deadline);
    assert_true(signals > 0);
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &former, NULL), 0);
}

/* CPU time passes while working, and hardly while sleeping: less than the sleep is enough to know. */
static void cpu_time_is_not_wall_time(void **state)
{
    uint64_t before = clock_thread_cpu_ns(), slept;

    (void)state;
    while (clock_thread_cpu_ns() - before < CLOCK_NS_PER_MS)
        ;
    before = clock_thread_cpu_ns();
    clock_sleep_until_ns(clock_now_ns() + 50 * CLOCK_NS_PER_MS);
    slept = clock_thread_cpu_ns() - before;
    assert_true(slept < 50 * CLOCK_NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_never_goes_back),       cmocka_unit_test(sleep_lasts_until_its_deadline),
        cmocka_unit_test(past_deadline_returns),     cmocka_unit_test(signals_do_not_shorten_a_sleep),
        cmocka_unit_test(cpu_time_is_not_wall_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
