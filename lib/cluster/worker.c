/*
 * A worker: one loop, one HTTP server, one slot of the scoreboard. The same code in a process, in a thread and in the top
 * process of `single`; only who started it and how it is told to end differ.
 *
 * Begin: server, clock, channel, then the strategy's start, then "ready". Drain: stop taking connections, answer what is
 * under way, end when the last connection is gone. Stop: cut them.
 */
#include "cluster/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"

#define HOUSEKEEPING_NS (500 * CLOCK_NS_PER_MS)
#define PARTING_MS      250 /* in a drain, for a request that is on its way to an idle connection */
#define PARTING_SHARE   8   /* ... or this part of the grace, when that is less */

/* ---- ending: every part closes, the last one tells ---- */

static void part_closed(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (--private->closing > 0 || !private->ending)
        return;
    worker->slot->state = WORKER_GONE;
    private->ended(private->ended_context);
}

void worker_hold(struct worker *worker)
{
    worker->private->closing++;
}

void worker_closed(struct worker *worker)
{
    part_closed(worker);
}

static void on_handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

static void on_part_closed(void *worker)
{
    part_closed(worker);
}

static void close_channel(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (!private->post_open)
        return;
    private->post_open = false;
    private->closing++;
    post_close(&private->post, on_part_closed);
}

static void stop_accepting(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (!private->accepting)
        return;
    private->accepting = false;
    private->closing++;
    acceptor_close(&private->acceptor, on_part_closed);
}

void worker_stop(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (private->ending)
        return;
    private->ending = true;
    private->closing += 2; /* server, line of work */
    stop_accepting(worker);
    close_channel(worker);
    if (private->signal_open) {
        private->closing++;
        uv_close((uv_handle_t *)&private->terminate, on_handle_closed);
    }
    if (private->close_handler) {
        private->closing++;
        private->close_handler(private->handler_context);
    }
    http_server_close(&worker->server);
    work_close(worker, on_handle_closed);
    if (private->share.state) {
        private->closing++;
        state_share_close(worker, on_part_closed);
    }
    if (private->access_log) { /* behind the server, which has told of what it cut off */
        private->closing++;
        worker_log_close(worker, on_part_closed);
    }
    if (private->clock_open) {
        private->closing++;
        alarm_clock_close(&private->clock, on_handle_closed);
    }
}

/* The server has no connection left: after a drain, the worker's end; while it ends, one part of it. */
static void on_server_empty(void *context)
{
    struct worker *worker = context;
    if (worker->private->ending)
        part_closed(worker);
    else
        worker_stop(worker);
}

/* ---- taking connections ---- */

static bool is_full(const struct worker *worker)
{
    return worker->server.open >= worker->options->max_connections;
}

static void take_connection(void *context, int fd)
{
    struct worker *worker = context;
    if (http_server_open(&worker->server, fd) != 0) {
        counter_add(&worker->slot->counters.errors_accept, 1);
        close(fd);
    }
    if (is_full(worker) && worker->private->accepting && !worker->private->draining)
        acceptor_pause(&worker->private->acceptor);
}

int worker_accept_from(struct worker *worker, int listener, unsigned batch)
{
    struct worker_private *private = worker->private;
    int error = acceptor_open(&private->acceptor, worker->loop, listener, batch, take_connection, worker);
    if (error)
        return error;
    private->acceptor.counters = &worker->slot->counters;
    private->accepting = true;
    return 0;
}

/* ---- the channel ---- */

static void on_channel_ended(void *context)
{
    struct worker *worker = context;
    log_line(worker->log, LOG_WARN, "worker %u: the primary is gone, ending", worker->index);
    worker_stop(worker);
}

/* A connection without its descriptor was lost on its way in, for want of a free one; its client sees it end. */
static void on_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    struct worker *worker = context;
    if (message->kind == CHANNEL_CONNECTION && fd >= 0)
        take_connection(worker, fd);
    else if (message->kind == CHANNEL_CONNECTION)
        counter_add(&worker->slot->counters.errors_accept, 1);
    else if (message->kind == CHANNEL_LOCAL)
        take_connection(worker, message->value);
    else if (message->kind == CHANNEL_DRAIN)
        worker_drain(worker);
    else if (message->kind == CHANNEL_STOP)
        worker_stop(worker);
    else if (message->kind == CHANNEL_REOPEN)
        worker_log_reopen(worker);
    else
        messages_from_primary(worker, message, bytes);
    if (message->kind == CHANNEL_CONNECTION || message->kind == CHANNEL_LOCAL)
        counter_add(&worker->slot->handed_taken, 1); /* behind `active`: the dealer adds the two up */
    else if (fd >= 0)
        close(fd);
}

static int open_channel(struct worker *worker)
{
    static const struct post_events events = {on_message, on_channel_ended};
    struct worker_private *private = worker->private;
    int error = post_open(&private->post, worker->loop, private->channel, &events, worker);
    private->post_open = !error;
    return error;
}

int worker_accept_handed(struct worker *worker)
{
    return worker->private->post_open ? 0 : -ENOTCONN;
}

/* A connection has ended: there may be room again. */
static void on_released(void *context, unsigned open)
{
    struct worker *worker = context;
    struct worker_private *private = worker->private;
    if (open >= worker->options->max_connections || private->draining || private->ending)
        return;
    if (private->accepting && private->acceptor.paused)
        acceptor_resume(&private->acceptor);
}

/* ---- the life ---- */

/* Told by somebody else than the primary, which would have told the fronts already. */
static void leave_fronts(const struct worker *worker)
{
    struct scoreboard *scoreboard = worker->scoreboard;
    if (worker->role == ROLE_WORKER && scoreboard->upstream_states[worker->index] == UPSTREAM_OPEN &&
        scoreboard->upstream_generations[worker->index] == worker->slot->generation)
        scoreboard_set_upstream(scoreboard, worker->index, UPSTREAM_DRAINING, worker->slot->generation);
}

void worker_drain(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (private->draining || private->ending)
        return;
    private->draining = true;
    worker->slot->state = WORKER_DRAINING;
    leave_fronts(worker);
    if (private->accepting) {
        acceptor_resume(&private->acceptor);         /* if --max-connections has paused it */
        (void)acceptor_take_all(&private->acceptor); /* what the kernel has accepted is ours to answer */
        stop_accepting(worker);
        if (worker->role == ROLE_WORKER)
            scoreboard_depart(worker->scoreboard, worker->index);
    }
    http_server_drain(&worker->server);
}

static void on_terminate(uv_signal_t *signal, int number)
{
    (void)number;
    worker_drain(signal->data);
}

/* How late the loop is, twice a second: what a request that arrives now would wait for the loop alone. */
static void on_housekeeping(struct alarm *alarm)
{
    struct worker_private *private = (struct worker_private *)((char *)alarm - offsetof(struct worker_private, housekeeping));
    struct worker *worker = private->clock.poll.data;
    struct counters *counters = &worker->slot->counters;
    uint64_t now_ns = clock_now_ns(), lag_ns = now_ns - alarm->due_ns;
    worker->slot->beat_ns = now_ns;
    counter_set(&counters->loop_lag_ns, lag_ns);
    if (lag_ns > counter_read(&counters->loop_lag_max_ns))
        counter_set(&counters->loop_lag_max_ns, lag_ns);
    if (alarm_set(&private->clock, alarm, now_ns + HOUSEKEEPING_NS) != 0)
        log_line(worker->log, LOG_ERROR, "worker %u: out of memory for its clock", worker->index);
}

static const struct http_server_events service_events = {
    .request = work_request,
    .abandoned = work_abandoned,
    .drained = work_drained,
    .empty = on_server_empty,
    .released = on_released,
};

static uint64_t to_ms(uint64_t ns)
{
    return ns / CLOCK_NS_PER_MS;
}

/* All waits of a drain that are not for an answer take four partings at most (http/connection.c): half of the grace. */
static uint64_t parting_ms(const struct cluster_options *options)
{
    uint64_t share_ms = to_ms(options->grace_ns) / PARTING_SHARE;
    return share_ms < PARTING_MS ? share_ms : PARTING_MS;
}

static void configure_server(struct worker *worker)
{
    const struct cluster_options *options = worker->options;
    struct worker_private *private = worker->private;
    struct http_server *server = &worker->server;
    int length = snprintf(private->fields, sizeof private->fields, "X-Worker: %u\r\n", worker->index);
    server->loop = worker->loop;
    server->limits = (struct http_limits){options->max_header_bytes, options->max_header_lines, options->max_target_bytes,
                                          options->max_body_bytes};
    server->timeouts =
        (struct http_timeouts){to_ms(options->header_timeout_ns), to_ms(options->body_timeout_ns), to_ms(options->idle_timeout_ns),
                               to_ms(options->write_timeout_ns), parting_ms(options)};
    bool faces_clients = worker->role == ROLE_FRONT || worker->scoreboard->fronts == 0;
    server->unix_sockets = faces_clients && net_is_unix(&worker->scoreboard->address);
    server->fields = worker->role == ROLE_WORKER ? (struct slice){private->fields, (size_t)length} : (struct slice){"", 0};
    server->counters = &worker->slot->counters;
    server->context = worker;
    worker_use_events(worker, &service_events);
}

static int open_signal(struct worker *worker)
{
    struct worker_private *private = worker->private;
    if (worker->strategy->place != PROCESSES)
        return 0; /* the primary has the signals and passes them on */
    int error = uv_signal_init(worker->loop, &private->terminate);
    if (error)
        return error;
    private->terminate.data = worker;
    private->signal_open = true;
    return uv_signal_start(&private->terminate, on_terminate, SIGTERM);
}

static int start_strategy(struct worker *worker)
{
    return worker->role == ROLE_FRONT ? worker->strategy->front(worker) : worker->strategy->start(worker);
}

int worker_begin(struct worker *worker)
{
    struct worker_private *private = worker->private;
    files_open(worker);
    int error = worker_log_open(worker);
    if (error)
        return error;
    configure_server(worker);
    error = http_server_init(&worker->server);
    if (error)
        return error;
    work_init(worker);
    private->begun = true;
    error = alarm_clock_init(&private->clock, worker->loop);
    if (error)
        return error;
    private->clock_open = true;
    private->clock.poll.data = worker;
    private->housekeeping = (struct alarm){.ring = on_housekeeping};
    if ((error = alarm_set(&private->clock, &private->housekeeping, clock_now_ns() + HOUSEKEEPING_NS)) != 0 ||
        (error = open_signal(worker)) != 0 || (error = open_channel(worker)) != 0 || (error = state_share_open(worker)) != 0 ||
        (error = start_strategy(worker)) != 0)
        return error;
    worker->slot->pid = getpid();
    worker->slot->tid = gettid();
    worker->slot->state = WORKER_READY;
    return post_send(&private->post, CHANNEL_READY, 0, SLICE(""));
}

/*
 * A handler has the requests; the connections' coming and going stays the worker's, and so do the times: a request that is passed
 * on costs so much that each of them can be timed (sampler.h is for those that are answered on the spot).
 */

static void pass_request(void *context, struct http_request *request)
{
    const struct worker_private *private = ((struct worker *)context)->private;
    request->arrived_ns = clock_now_ns();
    private->handler->request(private->handler_context, request);
}

static void pass_abandoned(void *context, struct http_request *request)
{
    const struct worker_private *private = ((struct worker *)context)->private;
    private->handler->abandoned(private->handler_context, request);
}

/* What was refused before it was a request has not arrived. */
static void note_answered(void *context, const struct http_request *request, int status, uint64_t body_bytes)
{
    const struct worker *worker = context;
    (void)status;
    (void)body_bytes;
    if (request->arrived_ns)
        timings_note(&worker->slot->timings, clock_now_ns() - request->arrived_ns, 1);
}

static void pass_drained(void *context, struct http_request *request)
{
    const struct worker_private *private = ((struct worker *)context)->private;
    private->handler->drained(private->handler_context, request);
}

static const struct http_server_events handler_events = {
    .request = pass_request,
    .abandoned = pass_abandoned,
    .drained = pass_drained,
    .answered = note_answered,
    .empty = on_server_empty,
    .released = on_released,
};

void worker_handle_requests(struct worker *worker, const struct http_server_events *events, void *context,
                            void (*close_handler)(void *context))
{
    worker_use_events(worker, &handler_events);
    worker->private->handler = events;
    worker->private->handler_context = context;
    worker->private->close_handler = close_handler;
}

void worker_free(struct worker *worker)
{
    http_server_free(&worker->server);
    files_close(worker);
}

void worker_prepare_thread(const struct worker *worker)
{
    const struct cluster_pin *pin = &worker->options->pin;
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns: /block and /wait mean what they say; a refusal costs 50 us */
    if (!pin->on || pin->cpus.count == 0)
        return;
    unsigned place = worker->role == ROLE_FRONT ? worker->scoreboard->workers + worker->index : worker->index;
    int error = cpus_pin(pin->cpus.cpu[place % pin->cpus.count]);
    if (error)
        log_line(worker->log, LOG_WARN, "worker %u: cannot be pinned: %s", worker->index, uv_strerror(error));
}

static void on_ended(void *worker)
{
    (void)worker; /* the loop holds nothing any more and uv_run returns */
}

/*
 * A thread that could not begin gives back what it had: its process lives on, and a listening socket that stays open in it is sent
 * connections. The channel comes last: the primary hears of the end by it.
 */
static void give_back(struct worker *worker)
{
    struct worker_private *private = worker->private;
    bool has_listener = private->accepting, has_channel = private->post_open;
    if (worker->listener >= 0 && !has_listener)
        close(worker->listener);
    if (worker->loop) {
        if (private->begun)
            worker_stop(worker);
        uv_run(worker->loop, UV_RUN_DEFAULT);
        worker_free(worker);
        (void)uv_loop_close(worker->loop); /* busy without memory only */
    }
    if (!has_channel)
        close(private->channel);
}

int worker_run(struct worker *worker)
{
    uv_loop_t loop;
    int error = uv_loop_init(&loop);
    if (error)
        goto bad;
    worker->loop = &loop;
    worker->private->ended = on_ended;
    worker_prepare_thread(worker);
    error = worker_begin(worker);
    if (error)
        goto bad;
    uv_run(&loop, UV_RUN_DEFAULT);
    worker_free(worker);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
bad:
    log_line(worker->log, LOG_ERROR, "worker %u cannot start: %s", worker->index, uv_strerror(error));
    if (worker->strategy->place == THREADS)
        give_back(worker);
    else
        close(worker->private->channel); /* behind the message: the primary ends the program when it sees this */
    return 1;
}

/* Dies with the primary, even while it is occupied and sees nothing: prctl(2) PR_SET_PDEATHSIG. */
static int tie_to_primary(int primary_pid)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -errno;
    return getppid() == primary_pid ? 0 : -ESRCH; /* it died before we could ask */
}

struct identity {
    unsigned index, slot, role;
    int primary_pid;
};

static int parse_identity(const char *text, struct identity *identity)
{
    int count = sscanf(text, "%u:%u:%u:%d", &identity->index, &identity->slot, &identity->role, &identity->primary_pid);
    return count == 4 && identity->slot < SCOREBOARD_SLOTS ? 0 : -EINVAL;
}

int worker_prove_program(const struct strategy *strategy, const char *identity)
{
    struct identity own;
    struct scoreboard *scoreboard;
    if (parse_identity(identity, &own) != 0 || scoreboard_map(WORKER_SCOREBOARD_FD, &scoreboard) != 0)
        return 0;
    char *program = scoreboard->slots[own.slot].program;
    snprintf(program, SCOREBOARD_NAME_SIZE, "%s", strategy->name);
    bool same = strncmp(program, scoreboard->strategy, SCOREBOARD_NAME_SIZE) == 0;
    if (!same)
        fprintf(stderr, "%s: cannot be a worker of %.*s: the program on disk has been replaced by another strategy's\n",
                strategy->name, SCOREBOARD_NAME_SIZE, scoreboard->strategy);
    scoreboard_unmap(scoreboard);
    return same ? 0 : -EPROTO;
}

int worker_process_main(const struct strategy *strategy, const struct cluster_options *options, const void *own_options,
                        const struct log *log, const char *identity)
{
    struct identity own;
    struct scoreboard *scoreboard;
    if (parse_identity(identity, &own) != 0) {
        log_line(log, LOG_ERROR, "%s is set to '%s': only the primary sets it", WORKER_IDENTITY_NAME, identity);
        return 1;
    }
    int error = tie_to_primary(own.primary_pid);
    if (!error)
        error = scoreboard_map(WORKER_SCOREBOARD_FD, &scoreboard);
    if (error) {
        log_line(log, LOG_ERROR, "worker %u cannot start: %s", own.index, uv_strerror(error));
        return 1;
    }
    static const int ignored[] = {SIGINT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN); /* they may be sent to the whole group; the primary decides */
    struct worker_private private = {.channel = WORKER_CHANNEL_FD};
    struct worker worker = {
        .strategy = strategy,
        .options = options,
        .own_options = own_options,
        .log = log,
        .role = (enum worker_role)own.role,
        .index = own.index,
        .scoreboard = scoreboard,
        .slot = &scoreboard->slots[own.slot],
        .listener = fcntl(WORKER_LISTENER_FD, F_GETFD) < 0 ? -1 : WORKER_LISTENER_FD,
        .private = &private,
    };
    int status = worker_run(&worker);
    if (status != 0)
        _exit(status); /* it could not begin: what it has on its loop is left to the kernel */
    return status;
}
