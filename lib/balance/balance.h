/*
 * Who gets the next connection (or request)? A policy chooses among members; it does no I/O and has no clock, so that a
 * test or a simulator can drive it through a million choices. One file a policy.
 */
#ifndef BALANCE_BALANCE_H
#define BALANCE_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

struct balance_member {
    bool usable;     /* may be chosen now: kept by the owner */
    uint64_t chosen; /* how often it was */
};

struct balance;

struct balance_policy {
    const char *name;
    const char *summary;
    /* A usable member, or -1 when there is none. Must not change `chosen`. */
    int (*pick)(struct balance *balance);
};

struct balance {
    const struct balance_policy *policy;
    struct balance_member *members; /* the caller's */
    unsigned count;
    unsigned next; /* round-robin: whose turn it is */
};

extern const struct balance_policy balance_round_robin;

/* `members` outlives the balance; all of them begin unusable. */
void balance_init(struct balance *balance, const struct balance_policy *policy, struct balance_member *members, unsigned count);

/* The policy's choice, counted; -1 when no member is usable. */
int balance_pick(struct balance *balance);

/* So many members from now on, at most as many as the array has; new ones begin unusable. */
void balance_set_count(struct balance *balance, unsigned count);

void balance_set_usable(struct balance *balance, unsigned member, bool usable);

#endif
