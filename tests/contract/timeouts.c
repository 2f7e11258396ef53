/*
 * Clients that are slow: each must be given up in time, by a deadline that its bytes do not push back.
 *
 * The tests wait for the server's event, however late it comes, and check only that it came not before its time.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <stdio.h>
#include <string.h>

#define DRIP_MS 20

/* Sends `byte` again and again until the server answers or ends; false when patience ended first. */
static bool drip(struct client *client, char byte)
{
    uint64_t deadline_ns = now_ns() + client->contract->patience_ns;
    while (!client_stirs(client, DRIP_MS)) {
        if (now_ns() > deadline_ns)
            return false;
        if (client_send_some(client, &byte, 1) < 0)
            return client_stirs(client, 0) || true;
    }
    return true;
}

static void expect_timed_out(struct client *client, uint64_t since_ns, uint64_t at_least_ns, const char *what)
{
    struct response response;
    uint64_t took_ns = now_ns() - since_ns;
    if (client_try_receive(client, &response))
        CHECK(client->contract, response.status == 408, "%s: status %d, wanted 408 or just the end", what, response.status);
    client_expect_end(client, what);
    CHECK(client->contract, took_ns >= at_least_ns, "%s: given up after %llu ms, wanted not before %llu ms", what,
          (unsigned long long)(took_ns / MS), (unsigned long long)(at_least_ns / MS));
}

void test_header_drip(struct contract *contract)
{
    struct server *server = server_start(contract, 0, "--header-timeout", "300ms", NULL);
    struct client *client = client_open(contract, server);
    uint64_t since_ns = now_ns();
    client_print(client, "GET /hello HTTP/1.1\r\nX: ");
    CHECK(contract, drip(client, 'a'), "a byte every %d ms holds the connection beyond --header-timeout 300ms", DRIP_MS);
    expect_timed_out(client, since_ns, 250 * MS, "header drip");
    /* the second request of a connection has its deadline, too */
    struct response response;
    client = client_open(contract, server);
    client_get(client, "/hello", 200, &response);
    since_ns = now_ns();
    client_print(client, "GET /hello HTTP/1.1\r\nX: ");
    CHECK(contract, drip(client, 'a'), "the second request: a byte every %d ms holds the connection", DRIP_MS);
    expect_timed_out(client, since_ns, 250 * MS, "header drip in the second request");
}

void test_slow_body(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, "--body-timeout", "300ms", NULL);
    struct client *client = client_open(contract, server);
    uint64_t since_ns = now_ns();
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nContent-Length: 1000000\r\n\r\nabc");
    CHECK(contract, drip(client, 'b'), "a byte every %d ms holds the connection beyond --body-timeout 300ms", DRIP_MS);
    uint64_t took_ns = now_ns() - since_ns;
    client_expect(client, 408, &response);
    CHECK(contract, took_ns >= 250 * MS, "given up after %llu ms, wanted not before 250 ms", (unsigned long long)(took_ns / MS));
    client_expect_end(client, "slow body");
}

void test_idle_timeout(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, "--idle-timeout", "300ms", NULL);
    struct client *client = client_open(contract, server);
    client_get(client, "/hello", 200, &response);
    uint64_t since_ns = now_ns();
    client_expect_end(client, "--idle-timeout 300ms");
    uint64_t took_ns = now_ns() - since_ns;
    CHECK(contract, took_ns >= 250 * MS, "ended after %llu ms, wanted not before 250 ms", (unsigned long long)(took_ns / MS));
}

void test_client_never_reads(struct contract *contract)
{
    static const char request[] = "GET /bytes/8m HTTP/1.1\r\nHost: contract\r\n\r\n";
    struct response response;
    struct footprint before, after;
    struct server *server = server_start(contract, 0, "--write-timeout", "500ms", NULL);
    client_get(client_open(contract, server), "/hello", 200, &response);
    server_footprint(server, &before);
    struct client *client = client_open_narrow(contract, server, 4096);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    CHECK(contract, client_send_some(client, request, sizeof request - 1) == sizeof request - 1, "the request did not fit at once");
    while (status_sum_rows(contract, server, "errors_timeout") == 0)
        CHECK(contract, look_again(deadline_ns), "--write-timeout 500ms, and a client that never reads: no time-out is counted");
    server_footprint(server, &after);
    CHECK(contract, MEMORY_MEANS_NOTHING || after.memory_bytes < before.memory_bytes + 6 * 1024 * 1024,
          "a response that nobody reads made the server grow by %llu bytes",
          (unsigned long long)(after.memory_bytes - before.memory_bytes));
    CHECK(contract, client_wait_end(client, now_ns() + contract->patience_ns), "the connection is still open after its time-out");
    CHECK(contract, client->received_total < 8 * 1024 * 1024, "all came: the connection was not given up");
    client_get(client_open(contract, server), "/hello", 200, &response);
}

#define SLOW_BODY     (16 * 1024 * 1024)
#define BYTES_PER_MS  400
#define TAKEN_AT_ONCE 32768 /* what a machine that was slow for a moment makes up for */

/* Takes some of the body at that rate until `until_ns`. The longest time without having taken anything. */
static uint64_t read_slowly(struct client *client, uint64_t until_ns)
{
    uint64_t since_ns = now_ns(), last_ns = since_ns, longest_ns = 0, taken = 0;
    while (look_again(until_ns)) {
        uint64_t now = now_ns(), due = (now - since_ns) / MS * BYTES_PER_MS - taken;
        due = due < TAKEN_AT_ONCE ? due : TAKEN_AT_ONCE;
        client_take_some(client, due);
        taken += due;
        longest_ns = now - last_ns > longest_ns ? now - last_ns : longest_ns;
        last_ns = now;
    }
    return longest_ns;
}

/* False: the machine did not let the client be as quick as it meant to be, and the server may rightly have given it up. */
static bool try_reading_slowly(struct contract *contract, uint64_t write_timeout_ms)
{
    struct response response;
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%llums", (unsigned long long)write_timeout_ms);
    struct server *server = server_start(contract, 0, "--write-timeout", timeout, NULL);
    struct client *client = client_open_narrow(contract, server, 65536);
    client_print(client, "GET /bytes/16m HTTP/1.1\r\nHost: contract\r\n\r\n");
    uint64_t longest_ns = read_slowly(client, now_ns() + 5 * write_timeout_ms * MS);
    bool whole = client_try_receive(client, &response); /* quick again */
    if (!whole && longest_ns >= write_timeout_ms * MS / 4)
        return false;
    CHECK(contract, whole, "given up, though it paused for %llu ms at most and --write-timeout is %s",
          (unsigned long long)(longest_ns / MS), timeout);
    CHECK(contract, response.status == 200 && response.body_length == SLOW_BODY, "status %d and a body of %zu bytes, wanted %d",
          response.status, response.body_length, SLOW_BODY);
    uint64_t timeouts = status_sum_rows(contract, server, "errors_timeout");
    CHECK(contract, timeouts == 0, "%llu time-outs are counted, wanted 0", (unsigned long long)timeouts);
    return true;
}

/* Slow, but never idle: it takes some bytes far more often than the time-out asks for, so it must get them all. */
void test_client_reads_slowly(struct contract *contract)
{
    uint64_t write_timeout_ms = 400;
    while (!try_reading_slowly(contract, write_timeout_ms)) {
        CHECK(contract, write_timeout_ms < 3200, "this machine pauses for longer than a client may");
        write_timeout_ms *= 2;
    }
}
