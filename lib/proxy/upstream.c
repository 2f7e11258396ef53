/*
 * Connections to upstreams.
 *
 * Idle connections are a stack: the one used last is used next, so that few are kept warm and the surplus ages at the
 * bottom, where it is closed. They are read from all the time: an upstream that closes one, or says something nobody asked
 * for, has it taken off the stack before it can be chosen (RFC 9112 9.2: bytes without a request answer nobody's).
 *
 * Rule: a connection is freed in its close callback only; until then `closing` makes every other callback pass it over.
 */
#include "proxy/upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_BUFFER_SIZE 65536

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    struct upstream_connection *connection = handle->data;
    struct upstream_pool *pool = connection->upstream->pool;
    free(connection);
    pool->open--;
    if (pool->closing && pool->open == 0)
        pool->emptied(pool->owner);
}

static void leave_list(struct upstream_connection *connection)
{
    if (!connection->user && !connection->closing)
        connection->upstream->idle_count--;
    list_remove(&connection->link);
}

void upstream_discard(struct upstream_connection *connection)
{
    if (connection->closing)
        return;
    leave_list(connection);
    connection->user = NULL;
    connection->closing = true;
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* Discards it and tells the user, if it has one. */
static void fail(struct upstream_connection *connection, int error)
{
    void *user = connection->user;
    const struct upstream_events *events = connection->upstream->pool->events;
    upstream_discard(connection);
    if (user)
        events->failed(user, error);
}

/* ---- receiving ---- */

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct upstream_connection *connection = handle->data;
    *buffer = uv_buf_init(connection->upstream->pool->read_buffer, READ_BUFFER_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct upstream_connection *connection = stream->data;
    if (count == 0 || connection->closing)
        return;
    if (count < 0)
        fail(connection, (int)count);
    else if (!connection->user)
        upstream_discard(connection); /* an answer to nobody */
    else
        connection->upstream->pool->events->received(connection->user, buffer->base, (size_t)count);
}

void upstream_pause(struct upstream_connection *connection)
{
    uv_read_stop((uv_stream_t *)&connection->tcp);
}

void upstream_resume(struct upstream_connection *connection)
{
    int error = uv_read_start((uv_stream_t *)&connection->tcp, on_buffer, on_read);
    if (error)
        fail(connection, error);
}

/* ---- sending ---- */

static void on_written(uv_write_t *write, int status)
{
    struct upstream_connection *connection = write->data;
    if (connection->closing)
        return;
    connection->sending = false;
    /* After a failed write there may still be an answer to read ("413", then a reset): reading will tell the end. */
    if (status == 0 && connection->user)
        connection->upstream->pool->events->sent(connection->user);
}

/* What is left of the buffers behind the first `skip` bytes. Returns how many buffers that are. */
static unsigned skip_bytes(const uv_buf_t *from, unsigned count, size_t skip, uv_buf_t *rest)
{
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t gone = skip < from[i].len ? skip : from[i].len;
        skip -= gone;
        if (gone < from[i].len)
            rest[left++] = uv_buf_init(from[i].base + gone, (unsigned)(from[i].len - gone));
    }
    return left;
}

int upstream_send(struct upstream_connection *connection, const uv_buf_t *buffers, unsigned count)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t rest[2];
    int written = uv_try_write(stream, buffers, count);
    if (written < 0 && written != UV_EAGAIN)
        return written;
    unsigned left = skip_bytes(buffers, count, written > 0 ? (size_t)written : 0, rest);
    connection->began = written > 0;
    if (left == 0)
        return 0;
    int error = uv_write(&connection->write, stream, rest, left, on_written);
    connection->sending = !error;
    connection->began = connection->began || !error;
    return error;
}

/* ---- connections come, wait and go ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct upstream_connection *connection = connect->data;
    if (connection->closing)
        return;
    int error = status;
    if (!error)
        error = uv_read_start((uv_stream_t *)&connection->tcp, on_buffer, on_read);
    if (error) {
        fail(connection, error);
        return;
    }
    counter_add(&connection->upstream->pool->counters->upstream_connects, 1);
    connection->upstream->pool->events->connected(connection->user);
}

int upstream_connect(struct upstream *upstream, void *user, struct upstream_connection **result)
{
    struct upstream_pool *pool = upstream->pool;
    struct upstream_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return -ENOMEM;
    uv_tcp_init(pool->loop, &connection->tcp); /* cannot fail: it makes no socket yet */
    connection->tcp.data = connection->connect.data = connection->write.data = connection;
    connection->upstream = upstream;
    connection->edition = upstream->edition;
    connection->user = user;
    list_append(&pool->busy, &connection->link);
    pool->open++;
    int error =
        uv_tcp_connect(&connection->connect, &connection->tcp, (const struct sockaddr *)&upstream->address.storage, on_connected);
    if (!error)
        error = uv_tcp_nodelay(&connection->tcp, 1);
    if (error) {
        upstream_discard(connection);
        return error;
    }
    *result = connection;
    return 0;
}

/* Its end, or bytes nobody asked for, wait to be read. */
static bool has_ended(const struct upstream_connection *connection)
{
    char byte;
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&connection->tcp, &fd) != 0)
        return true;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

static struct upstream_connection *last_idle(const struct upstream *upstream)
{
    if (list_empty(&upstream->idle))
        return NULL;
    return list_entry(upstream->idle.previous, struct upstream_connection, link);
}

struct upstream_connection *upstream_take(struct upstream *upstream, void *user, bool surely)
{
    struct upstream_connection *connection;
    while ((connection = last_idle(upstream)) && surely && has_ended(connection))
        upstream_discard(connection);
    if (!connection || uv_now(upstream->pool->loop) >= connection->idle_since_ms + upstream->pool->idle_ms)
        return NULL; /* and all below it are older */
    leave_list(connection);
    list_append(&upstream->pool->busy, &connection->link);
    connection->user = user;
    connection->began = false;
    return connection;
}

void upstream_release(struct upstream_connection *connection)
{
    struct upstream *upstream = connection->upstream;
    bool is_current = upstream->open && connection->edition == upstream->edition;
    if (!is_current || upstream->idle_count >= upstream->pool->idle_most || upstream->pool->closing) {
        upstream_discard(connection);
        return;
    }
    list_remove(&connection->link);
    list_append(&upstream->idle, &connection->link);
    upstream->idle_count++;
    connection->user = NULL;
    connection->idle_since_ms = uv_now(upstream->pool->loop);
}

/* ---- the pool ---- */

int upstream_pool_init(struct upstream_pool *pool, unsigned count)
{
    list_init(&pool->busy);
    pool->open = 0;
    pool->closing = false;
    pool->count = count;
    pool->upstreams = calloc(count, sizeof *pool->upstreams);
    pool->read_buffer = malloc(READ_BUFFER_SIZE);
    if (!pool->upstreams || !pool->read_buffer) {
        upstream_pool_free(pool);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        pool->upstreams[i].pool = pool;
        list_init(&pool->upstreams[i].idle);
    }
    return 0;
}

void upstream_pool_free(struct upstream_pool *pool)
{
    free(pool->upstreams);
    free(pool->read_buffer);
    pool->upstreams = NULL;
    pool->read_buffer = NULL;
}

static void discard_all(struct list *connections)
{
    while (!list_empty(connections))
        upstream_discard(list_entry(connections->next, struct upstream_connection, link));
}

void upstream_renew(struct upstream *upstream)
{
    upstream->edition++;
    discard_all(&upstream->idle);
}

void upstream_pool_close(struct upstream_pool *pool)
{
    pool->closing = true;
    discard_all(&pool->busy);
    for (unsigned i = 0; i < pool->count; i++)
        discard_all(&pool->upstreams[i].idle);
}

static uint64_t expire_idle(struct upstream *upstream)
{
    const struct upstream_pool *pool = upstream->pool;
    while (!list_empty(&upstream->idle)) {
        struct upstream_connection *oldest = list_entry(upstream->idle.next, struct upstream_connection, link);
        uint64_t due_ms = oldest->idle_since_ms + pool->idle_ms;
        if (due_ms > uv_now(pool->loop))
            return due_ms;
        upstream_discard(oldest);
    }
    return UINT64_MAX;
}

uint64_t upstream_pool_expire(struct upstream_pool *pool)
{
    uint64_t due_ms = UINT64_MAX;
    for (unsigned i = 0; i < pool->count; i++) {
        uint64_t next_ms = expire_idle(&pool->upstreams[i]);
        if (next_ms < due_ms)
            due_ms = next_ms;
    }
    return due_ms;
}
