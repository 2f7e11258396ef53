/*
 * What `top` shows: two looks at a server in, lines of text out. Nothing here reads a clock or writes to a terminal.
 */
#ifndef HARNESS_TOP_VIEW_H
#define HARNESS_TOP_VIEW_H

#include <stdbool.h>

#include "sight.h"

struct top_view {
    const char *address;         /* as the user wrote it */
    const struct sight *now;     /* NULL: nothing has been seen yet */
    const struct sight *earlier; /* NULL: rates are those since the start */
    const char *note;            /* a line below the head, or "" */
    unsigned width, height;      /* columns and lines there are; 0: as many as it takes */
    bool coloured, keys;         /* may hold colours; tells which key ends it */
};

/*
 * The head and a table, a row a life; lines end in '\n' and fit into `width`: columns that matter less are left out, the others
 * cut. Of rows that do not fit into `height` the last line tells how many. The caller frees.
 */
char *top_view_text(const struct top_view *view);

/* Short forms for narrow columns: "1.9us", "85us", "5.3ms", "1.2s", "2m03s"; "12s", "2m03s", "3h07m", "5d02h"; "2.7MB"; "0", "0.5",
 * "12,345". Return `text` (TOP_CELL_SIZE). */
#define TOP_CELL_SIZE 64
char *top_print_time(double ns, char *text);
char *top_print_duration(double seconds, char *text);
char *top_print_size(double bytes, char *text);
char *top_print_rate(double rate, char *text);

#endif
