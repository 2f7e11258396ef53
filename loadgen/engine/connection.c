/*
 * One connection and what happens to it.
 *
 *   CLOSED --open--> CONNECTING --connected--> OPEN --answered, its last request--> CLOSED
 *      ^                  |                     |
 *      +----- broken, refused, timed out -------+   (engine_reopen: after a pause, from a timer, never from here)
 *
 * The hot path is connection_event -> read_some -> answered -> engine_free -> connection_send: one recv, one send, one reading
 * of the clock. A descriptor is registered with epoll once, for reading; only a connect that takes its time or a socket
 * buffer that is full makes it wait for writing as well.
 *
 * On loopback the handshake is over when connect(2) returns EINPROGRESS, so a request that waits for a new connection is
 * offered to the socket at once: it goes out without a turn through epoll, or EAGAIN says that the handshake really is under way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"

#define PAUSE_FIRST_NS   (10 * CLOCK_NS_PER_MS)
#define PAUSE_LONGEST_NS CLOCK_NS_PER_S

static int on_header(void *context, struct slice name, struct slice value);
static int on_head(void *context, const struct response_head *head);

const struct response_events connection_events = {.on_header = on_header, .on_head = on_head};

/* Keeps the worker's name. Most answers on a connection come from the worker that gave the one before. */
static int on_header(void *context, struct slice name, struct slice value)
{
    struct connection *connection = context;
    const struct backend *before = connection->backend;
    (void)name;
    if (!before || before->id_length != value.length || memcmp(before->id, value.at, value.length) != 0)
        connection->backend = stats_backend(&connection->engine->stats, value);
    connection->named = true;
    return 0;
}

/* What 100 Continue or 103 Early Hints called itself says nothing of the response behind it. */
static int on_head(void *context, const struct response_head *head)
{
    struct connection *connection = context;
    connection->named &= !head->interim;
    return 0;
}

void connection_init(struct connection *connection, struct engine *engine)
{
    *connection = (struct connection){.engine = engine, .fd = -1};
    list_init(&connection->link);
    response_parser_init(&connection->parser, &engine->load->events, connection);
}

static void drop_rest(struct connection *connection)
{
    free(connection->rest);
    connection->rest = NULL;
}

void connection_close(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd); /* also takes it out of epoll */
    connection->fd = -1;
    connection->state = CONNECTION_CLOSED;
    list_remove(&connection->link);
    drop_rest(connection);
    response_parser_close(&connection->parser);
}

/* ---- breaking ---- */

static uint64_t next_pause(struct connection *connection)
{
    uint64_t pause = connection->pause_ns;
    connection->pause_ns = pause ? (2 * pause < PAUSE_LONGEST_NS ? 2 * pause : PAUSE_LONGEST_NS) : PAUSE_FIRST_NS;
    return connection->pause_ns;
}

/* The connection is of no use any more; its request, if any, ends as `kind`. */
static void broken(struct connection *connection, enum error_kind kind, int error, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    bool was_connecting = connection->state != CONNECTION_OPEN;
    if (connection->busy ? connection->counted : engine->phase == PHASE_MEASURE || engine->phase == PHASE_OPENING) {
        engine->stats.errors[kind]++;
        engine->stats.last_error[kind] = error;
    }
    connection_close(connection);
    if (connection->busy)
        engine_failed(engine, connection, kind, now_ns);
    if (was_connecting)
        engine_opened(engine, connection, false);
    engine_reopen(engine, connection, was_connecting || connection->served == 0 ? next_pause(connection) : 0);
}

void connection_expired(struct connection *connection, uint64_t now_ns)
{
    broken(connection, connection->busy ? ERROR_TIMEOUT : ERROR_CONNECT, -ETIMEDOUT, now_ns);
}

/* ---- opening ---- */

/* `operation` is EPOLL_CTL_ADD for a new descriptor, EPOLL_CTL_MOD otherwise. */
static int watch(struct connection *connection, int operation, bool write)
{
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = connection};
    return epoll_ctl(connection->engine->epoll, operation, connection->fd, &event) == 0 ? 0 : -errno;
}

static void await(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    connection->deadline_ns = now_ns + engine->load->settings->timeout_ns;
    list_remove(&connection->link);
    list_append(&engine->waiting, &connection->link);
}

static void connected(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    connection->state = CONNECTION_OPEN;
    connection->pause_ns = 0;
    if (connection->busy ? connection->counted : engine->phase <= PHASE_MEASURE && engine->phase != PHASE_WARMUP)
        histogram_record(&engine->stats.connect, stats_us(now_ns - connection->opened_ns));
    engine_opened(engine, connection, true);
}

static ssize_t write_some(struct connection *connection, const char *data, size_t length)
{
    ssize_t written = send(connection->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (connection->counted)
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

static struct slice render(struct connection *connection)
{
    struct engine *engine = connection->engine;
    const struct settings *settings = engine->load->settings;
    const struct request_kind *kind = &settings->mix.kinds[0];
    const struct template *template = connection->served + 1 == settings->life.requests ? &kind->last : &kind->keep;
    return template_render(template, &engine->render, NULL, engine->render_buffer);
}

/* Renders, writes as much as goes and keeps the rest. Returns what was written or a negative errno. */
static ssize_t begin_request(struct connection *connection, uint64_t now_ns)
{
    struct slice request = render(connection);
    connection->sent_ns = now_ns;
    connection->served++;
    connection->named = false;
    response_parser_begin(&connection->parser, connection->engine->load->settings->mix.kinds[0].is_head);
    ssize_t written = write_some(connection, request.at, request.length);
    if (written < 0 || (size_t)written == request.length)
        return written;
    int error = keep_rest(connection, request, (size_t)written);
    return error ? error : written;
}

void connection_send(struct connection *connection, uint64_t now_ns)
{
    await(connection, now_ns);
    ssize_t written = begin_request(connection, now_ns);
    int error = written < 0 ? (int)written : 0;
    if (!error && connection->rest)
        error = watch(connection, EPOLL_CTL_MOD, true);
    if (error)
        broken(connection, ERROR_WRITE, error, now_ns);
}

/* A connection opened for a request: tries to send at once. Where that works the handshake was over. */
static void open_and_send(struct connection *connection, bool in_progress)
{
    uint64_t now = clock_now_ns();
    ssize_t written = begin_request(connection, now);
    int error = written < 0 ? (int)written : watch(connection, EPOLL_CTL_ADD, connection->rest != NULL);
    if (error)
        broken(connection, in_progress ? ERROR_CONNECT : ERROR_WRITE, error, now);
    else if (!in_progress || written > 0)
        connected(connection, now);
}

void connection_open(struct connection *connection, uint64_t now_ns)
{
    bool in_progress = false;
    connection->opened_ns = now_ns;
    connection->state = CONNECTION_CONNECTING;
    connection->served = 0;
    connection->credited = false;
    await(connection, now_ns);
    connection->fd = net_connect_start(&connection->engine->load->settings->url.address, NULL, &in_progress);
    int error = connection->fd < 0 ? connection->fd : 0;
    if (!error && connection->busy) {
        open_and_send(connection, in_progress);
        return;
    }
    if (!error)
        error = watch(connection, EPOLL_CTL_ADD, true); /* room to write means connected */
    if (error)
        broken(connection, ERROR_CONNECT, error, now_ns);
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
    connection->sent_ns = now_ns; /* of the request waiting in `rest`, if there is one */
    if (!connection->busy)
        engine_free(connection->engine, connection, now_ns);
}

static void write_rest(struct connection *connection, uint64_t now_ns)
{
    ssize_t written =
        write_some(connection, connection->rest + connection->rest_done, connection->rest_length - connection->rest_done);
    int error = written < 0 ? (int)written : 0;
    if (!error) {
        connection->rest_done += (size_t)written;
        if (connection->rest_done == connection->rest_length) {
            drop_rest(connection);
            error = watch(connection, EPOLL_CTL_MOD, false);
        }
    }
    if (error)
        broken(connection, ERROR_WRITE, error, now_ns);
}

/* The response is whole; `clean`: nothing came behind it. */
static void answered(struct connection *connection, bool clean, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    uint64_t most = engine->load->settings->life.requests;
    bool counted = connection->counted;
    engine_answered(engine, connection, now_ns);
    if (!clean && counted)
        engine->stats.errors[ERROR_MALFORMED]++;
    if (clean && connection->parser.head.keep_alive && !connection->rest && connection->served != most) {
        engine_free(engine, connection, now_ns);
        return;
    }
    connection_close(connection);
    if (most)
        engine_free(engine, connection, now_ns); /* opened again for the next request */
    else
        engine_reopen(engine, connection, 0);
}

static void peer_closed(struct connection *connection, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    if (!connection->busy) { /* an idle connection ended: its server's right */
        connection_close(connection);
        engine_reopen(engine, connection, connection->served ? 0 : next_pause(connection));
        return;
    }
    int error = response_parser_finish(&connection->parser);
    if (!error)
        answered(connection, true, now_ns);
    else
        broken(connection, error == -ENODATA ? ERROR_READ : ERROR_MALFORMED, error == -ENODATA ? -ECONNRESET : error, now_ns);
}

static void parse(struct connection *connection, size_t length, uint64_t now_ns)
{
    struct engine *engine = connection->engine;
    if (!connection->busy) {
        broken(connection, ERROR_MALFORMED, -EBADMSG, now_ns); /* bytes nobody asked for */
        return;
    }
    if (connection->counted)
        engine->stats.bytes_read += length;
    ssize_t taken = response_parser_feed(&connection->parser, engine->read_buffer, length);
    if (taken < 0)
        broken(connection, ERROR_MALFORMED, (int)taken, now_ns);
    else if (connection->parser.stage == RESPONSE_COMPLETE)
        answered(connection, (size_t)taken == length, now_ns);
}

static void read_some(struct connection *connection)
{
    struct engine *engine = connection->engine;
    ssize_t length = recv(connection->fd, engine->read_buffer, READ_BUFFER_SIZE, MSG_DONTWAIT);
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
