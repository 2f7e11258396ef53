/*
 * The admin address: who asks for what. It lives on the primary's loop, with an HTTP server of its own; that of a strategy whose
 * one worker is the primary waits while that worker is occupied.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cluster/admin.h"

#define CONNECTIONS_MOST 64 /* who holds more open has no business here; the descriptors are the primary's */
#define ERROR_SIZE       400
#define TOKEN_FILE_MAX   4096

/* ---- answers ---- */

/* The last line has an end, as every line of a text. The caller frees; NULL without memory. */
static char *print_json(const json_t *object)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = object ? open_memstream(&text, &length) : NULL;
    bool printed = out && json_dumpf(object, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 && fputc('\n', out) != EOF;
    if (out && fclose(out) == 0 && printed)
        return text;
    free(text);
    return NULL;
}

static void answer_text(struct http_request *request, int status, struct slice type, const char *fields, struct slice body)
{
    struct http_response response = {.status = status, .content_type = type, .fields = slice_of(fields), .body = body};
    http_respond(request, &response);
}

void admin_answer(struct http_request *request, int status, const char *fields, json_t *object)
{
    char *text = print_json(object);
    json_decref(object);
    if (text)
        answer_text(request, status, SLICE("application/json"), fields, slice_of(text));
    else
        answer_text(request, 500, SLICE("application/json"), "", SLICE("{\"ok\":false,\"error\":\"out of memory\"}\n"));
    free(text);
}

void admin_refuse(struct http_request *request, int status, const char *fields, const char *format, ...)
{
    char text[ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++) /* what a client sent may be no UTF-8 */
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    admin_answer(request, status, fields, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

static void answer_status(struct primary *primary, struct http_request *request)
{
    admin_answer(request, 200, "", status_describe(primary, slice_is(request->query, "buckets")));
}

static void answer_metrics(struct primary *primary, struct http_request *request)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out)
        metrics_print(primary, out);
    if (out && !ferror(out) && fclose(out) == 0)
        answer_text(request, 200, SLICE(METRICS_TYPE), "", (struct slice){text, length});
    else
        admin_refuse(request, 500, "", "out of memory");
    free(text);
}

/* ---- requests ---- */

static const struct endpoint {
    const char *path;
    bool steers; /* POST; else GET */
    void (*answer)(struct primary *primary, struct http_request *request);
} endpoints[] = {
    {"/status", false, answer_status}, {"/metrics", false, answer_metrics}, {"/reload", true, control_reload},
    {"/scale", true, control_scale},   {"/drain", true, control_drain},     {"/restart", true, control_restart},
};

static const struct endpoint *find_endpoint(struct slice path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (slice_is(path, endpoints[i].path))
            return &endpoints[i];
    return NULL;
}

static bool is_get(const struct http_request *request)
{
    return request->is_head || slice_is(request->method, "GET");
}

static void on_request(void *context, struct http_request *request)
{
    struct primary *primary = context;
    const struct access_rules rules = {primary->admin.token ? primary->admin.token : "", &primary->admin.address};
    const struct endpoint *endpoint = find_endpoint(request->path);
    char why[ACCESS_WHY_SIZE];
    int refusal = access_check(&rules, request, !is_get(request), why);
    if (refusal)
        admin_refuse(request, refusal, refusal == 401 ? "WWW-Authenticate: Bearer realm=\"clusterbench\"\r\n" : "", "%s", why);
    else if (!endpoint)
        admin_refuse(request, 404, "", "there is no such path; use /status, /metrics, /reload, /scale, /drain or /restart");
    else if (endpoint->steers ? !slice_is(request->method, "POST") : !is_get(request))
        admin_refuse(request, 405, endpoint->steers ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n", "%s is for %s", endpoint->path,
                     endpoint->steers ? "POST" : "GET");
    else
        endpoint->answer(primary, request);
}

/* ---- the token ---- */

/* The first line of the file. */
static int read_token_file(const char *path, char **token)
{
    int error = file_read_within(path, TOKEN_FILE_MAX, CONFIG_FIFO_WAIT_MS, token, NULL);
    if (error)
        return error;
    (*token)[strcspn(*token, "\r\n")] = '\0';
    return admin_token_is_allowed(*token, strlen(*token)) ? 0 : -EPROTO;
}

int admin_read_token(struct primary *primary)
{
    const struct cluster_options *options = primary->options;
    char **token = &primary->admin.token;
    int error = 0;
    if (options->admin_token)
        error = (*token = strdup(options->admin_token)) ? 0 : -ENOMEM;
    else if (options->admin_token_file)
        error = read_token_file(options->admin_token_file, token);
    if (error == -EPROTO)
        fprintf(stderr, "%s: --admin-token-file: the first line of '%s' is no token; use " ADMIN_TOKEN_ALLOWED "\n",
                primary->strategy->name, options->admin_token_file);
    else if (error)
        fprintf(stderr, "%s: --admin-token-file: '%s': %s\n", primary->strategy->name,
                options->admin_token_file ? options->admin_token_file : "",
                error == -ETIMEDOUT ? CONFIG_NO_WRITER : uv_strerror(error));
    return error;
}

/* ---- the address ---- */

static void on_empty(void *context)
{
    struct primary *primary = context;
    http_server_free(&primary->admin.server);
}

static const struct http_server_events events = {.request = on_request, .empty = on_empty};

static void take_connection(void *context, int fd)
{
    struct primary *primary = context;
    if (primary->admin.server.open >= CONNECTIONS_MOST || http_server_open(&primary->admin.server, fd) != 0)
        close(fd);
}

static void configure_server(struct primary *primary)
{
    struct http_server *server = &primary->admin.server;
    server->loop = &primary->loop;
    server->limits = (struct http_limits){8192, 100, 1024, 1024};
    server->timeouts = (struct http_timeouts){5000, 5000, 60000, 5000, 0};
    server->fields = SLICE("Cache-Control: no-store\r\n");
    server->unix_sockets = net_is_unix(&primary->options->admin);
    server->events = &events;
    server->context = primary;
    server->counters = &primary->admin.counters;
}

static uint64_t real_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
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
    admin->start_time_ns = real_time_ns() - (clock_now_ns() - primary->started_ns);
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
