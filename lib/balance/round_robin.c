/*
 * round-robin: everybody in turn, whoever cannot be chosen is passed over. Knows nothing of load: it deals out equal
 * numbers, not equal work. O(members) only when many are unusable.
 */
#include "balance.h"

static int round_robin_pick(struct balance *balance)
{
    for (unsigned tried = 0; tried < balance->count; tried++) {
        unsigned member = balance->next;
        balance->next = member + 1 == balance->count ? 0 : member + 1;
        if (balance->members[member].usable)
            return (int)member;
    }
    return -1;
}

const struct balance_policy balance_round_robin = {
    .name = "round-robin",
    .summary = "every member in turn",
    .pick = round_robin_pick,
};
