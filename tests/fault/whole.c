/*
 * What concerns the whole program: descriptors run out, the primary is killed, a program that cannot be reloaded is asked to.
 */
#include "scene.h"
#include "tests.h"
#include <stdio.h>
#include <string.h>

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
