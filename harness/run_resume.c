/*
 * run_resume: a folder that is gone on with.
 *
 * Plan, seed, choice of experiments, number of blocks and the order of the block under way come from the folder; an option may
 * repeat what they are, and is refused when it says something else. Blocks that were settled stay settled. Of the block under way
 * the cells named in `done` are kept, and all others run: a folder of a cell that is not among them was finished in the moment the
 * harness died, its noise is not known, and it is run again.
 *
 * A record that cannot be, or a settled block that lacks a cell, is refused before anything is written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#include "folder.h"
#include "machine.h"
#include "results.h"
#include "run_parts.h"

/* ---- options that say something else ---- */

static int refuse_option(const struct run *run, const char *option, const char *value, const char *recorded)
{
    fprintf(stderr, "clusterbench: --resume %s: %s %s is not what that run was begun with (%s); leave it out\n", run->folder,
            option, value, recorded);
    return -EINVAL;
}

static int refuse_number(const struct run *run, const char *option, uint64_t value, uint64_t recorded)
{
    if (!value || value == recorded)
        return 0;
    char *given = text_print("%llu", (unsigned long long)value), *known = text_print("%llu", (unsigned long long)recorded);
    int result = refuse_option(run, option, given, known);
    free(known);
    free(given);
    return result;
}

static int compare_plan(const struct run *run)
{
    struct plan plan = {0};
    if (!run->settings->plan)
        return 0;
    int result = run_load_plan(run->settings, run->settings->plan, &plan);
    if (!result && strcmp(plan.text, run->plan.text))
        result = refuse_option(run, "--plan", run->settings->plan, "its plan.ini");
    plan_close(&plan);
    return result;
}

static int compare_only(const struct run *run)
{
    if (!run->settings->only)
        return 0;
    struct names given = {0};
    names_split(&given, run->settings->only);
    char *now = names_join(&given, ","), *recorded = names_join(&run->only, ",");
    int result = strcmp(now, recorded) ? refuse_option(run, "--only", now, *recorded ? recorded : "everything") : 0;
    free(recorded);
    free(now);
    names_free(&given);
    return result;
}

static int compare_options(const struct run *run)
{
    const struct run_settings *settings = run->settings;
    int result = compare_plan(run);
    if (!result)
        result = compare_only(run);
    if (!result)
        result = refuse_number(run, "--blocks", settings->blocks, run->plan.blocks);
    if (!result)
        result = refuse_number(run, "--seed", settings->seed, run->seed);
    if (!result && settings->quick && !run->quick)
        result = refuse_option(run, "--quick", "given", "without it");
    if (!result && settings->budget_ns)
        result = refuse_option(run, "--budget", "given", "its blocks are chosen");
    if (!result && settings->out && strcmp(settings->out, run->folder))
        result = refuse_option(run, "--out", settings->out, run->folder);
    return result;
}

/* ---- a record that cannot be ---- */

static int refuse_record(const struct run *run, char *what)
{
    fprintf(stderr, "clusterbench: --resume %s: %s\n", run->folder, text_tame(what));
    free(what);
    return -EINVAL;
}

/* What the folder was begun with cannot be guessed. */
static int check_number(const struct run *run, const struct results *results, const char *key, json_int_t most)
{
    const json_t *value = json_object_get(results->run, key);
    if (json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= most)
        return 0;
    char *given = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    int result = refuse_record(
        run, text_print("run.json: %s is %s; it must be a number, 1..%lld", key, given ? given : "missing", (long long)most));
    free(given);
    return result;
}

static bool has_cell(const struct results *results, const char *name)
{
    for (unsigned i = 0; name && i < results->cell_count; i++)
        if (!strcmp(results->cells[i].folder, name))
            return true;
    return false;
}

/* Verdicts rest on the cells of settled blocks, and they are not measured again: each must be there. */
static int check_block(const struct run *run, const struct results *results, const json_t *block, unsigned number)
{
    const json_t *order = json_object_get(block, "order"), *name;
    size_t i;
    if (json_integer_value(json_object_get(block, "number")) != number)
        return refuse_record(run, text_print("run.json: the settled block %u has another number or none", number));
    if (!json_array_size(order))
        return refuse_record(run, text_print("run.json: the settled block %u names no cells in its order", number));
    json_array_foreach(order, i, name)
    {
        const char *cell = json_string_value(name);
        if (!has_cell(results, cell))
            return refuse_record(run, text_print("cells/%s of the settled block %u is missing or broken; put it back, or begin a "
                                                 "new run with another --out",
                                                 cell ? cell : "?", number));
    }
    return 0;
}

static int check_record(const struct run *run, const struct results *results)
{
    const json_t *blocks = json_object_get(results->run, "blocks"), *block;
    unsigned whole = 0; /* accepted, and no cell of them was spoiled: never more than planned */
    size_t i;
    int result = check_number(run, results, "planned_blocks", BLOCKS_MOST);
    if (!result)
        result = check_number(run, results, "seed", INT64_MAX);
    if (!result && !json_is_array(blocks))
        result = refuse_record(run, text_copy("run.json: blocks is no list"));
    json_array_foreach(blocks, i, block)
    {
        whole += !json_is_false(json_object_get(block, "accepted")) && !json_integer_value(json_object_get(block, "spoiled_cells"));
        if (!result)
            result = check_block(run, results, block, (unsigned)i + 1);
    }
    if (!result && whole > results->plan.blocks)
        result = refuse_record(
            run, text_print("run.json: %u blocks were accepted where planned_blocks is %u", whole, results->plan.blocks));
    return result;
}

/* ---- what the folder says ---- */

static json_t *array_of(const json_t *json, const char *key)
{
    json_t *value = json_object_get(json, key);
    return json_is_array(value) ? json_incref(value) : json_array();
}

static void take_record(struct run *run, struct results *results)
{
    const char *started = json_string_value(json_object_get(results->run, "started"));
    size_t i;
    const json_t *name;
    run->plan = results->plan;
    results->plan = (struct plan){0};
    run->seed = results->seed;
    run->quick = json_is_true(json_object_get(results->run, "quick"));
    json_array_foreach(json_object_get(results->run, "only"), i, name) if (json_is_string(name))
        names_add(&run->only, json_string_value(name));
    run->started = started ? text_copy(started) : run_time("%Y-%m-%dT%H:%M:%SZ");
    run->blocks = array_of(results->run, "blocks");
    run->repeats = array_of(results->run, "repeats");
    run->sittings = array_of(results->run, "sittings");
    run->recalled = json_incref(results->run);
    for (unsigned b = 0; b < results->block_count; b++)
        *(results->blocks[b].accepted ? &run->accepted : &run->rejected) += 1;
    for (unsigned c = 0; c < results->cell_count; c++) {
        run->cells_run++;
        run->cells_failed += !results->cells[c].ranked;
    }
}

int run_recall(struct run *run)
{
    struct results results;
    char error[RESULTS_ERROR_SIZE];
    run->folder = text_copy(run->settings->resume);
    for (size_t length = strlen(run->folder); length > 1 && run->folder[length - 1] == '/'; length--)
        run->folder[length - 1] = '\0';
    int result = run_lock(run);
    if (result)
        return result;
    result = results_read(&results, run->folder, error);
    if (result < 0)
        return run_complain(error);
    bool complete = results.complete;
    result = check_record(run, &results);
    take_record(run, &results);
    results_close(&results);
    if (!result)
        result = compare_options(run);
    if (result || !complete)
        return result;
    fprintf(stderr, "clusterbench: %s is complete: %u blocks; to draw it again: clusterbench report %s\n", run->folder,
            run->accepted + run->rejected, run->folder);
    return RESUME_NOTHING_LEFT;
}

/* ---- the block that was under way ---- */

static int refuse_cells(const struct run *run, const char *what)
{
    fprintf(stderr, "clusterbench: --resume %s: it has other cells than can be run here now (%s)\n", run->folder, what);
    return -EINVAL;
}

static int find_cell(const struct run *run, const char *name, unsigned block)
{
    for (unsigned i = 0; i < run->cell_count; i++) {
        char *known = cell_name(&run->plan, &run->cells[i], block);
        bool same = name && !strcmp(known, name);
        free(known);
        if (same)
            return (int)i;
    }
    return -1;
}

static bool is_whole(const struct run *run, const char *name)
{
    char *path = text_print("%s/cells/%s/server.json", run->folder, name);
    json_t *server = json_load_file(path, 0, NULL);
    bool whole = json_is_object(server);
    json_decref(server);
    free(path);
    return whole;
}

static void keep_cells(struct run *run, const json_t *done)
{
    size_t i;
    const json_t *item;
    json_array_foreach(done, i, item) if (json_is_string(item) && is_whole(run, json_string_value(item)))
        json_array_append_new(run->under_way.done, json_string(json_string_value(item)));
}

static bool is_kept(const struct run *run, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(run->under_way.done, i, item) if (!strcmp(json_string_value(item), name)) return true;
    return false;
}

int run_remove_unkept(const struct run *run)
{
    const struct under_way *block = &run->under_way;
    int result = 0;
    for (unsigned i = 0; i < block->count && !result; i++) {
        char *name = cell_name(&run->plan, &run->cells[block->sequence[i]], block->number),
             *path = text_print("%s/cells/%s", run->folder, name);
        struct stat there;
        if (!is_kept(run, name) && lstat(path, &there) == 0)
            result = folder_remove(path);
        if (result)
            run_complain_file("cannot remove", path, result);
        free(path);
        free(name);
    }
    return result;
}

static int take_order(struct run *run, const json_t *order)
{
    struct under_way *block = &run->under_way;
    block->count = (unsigned)json_array_size(order);
    block->sequence = memory_get((block->count + 1) * sizeof(*block->sequence));
    bool *taken = memory_get((run->cell_count + 1) * sizeof(*taken));
    int result = 0;
    for (unsigned i = 0; i < block->count && !result; i++) {
        const char *name = json_string_value(json_array_get(order, i));
        int cell = find_cell(run, name, block->number);
        if (cell < 0 || taken[cell]) {
            result = refuse_cells(run, name ? name : "an unreadable name");
            break;
        }
        taken[cell] = true;
        block->sequence[i] = (unsigned)cell;
    }
    free(taken);
    return result;
}

/* Without a block under way the last one that was settled tells which cells there are. */
static int compare_cells(struct run *run)
{
    const json_t *last = json_array_get(run->blocks, json_array_size(run->blocks) - 1);
    const json_t *order = json_object_get(last, "order");
    size_t i;
    const json_t *name;
    if (!last)
        return 0;
    if (json_array_size(order) != run->cell_count)
        return refuse_cells(run, "their number differs");
    json_array_foreach(
        order, i, name) if (find_cell(run, json_string_value(name), (unsigned)json_integer_value(json_object_get(last, "number"))) <
                            0) return refuse_cells(run, json_string_value(name) ? json_string_value(name) : "an unreadable name");
    return 0;
}

int run_recall_block(struct run *run)
{
    const json_t *block = json_object_get(run->recalled, "under_way"), *order = json_object_get(block, "order");
    unsigned number = (unsigned)json_integer_value(json_object_get(block, "number"));
    if (!json_is_object(block) || number != run->accepted + run->rejected + 1)
        return compare_cells(run);
    if (json_array_size(order) != run->cell_count)
        return refuse_cells(run, "their number differs");
    run->under_way = (struct under_way){.number = number,
                                        .done = json_array(),
                                        .calibrations = json_deep_copy(json_object_get(block, "calibration_us")),
                                        .spoiled_cells = json_integer_value(json_object_get(block, "spoiled_cells")) > 0};
    if (!json_is_array(run->under_way.calibrations)) {
        json_decref(run->under_way.calibrations);
        run->under_way.calibrations = json_array();
    }
    int result = take_order(run, order);
    if (!result && noise_from_json(&run->under_way.sums, json_object_get(block, "noise")) < 0)
        result = refuse_cells(run, "its noise cannot be read");
    if (!result)
        keep_cells(run, json_object_get(block, "done"));
    run->under_way.resumed = json_array_size(run->under_way.done) > 0 || json_is_true(json_object_get(block, "resumed"));
    return result;
}

/* ---- the machine ---- */

static void note_sitting(struct run *run, const struct names *differences)
{
    char *now = run_time("%Y-%m-%dT%H:%M:%SZ");
    json_t *lines = json_array();
    for (size_t i = 0; i < differences->count; i++)
        json_array_append_new(lines, json_string(differences->items[i]));
    unsigned block = run->under_way.number ? run->under_way.number : run->accepted + run->rejected + 1;
    json_array_append_new(run->sittings, json_pack("{s:s, s:i, s:i, s:o}", "started", now, "block", (int)block, "cells_kept",
                                                   (int)json_array_size(run->under_way.done), "differences", lines));
    free(now);
}

/* It is missing when the run was interrupted before it had begun; then it is what it is now. */
static int load_machine(struct run *run, json_t *now)
{
    char *path = text_print("%s/machine-before.json", run->folder);
    json_error_t error;
    int result = 0;
    run->machine = json_load_file(path, 0, &error);
    const char *schema = json_string_value(json_object_get(run->machine, "schema"));
    if (run->machine && (!schema || strcmp(schema, "clusterbench.machine/1") != 0)) {
        fprintf(stderr,
                "clusterbench: --resume %s: schema of machine-before.json is '%s'; this program reads clusterbench.machine/1\n",
                run->folder, schema ? schema : "missing");
        free(path);
        return -EINVAL;
    }
    if (!run->machine && !json_array_size(run->blocks) && !run->under_way.number) {
        run->machine = json_incref(now);
        result = run_write_json(run, "machine-before.json", now);
    } else if (run->machine) { /* versions are those of the first sitting; its differences say what they became */
        run->rows = json_incref(json_object_get(run->recalled, "contenders"));
    } else {
        fprintf(stderr, "clusterbench: --resume %s: machine-before.json: %s\n", run->folder, error.text);
        result = -EINVAL;
    }
    free(path);
    return result;
}

int run_compare_machine(struct run *run)
{
    struct names differences = {0};
    json_t *now = run_look_at_machine(run);
    int result = load_machine(run, now);
    if (!result)
        machine_compare(run->machine, now, MACHINE_IDENTITY, &differences);
    json_decref(now);
    if (result)
        return result;
    if (differences.count && !run->settings->force_resume) {
        fprintf(stderr,
                "clusterbench: --resume %s: not the machine or the programs it was begun with: %s%s; --force-resume goes on\n",
                run->folder, differences.items[0], differences.count > 1 ? " and more" : "");
        result = -EINVAL;
    } else {
        note_sitting(run, &differences);
    }
    names_free(&differences);
    return result;
}
