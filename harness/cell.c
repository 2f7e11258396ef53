/*
 * cell: start, measure, stop, judge, write down.
 *
 * CPU time and requests are counted over the same window, from just before the generator starts to just after it has ended,
 * warm-up included on both sides of the fraction: CPU of the server's whole process tree from /proc, requests from its own
 * counters. Rates and latencies are the generator's, of the time after its warm-up. Memory is read twice: under load, at half of
 * the measured time, and after it.
 *
 * Where an experiment has events, they are carried out while the generator is waited for (recording.h), and failed requests are
 * results.
 *
 * Rule: whatever goes wrong, the server is stopped, nothing it started is left, and the reason stands in server.json.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/units.h"

#include "cell.h"
#include "crosscheck.h"
#include "folder.h"
#include "judge.h"
#include "naming.h"
#include "recording.h"
#include "runner.h"
#include "status.h"
#include "tree.h"

#define STATUS_DEADLINE_NS (2 * CLOCK_NS_PER_S)
#define ORPHAN_GRACE_NS    (1 * CLOCK_NS_PER_S)
#define LOAD_SLACK_NS      (15 * CLOCK_NS_PER_S) /* the generator's own time-out of 10 s, and some */
#define THREADS_MOST       4u

struct cell {
    const struct cell_setting *setting;
    const struct cell_plan *plan;
    const struct experiment *experiment;
    unsigned block;
    uint64_t seed;
    char *draft, *name; /* the folder while it is written; its final name below cells/ */
    struct runner_setting running;
    struct runner runner;
    struct process generator;
    json_t *generator_command;
    uint64_t stop_ns, begin_ns, end_ns;
    struct tree_usage before, loaded, after;
    uint64_t generator_cpu_ns;
    json_t *status_before, *status_after, *load;
    int left_behind;
    struct recording recording;
    struct names server_options;
    char *failure;
    struct names notes;
};

uint64_t cell_seed(uint64_t run_seed, unsigned block, unsigned experiment, unsigned load)
{
    struct random random;
    random_init_stream(&random, run_seed, ((uint64_t)block << 32) + (experiment << 16) + load + 1);
    return random_next(&random) >> 11; /* 53 bits: every JSON reader keeps them */
}

/* What is asked of this server. */
static const char *request_of(const struct cell *cell)
{
    const struct contender *contender = cell->setting->contender;
    return contender->request ? contender->request : cell->experiment->request;
}

/* The first reason stays. Returns -ECANCELED: the cell goes to its end without a result. */
static int fail(struct cell *cell, char *reason)
{
    if (cell->failure)
        free(reason);
    else
        cell->failure = reason;
    return -ECANCELED;
}

static json_t *words_json(const struct names *words)
{
    json_t *array = json_array();
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(array, json_string(words->items[i]));
    return array;
}

/* A names list is an argv once a NULL stands behind it. */
static char *const *as_argv(struct names *words)
{
    words->items = memory_grow(words->items, (words->count + 1) * sizeof(*words->items));
    words->items[words->count] = NULL;
    return words->items;
}

static void add_word(struct names *words, char *word)
{
    names_add(words, word);
    free(word);
}

/* ---- the server ---- */

static int start_server(struct cell *cell)
{
    int result = runner_start(&cell->runner, &cell->running);
    return result == -ECANCELED ? fail(cell, text_copy(cell->runner.failure)) : result;
}

static void read_status(struct cell *cell, json_t **status)
{
    if (!cell->runner.admin)
        return;
    int result = status_get(cell->runner.admin, "/status", clock_now_ns() + STATUS_DEADLINE_NS, status);
    if (result < 0)
        add_word(&cell->notes, text_print("%s/status: %s", cell->runner.admin, strerror(-result)));
}

static int read_before(struct cell *cell)
{
    read_status(cell, &cell->status_before);
    if (!cell->runner.admin)
        names_add(&cell->notes, "no /status: requests are the generator's count");
    int result = runner_cpu(&cell->runner, &cell->before);
    cell->begin_ns = clock_now_ns();
    return result < 0 ? fail(cell, text_print("%s is gone before the load: %s", cell->plan->strategy, strerror(-result))) : 0;
}

/* A program that an event killed has no cost to tell, but its cell is a result: what was lost. */
static int lose_server(struct cell *cell)
{
    if (!cell->recording.top_killed_ns)
        return fail(cell, text_print("%s did not live through the load", cell->plan->strategy));
    cell->after = cell->before;
    add_word(&cell->notes, text_print("%s did not live through its events", cell->plan->strategy));
    return 0;
}

static int read_after(struct cell *cell)
{
    cell->end_ns = clock_now_ns();
    int result = runner_cpu(&cell->runner, &cell->after);
    if (!result)
        result = runner_memory(&cell->runner, &cell->after);
    if (result < 0 || !runner_lives(&cell->runner))
        return lose_server(cell);
    read_status(cell, &cell->status_after);
    if (cell->after.identity != cell->before.identity)
        names_add(&cell->notes, cell->experiment->events
                                    ? "processes of the server came and went with the events: its CPU time per request is not known"
                                    : "a process of the server came or went under load: its CPU time may be incomplete");
    return 0;
}

/* ---- the load ---- */

static void add_option(struct names *words, const char *option, char *value)
{
    names_add(words, option);
    add_word(words, value);
}

static unsigned generator_threads(const struct cell *cell)
{
    unsigned cpus = cell->setting->placement->generator.count, most = cpus < THREADS_MOST ? cpus : THREADS_MOST;
    unsigned threads = cell->experiment->threads ? cell->experiment->threads : most;
    return threads < cell->experiment->connections ? threads : cell->experiment->connections;
}

static void request_words(const struct experiment *experiment, struct names *words)
{
    const struct {
        const char *option, *value;
    } given[] = {{"--method", experiment->method},
                 {"--header", experiment->header},
                 {"--body", experiment->body},
                 {"--think", experiment->think},
                 {"--dispatch", experiment->dispatch}};
    for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
        if (given[i].value)
            add_option(words, given[i].option, text_copy(given[i].value));
    if (experiment->cookies)
        names_add(words, "--cookies");
}

static void generator_words(const struct cell *cell, struct names *words)
{
    const struct experiment *experiment = cell->experiment;
    char time[UNITS_TEXT_SIZE];
    add_word(words, text_print("%s/loadgen", cell->setting->programs));
    add_option(words, "--threads", text_print("%u", generator_threads(cell)));
    add_option(words, "--connections", text_print("%u", experiment->connections));
    add_option(words, "--duration", text_copy(units_format_time(experiment->duration_ns, time)));
    add_option(words, "--warmup", text_copy(units_format_time(experiment->warmup_ns, time)));
    add_option(words, "--seed", text_print("%llu", (unsigned long long)cell->seed));
    if (experiment->requests_per_connection)
        add_option(words, "--requests-per-connection", text_print("%u", experiment->requests_per_connection));
    if (experiment->loads[cell->plan->load].kind != LOAD_CLOSED) {
        add_option(words, "--rate", text_print("%.9g", cell_rate(cell->setting->plan, cell->plan)));
        add_option(words, "--arrivals", text_copy(experiment->arrivals == ARRIVALS_POISSON ? "poisson" : "constant"));
    }
    request_words(experiment, words);
    add_option(words, "--format", text_copy("json"));
    add_option(words, "-o", text_print("%s/load.json", cell->draft));
    add_option(words, "--hgrm", text_print("%s/latency.hgrm", cell->draft));
    if (experiment->loads[cell->plan->load].kind != LOAD_CLOSED)
        add_option(words, "--hgrm-service", text_print("%s/service.hgrm", cell->draft));
    recording_generator_words(&cell->recording, words);
    add_word(words, text_print("%s%s", cell->runner.url, request_of(cell)));
}

/* Pids are no names for rows: numbers take their place. */
static int number_workers(const struct cell *cell, const char *load_path)
{
    const struct manifest *peer = cell->setting->contender->peer;
    if (!peer || !peer->names_workers)
        return 0;
    char *series = text_print("%s/series.jsonl", cell->draft);
    naming_number_load(cell->load);
    int result = naming_number_series(cell->load, series);
    if (!result)
        result = file_write_json(load_path, cell->load);
    free(series);
    return result;
}

static int read_load(struct cell *cell)
{
    char *path = text_print("%s/load.json", cell->draft);
    json_error_t error;
    cell->load = json_load_file(path, 0, &error);
    int result = cell->load ? number_workers(cell, path) : 0;
    free(path);
    if (cell->load)
        return result;
    return fail(cell, text_print("loadgen's load.json cannot be read: %s", error.text));
}

/* 0 done, 3 measured but invalid (the judge says why); anything else is no measurement. */
static int judge_generator(struct cell *cell)
{
    const struct process *generator = &cell->generator;
    cell->generator_cpu_ns = process_cpu_ns(generator);
    if (WIFEXITED(generator->status) && (WEXITSTATUS(generator->status) == 0 || WEXITSTATUS(generator->status) == 3))
        return read_load(cell);
    char *log = text_print("%s/loadgen.log", cell->draft), *end = process_describe_end(generator), *line = process_last_words(log);
    free(log);
    int result = fail(cell, text_print("loadgen %s%s", end, line));
    free(line);
    free(end);
    return result;
}

static int wait_until(struct cell *cell, uint64_t deadline_ns)
{
    struct faults_server server = runner_met_by_faults(&cell->runner);
    return recording_wait(&cell->recording, cell->setting->custody, &cell->generator, &server, cell->running.cpus, deadline_ns);
}

static int wait_for_generator(struct cell *cell)
{
    const struct experiment *experiment = cell->experiment;
    uint64_t half_ns = cell->begin_ns + experiment->warmup_ns + experiment->duration_ns / 2;
    int result = wait_until(cell, half_ns);
    if (result == -ETIMEDOUT) {
        runner_memory(&cell->runner, &cell->loaded);
        result = wait_until(cell, half_ns + experiment->duration_ns / 2 + LOAD_SLACK_NS);
    }
    if (result == -ETIMEDOUT)
        result = fail(cell, text_print("loadgen did not end within %d s of its time", (int)(LOAD_SLACK_NS / CLOCK_NS_PER_S)));
    return result;
}

static int apply_load(struct cell *cell)
{
    struct names words = {0};
    generator_words(cell, &words);
    cell->generator_command = words_json(&words);
    char *log = text_print("%s/loadgen.log", cell->draft);
    struct process_spec spec = {.argv = as_argv(&words),
                                .cpus = &cell->setting->placement->generator,
                                .error_path = log,
                                .keep_output = cell->recording.wanted};
    int result = process_start(cell->setting->custody, &cell->generator, &spec);
    if (result < 0) {
        result = fail(cell, text_print("%s cannot be started: %s", words.items[0], strerror(-result)));
    } else {
        result = wait_for_generator(cell);
        recording_end(&cell->recording);
        process_stop(cell->setting->custody, &cell->generator, 0);
        if (!result)
            result = judge_generator(cell);
    }
    free(log);
    names_free(&words);
    return result;
}

/* The same server once more, by another generator: after everything that is measured of it has been read. */
static int cross_check(struct cell *cell)
{
    char *program = cell->experiment->crosscheck ? crosscheck_program(cell->experiment->crosscheck) : NULL;
    if (!program)
        return 0; /* not asked for, or said before the run that it is missing */
    char *url = text_print("%s%s", cell->runner.url, request_of(cell));
    struct crosscheck check = {.custody = cell->setting->custody,
                               .experiment = cell->experiment,
                               .url = url,
                               .cpus = &cell->setting->placement->generator,
                               .threads = generator_threads(cell),
                               .ours = json_number_at(cell->load, "rate", "achieved", 0)};
    json_t *json = crosscheck_run(&check);
    char *path = text_print("%s/crosscheck.json", cell->draft);
    int result = json ? file_write_json(path, json) : -EINTR;
    free(path);
    free(url);
    free(program);
    json_decref(json);
    return result;
}

/* ---- the end ---- */

/* An interrupted run does not wait for a drain. */
static void stop_server(struct cell *cell)
{
    struct custody *custody = cell->setting->custody;
    uint64_t begin_ns = clock_now_ns();
    bool ran = cell->runner.runs;
    runner_stop(&cell->runner, custody->interrupted_by ? 0 : UINT64_MAX);
    cell->stop_ns = clock_now_ns() - begin_ns;
    cell->left_behind = custody_clear(custody, custody->interrupted_by ? 0 : ORPHAN_GRACE_NS);
    runner_tidy(&cell->runner);
    if (custody->interrupted_by || !ran)
        return;
    if (!cell->runner.stopped_by_term)
        add_word(&cell->notes,
                 text_print("TERM did not stop it within %d s: killed", (int)(runner_grace_ns(&cell->runner) / CLOCK_NS_PER_S)));
    if (cell->left_behind)
        add_word(&cell->notes, text_print("%d processes were left behind and were killed", cell->left_behind));
}

static json_t *load_json(const struct cell *cell)
{
    const struct load *load = &cell->experiment->loads[cell->plan->load];
    char *label = load_label(load);
    json_t *json = json_pack("{s:s, s:f, s:s, s:i, s:i}", "label", label, "rate", cell_rate(cell->setting->plan, cell->plan),
                             "request", request_of(cell), "connections", (int)cell->experiment->connections,
                             "requests_per_connection", (int)cell->experiment->requests_per_connection);
    free(label);
    return json;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *window_json(const struct cell *cell, const struct window *window)
{
    return json_pack("{s:f, s:I, s:I, s:s, s:f, s:f, s:o, s:o, s:o, s:f, s:f, s:o}", "wall_us",
                     (double)(cell->end_ns - cell->begin_ns) / 1e3, "requests", (json_int_t)window->requests, "connections",
                     (json_int_t)window->connections, "counted_by", window->by_server ? "server" : "generator", "cpu_us",
                     window->cpu_us, "cpu_us_per_request", window->cpu_us_per_request, "cpu_user_us_per_request",
                     real_or_null(window->user_us_per_request), "cpu_system_us_per_request",
                     real_or_null(window->system_us_per_request), "cpu_front_us_per_request",
                     real_or_null(window->front_us_per_request), "busy_us", window->busy_us, "generator_cpu_us",
                     (double)cell->generator_cpu_ns / 1e3, "hit_percent", real_or_null(window->hit_percent));
}

static json_t *or_null(json_t *json)
{
    return json ? json_incref(json) : json_null();
}

static json_t *server_json(const struct cell *cell, const struct window *window)
{
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.cell/1"));
    json_object_set_new(json, "block", json_integer(cell->block));
    json_object_set_new(json, "experiment", json_string(cell->experiment->name));
    json_object_set_new(json, "strategy", json_string(cell->plan->strategy));
    json_object_set_new(json, "again", json_boolean(cell->plan->again));
    json_object_set_new(json, "workers", json_integer(cell->plan->workers));
    json_object_set_new(json, "load", load_json(cell));
    json_object_set_new(json, "seed", json_integer((json_int_t)cell->seed));
    json_object_set_new(json, "placement", placement_json(cell->setting->placement));
    json_object_set_new(json, "ranked", json_boolean(!cell->failure));
    json_object_set_new(json, "failure", cell->failure ? json_string(cell->failure) : json_null());
    json_object_set_new(json, "notes", words_json(&cell->notes));
    json_object_set_new(json, "server_command", or_null(cell->runner.command));
    json_object_set_new(json, "generator_command", or_null(cell->generator_command));
    json_object_set_new(json, "startup_us", json_real((double)cell->runner.startup_ns / 1e3));
    json_object_set_new(json, "stop",
                        json_pack("{s:f, s:b, s:i}", "us", (double)cell->stop_ns / 1e3, "by_term", cell->runner.stopped_by_term,
                                  "left_behind", cell->left_behind));
    json_object_set_new(json, "window", window_json(cell, window));
    json_object_set_new(json, "memory",
                        json_pack("{s:I, s:I, s:i}", "pss_loaded_bytes", (json_int_t)cell->loaded.pss_bytes, "pss_after_bytes",
                                  (json_int_t)cell->after.pss_bytes, "processes", (int)cell->after.processes));
    json_object_set_new(json, "status_before", or_null(cell->status_before));
    json_object_set_new(json, "status", or_null(cell->status_after));
    return json;
}

static void drop_if_empty(const char *folder, const char *file)
{
    char *path = text_print("%s/%s", folder, file);
    struct stat stat_of;
    if (stat(path, &stat_of) == 0 && stat_of.st_size == 0)
        unlink(path);
    free(path);
}

static int write_down(struct cell *cell, struct cell_outcome *outcome)
{
    struct evidence evidence = {.plan = cell->setting->plan,
                                .cell = cell->plan,
                                .before = &cell->before,
                                .after = &cell->after,
                                .status_before = cell->status_before,
                                .status_after = cell->status_after,
                                .load = cell->load,
                                .generator_cpu_ns = cell->generator_cpu_ns,
                                .wall_ns = cell->end_ns - cell->begin_ns};
    struct window window = {0};
    if (!cell->failure) {
        judge_window(&evidence, &window);
        cell->failure = judge_cell(&evidence, &window, &cell->notes, &outcome->spoiled);
        outcome->repeat = outcome->spoiled && cell->setting->may_repeat;
    }
    if (!cell->failure && cell->recording.undone) /* who was spared an event must not be held against who was not */
        cell->failure = text_copy(cell->recording.undone);
    outcome->own_cpu_ns = (uint64_t)(window.cpu_us * 1e3) + cell->generator_cpu_ns + cell->recording.commands_cpu_ns;
    char *path = text_print("%s/server.json", cell->draft);
    json_t *json = server_json(cell, &window);
    int result = file_write_json(path, json);
    json_decref(json);
    if (!result && cell->load) {
        text_replace(&path, text_print("%s/workers.csv", cell->draft));
        result = judge_write_workers(path, &evidence);
    }
    free(path);
    if (!result)
        result = recording_write(&cell->recording);
    drop_if_empty(cell->draft, "server.log");
    drop_if_empty(cell->draft, "loadgen.log");
    return result;
}

static void free_cell(struct cell *cell)
{
    json_decref(cell->generator_command);
    json_decref(cell->status_before);
    json_decref(cell->status_after);
    json_decref(cell->load);
    runner_close(&cell->runner);
    recording_close(&cell->recording);
    names_free(&cell->server_options);
    free(cell->draft);
    free(cell->failure);
    free(cell->name);
    names_free(&cell->notes);
}

static int measure(struct cell *cell)
{
    static int (*const steps[])(struct cell *) = {start_server, read_before, apply_load, read_after, cross_check};
    int result = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !result; i++)
        result = steps[i](cell);
    stop_server(cell);
    if (cell->setting->custody->interrupted_by)
        return -EINTR;
    if (result == -ECANCELED) /* a full disk is not the server's failure */
        result = folder_probe(cell->draft);
    return result;
}

int cell_run(const struct cell_setting *setting, const struct cell_plan *plan, unsigned block, struct cell_outcome *outcome)
{
    *outcome = (struct cell_outcome){0};
    struct cell cell = {.runner.near_fd = -1,
                        .setting = setting,
                        .plan = plan,
                        .experiment = &setting->plan->experiments[plan->experiment],
                        .block = block};
    cell.seed = cell_seed(cell.experiment->seed ? cell.experiment->seed : setting->seed, block, plan->experiment, plan->load);
    cell.name = cell_name(setting->plan, plan, block);
    cell.draft = text_print("%s/cells/%s.tmp", setting->folder, cell.name);
    char *final = text_print("%s/cells/%s", setting->folder, cell.name);
    recording_open(&cell.recording, cell.experiment, cell.draft, &cell.notes);
    recording_server_words(&cell.recording, &cell.server_options);
    int result = mkdir(cell.draft, 0777) < 0 ? -errno : 0;
    if (!result) {
        cell.running = (struct runner_setting){.custody = setting->custody,
                                               .contender = setting->contender,
                                               .programs = setting->programs,
                                               .folder = cell.draft,
                                               .cpus = &setting->placement->server,
                                               .workers = plan->workers,
                                               .options = &cell.server_options};
        result = measure(&cell);
        if (!result)
            result = write_down(&cell, outcome);
        if (!result && !outcome->repeat && rename(cell.draft, final) < 0)
            result = -errno;
        if (result || outcome->repeat)
            folder_remove(cell.draft);
    }
    if (!result) {
        outcome->name = text_copy(cell.name);
        outcome->failure = cell.failure ? text_copy(cell.failure) : NULL;
    }
    free(final);
    free_cell(&cell);
    return result;
}
