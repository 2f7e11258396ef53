/*
 * The admin address beyond /status: what it shows (/metrics, times of answers), who may use it (tokens, browsers), and what it
 * steers (reload, scale, drain, restart). Waits end when /status says so.
 */
#include "client.h"
#include "exposition.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD_TOKEN "a-token-of-the-contract-suite"

/* ---- asking ---- */

/* One question on a connection of its own; `fields` are whole header lines. The response's text is good until the test ends. */
static int ask(struct contract *contract, const struct server *server, const char *method, const char *target, const char *fields,
               struct response *response)
{
    CHECK(contract, server->admin_length > 0, "the ready line names no admin address: %s", server->ready);
    struct client *client = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    CHECK(contract, client != NULL, "cannot connect to the admin address %s: %s", server->admin_url, strerror(errno));
    client_print(client, "%s %s HTTP/1.1\r\n%s%s\r\n", method, target, strstr(fields, "Host:") ? "" : "Host: localhost\r\n",
                 fields);
    client_receive(client, response);
    CHECK(contract, response->body_length == 0 || response->body[response->body_length - 1] == '\n',
          "%s %s: the last line of the answer has no end", method, target);
    return response->status;
}

static void expect(struct contract *contract, const struct server *server, const char *method, const char *target,
                   const char *fields, int wanted, struct response *response)
{
    int status = ask(contract, server, method, target, fields, response);
    CHECK(contract, status == wanted, "%s %s: status %d, wanted %d", method, target, status, wanted);
}

static bool body_has(const struct response *response, const char *text)
{
    return memmem(response->body, response->body_length, text, strlen(text)) != NULL;
}

/* The answer to something that steers: {"ok":true,...} or {"ok":false,"error":"..."}. */
static void check_outcome(struct contract *contract, const struct response *response, const char *what, bool wanted)
{
    json_t *body = json_loadb(response->body, response->body_length, 0, NULL);
    const json_t *ok = json_object_get(body, "ok");
    const char *error = json_string_value(json_object_get(body, "error"));
    bool well = json_is_boolean(ok) && json_is_true(ok) == wanted && (wanted || (error && *error));
    json_decref(body);
    CHECK(contract, well, "%s: the answer is no {\"ok\":%s ...}: %.*s", what, wanted ? "true" : "false, \"error\":\"...\"",
          (int)response->body_length, response->body);
}

static void steer(struct contract *contract, const struct server *server, const char *target, int wanted)
{
    struct response response;
    expect(contract, server, "POST", target, "", wanted, &response);
    check_outcome(contract, &response, target, wanted < 300);
}

/* The caller frees. */
static char *get_metrics(struct contract *contract, const struct server *server)
{
    struct response response;
    char type[80] = "", why[EXPOSITION_WHY_SIZE];
    expect(contract, server, "GET", "/metrics", "", 200, &response);
    response_field(&response, "Content-Type", type, sizeof type);
    CHECK(contract, strncmp(type, "text/plain; version=0.0.4", 25) == 0, "/metrics has Content-Type '%s'", type);
    char *text = strndup(response.body, response.body_length);
    CHECK(contract, exposition_check(text, why), "/metrics: %s", why);
    return text;
}

/* ---- /metrics ---- */

/* What promtool says of it, where there is one. */
static void check_with_promtool(struct contract *contract, const char *text)
{
    char *const argv[] = {(char *)"promtool", (char *)"check", (char *)"metrics", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status, fd = memfd_create("metrics", MFD_CLOEXEC);
    CHECK(contract, fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "memfd: %s", strerror(errno));
    CHECK(contract, lseek(fd, 0, SEEK_SET) == 0, "lseek: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    if (error == ENOENT) {
        print_message("promtool is not installed: judged by tests/contract/exposition.c alone\n");
        return;
    }
    CHECK(contract, error == 0, "promtool: %s", strerror(error));
    CHECK(contract, waitpid(pid, &status, 0) == pid && status == 0, "promtool check metrics is not content: see above");
}

static void ask_for_everything(struct contract *contract, struct server *server)
{
    struct response response;
    for (unsigned i = 0; i < 40; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_get(client, "/bytes/10k", 200, &response);
        client_close(client);
    }
    for (unsigned i = 0; i < 5; i++)
        client_get(client_open(contract, server), "/no-such-path", 404, &response);
    client_get(client_open(contract, server), "/wait/1ms", 200, &response);
    client_get(client_open(contract, server), "/block/1ms", 200, &response);
}

void test_metrics_format(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    free(get_metrics(contract, server)); /* while everything is 0 */
    ask_for_everything(contract, server);
    char *text = get_metrics(contract, server);
    check_with_promtool(contract, text);
    unsigned count;
    exposition_sum(text, "clusterbench_requests_total", "role=\"worker\"", &count);
    free(text);
    CHECK(contract, count == contract->workers, "/metrics has %u workers, wanted %u", count, contract->workers);
}

/* A counter of /status and its series in /metrics. */
static const struct {
    const char *counter, *series, *label;
} same[] = {
    {"requests", "clusterbench_requests_total", "role=\"worker\""},
    {"accepted", "clusterbench_connections_accepted_total", "role=\"worker\""},
    {"responses_2xx", "clusterbench_responses_total", "role=\"worker\",code=\"2xx\""},
    {"responses_4xx", "clusterbench_responses_total", "role=\"worker\",code=\"4xx\""},
    {"bytes_in", "clusterbench_received_bytes_total", "role=\"worker\""},
    {"bytes_out", "clusterbench_sent_bytes_total", "role=\"worker\""},
};

/* What /metrics and /status say of it now; whether that is the same. */
static bool says_the_same(struct contract *contract, const struct server *server, size_t i, double *shown, double *wanted)
{
    char *text = get_metrics(contract, server);
    json_t *status = status_get(contract, server);
    *shown = exposition_sum(text, same[i].series, same[i].label, NULL);
    *wanted = (double)json_integer_value(json_object_get(json_object_get(status, "total"), same[i].counter));
    json_decref(status);
    free(text);
    return *shown == *wanted && *wanted > 0;
}

/* Once nothing is counted any more: what was sent is counted behind its sending, perhaps between the two answers. */
static void check_same_sums(struct contract *contract, const struct server *server, const char *when)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    double shown, wanted;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        while (!says_the_same(contract, server, i, &shown, &wanted))
            CHECK(contract, look_again(deadline_ns), "%s: /metrics says %.0f %s, /status %.0f", when, shown, same[i].counter,
                  wanted);
}

void test_metrics_sums(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    uint64_t fronts = contract_has(contract, TRAIT_FRONTS) ? 1 : 0;
    ask_for_everything(contract, server);
    CHECK(contract, status_wait_total(contract, server, "requests", 87), "not all 87 requests were counted");
    CHECK(contract, fronts || status_total(contract, server, "requests") == 87, "87 requests were sent, /status says %llu",
          (unsigned long long)status_total(contract, server, "requests"));
    check_same_sums(contract, server, "87 requests");
}

/* What the dead had counted stays in their places' series. */
void test_metrics_survive_a_crash(struct contract *contract)
{
    struct status_row rows[STATUS_ROWS];
    struct server *server = server_start(contract, 0, NULL);
    ask_for_everything(contract, server);
    status_rows(contract, server, rows);
    CHECK(contract, kill(rows[0].pid, SIGKILL) == 0, "kill: %s", strerror(errno));
    CHECK(contract, status_wait_replaced(contract, server, false, 0, rows[0].pid) > 0, "worker 0 was not replaced");
    ask_for_everything(contract, server);
    CHECK(contract, status_wait_total(contract, server, "requests", 174), "what worker 0 had counted was lost with it");
    check_same_sums(contract, server, "a worker was killed between 174 requests");
    char *text = get_metrics(contract, server);
    double restarts = exposition_sum(text, "clusterbench_worker_restarts_total", "worker=\"0\",role=\"worker\"", NULL);
    free(text);
    CHECK(contract, restarts == 1, "clusterbench_worker_restarts_total of worker 0 is %.0f", restarts);
}

/* ---- times ---- */

struct times {
    json_int_t count;
    double p50_us, p99_us;
};

static const json_t *first_row(const json_t *status, const char *role)
{
    const json_t *rows = json_object_get(status, "workers"), *row;
    size_t i = 0;
    while ((row = json_array_get(rows, i)) && strcmp(json_string_value(json_object_get(row, "role")), role) != 0)
        i++;
    return row;
}

/* Of the first worker or front, once they stand for `least` answers: an answer is noted behind its sending. */
static struct times wait_times(struct contract *contract, const struct server *server, const char *role, json_int_t least)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct times times;
    do {
        json_t *status = status_get(contract, server);
        const json_t *told = json_object_get(first_row(status, role), "service_time");
        times = (struct times){
            .count = json_integer_value(json_object_get(told, "count")),
            .p50_us = json_number_value(json_object_get(told, "p50_us")),
            .p99_us = json_number_value(json_object_get(told, "p99_us")),
        };
        json_decref(status);
    } while (times.count < least && look_again(deadline_ns));
    return times;
}

/* Whatever takes a while is timed each time, and the sampled rest adds up: 20 of 30 waits took 20 ms or more, the others 1 ms. */
void test_service_times(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 1, NULL);
    struct client *client = client_open(contract, server);
    for (unsigned i = 0; i < 30; i++)
        client_get(client, i % 3 ? "/wait/20ms" : "/wait/1ms", 200, &response);
    struct times times = wait_times(contract, server, "worker", 30);
    CHECK(contract, times.count == 30, "30 waits, and %lld were timed", (long long)times.count);
    CHECK(contract, times.p50_us >= 19000 && times.p99_us >= times.p50_us,
          "20 of 30 took 20 ms or more, but p50 is %g us and p99 %g us", times.p50_us, times.p99_us);
    for (unsigned i = 0; i < 1000; i++)
        client_get(client, "/hello", 200, &response);
    times = wait_times(contract, server, "worker", 30 + 1000 - 31);
    CHECK(contract, times.count >= 30 + 1000 - 31 && times.count <= 30 + 1000, "1030 answers, and the times stand for %lld",
          (long long)times.count);
}

/* A front times what its clients wait for, each request: the worker is in it. With and without an access log, which listens, too.
 */
void test_front_times(struct contract *contract)
{
    for (int logged = 0; logged < 2; logged++) {
        char path[CONTRACT_PATH];
        struct response response;
        contract_file(contract, "access", path);
        struct server *server = server_start(contract, 1, "--fronts", "1", logged ? "--access-log" : NULL, path, NULL);
        struct client *client = client_open(contract, server), *leaving = client_open(contract, server);
        client_print(leaving, "GET /wait/10m HTTP/1.1\r\nHost: contract\r\n\r\n");
        for (unsigned i = 0; i < 30; i++)
            client_get(client, i % 3 ? "/wait/20ms" : "/hello", 200, &response);
        client_reset(leaving);                                           /* who was never answered has no time */
        client_print(client_open(contract, server), "nonsense\r\n\r\n"); /* nor has what is no request */
        struct times times = wait_times(contract, server, "front", 30);
        CHECK(contract, times.count == 30, "30 requests, and %lld were timed", (long long)times.count);
        CHECK(contract, times.p50_us >= 19000 && times.p99_us >= times.p50_us,
              "20 of 30 took 20 ms or more, but p50 is %g us and p99 %g us", times.p50_us, times.p99_us);
    }
}

/* ---- who may ask ---- */

void test_admin_methods(struct contract *contract)
{
    static const struct {
        const char *path, *allow;
    } rows[] = {{"/status", "GET, HEAD"}, {"/metrics", "GET, HEAD"}, {"/reload", "POST"},
                {"/scale", "POST"},       {"/drain", "POST"},        {"/restart", "POST"}};
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    struct server *server = contract_server(contract);
    struct response response;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof methods / sizeof methods[0]; j++) {
            char allow[64] = "";
            if (strstr(rows[i].allow, methods[j]) || strcmp(methods[j], "HEAD") == 0)
                continue;
            expect(contract, server, methods[j], rows[i].path, "", 405, &response);
            response_field(&response, "Allow", allow, sizeof allow);
            CHECK(contract, strcmp(allow, rows[i].allow) == 0, "%s %s: Allow is '%s', wanted '%s'", methods[j], rows[i].path, allow,
                  rows[i].allow);
            check_outcome(contract, &response, rows[i].path, false);
        }
    expect(contract, server, "GET", "/nothing", "", 404, &response);
    check_outcome(contract, &response, "/nothing", false);
}

/* Each names the parameter, the value where there is one, and what is allowed. */
void test_admin_bad_values(struct contract *contract)
{
    static const struct {
        const char *target, *word, *other;
    } rows[] = {
        {"/scale", "workers", "1..256"},
        {"/scale?", "workers", "1..256"},
        {"/scale?workers", "workers", "1..256"},
        {"/scale?workers=", "workers", "1..256"},
        {"/scale?workers=0", "'0'", "1..256"},
        {"/scale?workers=257", "'257'", "1..256"},
        {"/scale?workers=-1", "'-1'", "1..256"},
        {"/scale?workers=many", "'many'", "1..256"},
        {"/scale?workers=99999999999999999999", "'99999999999999999999'", "1..256"},
        {"/scale?workers=2&workers=3", "workers", "once"},
        {"/scale?worker=2", "'worker'", "workers=1..256"},
        {"/drain", "worker", "0.."},
        {"/drain?worker=99", "'99'", "0.."},
        {"/drain?worker=-1", "'-1'", "0.."},
        {"/drain?worker=x", "'x'", "0.."},
        {"/restart?worker=99", "'99'", "0.."},
        {"/restart?index=0", "'index'", "worker=0.."},
        {"/reload?now=1", "'now=1'", "/reload"},
    };
    struct server *server = contract_server(contract);
    struct response response;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(contract, server, "POST", rows[i].target, "", 400, &response);
        check_outcome(contract, &response, rows[i].target, false);
        CHECK(contract, body_has(&response, rows[i].word) && body_has(&response, rows[i].other),
              "%s: '%s' and '%s' are not in %.*s", rows[i].target, rows[i].word, rows[i].other, (int)response.body_length,
              response.body);
    }
}

/* A page in a browser of this machine: its requests have an Origin, or a name in Host that is not ours. */
void test_admin_browser(struct contract *contract)
{
    struct server *server = contract_server(contract);
    struct response response;
    expect(contract, server, "POST", "/scale?workers=1", "Origin: http://evil.example\r\n", 403, &response);
    check_outcome(contract, &response, "POST with Origin", false);
    expect(contract, server, "POST", "/scale?workers=1", "Origin: null\r\n", 403, &response);
    expect(contract, server, "POST", "/scale?workers=1", "Host: evil.example:9000\r\n", 403, &response);
    expect(contract, server, "GET", "/status", "Host: evil.example\r\n", 403, &response);
    expect(contract, server, "GET", "/metrics", "Host: evil.example\r\n", 403, &response);
    expect(contract, server, "GET", "/status", "Host: 127.0.0.1:9000\r\n", 200, &response);
    expect(contract, server, "GET", "/status", "Host: [::1]\r\n", 200, &response);
}

#define ADMIN_CONNECTIONS 64

/* Open connections to the admin address are the primary's descriptors: no more than 64 of them. */
void test_admin_crowd(struct contract *contract)
{
    struct client *crowd[ADMIN_CONNECTIONS], *more;
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    for (size_t i = 0; i < ADMIN_CONNECTIONS; i++) {
        crowd[i] = client_try_address(contract, &server->admin_address, server->admin_length, 0);
        CHECK(contract, crowd[i] != NULL, "connection %zu to the admin address is refused", i);
        client_get(crowd[i], "/metrics", 200, &response);
    }
    more = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    bool served =
        more && client_print(more, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n") && client_try_receive(more, &response);
    CHECK(contract, !served, "%d connections are open, and one more is served, too", ADMIN_CONNECTIONS);
    client_get(client_open(contract, server), "/hello", 200, &response);
    client_close(crowd[0]);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (!served) {
        more = client_try_address(contract, &server->admin_address, server->admin_length, 0);
        served =
            more && client_print(more, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n") && client_try_receive(more, &response);
        CHECK(contract, served || look_again(deadline_ns), "one connection has gone, and still no other is served");
    }
}

static void check_token(struct contract *contract, const struct server *server)
{
    static const char *const wrong[] = {"", "Authorization: Bearer wrong\r\n", "Authorization: Bearer " GOOD_TOKEN "x\r\n",
                                        "Authorization: Basic " GOOD_TOKEN "\r\n", "X-Token: " GOOD_TOKEN "\r\n"};
    static const char *const targets[] = {"/status", "/metrics", "/nothing"};
    struct response response;
    char challenge[80] = "";
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (size_t j = 0; j < sizeof targets / sizeof targets[0]; j++)
            expect(contract, server, "GET", targets[j], wrong[i], 401, &response);
        expect(contract, server, "POST", "/scale?workers=1", wrong[i], 401, &response);
        response_field(&response, "WWW-Authenticate", challenge, sizeof challenge);
        CHECK(contract, strncmp(challenge, "Bearer", 6) == 0, "401 with WWW-Authenticate '%s'", challenge);
        check_outcome(contract, &response, "a wrong token", false);
        CHECK(contract, !body_has(&response, GOOD_TOKEN), "the answer to a wrong token tells the right one");
    }
    expect(contract, server, "GET", "/status", "Authorization: Bearer " GOOD_TOKEN "\r\n", 200, &response);
    expect(contract, server, "POST", "/scale?workers=x", "Authorization: Bearer " GOOD_TOKEN "\r\n", 400, &response);
}

void test_admin_token(struct contract *contract)
{
    check_token(contract, server_start(contract, 0, "--admin-token", GOOD_TOKEN, NULL));
    struct server *server = server_start(contract, 1, "--admin", "0.0.0.0:0", "--admin-token", GOOD_TOKEN, NULL);
    CHECK(contract, strncmp(server->admin_url, "http://0.0.0.0:", 15) == 0, "--admin 0.0.0.0:0: the ready line says %s",
          server->ready);
}

static void expect_no_token(struct contract *contract, const char *path)
{
    char text[65536];
    FILE *file = fopen(path, "re");
    CHECK(contract, file != NULL, "%s: %s", path, strerror(errno));
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    CHECK(contract, length > 0, "%s is empty", path);
    CHECK(contract, memmem(text, length, GOOD_TOKEN, strlen(GOOD_TOKEN)) == NULL, "%s tells the token", path);
}

/* Nobody hears it who may not: ps, the event log, /status. */
void test_admin_token_is_hidden(struct contract *contract)
{
    static const char *const targets[] = {"/status", "/metrics"};
    static const char *const forms[][3] = {{"--admin-token", GOOD_TOKEN, NULL}, {"--admin-token=" GOOD_TOKEN, NULL, NULL}};
    char events[CONTRACT_PATH], path[64];
    struct response response;
    struct family family;
    contract_file(contract, "events", events);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct server *server = server_start(contract, 0, "--event-log", events, forms[i][0], forms[i][1], NULL);
        family_collect(contract, server->pid, &family);
        for (size_t j = 0; j < family.count; j++) {
            snprintf(path, sizeof path, "/proc/%d/cmdline", (int)family.pids[j]);
            expect_no_token(contract, path);
        }
        family_release(&family);
        expect_no_token(contract, events);
        for (size_t j = 0; j < sizeof targets / sizeof targets[0]; j++) {
            expect(contract, server, "GET", targets[j], "Authorization: Bearer " GOOD_TOKEN "\r\n", 200, &response);
            CHECK(contract, !body_has(&response, GOOD_TOKEN), "%s tells the token", targets[j]);
        }
        expect(contract, server, "GET", "/status", "Authorization: Bearer ****************************\r\n", 401, &response);
    }
}

/* The first line of the file; it is read at the start and may be gone later. */
void test_admin_token_file(struct contract *contract)
{
    char path[64];
    int fd = memfd_create("token", MFD_CLOEXEC);
    CHECK(contract, fd >= 0 && dprintf(fd, "%s\nand a second line\n", GOOD_TOKEN) > 0, "memfd: %s", strerror(errno));
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    struct server *server = server_start(contract, 0, "--admin-token-file", path, NULL);
    close(fd);
    check_token(contract, server);
}

/* ---- steering ---- */

static unsigned count_ready(struct contract *contract, const struct server *server)
{
    struct status_row rows[STATUS_ROWS];
    unsigned count = 0;
    size_t all = status_rows(contract, server, rows);
    for (size_t i = 0; i < all; i++)
        count += !rows[i].front;
    return count;
}

static void wait_ready(struct contract *contract, const struct server *server, unsigned wanted, const char *what)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    unsigned count;
    while ((count = count_ready(contract, server)) != wanted)
        CHECK(contract, look_again(deadline_ns), "%s: %u workers are ready, wanted %u", what, count, wanted);
}

/* Of the worker's one row: a text of it, "" when it has none or more than one. */
static void text_of_worker(struct contract *contract, const struct server *server, int index, const char *key, char text[64])
{
    json_t *row, *status = status_get(contract, server);
    unsigned rows = 0;
    size_t i;
    text[0] = '\0';
    json_array_foreach(json_object_get(status, "workers"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "role")), "worker") != 0 ||
            json_integer_value(json_object_get(row, "index")) != index)
            continue;
        snprintf(text, 64, "%s", ++rows == 1 ? json_string_value(json_object_get(row, key)) : "");
    }
    json_decref(status);
}

static void wait_state(struct contract *contract, const struct server *server, int index, const char *wanted)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    char state[64];
    for (text_of_worker(contract, server, index, "state", state); strcmp(state, wanted) != 0;
         text_of_worker(contract, server, index, "state", state))
        CHECK(contract, look_again(deadline_ns), "worker %d is '%s', wanted '%s'", index, state, wanted);
}

static bool names(const json_t *array, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item) if (strcmp(json_string_value(item), name) == 0) return true;
    return false;
}

/* "cannot" in /status is the truth: what is named there is refused with 409, what is not named is done. */
void test_admin_cannot(struct contract *contract)
{
    static const struct {
        const char *name, *target;
    } rows[] = {
        {"scale", "/scale?workers=2"}, {"drain", "/drain?worker=0"}, {"restart", "/restart?worker=0"}, {"reload", "/reload"}};
    struct server *server = server_start(contract, contract_has(contract, TRAIT_MANY) ? 2 : 1, NULL);
    json_t *status = status_get(contract, server);
    const json_t *cannot = json_object_get(status, "cannot");
    CHECK(contract, json_is_array(cannot), "/status has no array \"cannot\"");
    CHECK(contract, names(cannot, "survive a crash") == contract_has(contract, TRAIT_WHOLE),
          "\"cannot\" is wrong about surviving a crash");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct response response;
        int answer = ask(contract, server, "POST", rows[i].target, "", &response);
        bool refused = names(cannot, rows[i].name);
        CHECK(contract, refused ? answer == 409 : answer == 200 || answer == 202, "\"cannot\" %s '%s', but POST %s answers %d",
              refused ? "names" : "does not name", rows[i].name, rows[i].target, answer);
        check_outcome(contract, &response, rows[i].target, !refused);
        if (!refused)
            wait_ready(contract, server, strcmp(rows[i].name, "drain") == 0 ? 1 : 2, rows[i].target);
    }
    json_decref(status);
}

/*
 * Asks for a reload, and for another one while it is running: that one is noted, and follows. A machine that stands still between
 * the two may find the first one done: then both have been begun at once, and it is tried again. How many reloads that were.
 */
static unsigned reload_twice(struct contract *contract, const struct server *server)
{
    struct response response;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    unsigned asked = 0;
    int second;
    do {
        steer(contract, server, "/reload", 200);
        second = ask(contract, server, "POST", "/reload", "", &response);
        CHECK(contract, second == 202 || second == 200, "a second reload: status %d, wanted 202", second);
        check_outcome(contract, &response, "a second reload", true);
        asked += 2;
        CHECK(contract, status_wait_reloads(contract, server, asked), "%u reloads were asked for and are not done", asked);
        CHECK(contract, second == 202 || now_ns() < deadline_ns, "no reload lasts until another one is asked for");
    } while (second != 202);
    return asked;
}

void test_admin_reload(struct contract *contract)
{
    struct status_row before[STATUS_ROWS], after[STATUS_ROWS];
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    size_t count = status_rows(contract, server, before);
    unsigned asked = reload_twice(contract, server);
    wait_ready(contract, server, contract->workers, "after two reloads");
    CHECK(contract, status_rows(contract, server, after) == count, "after two reloads there are not %zu workers and fronts", count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            CHECK(contract, before[i].pid != after[j].pid, "process %d is still there after two reloads", before[i].pid);
    client_get(client_open(contract, server), "/hello", 200, &response);
    char *text = get_metrics(contract, server);
    double done = exposition_sum(text, "clusterbench_reloads_total", "result=\"done\"", NULL);
    free(text);
    CHECK(contract, done == asked, "clusterbench_reloads_total is %.0f after %u reloads", done, asked);
}

void test_admin_scale(struct contract *contract)
{
    struct server *server = server_start(contract, 1, NULL);
    static const unsigned steps[] = {3, 1, 2};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char target[32];
        snprintf(target, sizeof target, "/scale?workers=%u", steps[i]);
        steer(contract, server, target, 200);
        wait_ready(contract, server, steps[i], target);
        json_t *status = status_get(contract, server);
        json_int_t wanted = json_integer_value(json_object_get(status, "workers_wanted"));
        json_decref(status);
        CHECK(contract, wanted == steps[i], "%s: workers_wanted is %lld", target, (long long)wanted);
    }
}

void test_admin_drain_and_restart(struct contract *contract)
{
    struct response response;
    char end[64];
    struct server *server = server_start(contract, 2, NULL);
    steer(contract, server, "/drain?worker=1", 200);
    wait_state(contract, server, 1, "drained");
    text_of_worker(contract, server, 1, "last_end", end);
    CHECK(contract, end[0] != '\0', "worker 1 was drained, and \"last_end\" says nothing");
    for (unsigned i = 0; i < 8; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        CHECK(contract, response.worker == 0, "worker 1 is drained, but worker %d has answered", response.worker);
        client_close(client);
    }
    steer(contract, server, "/drain?worker=0", 409); /* nobody would be left */
    steer(contract, server, "/restart?worker=1", 200);
    wait_state(contract, server, 1, "ready");
    wait_ready(contract, server, 2, "/restart?worker=1");
}

void test_admin_while_draining(struct contract *contract)
{
    struct response response;
    char state[64];
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = client_open(contract, server);
    client_print(client, "GET /wait/4s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", 1), "the request was not counted");
    CHECK(contract, kill(server->pid, SIGTERM) == 0, "kill: %s", strerror(errno));
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    do {
        json_t *status = status_get(contract, server);
        snprintf(state, sizeof state, "%s", json_string_value(json_object_get(status, "state")));
        json_decref(status);
    } while (strcmp(state, "draining") != 0 && look_again(deadline_ns));
    expect(contract, server, "POST", "/scale?workers=1", "", 503, &response);
    check_outcome(contract, &response, "/scale while draining", false);
}
