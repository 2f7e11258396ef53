/*
 * A connection's life: bytes arrive, requests come out of the parser, the handler answers, the next one.
 *
 * While a handler has a request, or output waits for a slow client, nothing is parsed; what arrives meanwhile is held, and
 * beyond a bound not even read. An answer given inside the handler's call (the usual case) finds the parse loop running
 * and simply lets it go on, so that a thousand pipelined requests cost one write.
 */
#include "connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/net.h"

#define HELD_MAX    65536  /* bytes held for a busy connection before its socket is left alone */
#define LINGER_MS   1000   /* how long a client gets to read the last answer before the reset */
#define PENDING_MAX 262144 /* output waiting in user space before pipelined requests have to wait */

static void read_on(struct http_connection *connection);

/* What waits for the client's next word, or its last, waits shorter in a drain; a client that has just connected may be far off. */
static uint64_t shorter_in_drain(const struct http_server *server, uint64_t usual_ms, uint64_t in_drain_ms)
{
    return server->draining && in_drain_ms < usual_ms ? in_drain_ms : usual_ms;
}

static uint64_t phase_timeout_ms(const struct http_server *server, enum http_phase phase)
{
    const uint64_t parting_ms = server->timeouts.parting_ms;
    switch (phase) {
    case PHASE_NEW:
        return shorter_in_drain(server, server->timeouts.header_ms, 2 * parting_ms);
    case PHASE_HEAD:
        return server->timeouts.header_ms;
    case PHASE_BODY:
        return server->timeouts.body_ms;
    case PHASE_IDLE:
        return shorter_in_drain(server, server->timeouts.idle_ms, parting_ms);
    case PHASE_WRITING:
        return server->timeouts.write_ms;
    case PHASE_LINGER:
        return shorter_in_drain(server, LINGER_MS, 2 * parting_ms);
    case PHASE_WORKING:
        break;
    }
    return UINT64_MAX;
}

/*
 * What the client has taken of our output. libuv's queue alone does not tell: behind a full send buffer it stands still
 * until a third of that buffer is free again, which is megabytes to a slow client. SIOCOUTQ: tcp(7), unix(7)
 */
static uint32_t bytes_taken(const struct http_connection *connection)
{
    uv_os_fd_t fd;
    int unacknowledged = 0;
    if (uv_fileno(&connection->handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &unacknowledged) != 0)
        unacknowledged = 0; /* then a full buffer looks like no progress */
    return connection->written - (uint32_t)connection->stream.write_queue_size - (uint32_t)unacknowledged;
}

void http_connection_set_phase(struct http_connection *connection, enum http_phase phase)
{
    struct http_server *server = connection->server;
    uint64_t timeout_ms = phase_timeout_ms(server, phase);
    connection->phase = phase;
    connection->deadline_ms = timeout_ms == UINT64_MAX ? UINT64_MAX : uv_now(server->loop) + timeout_ms;
    list_remove(&connection->phase_link);
    list_append(&server->phases[phase], &connection->phase_link);
    connection->next_begun = false;
    if (phase == PHASE_WRITING)
        connection->taken = bytes_taken(connection);
    if (timeout_ms != UINT64_MAX)
        http_server_arm(server, connection->deadline_ms);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_server *server = connection->server;
    free(connection->peer);
    free(connection);
    http_server_forget(server);
}

void http_connection_close(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    list_remove(&connection->phase_link);
    if (connection->closing)
        return;
    connection->closing = true;
    if (server->writer == connection) {
        server->writer = NULL;
        server->write_used = 0;
    }
    if (connection->request) {
        if (connection->handling && server->events->abandoned)
            server->events->abandoned(server->context, connection->request);
        http_server_give_request(server, connection->request);
        connection->request = NULL;
    }
    free(connection->held);
    free(connection->fill);
    connection->held = NULL;
    connection->fill = NULL;
    uv_close(&connection->handle, on_closed);
}

/* Half-close, then read what the client still sends: a reset would destroy the answer on its way. */
static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct http_connection *connection = request->data;
    free(request);
    if (status < 0 && !connection->closing)
        http_connection_close(connection);
}

static void begin_linger(struct http_connection *connection)
{
    uv_shutdown_t *request = malloc(sizeof *request);
    if (!request) {
        http_connection_close(connection);
        return;
    }
    request->data = connection;
    if (uv_shutdown(request, &connection->stream, on_shutdown) != 0) {
        free(request);
        http_connection_close(connection);
        return;
    }
    free(connection->held);
    connection->held = NULL;
    http_connection_set_phase(connection, PHASE_LINGER);
    read_on(connection);
}

static void end_after_answer(struct http_connection *connection)
{
    if (connection->linger && !connection->peer_ended)
        begin_linger(connection);
    else
        http_connection_close(connection);
}

/* Bytes that cannot be parsed now. Beyond a bound the socket's own buffer has to hold them. */
static void hold(struct http_connection *connection, const char *data, size_t length)
{
    struct http_held *held = connection->held;
    size_t used = held ? held->used : 0;
    if (!held || held->size - used < length) {
        size_t size = used + length;
        held = realloc(connection->held, sizeof *held + size);
        if (!held) {
            http_connection_close(connection);
            return;
        }
        held->size = size;
        connection->held = held;
    }
    memcpy(held->text + used, data, length);
    held->used = used + length;
    if (held->used >= HELD_MAX && connection->reading) {
        uv_read_stop(&connection->stream);
        connection->reading = false;
    }
}

static bool can_parse(const struct http_connection *connection)
{
    return !connection->handling && !connection->close_after && !connection->closing && !connection->fill &&
           connection->stream.write_queue_size < PENDING_MAX;
}

static void refuse(struct http_connection *connection)
{
    struct http_request *request = connection->request;
    counter_add(&connection->server->counters->errors_parse, 1);
    connection->linger = true;
    http_output_refusal(connection, request->refusal, request->why);
}

/* The head has come and the client waits for leave to send its body, RFC 9110 10.1.1. */
static void grant_continue(struct http_connection *connection)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    connection->request->wants_continue = false;
    counter_add(&connection->server->counters->responses_1xx, 1);
    http_output_append(connection, interim, sizeof interim - 1);
}

/* Part of a request is here. The time-out of its head or body runs from the beginning of that, however many reads it takes. */
static void await_rest(struct http_connection *connection)
{
    enum http_phase phase = connection->request->head_complete ? PHASE_BODY : PHASE_HEAD;
    if (connection->phase != phase || connection->next_begun)
        http_connection_set_phase(connection, phase);
}

static bool begin_request(struct http_connection *connection)
{
    if (connection->request)
        return true;
    connection->request = http_server_take_request(connection->server);
    if (!connection->request)
        return false;
    connection->request->connection = connection;
    http_request_reset(connection->request, true);
    return true;
}

static void handle_request(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    connection->handling = true;
    connection->next_begun = true;
    counter_add(&server->counters->requests, 1);
    server->events->request(server->context, connection->request);
}

/* Lets the parser loose on `length` bytes; returns how many it took. */
static size_t parse(struct http_connection *connection, const char *data, size_t length)
{
    size_t taken = 0;
    while (taken < length && can_parse(connection)) {
        size_t consumed = 0;
        if (!begin_request(connection)) {
            http_connection_close(connection);
            break;
        }
        enum http_parse outcome = http_request_parse(connection->request, data + taken, length - taken, &consumed);
        taken += consumed;
        connection->parsed += (uint32_t)consumed;
        if (outcome == HTTP_PARSE_REQUEST)
            handle_request(connection);
        else if (outcome == HTTP_PARSE_REFUSED)
            refuse(connection);
        else if (connection->request->head_complete && connection->request->wants_continue)
            grant_continue(connection);
    }
    return taken;
}

/* Between requests a connection holds nothing. */
static void give_unused_request(struct http_connection *connection)
{
    struct http_request *request = connection->request;
    if (!request || request->begun || connection->handling)
        return;
    connection->request = NULL;
    http_server_give_request(connection->server, request);
}

/* Where a connection stands when the parser has stopped and the output is flushed. */
static void settle(struct http_connection *connection)
{
    if (connection->closing)
        return;
    give_unused_request(connection);
    if (http_output_pending(connection)) {
        if (connection->phase != PHASE_WRITING) /* what the client sends is no sign that it reads */
            http_connection_set_phase(connection, PHASE_WRITING);
    } else if (connection->close_after) {
        end_after_answer(connection);
    } else if (connection->handling) {
        if (connection->phase != PHASE_WORKING)
            http_connection_set_phase(connection, PHASE_WORKING);
    } else if (connection->peer_ended) {
        http_connection_close(connection);
    } else if (connection->request) {
        await_rest(connection);
    } else {
        http_connection_set_phase(connection, PHASE_IDLE);
    }
}

/* Parses what there is and writes the answers at once; again, when a large one stopped the parser and has left already. */
static size_t parse_and_flush(struct http_connection *connection, const char *data, size_t length)
{
    size_t taken = 0;
    do {
        connection->parsing = true;
        taken += parse(connection, data + taken, length - taken);
        connection->parsing = false;
        if (!connection->closing)
            http_output_flush(connection);
    } while (taken < length && can_parse(connection));
    return taken;
}

/* One pass over what has arrived: see where it leaves the connection, and keep what it could not take. */
static void process(struct http_connection *connection, const char *data, size_t length)
{
    size_t taken = parse_and_flush(connection, data, length);
    if (!connection->closing && taken < length) {
        if (connection->close_after)
            connection->linger = true; /* bytes behind the last request are ignored, RFC 9112 9.6 */
        else
            hold(connection, data + taken, length - taken);
    }
    settle(connection);
}

/* Parses what was held while the connection was busy; reads again when that is little. */
static void resume(struct http_connection *connection)
{
    struct http_held *held = connection->held;
    connection->held = NULL;
    if (held) {
        process(connection, held->text, held->used);
        free(held);
    } else {
        http_output_flush(connection);
        settle(connection);
    }
    if (!connection->closing && (!connection->held || connection->held->used < HELD_MAX))
        read_on(connection);
}

/* libuv tells of a reset that comes along with the last bytes as if it were their end; the socket knows better. */
static bool is_reset(const struct http_connection *connection)
{
    uv_os_fd_t fd;
    return uv_fileno(&connection->handle, &fd) == 0 && net_connect_result(fd) != 0;
}

/* The client has sent all it will send; it may still want what is under way. */
static void on_end(struct http_connection *connection)
{
    bool owes = connection->phase != PHASE_LINGER && (connection->handling || connection->held || http_output_pending(connection));
    connection->peer_ended = true;
    connection->reading = false;
    uv_read_stop(&connection->stream);
    if (owes && is_reset(connection)) {
        counter_add(&connection->server->counters->errors_read, 1);
        owes = false;
    }
    if (!owes)
        http_connection_close(connection);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct http_connection *connection = stream->data;
    struct counters *counters = connection->server->counters;
    if (count > 0) {
        counter_add(&counters->bytes_in, (uint64_t)count);
        connection->received += (uint32_t)count;
        if (connection->phase == PHASE_LINGER || connection->close_after)
            return; /* read to be forgotten */
        if (can_parse(connection) && !connection->held)
            process(connection, buffer->base, (size_t)count);
        else
            hold(connection, buffer->base, (size_t)count);
    } else if (count == UV_EOF) {
        on_end(connection);
    } else if (count < 0) {
        counter_add(&counters->errors_read, 1);
        http_connection_close(connection);
    }
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct http_connection *connection = handle->data;
    *buffer = uv_buf_init(connection->server->read_buffer, 65536);
}

static void read_on(struct http_connection *connection)
{
    if (connection->reading || connection->peer_ended)
        return;
    if (uv_read_start(&connection->stream, on_buffer, on_read) != 0) {
        http_connection_close(connection);
        return;
    }
    connection->reading = true;
}

static uint32_t bytes_unread(const struct http_connection *connection)
{
    uv_os_fd_t fd;
    int unread = 0;
    if (uv_fileno(&connection->handle, &fd) == 0 && ioctl(fd, FIONREAD, &unread) != 0)
        unread = 0; /* then they are not waited for */
    return (uint32_t)unread;
}

/*
 * The client cannot have known of the drain when it sent what is here by the time of its next answer: all of that is answered.
 * What comes later is not, or a client that always has another request on its way would never be told.
 */
bool http_connection_is_last(struct http_connection *connection)
{
    if (!connection->last_call) {
        connection->last_call = true;
        connection->last_byte = connection->received + bytes_unread(connection);
    }
    return (int32_t)(connection->parsed - connection->last_byte) >= 0;
}

/* The handler is done with the request: give it back, and go on unless the parse loop does that anyway. */
void http_connection_answered(struct http_connection *connection)
{
    struct http_request *request = connection->request;
    connection->handling = false;
    if (connection->close_after) {
        connection->request = NULL;
        http_server_give_request(connection->server, request);
    } else if (connection->parsing) {
        http_request_reset(request, false); /* more bytes may follow at once: keep parser and memory at hand */
    } else {
        connection->request = NULL;
        http_server_give_request(connection->server, request);
    }
    if (!connection->parsing)
        resume(connection);
}

/* All output has left (libuv's callback): whatever waited for that can go on. */
void http_connection_written(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->closing)
        return;
    if (connection->handling) {
        http_connection_set_phase(connection, PHASE_WORKING);
        if (server->events->drained)
            server->events->drained(server->context, connection->request);
        return;
    }
    resume(connection);
}

static void expire_writing(struct http_connection *connection)
{
    if (bytes_taken(connection) != connection->taken) {
        http_connection_set_phase(connection, PHASE_WRITING);
        return;
    }
    counter_add(&connection->server->counters->errors_timeout, 1);
    http_connection_close(connection);
}

void http_connection_expire(struct http_connection *connection)
{
    switch ((enum http_phase)connection->phase) {
    case PHASE_WRITING:
        expire_writing(connection);
        break;
    case PHASE_HEAD:
    case PHASE_BODY:
        counter_add(&connection->server->counters->errors_timeout, 1);
        connection->linger = true;
        http_output_refusal(connection, 408, "the request took too long");
        http_output_flush(connection);
        settle(connection);
        break;
    case PHASE_NEW:
        if (!connection->server->draining)
            counter_add(&connection->server->counters->errors_timeout, 1);
        begin_linger(connection);
        break;
    case PHASE_IDLE:
        begin_linger(connection); /* a request may be on its way: RFC 9112 9.5 */
        break;
    case PHASE_WORKING:
    case PHASE_LINGER:
        http_connection_close(connection);
        break;
    }
}

static void on_unopened(uv_handle_t *handle)
{
    free(handle->data);
}

/* The init calls cannot fail; an open that does leaves a handle that has to be closed by the loop. */
static int open_stream(struct http_connection *connection, int fd)
{
    uv_loop_t *loop = connection->server->loop;
    if (connection->server->unix_sockets) {
        uv_pipe_init(loop, &connection->pipe, 0);
        connection->handle.data = connection;
        return uv_pipe_open(&connection->pipe, fd);
    }
    uv_tcp_init(loop, &connection->tcp);
    connection->handle.data = connection;
    return uv_tcp_open(&connection->tcp, fd);
}

int http_server_open(struct http_server *server, int fd)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return -ENOMEM;
    connection->server = server;
    list_init(&connection->phase_link);
    int error = open_stream(connection, fd);
    if (error) {
        uv_close(&connection->handle, on_unopened);
        return error;
    }
    server->open++;
    counter_add(&server->counters->accepted, 1);
    counter_set(&server->counters->active, server->open);
    http_connection_set_phase(connection, PHASE_NEW);
    read_on(connection);
    return 0;
}
