/*
 * Charts, drawn by gnuplot (a program, not a library) from data files and scripts that stay beside them in plots/.
 */
#ifndef HARNESS_PLOT_H
#define HARNESS_PLOT_H

#include <limits.h>

#include "process.h"
#include "summary.h"

#define CHART_OF_ALL UINT_MAX

struct chart {
    char *name;          /* plots/NAME.dat .gp .svg .png */
    const char *kind;    /* of its script, KIND.gp */
    char *title, *alt;   /* alt: what it shows, in words computed from the data */
    unsigned experiment; /* index, or CHART_OF_ALL: the forest on the front page */
    bool drawn;
};

struct gallery {
    struct chart *charts;
    unsigned count;
    bool no_gnuplot;
};

/*
 * Writes the data and the script of every chart of the plan below DIR/plots and has gnuplot draw them; DIR is the summary's results
 * folder, `scripts` a folder with style.gp and the others, or NULL for the usual places. A chart that gnuplot cannot draw is
 * reported on stderr and left out. 0, -EINTR, or a negative errno when files cannot be written.
 */
int plot_all(struct custody *custody, const struct summary *summary, const char *scripts, struct gallery *gallery);
void gallery_free(struct gallery *gallery);

#endif
