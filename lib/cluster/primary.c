/*
 * The primary's life.
 *
 * It opens what workers share, starts them, waits until every one can accept, lets the strategy begin to serve, and says
 * so on stdout. From then on it only reacts: to a member that ends (it is started again), to TERM (drain: fronts first,
 * then workers, KILL when the grace is over), to INT (end now), and to /status. When nothing is left on the loop it ends.
 */
#include "cluster/primary.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define FORCE_MS 1000 /* threads cannot be killed: so long after they were told to stop, the process ends around them */

enum { EXIT_CANNOT_START = 2, EXIT_INTERRUPTED = 130 };

const struct cluster_options *primary_options(const struct primary *primary)
{
    return primary->options;
}

void *primary_own_options(const struct primary *primary)
{
    return primary->own_options;
}

/* ---- what strategies open ---- */

static int listen_on(struct primary *primary, bool is_shared)
{
    int fd = net_listen(&primary->options->listen, 0, (int)primary->options->backlog);
    if (fd < 0)
        return fd;
    primary->listener = fd;
    primary->listener_is_shared = is_shared;
    return net_local_address(fd, &primary->scoreboard->address);
}

int primary_listen(struct primary *primary)
{
    return listen_on(primary, true);
}

int primary_listen_alone(struct primary *primary)
{
    return listen_on(primary, false);
}

int primary_reserve(struct primary *primary)
{
    int fd = net_is_unix(&primary->options->listen) ? -EOPNOTSUPP : net_bind(&primary->options->listen, NET_RESERVE);
    if (fd < 0)
        return fd;
    primary->reserved = fd;
    return net_local_address(fd, &primary->scoreboard->address);
}

int primary_listen_upstreams(struct primary *primary)
{
    struct net_address any_port;
    int error = net_parse_address("127.0.0.1:0", &any_port);
    for (unsigned i = 0; i < primary->worker_count && !error; i++) {
        int fd = net_listen(&any_port, 0, (int)primary->options->backlog);
        if (fd < 0)
            return fd;
        primary->members[i].listener = fd;
        error = net_local_address(fd, &primary->scoreboard->upstreams[i]);
    }
    return error;
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
    return members_any_alive(primary, ROLE_WORKER) || members_any_alive(primary, ROLE_FRONT);
}

/* Every member is gone: the rest of the loop goes, too. */
static void finish(struct primary *primary)
{
    if (primary->finished)
        return;
    primary->finished = true;
    dealer_close(primary);
    admin_close(primary);
    for (size_t i = 0; i < sizeof primary->signals / sizeof *primary->signals; i++)
        uv_close((uv_handle_t *)&primary->signals[i], NULL);
    uv_close((uv_handle_t *)&primary->grace, NULL);
    for (unsigned i = 0; i < primary->member_count; i++)
        uv_close((uv_handle_t *)&primary->members[i].again, NULL);
}

static void on_force(uv_timer_t *timer)
{
    struct primary *primary = timer->data;
    log_line(primary->log, LOG_WARN, "workers still occupied: ending without them");
    net_remove(&primary->options->listen);
    net_remove(&primary->options->admin);
    _exit(primary->exit_status);
}

static void stop_now(struct primary *primary)
{
    if (primary->stopping)
        return;
    primary->stopping = true;
    dealer_stop(primary);
    members_kill(primary);
    uv_timer_start(&primary->grace, on_force, FORCE_MS, 0);
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
    dealer_stop(primary);
    close_descriptor(&primary->listener);
    close_descriptor(&primary->reserved);
    members_drain(primary, members_any_alive(primary, ROLE_FRONT) ? ROLE_FRONT : ROLE_WORKER);
    if (!anybody_alive(primary))
        finish(primary);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct primary *primary = signal->data;
    if (number == SIGINT) {
        primary->exit_status = EXIT_INTERRUPTED;
        stop_now(primary);
    } else {
        drain(primary); /* TERM; HUP: the terminal is gone */
    }
}

static int open_signals(struct primary *primary)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    int error = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !error; i++) {
        uv_signal_init(&primary->loop, &primary->signals[i]);
        primary->signals[i].data = primary;
        error = uv_signal_start(&primary->signals[i], on_signal, numbers[i]);
    }
    return error;
}

/* ---- ready ---- */

static void say_ready(const struct primary *primary)
{
    char url[NET_TEXT_SIZE];
    printf("ready %s strategy=%s workers=%u pid=%d", net_format_url(&primary->scoreboard->address, url), primary->strategy->name,
           primary->worker_count, (int)getpid());
    if (primary->admin.open)
        printf(" admin=%s", net_format_url(&primary->admin.address, url));
    putchar('\n');
    fflush(stdout); /* nobody listening is no reason to stop serving */
}

static bool all_ready(const struct primary *primary)
{
    for (unsigned i = 0; i < primary->member_count; i++)
        if (primary->members[i].state != MEMBER_READY)
            return false;
    return true;
}

static void fail(struct primary *primary, int error, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", primary->strategy->name, what, uv_strerror(error));
    primary->exit_status = EXIT_CANNOT_START;
    stop_now(primary);
}

void primary_member_ready(struct primary *primary, struct member *member)
{
    log_line(primary->log, LOG_DEBUG, "%s %u is ready", member->role == ROLE_FRONT ? "front" : "worker", member->index);
    dealer_member_changed(primary, member);
    if (primary->serving || !all_ready(primary))
        return;
    primary->serving = true;
    int error = primary->strategy->serve ? primary->strategy->serve(primary) : 0;
    if (error)
        fail(primary, error, "cannot serve");
    else
        say_ready(primary);
}

void primary_member_gone(struct primary *primary, struct member *member)
{
    dealer_member_changed(primary, member);
    if (!primary->serving && !primary->stopping && !primary->draining) {
        primary->exit_status = EXIT_CANNOT_START;
        stop_now(primary);
    } else if (primary->draining && member->role == ROLE_FRONT && !members_any_alive(primary, ROLE_FRONT)) {
        members_drain(primary, ROLE_WORKER);
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
        error = members_create(primary);
    if (!error)
        error = open_signals(primary);
    if (error) {
        fprintf(stderr, "%s: cannot start: %s\n", primary->strategy->name, uv_strerror(error));
        return error;
    }
    uv_timer_init(&primary->loop, &primary->grace);
    primary->grace.data = primary;
    primary->scoreboard->workers = primary->worker_count;
    primary->scoreboard->fronts = primary->member_count - primary->worker_count;
    return 0;
}

static int open_addresses(struct primary *primary)
{
    int error = primary->strategy->open ? primary->strategy->open(primary) : 0;
    if (error) {
        say_cannot_listen(primary, "--listen", &primary->options->listen, error);
        return error;
    }
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
    if (open_addresses(primary) != 0) {
        finish(primary);
    } else {
        primary->exit_status = 0;
        int error = members_start(primary);
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

int primary_run(const struct strategy *strategy, const struct cluster_options *options, void *own_options, const struct log *log,
                char **argv)
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
    primary->log = log;
    primary->argv = argv;
    primary->scoreboard_fd = primary->reserved = primary->listener = -1;
    primary->worker_count = (unsigned)options->workers;
    primary->member_count = primary->worker_count + (unsigned)options->fronts;
    primary->started_ns = clock_now_ns();
    int status = run(primary);
    bool was_bound = primary->scoreboard && primary->scoreboard->address.length > 0;
    if (was_bound)
        net_remove(&options->listen);
    members_free(primary);
    close_descriptor(&primary->listener);
    close_descriptor(&primary->reserved);
    close_descriptor(&primary->scoreboard_fd);
    scoreboard_unmap(primary->scoreboard);
    free(primary->dealer.members);
    free(primary->dealer.waiting);
    free(primary);
    return status;
}
