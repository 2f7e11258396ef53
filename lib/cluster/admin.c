/*
 * The admin address: GET /status answers what every worker is and has counted, as JSON.
 */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/primary.h"
#include "cluster/usage.h"

static const char *const state_names[] = {
    [WORKER_NONE] = "gone",         [WORKER_STARTING] = "starting", [WORKER_READY] = "ready",
    [WORKER_DRAINING] = "draining", [WORKER_GONE] = "gone",
};

static void add_counter(void *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *describe_counters(const struct counters *counters)
{
    json_t *object = json_object();
    counters_each(counters, add_counter, object);
    return object;
}

static double seconds_since(uint64_t ns)
{
    return (double)(clock_now_ns() - ns) / (double)CLOCK_NS_PER_S;
}

static json_t *describe_slot(const struct primary *primary, const struct scoreboard_slot *slot)
{
    struct usage usage = {0};
    if (slot->pid > 0)
        (void)usage_read(slot->pid, slot->tid, &usage); /* it may have ended just now: zeros then */
    return json_pack(
        "{s:i, s:i, s:i, s:s, s:s, s:i, s:f, s:I, s:I, s:I, s:I, s:o}", "index", (int)slot->index, "slot",
        (int)(slot - primary->scoreboard->slots), "pid", (int)slot->pid, "role", slot->role == ROLE_FRONT ? "front" : "worker",
        "state", state_names[slot->state], "generation", (int)slot->generation, "uptime_s", seconds_since(slot->started_ns),
        "cpu_user_us", (json_int_t)usage.cpu_user_us, "cpu_system_us", (json_int_t)usage.cpu_system_us, "rss_bytes",
        (json_int_t)usage.rss_bytes, "pss_bytes", (json_int_t)usage.pss_bytes, "counters", describe_counters(&slot->counters));
}

static json_t *describe_workers(const struct primary *primary)
{
    json_t *workers = json_array();
    /* In the order of their indices; fronts come last. */
    for (const struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        for (unsigned j = 0; j < SCOREBOARD_SLOTS; j++) {
            const struct scoreboard_slot *slot = &primary->scoreboard->slots[j];
            if (slot->state != WORKER_NONE && slot->role == place->role && slot->index == place->index)
                json_array_append_new(workers, describe_slot(primary, slot));
        }
    return workers;
}

static json_t *describe_primary(void)
{
    struct usage usage = {0};
    (void)usage_read(getpid(), 0, &usage);
    return json_pack("{s:I, s:I, s:I, s:I}", "cpu_user_us", (json_int_t)usage.cpu_user_us, "cpu_system_us",
                     (json_int_t)usage.cpu_system_us, "rss_bytes", (json_int_t)usage.rss_bytes, "pss_bytes",
                     (json_int_t)usage.pss_bytes);
}

static json_t *describe(const struct primary *primary)
{
    struct counters total;
    scoreboard_total(primary->scoreboard, &total);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:f, s:s, s:o, s:o, s:o}", "schema", "clusterbench.status/1", "strategy",
                     primary->strategy->name, "pid", (int)getpid(), "version", CLUSTERBENCH_VERSION, "libuv", uv_version_string(),
                     "uptime_s", seconds_since(primary->started_ns), "state", primary->draining ? "draining" : "serving", "primary",
                     describe_primary(), "workers", describe_workers(primary), "total", describe_counters(&total));
}

static void answer_status(const struct primary *primary, struct http_request *request)
{
    struct http_response response = {.status = 200, .content_type = SLICE("application/json")};
    json_t *status = describe(primary);
    char *text = status ? json_dumps(status, JSON_INDENT(2)) : NULL;
    json_decref(status);
    if (text)
        response.body = slice_of(text);
    else
        response.status = 500;
    http_respond(request, &response);
    free(text);
}

static void on_request(void *context, struct http_request *request)
{
    static const struct http_response not_found = {
        .status = 404, .content_type = {"text/plain", 10}, .body = {"404 Not Found: try /status\n", 27}};
    static const struct http_response not_allowed = {
        .status = 405, .fields = {"Allow: GET, HEAD\r\n", 18}, .body = {"405 Method Not Allowed\n", 23}};
    if (!slice_is(request->path, "/status"))
        http_respond(request, &not_found);
    else if (!slice_is(request->method, "GET") && !request->is_head)
        http_respond(request, &not_allowed);
    else
        answer_status(context, request);
}

static void on_empty(void *context)
{
    struct primary *primary = context;
    http_server_free(&primary->admin.server);
}

static const struct http_server_events events = {.request = on_request, .empty = on_empty};

static void take_connection(void *context, int fd)
{
    struct primary *primary = context;
    if (http_server_open(&primary->admin.server, fd) != 0)
        close(fd);
}

static void configure_server(struct primary *primary)
{
    struct http_server *server = &primary->admin.server;
    server->loop = &primary->loop;
    server->limits = (struct http_limits){8192, 100, 1024, 1024};
    server->timeouts = (struct http_timeouts){5000, 5000, 60000, 5000, 0};
    server->fields = (struct slice){"", 0};
    server->unix_sockets = net_is_unix(&primary->options->admin);
    server->events = &events;
    server->context = primary;
    server->counters = &primary->admin.counters;
}

int admin_open(struct primary *primary)
{
    struct admin *admin = &primary->admin;
    if (primary->options->admin.length == 0)
        return 0;
    int fd = net_listen(&primary->options->admin, 0, 64);
    if (fd < 0)
        return fd;
    int error = net_local_address(fd, &admin->address);
    configure_server(primary);
    if (error || (error = http_server_init(&admin->server)) != 0) {
        close(fd);
        return error;
    }
    admin->open = true;
    return acceptor_open(&admin->acceptor, &primary->loop, fd, 16, take_connection, primary);
}

void admin_close(struct primary *primary)
{
    struct admin *admin = &primary->admin;
    if (!admin->open)
        return;
    admin->open = false;
    acceptor_close(&admin->acceptor, NULL);
    http_server_close(&admin->server);
    net_remove(&primary->options->admin);
}
