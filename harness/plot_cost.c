/*
 * plot_cost: what a request costs. A bar a row: CPU time of all processes of the server, user and system stacked; thin bars below
 * it for the part of its proxy and for the generator, which is no cost of the server's.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"

/* Rows of the chart, the cheapest first; those without a figure at the end. The caller frees. */
static const struct row **cheapest_first(const struct drawing *drawing, unsigned *count)
{
    const struct summary *summary = drawing->summary;
    const struct row **rows = memory_get((summary->row_count + 1) * sizeof(*rows));
    *count = 0;
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (!chart_shows(drawing, row, true))
            continue;
        double cost = row->of[METRIC_CPU].median;
        unsigned at = (*count)++;
        for (; at && (isnan(rows[at - 1]->of[METRIC_CPU].median) || rows[at - 1]->of[METRIC_CPU].median > cost); at--) {
            if (isnan(cost))
                break;
            rows[at] = rows[at - 1];
        }
        rows[at] = row;
    }
    return rows;
}

static void print_number(FILE *out, double number)
{
    fprintf(out, isfinite(number) ? " %.6g" : " NaN", number);
}

static void print_bar(struct drawing *drawing, const struct row *row, unsigned position, const char *label)
{
    static const enum metric parts[] = {METRIC_CPU_USER, METRIC_CPU_SYSTEM, METRIC_CPU_FRONT, METRIC_GENERATOR_CPU};
    FILE *out = drawing->data;
    fprintf(out, "%u \"%s\" %u", position, label, chart_style(drawing, row->strategy));
    chart_print_estimate(out, &row->of[METRIC_CPU], METRIC_CPU);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        print_number(out, row->of[parts[i]].median);
    fputc('\n', out);
    if (!isfinite(row->of[METRIC_CPU].median))
        fprintf(drawing->script, "set label 'not measured' at graph 0.01, first %u left textcolor rgb '#a04000'\n", position);
}

static void say_bar(struct drawing *drawing, const struct row *row, const char *label)
{
    char *cost = estimate_text(&row->of[METRIC_CPU], METRIC_CPU);
    double user = row->of[METRIC_CPU_USER].median, front = row->of[METRIC_CPU_FRONT].median;
    chart_say(drawing, isfinite(row->of[METRIC_CPU].median) ? " %s: %s us" : " %s: not measured", label, cost);
    if (isfinite(user))
        chart_say(drawing, ", %.1f of it user", user);
    if (front > 0)
        chart_say(drawing, ", %.1f its proxy's", front);
    chart_say(drawing, ".");
    free(cost);
}

/* Where the longest bar or whisker ends. */
static double longest(const struct row *const *rows, unsigned count)
{
    double top = 0;
    for (unsigned i = 0; i < count; i++) /* fmax leaves NaNs out */
        top = fmax(fmax(top, rows[i]->of[METRIC_CPU].median),
                   fmax(rows[i]->of[METRIC_CPU].high, rows[i]->of[METRIC_GENERATOR_CPU].median));
    return top;
}

static bool any_with(const struct row *const *rows, unsigned count, enum metric metric, bool finite)
{
    for (unsigned i = 0; i < count; i++)
        if (finite ? rows[i]->of[metric].median > 0 : isfinite(rows[i]->of[METRIC_CPU].median) && isnan(rows[i]->of[metric].median))
            return true;
    return false;
}

static char *legend(const struct row *const *rows, unsigned count)
{
    bool split = any_with(rows, count, METRIC_CPU_USER, true), unsplit = any_with(rows, count, METRIC_CPU_USER, false);
    return text_print("%s%s%sthin grey: the generator's own", split ? "dark: user, light: system; " : "",
                      unsplit ? split ? "light alone: too short to split; " : "too short a time to split user from system; " : "",
                      any_with(rows, count, METRIC_CPU_FRONT, true) ? "thin, coloured: of it the proxy's; " : "");
}

static int write_cost(struct drawing *drawing)
{
    unsigned count, measured = 0;
    const struct row **rows = cheapest_first(drawing, &count);
    struct row_names names = {0};
    fputs("# position label style cpu_us low high user_us system_us proxy_us generator_us\n", drawing->data);
    chart_say(drawing, "Bars of CPU time per request, the cheapest first.");
    for (unsigned i = 0; i < count; i++) {
        char *label = chart_label(drawing, rows[i]);
        print_bar(drawing, rows[i], i, label);
        chart_add_row_name(&names, drawing, label);
        say_bar(drawing, rows[i], label);
        measured += isfinite(rows[i]->of[METRIC_CPU].median) != 0;
        free(label);
    }
    chart_end_rows(&names, drawing);
    fprintf(drawing->script, "top = %.6g\nheight = %u\n", longest(rows, count), 150 + 36 * count);
    drawing->subtitle = legend(rows, count);
    free(rows);
    return measured ? 0 : -ENODATA;
}

const struct chart_kind chart_cost = {"cost", "CPU time of all server processes per request", true, write_cost};
