/*
 * html_experiment: one experiment: what was found, what was asked, the setting, the pictures, the tables, what was noticed.
 */
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "html_parts.h"

/* ---- notes ---- */

/* What was noticed: the first text of its kind, and in how many cells it was. Texts that differ in figures alone are of a kind. */
struct remark {
    char *kind, *text;
    const char *strategy;
    unsigned cells;
};

struct remarks {
    struct remark *items;
    unsigned count;
};

/* "lag p99 6.70ms" and "lag p99 11.2ms" become "lag p# #ms". The caller frees. */
static char *kind_of(const char *strategy, const char *text)
{
    char *kind = text_print("%s: %s", strategy, text), *to = kind;
    for (const char *at = kind; *at;) {
        size_t digits = strspn(at, "0123456789.");
        *to++ = digits ? '#' : *at;
        at += digits ? digits : 1;
    }
    *to = '\0';
    return kind;
}

static void note(struct remarks *remarks, const char *strategy, const char *text)
{
    char *kind = kind_of(strategy, text);
    unsigned i = 0;
    while (i < remarks->count && strcmp(remarks->items[i].kind, kind) != 0)
        i++;
    if (i < remarks->count) {
        remarks->items[i].cells++;
        free(kind);
        return;
    }
    remarks->items = memory_grow(remarks->items, (remarks->count + 1) * sizeof(*remarks->items));
    remarks->items[remarks->count++] = (struct remark){kind, text_copy(text), strategy, 1};
}

/* Returns whether anything of it is a reason not to rank a cell. */
static bool note_cells(struct remarks *remarks, const struct summary *summary, unsigned experiment)
{
    bool failed = false;
    for (unsigned i = 0; i < summary->results->cell_count; i++) {
        const struct cell_record *cell = &summary->results->cells[i];
        if (cell->experiment != experiment)
            continue;
        for (size_t n = 0; n < cell->notes.count; n++)
            note(remarks, cell->strategy, cell->notes.items[n]);
        if (!cell->failure)
            continue;
        char *text = text_print("not ranked: %s", cell->failure);
        note(remarks, cell->strategy, text);
        free(text);
        failed = true;
    }
    return failed;
}

/* Reasons and notes of an experiment's cells; in sight where one is a reason not to rank. */
static void print_flags(FILE *out, const struct summary *summary, unsigned experiment)
{
    struct remarks remarks = {0};
    bool failed = note_cells(&remarks, summary, experiment);
    if (remarks.count)
        fprintf(out, "<details%s><summary>Notes: what was noticed in its cells</summary><ul>\n", failed ? " open" : "");
    for (unsigned i = 0; i < remarks.count; i++) {
        const struct remark *remark = &remarks.items[i];
        html_print_element(out, "<li>", remark->strategy, "");
        if (remark->cells > 1)
            fprintf(out, ", %u cells", remark->cells);
        html_print_element(out, ": ", remark->text, remark->cells > 1 ? " (the first)</li>\n" : "</li>\n");
        free(remark->kind);
        free(remark->text);
    }
    if (remarks.count)
        fputs("</ul></details>\n", out);
    free(remarks.items);
}

/* ---- the section ---- */

static void print_detail(const struct page *page, unsigned index, enum table_detail detail, const char *what)
{
    struct table table;
    table_make(&table, page->summary, index, detail);
    const struct experiment *experiment = &page->summary->results->plan.experiments[index];
    char *caption = text_print("%s: %s", what, experiment->title), *id = text_print("results-%s", experiment->name);
    if (table.rows)
        html_print_table(page, &table, detail == TABLE_RESULT ? id : NULL, caption);
    else if (detail == TABLE_RESULT)
        fputs("<p>No cell of it was run.</p>\n", page->out);
    free(id);
    free(caption);
    table_free(&table);
}

static void print_remarks(const struct page *page, unsigned index)
{
    struct names remarks;
    table_remarks(page->summary, index, &remarks);
    if (remarks.count)
        fputs("<ul>\n", page->out);
    for (size_t i = 0; i < remarks.count; i++)
        html_print_element(page->out, "<li>", remarks.items[i], "</li>\n");
    if (remarks.count)
        fputs("</ul>\n", page->out);
    names_free(&remarks);
}

void html_print_experiment(const struct page *page, unsigned index)
{
    FILE *out = page->out;
    const struct experiment *experiment = &page->summary->results->plan.experiments[index];
    char *finding = finding_text(page->summary, index), *setting = experiment_setting(experiment, NULL);
    html_print_element(out, "<section id=\"experiment-", experiment->name, "\" class=\"experiment\">\n");
    fprintf(out, "<h2>%u. ", index + 1);
    html_print_element(out, "", experiment->title, "</h2>\n");
    html_print_element(out, "<p class=\"finding\">", finding, "</p>\n");
    if (experiment->question)
        html_print_element(out, "<p>", experiment->question, "</p>\n");
    html_print_element(out, "<p class=\"faint\">", setting, "</p>\n");
    if (experiment->emulated)
        fputs("<p class=\"faint\">Blocked-worker emulation: a worker sleeps for as long as a core would work. That is faithful for "
              "queueing, dispatch and fairness; it says nothing of caches, memory bandwidth or locks.</p>\n",
              out);
    for (unsigned i = 0; i < page->gallery->count; i++)
        if (page->gallery->charts[i].experiment == index)
            html_print_chart(page, &page->gallery->charts[i]);
    print_detail(page, index, TABLE_RESULT, "Results");
    print_remarks(page, index);
    print_detail(page, index, TABLE_RESOURCES, "What it took (medians)");
    print_flags(out, page->summary, index);
    fputs("</section>\n", out);
    free(setting);
    free(finding);
}
