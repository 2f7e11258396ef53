/*
 * The statistics of a comparison. In every block A runs twice: the two differ by nothing but noise, so their ratio shows what
 * this machine makes of no difference at all, and B is judged against that.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "loadgen/study/study.h"

/* Better known than either of its halves, and independent of their ratio. */
static void average_a(const double *const values[CELLS], unsigned blocks, double *average)
{
    for (unsigned i = 0; i < blocks; i++)
        average[i] = sqrt(values[CELL_A][i] * values[CELL_AGAIN][i]);
}

int comparison_init(struct comparison *comparison, const double *const values[CELLS], unsigned blocks)
{
    double *a = malloc((blocks ? blocks : 1) * sizeof(*a));
    if (!a)
        return -ENOMEM;
    average_a(values, blocks, a);
    comparison->a = estimate_of(a, blocks);
    comparison->b = estimate_of(values[CELL_B], blocks);
    comparison->ratio = estimate_ratio(values[CELL_B], a, blocks);
    comparison->again = estimate_ratio(values[CELL_AGAIN], values[CELL_A], blocks);
    comparison->of_bounds = false;
    comparison->delta = estimate_delta(&comparison->again);
    comparison->verdict = estimate_verdict(&comparison->ratio, comparison->delta);
    if (comparison->verdict != VERDICT_NONE && estimate_voids(&comparison->again))
        comparison->verdict = VERDICT_VOID;
    free(a);
    return 0;
}

void comparison_weaken(struct comparison *comparison, bool a_is_bound, bool b_is_bound)
{
    bool slower = comparison->ratio.low > 1, surely = a_is_bound ? !b_is_bound && !slower : slower;
    comparison->of_bounds = a_is_bound || b_is_bound;
    if (comparison->verdict == VERDICT_SAME || (comparison->verdict == VERDICT_DIFFERENT && comparison->of_bounds && !surely))
        comparison->verdict = comparison->of_bounds ? VERDICT_UNDECIDED : comparison->verdict;
}

/* Shares have no ratio where one of them is 0; their difference is judged. */
int comparison_init_shares(struct comparison *comparison, const double *const values[CELLS], unsigned blocks)
{
    double *difference = malloc((blocks ? blocks : 1) * sizeof(*difference));
    if (!difference)
        return -ENOMEM;
    for (unsigned i = 0; i < blocks; i++)
        difference[i] = values[CELL_B][i] - (values[CELL_A][i] + values[CELL_AGAIN][i]) / 2;
    const struct estimate none = {.median = NAN, .low = NAN, .high = NAN}, gap = estimate_of(difference, blocks);
    *comparison = (struct comparison){.ratio = none, .again = none, .delta = SHARE_DELTA};
    comparison->a = estimate_of(values[CELL_A], blocks);
    comparison->b = estimate_of(values[CELL_B], blocks);
    if (!isfinite(gap.low))
        comparison->verdict = VERDICT_NONE;
    else if (gap.low > SHARE_DELTA || gap.high < -SHARE_DELTA)
        comparison->verdict = VERDICT_DIFFERENT;
    else if (gap.low >= -SHARE_DELTA && gap.high <= SHARE_DELTA)
        comparison->verdict = VERDICT_SAME;
    else
        comparison->verdict = VERDICT_UNDECIDED;
    free(difference);
    return 0;
}

void block_shuffle(uint64_t seed, unsigned number, enum compare_cell order[CELLS])
{
    struct random random;
    random_init_stream(&random, seed, number);
    for (unsigned i = 0; i < CELLS; i++)
        order[i] = (enum compare_cell)i;
    random_shuffle(&random, order, CELLS, sizeof(*order));
}
