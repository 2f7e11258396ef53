/*
 * run: blocks of cells in shuffled order, each block accepted or thrown out before anybody looks at its results.
 *
 * The order comes from the run's seed and is stored as it was run. run.json says "interrupted" from its first writing on and
 * "complete" only at the very end, so that a run that was killed, whatever the way, never passes for a whole one. A block
 * in which the hypervisor took more than 2 % of the CPU time is run again under a new number, up to three times. A cell whose
 * generator was disturbed (it sent late, whatever the server did) is run again at once, up to twice. Neither looks at results.
 *
 * Rule: whatever stands under a final name is whole.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/net.h"
#include "base/random.h"

#include "block.h"
#include "catalog.h"
#include "cell.h"
#include "contender.h"
#include "crosscheck.h"
#include "folder.h"
#include "machine.h"
#include "progress.h"
#include "report.h"
#include "run.h"

#define STEAL_MOST_PERCENT 2.0
#define RETRIES_MOST       3u
#define REJECTED_MOST      0.3
#define TRIES_MOST         3u /* of a cell whose generator was disturbed */

struct run {
    const struct run_settings *settings;
    struct custody custody;
    struct plan plan;
    struct placement placement;
    struct cell_plan *cells;
    unsigned cell_count;
    unsigned auto_workers;
    uint64_t seed;
    char *programs, *folder;
    char *started;
    struct names peers; /* folders of them */
    struct contenders contenders;
    struct names skipped; /* rows that cannot run here, with the reason */
    json_t *blocks;       /* of run.json */
    json_t *repeats;      /* of run.json: tries of cells that the generator spoiled */
    struct progress progress;
    unsigned accepted, rejected, cells_run, cells_failed;
};

static int complain(const char *text)
{
    fprintf(stderr, "clusterbench: %s\n", text);
    return -EINVAL;
}

static int complain_file(const char *what, const char *path, int error)
{
    fprintf(stderr, "clusterbench: %s %s: %s\n", what, path, strerror(-error));
    return error;
}

/* ---- before anything is written ---- */

static int load_plan(struct run *run)
{
    struct names folders = {0}, plans = {0};
    catalog_folders(&folders, "plans", run->settings->plans);
    char *file = catalog_plan_file(&folders, run->settings->plan), error[PLAN_ERROR_SIZE];
    int result = 0;
    if (file) {
        result = plan_read(&run->plan, file, error);
        if (result)
            complain(error);
    } else {
        catalog_plans(&folders, &plans);
        char *known = names_join(&plans, ", "), *hint = names_hint(&plans, run->settings->plan);
        fprintf(stderr, "clusterbench: --plan: no plan '%s'%s; plans are %s, or a path to an .ini file\n", run->settings->plan,
                hint, *known ? known : "missing");
        result = -ENOENT;
        free(hint);
        free(known);
    }
    free(file);
    names_free(&plans);
    names_free(&folders);
    return result;
}

static int shape_plan(struct run *run)
{
    struct names only = {0};
    char error[PLAN_ERROR_SIZE];
    if (run->settings->only)
        names_split(&only, run->settings->only);
    int result = only.count ? plan_restrict(&run->plan, &only, error) : 0;
    names_free(&only);
    if (result)
        return complain(error);
    if (run->settings->quick)
        plan_hurry(&run->plan);
    if (run->settings->blocks)
        run->plan.blocks = (unsigned)run->settings->blocks;
    return 0;
}

static void find_crosscheckers(struct run *run)
{
    for (unsigned e = 0; e < run->plan.count; e++) {
        const char *name = run->plan.experiments[e].crosscheck;
        char *program = name ? crosscheck_program(name) : NULL, *missing = name ? crosscheck_missing(name) : NULL;
        char *line = missing ? text_print("crosscheck: %s", missing) : NULL;
        if (name && !program && !names_hold(&run->skipped, line))
            names_add(&run->skipped, line);
        free(line);
        free(missing);
        free(program);
    }
}

/*
 * Every program of the plan must be there before the first is started; peers that are not installed, and cells that a peer cannot
 * serve, are left out with a line.
 */
static int find_contenders(struct run *run)
{
    char error[CONTENDER_ERROR_SIZE];
    struct contender_places places = {run->programs, &run->peers};
    if (!catalog_has_program(run->programs, "loadgen")) {
        fprintf(stderr, "clusterbench: no program loadgen in %s; build it, or name another folder with --bin\n", run->programs);
        return -ENOENT;
    }
    int result = contenders_find(&run->contenders, &places, &run->plan, run->cells, run->cell_count, error);
    if (result)
        return complain(error);
    run->cell_count = contenders_sift(&run->contenders, &run->plan, run->cells, run->cell_count, &run->skipped);
    find_crosscheckers(run);
    for (size_t i = 0; i < run->skipped.count; i++)
        fprintf(stderr, "skipped: %s\n", run->skipped.items[i]);
    return run->cell_count ? 0 : complain("nothing of the plan can be run here");
}

static char *time_text(const char *format)
{
    char text[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof(text), format, &utc);
    return text_copy(text);
}

static int prepare(struct run *run)
{
    int result = load_plan(run);
    if (!result)
        result = shape_plan(run);
    if (result)
        return result;
    result = placement_choose(&run->placement);
    if (result)
        return complain_file("CPU affinity of", "this process", result);
    run->programs = catalog_programs(run->settings->programs);
    run->auto_workers = placement_auto_workers(&run->placement);
    run->cell_count = plan_cells(&run->plan, run->auto_workers, &run->cells);
    run->seed = run->settings->seed ? run->settings->seed : 1 + random_seed() % 99999999;
    run->blocks = json_array();
    run->repeats = json_array();
    catalog_peer_folders(&run->peers, run->settings->peers);
    return find_contenders(run);
}

/* ---- the folder ---- */

static int make_folder(struct run *run)
{
    char *stamp = time_text("%Y%m%dT%H%M%SZ");
    run->folder = run->settings->out ? text_copy(run->settings->out) : text_print("results/%s-%s", stamp, run->plan.name);
    free(stamp);
    char *cells = text_print("%s/cells", run->folder);
    struct stat there;
    int result = stat(cells, &there) == 0 ? -EEXIST : folder_make(cells);
    if (result == -EEXIST)
        fprintf(stderr, "clusterbench: --out: %s holds results already; name a new folder\n", run->folder);
    else if (result)
        complain_file("cannot make results folder", run->folder, result);
    free(cells);
    return result;
}

static json_t *names_json(const char *list)
{
    struct names names = {0};
    json_t *array = json_array();
    names_split(&names, list ? list : "");
    for (size_t i = 0; i < names.count; i++)
        json_array_append_new(array, json_string(names.items[i]));
    names_free(&names);
    return array;
}

static json_t *lines_json(const struct names *lines)
{
    json_t *array = json_array();
    for (size_t i = 0; i < lines->count; i++)
        json_array_append_new(array, json_string(lines->items[i]));
    return array;
}

static int write_run(const struct run *run, const char *state)
{
    char *path = text_print("%s/run.json", run->folder), *placement = placement_text(&run->placement),
         *now = time_text("%Y-%m-%dT%H:%M:%SZ");
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.run/1"));
    json_object_set_new(json, "state", json_string(state));
    json_object_set_new(json, "version", json_string(CLUSTERBENCH_VERSION));
    json_object_set_new(json, "plan",
                        json_pack("{s:s, s:s, s:s}", "name", run->plan.name, "title", run->plan.title, "file", "plan.ini"));
    json_object_set_new(json, "seed", json_integer((json_int_t)run->seed));
    json_object_set_new(json, "planned_blocks", json_integer(run->plan.blocks));
    json_object_set_new(json, "only", names_json(run->settings->only));
    json_object_set_new(json, "quick", json_boolean(run->settings->quick));
    json_object_set_new(json, "contenders", contenders_json(&run->contenders));
    json_object_set_new(json, "skipped", lines_json(&run->skipped));
    json_object_set_new(json, "started", json_string(run->started));
    json_object_set_new(json, "written", json_string(now));
    json_object_set_new(json, "placement", placement_json(&run->placement));
    json_object_set_new(json, "placement_text", json_string(placement));
    json_object_set_new(json, "interrupted_by",
                        run->custody.interrupted_by ? json_string(strsignal(run->custody.interrupted_by)) : json_null());
    json_object_set(json, "blocks", run->blocks);
    json_object_set(json, "repeats", run->repeats);
    int result = file_write_json(path, json);
    if (result)
        complain_file("cannot write", path, result);
    json_decref(json);
    free(now);
    free(placement);
    free(path);
    return result;
}

static int write_machine(struct run *run, const char *file)
{
    char *path = text_print("%s/%s", run->folder, file);
    json_t *machine = machine_record(&run->custody, run->programs);
    int result = file_write_json(path, machine);
    if (result)
        complain_file("cannot write", path, result);
    json_decref(machine);
    free(path);
    return result;
}

static int write_text(const struct run *run, const char *file, const char *text)
{
    char *path = text_print("%s/%s", run->folder, file);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (!result) {
        fputs(text, draft.out);
        result = file_commit(&draft);
    }
    if (result)
        complain_file("cannot write", path, result);
    free(path);
    return result;
}

/* Blocks that were thrown out whole, and tries of single cells. */
static int write_rejected(const struct run *run)
{
    char *text = text_copy("block,cell,steal_percent,reason\n");
    size_t i;
    const json_t *row;
    json_array_foreach(run->blocks, i, row)
    {
        if (!json_is_false(json_object_get(row, "accepted")))
            continue;
        text_replace(&text, text_print("%s%d,,%.2f,\"%s\"\n", text, (int)json_integer_value(json_object_get(row, "number")),
                                       json_number_value(json_object_get(row, "steal_percent")),
                                       json_string_value(json_object_get(row, "reason"))));
    }
    json_array_foreach(run->repeats, i, row) text_replace(
        &text, text_print("%s%d,%s,,\"%s\"\n", text, (int)json_integer_value(json_object_get(row, "block")),
                          json_string_value(json_object_get(row, "cell")), json_string_value(json_object_get(row, "reason"))));
    int result = write_text(run, "rejected.csv", text);
    free(text);
    return result;
}

/* ---- blocks ---- */

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

static int run_cell(struct run *run, const struct cell_plan *plan, unsigned number, json_t *order, uint64_t *own_cpu_ns)
{
    struct cell_outcome outcome;
    char *words = cell_words(run, plan);
    progress_cell(&run->progress, words);
    unsigned tries = 1;
    int result = run_cell_once(run, plan, number, run->plan.verdicts, &outcome);
    while (!result && outcome.repeat) {
        *own_cpu_ns += outcome.own_cpu_ns;
        note_repeat(run, number, &outcome);
        free_outcome(&outcome);
        result = run_cell_once(run, plan, number, ++tries < TRIES_MOST, &outcome);
    }
    if (!result) {
        json_array_append_new(order, json_string(outcome.name));
        *own_cpu_ns += outcome.own_cpu_ns;
        run->cells_run++;
        if (outcome.failure) {
            run->cells_failed++;
            progress_say(&run->progress, "not ranked: %s: %s", outcome.name, outcome.failure);
        }
    } else if (result != -EINTR) {
        fprintf(stderr, "clusterbench: cannot write cell %s of block %u in %s: %s\n", words, number, run->folder,
                strerror(-result));
    }
    free_outcome(&outcome);
    free(words);
    return result;
}

struct noise {
    double steal_percent, foreign_percent; /* of all CPU time; of one CPU */
};

static struct noise block_noise(const struct machine_time *from, const struct machine_time *to, uint64_t own_ns, uint64_t wall_ns)
{
    double foreign_ns = (double)(to->busy_ns - from->busy_ns) - (double)own_ns;
    return (struct noise){.steal_percent = machine_steal_percent(from, to),
                          .foreign_percent = foreign_ns > 0 && wall_ns ? 100 * foreign_ns / (double)wall_ns : 0};
}

static uint64_t harness_cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CLOCK_NS_PER_S +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * CLOCK_NS_PER_US;
}

/* Accept or throw out: from the machine's readings alone. A plan without verdicts keeps everything. */
static void settle_block(struct run *run, unsigned number, json_t *order, const struct noise *noise)
{
    bool accepted = !run->plan.verdicts || noise->steal_percent <= STEAL_MOST_PERCENT;
    char *reason = accepted ? NULL : text_print("steal %.1f %% is above %.0f %%", noise->steal_percent, STEAL_MOST_PERCENT);
    json_array_append_new(run->blocks, json_pack("{s:i, s:b, s:s?, s:f, s:f, s:O}", "number", (int)number, "accepted", accepted,
                                                 "reason", reason, "steal_percent", noise->steal_percent, "foreign_cpu_percent",
                                                 noise->foreign_percent, "order", order));
    if (accepted) {
        run->accepted++;
        progress_block_done(&run->progress);
    } else {
        run->rejected++;
        run->progress.rejected = run->rejected;
        run->progress.cell = 0;
        progress_say(&run->progress, "block %u/%u rejected: %s", run->progress.block, run->progress.blocks, reason);
    }
    free(reason);
}

static int run_block(struct run *run, unsigned number)
{
    struct machine_time from, to;
    uint64_t begin_ns = clock_now_ns(), own_ns = 0, harness_ns = harness_cpu_ns();
    unsigned *sequence = block_shuffle(run->seed, number, run->cell_count);
    json_t *order = json_array();
    int result = machine_time(&from);
    for (unsigned i = 0; i < run->cell_count && !result; i++)
        result = run_cell(run, &run->cells[sequence[i]], number, order, &own_ns);
    if (!result)
        result = machine_time(&to);
    if (!result) {
        struct noise noise = block_noise(&from, &to, own_ns + harness_cpu_ns() - harness_ns, clock_now_ns() - begin_ns);
        settle_block(run, number, order, &noise);
        result = write_run(run, "interrupted");
    }
    if (!result)
        result = write_rejected(run);
    json_decref(order);
    free(sequence);
    return result;
}

/* All planned blocks run once; then as many again as were thrown out, unless too many were. */
static bool another_block(const struct run *run)
{
    if (run->accepted + run->rejected < run->plan.blocks)
        return true;
    if (run->accepted >= run->plan.blocks)
        return false;
    return run->rejected <= RETRIES_MOST && run->rejected <= REJECTED_MOST * (run->plan.blocks + run->rejected);
}

static int run_blocks(struct run *run)
{
    uint64_t cells = (uint64_t)run->cell_count * run->plan.blocks;
    progress_open(&run->progress, run->plan.blocks, run->cell_count, plan_estimate_ns(&run->plan, run->auto_workers) / cells);
    int result = 0;
    for (unsigned number = 1; !result && another_block(run); number++)
        result = run_block(run, number);
    progress_close(&run->progress);
    return result;
}

/* ---- the whole ---- */

static void greet(const struct run *run)
{
    struct names strategies = {0};
    bool again = false;
    for (unsigned i = 0; i < run->cell_count; i++) {
        again |= run->cells[i].again;
        if (!names_hold(&strategies, run->cells[i].strategy))
            names_add(&strategies, run->cells[i].strategy);
    }
    char *model = machine_cpu_model(), *placement = placement_text(&run->placement),
         *kernel = machine_line("/proc/sys/kernel/osrelease");
    uint64_t seconds = plan_estimate_ns(&run->plan, run->auto_workers) / CLOCK_NS_PER_S;
    char *time = seconds < 100 ? text_print("%llu s", (unsigned long long)seconds)
                               : text_print("%llu min", (unsigned long long)((seconds + 30) / 60));
    fprintf(stderr, "clusterbench %s: %zu strategies%s, %u experiments, %u blocks of %u cells, seed %llu, about %s\n",
            run->plan.name, strategies.count, again ? " and A/A pairs" : "", run->plan.count, run->plan.blocks, run->cell_count,
            (unsigned long long)run->seed, time);
    fprintf(stderr, "%s; %s x%ld, Linux %s\n", placement, model, sysconf(_SC_NPROCESSORS_ONLN), kernel ? kernel : "?");
    free(time);
    free(kernel);
    free(placement);
    free(model);
    names_free(&strategies);
}

static int write_beginnings(struct run *run)
{
    run->started = time_text("%Y-%m-%dT%H:%M:%SZ");
    for (size_t i = 0; i < run->contenders.count; i++)
        contender_ask_version(&run->contenders.items[i], &run->custody);
    int result = write_text(run, "plan.ini", run->plan.text);
    if (!result)
        result = write_run(run, "interrupted");
    if (!result)
        result = write_rejected(run);
    return result ? result : write_machine(run, "machine-before.json");
}

static int write_ends(struct run *run)
{
    int result = write_machine(run, "machine-after.json");
    if (!result && !run->custody.interrupted_by)
        result = write_run(run, "complete");
    return result;
}

static int carry_out(struct run *run)
{
    static int (*const steps[])(struct run *) = {make_folder, write_beginnings, run_blocks, write_ends};
    greet(run);
    int result = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !result; i++) {
        result = steps[i](run);
        if (!result && run->custody.interrupted_by)
            result = -EINTR;
    }
    return result;
}

static int finish_interrupted(struct run *run)
{
    custody_clear(&run->custody, 0);
    write_run(run, "interrupted");
    fprintf(stderr, "\nclusterbench: interrupted; what was measured is kept: clusterbench report %s\n", run->folder);
    return 130;
}

static void free_run(struct run *run)
{
    custody_close(&run->custody);
    contenders_close(&run->contenders);
    names_free(&run->peers);
    names_free(&run->skipped);
    plan_close(&run->plan);
    json_decref(run->blocks);
    json_decref(run->repeats);
    free(run->cells);
    free(run->programs);
    free(run->folder);
    free(run->started);
}

/* Failing cells are results; a run of nothing else is a failure. */
static int finish_complete(struct run *run)
{
    int status = report_make(&run->custody, run->folder, run->settings->plots, REPORT_WITH_TABLES);
    if (status || run->cells_failed < run->cells_run)
        return status;
    fprintf(stderr, "clusterbench: not one of %u cells could be ranked; the report says why\n", run->cells_run);
    return 1;
}

int run_plan(const struct run_settings *settings)
{
    struct run run = {.settings = settings};
    net_raise_file_limit(); /* inherited: servers and the generator need a descriptor a connection */
    int result = prepare(&run), status = 1;
    if (!result) {
        result = custody_open(&run.custody);
        if (result)
            complain_file("signals of", "this process", result);
        else
            result = carry_out(&run);
    }
    if (!result)
        status = finish_complete(&run);
    else if (result == -EINTR)
        status = finish_interrupted(&run);
    free_run(&run);
    return status;
}
