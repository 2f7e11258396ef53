/* fetch: sockets are non-blocking, every wait is a poll(2) up to the deadline. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/response_parser.h"

#include "fetch.h"
#include "text.h"

#define BODY_LIMIT (16u << 20)
#define READ_SIZE  16384
#define STOPS_MOST 4

struct exchange {
    const struct fetch_request *request;
    struct fetch_answer *answer;
    size_t room; /* of the body */
    int fd;
};

int fetch_parse_address(const char *text, struct net_address *address)
{
    static const char scheme[] = "http://";
    bool is_url = strncmp(text, scheme, sizeof(scheme) - 1) == 0;
    char *copy = text_copy(is_url ? text + sizeof(scheme) - 1 : text);
    size_t length = strlen(copy);
    bool is_unix = strncmp(copy, "unix:", 5) == 0;
    if (is_url && length && copy[length - 1] == '/')
        copy[--length] = '\0';
    if (is_url && is_unix && copy[length - 1] == ':') /* http://unix:PATH: */
        copy[--length] = '\0';
    int result = net_parse_address(copy, address);
    free(copy);
    return result;
}

/* 0 when the socket may be ready: the call that follows tells. */
static int wait_ready(const struct exchange *exchange, short events)
{
    const struct fetch_request *request = exchange->request;
    uint64_t now_ns = clock_now_ns();
    struct pollfd fds[1 + STOPS_MOST] = {{.fd = exchange->fd, .events = events}};
    for (unsigned i = 0; i < request->stop_count; i++)
        fds[1 + i] = (struct pollfd){.fd = request->stop_fds[i], .events = POLLIN};
    int ready = poll(fds, 1 + request->stop_count,
                     request->deadline_ns > now_ns ? (int)((request->deadline_ns - now_ns) / CLOCK_NS_PER_MS) + 1 : 0);
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    for (unsigned i = 0; i < request->stop_count; i++)
        if (fds[1 + i].revents)
            return -EINTR;
    return ready || clock_now_ns() < request->deadline_ns ? 0 : -ETIMEDOUT;
}

static int open_connection(struct exchange *exchange, const struct net_address *address)
{
    bool in_progress;
    exchange->fd = net_connect_start(address, NULL, &in_progress);
    if (exchange->fd < 0)
        return exchange->fd;
    int result = in_progress ? wait_ready(exchange, POLLOUT) : 0;
    return result ? result : net_connect_result(exchange->fd);
}

static char *request_text(const struct fetch_request *request, const struct net_address *address)
{
    char host[NET_TEXT_SIZE];
    bool posts = strcmp(request->method, "POST") == 0;
    char *token = request->token ? text_print("Authorization: Bearer %s\r\n", request->token) : text_copy("");
    char *text = text_print("%s %s HTTP/1.1\r\nHost: %s\r\n%s%sConnection: close\r\n\r\n", request->method, request->target,
                            net_is_unix(address) ? "localhost" : net_format_address(address, true, host), token,
                            posts ? "Content-Length: 0\r\n" : "");
    free(token);
    return text;
}

static int send_request(const struct exchange *exchange, const char *text)
{
    size_t length = strlen(text), sent = 0;
    int result = 0;
    while (!result && sent < length) {
        ssize_t wrote = send(exchange->fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (wrote > 0)
            sent += (size_t)wrote;
        else
            result = errno == EAGAIN || errno == EINTR ? wait_ready(exchange, POLLOUT) : -errno;
    }
    return result;
}

static int take_body(void *context, struct slice piece)
{
    struct exchange *exchange = context;
    struct fetch_answer *answer = exchange->answer;
    if (answer->length + piece.length > BODY_LIMIT)
        return -EMSGSIZE;
    if (answer->length + piece.length + 1 > exchange->room) {
        exchange->room = 2 * (answer->length + piece.length + 1);
        answer->body = memory_grow(answer->body, exchange->room);
    }
    memcpy(answer->body + answer->length, piece.at, piece.length);
    answer->length += piece.length;
    return 0;
}

static int feed(struct response_parser *parser, const char *data, ssize_t length)
{
    if (length == 0)
        return response_parser_finish(parser) == 0 ? 0 : -ECONNRESET;
    ssize_t taken = response_parser_feed(parser, data, (size_t)length);
    return taken == -EMSGSIZE ? -EMSGSIZE : taken < 0 ? -EPROTO : 0;
}

static int read_answer(struct exchange *exchange)
{
    static const struct response_events events = {.on_body = take_body, .only = {"", 0}};
    struct response_parser parser;
    char data[READ_SIZE];
    int result = 0;
    response_parser_init(&parser, &events, exchange);
    response_parser_begin(&parser, false);
    while (!result && parser.stage != RESPONSE_COMPLETE) {
        ssize_t got = recv(exchange->fd, data, sizeof(data), 0);
        if (got >= 0)
            result = feed(&parser, data, got);
        else
            result = errno == EAGAIN || errno == EINTR ? wait_ready(exchange, POLLIN) : -errno;
    }
    exchange->answer->status = parser.head.status;
    response_parser_close(&parser);
    return result;
}

int fetch(const struct net_address *address, const struct fetch_request *request, struct fetch_answer *answer)
{
    struct exchange exchange = {.request = request, .answer = answer, .room = 1, .fd = -1};
    *answer = (struct fetch_answer){.body = memory_get(1)};
    int result = open_connection(&exchange, address);
    if (!result) {
        char *text = request_text(request, address);
        result = send_request(&exchange, text);
        free(text);
    }
    if (!result)
        result = read_answer(&exchange);
    if (exchange.fd >= 0)
        close(exchange.fd);
    answer->body[answer->length] = '\0';
    if (result) {
        free(answer->body);
        answer->body = NULL;
    }
    return result;
}
