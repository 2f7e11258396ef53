/*
 * Who uses the CPUs: every process that can be seen, and what of their time is not ours.
 */
#ifndef HARNESS_CENSUS_H
#define HARNESS_CENSUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct census_entry {
    pid_t pid, parent;
    char name[16];
    bool kernel;               /* a thread of the kernel */
    uint64_t cpu_ns;           /* user and system, to the clock tick */
    uint64_t with_children_ns; /* and that of the children it has waited for, and of theirs */
};

struct census {
    struct census_entry *entries;
    unsigned count;
};

/* Reads /proc: proc_pid_stat(5). 0 or negative errno. census_free in either case. */
int census_take(struct census *census);
void census_free(struct census *census);

/*
 * CPU time that all processes have used which are neither `root`, nor below it, nor of the kernel, those they have waited for
 * included: the sum does not shrink when one of them ends, since its parent takes its time over.
 */
uint64_t census_others_ns(const struct census *census, pid_t root);

#endif
