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
#include "base/timings.h"

#define WORKERS_MAX             256
#define FRONTS_MAX              64
#define SCOREBOARD_SLOTS        (2 * (WORKERS_MAX + FRONTS_MAX))
#define SCOREBOARD_SHARED_BYTES (256 * 1024)
#define SCOREBOARD_NAME_SIZE    32

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_READY, WORKER_DRAINING, WORKER_GONE };
enum worker_role { ROLE_WORKER, ROLE_FRONT };

/* Whether fronts may send requests to a worker; DRAINING: no new ones, kept connections are to be given up. */
enum upstream_state { UPSTREAM_CLOSED, UPSTREAM_OPEN, UPSTREAM_DRAINING };

struct scoreboard_slot {
    _Alignas(64) _Atomic uint32_t state; /* enum worker_state */
    _Atomic int32_t pid, tid;
    _Atomic uint32_t index, role, generation;
    _Atomic uint64_t started_ns;
    _Atomic uint64_t beat_ns;           /* when its loop last turned, as far as it said so */
    _Atomic uint64_t occupied_until_ns; /* a request occupies it until then, on purpose: no hang before */
    counter handed_taken;               /* connections it was handed over the channel, and has taken or lost in taking */
    struct counters counters;
    struct timings timings;             /* of its answers, from the whole request on; those given on the spot are sampled */
    char program[SCOREBOARD_NAME_SIZE]; /* a process's own strategy, which it writes before anything else; "": it has not come so
                                           far */
};

/* What the lives of one place had counted when they ended. */
struct scoreboard_past {
    struct counters counters;
    struct timings timings;
};

struct scoreboard {
    uint32_t layout;                              /* SCOREBOARD_LAYOUT: a worker of another build refuses to start */
    char strategy[SCOREBOARD_NAME_SIZE];          /* the primary's: a worker of another strategy refuses to start, too */
    struct net_address address;                   /* where clients connect; the primary writes it before any worker starts */
    _Atomic uint32_t workers, fronts;             /* how many there are to be */
    struct net_address upstreams[WORKERS_MAX];    /* proxied: where a front finds each worker; written before its state is OPEN */
    _Atomic uint8_t upstream_states[WORKERS_MAX]; /* enum upstream_state */
    _Atomic uint32_t upstream_generations[WORKERS_MAX]; /* another one: kept connections lead to a worker that ends */
    _Atomic uint32_t upstream_departures[WORKERS_MAX];  /* lives that have stopped accepting there: lately made ones may, too */
    _Atomic uint32_t upstreams_version;                 /* grows behind every change of the above */
    _Atomic bool draining;              /* TERM has come: /healthz says so, even where a worker still has to serve a front */
    uint32_t workers_ever, fronts_ever; /* so many places have had a life; these and `past_*` are the primary's */
    struct scoreboard_past past_workers[WORKERS_MAX], past_fronts[FRONTS_MAX];
    _Alignas(64) unsigned char shared[SCOREBOARD_SHARED_BYTES]; /* state that workers share; lib/state says what is in it */
    struct scoreboard_slot slots[SCOREBOARD_SLOTS];
};

#define SCOREBOARD_LAYOUT UINT32_C(6)

/* Makes it, zeroed, and a descriptor (close-on-exec) for others to map. 0 or negative errno. */
int scoreboard_create(struct scoreboard **scoreboard, int *fd);

/* Maps one made by another process. 0, a negative errno, or -EPROTO for another layout. */
int scoreboard_map(int fd, struct scoreboard **scoreboard);

void scoreboard_unmap(struct scoreboard *scoreboard); /* NULL is allowed */

/* A slot nobody uses, cleared and marked as starting; NULL when there is none. Only the primary calls this. */
struct scoreboard_slot *scoreboard_take(struct scoreboard *scoreboard, enum worker_role role, unsigned index, unsigned generation);

/* What fronts are to know of a worker; `generation` of the life that serves. May be called by any process. */
void scoreboard_set_upstream(struct scoreboard *scoreboard, unsigned index, enum upstream_state state, unsigned generation);

/* A life of worker `index` takes no more connections: fronts give up those that may have ended up with it. By itself. */
void scoreboard_depart(struct scoreboard *scoreboard, unsigned index);

/* The life in `slot` is over: its counters and times go to its place's past, and the slot is free. */
void scoreboard_retire(struct scoreboard *scoreboard, struct scoreboard_slot *slot);

/* All workers' counters, living and retired. Fronts are left out: they count the same requests again. */
void scoreboard_total(const struct scoreboard *scoreboard, struct counters *total);

/* The same for one place, and its times; gauges are those of the living. `place` is zeroed first. */
void scoreboard_sum_place(const struct scoreboard *scoreboard, enum worker_role role, unsigned index,
                          struct scoreboard_past *place);

#endif
