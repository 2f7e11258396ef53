/*
 * fit: non-linear fits by GSL (gsl_multifit_nlinear), once to the medians of all blocks and once to those of each resample.
 *
 * Rule: a resample is fitted from where the whole ended, the whole from several starts. What does not settle in a resample is left
 * out of the interval.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "bootstrap.h"
#include "fit.h"
#include "text.h"

#define ITERATIONS_MOST   100
#define RESOLUTION        1e-9 /* a sigma or kappa nearer to 0 is 0: what is left of rounding must not make a peak */
#define DENOMINATOR_LEAST 1e-6 /* below it a law says nothing; the search turns back */

enum { SCALE, SIGMA, KAPPA, PARAMETERS }; /* SCALE as its logarithm: it is above 0 */

/* ---- laws ---- */

static double denominator(double sigma, double kappa, double workers)
{
    return fmax(DENOMINATOR_LEAST, 1 + sigma * (workers - 1) + kappa * workers * (workers - 1));
}

double scaling_law_at(const struct scaling_law *law, double workers)
{
    return law->scale * workers / denominator(law->sigma, law->kappa, workers);
}

double scaling_law_peak(const struct scaling_law *law)
{
    if (law->kappa <= 0)
        return INFINITY;
    return fmax(1, sqrt(fmax(0, 1 - law->sigma) / law->kappa));
}

/* ---- one fit ---- */

struct target {
    const double *at;
    double *logarithms; /* of the medians */
    unsigned points;
};

struct solver {
    struct target target;
    gsl_multifit_nlinear_workspace *space;
    gsl_multifit_nlinear_fdf problem;
};

static double resolved(double value)
{
    return fabs(value) < RESOLUTION ? 0 : value;
}

static double parameter(const gsl_vector *x, unsigned which)
{
    return which < x->size ? gsl_vector_get(x, which) : 0;
}

static int find_residuals(const gsl_vector *x, void *data, gsl_vector *residuals)
{
    const struct target *target = data;
    for (unsigned i = 0; i < target->points; i++) {
        double fitted =
            parameter(x, SCALE) + log(target->at[i] / denominator(parameter(x, SIGMA), parameter(x, KAPPA), target->at[i]));
        gsl_vector_set(residuals, i, fitted - target->logarithms[i]);
    }
    return GSL_SUCCESS;
}

static int find_slopes(const gsl_vector *x, void *data, gsl_matrix *slopes)
{
    const struct target *target = data;
    for (unsigned i = 0; i < target->points; i++) {
        double n = target->at[i], d = denominator(parameter(x, SIGMA), parameter(x, KAPPA), n);
        const double of[PARAMETERS] = {1, -(n - 1) / d, -n * (n - 1) / d};
        for (unsigned p = 0; p < x->size; p++)
            gsl_matrix_set(slopes, i, p, of[p]);
    }
    return GSL_SUCCESS;
}

static void solver_make(struct solver *solver, enum fit_model model, const double *at, unsigned points)
{
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    unsigned parameters = model == FIT_USL ? PARAMETERS : PARAMETERS - 1;
    solver->target = (struct target){at, memory_get(points * sizeof(double)), points};
    solver->space = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, points, parameters);
    solver->problem =
        (gsl_multifit_nlinear_fdf){.f = find_residuals, .df = find_slopes, .n = points, .p = parameters, .params = &solver->target};
}

static void solver_free(struct solver *solver)
{
    gsl_multifit_nlinear_free(solver->space);
    free(solver->target.logarithms);
}

/* From `law` to the nearest best one. The sum of squares, not finite when it does not settle. */
static double settle(struct solver *solver, struct scaling_law *law)
{
    double start[PARAMETERS] = {log(law->scale), law->sigma, law->kappa};
    gsl_vector_view from = gsl_vector_view_array(start, solver->problem.p);
    int info, status = gsl_multifit_nlinear_init(&from.vector, &solver->problem, solver->space);
    if (!status)
        status = gsl_multifit_nlinear_driver(ITERATIONS_MOST, 1e-9, 1e-9, 0, NULL, NULL, &info, solver->space);
    const gsl_vector *x = gsl_multifit_nlinear_position(solver->space);
    double norm = gsl_blas_dnrm2(gsl_multifit_nlinear_residual(solver->space));
    *law = (struct scaling_law){exp(parameter(x, SCALE)), resolved(parameter(x, SIGMA)), resolved(parameter(x, KAPPA))};
    return !status || status == GSL_ENOPROG ? norm * norm : INFINITY; /* no progress: it stands at the bottom already */
}

static double settle_from_afar(struct solver *solver, struct scaling_law *best)
{
    static const double sigmas[] = {0, 0.1, 1};
    double least = INFINITY;
    for (size_t i = 0; i < sizeof(sigmas) / sizeof(*sigmas); i++) {
        double first = exp(solver->target.logarithms[0]) / solver->target.at[0];
        struct scaling_law law = {.scale = first, .sigma = sigmas[i], .kappa = 0};
        double squares = settle(solver, &law);
        if (squares < least) {
            least = squares;
            *best = law;
        }
    }
    return least;
}

/* ---- blocks ---- */

/* The points that have a value. */
struct material {
    double *at;
    struct ordered *ordered;
    unsigned points, blocks;
};

static void material_make(struct material *material, const struct curve *curve)
{
    *material = (struct material){.at = memory_get((curve->points + 1) * sizeof(double)),
                                  .ordered = memory_get((curve->points + 1) * sizeof(struct ordered)),
                                  .blocks = curve->blocks};
    for (unsigned i = 0; i < curve->points; i++) {
        struct ordered *ordered = &material->ordered[material->points];
        ordered_make(ordered, curve->values + (size_t)i * curve->blocks, curve->blocks);
        if (ordered->count && ordered->values[ordered->order[0]] > 0)
            material->at[material->points++] = curve->at[i];
        else
            ordered_free(ordered);
    }
}

static void material_free(struct material *material)
{
    for (unsigned i = 0; i < material->points; i++)
        ordered_free(&material->ordered[i]);
    free(material->ordered);
    free(material->at);
}

/* False where a resample left out every block that has a point. */
static bool take_medians(const struct material *material, const unsigned *times, double *medians)
{
    bool whole = true;
    for (unsigned i = 0; i < material->points; i++) {
        medians[i] = ordered_median(&material->ordered[i], times);
        whole &= !isnan(medians[i]);
    }
    return whole;
}

static unsigned *each_once(unsigned blocks)
{
    unsigned *times = memory_get((blocks + 1) * sizeof(*times));
    for (unsigned i = 0; i < blocks; i++)
        times[i] = 1;
    return times;
}

static bool aim(struct solver *solver, const struct material *material, const unsigned *times)
{
    bool whole = take_medians(material, times, solver->target.logarithms);
    for (unsigned i = 0; i < material->points; i++)
        solver->target.logarithms[i] = log(solver->target.logarithms[i]);
    return whole;
}

/* ---- a fit ---- */

static void find_intervals(struct fit *fit, struct solver *solver, const struct material *material, uint64_t seed)
{
    double *sigmas = memory_get(3 * BOOTSTRAP_RUNS * sizeof(*sigmas)), *kappas = sigmas + BOOTSTRAP_RUNS,
           *peaks = kappas + BOOTSTRAP_RUNS;
    struct bootstrap bootstrap;
    unsigned count = 0;
    bootstrap_begin(&bootstrap, material->blocks, seed);
    while (bootstrap_next(&bootstrap)) {
        struct scaling_law law = fit->law;
        if (!aim(solver, material, bootstrap.times) || !isfinite(settle(solver, &law)))
            continue;
        sigmas[count] = law.sigma;
        kappas[count] = law.kappa;
        peaks[count++] = scaling_law_peak(&law);
    }
    bootstrap_end(&bootstrap);
    bootstrap_interval(sigmas, count, &fit->sigma.low, &fit->sigma.high);
    bootstrap_interval(kappas, count, &fit->kappa.low, &fit->kappa.high);
    bootstrap_interval(peaks, count, &fit->peak.low, &fit->peak.high);
    fit->sigma.coverage = fit->kappa.coverage = fit->peak.coverage = BOOTSTRAP_COVERAGE;
    free(sigmas);
}

static struct estimate point_estimate(double value, unsigned blocks)
{
    return (struct estimate){.n = blocks, .median = value, .low = NAN, .high = NAN};
}

static int fit_whole(struct fit *fit, struct solver *solver, const struct material *material)
{
    unsigned *times = each_once(material->blocks);
    aim(solver, material, times);
    free(times);
    if (!isfinite(settle_from_afar(solver, &fit->law)))
        return -EDOM;
    fit->sigma = point_estimate(fit->law.sigma, material->blocks);
    fit->kappa = point_estimate(fit->law.kappa, material->blocks);
    fit->peak = point_estimate(scaling_law_peak(&fit->law), material->blocks);
    return 0;
}

static void find_deviations(struct fit *fit, const struct curve *curve)
{
    fit->points = curve->points;
    fit->residuals = memory_get(curve->points * sizeof(*fit->residuals));
    for (unsigned i = 0; i < curve->points; i++)
        fit->residuals[i] =
            estimate_of(curve->values + (size_t)i * curve->blocks, curve->blocks).median / scaling_law_at(&fit->law, curve->at[i]) -
            1;
}

int fit_make(struct fit *fit, enum fit_model model, const struct curve *speedups, uint64_t seed)
{
    struct material material;
    int result = -ERANGE;
    *fit = (struct fit){.model = model};
    material_make(&material, speedups);
    if (material.points >= FIT_POINTS_LEAST) {
        gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* a search that fails is a result, too */
        struct solver solver;
        solver_make(&solver, model, material.at, material.points);
        result = fit_whole(fit, &solver, &material);
        if (!result && material.blocks >= BOOTSTRAP_BLOCKS_LEAST)
            find_intervals(fit, &solver, &material, seed);
        solver_free(&solver);
        gsl_set_error_handler(handler);
    }
    material_free(&material);
    if (!result)
        find_deviations(fit, speedups);
    return result;
}

void fit_free(struct fit *fit)
{
    free(fit->residuals);
    *fit = (struct fit){0};
}

/* ---- the knee ---- */

double knee_of(const double *loads, const double *latencies, unsigned count)
{
    if (count < KNEE_LOADS_LEAST)
        return NAN;
    double edge = KNEE_TIMES * latencies[0];
    unsigned i = 1;
    while (i < count && !(latencies[i] >= edge))
        i++;
    if (i == count)
        return INFINITY;
    double part = log(edge / latencies[i - 1]) / log(latencies[i] / latencies[i - 1]);
    return loads[i - 1] + part * (loads[i] - loads[i - 1]);
}

struct estimate knee_make(const struct curve *latencies, uint64_t seed)
{
    struct material material;
    struct bootstrap bootstrap;
    material_make(&material, latencies);
    double *medians = memory_get((material.points + 1) * sizeof(*medians)), *knees = memory_get(BOOTSTRAP_RUNS * sizeof(*knees));
    unsigned *times = each_once(material.blocks), count = 0;
    take_medians(&material, times, medians);
    struct estimate knee = point_estimate(knee_of(material.at, medians, material.points), material.blocks);
    bootstrap_begin(&bootstrap, material.blocks, seed);
    bool interval = material.points >= KNEE_LOADS_LEAST && material.blocks >= BOOTSTRAP_BLOCKS_LEAST;
    while (interval && bootstrap_next(&bootstrap))
        if (take_medians(&material, bootstrap.times, medians))
            knees[count++] = knee_of(material.at, medians, material.points);
    bootstrap_end(&bootstrap);
    bootstrap_interval(knees, count, &knee.low, &knee.high);
    knee.coverage = count ? BOOTSTRAP_COVERAGE : 0;
    free(times);
    free(knees);
    free(medians);
    material_free(&material);
    return knee;
}
