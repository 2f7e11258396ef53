/* chart: the pieces of chart.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "chart.h"

#define CHART_STYLES 18u /* in style.gp */

/* ---- rows ---- */

bool chart_shows(const struct drawing *drawing, const struct row *row, bool with_again)
{
    return (!drawing->experiment || row->experiment == drawing->index) && (with_again || !row->again) &&
           (!drawing->load || !strcmp(row->load, drawing->load));
}

char *chart_label(struct drawing *drawing, const struct row *row)
{
    char *label = row_label(drawing->summary, row);
    if (!row->ranked)
        text_replace(&label, text_print("%s *", label));
    drawing->starred |= !row->ranked;
    return label;
}

struct dealt chart_dealt(const struct drawing *drawing, const struct row *row)
{
    bool kept = drawing->experiment->requests_per_connection != 1 && !(row->rate > 0);
    return kept ? (struct dealt){row->dealt, METRIC_JAIN_CONNECTIONS, "connections"}
                : (struct dealt){row->shares, METRIC_JAIN_REQUESTS, "requests"};
}

void chart_see_deal(struct deal *deal, const struct row *row)
{
    deal->fewest = deal->rows ? fmin(deal->fewest, row->connections) : row->connections;
    deal->most = fmax(deal->most, row->connections);
    bool alike = deal->fewest >= 1 && deal->most <= 1.05 * deal->fewest && (!deal->rows || deal->workers == row->workers);
    deal->workers = alike ? row->workers : 0;
    deal->rows++;
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

char *chart_shorten(const char *text, size_t most)
{
    size_t count = 0, end = 0;
    for (size_t i = 0; text[i]; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue; /* a character of UTF-8 goes on */
        if (count == most - 3)
            end = i;
        count++;
    }
    return count > most ? text_print("%.*s...", (int)end, text) : text_copy(text);
}

static void print_quoted(FILE *out, const char *text, bool is_format)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("''", out);
        else if (strchr("{}_^@&~\\", *text))
            fprintf(out, "\\%c", *text);
        else if (*text == '%' && is_format)
            fputs("%%", out);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, out); /* the end of a line would be the end of the text */
    }
    fputc('\'', out);
}

void chart_print_quoted(FILE *out, const char *text)
{
    print_quoted(out, text, false);
}

void chart_print_tic(FILE *out, const char *text)
{
    print_quoted(out, text, true);
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

/* ---- styles ---- */

/* Has a strategy that stands before this one in the run got the style? */
static bool is_taken(const struct names *before, const unsigned *styles, unsigned style)
{
    for (size_t i = 0; i < before->count; i++)
        if (styles[i] == style)
            return true;
    return false;
}

/* Only programs outside of the tree can meet in one style; the later of two then takes the next one that is free. */
static unsigned free_style(const struct names *before, const unsigned *styles, const char *strategy)
{
    unsigned style = catalog_style(strategy);
    for (unsigned tries = 0; tries < CHART_STYLES && is_taken(before, styles, style); tries++)
        style = style % CHART_STYLES + 1;
    return style;
}

unsigned chart_style(const struct drawing *drawing, const char *strategy)
{
    const struct plan *plan = &drawing->summary->results->plan;
    struct names seen = {0};
    unsigned *styles = NULL, style = 0;
    for (unsigned e = 0; e < plan->count && !style; e++)
        for (size_t s = 0; s < plan->experiments[e].strategies.count && !style; s++) {
            const char *name = plan->experiments[e].strategies.items[s];
            if (names_hold(&seen, name))
                continue;
            unsigned its = free_style(&seen, styles, name);
            style = strcmp(name, strategy) ? 0 : its;
            names_add(&seen, name);
            styles = memory_grow(styles, seen.count * sizeof(*styles));
            styles[seen.count - 1] = its;
        }
    free(styles);
    names_free(&seen);
    return style ? style : catalog_style(strategy);
}

/* ---- rows with names ---- */

void chart_add_row_name(struct row_names *names, const struct drawing *drawing, const char *label)
{
    size_t length = strlen(label);
    fputs(names->count ? "set ytics add (" : "set ytics (", drawing->script);
    chart_print_tic(drawing->script, label);
    fprintf(drawing->script, " %u)\n", names->count);
    names->longest = length > names->longest ? length : names->longest;
    names->count++;
}

void chart_end_rows(const struct row_names *names, const struct drawing *drawing)
{
    fprintf(drawing->script, "rows = %u\nname_length = %zu\n", names->count, names->longest);
}

/* ---- curves ---- */

void chart_begin_curve(struct curves *curves, const struct drawing *drawing, const char *name, const char *strategy)
{
    char *style = text_print("%u", chart_style(drawing, strategy));
    names_add(&curves->names, name);
    names_add(&curves->styles, style);
    free(style);
}

void chart_end_curve(struct curves *curves, const struct drawing *drawing, double x, double y)
{
    size_t count = curves->names.count;
    curves->end_x = memory_grow(curves->end_x, count * sizeof(*curves->end_x));
    curves->end_y = memory_grow(curves->end_y, count * sizeof(*curves->end_y));
    curves->end_x[count - 1] = x;
    curves->end_y[count - 1] = y;
    fputs("\n\n", drawing->data);
}

void chart_see(struct curves *curves, double value)
{
    if (!isfinite(value) || value <= 0)
        return;
    curves->low = curves->low > 0 ? fmin(curves->low, value) : value;
    curves->high = fmax(curves->high, value);
}

struct placed {
    double at;
    unsigned index;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *one = a, *two = b;
    return (one->at > two->at) - (one->at < two->at);
}

void chart_spread(double *places, unsigned count, double gap, double low, double high)
{
    struct placed *order = memory_get((count + 1) * sizeof(*order));
    for (unsigned i = 0; i < count; i++)
        order[i] = (struct placed){isfinite(places[i]) ? places[i] : low, i};
    qsort(order, count, sizeof(*order), compare_placed);
    gap = count > 1 ? fmin(gap, (high - low) / (count - 1)) : gap;
    for (unsigned i = 0; i < count; i++)
        order[i].at = fmax(order[i].at, i ? order[i - 1].at + gap : low);
    for (unsigned i = count; i-- > 0;)
        order[i].at = fmin(order[i].at, i + 1 < count ? order[i + 1].at - gap : high);
    for (unsigned i = 0; i < count; i++)
        places[order[i].index] = order[i].at;
    free(order);
}

static void print_numbers(FILE *out, const char *name, const double *numbers, size_t count)
{
    fprintf(out, "array %s[%zu] = [", name, count + !count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, isfinite(numbers[i]) ? "%s%.6g" : "%sNaN", i ? ", " : "", numbers[i]);
    fputs("]\n", out);
}

#define NAME_GAP 0.048 /* of the axis, between two names */

/* The yrange, and where the names stand on it. */
static void print_places(struct curves *curves, const struct drawing *drawing, bool logarithmic)
{
    size_t count = curves->names.count;
    double low = logarithmic ? log10(curves->low * 0.75) : 0, high = logarithmic ? log10(curves->high * 1.35) : curves->high * 1.08;
    double *places = memory_get((count + 1) * sizeof(*places));
    for (size_t i = 0; i < count; i++)
        places[i] = logarithmic ? log10(curves->end_y[i]) : curves->end_y[i];
    chart_spread(places, (unsigned)count, NAME_GAP * (high - low), low + 0.02 * (high - low), high - 0.02 * (high - low));
    for (size_t i = 0; i < count && logarithmic; i++)
        places[i] = pow(10, places[i]);
    fprintf(drawing->script, "set yrange [%.6g:%.6g]\n", logarithmic ? pow(10, low) : low, logarithmic ? pow(10, high) : high);
    print_numbers(drawing->script, "name_y", places, count);
    free(places);
}

static void print_names(const struct curves *curves, const struct drawing *drawing)
{
    size_t count = curves->names.count, longest = 0;
    fprintf(drawing->script, "curves = %zu\narray curve_name[%zu] = [", count, count + !count);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(curves->names.items[i]);
        longest = length > longest ? length : longest;
        fputs(i ? ", " : "", drawing->script);
        chart_print_quoted(drawing->script, curves->names.items[i]);
    }
    char *styles = names_join(&curves->styles, ", ");
    fprintf(drawing->script, "]\narray curve_style[%zu] = [%s]\nname_length = %zu\n", count + !count, styles, longest);
    free(styles);
}

int chart_end_curves(struct curves *curves, const struct drawing *drawing, bool logarithmic)
{
    size_t count = curves->names.count;
    if (curves->high > 0) {
        print_names(curves, drawing);
        print_numbers(drawing->script, "end_x", curves->end_x, count);
        print_numbers(drawing->script, "end_y", curves->end_y, count);
        print_places(curves, drawing, logarithmic);
    }
    names_free(&curves->names);
    names_free(&curves->styles);
    free(curves->end_x);
    free(curves->end_y);
    return count && curves->high > 0 ? 0 : -ENODATA;
}

/* ---- words ---- */

void chart_say(struct drawing *drawing, const char *format, ...)
{
    va_list arguments;
    char *more;
    va_start(arguments, format);
    int length = vasprintf(&more, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    text_replace(&drawing->alt, text_print("%s%s", drawing->alt ? drawing->alt : "", more));
    free(more);
}
