/*
 * The server around its connections: pools, time-outs, drain, end.
 *
 * Every time-out of a kind has the same length, so a list in order of arrival is a list in order of deadline: setting one
 * moves a connection to the end of a list, expiring looks at the heads. One libuv timer serves all of them; it is armed
 * for the earliest deadline known when it was set, and looks again when it fires.
 *
 * Rule: nothing expires before the loop has read once more. libuv runs timers before it polls; a worker that was occupied
 * for longer than a time-out finds the bytes of punctual clients waiting behind an expired timer.
 */
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "connection.h"

#define READ_BUFFER_SIZE  65536
#define WRITE_BUFFER_SIZE 65536
#define SPARE_REQUESTS    64

struct http_request *http_server_take_request(struct http_server *server)
{
    if (list_empty(&server->spare_requests))
        return http_request_new(&server->limits);
    struct http_request *request = list_entry(server->spare_requests.next, struct http_request, link);
    list_remove(&request->link);
    server->spare_count--;
    return request;
}

void http_server_give_request(struct http_server *server, struct http_request *request)
{
    list_remove(&request->link);
    if (server->spare_count == SPARE_REQUESTS) {
        http_request_free(request);
        return;
    }
    /* The most recently used first: its memory is still warm. */
    list_append(server->spare_requests.next, &request->link);
    server->spare_count++;
}

static void on_no_sleep(uv_idle_t *idle)
{
    (void)idle; /* being active is its work: the next poll does not sleep */
}

static uint64_t earliest_deadline(const struct http_server *server)
{
    uint64_t earliest = UINT64_MAX;
    for (int phase = 0; phase <= PHASE_LINGER; phase++) {
        const struct list *list = &server->phases[phase];
        if (list_empty(list))
            continue;
        uint64_t deadline = list_entry(list->next, struct http_connection, phase_link)->deadline_ms;
        if (deadline < earliest)
            earliest = deadline;
    }
    return earliest;
}

static void expire_phase(struct http_server *server, enum http_phase phase)
{
    struct list *list = &server->phases[phase];
    uint64_t now_ms = uv_now(server->loop);
    while (!list_empty(list)) {
        struct http_connection *connection = list_entry(list->next, struct http_connection, phase_link);
        if (connection->deadline_ms > now_ms)
            break;
        http_connection_expire(connection); /* leaves the list, or moves to its end */
    }
}

static void close_phase(struct http_server *server, enum http_phase phase)
{
    struct list *list = &server->phases[phase];
    while (!list_empty(list))
        http_connection_close(list_entry(list->next, struct http_connection, phase_link));
}

/* Behind a pass of reading: whoever is late now is late indeed. */
static void on_after_reads(uv_check_t *check)
{
    struct http_server *server = check->data;
    uv_check_stop(&server->after_reads);
    uv_idle_stop(&server->no_sleep);
    for (int phase = 0; phase <= PHASE_LINGER; phase++)
        if (phase != PHASE_WORKING)
            expire_phase(server, (enum http_phase)phase);
    uint64_t next = earliest_deadline(server);
    if (next != UINT64_MAX && !server->closing)
        http_server_arm(server, next);
}

/* Only from the timer: timers run before the poll, so the check that follows stands behind a whole pass of reading. */
static void look_after_reads(struct http_server *server)
{
    if (server->closing)
        return;
    uv_check_start(&server->after_reads, on_after_reads);
    uv_idle_start(&server->no_sleep, on_no_sleep);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    server->timer_due_ms = UINT64_MAX;
    look_after_reads(server);
}

void http_server_arm(struct http_server *server, uint64_t deadline_ms)
{
    if (deadline_ms >= server->timer_due_ms || server->closing)
        return;
    uint64_t now_ms = uv_now(server->loop);
    server->timer_due_ms = deadline_ms;
    uv_timer_start(&server->timer, on_timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
}

int http_server_init(struct http_server *server)
{
    for (int phase = 0; phase <= PHASE_LINGER; phase++)
        list_init(&server->phases[phase]);
    list_init(&server->spare_requests);
    server->spare_count = server->open = 0;
    server->draining = server->closing = false;
    server->timer_due_ms = UINT64_MAX;
    server->date_stale_ms = 0;
    server->write_used = 0;
    server->writer = NULL;
    server->read_buffer = malloc(READ_BUFFER_SIZE);
    server->write_buffer = malloc(WRITE_BUFFER_SIZE);
    if (!server->read_buffer || !server->write_buffer) {
        http_server_free(server);
        return -ENOMEM;
    }
    uv_timer_init(server->loop, &server->timer); /* these three cannot fail */
    uv_check_init(server->loop, &server->after_reads);
    uv_idle_init(server->loop, &server->no_sleep);
    server->timer.data = server->after_reads.data = server->no_sleep.data = server;
    server->handles = 3;
    return 0;
}

void http_server_free(struct http_server *server)
{
    while (!list_empty(&server->spare_requests)) {
        struct http_request *request = list_entry(server->spare_requests.next, struct http_request, link);
        list_remove(&request->link);
        http_request_free(request);
    }
    free(server->read_buffer);
    free(server->write_buffer);
    server->read_buffer = server->write_buffer = NULL;
}

static void tell_if_empty(struct http_server *server)
{
    if (server->open > 0 || !server->events->empty)
        return;
    if (server->closing ? server->handles == 0 : server->draining)
        server->events->empty(server->context);
}

void http_server_forget(struct http_server *server)
{
    server->open--;
    counter_set(&server->counters->active, server->open);
    if (server->events->released)
        server->events->released(server->context, server->open);
    tell_if_empty(server);
}

/* The connections of a phase get their deadline anew: in a drain it is a short one. */
static void hurry(struct http_server *server, enum http_phase phase)
{
    struct list *list = &server->phases[phase], *last = list->previous;
    for (bool done = list_empty(list); !done;) {
        struct list *link = list->next;
        done = link == last;
        http_connection_set_phase(list_entry(link, struct http_connection, phase_link), phase);
    }
}

void http_server_drain(struct http_server *server)
{
    server->draining = true;
    hurry(server, PHASE_NEW);
    hurry(server, PHASE_IDLE);
    hurry(server, PHASE_LINGER);
    tell_if_empty(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->handles--;
    tell_if_empty(server);
}

void http_server_close(struct http_server *server)
{
    if (server->closing)
        return;
    server->closing = true;
    for (int phase = 0; phase <= PHASE_LINGER; phase++)
        close_phase(server, (enum http_phase)phase);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    uv_close((uv_handle_t *)&server->after_reads, on_handle_closed);
    uv_close((uv_handle_t *)&server->no_sleep, on_handle_closed);
}
