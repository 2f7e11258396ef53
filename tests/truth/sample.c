#include "sample.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

void sample_add(struct sample *sample, double value)
{
    if (sample->count == sample->size) {
        sample->size = sample->size ? 2 * sample->size : 4096;
        sample->values = realloc(sample->values, sample->size * sizeof(*sample->values));
        if (!sample->values)
            abort();
    }
    sample->values[sample->count++] = value;
    sample->sorted = false;
}

void sample_close(struct sample *sample)
{
    free(sample->values);
    *sample = (struct sample){.values = NULL};
}

static int compare(const void *a, const void *b)
{
    const double *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

static void sort(struct sample *sample)
{
    if (!sample->sorted && sample->count)
        qsort(sample->values, sample->count, sizeof(*sample->values), compare);
    sample->sorted = true;
}

double sample_percentile(struct sample *sample, double percentile)
{
    if (sample->count == 0)
        return NAN;
    sort(sample);
    double rank = ceil(percentile / 100 * (double)sample->count);
    return sample->values[rank < 1 ? 0 : (size_t)rank - 1];
}

double sample_median(struct sample *sample)
{
    if (sample->count == 0)
        return NAN;
    sort(sample);
    return (sample->values[(sample->count - 1) / 2] + sample->values[sample->count / 2]) / 2;
}

/* P(K >= x), K Kolmogorov's: 2 sum (-1)^(j-1) exp(-2 j^2 x^2). */
static double kolmogorov_tail(double x)
{
    double sum = 0;
    if (x < 0.2)
        return 1; /* to 12 digits; and the series would need many terms */
    for (int j = 1; j <= 100; j++)
        sum += (j % 2 ? 2 : -2) * exp(-2.0 * j * j * x * x);
    return fmin(1, fmax(0, sum));
}

double sample_ks_p(struct sample *sample, double (*distribution)(double value))
{
    double distance = 0, n = (double)sample->count;
    if (sample->count == 0)
        return NAN;
    sort(sample);
    for (size_t i = 0; i < sample->count; i++) {
        double at = distribution(sample->values[i]);
        distance = fmax(distance, fmax(at - (double)i / n, (double)(i + 1) / n - at));
    }
    return kolmogorov_tail((sqrt(n) + 0.12 + 0.11 / sqrt(n)) * distance);
}

double exponential_distribution(double value)
{
    return value > 0 ? -expm1(-value) : 0;
}

double uniform_distribution(double value)
{
    return fmin(1, fmax(0, value));
}

double chi_square_of(const uint64_t *counts, unsigned count)
{
    double total = 0, statistic = 0;
    for (unsigned i = 0; i < count; i++)
        total += (double)counts[i];
    for (unsigned i = 0; i < count; i++)
        statistic += pow((double)counts[i] - total / count, 2) / (total / count);
    return statistic;
}

double chi_square_p(double statistic, double freedom)
{
    return gsl_cdf_chisq_Q(statistic, freedom);
}
