/*
 * The histogram against the definitions, computed here another way: slots by dividing until a value fits, percentiles by
 * sorting; and against figures and text that are known from the reference implementations.
 */
#include "support.h"

#include "base/histogram.h"
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* How wide the slot of a value is by definition: 1 below 2 * 10^digits rounded up to a power of two, then twice as much a doubling.
 */
static uint64_t slot_width(int digits, uint64_t value)
{
    uint64_t slots = 1, width = 1;

    while ((double)slots < 2 * pow(10, digits))
        slots *= 2;
    while (value / width >= slots)
        width *= 2;
    return width;
}

static uint64_t lowest_equivalent(int digits, uint64_t value)
{
    return value - value % slot_width(digits, value);
}

static uint64_t highest_equivalent(int digits, uint64_t value)
{
    return lowest_equivalent(digits, value) + slot_width(digits, value) - 1;
}

static void open_hour(struct histogram *histogram)
{
    assert_int_equal(histogram_init(histogram, HISTOGRAM_HOUR_US, 3), 0);
}

static void layout_of_known_configurations(void **state)
{
    static const struct {
        uint64_t highest;
        int digits;
        unsigned buckets, sub_buckets, counts;
    } rows[] = {
        {HISTOGRAM_HOUR_US, 3, 22, 2048, 23552},
        {HISTOGRAM_HOUR_US, 2, 25, 256, 3328},
        {HISTOGRAM_HOUR_US, 5, 15, 262144, 2097152},
        {2047, 3, 1, 2048, 2048},
        {2048, 3, 2, 2048, 3072},
        {100, 1, 3, 32, 64},
        {INT64_MAX, 1, 59, 32, 960},
    };
    struct histogram h;

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        assert_int_equal(histogram_init(&h, rows[i].highest, rows[i].digits), 0);
        assert_int_equal(h.bucket_count, rows[i].buckets);
        assert_int_equal(h.sub_bucket_count, rows[i].sub_buckets);
        assert_int_equal(h.counts_length, rows[i].counts);
        assert_true(histogram_index(&h, rows[i].highest) < h.counts_length);
        histogram_close(&h);
    }
}

static void impossible_configurations(void **state)
{
    struct histogram h;

    (void)state;
    assert_int_equal(histogram_init(&h, HISTOGRAM_HOUR_US, 0), -EINVAL);
    assert_int_equal(histogram_init(&h, HISTOGRAM_HOUR_US, 6), -EINVAL);
    assert_int_equal(histogram_init(&h, 1, 3), -EINVAL);
    assert_int_equal(histogram_init(&h, UINT64_MAX, 3), -EINVAL);
    histogram_close(&h);
}

static void check_slot(const struct histogram *h, uint64_t value)
{
    unsigned index = histogram_index(h, value);

    assert_true(index < h->counts_length);
    assert_true(histogram_value_at_index(h, index) == lowest_equivalent(h->digits, value));
    if (value > 0)
        assert_int_equal(index, histogram_index(h, value - 1) + (lowest_equivalent(h->digits, value) == value));
}

static void slots_follow_the_definition(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 5; digits++) {
        struct histogram h;
        struct random random;

        assert_int_equal(histogram_init(&h, HISTOGRAM_HOUR_US, digits), 0);
        random_init(&random, (uint64_t)digits);
        for (uint64_t value = 0; value < 10000; value++)
            check_slot(&h, value);
        for (int i = 0; i < 100000; i++)
            check_slot(&h, random_below(&random, HISTOGRAM_HOUR_US) >> random_below(&random, 32));
        histogram_close(&h);
    }
}

static void empty_is_all_zeros(void **state)
{
    struct histogram h;

    (void)state;
    open_hour(&h);
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_int_equal(histogram_percentile(&h, 100), 0);
    assert_int_equal(histogram_minimum(&h), 0);
    assert_int_equal(histogram_maximum(&h), 0);
    assert_true(histogram_mean(&h) == 0 && histogram_deviation(&h) == 0);
    assert_int_equal(histogram_count_up_to(&h, UINT64_MAX), 0);
    histogram_close(&h);
}

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return (one > other) - (one < other);
}

/* Percentiles by sorting: the value of rank ceil(p * n / 100), in whole thousandths of a percent. */
static void percentiles_follow_the_definition(void **state)
{
    static const unsigned thousandths[] = {1,     1000,  10000, 25000, 33333, 50000, 66667, 75000,
                                           90000, 95000, 99000, 99900, 99990, 99999, 100000};
    static const size_t sizes[] = {1, 2, 3, 7, 10, 21, 99, 100, 101, 1000, 1001, 50000};
    static uint64_t values[50000];

    (void)state;
    for (size_t s = 0; s < LENGTH_OF(sizes); s++) {
        struct histogram h;
        struct random random;

        open_hour(&h);
        random_init(&random, s);
        for (size_t i = 0; i < sizes[s]; i++) {
            values[i] = 1 + random_below(&random, HISTOGRAM_HOUR_US) / (1 + random_below(&random, 1000000));
            histogram_record(&h, values[i]);
        }
        qsort(values, sizes[s], sizeof(values[0]), compare);
        for (size_t p = 0; p < LENGTH_OF(thousandths); p++) {
            size_t rank = (sizes[s] * thousandths[p] + 99999) / 100000;
            uint64_t expected = highest_equivalent(3, values[rank - 1]);

            if (histogram_percentile(&h, thousandths[p] / 1000.0) != expected)
                fail_msg("n %zu, percentile %.3f: not the value of rank %zu", sizes[s], thousandths[p] / 1000.0, rank);
        }
        assert_true(histogram_percentile(&h, 0) == lowest_equivalent(3, values[0]));
        assert_true(histogram_percentile(&h, 200) == highest_equivalent(3, values[sizes[s] - 1]));
        assert_true(histogram_minimum(&h) == lowest_equivalent(3, values[0]));
        assert_true(histogram_maximum(&h) == highest_equivalent(3, values[sizes[s] - 1]));
        histogram_close(&h);
    }
}

/* Java's ranks are rounded up (older ones, and the C port, round to the nearest): 10 % of 21 values is the third. */
static void ranks_are_rounded_up(void **state)
{
    struct histogram h;

    (void)state;
    open_hour(&h);
    for (uint64_t value = 1; value <= 21; value++)
        histogram_record(&h, value);
    assert_int_equal(histogram_percentile(&h, 10), 3);
    assert_int_equal(histogram_percentile(&h, 30), 7);
    assert_int_equal(histogram_percentile(&h, 66), 14);
    histogram_close(&h);
}

/* 0.07 % of 10,000 is 7, but as doubles 0.07 * 10000 is a little more: it must not become the eighth value. */
static void ranks_are_not_rounded_up_for_a_last_bit(void **state)
{
    struct histogram h;

    (void)state;
    open_hour(&h);
    for (uint64_t value = 1; value <= 10000; value++)
        histogram_record(&h, value);
    assert_int_equal(histogram_percentile(&h, 0.07), 7);
    assert_int_equal(histogram_percentile(&h, 0.071), 8);
    histogram_close(&h);
}

/* The data of the reference's own tests: 10,000 times 1 ms and once 100 s. */
static void known_data(void **state)
{
    struct histogram h;
    double mean = (10000.0 * 1000 + (99942400 + 65536 / 2)) / 10001; /* a slot counts as its middle */

    (void)state;
    open_hour(&h);
    histogram_record_many(&h, 1000, 10000);
    histogram_record(&h, 100000000);
    assert_int_equal(h.total, 10001);
    assert_int_equal(histogram_percentile(&h, 30), 1000);
    assert_int_equal(histogram_percentile(&h, 99), 1000);
    assert_int_equal(histogram_percentile(&h, 99.99), 1000);
    assert_int_equal(histogram_percentile(&h, 99.999), 100007935);
    assert_int_equal(histogram_percentile(&h, 100), 100007935);
    assert_int_equal(histogram_maximum(&h), 100007935);
    assert_int_equal(histogram_minimum(&h), 1000);
    assert_true(fabs(histogram_mean(&h) - mean) < 1e-6);
    assert_int_equal(histogram_count_up_to(&h, 999), 0);
    assert_int_equal(histogram_count_up_to(&h, 1000), 10000);
    assert_int_equal(histogram_count_up_to(&h, 99942399), 10000);
    assert_int_equal(histogram_count_up_to(&h, 99942400), 10001);
    histogram_close(&h);
}

static void mean_and_deviation(void **state)
{
    static const uint64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct histogram h;

    (void)state;
    open_hour(&h);
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        histogram_record(&h, values[i]);
    assert_true(histogram_mean(&h) == 5);
    assert_true(histogram_deviation(&h) == 2);
    histogram_close(&h);
}

static void too_high_is_recorded_as_highest(void **state)
{
    struct histogram h;

    (void)state;
    open_hour(&h);
    histogram_record(&h, UINT64_MAX);
    histogram_record_many(&h, 5, 0);
    assert_int_equal(h.total, 1);
    assert_true(histogram_maximum(&h) == highest_equivalent(3, HISTOGRAM_HOUR_US));
    assert_true(histogram_minimum(&h) == lowest_equivalent(3, HISTOGRAM_HOUR_US));
    histogram_close(&h);
}

static void merged_is_recorded_together(void **state)
{
    struct histogram one, other, both;
    struct random random;

    (void)state;
    open_hour(&one);
    open_hour(&other);
    open_hour(&both);
    random_init(&random, 3);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_below(&random, 1000000);

        histogram_record(i % 3 == 0 ? &one : &other, value);
        histogram_record(&both, value);
    }
    assert_int_equal(histogram_merge(&one, &other), 0);
    assert_memory_equal(one.counts, both.counts, both.counts_length * sizeof(*both.counts));
    assert_int_equal(one.total, both.total);
    assert_int_equal(one.minimum, both.minimum);
    assert_int_equal(one.maximum, both.maximum);
    histogram_reset(&one);
    assert_int_equal(histogram_maximum(&one), 0);
    assert_int_equal(histogram_count_up_to(&one, UINT64_MAX), 0);
    histogram_close(&one);
    assert_int_equal(histogram_init(&one, HISTOGRAM_HOUR_US, 2), 0);
    assert_int_equal(histogram_merge(&one, &other), -EINVAL);
    histogram_close(&one);
    histogram_close(&other);
    histogram_close(&both);
}

static void subtracted_was_never_recorded(void **state)
{
    struct histogram all, part, rest;
    struct random random;

    (void)state;
    open_hour(&all);
    open_hour(&part);
    open_hour(&rest);
    random_init(&random, 4);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = i % 3 == 0 ? random_below(&random, 5000000) : 100 + random_below(&random, 1000);

        histogram_record(i % 3 == 0 ? &part : &rest, value);
        histogram_record(&all, value);
    }
    assert_int_equal(histogram_subtract(&rest, &part), -ERANGE);
    assert_int_equal(histogram_subtract(&all, &part), 0);
    assert_memory_equal(all.counts, rest.counts, rest.counts_length * sizeof(*rest.counts));
    assert_int_equal(all.total, rest.total);
    assert_int_equal(histogram_minimum(&all), histogram_minimum(&rest));
    assert_int_equal(histogram_maximum(&all), histogram_maximum(&rest));
    assert_int_equal(histogram_subtract(&all, &rest), 0);
    assert_int_equal(all.total, 0);
    assert_int_equal(all.minimum, UINT64_MAX);
    assert_int_equal(histogram_maximum(&all), 0);
    assert_int_equal(histogram_percentile(&all, 50), 0);
    histogram_record(&all, HISTOGRAM_HOUR_US);
    histogram_record(&all, 1);
    histogram_reset(&part);
    histogram_record(&part, 1);
    assert_int_equal(histogram_subtract(&all, &part), 0);
    assert_int_equal(all.maximum, HISTOGRAM_HOUR_US);
    histogram_close(&part);
    assert_int_equal(histogram_init(&part, HISTOGRAM_HOUR_US, 2), 0);
    assert_int_equal(histogram_subtract(&all, &part), -EINVAL);
    histogram_close(&all);
    histogram_close(&part);
    histogram_close(&rest);
}

static char *print_to_text(const struct histogram *h, int ticks, double scale)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(histogram_print_hgrm(h, out, ticks, scale), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* By hand: five steps of 10 % to 50 %, five of 5 % to 75 %, then steps of 2.5 %; the last value ends it with 100 %. */
static void hgrm_text(void **state)
{
    static const char expected[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
                                   "\n"
                                   "       1.000 0.000000000000          1           1.00\n"
                                   "       1.000 0.100000000000          1           1.11\n"
                                   "       1.000 0.200000000000          1           1.25\n"
                                   "       2.000 0.300000000000          2           1.43\n"
                                   "       2.000 0.400000000000          2           1.67\n"
                                   "       2.000 0.500000000000          2           2.00\n"
                                   "       3.000 0.550000000000          3           2.22\n"
                                   "       3.000 0.600000000000          3           2.50\n"
                                   "       3.000 0.650000000000          3           2.86\n"
                                   "       3.000 0.700000000000          3           3.33\n"
                                   "       3.000 0.750000000000          3           4.00\n"
                                   "       4.000 0.775000000000          4           4.44\n"
                                   "       4.000 1.000000000000          4\n"
                                   "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
                                   "#[Max     =        4.000, Total count    =            4]\n"
                                   "#[Buckets =           22, SubBuckets     =         2048]\n";
    struct histogram h;
    char *text;

    (void)state;
    open_hour(&h);
    for (uint64_t value = 1; value <= 4; value++)
        histogram_record(&h, value);
    text = print_to_text(&h, 5, 1);
    assert_string_equal(text, expected);
    free(text);
    histogram_close(&h);
}

static void hgrm_scale_and_empty(void **state)
{
    struct histogram h;
    char *text;

    (void)state;
    open_hour(&h);
    text = print_to_text(&h, 5, 1000);
    assert_string_equal(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                              "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
                              "#[Max     =        0.000, Total count    =            0]\n"
                              "#[Buckets =           22, SubBuckets     =         2048]\n");
    free(text);
    histogram_record(&h, 1500);
    text = print_to_text(&h, 5, 1000);
    assert_non_null(strstr(text, "\n       1.500 0.000000000000          1           1.00\n       1.500 1.000000000000          "
                                 "1\n#[Mean    =        1.500,"));
    free(text);
    histogram_close(&h);
}

static void hgrm_to_a_full_disk(void **state)
{
    struct histogram h;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    open_hour(&h);
    assert_int_equal(histogram_print_hgrm(&h, full, 5, 1), -EIO);
    fclose(full);
    histogram_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_of_known_configurations),
        cmocka_unit_test(impossible_configurations),
        cmocka_unit_test(slots_follow_the_definition),
        cmocka_unit_test(empty_is_all_zeros),
        cmocka_unit_test(percentiles_follow_the_definition),
        cmocka_unit_test(ranks_are_rounded_up),
        cmocka_unit_test(ranks_are_not_rounded_up_for_a_last_bit),
        cmocka_unit_test(known_data),
        cmocka_unit_test(mean_and_deviation),
        cmocka_unit_test(too_high_is_recorded_as_highest),
        cmocka_unit_test(merged_is_recorded_together),
        cmocka_unit_test(subtracted_was_never_recorded),
        cmocka_unit_test(hgrm_text),
        cmocka_unit_test(hgrm_scale_and_empty),
        cmocka_unit_test(hgrm_to_a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
