/* lineup: small lists for the end of a report. */
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "lineup.h"
#include "opinion.h"

static const char *generator_of(const struct results *results, const struct opinion *opinion)
{
    return results->plan.experiments[opinion->experiment].crosscheck;
}

/* ---- as text ---- */

void lineup_print(const struct results *results, FILE *out)
{
    size_t s;
    const json_t *line;
    struct opinions opinions;
    json_array_foreach(json_object_get(results->run, "skipped"), s, line) if (json_is_string(line))
        fprintf(out, "skipped: %s\n", json_string_value(line));
    opinions_take(&opinions, results);
    if (opinions.count)
        fputs("\nCross-check: requests/s of the same servers by another generator\n"
              "   experiment         strategy            workers      loadgen        other   other/loadgen\n",
              out);
    for (size_t i = 0; i < opinions.count; i++) {
        const struct opinion *opinion = &opinions.items[i];
        fprintf(out, "   %-18s %-20s %6u %12.0f %12.0f   %5.2f  %s%s\n", results->plan.experiments[opinion->experiment].name,
                opinion->strategy, opinion->workers, opinion->ours, opinion->theirs, opinion->ratio, generator_of(results, opinion),
                opinion->again ? " (again)" : "");
    }
    if (opinions.count)
        fputc('\n', out);
    opinions_free(&opinions);
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
    html_print_element(out, "<th scope=\"row\" class=\"left\">", opinion->strategy, opinion->again ? " (again)</th>" : "</th>");
    html_print_element(out, "<td class=\"left\">", results->plan.experiments[opinion->experiment].name, "</td>");
    fprintf(out, "<td>%u</td><td>%.0f</td>", opinion->workers, opinion->ours);
    html_print_element(out, "<td class=\"left\">", generator_of(results, opinion), "</td>");
    fprintf(out, "<td>%.0f</td><td>%.2f</td></tr>\n", opinion->theirs, opinion->ratio);
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
    opinions_take(&opinions, results);
    fputs("<section id=\"lineup\"><h2>The line-up</h2>\n", page->out);
    print_skipped(results, page->out);
    print_versions(results, page->out);
    if (opinions.count)
        print_opinions(results, &opinions, page->out);
    fputs("</section>\n", page->out);
    opinions_free(&opinions);
}
