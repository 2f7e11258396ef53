/*
 * What queueing theory says: one queue of requests that arrive at random (Poisson), before k workers. Pure. Times are in the unit
 * of the service time, waits are from arrival to start of work, responses to its end.
 *
 * Exact: M/M/k and M/M/1 in all, M/D/1 in all, the mean wait of M/G/1 (Pollaczek and Khinchine). The mean wait for k > 1 and
 * service times that are not exponential is that of M/M/k times (1 + scv) / 2, an approximation (Lee and Longton, 1959). Sources:
 * Kleinrock, Queueing Systems I, 1975, ch. 3 to 5; Franx, A simple solution for the M/D/c waiting time distribution, 2001.
 */
#ifndef HARNESS_THEORY_H
#define HARNESS_THEORY_H

#include "base/distribution.h"

struct theory {
    double service;   /* mean time a request occupies a worker */
    double load;      /* utilisation, rho: arrivals x service / workers; a steady state needs 0 < rho < 1 */
    unsigned workers; /* k >= 1 */
    double scv;       /* squared coefficient of variation of the service time: 1 exponential, 0 constant */
};

/* The load of `per_s` requests a second whose service times are drawn from `distribution`; times are then in seconds. */
struct theory theory_of(const struct distribution *distribution, double per_s, unsigned workers);

/* Erlang's C formula: the part of requests that wait when offered `erlangs` = k rho < k. */
double theory_erlang_c(unsigned workers, double erlangs);

/* All give NaN where there is no steady state or (quantiles) no formula here: neither k = 1 and constant, nor exponential. */
double theory_mean_wait(const struct theory *theory);
double theory_mean_response(const struct theory *theory);
/* The time that a part of 0 < part < 1 of the requests stay below. */
double theory_wait_quantile(const struct theory *theory, double part);
double theory_response_quantile(const struct theory *theory, double part);

#endif
