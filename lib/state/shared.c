/*
 * Shared memory: prepared once by the primary, then looked into by every worker.
 *
 * A slot is found by comparing keys, one slot after the other: there are some sixty of them. What happens under the lock is a look
 * through the slots and one copy, no call and no allocation: whoever waits for it waits for microseconds, except behind a worker
 * that was stopped in the middle, for which patience ends.
 */
#include "state/shared.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "state/state.h"

_Static_assert(sizeof(struct shared_slot) == SHARED_SLOT_SIZE, "slots lie at multiples of their size");
_Static_assert(sizeof(((struct shared_slot *)0)->value) >= STATE_SHARED_VALUE_MAX, "what state.h promises");
_Static_assert(SHARED_KEY_SIZE >= STATE_KEY_MAX, "every key fits");

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error)
        return -error;
    if ((error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)) == 0 &&
        (error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)) == 0)
        error = pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

int state_shared_init(void *memory, size_t bytes)
{
    struct state_shared *shared = memory;
    if ((uintptr_t)memory % _Alignof(struct state_shared) != 0 || bytes < sizeof *shared + SHARED_SLOT_SIZE)
        return -EINVAL;
    shared->slot_count = (uint32_t)((bytes - sizeof *shared) / SHARED_SLOT_SIZE);
    int error = init_lock(&shared->lock);
    if (error)
        return error;
    atomic_store(&shared->layout, SHARED_LAYOUT);
    return 0;
}

int shared_check(const struct state_shared *shared)
{
    return atomic_load(&shared->layout) == SHARED_LAYOUT ? 0 : -EPROTO;
}

/* ---- the lock ---- */

/* pthread_mutex_timedlock(3) knows the time of day only: should somebody set the clock back just then, patience lasts longer. */
static int lock_patiently(pthread_mutex_t *lock)
{
    struct timespec until;
    int error = pthread_mutex_trylock(lock);
    if (error != EBUSY)
        return error;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SHARED_PATIENCE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return pthread_mutex_timedlock(lock, &until);
}

/* Its owner died in the middle: whatever is in the slots may be half of something. */
static int inherit(struct state_shared *shared)
{
    for (uint32_t i = 0; i < shared->slot_count; i++)
        shared->slots[i].used_ns = 0;
    shared->inherited++;
    return pthread_mutex_consistent(&shared->lock);
}

int shared_lock(struct state_shared *shared)
{
    int error = lock_patiently(&shared->lock);
    if (error == EOWNERDEAD)
        error = inherit(shared);
    return -error;
}

void shared_unlock(struct state_shared *shared)
{
    pthread_mutex_unlock(&shared->lock); /* fails only for one who does not hold it */
}

/* ---- the table, under the lock ---- */

static struct shared_slot *find_slot(struct state_shared *shared, struct slice key)
{
    for (uint32_t i = 0; i < shared->slot_count; i++) {
        struct shared_slot *slot = &shared->slots[i];
        if (slot->used_ns != 0 && slot->key_length == key.length && memcmp(slot->key, key.at, key.length) == 0)
            return slot;
    }
    return NULL;
}

/* A free slot, else the one that nobody has used for the longest time and nobody fills; NULL when all are being filled. */
static struct shared_slot *take_slot(struct state_shared *shared, struct slice key, uint64_t now_ns)
{
    struct shared_slot *best = NULL;
    for (uint32_t i = 0; i < shared->slot_count; i++) {
        struct shared_slot *slot = &shared->slots[i];
        if ((slot->used_ns == 0 || slot->leased_until_ns <= now_ns) && (!best || slot->used_ns < best->used_ns))
            best = slot;
    }
    if (!best)
        return NULL;
    best->expires_ns = best->leased_until_ns = 0;
    best->length = 0;
    best->key_length = (uint32_t)key.length;
    memcpy(best->key, key.at, key.length);
    return best;
}

static enum shared_result take_lease(struct state_shared *shared, struct shared_slot *slot, struct slice key, uint64_t now_ns,
                                     const struct shared_lease *lease)
{
    if (!lease->wanted)
        return SHARED_ABSENT;
    if (slot && slot->leased_until_ns > now_ns)
        return SHARED_BUSY;
    if (!slot)
        slot = take_slot(shared, key, now_ns);
    if (slot) {
        slot->used_ns = now_ns;
        slot->leased_until_ns = lease->until_ns;
        slot->token = lease->token;
    }
    return SHARED_ABSENT;
}

int shared_look(struct state_shared *shared, struct slice key, uint64_t now_ns, const struct shared_lease *lease, char *value,
                size_t *length)
{
    int result = shared_lock(shared);
    if (result)
        return result;
    struct shared_slot *slot = find_slot(shared, key);
    if (slot && slot->expires_ns > now_ns) {
        slot->used_ns = now_ns;
        *length = slot->length;
        memcpy(value, slot->value, slot->length);
        result = SHARED_FOUND;
    } else {
        result = take_lease(shared, slot, key, now_ns, lease);
    }
    shared_unlock(shared);
    return result;
}

int shared_keep(struct state_shared *shared, struct slice key, struct slice value, uint64_t now_ns, uint64_t expires_ns,
                uint64_t token)
{
    if (value.length > STATE_SHARED_VALUE_MAX) {
        shared_release(shared, key, token);
        return -E2BIG;
    }
    int error = shared_lock(shared);
    if (error)
        return error;
    struct shared_slot *slot = find_slot(shared, key);
    if (!slot)
        slot = take_slot(shared, key, now_ns);
    if (slot) {
        slot->used_ns = now_ns;
        slot->expires_ns = expires_ns;
        slot->length = (uint32_t)value.length;
        memcpy(slot->value, value.at, value.length);
        if (slot->token == token)
            slot->leased_until_ns = 0;
    }
    shared_unlock(shared);
    return slot ? 0 : -ENOSPC;
}

void shared_release(struct state_shared *shared, struct slice key, uint64_t token)
{
    if (shared_lock(shared) != 0)
        return; /* it runs out by itself */
    struct shared_slot *slot = find_slot(shared, key);
    if (slot && slot->token == token)
        slot->leased_until_ns = 0;
    shared_unlock(shared);
}
