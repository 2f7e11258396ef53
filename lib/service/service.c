/*
 * The paths, in one table: what a path is called, which methods it takes, what it answers.
 *
 * A path with a value behind a slash ("/block/5ms") parses it; a value that is none gets 400 with what is allowed.
 */
#include "service.h"

#include <stdio.h>

#include "base/units.h"
#include "service/query.h"

/* What may be done with a path. OPTIONS comes by itself. */
struct methods {
    bool get, head, post, others;
    struct slice allow;
};

static const struct methods reading = {.get = true, .head = true, .allow = SLICE("Allow: GET, HEAD, OPTIONS\r\n")};
static const struct methods keeping = {
    .get = true, .head = true, .post = true, .allow = SLICE("Allow: GET, HEAD, POST, OPTIONS\r\n")};
static const struct methods posting = {.post = true, .allow = SLICE("Allow: POST, OPTIONS\r\n")};
static const struct methods telling = {.get = true, .post = true, .allow = SLICE("Allow: GET, POST, OPTIONS\r\n")};
static const struct methods anything = {.get = true,
                                        .head = true,
                                        .post = true,
                                        .others = true,
                                        .allow = SLICE("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")};

struct route {
    const char *path; /* ends in '/' when a value follows */
    const struct methods *methods;
    bool fault; /* only behind --faults */
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

static void run_errand(enum service_errand errand, struct service_response *response)
{
    response->work = SERVICE_ERRAND;
    response->errand = errand;
}

static void answer_static(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)request;
    run_errand(SERVICE_STATIC, response);
    response->argument = value;
}

/* The parts of /append's query, each with its default. False: refused. */

static bool take_mode(struct slice query, struct service_response *response)
{
    static const char *const modes[] = {"append", "buffered", "flock", "primary", NULL}; /* enum service_append */
    struct slice mode = SLICE("append");
    query_value(query, "mode", &mode);
    response->choice = query_choice(mode, modes);
    if (response->choice < 0)
        refuse_value(mode, "mode=append, buffered, flock or primary", response);
    return response->choice >= 0;
}

static bool take_size(struct slice query, struct service_response *response)
{
    struct slice size;
    uint64_t bytes = SERVICE_LINE_LEAST;
    bool ok = !query_value(query, "size", &size) ||
              (units_parse_size(size.at, size.length, &bytes) == 0 && bytes >= SERVICE_LINE_LEAST && bytes <= SERVICE_LINE_MOST);
    response->number = (int64_t)bytes;
    if (!ok)
        refuse_value(size, "a size from 128 to 1m, as in size=20k", response);
    return ok;
}

static bool take_hold(const struct service_request *request, struct service_response *response)
{
    struct slice hold;
    bool ok = !query_value(request->query, "hold", &hold) ||
              (request->faults && response->choice == SERVICE_APPEND_FLOCK &&
               units_parse_time(hold.at, hold.length, &response->work_ns) == 0 && response->work_ns <= SERVICE_TIME_MAX);
    if (!ok)
        refuse_value(hold, "hold with --faults and mode=flock, a time up to 10m", response);
    return ok;
}

/* The body is the line; without one, a line of that size is made up. */
static void answer_append(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    if (!take_mode(request->query, response) || !take_size(request->query, response) || !take_hold(request, response))
        return;
    bool is_post = slice_is(request->method, "POST");
    response->work = SERVICE_ERRAND;
    response->errand = SERVICE_APPEND;
    response->argument = request->body;
    if (!is_post)
        response->argument = (struct slice){NULL, 0};
    else if (request->body.length == 0)
        response->argument = (struct slice){"", 0};
}

static void refuse_message(int status, const char *why, struct service_response *response)
{
    say(response, status,
        snprintf(response->text, sizeof response->text, "%s: %s; use /broadcast?msg=TEXT of 1 to %d bytes, or POST them\n",
                 status == 413 ? "413 Content Too Large" : "400 Bad Request", why, SERVICE_MESSAGE_MAX));
}

static void answer_broadcast(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    bool is_query = query_value(request->query, "msg", &response->argument);
    if (!is_query)
        response->argument = slice_is(request->method, "POST") ? request->body : (struct slice){"", 0};
    long length = is_query ? query_decode(response->argument, NULL, 0) : (long)response->argument.length;
    if (length < 0) {
        refuse_message(400, "an escape in msg is no '%' and two hexadecimal digits", response);
    } else if (length == 0) {
        refuse_message(400, "there is no message", response);
    } else if (length > SERVICE_MESSAGE_MAX) {
        refuse_message(is_query ? 400 : 413, "the message is too long", response);
    } else {
        response->work = SERVICE_ERRAND;
        response->errand = SERVICE_BROADCAST;
        response->choice = is_query ? SERVICE_MESSAGE_ESCAPED : SERVICE_MESSAGE_PLAIN;
    }
}

static bool parse_add(struct slice text, int64_t *add)
{
    bool negative = text.length > 0 && text.at[0] == '-';
    uint64_t count;
    struct slice digits = negative ? slice_after(text, 1) : text;
    if (units_parse_count(digits.at, digits.length, &count) != 0 || count > (uint64_t)SERVICE_ADD_MOST)
        return false;
    *add = negative ? -(int64_t)count : (int64_t)count;
    return true;
}

/* The store is looked up by who knows the stores. */
static void answer_counter(const struct service_request *request, struct slice value, struct service_response *response)
{
    struct slice add = SLICE("1");
    (void)value;
    response->number = 0;
    if (slice_is(request->method, "POST")) {
        query_value(request->query, "add", &add);
        if (!parse_add(add, &response->number)) {
            refuse_value(add, "a number from -1m to 1m, as in add=5", response);
            return;
        }
    }
    response->argument = SLICE("local");
    query_value(request->query, "store", &response->argument);
    run_errand(SERVICE_COUNTER, response);
}

static void answer_session(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)request;
    (void)value;
    run_errand(SERVICE_SESSION, response);
}

static void answer_products(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)request;
    (void)value;
    run_errand(SERVICE_PRODUCTS, response);
}

static void answer_cart(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)value;
    run_errand(SERVICE_CART, response);
    response->argument = request->body;
}

static void answer_stats(const struct service_request *request, struct slice value, struct service_response *response)
{
    (void)request;
    (void)value;
    run_errand(SERVICE_STATS, response);
}

static const struct route routes[] = {
    {"/", &reading, false, answer_hello},
    {"/hello", &reading, false, answer_hello},
    {"/healthz", &reading, false, answer_healthz},
    {"/bytes/", &reading, false, answer_bytes},
    {"/echo", &anything, false, answer_echo},
    {"/block/", &reading, false, answer_block},
    {"/cpu/", &reading, false, answer_cpu},
    {"/wait/", &reading, false, answer_wait},
    {"/counter", &keeping, false, answer_counter},
    {"/session", &reading, false, answer_session},
    {"/api/products", &reading, false, answer_products},
    {"/api/cart/add", &posting, false, answer_cart},
    {"/static/", &reading, false, answer_static},
    {"/append", &telling, false, answer_append},
    {"/broadcast", &telling, false, answer_broadcast},
    {"/stats", &reading, false, answer_stats},
    {"/crash", &reading, true, answer_crash},
    {"/leak/", &reading, true, answer_leak},
    {"/stall/", &reading, true, answer_stall},
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

static bool takes_method(const struct methods *methods, struct slice method)
{
    if (slice_is(method, "GET"))
        return methods->get;
    if (slice_is(method, "HEAD"))
        return methods->head;
    if (slice_is(method, "POST"))
        return methods->post;
    return methods->others && !slice_is(method, "TRACE"); /* would reflect cookies and credentials, RFC 9110 9.3.8 */
}

static void answer_options(const struct route *route, struct service_response *response)
{
    response->status = 204;
    response->content_type = "";
    response->fields = route ? route->methods->allow : reading.allow;
}

static void answer_not_allowed(const struct route *route, struct service_response *response)
{
    response->status = 405;
    response->body = SLICE("405 Method Not Allowed\n");
    response->fields = route->methods->allow;
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
    if (asks_options && (slice_is(request->path, "*") || (route && !route->methods->others)))
        answer_options(route, response);
    else if (!route)
        response->body = SLICE("404 Not Found\n");
    else if (!takes_method(route->methods, request->method))
        answer_not_allowed(route, response);
    else
        route->answer(request, value, response);
}
