/*
 * The report as one row of a table: the same columns in the same order whatever was asked for, so that rows of several runs can
 * stand below each other. A column is a path into the JSON report; what is null or not there is an empty field. Left out is what
 * has no fixed number of values: workers, kinds, and status by code.
 */
#include <errno.h>
#include <string.h>

#include "loadgen/report/report.h"

static const char *const run_keys[] = {
    "schema",   "version",   "url",  "method",     "seed", "threads", "connections", "requests_per_connection",
    "warmup_s", "timeout_s", "loop", "duration_s", NULL};
static const char *const settings_keys[] = {"duration_s",
                                            "requests",
                                            "linger_s",
                                            "profile",
                                            "trace",
                                            "dispatch",
                                            "connections_max",
                                            "pipeline",
                                            "think",
                                            "spin_s",
                                            "connection_life_geometric",
                                            "connect_rate",
                                            "source_ports_seeded",
                                            "cookies",
                                            "retry_idle",
                                            "mix",
                                            "backend_header",
                                            "pin",
                                            NULL};
static const char *const source_keys[] = {"first", "count", NULL};
static const char *const requests_keys[] = {"planned",    "ok",      "http_errors", "socket_errors", "timed_out",
                                            "unfinished", "unsent",  "waited",      "lingered",      "retries",
                                            "warmup",     "carried", NULL};
static const char *const rate_keys[] = {"planned", "achieved", "arrivals", NULL};
static const char *const thread_keys[] = {"mean", "stdev", "max", NULL};
static const char *const times_keys[] = {"mean",   "stdev",   "p50", "p75", "p90",   "p99", "p99.9",
                                         "p99.99", "p99.999", "max", "min", "count", NULL};
static const char *const bounds_keys[] = {"timed_out", "unfinished", "unsent", "bounds", NULL};
static const char *const errors_keys[] = {"connect", "read", "write", "malformed", "timeout", "local", "idle_closed", NULL};
static const char *const check_keys[] = {"status", "header", "contains", "length", "crc32", NULL};
static const char *const bytes_keys[] = {"read", "written", NULL};
static const char *const fairness_keys[] = {"workers",      "jain",       "cv",      "max_over_mean",
                                            "chi_square_p", "jain_100ms", "jain_1s", NULL};
static const char *const little_keys[] = {"in_flight", "lambda_w", "gap", NULL};
static const char *const host_keys[] = {"steal", "run_wait", "listen_overflows", "listen_drops", NULL};
static const char *const end_keys[] = {"headroom", "cpu_us_per_request", "cpu_busiest_thread", "interrupted", "verdict", "reasons",
                                       NULL};
static const char *const censored_keys[] = {"censored", NULL};

/* Objects of the report and what is in them; NULL: the report itself. */
static const struct {
    const char *object, *inner; /* inner: an object in it */
    const char *const *keys;
} groups[] = {
    {NULL, NULL, run_keys},
    {"settings", NULL, settings_keys},
    {"settings", "source", source_keys},
    {"requests", NULL, requests_keys},
    {"rate", NULL, rate_keys},
    {"rate", "thread_100ms", thread_keys},
    {"response_time_us", NULL, times_keys},
    {"service_time_us", NULL, times_keys},
    {"first_byte_us", NULL, times_keys},
    {"send_lag_us", NULL, times_keys},
    {"own_lag_us", NULL, times_keys},
    {"connect_time_us", NULL, times_keys},
    {"uncorrected_us", NULL, times_keys},
    {NULL, NULL, censored_keys},
    {"lower_bounds", NULL, bounds_keys},
    {"errors", NULL, errors_keys},
    {"check_failed", NULL, check_keys},
    {"bytes", NULL, bytes_keys},
    {"fairness", NULL, fairness_keys},
    {"littles_law", NULL, little_keys},
    {"host", NULL, host_keys},
    {NULL, NULL, end_keys},
};

/* RFC 4180: quoted where it must be, quotes doubled. */
static void print_text(FILE *out, const char *text)
{
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
}

/* Texts of an array in one field, with "; " between. */
static void print_list(FILE *out, const json_t *list)
{
    char text[REASONS_MAX * (REASON_SIZE + 2)];
    size_t length = 0, index;
    json_t *item;
    *text = '\0';
    json_array_foreach(list, index, item)
    {
        int added = snprintf(text + length, sizeof(text) - length, "%s%s", index ? "; " : "", json_string_value(item));
        length += added > 0 && (size_t)added < sizeof(text) - length ? (size_t)added : 0;
    }
    print_text(out, text);
}

static void print_value(FILE *out, const json_t *value)
{
    if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", out);
    else if (json_is_string(value))
        print_text(out, json_string_value(value));
    else if (json_is_array(value))
        print_list(out, value);
}

static void print_name(FILE *out, unsigned group, const char *key)
{
    if (groups[group].object)
        fprintf(out, "%s.", groups[group].object);
    if (groups[group].inner)
        fprintf(out, "%s.", groups[group].inner);
    fputs(key, out);
}

static void print_line(FILE *out, const json_t *report)
{
    bool first = true;
    for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const json_t *object = groups[i].object ? json_object_get(report, groups[i].object) : report;
        object = groups[i].inner ? json_object_get(object, groups[i].inner) : object;
        for (const char *const *key = groups[i].keys; *key; key++, first = false) {
            if (!first)
                fputc(',', out);
            if (report)
                print_value(out, json_object_get(object, *key));
            else
                print_name(out, i, *key);
        }
    }
    fputc('\n', out);
}

int report_csv(const struct summary *summary, FILE *out)
{
    json_t *report = report_json(summary);
    if (!report)
        return -ENOMEM;
    print_line(out, NULL);
    print_line(out, report);
    json_decref(report);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
