/*
 * What a person sees while a run goes on: one line that is drawn again on a terminal, a plain line a block elsewhere.
 */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal;
    unsigned blocks, block; /* wanted; the one under way, from 1 */
    unsigned cells, cell;   /* a block; the one under way, from 0 */
    unsigned rejected;
    uint64_t begin_ns, block_begin_ns;
    uint64_t estimate_ns; /* of a cell, until some have been seen */
};

void progress_open(struct progress *progress, unsigned blocks, unsigned cells, uint64_t estimate_ns);
/* A cell begins. `what` names it. */
void progress_cell(struct progress *progress, const char *what);
void progress_block_done(struct progress *progress);
/* A line that stays. */
void progress_say(const struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_close(const struct progress *progress);

#endif
