/*
 * What all policies share: the members and the count of choices.
 */
#include "balance.h"

void balance_init(struct balance *balance, const struct balance_policy *policy, struct balance_member *members, unsigned count)
{
    *balance = (struct balance){.policy = policy, .members = members, .count = count};
    for (unsigned i = 0; i < count; i++)
        members[i] = (struct balance_member){false, 0};
}

int balance_pick(struct balance *balance)
{
    int member = balance->policy->pick(balance);
    if (member >= 0)
        balance->members[member].chosen++;
    return member;
}

void balance_set_count(struct balance *balance, unsigned count)
{
    for (unsigned i = balance->count; i < count; i++)
        balance->members[i] = (struct balance_member){false, 0};
    balance->count = count;
    if (balance->next >= count)
        balance->next = 0;
}

void balance_set_usable(struct balance *balance, unsigned member, bool usable)
{
    balance->members[member].usable = usable;
}
