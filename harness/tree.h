/*
 * A process and everything below it, as /proc shows it: who they are, the CPU time they took, the memory they hold.
 */
#ifndef HARNESS_TREE_H
#define HARNESS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree {
    pid_t *pids;
    unsigned count;
};

/* All descendants of `root`, without it; zombies do not count. Replaces what the tree held. 0 or negative errno. */
int tree_descendants(pid_t root, struct tree *tree);
/* The children of `root`, in the order they were started. As above. */
int tree_children(pid_t root, struct tree *tree);
/* Is it a child of `root`, and no zombie? */
bool tree_is_child(pid_t root, pid_t pid);
void tree_add(struct tree *tree, pid_t pid);
void tree_free(struct tree *tree);

struct tree_usage {
    uint64_t cpu_ns;             /* user and system, to the nanosecond where the kernel keeps schedstat; of the dead in ticks */
    uint64_t user_ns, system_ns; /* the same in clock ticks (10 ms each): good for the split only */
    uint64_t front_ns;           /* part of cpu_ns: of the processes in front of backends, where the harness started those */
    uint64_t pss_bytes;          /* proportional set size: shared pages divided among those who share them */
    unsigned processes;
    uint64_t identity; /* changes when a process of the tree came or went */
};

/* CPU time of `root` and its descendants up to now, those included that have ended and were waited for. 0, or -ESRCH when root is
 * gone. proc_pid_stat(5), proc_pid_schedstat */
int tree_cpu(pid_t root, struct tree_usage *usage);

/* Adds their memory (smaps_rollup). 0 or negative errno. */
int tree_memory(pid_t root, struct tree_usage *usage);

#endif
