/* Capacity by measurement: what `capacity = measured` of an experiment takes a load in percent of. */
#ifndef HARNESS_CAPACITY_H
#define HARNESS_CAPACITY_H

#include "cell.h"

/* The strategy whose capacity counts: the baseline, or the first where there is none. */
const char *capacity_strategy(const struct experiment *experiment);

/*
 * Runs that strategy once in a closed loop, with the experiment's connections and for its duration, as a cell of its own below
 * FOLDER/capacity/, and gives the rate it achieved, in requests per second. `setting` is that of a cell of this strategy. 0;
 * -ENODATA with the reason in *why (the caller frees) when nothing could be measured; -EINTR; another negative errno when the
 * results cannot be written.
 */
int capacity_measure(const struct cell_setting *setting, unsigned experiment, unsigned auto_workers, double *rate, char **why);

/* {"EXPERIMENT": requests per second} of those that were measured, for run.json; and back into a plan. */
json_t *capacity_json(const struct plan *plan);
void capacity_recall(struct plan *plan, const json_t *capacities);

#endif
