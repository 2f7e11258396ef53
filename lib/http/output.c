/*
 * What goes out: heads, bodies, pieces.
 *
 * During a pass over a connection everything is gathered in the server's one write buffer and leaves in one write. What
 * the socket does not take at once is copied behind a libuv write request, and the connection waits for the client.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/net.h"
#include "connection.h"

#define WRITE_BUFFER_SIZE 65536
#define HEAD_MAX          2048 /* of a head, fields of the handler not counted */
#define FILL_PIECES       16   /* patterns a write, and writes a turn of the loop: others want to be served, too */

struct pending_write {
    uv_write_t request;
    struct http_connection *connection;
    char text[]; /* what waits, unless that is static */
};

static const struct {
    short status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static bool has_no_body(int status)
{
    return status == 204 || status == 304 || status / 100 == 1; /* RFC 9112 6.3 */
}

bool http_output_pending(const struct http_connection *connection)
{
    return connection->stream.write_queue_size > 0 || connection->fill;
}

static void count_response(struct counters *counters, int status)
{
    counter *const classes[] = {&counters->responses_1xx, &counters->responses_2xx, &counters->responses_3xx,
                                &counters->responses_4xx, &counters->responses_5xx};
    if (status >= 100 && status < 600)
        counter_add(classes[status / 100 - 1], 1);
}

/* ---- writing ---- */

static void fail_write(struct http_connection *connection)
{
    counter_add(&connection->server->counters->errors_write, 1);
    http_connection_close(connection);
}

static void count_written(struct http_connection *connection, size_t length)
{
    connection->written += (uint32_t)length;
    counter_add(&connection->server->counters->bytes_out, length);
}

static void write_fill(struct http_connection *connection);

static void on_written(uv_write_t *request, int status)
{
    struct pending_write *write = (struct pending_write *)request;
    struct http_connection *connection = write->connection;
    free(write);
    if (connection->closing)
        return;
    if (status < 0) {
        fail_write(connection);
        return;
    }
    if (connection->fill && connection->stream.write_queue_size == 0)
        write_fill(connection);
    if (!connection->closing && !http_output_pending(connection))
        http_connection_written(connection);
}

/* Text that is not static is copied. */
static void queue_write(struct http_connection *connection, const char *data, size_t length, bool is_static)
{
    struct pending_write *write = malloc(sizeof *write + (is_static ? 0 : length));
    if (!write) {
        fail_write(connection);
        return;
    }
    if (!is_static)
        memcpy(write->text, data, length);
    write->connection = connection;
    uv_buf_t buffer = uv_buf_init(is_static ? (char *)(uintptr_t)data : write->text, (unsigned)length);
    count_written(connection, length);
    if (uv_write(&write->request, &connection->stream, &buffer, 1, on_written) != 0) {
        free(write);
        fail_write(connection);
        return;
    }
}

/* What the socket takes at once; returns how much that was. A failure closes the connection. */
static size_t try_write(struct http_connection *connection, uv_buf_t *buffers, unsigned count)
{
    int written = uv_try_write(&connection->stream, buffers, count);
    if (written < 0 && written != UV_EAGAIN)
        fail_write(connection);
    size_t taken = written > 0 ? (size_t)written : 0;
    count_written(connection, taken);
    return taken;
}

/* Writes what the socket takes now and queues the rest. */
static void write_now(struct http_connection *connection, uv_buf_t *buffers, unsigned count)
{
    size_t skip = try_write(connection, buffers, count);
    for (unsigned i = 0; i < count && !connection->closing; i++) {
        if (skip >= buffers[i].len) {
            skip -= buffers[i].len;
            continue;
        }
        queue_write(connection, buffers[i].base + skip, buffers[i].len - skip, false);
        skip = 0;
    }
}

static size_t first_of(uint64_t left, size_t most)
{
    return left < most ? (size_t)left : most;
}

static void advance_fill(struct http_fill *fill, size_t length)
{
    fill->left -= length;
    fill->at = (fill->at + length) % fill->pattern.length;
}

/*
 * As much of a repeated pattern as the socket takes, up to a bound. One piece more is queued, uncopied, to be told when to
 * go on: a slow client's download costs no buffer, a fast one's does not keep the loop from everybody else.
 */
static void write_fill(struct http_connection *connection)
{
    struct http_fill *fill = connection->fill;
    uv_buf_t buffers[FILL_PIECES];
    struct http_fill ahead = *fill;
    unsigned count = 0;
    for (; count < FILL_PIECES && ahead.left > 0; count++) {
        size_t length = first_of(ahead.left, fill->pattern.length - ahead.at);
        buffers[count] = uv_buf_init((char *)(uintptr_t)fill->pattern.at + ahead.at, (unsigned)length);
        advance_fill(&ahead, length);
    }
    size_t taken = try_write(connection, buffers, count);
    if (connection->closing)
        return; /* fill went with the connection */
    advance_fill(fill, taken);
    size_t length = first_of(fill->left, fill->pattern.length - fill->at);
    if (length > 0) {
        queue_write(connection, fill->pattern.at + fill->at, length, true);
        if (connection->closing)
            return;
        advance_fill(fill, length);
    }
    if (fill->left == 0) {
        free(fill);
        connection->fill = NULL;
    }
}

void http_output_flush(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (server->writer == connection) {
        server->writer = NULL;
        if (server->write_used > 0) {
            uv_buf_t buffer = uv_buf_init(server->write_buffer, (unsigned)server->write_used);
            server->write_used = 0;
            write_now(connection, &buffer, 1);
        }
    }
    if (!connection->closing && connection->fill && connection->stream.write_queue_size == 0)
        write_fill(connection);
}

/* The buffer and something too large for it, in one write. */
static void write_with_buffer(struct http_connection *connection, const char *data, size_t length)
{
    struct http_server *server = connection->server;
    uv_buf_t buffers[2];
    unsigned count = 0;
    if (server->writer == connection && server->write_used > 0)
        buffers[count++] = uv_buf_init(server->write_buffer, (unsigned)server->write_used);
    buffers[count++] = uv_buf_init((char *)(uintptr_t)data, (unsigned)length);
    if (server->writer == connection) {
        server->write_used = 0;
        server->writer = NULL;
    }
    write_now(connection, buffers, count);
}

/* Room for `length` bytes in the write buffer, or NULL when it belongs to another connection or is too small. */
static char *reserve(struct http_connection *connection, size_t length)
{
    struct http_server *server = connection->server;
    if (server->writer != connection && server->writer)
        return NULL;
    if (server->writer == connection && WRITE_BUFFER_SIZE - server->write_used < length) {
        http_output_flush(connection);
        if (connection->closing)
            return NULL;
    }
    if (length > WRITE_BUFFER_SIZE)
        return NULL;
    server->writer = connection;
    return server->write_buffer + server->write_used;
}

void http_output_append(struct http_connection *connection, const char *data, size_t length)
{
    if (connection->closing || length == 0)
        return;
    char *room = length <= WRITE_BUFFER_SIZE / 4 ? reserve(connection, length) : NULL;
    if (room) {
        memcpy(room, data, length);
        connection->server->write_used += length;
    } else if (!connection->closing) {
        write_with_buffer(connection, data, length);
    }
}

/* ---- heads ---- */

/* Date, RFC 9110 6.6.1: made once a second. */
static const char *current_date(struct http_server *server)
{
    uint64_t now_ms = uv_now(server->loop);
    if (now_ms < server->date_stale_ms)
        return server->date;
    struct timespec now;
    struct tm broken;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || !gmtime_r(&now.tv_sec, &broken))
        return server->date;
    strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    server->date_stale_ms = now_ms + 1000 - (uint64_t)now.tv_nsec / CLOCK_NS_PER_MS;
    return server->date;
}

static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put(at, digits + sizeof digits - count, count);
}

static char *put_status_line(char *at, int status)
{
    if (status == 200)
        return PUT(at, "HTTP/1.1 200 OK\r\n");
    const char *reason = http_status_reason(status);
    at = PUT(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, reason, strlen(reason));
    return PUT(at, "\r\n");
}

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_NONE };

struct head {
    const struct http_response *response;
    enum framing framing;
    uint64_t length;
    bool close, say_keep_alive;
};

static char *put_head(struct http_server *server, char *at, const struct head *head)
{
    const struct http_response *response = head->response;
    const char *date = current_date(server);
    at = put_status_line(at, response->status);
    at = PUT(at, "Date: ");
    at = put(at, date, strlen(date));
    at = PUT(at, "\r\n");
    if (server->fields.length > 0)
        at = put(at, server->fields.at, server->fields.length);
    if (response->content_type.length > 0) {
        at = PUT(at, "Content-Type: ");
        at = put(at, response->content_type.at, response->content_type.length);
        at = PUT(at, "\r\n");
    }
    if (head->framing == FRAMING_LENGTH) {
        at = PUT(at, "Content-Length: ");
        at = put_number(at, head->length);
        at = PUT(at, "\r\n");
    } else if (head->framing == FRAMING_CHUNKED) {
        at = PUT(at, "Transfer-Encoding: chunked\r\n");
    }
    if (head->close)
        at = PUT(at, "Connection: close\r\n");
    else if (head->say_keep_alive)
        at = PUT(at, "Connection: keep-alive\r\n");
    if (response->fields.length > 0)
        at = put(at, response->fields.at, response->fields.length);
    return PUT(at, "\r\n");
}

static size_t head_bound(const struct http_server *server, const struct http_response *response)
{
    return HEAD_MAX + server->fields.length + response->content_type.length + response->fields.length;
}

static void append_head(struct http_connection *connection, const struct head *head)
{
    struct http_server *server = connection->server;
    size_t bound = head_bound(server, head->response);
    char *room = reserve(connection, bound);
    count_response(server->counters, head->response->status);
    if (room) {
        server->write_used += (size_t)(put_head(server, room, head) - room);
    } else if (!connection->closing) {
        char *text = malloc(bound);
        if (!text) {
            fail_write(connection);
            return;
        }
        http_output_append(connection, text, (size_t)(put_head(server, text, head) - text));
        free(text);
    }
}

/* ---- answers ---- */

static void begin_answer(struct http_request *request, const struct http_response *response, enum framing framing, uint64_t length)
{
    struct http_connection *connection = request->connection;
    struct head head = {.response = response, .framing = framing, .length = length};
    bool parting = connection->server->draining && http_connection_is_last(connection);
    head.close = response->close || !request->keep_alive || parting || framing == FRAMING_CLOSE;
    head.say_keep_alive = request->http_1_0;
    connection->close_after = head.close;
    connection->linger = head.close && request->keep_alive; /* it may have sent more: RFC 9112 9.6 */
    connection->body_dropped = request->is_head || has_no_body(response->status);
    append_head(connection, &head);
}

static void begin_fill(struct http_connection *connection, struct slice pattern, uint64_t length)
{
    struct http_fill *fill = malloc(sizeof *fill);
    if (!fill) {
        fail_write(connection);
        return;
    }
    *fill = (struct http_fill){.pattern = pattern, .left = length};
    connection->fill = fill;
}

static void tell_answered(const struct http_request *request, int status, uint64_t body_bytes)
{
    const struct http_server *server = request->connection->server;
    if (server->events->answered)
        server->events->answered(server->context, request, status, body_bytes);
}

void http_respond(struct http_request *request, const struct http_response *response)
{
    struct http_connection *connection = request->connection;
    uint64_t length = response->body_length > response->body.length ? response->body_length : response->body.length;
    begin_answer(request, response, has_no_body(response->status) ? FRAMING_NONE : FRAMING_LENGTH, length);
    if (connection->closing)
        return;
    if (!connection->body_dropped) {
        if (length > response->body.length)
            begin_fill(connection, response->body, length);
        else
            http_output_append(connection, response->body.at, response->body.length);
    }
    if (connection->closing)
        return;
    tell_answered(request, response->status, connection->body_dropped ? 0 : length);
    http_connection_answered(connection);
}

void http_respond_begin(struct http_request *request, const struct http_response *response, uint64_t length)
{
    enum framing framing = FRAMING_LENGTH;
    if (has_no_body(response->status))
        framing = FRAMING_NONE;
    else if (length == HTTP_LENGTH_UNKNOWN)
        framing = request->http_1_0 ? FRAMING_CLOSE : FRAMING_CHUNKED;
    request->connection->chunked = framing == FRAMING_CHUNKED;
    request->status = response->status;
    begin_answer(request, response, framing, length);
}

static void append_piece(struct http_connection *connection, const char *data, size_t length)
{
    char line[24];
    if (connection->chunked) {
        int size = snprintf(line, sizeof line, "%zx\r\n", length);
        http_output_append(connection, line, (size_t)size);
    }
    http_output_append(connection, data, length);
    if (connection->chunked)
        http_output_append(connection, "\r\n", 2);
}

/* Outside of the parse loop nobody else writes, or begins to wait for the client. */
static void send_now(struct http_connection *connection)
{
    http_output_flush(connection);
    if (!connection->closing && http_output_pending(connection) && connection->phase != PHASE_WRITING)
        http_connection_set_phase(connection, PHASE_WRITING);
}

void http_respond_piece(struct http_request *request, const char *data, size_t length)
{
    struct http_connection *connection = request->connection;
    if (length > 0 && !connection->body_dropped && !connection->closing) {
        request->body_sent += length;
        append_piece(connection, data, length);
    }
    if (!connection->parsing && !connection->closing)
        send_now(connection);
}

void http_respond_end(struct http_request *request)
{
    struct http_connection *connection = request->connection;
    if (connection->chunked && !connection->body_dropped)
        http_output_append(connection, "0\r\n\r\n", 5);
    connection->chunked = false;
    if (connection->closing)
        return;
    tell_answered(request, request->status, request->body_sent);
    http_connection_answered(connection);
}

size_t http_respond_backlog(const struct http_request *request)
{
    return request->connection->stream.write_queue_size;
}

void http_respond_interim(struct http_request *request, struct slice head)
{
    struct http_connection *connection = request->connection;
    counter_add(&connection->server->counters->responses_1xx, 1);
    http_output_append(connection, head.at, head.length);
    if (!connection->parsing && !connection->closing)
        http_output_flush(connection);
}

/* A plain close would end a body that lasts until the close: SO_LINGER with no time sends a reset instead, socket(7). */
void http_respond_abort(struct http_request *request)
{
    struct http_connection *connection = request->connection;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    uv_os_fd_t fd;
    if (uv_fileno(&connection->handle, &fd) == 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
        counter_add(&connection->server->counters->errors_write, 1);
    tell_answered(request, request->status, request->body_sent);
    connection->handling = false; /* its handler asked for this: it need not be told */
    http_connection_close(connection);
}

/* A request that could not be read: what is wrong, then the end of the connection. */
void http_output_refusal(struct http_connection *connection, int status, const char *why)
{
    char text[160];
    int length = snprintf(text, sizeof text, "%d %s: %s\n", status, http_status_reason(status), why ? why : "");
    struct http_response response = {
        .status = status,
        .content_type = SLICE("text/plain"),
        .fields = status == 405 ? SLICE("Allow: GET, HEAD\r\n") : (struct slice){NULL, 0},
        .body = {text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1},
    };
    struct head head = {.response = &response, .framing = FRAMING_LENGTH, .length = response.body.length, .close = true};
    struct http_request *request = connection->request;
    connection->close_after = true;
    append_head(connection, &head);
    if (!connection->closing && !(request && request->is_head))
        http_output_append(connection, response.body.at, response.body.length);
    if (request && !connection->closing) {
        tell_answered(request, status, request->is_head ? 0 : response.body.length);
        connection->request = NULL;
        http_server_give_request(connection->server, request);
    }
}

struct slice http_request_peer(const struct http_request *request)
{
    struct http_connection *connection = request->connection;
    struct net_address address;
    uv_os_fd_t fd;
    char text[NET_TEXT_SIZE];
    if (!connection->peer && uv_fileno(&connection->handle, &fd) == 0 && net_peer_address(fd, &address) == 0)
        connection->peer = strdup(net_format_address(&address, false, text));
    return connection->peer ? slice_of(connection->peer) : SLICE("unknown");
}

struct slice http_request_protocol(const struct http_request *request)
{
    bool known = request->head_complete || request->header_count > 0; /* its line is behind the parser */
    if (!known || request->parser.http_major != 1 || request->parser.http_minor > 1)
        return (struct slice){"", 0};
    return request->http_1_0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
}
