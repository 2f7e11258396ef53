/* What the parts of `run` share: run.c (the whole), run_folder.c (files), run_resume.c (a folder gone on with), run_budget.c,
 * run_blocks.c. */
#ifndef HARNESS_RUN_PARTS_H
#define HARNESS_RUN_PARTS_H

#include <jansson.h>

#include "contender.h"
#include "noise.h"
#include "placement.h"
#include "plan.h"
#include "process.h"
#include "progress.h"
#include "run.h"

#define BLOCKS_MOST 99u

/* The block that is being measured, in run.json from before its first cell to after its last. */
struct under_way {
    unsigned number; /* 0: none */
    unsigned *sequence;
    unsigned count;       /* of sequence */
    json_t *done;         /* names of cells whose readings are in `sums` */
    json_t *calibrations; /* one a sitting */
    struct noise_reading sums;
    bool resumed;           /* measured in more than one sitting */
    unsigned spoiled_cells; /* whose generator was disturbed in every try */
};

struct run {
    const struct run_settings *settings;
    struct custody custody;
    struct plan plan;
    struct placement placement;
    struct cell_plan *cells;
    unsigned cell_count;
    unsigned auto_workers;
    uint64_t seed;
    bool quick;
    struct names only;
    char *programs, *folder;
    int lock_fd; /* on the folder; -1: none */
    char *started;
    struct names peers; /* folders of them */
    struct contenders contenders;
    struct names skipped;    /* rows that cannot run here, with the reason */
    json_t *blocks;          /* of run.json */
    json_t *repeats;         /* of run.json: tries of cells that the generator spoiled */
    json_t *sittings;        /* of run.json: when it was gone on with */
    json_t *machine;         /* as it was before the first block */
    json_t *machine_changes; /* of run.json: lines */
    json_t *rows;            /* of run.json: contenders as they were when it was begun; NULL: as they are */
    json_t *recalled;        /* run.json as it was read, when it is gone on with */
    struct under_way under_way;
    struct progress progress;
    unsigned accepted, rejected, cells_run, cells_failed;
};

/* ---- run.c ---- */

/* A plan by name or file, as it is written; says what is wrong with it. 0 or negative errno; plan_close in either case. */
int run_load_plan(const struct run_settings *settings, const char *name, struct plan *plan);

/* One line on stderr; the error is handed back. */
int run_complain(const char *text);
int run_complain_file(const char *what, const char *path, int error);

/* "1.4 s", "82 s", "8 min". The caller frees. */
char *run_time_text(uint64_t ns);

/* ---- run_budget.c ---- */

/* --budget: as many blocks as it holds, at least one; says which and what they are good for. Without a budget nothing. */
void run_choose_blocks(struct run *run);
/* What measuring the capacities takes that are not known yet. */
uint64_t run_capacity_ns(const struct run *run);

/* ---- run_folder.c: each says on stderr what it could not do. 0 or negative errno ---- */

/* "20260101T120000Z" and the like, of now, in UTC. The caller frees. */
char *run_time(const char *format);
/* The folder that --out names or one of its own, and cells/ in it; locked. One in which nothing was begun will do. */
int run_make_folder(struct run *run);
/* Nobody else may run in the folder from here on, until lock_fd is closed. */
int run_lock(struct run *run);
/* Drafts of a harness that was killed: cells and files that never got their final names. */
int run_remove_drafts(const struct run *run);
int run_write_state(const struct run *run, const char *state);
int run_write_text(const struct run *run, const char *file, const char *text);
int run_write_rejected(const struct run *run);
int run_write_json(const struct run *run, const char *file, const json_t *json);
/* What the machine is now. A new reference. */
json_t *run_look_at_machine(struct run *run);

/* ---- run_resume.c ---- */

enum { RESUME_NOTHING_LEFT = 1 };

/* Reads plan, seed, blocks and counts from the folder. 0, RESUME_NOTHING_LEFT when the run is complete, or a negative errno. */
int run_recall(struct run *run);
/* With the cells of the plan known: the block that was under way, and whether they are the cells of that run. */
int run_recall_block(struct run *run);
/* Folders of cells of that block which are not kept. */
int run_remove_unkept(const struct run *run);
/* Is it the machine, and are these the programs, that the run was begun with? Notes the sitting. */
int run_compare_machine(struct run *run);

/* ---- run_blocks.c ---- */

int run_blocks(struct run *run);
void run_forget_block(struct under_way *under_way);
/* What all cells and blocks that are still to be run take, by the plan, capacities that are not known among them. */
uint64_t run_estimate_ns(const struct run *run);

#endif
