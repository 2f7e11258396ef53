/*
 * From options and channel to a state. The shared memory is a part of the scoreboard, prepared by the primary; the primary itself
 * is asked over the channel.
 */
#include "cluster/state_share.h"

#include "base/clock.h"
#include "cluster/worker.h"

#define ASK_TIMEOUT_MS 2000

static int ask_primary(void *context, struct slice question, state_answered *answered, void *answered_context)
{
    return worker_ask(context, TOPIC_STATE, question, ASK_TIMEOUT_MS, answered, answered_context);
}

/* This worker's own connection: every worker says it once. The primary writes the event. */
static void on_redis_changed(void *context, const char *name, const char *why)
{
    struct worker *worker = context;
    if (why)
        log_line(worker->log, LOG_WARN, "worker %u: Redis is down: %s", worker->index, why);
    else
        log_line(worker->log, LOG_INFO, "worker %u: Redis is up again: redis %s", worker->index, name);
    (void)worker_send(worker, TOPIC_REDIS, slice_of(why ? why : "")); /* full: the log has it */
}

/* Long enough for the slowest fill that is still one. */
static uint64_t lease_ns(const struct cluster_options *options)
{
    return 2 * options->database_time_ns + CLOCK_NS_PER_S;
}

int state_share_open(struct worker *worker)
{
    struct state_share *own = &worker->private->share;
    const struct cluster_options *options = worker->options;
    list_init(&own->readings);
    if (worker->role == ROLE_FRONT)
        return 0;
    const struct state_settings settings = {
        .loop = worker->loop,
        .shared = worker->scoreboard->shared,
        .ask = ask_primary,
        .ask_context = worker,
        .redis = options->redis,
        .redis_changed = on_redis_changed,
        .redis_context = worker,
        .lease_ns = lease_ns(options),
    };
    return state_open(&own->state, &settings);
}

void state_share_close(struct worker *worker, void (*closed)(void *worker))
{
    shop_close(worker);
    state_close(worker->private->share.state, closed, worker);
}

void state_share_note(struct worker *worker)
{
    const struct state_counts *counts = state_counts(worker->private->share.state);
    struct counters *counters = &worker->slot->counters;
    counter_set(&counters->session_hits, counts->session_hits);
    counter_set(&counters->session_misses, counts->session_misses);
    counter_set(&counters->cache_hits, counts->cache_hits);
    counter_set(&counters->cache_misses, counts->cache_misses);
    counter_set(&counters->cache_collapsed, counts->cache_collapsed);
    counter_set(&counters->cache_fills, counts->cache_fills);
    counter_set(&counters->cache_unkept, counts->cache_unkept);
}
