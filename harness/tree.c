/*
 * tree: what a server costs is what all its processes cost.
 *
 * A server may be one process, a primary with workers, or fronts with backends; the harness does not want to know. It walks
 * /proc for everything below the pid it started and adds up. CPU time comes from each thread's schedstat (nanoseconds on the
 * CPU); utime and stime of stat are exact only to a clock tick and give the share of user and system. A thread that ended
 * inside the window takes its schedstat along: none of our servers end threads under load. A process that ended left its time, in
 * ticks, with the parent that waited for it; whoever ignores SIGCHLD has no such time. That somebody came or went shows in
 * `identity`.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "text.h"
#include "tree.h"

#define PROC_TEXT_LIMIT 65536u

void tree_add(struct tree *tree, pid_t pid)
{
    tree->pids = memory_grow(tree->pids, (tree->count + 1) * sizeof(*tree->pids));
    tree->pids[tree->count++] = pid;
}

void tree_free(struct tree *tree)
{
    free(tree->pids);
    *tree = (struct tree){0};
}

struct process_stat {
    pid_t pid, parent;
    char state;
    uint64_t user_ticks, system_ticks, start_ticks;
    uint64_t children_user_ticks, children_system_ticks; /* of those that were waited for, and theirs */
};

/* A process may end between being listed and being read: -ENOENT or -ESRCH then, no error to anybody. */
static int read_stat(pid_t pid, struct process_stat *stat)
{
    char *path = text_print("/proc/%d/stat", (int)pid), *text = NULL;
    size_t length;
    int result = file_read(path, PROC_TEXT_LIMIT, &text, &length);
    free(path);
    if (result < 0)
        return result;
    const char *after_name = strrchr(text, ')'); /* the name may hold anything, blanks and brackets included */
    stat->pid = pid;
    int fields = !after_name
                     ? 0
                     : sscanf(after_name + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu %*d %*d %*d %*d %lu",
                              &stat->state, &stat->parent, &stat->user_ticks, &stat->system_ticks, &stat->children_user_ticks,
                              &stat->children_system_ticks, &stat->start_ticks);
    free(text);
    return fields == 7 ? 0 : -EINVAL;
}

static int read_all_stats(struct process_stat **stats, unsigned *count)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    for (struct dirent *entry; (entry = readdir(proc));) {
        struct process_stat stat;
        if (!isdigit((unsigned char)*entry->d_name) || read_stat((pid_t)atoi(entry->d_name), &stat) < 0)
            continue;
        *stats = memory_grow(*stats, (*count + 1) * sizeof(**stats));
        (*stats)[(*count)++] = stat;
    }
    closedir(proc);
    return 0;
}

/* Zombies do nothing any more. */
static bool is_child(const struct process_stat *stat, pid_t parent)
{
    return stat->parent == parent && stat->state != 'Z' && stat->state != 'X';
}

bool tree_is_child(pid_t root, pid_t pid)
{
    struct process_stat stat;
    return read_stat(pid, &stat) == 0 && is_child(&stat, root);
}

int tree_descendants(pid_t root, struct tree *tree)
{
    tree->count = 0;
    struct process_stat *stats = NULL;
    unsigned count = 0;
    int result = read_all_stats(&stats, &count);
    /* Breadth first: the children of root, then theirs. What lies in the tree is its own list of what is still to be looked at. */
    pid_t parent = root;
    for (unsigned next = 0; !result; next++) {
        for (unsigned i = 0; i < count; i++)
            if (is_child(&stats[i], parent))
                tree_add(tree, stats[i].pid);
        if (next >= tree->count)
            break;
        parent = tree->pids[next];
    }
    free(stats);
    return result;
}

/* Within one tick of the clock the pids tell, which are given in turn but where they wrap. */
static int by_age(const void *one, const void *two)
{
    const struct process_stat *first = one, *second = two;
    if (first->start_ticks != second->start_ticks)
        return first->start_ticks < second->start_ticks ? -1 : 1;
    return (first->pid > second->pid) - (first->pid < second->pid);
}

/* Of one thread, by proc_pid_children(5): much cheaper than a look at all processes. 0 or negative errno. */
static int read_children(const char *folder, const char *thread, struct process_stat **stats, unsigned *count)
{
    char *path = text_print("%s/%s/children", folder, thread), *text = NULL;
    size_t length;
    int result = file_read(path, PROC_TEXT_LIMIT, &text, &length);
    char *rest = text;
    for (char *word; result >= 0 && (word = strsep(&rest, " "));) {
        struct process_stat stat;
        if (!*word || read_stat((pid_t)atoi(word), &stat) < 0)
            continue;
        *stats = memory_grow(*stats, (*count + 1) * sizeof(**stats));
        (*stats)[(*count)++] = stat;
    }
    free(text);
    free(path);
    return result < 0 ? result : 0;
}

/* -ENOENT where the kernel was built without such files. */
static int read_all_children(pid_t root, struct process_stat **stats, unsigned *count)
{
    char *folder = text_print("/proc/%d/task", (int)root);
    DIR *tasks = opendir(folder);
    int result = tasks ? -ENOENT : -errno;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        if (isdigit((unsigned char)*entry->d_name) && read_children(folder, entry->d_name, stats, count) == 0)
            result = 0;
    if (tasks)
        closedir(tasks);
    free(folder);
    return result;
}

int tree_children(pid_t root, struct tree *tree)
{
    tree->count = 0;
    struct process_stat *stats = NULL;
    unsigned count = 0;
    int result = read_all_children(root, &stats, &count);
    if (result == -ENOENT)
        result = read_all_stats(&stats, &count);
    if (count)
        qsort(stats, count, sizeof(*stats), by_age);
    for (unsigned i = 0; i < count; i++)
        if (is_child(&stats[i], root))
            tree_add(tree, stats[i].pid);
    free(stats);
    return result;
}

/* Nanoseconds on the CPU of all threads of a process; 0 where the kernel keeps no schedstat. */
static uint64_t read_schedstat(pid_t pid)
{
    char *folder = text_print("/proc/%d/task", (int)pid);
    DIR *tasks = opendir(folder);
    uint64_t sum_ns = 0;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char *path = text_print("%s/%s/schedstat", folder, entry->d_name), *text;
        size_t length;
        if (isdigit((unsigned char)*entry->d_name) && file_read(path, PROC_TEXT_LIMIT, &text, &length) == 0) {
            sum_ns += strtoull(text, NULL, 10);
            free(text);
        }
        free(path);
    }
    if (tasks)
        closedir(tasks);
    free(folder);
    return sum_ns;
}

static int add_cpu(pid_t pid, struct tree_usage *usage)
{
    struct process_stat stat;
    int result = read_stat(pid, &stat);
    if (result < 0)
        return result;
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK), exact_ns = read_schedstat(pid);
    usage->user_ns += (stat.user_ticks + stat.children_user_ticks) * tick_ns;
    usage->system_ns += (stat.system_ticks + stat.children_system_ticks) * tick_ns;
    usage->cpu_ns += exact_ns ? exact_ns : (stat.user_ticks + stat.system_ticks) * tick_ns;
    usage->cpu_ns += (stat.children_user_ticks + stat.children_system_ticks) * tick_ns;
    usage->identity += ((uint64_t)pid << 32 ^ stat.start_ticks) * UINT64_C(0x9e3779b97f4a7c15); /* a sum: order does not matter */
    usage->processes++;
    return 0;
}

int tree_cpu(pid_t root, struct tree_usage *usage)
{
    *usage = (struct tree_usage){0};
    struct tree tree = {0};
    int result = tree_descendants(root, &tree);
    if (!result && add_cpu(root, usage) < 0)
        result = -ESRCH;
    for (unsigned i = 0; !result && i < tree.count; i++)
        add_cpu(tree.pids[i], usage);
    tree_free(&tree);
    return result;
}

static uint64_t read_pss(pid_t pid)
{
    char *path = text_print("/proc/%d/smaps_rollup", (int)pid), *text = NULL;
    size_t length;
    uint64_t kilobytes = 0;
    if (file_read(path, PROC_TEXT_LIMIT, &text, &length) == 0) {
        const char *line = strstr(text, "\nPss:");
        kilobytes = line ? strtoull(line + 5, NULL, 10) : 0;
        free(text);
    }
    free(path);
    return kilobytes * 1024;
}

int tree_memory(pid_t root, struct tree_usage *usage)
{
    struct tree tree = {0};
    int result = tree_descendants(root, &tree);
    usage->pss_bytes = read_pss(root);
    for (unsigned i = 0; !result && i < tree.count; i++)
        usage->pss_bytes += read_pss(tree.pids[i]);
    tree_free(&tree);
    return result;
}
