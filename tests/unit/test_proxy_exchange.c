/*
 * A proxy between a client and upstreams that say what they are told to: the test plays both, the proxy runs on a loop in a
 * thread. So every step is in order: the client asks, the upstream hears, answers, hangs up, and the client sees what it sees.
 */
#include "support.h"

#include "cluster/acceptor.h"
#include "ipc/scoreboard.h"
#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define UPSTREAMS  3
#define PATIENCE_S 10 /* a test that waits longer has failed */
#define TEXT_SIZE  65536

/* ---- the proxy, in its thread ---- */

struct bench {
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop, hold;
    sem_t held, let_go;
    struct http_server server;
    struct acceptor acceptor;
    struct counters counters;
    struct log log;
    struct proxy *proxy;
    struct net_address address, upstreams[UPSTREAMS];
    int listeners[UPSTREAMS];

    /* With open_following_bench: what the proxy follows. */
    _Atomic uint32_t version, generations[UPSTREAMS], departures[UPSTREAMS];
    _Atomic uint8_t states[UPSTREAMS];
};

static void take_client(void *context, int fd)
{
    struct bench *bench = context;
    if (http_server_open(&bench->server, fd) != 0)
        close(fd);
}

static void on_gone(void *nothing)
{
    (void)nothing;
}

static void on_stop(uv_async_t *async)
{
    struct bench *bench = async->data;
    acceptor_close(&bench->acceptor, on_gone);
    proxy_close(bench->proxy);
    http_server_close(&bench->server);
    uv_close((uv_handle_t *)&bench->hold, NULL);
    uv_close((uv_handle_t *)async, NULL);
}

static void on_hold(uv_async_t *async)
{
    struct bench *bench = async->data;
    sem_post(&bench->held);
    sem_wait(&bench->let_go);
}

/* The proxy's loop stands still from here to let_go: what both sides do meanwhile, it finds all at once, in the same order. */
static void hold(struct bench *bench)
{
    assert_int_equal(uv_async_send(&bench->hold), 0);
    assert_int_equal(sem_wait(&bench->held), 0);
}

static void let_go(struct bench *bench)
{
    assert_int_equal(sem_post(&bench->let_go), 0);
}

static void *run_loop(void *context)
{
    struct bench *bench = context;
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    return NULL;
}

static int listen_somewhere(struct net_address *address)
{
    assert_int_equal(net_parse_address("127.0.0.1:0", address), 0);
    int fd = net_listen(address, 0, 64);
    assert_true(fd >= 0);
    assert_int_equal(net_local_address(fd, address), 0);
    return fd;
}

static void open_async(struct bench *bench, uv_async_t *async, uv_async_cb callback)
{
    async->data = bench;
    assert_int_equal(uv_async_init(&bench->loop, async, callback), 0);
}

static void open_bench_with(struct bench *bench, unsigned upstreams, uint64_t timeout_ms, struct proxy_members members)
{
    memset(bench, 0, sizeof *bench);
    assert_int_equal(sem_init(&bench->held, 0, 0) | sem_init(&bench->let_go, 0, 0), 0);
    bench->log = (struct log){"test", LOG_ERROR};
    for (unsigned i = 0; i < UPSTREAMS; i++)
        bench->listeners[i] = listen_somewhere(&bench->upstreams[i]);
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    struct proxy_settings settings = {
        .loop = &bench->loop,
        .upstreams = bench->upstreams,
        .upstream_count = upstreams,
        .members = members,
        .policy = &balance_round_robin,
        .connect_timeout_ms = timeout_ms,
        .response_timeout_ms = timeout_ms,
        .idle_ms = 6000 * PATIENCE_S, /* kept connections outlast whoever waits for their end */
        .idle_most = 2,
        .counters = &bench->counters,
        .log = &bench->log,
        .closed = on_gone,
    };
    assert_int_equal(proxy_open(&bench->proxy, &settings), 0);
    bench->server = (struct http_server){
        .loop = &bench->loop,
        .limits = {32768, 100, 8192, 16 << 20},
        .timeouts = {60000, 60000, 60000, 60000, 0},
        .events = &proxy_events,
        .context = bench->proxy,
        .counters = &bench->counters,
    };
    assert_int_equal(http_server_init(&bench->server), 0);
    int listener = listen_somewhere(&bench->address);
    assert_int_equal(acceptor_open(&bench->acceptor, &bench->loop, listener, 1, take_client, bench), 0);
    open_async(bench, &bench->stop, on_stop);
    open_async(bench, &bench->hold, on_hold);
    assert_int_equal(pthread_create(&bench->thread, NULL, run_loop, bench), 0);
}

static void open_bench(struct bench *bench, unsigned upstreams, uint64_t timeout_ms)
{
    open_bench_with(bench, upstreams, timeout_ms, (struct proxy_members){.version = NULL});
}

/* All upstreams are closed; set_state opens them. */
static void open_following_bench(struct bench *bench)
{
    open_bench_with(bench, UPSTREAMS, 60000,
                    (struct proxy_members){&bench->version, bench->states, bench->generations, bench->departures});
}

static void set_state(struct bench *bench, unsigned upstream, enum upstream_state state)
{
    bench->states[upstream] = (uint8_t)state;
    bench->version++;
}

static void close_bench(struct bench *bench)
{
    assert_int_equal(uv_async_send(&bench->stop), 0);
    assert_int_equal(pthread_join(bench->thread, NULL), 0);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    http_server_free(&bench->server);
    sem_destroy(&bench->held);
    sem_destroy(&bench->let_go);
    for (unsigned i = 0; i < UPSTREAMS; i++)
        if (bench->listeners[i] >= 0)
            close(bench->listeners[i]);
}

/* ---- both sides of it ---- */

/* Blocking, but not for ever. */
static int patient(int fd)
{
    struct timeval patience = {PATIENCE_S, 0};
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    return fd;
}

static int open_client(const struct bench *bench)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&bench->address.storage, bench->address.length), 0);
    return patient(fd);
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, timeout_ms) == 1;
}

static int accept_upstream(const struct bench *bench, unsigned upstream)
{
    assert_true(is_readable(bench->listeners[upstream], 1000 * PATIENCE_S));
    return patient(accept(bench->listeners[upstream], NULL, NULL));
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hang_up(int fd)
{
    assert_int_equal(close(fd), 0);
}

static void reset(int fd)
{
    struct linger at_once = {1, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    hang_up(fd);
}

/* Reads until the text ends in `ending`, which has to come. Returns it (static). */
static const char *hear(int fd, const char *ending)
{
    static char text[TEXT_SIZE];
    size_t length = 0, wanted = strlen(ending);
    do {
        ssize_t count = recv(fd, text + length, sizeof text - 1 - length, 0);
        if (count <= 0) {
            text[length] = '\0';
            fail_msg("'%s' was to come, but after '%s' there is %s", ending, text, count == 0 ? "the end" : strerror(errno));
        }
        length += (size_t)count;
    } while (length < wanted || memcmp(text + length - wanted, ending, wanted) != 0);
    text[length] = '\0';
    return text;
}

/* Reads what there is to the end of the connection; 0 for a clean end, else an errno. */
static int hear_end(int fd)
{
    char text[4096];
    ssize_t count;
    do
        count = recv(fd, text, sizeof text, 0);
    while (count > 0);
    int error = count == 0 ? 0 : errno;
    hang_up(fd);
    return error;
}

static void assert_begins(const char *text, const char *begin)
{
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("'%s' does not begin with '%s'", text, begin);
}

static void assert_has(const char *text, const char *piece, bool wanted)
{
    if ((strstr(text, piece) != NULL) != wanted)
        fail_msg("'%s' %s '%s'", text, wanted ? "lacks" : "has", piece);
}

static uint64_t errors_of(const struct bench *bench)
{
    return counter_read(&bench->counters.upstream_errors);
}

#define GET     "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_1_0 "GET /x HTTP/1.0\r\n\r\n"
#define POST    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
#define OK_AB   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"

/* ---- what is passed on ---- */

static void test_response_is_passed_on(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    assert_begins(hear(upstream, "\r\n\r\n"), "GET /x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\n");
    say(upstream, "HTTP/1.1 200 Fine\r\nDate: long ago\r\nX-Worker: 7\r\nConnection: X-Secret, keep-alive\r\nX-Secret: s\r\n"
                  "Content-Length: 5\r\n\r\nhello");
    const char *text = hear(client, "\r\n\r\nhello");
    assert_begins(text, "HTTP/1.1 200 OK\r\n");
    assert_has(text, "\r\nX-Worker: 7\r\n", true);
    assert_has(text, "\r\nContent-Length: 5\r\n", true);
    assert_has(text, "\r\nDate: ", true);
    assert_has(text, "long ago", false);
    assert_has(text, "X-Secret", false);
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

/* The head of an upstream's response and what the client sees of it, for every way a body can be framed. */
static void test_framings(void **state)
{
    (void)state;
    static const struct {
        const char *ask, *say;
        bool hang_up;
        const char *hear, *has;
    } rows[] = {
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n", false,
         "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n"},
        {GET, "HTTP/1.0 200 OK\r\n\r\nabc", true, "3\r\nabc\r\n0\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, "\r\n\r\n", "\r\nContent-Length: 0\r\n"},
        {GET, "HTTP/1.1 204 No Content\r\n\r\n", false, "\r\n\r\n", "HTTP/1.1 204 No Content\r\n"},
        {GET, "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 9\r\n\r\n", false, "\r\n\r\n", "\r\nETag: \"e\"\r\n"},
        {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, "\r\n\r\n",
         "\r\nContent-Length: 9\r\n"},
        {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, "\r\n\r\n",
         "\r\nTransfer-Encoding: chunked\r\n"},
        {GET_1_0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", false, "\r\n\r\nab",
         "\r\nConnection: close\r\n"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct bench bench;
        open_bench(&bench, 1, 60000);
        int client = open_client(&bench);
        say(client, rows[i].ask);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, rows[i].say);
        if (rows[i].hang_up)
            hang_up(upstream);
        assert_has(hear(client, rows[i].hear), rows[i].has, true);
        assert_int_equal(errors_of(&bench), 0);
        hang_up(client);
        if (!rows[i].hang_up)
            hang_up(upstream);
        close_bench(&bench);
    }
}

static void test_response_byte_by_byte(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    for (const char *at = "HTTP/1.1 200 OK\r\nX-Worker: 1\r\nContent-Length: 4\r\n\r\nabcd"; *at; at++)
        say(upstream, (char[]){*at, '\0'});
    assert_has(hear(client, "\r\n\r\nabcd"), "\r\nX-Worker: 1\r\n", true);
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

static void test_interim_responses(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n" OK_AB;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    say(upstream, answer);
    const char *text = hear(client, "\r\n\r\nab");
    assert_begins(text, "HTTP/1.1 103 ");
    assert_has(text, "\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n", true);
    hang_up(client);

    client = open_client(&bench); /* HTTP/1.0 knows no such thing */
    say(client, GET_1_0);
    hear(upstream, "\r\n\r\n");
    say(upstream, answer);
    assert_begins(hear(client, "\r\n\r\nab"), "HTTP/1.1 200 OK\r\n");
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

/* ---- who gets it ---- */

static void test_turns_and_kept_connections(void **state)
{
    (void)state;
    struct bench bench;
    int upstreams[UPSTREAMS];
    open_bench(&bench, UPSTREAMS, 60000);
    int client = open_client(&bench);
    for (unsigned i = 0; i < 3 * UPSTREAMS; i++) {
        say(client, GET);
        if (i < UPSTREAMS)
            upstreams[i] = accept_upstream(&bench, i);
        hear(upstreams[i % UPSTREAMS], "\r\n\r\n"); /* on the connection that was kept */
        say(upstreams[i % UPSTREAMS], OK_AB);
        hear(client, "\r\n\r\nab");
    }
    assert_int_equal(counter_read(&bench.counters.upstream_requests), 3 * UPSTREAMS);
    assert_int_equal(counter_read(&bench.counters.upstream_connects), UPSTREAMS);
    hang_up(client);
    for (unsigned i = 0; i < UPSTREAMS; i++)
        hang_up(upstreams[i]);
    close_bench(&bench);
}

/* Pipelined requests go out one after the other, each to the next upstream; answers come back in order. */
static void test_pipelined_requests(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 60000);
    int client = open_client(&bench);
    say(client, GET GET);
    int first = accept_upstream(&bench, 0);
    hear(first, "\r\n\r\n");
    assert_false(is_readable(bench.listeners[1], 0));
    say(first, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    int second = accept_upstream(&bench, 1);
    hear(second, "\r\n\r\n");
    say(second, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    hear(client, "\r\n\r\n2");
    hang_up(client);
    hang_up(first);
    hang_up(second);
    close_bench(&bench);
}

static void test_refused_connection_goes_elsewhere(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 60000);
    hang_up(bench.listeners[0]);
    bench.listeners[0] = -1;
    int client = open_client(&bench);
    say(client, POST); /* nothing of it has been sent: even this one may go elsewhere */
    int upstream = accept_upstream(&bench, 1);
    assert_has(hear(upstream, "\r\n\r\nabc"), "\r\nContent-Length: 3\r\n", true);
    say(upstream, OK_AB);
    hear(client, "\r\n\r\nab");
    assert_int_equal(errors_of(&bench), 1);
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

static void test_all_refuse(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 60000);
    for (unsigned i = 0; i < 2; i++) {
        hang_up(bench.listeners[i]);
        bench.listeners[i] = -1;
    }
    int client = open_client(&bench);
    for (int i = 0; i < 3; i++) {
        say(client, GET);
        assert_begins(hear(client, "connection refused\n"), "HTTP/1.1 502 Bad Gateway\r\n");
    }
    hang_up(client);
    close_bench(&bench);
}

/* Connects until the accept queue has no room: the next one gets no answer. Returns the descriptors, -1 behind the last. */
static void fill_queue(int listener, const struct net_address *address, int *fds)
{
    bool full = false;
    assert_int_equal(listen(listener, 0), 0);
    for (int i = 0; i < 8; i++) {
        bool in_progress;
        struct pollfd look = {.events = POLLOUT};
        fds[i] = look.fd = full ? -1 : net_connect_start(address, NULL, &in_progress);
        full = full || (in_progress && poll(&look, 1, 200) == 0);
    }
    assert_true(full);
}

static void test_nobody_takes_the_connection(void **state)
{
    (void)state;
    struct bench bench;
    int fillers[2][8];
    open_bench(&bench, 2, 50);
    for (unsigned i = 0; i < 2; i++)
        fill_queue(bench.listeners[i], &bench.upstreams[i], fillers[i]);
    int client = open_client(&bench);
    say(client, GET);
    assert_begins(hear(client, "timed out\n"), "HTTP/1.1 504 Gateway Timeout\r\n");
    assert_int_equal(errors_of(&bench), 3); /* each of them, and one for the second time */
    hang_up(client);
    for (unsigned i = 0; i < 16; i++)
        if (fillers[i / 8][i % 8] >= 0)
            hang_up(fillers[i / 8][i % 8]);
    close_bench(&bench);
}

/* ---- lost before the response ---- */

/* An upstream that closes without a word: GET goes to another one, and to no third. */
static void test_get_is_sent_again_once(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, UPSTREAMS, 60000);
    int client = open_client(&bench);
    for (unsigned i = 0; i < 2; i++) {
        if (i == 0)
            say(client, GET);
        int upstream = accept_upstream(&bench, i);
        hear(upstream, "\r\n\r\n");
        hang_up(upstream);
    }
    assert_begins(hear(client, "without a response\n"), "HTTP/1.1 502 ");
    assert_false(is_readable(bench.listeners[2], 0));
    hang_up(client);
    close_bench(&bench);
}

/* Row 61. */
static void test_post_is_never_sent_again(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 60000);
    int client = open_client(&bench);
    say(client, POST);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "abc");
    reset(upstream);
    assert_begins(hear(client, "\n"), "HTTP/1.1 502 ");
    assert_false(is_readable(bench.listeners[0], 0) || is_readable(bench.listeners[1], 0));
    hang_up(client);
    close_bench(&bench);
}

/* Closed by the upstream while idle: that is no error, the next request takes a new one. */
static void test_idle_close_is_seen(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    for (int i = 0; i < 3; i++) {
        say(client, GET);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, OK_AB);
        hear(client, "\r\n\r\nab");
        assert_int_equal(shutdown(upstream, SHUT_WR), 0);
        assert_int_equal(hear_end(upstream), 0);
    }
    assert_int_equal(errors_of(&bench), 0);
    hang_up(client);
    close_bench(&bench);
}

/* ---- upstreams that come and go ---- */

/* One request and its answer over the upstream's connection: the one that was kept, or with -1 a new one. Returns it. */
static int exchange_over(struct bench *bench, int client, unsigned upstream, int kept, const char *request)
{
    say(client, request);
    int fd = kept >= 0 ? kept : accept_upstream(bench, upstream);
    hear(fd, request[0] == 'P' ? "abc" : "\r\n\r\n");
    say(fd, OK_AB);
    assert_begins(hear(client, "\r\n\r\nab"), "HTTP/1.1 200 ");
    return fd;
}

static void test_upstreams_come_and_go(void **state)
{
    (void)state;
    struct bench bench;
    open_following_bench(&bench);
    int client = open_client(&bench);
    set_state(&bench, 0, UPSTREAM_OPEN);
    int first = exchange_over(&bench, client, 0, -1, GET);
    exchange_over(&bench, client, 0, first, GET);
    set_state(&bench, 2, UPSTREAM_OPEN);
    int third = -1;
    for (int i = 0; i < 3; i++) { /* in turn at once, the one between them left out */
        exchange_over(&bench, client, 0, first, GET);
        third = exchange_over(&bench, client, 2, third, GET);
    }
    set_state(&bench, 0, UPSTREAM_DRAINING);
    for (int i = 0; i < 3; i++)
        exchange_over(&bench, client, 2, third, GET);
    assert_int_equal(hear_end(first), 0);
    set_state(&bench, 1, UPSTREAM_OPEN);
    set_state(&bench, 2, UPSTREAM_CLOSED);
    int second = exchange_over(&bench, client, 1, -1, GET);
    assert_int_equal(hear_end(third), 0);
    assert_int_equal(errors_of(&bench), 0);
    hang_up(client);
    hang_up(second);
    close_bench(&bench);
}

/* Another life behind the same address, or the end of its accepting: what was kept, or is busy then, carries no more requests. */
static void test_another_worker_takes_over(void **state)
{
    (void)state;
    struct bench bench;
    open_following_bench(&bench);
    _Atomic uint32_t *const changes[] = {&bench.generations[1], &bench.departures[1]};
    set_state(&bench, 1, UPSTREAM_OPEN);
    int client = open_client(&bench), kept = exchange_over(&bench, client, 1, -1, GET);
    for (size_t i = 0; i < LENGTH_OF(changes); i++) {
        ++*changes[i];
        bench.version++;
        int next = exchange_over(&bench, client, 1, -1, POST); /* it must not go down the old one */
        assert_int_equal(hear_end(kept), 0);
        kept = next;
        say(client, GET);
        hear(kept, "\r\n\r\n");
        ++*changes[i];
        bench.version++;
        int other = open_client(&bench); /* its request is the first to look */
        next = exchange_over(&bench, other, 1, -1, GET);
        say(kept, OK_AB);
        hear(client, "\r\n\r\nab");
        assert_int_equal(hear_end(kept), 0);
        kept = next;
        hang_up(other);
    }
    assert_int_equal(errors_of(&bench), 0);
    hang_up(client);
    hang_up(kept);
    close_bench(&bench);
}

/* A place that is filled again may listen elsewhere. */
static void test_upstream_moves(void **state)
{
    (void)state;
    struct bench bench;
    open_following_bench(&bench);
    set_state(&bench, 0, UPSTREAM_OPEN);
    int client = open_client(&bench), first = exchange_over(&bench, client, 0, -1, GET);
    bench.upstreams[0] = bench.upstreams[2];
    bench.version++;
    int third = exchange_over(&bench, client, 2, -1, GET);
    assert_int_equal(hear_end(first), 0);
    hang_up(client);
    hang_up(third);
    close_bench(&bench);
}

/* It may be between two lives: its socket is there, and somebody will take what waits on it. Nothing is kept. */
static void test_nobody_is_open(void **state)
{
    (void)state;
    struct bench bench;
    open_following_bench(&bench);
    int client = open_client(&bench);
    int never_open = exchange_over(&bench, client, 0, -1, GET);
    assert_int_equal(hear_end(never_open), 0);
    set_state(&bench, 1, UPSTREAM_OPEN);
    int kept = exchange_over(&bench, client, 1, -1, GET);
    set_state(&bench, 1, UPSTREAM_CLOSED);
    int next = exchange_over(&bench, client, 0, -1, POST);
    assert_int_equal(hear_end(kept), 0);
    assert_int_equal(hear_end(next), 0);
    hang_up(client);
    close_bench(&bench);
}

/* No upstream has an address yet: that is said. Written down, it is found, open or not. */
static void test_nobody_has_an_address(void **state)
{
    (void)state;
    struct bench bench;
    struct net_address first;
    open_following_bench(&bench);
    first = bench.upstreams[0];
    for (unsigned i = 0; i < UPSTREAMS; i++)
        bench.upstreams[i].length = 0;
    bench.version++;
    int client = open_client(&bench);
    say(client, GET);
    assert_begins(hear(client, "no upstream: host is unreachable\n"), "HTTP/1.1 502 Bad Gateway\r\n");
    bench.upstreams[0] = first;
    bench.version++;
    int next = exchange_over(&bench, client, 0, -1, POST);
    assert_int_equal(hear_end(next), 0);
    hang_up(client);
    close_bench(&bench);
}

/* The request and the upstream's end arrive in the same turn, the request first: it must not go where nobody is. */
static void test_post_finds_the_connection_closed(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench), kept = exchange_over(&bench, client, 0, -1, GET);
    hold(&bench);
    say(client, POST);
    assert_int_equal(shutdown(kept, SHUT_WR), 0);
    let_go(&bench);
    int next = accept_upstream(&bench, 0);
    hear(next, "abc");
    say(next, OK_AB);
    assert_begins(hear(client, "\r\n\r\nab"), "HTTP/1.1 200 ");
    assert_int_equal(hear_end(kept), 0);
    assert_int_equal(errors_of(&bench), 0);
    hang_up(client);
    hang_up(next);
    close_bench(&bench);
}

/* ---- malformed, cut short, too much ---- */

/* Rows 54, 55, 58, 59, 60: 502, and the connection is not used again. */
static void test_malformed_responses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : v\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
    };
    struct bench bench;
    open_bench(&bench, 1, 60000);
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        int client = open_client(&bench);
        say(client, GET);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, rows[i]);
        assert_begins(hear(client, "\n"), "HTTP/1.1 502 Bad Gateway\r\n");
        hear_end(upstream);
        hang_up(client);
        assert_int_equal(errors_of(&bench), i + 1);
    }
    close_bench(&bench);
}

static void test_nul_in_a_field(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n";
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    assert_int_equal(send(upstream, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
    assert_begins(hear(client, "\n"), "HTTP/1.1 502 ");
    hear_end(upstream);
    hang_up(client);
    close_bench(&bench);
}

/* Row 56: a reset, never a clean end, whichever framing the client was given. */
static void test_truncated_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *ask, *say, *hear;
    } rows[] = {
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "\r\n\r\nab"},
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "\r\n\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n\r\n"},
        {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "\r\n\r\n2\r\nab\r\n"},
        {GET_1_0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "\r\n\r\nab"},
    };
    struct bench bench;
    open_bench(&bench, 1, 60000);
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        int client = open_client(&bench);
        say(client, rows[i].ask);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, rows[i].say);
        hear(client, rows[i].hear);
        hang_up(upstream);
        assert_int_equal(hear_end(client), ECONNRESET);
    }
    assert_int_equal(errors_of(&bench), LENGTH_OF(rows));
    close_bench(&bench);
}

/* Nothing has gone to the client yet: it can be told. The upstream has begun to answer, so nobody else is asked. */
static void test_truncated_heads(void **state)
{
    (void)state;
    static const char *const rows[] = {"H", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nX: y\r\n"};
    struct bench bench;
    open_bench(&bench, 1, 60000);
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        int client = open_client(&bench);
        say(client, GET);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, rows[i]);
        hang_up(upstream);
        assert_begins(hear(client, "cut short\n"), "HTTP/1.1 502 ");
        assert_false(is_readable(bench.listeners[0], 0));
        hang_up(client);
    }
    close_bench(&bench);
}

/* Row 57: with the response, or out of the blue. The next client never sees them. */
static void test_bytes_nobody_asked_for(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    for (int i = 0; i < 2; i++) {
        say(client, GET);
        int upstream = accept_upstream(&bench, 0);
        hear(upstream, "\r\n\r\n");
        say(upstream, i == 0 ? OK_AB OK_AB : OK_AB);
        hear(client, "\r\n\r\nab");
        if (i == 1)
            say(upstream, OK_AB);
        hear_end(upstream);
    }
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    say(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ncd");
    hear(client, "\r\n\r\ncd");
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

/* ---- slow ones and those who leave ---- */

static void test_silent_upstream(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 50);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    assert_begins(hear(client, "timed out\n"), "HTTP/1.1 504 Gateway Timeout\r\n");
    hear(upstream, "\r\n\r\n");
    assert_int_equal(hear_end(upstream), 0);
    assert_false(is_readable(bench.listeners[1], 0)); /* it may be at work on it: nobody else gets it */
    hang_up(client);
    close_bench(&bench);
}

static void test_client_leaves(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    reset(client);
    assert_int_equal(hear_end(upstream), 0);
    close_bench(&bench);
}

/* The answer comes while the upstream has not taken the request's body: it counts, the connection does not. */
static void test_early_answer(void **state)
{
    (void)state;
    enum { BODY = 12 << 20 };
    struct bench bench;
    char *body = calloc(1, BODY);
    assert_non_null(body);
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    char head[128];
    snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", BODY);
    say(client, head);
    assert_int_equal(send(client, body, BODY, MSG_NOSIGNAL), BODY);
    int upstream = accept_upstream(&bench, 0);
    say(upstream, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nab");
    assert_begins(hear(client, "\r\n\r\nab"), "HTTP/1.1 413 ");
    hear_end(upstream);
    hang_up(client);
    free(body);
    close_bench(&bench);
}

/* Copies zeroes into the upstream's end for as long as it takes them. */
static size_t send_while_taken(int fd, size_t most)
{
    static const char zeroes[65536];
    struct pollfd look = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;
    while (sent < most && poll(&look, 1, 300) == 1) {
        size_t left = most - sent < sizeof zeroes ? most - sent : sizeof zeroes;
        ssize_t count = send(fd, zeroes, left, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(count > 0 || errno == EAGAIN);
        sent += count > 0 ? (size_t)count : 0;
    }
    return sent;
}

/* A client that does not read: the upstream is not read either, beyond a bound. Then everything arrives. */
static void test_slow_client(void **state)
{
    (void)state;
    enum { BODY = 64 << 20, BUFFERS = 32 << 20 };
    struct bench bench;
    char head[128], text[65536];
    open_bench(&bench, 1, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int upstream = accept_upstream(&bench, 0);
    hear(upstream, "\r\n\r\n");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
    say(upstream, head);
    size_t sent = send_while_taken(upstream, BODY), got = 0;
    assert_true(sent < BUFFERS); /* what fits into the kernel's buffers and ours */
    while (got < BODY) {
        if (sent < BODY) {
            static const char zeroes[65536];
            size_t left = BODY - sent < sizeof zeroes ? BODY - sent : sizeof zeroes;
            ssize_t count = send(upstream, zeroes, left, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += count > 0 ? (size_t)count : 0;
        }
        ssize_t count = recv(client, text, sizeof text, 0);
        assert_true(count > 0);
        got += (size_t)count;
    }
    assert_int_equal(sent, BODY);
    assert_int_equal(errors_of(&bench), 0);
    hang_up(client);
    hang_up(upstream);
    close_bench(&bench);
}

/* The end comes while a request is under way, a connection is kept and another is being made. */
static void test_end_in_the_middle(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 2, 60000);
    int client = open_client(&bench);
    say(client, GET);
    int kept = accept_upstream(&bench, 0);
    hear(kept, "\r\n\r\n");
    say(kept, OK_AB);
    hear(client, "\r\n\r\nab");
    say(client, GET);
    int busy = accept_upstream(&bench, 1);
    close_bench(&bench);
    hear_end(client);
    hear_end(kept);
    hear_end(busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_is_passed_on),
        cmocka_unit_test(test_framings),
        cmocka_unit_test(test_response_byte_by_byte),
        cmocka_unit_test(test_interim_responses),
        cmocka_unit_test(test_turns_and_kept_connections),
        cmocka_unit_test(test_pipelined_requests),
        cmocka_unit_test(test_refused_connection_goes_elsewhere),
        cmocka_unit_test(test_all_refuse),
        cmocka_unit_test(test_nobody_takes_the_connection),
        cmocka_unit_test(test_get_is_sent_again_once),
        cmocka_unit_test(test_post_is_never_sent_again),
        cmocka_unit_test(test_idle_close_is_seen),
        cmocka_unit_test(test_upstreams_come_and_go),
        cmocka_unit_test(test_another_worker_takes_over),
        cmocka_unit_test(test_upstream_moves),
        cmocka_unit_test(test_nobody_is_open),
        cmocka_unit_test(test_nobody_has_an_address),
        cmocka_unit_test(test_post_finds_the_connection_closed),
        cmocka_unit_test(test_malformed_responses),
        cmocka_unit_test(test_nul_in_a_field),
        cmocka_unit_test(test_truncated_bodies),
        cmocka_unit_test(test_truncated_heads),
        cmocka_unit_test(test_bytes_nobody_asked_for),
        cmocka_unit_test(test_silent_upstream),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_end_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
