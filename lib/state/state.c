/*
 * Open, close, and which kind has which store.
 *
 * Closing goes from the outside in: leases are given back, Redis answers its commands, then the questions to the primary, then the
 * cache answers who still waits; each of these finds the state closing and begins nothing new.
 */
#include "state/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

const char *const state_store_names[] = {"local", "primary", "shared", "redis", NULL};

bool state_has(enum state_kind kind, enum state_store store)
{
    switch (kind) {
    case STATE_COUNTER:
        return counter_stores[store] != NULL;
    case STATE_SESSION:
        return session_stores[store] != NULL;
    case STATE_CACHE:
        return cache_stores[store] != NULL;
    }
    return false;
}

int state_parse_store(enum state_kind kind, struct slice name, enum state_store *store)
{
    for (unsigned i = 0; i < STATE_STORES; i++) {
        if (!slice_is(name, state_store_names[i]))
            continue;
        *store = (enum state_store)i;
        return state_has(kind, *store) ? 0 : -ENOTSUP;
    }
    return -EINVAL;
}

char *state_allowed_stores(enum state_kind kind, char *text)
{
    unsigned left = 0;
    size_t used = 0;
    for (unsigned i = 0; i < STATE_STORES; i++)
        left += state_has(kind, (enum state_store)i);
    for (unsigned i = 0; i < STATE_STORES; i++) {
        if (!state_has(kind, (enum state_store)i))
            continue;
        left--;
        used += (size_t)snprintf(text + used, STATE_ALLOWED_SIZE - used, "%s%s", state_store_names[i],
                                 left > 1    ? ", "
                                 : left == 1 ? " or "
                                             : "");
    }
    return text;
}

int state_check(const struct state *state, enum state_kind kind, enum state_store store, const char **why)
{
    if (state->closing) {
        *why = STATE_ENDING;
        return -ECANCELED;
    }
    *why = "there is no such store";
    if ((unsigned)store >= STATE_STORES || !state_has(kind, store))
        return -ENOTSUP;
    *why = "there is no memory that workers share";
    if (store == STATE_SHARED && !state->shared)
        return -ENOTSUP;
    *why = "there is no primary to ask";
    if (store == STATE_PRIMARY && !state->settings.ask)
        return -ENOTSUP;
    *why = "no redis is configured";
    return store == STATE_REDIS && !state->redis ? -ENOTSUP : 0;
}

const struct state_counts *state_counts(const struct state *state)
{
    return &state->counts;
}

/* ---- open ---- */

static void set_default(uint64_t *setting, uint64_t value)
{
    if (*setting == 0)
        *setting = value;
}

static void fill_in_defaults(struct state_settings *settings)
{
    set_default(&settings->redis_deadline_ns, 2 * CLOCK_NS_PER_S);
    set_default(&settings->session_ttl_ns, 30 * 60 * CLOCK_NS_PER_S);
    set_default(&settings->lease_ns, 2 * CLOCK_NS_PER_S);
    if (settings->sessions_max == 0)
        settings->sessions_max = 10000;
    if (settings->cache_entries_max == 0)
        settings->cache_entries_max = 1000;
}

static int open_redis(struct state *state)
{
    const struct state_settings *settings = &state->settings;
    const struct redis_settings of_redis = {settings->redis, settings->redis_deadline_ns, settings->redis_changed,
                                            settings->redis_context};
    return settings->redis.length > 0 ? redis_open(&state->redis, settings->loop, &of_redis) : 0;
}

static void free_state(struct state *state)
{
    lru_table_free(&state->sessions);
    lru_table_free(&state->cache);
    free(state);
}

int state_open(struct state **opened, const struct state_settings *settings)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return -ENOMEM;
    state->settings = *settings;
    fill_in_defaults(&state->settings);
    state->shared = settings->shared;
    list_init(&state->questions);
    random_init(&state->random, random_seed());
    int error = state->shared ? shared_check(state->shared) : 0;
    if (!error && (error = lru_table_init(&state->sessions, state->settings.sessions_max)) == 0 &&
        (error = lru_table_init(&state->cache, state->settings.cache_entries_max)) == 0)
        error = open_redis(state);
    if (error) {
        free_state(state);
        return error;
    }
    cache_open(state);
    *opened = state;
    return 0;
}

/* ---- close ---- */

static void part_closed(void *context)
{
    struct state *state = context;
    if (--state->parts > 0)
        return;
    state->closed(state->closed_context);
    free_state(state);
}

static void on_cache_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void state_close(struct state *state, void (*closed)(void *context), void *context)
{
    cache_release(state);
    state->closing = true;
    state->closed = closed;
    state->closed_context = context;
    state->parts = state->redis ? 2 : 1;
    if (state->redis)
        redis_close(state->redis, part_closed, state);
    counter_close(state);
    cache_close(state, on_cache_closed);
}
