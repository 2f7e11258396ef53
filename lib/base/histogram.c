/*
 * A histogram laid out as HdrHistogram's (G. Tene; the Java implementation is the reference, version 2.1.12 and later).
 *
 * Values are grouped in buckets, each twice as wide as the one before; a bucket has `sub_bucket_count` equal slots. Only the
 * first bucket uses its lower half: the lower half of every other one is covered, finer, by its predecessors. So a value's slot
 * comes from its highest bit and the few bits below it, and a slot is never wider than 10^-digits of the values in it.
 *
 * All values of a slot are equivalent. A slot speaks through its lowest value (minimum), its middle (mean, deviation) or its
 * highest (percentiles, maximum): a percentile is never reported below what was recorded.
 */
#include "base/histogram.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Slots of a bucket as a power of two: enough to tell all whole numbers below 2 * 10^digits apart. */
static unsigned sub_bucket_magnitude(int digits)
{
    unsigned magnitude = 0;
    uint64_t distinct = 2;

    while (digits-- > 0)
        distinct *= 10;
    while ((UINT64_C(1) << magnitude) < distinct)
        magnitude++;
    return magnitude;
}

static unsigned buckets_to_cover(uint64_t highest, uint64_t first_bucket_end)
{
    unsigned buckets = 1;

    for (; first_bucket_end <= highest; first_bucket_end <<= 1) {
        buckets++;
        if (first_bucket_end > INT64_MAX / 2)
            break;
    }
    return buckets;
}

int histogram_init(struct histogram *histogram, uint64_t highest, int digits)
{
    unsigned magnitude;

    *histogram = (struct histogram){0};
    if (digits < 1 || digits > 5 || highest < 2 || highest > INT64_MAX)
        return -EINVAL;
    magnitude = sub_bucket_magnitude(digits);
    histogram->highest = highest;
    histogram->digits = digits;
    histogram->sub_bucket_half_count_magnitude = magnitude - 1;
    histogram->sub_bucket_count = 1u << magnitude;
    histogram->sub_bucket_half_count = 1u << (magnitude - 1);
    histogram->sub_bucket_mask = histogram->sub_bucket_count - 1;
    histogram->bucket_count = buckets_to_cover(highest, histogram->sub_bucket_count);
    histogram->counts_length = (histogram->bucket_count + 1) * histogram->sub_bucket_half_count;
    histogram->minimum = UINT64_MAX;
    histogram->counts = calloc(histogram->counts_length, sizeof(*histogram->counts));
    return histogram->counts == NULL ? -ENOMEM : 0;
}

void histogram_close(struct histogram *histogram)
{
    free(histogram->counts);
    *histogram = (struct histogram){0};
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram->counts, 0, histogram->counts_length * sizeof(*histogram->counts));
    histogram->total = 0;
    histogram->minimum = UINT64_MAX;
    histogram->maximum = 0;
}

static unsigned bucket_of(const struct histogram *histogram, uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | histogram->sub_bucket_mask);

    return bits - (histogram->sub_bucket_half_count_magnitude + 1);
}

unsigned histogram_index(const struct histogram *histogram, uint64_t value)
{
    unsigned bucket = bucket_of(histogram, value);
    unsigned slot = (unsigned)(value >> bucket);

    return (bucket << histogram->sub_bucket_half_count_magnitude) + slot;
}

uint64_t histogram_value_at_index(const struct histogram *histogram, unsigned index)
{
    unsigned bucket = index >> histogram->sub_bucket_half_count_magnitude;

    if (bucket <= 1) /* the two halves of the first bucket, whose slots are one wide */
        return index;
    return ((uint64_t)(index & (histogram->sub_bucket_half_count - 1)) + histogram->sub_bucket_half_count) << (bucket - 1);
}

static uint64_t slot_width(const struct histogram *histogram, unsigned index)
{
    unsigned bucket = index >> histogram->sub_bucket_half_count_magnitude;

    return UINT64_C(1) << (bucket <= 1 ? 0 : bucket - 1);
}

static uint64_t slot_highest(const struct histogram *histogram, unsigned index)
{
    return histogram_value_at_index(histogram, index) + slot_width(histogram, index) - 1;
}

static uint64_t slot_middle(const struct histogram *histogram, unsigned index)
{
    return histogram_value_at_index(histogram, index) + (slot_width(histogram, index) >> 1);
}

void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t count)
{
    if (count == 0)
        return;
    if (value > histogram->highest)
        value = histogram->highest;
    histogram->counts[histogram_index(histogram, value)] += count;
    histogram->total += count;
    if (value < histogram->minimum)
        histogram->minimum = value;
    if (value > histogram->maximum)
        histogram->maximum = value;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_many(histogram, value, 1);
}

int histogram_merge(struct histogram *into, const struct histogram *from)
{
    unsigned i;

    if (into->highest != from->highest || into->digits != from->digits)
        return -EINVAL;
    for (i = 0; i < from->counts_length; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    if (from->minimum < into->minimum)
        into->minimum = from->minimum;
    if (from->maximum > into->maximum)
        into->maximum = from->maximum;
    return 0;
}

static void find_bounds(struct histogram *histogram)
{
    histogram->minimum = UINT64_MAX;
    histogram->maximum = 0;
    for (unsigned i = 0; i < histogram->counts_length; i++) {
        if (histogram->counts[i] == 0)
            continue;
        if (histogram->minimum == UINT64_MAX)
            histogram->minimum = histogram_value_at_index(histogram, i);
        histogram->maximum = slot_highest(histogram, i);
    }
    if (histogram->maximum > histogram->highest)
        histogram->maximum = histogram->highest;
}

int histogram_subtract(struct histogram *from, const struct histogram *what)
{
    if (from->highest != what->highest || from->digits != what->digits)
        return -EINVAL;
    for (unsigned i = 0; i < from->counts_length; i++)
        if (what->counts[i] > from->counts[i])
            return -ERANGE;
    for (unsigned i = 0; i < from->counts_length; i++)
        from->counts[i] -= what->counts[i];
    from->total -= what->total;
    if (what->total > 0)
        find_bounds(from);
    return 0;
}

/* The first slot at which at least `rank` values have been passed. */
static unsigned slot_of_rank(const struct histogram *histogram, uint64_t rank)
{
    uint64_t passed = 0;
    unsigned i;

    for (i = 0; i < histogram->counts_length - 1; i++) {
        passed += histogram->counts[i];
        if (passed >= rank)
            break;
    }
    return i;
}

/*
 * The rank is rounded up: at least `percentile` percent of the values must lie at or below the answer. The step to the next
 * smaller double keeps a product such as 99.9 / 100 * 1000 from being rounded up to 1000 for its last bit.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile)
{
    double wanted = fmin(fmax(nextafter(percentile, -INFINITY), 0), 100);
    uint64_t rank = (uint64_t)ceil(wanted * (double)histogram->total / 100);
    unsigned slot;

    if (histogram->total == 0)
        return 0;
    slot = slot_of_rank(histogram, rank > 0 ? rank : 1);
    return percentile == 0 ? histogram_value_at_index(histogram, slot) : slot_highest(histogram, slot);
}

uint64_t histogram_minimum(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : histogram_value_at_index(histogram, histogram_index(histogram, histogram->minimum));
}

uint64_t histogram_maximum(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : slot_highest(histogram, histogram_index(histogram, histogram->maximum));
}

double histogram_mean(const struct histogram *histogram)
{
    double sum = 0;
    unsigned i;

    for (i = 0; i < histogram->counts_length; i++)
        sum += (double)histogram->counts[i] * (double)slot_middle(histogram, i);
    return histogram->total == 0 ? 0 : sum / (double)histogram->total;
}

double histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram), squares = 0;
    unsigned i;

    for (i = 0; i < histogram->counts_length; i++) {
        double distance = (double)slot_middle(histogram, i) - mean;

        squares += (double)histogram->counts[i] * distance * distance;
    }
    return histogram->total == 0 ? 0 : sqrt(squares / (double)histogram->total);
}

uint64_t histogram_count_up_to(const struct histogram *histogram, uint64_t value)
{
    unsigned last = histogram_index(histogram, value < histogram->highest ? value : histogram->highest), i;
    uint64_t count = 0;

    for (i = 0; i <= last; i++)
        count += histogram->counts[i];
    return count;
}

/* The walk of a percentile distribution: `level` rises in steps that halve with every halving of the distance to 100 %. */
struct percentile_walk {
    const struct histogram *histogram;
    int ticks;
    double level;    /* the next percentile to report */
    uint64_t passed; /* values up to and including slot `index` */
    unsigned index;
};

static double next_level(const struct percentile_walk *walk)
{
    double halvings = floor(log(100 / (100 - walk->level)) / log(2)) + 1;

    return walk->level + 100 / (walk->ticks * pow(2, halvings));
}

static void print_row(const struct percentile_walk *walk, FILE *out, double scale)
{
    double value = (double)slot_highest(walk->histogram, walk->index) / scale;

    fprintf(out, "%12.*f %2.12f %10" PRIu64, walk->histogram->digits, value, walk->level / 100, walk->passed);
    if (walk->level < 100)
        fprintf(out, " %14.2f", 1 / (1 - walk->level / 100));
    fputc('\n', out);
}

/* Every level that the values up to this slot have reached; the one that reaches all of them is followed by 100 %. */
static void print_slot(struct percentile_walk *walk, FILE *out, double scale)
{
    double reached = 100.0 * (double)walk->passed / (double)walk->histogram->total;
    bool last = walk->passed == walk->histogram->total;

    while (walk->level <= reached) {
        print_row(walk, out, scale);
        walk->level = last ? 100 : next_level(walk);
        if (last)
            break;
    }
    if (last)
        print_row(walk, out, scale);
}

static void print_rows(const struct histogram *histogram, FILE *out, int ticks, double scale)
{
    struct percentile_walk walk = {.histogram = histogram, .ticks = ticks};

    for (; walk.index < histogram->counts_length; walk.index++) {
        if (histogram->counts[walk.index] == 0)
            continue;
        walk.passed += histogram->counts[walk.index];
        print_slot(&walk, out, scale);
    }
}

int histogram_print_hgrm(const struct histogram *histogram, FILE *out, int ticks, double scale)
{
    int digits = histogram->digits;

    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    print_rows(histogram, out, ticks, scale);
    fprintf(out, "#[Mean    = %12.*f, StdDeviation   = %12.*f]\n", digits, histogram_mean(histogram) / scale, digits,
            histogram_deviation(histogram) / scale);
    fprintf(out, "#[Max     = %12.*f, Total count    = %12" PRIu64 "]\n", digits, (double)histogram_maximum(histogram) / scale,
            histogram->total);
    fprintf(out, "#[Buckets = %12u, SubBuckets     = %12u]\n", histogram->bucket_count, histogram->sub_bucket_count);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
