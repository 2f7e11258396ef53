/*
 * Crowds, exchanges and the one Redis of a test.
 */
#include "state_parts.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* ---- a crowd ---- */

static unsigned count_workers(const struct crowd *crowd)
{
    bool seen[WORKERS_MOST] = {false};
    unsigned count = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        count += !seen[crowd->workers[i]];
        seen[crowd->workers[i]] = true;
    }
    return count;
}

/* Each request occupies its worker, so that another one takes the next connection. */
static void connect_all(struct contract *contract, struct server *server, struct crowd *crowd)
{
    struct response response;
    for (unsigned i = 0; i < CROWD; i++) {
        crowd->clients[i] = client_open(contract, server);
        client_print(crowd->clients[i], "GET /block/20ms HTTP/1.1\r\nHost: contract\r\n\r\n");
    }
    for (unsigned i = 0; i < CROWD; i++) {
        client_expect(crowd->clients[i], 200, &response);
        CHECK(contract, response.worker >= 0 && response.worker < WORKERS_MOST, "X-Worker %d", response.worker);
        crowd->workers[i] = response.worker;
    }
}

void crowd_gather(struct contract *contract, struct server *server, struct crowd *crowd)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    connect_all(contract, server, crowd);
    while (server->workers > 1 && count_workers(crowd) < 2) {
        CHECK(contract, now_ns() < deadline_ns, "connections never reached more than one of %u workers", server->workers);
        for (unsigned i = 0; i < CROWD; i++)
            client_close(crowd->clients[i]);
        connect_all(contract, server, crowd);
    }
}

/* ---- exchanges ---- */

void ask(struct client *client, const char *request_line, const char *fields, struct response *response)
{
    const char *length = strncmp(request_line, "POST ", 5) == 0 ? "Content-Length: 0\r\n" : "";
    client_print(client, "%s HTTP/1.1\r\nHost: contract\r\n%s%s\r\n", request_line, length, fields);
    client_receive(client, response);
}

void ask_for(struct client *client, const char *request_line, int status, struct response *response)
{
    ask(client, request_line, "", response);
    CHECK(client->contract, response->status == status, "%s: status %d, wanted %d", request_line, response->status, status);
}

void ask_until(struct client *client, const char *request_line, int status, struct response *response)
{
    uint64_t deadline_ns = now_ns() + client->contract->patience_ns;
    do
        ask(client, request_line, "", response);
    while (response->status != status && look_again(deadline_ns));
    CHECK(client->contract, response->status == status, "%s: status %d to the end, wanted %d", request_line, response->status,
          status);
}

bool body_has(const struct response *response, const char *text)
{
    return memmem(response->body, response->body_length, text, strlen(text)) != NULL;
}

long long body_number(struct contract *contract, const struct response *response)
{
    char text[32], rest;
    long long number = 0;
    snprintf(text, sizeof text, "%.*s", (int)response->body_length, response->body);
    CHECK(contract, sscanf(text, "%lld%c", &number, &rest) == 2 && rest == '\n', "'%s' is no number on a line", text);
    return number;
}

void state_expect_end(struct server *server, int signal_number)
{
    struct contract *contract = server->contract;
    char how[64], text[SERVER_TEXT];
    int wanted = signal_number == SIGTERM ? 0 : 128 + signal_number;
    CHECK(contract, server_wait_exit(server), "signal %d: the program does not end", signal_number);
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == wanted, "signal %d: the program %s",
          signal_number, server_describe_exit(server, how, sizeof how));
    server_errors(server, text, sizeof text);
    CHECK(contract, !strstr(text, "still occupied"), "signal %d: a worker holds on to something: %s", signal_number, text);
}

/* ---- Redis ---- */

static struct redis_server redis;

struct redis_server *state_redis_prepare(struct contract *contract)
{
    if (!redis_server_available()) {
        print_message("%s: no redis-server or redis-check-rdb here (Debian: redis-tools)\n", contract->test);
        contract_skip(contract);
    }
    CHECK(contract, redis_server_prepare(&redis) == 0, "no folder for a Redis");
    return &redis;
}

struct redis_server *state_redis_start(struct contract *contract)
{
    struct redis_server *server = state_redis_prepare(contract);
    CHECK(contract, redis_server_start(server, 0) == 0, "the Redis does not start");
    return server;
}

void state_redis_end(struct contract *contract)
{
    (void)contract;
    if (redis.folder[0] == '\0')
        return;
    redis_server_remove(&redis);
    redis.folder[0] = '\0';
}
