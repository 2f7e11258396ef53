/*
 * Several runs, to answer what one cannot: does it hold an objective, how much does it take, is A different from B?
 *
 *   objective.c    p99<5ms,errors<0.1%
 *   measured.c     one run with all that goes with it
 *   study.c        what all studies share: which options go together, their output, how they are interrupted
 *   metrics.c      the figures that are compared
 *   search.c       which rate to try next (pure)
 *   find_max.c     --find-max: the search over runs
 *   repeat.c       --repeat: the same run again
 *   blocks.c       the statistics of a comparison (pure)
 *   compare.c      --compare: the blocks, run
 *   null_server.c  --selftest
 */
#ifndef LOADGEN_STUDY_H
#define LOADGEN_STUDY_H

#include <signal.h>

#include "base/estimate.h"
#include "loadgen/report/report.h"

/* ---- measured.c ---- */

/* One run, with the watchers the settings ask for, and its summary. Ends with an exit_status; a line about what failed is in
 * `message` ("" otherwise). `summary` is initialised if *measured, also of a run that was interrupted or INVALID. With --selftest
 * the generator is measured by itself before. */
enum exit_status measure_once(const struct settings *settings, struct summary *summary, bool *measured, char *message);

/* The same with one more to watch it (NULL: none). */
enum exit_status measure_watched(const struct settings *settings, const struct watcher *watcher, struct summary *summary,
                                 bool *measured, char *message);

/* ---- objective.c ---- */

enum objective_figure { FIGURE_PERCENTILE, FIGURE_MEAN, FIGURE_MAX, FIGURE_ERRORS, FIGURE_RATE };

struct objective {
    enum objective_figure figure;
    bool service;      /* of service time instead of response time: service-p99 */
    double percentile; /* p50 .. p99.999 */
    bool below;        /* '<' or '<=', else '>' or '>=' */
    bool or_equal;
    double bound;  /* microseconds, a share of the planned requests, or responses/s */
    char text[48]; /* as written */
};

#define OBJECTIVES_MAX 8

/* p99<5ms,errors<0.1%,rate>1000: all of them must hold. */
struct objectives {
    struct objective items[OBJECTIVES_MAX];
    unsigned count;
};

extern const char objectives_allowed[]; /* one line, for messages */

/* -EINVAL with a clause in `message` (MESSAGE_SIZE) that names the objective. */
int objectives_parse(const char *text, struct objectives *objectives, char *message);
/* The measured value in the objective's unit, NAN when there is none; *met: surely held (a lower bound does not hold a '<'). */
double objective_value(const struct objective *objective, const struct summary *summary, bool *met);
bool objectives_met(const struct objectives *objectives, const struct summary *summary);
/* The first one missed, NULL when all are met. */
const struct objective *objectives_missed(const struct objectives *objectives, const struct summary *summary);
/* "SLO p99<5ms: met, 3.10ms", a line each. */
void objectives_print(const struct objectives *objectives, const struct summary *summary, FILE *out);
/* [{objective, value, unit, lower_bound, met}]; a new reference. */
json_t *objectives_json(const struct objectives *objectives, const struct summary *summary);

/* ---- study.c ---- */

/* What --slo and --find-max say (count 0: nothing), and whether the options go together. -EINVAL with a whole line in `message`. */
int study_check(const struct settings *settings, struct objectives *slo, struct objectives *goal, char *message);
static inline bool study_is_asked(const struct settings *settings)
{
    return settings->find_max_text || settings->compare_url || settings->repeat;
}

/* Is stdout for text? Not when it gets JSON or CSV, nor with --quiet. */
bool study_prints_text(const struct settings *settings);

/*
 * A study under way. From study_begin on INT and TERM are blocked: a run looks for them itself (its summary says so), and between
 * runs study_rest does. What is known then is printed, and the study ends.
 */
struct study {
    const struct settings *settings;
    struct output output;
    FILE *text; /* stdout, or NULL */
    bool shows_progress, interrupted;
    sigset_t signals;
};

/* The forms of its results; `results` is what study_end was given. */
struct study_forms {
    void (*text)(const void *results, FILE *out);
    json_t *(*json)(const void *results); /* a new reference, NULL without memory */
    void (*csv)(const void *results, FILE *out);
};

/* 0, or an exit_status after a line on stderr. */
int study_begin(struct study *study, const struct settings *settings);
/* Sleeps; true: the study is interrupted, now or before. */
bool study_rest(struct study *study, uint64_t ns);
/* What it is at, on stderr if that is a terminal; NULL clears it. */
void study_progress(const struct study *study, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the results where -o and --format want them. Returns `status`, or an exit_status after a line on stderr. */
int study_end(struct study *study, const struct study_forms *forms, const void *results, int status);

/* The settings of a study's runs: nothing is shown or written but by the study; */
void study_watch_nothing(struct settings *run);
/* a seed of its own for the `number`th run (from 0), which --seed takes, too; */
uint64_t study_seed(const struct settings *settings, unsigned number);
/* a fifth of the duration (20 ms to 1 s) of warm-up where none was asked for. */
void study_warm_up(struct settings *run);

/* ---- metrics.c: what studies compare ---- */

enum metric_kind {
    METRIC_RATE,
    METRIC_MEAN,
    METRIC_P50,
    METRIC_P90,
    METRIC_P99,
    METRIC_P999,
    METRIC_SERVICE_P50,
    METRIC_ERRORS,
    METRICS
};

struct metric {
    const char *name, *key; /* for people; for JSON and CSV */
    bool is_time;           /* microseconds */
    double percentile;      /* of times that have one */
};

extern const struct metric metrics[METRICS];

/* NAN where nothing was measured; `bounds`: which are lower bounds only (summary_percentile), as the mean is of any censored
 * request. */
void metrics_of(const struct summary *summary, double values[METRICS], bool bounds[METRICS]);

#define METRIC_TEXT_SIZE 32
char *metric_print(enum metric_kind kind, double value, char text[METRIC_TEXT_SIZE]);
/* With '>' in front of a lower bound. */
char *metric_print_bound(enum metric_kind kind, double value, bool bound, char text[METRIC_TEXT_SIZE]);
json_t *metric_json(double value); /* null where it is no number */
/* {n, median, low, high, coverage}; what is not known is null. */
json_t *estimate_json(const struct estimate *estimate);

/* ---- search.c ---- */

enum probe_verdict {
    PROBE_HOLDS,
    PROBE_MISSES,
    PROBE_INVALID, /* the generator's fault: says nothing of the server */
};

enum search_end {
    SEARCH_GOES_ON,
    SEARCH_FOUND,     /* best holds and least_missed misses, each by two of three at least */
    SEARCH_NOTHING,   /* not even the lowest rate holds */
    SEARCH_GENERATOR, /* the generator was the limit: best is what held so far */
    SEARCH_UNSTEADY,  /* no end in sight */
};

#define SEARCH_RESOLUTION   1.02 /* the edge lies between two rates at most so far apart, unless it will not hold still */
#define SEARCH_HIGHEST      1e8  /* as --rate allows */
#define SEARCH_PROBES_MOST  60   /* then it is given up */
#define SEARCH_PROBES_USUAL 20   /* or less, where a rate either holds or does not */

enum search_phase { SEARCH_UP, SEARCH_DOWN, SEARCH_BISECT, SEARCH_EDGE };

struct search_votes {
    unsigned holds, misses;
};

/*
 * Looks for the highest rate that holds. Up by doubling until one misses (or down by halving until one holds), bisection until
 * holding and missing rates are 2 % apart; then both edges are tried anew, best of three each. An edge that does not stand its
 * trial moves, 2 % first, then faster, and the bisection begins again: a single lucky or unlucky probe decides nothing. From the
 * third time on, the edges may lie further apart (search.c, refute).
 */
struct search {
    enum search_phase phase;
    enum search_end end;
    double rate;               /* to be tried next */
    double best, least_missed; /* 0 while not known */
    double lowest;             /* where to give up */
    double factor;             /* of the next step up or down */
    double resolution;         /* so far apart may the edges be */
    unsigned refuted;          /* edges that failed their trial */
    struct search_votes best_votes, missed_votes;
    unsigned probes, invalid_in_row;
};

/* `lowest`: below it, nothing is tried. */
void search_init(struct search *search, double first_rate, double lowest);
/* What came of `search->rate`; then `end`, or the next `rate`. */
void search_take(struct search *search, enum probe_verdict verdict);

/* ---- blocks.c ---- */

enum compare_cell { CELL_A, CELL_AGAIN, CELL_B, CELLS };

/* One figure over all blocks: B/A with A the geometric mean of the block's two runs of A, and A again/A. */
struct comparison {
    struct estimate a, b;         /* in the figure's unit */
    struct estimate ratio, again; /* B/A; A again/A */
    double delta;
    bool of_bounds; /* A or B are known as lower bounds only */
    enum verdict verdict;
};

/* `values[cell]`: one a block, in the same order; NANs are left out. -ENOMEM. */
int comparison_init(struct comparison *comparison, const double *const values[CELLS], unsigned blocks);

/* What is known as a lower bound may be any bit more: never the same, and different only where even the bound is beyond the other.
 */
void comparison_weaken(struct comparison *comparison, bool a_is_bound, bool b_is_bound);

#define SHARE_DELTA 0.01 /* shares (of errors) that differ by less are the same */

/* The same of shares, 0 to 1: by their difference, so `ratio` and `again` are not known. -ENOMEM. */
int comparison_init_shares(struct comparison *comparison, const double *const values[CELLS], unsigned blocks);

/* The order of a block's runs, from the seed. */
void block_shuffle(uint64_t seed, unsigned number, enum compare_cell order[CELLS]);

/* ---- the studies: each prints to stdout (text) or writes what -o and --format ask for, and ends with an exit_status ---- */

enum exit_status study_find_max(const struct settings *settings, const struct objectives *goal);
enum exit_status study_repeat(const struct settings *settings, const struct objectives *slo);
enum exit_status study_compare(const struct settings *settings);

/* ---- null_server.c ---- */

/* A thread that answers every request at once with the same few bytes: what is measured against it is the generator. */
struct null_server;

#define NULL_SERVER_URL_SIZE 64

/* Listens on 127.0.0.1, port of the kernel's choice; pinned to a CPU the generator does not use where there is one. 0 or negative
 * errno. */
int null_server_start(const struct settings *settings, struct null_server **server, char url[NULL_SERVER_URL_SIZE]);
void null_server_stop(struct null_server *server);

/* Responses/s the generator reaches with these settings in the closed loop for `duration_ns`. 0, or negative errno with a line in
 * `message`; -EINTR: interrupted. */
int headroom_measure(const struct settings *settings, uint64_t duration_ns, double *rate, char *message);

#endif
