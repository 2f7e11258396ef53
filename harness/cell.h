/*
 * One cell: a freshly started server, one load on it, what it cost, and everything put away again.
 */
#ifndef HARNESS_CELL_H
#define HARNESS_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "contender.h"
#include "placement.h"
#include "plan.h"
#include "process.h"

struct cell_setting {
    struct custody *custody;
    const struct plan *plan;
    const struct placement *placement;
    const struct contender *contender; /* the row's */
    const char *programs;              /* folder of the server programs and loadgen */
    const char *folder;                /* the run's; cells/ lies in it */
    uint64_t seed;                     /* the run's */
    bool may_repeat;                   /* a cell that the generator spoiled leaves no folder and is to be run again */
};

struct cell_outcome {
    char *name;          /* the folder below cells/; the caller frees */
    char *failure;       /* why the cell is not ranked, or NULL; the caller frees */
    uint64_t own_cpu_ns; /* of server and generator: what else ran on the machine is foreign */
    bool spoiled;        /* `failure` is the generator's: it says nothing of the server */
    bool repeat;         /* the same, and the setting allows another try */
};

/*
 * Runs the cell and leaves cells/<name>/ with server.json, load.json, latency.hgrm, workers.csv and the logs; the folder appears
 * under that name only when it is whole. A server or generator that fails makes a failed cell, which is a result: 0.
 * -EINTR when interrupted (no folder, no process is left), another negative errno when the results cannot be written.
 */
int cell_run(const struct cell_setting *setting, const struct cell_plan *plan, unsigned block, struct cell_outcome *outcome);

/* The generator's seed: the same for every strategy of an experiment, load and block, so that all see the same work. */
uint64_t cell_seed(uint64_t run_seed, unsigned block, unsigned experiment, unsigned load);

#endif
