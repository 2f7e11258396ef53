/*
 * Descriptors, processes, and clients without manners: nothing may leak, and running out of something must pass.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <poll.h>
#include <string.h>

#define GET_HELLO "GET /hello HTTP/1.1\r\nHost: contract\r\n\r\n"

/* Connections of every kind, each gone afterwards. */
static void come_and_go(struct contract *contract, struct server *server, unsigned times)
{
    struct response response;
    for (unsigned i = 0; i < times; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_close(client);
        client = client_open(contract, server);
        client_print(client, "GET /hel");
        client_close(client);
        client = client_open(contract, server);
        client_print(client, "GET /bytes/100k HTTP/1.1\r\nHost: contract\r\n\r\n");
        client_reset(client);
        client = client_open(contract, server);
        client_print(client, "nonsense\r\n\r\n");
        client_try_receive(client, &response);
        client_close(client);
    }
}

#define DESCRIPTORS_SLACK 8 /* pooled upstream connections may be a few more */

void test_nothing_leaks(struct contract *contract)
{
    struct footprint before, after;
    struct server *server = server_start(contract, 0, NULL);
    come_and_go(contract, server, 20);
    server_footprint(server, &before);
    come_and_go(contract, server, 50);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    do
        server_footprint(server, &after);
    while ((after.descriptors > before.descriptors + DESCRIPTORS_SLACK || after.threads > before.threads) &&
           look_again(deadline_ns));
    CHECK(contract, after.descriptors <= before.descriptors + DESCRIPTORS_SLACK,
          "200 connections came and went: descriptors %u -> %u", before.descriptors, after.descriptors);
    CHECK(contract, after.processes == before.processes, "processes %u -> %u", before.processes, after.processes);
    CHECK(contract, after.threads <= before.threads, "threads %u -> %u", before.threads, after.threads);
}

#define CROWD 200

#define SETTLED_MS 250

/* Until its processes have held as many descriptors for a while: a connection that has ended is not closed at once. */
static void wait_settled(struct contract *contract, struct server *server)
{
    struct footprint held, now;
    uint64_t deadline_ns = now_ns() + contract->patience_ns, since_ns = now_ns();
    server_footprint(server, &held);
    while (now_ns() - since_ns < SETTLED_MS * UINT64_C(1000000)) {
        CHECK(contract, look_again(deadline_ns), "the descriptors that it holds do not settle");
        server_footprint(server, &now);
        if (now.descriptors != held.descriptors)
            since_ns = now_ns();
        held = now;
    }
}

/* --max-connections is reckoned from the limit at the start: accept(2) itself fails only when that is lowered afterwards. */
void test_descriptors_exhausted(struct contract *contract)
{
    struct response response;
    struct client *crowd[CROWD];
    struct family family;
    struct rlimit usual;
    struct server *server = server_start(contract, 1, NULL);
    struct client *first = client_open(contract, server);
    client_get(first, "/hello", 200, &response);
    uint64_t before = status_sum_rows(contract, server, "errors_accept");
    wait_settled(contract, server);
    family_collect(contract, server->pid, &family);
    family_limit_descriptors(contract, &family, NULL, &usual);
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = client_try_open(contract, server);
        if (crowd[i] != NULL)
            client_send(crowd[i], GET_HELLO, sizeof GET_HELLO - 1);
    }
    for (int i = 0; i < 2; i++) /* behind the second answer who accepts has tried to */
        client_get(first, "/hello", 200, &response);
    for (size_t i = 0; i < CROWD; i++)
        CHECK(contract, crowd[i] == NULL || !client_stirs(crowd[i], 0), "there is no descriptor for connection %zu: it is answered",
              i);
    CHECK(contract, !server_has_exited(server), "%d connections and no descriptors: the program ended", CROWD);
    family_limit_descriptors(contract, &family, &usual, NULL);
    family_release(&family);
    /* A dealer has no counters, and of an unknown program nobody knows whether it is one. */
    bool counted = contract->profile->named && (!contract_has(contract, TRAIT_EVEN) || contract_has(contract, TRAIT_FRONTS));
    CHECK(contract, !counted || status_sum_rows(contract, server, "errors_accept") > before, "no accept has failed");
    for (size_t i = 0; i < CROWD; i++)
        if (crowd[i] != NULL)
            client_close(crowd[i]);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (bool served = false; !served;) {
        struct client *client = client_try_open(contract, server);
        served = client != NULL && client_send(client, GET_HELLO, sizeof GET_HELLO - 1) && client_try_receive(client, &response) &&
                 response.status == 200;
        if (client != NULL)
            client_close(client);
        CHECK(contract, served || look_again(deadline_ns), "the crowd has gone, but new connections are not served");
    }
    client_get(first, "/hello", 200, &response);
}

void test_clients_that_leave_early(struct contract *contract)
{
    struct response response;
    struct status_row before[STATUS_ROWS], after[STATUS_ROWS];
    struct server *server = server_start(contract, 0, NULL);
    size_t count = status_rows(contract, server, before);
    for (int i = 0; i < 30; i++) {
        struct client *client = client_open(contract, server);
        for (int j = 0; j < 4; j++)
            client_print(client, "GET /bytes/1m HTTP/1.1\r\nHost: contract\r\n\r\n");
        if (i % 3 == 0)
            client_stirs(client, 100);
        if (i % 2)
            client_reset(client);
        else
            client_close(client);
    }
    for (unsigned i = 0; i < 4 * contract->workers; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
    }
    CHECK(contract, !server_has_exited(server), "clients left early: the program ended");
    size_t count_after = status_rows(contract, server, after);
    bool same = count == count_after;
    for (size_t i = 0; same && i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < count_after; j++)
            found |= after[j].pid == before[i].pid;
        same = found;
    }
    CHECK(contract, same, "clients left early: a worker died of it (SIGPIPE?)");
}

#define IDLE_FIRST      100 /* they pay for what the server allocates once */
#define IDLE_MORE       800 /* below the usual 1,024 descriptors of a test */
#define IDLE_BYTES_MOST 640

static void open_idle(struct contract *contract, struct server *server, unsigned count)
{
    struct response response;
    for (unsigned i = 0; i < count; i++)
        client_get(client_open(contract, server), "/hello", 200, &response);
}

/* A connection on which nothing happens holds no buffer and no parser. */
void test_idle_connections_are_small(struct contract *contract)
{
    struct footprint before, after;
    struct server *server = server_start(contract, 1, NULL);
    open_idle(contract, server, IDLE_FIRST);
    server_footprint(server, &before);
    open_idle(contract, server, IDLE_MORE);
    server_footprint(server, &after);
    uint64_t grown = after.memory_bytes > before.memory_bytes ? after.memory_bytes - before.memory_bytes : 0;
    CHECK(contract, MEMORY_MEANS_NOTHING || grown / IDLE_MORE <= IDLE_BYTES_MOST,
          "an idle connection costs %llu bytes of RSS, wanted %d", (unsigned long long)(grown / IDLE_MORE), IDLE_BYTES_MOST);
}

void test_max_connections(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, "--max-connections", "2", NULL);
    struct client *one = client_open(contract, server), *two = client_open(contract, server);
    client_get(one, "/hello", 200, &response);
    client_get(two, "/hello", 200, &response);
    struct client *three = client_try_open(contract, server);
    if (three != NULL)
        client_send(three, GET_HELLO, sizeof GET_HELLO - 1);
    client_get(one, "/wait/100ms", 200, &response); /* time enough for a mistake: the third would be answered meanwhile */
    client_get(two, "/hello", 200, &response);
    bool answered = three != NULL && client_stirs(three, 0) && client_try_receive(three, &response);
    CHECK(contract, !answered || response.status == 503, "--max-connections 2: a third connection got %d", response.status);
    if (three != NULL && (answered || three->ended))
        client_close(three), three = NULL;
    client_close(one);
    if (three == NULL) {
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        for (bool served = false; !served;) {
            struct client *client = client_try_open(contract, server);
            served = client != NULL && client_send(client, GET_HELLO, sizeof GET_HELLO - 1) &&
                     client_try_receive(client, &response) && response.status == 200;
            if (client != NULL)
                client_close(client);
            CHECK(contract, served || look_again(deadline_ns), "a connection ended, but no new one is served");
        }
        return;
    }
    client_expect(three, 200, &response); /* it had to wait, and now it is its turn */
}
