/*
 * results: reads run.json, the plan's snapshot and every cell.
 *
 * Folders get cut short: by a full disk, by a copy that was stopped, by hand. Without run.json and plan.ini there is nothing to
 * tell and one line says so; a cell that cannot be read, or is not there any more, is listed as such, and the others speak.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capacity.h"
#include "judge.h"
#include "results.h"
#include "series.h"
#include "statistics.h"

#define WORKERS_MOST 1024

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* ---- what is handed out can be shown anywhere ---- */

void results_clean(json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_string(json)) {
        char *text = text_clean(text_copy(json_string_value(json)));
        json_string_set(json, text);
        free(text);
    }
    json_object_foreach(json, key, value) results_clean(value);
    json_array_foreach(json, i, value) results_clean(value);
}

static void clean_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        text_clean(names->items[i]);
}

static void clean_text(char *text)
{
    if (text)
        text_clean(text);
}

static void clean_plan(struct plan *plan)
{
    clean_text(plan->title);
    clean_text(plan->name);
    for (unsigned e = 0; e < plan->count; e++) {
        struct experiment *experiment = &plan->experiments[e];
        clean_text(experiment->title);
        clean_text(experiment->question);
        clean_text(experiment->baseline);
        clean_names(&experiment->strategies);
    }
}

static void clean_cell(struct cell_record *cell)
{
    clean_text(cell->strategy);
    clean_text(cell->load);
    clean_text(cell->failure);
    clean_names(&cell->notes);
}

/* ---- one cell ---- */

static int find_experiment(const struct plan *plan, const char *name)
{
    for (unsigned e = 0; name && e < plan->count; e++)
        if (!strcmp(plan->experiments[e].name, name))
            return (int)e;
    return -1;
}

static json_t *load_json_in(const char *folder, const char *cell, const char *file)
{
    char *path = text_print("%s/cells/%s/%s", folder, cell, file);
    json_t *json = json_load_file(path, 0, NULL);
    free(path);
    if (json && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

/* Which worker an entry of load.json speaks of; -1 for answers without a name. */
static int worker_index(const json_t *worker, unsigned workers)
{
    const json_t *id = json_object_get(worker, "id");
    char *end = NULL;
    long number = -1;
    if (json_is_integer(id))
        number = (long)json_integer_value(id);
    else if (json_is_string(id)) {
        number = strtol(json_string_value(id), &end, 10);
        number = end != json_string_value(id) && !*end ? number : -1;
    }
    return number >= 0 && number < (long)workers ? (int)number : -1;
}

static void take_workers(struct cell_record *cell, const json_t *load)
{
    const json_t *workers = json_object_get(load, "workers");
    cell->requests = memory_get(cell->workers * sizeof(*cell->requests));
    cell->connections = memory_get(cell->workers * sizeof(*cell->connections));
    size_t i;
    const json_t *worker;
    json_array_foreach(workers, i, worker)
    {
        int index = worker_index(worker, cell->workers);
        if (index < 0)
            continue;
        cell->requests[index] += json_number_at(worker, "requests", NULL, 0);
        cell->connections[index] += json_number_at(worker, "connections", NULL, 0);
    }
}

static double or_nan(double value)
{
    return value > 0 ? value : NAN;
}

static void take_metrics(struct cell_record *cell, const json_t *server, const json_t *load)
{
    static const struct {
        enum metric metric;
        const char *key, *inner;
    } from_load[] =
        {
            {METRIC_RATE, "rate", "achieved"},          {METRIC_P50, "response_time_us", "p50"},
            {METRIC_P90, "response_time_us", "p90"},    {METRIC_P99, "response_time_us", "p99"},
            {METRIC_P999, "response_time_us", "p99.9"}, {METRIC_GENERATOR_CPU, "cpu_us_per_request", NULL},
        },
      from_server[] = {
          {METRIC_CPU, "window", "cpu_us_per_request"},
          {METRIC_MEMORY, "memory", "pss_loaded_bytes"},
          {METRIC_STARTUP, "startup_us", NULL},
      };
    for (size_t i = 0; i < sizeof(from_load) / sizeof(*from_load); i++)
        cell->value[from_load[i].metric] = or_nan(json_number_at(load, from_load[i].key, from_load[i].inner, NAN));
    for (size_t i = 0; i < sizeof(from_server) / sizeof(*from_server); i++)
        cell->value[from_server[i].metric] = or_nan(json_number_at(server, from_server[i].key, from_server[i].inner, NAN));
    if (isfinite(cell->value[METRIC_CPU])) { /* a part of it may be nothing at all */
        cell->value[METRIC_CPU_USER] = json_number_at(server, "window", "cpu_user_us_per_request", NAN);
        cell->value[METRIC_CPU_SYSTEM] = json_number_at(server, "window", "cpu_system_us_per_request", NAN);
        cell->value[METRIC_CPU_FRONT] = or_nan(json_number_at(server, "window", "cpu_front_us_per_request", NAN));
    }
    if (isnan(cell->value[METRIC_MEMORY]))
        cell->value[METRIC_MEMORY] = or_nan(json_number_at(server, "memory", "pss_after_bytes", NAN));
    cell->value[METRIC_HITS] = json_number_at(server, "window", "hit_percent", NAN);
    cell->value[METRIC_JAIN_REQUESTS] = or_nan(statistics_jain(cell->requests, cell->workers));
    cell->value[METRIC_JAIN_CONNECTIONS] = or_nan(statistics_jain(cell->connections, cell->workers));
    cell->value[METRIC_BUSIEST] = or_nan(statistics_busiest(cell->requests, cell->workers));
    cell->value[METRIC_CHI_SQUARE] = statistics_chi_square_p(cell->connections, cell->workers);
}

/* Never sent, for want of a connection. Those that were due within the generator's own lag of the end are its own. */
static double unsent_requests(const json_t *load)
{
    double lag_s = json_number_at(load, "own_lag_us", "p99", 0) / 1e6, rate = json_number_at(load, "rate", "planned", 0);
    return fmax(0, json_number_at(load, "requests", "unsent", 0) - ceil(lag_s * rate));
}

/*
 * Requests that were planned and not answered as they should be. Those sent on a connection that ended meanwhile without a byte of
 * an answer are among them and told apart, too: a server may close an idle connection (RFC 9112, 9.5), but one that was killed with
 * the request looks the same.
 */
static void take_lost(struct cell_record *cell, const json_t *load)
{
    static const char *const kinds[] = {"http_errors", "socket_errors", "timed_out", "unfinished"};
    double lost = unsent_requests(load);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        lost += json_number_at(load, "requests", kinds[i], 0);
    cell->value[METRIC_LOST] = lost;
    cell->value[METRIC_LOST_IDLE] = json_number_at(load, "errors", "idle_closed", 0);
}

/* Only of experiments that keep a series, and what is lost only where somebody means to lose it: else nothing may be. */
static void take_losses(struct cell_record *cell, const struct results *results, const json_t *load)
{
    const struct experiment *experiment = &results->plan.experiments[cell->experiment];
    struct series series;
    if (experiment->events)
        take_lost(cell, load);
    if (!experiment_has_series(experiment))
        return;
    char *path = text_print("%s/cells/%s/series.jsonl", results->folder, cell->folder);
    if (series_read(&series, path, (double)experiment->duration_ns / 1e9) == 0) {
        cell->value[METRIC_GAP] = series_longest_gap_ms(&series);
        series_free(&series);
    }
    free(path);
}

static void take_notes(struct cell_record *cell, const json_t *server)
{
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(server, "notes"), i, note) if (json_is_string(note))
        names_add(&cell->notes, json_string_value(note));
}

/* NULL, or why this is no cell. */
static const char *take_identity(struct cell_record *cell, const struct plan *plan, const json_t *server)
{
    const char *strategy = text_at(server, "strategy"), *label = text_at(json_object_get(server, "load"), "label");
    int experiment = find_experiment(plan, text_at(server, "experiment"));
    double workers = json_number_at(server, "workers", NULL, 0), block = json_number_at(server, "block", NULL, 0);
    if (experiment < 0)
        return "its experiment is not in the plan";
    if (!strategy || !label || workers < 1 || workers > WORKERS_MOST || block < 1 || block > 9999)
        return "server.json lacks strategy, load, workers or block";
    cell->experiment = (unsigned)experiment;
    cell->strategy = text_copy(strategy);
    cell->load = text_copy(label);
    cell->workers = (unsigned)workers;
    cell->block = (unsigned)block;
    cell->again = json_is_true(json_object_get(server, "again"));
    cell->rate = json_number_at(json_object_get(server, "load"), "rate", NULL, 0);
    cell->ranked = json_is_true(json_object_get(server, "ranked"));
    const char *failure = text_at(server, "failure");
    cell->failure = failure ? text_copy(failure) : NULL;
    return NULL;
}

static void close_cell(struct cell_record *cell)
{
    free(cell->folder);
    free(cell->strategy);
    free(cell->load);
    free(cell->failure);
    free(cell->requests);
    free(cell->connections);
    names_free(&cell->notes);
}

/* A file of another version says other things by the same names. The caller frees; NULL when it is what this program reads. */
static char *refuse_schema(const char *file, const json_t *json, const char *wanted)
{
    const char *schema = text_at(json, "schema");
    if (schema && !strcmp(schema, wanted))
        return NULL;
    return text_print("schema of %s is '%s'; this program reads %s", file, schema ? schema : "missing", wanted);
}

static char *read_load(struct results *results, struct cell_record *cell, const json_t *server)
{
    json_t *load = load_json_in(results->folder, cell->folder, "load.json");
    char *wrong = load ? refuse_schema("load.json", load, "clusterbench.loadgen/1") : NULL;
    if (!load && cell->ranked)
        wrong = text_copy("load.json is missing or broken");
    if (load && !wrong) {
        take_workers(cell, load);
        take_metrics(cell, server, load);
        take_losses(cell, results, load);
    }
    json_decref(load);
    return wrong;
}

/* NULL, or why it is no cell that can be read; the caller frees. */
static char *read_cell(struct results *results, struct cell_record *cell)
{
    json_t *server = load_json_in(results->folder, cell->folder, "server.json");
    if (!server)
        return text_copy("server.json is missing or broken");
    for (int m = 0; m < METRIC_COUNT; m++)
        cell->value[m] = NAN;
    char *wrong = refuse_schema("server.json", server, "clusterbench.cell/1");
    const char *no_cell = wrong ? NULL : take_identity(cell, &results->plan, server);
    if (no_cell)
        wrong = text_copy(no_cell);
    if (!wrong)
        wrong = read_load(results, cell, server);
    if (!wrong)
        take_notes(cell, server);
    json_decref(server);
    return wrong;
}

static void add_cell(struct results *results, const char *name)
{
    struct cell_record cell = {.folder = text_copy(name)};
    char *wrong = read_cell(results, &cell);
    if (wrong) {
        char *line = text_print("cells/%s: %s", name, wrong);
        names_add(&results->unreadable, line);
        free(line);
        free(wrong);
        close_cell(&cell);
        return;
    }
    results->cells = memory_grow(results->cells, (results->cell_count + 1) * sizeof(*results->cells));
    clean_cell(&cell);
    results->cells[results->cell_count++] = cell;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_cells(struct results *results)
{
    char *path = text_print("%s/cells", results->folder);
    struct names found = {0};
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".tmp"))
            names_add(&found, entry->d_name);
    if (folder)
        closedir(folder);
    if (found.count)
        qsort(found.items, found.count, sizeof(*found.items), compare_names);
    for (size_t i = 0; i < found.count; i++)
        add_cell(results, found.items[i]);
    names_free(&found);
    free(path);
}

/* ---- the run ---- */

static void read_blocks(struct results *results)
{
    size_t i;
    const json_t *block;
    json_array_foreach(json_object_get(results->run, "blocks"), i, block)
    {
        const char *reason = text_at(block, "reason");
        results->blocks = memory_grow(results->blocks, (results->block_count + 1) * sizeof(*results->blocks));
        results->blocks[results->block_count++] = (struct block_record){
            .number = (unsigned)json_number_at(block, "number", NULL, 0),
            .accepted = !json_is_false(json_object_get(block, "accepted")),
            .reason = reason ? text_copy(reason) : NULL,
            .steal_percent = json_number_at(block, "steal_percent", NULL, 0),
            .foreign_percent = json_number_at(block, "foreign_cpu_percent", NULL, 0),
        };
    }
}

/* Cells of blocks that were settled are there as long as nobody takes them away. */
void results_missing_cells(const char *folder, const json_t *run, struct names *missing)
{
    size_t b, c;
    const json_t *block, *cell;
    json_array_foreach(json_object_get(run, "blocks"), b, block)
    {
        json_array_foreach(json_object_get(block, "order"), c, cell)
        {
            const char *name = json_string_value(cell);
            char *path = name ? text_print("%s/cells/%s", folder, name) : NULL;
            if (path && access(path, F_OK) < 0 && errno == ENOENT && !names_hold(missing, name))
                names_add(missing, name);
            free(path);
        }
    }
}

/* Of a folder whose cells were all taken away to make it small there is nothing to be listed one by one. */
static void list_missing(struct results *results)
{
    struct names missing = {0};
    if (results->cell_count || results->unreadable.count)
        results_missing_cells(results->folder, results->run, &missing);
    for (size_t i = 0; i < missing.count; i++) {
        char *line = text_print("cells/%s: it is missing; run.json says that it was measured", missing.items[i]);
        names_add(&results->unreadable, line);
        free(line);
    }
    names_free(&missing);
}

static int restrict_as_run(struct results *results, char error[PLAN_ERROR_SIZE])
{
    struct names only = {0};
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(results->run, "only"), i, name) if (json_is_string(name))
        names_add(&only, json_string_value(name));
    int result = only.count ? plan_restrict(&results->plan, &only, error) : 0;
    names_free(&only);
    if (!result && json_is_true(json_object_get(results->run, "quick")))
        plan_hurry(&results->plan);
    capacity_recall(&results->plan, json_object_get(results->run, "capacities"));
    double blocks = json_number_at(results->run, "planned_blocks", NULL, 0);
    if (!result && blocks >= 1 && blocks <= 999)
        results->plan.blocks = (unsigned)blocks;
    return result;
}

static int read_run(struct results *results, char error[RESULTS_ERROR_SIZE])
{
    char *path = text_print("%s/run.json", results->folder);
    json_error_t why;
    results->run = json_load_file(path, 0, &why);
    results_clean(results->run);
    const char *schema = text_at(results->run, "schema"), *of_plan = text_at(json_object_get(results->run, "plan"), "schema");
    int result = 0;
    if (!results->run) {
        snprintf(error, RESULTS_ERROR_SIZE, "%s: %s", path, why.text);
        result = -EINVAL;
    } else if (!schema || strcmp(schema, "clusterbench.run/1")) {
        snprintf(error, RESULTS_ERROR_SIZE, "%s: schema is '%s'; this program reads clusterbench.run/1", path,
                 schema ? schema : "missing");
        result = -EINVAL;
    } else if (of_plan && strcmp(of_plan, "clusterbench.plan/1")) {
        snprintf(error, RESULTS_ERROR_SIZE, "%s: the schema of its plan is '%s'; this program reads clusterbench.plan/1", path,
                 of_plan);
        result = -EINVAL;
    }
    free(path);
    if (result)
        return result;
    const char *state = text_at(results->run, "state");
    results->complete = state && !strcmp(state, "complete");
    results->seed = (uint64_t)json_integer_value(json_object_get(results->run, "seed"));
    return 0;
}

int results_read(struct results *results, const char *folder, char error[RESULTS_ERROR_SIZE])
{
    *results = (struct results){.folder = text_copy(folder)};
    *error = '\0';
    int result = read_run(results, error);
    if (!result) {
        char *path = text_print("%s/plan.ini", folder), why[PLAN_ERROR_SIZE];
        result = plan_read(&results->plan, path, why);
        if (!result)
            result = restrict_as_run(results, why);
        if (result)
            snprintf(error, RESULTS_ERROR_SIZE, "%s", why);
        free(path);
    }
    if (result) {
        results_close(results);
        return result;
    }
    const char *name = text_at(json_object_get(results->run, "plan"), "name");
    if (name)
        text_replace(&results->plan.name, text_copy(name));
    clean_plan(&results->plan);
    read_blocks(results);
    read_cells(results);
    list_missing(results);
    clean_names(&results->unreadable);
    return 0;
}

bool results_lack_cells(const struct results *results)
{
    return results->complete && !results->cell_count && !results->unreadable.count;
}

void results_close(struct results *results)
{
    for (unsigned i = 0; i < results->cell_count; i++)
        close_cell(&results->cells[i]);
    for (unsigned i = 0; i < results->block_count; i++)
        free(results->blocks[i].reason);
    free(results->cells);
    free(results->blocks);
    free(results->folder);
    names_free(&results->unreadable);
    plan_close(&results->plan);
    json_decref(results->run);
    *results = (struct results){0};
}
