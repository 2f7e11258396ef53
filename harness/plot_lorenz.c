/*
 * plot_lorenz: how uneven are the shares? The workers from the idlest to the busiest, and what part of the requests (of kept
 * connections: of those, chart_dealt) the first of them had together: a straight line if all had the same. The envelope is where 95
 * of 100 random deals of as many connections would lie: a curve above it is more even than chance, as taking turns is.
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
    const struct dealt dealt = chart_dealt(drawing, row);
    char *label = chart_label(drawing, row), *jain = estimate_text(&row->of[dealt.jain], dealt.jain),
         *name = text_print("%s  %s", label, jain);
    double sum = 0;
    chart_begin_curve(curves, drawing, name, row->strategy);
    fputs("0 0\n", drawing->data);
    for (unsigned i = 0; i < row->workers; i++) {
        sum += dealt.shares[row->workers - 1 - i];
        fprintf(drawing->data, "%.6g %.6g\n", 100.0 * (i + 1) / row->workers, 100 * sum);
    }
    chart_see(curves, 100);
    chart_end_curve(curves, drawing, 100, 100);
    double half = 0;
    for (unsigned i = 0; i < row->workers / 2; i++)
        half += dealt.shares[row->workers - 1 - i];
    chart_say(drawing, " %s: the idlest %u of %u workers had %.1f %% of the %s, Jain %s.", label, row->workers / 2, row->workers,
              100 * half, dealt.what, jain);
    free(name);
    free(jain);
    free(label);
}

/* Behind the curves, where it is the same for all of them: of the fewest connections, for that is the widest. */
static bool print_envelope(struct drawing *drawing, const struct deal *deal)
{
    if (!deal->workers) {
        drawing->subtitle = text_copy("no envelope of chance: these curves are of different numbers of connections or workers");
        return false;
    }
    unsigned connections = (unsigned)(deal->fewest + 0.5), workers = deal->workers;
    double *low = memory_get(workers * sizeof(*low)), *high = memory_get(workers * sizeof(*high));
    statistics_lorenz_band(connections, workers, drawing->summary->results->seed, low, high);
    fputs("0 0 0\n", drawing->data);
    for (unsigned i = 0; i < workers; i++)
        fprintf(drawing->data, "%.6g %.6g %.6g\n", 100.0 * (i + 1) / workers, 100 * low[i], 100 * high[i]);
    drawing->subtitle = text_print("grey: where 95 %% of random deals of %u connections to %u workers lie", connections, workers);
    free(high);
    free(low);
    return true;
}

static void name_dealt(struct drawing *drawing, const char *what)
{
    drawing->title =
        strcmp(what, "connections") ? chart_lorenz.title : "How evenly the workers share the connections (Lorenz curve)";
    fprintf(drawing->script, "dealt = '%s'\n", what);
    chart_say(drawing, "Lorenz curves of the %s over the workers.", what);
}

static int write_lorenz(struct drawing *drawing)
{
    struct curves curves = {0};
    struct deal deal = {0};
    fputs("# workers_percent dealt_percent; last block: workers_percent chance_low chance_high\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_shown(drawing, row))
            continue;
        if (!deal.rows)
            name_dealt(drawing, chart_dealt(drawing, row).what);
        chart_see_deal(&deal, row);
        print_curve(drawing, &curves, row);
    }
    fprintf(drawing->script, "envelope = %d\nheight = 560\n", print_envelope(drawing, &deal));
    return chart_end_curves(&curves, drawing, false);
}

const struct chart_kind chart_lorenz = {"lorenz", "How evenly the workers share the requests (Lorenz curve)", true, write_lorenz};
