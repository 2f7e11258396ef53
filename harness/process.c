/*
 * process: starts programs, waits for them with deadlines, and leaves none behind.
 *
 * The harness has one thread and no event loop: it always waits for exactly one thing, in ppoll on a signalfd and at most one
 * pipe. SIGCHLD reaps whatever has ended, ours by pid or an orphan that came to us; INT, TERM and HUP only set a mark that
 * makes the waits return -EINTR.
 *
 * Three nets lie below each other. A program gets TERM and a deadline, then KILL. Its orphans become children of the harness,
 * are found in /proc and killed. And should the harness itself be killed, the kernel kills the programs it started
 * (PR_SET_PDEATHSIG), which do the same for theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#include "process.h"
#include "tree.h"

#define CLEAR_DEADLINE_NS (5 * CLOCK_NS_PER_S)
#define LOG_LIMIT         (1u << 20)

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
}

int custody_open(struct custody *custody)
{
    *custody = (struct custody){.signal_fd = -1};
    list_init(&custody->processes);
    sigset_t set;
    watched_signals(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    custody->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return custody->signal_fd < 0 ? -errno : 0;
}

void custody_close(struct custody *custody)
{
    if (custody->signal_fd >= 0)
        close(custody->signal_fd);
    custody->signal_fd = -1;
}

/* ---- starting ---- */

/* Between fork and exec: only what signal-safety(7) allows. */
static int redirect(int fd, const char *path, int flags)
{
    int file = open(path, flags, 0644);
    if (file < 0 || dup2(file, fd) < 0)
        return -errno;
    return file == fd ? 0 : close(file);
}

static int become(const struct process_spec *spec, pid_t parent, int output)
{
    sigset_t none;
    sigemptyset(&none);
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, spec->death_signal ? spec->death_signal : SIGKILL) < 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return -errno;
    if (getppid() != parent)
        return -ESRCH; /* it died before the line above could tell the kernel */
    if (spec->cpus && cpus_pin_list(spec->cpus) < 0)
        return -EINVAL;
    if (spec->folder && chdir(spec->folder) < 0)
        return -errno;
    int result = redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
    if (!result && output >= 0)
        result = dup2(output, STDOUT_FILENO) < 0 ? -errno : 0;
    else if (!result)
        result = redirect(STDOUT_FILENO, "/dev/null", O_WRONLY);
    if (!result)
        result = redirect(STDERR_FILENO, spec->error_path ? spec->error_path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC);
    if (!result && spec->join)
        result = output >= 0 ? dup2(STDOUT_FILENO, STDERR_FILENO) : dup2(STDERR_FILENO, STDOUT_FILENO);
    if (result < 0)
        return -errno;
    execvp(spec->argv[0], spec->argv);
    return -errno;
}

/* The child tells through a close-on-exec pipe why it could not become the program; a successful exec closes it unwritten. */
static int read_verdict(int pipe_end)
{
    int verdict = 0;
    ssize_t got;
    do
        got = read(pipe_end, &verdict, sizeof(verdict));
    while (got < 0 && errno == EINTR);
    return got == sizeof(verdict) ? verdict : 0;
}

static int start_in_pipes(struct process *process, const struct process_spec *spec, int verdict[2], int output[2])
{
    pid_t parent = getpid();
    process->started_ns = clock_now_ns();
    process->pid = fork();
    if (process->pid < 0)
        return -errno;
    if (process->pid == 0) {
        int result = become(spec, parent, output[1]);
        ssize_t told = write(verdict[1], &result, sizeof(result));
        _exit(told == sizeof(result) ? 127 : 126);
    }
    close(verdict[1]);
    verdict[1] = -1;
    int result = read_verdict(verdict[0]);
    if (result < 0)
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    return result;
}

static void close_pipe(int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

int process_start(struct custody *custody, struct process *process, const struct process_spec *spec)
{
    *process = (struct process){.name = spec->argv[0], .output = -1};
    const char *slash = strrchr(spec->argv[0], '/');
    process->name = slash ? slash + 1 : spec->argv[0];
    list_init(&process->link);
    int verdict[2] = {-1, -1}, output[2] = {-1, -1}, result = 0;
    if (pipe2(verdict, O_CLOEXEC) < 0 || (spec->keep_output && pipe2(output, O_CLOEXEC) < 0))
        result = -errno;
    if (!result)
        result = start_in_pipes(process, spec, verdict, output);
    if (!result) {
        process->output = output[0];
        output[0] = -1;
        list_append(&custody->processes, &process->link);
    }
    close_pipe(output);
    close_pipe(verdict);
    return result;
}

/* ---- waiting ---- */

static struct process *find_process(struct custody *custody, pid_t pid)
{
    for (struct list *link = custody->processes.next; link != &custody->processes; link = link->next) {
        struct process *process = list_entry(link, struct process, link);
        if (process->pid == pid)
            return process;
    }
    return NULL;
}

static void reap(struct custody *custody)
{
    int status;
    struct rusage usage;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;) {
        struct process *process = find_process(custody, pid);
        if (!process)
            continue; /* an orphan that came to us */
        process->ended = true;
        process->status = status;
        process->usage = usage;
    }
}

static void take_signals(struct custody *custody)
{
    struct signalfd_siginfo info;
    while (read(custody->signal_fd, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD && !custody->interrupted_by)
            custody->interrupted_by = (int)info.ssi_signo;
    reap(custody);
}

/* Sleeps until a signal came, `fd` (or -1) is readable, or the deadline. 1 when fd is readable, 0 otherwise, or negative errno. */
static int wait_for_something(struct custody *custody, int fd, uint64_t deadline_ns)
{
    struct pollfd polls[] = {{.fd = custody->signal_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    uint64_t now_ns = clock_now_ns(), left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left_ns / CLOCK_NS_PER_S), .tv_nsec = (long)(left_ns % CLOCK_NS_PER_S)};
    if (ppoll(polls, fd < 0 ? 1 : 2, &timeout, NULL) < 0 && errno != EINTR)
        return -errno;
    take_signals(custody);
    return fd >= 0 && polls[1].revents ? 1 : 0;
}

int process_wait(struct custody *custody, struct process *process, uint64_t deadline_ns, enum patience patience)
{
    for (;;) {
        take_signals(custody);
        if (process->ended)
            return 0;
        if (patience == HEED_SIGNALS && custody->interrupted_by)
            return -EINTR;
        if (clock_now_ns() >= deadline_ns)
            return -ETIMEDOUT;
        int result = wait_for_something(custody, -1, deadline_ns);
        if (result < 0)
            return result;
    }
}

/* 1 when the pipe has something (or its end) to read. */
static int wait_for_output(struct custody *custody, struct process *process, uint64_t deadline_ns)
{
    for (;;) {
        int result = wait_for_something(custody, process->output, deadline_ns);
        if (result)
            return result;
        if (custody->interrupted_by)
            return -EINTR;
        if (clock_now_ns() >= deadline_ns)
            return -ETIMEDOUT;
    }
}

int process_read_line(struct custody *custody, struct process *process, char *line, size_t size, uint64_t deadline_ns)
{
    for (size_t length = 0; length < size; length++) {
        int result = wait_for_output(custody, process, deadline_ns);
        if (result < 0)
            return result;
        ssize_t got = read(process->output, line + length, 1); /* a byte at a time: what follows the line is not ours to take */
        if (got <= 0)
            return -EPIPE;
        if (line[length] == '\n') {
            line[length] = '\0';
            return (int)length;
        }
    }
    return -EMSGSIZE;
}

int process_read_all(struct custody *custody, struct process *process, char *text, size_t size, uint64_t deadline_ns)
{
    size_t length = 0;
    while (length + 1 < size) {
        int result = wait_for_output(custody, process, deadline_ns);
        if (result < 0)
            return result;
        ssize_t got = read(process->output, text + length, size - 1 - length);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    return (int)length;
}

/* ---- ending ---- */

static void forget(struct process *process)
{
    list_remove(&process->link);
    if (process->output >= 0)
        close(process->output);
    process->output = -1;
}

void process_kill_group(struct custody *custody, struct process *process)
{
    take_signals(custody);
    if (!process->ended)
        kill(-process->pid,
             SIGKILL); /* setsid(2) made it a group's leader; it is not reaped yet, so that the number cannot be another's */
}

bool process_stop(struct custody *custody, struct process *process, uint64_t grace_ns)
{
    take_signals(custody);
    if (!process->ended)
        kill(process->pid, grace_ns ? SIGTERM : SIGKILL);
    bool went = process_wait(custody, process, clock_now_ns() + grace_ns, IGNORE_SIGNALS) == 0;
    if (!went) {
        kill(process->pid, SIGKILL); /* cannot be another's pid: it is not reaped yet */
        process_wait(custody, process, clock_now_ns() + CLEAR_DEADLINE_NS, IGNORE_SIGNALS);
    }
    forget(process);
    return went && grace_ns;
}

static bool killed_before(const struct tree *killed, pid_t pid)
{
    for (unsigned i = 0; i < killed->count; i++)
        if (killed->pids[i] == pid)
            return true;
    return false;
}

static void kill_tree(const struct tree *tree, struct tree *killed)
{
    for (unsigned i = 0; i < tree->count; i++)
        if (!killed_before(killed, tree->pids[i]) && kill(tree->pids[i], SIGKILL) == 0)
            tree_add(killed, tree->pids[i]);
}

int custody_clear(struct custody *custody, uint64_t grace_ns)
{
    struct tree killed = {0}, left = {0};
    uint64_t begin_ns = clock_now_ns(), kill_ns = begin_ns + grace_ns, end_ns = kill_ns + CLEAR_DEADLINE_NS;
    int result;
    for (;;) {
        take_signals(custody);
        result = tree_descendants(getpid(), &left);
        if (result < 0 || !left.count)
            break;
        uint64_t now_ns = clock_now_ns();
        result = now_ns >= end_ns ? -ETIMEDOUT : 0;
        if (result < 0)
            break;
        if (now_ns >= kill_ns)
            kill_tree(&left, &killed);
        /* Grandchildren end without a SIGCHLD to us, so look again soon. */
        wait_for_something(custody, -1, now_ns + 2 * CLOCK_NS_PER_MS);
    }
    if (!result)
        result = (int)killed.count;
    tree_free(&left);
    tree_free(&killed);
    return result;
}

/* ---- small services ---- */

static char *capture(struct custody *custody, char *const *argv, bool join)
{
    static const size_t size = 65536;
    struct process process;
    struct process_spec spec = {.argv = argv, .keep_output = true, .join = join};
    if (process_start(custody, &process, &spec) < 0)
        return NULL;
    char *text = memory_get(size);
    uint64_t deadline_ns = clock_now_ns() + 10 * CLOCK_NS_PER_S;
    int result = process_read_all(custody, &process, text, size, deadline_ns);
    if (result >= 0)
        result = process_wait(custody, &process, deadline_ns, HEED_SIGNALS);
    process_stop(custody, &process, 0);
    if (result >= 0 && WIFEXITED(process.status) && WEXITSTATUS(process.status) == 0)
        return text;
    free(text);
    return NULL;
}

char *process_capture(struct custody *custody, char *const *argv)
{
    return capture(custody, argv, false);
}

char *process_capture_all(struct custody *custody, char *const *argv)
{
    return capture(custody, argv, true);
}

char *process_last_words(const char *log)
{
    char *text = NULL, *words = NULL;
    size_t length;
    if (file_read(log, LOG_LIMIT, &text, &length) == 0) {
        char *trimmed = text_trim(text), *newline = strrchr(trimmed, '\n');
        words = *trimmed ? text_print(": %s", text_tame(newline ? newline + 1 : trimmed)) : NULL;
        free(text);
    }
    return words ? words : text_copy("");
}

uint64_t process_cpu_ns(const struct process *process)
{
    const struct rusage *usage = &process->usage;
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * CLOCK_NS_PER_S +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * CLOCK_NS_PER_US;
}

char *process_describe_end(const struct process *process)
{
    if (!process->ended)
        return text_copy("did not end");
    if (WIFSIGNALED(process->status))
        return text_print("was ended by signal %d (%s)", WTERMSIG(process->status), strsignal(WTERMSIG(process->status)));
    return text_print("ended with status %d", WEXITSTATUS(process->status));
}
