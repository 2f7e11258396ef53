/*
 * finding: says what the rows of an experiment show, and no more.
 *
 * The verdicts against the baseline open it, in groups; then come the medians' ends, which rank nobody. Without verdicts, and where
 * nothing is compared, only these are told, and that they carry none. A row without a verdict of its own and one that is not ranked
 * are named.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "table.h"

struct telling {
    const struct summary *summary;
    const struct experiment *experiment;
    enum metric metric;
    const char *load; /* the highest load of the plan that was run */
    const struct row **rows;
    unsigned count; /* ranked, best first, without the A/A row */
    char *text;
};

static void tell(struct telling *telling, char *more)
{
    text_replace(&telling->text, text_print("%s%s", telling->text, more));
    free(more);
}

static double worth(const struct telling *telling, const struct row *row)
{
    return row->of[telling->metric].median * -metrics[telling->metric].better; /* less is better */
}

static void insert_row(struct telling *telling, const struct row *row)
{
    telling->rows = memory_grow(telling->rows, (telling->count + 1) * sizeof(*telling->rows));
    unsigned i = telling->count++;
    for (; i && worth(telling, telling->rows[i - 1]) > worth(telling, row); i--)
        telling->rows[i] = telling->rows[i - 1];
    telling->rows[i] = row;
}

static void choose_rows(struct telling *telling, unsigned experiment)
{
    const struct summary *summary = telling->summary;
    telling->load = summary_highest_load(summary, experiment);
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (row->experiment == experiment && !row->again && row->ranked && !strcmp(row->load, telling->load) &&
            isfinite(row->of[telling->metric].median))
            insert_row(telling, row);
    }
}

static char *with_unit(const struct telling *telling, const struct row *row)
{
    char *number = estimate_text(&row->of[telling->metric], telling->metric);
    const char *unit = metrics[telling->metric].unit;
    char *text = *unit ? text_print("%s %s", number, unit) : text_copy(number);
    free(number);
    return text;
}

/* The rows with one verdict, after `before`; how they stand to the baseline is told unless the verdict is that there is none. */
static void tell_group(struct telling *telling, enum verdict verdict, const char *before, const char *after)
{
    struct names names = {0};
    for (unsigned i = 0; i < telling->count; i++) {
        const struct row *row = telling->rows[i];
        if (row->baseline || row->verdict[telling->metric] != verdict)
            continue;
        char *label = row_label(telling->summary, row),
             *against = contrast_phrase(telling->metric, row_against(row, telling->metric));
        char *text = verdict == VERDICT_VOID ? text_copy(label) : text_print("%s (%s)", label, against);
        names_add(&names, text);
        free(text);
        free(against);
        free(label);
    }
    char *list = names_join(&names, ", ");
    if (names.count)
        tell(telling, text_print(" %s%s%s.", before, list, after));
    free(list);
    names_free(&names);
}

static bool any_with(const struct telling *telling, enum verdict verdict)
{
    for (unsigned i = 0; i < telling->count; i++)
        if (!telling->rows[i]->baseline && telling->rows[i]->verdict[telling->metric] == verdict)
            return true;
    return false;
}

/* Those that are compared and yet have no verdict, each with what it lacks. */
static void tell_without_verdict(struct telling *telling)
{
    struct names names = {0};
    for (unsigned i = 0; i < telling->count; i++) {
        char *why = no_verdict_text(telling->summary, telling->rows[i], telling->metric);
        if (!why)
            continue;
        char *label = row_label(telling->summary, telling->rows[i]), *text = text_print("%s (%s)", label, why);
        names_add(&names, text);
        free(text);
        free(label);
        free(why);
    }
    char *list = names_join(&names, ", ");
    if (names.count)
        tell(telling, text_print(" No verdict for %s.", list));
    free(list);
    names_free(&names);
}

/* What was decided comes first; what was not is said to be open, however far apart the medians are. */
static void tell_verdicts(struct telling *telling)
{
    const char *baseline = telling->experiment->baseline, *label = metrics[telling->metric].label;
    bool compared = any_with(telling, VERDICT_SAME) || any_with(telling, VERDICT_UNDECIDED);
    tell(telling, any_with(telling, VERDICT_DIFFERENT) ? text_print("%s differs from %s in", label, baseline)
                  : compared                           ? text_print("%s: nothing was found to differ from %s.", label, baseline)
                                                       : text_print("%s: nothing could be held against %s.", label, baseline));
    tell_group(telling, VERDICT_DIFFERENT, "", "");
    tell_group(telling, VERDICT_SAME, "The same within the noise: ", "");
    tell_group(telling, VERDICT_UNDECIDED, "Undecided with these blocks: ", "");
    tell_group(telling, VERDICT_VOID, "Nothing can be said of ", ": the A/A pair itself differs");
    tell_without_verdict(telling);
}

/* Where the medians lie. They are an order of this run, not a ranking: only the verdicts are. */
static void tell_range(struct telling *telling, const char *before)
{
    const struct row *best = telling->rows[0], *worst = telling->rows[telling->count - 1];
    char *best_name = row_label(telling->summary, best), *best_value = with_unit(telling, best);
    char *worst_name = row_label(telling->summary, worst), *worst_value = with_unit(telling, worst);
    tell(telling, telling->count == 1
                      ? text_print("%s %s (%s).", before, best_value, best_name)
                      : text_print("%s from %s (%s) to %s (%s).", before, best_value, best_name, worst_value, worst_name));
    free(best_name);
    free(best_value);
    free(worst_name);
    free(worst_value);
}

/* The worst spread in words: what the busiest worker got, what chance alone would have made of it. */
static void tell_spread(struct telling *telling)
{
    const struct row *worst = telling->rows[telling->count - 1];
    if (worst->connections < 1)
        return;
    char *name = row_label(telling->summary, worst);
    tell(telling, text_print(" With %s the busiest of %u workers gets %.1f %% of the requests where %.1f %% would be even;"
                             " throwing %.0f connections at random would give a Jain index of %.2f.",
                             name, worst->workers, 100 * worst->shares[0], 100.0 / worst->workers, worst->connections,
                             statistics_jain_by_chance(worst->connections, worst->workers)));
    free(name);
}

static void tell_failures(struct telling *telling, unsigned experiment)
{
    struct names failed = {0};
    for (unsigned i = 0; i < telling->summary->row_count; i++) {
        const struct row *row = &telling->summary->rows[i];
        if (row->experiment != experiment || row->ranked || row->again)
            continue;
        char *label = row_label(telling->summary, row);
        if (!names_hold(&failed, label))
            names_add(&failed, label);
        free(label);
    }
    char *list = names_join(&failed, ", ");
    if (failed.count)
        tell(telling, text_print(" Not ranked: %s; the notes say why.", list));
    free(list);
    names_free(&failed);
}

static void tell_load(struct telling *telling)
{
    int length = (int)strlen(telling->load);
    if (telling->experiment->loads_count < 2)
        return;
    tell(telling, strstr(telling->load, "pct") ? text_print("At %.*s %% load, ", length - 3, telling->load)
                                               : text_print("At %.*s/s, ", length - 2, telling->load));
}

char *finding_text(const struct summary *summary, unsigned experiment)
{
    struct telling telling = {
        .summary = summary, .experiment = &summary->results->plan.experiments[experiment], .text = text_copy("")};
    telling.metric = telling.experiment->primary;
    choose_rows(&telling, experiment);
    if (!telling.count) {
        text_replace(&telling.text, text_copy("No cell of this experiment could be ranked."));
    } else {
        bool judged = summary->verdicts && telling.experiment->baseline;
        tell_load(&telling);
        if (judged)
            tell_verdicts(&telling);
        else
            tell(&telling, text_print("%s, %s:", metrics[telling.metric].label,
                                      summary->verdicts ? "held against no baseline" : "without a verdict"));
        tell_range(&telling, judged ? " Medians lie" : " medians");
        if (experiment_layout(telling.experiment) == LAYOUT_SHARES)
            tell_spread(&telling);
    }
    tell_failures(&telling, experiment);
    free(telling.rows);
    return telling.text;
}
