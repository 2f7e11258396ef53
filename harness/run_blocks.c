/*
 * run_blocks: cells in the order of their block, and the judgement on the block.
 *
 * The order stands in run.json before the first cell is started, and after every cell the name of that cell with all readings of
 * noise up to its end. A run that is gone on with therefore repeats the cell that was in flight and no other, and a block's noise
 * is that of all its cells, in however many sittings they were measured.
 *
 * A block that was disturbed (noise.h) is run again under a new number. Steal and foreign CPU time are judged at its end; the
 * calibration when all planned blocks have run, since before that there is no median of the run. A cell whose generator was
 * disturbed (it sent late, whatever the server did) is run again at once, up to twice; when that is of no use, the block counts
 * without it, and another block is added, so that no row goes without its figures. None of this looks at results.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "block.h"
#include "cell.h"
#include "run_parts.h"

#define TRIES_MOST 3u /* of a cell whose generator was disturbed */

/* ---- a cell ---- */

static char *cell_words(const struct run *run, const struct cell_plan *cell)
{
    const struct experiment *experiment = &run->plan.experiments[cell->experiment];
    const struct load *load = &experiment->loads[cell->load];
    char *level = load->kind == LOAD_CLOSED ? text_copy("") : load_text(load);
    char *words =
        text_print("%s %s%s%s%s", experiment->name, cell->strategy, cell->again ? " (again)" : "", *level ? " " : "", level);
    free(level);
    return words;
}

/* A try that says nothing of its server: kept in run.json and rejected.csv, but not as a cell. */
static void note_repeat(struct run *run, unsigned number, const struct cell_outcome *outcome)
{
    json_array_append_new(run->repeats,
                          json_pack("{s:i, s:s, s:s}", "block", (int)number, "cell", outcome->name, "reason", outcome->failure));
    progress_say(&run->progress, "run again: %s: %s", outcome->name, outcome->failure);
}

static int run_cell_once(struct run *run, const struct cell_plan *plan, unsigned number, bool may_repeat,
                         struct cell_outcome *outcome)
{
    struct cell_setting setting = {.custody = &run->custody,
                                   .plan = &run->plan,
                                   .placement = &run->placement,
                                   .contender = contenders_get(&run->contenders, plan->strategy),
                                   .programs = run->programs,
                                   .folder = run->folder,
                                   .seed = run->seed,
                                   .may_repeat = may_repeat};
    return cell_run(&setting, plan, number, outcome);
}

static void free_outcome(struct cell_outcome *outcome)
{
    free(outcome->name);
    free(outcome->failure);
}

static void count_cell(struct run *run, const struct cell_outcome *outcome)
{
    json_array_append_new(run->under_way.done, json_string(outcome->name));
    run->under_way.spoiled_cells += outcome->spoiled;
    run->cells_run++;
    if (outcome->failure) {
        run->cells_failed++;
        progress_say(&run->progress, "not ranked: %s: %s", outcome->name, outcome->failure);
    }
}

static void complain_of_cell(const struct run *run, const struct cell_plan *plan, unsigned number, int error)
{
    char *name = cell_name(&run->plan, plan, number);
    progress_close(&run->progress);
    fprintf(stderr, "clusterbench: cannot write %s/cells/%s: %s; what is whole is kept: clusterbench run --resume %s\n",
            run->folder, name, strerror(-error), run->folder);
    free(name);
}

static int run_cell(struct run *run, const struct cell_plan *plan, unsigned number)
{
    struct cell_outcome outcome;
    char *words = cell_words(run, plan);
    progress_cell(&run->progress, words, plan_cell_ns(&run->plan, plan));
    unsigned tries = 1;
    int result = run_cell_once(run, plan, number, run->plan.verdicts, &outcome);
    while (!result && outcome.repeat) {
        note_repeat(run, number, &outcome);
        free_outcome(&outcome);
        result = run_cell_once(run, plan, number, ++tries < TRIES_MOST, &outcome);
    }
    if (!result)
        count_cell(run, &outcome);
    else if (result != -EINTR)
        complain_of_cell(run, plan, number, result);
    free_outcome(&outcome);
    free(words);
    return result;
}

/* ---- a block ---- */

void run_forget_block(struct under_way *block)
{
    json_decref(block->done);
    json_decref(block->calibrations);
    free(block->sequence);
    *block = (struct under_way){0};
}

static void begin_block(struct run *run)
{
    unsigned number = run->accepted + run->rejected + 1;
    run->under_way = (struct under_way){.number = number,
                                        .sequence = block_shuffle(run->seed, number, run->cell_count),
                                        .count = run->cell_count,
                                        .done = json_array(),
                                        .calibrations = json_array()};
}

static bool is_done(const struct run *run, const struct cell_plan *plan)
{
    char *name = cell_name(&run->plan, plan, run->under_way.number);
    bool done = false;
    size_t i;
    const json_t *item;
    json_array_foreach(run->under_way.done, i, item) done |= !strcmp(json_string_value(item), name);
    free(name);
    return done;
}

/* What lies between two readings belongs to the block: nothing that disturbs may hide between cells. */
static int note_cell(struct run *run, struct noise_reading *last)
{
    struct noise_reading now;
    int result = noise_read(&now);
    if (result)
        return run_complain_file("cannot read", "/proc", result);
    noise_add(&run->under_way.sums, last, &now);
    *last = now;
    return run_write_state(run, "interrupted");
}

/* Each time it is gone on with, and from time to time on the way. */
static int calibrate(struct run *run, bool goes_on, unsigned cell)
{
    if (!goes_on && !noise_calibration_due(cell, run->under_way.count))
        return 0;
    json_t *reading = noise_calibrate(&run->placement);
    if (!reading)
        return run_complain_file("CPU affinity of", "this process", -EPERM);
    json_array_append_new(run->under_way.calibrations, reading);
    return 0;
}

static int run_cells(struct run *run)
{
    struct under_way *block = &run->under_way;
    struct noise_reading last;
    bool goes_on = true;
    int result = noise_read(&last);
    if (result)
        return run_complain_file("cannot read", "/proc", result);
    for (unsigned i = 0; i < block->count && !result; i++) {
        const struct cell_plan *plan = &run->cells[block->sequence[i]];
        if (is_done(run, plan))
            continue;
        result = calibrate(run, goes_on, i);
        goes_on = false;
        if (!result)
            result = run_cell(run, plan, block->number);
        if (!result)
            result = note_cell(run, &last);
    }
    return result;
}

static json_t *done_in_order(const struct run *run)
{
    json_t *order = json_array();
    for (unsigned i = 0; i < run->under_way.count; i++) {
        char *name = cell_name(&run->plan, &run->cells[run->under_way.sequence[i]], run->under_way.number);
        json_array_append_new(order, json_string(name));
        free(name);
    }
    return order;
}

static void reject(struct run *run, json_t *row, char *reason, bool was_done)
{
    json_object_set_new(row, "accepted", json_false());
    json_object_set_new(row, "reason", json_string(reason));
    run->rejected++;
    progress_block_rejected(&run->progress, was_done);
    progress_say(&run->progress, "block %d rejected: %s", (int)json_integer_value(json_object_get(row, "number")), reason);
    free(reason);
}

/* A plan without verdicts keeps everything. */
static void settle_block(struct run *run)
{
    const struct under_way *block = &run->under_way;
    struct noise noise = noise_of(&block->sums, CLOCK_NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
    char *reason = run->plan.verdicts ? noise_objection(&noise) : NULL;
    json_t *row =
        json_pack("{s:i, s:b, s:n, s:f, s:f, s:f, s:f, s:O, s:o, s:o, s:b, s:i}", "number", (int)block->number, "accepted", 1,
                  "reason", "steal_percent", noise.steal_percent, "foreign_cpu_percent", noise.foreign_percent,
                  "foreign_by_processes_percent", noise.by_processes_percent, "foreign_by_machine_percent",
                  noise.by_machine_percent, "calibration_us", block->calibrations, "noise", noise_json(&block->sums), "order",
                  done_in_order(run), "resumed", (int)block->resumed, "spoiled_cells", (int)block->spoiled_cells);
    json_array_append_new(run->blocks, row);
    if (reason) {
        reject(run, row, reason, false);
    } else {
        run->accepted++;
        progress_block_done(&run->progress);
    }
    run_forget_block(&run->under_way);
}

/* Once all planned blocks have run: which of those that still count were measured on slower or faster CPUs than the others? */
static void settle_calibrations(struct run *run)
{
    size_t i;
    json_t *row;
    if (!run->plan.verdicts || run->accepted + run->rejected < run->plan.blocks)
        return;
    json_array_foreach(run->blocks, i, row)
    {
        if (json_object_get(row, "calibration_off_percent"))
            continue;
        double off = noise_calibration_off(json_object_get(row, "calibration_us"), run->blocks);
        json_object_set_new(row, "calibration_off_percent", json_real(off));
        if (off <= NOISE_CALIBRATION_MOST_PERCENT || !json_is_true(json_object_get(row, "accepted")))
            continue;
        char *reason =
            text_print("calibration loop %.1f %% off the run's median is above %.0f %%", off, NOISE_CALIBRATION_MOST_PERCENT);
        run->accepted--;
        reject(run, row, reason, true);
    }
}

static int run_block(struct run *run)
{
    if (!run->under_way.number) {
        begin_block(run);
        int result = run_remove_unkept(run); /* of a block that run.json does not know of */
        if (result)
            return result;
    }
    int result = run_write_state(run, "interrupted");
    if (!result)
        result = run_cells(run);
    if (result)
        return result;
    settle_block(run);
    settle_calibrations(run);
    result = run_write_state(run, "interrupted");
    return result ? result : run_write_rejected(run);
}

/* ---- all of them ---- */

uint64_t run_estimate_ns(const struct run *run)
{
    unsigned settled = run->accepted + run->rejected, blocks = settled < run->plan.blocks ? run->plan.blocks - settled : 1;
    uint64_t block_ns = 0;
    for (unsigned i = 0; i < run->cell_count; i++)
        block_ns += plan_cell_ns(&run->plan, &run->cells[i]) + PLAN_AROUND_CELL_NS;
    uint64_t done_ns = run->under_way.number ? block_ns * json_array_size(run->under_way.done) / run->cell_count : 0;
    return block_ns * blocks - done_ns + run_capacity_ns(run);
}

static void open_progress(struct run *run)
{
    uint64_t planned_ns = 0, done_ns = 0;
    unsigned done = 0;
    for (unsigned i = 0; i < run->cell_count; i++) {
        uint64_t cell_ns = plan_cell_ns(&run->plan, &run->cells[i]);
        planned_ns += cell_ns;
        if (!run->under_way.number || !is_done(run, &run->cells[i]))
            continue;
        done_ns += cell_ns;
        done++;
    }
    progress_open(&run->progress, run->plan.blocks, run->cell_count, planned_ns);
    progress_skip(&run->progress, run->accepted, done, done_ns);
    run->progress.rejected = run->rejected;
}

/* A block that counts, but lacks a cell, is made up for as one that was thrown out. */
static bool is_another_needed(const struct run *run)
{
    unsigned lacking = 0;
    size_t i;
    const json_t *row;
    json_array_foreach(run->blocks, i, row) lacking +=
        json_is_true(json_object_get(row, "accepted")) && json_integer_value(json_object_get(row, "spoiled_cells")) > 0;
    if (!run->plan.verdicts)
        lacking = 0;
    return noise_another_block(run->plan.blocks, run->accepted, lacking, run->rejected);
}

int run_blocks(struct run *run)
{
    open_progress(run);
    int result = 0;
    while (!result && (run->under_way.number || is_another_needed(run))) {
        if (run->accepted >= run->progress.blocks)
            run->progress.blocks = run->accepted + 1;
        result = run_block(run);
    }
    progress_close(&run->progress);
    return result;
}
