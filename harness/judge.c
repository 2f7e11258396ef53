/*
 * judge: is this cell a measurement?
 *
 * The gates: requests must have been answered in the measured time; none may have failed; the generator must have kept its plan and
 * not have been the limit (it says so itself in `verdict`); and where sleeping workers stand for cores, the sleeps must be as long
 * as asked (mean overshoot up to 5 %) and the machine at most half used, or else the picture would show the machine and not the
 * strategy.
 *
 * Where events kill or stop workers, lost requests are the result: of the above only the generator's own lag, its CPU time and the
 * use of the machine count then. Where processes came or went with them, the CPU time of a request is not known, and requests are
 * the generator's.
 *
 * A cell that fails is kept and shown with its reason; it takes part in no comparison.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/file.h"

#include "judge.h"

#define LAG_FLOOR_US       1000.0 /* as loadgen's own verdict has it */
#define LAG_SHARE          0.05
#define BUSY_MOST          0.8
#define OVERSHOOT_ALLOWED  0.05
#define MACHINE_SHARE_MOST 0.5
#define PORTS_SHARE_MOST   0.8
#define SPLIT_LEAST_NS     2e8 /* twenty ticks of a 100 Hz clock: with fewer, user and system would be a guess */

double json_number_at(const json_t *json, const char *key, const char *inner, double missing)
{
    const json_t *value = json_object_get(json, key);
    if (inner)
        value = json_object_get(value, inner);
    return json_is_number(value) ? json_number_value(value) : missing;
}

/* ---- /status ---- */

static bool is_front(const json_t *worker)
{
    const char *role = json_string_value(json_object_get(worker, "role"));
    return role && !strcmp(role, "front");
}

static bool has_fronts(const json_t *status)
{
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(status, "workers"), i, worker) if (is_front(worker)) return true;
    return false;
}

/* A counter summed over the fronts, or over those that are none. */
static double sum_counter(const json_t *status, bool fronts, const char *counter)
{
    double sum = 0;
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(status, "workers"), i, worker) if (is_front(worker) == fronts) sum +=
        json_number_at(worker, "counters", counter, 0);
    return sum;
}

/* How far a counter moved in the window: what clients see is counted by the fronts, where there are any. */
static double counter_step(const struct evidence *evidence, bool fronts, const char *counter)
{
    return sum_counter(evidence->status_after, fronts, counter) - sum_counter(evidence->status_before, fronts, counter);
}

/* ---- the window ---- */

static double hit_percent(const struct evidence *evidence)
{
    double hits = counter_step(evidence, false, "session_hits") + counter_step(evidence, false, "cache_hits");
    double misses = counter_step(evidence, false, "session_misses") + counter_step(evidence, false, "cache_misses");
    return hits + misses > 0 ? 100 * hits / (hits + misses) : NAN;
}

/*
 * Events that end processes take their CPU time and their counters out of what can be read afterwards, in one strategy more than in
 * another. What is left is no cost of a request.
 */
static bool was_renewed(const struct evidence *evidence)
{
    return evidence->plan->experiments[evidence->cell->experiment].events &&
           evidence->after->identity != evidence->before->identity;
}

static void count_requests(const struct evidence *evidence, struct window *window)
{
    double ok = json_number_at(evidence->load, "requests", "ok", 0) + json_number_at(evidence->load, "requests", "warmup", 0);
    double connects = 0;
    window->by_server = evidence->status_before && evidence->status_after && !was_renewed(evidence);
    if (window->by_server) {
        bool fronts = has_fronts(evidence->status_after);
        ok = counter_step(evidence, fronts, "requests");
        connects = counter_step(evidence, fronts, "accepted");
        window->busy_us = counter_step(evidence, false, "busy_ns") / 1e3;
        window->hit_percent = hit_percent(evidence);
        window->busy_planned_us = counter_step(evidence, false, "busy_planned_ns") / 1e3;
    }
    window->requests = ok > 0 ? (uint64_t)ok : 0;
    window->connections = connects > 0 ? (uint64_t)connects : 0;
}

/* 0 where so much has ended that less is there than before. */
static double step_ns(uint64_t before_ns, uint64_t after_ns)
{
    return after_ns > before_ns ? (double)(after_ns - before_ns) : 0;
}

/* CPU time of those that are fronts, or of those that are none, in whole ticks as above. */
static double cpu_step(const struct evidence *evidence, bool fronts)
{
    double sum = 0;
    const json_t *status[] = {evidence->status_before, evidence->status_after};
    for (int s = 0; s < 2; s++) {
        size_t i;
        const json_t *worker;
        json_array_foreach(json_object_get(status[s], "workers"), i, worker) if (is_front(worker) == fronts) sum +=
            (s ? 1 : -1) * (json_number_at(worker, "cpu_user_us", NULL, 0) + json_number_at(worker, "cpu_system_us", NULL, 0));
    }
    return sum;
}

/* What part of the server's CPU time its proxy took; NaN where there is none, or too little was used to tell. */
static double front_share(const struct evidence *evidence)
{
    if (evidence->after->front_ns) { /* a peer's, whose backends are processes of their own: nothing to be sampled */
        double all_ns = step_ns(evidence->before->cpu_ns, evidence->after->cpu_ns);
        return all_ns > 0 ? step_ns(evidence->before->front_ns, evidence->after->front_ns) / all_ns : NAN;
    }
    if (!evidence->status_before || !has_fronts(evidence->status_after))
        return NAN;
    double front = cpu_step(evidence, true), others = cpu_step(evidence, false);
    return front >= 0 && others >= 0 && (front + others) * 1e3 >= SPLIT_LEAST_NS ? front / (front + others) : NAN;
}

void judge_window(const struct evidence *evidence, struct window *window)
{
    *window = (struct window){.hit_percent = NAN};
    count_requests(evidence, window);
    window->cpu_us = step_ns(evidence->before->cpu_ns, evidence->after->cpu_ns) / 1e3;
    double user = step_ns(evidence->before->user_ns, evidence->after->user_ns);
    double system = step_ns(evidence->before->system_ns, evidence->after->system_ns);
    if (!window->requests || was_renewed(evidence))
        return;
    window->cpu_us_per_request = window->cpu_us / (double)window->requests;
    double user_share = user + system >= SPLIT_LEAST_NS ? user / (user + system) : NAN;
    window->user_us_per_request = window->cpu_us_per_request * user_share;
    window->system_us_per_request = window->cpu_us_per_request - window->user_us_per_request;
    window->front_us_per_request = window->cpu_us_per_request * front_share(evidence);
}

/* ---- the gates: each gives a reason or NULL ---- */

struct gate_view {
    const struct evidence *evidence;
    const struct window *window;
    const struct experiment *experiment;
    struct names *notes;
};

static char *gate_requests(const struct gate_view *view)
{
    if (json_number_at(view->evidence->load, "requests", "ok", 0) < 1)
        return text_copy("no request was answered");
    /* what was sent before the end and answered after it counts for latency, not for the rate: of nothing there is none to show */
    if (!view->experiment->events && json_number_at(view->evidence->load, "rate", "achieved", 1) <= 0)
        return text_copy("no request was answered within the measured time: it is too short for this server here");
    return view->window->requests ? NULL : text_copy("the server counted no request");
}

static char *gate_errors(const struct gate_view *view)
{
    if (view->experiment->events) /* what they cost is what is asked */
        return NULL;
    static const char *const kinds[] = {"http_errors", "socket_errors", "timed_out"};
    struct names found = {0};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        double count = json_number_at(view->evidence->load, "requests", kinds[i], 0);
        if (count > 0) {
            char *text = text_print("%.0f %s", count, kinds[i]);
            names_add(&found, text);
            free(text);
        }
    }
    char *list = names_join(&found, ", "), *reason = found.count ? text_print("requests failed: %s", list) : NULL;
    free(list);
    names_free(&found);
    return reason;
}

static char *join_reasons(const json_t *load)
{
    struct names reasons = {0};
    size_t i;
    const json_t *reason;
    json_array_foreach(json_object_get(load, "reasons"), i, reason) if (json_is_string(reason))
        names_add(&reasons, json_string_value(reason));
    char *text = names_join(&reasons, "; ");
    names_free(&reasons);
    return text;
}

/* With a server that dies and hangs on purpose only the generator's own lag and its being overworked are its fault. */
static char *gate_own_faults(const struct gate_view *view)
{
    const json_t *load = view->evidence->load;
    double busy = json_number_at(load, "cpu_busiest_thread", NULL, 0);
    if (busy > BUSY_MOST && view->experiment->loads[view->evidence->cell->load].kind != LOAD_CLOSED)
        return text_print("generator: its busiest thread used %.0f %% of a CPU, allowed %.0f %%", 100 * busy, 100 * BUSY_MOST);
    double lag_us = json_number_at(load, "own_lag_us", "p99", 0), half_us = json_number_at(load, "response_time_us", "p50", 0);
    double allowed_us = fmax(LAG_FLOOR_US, LAG_SHARE * half_us);
    if (lag_us <= allowed_us)
        return NULL;
    return text_print("generator: it sent late by itself, p99 %.1f ms, allowed %.1f ms", lag_us / 1e3, allowed_us / 1e3);
}

static char *gate_generator(const struct gate_view *view)
{
    if (view->experiment->events)
        return gate_own_faults(view);
    const char *verdict = json_string_value(json_object_get(view->evidence->load, "verdict"));
    if (!verdict || !strcmp(verdict, "VALID"))
        return NULL;
    char *reasons = join_reasons(view->evidence->load);
    char *text = text_print("generator: %s%s%s", verdict, *reasons ? ": " : "", reasons);
    free(reasons);
    if (!strcmp(verdict, "INVALID"))
        return text;
    names_add(view->notes, text);
    free(text);
    return NULL;
}

static char *gate_overshoot(const struct gate_view *view)
{
    double planned_us = view->window->busy_planned_us, busy_us = view->window->busy_us;
    if (!view->experiment->emulated || view->experiment->events || planned_us <= 0 ||
        busy_us <= planned_us * (1 + OVERSHOOT_ALLOWED))
        return NULL;
    return text_print("blocked-worker emulation does not hold: sleeps took %.1f %% longer than asked (at most %.0f %%)",
                      100 * (busy_us / planned_us - 1), 100 * OVERSHOOT_ALLOWED);
}

/* What this process and its children may use; the whole machine where nobody says. */
static double usable_cpus(void)
{
    struct cpu_list allowed;
    double cpus = cpus_allowed(&allowed) == 0 ? allowed.count : (double)sysconf(_SC_NPROCESSORS_ONLN), quota = cpus_quota();
    return quota > 0 ? fmin(cpus, quota) : cpus;
}

static char *gate_machine(const struct gate_view *view)
{
    if (!view->experiment->emulated || !view->evidence->wall_ns)
        return NULL;
    double used = (view->window->cpu_us * 1e3 + (double)view->evidence->generator_cpu_ns) / (double)view->evidence->wall_ns;
    double cpus = usable_cpus();
    if (used <= MACHINE_SHARE_MOST * cpus)
        return NULL;
    return text_print("blocked-worker emulation does not hold: %.0f %% of the machine was in use (at most %.0f %%)",
                      100 * used / cpus, 100 * MACHINE_SHARE_MOST);
}

/* Connections without an answer belong to no worker: shares and chi-square are of fewer than the plan says. */
static char *gate_connections(const struct gate_view *view)
{
    const struct experiment *experiment = view->experiment;
    double seen = 0;
    size_t i;
    const json_t *worker;
    if (experiment->requests_per_connection || experiment->events ||
        experiment->loads[view->evidence->cell->load].kind != LOAD_CLOSED)
        return NULL;
    json_array_foreach(json_object_get(view->evidence->load, "workers"), i, worker) seen +=
        json_number_at(worker, "connections", NULL, 0);
    if (seen > 0 && seen < experiment->connections) {
        char *note = text_print("%.0f of %u connections were answered within the measured time: shares and chi-square are of those",
                                seen, experiment->connections);
        names_add(view->notes, note);
        free(note);
    }
    return NULL;
}

/*
 * One request a connection uses up a port pair each, for a minute where the client closes first. Every server has a port of
 * its own, so only this cell's connections count. When ports do run out connects fail, which gate_errors sees; this
 * only warns before.
 */
static char *gate_ports(const struct gate_view *view)
{
    char *text;
    size_t length;
    unsigned low = 0, high = 0;
    if (file_read("/proc/sys/net/ipv4/ip_local_port_range", 256, &text, &length) < 0)
        return NULL;
    char *end;
    low = (unsigned)strtoul(text, &end, 10);
    high = (unsigned)strtoul(end, NULL, 10);
    free(text);
    if (high > low && (double)view->window->connections > PORTS_SHARE_MOST * (high - low + 1)) {
        char *note =
            text_print("%llu connections came near the %u client ports of one address: ports in TIME_WAIT are being used again",
                       (unsigned long long)view->window->connections, high - low + 1);
        names_add(view->notes, note);
        free(note);
    }
    return NULL;
}

char *judge_cell(const struct evidence *evidence, const struct window *window, struct names *notes, bool *generator)
{
    static char *(*const gates[])(const struct gate_view *) = {gate_requests, gate_errors,      gate_generator, gate_overshoot,
                                                               gate_machine,  gate_connections, gate_ports};
    struct gate_view view = {evidence, window, &evidence->plan->experiments[evidence->cell->experiment], notes};
    char *reason = NULL;
    *generator = false;
    for (size_t i = 0; i < sizeof(gates) / sizeof(*gates) && !reason; i++) {
        reason = gates[i](&view);
        *generator = reason && gates[i] == gate_generator;
    }
    return reason;
}

/* ---- workers.csv ---- */

static const json_t *find_worker(const json_t *load, unsigned index)
{
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(load, "workers"), i, worker)
    {
        const json_t *id = json_object_get(worker, "id");
        char *end = NULL;
        unsigned long number =
            json_is_string(id) ? strtoul(json_string_value(id), &end, 10) : (unsigned long)json_integer_value(id);
        bool is_number = json_is_integer(id) || (end && end != json_string_value(id) && !*end);
        if (is_number && number == index)
            return worker;
    }
    return NULL;
}

/* The counter of the worker with this index, fronts left out, or 0. */
static double worker_counter(const json_t *status, unsigned index, const char *counter)
{
    double sum = 0;
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(status, "workers"), i,
                       worker) if (!is_front(worker) && json_number_at(worker, "index", NULL, -1) == index) sum +=
        json_number_at(worker, "counters", counter, 0);
    return sum;
}

static void print_worker(FILE *out, const struct evidence *evidence, unsigned index)
{
    static const char *const counters[] = {"accepted", "requests", "busy_ns"};
    const json_t *seen = find_worker(evidence->load, index);
    fprintf(out, "%u,%.0f,%.0f,%.6f,%.0f", index, json_number_at(seen, "connections", NULL, 0),
            json_number_at(seen, "requests", NULL, 0), json_number_at(seen, "share", NULL, 0),
            json_number_at(seen, "response_time_us", "p99", 0));
    for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
        fprintf(out, ",%.0f",
                worker_counter(evidence->status_after, index, counters[i]) -
                    worker_counter(evidence->status_before, index, counters[i]));
    fputc('\n', out);
}

int judge_write_workers(const char *path, const struct evidence *evidence)
{
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (result < 0)
        return result;
    fputs("worker,connections,requests,share,p99_us,server_accepted,server_requests,server_busy_ns\n", draft.out);
    for (unsigned i = 0; i < evidence->cell->workers; i++)
        print_worker(draft.out, evidence, i);
    return file_commit(&draft);
}
