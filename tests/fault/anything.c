/*
 * Whatever can be done to a running program, in an order drawn at random, under load. When it is over, the program must be what it
 * was; nobody may have waited in vain, and only kills may have cost requests.
 *
 * The seed is printed; FAULT_SEED=N draws the same order again.
 */
#include "crowd.h"
#include "scene.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS      3
#define WORKERS_MOST 6

struct run {
    struct contract *contract;
    struct server *server;
    uint64_t random;
    unsigned kills;
};

/* Marsaglia, "Xorshift RNGs", 2003. Below `limit`. */
static unsigned draw(struct run *run, unsigned limit)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return (unsigned)(run->random % limit);
}

static void hang_up(struct run *run)
{
    scene_signal(run->contract, run->server->pid, SIGHUP);
}

static void one_more(struct run *run)
{
    if (scene_number(run->contract, run->server, "workers_wanted") < WORKERS_MOST)
        scene_signal(run->contract, run->server->pid, SIGTTIN);
}

static void one_less(struct run *run)
{
    scene_signal(run->contract, run->server->pid, SIGTTOU); /* at one it is refused */
}

/* Any life, whatever it is doing; it may have ended by itself meanwhile. */
static void kill_one(struct run *run)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(run->contract, run->server, rows);
    const struct place_row *victim = &rows[draw(run, (unsigned)count)];
    if (victim->pid > 0 && !victim->front && kill(victim->pid, SIGKILL) == 0)
        run->kills++;
}

static void post(struct run *run, const char *what)
{
    char target[64];
    snprintf(target, sizeof target, "/%s?worker=%u", what, draw(run, WORKERS));
    int status = scene_try_post(run->contract, run->server, target);
    CHECK(run->contract, status == 200 || status == 202 || status == 400 || status == 409, "POST %s: status %d", target, status);
}

static void drain_one(struct run *run)
{
    post(run, "drain");
}

static void restart_one(struct run *run)
{
    post(run, "restart");
}

static void let_be(struct run *run)
{
    scene_ask(run->contract, run->server, "/hello");
}

static const struct {
    const char *name;
    void (*act)(struct run *run);
    unsigned needs;
} actions[] = {
    {"HUP", hang_up, TRAIT_PROCESSES}, {"kill", kill_one, TRAIT_PROCESSES}, {"TTIN", one_more, 0}, {"TTOU", one_less, 0},
    {"drain", drain_one, 0},           {"restart", restart_one, 0},         {"let be", let_be, 0},
};

static void act(struct run *run)
{
    unsigned choice;
    do
        choice = draw(run, sizeof actions / sizeof actions[0]);
    while (!contract_has(run->contract, actions[choice].needs));
    actions[choice].act(run);
}

static void expect_only_kills_cost(struct run *run, const struct crowd_figures *figures, unsigned clients)
{
    char text[CROWD_TEXT];
    unsigned hard = CROWD_ENDS;
    bool fronts = contract_has(run->contract, TRAIT_FRONTS);
    crowd_check_sum(run->contract, figures);
    if (run->kills == 0)
        crowd_check_all_ok(run->contract, figures, "anything but kills");
    for (int end = CROWD_REFUSED; end < CROWD_ENDS; end++)
        if (figures->ends[end] > 0 && end != CROWD_CUT && !(fronts && end == CROWD_STATUS)) /* resent once, and killed again */
            hard = (unsigned)end;
    if (hard == CROWD_ENDS && figures->failure_count <= run->kills * clients)
        return;
    crowd_print_failures(figures);
    contract_fail(run->contract, __FILE__, __LINE__, "%u kills, %u clients: %s", run->kills, clients,
                  crowd_describe(figures, text));
}

static uint64_t choose_seed(void)
{
    const char *given = getenv("FAULT_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003 + now_ns() % 1000003;
    return seed ? seed : 1;
}

/* Back to where it began. Reloads that were noted follow each other. */
static void settle(struct run *run)
{
    char target[64], state[SCENE_TEXT];
    uint64_t deadline_ns = now_ns() + run->contract->patience_ns;
    snprintf(target, sizeof target, "/scale?workers=%d", WORKERS);
    scene_post(run->contract, run->server, target, 200);
    do
        scene_text(run->contract, run->server, "reload/state", state);
    while (strcmp(state, "idle") != 0 && look_again(deadline_ns));
    CHECK(run->contract, strcmp(state, "idle") == 0, "a reload never ends");
    scene_post(run->contract, run->server, target, 200); /* a reload that failed leaves nobody errored, too */
    scene_wait_workers(run->contract, run->server, WORKERS);
}

void test_anything_in_any_order(struct contract *contract)
{
    const struct crowd_plan plan = {.kept = 16, .slow = 8, .single = 16, .path = "/wait/2ms"};
    struct run run = {.contract = contract, .random = choose_seed()};
    struct crowd_figures figures;
    struct holdings before;
    char text[CROWD_TEXT];
    bool processes = contract_has(contract, TRAIT_PROCESSES);
    print_message("FAULT_SEED=%llu\n", (unsigned long long)run.random);
    run.server = scene_start(contract, WORKERS, processes ? "--restart-delay" : NULL, "10ms", "--steady-after", "0s",
                             "--reload-parallel", "2", NULL);
    scene_take_stock(run.server, &before);
    struct crowd *crowd = crowd_start(contract, run.server, &plan);
    for (int i = 0; i < (contract->full ? 300 : 30); i++) {
        act(&run);
        crowd_wait(crowd, draw(&run, 30));
    }
    settle(&run);
    crowd_wait(crowd, 100);
    crowd_stop(crowd, &figures);
    expect_only_kills_cost(&run, &figures, plan.kept + plan.slow + plan.single);
    print_message("%u kills; %s\n", run.kills, crowd_describe(&figures, text));
    scene_expect_all_serve(contract, run.server, WORKERS);
    scene_expect_stock(run.server, &before);
    scene_end(run.server, 0);
}
