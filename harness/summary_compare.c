/*
 * summary_compare: rows held against the baseline, and what may be said of it.
 *
 * Within a block a strategy is held against the baseline's first run of the same load, as a ratio or a difference (contrast.c); the
 * baseline's second run is held against it, too, and that A/A pair says how much a ratio or a difference means here.
 *
 * Rule: one run makes many comparisons, and one in twenty of them would be called a difference by luck. So from HOLM_BLOCKS blocks
 * on a difference must also pass the sign test after Holm's correction. Its family is one metric of one experiment: every row that
 * is compared, over all loads and numbers of workers. What an experiment claims is its primary metric, so that is its claim's
 * family; who looks through its other metrics makes comparisons that nothing corrects for. The A/A row is no comparison, a row that
 * is not ranked makes none, and what its A/A voids takes no part. With fewer blocks verdicts stand unadjusted and every text says
 * so: six signs give no p below .031, which no second comparison would survive.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"
#include "summary_parts.h"

#define SIGNIFICANCE 0.05

/* ---- partners ---- */

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

const struct estimate *row_against(const struct row *row, enum metric metric)
{
    return metrics[metric].by == BY_RATIO ? &row->ratio[metric] : &row->difference[metric];
}

unsigned row_left_out(const struct summary *summary, const struct row *row, enum metric metric)
{
    const struct row *baseline = summary_baseline(summary, row);
    if (!baseline || row->baseline || !row->ranked || !baseline->ranked)
        return 0;
    return summary->block_count - row_against(row, metric)->n;
}

/* ---- one row ---- */

static void compare_metric(const struct summary *summary, struct row *row, const struct row *baseline, const struct row *again,
                           enum metric m)
{
    unsigned count = summary->block_count;
    struct estimate of_again = {.low = NAN, .high = NAN};
    double level = estimate_of(baseline->values[m], count).median;
    struct contrast contrast = contrast_make(m, row->values[m], baseline->values[m], count);
    if (again && again->ranked)
        of_again = contrast_make(m, again->values[m], baseline->values[m], count).of;
    row->delta[m] = contrast_delta(m, &of_again, level);
    row->ratio[m] = estimate_ratio(row->values[m], baseline->values[m], count);
    if (metrics[m].by == BY_DIFFERENCE)
        row->difference[m] = contrast.of;
    if (row->baseline)
        return;
    row->p[m] = contrast.p;
    row->differs[m] = row->again && contrast_voids(m, &of_again, level);
    if (row->again || !summary->verdicts || !isfinite(of_again.low))
        return;
    row->verdict[m] = contrast_voids(m, &of_again, level) ? VERDICT_VOID : contrast_verdict(m, &contrast.of, row->delta[m]);
}

static void compare_row(const struct summary *summary, struct row *row)
{
    const struct row *baseline = summary_baseline(summary, row), *again = summary_again(summary, row);
    for (int m = 0; m < METRIC_COUNT && baseline && baseline->ranked && row->ranked; m++)
        compare_metric(summary, row, baseline, again, (enum metric)m);
}

/* ---- a family of comparisons ---- */

struct family {
    struct row **rows;
    unsigned count;
};

static bool is_compared(const struct row *row, int m)
{
    return row->verdict[m] != VERDICT_NONE && row->verdict[m] != VERDICT_VOID;
}

/* The caller frees `rows`. */
static struct family find_family(struct summary *summary, unsigned experiment, int m)
{
    struct family family = {.rows = memory_get((summary->row_count + 1) * sizeof(struct row *))};
    for (unsigned i = 0; i < summary->row_count; i++)
        if (summary->rows[i].experiment == experiment && is_compared(&summary->rows[i], m))
            family.rows[family.count++] = &summary->rows[i];
    return family;
}

static void adjust_family(const struct family *family, int m)
{
    double *p = memory_get((family->count + 1) * sizeof(*p));
    for (unsigned i = 0; i < family->count; i++)
        p[i] = family->rows[i]->p[m];
    int result = estimate_holm(p, family->count);
    for (unsigned i = 0; i < family->count; i++) {
        struct row *row = family->rows[i];
        row->p_holm[m] = result ? NAN : p[i];
        if (row->verdict[m] == VERDICT_DIFFERENT && !(row->p_holm[m] < SIGNIFICANCE))
            row->verdict[m] = VERDICT_UNDECIDED;
    }
    free(p);
}

static void adjust_experiment(struct summary *summary, unsigned experiment)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        struct family family = find_family(summary, experiment, m);
        adjust_family(&family, m);
        free(family.rows);
    }
}

/* ---- power ---- */

static double row_power(const struct summary *summary, const struct row *row, int m, unsigned comparisons)
{
    const struct row *baseline = summary_baseline(summary, row);
    const struct power_question question = {.count = summary->block_count,
                                            .by_difference = metrics[m].by == BY_DIFFERENCE,
                                            .delta = row->delta[m],
                                            .level = summary->adjusted ? SIGNIFICANCE / comparisons : 1,
                                            .seed = summary->results->seed};
    return statistics_power(row->values[m], baseline->values[m], &question);
}

static int compare_powers(const void *a, const void *b)
{
    const struct row_power *one = a, *two = b;
    return (one->difference > two->difference) - (one->difference < two->difference);
}

static struct power find_power(struct summary *summary, unsigned experiment)
{
    int m = (int)summary->results->plan.experiments[experiment].primary;
    struct power power = {.median = NAN};
    struct family family = find_family(summary, experiment, m);
    struct row_power *of_rows = memory_get((family.count + 1) * sizeof(*of_rows));
    power.comparisons = family.count;
    for (unsigned i = 0; i < family.count; i++)
        of_rows[i] = (struct row_power){row_power(summary, family.rows[i], m, family.count), family.rows[i]};
    if (family.count) {
        qsort(of_rows, family.count, sizeof(*of_rows), compare_powers);
        power.least = of_rows[0];
        power.most = of_rows[family.count - 1];
        power.median = (of_rows[(family.count - 1) / 2].difference + of_rows[family.count / 2].difference) / 2;
    }
    free(of_rows);
    free(family.rows);
    return power;
}

/* ---- all of it ---- */

void summary_compare(struct summary *summary)
{
    unsigned experiments = summary->results->plan.count;
    summary->adjusted = summary->block_count >= HOLM_BLOCKS;
    for (unsigned i = 0; i < summary->row_count; i++)
        compare_row(summary, &summary->rows[i]);
    for (unsigned e = 0; e < experiments && summary->adjusted; e++)
        adjust_experiment(summary, e);
}

void summary_find_powers(struct summary *summary)
{
    unsigned experiments = summary->results->plan.count;
    summary->powers = memory_get((experiments + 1) * sizeof(*summary->powers));
    for (unsigned e = 0; e < experiments; e++)
        summary->powers[e] = find_power(summary, e);
}
