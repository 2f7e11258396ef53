/* Counters: sums, the order of the table, and a reader beside the one writer. */
#include "support.h"

#include "base/counters.h"

#include <pthread.h>

static void sums_field_by_field(void **state)
{
    struct counters into = {0}, from = {0};

    (void)state;
    counter_set(&into.accepted, 1);
    counter_set(&from.accepted, 2);
    counter_set(&from.upstream_connects, 40);
    counter_add(&into.active, (uint64_t)-1);
    counter_add(&from.active, 3);
    counters_add(&into, &from);
    assert_int_equal(counter_read(&into.accepted), 3);
    assert_int_equal(counter_read(&into.upstream_connects), 40);
    assert_int_equal(counter_read(&into.active), 2);
    assert_int_equal(counter_read(&from.accepted), 2);
}

struct visit {
    unsigned count;
    const char *first, *last;
    uint64_t sum;
};

static void remember(void *context, const char *name, uint64_t value)
{
    struct visit *visit = context;

    visit->first = visit->count++ == 0 ? name : visit->first;
    visit->last = name;
    visit->sum += value;
}

static void each_in_the_tables_order(void **state)
{
    struct counters counters = {0};
    struct visit visit = {0};

    (void)state;
    counter_set(&counters.requests, 5);
    counter_set(&counters.busy_ns, 7);
    counters_each(&counters, remember, &visit);
    assert_int_equal(visit.count, sizeof(struct counters) / sizeof(uint64_t));
    assert_string_equal(visit.first, "accepted");
    assert_string_equal(visit.last, "access_lines_dropped");
    assert_int_equal(visit.sum, 12);
}

#define STEPS 200000

static void *count_up(void *argument)
{
    for (int i = 0; i < STEPS; i++)
        counter_add(argument, 1);
    return NULL;
}

static void reader_beside_a_writer(void **state)
{
    struct counters counters = {0};
    uint64_t before = 0, now;
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, count_up, &counters.requests), 0);
    for (int i = 0; i < STEPS; i++, before = now) {
        now = counter_read(&counters.requests);
        assert_true(now >= before);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(counter_read(&counters.requests), STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_field_by_field),
        cmocka_unit_test(each_in_the_tables_order),
        cmocka_unit_test(reader_beside_a_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
