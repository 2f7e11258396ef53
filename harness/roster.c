/*
 * roster: a look empties the places of the dead and fills empty ones. More children than places (a reload, while old workers
 * still drain) wait for one: a place is empty again when the old worker has gone.
 */
#include <stdlib.h>

#include "roster.h"
#include "text.h"
#include "tree.h"

void roster_open(struct roster *roster, unsigned places)
{
    *roster = (struct roster){.pids = memory_get((places + 1) * sizeof(*roster->pids)), .count = places};
}

void roster_close(struct roster *roster)
{
    free(roster->pids);
    *roster = (struct roster){0};
}

static bool has_place(const struct roster *roster, pid_t pid)
{
    for (unsigned i = 0; i < roster->count; i++)
        if (roster->pids[i] == pid)
            return true;
    return false;
}

static bool lives(const struct tree *children, pid_t pid)
{
    for (unsigned i = 0; i < children->count; i++)
        if (children->pids[i] == pid)
            return true;
    return false;
}

static void give_place(struct roster *roster, pid_t pid)
{
    for (unsigned i = 0; i < roster->count; i++)
        if (!roster->pids[i]) {
            roster->pids[i] = pid;
            return;
        }
}

int roster_look(struct roster *roster, pid_t server)
{
    struct tree children = {0};
    int result = tree_children(server, &children);
    for (unsigned i = 0; !result && i < roster->count; i++)
        if (!lives(&children, roster->pids[i]))
            roster->pids[i] = 0;
    for (unsigned i = 0; !result && i < children.count; i++)
        if (!has_place(roster, children.pids[i]))
            give_place(roster, children.pids[i]);
    tree_free(&children);
    return result;
}
