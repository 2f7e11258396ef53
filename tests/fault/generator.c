/*
 * loadgen with --format json on stdout, which is a file in memory; INT ends it, and it still reports.
 */
#include "generator.h"
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MOST 24

struct generator {
    struct contract *contract;
    pid_t pid;
    int out;
};

/* Beside this program. */
static void find_program(struct contract *contract, char *path, size_t size)
{
    static const char name[] = "loadgen";
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    CHECK(contract, slash != NULL && (size_t)(slash + 1 - path) + sizeof name <= size, "/proc/self/exe: %s", path);
    memcpy(slash + 1, name, sizeof name);
}

static _Noreturn void become_generator(const char *path, const char **arguments, pid_t suite, int out)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != suite || dup2(out, 1) < 0)
        _exit(126);
    execv(path, (char *const *)arguments);
    _exit(127);
}

struct generator *generator_start(struct contract *contract, const struct server *server, const char *const *arguments)
{
    const char *all[ARGUMENTS_MOST] = {"loadgen", "--duration", "1h", "--format", "json"};
    char path[1024], url[300];
    size_t count = 5;
    pid_t suite = getpid();
    struct generator *generator = calloc(1, sizeof *generator);
    CHECK(contract, generator != NULL, "out of memory");
    find_program(contract, path, sizeof path);
    snprintf(url, sizeof url, "%s/hello", server->url);
    while (*arguments != NULL && count < ARGUMENTS_MOST - 2)
        all[count++] = *arguments++;
    all[count] = url;
    generator->contract = contract;
    generator->out = memfd_create("report", MFD_CLOEXEC);
    CHECK(contract, generator->out >= 0, "memfd_create: %s", strerror(errno));
    fflush(NULL);
    generator->pid = fork();
    CHECK(contract, generator->pid >= 0, "fork: %s", strerror(errno));
    if (generator->pid == 0)
        become_generator(path, all, suite, generator->out);
    return generator;
}

/* Its exit status. */
static int await_end(struct generator *generator)
{
    uint64_t deadline_ns = now_ns() + generator->contract->patience_ns;
    int status = 0;
    while (waitpid(generator->pid, &status, WNOHANG) == 0)
        CHECK(generator->contract, look_again(deadline_ns), "loadgen does not end when it is interrupted");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static uint64_t number(const json_t *report, const char *group, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(json_object_get(report, group), key));
}

static void read_figures(const json_t *report, struct generator_figures *figures)
{
    figures->ok = number(report, "requests", "ok");
    figures->idle_closed = number(report, "errors", "idle_closed");
    figures->failed = number(report, "requests", "http_errors") + number(report, "requests", "socket_errors") +
                      number(report, "requests", "timed_out") - figures->idle_closed;
    figures->sent = figures->ok + figures->failed + figures->idle_closed + number(report, "requests", "unfinished");
    char *requests = json_dumps(json_object_get(report, "requests"), JSON_COMPACT);
    char *errors = json_dumps(json_object_get(report, "errors"), JSON_COMPACT);
    snprintf(figures->report, sizeof figures->report, "\n  requests %s errors %s", requests ? requests : "", errors ? errors : "");
    free(requests);
    free(errors);
}

void generator_stop(struct generator *generator, struct generator_figures *figures)
{
    struct contract *contract = generator->contract;
    CHECK(contract, kill(generator->pid, SIGINT) == 0, "kill: %s", strerror(errno));
    int status = await_end(generator);
    CHECK(contract, status == 130, "loadgen ended with exit status %d, wanted 130: interrupted", status);
    CHECK(contract, lseek(generator->out, 0, SEEK_SET) == 0, "lseek: %s", strerror(errno));
    json_t *report = json_loadfd(generator->out, 0, NULL);
    CHECK(contract, report != NULL, "loadgen's report is no JSON");
    read_figures(report, figures);
    json_decref(report);
    close(generator->out);
    free(generator);
}
