/*
 * CPUs: which ones, how many, pinning.
 *
 * A container's CPU quota stands in its cgroup. /proc/self/cgroup says which group this process is in, /proc/self/mountinfo
 * where that hierarchy is mounted and which group is at the mount's root (in a container rarely the real root). A parent may be
 * tighter than the group itself, so all groups up to the mount are asked. cgroups(7), cgroup-v2.rst of the kernel.
 */
#include "base/cpus.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FILE_LIMIT (1 << 20)

/* ---- the affinity mask ---- */

int cpus_allowed(struct cpu_list *list)
{
    cpu_set_t set;
    int cpu;

    list->count = 0;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return -errno;
    for (cpu = 0; cpu < CPUS_MAX; cpu++)
        if (CPU_ISSET(cpu, &set))
            list->cpu[list->count++] = (unsigned short)cpu;
    return 0;
}

static bool contains(const struct cpu_list *list, unsigned cpu)
{
    unsigned i;

    for (i = 0; i < list->count; i++)
        if (list->cpu[i] == cpu)
            return true;
    return false;
}

static int add_cpu(struct cpu_list *list, const struct cpu_list *allowed, unsigned cpu)
{
    if (contains(list, cpu))
        return -EINVAL;
    if (!contains(allowed, cpu))
        return -ENXIO;
    list->cpu[list->count++] = (unsigned short)cpu;
    return 0;
}

/* At most five digits, so that nothing overflows. Returns the text behind them, NULL without any. */
static const char *read_cpu(const char *at, unsigned *cpu)
{
    size_t digits = strspn(at, "0123456789");

    if (digits < 1 || digits > 5)
        return NULL;
    *cpu = (unsigned)strtoul(at, NULL, 10);
    return at + digits;
}

/* "3" or "0-3" */
static const char *read_range(const char *at, unsigned *first, unsigned *last)
{
    at = read_cpu(at, first);
    if (at == NULL)
        return NULL;
    *last = *first;
    if (*at == '-')
        at = read_cpu(at + 1, last);
    return at != NULL && *first <= *last ? at : NULL;
}

int cpus_parse(const char *text, struct cpu_list *list)
{
    struct cpu_list allowed;
    unsigned cpu, last;
    int error = cpus_allowed(&allowed);

    list->count = 0;
    while (error == 0) {
        text = read_range(text, &cpu, &last);
        if (text == NULL)
            return -EINVAL;
        for (; cpu <= last && error == 0; cpu++)
            error = add_cpu(list, &allowed, cpu);
        if (*text == '\0')
            return error;
        if (*text++ != ',')
            return -EINVAL;
    }
    return error;
}

char *cpus_format(const struct cpu_list *list, char *text, size_t size)
{
    size_t length = 0;
    unsigned i, run;

    text[0] = '\0';
    for (i = 0; i < list->count && length < size; i += run) {
        const char *comma = i == 0 ? "" : ",";

        for (run = 1; i + run < list->count && list->cpu[i + run] == list->cpu[i] + run; run++)
            ;
        if (run == 1)
            length += (size_t)snprintf(text + length, size - length, "%s%u", comma, list->cpu[i]);
        else
            length += (size_t)snprintf(text + length, size - length, "%s%u-%u", comma, list->cpu[i], list->cpu[i] + run - 1);
    }
    return text;
}

int cpus_pin_list(const struct cpu_list *list)
{
    cpu_set_t set;
    unsigned i;

    CPU_ZERO(&set);
    for (i = 0; i < list->count; i++)
        CPU_SET(list->cpu[i], &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno;
}

int cpus_pin(unsigned cpu)
{
    struct cpu_list list = {.count = 1, .cpu = {(unsigned short)cpu}};

    return cpu < CPUS_MAX ? cpus_pin_list(&list) : -EINVAL;
}

/* ---- the cgroup's quota ---- */

/* One way of asking a group for its quota, in CPUs; 0 when it has none. `group` is its folder. */
typedef double (*quota_reader)(const char *group);

static char *read_text(const char *folder, const char *name)
{
    char *path, *text = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return NULL;
    if (file_read(path, FILE_LIMIT, &text, NULL) < 0)
        text = NULL;
    free(path);
    return text;
}

static double quota_of(long long quota_us, long long period_us)
{
    return quota_us > 0 && period_us > 0 ? (double)quota_us / (double)period_us : 0;
}

/* cpu.max: "150000 100000", or "max 100000" for none. */
static double read_quota_v2(const char *group)
{
    char *text = read_text(group, "cpu.max");
    long long quota_us = 0, period_us = 0;

    if (text != NULL && sscanf(text, "%lld %lld", &quota_us, &period_us) != 2)
        quota_us = 0;
    free(text);
    return quota_of(quota_us, period_us);
}

/* cpu.cfs_quota_us: -1 for none. */
static double read_quota_v1(const char *group)
{
    char *quota = read_text(group, "cpu.cfs_quota_us"), *period = read_text(group, "cpu.cfs_period_us");
    double cpus = quota != NULL && period != NULL ? quota_of(atoll(quota), atoll(period)) : 0;

    free(quota);
    free(period);
    return cpus;
}

static double tighter(double one, double other)
{
    if (one == 0 || other == 0)
        return one + other;
    return fmin(one, other);
}

/* The tightest of `folder` (which is cut shorter on the way) and its parents down to its first `mount_length` bytes. */
static double quota_up_to(char *folder, size_t mount_length, quota_reader read_quota)
{
    double quota = read_quota(folder);

    while (strlen(folder) > mount_length) {
        *strrchr(folder, '/') = '\0';
        quota = tighter(quota, read_quota(folder));
    }
    return quota;
}

/* Is `word` one of the comma-separated `words`? */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (;;) {
        size_t next = strcspn(words, ",\n");

        if (next == length && memcmp(words, word, length) == 0)
            return true;
        if (words[next] != ',')
            return false;
        words += next + 1;
    }
}

/* A cgroup file system that knows of CPUs. proc_pid_mountinfo(5): ... root mount-point options [tags] - type source options */
struct cgroup_mount {
    bool v2;
    char root[512], point[512];
};

static bool parse_mount(const char *line, struct cgroup_mount *mount)
{
    const char *behind = strstr(line, " - ");
    char type[32], options[512];

    if (behind == NULL || sscanf(line, "%*s %*s %*s %511s %511s", mount->root, mount->point) != 2)
        return false;
    if (sscanf(behind, " - %31s %*s %511s", type, options) != 2)
        return false;
    mount->v2 = strcmp(type, "cgroup2") == 0;
    return mount->v2 || (strcmp(type, "cgroup") == 0 && has_word(options, "cpu"));
}

/* The path of our group in the hierarchy of `mount`: lines "0::/path" (v2) and "4:cpu,cpuacct:/path" (v1). Caller frees. */
static char *find_group(const char *groups, const struct cgroup_mount *mount)
{
    const char *line;

    for (line = groups; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        const char *controllers = strchr(line, ':'), *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        char words[256];

        if (path == NULL || (size_t)(path - controllers) > sizeof(words))
            continue;
        memcpy(words, controllers + 1, (size_t)(path - controllers) - 1);
        words[path - controllers - 1] = '\0';
        if (mount->v2 ? words[0] == '\0' : has_word(words, "cpu"))
            return strndup(path + 1, strcspn(path + 1, "\n"));
    }
    return NULL;
}

/* What of `group` lies below the mount. A group outside of it (seen from another namespace) is not reachable: then only the mount.
 */
static const char *below_mount(const char *group, const struct cgroup_mount *mount)
{
    size_t root_length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);

    if (strstr(group, "/..") != NULL || strncmp(group, mount->root, root_length) != 0)
        return "";
    group += root_length;
    return strcmp(group, "/") == 0 || *group != '/' ? "" : group;
}

static double quota_in_mount(const char *root, const char *groups, const struct cgroup_mount *mount)
{
    char *group = find_group(groups, mount), *folder;
    double quota = 0;

    if (group != NULL && asprintf(&folder, "%s%s%s", root, mount->point, below_mount(group, mount)) >= 0) {
        quota = quota_up_to(folder, strlen(root) + strlen(mount->point), mount->v2 ? read_quota_v2 : read_quota_v1);
        free(folder);
    }
    free(group);
    return quota;
}

static double quota_in_mounts(const char *root, const char *groups, char *mounts)
{
    struct cgroup_mount mount;
    char *line, *rest = NULL;
    double quota = 0;

    for (line = strtok_r(mounts, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (parse_mount(line, &mount))
            quota = tighter(quota, quota_in_mount(root, groups, &mount));
    return quota;
}

double cpus_quota_under(const char *root)
{
    char *groups = read_text(root, "proc/self/cgroup"), *mounts = read_text(root, "proc/self/mountinfo");
    double quota = groups != NULL && mounts != NULL ? quota_in_mounts(root, groups, mounts) : 0;

    free(groups);
    free(mounts);
    return quota;
}

double cpus_quota(void)
{
    return cpus_quota_under("");
}

unsigned cpus_usable(void)
{
    struct cpu_list allowed;
    double quota = ceil(cpus_quota());
    unsigned count = cpus_allowed(&allowed) == 0 ? allowed.count : 1;

    if (quota >= 1 && quota < count)
        count = (unsigned)quota;
    return count > 0 ? count : 1;
}
