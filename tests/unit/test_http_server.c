/*
 * The HTTP server on a real loop, its clients the other ends of socket pairs: what depends on who reads how much when.
 * Nothing here asserts how long something takes; the only clock is the test's own time-out.
 */
#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/server.h"

#define LARGE      (UINT64_C(4) << 20) /* more than a socket's buffer: the server has to wait for the client */
#define HEADS_MOST 65536
#define PIECE      65536
#define MODERATE   100000 /* larger than the pattern, small enough to leave in one write */
#define LONG_MS    60000  /* nothing in these tests waits for its end */
#define SHORT_MS   20     /* ... and here something does */

#define SHORT "GET /short HTTP/1.1\r\nHost: a\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct http_response late = {.status = 200, .body = {"late!", 5}};

static const char pattern[65536];

struct fixture {
    uv_loop_t loop;
    struct http_server server;
    struct counters counters;
    int client;
    char *received; /* by the client */
    size_t length;
    bool empty;
    struct http_request *waiting; /* of /later */
};

/* "/large", "/moderate": a repeated body; "/later": when the test says so; else a short answer. */
static void on_request(void *context, struct http_request *request)
{
    struct fixture *fixture = context;
    struct http_response response = {.status = 200, .body = SLICE("short")};
    if (slice_is(request->path, "/later")) {
        fixture->waiting = request;
        return;
    }
    bool large = slice_is(request->path, "/large");
    if (large || slice_is(request->path, "/moderate")) {
        response.body = (struct slice){pattern, sizeof pattern};
        response.body_length = large ? LARGE : MODERATE;
    }
    http_respond(request, &response);
}

static void on_abandoned(void *context, struct http_request *request)
{
    (void)request;
    ((struct fixture *)context)->waiting = NULL;
}

static void on_empty(void *context)
{
    ((struct fixture *)context)->empty = true;
}

static const struct http_server_events events = {.request = on_request, .abandoned = on_abandoned, .empty = on_empty};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int ends[2];
    assert_non_null(fixture);
    fixture->received = calloc(1, LARGE + HEADS_MOST + PIECE);
    assert_non_null(fixture->received);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->server = (struct http_server){
        .loop = &fixture->loop,
        .limits = {8192, 100, 1024, 1 << 20},
        .timeouts = {LONG_MS, LONG_MS, LONG_MS, LONG_MS, LONG_MS},
        .unix_sockets = true,
        .events = &events,
        .context = fixture,
        .counters = &fixture->counters,
    };
    assert_int_equal(http_server_init(&fixture->server), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(http_server_open(&fixture->server, ends[0]), 0);
    fixture->client = ends[1];
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_close(&fixture->server);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_true(fixture->empty);
    http_server_free(&fixture->server);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    close(fixture->client);
    free(fixture->received);
    free(fixture);
    return 0;
}

static void send_text(struct fixture *fixture, const char *text)
{
    assert_int_equal(send(fixture->client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads what is there; false at the end of the connection. Bodies are zeros, so heads are what can be seen: they are counted. */
static bool receive(struct fixture *fixture)
{
    ssize_t got;
    while ((got = recv(fixture->client, fixture->received + fixture->length, PIECE, 0)) > 0) {
        fixture->length += (size_t)got;
        if (fixture->length > LARGE + HEADS_MOST)
            fail_msg("more was received than was asked for");
    }
    return got != 0;
}

static size_t count_lines(const struct fixture *fixture, const char *line)
{
    size_t count = 0, length = strlen(line);
    const char *at = fixture->received, *end = at + fixture->length;
    while ((at = memmem(at, (size_t)(end - at), line, length))) {
        at += length;
        count++;
    }
    return count;
}

static size_t count_heads(const struct fixture *fixture)
{
    return count_lines(fixture, "HTTP/1.1 200 OK\r\n");
}

static size_t count_closes(const struct fixture *fixture)
{
    return count_lines(fixture, "\r\nConnection: close\r\n");
}

static void turn(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

static void test_request_behind_an_answer_that_leaves_at_once(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, "GET /moderate HTTP/1.1\r\nHost: a\r\n\r\nGET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    while (count_heads(fixture) < 2) { /* a test that fails here is ended by its time-out */
        turn(fixture);
        receive(fixture);
    }
    assert_memory_equal(fixture->received + fixture->length - 5, "short", 5);
}

static void test_request_held_behind_an_answer_given_later(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /moderate HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    while (!fixture->waiting)
        turn(fixture);
    assert_int_equal(counter_read(&fixture->counters.requests), 1);
    http_respond(fixture->waiting, &late);
    while (count_heads(fixture) < 3) {
        turn(fixture);
        receive(fixture);
    }
    assert_int_equal(counter_read(&fixture->counters.requests), 3);
}

/* Reads to the end, which must come, and closes as clients do: the drain is over then, whatever it would have waited for. */
static void end_as_client(struct fixture *fixture)
{
    while (receive(fixture))
        turn(fixture);
    assert_int_equal(shutdown(fixture->client, SHUT_WR), 0);
    while (!fixture->empty)
        turn(fixture);
}

static void test_drain_ends_behind_a_large_answer(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    while (counter_read(&fixture->counters.requests) == 0)
        turn(fixture);
    fixture->server.timeouts.parting_ms = SHORT_MS;
    http_server_drain(&fixture->server); /* the head has promised to keep the connection */
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 1);
    assert_true(fixture->length > LARGE);
}

/* In the loop's pass of reading, where signals and messages arrive: a connection is taken, and then comes the order to drain. */
static void take_and_drain(uv_async_t *async)
{
    struct fixture *fixture = async->data;
    int ends[2];
    close(fixture->client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    fixture->client = ends[1];
    send_text(fixture, "GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(http_server_open(&fixture->server, ends[0]), 0);
    http_server_drain(&fixture->server);
    uv_close((uv_handle_t *)async, NULL);
}

static void test_drain_hears_the_last_connection(void **state)
{
    struct fixture *fixture = *state;
    uv_async_t async;
    assert_int_equal(uv_async_init(&fixture->loop, &async, take_and_drain), 0);
    async.data = fixture;
    assert_int_equal(uv_async_send(&async), 0);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 1);
    assert_int_equal(count_closes(fixture), 1);
}

/* It connected before the drain and speaks behind it: only then is there something to answer. */
static void test_drain_waits_for_the_first_word(void **state)
{
    struct fixture *fixture = *state;
    http_server_drain(&fixture->server);
    for (int i = 0; i < 3; i++)
        turn(fixture);
    send_text(fixture, SHORT);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 1);
    assert_int_equal(count_closes(fixture), 1);
}

/* The client does nothing: it is not waited for, neither for its first word nor for its end. */
static void test_drain_ends_a_silent_connection(void **state)
{
    struct fixture *fixture = *state;
    fixture->server.timeouts.parting_ms = SHORT_MS;
    http_server_drain(&fixture->server);
    while (!fixture->empty) /* long before its header time-out */
        turn(fixture);
    assert_false(receive(fixture));
    assert_int_equal(fixture->length, 0);
    assert_int_equal(counter_read(&fixture->counters.errors_timeout), 0);
}

/* ---- connections that are idle when the drain begins ---- */

static void ask(struct fixture *fixture, const char *request)
{
    size_t heads = count_heads(fixture);
    send_text(fixture, request);
    while (count_heads(fixture) == heads) {
        turn(fixture);
        assert_true(receive(fixture));
    }
}

/* Its request was on its way: it is answered, and told that it was the last. */
static void test_drain_answers_on_an_idle_connection(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, SHORT);
    http_server_drain(&fixture->server);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    send_text(fixture, SHORT);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 2);
    assert_int_equal(count_closes(fixture), 1);
}

/* The end is a half-close: what the client still sends is read, so that no reset meets it. */
static void test_drain_shuts_an_idle_connection_down(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, SHORT);
    fixture->server.timeouts.parting_ms = 1000 * SHORT_MS; /* for the linger, which has begun by the time this test looks */
    fixture->server.timeouts.idle_ms = SHORT_MS;
    http_server_drain(&fixture->server);
    while (receive(fixture))
        turn(fixture);
    send_text(fixture, SHORT); /* too late, but not refused */
    for (int i = 0; i < 5; i++)
        turn(fixture);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 1);
    assert_int_equal(counter_read(&fixture->counters.requests), 1);
}

static void test_drain_does_not_wait_for_an_idle_client(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, SHORT);
    fixture->server.timeouts.parting_ms = SHORT_MS;
    http_server_drain(&fixture->server);
    while (!fixture->empty)
        turn(fixture);
    assert_false(receive(fixture));
    assert_int_equal(count_heads(fixture), 1);
}

/* The same for one that comes to rest in the drain: the head of its answer had promised to keep it. */
static void test_drain_behind_a_streamed_answer(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, LATER);
    while (!fixture->waiting)
        turn(fixture);
    http_respond_begin(fixture->waiting, &late, 10);
    http_respond_piece(fixture->waiting, "first", 5);
    http_server_drain(&fixture->server);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    http_respond_piece(fixture->waiting, "third", 5);
    http_respond_end(fixture->waiting);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    assert_true(receive(fixture));
    assert_int_equal(count_closes(fixture), 0);
    send_text(fixture, SHORT);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 2);
    assert_int_equal(count_closes(fixture), 1);
}

/* ---- pipelined requests and a drain ---- */

/* The next one was sent before the client could see that there is none: it must not cost it the answer. */
static void test_drain_lingers_behind_its_last_answer(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, LATER);
    while (!fixture->waiting)
        turn(fixture);
    http_server_drain(&fixture->server);
    http_respond(fixture->waiting, &late);
    for (int i = 0; i < 5; i++) {
        turn(fixture);
        send_text(fixture, SHORT);
    }
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 1);
    assert_int_equal(count_closes(fixture), 1);
}

/* All that came before the first answer of the drain; the last one closes. */
static void test_drain_answers_what_was_pipelined(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, LATER SHORT SHORT);
    while (!fixture->waiting)
        turn(fixture);
    http_server_drain(&fixture->server);
    send_text(fixture, SHORT SHORT "GET /short HT"); /* nobody has read these */
    http_respond(fixture->waiting, &late);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    assert_true(receive(fixture));
    assert_int_equal(count_heads(fixture), 5);
    assert_int_equal(count_closes(fixture), 0);
    send_text(fixture, "TP/1.1\r\nHost: a\r\n\r\n"); /* its beginning had come: the last one is this */
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 6);
    assert_int_equal(count_closes(fixture), 1);
}

/* A client that always has another request on its way is told all the same. */
static void test_drain_of_an_endless_pipeline(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, LATER LATER);
    while (!fixture->waiting)
        turn(fixture);
    http_server_drain(&fixture->server);
    http_respond(fixture->waiting, &late); /* brings the other one */
    send_text(fixture, SHORT);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    http_respond(fixture->waiting, &late);
    send_text(fixture, SHORT); /* read past, so that the answer is not lost by a reset */
    for (int i = 0; i < 5; i++)
        turn(fixture);
    send_text(fixture, SHORT);
    end_as_client(fixture);
    assert_int_equal(count_heads(fixture), 2);
    assert_int_equal(count_closes(fixture), 1);
    assert_int_equal(counter_read(&fixture->counters.requests), 2);
    assert_int_equal(counter_read(&fixture->counters.errors_read), 0);
}

/* Many requests cut in the middle, one read ending in each: none of them is late, though the line never falls silent. */
static void test_head_timeout_is_a_request_s_own(void **state)
{
    struct fixture *fixture = *state;
    size_t requests = 0;
    fixture->server.timeouts.header_ms = 100;
    send_text(fixture, "GET /short HTTP");
    uint64_t begin_ms = (turn(fixture), uv_now(&fixture->loop));
    while (uv_now(&fixture->loop) - begin_ms < 3 * fixture->server.timeouts.header_ms) {
        send_text(fixture, "/1.1\r\nHost: a\r\n\r\nGET /short HTTP");
        requests++;
        while (count_heads(fixture) < requests) {
            turn(fixture);
            assert_true(receive(fixture));
        }
        fixture->length = 0;
        requests = 0;
    }
    assert_int_equal(counter_read(&fixture->counters.errors_timeout), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_behind_an_answer_that_leaves_at_once),
        TEST(test_request_held_behind_an_answer_given_later),
        TEST(test_drain_ends_behind_a_large_answer),
        TEST(test_drain_hears_the_last_connection),
        TEST(test_drain_waits_for_the_first_word),
        TEST(test_drain_ends_a_silent_connection),
        TEST(test_drain_answers_on_an_idle_connection),
        TEST(test_drain_shuts_an_idle_connection_down),
        TEST(test_drain_does_not_wait_for_an_idle_client),
        TEST(test_drain_behind_a_streamed_answer),
        TEST(test_drain_lingers_behind_its_last_answer),
        TEST(test_drain_answers_what_was_pipelined),
        TEST(test_drain_of_an_endless_pipeline),
        TEST(test_head_timeout_is_a_request_s_own),
    };
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
