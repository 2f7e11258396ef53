/*
 * Ends of workers that lose nothing: requests that are on their way when the order to drain comes, on idle connections and behind
 * others; POSTs, which nobody may send twice, while workers leave and programs are reloaded; connections that a worker was killed
 * before it could take them.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void send_get(struct client *client, const char *path)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", path);
}

static void send_signal(struct contract *contract, pid_t pid, int signal)
{
    CHECK(contract, kill(pid, signal) == 0, "kill %d: %s", pid, strerror(errno));
}

static void check_exit_0(struct server *server)
{
    char how[64];
    bool over = server_wait_exit(server);
    server_describe_exit(server, how, sizeof how);
    CHECK(server->contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0,
          "after TERM and a drain the program %s, wanted exit status 0", how);
}

/* ---- TERM ---- */

#define IDLE_CONNECTIONS 8
#define ATTEMPTS         5

/* Whoever drains listens no more. */
static void wait_until_it_drains(struct contract *contract, struct server *server)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct client *client;
    while ((client = client_try_open(contract, server)) != NULL) {
        client_close(client);
        CHECK(contract, look_again(deadline_ns), "TERM, and it still takes connections");
    }
}

/* Asks until it is told that this was the last; false when the connection ends before. */
static bool ask_to_the_end(struct client *client)
{
    struct response response;
    do {
        send_get(client, "/hello");
        if (!client_try_receive(client, &response))
            return false;
        CHECK(client->contract, response.status == 200, "status %d in a drain, wanted 200", response.status);
    } while (response.keep_alive);
    client_expect_end(client, "Connection: close");
    return true;
}

static bool idle_ones_are_answered(struct contract *contract)
{
    struct client *clients[IDLE_CONNECTIONS];
    struct response response;
    bool answered = true;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++) {
        clients[i] = client_open(contract, server);
        client_get(clients[i], "/hello", 200, &response);
    }
    send_signal(contract, server->pid, SIGTERM);
    wait_until_it_drains(contract, server);
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        answered = ask_to_the_end(clients[i]) && answered;
    check_exit_0(server);
    return answered;
}

/*
 * A client may use an idle connection at the very moment of the drain. How long it is listened to is a fraction of a second, so a
 * machine that stumbles may be too late: that is why there are several attempts. All of them fail where idle connections are closed
 * at once.
 */
void test_drain_answers_idle(struct contract *contract)
{
    for (int i = 0; i < ATTEMPTS; i++)
        if (idle_ones_are_answered(contract))
            return;
    contract_fail(contract, __FILE__, __LINE__, "of %d idle connections, at least one was closed at once, in each of %d drains",
                  IDLE_CONNECTIONS, ATTEMPTS);
}

/* Whether the drain came while the first of them waited. `first` is that one's path. */
static bool pipelined_are_answered(struct contract *contract, const char *first)
{
    enum { PIPELINED = 12 };
    struct response response;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    struct client *client = client_open(contract, server);
    send_get(client, first);
    for (int i = 1; i < PIPELINED; i++)
        send_get(client, i % 4 ? "/hello" : "/wait/20ms");
    bool in_time = !client_stirs(client, 0);
    send_signal(contract, server->pid, SIGTERM);
    for (int i = 0; i < PIPELINED; i++) {
        client_expect(client, 200, &response);
        bool last = i == PIPELINED - 1;
        in_time &= !(last && response.keep_alive);
        CHECK(contract, response.keep_alive || last, "answer %d of %d pipelined ones in a drain says Connection: close", i + 1,
              PIPELINED);
    }
    client_expect_end(client, "the last answer");
    check_exit_0(server);
    return in_time;
}

/*
 * What has arrived is answered, however much of it is in one connection; the last answer says that it is the last. On a machine
 * that stands still meanwhile, all may be answered before the drain: then the first one waits for longer.
 */
void test_drain_answers_pipelined(struct contract *contract)
{
    CHECK(contract, pipelined_are_answered(contract, "/wait/500ms") || pipelined_are_answered(contract, "/wait/4s"),
          "the last of the pipelined answers in a drain says Connection: keep-alive");
}

/* ---- workers that leave, one after the other, while POSTs go through the fronts ---- */

#define POSTERS 24
#define LAPS    2 /* each worker is told to go so often */

/* A POST on every connection, and its answer. What says that it was the last is opened anew. Returns how many POSTs that were. */
static unsigned post_round(struct contract *contract, struct server *server, struct client **clients, unsigned sent)
{
    struct response response;
    char body[32];
    for (unsigned i = 0; i < POSTERS; i++) {
        int length = snprintf(body, sizeof body, "%u of %d", sent + i, POSTERS);
        client_print(clients[i], "POST /echo HTTP/1.1\r\nHost: contract\r\nContent-Length: %d\r\n\r\n%s", length, body);
    }
    for (unsigned i = 0; i < POSTERS; i++) {
        snprintf(body, sizeof body, "%u of %d", sent + i, POSTERS);
        client_expect(clients[i], 200, &response);
        CHECK(contract, response_body_is(&response, body), "another body came back");
        if (response.keep_alive)
            continue;
        client_close(clients[i]);
        clients[i] = client_open(contract, server);
    }
    return POSTERS;
}

static void check_counts(struct contract *contract, struct server *server, unsigned sent)
{
    uint64_t counted = status_total(contract, server, "requests");
    CHECK(contract, counted == sent, "%u POSTs were sent and answered, /status counts %llu requests", sent,
          (unsigned long long)counted);
}

/* The pid of the ready worker, 0 while there is none. */
static pid_t ready_worker(struct contract *contract, struct server *server, unsigned index)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front && rows[i].index == index)
            return rows[i].pid;
    return 0;
}

void test_posts_survive_drains(struct contract *contract)
{
    struct client *clients[POSTERS];
    unsigned sent = 0;
    struct server *server = server_start(contract, 0, "--fronts", "2", NULL);
    for (unsigned i = 0; i < POSTERS; i++)
        clients[i] = client_open(contract, server);
    for (unsigned i = 0; i < LAPS * contract->workers; i++) {
        unsigned index = i % contract->workers;
        sent += post_round(contract, server, clients, sent);
        pid_t old = ready_worker(contract, server, index), now;
        CHECK(contract, old != 0, "worker %u is not ready", index);
        send_signal(contract, old, SIGTERM);
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        do {
            sent += post_round(contract, server, clients, sent);
            now = ready_worker(contract, server, index);
            CHECK(contract, now_ns() < deadline_ns, "worker %u (pid %d) was told to end and is not replaced", index, old);
        } while (now == 0 || now == old);
    }
    check_counts(contract, server, sent);
}

/* ---- reloads ---- */

#define RELOADS 3

static json_int_t reloads_done(struct contract *contract, struct server *server)
{
    json_t *status = status_get(contract, server);
    const json_t *reload = json_object_get(status, "reload");
    json_int_t done = json_integer_value(json_object_get(reload, "done")),
               aborted = json_integer_value(json_object_get(reload, "aborted"));
    json_decref(status);
    CHECK(contract, aborted == 0, "a reload was aborted");
    return done;
}

/* No connection is idle for long, so there is no excuse: every POST is answered, by an old worker or a new one. */
void test_posts_survive_reloads(struct contract *contract)
{
    struct client *clients[POSTERS];
    unsigned sent = 0;
    struct server *server = server_start(contract, 0, NULL);
    for (unsigned i = 0; i < POSTERS; i++)
        clients[i] = client_open(contract, server);
    for (json_int_t i = 0; i < RELOADS; i++) {
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        send_signal(contract, server->pid, SIGHUP);
        do {
            sent += post_round(contract, server, clients, sent);
            CHECK(contract, now_ns() < deadline_ns, "HUP, and the reload is not done");
        } while (reloads_done(contract, server) == i);
    }
    check_counts(contract, server, sent);
}

/* ---- what a worker had not taken ---- */

#define QUEUED 48

/* Worker 0 is stopped, so that it takes nothing more of what the kernel or the primary gives it from now on. Its pid. */
static pid_t stop_worker(struct contract *contract, struct server *server, struct client **clients)
{
    struct response response;
    for (size_t i = 0; i < QUEUED; i++) { /* every worker has taken some by itself */
        clients[i] = client_open(contract, server);
        client_get(clients[i], "/hello", 200, &response);
        client_close(clients[i]);
    }
    pid_t pid = ready_worker(contract, server, 0);
    CHECK(contract, pid != 0, "worker 0 is not ready");
    send_signal(contract, pid, SIGSTOP);
    for (size_t i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        send_get(clients[i], "/hello");
    }
    return pid;
}

static void expect_all(struct client **clients)
{
    struct response response;
    for (size_t i = 0; i < QUEUED; i++)
        client_expect(clients[i], 200, &response);
}

void test_queue_survives_a_kill(struct contract *contract)
{
    struct client *clients[QUEUED];
    struct server *server = server_start(contract, 0, NULL);
    send_signal(contract, stop_worker(contract, server, clients), SIGKILL);
    expect_all(clients);
}

/* The others are given what waits on the socket of a worker that leaves, though they have accepted by themselves before. */
void test_queue_survives_a_farewell(struct contract *contract)
{
    struct client *clients[QUEUED];
    struct response response;
    struct server *server = server_start(contract, 0, "--grace", "60s", NULL);
    pid_t pid = stop_worker(contract, server, clients);
    struct client *admin = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    CHECK(contract, admin != NULL, "cannot connect to the admin address");
    client_print(admin, "POST /drain?worker=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_expect(admin, 200, &response);
    (void)ready_worker(contract, server, 0); /* by now the primary has looked after the socket */
    send_signal(contract, pid, SIGCONT);
    expect_all(clients);
}
