/*
 * One request in flight: four clocks, and what its end counts for.
 *
 *   planned --taken up--> (connection opened) --sent--> first byte --> last byte
 *
 * A response that came in one read has one moment for its first and last byte, and that is nearly every response; only the others
 * are kept apart, in split_first and split_service, so that the fourth clock costs the others nothing.
 *
 * Rule: every counted request that began here ends here, exactly once: answered, failed, timed out or unfinished. One that did not
 * end by its response took at least as long as it has been waited for, and is recorded as that (censored): without it, the slowest
 * requests would make the server look faster.
 */
#include "base/clock.h"
#include "loadgen/engine/engine.h"

/* Where the whole of service time is kept beside response time; in a closed loop over kept connections they are the same. */
static bool has_service_time(const struct settings *settings)
{
    return settings->is_open_loop || settings_opens_on_demand(settings);
}

void exchange_begin(struct connection *connection, uint64_t planned_ns, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    const struct settings *settings = engine->settings;
    struct exchange *exchange = connection_exchange(connection, connection->count);
    bool counted = engine->phase == PHASE_MEASURE;
    exchange->planned_ns = planned_ns;
    exchange->first_byte_ns = 0;
    exchange->deadline_ns = now_ns + settings->timeout_ns;
    exchange->kind = settings->mix.kinds;
    if (settings->mix.count > 1)
        exchange->kind += mix_pick(&settings->mix, &engine->mixing);
    exchange->counted = counted;
    exchange->last = --connection->left == 0;
    exchange->expired = exchange->again = false;
    exchange->alone = connection->count == 0;
    connection->count++;
    engine->in_flight += counted;
    engine->stats.started += counted;
    if (!connection->deadline.position)
        timers_set(&engine->deadlines, &connection->deadline, exchange->deadline_ns);
}

/* Is the nth of the ring sent, or does it wait for its connection? */
static bool is_sent(const struct connection *connection, unsigned nth)
{
    return connection->state == CONNECTION_OPEN && nth < connection->rendered;
}

/* ---- by a response ---- */

/* Is the response what was asked for? A check of the status decides on the status; else 400 and above is not. */
static bool is_as_wanted(struct connection *connection, const struct request_kind *kind, unsigned status)
{
    if (!kind->checked)
        return status < 400;
    enum check_kind failed = check_end(&kind->check, &connection->progress, status);
    if (failed != CHECK_KINDS)
        connection->engine->stats.check_failed[failed]++;
    return failed == CHECK_KINDS && (kind->check.wanted[CHECK_STATUS] || status < 400);
}

static void record_kind(struct stats *stats, unsigned kind, bool ok, uint64_t response_us)
{
    stats->kinds[kind].requests++;
    stats->kinds[kind].not_ok += !ok;
    histogram_record(&stats->kinds[kind].response, response_us);
}

static void record_split(struct stats *stats, const struct exchange *exchange, uint64_t now_ns)
{
    histogram_record(&stats->split_first, stats_us(exchange->first_byte_ns - exchange->sent_ns));
    histogram_record(&stats->split_service, stats_us(now_ns - exchange->sent_ns));
}

static void record_answer(struct connection *connection, const struct exchange *exchange, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    struct stats *stats = &engine->stats;
    struct backend *backend = connection->answerer;
    const struct settings *settings = engine->settings;
    uint64_t response_us = stats_us(now_ns - exchange->planned_ns);
    unsigned status = connection->parser.head.status;
    bool ok = is_as_wanted(connection, exchange->kind, status);
    stats->status[status]++;
    stats->ok += ok;
    stats->http_errors += !ok;
    stats->lingered += now_ns > engine->end_ns;
    backend->requests++;
    backend->http_errors += !ok;
    backend->connections += !connection->credited;
    connection->credited = true;
    histogram_record(&backend->response, response_us);
    if (has_service_time(settings))
        histogram_record(&stats->service, stats_us(now_ns - exchange->sent_ns));
    if (exchange->first_byte_ns)
        record_split(stats, exchange, now_ns);
    if (stats->kinds)
        record_kind(stats, (unsigned)(exchange->kind - settings->mix.kinds), ok, response_us);
    if (engine->series && engine->series->detailed)
        series_record(engine->series, backend, response_us);
    engine->in_flight--;
    engine_on_wire(engine, -1, now_ns);
}

/*
 * A rate is of what came in the time measured, whenever it was asked for: at its end as much is under way as was at its beginning.
 * Without these answers it would be too low by what comes in one response time.
 */
static void record_warmup(struct engine *engine, const struct exchange *exchange, uint64_t now_ns)
{
    bool in_time = engine->from_ns && now_ns >= engine->from_ns && now_ns <= engine->end_ns;
    engine->stats.warmup++;
    engine->stats.carried += in_time && !exchange->expired;
}

void exchange_answered(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    const struct exchange *exchange = connection_exchange(connection, 0);
    engine->last_answer_ns = engine->last_end_ns = now_ns;
    connection->answerer = connection->named ? connection->backend : engine->stats.backends[0];
    connection->answerer->answered = true;
    if (!exchange->counted)
        record_warmup(engine, exchange, now_ns);
    else if (!exchange->expired)
        record_answer(connection, exchange, now_ns);
    connection->first = (connection->first + 1) & connection->mask;
    connection->count--;
    connection->rendered--;
}

/* ---- by something else ---- */

/* It took at least so long. What was sent behind the end, in the turn that it fell into, has not been waited for. */
static void record_bound(struct connection *connection, unsigned nth, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    const struct exchange *exchange = connection_exchange(connection, nth);
    histogram_record(&engine->stats.censored, stats_us(now_ns - exchange->planned_ns));
    if (is_sent(connection, nth) && has_service_time(engine->settings))
        histogram_record(&engine->stats.censored_service, now_ns > exchange->sent_ns ? stats_us(now_ns - exchange->sent_ns) : 0);
}

/* The nth is not waited for any more. */
static void leave(struct connection *connection, unsigned nth, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    engine->in_flight--;
    if (is_sent(connection, nth))
        engine_on_wire(engine, -1, now_ns);
}

/* Errors, too, belong to somebody: to the worker that answered last on this connection. */
static void blame(struct connection *connection)
{
    struct backend *backend = connection->answerer ? connection->answerer : connection->engine->stats.backends[0];
    backend->errors++;
}

static bool is_open(struct connection *connection, unsigned nth)
{
    const struct exchange *exchange = connection_exchange(connection, nth);
    return exchange->counted && !exchange->expired;
}

static void fail_from(struct connection *connection, unsigned first, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    for (unsigned i = first; i < connection->count; i++) {
        if (!is_open(connection, i))
            continue;
        engine->stats.socket_errors++;
        blame(connection);
        leave(connection, i, now_ns);
    }
    if (connection->count > first)
        engine->last_end_ns = now_ns;
    connection->count = (uint16_t)first;
    connection->rendered = 0;
}

void exchanges_failed(struct connection *connection, uint64_t now_ns)
{
    fail_from(connection, 0, now_ns);
}

/* Its plan and its deadline stay what they were. */
void exchange_again(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    struct exchange *exchange = connection_exchange(connection, 0);
    exchange->again = is_sent(connection, 0); /* or it waited to be: then nothing of it has been drawn */
    engine->stats.retries += exchange->counted;
    if (exchange->counted && exchange->again)
        engine_on_wire(engine, -1, now_ns);
    fail_from(connection, 1, now_ns);
}

static void expire(struct connection *connection, unsigned nth, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    if (is_open(connection, nth)) {
        engine->stats.timed_out++;
        record_bound(connection, nth, now_ns);
        blame(connection);
        leave(connection, nth, now_ns);
    }
    connection_exchange(connection, nth)->expired = true;
    engine->last_end_ns = now_ns;
}

bool exchanges_expired(struct connection *connection, uint64_t now_ns)
{
    unsigned i = 0;
    for (; i < connection->count && connection_exchange(connection, i)->deadline_ns <= now_ns; i++)
        if (!connection_exchange(connection, i)->expired)
            expire(connection, i, now_ns);
    return i < connection->count;
}

void exchanges_unfinished(struct connection *connection, uint64_t now_ns)
{
    for (unsigned i = 0; i < connection->count; i++) {
        if (!is_open(connection, i))
            continue;
        connection->engine->stats.unfinished++;
        record_bound(connection, i, now_ns);
        leave(connection, i, now_ns);
    }
    connection->count = connection->rendered = 0;
}
