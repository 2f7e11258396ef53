/*
 * --series, --hlog and --heat, written while the run goes on: each --series-interval (a whole number of SERIES_INTERVAL_NS) is
 * summed up and becomes rows. Whoever has been seen once has a row in every interval from then on: a worker that does nothing is
 * the point of looking. All numbers are those of the interval; latencies count where they end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "loadgen/report/hlog.h"
#include "loadgen/report/report.h"

struct row {
    double from_s, length_s;
    const char *worker; /* NULL: all */
    uint64_t requests, errors, bytes, started, in_flight;
    const struct histogram *response;
};

/* One of the files. */
struct series_output {
    const char *option, *path; /* path NULL: not asked for */
    void (*print)(FILE *out, const struct row *row);
    struct file_draft draft;
};

enum { SERIES, HLOG, HEAT, OUTPUTS };

struct series_file {
    uint64_t interval_ns;
    struct series_output outputs[OUTPUTS];
    struct series_interval sum; /* of the interval under way */
    struct histogram all;
    uint64_t from_ns, until_ns;
    bool begun;   /* the head of the hlog, which says when the measurement began, is written */
    bool is_open; /* something of the interval has come */
    bool has_nameless;
};

/* ---- rows ---- */

static void print_csv(FILE *out, const struct row *row)
{
    if (row->worker)
        return;
    fprintf(out, "%.1f,%llu,%llu,", row->from_s, (unsigned long long)row->requests, (unsigned long long)row->errors);
    if (row->response->total)
        fprintf(out, "%llu,%llu\n", (unsigned long long)histogram_percentile(row->response, 50),
                (unsigned long long)histogram_percentile(row->response, 99));
    else
        fputs(",\n", out); /* nothing is not 0 us */
}

static json_t *percentile_json(const struct histogram *times, double percentile)
{
    return times->total ? json_integer((json_int_t)histogram_percentile(times, percentile)) : json_null();
}

static void print_jsonl(FILE *out, const struct row *row)
{
    json_t *json = json_pack("{s:f s:f s:s? s:I s:I s:I s:o s:o s:o s:o}", "t_s", row->from_s, "interval_s", row->length_s,
                             "worker", row->worker, "requests", (json_int_t)row->requests, "errors", (json_int_t)row->errors,
                             "bytes", (json_int_t)row->bytes, "p50_us", percentile_json(row->response, 50), "p90_us",
                             percentile_json(row->response, 90), "p99_us", percentile_json(row->response, 99), "max_us",
                             percentile_json(row->response, 100));
    if (!row->worker) {
        json_object_set_new(json, "started", json_integer((json_int_t)row->started));
        json_object_set_new(json, "in_flight", json_integer((json_int_t)row->in_flight));
    }
    json_dumpf(json, out, JSON_COMPACT | JSON_REAL_PRECISION(9)); /* whether it came down is seen by file_commit */
    fputc('\n', out);
    json_decref(json);
}

static void print_hlog(FILE *out, const struct row *row)
{
    hlog_print(out, row->worker, row->from_s, row->length_s, row->response); /* without memory a line is missing */
}

#define HEAT_STEPS 10 /* a decade */

/* The lower edge of the nth step. Edges are whole microseconds: those below 10 us that would be the same stand once. */
static uint64_t heat_edge(unsigned step)
{
    return (uint64_t)(pow(10, step / (double)HEAT_STEPS) + 0.5);
}

static void print_heat(FILE *out, const struct row *row)
{
    const struct histogram *times = row->response;
    uint64_t before = 0;
    for (unsigned step = 0; !row->worker && before < times->total; step++) {
        uint64_t edge = heat_edge(step), next = heat_edge(step + 1);
        uint64_t up_to = next > times->highest ? times->total : histogram_count_up_to(times, next - 1);
        if (up_to > before)
            fprintf(out, "%.1f,%llu,%llu\n", row->from_s, (unsigned long long)edge, (unsigned long long)(up_to - before));
        before = up_to;
    }
}

static void print_row(struct series_file *file, const struct row *row)
{
    for (unsigned i = 0; i < OUTPUTS; i++)
        if (file->outputs[i].path)
            file->outputs[i].print(file->outputs[i].draft.out, row);
}

/* ---- intervals ---- */

/* Only where somebody named himself; "-" stands for those who did not, once there is one. */
static void print_workers(struct series_file *file, const struct row *times)
{
    const struct series_interval *sum = &file->sum;
    for (unsigned i = 0; i < sum->backend_count && sum->backend_count > 1; i++) {
        struct series_backend *backend = sum->backends[i];
        file->has_nameless |= i == 0 && backend->requests + backend->errors > 0;
        if (i == 0 && !file->has_nameless)
            continue;
        struct row row = {times->from_s,     times->length_s, backend->id, backend->requests, backend->errors, backend->bytes, 0, 0,
                          &backend->response};
        if (!backend->response.counts && histogram_init(&backend->response, HISTOGRAM_HOUR_US, SERIES_DIGITS) != 0)
            continue;
        print_row(file, &row);
    }
}

static void end_interval(struct series_file *file, uint64_t until_ns)
{
    const struct series_interval *sum = &file->sum;
    struct row all = {.from_s = (double)file->from_ns / 1e9,
                      .length_s = (double)(until_ns - file->from_ns) / 1e9,
                      .errors = sum->errors,
                      .started = sum->started,
                      .in_flight = sum->in_flight,
                      .response = &file->all};
    histogram_reset(&file->all);
    for (unsigned i = 0; i < sum->backend_count; i++) {
        all.requests += sum->backends[i]->requests;
        all.bytes += sum->backends[i]->bytes;
        if (sum->backends[i]->response.total)
            histogram_merge(&file->all, &sum->backends[i]->response);
    }
    print_row(file, &all);
    print_workers(file, &all);
    series_interval_reset(&file->sum);
    file->from_ns = until_ns;
    file->is_open = false;
}

/* What is now `until_ns` into the measurement: known to the few ms it takes to be told of an interval. */
static void begin(struct series_file *file, uint64_t until_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t start_ns = (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec - until_ns;
    struct timespec start = {(time_t)(start_ns / CLOCK_NS_PER_S), (long)(start_ns % CLOCK_NS_PER_S)};
    if (file->outputs[HLOG].path)
        hlog_print_head(file->outputs[HLOG].draft.out, &start);
    file->begun = true;
}

static void take(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns)
{
    struct series_file *file = context;
    (void)from_ns;
    if (!file->begun)
        begin(file, until_ns);
    series_interval_add(&file->sum, interval);
    file->sum.in_flight = interval->in_flight;
    file->until_ns = until_ns;
    file->is_open = true;
    if (until_ns - file->from_ns >= file->interval_ns)
        end_interval(file, until_ns);
}

struct watcher series_file_watcher(struct series_file *file)
{
    return (struct watcher){take, file, true};
}

/* ---- files ---- */

static bool is_jsonl(const char *path)
{
    size_t length = strlen(path);
    return length >= 6 && strcmp(path + length - 6, ".jsonl") == 0;
}

static int complain(const struct series_output *output, int error, char *message)
{
    snprintf(message, MESSAGE_SIZE, "loadgen: cannot write %s %.300s: %s", output->option, output->path, strerror(-error));
    return error;
}

static int open_outputs(struct series_file *file, char *message)
{
    for (unsigned i = 0; i < OUTPUTS; i++) {
        struct series_output *output = &file->outputs[i];
        int error = output->path ? file_draft(&output->draft, output->path) : 0;
        if (error)
            return complain(output, error, message);
        if (output->print == print_csv)
            fputs("time_s,requests,errors,p50_us,p99_us\n", output->draft.out);
        if (output->path && output->print == print_heat)
            fputs("time_s,latency_us,count\n", output->draft.out);
    }
    return 0;
}

static void release(struct series_file *file)
{
    for (unsigned i = 0; i < OUTPUTS; i++)
        if (file->outputs[i].draft.out)
            file_discard(&file->outputs[i].draft);
    series_interval_close(&file->sum);
    histogram_close(&file->all);
    free(file);
}

int series_file_open(const struct settings *settings, struct series_file **file, char *message)
{
    *file = NULL;
    if (!settings->series && !settings->hlog && !settings->heat)
        return 0;
    struct series_file *made = calloc(1, sizeof(*made));
    int error = made ? histogram_init(&made->all, HISTOGRAM_HOUR_US, SERIES_DIGITS) : -ENOMEM;
    if (error) {
        snprintf(message, MESSAGE_SIZE, "loadgen: no memory for a series");
        free(made);
        return error;
    }
    made->interval_ns = settings->series_interval_ns ? settings->series_interval_ns : SERIES_INTERVAL_NS;
    made->outputs[SERIES] = (struct series_output){.option = "--series", .path = settings->series};
    if (settings->series)
        made->outputs[SERIES].print = is_jsonl(settings->series) ? print_jsonl : print_csv;
    made->outputs[HLOG] = (struct series_output){.option = "--hlog", .path = settings->hlog, .print = print_hlog};
    made->outputs[HEAT] = (struct series_output){.option = "--heat", .path = settings->heat, .print = print_heat};
    error = open_outputs(made, message);
    if (error)
        release(made);
    else
        *file = made;
    return error;
}

int series_file_close(struct series_file *file, bool kept, char *message)
{
    int error = 0;
    if (!file->begun)
        begin(file, 0);
    if (file->is_open) /* cut off by the end of the run */
        end_interval(file, file->until_ns);
    for (unsigned i = 0; i < OUTPUTS && kept; i++) {
        struct series_output *output = &file->outputs[i];
        int failed = output->path ? file_commit(&output->draft) : 0;
        if (failed)
            error = complain(output, failed, message);
    }
    release(file);
    return error;
}
