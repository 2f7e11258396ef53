/*
 * An experiment made of rows whose figures are known, block by block, without a results folder: for tests of what is said of them.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "harness/summary_parts.h"

#define BLOCKS_MOST 10
#define ROWS_MOST   96

struct world {
    struct experiment experiment;
    struct results results;
    struct summary summary;
    struct row rows[ROWS_MOST];
    double values[ROWS_MOST][BLOCKS_MOST], nothing[BLOCKS_MOST];
    enum metric metric;
};

static inline void make_world(struct world *world, unsigned blocks, enum metric metric)
{
    *world = (struct world){.experiment = {.name = (char *)"x", .baseline = (char *)"base", .primary = metric, .workers_count = 1},
                            .metric = metric};
    world->results = (struct results){.plan = {.experiments = &world->experiment, .count = 1}, .seed = 7};
    world->summary = (struct summary){.results = &world->results,
                                      .block_count = blocks,
                                      .verdicts = true,
                                      .adjusted = blocks >= HOLM_BLOCKS,
                                      .rows = world->rows};
    for (unsigned b = 0; b < BLOCKS_MOST; b++)
        world->nothing[b] = NAN;
}

/* A row whose blocks are `value` times what `wave` says, by turns. */
static inline struct row *add_row(struct world *world, const char *strategy, double value, double wave)
{
    unsigned r = world->summary.row_count++, blocks = world->summary.block_count;
    struct row *row = &world->rows[r];
    *row = (struct row){.strategy = strategy, .load = "closed", .workers = 2, .cells = blocks, .ranked = blocks};
    row->baseline = !strcmp(strategy, "base") && !r;
    row->again = !strcmp(strategy, "base") && r;
    for (unsigned b = 0; b < blocks; b++)
        world->values[r][b] = value * (b % 2 ? wave : 1 / wave);
    return row;
}

/* Its cell of the first block failed. */
static inline void leave_out(struct world *world, struct row *row)
{
    world->values[row - world->rows][0] = NAN;
    row->ranked--;
    row->failure = "it stumbled";
}

static inline void judge_world(struct world *world)
{
    for (unsigned r = 0; r < world->summary.row_count; r++)
        for (int m = 0; m < METRIC_COUNT; m++) {
            struct row *row = &world->rows[r];
            row->values[m] = m == (int)world->metric ? world->values[r] : world->nothing;
            row->of[m] = estimate_of(row->values[m], world->summary.block_count);
            row->ratio[m] = row->difference[m] = (struct estimate){.median = NAN, .low = NAN, .high = NAN};
            row->p[m] = row->p_holm[m] = NAN;
            row->verdict[m] = VERDICT_NONE;
        }
    summary_compare(&world->summary);
}

#endif
