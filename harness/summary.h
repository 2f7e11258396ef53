/*
 * What the blocks say together: per experiment, load, strategy and number of workers a row of estimates, ratios to the baseline
 * and verdicts. Tables, charts and the report all show rows of a summary.
 */
#ifndef HARNESS_SUMMARY_H
#define HARNESS_SUMMARY_H

#include <stdio.h>

#include "contrast.h"
#include "fit.h"
#include "results.h"
#include "statistics.h"

struct row {
    unsigned experiment;
    const char *strategy, *load; /* load: the label */
    unsigned workers;
    bool again;    /* the A/A row: the baseline's second run against its first */
    bool baseline; /* the first */
    double rate;
    unsigned cells, ranked;       /* run, and good enough to count */
    unsigned measured;            /* cells behind the figures: the ranked ones, or, where there are none, all that were measured at
                                     all: shown, flagged, never compared */
    const char *failure;          /* the first reason of one that is not, or NULL */
    double *values[METRIC_COUNT]; /* one a counted block, NaN where there is none */
    struct estimate of[METRIC_COUNT];
    struct estimate ratio[METRIC_COUNT];      /* to the baseline, of the pairs with two figures above 0 */
    struct estimate difference[METRIC_COUNT]; /* to the baseline, in the stored unit; of a metric that is compared by it */
    bool differs[METRIC_COUNT];               /* of the A/A row: two runs of the same differ */
    enum verdict verdict[METRIC_COUNT];
    double delta[METRIC_COUNT];  /* what counts as the same */
    double p[METRIC_COUNT];      /* of the sign test against the baseline, NaN where nothing is compared; of the A/A row, too */
    double p_holm[METRIC_COUNT]; /* after Holm's correction; NaN where none was made, and for the A/A row */
    struct estimate speedup; /* throughput over that of the fewest workers of its strategy, in a closed loop over several numbers of
                                workers; else n is 0 */
    double *shares;          /* of the requests, busiest first, the mean over the blocks; `workers` of them */
    double *dealt;           /* the same of the connections that were opened to workers */
    double connections;      /* that were opened to workers in a cell, the mean */
};

#define HOLM_BLOCKS 10 /* from so many on a difference must stand after Holm's correction */

/* How large a difference must be to be seen with these blocks in 8 of 10 runs: 0.05 is 5 %, or in the metric's stored unit where it
 * is compared by difference; infinity: none could be. */
struct row_power {
    double difference;
    const struct row *row;
};

/* The same for the primary metric of an experiment. */
struct power {
    unsigned comparisons; /* 0: nothing else is set */
    double median;        /* over the rows that are compared */
    struct row_power least, most;
};

/* A strategy over its numbers of workers; the rows' `speedup` are the points. */
struct scaling {
    unsigned experiment, fewest, most; /* numbers of workers */
    const char *strategy, *load;
    bool fitted;
    struct fit amdahl, usl; /* where fitted: of speed-ups that count from `fewest` workers, so that `scale` is near 1 / fewest */
    char *no_fit_because;
};

/* A strategy over its loads: where p99 passes KNEE_TIMES its value at the lowest (fit.h). */
struct knee {
    unsigned experiment, workers;
    const char *strategy;
    double lowest, highest; /* requests per second that were measured */
    struct estimate rate;   /* infinite: not reached */
};

struct summary {
    const struct results *results;
    unsigned *blocks; /* the numbers of those that count */
    unsigned block_count, rejected;
    bool verdicts;                   /* may any be given? */
    const char *no_verdicts_because; /* else why not, or NULL */
    struct row *rows;                /* ordered by experiment, load, strategy as in the plan */
    unsigned row_count;
    bool adjusted;        /* there are enough blocks for Holm's correction, and verdicts have passed it */
    struct power *powers; /* an experiment each */
    struct scaling *scalings;
    unsigned scaling_count;
    struct knee *knees;
    unsigned knee_count;
};

/* `results` outlives the summary. */
void summary_make(struct summary *summary, const struct results *results);
void summary_free(struct summary *summary);

/* summary.csv (tidy: one line a row and metric), summary.json and summary.md (for a merge request) below the results folder. 0 or
 * negative errno. */
int summary_write(const struct summary *summary);

/* Ratio or difference to the baseline, as the metric is compared: what its verdict rests on. */
const struct estimate *row_against(const struct row *row, enum metric metric);

/* Blocks in which the row and its baseline make no pair: a figure is missing or, for a ratio, 0. 0 where nothing is compared. */
unsigned row_left_out(const struct summary *summary, const struct row *row, enum metric metric);

/*
 * Why two rows make no interval with each other: "1 of 6 cells left out", "none of it in 2 of 6 blocks", "not measured in 1 of 6
 * blocks"; "" when every block makes a pair. The caller frees.
 */
char *pair_gap_text(const struct summary *summary, const struct row *row, const struct row *other, enum metric metric);

/* Why nothing tells how much is noise at this row's load: "there is no baseline", "base is not ranked", "the A/A pair has 5 of 6
 * blocks"; NULL where the A/A pair has an interval. The caller frees. */
char *no_noise_text(const struct summary *summary, const struct row *row, enum metric metric);

/*
 * Why a row that is ranked has no verdict though the run gives some: "5 of 6 blocks", or what no_noise_text says; NULL where there
 * is one, or where nothing is compared. The caller frees.
 */
char *no_verdict_text(const struct summary *summary, const struct row *row, enum metric metric);

/* The label of the experiment's highest load: the largest rate, wherever it stands in the plan; "" without rows. */
const char *summary_highest_load(const struct summary *summary, unsigned experiment);

/* The row of an experiment's baseline at this load (the same number of workers if there is one), or NULL. */
const struct row *summary_baseline(const struct summary *summary, const struct row *row);
const struct row *summary_again(const struct summary *summary, const struct row *row);

/* "proxied", and with its workers where an experiment has several numbers of them. The caller frees. */
char *row_label(const struct summary *summary, const struct row *row);

/* "7.1 [6.9, 7.4]", "7.1" without an interval, "-" without a value; in the metric's shown unit. The caller frees. */
char *estimate_text(const struct estimate *estimate, enum metric metric);
/* "3.01 [2.95, 3.08]". The caller frees. */
char *ratio_text(const struct estimate *ratio);
/* "different", "same", "same within 30 %" where delta is more than the least, "undecided; could be -4.1..+9.0 %", "". The caller
 * frees.
 */
char *verdict_text(const struct row *row, enum metric metric);

/* "With these 10 blocks a 5 % difference would be seen in 8 of 10 runs ...", or why none would be; "" where nothing is compared.
 * The caller frees. */
char *power_text(const struct summary *summary, unsigned experiment);
/* Is a fitted law's peak told as one? Only where all of its interval lies among the workers that were measured. */
bool scaling_has_peak(const struct scaling *scaling);
/* "shared: USL sigma ..." or why no law is fitted; "shared: knee at 1320/s [1290, 1350]". The caller frees. */
char *scaling_text(const struct scaling *scaling);
char *knee_text(const struct knee *knee);
/* How the primary metric is compared where that is not by ratio; which pairs were left out; who has another number of workers than
 * the baseline. A sentence each, or "". The caller frees. */
char *contrast_remark(const struct summary *summary, unsigned experiment);
char *left_out_remark(const struct summary *summary, unsigned experiment);
char *workers_remark(const struct summary *summary, unsigned experiment);
/* Which blocks and intervals the figures rest on, and whether verdicts are adjusted: one or two sentences. The caller frees. */
char *basis_text(const struct summary *summary);

#endif
