/*
 * Several runs, to answer what one cannot: does it hold an objective, how much does it take, is A different from B?
 */
#ifndef LOADGEN_STUDY_H
#define LOADGEN_STUDY_H

#include "base/estimate.h"
#include "loadgen/report/report.h"

/* ---- measured.c ---- */

/* One run, with the watchers the settings ask for, and its summary. Ends with an exit_status; a line about what failed is in
 * `message` ("" otherwise). `summary` is initialised if *measured, also of a run that was interrupted or INVALID. */
enum exit_status measure_once(const struct settings *settings, struct summary *summary, bool *measured, char *message);

/* ---- objective.c ---- */

enum objective_figure { FIGURE_PERCENTILE, FIGURE_MEAN, FIGURE_MAX, FIGURE_ERRORS, FIGURE_RATE };

struct objective {
    enum objective_figure figure;
    bool service;      /* of service time instead of response time: service-p99 */
    double percentile; /* p50 .. p99.999 */
    bool below;        /* '<', else '>' */
    double bound;      /* microseconds, a share of the planned requests, or requests/s */
    char text[48];     /* as written */
};

#define OBJECTIVES_MAX 8

/* p99<5ms,errors<0.1%,rate>1000: all of them must hold. */
struct objectives {
    struct objective items[OBJECTIVES_MAX];
    unsigned count;
};

extern const char objectives_allowed[]; /* one line, for messages */

int objectives_parse(const char *text, struct objectives *objectives, char *message);
/* The measured value in the objective's unit, NAN when there is none; *met: surely held (a lower bound does not hold a '<'). */
double objective_value(const struct objective *objective, const struct summary *summary, bool *met);
bool objectives_met(const struct objectives *objectives, const struct summary *summary);

/* ---- the studies: each prints to stdout (text) or writes what -o and --format ask for, and ends with an exit_status ---- */

enum exit_status study_find_max(const struct settings *settings);
enum exit_status study_repeat(const struct settings *settings);
enum exit_status study_compare(const struct settings *settings);

/* ---- null_server.c ---- */

/* A thread that answers every request at once with the same few bytes: what is measured against it is the generator. */
struct null_server;

/* Listens on 127.0.0.1, port of the kernel's choice; pinned to a CPU the generator does not use where there is one. */
int null_server_start(const struct settings *settings, struct null_server **server, char url[64]);
void null_server_stop(struct null_server *server);

/* Responses/s the generator reaches with these settings in the closed loop for `duration_ns`. 0 or negative errno. */
int headroom_measure(const struct settings *settings, uint64_t duration_ns, double *rate, char *message);

#endif
