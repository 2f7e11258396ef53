/*
 * summary_remarks: what a reader of the verdicts of an experiment must know and no figure shows: how they were compared, what was
 * left out, and where not only the strategy differs, a sentence each; and why there is no verdict.
 */
#include <math.h>
#include <stdlib.h>

#include "summary.h"

static const struct experiment *experiment_of(const struct summary *summary, unsigned experiment)
{
    return &summary->results->plan.experiments[experiment];
}

/* The row where it is held against a baseline, and that baseline; else NULL. */
static const struct row *baseline_of(const struct summary *summary, const struct row *row, unsigned experiment)
{
    if (row->experiment != experiment || row->baseline || !row->ranked)
        return NULL;
    const struct row *baseline = summary_baseline(summary, row);
    return baseline && baseline->ranked ? baseline : NULL;
}

char *contrast_remark(const struct summary *summary, unsigned experiment)
{
    const struct experiment *of = experiment_of(summary, experiment);
    bool compared = false;
    for (unsigned i = 0; i < summary->row_count; i++)
        compared |= baseline_of(summary, &summary->rows[i], experiment) != NULL;
    if (!compared || metrics[of->primary].by == BY_RATIO)
        return text_copy("");
    return text_print(
        "Compared by \"%s\", of which 0 is a figure like any other: by the difference to %s within each block, not by a "
        "ratio.",
        metrics[of->primary].label, of->baseline);
}

static char *label_at_load(const struct summary *summary, const struct row *row)
{
    char *label = row_label(summary, row);
    if (experiment_of(summary, row->experiment)->loads_count > 1)
        text_replace(&label, text_print("%s at %s", label, row->load));
    return label;
}

char *left_out_remark(const struct summary *summary, unsigned experiment)
{
    enum metric metric = experiment_of(summary, experiment)->primary;
    struct names names = {0};
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        unsigned left_out = baseline_of(summary, row, experiment) ? row_left_out(summary, row, metric) : 0;
        if (!left_out)
            continue;
        char *label = label_at_load(summary, row), *text = text_print("%s %u of %u", label, left_out, summary->block_count);
        names_add(&names, text);
        free(text);
        free(label);
    }
    char *list = names_join(&names, ", ");
    char *text = !names.count ? text_copy("")
                              : text_print("Pairs left out, since the row or its baseline has no figure%s in that block: %s.",
                                           metrics[metric].by == BY_RATIO ? " above 0" : "", list);
    free(list);
    names_free(&names);
    return text;
}

char *workers_remark(const struct summary *summary, unsigned experiment)
{
    const struct row *against = NULL;
    struct names names = {0};
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i], *baseline = baseline_of(summary, row, experiment);
        if (!baseline || baseline->workers == row->workers)
            continue;
        char *text = text_print("%s %u", row->strategy, row->workers);
        if (!names_hold(&names, text))
            names_add(&names, text);
        free(text);
        against = baseline;
    }
    char *list = names_join(&names, ", ");
    char *text = !against
                     ? text_copy("")
                     : text_print("Not the number of workers that the baseline has (%s %u): %s. Their verdicts are about that, "
                                  "too, not about the strategy alone.",
                                  against->strategy, against->workers, list);
    free(list);
    names_free(&names);
    return text;
}

/* ---- why there is no verdict ---- */

struct gap {
    unsigned missing, zeros; /* blocks in which a figure is not there, or is 0 where only a ratio would do */
};

static struct gap find_gap(const double *one, const double *other, unsigned count, enum metric metric)
{
    struct gap gap = {0};
    for (unsigned b = 0; b < count; b++) {
        bool missing = !isfinite(one[b]) || !isfinite(other[b]);
        gap.missing += missing;
        gap.zeros += !missing && metrics[metric].by == BY_RATIO && !(one[b] > 0 && other[b] > 0);
    }
    return gap;
}

char *pair_gap_text(const struct summary *summary, const struct row *row, const struct row *other, enum metric metric)
{
    struct gap gap = find_gap(row->values[metric], other->values[metric], summary->block_count, metric);
    const struct row *short_of = row->ranked < row->cells ? row : other->ranked < other->cells ? other : NULL;
    if (gap.missing && short_of && short_of->ranked) {
        char *label = short_of == row ? text_copy("") : row_label(summary, short_of);
        char *text = text_print("%u of %u cells%s%s left out", short_of->cells - short_of->ranked, short_of->cells,
                                *label ? " of " : "", label);
        free(label);
        return text;
    }
    if (gap.missing)
        return text_print("not measured in %u of %u blocks", gap.missing, summary->block_count);
    return gap.zeros ? text_print("none of it in %u of %u blocks", gap.zeros, summary->block_count) : text_copy("");
}

char *no_noise_text(const struct summary *summary, const struct row *row, enum metric metric)
{
    const struct row *baseline = summary_baseline(summary, row), *again = summary_again(summary, row);
    const char *name = experiment_of(summary, row->experiment)->baseline;
    if (!name)
        return text_copy("there is no baseline");
    if (!baseline || !baseline->ranked)
        return text_print("%s is not ranked", name);
    if (!again || !again->ranked)
        return text_copy("the A/A pair is not ranked");
    if (isfinite(row_against(again, metric)->low))
        return NULL;
    return text_print("the A/A pair has %u of %u blocks", row_against(again, metric)->n, summary->block_count);
}

char *no_verdict_text(const struct summary *summary, const struct row *row, enum metric metric)
{
    const struct row *baseline = summary_baseline(summary, row);
    if (!summary->verdicts || !experiment_of(summary, row->experiment)->baseline || row->baseline || row->again || !row->ranked ||
        row->verdict[metric] != VERDICT_NONE)
        return NULL;
    if (baseline && baseline->ranked && !isfinite(row_against(row, metric)->low))
        return text_print("%u of %u blocks", row_against(row, metric)->n, summary->block_count);
    return no_noise_text(summary, row, metric);
}
