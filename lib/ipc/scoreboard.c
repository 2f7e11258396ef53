/*
 * The scoreboard's memory and the bookkeeping of its slots.
 */
#include "scoreboard.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

int scoreboard_map(int fd, struct scoreboard **scoreboard)
{
    void *memory = mmap(NULL, sizeof **scoreboard, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *scoreboard = memory;
    return (*scoreboard)->layout == SCOREBOARD_LAYOUT ? 0 : -EPROTO;
}

void scoreboard_unmap(struct scoreboard *scoreboard)
{
    if (scoreboard)
        munmap(scoreboard, sizeof *scoreboard);
}

int scoreboard_create(struct scoreboard **scoreboard, int *fd)
{
    int made = memfd_create("clusterbench-scoreboard", MFD_CLOEXEC);
    if (made < 0)
        return -errno;
    const uint32_t layout = SCOREBOARD_LAYOUT;
    int error = 0;
    if (ftruncate(made, sizeof **scoreboard) != 0 || pwrite(made, &layout, sizeof layout, 0) != sizeof layout)
        error = -errno;
    else
        error = scoreboard_map(made, scoreboard);
    if (error) {
        close(made);
        return error;
    }
    *fd = made;
    return 0;
}

static void remember_place(struct scoreboard *scoreboard, enum worker_role role, unsigned index)
{
    uint32_t *ever = role == ROLE_WORKER ? &scoreboard->workers_ever : &scoreboard->fronts_ever;
    if (*ever <= index)
        *ever = index + 1;
}

struct scoreboard_slot *scoreboard_take(struct scoreboard *scoreboard, enum worker_role role, unsigned index, unsigned generation)
{
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
        struct scoreboard_slot *slot = &scoreboard->slots[i];
        if (slot->state != WORKER_NONE)
            continue;
        memset(slot, 0, sizeof *slot);
        slot->role = role;
        slot->index = index;
        slot->generation = generation;
        slot->started_ns = clock_now_ns();
        slot->state = WORKER_STARTING;
        remember_place(scoreboard, role, index);
        return slot;
    }
    return NULL;
}

void scoreboard_set_upstream(struct scoreboard *scoreboard, unsigned index, enum upstream_state state, unsigned generation)
{
    scoreboard->upstream_generations[index] = generation;
    scoreboard->upstream_states[index] = (uint8_t)state;
    scoreboard->upstreams_version++; /* last: who sees the new version sees the rest */
}

void scoreboard_depart(struct scoreboard *scoreboard, unsigned index)
{
    scoreboard->upstream_departures[index]++;
    scoreboard->upstreams_version++;
}

/* Gauges die with their worker; what was counted stays. */
static void clear_gauges(struct counters *counters)
{
    counter_set(&counters->active, 0);
    counter_set(&counters->loop_lag_ns, 0);
    counter_set(&counters->loop_lag_max_ns, 0);
}

void scoreboard_retire(struct scoreboard *scoreboard, struct scoreboard_slot *slot)
{
    struct scoreboard_past *past =
        slot->role == ROLE_WORKER ? &scoreboard->past_workers[slot->index] : &scoreboard->past_fronts[slot->index];
    clear_gauges(&slot->counters);
    counters_add(&past->counters, &slot->counters);
    timings_add(&past->timings, &slot->timings);
    slot->state = WORKER_NONE;
}

void scoreboard_total(const struct scoreboard *scoreboard, struct counters *total)
{
    memset(total, 0, sizeof *total);
    for (unsigned i = 0; i < scoreboard->workers_ever; i++)
        counters_add(total, &scoreboard->past_workers[i].counters);
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct scoreboard_slot *slot = &scoreboard->slots[i];
        if (slot->state != WORKER_NONE && slot->role == ROLE_WORKER)
            counters_add(total, &slot->counters);
    }
}

/* Of two lives the later loop counts; everything else is a sum. */
static void add_life(struct scoreboard_past *place, const struct scoreboard_slot *slot)
{
    uint64_t lag_ns = counter_read(&place->counters.loop_lag_ns), longest_ns = counter_read(&place->counters.loop_lag_max_ns);
    uint64_t slot_lag_ns = counter_read(&slot->counters.loop_lag_ns);
    uint64_t slot_longest_ns = counter_read(&slot->counters.loop_lag_max_ns);
    counters_add(&place->counters, &slot->counters);
    counter_set(&place->counters.loop_lag_ns, lag_ns > slot_lag_ns ? lag_ns : slot_lag_ns);
    counter_set(&place->counters.loop_lag_max_ns, longest_ns > slot_longest_ns ? longest_ns : slot_longest_ns);
    timings_add(&place->timings, &slot->timings);
}

void scoreboard_sum_place(const struct scoreboard *scoreboard, enum worker_role role, unsigned index, struct scoreboard_past *place)
{
    const struct scoreboard_past *past = role == ROLE_WORKER ? &scoreboard->past_workers[index] : &scoreboard->past_fronts[index];
    memset(place, 0, sizeof *place);
    counters_add(&place->counters, &past->counters);
    timings_add(&place->timings, &past->timings);
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct scoreboard_slot *slot = &scoreboard->slots[i];
        if (slot->state != WORKER_NONE && slot->role == role && slot->index == index)
            add_life(place, slot);
    }
}
