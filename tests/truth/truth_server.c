/*
 * truth_server: an HTTP server that misbehaves by a script and writes down what it really did. What a load generator says of a
 * run is compared with these notes.
 *
 * Every request is answered --delay after it arrived, to the precision of timerfd; a rule such as --drop 20/100 applies to every
 * 100th request, 20 times in all, so that the number of each misfortune is known before the run. --stall stops everything,
 * reading as well as answering, once. A request for /NUMBER is noted with that number: a generator that counts its requests in
 * the path ({seq}) tells which plan a request belongs to.
 *
 * One thread, one epoll(7). Delays are the same for all requests, so the list of requests in order of arrival is the queue of
 * answers as well: two cursors go through it, one for heads, one for bodies. Requests are taken apart by hand and the socket calls
 * are its own: this must not share a mistake with the program under test.
 *
 * Stamps are CLOCK_MONOTONIC. ARRIVAL is when the kernel took in the segment that completed the request (SO_TIMESTAMPNS,
 * socket(7)), so that a request which waits in the socket of a server that does not read has arrived; FIRST and LAST are when the
 * write of the first or last byte returned. Outside of them is the way there and the client's waking up, 10 to 60 us on a loopback.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "base/options.h"
#include "stamps.h"

#define REQUEST_SIZE  4096
#define EVENTS_A_TURN 256
#define BACKLOG       65535

/* "20/100": of every 100th request, 20 in all. */
struct rule {
    uint64_t count, step;
};

struct script {
    const char *listen, *stamps;
    uint64_t delay_ns, first_byte_ns, stall_at_ns, stall_ns, workers;
    struct rule rules[FATES]; /* indexed by fate */
};

struct client {
    int fd;
    uint64_t number; /* of the connection, from 0 */
    size_t length;
    char request[REQUEST_SIZE];
};

/* What an answer needs and the notes do not. */
struct pending {
    int fd;
    uint64_t read_ns; /* delays count from here */
};

struct truth_server {
    struct script script;
    int epoll, listener, timer, signals;
    struct client **clients; /* by descriptor */
    size_t client_size;
    struct stamps stamps;
    size_t heads, bodies;    /* cursors in stamps.rows */
    struct pending *pending; /* one a row */
    size_t pending_size;
    uint64_t stall_begin_ns; /* UINT64_MAX: not known yet, none, or over */
    bool ended;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "truth_server: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- the script ---- */

static int rule_parse(const char *text, void *field)
{
    struct rule *rule = field;
    unsigned long long count, step;
    char behind;
    if (sscanf(text, "%llu/%llu%c", &count, &step, &behind) != 2 || step == 0)
        return -EINVAL;
    *rule = (struct rule){count, step};
    return 0;
}

static const char rule_allowed[] = "use COUNT/STEP: of every STEP-th request, COUNT in all";

#define RULE(fate)                                                                                                 \
    .type = OPTION_CUSTOM, OPTION_FIELD(struct script, rules[fate]), .parse = rule_parse, .allowed = rule_allowed, \
    .argument = "COUNT/STEP"

static const struct option_spec specs[] = {
    {.group = "Script",
     .name = "listen",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct script, listen),
     .fallback = "127.0.0.1:0",
     .argument = "ADDRESS",
     .help = "where to listen"},
    {.name = "stamps",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct script, stamps),
     .argument = "FILE",
     .help = "write what happened to every request here, at the end (TERM)"},
    {.name = "delay",
     .type = OPTION_TIME,
     OPTION_FIELD(struct script, delay_ns),
     .fallback = "0",
     .argument = "TIME",
     .help = "the last byte leaves so long after the request"},
    {.name = "first-byte",
     .type = OPTION_TIME,
     OPTION_FIELD(struct script, first_byte_ns),
     .argument = "TIME",
     .help = "the head leaves so long after the request, the body after --delay (default: together)"},
    {.name = "stall-at",
     .type = OPTION_TIME,
     OPTION_FIELD(struct script, stall_at_ns),
     .fallback = "0",
     .argument = "TIME",
     .help = "--stall begins so long after the first request"},
    {.name = "stall",
     .type = OPTION_TIME,
     OPTION_FIELD(struct script, stall_ns),
     .fallback = "0",
     .argument = "TIME",
     .help = "stop reading and answering for so long, once"},
    {.name = "workers",
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct script, workers),
     .min = 1,
     .max = 1000,
     .fallback = "1",
     .argument = "N",
     .help = "connection k names worker k mod N in X-Worker"},
    {.name = "drop", RULE(FATE_DROPPED), .help = "never answered"},
    {.name = "reset", RULE(FATE_RESET), .help = "the connection is reset instead of an answer"},
    {.name = "cut", RULE(FATE_CUT), .help = "Content-Length promises more than comes, then the connection is closed"},
    {.name = "surplus", RULE(FATE_SURPLUS), .help = "more bytes come than Content-Length promised"},
    {.name = "refuse", RULE(FATE_REFUSED), .help = "503 instead of 200"},
    {.name = NULL}};

static void script_read(struct script *script, int argc, char **argv)
{
    char message[OPTIONS_ERROR_SIZE];
    const struct option_table table = {specs, script};
    const struct option_program program = {
        .name = "truth_server",
        .summary = "truth_server answers HTTP requests by a script and notes what it did.",
        .usage = "[options]",
        .version = "truth_server " CLUSTERBENCH_VERSION,
        .tables = &table,
        .table_count = 1,
    };
    int operand = 0;
    *script = (struct script){.first_byte_ns = UINT64_MAX};
    int outcome = options_parse(&program, argc, argv, &operand, message);
    if (outcome == OPTIONS_DONE)
        exit(0);
    if (outcome != OPTIONS_RUN || operand != argc) {
        fprintf(stderr, "%s\n", outcome != OPTIONS_RUN ? message : "truth_server: takes no operands");
        exit(1);
    }
    if (script->first_byte_ns > script->delay_ns)
        script->first_byte_ns = script->delay_ns;
}

/* What becomes of the n-th request, from 1. */
static enum fate fate_of(const struct script *script, uint64_t nth)
{
    for (unsigned fate = 0; fate < FATES; fate++) {
        const struct rule *rule = &script->rules[fate];
        if (rule->step && nth % rule->step == 0 && nth / rule->step <= rule->count)
            return fate;
    }
    return FATE_ANSWERED;
}

/* ---- connections ---- */

static void watch(const struct truth_server *server, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    must(epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void drop_client(struct truth_server *server, struct client *client, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        must(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0, "SO_LINGER");
    server->clients[client->fd] = NULL;
    close(client->fd);
    free(client);
}

static void add_client(struct truth_server *server, int fd)
{
    int one = 1;
    if ((size_t)fd >= server->client_size) {
        size_t size = 2 * (size_t)fd + 64;
        server->clients = realloc(server->clients, size * sizeof(*server->clients));
        must(server->clients != NULL, "memory");
        memset(server->clients + server->client_size, 0, (size - server->client_size) * sizeof(*server->clients));
        server->client_size = size;
    }
    struct client *client = malloc(sizeof(*client));
    must(client != NULL, "memory");
    client->fd = fd;
    client->length = 0;
    client->number = server->stamps.connections++;
    server->clients[fd] = client;
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
    watch(server, fd);
}

static void accept_clients(struct truth_server *server)
{
    int fd;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        add_client(server, fd);
    must(errno == EAGAIN || errno == ECONNABORTED, "accept4");
}

/* ---- requests ---- */

static void note_request(struct truth_server *server, const struct client *client, uint64_t arrival_ns, uint64_t now_ns)
{
    struct stamp *stamp = stamps_add(&server->stamps);
    must(stamp != NULL, "memory");
    const char *slash = strchr(client->request, '/');
    char *behind = NULL;
    uint64_t number = slash ? strtoull(slash + 1, &behind, 10) : 0;
    *stamp = (struct stamp){.connection = client->number, .number = STAMP_NO_NUMBER, .arrival_ns = arrival_ns};
    if (slash && behind > slash + 1)
        stamp->number = number;
    stamp->fate = fate_of(&server->script, server->stamps.count);
    if (server->pending_size < server->stamps.size) {
        server->pending = realloc(server->pending, server->stamps.size * sizeof(*server->pending));
        must(server->pending != NULL, "memory");
        server->pending_size = server->stamps.size;
    }
    server->pending[server->stamps.count - 1] = (struct pending){client->fd, now_ns};
    if (server->stamps.count == 1 && server->script.stall_ns)
        server->stall_begin_ns = now_ns + server->script.stall_at_ns;
}

static void take_requests(struct truth_server *server, struct client *client, uint64_t arrival_ns, uint64_t now_ns)
{
    char *end;
    client->request[client->length] = '\0';
    while ((end = strstr(client->request, "\r\n\r\n"))) {
        size_t whole = (size_t)(end + 4 - client->request);
        note_request(server, client, arrival_ns, now_ns);
        memmove(client->request, client->request + whole, client->length - whole + 1);
        client->length -= whole;
    }
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    must(clock_gettime(clock, &now) == 0, "clock_gettime");
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* When the kernel took in what was read, on the monotonic clock; now, where it does not say (the first segments of all). */
static uint64_t arrival_of(struct msghdr *message)
{
    uint64_t realtime_ns = clock_ns(CLOCK_REALTIME), now_ns = clock_now_ns();
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        struct timespec taken;
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&taken, CMSG_DATA(control), sizeof(taken));
        uint64_t taken_ns = (uint64_t)taken.tv_sec * CLOCK_NS_PER_S + (uint64_t)taken.tv_nsec;
        return taken_ns <= realtime_ns ? now_ns - (realtime_ns - taken_ns) : now_ns;
    }
    return now_ns;
}

static void read_client(struct truth_server *server, struct client *client)
{
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec room = {client->request + client->length, REQUEST_SIZE - 1 - client->length};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t length = recvmsg(client->fd, &message, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        drop_client(server, client, false);
        return;
    }
    client->length += (size_t)length;
    take_requests(server, client, arrival_of(&message), clock_now_ns());
}

/* ---- answers ---- */

static bool write_all(int fd, const char *text, size_t length)
{
    ssize_t written = send(fd, text, length, MSG_NOSIGNAL);
    must(written < 0 || (size_t)written == length, "an answer of a few bytes did not fit into the socket's buffer");
    return written >= 0;
}

static size_t print_head(const struct truth_server *server, const struct stamp *stamp, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "HTTP/1.1 %s\r\nX-Worker: %llu\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n",
                            stamp->fate == FATE_REFUSED ? "503 Service Unavailable" : "200 OK",
                            (unsigned long long)(stamp->connection % server->script.workers), stamp->fate == FATE_CUT ? 10 : 5);
}

static const char *body_of(const struct stamp *stamp)
{
    return stamp->fate == FATE_SURPLUS ? "hello, and more" : "hello";
}

/* The connection the request came on, or NULL when it is gone. */
static struct client *client_of(const struct truth_server *server, size_t row)
{
    struct client *client = server->clients[server->pending[row].fd];
    return client && client->number == server->stamps.rows[row].connection ? client : NULL;
}

static bool is_answered(enum fate fate)
{
    return fate != FATE_DROPPED && fate != FATE_RESET && fate != FATE_GONE;
}

static void send_head(struct truth_server *server, size_t row)
{
    struct stamp *stamp = &server->stamps.rows[row];
    struct client *client = client_of(server, row);
    char text[256];
    if (!client || !is_answered(stamp->fate) || server->script.first_byte_ns == server->script.delay_ns)
        return; /* nothing, or with the body */
    size_t length = print_head(server, stamp, text, sizeof(text));
    if (write_all(client->fd, text, length))
        stamp->first_ns = clock_now_ns();
}

static void answer(struct truth_server *server, struct client *client, struct stamp *stamp)
{
    char text[256];
    size_t length = stamp->first_ns ? 0 : print_head(server, stamp, text, sizeof(text));
    length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", body_of(stamp));
    if (!write_all(client->fd, text, length)) {
        stamp->fate = FATE_GONE;
        return;
    }
    stamp->last_ns = clock_now_ns();
    if (!stamp->first_ns)
        stamp->first_ns = stamp->last_ns;
}

static void send_body(struct truth_server *server, size_t row)
{
    struct stamp *stamp = &server->stamps.rows[row];
    struct client *client = client_of(server, row);
    if (!client && stamp->fate != FATE_DROPPED)
        stamp->fate = FATE_GONE;
    else if (client && is_answered(stamp->fate))
        answer(server, client, stamp);
    if (client && (stamp->fate == FATE_RESET || stamp->fate == FATE_CUT))
        drop_client(server, client, stamp->fate == FATE_RESET);
}

static void send_due(struct truth_server *server)
{
    const struct stamps *stamps = &server->stamps;
    uint64_t now_ns = clock_now_ns();
    while (server->heads < stamps->count && server->pending[server->heads].read_ns + server->script.first_byte_ns <= now_ns)
        send_head(server, server->heads++);
    while (server->bodies < stamps->count && server->pending[server->bodies].read_ns + server->script.delay_ns <= now_ns)
        send_body(server, server->bodies++);
}

/* ---- the loop ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void arm_timer(const struct truth_server *server)
{
    const struct stamps *stamps = &server->stamps;
    uint64_t next = server->stall_begin_ns;
    if (server->heads < stamps->count)
        next = least(next, server->pending[server->heads].read_ns + server->script.first_byte_ns);
    if (server->bodies < stamps->count)
        next = least(next, server->pending[server->bodies].read_ns + server->script.delay_ns);
    struct itimerspec when = {.it_value = {0, 0}};
    if (next != UINT64_MAX)
        when.it_value = (struct timespec){(time_t)(next / CLOCK_NS_PER_S), (long)(next % CLOCK_NS_PER_S)};
    must(timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0, "timerfd_settime");
}

static void stall_if_due(struct truth_server *server)
{
    uint64_t now_ns = clock_now_ns();
    if (now_ns < server->stall_begin_ns)
        return;
    server->stamps.stall_from_ns = now_ns;
    clock_sleep_until_ns(server->stall_begin_ns + server->script.stall_ns);
    server->stamps.stall_until_ns = clock_now_ns();
    server->stall_begin_ns = UINT64_MAX;
}

static void take_event(struct truth_server *server, int fd)
{
    uint64_t expirations;
    if (fd == server->listener)
        accept_clients(server);
    else if (fd == server->signals)
        server->ended = true;
    else if (fd == server->timer)
        must(read(fd, &expirations, sizeof(expirations)) >= 0 || errno == EAGAIN, "timerfd");
    else if (server->clients[fd])
        read_client(server, server->clients[fd]);
}

/* What is due is sent between any two reads, so that no request waits for the reading of others. */
static void serve(struct truth_server *server)
{
    struct epoll_event events[EVENTS_A_TURN];
    while (!server->ended) {
        int count = epoll_wait(server->epoll, events, EVENTS_A_TURN, -1);
        must(count >= 0 || errno == EINTR, "epoll_wait");
        stall_if_due(server);
        for (int i = 0; i < count; i++) {
            take_event(server, events[i].data.fd);
            send_due(server);
        }
        arm_timer(server);
    }
}

static void start(struct truth_server *server)
{
    struct net_address address;
    char url[NET_TEXT_SIZE];
    sigset_t set;
    int one = 1;
    server->stall_begin_ns = UINT64_MAX;
    net_raise_file_limit();
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    must(sigemptyset(&set) == 0 && sigaddset(&set, SIGTERM) == 0 && sigaddset(&set, SIGINT) == 0, "signals");
    must(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    server->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    must(server->epoll >= 0 && server->timer >= 0 && server->signals >= 0, "descriptors");
    must(net_parse_address(server->script.listen, &address) == 0, server->script.listen);
    server->listener = net_listen(&address, 0, BACKLOG);
    must(server->listener >= 0 && setsockopt(server->listener, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) == 0, "listen");
    must(net_local_address(server->listener, &address) == 0, server->script.listen);
    watch(server, server->listener);
    watch(server, server->timer);
    watch(server, server->signals);
    printf("ready %s pid=%d\n", net_format_url(&address, url), getpid());
    must(fflush(stdout) == 0, "stdout");
}

/* Requests whose turn never came, and those whose client is gone meanwhile. */
static void settle(struct truth_server *server)
{
    for (size_t row = server->bodies; row < server->stamps.count; row++)
        if (server->stamps.rows[row].fate != FATE_DROPPED)
            server->stamps.rows[row].fate = FATE_GONE;
}

static void stop(struct truth_server *server)
{
    int error = server->script.stamps ? stamps_write(&server->stamps, server->script.stamps) : 0;
    errno = -error;
    must(error == 0, server->script.stamps);
    for (size_t fd = 0; fd < server->client_size; fd++)
        if (server->clients[fd])
            drop_client(server, server->clients[fd], false);
    close(server->listener);
    close(server->signals);
    close(server->timer);
    close(server->epoll);
    free(server->clients);
    free(server->pending);
    stamps_close(&server->stamps);
}

int main(int argc, char **argv)
{
    struct truth_server server = {.epoll = -1};
    script_read(&server.script, argc, argv);
    start(&server);
    serve(&server);
    settle(&server);
    stop(&server);
    return 0;
}
