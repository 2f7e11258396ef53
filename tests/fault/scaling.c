/*
 * More workers and fewer, and one taken out, while clients ask: nobody notices, and the load is where it should be.
 */
#include "crowd.h"
#include "scene.h"
#include "tests.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST  8
#define LEAST 2

/* Ways of accepting, where a program has several: it is scaled in each. */
struct way {
    const char *option, *value;
};

static const struct way ways[] = {{"--accept", "own"}, {"--accept", "shared"}, {"--accept", "handoff"}};
static const struct way the_one_way = {"--log", "info"};

static void for_each_way(struct contract *contract, void (*run)(struct contract *contract, const struct way *way))
{
    bool many = contract_has(contract, TRAIT_MODES);
    for (unsigned i = 0; i < (many ? sizeof ways / sizeof ways[0] : 1); i++)
        run(contract, many ? &ways[i] : &the_one_way);
}

/* Every worker below `workers` answers, and those from there on do not any more. */
static void expect_shares(struct contract *contract, struct crowd *crowd, unsigned workers)
{
    struct crowd_figures before, now;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    unsigned missing;
    crowd_wait(crowd, 50); /* answers that were under way */
    crowd_look(crowd, &before);
    do {
        crowd_look(crowd, &now);
        missing = 0;
        for (unsigned i = 0; i < workers; i++)
            missing += now.by_worker[i] == before.by_worker[i];
    } while (missing > 0 && look_again(deadline_ns));
    CHECK(contract, missing == 0, "of %u workers %u get no requests", workers, missing);
    for (unsigned i = workers; i < CROWD_WORKERS; i++)
        CHECK(contract, now.by_worker[i] == before.by_worker[i], "there are %u workers, and worker %u answers", workers, i);
}

/* Connections one after the other: where they are dealt in turn, each worker gets as many. */
static void expect_even(struct contract *contract, struct server *server, const struct way *way, unsigned workers)
{
    unsigned counts[MOST] = {0};
    bool even = contract_has(contract, TRAIT_EVEN) && (way == &the_one_way || strcmp(way->value, "handoff") == 0);
    for (unsigned i = 0; i < 4 * workers; i++) {
        int worker = scene_ask(contract, server, "/hello");
        CHECK(contract, worker >= 0 && (unsigned)worker < workers, "there are %u workers, and worker %d answers", workers, worker);
        counts[worker]++;
    }
    for (unsigned i = 0; even && i < workers; i++)
        CHECK(contract, counts[i] == 4, "%u connections to %u workers, and worker %u got %u of them", 4 * workers, workers, i,
              counts[i]);
}

static void signal_up_to(struct contract *contract, struct server *server, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        scene_signal(contract, server->pid, SIGTTIN);
        scene_wait_wanted(contract, server, i + 1);
    }
    scene_wait_workers(contract, server, to);
}

static void signal_down_to(struct contract *contract, struct server *server, unsigned from, unsigned to)
{
    for (unsigned i = from; i > to; i--) {
        scene_signal(contract, server->pid, SIGTTOU);
        scene_wait_wanted(contract, server, i - 1);
    }
    scene_wait_workers(contract, server, to);
}

static void post_workers(struct contract *contract, struct server *server, unsigned from, unsigned to)
{
    char target[64];
    (void)from;
    snprintf(target, sizeof target, "/scale?workers=%u", to);
    scene_post(contract, server, target, 200);
    scene_wait_workers(contract, server, to);
}

typedef void scale_function(struct contract *contract, struct server *server, unsigned from, unsigned to);

static void scale(struct contract *contract, struct server *server, const struct way *way, unsigned from, unsigned to,
                  scale_function *how)
{
    struct crowd_figures figures;
    struct crowd *crowd =
        crowd_start(contract, server, &(struct crowd_plan){.kept = 16, .slow = 4, .single = 24, .path = "/block/2ms"});
    crowd_wait(crowd, 50);
    how(contract, server, from, to);
    expect_shares(contract, crowd, to);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "scaling");
    expect_even(contract, server, way, to);
}

static void scale_up_and_down(struct contract *contract, const struct way *way)
{
    struct holdings first;
    struct server *server = scene_start(contract, 1, way->option, way->value, NULL);
    post_workers(contract, server, 1, LEAST);
    scene_take_stock(server, &first);
    post_workers(contract, server, LEAST, 1);
    scale(contract, server, way, 1, MOST, signal_up_to);
    scale(contract, server, way, MOST, LEAST, signal_down_to);
    scene_expect_stock(server, &first);
    CHECK(contract, scene_number(contract, server, "workers_wanted") == LEAST, "/status wants another number of workers");
    scale(contract, server, way, LEAST, MOST, post_workers);
    scale(contract, server, way, MOST, LEAST, post_workers);
    scene_expect_stock(server, &first);
    unsigned fronts = contract_has(contract, TRAIT_FRONTS);
    CHECK(contract, !contract_has(contract, TRAIT_PROCESSES) || first.processes == 1 + LEAST + fronts,
          "%u processes, wanted the primary, %u front and %d workers", first.processes, fronts, LEAST);
    scene_end(server, 0);
}

void test_scale_under_load(struct contract *contract)
{
    for_each_way(contract, scale_up_and_down);
}

/* More lives than there is room for at once: what a life had is free again behind it. */
void test_many_lives(struct contract *contract)
{
    enum { CROWDED = 65, LIVES = 700 };
    struct holdings before;
    struct server *server = scene_start(contract, 1, NULL);
    scene_take_stock(server, &before);
    for (unsigned lives = 1; lives < LIVES; lives += CROWDED - 1) {
        post_workers(contract, server, 1, CROWDED);
        post_workers(contract, server, CROWDED, 1);
    }
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

/* ---- one worker taken out, and put back ---- */

static void expect_silent(struct contract *contract, struct crowd *crowd, unsigned index)
{
    struct crowd_figures before, now;
    crowd_wait(crowd, 50);
    crowd_look(crowd, &before);
    crowd_wait(crowd, 200);
    crowd_look(crowd, &now);
    CHECK(contract, now.by_worker[index] == before.by_worker[index], "worker %u is drained, and answers", index);
}

static void drain_and_restart(struct contract *contract, const struct way *way)
{
    struct crowd_figures figures;
    struct holdings before;
    struct server *server = scene_start(contract, 3, way->option, way->value, NULL);
    scene_take_stock(server, &before);
    struct crowd *crowd =
        crowd_start(contract, server, &(struct crowd_plan){.kept = 16, .slow = 4, .single = 24, .path = "/block/2ms"});
    expect_shares(contract, crowd, 3);
    scene_post(contract, server, "/drain?worker=1", 200);
    scene_wait_state(contract, server, false, 1, "drained");
    expect_silent(contract, crowd, 1);
    scene_post(contract, server, "/drain?worker=1", 202);
    scene_post(contract, server, "/restart?worker=1", 200);
    scene_wait_state(contract, server, false, 1, "ready");
    expect_shares(contract, crowd, 3);
    crowd_stop(crowd, &figures);
    crowd_check_all_ok(contract, &figures, "the drain of a worker");
    scene_expect_stock(server, &before);
    scene_end(server, 0);
}

void test_drain_under_load(struct contract *contract)
{
    for_each_way(contract, drain_and_restart);
}

/* ---- who is taken out leaves its group of sockets ---- */

#define NEWCOMERS 48

/* The kernel gives its socket nothing more: the primary, which would take that and deal it out, is stopped meanwhile. */
void test_drained_leaves_its_group(struct contract *contract)
{
    struct client *clients[NEWCOMERS];
    struct response response;
    struct server *server = scene_start(contract, 3, NULL);
    scene_post(contract, server, "/drain?worker=1", 200);
    scene_wait_state(contract, server, false, 1, "drained");
    scene_signal(contract, server->pid, SIGSTOP);
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        clients[i] = client_open(contract, server);
        client_get(clients[i], "/hello", 200, &response);
        CHECK(contract, response.worker != 1, "worker 1 is drained, and answers");
        client_close(clients[i]);
    }
    scene_signal(contract, server->pid, SIGCONT);
    scene_post(contract, server, "/restart?worker=1", 200);
    scene_wait_workers(contract, server, 3);
    scene_expect_all_serve(contract, server, 3);
    scene_end(server, 0);
}

/* ---- when it cannot be ---- */

static void set_descriptors(struct contract *contract, struct server *server, rlim_t most, struct rlimit *before)
{
    struct rlimit limit;
    CHECK(contract, prlimit(server->pid, RLIMIT_NOFILE, NULL, &limit) == 0, "prlimit: %s", strerror(errno));
    if (before)
        *before = limit;
    limit.rlim_cur = most;
    CHECK(contract, prlimit(server->pid, RLIMIT_NOFILE, &limit, NULL) == 0, "prlimit: %s", strerror(errno));
}

/* No descriptor is free for a worker more, neither for its channel nor for its socket: it comes when there are some. */
void test_one_more_without_descriptors(struct contract *contract)
{
    struct rlimit before;
    struct server *server =
        scene_start(contract, 2, "--restart-delay", "100ms", "--restart-delay-max", "200ms", "--max-crashes", "1000000", NULL);
    scene_wait_workers(contract, server, 2);
    set_descriptors(contract, server, 3, &before);
    scene_signal(contract, server->pid, SIGTTIN);
    scene_log_wait(server, "worker 2 cannot be started: too many open files", 2);
    set_descriptors(contract, server, before.rlim_cur, NULL);
    scene_wait_workers(contract, server, 3);
    scene_expect_all_serve(contract, server, 3);
    scene_end(server, 0);
}

/* One descriptor more each time, so that it fails at each of the steps of its start, and at last succeeds. */
#define STEPS 16

static unsigned count_sockets(struct contract *contract, pid_t pid)
{
    char path[64], link[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    CHECK(contract, folder != NULL, "%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link);
        count += length > 7 && memcmp(link, "socket:", 7) == 0;
    }
    closedir(folder);
    return count;
}

static unsigned count_ends(const struct server *server)
{
    return scene_log_count(server, "worker 2 cannot") + scene_log_count(server, "worker 2 is ready");
}

static void scale_short_of_descriptors(struct contract *contract, const struct way *way)
{
    struct rlimit before;
    struct holdings now;
    struct server *server = scene_start(contract, 2, way->option, way->value, "--log", "debug", NULL);
    scene_take_stock(server, &now);
    unsigned sockets = count_sockets(contract, server->pid);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned ends = count_ends(server);
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        set_descriptors(contract, server, now.primary_descriptors + i, &before);
        scene_signal(contract, server->pid, SIGTTIN);
        while (count_ends(server) == ends)
            CHECK(contract, look_again(deadline_ns), "nothing becomes of worker 2");
        set_descriptors(contract, server, before.rlim_cur, NULL);
        scene_signal(contract, server->pid, SIGTTOU);
        scene_wait_workers(contract, server, 2);
        scene_take_stock(server, &now); /* libuv keeps an epoll descriptor when it has no other for a loop */
    }
    CHECK(contract, scene_log_count(server, "cannot start") > 0, "no start failed for want of descriptors");
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (count_sockets(contract, server->pid) != sockets)
        CHECK(contract, look_again(deadline_ns), "%u sockets before, %u after", sockets, count_sockets(contract, server->pid));
    for (unsigned i = 0; i < 8 * STEPS; i++)
        scene_ask(contract, server, "/hello");
    scene_end(server, 0);
}

/*
 * Threads share their descriptors: one that cannot begin leaves none behind, above all no socket that clients are sent to.
 * ThreadSanitizer needs descriptors itself to name functions: without them it cannot apply what scripts/tsan.suppressions says of
 * numbers that libuv closed, and reports them.
 */
void test_scale_short_of_descriptors(struct contract *contract)
{
#ifdef __SANITIZE_THREAD__
    puts("scale_short_of_descriptors: ThreadSanitizer cannot do without descriptors");
    contract_skip(contract);
#endif
    for_each_way(contract, scale_short_of_descriptors);
}

/* It comes when the kernel has been told to choose among the others only: it is chosen, too. */
void test_one_more_behind_a_drain(struct contract *contract)
{
    struct rlimit before;
    unsigned answers = 0;
    struct server *server = scene_start(contract, 2, "--restart-delay", "3s", "--restart-delay-max", "3s", NULL);
    set_descriptors(contract, server, 3, &before);
    scene_signal(contract, server->pid, SIGTTIN);
    scene_log_wait(server, "worker 2 cannot be started: too many open files", 1);
    set_descriptors(contract, server, before.rlim_cur, NULL);
    scene_post(contract, server, "/drain?worker=0", 200);
    scene_wait_state(contract, server, false, 2, "ready");
    for (int i = 0; i < NEWCOMERS; i++)
        answers += scene_ask(contract, server, "/hello") == 2;
    CHECK(contract, answers > 0, "worker 2 serves, and gets none of %d connections", NEWCOMERS);
    scene_end(server, 0);
}

#define QUEUED 48

/* Nobody serves, and one worker will not come back: who waits at its socket is not forgotten with it. */
void test_one_less_while_nobody_serves(struct contract *contract)
{
    struct client *clients[QUEUED];
    struct response response;
    struct server *server = scene_start(contract, 2, "--restart-delay", "4s", "--restart-delay-max", "4s", NULL);
    for (unsigned i = 0; i < 2; i++)
        scene_signal(contract, scene_wait_state(contract, server, false, i, "ready").pid, SIGKILL);
    for (unsigned i = 0; i < 2; i++)
        scene_wait_state(contract, server, false, i, "restarting");
    for (unsigned i = 0; i < QUEUED; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /hello HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    scene_signal(contract, server->pid, SIGTTOU);
    scene_wait_wanted(contract, server, 1);
    for (unsigned i = 0; i < QUEUED; i++) {
        client_expect(clients[i], 200, &response);
        client_close(clients[i]);
    }
    scene_end(server, 0);
}
