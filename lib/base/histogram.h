/*
 * A histogram of whole numbers with a fixed relative error, laid out as HdrHistogram's (G. Tene): values up to
 * `highest` are kept to `digits` significant decimal digits in constant memory, recording is a shift and an add.
 * Used here with microseconds, 1 us .. 1 h, 3 digits. Values above `highest` are recorded as `highest`.
 *
 * Where the implementations of HdrHistogram differ, the Java one decides: the rank of a percentile is rounded up (the C port rounds
 * it to the nearest), and the text has its column widths.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

struct histogram {
    uint64_t highest;
    int digits;
    unsigned sub_bucket_half_count_magnitude; /* log2 of half the slots of a bucket */
    unsigned sub_bucket_count, sub_bucket_half_count, bucket_count, counts_length;
    uint64_t sub_bucket_mask;
    uint64_t total, minimum, maximum; /* minimum is UINT64_MAX while empty */
    uint64_t *counts;
};

#define HISTOGRAM_HOUR_US UINT64_C(3600000000)

/* Lowest discernible value is 1; highest 2..INT64_MAX; digits 1..5. Returns 0, -EINVAL or -ENOMEM. The caller owns `histogram` and
 * ends it with histogram_close. */
int histogram_init(struct histogram *histogram, uint64_t highest, int digits);
void histogram_close(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);

/* The slot of a value (at most `highest`), and the lowest value of a slot; everything else is built on these two. */
unsigned histogram_index(const struct histogram *histogram, uint64_t value);
uint64_t histogram_value_at_index(const struct histogram *histogram, unsigned index);

void histogram_record(struct histogram *histogram, uint64_t value);
void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t count);

/* Adds all of `from`. Returns 0, or -EINVAL where highest or digits differ. */
int histogram_merge(struct histogram *into, const struct histogram *from);

/* Takes away all of `what`. Minimum and maximum are those of the slots that are left, no finer. Returns 0; -EINVAL where highest or
 * digits differ, -ERANGE where `what` is not contained in `from`, which is then left alone. */
int histogram_subtract(struct histogram *from, const struct histogram *what);

/* The highest value equivalent to the one at `percentile` (0..100), as the reference implementations give it; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);
uint64_t histogram_minimum(const struct histogram *histogram); /* lowest equivalent; 0 when empty */
uint64_t histogram_maximum(const struct histogram *histogram); /* highest equivalent; 0 when empty */
double histogram_mean(const struct histogram *histogram);
double histogram_deviation(const struct histogram *histogram); /* standard deviation */

/* How many values lie at or below `value`. */
uint64_t histogram_count_up_to(const struct histogram *histogram, uint64_t value);

/*
 * The percentile distribution in the text layout of the reference implementations (.hgrm), values divided by `scale`,
 * `ticks` lines a halving of the distance to 100 % (5 is usual). Return 0 or -EIO.
 */
int histogram_print_hgrm(const struct histogram *histogram, FILE *out, int ticks, double scale);

#endif
