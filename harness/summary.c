/*
 * summary: groups cells into rows and lets statistics.c speak.
 *
 * A block counts unless it was thrown out; where more than 30 % were, the machine is too noisy to judge on: then all blocks are
 * shown and no verdict is given. Within a block a strategy is held against the baseline's first run of the same load; the
 * baseline's second run is held against it, too, and that A/A ratio says how much a ratio means here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>

#include "base/file.h"

#include "summary.h"

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
    return row;
}

static void add_shares(struct row *row, const struct cell_record *cell)
{
    double sum = 0, connections = 0, *sorted = memory_get(cell->workers * sizeof(*sorted));
    for (unsigned i = 0; i < cell->workers; i++) {
        sum += cell->requests[i];
        connections += cell->connections[i];
        sorted[i] = -cell->requests[i]; /* ascending in the negative: the busiest first */
    }
    gsl_sort(sorted, 1, cell->workers);
    for (unsigned i = 0; i < cell->workers && sum > 0; i++)
        row->shares[i] += -sorted[i] / sum;
    row->connections += connections;
    free(sorted);
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

/* ---- comparing ---- */

static const struct row *find_partner(const struct summary *summary, const struct row *row, bool again)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    const struct row *found = NULL;
    for (unsigned i = 0; experiment->baseline && i < summary->row_count; i++) {
        const struct row *other = &summary->rows[i];
        if (other->experiment != row->experiment || other->again != again || strcmp(other->load, row->load) ||
            strcmp(other->strategy, experiment->baseline))
            continue;
        if (!found || other->workers == row->workers)
            found = other;
    }
    return found;
}

const struct row *summary_baseline(const struct summary *summary, const struct row *row)
{
    return find_partner(summary, row, false);
}

const struct row *summary_again(const struct summary *summary, const struct row *row)
{
    return find_partner(summary, row, true);
}

static void compare_metric(const struct summary *summary, struct row *row, const struct row *baseline, const struct row *again,
                           int m)
{
    unsigned count = summary->block_count;
    struct estimate again_ratio = {.low = NAN, .high = NAN};
    if (again && again->ranked)
        again_ratio = estimate_ratio(again->values[m], baseline->values[m], count);
    row->delta[m] = estimate_delta(&again_ratio);
    row->ratio[m] = estimate_ratio(row->values[m], baseline->values[m], count);
    if (row->baseline || row->again || !summary->verdicts || !isfinite(again_ratio.low))
        return;
    row->verdict[m] = estimate_voids(&again_ratio) ? VERDICT_VOID : estimate_verdict(&row->ratio[m], row->delta[m]);
}

static void compare_row(const struct summary *summary, struct row *row)
{
    const struct row *baseline = summary_baseline(summary, row), *again = summary_again(summary, row);
    for (int m = 0; m < METRIC_COUNT && baseline && baseline->ranked && row->ranked; m++)
        compare_metric(summary, row, baseline, again, m);
}

static void finish_row(const struct summary *summary, struct row *row)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        row->of[m] = estimate_of(row->values[m], summary->block_count);
        row->ratio[m] = (struct estimate){.median = NAN, .low = NAN, .high = NAN};
    }
    for (unsigned i = 0; i < row->workers && row->measured; i++)
        row->shares[i] /= row->measured;
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
    for (unsigned i = 0; i < summary->row_count; i++)
        compare_row(summary, &summary->rows[i]);
}

void summary_free(struct summary *summary)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        for (int m = 0; m < METRIC_COUNT; m++)
            free(summary->rows[i].values[m]);
        free(summary->rows[i].shares);
    }
    free(summary->rows);
    free(summary->blocks);
    *summary = (struct summary){0};
}

/* ---- words ---- */

char *row_label(const struct summary *summary, const struct row *row)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    const char *again = row->again ? " (again)" : "";
    if (experiment->workers_count > 1)
        return text_print("%s, %u workers%s", row->strategy, row->workers, again);
    return text_print("%s%s", row->strategy, again);
}

/* 131,000: whole thousands are easier to read apart. */
static char *number_text(double value, int decimals)
{
    char *plain = text_print("%.*f", decimals, value);
    size_t whole = strcspn(plain, ".") - (*plain == '-');
    if (decimals || whole < 4)
        return plain;
    char *grouped = text_copy("");
    for (size_t i = 0; plain[i]; i++)
        text_replace(&grouped,
                     text_print("%s%s%c", grouped, i && (strlen(plain) - i) % 3 == 0 && plain[i - 1] != '-' ? "," : "", plain[i]));
    free(plain);
    return grouped;
}

char *estimate_text(const struct estimate *estimate, enum metric metric)
{
    if (!isfinite(estimate->median))
        return text_copy("-");
    double factor = metrics[metric].factor;
    int decimals = metrics[metric].decimals;
    char *median = number_text(estimate->median * factor, decimals), *text = median;
    if (isfinite(estimate->low)) {
        char *low = number_text(estimate->low * factor, decimals), *high = number_text(estimate->high * factor, decimals);
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

char *verdict_text(const struct row *row, enum metric metric)
{
    const struct estimate *ratio = &row->ratio[metric];
    switch (row->verdict[metric]) {
    case VERDICT_NONE:
        return text_copy("");
    case VERDICT_UNDECIDED:
        return text_print("undecided; could be %+.0f..%+.0f %%", 100 * (ratio->low - 1), 100 * (ratio->high - 1));
    case VERDICT_VOID:
        return text_copy("void: the A/A pair differs");
    default:
        return text_copy(verdict_names[row->verdict[metric]]);
    }
}

/* ---- files ---- */

static void print_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.9g", value);
    else
        fputc(',', out);
}

static void print_line(FILE *out, const struct summary *summary, const struct row *row, int m)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    fprintf(out, "%s,%s%s,%u,%s,%s,%u", experiment->name, row->strategy, row->again ? ".again" : "", row->workers, row->load,
            metrics[m].name, row->of[m].n);
    const double numbers[] = {row->of[m].median,
                              row->of[m].low,
                              row->of[m].high,
                              row->of[m].coverage > 0 ? row->of[m].coverage : NAN,
                              row->ratio[m].n ? row->ratio[m].median : NAN,
                              row->ratio[m].n ? row->ratio[m].low : NAN,
                              row->ratio[m].n ? row->ratio[m].high : NAN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        print_number(out, numbers[i]);
    fprintf(out, ",%s,%u\n", verdict_names[row->verdict[m]], row->cells - row->ranked);
}

static int write_csv(const struct summary *summary)
{
    char *path = text_print("%s/summary.csv", summary->results->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    free(path);
    if (result < 0)
        return result;
    fputs(
        "experiment,strategy,workers,load,metric,n,median,low,high,coverage,ratio,ratio_low,ratio_high,verdict,cells_not_ranked\n",
        draft.out);
    for (unsigned i = 0; i < summary->row_count; i++)
        for (int m = 0; m < METRIC_COUNT; m++)
            print_line(draft.out, summary, &summary->rows[i], m);
    return file_commit(&draft);
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *estimate_json(const struct estimate *estimate)
{
    json_t *json = json_object();
    json_object_set_new(json, "n", json_integer(estimate->n));
    json_object_set_new(json, "median", number_or_null(estimate->median));
    json_object_set_new(json, "low", number_or_null(estimate->low));
    json_object_set_new(json, "high", number_or_null(estimate->high));
    json_object_set_new(json, "coverage", estimate->coverage > 0 ? json_real(estimate->coverage) : json_null());
    return json;
}

static json_t *row_json(const struct summary *summary, const struct row *row)
{
    json_t *json = json_object(), *all = json_object();
    json_object_set_new(json, "experiment", json_string(summary->results->plan.experiments[row->experiment].name));
    json_object_set_new(json, "strategy", json_string(row->strategy));
    json_object_set_new(json, "again", json_boolean(row->again));
    json_object_set_new(json, "workers", json_integer(row->workers));
    json_object_set_new(json, "load", json_string(row->load));
    json_object_set_new(json, "rate", json_real(row->rate));
    json_object_set_new(json, "cells", json_integer(row->cells));
    json_object_set_new(json, "ranked", json_integer(row->ranked));
    json_object_set_new(json, "failure", row->failure ? json_string(row->failure) : json_null());
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (!row->of[m].n)
            continue;
        json_t *metric = estimate_json(&row->of[m]);
        json_object_set_new(metric, "ratio", row->ratio[m].n ? estimate_json(&row->ratio[m]) : json_null());
        json_object_set_new(metric, "verdict", json_string(verdict_names[row->verdict[m]]));
        json_object_set_new(metric, "delta", row->delta[m] > 0 ? json_real(row->delta[m]) : json_null());
        json_object_set_new(all, metrics[m].name, metric);
    }
    json_object_set_new(json, "metrics", all);
    json_t *shares = json_array();
    for (unsigned i = 0; i < row->workers && row->measured; i++)
        json_array_append_new(shares, json_real(row->shares[i]));
    json_object_set_new(json, "shares", shares);
    return json;
}

static int write_json(const struct summary *summary)
{
    json_t *json = json_object(), *rows = json_array();
    json_object_set_new(json, "schema", json_string("clusterbench.summary/1"));
    json_object_set_new(json, "plan", json_string(summary->results->plan.name));
    json_object_set_new(json, "blocks", json_integer(summary->block_count));
    json_object_set_new(json, "rejected", json_integer(summary->rejected));
    json_object_set_new(json, "no_verdicts_because",
                        summary->no_verdicts_because ? json_string(summary->no_verdicts_because) : json_null());
    for (unsigned i = 0; i < summary->row_count; i++)
        json_array_append_new(rows, row_json(summary, &summary->rows[i]));
    json_object_set_new(json, "rows", rows);
    char *path = text_print("%s/summary.json", summary->results->folder);
    int result = file_write_json(path, json);
    free(path);
    json_decref(json);
    return result;
}

int summary_write(const struct summary *summary)
{
    int result = write_csv(summary);
    return result ? result : write_json(summary);
}
