/*
 * The figures studies take from each run.
 */
#include <math.h>

#include "base/units.h"
#include "loadgen/study/study.h"

const struct metric metrics[METRICS] = {
    [METRIC_RATE] = {"requests/s", "requests_per_s", false, 0},
    [METRIC_MEAN] = {"mean", "mean_us", true, 0},
    [METRIC_P50] = {"p50", "p50_us", true, 50},
    [METRIC_P90] = {"p90", "p90_us", true, 90},
    [METRIC_P99] = {"p99", "p99_us", true, 99},
    [METRIC_P999] = {"p99.9", "p99.9_us", true, 99.9},
    [METRIC_SERVICE_P50] = {"service p50", "service_p50_us", true, 50},
    [METRIC_ERRORS] = {"errors", "errors", false, 0},
};

static double percentile_or_nan(const struct summary *summary, double percentile, bool *bound)
{
    return summary->response.total ? (double)summary_percentile(summary, percentile, bound) : NAN;
}

void metrics_of(const struct summary *summary, double values[METRICS], bool bounds[METRICS])
{
    const struct histogram *response = &summary->response;
    for (unsigned i = 0; i < METRICS; i++) {
        bounds[i] = false;
        values[i] = metrics[i].percentile > 0 ? percentile_or_nan(summary, metrics[i].percentile, &bounds[i]) : NAN;
    }
    bounds[METRIC_SERVICE_P50] = false;
    values[METRIC_SERVICE_P50] = NAN;
    if (summary->service.total)
        values[METRIC_SERVICE_P50] =
            (double)summary_service_percentile(summary, metrics[METRIC_SERVICE_P50].percentile, &bounds[METRIC_SERVICE_P50]);
    values[METRIC_MEAN] = response->total ? histogram_mean(response) : NAN;
    bounds[METRIC_MEAN] = summary->stats.censored.total > 0;
    values[METRIC_RATE] = summary->achieved_rate;
    if (summary->planned)
        values[METRIC_ERRORS] = (double)(summary->planned - summary->stats.ok) / (double)summary->planned;
}

char *metric_print(enum metric_kind kind, double value, char text[METRIC_TEXT_SIZE])
{
    char time[UNITS_TEXT_SIZE];
    if (!isfinite(value))
        snprintf(text, METRIC_TEXT_SIZE, "-");
    else if (metrics[kind].is_time && value < 1000) /* units_print_time would keep two digits of it, or one */
        snprintf(text, METRIC_TEXT_SIZE, kind == METRIC_MEAN ? "%.1fus" : "%.0fus", value);
    else if (metrics[kind].is_time)
        snprintf(text, METRIC_TEXT_SIZE, "%s", units_print_time(value * 1000, time));
    else if (kind == METRIC_ERRORS)
        snprintf(text, METRIC_TEXT_SIZE, "%.2f%%", 100 * value);
    else
        snprintf(text, METRIC_TEXT_SIZE, "%.1f", value);
    return text;
}

char *metric_print_bound(enum metric_kind kind, double value, bool bound, char text[METRIC_TEXT_SIZE])
{
    char plain[METRIC_TEXT_SIZE];
    snprintf(text, METRIC_TEXT_SIZE, "%s%.*s", bound ? ">" : "", METRIC_TEXT_SIZE - 2, metric_print(kind, value, plain));
    return text;
}

json_t *metric_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *estimate_json(const struct estimate *estimate)
{
    return json_pack("{s:I s:o s:o s:o s:o}", "n", (json_int_t)estimate->n, "median", metric_json(estimate->median), "low",
                     metric_json(estimate->low), "high", metric_json(estimate->high), "coverage",
                     estimate->coverage > 0 ? json_real(estimate->coverage) : json_null());
}
