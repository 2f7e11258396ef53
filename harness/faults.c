/*
 * faults: one small state machine an occasion.
 *
 *   WAITING -> LOOKING -> READY -> HOLDING -> OVER      kill, stop and slow of a worker: whose process is it? GET /status tells
 *   WAITING -> READY -> HOLDING -> OVER                 where it is no /status that tells: a backend, a child process
 *   WAITING -> HOLDING -> OVER                          the same with the whole server
 *   WAITING -> ORDERED -> OVER                          reload, scale, drain: a POST, a signal, a command
 *
 * The look for a process begins a little before the fault is due; from then on it is held (grip.h). A process that is not below
 * the server is left alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"

#include "errand.h"
#include "faults.h"
#include "grip.h"
#include "roster.h"
#include "sight.h"
#include "tree.h"

#define LOOK_AHEAD_NS  (50 * CLOCK_NS_PER_MS)
#define ASK_EVERY_NS   (1 * CLOCK_NS_PER_MS)  /* between two looks whether an answer has come */
#define WATCH_EVERY_NS (20 * CLOCK_NS_PER_MS) /* workers that come and go */
#define SLOW_PERIOD_NS (10 * CLOCK_NS_PER_MS) /* of stopping and going on */

#define SERVER_ENDED "the server has ended"

enum stage { WAITING, LOOKING, READY, ORDERED, HOLDING, OVER };

struct deed {
    struct occasion occasion; /* its times by clock_now_ns */
    enum stage stage;
    struct errand *errand;
    struct process command; /* under way while `commanded` */
    bool commanded;
    struct process *backend; /* NULL: it is none */
    struct grip grip;
    bool hits_top;    /* one of them is the top process */
    bool stopped;     /* they are, now */
    uint64_t next_ns; /* HOLDING: when to stop them or let them go on */
};

struct faults {
    const struct faults_setting *setting;
    struct deed *deeds;
    unsigned count;
    int stop_fd;            /* all errands end when it is readable */
    struct roster roster;   /* of a server whose workers are processes that can be seen */
    uint64_t next_watch_ns; /* UINT64_MAX: there is no such */
    uint64_t top_killed_ns;
};

/* Once it was waited for, its number may be another's. */
static bool lives(const struct faults_server *server)
{
    return !server->top->ended && kill(server->top->pid, 0) == 0;
}

/* ---- records ---- */

static char *worker_of(const struct fault *fault)
{
    bool has_number =
        fault->kind == FAULT_KILL || fault->kind == FAULT_STOP || fault->kind == FAULT_SLOW || fault->kind == FAULT_DRAIN;
    if (!has_number || fault->target == TARGET_SERVER)
        return text_copy("");
    return text_print(fault->target == TARGET_FRONT ? "front-%u" : "%u", fault->number);
}

static void take_down(struct faults *faults, const struct deed *deed, uint64_t at_ns, const char *event, const char *text)
{
    char *worker = worker_of(deed->occasion.fault);
    timeline_note(faults->setting->timeline, at_ns, event, worker, text);
    free(worker);
}

/* It is over without having been done. */
static void give_up(struct faults *faults, struct deed *deed, const char *why)
{
    const struct fault *fault = deed->occasion.fault;
    char at[UNITS_TEXT_SIZE];
    uint64_t at_ns = deed->occasion.at_ns - faults->setting->timeline->begin_ns;
    char *text = text_print("%s: %s", fault->text, why), *note = text_print("event at %s: %s", units_format_time(at_ns, at), text);
    take_down(faults, deed, clock_now_ns(), "fault-failed", text);
    names_add(faults->setting->notes, note);
    if (!faults->top_killed_ns && lives(&faults->setting->server) && !*faults->setting->undone)
        *faults->setting->undone = text_print("the event at %s was not carried out: %s", at, text);
    free(note);
    free(text);
    deed->stage = OVER;
}

/* ---- errands ---- */

static bool send_errand(struct faults *faults, struct deed *deed, const char *method, const char *target)
{
    const char *why = errand_send(&deed->errand, faults->setting->server.admin, method, target, faults->stop_fd);
    if (why)
        give_up(faults, deed, why);
    return !why;
}

static void end_errand(struct deed *deed)
{
    errand_end(deed->errand);
    deed->errand = NULL;
}

/* ---- processes ---- */

static int add_process(struct faults *faults, struct deed *deed, pid_t pid)
{
    deed->hits_top |= pid == faults->setting->server.top->pid;
    return grip_add(&deed->grip, pid);
}

static int add_top(struct faults *faults, struct deed *deed)
{
    const struct process *top = faults->setting->server.top;
    return top->ended ? -ESRCH : add_process(faults, deed, top->pid);
}

/* The top first: what is stopped starts nobody. */
static int add_server(struct faults *faults, struct deed *deed)
{
    struct tree tree = {0};
    int result = add_top(faults, deed);
    if (!result)
        result = tree_descendants(faults->setting->server.top->pid, &tree);
    for (unsigned i = 0; i < tree.count && !result; i++) {
        int error = add_process(faults, deed, tree.pids[i]);
        result = error == -ESRCH ? 0 : error; /* gone since */
    }
    tree_free(&tree);
    return result;
}

static bool is_ours(const struct faults *faults, pid_t pid)
{
    struct tree tree = {0};
    const struct process *top = faults->setting->server.top;
    bool found = !top->ended && pid == top->pid;
    if (!found && !top->ended && tree_descendants(top->pid, &tree) == 0)
        for (unsigned i = 0; i < tree.count; i++)
            found |= tree.pids[i] == pid;
    tree_free(&tree);
    return found;
}

/* Has it workers whose processes can be seen? */
static bool is_watched(const struct faults_server *server)
{
    return server->children || server->backend_count;
}

/* Nobody starts backends again. */
static int look_around(struct faults *faults)
{
    const struct faults_server *server = &faults->setting->server;
    for (size_t i = 0; i < server->backend_count; i++)
        faults->roster.pids[i] = server->backends[i].ended ? 0 : server->backends[i].pid;
    for (unsigned i = 0; !server->backend_count && server->top->ended && i < faults->roster.count; i++)
        faults->roster.pids[i] = 0;
    return server->backend_count || server->top->ended ? 0 : roster_look(&faults->roster, server->top->pid);
}

/* Takes down which workers came and went since the last look. 0 or negative errno. */
static int watch(struct faults *faults)
{
    struct roster *roster = &faults->roster;
    struct timeline *timeline = faults->setting->timeline;
    size_t size = roster->count * sizeof(*roster->pids);
    pid_t *before = memory_get(size + 1);
    memcpy(before, roster->pids, size);
    int result = look_around(faults);
    uint64_t now_ns = clock_now_ns();
    for (unsigned i = 0; i < roster->count; i++) {
        if (before[i] && before[i] != roster->pids[i])
            timeline_miss(timeline, now_ns, i, before[i]);
        if (roster->pids[i] && before[i] != roster->pids[i])
            timeline_see(timeline, now_ns, i, roster->pids[i]);
    }
    timeline_look(timeline, now_ns);
    faults->next_watch_ns = now_ns + WATCH_EVERY_NS;
    free(before);
    return result;
}

/* Worker N of a server that cannot be asked. 0 or negative errno. */
static int add_worker(struct faults *faults, struct deed *deed)
{
    const struct faults_server *server = &faults->setting->server;
    unsigned number = deed->occasion.fault->number;
    int result = watch(faults);
    pid_t pid = !result && number < faults->roster.count ? faults->roster.pids[number] : 0;
    deed->backend = pid && server->backend_count ? &server->backends[number] : NULL;
    if (!pid)
        return result ? result : -ESRCH;
    result = add_process(faults, deed, pid);
    /* now that it is held: is it still the one that was seen? */
    return !result && !deed->backend && !tree_is_child(server->top->pid, pid) ? -ESRCH : result;
}

/* The process of the life that serves, or else of any; 0: there is none. */
static pid_t find_pid(const struct sight *sight, const struct fault *fault)
{
    pid_t found = 0;
    for (unsigned i = 0; i < sight->count; i++) {
        const struct sight_row *row = &sight->rows[i];
        if (row->front != (fault->target == TARGET_FRONT) || row->index != fault->number || row->pid <= 0)
            continue;
        if (!found || (strcmp(row->state, "draining") != 0 && strcmp(row->state, "ending") != 0))
            found = row->pid;
    }
    return found;
}

static pid_t read_pid(const struct errand *errand, const struct fault *fault)
{
    struct sight sight;
    const struct fetch_answer *answer = errand_answer(errand);
    json_t *status = answer->status == 200 ? json_loads(answer->body, 0, NULL) : NULL;
    pid_t pid = 0;
    if (sight_read(&sight, status) == 0) {
        pid = find_pid(&sight, fault);
        sight_close(&sight);
    }
    json_decref(status);
    return pid;
}

/* ---- what is done when it is due ---- */

static void let_go(struct faults *faults, struct deed *deed)
{
    grip_signal(&deed->grip, SIGCONT);
    grip_end_guard(&deed->grip);
    deed->stopped = false;
    take_down(faults, deed, clock_now_ns(), "fault-end", deed->occasion.fault->text);
    deed->stage = OVER;
}

/* A slowed process stands for all but 1 / factor of each period. */
static void turn_hold(struct faults *faults, struct deed *deed)
{
    const struct fault *fault = deed->occasion.fault;
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= deed->occasion.until_ns) {
        let_go(faults, deed);
        return;
    }
    deed->stopped = !deed->stopped;
    grip_signal(&deed->grip, deed->stopped ? SIGSTOP : SIGCONT); /* who has died meanwhile needs neither */
    double share = deed->stopped ? 1 - 1 / fault->factor : 1 / fault->factor;
    deed->next_ns += (uint64_t)(share * (double)SLOW_PERIOD_NS);
    if (deed->next_ns < now_ns) /* overslept: the periods that were missed are not made up for */
        deed->next_ns = now_ns;
    if (deed->next_ns > deed->occasion.until_ns)
        deed->next_ns = deed->occasion.until_ns;
}

static void strike(struct faults *faults, struct deed *deed)
{
    const struct fault *fault = deed->occasion.fault;
    int result = fault->kind == FAULT_KILL ? 0 : grip_begin_guard(&deed->grip);
    uint64_t at_ns = clock_now_ns();
    if (!result)
        result = grip_signal(&deed->grip, fault->kind == FAULT_KILL ? SIGKILL : SIGSTOP);
    if (result < 0) {
        grip_signal(&deed->grip, SIGCONT);
        grip_end_guard(&deed->grip);
        give_up(faults, deed, result == -ESRCH ? "the process has ended" : strerror(-result));
        return;
    }
    if (fault->kind == FAULT_KILL && deed->hits_top && !faults->top_killed_ns)
        faults->top_killed_ns = at_ns;
    if (fault->kind == FAULT_KILL && deed->backend)
        deed->backend->killed_on_purpose = true;
    take_down(faults, deed, at_ns, "fault", fault->text);
    if (fault->kind == FAULT_KILL) {
        deed->stage = OVER;
        return;
    }
    deed->stage = HOLDING;
    deed->stopped = true;
    deed->next_ns = deed->occasion.until_ns;
    if (fault->kind == FAULT_SLOW)
        deed->next_ns = at_ns + (uint64_t)((1 - 1 / fault->factor) * (double)SLOW_PERIOD_NS);
}

static void take_look(struct faults *faults, struct deed *deed)
{
    pid_t pid = read_pid(deed->errand, deed->occasion.fault);
    int result = errand_result(deed->errand);
    end_errand(deed);
    if (result < 0)
        give_up(faults, deed, strerror(-result));
    else if (!pid)
        give_up(faults, deed, "/status names no such process");
    else if ((result = add_process(faults, deed, pid)) < 0)
        give_up(faults, deed, strerror(-result));
    else if (!is_ours(faults, pid)) /* asked when it is held */
        give_up(faults, deed, "the process that /status names is not below the server");
    else
        deed->stage = READY;
}

/* 2xx is done or noted; else the answer says why not. */
static void take_answer(struct faults *faults, struct deed *deed)
{
    const struct fetch_answer *answer = errand_answer(deed->errand);
    int result = errand_result(deed->errand);
    if (result < 0) {
        give_up(faults, deed, strerror(-result));
    } else if (answer->status < 200 || answer->status > 299) {
        json_t *document = json_loads(answer->body, 0, NULL);
        const char *said = json_string_value(json_object_get(document, "error"));
        char *why = said ? text_tame(text_copy(said)) : text_print("status %d", answer->status);
        give_up(faults, deed, why);
        free(why);
        json_decref(document);
    }
    end_errand(deed);
    deed->stage = OVER;
}

/* ---- a reload without an admin address ---- */

static void signal_server(struct faults *faults, struct deed *deed)
{
    uint64_t at_ns = clock_now_ns();
    int result = add_top(faults, deed);
    if (!result)
        result = grip_signal(&deed->grip, faults->setting->server.reload_signal);
    if (result < 0)
        give_up(faults, deed, result == -ESRCH ? SERVER_ENDED : strerror(-result));
    else
        take_down(faults, deed, at_ns, "fault", deed->occasion.fault->text);
    deed->stage = OVER;
}

/* One at a time: the server would be told to reload while it does. */
static bool is_commanded(const struct faults *faults)
{
    for (unsigned i = 0; i < faults->count; i++)
        if (faults->deeds[i].commanded)
            return true;
    return false;
}

static void run_command(struct faults *faults, struct deed *deed)
{
    const struct faults_setting *setting = faults->setting;
    struct process_spec spec = {
        .argv = setting->server.reload_command, .cpus = setting->cpus, .error_path = setting->command_log, .join = true};
    if (!lives(&setting->server) || is_commanded(faults)) {
        give_up(faults, deed, is_commanded(faults) ? "the command of the reload before is still under way" : SERVER_ENDED);
        return;
    }
    uint64_t at_ns = clock_now_ns();
    int result = process_start(setting->custody, &deed->command, &spec);
    if (result < 0) {
        unlink(setting->command_log);
        char *why = text_print("%s: %s", spec.argv[0], strerror(-result));
        give_up(faults, deed, why);
        free(why);
        return;
    }
    take_down(faults, deed, at_ns, "fault", deed->occasion.fault->text);
    deed->commanded = true;
    deed->stage = ORDERED;
}

/* Ends it where it has not ended, with whom it has started. */
static void end_command(struct faults *faults, struct deed *deed)
{
    if (!deed->commanded)
        return;
    process_kill_group(faults->setting->custody, &deed->command);
    process_stop(faults->setting->custody, &deed->command, 0);
    *faults->setting->commands_cpu_ns += process_cpu_ns(&deed->command);
    unlink(faults->setting->command_log);
    deed->commanded = false;
}

static void take_end(struct faults *faults, struct deed *deed)
{
    struct process *command = &deed->command;
    if (!WIFEXITED(command->status) || WEXITSTATUS(command->status) != 0) {
        char *end = process_describe_end(command), *words = process_last_words(faults->setting->command_log),
             *why = text_print("its command %s%s", end, words);
        give_up(faults, deed, why);
        free(why);
        free(words);
        free(end);
    }
    end_command(faults, deed);
    deed->stage = OVER;
}

static void order(struct faults *faults, struct deed *deed)
{
    const struct fault *fault = deed->occasion.fault;
    const struct faults_server *server = &faults->setting->server;
    bool reload = fault->kind == FAULT_RELOAD && !server->admin;
    if (reload && (server->reload_signal || server->reload_command)) {
        if (server->reload_signal)
            signal_server(faults, deed);
        else
            run_command(faults, deed);
        return;
    }
    char *target = fault->kind == FAULT_RELOAD  ? text_copy("/reload")
                   : fault->kind == FAULT_SCALE ? text_print("/scale?workers=%u", fault->number)
                                                : text_print("/drain?worker=%u", fault->number);
    take_down(faults, deed, clock_now_ns(), "fault", fault->text);
    if (send_errand(faults, deed, "POST", target))
        deed->stage = ORDERED;
    free(target);
}

static bool is_order(const struct fault *fault)
{
    return fault->kind == FAULT_RELOAD || fault->kind == FAULT_SCALE || fault->kind == FAULT_DRAIN;
}

static bool needs_look(const struct fault *fault)
{
    return !is_order(fault) && fault->target != TARGET_SERVER;
}

/* /status tells it, or, where there is none, the system. */
static void look(struct faults *faults, struct deed *deed)
{
    const struct faults_server *server = &faults->setting->server;
    bool told_by_system = !server->admin && is_watched(server);
    if (!told_by_system || deed->occasion.fault->target != TARGET_WORKER) {
        if (send_errand(faults, deed, "GET", "/status"))
            deed->stage = LOOKING;
        return;
    }
    int result = add_worker(faults, deed);
    if (result < 0)
        give_up(faults, deed, result == -ESRCH ? "there is no such process" : strerror(-result));
    else
        deed->stage = READY;
}

static void begin(struct faults *faults, struct deed *deed)
{
    if (is_order(deed->occasion.fault)) {
        order(faults, deed);
    } else if (needs_look(deed->occasion.fault)) {
        look(faults, deed);
    } else {
        int result = add_server(faults, deed);
        if (result < 0)
            give_up(faults, deed, result == -ESRCH ? SERVER_ENDED : strerror(-result));
        else
            strike(faults, deed);
    }
}

/* ---- time ---- */

static uint64_t due_ns(const struct deed *deed)
{
    switch (deed->stage) {
    case WAITING:
        return deed->occasion.at_ns - (needs_look(deed->occasion.fault) ? LOOK_AHEAD_NS : 0);
    case LOOKING:
    case ORDERED:
        return clock_now_ns() + ASK_EVERY_NS;
    case READY:
        return deed->occasion.at_ns;
    case HOLDING:
        return deed->next_ns;
    default:
        return UINT64_MAX;
    }
}

uint64_t faults_next_ns(const struct faults *faults)
{
    uint64_t next_ns = faults->next_watch_ns;
    for (unsigned i = 0; i < faults->count; i++) {
        uint64_t due = due_ns(&faults->deeds[i]);
        next_ns = due < next_ns ? due : next_ns;
    }
    return next_ns;
}

static void turn(struct faults *faults, struct deed *deed)
{
    bool has_answer = deed->errand && errand_done(deed->errand);
    if (deed->stage == LOOKING && has_answer)
        take_look(faults, deed);
    else if (deed->stage == ORDERED && has_answer)
        take_answer(faults, deed);
    else if (deed->commanded && deed->command.ended)
        take_end(faults, deed);
    if (due_ns(deed) > clock_now_ns())
        return;
    if (deed->stage == WAITING)
        begin(faults, deed);
    else if (deed->stage == READY)
        strike(faults, deed);
    else if (deed->stage == HOLDING)
        turn_hold(faults, deed);
}

void faults_turn(struct faults *faults)
{
    for (unsigned i = 0; i < faults->count; i++)
        turn(faults, &faults->deeds[i]);
    if (faults->next_watch_ns <= clock_now_ns())
        watch(faults); /* where it fails, the next one may not */
}

/* ---- beginning and end ---- */

int faults_open(struct faults **faults, const struct faults_setting *setting)
{
    struct faults *made = memory_get(sizeof(*made));
    struct occasion *occasions;
    made->setting = setting;
    made->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made->stop_fd < 0) {
        free(made);
        return -errno;
    }
    made->next_watch_ns = UINT64_MAX;
    roster_open(&made->roster, setting->server.children ? setting->server.workers : (unsigned)setting->server.backend_count);
    int result = is_watched(&setting->server) ? watch(made) : 0;
    if (result < 0) {
        faults_close(made);
        return result;
    }
    made->count = schedule_occasions(setting->schedule, setting->duration_ns, &occasions);
    made->deeds = memory_get((made->count + 1) * sizeof(*made->deeds));
    for (unsigned i = 0; i < made->count; i++) {
        made->deeds[i].occasion = occasions[i];
        made->deeds[i].occasion.at_ns += setting->timeline->begin_ns;
        made->deeds[i].occasion.until_ns += setting->timeline->begin_ns;
    }
    free(occasions);
    *faults = made;
    return 0;
}

static void close_deed(struct faults *faults, struct deed *deed)
{
    if (deed->stage == HOLDING)
        let_go(faults, deed);
    else if (deed->stage == ORDERED && deed->errand && errand_done(deed->errand))
        take_answer(faults, deed);
    else if (deed->commanded && deed->command.ended)
        take_end(faults, deed);
    else if (deed->stage == ORDERED)
        give_up(faults, deed, "not answered before the load was over");
    else if (deed->stage != OVER)
        give_up(faults, deed, "the load was over before");
    end_errand(deed);
    end_command(faults, deed);
    grip_close(&deed->grip);
}

uint64_t faults_close(struct faults *faults)
{
    uint64_t one = 1, top_killed_ns = 0;
    if (!faults)
        return 0;
    for (unsigned i = 0; i < faults->count; i++) /* first of all */
        if (faults->deeds[i].stopped)
            grip_signal(&faults->deeds[i].grip, SIGCONT);
    ssize_t written = write(faults->stop_fd, &one, sizeof(one)); /* can fail only when it is readable anyway */
    (void)written;
    for (unsigned i = 0; i < faults->count; i++)
        close_deed(faults, &faults->deeds[i]);
    top_killed_ns = faults->top_killed_ns;
    close(faults->stop_fd);
    roster_close(&faults->roster);
    free(faults->deeds);
    free(faults);
    return top_killed_ns;
}
