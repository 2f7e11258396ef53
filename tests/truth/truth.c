#include "truth.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/net.h"

static const struct {
    const char *name;
    void (*run)(struct truth *truth);
    const char *what;
} parts[] = {
    {"table", truth_table, "scenarios: truth_server's stamps, loadgen, wrk, ab, a model of wrk2"},
    {"pacing", truth_pacing, "open loop at 20,000/s: rate, lag against a bare timerfd loop, gaps"},
    {"ports", truth_ports, "seeded source ports on reuseport"},
    {"hashing", truth_hashing, "fairness of reuseport's hash against theory"},
    {"stop", truth_stop, "a server stopped for 2 s"},
    {"soak", truth_soak, "memory and descriptors"},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

bool truth_judge(struct truth *truth, bool good, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  %s ", good ? "ok    " : "FAILED");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    truth->failures += !good;
    return good;
}

void truth_skip(struct truth *truth, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  skipped: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    truth->skipped++;
}

void truth_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "truth: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(2);
}

static void find_programs(struct truth *truth)
{
    ssize_t length = readlink("/proc/self/exe", truth->bin, sizeof(truth->bin) - 1);
    if (length < 0)
        truth_die("/proc/self/exe: %s", strerror(errno));
    truth->bin[length] = '\0';
    *strrchr(truth->bin, '/') = '\0';
    snprintf(truth->own_loadgen, sizeof(truth->own_loadgen), "%s/loadgen", truth->bin);
    if (!truth->loadgen)
        truth->loadgen = truth->own_loadgen;
}

/* Servers on the first CPU, the generator on the second, where there are two. */
static void find_cpus(struct truth *truth)
{
    struct cpu_list cpus;
    truth->server_cpu = truth->generator_cpu = -1;
    if (cpus_allowed(&cpus) != 0 || cpus.count < 2)
        return;
    truth->server_cpu = cpus.cpu[0];
    truth->generator_cpu = cpus.cpu[1];
}

/* Tries it in a child, so that this program stays an ordinary one. */
static void print_conditions(const struct truth *truth)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(program_run_first() ? 0 : 1);
    bool first = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
    printf("servers on CPU %d, generators on CPU %d (-1: anywhere); real-time priority for runs that judge times: %s\n",
           truth->server_cpu, truth->generator_cpu, first ? "yes" : "not allowed here");
}

static void remove_folder(const struct truth *truth)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf -- '%s'", truth->folder);
    if (system(command) != 0)
        fprintf(stderr, "truth: %s could not be removed\n", truth->folder);
}

static void print_usage(FILE *out)
{
    fprintf(out, "usage: truth PART... [--counts] [--only TEXT] [--loadgen PATH]\n\nHolds what loadgen says against what is known "
                 "otherwise.\n\n");
    for (unsigned i = 0; i < PARTS; i++)
        fprintf(out, "  %-8s %s\n", parts[i].name, parts[i].what);
    fprintf(out, "\n  --counts         table: only scenarios that are about counts: they hold on a busy machine, too; soak: 5 s "
                 "instead of 60\n"
                 "  --only TEXT      table, soak: only scenarios with this in their name\n"
                 "  --loadgen PATH   another one than that beside this program\n"
                 "Exit status: 0 all true, 1 usage, 2 could not be run, 3 something is not true.\n");
}

static void run_part(struct truth *truth, unsigned part)
{
    printf("\n==== %s: %s\n", parts[part].name, parts[part].what);
    parts[part].run(truth);
}

/* Which parts; they run in their own order. */
struct choice {
    bool parts[PARTS];
};

static bool choose_part(struct choice *choice, const char *name)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (strcmp(parts[i].name, name) == 0)
            return choice->parts[i] = true;
    fprintf(stderr, "truth: '%s' is not allowed; use table, pacing, ports, hashing, stop, soak, and options of truth --help\n",
            name);
    return false;
}

static bool choose(struct truth *truth, struct choice *choice, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--counts") == 0)
            truth->counts_only = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            truth->only = argv[++i];
        else if (strcmp(argv[i], "--loadgen") == 0 && i + 1 < argc)
            truth->loadgen = argv[++i];
        else if (!choose_part(choice, argv[i]))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct truth truth = {.folder = "/tmp/truth-XXXXXX"};
    struct choice choice = {.parts = {false}};
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2;
    }
    if (!choose(&truth, &choice, argc, argv))
        return 1;
    find_programs(&truth);
    find_cpus(&truth);
    net_raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(truth.folder))
        truth_die("%s: %s", truth.folder, strerror(errno));
    print_conditions(&truth);
    for (unsigned i = 0; i < PARTS; i++)
        if (choice.parts[i])
            run_part(&truth, i);
    remove_folder(&truth);
    printf("\ntruth: %u not true, %u skipped\n", truth.failures, truth.skipped);
    return truth.failures ? 3 : 0;
}
