/*
 * The inside of a state, for the files of this room. A kind is a table of stores; a row that is NULL is a store this kind has not.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include "base/list.h"
#include "base/random.h"
#include "state/lru_table.h"
#include "state/redis.h"
#include "state/shared.h"
#include "state/state.h"

#define STATE_ENDING "the worker is ending"

struct state {
    struct state_settings settings; /* with the defaults filled in */
    struct state_shared *shared;    /* or NULL */
    struct redis *redis;            /* or NULL */
    struct random random;
    int64_t counter;           /* local */
    struct list questions;     /* to the primary, not answered yet */
    struct lru_table sessions; /* local: id to struct session */
    struct lru_table cache;    /* local */
    struct list fills;         /* gets that look, wait or are being filled */
    uv_timer_t look_again;     /* for fills that another worker does */
    struct state_counts counts;
    unsigned parts; /* that the loop still holds */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* 0, or why this store cannot be asked now, with a text: there is none, the state is closing. */
int state_check(const struct state *state, enum state_kind kind, enum state_store store, const char **why);

/* ---- counter.c ---- */

struct counter_store {
    void (*count)(struct state *state, int64_t add, state_counted *done, void *context);
};

extern const struct counter_store *const counter_stores[STATE_STORES];

void counter_close(struct state *state);

/* ---- session.c ---- */

struct session_store {
    void (*visit)(struct state *state, struct slice id, state_visited *done, void *context);
};

extern const struct session_store *const session_stores[STATE_STORES];

/* ---- cache.c and cache_stores.c ---- */

enum fill_phase {
    FILL_LOOKING, /* the store is asked */
    FILL_AWAITED, /* another worker fills it: the store is asked again soon */
    FILL_OUT,     /* whoever was told STATE_MISS fills it */
    FILL_KEEPING, /* the store takes it */
};

/* One key on its way: the get that came first, and those that wait for what it brings. */
struct state_fill {
    struct list link;
    struct state *state;
    const struct cache_store *store;
    char key[STATE_KEY_MAX];
    size_t key_length;
    bool single_flight;
    enum fill_phase phase;
    bool awaited;     /* another worker was filling it */
    bool ask_again;   /* by the timer that is just ringing */
    uint64_t token;   /* whose lease it is */
    struct list gets; /* struct cache_get */
    char *bytes;      /* FILL_KEEPING */
    size_t length;
    state_kept *kept;
    void *kept_context;
};

/*
 * Each of them ends in the function named, during the call or later.
 * look: fill_found, fill_absent (with single flight the lease is ours then), fill_busy, or fill_failed
 * keep: fill_kept; the lease ends. release: the lease ends, or runs out by itself
 */
struct cache_store {
    void (*look)(struct state_fill *fill);
    void (*keep)(struct state_fill *fill, uint64_t ttl_ns);
    void (*release)(struct state_fill *fill);
};

extern const struct cache_store *const cache_stores[STATE_STORES];

void fill_found(struct state_fill *fill, struct slice bytes);
void fill_absent(struct state_fill *fill);
void fill_busy(struct state_fill *fill);
void fill_failed(struct state_fill *fill, int error, const char *why);
void fill_kept(struct state_fill *fill, int error, const char *why);

static inline struct slice fill_key(const struct state_fill *fill)
{
    return (struct slice){fill->key, fill->key_length};
}

void cache_open(struct state *state);

/* Before the state closes: fills that will not be done are nobody's to wait for. */
void cache_release(struct state *state);

/* Everybody who waits is answered with -ECANCELED; `closed` is told when the loop has let go. */
void cache_close(struct state *state, uv_close_cb closed);

#endif
