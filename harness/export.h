/*
 * `clusterbench export DIR`: a run for other programs: all single values as CSV for R or pandas, or the medians in Prometheus' text
 * format. docs/formats.md has both.
 */
#ifndef HARNESS_EXPORT_H
#define HARNESS_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "summary.h"

struct export_settings {
    bool csv, prometheus;
    const char *out; /* a file; NULL: stdout */
};

/* The exit status: 0, or 1 with one line on stderr. */
int export_run(const struct export_settings *settings, const char *folder);

/* For tests. */
void export_print_csv(const struct results *results, FILE *out);
void export_print_prometheus(const struct summary *summary, FILE *out);

#endif
