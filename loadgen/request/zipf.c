/*
 * Zipf's law by rejection-inversion: W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates from monotone
 * discrete distributions", ACM TOMACS 6 (3), 1996. Exact, in constant memory, about one round a draw whatever the number of ranks.
 *
 * The weight of rank k is h(k) = k^-s. Its integral H has an inverse, so a point drawn uniformly below the continuous curve falls
 * to the rank nearest to it; where the curve's strip lies above the rank's own weight the point is thrown away. Most points fall
 * where both agree (`squeeze`) and need no second look.
 */
#include <math.h>

#include "loadgen/request/request.h"

/* (e^t - 1) / t and log(1 + t) / t, which go on smoothly through t = 0: there s = 1, and H is the logarithm. */
static double expm1_ratio(double t)
{
    return fabs(t) > 1e-8 ? expm1(t) / t : 1 + t / 2;
}

static double log1p_ratio(double t)
{
    return fabs(t) > 1e-8 ? log1p(t) / t : 1 - t / 2;
}

static double weight(const struct zipf *zipf, double x)
{
    return exp(-zipf->exponent * log(x));
}

/* H(x) = (x^(1-s) - 1) / (1 - s) */
static double integral(const struct zipf *zipf, double x)
{
    double logarithm = log(x);
    return expm1_ratio((1 - zipf->exponent) * logarithm) * logarithm;
}

static double inverse(const struct zipf *zipf, double area)
{
    double t = area * (1 - zipf->exponent);
    return exp(log1p_ratio(t < -1 ? -1 : t) * area); /* below -1 only by rounding */
}

void zipf_init(struct zipf *zipf, uint64_t ranks, double exponent)
{
    *zipf = (struct zipf){.ranks = ranks, .exponent = exponent};
    zipf->low = integral(zipf, 1.5) - 1;
    zipf->high = integral(zipf, (double)ranks + 0.5);
    zipf->squeeze = 2 - inverse(zipf, integral(zipf, 2.5) - weight(zipf, 2));
}

static double nearest_rank(const struct zipf *zipf, double x)
{
    double rank = floor(x + 0.5);
    if (!(rank >= 1))
        return 1;
    return rank > (double)zipf->ranks ? (double)zipf->ranks : rank;
}

uint64_t zipf_draw(const struct zipf *zipf, struct random *random)
{
    for (;;) {
        double area = zipf->high + random_unit(random) * (zipf->low - zipf->high);
        double x = inverse(zipf, area), rank = nearest_rank(zipf, x);
        if (rank - x <= zipf->squeeze || area >= integral(zipf, rank + 0.5) - weight(zipf, rank))
            return (uint64_t)rank;
    }
}
