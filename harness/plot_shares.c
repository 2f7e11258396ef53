/*
 * plot_shares: who got how much, of the connections where those are dealt and kept, of the requests elsewhere (chart_dealt). A
 * group of bars a strategy, the busiest worker first, over the band in which chance alone would put each rank; and, where requests
 * occupy workers, the same of the time they were occupied. Ranks are taken anew in each block and panel: a worker that is busiest
 * in one block need not be in the next.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>

#include "chart.h"
#include "csv.h"

#define BUSY_COLUMN 7 /* of workers.csv */

static bool is_shown(const struct drawing *drawing, const struct row *row)
{
    return chart_shows(drawing, row, false) && row->measured;
}

/* ---- busy time ---- */

/* server_busy_ns of workers.csv; false when the file is not there, is cut short or no worker was ever occupied. */
static bool read_busy(const char *path, double *busy, unsigned workers)
{
    struct csv csv;
    double sum = 0;
    unsigned read = 0;
    if (csv_open(&csv, path) < 0)
        return false;
    while (read < workers && csv_next(&csv) && csv_number(&csv, BUSY_COLUMN, &busy[read]))
        sum += busy[read++];
    csv_close(&csv);
    return read == workers && sum > 0;
}

/* Adds the sorted shares of one cell. */
static bool add_busy(const char *path, double *shares, unsigned workers)
{
    double *busy = memory_get(workers * sizeof(*busy)), sum = 0;
    bool known = read_busy(path, busy, workers);
    if (known)
        gsl_sort(busy, 1, workers);
    for (unsigned i = 0; i < workers; i++)
        sum += busy[i];
    for (unsigned i = 0; i < workers && known; i++)
        shares[i] += busy[workers - 1 - i] / sum;
    free(busy);
    return known;
}

/* The mean over the cells, the busiest first; false when no cell tells. */
static bool busy_shares(const struct drawing *drawing, const struct row *row, double *shares)
{
    unsigned cells = 0;
    for (const struct cell_record *cell = NULL; (cell = chart_next_cell(drawing, row, cell));) {
        char *path = chart_cell_path(drawing, cell, "workers.csv");
        cells += add_busy(path, shares, row->workers);
        free(path);
    }
    for (unsigned i = 0; i < row->workers && cells; i++)
        shares[i] /= cells;
    return cells > 0;
}

/* ---- bars ---- */

struct bars {
    unsigned groups, position;
    size_t longest;
    bool busy;
    double top; /* of all bars and bands, percent */
};

static void print_group(const struct drawing *drawing, const struct row *row, struct bars *bars, const double *busy)
{
    double *low = memory_get(row->workers * sizeof(*low)), *high = memory_get(row->workers * sizeof(*high));
    const double *shares = chart_dealt(drawing, row).shares;
    unsigned connections = (unsigned)(row->connections + 0.5);
    if (connections && row->workers > 1)
        statistics_chance_band(connections, row->workers, drawing->summary->results->seed, low, high);
    for (unsigned i = 0; i < row->workers; i++)
        bars->top = fmax(bars->top, 100 * fmax(shares[i], fmax(high[i], busy[i])));
    for (unsigned i = 0; i < row->workers; i++)
        fprintf(drawing->data, "%u %u %.6g %.6g %.6g %.6g %.6g\n", bars->position + i, chart_style(drawing, row->strategy),
                100 * shares[i], 100 * low[i], 100 * high[i], 100 * busy[i], 100.0 / row->workers);
    free(high);
    free(low);
}

/* The next items of the arrays that name the groups and say their Jain index. */
static void print_group_name(const struct drawing *drawing, const struct row *row, const struct bars *bars, const char *label)
{
    const struct estimate *jain = &row->of[chart_dealt(drawing, row).jain];
    fprintf(drawing->script, "group_at[%u] = %g\ngroup_name[%u] = ", bars->groups + 1, bars->position + (row->workers - 1) / 2.0,
            bars->groups + 1);
    chart_print_tic(drawing->script, label);
    fprintf(drawing->script, "\ngroup_jain[%u] = '%.2f'\ngroup_interval[%u] = '", bars->groups + 1, jain->median, bars->groups + 1);
    if (isfinite(jain->low))
        fprintf(drawing->script, "%.2f-%.2f", jain->low, jain->high);
    fputs("'\n", drawing->script);
}

static void add_group(struct drawing *drawing, const struct row *row, struct bars *bars)
{
    double *busy = memory_get(row->workers * sizeof(*busy));
    const struct dealt dealt = chart_dealt(drawing, row);
    char *label = chart_label(drawing, row), *jain = estimate_text(&row->of[dealt.jain], dealt.jain);
    bars->busy |= busy_shares(drawing, row, busy);
    print_group(drawing, row, bars, busy);
    print_group_name(drawing, row, bars, label);
    chart_say(drawing, " %s: the busiest of %u workers got %.1f %%, the idlest %.1f %%, Jain %s.", label, row->workers,
              100 * dealt.shares[0], 100 * dealt.shares[row->workers - 1], jain);
    bars->longest = strlen(label) > bars->longest ? strlen(label) : bars->longest;
    bars->position += row->workers + 2;
    bars->groups++;
    free(jain);
    free(label);
    free(busy);
}

static char *subtitle(const struct deal *deal)
{
    if (!deal->workers)
        return text_copy("numbers: Jain index; grey: 95 % of random deals of as many connections to as many workers");
    double chance = statistics_jain_by_chance((deal->fewest + deal->most) / 2, deal->workers);
    char *connections =
        deal->most - deal->fewest < 0.5 ? text_print("%.0f", deal->most) : text_print("%.0f to %.0f", deal->fewest, deal->most);
    char *text = text_print("numbers: Jain index; dealing %s connections at random gives %.2f; grey: 95 %% of such deals",
                            connections, chance);
    free(connections);
    return text;
}

/* What the bars are parts of: the same for all, since they are of one load. */
static void name_dealt(struct drawing *drawing, const char *what)
{
    drawing->title = strcmp(what, "connections") ? chart_shares.title : "Share of the connections of each worker, most first";
    fprintf(drawing->script, "dealt = '%s'\n", what);
    chart_say(drawing, "Share of the %s of each worker, sorted.", what);
}

static int write_shares(struct drawing *drawing)
{
    struct bars bars = {0};
    struct deal deal = {0};
    const unsigned most = drawing->summary->row_count;
    fprintf(drawing->script, "array group_at[%u]\narray group_name[%u]\narray group_jain[%u]\narray group_interval[%u]\n", most,
            most, most, most);
    fputs("# position style share_percent chance_low chance_high busy_percent even_percent\n", drawing->data);
    for (unsigned i = 0; i < drawing->summary->row_count; i++) {
        const struct row *row = &drawing->summary->rows[i];
        if (!is_shown(drawing, row))
            continue;
        if (!bars.groups)
            name_dealt(drawing, chart_dealt(drawing, row).what);
        if (row->workers > 1)
            chart_see_deal(&deal, row);
        add_group(drawing, row, &bars);
    }
    drawing->subtitle = deal.rows ? subtitle(&deal) : text_copy("numbers: Jain index");
    bool slanted = (bars.longest + 1) * bars.groups > 80;
    fprintf(drawing->script, "groups = %u\ntop = %.6g\nlast = %u\nbusy = %d\nslanted = %d\nname_length = %zu\nheight = %d\n",
            bars.groups, bars.top, bars.position ? bars.position - 2 : 1, bars.busy, slanted, bars.longest, bars.busy ? 620 : 460);
    return bars.groups ? 0 : -ENODATA;
}

const struct chart_kind chart_shares = {"shares", "Share of the requests of each worker, busiest first", true, write_shares};
