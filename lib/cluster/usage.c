/*
 * /proc, read for /status. stat's user and system times are whole ticks; schedstat's sum is nanoseconds. So the sum comes
 * from the one and the proportion from the other.
 */
#include "usage.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PROC_FILE_MAX 65536

static int read_proc(int pid, int tid, const char *name, char **text)
{
    char path[64];
    size_t length;
    if (tid)
        snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, tid, name);
    else
        snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return file_read(path, PROC_FILE_MAX, text, &length);
}

/* utime and stime are fields 14 and 15; the name before them may hold anything, so count from its closing bracket. */
static int read_ticks(int pid, int tid, unsigned long long *user, unsigned long long *system)
{
    char *text;
    int error = read_proc(pid, tid, "stat", &text);
    if (error)
        return error;
    const char *rest = strrchr(text, ')');
    bool found = rest && sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", user, system) == 2;
    free(text);
    return found ? 0 : -EPROTO;
}

static unsigned long long read_schedstat_ns(int pid, int tid)
{
    char *text;
    unsigned long long ns = 0;
    if (read_proc(pid, tid, "schedstat", &text) != 0)
        return 0;
    if (sscanf(text, "%llu", &ns) != 1)
        ns = 0;
    free(text);
    return ns;
}

static int read_cpu(int pid, int tid, struct usage *usage)
{
    unsigned long long user, system;
    int error = read_ticks(pid, tid, &user, &system);
    if (error)
        return error;
    double tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
    double exact_us = tid ? (double)read_schedstat_ns(pid, tid) / 1e3 : 0;
    double sum_us = exact_us > 0 ? exact_us : (double)(user + system) * tick_us;
    double share = user + system > 0 ? (double)user / (double)(user + system) : 1;
    usage->cpu_user_us = (uint64_t)(sum_us * share);
    usage->cpu_system_us = (uint64_t)(sum_us * (1 - share));
    return 0;
}

static uint64_t kilobytes_after(const char *text, const char *label)
{
    const char *line = strstr(text, label);
    return line ? strtoull(line + strlen(label), NULL, 10) * 1024 : 0;
}

int usage_read(int pid, int tid, struct usage *usage)
{
    char *text;
    memset(usage, 0, sizeof *usage);
    int error = read_cpu(pid, tid, usage);
    if (error)
        return error;
    if (read_proc(pid, 0, "smaps_rollup", &text) != 0)
        return 0;
    usage->rss_bytes = kilobytes_after(text, "\nRss:");
    usage->pss_bytes = kilobytes_after(text, "\nPss:");
    free(text);
    return 0;
}

int usage_resident_bytes(int pid, uint64_t *bytes)
{
    char *text;
    unsigned long long pages;
    int error = read_proc(pid, 0, "statm", &text);
    if (error)
        return error;
    error = sscanf(text, "%*u %llu", &pages) == 1 ? 0 : -EPROTO;
    free(text);
    *bytes = error ? 0 : pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return error;
}
