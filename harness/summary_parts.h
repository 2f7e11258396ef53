/*
 * What the files of summary share among themselves.
 */
#ifndef HARNESS_SUMMARY_PARTS_H
#define HARNESS_SUMMARY_PARTS_H

#include "summary.h"

/* Once all rows stand: ratios to the baseline, p-values and verdicts. */
void summary_compare(struct summary *summary);

/* After that: summary->powers, for the caller to free. */
void summary_find_powers(struct summary *summary);

/* Speed-ups, fits and knees; and what they own. */
void summary_find_trends(struct summary *summary);
void summary_free_trends(struct summary *summary);

/* summary.md. 0 or negative errno. */
int summary_write_markdown(const struct summary *summary);

#endif
