/*
 * A strict reader of Prometheus' text format 0.0.4, for tests: what the format demands, and what `promtool check metrics` would
 * complain of.
 */
#ifndef CONTRACT_EXPOSITION_H
#define CONTRACT_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#define EXPOSITION_WHY_SIZE 400

/*
 * True when all of `text` is as it has to be: HELP (with words) and TYPE once, in this order, before the samples of a family, which
 * stand together; names and labels well-formed, no label twice in a sample and no sample twice; counters end in _total and are not
 * negative, others do not; no units but seconds and bytes; of each histogram and set of labels the buckets in rising order, never
 * falling, +Inf the last and equal to _count, and a _sum. Otherwise `why` tells, with the number of the line.
 */
bool exposition_check(const char *text, char why[EXPOSITION_WHY_SIZE]);

/* The sum of the samples of that name whose labels hold `label` ("" holds for all); *count of them (may be NULL). */
double exposition_sum(const char *text, const char *name, const char *label, unsigned *count);

#endif
