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

/* Connections by worker, as the workers named themselves. */
static bool count_connections(const json_t *report, uint64_t counts[WORKERS])
{
    const json_t *row, *workers = json_object_get(report, "workers");
    uint64_t total = 0;
    size_t i;
    memset(counts, 0, WORKERS * sizeof(counts[0]));
    json_array_foreach(workers, i, row)
    {
        const char *id = json_string_value(json_object_get(row, "id"));
        unsigned worker = id ? (unsigned)strtoul(id, NULL, 10) : WORKERS;
        if (worker >= WORKERS)
            return false;
        counts[worker] = (uint64_t)json_integer_value(json_object_get(row, "connections"));
        total += counts[worker];
    }
    return total == CONNECTIONS;
}

static bool run_seed(struct truth *truth, const char *url, unsigned seed, uint64_t counts[WORKERS])
{
    char options[256];
    snprintf(options, sizeof(options), "-t 1 -c %d -n %d --source-ports seeded --seed %u", CONNECTIONS, 2 * CONNECTIONS, seed);
    json_t *report = loadgen_run(truth, options, url, NULL);
    bool good = count_connections(report, counts);
    json_decref(report);
    return good;
}

/* The same seed, the same ports, the same hash: for as long as the server stays. */
static void judge_repetition(struct truth *truth, const char *url)
{
    uint64_t one[WORKERS], two[WORKERS];
    bool good = run_seed(truth, url, 1, one) && run_seed(truth, url, 1, two);
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
        whole += run_seed(truth, url, seed, counts);
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
