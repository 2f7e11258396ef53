/*
 * run: a plan carried out, from an empty folder (or one that an interrupted run left) to the report.
 *
 * run_budget.c chooses how many blocks, run_folder.c writes what is to be kept, run_blocks.c measures and judges blocks,
 * run_resume.c reads an unfinished folder back.
 *
 * Rule: whatever stands under a final name is whole.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "base/random.h"

#include "capacity.h"
#include "catalog.h"
#include "crosscheck.h"
#include "machine.h"
#include "report.h"
#include "run_parts.h"

#define PLAN_FALLBACK "quick"

/* ---- before anything is written ---- */

int run_load_plan(const struct run_settings *settings, const char *name, struct plan *plan)
{
    struct names folders = {0}, plans = {0};
    catalog_folders(&folders, "plans", settings->plans);
    char *file = catalog_plan_file(&folders, name), error[PLAN_ERROR_SIZE];
    int result = 0;
    if (file) {
        result = plan_read(plan, file, error);
        if (result)
            run_complain(error);
    } else {
        catalog_plans(&folders, &plans);
        char *known = names_join(&plans, ", "), *hint = names_hint(&plans, name);
        fprintf(stderr, "clusterbench: --plan: no plan '%s'%s; plans are %s, or a path to an .ini file\n", name, hint,
                *known ? known : "missing");
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
    char error[PLAN_ERROR_SIZE];
    if (run->settings->only)
        names_split(&run->only, run->settings->only);
    int result = run->only.count ? plan_restrict(&run->plan, &run->only, error) : 0;
    if (result)
        return run_complain(error);
    run->quick = run->settings->quick;
    if (run->quick)
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
        return run_complain(error);
    run->cell_count = contenders_sift(&run->contenders, &run->plan, run->cells, run->cell_count, &run->skipped);
    find_crosscheckers(run);
    for (size_t i = 0; i < run->skipped.count; i++)
        fprintf(stderr, "skipped: %s\n", run->skipped.items[i]);
    return run->cell_count ? 0 : run_complain("nothing of the plan can be run here");
}

char *run_time_text(uint64_t ns)
{
    double seconds = (double)ns / 1e9;
    return seconds < 100 ? text_print("%.*f s", seconds < 9.95, seconds) : text_print("%.0f min", seconds / 60);
}

static int refuse_together(const char *one, const char *other)
{
    fprintf(stderr, "clusterbench: %s and %s both choose the number of blocks; use one of them\n", one, other);
    return -EINVAL;
}

static int take_plan(struct run *run)
{
    const struct run_settings *settings = run->settings;
    if (settings->resume)
        return run_recall(run);
    if (settings->budget_ns && settings->blocks)
        return refuse_together("--budget", "--blocks");
    if (settings->budget_ns && settings->quick)
        return refuse_together("--budget", "--quick");
    int result = run_load_plan(settings, settings->plan ? settings->plan : PLAN_FALLBACK, &run->plan);
    if (!result)
        result = shape_plan(run);
    run->seed = settings->seed ? settings->seed : run->plan.seed;
    if (!run->seed)
        run->seed = 1 + random_seed() % 99999999;
    run->blocks = json_array();
    run->repeats = json_array();
    run->sittings = json_array();
    return result;
}

static int prepare(struct run *run)
{
    int result = take_plan(run);
    if (result)
        return result;
    run->machine_changes = json_array();
    result = placement_choose(&run->placement);
    if (result)
        return run_complain_file("CPU affinity of", "this process", result);
    run->programs = catalog_programs(run->settings->programs);
    run->auto_workers = placement_auto_workers(&run->placement);
    run->cell_count = plan_cells(&run->plan, run->auto_workers, &run->cells);
    catalog_peer_folders(&run->peers, run->settings->peers);
    result = find_contenders(run);
    if (!result)
        run_choose_blocks(run);
    return result;
}

/* ---- the whole ---- */

static char *clock_text(uint64_t from_now_ns)
{
    char text[32];
    time_t then = time(NULL) + (time_t)(from_now_ns / CLOCK_NS_PER_S);
    struct tm local;
    localtime_r(&then, &local);
    strftime(text, sizeof(text), "%H:%M", &local);
    return text_copy(text);
}

static void greet_time(const struct run *run)
{
    uint64_t left_ns = run_estimate_ns(run);
    char *time = run_time_text(left_ns), *end = clock_text(left_ns);
    fprintf(stderr, "about %s, until %s\n", time, end);
    free(end);
    free(time);
}

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
    fprintf(stderr, "clusterbench %s: %zu strategies%s, %u experiments, %u blocks of %u cells, seed %llu, ", run->plan.name,
            strategies.count, again ? " and A/A pairs" : "", run->plan.count, run->plan.blocks, run->cell_count,
            (unsigned long long)run->seed);
    greet_time(run);
    fprintf(stderr, "%s; %s x%ld, Linux %s\n", placement, model, sysconf(_SC_NPROCESSORS_ONLN), kernel ? kernel : "?");
    if (run->under_way.number)
        fprintf(stderr, "going on in %s with block %u: %zu of its %u cells are there\n", run->folder, run->under_way.number,
                json_array_size(run->under_way.done), run->cell_count);
    free(kernel);
    free(placement);
    free(model);
    names_free(&strategies);
}

/* What is needed to go on stands there before anything is looked at: that takes a while, and a run can be ended in it. */
static int begin_folder(struct run *run)
{
    int result = run_make_folder(run);
    if (result)
        return result;
    greet(run);
    run->started = run_time("%Y-%m-%dT%H:%M:%SZ");
    result = run_write_text(run, "plan.ini", run->plan.text);
    if (!result)
        result = run_write_state(run, "interrupted");
    if (result)
        return result;
    run->machine = run_look_at_machine(run);
    result = run_write_json(run, "machine-before.json", run->machine);
    if (!result)
        result = run_write_rejected(run);
    return result ? result : run_write_state(run, "interrupted");
}

static int resume_folder(struct run *run)
{
    int result = run_recall_block(run);
    if (!result)
        result = run_compare_machine(run);
    if (!result)
        result = run_remove_drafts(run);
    if (!result)
        result = run_remove_unkept(run);
    if (!result)
        result = run_write_rejected(run);
    if (result)
        return result;
    greet(run);
    return run_write_state(run, "interrupted");
}

static int open_folder(struct run *run)
{
    return run->settings->resume ? resume_folder(run) : begin_folder(run);
}

static int measure_capacity(struct run *run, unsigned experiment)
{
    struct experiment *of = &run->plan.experiments[experiment];
    const char *strategy = capacity_strategy(of);
    struct cell_setting setting = {.custody = &run->custody,
                                   .plan = &run->plan,
                                   .placement = &run->placement,
                                   .contender = contenders_get(&run->contenders, strategy),
                                   .programs = run->programs,
                                   .folder = run->folder,
                                   .seed = run->seed};
    char *why = NULL;
    if (!setting.contender || setting.contender->missing)
        why = text_copy("it cannot run here");
    int result = why ? -ENODATA : capacity_measure(&setting, experiment, run->auto_workers, &of->capacity_rate, &why);
    if (!result)
        fprintf(stderr, "capacity of %s by %s in a closed loop: %.0f/s\n", of->name, strategy, of->capacity_rate);
    else if (result != -EINTR)
        fprintf(stderr, "clusterbench: capacity of %s by %s cannot be measured: %s\n", of->name, strategy,
                why ? why : strerror(-result));
    free(why);
    return result;
}

static int measure_capacities(struct run *run)
{
    int result = 0;
    for (unsigned e = 0; e < run->plan.count && !result; e++)
        if (experiment_needs_capacity(&run->plan.experiments[e])) {
            result = measure_capacity(run, e);
            if (!result)
                result = run_write_state(run, "interrupted"); /* it is measured once */
        }
    return result;
}

static int write_ends(struct run *run)
{
    struct names changes = {0};
    json_t *machine = run_look_at_machine(run);
    machine_compare(run->machine, machine, MACHINE_EVERYTHING, &changes);
    for (size_t i = 0; i < changes.count; i++)
        json_array_append_new(run->machine_changes, json_string(changes.items[i]));
    names_free(&changes);
    int result = run_write_json(run, "machine-after.json", machine);
    json_decref(machine);
    if (!result && !run->custody.interrupted_by)
        result = run_write_state(run, "complete");
    return result;
}

static int carry_out(struct run *run)
{
    static int (*const steps[])(struct run *) = {open_folder, measure_capacities, run_blocks, write_ends};
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
    run_write_state(run, "interrupted");
    fprintf(stderr,
            "\nclusterbench: interrupted; what was measured is kept: clusterbench report %s\n"
            "clusterbench: to go on: clusterbench run --resume %s\n",
            run->folder, run->folder);
    return 130;
}

static void free_run(struct run *run)
{
    custody_close(&run->custody);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    contenders_close(&run->contenders);
    names_free(&run->peers);
    names_free(&run->skipped);
    names_free(&run->only);
    plan_close(&run->plan);
    run_forget_block(&run->under_way);
    json_t *kept[] = {run->blocks, run->repeats, run->sittings, run->machine, run->machine_changes, run->rows, run->recalled};
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        json_decref(kept[i]);
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
    struct run run = {.settings = settings, .lock_fd = -1, .custody = {.signal_fd = -1}};
    net_raise_file_limit();   /* inherited: servers and the generator need a descriptor a connection */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write, not our end */
    int result = prepare(&run), status = 1;
    if (result == RESUME_NOTHING_LEFT) {
        status = 0;
    } else if (!result) {
        result = custody_open(&run.custody);
        if (result)
            run_complain_file("signals of", "this process", result);
        else
            result = carry_out(&run);
        if (!result)
            status = finish_complete(&run);
        else if (result == -EINTR)
            status = finish_interrupted(&run);
    }
    free_run(&run);
    return status;
}

/* A plan as it would be begun, without a folder or a process. */
int run_check(const struct run_settings *settings, const char *plan)
{
    struct run_settings of_check = *settings;
    of_check.plan = plan;
    of_check.resume = NULL;
    struct run run = {.settings = &of_check, .lock_fd = -1, .custody = {.signal_fd = -1}};
    int result = prepare(&run);
    if (!result) {
        char *time = run_time_text(run_estimate_ns(&run));
        printf("%s: right: %u experiment%s, %u block%s of %u cells, about %s\n", run.plan.file, run.plan.count,
               run.plan.count == 1 ? "" : "s", run.plan.blocks, run.plan.blocks == 1 ? "" : "s", run.cell_count, time);
        free(time);
    }
    free_run(&run);
    return result ? 1 : 0;
}
