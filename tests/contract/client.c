/*
 * The raw client: a non-blocking socket, one growing buffer, poll(2) with a deadline for everything.
 *
 * It is strict about what comes back, because it is the judge: a response must have a well-formed status line, CRLF line ends and
 * one way of ending its body. It is lenient about when: only the contract's patience ends a wait.
 */
#include "client.h"
#include "server_process.h"
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_AT_ONCE (64 * 1024)

static uint64_t deadline_of(const struct client *client)
{
    return now_ns() + client->contract->patience_ns;
}

static void remember_sent(struct client *client, const char *bytes, size_t length)
{
    client->contract->last = client;
    if (length > CLIENT_SENT_KEPT) {
        bytes += length - CLIENT_SENT_KEPT;
        length = CLIENT_SENT_KEPT;
    }
    if (client->sent_length + length > CLIENT_SENT_KEPT) {
        size_t drop = client->sent_length + length - CLIENT_SENT_KEPT;
        memmove(client->sent, client->sent + drop, client->sent_length - drop);
        client->sent_length -= drop;
    }
    memcpy(client->sent + client->sent_length, bytes, length);
    client->sent_length += length;
}

struct client *client_try_address(struct contract *contract, const struct sockaddr_storage *address, socklen_t length,
                                  int receive_buffer)
{
    int one = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(contract, fd >= 0, "socket: %s", strerror(errno));
    if (receive_buffer && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) != 0)
        goto failed;
    if (connect(fd, (const struct sockaddr *)address, length) != 0)
        goto failed;
    if (address->ss_family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        goto failed;
    struct client *client = calloc(1, sizeof *client);
    CHECK(contract, client != NULL, "out of memory");
    client->contract = contract;
    client->fd = fd;
    list_append(&contract->clients, &client->link);
    return client;
failed:
    close(fd);
    return NULL;
}

struct client *client_try_open(struct contract *contract, const struct server *server)
{
    return client_try_address(contract, &server->address, server->address_length, 0);
}

struct client *client_open(struct contract *contract, const struct server *server)
{
    struct client *client = client_try_open(contract, server);
    CHECK(contract, client != NULL, "cannot connect to %s: %s", server->url, strerror(errno));
    return client;
}

struct client *client_open_narrow(struct contract *contract, const struct server *server, int bytes)
{
    struct client *client = client_try_address(contract, &server->address, server->address_length, bytes);
    CHECK(contract, client != NULL, "cannot connect to %s: %s", server->url, strerror(errno));
    return client;
}

static void make_room(struct client *client)
{
    if (client->taken > client->length / 2) {
        memmove(client->received, client->received + client->taken, client->length - client->taken);
        client->length -= client->taken;
        client->taken = 0;
    }
    if (client->capacity - client->length > READ_AT_ONCE)
        return;
    client->capacity = client->capacity * 2 + 2 * READ_AT_ONCE;
    client->received = realloc(client->received, client->capacity);
    CHECK(client->contract, client->received != NULL, "out of memory");
}

/* One read of at most `most` bytes. True when something came, an end included. */
static bool read_once(struct client *client, size_t most)
{
    ssize_t n = recv(client->fd, client->received + client->length, most, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        client->ended = true;
        client->error = n < 0 ? errno : 0;
        return true;
    }
    client->length += (size_t)n;
    client->received_total += (uint64_t)n;
    return true;
}

/* Takes in what waits in the socket. True when something came, an end included. */
static bool read_some(struct client *client)
{
    bool came = false, more = true;
    while (!client->ended && more) {
        make_room(client);
        more = read_once(client, client->capacity - client->length - 1);
        came |= more;
    }
    return came;
}

void client_take_some(struct client *client, size_t most)
{
    make_room(client);
    if (!client->ended)
        read_once(client, most < READ_AT_ONCE ? most : READ_AT_ONCE);
}

/* Waits for `events` or bytes to read; false at the deadline. */
static bool wait_for(struct client *client, short events, uint64_t deadline_ns)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = events};
    for (;;) {
        int n = poll(&poll_fd, 1, milliseconds_until(deadline_ns));
        if (n > 0)
            return true;
        if (n == 0)
            return false;
        CHECK(client->contract, errno == EINTR, "poll: %s", strerror(errno));
    }
}

long client_send_some(struct client *client, const void *bytes, size_t length)
{
    ssize_t n = send(client->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
        remember_sent(client, bytes, (size_t)n);
        return n;
    }
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return -1;
}

bool client_send(struct client *client, const void *bytes, size_t length)
{
    const char *next = bytes;
    uint64_t deadline_ns = deadline_of(client);
    while (length > 0) {
        long n = client_send_some(client, next, length);
        if (n < 0)
            return false;
        next += n;
        length -= (size_t)n;
        if (n > 0)
            continue;
        CHECK(client->contract, wait_for(client, POLLIN | POLLOUT, deadline_ns), "the server took no bytes for the whole patience");
        read_some(client);
        if (client->ended)
            return false;
    }
    return true;
}

bool client_print(struct client *client, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CHECK(client->contract, length >= 0 && (size_t)length < sizeof text, "the suite's own request is too long");
    return client_send(client, text, (size_t)length);
}

void client_shutdown_write(struct client *client)
{
    CHECK(client->contract, shutdown(client->fd, SHUT_WR) == 0, "shutdown: %s", strerror(errno));
}

bool client_stirs(struct client *client, int milliseconds)
{
    client->contract->last = client;
    if (!client->ended && client->taken == client->length && wait_for(client, POLLIN, now_ns() + (uint64_t)milliseconds * MS))
        read_some(client);
    return client->ended || client->taken < client->length;
}

bool client_wait_end(struct client *client, uint64_t deadline_ns)
{
    client->contract->last = client;
    while (!client->ended) {
        if (!wait_for(client, POLLIN, deadline_ns))
            return false;
        read_some(client);
    }
    return true;
}

void client_expect_end(struct client *client, const char *why)
{
    bool ended = client_wait_end(client, deadline_of(client));
    CHECK(client->contract, client->taken == client->length, "bytes came where the connection should have ended (%s)", why);
    CHECK(client->contract, ended, "the server did not end the connection (%s)", why);
}

/* ---- parsing ---- */

bool response_field(const struct response *response, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);
    const char *line = memchr(response->head, '\n', response->head_length);
    const char *end = response->head + response->head_length;
    for (; line != NULL && line + 1 < end; line = memchr(line + 1, '\n', (size_t)(end - line - 1))) {
        const char *field = line + 1;
        const char *stop = memchr(field, '\r', (size_t)(end - field));
        if (stop == NULL || (size_t)(stop - field) <= name_length || field[name_length] != ':' ||
            strncasecmp(field, name, name_length) != 0)
            continue;
        field += name_length + 1;
        while (field < stop && (*field == ' ' || *field == '\t'))
            field++;
        while (stop > field && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        snprintf(value, size, "%.*s", (int)(stop - field), field);
        return true;
    }
    return false;
}

static int parse_head(struct client *client, struct response *response, const char *text, size_t length)
{
    char value[64];
    int consumed = 0;
    memset(response, 0, sizeof *response);
    response->head = text;
    response->head_length = length;
    if (sscanf(text, "HTTP/1.%1d %3d%n", &response->minor_version, &response->status, &consumed) != 2 || consumed != 12 ||
        (text[12] != ' ' && text[12] != '\r'))
        contract_fail(client->contract, __FILE__, __LINE__, "the status line is not one of HTTP/1");
    response->worker = response_field(response, "X-Worker", value, sizeof value) ? atoi(value) : -1;
    response->chunked = response_field(response, "Transfer-Encoding", value, sizeof value) && strcasecmp(value, "chunked") == 0;
    bool named = response_field(response, "Connection", value, sizeof value);
    response->keep_alive =
        response->minor_version == 1 ? !(named && strcasecmp(value, "close") == 0) : named && strcasecmp(value, "keep-alive") == 0;
    return response->status;
}

/* Decodes a chunked body in place. Bytes consumed, 0 when it is not whole yet, -1 for nonsense. */
static long decode_chunks(char *body, size_t length, size_t *decoded)
{
    size_t at = 0, out = 0;
    for (;;) {
        char *line_end = memmem(body + at, length - at, "\r\n", 2);
        if (line_end == NULL)
            return 0;
        char *stop;
        unsigned long size = strtoul(body + at, &stop, 16);
        if (stop == body + at || (*stop != '\r' && *stop != ';') || size > length)
            return size > length ? 0 : -1;
        size_t data = (size_t)(line_end - body) + 2;
        if (length < data + size + 2)
            return 0;
        if (size > 0 && memcmp(body + data + size, "\r\n", 2) != 0)
            return -1;
        if (size == 0) {
            char *end = memmem(body + data - 2, length - data + 2, "\r\n\r\n", 4);
            *decoded = out;
            return end == NULL ? 0 : end + 4 - body;
        }
        memmove(body + out, body + data, size);
        out += size;
        at = data + size + 2;
    }
}

/*
 * The bytes that a chunked body takes, decoded to *size bytes; 0 when more must come. A copy is decoded until it is whole, so that
 * a partial body stays as it came.
 */
static long take_chunks(struct client *client, char *body, size_t waiting, size_t *size)
{
    char *copy = malloc(waiting + 1);
    CHECK(client->contract, copy != NULL, "out of memory");
    memcpy(copy, body, waiting);
    long consumed = decode_chunks(copy, waiting, size);
    if (consumed > 0)
        memcpy(body, copy, *size);
    free(copy);
    CHECK(client->contract, consumed >= 0, "the chunks of the response's body are malformed");
    return consumed;
}

/* Takes the body when it is whole; 0 when more must come, else 1. RFC 9112 6.3 */
static int parse_body(struct client *client, struct response *response)
{
    char value[64];
    char *body = client->received + client->taken + response->head_length;
    size_t waiting = client->length - client->taken - response->head_length, size = 0;
    bool none = client->no_body || response->status == 204 || response->status == 304;
    long consumed = 0;
    if (!none && response->chunked) {
        consumed = take_chunks(client, body, waiting, &size);
        if (consumed == 0)
            return 0;
    } else if (!none) {
        response->until_close = !response_field(response, "Content-Length", value, sizeof value);
        size = response->until_close ? waiting : strtoul(value, NULL, 10);
        consumed = (long)size;
        if (waiting < size || (response->until_close && !client->ended))
            return 0;
    }
    client->no_body = false;
    response->body = body;
    response->body_length = size;
    client->taken += response->head_length + (size_t)consumed;
    return 1;
}

/* 1 and the response when it is whole; 0 when more must come. */
static int parse_response(struct client *client, struct response *response)
{
    for (;;) {
        if (client->taken == client->length)
            return 0;
        char *text = client->received + client->taken;
        client->received[client->length] = '\0';
        char *end = memmem(text, client->length - client->taken, "\r\n\r\n", 4);
        if (end == NULL)
            return 0;
        int status = parse_head(client, response, text, (size_t)(end + 4 - text));
        response->interim = client->interim;
        if (status >= 200 || status == 101) {
            int whole = parse_body(client, response);
            client->interim = whole ? 0 : client->interim;
            return whole;
        }
        client->interim++;
        client->taken += response->head_length;
    }
}

enum client_outcome client_await(struct client *client, struct response *response, uint64_t deadline_ns)
{
    client->contract->last = client;
    for (;;) {
        if (parse_response(client, response)) {
            client->contract->answered = true;
            return CLIENT_WHOLE;
        }
        if (client->ended)
            return CLIENT_ENDED;
        if (!wait_for(client, POLLIN, deadline_ns))
            return CLIENT_LATE;
        read_some(client);
    }
}

bool client_try_receive(struct client *client, struct response *response)
{
    enum client_outcome outcome = client_await(client, response, deadline_of(client));
    CHECK(client->contract, outcome != CLIENT_LATE, "no whole response within the patience");
    return outcome == CLIENT_WHOLE;
}

void client_receive(struct client *client, struct response *response)
{
    bool whole = client_try_receive(client, response);
    CHECK(client->contract, whole, "the connection ended (%s) before a whole response came",
          client->error ? strerror(client->error) : "closed");
}

void client_expect(struct client *client, int status, struct response *response)
{
    client_receive(client, response);
    CHECK(client->contract, response->status == status, "status %d, wanted %d", response->status, status);
}

void client_get(struct client *client, const char *path, int status, struct response *response)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    client_expect(client, status, response);
}

bool response_body_is(const struct response *response, const char *text)
{
    return response->body_length == strlen(text) && memcmp(response->body, text, response->body_length) == 0;
}

bool response_is_greeting(const struct response *response)
{
    char wanted[64], with_newline[72];
    snprintf(wanted, sizeof wanted, "Hello from worker %d", response->worker);
    snprintf(with_newline, sizeof with_newline, "%s\n", wanted);
    return response_body_is(response, wanted) || response_body_is(response, with_newline);
}

/* ---- ends ---- */

static void forget(struct client *client)
{
    if (client->contract->last == client)
        client->contract->last = NULL;
    list_remove(&client->link);
    free(client->received);
    free(client);
}

void client_close(struct client *client)
{
    close(client->fd);
    forget(client);
}

void client_reset(struct client *client)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
        print_error("SO_LINGER: %s\n", strerror(errno));
    client_close(client);
}

void client_close_all(struct contract *contract)
{
    while (!list_empty(&contract->clients))
        client_close(list_entry(contract->clients.next, struct client, link));
}

static void print_escaped(const char *label, const char *bytes, size_t length, bool cut)
{
    char line[4 * CLIENT_SENT_KEPT + 8];
    size_t at = 0;
    for (size_t i = 0; i < length && i < CLIENT_SENT_KEPT; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\r' || c == '\n' || c == '\t')
            at += (size_t)sprintf(line + at, "\\%c", c == '\r' ? 'r' : c == '\n' ? 'n' : 't');
        else if (isprint(c))
            line[at++] = (char)c;
        else
            at += (size_t)sprintf(line + at, "\\x%02x", c);
    }
    line[at] = '\0';
    print_error("  %s: \"%s\"%s\n", label, line, cut || length > CLIENT_SENT_KEPT ? " (shortened)" : "");
}

void client_print_sent(const struct client *client)
{
    print_escaped("sent", client->sent, client->sent_length, client->sent_length == CLIENT_SENT_KEPT);
}

void client_print_exchange(const struct client *client)
{
    size_t from = client->taken > 256 ? client->taken - 256 : 0;
    client_print_sent(client);
    print_escaped("came back", client->received ? client->received + from : "", client->length - from, from > 0);
    if (client->ended)
        print_error("  then the connection ended: %s\n", client->error ? strerror(client->error) : "closed");
    else
        print_error("  the connection is still open\n");
}
