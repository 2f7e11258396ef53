/*
 * Which rate to try next. Pure: the caller measures.
 *
 *   UP --misses--> BISECT --2 % apart--> EDGE --both edges stand--> found
 *    |                ^                   | |
 *    +-nothing held-> DOWN --holds--------+ |   EDGE: the best rate misses two of three: DOWN from it;
 *    ^                                      |   the missed one holds two of three: UP from it
 *    +--------------------------------------+
 *
 * The probes that led to an edge were chosen for how they came out, so they are no evidence about it: an edge is judged by fresh
 * probes alone.
 */
#include <math.h>

#include "loadgen/study/study.h"

#define VOTES_NEEDED 2 /* of three */
#define INVALID_MOST 2 /* repeats of a probe that the generator spoilt */
#define FIRST_FACTOR 2.0
#define REFUTED_FREE 2    /* edges that may fail their trial before the search looks less closely */
#define COARSEST     1.17 /* resolution, at the end of that */

void search_init(struct search *search, double first_rate, double lowest)
{
    *search = (struct search){.phase = SEARCH_UP,
                              .rate = first_rate,
                              .lowest = fmin(first_rate, lowest),
                              .factor = FIRST_FACTOR,
                              .resolution = SEARCH_RESOLUTION};
}

static void finish(struct search *search, enum search_end end)
{
    search->end = end;
    search->rate = 0;
}

static void go_up(struct search *search)
{
    search->phase = SEARCH_UP;
    search->rate = search->best * search->factor;
    search->factor = fmin(search->factor * search->factor, FIRST_FACTOR);
    if (search->rate > SEARCH_HIGHEST)
        finish(search, SEARCH_GENERATOR); /* nobody gets there */
}

/* The best rate, if there is one, stands its trial first, then the missed one. */
static void try_edge(struct search *search)
{
    search->phase = SEARCH_EDGE;
    if (search->best > 0 && search->best_votes.holds < VOTES_NEEDED)
        search->rate = search->best;
    else if (search->missed_votes.misses < VOTES_NEEDED)
        search->rate = search->least_missed;
    else
        finish(search, search->best > 0 ? SEARCH_FOUND : SEARCH_NOTHING);
}

static void go_down(struct search *search)
{
    search->phase = SEARCH_DOWN;
    search->rate = search->least_missed / search->factor;
    search->factor = fmin(search->factor * search->factor, FIRST_FACTOR);
    if (search->rate < search->lowest)
        try_edge(search); /* nothing is left but to be sure */
}

/* Both bounds are known: halve what lies between, by ratio, until it is small enough. */
static void narrow(struct search *search)
{
    search->phase = SEARCH_BISECT;
    if (search->least_missed / search->best <= search->resolution * (1 + 1e-9))
        try_edge(search);
    else
        search->rate = sqrt(search->best * search->least_missed);
}

static void set_best(struct search *search, struct search_votes votes)
{
    search->best = search->rate;
    search->best_votes = votes;
}

static void set_missed(struct search *search, struct search_votes votes)
{
    search->least_missed = search->rate;
    search->missed_votes = votes;
}

static void take_up(struct search *search, bool holds)
{
    if (holds) {
        set_best(search, (struct search_votes){0, 0});
        go_up(search);
        return;
    }
    set_missed(search, (struct search_votes){0, 0});
    if (search->best > 0)
        narrow(search);
    else
        go_down(search);
}

static void take_down(struct search *search, bool holds)
{
    if (holds) {
        set_best(search, (struct search_votes){0, 0});
        narrow(search);
    } else {
        set_missed(search, (struct search_votes){0, 0});
        go_down(search);
    }
}

static void take_bisect(struct search *search, bool holds)
{
    if (holds)
        set_best(search, (struct search_votes){0, 0});
    else
        set_missed(search, (struct search_votes){0, 0});
    narrow(search);
}

/* Where the same rate now holds and now misses, edges 2 % apart are refuted again and again: such a machine cannot tell so little
 * apart, and after the second time the search asks for less of it, 4 %, 8 %, 17 %. */
static void refute(struct search *search)
{
    if (++search->refuted > REFUTED_FREE)
        search->resolution = fmin(search->resolution * search->resolution, COARSEST);
    search->factor = search->resolution;
}

/* An edge that was refuted has had its trial as the opposite edge: its votes go with it. */
static void take_edge(struct search *search, bool holds)
{
    bool of_best = search->rate == search->best;
    struct search_votes *votes = of_best ? &search->best_votes : &search->missed_votes;
    votes->holds += holds;
    votes->misses += !holds;
    if (of_best && votes->misses == VOTES_NEEDED) {
        set_missed(search, *votes);
        search->best = 0;
        refute(search);
        go_down(search);
    } else if (!of_best && votes->holds == VOTES_NEEDED) {
        set_best(search, *votes);
        search->least_missed = 0;
        refute(search);
        go_up(search);
    } else {
        try_edge(search);
    }
}

void search_take(struct search *search, enum probe_verdict verdict)
{
    static void (*const take[])(struct search *, bool) = {
        [SEARCH_UP] = take_up,
        [SEARCH_DOWN] = take_down,
        [SEARCH_BISECT] = take_bisect,
        [SEARCH_EDGE] = take_edge,
    };
    search->probes++;
    search->invalid_in_row = verdict == PROBE_INVALID ? search->invalid_in_row + 1 : 0;
    if (search->invalid_in_row > INVALID_MOST)
        finish(search, SEARCH_GENERATOR);
    else if (verdict != PROBE_INVALID)
        take[search->phase](search, verdict == PROBE_HOLDS);
    if (!search->end && search->probes >= SEARCH_PROBES_MOST)
        finish(search, SEARCH_UNSTEADY);
}
