/*
 * What several options must agree on, one small rule each, and what is worked out from them, so that a run never begins with a
 * question open.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/units.h"
#include "loadgen/settings.h"

#define DURATION_DEFAULT_NS    (10 * CLOCK_NS_PER_S)
#define PROBE_DEFAULT_NS       (2 * CLOCK_NS_PER_S) /* of a study's runs */
#define DESCRIPTORS_BESIDE     64                   /* files, epoll and timers a thread, what the caller left open */
#define CONNECTIONS_MAX_FACTOR 10                   /* --dispatch open without --connections-max */

int settings_refuse(char *message, const char *what, const char *value, const char *why)
{
    snprintf(message, MESSAGE_SIZE, "loadgen: %s: '%.100s' is not allowed; %.350s", what, value, why);
    options_make_line(message);
    return -EINVAL;
}

/* ---- the request ---- */

static int read_url(struct settings *settings, const char *what, char *message)
{
    char why[MESSAGE_SIZE];
    int error = url_parse(settings->url_text, &settings->url, why);
    return error ? settings_refuse(message, what, settings->url_text, why) : 0;
}

static int check_url(struct settings *settings, char *message)
{
    return read_url(settings, "URL", message);
}

static int check_method(struct settings *settings, char *message)
{
    const char *why = template_check_method(settings->request.method);
    return why ? settings_refuse(message, "--method", settings->request.method, why) : 0;
}

static int check_headers(struct settings *settings, char *message)
{
    const struct option_list *headers = &settings->request.headers;
    for (size_t i = 0; i < headers->count; i++) {
        const char *why = template_check_header(headers->items[i]);
        if (why)
            return settings_refuse(message, "--header", headers->items[i], why);
    }
    if (strcasecmp(settings->backend_header, "none") == 0) {
        settings->backend_header = NULL;
        return 0;
    }
    if (!template_is_token(slice_of(settings->backend_header)))
        return settings_refuse(message, "--backend-header", settings->backend_header, "use a header field's name, or none");
    return 0;
}

static int make_mix(struct settings *settings, char *message)
{
    char why[MESSAGE_SIZE];
    if (settings->request.body && settings->request.body_file)
        return settings_refuse(message, "--body-file", settings->request.body_file, "a body is given by --body already");
    int error = mix_init(&settings->mix, &settings->request, &settings->url, why);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: %.480s", why);
    return error;
}

/* ---- the load ---- */

static int refuse_files(char *message, const char *option, uint64_t connections, uint64_t wanted, uint64_t limit)
{
    char text[32], why[128];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)connections);
    snprintf(why, sizeof(why), "that needs %llu open files and the limit is %llu (ulimit -n)", (unsigned long long)wanted,
             (unsigned long long)limit);
    return settings_refuse(message, option, text, why);
}

/* Without a number, as many as the limit of open files allows, ten times -c at most. */
static void settle_connections_max(struct settings *settings, uint64_t beside, uint64_t limit)
{
    uint64_t most = CONNECTIONS_MAX_FACTOR * settings->connections;
    if (limit && most + beside > limit)
        most = limit - beside;
    settings->connections_max = most > settings->connections ? most : settings->connections;
}

static int check_counts(struct settings *settings, char *message)
{
    uint64_t limit = net_raise_file_limit(), beside = 4 * settings->threads + DESCRIPTORS_BESIDE;
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)settings->connections);
    if (settings->connections < settings->threads)
        return settings_refuse(message, "--connections", text, "use at least one connection a thread (--threads)");
    if (limit && settings->connections + beside > limit)
        return refuse_files(message, "--connections", settings->connections, settings->connections + beside, limit);
    if (settings->dispatch == DISPATCH_OPEN && limit && settings->connections_max + beside > limit)
        return refuse_files(message, "--connections-max", settings->connections_max, settings->connections_max + beside, limit);
    if (!settings->connections_max)
        settle_connections_max(settings, beside, limit);
    return 0;
}

static int check_pin(struct settings *settings, char *message)
{
    if (!settings->pin_text)
        return 0;
    int error = cpus_parse(settings->pin_text, &settings->pin);
    if (!error)
        return 0;
    return settings_refuse(message, "--pin", settings->pin_text,
                           error == -ENXIO ? "that CPU is not one this process may use"
                                           : "use CPU numbers such as 0 or 0,2 or 0-3");
}

/* A rate, a profile or a trace: one of them at most, and each needs the others' place. */
static int settle_rate(struct settings *settings, char *message)
{
    bool rated = settings->rate > SETTINGS_NO_RATE, traced = settings->arrivals.kind == ARRIVALS_TRACE;
    char why[MESSAGE_SIZE];
    if (rated && settings->rate <= 0)
        return settings_refuse(message, "--rate", "0", "use a rate above 0, or leave it out for the closed loop");
    if (rated && settings->profile_text)
        return settings_refuse(message, "--profile", settings->profile_text, "--rate is given already; use one of them");
    if (traced && (rated || settings->profile_text))
        return settings_refuse(message, "--arrivals", "trace", "a trace has its own rate; leave out --rate and --profile");
    settings->rate = rated ? settings->rate : 0;
    settings->is_rate_constant = rated;
    settings->is_open_loop = rated || settings->profile_text || traced;
    int error = 0;
    if (rated)
        error = profile_constant(&settings->profile, settings->rate);
    else if (settings->profile_text && (error = profile_parse(settings->profile_text, &settings->profile, why)))
        return settings_refuse(message, "--profile", settings->profile_text, why);
    else if (traced)
        error = trace_read(settings->arrivals.trace_file, &settings->trace, why);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: %.480s", traced ? why : strerror(-error));
    return error;
}

/* What is about plans would be passed over in silence where there are none. */
static int check_plans(struct settings *settings, char *message)
{
    static const char why[] = "it is about plans, and the closed loop has none; give a --rate or a --profile, too";
    char text[UNITS_TEXT_SIZE];
    if (settings->is_open_loop || settings->find_max_text)
        return 0;
    if (settings->dispatch != DISPATCH_IDLE)
        return settings_refuse(message, "--dispatch", settings->dispatch == DISPATCH_OPEN ? "open" : "pinned", why);
    if (settings->arrivals.kind != ARRIVALS_CONSTANT)
        return settings_refuse(message, "--arrivals", arrivals_names[settings->arrivals.kind], why);
    if (settings->spin_ns)
        return settings_refuse(message, "--spin", units_format_time(settings->spin_ns, text), why);
    return 0;
}

static int settle_think(struct settings *settings, char *message)
{
    settings->has_think = settings->think_text;
    if (!settings->think_text)
        return 0;
    if (settings->is_open_loop)
        return settings_refuse(message, "--think", settings->think_text, "in the open loop the schedule says when; leave it out");
    if (distribution_parse(settings->think_text, strlen(settings->think_text), &settings->think) != 0)
        return settings_refuse(message, "--think", settings->think_text, distribution_allowed);
    return 0;
}

static int settle_connections(struct settings *settings, char *message)
{
    char text[32];
    if (settings->connect_rate == 0)
        return settings_refuse(message, "--connect-rate", "0", "use a rate above 0, or leave it out");
    settings->connect_rate = settings->connect_rate > 0 ? settings->connect_rate : 0;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)settings->connections_max);
    if (settings->connections_max && settings->dispatch != DISPATCH_OPEN)
        return settings_refuse(message, "--connections-max", text, "it belongs to --dispatch open");
    if (settings->connections_max && settings->connections_max < settings->connections)
        return settings_refuse(message, "--connections-max", text, "use at least as many as --connections");
    return 0;
}

/* Local addresses and ports must be of the server's kind. */
static int check_source(struct settings *settings, char *message)
{
    const struct net_address *first = &settings->source.first, *to = &settings->url.address;
    char text[NET_TEXT_SIZE];
    if (settings->source_ports == SOURCE_PORTS_SEEDED && net_is_unix(to))
        return settings_refuse(message, "--source-ports", "seeded", "a unix socket has no ports");
    if (!first->length || first->storage.ss_family == to->storage.ss_family)
        return 0;
    return settings_refuse(message, "--source", net_format_address(first, false, text),
                           net_is_unix(to)                    ? "a unix socket has no local address"
                           : to->storage.ss_family == AF_INET ? "the server's address is IPv4, and so must these be"
                                                              : "the server's address is IPv6, and so must these be");
}

/* The figures by time are taken by the tenth of a second. */
static int check_series(struct settings *settings, char *message)
{
    char text[UNITS_TEXT_SIZE];
    if (settings->series_interval_ns % (100 * CLOCK_NS_PER_MS) == 0)
        return 0;
    return settings_refuse(message, "--series-interval", units_format_time(settings->series_interval_ns, text),
                           "use 100ms or a multiple of it");
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool stat_folder(const char *path, struct stat *status)
{
    char folder[PATH_MAX];
    int length = (int)(name_of(path) - path);
    int written = snprintf(folder, sizeof(folder), "%.*s.", length, path);
    return written > 0 && (size_t)written < sizeof(folder) && stat(folder, status) == 0;
}

static bool is_same_folder(const char *one, const char *other)
{
    struct stat a, b;
    return stat_folder(one, &a) && stat_folder(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat a, b;
    if (stat(one, &a) != 0 && stat(other, &b) != 0) /* not made yet: the same name in the same folder */
        return is_same_folder(one, other) && strcmp(name_of(one), name_of(other)) == 0;
    if (stat(one, &a) != 0 || stat(other, &b) != 0)
        return false;
    return S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino; /* /dev/null takes anything */
}

/* One would be lost under the other, and "-" would be a file of that name. */
static int check_outputs(struct settings *settings, char *message)
{
    const struct {
        const char *option, *path;
    } outputs[] = {{"--output", settings->output}, {"--hgrm", settings->hgrm},     {"--hgrm-service", settings->hgrm_service},
                   {"--hlog", settings->hlog},     {"--series", settings->series}, {"--heat", settings->heat},
                   {"--html", settings->html}};
    const size_t count = sizeof(outputs) / sizeof(outputs[0]);
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].path && strcmp(outputs[i].path, "-") == 0)
            return settings_refuse(message, outputs[i].option, "-",
                                   "name a file, or /dev/stdout; without --output the report goes to stdout");
        for (size_t k = 0; k < i && outputs[i].path; k++)
            if (outputs[k].path && is_same_file(outputs[i].path, outputs[k].path))
                return settings_refuse(message, outputs[i].option, outputs[i].path, "another output is this file; use one each");
    }
    return 0;
}

/*
 * How long. A run never outlasts its plans, or the time without any would dilute its rates: it ends with the profile (the requests
 * in flight then have --linger), and with -n, or a trace, once all that were planned have been answered.
 */
static int settle_end(struct settings *settings, char *message)
{
    (void)message;
    bool is_study = settings->find_max_text || settings->compare_url || settings->repeat;
    uint64_t traced = settings->trace.count, length_ns = settings->profile.count ? settings->profile.length_ns : UINT64_MAX;
    if (traced && (!settings->requests || settings->requests > traced))
        settings->requests = traced;
    if (length_ns != UINT64_MAX && (settings->duration_ns > length_ns || (!settings->duration_ns && !settings->requests)))
        settings->duration_ns = length_ns;
    if (!settings->duration_ns && !settings->requests)
        settings->duration_ns = is_study ? PROBE_DEFAULT_NS : DURATION_DEFAULT_NS;
    if (!settings->seed)
        settings->seed = (random_seed() & UINT32_MAX) | 1;
    return 0;
}

int settings_settle(struct settings *settings, char *message)
{
    int (*const rules[])(struct settings *, char *) = {
        check_url,          check_method, check_headers, make_mix,  settle_rate,  check_plans,   settle_think,
        settle_connections, check_source, check_counts,  check_pin, check_series, check_outputs, settle_end,
    };
    int error = 0;
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]) && !error; i++)
        error = rules[i](settings, message);
    return error;
}

void settings_close(struct settings *settings)
{
    options_free_list(&settings->request.headers);
    options_free_list(&settings->request.checks);
    mix_close(&settings->mix);
    profile_close(&settings->profile);
    trace_close(&settings->trace);
}

/* ---- copies ---- */

static int copy_profile(struct settings *copy)
{
    char why[MESSAGE_SIZE];
    if (copy->is_rate_constant)
        return profile_constant(&copy->profile, copy->rate);
    return copy->profile_text ? profile_parse(copy->profile_text, &copy->profile, why) : 0;
}

/* A copy owns its profile and, where the URL is another, its requests, which carry the URL's host and path. */
static void begin_copy(struct settings *copy, const struct settings *settings)
{
    *copy = *settings;
    copy->profile = (struct profile){.count = 0};
    copy->is_copy = true;
    copy->owns_mix = false;
}

int settings_copy_at_rate(struct settings *copy, const struct settings *settings, double rate, char *message)
{
    begin_copy(copy, settings);
    copy->rate = rate;
    copy->is_open_loop = copy->is_rate_constant = true;
    copy->profile_text = NULL;
    int error = copy_profile(copy);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot plan: %s", strerror(-error));
    return error;
}

int settings_copy_for_url(struct settings *copy, const struct settings *settings, const char *url, char *message)
{
    begin_copy(copy, settings);
    copy->url_text = url;
    copy->mix = (struct request_mix){.count = 0};
    copy->owns_mix = true;
    int error = read_url(copy, "--compare", message);
    if (!error)
        error = make_mix(copy, message);
    if (!error && (error = copy_profile(copy)))
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot plan: %s", strerror(-error));
    return error;
}

void settings_close_copy(struct settings *copy)
{
    if (!copy->is_copy)
        return;
    profile_close(&copy->profile);
    if (copy->owns_mix)
        mix_close(&copy->mix);
}

static double planned_rate_of_trace(const struct settings *settings)
{
    const struct trace *trace = &settings->trace;
    uint64_t count = settings->requests && settings->requests < trace->count ? settings->requests : trace->count;
    uint64_t end_ns = count ? trace->offsets_ns[count - 1] : 0;
    if (settings->duration_ns && settings->duration_ns < end_ns) {
        end_ns = settings->duration_ns;
        while (count && trace->offsets_ns[count - 1] >= end_ns)
            count--;
    }
    return end_ns ? (double)count / ((double)end_ns / 1e9) : 0;
}

double settings_planned_rate(const struct settings *settings)
{
    if (settings->is_rate_constant || !settings->is_open_loop)
        return settings->rate;
    if (settings->arrivals.kind == ARRIVALS_TRACE)
        return planned_rate_of_trace(settings);
    double end_ns = (double)(settings->duration_ns ? settings->duration_ns : settings->profile.length_ns);
    if (settings->requests)
        end_ns = fmin(end_ns, profile_offset_ns(&settings->profile, (double)settings->requests));
    return end_ns > 0 ? profile_planned(&settings->profile, (uint64_t)end_ns) / (end_ns / 1e9) : 0;
}
