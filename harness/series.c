/* series: a line a worker and interval, and one for all of them before each group (docs/loadgen-files.md). */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "judge.h"
#include "series.h"
#include "statistics.h"

#define SERIES_LIMIT    (64u << 20)
#define ROWS_MOST       100000u
#define REQUESTS_LEAST  5 /* a worker, on the average: below that Jain shows chance */
#define SAME_TIME_S     1e-6
#define NAMELESS_WORKER "-"

static struct series_worker *find_worker(struct series *series, const char *name)
{
    for (unsigned i = 0; i < series->worker_count; i++)
        if (!strcmp(series->workers[i].name, name))
            return &series->workers[i];
    series->workers = memory_grow(series->workers, (series->worker_count + 1) * sizeof(*series->workers));
    series->workers[series->worker_count] =
        (struct series_worker){.name = text_copy(name), .requests = memory_get(ROWS_MOST * sizeof(double))};
    return &series->workers[series->worker_count++];
}

static int take_all(struct series *series, const json_t *line, double from_s)
{
    if (series->count == ROWS_MOST)
        return -EINVAL;
    series->rows = memory_grow(series->rows, (series->count + 1) * sizeof(*series->rows));
    series->rows[series->count++] = (struct series_row){.from_s = from_s,
                                                        .length_s = json_number_at(line, "interval_s", NULL, 0),
                                                        .requests = json_number_at(line, "requests", NULL, 0),
                                                        .errors = json_number_at(line, "errors", NULL, 0)};
    return 0;
}

/* 1: the load is over. */
static int take_line(struct series *series, const json_t *line, double until_s)
{
    const json_t *worker = json_object_get(line, "worker");
    double from_s = json_number_at(line, "t_s", NULL, NAN);
    if (!isfinite(from_s))
        return -EINVAL;
    if (from_s >= until_s - SAME_TIME_S)
        return 1;
    if (json_is_null(worker))
        return take_all(series, line, from_s);
    if (!series->count || !json_is_string(worker))
        return -EINVAL;
    if (strcmp(json_string_value(worker), NAMELESS_WORKER) != 0)
        find_worker(series, json_string_value(worker))->requests[series->count - 1] = json_number_at(line, "requests", NULL, 0);
    return 0;
}

int series_read(struct series *series, const char *path, double until_s)
{
    char *text;
    *series = (struct series){0};
    int result = file_read(path, SERIES_LIMIT, &text, NULL);
    if (result < 0)
        return result;
    char *rest = text;
    for (char *row; !result && (row = strsep(&rest, "\n"));) {
        json_t *line = *row ? json_loads(row, 0, NULL) : NULL;
        if (*row)
            result = line ? take_line(series, line, until_s) : -EINVAL;
        json_decref(line);
    }
    free(text);
    if (result < 0)
        series_free(series);
    return result < 0 ? result : 0;
}

void series_free(struct series *series)
{
    for (unsigned i = 0; i < series->worker_count; i++) {
        free(series->workers[i].name);
        free(series->workers[i].requests);
    }
    free(series->workers);
    free(series->rows);
    *series = (struct series){0};
}

double series_longest_gap_ms(const struct series *series)
{
    double gap_s = 0, longest_s = 0;
    for (unsigned i = 0; i < series->count; i++) {
        gap_s = series->rows[i].requests > 0 ? 0 : gap_s + series->rows[i].length_s;
        longest_s = fmax(longest_s, gap_s);
    }
    return 1e3 * longest_s;
}

/* Jain of the intervals from `first` up to `end`, or NaN where they hold too little. */
static double window_jain(const struct series *series, unsigned first, unsigned end, unsigned workers)
{
    double *sums = memory_get(workers * sizeof(*sums)), all = 0;
    for (unsigned w = 0; w < series->worker_count && w < workers; w++)
        for (unsigned i = first; i < end; i++)
            sums[w] += series->workers[w].requests[i];
    for (unsigned w = 0; w < workers; w++)
        all += sums[w];
    double jain = all >= REQUESTS_LEAST * (double)workers ? statistics_jain(sums, workers) : NAN;
    free(sums);
    return jain;
}

double series_jain(const struct series *series, double window_s, unsigned workers)
{
    double sum = 0;
    unsigned windows = 0, first = 0;
    for (unsigned i = 0; i < series->count; i++) {
        double length_s = series->rows[i].from_s + series->rows[i].length_s - series->rows[first].from_s;
        if (length_s < window_s - SAME_TIME_S && !(isinf(window_s) && i + 1 == series->count))
            continue;
        double jain = window_jain(series, first, i + 1, workers);
        if (isfinite(jain)) {
            sum += jain;
            windows++;
        }
        first = i + 1;
    }
    return windows ? sum / windows : NAN;
}
