/* ranking: ranking.h's rows, pairs and places. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ranking.h"

#define SIGNIFICANCE 0.05

/* ---- rows ---- */

/* Has the strategy a row with more workers at this load? */
static bool is_outgrown(const struct summary *summary, const struct row *row)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *other = &summary->rows[i];
        if (other->experiment == row->experiment && other->again == row->again && other->workers > row->workers &&
            !strcmp(other->load, row->load) && !strcmp(other->strategy, row->strategy))
            return true;
    }
    return false;
}

static void insert(struct ranking *ranking, const struct row *row, enum metric metric)
{
    ranking->places = memory_grow(ranking->places, (ranking->count + 1) * sizeof(*ranking->places));
    unsigned at = ranking->count++;
    double worth = row->of[metric].median * metrics[metric].better;
    for (; at && ranking->places[at - 1].row->of[metric].median * metrics[metric].better < worth; at--)
        ranking->places[at] = ranking->places[at - 1];
    ranking->places[at] = (struct place){.row = row, .verdict = VERDICT_NONE, .against = {.median = NAN, .low = NAN, .high = NAN}};
}

static void choose(struct ranking *ranking, const struct summary *summary, unsigned experiment, enum metric metric)
{
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (row->experiment != experiment || row->again || strcmp(row->load, ranking->load) || is_outgrown(summary, row))
            continue;
        if (row->ranked && isfinite(row->of[metric].median)) {
            insert(ranking, row, metric);
        } else if (!row->ranked) {
            char *label = row_label(summary, row);
            names_add(&ranking->unranked, label);
            free(label);
        }
    }
}

/* ---- pairs ---- */

/* Row `low` stands before row `high`; pairs lie in a triangle: (1,0), (2,0), (2,1), ... */
struct pair {
    struct estimate against; /* of the worse to the better one, by their medians */
    enum verdict verdict;
    bool reversed, by_luck; /* as in struct place */
    double p;
};

static unsigned pair_index(unsigned high, unsigned low)
{
    return high * (high - 1) / 2 + low;
}

/* Medians order the rows, pairs are judged within blocks: both need not point to the same side. */
static bool is_reversed(enum metric metric, const struct estimate *against)
{
    double even = metrics[metric].by == BY_RATIO ? 1 : 0;
    return metrics[metric].better < 0 ? against->high < even : against->low > even;
}

static struct pair compare_pair(const struct summary *summary, enum metric metric, double delta, const double *worse,
                                const double *better)
{
    struct contrast contrast = contrast_make(metric, worse, better, summary->block_count);
    struct pair pair = {.against = contrast.of, .verdict = VERDICT_UNDECIDED, .p = contrast.p};
    if (isfinite(contrast.of.low))
        pair.verdict = contrast_verdict(metric, &contrast.of, delta);
    pair.reversed = pair.verdict == VERDICT_DIFFERENT && is_reversed(metric, &contrast.of);
    return pair;
}

/* Only a difference that stands among all comparisons of the family is one; those before `from` are judged elsewhere. */
static void adjust(struct pair *const *family, unsigned count, unsigned from)
{
    double *p = memory_get((count + 1) * sizeof(*p));
    for (unsigned i = 0; i < count; i++)
        p[i] = family[i]->p;
    bool known = estimate_holm(p, count) == 0;
    for (unsigned i = from; i < count; i++)
        if (family[i]->verdict == VERDICT_DIFFERENT && !(known && p[i] < SIGNIFICANCE)) {
            family[i]->verdict = VERDICT_UNDECIDED;
            family[i]->by_luck = true;
            family[i]->reversed = false;
        }
    free(p);
}

/*
 * Who is best is what is asked, so the pairs with the first are a family of their own: of n rows n - 1 comparisons, not n (n - 1)
 * / 2. The others only narrow places down, and are corrected over all pairs.
 */
static void adjust_pairs(struct pair *pairs, unsigned rows)
{
    unsigned count = 0;
    struct pair **family = memory_get((pair_index(rows, 0) + 1) * sizeof(struct pair *));
    for (unsigned high = 1; high < rows; high++)
        family[count++] = &pairs[pair_index(high, 0)];
    for (unsigned high = 2; high < rows; high++)
        for (unsigned low = 1; low < high; low++)
            family[count++] = &pairs[pair_index(high, low)];
    adjust(family, count, rows - 1);
    adjust(family, rows - 1, 0);
    free(family);
}

static void compare_pairs(const struct ranking *ranking, const struct summary *summary, enum metric metric, double delta,
                          struct pair *pairs)
{
    for (unsigned high = 1; high < ranking->count; high++)
        for (unsigned low = 0; low < high; low++)
            pairs[pair_index(high, low)] = compare_pair(summary, metric, delta, ranking->places[high].row->values[metric],
                                                        ranking->places[low].row->values[metric]);
    if (summary->adjusted)
        adjust_pairs(pairs, ranking->count);
}

static void take_place(struct ranking *ranking, unsigned high, unsigned low, const struct pair *pair)
{
    struct place *behind = &ranking->places[pair->reversed ? low : high], *before = &ranking->places[pair->reversed ? high : low];
    behind->best += pair->verdict == VERDICT_DIFFERENT;
    before->worst -= pair->verdict == VERDICT_DIFFERENT;
    if (low)
        return;
    struct place *place = &ranking->places[high];
    place->against = pair->against;
    place->verdict = pair->verdict;
    place->reversed = pair->reversed;
    place->by_luck = pair->by_luck;
}

static void take_places(struct ranking *ranking, const struct pair *pairs)
{
    for (unsigned high = 1; high < ranking->count; high++)
        for (unsigned low = 0; low < high; low++)
            take_place(ranking, high, low, &pairs[pair_index(high, low)]);
}

/* A difference in every block is the most there can be: how many blocks are needed for its p to pass? */
static unsigned blocks_needed(const struct summary *summary, unsigned comparisons)
{
    unsigned blocks = summary->block_count;
    while (summary->adjusted && comparisons && estimate_signs_needed(blocks, SIGNIFICANCE / comparisons) > blocks)
        blocks++;
    return blocks > summary->block_count ? blocks : 0;
}

void ranking_make(struct ranking *ranking, const struct summary *summary, unsigned experiment, enum metric metric)
{
    *ranking = (struct ranking){.state = RANKING_WITHOUT_VERDICTS, .load = summary_highest_load(summary, experiment)};
    choose(ranking, summary, experiment, metric);
    const struct row *again = ranking->count ? summary_again(summary, ranking->places[0].row) : NULL;
    for (unsigned i = 0; i < ranking->count; i++)
        ranking->places[i] = (struct place){.row = ranking->places[i].row,
                                            .best = 1,
                                            .worst = ranking->count,
                                            .delta = again ? again->delta[metric] : DELTA_LEAST,
                                            .against = {.median = NAN, .low = NAN, .high = NAN}};
    if (!summary->verdicts || !again || !again->ranked || !isfinite(row_against(again, metric)->low))
        return;
    ranking->state = again->differs[metric] ? RANKING_VOID : RANKING_DECIDED;
    if (ranking->state == RANKING_VOID)
        return;
    struct pair *pairs = memory_get((pair_index(ranking->count, 0) + 1) * sizeof(*pairs));
    compare_pairs(ranking, summary, metric, again->delta[metric], pairs);
    take_places(ranking, pairs);
    ranking->blocks_needed = blocks_needed(summary, ranking->count - 1);
    free(pairs);
}

void ranking_free(struct ranking *ranking)
{
    free(ranking->places);
    names_free(&ranking->unranked);
    *ranking = (struct ranking){0};
}

char *place_text(const struct place *place)
{
    return place->best == place->worst ? text_print("%u", place->best) : text_print("%u to %u", place->best, place->worst);
}
