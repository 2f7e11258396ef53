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
    const char *title;                   /* where the writer sets one: instead of its kind's */
    bool starred;                        /* chart_label has given a star */
    char *subtitle;                      /* how to read it, in the line below the setting; set by the writer, freed by plot.c */
    char *alt;                           /* what is to be seen, in words; the same */
};

struct chart_kind {
    const char *name, *title; /* NAME.gp among the scripts draws it */
    bool a_chart_a_load;
    /* 0; -ENODATA when there is nothing to be shown: then there is no chart; or another negative errno */
    int (*write)(struct drawing *drawing);
};

extern const struct chart_kind chart_cost, chart_latency, chart_percentiles, chart_shares, chart_lorenz, chart_scaling,
    chart_forest;
extern const struct chart_kind chart_fairness, chart_heat, chart_lanes; /* plot_time.c */

/* ---- rows ---- */

/* Is the row shown on this chart? */
bool chart_shows(const struct drawing *drawing, const struct row *row, bool with_again);

/* The style of a strategy: catalog_style, or, where two programs of this run would share one, a free one. */
unsigned chart_style(const struct drawing *drawing, const char *strategy);

/* The name on a chart, with a star when the row is not ranked. The caller frees. */
char *chart_label(struct drawing *drawing, const struct row *row);

/*
 * What a chart of shares is about. In a closed loop on kept connections the requests say nothing of who got the connections: a
 * worker with few of them answers each one faster. There it is the connections that were dealt; elsewhere the requests.
 */
struct dealt {
    const double *shares; /* a worker each, the largest first */
    enum metric jain;
    const char *what; /* "connections", "requests" */
};
struct dealt chart_dealt(const struct drawing *drawing, const struct row *row);

/* Of how many connections the shown rows were dealt, and to how many workers, where that is alike: numbers of connections within 5
 * %. `workers` is 0 where it is not. */
struct deal {
    double fewest, most;
    unsigned rows, workers;
};
void chart_see_deal(struct deal *deal, const struct row *row);

/* The measured cells behind a row's figures, one after the other: NULL to begin with, NULL at the end. */
const struct cell_record *chart_next_cell(const struct drawing *drawing, const struct row *row, const struct cell_record *last);

/* Where a file of a cell is. The caller frees. */
char *chart_cell_path(const struct drawing *drawing, const struct cell_record *cell, const char *file);

/* ---- events (plot_events.c) ---- */

/* What became of an occasion in the cells of a row. Times are means; where nothing is recorded, those of the plan. */
struct done {
    double at_s, until_s;
    unsigned carried_out, failed, ended; /* cells */
    bool together;                       /* the workers are threads of one process: all of them meet it */
};

/* One for each occasion, of all measured cells or the first alone. The caller frees. */
struct done *chart_read_done(const struct drawing *drawing, const struct row *row, bool one_block, const struct occasion *occasions,
                             unsigned count);

/* ---- pieces of data and scripts ---- */

/* The text, or its beginning with "..." where it has more characters than that. The caller frees. */
char *chart_shorten(const char *text, size_t most);
/* Prints NAME = 'text', with what gnuplot's enhanced text would take for markup escaped. */
void chart_print_text(FILE *out, const char *name, const char *text);
/* The same text alone, in its quotes. */
void chart_print_quoted(FILE *out, const char *text);
/* The same for the names of tics, which are formats to gnuplot. */
void chart_print_tic(FILE *out, const char *text);

/* " median low high" in the metric's shown unit; an interval that does not exist is the point itself, no value is NaN. */
void chart_print_estimate(FILE *out, const struct estimate *estimate, enum metric metric);

/* "set ytics" with a name a row: call with positions 0, 1, 2, ... and say with chart_end_rows how many there were. */
struct row_names {
    unsigned count;
    size_t longest;
};
void chart_add_row_name(struct row_names *names, const struct drawing *drawing, const char *label);
/* Prints `rows` and `name_length`, the characters of the longest name. */
void chart_end_rows(const struct row_names *names, const struct drawing *drawing);

/*
 * Several curves: a block of data each, with two empty lines behind it; names, styles and where each one ends are arrays in the
 * script, so that it can be named there. The names are moved apart where ends lie close together.
 */
struct curves {
    struct names names, styles;
    double *end_x, *end_y;
    double low, high; /* of all values that chart_see was told; 0 and 0 before the first */
};
/* Takes a curve's name and style (of its strategy); print its data then, and end it with its last point. */
void chart_begin_curve(struct curves *curves, const struct drawing *drawing, const char *name, const char *strategy);
void chart_end_curve(struct curves *curves, const struct drawing *drawing, double x, double y);
void chart_see(struct curves *curves, double value);
/*
 * Prints `curves`, curve_name, curve_style, end_x, end_y, name_y, name_length and a yrange with room around all values (a
 * logarithmic one, or one from 0) to the script and frees the lists. 0, or -ENODATA without a curve.
 */
int chart_end_curves(struct curves *curves, const struct drawing *drawing, bool logarithmic);

/* Moves places that stand closer than `gap` apart, as far as it takes within low..high, and keeps their order. */
void chart_spread(double *places, unsigned count, double gap, double low, double high);

/* Adds to the alternative text. */
void chart_say(struct drawing *drawing, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Has the forest more lines than one page takes? Then each experiment gets a page of its own beside it. */
bool plot_forest_is_too_long(const struct summary *summary);

#endif
