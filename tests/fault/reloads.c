/*
 * Rolling reloads: twenty of them under mixed load lose nothing; one that cannot succeed changes nothing. And what reuseport loses
 * when its workers own their sockets.
 */
#include "crowd.h"
#include "generator.h"
#include "scene.h"
#include "tests.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned reloads_of(const struct contract *contract)
{
    return contract->full ? 20 : 4;
}

static void reload(struct contract *contract, struct server *server, unsigned times)
{
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, times, 0);
}

/* ---- under load ---- */

static void expect_generations(struct contract *contract, struct server *server, unsigned wanted)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        CHECK(contract, rows[i].generation == wanted && rows[i].restarts == 0,
              "%s %u: generation %u, restarts %u behind %u reloads; wanted %u and 0", rows[i].front ? "front" : "worker",
              rows[i].index, rows[i].generation, rows[i].restarts, wanted, wanted);
}

/* A line for scripts/fault-figures. */
static void print_figures(const char *what, const struct crowd_figures *figures, unsigned reloads)
{
    printf("figures: %s reloads=%u sent=%llu ok=%llu idle-closed=%llu failed=%llu\n", what, reloads,
           (unsigned long long)figures->sent, (unsigned long long)figures->ends[CROWD_OK],
           (unsigned long long)figures->ends[CROWD_IDLE_CLOSED], (unsigned long long)crowd_failed(figures));
}

void test_reloads_under_load(struct contract *contract)
{
    struct crowd_figures figures;
    struct holdings before;
    unsigned reloads = reloads_of(contract);
    char what[64];
    struct server *server = scene_start(contract, 0, NULL);
    scene_take_stock(server, &before);
    struct crowd *crowd = crowd_start(contract, server, &(struct crowd_plan){.kept = 16, .slow = 8, .single = 16});
    for (unsigned i = 1; i <= reloads; i++) {
        crowd_wait(crowd, 100);
        reload(contract, server, i);
    }
    crowd_wait(crowd, 100);
    crowd_stop(crowd, &figures);
    snprintf(what, sizeof what, "reload strategy=%s load=crowd", contract->profile->name);
    print_figures(what, &figures, reloads);
    crowd_check_all_ok(contract, &figures, "reloads");
    expect_generations(contract, server, reloads);
    scene_expect_all_serve(contract, server, contract->workers);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* The same with more of it, from the load generator: connections that are kept, and a connection for each request. */
void test_reloads_under_loadgen(struct contract *contract)
{
    static const char *const kept[] = {"-c", "32", NULL}; /* as much as they can */
    static const char *const single[] = {"-c", "32", "-R", "1000", "--disable-keepalive", NULL};
    struct generator_figures figures[2];
    struct holdings before;
    unsigned reloads = reloads_of(contract);
    if (!contract->full) {
        print_message("skipped: with --full only\n");
        contract_skip(contract);
    }
    struct server *server = scene_start(contract, 0, NULL);
    scene_take_stock(server, &before);
    struct generator *generators[] = {generator_start(contract, server, kept), generator_start(contract, server, single)};
    for (unsigned i = 1; i <= reloads; i++)
        reload(contract, server, i);
    for (int i = 0; i < 2; i++) {
        generator_stop(generators[i], &figures[i]);
        printf("figures: reload strategy=%s load=loadgen-%s reloads=%u sent=%llu ok=%llu idle-closed=%llu failed=%llu\n",
               contract->profile->name, i ? "single" : "kept", reloads, (unsigned long long)figures[i].sent,
               (unsigned long long)figures[i].ok, (unsigned long long)figures[i].idle_closed,
               (unsigned long long)figures[i].failed);
    }
    CHECK(contract, figures[0].failed == 0 && figures[1].failed == 0 && figures[0].ok > 0 && figures[1].ok > 0,
          "requests of loadgen failed during reloads: %s%s", figures[0].report, figures[1].report);
    expect_generations(contract, server, reloads);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* The old lives have answers under way that would take far longer than the grace. */
void test_reload_cuts_behind_the_grace(struct contract *contract)
{
    struct client *clients[2];
    struct response response;
    struct holdings before;
    struct server *server = scene_start(contract, 2, "--grace", "500ms", NULL);
    scene_take_stock(server, &before);
    scene_occupy_all(contract, server, "/wait/6s", 2, clients);
    reload(contract, server, 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(contract, !client_try_receive(clients[i], &response) || response.status == 502,
              "an old worker's request of 6 s was answered %d in a reload whose grace was 500 ms", response.status);
        client_close(clients[i]);
    }
    scene_expect_log(server, "had not drained when the grace was over", 2 + contract_has(contract, TRAIT_FRONTS));
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- reloads that fail ---- */

static void expect_same(struct contract *contract, struct server *server, const struct place_row *before, size_t count)
{
    struct place_row now[PLACE_ROWS];
    CHECK(contract, scene_rows(contract, server, now) == count, "a reload that was aborted changed how many there are");
    for (size_t i = 0; i < count; i++)
        CHECK(contract, now[i].pid == before[i].pid && strcmp(now[i].state, "ready") == 0,
              "a reload that was aborted left worker %u with pid %d, %s; it was %d", now[i].index, now[i].pid, now[i].state,
              before[i].pid);
}

static void expect_aborted(struct contract *contract, struct server *server, unsigned times, const char *why)
{
    char error[SCENE_TEXT];
    scene_wait_reloads(contract, server, 0, times);
    scene_text(contract, server, "reload/last_error", error);
    CHECK(contract, strstr(error, why) != NULL, "the reload was aborted by '%s', wanted '%s'", error, why);
    scene_expect_log(server, "reload: aborted", times);
}

/* The executable on disk is none that could serve: nobody is replaced, nobody notices. With a good one, the new one runs. */
void test_reload_fails(struct contract *contract)
{
    static const struct {
        enum program_kind kind;
        const char *why;
    } bad[] = {{PROGRAM_EXITS, "exit status 1"}, {PROGRAM_SLEEPS, "not ready in time"}, {PROGRAM_NONE, "no such file"}};
    struct place_row before[PLACE_ROWS];
    struct crowd_figures figures;
    struct holdings holdings;
    scene_copy_program(contract);
    struct server *server = scene_start(contract, 2, "--ready-timeout", MEMORY_MEANS_NOTHING ? "4s" : "1s", NULL);
    scene_take_stock(server, &holdings);
    size_t count = scene_rows(contract, server, before);
    struct crowd *crowd = crowd_start(contract, server, &(struct crowd_plan){.kept = 16, .slow = 4, .single = 8});
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scene_replace_program(contract, bad[i].kind);
        scene_signal(contract, server->pid, SIGHUP);
        expect_aborted(contract, server, i + 1, bad[i].why);
        expect_same(contract, server, before, count);
    }
    scene_replace_program(contract, PROGRAM_GOOD);
    CHECK(contract, !scene_runs_program_on_disk(contract, before[0].pid), "the old workers run the new program");
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, 1, sizeof bad / sizeof bad[0]);
    scene_wait_workers(contract, server, 2);
    CHECK(contract, scene_rows(contract, server, before) == count, "a reload changed how many there are");
    for (size_t i = 0; i < count; i++)
        CHECK(contract, scene_runs_program_on_disk(contract, before[i].pid), "a new worker runs the old program");
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "reloads that were aborted");
    scene_expect_stock(server, &holdings);
    scene_end(server, 0);
}

/* Each would become ready as well, and serve in its own way: what runs is not to change by a copy that went wrong. */
void test_reload_onto_another_strategy(struct contract *contract)
{
    static const char *const names[] = {"single", "shared", "master-accept", "reuseport", "threaded", "proxied"};
    char wanted[64];
    struct place_row before[PLACE_ROWS];
    struct crowd_figures figures;
    unsigned tried = 0;
    scene_copy_program(contract);
    struct server *server = scene_start(contract, 2, NULL);
    size_t count = scene_rows(contract, server, before);
    struct crowd *crowd = crowd_start(contract, server, &(struct crowd_plan){.kept = 8, .slow = 4, .single = 8});
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], contract->profile->name) == 0 || !scene_replace_program_by(contract, names[i]))
            continue;
        snprintf(wanted, sizeof wanted, "the program is %s now", names[i]);
        scene_signal(contract, server->pid, SIGHUP);
        expect_aborted(contract, server, ++tried, wanted);
        expect_same(contract, server, before, count);
    }
    CHECK(contract, tried > 0, "no other strategy's program stands beside %s", contract->program);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "reloads onto other strategies' programs");
    scene_replace_program(contract, PROGRAM_GOOD);
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, 1, tried);
    scene_end(server, 0);
}

static void write_settings(struct contract *contract, const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    CHECK(contract, file != NULL, "%s: %s", path, strerror(errno));
    bool written = fputs(text, file) >= 0;
    CHECK(contract, fclose(file) == 0 && written, "%s: %s", path, strerror(errno));
}

/* Who is started behind it has the settings of all others, not those that nobody became ready with. */
void test_reload_that_fails_keeps_settings(struct contract *contract)
{
    char path[CONTRACT_PATH];
    scene_copy_program(contract);
    contract_file(contract, "site.ini", path);
    write_settings(contract, path, "[default]\nfaults = on\n");
    struct server *server = scene_start(contract, 1, "--config", path, NULL);
    write_settings(contract, path, "[default]\nfaults = off\n");
    scene_replace_program(contract, PROGRAM_EXITS);
    scene_signal(contract, server->pid, SIGHUP);
    expect_aborted(contract, server, 1, "exit status 1");
    scene_replace_program(contract, PROGRAM_GOOD);
    struct place_row victim = scene_wait_state(contract, server, false, 0, "ready");
    scene_signal(contract, victim.pid, SIGKILL);
    scene_wait_replaced(contract, server, &victim);
    scene_ask(contract, server, "/leak/1k");
    scene_end(server, 0);
}

/* A life that had none to take over from is not ready when the reload fails: it ends, too, and the next one has the old settings.
 */
void test_reload_that_fails_calls_off_first_lives(struct contract *contract)
{
    char path[CONTRACT_PATH];
    scene_copy_program(contract);
    contract_file(contract, "site.ini", path);
    write_settings(contract, path, "[default]\nfaults = on\n");
    struct server *server = scene_start(contract, 2, "--config", path, "--reload-parallel", "2", "--restart-delay", "60s",
                                        "--restart-delay-max", "60s", "--ready-timeout", "60s", NULL);
    struct place_row victim = scene_wait_state(contract, server, false, 0, "ready");
    scene_signal(contract, victim.pid, SIGKILL);
    scene_wait_state(contract, server, false, 0, "restarting");
    write_settings(contract, path, "[default]\nfaults = off\n");
    scene_replace_program(contract, PROGRAM_FIRST_GATED);
    scene_signal(contract, server->pid, SIGHUP);
    scene_log_wait(server, "worker 1: the new one did not become ready", 1);
    scene_open_gate(contract);
    expect_aborted(contract, server, 1, "exit status 1");
    scene_wait_state(contract, server, false, 0, "ready");
    scene_post(contract, server, "/drain?worker=1", 200);
    scene_wait_state(contract, server, false, 1, "drained");
    scene_ask(contract, server, "/leak/1k");
    scene_end(server, 0);
}

/* ---- sockets of the workers' own ---- */

static int read_migrate(void)
{
    int value = -1;
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_migrate_req", "re");
    if (file == NULL)
        return -1;
    if (fscanf(file, "%d", &value) != 1)
        value = -1;
    fclose(file);
    return value;
}

/* Under load: what arrives between the last accept and the close is lost. */
static void measure_own_sockets_reload(struct contract *contract, struct server *server, int migrate)
{
    struct crowd_figures figures;
    char what[96];
    unsigned reloads = reloads_of(contract);
    struct crowd *crowd = crowd_start(contract, server, &(struct crowd_plan){.single = 64, .pause_ms = 1});
    for (unsigned i = 1; i <= reloads; i++)
        reload(contract, server, i);
    crowd_stop(crowd, &figures);
    crowd_check_sum(contract, &figures);
    snprintf(what, sizeof what, "own-reload strategy=%s migrate=%d", contract->profile->name, migrate);
    print_figures(what, &figures, reloads);
    expect_generations(contract, server, reloads);
}

#define QUEUED 48

/* A worker is stopped, connections queue up on its socket, it is killed: they die with it, or the kernel gives them to another. */
static void measure_own_sockets_kill(struct contract *contract, struct server *server, int migrate)
{
    struct client *clients[QUEUED];
    struct response response;
    unsigned lost = 0;
    struct place_row victim = scene_wait_state(contract, server, false, 0, "ready");
    scene_signal(contract, victim.pid, SIGSTOP);
    for (unsigned i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    scene_signal(contract, victim.pid, SIGKILL);
    for (unsigned i = 0; i < QUEUED; i++) {
        lost += !client_try_receive(clients[i], &response);
        client_close(clients[i]);
    }
    printf("figures: own-kill strategy=%s migrate=%d sent=%d ok=%u failed=%u\n", contract->profile->name, migrate, QUEUED,
           QUEUED - lost, lost);
    CHECK(contract, migrate != 0 || lost > 0, "the queue of a worker's own socket outlived it: then why do we need other ones?");
    CHECK(contract, migrate != 1 || lost == 0, "tcp_migrate_req is 1, and %u connections were lost", lost);
    scene_wait_replaced(contract, server, &victim);
}

/* What other sockets are there against: queued on a worker's own one, a connection dies with it. */
static void measure_own_sockets(struct contract *contract)
{
    int migrate = read_migrate();
    struct server *server = scene_start(contract, 0, "--sockets", "worker", NULL);
    measure_own_sockets_reload(contract, server, migrate);
    measure_own_sockets_kill(contract, server, migrate);
    scene_end(server, 0);
}

void test_own_sockets(struct contract *contract)
{
    measure_own_sockets(contract);
}

/* ---- the same in a network of its own, where the kernel's setting may be chosen ---- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return up;
}

enum { NOT_ALLOWED = 77 };

/* In the child: a network with that setting, and there this program with its one test. */
static _Noreturn void run_in_own_network(const struct contract *contract, const char *value)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 || !raise_loopback() || !write_text("/proc/sys/net/ipv4/tcp_migrate_req", value))
        _exit(NOT_ALLOWED);
    execl("/proc/self/exe", contract->path, contract->program, "--only", "own_sockets", contract->full ? "--full" : NULL, NULL);
    _exit(NOT_ALLOWED);
}

void test_own_sockets_migrate(struct contract *contract)
{
    static const char *const values[] = {"0", "1"};
    for (int i = 0; i < 2; i++) {
        int status = 0;
        fflush(NULL);
        pid_t pid = fork();
        CHECK(contract, pid >= 0, "fork: %s", strerror(errno));
        if (pid == 0)
            run_in_own_network(contract, values[i]);
        CHECK(contract, waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED) {
            print_message("skipped: no network of its own with tcp_migrate_req %s is allowed here\n", values[i]);
            contract_skip(contract);
        }
        CHECK(contract, WIFEXITED(status) && WEXITSTATUS(status) == 0, "own_sockets failed with tcp_migrate_req %s", values[i]);
    }
}
