/*
 * Shapes of curves: speed-up against workers, and the knee of latency against load. Pure: arrays in, numbers out.
 *
 * Speed-up, as Amdahl has it and as the Universal Scalability Law does (Gunther, Guerrilla Capacity Planning, 2007, ch. 4):
 *
 *     S(N) = scale N / (1 + sigma (N - 1) + kappa N (N - 1))         Amdahl: kappa = 0
 *
 * sigma is the part that cannot be shared out (contention), kappa what each worker costs each other one (coherency). With
 * kappa > 0 speed-up has a peak, at sqrt((1 - sigma) / kappa) workers. The scale is fitted, too: the point that speed-ups are
 * counted from is as noisy as the others. Nothing holds sigma and kappa above 0; an interval that holds 0 says there is nothing to
 * see.
 */
#ifndef HARNESS_FIT_H
#define HARNESS_FIT_H

#include <stdint.h>

#include "base/estimate.h"

#define FIT_POINTS_LEAST 6u  /* two more than parameters, and one to spare */
#define KNEE_TIMES       5.0 /* the knee is where latency is so many times what it is at the lowest load */
#define KNEE_LOADS_LEAST 3u

/* A curve measured in blocks. */
struct curve {
    const double *at; /* workers, or load: ascending, above 0 */
    unsigned points;
    const double *values; /* values[point * blocks + block], NaN where there is none */
    unsigned blocks;
};

enum fit_model { FIT_AMDAHL, FIT_USL };

struct scaling_law {
    double scale, sigma, kappa;
};

double scaling_law_at(const struct scaling_law *law, double workers);
/* Infinity where there is none: kappa <= 0; 1 where more workers never help. */
double scaling_law_peak(const struct scaling_law *law);

struct fit {
    enum fit_model model;
    struct scaling_law law;             /* of the medians */
    struct estimate sigma, kappa, peak; /* with bootstrap intervals over blocks; an end of `peak` may be infinite */
    double *residuals;                  /* a point each: measured / fitted - 1 */
    unsigned points;
};

/*
 * Least squares of the logarithms, so that every point's relative error weighs the same, by Levenberg and Marquardt. 0; -ERANGE
 * with fewer than FIT_POINTS_LEAST points that have a value; -EDOM when it does not settle. To be freed with fit_free in any case.
 */
int fit_make(struct fit *fit, enum fit_model model, const struct curve *speedups, uint64_t seed);
void fit_free(struct fit *fit);

/*
 * The load at which latency passes KNEE_TIMES its value at the lowest load for the first time: between two loads the logarithm of
 * latency is taken to be straight. Infinity when it does not pass it, NaN with fewer than KNEE_LOADS_LEAST loads that have a value.
 */
double knee_of(const double *loads, const double *latencies, unsigned count);

/* The same of medians over blocks, with a bootstrap interval; its ends may be infinite: beyond the highest load. */
struct estimate knee_make(const struct curve *latencies, uint64_t seed);

#endif
