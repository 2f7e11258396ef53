/*
 * One thread of load: an epoll, its connections, and time.
 *
 *   OPENING --run.c sets the start--> WAITING --> WARMUP --> MEASURE --> LINGER --> DONE
 *
 * Everything that waits for a time - the next plan, the end of a phase, back-offs, time-outs - shares one timerfd with an absolute
 * time: nanoseconds, and none of the slack that the kernel adds to epoll's own time-outs. Time-outs are looked at lazily: a
 * connection's deadline stays where its first request put it and is moved on when it rings, so that in a closed loop the timer is
 * set about once in --timeout a connection, not once a request.
 *
 * The end. When the duration is over the books are closed on everything that is a rate: CPU time, requests in flight, plans never
 * sent. What is in flight may still be answered during --linger, so that the slowest requests are seen instead of cut off;
 * what is not is recorded as a lower bound.
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

/* Connections opened for the request that is due, instead of before the start. */
static bool opens_on_demand(const struct engine *engine)
{
    return settings_opens_on_demand(engine->settings);
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

static unsigned ring_size(unsigned depth)
{
    unsigned size = 1;
    while (size < depth)
        size *= 2;
    return size;
}

static int make_room(struct engine *engine)
{
    const struct settings *settings = engine->settings;
    engine->batch_size = settings->mix.longest > BATCH_BUFFER_SIZE ? settings->mix.longest : BATCH_BUFFER_SIZE;
    engine->connection_size = sizeof(struct connection) + ring_size(engine->depth) * sizeof(struct exchange);
    engine->read_buffer = malloc(READ_BUFFER_SIZE);
    engine->batch_buffer = malloc(engine->batch_size);
    engine->connections = calloc(engine->connection_most, engine->connection_size);
    if (!engine->read_buffer || !engine->batch_buffer || !engine->connections)
        return -ENOMEM;
    int error = timers_init(&engine->timers, engine->connection_most);
    if (!error)
        error = timers_init(&engine->deadlines, engine->connection_most);
    if (!error)
        error = dispatch_init(engine);
    return error ? error : stats_init(&engine->stats, settings->mix.count);
}

/* Connections beyond those of the start are made when they are needed: memory never touched is memory never used. */
struct connection *engine_more(struct engine *engine)
{
    if (engine->connection_count == engine->connection_most)
        return NULL;
    struct connection *connection = engine_connection(engine, engine->connection_count);
    connection_init(connection, engine, engine->connection_count++);
    connection->mask = (uint16_t)(ring_size(engine->depth) - 1);
    return connection;
}

/* One a thread, for as long as it lives. Numbers no phase's stream has. */
enum stream { STREAM_PORTS, STREAM_LIVES, STREAMS_A_THREAD };

#define STREAM_THREADS (UINT64_C(1) << 40)

static void init_streams(struct engine *engine)
{
    const struct settings *settings = engine->settings;
    uint64_t stream = STREAM_THREADS + (uint64_t)engine->index * STREAMS_A_THREAD;
    random_init_stream(&engine->ports, settings->seed, stream + STREAM_PORTS);
    random_init_stream(&engine->lives, settings->seed, stream + STREAM_LIVES);
    engine->render.sequence = engine->index;
    engine->render.step = settings->threads;
}

static unsigned share_of_connections(const struct engine *engine, uint64_t total)
{
    return (unsigned)share_of(total, engine->index, (unsigned)engine->settings->threads);
}

int engine_init(struct engine *engine, const struct load *load, unsigned index, int news_fd)
{
    const struct settings *settings = load->settings;
    *engine = (struct engine){
        .load = load, .settings = settings, .index = index, .news_fd = news_fd, .epoll = -1, .timer_fd = -1, .wake_fd = -1};
    engine->armed_ns = engine->phase_end_ns = engine->series_ns = engine->end_ns = UINT64_MAX;
    engine->depth = (unsigned)settings->pipeline;
    engine->connection_most =
        share_of_connections(engine, settings->dispatch == DISPATCH_OPEN ? settings->connections_max : settings->connections);
    if (settings->connect_rate > 0)
        engine->connect_gap_ns = (uint64_t)((double)settings->threads * 1e9 / settings->connect_rate);
    list_init(&engine->queued);
    init_streams(engine);
    int error = make_room(engine);
    return error ? error : open_descriptors(engine);
}

void engine_close(struct engine *engine)
{
    int fds[] = {engine->epoll, engine->timer_fd, engine->wake_fd};
    for (unsigned i = 0; i < engine->connection_count; i++)
        connection_free(engine_connection(engine, i));
    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    timers_close(&engine->timers);
    timers_close(&engine->deadlines);
    dispatch_close(engine);
    stats_close(&engine->stats);
    free(engine->connections);
    free(engine->batch_buffer);
    free(engine->read_buffer);
}

/* Wakes run.c. */
static void tell_news(struct engine *engine)
{
    uint64_t one = 1;
    if (write(engine->news_fd, &one, sizeof(one)) != sizeof(one))
        engine->error = -errno;
}

static void announce(struct engine *engine, _Atomic bool *flag)
{
    atomic_store(flag, true);
    tell_news(engine);
}

/* ---- what connections report ---- */

/* Nothing can be connected to: never could, or not for as long as a request may take and there is no other end in sight. */
static bool is_hopeless(const struct engine *engine)
{
    if (engine->refused_in_row < (uint64_t)ROUNDS_OF_GRACE * engine->connection_count)
        return false;
    if (engine->connected == 0)
        return true;
    return engine->phase_end_ns == UINT64_MAX && engine->now_ns > engine->last_answer_ns + engine->settings->timeout_ns;
}

void engine_opened(struct engine *engine, struct connection *connection, bool connected)
{
    engine->connected += connected;
    engine->refused_in_row = connected ? 0 : engine->refused_in_row + 1;
    engine->unreachable = engine_is_running(engine) && is_hopeless(engine);
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

/*
 * --connect-rate: one each gap, by each thread; threads begin at different points of the gap. A turn that was missed by less than a
 * gap is made up for, so that the rate is met; more would be a burst.
 */
static void take_turn(struct engine *engine, uint64_t now_ns)
{
    uint64_t missed = now_ns - engine->connect_ns;
    engine->connect_ns = (missed < engine->connect_gap_ns ? engine->connect_ns : now_ns) + engine->connect_gap_ns;
}

bool engine_may_connect(struct engine *engine, struct connection *connection, uint64_t now_ns)
{
    if (engine->connect_gap_ns == 0)
        return true;
    if (list_empty(&engine->queued) && engine->connect_ns <= now_ns) {
        take_turn(engine, now_ns);
        return true;
    }
    list_append(&engine->queued, &connection->turn);
    return false;
}

/* It may be open at once, then with room behind what waited for it. */
static void attempt(struct engine *engine, struct connection *connection)
{
    connection_attempt(connection, engine->now_ns);
    if (connection->state == CONNECTION_OPEN)
        dispatch_ready(engine, connection, engine->now_ns);
}

static void connect_queued(struct engine *engine)
{
    while (!list_empty(&engine->queued) && engine->connect_ns <= engine->now_ns) {
        struct connection *connection = list_entry(engine->queued.next, struct connection, turn);
        take_turn(engine, engine->now_ns);
        list_remove(&connection->turn);
        attempt(engine, connection);
        engine->now_ns = clock_now_ns();
    }
}

/* ---- phases ---- */

static void begin_phase(struct engine *engine, enum engine_phase phase, uint64_t from_ns, uint64_t until_ns, uint64_t limit)
{
    engine->phase = phase;
    engine->phase_end_ns = until_ns;
    dispatch_begin(engine, from_ns, until_ns, limit);
}

static void begin_measure(struct engine *engine, uint64_t from_ns)
{
    const struct settings *settings = engine->settings;
    uint64_t limit = settings->requests ? share_of(settings->requests, engine->index, (unsigned)settings->threads) : UINT64_MAX;
    engine->from_ns = engine->last_answer_ns = engine->last_end_ns = engine->changed_ns = from_ns;
    engine->end_ns = settings->duration_ns ? from_ns + settings->duration_ns : UINT64_MAX;
    engine->cpu_from_ns = clock_thread_cpu_ns();
    engine->run_wait_from_ns = host_thread_wait_ns();
    engine->series_ns = engine->series ? from_ns + SERIES_INTERVAL_NS : UINT64_MAX;
    if (engine->series)
        series_begin(engine->series, &engine->stats);
    begin_phase(engine, PHASE_MEASURE, from_ns, engine->end_ns, limit);
}

/* The books of the measurement are closed, but for the requests still in flight. */
static void end_measure(struct engine *engine, uint64_t at_ns)
{
    struct stats *stats = &engine->stats;
    stats->cpu_ns = clock_thread_cpu_ns() - engine->cpu_from_ns; /* before the counting, which may be long */
    stats->run_wait_ns = host_thread_wait_ns() - engine->run_wait_from_ns;
    engine_on_wire(engine, 0, at_ns);
    stats->in_flight_ns = (double)engine->wire_ns;
    engine->until_ns = at_ns > engine->from_ns ? at_ns : engine->from_ns;
    stats->unsent = dispatch_unsent(engine, engine->until_ns);
}

static void finish(struct engine *engine, uint64_t at_ns)
{
    if (engine->phase == PHASE_MEASURE)
        end_measure(engine, at_ns);
    for (unsigned i = 0; engine->from_ns && i < engine->connection_count; i++)
        exchanges_unfinished(engine_connection(engine, i), at_ns);
    engine->phase = PHASE_DONE;
}

/* Nothing new is sent, and what is in flight gets its chance. */
static void begin_linger(struct engine *engine)
{
    uint64_t end = engine->phase_end_ns;
    end_measure(engine, end);
    if (engine->series)
        engine->series->is_over = true;
    engine->phase = PHASE_LINGER;
    engine->phase_end_ns = end + engine->settings->linger_ns;
}

static void end_phase(struct engine *engine)
{
    uint64_t end = engine->phase_end_ns, warmup = engine->settings->warmup_ns;
    if (engine->phase == PHASE_WAITING && warmup)
        begin_phase(engine, PHASE_WARMUP, end, end + warmup, UINT64_MAX);
    else if (engine->phase == PHASE_MEASURE)
        begin_linger(engine);
    else if (engine->phase == PHASE_LINGER)
        finish(engine, end);
    else
        begin_measure(engine, end);
}

/* -n: all requests have been sent and have ended. After the duration: all have ended. */
static bool is_complete(const struct engine *engine)
{
    if (engine->in_flight > 0)
        return false;
    if (engine->phase == PHASE_LINGER)
        return true;
    return engine->phase == PHASE_MEASURE && engine->settings->requests && dispatch_is_done(engine);
}

static void begin_opening(struct engine *engine)
{
    unsigned count = share_of_connections(engine, engine->settings->connections);
    engine->connect_ns = clock_now_ns() + engine->connect_gap_ns * engine->index / engine->settings->threads;
    engine->opening = opens_on_demand(engine) ? 0 : count;
    if (engine->opening == 0)
        announce(engine, &engine->ready);
    for (unsigned i = 0; i < count; i++) {
        struct connection *connection = engine_more(engine);
        engine->now_ns = clock_now_ns();
        connection->opening = !opens_on_demand(engine);
        if (connection->opening)
            connection_open(connection, engine->now_ns);
        else
            dispatch_ready(engine, connection, engine->now_ns);
    }
}

/* ---- time ---- */

static void run_deadlines(struct engine *engine)
{
    struct timer *timer;
    while ((timer = timers_take_due(&engine->deadlines, engine->now_ns)))
        connection_expired(list_entry(timer, struct connection, deadline), engine->now_ns);
}

static void run_timer(struct engine *engine, struct connection *connection)
{
    if (connection->state == CONNECTION_CONNECTING && connection->fd < 0)
        attempt(engine, connection);
    else if (connection->state == CONNECTION_CLOSED && (connection->count > 0 || !opens_on_demand(engine)))
        connection_open(connection, engine->now_ns); /* with what is to be sent again, if anything: its answer makes room */
    else
        dispatch_ready(engine, connection, engine->now_ns);
}

/*
 * Many may be due at once, and each takes its time: the last one must not be said to have been sent when the first was. What
 * becomes due meanwhile waits for the next turn, so that answers are read in between.
 */
static void run_timers(struct engine *engine)
{
    struct timer *timer;
    uint64_t due_ns = engine->now_ns;
    while ((timer = timers_take_due(&engine->timers, due_ns))) {
        run_timer(engine, list_entry(timer, struct connection, timer));
        engine->now_ns = clock_now_ns();
    }
}

/* A turn for each tick that is over, also when this thread slept through several. */
static void turn_series(struct engine *engine)
{
    bool turned = false;
    for (; engine->series_ns <= engine->now_ns; engine->series_ns += SERIES_INTERVAL_NS)
        turned |= series_turn(engine->series, &engine->stats, engine->on_wire);
    if (turned)
        tell_news(engine);
}

static void run_due(struct engine *engine)
{
    engine->armed_ns = 0; /* it rang, and does so until it is set again, be it to never */
    engine->now_ns = clock_now_ns();
    if (engine->series_ns <= engine->now_ns)
        turn_series(engine);
    while (engine->phase_end_ns <= engine->now_ns && engine->phase != PHASE_DONE)
        end_phase(engine);
    run_deadlines(engine);
    connect_queued(engine);
    run_timers(engine);
    dispatch_due(engine);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* `early_ns`: so long before the next plan; --spin does the rest. */
static uint64_t next_wake(const struct engine *engine, uint64_t early_ns)
{
    uint64_t plan = dispatch_next_ns(engine);
    uint64_t wake = least(least(engine->phase_end_ns, engine->series_ns),
                          least(timers_next_ns(&engine->timers), timers_next_ns(&engine->deadlines)));
    if (!list_empty(&engine->queued))
        wake = least(wake, engine->connect_ns);
    return least(wake, plan == UINT64_MAX ? plan : plan - early_ns);
}

/* Setting the timer anew also clears an expiry not read: it need not be read at all. */
static int arm(struct engine *engine, uint64_t early_ns)
{
    uint64_t wake = next_wake(engine, early_ns);
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

/* Is the next plan so near that --spin is to wait for it? */
static bool is_near(struct engine *engine)
{
    uint64_t next = engine->settings->spin_ns ? dispatch_next_ns(engine) : UINT64_MAX;
    if (next == UINT64_MAX)
        return false;
    engine->now_ns = clock_now_ns();
    return next <= engine->now_ns + engine->settings->spin_ns;
}

/* Asks for news again and again until the plan is due. */
static int spin(struct engine *engine, struct epoll_event *events)
{
    uint64_t began = engine->now_ns, next = dispatch_next_ns(engine);
    int count = 0;
    while (count == 0 && engine->now_ns < next) {
        count = epoll_wait(engine->epoll, events, EVENTS_A_TURN, 0);
        engine->now_ns = clock_now_ns();
    }
    if (engine->phase == PHASE_MEASURE)
        engine->stats.spin_ns += engine->now_ns - began;
    if (count == 0)
        run_due(engine);
    return count;
}

static int turn(struct engine *engine)
{
    struct epoll_event events[EVENTS_A_TURN];
    bool near = is_near(engine);
    int error = arm(engine, near ? 0 : engine->settings->spin_ns);
    if (error)
        return error;
    int count = near ? spin(engine, events) : epoll_wait(engine->epoll, events, EVENTS_A_TURN, -1);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count && engine->phase != PHASE_DONE; i++)
        handle(engine, &events[i]);
    if (engine->phase >= PHASE_WARMUP && engine->phase < PHASE_DONE && (engine->unreachable || is_complete(engine)))
        finish(engine, engine->unreachable ? engine->now_ns : engine->last_end_ns);
    return engine->error;
}

void *engine_run(void *argument)
{
    struct engine *engine = argument;
    const struct cpu_list *pin = &engine->settings->pin;
    if (pin->count)
        engine->error = cpus_pin(pin->cpu[engine->index % pin->count]);
    begin_opening(engine);
    while (!engine->error && engine->phase != PHASE_DONE)
        engine->error = turn(engine);
    announce(engine, &engine->done);
    return NULL;
}
