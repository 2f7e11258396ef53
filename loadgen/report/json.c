/*
 * The report for programs: schema clusterbench.loadgen/1, key by key in docs/loadgen-json.md. Times are microseconds. Keys may be
 * added, none renamed; what does not apply is null, never left out.
 */
#include <math.h>

#include "loadgen/report/report.h"

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *positive_or_null(double value)
{
    return value > 0 ? real_or_null(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *seconds(uint64_t ns)
{
    return json_real((double)ns / 1e9);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static uint64_t responses_of(const struct summary *summary)
{
    return summary->stats.ok + summary->stats.http_errors;
}

/* ---- times ---- */

static const struct {
    const char *name;
    double percentile;
} percentiles[] = {{"p50", 50},     {"p75", 75},       {"p90", 90},         {"p99", 99},
                   {"p99.9", 99.9}, {"p99.99", 99.99}, {"p99.999", 99.999}, {"max", 100}};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static json_t *times_json(const struct histogram *times)
{
    if (times->total == 0)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "mean", json_real(histogram_mean(times)));
    json_object_set_new(json, "stdev", json_real(histogram_deviation(times)));
    for (unsigned i = 0; i < PERCENTILES; i++)
        json_object_set_new(json, percentiles[i].name, integer(histogram_percentile(times, percentiles[i].percentile)));
    json_object_set_new(json, "min", integer(histogram_minimum(times)));
    json_object_set_new(json, "count", integer(times->total));
    return json;
}

/* What the censored requests are, and which figures of response time they make lower bounds of. */
static json_t *lower_bounds_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    json_t *bounds = json_array();
    for (unsigned i = 0; i < PERCENTILES; i++) {
        bool bound = false;
        if (summary->response.total)
            summary_percentile(summary, percentiles[i].percentile, &bound);
        if (bound)
            json_array_append_new(bounds, json_string(percentiles[i].name));
    }
    return json_pack("{s:o s:o s:o s:o}", "timed_out", integer(stats->timed_out), "unfinished", integer(stats->unfinished),
                     "unsent", integer(stats->unsent), "bounds", bounds);
}

static void set_times(json_t *json, const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    json_object_set_new(json, "response_time_us", times_json(&summary->response));
    json_object_set_new(json, "service_time_us", times_json(&summary->service));
    json_object_set_new(json, "first_byte_us", times_json(&summary->first_byte));
    json_object_set_new(json, "send_lag_us", times_json(&stats->send_lag));
    json_object_set_new(json, "own_lag_us", times_json(&stats->own_lag));
    json_object_set_new(json, "connect_time_us", times_json(&stats->connect));
    json_object_set_new(json, "uncorrected_us", times_json(summary_uncorrected(summary)));
    json_object_set_new(json, "censored", integer(stats->censored.total)); /* in the times above as lower bounds */
    json_object_set_new(json, "lower_bounds", lower_bounds_json(summary));
}

/* ---- counts ---- */

static json_t *requests_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    return json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "planned", integer(summary->planned), "ok",
                     integer(stats->ok), "http_errors", integer(stats->http_errors), "socket_errors", integer(stats->socket_errors),
                     "timed_out", integer(stats->timed_out), "unfinished", integer(stats->unfinished), "unsent",
                     integer(stats->unsent), "waited", integer(stats->waited), "lingered", integer(stats->lingered), "retries",
                     integer(stats->retries), "warmup", integer(stats->warmup), "carried", integer(stats->carried));
}

static json_t *rate_json(const struct summary *summary)
{
    const struct histogram *rates = &summary->rates;
    double planned = settings_planned_rate(summary->settings);
    json_t *thread = json_null();
    if (rates->total)
        thread = json_pack("{s:f s:f s:o}", "mean", histogram_mean(rates), "stdev", histogram_deviation(rates), "max",
                           integer(histogram_maximum(rates)));
    return json_pack("{s:o s:f s:o s:o}", "planned", positive_or_null(planned), "achieved", summary->achieved_rate, "arrivals",
                     planned > 0 ? json_string(arrivals_names[summary->settings->arrivals.kind]) : json_null(), "thread_100ms",
                     thread);
}

static json_t *status_json(const struct stats *stats)
{
    json_t *json = json_object();
    char name[16];
    for (unsigned status = 0; status < STATUS_MAX; status++) {
        if (stats->status[status] == 0)
            continue;
        snprintf(name, sizeof(name), "%u", status);
        json_object_set_new(json, name, integer(stats->status[status]));
    }
    return json;
}

static json_t *counts_json(const char *const *names, const uint64_t *counts, unsigned count)
{
    json_t *json = json_object();
    for (unsigned i = 0; i < count; i++)
        json_object_set_new(json, names[i], integer(counts[i]));
    return json;
}

static json_t *bytes_json(const struct stats *stats)
{
    return json_pack("{s:o s:o}", "read", integer(stats->bytes_read), "written", integer(stats->bytes_written));
}

/* ---- who and what ---- */

static json_t *workers_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    json_t *json = json_array();
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        if (i == 0 && backend->requests + backend->errors == 0)
            continue;
        json_array_append_new(json, json_pack("{s:s s:o s:o s:f s:o s:o s:o s:o}", "id", backend->id, "connections",
                                              integer(backend->connections), "requests", integer(backend->requests), "share",
                                              share(backend->requests, responses_of(summary)), "errors", integer(backend->errors),
                                              "http_errors", integer(backend->http_errors), "bytes", integer(backend->bytes),
                                              "response_time_us", times_json(&backend->response)));
    }
    return json;
}

static json_t *kinds_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    if (!stats->kinds)
        return json_null();
    json_t *json = json_array();
    for (unsigned i = 0; i < stats->kind_count; i++) {
        const struct kind_stats *kind = &stats->kinds[i];
        json_array_append_new(json, json_pack("{s:s s:o s:f s:o s:o}", "name", summary->settings->mix.kinds[i].name, "requests",
                                              integer(kind->requests), "share", share(kind->requests, responses_of(summary)),
                                              "not_ok", integer(kind->not_ok), "response_time_us", times_json(&kind->response)));
    }
    return json;
}

static json_t *fairness_json(const struct fairness *fairness)
{
    return json_pack("{s:i s:o s:o s:o s:o s:o s:o}", "workers", (int)fairness->workers, "jain", real_or_null(fairness->jain), "cv",
                     real_or_null(fairness->cv), "max_over_mean", real_or_null(fairness->max_over_mean), "chi_square_p",
                     real_or_null(fairness->chi_square_p), "jain_100ms", real_or_null(fairness->jain_100ms), "jain_1s",
                     real_or_null(fairness->jain_1s));
}

/* ---- may it be believed? ---- */

static json_t *little_json(const struct summary *summary)
{
    double gap = summary->in_flight > 0 ? summary->little / summary->in_flight - 1 : NAN;
    return json_pack("{s:o s:o s:o}", "in_flight", real_or_null(summary->in_flight), "lambda_w", real_or_null(summary->little),
                     "gap", real_or_null(gap));
}

static json_t *host_json(const struct summary *summary)
{
    return json_pack("{s:o s:o s:o s:o}", "steal", real_or_null(summary->steal), "run_wait", real_or_null(summary->run_wait),
                     "listen_overflows", integer(summary->listen_overflows), "listen_drops", integer(summary->listen_drops));
}

static json_t *reasons_json(const struct summary *summary)
{
    json_t *json = json_array();
    for (unsigned i = 0; i < summary->reason_count; i++)
        json_array_append_new(json, json_string(summary->reasons[i]));
    return json;
}

/* ---- what was asked for ---- */

static json_t *source_json(const struct source_range *source)
{
    char text[NET_TEXT_SIZE];
    if (!source->first.length)
        return json_null();
    return json_pack("{s:s s:o}", "first", net_format_address(&source->first, false, text), "count", integer(source->count));
}

static const char *const dispatch_names[] = {[DISPATCH_IDLE] = "idle", [DISPATCH_PINNED] = "pinned", [DISPATCH_OPEN] = "open"};

static json_t *settings_json(const struct settings *settings)
{
    json_t *json = json_object();
    bool planned = settings->is_open_loop;
    json_object_set_new(json, "duration_s", settings->duration_ns ? seconds(settings->duration_ns) : json_null());
    json_object_set_new(json, "requests", settings->requests ? integer(settings->requests) : json_null());
    json_object_set_new(json, "linger_s", seconds(settings->linger_ns));
    json_object_set_new(json, "profile", text_or_null(settings->profile_text));
    json_object_set_new(json, "trace", text_or_null(settings->arrivals.trace_file));
    json_object_set_new(json, "dispatch", planned ? json_string(dispatch_names[settings->dispatch]) : json_null());
    json_object_set_new(json, "connections_max",
                        settings->dispatch == DISPATCH_OPEN ? integer(settings->connections_max) : json_null());
    json_object_set_new(json, "pipeline", integer(settings->pipeline));
    json_object_set_new(json, "think", text_or_null(settings->think_text));
    json_object_set_new(json, "spin_s", seconds(settings->spin_ns));
    json_object_set_new(json, "connection_life_geometric", json_boolean(settings->life.geometric));
    json_object_set_new(json, "connect_rate", positive_or_null(settings->connect_rate));
    json_object_set_new(json, "source", source_json(&settings->source));
    json_object_set_new(json, "source_ports_seeded", json_boolean(settings->source_ports == SOURCE_PORTS_SEEDED));
    json_object_set_new(json, "cookies", json_boolean(settings->request.cookies));
    json_object_set_new(json, "retry_idle", json_boolean(settings->retry_idle));
    json_object_set_new(json, "mix", text_or_null(settings->request.mix_file));
    json_object_set_new(json, "backend_header", text_or_null(settings->backend_header));
    json_object_set_new(json, "pin", text_or_null(settings->pin_text));
    return json;
}

static void set_settings(json_t *json, const struct settings *settings)
{
    json_object_set_new(json, "schema", json_string("clusterbench.loadgen/1"));
    json_object_set_new(json, "version", json_string(CLUSTERBENCH_VERSION));
    json_object_set_new(json, "url", json_string(settings->url_text));
    json_object_set_new(json, "method", json_string(settings->request.method));
    json_object_set_new(json, "seed", integer(settings->seed));
    json_object_set_new(json, "threads", integer(settings->threads));
    json_object_set_new(json, "connections", integer(settings->connections));
    json_object_set_new(json, "requests_per_connection", settings->life.requests ? integer(settings->life.requests) : json_null());
    json_object_set_new(json, "warmup_s", seconds(settings->warmup_ns));
    json_object_set_new(json, "timeout_s", seconds(settings->timeout_ns));
    json_object_set_new(json, "loop", json_string(settings->is_open_loop ? "open" : "closed"));
    json_object_set_new(json, "settings", settings_json(settings));
}

/* ---- all of it ---- */

static void set_counts(json_t *json, const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    bool checked = summary->settings->mix.checked;
    json_object_set_new(json, "status", status_json(stats));
    json_object_set_new(json, "errors", counts_json(error_names, stats->errors, ERROR_KINDS));
    json_object_set_new(json, "check_failed", checked ? counts_json(check_names, stats->check_failed, CHECK_KINDS) : json_null());
    json_object_set_new(json, "bytes", bytes_json(stats));
    json_object_set_new(json, "workers", workers_json(summary));
    json_object_set_new(json, "fairness", fairness_json(&summary->fairness));
    json_object_set_new(json, "kinds", kinds_json(summary));
}

static void set_verdict(json_t *json, const struct summary *summary)
{
    json_object_set_new(json, "littles_law", little_json(summary));
    json_object_set_new(json, "host", host_json(summary));
    json_object_set_new(json, "headroom", positive_or_null(summary->headroom));
    json_object_set_new(json, "cpu_us_per_request", json_real(summary->cpu_us_per_request));
    json_object_set_new(json, "cpu_busiest_thread", json_real(summary->busiest_thread));
    json_object_set_new(json, "interrupted", json_boolean(summary->interrupted));
    json_object_set_new(json, "verdict", json_string(validity_names[summary->validity]));
    json_object_set_new(json, "reasons", reasons_json(summary));
}

json_t *report_json(const struct summary *summary)
{
    json_t *json = json_object();
    set_settings(json, summary->settings);
    json_object_set_new(json, "duration_s", json_real(summary->duration_s));
    json_object_set_new(json, "requests", requests_json(summary));
    json_object_set_new(json, "rate", rate_json(summary));
    set_times(json, summary);
    set_counts(json, summary);
    set_verdict(json, summary);
    return json;
}
