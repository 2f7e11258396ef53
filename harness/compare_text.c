/*
 * compare_text: the words of a comparison, its tables, and all of it for a terminal.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_parts.h"
#include "contrast.h"

/* ---- sentences ---- */

static const char *text_in(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "not recorded";
}

char *compare_side_text(const struct side *side)
{
    const json_t *versions = json_object_get(side->machine, "versions");
    return text_tame(text_print("%s: plan %s, %u block%s, started %s, commit %.12s", side->results.folder, side->results.plan.name,
                                side->summary.block_count, side->summary.block_count == 1 ? "" : "s",
                                text_in(side->results.run, "started"), text_in(versions, "commit")));
}

static bool has_differences(const struct comparison *comparison)
{
    for (unsigned i = 0; i < comparison->count; i++)
        if (metrics[comparison->items[i].metric].by == BY_DIFFERENCE)
            return true;
    return false;
}

char *compare_basis_text(const struct comparison *comparison)
{
    bool relative = comparison->settings->reading == READING_RELATIVE;
    return text_print(
        "B/A below 1 means that the figure is smaller in B. %s Intervals are Hodges and Lehmann's, of blocks that are no "
        "pairs. \"worse\" and \"better\" have passed the rank sum test after Holm's correction for %u comparison%s.%s",
        relative ? "Judged is how each row stands against the baseline of its own run; figures of two moments (\"B/A, "
                   "figures\") tell of the machine, too."
                 : "Judged are the figures themselves (--reading absolute): of two moments, so that a machine that was "
                   "slower once is taken for a difference.",
        comparison->judged, comparison->judged == 1 ? "" : "s",
        has_differences(comparison) ? " Where 0 is a good figure there is no ratio, and B - A stands in its place." : "");
}

static struct estimate as_estimate(const struct shift *shift)
{
    return (struct estimate){
        .n = shift->a < shift->b ? shift->a : shift->b, .median = shift->middle, .low = shift->low, .high = shift->high};
}

static char *range_text(const struct comparison *comparison, const struct compared *item)
{
    const struct estimate of = as_estimate(compare_reading(comparison, item));
    char *range = contrast_range(item->metric, &of), *text = text_print("could be %s", range);
    free(range);
    return text;
}

/* "6 of 10 cells of B", "9 of 10 cells of A, 6 of 10 of B", or "" where all count. The caller frees. */
static char *cells_text(const struct comparison *comparison, const struct compared *item)
{
    unsigned of_a = comparison->a.summary.block_count, of_b = comparison->b.summary.block_count;
    unsigned a = compare_cells(item->a, item->metric, of_a), b = compare_cells(item->b, item->metric, of_b);
    if (!item->a->ranked || !item->b->ranked)
        return text_copy(""); /* said already */
    if (a < of_a && b < of_b)
        return text_print("%u of %u cells of A, %u of %u of B", a, of_a, b, of_b);
    if (a < of_a || b < of_b)
        return text_print("%u of %u cells of %c", a < of_a ? a : b, a < of_a ? of_a : of_b, a < of_a ? 'A' : 'B');
    return text_copy("");
}

static char *outcome_text(const struct comparison *comparison, const struct compared *item)
{
    const char *name = outcome_names[item->outcome];
    switch (item->outcome) {
    case OUTCOME_NONE:
        return text_copy(item->role == ROLE_AGAIN ? "" : item->why);
    case OUTCOME_VOID:
        return text_print("void: %s", item->why);
    case OUTCOME_UNDECIDED:
    case OUTCOME_NO_WORSE: {
        char *range = range_text(comparison, item),
             *text = text_print("%s; %s%s%s%s", name, range, item->by_luck ? ", or luck (Holm)" : "", item->why ? "; " : "",
                                item->why ? item->why : "");
        free(range);
        return text;
    }
    default:
        return text_copy(name);
    }
}

char *compare_verdict_text(const struct comparison *comparison, const struct compared *item)
{
    char *text = outcome_text(comparison, item), *cells = cells_text(comparison, item);
    if (*cells)
        text_replace(&text, text_print("%s%s%s", text, *text ? "; " : "", cells));
    free(cells);
    return text;
}

static char *item_label(const struct comparison *comparison, const struct compared *item)
{
    const struct summary *summary = &comparison->a.summary;
    char *label = row_label(summary, item->a);
    if (summary->results->plan.experiments[item->a->experiment].loads_count > 1)
        text_replace(&label, text_print("%s at %s", label, item->a->load));
    return label;
}

/* "churn proxied, churn shared", of all items with that outcome. */
static char *list_outcome(const struct comparison *comparison, enum outcome outcome)
{
    struct names list = {0};
    for (unsigned i = 0; i < comparison->count; i++) {
        const struct compared *item = &comparison->items[i];
        if (item->outcome != outcome)
            continue;
        char *label = item_label(comparison, item),
             *line = text_print("%s %s (%s)", comparison->a.results.plan.experiments[item->a->experiment].name, label,
                                metrics[item->metric].name);
        names_add(&list, line);
        free(line);
        free(label);
    }
    char *text = names_join(&list, ", ");
    names_free(&list);
    return text;
}

static char *counts_text(const struct comparison *comparison)
{
    static const enum outcome order[] = {OUTCOME_WORSE,     OUTCOME_BETTER, OUTCOME_SAME, OUTCOME_NO_WORSE,
                                         OUTCOME_UNDECIDED, OUTCOME_VOID,   OUTCOME_NONE};
    struct names list = {0};
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        if (!comparison->outcomes[order[i]])
            continue;
        char *count =
            text_print("%u %s", comparison->outcomes[order[i]], order[i] == OUTCOME_NONE ? "not judged" : outcome_names[order[i]]);
        names_add(&list, count);
        free(count);
    }
    char *text = list.count ? names_join(&list, ", ") : text_copy("nothing was judged");
    names_free(&list);
    if (comparison->moved)
        text_replace(&text, text_print("%s, %u baseline%s moved", text, comparison->moved, comparison->moved == 1 ? "" : "s"));
    if (comparison->widest_delta > 0)
        text_replace(&text, text_print("%s; delta up to %.0f %%", text, 100 * comparison->widest_delta));
    return text;
}

char *compare_end_text(const struct comparison *comparison)
{
    char *counts = counts_text(comparison), *text;
    if (comparison->no_verdicts_because) {
        text = text_print("Undecided: %s.", comparison->no_verdicts_because);
    } else if (comparison->outcomes[OUTCOME_WORSE]) {
        char *list = list_outcome(comparison, OUTCOME_WORSE);
        text = text_print("B is worse: %s (%s).", list, counts);
        free(list);
    } else {
        text =
            text_print(compare_status(comparison) == COMPARE_NO_WORSE ? "B is no worse than A (%s)." : "Undecided (%s).", counts);
    }
    free(counts);
    return text;
}

/* ---- tables ---- */

bool compare_next_group(const struct comparison *comparison, struct compare_group *group)
{
    group->first = group->end;
    while (group->end < comparison->count &&
           comparison->items[group->end].a->experiment == comparison->items[group->first].a->experiment &&
           comparison->items[group->end].metric == comparison->items[group->first].metric)
        group->end++;
    return group->end > group->first;
}

char *compare_group_text(const struct comparison *comparison, const struct compare_group *group)
{
    const struct compared *item = &comparison->items[group->first];
    const struct experiment *experiment = &comparison->a.results.plan.experiments[item->a->experiment];
    const struct metric_row *metric = &metrics[item->metric];
    return text_tame(text_print("%s: %s%s%s (%s is better)", experiment->name, metric->label, *metric->unit ? ", " : "",
                                metric->unit, metric->better < 0 ? "less" : "more"));
}

static char *shift_text(const struct compared *item, const struct shift *shift)
{
    const struct estimate of = as_estimate(shift);
    return contrast_text(item->metric, &of);
}

static char *delta_text(const struct compared *item)
{
    return isfinite(item->delta) ? contrast_size(item->metric, item->delta) : text_copy("-");
}

static void fill_row(char **cells, const struct comparison *comparison, const struct compared *item)
{
    cells[0] = item_label(comparison, item);
    cells[1] = estimate_text(&item->a->of[item->metric], item->metric);
    cells[2] = estimate_text(&item->b->of[item->metric], item->metric);
    cells[3] = comparison->settings->across_machines ? text_copy("-") : shift_text(item, &item->absolute);
    cells[4] = shift_text(item, &item->relative);
    cells[5] = delta_text(item);
    cells[6] = compare_verdict_text(comparison, item);
}

void compare_make_table(struct table *table, const struct comparison *comparison, const struct compare_group *group)
{
    static const char *const ratios[] = {"", "A", "B", "B/A, figures", "B/A, against baselines", "same within", "verdict"};
    static const char *const differences[] = {"", "A", "B", "B - A, figures", "B - A, against baselines", "same within", "verdict"};
    const bool by_ratio = metrics[comparison->items[group->first].metric].by == BY_RATIO;
    const char *const *headings = by_ratio ? ratios : differences;
    const unsigned columns = sizeof(ratios) / sizeof(*ratios);
    *table = (struct table){.columns = columns, .rows = group->end - group->first};
    table->cells = memory_get((size_t)table->rows * columns * sizeof(*table->cells));
    table->ranked = memory_get(table->rows * sizeof(*table->ranked));
    for (unsigned c = 0; c < columns; c++) {
        table->heading[c] = text_copy(headings[c]);
        table->left[c] = c == 0 || c + 1 == columns;
    }
    for (unsigned r = 0; r < table->rows; r++) {
        const struct compared *item = &comparison->items[group->first + r];
        table->ranked[r] = item->a->ranked && item->b->ranked;
        fill_row(table->cells + (size_t)r * columns, comparison, item);
    }
}

/* ---- the terminal ---- */

void compare_print_text(const struct comparison *comparison, FILE *out)
{
    char *a = compare_side_text(&comparison->a), *b = compare_side_text(&comparison->b), *basis = compare_basis_text(comparison),
         *end = compare_end_text(comparison);
    fprintf(out, "A: %s\nB: %s\n", a, b);
    for (size_t i = 0; i < comparison->notes.count; i++)
        fprintf(out, "%s\n", comparison->notes.items[i]);
    fprintf(out, "%s\n", basis);
    for (struct compare_group group = {0}; compare_next_group(comparison, &group);) {
        struct table table;
        char *heading = compare_group_text(comparison, &group);
        fprintf(out, "\n%s\n", heading);
        compare_make_table(&table, comparison, &group);
        table_print(&table, out);
        table_free(&table);
        free(heading);
    }
    fprintf(out, "\n%s\n", end);
    free(end);
    free(basis);
    free(b);
    free(a);
}
