/*
 * html_heat: what a heat map shows, for values under the pointer. A place of the grid is a polygon with a colour and no more, so
 * the figures come from plots/NAME.dat (plot_time.c): data-heat has a line a panel, "NAME|1.5,,20;,3,", rows from the bottom, a
 * number a place, nothing where nobody was answered.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/html.h"

#include "html_parts.h"

#define LINE_LENGTH 256

struct grid {
    FILE *out;
    bool inside, begun; /* inside: of a panel; begun: its first row */
    double level;       /* of the row under way */
};

static void begin_panel(struct grid *grid, char *name)
{
    fputc('\n', grid->out);
    html_print_text(grid->out, text_clean(text_trim(name)));
    fputc('|', grid->out);
    grid->inside = true;
    grid->begun = false;
}

static void print_place(struct grid *grid, double level, double log_count)
{
    if (grid->begun)
        fputc(level > grid->level ? ';' : ',', grid->out);
    if (isfinite(log_count))
        fprintf(grid->out, "%.3g", pow(10, log_count));
    grid->begun = true;
    grid->level = level;
}

/* A name begins a panel, an empty line ends it; what follows until the next name are errors. */
static void take_line(struct grid *grid, char *line, bool first)
{
    double time_s, level, log_count;
    if (first)
        return;
    if (*line == '#')
        begin_panel(grid, line + 1);
    else if (grid->inside && sscanf(line, "%lf %lf %lf", &time_s, &level, &log_count) == 3)
        print_place(grid, level, log_count);
    else
        grid->inside = false;
}

void html_print_heat(FILE *out, const char *folder, const char *chart)
{
    char *path = text_print("%s/plots/%s.dat", folder, chart), line[LINE_LENGTH];
    FILE *data = fopen(path, "r");
    free(path);
    if (!data)
        return; /* then no values are shown */
    struct grid grid = {.out = out};
    fputs(" data-heat=\"", out);
    for (bool first = true; fgets(line, sizeof(line), data); first = false)
        take_line(&grid, line, first);
    fputc('"', out);
    fclose(data);
}
