/* chart: the pieces of chart.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"

/* ---- rows ---- */

bool chart_shows(const struct drawing *drawing, const struct row *row, bool with_again)
{
    return row->experiment == drawing->index && (with_again || !row->again) &&
           (!drawing->load || !strcmp(row->load, drawing->load));
}

char *chart_label(const struct drawing *drawing, const struct row *row)
{
    char *label = row_label(drawing->summary, row);
    if (!row->ranked)
        text_replace(&label, text_print("%s *", label));
    return label;
}

static bool cell_of_row(const struct cell_record *cell, const struct row *row)
{
    return cell->requests && (cell->ranked || !row->ranked) && cell->experiment == row->experiment &&
           cell->workers == row->workers && cell->again == row->again && !strcmp(cell->strategy, row->strategy) &&
           !strcmp(cell->load, row->load);
}

static bool block_counts(const struct summary *summary, unsigned number)
{
    for (unsigned i = 0; i < summary->block_count; i++)
        if (summary->blocks[i] == number)
            return true;
    return false;
}

const struct cell_record *chart_next_cell(const struct drawing *drawing, const struct row *row, const struct cell_record *last)
{
    const struct results *results = drawing->summary->results;
    for (size_t i = last ? (size_t)(last - results->cells) + 1 : 0; i < results->cell_count; i++)
        if (cell_of_row(&results->cells[i], row) && block_counts(drawing->summary, results->cells[i].block))
            return &results->cells[i];
    return NULL;
}

char *chart_cell_path(const struct drawing *drawing, const struct cell_record *cell, const char *file)
{
    return text_print("%s/cells/%s/%s", drawing->summary->results->folder, cell->folder, file);
}

/* ---- pieces ---- */

void chart_print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("''", out);
        else if (strchr("{}_^@&~\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
    fputc('\'', out);
}

void chart_print_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    chart_print_quoted(out, text);
    fputc('\n', out);
}

static double shown(const struct estimate *estimate, enum metric metric, double value)
{
    return (isfinite(value) ? value : estimate->median) * metrics[metric].factor;
}

void chart_print_estimate(FILE *out, const struct estimate *estimate, enum metric metric)
{
    if (!isfinite(estimate->median))
        fputs(" NaN NaN NaN", out);
    else
        fprintf(out, " %.6g %.6g %.6g", shown(estimate, metric, NAN), shown(estimate, metric, estimate->low),
                shown(estimate, metric, estimate->high));
}

/* ---- curves ---- */

void chart_begin_curve(struct curves *curves, const struct drawing *drawing, const struct row *row)
{
    char *label = chart_label(drawing, row), *style = text_print("%u", catalog_style(row->strategy));
    names_add(&curves->names, label);
    names_add(&curves->styles, style);
    free(style);
    free(label);
}

void chart_end_curve(const struct drawing *drawing)
{
    fputs("\n\n", drawing->data);
}

int chart_end_curves(struct curves *curves, const struct drawing *drawing)
{
    size_t count = curves->names.count;
    fprintf(drawing->script, "curves = %zu\narray curve_name[%zu] = [", count, count + !count);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", drawing->script);
        chart_print_quoted(drawing->script, curves->names.items[i]);
    }
    char *styles = names_join(&curves->styles, ", ");
    fprintf(drawing->script, "]\narray curve_style[%zu] = [%s]\n", count + !count, styles);
    free(styles);
    names_free(&curves->names);
    names_free(&curves->styles);
    return count ? 0 : -ENODATA;
}
