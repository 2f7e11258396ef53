/*
 * Who is best by one metric of one experiment, and how sure that is: every row against every other one, in the same blocks.
 *
 * A place is a range, not a number: who could stand first or third with these blocks stands "1 to 3".
 */
#ifndef HARNESS_RANKING_H
#define HARNESS_RANKING_H

#include "summary.h"

struct place {
    const struct row *row;
    unsigned best, worst;    /* 1..count; 1 and count where nothing is decided */
    struct estimate against; /* the first: a ratio or a difference, as the metric is compared */
    enum verdict verdict;    /* against the first */
    bool reversed;           /* different, and better than the first within the blocks, though its median is worse */
    bool by_luck;            /* undecided by Holm's correction alone: the interval says different */
    double delta;
};

enum ranking_state { RANKING_DECIDED, RANKING_VOID, RANKING_WITHOUT_VERDICTS };

struct ranking {
    enum ranking_state state;
    const char *load;     /* the label: the highest load of the experiment */
    struct place *places; /* by median, best first */
    unsigned count;
    unsigned blocks_needed; /* for any pair with the first to be called different after Holm's correction; 0: these are enough */
    struct names unranked;  /* rows of this load that are shown, but not ranked */
};

/*
 * The rows of the experiment's highest load, of each strategy the one with most workers. What counts as the same comes from the A/A
 * pair, as everywhere; from HOLM_BLOCKS blocks on a difference must pass the sign test after Holm's correction: the verdicts
 * against the first among themselves, those of all other pairs over all pairs. `summary` outlives it; ranking_free frees it.
 */
void ranking_make(struct ranking *ranking, const struct summary *summary, unsigned experiment, enum metric metric);
void ranking_free(struct ranking *ranking);

/* "1", "2 to 4". The caller frees. */
char *place_text(const struct place *place);

#endif
