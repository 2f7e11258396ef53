/*
 * plot_lorenz: how uneven are the shares? The workers from the idlest to the busiest, and what part of the requests the first of
 * them had together: a straight line if all had the same. The envelope is where 95 of 100 random deals of as many connections
 * would lie: a curve above it is more even than chance, as taking turns is.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"

static bool is_shown(const struct drawing *drawing, const struct row *row)
{
    return chart_shows(drawing, row, false) && row->measured && row->workers > 1;
}

static void print_curve(struct drawing *drawing, struct curves *curves, const struct row *row)
{
    char *label = chart_label(drawing, row), *jain = estimate_text(&row->of[METRIC_JAIN_REQUESTS], METRIC_JAIN_REQUESTS),
         *name = text_print("%s  %s", label, jain);
    double sum = 0;
    chart_begin_curve(curves, drawing, name, row->strategy);
    fputs("0 0\n", drawing->data);
    for (unsigned i = 0; i < row->workers; i++) {
        sum += row->shares[row->workers - 1 - i];
        fprintf(drawing->data, "%.6g %.6g\n", 100.0 * (i + 1) / row->workers, 100 * sum);
    }
    chart_see(curves, 100);
    chart_end_curve(curves, drawing, 100, 100);
    double half = 0;
    for (unsigned i = 0; i < row->workers / 2; i++)
        half += row->shares[row->workers - 1 - i];
    chart_say(drawing, " %s: the idlest %u of %u workers had %.1f %% of the requests, Jain %s.", label, row->workers / 2,
              row->workers, 100 * half, jain);
    free(name);
    free(jain);
    free(label);
}

/* Behind the curves: the deals of the first row's connections. */
static bool print_envelope(struct drawing *drawing, const struct row *row)
{
    unsigned connections = row ? (unsigned)(row->connections + 0.5) : 0;
    if (!connections)
        return false;
    double *low = memory_get(row->workers * sizeof(*low)), *high = memory_get(row->workers * sizeof(*high));
    statistics_lorenz_band(connections, row->workers, drawing->summary->results->seed, low, high);
    fputs("0 0 0\n", drawing->data);
    for (unsigned i = 0; i < row->workers; i++)
        fprintf(drawing->data, "%.6g %.6g %.6g\n", 100.0 * (i + 1) / row->workers, 100 * low[i], 100 * high[i]);
    drawing->subtitle =
        text_print("grey: where 95 %% of random deals of %u connections to %u workers lie", connections, row->workers);
    free(high);
    free(low);
    return true;
}

static int write_lorenz(struct drawing *drawing)
{
    struct curves curves = {0};
    const struct row *first = NULL;
    fputs("# workers_percent requests_percent; last block: workers_percent chance_low chance_high\n", drawing->data);
    chart_say(drawing, "Lorenz curves of the requests over the workers.");
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_shown(drawing, row))
            continue;
        first = first ? first : row;
        print_curve(drawing, &curves, row);
    }
    fprintf(drawing->script, "envelope = %d\nheight = 560\n", print_envelope(drawing, first));
    return chart_end_curves(&curves, drawing, false);
}

const struct chart_kind chart_lorenz = {"lorenz", "How evenly the workers share the requests (Lorenz curve)", true, write_lorenz};
