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
    "var(--line);text-align:right;white-space:nowrap}th{background:var(--soft)}\n"
    ".left{text-align:left}.worse td{color:var(--warn);font-weight:600}\n";

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

static void print_table(FILE *out, const struct comparison *comparison, const struct compare_group *group)
{
    struct table table;
    compare_make_table(&table, comparison, group);
    fputs("<div><table><thead><tr>", out);
    for (unsigned c = 0; c < table.columns; c++)
        print_element(out, table.left[c] ? "<th scope=\"col\" class=\"left\">" : "<th scope=\"col\">", c ? table.heading[c] : "row",
                      "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (unsigned r = 0; r < table.rows; r++) {
        fputs(comparison->items[group->first + r].outcome == OUTCOME_WORSE ? "<tr class=\"worse\">" : "<tr>", out);
        for (unsigned c = 0; c < table.columns; c++)
            print_element(out, table.left[c] ? "<td class=\"left\">" : "<td>", table.cells[r * table.columns + c], "</td>");
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
        "<title>clusterbench: comparison</title>\n<style>\n%s</style></head><body>\n<h1>B against A</h1>\n",
        style);
    print_owned(out, "<p class=\"end\">", compare_end_text(comparison), "</p>\n");
    print_owned(out, "<p>A: ", compare_side_text(&comparison->a), "</p>\n");
    print_owned(out, "<p>B: ", compare_side_text(&comparison->b), "</p>\n");
    for (size_t i = 0; i < comparison->notes.count; i++)
        print_element(out, "<p>", comparison->notes.items[i], "</p>\n");
    print_owned(out, "<p>", compare_basis_text(comparison), "</p>\n");
    for (struct compare_group group = {0}; compare_next_group(comparison, &group);) {
        print_owned(out, "<h2>", compare_group_text(comparison, &group), "</h2>\n");
        print_table(out, comparison, &group);
    }
    fputs("</body></html>\n", out);
}
