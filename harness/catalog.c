/*
 * catalog: finds strategies, programs, plans and plot scripts.
 *
 * Run from the build folder the harness takes programs from beside itself and plans from the source tree; installed, from
 * PREFIX/bin and PREFIX/share/clusterbench. An option names another place. A strategy is any program that keeps the
 * contract (a ready line, the shared paths): being in CMake's list only gives it a fixed place on charts.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog.h"

#define STYLES_BEHIND_LIST 4
#define STYLE_FIRST_PEER   11u

/* Peers whose place on charts is fixed, from STYLE_FIRST_PEER on; 7..10 stay for programs that came later. */
static const char *const peers_with_style[] = {
    "nginx-shared",  "nginx-reuseport", "nginx-accept-mutex", "nginx-proxy",
    "haproxy-proxy", "node-cluster-rr", "node-cluster-none",  "pm2",
};

void catalog_strategies(struct names *names)
{
    names_split(names, CLUSTERBENCH_STRATEGIES);
}

void catalog_policies(struct names *names)
{
    names_split(names, CLUSTERBENCH_POLICIES);
}

/* FNV-1a: spreads names over the spare styles, the same on every machine. */
static unsigned name_hash(const char *name)
{
    unsigned hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

unsigned catalog_style(const char *strategy)
{
    struct names list = {0};
    catalog_strategies(&list);
    unsigned style = (unsigned)list.count + 1 + name_hash(strategy) % STYLES_BEHIND_LIST;
    for (size_t i = 0; i < list.count; i++)
        if (!strcmp(list.items[i], strategy))
            style = (unsigned)i + 1;
    for (unsigned i = 0; i < sizeof(peers_with_style) / sizeof(*peers_with_style); i++)
        if (!strcmp(peers_with_style[i], strategy))
            style = STYLE_FIRST_PEER + i;
    names_free(&list);
    return style;
}

unsigned catalog_most_workers(const char *strategy)
{
    return strcmp(strategy, "single") ? 1024 : 1;
}

char *catalog_programs(const char *given)
{
    if (given)
        return text_copy(given);
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length <= 0)
        return text_copy(".");
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash && slash != path)
        *slash = '\0';
    return text_copy(path);
}

char *catalog_suite(const char *name)
{
    char *programs = catalog_programs(NULL), *suite = text_print("%s/%s", programs, name);
    if (!catalog_is_program(suite))
        text_replace(&suite, text_print("%s/../lib/clusterbench/%s", programs, name));
    free(programs);
    return suite;
}

void catalog_folders(struct names *folders, const char *kind, const char *given)
{
    if (given) {
        names_add(folders, given);
        return;
    }
    char *programs = catalog_programs(NULL);
    char *installed = text_print("%s/../share/clusterbench/%s", programs, kind);
    char *source = text_print("%s/harness/%s", CLUSTERBENCH_SOURCE_DIR, kind);
    names_add(folders, installed);
    names_add(folders, source);
    free(source);
    free(installed);
    free(programs);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void catalog_peer_folders(struct names *folders, const char *given)
{
    if (given) {
        names_add(folders, given);
        return;
    }
    char *programs = catalog_programs(NULL), *installed = text_print("%s/../share/clusterbench/peers", programs);
    names_add(folders, installed);
    names_add(folders, CLUSTERBENCH_SOURCE_DIR "/strategies/peers");
    free(installed);
    free(programs);
}

char *catalog_peer_file(const struct names *folders, const char *name)
{
    for (size_t i = 0; i < folders->count; i++) {
        char *path = text_print("%s/%s/peer.ini", folders->items[i], name);
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static void add_peers_of(const char *path, const struct names *folders, struct names *peers)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char *file = *entry->d_name == '.' ? NULL : catalog_peer_file(folders, entry->d_name);
        if (file && !names_hold(peers, entry->d_name))
            names_add(peers, entry->d_name);
        free(file);
    }
    if (folder)
        closedir(folder);
}

void catalog_peers(const struct names *folders, struct names *peers)
{
    size_t before = peers->count;
    for (size_t i = 0; i < folders->count; i++)
        add_peers_of(folders->items[i], folders, peers);
    if (peers->count > before)
        qsort(peers->items + before, peers->count - before, sizeof(*peers->items), compare_names);
}

bool catalog_is_program(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && access(path, X_OK) == 0;
}

bool catalog_has_program(const char *folder, const char *name)
{
    char *path = text_print("%s/%s", folder, name);
    bool has = catalog_is_program(path);
    free(path);
    return has;
}

char *catalog_plan_file(const struct names *folders, const char *plan)
{
    if (strchr(plan, '/') || strstr(plan, ".ini"))
        return access(plan, R_OK) == 0 ? text_copy(plan) : NULL;
    for (size_t i = 0; i < folders->count; i++) {
        char *path = text_print("%s/%s.ini", folders->items[i], plan);
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static void add_plan(struct names *plans, const char *file)
{
    size_t length = strlen(file);
    if (length < 5 || strcmp(file + length - 4, ".ini"))
        return;
    char *name = text_print("%.*s", (int)(length - 4), file);
    if (!names_hold(plans, name))
        names_add(plans, name);
    free(name);
}

void catalog_plans(const struct names *folders, struct names *plans)
{
    for (size_t i = 0; i < folders->count; i++) {
        DIR *folder = opendir(folders->items[i]);
        if (!folder)
            continue;
        for (struct dirent *entry; (entry = readdir(folder));)
            add_plan(plans, entry->d_name);
        closedir(folder);
    }
    if (plans->count)
        qsort(plans->items, plans->count, sizeof(*plans->items), compare_names);
}
