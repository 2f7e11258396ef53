/*
 * roster: a look empties the places of the dead and fills empty ones. More children than places (a reload, while old workers
 * still drain) wait for one: a place is empty again when the old worker has gone. Whoever has a place is asked for by number: a
 * list of children may leave one out while others end (proc_pid_children(5)).
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
        if (roster->pids[i] && !tree_is_child(server, roster->pids[i]))
            roster->pids[i] = 0;
    for (unsigned i = 0; !result && i < children.count; i++)
        if (!has_place(roster, children.pids[i]))
            give_place(roster, children.pids[i]);
    tree_free(&children);
    return result;
}
