/*
 * plot_percentiles: response time by percentile, and beside it the service time, which is what a generator that does not count
 * from the plan would have told. In a closed loop the two are one.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "hgrm.h"

static const double quantiles[] = {0.5,   0.6,  0.7,   0.75,  0.8,   0.85,  0.9,   0.92,  0.94,   0.95,   0.96,    0.97,   0.98,
                                   0.985, 0.99, 0.992, 0.994, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99995, 0.99999};

#define QUANTILES    (sizeof(quantiles) / sizeof(*quantiles))
#define TAIL_SAMPLES 100 /* fewer beyond a percentile say nothing of it */

/* Medians over a row's cells of each quantile, in ms. */
struct distribution_of_row {
    double at[QUANTILES];
    double samples; /* that all cells hold together; 0: there is none */
};

static void collect(const struct drawing *drawing, const struct row *row, const char *file, struct distribution_of_row *all)
{
    unsigned stride = drawing->summary->results->cell_count, cells = 0;
    double *values = memory_get(QUANTILES * stride * sizeof(*values));
    *all = (struct distribution_of_row){.samples = 0};
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        char *path = chart_cell_path(drawing, cell, file);
        struct hgrm hgrm;
        if (hgrm_read(path, &hgrm) == 0) {
            for (size_t q = 0; q < QUANTILES; q++)
                values[q * stride + cells] = hgrm_value(&hgrm, quantiles[q]); /* loadgen prints milliseconds */
            all->samples += hgrm.total;
            cells++;
            hgrm_free(&hgrm);
        }
        free(path);
    }
    for (size_t q = 0; q < QUANTILES; q++)
        all->at[q] = estimate_of(values + q * stride, cells).median;
    free(values);
}

static bool is_told(const struct distribution_of_row *of, size_t q)
{
    return of->samples > 0 && (!q || of->samples * (1 - quantiles[q]) >= TAIL_SAMPLES) && of->at[q] > 0;
}

static void print_curve(struct drawing *drawing, struct curves *curves, const struct row *row, bool *with_service)
{
    struct distribution_of_row response, service;
    collect(drawing, row, "latency.hgrm", &response);
    collect(drawing, row, "service.hgrm", &service);
    if (!is_told(&response, 0))
        return;
    bool closed = !(row->rate > 0);
    size_t last = 0;
    char *label = chart_label(drawing, row);
    chart_begin_curve(curves, drawing, label, row->strategy);
    for (size_t q = 0; q < QUANTILES && is_told(&response, q); q++) {
        bool both = !closed && is_told(&service, q);
        fprintf(drawing->data, both ? "%.6g %.6g %.6g %.6g\n" : "%.6g %.6g %.6g NaN\n", 1 / (1 - quantiles[q]), quantiles[q] * 100,
                response.at[q], service.at[q]);
        chart_see(curves, response.at[q]);
        chart_see(curves, both ? service.at[q] : NAN);
        *with_service |= both;
        last = q;
    }
    chart_end_curve(curves, drawing, 1 / (1 - quantiles[last]), response.at[last]);
    chart_say(drawing, " %s: median %.3g ms, %g %% below %.3g ms.", label, response.at[0], quantiles[last] * 100,
              response.at[last]);
    free(label);
}

static int write_percentiles(struct drawing *drawing)
{
    struct curves curves = {0};
    bool with_service = false;
    fputs("# 1/(1-p) percentile response_time_ms service_time_ms (medians over the blocks)\n", drawing->data);
    chart_say(drawing, "Response time against percentile, a curve a strategy.");
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (chart_shows(drawing, row, false) && isfinite(row->of[METRIC_P99].median))
            print_curve(drawing, &curves, row, &with_service);
    }
    drawing->subtitle = text_copy(with_service ? "thick: from the plan, thin: from the send; as far as 100 samples remain"
                                               : "as far as 100 samples remain");
    fputs("height = 500\n", drawing->script);
    return chart_end_curves(&curves, drawing, true);
}

const struct chart_kind chart_percentiles = {"percentiles", "Response time by percentile", true, write_percentiles};
