/*
 * The paths, in one table: what a path is called, which methods it takes, what it answers.
 *
 * A path with a value behind a slash ("/block/5ms") parses it; a value that is none gets 400 with what is allowed.
 */
#include "service.h"

#include <stdio.h>

#include "base/units.h"

struct route {
    const char *path; /* ends in '/' when a value follows */
    bool any_method;  /* else GET and HEAD */
    bool fault;       /* only behind --faults */
    void (*answer)(const struct service_request *request, struct slice value, struct service_response *response);
};

static void say(struct service_response *response, int status, int length)
{
    response->status = status;
    response->body.at = response->text;
    response->body.length = length < 0 ? 0 : (size_t)length < sizeof response->text ? (size_t)length : sizeof response->text - 1;
}

/* By hand: this is the hot path, and snprintf costs more than the rest of the answer. */
static void say_hello(const struct service_request *request, struct service_response *response)
{
    static const char greeting[] = "Hello from worker ";
    char digits[12];
    size_t count = sizeof digits, length = sizeof greeting - 1;
    unsigned number = request->worker;
    digits[--count] = '\n';
    do
        digits[--count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    memcpy(response->text, greeting, length);
    memcpy(response->text + length, digits + count, sizeof digits - count);
    say(response, 200, (int)(length + sizeof digits - count));
}

static void answer_hello(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    say_hello(request, response);
}

static void answer_healthz(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    response->status = request->draining ? 503 : 200;
    response->body = request->draining ? SLICE("draining\n") : SLICE("ok\n");
}

/* A line, repeated to about 64 KiB, so that large bodies leave in large writes. */
static struct slice pattern(void)
{
#define LINE          "clusterbench clusterbench clusterbench clusterbench clusterbench"
#define LINES_4(line) line line line line
    static const char text[] = LINES_4(LINES_4(LINES_4(LINES_4(LINES_4(LINE "\n"))))); /* 1024 lines */
#undef LINES_4
#undef LINE
    return (struct slice){text, sizeof text - 1};
}

static void refuse_value(struct slice value, const char *allowed, struct service_response *response)
{
    int shown = value.length > 40 ? 40 : (int)value.length;
    say(response, 400,
        snprintf(response->text, sizeof response->text, "400 Bad Request: '%.*s' is not allowed; use %s\n", shown, value.at,
                 allowed));
}

static void answer_bytes(const struct service_request *request, struct slice value, struct service_response *response)
{
    uint64_t size;
    (void)request;
    if (units_parse_size(value.at, value.length, &size) != 0 || size > SERVICE_BYTES_MAX) {
        refuse_value(value, "a size up to 1g, as in /bytes/64k", response);
        return;
    }
    response->status = 200;
    response->content_type = "application/octet-stream";
    response->body = pattern();
    if (size < response->body.length)
        response->body.length = (size_t)size;
    response->body_length = size;
}

static void answer_echo(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    response->status = 200;
    response->content_type = "application/octet-stream";
    response->body = request->body;
}

static void answer_timed(const struct service_request *request, struct slice value, enum service_work work,
                         struct service_response *response)
{
    if (units_parse_time(value.at, value.length, &response->work_ns) != 0 || response->work_ns > SERVICE_TIME_MAX) {
        refuse_value(value, "a time up to 10m, as in 250us, 5ms or 1.5s", response);
        return;
    }
    response->work = work;
    say_hello(request, response);
}

static void answer_block(const struct service_request *request, struct slice value, struct service_response *response)
{
    answer_timed(request, value, SERVICE_BLOCK, response);
}

static void answer_cpu(const struct service_request *request, struct slice value, struct service_response *response)
{
    answer_timed(request, value, SERVICE_CPU, response);
}

static void answer_wait(const struct service_request *request, struct slice value, struct service_response *response)
{
    answer_timed(request, value, SERVICE_WAIT, response);
}

static void answer_stall(const struct service_request *request, struct slice value, struct service_response *response)
{
    answer_timed(request, value, SERVICE_STALL, response);
}

static void answer_crash(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)request;
    (void)value;
    response->work = SERVICE_CRASH;
}

static void answer_leak(const struct service_request *request, struct slice value, struct service_response *response)
{
    if (units_parse_size(value.at, value.length, &response->work_bytes) != 0 || response->work_bytes > SERVICE_BYTES_MAX) {
        refuse_value(value, "a size up to 1g, as in /leak/1m", response);
        return;
    }
    response->work = SERVICE_LEAK;
    say_hello(request, response);
}

static const struct route routes[] = {
    {"/", false, false, answer_hello},       {"/hello", false, false, answer_hello}, {"/healthz", false, false, answer_healthz},
    {"/bytes/", false, false, answer_bytes}, {"/echo", true, false, answer_echo},    {"/block/", false, false, answer_block},
    {"/cpu/", false, false, answer_cpu},     {"/wait/", false, false, answer_wait},  {"/crash", false, true, answer_crash},
    {"/leak/", false, true, answer_leak},    {"/stall/", false, true, answer_stall},
};

static bool matches(const struct route *route, struct slice path, struct slice *value)
{
    size_t length = strlen(route->path);
    bool takes_value = length > 1 && route->path[length - 1] == '/';
    if (takes_value ? !slice_begins(path, route->path) : !slice_is(path, route->path))
        return false;
    *value = slice_after(path, length);
    return true;
}

static const struct route *find_route(const struct service_request *request, struct slice *value)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (matches(&routes[i], request->path, value) && (request->faults || !routes[i].fault))
            return &routes[i];
    return NULL;
}

static bool takes_method(const struct route *route, struct slice method)
{
    if (slice_is(method, "TRACE")) /* would reflect cookies and credentials, RFC 9110 9.3.8 */
        return false;
    return route->any_method || slice_is(method, "GET") || slice_is(method, "HEAD");
}

static void answer_options(const struct route *route, struct service_response *response)
{
    response->status = 204;
    response->content_type = "";
    response->fields = route && route->any_method ? SLICE("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
                                                  : SLICE("Allow: GET, HEAD, OPTIONS\r\n");
}

static void answer_not_allowed(const struct route *route, struct service_response *response)
{
    response->status = 405;
    response->body = SLICE("405 Method Not Allowed\n");
    response->fields = route->any_method ? SLICE("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
                                         : SLICE("Allow: GET, HEAD, OPTIONS\r\n");
}

void service_answer(const struct service_request *request, struct service_response *response)
{
    struct slice value = {"", 0};
    response->status = 404;
    response->content_type = "text/plain";
    response->fields = response->body = (struct slice){"", 0};
    response->body_length = response->work_ns = response->work_bytes = 0;
    response->work = SERVICE_ANSWER;

    const struct route *route = find_route(request, &value);
    bool asks_options = slice_is(request->method, "OPTIONS");
    if (asks_options && (slice_is(request->path, "*") || (route && !route->any_method)))
        answer_options(route, response);
    else if (!route)
        response->body = SLICE("404 Not Found\n");
    else if (!takes_method(route, request->method))
        answer_not_allowed(route, response);
    else
        route->answer(request, value, response);
}
