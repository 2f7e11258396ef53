/*
 * capacity: one closed loop before the first block, from which loads in percent are reckoned.
 *
 * It is a cell like any other, with everything written down, but below capacity/, so that it takes part in no comparison. All
 * strategies of the experiment then get the same rates: percent of what the baseline can do, not of what each can.
 */
#include <errno.h>
#include <stdlib.h>

#include "capacity.h"
#include "catalog.h"
#include "folder.h"
#include "judge.h"

const char *capacity_strategy(const struct experiment *experiment)
{
    return experiment->baseline ? experiment->baseline : experiment->strategies.items[0];
}

static int read_rate(const char *folder, const char *cell, double *rate, char **why)
{
    char *path = text_print("%s/cells/%s/load.json", folder, cell);
    json_t *load = json_load_file(path, 0, NULL);
    *rate = json_number_at(load, "rate", "achieved", 0);
    json_decref(load);
    free(path);
    if (*rate > 0)
        return 0;
    *why = text_copy("it answered nothing");
    return -ENODATA;
}

/* The experiment as a closed loop without events: the texts stay the plan's. */
static struct experiment as_closed_loop(const struct experiment *experiment, struct load *closed)
{
    struct experiment loop = *experiment;
    *closed = (struct load){.kind = LOAD_CLOSED};
    loop.loads = closed;
    loop.loads_count = 1;
    loop.dispatch = NULL;
    loop.events = NULL;
    loop.schedule = (struct schedule){0};
    loop.series = WISH_NO;
    for (int i = 0; i < PICTURE_COUNT; i++)
        loop.pictures[i] = false;
    return loop;
}

static unsigned workers_of(const struct plan *plan, const struct experiment *experiment, unsigned auto_workers)
{
    const char *strategy = capacity_strategy(experiment);
    const struct plan_server *server = plan_server(plan, strategy);
    unsigned most = catalog_most_workers(server ? server->program : strategy);
    unsigned workers = experiment->workers[0] ? experiment->workers[0] : auto_workers;
    if (server && server->workers)
        workers = server->workers;
    return workers < most ? workers : most;
}

/* What a run that was interrupted here left. */
static void remove_leftovers(const char *folder, const struct plan *plan, const struct cell_plan *cell)
{
    char *name = cell_name(plan, cell, 1), *final = text_print("%s/cells/%s", folder, name), *draft = text_print("%s.tmp", final);
    folder_remove(final);
    folder_remove(draft);
    free(draft);
    free(final);
    free(name);
}

int capacity_measure(const struct cell_setting *setting, unsigned experiment, unsigned auto_workers, double *rate, char **why)
{
    struct load closed;
    struct experiment loop = as_closed_loop(&setting->plan->experiments[experiment], &closed);
    struct plan plan = *setting->plan;
    plan.experiments = &loop;
    plan.count = 1;
    char *folder = text_print("%s/capacity", setting->folder), *cells = text_print("%s/cells", folder);
    struct cell_setting of_loop = *setting;
    of_loop.plan = &plan;
    of_loop.folder = folder;
    of_loop.may_repeat = false;
    struct cell_plan cell = {.strategy = capacity_strategy(&loop), .workers = workers_of(&plan, &loop, auto_workers)};
    struct cell_outcome outcome = {0};
    *why = NULL;
    int result = folder_make(cells);
    remove_leftovers(folder, &plan, &cell);
    if (!result)
        result = cell_run(&of_loop, &cell, 1, &outcome);
    if (!result && outcome.failure) {
        *why = text_copy(outcome.failure);
        result = -ENODATA;
    } else if (!result) {
        result = read_rate(folder, outcome.name, rate, why);
    }
    free(outcome.name);
    free(outcome.failure);
    free(cells);
    free(folder);
    return result;
}

json_t *capacity_json(const struct plan *plan)
{
    json_t *json = json_object();
    for (unsigned e = 0; e < plan->count; e++)
        if (plan->experiments[e].capacity_rate > 0)
            json_object_set_new(json, plan->experiments[e].name, json_real(plan->experiments[e].capacity_rate));
    return json;
}

void capacity_recall(struct plan *plan, const json_t *capacities)
{
    for (unsigned e = 0; e < plan->count; e++) {
        double rate = json_number_at(capacities, plan->experiments[e].name, NULL, 0);
        plan->experiments[e].capacity_rate = rate > 0 ? rate : 0;
    }
}
