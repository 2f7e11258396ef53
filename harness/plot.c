/*
 * plot: one .dat and one short .gp a chart; everything that makes charts look alike is in style.gp, everything that makes a kind
 * of chart is in plot_KIND.c (which figures) and KIND.gp (how they are drawn). The scripts are copied into plots/, so that
 * `gnuplot NAME.gp` in that folder draws the chart again, on any machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#include "catalog.h"
#include "chart.h"
#include "finding.h"
#include "folder.h"
#include "plot.h"
#include "table.h"

#define DRAW_DEADLINE_NS (60 * CLOCK_NS_PER_S)

/* A kind without a writer has no chart. */
static const struct chart_kind *const kinds[PICTURE_COUNT] = {
    [PICTURE_COST] = &chart_cost,     [PICTURE_LATENCY] = &chart_latency, [PICTURE_PERCENTILES] = &chart_percentiles,
    [PICTURE_SHARES] = &chart_shares, [PICTURE_LORENZ] = &chart_lorenz,   [PICTURE_FAIRNESS] = &chart_fairness,
    [PICTURE_HEAT] = &chart_heat,     [PICTURE_LANES] = &chart_lanes,     [PICTURE_SCALING] = &chart_scaling,
};

/* ---- heading and footer ---- */

/* Characters that fit into 800 pixels in their font, with room for wide ones. */
#define HEADING_MOST 90u
#define LINE_MOST    125u

static void print_line(FILE *out, const char *name, const char *text, size_t most)
{
    char *line = chart_shorten(text ? text : "", most);
    chart_print_text(out, name, line);
    free(line);
}

static void print_footer(const struct drawing *drawing)
{
    FILE *out = drawing->script;
    const struct results *results = drawing->summary->results;
    const char *placement = json_string_value(json_object_get(results->run, "placement_text"));
    const char *badge = drawing->experiment && drawing->experiment->emulated ? "blocked-worker emulation" : "";
    const char *verdicts = drawing->summary->verdicts ? "" : "no verdicts", *stars = drawing->starred ? "* not ranked" : "";
    char *plan = chart_shorten(results->plan.name, 32);
    char *footer = text_print("%s, seed %llu, %u block%s; %s%s", plan, (unsigned long long)results->seed,
                              drawing->summary->block_count, drawing->summary->block_count == 1 ? "" : "s",
                              placement ? placement : "", results->complete ? "" : "; interrupted run");
    char *caution = text_print("%s%s%s", verdicts, *verdicts && *stars ? ", " : "", stars);
    print_line(out, "footer", footer, LINE_MOST - strlen(badge) - strlen(caution));
    chart_print_text(out, "badge", badge);
    chart_print_text(out, "caution", caution);
    free(caution);
    free(footer);
    free(plan);
}

static const char *title_of(const struct drawing *drawing, const struct chart_kind *kind)
{
    return drawing->title ? drawing->title : kind->title;
}

static void print_heading(const struct drawing *drawing, const struct chart_kind *kind)
{
    const char *plan = drawing->summary->results->plan.title;
    char *setting = drawing->experiment ? experiment_setting(drawing->experiment, drawing->load) : text_copy(plan ? plan : "");
    print_line(drawing->script, "heading", title_of(drawing, kind), HEADING_MOST);
    print_line(drawing->script, "subheading", setting, LINE_MOST);
    print_line(drawing->script, "reading", drawing->subtitle, LINE_MOST);
    free(setting);
}

static int write_script(struct drawing *drawing, const struct chart_kind *kind, const char *name)
{
    FILE *out = drawing->script;
    fprintf(out, "# Made by clusterbench (clusterbench.plot/1). To draw it again, in this folder: gnuplot %s.gp\n", name);
    fprintf(out,
            "if (!exists('form')) {\n    axes = ''\n    do for [form in 'svg png'] { load '%s.gp' }\n"
            "    set print name . '.axes' . suffix\n    print axes\n    unset print\n    exit\n}\n",
            name);
    fprintf(out, "reset\nname = '%s'\n", name);
    int result = kind->write(drawing);
    print_heading(drawing, kind);
    print_footer(drawing);
    fprintf(out, "load 'style.gp'\nload '%s.gp'\neval note_axes\nunset output\n", kind->name);
    return result;
}

/* ---- the gallery ---- */

/* A chart's two files while they are written. */
struct drafts {
    struct file_draft data, script;
};

static char *chart_name(const struct drawing *drawing, const struct chart_kind *kind)
{
    if (!drawing->experiment)
        return text_copy("forest");
    bool several = kind->a_chart_a_load && drawing->experiment->loads_count > 1;
    return several ? text_print("%s-%s-%s", drawing->experiment->name, kind->name, drawing->load)
                   : text_print("%s-%s", drawing->experiment->name, kind->name);
}

static void add_chart(struct gallery *gallery, const struct drawing *drawing, char *name, const struct chart_kind *kind)
{
    char *finding = drawing->experiment ? finding_text(drawing->summary, drawing->index) : text_copy("");
    const char *title = title_of(drawing, kind);
    gallery->charts = memory_grow(gallery->charts, (gallery->count + 1) * sizeof(*gallery->charts));
    gallery->charts[gallery->count++] =
        (struct chart){.name = name,
                       .kind = kind->name,
                       .title = text_copy(title),
                       .alt = text_print("%s%s%s", drawing->alt ? drawing->alt : title, *finding ? " " : "", finding),
                       .experiment = drawing->experiment ? drawing->index : CHART_OF_ALL};
    free(finding);
}

static int open_drafts(struct drafts *drafts, const char *folder, const char *name)
{
    char *data = text_print("%s/%s.dat", folder, name), *script = text_print("%s/%s.gp", folder, name);
    int result = file_draft(&drafts->data, data);
    if (!result && (result = file_draft(&drafts->script, script)) < 0)
        file_discard(&drafts->data);
    free(script);
    free(data);
    return result;
}

static int close_drafts(struct drafts *drafts, int result)
{
    if (result) {
        file_discard(&drafts->data);
        file_discard(&drafts->script);
        return result;
    }
    result = file_commit(&drafts->data);
    int other = file_commit(&drafts->script);
    return result ? result : other;
}

static int write_chart(struct drawing *drawing, const struct chart_kind *kind, const char *folder, struct gallery *gallery)
{
    char *name = chart_name(drawing, kind);
    struct drafts drafts;
    int result = open_drafts(&drafts, folder, name);
    if (!result) {
        drawing->data = drafts.data.out;
        drawing->script = drafts.script.out;
        result = close_drafts(&drafts, write_script(drawing, kind, name));
    }
    if (!result)
        add_chart(gallery, drawing, name, kind);
    else
        free(name);
    text_replace(&drawing->subtitle, NULL);
    text_replace(&drawing->alt, NULL);
    drawing->title = NULL;
    drawing->starred = false;
    return result == -ENODATA ? 0 : result;
}

static int write_experiment(struct drawing *drawing, const char *folder, struct gallery *gallery)
{
    const struct experiment *experiment = drawing->experiment;
    int result = 0;
    for (int picture = 0; picture < PICTURE_COUNT && !result; picture++) {
        if (!experiment->pictures[picture] || !kinds[picture])
            continue;
        unsigned charts = kinds[picture]->a_chart_a_load ? experiment->loads_count : 1;
        for (unsigned l = 0; l < charts && !result; l++) {
            char *load = kinds[picture]->a_chart_a_load ? load_label(&experiment->loads[l]) : NULL;
            drawing->load = load;
            result = write_chart(drawing, kinds[picture], folder, gallery);
            free(load);
        }
    }
    return result;
}

/* The front page, and, where that cannot hold all rows, a page for each experiment. */
static int write_forest(const struct summary *summary, const char *folder, struct gallery *gallery)
{
    struct drawing all = {.summary = summary};
    int result = write_chart(&all, &chart_forest, folder, gallery);
    unsigned pages = plot_forest_is_too_long(summary) ? summary->results->plan.count : 0;
    for (unsigned e = 0; e < pages && !result; e++) {
        struct drawing one = {.summary = summary, .experiment = &summary->results->plan.experiments[e], .index = e};
        result = write_chart(&one, &chart_forest, folder, gallery);
    }
    return result;
}

/* ---- gnuplot ---- */

static int copy_script(const struct names *folders, const char *name, const char *to)
{
    char *target = text_print("%s/%s.gp", to, name);
    int result = -ENOENT;
    for (size_t i = 0; i < folders->count && result == -ENOENT; i++) {
        char *source = text_print("%s/%s.gp", folders->items[i], name);
        result = folder_copy_file(source, target);
        free(source);
    }
    if (result)
        fprintf(stderr, "clusterbench: cannot copy the plot script %s.gp to %s: %s\n", name, to, strerror(-result));
    free(target);
    return result;
}

static int copy_scripts(const char *given, const char *to)
{
    struct names folders = {0};
    catalog_folders(&folders, "plots", given);
    int result = copy_script(&folders, "style", to);
    if (!result)
        result = copy_script(&folders, chart_forest.name, to);
    for (int picture = 0; picture < PICTURE_COUNT && !result; picture++)
        if (kinds[picture])
            result = copy_script(&folders, kinds[picture]->name, to);
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
        keep_picture(folder, chart->name, "axes", whole);
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
    char *folder = text_print("%s/plots", summary->results->folder);
    int result = folder_make(folder);
    if (!result)
        result = copy_scripts(scripts, folder);
    if (!result)
        result = write_forest(summary, folder, gallery);
    for (unsigned e = 0; e < summary->results->plan.count && !result; e++) {
        struct drawing drawing = {.summary = summary, .experiment = &summary->results->plan.experiments[e], .index = e};
        result = write_experiment(&drawing, folder, gallery);
    }
    if (!result) {
        char *absolute = realpath(folder, NULL);
        result = absolute ? draw_all(custody, absolute, gallery) : -errno;
        free(absolute);
    }
    free(folder);
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
