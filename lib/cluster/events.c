/*
 * The event log. The descriptor never blocks where the kernel knows how: a pipe whose reader is behind loses events, and the
 * primary goes on.
 */
#include "cluster/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static bool is_stderr(const struct event_log *events)
{
    return strcmp(events->path, "-") == 0;
}

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    return fd < 0 ? -errno : fd;
}

int event_log_open(struct event_log *events, const char *path, const struct log *log)
{
    *events = (struct event_log){.fd = -1, .path = path, .log = log};
    if (!path)
        return 0;
    int fd = is_stderr(events) ? STDERR_FILENO : open_file(path);
    if (fd < 0)
        return fd;
    events->fd = fd;
    return 0;
}

void event_log_close(struct event_log *events)
{
    if (events->fd >= 0 && !is_stderr(events))
        close(events->fd);
    events->fd = -1;
}

void event_log_reopen(struct event_log *events)
{
    if (events->fd < 0 || is_stderr(events))
        return;
    int fd = open_file(events->path);
    if (fd < 0) {
        log_line(events->log, LOG_ERROR, "--event-log %s cannot be opened again: %s", events->path, strerror(-fd));
        return;
    }
    close(events->fd);
    events->fd = fd;
    events->torn = false;
}

/* ---- lines ---- */

static void format_time(char *text, size_t size)
{
    struct timespec now = {0};
    struct tm utc = {0};
    char date[32];
    if (clock_gettime(CLOCK_REALTIME, &now) == 0)
        gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, size, "%s.%03ldZ", date, now.tv_nsec / 1000000);
}

/* The whole line without its end; the caller frees. NULL without memory. */
static char *format_line(const char *event, json_t *fields)
{
    char time[48];
    format_time(time, sizeof time);
    json_t *line = json_pack("{s:s, s:s}", "time", time, "event", event);
    if (line && fields)
        (void)json_object_update(line, fields); /* fails without memory only: fewer fields */
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    return text;
}

/* In one call. A part of it in the file is no line: the next one begins on a new one. */
static int write_line(struct event_log *events, const char *text)
{
    struct iovec pieces[] = {
        {(void *)(uintptr_t) "\n", events->torn ? 1 : 0}, {(void *)(uintptr_t)text, strlen(text)}, {(void *)(uintptr_t) "\n", 1}};
    size_t whole = pieces[0].iov_len + pieces[1].iov_len + pieces[2].iov_len;
    ssize_t written;
    do
        written = writev(events->fd, pieces, 3);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    events->torn = (size_t)written < whole;
    return events->torn ? -ENOSPC : 0;
}

static int write_event(struct event_log *events, const char *event, json_t *fields)
{
    char *text = format_line(event, fields);
    int error = text ? write_line(events, text) : -ENOMEM;
    free(text);
    return error;
}

/* How many are missing is said where they are missing. */
static int tell_lost(struct event_log *events)
{
    json_t *fields = events->lost > 0 ? json_pack("{s:I}", "count", (json_int_t)events->lost) : NULL;
    int error = events->lost > 0 ? write_event(events, "lost", fields) : 0;
    json_decref(fields);
    if (!error)
        events->lost = 0;
    return error;
}

void event_write(struct event_log *events, const char *event, json_t *fields)
{
    if (events->fd >= 0) {
        bool was_well = events->lost == 0;
        int error = tell_lost(events);
        if (!error)
            error = write_event(events, event, fields);
        events->lost += error != 0;
        if (error && was_well)
            log_line(events->log, LOG_WARN, "--event-log %s: %s: events are lost", events->path, strerror(-error));
    }
    json_decref(fields);
}
