/*
 * The options every server understands: one table, see options.c.
 */
#ifndef CLUSTER_OPTIONS_H
#define CLUSTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpus.h"
#include "base/net.h"
#include "base/options.h"
#include "cluster/access_line.h"

struct cluster_pin {
    bool on;
    struct cpu_list cpus;
};

struct cluster_options {
    const char *config, *env; /* NULL: none */
    bool check_config;
    struct net_address listen;
    struct net_address admin;                   /* length 0: none */
    const char *admin_token, *admin_token_file; /* at most one of them; NULL: none */
    uint64_t fronts;                            /* 0 where the strategy has none */
    uint64_t workers;                           /* 0 until `auto` is resolved */
    uint64_t backlog;                           /* 0 until the system's is filled in */
    uint64_t max_connections;                   /* a worker; 0 until the descriptor limit is known */
    struct cluster_pin pin;
    uint64_t header_timeout_ns, body_timeout_ns, idle_timeout_ns, write_timeout_ns, grace_ns;
    uint64_t max_header_bytes, max_header_lines, max_target_bytes, max_body_bytes;
    /* PROCESSES, and where it is said THREADS, too */
    uint64_t restart_delay_ns, restart_delay_max_ns, steady_after_ns, crashes_most;
    uint64_t ready_timeout_ns, hang_timeout_ns, max_memory_bytes; /* 0: off */
    uint64_t reload_parallel;
    const char *root, *append_file; /* NULL: none */
    struct net_address redis;       /* length 0: none */
    int session_store, cache;       /* enum state_store */
    bool single_flight;
    uint64_t cache_ttl_ns, database_time_ns;
    const char *event_log, *access_log; /* NULL: none */
    int access_format;                  /* enum access_format */
    uint64_t access_slower_ns;
    int log_level;
    bool faults;
};

extern const struct option_spec cluster_option_specs[];
extern const struct option_spec cluster_process_specs[]; /* where workers are processes: supervision */
extern const struct option_spec cluster_front_specs[];   /* where the strategy has fronts */

extern const struct option_section cluster_manual[]; /* manual.c */

#define ADMIN_TOKEN_ALLOWED "16..256 letters, digits or other visible characters, without blanks"

bool admin_token_is_allowed(const char *token, size_t length);

/* Values that do not go together: 0, or -EINVAL with one line in `why` (OPTIONS_ERROR_SIZE). */
int cluster_options_check(const struct cluster_options *options, char *why);

#endif
