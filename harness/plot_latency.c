/*
 * plot_latency: median and p99 of the response time. Against load where there are several (the hockey stick), a row a strategy
 * where there is one.
 *
 * Theory is drawn where it has something to say: Poisson arrivals, a connection a request, service times that are known because
 * workers sleep for them, and a formula for their quantiles. Loads from which on the generator itself was in doubt are shaded.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "theory.h"

#define THEORY_NAME_SIZE 24
#define THEORY_POINTS    60
#define THEORY_MOST      0.985 /* of capacity */

static void print_estimates(const struct drawing *drawing, const struct row *row)
{
    chart_print_estimate(drawing->data, &row->of[METRIC_P50], METRIC_P50);
    chart_print_estimate(drawing->data, &row->of[METRIC_P99], METRIC_P99);
    fprintf(drawing->data, " %d\n", row->ranked ? 1 : 0);
}

static bool is_measured(const struct drawing *drawing, const struct row *row)
{
    return chart_shows(drawing, row, false) && row->measured && isfinite(row->of[METRIC_P99].median);
}

static char *p99_text(const struct row *row)
{
    char *number = estimate_text(&row->of[METRIC_P99], METRIC_P99), *text = text_print("%s ms", number);
    free(number);
    return text;
}

/* ---- capacity and theory ---- */

static double share_of_load(const struct drawing *drawing, const struct row *row)
{
    for (unsigned l = 0; l < drawing->experiment->loads_count; l++) {
        const struct load *load = &drawing->experiment->loads[l];
        char *label = load_label(load);
        bool same = load->kind == LOAD_SHARE && !strcmp(label, row->load);
        free(label);
        if (same)
            return load->value;
    }
    return NAN;
}

/* Requests per second that all of the chart's workers can do at most; NaN where it is not one figure for all. */
static double one_capacity(const struct drawing *drawing)
{
    double capacity = NAN;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_measured(drawing, row) || !(row->rate > 0))
            continue;
        double known = drawing->experiment->service_s > 0 ? row->workers / drawing->experiment->service_s
                                                          : row->rate / share_of_load(drawing, row);
        if (isnan(known) || fabs(known / capacity - 1) > 0.01)
            return NAN;
        capacity = known;
    }
    return capacity;
}

static unsigned workers_for(const struct drawing *drawing, double capacity)
{
    return (unsigned)(capacity * drawing->experiment->service_s + 0.5);
}

static bool has_theory(const struct drawing *drawing, double capacity)
{
    const struct experiment *experiment = drawing->experiment;
    if (!experiment->emulated || experiment->arrivals != ARRIVALS_POISSON || experiment->requests_per_connection != 1 ||
        isnan(capacity) || experiment->loads[0].kind == LOAD_CLOSED)
        return false;
    struct theory theory = theory_of(&experiment->service, capacity / 2, workers_for(drawing, capacity));
    return isfinite(theory_response_quantile(&theory, 0.99));
}

static double theory_ms(const struct drawing *drawing, double rate, double capacity, double part)
{
    struct theory theory = theory_of(&drawing->experiment->service, rate, workers_for(drawing, capacity));
    return 1e3 * theory_response_quantile(&theory, part);
}

static const char *theory_name(const struct drawing *drawing, double capacity, char name[THEORY_NAME_SIZE])
{
    snprintf(name, THEORY_NAME_SIZE, "M/%c/%u", drawing->experiment->service.kind == DISTRIBUTION_CONSTANT ? 'D' : 'M',
             workers_for(drawing, capacity));
    return name;
}

/* ---- one load: a row a strategy ---- */

static int write_rows(struct drawing *drawing)
{
    struct row_names names = {0};
    fputs("# position label style p50_ms low high p99_ms low high ranked\n", drawing->data);
    chart_say(drawing, "Median and 99th percentile of the response time, a row a strategy.");
    double rate = NAN, least = INFINITY, most = 0;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_measured(drawing, row))
            continue;
        char *label = chart_label(drawing, row), *p99 = p99_text(row);
        fprintf(drawing->data, "%u \"%s\" %u", names.count, label, chart_style(drawing, row->strategy));
        print_estimates(drawing, row);
        chart_add_row_name(&names, drawing, label);
        chart_say(drawing, " %s: p99 %s.", label, p99);
        rate = row->rate;
        least = fmin(least, fmin(row->of[METRIC_P50].median, row->of[METRIC_P50].low)); /* fmin and fmax leave NaNs out */
        most = fmax(most, fmax(row->of[METRIC_P99].median, row->of[METRIC_P99].high));
        free(p99);
        free(label);
    }
    chart_end_rows(&names, drawing);
    double capacity = one_capacity(drawing);
    char name[THEORY_NAME_SIZE];
    bool theory = has_theory(drawing, capacity) && rate < capacity;
    if (theory) {
        chart_print_text(drawing->script, "theory_name", theory_name(drawing, capacity, name));
        fprintf(drawing->script, "theory_p50 = %.6g\ntheory_p99 = %.6g\n", theory_ms(drawing, rate, capacity, 0.5),
                theory_ms(drawing, rate, capacity, 0.99));
    }
    fprintf(drawing->script, "least = %.6g\nmost = %.6g\n", least * 1e-3, most * 1e-3);
    fprintf(drawing->script, "against_load = 0\ntheories = %d\nheight = %u\n", theory, 190 + 30 * names.count);
    drawing->subtitle = text_copy(theory ? "open: median, full: p99; dashed: theory" : "open: median, full: p99");
    return names.count ? 0 : -ENODATA;
}

/* ---- several loads: a curve a strategy ---- */

static double load_place(const struct row *row)
{
    return row->rate > 0 ? row->rate : row->of[METRIC_RATE].median;
}

static bool same_curve(const struct row *row, const struct row *of)
{
    return !strcmp(row->strategy, of->strategy) && row->workers == of->workers;
}

static bool is_first_of_curve(const struct drawing *drawing, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (is_measured(drawing, &drawing->summary->rows[i]) &&
            same_curve(&drawing->summary->rows[i], &drawing->summary->rows[index]))
            return false;
    return is_measured(drawing, &drawing->summary->rows[index]);
}

/* Of one strategy, by rising load, which need not be the plan's order. The caller frees. */
static const struct row **rows_of_curve(const struct drawing *drawing, const struct row *of, unsigned *count)
{
    const struct summary *summary = drawing->summary;
    const struct row **rows = memory_get(summary->row_count * sizeof(*rows));
    *count = 0;
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (!is_measured(drawing, row) || !same_curve(row, of))
            continue;
        unsigned at = (*count)++;
        for (; at && load_place(rows[at - 1]) > load_place(row); at--)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
    return rows;
}

/* With a star if any of its points is not ranked. */
static char *curve_label(struct drawing *drawing, const struct row *const *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!rows[i]->ranked)
            return chart_label(drawing, rows[i]);
    return chart_label(drawing, rows[0]);
}

static void print_curve(struct drawing *drawing, struct curves *curves, const struct row *of)
{
    unsigned count;
    const struct row **rows = rows_of_curve(drawing, of, &count), *last = rows[count - 1];
    char *label = curve_label(drawing, rows, count), *first_p99 = p99_text(rows[0]), *last_p99 = p99_text(last);
    chart_begin_curve(curves, drawing, label, of->strategy);
    for (unsigned i = 0; i < count; i++) {
        fprintf(drawing->data, "%.6g \"%s\" %u", load_place(rows[i]), rows[i]->load, chart_style(drawing, of->strategy));
        print_estimates(drawing, rows[i]);
        chart_see(curves, rows[i]->of[METRIC_P50].median * 1e-3);
        chart_see(curves, rows[i]->of[METRIC_P99].median * 1e-3);
        chart_see(curves, rows[i]->of[METRIC_P99].high * 1e-3);
    }
    chart_say(drawing, " %s: p99 from %s at %.0f/s to %s at %.0f/s.", label, first_p99, load_place(rows[0]), last_p99,
              load_place(last));
    chart_end_curve(curves, drawing, load_place(last), last->of[METRIC_P99].median * 1e-3);
    free(first_p99);
    free(last_p99);
    free(label);
    free(rows);
}

/* Did the generator have a word to say on most cells of this load? */
static bool is_doubtful(const struct drawing *drawing, double place)
{
    unsigned doubtful = 0, cells = 0;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_measured(drawing, row) || load_place(row) != place)
            continue;
        for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell)); cells++) {
            bool told = cell->failure && strstr(cell->failure, "generator:");
            for (size_t n = 0; n < cell->notes.count; n++)
                told |= strstr(cell->notes.items[n], "generator:") != NULL;
            doubtful += told;
        }
    }
    return doubtful * 2 > cells;
}

/* The load from which on the generator was in doubt at every load; infinity for none. */
static double find_ceiling(const struct drawing *drawing)
{
    double ceiling = INFINITY, fine = -INFINITY;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (is_measured(drawing, row) && !is_doubtful(drawing, load_place(row)))
            fine = fmax(fine, load_place(row));
    }
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (is_measured(drawing, row) && load_place(row) > fine)
            ceiling = fmin(ceiling, load_place(row));
    }
    return isfinite(ceiling) && isfinite(fine) ? (ceiling + fine) / 2 : ceiling;
}

static void print_ceiling(struct drawing *drawing)
{
    double ceiling = find_ceiling(drawing);
    fprintf(drawing->script, isfinite(ceiling) ? "ceiling = %.6g\n" : "ceiling = NaN\n", ceiling);
    if (isfinite(ceiling))
        chart_say(drawing, " From %.0f/s on the generator itself was in doubt.", ceiling);
}

static void print_theory_at(const struct drawing *drawing, double rate, double capacity, struct curves *curves)
{
    double p50 = theory_ms(drawing, rate, capacity, 0.5), p99 = theory_ms(drawing, rate, capacity, 0.99);
    fprintf(drawing->data, "%.6g %.6g %.6g\n", rate, p50, p99);
    chart_see(curves, p50);
}

/* Behind all curves. */
static bool print_theory(struct drawing *drawing, struct curves *curves, double lowest, double highest)
{
    double capacity = one_capacity(drawing);
    fprintf(drawing->script, isfinite(capacity) ? "capacity = %.6g\n" : "capacity = NaN\n", capacity);
    if (!has_theory(drawing, capacity))
        return false;
    highest = fmin(highest, capacity * THEORY_MOST);
    for (unsigned i = 0; i <= THEORY_POINTS; i++)
        print_theory_at(drawing, lowest + (highest - lowest) * i / THEORY_POINTS, capacity, curves);
    return true;
}

static int write_curves(struct drawing *drawing)
{
    struct curves curves = {0};
    double lowest = INFINITY, highest = 0;
    fputs("# load_per_s load style p50_ms low high p99_ms low high ranked\n", drawing->data);
    chart_say(drawing, "Median and 99th percentile of the response time against offered load.");
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_measured(drawing, row))
            continue;
        lowest = fmin(lowest, load_place(row));
        highest = fmax(highest, load_place(row));
        if (is_first_of_curve(drawing, i))
            print_curve(drawing, &curves, row);
    }
    char name[THEORY_NAME_SIZE];
    bool theory = print_theory(drawing, &curves, lowest, highest);
    print_ceiling(drawing);
    fprintf(drawing->script, "against_load = 1\ntheories = %d\nheight = 520\n", theory);
    drawing->subtitle = text_print("thick: p99, thin: median, band: interval%s%s", theory ? ", black and dashed: " : "",
                                   theory ? theory_name(drawing, one_capacity(drawing), name) : "");
    return chart_end_curves(&curves, drawing, true);
}

static int write_latency(struct drawing *drawing)
{
    return drawing->experiment->loads_count > 1 ? write_curves(drawing) : write_rows(drawing);
}

const struct chart_kind chart_latency = {"latency", "Response time: median and p99", false, write_latency};
