/*
 * plot: one .dat and one short .gp a chart; everything that makes charts look alike is in style.gp, everything that makes a kind
 * of chart is in one script a kind (cost.gp, shares.gp, latency.gp, percentiles.gp). All of them are copied into plots/, so
 * that `gnuplot NAME.gp` in that folder draws the chart again, on any machine.
 *
 * Rule: a strategy has one colour, point and dash on every chart (catalog_style).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#include "catalog.h"
#include "finding.h"
#include "folder.h"
#include "hgrm.h"
#include "plot.h"
#include "table.h"

#define DRAW_DEADLINE_NS (60 * CLOCK_NS_PER_S)

struct drawing {
    const struct summary *summary;
    const struct experiment *experiment;
    unsigned index;   /* of the experiment */
    const char *load; /* the one of a chart that shows a single load, or NULL */
    char *folder;     /* plots/ */
    struct file_draft data, script;
};

/* ---- pieces of scripts ---- */

/* Prints NAME = 'text' with what gnuplot's enhanced text would take for markup escaped. */
static void print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = '", name);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("''", out);
        else if (strchr("{}_^@&~\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
    fputs("'\n", out);
}

static bool row_belongs(const struct drawing *drawing, const struct row *row, bool with_again)
{
    return row->experiment == drawing->index && (with_again || !row->again) &&
           (!drawing->load || !strcmp(row->load, drawing->load));
}

/* Is anything on this chart that is shown but not ranked? */
static bool has_stars(const struct drawing *drawing)
{
    for (unsigned i = 0; i < drawing->summary->row_count; i++)
        if (row_belongs(drawing, &drawing->summary->rows[i], true) && !drawing->summary->rows[i].ranked)
            return true;
    return false;
}

static void print_footer(FILE *out, const struct drawing *drawing)
{
    const struct results *results = drawing->summary->results;
    const char *placement = json_string_value(json_object_get(results->run, "placement_text"));
    char *footer = text_print("%s, seed %llu, %u block%s; %s%s", results->plan.name, (unsigned long long)results->seed,
                              drawing->summary->block_count, drawing->summary->block_count == 1 ? "" : "s",
                              placement ? placement : "", results->complete ? "" : "; interrupted run");
    print_text(out, "footer", footer);
    print_text(out, "badge", drawing->experiment->emulated ? "blocked-worker emulation" : "");
    const char *verdicts = drawing->summary->verdicts ? "" : "no verdicts", *stars = has_stars(drawing) ? "* not ranked" : "";
    char *caution = text_print("%s%s%s", verdicts, *verdicts && *stars ? ", " : "", stars);
    print_text(out, "caution", caution);
    free(caution);
    free(footer);
}

static void print_head(struct drawing *drawing, const char *name, const char *title, const char *subtitle)
{
    FILE *out = drawing->script.out;
    fprintf(out, "# Made by clusterbench. To draw it again, in this folder: gnuplot %s.gp\n", name);
    fprintf(out, "name = '%s'\n", name);
    print_text(out, "heading", title);
    print_text(out, "subheading", subtitle);
    print_footer(out, drawing);
}

static void print_tail(struct drawing *drawing, const char *kind)
{
    fprintf(drawing->script.out, "do for [form in \"svg png\"] {\n    load 'style.gp'\n    load '%s.gp'\n    unset output\n}\n",
            kind);
}

static double shown(const struct estimate *estimate, enum metric metric, double value)
{
    return (isfinite(value) ? value : estimate->median) * metrics[metric].factor;
}

/* median low high, in the shown unit; an interval that does not exist is drawn as the point itself. */
static void print_estimate(FILE *out, const struct row *row, enum metric metric)
{
    const struct estimate *estimate = &row->of[metric];
    if (!isfinite(estimate->median))
        fputs(" NaN NaN NaN", out);
    else
        fprintf(out, " %.6g %.6g %.6g", shown(estimate, metric, NAN), shown(estimate, metric, estimate->low),
                shown(estimate, metric, estimate->high));
}

/* The name on a chart; a star marks what is shown but not ranked. */
static char *row_title(const struct drawing *drawing, const struct row *row)
{
    char *label = row_label(drawing->summary, row);
    if (!row->ranked)
        text_replace(&label, text_print("%s *", label));
    return label;
}

static void print_row_start(const struct drawing *drawing, const struct row *row, FILE *out)
{
    char *label = row_title(drawing, row);
    fprintf(out, "\"%s\" %u", label, catalog_style(row->strategy));
    free(label);
}

/* ---- cost: what a request costs ---- */

static void print_bar(struct drawing *drawing, const struct row *row, unsigned position)
{
    FILE *out = drawing->data.out;
    fprintf(out, "%u ", position);
    print_row_start(drawing, row, out);
    print_estimate(out, row, METRIC_CPU);
    fprintf(out, " %.6g %.6g %.6g\n", row->of[METRIC_CPU_USER].median, row->of[METRIC_CPU_SYSTEM].median,
            row->of[METRIC_RATE].median);
    char *label = row_title(drawing, row);
    fprintf(drawing->script.out, "set xtics %s('%s' %u)\n", position ? "add " : "", label, position);
    if (!isfinite(row->of[METRIC_CPU].median))
        fprintf(drawing->script.out, "set label 'not measured' at %u, graph 0.03 center textcolor rgb '#a04000'\n", position);
    free(label);
}

static int draw_cost(struct drawing *drawing)
{
    unsigned position = 0, measured = 0;
    fputs("# position label style cpu_us low high user_us system_us requests_per_s\n", drawing->data.out);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!row_belongs(drawing, row, true))
            continue;
        print_bar(drawing, row, position++);
        measured += isfinite(row->of[METRIC_CPU].median) != 0;
    }
    fprintf(drawing->script.out, "bars = %u\n", position);
    return measured ? 0 : -ENODATA;
}

/* ---- shares: who got how much ---- */

static unsigned print_shares(struct drawing *drawing, const struct row *row, unsigned position)
{
    FILE *out = drawing->data.out;
    double *low = memory_get(row->workers * sizeof(*low)), *high = memory_get(row->workers * sizeof(*high));
    unsigned connections = (unsigned)(row->connections + 0.5);
    if (connections && row->workers > 1)
        statistics_chance_band(connections, row->workers, drawing->summary->results->seed, low, high);
    char *label = row_title(drawing, row);
    for (unsigned i = 0; i < row->workers; i++)
        fprintf(out, "%u %u %.6g %.6g %.6g\n", position + i, catalog_style(row->strategy), 100 * row->shares[i], 100 * low[i],
                100 * high[i]);
    fprintf(drawing->script.out, "set label '%s' at %g, graph -0.05 center\n", label, position + (row->workers - 1) / 2.0);
    fprintf(drawing->script.out, "set label 'Jain %.2f' at %g, graph 0.97 center font ',11' textcolor rgb '#444444'\n",
            row->of[METRIC_JAIN_REQUESTS].median, position + (row->workers - 1) / 2.0);
    free(label);
    free(high);
    free(low);
    return position + row->workers + 2;
}

static int draw_shares(struct drawing *drawing)
{
    unsigned position = 0, workers = 1;
    fputs("# position style share_percent chance_low chance_high\n", drawing->data.out);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!row_belongs(drawing, row, false) || !row->measured)
            continue;
        position = print_shares(drawing, row, position);
        workers = row->workers;
    }
    fprintf(drawing->script.out, "even = %.6g\nlast = %u\n", 100.0 / workers, position ? position - 2 : 1);
    return position ? 0 : -ENODATA;
}

/* ---- latency: p50 and p99 against load ---- */

static bool first_of_strategy(const struct drawing *drawing, unsigned index)
{
    const struct row *row = &drawing->summary->rows[index];
    for (unsigned i = 0; i < index; i++) {
        const struct row *other = &drawing->summary->rows[i];
        if (row_belongs(drawing, other, false) && !strcmp(other->strategy, row->strategy) && other->workers == row->workers)
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
    FILE *out = drawing->data.out;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!row_belongs(drawing, row, false) || strcmp(row->strategy, of->strategy) || row->workers != of->workers ||
            !row->measured)
            continue;
        fprintf(out, "%.6g ", load_axis(row));
        print_row_start(drawing, row, out);
        print_estimate(out, row, METRIC_P50);
        print_estimate(out, row, METRIC_P99);
        fputc('\n', out);
    }
    fputs("\n\n", out);
}

/* The curves' names and styles as gnuplot arrays; each data block ends with two empty lines. */
static int print_curves(struct drawing *drawing, void (*print)(struct drawing *, const struct row *))
{
    struct names names = {0}, styles = {0};
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!row_belongs(drawing, row, false) || !isfinite(row->of[METRIC_P99].median) || !first_of_strategy(drawing, i))
            continue;
        char *label = row_title(drawing, row), *quoted = text_print("'%s'", label),
             *style = text_print("%u", catalog_style(row->strategy));
        names_add(&names, quoted);
        names_add(&styles, style);
        print(drawing, row);
        free(style);
        free(quoted);
        free(label);
    }
    char *all_names = names_join(&names, ", "), *all_styles = names_join(&styles, ", ");
    fprintf(drawing->script.out, "curves = %zu\narray curve_name[%zu] = [%s]\narray curve_style[%zu] = [%s]\n", names.count,
            names.count + !names.count, all_names, names.count + !names.count, all_styles);
    int result = names.count ? 0 : -ENODATA;
    free(all_styles);
    free(all_names);
    names_free(&styles);
    names_free(&names);
    return result;
}

static int draw_latency(struct drawing *drawing)
{
    const struct load *load = &drawing->experiment->loads[0];
    fputs("# load label style p50_ms low high p99_ms low high\n", drawing->data.out);
    fprintf(drawing->script.out, "loads = %u\nload_axis = '%s'\n", drawing->experiment->loads_count,
            load->kind == LOAD_SHARE ? "offered load, % of capacity" : "offered load, requests/s");
    return print_curves(drawing, print_curve);
}

/* ---- percentiles ---- */

static const double quantiles[] = {0.5,   0.6,  0.7,   0.75,  0.8,   0.85,  0.9,   0.92,  0.94,   0.95,   0.96,    0.97,   0.98,
                                   0.985, 0.99, 0.992, 0.994, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99995, 0.99999};

#define QUANTILES    (sizeof(quantiles) / sizeof(*quantiles))
#define TAIL_SAMPLES 100 /* fewer beyond a percentile say nothing of it */

static bool cell_of_row(const struct cell_record *cell, const struct row *row)
{
    return cell->requests && (cell->ranked || !row->ranked) && cell->experiment == row->experiment &&
           cell->workers == row->workers && cell->again == row->again && !strcmp(cell->strategy, row->strategy) &&
           !strcmp(cell->load, row->load);
}

static bool block_counts(const struct summary *summary, unsigned number)
{
    for (unsigned i = 0; i < summary->block_count; i++)
        if (summary->blocks[i] == number)
            return true;
    return false;
}

/* values[q * cells + c]; returns how many samples all cells hold together. */
static double collect_quantiles(const struct drawing *drawing, const struct row *row, double *values, unsigned *cells)
{
    const struct results *results = drawing->summary->results;
    double total = 0;
    for (unsigned i = 0; i < results->cell_count; i++) {
        const struct cell_record *cell = &results->cells[i];
        if (!cell_of_row(cell, row) || !block_counts(drawing->summary, cell->block))
            continue;
        char *path = text_print("%s/cells/%s/latency.hgrm", results->folder, cell->folder);
        struct hgrm hgrm;
        if (hgrm_read(path, &hgrm) == 0) {
            for (size_t q = 0; q < QUANTILES; q++)
                values[q * results->cell_count + *cells] = hgrm_value(&hgrm, quantiles[q]); /* loadgen prints milliseconds */
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
    FILE *out = drawing->data.out;
    for (size_t q = 0; q < QUANTILES && cells; q++) {
        if (q && total * (1 - quantiles[q]) < TAIL_SAMPLES)
            break;
        struct estimate estimate = estimate_of(values + q * stride, cells);
        fprintf(out, "%.6g %.6g %.6g\n", 1 / (1 - quantiles[q]), quantiles[q] * 100, estimate.median);
    }
    if (!cells)
        fputs("NaN NaN NaN\n", out);
    fputs("\n\n", out);
    free(values);
}

static int draw_percentiles(struct drawing *drawing)
{
    fputs("# 1/(1-p) percentile response_time_ms (the median over the blocks)\n", drawing->data.out);
    return print_curves(drawing, print_percentiles);
}

/* ---- kinds ---- */

struct kind {
    const char *title, *subtitle; /* %s: the setting */
    bool a_chart_a_load;
    int (*draw)(struct drawing *drawing); /* writes data and what the script needs; -ENODATA for an empty chart */
    const char *alt;
};

static const struct kind kinds[PICTURE_COUNT] = {
    [PICTURE_COST] = {"CPU time of all server processes per request",
                      "dark: user, light: system (all light: too short a time to tell)", true, draw_cost,
                      "Bars of CPU microseconds per request, user and system stacked, one a strategy."},
    [PICTURE_SHARES] = {"Share of the requests of each worker, busiest first", "grey: 95 % of random deals; line: even", true,
                        draw_shares,
                        "Bars of the share of requests each worker served, sorted, with the band that chance would give."},
    [PICTURE_LATENCY] = {"Response time: median and p99", "", false, draw_latency,
                         "Median and 99th percentile of the response time."},
    [PICTURE_PERCENTILES] = {"Response time by percentile", "drawn as far as 100 samples remain", true, draw_percentiles,
                             "Curves of response time against percentile, one a strategy."},
};

static char *chart_name(const struct drawing *drawing, enum picture picture)
{
    bool several = kinds[picture].a_chart_a_load && drawing->experiment->loads_count > 1;
    return several ? text_print("%s-%s-%s", drawing->experiment->name, picture_names[picture], drawing->load)
                   : text_print("%s-%s", drawing->experiment->name, picture_names[picture]);
}

static void add_chart(struct gallery *gallery, const struct drawing *drawing, char *name, const char *title, const char *alt)
{
    char *finding = finding_text(drawing->summary, drawing->index);
    gallery->charts = memory_grow(gallery->charts, (gallery->count + 1) * sizeof(*gallery->charts));
    gallery->charts[gallery->count++] = (struct chart){
        .name = name, .title = text_copy(title), .alt = text_print("%s %s", alt, finding), .experiment = drawing->index};
    free(finding);
}

static int open_drafts(struct drawing *drawing, const char *name)
{
    char *data = text_print("%s/%s.dat", drawing->folder, name), *script = text_print("%s/%s.gp", drawing->folder, name);
    int result = file_draft(&drawing->data, data);
    if (!result && (result = file_draft(&drawing->script, script)) < 0)
        file_discard(&drawing->data);
    free(script);
    free(data);
    return result;
}

static int close_drafts(struct drawing *drawing, int result)
{
    if (result) {
        file_discard(&drawing->data);
        file_discard(&drawing->script);
        return result;
    }
    result = file_commit(&drawing->data);
    int other = file_commit(&drawing->script);
    return result ? result : other;
}

static int write_chart(struct drawing *drawing, enum picture picture, struct gallery *gallery)
{
    char *name = chart_name(drawing, picture);
    int result = open_drafts(drawing, name);
    if (!result) {
        char *setting = experiment_setting(drawing->experiment, drawing->load);
        char *subtitle = text_print("%s%s%s", setting, *kinds[picture].subtitle ? "; " : "", kinds[picture].subtitle);
        print_head(drawing, name, kinds[picture].title, subtitle);
        result = kinds[picture].draw(drawing);
        print_tail(drawing, picture_names[picture]);
        result = close_drafts(drawing, result);
        free(subtitle);
        free(setting);
    }
    if (!result)
        add_chart(gallery, drawing, name, kinds[picture].title, kinds[picture].alt);
    else
        free(name);
    return result == -ENODATA ? 0 : result;
}

static int write_experiment(struct drawing *drawing, struct gallery *gallery)
{
    int result = 0;
    for (int picture = 0; picture < PICTURE_COUNT && !result; picture++) {
        if (!drawing->experiment->pictures[picture] || !kinds[picture].draw)
            continue;
        unsigned charts = kinds[picture].a_chart_a_load ? drawing->experiment->loads_count : 1;
        for (unsigned l = 0; l < charts && !result; l++) {
            char *load = kinds[picture].a_chart_a_load ? load_label(&drawing->experiment->loads[l]) : NULL;
            drawing->load = load;
            result = write_chart(drawing, (enum picture)picture, gallery);
            free(load);
        }
    }
    return result;
}

/* ---- gnuplot ---- */

static int copy_scripts(const char *given, const char *to)
{
    static const char *const files[] = {"style.gp", "cost.gp", "shares.gp", "latency.gp", "percentiles.gp"};
    struct names folders = {0};
    catalog_folders(&folders, "plots", given);
    int result = 0;
    for (size_t f = 0; f < sizeof(files) / sizeof(*files) && !result; f++) {
        char *target = text_print("%s/%s", to, files[f]);
        result = -ENOENT;
        for (size_t i = 0; i < folders.count && result == -ENOENT; i++) {
            char *source = text_print("%s/%s", folders.items[i], files[f]);
            result = folder_copy_file(source, target);
            free(source);
        }
        if (result)
            fprintf(stderr, "clusterbench: cannot copy the plot script %s to %s: %s\n", files[f], to, strerror(-result));
        free(target);
    }
    names_free(&folders);
    return result;
}

/* gnuplot writes NAME.svg.tmp; only a whole picture gets its name. */
static bool keep_picture(const char *folder, const char *name, const char *form, bool whole)
{
    char *draft = text_print("%s/%s.%s.tmp", folder, name, form), *final = text_print("%s/%s.%s", folder, name, form);
    bool kept = whole && access(draft, R_OK) == 0 && rename(draft, final) == 0;
    if (!kept)
        unlink(draft);
    free(final);
    free(draft);
    return kept;
}

static void report_failure(const char *folder, const char *log, const char *name)
{
    char *text = NULL;
    size_t length;
    const char *why = "";
    if (file_read(log, 1u << 20, &text, &length) == 0) {
        why = text_trim(text);
        char *last = strrchr(why, '\n');
        why = last ? last + 1 : why;
    }
    fprintf(stderr, "clusterbench: gnuplot cannot draw %s/%s.gp: %s\n", folder, name, why);
    free(text);
}

static int draw_chart(struct custody *custody, const char *folder, struct chart *chart)
{
    char *script = text_print("%s.gp", chart->name), *log = text_print("%s/gnuplot.log", folder);
    char *argv[] = {(char *)"gnuplot", (char *)"-e", (char *)"suffix='.tmp'", script, NULL};
    struct process_spec spec = {.argv = argv, .folder = folder, .error_path = log};
    struct process gnuplot;
    int result = process_start(custody, &gnuplot, &spec);
    if (!result) {
        result = process_wait(custody, &gnuplot, clock_now_ns() + DRAW_DEADLINE_NS, HEED_SIGNALS);
        process_stop(custody, &gnuplot, 0);
        bool whole = !result && WIFEXITED(gnuplot.status) && WEXITSTATUS(gnuplot.status) == 0;
        chart->drawn = keep_picture(folder, chart->name, "svg", whole);
        keep_picture(folder, chart->name, "png", whole);
        if (!chart->drawn && result != -EINTR)
            report_failure(folder, log, chart->name);
    }
    unlink(log);
    free(log);
    free(script);
    return result == -ETIMEDOUT ? 0 : result;
}

static int draw_all(struct custody *custody, const char *folder, struct gallery *gallery)
{
    int result = 0;
    for (unsigned i = 0; i < gallery->count && !result; i++)
        result = draw_chart(custody, folder, &gallery->charts[i]);
    gallery->no_gnuplot = result == -ENOENT || result == -EACCES;
    return gallery->no_gnuplot ? 0 : result;
}

int plot_all(struct custody *custody, const struct summary *summary, const char *scripts, struct gallery *gallery)
{
    *gallery = (struct gallery){0};
    struct drawing drawing = {.summary = summary, .folder = text_print("%s/plots", summary->results->folder)};
    int result = folder_make(drawing.folder);
    if (!result)
        result = copy_scripts(scripts, drawing.folder);
    for (unsigned e = 0; e < summary->results->plan.count && !result; e++) {
        drawing.experiment = &summary->results->plan.experiments[e];
        drawing.index = e;
        result = write_experiment(&drawing, gallery);
    }
    if (!result) {
        char *absolute = realpath(drawing.folder, NULL);
        result = absolute ? draw_all(custody, absolute, gallery) : -errno;
        free(absolute);
    }
    free(drawing.folder);
    return result;
}

void gallery_free(struct gallery *gallery)
{
    for (unsigned i = 0; i < gallery->count; i++) {
        free(gallery->charts[i].name);
        free(gallery->charts[i].title);
        free(gallery->charts[i].alt);
    }
    free(gallery->charts);
    *gallery = (struct gallery){0};
}
