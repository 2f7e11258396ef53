/*
 * What a person sees while a run goes on: one line that is drawn again on a terminal, a plain line a block elsewhere.
 */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal;
    unsigned blocks, done; /* wanted; whole and not thrown out */
    unsigned cells, cell;  /* a block; begun in the one under way */
    unsigned rejected;
    uint64_t block_begin_ns;
    uint64_t block_planned_ns; /* what the plan says the cells of a block take, without what is around them */
    uint64_t begun_planned_ns; /* of the cells begun in this block */
    /* What a cell takes beyond the plan, as seen so far: one cell's guess to begin with. */
    uint64_t around_ns, cell_begin_ns, cell_planned_ns;
    unsigned around_count;
};

void progress_open(struct progress *progress, unsigned blocks, unsigned cells, uint64_t block_planned_ns);
/* What an earlier sitting did: whole blocks, and cells of the next one with their planned time. */
void progress_skip(struct progress *progress, unsigned blocks, unsigned cells, uint64_t planned_ns);
/* A cell begins that is to take `planned_ns`. `what` names it. */
void progress_cell(struct progress *progress, const char *what, uint64_t planned_ns);
void progress_block_done(struct progress *progress);
/* It ends without counting; or one that was done does not count after all. */
void progress_block_rejected(struct progress *progress, bool was_done);
/* What is left: planned times and, for each cell, the mean of what the cells so far took beyond theirs. */
uint64_t progress_left_ns(const struct progress *progress);
/* A line that stays. */
void progress_say(const struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_close(const struct progress *progress);

#endif
