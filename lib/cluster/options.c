/*
 * What every server can be told.
 */
#include "cluster/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "ipc/scoreboard.h"
#include "state/state.h"

static int parse_address(const char *text, void *field)
{
    return net_parse_address(text, field);
}

static int parse_workers(const char *text, void *field)
{
    uint64_t *workers = field;
    if (strcmp(text, "auto") == 0) {
        *workers = 0;
        return 0;
    }
    int error = units_parse_count(text, strlen(text), workers);
    return error ? error : *workers >= 1 && *workers <= WORKERS_MAX ? 0 : -ERANGE;
}

static int parse_pin(const char *text, void *field)
{
    struct cluster_pin *pin = field;
    pin->on = true;
    return strcmp(text, "auto") == 0 ? cpus_allowed(&pin->cpus) : cpus_parse(text, &pin->cpus);
}

bool admin_token_is_allowed(const char *token, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return false;
    return length >= 16 && length <= 256;
}

static int parse_token(const char *text, void *field)
{
    if (!admin_token_is_allowed(text, strlen(text)))
        return -EINVAL;
    *(const char **)field = text;
    return 0;
}

/* Redis listens on a port or a path. */
static int parse_redis(const char *text, void *field)
{
    struct net_address address = {0};
    int error = net_parse_address(text, &address);
    if (!error && (net_is_unix(&address) ? strncmp(text, "unix:@", 6) == 0 : net_port(&address) == 0))
        error = -EINVAL;
    if (!error)
        *(struct net_address *)field = address;
    return error;
}

static int parse_store(enum state_kind kind, const char *text, void *field)
{
    enum state_store store;
    int error = state_parse_store(kind, slice_of(text), &store);
    if (!error)
        *(int *)field = store;
    return error;
}

static int parse_session_store(const char *text, void *field)
{
    return parse_store(STATE_SESSION, text, field);
}

static int parse_cache(const char *text, void *field)
{
    return parse_store(STATE_CACHE, text, field);
}

/* For shells to offer. */
static const char *const session_store_names[] = {"local", "redis", NULL};
static const char *const cache_store_names[] = {"local", "shared", "redis", NULL};

/* /status tells more than strangers should know, and /reload and the like are not for them at all. */
static int check_admin(const struct cluster_options *options, char *why)
{
    char text[NET_TEXT_SIZE];
    const struct net_address *admin = &options->admin;
    bool has_token = options->admin_token || options->admin_token_file;
    if (options->admin_token && options->admin_token_file) {
        snprintf(why, OPTIONS_ERROR_SIZE, "--admin-token and --admin-token-file are both given; use one of them");
        return -EINVAL;
    }
    if (admin->length == 0 || net_is_unix(admin) || net_is_loopback(admin) || has_token)
        return 0;
    snprintf(why, OPTIONS_ERROR_SIZE,
             "--admin: '%s' is not allowed without a token; use --admin-token-file FILE with it, or a loopback address such as "
             "127.0.0.1:9000, or unix:PATH",
             net_format_address(admin, true, text));
    return -EINVAL;
}

static int check_stores(const struct cluster_options *options, char *why)
{
    const char *option = options->session_store == STATE_REDIS ? "session-store" : options->cache == STATE_REDIS ? "cache" : NULL;
    if (!option || options->redis.length > 0)
        return 0;
    snprintf(why, OPTIONS_ERROR_SIZE, "--%s: 'redis' is not allowed without a Redis; use --redis unix:PATH or ADDR:PORT with it",
             option);
    return -EINVAL;
}

int cluster_options_check(const struct cluster_options *options, char *why)
{
    int error = check_admin(options, why);
    return error ? error : check_stores(options, why);
}

#define ROW(field) OPTION_FIELD(struct cluster_options, field)

/* clang-format off */
const struct option_spec cluster_option_specs[] = {
    {.name = "listen", .letter = 'l', .type = OPTION_CUSTOM, ROW(listen), .parse = parse_address, .argument = "ADDR:PORT",
     .fallback = "127.0.0.1:8080", .allowed = net_address_allowed, .group = "Serving",
     .help = "where clients connect; port 0 is chosen by the system and printed"},
    {.name = "workers", .letter = 'w', .type = OPTION_CUSTOM, ROW(workers), .parse = parse_workers, .argument = "N|auto",
     .fallback = "auto", .allowed = "1..256 or auto",
     .help = "how many workers; auto: one for each CPU this process may use, by affinity and cgroup quota"},
    {.name = "backlog", .type = OPTION_INTEGER, ROW(backlog), .min = 1, .max = 65535, .argument = "N",
     .help = "length of the accept queue (default: net.core.somaxconn)"},
    {.name = "max-connections", .type = OPTION_INTEGER, ROW(max_connections), .reloadable = true, .min = 1, .max = 1000000, .argument = "N",
     .help = "a worker takes no more at a time (default: what its descriptor limit allows)"},
    {.name = "pin", .type = OPTION_CUSTOM, ROW(pin), .parse = parse_pin, .argument = "LIST|auto",
     .allowed = "auto or CPUs this process may use, as in 0,2-3",
     .help = "pin worker I to the I-th CPU of the list, beginning again when workers outnumber CPUs"},
    {.name = "admin", .type = OPTION_CUSTOM, ROW(admin), .parse = parse_address, .argument = "ADDR:PORT",
     .allowed = net_address_allowed,
     .help = "answer GET /status (JSON) and /metrics (Prometheus), POST /reload, /scale, /drain and /restart there; needs a token "
             "unless it is a loopback address or unix:PATH"},
    {.name = "admin-token", .type = OPTION_CUSTOM, ROW(admin_token), .parse = parse_token, .secret = true, .argument = "TOKEN",
     .allowed = ADMIN_TOKEN_ALLOWED,
     .help = "there, refuse who does not send Authorization: Bearer TOKEN; ps shows it to all on this machine until the program has read it"},
    {.name = "admin-token-file", .type = OPTION_TEXT, ROW(admin_token_file), .is_file = true, .argument = "FILE",
     .help = "the same with the first line of this file, which ps does not show"},
    {.name = "faults", .type = OPTION_FLAG, ROW(faults), .reloadable = true, .help = "serve /crash, /leak/SIZE and /stall/TIME, for experiments"},
    {.name = "log", .type = OPTION_CHOICE, ROW(log_level), .choices = log_level_names, .fallback = "warn", .argument = "LEVEL",
     .help = "what goes to stderr"},

    {.name = "event-log", .type = OPTION_TEXT, ROW(event_log), .is_file = true, .argument = "FILE", .group = "Logs",
     .help = "a line of JSON for all that becomes of workers: start, ready, exit, restart, reload, ...; - is stderr"},
    {.name = "access-log", .type = OPTION_TEXT, ROW(access_log), .reloadable = true, .is_file = true, .argument = "FILE",
     .help = "a line for each answer; all workers append to the same file"},
    {.name = "access-log-format", .type = OPTION_CHOICE, ROW(access_format), .reloadable = true, .choices = access_format_names,
     .fallback = "common", .argument = "FORMAT",
     .help = "common: Common Log Format, then worker and microseconds; json"},
    {.name = "access-log-slower", .type = OPTION_TIME, ROW(access_slower_ns), .reloadable = true, .fallback = "0", .argument = "TIME",
     .help = "only requests that took at least so long: a slow log"},

    {.name = "config", .type = OPTION_TEXT, ROW(config), .is_file = true, .argument = "FILE", .group = "Configuration",
     .help = "read options from this file, too: KEY = VALUE below [default]; what the command line says wins"},
    {.name = "env", .type = OPTION_TEXT, ROW(env), .argument = "NAME",
     .help = "of the file, take the section [NAME], too; it wins over [default]"},
    {.name = "check-config", .type = OPTION_FLAG, ROW(check_config),
     .help = "check all options, print what holds in the file's form and exit"},

    {.name = "header-timeout", .type = OPTION_TIME, ROW(header_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "10s", .argument = "TIME",
     .group = "Time-outs", .help = "for a whole request head, from its first byte: 408"},
    {.name = "body-timeout", .type = OPTION_TIME, ROW(body_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "30s", .argument = "TIME",
     .help = "for a whole request body: 408"},
    {.name = "idle-timeout", .type = OPTION_TIME, ROW(idle_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "60s", .argument = "TIME",
     .help = "for a keep-alive connection between requests"},
    {.name = "write-timeout", .type = OPTION_TIME, ROW(write_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "30s", .argument = "TIME",
     .help = "for a client that takes nothing of its answer"},
    {.name = "grace", .type = OPTION_TIME, ROW(grace_ns), .reloadable = true, .fallback = "5s", .argument = "TIME",
     .help = "for answers under way when TERM asks for the end, and when a worker is replaced or taken out"},

    {.name = "max-header", .type = OPTION_SIZE, ROW(max_header_bytes), .reloadable = true, .min = 256, .max = 1 << 20, .fallback = "32k", .argument = "SIZE",
     .group = "Limits", .help = "of request line and header fields together: 431"},
    {.name = "max-header-lines", .type = OPTION_INTEGER, ROW(max_header_lines), .reloadable = true, .min = 1, .max = 10000, .fallback = "100", .argument = "N",
     .help = "431"},
    {.name = "max-target", .type = OPTION_SIZE, ROW(max_target_bytes), .reloadable = true, .min = 16, .max = 1 << 20, .fallback = "8k", .argument = "SIZE",
     .help = "of the request target: 414"},
    {.name = "max-body", .type = OPTION_SIZE, ROW(max_body_bytes), .reloadable = true, .max = UINT64_C(1) << 30, .fallback = "1m", .argument = "SIZE",
     .help = "of a request's body: 413"},

    {.name = "root", .type = OPTION_TEXT, ROW(root), .argument = "DIR", .is_file = true, .group = "Files",
     .help = "serve the files below DIR as /static/FILE (default: none)"},
    {.name = "append-file", .type = OPTION_TEXT, ROW(append_file), .argument = "FILE", .is_file = true,
     .help = "where /append writes its lines (default: nowhere)"},

    {.name = "redis", .type = OPTION_CUSTOM, ROW(redis), .parse = parse_redis, .argument = "ADDR:PORT", .group = "State",
     .allowed = "unix:PATH or ADDR:PORT such as 127.0.0.1:6379",
     .help = "the Redis server of /counter?store=redis and of the two below, also unix:PATH (default: none)"},
    {.name = "session-store", .type = OPTION_CUSTOM, ROW(session_store), .parse = parse_session_store, .argument = "STORE",
     .fallback = "local", .allowed = "local or redis", .choices = session_store_names,
     .help = "where /session keeps its sessions: local (a worker's own memory) or redis"},
    {.name = "cache", .type = OPTION_CUSTOM, ROW(cache), .parse = parse_cache, .argument = "STORE",
     .fallback = "local", .allowed = "local, shared or redis", .choices = cache_store_names,
     .help = "where /api/products is cached: local, shared (memory that all workers map) or redis"},
    {.name = "cache-ttl", .type = OPTION_TIME, ROW(cache_ttl_ns), .min = CLOCK_NS_PER_MS, .fallback = "60s", .argument = "TIME",
     .help = "how long it is good"},
    {.name = "single-flight", .type = OPTION_FLAG, ROW(single_flight),
     .help = "one of all requests that miss the cache reads the database, the others wait for it"},
    {.name = "database-time", .type = OPTION_TIME, ROW(database_time_ns), .max = 600 * CLOCK_NS_PER_S, .fallback = "100ms", .argument = "TIME",
     .help = "how long the database behind the cache takes"},
    {.name = NULL},
};

const struct option_spec cluster_process_specs[] = {
    {.name = "restart-delay", .type = OPTION_TIME, ROW(restart_delay_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "100ms", .argument = "TIME",
     .group = "Supervision", .help = "before a worker that ended is started again; doubles with each short life, and is spread over its upper half"},
    {.name = "restart-delay-max", .type = OPTION_TIME, ROW(restart_delay_max_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "15s", .argument = "TIME",
     .help = "it grows no further"},
    {.name = "steady-after", .type = OPTION_TIME, ROW(steady_after_ns), .reloadable = true, .fallback = "30s", .argument = "TIME",
     .help = "a life that long is not short: delays begin anew behind it"},
    {.name = "max-crashes", .type = OPTION_INTEGER, ROW(crashes_most), .reloadable = true, .min = 1, .max = 1000000, .fallback = "8", .argument = "N",
     .help = "so many short lives in a row, and the worker is given up (errored) until a reload or scale"},
    {.name = "ready-timeout", .type = OPTION_TIME, ROW(ready_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_MS, .fallback = "10s", .argument = "TIME",
     .help = "for a new worker to be ready"},
    {.name = "hang-timeout", .type = OPTION_TIME, ROW(hang_timeout_ns), .reloadable = true, .min = CLOCK_NS_PER_S, .argument = "TIME",
     .help = "kill and replace a worker whose loop has not turned for so long, what requests asked for not counted (default: never)"},
    {.name = "max-memory", .type = OPTION_SIZE, ROW(max_memory_bytes), .reloadable = true, .min = 1 << 20, .argument = "SIZE",
     .help = "replace a worker that has more resident memory, kill it at twice as much (default: never)"},
    {.name = "reload-parallel", .type = OPTION_INTEGER, ROW(reload_parallel), .reloadable = true, .min = 1, .max = WORKERS_MAX, .fallback = "1", .argument = "N",
     .help = "workers a reload replaces at a time"},
    {.name = NULL},
};

const struct option_spec cluster_front_specs[] = {
    {.name = "fronts", .letter = 'f', .type = OPTION_INTEGER, ROW(fronts), .min = 1, .max = 64, .fallback = "1", .argument = "N",
     .group = "Fronts", .help = "how many processes accept and pass requests on"},
    {.name = NULL},
};
/* clang-format on */
