/*
 * What the processes of a server hold, from /proc: processes, descriptors, zombies.
 */
#include "scene.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define SETTLED_MS 50

static uint64_t deadline_of(const struct contract *contract)
{
    return now_ns() + contract->patience_ns;
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    return count;
}

static bool same_holdings(const struct holdings *one, const struct holdings *two)
{
    return one->processes == two->processes && one->descriptors == two->descriptors &&
           one->primary_descriptors == two->primary_descriptors;
}

/* A loop opens what streams need with its first one: everybody has had a connection. */
static bool all_are_warm(struct contract *contract, struct server *server)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].accepted == 0)
            return false;
    return true;
}

static void warm_up(struct contract *contract, struct server *server)
{
    uint64_t deadline_ns = deadline_of(contract);
    while (!all_are_warm(contract, server)) {
        scene_send_wave(contract, server);
        CHECK(contract, look_again(deadline_ns), "a worker or front never takes a connection");
    }
    while (status_sum_rows(contract, server, "active") > 0) /* a front's pool empties itself: idle time-out */
        CHECK(contract, look_again(deadline_ns), "connections stay open that nobody uses");
}

static void take_stock(struct server *server, struct holdings *holdings)
{
    struct family family;
    memset(holdings, 0, sizeof *holdings);
    family_collect(server->contract, server->pid, &family);
    holdings->processes = (unsigned)family.count;
    holdings->primary_descriptors = count_descriptors(server->pid);
    for (size_t i = 0; i < family.count; i++)
        holdings->descriptors += count_descriptors(family.pids[i]);
    family_release(&family);
}

void scene_take_stock(struct server *server, struct holdings *holdings)
{
    uint64_t deadline_ns = deadline_of(server->contract);
    struct holdings now;
    warm_up(server->contract, server);
    uint64_t since_ns = now_ns();
    take_stock(server, holdings);
    while (now_ns() - since_ns < SETTLED_MS * MS) {
        CHECK(server->contract, look_again(deadline_ns), "what its processes hold does not settle");
        take_stock(server, &now);
        if (!same_holdings(&now, holdings))
            since_ns = now_ns();
        *holdings = now;
    }
}

static bool is_zombie_of(pid_t parent, const char *pid)
{
    char path[64], text[512], state = '?';
    int its_parent = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const char *after_name = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
    bool read = after_name != NULL && sscanf(after_name, ") %c %d", &state, &its_parent) == 2;
    fclose(file);
    return read && state == 'Z' && its_parent == parent;
}

static unsigned count_zombies(pid_t parent)
{
    unsigned count = 0;
    DIR *proc = opendir("/proc");
    for (const struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;)
        count += isdigit((unsigned char)entry->d_name[0]) && is_zombie_of(parent, entry->d_name);
    if (proc != NULL)
        closedir(proc);
    return count;
}

void scene_expect_stock(struct server *server, const struct holdings *before)
{
    struct contract *contract = server->contract;
    uint64_t deadline_ns = deadline_of(contract);
    struct holdings now;
    unsigned zombies;
    warm_up(contract, server);
    do {
        take_stock(server, &now);
        zombies = count_zombies(server->pid);
        if (same_holdings(&now, before) && zombies == 0)
            return;
    } while (look_again(deadline_ns));
    contract_fail(contract, __FILE__, __LINE__,
                  "processes %u -> %u, zombies among them %u, descriptors %u -> %u, of them the primary's %u -> %u",
                  before->processes, now.processes, zombies, before->descriptors, now.descriptors, before->primary_descriptors,
                  now.primary_descriptors);
}
