/*
 * plot_forest: every comparison of the run on one page. A row is a ratio to the baseline with its interval, on the band that counts
 * as the same; the A/A row is the baseline against itself, and the verdict stands beside it in words.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"

#define ROWS_MOST 64 /* on one page; beyond it each experiment has a page and this one the highest load of each */

struct forest {
    struct drawing *drawing;
    struct row_names names;
    bool shortened; /* only the highest load and the most workers of each experiment */
    unsigned compared, different;
    double least, most; /* of the ratios and their intervals */
};

static enum metric metric_of(const struct drawing *drawing, unsigned experiment)
{
    return drawing->summary->results->plan.experiments[experiment].primary;
}

/* Is there a line for it? A row that has no ratio, because it failed, is told to have failed; differences have no place here. */
static bool has_line(const struct drawing *drawing, const struct row *row)
{
    const struct experiment *experiment = &drawing->summary->results->plan.experiments[row->experiment];
    return chart_shows(drawing, row, true) && experiment->baseline && !row->baseline && metrics[experiment->primary].by == BY_RATIO;
}

static unsigned most_workers(const struct drawing *drawing, const struct row *of)
{
    unsigned most = 0;
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (row->experiment == of->experiment && !strcmp(row->strategy, of->strategy) && row->workers > most)
            most = row->workers;
    }
    return most;
}

static bool is_in(const struct forest *forest, const struct row *row)
{
    const struct drawing *drawing = forest->drawing;
    return has_line(drawing, row) &&
           (!forest->shortened || (!strcmp(row->load, summary_highest_load(drawing->summary, row->experiment)) &&
                                   row->workers == most_workers(drawing, row)));
}

static unsigned count_lines(const struct drawing *drawing)
{
    unsigned count = 0;
    for (unsigned i = 0; i < drawing->summary->row_count; i++)
        count += has_line(drawing, &drawing->summary->rows[i]);
    return count;
}

/* ---- the lines ---- */

/* "undecided: -4.2..+9.0 %"; "(Holm)" where the interval alone would have said different. */
static char *undecided_text(const struct row *row, enum metric metric)
{
    char *range = contrast_range(metric, &row->ratio[metric]);
    char *text = text_print("undecided: %s%s", range,
                            estimate_verdict(&row->ratio[metric], row->delta[metric]) == VERDICT_DIFFERENT ? " (Holm)" : "");
    free(range);
    return text;
}

/* Why there is no ratio at all. */
static char *no_ratio_text(const struct drawing *drawing, const struct row *row, enum metric metric)
{
    const struct row *baseline = summary_baseline(drawing->summary, row);
    if (!row->ranked)
        return text_copy("not ranked: the table says why");
    if (!baseline || !baseline->ranked)
        return text_copy("no ratio: baseline not ranked");
    if (!row->of[metric].n || !baseline->of[metric].n)
        return text_print("not measured%s", row->of[metric].n ? " of the baseline" : "");
    char *gap = pair_gap_text(drawing->summary, row, baseline, metric), *text = text_print("no ratio: %s", gap);
    free(gap);
    return text;
}

/* "2.21  no interval: 5 of 6 blocks": a ratio without a verdict in a run that gives some. NULL where that is not so. */
static char *bare_ratio_text(const struct drawing *drawing, const struct row *row, enum metric metric)
{
    const struct estimate *ratio = &row->ratio[metric];
    unsigned blocks = drawing->summary->block_count;
    if (!drawing->summary->verdicts || isfinite(ratio->low))
        return NULL;
    return text_print("%s%.2f  no interval: %u of %u blocks", row->again ? "A/A  " : "", ratio->median, ratio->n, blocks);
}

static char *words_of(const struct drawing *drawing, const struct row *row)
{
    enum metric metric = metric_of(drawing, row->experiment);
    if (!isfinite(row->ratio[metric].median))
        return no_ratio_text(drawing, row, metric);
    if (row->verdict[metric] == VERDICT_UNDECIDED)
        return undecided_text(row, metric);
    char *text = bare_ratio_text(drawing, row, metric);
    if (text)
        return text;
    char *ratio = ratio_text(&row->ratio[metric]), *why = no_verdict_text(drawing->summary, row, metric);
    const char *word = row->again ? "A/A  " : row->verdict[metric] == VERDICT_NONE ? "" : verdict_names[row->verdict[metric]];
    text = why ? text_print("%.2f  no verdict: no A/A interval", row->ratio[metric].median)
               : text_print("%s%s%s", word, *word && !row->again ? "  " : "", ratio);
    free(why);
    free(ratio);
    return text;
}

static double or_median(const struct estimate *estimate, double end)
{
    return isfinite(end) ? end : estimate->median;
}

static void see_ratio(struct forest *forest, const struct estimate *ratio)
{
    if (!isfinite(ratio->median))
        return;
    forest->least = fmin(forest->least, or_median(ratio, ratio->low));
    forest->most = fmax(forest->most, or_median(ratio, ratio->high));
}

static char *line_label(const struct forest *forest, const struct row *row)
{
    struct drawing *drawing = forest->drawing;
    char *label = chart_label(drawing, row);
    if (drawing->summary->results->plan.experiments[row->experiment].loads_count > 1) {
        char *pct = strstr(row->load, "pct"),
             *load = pct ? text_print("%.*s %%", (int)(pct - row->load), row->load) : text_copy(row->load);
        text_replace(&label, text_print("%s, %s", label, load));
        free(load);
    }
    return label;
}

static void print_words(const struct forest *forest, const struct row *row, const char *words)
{
    enum verdict verdict = row->verdict[metric_of(forest->drawing, row->experiment)];
    const char *ink = !row->ranked                                                       ? "#a04000"
                      : row->again || verdict == VERDICT_NONE || verdict == VERDICT_SAME ? "#666666"
                      : verdict == VERDICT_DIFFERENT                                     ? "#000000"
                                                                                         : "#a04000";
    fputs("set label ", forest->drawing->script);
    chart_print_quoted(forest->drawing->script, words);
    fprintf(forest->drawing->script, " at graph 1.02, first %u left font ',10' textcolor rgb '%s'\n", forest->names.count, ink);
}

static void add_line(struct forest *forest, const struct row *row)
{
    struct drawing *drawing = forest->drawing;
    enum metric metric = metric_of(drawing, row->experiment);
    const struct estimate *ratio = &row->ratio[metric];
    char *label = line_label(forest, row), *words = words_of(drawing, row);
    fprintf(drawing->data, "%u \"%s\" %u", forest->names.count, label, row->again ? 0 : chart_style(drawing, row->strategy));
    if (isfinite(ratio->median))
        fprintf(drawing->data, " %.6g %.6g %.6g", ratio->median, or_median(ratio, ratio->low), or_median(ratio, ratio->high));
    else
        fputs(" NaN NaN NaN", drawing->data);
    double delta = row->delta[metric] > 0 ? row->delta[metric] : DELTA_LEAST;
    fprintf(drawing->data, " %.6g %.6g\n", 1 - fmin(delta, 0.9), 1 + delta);
    print_words(forest, row, words);
    chart_say(drawing, " %s: %s.", label, words);
    chart_add_row_name(&forest->names, drawing, label);
    see_ratio(forest, ratio);
    forest->compared += !row->again && isfinite(ratio->median);
    forest->different += row->verdict[metric] == VERDICT_DIFFERENT;
    free(words);
    free(label);
}

/* The heading takes a line of its own. */
static void add_heading(struct forest *forest, unsigned index)
{
    struct drawing *drawing = forest->drawing;
    const struct experiment *experiment = &drawing->summary->results->plan.experiments[index];
    const struct metric_row *metric = &metrics[experiment->primary];
    char *text = text_print("%s  %s, times that of %s; %s is better", experiment->title, metric->label, experiment->baseline,
                            metric->better < 0 ? "less" : "more");
    fputs("set label ", drawing->script);
    chart_print_quoted(drawing->script, text);
    fprintf(drawing->script, " at screen 0.012, first %u left font 'Helvetica-Bold,10.5' textcolor rgb '#111111'\n",
            forest->names.count);
    chart_say(drawing, " %s:", text);
    chart_add_row_name(&forest->names, drawing, "");
    free(text);
}

static void add_experiment(struct forest *forest, unsigned index)
{
    const struct summary *summary = forest->drawing->summary;
    bool headed = false;
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (row->experiment != index || !is_in(forest, row))
            continue;
        if (!headed)
            add_heading(forest, index);
        headed = true;
        add_line(forest, row);
    }
}

/* Room around the ratios, on an axis of logarithms; never so narrow that noise looks large. */
static void print_range(const struct forest *forest)
{
    double least = fmin(forest->least, 0.9), most = fmax(forest->most, 1.1);
    fprintf(forest->drawing->script, "least = %.6g\nmost = %.6g\n", least / pow(most / least, 0.05),
            most * pow(most / least, 0.05));
}

static int write_forest(struct drawing *drawing)
{
    struct forest forest = {
        .drawing = drawing, .least = INFINITY, .shortened = !drawing->experiment && count_lines(drawing) > ROWS_MOST};
    fputs("# position label style ratio low high same_from same_to\n", drawing->data);
    for (unsigned e = 0; e < drawing->summary->results->plan.count; e++)
        add_experiment(&forest, e);
    chart_end_rows(&forest.names, drawing);
    print_range(&forest);
    fprintf(drawing->script, "height = %u\n", 240 + 20 * forest.names.count);
    drawing->subtitle = text_print("%s%s", drawing->summary->verdicts ? "grey: counts as the same" : "no verdicts",
                                   forest.shortened ? "; of each experiment the highest load and the most workers" : "");
    text_replace(&drawing->alt, text_print("Forest plot of ratios to the baseline: of %u comparisons %u are called different.%s",
                                           forest.compared, forest.different, drawing->alt ? drawing->alt : ""));
    return isfinite(forest.least) ? 0 : -ENODATA;
}

bool plot_forest_is_too_long(const struct summary *summary)
{
    struct drawing all = {.summary = summary};
    return count_lines(&all) > ROWS_MOST;
}

const struct chart_kind chart_forest = {"ratios", "Every comparison of this run", false, write_forest};
