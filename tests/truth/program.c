/*
 * Starting programs and seeing them to their end. A child dies with this program (PR_SET_PDEATHSIG), so that whatever happens
 * nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "truth.h"

#define WORDS_MAX    64
#define LINE_SIZE    2048
#define READY_NS     (20 * CLOCK_NS_PER_S)
#define OUTPUT_LIMIT (64u << 20)

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        truth_die("sched_setaffinity %d: %s", cpu, strerror(errno));
}

bool program_run_first(void)
{
    const struct sched_param first = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &first) == 0;
}

void program_run_ordinarily(void)
{
    const struct sched_param ordinary = {.sched_priority = 0};
    if (sched_setscheduler(0, SCHED_OTHER, &ordinary) != 0)
        truth_die("sched_setscheduler: %s", strerror(errno));
}

/* In the child: never returns. */
static void become(char **words, int output, int cpu, bool first, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(126);
    if (first)
        program_run_first(); /* if it is allowed */
    if (cpu >= 0)
        pin(cpu);
    if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
        execvp(words[0], words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static unsigned split(char *line, char **words)
{
    char *state = NULL;
    unsigned count = 0;
    for (char *word = strtok_r(line, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        if (count == WORDS_MAX - 1)
            truth_die("more than %d words in a command", WORDS_MAX);
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

void program_start(struct truth *truth, struct program *program, int cpu, const char *line)
{
    char copy[LINE_SIZE], *words[WORDS_MAX];
    pid_t parent = getpid();
    snprintf(copy, sizeof(copy), "%s", line);
    if (split(copy, words) == 0)
        truth_die("an empty command");
    *program = (struct program){.pid = -1};
    snprintf(program->output, sizeof(program->output), "%s/output-XXXXXX", truth->folder);
    int output = mkostemp(program->output, O_CLOEXEC | O_APPEND);
    if (output < 0)
        truth_die("%s: %s", program->output, strerror(errno));
    fflush(stdout);
    program->pid = fork();
    if (program->pid == 0)
        become(words, output, cpu, truth->run_first, parent);
    close(output);
    if (program->pid < 0)
        truth_die("fork: %s", strerror(errno));
}

void program_signal(const struct program *program, int number)
{
    if (kill(program->pid, number) != 0)
        truth_die("kill %d %d: %s", number, (int)program->pid, strerror(errno));
}

struct ended program_wait(struct program *program)
{
    struct rusage usage;
    int status;
    pid_t pid;
    do
        pid = wait4(program->pid, &status, 0, &usage);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        truth_die("wait4: %s", strerror(errno));
    program->pid = -1;
    return (struct ended){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .peak_kib = (uint64_t)usage.ru_maxrss,
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
    };
}

struct ended program_stop(struct program *program)
{
    program_signal(program, SIGTERM);
    return program_wait(program);
}

char *program_output(const struct program *program)
{
    char *text = NULL;
    int error = file_read(program->output, OUTPUT_LIMIT, &text, NULL);
    if (error)
        truth_die("%s: %s", program->output, strerror(-error));
    return text;
}

bool program_is_installed(const char *name)
{
    char command[128];
    snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
    return system(command) == 0;
}

/* ---- servers ---- */

static bool read_ready(struct program *server)
{
    char *text = program_output(server);
    bool ready = strchr(text, '\n') && sscanf(text, "ready %127s", server->url) == 1;
    free(text);
    return ready;
}

static void wait_ready(struct program *server, const char *name)
{
    uint64_t deadline = clock_now_ns() + READY_NS;
    while (!read_ready(server)) {
        if (clock_now_ns() > deadline || waitpid(server->pid, NULL, WNOHANG) != 0)
            truth_die("%s did not become ready; see %s", name, server->output);
        clock_sleep_until_ns(clock_now_ns() + 5 * CLOCK_NS_PER_MS);
    }
}

void server_start(struct truth *truth, struct program *program, const char *name, const char *options)
{
    char line[LINE_SIZE];
    snprintf(line, sizeof(line), "%s/%s --listen 127.0.0.1:0 %s", truth->bin, name, options);
    program_start(truth, program, truth->server_cpu, line);
    wait_ready(program, name);
}

void scripted_start(struct truth *truth, struct scripted *server, const char *script)
{
    char options[LINE_SIZE];
    *server = (struct scripted){.stamps = ""};
    snprintf(server->stamps, sizeof(server->stamps), "%s/stamps", truth->folder);
    snprintf(options, sizeof(options), "--stamps %s %s", server->stamps, script);
    server_start(truth, &server->program, "truth_server", options);
}

void scripted_stop(struct scripted *server, struct stamps *stamps)
{
    struct ended ended = program_stop(&server->program);
    int error = stamps_read(stamps, server->stamps);
    if (ended.status != 0 || error)
        truth_die("truth_server: exit %d, %s: %s; see %s", ended.status, server->stamps, strerror(-error), server->program.output);
}

/* ---- loadgen ---- */

/* One at a time: the report is always the same file. */
static void report_path(const struct truth *truth, char path[96])
{
    snprintf(path, 96, "%s/report.json", truth->folder);
}

void loadgen_start(struct truth *truth, struct program *program, const char *options, const char *url)
{
    char line[LINE_SIZE], path[96];
    report_path(truth, path);
    unlink(path); /* of the run before; there may be none */
    snprintf(line, sizeof(line), "%s --format json --output %s --quiet --live off %s %s", truth->loadgen, path, options, url);
    program_start(truth, program, truth->generator_cpu, line);
}

json_t *loadgen_report(const struct truth *truth, const struct program *program)
{
    char path[96];
    report_path(truth, path);
    json_t *report = json_load_file(path, 0, NULL);
    if (report)
        return report;
    char *text = program_output(program);
    printf("  loadgen reported nothing and said: %s\n", text);
    free(text);
    return NULL;
}

json_t *loadgen_run(struct truth *truth, const char *options, const char *url, struct ended *ended)
{
    struct program program;
    loadgen_start(truth, &program, options, url);
    struct ended unused = {.status = -1}, *end = ended ? ended : &unused;
    *end = program_wait(&program);
    return loadgen_report(truth, &program);
}

double report_number(const json_t *report, const char *path)
{
    char copy[128], *state = NULL;
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *key = strtok_r(copy, "/", &state); key && report; key = strtok_r(NULL, "/", &state))
        report = json_object_get(report, key);
    return report && json_is_number(report) ? json_number_value(report) : NAN;
}
