/*
 * compare: reads both folders, refuses what does not compare, says what an answer cannot rest on, and answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "compare_parts.h"

#define NAMED_MOST 8 /* differences in one line */

const char *const compare_readings[] = {[READING_RELATIVE] = "relative", [READING_ABSOLUTE] = "absolute", NULL};
const char *const compare_formats[] = {[COMPARE_TEXT] = "text", [COMPARE_JSON] = "json", [COMPARE_HTML] = "html", NULL};

/* ---- two folders ---- */

static int open_side(struct side *side, const char *folder)
{
    char error[RESULTS_ERROR_SIZE];
    *side = (struct side){0};
    int result = results_read(&side->results, folder, error);
    if (!result && results_lack_cells(&side->results)) {
        snprintf(error, sizeof(error), "%s: the run is complete, but its cells/ are not there any more", folder);
        results_close(&side->results);
        result = -ENODATA;
    }
    if (result < 0) {
        fprintf(stderr, "clusterbench: compare: %s\n", text_tame(error));
        return result;
    }
    summary_make(&side->summary, &side->results);
    char *path = text_print("%s/machine-before.json", folder);
    side->machine = json_load_file(path, 0, NULL);
    results_clean(side->machine);
    free(path);
    if (side->machine && !json_is_object(side->machine)) {
        json_decref(side->machine);
        side->machine = NULL;
    }
    return 0;
}

static void close_side(struct side *side)
{
    json_decref(side->machine);
    summary_free(&side->summary);
    results_close(&side->results);
}

static void close_comparison(struct comparison *comparison)
{
    free(comparison->partner);
    free(comparison->items);
    free(comparison->no_verdicts_because);
    names_free(&comparison->other_servers);
    names_free(&comparison->notes);
    close_side(&comparison->b);
    close_side(&comparison->a);
}

/* ---- may they be compared? ---- */

void compare_add_line(struct names *lines, char *line)
{
    names_add(lines, text_tame(line));
    free(line);
}

char *compare_list(const struct names *lines)
{
    const struct names first = {lines->items, lines->count > NAMED_MOST ? NAMED_MOST : lines->count};
    char *list = names_join(&first, "; ");
    if (lines->count > NAMED_MOST)
        text_replace(&list, text_print("%s; and %zu more", list, lines->count - NAMED_MOST));
    return list;
}

/* Refuses for `differences` unless `allowed`; then `note` (which holds one %s) tells of them. Frees them. */
static int settle(struct comparison *comparison, struct names *differences, bool allowed, const char *refusal, const char *note)
{
    char *list = compare_list(differences);
    int result = 0;
    if (differences->count && !allowed) {
        fprintf(stderr, "clusterbench: compare: %s: %s\n", refusal, list);
        result = -EINVAL;
    } else if (differences->count) {
        char *line = text_print("%s %s.", note, list);
        names_add(&comparison->notes, line);
        free(line);
    }
    free(list);
    names_free(differences);
    return result;
}

/* An interrupted run lacks cells that its plan has: that is no other plan. */
static int check_plans(struct comparison *comparison)
{
    struct names differences = {0};
    bool common = comparison->settings->only_common;
    compare_check_plans(comparison, &differences);
    if (common || (comparison->a.results.complete && comparison->b.results.complete))
        compare_check_rows(comparison, &differences);
    return settle(comparison, &differences, common, "these are not runs of the same plan (--only-common compares what both have)",
                  "Left out:");
}

static int check_machines(struct comparison *comparison)
{
    struct names differences = {0};
    compare_check_machines(comparison, &differences);
    return settle(
        comparison, &differences, comparison->settings->across_machines,
        "these runs are not of the same machine (--across-machines compares them, and says what that voids)",
        "Not the same machine. Figures of A and B do not compare, and no ratio of them is given; the baselines are of their own "
        "machines, so that a row may stand otherwise against its baseline because the machines do. What differs:");
}

/* Why no verdict can be given, or NULL. The caller frees. */
static char *find_obstacle(const struct comparison *comparison)
{
    static const char prefix[] = "No verdicts: ";
    const struct side *sides[] = {&comparison->a, &comparison->b};
    for (int i = 0; i < 2; i++) {
        const char *because = sides[i]->summary.no_verdicts_because;
        if (!sides[i]->results.complete)
            return text_print("run %c was interrupted", 'A' + i);
        if (because)
            return text_print("run %c: %s", 'A' + i, strncmp(because, prefix, strlen(prefix)) ? because : because + strlen(prefix));
    }
    if (comparison->settings->across_machines && comparison->settings->reading == READING_ABSOLUTE)
        return text_copy("figures of two machines do not compare");
    return NULL;
}

static int split_metrics(const struct compare_settings *settings, struct names *wanted)
{
    struct names known = {0};
    int result = 0;
    metric_names(&known);
    names_add(&known, "primary");
    names_split(wanted, settings->metrics ? settings->metrics : "primary");
    for (size_t i = 0; i < wanted->count && !result; i++) {
        if (names_hold(&known, wanted->items[i]))
            continue;
        char *all = names_join(&known, ", "), *name = text_tame(text_copy(wanted->items[i]));
        fprintf(stderr, "clusterbench: compare: --metric: '%s' is not known; use %s\n", name, all);
        free(name);
        free(all);
        result = -EINVAL;
    }
    if (!wanted->count)
        names_add(wanted, "primary");
    names_free(&known);
    return result;
}

/* ---- the answer ---- */

static void note_unreadable(struct comparison *comparison)
{
    const struct side *sides[] = {&comparison->a, &comparison->b};
    for (int i = 0; i < 2; i++) {
        size_t count = sides[i]->results.unreadable.count;
        if (!sides[i]->results.cell_count)
            names_add(&comparison->notes, i ? "B has no cells that can be read." : "A has no cells that can be read.");
        if (!count)
            continue;
        char *first = text_tame(text_copy(sides[i]->results.unreadable.items[0])),
             *line = text_print("%zu cell%s of %c cannot be read: %s%s.", count, count == 1 ? "" : "s", 'A' + i, first,
                                count > 1 ? ", and others" : "");
        names_add(&comparison->notes, line);
        free(line);
        free(first);
    }
}

/* Where figures are judged without an A/A pair, nobody measured what counts as the same. */
static void note_no_baseline(struct comparison *comparison)
{
    const struct plan *plan = &comparison->a.results.plan;
    struct names without = {0};
    for (unsigned e = 0; e < plan->count && comparison->settings->reading == READING_ABSOLUTE; e++)
        if (comparison->partner[e] >= 0 && !plan->experiments[e].baseline)
            names_add(&without, plan->experiments[e].name);
    char *list = names_join(&without, ", ");
    if (without.count)
        compare_add_line(&comparison->notes,
                         text_print("Without a baseline there is no A/A pair that says what this bench needs: %.0f %% "
                                    "counts as the same in %s.",
                                    100 * DELTA_LEAST, list));
    free(list);
    names_free(&without);
}

/* So many comparisons that not even blocks which all say the same could pass the correction. */
static void note_power(struct comparison *comparison)
{
    unsigned a = comparison->a.summary.block_count, b = comparison->b.summary.block_count;
    if (!comparison->judged || shift_p_least(a, b) * comparison->judged < 0.05)
        return;
    char *line = text_print("With %u and %u blocks and %u comparisons no difference, however large, passes Holm's correction.", a,
                            b, comparison->judged);
    names_add(&comparison->notes, line);
    free(line);
}

static int print(const struct comparison *comparison, FILE *out)
{
    if (comparison->settings->format == COMPARE_HTML)
        compare_print_html(comparison, out);
    else if (comparison->settings->format == COMPARE_TEXT)
        compare_print_text(comparison, out);
    if (comparison->settings->format != COMPARE_JSON)
        return 0;
    json_t *json = compare_json(comparison);
    int result = json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 && fputc('\n', out) != EOF ? 0 : -EIO;
    json_decref(json);
    return result;
}

static int write_out(const struct comparison *comparison)
{
    const char *path = comparison->settings->out;
    struct file_draft draft;
    int result = path ? file_draft(&draft, path) : print(comparison, stdout);
    if (path && !result) {
        result = print(comparison, draft.out);
        if (result)
            file_discard(&draft);
        else
            result = file_commit(&draft);
    } else if (!path && fflush(stdout) != 0) {
        result = -errno;
    }
    if (result)
        fprintf(stderr, "clusterbench: compare: cannot write %s: %s\n", path ? path : "to stdout", strerror(-result));
    return result;
}

static int compare_sides(struct comparison *comparison, const struct names *wanted)
{
    if (check_plans(comparison) < 0 || check_machines(comparison) < 0)
        return COMPARE_CANNOT;
    comparison->no_verdicts_because = find_obstacle(comparison);
    compare_note_programs(comparison);
    compare_note_rates(comparison);
    compare_note_moment(comparison);
    note_unreadable(comparison);
    note_no_baseline(comparison);
    compare_judge(comparison, wanted);
    note_power(comparison);
    return write_out(comparison) < 0 ? COMPARE_CANNOT : compare_status(comparison);
}

int compare_run(const struct compare_settings *settings, const char *folder_a, const char *folder_b)
{
    struct comparison comparison = {.settings = settings};
    struct names wanted = {0};
    int status = COMPARE_CANNOT;
    if (split_metrics(settings, &wanted) == 0 && open_side(&comparison.a, folder_a) == 0) {
        if (open_side(&comparison.b, folder_b) == 0)
            status = compare_sides(&comparison, &wanted);
    }
    close_comparison(&comparison);
    names_free(&wanted);
    return status;
}
