/* ranking: ranking.h's rows, pairs and places. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ranking.h"

#define SIGNIFICANCE 0.05

/* ---- rows ---- */

static const char *highest_load(const struct summary *summary, unsigned experiment)
{
    const char *load = "";
    for (unsigned i = 0; i < summary->row_count; i++)
        if (summary->rows[i].experiment == experiment)
            load = summary->rows[i].load; /* rows come in the plan's order of loads */
    return load;
}

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
    struct estimate against; /* of the worse to the better one */
    enum verdict verdict;
};

static unsigned pair_index(unsigned high, unsigned low)
{
    return high * (high - 1) / 2 + low;
}

static void compare_pairs(const struct ranking *ranking, const struct summary *summary, enum metric metric, double delta,
                          struct pair *pairs)
{
    unsigned count = pair_index(ranking->count, 0);
    double *p = memory_get((count + 1) * sizeof(*p));
    for (unsigned high = 1; high < ranking->count; high++)
        for (unsigned low = 0; low < high; low++) {
            const double *worse = ranking->places[high].row->values[metric], *better = ranking->places[low].row->values[metric];
            struct pair *pair = &pairs[pair_index(high, low)];
            struct contrast contrast = contrast_make(metric, worse, better, summary->block_count);
            pair->against = contrast.of;
            pair->verdict = isfinite(contrast.of.low) ? contrast_verdict(metric, &contrast.of, delta) : VERDICT_UNDECIDED;
            p[pair_index(high, low)] = contrast.p;
        }
    bool known = !summary->adjusted || estimate_holm(p, count) == 0;
    for (unsigned i = 0; i < count; i++)
        if (pairs[i].verdict == VERDICT_DIFFERENT && (!known || (summary->adjusted && !(p[i] < SIGNIFICANCE))))
            pairs[i].verdict = VERDICT_UNDECIDED;
    free(p);
}

static void take_places(struct ranking *ranking, const struct pair *pairs)
{
    for (unsigned i = 0; i < ranking->count; i++) {
        struct place *place = &ranking->places[i];
        for (unsigned other = 0; other < ranking->count; other++) {
            if (other == i)
                continue;
            const struct pair *pair = &pairs[other < i ? pair_index(i, other) : pair_index(other, i)];
            place->best += other < i && pair->verdict == VERDICT_DIFFERENT;
            place->worst -= other > i && pair->verdict == VERDICT_DIFFERENT;
        }
        if (i) {
            place->against = pairs[pair_index(i, 0)].against;
            place->verdict = pairs[pair_index(i, 0)].verdict;
        }
    }
}

void ranking_make(struct ranking *ranking, const struct summary *summary, unsigned experiment, enum metric metric)
{
    *ranking = (struct ranking){.state = RANKING_WITHOUT_VERDICTS, .load = highest_load(summary, experiment)};
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
