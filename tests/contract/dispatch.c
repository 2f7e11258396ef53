/*
 * Which worker gets what, what occupies a worker, and whether /status counts it right. Everything is decided by the order of events
 * and by counts, never by how long something took.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_get(struct client *client, const char *path)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", path);
}

/*
 * One round: as many new connections as workers, each with a request that occupies its worker, all overlapping. Where /status can
 * be asked meanwhile, the next connection waits until the request before it is being served (or has been: a connection may be
 * queued behind a blocked worker), so that only free workers can take it.
 */
static void block_round(struct contract *contract, struct server *server, bool *seen)
{
    struct client *clients[64];
    struct response response;
    for (unsigned i = 0; i < contract->workers; i++) {
        uint64_t before = contract_has(contract, TRAIT_APART) ? status_total(contract, server, "requests") : 0;
        clients[i] = client_open(contract, server);
        send_get(clients[i], "/block/200ms");
        if (contract_has(contract, TRAIT_APART))
            CHECK(contract, status_wait_total(contract, server, "requests", before + 1), "/block/200ms is not taken by any worker");
    }
    for (unsigned i = 0; i < contract->workers; i++) {
        client_expect(clients[i], 200, &response);
        CHECK(contract, response.worker >= 0 && (unsigned)response.worker < contract->workers, "X-Worker %d", response.worker);
        seen[response.worker] = true;
        client_close(clients[i]);
    }
}

void test_every_worker_serves(struct contract *contract)
{
    bool seen[64] = {false};
    unsigned count = 0;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct server *server = contract_server(contract);
    do {
        block_round(contract, server, seen);
        count = 0;
        for (unsigned i = 0; i < contract->workers; i++)
            count += seen[i];
    } while (count < contract->workers && now_ns() < deadline_ns);
    CHECK(contract, count == contract->workers, "overlapping /block/200ms on ever new connections reached %u of %u workers", count,
          contract->workers);
}

void test_wait_does_not_occupy(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, NULL);
    struct client *waiting = client_open(contract, server), *quick = client_open(contract, server);
    send_get(waiting, "/wait/10m"); /* nobody waits for its end */
    CHECK(contract, status_wait_total(contract, server, "requests", 1), "/wait/10m is not taken");
    client_get(quick, "/hello", 200, &response);
    client_get(quick, "/wait/20ms", 200, &response);
    CHECK(contract, !client_stirs(waiting, 0), "/wait/10m is over before a /hello behind it, on another connection of one worker");
}

/*
 * Nothing tells when the request has reached the worker's loop, so /hello is asked again and again until /block answers: a few may
 * be served before the worker takes the other connection's request, but a worker that goes on serving answers all of them. The
 * pauses between them give a slow machine 100 ms to take it, a fifth of what /block takes.
 */
void test_block_occupies(struct contract *contract)
{
    enum { OVERTAKING_ALLOWED = 20 };
    struct response response;
    struct server *server = server_start(contract, 1, NULL);
    struct client *blocking = client_open(contract, server), *quick = client_open(contract, server);
    client_get(blocking, "/hello", 200, &response); /* both connections are the worker's before one blocks it */
    client_get(quick, "/hello", 200, &response);
    send_get(blocking, "/block/500ms");
    for (unsigned overtook = 0; !client_stirs(blocking, 5); overtook++) {
        CHECK(contract, overtook < OVERTAKING_ALLOWED,
              "%u times /hello overtook the /block/500ms on another connection of one worker", overtook);
        client_get(quick, "/hello", 200, &response);
    }
    client_expect(blocking, 200, &response);
}

void test_cpu_burns(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, NULL);
    struct client *client = client_open(contract, server);
    client_get(client, "/cpu/50ms", 200, &response);
    uint64_t busy_ns = status_total(contract, server, "busy_ns");
    CHECK(contract, busy_ns >= 45 * MS, "/cpu/50ms counted %llu us of busy time", (unsigned long long)(busy_ns / 1000));
}

static void check_even(struct contract *contract, const char *what, const unsigned *counts)
{
    unsigned least = counts[0], most = counts[0];
    for (unsigned i = 1; i < contract->workers; i++) {
        least = counts[i] < least ? counts[i] : least;
        most = counts[i] > most ? counts[i] : most;
    }
    CHECK(contract, most - least <= 1, "%s a worker are between %u and %u, wanted to differ by at most 1", what, least, most);
}

void test_even_counts(struct contract *contract)
{
    struct server_plan plan = {.arguments = contract->profile->even_arguments};
    struct server *server = server_start_plan(contract, &plan);
    struct response response;
    struct status_row rows[STATUS_ROWS];
    unsigned by_client[64] = {0}, by_status[64] = {0};
    for (unsigned i = 0; i < 8 * contract->workers + 1; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        CHECK(contract, response.worker >= 0 && response.worker < 64, "X-Worker %d", response.worker);
        by_client[response.worker]++;
        client_close(client);
    }
    check_even(contract, "sequential connections' requests", by_client);
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front && rows[i].index < 64)
            by_status[rows[i].index] += (unsigned)(contract_has(contract, TRAIT_FRONTS) ? rows[i].requests : rows[i].accepted);
    check_even(contract, "counts of /status", by_status);
}

/* ---- /status ---- */

static void check_row(struct contract *contract, const json_t *row)
{
    static const char *const numbers[] = {"index",       "slot",          "pid",       "generation",
                                          "cpu_user_us", "cpu_system_us", "rss_bytes", "pss_bytes"};
    const char *role = json_string_value(json_object_get(row, "role"));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        CHECK(contract, json_is_integer(json_object_get(row, numbers[i])), "a row of /status has no number '%s'", numbers[i]);
    CHECK(contract, json_is_number(json_object_get(row, "uptime_s")), "a row of /status has no number 'uptime_s'");
    CHECK(contract, json_is_string(json_object_get(row, "state")), "a row of /status has no 'state'");
    CHECK(contract, role != NULL && (strcmp(role, "worker") == 0 || strcmp(role, "front") == 0), "role '%s'", role ? role : "");
    CHECK(contract, json_is_object(json_object_get(row, "counters")), "a row of /status has no 'counters'");
    CHECK(contract, json_integer_value(json_object_get(row, "pid")) > 0, "a row of /status has no pid");
    CHECK(contract, json_integer_value(json_object_get(row, "rss_bytes")) > 0, "a row of /status has rss_bytes 0");
}

void test_status_document(struct contract *contract)
{
    static const char *const counters[] = {"accepted",      "active",        "requests",       "responses_1xx",  "responses_2xx",
                                           "responses_3xx", "responses_4xx", "responses_5xx",  "bytes_in",       "bytes_out",
                                           "errors_read",   "errors_write",  "errors_parse",   "errors_timeout", "errors_accept",
                                           "busy_ns",       "loop_lag_ns",   "loop_lag_max_ns"};
    struct server *server = contract_server(contract);
    struct status_row rows[STATUS_ROWS];
    size_t i, workers = 0, count = status_rows(contract, server, rows);
    json_t *row, *status = status_get(contract, server);
    const char *strategy = json_string_value(json_object_get(status, "strategy"));
    const char *state = json_string_value(json_object_get(status, "state"));
    CHECK(contract, strategy != NULL && strcmp(strategy, server->strategy) == 0, "/status says strategy '%s', the ready line '%s'",
          strategy ? strategy : "", server->strategy);
    CHECK(contract, state != NULL && strcmp(state, "serving") == 0, "/status says state '%s', wanted serving", state ? state : "");
    CHECK(contract, json_integer_value(json_object_get(status, "pid")) == server->pid, "/status has another pid than the program");
    CHECK(contract, json_is_string(json_object_get(status, "version")), "/status has no version");
    CHECK(contract, json_is_number(json_object_get(status, "uptime_s")), "/status has no uptime_s");
    json_array_foreach(json_object_get(status, "workers"), i, row) check_row(contract, row);
    for (i = 0; i < sizeof counters / sizeof counters[0]; i++)
        CHECK(contract, json_is_integer(json_object_get(json_object_get(status, "total"), counters[i])), "'total' lacks '%s'",
              counters[i]);
    json_decref(status);
    for (i = 0; i < count; i++)
        workers += !rows[i].front;
    CHECK(contract, workers == contract->workers, "/status shows %zu ready workers, wanted %u", workers, contract->workers);
}

/* Waits for the counter to arrive at `wanted`, then demands that it is exactly that. */
static void check_total(struct contract *contract, struct server *server, const char *counter, uint64_t wanted)
{
    status_wait_total(contract, server, counter, wanted);
    uint64_t value = status_total(contract, server, counter);
    CHECK(contract, value == wanted, "/status counts %s %llu, wanted exactly %llu", counter, (unsigned long long)value,
          (unsigned long long)wanted);
}

void test_status_sums(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    uint64_t sent = 0;
    for (unsigned i = 0; i < 10; i++) {
        struct client *client = client_open(contract, server);
        for (unsigned j = 0; j <= i; j++, sent++)
            client_get(client, "/hello", 200, &response);
        if (i % 2)
            client_close(client);
    }
    struct client *client = client_open(contract, server);
    for (unsigned i = 0; i < 50; i++, sent++)
        send_get(client, "/bytes/10");
    for (unsigned i = 0; i < 50; i++)
        client_expect(client, 200, &response);
    for (unsigned i = 0; i < 3; i++, sent++)
        client_get(client, "/nothing", 404, &response);
    check_total(contract, server, "requests", sent);
    check_total(contract, server, "responses_2xx", sent - 3);
    check_total(contract, server, "responses_4xx", 3);
    check_total(contract, server, "responses_5xx", 0);
    if (contract_has(contract, TRAIT_DIRECT))
        check_total(contract, server, "accepted", 11);
}

void test_accept_modes(struct contract *contract)
{
    static const char *const modes[] = {"own", "shared", "handoff"};
    struct response response;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        bool seen[64] = {false};
        struct server *server = server_start(contract, 0, "--accept", modes[i], NULL);
        struct client *client = client_open(contract, server);
        for (int j = 0; j < 20; j++)
            client_get(client, "/hello", 200, &response);
        block_round(contract, server, seen);
        check_total(contract, server, "requests", 20 + contract->workers);
    }
}
