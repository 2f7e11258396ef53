/*
 * Servers as processes: spawn, ready line, exit, descendants through /proc, and an end for all of them.
 *
 * Rule: whatever a test does or fails to do, when server_end_all returns, no process it started is left. Orphans come to the suite
 * (PR_SET_CHILD_SUBREAPER in main), so killing our own children until none is left suffices.
 */
#include "server_process.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENT_SLOTS 40

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* ---- start ---- */

static size_t add_all(const char **arguments, size_t count, const char *const *more)
{
    for (; more != NULL && *more != NULL && count < ARGUMENT_SLOTS - 1; more++)
        arguments[count++] = *more;
    return count;
}

static void build_arguments(struct contract *contract, const struct server_plan *plan, const char **arguments, char *workers)
{
    size_t count = 0;
    sprintf(workers, "%u", plan->workers ? plan->workers : contract->workers);
    const char *const usual[] = {
        "--listen", plan->listen ? plan->listen : "127.0.0.1:0", "--workers", workers, "--admin", "127.0.0.1:0", NULL};
    arguments[count++] = plan->program ? plan->program : contract->program;
    count = add_all(arguments, count, (const char *const *)contract->arguments); /* first: a test may end with a missing value */
    if (!plan->bare)
        count = add_all(arguments, count, usual);
    count = add_all(arguments, count, plan->arguments);
    count = add_all(arguments, count, plan->more);
    arguments[count] = NULL;
}

static _Noreturn void become_server(const struct server_plan *plan, const char **arguments, pid_t suite, int out, int err)
{
    struct rlimit limit = {.rlim_cur = plan->descriptors, .rlim_max = plan->descriptors};
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != suite)
        _exit(126);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    if (null > 2)
        close(null);
    if (plan->descriptors && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        _exit(126);
    if (plan->ignored_signal && signal(plan->ignored_signal, SIG_IGN) == SIG_ERR)
        _exit(126);
    execv(arguments[0], (char *const *)arguments);
    _exit(127);
}

struct server *server_spawn(struct contract *contract, const struct server_plan *plan)
{
    const char *arguments[ARGUMENT_SLOTS];
    char workers[16];
    int out[2];
    pid_t suite = getpid();
    struct server *server = calloc(1, sizeof *server);
    CHECK(contract, server != NULL, "out of memory");
    build_arguments(contract, plan, arguments, workers);
    server->contract = contract;
    server->err = memfd_create("stderr", MFD_CLOEXEC);
    /* all its processes write there: the kernel guards a shared position in files that were opened, and in memory files it does not
     */
    CHECK(contract, server->err < 0 || fcntl(server->err, F_SETFL, O_APPEND) == 0, "O_APPEND: %s", strerror(errno));
    CHECK(contract, server->err >= 0 && pipe2(out, O_CLOEXEC) == 0, "memfd_create or pipe2: %s", strerror(errno));
    fflush(NULL);
    server->pid = fork();
    CHECK(contract, server->pid >= 0, "fork: %s", strerror(errno));
    if (server->pid == 0)
        become_server(plan, arguments, suite, out[1], server->err);
    close(out[1]);
    server->out = out[0];
    list_append(&contract->servers, &server->link);
    server->pidfd = pidfd_of(server->pid);
    CHECK(contract, server->pidfd >= 0, "pidfd_open: %s", strerror(errno));
    return server;
}

struct server *server_start_plan(struct contract *contract, const struct server_plan *plan)
{
    struct server *server = server_spawn(contract, plan);
    if (!server_wait_ready(server)) {
        char how[64];
        bool over = server->output_ended ? server_wait_exit(server) : server_has_exited(server); /* the patience is over */
        contract_fail(contract, __FILE__, __LINE__, "no ready line; the program %s; stdout: \"%s\"",
                      over ? server_describe_exit(server, how, sizeof how) : "still runs", server->output);
    }
    return server;
}

struct server *server_start(struct contract *contract, unsigned workers, ...)
{
    const char *arguments[ARGUMENT_SLOTS] = {0};
    struct server_plan plan = {.workers = workers, .arguments = arguments};
    va_list list;
    va_start(list, workers);
    for (size_t i = 0; i < ARGUMENT_SLOTS - 1 && (arguments[i] = va_arg(list, const char *)) != NULL; i++)
        ;
    va_end(list);
    return server_start_plan(contract, &plan);
}

/* ---- the ready line ---- */

/* "http://127.0.0.1:80", "http://[::1]:80", "http://unix:/path:" into a socket address. */
static bool parse_url(const char *url, struct sockaddr_storage *storage, socklen_t *length)
{
    char host[128];
    unsigned port;
    struct sockaddr_in *v4 = (void *)storage;
    struct sockaddr_in6 *v6 = (void *)storage;
    struct sockaddr_un *local = (void *)storage;
    memset(storage, 0, sizeof *storage);
    if (sscanf(url, "http://unix:%107[^:]", local->sun_path) == 1) {
        local->sun_family = AF_UNIX;
        *length = sizeof *local;
        return true;
    }
    memset(storage, 0, sizeof *storage);
    if (sscanf(url, "http://[%127[^]]]:%u", host, &port) == 2 && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *length = sizeof *v6;
        return port > 0;
    }
    if (sscanf(url, "http://%127[^:]:%u", host, &port) == 2 && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *length = sizeof *v4;
        return port > 0;
    }
    return false;
}

static bool parse_ready(struct server *server)
{
    int pid = 0, consumed = 0;
    if (sscanf(server->ready, "ready %255s strategy=%63s workers=%u pid=%d%n", server->url, server->strategy, &server->workers,
               &pid, &consumed) != 4)
        return false;
    CHECK(server->contract, pid == server->pid, "the ready line says pid=%d, the program's is %d: %s", pid, server->pid,
          server->ready);
    if (sscanf(server->ready + consumed, " admin=%255s", server->admin_url) == 1 &&
        !parse_url(server->admin_url, &server->admin_address, &server->admin_length))
        return false;
    return parse_url(server->url, &server->address, &server->address_length);
}

/* Waits for bytes on stdout; false at its end or at the deadline. */
static bool read_output(struct server *server, uint64_t deadline_ns)
{
    struct pollfd poll_fd = {.fd = server->out, .events = POLLIN};
    int n = poll(&poll_fd, 1, milliseconds_until(deadline_ns));
    if (n < 0)
        return errno == EINTR;
    if (n == 0 || server->output_length + 1 >= sizeof server->output)
        return false;
    ssize_t got = read(server->out, server->output + server->output_length, sizeof server->output - 1 - server->output_length);
    if (got <= 0) {
        server->output_ended = true;
        return false;
    }
    server->output_length += (size_t)got;
    return true;
}

bool server_wait_ready(struct server *server)
{
    uint64_t deadline_ns = now_ns() + server->contract->patience_ns;
    char *newline;
    while ((newline = strchr(server->output, '\n')) == NULL)
        if (!read_output(server, deadline_ns))
            return false;
    snprintf(server->ready, sizeof server->ready, "%.*s", (int)(newline - server->output), server->output);
    CHECK(server->contract, parse_ready(server),
          "stdout says \"%s\", wanted: ready <url> strategy=<name> workers=<n> pid=<pid> [admin=<url>]", server->ready);
    return true;
}

bool server_has_spoken(const struct server *server)
{
    struct pollfd poll_fd = {.fd = server->out, .events = POLLIN};
    return poll(&poll_fd, 1, 0) > 0;
}

const char *server_output(struct server *server)
{
    uint64_t deadline_ns = now_ns() + server->contract->patience_ns;
    while (!server->output_ended && read_output(server, deadline_ns))
        ;
    return server->output;
}

char *server_errors(const struct server *server, char *text, size_t size)
{
    ssize_t n = pread(server->err, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

#define REPORT_SIZE (256 * 1024)

bool server_has_report(const struct server *server)
{
    static const char *const marks[] = {"Sanitizer: ", "runtime error: "};
    char *text = malloc(REPORT_SIZE);
    bool found = false;
    if (text == NULL)
        return false;
    server_errors(server, text, REPORT_SIZE);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        found |= strstr(text, marks[i]) != NULL;
    if (found)
        fprintf(stderr, "a sanitizer reports:\n%s\n", text);
    free(text);
    return found;
}

/* ---- exit ---- */

bool server_has_exited(struct server *server)
{
    if (server->exited)
        return true;
    pid_t pid = waitpid(server->pid, &server->wait_status, WNOHANG);
    server->exited = pid == server->pid;
    return server->exited;
}

bool server_wait_exit(struct server *server)
{
    uint64_t deadline_ns = now_ns() + server->contract->patience_ns;
    struct pollfd poll_fd = {.fd = server->pidfd, .events = POLLIN};
    while (!server_has_exited(server)) {
        int n = poll(&poll_fd, 1, milliseconds_until(deadline_ns));
        if (n == 0)
            return server_has_exited(server);
        CHECK(server->contract, n > 0 || errno == EINTR, "poll: %s", strerror(errno));
    }
    return true;
}

const char *server_describe_exit(const struct server *server, char *text, size_t size)
{
    if (!server->exited)
        snprintf(text, size, "still runs");
    else if (WIFEXITED(server->wait_status))
        snprintf(text, size, "ended with exit status %d", WEXITSTATUS(server->wait_status));
    else
        snprintf(text, size, "was killed by signal %d", WTERMSIG(server->wait_status));
    return text;
}

/* ---- /proc ---- */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) != NULL) {
        const char *after_name = strrchr(text, ')');
        if (after_name != NULL && sscanf(after_name, ") %*c %d", &parent) != 1)
            parent = 0;
    }
    fclose(file);
    return parent;
}

static void family_add(struct family *family, pid_t pid)
{
    int pidfd = family->count < FAMILY_MAX ? pidfd_of(pid) : -1;
    if (pidfd < 0)
        return; /* gone between two looks */
    family->pids[family->count] = pid;
    family->pidfds[family->count++] = pidfd;
}

/* Adds the children of `parent`, as /proc tells now. */
static void add_children(struct contract *contract, struct family *family, pid_t parent)
{
    DIR *proc = opendir("/proc");
    CHECK(contract, proc != NULL, "/proc: %s", strerror(errno));
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid > 0 && parent_of(pid) == parent)
            family_add(family, pid);
    }
    closedir(proc);
}

void family_collect(struct contract *contract, pid_t top, struct family *family)
{
    family->count = 0;
    family_add(family, top);
    for (size_t i = 0; i < family->count; i++)
        add_children(contract, family, family->pids[i]);
}

bool family_wait_gone(struct contract *contract, struct family *family, pid_t *left)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (size_t i = 0; i < family->count; i++) {
        struct pollfd poll_fd = {.fd = family->pidfds[i], .events = POLLIN};
        int n;
        while ((n = poll(&poll_fd, 1, milliseconds_until(deadline_ns))) < 0 && errno == EINTR)
            ;
        *left = family->pids[i];
        if (n <= 0)
            return false;
    }
    return true;
}

/* The lowest number that a new descriptor of it could have. */
static unsigned lowest_free(pid_t pid)
{
    char path[64], target[8];
    unsigned number = 0;
    do
        snprintf(path, sizeof path, "/proc/%d/fd/%u", pid, number);
    while (readlink(path, target, sizeof target) >= 0 && ++number);
    return number;
}

void family_limit_descriptors(struct contract *contract, const struct family *family, const struct rlimit *limit,
                              struct rlimit *before)
{
    for (size_t i = family->count; i-- > 0;) {
        struct rlimit wanted, now;
        CHECK(contract, prlimit(family->pids[i], RLIMIT_NOFILE, NULL, &now) == 0, "prlimit: %s", strerror(errno));
        if (before)
            *before = now;
        wanted = limit ? *limit : now;
        if (!limit)
            wanted.rlim_cur = lowest_free(family->pids[i]);
        CHECK(contract, prlimit(family->pids[i], RLIMIT_NOFILE, &wanted, NULL) == 0, "prlimit: %s", strerror(errno));
    }
}

void family_release(struct family *family)
{
    for (size_t i = 0; i < family->count; i++)
        close(family->pidfds[i]);
    family->count = 0;
}

static bool is_server(const struct contract *contract, pid_t pid)
{
    bool found = contract->shared != NULL && contract->shared->pid == pid;
    for (const struct list *link = contract->servers.next; link != &contract->servers; link = link->next)
        found |= list_entry(link, struct server, link)->pid == pid;
    return found;
}

bool server_wait_no_orphans(struct contract *contract, pid_t *left)
{
    struct family children = {0}, orphans = {0};
    add_children(contract, &children, getpid());
    for (size_t i = 0; i < children.count; i++)
        if (!is_server(contract, children.pids[i]))
            family_add(&orphans, children.pids[i]);
    bool gone = family_wait_gone(contract, &orphans, left);
    family_release(&children);
    family_release(&orphans);
    return gone;
}

static unsigned count_entries(pid_t pid, const char *folder)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, folder);
    DIR *entries = opendir(path);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static uint64_t resident_bytes(pid_t pid)
{
    char path[64];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void server_footprint(struct server *server, struct footprint *footprint)
{
    struct family family;
    memset(footprint, 0, sizeof *footprint);
    family_collect(server->contract, server->pid, &family);
    footprint->processes = (unsigned)family.count;
    for (size_t i = 0; i < family.count; i++) {
        footprint->threads += count_entries(family.pids[i], "task");
        footprint->descriptors += count_entries(family.pids[i], "fd");
        footprint->memory_bytes += resident_bytes(family.pids[i]);
    }
    family_release(&family);
}

/* ---- the end of all ---- */

static void server_free(struct contract *contract, struct server *server)
{
    (void)contract;
    list_remove(&server->link);
    close(server->out);
    close(server->err);
    if (server->pidfd >= 0)
        close(server->pidfd);
    free(server);
}

/* Kills every child but `spared` until there is none; a child's children come to us when it is gone. */
static void end_children(struct contract *contract, pid_t spared)
{
    for (;;) {
        struct family children = {0};
        unsigned ended = 0;
        add_children(contract, &children, getpid());
        for (size_t i = 0; i < children.count; i++) {
            if (children.pids[i] == spared)
                continue;
            kill(children.pids[i], SIGKILL);
            waitpid(children.pids[i], NULL, 0);
            ended++;
        }
        family_release(&children);
        if (ended == 0)
            return;
    }
}

void server_end_all(struct contract *contract)
{
    if (contract->shared != NULL)
        list_remove(&contract->shared->link);
    end_children(contract, contract->shared ? contract->shared->pid : 0);
    while (!list_empty(&contract->servers))
        server_free(contract, list_entry(contract->servers.next, struct server, link));
}

void server_end_shared(struct contract *contract)
{
    server_end_all(contract);
    if (contract->shared == NULL)
        return;
    end_children(contract, 0);
    server_free(contract, contract->shared);
    contract->shared = NULL;
}
