/*
 * Charts as inline SVG: a frame with two axes, and lines, cells and words in it. Colours, widths and fonts are the page's style
 * sheet's; here are classes. Coordinates are data; what lies outside the axes is drawn at their edge.
 */
#ifndef LOADGEN_CHARTS_H
#define LOADGEN_CHARTS_H

#include <stdbool.h>
#include <stdio.h>

enum axis_kind {
    AXIS_LINEAR, /* from 0 or more; numbers as 500, 20k */
    AXIS_TIME,   /* logarithmic, microseconds; 100 us, 1 ms */
    AXIS_TAIL,   /* logarithmic, 1/(1-p): 90 %, 99 %, 99.9 % */
};

struct axis {
    enum axis_kind kind;
    double from, to;
    const char *label;
};

struct chart {
    FILE *out;
    struct axis x, y;
};

#define CHART_WIDTH  760 /* units of the drawing, which is scaled to the page's width */
#define CHART_HEIGHT 230

/* Axes that hold `least`..`most` and end at whole steps. */
struct axis axis_linear(double most, const char *label);
struct axis axis_time(double least_us, double most_us, const char *label);

/* `alt` says in words what is seen; it is escaped here. */
void chart_begin(struct chart *chart, const char *alt);
void chart_end(struct chart *chart);

/* Points in order of x; a NAN in `y` is a gap. */
void chart_line(const struct chart *chart, const char *class, const double *x, const double *y, unsigned count);
/* The same with a step at each point, `y[i]` from x[i] to x[i + 1]: count + 1 xs. */
void chart_steps(const struct chart *chart, const char *class, const double *x, const double *y, unsigned count);
/* Names of the lines, in order, at the top right. Ends with a NULL. */
void chart_legend(const struct chart *chart, const char *const *classes, const char *const *names);
/* A line all across at x (or y, if `level`), with a word beside it. */
void chart_mark(const struct chart *chart, bool level, double at, const char *word);

/* One of `levels` kinds of cells; within begin and end any number of cells. */
void chart_cells_begin(const struct chart *chart, unsigned level);
void chart_cell(const struct chart *chart, double x0, double x1, double y0, double y1);
void chart_cells_end(const struct chart *chart);

#endif
