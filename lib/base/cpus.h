/*
 * Which CPUs this process may use, how many are worth a worker, and pinning.
 */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

#include <stddef.h>

#define CPUS_MAX 1024

struct cpu_list {
    unsigned count;
    unsigned short cpu[CPUS_MAX];
};

/* The affinity mask as a list. sched_getaffinity(2). 0 or negative errno. */
int cpus_allowed(struct cpu_list *list);

/* "0", "0,2", "0-3,8": in the order written, duplicates refused. 0, -EINVAL, or -ENXIO for a CPU outside the affinity mask. */
int cpus_parse(const char *text, struct cpu_list *list);
char *cpus_format(const struct cpu_list *list, char *text, size_t size);

/* The cgroup's CPU quota in CPUs (v2 cpu.max, v1 cpu.cfs_quota_us), the tightest of this cgroup and its parents; 0 when there is
 * none. */
double cpus_quota(void);
double cpus_quota_under(const char *root); /* the same with another root than "" for /proc and /sys: for tests */

/* max(1, min(CPUs in the affinity mask, ceil(quota))): what --workers auto means. */
unsigned cpus_usable(void);

/* Pins the calling thread. 0 or negative errno. */
int cpus_pin(unsigned cpu);
int cpus_pin_list(const struct cpu_list *list);

#endif
