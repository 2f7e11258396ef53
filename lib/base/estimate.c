/*
 * Alternatives are compared within blocks, because what disturbs the machine disturbs neighbours alike, and ratios are averaged
 * as logarithms, so that a/b and b/a tell the same story. The interval of the median by order statistics needs no normal
 * distribution (David and Nagaraja, Order Statistics, 7.1) and does not exist at 95 % below six blocks. The sign test is its
 * twin: it counts on which side the pairs fall and takes nothing else for granted, and its p can be corrected for many comparisons.
 */
#include "base/estimate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define CONFIDENCE 0.95

const char *const verdict_names[] = {
    [VERDICT_NONE] = "none",           [VERDICT_SAME] = "same", [VERDICT_DIFFERENT] = "different",
    [VERDICT_UNDECIDED] = "undecided", [VERDICT_VOID] = "void",
};

/* P(X <= k), X ~ B(n, 1/2), by its logarithms: n may be thousands. */
static double at_most(unsigned k, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i <= k; i++)
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) - n * M_LN2);
    return sum;
}

double estimate_signs_p(unsigned above, unsigned below)
{
    return fmin(1, 2 * at_most(above < below ? above : below, above + below));
}

double estimate_sign_p(const double *a, const double *b, unsigned count)
{
    unsigned above = 0, below = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!(a[i] > 0 && b[i] > 0)) /* the pairs estimate_ratio takes */
            continue;
        above += a[i] > b[i];
        below += a[i] < b[i];
    }
    return estimate_signs_p(above, below);
}

unsigned estimate_signs_needed(unsigned n, double level)
{
    unsigned others = 0;
    while (2 * others <= n && 2 * at_most(others, n) < level)
        others++;
    return n + 1 - others;
}

/* The least of p that was not taken yet, or count. */
static unsigned least_left(const double *p, const bool *taken, unsigned count)
{
    unsigned least = count;
    for (unsigned i = 0; i < count; i++)
        if (!taken[i] && !isnan(p[i]) && (least == count || p[i] < p[least]))
            least = i;
    return least;
}

int estimate_holm(double *p, unsigned count)
{
    bool *taken = count ? calloc(count, sizeof(*taken)) : NULL;
    double floor = 0;
    unsigned left = 0;
    if (count && !taken)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++)
        left += !isnan(p[i]);
    for (unsigned i; left && (i = least_left(p, taken, count)) < count; left--) {
        taken[i] = true;
        floor = fmax(floor, fmin(1, p[i] * left));
        p[i] = floor;
    }
    free(taken);
    return 0;
}

unsigned estimate_rank(unsigned n, double *coverage)
{
    unsigned rank = 0;
    *coverage = 0;
    for (unsigned k = 1; 2 * k <= n; k++) {
        double covered = 1 - 2 * at_most(k - 1, n);
        if (covered < CONFIDENCE)
            break;
        rank = k;
        *coverage = covered;
    }
    return rank;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static unsigned keep_numbers(const double *values, unsigned count, double *kept)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        if (isfinite(values[i]))
            kept[n++] = values[i];
    return n;
}

struct estimate estimate_of(const double *values, unsigned count)
{
    struct estimate estimate = {.median = NAN, .low = NAN, .high = NAN};
    double *sorted = count ? malloc(count * sizeof(*sorted)) : NULL;
    unsigned n = sorted ? keep_numbers(values, count, sorted) : 0;
    estimate.n = n;
    if (n) {
        qsort(sorted, n, sizeof(*sorted), compare);
        estimate.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
        unsigned rank = estimate_rank(n, &estimate.coverage);
        if (rank) {
            estimate.low = sorted[rank - 1];
            estimate.high = sorted[n - rank];
        }
    }
    free(sorted);
    return estimate;
}

struct estimate estimate_ratio(const double *a, const double *b, unsigned count)
{
    double *differences = count ? malloc(count * sizeof(*differences)) : NULL;
    for (unsigned i = 0; differences && i < count; i++)
        differences[i] = a[i] > 0 && b[i] > 0 ? log(a[i]) - log(b[i]) : NAN;
    struct estimate ratio = estimate_of(differences, differences ? count : 0);
    free(differences);
    ratio.median = exp(ratio.median); /* NaN stays NaN */
    ratio.low = exp(ratio.low);
    ratio.high = exp(ratio.high);
    return ratio;
}

struct estimate estimate_difference(const double *a, const double *b, unsigned count)
{
    double *differences = count ? malloc(count * sizeof(*differences)) : NULL;
    for (unsigned i = 0; differences && i < count; i++)
        differences[i] = a[i] - b[i]; /* NaN where one is */
    struct estimate difference = estimate_of(differences, differences ? count : 0);
    free(differences);
    return difference;
}

double estimate_delta(const struct estimate *again)
{
    double half_width = (again->high - again->low) / 2;
    return half_width > DELTA_LEAST ? half_width : DELTA_LEAST; /* a NaN is not greater */
}

bool estimate_voids(const struct estimate *again)
{
    return again->low > 1.01 || again->high < 0.99;
}

enum verdict estimate_verdict(const struct estimate *ratio, double delta)
{
    if (!isfinite(ratio->low) || !isfinite(ratio->high))
        return VERDICT_NONE;
    if (ratio->low > 1 + delta || ratio->high < 1 - delta)
        return VERDICT_DIFFERENT;
    if (ratio->low >= 1 - delta && ratio->high <= 1 + delta)
        return VERDICT_SAME;
    return VERDICT_UNDECIDED;
}
