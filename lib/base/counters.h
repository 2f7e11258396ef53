/*
 * What a worker counts. One table: the struct, the names in /status and their order come from it. A counter has one writer
 * (the worker's own thread) and any number of readers, so a relaxed load and store is enough: no locked instruction.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name, help) */
#define COUNTERS_TABLE(X)                                                                    \
    X(accepted, "connections taken, since the start")                                        \
    X(active, "connections open now")                                                        \
    X(requests, "requests that came whole and well-formed")                                  \
    X(responses_1xx, "interim responses")                                                    \
    X(responses_2xx, "")                                                                     \
    X(responses_3xx, "")                                                                     \
    X(responses_4xx, "")                                                                     \
    X(responses_5xx, "")                                                                     \
    X(bytes_in, "bytes read from clients")                                                   \
    X(bytes_out, "bytes written to clients")                                                 \
    X(errors_read, "connections that broke while being read (ECONNRESET and others)")        \
    X(errors_write, "connections that broke while being written")                            \
    X(errors_parse, "requests refused as malformed or over a limit")                         \
    X(errors_timeout, "connections closed by a header, body or write time-out")              \
    X(errors_accept, "failed accepts (EMFILE and others)")                                   \
    X(busy_ns, "time the loop was occupied by /block, /cpu and /stall")                      \
    X(busy_planned_ns, "what /block and /cpu were asked for: busy_ns above it is overshoot") \
    X(loop_lag_ns, "how late the last housekeeping tick came")                               \
    X(loop_lag_max_ns, "the latest it ever came")                                            \
    X(session_hits, "visits of sessions that were known")                                    \
    X(session_misses, "visits that began a session")                                         \
    X(cache_hits, "answers from the cache")                                                  \
    X(cache_misses, "answers that had to be read from the database")                         \
    X(cache_collapsed, "answers that waited for the reading of another request")             \
    X(cache_fills, "readings that the cache has kept")                                       \
    X(cache_unkept, "readings that it could not keep")                                       \
    X(upstream_requests, "requests passed on by a front")                                    \
    X(upstream_errors, "attempts that failed (connect, reset, malformed, time-out)")         \
    X(upstream_connects, "connections opened to upstreams")                                  \
    X(access_lines_dropped, "lines of the access log that were not written: a slow or full disk")

#define COUNTERS_FIELD(name, help) _Atomic uint64_t name;
struct counters {
    COUNTERS_TABLE(COUNTERS_FIELD)
};
#undef COUNTERS_FIELD

typedef _Atomic uint64_t counter;

static inline uint64_t counter_read(const counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void counter_set(counter *c, uint64_t value)
{
    atomic_store_explicit(c, value, memory_order_relaxed);
}

/* Only by the counter's one writer. A negative step wraps as it should. */
static inline void counter_add(counter *c, uint64_t step)
{
    counter_set(c, counter_read(c) + step);
}

/* Adds every counter of `from` to `into` (gauges too: the caller decides what a sum of them means). */
void counters_add(struct counters *into, const struct counters *from);

/* Calls `each` with every name and value in the table's order. */
void counters_each(const struct counters *counters, void (*each)(void *context, const char *name, uint64_t value), void *context);

#endif
