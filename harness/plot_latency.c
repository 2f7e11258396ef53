/* plot_latency: p50 and p99 against load. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"

static bool first_of_strategy(const struct drawing *drawing, unsigned index)
{
    const struct row *row = &drawing->summary->rows[index];
    for (unsigned i = 0; i < index; i++) {
        const struct row *other = &drawing->summary->rows[i];
        if (chart_shows(drawing, other, false) && !strcmp(other->strategy, row->strategy) && other->workers == row->workers)
            return false;
    }
    return true;
}

static double load_axis(const struct row *row)
{
    return strstr(row->load, "pct") ? strtod(row->load, NULL) : row->rate;
}

static void print_curve(struct drawing *drawing, const struct row *of)
{
    FILE *out = drawing->data;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, false) || strcmp(row->strategy, of->strategy) || row->workers != of->workers ||
            !row->measured)
            continue;
        char *label = chart_label(drawing, row);
        fprintf(out, "%.6g \"%s\" %u", load_axis(row), label, catalog_style(row->strategy));
        free(label);
        chart_print_estimate(out, &row->of[METRIC_P50], METRIC_P50);
        chart_print_estimate(out, &row->of[METRIC_P99], METRIC_P99);
        fputc('\n', out);
    }
}

static void add_curves(struct drawing *drawing, struct curves *curves)
{
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, false) || !isfinite(row->of[METRIC_P99].median) || !first_of_strategy(drawing, i))
            continue;
        chart_begin_curve(curves, drawing, row);
        print_curve(drawing, row);
        chart_end_curve(drawing);
    }
}

static int draw_latency(struct drawing *drawing)
{
    const struct load *load = &drawing->experiment->loads[0];
    fputs("# load label style p50_ms low high p99_ms low high\n", drawing->data);
    fprintf(drawing->script, "loads = %u\nload_axis = '%s'\n", drawing->experiment->loads_count,
            load->kind == LOAD_SHARE ? "offered load, % of capacity" : "offered load, requests/s");
    struct curves curves = {0};
    add_curves(drawing, &curves);
    drawing->alt = text_copy("Median and 99th percentile of the response time.");
    return chart_end_curves(&curves, drawing);
}

const struct chart_kind chart_latency = {"latency", "Response time: median and p99", false, draw_latency};
