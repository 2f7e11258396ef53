/*
 * compare_programs: by what, and in what hour, were both runs made? None of it hinders a comparison: a new version of a program is
 * what most comparisons are about. But what differs is named, and "the same" is said only of what was the same throughout a run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics.h>

#include "compare_parts.h"

/* ---- hashes ---- */

static void note_hashes(struct comparison *comparison, bool constant)
{
    const json_t *a = json_object_get(comparison->a.machine, "sha256"), *b = json_object_get(comparison->b.machine, "sha256");
    struct names differing = {0};
    const char *name;
    json_t *hash;
    if (!json_object_size(a) || !json_object_size(b))
        return;
    json_object_foreach((json_t *)(uintptr_t)a, name, hash)
    {
        const json_t *other = json_object_get(b, name);
        if (other && !json_equal(hash, other))
            names_add(&differing, name);
    }
    char *list = names_join(&differing, ", ");
    if (differing.count)
        compare_add_line(&comparison->notes, text_print("Programs that are not the same in A and B: %s.", list));
    else if (constant)
        names_add(&comparison->notes, "The programs whose hashes both runs hold are the same: what differs is not theirs.");
    else
        names_add(&comparison->notes, "The programs whose hashes both runs hold were the same when the runs began.");
    if (names_hold(&differing, "loadgen"))
        names_add(&comparison->notes, "The load generator is one of them: a difference may be its own.");
    free(list);
    names_free(&differing);
}

/* ---- a run that did not stay one ---- */

static void take_lines(const json_t *lines, struct names *found)
{
    size_t i;
    const json_t *line;
    json_array_foreach(lines, i, line)
    {
        const char *text = json_string_value(line);
        if (text && !names_hold(found, text))
            names_add(found, text);
    }
}

/* What was not the same from one sitting to the next (run --force-resume), or at the end. The lines of run.json say it. */
static bool note_changes(struct comparison *comparison, const struct side *side, char name)
{
    struct names resumed = {0}, changed = {0};
    size_t i;
    const json_t *sitting;
    json_array_foreach(json_object_get(side->results.run, "sittings"), i, sitting)
        take_lines(json_object_get(sitting, "differences"), &resumed);
    take_lines(json_object_get(side->results.run, "machine_changes"), &changed);
    char *of_resumed = compare_list(&resumed), *of_changed = compare_list(&changed);
    if (resumed.count)
        compare_add_line(&comparison->notes,
                         text_print("%c was gone on with although not everything was what it had been, so that its "
                                    "figures are not of one thing: %s.",
                                    name, of_resumed));
    if (changed.count)
        compare_add_line(&comparison->notes, text_print("While %c ran, something changed: %s.", name, of_changed));
    bool constant = !resumed.count;
    for (size_t l = 0; l < changed.count; l++)
        constant &= strncmp(changed.items[l], "sha256", 6) != 0;
    free(of_resumed);
    free(of_changed);
    names_free(&resumed);
    names_free(&changed);
    return constant;
}

/* ---- versions ---- */

static const json_t *find_contender(const struct side *side, const char *name)
{
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(side->results.run, "contenders"), i, contender)
    {
        const char *own = json_string_value(json_object_get(contender, "name"));
        if (own && !strcmp(own, name))
            return contender;
    }
    return NULL;
}

static const char *version_of(const json_t *contender)
{
    const char *version = json_string_value(json_object_get(contender, "version"));
    return version ? version : "not known";
}

/* Of peers, which have no hash. Are all of them the same, as far as is known? */
static bool note_versions(struct comparison *comparison)
{
    struct names differing = {0}, unknown = {0};
    size_t i;
    const json_t *contender;
    json_array_foreach(json_object_get(comparison->a.results.run, "contenders"), i, contender)
    {
        const char *name = json_string_value(json_object_get(contender, "name")),
                   *kind = json_string_value(json_object_get(contender, "kind"));
        const json_t *other = name ? find_contender(&comparison->b, name) : NULL;
        if (!other || !kind || strcmp(kind, "peer") != 0)
            continue;
        const char *of_a = version_of(contender), *of_b = version_of(other);
        if (strcmp(of_a, of_b) != 0)
            compare_add_line(&differing, text_print("%s is %s in A, %s in B", name, of_a, of_b));
        else if (!json_object_get(contender, "version") || json_is_null(json_object_get(contender, "version")))
            names_add(&unknown, name);
    }
    char *versions = compare_list(&differing), *names = names_join(&unknown, ", ");
    if (differing.count)
        compare_add_line(&comparison->notes, text_print("Peers whose versions differ: %s.", versions));
    if (unknown.count)
        compare_add_line(&comparison->notes, text_print("Peers whose versions are not known, in A and in B: %s.", names));
    bool same = !differing.count && !unknown.count;
    free(versions);
    free(names);
    names_free(&differing);
    names_free(&unknown);
    return same;
}

void compare_note_programs(struct comparison *comparison)
{
    bool of_a = note_changes(comparison, &comparison->a, 'A'), of_b = note_changes(comparison, &comparison->b, 'B'),
         peers = note_versions(comparison);
    note_hashes(comparison, of_a && of_b && peers);
}

/* ---- the moment ---- */

/* The median of what a fixed loop took in the blocks, over all CPUs; NaN where none was measured. */
static double calibration_us(const json_t *run)
{
    double *values = NULL, median = NAN;
    size_t count = 0, b, s, i;
    const json_t *block, *reading, *value;
    json_array_foreach(json_object_get(run, "blocks"), b, block)
    {
        json_array_foreach(json_object_get(block, "calibration_us"), s, reading)
        {
            json_array_foreach(reading, i, value)
            {
                values = memory_grow(values, (count + 1) * sizeof(*values));
                values[count] = json_number_value(value);
                count += values[count] > 0;
            }
        }
    }
    if (count)
        median = gsl_stats_median(values, 1, count);
    free(values);
    return median;
}

double compare_calibration_ratio(const struct comparison *comparison)
{
    return calibration_us(comparison->b.results.run) / calibration_us(comparison->a.results.run);
}

void compare_note_moment(struct comparison *comparison)
{
    double ratio = compare_calibration_ratio(comparison);
    if (isfinite(ratio))
        compare_add_line(
            &comparison->notes,
            text_print("A fixed loop took %.2f times as long in B as in A: so far the machine itself differed.", ratio));
}
