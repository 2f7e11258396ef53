/*
 * runner: a start has two ways in and one way on.
 *
 * A program of ours is told port 0 and says in its ready line where it listens. A peer must be told a port: one is got from the
 * kernel and given back just before the peer takes it; should another program have been quicker, the peer says so in its log and is
 * started again on another one. It is ready when its /healthz answers 200.
 *
 * What a peer writes (pid files, sockets, temporary files) goes into a folder of the cell that is removed when it is stopped; its
 * rendered configuration and its log stay in the results. It runs in the foreground, below the harness: no daemon, no service.
 *
 * Rule: it fails with a reason, and what was started is known to the runner at any moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#include "fetch.h"
#include "folder.h"
#include "runner.h"

#define READY_DEADLINE_NS (10 * CLOCK_NS_PER_S)
#define STOP_GRACE_NS     (3 * CLOCK_NS_PER_S)
#define LOOK_AGAIN_NS     (2 * CLOCK_NS_PER_MS) /* between two questions whether it is ready */
#define ANSWER_NS         (1 * CLOCK_NS_PER_S)
#define TRIES_MOST        3u
#define LOG_LIMIT         (1u << 20)

/* The first reason stays. */
static int fail(struct runner *runner, char *reason)
{
    if (runner->failure)
        free(reason);
    else
        runner->failure = reason;
    return -ECANCELED;
}

static void add_word(struct names *words, char *word)
{
    names_add(words, word);
    free(word);
}

/* A names list is an argv once a NULL stands behind it. */
static char *const *as_argv(struct names *words)
{
    words->items = memory_grow(words->items, (words->count + 1) * sizeof(*words->items));
    words->items[words->count] = NULL;
    return words->items;
}

static void keep_command(struct runner *runner, const struct names *words)
{
    json_decref(runner->command);
    runner->command = json_array();
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(runner->command, json_string(words->items[i]));
}

static char *read_log(const struct runner *runner)
{
    char *path = text_print("%s/server.log", runner->setting->folder), *text = NULL;
    size_t length;
    if (file_read(path, LOG_LIMIT, &text, &length) < 0)
        text = text_copy("");
    free(path);
    return text;
}

/* ": the last line of its log", or "". */
static char *last_words(const struct runner *runner)
{
    char *path = text_print("%s/server.log", runner->setting->folder), *words = process_last_words(path);
    free(path);
    return words;
}

static int fail_with_last_words(struct runner *runner, char *reason)
{
    char *words = last_words(runner);
    int result = fail(runner, text_print("%s%s", reason, words));
    free(words);
    free(reason);
    return result;
}

/* ---- programs of ours: the ready line ---- */

/* "ready http://127.0.0.1:4711 strategy=shared workers=2 pid=99 admin=http://127.0.0.1:4712" */
static bool take_ready_line(char *line, char **url, char **admin)
{
    struct names words = {0};
    text_words(&words, line);
    bool ready = words.count >= 2 && !strcmp(words.items[0], "ready") && !strncmp(words.items[1], "http://", 7);
    for (size_t i = 0; ready && i < words.count; i++) {
        char *word = words.items[i];
        size_t length = strlen(word);
        if (length && word[length - 1] == '/')
            word[length - 1] = '\0';
        if (i == 1)
            text_replace(url, text_copy(word));
        else if (admin && !strncmp(word, "admin=", 6))
            text_replace(admin, text_copy(word + 6));
    }
    names_free(&words);
    return ready;
}

static int read_ready_line(struct runner *runner, struct process *process, const char *name, char **url, char **admin)
{
    struct custody *custody = runner->setting->custody;
    char line[1024];
    int result = process_read_line(custody, process, line, sizeof(line), process->started_ns + READY_DEADLINE_NS);
    if (result >= 0)
        return take_ready_line(line, url, admin) ? 0 : fail(runner, text_print("'%.200s' is no ready line", text_tame(line)));
    if (result == -EINTR)
        return result;
    if (result == -ETIMEDOUT)
        return fail(runner, text_print("no ready line within %d s", (int)(READY_DEADLINE_NS / CLOCK_NS_PER_S)));
    if (result == -EMSGSIZE)
        return fail(runner, text_print("its first line is longer than %zu bytes: no ready line", sizeof(line) - 1));
    if (process_wait(custody, process, clock_now_ns() + CLOCK_NS_PER_S, HEED_SIGNALS) == -ETIMEDOUT)
        return fail_with_last_words(runner, text_print("%s closed its output without a ready line", name));
    char *end = process_describe_end(process);
    result = fail_with_last_words(runner, text_print("%s %s before it was ready", name, end));
    free(end);
    return result;
}

static void contract_words(struct names *words, const char *program, unsigned workers)
{
    names_add(words, program);
    names_add(words, "--listen");
    names_add(words, "127.0.0.1:0");
    names_add(words, "--admin");
    names_add(words, "127.0.0.1:0");
    names_add(words, "--workers");
    add_word(words, text_print("%u", workers));
}

static int launch(struct runner *runner, struct process *process, struct names *words, const struct process_spec *how)
{
    struct process_spec spec = *how;
    spec.argv = as_argv(words);
    spec.cpus = runner->setting->cpus;
    int result = process_start(runner->setting->custody, process, &spec);
    return result < 0 ? fail(runner, text_print("%s cannot be started: %s", words->items[0], strerror(-result))) : 0;
}

static int start_program(struct runner *runner)
{
    const struct contender *contender = runner->setting->contender;
    struct names words = {0};
    contract_words(&words, contender->program, runner->setting->workers);
    for (size_t i = 0; i < contender->options.count; i++)
        names_add(&words, contender->options.items[i]);
    for (size_t i = 0; runner->setting->options && i < runner->setting->options->count; i++)
        names_add(&words, runner->setting->options->items[i]);
    keep_command(runner, &words);
    char *log = text_print("%s/server.log", runner->setting->folder);
    int result = launch(runner, &runner->server, &words, &(struct process_spec){.error_path = log, .keep_output = true});
    names_free(&words);
    free(log);
    if (result)
        return result;
    runner->server.name = contender->name;
    runner->runs = true;
    return read_ready_line(runner, &runner->server, contender->name, &runner->url, &runner->admin);
}

/* ---- backends of a peer ---- */

static int start_backend(struct runner *runner, const char *program, size_t index)
{
    struct names words = {0};
    char *log = text_print("%s/backend-%zu.log", runner->scratch, index), *url = NULL;
    contract_words(&words, program, 1);
    struct process *backend = &runner->backends[index];
    int result = launch(runner, backend, &words, &(struct process_spec){.error_path = log, .keep_output = true});
    if (!result) {
        runner->backend_count++;
        result = read_ready_line(runner, backend, "a backend", &url, NULL);
    }
    const char *colon = url ? strrchr(url, ':') : NULL;
    runner->ports[index] = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
    free(url);
    free(log);
    names_free(&words);
    return result;
}

static int start_backends(struct runner *runner)
{
    const struct manifest *peer = runner->setting->contender->peer;
    unsigned count = peer->backends ? runner->setting->workers : 0;
    runner->backends = memory_get(count * sizeof(*runner->backends));
    runner->ports = memory_get(count * sizeof(*runner->ports));
    char *program = text_print("%s/%s", runner->setting->programs, peer->backends);
    int result = 0;
    for (unsigned i = 0; i < count && !result; i++)
        result = start_backend(runner, program, i);
    free(program);
    return result;
}

/* ---- a peer's configuration ---- */

/* One that was free a moment ago. 0 or negative errno. */
static int free_port(unsigned *port)
{
    struct net_address address;
    int result = net_parse_address("127.0.0.1:0", &address);
    int fd = result < 0 ? result : net_bind(&address, 0);
    if (fd < 0)
        return fd;
    result = net_local_address(fd, &address);
    *port = net_port(&address);
    close(fd);
    return result;
}

static void set_number(struct values *values, const char *name, unsigned number)
{
    char *text = text_print("%u", number);
    values_set(values, name, text);
    free(text);
}

static void set_user(struct values *values)
{
    const struct passwd *user = getpwuid(geteuid());
    values_set(values, "user", user ? user->pw_name : "nobody");
    const struct group *group = getgrgid(getegid());
    values_set(values, "group", group ? group->gr_name : "nogroup");
}

static void set_cpus(struct values *values, const struct cpu_list *cpus)
{
    char text[512] = "";
    struct cpu_list allowed = {0};
    if (!cpus && cpus_allowed(&allowed) == 0)
        cpus = &allowed;
    if (cpus)
        cpus_format(cpus, text, sizeof(text));
    values_set(values, "cpus", text);
}

static int set_values(struct runner *runner)
{
    const struct runner_setting *setting = runner->setting;
    const struct manifest *peer = setting->contender->peer;
    unsigned port = 0;
    int result = free_port(&port);
    if (result < 0)
        return fail(runner, text_print("no free port: %s", strerror(-result)));
    for (size_t i = 0; i < peer->values.count; i++)
        values_set(&runner->values, peer->values.items[i].name, peer->values.items[i].text);
    char *config = text_print("%s/../config", runner->scratch),
         *near = text_print("/proc/%d/fd/%d", (int)getpid(), runner->near_fd);
    char *plain = realpath(config, NULL), *own = realpath(peer->folders.items[peer->folders.count - 1], NULL);
    values_set(&runner->values, "name", setting->contender->name);
    set_number(&runner->values, "port", port);
    set_number(&runner->values, "workers", setting->workers);
    set_cpus(&runner->values, setting->cpus);
    set_user(&runner->values);
    values_set(&runner->values, "folder", runner->scratch);
    values_set(&runner->values, "near", near);
    values_set(&runner->values, "config", plain ? plain : config);
    values_set(&runner->values, "peer", own ? own : ".");
    text_replace(&runner->url, text_print("http://127.0.0.1:%u", port));
    free(own);
    free(plain);
    free(near);
    free(config);
    return 0;
}

/* A template's text with its values in place; NULL with the failure noted. */
static char *render(struct runner *runner, const char *file, const char *text)
{
    struct backend_ports backends = {runner->ports, runner->backend_count};
    char error[TEMPLATE_ERROR_SIZE], *rendered = template_render(file, text, &runner->values, &backends, error);
    if (!rendered)
        fail(runner, text_copy(error));
    return rendered;
}

static int write_file(struct runner *runner, const char *path, const char *text)
{
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (!result) {
        fputs(text, draft.out);
        result = file_commit(&draft);
    }
    return result ? fail(runner, text_print("%s: %s", path, strerror(-result))) : 0;
}

static int render_file(struct runner *runner, const char *name)
{
    char *from = manifest_file(runner->setting->contender->peer, name), *text = NULL, *rendered = NULL;
    char *to = text_print("%s/config/%s", runner->setting->folder, name);
    size_t length;
    int result = from ? file_read(from, LOG_LIMIT, &text, &length) : -ENOENT;
    if (result < 0)
        result = fail(runner, text_print("template %s: %s", name, strerror(-result)));
    else
        rendered = render(runner, from, text);
    if (rendered)
        result = write_file(runner, to, rendered);
    free(rendered);
    free(text);
    free(to);
    free(from);
    return rendered || result ? result : -ECANCELED;
}

static int render_all(struct runner *runner)
{
    const struct names *templates = &runner->setting->contender->peer->templates;
    int result = 0;
    for (size_t i = 0; i < templates->count && !result; i++)
        result = render_file(runner, templates->items[i]);
    return result;
}

/* ---- a peer ---- */

static int make_folders(struct runner *runner)
{
    char *config = text_print("%s/config", runner->setting->folder), *scratch = text_print("%s/scratch", runner->setting->folder);
    int result = folder_make(config);
    if (!result)
        result = folder_make(scratch);
    runner->scratch = result ? NULL : realpath(scratch, NULL);
    if (runner->scratch)
        runner->near_fd = open(runner->scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (runner->near_fd < 0 && !result)
        result = -errno;
    if (result)
        fail(runner, text_print("%s: %s", scratch, strerror(-result)));
    free(scratch);
    free(config);
    return result ? -ECANCELED : 0;
}

/* The words of a command line, by their templates: "command" is the manifest's key. */
static int render_command(struct runner *runner, const char *key, const char *command, struct names *words)
{
    struct names templates = {0};
    int result = 0;
    text_words(&templates, command);
    for (size_t i = 0; i < templates.count && !result; i++) {
        char *word = render(runner, key, templates.items[i]);
        if (word)
            add_word(words, word);
        else
            result = -ECANCELED;
    }
    names_free(&templates);
    return result;
}

static int launch_peer(struct runner *runner)
{
    const struct contender *contender = runner->setting->contender;
    struct names words = {0};
    int result = render_command(runner, "command", contender->peer->command, &words);
    char *log = text_print("%s/../server.log", runner->scratch); /* its working directory is another one than ours */
    keep_command(runner, &words);
    /* TERM, not KILL, should the harness be killed: a peer's workers hear of its end from it alone */
    struct process_spec how = {.error_path = log, .join = true, .folder = runner->scratch, .death_signal = SIGTERM};
    if (!result)
        result = launch(runner, &runner->server, &words, &how);
    if (!result) {
        runner->server.name = contender->name;
        runner->runs = true;
    }
    free(log);
    names_free(&words);
    return result;
}

/* So that a mistake in it is told before the load, and not in the midst of it. */
static int prepare_reload(struct runner *runner)
{
    const struct manifest *peer = runner->setting->contender->peer;
    names_free(&runner->reload);
    if (!peer->reload || manifest_reload_signal(peer))
        return 0;
    set_number(&runner->values, "pid", (unsigned)runner->server.pid);
    int result = render_command(runner, "reload", peer->reload, &runner->reload);
    as_argv(&runner->reload);
    return result;
}

/* GET: 0 with the body (the caller frees), -EAGAIN when there is no 200 yet. */
static int ask(const struct runner *runner, const char *path, char **body)
{
    struct net_address address;
    struct fetch_answer answer = {0};
    uint64_t deadline_ns = clock_now_ns() + ANSWER_NS;
    struct fetch_request request = {.method = "GET", .target = path, .deadline_ns = deadline_ns};
    int result = fetch_parse_address(runner->url, &address);
    if (!result)
        result = fetch(&address, &request, &answer);
    if (!result && answer.status == 200) {
        *body = answer.body;
        return 0;
    }
    free(answer.body);
    return -EAGAIN;
}

/* Waits a moment for nothing but the end of the server. 0 to go on. */
static int pause_before_next_look(struct runner *runner, uint64_t deadline_ns)
{
    int result = process_wait(runner->setting->custody, &runner->server, clock_now_ns() + LOOK_AGAIN_NS, HEED_SIGNALS);
    if (result == -EINTR)
        return result;
    if (result == 0) {
        char *end = process_describe_end(&runner->server);
        result = fail_with_last_words(runner, text_print("%s %s before it was ready", runner->server.name, end));
        free(end);
        return result;
    }
    if (clock_now_ns() < deadline_ns)
        return 0;
    return fail_with_last_words(runner,
                                text_print("%s did not answer within %llu s", runner->server.name,
                                           (unsigned long long)((deadline_ns - runner->server.started_ns) / CLOCK_NS_PER_S)));
}

/* Until the path has been answered in `kinds` ways: 1 is one worker, any. */
static int await_answers(struct runner *runner, const char *path, unsigned kinds, uint64_t deadline_ns)
{
    struct names seen = {0};
    int result = 0;
    while (!result && seen.count < kinds) {
        char *body = NULL;
        if (ask(runner, path, &body) == 0 && !names_hold(&seen, body))
            names_add(&seen, body);
        free(body);
        if (seen.count < kinds)
            result = pause_before_next_look(runner, deadline_ns);
    }
    names_free(&seen);
    return result;
}

static int await_peer(struct runner *runner)
{
    const struct manifest *peer = runner->setting->contender->peer;
    uint64_t deadline_ns = runner->server.started_ns + peer->ready_within_ns;
    int result = await_answers(runner, peer->ready, 1, deadline_ns);
    if (!result && peer->ready_all)
        result = await_answers(runner, peer->ready_all, runner->setting->workers, deadline_ns);
    return result;
}

/* Another program had the port: not the peer's fault. Forgets the failure. */
static bool found_port_taken(struct runner *runner)
{
    const char *busy = runner->setting->contender->peer->busy;
    char *log = read_log(runner);
    bool taken = busy && strstr(log, busy);
    free(log);
    return taken;
}

static int try_peer(struct runner *runner)
{
    static int (*const steps[])(struct runner *) = {set_values, render_all, launch_peer, prepare_reload, await_peer};
    int result = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !result; i++)
        result = steps[i](runner);
    return result;
}

static void stop_front(struct runner *runner, uint64_t grace_ns)
{
    if (runner->runs)
        runner->stopped_by_term = process_stop(runner->setting->custody, &runner->server, grace_ns);
    runner->runs = false;
}

static int start_peer(struct runner *runner)
{
    int result = make_folders(runner);
    if (!result)
        result = start_backends(runner);
    if (!result)
        result = try_peer(runner);
    for (unsigned tries = 1; result == -ECANCELED && runner->runs && tries < TRIES_MOST && found_port_taken(runner); tries++) {
        stop_front(runner, runner_grace_ns(runner));
        text_replace(&runner->failure, NULL);
        result = try_peer(runner);
    }
    return result;
}

/* ---- what cells need ---- */

int runner_start(struct runner *runner, const struct runner_setting *setting)
{
    *runner = (struct runner){.setting = setting, .near_fd = -1};
    uint64_t begin_ns = clock_now_ns();
    int result = setting->contender->peer ? start_peer(runner) : start_program(runner);
    runner->startup_ns = clock_now_ns() - (runner->runs ? runner->server.started_ns : begin_ns);
    return result;
}

static void add_usage(struct tree_usage *sum, const struct tree_usage *usage)
{
    sum->cpu_ns += usage->cpu_ns;
    sum->user_ns += usage->user_ns;
    sum->system_ns += usage->system_ns;
    sum->pss_bytes += usage->pss_bytes;
    sum->processes += usage->processes;
    sum->identity += usage->identity;
}

int runner_cpu(const struct runner *runner, struct tree_usage *usage)
{
    int result = tree_cpu(runner->server.pid, usage);
    usage->front_ns = runner->backend_count ? usage->cpu_ns : 0;
    for (size_t i = 0; i < runner->backend_count && !result; i++) {
        struct tree_usage backend = {0};
        if (runner->backends[i].killed_on_purpose)
            backend.cpu_ns = process_cpu_ns(&runner->backends[i]);
        else
            result = tree_cpu(runner->backends[i].pid, &backend);
        add_usage(usage, &backend);
    }
    return result;
}

int runner_memory(const struct runner *runner, struct tree_usage *usage)
{
    int result = tree_memory(runner->server.pid, usage);
    for (size_t i = 0; i < runner->backend_count && !result; i++) {
        struct tree_usage backend = {0};
        if (runner->backends[i].killed_on_purpose)
            continue;
        result = tree_memory(runner->backends[i].pid, &backend);
        add_usage(usage, &backend);
    }
    return result;
}

bool runner_lives(const struct runner *runner)
{
    bool lives = runner->runs && !runner->server.ended;
    for (size_t i = 0; i < runner->backend_count; i++)
        lives &= !runner->backends[i].ended || runner->backends[i].killed_on_purpose;
    return lives;
}

struct faults_server runner_met_by_faults(const struct runner *runner)
{
    const struct manifest *peer = runner->setting->contender->peer;
    return (struct faults_server){.top = &runner->server,
                                  .admin = runner->admin,
                                  .workers = runner->setting->workers,
                                  .children = peer && peer->children,
                                  .backends = runner->backends,
                                  .backend_count = runner->backend_count,
                                  .reload_signal = peer ? manifest_reload_signal(peer) : 0,
                                  .reload_command = runner->reload.count ? runner->reload.items : NULL};
}

uint64_t runner_grace_ns(const struct runner *runner)
{
    const struct manifest *peer = runner->setting->contender->peer;
    return peer ? peer->grace_ns : STOP_GRACE_NS;
}

void runner_stop(struct runner *runner, uint64_t grace_ns)
{
    stop_front(runner, grace_ns == UINT64_MAX ? runner_grace_ns(runner) : grace_ns);
    for (size_t i = 0; i < runner->backend_count; i++)
        process_stop(runner->setting->custody, &runner->backends[i], grace_ns ? STOP_GRACE_NS : 0);
    runner->backend_count = 0;
}

void runner_tidy(struct runner *runner)
{
    if (runner->near_fd >= 0)
        close(runner->near_fd);
    runner->near_fd = -1;
    if (runner->scratch)
        folder_remove(runner->scratch);
    free(runner->scratch);
    runner->scratch = NULL;
}

void runner_close(struct runner *runner)
{
    runner_tidy(runner);
    json_decref(runner->command);
    values_free(&runner->values);
    names_free(&runner->reload);
    free(runner->backends);
    free(runner->ports);
    free(runner->url);
    free(runner->admin);
    free(runner->failure);
    *runner = (struct runner){.near_fd = -1};
}
