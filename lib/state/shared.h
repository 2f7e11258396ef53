/*
 * The memory that all workers of a server map: a counter and a table of cached bytes. It lies at another address in each of them,
 * so there are no pointers in it but those of the lock.
 *
 * The counter is one atomic number and needs no lock. The table has a robust mutex (pthread_mutexattr_setrobust(3)): when its owner
 * is killed, the next one gets it with EOWNERDEAD, cannot know what was half written, and clears the table. It is a cache.
 */
#ifndef STATE_SHARED_H
#define STATE_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define SHARED_LAYOUT      UINT32_C(0x63620001)
#define SHARED_SLOT_SIZE   4096
#define SHARED_KEY_SIZE    64
#define SHARED_PATIENCE_MS 100 /* for whoever holds the lock */

struct shared_slot {
    uint64_t used_ns;         /* 0: the slot is free */
    uint64_t expires_ns;      /* its bytes are good until then; 0: there are none */
    uint64_t leased_until_ns; /* a worker fills it */
    uint64_t token;           /* whose lease */
    uint32_t key_length, length;
    char key[SHARED_KEY_SIZE];
    char value[SHARED_SLOT_SIZE - SHARED_KEY_SIZE - 40];
};

struct state_shared {
    _Atomic uint32_t layout; /* SHARED_LAYOUT, written last */
    uint32_t slot_count;
    _Alignas(64) _Atomic int64_t counter;
    _Alignas(64) pthread_mutex_t lock;
    uint64_t inherited; /* how often a dead owner left it */
    _Alignas(64) struct shared_slot slots[];
};

/* Memory that state_shared_init prepared, or -EPROTO. */
int shared_check(const struct state_shared *shared);

/* The lock: 0; -ETIMEDOUT when its owner does not go on for SHARED_PATIENCE_MS (it was stopped); another negative errno. */
int shared_lock(struct state_shared *shared);
void shared_unlock(struct state_shared *shared);

enum shared_result { SHARED_FOUND, SHARED_ABSENT, SHARED_BUSY };

struct shared_lease {
    bool wanted;
    uint64_t token, until_ns;
};

/* Copies the bytes into `value` (STATE_SHARED_VALUE_MAX bytes); where there are none, takes the lease if it is wanted and nobody
 * has it (or no slot is left for it). A shared_result or a negative errno. */
int shared_look(struct state_shared *shared, struct slice key, uint64_t now_ns, const struct shared_lease *lease, char *value,
                size_t *length);

/* 0; -E2BIG; or -ENOSPC: every slot is leased; another negative errno. Ends the lease of `token`. */
int shared_keep(struct state_shared *shared, struct slice key, struct slice value, uint64_t now_ns, uint64_t expires_ns,
                uint64_t token);

void shared_release(struct state_shared *shared, struct slice key, uint64_t token);

#endif
