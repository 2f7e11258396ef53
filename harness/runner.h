/*
 * A contender at work: started, seen ready, measured, stopped. For a program of ours that is its ready line; for a peer its
 * configuration is rendered into the cell's folder, ports are chosen, backends are started, and its /healthz is asked.
 */
#ifndef HARNESS_RUNNER_H
#define HARNESS_RUNNER_H

#include <jansson.h>

#include "contender.h"
#include "faults.h"
#include "tree.h"

struct runner_setting {
    struct custody *custody;
    const struct contender *contender;
    const char *programs;        /* folder of our programs: backends are among them */
    const char *folder;          /* the cell's: logs, rendered configuration; exists */
    const struct cpu_list *cpus; /* or NULL */
    unsigned workers;
    const struct names *options; /* words added to the command line of a program of ours, or NULL */
};

struct runner {
    const struct runner_setting *setting;
    struct process server; /* the process on top: the one that gets TERM */
    bool runs;
    struct process *backends; /* of a peer that has some */
    size_t backend_count;
    char *url, *admin; /* "http://127.0.0.1:4711"; admin NULL: it has no /status */
    json_t *command;
    uint64_t startup_ns;
    char *failure; /* why it could not be started */
    char *scratch; /* {folder} of a peer: goes when it is stopped */
    int near_fd;   /* of it, for {near} */
    unsigned *ports;
    struct values values; /* of the latest try */
    struct names reload;  /* the command that makes a peer reload; none: there is no such command */
    bool stopped_by_term;
};

/*
 * Starts it and waits until it is ready. 0; -ECANCELED with runner->failure; -EINTR. `setting` must outlive the runner. To be
 * stopped and closed in any case.
 */
int runner_start(struct runner *runner, const struct runner_setting *setting);

/* CPU time and memory of all its processes, backends included that were not killed on purpose. 0, or -ESRCH when one is gone. */
int runner_cpu(const struct runner *runner, struct tree_usage *usage);
int runner_memory(const struct runner *runner, struct tree_usage *usage);
/* What faults need to know of it, which points into the runner. */
struct faults_server runner_met_by_faults(const struct runner *runner);
/* Does everything that was started still run, backends aside that were killed on purpose? */
bool runner_lives(const struct runner *runner);

/* TERM and a grace (0 at once), then KILL, what stands in front first. Its own grace where `grace_ns` is UINT64_MAX. What its
 * processes left behind is custody_clear's. */
void runner_stop(struct runner *runner, uint64_t grace_ns);
/* After custody_clear: removes what the server wrote for itself. */
void runner_tidy(struct runner *runner);
void runner_close(struct runner *runner);

/* The grace that runner_stop gives at most. */
uint64_t runner_grace_ns(const struct runner *runner);

#endif
