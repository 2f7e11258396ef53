/*
 * The report for programs: schema clusterbench.loadgen/1. Times are microseconds. Keys may be added, none renamed; what
 * does not apply is null, never left out.
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

static json_t *times_json(const struct histogram *times)
{
    static const struct {
        const char *name;
        double percentile;
    } percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};
    if (times->total == 0)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "mean", json_real(histogram_mean(times)));
    for (unsigned i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        json_object_set_new(json, percentiles[i].name, integer(histogram_percentile(times, percentiles[i].percentile)));
    json_object_set_new(json, "max", integer(histogram_maximum(times)));
    json_object_set_new(json, "min", integer(histogram_minimum(times)));
    json_object_set_new(json, "count", integer(times->total));
    return json;
}

static json_t *requests_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    return json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o}", "planned", integer(summary->planned), "ok", integer(summary->stats.ok),
                     "http_errors", integer(summary->stats.http_errors), "socket_errors", integer(stats->socket_errors), "timed_out",
                     integer(stats->timed_out), "unfinished", integer(stats->unfinished), "unsent", integer(stats->unsent),
                     "waited", integer(stats->waited));
}

static json_t *rate_json(const struct summary *summary)
{
    double planned = settings_planned_rate(summary->settings);
    return json_pack("{s:o s:f s:o}", "planned", planned > 0 ? json_real(planned) : json_null(), "achieved", summary->achieved_rate,
                     "arrivals", planned > 0 ? json_string(arrivals_names[summary->settings->arrivals.kind]) : json_null());
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

static json_t *errors_json(const struct stats *stats)
{
    json_t *json = json_object();
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        json_object_set_new(json, error_names[kind], integer(stats->errors[kind]));
    return json;
}

static json_t *workers_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    double responses = (double)(summary->stats.ok + summary->stats.http_errors);
    json_t *json = json_array();
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        if (i == 0 && backend->requests == 0)
            continue;
        json_array_append_new(json, json_pack("{s:s s:o s:o s:f s:o}", "id", backend->id, "connections",
                                              integer(backend->connections), "requests", integer(backend->requests), "share",
                                              responses > 0 ? (double)backend->requests / responses : 0.0, "response_time_us",
                                              times_json(&backend->response)));
    }
    return json;
}

static json_t *fairness_json(const struct fairness *fairness)
{
    return json_pack("{s:i s:o s:o s:o s:o}", "workers", (int)fairness->workers, "jain", real_or_null(fairness->jain), "cv",
                     real_or_null(fairness->cv), "max_over_mean", real_or_null(fairness->max_over_mean), "chi_square_p",
                     real_or_null(fairness->chi_square_p));
}

static json_t *reasons_json(const struct summary *summary)
{
    json_t *json = json_array();
    for (unsigned i = 0; i < summary->reason_count; i++)
        json_array_append_new(json, json_string(summary->reasons[i]));
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
    json_object_set_new(json, "requests_per_connection",
                        settings->life.requests ? integer(settings->life.requests) : json_null());
    json_object_set_new(json, "warmup_s", json_real((double)settings->warmup_ns / 1e9));
    json_object_set_new(json, "timeout_s", json_real((double)settings->timeout_ns / 1e9));
    json_object_set_new(json, "loop", json_string(settings->is_open_loop ? "open" : "closed"));
}

static void set_times(json_t *json, const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    json_object_set_new(json, "response_time_us", times_json(&summary->response));
    json_object_set_new(json, "service_time_us", times_json(&summary->service));
    json_object_set_new(json, "send_lag_us", times_json(&stats->send_lag));
    json_object_set_new(json, "own_lag_us", times_json(&stats->own_lag));
    json_object_set_new(json, "connect_time_us", times_json(&stats->connect));
    json_object_set_new(json, "censored", integer(stats->censored.total)); /* in the times above as lower bounds */
}

json_t *report_json(const struct summary *summary)
{
    const struct stats *stats = &summary->stats;
    json_t *json = json_object();
    set_settings(json, summary->settings);
    json_object_set_new(json, "duration_s", json_real(summary->duration_s));
    json_object_set_new(json, "requests", requests_json(summary));
    json_object_set_new(json, "rate", rate_json(summary));
    set_times(json, summary);
    json_object_set_new(json, "status", status_json(stats));
    json_object_set_new(json, "errors", errors_json(stats));
    json_object_set_new(json, "bytes",
                        json_pack("{s:o s:o}", "read", integer(stats->bytes_read), "written", integer(stats->bytes_written)));
    json_object_set_new(json, "workers", workers_json(summary));
    json_object_set_new(json, "fairness", fairness_json(&summary->fairness));
    json_object_set_new(json, "cpu_us_per_request", json_real(summary->cpu_us_per_request));
    json_object_set_new(json, "cpu_busiest_thread", json_real(summary->busiest_thread));
    json_object_set_new(json, "interrupted", json_boolean(summary->interrupted));
    json_object_set_new(json, "verdict", json_string(validity_names[summary->validity]));
    json_object_set_new(json, "reasons", reasons_json(summary));
    return json;
}
