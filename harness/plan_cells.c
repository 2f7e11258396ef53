/*
 * plan_cells: what a plan comes to: fewer experiments by choice, cells, their names and rates, the time they take.
 *
 * Rule: plan.c reads and checks, here nothing can fail but a choice that names what is not there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "catalog.h"
#include "crosscheck.h"
#include "plan.h"

/* Of --quick, where the plan gives that much. */
#define HURRIED_LEAST_NS        (500 * CLOCK_NS_PER_MS)
#define HURRIED_WARMUP_LEAST_NS (300 * CLOCK_NS_PER_MS)

/* ---- the end of a plan ---- */

static void close_experiment(struct experiment *experiment)
{
    free(experiment->name);
    free(experiment->title);
    free(experiment->question);
    free(experiment->request);
    free(experiment->baseline);
    free(experiment->crosscheck);
    free(experiment->method);
    free(experiment->header);
    free(experiment->body);
    free(experiment->think);
    free(experiment->dispatch);
    free(experiment->workers);
    free(experiment->loads);
    free(experiment->events);
    schedule_free(&experiment->schedule);
    names_free(&experiment->strategies);
    names_free(&experiment->except);
}

static void close_server(struct plan_server *server)
{
    free(server->name);
    free(server->program);
    free(server->request);
    names_free(&server->options);
}

void plan_close(struct plan *plan)
{
    for (unsigned i = 0; i < plan->server_count; i++)
        close_server(&plan->servers[i]);
    free(plan->servers);
    for (unsigned i = 0; i < plan->count; i++)
        close_experiment(&plan->experiments[i]);
    free(plan->experiments);
    free(plan->name);
    free(plan->file);
    free(plan->title);
    free(plan->text);
    *plan = (struct plan){0};
}

/* ---- less of a plan ---- */

static void sort_only(const struct plan *plan, const struct names *only, struct names *experiments, struct names *strategies,
                      struct names *unknown)
{
    for (size_t i = 0; i < only->count; i++) {
        const char *name = only->items[i];
        bool known = false;
        for (unsigned e = 0; e < plan->count; e++) {
            if (!strcmp(plan->experiments[e].name, name)) {
                names_add(experiments, name);
                known = true;
            } else if (names_hold(&plan->experiments[e].strategies, name) && !names_hold(strategies, name)) {
                names_add(strategies, name);
                known = true;
            }
        }
        if (!known && !names_hold(strategies, name))
            names_add(unknown, name);
    }
}

static int refuse_only(const struct plan *plan, const char *name, char error[PLAN_ERROR_SIZE])
{
    struct names known = {0};
    for (unsigned e = 0; e < plan->count; e++) {
        names_add(&known, plan->experiments[e].name);
        for (size_t s = 0; s < plan->experiments[e].strategies.count; s++)
            if (!names_hold(&known, plan->experiments[e].strategies.items[s]))
                names_add(&known, plan->experiments[e].strategies.items[s]);
    }
    char *all = names_join(&known, ", ");
    snprintf(error, PLAN_ERROR_SIZE, "--only: plan %s has no experiment or strategy '%s'; it has %s", plan->name, name, all);
    free(all);
    names_free(&known);
    return -EINVAL;
}

static void keep_strategies(struct experiment *experiment, const struct names *strategies)
{
    struct names left = {0};
    for (size_t i = 0; i < experiment->strategies.count; i++) {
        const char *name = experiment->strategies.items[i];
        if (names_hold(strategies, name) || (experiment->baseline && !strcmp(experiment->baseline, name)))
            names_add(&left, name);
    }
    names_free(&experiment->strategies);
    experiment->strategies = left;
}

static void keep_experiments(struct plan *plan, const struct names *experiments)
{
    unsigned kept = 0;
    for (unsigned e = 0; e < plan->count; e++) {
        bool keep =
            plan->experiments[e].strategies.count && (!experiments->count || names_hold(experiments, plan->experiments[e].name));
        if (keep)
            plan->experiments[kept++] = plan->experiments[e];
        else
            close_experiment(&plan->experiments[e]);
    }
    plan->count = kept;
}

int plan_restrict(struct plan *plan, const struct names *only, char error[PLAN_ERROR_SIZE])
{
    struct names experiments = {0}, strategies = {0}, unknown = {0};
    sort_only(plan, only, &experiments, &strategies, &unknown);
    int result = unknown.count ? refuse_only(plan, unknown.items[0], error) : 0;
    if (!result) {
        for (unsigned e = 0; e < plan->count && strategies.count; e++)
            keep_strategies(&plan->experiments[e], &strategies);
        keep_experiments(plan, &experiments);
        if (!plan->count) {
            snprintf(error, PLAN_ERROR_SIZE, "--only: nothing of plan %s is left", plan->name);
            result = -EINVAL;
        }
    }
    names_free(&experiments);
    names_free(&strategies);
    names_free(&unknown);
    return result;
}

/* Below that a slow server, or one that is still being compiled, has not answered everybody once. */
static uint64_t hurried_ns(uint64_t full_ns, uint64_t least_ns)
{
    uint64_t fifth_ns = full_ns / 5, floor_ns = full_ns < least_ns ? full_ns : least_ns;
    return fifth_ns > floor_ns ? fifth_ns : floor_ns;
}

void plan_hurry(struct plan *plan)
{
    plan->blocks = 1;
    plan->verdicts = false;
    for (unsigned e = 0; e < plan->count; e++) {
        plan->experiments[e].duration_ns = hurried_ns(plan->experiments[e].duration_ns, HURRIED_LEAST_NS);
        plan->experiments[e].warmup_ns = hurried_ns(plan->experiments[e].warmup_ns, HURRIED_WARMUP_LEAST_NS);
        schedule_hurry(&plan->experiments[e].schedule, 5);
    }
}

/* ---- cells ---- */

const struct plan_server *plan_server(const struct plan *plan, const char *name)
{
    for (unsigned i = 0; i < plan->server_count; i++)
        if (!strcmp(plan->servers[i].name, name))
            return &plan->servers[i];
    return NULL;
}

struct cell_array {
    struct cell_plan *cells;
    unsigned count;
};

static void add_cell(struct cell_array *array, struct cell_plan cell)
{
    for (unsigned i = 0; i < array->count; i++) { /* single takes one worker, whatever the list of workers says: once is enough */
        const struct cell_plan *other = &array->cells[i];
        if (other->experiment == cell.experiment && !strcmp(other->strategy, cell.strategy) && other->workers == cell.workers &&
            other->load == cell.load && other->again == cell.again)
            return;
    }
    array->cells = memory_grow(array->cells, (array->count + 1) * sizeof(*array->cells));
    array->cells[array->count++] = cell;
}

static void add_strategy(struct cell_array *array, const struct plan *plan, struct cell_plan cell, unsigned auto_workers)
{
    const struct experiment *experiment = &plan->experiments[cell.experiment];
    const struct plan_server *server = plan_server(plan, cell.strategy);
    unsigned most = catalog_most_workers(server ? server->program : cell.strategy);
    for (unsigned w = 0; w < experiment->workers_count; w++) {
        unsigned workers = experiment->workers[w] ? experiment->workers[w] : auto_workers;
        if (server && server->workers)
            workers = server->workers;
        cell.workers = workers < most ? workers : most;
        for (cell.load = 0; cell.load < experiment->loads_count; cell.load++)
            add_cell(array, cell);
    }
}

unsigned plan_cells(const struct plan *plan, unsigned auto_workers, struct cell_plan **cells)
{
    struct cell_array array = {0};
    for (unsigned e = 0; e < plan->count; e++) {
        const struct experiment *experiment = &plan->experiments[e];
        for (size_t s = 0; s < experiment->strategies.count; s++) {
            const char *strategy = experiment->strategies.items[s];
            add_strategy(&array, plan, (struct cell_plan){.experiment = e, .strategy = strategy}, auto_workers);
            if (plan->verdicts && experiment->baseline && !strcmp(experiment->baseline, strategy))
                add_strategy(&array, plan, (struct cell_plan){.experiment = e, .strategy = strategy, .again = true}, auto_workers);
        }
    }
    *cells = array.cells;
    return array.count;
}

char *load_label(const struct load *load)
{
    if (load->kind == LOAD_CLOSED)
        return text_copy("closed");
    return load->kind == LOAD_SHARE ? text_print("%gpct", load->value * 100) : text_print("%gps", load->value);
}

char *load_text(const struct load *load)
{
    if (load->kind == LOAD_CLOSED)
        return text_copy("closed loop");
    return load->kind == LOAD_SHARE ? text_print("%g %%", load->value * 100) : text_print("%g/s", load->value);
}

char *cell_name(const struct plan *plan, const struct cell_plan *cell, unsigned block)
{
    const struct experiment *experiment = &plan->experiments[cell->experiment];
    char *load = load_label(&experiment->loads[cell->load]);
    char *name = text_print("%02u-%s-%s%s-w%u-%s", block, experiment->name, cell->strategy, cell->again ? ".again" : "",
                            cell->workers, load);
    free(load);
    return name;
}

bool experiment_has_series(const struct experiment *experiment)
{
    bool drawn =
        experiment->pictures[PICTURE_FAIRNESS] || experiment->pictures[PICTURE_HEAT] || experiment->pictures[PICTURE_LANES];
    return experiment->series == WISH_YES || experiment->events || drawn;
}

double cell_rate(const struct plan *plan, const struct cell_plan *cell)
{
    const struct experiment *experiment = &plan->experiments[cell->experiment];
    const struct load *load = &experiment->loads[cell->load];
    if (load->kind == LOAD_SHARE && experiment->capacity == CAPACITY_MEASURED)
        return load->value * experiment->capacity_rate;
    if (load->kind == LOAD_SHARE)
        return load->value * cell->workers / experiment->service_s;
    return load->kind == LOAD_RATE ? load->value : 0;
}

uint64_t plan_cell_ns(const struct plan *plan, const struct cell_plan *cell)
{
    const struct experiment *experiment = &plan->experiments[cell->experiment];
    return experiment->duration_ns + experiment->warmup_ns + crosscheck_ns(experiment);
}

bool experiment_needs_capacity(const struct experiment *experiment)
{
    bool shares = false;
    for (unsigned i = 0; i < experiment->loads_count; i++)
        shares |= experiment->loads[i].kind == LOAD_SHARE;
    return shares && experiment->capacity == CAPACITY_MEASURED && !(experiment->capacity_rate > 0);
}

uint64_t plan_estimate_ns(const struct plan *plan, unsigned auto_workers)
{
    struct cell_plan *cells;
    unsigned count = plan_cells(plan, auto_workers, &cells);
    uint64_t block_ns = 0;
    for (unsigned i = 0; i < count; i++)
        block_ns += plan_cell_ns(plan, &cells[i]) + PLAN_AROUND_CELL_NS;
    free(cells);
    return block_ns * plan->blocks;
}
