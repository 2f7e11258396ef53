/*
 * The HTTP server on a real loop, its clients the other ends of socket pairs: what depends on who reads how much when.
 * Nothing here asserts how long something takes; the only clock is the test's own time-out.
 */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
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

/* What the server said of an answer. */
struct note {
    int status;
    uint64_t body_bytes;
    char target[24];
};

struct fixture {
    struct note notes[8];
    unsigned note_count, abandoned;
    uv_loop_t loop;
    struct http_server server;
    struct counters counters;
    int client;
    char *received; /* by the client */
    size_t length;
    bool empty;
    struct http_request *waiting; /* of /later */
};

/* "/pieces": an answer in pieces; "/broken": the same, broken off. */
static void answer_in_pieces(struct http_request *request)
{
    struct http_response response = {.status = 203};
    http_respond_begin(request, &response, HTTP_LENGTH_UNKNOWN);
    http_respond_piece(request, "abc", 3);
    http_respond_piece(request, "de", 2);
    if (slice_is(request->path, "/pieces"))
        http_respond_end(request);
    else
        http_respond_abort(request);
}

/* "/large", "/moderate": a repeated body; "/later": when the test says so; else a short answer. */
static void on_request(void *context, struct http_request *request)
{
    struct fixture *fixture = context;
    struct http_response response = {.status = 200, .body = SLICE("short")};
    if (slice_is(request->path, "/later")) {
        fixture->waiting = request;
        return;
    }
    if (slice_is(request->path, "/pieces") || slice_is(request->path, "/broken")) {
        answer_in_pieces(request);
        return;
    }
    if (slice_is(request->path, "/nothing"))
        response.status = 304;
    bool large = slice_is(request->path, "/large");
    if (large || slice_is(request->path, "/moderate")) {
        response.body = (struct slice){pattern, sizeof pattern};
        response.body_length = large ? LARGE : MODERATE;
    }
    http_respond(request, &response);
}

static void on_abandoned(void *context, struct http_request *request)
{
    struct fixture *fixture = context;
    (void)request;
    fixture->waiting = NULL;
    fixture->abandoned++;
}

static void on_answered(void *context, const struct http_request *request, int status, uint64_t body_bytes)
{
    struct fixture *fixture = context;
    if (fixture->note_count == LENGTH_OF(fixture->notes))
        return;
    struct note *note = &fixture->notes[fixture->note_count++];
    *note = (struct note){.status = status, .body_bytes = body_bytes};
    snprintf(note->target, sizeof note->target, "%.*s", (int)request->target.length, request->target.at);
}

static void on_empty(void *context)
{
    ((struct fixture *)context)->empty = true;
}

static const struct http_server_events events = {
    .request = on_request, .abandoned = on_abandoned, .answered = on_answered, .empty = on_empty};

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

/* ---- what the server says of its answers ---- */

static void check_notes(struct fixture *fixture, const struct note *wanted, unsigned count)
{
    while (fixture->note_count < count) {
        turn(fixture);
        receive(fixture);
    }
    for (unsigned i = 0; i < 5; i++)
        turn(fixture); /* no more of them */
    assert_int_equal(fixture->note_count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(fixture->notes[i].status, wanted[i].status);
        assert_int_equal(fixture->notes[i].body_bytes, wanted[i].body_bytes);
        assert_string_equal(fixture->notes[i].target, wanted[i].target);
    }
}

static void test_answers_are_told(void **state)
{
    static const struct note wanted[] = {
        {200, 5, "/short"},    {200, 0, "/short?h"}, {200, MODERATE, "/moderate"}, {304, 0, "/nothing"}, {203, 5, "/pieces"},
        {203, 0, "/pieces?h"}, {400, 0, "/bad"},
    };
    struct fixture *fixture = *state;
    send_text(fixture, "GET /short HTTP/1.1\r\nHost: a\r\n\r\nHEAD /short?h HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /moderate HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /pieces HTTP/1.1\r\nHost: a\r\n\r\nHEAD /pieces?h HTTP/1.1\r\nHost: a\r\n\r\n"
                       "HEAD /bad HTTP/1.1\r\n\r\n");
    check_notes(fixture, wanted, LENGTH_OF(wanted));
    assert_int_equal(fixture->abandoned, 0);
}

static void test_answer_given_later_is_told(void **state)
{
    static const struct note wanted = {200, 5, "/later"};
    struct fixture *fixture = *state;
    send_text(fixture, LATER);
    while (!fixture->waiting)
        turn(fixture);
    assert_int_equal(fixture->note_count, 0);
    http_respond(fixture->waiting, &late);
    check_notes(fixture, &wanted, 1);
}

static void test_broken_off_answer_is_told(void **state)
{
    static const struct note wanted = {203, 5, "/broken"};
    struct fixture *fixture = *state;
    send_text(fixture, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
    check_notes(fixture, &wanted, 1);
    assert_int_equal(fixture->abandoned, 0);
}

/* What could not be read, as far as it was. */
static void test_refusal_is_told(void **state)
{
    struct fixture *fixture = *state;
    char request[1200] = "GET /";
    memset(request + 5, 'x', 1100);
    send_text(fixture, request);
    while (fixture->note_count == 0)
        turn(fixture);
    assert_int_equal(fixture->notes[0].status, 414);
    assert_true(fixture->notes[0].body_bytes > 0);
}

/* One or the other. */
static void test_abandoned_request_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    send_text(fixture, LATER);
    while (!fixture->waiting)
        turn(fixture);
    http_server_close(&fixture->server);
    assert_int_equal(fixture->abandoned, 1);
    assert_int_equal(fixture->note_count, 0);
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
        TEST(test_answers_are_told),
        TEST(test_answer_given_later_is_told),
        TEST(test_broken_off_answer_is_told),
        TEST(test_refusal_is_told),
        TEST(test_abandoned_request_is_not_told),
    };
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
