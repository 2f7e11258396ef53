/*
 * contract_basics: what any server owes to be a row, be it ours or not: HTTP/1.1 on /hello and /healthz, X-Worker, all workers at
 * work, an end at TERM. What is beyond it (/wait, /block, /cpu) is judged where it is answered and skipped elsewhere.
 *
 * PROGRAM keeps the outer form of ours (options, ready line, signals); `clusterbench serve NAME` gives it to a peer.
 */
#include "client.h"
#include "server_process.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 64
#define NAME_SIZE 64

/* The different X-Workers that were seen. */
struct seen {
    char names[NAMES_MAX][NAME_SIZE];
    unsigned count;
};

static struct client *open_shared(struct contract *contract)
{
    return client_open(contract, contract_server(contract));
}

static void send_get(struct client *client, const char *path)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", path);
}

static void note_worker(struct contract *contract, const struct response *response, struct seen *seen)
{
    char name[NAME_SIZE] = "";
    CHECK(contract, response_field(response, "X-Worker", name, sizeof name) && name[0] != '\0', "an answer without X-Worker");
    for (unsigned i = 0; i < seen->count; i++)
        if (strcmp(seen->names[i], name) == 0)
            return;
    CHECK(contract, seen->count < contract->workers, "more than %u names in X-Worker; one more is '%s'", contract->workers, name);
    snprintf(seen->names[seen->count++], NAME_SIZE, "%s", name);
}

static bool answers(struct contract *contract, const char *path)
{
    struct response response;
    struct client *client = open_shared(contract);
    send_get(client, path);
    client_receive(client, &response);
    bool known = response.status == 200;
    client_close(client);
    return known;
}

static void test_ready(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    client_get(client_open(contract, server), "/healthz", 200, &response); /* at once */
    client_get(client_open(contract, server), "/hello", 200, &response);
    CHECK(contract, response.body_length > 0, "/hello has no body");
    CHECK(contract, server->workers == contract->workers, "asked for %u workers: %s", contract->workers, server->ready);
}

static void test_worker_names(struct contract *contract)
{
    struct seen seen = {0};
    struct response response;
    for (unsigned i = 0; i < 10 * contract->workers; i++) {
        struct client *client = open_shared(contract);
        client_get(client, "/hello", 200, &response);
        note_worker(contract, &response, &seen);
        client_close(client);
    }
}

static void test_head(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client->no_body = true;
    client_print(client, "HEAD /hello HTTP/1.1\r\nHost: contract\r\n\r\n");
    client_expect(client, 200, &response);
    client->no_body = false;
    client_get(client, "/hello", 200, &response); /* a body after HEAD would stand in its way */
}

static void test_keep_alive(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    for (int i = 0; i < 500; i++) {
        client_get(client, "/hello", 200, &response);
        CHECK(contract, response.keep_alive, "response %d of a keep-alive connection says it closes", i);
    }
}

static void test_http_1_0(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_print(client, "GET /hello HTTP/1.0\r\nHost: contract\r\n\r\n");
    client_expect(client, 200, &response);
    CHECK(contract, !response.chunked, "HTTP/1.0 got chunks");
    client_expect_end(client, "HTTP/1.0 without keep-alive");
}

static void test_connection_close(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_print(client, "GET /hello HTTP/1.1\r\nHost: contract\r\nConnection: close\r\n\r\n");
    client_expect(client, 200, &response);
    CHECK(contract, !response.keep_alive, "the response to Connection: close does not say close");
    client_expect_end(client, "Connection: close");
}

static void test_pipelining(struct contract *contract)
{
    enum { PIPELINED = 50 };
    struct response response;
    struct client *client = open_shared(contract);
    for (unsigned i = 0; i < PIPELINED; i++)
        send_get(client, i % 2 ? "/hello" : "/healthz");
    for (unsigned i = 0; i < PIPELINED; i++)
        client_expect(client, 200, &response);
}

static void test_split_request(struct contract *contract)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: contract\r\nX-Long: some value\r\n\r\n";
    struct response response;
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        client_send(client, request + i, 1);
        CHECK(contract, i + 2 >= sizeof request || !client_stirs(client, 1),
              "it spoke before the request was whole, after byte %zu", i);
    }
    client_expect(client, 200, &response);
}

static void test_unknown_path(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    send_get(client, "/no/such/path");
    client_expect(client, 404, &response);
    client_get(open_shared(contract), "/hello", 200, &response);
}

static void test_nonsense(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_print(client, "this is no request\r\n\r\n");
    if (client_try_receive(client, &response))
        CHECK(contract, response.status >= 400 && response.status < 500, "nonsense was answered %d", response.status);
    client_get(open_shared(contract), "/hello", 200, &response);
}

static void test_many_connections(struct contract *contract)
{
    enum { MANY = 300 };
    struct response response;
    struct client *clients[MANY];
    for (unsigned i = 0; i < MANY; i++)
        clients[i] = open_shared(contract);
    for (unsigned i = 0; i < MANY; i++)
        send_get(clients[i], "/hello");
    for (unsigned i = 0; i < MANY; i++)
        client_expect(clients[i], 200, &response);
}

/* Overlapping requests on new connections: they occupy their workers where the server can be asked to, else they come all at once.
 */
static void one_round(struct contract *contract, bool blocks, struct seen *seen)
{
    struct client *clients[NAMES_MAX];
    struct response response;
    unsigned count = blocks ? contract->workers : NAMES_MAX;
    for (unsigned i = 0; i < count; i++) {
        clients[i] = open_shared(contract);
        send_get(clients[i], blocks ? "/block/100ms" : "/hello");
    }
    for (unsigned i = 0; i < count; i++) {
        client_expect(clients[i], 200, &response);
        note_worker(contract, &response, seen);
        client_close(clients[i]);
    }
}

static void test_every_worker_serves(struct contract *contract)
{
    struct seen seen = {0};
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    bool blocks = answers(contract, "/block/1ms");
    while (seen.count < contract->workers && now_ns() < deadline_ns)
        one_round(contract, blocks, &seen);
    CHECK(contract, seen.count == contract->workers, "requests on ever new connections reached %u of %u workers", seen.count,
          contract->workers);
}

static void skip_without(struct contract *contract, const char *path)
{
    if (answers(contract, path))
        return;
    print_message("%s does not apply: it does not answer %s\n", contract->test, path);
    contract_skip(contract);
}

/* One worker: two waits at once take no longer than one, and a block holds up everybody. By order, not by the clock. */
static void test_wait_does_not_occupy(struct contract *contract)
{
    struct response response;
    skip_without(contract, "/wait/1ms");
    struct server *server = server_start(contract, 1, NULL);
    struct client *waiting = client_open(contract, server), *quick = client_open(contract, server);
    client_get(waiting, "/hello", 200, &response);
    send_get(waiting, "/wait/1s");
    client_get(quick, "/hello", 200, &response);
    CHECK(contract, !client_stirs(waiting, 0), "/hello was answered after the /wait/1s before it");
    client_expect(waiting, 200, &response);
}

static void test_block_occupies(struct contract *contract)
{
    enum { OVERTAKING_ALLOWED = 20 };
    struct response response;
    skip_without(contract, "/block/1ms");
    struct server *server = server_start(contract, 1, NULL);
    struct client *blocking = client_open(contract, server), *quick = client_open(contract, server);
    client_get(blocking, "/hello", 200, &response);
    client_get(quick, "/hello", 200, &response);
    send_get(blocking, "/block/500ms");
    for (unsigned overtook = 0; !client_stirs(blocking, 5); overtook++) {
        CHECK(contract, overtook < OVERTAKING_ALLOWED, "%u times /hello overtook the /block/500ms of the same worker", overtook);
        client_get(quick, "/hello", 200, &response);
    }
    client_expect(blocking, 200, &response);
}

static void test_cpu_answers(struct contract *contract)
{
    struct response response;
    skip_without(contract, "/cpu/1ms");
    client_get(open_shared(contract), "/cpu/20ms", 200, &response);
}

static void test_term_ends(struct contract *contract)
{
    struct response response;
    struct family family;
    pid_t left = 0;
    char how[64];
    struct server *server = server_start(contract, 0, NULL);
    client_get(client_open(contract, server), "/hello", 200, &response);
    family_collect(contract, server->pid, &family);
    kill(server->pid, SIGTERM);
    CHECK(contract, server_wait_exit(server), "TERM did not end it");
    CHECK(contract, family_wait_gone(contract, &family, &left), "process %d outlives it", left);
    family_release(&family);
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0, "after TERM it %s",
          server_describe_exit(server, how, sizeof how));
    CHECK(contract, client_try_open(contract, server) == NULL, "somebody still listens on its port");
}

static const struct suite_test basic_tests[] = {
    {"ready", test_ready, 0},
    {"worker_names", test_worker_names, 0},
    {"head", test_head, 0},
    {"keep_alive", test_keep_alive, 0},
    {"http_1_0", test_http_1_0, 0},
    {"connection_close", test_connection_close, 0},
    {"pipelining", test_pipelining, 0},
    {"split_request", test_split_request, 0},
    {"unknown_path", test_unknown_path, 0},
    {"nonsense", test_nonsense, 0},
    {"many_connections", test_many_connections, 0},
    {"every_worker_serves", test_every_worker_serves, 0},
    {"wait_does_not_occupy", test_wait_does_not_occupy, 0},
    {"block_occupies", test_block_occupies, 0},
    {"cpu_answers", test_cpu_answers, 0},
    {"term_ends", test_term_ends, 0},
};

static const struct suite basic_suite = {
    .name = "contract_basics",
    .summary = "Judges PROGRAM by what any server owes that stands beside ours.\n",
    .tests = basic_tests,
    .count = sizeof basic_tests / sizeof basic_tests[0],
    .gives_up = true,
};

int main(int argc, char **argv)
{
    return suite_main(&basic_suite, argc, argv);
}
