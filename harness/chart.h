/*
 * What the writer of a chart gets, and the pieces charts are made of. A writer (plot_*.c) prints figures to `data` and what its
 * gnuplot script has to know beyond them to `script`; plot.c adds heading and footer, and draws.
 *
 * Rules: a strategy has one colour, point and dash on every chart (catalog_style); everything shown comes from the summary or the
 * recorded folder; what is shown but not ranked has a star; the alternative text is computed from the same figures.
 */
#ifndef HARNESS_CHART_H
#define HARNESS_CHART_H

#include <stdio.h>

#include "summary.h"

struct drawing {
    const struct summary *summary;
    const struct experiment *experiment; /* NULL on a chart of all of them */
    unsigned index;                      /* of the experiment */
    const char *load;                    /* the label, of a chart that shows a single load; else NULL */
    FILE *data, *script;                 /* NAME.dat and NAME.gp */
    char *subtitle;                      /* what to read under the title, behind the setting; set by the writer, freed by plot.c */
    char *alt;                           /* what is to be seen, in words; the same */
};

struct chart_kind {
    const char *name, *title; /* NAME.gp among the scripts draws it */
    bool a_chart_a_load;
    /* 0; -ENODATA when there is nothing to be shown: then there is no chart; or another negative errno */
    int (*write)(struct drawing *drawing);
};

extern const struct chart_kind chart_cost, chart_latency, chart_percentiles, chart_shares;
extern const struct chart_kind chart_fairness, chart_heat, chart_lanes; /* plot_time.c */

/* ---- rows ---- */

/* Is the row shown on this chart? */
bool chart_shows(const struct drawing *drawing, const struct row *row, bool with_again);

/* The name on a chart, with a star when the row is not ranked. The caller frees. */
char *chart_label(const struct drawing *drawing, const struct row *row);

/* The measured cells behind a row's figures, one after the other: NULL to begin with, NULL at the end. */
const struct cell_record *chart_next_cell(const struct drawing *drawing, const struct row *row, const struct cell_record *last);

/* Where a file of a cell is. The caller frees. */
char *chart_cell_path(const struct drawing *drawing, const struct cell_record *cell, const char *file);

/* ---- pieces of data and scripts ---- */

/* Prints NAME = 'text', with what gnuplot's enhanced text would take for markup escaped. */
void chart_print_text(FILE *out, const char *name, const char *text);
/* The same text alone, in its quotes. */
void chart_print_quoted(FILE *out, const char *text);

/* " median low high" in the metric's shown unit; an interval that does not exist is the point itself, no value is NaN. */
void chart_print_estimate(FILE *out, const struct estimate *estimate, enum metric metric);

/* Several curves: a block of data each, with two empty lines behind it; their names and styles are arrays in the script. */
struct curves {
    struct names names, styles;
};
/* Takes a curve's name (row's label) and style; print its data then, and end it with chart_end_curve. */
void chart_begin_curve(struct curves *curves, const struct drawing *drawing, const struct row *row);
void chart_end_curve(const struct drawing *drawing);
/* Prints `curves`, `curve_name`, `curve_style` to the script and frees the lists. 0, or -ENODATA without a curve. */
int chart_end_curves(struct curves *curves, const struct drawing *drawing);

#endif
