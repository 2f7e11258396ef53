/*
 * HTTP/1 for the stand-in: a blocking thread a connection, one buffer, a strict and slow parser.
 *
 * Rule: head and body are parsed only when they are whole; every wait has the deadline of its phase (idle, header, body, write).
 */
#include "base/clock.h"
#include "base/net.h"
#include "base/units.h"
#include "stand_in.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    struct worker *worker;
    int fd;
    char *bytes;
    size_t length, capacity;
    bool ended; /* the client will send no more */
    bool over;  /* close it now */
    bool timed_out;
    bool served;        /* it has had an answer */
    uint64_t answer_ns; /* when the answer began */
};

struct request {
    char method[16], target[16384];
    int minor;
    bool keep_alive, chunked, has_length, expects_continue;
    size_t content_length, head_length;
    char *body;
    size_t body_length;
};

static const struct settings *settings_of(const struct connection *connection)
{
    return connection->worker->settings;
}

static bool buggy(const struct connection *connection, enum bug bug)
{
    return has_bug(settings_of(connection), bug);
}

static void count(struct connection *connection, counter *c, uint64_t step)
{
    (void)connection;
    atomic_fetch_add(c, step); /* threads of one worker share its counters here */
}

#define COUNT(connection, name, step) count((connection), &(connection)->worker->slot->counters.name, (step))

/* ---- bytes ---- */

static int milliseconds_left(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();
    return deadline_ns <= now ? 0 : (int)((deadline_ns - now) / CLOCK_NS_PER_MS + 1);
}

/* More bytes into the buffer: 1; 0 at the deadline, at the end, or when an idle connection is drained. */
static int read_more(struct connection *connection, uint64_t deadline_ns, bool idle)
{
    bool leave = idle && !buggy(connection, BUG_IDLE_HOLDS_DRAIN);
    struct pollfd fds[2] = {{.fd = connection->fd, .events = POLLIN},
                            {.fd = leave ? connection->worker->drain_fd : -1, .events = POLLIN}};
    int n = poll(fds, 2, milliseconds_left(deadline_ns));
    if (fds[1].revents && !(connection->served && buggy(connection, BUG_HASTY_DRAIN)))
        n = poll(fds, 1, connection->served ? 250 : 500); /* its request may be on its way; or it has only just connected */
    if (n <= 0 || !fds[0].revents) {
        connection->timed_out = n <= 0;
        return 0;
    }
    if (connection->capacity - connection->length < 65536) {
        connection->capacity = connection->capacity * 2 + 65536;
        connection->bytes = realloc(connection->bytes, connection->capacity);
        if (connection->bytes == NULL)
            abort();
    }
    ssize_t got = recv(connection->fd, connection->bytes + connection->length, 65536, MSG_DONTWAIT);
    if (got <= 0) {
        connection->ended = true;
        return 0;
    }
    connection->length += (size_t)got;
    COUNT(connection, bytes_in, (uint64_t)got);
    return 1;
}

static void drop(struct connection *connection, size_t length)
{
    memmove(connection->bytes, connection->bytes + length, connection->length - length);
    connection->length -= length;
}

static bool write_all(struct connection *connection, const char *bytes, size_t length)
{
    uint64_t timeout_ns =
        buggy(connection, BUG_NO_WRITE_TIMEOUT) ? 3600 * CLOCK_NS_PER_S : settings_of(connection)->write_timeout_ns;
    int flags = MSG_DONTWAIT | (buggy(connection, BUG_DIES_OF_SIGPIPE) ? 0 : MSG_NOSIGNAL);
    uint64_t deadline_ns = clock_now_ns() + timeout_ns;
    while (length > 0 && !connection->over) {
        ssize_t n = send(connection->fd, bytes, length, flags);
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
            COUNT(connection, bytes_out, (uint64_t)n);
            deadline_ns = (buggy(connection, BUG_WRITE_DEADLINE_STAYS) ? connection->answer_ns : clock_now_ns()) + timeout_ns;
            continue;
        }
        struct pollfd fd = {.fd = connection->fd, .events = POLLOUT};
        int ready = errno == EAGAIN ? poll(&fd, 1, milliseconds_left(deadline_ns)) : -1;
        if (ready == 0)
            COUNT(connection, errors_timeout, 1);
        connection->over = ready <= 0;
    }
    return !connection->over;
}

/* ---- responses ---- */

static const char *reason_of(int status)
{
    return status == 200 ? "OK" : status < 500 ? "Refused" : "Error";
}

static void count_status(struct connection *connection, int status)
{
    counter *by_class[] = {&connection->worker->slot->counters.responses_2xx, &connection->worker->slot->counters.responses_3xx,
                           &connection->worker->slot->counters.responses_4xx, &connection->worker->slot->counters.responses_5xx};
    atomic_fetch_add(by_class[status / 100 - 2], 1);
}

/* A body of `length` bytes; without `body` it is made of x. */
static void respond(struct connection *connection, const struct request *request, int status, const char *body, size_t length)
{
    char head[512], date[64], filler[16384];
    time_t now = time(NULL);
    struct tm tm;
    bool aborts = buggy(connection, BUG_HALF_CLOSE_ABORTS) && recv(connection->fd, date, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    connection->answer_ns = clock_now_ns();
    connection->served = true;
    bool head_only = strcmp(request->method, "HEAD") == 0 && !buggy(connection, BUG_HEAD_HAS_BODY);
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &tm));
    int n =
        snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n%sContent-Length: %zu\r\nConnection: %s\r\n%s", status, reason_of(status),
                 buggy(connection, BUG_NO_DATE) ? "" : date, length, request->keep_alive ? "keep-alive" : "close",
                 status == 405 && !buggy(connection, BUG_NO_ALLOW) ? "Allow: GET, HEAD\r\n" : "");
    if (!buggy(connection, BUG_NO_WORKER_HEADER))
        n += snprintf(head + n, sizeof head - (size_t)n, "X-Worker: %u\r\n", connection->worker->index);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    count_status(connection, status);
    connection->over |= aborts;
    if (buggy(connection, BUG_BYTES_ONE_SHORT) && body == NULL && length > 65536)
        length--;
    write_all(connection, head, (size_t)n);
    if (head_only)
        return;
    if (body != NULL) {
        write_all(connection, body, length);
        return;
    }
    memset(filler, 'x', sizeof filler);
    for (; length > 0 && !connection->over; length -= length < sizeof filler ? length : sizeof filler)
        write_all(connection, filler, length < sizeof filler ? length : sizeof filler);
}

/* Says what was wrong and ends the connection. */
static int refuse(struct connection *connection, int status)
{
    struct request request = {.keep_alive = buggy(connection, BUG_STAYS_OPEN_AFTER_400)};
    COUNT(connection, errors_parse, 1);
    respond(connection, &request, status, "", 0);
    connection->over |= !request.keep_alive;
    if (!connection->over)
        connection->length = 0;
    return -1;
}

/* ---- the head ---- */

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
            return false;
    return length > 0;
}

static int check_bytes(struct connection *connection, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)connection->bytes[i];
        bool line_end = (c == '\r' && connection->bytes[i + 1] == '\n') || (c == '\n' && i > 0 && connection->bytes[i - 1] == '\r');
        if ((c < 0x20 && c != '\t' && !line_end) || c == 0x7f)
            return refuse(connection, 400);
    }
    return 0;
}

static int parse_request_line(struct connection *connection, struct request *request, const char *line, size_t length)
{
    char text[20000], version[16], extra;
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"};
    int major, consumed = 0;
    bool found = false;
    snprintf(text, sizeof text, "%.*s", (int)length, line);
    if (strstr(text, "  ") || strchr(text, '\t') || strchr(text, '#') ||
        sscanf(text, "%15s %16383s %15s %c", request->method, request->target, version, &extra) != 3)
        return refuse(connection, 400);
    if (strlen(request->target) > settings_of(connection)->max_target && !buggy(connection, BUG_NO_LIMITS))
        return refuse(connection, 414);
    for (const char *c = request->target; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            return refuse(connection, 400);
    if (sscanf(version, "HTTP/%1d.%1d%n", &major, &request->minor, &consumed) != 2 || version[consumed] != '\0')
        return refuse(connection, 400);
    if (major != 1)
        return refuse(connection, 505);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        found |= strcmp(known[i], request->method) == 0;
    return found ? 0 : refuse(connection, 501);
}

static int take_length(struct connection *connection, struct request *request, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits] != '\0' || request->has_length)
        return refuse(connection, 400);
    request->has_length = true;
    request->content_length = digits > 15 ? SIZE_MAX : strtoull(value, NULL, 10);
    return 0;
}

static int take_field(struct connection *connection, struct request *request, const char *name, const char *value, unsigned *hosts)
{
    if (strcasecmp(name, "Host") == 0) {
        (*hosts)++;
        return strpbrk(value, " /@") ? refuse(connection, 400) : 0;
    }
    if (strcasecmp(name, "Content-Length") == 0)
        return take_length(connection, request, value);
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        if (strcasecmp(value, "chunked") != 0 || request->chunked || request->minor == 0)
            return refuse(connection, strcasecmp(value, "x, chunked") == 0 ? 501 : 400);
        request->chunked = true;
    }
    if (strcasecmp(name, "Connection") == 0)
        request->keep_alive = strcasecmp(value, "keep-alive") == 0 ||
                              (request->minor > 0 && (strcasecmp(value, "close") != 0 || buggy(connection, BUG_IGNORES_CLOSE)));
    if (strcasecmp(name, "Expect") == 0)
        request->expects_continue = strcasecmp(value, "100-continue") == 0;
    return 0;
}

static int parse_field(struct connection *connection, struct request *request, const char *line, size_t length, unsigned *hosts)
{
    char name[256], value[40000];
    const char *colon = memchr(line, ':', length);
    if (buggy(connection, BUG_TAKES_OBS_FOLD) && *line == ' ')
        return 0;
    if (colon == NULL || !is_token(line, (size_t)(colon - line)) || (size_t)(colon - line) >= sizeof name)
        return refuse(connection, 400);
    snprintf(name, sizeof name, "%.*s", (int)(colon - line), line);
    const char *end = line + length;
    do
        colon++;
    while (colon < end && (*colon == ' ' || *colon == '\t'));
    while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    snprintf(value, sizeof value, "%.*s", (int)(end - colon), colon);
    return take_field(connection, request, name, value, hosts);
}

static int parse_head(struct connection *connection, struct request *request)
{
    const char *line = connection->bytes, *stop = line + request->head_length - 2;
    unsigned hosts = 0, lines = 0;
    if (check_bytes(connection, request->head_length) < 0)
        return -1;
    for (; line < stop; lines++) {
        const char *end = memmem(line, (size_t)(stop - line), "\r\n", 2);
        size_t length = (size_t)(end - line);
        if (lines == 0 && parse_request_line(connection, request, line, length) < 0)
            return -1;
        if (lines == 0)
            request->keep_alive = request->minor > 0 || buggy(connection, BUG_HTTP10_STAYS_OPEN);
        else if (parse_field(connection, request, line, length, &hosts) < 0)
            return -1;
        line = end + 2;
    }
    if (lines - 1 > settings_of(connection)->max_header_lines && !buggy(connection, BUG_NO_LIMITS))
        return refuse(connection, 431);
    if (request->minor > 0 && hosts != 1)
        return refuse(connection, 400);
    if (request->chunked && request->has_length && !buggy(connection, BUG_SMUGGLES))
        return refuse(connection, 400);
    return 0;
}

/* The size limits of a head that is not whole yet: what is kept stays bounded. */
static int check_growth(struct connection *connection)
{
    const struct settings *settings = settings_of(connection);
    if (buggy(connection, BUG_NO_LIMITS) || buggy(connection, BUG_KEEPS_REFUSED_BYTES))
        return 0;
    const char *line_end = memchr(connection->bytes, '\n', connection->length);
    if (line_end == NULL && connection->length > settings->max_target + 32)
        return refuse(connection, 414);
    return connection->length > settings->max_header + settings->max_target ? refuse(connection, 431) : 0;
}

/* 0 when a whole head has come; -1 when there will be none. */
static int read_head(struct connection *connection, struct request *request)
{
    const struct settings *settings = settings_of(connection);
    uint64_t idle_ns = buggy(connection, BUG_NO_IDLE_TIMEOUT) ? 3600 * CLOCK_NS_PER_S : settings->idle_timeout_ns;
    uint64_t deadline_ns = clock_now_ns() + idle_ns;
    for (bool begun = false;;) {
        while (connection->length >= 2 && memcmp(connection->bytes, "\r\n", 2) == 0)
            drop(connection, 2);
        if (connection->length > 0 && (!begun || buggy(connection, BUG_HEADER_DEADLINE_MOVES))) {
            begun = true;
            deadline_ns = clock_now_ns() + settings->header_timeout_ns;
        }
        char *end = connection->length ? memmem(connection->bytes, connection->length, "\r\n\r\n", 4) : NULL;
        if (end != NULL) {
            request->head_length = (size_t)(end + 4 - connection->bytes);
            if (request->head_length > settings->max_header + settings->max_target && !buggy(connection, BUG_NO_LIMITS))
                return refuse(connection, 431);
            return parse_head(connection, request);
        }
        if (connection->length > 0 && (buggy(connection, BUG_NEEDS_WHOLE_HEAD) || check_growth(connection) < 0))
            return -1;
        if (read_more(connection, deadline_ns, !begun))
            continue;
        if (begun && connection->timed_out) {
            COUNT(connection, errors_timeout, 1);
            refuse(connection, 408);
        }
        connection->over = true;
        return -1;
    }
}

/* ---- the body ---- */

/* Waits until `wanted` bytes are in the buffer. */
static int need(struct connection *connection, size_t wanted, uint64_t *deadline_ns)
{
    while (connection->length < wanted) {
        if (read_more(connection, *deadline_ns, false)) {
            if (buggy(connection, BUG_BODY_DEADLINE_MOVES))
                *deadline_ns = clock_now_ns() + settings_of(connection)->body_timeout_ns;
            continue;
        }
        if (connection->timed_out) {
            COUNT(connection, errors_timeout, 1);
            return refuse(connection, 408);
        }
        connection->over = true;
        return -1;
    }
    return 0;
}

static int too_large(struct connection *connection, size_t length)
{
    return length > settings_of(connection)->max_body && !buggy(connection, BUG_NO_LIMITS) ? refuse(connection, 413) : 0;
}

static int read_sized_body(struct connection *connection, struct request *request, uint64_t *deadline_ns)
{
    if (too_large(connection, request->content_length) < 0)
        return -1;
    if (need(connection, request->content_length, deadline_ns) < 0) {
        if (!buggy(connection, BUG_TAKES_SHORT_BODY) || !connection->ended)
            return -1;
        request->content_length = connection->length;
        connection->over = false;
    }
    request->body_length = request->content_length;
    request->body = malloc(request->body_length + 1);
    if (request->body == NULL)
        abort();
    if (request->body_length > 0)
        memcpy(request->body, connection->bytes, request->body_length);
    drop(connection, request->body_length);
    return 0;
}

/* Takes one line with its CRLF; its length without it, or -1. */
static int read_line(struct connection *connection, char *line, size_t size, uint64_t *deadline_ns)
{
    for (size_t i = 0;; i++) {
        if (need(connection, i + 1, deadline_ns) < 0)
            return -1;
        if (connection->bytes[i] != '\n')
            continue;
        if (i == 0 || connection->bytes[i - 1] != '\r' || i >= size)
            return refuse(connection, 400);
        memcpy(line, connection->bytes, i - 1);
        line[i - 1] = '\0';
        drop(connection, i + 1);
        return (int)i - 1;
    }
}

static int read_chunked_body(struct connection *connection, struct request *request, uint64_t *deadline_ns)
{
    char line[256];
    for (;;) {
        if (read_line(connection, line, sizeof line, deadline_ns) < 0)
            return -1;
        size_t digits = strspn(line, "0123456789abcdefABCDEF");
        if (digits == 0 || digits > 8 || (line[digits] != '\0' && line[digits] != ';'))
            return refuse(connection, 400);
        size_t size = strtoul(line, NULL, 16);
        if (size == 0)
            break;
        if (too_large(connection, request->body_length + size) < 0 || need(connection, size + 2, deadline_ns) < 0)
            return -1;
        if (memcmp(connection->bytes + size, "\r\n", 2) != 0)
            return refuse(connection, 400);
        char *body = realloc(request->body, request->body_length + size);
        if (body == NULL)
            abort();
        memcpy(body + request->body_length, connection->bytes, size);
        request->body = body;
        request->body_length += size;
        drop(connection, size + 2);
    }
    for (int length = 1; length > 0;)
        if ((length = read_line(connection, line, sizeof line, deadline_ns)) < 0)
            return -1;
    request->body_length -= buggy(connection, BUG_CHUNKS_LOSE_A_BYTE) && request->body_length > 0;
    return 0;
}

static int read_body(struct connection *connection, struct request *request)
{
    uint64_t deadline_ns = clock_now_ns() + settings_of(connection)->body_timeout_ns;
    drop(connection, request->head_length);
    if (request->expects_continue && (request->minor > 0 || buggy(connection, BUG_ALWAYS_CONTINUE)))
        write_all(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    return request->chunked ? read_chunked_body(connection, request, &deadline_ns)
                            : read_sized_body(connection, request, &deadline_ns);
}

/* ---- services ---- */

static void unlock_for(struct connection *connection, uint64_t ns, bool occupies)
{
    pthread_mutex_t *loop = &connection->worker->loop;
    if (!occupies)
        pthread_mutex_unlock(loop);
    clock_sleep_until_ns(clock_now_ns() + ns);
    if (!occupies)
        pthread_mutex_lock(loop);
}

static void serve_time(struct connection *connection, struct request *request, const char *kind, const char *text)
{
    uint64_t ns;
    if (units_parse_time(text, strlen(text), &ns) < 0) {
        respond(connection, request, 404, "", 0);
        return;
    }
    bool wait = strcmp(kind, "wait") == 0;
    bool occupies = wait ? buggy(connection, BUG_WAIT_OCCUPIES) : !buggy(connection, BUG_BLOCK_YIELDS);
    unlock_for(connection, ns, occupies);
    if (!wait && !buggy(connection, BUG_CPU_UNCOUNTED))
        COUNT(connection, busy_ns, ns);
    respond(connection, request, 200, "done\n", 5);
}

static void serve_bytes(struct connection *connection, struct request *request, const char *text)
{
    uint64_t size;
    if (units_parse_size(text, strlen(text), &size) < 0)
        respond(connection, request, 404, "", 0);
    else
        respond(connection, request, 200, NULL, size);
}

static void serve_greeting(struct connection *connection, struct request *request)
{
    char text[64];
    unsigned index = connection->worker->index + buggy(connection, BUG_WRONG_GREETING);
    int length = snprintf(text, sizeof text, "Hello from worker %u\n", index);
    respond(connection, request, 200, text, (size_t)length);
}

static void serve_health(struct connection *connection, struct request *request)
{
    bool leaving = atomic_load(&connection->worker->draining) && !buggy(connection, BUG_ALWAYS_HEALTHY);
    respond(connection, request, leaving || buggy(connection, BUG_UNHEALTHY) ? 503 : 200, "", 0);
}

static bool serve_faults(struct connection *connection, struct request *request, const char *path, const char *argument)
{
    bool shown = (settings_of(connection)->faults || buggy(connection, BUG_FAULTS_ALWAYS)) && !buggy(connection, BUG_FAULTS_NEVER);
    if (!shown)
        return false;
    if (strcmp(path, "/crash") == 0)
        abort();
    if (strcmp(path, "/leak") == 0)
        respond(connection, request, 200, "", 0);
    else if (strcmp(path, "/stall") == 0)
        serve_time(connection, request, "stall", argument);
    else
        return false;
    return true;
}

/* "/wait/1s" becomes "/wait" and "1s". */
static const char *split_path(char *target)
{
    char *query = strchr(target, '?');
    if (query != NULL)
        *query = '\0';
    if (strncmp(target, "http://", 7) == 0) {
        char *path = strchr(target + 7, '/');
        memmove(target, path ? path : "/", strlen(path ? path : "/") + 1);
    }
    char *slash = strlen(target) > 1 ? strchr(target + 1, '/') : NULL;
    if (slash == NULL)
        return "";
    *slash = '\0';
    return slash + 1;
}

static bool is_method(const struct request *request, const char *one, const char *other)
{
    return strcmp(request->method, one) == 0 || strcmp(request->method, other) == 0;
}

static void serve(struct connection *connection, struct request *request)
{
    const char *argument = split_path(request->target), *path = request->target;
    bool plain = strcmp(path, "/") == 0 || (strcmp(path, "/hello") == 0 && *argument == '\0');
    bool timed = strcmp(path, "/wait") == 0 || strcmp(path, "/block") == 0 || strcmp(path, "/cpu") == 0;
    bool bytes = strcmp(path, "/bytes") == 0, health = strcmp(path, "/healthz") == 0;
    if (strcmp(path, "*") == 0)
        respond(connection, request, is_method(request, "OPTIONS", "OPTIONS") ? 200 : 400, "", 0);
    else if (strcmp(path, "/echo") == 0 && is_method(request, "POST", "PUT"))
        respond(connection, request, 200, request->body ? request->body : "",
                request->body_length - (buggy(connection, BUG_ECHO_LOSES_A_BYTE) && request->body_length > 0));
    else if (is_method(request, "CONNECT", "TRACE") || ((plain || timed || bytes || health) && !is_method(request, "GET", "HEAD")))
        respond(connection, request, 405, "", 0);
    else if (plain)
        serve_greeting(connection, request);
    else if (health)
        serve_health(connection, request);
    else if (timed)
        serve_time(connection, request, path + 1, argument);
    else if (bytes)
        serve_bytes(connection, request, argument);
    else if (!serve_faults(connection, request, path, argument))
        respond(connection, request, buggy(connection, BUG_UNKNOWN_IS_FINE) ? 200 : 404, "", 0);
}

/* In a drain, what has arrived is still answered. */
static bool is_last(const struct connection *connection)
{
    char byte;
    bool more = connection->length > 0 || recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    return atomic_load(&connection->worker->draining) && (!more || buggy(connection, BUG_DRAIN_DROPS_PIPELINED));
}

static void serve_next(struct connection *connection)
{
    struct request request = {0};
    if (read_head(connection, &request) < 0)
        return;
    if (read_body(connection, &request) == 0) {
        pthread_mutex_lock(&connection->worker->loop);
        COUNT(connection, requests, 1 + buggy(connection, BUG_COUNTS_TWICE));
        if (is_last(connection) || buggy(connection, BUG_CLOSES_AFTER_ONE))
            request.keep_alive = false;
        serve(connection, &request);
        pthread_mutex_unlock(&connection->worker->loop);
        connection->over |= !request.keep_alive;
        if (buggy(connection, BUG_DROPS_PIPELINED))
            connection->length = 0;
    }
    free(request.body);
}

static void *serve_connection(void *argument)
{
    struct connection *connection = argument;
    struct worker *worker = connection->worker;
    while (!connection->over)
        serve_next(connection);
    if (!has_bug(worker->settings, BUG_LEAKS_DESCRIPTORS))
        close(connection->fd);
    free(connection->bytes);
    free(connection);
    atomic_fetch_sub(&worker->slot->counters.active, 1);
    atomic_fetch_sub(&worker->active, 1);
    return NULL;
}

int stand_in_accepted(struct worker *worker, int fd)
{
    pthread_t thread;
    pthread_attr_t detached;
    struct connection *connection = calloc(1, sizeof *connection);
    int send_buffer = 65536; /* of a large one a third must be free before poll(2) tells that a slow client took anything */
    if (connection == NULL || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer) != 0)
        return free(connection), close(fd), -ENOMEM;
    connection->worker = worker;
    connection->fd = fd;
    atomic_fetch_add(&worker->slot->counters.accepted, 1);
    atomic_fetch_add(&worker->slot->counters.active, 1);
    atomic_fetch_add(&worker->active, 1);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &detached, serve_connection, connection);
    pthread_attr_destroy(&detached);
    if (error == 0)
        return 0;
    atomic_fetch_sub(&worker->active, 1);
    close(fd);
    free(connection);
    return -error;
}
