/* plot_shares: who got how much. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"

static unsigned print_shares(struct drawing *drawing, const struct row *row, unsigned position)
{
    FILE *out = drawing->data;
    double *low = memory_get(row->workers * sizeof(*low)), *high = memory_get(row->workers * sizeof(*high));
    unsigned connections = (unsigned)(row->connections + 0.5);
    if (connections && row->workers > 1)
        statistics_chance_band(connections, row->workers, drawing->summary->results->seed, low, high);
    char *label = chart_label(drawing, row);
    for (unsigned i = 0; i < row->workers; i++)
        fprintf(out, "%u %u %.6g %.6g %.6g\n", position + i, catalog_style(row->strategy), 100 * row->shares[i], 100 * low[i],
                100 * high[i]);
    fprintf(drawing->script, "set label '%s' at %g, graph -0.05 center\n", label, position + (row->workers - 1) / 2.0);
    fprintf(drawing->script, "set label 'Jain %.2f' at %g, graph 0.97 center font ',11' textcolor rgb '#444444'\n",
            row->of[METRIC_JAIN_REQUESTS].median, position + (row->workers - 1) / 2.0);
    free(label);
    free(high);
    free(low);
    return position + row->workers + 2;
}

static int draw_shares(struct drawing *drawing)
{
    unsigned position = 0, workers = 1;
    fputs("# position style share_percent chance_low chance_high\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, false) || !row->measured)
            continue;
        position = print_shares(drawing, row, position);
        workers = row->workers;
    }
    fprintf(drawing->script, "even = %.6g\nlast = %u\n", 100.0 / workers, position ? position - 2 : 1);
    drawing->subtitle = text_copy("grey: 95 % of random deals; line: even");
    drawing->alt = text_copy("Bars of the share of requests each worker served, sorted, with the band that chance would give.");
    return position ? 0 : -ENODATA;
}

const struct chart_kind chart_shares = {"shares", "Share of the requests of each worker, busiest first", true, draw_shares};
