/* census: one walk through /proc. A process that ends while it is read was never there. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "census.h"
#include "text.h"

#define STAT_LIMIT    65536u
#define KERNEL_THREAD 0x00200000ul /* PF_KTHREAD of linux/sched.h */

/* "4711 (a name) S 1 ...": the name may hold anything, blanks and brackets included. */
static bool take_stat(struct census_entry *entry, const char *text)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long flags, user, system;
    long children_user, children_system;
    if (!open || !close || close < open ||
        sscanf(close + 1, " %*c %d %*d %*d %*d %*d %lu %*u %*u %*u %*u %lu %lu %ld %ld", &entry->parent, &flags, &user, &system,
               &children_user, &children_system) != 6)
        return false;
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    snprintf(entry->name, sizeof(entry->name), "%.*s", (int)(close - open - 1), open + 1);
    entry->kernel = flags & KERNEL_THREAD;
    entry->cpu_ns = (user + system) * tick_ns;
    entry->with_children_ns = entry->cpu_ns + (uint64_t)(children_user + children_system) * tick_ns;
    return true;
}

static bool read_entry(struct census_entry *entry, pid_t pid)
{
    char *path = text_print("/proc/%d/stat", (int)pid), *text = NULL;
    size_t length;
    *entry = (struct census_entry){.pid = pid};
    bool whole = file_read(path, STAT_LIMIT, &text, &length) == 0 && take_stat(entry, text);
    free(text);
    free(path);
    return whole;
}

int census_take(struct census *census)
{
    *census = (struct census){0};
    DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    for (struct dirent *item; (item = readdir(proc));) {
        struct census_entry entry;
        if (!isdigit((unsigned char)*item->d_name) || !read_entry(&entry, (pid_t)atoi(item->d_name)))
            continue;
        census->entries = memory_grow(census->entries, (census->count + 1) * sizeof(entry));
        census->entries[census->count++] = entry;
    }
    closedir(proc);
    return 0;
}

void census_free(struct census *census)
{
    free(census->entries);
    *census = (struct census){0};
}

static const struct census_entry *find_entry(const struct census *census, pid_t pid)
{
    for (unsigned i = 0; i < census->count; i++)
        if (census->entries[i].pid == pid)
            return &census->entries[i];
    return NULL;
}

/* Up from the entry to the first process; no chain is longer than there are processes. */
static bool is_below(const struct census *census, const struct census_entry *entry, pid_t root)
{
    for (unsigned steps = 0; entry && steps <= census->count; steps++) {
        if (entry->pid == root)
            return true;
        entry = entry->parent ? find_entry(census, entry->parent) : NULL;
    }
    return false;
}

uint64_t census_others_ns(const struct census *census, pid_t root)
{
    uint64_t sum_ns = 0;
    for (unsigned i = 0; i < census->count; i++) {
        const struct census_entry *entry = &census->entries[i];
        if (!entry->kernel && !is_below(census, entry, root))
            sum_ns += entry->with_children_ns;
    }
    return sum_ns;
}
