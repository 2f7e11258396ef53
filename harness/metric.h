/*
 * What a cell yields: one table from which the summary files, the tables people read, the charts and the plan's
 * `primary` key take names, units and the direction that is better.
 */
#ifndef HARNESS_METRIC_H
#define HARNESS_METRIC_H

#include "text.h"

/*
 * X(id, name in files, label for people, unit, decimals, better: -1 lower, +1 higher, factor from the stored to the shown unit, how
 * two figures are compared: 0 is a good figure of some, and has no ratio to anything)
 */
#define METRIC_TABLE(X)                                                                                      \
    X(METRIC_CPU, "cpu_us_per_request", "CPU per request", "us", 1, -1, 1, BY_RATIO)                         \
    X(METRIC_CPU_USER, "cpu_user_us_per_request", "user CPU per request", "us", 1, -1, 1, BY_RATIO)          \
    X(METRIC_CPU_SYSTEM, "cpu_system_us_per_request", "system CPU per request", "us", 1, -1, 1, BY_RATIO)    \
    X(METRIC_CPU_FRONT, "cpu_front_us_per_request", "proxy CPU per request", "us", 1, -1, 1, BY_RATIO)       \
    X(METRIC_RATE, "requests_per_s", "requests per second", "1/s", 0, +1, 1, BY_RATIO)                       \
    X(METRIC_P50, "p50_us", "median response time", "ms", 2, -1, 1e-3, BY_RATIO)                             \
    X(METRIC_P90, "p90_us", "p90 response time", "ms", 2, -1, 1e-3, BY_RATIO)                                \
    X(METRIC_P99, "p99_us", "p99 response time", "ms", 2, -1, 1e-3, BY_RATIO)                                \
    X(METRIC_P999, "p99.9_us", "p99.9 response time", "ms", 2, -1, 1e-3, BY_RATIO)                           \
    X(METRIC_JAIN_REQUESTS, "jain_requests", "Jain index of requests", "", 2, +1, 1, BY_RATIO)               \
    X(METRIC_JAIN_CONNECTIONS, "jain_connections", "Jain index of connections", "", 2, +1, 1, BY_RATIO)      \
    X(METRIC_BUSIEST, "busiest_over_mean", "busiest worker over the mean", "", 2, -1, 1, BY_RATIO)           \
    X(METRIC_CHI_SQUARE, "chi_square_p", "chi-square p of connections", "", 3, +1, 1, BY_DIFFERENCE)         \
    X(METRIC_HITS, "hit_percent", "found", "%", 1, +1, 1, BY_DIFFERENCE)                                     \
    X(METRIC_MEMORY, "pss_bytes", "memory (PSS)", "MB", 1, -1, 1e-6, BY_RATIO)                               \
    X(METRIC_STARTUP, "startup_us", "start-up time", "ms", 1, -1, 1e-3, BY_RATIO)                            \
    X(METRIC_LOST, "lost_requests", "lost requests", "", 0, -1, 1, BY_DIFFERENCE)                            \
    X(METRIC_LOST_IDLE, "lost_idle_closed", "lost on a connection closed idle", "", 0, -1, 1, BY_DIFFERENCE) \
    X(METRIC_GAP, "longest_gap_ms", "longest time without an answer", "ms", 0, -1, 1, BY_DIFFERENCE)         \
    X(METRIC_GENERATOR_CPU, "generator_cpu_us_per_request", "generator CPU per request", "us", 1, -1, 1, BY_RATIO)

enum metric {
#define METRIC_ID(id, ...) id,
    METRIC_TABLE(METRIC_ID)
#undef METRIC_ID
        METRIC_COUNT
};

enum compared_by { BY_RATIO, BY_DIFFERENCE };

extern const char *const compared_by_names[]; /* in files */

struct metric_row {
    const char *name, *label, *unit;
    int decimals, better;
    double factor;
    enum compared_by by;
};

extern const struct metric_row metrics[METRIC_COUNT];

/* The metric of that name, or -1. */
int metric_find(const char *name);
void metric_names(struct names *names);

/* A stored value in the shown unit, without it: "7.1", "131,000". The caller frees. */
char *metric_text(double value, enum metric metric);

#endif
