/*
 * The machine a run was made on, and how quiet it was.
 */
#ifndef HARNESS_MACHINE_H
#define HARNESS_MACHINE_H

#include <jansson.h>
#include <stdint.h>

#include "process.h"

/* CPU time of the whole machine since its start, /proc/stat, in nanoseconds: proc_stat(5). */
struct machine_time {
    uint64_t all_ns, busy_ns, steal_ns;
    uint64_t interrupts_ns; /* of busy: hard and soft interrupts, where the kernel tells them apart */
};

/* 0 or negative errno. */
int machine_time(struct machine_time *time);

/* Stolen time between two readings, percent of all CPU time; 0 without any. */
double machine_steal_percent(const struct machine_time *from, const struct machine_time *to);

/* The first line of a small file, without its newline; NULL where there is none. The caller frees. */
char *machine_line(const char *path);

/* "AMD EPYC 9354P" or "unknown CPU". The caller frees. */
char *machine_cpu_model(void);

/* "[madvise]" of "always [madvise] never", without the brackets; the caller frees; NULL where there is none. */
char *machine_choice(const char *path);

/* "on", "off" or NULL where nothing tells: the caller frees. */
char *machine_turbo(void);

/* "virtual machine", "container", both with a comma, or "none seen". The caller frees. */
char *machine_virtualisation(void);

/*
 * Everything worth knowing when figures are compared: CPU, kernel, governor, turbo, SMT, quota, mitigations, clock source, huge
 * pages, versions of the libraries and of gnuplot, compiler and flags, commit, hashes of our programs and of `files` ({NAME:
 * PATH}). What changes by itself stands under "readings". A new reference.
 */
json_t *machine_record(struct custody *custody, const char *programs, const json_t *files);

/* "readings": load, pressure (/proc/pressure), steal since boot, how often the cgroup was throttled. A new reference. */
json_t *machine_readings(void);

enum machine_part {
    MACHINE_IDENTITY,  /* CPU, kernel, hashes, peers: what makes it the same machine with the same programs */
    MACHINE_EVERYTHING /* and all settings, and what the readings of the cgroup's throttling rose by */
};

/* Adds "cpu.governor: powersave, then performance" for each difference between two records. */
void machine_compare(const json_t *before, const json_t *after, enum machine_part part, struct names *differences);

#endif
