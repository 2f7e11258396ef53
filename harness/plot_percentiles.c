/* plot_percentiles: response time by percentile. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"
#include "hgrm.h"

static const double quantiles[] = {0.5,   0.6,  0.7,   0.75,  0.8,   0.85,  0.9,   0.92,  0.94,   0.95,   0.96,    0.97,   0.98,
                                   0.985, 0.99, 0.992, 0.994, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99995, 0.99999};

#define QUANTILES    (sizeof(quantiles) / sizeof(*quantiles))
#define TAIL_SAMPLES 100 /* fewer beyond a percentile say nothing of it */

/* values[q * cells + c]; returns how many samples all cells hold together. */
static double collect_quantiles(const struct drawing *drawing, const struct row *row, double *values, unsigned *cells)
{
    double total = 0;
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        char *path = chart_cell_path(drawing, cell, "latency.hgrm");
        struct hgrm hgrm;
        if (hgrm_read(path, &hgrm) == 0) {
            for (size_t q = 0; q < QUANTILES; q++)
                values[q * drawing->summary->results->cell_count + *cells] =
                    hgrm_value(&hgrm, quantiles[q]); /* loadgen prints milliseconds */
            total += hgrm.total;
            ++*cells;
            hgrm_free(&hgrm);
        }
        free(path);
    }
    return total;
}

static void print_percentiles(struct drawing *drawing, const struct row *row)
{
    unsigned stride = drawing->summary->results->cell_count, cells = 0;
    double *values = memory_get(QUANTILES * stride * sizeof(*values));
    double total = collect_quantiles(drawing, row, values, &cells);
    FILE *out = drawing->data;
    for (size_t q = 0; q < QUANTILES && cells; q++) {
        if (q && total * (1 - quantiles[q]) < TAIL_SAMPLES)
            break;
        struct estimate estimate = estimate_of(values + q * stride, cells);
        fprintf(out, "%.6g %.6g %.6g\n", 1 / (1 - quantiles[q]), quantiles[q] * 100, estimate.median);
    }
    if (!cells)
        fputs("NaN NaN NaN\n", out);
    free(values);
}

static int draw_percentiles(struct drawing *drawing)
{
    struct curves curves = {0};
    fputs("# 1/(1-p) percentile response_time_ms (the median over the blocks)\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!chart_shows(drawing, row, false) || !isfinite(row->of[METRIC_P99].median))
            continue;
        chart_begin_curve(&curves, drawing, row);
        print_percentiles(drawing, row);
        chart_end_curve(drawing);
    }
    drawing->subtitle = text_copy("drawn as far as 100 samples remain");
    drawing->alt = text_copy("Curves of response time against percentile, one a strategy.");
    return chart_end_curves(&curves, drawing);
}

const struct chart_kind chart_percentiles = {"percentiles", "Response time by percentile", true, draw_percentiles};
