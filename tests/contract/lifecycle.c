/*
 * Births and deaths: a worker killed under load, a front killed, the primary killed, TERM, INT, and the end of a grace period.
 *
 * A test learns that a request is being served from /status where a loop apart answers it; it learns of a death from a pidfd.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_get(struct client *client, const char *path)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", path);
}

/* A connection whose request is being served, not merely on its way. */
static struct client *open_in_flight(struct contract *contract, struct server *server, const char *path)
{
    bool occupies = strncmp(path, "/block", 6) == 0;
    struct client *client = client_open(contract, server);
    uint64_t before = status_total(contract, server, "requests");
    send_get(client, path);
    if (!occupies || contract_has(contract, TRAIT_APART))
        CHECK(contract, status_wait_total(contract, server, "requests", before + 1), "%s is not taken", path);
    return client;
}

static void check_exit_0(struct server *server, const char *after)
{
    char how[64];
    bool over = server_wait_exit(server);
    server_describe_exit(server, how, sizeof how);
    CHECK(server->contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0,
          "after %s the program %s, wanted exit status 0", after, how);
}

/* The request in flight must not succeed any more; a front that outlives its worker for a moment may still say so. */
static void expect_cut(struct client *client, const char *why)
{
    struct response response;
    if (contract_has(client->contract, TRAIT_FRONTS) && client_try_receive(client, &response))
        CHECK(client->contract, response.status >= 500, "status %d, wanted an error or nothing (%s)", response.status, why);
    client_expect_end(client, why);
}

/* Everybody of `family` must go, and the port must be free for the next. */
static void check_all_gone(struct server *server, struct family *family, const char *after)
{
    struct contract *contract = server->contract;
    pid_t left = 0;
    int one = 1;
    bool gone = family_wait_gone(contract, family, &left);
    family_release(family);
    CHECK(contract, gone, "after %s process %d still lives", after, left);
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(contract, fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "socket: %s", strerror(errno));
    int bound = bind(fd, (struct sockaddr *)&server->address, server->address_length);
    int listening = bound == 0 ? listen(fd, 1) : -1;
    int error = errno;
    close(fd);
    CHECK(contract, listening == 0, "after %s its port is not free: %s", after, strerror(error));
}

/* ---- a worker dies ---- */

#define LOAD_CONNECTIONS 12

struct load {
    struct client *clients[LOAD_CONNECTIONS];
    int workers[LOAD_CONNECTIONS]; /* who serves the connection */
    unsigned broken;
};

static void load_open(struct contract *contract, struct server *server, struct load *load)
{
    struct response response;
    load->broken = 0;
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++) {
        load->clients[i] = client_open(contract, server);
        client_get(load->clients[i], "/hello", 200, &response);
        load->workers[i] = response.worker;
    }
}

/* A request on every connection; the callers kill somebody while they are out. */
static void load_send(struct load *load)
{
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        if (load->clients[i] != NULL)
            send_get(load->clients[i], "/wait/20ms");
}

static void load_drop(struct load *load, size_t i)
{
    client_close(load->clients[i]);
    load->clients[i] = NULL;
    load->broken++;
}

/* Answers to what load_send sent. Connections of worker `dead` may break, once; the others must get theirs. */
static void load_receive(struct contract *contract, struct load *load, int dead)
{
    struct response response;
    bool direct = contract_has(contract, TRAIT_DIRECT);
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++) {
        if (load->clients[i] == NULL)
            continue;
        bool whole = client_try_receive(load->clients[i], &response);
        if (!whole) {
            CHECK(contract, dead < 0 || !direct || load->workers[i] == dead,
                  "a connection of worker %d broke when worker %d was killed", load->workers[i], dead);
            load_drop(load, i);
            continue;
        }
        bool gateway_error = !direct && dead >= 0 && response.status >= 502 && response.status <= 504;
        CHECK(contract, response.status == 200 || gateway_error, "status %d under load, wanted 200", response.status);
        if (!response.keep_alive)
            load_drop(load, i);
    }
}

/* New connections until the worker of that index answers one again. */
static void check_serves_again(struct contract *contract, struct server *server, int index)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct response response = {.worker = -1};
    do {
        struct client *client = client_try_open(contract, server);
        if (client == NULL)
            continue;
        send_get(client, "/block/10ms");
        bool whole = client_try_receive(client, &response);
        client_close(client);
        if (whole && response.status == 200 && response.worker == index)
            return;
    } while (look_again(deadline_ns));
    contract_fail(contract, __FILE__, __LINE__,
                  "worker %d is ready again, but new connections never reach it; the last got status %d of worker %d", index,
                  response.status, response.worker);
}

static struct status_row find_ready(struct contract *contract, struct server *server, bool front, int index)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].front == front && (index < 0 || (int)rows[i].index == index))
            return rows[i];
    contract_fail(contract, __FILE__, __LINE__, "/status shows no ready %s %d", front ? "front" : "worker", index);
}

static void kill_process(struct contract *contract, pid_t pid, int signal)
{
    CHECK(contract, kill(pid, signal) == 0, "kill %d: %s", pid, strerror(errno));
}

void test_worker_killed(struct contract *contract)
{
    struct load load;
    struct server *server = server_start(contract, 0, NULL);
    load_open(contract, server, &load);
    for (int i = 0; i < 3; i++) {
        load_send(&load);
        load_receive(contract, &load, -1);
    }
    int dead = load.workers[0];
    struct status_row victim = find_ready(contract, server, false, dead);
    load_send(&load);
    kill_process(contract, victim.pid, SIGKILL);
    load_receive(contract, &load, dead);
    for (int i = 0; i < 3; i++) {
        load_send(&load);
        load_receive(contract, &load, dead);
    }
    pid_t next = status_wait_replaced(contract, server, false, (unsigned)dead, victim.pid);
    CHECK(contract, next != 0, "worker %d (pid %d) was killed; /status shows no replacement that is ready", dead, victim.pid);
    check_serves_again(contract, server, dead);
    CHECK(contract, !server_has_exited(server), "the program ended");
}

/* TERM to a worker, not to the program: it drains, another takes its place, and no client notices. */
void test_worker_told_to_end(struct contract *contract)
{
    struct client *clients[LOAD_CONNECTIONS];
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    struct status_row victim = find_ready(contract, server, false, 0);
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++) {
        clients[i] = client_open(contract, server);
        if (i % 2)
            send_get(clients[i], "/wait/300ms");
    }
    CHECK(contract, status_wait_total(contract, server, "requests", LOAD_CONNECTIONS / 2), "/wait/300ms is not taken");
    kill_process(contract, victim.pid, SIGTERM);
    for (size_t i = 0; i < LOAD_CONNECTIONS; i += 2) /* they have connected, and perhaps been accepted, but said nothing yet */
        send_get(clients[i], "/hello");
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        client_expect(clients[i], 200, &response);
    pid_t next = status_wait_replaced(contract, server, false, victim.index, victim.pid);
    CHECK(contract, next != 0, "worker %u was told to end; /status shows no replacement that is ready", victim.index);
}

void test_front_killed(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, "--fronts", "2", NULL);
    for (int i = 0; i < 10; i++)
        client_get(client_open(contract, server), "/hello", 200, &response);
    struct status_row victim = find_ready(contract, server, true, -1);
    kill_process(contract, victim.pid, SIGKILL);
    pid_t next = status_wait_replaced(contract, server, true, victim.index, victim.pid);
    CHECK(contract, next != 0, "front %u (pid %d) was killed; /status shows no replacement that is ready", victim.index,
          victim.pid);
    for (int i = 0; i < 10; i++)
        client_get(client_open(contract, server), "/hello", 200, &response);
}

static void send_some(struct contract *contract, struct server *server, unsigned count)
{
    struct response response;
    for (unsigned i = 0; i < count; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_close(client);
    }
}

static void check_requests(struct contract *contract, struct server *server, uint64_t wanted, const char *when)
{
    uint64_t value = status_total(contract, server, "requests");
    CHECK(contract, value == wanted, "%s /status counts %llu requests, wanted exactly %llu", when, (unsigned long long)value,
          (unsigned long long)wanted);
}

void test_sums_survive_a_crash(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    send_some(contract, server, 20);
    struct client *client = client_open(contract, server);
    client_get(client, "/hello", 200, &response);
    check_requests(contract, server, 21, "before the crash");
    struct status_row victim = find_ready(contract, server, false, response.worker);
    kill_process(contract, victim.pid, SIGKILL);
    pid_t next = status_wait_replaced(contract, server, false, victim.index, victim.pid);
    CHECK(contract, next != 0, "worker %u was killed; no replacement is ready", victim.index);
    check_requests(contract, server, 21, "after the crash");
    send_some(contract, server, 20);
    check_requests(contract, server, 41, "after the crash and 20 more");
}

void test_crash_is_replaced(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, "--faults", NULL);
    struct status_row victim = find_ready(contract, server, false, 0);
    struct client *client = client_open(contract, server);
    send_get(client, "/crash");
    bool whole = client_try_receive(client, &response);
    CHECK(contract, !whole || response.status >= 500, "/crash was answered with %d", response.status);
    pid_t next = status_wait_replaced(contract, server, false, 0, victim.pid);
    CHECK(contract, next != 0, "/crash of worker 0 (pid %d): no replacement is ready", victim.pid);
    check_serves_again(contract, server, 0);
}

void test_killed_whole(struct contract *contract)
{
    struct family family;
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = open_in_flight(contract, server, "/wait/60s");
    family_collect(contract, server->pid, &family);
    kill_process(contract, server->pid, SIGKILL);
    client_expect_end(client, "kill -9 of the process that holds all workers");
    check_all_gone(server, &family, "kill -9");
}

/* ---- the primary dies ---- */

static void kill_primary(struct contract *contract, const char *path)
{
    struct family family;
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = open_in_flight(contract, server, path);
    family_collect(contract, server->pid, &family);
    bool many = !contract_has(contract, TRAIT_PROCESSES) || family.count > contract->workers;
    CHECK(contract, many, "%zu processes for %u workers: are they no children of the program?", family.count, contract->workers);
    kill_process(contract, server->pid, SIGKILL);
    check_all_gone(server, &family, "kill -9 of the primary");
    expect_cut(client, "kill -9 of the primary");
}

void test_primary_killed(struct contract *contract)
{
    kill_primary(contract, "/wait/60s");
}

void test_primary_killed_while_blocked(struct contract *contract)
{
    kill_primary(contract, "/block/60s");
}

/* ---- TERM and INT ---- */

/* Whether the idle connection was closed while the other one was still waiting. */
static bool drain_idle_and_waiting(struct contract *contract, const char *path)
{
    struct response response;
    struct family family;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    struct client *idle = client_open(contract, server);
    client_get(idle, "/hello", 200, &response);
    struct client *served = open_in_flight(contract, server, path);
    family_collect(contract, server->pid, &family);
    kill_process(contract, server->pid, SIGTERM);
    client_expect_end(idle, "TERM, and this connection is idle");
    bool in_time = !client_stirs(served, 0);
    client_expect(served, 200, &response);
    client_expect_end(served, "drained");
    check_exit_0(server, "TERM and a drain");
    check_all_gone(server, &family, "TERM");
    return in_time;
}

/* A machine that stands still may see both at once: then the request waits for longer. */
void test_term_drains(struct contract *contract)
{
    CHECK(contract, drain_idle_and_waiting(contract, "/wait/1s") || drain_idle_and_waiting(contract, "/wait/4s"),
          "the idle connection was closed only when the last request was done");
}

void test_term_drains_blocked(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    struct client *served = open_in_flight(contract, server, "/block/500ms");
    kill_process(contract, server->pid, SIGTERM);
    client_expect(served, 200, &response);
    check_exit_0(server, "TERM and a drain of /block/500ms");
}

static void signal_family(struct contract *contract, const struct family *family, int signal)
{
    for (size_t i = 0; i < family->count; i++)
        kill_process(contract, family->pids[i], signal);
}

/* Whoever connected before TERM is answered, though nobody had accepted the connection yet: the program was stopped meanwhile. */
void test_term_answers_the_queue(struct contract *contract)
{
    enum { QUEUED = 150 };
    struct client *clients[QUEUED];
    struct response response;
    struct family family;
    struct server *server = server_start(contract, 0, "--grace", "60s", "--backlog", "512", NULL);
    family_collect(contract, server->pid, &family);
    signal_family(contract, &family, SIGSTOP);
    for (size_t i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        send_get(clients[i], i % 2 ? "/wait/20ms" : "/hello");
    }
    kill_process(contract, server->pid, SIGTERM);
    signal_family(contract, &family, SIGCONT);
    for (size_t i = 0; i < QUEUED; i++)
        client_expect(clients[i], 200, &response);
    check_exit_0(server, "TERM and a queue");
    check_all_gone(server, &family, "TERM");
}

/* A connection that is speaking when TERM comes may finish its sentence: a load balancer that asks then must be told. */
void test_unhealthy_while_draining(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, "--grace", "60s", NULL);
    struct client *asking = client_open(contract, server), *idle = client_open(contract, server);
    client_get(asking, "/healthz", 200, &response);
    client_print(asking, "GET /healthz HTTP/1.1\r\nHost: contr");
    client_get(idle, "/hello", 200, &response); /* by then the worker has read the other's beginning */
    kill_process(contract, server->pid, SIGTERM);
    client_expect_end(idle, "TERM, and this connection is idle");
    client_print(asking, "act\r\n\r\n");
    client_expect(asking, 503, &response);
    check_exit_0(server, "TERM and a drain");
}

void test_long_lived_server_ends(struct contract *contract)
{
    struct family family;
    struct server *server = contract_server(contract);
    list_remove(&server->link);
    list_append(&contract->servers, &server->link); /* this test's from now on */
    contract->shared = NULL;
    family_collect(contract, server->pid, &family);
    kill_process(contract, server->pid, SIGTERM);
    check_exit_0(server, "TERM");
    check_all_gone(server, &family, "TERM");
}

static void end_of_grace(struct contract *contract, const char *path)
{
    struct family family;
    char how[64];
    struct server *server = server_start(contract, 0, "--grace", "500ms", NULL);
    struct client *client = open_in_flight(contract, server, path);
    family_collect(contract, server->pid, &family);
    kill_process(contract, server->pid, SIGTERM);
    bool over = server_wait_exit(server);
    CHECK(contract, over, "TERM with --grace 500ms and %s in flight: the program still runs", path);
    CHECK(contract, WIFEXITED(server->wait_status), "the program %s", server_describe_exit(server, how, sizeof how));
    expect_cut(client, "the grace period is over");
    check_all_gone(server, &family, "the end of the grace period");
}

void test_grace_ends_a_drain(struct contract *contract)
{
    end_of_grace(contract, "/wait/60s");
}

void test_grace_ends_a_blocked_worker(struct contract *contract)
{
    end_of_grace(contract, "/block/60s");
}

void test_interrupt_stops(struct contract *contract)
{
    struct family family;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    struct client *client = open_in_flight(contract, server, "/wait/60s");
    family_collect(contract, server->pid, &family);
    /* as a terminal does: to the whole group */
    kill_process(contract, -server->pid, SIGINT);
    CHECK(contract, server_wait_exit(server), "INT: the program still runs");
    expect_cut(client, "INT");
    check_all_gone(server, &family, "INT");
}
