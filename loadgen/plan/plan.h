/*
 * When requests are due in the open loop. Pure: no clock, no sockets (trace_read reads a file).
 */
#ifndef LOADGEN_PLAN_H
#define LOADGEN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/* ---- profile.c ---- */

enum segment_kind {
    SEGMENT_HOLD, /* `from` all the time */
    SEGMENT_RAMP, /* from `from` to `to`, in a straight line */
    SEGMENT_SINE, /* between `from` and `to`, from the middle up first, once every `period_ns` */
};

struct profile_segment {
    enum segment_kind kind;
    double from, to;                         /* requests/s */
    uint64_t begin_ns, length_ns, period_ns; /* UINT64_MAX: without end */
    double before;                           /* requests planned in the segments before it */
};

/*
 * A rate over time, in requests/s of all threads. As text, segments parted by ',':
 *
 *   hold 5000 for 10s
 *   ramp 1000..20000 over 30s
 *   step 1000..5000 by 1000 every 5s     1000 for 5 s, 2000 for 5 s, ... 5000 for 5 s
 *   spike 1000..20000 at 10s for 2s      1000 for 10 s, 20000 for 2 s, 1000 for 10 s
 *   sine 1000..5000 every 10s for 60s    "for" may be left out: one period
 */
struct profile {
    struct profile_segment *segments;
    unsigned count;
    uint64_t length_ns; /* UINT64_MAX: a constant rate without end */
    double total;       /* requests planned in all of it; infinity without end */
};

extern const char profile_allowed[]; /* one line, for messages */

/* At most 10,000 segments (each step is one) and 24 h. Rates are decimal, 0..100m, with k, m as counts have them; some may be 0,
 * not all. -EINVAL with a clause in `message` (MESSAGE_SIZE) that names the segment; -ENOMEM. */
int profile_parse(const char *text, struct profile *profile, char *message);
int profile_constant(struct profile *profile, double rate);
void profile_close(struct profile *profile);

double profile_rate(const struct profile *profile, uint64_t offset_ns);    /* at that moment; 0 behind the end */
double profile_planned(const struct profile *profile, uint64_t offset_ns); /* requests due before that moment */
double profile_total(const struct profile *profile);                       /* of all of it; infinity without end */
/* The inverse of profile_planned: when the n-th (0, 1, 2.5, ...) is due, in ns; infinity when there are not so many. Ascending, but
 * for a thousandth of a nanosecond in a sine. */
double profile_offset_ns(const struct profile *profile, double nth);
double profile_peak(const struct profile *profile); /* the highest rate in it */

/* ---- trace.c ---- */

/* Arrivals read from a file: one a line, seconds since the start (0.0125) or a time with its unit (12.5ms), ascending, up to 24 h,
 * rounded to nanoseconds; empty lines and what follows a '#' are passed over. At most 100 million lines. */
struct trace {
    uint64_t *offsets_ns;
    uint64_t count;
};

/* -EINVAL and others with a clause in `message` that names file, line and what is allowed. */
int trace_read(const char *path, struct trace *trace, char *message);
void trace_close(struct trace *trace);

/* ---- schedule.c ---- */

enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_JITTER, ARRIVALS_TRACE };

/* As --arrivals takes it: constant, poisson, uniform-jitter, trace:FILE. */
struct arrivals_choice {
    enum arrivals kind;
    const char *trace_file;
};

extern const char *const arrivals_names[];

int arrivals_parse(const char *text, void *choice); /* for OPTION_CUSTOM: 0 or -EINVAL */

/* One part of the schedule: a thread's, or, with `--dispatch pinned`, a connection's. */
struct schedule_plan {
    enum arrivals arrivals;
    const struct profile *profile; /* of all parts together; unused for a trace */
    const struct trace *trace;
    unsigned part, parts;      /* parts are dealt like cards: plans part, part + parts, ... */
    uint64_t start_ns, end_ns; /* plans lie in [start, end) */
    uint64_t limit;            /* at most so many in this part */
    uint64_t seed, stream;
};

/* When this part's requests are due. Its own queue: what is due and not yet sent is simply not yet advanced past. */
struct schedule {
    struct schedule_plan plan;
    uint64_t next_ns; /* the oldest plan not yet taken; UINT64_MAX when there are no more */
    uint64_t taken;
    double elapsed; /* poisson: sum of the gaps so far, in requests of the whole profile */
    struct random random;
};

void schedule_init(struct schedule *schedule, const struct schedule_plan *plan);
void schedule_advance(struct schedule *schedule);

/* Takes all plans that are left and returns how many they were; `each`, unless NULL, is told of every one that lies before
 * the end. Where neither profile nor time has an end the rest, up to the limit, is only counted. */
uint64_t schedule_drain(struct schedule *schedule, void (*each)(void *context, uint64_t planned_ns), void *context);

/* The part of `total` that falls to `part`, the first parts taking the remainder. */
uint64_t share_of(uint64_t total, unsigned part, unsigned parts);

#endif
