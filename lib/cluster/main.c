/*
 * From a command line to a primary or a worker: the part of main that all strategies share.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/primary.h"

#define DESCRIPTORS_RESERVED 32 /* loop, channel, listener, logs and the like */
#define DESCRIPTORS_A_THREAD 8  /* the same of each thread: epoll, eventfd, timerfd, channel, listener */
#define CONNECTIONS_LEAST    4

enum { EXIT_USAGE = 1 };

static void *own_options(const struct strategy *strategy)
{
    return calloc(1, strategy->options_size ? strategy->options_size : 1);
}

/* What each worker may hold when the descriptors are shared out. A front needs two a connection. */
static uint64_t connections_possible(const struct strategy *strategy, uint64_t workers)
{
    uint64_t limit = net_raise_file_limit();
    uint64_t reserved = DESCRIPTORS_RESERVED + (strategy->place == THREADS ? DESCRIPTORS_A_THREAD * workers : 0);
    uint64_t free_descriptors = limit > reserved ? limit - reserved : 0;
    if (strategy->place == THREADS)
        free_descriptors /= workers;
    if (strategy->front)
        free_descriptors /= 2;
    return free_descriptors > CONNECTIONS_LEAST ? free_descriptors : CONNECTIONS_LEAST;
}

static struct cluster_options without_supervision(struct cluster_options options)
{
    options.restart_delay_ns = 100 * CLOCK_NS_PER_MS;
    options.restart_delay_max_ns = 15 * CLOCK_NS_PER_S;
    options.steady_after_ns = 30 * CLOCK_NS_PER_S;
    options.crashes_most = 8;
    options.ready_timeout_ns = 10 * CLOCK_NS_PER_S;
    options.reload_parallel = 1;
    return options;
}

/* Values that depend on the machine or on each other. */
static int resolve(const struct strategy *strategy, struct cluster_options *options)
{
    char why[OPTIONS_ERROR_SIZE];
    if (cluster_options_check(options, why) != 0) {
        fprintf(stderr, "%s: %s\n", strategy->name, why);
        return -EINVAL;
    }
    if (strategy->place == IN_PLACE) {
        if (options->workers > 1) {
            fprintf(stderr, "%s: --workers: '%llu' is not allowed; %s has exactly 1 worker\n", strategy->name,
                    (unsigned long long)options->workers, strategy->name);
            return -EINVAL;
        }
        options->workers = 1;
    }
    if (options->workers == 0)
        options->workers = cpus_usable();
    if (options->workers > WORKERS_MAX)
        options->workers = WORKERS_MAX;
    if (strategy->place != PROCESSES) /* a thread that cannot start is tried again, and not for ever */
        *options = without_supervision(*options);
    if (options->backlog == 0)
        options->backlog = (uint64_t)net_somaxconn();
    uint64_t possible = connections_possible(strategy, options->workers);
    if (options->max_connections == 0 || options->max_connections > possible)
        options->max_connections = possible;
    return 0;
}

/* Only at the start: a worker that is started later goes on without. */
static bool are_files_there(const struct strategy *strategy, const struct cluster_options *options)
{
    return getenv(WORKER_IDENTITY_NAME) || files_check(strategy->name, options) == 0;
}

static int run(const struct strategy *strategy, struct cluster_options *options, void *own, char **argv)
{
    struct log log = {strategy->name, (enum log_level)options->log_level};
    const char *identity = getenv(WORKER_IDENTITY_NAME);
    signal(SIGPIPE, SIG_IGN);
    return identity ? worker_process_main(strategy, options, own, &log, identity) : primary_run(strategy, options, own, &log, argv);
}

/* argv as it was: options_parse moves operands about, and a worker is started with the same words. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    for (int i = 0; copy && i < argc; i++)
        copy[i] = argv[i];
    return copy;
}

/* The shared rows, those of fronts, and the strategy's own. */
static size_t collect_tables(const struct strategy *strategy, struct cluster_options *options, void *own,
                             struct option_table tables[4])
{
    size_t count = 0;
    tables[count++] = (struct option_table){cluster_option_specs, options};
    if (strategy->place == PROCESSES)
        tables[count++] = (struct option_table){cluster_process_specs, options};
    if (strategy->front)
        tables[count++] = (struct option_table){cluster_front_specs, options};
    if (strategy->options)
        tables[count++] = (struct option_table){strategy->options, own};
    return count;
}

/* OPTIONS_RUN, OPTIONS_DONE, or -EINVAL with the reason said. */
static int parse(const struct strategy *strategy, int argc, char **argv, struct cluster_options *options, void *own)
{
    char error[OPTIONS_ERROR_SIZE], version[160];
    struct option_table tables[4];
    int operand = argc;
    snprintf(version, sizeof version, "%s (clusterbench %s) libuv %s llhttp %d.%d.%d", strategy->name, CLUSTERBENCH_VERSION,
             uv_version_string(), LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
    const struct option_program program = {
        .name = strategy->name,
        .summary = strategy->summary,
        .usage = "[options]",
        .epilogue = strategy->notes,
        .version = version,
        .tables = tables,
        .table_count = collect_tables(strategy, options, own, tables),
    };
    int outcome = options_parse(&program, argc, argv, &operand, error);
    if (outcome < 0) {
        fprintf(stderr, "%s\n", error);
    } else if (outcome == OPTIONS_RUN && operand < argc) {
        fprintf(stderr, "%s: '%s' is not allowed; use options only, see --help\n", strategy->name, argv[operand]);
        outcome = -EINVAL;
    }
    return outcome;
}

int cluster_main(const struct strategy *strategy, int argc, char **argv)
{
    struct cluster_options options = {0};
    void *own = own_options(strategy);
    char **arguments = copy_arguments(argc, argv);
    int status = EXIT_USAGE;
    if (!own || !arguments) {
        fprintf(stderr, "%s: out of memory\n", strategy->name);
        goto out;
    }
    int outcome = parse(strategy, argc, argv, &options, own);
    if (outcome == OPTIONS_DONE)
        status = 0;
    else if (outcome == OPTIONS_RUN && resolve(strategy, &options) == 0 && are_files_there(strategy, &options))
        status = run(strategy, &options, own, arguments);
out:
    free(own);
    free(arguments);
    return status;
}
