/*
 * What a process or a thread has used, read from /proc.
 */
#ifndef CLUSTER_USAGE_H
#define CLUSTER_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t cpu_user_us, cpu_system_us; /* their sum is exact to the microsecond where the kernel keeps schedstat */
    uint64_t rss_bytes, pss_bytes;       /* of the process */
};

/* CPU of thread `tid` (all threads when it is 0) and memory of process `pid`. 0 or negative errno. proc(5) */
int usage_read(int pid, int tid, struct usage *usage);

/* Resident memory of process `pid`, cheaply. 0 or negative errno. proc(5), statm */
int usage_resident_bytes(int pid, uint64_t *bytes);

#endif
