/*
 * A plan: which experiments to run, on which strategies, under which loads. Plans are INI files:
 *
 *   [plan]                        [experiment queueing]
 *   title = ...                   title = Who waits behind whom?
 *   blocks = 6                    strategies = all          (or a list of programs, peers and [server NAME] sections)
 *   verdicts = yes                except = single
 *                                 workers = 8               (a list, or auto: one a server CPU, at least 2)
 *                                 request = /block/{exp:5ms}
 *                                 load = 50 %, 80 %, 900/s  (of analytic capacity, or absolute; none: closed loop)
 *
 * Every key, with what it takes, is a row of a table in plan_keys.c; a key, value or name that is not known is answered with
 * file, line and what is allowed. An experiment crossed with strategies, workers and loads gives cells; a block runs each once.
 */
#ifndef HARNESS_PLAN_H
#define HARNESS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/distribution.h"

#include "metric.h"
#include "schedule.h"
#include "text.h"

enum load_kind {
    LOAD_CLOSED, /* each connection sends again when it was answered */
    LOAD_RATE,   /* value: requests per second */
    LOAD_SHARE,  /* value: part of the capacity */
};

struct load {
    enum load_kind kind;
    double value;
};

/* In the order they stand in a report. */
enum picture {
    PICTURE_COST,
    PICTURE_LATENCY,
    PICTURE_PERCENTILES,
    PICTURE_SHARES,
    PICTURE_LORENZ,
    PICTURE_FAIRNESS,
    PICTURE_HEAT,
    PICTURE_LANES,
    PICTURE_SCALING,
    PICTURE_COUNT
};
extern const char *const picture_names[PICTURE_COUNT];

enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON };

/* What a load in percent is a part of. */
enum capacity {
    CAPACITY_ANALYTIC, /* workers / mean service time, from the request template */
    CAPACITY_MEASURED, /* what the baseline (else the first strategy) does in a closed loop, measured once before the first block */
};

enum wish { WISH_AS_NEEDED, WISH_YES, WISH_NO };

struct experiment {
    char *name, *title, *question;
    struct names strategies, except;
    char *request;          /* the path template */
    unsigned *workers;      /* 0 stands for auto */
    unsigned workers_count; /* at least 1 */
    struct load *loads;
    unsigned loads_count;             /* at least 1 */
    unsigned connections, threads;    /* threads 0: one a generator CPU, at most 4 */
    unsigned requests_per_connection; /* 0: keep-alive */
    enum arrivals arrivals;
    char *method, *header, *body; /* of a request; NULL: GET, no field of its own, no body */
    bool cookies;                 /* each connection keeps the cookies it is given */
    char *think, *dispatch;       /* loadgen's options of these names, or NULL */
    enum capacity capacity;
    double capacity_rate; /* requests per second, once it was measured; 0 before */
    uint64_t duration_ns, warmup_ns;
    uint64_t seed;  /* of its requests; 0: the run's */
    char *baseline; /* runs twice a block; NULL: nothing is compared */
    enum metric primary;
    bool pictures[PICTURE_COUNT];
    char *events;                /* what is done to the server under load, as it is written; NULL: nothing */
    struct schedule schedule;    /* the same, read */
    enum wish series;            /* files of what happened by time */
    char *crosscheck;            /* another generator, after the cell's own load; NULL: none */
    double service_s;            /* mean time a request occupies a worker, from the request template; 0 when it says nothing */
    struct distribution service; /* of that time, where service_s says something */
    bool emulated;               /* /block: a worker asleep stands for a core at work */
    unsigned line;               /* where the section begins, for messages */
};

/* [server NAME]: a row of its own, made from a program or a peer. */
struct plan_server {
    char *name, *program;
    struct names options; /* words for its command line; of a peer, NAME=VALUE */
    unsigned workers;     /* 0: as the experiment has it */
    char *request;        /* NULL: as the experiment has it */
    unsigned line;
};

struct plan {
    char *name, *file, *title;
    char *text; /* the file as it was read: the snapshot in the results */
    unsigned blocks;
    bool verdicts;
    uint64_t seed; /* 0: each run has its own */
    struct experiment *experiments;
    unsigned count;
    struct plan_server *servers;
    unsigned server_count;
};

/* The section [server NAME], or NULL. */
const struct plan_server *plan_server(const struct plan *plan, const char *name);

#define PLAN_ERROR_SIZE 512

/* Reads and checks a plan. 0, or -EINVAL (or the read's errno) with one line "FILE:LINE: what is wrong; what is allowed". */
int plan_read(struct plan *plan, const char *file, char error[PLAN_ERROR_SIZE]);
/* The same from a text; `file` only names it. */
int plan_parse(struct plan *plan, const char *file, const char *text, char error[PLAN_ERROR_SIZE]);
void plan_close(struct plan *plan);

/* Keeps only the experiments and strategies named (either kind; a baseline stays). 0 or -EINVAL with the reason. */
int plan_restrict(struct plan *plan, const struct names *only, char error[PLAN_ERROR_SIZE]);

/* One block with a fifth of the time, though no less than half a second a cell where the plan gives that, and no verdicts: to see
 * that a plan works. */
void plan_hurry(struct plan *plan);

/* One cell of a block. */
struct cell_plan {
    unsigned experiment; /* index */
    const char *strategy;
    unsigned workers;
    unsigned load; /* index */
    bool again;    /* the baseline's second run: A/A */
};

/* All cells of a block, in the plan's order; `auto_workers` is what workers = auto means here. The caller frees *cells. */
unsigned plan_cells(const struct plan *plan, unsigned auto_workers, struct cell_plan **cells);

/* What cells are called: "01-queueing-reuseport-w8-80pct"; the baseline's second run is ".again". The caller frees. */
char *cell_name(const struct plan *plan, const struct cell_plan *cell, unsigned block);
/* "closed", "80pct", "1280ps": the load's part of a name. The caller frees. */
char *load_label(const struct load *load);
/* "closed loop", "80 %", "1280/s". The caller frees. */
char *load_text(const struct load *load);

/* Are series.jsonl, heat.csv, events.csv and lanes.csv kept of its cells? */
bool experiment_has_series(const struct experiment *experiment);

/* Is its capacity still to be measured before a load in percent means anything? */
bool experiment_needs_capacity(const struct experiment *experiment);

/* Requests per second planned for this cell; 0 in a closed loop. */
double cell_rate(const struct plan *plan, const struct cell_plan *cell);

/* What starting, reading and stopping one server is taken to need until some have been seen. */
#define PLAN_AROUND_CELL_NS UINT64_C(150000000)

/* The measured time of one cell, warm-up included. */
uint64_t plan_cell_ns(const struct plan *plan, const struct cell_plan *cell);

/* An estimate of the whole run in nanoseconds: the measured times and what starting and stopping a server usually takes. */
uint64_t plan_estimate_ns(const struct plan *plan, unsigned auto_workers);

#endif
