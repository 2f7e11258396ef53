/* `clusterbench run`: a plan carried out, from an empty or an interrupted folder to the report. */
#ifndef HARNESS_RUN_H
#define HARNESS_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct run_settings {
    const char *plan, *only, *out; /* NULL: quick; everything; a folder named after time and plan */
    const char *resume;            /* a folder to go on with, or NULL */
    uint64_t blocks, seed;         /* 0: the plan's; a fresh one */
    uint64_t budget_ns;            /* 0: none; else the blocks are chosen to fit */
    bool quick, force_resume;
    const char *programs, *plans, *plots, *peers; /* folders given on the command line, or NULL */
};

/* Does all of it, prints what is to be seen; the exit status: 0, 1 for what cannot be done or a run
 * without one cell that can be ranked, 130 when interrupted. */
int run_plan(const struct run_settings *settings);

/* `clusterbench check`: is this plan right, what would it run, what would be left out here? Prints it; the exit status: 0, or 1
 * with one line that names file, line and what is allowed. */
int run_check(const struct run_settings *settings, const char *plan);

#endif
