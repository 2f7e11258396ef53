/*
 * Figures by time, passed from a running thread to run.c without a lock: while the thread fills one interval, the other is either
 * empty or being read. The two counters say which: written - read is 0 (nothing to read) or 1 (the other one is full).
 */
#include "loadgen/loadgen.h"

static struct series_interval *current(struct series *series)
{
    return &series->intervals[atomic_load_explicit(&series->written, memory_order_relaxed) & 1];
}

int series_init(struct series *series)
{
    atomic_init(&series->written, 0);
    atomic_init(&series->read, 0);
    int error = 0;
    series->intervals[0] = series->intervals[1] = (struct series_interval){.requests = 0};
    for (unsigned i = 0; i < 2 && !error; i++)
        error = histogram_init(&series->intervals[i].response, HISTOGRAM_HOUR_US, SERIES_DIGITS);
    return error;
}

void series_close(struct series *series)
{
    for (unsigned i = 0; i < 2; i++)
        histogram_close(&series->intervals[i].response);
}

void series_record(struct series *series, uint64_t response_us)
{
    struct series_interval *interval = current(series);
    interval->requests++;
    histogram_record(&interval->response, response_us);
}

void series_error(struct series *series)
{
    current(series)->errors++;
}

bool series_turn(struct series *series)
{
    uint64_t written = atomic_load_explicit(&series->written, memory_order_relaxed);
    if (written != atomic_load_explicit(&series->read, memory_order_acquire))
        return false;
    atomic_store_explicit(&series->written, written + 1, memory_order_release);
    return true;
}

bool series_ready(const struct series *series)
{
    return atomic_load_explicit(&series->read, memory_order_relaxed) !=
           atomic_load_explicit(&series->written, memory_order_acquire);
}

bool series_take(struct series *series, struct series_interval *sum)
{
    if (!series_ready(series))
        return false;
    uint64_t read = atomic_load_explicit(&series->read, memory_order_relaxed);
    struct series_interval *interval = &series->intervals[read & 1];
    sum->requests += interval->requests;
    sum->errors += interval->errors;
    histogram_merge(&sum->response, &interval->response);
    interval->requests = interval->errors = 0;
    histogram_reset(&interval->response);
    atomic_store_explicit(&series->read, read + 1, memory_order_release);
    return true;
}
