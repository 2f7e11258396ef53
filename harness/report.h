/* The end of a run, and `clusterbench report DIR`: summary files, tables, charts and report.html from what is recorded. */
#ifndef HARNESS_REPORT_H
#define HARNESS_REPORT_H

#include "plot.h"
#include "process.h"
#include "summary.h"

enum report_mode { REPORT_WITH_TABLES, REPORT_QUIETLY };

/* Reads `folder`, writes summary.csv, summary.json, plots/ and report.html into it, prints the tables and where the report is. The
 * exit status: 0, 1 with one line on stderr, 130 when interrupted. */
int report_make(struct custody *custody, const char *folder, const char *plot_scripts, enum report_mode mode);

/* report.html alone: one file that fetches nothing, complete without its script. 0 or negative errno. */
int report_write_html(const struct summary *summary, const struct gallery *gallery);

#endif
