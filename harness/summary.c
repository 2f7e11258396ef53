/*
 * summary: groups cells into rows of estimates. summary_compare.c holds the rows against each other, summary_files.c writes them.
 *
 * A block counts unless it was thrown out; where more than 30 % were, the machine is too noisy to judge on: then all blocks are
 * shown and no verdict is given.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>

#include "bootstrap.h"
#include "summary.h"
#include "summary_parts.h"

#define REJECTED_MOST 0.3

/* ---- which blocks count ---- */

static void choose_blocks(struct summary *summary)
{
    const struct results *results = summary->results;
    for (unsigned i = 0; i < results->block_count; i++)
        summary->rejected += !results->blocks[i].accepted;
    bool too_noisy = summary->rejected > REJECTED_MOST * results->block_count;
    summary->blocks = memory_get((results->block_count + 1) * sizeof(*summary->blocks));
    for (unsigned i = 0; i < results->block_count; i++)
        if (too_noisy || results->blocks[i].accepted)
            summary->blocks[summary->block_count++] = results->blocks[i].number;
    if (!results->plan.verdicts)
        summary->no_verdicts_because = "No verdicts: this plan only shows that everything works";
    else if (too_noisy)
        summary->no_verdicts_because = "No verdicts: more than 30 % of the blocks were disturbed, all of them are shown";
    else if (summary->block_count < 6)
        summary->no_verdicts_because = "No verdicts: below six blocks no 95 % interval of a median exists";
    summary->verdicts = !summary->no_verdicts_because;
}

static int block_position(const struct summary *summary, unsigned number)
{
    for (unsigned i = 0; i < summary->block_count; i++)
        if (summary->blocks[i] == number)
            return (int)i;
    return -1;
}

/* ---- rows ---- */

static bool belongs(const struct row *row, const struct cell_record *cell)
{
    return row->experiment == cell->experiment && row->again == cell->again && row->workers == cell->workers &&
           !strcmp(row->strategy, cell->strategy) && !strcmp(row->load, cell->load);
}

static struct row *find_row(struct summary *summary, const struct cell_record *cell)
{
    for (unsigned i = 0; i < summary->row_count; i++)
        if (belongs(&summary->rows[i], cell))
            return &summary->rows[i];
    return NULL;
}

static double *make_values(unsigned count)
{
    double *values = memory_get(count * sizeof(*values));
    for (unsigned i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

static struct row *add_row(struct summary *summary, const struct cell_record *cell)
{
    const struct experiment *experiment = &summary->results->plan.experiments[cell->experiment];
    summary->rows = memory_grow(summary->rows, (summary->row_count + 1) * sizeof(*summary->rows));
    struct row *row = &summary->rows[summary->row_count++];
    *row = (struct row){
        .experiment = cell->experiment,
        .strategy = cell->strategy,
        .load = cell->load,
        .workers = cell->workers,
        .again = cell->again,
        .rate = cell->rate,
    };
    row->baseline = experiment->baseline && !cell->again && !strcmp(experiment->baseline, cell->strategy);
    for (int m = 0; m < METRIC_COUNT; m++)
        row->values[m] = make_values(summary->block_count);
    row->shares = memory_get(cell->workers * sizeof(*row->shares));
    row->dealt = memory_get(cell->workers * sizeof(*row->dealt));
    return row;
}

/* Adds what part of all each worker had, the one that had most first; returns how many there were in all. */
static double add_sorted(double *shares, const double *counts, unsigned workers)
{
    double sum = 0, *sorted = memory_get(workers * sizeof(*sorted));
    for (unsigned i = 0; i < workers; i++) {
        sum += counts[i];
        sorted[i] = -counts[i]; /* ascending in the negative: the busiest first */
    }
    gsl_sort(sorted, 1, workers);
    for (unsigned i = 0; i < workers && sum > 0; i++)
        shares[i] += -sorted[i] / sum;
    free(sorted);
    return sum;
}

static void add_shares(struct row *row, const struct cell_record *cell)
{
    add_sorted(row->shares, cell->requests, cell->workers);
    row->connections += add_sorted(row->dealt, cell->connections, cell->workers);
}

static void count_cell(struct summary *summary, const struct cell_record *cell)
{
    if (block_position(summary, cell->block) < 0)
        return;
    struct row *row = find_row(summary, cell);
    if (!row)
        row = add_row(summary, cell);
    row->cells++;
    row->ranked += cell->ranked && cell->requests;
    if (!cell->ranked && !row->failure)
        row->failure = cell->failure ? cell->failure : "not ranked";
}

/* After all were counted: what is not ranked is taken in only where nothing better is there to be shown. */
static void add_cell(struct summary *summary, const struct cell_record *cell)
{
    int position = block_position(summary, cell->block);
    struct row *row = position < 0 ? NULL : find_row(summary, cell);
    if (!row || !cell->requests || (row->ranked && !cell->ranked))
        return;
    row->measured++;
    for (int m = 0; m < METRIC_COUNT; m++)
        row->values[m][position] = cell->value[m];
    add_shares(row, cell);
}

static unsigned load_position(const struct experiment *experiment, const char *label)
{
    for (unsigned l = 0; l < experiment->loads_count; l++) {
        char *of_plan = load_label(&experiment->loads[l]);
        bool same = !strcmp(of_plan, label);
        free(of_plan);
        if (same)
            return l;
    }
    return experiment->loads_count;
}

static unsigned strategy_position(const struct experiment *experiment, const char *strategy)
{
    unsigned s = 0;
    while (s < experiment->strategies.count && strcmp(experiment->strategies.items[s], strategy))
        s++;
    return s;
}

/* Where a row stands in the plan's order, as one number. */
static uint64_t row_order(const struct summary *summary, const struct row *row)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    uint64_t order = row->experiment;
    order = order << 8 | load_position(experiment, row->load);
    order = order << 16 | strategy_position(experiment, row->strategy);
    order = order << 12 | row->workers;
    return order << 1 | row->again;
}

static void sort_rows(struct summary *summary)
{
    for (unsigned i = 1; i < summary->row_count; i++) { /* by insertion: there are dozens */
        struct row row = summary->rows[i];
        unsigned j = i;
        for (; j && row_order(summary, &summary->rows[j - 1]) > row_order(summary, &row); j--)
            summary->rows[j] = summary->rows[j - 1];
        summary->rows[j] = row;
    }
}

/* ---- the whole ---- */

static void finish_row(const struct summary *summary, struct row *row)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        bool jain = m == METRIC_JAIN_REQUESTS || m == METRIC_JAIN_CONNECTIONS;
        row->of[m] = jain ? bootstrap_estimate(row->values[m], summary->block_count, summary->results->seed)
                          : estimate_of(row->values[m], summary->block_count);
        row->ratio[m] = row->difference[m] = (struct estimate){.median = NAN, .low = NAN, .high = NAN};
        row->p[m] = row->p_holm[m] = NAN;
    }
    for (unsigned i = 0; i < row->workers && row->measured; i++) {
        row->shares[i] /= row->measured;
        row->dealt[i] /= row->measured;
    }
    if (row->measured)
        row->connections /= row->measured;
}

void summary_make(struct summary *summary, const struct results *results)
{
    *summary = (struct summary){.results = results};
    choose_blocks(summary);
    for (unsigned i = 0; i < results->cell_count; i++)
        count_cell(summary, &results->cells[i]);
    for (unsigned i = 0; i < results->cell_count; i++)
        add_cell(summary, &results->cells[i]);
    sort_rows(summary);
    for (unsigned i = 0; i < summary->row_count; i++)
        finish_row(summary, &summary->rows[i]);
    summary_compare(summary);
    summary_find_powers(summary);
    summary_find_trends(summary);
}

void summary_free(struct summary *summary)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        for (int m = 0; m < METRIC_COUNT; m++)
            free(summary->rows[i].values[m]);
        free(summary->rows[i].shares);
        free(summary->rows[i].dealt);
    }
    summary_free_trends(summary);
    free(summary->powers);
    free(summary->rows);
    free(summary->blocks);
    *summary = (struct summary){0};
}

const char *summary_highest_load(const struct summary *summary, unsigned experiment)
{
    const struct row *highest = NULL;
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (row->experiment == experiment && (!highest || row->rate >= highest->rate))
            highest = row;
    }
    return highest ? highest->load : "";
}

/* ---- words ---- */

char *row_label(const struct summary *summary, const struct row *row)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    const char *again = row->again ? " (again)" : "";
    if (experiment->workers_count > 1)
        return text_print("%s, %u worker%s%s", row->strategy, row->workers, row->workers == 1 ? "" : "s", again);
    return text_print("%s%s", row->strategy, again);
}

char *estimate_text(const struct estimate *estimate, enum metric metric)
{
    if (!isfinite(estimate->median))
        return text_copy("-");
    char *median = metric_text(estimate->median, metric), *text = median;
    if (isfinite(estimate->low)) {
        char *low = metric_text(estimate->low, metric), *high = metric_text(estimate->high, metric);
        text = text_print("%s [%s, %s]", median, low, high);
        free(low);
        free(high);
        free(median);
    }
    return text;
}

char *ratio_text(const struct estimate *ratio)
{
    if (!isfinite(ratio->median))
        return text_copy("-");
    if (!isfinite(ratio->low))
        return text_print("%.2f", ratio->median);
    return text_print("%.2f [%.2f, %.2f]", ratio->median, ratio->low, ratio->high);
}

static char *undecided_text(const struct row *row, enum metric metric)
{
    const struct estimate *against = row_against(row, metric);
    bool by_luck = contrast_verdict(metric, against, row->delta[metric]) == VERDICT_DIFFERENT;
    char *range = contrast_range(metric, against), *text;
    text = text_print("undecided; could be %s%s", range, by_luck ? ", or luck (Holm)" : "");
    free(range);
    return text;
}

/* Where more than the least counts as the same, how much. */
static char *same_text(const struct row *row, enum metric metric)
{
    double delta = row->delta[metric];
    if (metrics[metric].by == BY_RATIO ? delta <= DELTA_LEAST : delta <= 0)
        return text_copy(verdict_names[VERDICT_SAME]);
    char *size = contrast_size(metric, delta), *text = text_print("%s within %s", verdict_names[VERDICT_SAME], size);
    free(size);
    return text;
}

char *verdict_text(const struct row *row, enum metric metric)
{
    switch (row->verdict[metric]) {
    case VERDICT_NONE:
        return text_copy("");
    case VERDICT_SAME:
        return same_text(row, metric);
    case VERDICT_UNDECIDED:
        return undecided_text(row, metric);
    case VERDICT_VOID:
        return text_copy("void: the A/A pair differs");
    default:
        return text_copy(verdict_names[row->verdict[metric]]);
    }
}

static enum metric primary_of(const struct summary *summary, unsigned experiment)
{
    return summary->results->plan.experiments[experiment].primary;
}

/* "5.2 %", "12 ms", "any size", "none at all". */
static char *power_size(enum metric metric, double difference)
{
    if (difference <= 0) /* these blocks do not spread at all */
        return text_copy("any size");
    return isfinite(difference) ? contrast_size(metric, difference) : text_copy("none at all");
}

/* The spread over the rows, where there is one. */
static char *power_range_text(const struct summary *summary, const struct power *power, enum metric metric)
{
    if (power->comparisons < 2)
        return text_copy("");
    char *least = power_size(metric, power->least.difference), *least_name = row_label(summary, power->least.row);
    char *most = power_size(metric, power->most.difference), *most_name = row_label(summary, power->most.row);
    char *text = strcmp(least, most) ? text_print(" (the middle of %u comparisons: from %s with %s to %s with %s)",
                                                  power->comparisons, least, least_name, most, most_name)
                                     : text_print(" (in each of %u comparisons)", power->comparisons);
    free(least);
    free(least_name);
    free(most);
    free(most_name);
    return text;
}

char *power_text(const struct summary *summary, unsigned experiment)
{
    const struct power *power = &summary->powers[experiment];
    if (!power->comparisons)
        return text_copy("");
    if (!isfinite(power->median))
        return text_print("With these %u blocks and %u comparisons no difference, however large, would be seen in 8 of 10 runs: "
                          "more blocks are needed.",
                          summary->block_count, power->comparisons);
    enum metric metric = primary_of(summary, experiment);
    char *middle = power_size(metric, power->median), *range = power_range_text(summary, power, metric), *text;
    text =
        text_print("With these %u blocks a difference of %s would be seen in 8 of 10 runs%s.", summary->block_count, middle, range);
    free(middle);
    free(range);
    return text;
}

char *basis_text(const struct summary *summary)
{
    double coverage;
    if (summary->no_verdicts_because || !estimate_rank(summary->block_count, &coverage))
        return text_print("%s.", summary->no_verdicts_because ? summary->no_verdicts_because : "No verdicts");
    return text_print("Figures are medians of %u blocks with %.1f %% intervals. %s", summary->block_count, 100 * coverage,
                      summary->adjusted ? "A difference has also passed the sign test, corrected by Holm for all comparisons of "
                                          "its experiment and metric."
                                        : "Verdicts are not adjusted for the number of comparisons: that takes ten blocks.");
}
