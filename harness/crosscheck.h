/*
 * A second opinion: after a cell's own load another generator (wrk, ab or hey) puts a short closed loop on the same server. Its
 * requests/s stand in crosscheck.json beside ours. It ranks nothing: it tells whether our generator is believable.
 */
#ifndef HARNESS_CROSSCHECK_H
#define HARNESS_CROSSCHECK_H

#include <jansson.h>

#include "plan.h"
#include "process.h"

/* For messages. */
#define CROSSCHECK_ALLOWED "wrk, ab or hey"

/* Is there a generator of this name that this module knows how to call? */
bool crosscheck_knows(const char *name);

/* Why this experiment cannot be cross-checked, or NULL: it asks for more than all such generators have. */
const char *crosscheck_declines(const struct experiment *experiment);

/* How long it runs on a cell of this experiment; 0 where it is not asked for. */
uint64_t crosscheck_ns(const struct experiment *experiment);

/* Its path, the caller frees; NULL when it is not installed. */
char *crosscheck_program(const char *name);

/* "wrk is not installed (Debian: wrk)"; the caller frees. */
char *crosscheck_missing(const char *name);

struct crosscheck {
    struct custody *custody;
    const struct experiment *experiment;
    const char *url;             /* with the path */
    const struct cpu_list *cpus; /* of the generator */
    unsigned threads;            /* that loadgen had */
    double ours;                 /* requests/s that loadgen reached */
};

/*
 * Runs it and gives crosscheck.json's document, {"schema", "generator", "command", "requests_per_s", "ours", "ratio", "failure"};
 * NULL when interrupted.
 */
json_t *crosscheck_run(const struct crosscheck *check);

/* The figure in what a generator printed; negative when there is none. For tests. */
double crosscheck_read(const char *name, const char *text);

#endif
