/*
 * compare_check: are these two runs of the same thing on the same machine? Everything that differs is named.
 *
 * Experiments are found by their name. How many blocks there were, titles and pictures may differ; what a cell does may not.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_parts.h"

/* ---- what an experiment does, as texts ---- */

static char *or_none(const char *text)
{
    return text_copy(text ? text : "none");
}

static char *request_text(const struct experiment *experiment)
{
    return or_none(experiment->request);
}

static char *workers_text(const struct experiment *experiment)
{
    char *list = text_copy("");
    for (unsigned i = 0; i < experiment->workers_count; i++)
        text_replace(&list, experiment->workers[i] ? text_print("%s%s%u", list, i ? " " : "", experiment->workers[i])
                                                   : text_print("%s%sauto", list, i ? " " : ""));
    return list;
}

static char *loads_text(const struct experiment *experiment)
{
    struct names loads = {0};
    for (unsigned i = 0; i < experiment->loads_count; i++) {
        char *text = load_text(&experiment->loads[i]);
        names_add(&loads, text);
        free(text);
    }
    char *list = names_join(&loads, " and ");
    names_free(&loads);
    return list;
}

static char *connections_text(const struct experiment *experiment)
{
    return text_print("%u", experiment->connections);
}

static char *threads_text(const struct experiment *experiment)
{
    return text_print("%u", experiment->threads);
}

static char *kept_text(const struct experiment *experiment)
{
    return text_print("%u", experiment->requests_per_connection);
}

static char *arrivals_text(const struct experiment *experiment)
{
    return text_copy(experiment->arrivals == ARRIVALS_POISSON ? "poisson" : "constant");
}

static char *time_text(uint64_t ns)
{
    return text_print("%gs", (double)ns / 1e9);
}

static char *duration_text(const struct experiment *experiment)
{
    return time_text(experiment->duration_ns);
}

static char *warmup_text(const struct experiment *experiment)
{
    return time_text(experiment->warmup_ns);
}

static char *baseline_text(const struct experiment *experiment)
{
    return or_none(experiment->baseline);
}

static char *primary_text(const struct experiment *experiment)
{
    return text_copy(metrics[experiment->primary].name);
}

static char *events_text(const struct experiment *experiment)
{
    return or_none(experiment->events);
}

static char *method_text(const struct experiment *experiment)
{
    return or_none(experiment->method);
}

static char *header_text(const struct experiment *experiment)
{
    return or_none(experiment->header);
}

static char *body_text(const struct experiment *experiment)
{
    return or_none(experiment->body);
}

static char *cookies_text(const struct experiment *experiment)
{
    return text_copy(experiment->cookies ? "yes" : "no");
}

static char *think_text(const struct experiment *experiment)
{
    return or_none(experiment->think);
}

static char *dispatch_text(const struct experiment *experiment)
{
    return or_none(experiment->dispatch);
}

static char *capacity_text(const struct experiment *experiment)
{
    return text_copy(experiment->capacity == CAPACITY_ANALYTIC ? "analytic" : "measured");
}

/* Its files cost the server and the generator time. */
static char *series_text(const struct experiment *experiment)
{
    return text_copy(experiment_has_series(experiment) ? "yes" : "no");
}

static const struct field {
    const char *key; /* of the plan */
    char *(*text)(const struct experiment *experiment);
} fields[] = {
    {"request", request_text},         {"workers", workers_text},   {"load", loads_text},
    {"connections", connections_text}, {"threads", threads_text},   {"requests_per_connection", kept_text},
    {"arrivals", arrivals_text},       {"duration", duration_text}, {"warmup", warmup_text},
    {"baseline", baseline_text},       {"primary", primary_text},   {"events", events_text},
    {"method", method_text},           {"header", header_text},     {"body", body_text},
    {"cookies", cookies_text},         {"think", think_text},       {"dispatch", dispatch_text},
    {"capacity", capacity_text},       {"series", series_text},
};

/* Adds what differs; was there anything? */
static bool differ(const struct experiment *a, const struct experiment *b, struct names *differences)
{
    size_t before = differences->count;
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        char *of_a = fields[i].text(a), *of_b = fields[i].text(b);
        if (strcmp(of_a, of_b) != 0)
            compare_add_line(differences, text_print("%s: %s is %s in A, %s in B", a->name, fields[i].key, of_a, of_b));
        free(of_a);
        free(of_b);
    }
    return differences->count > before;
}

static int find_experiment(const struct plan *plan, const char *name)
{
    for (unsigned e = 0; e < plan->count; e++)
        if (!strcmp(plan->experiments[e].name, name))
            return (int)e;
    return -1;
}

/* What a [server NAME] section makes of a row; a name without one is the program or peer of that name. The caller frees. */
static char *server_text(const struct plan *plan, const char *name)
{
    const struct plan_server *server = plan_server(plan, name);
    if (!server)
        return text_print("%s, the experiment's workers and request", name);
    char *options = names_join(&server->options, " "),
         *workers = server->workers ? text_print("%u workers", server->workers) : text_copy("the experiment's workers"),
         *text = text_print("%s%s%s, %s and %s", server->program, *options ? " " : "", options, workers,
                            server->request ? server->request : "request");
    free(workers);
    free(options);
    return text;
}

static bool has_row(const struct plan *plan, const char *name)
{
    for (unsigned e = 0; e < plan->count; e++)
        if (names_hold(&plan->experiments[e].strategies, name))
            return true;
    return false;
}

/* Names that are rows of both plans and not the same thing in them. */
static void check_server(struct comparison *comparison, const char *name, struct names *differences)
{
    const struct plan *a = &comparison->a.results.plan, *b = &comparison->b.results.plan;
    if (names_hold(&comparison->other_servers, name) || !has_row(a, name) || !has_row(b, name))
        return;
    char *of_a = server_text(a, name), *of_b = server_text(b, name);
    if (strcmp(of_a, of_b) != 0) {
        names_add(&comparison->other_servers, name);
        compare_add_line(differences, text_print("[server %s] is '%s' in A, '%s' in B", name, of_a, of_b));
    }
    free(of_a);
    free(of_b);
}

/* Where it is the baseline that differs, nothing in the experiment compares. */
static void check_servers(struct comparison *comparison, struct names *differences)
{
    const struct plan *plans[] = {&comparison->a.results.plan, &comparison->b.results.plan};
    for (int p = 0; p < 2; p++)
        for (unsigned i = 0; i < plans[p]->server_count; i++)
            check_server(comparison, plans[p]->servers[i].name, differences);
    for (unsigned e = 0; e < plans[0]->count; e++) {
        const char *baseline = plans[0]->experiments[e].baseline;
        if (baseline && names_hold(&comparison->other_servers, baseline))
            comparison->partner[e] = -1;
    }
}

void compare_check_plans(struct comparison *comparison, struct names *differences)
{
    const struct plan *a = &comparison->a.results.plan, *b = &comparison->b.results.plan;
    comparison->partner = memory_get((a->count + 1) * sizeof(*comparison->partner));
    for (unsigned e = 0; e < a->count; e++) {
        int other = find_experiment(b, a->experiments[e].name);
        if (other < 0)
            compare_add_line(differences, text_print("experiment %s is only in A", a->experiments[e].name));
        else if (differ(&a->experiments[e], &b->experiments[other], differences))
            other = -1;
        comparison->partner[e] = other;
    }
    for (unsigned e = 0; e < b->count; e++)
        if (find_experiment(a, b->experiments[e].name) < 0)
            compare_add_line(differences, text_print("experiment %s is only in B", b->experiments[e].name));
    check_servers(comparison, differences);
}

/* ---- cells ---- */

static void add_missing(const struct side *side, const struct row *row, const char *where, struct names *differences)
{
    const struct experiment *experiment = &side->results.plan.experiments[row->experiment];
    compare_add_line(differences,
                     text_print("%s: %s%s with %u worker%s, load %s, is only in %s", experiment->name, row->strategy,
                                row->again ? " (again)" : "", row->workers, row->workers == 1 ? "" : "s", row->load, where));
}

void compare_check_rows(const struct comparison *comparison, struct names *differences)
{
    const struct summary *a = &comparison->a.summary, *b = &comparison->b.summary;
    for (unsigned i = 0; i < a->row_count; i++) {
        int other = comparison->partner[a->rows[i].experiment];
        if (other >= 0 && !compare_find_row(b, (unsigned)other, &a->rows[i]))
            add_missing(&comparison->a, &a->rows[i], "A", differences);
    }
    for (unsigned i = 0; i < b->row_count; i++)
        for (unsigned e = 0; e < comparison->a.results.plan.count; e++)
            if (comparison->partner[e] == (int)b->rows[i].experiment && !compare_find_row(a, e, &b->rows[i]))
                add_missing(&comparison->b, &b->rows[i], "B", differences);
}

/* Where a run measures its capacity first, a load in percent is another rate in each. */
void compare_note_rates(struct comparison *comparison)
{
    const struct summary *a = &comparison->a.summary;
    for (unsigned i = 0; i < a->row_count; i++) {
        const struct row *row = &a->rows[i], *other = NULL;
        int partner = comparison->partner[row->experiment];
        if (partner >= 0 && (!i || row[-1].experiment != row->experiment || strcmp(row[-1].load, row->load) != 0))
            other = compare_find_row(&comparison->b.summary, (unsigned)partner, row);
        if (other && row->rate > 0 && fabs(other->rate / row->rate - 1) > 0.001)
            compare_add_line(&comparison->notes,
                             text_print("%s: load %s is %.0f requests/s in A, %.0f in B: of the capacity that each run measured%s.",
                                        a->results->plan.experiments[row->experiment].name, row->load, row->rate, other->rate,
                                        compare_same_rate(row, other) ? "" : "; rates so far apart are not judged"));
    }
}

/* ---- the machine ---- */

static const struct trait {
    const char *label;
    bool of_run; /* in run.json, else in machine-before.json */
    const char *outer, *inner;
} traits[] = {
    {"CPU model", false, "cpu", "model"},
    {"CPUs", false, "cpu", "online"},
    {"allowed CPUs", false, "cpu", "allowed"},
    {"CPU quota", false, "cpu", "quota"},
    {"governor", false, "cpu", "governor"},
    {"kernel", false, "kernel", NULL},
    {"architecture", false, "architecture", NULL},
    {"placement of servers", true, "placement", "server"},
    {"placement of the generator", true, "placement", "generator"},
    {"generator and servers together", true, "placement", "together"},
};

/* A record says null where there is nothing to be known; a folder that lacks the key says as much. The caller frees. */
static char *trait_text(const struct side *side, const struct trait *trait)
{
    const json_t *value = json_object_get(trait->of_run ? side->results.run : side->machine, trait->outer);
    if (trait->inner)
        value = json_object_get(value, trait->inner);
    if (json_is_string(value))
        return text_copy(json_string_value(value));
    if (json_is_number(value))
        return text_print("%g", json_number_value(value));
    if (json_is_boolean(value))
        return text_copy(json_is_true(value) ? "yes" : "no");
    return text_copy("none");
}

void compare_check_machines(const struct comparison *comparison, struct names *differences)
{
    for (size_t i = 0; i < sizeof(traits) / sizeof(*traits); i++) {
        if (!traits[i].of_run && !(comparison->a.machine && comparison->b.machine))
            continue;
        char *a = trait_text(&comparison->a, &traits[i]), *b = trait_text(&comparison->b, &traits[i]);
        if (strcmp(a, b) != 0)
            compare_add_line(differences, text_print("%s is %s in A, %s in B", traits[i].label, a, b));
        free(a);
        free(b);
    }
    if (!comparison->a.machine)
        names_add(differences, "machine-before.json of A is missing or broken");
    if (!comparison->b.machine)
        names_add(differences, "machine-before.json of B is missing or broken");
}
