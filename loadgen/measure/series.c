/*
 * Figures by time, passed from a running thread to run.c without a lock: while the thread fills one interval, the other is either
 * empty or being read. The two counters say which: written - read is 0 (nothing to read) or 1 (the other one is full).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/measure/measure.h"

static struct series_interval *current(struct series *series)
{
    return &series->intervals[atomic_load_explicit(&series->written, memory_order_relaxed) & 1];
}

int series_init(struct series *series, bool detailed)
{
    *series = (struct series){.detailed = detailed, .totals = calloc(BACKENDS_MAX + 1, sizeof(struct series_backend))};
    return series->totals ? 0 : -ENOMEM;
}

void series_close(struct series *series)
{
    for (unsigned i = 0; i < 2; i++)
        series_interval_close(&series->intervals[i]);
    free(series->totals);
    series->totals = NULL;
}

void series_interval_close(struct series_interval *interval)
{
    for (unsigned i = 0; i < BACKENDS_MAX + 1; i++) {
        if (interval->backends[i])
            histogram_close(&interval->backends[i]->response);
        free(interval->backends[i]);
        interval->backends[i] = NULL;
    }
    interval->backend_count = 0;
}

void series_interval_reset(struct series_interval *interval)
{
    for (unsigned i = 0; i < interval->backend_count; i++) {
        struct series_backend *backend = interval->backends[i];
        backend->requests = backend->errors = backend->bytes = 0;
        if (backend->response.counts)
            histogram_reset(&backend->response);
    }
    interval->started = interval->in_flight = 0;
}

/* The place of a backend, made when there is none; NULL without memory. */
static struct series_backend *place(struct series_interval *interval, unsigned index, const char *id)
{
    while (interval->backend_count <= index) {
        struct series_backend *made = calloc(1, sizeof(*made));
        if (!made)
            return NULL;
        interval->backends[interval->backend_count++] = made;
    }
    memcpy(interval->backends[index]->id, id, sizeof(interval->backends[index]->id));
    return interval->backends[index];
}

static bool has_histogram(struct series_backend *backend)
{
    return backend->response.counts || histogram_init(&backend->response, HISTOGRAM_HOUR_US, SERIES_DIGITS) == 0;
}

void series_record(struct series *series, const struct backend *backend, uint64_t response_us)
{
    if (!series->detailed)
        return;
    struct series_backend *mine = place(current(series), backend->index, backend->id);
    if (mine && has_histogram(mine))
        histogram_record(&mine->response, response_us);
}

static void keep_totals(struct series *series, const struct stats *stats)
{
    for (unsigned i = 0; i < stats->backend_count; i++) {
        series->totals[i].requests = stats->backends[i]->requests;
        series->totals[i].errors = stats->backends[i]->errors;
        series->totals[i].bytes = stats->backends[i]->bytes;
    }
    series->started = stats->started;
}

void series_begin(struct series *series, const struct stats *stats)
{
    keep_totals(series, stats);
}

bool series_turn(struct series *series, const struct stats *stats, uint64_t in_flight)
{
    uint64_t written = atomic_load_explicit(&series->written, memory_order_relaxed);
    if (written != atomic_load_explicit(&series->read, memory_order_acquire))
        return false;
    struct series_interval *interval = current(series);
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        struct series_backend *mine = place(interval, i, backend->id);
        if (!mine)
            continue;
        mine->requests += backend->requests - series->totals[i].requests;
        mine->errors += backend->errors - series->totals[i].errors;
        mine->bytes += backend->bytes - series->totals[i].bytes;
    }
    interval->started += stats->started - series->started;
    interval->in_flight = in_flight;
    keep_totals(series, stats);
    atomic_store_explicit(&series->written, written + 1, memory_order_release);
    return true;
}

bool series_ready(const struct series *series)
{
    return atomic_load_explicit(&series->read, memory_order_relaxed) !=
           atomic_load_explicit(&series->written, memory_order_acquire);
}

/* The place of the same backend in the sum of all threads. */
static struct series_backend *place_of(struct series_interval *sum, const char *id)
{
    unsigned i = 0;
    while (i < sum->backend_count && strcmp(sum->backends[i]->id, id) != 0)
        i++;
    return i <= BACKENDS_MAX ? place(sum, i, id) : NULL;
}

bool series_take(struct series *series, struct series_interval *sum)
{
    if (!series_ready(series))
        return false;
    uint64_t read = atomic_load_explicit(&series->read, memory_order_relaxed);
    struct series_interval *interval = &series->intervals[read & 1];
    for (unsigned i = 0; i < interval->backend_count; i++) {
        const struct series_backend *theirs = interval->backends[i];
        struct series_backend *ours = place_of(sum, theirs->id);
        if (!ours)
            continue;
        ours->requests += theirs->requests;
        ours->errors += theirs->errors;
        ours->bytes += theirs->bytes;
        if (theirs->response.counts && theirs->response.total && has_histogram(ours))
            histogram_merge(&ours->response, &theirs->response);
    }
    sum->started += interval->started;
    sum->in_flight += interval->in_flight;
    series_interval_reset(interval);
    atomic_store_explicit(&series->read, read + 1, memory_order_release);
    return true;
}
