/*
 * html: report.html, one file that can be mailed, printed and opened in ten years: charts are inlined as data URIs (each SVG keeps
 * its own ids that way), there is no script, and the colours follow the reader's light or dark setting.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"

#include "finding.h"
#include "lineup.h"
#include "machine.h"
#include "report.h"
#include "table.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c1e21;--paper:#ffffff;--soft:#f3f4f6;--line:#d5d8dc;--faint:#5d636b;--warn:#a04000}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e7e9;--paper:#16181b;--soft:#212429;--line:#3a3f46;--faint:#a2a8b0;--warn:#"
    "ffb070}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:0 auto;padding:1.5rem "
    "1rem}\n"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.25rem;margin:2.5rem 0 .3rem;border-top:1px solid "
    "var(--line);padding-top:1rem}\n"
    "p{margin:.4rem 0}.faint{color:var(--faint);font-size:.9rem}.finding{font-size:1.05rem;font-weight:600}\n"
    ".warn{color:var(--warn);font-weight:600}figure{margin:1rem 0}\n"
    "img{max-width:100%;height:auto;background:#fff;border:1px solid var(--line);border-radius:4px}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:.8rem 0}\n"
    "th,td{padding:.25rem .45rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;white-space:nowrap}\n"
    "th.left,td.left{text-align:left}td.words{white-space:normal;min-width:10rem}tr.unranked td{color:var(--warn)}\n"
    "th{background:var(--soft);white-space:normal;vertical-align:bottom}\n"
    "pre{background:var(--soft);padding:.7rem;overflow-x:auto;font-size:.85rem}dt{font-weight:600}dd{margin:0 0 .4rem 1rem}\n"
    "nav a{margin-right:1rem}@media print{body{max-width:none}h2{break-before:auto}figure,table{break-inside:avoid}}\n";

static void print_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_print_text(out, text);
    fputs(close, out);
}

/* RFC 4648, section 4 */
static void print_base64(FILE *out, const unsigned char *bytes, size_t length)
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

static void print_chart(FILE *out, const char *folder, const struct chart *chart)
{
    char *path = text_print("%s/plots/%s.svg", folder, chart->name), *svg;
    size_t length;
    if (chart->drawn && file_read(path, 16u << 20, &svg, &length) == 0) {
        fputs("<figure><img width=\"800\" src=\"data:image/svg+xml;base64,", out);
        print_base64(out, (const unsigned char *)svg, length);
        print_element(out, "\" alt=\"", chart->alt, "\">");
        print_element(out, "<figcaption class=\"faint\">", chart->name, ": data and script in plots/</figcaption></figure>\n");
        free(svg);
    }
    free(path);
}

static void print_table(FILE *out, const struct table *table)
{
    fputs("<div class=\"scroll\"><table><thead><tr>", out);
    for (unsigned c = 0; c < table->columns; c++)
        print_element(out, table->left[c] ? "<th scope=\"col\" class=\"left\">" : "<th scope=\"col\">",
                      *table->heading[c] ? table->heading[c] : "verdict", "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (unsigned r = 0; r < table->rows; r++) {
        fputs(table->ranked[r] ? "<tr>" : "<tr class=\"unranked\">", out);
        for (unsigned c = 0; c < table->columns; c++)
            print_element(out,
                          !table->left[c] ? "<td>"
                          : c             ? "<td class=\"left words\">"
                                          : "<td class=\"left\">",
                          table->cells[r * table->columns + c], "</td>");
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* Reasons and notes of this experiment's cells, each once, with how many cells it concerns. */
static void print_flags(FILE *out, const struct summary *summary, unsigned experiment)
{
    struct names told = {0};
    for (unsigned i = 0; i < summary->results->cell_count; i++) {
        const struct cell_record *cell = &summary->results->cells[i];
        if (cell->experiment != experiment)
            continue;
        for (size_t n = 0; n <= cell->notes.count; n++) {
            bool failure = n == cell->notes.count;
            const char *what = failure ? cell->failure : cell->notes.items[n];
            char *line = what ? text_print("%s: %s%s", cell->strategy, failure ? "not ranked: " : "", what) : NULL;
            if (line && !names_hold(&told, line))
                names_add(&told, line);
            free(line);
        }
    }
    if (told.count)
        fputs("<details><summary>What was noticed in its cells</summary><ul>\n", out);
    for (size_t i = 0; i < told.count; i++)
        print_element(out, "<li>", told.items[i], "</li>\n");
    if (told.count)
        fputs("</ul></details>\n", out);
    names_free(&told);
}

static void print_experiment(FILE *out, const struct summary *summary, const struct gallery *gallery, unsigned index)
{
    const struct experiment *experiment = &summary->results->plan.experiments[index];
    char *finding = finding_text(summary, index), *setting = experiment_setting(experiment, NULL);
    fprintf(out, "<section id=\"%s\">\n<h2>%u. ", experiment->name, index + 1);
    print_element(out, "", experiment->title, "</h2>\n");
    print_element(out, "<p class=\"finding\">", finding, "</p>\n");
    print_element(out, "<p>", experiment->question, "</p>\n");
    print_element(out, "<p class=\"faint\">", setting, "</p>\n");
    if (experiment->emulated)
        fputs("<p class=\"faint\">Blocked-worker emulation: a worker sleeps for as long as a core would work. That is faithful for "
              "queueing, "
              "dispatch and fairness; it says nothing of caches, memory bandwidth or locks.</p>\n",
              out);
    for (unsigned i = 0; i < gallery->count; i++)
        if (gallery->charts[i].experiment == index)
            print_chart(out, summary->results->folder, &gallery->charts[i]);
    struct table table;
    table_make(&table, summary, index, TABLE_RESULT);
    if (table.rows)
        print_table(out, &table);
    table_free(&table);
    table_make(&table, summary, index, TABLE_RESOURCES);
    if (table.rows)
        print_element(out, "<p class=\"faint\">", "What it took (medians):", "</p>\n");
    if (table.rows)
        print_table(out, &table);
    table_free(&table);
    print_flags(out, summary, index);
    fputs("</section>\n", out);
    free(setting);
    free(finding);
}

/* ---- the frame ---- */

static const char *run_text(const struct summary *summary, const char *key)
{
    const char *text = json_string_value(json_object_get(summary->results->run, key));
    return text ? text : "not recorded";
}

static void print_front(FILE *out, const struct summary *summary, const struct gallery *gallery)
{
    const struct results *results = summary->results;
    print_element(out, "<h1>", results->plan.title, "</h1>\n");
    fprintf(out, "<p class=\"faint\">Plan %s, seed %llu, %u block%s, %s; ", results->plan.name, (unsigned long long)results->seed,
            summary->block_count, summary->block_count == 1 ? "" : "s", run_text(summary, "started"));
    print_element(out, "", run_text(summary, "placement_text"), "</p>\n");
    if (!results->complete)
        fputs("<p class=\"warn\">This run was interrupted: only the blocks that were measured are shown.</p>\n", out);
    if (summary->no_verdicts_because)
        print_element(out, "<p class=\"warn\">", summary->no_verdicts_because, ".</p>\n");
    if (gallery->no_gnuplot)
        fputs("<p class=\"warn\">Without plots: gnuplot was missing. Install gnuplot-nox, then: clusterbench report DIR</p>\n",
              out);
    fputs("<ol>\n", out);
    for (unsigned e = 0; e < results->plan.count; e++) {
        char *finding = finding_text(summary, e);
        fprintf(out, "<li><a href=\"#%s\">", results->plan.experiments[e].name);
        print_element(out, "", results->plan.experiments[e].title, "</a> ");
        print_element(out, "", finding, "</li>\n");
        free(finding);
    }
    fputs("</ol>\n", out);
}

static void print_method(FILE *out, const struct summary *summary)
{
    fputs("<section id=\"method\"><h2>How to read this</h2>\n<p>The unit is a block: every cell once, on a freshly started server, "
          "in an order "
          "shuffled from the seed. A figure is the median of the blocks; ",
          out);
    double coverage;
    unsigned rank = estimate_rank(summary->block_count, &coverage);
    if (rank)
        fprintf(
            out,
            "the brackets run from the %u%s least to the %u%s greatest block, an interval that holds the true median in %.1f %% of "
            "such runs. ",
            rank,
            rank == 1   ? "st"
            : rank == 2 ? "nd"
            : rank == 3 ? "rd"
                        : "th",
            rank,
            rank == 1   ? "st"
            : rank == 2 ? "nd"
            : rank == 3 ? "rd"
                        : "th",
            100 * coverage);
    else
        fputs("with so few blocks it has no interval. ", out);
    fputs("Ratios are taken within blocks. The baseline runs twice in each block (A/A); a difference counts from 3 % or half the "
          "width "
          "of the A/A interval on, whichever is more: <em>different</em> lies beyond, <em>same</em> within, <em>undecided</em> "
          "reaches over an "
          "edge. From ten blocks on <em>different</em> must pass the sign test, too, corrected by Holm for all comparisons of its "
          "experiment and metric; with fewer nothing is adjusted. CPU time is that of all processes of a server, user and system, "
          "over the requests of the same time. Memory is "
          "the proportional set size (PSS) of all its processes under load; start-up is from its start to its ready "
          "line.</p></section>\n",
          out);
}

static void print_pair(FILE *out, const char *name, const char *text)
{
    print_element(out, "<dt>", name, "</dt>");
    print_element(out, "<dd>", text ? text : "not recorded", "</dd>\n");
}

static void print_object(FILE *out, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value)) {
            print_pair(out, key, json_string_value(value));
        } else if (json_is_number(value)) {
            char *text = text_print("%g", json_number_value(value));
            print_pair(out, key, text);
            free(text);
        }
    }
}

static void print_lines(FILE *out, const char *label, const json_t *lines)
{
    size_t i;
    const json_t *line;
    json_array_foreach(lines, i, line) if (json_is_string(line)) print_pair(out, label, json_string_value(line));
}

static void print_machine(FILE *out, const struct summary *summary)
{
    char *path = text_print("%s/machine-before.json", summary->results->folder);
    json_t *machine = json_load_file(path, 0, NULL);
    free(path);
    fputs("<section id=\"machine\"><h2>The machine</h2>\n<dl>\n", out);
    print_pair(out, "placement", run_text(summary, "placement_text"));
    print_object(out, json_object_get(machine, "cpu"));
    print_object(out, machine);
    print_object(out, json_object_get(machine, "readings"));
    print_lines(out, "changed during the run", json_object_get(summary->results->run, "machine_changes"));
    fputs("</dl><details><summary>Versions, mitigations, hashes</summary><dl>\n", out);
    print_object(out, json_object_get(machine, "versions"));
    print_object(out, json_object_get(machine, "mitigations"));
    print_object(out, json_object_get(machine, "sha256"));
    fputs("</dl></details>\n", out);
    fputs("<div class=\"scroll\"><table><thead><tr><th>block</th><th>steal %</th><th>foreign CPU, % of one</th><th "
          "class=\"left\">accepted</th>"
          "</tr></thead><tbody>\n",
          out);
    for (unsigned i = 0; i < summary->results->block_count; i++) {
        const struct block_record *block = &summary->results->blocks[i];
        fprintf(out, "<tr><td>%u</td><td>%.2f</td><td>%.1f</td><td class=\"left\">", block->number, block->steal_percent,
                block->foreign_percent);
        print_element(out, block->accepted ? "yes" : "no: ", block->reason ? block->reason : "", "</td></tr>\n");
    }
    fputs("</tbody></table></div></section>\n", out);
    json_decref(machine);
}

/* The command line that makes the same cells in the same order. The caller frees. */
static char *command_text(const struct summary *summary)
{
    const struct results *results = summary->results;
    char *command = text_print("clusterbench run --plan %s --seed %llu --blocks %u", results->plan.name,
                               (unsigned long long)results->seed, results->plan.blocks);
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(results->run, "only"), i, name) if (json_is_string(name))
        text_replace(&command, text_print("%s%s%s", command, i ? "," : " --only ", json_string_value(name)));
    if (json_is_true(json_object_get(results->run, "quick")))
        text_replace(&command, text_print("%s --quick", command));
    return command;
}

static void print_again(FILE *out, const struct summary *summary)
{
    char *command = command_text(summary);
    print_element(out, "<section id=\"again\"><h2>To do it again</h2>\n<pre>", command, "\n");
    fputs("clusterbench report DIR      # draws plots and this page again from the recorded data</pre>\n"
          "<p class=\"faint\">plan.ini in the results folder is the plan as it was run; cells/ holds every command "
          "line.</p></section>\n",
          out);
    free(command);
}

static void print_page(FILE *out, const struct summary *summary, const struct gallery *gallery)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width\">\n",
          out);
    print_element(out, "<title>clusterbench: ", summary->results->plan.title, "</title>\n");
    fprintf(out, "<style>\n%s</style></head><body>\n", style);
    print_front(out, summary, gallery);
    for (unsigned e = 0; e < summary->results->plan.count; e++)
        print_experiment(out, summary, gallery, e);
    lineup_print_html(summary->results, out);
    print_method(out, summary);
    print_machine(out, summary);
    print_again(out, summary);
    fputs("</body></html>\n", out);
}

int report_write_html(const struct summary *summary, const struct gallery *gallery)
{
    char *path = text_print("%s/report.html", summary->results->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (!result) {
        print_page(draft.out, summary, gallery);
        result = file_commit(&draft);
    }
    free(path);
    return result;
}
