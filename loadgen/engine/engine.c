/*
 * One thread of load: an epoll, its connections, and the question who may send when.
 *
 *   OPENING --run.c sets the start--> WAITING --> WARMUP --> MEASURE --> DONE
 *
 * Closed loop: a connection that is free sends at once, while the budget lasts. Open loop: the schedule says when; a free
 * connection takes the oldest plan that is due, and a plan finds a free connection or stays where it is until one is freed. Free
 * connections queue up, first in, first out, so that all of them carry load.
 *
 * Everything that waits for a time - the next plan, the end of a phase, back-offs, time-outs - shares one timerfd with an absolute
 * time: nanoseconds, and none of the slack that the kernel adds to epoll's own time-outs. Time-outs are looked at lazily: the
 * timer is set for the oldest deadline as it was, and only when that has passed for the one after it; so in a closed loop it is set
 * about once in --timeout, not once a request.
 *
 * Rule: connections are opened again from the timers only, never from within the failure of another: no recursion.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"

#define EVENTS_A_TURN   128
#define ROUNDS_OF_GRACE 3 /* so many failed attempts a connection, with never a success, and the server is given up */

enum stream { STREAM_ARRIVALS, STREAM_PLACEHOLDERS, STREAMS_A_PHASE };

static bool is_open_loop(const struct engine *engine)
{
    return engine->load->settings->is_open_loop;
}

/* Connections opened for the request that is due, instead of before the start. */
static bool opens_on_demand(const struct engine *engine)
{
    return settings_opens_on_demand(engine->load->settings);
}

static bool is_running(const struct engine *engine)
{
    return engine->phase == PHASE_WARMUP || engine->phase == PHASE_MEASURE;
}

/* ---- making and ending ---- */

static int add_descriptor(struct engine *engine, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    if (*fd < 0)
        return -errno;
    return epoll_ctl(engine->epoll, EPOLL_CTL_ADD, *fd, &event) == 0 ? 0 : -errno;
}

static int open_descriptors(struct engine *engine)
{
    engine->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (engine->epoll < 0)
        return -errno;
    engine->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int error = add_descriptor(engine, &engine->timer_fd);
    if (error)
        return error;
    engine->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return add_descriptor(engine, &engine->wake_fd);
}

static int make_room(struct engine *engine)
{
    engine->read_buffer = malloc(READ_BUFFER_SIZE);
    engine->render_buffer = malloc(engine->load->settings->mix.longest);
    engine->connections = calloc(engine->connection_count, sizeof(*engine->connections));
    if (!engine->read_buffer || !engine->render_buffer || !engine->connections)
        return -ENOMEM;
    for (unsigned i = 0; i < engine->connection_count; i++)
        connection_init(&engine->connections[i], engine);
    int error = timers_init(&engine->timers, engine->connection_count);
    return error ? error : stats_init(&engine->stats, engine->load->settings->mix.count);
}

int engine_init(struct engine *engine, const struct load *load, unsigned index, int news_fd)
{
    const struct settings *settings = load->settings;
    *engine = (struct engine){.load = load, .index = index, .news_fd = news_fd, .epoll = -1, .timer_fd = -1, .wake_fd = -1};
    engine->armed_ns = engine->phase_end_ns = engine->series_ns = engine->schedule.next_ns = UINT64_MAX;
    engine->connection_count = (unsigned)share_of(settings->connections, index, (unsigned)settings->threads);
    list_init(&engine->idle);
    list_init(&engine->waiting);
    int error = make_room(engine);
    return error ? error : open_descriptors(engine);
}

void engine_close(struct engine *engine)
{
    int fds[] = {engine->epoll, engine->timer_fd, engine->wake_fd};
    for (unsigned i = 0; engine->connections && i < engine->connection_count; i++)
        connection_close(&engine->connections[i]);
    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    timers_close(&engine->timers);
    stats_close(&engine->stats);
    free(engine->connections);
    free(engine->render_buffer);
    free(engine->read_buffer);
}

/* Tells run.c that `flag` has changed. */
static void announce(struct engine *engine, _Atomic bool *flag)
{
    atomic_store(flag, true);
    uint64_t one = 1;
    if (write(engine->news_fd, &one, sizeof(one)) != sizeof(one))
        engine->error = -errno;
}

static void count_unfinished(struct engine *engine)
{
    for (unsigned i = 0; i < engine->connection_count; i++)
        engine->stats.unfinished += engine->connections[i].busy && engine->connections[i].counted;
}

/* What was planned up to `at_ns` and never taken up; when -n was given up, the rest of it. */
static uint64_t count_unsent(struct engine *engine, uint64_t at_ns)
{
    struct schedule_plan *plan = &engine->schedule.plan;
    if (!is_open_loop(engine))
        return engine->unreachable && engine->budget != UINT64_MAX ? engine->budget : 0;
    if (engine->unreachable && plan->end_ns == UINT64_MAX) /* -n: all the others, too */
        at_ns = UINT64_MAX;
    if (engine->schedule.next_ns >= at_ns)
        return 0;
    plan->end_ns = at_ns < plan->end_ns ? at_ns : plan->end_ns;
    return schedule_drain(&engine->schedule, NULL, NULL);
}

static void finish(struct engine *engine, uint64_t at_ns)
{
    if (engine->phase == PHASE_MEASURE) {
        engine->stats.cpu_ns = clock_thread_cpu_ns() - engine->cpu_from_ns; /* before the counting, which may be long */
        count_unfinished(engine);
        engine->stats.unsent = count_unsent(engine, at_ns);
        engine->until_ns = at_ns > engine->from_ns ? at_ns : engine->from_ns;
    }
    engine->phase = PHASE_DONE;
}

/* ---- sending ---- */

static void dispatch(struct engine *engine, struct connection *connection, uint64_t planned_ns, uint64_t now_ns)
{
    engine->in_flight++;
    connection->busy = true;
    connection->planned_ns = planned_ns;
    connection->counted = engine->phase == PHASE_MEASURE;
    engine->stats.started += connection->counted;
    if (connection->fd >= 0)
        connection_send(connection, now_ns);
    else
        connection_open(connection, now_ns);
}

/*
 * Takes the oldest plan, which is due. `free_until_ns`: up to then there was a free connection, so that the plan's waiting until
 * then is the generator's own doing; what it waited longer it waited for a connection.
 */
static void dispatch_planned(struct engine *engine, struct connection *connection, uint64_t free_until_ns, uint64_t now_ns)
{
    uint64_t planned = engine->schedule.next_ns;
    schedule_advance(&engine->schedule);
    if (engine->phase == PHASE_MEASURE) {
        histogram_record(&engine->stats.send_lag, stats_us(now_ns - planned));
        histogram_record(&engine->stats.own_lag, free_until_ns > planned ? stats_us(free_until_ns - planned) : 0);
        engine->stats.waited += free_until_ns < now_ns;
    }
    dispatch(engine, connection, planned, now_ns);
}

/* Open loop: all plans that are due and for which there is a connection. */
static void dispatch_due(struct engine *engine)
{
    while (engine->schedule.next_ns <= engine->now_ns && !list_empty(&engine->idle) && is_running(engine)) {
        struct connection *connection = list_entry(engine->idle.next, struct connection, link);
        list_remove(&connection->link);
        if (list_empty(&engine->idle))
            engine->exhausted_ns = engine->now_ns;
        dispatch_planned(engine, connection, engine->now_ns, engine->now_ns);
        engine->now_ns = clock_now_ns();
    }
}

void engine_free(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    bool running = is_running(engine);
    if (running && is_open_loop(engine) && engine->schedule.next_ns <= now_ns) {
        dispatch_planned(engine, connection, list_empty(&engine->idle) ? engine->exhausted_ns : now_ns, now_ns);
    } else if (running && !is_open_loop(engine) && engine->budget > 0) {
        engine->budget -= engine->budget != UINT64_MAX; /* which means no limit */
        dispatch(engine, connection, now_ns, now_ns);
    } else {
        list_remove(&connection->link);
        list_append(&engine->idle, &connection->link);
    }
}

/* Free connections of a closed loop all begin. */
static void dispatch_all(struct engine *engine)
{
    struct list idle = engine->idle;
    if (list_empty(&engine->idle))
        return;
    idle.next->previous = idle.previous->next = &idle; /* the list, taken over: engine_free may put some back */
    list_init(&engine->idle);
    while (!list_empty(&idle)) {
        struct connection *connection = list_entry(idle.next, struct connection, link);
        list_remove(&connection->link);
        engine_free(engine, connection, clock_now_ns());
    }
}

/* ---- what connections report ---- */

void engine_answered(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    struct stats *stats = &engine->stats;
    engine->in_flight--;
    engine->last_answer_ns = engine->last_end_ns = now_ns;
    connection->busy = false;
    struct backend *backend = connection->named ? connection->backend : stats->backends[0];
    backend->answered = true;
    if (!connection->counted)
        return;
    uint64_t response_us = stats_us(now_ns - connection->planned_ns);
    unsigned status = connection->parser.head.status;
    stats->status[status]++;
    stats->ok += status < 400;
    stats->http_errors += status >= 400;
    backend->requests++;
    backend->connections += !connection->credited;
    connection->credited = true;
    histogram_record(&backend->response, response_us);
    if (is_open_loop(engine) || opens_on_demand(engine)) /* else it is the same */
        histogram_record(&stats->service, stats_us(now_ns - connection->sent_ns));
    if (engine->series)
        series_record(engine->series, backend, response_us);
}

void engine_failed(struct engine *engine, struct connection *connection, enum error_kind kind, uint64_t now_ns)
{
    struct stats *stats = &engine->stats;
    engine->in_flight--;
    engine->last_end_ns = now_ns;
    connection->busy = false;
    if (!connection->counted)
        return;
    if (kind != ERROR_TIMEOUT) {
        stats->socket_errors++;
        return;
    }
    /* It took at least so long: left out, the slowest requests would make the server look faster. */
    stats->timed_out++;
    histogram_record(&stats->censored, stats_us(now_ns - connection->planned_ns));
    if (is_open_loop(engine) || opens_on_demand(engine))
        histogram_record(&stats->censored_service, stats_us(now_ns - connection->sent_ns));
}

/* Nothing can be connected to: never could, or not for as long as a request may take and there is no other end in sight. */
static bool is_hopeless(const struct engine *engine)
{
    if (engine->refused_in_row < (uint64_t)ROUNDS_OF_GRACE * engine->connection_count)
        return false;
    if (engine->connected == 0)
        return true;
    return engine->phase_end_ns == UINT64_MAX && engine->now_ns > engine->last_answer_ns + engine->load->settings->timeout_ns;
}

void engine_opened(struct engine *engine, struct connection *connection, bool connected)
{
    engine->connected += connected;
    engine->refused_in_row = connected ? 0 : engine->refused_in_row + 1;
    engine->unreachable = is_running(engine) && is_hopeless(engine);
    if (!connection->opening)
        return;
    connection->opening = false;
    if (--engine->opening == 0)
        announce(engine, &engine->ready);
}

void engine_reopen(struct engine *engine, struct connection *connection, uint64_t pause_ns)
{
    timers_set(&engine->timers, &connection->timer, engine->now_ns + pause_ns);
}

/* ---- phases ---- */

static struct schedule_plan plan_of(const struct engine *engine, uint64_t from_ns, uint64_t until_ns, uint64_t limit)
{
    const struct settings *settings = engine->load->settings;
    return (struct schedule_plan){
        .arrivals = settings->arrivals.kind,
        .profile = &settings->profile,
        .trace = &settings->trace,
        .part = engine->index,
        .parts = (unsigned)settings->threads,
        .start_ns = from_ns,
        .end_ns = until_ns,
        .limit = limit,
        .seed = settings->seed,
    };
}

/* Every phase has its own random streams, so that what is measured does not depend on how much the warm-up got done. */
static void begin_phase(struct engine *engine, enum engine_phase phase, uint64_t from_ns, uint64_t until_ns, uint64_t limit)
{
    uint64_t seed = engine->load->settings->seed;
    uint64_t stream = ((uint64_t)engine->index * 2 + (phase == PHASE_WARMUP)) * STREAMS_A_PHASE;
    struct schedule_plan plan = plan_of(engine, from_ns, until_ns, limit);
    plan.stream = stream + STREAM_ARRIVALS;
    random_init_stream(&engine->render.random, seed, stream + STREAM_PLACEHOLDERS);
    engine->phase = phase;
    engine->phase_end_ns = until_ns;
    engine->budget = limit;
    if (is_open_loop(engine)) {
        schedule_init(&engine->schedule, &plan);
        dispatch_due(engine);
    } else {
        dispatch_all(engine);
    }
}

static void begin_measure(struct engine *engine, uint64_t from_ns)
{
    const struct settings *settings = engine->load->settings;
    uint64_t limit = settings->requests ? share_of(settings->requests, engine->index, (unsigned)settings->threads) : UINT64_MAX;
    engine->from_ns = engine->last_answer_ns = engine->last_end_ns = from_ns;
    engine->cpu_from_ns = clock_thread_cpu_ns();
    engine->series_ns = engine->series ? from_ns + SERIES_INTERVAL_NS : UINT64_MAX;
    if (engine->series)
        series_begin(engine->series, &engine->stats);
    begin_phase(engine, PHASE_MEASURE, from_ns, settings->duration_ns ? from_ns + settings->duration_ns : UINT64_MAX, limit);
}

static void end_phase(struct engine *engine)
{
    uint64_t end = engine->phase_end_ns, warmup = engine->load->settings->warmup_ns;
    if (engine->phase == PHASE_WAITING && warmup)
        begin_phase(engine, PHASE_WARMUP, end, end + warmup, UINT64_MAX);
    else if (engine->phase == PHASE_MEASURE)
        finish(engine, end);
    else
        begin_measure(engine, end);
}

/* -n: all requests have been sent and have ended. */
static bool is_complete(const struct engine *engine)
{
    if (engine->phase != PHASE_MEASURE || engine->in_flight > 0 || !engine->load->settings->requests)
        return false;
    return is_open_loop(engine) ? engine->schedule.next_ns == UINT64_MAX : engine->budget == 0;
}

static void begin_opening(struct engine *engine)
{
    engine->opening = opens_on_demand(engine) ? 0 : engine->connection_count;
    if (engine->opening == 0)
        announce(engine, &engine->ready);
    for (unsigned i = 0; i < engine->connection_count; i++) {
        struct connection *connection = &engine->connections[i];
        engine->now_ns = clock_now_ns();
        connection->opening = !opens_on_demand(engine);
        if (connection->opening)
            connection_open(connection, engine->now_ns);
        else
            engine_free(engine, connection, engine->now_ns);
    }
}

/* ---- time ---- */

static void expire(struct engine *engine)
{
    const struct connection *oldest;
    while (!list_empty(&engine->waiting)) {
        struct connection *connection = list_entry(engine->waiting.next, struct connection, link);
        if (connection->deadline_ns > engine->now_ns)
            break;
        connection_expired(connection, engine->now_ns);
    }
    oldest = list_empty(&engine->waiting) ? NULL : list_entry(engine->waiting.next, struct connection, link);
    engine->expiry_ns = oldest ? oldest->deadline_ns : engine->now_ns + engine->load->settings->timeout_ns;
}

static void run_timers(struct engine *engine)
{
    struct timer *timer;
    while ((timer = timers_take_due(&engine->timers, engine->now_ns))) {
        struct connection *connection = list_entry(timer, struct connection, timer);
        if (opens_on_demand(engine))
            engine_free(engine, connection, engine->now_ns);
        else
            connection_open(connection, engine->now_ns);
    }
}

/* A turn for each tick that is over, also when this thread slept through several. */
static void turn_series(struct engine *engine)
{
    for (; engine->series_ns <= engine->now_ns; engine->series_ns += SERIES_INTERVAL_NS)
        series_turn(engine->series, &engine->stats, engine->in_flight);
}

static void run_due(struct engine *engine)
{
    engine->armed_ns = UINT64_MAX;
    engine->now_ns = clock_now_ns();
    if (engine->series_ns <= engine->now_ns)
        turn_series(engine);
    while (engine->phase_end_ns <= engine->now_ns && engine->phase != PHASE_DONE)
        end_phase(engine);
    if (engine->expiry_ns <= engine->now_ns)
        expire(engine);
    run_timers(engine);
    dispatch_due(engine);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_wake(const struct engine *engine)
{
    uint64_t wake =
        least(least(engine->phase_end_ns, engine->expiry_ns), least(timers_next_ns(&engine->timers), engine->series_ns));
    return list_empty(&engine->idle) ? wake : least(wake, engine->schedule.next_ns);
}

/* Setting the timer anew also clears an expiry not read: it need not be read at all. */
static int arm(struct engine *engine)
{
    uint64_t wake = next_wake(engine);
    if (wake == engine->armed_ns)
        return 0;
    struct itimerspec at = {.it_value = {(time_t)(wake / CLOCK_NS_PER_S), (long)(wake % CLOCK_NS_PER_S)}};
    engine->armed_ns = wake;
    return timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0 ? 0 : -errno;
}

/* ---- the loop ---- */

/* run.c has something to say: the start, or stop. */
static void hear(struct engine *engine)
{
    uint64_t count, start = atomic_load(&engine->start_ns);
    if (read(engine->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        engine->error = -errno;
    if (atomic_load(&engine->stop)) {
        finish(engine, clock_now_ns());
    } else if (engine->phase == PHASE_OPENING && start) {
        engine->phase = PHASE_WAITING;
        engine->phase_end_ns = start;
    }
}

static void handle(struct engine *engine, const struct epoll_event *event)
{
    if (event->data.ptr == &engine->timer_fd) {
        run_due(engine);
    } else if (event->data.ptr == &engine->wake_fd) {
        hear(engine);
    } else {
        connection_event(event->data.ptr, event->events);
        if (engine->schedule.next_ns <= engine->now_ns)
            dispatch_due(engine);
    }
}

static int turn(struct engine *engine)
{
    struct epoll_event events[EVENTS_A_TURN];
    int error = arm(engine);
    if (error)
        return error;
    int count = epoll_wait(engine->epoll, events, EVENTS_A_TURN, -1);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count && engine->phase != PHASE_DONE; i++)
        handle(engine, &events[i]);
    if (is_running(engine) && (engine->unreachable || is_complete(engine)))
        finish(engine, engine->unreachable ? engine->now_ns : engine->last_end_ns);
    return engine->error;
}

void *engine_run(void *argument)
{
    struct engine *engine = argument;
    const struct cpu_list *pin = &engine->load->settings->pin;
    if (pin->count)
        engine->error = cpus_pin(pin->cpu[engine->index % pin->count]);
    engine->expiry_ns = clock_now_ns() + engine->load->settings->timeout_ns;
    begin_opening(engine);
    while (!engine->error && engine->phase != PHASE_DONE)
        engine->error = turn(engine);
    announce(engine, &engine->done);
    return NULL;
}
