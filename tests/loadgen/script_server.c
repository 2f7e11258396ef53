/*
 * One thread, one poll(2), blocking writes of short answers. Requests are taken apart by hand: this must not share a parser,
 * and so not its errors, with the program under test.
 */
#include "script_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum outcome { KEEP, CLOSE, RESET, SILENT };

struct answer {
    struct script_server *server;
    struct script_client *client;
    bool is_head;
};

static void check(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

/* A peer that has gone away is part of the script. */
static void say(const struct answer *answer, const char *text)
{
    ssize_t written = send(answer->client->fd, text, strlen(text), MSG_NOSIGNAL);
    (void)written;
}

static void say_head(const struct answer *answer, unsigned status, const char *fields)
{
    char text[512];
    snprintf(text, sizeof(text), "HTTP/1.1 %u Scripted\r\nX-Worker: %u\r\n%s\r\n", status, answer->client->number % SCRIPT_WORKERS,
             fields);
    say(answer, text);
}

/* In one write, as real servers do it. */
static void say_ok(const struct answer *answer, unsigned status, const char *field)
{
    char text[512];
    snprintf(text, sizeof(text), "HTTP/1.1 %u Scripted\r\nX-Worker: %u\r\n%sContent-Length: 5\r\n\r\n%s", status,
             answer->client->number % SCRIPT_WORKERS, field, answer->is_head ? "" : "hello");
    say(answer, text);
}

static enum outcome play_ok(const struct answer *answer)
{
    say_ok(answer, 200, "");
    return KEEP;
}

static enum outcome play_status(const struct answer *answer)
{
    const char *slash = strstr(answer->client->request, "/status/");
    say_ok(answer, (unsigned)atoi(slash + strlen("/status/")), "");
    return KEEP;
}

static enum outcome play_chunked(const struct answer *answer)
{
    say_head(answer, 200, "Transfer-Encoding: chunked\r\n");
    say(answer, answer->is_head ? "" : "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n");
    return KEEP;
}

static enum outcome play_until_close(const struct answer *answer)
{
    say_head(answer, 200, "");
    say(answer, "all of it");
    return CLOSE;
}

static enum outcome play_last(const struct answer *answer)
{
    say_ok(answer, 200, "Connection: close\r\n");
    return CLOSE;
}

static enum outcome play_cookie(const struct answer *answer)
{
    bool knows = strstr(answer->server->last_request, "\r\nCookie: id=7\r\n") != NULL;
    answer->server->cookies_seen += knows;
    say_ok(answer, 200, knows ? "" : "Set-Cookie: id=7; Path=/\r\n");
    return KEEP;
}

static enum outcome play_refuse(const struct answer *answer)
{
    say_ok(answer, 413, "Connection: close\r\n");
    return CLOSE;
}

static enum outcome play_pieces(const struct answer *answer)
{
    char text[256], piece[2] = "";
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nX-Worker: %u\r\nContent-Length: 5\r\n\r\nhello",
             answer->client->number % SCRIPT_WORKERS);
    for (const char *at = text; *at; at++) {
        piece[0] = *at;
        say(answer, piece);
    }
    return KEEP;
}

static enum outcome play_interim(const struct answer *answer)
{
    say(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    return play_ok(answer);
}

static enum outcome play_nameless(const struct answer *answer)
{
    say(answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return KEEP;
}

static enum outcome play_hints(const struct answer *answer)
{
    say(answer, "HTTP/1.1 103 Early Hints\r\nX-Worker: 99\r\n\r\n");
    return play_nameless(answer);
}

static enum outcome play_strange(const struct answer *answer)
{
    say(answer, "HTTP/1.1 200 OK\r\nX-Worker: caf\xe9\r\nContent-Length: 0\r\n\r\n");
    return KEEP;
}

static enum outcome play_silent(const struct answer *answer)
{
    (void)answer;
    return SILENT;
}

static enum outcome play_reset(const struct answer *answer)
{
    (void)answer;
    return RESET;
}

static enum outcome play_cut(const struct answer *answer)
{
    say_head(answer, 200, "Content-Length: 10\r\n");
    say(answer, "hello");
    return CLOSE;
}

static enum outcome play_garbage(const struct answer *answer)
{
    say(answer, "220 mail.example ESMTP\r\n");
    return KEEP;
}

static enum outcome play_surplus(const struct answer *answer)
{
    say(answer, "HTTP/1.1 200 OK\r\nX-Worker: 0\r\nContent-Length: 5\r\n\r\nhello, and more");
    return KEEP;
}

static enum outcome play_stall(const struct answer *answer)
{
    if (answer->server->requests == 100)
        clock_sleep_until_ns(clock_now_ns() + SCRIPT_STALL_MS * CLOCK_NS_PER_MS);
    return play_ok(answer);
}

static enum outcome play_third(const struct answer *answer)
{
    return answer->client->served % 3 == 0 ? play_last(answer) : play_ok(answer);
}

static enum outcome play_drop_third(const struct answer *answer)
{
    play_ok(answer);
    return answer->client->served % 3 == 0 ? CLOSE : KEEP;
}

static bool is_second(const struct answer *answer)
{
    return answer->client->served % 2 == 0;
}

static enum outcome play_second_leaves(const struct answer *answer)
{
    return is_second(answer) ? CLOSE : play_ok(answer);
}

static enum outcome play_second_resets(const struct answer *answer)
{
    return is_second(answer) ? RESET : play_ok(answer);
}

static enum outcome play_second_hints(const struct answer *answer)
{
    if (!is_second(answer))
        return play_ok(answer);
    say(answer, "HTTP/1.1 103 Early Hints\r\n\r\n");
    return RESET;
}

static enum outcome play_hang_first(const struct answer *answer)
{
    return answer->client->number == 0 ? SILENT : play_ok(answer);
}

/* The number behind the second slash of the target. */
static void wait_as_asked(const struct answer *answer)
{
    const char *target = strchr(answer->client->request, '/');
    uint64_t pause_ms = strtoul(strchr(target + 1, '/') + 1, NULL, 10);
    clock_sleep_until_ns(clock_now_ns() + pause_ms * CLOCK_NS_PER_MS);
}

static enum outcome play_slow(const struct answer *answer)
{
    wait_as_asked(answer);
    return play_ok(answer);
}

static enum outcome play_halves(const struct answer *answer)
{
    say_head(answer, 200, "Content-Length: 5\r\n");
    say(answer, "he");
    wait_as_asked(answer);
    say(answer, "llo");
    return KEEP;
}

static const struct {
    const char *prefix;
    enum outcome (*play)(const struct answer *);
} scripts[] = {
    {"/status/", play_status},
    {"/chunked", play_chunked},
    {"/until-close", play_until_close},
    {"/last", play_last},
    {"/pieces", play_pieces},
    {"/interim", play_interim},
    {"/nameless", play_nameless},
    {"/hints", play_hints},
    {"/strange", play_strange},
    {"/silent", play_silent},
    {"/reset", play_reset},
    {"/cut", play_cut},
    {"/garbage", play_garbage},
    {"/surplus", play_surplus},
    {"/stall", play_stall},
    {"/third", play_third},
    {"/drop-third", play_drop_third},
    {"/hang-first", play_hang_first},
    {"/second-leaves", play_second_leaves},
    {"/second-resets", play_second_resets},
    {"/second-hints", play_second_hints},
    {"/slow/", play_slow},
    {"/halves/", play_halves},
    {"/refuse", play_refuse},
    {"/cookie", play_cookie},
    {"/", play_ok},
};

/* ---- connections ---- */

static void drop(struct script_client *client, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        check(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0, "SO_LINGER");
    close(client->fd);
    client->fd = -1;
}

static void remember(struct script_server *server, const struct script_client *client, const char *target, size_t whole)
{
    int length = (int)strcspn(target, " ");
    if (server->requests < SCRIPT_REQUESTS_MAX)
        snprintf(server->targets[server->requests], SCRIPT_TARGET_SIZE, "%.*s", length, target);
    memcpy(server->last_request, client->request, whole);
    server->last_request[whole] = '\0';
    server->closes_seen += strcasestr(server->last_request, "\r\nConnection: close") != NULL;
    server->requests++;
    server->worker_requests[client->number % SCRIPT_WORKERS]++;
}

/* The request at the front of the buffer, which is `whole` bytes long. */
static enum outcome play(struct script_server *server, struct script_client *client, size_t whole)
{
    const char *target = strchr(client->request, ' ');
    check(target != NULL, "a request without a target");
    target++;
    remember(server, client, target, whole);
    client->served++;
    const struct answer answer = {server, client, strncmp(client->request, "HEAD ", 5) == 0};
    unsigned i = 0;
    while (strncmp(target, scripts[i].prefix, strlen(scripts[i].prefix)) != 0)
        i++;
    return scripts[i].play(&answer);
}

/* Bytes of the request at the front of the buffer, 0 while it is not whole. One that is refused is never read to its end. */
static size_t request_length(const struct script_client *client)
{
    const char *end = strstr(client->request, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strcasestr(client->request, "\r\nContent-Length: ");
    size_t length = (size_t)(end + 4 - client->request) + (field && field < end ? strtoul(field + 18, NULL, 10) : 0);
    if (strncmp(strchrnul(client->request, ' '), " /refuse", strlen(" /refuse")) == 0)
        return length < client->length ? length : client->length;
    return length <= client->length ? length : 0;
}

/* Holds answers back until all of them are written. A unix socket has no such thing, and needs none. */
static void cork(const struct script_client *client, int on)
{
    int ignored = setsockopt(client->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
    (void)ignored;
}

static void play_all(struct script_server *server, struct script_client *client)
{
    enum outcome outcome = KEEP;
    size_t whole = request_length(client);
    bool together = whole > 0 && whole < client->length;
    if (together)
        cork(client, 1);
    for (; whole > 0 && outcome != CLOSE && outcome != RESET; whole = request_length(client)) {
        outcome = play(server, client, whole);
        client->length -= whole;
        memmove(client->request, client->request + whole, client->length + 1);
    }
    if (together)
        cork(client, 0);
    if (outcome == CLOSE || outcome == RESET)
        drop(client, outcome == RESET);
}

static void read_client(struct script_server *server, struct script_client *client)
{
    ssize_t length = recv(client->fd, client->request + client->length, sizeof(client->request) - 1 - client->length, MSG_DONTWAIT);
    if (length <= 0) {
        drop(client, false);
        return;
    }
    server->reads++;
    client->length += (size_t)length;
    client->request[client->length] = '\0';
    play_all(server, client);
}

static void take_client(struct script_server *server)
{
    int fd = net_accept(server->listener);
    if (fd < 0)
        return;
    for (unsigned i = 0; i < SCRIPT_CONNECTIONS; i++) {
        struct script_client *client = &server->clients[i];
        if (client->fd >= 0)
            continue;
        *client = (struct script_client){.fd = fd, .number = server->connections++};
        if (client->number < SCRIPT_PEERS_MAX)
            check(net_peer_address(fd, &server->peers[client->number]) == 0, "peer");
        server->worker_connections[client->number % SCRIPT_WORKERS]++;
        return;
    }
    check(false, "more connections than the script server holds");
}

static void *serve(void *argument)
{
    struct script_server *server = argument;
    for (;;) {
        struct pollfd fds[SCRIPT_CONNECTIONS + 2];
        fds[0] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        for (unsigned i = 0; i < SCRIPT_CONNECTIONS; i++)
            fds[i + 2] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
        check(poll(fds, SCRIPT_CONNECTIONS + 2, -1) >= 0, "poll");
        if (fds[0].revents)
            return NULL;
        for (unsigned i = 0; i < SCRIPT_CONNECTIONS; i++)
            if (fds[i + 2].revents)
                read_client(server, &server->clients[i]);
        if (fds[1].revents)
            take_client(server);
    }
}

void script_server_adopt(struct script_server *server, int listener)
{
    struct net_address address;
    *server = (struct script_server){.listener = listener, .stop_fd = eventfd(0, EFD_CLOEXEC)};
    check(server->stop_fd >= 0 && net_local_address(server->listener, &address) == 0, "listener");
    net_format_url(&address, server->url);
    server->clients = calloc(SCRIPT_CONNECTIONS, sizeof(*server->clients));
    server->targets = calloc(SCRIPT_REQUESTS_MAX, sizeof(*server->targets));
    server->peers = calloc(SCRIPT_PEERS_MAX, sizeof(*server->peers));
    check(server->clients && server->targets && server->peers, "memory");
    for (unsigned i = 0; i < SCRIPT_CONNECTIONS; i++)
        server->clients[i].fd = -1;
    check(pthread_create(&server->thread, NULL, serve, server) == 0, "thread");
}

void script_server_start(struct script_server *server, const char *text)
{
    struct net_address address;
    check(net_parse_address(text, &address) == 0, text);
    int listener = net_listen(&address, 0, 512);
    check(listener >= 0, text);
    script_server_adopt(server, listener);
}

void script_server_stop(struct script_server *server)
{
    uint64_t one = 1;
    check(write(server->stop_fd, &one, sizeof(one)) == sizeof(one), "stop");
    check(pthread_join(server->thread, NULL) == 0, "join");
    for (unsigned i = 0; i < SCRIPT_CONNECTIONS; i++)
        if (server->clients[i].fd >= 0)
            drop(&server->clients[i], false);
    close(server->listener);
    close(server->stop_fd);
}

void script_server_free(struct script_server *server)
{
    free(server->clients);
    free(server->targets);
    free(server->peers);
}
