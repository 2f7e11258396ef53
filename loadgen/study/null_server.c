/*
 * --selftest: how fast is the generator alone? A server that does next to nothing answers it, in this process, and is gone before
 * the run begins.
 *
 * The server finds the ends of requests (heads end with an empty line, bodies have the length their head gives) and sends the same
 * bytes for each, as many answers in one write as requests came in one read. One thread: where the generator has several, what they
 * reach is at least what is measured here.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "loadgen/study/study.h"

#define BACKLOG       4096
#define EVENTS_A_TURN 128
#define READ_SIZE     65536
#define LINE_KEPT     40 /* "Content-Length: " and its number */
#define ANSWERS       64 /* a write can have */
#define WARMUP_NS     (100 * CLOCK_NS_PER_MS)

#define ANSWER        "HTTP/1.1 200 OK\r\nX-Worker: 0\r\nContent-Length: 2\r\n\r\nok"
#define ANSWER_LENGTH (sizeof(ANSWER) - 1)

struct peer {
    int fd;
    bool writes_wait;
    uint64_t owed; /* bytes of answers not yet written; the first answer may be partly written */
    uint64_t body; /* bytes of the request's body still to come */
    uint64_t announced;
    unsigned line_length;
    char line[LINE_KEPT];
    struct list link; /* in server->peers */
};

struct null_server {
    int listener, epoll, stop_fd;
    pthread_t thread;
    bool pinned;
    unsigned cpu;
    struct list peers;
    char *input, *answers;
};

/* ---- requests ---- */

/* A line of a head has ended; true: so has the head. */
static bool end_line(struct peer *peer)
{
    static const char name[] = "content-length:";
    char *line = peer->line;
    unsigned length = peer->line_length;
    peer->line_length = 0;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return true;
    line[length < LINE_KEPT ? length : LINE_KEPT - 1] = '\0';
    if (strncasecmp(line, name, strlen(name)) == 0)
        peer->announced = strtoull(line + strlen(name), NULL, 10);
    return false;
}

static void keep_line(struct peer *peer, const char *at, size_t length)
{
    size_t room = LINE_KEPT - 1 - peer->line_length;
    size_t kept = length < room ? length : room;
    memcpy(peer->line + peer->line_length, at, kept);
    peer->line_length += (unsigned)kept;
}

/* How many requests end in these bytes. */
static uint64_t count_requests(struct peer *peer, const char *at, size_t length)
{
    uint64_t count = 0;
    const char *end = at + length;
    while (at < end) {
        if (peer->body > 0) {
            uint64_t part = peer->body < (uint64_t)(end - at) ? peer->body : (uint64_t)(end - at);
            peer->body -= part;
            at += part;
            count += peer->body == 0;
            continue;
        }
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        keep_line(peer, at, (size_t)((newline ? newline : end) - at));
        at = newline ? newline + 1 : end;
        if (newline && end_line(peer)) {
            peer->body = peer->announced;
            peer->announced = 0;
            count += peer->body == 0;
        }
    }
    return count;
}

/* ---- answers ---- */

static void drop(struct peer *peer)
{
    close(peer->fd);
    list_remove(&peer->link);
    free(peer);
}

static int watch(struct null_server *server, struct peer *peer, int operation, bool writes_wait)
{
    struct epoll_event event = {.events = EPOLLIN | (writes_wait ? EPOLLOUT : 0u), .data.ptr = peer};
    peer->writes_wait = writes_wait;
    return epoll_ctl(server->epoll, operation, peer->fd, &event) == 0 ? 0 : -errno;
}

/* False: the peer is of no use any more. */
static bool answer(struct null_server *server, struct peer *peer)
{
    while (peer->owed > 0) {
        size_t skipped = (ANSWER_LENGTH - peer->owed % ANSWER_LENGTH) % ANSWER_LENGTH;
        size_t most = ANSWERS * ANSWER_LENGTH - skipped;
        ssize_t sent = send(peer->fd, server->answers + skipped, peer->owed < most ? peer->owed : most, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0)
            return peer->writes_wait || watch(server, peer, EPOLL_CTL_MOD, true) == 0;
        peer->owed -= (uint64_t)sent;
    }
    return !peer->writes_wait || watch(server, peer, EPOLL_CTL_MOD, false) == 0;
}

static bool serve_peer(struct null_server *server, struct peer *peer, uint32_t events)
{
    if (events & EPOLLOUT)
        return answer(server, peer);
    ssize_t length = recv(peer->fd, server->input, READ_SIZE, 0);
    if (length <= 0)
        return length < 0 && errno == EAGAIN;
    peer->owed += ANSWER_LENGTH * count_requests(peer, server->input, (size_t)length);
    return answer(server, peer);
}

static void take_peers(struct null_server *server)
{
    int fd;
    while ((fd = net_accept(server->listener)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));
        if (!peer) {
            close(fd);
            return;
        }
        peer->fd = fd;
        list_append(&server->peers, &peer->link);
        if (watch(server, peer, EPOLL_CTL_ADD, false) != 0)
            drop(peer);
    }
}

/* ---- the thread ---- */

static void *serve(void *argument)
{
    struct null_server *server = argument;
    struct epoll_event events[EVENTS_A_TURN];
    if (server->pinned)
        cpus_pin(server->cpu); /* where it runs instead is no error */
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_A_TURN, -1);
        if (count < 0 && errno != EINTR)
            return NULL;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &server->stop_fd)
                return NULL;
            if (events[i].data.ptr == &server->listener)
                take_peers(server);
            else if (!serve_peer(server, events[i].data.ptr, events[i].events))
                drop(events[i].data.ptr);
        }
    }
}

static bool list_has(const struct cpu_list *list, unsigned cpu)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->cpu[i] == cpu)
            return true;
    return false;
}

/* A CPU the generator is not pinned to; none needs to be chosen where the generator may run anywhere. */
static void choose_cpu(struct null_server *server, const struct settings *settings)
{
    struct cpu_list allowed;
    if (settings->pin.count == 0 || cpus_allowed(&allowed) != 0)
        return;
    for (unsigned i = 0; i < allowed.count && !server->pinned; i++) {
        server->pinned = !list_has(&settings->pin, allowed.cpu[i]);
        server->cpu = allowed.cpu[i];
    }
}

static int add_descriptor(struct null_server *server, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, *fd, &event) == 0 ? 0 : -errno;
}

static int open_descriptors(struct null_server *server, char *url)
{
    struct net_address address;
    char text[NET_TEXT_SIZE];
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->epoll < 0 || server->stop_fd < 0)
        return -errno;
    int error = net_parse_address("127.0.0.1:0", &address);
    if (error)
        return error;
    server->listener = net_listen(&address, 0, BACKLOG);
    if (server->listener < 0)
        return server->listener;
    error = net_local_address(server->listener, &address);
    if (!error)
        error = add_descriptor(server, &server->listener);
    if (!error)
        error = add_descriptor(server, &server->stop_fd);
    snprintf(url, NULL_SERVER_URL_SIZE, "%.50s/", net_format_url(&address, text));
    return error;
}

static int make_room(struct null_server *server)
{
    server->input = malloc(READ_SIZE);
    server->answers = malloc(ANSWERS * ANSWER_LENGTH);
    if (!server->input || !server->answers)
        return -ENOMEM;
    for (unsigned i = 0; i < ANSWERS; i++)
        memcpy(server->answers + i * ANSWER_LENGTH, ANSWER, ANSWER_LENGTH);
    return 0;
}

/* Signals are for the thread that waits for them: run.c's. */
static int start_thread(struct null_server *server)
{
    sigset_t all, before;
    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error)
        return -error;
    error = pthread_create(&server->thread, NULL, serve, server);
    int late = pthread_sigmask(SIG_SETMASK, &before, NULL); /* fails only for a first argument that is none */
    (void)late;
    return -error;
}

static void end(struct null_server *server)
{
    const int fds[] = {server->listener, server->epoll, server->stop_fd};
    while (!list_empty(&server->peers))
        drop(list_entry(server->peers.next, struct peer, link));
    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(server->input);
    free(server->answers);
    free(server);
}

int null_server_start(const struct settings *settings, struct null_server **server, char url[NULL_SERVER_URL_SIZE])
{
    struct null_server *made = calloc(1, sizeof(*made));
    *server = NULL;
    if (!made)
        return -ENOMEM;
    made->listener = made->epoll = made->stop_fd = -1;
    list_init(&made->peers);
    choose_cpu(made, settings);
    int error = make_room(made);
    if (!error)
        error = open_descriptors(made, url);
    if (!error)
        error = start_thread(made);
    if (error)
        end(made);
    else
        *server = made;
    return error;
}

void null_server_stop(struct null_server *server)
{
    uint64_t one = 1;
    ssize_t written = write(server->stop_fd, &one, sizeof(one));
    (void)written; /* the first write to an eventfd cannot fail */
    pthread_join(server->thread, NULL);
    end(server);
}

/* ---- the generator against it ---- */

/* As fast as it goes: the closed loop, with no pauses, and nothing asked of the responses that the null server would not give. */
static void unleash(struct settings *alone, uint64_t duration_ns)
{
    study_watch_nothing(alone);
    alone->is_open_loop = alone->is_rate_constant = alone->has_think = false;
    alone->rate = alone->connect_rate = 0;
    alone->dispatch = DISPATCH_IDLE;
    alone->source = (struct source_range){.count = 0};
    alone->source_ports = SOURCE_PORTS_KERNEL;
    alone->requests = 0;
    alone->duration_ns = duration_ns;
    alone->warmup_ns = WARMUP_NS;
}

static int measure_alone(struct settings *alone, uint64_t duration_ns, double *rate, char *message)
{
    struct summary summary;
    bool measured;
    unleash(alone, duration_ns);
    int status = measure_once(alone, &summary, &measured, message);
    if (!measured)
        return -EIO;
    *rate = summary.achieved_rate;
    summary_close(&summary);
    if (status == EXIT_INTERRUPTED)
        snprintf(message, MESSAGE_SIZE, "loadgen: interrupted in --selftest, before the run");
    return status == EXIT_INTERRUPTED ? -EINTR : status == EXIT_UNMEASURED ? -EIO : 0;
}

int headroom_measure(const struct settings *settings, uint64_t duration_ns, double *rate, char *message)
{
    struct null_server *server;
    struct settings alone;
    char url[NULL_SERVER_URL_SIZE];
    *rate = 0;
    int error = null_server_start(settings, &server, url);
    if (error) {
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot start the null server of --selftest: %s", strerror(-error));
        return error;
    }
    error = settings_copy_for_url(&alone, settings, url, message);
    if (!error)
        error = measure_alone(&alone, duration_ns, rate, message);
    settings_close_copy(&alone);
    null_server_stop(server);
    return error;
}
