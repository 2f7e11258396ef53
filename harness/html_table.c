/*
 * html_table: tables with a caption, headings that say what they head, and a name at the head of each row. What does not fit a
 * narrow window is scrolled, by keyboard, too: so the box around the table can be reached.
 */
#include <string.h>

#include "base/html.h"

#include "html_parts.h"

static void begin_table(FILE *out, const char *id, const char *caption, bool sortable)
{
    html_print_element(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", caption, "\">");
    fputs(sortable ? "<table data-sortable>" : "<table>", out);
    if (id)
        html_print_element(out, "<caption id=\"", id, "\">");
    else
        fputs("<caption>", out);
    html_print_element(out, "", caption, "</caption>\n");
}

void html_begin_table(FILE *out, const char *caption, bool sortable)
{
    begin_table(out, NULL, caption, sortable);
}

void html_end_table(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

void html_print_heading(FILE *out, const char *text, bool left)
{
    html_print_element(out, left ? "<th scope=\"col\" class=\"left\">" : "<th scope=\"col\">", text, "</th>");
}

static void print_row(FILE *out, const struct table *table, unsigned r)
{
    html_print_element(out, "<tr data-strategy=\"", table->strategies[r], table->ranked[r] ? "\">" : "\" class=\"unranked\">");
    for (unsigned c = 0; c < table->columns; c++) {
        const char *text = table->cells[r * table->columns + c];
        if (!c)
            html_print_element(out, "<th scope=\"row\" class=\"left\">", text, table->ranked[r] ? "</th>" : " (not ranked)</th>");
        else
            html_print_element(out, table->left[c] ? "<td class=\"left words\">" : "<td>", text, "</td>");
    }
    fputs("</tr>\n", out);
}

void html_print_table(const struct page *page, const struct table *table, const char *id, const char *caption)
{
    begin_table(page->out, id, caption, true);
    fputs("<thead><tr>", page->out);
    for (unsigned c = 0; c < table->columns; c++)
        html_print_heading(page->out, *table->heading[c] ? table->heading[c] : "verdict", table->left[c]);
    fputs("</tr></thead>\n<tbody>\n", page->out);
    for (unsigned r = 0; r < table->rows; r++)
        print_row(page->out, table, r);
    html_end_table(page->out);
}
