/*
 * What happened in a cell, on the clock of its series: faults that were carried out, and what the server's event log says of its
 * workers. Becomes events.csv and lanes.csv.
 */
#ifndef HARNESS_TIMELINE_H
#define HARNESS_TIMELINE_H

#include <stdint.h>

struct moment {
    double at_s;  /* since the beginning of the measured time; may be negative */
    char *event;  /* "fault", "fault-end", "fault-failed", or the event log's word: "start", "ready", "exit", ... */
    char *worker; /* "1", "front-0", or "" */
    char *text;
};

/* A worker's process or thread. Times that have not come are NaN. */
struct life {
    char *worker;
    unsigned number; /* of this worker's lives, from 0 */
    int generation;
    double start_s, ready_s, drain_s, end_s;
};

struct timeline {
    uint64_t begin_ns;   /* clock_now_ns at the beginning of the measured time */
    double wall_begin_s; /* the same moment since the epoch: event logs tell that */
    struct moment *moments;
    unsigned moment_count;
    struct life *lives;
    unsigned life_count;
    double last_s; /* of the event log, or of the last look */
};

void timeline_open(struct timeline *timeline, uint64_t begin_ns);
void timeline_close(struct timeline *timeline);

/* Takes down what happened at `at_ns` (clock_now_ns). The texts are copied. */
void timeline_note(struct timeline *timeline, uint64_t at_ns, const char *event, const char *worker, const char *text);

/* A process was seen for the first time that serves worker N, or for the first time no more: "start" and "exit". For servers that
 * keep no event log; whether it is ready is not known, so that it counts as up. */
void timeline_see(struct timeline *timeline, uint64_t at_ns, unsigned worker, int pid);
void timeline_miss(struct timeline *timeline, uint64_t at_ns, unsigned worker, int pid);
/* Whoever was seen last still lives. */
void timeline_look(struct timeline *timeline, uint64_t at_ns);

/*
 * Adds what a server's --event-log says (docs/settings-and-logs.md). Lines that are none of its JSON are passed over: the last one
 * may be torn. 0 or the negative errno of reading.
 */
int timeline_read_log(struct timeline *timeline, const char *path);

/* The program was killed at `at_ns` and could tell nobody: whoever lived then is down until the end of the measured time. */
void timeline_end_all(struct timeline *timeline, uint64_t at_ns, uint64_t duration_ns);

/* events.csv (time_s,event,worker,text) and lanes.csv (worker,life,state,from_s,to_s). 0 or negative errno. */
int timeline_write_events(struct timeline *timeline, const char *path);
int timeline_write_lanes(const struct timeline *timeline, const char *path);

#endif
