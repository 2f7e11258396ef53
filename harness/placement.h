/*
 * Which CPUs the servers get and which the generator, so that they do not take time from each other.
 */
#ifndef HARNESS_PLACEMENT_H
#define HARNESS_PLACEMENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/cpus.h"

struct placement {
    struct cpu_list server, generator;
    bool together; /* one CPU only: both on it, and CPU figures are to be trusted, throughput is not */
};

/* The first half of the CPUs this process may use for servers, the other half for the generator. 0 or negative errno. */
int placement_choose(struct placement *placement);

/* What `workers = auto` means: one a server CPU, but at least 2, since a cluster of one is none. */
unsigned placement_auto_workers(const struct placement *placement);

/* "servers on CPU 0, generator on CPU 1". The caller frees. */
char *placement_text(const struct placement *placement);

/* {"server": "0", "generator": "1", "together": false} */
json_t *placement_json(const struct placement *placement);

#endif
