/*
 * Nothing here sleeps for a time: it looks again until something is so, up to the contract's patience.
 */
#include "scene.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MOST 32
#define IDLE_TIMEOUT   "1s" /* a front's pool gives up connections in half of it: holdings.c waits for that */

static uint64_t deadline_of(const struct contract *contract)
{
    return now_ns() + contract->patience_ns;
}

/* ---- servers ---- */

static void collect_arguments(va_list list, const char *arguments[ARGUMENTS_MOST])
{
    static const char *const usual[] = {"--log", "info", "--idle-timeout", IDLE_TIMEOUT};
    size_t count = 0;
    for (; count < sizeof usual / sizeof usual[0]; count++)
        arguments[count] = usual[count];
    while (count < ARGUMENTS_MOST - 1 && (arguments[count] = va_arg(list, const char *)) != NULL)
        count++;
    arguments[count] = NULL;
}

static struct server *begin(struct contract *contract, unsigned workers, va_list list, const struct server_plan *model)
{
    const char *arguments[ARGUMENTS_MOST];
    char path[CONTRACT_PATH];
    struct server_plan plan = *model;
    collect_arguments(list, arguments);
    plan.workers = workers;
    plan.arguments = arguments;
    plan.program = scene_copied_program(contract, path);
    return server_spawn(contract, &plan);
}

static void expect_ready(struct server *server)
{
    char how[64];
    if (server_wait_ready(server))
        return;
    bool over = server_wait_exit(server);
    contract_fail(server->contract, __FILE__, __LINE__, "no ready line; the program %s",
                  over ? server_describe_exit(server, how, sizeof how) : "still runs");
}

struct server *scene_spawn(struct contract *contract, const struct server_plan *plan, ...)
{
    va_list list;
    va_start(list, plan);
    struct server *server = begin(contract, plan->workers, list, plan);
    va_end(list);
    return server;
}

struct server *scene_start(struct contract *contract, unsigned workers, ...)
{
    static const struct server_plan usual;
    va_list list;
    va_start(list, workers);
    struct server *server = begin(contract, workers, list, &usual);
    va_end(list);
    expect_ready(server);
    return server;
}

void scene_signal(struct contract *contract, pid_t pid, int number)
{
    CHECK(contract, kill(pid, number) == 0, "signal %d to %d: %s", number, pid, strerror(errno));
}

static void expect_port_free(struct server *server, const char *after)
{
    int one = 1;
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(server->contract, fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "socket: %s",
          strerror(errno));
    bool listens = bind(fd, (struct sockaddr *)&server->address, server->address_length) == 0 && listen(fd, 1) == 0;
    int error = errno;
    close(fd);
    CHECK(server->contract, listens, "after %s its port is not free: %s", after, strerror(error));
}

void scene_expect_end(struct server *server, struct family *family, int exit_status, const char *after)
{
    struct contract *contract = server->contract;
    char how[64];
    pid_t left = 0;
    bool over = server_wait_exit(server);
    server_describe_exit(server, how, sizeof how);
    CHECK(contract, over, "after %s the program still runs", after);
    CHECK(contract, exit_status < 0 || (WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == exit_status),
          "after %s the program %s, wanted exit status %d", after, how, exit_status);
    bool gone = family_wait_gone(contract, family, &left);
    family_release(family);
    CHECK(contract, gone, "after %s process %d still lives", after, left);
    gone = server_wait_no_orphans(contract, &left);
    CHECK(contract, gone, "after %s its process %d still lives", after, left);
    expect_port_free(server, after);
}

void scene_end(struct server *server, int exit_status)
{
    struct family family;
    family_collect(server->contract, server->pid, &family);
    scene_signal(server->contract, server->pid, SIGTERM);
    scene_expect_end(server, &family, exit_status, "TERM");
    scene_expect_log(server, "the grace is over", 0);
}

/* ---- requests ---- */

int scene_ask(struct contract *contract, struct server *server, const char *path)
{
    struct response response;
    struct client *client = client_open(contract, server);
    client_get(client, path, 200, &response);
    int worker = response.worker;
    client_close(client);
    return worker;
}

#define WAVE_MOST 64

/* So many clients at once that a worker cannot have them all: who they got is in `found`. */
static void send_wave(struct contract *contract, struct server *server, unsigned count, struct client **clients, int *workers)
{
    struct response response;
    for (unsigned i = 0; i < count; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /block/20ms HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    for (unsigned i = 0; i < count; i++) {
        client_expect(clients[i], 200, &response);
        workers[i] = response.worker;
    }
}

static unsigned wave_size(unsigned workers)
{
    return 3 * workers < WAVE_MOST ? 3 * workers : WAVE_MOST;
}

void scene_send_wave(struct contract *contract, struct server *server)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    unsigned size = wave_size(server->workers);
    send_wave(contract, server, size, clients, served);
    for (unsigned i = 0; i < size; i++)
        client_close(clients[i]);
}

void scene_expect_all_serve(struct contract *contract, struct server *server, unsigned workers)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    bool seen[WAVE_MOST] = {false};
    unsigned missing = workers, size = wave_size(workers);
    uint64_t deadline_ns = deadline_of(contract);
    while (missing > 0) {
        send_wave(contract, server, size, clients, served);
        for (unsigned i = 0; i < size; i++) {
            CHECK(contract, served[i] >= 0 && (unsigned)served[i] < workers, "worker %d answered, wanted 0..%u", served[i],
                  workers - 1);
            missing -= !seen[served[i]];
            seen[served[i]] = true;
            client_close(clients[i]);
        }
        if (missing > 0 && !look_again(deadline_ns))
            contract_fail(contract, __FILE__, __LINE__, "%u of %u workers never answer", missing, workers);
    }
}

/* A kept connection to each worker. */
static void connect_to_each(struct contract *contract, struct server *server, unsigned workers, struct client **each)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    unsigned missing = workers, size = wave_size(workers);
    uint64_t deadline_ns = deadline_of(contract);
    for (unsigned i = 0; i < workers; i++)
        each[i] = NULL;
    while (missing > 0) {
        send_wave(contract, server, size, clients, served);
        for (unsigned i = 0; i < size; i++) {
            bool wanted = served[i] >= 0 && (unsigned)served[i] < workers && each[served[i]] == NULL;
            if (wanted)
                each[served[i]] = clients[i], missing--;
            else
                client_close(clients[i]);
        }
        CHECK(contract, missing == 0 || look_again(deadline_ns), "%u of %u workers never answer", missing, workers);
    }
}

void scene_occupy_all(struct contract *contract, struct server *server, const char *path, unsigned workers, struct client **clients)
{
    bool direct = contract_has(contract, TRAIT_DIRECT);
    if (direct)
        connect_to_each(contract, server, workers, clients);
    uint64_t before = status_total(contract, server, "requests");
    for (unsigned i = 0; i < workers; i++) {
        if (!direct) /* requests are dealt in turn, whatever the connection */
            clients[i] = client_open(contract, server);
        client_print(clients[i], "GET %s HTTP/1.1\r\nHost: fault\r\n\r\n", path);
    }
    CHECK(contract, status_wait_total(contract, server, "requests", before + workers), "%s is not taken by all workers", path);
}
