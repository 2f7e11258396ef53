/* compare_json: a comparison for programs, schema clusterbench.compare/1 (docs/formats.md). */
#include <math.h>
#include <stdlib.h>

#include "compare_parts.h"

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* `ratio` or `difference`, as the metric is compared. */
static json_t *shift_json(const struct compared *item, const struct shift *shift)
{
    if (!isfinite(shift->middle))
        return json_null();
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "blocks_a", (int)shift->a, "blocks_b", (int)shift->b,
                     compared_by_names[metrics[item->metric].by], number_or_null(shift->middle), "low", number_or_null(shift->low),
                     "high", number_or_null(shift->high), "coverage",
                     shift->coverage > 0 ? json_real(shift->coverage) : json_null(), "p", number_or_null(shift->p));
}

/* How many cells have a figure that counts, and in how many blocks they could. */
static json_t *cells_json(const struct comparison *comparison, const struct compared *item)
{
    unsigned of_a = comparison->a.summary.block_count, of_b = comparison->b.summary.block_count;
    return json_pack("{s:i, s:i, s:i, s:i}", "a", (int)compare_cells(item->a, item->metric, of_a), "of_a", (int)of_a, "b",
                     (int)compare_cells(item->b, item->metric, of_b), "of_b", (int)of_b);
}

static json_t *item_json(const struct comparison *comparison, const struct compared *item)
{
    static const char *const roles[] = {[ROLE_ROW] = "row", [ROLE_BASELINE] = "baseline", [ROLE_AGAIN] = "again"};
    json_t *json = json_object();
    json_object_set_new(json, "experiment", json_string(comparison->a.results.plan.experiments[item->a->experiment].name));
    json_object_set_new(json, "strategy", json_string(item->a->strategy));
    json_object_set_new(json, "role", json_string(roles[item->role]));
    json_object_set_new(json, "workers", json_integer(item->a->workers));
    json_object_set_new(json, "load", json_string(item->a->load));
    json_object_set_new(json, "metric", json_string(metrics[item->metric].name));
    json_object_set_new(json, "compared_by", json_string(compared_by_names[metrics[item->metric].by]));
    json_object_set_new(json, "better", json_string(metrics[item->metric].better < 0 ? "less" : "more"));
    json_object_set_new(json, "a", number_or_null(item->a->of[item->metric].median));
    json_object_set_new(json, "b", number_or_null(item->b->of[item->metric].median));
    json_object_set_new(json, "cells", cells_json(comparison, item));
    json_object_set_new(json, "absolute", comparison->settings->across_machines ? json_null() : shift_json(item, &item->absolute));
    json_object_set_new(json, "relative", shift_json(item, &item->relative));
    json_object_set_new(json, "delta", number_or_null(item->delta));
    json_object_set_new(json, "p_holm", number_or_null(item->p_holm));
    json_object_set_new(json, "verdict", json_string(outcome_names[item->outcome]));
    json_object_set_new(json, "moved", json_boolean(item->moved));
    json_object_set_new(json, "why", text_or_null(item->why));
    return json;
}

static json_t *side_json(const struct side *side)
{
    const json_t *started = json_object_get(side->results.run, "started");
    json_t *json = json_object();
    char *folder = text_tame(text_copy(side->results.folder));
    json_object_set_new(json, "folder", json_string(folder));
    json_object_set_new(json, "plan", json_string(side->results.plan.name));
    json_object_set_new(json, "started", text_or_null(json_string_value(started)));
    json_object_set_new(json, "complete", json_boolean(side->results.complete));
    json_object_set_new(json, "blocks", json_integer(side->summary.block_count));
    json_object_set_new(json, "seed", json_integer((json_int_t)side->results.seed));
    free(folder);
    return json;
}

static const char *overall(const struct comparison *comparison)
{
    int status = compare_status(comparison);
    return status == COMPARE_NO_WORSE ? "no worse" : status == COMPARE_WORSE ? "worse" : "undecided";
}

json_t *compare_json(const struct comparison *comparison)
{
    json_t *json = json_object(), *notes = json_array(), *rows = json_array(), *counts = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.compare/1"));
    json_object_set_new(json, "verdict", json_string(overall(comparison)));
    json_object_set_new(json, "reading", json_string(compare_readings[comparison->settings->reading]));
    json_object_set_new(json, "across_machines", json_boolean(comparison->settings->across_machines));
    json_object_set_new(json, "a", side_json(&comparison->a));
    json_object_set_new(json, "b", side_json(&comparison->b));
    json_object_set_new(json, "calibration_ratio", number_or_null(compare_calibration_ratio(comparison)));
    json_object_set_new(json, "no_verdicts_because", text_or_null(comparison->no_verdicts_because));
    for (size_t i = 0; i < comparison->notes.count; i++)
        json_array_append_new(notes, json_string(comparison->notes.items[i]));
    json_object_set_new(json, "notes", notes);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        json_object_set_new(counts, outcome_names[i], json_integer(comparison->outcomes[i]));
    json_object_set_new(counts, "moved", json_integer(comparison->moved));
    json_object_set_new(json, "counts", counts);
    for (unsigned i = 0; i < comparison->count; i++)
        json_array_append_new(rows, item_json(comparison, &comparison->items[i]));
    json_object_set_new(json, "widest_delta", comparison->widest_delta > 0 ? json_real(comparison->widest_delta) : json_null());
    json_object_set_new(json, "rows", rows);
    return json;
}
