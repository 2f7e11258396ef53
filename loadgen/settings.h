/*
 * What the user asked for: the option table's fields, and what is worked out from them before anything runs.
 */
#ifndef LOADGEN_SETTINGS_H
#define LOADGEN_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpus.h"
#include "base/distribution.h"
#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"
#include "loadgen/request/request.h"

enum dispatch {
    DISPATCH_IDLE,   /* one schedule a thread; the connection that has been free longest takes the next plan */
    DISPATCH_PINNED, /* a schedule a connection, as wrk2: a connection that waits for its answer delays its own plans only */
    DISPATCH_OPEN,   /* as idle, but when none is free another connection is opened, up to --connections-max */
};

enum report_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };
enum live { LIVE_AUTO, LIVE_ON, LIVE_OFF };
enum source_ports { SOURCE_PORTS_KERNEL, SOURCE_PORTS_SEEDED };

/* --requests-per-connection N or geometric:N */
struct connection_life {
    uint64_t requests; /* 0: no limit; else the number, or the mean */
    bool geometric;
};

/* --source 127.0.0.2-127.0.0.65, one address or a range, IPv4 or IPv6 */
struct source_range {
    struct net_address first; /* length 0: none was given */
    uint32_t count;
};

int connection_life_parse(const char *text, void *life); /* OPTION_CUSTOM */
int source_range_parse(const char *text, void *range);   /* OPTION_CUSTOM */

struct settings {
    const char *url_text;
    uint64_t threads, connections, connections_max, pipeline;
    uint64_t requests;    /* 0: until the duration ends */
    uint64_t duration_ns; /* 0: until the requests are done */
    uint64_t warmup_ns, timeout_ns, linger_ns, spin_ns;
    double rate; /* requests/s of all threads; 0: closed loop, or a profile or trace says */
    struct arrivals_choice arrivals;
    const char *profile_text;
    int dispatch;
    struct connection_life life;
    double connect_rate; /* connects/s of all threads; 0: no limit */
    const char *think_text;
    struct source_range source;
    int source_ports;
    uint64_t seed;
    struct request_options request;
    const char *backend_header; /* NULL: no attribution */
    const char *output, *hgrm, *hgrm_service, *hlog, *series, *heat, *html;
    uint64_t series_interval_ns;
    const char *pin_text;
    int format, live;
    bool latency, uncorrected, quiet, announce, retry_idle;
    const char *slo_text, *find_max_text, *compare_url;
    uint64_t repeat; /* 0: not asked for */
    bool selftest;

    /* Worked out: */
    struct url url;
    struct cpu_list pin;    /* count 0: nowhere */
    bool is_open_loop;      /* a rate, a profile or a trace */
    bool is_rate_constant;  /* open loop at `rate`; planned rate of a profile or trace: see `profile`, `trace` */
    struct profile profile; /* open loop without a trace */
    struct trace trace;
    bool has_think;
    struct distribution think; /* closed loop: between an answer and the next request of its connection */
    struct request_mix mix;
    bool is_copy, owns_mix; /* see settings_copy_... */
};

#define SETTINGS_NO_RATE (-1.0) /* --rate and --connect-rate as they stand before the command line is read */

/* settings.c: checks what the options say together and works the rest out. -EINVAL and others with a whole line. */
int settings_settle(struct settings *settings, char *message);
/* Writes "loadgen: WHAT: 'VALUE' is not allowed; WHY". Returns -EINVAL. */
int settings_refuse(char *message, const char *what, const char *value, const char *why);

extern const struct option_section settings_manual[]; /* manual.c */

/* options.c. An options_outcome, or -EINVAL with a whole line in `message` (MESSAGE_SIZE). */
int settings_read(struct settings *settings, int argc, char **argv, char *message);
void settings_close(struct settings *settings);

/* The same load at another constant rate (find-max), or on another URL (compare), which is kept by its pointer: a copy that shares
 * all else with the original and must not outlive it. End it with settings_close_copy, also after an error. 0 or negative errno
 * with a line in `message`. */
int settings_copy_at_rate(struct settings *copy, const struct settings *settings, double rate, char *message);
int settings_copy_for_url(struct settings *copy, const struct settings *settings, const char *url, char *message);
void settings_close_copy(struct settings *copy);

/* Requests/s planned on the average of the run; 0 in the closed loop. */
double settings_planned_rate(const struct settings *settings);

/* Connections opened when a request is due on them, instead of before the start and kept. */
static inline bool settings_opens_on_demand(const struct settings *settings)
{
    return settings->life.requests != 0;
}

#endif
