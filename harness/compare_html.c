/*
 * compare_html: a comparison as one page that loads nothing and runs nothing: to be mailed, printed and kept.
 */
#include <stdlib.h>

#include "base/html.h"

#include "compare_parts.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--line:#d5d8dc;--soft:#f3f4f6;--warn:#a04000}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e7e9;--paper:#16181b;--line:#3a3f46;--soft:#212429;--warn:#ffb070}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:0 auto;padding:1.5rem "
    "1rem}\n"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;border-top:1px solid var(--line);padding-top:1rem}.end{font-weight:600}\n"
    "div{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .5rem;border-bottom:1px solid "
    "var(--line);text-align:right;white-space:nowrap}thead th{background:var(--soft)}\n"
    "caption{text-align:left}:focus-visible{outline:3px solid currentColor}.left{text-align:left}.worse td,.worse "
    "th{color:var(--warn);font-weight:600}\n";

static void print_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    html_print_text(out, text);
    fputs(close, out);
}

static void print_owned(FILE *out, const char *open, char *text, const char *close)
{
    print_element(out, open, text, close);
    free(text);
}

/* A table wider than the window is scrolled in a box of its own, by keyboard, too. */
static void begin_table(FILE *out, const char *caption)
{
    print_element(out, "<div role=\"region\" tabindex=\"0\" aria-label=\"", caption, "\"><table>");
    print_element(out, "<caption>", caption, "</caption>\n<thead><tr>");
}

static void print_row(FILE *out, const struct table *table, unsigned r)
{
    for (unsigned c = 0; c < table->columns; c++) {
        const char *text = table->cells[r * table->columns + c];
        if (!c)
            print_element(out, "<th scope=\"row\" class=\"left\">", text, "</th>");
        else
            print_element(out, table->left[c] ? "<td class=\"left\">" : "<td>", text, "</td>");
    }
}

static void print_table(FILE *out, const struct comparison *comparison, const struct compare_group *group, const char *caption)
{
    struct table table;
    compare_make_table(&table, comparison, group);
    begin_table(out, caption);
    for (unsigned c = 0; c < table.columns; c++)
        print_element(out, table.left[c] ? "<th scope=\"col\" class=\"left\">" : "<th scope=\"col\">", c ? table.heading[c] : "row",
                      "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (unsigned r = 0; r < table.rows; r++) {
        fputs(comparison->items[group->first + r].outcome == OUTCOME_WORSE ? "<tr class=\"worse\">" : "<tr>", out);
        print_row(out, &table, r);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    table_free(&table);
}

void compare_print_html(const struct comparison *comparison, FILE *out)
{
    fprintf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'\">\n<title>clusterbench: comparison</title>\n<style>\n%s</style></head><body>\n<h1>B against A</h1>\n",
        style);
    print_owned(out, "<p class=\"end\">", compare_end_text(comparison), "</p>\n");
    print_owned(out, "<p>A: ", compare_side_text(&comparison->a), "</p>\n");
    print_owned(out, "<p>B: ", compare_side_text(&comparison->b), "</p>\n");
    for (size_t i = 0; i < comparison->notes.count; i++)
        print_element(out, "<p>", comparison->notes.items[i], "</p>\n");
    print_owned(out, "<p>", compare_basis_text(comparison), "</p>\n");
    for (struct compare_group group = {0}; compare_next_group(comparison, &group);) {
        char *caption = compare_group_text(comparison, &group);
        print_element(out, "<h2>", caption, "</h2>\n");
        print_table(out, comparison, &group, caption);
        free(caption);
    }
    fputs("</body></html>\n", out);
}
