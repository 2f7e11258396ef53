/* Plans: what is understood, what is refused and with which words, and the cells that come out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/block.h"
#include "harness/cell.h"
#include "harness/plan.h"

#define HEAD "[plan]\ntitle = T\nblocks = 6\n[experiment e]\n"
#define BODY "strategies = single, shared\nrequest = /hello\nduration = 1s\n"

static void test_reads_a_plan(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    const char *text = "; a comment\n[plan]\ntitle = T\nblocks = 10\nverdicts = no\n"
                       "[experiment queueing]\ntitle = Who waits?\nquestion = one\n  two\nstrategies = all\nexcept = single\n"
                       "workers = 8, auto\nrequest = /block/{exp:5ms}\nconnections = 1k\nrequests_per_connection = 1\n"
                       "arrivals = poisson\nload = 80 %, 900/s\nduration = 1.5s\nwarmup = 300ms\nbaseline = shared\n"
                       "primary = p99_us\npictures = latency, shares\n";
    assert_int_equal(plan_parse(&plan, "some/where.ini", text, error), 0);
    assert_string_equal(plan.name, "where");
    assert_int_equal(plan.blocks, 10);
    assert_false(plan.verdicts);
    const struct experiment *e = &plan.experiments[0];
    assert_string_equal(e->question, "one two");
    assert_int_equal(e->strategies.count, 5);
    assert_false(names_hold(&e->strategies, "single"));
    assert_int_equal(e->workers_count, 2);
    assert_int_equal(e->workers[1], 0);
    assert_int_equal(e->connections, 1000);
    assert_int_equal(e->arrivals, ARRIVALS_POISSON);
    assert_int_equal(e->loads_count, 2);
    assert_true(e->loads[0].kind == LOAD_SHARE && e->loads[0].value == 0.8);
    assert_true(e->loads[1].kind == LOAD_RATE && e->loads[1].value == 900);
    assert_int_equal(e->duration_ns, 1500000000);
    assert_true(e->emulated);
    assert_float_equal(e->service_s, 0.005, 1e-9);
    assert_int_equal(e->primary, METRIC_P99);
    assert_true(e->pictures[PICTURE_LATENCY] && e->pictures[PICTURE_SHARES] && !e->pictures[PICTURE_COST]);
    plan_close(&plan);
}

/* Whatever may be said is named to who says something else. */
static void test_all_that_is_allowed_is_named(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "a/folder/of/some/length/p.ini", HEAD BODY "primary = nothing\n", error), -EINVAL);
    plan_close(&plan);
    for (int i = 0; i < METRIC_COUNT; i++)
        assert_non_null(strstr(error, metrics[i].name));
    assert_non_null(strstr(error, "as summary.csv names them"));
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "pictures = nothing\n", error), -EINVAL);
    plan_close(&plan);
    for (int i = 0; i < PICTURE_COUNT; i++)
        assert_non_null(strstr(error, picture_names[i]));
}

static void test_seeds(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "seed = 42\n", error), 0);
    assert_true(plan.seed == 0 && plan.experiments[0].seed == 42);
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "p.ini", "[plan]\nseed = 7\n[experiment e]\n" BODY, error), 0);
    assert_true(plan.seed == 7 && plan.experiments[0].seed == 0);
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "seed = 0\n", error), -EINVAL);
    plan_close(&plan);
    assert_string_equal(error, "p.ini:8: seed = '0' is not allowed; use 1..9007199254740992");
}

static void test_events_go_on_over_lines(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "events = at 100ms kill worker 1,\n  at 200ms reload\n", error), 0);
    assert_int_equal(plan.experiments[0].schedule.count, 2);
    assert_true(experiment_has_series(&plan.experiments[0]));
    plan_hurry(&plan);
    assert_int_equal(plan.experiments[0].schedule.faults[1].at_ns, 40000000);
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY, error), 0);
    assert_false(experiment_has_series(&plan.experiments[0]));
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "series = yes\n", error), 0);
    assert_true(experiment_has_series(&plan.experiments[0]));
    plan_close(&plan);
}

static void test_refuses_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {HEAD BODY "durashun = 1s\n", "p.ini:8: unknown key 'durashun' in [experiment e] (did you mean 'duration'?)"},
        {HEAD "strategies = ../shared\n",
         "p.ini:5: strategies = '../shared' is not allowed; use all, or names of programs with commas between"},
        {HEAD "request = /wait/{exp:}\n",
         "p.ini:5: request = '/wait/{exp:}' is not allowed; use a path such as /hello or /block/{exp:5ms}"},
        {HEAD BODY "load = 100/s, 100/s\n", "p.ini:4: experiment e: a load is named twice"},
        {HEAD "strategies = shared, shared\nrequest = /hello\nduration = 1s\n",
         "p.ini:4: experiment e: strategy 'shared' is named twice"},
        {HEAD "request = /hello\033[31m\n", "p.ini:5: the line holds a control character"},
        {HEAD "request = /h\xc3\xa4llo\n",
         "p.ini:5: request = '/h??llo' is not allowed; use a path such as /hello or /block/{exp:5ms}"},
        {HEAD "header = X: a\rb\n", "p.ini:5: the line holds a control character"},
        {"[plan]\nblock = 6\n", "p.ini:2: unknown key 'block' in [plan] (did you mean 'blocks'?)"},
        {"[plan]\nzzzzzz = 6\n", "p.ini:2: unknown key 'zzzzzz' in [plan]; known are title, blocks, verdicts, seed"},
        {"[plan]\nblocks = 0\n", "p.ini:2: blocks = '0' is not allowed; use 1..99"},
        {"[plan]\nblocks = 1\nblocks = 2\n", "p.ini:3: blocks stands twice in [plan]"},
        {"[plans]\nblocks = 1\n", "p.ini:1: unknown section [plans]; use [plan], [experiment NAME] or [server NAME]"},
        {HEAD "load = 5\n",
         "p.ini:5: load = '5' is not allowed; use 80 % (of capacity, up to 200 %) or 1280/s, several with commas"},
        {HEAD "warmup = 5\n", "p.ini:5: warmup = '5' is not allowed; use a time such as 300ms, up to 1h"},
        {HEAD BODY "baseline = shred\n",
         "p.ini:4: experiment e: baseline 'shred' is not among its strategies (did you mean 'shared'?)"},
        {HEAD BODY "except = threaded\n", "p.ini:4: experiment e: except 'threaded' is not among its strategies"},
        {HEAD BODY "except = single, shared\n", "p.ini:4: experiment e: no strategy is left"},
        {HEAD "strategies = single\nduration = 1s\n", "p.ini:4: experiment e: request is missing"},
        {HEAD "strategies = single\nrequest = /hello\n", "p.ini:4: experiment e: duration is missing"},
        {HEAD BODY "arrivals = poisson\n", "p.ini:4: experiment e: poisson arrivals need a load"},
        {HEAD BODY "pictures = cost, foo\n", "p.ini:8: pictures = 'cost, foo' is not allowed; use cost, latency, percentiles, "
                                             "shares, lorenz, fairness, heat, lanes, scaling"},
        {HEAD BODY "events = at 1s kill\n",
         "p.ini:4: experiment e: event 'at 1s kill': '' cannot be the target of kill; use worker N, backend N, front N or server"},
        {HEAD BODY "events = at 1s reload\n",
         "p.ini:4: experiment e: event 'reload' comes at 1s, but the measured time is 1s; use a time before its end"},
        {HEAD BODY "workers = auto\nevents = at 10ms kill worker 2\n",
         "p.ini:4: experiment e: event 'kill worker 2': there are 2 workers; use worker 0..1"},
        {"[server s]\nprogram = shared\nworkers = 1\n[experiment e]\nstrategies = shared, s\nrequest = /hello\nduration = 1s\n"
         "workers = 4\nevents = at 10ms kill worker 1\n",
         "p.ini:4: experiment e: event 'kill worker 1': there are 1 workers; use worker 0..0"},
        {HEAD BODY "series = no\npictures = heat\n",
         "p.ini:4: experiment e: series = no, but events and the pictures fairness, heat and lanes need it"},
        {"[experiment Big]\nduration = 1s\n", "p.ini:1: experiment 'Big': a name has up to 32 of a-z, 0-9, - and _"},
        {"title = x\n" HEAD BODY, "p.ini:1: 'title' stands before the first section; begin with [plan] or [experiment NAME]"},
        {HEAD "strategies = single\n  shared\n", "p.ini:6: strategies does not go on in a second line"},
        {HEAD "title = x\n load = 5/s\n",
         "p.ini:6: 'load = 5/s' is indented, and would be more of title; begin it where title begins"},
        {HEAD "strategies\n", "p.ini:5: 'strategies' is neither [NAME] nor KEY = VALUE"},
        {"", "p.ini:1: no [experiment NAME] section"},
        {"[plan]\nblocks = 1\n", "p.ini:2: no [experiment NAME] section"},
        {"[plan]\nblocks\n", "p.ini:2: 'blocks' is neither [NAME] nor KEY = VALUE"},
        {"[experiment cost]\nstrategies = nginx-shared, shared\nrequest = /hello\nduration = 1s\n"
         "[experiment cost-nginx]\nstrategies = single, shared\nrequest = /hello\nduration = 1s\n",
         "p.ini:5: experiment cost-nginx: its cells of shared and those of nginx-shared in experiment cost (line 1) would both be "
         "called cost-nginx-shared; give one of the experiments another name"},
        {"[plan]\ntitle = caf\xe9\n", "p.ini:2: the line is not UTF-8; a plan is text in UTF-8"},
        {HEAD BODY "[experiment x]\nduration = 1s\n[experiment e]\nwarmup = 1s\n",
         "p.ini:10: [experiment e] stands here for the second time; first in line 4"},
        {HEAD BODY "[experiment e]\nwarmup = 1s\n", "p.ini:8: [experiment e] stands here for the second time; first in line 4"},
        {"[plan]\nblocks = 2\n[plan]\ntitle = x\n", "p.ini:3: [plan] stands here for the second time; first in line 1"},
        {"[plan]\n" HEAD BODY, "p.ini:1: [plan] has no key; it takes title, blocks and verdicts"},
        {HEAD BODY "[experiment x]\n; nothing\n\n",
         "p.ini:8: [experiment x] has no key; it needs strategies, request and duration"},
        {HEAD BODY "[experiment x]\n  [server s]\nprogram = single\n",
         "p.ini:8: [experiment x] has no key; it needs strategies, request and duration"},
        {"[experiments]\n" HEAD BODY, "p.ini:1: unknown section [experiments]; use [plan], [experiment NAME] or [server NAME]"},
        {"[]\n" HEAD BODY, "p.ini:1: unknown section []; use [plan], [experiment NAME] or [server NAME]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct plan plan;
        char error[PLAN_ERROR_SIZE];
        assert_int_not_equal(plan_parse(&plan, "p.ini", cases[i].text, error), 0);
        assert_string_equal(error, cases[i].message);
    }
}

#define SERVER "[server busy]\nprogram = single\noptions = --accept own --max-connections 9\nrequest = /cpu/1ms\nworkers = 3\n"

/* Brackets in the second line of a text are text. */
static void test_indented_keys(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini",
                                "[plan]\n  title = T\n  blocks = 20\n[experiment e]\n\tstrategies = single\n\trequest = /hello\n"
                                "\tduration = 1s\n\ttitle = A\n\t  B\n",
                                error),
                     0);
    assert_string_equal(plan.title, "T");
    assert_int_equal(plan.blocks, 20);
    assert_string_equal(plan.experiments[0].title, "A B");
    plan_close(&plan);
}

/* What is wrong may be long; what is allowed is said all the same. */
static void test_long_mistakes(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE], text[3000] = HEAD BODY "arrivals = ";
    memset(text + strlen(text), 'x', 2000);
    assert_int_equal(plan_parse(&plan, "p.ini", text, error), -EINVAL);
    assert_non_null(strstr(error, "xxx...' is not allowed; use constant"));
    strcpy(text, HEAD "request = /hello\nduration = 1s\nstrategies = ");
    for (unsigned i = 0; i < 101; i++)
        snprintf(text + strlen(text), 8, "s%u,", i);
    assert_int_equal(plan_parse(&plan, "p.ini", text, error), -EINVAL);
    assert_string_equal(error, "p.ini:4: experiment e: a list has more than 100 parts");
}

static void test_brackets_in_a_text(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini", "[plan]\ntitle = A\n  [plan] and\n  ; [plan]\n[experiment e]\n" BODY, error), 0);
    assert_string_equal(plan.title, "A [plan] and");
    plan_close(&plan);
}

static void test_servers_of_the_plan(void **state)
{
    (void)state;
    struct plan plan;
    struct cell_plan *cells;
    char error[PLAN_ERROR_SIZE];
    const char *text = SERVER "[server two]\nprogram = shared\nworkers = 2\n"
                              "[experiment e]\nstrategies = busy, two, shared\nrequest = /hello\nduration = 1s\nworkers = 4, 8\n";
    assert_int_equal(plan_parse(&plan, "p.ini", text, error), 0);
    const struct plan_server *busy = plan_server(&plan, "busy");
    assert_string_equal(busy->program, "single");
    assert_int_equal(busy->options.count, 4);
    assert_string_equal(busy->options.items[3], "9");
    assert_string_equal(busy->request, "/cpu/1ms");
    assert_null(plan_server(&plan, "shared"));
    unsigned count = plan_cells(&plan, 2, &cells);
    assert_int_equal(count, 1 + 1 + 2);    /* their own number of workers, once; shared has both */
    assert_int_equal(cells[0].workers, 1); /* single has one, whatever is said */
    assert_int_equal(cells[1].workers, 2);
    free(cells);
    plan_close(&plan);
}

static void test_refuses_servers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {SERVER "program = shared\n", "p.ini:6: program stands twice in [server busy]"},
        {SERVER "[experiment e]\nrequest = /\n[server busy]\nprogram = x\n",
         "p.ini:8: [server busy] stands here for the second time; first in line 1"},
        {SERVER "[server busy]\nworkers = 2\n", "p.ini:6: [server busy] stands here for the second time; first in line 1"},
        {"[server lost]\n" HEAD BODY, "p.ini:1: [server lost] has no key; it needs program"},
        {HEAD BODY "[server lost]", "p.ini:8: [server lost] has no key; it needs program"},
        {"[server Busy]\nprogram = x\n", "p.ini:1: server 'Busy': a name has up to 32 of a-z, 0-9, - and _"},
        {"[server s]\nworkers = 2\n" HEAD BODY, "p.ini:1: server s: program is missing"},
        {"[server s]\nworkers = 0\n", "p.ini:2: workers = '0' is not allowed; use 1..1024"},
        {"[server s]\nprogam = x\n", "p.ini:2: unknown key 'progam' in [server s] (did you mean 'program'?)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct plan plan;
        char error[PLAN_ERROR_SIZE];
        assert_int_not_equal(plan_parse(&plan, "p.ini", cases[i].text, error), 0);
        assert_string_equal(error, cases[i].message);
    }
}

static void test_load_needs_a_capacity(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_not_equal(plan_parse(&plan, "p.ini", HEAD BODY "load = 80 %\n", error), 0);
    assert_non_null(strstr(error, "a load in % needs capacity = measured, or a request that says how long it occupies a worker"));
    assert_int_not_equal(
        plan_parse(&plan, "p.ini", HEAD "strategies = shared\nrequest = /block/{pareto:1ms,0.9}\nduration = 1s\n", error), 0);
    assert_non_null(strstr(error, "has no time with a finite mean"));
}

static void test_capacity_by_measurement(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "workers = 2\nload = 80 %, 100/s\ncapacity = measured\n", error), 0);
    const struct cell_plan share = {.strategy = "shared", .workers = 2}, absolute = {.strategy = "shared", .workers = 2, .load = 1};
    assert_true(experiment_needs_capacity(&plan.experiments[0]));
    plan.experiments[0].capacity_rate = 5000;
    assert_false(experiment_needs_capacity(&plan.experiments[0]));
    assert_float_equal(cell_rate(&plan, &share), 4000, 1e-9);
    assert_float_equal(cell_rate(&plan, &absolute), 100, 1e-9);
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "p.ini", HEAD BODY "load = 100/s\ncapacity = measured\n", error), 0);
    assert_false(experiment_needs_capacity(&plan.experiments[0])); /* no load in percent */
    plan_close(&plan);
    assert_int_not_equal(plan_parse(&plan, "p.ini", HEAD BODY "workers = 1, 2\nload = 80 %\ncapacity = measured\n", error), 0);
    assert_non_null(strstr(error, "goes with one number of workers"));
}

static void test_request_template(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini",
                                HEAD BODY "method = POST\nheader = Accept: text/plain\nbody = {\"a\": 1}\ncookies = yes\n"
                                          "think = exp:10ms\n",
                                error),
                     0);
    assert_string_equal(plan.experiments[0].method, "POST");
    assert_string_equal(plan.experiments[0].header, "Accept: text/plain");
    assert_string_equal(plan.experiments[0].body, "{\"a\": 1}");
    assert_true(plan.experiments[0].cookies);
    assert_string_equal(plan.experiments[0].think, "exp:10ms");
    plan_close(&plan);
    static const char *const refused[] = {
        "method = get\n",    "header = no colon\n",       "cookies = maybe\n", "think = soon\n", "dispatch = wild\nload = 1/s\n",
        "dispatch = open\n", "think = 1ms\nload = 10/s\n"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        char text[256];
        snprintf(text, sizeof(text), HEAD BODY "%s", refused[i]);
        assert_int_not_equal(plan_parse(&plan, "p.ini", text, error), 0);
    }
}

/* Nothing is cut, neither after so many characters nor at a " ;". */
static void test_long_lines(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE], text[3000] = "[plan]\ntitle = ", *end = text + strlen(text);
    memset(end, 'x', 2000);
    strcpy(end + 2000, " ;y #z\n[experiment e]\n" BODY "think = soon\n");
    assert_int_not_equal(plan_parse(&plan, "p.ini", text, error), 0);
    assert_non_null(strstr(error, "p.ini:7: think = 'soon' is not allowed"));
    *strstr(text, "think") = '\0';
    assert_int_equal(plan_parse(&plan, "p.ini", text, error), 0);
    assert_int_equal(strlen(plan.title), 2006);
    assert_string_equal(plan.title + 1999, "x ;y #z");
    plan_close(&plan);
}

static void test_cells(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(
        plan_parse(&plan, "p.ini",
                   HEAD "strategies = single, shared\nrequest = /block/5ms\nworkers = 4, 8\nload = 50 %, 80 %\nduration = 1s\n"
                        "baseline = shared\n",
                   error),
        0);
    struct cell_plan *cells;
    unsigned count = plan_cells(&plan, 2, &cells);
    /* single has one worker whatever the list says: 2 loads. shared: 2 x 2, and again as A/A. */
    assert_int_equal(count, 2 + 4 + 4);
    assert_int_equal(cells[0].workers, 1);
    assert_float_equal(cell_rate(&plan, &cells[0]), 0.5 * 1 / 0.005, 1e-6);
    unsigned again = 0;
    for (unsigned i = 0; i < count; i++)
        again += cells[i].again;
    assert_int_equal(again, 4);
    char *name = cell_name(&plan, &cells[count - 1], 3);
    assert_string_equal(name, "03-e-shared.again-w8-80pct");
    free(name);
    free(cells);
    plan_hurry(&plan);
    count = plan_cells(&plan, 2, &cells);
    assert_int_equal(count, 6); /* no verdicts, no A/A */
    free(cells);
    plan_close(&plan);
}

/* A fifth, but not so little that a slow server has answered nobody; never more than the plan gives. */
static void test_hurry(void **state)
{
    (void)state;
    static const struct {
        const char *times;
        uint64_t duration_ms, warmup_ms;
    } rows[] = {{"duration = 10s\nwarmup = 2s\n", 2000, 400},
                {"duration = 1s\nwarmup = 500ms\n", 500, 300},
                {"duration = 100ms\nwarmup = 20ms\n", 100, 20},
                {"duration = 100ms\nwarmup = 0\n", 100, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct plan plan;
        char error[PLAN_ERROR_SIZE], text[300];
        snprintf(text, sizeof(text), "[experiment e]\nstrategies = shared\nrequest = /hello\n%s", rows[i].times);
        assert_int_equal(plan_parse(&plan, "p.ini", text, error), 0);
        plan_hurry(&plan);
        assert_int_equal(plan.experiments[0].duration_ns, rows[i].duration_ms * 1000000);
        assert_int_equal(plan.experiments[0].warmup_ns, rows[i].warmup_ms * 1000000);
        plan_close(&plan);
    }
}

static void test_restrict(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    struct names only = {0};
    const char *text = HEAD "strategies = single, shared, threaded\nrequest = /hello\nduration = 1s\nbaseline = single\n"
                            "[experiment f]\n" BODY;
    assert_int_equal(plan_parse(&plan, "p.ini", text, error), 0);
    names_split(&only, "e,threaded");
    assert_int_equal(plan_restrict(&plan, &only, error), 0);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.experiments[0].strategies.count, 2); /* the baseline stays */
    assert_true(names_hold(&plan.experiments[0].strategies, "single"));
    names_add(&only, "nobody");
    assert_int_not_equal(plan_restrict(&plan, &only, error), 0);
    assert_non_null(strstr(error, "no experiment or strategy 'nobody'"));
    names_free(&only);
    plan_close(&plan);
}

static void test_shuffle(void **state)
{
    (void)state;
    enum { COUNT = 26 };
    unsigned *first = block_shuffle(7, 1, COUNT), *same = block_shuffle(7, 1, COUNT), *other = block_shuffle(7, 2, COUNT);
    unsigned seen[COUNT] = {0};
    for (unsigned i = 0; i < COUNT; i++)
        seen[first[i]]++;
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_memory_equal(first, same, COUNT * sizeof(*first));
    assert_memory_not_equal(first, other, COUNT * sizeof(*first));
    free(first);
    free(same);
    free(other);
}

/* Every cell comes first about as often as any other. */
static void test_shuffle_has_no_favourite(void **state)
{
    (void)state;
    enum { COUNT = 5, RUNS = 5000 };
    unsigned firsts[COUNT] = {0};
    for (unsigned seed = 0; seed < RUNS; seed++) {
        unsigned *order = block_shuffle(seed, 1, COUNT);
        firsts[order[0]]++;
        free(order);
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_in_range(firsts[i], 850, 1150); /* 1000, five standard deviations of 28 */
}

static void test_seed_is_the_strategies_common_one(void **state)
{
    (void)state;
    assert_true(cell_seed(1, 2, 3, 0) == cell_seed(1, 2, 3, 0));
    assert_true(cell_seed(1, 2, 3, 0) != cell_seed(1, 2, 3, 1));
    assert_true(cell_seed(1, 2, 3, 0) != cell_seed(1, 3, 3, 0));
    assert_true(cell_seed(1, 2, 3, 0) != cell_seed(1, 2, 4, 0));
    assert_true(cell_seed(1, 2, 3, 0) < UINT64_C(1) << 53);
}

static void test_nearest_name(void **state)
{
    (void)state;
    struct names names = {0};
    names_split(&names, "single, shared  reuseport");
    assert_string_equal(names_nearest(&names, "reusport"), "reuseport");
    assert_null(names_nearest(&names, "xyz"));
    names_free(&names);
}

/* What passes is in run.json as it was written. */
static void test_takes_utf8(void **state)
{
    (void)state;
    struct plan plan;
    char error[PLAN_ERROR_SIZE];
    assert_int_equal(plan_parse(&plan, "p.ini", "[plan]\ntitle = caf\xc3\xa9\n[experiment e]\n" BODY, error), 0);
    assert_string_equal(plan.title, "caf\xc3\xa9");
    plan_close(&plan);
    assert_int_equal(plan_parse(&plan, "caf\xe9.ini", HEAD BODY, error), -EINVAL);
    assert_non_null(strstr(error, "the name of the file is not UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_plan),
        cmocka_unit_test(test_all_that_is_allowed_is_named),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_events_go_on_over_lines),
        cmocka_unit_test(test_refuses_with_file_and_line),
        cmocka_unit_test(test_takes_utf8),
        cmocka_unit_test(test_servers_of_the_plan),
        cmocka_unit_test(test_indented_keys),
        cmocka_unit_test(test_long_mistakes),
        cmocka_unit_test(test_brackets_in_a_text),
        cmocka_unit_test(test_refuses_servers),
        cmocka_unit_test(test_load_needs_a_capacity),
        cmocka_unit_test(test_capacity_by_measurement),
        cmocka_unit_test(test_request_template),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_restrict),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_shuffle_has_no_favourite),
        cmocka_unit_test(test_seed_is_the_strategies_common_one),
        cmocka_unit_test(test_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
