/*
 * From a command line to a primary or a worker: the part of main that all strategies share.
 */
#include <errno.h>
#include <fcntl.h>
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

static size_t own_options_size(const struct strategy *strategy)
{
    return strategy->options_size ? strategy->options_size : 1;
}

static void *own_options(const struct strategy *strategy)
{
    return calloc(1, own_options_size(strategy));
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

/* ---- the command line and the file ---- */

/* All that is needed to know the settings. */
struct launch {
    const struct strategy *strategy;
    struct cluster_options options;
    void *own;
    struct option_table tables[4];
    char version[160];
    struct config config;
};

/* The shared rows, those of fronts, and the strategy's own. */
static size_t collect_tables(struct launch *launch)
{
    const struct strategy *strategy = launch->strategy;
    size_t count = 0;
    launch->tables[count++] = (struct option_table){cluster_option_specs, &launch->options};
    if (strategy->place == PROCESSES)
        launch->tables[count++] = (struct option_table){cluster_process_specs, &launch->options};
    if (strategy->front)
        launch->tables[count++] = (struct option_table){cluster_front_specs, &launch->options};
    if (strategy->options)
        launch->tables[count++] = (struct option_table){strategy->options, launch->own};
    return count;
}

static void on_changed(void *context)
{
    struct launch *launch = context;
    (void)resolve(launch->strategy, &launch->options); /* what it refuses cannot change at a reload */
}

static int open_config(struct launch *launch)
{
    const struct strategy *strategy = launch->strategy;
    const struct config_area areas[] = {{&launch->options, sizeof launch->options}, {launch->own, own_options_size(strategy)}};
    snprintf(launch->version, sizeof launch->version, "%s (clusterbench %s) libuv %s llhttp %d.%d.%d", strategy->name,
             CLUSTERBENCH_VERSION, uv_version_string(), LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
    const struct option_program program = {
        .name = strategy->name,
        .summary = strategy->summary,
        .usage = "[options]",
        .epilogue = strategy->notes,
        .manual = cluster_manual,
        .version = launch->version,
        .tables = launch->tables,
        .table_count = collect_tables(launch),
    };
    int error = config_open(&launch->config, &program, areas, sizeof areas / sizeof *areas);
    launch->config.changed = on_changed;
    launch->config.changed_context = launch;
    return error;
}

/* OPTIONS_RUN, OPTIONS_DONE, or -EINVAL with the reason said. */
static int read_settings(struct launch *launch, int argc, char **argv)
{
    struct config *config = &launch->config;
    char error[OPTIONS_ERROR_SIZE];
    const char *identity = getenv(WORKER_IDENTITY_NAME);
    if (identity && worker_prove_program(launch->strategy, identity) != 0)
        return -EINVAL;
    int outcome = identity ? config_inherit(config, argc, argv, WORKER_SETTINGS_FD, error) : config_read(config, argc, argv, error);
    if (outcome < 0)
        fprintf(stderr, "%s\n", error);
    if (outcome != OPTIONS_RUN)
        return outcome;
    if (resolve(launch->strategy, &launch->options) != 0 || !are_files_there(launch->strategy, &launch->options))
        return -EINVAL;
    return OPTIONS_RUN;
}

static int print_settings(const struct launch *launch)
{
    char error[OPTIONS_ERROR_SIZE];
    if (config_print(&launch->config, stdout, error) == 0)
        return 0;
    fprintf(stderr, "%s\n", error);
    return EXIT_USAGE;
}

static int run(struct launch *launch, char **argv)
{
    const struct strategy *strategy = launch->strategy;
    struct log log = {strategy->name, (enum log_level)launch->options.log_level};
    const char *identity = getenv(WORKER_IDENTITY_NAME);
    signal(SIGPIPE, SIG_IGN);
    if (identity)
        return worker_process_main(strategy, &launch->options, launch->own, &log, identity);
    int error = config_has_file(&launch->config) ? config_share(&launch->config) : 0;
    if (!error)
        return primary_run(strategy, &launch->options, launch->own, &launch->config, &log, argv);
    fprintf(stderr, "%s: cannot pass the settings on: %s\n", strategy->name, strerror(-error));
    return EXIT_USAGE;
}

/* A standard stream that was closed is /dev/null: else a socket got its number, and what is logged would go there. */
static bool fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) /* the lowest free number */
            return false;
    return true;
}

/* ---- secrets ---- */

/* The command line, to be kept: what ps shows is written over. One block; the caller frees it. NULL without memory. */
static char **copy_command_line(int argc, char **argv)
{
    size_t pointers = ((size_t)argc + 1) * sizeof *argv, length = 0;
    for (int i = 0; i < argc; i++)
        length += strlen(argv[i]) + 1;
    char **copy = malloc(pointers + length);
    char *text = copy ? (char *)copy + pointers : NULL;
    for (int i = 0; i < argc && copy; i++) {
        copy[i] = text;
        text = stpcpy(text, argv[i]) + 1;
    }
    if (copy)
        copy[argc] = NULL;
    return copy;
}

/* What is left is allowed as a token, too: workers are started with this command line, and have no use for the token. */
static void hide_token(int argc, char **argv, const char *token)
{
    static const char name[] = "--admin-token";
    for (int i = 1; i < argc && token; i++) {
        char *equals = strchr(argv[i], '='), *value = NULL;
        if (strcmp(argv[i], name) == 0 && i + 1 < argc)
            value = argv[i + 1];
        else if (equals && strncmp(argv[i], name, sizeof name - 1) == 0 && equals == argv[i] + sizeof name - 1)
            value = equals + 1;
        if (value && admin_token_is_allowed(value, strlen(value)))
            memset(value, '*', strlen(value));
    }
}

int cluster_main(const struct strategy *strategy, int argc, char **argv)
{
    struct launch launch = {.strategy = strategy, .own = own_options(strategy), .config = {.shared = -1, .shared_earlier = -1}};
    char **kept = copy_command_line(argc, argv);
    int status = EXIT_USAGE;
    if (!fill_standard_streams())
        goto out; /* and nowhere to say so */
    if (!kept || !launch.own || open_config(&launch) != 0) {
        fprintf(stderr, "%s: out of memory\n", strategy->name);
        goto out;
    }
    int outcome = read_settings(&launch, argc, kept);
    hide_token(argc, argv, launch.options.admin_token);
    if (outcome == OPTIONS_DONE)
        status = 0;
    else if (outcome == OPTIONS_RUN)
        status = launch.options.check_config ? print_settings(&launch) : run(&launch, argv);
out:
    config_close(&launch.config);
    free(launch.own);
    free(kept);
    return status;
}
