/*
 * Log lines. A line is put together in one buffer and leaves in one write(2), so lines of several processes do not mix. Bytes
 * that a terminal could take for commands (they may come from a client) are shown as '?'.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024

const char *const log_level_names[] = {"error", "warn", "info", "debug", NULL};

static size_t put_head(const struct log *log, enum log_level level, char *line)
{
    struct timespec now = {0};
    struct tm utc = {0};
    char date[32];
    int length;

    if (clock_gettime(CLOCK_REALTIME, &now) == 0)
        gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    length = snprintf(line, LINE_SIZE / 2, "%s.%03ldZ %s[%ld] %s: ", date, now.tv_nsec / 1000000, log->name, (long)getpid(),
                      log_level_names[level]);
    return length < LINE_SIZE / 2 ? (size_t)length : LINE_SIZE / 2 - 1;
}

static void hide_controls(char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
}

/* There is nobody to tell when stderr is gone; an interrupted write is tried again. */
static void write_line(const char *line, size_t length)
{
    ssize_t written;

    do
        written = write(STDERR_FILENO, line, length);
    while (written < 0 && errno == EINTR);
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    int saved_errno = errno, length;
    size_t head, room;
    va_list arguments;

    if (level > log->level)
        return;
    head = put_head(log, level, line);
    room = sizeof(line) - head;
    va_start(arguments, format);
    length = vsnprintf(line + head, room, format, arguments);
    va_end(arguments);
    if (length < 0)
        length = 0;
    if ((size_t)length >= room)
        length = (int)room - 1;
    hide_controls(line + head, (size_t)length);
    line[head + (size_t)length] = '\n';
    write_line(line, head + (size_t)length + 1);
    errno = saved_errno;
}
