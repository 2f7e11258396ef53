/*
 * The table of one experiment: the same cells of text for the terminal and for the report.
 */
#ifndef HARNESS_TABLE_H
#define HARNESS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "summary.h"

#define TABLE_COLUMNS_MOST 16

struct table {
    unsigned columns, rows;
    char *heading[TABLE_COLUMNS_MOST];
    bool left[TABLE_COLUMNS_MOST]; /* words stand left, numbers right */
    char **cells;                  /* rows x columns */
    bool *ranked;                  /* a row each: false is shown, flagged */
    const char **strategies;       /* of each row; the summary's */
};

/* What the experiment asks; what it took: CPU, memory, start-up time; its primary metric alone. */
enum table_detail { TABLE_RESULT, TABLE_RESOURCES, TABLE_PRIMARY };

void table_make(struct table *table, const struct summary *summary, unsigned experiment, enum table_detail detail);
void table_free(struct table *table);
void table_print(const struct table *table, FILE *out);

/* What is to be said below the table of an experiment, a line each: laws, knees, power. The caller frees the names. */
void table_remarks(const struct summary *summary, unsigned experiment, struct names *remarks);

/* All experiments with their headings, as `run` ends. */
void table_print_summary(const struct summary *summary, FILE *out);

/* Which kind of table and charts the experiment's primary metric asks for. */
enum layout { LAYOUT_COST, LAYOUT_LATENCY, LAYOUT_SHARES, LAYOUT_LOSSES };
enum layout experiment_layout(const struct experiment *experiment);

/* "/block/{exp:5ms}, one request a connection, Poisson arrivals at 80 %"; with only this load (a label), or all for NULL. The
 * caller frees. */
char *experiment_setting(const struct experiment *experiment, const char *load);

#endif
