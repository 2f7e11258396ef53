/*
 * The scoreboard: shared memory in which every worker counts and everybody reads. One cache-line-aligned slot a worker's
 * life, written only by its owner with relaxed stores; a memfd, so that it has no name to be left behind.
 *
 * A slot is not an index: while a worker is being replaced, the old and the new one share an index and have a slot each.
 */
#ifndef IPC_SCOREBOARD_H
#define IPC_SCOREBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/net.h"

#define WORKERS_MAX      256
#define SCOREBOARD_SLOTS (2 * WORKERS_MAX + 2)

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_READY, WORKER_DRAINING, WORKER_GONE };
enum worker_role { ROLE_WORKER, ROLE_FRONT };

struct scoreboard_slot {
    _Alignas(64) _Atomic uint32_t state; /* enum worker_state */
    _Atomic int32_t pid, tid;
    _Atomic uint32_t index, role, generation;
    _Atomic uint64_t started_ns;
    struct counters counters;
};

struct scoreboard {
    uint32_t layout;                           /* SCOREBOARD_LAYOUT: a worker of another build refuses to start */
    struct net_address address;                /* where clients connect; the primary writes it before any worker starts */
    unsigned workers, fronts;                  /* how many there are to be */
    struct net_address upstreams[WORKERS_MAX]; /* proxied: where a front finds each worker */
    _Atomic bool draining;                     /* TERM has come: /healthz says so, even where a worker still has to serve a front */
    struct counters retired;                   /* what workers that are gone had counted; the primary's */
    struct scoreboard_slot slots[SCOREBOARD_SLOTS];
};

#define SCOREBOARD_LAYOUT UINT32_C(2)

/* Makes it, zeroed, and a descriptor (close-on-exec) for others to map. 0 or negative errno. */
int scoreboard_create(struct scoreboard **scoreboard, int *fd);

/* Maps one made by another process. 0, a negative errno, or -EPROTO for another layout. */
int scoreboard_map(int fd, struct scoreboard **scoreboard);

void scoreboard_unmap(struct scoreboard *scoreboard); /* NULL is allowed */

/* A slot nobody uses, cleared and marked as starting; NULL when there is none. Only the primary calls this. */
struct scoreboard_slot *scoreboard_take(struct scoreboard *scoreboard, enum worker_role role, unsigned index, unsigned generation);

/* The life in `slot` is over: a worker's counters go to `retired`, and the slot is free. */
void scoreboard_retire(struct scoreboard *scoreboard, struct scoreboard_slot *slot);

/* All workers' counters, living and retired. Fronts are left out: they count the same requests again. */
void scoreboard_total(const struct scoreboard *scoreboard, struct counters *total);

#endif
