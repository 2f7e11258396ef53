/*
 * What the makers of report.html share. html.c has the frame and the order of the page, html_answers.c its front,
 * html_experiment.c a section an experiment, html_chart.c the pictures, html_heat.c the figures of heat maps, html_table.c the
 * tables, html_machine.c the machine and the blocks; style and script are files in report/, which the build puts into the program.
 *
 * Rules: every text goes through html_print_text; there are no style attributes and no event attributes, so that the page's policy
 * (Content-Security-Policy) allows one style sheet and one script by their hashes and nothing else; an id stands once.
 */
#ifndef HARNESS_HTML_PARTS_H
#define HARNESS_HTML_PARTS_H

#include <stdio.h>

#include "plot.h"
#include "table.h"

struct html_asset {
    const unsigned char *bytes;
    size_t length;
    unsigned char sha256[32];
};
extern const struct html_asset html_css, html_js;

/* The colour of a strategy as the charts of this run have it: "#0072b2". */
struct html_colour {
    char *strategy, *colour;
};

struct page {
    FILE *out;
    const struct summary *summary;
    const struct gallery *gallery;
    struct html_colour *colours; /* a strategy each, in the order of the plan */
    unsigned colour_count;
};

/* Prints `open`, the text with its special characters escaped, `close`. */
void html_print_element(FILE *out, const char *open, const char *text, const char *close);
/* RFC 4648, section 4. */
void html_print_base64(FILE *out, const unsigned char *bytes, size_t length);
/* A text of run.json, or "not recorded". */
const char *html_run_text(const struct summary *summary, const char *key);

/* html_chart.c: the figure of a chart, inlined; a line that says why where it was not drawn or is too large, nothing without
 * gnuplot. */
void html_print_chart(const struct page *page, const struct chart *chart);
/* html_heat.c: the figures of a heat map as an attribute, for the script: of them no element of the picture tells. */
void html_print_heat(FILE *out, const char *folder, const char *chart);
/* Reads the colours of all strategies of the run from plots/style.gp; a page without them has no toggles. */
void html_read_colours(struct page *page);
void html_free_colours(struct page *page);

/* html_table.c */
/* `id`: of the caption, or NULL. */
void html_print_table(const struct page *page, const struct table *table, const char *id, const char *caption);
/* `<div class="scroll" ...><table><caption>...</caption>`; ends with html_end_table. `sortable`: the script may sort it. */
void html_begin_table(FILE *out, const char *caption, bool sortable);
void html_end_table(FILE *out);
/* A heading cell of a column; `left` for words. */
void html_print_heading(FILE *out, const char *text, bool left);

/* html_experiment.c: the section of an experiment. */
void html_print_experiment(const struct page *page, unsigned index);

/* html_answers.c: the sentences, the forest, the ranks. */
void html_print_answers(const struct page *page);

/* html_machine.c: the machine before and after, the blocks, what was thrown out. */
void html_print_machine(const struct page *page);

#endif
