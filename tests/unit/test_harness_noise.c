/* Which blocks count: readings with planted noise, on both sides of each edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/census.h"
#include "harness/doctor.h"
#include "harness/machine.h"
#include "harness/noise.h"

#define MS   UINT64_C(1000000)
#define TICK (10 * MS)

/* A block of 100 s on two CPUs of which ours used one second. */
static struct noise_reading quiet(void)
{
    return (struct noise_reading){
        .wall_ns = 100000 * MS, .all_ns = 200000 * MS, .busy_ns = 1000 * MS, .own_ns = 1000 * MS, .steal_ns = 0, .others_ns = 0};
}

static void expect(const struct noise_reading *sums, const char *part_of_reason)
{
    struct noise noise = noise_of(sums, TICK);
    char *reason = noise_objection(&noise);
    if (part_of_reason) {
        assert_non_null(reason);
        assert_non_null(strstr(reason, part_of_reason));
    } else {
        assert_null(reason);
    }
    free(reason);
}

static void test_steal(void **state)
{
    (void)state;
    struct noise_reading sums = quiet();
    sums.steal_ns = 4000 * MS; /* 2 % of two CPUs */
    expect(&sums, NULL);
    sums.steal_ns = 4100 * MS;
    expect(&sums, "steal 2.0");
    sums.busy_ns = 200000 * MS;
    expect(&sums, "is above 2 %; foreign CPU ");
}

static void test_foreign_processes(void **state)
{
    (void)state;
    struct noise_reading sums = quiet();
    sums.busy_ns += 6000 * MS;
    sums.others_ns = 5000 * MS + 2 * TICK; /* two ticks are rounding */
    expect(&sums, NULL);
    sums.others_ns += 100 * MS;
    expect(&sums, "foreign CPU 5.1 %");
}

/* More than the CPUs worked cannot have been: 1 s of interrupts and 2.12 s that sampling may hide. */
static void test_processes_seen_twice(void **state)
{
    (void)state;
    struct noise_reading sums = quiet();
    sums.others_ns = 600000 * MS;
    expect(&sums, NULL);
    sums.interrupts_ns = 1000 * MS;
    assert_true(noise_of(&sums, TICK).by_processes_percent > 3.1 && noise_of(&sums, TICK).by_processes_percent < 3.13);
    sums.interrupts_ns = 3000 * MS;
    expect(&sums, "foreign CPU 5.1 %");
}

/* 20,000 looks: three standard deviations are 3 * sqrt(20000) / 2 = 212 ticks. */
static void test_foreign_of_the_machine(void **state)
{
    (void)state;
    struct noise_reading sums = quiet();
    sums.busy_ns = sums.own_ns + 7100 * MS;
    expect(&sums, NULL);
    sums.busy_ns = sums.own_ns + 7200 * MS;
    expect(&sums, "foreign CPU 5.1 %");
    struct noise noise = noise_of(&sums, TICK);
    assert_true(noise.by_processes_percent == 0);
    assert_true(noise.foreign_percent == noise.by_machine_percent);
}

/* Our own work is never foreign, however much it is; nor is a kernel that counts less of it than we do. */
static void test_own_work(void **state)
{
    (void)state;
    struct noise_reading sums = quiet();
    sums.busy_ns = sums.own_ns = 199000 * MS;
    expect(&sums, NULL);
    sums.own_ns += 20000 * MS;
    expect(&sums, NULL);
    assert_true(noise_of(&sums, TICK).foreign_percent == 0);
}

static void test_nothing_measured(void **state)
{
    (void)state;
    struct noise_reading sums = {0};
    expect(&sums, NULL);
}

/* Two sittings: what happened in between is in neither. */
static void test_sums(void **state)
{
    (void)state;
    struct noise_reading sums = {0}, a = quiet(), b = quiet(), again = {0};
    b.wall_ns += 10 * MS;
    b.others_ns += 3 * MS;
    b.own_ns -= MS; /* cannot be, and adds nothing */
    noise_add(&sums, &a, &b);
    a.wall_ns = 900000 * MS;
    b = a;
    b.wall_ns += 5 * MS;
    noise_add(&sums, &a, &b);
    assert_int_equal(sums.wall_ns, 15 * MS);
    assert_int_equal(sums.others_ns, 3 * MS);
    assert_int_equal(sums.own_ns, 0);
    json_t *json = noise_json(&sums);
    assert_int_equal(noise_from_json(&again, json), 0);
    assert_memory_equal(&again, &sums, sizeof(sums));
    json_object_del(json, "steal_ns");
    assert_true(noise_from_json(&again, json) < 0);
    json_decref(json);
}

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static double off(const char *readings_text, const json_t *blocks)
{
    json_t *readings = parse(readings_text);
    double percent = noise_calibration_off(readings, blocks);
    json_decref(readings);
    return percent;
}

static void test_calibration(void **state)
{
    (void)state;
    json_t *blocks = parse("[{\"calibration_us\":[[1000,2000]]},{\"calibration_us\":[[1010,2000]]},"
                           "{\"calibration_us\":[[1000,2120],[1000,2000]]},{\"number\":4}]");
    assert_float_equal(off("[[1000,2120]]", blocks), 6, 0.01);
    assert_float_equal(off("[[1010,2000]]", blocks), 1, 0.01);
    assert_float_equal(off("[[900,2000]]", blocks), 10, 0.01);                         /* faster is as far off as slower */
    assert_float_equal(off("[[1000,2120],[1000,2000],[1000,2000]]", blocks), 0, 1e-9); /* a moment */
    assert_float_equal(off("[[1000,2120],[1000,2000],[1000,2100]]", blocks), 5, 0.01); /* most of the block */
    assert_float_equal(off("[[1000,0],[1000,2000]]", blocks), 0, 1e-9);                /* not measured */
    assert_true(off("[]", blocks) == 0);
    assert_true(noise_calibration_off(NULL, blocks) == 0);
    json_array_remove(blocks, 3);
    json_array_remove(blocks, 1);
    assert_true(off("[[1000,2120]]", blocks) == 0); /* two blocks have no median to speak of */
    json_decref(blocks);
}

/* A block that was gone on with has more readings than others, but is one block. */
static void test_calibration_of_the_run(void **state)
{
    (void)state;
    json_t *blocks = parse("[{\"calibration_us\":[[1000]]},{\"calibration_us\":[[1000]]},"
                           "{\"calibration_us\":[[1100],[1100],[1100],[1100]]}]");
    assert_float_equal(off("[[1000]]", blocks), 0, 1e-9);
    assert_float_equal(off("[[1100],[1100],[1100],[1100]]", blocks), 10, 0.01);
    json_decref(blocks);
}

static void test_calibration_is_due(void **state)
{
    (void)state;
    static const struct {
        unsigned cells, times;
    } blocks[] = {{1, 1}, {2, 2}, {9, 9}, {10, 5}, {26, 9}, {49, 9}, {1000, 9}};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        unsigned times = 0;
        for (unsigned cell = 0; cell < blocks[i].cells; cell++)
            times += noise_calibration_due(cell, blocks[i].cells);
        assert_int_equal(times, blocks[i].times);
        assert_true(noise_calibration_due(0, blocks[i].cells));
    }
}

static void test_calibration_is_measured(void **state)
{
    (void)state;
    struct placement placement;
    struct cpu_list before, after;
    assert_int_equal(placement_choose(&placement), 0);
    assert_int_equal(cpus_allowed(&before), 0);
    json_t *us = noise_calibrate(&placement);
    assert_non_null(us);
    assert_int_equal(json_array_size(us), placement.together ? placement.server.count : before.count);
    for (size_t i = 0; i < json_array_size(us); i++)
        assert_true(json_real_value(json_array_get(us, i)) > 0);
    assert_int_equal(cpus_allowed(&after), 0);
    assert_int_equal(after.count, before.count); /* it runs everywhere again */
    json_decref(us);
}

static void test_retries(void **state)
{
    (void)state;
    assert_true(noise_another_block(6, 0, 0, 0));
    assert_true(noise_another_block(6, 0, 0, 5)); /* all planned ones run, whatever comes */
    assert_false(noise_another_block(6, 6, 0, 0));
    assert_true(noise_another_block(6, 5, 0, 1));
    assert_true(noise_another_block(6, 5, 0, 2));
    assert_false(noise_another_block(6, 2, 0, 4)); /* more than three, more than 30 % */
    assert_true(noise_another_block(20, 17, 0, 3));
    assert_false(noise_another_block(20, 16, 0, 4));
    assert_true(noise_another_block(6, 6, 1, 0)); /* a cell is missing in one of six */
    assert_false(noise_another_block(6, 7, 1, 0));
    assert_true(noise_another_block(6, 5, 1, 1));
    assert_false(noise_another_block(6, 6, 6, 0)); /* in each of them: another one would not have it either */
    assert_false(noise_another_block(6, 6, 3, 1));
    assert_false(noise_too_much(7, 3));
    assert_true(noise_too_much(6, 3));
    assert_false(noise_too_much(0, 0));
}

/* The longest of all courses that a run can take from here on. */
static unsigned longest(unsigned planned, unsigned accepted, unsigned lacking, unsigned rejected)
{
    if (!noise_another_block(planned, accepted, lacking, rejected))
        return accepted + rejected;
    const unsigned ends[] = {longest(planned, accepted + 1, lacking, rejected),
                             longest(planned, accepted + 1, lacking + 1, rejected),
                             longest(planned, accepted, lacking, rejected + 1)};
    unsigned most = ends[0] > ends[1] ? ends[0] : ends[1];
    return most > ends[2] ? most : ends[2];
}

static void test_repeats(void **state)
{
    (void)state;
    assert_int_equal(noise_repeats_most(2), 0);
    assert_int_equal(noise_repeats_most(6), 2);
    for (unsigned planned = 1; planned <= 9; planned++)
        assert_int_equal(longest(planned, 0, 0, 0), planned + noise_repeats_most(planned));
}

/* 1 - 2 (kernel); 1 - 10 - 11; 1 - 20: of us is what hangs below 10. */
static void test_census(void **state)
{
    (void)state;
    struct census_entry entries[] = {{.pid = 1, .with_children_ns = 1},
                                     {.pid = 2, .parent = 1, .kernel = true, .with_children_ns = 10},
                                     {.pid = 10, .parent = 1, .with_children_ns = 100},
                                     {.pid = 11, .parent = 10, .with_children_ns = 1000},
                                     {.pid = 20, .parent = 1, .with_children_ns = 10000},
                                     {.pid = 30, .parent = 99, .with_children_ns = 100000}};
    struct census census = {.entries = entries, .count = sizeof(entries) / sizeof(*entries)};
    assert_int_equal(census_others_ns(&census, 10), 110001);
}

/* A process that sleeps is found by its name; ours are not among the others. */
static void test_census_of_this_machine(void **state)
{
    (void)state;
    struct census census;
    bool found = false;
    assert_int_equal(census_take(&census), 0);
    for (unsigned i = 0; i < census.count; i++)
        found |= census.entries[i].pid == getpid() && !strcmp(census.entries[i].name, "test_harness_no");
    assert_true(found);
    census_free(&census);
}

static bool says(const struct names *lines, const char *line)
{
    return names_hold(lines, line);
}

static void test_machine_compare(void **state)
{
    (void)state;
    json_t *before = parse("{\"cpu\":{\"model\":\"A\",\"governor\":\"powersave\",\"turbo\":null},\"kernel\":\"Linux 6\","
                           "\"sha256\":{\"single\":\"0123456789abcdef\"},\"readings\":{\"loadavg\":\"1\",\"cgroup_throttled\":3,"
                           "\"cgroup_throttled_us\":1000}}"),
           *after = parse("{\"cpu\":{\"model\":\"A\",\"governor\":\"performance\"},\"kernel\":\"Linux 6\","
                          "\"sha256\":{\"single\":\"fedcba9876543210\"},\"somaxconn\":\"128\",\"readings\":{\"loadavg\":\"2\","
                          "\"cgroup_throttled\":5,\"cgroup_throttled_us\":3500}}");
    struct names identity = {0}, all = {0}, none = {0};
    machine_compare(before, after, MACHINE_IDENTITY, &identity);
    assert_int_equal(identity.count, 1);
    assert_true(says(&identity, "sha256.single: 0123456789ab, then fedcba987654"));
    machine_compare(before, after, MACHINE_EVERYTHING, &all);
    assert_int_equal(all.count, 4);
    assert_true(says(&all, "cpu.governor: powersave, then performance"));
    assert_true(says(&all, "somaxconn: nothing, then 128"));
    assert_true(says(&all, "the cgroup's CPU quota throttled 2 times, 2.5 ms in all"));
    machine_compare(before, before, MACHINE_EVERYTHING, &none);
    assert_int_equal(none.count, 0);
    names_free(&identity);
    names_free(&all);
    json_decref(before);
    json_decref(after);
}

static void test_grade(void **state)
{
    (void)state;
    assert_int_equal(doctor_grade(0, 0), 'A');
    assert_int_equal(doctor_grade(2, 0), 'B');
    assert_int_equal(doctor_grade(3, 0), 'C');
    assert_int_equal(doctor_grade(0, 1), 'C');
    assert_int_equal(doctor_grade(0, 2), 'D');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steal),
        cmocka_unit_test(test_foreign_processes),
        cmocka_unit_test(test_processes_seen_twice),
        cmocka_unit_test(test_foreign_of_the_machine),
        cmocka_unit_test(test_machine_compare),
        cmocka_unit_test(test_grade),
        cmocka_unit_test(test_own_work),
        cmocka_unit_test(test_nothing_measured),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_calibration_of_the_run),
        cmocka_unit_test(test_calibration_is_due),
        cmocka_unit_test(test_calibration_is_measured),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_census),
        cmocka_unit_test(test_census_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
