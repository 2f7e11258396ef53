/*
 * loadgen: the contents page. A run passes through the folders in this order:
 *
 *   options.c      what the user asked for               settings.h
 *   manual.c       what the man page says besides
 *   request/       what is sent and what must come back  request.h
 *     url.c          http://host:port/path
 *     template.c     the bytes of a request, with what is drawn for each
 *     zipf.c         popular and less popular numbers
 *     mix.c          several requests and how often each
 *     check.c        what a response must be
 *     cookies.c      what a server asked a connection to say again
 *   plan/          when each request is due              plan.h
 *     profile.c      a rate over time
 *     trace.c        arrivals read from a file
 *     schedule.c     the plans of one thread or connection
 *   engine/        sending, receiving, waiting           engine.h
 *     run.c          threads, their common start, their end
 *     engine.c       one thread: epoll, phases
 *     dispatch.c     who sends next
 *     connection.c   one connection: open, send, read, break
 *     source.c       from which address and port
 *     timers.c       what waits for a moment
 *   measure/       counting                              measure.h
 *     stats.c        one a thread, merged at the end
 *     series.c       the same by time, while the run goes on
 *     windows.c      how even, in 100 ms, in 1 s
 *     fairness.c     how even are counts?
 *     host.c         what the machine did meanwhile
 *   report/        what is said of it                    report.h
 *     summary.c      merged figures
 *     validity.c     whether they may be believed
 *     text.c         for people, with text_wrk.c and text_tables.c
 *     json.c, csv.c  for programs: docs/loadgen-json.md
 *     html.c         a page, with charts.c
 *     live.c         meanwhile, on a terminal
 *     series_file.c  by time, with hlog.c (hlog.h): docs/loadgen-files.md
 *     output.c       files, opened before the run
 *   study/         several runs                          study.h
 *     objective.c    p99<5ms,errors<0.1%
 *     measured.c     one run with all that goes with it
 *     study.c        what studies of several runs share
 *     metrics.c, search.c, find_max.c, repeat.c, blocks.c, compare.c
 *     null_server.c  what the generator can do by itself
 *   main.c         exit statuses
 *
 * Words. A request is PLANNED when it is due: by the schedule in the open loop, at once in the closed loop. It is SENT when
 * its bytes are written; RESPONSE TIME runs from the plan, SERVICE TIME from the send, to the response's last byte; the time to
 * the FIRST BYTE runs from the send. The SEND LAG is how long after its plan a request was taken up (its connection opened or its
 * bytes written); OWN LAG is the part of it during which a connection was free, which nobody but the generator can be blamed for.
 * A request without a response when the run ended (timed out, unfinished, unsent) is CENSORED: it took at least so long.
 *
 * Times are nanoseconds of clock_now_ns() (CLOCK_MONOTONIC: the clock timerfd knows; CLOCK_MONOTONIC_RAW is not one of those and
 * differs by at most 0.05 %); histograms hold microseconds. Functions return 0 or a negative errno.
 */
#ifndef LOADGEN_H
#define LOADGEN_H

#include "base/options.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,
    EXIT_UNMEASURED = 2, /* nothing answered, or the generator broke */
    EXIT_INVALID = 3,    /* measured, but the figures say more of the generator than of the server */
    EXIT_MISSED = 99,    /* measured, and an objective was missed */
    EXIT_INTERRUPTED = 130,
};

#define MESSAGE_SIZE OPTIONS_ERROR_SIZE

#endif
