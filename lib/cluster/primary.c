/*
 * The primary's life.
 *
 * It opens what workers share, starts them, waits until every one can accept, lets the strategy begin to serve, and says
 * so on stdout. From then on it only reacts: to lives that end (places.c), to signals and to the admin address.
 *
 *   TERM        drain: fronts first, then workers, KILL when the grace is over; also HUP when the terminal has gone
 *   INT         end now
 *   HUP         a rolling reload
 *   TTIN, TTOU  a worker more, a worker less
 *   USR1        open the logs again: their files have been moved away
 *
 * When nothing is left on the loop it ends.
 */
#include "cluster/primary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LAST_WORDS_MS 250  /* workers that are told to end get so long to write their access logs */
#define FORCE_MS      1000 /* threads cannot be killed: so long after they were told to stop, the process ends around them */

enum { EXIT_CANNOT_START = 2, EXIT_ERRORED = 3, EXIT_INTERRUPTED = 130 };

const struct cluster_options *primary_options(const struct primary *primary)
{
    return primary->options;
}

void *primary_own_options(const struct primary *primary)
{
    return primary->own_options;
}

/* ---- the end ---- */

static void close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool anybody_alive(const struct primary *primary)
{
    return places_any_alive(primary, ROLE_WORKER) || places_any_alive(primary, ROLE_FRONT);
}

static bool any_errored(const struct primary *primary)
{
    for (const struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->errored)
            return true;
    return false;
}

/* Every life is over: the rest of the loop goes, too. */
static void finish(struct primary *primary)
{
    if (primary->finished)
        return;
    primary->finished = true;
    dealer_close(primary);
    admin_close(primary);
    watch_close(primary);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&primary->signals[i], NULL);
    uv_close((uv_handle_t *)&primary->grace, NULL);
    places_close(primary);
    if (primary->exit_status == 0 && any_errored(primary)) {
        primary->exit_status = EXIT_ERRORED;
        log_line(primary->log, LOG_ERROR, "a worker had been given up: exit status %d", EXIT_ERRORED);
    }
    primary_event(primary, "stop", NULL, NULL, "{s:i}", "exit_status", primary->exit_status);
}

static void on_force(uv_timer_t *timer)
{
    struct primary *primary = timer->data;
    log_line(primary->log, LOG_WARN, "workers still occupied: ending without them");
    primary_event(primary, "stop", NULL, NULL, "{s:i, s:b}", "exit_status", primary->exit_status, "forced", 1);
    net_remove(&primary->options->listen);
    net_remove(&primary->options->admin);
    _exit(primary->exit_status);
}

static void kill_all(struct primary *primary)
{
    places_kill(primary);
    uv_timer_start(&primary->grace, on_force, FORCE_MS, 0);
}

static void on_last_words_over(uv_timer_t *timer)
{
    kill_all(timer->data);
}

static void stop_now(struct primary *primary)
{
    if (primary->stopping)
        return;
    primary->stopping = true;
    reload_give_up(primary, "the program was told to end");
    dealer_stop(primary);
    if (primary->options->access_log) {
        places_stop(primary);
        uv_timer_start(&primary->grace, on_last_words_over, LAST_WORDS_MS, 0);
    } else {
        kill_all(primary);
    }
    if (!anybody_alive(primary))
        finish(primary);
}

static void on_grace_over(uv_timer_t *timer)
{
    struct primary *primary = timer->data;
    log_line(primary->log, LOG_WARN, "the grace is over: answers under way are cut off");
    stop_now(primary);
}

static void drain(struct primary *primary)
{
    if (primary->draining || primary->stopping)
        return;
    primary->draining = true;
    primary->scoreboard->draining = true;
    uv_timer_start(&primary->grace, on_grace_over, primary->options->grace_ns / CLOCK_NS_PER_MS, 0);
    reload_give_up(primary, "the program was told to end");
    primary_event(primary, "drain", NULL, NULL, NULL);
    dealer_stop(primary);
    listeners_close(primary);
    places_drain(primary, places_any_alive(primary, ROLE_FRONT) ? ROLE_FRONT : ROLE_WORKER);
    if (!anybody_alive(primary))
        finish(primary);
}

/* A HUP from a terminal that has gone is no wish for a reload: /dev/tty cannot be opened any more. */
static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void interrupt(struct primary *primary)
{
    primary->exit_status = EXIT_INTERRUPTED;
    stop_now(primary);
}

/* -EINVAL: the configuration file is wrong, which has been said already. */
static void say_refused(const struct primary *primary, int error, const char *what, const char *why)
{
    if (error && error != -EINVAL)
        log_line(primary->log, error == -EALREADY ? LOG_INFO : LOG_WARN, "%s: %s", what, why);
}

static void hang_up(struct primary *primary)
{
    char why[PRIMARY_WHY_SIZE];
    if (primary->has_terminal && !has_terminal())
        drain(primary);
    else
        say_refused(primary, primary_reload(primary, why), "reload", why);
}

static void scale_by(struct primary *primary, int step)
{
    char why[PRIMARY_WHY_SIZE];
    say_refused(primary, primary_scale(primary, primary->worker_count + (unsigned)step, why), "scale", why);
}

static void one_more(struct primary *primary)
{
    scale_by(primary, 1);
}

static void one_less(struct primary *primary)
{
    scale_by(primary, -1);
}

static void reopen_logs(struct primary *primary)
{
    event_log_reopen(&primary->events);
    primary_event(primary, "reopen", NULL, NULL, NULL);
    places_reopen_logs(primary);
}

static const struct {
    int number;
    void (*act)(struct primary *primary);
} signal_actions[] = {
    {SIGTERM, drain}, {SIGINT, interrupt}, {SIGHUP, hang_up}, {SIGTTIN, one_more}, {SIGTTOU, one_less}, {SIGUSR1, reopen_logs},
};

_Static_assert(sizeof signal_actions / sizeof *signal_actions == SIGNALS, "a handle for each signal");

static void on_signal(uv_signal_t *signal, int number)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signal_actions[i].number == number)
            signal_actions[i].act(signal->data);
}

static int open_signals(struct primary *primary)
{
    int error = 0;
    primary->has_terminal = has_terminal();
    for (size_t i = 0; i < SIGNALS && !error; i++) {
        uv_signal_init(&primary->loop, &primary->signals[i]);
        primary->signals[i].data = primary;
        error = uv_signal_start(&primary->signals[i], on_signal, signal_actions[i].number);
    }
    return error;
}

/* ---- ready ---- */

static void say_ready(struct primary *primary)
{
    char url[NET_TEXT_SIZE];
    primary_event(primary, "ready", NULL, NULL, "{s:s}", "url", net_format_url(&primary->scoreboard->address, url));
    printf("ready %s strategy=%s workers=%u pid=%d", net_format_url(&primary->scoreboard->address, url), primary->strategy->name,
           primary->worker_count, (int)getpid());
    if (primary->admin.open)
        printf(" admin=%s", net_format_url(&primary->admin.address, url));
    putchar('\n');
    fflush(stdout); /* nobody listening is no reason to stop serving */
}

static void fail(struct primary *primary, int error, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", primary->strategy->name, what, uv_strerror(error));
    primary->exit_status = EXIT_CANNOT_START;
    stop_now(primary);
}

/* From now on lives that end are followed by others, and the primary can be asked for more than its end. */
static void begin_to_serve(struct primary *primary)
{
    char why[PRIMARY_WHY_SIZE];
    primary->serving = true;
    int error = primary->strategy->serve ? primary->strategy->serve(primary) : 0;
    if (error) {
        fail(primary, error, "cannot serve");
        return;
    }
    say_ready(primary);
    if (!primary->reload.again)
        return;
    primary->reload.again = false;
    (void)primary_reload(primary, why); /* asked for too early: now */
}

void primary_place_ready(struct primary *primary, struct place *place)
{
    (void)place;
    if (!primary->serving && !primary->draining && !primary->stopping && places_all_ready(primary))
        begin_to_serve(primary);
}

void primary_place_gone(struct primary *primary, struct place *place)
{
    if (!primary->serving && !primary->stopping && !primary->draining) {
        primary->exit_status = EXIT_CANNOT_START;
        stop_now(primary);
    } else if (primary->draining && place->role == ROLE_FRONT && !places_any_alive(primary, ROLE_FRONT)) {
        places_drain(primary, ROLE_WORKER);
    }
    if ((primary->draining || primary->stopping) && !anybody_alive(primary))
        finish(primary);
}

/* ---- the beginning ---- */

static const char *listen_hint(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "address already in use; end the program that has it, or choose another port (0: the system chooses)";
    case -EACCES:
        return "permission denied; ports below 1024 and some directories need privileges";
    case -EADDRNOTAVAIL:
        return "this machine has no such address";
    case -EOPNOTSUPP:
        return "not possible with this strategy; use an IP address, as in 127.0.0.1:8080";
    default:
        return uv_strerror(error);
    }
}

static void say_cannot_listen(const struct primary *primary, const char *option, const struct net_address *address, int error)
{
    char text[NET_TEXT_SIZE];
    fprintf(stderr, "%s: %s %s: %s\n", primary->strategy->name, option, net_format_address(address, true, text),
            listen_hint(error));
}

static int prepare(struct primary *primary)
{
    size_t size = sizeof primary->executable;
    int error = uv_exepath(primary->executable, &size); /* now: after an upgrade the link says "(deleted)" */
    if (!error)
        error = scoreboard_create(&primary->scoreboard, &primary->scoreboard_fd);
    if (!error)
        error = state_shared_init(primary->scoreboard->shared, sizeof primary->scoreboard->shared);
    if (!error)
        error = open_signals(primary);
    if (!error)
        error = dealer_open(primary);
    if (!error)
        error = watch_open(primary);
    if (error) {
        fprintf(stderr, "%s: cannot start: %s\n", primary->strategy->name, uv_strerror(error));
        return error;
    }
    uv_timer_init(&primary->loop, &primary->grace);
    primary->grace.data = primary;
    snprintf(primary->scoreboard->strategy, SCOREBOARD_NAME_SIZE, "%s", primary->strategy->name);
    primary->scoreboard->workers = primary->worker_count;
    primary->scoreboard->fronts = primary->front_count;
    return 0;
}

static int cannot_log(const struct primary *primary, const char *option, const char *path, int error)
{
    fprintf(stderr, "%s: %s: '%s': %s\n", primary->strategy->name, option, path, access_log_error(error));
    return error;
}

/* Workers open the access log themselves; here is where a user hears of it once, and before anything is started. */
static int open_logs(struct primary *primary)
{
    const struct cluster_options *options = primary->options;
    int error = event_log_open(&primary->events, options->event_log, primary->log);
    if (error)
        return cannot_log(primary, "--event-log", options->event_log, error);
    primary_event(primary, "start", NULL, NULL, "{s:s, s:s, s:i}", "strategy", primary->strategy->name, "version",
                  CLUSTERBENCH_VERSION, "workers", (int)primary->worker_count);
    error = options->access_log ? access_log_check(options->access_log) : 0;
    return error ? cannot_log(primary, "--access-log", options->access_log, error) : 0;
}

static int open_addresses(struct primary *primary)
{
    int error = primary->strategy->open ? primary->strategy->open(primary) : 0;
    if (error) {
        say_cannot_listen(primary, "--listen", &primary->options->listen, error);
        return error;
    }
    if ((error = admin_read_token(primary)) != 0)
        return error;
    error = admin_open(primary);
    if (error)
        say_cannot_listen(primary, "--admin", &primary->options->admin, error);
    return error;
}

static int run(struct primary *primary)
{
    primary->exit_status = EXIT_CANNOT_START;
    if (prepare(primary) != 0)
        return primary->exit_status;
    if (open_logs(primary) != 0 || open_addresses(primary) != 0) {
        finish(primary);
    } else {
        primary->exit_status = 0;
        int error = places_open(primary);
        if (error)
            fail(primary, error, "cannot start workers");
        if (error && primary->strategy->place == IN_PLACE)
            return primary->exit_status; /* half a worker is on the loop: it would not end */
    }
    uv_run(&primary->loop, UV_RUN_DEFAULT);
    int busy = uv_loop_close(&primary->loop);
    if (busy)
        log_line(primary->log, LOG_ERROR, "the loop still holds a handle at the end");
    return primary->exit_status;
}

int primary_run(const struct strategy *strategy, const struct cluster_options *options, void *own_options, struct config *config,
                const struct log *log, char **argv)
{
    struct primary *primary = calloc(1, sizeof *primary);
    if (!primary || uv_loop_init(&primary->loop) != 0) {
        fprintf(stderr, "%s: cannot start: out of memory or descriptors\n", strategy->name);
        free(primary);
        return EXIT_CANNOT_START;
    }
    primary->strategy = strategy;
    primary->options = options;
    primary->own_options = own_options;
    primary->config = config;
    primary->log = log;
    primary->argv = argv;
    primary->scoreboard_fd = primary->reserved = primary->listener = primary->events.fd = -1;
    pen_init(&primary->pen, &primary->loop, options->append_file ? pen_open(options->append_file) : -ENOENT);
    primary->worker_count = (unsigned)options->workers;
    primary->front_count = (unsigned)options->fronts;
    random_init(&primary->random, random_seed());
    primary->started_ns = clock_now_ns();
    int status = run(primary);
    bool was_bound = primary->scoreboard && primary->scoreboard->address.length > 0;
    if (was_bound)
        net_remove(&options->listen);
    life_free_in_place(primary->in_place);
    listeners_close(primary);
    close_descriptor(&primary->pen.fd);
    event_log_close(&primary->events);
    close_descriptor(&primary->scoreboard_fd);
    scoreboard_unmap(primary->scoreboard);
    free(primary->dealer.waiting);
    free(primary->admin.token);
    free(primary);
    return status;
}

/* ---- the event log ---- */

static void add_life(json_t *fields, const struct life *life)
{
    bool is_process = life->primary->strategy->place == PROCESSES;
    int pid = is_process ? (int)life->process.pid : (int)getpid();
    if (pid) /* it could be started */
        json_object_set_new(fields, "pid", json_integer(pid));
    if (!is_process && life->slot && life->slot->tid)
        json_object_set_new(fields, "tid", json_integer(life->slot->tid));
    json_object_set_new(fields, "generation", json_integer(life->generation));
}

/* Whom it happens to. */
static json_t *describe_subject(const struct place *place, const struct life *life)
{
    if (!place)
        return json_pack("{s:s, s:i}", "role", "primary", "pid", (int)getpid());
    const char *role = role_name(place->role);
    json_t *fields = json_pack("{s:s, s:i}", "role", role, role, (int)place->index);
    if (fields && life)
        add_life(fields, life);
    return fields;
}

void primary_event(struct primary *primary, const char *event, const struct place *place, const struct life *life,
                   const char *format, ...)
{
    va_list arguments;
    if (primary->events.fd < 0)
        return;
    json_t *fields = describe_subject(place, life), *more = NULL;
    va_start(arguments, format);
    if (format)
        more = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    if (fields && more)
        json_object_update(fields, more);
    json_decref(more);
    event_write(&primary->events, event, fields);
}
