/*
 * --series and --hlog, written while the run goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/report/report.h"

struct series_file {
    const char *path;
    struct file_draft draft;
};

static void take(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns)
{
    struct series_file *file = context;
    struct histogram all;
    uint64_t requests = 0, errors = 0;
    (void)until_ns;
    if (histogram_init(&all, HISTOGRAM_HOUR_US, SERIES_DIGITS) != 0)
        return;
    for (unsigned i = 0; i < interval->backend_count; i++) {
        const struct series_backend *backend = interval->backends[i];
        requests += backend->requests;
        errors += backend->errors;
        if (backend->response.counts)
            histogram_merge(&all, &backend->response);
    }
    fprintf(file->draft.out, "%.1f,%llu,%llu,%llu,%llu\n", (double)from_ns / 1e9, (unsigned long long)requests,
            (unsigned long long)errors, (unsigned long long)histogram_percentile(&all, 50),
            (unsigned long long)histogram_percentile(&all, 99));
    histogram_close(&all);
}

int series_file_open(const struct settings *settings, struct series_file **file, char *message)
{
    *file = NULL;
    if (!settings->series)
        return 0;
    struct series_file *made = calloc(1, sizeof(*made));
    int error = made ? file_draft(&made->draft, settings->series) : -ENOMEM;
    if (error) {
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot write --series %.300s: %s", settings->series, strerror(-error));
        free(made);
        return error;
    }
    made->path = settings->series;
    fputs("time_s,requests,errors,p50_us,p99_us\n", made->draft.out);
    *file = made;
    return 0;
}

struct watcher series_file_watcher(struct series_file *file)
{
    return (struct watcher){take, file, true};
}

int series_file_close(struct series_file *file, bool kept, char *message)
{
    int error = 0;
    if (!kept)
        file_discard(&file->draft);
    else
        error = file_commit(&file->draft);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot write --series %.300s: %s", file->path, strerror(-error));
    free(file);
    return error;
}
