/*
 * theory: closed forms where there are some; the two distributions without one are searched by halving, on sums of which all terms
 * are positive.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "text.h"
#include "theory.h"

#define STEPS_MOST 4000u /* service times that M/D/1 looks ahead: enough for 99.99 % at a load of 99.5 % */

/* ---- which queue ---- */

static bool is_steady(const struct theory *theory)
{
    return theory->load > 0 && theory->load < 1 && theory->workers >= 1 && theory->service > 0;
}

static bool is_exponential(const struct theory *theory)
{
    return fabs(theory->scv - 1) < 1e-9;
}

static bool is_constant_alone(const struct theory *theory)
{
    return theory->workers == 1 && theory->scv < 1e-9;
}

static double squared_variation(const struct distribution *d)
{
    double mean = distribution_mean(d);
    switch (d->kind) {
    case DISTRIBUTION_EXPONENTIAL:
        return 1;
    case DISTRIBUTION_UNIFORM:
        return (d->b - d->a) * (d->b - d->a) / 12 / (mean * mean);
    case DISTRIBUTION_LOGNORMAL:
        return exp(d->b * d->b) - 1;
    case DISTRIBUTION_PARETO:
        return d->b > 2 ? 1 / (d->b * (d->b - 2)) : INFINITY;
    case DISTRIBUTION_BIMODAL:
        return (d->share * d->a * d->a + (1 - d->share) * d->b * d->b) / (mean * mean) - 1;
    default:
        return 0;
    }
}

struct theory theory_of(const struct distribution *distribution, double per_s, unsigned workers)
{
    double service = distribution_mean(distribution) / 1e9;
    return (struct theory){.service = service,
                           .load = workers ? per_s * service / workers : NAN,
                           .workers = workers,
                           .scv = squared_variation(distribution)};
}

/* ---- M/M/k ---- */

double theory_erlang_c(unsigned workers, double erlangs)
{
    double blocked = 1; /* Erlang's B, by its recursion */
    for (unsigned k = 1; k <= workers; k++)
        blocked = erlangs * blocked / (k + erlangs * blocked);
    return workers * blocked / (workers - erlangs * (1 - blocked));
}

static double waiting_part(const struct theory *theory)
{
    return theory_erlang_c(theory->workers, theory->workers * theory->load);
}

/* P(response > t) of M/M/k, t in service times: the wait of those who wait, exponential with k (1 - rho), and the service after it.
 */
static double slower_than(const struct theory *theory, double t)
{
    double waits = waiting_part(theory), rate = theory->workers * (1 - theory->load);
    if (fabs(rate - 1) < 1e-9)
        return exp(-t) * (1 + waits * t);
    return exp(-t) + waits * (exp(-t) - exp(-rate * t)) / (rate - 1);
}

static double mmk_response_quantile(const struct theory *theory, double part)
{
    double low = 0, high = 1;
    while (slower_than(theory, high) > 1 - part)
        high *= 2;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(slower_than(theory, middle) > 1 - part ? &low : &high) = middle;
    }
    return theory->service * (low + high) / 2;
}

static double mmk_wait_quantile(const struct theory *theory, double part)
{
    double waits = waiting_part(theory);
    return part <= 1 - waits ? 0 : theory->service * log(waits / (1 - part)) / (theory->workers * (1 - theory->load));
}

/* ---- M/D/1 ---- */

/* P(more than n arrivals during a service). */
static double more_arrivals(double load, unsigned n)
{
    double term = exp(-load), sum = 0;
    for (unsigned i = 1; i <= n; i++)
        term *= load / i;
    for (unsigned i = n + 1; term > 1e-18 * sum; i++)
        sum += term *= load / i;
    return sum;
}

struct md1 {
    double load;
    double here[STEPS_MOST], more[STEPS_MOST]; /* P(n requests are there); P(more than n arrive during a service) */
    double waiting[STEPS_MOST];                /* P(at most n wait) */
};

/* here[n], from those before it: the embedded chain's balance in its form without differences. */
static double md1_here(const struct md1 *queue, unsigned n)
{
    double sum = queue->here[0] * queue->more[n - 1];
    for (unsigned i = 1; i < n; i++)
        sum += queue->here[i] * queue->more[n - i];
    return sum / exp(-queue->load);
}

/* Fills `waiting` until it holds `part`: the number of entries, or STEPS_MOST where it never does. */
static unsigned md1_fill(struct md1 *queue, double part)
{
    double sum = queue->here[0] = 1 - queue->load;
    for (unsigned n = 1; n < STEPS_MOST; n++) {
        queue->more[n - 1] = more_arrivals(queue->load, n - 1);
        queue->here[n] = md1_here(queue, n);
        queue->waiting[n - 1] = sum += queue->here[n]; /* one of those who are there is served */
        if (sum >= part)
            return n;
    }
    return STEPS_MOST;
}

/* P(wait <= t), t service times between steps - 1 and steps: who came so long ago sees what is left of the queue of then (Franx).
 */
static double md1_waits_at_most(const struct md1 *queue, unsigned steps, double t)
{
    double arrivals = queue->load * (steps - t), term = exp(-arrivals), sum = 0;
    for (unsigned j = 0; j < steps; j++) {
        sum += term * queue->waiting[steps - 1 - j];
        term *= arrivals / (j + 1);
    }
    return sum;
}

static double md1_wait_quantile(const struct theory *theory, double part)
{
    if (part <= 1 - theory->load)
        return 0;
    struct md1 *queue = memory_get(sizeof(*queue));
    queue->load = theory->load;
    unsigned steps = md1_fill(queue, part);
    double low = steps - 1.0, high = steps;
    for (int i = 0; i < 60 && steps < STEPS_MOST; i++) {
        double middle = (low + high) / 2;
        *(md1_waits_at_most(queue, steps, middle) < part ? &low : &high) = middle;
    }
    free(queue);
    return steps < STEPS_MOST ? theory->service * (low + high) / 2 : NAN;
}

/* ---- any of them ---- */

double theory_mean_wait(const struct theory *theory)
{
    if (!is_steady(theory))
        return NAN;
    return theory->service * waiting_part(theory) / (theory->workers * (1 - theory->load)) * (1 + theory->scv) / 2;
}

double theory_mean_response(const struct theory *theory)
{
    return theory_mean_wait(theory) + theory->service;
}

double theory_wait_quantile(const struct theory *theory, double part)
{
    if (!is_steady(theory) || !(part > 0 && part < 1))
        return NAN;
    if (is_exponential(theory))
        return mmk_wait_quantile(theory, part);
    return is_constant_alone(theory) ? md1_wait_quantile(theory, part) : NAN;
}

double theory_response_quantile(const struct theory *theory, double part)
{
    if (!is_steady(theory) || !(part > 0 && part < 1))
        return NAN;
    if (is_exponential(theory))
        return mmk_response_quantile(theory, part);
    return is_constant_alone(theory) ? md1_wait_quantile(theory, part) + theory->service : NAN;
}
