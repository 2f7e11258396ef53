/*
 * compare_judge: what may be said of B against A.
 *
 * Blocks of two runs are no pairs: block 3 of A and block 3 of B share neither hour nor neighbours. So all blocks of A are held
 * against all of B (shift.h). And figures of two moments do not compare, however narrow their intervals are: a machine is faster on
 * one day than on another, and its blocks agree about that. What can be compared is how a row stood against its baseline, within
 * the blocks of its own run: the reading that is judged, unless the other one is asked for. The price is said, too: where the
 * baseline itself lies elsewhere in B, nobody can tell a slower machine from a baseline that became slower, and that counts as
 * undecided.
 *
 * Metrics of which 0 is a good figure are compared by differences, as they are within a run (contrast.h): who loses nothing has no
 * ratio to who does.
 *
 * What counts as the same is the wider of what both runs' A/A pairs need. A noisy bench needs much, and would let everything pass
 * as the same: where it is more than DELTA_MOST, nothing is called the same or no worse. That limit is the handicap which `make
 * study` says is found: a gate that lets it pass is none. Nor is anything good said of a row of which fewer blocks count in B than
 * in A: those that failed may have been the slow ones. "better" and "worse" must also pass the rank sum test after Holm's
 * correction over all rows that are judged. "no worse" is claimed of all rows together or not at all, and such a claim needs no
 * correction: each of its parts must hold (Berger, Multiparameter hypothesis testing and acceptance sampling, 1982).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_parts.h"
#include "contrast.h"

#define SIGNIFICANCE 0.05
#define BLOCKS_LEAST 6
#define DELTA_MOST   0.10
#define RATE_MOST    0.02 /* beyond it p99 under a high load is another figure */

const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = "none",   [OUTCOME_SAME] = "same",           [OUTCOME_BETTER] = "better", [OUTCOME_NO_WORSE] = "no worse",
    [OUTCOME_WORSE] = "worse", [OUTCOME_UNDECIDED] = "undecided", [OUTCOME_VOID] = "void",
};

const struct row *compare_find_row(const struct summary *summary, unsigned experiment, const struct row *like)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (row->experiment == experiment && row->again == like->again && row->workers == like->workers &&
            !strcmp(row->strategy, like->strategy) && !strcmp(row->load, like->load))
            return row;
    }
    return NULL;
}

bool compare_same_rate(const struct row *a, const struct row *b)
{
    return a->rate == b->rate || (a->rate > 0 && fabs(b->rate / a->rate - 1) <= RATE_MOST);
}

unsigned compare_cells(const struct row *row, enum metric metric, unsigned block_count)
{
    unsigned cells = 0;
    for (unsigned i = 0; i < block_count && row->ranked; i++)
        cells += isfinite(row->values[metric][i]);
    return cells;
}

enum outcome compare_outcome(const struct shift *shift, double none, double delta, int better)
{
    if (!isfinite(shift->low) || !isfinite(shift->high))
        return OUTCOME_NONE;
    bool above = shift->low > none + delta, below = shift->high < none - delta;
    bool not_above = shift->high <= none + delta, not_below = shift->low >= none - delta;
    if (above || below)
        return above == (better > 0) ? OUTCOME_BETTER : OUTCOME_WORSE;
    if (not_above && not_below)
        return OUTCOME_SAME;
    return (better > 0 ? not_below : not_above) ? OUTCOME_NO_WORSE : OUTCOME_UNDECIDED;
}

/* ---- the two readings ---- */

static bool by_ratio(enum metric m)
{
    return metrics[m].by == BY_RATIO;
}

static enum outcome outcome_of(const struct shift *shift, const struct compared *item)
{
    return compare_outcome(shift, by_ratio(item->metric) ? 1 : 0, item->delta, metrics[item->metric].better);
}

/* ln(value), or ln(value / baseline's) of the same block; by differences the value, or what it is more. The caller frees. */
static double *figures_of(const struct summary *summary, const struct row *row, const struct row *baseline, enum metric m)
{
    double *figures = memory_get((summary->block_count + 1) * sizeof(*figures));
    for (unsigned i = 0; i < summary->block_count; i++) {
        double value = row->values[m][i], under = baseline ? baseline->values[m][i] : by_ratio(m) ? 1 : 0;
        figures[i] = !by_ratio(m) ? value - under : value > 0 && under > 0 ? log(value) - log(under) : NAN;
    }
    return figures;
}

static struct shift shift_between(const struct comparison *comparison, const struct row *a, const struct row *b, enum metric m,
                                  bool relative)
{
    const struct summary *of_a = &comparison->a.summary, *of_b = &comparison->b.summary;
    const struct row *base_a = relative ? summary_baseline(of_a, a) : NULL, *base_b = relative ? summary_baseline(of_b, b) : NULL;
    bool told = a->ranked && b->ranked && (!relative || (base_a && base_b && base_a->ranked && base_b->ranked));
    double *figures_a = figures_of(of_a, a, base_a, m), *figures_b = figures_of(of_b, b, base_b, m);
    unsigned a_count = told ? of_a->block_count : 0, b_count = told ? of_b->block_count : 0;
    struct shift shift = by_ratio(m) ? shift_of(figures_a, a_count, figures_b, b_count)
                                     : shift_of_differences(figures_a, a_count, figures_b, b_count);
    free(figures_a);
    free(figures_b);
    return shift;
}

const struct shift *compare_reading(const struct comparison *comparison, const struct compared *item)
{
    return comparison->settings->reading == READING_ABSOLUTE ? &item->absolute : &item->relative;
}

/* ---- one item ---- */

/* The baseline's second run against its first; nothing where there is no such pair. */
static struct estimate again_contrast(const struct summary *summary, const struct row *row, enum metric m)
{
    const struct row *again = summary_again(summary, row), *baseline = summary_baseline(summary, row);
    bool pair = again && baseline && again->ranked && baseline->ranked;
    return contrast_make(m, pair ? again->values[m] : NULL, pair ? baseline->values[m] : NULL, pair ? summary->block_count : 0).of;
}

/* What differences are small or large against: the baseline's median, or the row's own. NaN: it has none. */
static double level_of(const struct summary *summary, const struct row *row, enum metric m)
{
    const struct row *baseline = summary_baseline(summary, row);
    return (baseline ? baseline : row)->of[m].median;
}

static bool has_baseline(const struct comparison *comparison, const struct compared *item)
{
    return comparison->a.results.plan.experiments[item->a->experiment].baseline != NULL;
}

/* The half width that A/A pairs of both runs need, or a reason why their metric tells nothing; NAN and no reason: there are none. A
 * plan without a baseline has none, and its figures can be held against each other all the same. */
static double find_delta(const struct comparison *comparison, const struct compared *item, const char **why)
{
    const enum metric m = item->metric;
    const struct estimate a = again_contrast(&comparison->a.summary, item->a, m),
                          b = again_contrast(&comparison->b.summary, item->b, m);
    double level_a = level_of(&comparison->a.summary, item->a, m), level_b = level_of(&comparison->b.summary, item->b, m);
    if (!has_baseline(comparison, item) && comparison->settings->reading == READING_ABSOLUTE)
        return contrast_delta(m, &a, level_a); /* without a pair: the least */
    if (!isfinite(a.low) || !isfinite(b.low))
        return NAN;
    const struct row *again_a = summary_again(&comparison->a.summary, item->a),
                     *again_b = summary_again(&comparison->b.summary, item->b);
    struct shift between = shift_between(comparison, again_a, again_b, m, true);
    const struct estimate apart = {.low = between.low, .high = between.high};
    if (contrast_voids(m, &a, level_a))
        *why = "the A/A pair of A differs";
    else if (contrast_voids(m, &b, level_b))
        *why = "the A/A pair of B differs";
    else if (contrast_voids(m, &apart, level_a))
        *why = "the A/A pairs of A and B are not alike";
    return fmax(contrast_delta(m, &a, level_a), contrast_delta(m, &b, level_b));
}

/* Six blocks or more without a loss in either: there is no ratio, and no difference. */
static bool nothing_in_either(const struct comparison *comparison, const struct compared *item)
{
    const struct row *rows[] = {item->a, item->b};
    const struct summary *summaries[] = {&comparison->a.summary, &comparison->b.summary};
    for (int side = 0; side < 2; side++) {
        unsigned nothing = 0;
        for (unsigned i = 0; i < summaries[side]->block_count; i++) {
            double value = rows[side]->values[item->metric][i];
            if (isfinite(value) && value != 0)
                return false;
            nothing += value == 0;
        }
        if (nothing < BLOCKS_LEAST || !rows[side]->ranked)
            return false;
    }
    return true;
}

static void refuse(struct compared *item, enum outcome outcome, const char *why)
{
    item->outcome = outcome;
    item->why = why;
}

/* Of two machines it is known without looking that they are not alike. */
static void judge_baseline(const struct comparison *comparison, struct compared *item, const char *void_because)
{
    enum outcome outcome = outcome_of(&item->absolute, item);
    bool elsewhere = outcome == OUTCOME_BETTER || outcome == OUTCOME_WORSE;
    item->moved = !void_because && elsewhere && !comparison->settings->across_machines;
    refuse(item, OUTCOME_NONE, item->moved ? "the baseline moved: the machine, or all rows alike" : "the baseline");
}

/* Why no verdict can be given, or NULL. */
static const char *find_hindrance(const struct comparison *comparison, const struct compared *item)
{
    if (item->role == ROLE_AGAIN)
        return "A/A";
    if (comparison->no_verdicts_because)
        return "no verdicts";
    if (!item->a->ranked || !item->b->ranked)
        return item->a->ranked ? "not ranked in B" : item->b->ranked ? "not ranked in A" : "not ranked";
    return compare_same_rate(item->a, item->b) ? NULL : "the load is another rate in B";
}

static void judge_item(const struct comparison *comparison, struct compared *item)
{
    const struct shift *shift = compare_reading(comparison, item);
    const char *void_because = NULL, *hindrance = find_hindrance(comparison, item);
    bool relative = comparison->settings->reading == READING_RELATIVE;
    item->delta = find_delta(comparison, item, &void_because);
    if (hindrance)
        refuse(item, OUTCOME_NONE, hindrance);
    else if (nothing_in_either(comparison, item))
        item->outcome = OUTCOME_SAME;
    else if (!isfinite(item->delta))
        refuse(item, OUTCOME_NONE,
               has_baseline(comparison, item) ? "no A/A pair in both runs" : "no baseline; see --reading absolute");
    else if (relative && item->role == ROLE_BASELINE)
        judge_baseline(comparison, item, void_because);
    else if (void_because)
        refuse(item, OUTCOME_VOID, void_because);
    else if (shift->a < BLOCKS_LEAST || shift->b < BLOCKS_LEAST)
        refuse(item, OUTCOME_NONE,
               by_ratio(item->metric) ? "fewer than six blocks with a figure above 0" : "fewer than six blocks with a figure");
    else
        item->outcome = outcome_of(shift, item);
}

static void add_item(struct comparison *comparison, const struct row *a, const struct row *b, enum metric m)
{
    struct compared item = {.a = a, .b = b, .metric = m, .p_holm = NAN};
    if (!a->of[m].n && !b->of[m].n && comparison->a.results.plan.experiments[a->experiment].primary != m)
        return;
    item.role = a->again ? ROLE_AGAIN : a->baseline ? ROLE_BASELINE : ROLE_ROW;
    item.absolute = shift_between(comparison, a, b, m, false);
    item.relative = item.role == ROLE_BASELINE ? shift_of(NULL, 0, NULL, 0) : shift_between(comparison, a, b, m, true);
    judge_item(comparison, &item);
    comparison->items = memory_grow(comparison->items, (comparison->count + 1) * sizeof(*comparison->items));
    comparison->items[comparison->count++] = item;
}

/* ---- what no good verdict may rest on ---- */

/* In how many blocks there is something to be read, be it 0. */
static unsigned count_blocks(const struct comparison *comparison, const struct summary *summary, const struct row *row,
                             const struct compared *item)
{
    bool relative = comparison->settings->reading == READING_RELATIVE && item->role != ROLE_BASELINE;
    const struct row *baseline = relative ? summary_baseline(summary, row) : NULL;
    unsigned blocks = 0;
    for (unsigned i = 0; i < summary->block_count; i++)
        blocks += isfinite(row->values[item->metric][i]) && (!baseline || isfinite(baseline->values[item->metric][i]));
    return blocks;
}

static bool is_delta_too_wide(const struct comparison *comparison, const struct compared *item)
{
    double level = level_of(&comparison->a.summary, item->a, item->metric);
    return item->delta > (by_ratio(item->metric) ? DELTA_MOST : DELTA_MOST * fabs(level));
}

/* Why an outcome cannot stand, or NULL. */
static const char *find_doubt(const struct comparison *comparison, const struct compared *item)
{
    const struct summary *a = &comparison->a.summary, *b = &comparison->b.summary;
    const struct shift *shift = compare_reading(comparison, item);
    unsigned of_a = count_blocks(comparison, a, item->a, item), of_b = count_blocks(comparison, b, item->b, item);
    bool rests_on_delta = item->outcome == OUTCOME_SAME || item->outcome == OUTCOME_NO_WORSE;
    bool zeros = shift->a < of_a || shift->b < of_b;
    if (item->outcome != OUTCOME_WORSE && (uint64_t)of_b * a->block_count < (uint64_t)of_a * b->block_count)
        return "fewer blocks of B count than of A";
    if (zeros && !nothing_in_either(comparison, item))
        return "figures of 0 have no ratio";
    return rests_on_delta && is_delta_too_wide(comparison, item) ? "the A/A pairs allow no \"same\"" : NULL;
}

static void temper(const struct comparison *comparison, struct compared *item)
{
    if (item->outcome == OUTCOME_NONE || item->outcome == OUTCOME_VOID || item->outcome == OUTCOME_UNDECIDED)
        return;
    item->why = find_doubt(comparison, item);
    if (item->why)
        item->outcome = OUTCOME_UNDECIDED;
}

/* ---- all of them ---- */

/* Tables are made from items that stand together: by experiment, then metric, then row. */
static void add_experiment(struct comparison *comparison, unsigned experiment, enum metric m)
{
    const struct summary *a = &comparison->a.summary;
    int other = comparison->partner[experiment];
    for (unsigned i = 0; i < a->row_count && other >= 0; i++) {
        const struct row *b =
            a->rows[i].experiment == experiment ? compare_find_row(&comparison->b.summary, (unsigned)other, &a->rows[i]) : NULL;
        if (b && !names_hold(&comparison->other_servers, b->strategy))
            add_item(comparison, &a->rows[i], b, m);
    }
}

static void adjust(struct comparison *comparison)
{
    double *p = memory_get((comparison->count + 1) * sizeof(*p));
    for (unsigned i = 0; i < comparison->count; i++) {
        const struct compared *item = &comparison->items[i];
        bool part = item->outcome != OUTCOME_NONE && item->outcome != OUTCOME_VOID;
        p[i] = part ? compare_reading(comparison, item)->p : NAN; /* NaN, too, where neither has anything */
        comparison->judged += isfinite(p[i]);
    }
    int result = estimate_holm(p, comparison->count);
    for (unsigned i = 0; i < comparison->count; i++) {
        struct compared *item = &comparison->items[i];
        item->p_holm = result ? NAN : p[i];
        bool claims = item->outcome == OUTCOME_BETTER || item->outcome == OUTCOME_WORSE;
        item->by_luck = claims && !(item->p_holm < SIGNIFICANCE);
        if (item->by_luck)
            item->outcome = item->outcome == OUTCOME_WORSE ? OUTCOME_UNDECIDED : OUTCOME_NO_WORSE;
    }
    free(p);
}

/* A metric that is asked for twice, by its name and as the primary one, is one comparison. */
static void add_metrics(struct comparison *comparison, unsigned experiment, const struct names *wanted)
{
    bool added[METRIC_COUNT] = {false};
    for (size_t i = 0; i < wanted->count; i++) {
        int found = metric_find(wanted->items[i]);
        enum metric m = found < 0 ? comparison->a.results.plan.experiments[experiment].primary : (enum metric)found;
        if (!added[m])
            add_experiment(comparison, experiment, m);
        added[m] = true;
    }
}

void compare_judge(struct comparison *comparison, const struct names *wanted)
{
    for (unsigned e = 0; e < comparison->a.results.plan.count; e++)
        add_metrics(comparison, e, wanted);
    adjust(comparison);
    for (unsigned i = 0; i < comparison->count; i++) {
        struct compared *item = &comparison->items[i];
        temper(comparison, item);
        bool judged = item->outcome != OUTCOME_NONE && item->outcome != OUTCOME_VOID;
        if (judged && by_ratio(item->metric) && item->delta > comparison->widest_delta)
            comparison->widest_delta = item->delta;
        bool asked = item->role == ROLE_ROW || (item->role == ROLE_BASELINE && comparison->settings->reading == READING_ABSOLUTE);
        comparison->moved += item->moved;
        if (asked || (item->outcome != OUTCOME_NONE && item->role != ROLE_AGAIN))
            comparison->outcomes[item->outcome]++;
    }
}

int compare_status(const struct comparison *comparison)
{
    const unsigned *outcomes = comparison->outcomes;
    unsigned open = outcomes[OUTCOME_UNDECIDED] + outcomes[OUTCOME_VOID] + outcomes[OUTCOME_NONE] + comparison->moved,
             good = outcomes[OUTCOME_SAME] + outcomes[OUTCOME_BETTER] + outcomes[OUTCOME_NO_WORSE];
    if (comparison->no_verdicts_because)
        return COMPARE_UNDECIDED;
    if (outcomes[OUTCOME_WORSE])
        return COMPARE_WORSE;
    return open || !good ? COMPARE_UNDECIDED : COMPARE_NO_WORSE;
}
