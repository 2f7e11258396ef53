/*
 * shift: runs are no pairs, so that every value of one is held against every value of the other. (Hollander, Wolfe and Chicken,
 * Nonparametric Statistical Methods, 3rd ed., chapter 4: the rank sum test, the estimate and the interval that belong to it.)
 */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>

#include "shift.h"
#include "text.h"

#define CONFIDENCE 0.95
#define EXACT_MOST 40u

/* ---- the distribution of U ---- */

/*
 * The probabilities of U = 0..n*m. Of the n + m ranks, the n of the first sample are any n of them, all alike likely; U is their
 * sum less its least value. So ranks are gone through one after the other, and ways[k][u] counts how k of them make u. The caller
 * frees.
 */
static double *make_probabilities(unsigned n, unsigned m)
{
    size_t most = (size_t)n * m, width = most + 1;
    double *ways = memory_get((n + 1) * width * sizeof(*ways)), all = 0;
    ways[0] = 1;
    for (unsigned rank = 1; rank <= n + m; rank++)
        for (unsigned k = rank < n ? rank : n; k >= 1; k--) {
            if (rank - k > m)
                continue;
            for (size_t u = rank - k; u <= most; u++) /* this rank is the k-th taken: rank - k of the others lie below it */
                ways[k * width + u] += ways[(k - 1) * width + u - (rank - k)];
        }
    double *probabilities = memory_get(width * sizeof(*probabilities));
    for (size_t u = 0; u < width; u++)
        all += ways[n * width + u];
    for (size_t u = 0; u < width; u++)
        probabilities[u] = ways[n * width + u] / all;
    free(ways);
    return probabilities;
}

static double spread_of_u(unsigned n, unsigned m)
{
    return sqrt((double)n * m * (n + m + 1.0) / 12);
}

/* P(U <= u) for all u. The caller frees. */
static double *make_cumulative(unsigned n, unsigned m)
{
    size_t width = (size_t)n * m + 1;
    double *cumulative;
    if (n <= EXACT_MOST && m <= EXACT_MOST) {
        cumulative = make_probabilities(n, m);
        for (size_t u = 1; u < width; u++)
            cumulative[u] += cumulative[u - 1];
        return cumulative;
    }
    cumulative = memory_get(width * sizeof(*cumulative));
    for (size_t u = 0; u < width; u++)
        cumulative[u] = gsl_cdf_gaussian_P((double)u + 0.5 - (double)n * m / 2, spread_of_u(n, m));
    return cumulative;
}

double shift_u_at_most(unsigned u, unsigned n, unsigned m)
{
    if (u >= n * m)
        return 1;
    double *cumulative = make_cumulative(n, m), p = cumulative[u];
    free(cumulative);
    return p;
}

double shift_p_least(unsigned n, unsigned m)
{
    return fmin(1, 2 * shift_u_at_most(0, n, m));
}

/* ---- two samples ---- */

static double *keep_finite(const double *values, unsigned count, unsigned *kept)
{
    double *finite = memory_get((count + 1) * sizeof(*finite));
    *kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (isfinite(values[i]))
            finite[(*kept)++] = values[i];
    return finite;
}

/* What lies on zero counts half for either side, and p is that of the next whole U: rather too large than too small. */
static double find_p(const double *differences, size_t count, const double *cumulative)
{
    size_t above = 0, zero = 0;
    for (size_t i = 0; i < count; i++) {
        above += differences[i] > 0;
        zero += differences[i] == 0;
    }
    size_t below = count - above - zero, less = below < above ? below : above;
    return fmin(1, 2 * cumulative[less + (zero + 1) / 2]);
}

static void find_interval(struct shift *shift, const double *differences, size_t count, const double *cumulative)
{
    size_t rank = 0;
    while (2 * rank < count && 1 - 2 * cumulative[rank] >= CONFIDENCE)
        rank++;
    if (!rank)
        return;
    shift->coverage = 1 - 2 * cumulative[rank - 1];
    shift->low = differences[rank - 1];
    shift->high = differences[count - rank];
}

struct shift shift_of_differences(const double *a, unsigned a_count, const double *b, unsigned b_count)
{
    struct shift shift = {.middle = NAN, .low = NAN, .high = NAN, .p = NAN};
    double *of_a = keep_finite(a, a_count, &shift.a), *of_b = keep_finite(b, b_count, &shift.b);
    size_t count = (size_t)shift.a * shift.b;
    if (count) {
        double *differences = memory_get(count * sizeof(*differences)), *cumulative = make_cumulative(shift.a, shift.b);
        for (unsigned i = 0; i < shift.a; i++)
            for (unsigned j = 0; j < shift.b; j++)
                differences[i * shift.b + j] = of_b[j] - of_a[i];
        gsl_sort(differences, 1, count);
        shift.middle = (differences[(count - 1) / 2] + differences[count / 2]) / 2;
        find_interval(&shift, differences, count, cumulative);
        shift.p = find_p(differences, count, cumulative);
        free(cumulative);
        free(differences);
    }
    free(of_a);
    free(of_b);
    return shift;
}

struct shift shift_of(const double *a, unsigned a_count, const double *b, unsigned b_count)
{
    struct shift shift = shift_of_differences(a, a_count, b, b_count);
    shift.middle = exp(shift.middle); /* a NaN stays one */
    shift.low = exp(shift.low);
    shift.high = exp(shift.high);
    return shift;
}
