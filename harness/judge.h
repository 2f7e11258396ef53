/*
 * From readings to figures, and the gates a cell must pass to be ranked.
 */
#ifndef HARNESS_JUDGE_H
#define HARNESS_JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "plan.h"
#include "tree.h"

/* What was read around one load. */
struct evidence {
    const struct plan *plan;
    const struct cell_plan *cell;
    const struct tree_usage *before, *after;
    const json_t *status_before, *status_after, *load; /* NULL where there was none */
    uint64_t generator_cpu_ns, wall_ns;
};

/* Cost over the window from before the generator started to after it ended. */
struct window {
    uint64_t requests, connections;
    bool by_server; /* counted by the server's /status; else the generator's count */
    double cpu_us;  /* of the whole tree */
    double cpu_us_per_request;
    double user_us_per_request, system_us_per_request; /* NaN where too few clock ticks were sampled to tell them apart */
    double hit_percent;                                /* of sessions and cache, by /status; NaN where neither was asked for */
    double front_us_per_request;                       /* of it the proxy's; NaN without one, or the same */
    double busy_us, busy_planned_us; /* workers occupied by /block and /cpu, and for how long they were asked to be */
};

void judge_window(const struct evidence *evidence, struct window *window);

/*
 * Why the cell must not be ranked, or NULL; the caller frees. What is odd but no reason is added to `notes`. *generator is set
 * when the reason is the generator's alone: such a cell says nothing of its server and may be run again.
 */
char *judge_cell(const struct evidence *evidence, const struct window *window, struct names *notes, bool *generator);

/* workers.csv: what each worker got, as the client saw it and as the server counted. 0 or negative errno. */
int judge_write_workers(const char *path, const struct evidence *evidence);

/* A number at a path of keys ("requests.ok" is two keys), or `missing`. */
double json_number_at(const json_t *json, const char *key, const char *inner, double missing);

#endif
