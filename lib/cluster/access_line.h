/*
 * Lines of the access log. PURE: text from an entry, no I/O, no clock.
 *
 *   common   127.0.0.1 - - [22/Nov/2026:03:04:05 +0000] "GET /hello HTTP/1.1" 200 20 3 153
 *            the Common Log Format, then the worker ("-": none) and the time in microseconds
 *   json     {"time":"2026-11-22T03:04:05.678Z","worker":3,"client":"127.0.0.1","method":"GET","target":"/hello",
 *            "protocol":"HTTP/1.1","status":200,"bytes":20,"duration_us":153}
 *
 * What came from a client cannot end a line or a quoted text: in common, quotes, backslashes and bytes that are not printable
 * ASCII are written as \", \\ and \xHH; in JSON as \", \\ and \u00HH. Where a refused request had no whole request line that could
 * be read, the line is "-" in common, so that it can be split as any other; in JSON what is missing is "".
 */
#ifndef CLUSTER_ACCESS_LINE_H
#define CLUSTER_ACCESS_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/slice.h"

enum access_format { ACCESS_COMMON, ACCESS_JSON };

extern const char *const access_format_names[]; /* common json NULL */

struct access_entry {
    struct timespec time; /* CLOCK_REALTIME, of the answer */
    int worker;           /* or -1 */
    struct slice client, method, target, protocol;
    int status;
    uint64_t bytes, duration_us;
};

/* Dates are made once a second; begins zeroed. */
struct access_dates {
    time_t second;
    char common[32], json[24];
};

/* At most so much of a target is written; "..." follows where there was more. */
#define ACCESS_TARGET_MOST 8192

/* No line is longer than this. */
size_t access_line_bound(const struct access_entry *entry);

/* Writes the line with its newline at `at`, where there is room for its bound. Returns its length. */
size_t access_line_put(enum access_format format, const struct access_entry *entry, struct access_dates *dates, char *at);

#endif
