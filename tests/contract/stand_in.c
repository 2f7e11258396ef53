/*
 * The stand-in's processes: a primary that supervises and answers /status, workers that share one listening socket and take turns.
 *
 * Whose turn it is stands in shared memory; a worker that finds a connection waiting and has the turn accepts and passes the turn
 * on, so that counts are even and every worker serves. Everything else is done the plainest way.
 */
#include "stand_in.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/options.h"
#include "base/units.h"
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STAND_IN_NAME(name, constant) name,
static const char *const bug_names[] = {STAND_IN_BUGS(STAND_IN_NAME) NULL};
static const char *const log_names[] = {"error", "warn", "info", "debug", NULL};

#define SETTING(field) OPTION_FIELD(struct settings, field)
#define TIME(option, field, default, text)                                                                                      \
    {                                                                                                                           \
        .name = option, .type = OPTION_TIME, SETTING(field), .min = 1000, .fallback = default, .argument = "TIME", .help = text \
    }
#define LIMIT(option, field, default, text)                                                                                  \
    {                                                                                                                        \
        .name = option, .type = OPTION_SIZE, SETTING(field), .min = 1, .fallback = default, .argument = "SIZE", .help = text \
    }

static int parse_workers(const char *text, void *field)
{
    uint64_t *workers = field;
    *workers = 2;
    if (strcmp(text, "auto") == 0)
        return 0;
    int error = units_parse_count(text, strlen(text), workers);
    return error < 0 ? error : *workers >= 1 && *workers <= 64 ? 0 : -ERANGE;
}

static const struct option_spec specs[] = {
    {.name = "listen",
     .type = OPTION_TEXT,
     SETTING(listen),
     .fallback = "127.0.0.1:8080",
     .argument = "ADDR:PORT",
     .help = "where"},
    {.name = "admin", .type = OPTION_TEXT, SETTING(admin), .argument = "ADDR:PORT", .help = "GET /status here"},
    {.name = "workers",
     .type = OPTION_CUSTOM,
     SETTING(workers),
     .parse = parse_workers,
     .fallback = "2",
     .argument = "N",
     .allowed = "1..64 or auto",
     .help = "processes"},
    {.name = "backlog",
     .type = OPTION_INTEGER,
     SETTING(backlog),
     .min = 1,
     .max = 65535,
     .fallback = "4096",
     .argument = "N",
     .help = "listen(2)"},
    {.name = "max-connections",
     .type = OPTION_INTEGER,
     SETTING(max_connections),
     .min = 1,
     .fallback = "100000",
     .argument = "N",
     .help = "a worker"},
    {.name = "pin", .type = OPTION_TEXT, SETTING(pin), .argument = "LIST", .help = "accepted, not done"},
    TIME("header-timeout", header_timeout_ns, "10s", "for a whole header"),
    TIME("body-timeout", body_timeout_ns, "10s", "for a whole body"),
    TIME("idle-timeout", idle_timeout_ns, "60s", "between requests"),
    TIME("write-timeout", write_timeout_ns, "10s", "without progress"),
    TIME("grace", grace_ns, "5s", "for a drain"),
    LIMIT("max-header", max_header, "32k", "of a header"),
    {.name = "max-header-lines",
     .type = OPTION_INTEGER,
     SETTING(max_header_lines),
     .min = 1,
     .fallback = "100",
     .argument = "N",
     .help = "of a header"},
    LIMIT("max-target", max_target, "8k", "of a request line's target"),
    LIMIT("max-body", max_body, "1m", "of a body"),
    {.name = "faults", .type = OPTION_FLAG, SETTING(faults), .help = "/crash, /leak, /stall"},
    {.name = "log",
     .type = OPTION_CHOICE,
     SETTING(log),
     .choices = log_names,
     .fallback = "warn",
     .argument = "LEVEL",
     .help = "accepted, not done"},
    {.name = "strategy",
     .type = OPTION_TEXT,
     SETTING(strategy),
     .fallback = "stand-in",
     .argument = "NAME",
     .help = "what it calls itself"},
    {.name = "bug",
     .type = OPTION_CHOICE,
     SETTING(bug),
     .choices = bug_names,
     .fallback = "none",
     .argument = "NAME",
     .help = "the planted mistake"},
    {.name = NULL},
};

struct primary {
    struct settings settings;
    struct shared_state *shared;
    struct net_address address, admin_address;
    int listener, admin, signals;
    sigset_t mask;
    uint64_t started_ns, deadline_ns; /* of the drain; 0 while serving */
};

static int milliseconds_left(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();
    return deadline_ns <= now ? 0 : (int)((deadline_ns - now) / CLOCK_NS_PER_MS + 1);
}

/* ---- a worker ---- */

static bool my_turn(struct worker *worker, struct shared_state *shared)
{
    return atomic_load(&shared->turn) == worker->index;
}

static void accept_one(struct worker *worker, struct shared_state *shared, int listener)
{
    int fd = net_accept(listener);
    if (fd < 0) {
        atomic_fetch_add(&worker->slot->counters.errors_accept, 1);
        if (fd == -EMFILE && has_bug(worker->settings, BUG_DIES_OF_EMFILE))
            abort();
        poll(NULL, 0, 5); /* nothing, or no descriptor: a moment later it may be otherwise */
        return;
    }
    if (!has_bug(worker->settings, BUG_ONE_WORKER_DOES_ALL))
        atomic_store(&shared->turn, (worker->index + 1) % worker->settings->workers);
    stand_in_accepted(worker, fd);
}

/* Who connected before the drain is still served. */
static void accept_queue(struct worker *worker, int listener)
{
    for (int fd; (fd = net_accept(listener)) >= 0;)
        stand_in_accepted(worker, fd);
}

static bool drained(struct worker *worker, const struct pollfd *signals, int listener)
{
    uint64_t one = 1;
    if (signals->revents == 0 && !atomic_load(&worker->draining))
        return false;
    if (has_bug(worker->settings, BUG_NO_DRAIN))
        _exit(0);
    if (!atomic_load(&worker->draining)) {
        if (!has_bug(worker->settings, BUG_DROPS_QUEUE))
            accept_queue(worker, listener);
        close(listener);
    }
    if (!atomic_exchange(&worker->draining, true) && write(worker->drain_fd, &one, sizeof one) < 0)
        abort();
    return atomic_load(&worker->active) == 0;
}

static _Noreturn void work(struct primary *primary, unsigned index)
{
    struct worker worker = {.settings = &primary->settings, .slot = &primary->shared->slots[index], .index = index};
    const struct settings *settings = &primary->settings;
    pthread_mutex_init(&worker.loop, NULL);
    worker.drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int signals = signalfd(-1, &primary->mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (worker.drain_fd < 0 || signals < 0)
        _exit(2);
    atomic_store(&worker.slot->counters.active, 0);
    if (has_bug(settings, BUG_FORGETS_RETIRED))
        memset(&worker.slot->counters, 0, sizeof worker.slot->counters);
    atomic_fetch_add(&worker.slot->generation, 1);
    if (has_bug(settings, BUG_READY_TOO_EARLY))
        poll(NULL, 0, 300);
    atomic_store(&worker.slot->ready, true);
    for (;;) {
        bool full = atomic_load(&worker.active) >= settings->max_connections && !has_bug(settings, BUG_NO_MAX_CONNECTIONS);
        bool closed = atomic_load(&worker.draining) || full;
        struct pollfd fds[2] = {{.fd = closed ? -1 : primary->listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (atomic_load(&worker.draining))
            fds[1].fd = -1;
        poll(fds, 2, closed ? 5 : -1);
        if (drained(&worker, &fds[1], primary->listener))
            _exit(0);
        if (fds[0].revents && my_turn(&worker, primary->shared))
            accept_one(&worker, primary->shared, primary->listener);
        else if (fds[0].revents)
            poll(NULL, 0, 1); /* somebody else's turn */
    }
}

static int start_worker(struct primary *primary, unsigned index)
{
    struct slot *slot = &primary->shared->slots[index];
    pid_t parent = getpid();
    atomic_store(&slot->ready, false);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0) {
        atomic_store(&slot->pid, pid);
        return 0;
    }
    close(primary->admin);
    if (!has_bug(&primary->settings, BUG_WORKER_OUTLIVES_PRIMARY) && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(2);
    if (signal(SIGPIPE, has_bug(&primary->settings, BUG_DIES_OF_SIGPIPE) ? SIG_DFL : SIG_IGN) == SIG_ERR)
        _exit(2);
    work(primary, index);
}

/* ---- /status ---- */

static void add_counter(void *context, const char *name, uint64_t value)
{
    json_object_set_new(context, name, json_integer((json_int_t)value));
}

static json_t *counters_json(const struct counters *counters)
{
    json_t *json = json_object();
    counters_each(counters, add_counter, json);
    return json;
}

static json_t *row_json(const struct primary *primary, unsigned index)
{
    const struct slot *slot = &primary->shared->slots[index];
    double uptime_s = (double)(clock_now_ns() - primary->started_ns) / 1e9;
    const char *state = atomic_load(&slot->ready) ? "ready" : "starting";
    return json_pack("{si si si ss ss si sf si si si si so}", "index", index, "slot", index, "pid", (int)atomic_load(&slot->pid),
                     "role", "worker", "state", state, "generation", (int)atomic_load(&slot->generation), "uptime_s", uptime_s,
                     "cpu_user_us", 0, "cpu_system_us", 0, "rss_bytes", 1, "pss_bytes", 1, "counters",
                     counters_json(&slot->counters));
}

static char *status_text(const struct primary *primary)
{
    struct counters total = {0};
    json_t *rows = json_array();
    for (unsigned i = 0; i < primary->settings.workers; i++) {
        counters_add(&total, &primary->shared->slots[i].counters);
        json_array_append_new(rows, row_json(primary, i));
    }
    json_t *status =
        json_pack("{ss ss si ss sf ss so so}", "schema", "clusterbench.status/1", "strategy", primary->settings.strategy, "pid",
                  getpid(), "version", CLUSTERBENCH_VERSION, "uptime_s", (double)(clock_now_ns() - primary->started_ns) / 1e9,
                  "state", primary->deadline_ns ? "draining" : "serving", "workers", rows, "total", counters_json(&total));
    if (has_bug(&primary->settings, BUG_STATUS_LACKS_STATE))
        json_object_del(status, "state");
    char *text = json_dumps(status, 0);
    json_decref(status);
    return text;
}

/* One question, one answer, then it closes. */
static void answer_admin(const struct primary *primary)
{
    char question[4096], head[256];
    int fd = net_accept(primary->admin);
    if (fd < 0)
        return;
    struct pollfd asked = {.fd = fd, .events = POLLIN};
    if (poll(&asked, 1, 1000) == 1 && recv(fd, question, sizeof question, 0) > 0) {
        char *text = status_text(primary);
        int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                         strlen(text));
        struct iovec parts[2] = {{head, (size_t)n}, {text, strlen(text)}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
            perror("stand-in: /status");
        free(text);
    }
    close(fd);
}

/* ---- the primary ---- */

static unsigned living(const struct primary *primary)
{
    unsigned count = 0;
    for (unsigned i = 0; i < primary->settings.workers; i++)
        count += atomic_load(&primary->shared->slots[i].pid) > 0;
    return count;
}

static void signal_workers(const struct primary *primary, int signal)
{
    for (unsigned i = 0; i < primary->settings.workers; i++)
        if (atomic_load(&primary->shared->slots[i].pid) > 0)
            kill(atomic_load(&primary->shared->slots[i].pid), signal);
}

static void reap(struct primary *primary)
{
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        for (unsigned i = 0; i < primary->settings.workers; i++) {
            struct slot *slot = &primary->shared->slots[i];
            if (atomic_load(&slot->pid) != pid)
                continue;
            atomic_store(&slot->pid, 0);
            if (primary->deadline_ns == 0 && !has_bug(&primary->settings, BUG_NO_RESTART))
                start_worker(primary, i);
        }
}

static void leave(struct primary *primary, int status)
{
    struct sockaddr_un *local = (void *)&primary->address.storage;
    signal_workers(primary, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    if (net_is_unix(&primary->address) && !has_bug(&primary->settings, BUG_PATH_LEFT_BEHIND))
        unlink(local->sun_path);
    exit(status);
}

static void begin_drain(struct primary *primary)
{
    uint64_t grace_ns = has_bug(&primary->settings, BUG_NO_GRACE) ? 3600 * CLOCK_NS_PER_S : primary->settings.grace_ns;
    primary->deadline_ns = clock_now_ns() + grace_ns;
    close(primary->listener);
    signal_workers(primary, SIGTERM);
}

static void take_signals(struct primary *primary)
{
    struct signalfd_siginfo info;
    while (read(primary->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGINT && !has_bug(&primary->settings, BUG_IGNORES_INTERRUPT))
            leave(primary, 130);
        if (info.ssi_signo == SIGTERM && primary->deadline_ns == 0)
            begin_drain(primary);
    }
    reap(primary);
}

static _Noreturn void supervise(struct primary *primary)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = primary->signals, .events = POLLIN}, {.fd = primary->admin, .events = POLLIN}};
        poll(fds, 2, primary->deadline_ns ? milliseconds_left(primary->deadline_ns) : -1);
        take_signals(primary);
        if (fds[1].revents)
            answer_admin(primary);
        if (primary->deadline_ns && (living(primary) == 0 || clock_now_ns() >= primary->deadline_ns))
            leave(primary, has_bug(&primary->settings, BUG_DRAIN_EXITS_1));
    }
}

/* ---- start ---- */

static void wait_until_ready(struct primary *primary)
{
    for (unsigned i = 0; i < primary->settings.workers; i++)
        while (!atomic_load(&primary->shared->slots[i].ready))
            poll(NULL, 0, 1);
}

static void print_ready(struct primary *primary)
{
    char url[NET_TEXT_SIZE], admin[NET_TEXT_SIZE];
    net_format_url(&primary->address, url);
    if (has_bug(&primary->settings, BUG_PRINTS_PORT_0))
        strcpy(url, "http://127.0.0.1:0");
    printf("ready %s strategy=%s workers=%d pid=%d", url, primary->settings.strategy, (int)primary->settings.workers, getpid());
    if (primary->admin >= 0)
        printf(" admin=%s", net_format_url(&primary->admin_address, admin));
    printf("\n");
    fflush(stdout);
}

/* Listens on `text`; on failure says so and leaves. */
static int listen_or_leave(const struct settings *settings, const char *option, const char *text, struct net_address *address)
{
    int fd = net_parse_address(text, address);
    if (fd < 0) {
        fprintf(stderr, "stand-in: %s: '%s' is not allowed; use %s\n", option, text, net_address_allowed);
        exit(1);
    }
    fd = net_listen(address, has_bug(settings, BUG_JOINS_BUSY_PORT) ? NET_REUSEPORT : 0, (int)settings->backlog);
    if (fd < 0) {
        fprintf(stderr, "stand-in: %s %s: %s\n", option, text, strerror(-fd));
        exit(2);
    }
    net_local_address(fd, address);
    return fd;
}

/* For bugs of the command line itself, which show before the settings are known. */
static bool names_bug(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

static _Noreturn void list_bugs(void)
{
    for (size_t i = BUG_NONE + 1; i < BUG_COUNT; i++)
        puts(bug_names[i]);
    exit(0);
}

static void parse(struct primary *primary, int argc, char **argv)
{
    char error[OPTIONS_ERROR_SIZE];
    struct option_table table = {specs, &primary->settings};
    int operand = argc;
    if (argc == 2 && strcmp(argv[1], "--list-bugs") == 0)
        list_bugs();
    bool brief = names_bug(argc, argv, "version-says-little");
    struct option_program program = {.name = "stand-in",
                                     .summary = "the contract suite's stand-in",
                                     .usage = "[options]",
                                     .version = brief ? "stand-in" : "stand-in, without libuv and llhttp",
                                     .tables = &table,
                                     .table_count = 1};
    int outcome = options_parse(&program, argc, argv, &operand, error);
    if (outcome == OPTIONS_DONE)
        exit(0);
    if (outcome == OPTIONS_RUN && primary->settings.pin != NULL && strcmp(primary->settings.pin, "auto") != 0 &&
        strspn(primary->settings.pin, "0123456789,-") == 0)
        outcome = -EINVAL, snprintf(error, sizeof error, "stand-in: --pin: '%s' is not allowed; use a list", primary->settings.pin);
    if (outcome == OPTIONS_RUN && operand < argc)
        outcome = -EINVAL, snprintf(error, sizeof error, "stand-in: '%s' is not allowed; use options only", argv[operand]);
    if (outcome < 0) {
        bool chatty = names_bug(argc, argv, "chatty-errors");
        fprintf(stderr, "%s\n%s", error, chatty ? "usage: stand-in [options]\n" : "");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct primary primary = {.admin = -1, .started_ns = clock_now_ns()};
    parse(&primary, argc, argv);
    primary.listener = listen_or_leave(&primary.settings, "--listen", primary.settings.listen, &primary.address);
    if (primary.settings.admin != NULL)
        primary.admin = listen_or_leave(&primary.settings, "--admin", primary.settings.admin, &primary.admin_address);
    primary.shared = mmap(NULL, sizeof *primary.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigemptyset(&primary.mask);
    sigaddset(&primary.mask, SIGTERM);
    sigaddset(&primary.mask, SIGINT);
    sigaddset(&primary.mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &primary.mask, NULL);
    primary.signals = signalfd(-1, &primary.mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (primary.shared == MAP_FAILED || primary.signals < 0) {
        perror("stand-in");
        return 2;
    }
    for (unsigned i = 0; i < primary.settings.workers; i++)
        if (start_worker(&primary, i) < 0) {
            perror("stand-in: fork");
            leave(&primary, 2);
        }
    if (!has_bug(&primary.settings, BUG_READY_TOO_EARLY))
        wait_until_ready(&primary);
    print_ready(&primary);
    supervise(&primary);
}
