/*
 * How even is the work? Three views of requests a worker: Jain's index (Jain, Chiu, Hawe 1984: 1 is even, 1/k is all on one), the
 * coefficient of variation, and busiest/mean, which predicts the longest queue. And one test, of CONNECTIONS, because the requests
 * of one keep-alive connection all go the same way: chi-square against an even share, its tail from the incomplete gamma
 * function (series and continued fraction as in Abramowitz and Stegun 6.5.29 and 6.5.31).
 */
#include <math.h>

#include "loadgen/measure/measure.h"

#define EXPECTED_LEAST 5.0 /* connections a worker below which chi-square says nothing */
#define TERMS_MAX      100000
#define PRECISION      1e-14

/* P(a, x) by its series; for x < a + 1. */
static double gamma_lower_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS_MAX && term > sum * PRECISION; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(-x + a * log(x) - lgamma(a));
}

/* Q(a, x) by its continued fraction (Lentz); for x >= a + 1. */
static double gamma_upper_fraction(double a, double x)
{
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, value = d, step = 0;
    for (int n = 1; n < TERMS_MAX && fabs(step - 1) > PRECISION; n++) {
        double coefficient = -n * (n - a);
        b += 2;
        d = coefficient * d + b;
        c = b + coefficient / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        step = c * d;
        value *= step;
    }
    return value * exp(-x + a * log(x) - lgamma(a));
}

double chi_square_upper_tail(double x, double freedom)
{
    double a = freedom / 2;
    x /= 2;
    if (x <= 0)
        return 1;
    return x < a + 1 ? 1 - gamma_lower_series(a, x) : gamma_upper_fraction(a, x);
}

static double sum_of(const uint64_t *counts, unsigned count)
{
    double sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += (double)counts[i];
    return sum;
}

static double squares_of(const uint64_t *counts, unsigned count)
{
    double sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += (double)counts[i] * (double)counts[i];
    return sum;
}

double fairness_jain(const uint64_t *counts, unsigned count)
{
    double sum = sum_of(counts, count);
    return sum > 0 ? sum * sum / (count * squares_of(counts, count)) : NAN;
}

double fairness_chi_square_p(const uint64_t *counts, unsigned count)
{
    double expected = count ? sum_of(counts, count) / count : 0, x = 0;
    if (count < 2 || expected < EXPECTED_LEAST)
        return NAN;
    for (unsigned i = 0; i < count; i++)
        x += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return chi_square_upper_tail(x, count - 1);
}

/* Workers are those that named themselves: "-" is left out. No figures when some share one name for want of room. */
struct fairness fairness_of(const struct stats *stats)
{
    uint64_t requests[BACKENDS_MAX + 1], connections[BACKENDS_MAX + 1], most = 0;
    unsigned count = 0;
    for (unsigned i = 1; i < stats->backend_count; i++, count++) {
        requests[count] = stats->backends[i]->requests;
        connections[count] = stats->backends[i]->connections;
        most = requests[count] > most ? requests[count] : most;
    }
    struct fairness fairness = {.workers = count, .jain = NAN, .cv = NAN, .max_over_mean = NAN, .chi_square_p = NAN};
    double mean = count ? sum_of(requests, count) / count : 0;
    if (mean <= 0 || stats_has_others(stats))
        return fairness;
    fairness.jain = fairness_jain(requests, count);
    fairness.cv = sqrt(fmax(0, squares_of(requests, count) / count / (mean * mean) - 1));
    fairness.max_over_mean = (double)most / mean;
    fairness.chi_square_p = fairness_chi_square_p(connections, count);
    return fairness;
}
