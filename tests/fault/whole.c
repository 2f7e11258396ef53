/*
 * What concerns the whole program: descriptors run out, the primary is killed, a program that cannot be reloaded is asked to.
 */
#include "scene.h"
#include "tests.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- no descriptors left ---- */

#define DESCRIPTORS 64
#define MANY        200

/* Far more clients than descriptors: some have connections and keep them, the others wait; in the end all are answered. */
void test_descriptors_run_out(struct contract *contract)
{
    static struct client *clients[MANY];
    struct response response;
    struct holdings before;
    const struct server_plan plan = {.workers = contract_has(contract, TRAIT_MANY) ? 2 : 1, .descriptors = DESCRIPTORS};
    struct server *server = scene_spawn(contract, &plan, NULL);
    CHECK(contract, server_wait_ready(server), "no ready line");
    scene_ask(contract, server, "/hello");
    scene_take_stock(server, &before);
    for (unsigned i = 0; i < MANY; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    /* Whoever is answered leaves; that makes room for the next. */
    for (unsigned i = 0, next = 0; i < MANY; i++) {
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        while (clients[next % MANY] == NULL || !client_stirs(clients[next % MANY], 0)) {
            next++;
            CHECK(contract, next % MANY || look_again(deadline_ns), "%u of %d clients are never answered", MANY - i, MANY);
        }
        client_expect(clients[next % MANY], 200, &response);
        client_close(clients[next % MANY]);
        clients[next % MANY] = NULL;
    }
    scene_ask(contract, server, "/hello");
    scene_expect_stock(server, &before);
    scene_expect_log(server, "ended: ", 0);
    scene_end(server, 0);
}

/* So far, of all of them. proc(5) */
static unsigned cpu_ms(const struct family *family)
{
    unsigned long ticks = 0, user, system;
    for (size_t i = 0; i < family->count; i++) {
        char path[64], text[512];
        snprintf(path, sizeof path, "/proc/%d/stat", family->pids[i]);
        FILE *file = fopen(path, "re");
        const char *rest = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
        if (rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
            ticks += user + system;
        if (file)
            fclose(file);
    }
    return (unsigned)(ticks * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

#define WAITING   24
#define STARVE_MS 1000

/* No descriptor is free in any process, whatever was reckoned at the start: who comes waits, nobody spins, and then all are served.
 */
void test_accept_fails(struct contract *contract)
{
    struct client *clients[WAITING];
    struct response response;
    struct holdings before;
    struct family family;
    struct rlimit usual;
    struct server *server = scene_start(contract, 0, NULL);
    scene_take_stock(server, &before);
    family_collect(contract, server->pid, &family);
    family_limit_descriptors(contract, &family, NULL, &usual);
    for (unsigned i = 0; i < WAITING; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    unsigned before_ms = cpu_ms(&family);
    uint64_t until_ns = now_ns() + STARVE_MS * MS;
    while (look_again(until_ns))
        for (unsigned i = 0; i < WAITING; i++)
            CHECK(contract, !client_stirs(clients[i], 0), "a client is answered or cut off, and there is no descriptor for it");
    unsigned spent_ms = cpu_ms(&family) - before_ms;
    family_limit_descriptors(contract, &family, &usual, NULL);
    family_release(&family);
    for (unsigned i = 0; i < WAITING; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
    CHECK(contract, spent_ms < STARVE_MS / 10, "in %d ms without descriptors they spent %u ms of CPU: somebody spins", STARVE_MS,
          spent_ms);
    scene_expect_stock(server, &before);
    scene_expect_log(server, "ended: ", 0);
    scene_end(server, 0);
}

/* ---- no standard streams ---- */

/* As some supervisors start programs: the numbers of what is closed are no sockets' and no channels'. */
void test_closed_streams(struct contract *contract)
{
    char command[2 * CONTRACT_PATH];
    struct server *server;
    snprintf(command, sizeof command, "exec '%s' --listen 127.0.0.1:0 --admin 127.0.0.1:0 --workers 1 --log debug <&- 2>&-",
             contract->program);
    const char *const arguments[] = {"-c", command, NULL};
    const struct server_plan plan = {.program = "/bin/sh", .bare = true, .arguments = arguments};
    server = server_start_plan(contract, &plan);
    scene_ask(contract, server, "/hello");
    scene_end(server, 0);
}

/* ---- kill -9 of the primary ---- */

#define GONE_MS (MEMORY_MEANS_NOTHING ? 5000 : 1000)

/* Workers go within a second, though they are occupied and read no message; then the address is free. */
void test_primary_killed(struct contract *contract)
{
    struct client *clients[32];
    struct family family;
    bool processes = contract_has(contract, TRAIT_PROCESSES);
    struct server *server = scene_start(contract, 0, NULL);
    scene_occupy_all(contract, server, processes ? "/block/60s" : "/wait/60s", contract->workers, clients);
    family_collect(contract, server->pid, &family);
    uint64_t begin_ns = now_ns();
    scene_signal(contract, server->pid, SIGKILL);
    scene_expect_end(server, &family, -1, "kill -9 of the primary");
    unsigned took_ms = (unsigned)((now_ns() - begin_ns) / MS);
    CHECK(contract, took_ms <= GONE_MS, "the primary was killed; its workers were gone and its port free after %u ms, wanted %d",
          took_ms, GONE_MS);
}

/* ---- what single and threaded cannot ---- */

void test_reload_refused(struct contract *contract)
{
    struct server *server = scene_start(contract, 0, NULL);
    scene_signal(contract, server->pid, SIGHUP);
    scene_log_wait(server, "reload: ", 1);
    scene_expect_log(server, "it cannot be replaced while it runs", 1);
    scene_post(contract, server, "/reload", 409);
    scene_ask(contract, server, "/hello");
    scene_end(server, 0);
}

#define ROOM   2
#define BEYOND 12

/* As many as --max-connections allows are under way; those behind them wait in the queue, and have been accepted by the kernel. */
void test_drain_when_full(struct contract *contract)
{
    struct client *clients[ROOM + BEYOND];
    struct response response;
    struct server *server = scene_start(contract, 1, "--max-connections", "2", "--grace", "60s", NULL);
    uint64_t before = status_total(contract, server, "requests");
    for (int i = 0; i < ROOM; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /wait/1s HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    CHECK(contract, status_wait_total(contract, server, "requests", before + ROOM), "%d requests are not taken", ROOM);
    for (int i = ROOM; i < ROOM + BEYOND; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    scene_signal(contract, server->pid, SIGTERM);
    for (int i = 0; i < ROOM + BEYOND; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
    CHECK(contract, server_wait_exit(server), "TERM");
}
