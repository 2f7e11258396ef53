/*
 * Workers that are killed, stopped, hang, crash again and again, or grow too large: who suffers, and what comes after them.
 */
#include "crowd.h"
#include "scene.h"
#include "tests.h"
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most of its requests are under way at any moment. */
static const struct crowd_plan usual_crowd = {.path = "/wait/5ms", .kept = 24, .single = 8};

/* ---- kill -9 ---- */

/* Kept connections whose last answer came from somebody else, or that were opened since, must not fail. */
static unsigned check_victims(struct contract *contract, const struct crowd_figures *figures, unsigned from, int victim,
                              unsigned singles)
{
    unsigned of_victim = 0, unknown = 0;
    for (unsigned i = from; i < figures->failure_count && i < CROWD_FAILURES; i++) {
        const struct crowd_failure *failure = &figures->failures[i];
        bool cut = failure->end == CROWD_CUT || failure->end == CROWD_IDLE_CLOSED;
        if (!cut || (failure->kept && failure->worker != victim)) {
            crowd_print_failures(figures);
            contract_fail(contract, __FILE__, __LINE__, "worker %d was killed, and a request failed that it never had: %s", victim,
                          crowd_end_names[failure->end]);
        }
        of_victim += failure->kept;
        unknown += !failure->kept;
    }
    CHECK(contract, unknown <= singles, "%u single connections broke; %u can have been at the victim", unknown, singles);
    return of_victim;
}

static int busiest(const struct crowd_figures *figures)
{
    int found = 0;
    for (int i = 1; i < CROWD_WORKERS; i++)
        if (figures->by_worker[i] > figures->by_worker[found])
            found = i;
    return found;
}

static struct place_row ready_row(struct contract *contract, const struct server *server, int index)
{
    return scene_wait_state(contract, server, false, (unsigned)index, "ready");
}

/* Kills the busiest worker; how many kept connections broke with it, and after how many ms the next one was ready. */
static unsigned kill_one(struct contract *contract, struct server *server, struct crowd *crowd, unsigned *replaced_ms)
{
    struct crowd_figures before, after;
    crowd_wait(crowd, 300);
    crowd_look(crowd, &before);
    struct place_row victim = ready_row(contract, server, busiest(&before));
    uint64_t begin_ns = now_ns();
    scene_signal(contract, victim.pid, SIGKILL);
    struct place_row next = scene_wait_replaced(contract, server, &victim);
    *replaced_ms = (unsigned)((now_ns() - begin_ns) / MS);
    CHECK(contract, next.restarts == victim.restarts + 1 && strcmp(next.last_end, "signal 9") == 0,
          "/status says restarts %u, last end '%s'; wanted %u, 'signal 9'", next.restarts, next.last_end, victim.restarts + 1);
    crowd_wait(crowd, 100);
    crowd_look(crowd, &after);
    return check_victims(contract, &after, before.failure_count, (int)victim.index, usual_crowd.single);
}

void test_worker_killed(struct contract *contract)
{
    struct crowd_figures figures;
    struct holdings before;
    char text[CROWD_TEXT];
    unsigned kills = contract->full ? 10 : 2, of_victims = 0, replaced_ms = 0, slowest_ms = 0;
    struct server *server = scene_start(contract, 0, NULL);
    scene_take_stock(server, &before);
    struct crowd *crowd = crowd_start(contract, server, &usual_crowd);
    for (unsigned i = 0; i < kills; i++) {
        of_victims += kill_one(contract, server, crowd, &replaced_ms);
        slowest_ms = replaced_ms > slowest_ms ? replaced_ms : slowest_ms;
    }
    crowd_stop(crowd, &figures);
    crowd_check_sum(contract, &figures);
    CHECK(contract, contract_has(contract, TRAIT_DIRECT) || figures.failure_count == 0,
          "a worker behind a front was killed, and clients noticed: %s", crowd_describe(&figures, text));
    scene_expect_stock(server, &before);
    scene_end(server, 0);
    printf("figures: kill strategy=%s kills=%u sent=%llu ok=%llu failed=%u kept-of-victim=%u single=%u replaced-ms=%u\n",
           contract->profile->name, kills, (unsigned long long)figures.sent, (unsigned long long)figures.ends[CROWD_OK],
           figures.failure_count, of_victims, figures.failure_count - of_victims, slowest_ms);
}

/* ---- a front ---- */

struct ports {
    unsigned client, server;
};

static unsigned port_by(struct contract *contract, int fd, int (*name_of)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    CHECK(contract, name_of(fd, (struct sockaddr *)&address, &length) == 0, "a connection has no address");
    return ntohs(address.sin_port);
}

/* Both: the same client port may lead to another server at the same time. */
static struct ports ports_of(struct client *client)
{
    return (struct ports){port_by(client->contract, client->fd, getsockname), port_by(client->contract, client->fd, getpeername)};
}

/* The inode of the server's end of each client's TCP connection, as far as /proc/net/tcp shows it now. How many. proc(5) */
static unsigned look_for_inodes(struct client **clients, unsigned long *inodes, unsigned count)
{
    char line[256];
    unsigned local, remote, found = 0;
    unsigned long inode;
    FILE *file = fopen("/proc/net/tcp", "re");
    CHECK(clients[0]->contract, file != NULL, "/proc/net/tcp cannot be read");
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, " %*d: %*8X:%X %*8X:%X %*X %*8X:%*8X %*X:%*X %*X %*d %*d %lu", &local, &remote, &inode) != 3)
            continue;
        for (unsigned i = 0; i < count && inode != 0; i++) { /* 0: it has ended already */
            struct ports ports = ports_of(clients[i]);
            if (ports.client == remote && ports.server == local)
                inodes[i] = inode;
        }
    }
    fclose(file);
    for (unsigned i = 0; i < count; i++)
        found += inodes[i] != 0;
    return found;
}

/* The table is no snapshot: a line can be missed while others come and go. */
static void find_inodes(struct contract *contract, struct client **clients, unsigned long *inodes, unsigned count)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (look_for_inodes(clients, inodes, count) < count)
        CHECK(contract, look_again(deadline_ns), "/proc/net/tcp does not show all connections");
}

static bool holds_inode(pid_t pid, unsigned long inode)
{
    char folder[64], wanted[64], path[128], target[64];
    bool found = false;
    snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
    int wanted_length = snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        snprintf(path, sizeof path, "%s/%.20s", folder, entry->d_name);
        ssize_t n = readlink(path, target, sizeof target);
        found |= n == wanted_length && memcmp(target, wanted, (size_t)n) == 0;
    }
    if (entries != NULL)
        closedir(entries);
    return found;
}

#define FRONT_CLIENTS 16

/* Only connections that the front had break, and all of these. */
static void expect_broken(struct contract *contract, struct client **clients, const bool *at_victim)
{
    struct response response;
    unsigned broken = 0, of_victim = 0;
    for (unsigned i = 0; i < FRONT_CLIENTS; i++) {
        bool whole = client_try_receive(clients[i], &response);
        CHECK(contract, whole || at_victim[i], "a connection broke that the killed front did not have");
        broken += !whole;
        of_victim += at_victim[i];
        client_close(clients[i]);
    }
    CHECK(contract, broken == of_victim, "%u connections broke, the killed front had %u", broken, of_victim);
}

/* Requests under way on connections that this front has: the other one is stopped meanwhile. */
static void occupy_front(struct contract *contract, struct server *server, pid_t other, struct client **clients, unsigned count)
{
    uint64_t asked = status_total(contract, server, "requests");
    scene_signal(contract, other, SIGSTOP);
    for (unsigned i = 0; i < count; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /wait/2s HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    CHECK(contract, status_wait_total(contract, server, "requests", asked + count), "/wait/2s is not taken");
    scene_signal(contract, other, SIGCONT);
}

void test_front_killed(struct contract *contract)
{
    struct client *clients[FRONT_CLIENTS];
    unsigned long inodes[FRONT_CLIENTS] = {0};
    bool at_victim[FRONT_CLIENTS];
    unsigned half = FRONT_CLIENTS / 2, of_victim = 0;
    struct holdings before;
    struct server *server = scene_start(contract, 0, "--fronts", "2", NULL);
    scene_take_stock(server, &before);
    struct place_row victim = scene_wait_state(contract, server, true, 0, "ready");
    struct place_row other = scene_wait_state(contract, server, true, 1, "ready");
    occupy_front(contract, server, other.pid, clients, half);
    occupy_front(contract, server, victim.pid, clients + half, FRONT_CLIENTS - half);
    find_inodes(contract, clients, inodes, FRONT_CLIENTS);
    for (unsigned i = 0; i < FRONT_CLIENTS; i++)
        of_victim += at_victim[i] = holds_inode(victim.pid, inodes[i]);
    CHECK(contract, of_victim == half, "a front has %u of %u connections, the other one was stopped for %u of them", of_victim,
          FRONT_CLIENTS, half);
    scene_signal(contract, victim.pid, SIGKILL);
    expect_broken(contract, clients, at_victim);
    scene_wait_replaced(contract, server, &victim);
    CHECK(contract, scene_wait_state(contract, server, true, 1, "ready").pid == other.pid, "the other front was replaced, too");
    scene_ask(contract, server, "/hello");
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- connections a worker has been given, and not taken ---- */

#define QUEUED 24

/*
 * A stopped worker takes nothing: what waits for it - in its socket's queue, in its channel - is none of its own yet. When it is
 * killed, others answer all of that.
 */
void test_queue_outlives_its_worker(struct contract *contract)
{
    struct client *clients[QUEUED];
    struct response response;
    struct holdings before;
    struct server *server = scene_start(contract, 2, "--restart-delay", "300ms", NULL);
    scene_take_stock(server, &before);
    struct place_row victim = ready_row(contract, server, 1);
    uint64_t asked = status_total(contract, server, "requests");
    scene_signal(contract, victim.pid, SIGSTOP);
    for (unsigned i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    CHECK(contract, status_wait_total(contract, server, "requests", asked + 1), "nobody answers while worker 1 is stopped");
    scene_signal(contract, victim.pid, SIGKILL);
    for (unsigned i = 0; i < QUEUED; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
    scene_wait_replaced(contract, server, &victim);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* Nobody serves: who comes then waits for the next life. */
void test_all_killed(struct contract *contract)
{
    struct client *clients[QUEUED];
    struct response response;
    struct holdings before;
    struct server *server = scene_start(contract, 2, "--restart-delay", "2s", NULL);
    scene_take_stock(server, &before);
    for (int i = 0; i < 2; i++)
        scene_signal(contract, ready_row(contract, server, i).pid, SIGKILL);
    for (int i = 0; i < 2; i++)
        scene_wait_state(contract, server, false, (unsigned)i, "restarting");
    for (unsigned i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    for (unsigned i = 0; i < QUEUED; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
    scene_wait_workers(contract, server, 2);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- SIGSTOP ---- */

/* Waits until every worker but `spared` has answered again, or that one alone when `alone`. */
static void wait_for_answers(struct contract *contract, struct crowd *crowd, unsigned spared, bool alone)
{
    struct crowd_figures before, now;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    unsigned missing = 1;
    crowd_look(crowd, &before);
    while (missing > 0) {
        crowd_look(crowd, &now);
        missing = 0;
        for (unsigned i = 0; i < contract->workers; i++)
            missing += (i == spared) == alone && now.by_worker[i] == before.by_worker[i];
        CHECK(contract, missing == 0 || look_again(deadline_ns), "%u workers do not answer", missing);
    }
}

/* The others serve on as long as it is stopped; behind a front, whoever asks comes to the stopped one sooner or later. */
static void stay_stopped(struct contract *contract, struct server *server, struct crowd *crowd, const struct place_row *victim)
{
    struct place_row row;
    uint64_t until_ns = now_ns() + (contract->full ? 10000 : 3000) * MS;
    while (look_again(until_ns)) {
        if (contract_has(contract, TRAIT_DIRECT))
            wait_for_answers(contract, crowd, victim->index, false);
        bool same = scene_find(contract, server, false, victim->index, "ready", &row) && row.pid == victim->pid;
        CHECK(contract, same, "worker %u was stopped, and without --hang-timeout it was replaced", victim->index);
    }
}

#define NEWCOMERS   480 /* so many that a worker's share of them is more than may be handed to it untaken */
#define LATE_COMERS 32  /* the last of them */

static unsigned count_stirring(struct client **clients, unsigned count)
{
    unsigned stirring = 0;
    for (unsigned i = 0; i < count; i++)
        stirring += client_stirs(clients[i], 0);
    return stirring;
}

/* However many wait for it: who comes later still gets to the others. */
static void arrive_while_stopped(struct contract *contract, struct server *server, struct client **clients)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    while (count_stirring(clients + NEWCOMERS - LATE_COMERS, LATE_COMERS) == 0)
        CHECK(contract, look_again(deadline_ns), "a worker is stopped, and behind %d new connections nobody is answered any more",
              NEWCOMERS);
}

static void expect_newcomers(struct client **clients)
{
    struct response response;
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
}

void test_worker_stopped(struct contract *contract)
{
    struct client *newcomers[NEWCOMERS];
    struct crowd_figures figures;
    struct holdings before;
    struct server *server = scene_start(contract, 0, NULL);
    scene_take_stock(server, &before);
    struct crowd *crowd = crowd_start(contract, server, &(struct crowd_plan){.kept = 24, .single = 8, .path = "/block/1ms"});
    wait_for_answers(contract, crowd, contract->workers, false);
    crowd_look(crowd, &figures);
    struct place_row victim = ready_row(contract, server, busiest(&figures));
    scene_signal(contract, victim.pid, SIGSTOP);
    stay_stopped(contract, server, crowd, &victim);
    arrive_while_stopped(contract, server, newcomers);
    scene_signal(contract, victim.pid, SIGCONT);
    expect_newcomers(newcomers);
    wait_for_answers(contract, crowd, victim.index, true);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "the stop of a worker");
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- hangs ---- */

/* A sanitizer's worker is slow, and must not look hung for that. */
#define HANG_TIMEOUT (MEMORY_MEANS_NOTHING ? "3s" : "1s")
#define LONG_BLOCK   (MEMORY_MEANS_NOTHING ? "/block/5s" : "/block/2500ms")

void test_worker_stopped_for_good(struct contract *contract)
{
    struct crowd_figures before, figures;
    struct holdings holdings;
    char text[CROWD_TEXT];
    struct server *server = scene_start(contract, 0, "--hang-timeout", HANG_TIMEOUT, NULL);
    scene_take_stock(server, &holdings);
    struct crowd *crowd = crowd_start(contract, server, &usual_crowd);
    crowd_wait(crowd, 300);
    crowd_look(crowd, &before);
    struct place_row victim = ready_row(contract, server, busiest(&before));
    scene_signal(contract, victim.pid, SIGSTOP);
    struct place_row next = scene_wait_replaced(contract, server, &victim);
    CHECK(contract, strcmp(next.last_end, "signal 9 (hang)") == 0, "last end '%s', wanted 'signal 9 (hang)'", next.last_end);
    crowd_wait(crowd, 300);
    crowd_stop(crowd, &figures);
    crowd_check_sum(contract, &figures);
    check_victims(contract, &figures, before.failure_count, (int)victim.index, usual_crowd.single);
    CHECK(contract, contract_has(contract, TRAIT_DIRECT) || figures.failure_count == 0,
          "a worker behind a front hung, and clients noticed: %s", crowd_describe(&figures, text));
    scene_expect_log(server, "hangs", 1);
    scene_expect_stock(server, &holdings);
    scene_end(server, 0);
}

void test_block_is_no_hang(struct contract *contract)
{
    struct client *clients[8];
    struct response response;
    struct server *server = scene_start(contract, 2, "--hang-timeout", HANG_TIMEOUT, NULL);
    scene_occupy_all(contract, server, LONG_BLOCK, 2, clients);
    for (int i = 0; i < 2; i++)
        client_expect(clients[i], 200, &response);
    scene_expect_log(server, "hangs", 0);
    scene_end(server, 0);
}

void test_stall_is_a_hang(struct contract *contract)
{
    struct server *server = scene_start(contract, 2, "--hang-timeout", HANG_TIMEOUT, "--faults", NULL);
    struct place_row victims[2] = {ready_row(contract, server, 0), ready_row(contract, server, 1)};
    int stalled = scene_ask(contract, server, "/stall/60s");
    struct place_row next = scene_wait_replaced(contract, server, &victims[stalled]);
    CHECK(contract, strcmp(next.last_end, "signal 9 (hang)") == 0, "last end '%s', wanted 'signal 9 (hang)'", next.last_end);
    CHECK(contract, ready_row(contract, server, 1 - stalled).pid == victims[1 - stalled].pid, "the other one was replaced, too");
    scene_end(server, 0);
}

/* The whole program stood still, as behind Ctrl-Z: nobody hangs for that. */
void test_program_stopped(struct contract *contract)
{
    struct crowd_figures figures;
    struct family family;
    struct place_row before[PLACE_ROWS], now[PLACE_ROWS];
    struct server *server = scene_start(contract, 0, "--hang-timeout", "1s", NULL);
    size_t count = scene_rows(contract, server, before);
    struct crowd *crowd = crowd_start(contract, server, &usual_crowd);
    crowd_wait(crowd, 100);
    family_collect(contract, server->pid, &family);
    for (size_t i = 0; i < family.count; i++)
        scene_signal(contract, family.pids[i], SIGSTOP);
    uint64_t until_ns = now_ns() + 2500 * MS;
    while (look_again(until_ns))
        ;
    for (size_t i = 0; i < family.count; i++)
        scene_signal(contract, family.pids[i], SIGCONT);
    family_release(&family);
    crowd_wait(crowd, 300);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "a stop of the whole program");
    CHECK(contract, scene_rows(contract, server, now) == count, "there are not as many workers as before");
    for (size_t i = 0; i < count; i++)
        CHECK(contract, now[i].pid == before[i].pid, "worker %u was replaced", now[i].index);
    scene_end(server, 0);
}

/* ---- crash loops ---- */

#define FIRST_DELAY_MS 40

/* The delay of the latest "starts again in". */
static unsigned latest_delay(const struct server *server)
{
    char text[SERVER_TEXT];
    const char *at = server_errors(server, text, sizeof text), *found = NULL;
    static const char mark[] = "starts again in ";
    while ((at = strstr(at, mark)) != NULL)
        found = at += sizeof mark - 1;
    return found ? (unsigned)strtoul(found, NULL, 10) : 0;
}

/* Another short life: the delay has doubled, within its upper half. Returns at which edge of that it is: -1, 1; or 0. */
static int crash_once(struct contract *contract, struct server *server, unsigned times)
{
    unsigned most_ms = FIRST_DELAY_MS << (times - 1);
    struct place_row victim = ready_row(contract, server, 0);
    scene_signal(contract, victim.pid, SIGKILL);
    scene_log_wait(server, "worker 0 starts again in", times);
    unsigned delay_ms = latest_delay(server);
    CHECK(contract, delay_ms >= most_ms / 2 && delay_ms <= most_ms, "short life %u: the delay is %u ms, wanted %u..%u", times,
          delay_ms, most_ms / 2, most_ms);
    struct place_row next = scene_wait_replaced(contract, server, &victim);
    CHECK(contract, next.restarts == times && next.generation == times, "restarts %u, generation %u; wanted %u", next.restarts,
          next.generation, times);
    return (delay_ms == most_ms) - (delay_ms == most_ms / 2);
}

static void expect_others_serve(struct contract *contract, struct server *server)
{
    for (int i = 0; i < 20; i++) {
        int worker = scene_ask(contract, server, "/hello");
        CHECK(contract, worker != 0, "worker 0 answers, and it should be gone");
    }
}

void test_crash_loop(struct contract *contract)
{
    enum { LIVES = 5 };
    struct crowd_figures figures;
    int edges = 0;
    struct server *server =
        scene_start(contract, 0, "--restart-delay", "40ms", "--steady-after", "60s", "--max-crashes", "5", NULL);
    for (unsigned i = 1; i < LIVES; i++)
        edges += crash_once(contract, server, i);
    CHECK(contract, abs(edges) < LIVES - 1, "every delay is the %s there may be: they are not drawn", edges > 0 ? "most" : "least");
    struct crowd *crowd = crowd_start(contract, server, &usual_crowd);
    crowd_wait(crowd, 100);
    scene_signal(contract, ready_row(contract, server, 0).pid, SIGKILL);
    struct place_row row = scene_wait_state(contract, server, false, 0, "errored");
    CHECK(contract, row.pid == 0 && row.restarts == LIVES - 1, "errored: pid %d, restarts %u; wanted 0, %d", row.pid, row.restarts,
          LIVES - 1);
    scene_expect_log(server, "worker 0 is given up: 5 lives in a row", 1);
    crowd_wait(crowd, 100);
    crowd_stop(crowd, &figures);
    check_victims(contract, &figures, 0, 0, usual_crowd.single);
    expect_others_serve(contract, server);
    scene_end(server, 3);
}

/* Two short lives, not one: what was before the errored place was cleared does not count. */
static void give_up_worker_0(struct contract *contract, struct server *server)
{
    struct place_row victim = ready_row(contract, server, 0);
    scene_signal(contract, victim.pid, SIGKILL);
    victim = scene_wait_replaced(contract, server, &victim);
    scene_signal(contract, victim.pid, SIGKILL);
    scene_wait_state(contract, server, false, 0, "errored");
}

/* A reload, a scale, a restart: each tries again, and the row begins anew. What was cleared is no reason for exit status 3. */
void test_errored_is_cleared(struct contract *contract)
{
    struct server *server = scene_start(contract, 2, "--max-crashes", "2", "--restart-delay", "20ms", NULL);
    give_up_worker_0(contract, server);
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, 1, 0);
    scene_wait_workers(contract, server, 2);
    give_up_worker_0(contract, server);
    scene_signal(contract, server->pid, SIGTTIN);
    scene_wait_workers(contract, server, 3);
    give_up_worker_0(contract, server);
    scene_post(contract, server, "/restart?worker=0", 200);
    scene_wait_workers(contract, server, 3);
    scene_expect_all_serve(contract, server, 3);
    give_up_worker_0(contract, server);
    scene_post(contract, server, "/restart?worker=0", 200);
    scene_wait_workers(contract, server, 3);
    scene_end(server, 0);
}

/* How often a process has gone to sleep by itself: each time something had woken it. */
static uint64_t count_wakeups(struct contract *contract, pid_t pid)
{
    char path[64], line[256];
    unsigned long long count = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = sscanf(line, "voluntary_ctxt_switches: %llu", &count) == 1;
    if (file != NULL)
        fclose(file);
    CHECK(contract, found, "%s does not tell voluntary_ctxt_switches", path);
    return count;
}

#define WAKEUPS_A_SECOND 20 /* watch.c looks four times a second */

static void expect_primary_sleeps(struct contract *contract, const struct server *server)
{
    uint64_t begin_ns = now_ns(), before = count_wakeups(contract, server->pid);
    while (look_again(begin_ns + 1500 * MS))
        ;
    uint64_t seconds = (now_ns() - begin_ns) / (1000 * MS) + 1, wakeups = count_wakeups(contract, server->pid) - before;
    CHECK(contract, wakeups <= WAKEUPS_A_SECOND * seconds, "nobody serves, and the primary woke up %llu times in %llu s",
          (unsigned long long)wakeups, (unsigned long long)seconds);
}

/* A front that comes when nobody serves has never seen a worker. */
static void renew_fronts(struct contract *contract, const struct server *server)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].front)
            continue;
        scene_signal(contract, rows[i].pid, SIGKILL);
        scene_wait_replaced(contract, server, &rows[i]);
    }
}

/* All workers are given up: who waits costs nothing, and is answered when there are workers again. */
void test_waiting_costs_nothing(struct contract *contract)
{
    struct client *clients[8];
    struct response response;
    struct server *server = scene_start(contract, 2, "--max-crashes", "2", "--restart-delay", "20ms", NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct place_row first = ready_row(contract, server, i);
        scene_signal(contract, first.pid, SIGKILL);
        scene_signal(contract, scene_wait_replaced(contract, server, &first).pid, SIGKILL);
    }
    for (unsigned i = 0; i < 2; i++)
        scene_wait_state(contract, server, false, i, "errored");
    renew_fronts(contract, server);
    for (int i = 0; i < 8; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    expect_primary_sleeps(contract, server);
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, 1, 0);
    for (int i = 0; i < 8; i++) {
        client_receive(clients[i], &response);
        CHECK(contract, response.status == 200, "who waited got status %d", response.status);
        client_close(clients[i]);
    }
    scene_expect_all_serve(contract, server, 2);
    scene_end(server, 0);
}

void test_dies_at_start(struct contract *contract)
{
    struct holdings before;
    scene_copy_program(contract);
    struct server *server = scene_start(contract, 2, "--restart-delay", "20ms", "--max-crashes", "4", NULL);
    scene_take_stock(server, &before);
    scene_replace_program(contract, PROGRAM_EXITS);
    scene_signal(contract, ready_row(contract, server, 0).pid, SIGKILL);
    struct place_row row = scene_wait_state(contract, server, false, 0, "errored");
    CHECK(contract, strcmp(row.last_end, "exit status 1") == 0 && row.restarts == 3,
          "errored: last end '%s', restarts %u; wanted 'exit status 1', 3", row.last_end, row.restarts);
    expect_others_serve(contract, server);
    scene_replace_program(contract, PROGRAM_GOOD);
    scene_signal(contract, server->pid, SIGHUP);
    scene_wait_reloads(contract, server, 1, 0);
    scene_expect_all_serve(contract, server, 2);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- memory ---- */

/* A sanitizer's worker is large from the beginning. */
#define MEMORY_LIMIT (MEMORY_MEANS_NOTHING ? "320m" : "48m")
#define TOO_MUCH     (MEMORY_MEANS_NOTHING ? "/leak/330m" : "/leak/56m")
#define FAR_TOO_MUCH (MEMORY_MEANS_NOTHING ? "/leak/700m" : "/leak/112m")

/*
 * Its memory is looked at once a second; the primary is stopped meanwhile, so that it does not see the half of it. The worker's
 * next life.
 */
static struct place_row leak(struct contract *contract, struct server *server, const char *path)
{
    struct place_row rows[2] = {ready_row(contract, server, 0), ready_row(contract, server, 1)};
    struct response response;
    struct client *client = client_open(contract, server);
    client_get(client, "/hello", 200, &response);
    scene_signal(contract, server->pid, SIGSTOP);
    client_get(client, path, 200, &response);
    int leaky = response.worker;
    client_close(client);
    scene_signal(contract, server->pid, SIGCONT);
    return scene_wait_replaced(contract, server, &rows[leaky]);
}

void test_too_much_memory(struct contract *contract)
{
    struct crowd_figures figures;
    struct holdings before;
    struct server *server = scene_start(contract, 2, "--faults", "--max-memory", MEMORY_LIMIT, NULL);
    scene_take_stock(server, &before);
    struct crowd *crowd = crowd_start(contract, server, &usual_crowd);
    crowd_wait(crowd, 100);
    struct place_row next = leak(contract, server, TOO_MUCH);
    CHECK(contract, next.restarts == 0, "a worker with too much memory was restarted, not replaced");
    scene_wait_workers(contract, server, 2); /* the old one is gone */
    crowd_wait(crowd, 100);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "the replacement of a worker with too much memory");
    scene_expect_log(server, "being replaced", 1);
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

void test_far_too_much_memory(struct contract *contract)
{
    struct server *server = scene_start(contract, 2, "--faults", "--max-memory", MEMORY_LIMIT, NULL);
    struct place_row next = leak(contract, server, FAR_TOO_MUCH);
    CHECK(contract, strcmp(next.last_end, "signal 9 (memory)") == 0 && next.restarts == 1,
          "last end '%s', restarts %u; wanted 'signal 9 (memory)', 1", next.last_end, next.restarts);
    scene_wait_workers(contract, server, 2);
    scene_end(server, 0);
}
