/*
 * One connection and what happens to it.
 *
 *   CLOSED --open--> (QUEUED) --> CONNECTING --connected--> OPEN --answered, its last request--> CLOSED
 *      ^                              |                       |
 *      +------ broken, refused, timed out --------------------+   (engine_reopen: after a pause, from a timer, never from here)
 *
 * With --retry-idle the ring's oldest may outlive its connection: it waits in a closed one for the next.
 *
 * The hot path is connection_event -> read_some -> take_answers -> dispatch_ready -> connection_flush: one recv, one send, one
 * reading of the clock, however many responses the recv brought. A descriptor is registered with epoll once, for reading; only a
 * connect that takes its time or a socket buffer that is full makes it wait for writing as well.
 *
 * On loopback the handshake is over when connect(2) returns EINPROGRESS, so a request that waits for a new connection is
 * offered to the socket at once: it goes out without a turn through epoll, or EAGAIN says that the handshake really is under way.
 *
 * Pipelining (RFC 9112 9.3.2): responses come in the order of the requests, so the ring's oldest is the one being answered. A
 * server that closes before the last response leaves the others unanswered, and they end as socket errors. A request that timed out
 * keeps its place, as its response must still be read past should it come; nothing new is sent behind it, and once all have
 * timed out the connection is given up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"

#define PAUSE_FIRST_NS   (10 * CLOCK_NS_PER_MS)
#define PAUSE_LONGEST_NS CLOCK_NS_PER_S
#define BACKLOG_PAUSE_NS CLOCK_NS_PER_MS /* until a unix server with a full backlog is tried again */

static const struct settings *settings_of(const struct connection *connection)
{
    return connection->engine->settings;
}

/* The kind of the request whose response is under way. */
static const struct request_kind *kind_under_way(struct connection *connection)
{
    return connection_exchange(connection, 0)->kind;
}

/* ---- what the parser finds ---- */

/* Keeps the worker's name. Most answers on a connection come from the worker that gave the one before. */
static int on_backend_header(void *context, struct slice name, struct slice value)
{
    struct connection *connection = context;
    const struct backend *before = connection->backend;
    (void)name;
    if (!before || before->id_length != value.length || memcmp(before->id, value.at, value.length) != 0)
        connection->backend = stats_backend(&connection->engine->stats, value);
    connection->named = true;
    return 0;
}

/* Without memory for a jar the cookie is lost, as one too many is. */
static void keep_cookie(struct connection *connection, struct slice value)
{
    if (!connection->jar)
        connection->jar = cookie_jar_new();
    if (connection->jar)
        cookie_jar_set(connection->jar, value);
}

static int on_any_header(void *context, struct slice name, struct slice value)
{
    struct connection *connection = context;
    const struct settings *settings = settings_of(connection);
    const struct request_kind *kind = kind_under_way(connection);
    if (settings->backend_header && slice_is_nocase(name, settings->backend_header))
        on_backend_header(context, name, value);
    if (settings->mix.cookies && slice_is_nocase(name, "set-cookie"))
        keep_cookie(connection, value);
    if (kind->checked)
        check_header(&kind->check, &connection->progress, name, value);
    return 0;
}

/* What 100 Continue or 103 Early Hints said says nothing of the response behind it. */
static int on_head(void *context, const struct response_head *head)
{
    struct connection *connection = context;
    if (head->interim) {
        connection->named = false;
        check_begin(&connection->progress);
    }
    return 0;
}

static int on_body(void *context, struct slice piece)
{
    struct connection *connection = context;
    const struct request_kind *kind = kind_under_way(connection);
    if (kind->checked)
        check_body(&kind->check, &connection->progress, piece);
    return 0;
}

struct response_events connection_events(const struct settings *settings)
{
    struct response_events events = {.on_head = on_head};
    if (settings->mix.checked || settings->mix.cookies) {
        events.on_header = on_any_header;
    } else if (settings->backend_header) {
        events.on_header = on_backend_header;
        events.only = slice_of(settings->backend_header);
    }
    if (settings->mix.reads_body)
        events.on_body = on_body;
    return events;
}

/* ---- making and ending ---- */

static void begin_life(struct connection *connection)
{
    connection->left = connection_life_draw(&settings_of(connection)->life, &connection->engine->lives);
}

void connection_init(struct connection *connection, struct engine *engine, unsigned index)
{
    *connection = (struct connection){.engine = engine, .fd = -1, .index = index};
    list_init(&connection->link);
    list_init(&connection->turn);
    list_init(&connection->unwritten);
    response_parser_init(&connection->parser, &engine->load->events, connection);
    begin_life(connection);
}

static void drop_rest(struct connection *connection)
{
    free(connection->rest);
    connection->rest = NULL;
}

/* What is in the ring stays there. */
static void shut(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd); /* also takes it out of epoll */
    connection->fd = -1;
    connection->state = CONNECTION_CLOSED;
    connection->rendered = 0;
    dispatch_gone(connection->engine, connection);
    list_remove(&connection->turn);
    drop_rest(connection);
    response_parser_close(&connection->parser);
    begin_life(connection);
}

void connection_close(struct connection *connection)
{
    connection->count = 0;
    shut(connection);
}

void connection_free(struct connection *connection)
{
    connection_close(connection);
    cookie_jar_free(connection->jar);
    connection->jar = NULL;
}

/* ---- room ---- */

bool connection_is_usable(const struct connection *connection)
{
    if (connection->state == CONNECTION_OPEN)
        return true;
    return connection->state == CONNECTION_CLOSED && settings_opens_on_demand(settings_of(connection)) &&
           !connection->timer.position;
}

/* ---- breaking ---- */

static uint64_t next_pause(struct connection *connection)
{
    uint64_t pause = connection->pause_ns;
    connection->pause_ns = pause ? (2 * pause < PAUSE_LONGEST_NS ? 2 * pause : PAUSE_LONGEST_NS) : PAUSE_FIRST_NS;
    return connection->pause_ns;
}

/* Its end is one of the measurement's: it carries a request that is, or it could have. */
static bool is_counted(struct connection *connection)
{
    enum engine_phase phase = connection->engine->phase;
    if (connection->count > 0)
        return connection_exchange(connection, connection->count - 1u)->counted;
    return phase == PHASE_MEASURE || phase == PHASE_OPENING;
}

static void count_error(struct connection *connection, enum error_kind kind, int error)
{
    struct stats *stats = &connection->engine->stats;
    if (!is_counted(connection))
        return;
    kind = error_is_local(-error) ? ERROR_LOCAL : kind;
    stats->errors[kind]++;
    stats->last_error[kind] = error;
}

/*
 * A server may close an idle connection at any time, and a request that is sent at that very moment meets its end: RFC 9112 9.5.
 * Seen from here, a server that dies of a request on such a connection does the same.
 */
static bool is_idle_close(struct connection *connection, enum error_kind kind, int error)
{
    const struct exchange *oldest = connection_exchange(connection, 0);
    if ((kind != ERROR_READ && kind != ERROR_WRITE) || (error != -ECONNRESET && error != -EPIPE))
        return false;
    return connection->count > 0 && connection->answerer && oldest->alone && !oldest->first_byte_ns && !oldest->expired;
}

/*
 * RFC 9112 9.3.1: a client may send it again by itself when its method is idempotent, on a new connection; 9.3.2: without others
 * behind it. Only once: the new connection has answered nothing, so what meets its end there is no idle close.
 */
static void send_again(struct connection *connection, uint64_t now_ns)
{
    exchange_again(connection, now_ns);
    shut(connection);
    connection_exchange(connection, 0)->last = --connection->left == 0;
    engine_reopen(connection->engine, connection, 0);
}

/* The connection is of no use any more; its requests, if any, end without a response. */
static void broken(struct connection *connection, enum error_kind kind, int error, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    bool was_connecting = connection->state != CONNECTION_OPEN;
    bool idle_close = is_idle_close(connection, kind, error);
    count_error(connection, idle_close ? ERROR_IDLE_CLOSED : kind, error);
    if (idle_close && engine->settings->retry_idle && kind_under_way(connection)->is_idempotent) {
        send_again(connection, now_ns);
        return;
    }
    exchanges_failed(connection, now_ns);
    connection_close(connection);
    if (was_connecting)
        engine_opened(engine, connection, false);
    engine_reopen(engine, connection, was_connecting || connection->served == 0 ? next_pause(connection) : 0);
}

/* It has carried its last request, in peace; what is still in flight behind that will not be answered. */
static void retire(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    if (connection->count > 0) {
        count_error(connection, ERROR_READ, -ECONNRESET);
        exchanges_failed(connection, now_ns);
    }
    connection_close(connection);
    if (settings_opens_on_demand(settings_of(connection))) {
        timers_cancel(&engine->timers, &connection->timer); /* its next plan's; to dispatch.c a pause, while it is closed */
        dispatch_ready(engine, connection, now_ns);         /* opened again for the next request */
    } else {
        engine_reopen(engine, connection, 0);
    }
}

/* ---- deadlines ---- */

/* The first deadline that has not passed by; UINT64_MAX: nothing is awaited. */
static uint64_t next_deadline(struct connection *connection)
{
    for (unsigned i = 0; i < connection->count; i++)
        if (!connection_exchange(connection, i)->expired)
            return connection_exchange(connection, i)->deadline_ns;
    if (connection->state != CONNECTION_CONNECTING)
        return UINT64_MAX;
    return connection->opened_ns + settings_of(connection)->timeout_ns;
}

void connection_expired(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    bool had_requests = connection->count > 0;
    uint64_t deadline = next_deadline(connection);
    if (deadline <= now_ns && (!had_requests || !exchanges_expired(connection, now_ns))) {
        broken(connection, had_requests ? ERROR_TIMEOUT : ERROR_CONNECT, -ETIMEDOUT, now_ns);
        return;
    }
    if (connection->count && connection_exchange(connection, 0)->expired)
        dispatch_gone(engine, connection); /* nothing new behind what hangs */
    deadline = next_deadline(connection);
    if (deadline != UINT64_MAX)
        timers_set(&engine->deadlines, &connection->deadline, deadline);
}

/* ---- writing ---- */

/* `operation` is EPOLL_CTL_ADD for a new descriptor, EPOLL_CTL_MOD otherwise. */
static int watch(struct connection *connection, int operation, bool write)
{
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = connection};
    return epoll_ctl(connection->engine->epoll, operation, connection->fd, &event) == 0 ? 0 : -errno;
}

/*
 * send(2) and recv(2) without their being cancellation points: nobody cancels these threads, and in a program with threads glibc's
 * wrappers spend some 80 instructions a request, one in twenty, on the possibility.
 */
static ssize_t send_now(int fd, const char *data, size_t length)
{
    return syscall(SYS_sendto, fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static ssize_t receive_now(int fd, char *data, size_t length)
{
    return syscall(SYS_recvfrom, fd, data, length, MSG_DONTWAIT, NULL, NULL);
}

/*
 * `awaits`: a response may have come. A peer that has gone may have answered before, so then nothing is written, and the end is
 * found where it stands: behind what is to be read.
 */
static ssize_t write_some(struct connection *connection, const char *data, size_t length, bool awaits)
{
    ssize_t written = send_now(connection->fd, data, length);
    if (written < 0)
        return errno == EAGAIN || errno == EINTR || (awaits && (errno == EPIPE || errno == ECONNRESET)) ? 0 : -errno;
    if (connection_exchange(connection, connection->count - 1u)->counted)
        connection->engine->stats.bytes_written += (uint64_t)written;
    return written;
}

static int keep_rest(struct connection *connection, struct slice request, size_t written)
{
    connection->rest_length = request.length - written;
    connection->rest_done = 0;
    connection->rest = malloc(connection->rest_length);
    if (!connection->rest)
        return -ENOMEM;
    memcpy(connection->rest, request.at + written, connection->rest_length);
    return 0;
}

/* Ready for the response to the ring's oldest. */
static void begin_response(struct connection *connection)
{
    const struct request_kind *kind = kind_under_way(connection);
    connection->named = false;
    response_parser_begin(&connection->parser, kind->is_head);
    if (kind->checked)
        check_begin(&connection->progress);
}

/* One that is sent again draws what it drew before; others have drawn meanwhile. */
static struct slice render_kind(struct connection *connection, const struct exchange *exchange, char *buffer)
{
    struct render_state *state = &connection->engine->render, now = *state;
    const struct template *template = exchange->last ? &exchange->kind->last : &exchange->kind->keep;
    if (exchange->again)
        *state = connection->drawn;
    else if (exchange->alone)
        connection->drawn = now;
    struct slice request = template_render(template, state, connection->jar, buffer);
    if (exchange->again)
        *state = now;
    return request;
}

/* The next request of those that wait. */
static struct slice render(struct connection *connection, char *buffer, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    struct exchange *exchange = connection_exchange(connection, connection->rendered);
    connection->served++;
    if (++connection->rendered == 1)
        begin_response(connection);
    if (connection->state == CONNECTION_OPEN)
        exchange_sent(engine, exchange, now_ns);
    if (engine->settings->retry_idle)
        return render_kind(connection, exchange, buffer);
    return template_render(exchange->last ? &exchange->kind->last : &exchange->kind->keep, &engine->render, connection->jar,
                           buffer);
}

/* As many as go into the buffer. One that has no placeholders and is alone is sent from where it lies. */
static struct slice render_batch(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    char *at = engine->batch_buffer, *end = at + engine->batch_size - settings_of(connection)->mix.longest;
    struct slice request = render(connection, at, now_ns);
    if (connection->rendered == connection->count)
        return request;
    for (;;) {
        if (request.at != at)
            memcpy(at, request.at, request.length);
        at += request.length;
        if (at > end || connection->rendered == connection->count)
            return (struct slice){engine->batch_buffer, (size_t)(at - engine->batch_buffer)};
        request = render(connection, at, now_ns);
    }
}

/* Renders, writes as much as goes and keeps the rest. Returns what was written or a negative errno. */
static ssize_t write_batch(struct connection *connection, uint64_t now_ns)
{
    bool awaits = connection->rendered > 0;
    struct slice batch = render_batch(connection, now_ns);
    ssize_t written = write_some(connection, batch.at, batch.length, awaits);
    if (written < 0 || (size_t)written == batch.length)
        return written;
    int error = keep_rest(connection, batch, (size_t)written);
    return error ? error : written;
}

static void write_waiting(struct connection *connection, uint64_t now_ns)
{
    while (connection->state == CONNECTION_OPEN && connection->rendered < connection->count && !connection->rest) {
        ssize_t written = write_batch(connection, now_ns);
        int error = written < 0 ? (int)written : 0;
        if (!error && connection->rest)
            error = watch(connection, EPOLL_CTL_MOD, true);
        if (error)
            broken(connection, ERROR_WRITE, error, now_ns); /* and nothing waits here any more */
    }
}

void connection_flush(struct connection *connection, uint64_t now_ns)
{
    if (connection->state == CONNECTION_OPEN)
        write_waiting(connection, now_ns);
    else if (connection->state == CONNECTION_CLOSED && connection->count > 0)
        connection_open(connection, now_ns);
    /* else it goes out once the connection is open */
}

static void write_rest(struct connection *connection, uint64_t now_ns)
{
    ssize_t written =
        write_some(connection, connection->rest + connection->rest_done, connection->rest_length - connection->rest_done, true);
    int error = written < 0 ? (int)written : 0;
    if (!error) {
        connection->rest_done += (size_t)written;
        if (connection->rest_done < connection->rest_length)
            return;
        drop_rest(connection);
        error = watch(connection, EPOLL_CTL_MOD, false);
    }
    if (error)
        broken(connection, ERROR_WRITE, error, now_ns);
    else
        write_waiting(connection, now_ns);
}

/* ---- opening ---- */

/* What has been rendered goes out from now on. */
static void connected(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    connection->state = CONNECTION_OPEN;
    connection->pause_ns = 0;
    if (is_counted(connection))
        histogram_record(&engine->stats.connect, stats_us(now_ns - connection->opened_ns));
    for (unsigned i = 0; i < connection->rendered; i++)
        exchange_sent(engine, connection_exchange(connection, i), now_ns);
    engine_opened(engine, connection, true);
}

/* A connection opened for a request: tries to send at once. Where that works the handshake was over. */
static void open_and_send(struct connection *connection, bool in_progress)
{
    uint64_t now = clock_now_ns();
    ssize_t written = write_batch(connection, now);
    int error = written < 0 ? (int)written : watch(connection, EPOLL_CTL_ADD, connection->rest != NULL || written == 0);
    if (error) {
        broken(connection, in_progress ? ERROR_CONNECT : ERROR_WRITE, error, now);
    } else if (!in_progress || written > 0) {
        connected(connection, now);
        write_waiting(connection, now);
    }
}

/* The server's backlog is full, and a unix socket does not wait for it as TCP does. The deadline says how long this goes on. */
static void attempt_later(struct connection *connection, uint64_t now_ns)
{
    timers_set(&connection->engine->timers, &connection->timer, now_ns + BACKLOG_PAUSE_NS);
}

void connection_attempt(struct connection *connection, uint64_t now_ns)
{
    bool in_progress = false, again = connection->state == CONNECTION_CONNECTING;
    struct engine *engine = connection->engine;
    connection->state = CONNECTION_CONNECTING;
    if (!again)
        connection->opened_ns = now_ns;
    if (!connection->deadline.position)
        timers_set(&engine->deadlines, &connection->deadline, next_deadline(connection));
    connection->fd = source_connect(connection, &in_progress);
    int error = connection->fd < 0 ? connection->fd : 0;
    if (error == -EAGAIN) {
        connection->fd = -1;
        attempt_later(connection, now_ns);
        return;
    }
    if (!error && connection->count) {
        open_and_send(connection, in_progress);
        return;
    }
    if (!error)
        error = watch(connection, EPOLL_CTL_ADD, true); /* room to write means connected */
    if (error)
        broken(connection, ERROR_CONNECT, error, now_ns);
}

void connection_open(struct connection *connection, uint64_t now_ns)
{
    connection->served = 0;
    connection->credited = false;
    connection->answerer = NULL;
    if (engine_may_connect(connection->engine, connection, now_ns))
        connection_attempt(connection, now_ns);
    else
        connection->state = CONNECTION_QUEUED;
}

/* ---- events ---- */

static void finish_connect(struct connection *connection, uint64_t now_ns)
{
    int error = net_connect_result(connection->fd);
    if (!error && !connection->rest)
        error = watch(connection, EPOLL_CTL_MOD, false);
    if (error) {
        broken(connection, ERROR_CONNECT, error, now_ns);
        return;
    }
    connected(connection, now_ns);
    write_waiting(connection, now_ns);
    if (connection->state == CONNECTION_OPEN)
        dispatch_ready(connection->engine, connection, now_ns);
}

/* The oldest has its response. True: it was the connection's last. */
static bool answered(struct connection *connection, uint64_t now_ns)
{
    bool last = !connection->parser.head.keep_alive || connection_exchange(connection, 0)->last;
    exchange_answered(connection, now_ns);
    if (connection->rendered > 0)
        begin_response(connection);
    return last || (connection->rest && connection->rendered == 0); /* answered before it was sent */
}

/*
 * All responses in the bytes of one read. 0; 1: the connection has carried its last; -EBADMSG: no response, or bytes nobody asked
 * for; other errors of the parser.
 */
static int take_answers(struct connection *connection, const char *data, size_t length, uint64_t now_ns)
{
    bool last = false;
    while (length > 0) {
        if (last || connection->rendered == 0)
            return -EBADMSG;
        ssize_t taken = response_parser_feed(&connection->parser, data, length);
        if (taken < 0)
            return (int)taken;
        if (connection->parser.stage != RESPONSE_COMPLETE) {
            struct exchange *exchange = connection_exchange(connection, 0);
            exchange->first_byte_ns = exchange->first_byte_ns ? exchange->first_byte_ns : now_ns;
            return 0;
        }
        last = answered(connection, now_ns);
        data += taken;
        length -= (size_t)taken;
    }
    return last;
}

static void think(struct connection *connection, uint64_t now_ns)
{
    const struct settings *settings = settings_of(connection);
    if (settings->has_think && connection->think_until_ns <= now_ns)
        connection->think_until_ns = now_ns + distribution_draw(&settings->think, &connection->engine->thinking);
}

static void peer_closed(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    if (connection->count == 0) { /* an idle connection ended: its server's right */
        connection_close(connection);
        engine_reopen(engine, connection, connection->served ? 0 : next_pause(connection));
        return;
    }
    int error = connection->rendered ? response_parser_finish(&connection->parser) : -ENODATA;
    if (error) {
        broken(connection, error == -ENODATA ? ERROR_READ : ERROR_MALFORMED, error == -ENODATA ? -ECONNRESET : error, now_ns);
        return;
    }
    exchange_answered(connection, now_ns);
    think(connection, now_ns);
    retire(connection, now_ns);
}

/* To whom the bytes of a read belong: to the worker that has named itself in them, else to the one before. */
static void count_bytes(struct connection *connection, size_t length)
{
    struct stats *stats = &connection->engine->stats;
    struct backend *backend = connection->named ? connection->backend : connection->answerer;
    stats->bytes_read += length;
    (backend ? backend : stats->backends[0])->bytes += length;
}

static void parse(struct connection *connection, size_t length, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    unsigned before = connection->count;
    bool counted = before > 0 && connection_exchange(connection, 0)->counted;
    int outcome = take_answers(connection, engine->read_buffer, length, now_ns);
    if (counted)
        count_bytes(connection, length);
    if (connection->count != before)
        think(connection, now_ns);
    if (outcome < 0)
        broken(connection, ERROR_MALFORMED, outcome, now_ns);
    else if (outcome > 0)
        retire(connection, now_ns);
    else if (connection->count != before)
        dispatch_ready(engine, connection, now_ns);
}

static void read_some(struct connection *connection)
{
    struct engine *engine = connection->engine;
    ssize_t length = receive_now(connection->fd, engine->read_buffer, READ_BUFFER_SIZE);
    int error = length < 0 ? -errno : 0;
    uint64_t now = engine->now_ns = clock_now_ns();
    if (length > 0)
        parse(connection, (size_t)length, now);
    else if (length == 0)
        peer_closed(connection, now);
    else if (error != -EAGAIN && error != -EINTR)
        broken(connection, ERROR_READ, error, now);
}

void connection_event(struct connection *connection, uint32_t events)
{
    struct engine *engine = connection->engine;
    if (connection->fd < 0)
        return; /* closed earlier in this turn */
    if (connection->state == CONNECTION_CONNECTING) {
        engine->now_ns = clock_now_ns();
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) /* else it is news of the descriptor before this one */
            finish_connect(connection, engine->now_ns);
        return; /* what else there is will be reported again */
    }
    if (connection->rest && events & EPOLLOUT) {
        engine->now_ns = clock_now_ns();
        write_rest(connection, engine->now_ns);
    }
    if (connection->state == CONNECTION_OPEN && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(connection);
}
