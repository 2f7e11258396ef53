/* plot_cost: what a request costs. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"

static void print_bar(struct drawing *drawing, const struct row *row, unsigned position)
{
    FILE *out = drawing->data;
    char *label = chart_label(drawing, row);
    fprintf(out, "%u \"%s\" %u", position, label, catalog_style(row->strategy));
    chart_print_estimate(out, &row->of[METRIC_CPU], METRIC_CPU);
    fprintf(out, " %.6g %.6g %.6g\n", row->of[METRIC_CPU_USER].median, row->of[METRIC_CPU_SYSTEM].median,
            row->of[METRIC_RATE].median);
    fprintf(drawing->script, "set xtics %s('%s' %u)\n", position ? "add " : "", label, position);
    if (!isfinite(row->of[METRIC_CPU].median))
        fprintf(drawing->script, "set label 'not measured' at %u, graph 0.03 center textcolor rgb '#a04000'\n", position);
    free(label);
}

static int draw_cost(struct drawing *drawing)
{
    unsigned position = 0, measured = 0;
    fputs("# position label style cpu_us low high user_us system_us requests_per_s\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, true))
            continue;
        print_bar(drawing, row, position++);
        measured += isfinite(row->of[METRIC_CPU].median) != 0;
    }
    fprintf(drawing->script, "bars = %u\n", position);
    drawing->subtitle = text_copy("dark: user, light: system (all light: too short a time to tell)");
    drawing->alt = text_copy("Bars of CPU microseconds per request, user and system stacked, one a strategy.");
    return measured ? 0 : -ENODATA;
}

const struct chart_kind chart_cost = {"cost", "CPU time of all server processes per request", true, draw_cost};
