/* lineup: small lists for the end of a report. */
#include <stdlib.h>
#include <string.h>

#include "base/estimate.h"
#include "html_parts.h"
#include "judge.h"
#include "lineup.h"

/* ---- cross-checks: a row an experiment, row of the plan and load ---- */

struct opinion {
    unsigned experiment;
    const char *strategy, *load; /* of the results */
    unsigned workers;
    char *generator;
    double *ours, *theirs, *ratios;
    unsigned count;
};

struct opinions {
    struct opinion *items;
    size_t count;
};

static struct opinion *opinion_of(struct opinions *opinions, const struct cell_record *cell, const char *generator)
{
    for (size_t i = 0; i < opinions->count; i++) {
        struct opinion *opinion = &opinions->items[i];
        if (opinion->experiment == cell->experiment && opinion->workers == cell->workers && !strcmp(opinion->load, cell->load) &&
            !strcmp(opinion->strategy, cell->strategy) && !strcmp(opinion->generator, generator))
            return opinion;
    }
    opinions->items = memory_grow(opinions->items, (opinions->count + 1) * sizeof(*opinions->items));
    struct opinion *opinion = &opinions->items[opinions->count++];
    *opinion = (struct opinion){.experiment = cell->experiment,
                                .strategy = cell->strategy,
                                .load = cell->load,
                                .workers = cell->workers,
                                .generator = text_copy(generator)};
    return opinion;
}

static void add_figures(struct opinion *opinion, double ours, double theirs)
{
    size_t size = (opinion->count + 1) * sizeof(double);
    opinion->ours = memory_grow(opinion->ours, size);
    opinion->theirs = memory_grow(opinion->theirs, size);
    opinion->ratios = memory_grow(opinion->ratios, size);
    opinion->ours[opinion->count] = ours;
    opinion->theirs[opinion->count] = theirs;
    opinion->ratios[opinion->count++] = theirs / ours;
}

static void take_opinion(struct opinions *opinions, const struct results *results, const struct cell_record *cell)
{
    char *path = text_print("%s/cells/%s/crosscheck.json", results->folder, cell->folder);
    json_t *json = json_load_file(path, 0, NULL);
    free(path);
    double ours = json_number_at(json, "ours", NULL, 0), theirs = json_number_at(json, "requests_per_s", NULL, 0);
    const char *generator = json_string_value(json_object_get(json, "generator"));
    if (generator && ours > 0 && theirs > 0 && cell->ranked)
        add_figures(opinion_of(opinions, cell, generator), ours, theirs);
    json_decref(json);
}

static void take_opinions(struct opinions *opinions, const struct results *results)
{
    *opinions = (struct opinions){0};
    for (unsigned i = 0; i < results->cell_count; i++)
        take_opinion(opinions, results, &results->cells[i]);
}

static void free_opinions(struct opinions *opinions)
{
    for (size_t i = 0; i < opinions->count; i++) {
        free(opinions->items[i].generator);
        free(opinions->items[i].ours);
        free(opinions->items[i].theirs);
        free(opinions->items[i].ratios);
    }
    free(opinions->items);
}

static double median(const double *values, unsigned count)
{
    return estimate_of(values, count).median;
}

/* ---- as text ---- */

void lineup_print(const struct results *results, FILE *out)
{
    size_t s;
    const json_t *line;
    struct opinions opinions;
    json_array_foreach(json_object_get(results->run, "skipped"), s, line) if (json_is_string(line))
        fprintf(out, "skipped: %s\n", json_string_value(line));
    take_opinions(&opinions, results);
    if (opinions.count)
        fputs("\nCross-check: requests/s of the same servers by another generator\n"
              "   experiment         strategy            workers      loadgen        other   other/loadgen\n",
              out);
    for (size_t i = 0; i < opinions.count; i++) {
        struct opinion *opinion = &opinions.items[i];
        fprintf(out, "   %-18s %-20s %6u %12.0f %12.0f   %5.2f  %s\n", results->plan.experiments[opinion->experiment].name,
                opinion->strategy, opinion->workers, median(opinion->ours, opinion->count), median(opinion->theirs, opinion->count),
                median(opinion->ratios, opinion->count), opinion->generator);
    }
    if (opinions.count)
        fputc('\n', out);
    free_opinions(&opinions);
}

/* ---- as HTML ---- */

static void print_lines(FILE *out, const char *heading, const struct names *lines)
{
    if (!lines->count)
        return;
    fprintf(out, "<h3>%s</h3>\n<ul>\n", heading);
    for (size_t i = 0; i < lines->count; i++)
        html_print_element(out, "<li>", lines->items[i], "</li>\n");
    fputs("</ul>\n", out);
}

static void print_versions(const struct results *results, FILE *out)
{
    struct names lines = {0};
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(results->run, "contenders"), i, contender)
    {
        const char *name = json_string_value(json_object_get(contender, "name"));
        const char *version = json_string_value(json_object_get(contender, "version"));
        char *line = name && version ? text_print("%s: %s", name, version) : NULL;
        if (line)
            names_add(&lines, line);
        free(line);
    }
    print_lines(out, "Versions of peers", &lines);
    names_free(&lines);
}

static void print_skipped(const struct results *results, FILE *out)
{
    struct names lines = {0};
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(results->run, "skipped"), i, line) if (json_is_string(line))
        names_add(&lines, json_string_value(line));
    if (!lines.count)
        fputs("<p>Nobody of the plan was skipped.</p>\n", out);
    print_lines(out, "Skipped", &lines);
    names_free(&lines);
}

static void print_opinion(const struct results *results, const struct opinion *opinion, FILE *out)
{
    html_print_element(out, "<tr data-strategy=\"", opinion->strategy, "\">");
    html_print_element(out, "<th scope=\"row\" class=\"left\">", opinion->strategy, "</th>");
    html_print_element(out, "<td class=\"left\">", results->plan.experiments[opinion->experiment].name, "</td>");
    fprintf(out, "<td>%u</td><td>%.0f</td>", opinion->workers, median(opinion->ours, opinion->count));
    html_print_element(out, "<td class=\"left\">", opinion->generator, "</td>");
    fprintf(out, "<td>%.0f</td><td>%.2f</td></tr>\n", median(opinion->theirs, opinion->count),
            median(opinion->ratios, opinion->count));
}

static void print_opinions(const struct results *results, const struct opinions *opinions, FILE *out)
{
    static const struct {
        const char *text;
        bool left;
    } headings[] = {{"strategy", true}, {"experiment", true}, {"workers", false},      {"loadgen", false},
                    {"other", true},    {"other", false},     {"other/loadgen", false}};
    fputs("<h3>Cross-check</h3>\n", out);
    html_begin_table(out, "Requests/s of the same servers by another generator, right after ours (medians)", true);
    fputs("<thead><tr>", out);
    for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++)
        html_print_heading(out, headings[i].text, headings[i].left);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < opinions->count; i++)
        print_opinion(results, &opinions->items[i], out);
    html_end_table(out);
}

void lineup_print_html(const struct page *page)
{
    const struct results *results = page->summary->results;
    struct opinions opinions;
    take_opinions(&opinions, results);
    fputs("<section id=\"lineup\"><h2>The line-up</h2>\n", page->out);
    print_skipped(results, page->out);
    print_versions(results, page->out);
    if (opinions.count)
        print_opinions(results, &opinions, page->out);
    fputs("</section>\n", page->out);
    free_opinions(&opinions);
}
