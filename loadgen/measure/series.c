/*
 * Figures by time, passed from a running thread to run.c without a lock: while the thread fills one interval, the other is either
 * empty or being read. The two counters say which: written - read is 0 (nothing to read) or 1 (the other one is full).
 *
 * Time is counted in ticks of SERIES_INTERVAL_NS. An interval that could not be handed over at its end goes on and takes in further
 * ticks; it says with which it ended, so that whoever reads can keep several threads, and the clock, in step.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/measure/measure.h"

static struct series_interval *current(struct series *series)
{
    return &series->intervals[atomic_load_explicit(&series->written, memory_order_relaxed) & 1];
}

int series_init(struct series *series, bool detailed)
{
    *series = (struct series){.detailed = detailed, .totals = calloc(BACKENDS_MAX + 1, sizeof(struct series_counts))};
    return series->totals ? histogram_init(&series->rates, SERIES_RATE_MAX, 3) : -ENOMEM;
}

void series_close(struct series *series)
{
    for (unsigned i = 0; i < 2; i++)
        series_interval_close(&series->intervals[i]);
    histogram_close(&series->rates);
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
        if (backend->response.total)
            histogram_reset(&backend->response);
    }
    interval->started = interval->in_flight = interval->errors = interval->ticks = 0;
}

/* The place of a backend, made when there is none; NULL without memory. An index belongs to one id for good. */
static struct series_backend *place(struct series_interval *interval, unsigned index, const char *id)
{
    while (interval->backend_count <= index) {
        struct series_backend *made = calloc(1, sizeof(*made));
        if (!made)
            return NULL;
        interval->backends[interval->backend_count++] = made;
    }
    struct series_backend *backend = interval->backends[index];
    if (!*backend->id)
        memcpy(backend->id, id, sizeof(backend->id));
    return backend;
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

/* Requests that ended otherwise than they should. */
static uint64_t errors_of(const struct stats *stats)
{
    return stats->http_errors + stats->socket_errors + stats->timed_out;
}

static void keep_totals(struct series *series, const struct stats *stats)
{
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        series->totals[i] = (struct series_counts){backend->requests, backend->errors + backend->http_errors, backend->bytes};
    }
    series->started = stats->started;
    series->errors = errors_of(stats);
}

void series_begin(struct series *series, const struct stats *stats)
{
    keep_totals(series, stats);
}

/* What `stats` has counted since the last turn. Returns the responses among it. */
static uint64_t add_differences(struct series *series, const struct stats *stats, struct series_interval *interval)
{
    uint64_t responses = 0;
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        struct series_backend *mine = place(interval, i, backend->id);
        if (!mine)
            continue;
        mine->requests += backend->requests - series->totals[i].requests;
        mine->errors += backend->errors + backend->http_errors - series->totals[i].errors;
        mine->bytes += backend->bytes - series->totals[i].bytes;
        responses += mine->requests;
    }
    interval->started += stats->started - series->started;
    interval->errors += errors_of(stats) - series->errors;
    keep_totals(series, stats);
    return responses;
}

static bool is_reader_behind(const struct series *series)
{
    return atomic_load_explicit(&series->written, memory_order_relaxed) !=
           atomic_load_explicit(&series->read, memory_order_acquire);
}

static void hand_over(struct series *series, struct series_interval *interval, uint64_t in_flight)
{
    interval->in_flight = in_flight;
    interval->last_tick = series->tick;
    atomic_fetch_add_explicit(&series->written, 1, memory_order_release);
}

bool series_turn(struct series *series, const struct stats *stats, uint64_t in_flight)
{
    struct series_interval *interval = current(series);
    series->tick++;
    interval->ticks++;
    if (is_reader_behind(series))
        return false;
    uint64_t responses = add_differences(series, stats, interval);
    if (!series->is_over)
        histogram_record_many(&series->rates, responses * (CLOCK_NS_PER_S / SERIES_INTERVAL_NS) / interval->ticks, interval->ticks);
    hand_over(series, interval, in_flight);
    return true;
}

void series_end(struct series *series, const struct stats *stats, struct series_interval *sum)
{
    while (series_take(series, UINT64_MAX, sum))
        ;
    add_differences(series, stats, current(series));
    series->tick++;
    hand_over(series, current(series), 0);
    series_take(series, UINT64_MAX, sum);
    sum->in_flight = 0;
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

static void add_backend(struct series_interval *sum, const struct series_backend *theirs)
{
    struct series_backend *ours = place_of(sum, theirs->id);
    if (!ours)
        return;
    ours->requests += theirs->requests;
    ours->errors += theirs->errors;
    ours->bytes += theirs->bytes;
    if (theirs->response.total && has_histogram(ours))
        histogram_merge(&ours->response, &theirs->response);
}

void series_interval_add(struct series_interval *sum, const struct series_interval *interval)
{
    for (unsigned i = 0; i < interval->backend_count; i++)
        add_backend(sum, interval->backends[i]);
    sum->started += interval->started;
    sum->errors += interval->errors;
    sum->ticks = interval->ticks > sum->ticks ? interval->ticks : sum->ticks;
}

bool series_take(struct series *series, uint64_t tick, struct series_interval *sum)
{
    uint64_t read = atomic_load_explicit(&series->read, memory_order_relaxed);
    struct series_interval *interval = &series->intervals[read & 1];
    bool taken = series_ready(series) && interval->last_tick <= tick;
    if (taken) {
        series_interval_add(sum, interval);
        series->in_flight = interval->in_flight;
        series_interval_reset(interval);
        atomic_store_explicit(&series->read, read + 1, memory_order_release);
    }
    sum->in_flight += series->in_flight; /* without news it is as it was */
    return taken;
}
