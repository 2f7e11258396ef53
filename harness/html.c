/*
 * html: report.html, one file that can be mailed, printed and opened in ten years. Everything is in it; nothing is fetched, and the
 * policy in its head allows the one style sheet and the one script that it carries, by their hashes. It is complete without the
 * script, which sorts tables, shows values under the pointer and hides strategies.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"

#include "html_parts.h"
#include "lineup.h"
#include "report.h"

void html_print_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_print_text(out, text);
    fputs(close, out);
}

void html_print_base64(FILE *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        fputc(digits[group >> 18], out);
        fputc(digits[group >> 12 & 63], out);
        fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[group & 63] : '=', out);
    }
}

const char *html_run_text(const struct summary *summary, const char *key)
{
    const char *text = json_string_value(json_object_get(summary->results->run, key));
    return text ? text : "not recorded";
}

/* ---- the frame ---- */

static void print_policy(FILE *out)
{
    fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'sha256-", out);
    html_print_base64(out, html_css.sha256, sizeof(html_css.sha256));
    fputs("'; script-src 'sha256-", out);
    html_print_base64(out, html_js.sha256, sizeof(html_js.sha256));
    fputs("'; base-uri 'none'; form-action 'none'\">\n", out);
}

static void print_asset(FILE *out, const char *tag, const struct html_asset *asset)
{
    fprintf(out, "<%s>", tag);
    fwrite(asset->bytes, 1, asset->length, out); /* its hash is that of every byte between the tags */
    fprintf(out, "</%s>\n", tag);
}

static void print_head(const struct page *page)
{
    FILE *out = page->out;
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n", out);
    print_policy(out);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n", out);
    html_print_element(out, "<title>clusterbench: ", page->summary->results->plan.title, "</title>\n");
    print_asset(out, "style", &html_css);
    fputs("</head><body>\n<a class=\"skip\" href=\"#answers\">Skip to the answers</a>\n", out);
}

static void print_header(const struct page *page)
{
    FILE *out = page->out;
    const struct summary *summary = page->summary;
    const struct results *results = summary->results;
    html_print_element(out, "<header>\n<h1>", results->plan.title, "</h1>\n");
    html_print_element(out, "<p class=\"faint\">clusterbench, plan ", results->plan.name, ", ");
    fprintf(out, "seed %llu, %u block%s, ", (unsigned long long)results->seed, summary->block_count,
            summary->block_count == 1 ? "" : "s");
    html_print_element(out, "", html_run_text(summary, "started"), "; ");
    html_print_element(out, "", html_run_text(summary, "placement_text"), "</p>\n");
    if (!results->complete)
        fputs("<p class=\"warn\">This run was interrupted: only the blocks that were measured are shown.</p>\n", out);
    if (summary->no_verdicts_because)
        html_print_element(out, "<p class=\"warn\">", summary->no_verdicts_because, ".</p>\n");
    if (page->gallery->no_gnuplot)
        fputs("<p class=\"warn\">Without plots: gnuplot was missing. Install gnuplot-nox, then: clusterbench report DIR</p>\n",
              out);
    fputs("</header>\n", out);
}

static void print_contents(const struct page *page)
{
    static const char *const behind[][2] = {{"lineup", "The line-up"},
                                            {"method", "How to read this"},
                                            {"machine", "The machine"},
                                            {"again", "To do it again"},
                                            {"files", "Files"}};
    FILE *out = page->out;
    fputs("<nav aria-label=\"Contents\"><ul>\n<li><a href=\"#answers\">Questions and answers</a></li>\n"
          "<li><a href=\"#ranks\">Ranks</a></li>\n",
          out);
    for (unsigned e = 0; e < page->summary->results->plan.count; e++) {
        const struct experiment *experiment = &page->summary->results->plan.experiments[e];
        html_print_element(out, "<li><a href=\"#experiment-", experiment->name, "\">");
        fprintf(out, "%u. ", e + 1);
        html_print_element(out, "", experiment->title, "</a></li>\n");
    }
    for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++)
        fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", behind[i][0], behind[i][1]);
    fputs("</ul></nav>\n", out);
}

/*
 * Which strategies to show; the script takes `hidden` away where there is a choice, since without it they would do nothing. It also
 * reads here which colour is whose: a lone strategy needs that, too.
 */
static void print_toggles(const struct page *page)
{
    FILE *out = page->out;
    if (!page->colour_count)
        return;
    fputs("<fieldset id=\"toggles\" hidden><legend>Show in tables and charts</legend>\n", out);
    for (unsigned i = 0; i < page->colour_count; i++) {
        const struct html_colour *colour = &page->colours[i];
        html_print_element(out, "<label><input type=\"checkbox\" checked data-strategy=\"", colour->strategy, "\"");
        fprintf(out,
                " data-colour=\"%s\"><svg width=\"12\" height=\"12\" aria-hidden=\"true\"><rect width=\"12\" "
                "height=\"12\" fill=\"%s\"/></svg> ",
                colour->colour, colour->colour);
        html_print_element(out, "", colour->strategy, "</label>\n");
    }
    fputs("</fieldset>\n", out);
}

static const char *ordinal(unsigned rank)
{
    return rank == 1 ? "st" : rank == 2 ? "nd" : rank == 3 ? "rd" : "th";
}

static void print_method(const struct page *page)
{
    FILE *out = page->out;
    double coverage;
    unsigned rank = estimate_rank(page->summary->block_count, &coverage);
    fputs("<section id=\"method\"><h2>How to read this</h2>\n<p>The unit is a block: every cell once, on a freshly started server, "
          "in an order shuffled from the seed. A figure is the median of the blocks; ",
          out);
    if (rank)
        fprintf(
            out,
            "the brackets run from the %u%s least to the %u%s greatest block, an interval that holds the true median in %.1f %% "
            "of such runs.</p>\n",
            rank, ordinal(rank), rank, ordinal(rank), 100 * coverage);
    else
        fputs("with so few blocks it has no interval.</p>\n", out);
    fputs(
        "<p>Ratios are taken within blocks. The baseline runs twice in each block (A/A); a difference counts from 3 % or half the "
        "width of the A/A interval on, whichever is more. There are three verdicts:</p>\n<dl>\n"
        "<dt>different</dt><dd>the interval of the ratio lies beyond that;</dd>\n"
        "<dt>same</dt><dd>it lies within;</dd>\n"
        "<dt>undecided</dt><dd>it reaches over an edge: these blocks do not tell.</dd>\n</dl>\n"
        "<p>Where the A/A pair itself differs the metric is void: nothing is said of it. A cell whose server or generator did not "
        "keep to the rules is shown, flagged and never ranked. From ten blocks on <em>different</em> must pass the sign test, too, "
        "corrected by Holm for all comparisons of its experiment and metric; with fewer nothing is adjusted. Ranks compare every "
        "strategy with every other one of the same blocks in the same way; the correction is then over the comparisons with the "
        "first, and for all others over all pairs.</p>\n"
        "<p>CPU time is that of all processes of a server, user and system, over the requests of the same time. Memory is the "
        "proportional set size (PSS) of all its processes under load; start-up is from its start to its ready "
        "line.</p></section>\n",
        out);
}

/* A word of a shell command, in quotes where a shell would take it apart. The caller frees. */
static char *shell_word(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=+,-";
    if (*text && !text[strspn(text, plain)])
        return text_copy(text);
    char *word = text_copy("'");
    for (const char *at = text; *at; at++)
        text_replace(&word, *at == '\'' ? text_print("%s'\\''", word) : text_print("%s%c", word, *at));
    text_replace(&word, text_print("%s'", word));
    return word;
}

/* Adds " OPTION WORD", the word quoted. */
static void add_option(char **command, const char *option, const char *text)
{
    char *word = shell_word(text);
    text_replace(command, text_print("%s %s %s", *command, option, word));
    free(word);
}

/* The folder that the strategies' programs were found in (--bin); NULL where it was not one. The caller frees. */
static char *program_folder(const struct results *results)
{
    char *folder = NULL;
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(results->run, "contenders"), i, contender)
    {
        const char *name = json_string_value(json_object_get(contender, "name")),
                   *program = json_string_value(json_object_get(contender, "program")),
                   *slash = program ? strrchr(program, '/') : NULL;
        if (!name || !slash || slash == program || strcmp(slash + 1, name) != 0)
            continue;
        char *its = text_print("%.*s", (int)(slash - program), program);
        bool other = folder && strcmp(folder, its) != 0;
        text_replace(&folder, its);
        if (other) {
            text_replace(&folder, NULL);
            return NULL;
        }
    }
    return folder;
}

/* The command line that makes the same cells in the same order, from the plan as it was. The caller frees. */
static char *command_text(const struct summary *summary)
{
    const struct results *results = summary->results;
    char *command = text_copy("clusterbench run"), *plan = text_print("%s/plan.ini", results->folder), *only = text_copy(""),
         *programs = program_folder(results);
    add_option(&command, "--plan", plan);
    text_replace(&command,
                 text_print("%s --seed %llu --blocks %u", command, (unsigned long long)results->seed, results->plan.blocks));
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(results->run, "only"), i, name) if (json_is_string(name))
        text_replace(&only, text_print("%s%s%s", only, i ? "," : "", json_string_value(name)));
    if (*only)
        add_option(&command, "--only", only);
    if (programs)
        add_option(&command, "--bin", programs);
    if (json_is_true(json_object_get(results->run, "quick")))
        text_replace(&command, text_print("%s --quick", command));
    free(programs);
    free(only);
    free(plan);
    return command;
}

static void print_again(const struct page *page)
{
    char *command = command_text(page->summary), *folder = shell_word(page->summary->results->folder);
    html_print_element(page->out, "<section id=\"again\"><h2>To do it again</h2>\n<pre tabindex=\"0\">", command, "\n");
    html_print_element(page->out, "clusterbench report ", folder,
                       "      # draws plots and this page again from the recorded data</pre>\n");
    fputs("<p class=\"faint\">plan.ini in the results folder is the plan as it was run; cells/ holds every command "
          "line.</p></section>\n",
          page->out);
    free(folder);
    free(command);
}

static void print_files(FILE *out)
{
    static const char *const files[][2] = {
        {"run.json, plan.ini", "the run: seed, order of the cells, blocks, what was run again; the plan as it was"},
        {"machine-before.json, machine-after.json", "the machine"},
        {"cells/NAME/", "one cell: server.json, load.json, latency.hgrm, workers.csv, and of some experiments files by time"},
        {"rejected.csv", "what was thrown out, with the reason"},
        {"summary.csv, summary.json, summary.md", "the figures of this page: a line a row and metric, a document, a text"},
        {"plots/", "every chart as .svg and .png with its data (.dat) and script (.gp)"},
    };
    fputs("<section id=\"files\"><h2>Files</h2>\n<dl>\n", out);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        fprintf(out, "<dt>%s</dt><dd>%s</dd>\n", files[i][0], files[i][1]);
    fputs("</dl></section>\n", out);
}

static void print_page(const struct page *page)
{
    FILE *out = page->out;
    print_head(page);
    print_header(page);
    print_contents(page);
    fputs("<main>\n", out);
    print_toggles(page);
    html_print_answers(page);
    for (unsigned e = 0; e < page->summary->results->plan.count; e++)
        html_print_experiment(page, e);
    lineup_print_html(page);
    print_method(page);
    html_print_machine(page);
    print_again(page);
    print_files(out);
    fputs("</main>\n", out);
    print_asset(out, "script", &html_js);
    fputs("</body></html>\n", out);
}

int report_write_html(const struct summary *summary, const struct gallery *gallery)
{
    char *path = text_print("%s/report.html", summary->results->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    free(path);
    if (result)
        return result;
    struct page page = {.out = draft.out, .summary = summary, .gallery = gallery};
    html_read_colours(&page);
    print_page(&page);
    html_free_colours(&page);
    return file_commit(&draft);
}
