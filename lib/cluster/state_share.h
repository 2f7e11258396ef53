/*
 * A worker's share in the state of all workers (state/state.h): opened when the worker begins, where errands ask it.
 */
#ifndef CLUSTER_STATE_SHARE_H
#define CLUSTER_STATE_SHARE_H

#include <stdint.h>

#include "base/list.h"
#include "state/state.h"

struct worker;

struct state_share {
    struct state *state;  /* NULL in a front, which serves no errand */
    struct list readings; /* errand_shop.c: of the database, not done yet */
    uint64_t readings_begun;
};

/* 0 or a negative errno. */
int state_share_open(struct worker *worker);

/* Behind work_close: whoever waits for an answer is told that there will be none. `closed` follows, later, with the worker. */
void state_share_close(struct worker *worker, void (*closed)(void *worker));

/* What the state has counted goes to the worker's slot. */
void state_share_note(struct worker *worker);

/* errand_shop.c: gives up what the database is still reading. */
void shop_close(struct worker *worker);

#endif
