/*
 * html_chart: a picture in the page. gnuplot's SVG is put between the tags as it is, so that the script can show values and hide a
 * strategy; only what would be wrong with several of them on one page is changed: ids get the chart's name in front, gnuplot's own
 * titles ("Gnuplot", "gnuplot_plot_1", which a pointer at rest would show) go, and its groups of one plot become a class.
 *
 * NAME.axes, if style.gp wrote one, says which values the edges of the axes have; a picture that is no SVG goes in as an image.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"

#include "chart.h"
#include "html_parts.h"

#define PICTURE_MOST (16u << 20)

/* ---- one SVG ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Where the element that begins here ends, if it is one of gnuplot's own titles; else NULL. */
static const char *behind_own_title(const char *at)
{
    if (!begins(at, "<title>Gnuplot<") && !begins(at, "<title>gnuplot_plot_") && !begins(at, "<desc>Produced by GNUPLOT"))
        return NULL;
    const char *end = strstr(at + 1, at[1] == 't' ? "</title>" : "</desc>");
    return end ? strchr(end, '>') + 1 : NULL;
}

/* ` id='NAME'` or `href='#NAME'` at `at`: prints it with the prefix and returns what is behind it; else NULL. */
static const char *print_reference(FILE *out, const char *at, const char *prefix)
{
    static const char *const openings[] = {" id=", "href="};
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        const char *quote = at + strlen(openings[i]), *name = quote + 1 + i;
        if (!begins(at, openings[i]) || (*quote != '"' && *quote != '\'') || (i && quote[1] != '#'))
            continue;
        const char *end = strchr(name, *quote);
        if (!end)
            return NULL;
        if (begins(name, "gnuplot_plot_"))
            fputs(" class=\"plot\"", out);
        else if (!begins(name, "gnuplot_canvas"))
            fprintf(out, "%s\"%s%s-%.*s\"", openings[i], i ? "#" : "", prefix, (int)(end - name), name);
        return end + 1;
    }
    return NULL;
}

static void print_body(FILE *out, const char *at, const char *end, const char *prefix)
{
    while (at < end) {
        const char *behind = *at == '<' ? behind_own_title(at) : NULL;
        if (!behind && (*at == ' ' || *at == 'h'))
            behind = print_reference(out, at, prefix);
        if (behind) {
            at = behind;
        } else if (begins(at, "url(#")) {
            fprintf(out, "url(#%s-", prefix);
            at += strlen("url(#");
        } else {
            fputc(*at++, out);
        }
    }
}

static void print_axes(FILE *out, const char *folder, const char *name)
{
    char *path = text_print("%s/plots/%s.axes", folder, name), *axes;
    if (file_read(path, 1u << 16, &axes, NULL) == 0) {
        html_print_element(out, " data-axes=\"", text_trim(axes), "\"");
        free(axes);
    }
    free(path);
}

/* "Cost: bars of CPU time per request.": what the picture is, in one sentence. The caller frees. */
static char *short_text(const struct chart *chart)
{
    const char *end = strstr(chart->alt, ". ");
    int length = end ? (int)(end - chart->alt) + 1 : (int)strlen(chart->alt);
    return text_print("%s: %.*s", chart->title, length, chart->alt);
}

/* The label names the picture; the table that has its figures describes it, and all of it in words stands below it. */
static void print_label(const struct page *page, const struct chart *chart, const char *attribute)
{
    char *label = short_text(chart);
    fprintf(page->out, " %s", attribute);
    html_print_element(page->out, "=\"", label, "\"");
    if (chart->experiment < page->summary->results->plan.count)
        html_print_element(page->out, " aria-describedby=\"results-",
                           page->summary->results->plan.experiments[chart->experiment].name, "\"");
    html_print_element(page->out, " aria-details=\"words-", chart->name, "\">");
    free(label);
}

static void print_words(FILE *out, const struct chart *chart)
{
    html_print_element(out, "\n<details class=\"in-words\" id=\"words-", chart->name,
                       "\"><summary>This picture in words</summary><p>");
    html_print_element(out, "", chart->alt, "</p></details>");
}

/* False when this is no SVG that can be taken apart. */
static bool print_inline(const struct page *page, const struct chart *chart, const char *svg)
{
    const char *start = strstr(svg, "<svg"), *body = start ? strchr(start, '>') : NULL;
    const char *box = start ? strstr(start, "viewBox=\"") : NULL, *end = body ? strstr(body, "</svg>") : NULL;
    if (!end || !box || box > body)
        return false;
    box += strlen("viewBox=\"");
    fprintf(page->out, "<svg role=\"img\" viewBox=\"%.*s\"", (int)strcspn(box, "\"<>"), box);
    print_axes(page->out, page->summary->results->folder, chart->name);
    if (!strcmp(chart->kind, "heat"))
        html_print_heat(page->out, page->summary->results->folder, chart->name);
    print_label(page, chart, "aria-label");
    print_body(page->out, body + 1, end, chart->name);
    fputs("</svg>", page->out);
    return true;
}

static void print_image(const struct page *page, const struct chart *chart, const char *svg, size_t length)
{
    FILE *out = page->out;
    fputs("<img width=\"800\" src=\"data:image/svg+xml;base64,", out);
    html_print_base64(out, (const unsigned char *)svg, length);
    fputc('"', out);
    print_label(page, chart, "alt");
}

static void begin_figure(FILE *out, const struct chart *chart)
{
    html_print_element(out, "<figure id=\"chart-", chart->name, "\">");
}

static void end_figure(FILE *out, const struct chart *chart)
{
    html_print_element(out, "\n<figcaption class=\"faint\">", chart->title, ". ");
    html_print_element(out, "Data and script: plots/", chart->name, ".dat, .gp</figcaption></figure>\n");
}

/* Where there should be a picture and is none: a reader must not take it for one that was never meant to be. */
static void print_absence(FILE *out, const struct chart *chart, int error)
{
    begin_figure(out, chart);
    if (error == -EFBIG)
        fprintf(out, "<p class=\"warn\">This picture is larger than %u MiB, too large for this page: ", PICTURE_MOST >> 20);
    else
        fputs("<p class=\"warn\">This picture could not be drawn: gnuplot ", out);
    html_print_element(out, "plots/", chart->name, error == -EFBIG ? ".svg" : ".gp");
    html_print_element(out, "</p>\n<p>", chart->alt, "</p>");
    end_figure(out, chart);
}

void html_print_chart(const struct page *page, const struct chart *chart)
{
    FILE *out = page->out;
    char *path = text_print("%s/plots/%s.svg", page->summary->results->folder, chart->name), *svg;
    size_t length;
    int result = chart->drawn ? file_read(path, PICTURE_MOST, &svg, &length) : -ENOENT;
    free(path);
    if (result < 0) {
        if (!page->gallery->no_gnuplot)
            print_absence(out, chart, result);
        return;
    }
    begin_figure(out, chart);
    fputs("<div class=\"chart\">", out);
    if (!print_inline(page, chart, svg))
        print_image(page, chart, svg, length);
    fputs("</div>", out);
    print_words(out, chart);
    end_figure(out, chart);
    free(svg);
}

/* ---- colours ---- */

/* "set style line 3  lc rgb '#0072b2' ...": the colour of that style, or NULL. The caller frees. */
static char *style_colour(const char *styles, unsigned style)
{
    for (const char *line = strstr(styles, "set style line "); line; line = strstr(line + 1, "set style line ")) {
        char *end;
        unsigned long number = strtoul(line + strlen("set style line "), &end, 10);
        const char *mark = strchr(end, '#'), *stop = strchr(end, '\n');
        if (number == style && mark && (!stop || mark < stop) && strspn(mark + 1, "0123456789abcdef") == 6)
            return text_print("%.7s", mark);
    }
    return NULL;
}

static bool has_colour(const struct page *page, const char *strategy)
{
    for (unsigned i = 0; i < page->colour_count; i++)
        if (!strcmp(page->colours[i].strategy, strategy))
            return true;
    return false;
}

void html_read_colours(struct page *page)
{
    char *path = text_print("%s/plots/style.gp", page->summary->results->folder), *styles;
    int result = file_read(path, 1u << 20, &styles, NULL);
    free(path);
    if (result < 0)
        return;
    const struct drawing drawing = {.summary = page->summary};
    for (unsigned i = 0; i < page->summary->row_count; i++) {
        const char *strategy = page->summary->rows[i].strategy;
        char *colour = has_colour(page, strategy) ? NULL : style_colour(styles, chart_style(&drawing, strategy));
        if (!colour)
            continue;
        page->colours = memory_grow(page->colours, (page->colour_count + 1) * sizeof(*page->colours));
        page->colours[page->colour_count++] = (struct html_colour){text_copy(strategy), colour};
    }
    free(styles);
}

void html_free_colours(struct page *page)
{
    for (unsigned i = 0; i < page->colour_count; i++) {
        free(page->colours[i].strategy);
        free(page->colours[i].colour);
    }
    free(page->colours);
}
