/*
 * contract_messages: what a client sees of the messages between workers, /broadcast and /stats. A suite of its own: any program of
 * the kit has them, other servers have not.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 1024

static void broadcast(struct client *client, const char *text)
{
    client_print(client, "POST /broadcast HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
}

/* "reached 2 of 3 workers\n": how many; the second number must be that of the workers. */
static unsigned reached(struct contract *contract, const struct response *response)
{
    char text[64] = "", again[64];
    unsigned some = 0, all = 0;
    if (response->body_length < sizeof text)
        memcpy(text, response->body, response->body_length);
    int found = sscanf(text, "reached %u of %u workers", &some, &all);
    snprintf(again, sizeof again, "reached %u of %u workers\n", some, all);
    CHECK(contract, found == 2 && strcmp(text, again) == 0 && all == contract->workers, "/broadcast answers '%.*s'",
          (int)response->body_length, response->body);
    return some;
}

static void expect_everybody(struct client *client)
{
    struct response response;
    client_expect(client, 200, &response);
    CHECK(client->contract, reached(client->contract, &response) == client->contract->workers, "not all workers were reached: %.*s",
          (int)response.body_length, response.body);
}

/* ---- what /stats says ---- */

static json_t *read_stats(struct contract *contract, const struct response *response)
{
    json_error_t error;
    char type[64] = "";
    response_field(response, "Content-Type", type, sizeof type);
    CHECK(contract, strcmp(type, "application/json") == 0, "/stats has Content-Type '%s'", type);
    json_t *stats = json_loadb(response->body, response->body_length, JSON_ALLOW_NUL, &error);
    CHECK(contract, stats != NULL, "/stats is no JSON: %s", error.text);
    CHECK(contract, json_is_array(json_object_get(stats, "workers")) && json_is_array(json_object_get(stats, "missing")),
          "/stats lacks \"workers\" or \"missing\"");
    CHECK(contract, json_integer_value(json_object_get(stats, "answered_by")) == response->worker, "answered_by is not X-Worker %d",
          response->worker);
    return stats;
}

static json_t *get_stats(struct contract *contract, struct server *server)
{
    struct response response;
    struct client *client = client_open(contract, server);
    client_get(client, "/stats", 200, &response);
    json_t *stats = read_stats(contract, &response);
    client_close(client);
    return stats;
}

static json_int_t number_of(struct contract *contract, const json_t *worker, const char *name)
{
    const json_t *value = json_object_get(worker, name);
    CHECK(contract, json_is_integer(value), "/stats lacks \"%s\" of a worker", name);
    return json_integer_value(value);
}

/* All workers, in the order of their indices, and nobody missing. */
static const json_t *all_workers(struct contract *contract, const json_t *stats)
{
    const json_t *workers = json_object_get(stats, "workers"), *worker;
    size_t i;
    CHECK(contract, json_array_size(json_object_get(stats, "missing")) == 0, "/stats names missing workers");
    CHECK(contract, json_array_size(workers) == contract->workers, "/stats has %zu workers", json_array_size(workers));
    json_array_foreach(workers, i, worker)
    {
        CHECK(contract, number_of(contract, worker, "index") == (json_int_t)i, "/stats has worker %lld in place %zu",
              number_of(contract, worker, "index"), i);
    }
    return workers;
}

static void check_messages(struct contract *contract, struct server *server, json_int_t count, const char *last)
{
    json_t *stats = get_stats(contract, server);
    const json_t *workers = all_workers(contract, stats), *worker;
    size_t i;
    json_array_foreach(workers, i, worker)
    {
        const char *text = json_string_value(json_object_get(worker, "last_message"));
        json_int_t messages = number_of(contract, worker, "messages");
        CHECK(contract, messages == count, "worker %zu has taken %lld messages, wanted %lld", i, messages, count);
        CHECK(contract, last ? text && strcmp(text, last) == 0 : json_is_null(json_object_get(worker, "last_message")),
              "worker %zu has '%s' as its last message, wanted '%s'", i, text ? text : "", last ? last : "none");
    }
    json_decref(stats);
}

/* ---- everybody is there ---- */

static void test_broadcast_reaches_all(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = client_open(contract, server);
    check_messages(contract, server, 0, NULL);
    client_print(client, "GET /broadcast?msg=caf%%C3%%A9+is%%20open%%21 HTTP/1.1\r\nHost: contract\r\n\r\n");
    expect_everybody(client);
    check_messages(contract, server, 1, "caf\xc3\xa9 is open!");
    broadcast(client, "100% \"plain\"+\n");
    expect_everybody(client);
    check_messages(contract, server, 2, "100% \"plain\"+\n");
}

/* UTF-8 has room for a NUL, and so have JSON's strings. */
static void test_broadcast_with_nul(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = client_open(contract, server);
    client_print(client, "GET /broadcast?msg=a%%00b HTTP/1.1\r\nHost: contract\r\n\r\n");
    expect_everybody(client);
    json_t *stats = get_stats(contract, server);
    const json_t *workers = all_workers(contract, stats), *worker;
    size_t i;
    json_array_foreach(workers, i, worker)
    {
        const json_t *text = json_object_get(worker, "last_message");
        CHECK(contract, json_string_length(text) == 3 && memcmp(json_string_value(text), "a\0b", 3) == 0,
              "worker %zu has another last message", i);
    }
    json_decref(stats);
}

/* Every request that was sent is in the count of the worker that answered it; processes and indices are those of /status. */
static void test_stats_of_all(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct response response;
    struct status_row rows[STATUS_ROWS];
    json_int_t requests = 0;
    for (int i = 0; i < 20; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_close(client);
    }
    json_t *stats = get_stats(contract, server);
    const json_t *workers = all_workers(contract, stats);
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].front)
            continue;
        const json_t *worker = json_array_get(workers, rows[i].index);
        json_int_t pid = number_of(contract, worker, "pid");
        CHECK(contract, pid == rows[i].pid, "worker %u has pid %lld in /stats, %d in /status", rows[i].index, pid, rows[i].pid);
        requests += number_of(contract, worker, "requests");
        (void)number_of(contract, worker, "active");
    }
    CHECK(contract, requests == 21, "/stats counts %lld requests, wanted 21", requests);
    json_decref(stats);
}

static void test_longest_message(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = client_open(contract, server);
    struct response response;
    char text[MESSAGE_MAX + 2] = "", escaped[3 * MESSAGE_MAX + 4] = "";
    memset(text, 'x', MESSAGE_MAX);
    broadcast(client, text);
    expect_everybody(client);
    check_messages(contract, server, 1, text);
    memset(text, 'Z', MESSAGE_MAX);
    for (size_t i = 0; i < MESSAGE_MAX; i++)
        memcpy(escaped + 3 * i, "%5a", 4);
    client_print(client, "GET /broadcast?msg=%s HTTP/1.1\r\nHost: contract\r\n\r\n", escaped);
    expect_everybody(client);
    client_print(client, "GET /broadcast?msg=%sy HTTP/1.1\r\nHost: contract\r\n\r\n", escaped);
    client_expect(client, 400, &response);
    CHECK(contract, memmem(response.body, response.body_length, "1024 bytes", 10), "400 does not say how long a message may be");
    text[MESSAGE_MAX] = 'y';
    broadcast(client, text);
    client_expect(client, 413, &response);
    CHECK(contract, memmem(response.body, response.body_length, "1024 bytes", 10), "413 does not say how long a message may be");
    text[MESSAGE_MAX] = '\0';
    check_messages(contract, server, 2, text); /* what was refused reached nobody */
}

static void test_bad_messages(struct contract *contract)
{
    static const struct {
        const char *request;
        int status;
    } table[] = {
        {"GET /broadcast", 400},
        {"GET /broadcast?msg=", 400},
        {"GET /broadcast?message=x", 400},
        {"GET /broadcast?msg=%4", 400},
        {"GET /broadcast?msg=%zz", 400},
        {"GET /broadcast?msg=%ff%fe", 400},
        {"POST /broadcast", 400},
        {"PUT /broadcast?msg=x", 405},
        {"HEAD /broadcast?msg=x", 405},
        {"DELETE /broadcast?msg=x", 405},
        {"POST /stats", 405},
        {"GET /stats/", 404},
    };
    struct server *server = server_start(contract, 0, NULL);
    struct response response;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct client *client = client_open(contract, server);
        client->no_body = strncmp(table[i].request, "HEAD", 4) == 0;
        client_print(client, "%s HTTP/1.1\r\nHost: contract\r\n\r\n", table[i].request);
        client_expect(client, table[i].status, &response);
        client_close(client);
    }
    check_messages(contract, server, 0, NULL);
}

/* ---- many at once ---- */

#define CROWD  10
#define ROUNDS 100

struct counts {
    unsigned whole;   /* all workers have taken it, as the answer says */
    unsigned partial; /* some */
    unsigned refused; /* 503 */
};

static void count_answer(struct client *client, struct counts *counts)
{
    struct contract *contract = client->contract;
    struct response response;
    client_receive(client, &response);
    CHECK(contract, response.status == 200 || response.status == 503, "/broadcast has status %d", response.status);
    if (response.status == 503)
        counts->refused++;
    else if (reached(contract, &response) == contract->workers)
        counts->whole++;
    else
        counts->partial++;
}

/* A thousand from ten connections: what was answered as reached has been counted by every worker, and all saw the same last one. */
static void test_no_broadcast_is_lost(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct client *clients[CROWD];
    struct counts counts = {0};
    char text[64];
    for (size_t i = 0; i < CROWD; i++)
        clients[i] = client_open(contract, server);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < CROWD; i++) {
            snprintf(text, sizeof text, "round %u, client %zu", round, i);
            broadcast(clients[i], text);
        }
        for (size_t i = 0; i < CROWD; i++)
            count_answer(clients[i], &counts);
    }
    CHECK(contract, counts.whole + counts.partial + counts.refused == CROWD * ROUNDS, "answers are missing");
    json_t *stats = get_stats(contract, server);
    const json_t *workers = all_workers(contract, stats), *worker, *first = json_array_get(workers, 0);
    size_t i;
    json_array_foreach(workers, i, worker)
    {
        json_int_t taken = number_of(contract, worker, "messages"), most = counts.whole + counts.partial + counts.refused;
        CHECK(contract, taken >= counts.whole && taken <= most, "worker %zu has taken %lld messages; %u reached all, %u some", i,
              taken, counts.whole, counts.partial);
        if (counts.partial + counts.refused == 0)
            CHECK(contract, json_equal(json_object_get(worker, "last_message"), json_object_get(first, "last_message")),
                  "workers 0 and %zu do not agree on the last message", i);
    }
    json_decref(stats);
}

/* ---- somebody is not there ---- */

static struct status_row some_worker(struct contract *contract, struct server *server)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front)
            return rows[i];
    contract_fail(contract, __FILE__, __LINE__, "/status shows no ready worker");
}

static void send_signal(struct contract *contract, pid_t pid, int signal)
{
    CHECK(contract, kill(pid, signal) == 0, "kill %d: %s", pid, strerror(errno));
}

#define ASKERS 32

/*
 * Whoever answers first, of ever more new connections with this request: one of them may have gone to a worker that is stopped, or
 * its request may have.
 */
static void ask_anybody(struct contract *contract, struct server *server, const char *request, struct response *response)
{
    struct client *clients[ASKERS];
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (size_t count = 0; now_ns() < deadline_ns;) {
        if (count < ASKERS) {
            clients[count] = client_open(contract, server);
            client_print(clients[count++], "%s HTTP/1.1\r\nHost: contract\r\n\r\n", request);
        }
        for (size_t i = 0; i < count; i++)
            if (client_await(clients[i], response, now_ns() + 20 * MS) == CLIENT_WHOLE)
                return;
    }
    contract_fail(contract, __FILE__, __LINE__, "nobody answers %s", request);
}

/* The first answer that names exactly that worker as missing, and nobody else. */
static void expect_missing(struct contract *contract, struct server *server, unsigned index)
{
    struct response response;
    ask_anybody(contract, server, "GET /stats", &response);
    CHECK(contract, response.status == 200, "/stats has status %d", response.status);
    json_t *stats = read_stats(contract, &response);
    const json_t *missing = json_object_get(stats, "missing"), *workers = json_object_get(stats, "workers"), *worker;
    size_t i;
    CHECK(contract, json_array_size(missing) == 1 && json_integer_value(json_array_get(missing, 0)) == (json_int_t)index,
          "/stats does not name worker %u alone as missing: %.*s", index, (int)response.body_length, response.body);
    CHECK(contract, json_array_size(workers) == contract->workers - 1, "/stats lists %zu workers", json_array_size(workers));
    json_array_foreach(workers, i, worker)
    {
        CHECK(contract, number_of(contract, worker, "index") != (json_int_t)index, "worker %u is listed and missing", index);
    }
    json_decref(stats);
}

/* Until all are there, and each has taken at least so many messages. */
static void wait_for_all(struct contract *contract, struct server *server, json_int_t least)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    json_int_t fewest;
    do {
        struct response response;
        ask_anybody(contract, server, "GET /stats", &response);
        json_t *stats = read_stats(contract, &response), *workers = json_object_get(stats, "workers"), *worker;
        size_t i;
        fewest = json_array_size(workers) == contract->workers ? INT32_MAX : -1;
        json_array_foreach(workers, i, worker)
        {
            json_int_t messages = number_of(contract, worker, "messages");
            fewest = messages < fewest ? messages : fewest;
        }
        json_decref(stats);
    } while (fewest < least && look_again(deadline_ns));
    CHECK(contract, fewest >= least, "/stats does not show all workers with %lld messages again", least);
}

/* The others answer at the deadline without it. When it goes on, it is there again and takes what has waited for it. */
static void test_stopped_worker_is_missing(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct response response;
    wait_for_all(contract, server, 0);
    struct status_row victim = some_worker(contract, server);
    send_signal(contract, victim.pid, SIGSTOP);
    expect_missing(contract, server, victim.index);
    ask_anybody(contract, server, "GET /broadcast?msg=wake+up", &response);
    CHECK(contract, response.status == 200 && reached(contract, &response) == contract->workers - 1,
          "one worker is stopped, and /broadcast answers %d %.*s", response.status, (int)response.body_length, response.body);
    send_signal(contract, victim.pid, SIGCONT);
    wait_for_all(contract, server, 1);
}

/* Dead, not stopped: the others answer, and its successor is counted in. */
static void test_killed_worker_is_replaced(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct response response;
    unsigned count;
    struct status_row victim = some_worker(contract, server);
    send_signal(contract, victim.pid, SIGKILL);
    ask_anybody(contract, server, "GET /broadcast?msg=who+is+gone", &response);
    CHECK(contract, status_wait_replaced(contract, server, false, victim.index, victim.pid) != 0, "worker %u was not replaced",
          victim.index);
    do {
        ask_anybody(contract, server, "GET /broadcast?msg=who+is+there", &response);
        count = response.status == 200 ? reached(contract, &response) : 0;
    } while (count < contract->workers && look_again(deadline_ns));
    CHECK(contract, count == contract->workers, "a worker was killed, and broadcasts never reach all again");
    wait_for_all(contract, server, 1);
}

static const struct suite_test tests[] = {
    {"broadcast_reaches_all", test_broadcast_reaches_all, 0},
    {"broadcast_with_nul", test_broadcast_with_nul, 0},
    {"stats_of_all", test_stats_of_all, 0},
    {"longest_message", test_longest_message, 0},
    {"bad_messages", test_bad_messages, 0},
    {"no_broadcast_is_lost", test_no_broadcast_is_lost, 0},
    {"stopped_worker_is_missing", test_stopped_worker_is_missing, TRAIT_PROCESSES},
    {"killed_worker_is_replaced", test_killed_worker_is_replaced, TRAIT_PROCESSES},
};

static const struct suite suite = {
    .name = "contract_messages",
    .summary = "Starts PROGRAM again and again and judges what its workers tell each other: /broadcast and /stats.\n",
    .tests = tests,
    .count = sizeof tests / sizeof tests[0],
};

int main(int argc, char **argv)
{
    return suite_main(&suite, argc, argv);
}
