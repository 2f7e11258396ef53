/*
 * GET /status: what every worker is and has counted, as JSON (clusterbench.status/1: keys may be added, none renamed).
 *
 * "workers" has a row a life: while a worker is being replaced, the old and the new one have a row each. A place nobody fills just
 * now (it waits for its next life, was given up, was taken out) has a row with pid 0. "total" is what workers have counted since
 * the start, the dead ones included.
 */
#include <unistd.h>

#include "base/clock.h"
#include "cluster/admin.h"
#include "cluster/usage.h"

/* ---- figures ---- */

static void add_counter(void *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *describe_counters(const struct counters *counters)
{
    json_t *object = json_object();
    counters_each(counters, add_counter, object);
    return object;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / (double)CLOCK_NS_PER_S : 0;
}

static double seconds_since(uint64_t ns)
{
    return seconds_between(ns, clock_now_ns());
}

/* [[edge in us, how many up to it and above the edge before], ...]: those that are not 0. The last edge stands for what is beyond.
 */
static json_t *describe_buckets(const struct timings *timings)
{
    json_t *buckets = json_array();
    for (unsigned i = 0; i < TIMINGS_COUNTS; i++) {
        uint64_t count = counter_read(&timings->counts[i]);
        double edge_us = (double)timings_edge_ns(i < TIMINGS_EDGES ? i : TIMINGS_EDGES - 1) / 1e3;
        if (count > 0)
            json_array_append_new(buckets, json_pack("[f, I]", edge_us, (json_int_t)count));
    }
    return buckets;
}

static json_t *describe_timings(const struct timings *timings, bool buckets)
{
    uint64_t count = timings_count(timings);
    double mean_us = count ? (double)counter_read(&timings->sum_ns) / (double)count / 1e3 : 0;
    json_t *object = json_pack("{s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)count, "mean_us", mean_us, "p50_us",
                               timings_percentile_ns(timings, 50) / 1e3, "p90_us", timings_percentile_ns(timings, 90) / 1e3,
                               "p99_us", timings_percentile_ns(timings, 99) / 1e3);
    if (buckets)
        json_object_set_new(object, "buckets", describe_buckets(timings));
    return object;
}

/* ---- a row ---- */

/* What a row has of its place, whether somebody lives there or not. */
static json_t *describe_place(const struct place *place, const char *state)
{
    return json_pack("{s:i, s:s, s:s, s:i, s:s, s:f}", "index", (int)place->index, "role", role_name(place->role), "state", state,
                     "restarts", (int)place->restarts, "last_end", place->last_end, "next_start_in_s",
                     place->next_start_ns ? seconds_between(clock_now_ns(), place->next_start_ns) : 0);
}

static json_t *describe_life(const struct place *place, const struct life *life, bool buckets)
{
    static const char *const states[] = {
        [LIFE_STARTING] = "starting", [LIFE_READY] = "ready", [LIFE_DRAINING] = "draining", [LIFE_ENDING] = "ending"};
    const struct scoreboard_slot *slot = life->slot;
    struct usage usage = {0};
    if (slot->pid > 0)
        (void)usage_read(slot->pid, slot->tid, &usage); /* it may have ended just now: zeros then */
    json_t *row = describe_place(place, states[life->state]);
    json_object_update_new(row,
                           json_pack("{s:i, s:i, s:i, s:f, s:f, s:I, s:I, s:I, s:I, s:o, s:o}", "slot",
                                     (int)(slot - place->primary->scoreboard->slots), "pid", (int)slot->pid, "generation",
                                     (int)slot->generation, "uptime_s", seconds_since(slot->started_ns), "heartbeat_age_s",
                                     slot->beat_ns ? seconds_since(slot->beat_ns) : 0.0, "cpu_user_us",
                                     (json_int_t)usage.cpu_user_us, "cpu_system_us", (json_int_t)usage.cpu_system_us, "rss_bytes",
                                     (json_int_t)usage.rss_bytes, "pss_bytes", (json_int_t)usage.pss_bytes, "service_time",
                                     describe_timings(&slot->timings, buckets), "counters", describe_counters(&slot->counters)));
    return row;
}

static json_t *describe_empty(const struct place *place)
{
    static const struct counters no_counters;
    static const struct timings no_timings;
    json_t *row = describe_place(place, place_state_names[place_state(place)]);
    json_object_update_new(row, json_pack("{s:i, s:i, s:i, s:f, s:f, s:i, s:i, s:i, s:i, s:o, s:o}", "slot", -1, "pid", 0,
                                          "generation", (int)place->lives_begun, "uptime_s", 0.0, "heartbeat_age_s", 0.0,
                                          "cpu_user_us", 0, "cpu_system_us", 0, "rss_bytes", 0, "pss_bytes", 0, "service_time",
                                          describe_timings(&no_timings, false), "counters", describe_counters(&no_counters)));
    return row;
}

static void add_place(json_t *rows, const struct place *place, bool buckets)
{
    bool empty = true;
    for (const struct list *link = place->lives.next; link != &place->lives; link = link->next) {
        const struct life *life = list_entry(link, struct life, link);
        if (!life->slot)
            continue;
        json_array_append_new(rows, describe_life(place, life, buckets));
        empty = false;
    }
    if (empty && place_state(place) != PLACE_REMOVED)
        json_array_append_new(rows, describe_empty(place));
}

/* In the order of their indices; fronts come last. */
static json_t *describe_workers(const struct primary *primary, bool buckets)
{
    json_t *rows = json_array();
    for (const struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        add_place(rows, place, buckets);
    return rows;
}

/* ---- the whole ---- */

static json_t *describe_primary(void)
{
    struct usage usage = {0};
    (void)usage_read(getpid(), 0, &usage);
    return json_pack("{s:I, s:I, s:I, s:I}", "cpu_user_us", (json_int_t)usage.cpu_user_us, "cpu_system_us",
                     (json_int_t)usage.cpu_system_us, "rss_bytes", (json_int_t)usage.rss_bytes, "pss_bytes",
                     (json_int_t)usage.pss_bytes);
}

static json_t *describe_reload(const struct reload *reload)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:s}", "state", reload->running ? "running" : "idle", "replaced", (int)reload->replaced,
                     "done", (int)reload->done, "aborted", (int)reload->aborted, "last_error", reload->last_error);
}

/* What this strategy could not do if it were asked to. */
static json_t *describe_limits(const struct strategy *strategy)
{
    static const char *const in_place[] = {"survive a crash", "reload", "scale", "drain", "restart", NULL};
    static const char *const threads[] = {"survive a crash", "reload", NULL};
    static const char *const processes[] = {NULL};
    static const char *const *const limits[] = {[IN_PLACE] = in_place, [THREADS] = threads, [PROCESSES] = processes};
    json_t *cannot = json_array();
    for (const char *const *what = limits[strategy->place]; *what; what++)
        json_array_append_new(cannot, json_string(*what));
    return cannot;
}

json_t *status_describe(const struct primary *primary, bool buckets)
{
    struct counters total;
    scoreboard_total(primary->scoreboard, &total);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:f, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "schema", "clusterbench.status/1",
                     "strategy", primary->strategy->name, "pid", (int)getpid(), "version", CLUSTERBENCH_VERSION, "libuv",
                     uv_version_string(), "uptime_s", seconds_since(primary->started_ns), "state",
                     primary->draining ? "draining" : "serving", "workers_wanted", (int)primary->worker_count, "fronts_wanted",
                     (int)primary->front_count, "cannot", describe_limits(primary->strategy), "reload",
                     describe_reload(&primary->reload), "primary", describe_primary(), "workers",
                     describe_workers(primary, buckets), "total", describe_counters(&total));
}
