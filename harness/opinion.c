/* opinion: cells are gathered by the row they belong to, then each row gets its medians. */
#include <stdlib.h>
#include <string.h>

#include "base/estimate.h"
#include "judge.h"
#include "opinion.h"

const struct opinion *opinions_find(const struct opinions *opinions, const struct opinion *like)
{
    for (size_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];
        if (opinion->experiment == like->experiment && opinion->workers == like->workers && opinion->again == like->again &&
            !strcmp(opinion->load, like->load) && !strcmp(opinion->strategy, like->strategy))
            return opinion;
    }
    return NULL;
}

static struct opinion *opinion_of(struct opinions *opinions, const struct cell_record *cell)
{
    const struct opinion fresh = {.experiment = cell->experiment,
                                  .workers = cell->workers,
                                  .strategy = cell->strategy,
                                  .load = cell->load,
                                  .again = cell->again};
    const struct opinion *known = opinions_find(opinions, &fresh);
    if (known)
        return &opinions->items[known - opinions->items];
    opinions->items = memory_grow(opinions->items, (opinions->count + 1) * sizeof(*opinions->items));
    opinions->items[opinions->count] = fresh;
    return &opinions->items[opinions->count++];
}

static void add_figures(struct opinion *opinion, double ours, double theirs)
{
    size_t size = (opinion->count + 1) * sizeof(double);
    opinion->all_ours = memory_grow(opinion->all_ours, size);
    opinion->all_theirs = memory_grow(opinion->all_theirs, size);
    opinion->all_ratios = memory_grow(opinion->all_ratios, size);
    opinion->all_ours[opinion->count] = ours;
    opinion->all_theirs[opinion->count] = theirs;
    opinion->all_ratios[opinion->count++] = theirs / ours;
}

static bool counts(const struct results *results, const struct cell_record *cell)
{
    for (unsigned i = 0; i < results->block_count; i++)
        if (results->blocks[i].number == cell->block)
            return results->blocks[i].accepted && cell->ranked;
    return cell->ranked;
}

static void take_opinion(struct opinions *opinions, const struct results *results, const struct cell_record *cell)
{
    if (!results->plan.experiments[cell->experiment].crosscheck || !counts(results, cell))
        return;
    char *path = text_print("%s/cells/%s/crosscheck.json", results->folder, cell->folder);
    json_t *json = json_load_file(path, 0, NULL);
    free(path);
    double ours = json_number_at(json, "ours", NULL, 0), theirs = json_number_at(json, "requests_per_s", NULL, 0);
    const char *schema = json_string_value(json_object_get(json, "schema"));
    if (schema && !strcmp(schema, "clusterbench.crosscheck/1") && ours > 0 && theirs > 0)
        add_figures(opinion_of(opinions, cell), ours, theirs);
    json_decref(json);
}

void opinions_take(struct opinions *opinions, const struct results *results)
{
    *opinions = (struct opinions){0};
    for (unsigned i = 0; i < results->cell_count; i++)
        take_opinion(opinions, results, &results->cells[i]);
    for (size_t i = 0; i < opinions->count; i++) {
        struct opinion *opinion = &opinions->items[i];
        opinion->ours = estimate_of(opinion->all_ours, opinion->count).median;
        opinion->theirs = estimate_of(opinion->all_theirs, opinion->count).median;
        opinion->ratio = estimate_of(opinion->all_ratios, opinion->count).median;
    }
}

void opinions_free(struct opinions *opinions)
{
    for (size_t i = 0; i < opinions->count; i++) {
        free(opinions->items[i].all_ours);
        free(opinions->items[i].all_theirs);
        free(opinions->items[i].all_ratios);
    }
    free(opinions->items);
    *opinions = (struct opinions){0};
}
