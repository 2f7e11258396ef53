/*
 * html_machine: the machine before and after, block by block how quiet it was, and what was thrown out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>

#include "base/html.h"

#include "html_parts.h"
#include "judge.h"

/* ---- before and after ---- */

/* A value as text; NULL for what is none (objects, lists, null). The caller frees. */
static char *scalar_text(const json_t *value)
{
    if (json_is_string(value))
        return text_copy(json_string_value(value));
    if (json_is_boolean(value))
        return text_copy(json_is_true(value) ? "yes" : "no");
    return json_is_number(value) ? text_print("%.7g", json_number_value(value)) : NULL;
}

static void print_reading(FILE *out, const char *key, const json_t *before, const json_t *after)
{
    char *old = scalar_text(before), *new = scalar_text(after);
    if (old || new) {
        bool alike = old && new && !strcmp(old, new);
        html_print_element(out, "<tr><th scope=\"row\" class=\"left\">", key, "</th>");
        html_print_element(out, "<td class=\"left words\">", old ? old : "-", "</td>");
        html_print_element(out, "<td class=\"left words\">", alike ? "the same" : new ? new : "-", "</td></tr>\n");
    }
    free(new);
    free(old);
}

static void print_readings(FILE *out, const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)before, key, value) if (strcmp(key, "schema") != 0)
        print_reading(out, key, value, json_object_get(after, key));
    json_object_foreach((json_t *)(uintptr_t)after, key, value) if (!json_object_get(before, key))
        print_reading(out, key, NULL, value);
}

static json_t *read_machine(const struct page *page, const char *when)
{
    char *path = text_print("%s/machine-%s.json", page->summary->results->folder, when);
    json_t *machine = json_load_file(path, 0, NULL);
    free(path);
    return machine;
}

static void begin_readings(FILE *out, const char *caption)
{
    html_begin_table(out, caption, false);
    fputs("<thead><tr>", out);
    html_print_heading(out, "what", true);
    html_print_heading(out, "before the first block", true);
    html_print_heading(out, "after the last", true);
    fputs("</tr></thead>\n<tbody>\n", out);
}

static void print_part(FILE *out, const char *caption, const char *part, const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, part), *new = json_object_get(after, part);
    if (!json_object_size(old) && !json_object_size(new))
        return;
    begin_readings(out, caption);
    print_readings(out, old, new);
    html_end_table(out);
}

/* What the run noted down as changed; the table shows the rest. */
static void print_changes(const struct page *page)
{
    const json_t *changes = json_object_get(page->summary->results->run, "machine_changes"), *line;
    size_t i;
    if (!json_is_array(changes))
        return;
    fputs(json_array_size(changes) ? "<p class=\"warn\">Changed during the run:</p>\n<ul>\n"
                                   : "<p>No setting of the machine changed during the run.</p>\n",
          page->out);
    json_array_foreach(changes, i, line) if (json_is_string(line))
        html_print_element(page->out, "<li>", json_string_value(line), "</li>\n");
    if (json_array_size(changes))
        fputs("</ul>\n", page->out);
}

/* ---- blocks ---- */

static void print_number(FILE *out, double value, int decimals)
{
    if (isfinite(value))
        fprintf(out, "<td>%.*f</td>", decimals, value);
    else
        fputs("<td>-</td>", out);
}

/* "5001 (4990 to 5210)": the median of the readings on one CPU and how far they reach; the median alone where there is one. */
static char *calibration_text(const json_t *readings, size_t cpu)
{
    double *us = memory_get((json_array_size(readings) + 1) * sizeof(*us));
    size_t count = 0, i;
    const json_t *reading;
    json_array_foreach(readings, i, reading)
    {
        us[count] = json_number_value(json_array_get(reading, cpu));
        count += us[count] > 0;
    }
    gsl_sort(us, 1, count);
    double median = count ? gsl_stats_median_from_sorted_data(us, 1, count) : NAN;
    char *text = !count       ? text_copy("-")
                 : count == 1 ? text_print("%.0f", median)
                              : text_print("%.0f (%.0f to %.0f)", median, us[0], us[count - 1]);
    free(us);
    return text;
}

static void print_calibrations(FILE *out, const json_t *readings)
{
    struct names cpus = {0};
    for (size_t cpu = 0; cpu < json_array_size(json_array_get(readings, 0)); cpu++) {
        char *text = calibration_text(readings, cpu);
        names_add(&cpus, text);
        free(text);
    }
    char *list = names_join(&cpus, ", ");
    html_print_element(out, "<td class=\"left words\">", cpus.count ? list : "-", "</td>");
    free(list);
    names_free(&cpus);
}

static void print_blocks(const struct page *page)
{
    static const char *const columns[] = {"steal %", "foreign CPU, % of one", "calibration loop, % off the median"};
    static const char *const keys[] = {"steal_percent", "foreign_cpu_percent", "calibration_off_percent"};
    FILE *out = page->out;
    size_t i;
    const json_t *block;
    html_begin_table(out,
                     "Blocks: how quiet the machine was, and whether they count; the calibration loop is a fixed piece of work, "
                     "timed on each CPU before the first cell, on the way, and where a block was resumed; its median counts",
                     true);
    fputs("<thead><tr><th scope=\"col\">block</th>", out);
    for (size_t k = 0; k < 3; k++)
        html_print_heading(out, columns[k], false);
    html_print_heading(out, "interrupted", true);
    html_print_heading(out, "calibration loop, us, CPU by CPU: median (least to most)", true);
    fputs("<th scope=\"col\" class=\"left\">counts</th></tr></thead>\n<tbody>\n", out);
    json_array_foreach(json_object_get(page->summary->results->run, "blocks"), i, block)
    {
        const char *reason = json_string_value(json_object_get(block, "reason"));
        bool accepted = !json_is_false(json_object_get(block, "accepted"));
        fprintf(out, "<tr%s><th scope=\"row\">%.0f</th>", accepted ? "" : " class=\"unranked\"",
                json_number_at(block, "number", NULL, 0));
        for (size_t k = 0; k < 3; k++)
            print_number(out, json_number_at(block, keys[k], NULL, NAN), k == 0 ? 2 : 1);
        fprintf(out, "<td class=\"left\">%s</td>", json_is_true(json_object_get(block, "resumed")) ? "resumed" : "no");
        print_calibrations(out, json_object_get(block, "calibration_us"));
        html_print_element(out, accepted ? "<td class=\"left words\">yes" : "<td class=\"left words\">no, rejected: ",
                           reason ? reason : "", "</td></tr>\n");
    }
    html_end_table(out);
}

/* Cells whose generator was disturbed, and that were run again; cells that could not be read. */
static void print_repeats(const struct page *page)
{
    FILE *out = page->out;
    const struct results *results = page->summary->results;
    const json_t *repeats = json_object_get(results->run, "repeats"), *repeat;
    size_t i;
    if (json_array_size(repeats))
        fprintf(out, "<details><summary>Thrown out and run again: %zu cell%s</summary><ul>\n", json_array_size(repeats),
                json_array_size(repeats) == 1 ? "" : "s");
    json_array_foreach(repeats, i, repeat)
    {
        const char *cell = json_string_value(json_object_get(repeat, "cell")),
                   *reason = json_string_value(json_object_get(repeat, "reason"));
        html_print_element(out, "<li>", cell ? cell : "?", ": ");
        html_print_element(out, "", reason ? reason : "no reason recorded", "</li>\n");
    }
    if (json_array_size(repeats))
        fputs("</ul></details>\n", out);
    if (results->unreadable.count)
        fputs("<h3>Left out, because they could not be read</h3><ul>\n", out);
    for (i = 0; i < results->unreadable.count; i++)
        html_print_element(out, "<li>", results->unreadable.items[i], "</li>\n");
    if (results->unreadable.count)
        fputs("</ul>\n", out);
}

void html_print_machine(const struct page *page)
{
    FILE *out = page->out;
    json_t *before = read_machine(page, "before"), *after = read_machine(page, "after");
    html_print_element(out, "<section id=\"machine\"><h2>The machine</h2>\n<p>", html_run_text(page->summary, "placement_text"),
                       ".</p>\n");
    print_changes(page);
    begin_readings(out, "The machine before and after");
    print_readings(out, json_object_get(before, "cpu"), json_object_get(after, "cpu"));
    print_readings(out, before, after);
    print_readings(out, json_object_get(before, "readings"), json_object_get(after, "readings"));
    html_end_table(out);
    fputs("<details><summary>Versions, mitigations, hashes</summary>\n", out);
    print_part(out, "Versions", "versions", before, after);
    print_part(out, "Mitigations", "mitigations", before, after);
    print_part(out, "SHA-256 of the programs", "sha256", before, after);
    fputs("</details>\n<h3>Blocks</h3>\n", out);
    print_blocks(page);
    print_repeats(page);
    fputs("</section>\n", out);
    json_decref(after);
    json_decref(before);
}
