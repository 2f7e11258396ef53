/*
 * Seeded source ports and the kernel's hash: for each of 64 seeds 64 connections to `reuseport` with 4 workers. The hash of ports
 * drawn at random deals connections like dice, so three tests, each with p > .001:
 *
 * Pooled: chi-square over all 4,096 connections; no worker is preferred.
 *
 * Summed: the sum of the runs' own statistics is chi-square with 64 * 3 degrees of freedom. More sensitive to runs that are too
 * uneven, or too even (both tails are looked at), even where their preferences cancel each other.
 *
 * P-values: those of the runs are uniform, Kolmogorov-Smirnov.
 *
 * A single run's p-value says little: one in a thousand is below .001 by rights.
 *
 * And the theory of fairness: thrown at random, n connections on k workers have a Jain index of about n / (n + k - 1), not 1. 200
 * seeds with 64 connections on 8 workers must average 64/71 within 0.02. The secret of the kernel's hash is drawn at boot, so boots
 * differ, not runs. One run's index has mean .9037 and deviation .0452 (40,000 simulated throws), so the mean of 200 has .0032: the
 * nearer edge of what is allowed is 5.5 deviations away, and an honest kernel fails less than once in ten million times.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define SEEDS        64
#define WORKERS      4
#define CONNECTIONS  64
#define SIGNIFICANCE 0.001

#define FAIR_SEEDS    200
#define FAIR_WORKERS  8
#define FAIR_DISTANCE 0.02

/* Connections by worker, as the workers named themselves. */
static bool count_connections(const json_t *report, unsigned server_workers, uint64_t *counts)
{
    const json_t *row, *workers = json_object_get(report, "workers");
    uint64_t total = 0;
    size_t i;
    memset(counts, 0, server_workers * sizeof(counts[0]));
    json_array_foreach(workers, i, row)
    {
        const char *id = json_string_value(json_object_get(row, "id"));
        unsigned worker = id ? (unsigned)strtoul(id, NULL, 10) : server_workers;
        if (worker >= server_workers)
            return false;
        counts[worker] = (uint64_t)json_integer_value(json_object_get(row, "connections"));
        total += counts[worker];
    }
    return total == CONNECTIONS;
}

static bool run_seed(struct truth *truth, const char *url, unsigned seed, unsigned server_workers, uint64_t *counts)
{
    char options[256];
    snprintf(options, sizeof(options), "-t 1 -c %d -n %d --source-ports seeded --seed %u", CONNECTIONS, 2 * CONNECTIONS, seed);
    json_t *report = loadgen_run(truth, options, url, NULL);
    bool good = count_connections(report, server_workers, counts);
    json_decref(report);
    return good;
}

/* The same seed, the same ports, the same hash: for as long as the server stays. */
static void judge_repetition(struct truth *truth, const char *url)
{
    uint64_t one[WORKERS], two[WORKERS];
    bool good = run_seed(truth, url, 1, WORKERS, one) && run_seed(truth, url, 1, WORKERS, two);
    truth_judge(truth, good && memcmp(one, two, sizeof(one)) == 0, "the same seed gives the same connections a worker");
}

void truth_ports(struct truth *truth)
{
    struct program server;
    char url[256], workers[32];
    uint64_t pooled[WORKERS] = {0}, counts[WORKERS];
    struct sample p_values = {.values = NULL};
    double sum = 0;
    unsigned whole = 0;
    snprintf(workers, sizeof(workers), "--workers %d", WORKERS);
    server_start(truth, &server, "reuseport", workers);
    snprintf(url, sizeof(url), "%s/hello", server.url);
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        whole += run_seed(truth, url, seed, WORKERS, counts);
        double statistic = chi_square_of(counts, WORKERS);
        sum += statistic;
        sample_add(&p_values, chi_square_p(statistic, WORKERS - 1));
        for (unsigned i = 0; i < WORKERS; i++)
            pooled[i] += counts[i];
    }
    judge_repetition(truth, url);
    program_stop(&server);
    double pooled_p = chi_square_p(chi_square_of(pooled, WORKERS), WORKERS - 1),
           summed = chi_square_p(sum, SEEDS * (WORKERS - 1.0));
    double ks = sample_ks_p(&p_values, uniform_distribution);
    printf("  connections by worker, all seeds:");
    for (unsigned i = 0; i < WORKERS; i++)
        printf(" %llu", (unsigned long long)pooled[i]);
    printf("\n");
    truth_judge(truth, whole == SEEDS, "%u of %d runs: each of %d connections was seen", whole, SEEDS, CONNECTIONS);
    truth_judge(truth, pooled_p > SIGNIFICANCE, "pooled chi-square p = %.3g", pooled_p);
    truth_judge(truth, fmin(summed, 1 - summed) > SIGNIFICANCE / 2, "summed chi-square p = %.3g", summed);
    truth_judge(truth, ks > SIGNIFICANCE, "p-values uniform, Kolmogorov-Smirnov p = %.3g", ks);
    sample_close(&p_values);
}

static double jain_of(const uint64_t *counts, unsigned count)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += (double)counts[i];
        squares += (double)counts[i] * (double)counts[i];
    }
    return sum * sum / (count * squares);
}

void truth_hashing(struct truth *truth)
{
    struct program server;
    char url[256], workers[32];
    uint64_t counts[FAIR_WORKERS];
    double sum = 0, expected = (double)CONNECTIONS / (CONNECTIONS + FAIR_WORKERS - 1);
    unsigned whole = 0;
    snprintf(workers, sizeof(workers), "--workers %d", FAIR_WORKERS);
    server_start(truth, &server, "reuseport", workers);
    snprintf(url, sizeof(url), "%s/hello", server.url);
    for (unsigned seed = 1; seed <= FAIR_SEEDS; seed++) {
        bool good = run_seed(truth, url, seed, FAIR_WORKERS, counts);
        whole += good;
        sum += good ? jain_of(counts, FAIR_WORKERS) : 0;
    }
    program_stop(&server);
    double mean = sum / FAIR_SEEDS;
    truth_judge(truth, whole == FAIR_SEEDS, "%u of %d runs: each of %d connections was seen", whole, FAIR_SEEDS, CONNECTIONS);
    truth_judge(truth, fabs(mean - expected) <= FAIR_DISTANCE,
                "%d connections on %d workers: Jain %.4f on the average, %.4f by theory", CONNECTIONS, FAIR_WORKERS, mean,
                expected);
}
