/* Peers: what a manifest says, what is refused and with which words, templates, and whom a row's name stands for. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "harness/catalog.h"
#include "harness/contender.h"
#include "harness/crosscheck.h"
#include "harness/folder.h"
#include "harness/naming.h"

static char folder[] = "/tmp/peers-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void write_file(const char *peer, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, peer);
    assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/%s/%s", folder, peer, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Reads the text as the manifest of a peer p. */
static int read_manifest(struct manifest *manifest, const char *text, char *error)
{
    char path[256];
    write_file("p", "peer.ini", text);
    snprintf(path, sizeof(path), "%s/p/peer.ini", folder);
    return manifest_read(manifest, path, error);
}

#define MINIMAL "[peer]\ncommand = {p} --port {port}\n"

/* ---- manifests ---- */

static void test_reads_a_manifest(void **state)
{
    (void)state;
    struct manifest manifest;
    char error[MANIFEST_ERROR_SIZE];
    write_file("p", "p.conf", "");
    assert_int_equal(read_manifest(&manifest,
                                   "# what it is\n[peer]\ntitle = A peer\ncommand = {p} -c {config}/p.conf\ntemplates = p.conf\n"
                                   "paths = /hello /wait/*\nworker = name\nready = /up\nready_all = /hello\nready_within = 20s\n"
                                   "grace = 500ms\nbusy = in use\ninstall = make peers\nbackends = single\nversion = {p} -v\n"
                                   "reload = {p} -s {pid}\n"
                                   "[needs]\np = p-light\n[values]\nthreads = 1\nempty =\n",
                                   error),
                     0);
    assert_string_equal(manifest.name, "p");
    assert_string_equal(manifest.title, "A peer");
    assert_string_equal(manifest.command, "{p} -c {config}/p.conf");
    assert_string_equal(manifest.ready_all, "/hello");
    assert_string_equal(manifest.backends, "single");
    assert_string_equal(manifest.reload, "{p} -s {pid}");
    assert_int_equal(manifest_reload_signal(&manifest), 0);
    assert_true(manifest.names_workers);
    assert_int_equal(manifest.ready_within_ns, 20 * CLOCK_NS_PER_S);
    assert_int_equal(manifest.grace_ns, 500 * CLOCK_NS_PER_MS);
    assert_string_equal(values_find(&manifest.needs, "p"), "p-light");
    assert_string_equal(values_find(&manifest.values, "empty"), "");
    manifest_close(&manifest);
    assert_int_equal(read_manifest(&manifest, MINIMAL, error), 0);
    assert_string_equal(manifest.title, "p");
    assert_string_equal(manifest.ready, "/healthz");
    assert_false(manifest.names_workers);
    assert_false(manifest.children);
    assert_int_equal(manifest_reload_signal(&manifest), 0);
    manifest_close(&manifest);
    assert_int_equal(read_manifest(&manifest, MINIMAL "worker_processes = children\nreload = USR2\n", error), 0);
    assert_true(manifest.children);
    assert_int_equal(manifest_reload_signal(&manifest), SIGUSR2);
    manifest_close(&manifest);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool answers;
    } rows[] = {{"/hello", true},    {"/hello?name=x", true},       {"/hello/", false}, {"/hell", false},
                {"/wait/5ms", true}, {"/wait/{exp:5ms}?x=1", true}, {"/wait", false},   {"/block/5ms", false}};
    struct manifest manifest;
    char error[MANIFEST_ERROR_SIZE];
    assert_int_equal(read_manifest(&manifest, MINIMAL "paths = /hello /wait/*\n", error), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(manifest_answers(&manifest, rows[i].path), rows[i].answers);
    manifest_close(&manifest);
    assert_int_equal(read_manifest(&manifest, MINIMAL, error), 0);
    assert_true(manifest_answers(&manifest, "/anything"));
    manifest_close(&manifest);
}

static void test_likeness(void **state)
{
    (void)state;
    struct manifest manifest;
    char error[MANIFEST_ERROR_SIZE], *file;
    write_file("elder", "peer.ini", MINIMAL "templates = e.conf\n[values]\none = 1\ntwo = 2\n");
    write_file("elder", "e.conf", "");
    assert_int_equal(read_manifest(&manifest, "[peer]\nlike = elder\ntitle = Younger\n[values]\ntwo = II\n", error), 0);
    assert_string_equal(manifest.name, "p");
    assert_string_equal(manifest.title, "Younger");
    assert_string_equal(manifest.command, "{p} --port {port}");
    assert_string_equal(values_find(&manifest.values, "one"), "1");
    assert_string_equal(values_find(&manifest.values, "two"), "II");
    file = manifest_file(&manifest, "e.conf");
    assert_non_null(file);
    free(file);
    manifest_close(&manifest);
    assert_int_not_equal(read_manifest(&manifest, "[peer]\nlike = p\n", error), 0);
    assert_non_null(strstr(error, "peer.ini:2: like = p: this is the manifest number 5 of a row; at most 4"));
    assert_int_not_equal(read_manifest(&manifest, MINIMAL "like = elder\n", error), 0);
    assert_non_null(strstr(error, "peer.ini:3: like = elder must stand before everything else"));
    assert_int_not_equal(read_manifest(&manifest, "[peer]\nlike = ../x\n", error), 0);
    assert_non_null(strstr(error, "like = '../x' is not allowed; use the name of a folder beside this one"));
}

static void test_refuses_manifests(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[peer]\ntitel = x\n", "peer.ini:2: unknown key 'titel' in [peer] (did you mean 'title'?)"},
        {"[pear]\n", "peer.ini:1: unknown section [pear]; use [peer], [needs] or [values]"},
        {"title = x\n", "peer.ini:1: title stands before the first section; begin with [peer]"},
        {"[peer]\ntitle = x\n", "command is missing in [peer]"},
        {MINIMAL "paths = hello\n", "peer.ini:3: paths = 'hello' is not allowed; use paths such as /hello or /wait/*"},
        {MINIMAL "worker = pid\n", "peer.ini:3: worker = 'pid' is not allowed; use index (X-Worker is 0..N-1) or name"},
        {MINIMAL "grace = 5\n", "peer.ini:3: grace = '5' is not allowed; use a time such as 3s, up to 60s"},
        {MINIMAL "ready = healthz\n", "peer.ini:3: ready = 'healthz' is not allowed; use a path"},
        {MINIMAL "templates = ../x\n", "peer.ini:3: templates = '../x' is not allowed; use files beside the manifest"},
        {MINIMAL "templates = none.conf\n", "templates: there is no file 'none.conf' beside the manifest"},
        {MINIMAL "backends = ./x\n", "peer.ini:3: backends = './x' is not allowed; use the name of a program of ours"},
        {MINIMAL "worker_processes = 4\n", "peer.ini:3: worker_processes = '4' is not allowed; use children (of the"},
        {MINIMAL "reload = SIGHUP\n", "peer.ini:3: reload = 'SIGHUP' is not allowed; use HUP, USR1 or USR2, or a command line"},
        {MINIMAL "reload =\n", "peer.ini:3: reload = '' is not allowed; use HUP, USR1 or USR2, or a command line"},
        {MINIMAL "backends = single\nworker_processes = children\n",
         "backends = single are its workers; worker_processes = children cannot be, too"},
        {MINIMAL "[needs]\np =\n", "peer.ini:4: p: the package it comes in is missing"},
        {MINIMAL "[values]\nA b = 1\n", "peer.ini:4: 'A b' in [values]: a name has a-z, 0-9, - and _"},
        {"[peer]\nnothing\n", "peer.ini:2: 'nothing' is neither [NAME] nor KEY = VALUE"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct manifest manifest;
        char error[MANIFEST_ERROR_SIZE];
        assert_int_not_equal(read_manifest(&manifest, cases[i].text, error), 0);
        if (!strstr(error, cases[i].message))
            fail_msg("'%s' does not hold '%s'", error, cases[i].message);
    }
}

/* ---- templates ---- */

static char *rendered(const char *text, char *error)
{
    static const unsigned ports[] = {4711, 4712};
    struct backend_ports backends = {ports, 2};
    struct values values = {0};
    values_set(&values, "port", "1");
    values_set(&values, "port", "80"); /* the later one */
    values_set(&values, "flags", "");
    values_set(&values, "pm2-runtime", "/bin/pm2");
    char *out = template_render("t.conf", text, &values, &backends, error);
    values_free(&values);
    return out;
}

static void test_renders(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rendered;
    } rows[] = {
        {"", ""},
        {"listen {port}{flags};", "listen 80;"},
        {"{pm2-runtime} start\n", "/bin/pm2 start\n"},
        {"events { }\n{}\n{\"a\": {\"b\": {port}}}\n", "events { }\n{}\n{\"a\": {\"b\": 80}}\n"},
        {"a{2} {Port} {port", "a2"},
        {"server {backend} :{backend_port};\nend\n", "server 0 :4711;\nserver 1 :4712;\nend\n"},
        {"{port} {backend}\n", "80 0\n80 1\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char error[TEMPLATE_ERROR_SIZE] = "", *out = rendered(rows[i].text, error);
        if (i == 4) { /* {2} is a name, too */
            assert_null(out);
            assert_non_null(strstr(error, "t.conf:1: there is no placeholder {2}; known are port, flags, pm2-runtime"));
            continue;
        }
        assert_non_null(out);
        assert_string_equal(out, rows[i].rendered);
        free(out);
    }
    char error[TEMPLATE_ERROR_SIZE];
    assert_null(rendered("fine {port}\nnot {prot}\n", error));
    assert_non_null(strstr(error, "t.conf:2: there is no placeholder {prot}"));
    char *out = template_render("t.conf", "a\nserver {backend};\nb\n", &(struct values){0}, NULL, error);
    assert_string_equal(out, "a\nb\n"); /* no backend, no line */
    free(out);
}

/* ---- rows ---- */

static const char plan_text[] = "[server mine]\nprogram = p\noptions = threads=4\n"
                                "[server wrong]\nprogram = p\noptions = treads=4\n"
                                "[experiment e]\nstrategies = sh, p, mine, gone\nrequest = /hello\nduration = 1s\n"
                                "[experiment f]\nstrategies = sh, p\nrequest = /block/5ms\nduration = 1s\n";

static void test_contenders(void **state)
{
    (void)state;
    struct plan plan;
    struct contender contender;
    char error[CONTENDER_ERROR_SIZE], why[PLAN_ERROR_SIZE];
    struct names folders = {0};
    names_add(&folders, folder);
    struct contender_places places = {"/bin", &folders};
    write_file("p", "peer.ini", MINIMAL "paths = /hello\nversion = {sh} -c echo\n[needs]\nsh = dash\n[values]\nthreads = 1\n");
    assert_int_equal(plan_parse(&plan, "p.ini", plan_text, why), 0);
    assert_int_equal(contender_find(&contender, &places, &plan, "sh", error), 0);
    assert_string_equal(contender.program, "/bin/sh");
    assert_null(contender.peer);
    contender_close(&contender);
    assert_int_equal(contender_find(&contender, &places, &plan, "mine", error), 0);
    assert_string_equal(contender.name, "mine");
    assert_string_equal(values_find(&contender.peer->values, "threads"), "4");
    assert_non_null(values_find(&contender.peer->values, "sh")); /* the path of what it needs */
    contender_close(&contender);
    assert_int_equal(contender_find(&contender, &places, &plan, "wrong", error), -EINVAL);
    assert_string_equal(error, "server wrong: options: 'treads=4' is not allowed; use NAME=VALUE with a name of [values]: threads");
    assert_int_equal(contender_find(&contender, &places, &plan, "q", error), -ENOENT);
    assert_non_null(strstr(error, "no program q in /bin"));
    plan_close(&plan);
    names_free(&folders);
}

/* Nobody can order a peer about, and its workers are known only where its manifest says who they are. */
static void test_events_for_peers(void **state)
{
    (void)state;
    static char backends[] = "single";
    const struct {
        const char *events;
        struct manifest manifest;
        const char *named;
    } rows[] = {
        {"at 1ms kill server, at 2ms slow server x10 for 1ms", {0}, NULL},
        {"at 1ms stop server for 1ms, at 3ms kill worker 0", {0}, "'kill worker 0'; it takes kill, stop and slow of 'server'"},
        {"at 3ms kill worker 0, at 4ms slow worker 1 x10", {.children = true}, NULL},
        {"at 3ms kill backend 0, at 4ms stop worker 1", {.backends = (char[]){"single"}}, NULL},
        {"at 3ms kill worker 0, at 4ms stop worker 0 for 1ms",
         {.backends = backends},
         "nobody starts worker 0 again after 'kill worker 0'"},
        {"every 3ms kill worker 1", {.backends = backends}, "nobody starts worker 1 again after 'kill worker 1'"},
        {"at 4ms kill worker 0, at 3ms stop worker 0 for 1us", {.backends = backends}, NULL},
        {"every 3ms kill worker 1", {.children = true}, NULL},
        {"at 1ms stop front 0 for 1ms",
         {.children = true},
         "'stop front 0 for 1ms'; it takes kill, stop and slow of 'server' and of"},
        {"at 1ms reload", {0}, "'reload'"},
        {"at 1ms reload", {.reload = (char[]){"HUP"}}, NULL},
        {"at 1ms scale 2", {.reload = (char[]){"HUP"}}, "'scale 2'; it takes kill, stop and slow of 'server', and reload"},
        {"at 1ms drain worker 0", {.children = true}, "'drain worker 0'"}};
    struct contender peer =
                         {
                             .name = (char[]){"p"},
                         },
                     program = {.name = (char[]){"ours"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char why[SCHEDULE_ERROR_SIZE];
        struct experiment experiment = {.name = (char[]){"e"}, .request = (char[]){"/hello"}};
        struct manifest manifest = rows[i].manifest;
        peer.peer = &manifest;
        assert_int_equal(schedule_parse(&experiment.schedule, rows[i].events, why), 0);
        assert_null(contender_declines(&program, &experiment));
        char *reason = contender_declines(&peer, &experiment);
        if (rows[i].named)
            assert_true(reason && strstr(reason, "p in e: ") && strstr(reason, rows[i].named));
        else
            assert_null(reason);
        free(reason);
        schedule_free(&experiment.schedule);
    }
}

/* What is not installed, and what a peer does not answer, is left out with one line each. */
static void test_sift(void **state)
{
    (void)state;
    struct plan plan;
    struct cell_plan *cells;
    struct contenders contenders;
    struct names folders = {0}, skipped = {0};
    char error[CONTENDER_ERROR_SIZE], why[PLAN_ERROR_SIZE];
    names_add(&folders, folder);
    struct contender_places places = {"/bin", &folders};
    write_file("p", "peer.ini", MINIMAL "paths = /hello\n[values]\nthreads = 1\n");
    write_file("gone", "peer.ini", MINIMAL "install = make peers\n[needs]\nno-such-program = gone (npm)\n");
    assert_int_equal(plan_parse(&plan, "p.ini", plan_text, why), 0);
    unsigned count = plan_cells(&plan, 2, &cells);
    assert_int_equal(count, 6);
    assert_int_equal(contenders_find(&contenders, &places, &plan, cells, count, error), 0);
    assert_int_equal(contenders.count, 4);
    assert_int_equal(contenders_sift(&contenders, &plan, cells, count, &skipped), 4);
    assert_int_equal(skipped.count, 2);
    assert_string_equal(skipped.items[0], "gone: gone (npm) is not installed; make peers");
    assert_string_equal(skipped.items[1], "p in f: it does not answer /block/5ms, only /hello");
    for (unsigned i = 0; i < 4; i++)
        assert_true(strcmp(cells[i].strategy, "gone") && (cells[i].experiment == 0 || !strcmp(cells[i].strategy, "sh")));
    contenders_close(&contenders);
    names_free(&skipped);
    names_free(&folders);
    free(cells);
    plan_close(&plan);
}

static void test_styles(void **state)
{
    (void)state;
    assert_int_equal(catalog_style("single"), 1);
    assert_int_equal(catalog_style("nginx-shared"), 11);
    assert_int_equal(catalog_style("pm2"), 18);
    assert_in_range(catalog_style("anything-else"), 7, 10);
}

static void test_numbers_workers(void **state)
{
    (void)state;
    json_t *load = json_loads("{\"workers\":[{\"id\":\"1002\"},{\"id\":\"999\"},{\"id\":\"1001\"}]}", 0, NULL);
    json_t *workers = json_object_get(load, "workers");
    naming_number_load(load);
    static const char *const ids[] = {"2", "0", "1"}, *const called[] = {"1002", "999", "1001"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *worker = json_array_get(workers, i);
        assert_string_equal(json_string_value(json_object_get(worker, "id")), ids[i]);
        assert_string_equal(json_string_value(json_object_get(worker, "called")), called[i]);
    }
    json_decref(load);
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0 && fclose(out) == 0);
}

/* The numbers of load.json; one that it does not name comes behind; nobody's answers stay nobody's; the rest of a line stays. */
static void test_numbers_the_series(void **state)
{
    (void)state;
    char path[] = "/tmp/test_harness_naming.XXXXXX", *text;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    json_t *load = json_loads("{\"workers\":[{\"id\":\"1002\"},{\"id\":\"999\"}]}", 0, NULL);
    naming_number_load(load);
    write_text(path, "{\"t_s\":0.1,\"worker\":null}\n{\"t_s\":0.1,\"worker\":\"1002\",\"requests\":7}\n{\"worker\":\"1003\"}\n"
                     "{\"worker\":\"999\"}\n{\"worker\":\"-\"}\n{\"worker\":\"1003\"}\n");
    assert_int_equal(naming_number_series(load, path), 0);
    assert_int_equal(file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(text, "{\"t_s\":0.1,\"worker\":null}\n{\"t_s\":0.1,\"worker\":\"1\",\"requests\":7}\n{\"worker\":\"2\"}\n"
                              "{\"worker\":\"0\"}\n{\"worker\":\"-\"}\n{\"worker\":\"2\"}\n");
    free(text);
    write_text(path, "{\"worker\":\"999\"}\n{\"work");
    assert_int_equal(naming_number_series(load, path), -EINVAL);
    assert_int_equal(file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(text, "{\"worker\":\"999\"}\n{\"work");
    free(text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(naming_number_series(load, path), 0); /* none was asked for */
    json_decref(load);
}

/* As wrk 4.1, ab 2.3 and hey 0.1 print it. */
static void test_reads_other_generators(void **state)
{
    (void)state;
    assert_float_equal(crosscheck_read("wrk", "  10 requests in 1.00s, 1KB read\nRequests/sec:  12345.67\nTransfer/sec:  1.2MB\n"),
                       12345.67, 1e-6);
    assert_float_equal(crosscheck_read("ab", "Failed requests:        0\nRequests per second:    321.50 [#/sec] (mean)\n"), 321.5,
                       1e-6);
    assert_float_equal(crosscheck_read("hey", "Summary:\n  Total:\t1.0 secs\n  Requests/sec:\t9876.5432\n"), 9876.5432, 1e-6);
    assert_true(crosscheck_read("hey", "Requests per second: 12") < 0);
    assert_true(crosscheck_read("wrk", "Requests/sec: many") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_manifest),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_likeness),
        cmocka_unit_test(test_refuses_manifests),
        cmocka_unit_test(test_renders),
        cmocka_unit_test(test_contenders),
        cmocka_unit_test(test_sift),
        cmocka_unit_test(test_events_for_peers),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_numbers_workers),
        cmocka_unit_test(test_numbers_the_series),
        cmocka_unit_test(test_reads_other_generators),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
