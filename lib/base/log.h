/*
 * Plain log lines on stderr, one write(2) each, so that lines of several processes never mix:
 *   2026-11-21T21:03:12.345Z reuseport[4711] info: worker 2 ended by signal 9, started again
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern const char *const log_level_names[]; /* error warn info debug NULL */

struct log {
    const char *name;     /* the program's */
    enum log_level level; /* lines above it are dropped */
};

void log_line(const struct log *log, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
