/*
 * The access log of one worker: a line for each answer, written by libuv's pool of threads, so that a slow disk costs lines and
 * never time.
 *
 * Lines gather in a buffer of 256 KiB and are written when there are 32 KiB of them or every 200 ms. Lines that do not fit, because
 * what is there has not been written yet, are dropped and counted (access_lines_dropped), and so is what cannot be written (a full
 * disk, a pipe nobody reads).
 *
 * Whole lines. Several workers write to the same file, each through its own descriptor, in calls that hold whole lines only and go
 * to the end of the file in one piece: O_APPEND, open(2), on local file systems; not over NFS. A pipe takes 4,096 bytes in one
 * piece (pipe(7)), so a call for a pipe holds no more, except for a single longer line.
 */
#ifndef CLUSTER_ACCESS_LOG_H
#define CLUSTER_ACCESS_LOG_H

#include <stdbool.h>
#include <uv.h>

#include "base/counters.h"
#include "base/log.h"
#include "cluster/access_line.h"

#define ACCESS_LOG_BUFFER (128 * 1024) /* twice: one is filled while the other one is written */
#define ACCESS_LOG_ENOUGH (32 * 1024)
#define ACCESS_LOG_MS     200

struct access_log_settings {
    const char *path; /* this and all below outlive the log */
    enum access_format format;
    uv_loop_t *loop;
    struct counters *counters; /* access_lines_dropped */
    const struct log *log;     /* where trouble is said */
};

struct access_log;

/*
 * Opens the file, which blocks: at a start only. A file that cannot be opened is said, and costs what is added until
 * access_log_reopen finds one: who serves goes on. 0 or -ENOMEM.
 */
int access_log_open(struct access_log **log, const struct access_log_settings *settings);

/* Can it be opened? For one clear word before any worker starts; makes the file. 0 or a negative errno; -ENXIO for a named pipe
 * that nobody reads. */
int access_log_check(const char *path);

/* What `error` of a log's opening means, in words. */
const char *access_log_error(int error);

void access_log_add(struct access_log *log, const struct access_entry *entry);

/*
 * After the file was moved away. What was added before goes to the old file still, what is added later to a new one of the old
 * name, or to the old one where that cannot be made.
 */
void access_log_reopen(struct access_log *log);

/*
 * Writes what there is and waits for it: nothing is lost at an end that is not a kill. A pipe that is full is given a second. Then
 * the log is freed and `closed` called, from the loop.
 */
void access_log_close(struct access_log *log, void (*closed)(void *context), void *context);

#endif
