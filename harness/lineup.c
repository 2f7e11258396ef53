/* lineup: small lists for the end of a report. */
#include <stdlib.h>
#include <string.h>

#include "base/estimate.h"
#include "base/html.h"

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

static void print_cell(FILE *out, const char *kind, const char *text)
{
    fprintf(out, "<td%s>", kind);
    html_print_text(out, text);
    fputs("</td>", out);
}

static void print_versions(const struct results *results, FILE *out)
{
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(results->run, "contenders"), i, contender)
    {
        const char *name = json_string_value(json_object_get(contender, "name"));
        const char *version = json_string_value(json_object_get(contender, "version"));
        if (!name || !version)
            continue;
        fputs("<li>", out);
        html_print_text(out, name);
        fputs(": ", out);
        html_print_text(out, version);
        fputs("</li>\n", out);
    }
}

static void print_skipped(const struct results *results, FILE *out)
{
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(results->run, "skipped"), i, line)
    {
        if (!json_is_string(line))
            continue;
        fputs("<li>skipped: ", out);
        html_print_text(out, json_string_value(line));
        fputs("</li>\n", out);
    }
}

static void print_opinions(const struct results *results, const struct opinions *opinions, FILE *out)
{
    fputs(
        "<h3>Cross-check: requests/s of the same servers by another generator</h3>\n<div class=\"scroll\"><table><thead><tr>"
        "<th class=\"left\">experiment</th><th class=\"left\">strategy</th><th>workers</th><th>loadgen</th><th class=\"left\">other"
        "</th><th>other</th><th>other/loadgen</th></tr></thead><tbody>\n",
        out);
    for (size_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];
        fputs("<tr>", out);
        print_cell(out, " class=\"left\"", results->plan.experiments[opinion->experiment].name);
        print_cell(out, " class=\"left\"", opinion->strategy);
        fprintf(out, "<td>%u</td><td>%.0f</td>", opinion->workers, median(opinion->ours, opinion->count));
        print_cell(out, " class=\"left\"", opinion->generator);
        fprintf(out, "<td>%.0f</td><td>%.2f</td></tr>\n", median(opinion->theirs, opinion->count),
                median(opinion->ratios, opinion->count));
    }
    fputs("</tbody></table></div>\n", out);
}

static bool has_versions(const struct results *results)
{
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(results->run, "contenders"), i,
                       contender) if (json_is_string(json_object_get(contender, "version"))) return true;
    return false;
}

void lineup_print_html(const struct results *results, FILE *out)
{
    struct opinions opinions;
    take_opinions(&opinions, results);
    if (opinions.count || has_versions(results) || json_array_size(json_object_get(results->run, "skipped"))) {
        fputs("<section id=\"lineup\"><h2>The line-up</h2>\n<ul>\n", out);
        print_versions(results, out);
        print_skipped(results, out);
        fputs("</ul>\n", out);
        if (opinions.count)
            print_opinions(results, &opinions, out);
        fputs("</section>\n", out);
    }
    free_opinions(&opinions);
}
