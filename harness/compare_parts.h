/*
 * What the files of compare share among themselves.
 */
#ifndef HARNESS_COMPARE_PARTS_H
#define HARNESS_COMPARE_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "compare.h"
#include "shift.h"
#include "summary.h"
#include "table.h"

enum outcome {
    OUTCOME_NONE, /* not judged; `why` says it */
    OUTCOME_SAME,
    OUTCOME_BETTER,
    OUTCOME_NO_WORSE, /* it may be better */
    OUTCOME_WORSE,
    OUTCOME_UNDECIDED,
    OUTCOME_VOID, /* the A/A pairs differ: this metric tells nothing here */
    OUTCOME_COUNT
};
extern const char *const outcome_names[OUTCOME_COUNT];

enum compare_role { ROLE_ROW, ROLE_BASELINE, ROLE_AGAIN };

/* One row of both runs and one metric. */
struct compared {
    const struct row *a, *b;
    enum metric metric;
    enum compare_role role;
    /* B/A of the figures; of the ratios to the own baseline (no values: there is none). Of a metric that is compared by
     * differences B - A, and of the differences to the own baseline. */
    struct shift absolute, relative;
    double delta;  /* what counts as the same */
    double p_holm; /* NaN where it takes no part */
    enum outcome outcome;
    bool moved;      /* a baseline that is not judged, and yet lies elsewhere */
    bool by_luck;    /* the interval says better or worse, Holm's correction does not */
    const char *why; /* of OUTCOME_NONE and OUTCOME_VOID; of OUTCOME_UNDECIDED where not the interval is the reason; or NULL */
};

struct side {
    struct results results;
    struct summary summary;
    json_t *machine; /* machine-before.json, or NULL */
};

struct comparison {
    const struct compare_settings *settings;
    struct side a, b;
    int *partner;               /* of each experiment of A the index in B, or -1: left out */
    struct names other_servers; /* of rows that are left out: their name stands for something else in B */
    struct compared *items;
    unsigned count;
    struct names notes;        /* a sentence each */
    char *no_verdicts_because; /* or NULL */
    unsigned outcomes[OUTCOME_COUNT], moved;
    unsigned judged;     /* takes part in the correction */
    double widest_delta; /* of the ratios that were judged; 0: none was */
};

/* Adds a line, tamed, and frees it. */
void compare_add_line(struct names *lines, char *line);
/* The first of them in one line, and how many there are besides. The caller frees. */
char *compare_list(const struct names *lines);

/* ---- compare_check.c ---- */

/* A line for each thing in which the plans differ; what cannot be compared for it is left out: of `partner`, or by
 * `other_servers`. */
void compare_check_plans(struct comparison *comparison, struct names *differences);
/* A line for each row that only one of them has, in the experiments that are compared. */
void compare_check_rows(const struct comparison *comparison, struct names *differences);
void compare_check_machines(const struct comparison *comparison, struct names *differences);
/* Adds to the notes which loads in percent are not the same rate in both. */
void compare_note_rates(struct comparison *comparison);

/* ---- compare_programs.c ---- */

/* Adds to the notes what else differs: programs, the generator, versions of peers, also within a run. */
void compare_note_programs(struct comparison *comparison);
/* How long the loop that calibrates took in B, over A; NaN where it was not measured. The note tells it. */
double compare_calibration_ratio(const struct comparison *comparison);
void compare_note_moment(struct comparison *comparison);

/* ---- compare_judge.c ---- */

/* The same cell in the other run, or NULL. */
const struct row *compare_find_row(const struct summary *summary, unsigned experiment, const struct row *like);

/* Were both under the same load, as near as matters? */
bool compare_same_rate(const struct row *a, const struct row *b);

/* In how many blocks of its run a row has a figure of this metric that counts. */
unsigned compare_cells(const struct row *row, enum metric metric, unsigned block_count);

/* Fills in items, outcomes and their counts. `metrics` holds names that are known, or "primary". */
void compare_judge(struct comparison *comparison, const struct names *metrics);

/* The outcome for a metric whose `better` is -1 or +1, before any correction. `none` is where B is as A is: 1 of a ratio B/A, 0 of
 * a difference. */
enum outcome compare_outcome(const struct shift *shift, double none, double delta, int better);

int compare_status(const struct comparison *comparison);

/* The reading that is judged. */
const struct shift *compare_reading(const struct comparison *comparison, const struct compared *item);

/* ---- words, for all formats; the caller frees ---- */

char *compare_side_text(const struct side *side);
char *compare_basis_text(const struct comparison *comparison);
char *compare_verdict_text(const struct comparison *comparison, const struct compared *item);
char *compare_end_text(const struct comparison *comparison);

/* Items that stand together in a table: one experiment, one metric. */
struct compare_group {
    unsigned first, end;
};
/* The next group into *group, which begins as {0}; false when there is none left. */
bool compare_next_group(const struct comparison *comparison, struct compare_group *group);
char *compare_group_text(const struct comparison *comparison, const struct compare_group *group);
/* End with table_free. */
void compare_make_table(struct table *table, const struct comparison *comparison, const struct compare_group *group);

/* ---- output ---- */

void compare_print_text(const struct comparison *comparison, FILE *out);
void compare_print_html(const struct comparison *comparison, FILE *out);
json_t *compare_json(const struct comparison *comparison); /* a new reference */

#endif
