/*
 * truth: what loadgen says, held against what is known otherwise.
 *
 *   truth.c       which of the parts below to run, and how they end
 *   table.c       against truth_server's stamps, scenario by scenario; wrk, ab and wrk2's planning beside it
 *   rivals.c        what wrk and ab print; a model of wrk2's planning
 *   pacing.c      open loop at 20,000/s: rate, send lag against a bare timerfd loop, gaps at the server
 *   ports.c       seeded source ports and the hash of SO_REUSEPORT; its fairness against theory
 *   stop.c        a server stopped by SIGSTOP for 2 s
 *   soak.c        memory and descriptors of long and of wide runs
 *   program.c     starting programs, their ready line, what they used
 *   sample.c      percentiles, Kolmogorov-Smirnov, chi-square
 *   stamps.c      truth_server's notes
 *   truth_server.c
 *
 * Nothing of loadgen is linked: a mistake must not be able to confirm itself. Programs under test are those beside this one.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sample.h"
#include "stamps.h"

struct truth {
    char bin[256]; /* where the programs are */
    char own_loadgen[272];
    const char *loadgen;
    char folder[64];               /* for their files; removed at the end */
    int server_cpu, generator_cpu; /* -1: nowhere */
    bool counts_only;              /* nothing that judges times, no rivals, short runs */
    const char *only;              /* scenarios whose name contains this; NULL: all */
    bool run_first;                /* programs started now run ahead of others, where that is allowed */
    unsigned failures, skipped;
};

/* ---- the parts: each prints and adds to truth->failures ---- */

void truth_table(struct truth *truth);
void truth_pacing(struct truth *truth);
void truth_ports(struct truth *truth);
void truth_hashing(struct truth *truth);
void truth_stop(struct truth *truth);
void truth_soak(struct truth *truth);

/* Prints "ok" or "FAILED" and what was judged; counts failures. Returns `good`. */
bool truth_judge(struct truth *truth, bool good, const char *format, ...) __attribute__((format(printf, 3, 4)));
void truth_skip(struct truth *truth, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The part cannot go on: a line, exit 2. Children end with this program. */
void truth_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- program.c ---- */

struct program {
    pid_t pid;
    char output[96]; /* file of its stdout and stderr */
    char url[128];   /* of a server that is ready */
};

struct ended {
    int status;        /* exit status; 128 + signal */
    uint64_t peak_kib; /* of its resident memory: VmHWM */
    double cpu_s;
};

/* `line` as a shell would take it, without quotes: words between spaces. Dies when it cannot be started. `cpu` -1: not pinned. */
void program_start(struct truth *truth, struct program *program, int cpu, const char *line);
/* A server: one of ours by name, pinned to the servers' CPU; returns when it is ready. */
void server_start(struct truth *truth, struct program *program, const char *name, const char *options);
/* The calling thread goes ahead of all ordinary programs (SCHED_FIFO, sched(7)); false where that is not allowed. What is true does
 * not depend on it; how often a busy machine lets it be seen does. */
bool program_run_first(void);
void program_run_ordinarily(void); /* takes it back */
void program_signal(const struct program *program, int number);
struct ended program_wait(struct program *program);
struct ended program_stop(struct program *program);  /* TERM, then program_wait */
char *program_output(const struct program *program); /* the caller frees it */
bool program_is_installed(const char *name);

/* loadgen with these options, to its end. The caller decrefs the report, NULL when it printed none (`ended` may be NULL). */
json_t *loadgen_run(struct truth *truth, const char *options, const char *url, struct ended *ended);
void loadgen_start(struct truth *truth, struct program *program, const char *options, const char *url);
json_t *loadgen_report(const struct truth *truth, const struct program *program);
/* "requests/ok"; NAN when it is not there or no number. */
double report_number(const json_t *report, const char *path);

/* truth_server with a script; its stamps are read when it is stopped. */
struct scripted {
    struct program program;
    char stamps[96];
};
void scripted_start(struct truth *truth, struct scripted *server, const char *script);
void scripted_stop(struct scripted *server, struct stamps *stamps);

/* ---- rivals.c ---- */

/* What a tool said, or what was true. NAN: not told. Times in microseconds. */
enum quantity {
    RECEIVED,
    ANSWERED,
    HTTP_ERRORS,
    SOCKET_ERRORS,
    TIMED_OUT,
    UNFINISHED,
    UNSENT,
    FIRST_P50,
    FIRST_P90,
    FIRST_P99,
    FIRST_MAX,
    SERVICE_P50,
    SERVICE_P90,
    SERVICE_P99,
    SERVICE_MAX,
    RESPONSE_P50,
    RESPONSE_P90,
    RESPONSE_P99,
    RESPONSE_MAX,
    QUANTITIES
};

struct figures {
    double of[QUANTITIES];
};

void figures_clear(struct figures *figures); /* all NAN */
void wrk_figures(const char *output, struct figures *figures);
void ab_figures(const char *output, struct figures *figures);

/* What a server does to a request sent at a time: nothing during the stall, else `service_ns`. */
struct server_model {
    uint64_t service_ns, stall_from_ns, stall_until_ns; /* since the start */
};

/* Response times by wrk2's way of planning; `sample` is owned by the caller. */
void wrk2_model(const struct server_model *server, double rate, unsigned connections, uint64_t duration_ns, struct sample *sample);

#endif
