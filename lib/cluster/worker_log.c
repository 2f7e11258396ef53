/*
 * From the server's events to lines of the access log.
 *
 * With a log, its events stand in front of the worker's own: they note when a request has arrived and write a line when it has been
 * answered. Without one the server calls the worker's own events, and nothing is paid.
 *
 * The time of a line is that from the request's last byte having been read to the answer being given for sending. A request whose
 * client has gone before it was answered gets 499, as nginx writes it.
 */
#include <string.h>

#include "base/clock.h"
#include "cluster/worker.h"

#define STATUS_CLIENT_GONE 499

static uint64_t duration_of(const struct http_request *request)
{
    return request->arrived_ns ? clock_now_ns() - request->arrived_ns : 0;
}

static void write_line(struct worker *worker, const struct http_request *request, int status, uint64_t body_bytes)
{
    uint64_t duration_ns = duration_of(request);
    struct access_entry entry = {
        .worker = worker->role == ROLE_WORKER ? (int)worker->index : request->answered_by,
        .client = http_request_peer(request),
        .method = request->method,
        .target = request->target,
        .protocol = http_request_protocol(request),
        .status = status,
        .bytes = body_bytes,
        .duration_us = duration_ns / CLOCK_NS_PER_US,
    };
    if (duration_ns < worker->options->access_slower_ns)
        return;
    if (clock_gettime(CLOCK_REALTIME, &entry.time) == 0)
        access_log_add(worker->private->access_log, &entry);
}

static void on_request(void *context, struct http_request *request)
{
    struct worker *worker = context;
    request->arrived_ns = clock_now_ns();
    worker->private->unlogged->request(worker, request);
}

static void on_answered(void *context, const struct http_request *request, int status, uint64_t body_bytes)
{
    struct worker *worker = context;
    if (worker->private->unlogged->answered)
        worker->private->unlogged->answered(worker, request, status, body_bytes);
    write_line(context, request, status ? status : STATUS_CLIENT_GONE, body_bytes);
}

static void on_abandoned(void *context, struct http_request *request)
{
    struct worker *worker = context;
    worker->private->unlogged->abandoned(worker, request);
    write_line(worker, request, request->status ? request->status : STATUS_CLIENT_GONE, request->body_sent);
}

static void on_drained(void *context, struct http_request *request)
{
    struct worker *worker = context;
    worker->private->unlogged->drained(worker, request);
}

static void on_empty(void *context)
{
    struct worker *worker = context;
    worker->private->unlogged->empty(worker);
}

static void on_released(void *context, unsigned open)
{
    struct worker *worker = context;
    worker->private->unlogged->released(worker, open);
}

static const struct http_server_events logged_events = {
    .request = on_request,
    .abandoned = on_abandoned,
    .drained = on_drained,
    .answered = on_answered,
    .empty = on_empty,
    .released = on_released,
};

void worker_use_events(struct worker *worker, const struct http_server_events *events)
{
    worker->private->unlogged = events;
    worker->server.events = worker->private->access_log ? &logged_events : events;
}

/* Where fronts stand between, they see the clients, and the log is theirs. */
int worker_log_open(struct worker *worker)
{
    const struct cluster_options *options = worker->options;
    const struct access_log_settings settings = {
        .path = options->access_log,
        .format = (enum access_format)options->access_format,
        .loop = worker->loop,
        .counters = &worker->slot->counters,
        .log = worker->log,
    };
    bool faces_clients = worker->role == ROLE_FRONT || worker->scoreboard->fronts == 0;
    if (!options->access_log || !faces_clients)
        return 0;
    int error = access_log_open(&worker->private->access_log, &settings);
    if (error)
        log_line(worker->log, LOG_ERROR, "--access-log %s: %s", settings.path, strerror(-error));
    return error;
}

void worker_log_reopen(struct worker *worker)
{
    if (worker->private->access_log && !worker->private->ending)
        access_log_reopen(worker->private->access_log);
}

void worker_log_close(struct worker *worker, void (*closed)(void *worker))
{
    access_log_close(worker->private->access_log, closed, worker);
}
