/*
 * One thing while another is under way: signals that overlap, and deaths in the middle of a reload. What is to happen stands in
 * docs/supervision.md; here it is held against it.
 *
 * A reload is slow because answers are under way at the old workers, or because the new ones wait at a gate.
 */
#include "scene.h"
#include "tests.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORKERS 3

/* Both lives of a worker: the new one in `state`, the old one draining or ready. */
static struct place_row wait_next(struct contract *contract, struct server *server, unsigned index, const char *state)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct place_row rows[PLACE_ROWS];
    do {
        size_t count = scene_rows(contract, server, rows);
        for (size_t i = 0; i < count; i++)
            if (!rows[i].front && rows[i].index == index && rows[i].generation == 1 && strcmp(rows[i].state, state) == 0)
                return rows[i];
    } while (look_again(deadline_ns));
    contract_fail(contract, __FILE__, __LINE__, "worker %u gets no second life that is %s", index, state);
}

static void hang_up(struct contract *contract, struct server *server)
{
    scene_signal(contract, server->pid, SIGHUP);
}

static void expect_answers(struct client **clients, unsigned count)
{
    struct response response;
    for (unsigned i = 0; i < count; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
}

/* A reload has begun, and is held up by an answer under way at every worker. */
static struct server *begin_slow_reload(struct contract *contract, const char *path, const char *crashes,
                                        struct client *clients[WORKERS])
{
    struct server *server =
        scene_start(contract, WORKERS, "--reload-parallel", "3", "--grace", "60s", "--max-crashes", crashes, NULL);
    scene_occupy_all(contract, server, path, WORKERS, clients);
    hang_up(contract, server);
    return server;
}

/* The same, and held up by a new worker 0 that does not become ready before the gate is opened. */
static struct server *begin_gated_reload(struct contract *contract, const char *parallel, struct place_row *old,
                                         struct holdings *holdings)
{
    scene_copy_program(contract);
    struct server *server =
        scene_start(contract, WORKERS, "--reload-parallel", parallel, "--grace", "60s", "--ready-timeout", "60s", NULL);
    scene_take_stock(server, holdings);
    *old = scene_wait_state(contract, server, false, 0, "ready");
    scene_replace_program(contract, PROGRAM_GATED);
    hang_up(contract, server);
    return server;
}

/* ---- HUP and HUP ---- */

void test_hangups_overlap(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct server *server = begin_slow_reload(contract, "/wait/1s", "8", clients);
    scene_log_wait(server, "reload: begins", 1);
    for (unsigned i = 1; i <= 5; i++) {
        hang_up(contract, server);
        scene_log_wait(server, "another one will follow", i);
    }
    expect_answers(clients, WORKERS);
    scene_wait_reloads(contract, server, 2, 0);
    scene_post(contract, server, "/reload", 200); /* none was left over: this one begins at once */
    scene_wait_reloads(contract, server, 3, 0);
    scene_expect_log(server, "reload: begins", 3);
    scene_wait_workers(contract, server, WORKERS);
    scene_end(server, 0);
}

/* ---- HUP before the ready line ---- */

/* SigCgt in /proc/PID/status. proc(5) */
static bool catches(pid_t pid, int number)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "SigCgt: %llx", &caught) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return (caught >> (number - 1)) & 1;
}

/* A program that is stopped behind the point where it begins to listen to signals; NULL when it was ready by then. */
static struct server *start_halfway(struct contract *contract)
{
    const struct server_plan plan = {.workers = WORKERS, .ignored_signal = SIGHUP};
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct server *server = scene_spawn(contract, &plan, "--grace", "60s", NULL);
    while (!catches(server->pid, SIGHUP))
        CHECK(contract, now_ns() < deadline_ns, "the program never listens to HUP");
    scene_signal(contract, server->pid, SIGSTOP);
    if (!server_has_spoken(server))
        return server;
    scene_signal(contract, server->pid, SIGKILL);
    CHECK(contract, server_wait_exit(server), "kill -9");
    return NULL;
}

static struct server *start_halfway_for_sure(struct contract *contract)
{
    struct server *server = NULL;
    for (int i = 0; i < 50 && server == NULL; i++)
        server = start_halfway(contract);
    CHECK(contract, server != NULL, "the program was ready too soon, 50 times");
    return server;
}

void test_hangup_during_start(struct contract *contract)
{
    struct server *server = start_halfway_for_sure(contract);
    hang_up(contract, server);
    scene_signal(contract, server->pid, SIGCONT);
    CHECK(contract, server_wait_ready(server), "HUP during the start: no ready line");
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS);
    CHECK(contract, scene_wait_state(contract, server, false, 0, "ready").generation == 1, "worker 0 was not replaced once");
    scene_expect_log(server, "reload: begins", 1);
    scene_end(server, 0);
}

void test_term_while_starting(struct contract *contract)
{
    struct family family;
    struct server *server = start_halfway_for_sure(contract);
    family_collect(contract, server->pid, &family);
    scene_signal(contract, server->pid, SIGTERM);
    scene_signal(contract, server->pid, SIGCONT);
    CHECK(contract, server_wait_exit(server), "TERM during the start: the program still runs");
    server_output(server);
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0,
          "TERM during the start: not exit status 0");
    pid_t left = 0;
    CHECK(contract, family_wait_gone(contract, &family, &left) && server_wait_no_orphans(contract, &left),
          "TERM during the start: process %d still lives", left);
    family_release(&family);
}

/* ---- the end during a reload ---- */

void test_term_during_reload(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct family family;
    struct server *server = begin_slow_reload(contract, "/wait/1s", "8", clients);
    wait_next(contract, server, 0, "ready");
    family_collect(contract, server->pid, &family);
    scene_signal(contract, server->pid, SIGTERM);
    expect_answers(clients, WORKERS);
    scene_expect_end(server, &family, 0, "TERM during a reload");
    scene_expect_log(server, "reload: aborted: the program was told to end", 1);
}

/* A new life that is not ready is not waited for, and its end is no reason to warn of anybody. */
void test_term_before_the_new_life_is_ready(struct contract *contract)
{
    struct place_row old;
    struct holdings holdings;
    char wanted[128];
    struct server *server = begin_gated_reload(contract, "1", &old, &holdings);
    struct place_row next = wait_next(contract, server, 0, "starting");
    scene_end(server, 0);
    snprintf(wanted, sizeof wanted, "info: worker 0 (pid %d) ended: signal 9 (the program ends)", (int)next.pid);
    scene_expect_log(server, wanted, 1);
    scene_expect_log(server, "warn: worker", 0);
    scene_expect_log(server, "reload: aborted: the program was told to end", 1);
    scene_expect_log(server, "the grace is over", 0);
}

void test_interrupt_during_reload(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct family family;
    struct server *server = begin_slow_reload(contract, "/wait/60s", "8", clients);
    wait_next(contract, server, 0, "ready");
    family_collect(contract, server->pid, &family);
    scene_signal(contract, server->pid, SIGINT);
    scene_expect_end(server, &family, 130, "INT during a reload");
    scene_expect_log(server, "ending without them", 0); /* old and new lives were killed, none was forgotten */
}

/* ---- scaling during a reload ---- */

/* The new life serves and the old one drains: both leave, and what they have is answered. */
void test_one_less_during_reload(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct server *server = begin_slow_reload(contract, "/wait/1s", "8", clients);
    wait_next(contract, server, WORKERS - 1, "ready");
    scene_signal(contract, server->pid, SIGTTOU);
    scene_wait_wanted(contract, server, WORKERS - 1);
    expect_answers(clients, WORKERS);
    scene_wait_workers(contract, server, WORKERS - 1);
    scene_wait_reloads(contract, server, 1, 0);
    scene_expect_all_serve(contract, server, WORKERS - 1);
    scene_end(server, 0);
}

/* The new life is not ready yet: it is ended, the old one drains. */
void test_one_less_before_its_new_life_is_ready(struct contract *contract)
{
    struct place_row old;
    struct holdings holdings;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct server *server = begin_gated_reload(contract, "3", &old, &holdings);
    struct place_row next = wait_next(contract, server, WORKERS - 1, "starting");
    scene_signal(contract, server->pid, SIGTTOU);
    scene_wait_wanted(contract, server, WORKERS - 1);
    while (scene_find(contract, server, false, WORKERS - 1, "starting", &next))
        CHECK(contract, look_again(deadline_ns), "a new life that is not needed any more is not ended");
    scene_open_gate(contract);
    scene_wait_workers(contract, server, WORKERS - 1);
    scene_wait_reloads(contract, server, 1, 0);
    scene_expect_all_serve(contract, server, WORKERS - 1);
    scene_end(server, 0);
}

/* A worker that was taken out before its turn has none. */
void test_drain_during_reload(struct contract *contract)
{
    struct place_row old;
    struct holdings holdings;
    struct server *server = begin_gated_reload(contract, "1", &old, &holdings);
    wait_next(contract, server, 0, "starting");
    scene_post(contract, server, "/drain?worker=1", 200);
    scene_open_gate(contract);
    scene_wait_reloads(contract, server, 1, 0);
    struct place_row row = scene_wait_state(contract, server, false, 1, "drained");
    CHECK(contract, row.generation == 1, "worker 1 was drained in a reload, and has had %u lives", row.generation);
    scene_post(contract, server, "/reload", 200); /* that one takes it back */
    scene_wait_reloads(contract, server, 2, 0);
    scene_wait_workers(contract, server, WORKERS);
    scene_end(server, 0);
}

void test_one_more_during_reload(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct server *server = begin_slow_reload(contract, "/wait/1s", "8", clients);
    wait_next(contract, server, 0, "ready");
    scene_signal(contract, server->pid, SIGTTIN);
    scene_wait_state(contract, server, false, WORKERS, "ready");
    expect_answers(clients, WORKERS);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS + 1);
    scene_expect_all_serve(contract, server, WORKERS + 1);
    scene_end(server, 0);
}

/* ---- deaths ---- */

void test_hangup_while_restarting(struct contract *contract)
{
    struct server *server = scene_start(contract, WORKERS, "--restart-delay", "60s", "--restart-delay-max", "60s", NULL);
    struct place_row victim = scene_wait_state(contract, server, false, 0, "ready");
    scene_signal(contract, victim.pid, SIGKILL);
    struct place_row row = scene_wait_state(contract, server, false, 0, "restarting");
    CHECK(contract, row.pid == 0 && row.next_start_s > 0 && row.next_start_s <= 60, "restarting: pid %d, next start in %.1f s",
          row.pid, row.next_start_s);
    hang_up(contract, server);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS);
    scene_expect_all_serve(contract, server, WORKERS);
    scene_end(server, 0);
}

/* A life that was begun before the reload was asked for is none of its new ones: it may run what was on disk then. */
void test_hangup_while_it_begins_again(struct contract *contract)
{
    scene_copy_program(contract);
    struct server *server = scene_start(contract, WORKERS, "--ready-timeout", "60s", NULL);
    struct place_row victim = scene_wait_state(contract, server, false, 0, "ready");
    scene_replace_program(contract, PROGRAM_SLEEPS);
    scene_signal(contract, victim.pid, SIGKILL);
    scene_wait_state(contract, server, false, 0, "starting");
    scene_replace_program(contract, PROGRAM_GOOD);
    hang_up(contract, server);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS);
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK(contract, scene_runs_program_on_disk(contract, scene_wait_state(contract, server, false, i, "ready").pid),
              "worker %u does not run what was on disk at the reload", i);
    scene_expect_all_serve(contract, server, WORKERS);
    scene_end(server, 0);
}

/* Its successor, still on its way, serves as soon as it is ready. */
void test_old_killed_during_its_replacement(struct contract *contract)
{
    struct place_row old;
    struct holdings holdings;
    struct server *server = begin_gated_reload(contract, "1", &old, &holdings);
    wait_next(contract, server, 0, "starting");
    scene_signal(contract, old.pid, SIGKILL);
    scene_log_wait(server, "ended: signal 9", 1);
    for (int i = 0; i < 6; i++)
        scene_ask(contract, server, "/hello");
    scene_open_gate(contract);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS);
    scene_expect_log(server, "starts again", 0);
    scene_expect_all_serve(contract, server, WORKERS);
    scene_expect_stock(server, &holdings);
    scene_end(server, 0);
}

void test_new_killed_before_it_is_ready(struct contract *contract)
{
    struct place_row old, now;
    struct holdings holdings;
    char error[SCENE_TEXT];
    struct server *server = begin_gated_reload(contract, "1", &old, &holdings);
    scene_signal(contract, wait_next(contract, server, 0, "starting").pid, SIGKILL);
    scene_wait_reloads(contract, server, 0, 1);
    scene_text(contract, server, "reload/last_error", error);
    CHECK(contract, strstr(error, "signal 9") != NULL, "the reload was aborted by '%s', wanted 'signal 9'", error);
    now = scene_wait_state(contract, server, false, 0, "ready");
    CHECK(contract, now.pid == old.pid && now.restarts == 0, "the old worker is not what it was");
    scene_expect_stock(server, &holdings);
    scene_end(server, 0);
}

/* It has taken over, and dies: another one comes in its place, and the reload goes on. */
void test_new_killed_while_the_old_drains(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct server *server = begin_slow_reload(contract, "/wait/1500ms", "8", clients);
    struct place_row next = wait_next(contract, server, 0, "ready");
    scene_signal(contract, next.pid, SIGKILL);
    next = scene_wait_replaced(contract, server, &next);
    CHECK(contract, next.restarts == 1, "restarts %u, wanted 1", next.restarts);
    expect_answers(clients, WORKERS);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, WORKERS);
    scene_end(server, 0);
}

/* The same, and it is given up: then so is the reload. */
void test_new_given_up_while_the_old_drains(struct contract *contract)
{
    struct client *clients[WORKERS];
    struct server *server = begin_slow_reload(contract, "/wait/1500ms", "1", clients);
    scene_signal(contract, wait_next(contract, server, 0, "ready").pid, SIGKILL);
    scene_log_wait(server, "worker 0 is given up", 1);
    expect_answers(clients, WORKERS);
    scene_wait_reloads(contract, server, 0, 1);
    scene_wait_state(contract, server, false, 0, "errored");
    hang_up(contract, server);
    scene_wait_reloads(contract, server, 1, 1);
    scene_wait_workers(contract, server, WORKERS);
    scene_end(server, 0);
}

void test_term_while_restarting(struct contract *contract)
{
    struct server *server =
        scene_start(contract, WORKERS, "--restart-delay", "60s", "--restart-delay-max", "60s", "--grace", "60s", NULL);
    for (unsigned i = 0; i < WORKERS; i++)
        scene_signal(contract, scene_wait_state(contract, server, false, i, "ready").pid, SIGKILL);
    for (unsigned i = 0; i < WORKERS; i++)
        scene_wait_state(contract, server, false, i, "restarting");
    scene_end(server, 0);
}
