/*
 * State: what the workers of one server share, or only believe they share. Three kinds - a counter, sessions, a cache - each over
 * several stores, so that what a store does to the answers can be seen side by side:
 *
 *   local    the worker's own memory: fast, and every worker has another truth
 *   primary  the primary keeps it and is asked over the channel: one truth, one process that everybody waits for
 *   shared   memory that all workers map: one truth on this machine, as long as the server runs
 *   redis    a Redis server: one truth for any number of machines, which can be out of reach
 *
 * One `struct state` a worker, on that worker's loop. An answer comes through a callback, during the call or later; it comes
 * exactly once, at the latest with state_close (-ECANCELED). An error is a negative errno with a text for people, which is valid
 * during the callback.
 *
 * Reading order
 *   state.c         open and close, names of stores, which kind has which store
 *   counter.c       one number, in four stores; the primary's side of it
 *   session.c       who was here before, in two stores
 *   cache.c         get and fill, and how a storm of misses becomes one fill
 *   cache_stores.c  where the cache keeps its bytes, in three stores
 *   lru_table.[ch]  a hash table with an age for each entry and a bound
 *   shared.[ch]     the memory that all workers map
 *   redis.[ch]      a connection to Redis: commands, deadlines, back-off
 *   store.h         the inside that these files see
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/net.h"
#include "base/slice.h"

/* ---- stores ---- */

enum state_store { STATE_LOCAL, STATE_PRIMARY, STATE_SHARED, STATE_REDIS, STATE_STORES };
enum state_kind { STATE_COUNTER, STATE_SESSION, STATE_CACHE };

extern const char *const state_store_names[]; /* in that order, ended by NULL */

bool state_has(enum state_kind kind, enum state_store store);

/* 0; -EINVAL: no such store; -ENOTSUP: there is one, but not for this kind. */
int state_parse_store(enum state_kind kind, struct slice name, enum state_store *store);

#define STATE_ALLOWED_SIZE 48

/* "local, shared or redis": the stores of this kind, for messages. Returns `text` (STATE_ALLOWED_SIZE bytes). */
char *state_allowed_stores(enum state_kind kind, char *text);

/* ---- open and close ---- */

struct state;

/* An answer of the primary's: 0 and its bytes, or a negative errno. */
typedef void state_answered(void *context, int error, struct slice answer);

struct state_settings {
    uv_loop_t *loop;
    void *shared; /* memory that all workers map, prepared by state_shared_init; NULL: there is none */
    /* Asks the primary. 0: `answered` is called once, during the call or later, also behind state_close. Else a negative errno,
     * and it is not called. NULL: there is no primary to ask */
    int (*ask)(void *ask_context, struct slice question, state_answered *answered, void *context);
    void *ask_context;
    struct net_address redis;   /* length 0: none */
    uint64_t redis_deadline_ns; /* for one command; 0: 2 s */
    /* Told once when Redis goes, with the reason, and once when it is back, with `why` NULL: state/redis.h. Or NULL */
    void (*redis_changed)(void *redis_context, const char *name, const char *why);
    void *redis_context;
    uint64_t session_ttl_ns;  /* from the last visit; 0: 30 min */
    size_t sessions_max;      /* in a worker's memory, the longest unused makes room; 0: 10,000 */
    size_t cache_entries_max; /* the same of the cache; 0: 1,000 */
    uint64_t lease_ns;        /* so long others wait for a worker's fill before they do it themselves; 0: 2 s */
};

/*
 * Opens it; with a Redis, begins to connect. 0; -EPROTO: the shared memory was prepared by another build; -EINVAL: `redis` is an
 * abstract socket, which Redis does not know; -ENOMEM or another negative errno.
 */
int state_open(struct state **state, const struct state_settings *settings);

/*
 * Answers everything that is pending with -ECANCELED, gives up every fill (the caller forgets its own before), lets go of the loop,
 * calls `closed` and is gone. Later calls with this state, until `closed`, are answered with -ECANCELED.
 */
void state_close(struct state *state, void (*closed)(void *context), void *context);

/* Prepares zeroed memory for all workers, once, before any of them opens. 0, or -EINVAL: too small, or not aligned to 64 bytes. */
int state_shared_init(void *memory, size_t bytes);

/* What this worker's state has seen. */
struct state_counts {
    uint64_t session_hits, session_misses;
    uint64_t cache_hits, cache_misses, cache_collapsed; /* one of them for each answer without an error */
    uint64_t cache_fills;                               /* kept */
    uint64_t cache_unkept;                              /* could not be kept: too long, or the store was out of reach */
};

const struct state_counts *state_counts(const struct state *state);

/* ---- counter ---- */

typedef void state_counted(void *context, int error, const char *why, int64_t value);

/* Adds (0 reads) and answers with the number behind it; it wraps around like two's complement, but Redis refuses to. */
void state_count(struct state *state, enum state_store store, int64_t add, state_counted *done, void *context);

/* The primary's side: one of these, zeroed. */
struct state_primary {
    int64_t counter;
};

#define STATE_ANSWER_SIZE 64

/* Answers what a worker asked; returns the length of `answer` (room for STATE_ANSWER_SIZE bytes), or -EPROTO. */
int state_primary_answer(struct state_primary *primary, struct slice question, void *answer);

/* ---- sessions ---- */

#define STATE_SESSION_ID_SIZE 33 /* 128 random bits in hexadecimal digits, and a NUL */

struct state_visit {
    bool hit;           /* the id was known */
    uint64_t visits;    /* with this one */
    uint64_t created_s; /* of the first visit, seconds of CLOCK_REALTIME */
    char id[STATE_SESSION_ID_SIZE];
};

typedef void state_visited(void *context, int error, const char *why, const struct state_visit *visit);

/*
 * A visit of the session `id`. An id that is unknown here (or empty) begins a new session under a new id: one that a client made up
 * is never taken over.
 */
void state_session_visit(struct state *state, enum state_store store, struct slice id, state_visited *done, void *context);

/* ---- cache ---- */

enum state_source {
    STATE_HIT,       /* it was there */
    STATE_MISS,      /* it was not: the caller fills it */
    STATE_COLLAPSED, /* it was not, and somebody else filled it meanwhile (single flight) */
};

extern const char *const state_source_names[]; /* hit miss collapsed NULL */

struct state_fill;

struct state_got {
    enum state_source source;
    struct slice bytes;      /* valid during the call, as long as it asks nothing else of the state; empty for STATE_MISS */
    struct state_fill *fill; /* of STATE_MISS: to be ended by state_cache_fill or state_cache_give_up */
};

typedef void state_got_it(void *context, int error, const char *why, const struct state_got *got);
typedef void state_kept(void *context, int error, const char *why);

#define STATE_KEY_MAX          64            /* bytes of a key */
#define STATE_VALUE_MAX        (1024 * 1024) /* bytes of a value; in shared memory STATE_SHARED_VALUE_MAX */
#define STATE_SHARED_VALUE_MAX 3968

/*
 * Looks for `key`. With `single_flight`, of all who miss the same key at the same time one is told STATE_MISS, and the others wait
 * for its fill: in this worker, and in all workers where the store is shared or redis. There a worker that dies while it fills
 * holds the others up for lease_ns at most. -EINVAL: the key is empty or too long.
 */
void state_cache_get(struct state *state, enum state_store store, struct slice key, bool single_flight, state_got_it *done,
                     void *context);

/* Keeps the bytes for `ttl_ns` and answers who waits for them, also where they cannot be kept: `done` tells (-E2BIG: too long). */
void state_cache_fill(struct state_fill *fill, struct slice bytes, uint64_t ttl_ns, state_kept *done, void *context);

/* There will be nothing: who waits is answered with this error. */
void state_cache_give_up(struct state_fill *fill, int error, const char *why);

#endif
