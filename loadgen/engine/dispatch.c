/*
 * Who sends next?
 *
 * Closed loop: a connection with room sends at once, while the budget lasts; with --think it first waits. Nothing is planned: what
 * a slow server does not answer is never asked.
 *
 * Open loop, idle: one schedule a thread, a queue in which any connection may serve. A plan that is due goes to the connection that
 * has been free longest, else (pipelining) to one with room; without any it stays where it is, in the schedule, and the next
 * connection that has room takes it. A worker that is slow holds up its own connections only: the others take over, and a hot
 * worker gets fewer requests than its share of connections.
 *
 * Open loop, open: as idle, but when nothing has room another connection is opened, up to --connections-max: what waits, waits at
 * the server, as the customers of a shop do, and not in the generator.
 *
 * Open loop, pinned: a schedule a connection, as wrk2: plans of a busy connection wait for that connection, though others are free,
 * and a slow worker delays all that was planned for it.
 *
 * A plan late by its connection is the server's doing, one late with a connection free is the generator's own. So own lag ends at
 * the moment up to which there was room: now, or, when everything was taken, when the last place was.
 *
 * Backlogs. What is due and not yet sent is simply not yet advanced past; a backlog of any length is sent as fast as
 * connections take it. Plans of the warm-up that have not been taken up when it ends are dropped, uncounted: the measurement has
 * its own plans, and each of its figures counts from one of them. Sending the old ones first would charge their delay to the new
 * ones; a server that cannot keep up builds its backlog anew, in sight.
 *
 * With --pipeline one turn may place several requests on one connection: those wait in the ring until the turn's plans are dealt
 * out and go with one write. Without it, each is written at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"

enum stream { STREAM_ARRIVALS, STREAM_PLACEHOLDERS, STREAM_MIX, STREAM_THINK, STREAMS_A_PHASE };

#define STREAM_PINNED (UINT64_C(1) << 32) /* arrivals of connections: numbers no thread's stream has */

static bool is_open_loop(const struct engine *engine)
{
    return engine->settings->is_open_loop;
}

/* The closing moment is looked at, too: its timer may be heard behind other news. */
static bool may_send(const struct engine *engine, uint64_t now_ns)
{
    return engine_is_running(engine) && now_ns < engine->phase_end_ns;
}

static bool has_none_free(const struct engine *engine)
{
    return list_empty(&engine->idle) && list_empty(&engine->roomy) &&
           (engine->settings->dispatch != DISPATCH_OPEN || engine->connection_count == engine->connection_most);
}

int dispatch_init(struct engine *engine)
{
    list_init(&engine->idle);
    list_init(&engine->roomy);
    list_init(&engine->unwritten);
    engine->schedule.next_ns = UINT64_MAX;
    if (!is_open_loop(engine) || engine->settings->dispatch != DISPATCH_PINNED)
        return 0;
    engine->pinned = calloc(engine->connection_most, sizeof(*engine->pinned));
    return engine->pinned ? 0 : -ENOMEM;
}

void dispatch_close(struct engine *engine)
{
    free(engine->pinned);
    engine->pinned = NULL;
}

/* ---- taking ---- */

/*
 * The schedule's oldest plan, which is due, goes to the connection. `free_until_ns`: up to then somebody had room, so that the
 * plan's waiting until then is the generator's own doing; what it waited longer it waited for a connection.
 */
static void take_plan(struct connection *connection, struct schedule *schedule, uint64_t free_until_ns, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    uint64_t planned = schedule->next_ns;
    schedule_advance(schedule);
    engine->pinned_left -= engine->pinned && schedule->next_ns == UINT64_MAX;
    if (engine->phase == PHASE_MEASURE) {
        histogram_record(&engine->stats.own_lag, free_until_ns > planned ? stats_us(free_until_ns - planned) : 0);
        engine->stats.waited += free_until_ns < now_ns;
    }
    exchange_begin(connection, planned, now_ns);
}

/* It waits in line, if it has room. */
static void park(struct engine *engine, struct connection *connection)
{
    list_remove(&connection->link);
    if (connection_has_room(connection) && connection_is_usable(connection))
        list_append(connection->count ? &engine->roomy : &engine->idle, &connection->link);
}

static void take_closed(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    if (!list_empty(&connection->link))
        list_remove(&connection->link);
    if (connection->think_until_ns > now_ns) {
        timers_set(&engine->timers, &connection->timer, connection->think_until_ns);
        return;
    }
    if (engine->budget > 0)
        do {
            engine->budget -= engine->budget != UINT64_MAX; /* which means no limit */
            exchange_begin(connection, now_ns, now_ns);
        } while (connection_has_room(connection) && engine->budget > 0);
    connection_flush(connection, now_ns);
    if (engine->budget == 0)
        park(engine, connection);
}

static void take_shared(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    uint64_t free_until = has_none_free(engine) ? engine->exhausted_ns : now_ns;
    while (engine->schedule.next_ns <= now_ns && connection_has_room(connection))
        take_plan(connection, &engine->schedule, free_until, now_ns);
    connection_flush(connection, now_ns);
    park(engine, connection);
    if (free_until == now_ns && has_none_free(engine))
        engine->exhausted_ns = now_ns;
}

static void take_pinned(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    struct schedule *schedule = &engine->pinned[connection->index];
    uint64_t free_until = list_empty(&connection->link) ? connection->filled_ns : now_ns;
    while (schedule->next_ns <= now_ns && connection_has_room(connection))
        take_plan(connection, schedule, free_until, now_ns);
    connection_flush(connection, now_ns);
    park(engine, connection);
    if (list_empty(&connection->link)) {
        if (free_until == now_ns) /* a place that was taken again at once was never free */
            connection->filled_ns = now_ns;
        return;
    }
    if (schedule->next_ns != UINT64_MAX)
        timers_set(&engine->timers, &connection->timer, schedule->next_ns);
    else
        timers_cancel(&engine->timers, &connection->timer);
}

void dispatch_ready(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    if (!connection_has_room(connection))
        list_remove(&connection->link);
    else if (!may_send(engine, now_ns))
        park(engine, connection);
    else if (!is_open_loop(engine))
        take_closed(engine, connection, now_ns);
    else if (engine->pinned)
        take_pinned(engine, connection, now_ns);
    else
        take_shared(engine, connection, now_ns);
}

void dispatch_gone(struct engine *engine, struct connection *connection)
{
    list_remove(&connection->unwritten);
    if (list_empty(&connection->link))
        return;
    list_remove(&connection->link);
    connection->filled_ns = engine->now_ns;
    if (has_none_free(engine))
        engine->exhausted_ns = engine->now_ns;
}

/* ---- the shared schedule ---- */

static struct connection *choose(struct engine *engine)
{
    const struct list *from = list_empty(&engine->idle) ? &engine->roomy : &engine->idle;
    if (!list_empty(from))
        return list_entry(from->next, struct connection, link);
    return engine->settings->dispatch == DISPATCH_OPEN ? engine_more(engine) : NULL;
}

static void write_soon(struct engine *engine, struct connection *connection)
{
    list_remove(&connection->unwritten);
    list_append(&engine->unwritten, &connection->unwritten);
}

static void write_all(struct engine *engine)
{
    while (!list_empty(&engine->unwritten)) {
        struct connection *connection = list_entry(engine->unwritten.next, struct connection, unwritten);
        list_remove(&connection->unwritten);
        connection_flush(connection, engine->now_ns);
    }
}

void dispatch_due(struct engine *engine)
{
    struct connection *connection;
    while (engine->schedule.next_ns <= engine->now_ns && may_send(engine, engine->now_ns) && (connection = choose(engine))) {
        list_remove(&connection->link);
        take_plan(connection, &engine->schedule, engine->now_ns, engine->now_ns);
        if (connection_has_room(connection))
            list_append(&engine->roomy, &connection->link);
        else if (has_none_free(engine))
            engine->exhausted_ns = engine->now_ns;
        if (engine->depth == 1)
            connection_flush(connection, engine->now_ns);
        else
            write_soon(engine, connection);
        engine->now_ns = clock_now_ns();
    }
    write_all(engine);
}

uint64_t dispatch_next_ns(const struct engine *engine)
{
    if (!engine_is_running(engine))
        return UINT64_MAX;
    if (engine->pinned)
        return timers_next_ns(&engine->timers);
    return has_none_free(engine) ? UINT64_MAX : engine->schedule.next_ns;
}

/* ---- phases ---- */

static void plan_part(const struct engine *engine, struct schedule_plan *plan, unsigned part, unsigned parts)
{
    const struct settings *settings = engine->settings;
    plan->part = part;
    plan->parts = parts;
    plan->limit = engine->phase == PHASE_MEASURE && settings->requests ? share_of(settings->requests, part, parts) : UINT64_MAX;
}

static void plan_pinned(struct engine *engine, struct schedule_plan *plan)
{
    const struct settings *settings = engine->settings;
    uint64_t base = STREAM_PINNED + (engine->phase == PHASE_WARMUP);
    engine->pinned_left = 0;
    for (unsigned i = 0; i < engine->connection_most; i++) {
        unsigned part = i * (unsigned)settings->threads + engine->index;
        plan_part(engine, plan, part, (unsigned)settings->connections);
        plan->stream = base + 2 * (uint64_t)part;
        schedule_init(&engine->pinned[i], plan);
        engine->pinned_left += engine->pinned[i].next_ns != UINT64_MAX;
    }
}

static void plan_phase(struct engine *engine, uint64_t from_ns, uint64_t until_ns, uint64_t stream)
{
    const struct settings *settings = engine->settings;
    struct schedule_plan plan = {
        .arrivals = settings->arrivals.kind,
        .profile = &settings->profile,
        .trace = &settings->trace,
        .start_ns = from_ns,
        .end_ns = until_ns,
        .seed = settings->seed,
        .stream = stream + STREAM_ARRIVALS,
    };
    if (engine->pinned) {
        plan_pinned(engine, &plan);
        return;
    }
    plan_part(engine, &plan, engine->index, (unsigned)settings->threads);
    schedule_init(&engine->schedule, &plan);
}

/* Each takes what it may: those who have room after it are put back, behind the last of those there are now. */
static void offer_all(struct engine *engine, struct list *list)
{
    struct list all = *list;
    if (list_empty(list))
        return;
    all.next->previous = all.previous->next = &all; /* taken over */
    list_init(list);
    while (!list_empty(&all))
        dispatch_ready(engine, list_entry(all.next, struct connection, link), clock_now_ns());
}

/* Every phase has its own random streams, so that what is measured does not depend on how much the warm-up got done. */
void dispatch_begin(struct engine *engine, uint64_t from_ns, uint64_t until_ns, uint64_t limit)
{
    uint64_t seed = engine->settings->seed;
    uint64_t stream = ((uint64_t)engine->index * 2 + (engine->phase == PHASE_WARMUP)) * STREAMS_A_PHASE;
    random_init_stream(&engine->render.random, seed, stream + STREAM_PLACEHOLDERS);
    random_init_stream(&engine->mixing, seed, stream + STREAM_MIX);
    random_init_stream(&engine->thinking, seed, stream + STREAM_THINK);
    engine->budget = limit;
    if (is_open_loop(engine))
        plan_phase(engine, from_ns, until_ns, stream);
    if (is_open_loop(engine) && !engine->pinned) {
        dispatch_due(engine);
        return;
    }
    offer_all(engine, &engine->roomy);
    offer_all(engine, &engine->idle);
}

bool dispatch_is_done(const struct engine *engine)
{
    if (!is_open_loop(engine))
        return engine->budget == 0;
    return engine->pinned ? engine->pinned_left == 0 : engine->schedule.next_ns == UINT64_MAX;
}

/* ---- what was never taken up ---- */

struct bounds {
    struct histogram *censored;
    uint64_t at_ns;
};

static void record_unsent(void *context, uint64_t planned_ns)
{
    const struct bounds *bounds = context;
    histogram_record(bounds->censored, stats_us(bounds->at_ns - planned_ns));
}

/* A request never due before the end counts, when -n was given up, but there is nothing to say of how long it took. */
static uint64_t drain(struct engine *engine, struct schedule *schedule, uint64_t at_ns)
{
    struct schedule due = *schedule;
    struct bounds bounds = {&engine->stats.censored, at_ns};
    bool given_up = engine->unreachable && schedule->plan.end_ns == UINT64_MAX;
    uint64_t count = 0;
    if (due.plan.end_ns > at_ns)
        due.plan.end_ns = at_ns;
    if (due.next_ns < at_ns)
        count = schedule_drain(&due, record_unsent, &bounds);
    return given_up ? schedule_drain(schedule, NULL, NULL) : count;
}

uint64_t dispatch_unsent(struct engine *engine, uint64_t at_ns)
{
    uint64_t count = 0;
    if (!is_open_loop(engine))
        return engine->unreachable && engine->budget != UINT64_MAX ? engine->budget : 0;
    if (!engine->pinned)
        return drain(engine, &engine->schedule, at_ns);
    for (unsigned i = 0; i < engine->connection_most; i++)
        count += drain(engine, &engine->pinned[i], at_ns);
    return count;
}
