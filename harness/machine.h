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
};

/* 0 or negative errno. */
int machine_time(struct machine_time *time);

/* Stolen time between two readings, percent of all CPU time; 0 without any. */
double machine_steal_percent(const struct machine_time *from, const struct machine_time *to);

/* The first line of a small file, without its newline; NULL where there is none. The caller frees. */
char *machine_line(const char *path);

/* "AMD EPYC 9354P" or "unknown CPU". The caller frees. */
char *machine_cpu_model(void);

/* Everything worth knowing when figures are compared: CPU, kernel, governor, quota, mitigations, load, steal since boot, versions
 * of the libraries and of gnuplot, compiler and flags, commit, hashes of the programs. A new reference. */
json_t *machine_record(struct custody *custody, const char *programs);

#endif
