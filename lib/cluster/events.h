/*
 * The event log: what becomes of the program and its workers, one JSON object a line.
 *
 *   {"time":"2026-11-22T03:04:05.678Z","event":"ready","role":"worker","worker":3,"pid":123,"generation":2}
 *   {"time":"2026-11-22T03:04:07.001Z","event":"exit","role":"worker","worker":3,"pid":123,"generation":2,"signal":9}
 *   {"time":"2026-11-22T03:04:07.001Z","event":"restart","role":"worker","worker":3,"delay_ms":93}
 *
 * Only the primary writes. A line is one write to the end of the file. What cannot be written (a full disk, a pipe nobody reads) is
 * dropped and counted, and said on stderr once; when it goes on, an event "lost" tells how many are missing.
 */
#ifndef CLUSTER_EVENTS_H
#define CLUSTER_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct event_log {
    int fd;                /* -1: there is none, and nothing is written */
    const char *path;      /* "-" is stderr */
    const struct log *log; /* where trouble is said */
    uint64_t lost;         /* events, since the last one that was written */
    bool torn;             /* the file ends in a part of a line */
};

/* `path` NULL: no log. Both outlive it. 0 or negative errno; -ENXIO for a named pipe that nobody reads. */
int event_log_open(struct event_log *events, const char *path, const struct log *log);

/* After the file was moved away: goes on in a new one of the old name. Without one it goes on where it is, and says so. */
void event_log_reopen(struct event_log *events);

void event_log_close(struct event_log *events);

/* Writes one event; `fields` (an object, or NULL) is taken over. */
void event_write(struct event_log *events, const char *event, json_t *fields);

#endif
