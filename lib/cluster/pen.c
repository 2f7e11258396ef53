/*
 * The ways of writing a line to the end of a file that others write to as well:
 *
 *   append    O_APPEND and the whole line in one write(2): the kernel finds the end and writes with the file locked
 *   buffered  O_APPEND, too, but the line leaves in pieces, as from a stream's buffer: another line may come in between
 *   flock     in pieces, while flock(2) keeps away the others who ask for it
 *
 * Waiting for the lock takes as long as somebody else has it, and in `threaded` all workers share one pool: four that wait there
 * would leave no thread to read a file with. So in the pool the lock is only tried. Where it is taken, the line waits in a thread
 * of its own, one a pen at most: flock(2) has no descriptor that a loop could watch, and who waits in it is woken when the lock is
 * free, while who tries again now and then may find it taken every time.
 *
 * A lock lives as long as the process that has it: whoever is killed in the middle of a line leaves that line torn and the file
 * free. The next one with the lock ends the torn line before its own.
 */
#include "cluster/pen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define BUFFER_SIZE 4096 /* of the stream that is played */
#define FILE_MODE   0644

int pen_open(const char *path)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, FILE_MODE);
    return fd < 0 ? -errno : fd;
}

/* ---- in the pool ---- */

static int write_whole(struct pen_line *line)
{
    return file_write(line->pen->fd, line->text, line->length, line->length, &line->writes);
}

static int write_buffered(struct pen_line *line)
{
    return file_write(line->pen->fd, line->text, line->length, BUFFER_SIZE, &line->writes);
}

static int lock(int fd, int operation)
{
    int result;
    do
        result = flock(fd, operation);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : -errno;
}

/* Whoever had the lock before may have been killed in the middle of a line. */
static int end_torn_line(int fd)
{
    struct stat status;
    char last = '\n';
    unsigned writes = 0;
    if (fstat(fd, &status) != 0)
        return -errno;
    if (S_ISREG(status.st_mode) && status.st_size > 0 && pread(fd, &last, 1, status.st_size - 1) < 0)
        return -errno;
    return last == '\n' ? 0 : file_write(fd, "\n", 1, 1, &writes);
}

static int write_with_lock(struct pen_line *line)
{
    int fd = line->pen->fd;
    size_t half = line->hold_ns > 0 ? line->length / 2 : 0;
    int error = end_torn_line(fd);
    if (!error)
        error = file_write(fd, line->text, half, BUFFER_SIZE, &line->writes);
    if (!error && line->hold_ns > 0)
        clock_sleep_until_ns(clock_now_ns() + line->hold_ns);
    return error ? error : file_write(fd, line->text + half, line->length - half, BUFFER_SIZE, &line->writes);
}

/* -EWOULDBLOCK: somebody has the lock, and the line is not one that waits. */
static int write_locked(struct pen_line *line)
{
    int error = lock(line->pen->fd, line->waits ? LOCK_EX : LOCK_EX | LOCK_NB);
    if (error)
        return error;
    error = write_with_lock(line);
    int unlocked = lock(line->pen->fd, LOCK_UN);
    return error ? error : unlocked;
}

static void write_line(uv_work_t *work)
{
    static int (*const writers[])(struct pen_line *) = {
        [SERVICE_APPEND_WHOLE] = write_whole,
        [SERVICE_APPEND_BUFFERED] = write_buffered,
        [SERVICE_APPEND_FLOCK] = write_locked,
    };
    struct pen_line *line = work->data;
    line->error = writers[line->mode](line);
}

/* ---- on the loop ---- */

static void on_written(uv_work_t *work, int status);

static void write_first(struct pen *pen)
{
    struct pen_line *line = list_entry(pen->lines.next, struct pen_line, link);
    uv_queue_work(pen->loop, &line->work, write_line, on_written); /* fails only without a function */
}

static void end_line(struct pen_line *line)
{
    struct pen *pen = line->pen;
    list_remove(&line->link);
    pen->bytes -= line->length;
    if (!list_empty(&pen->lines))
        write_first(pen);
    line->written(line);
}

/* ---- waiting for the lock, in a thread of its own ---- */

static void wait_and_write(void *context)
{
    struct pen_line *line = context;
    line->error = write_locked(line);
    uv_async_send(&line->back); /* fails only for a handle of another kind */
}

static void on_back_closed(uv_handle_t *back)
{
    end_line(back->data);
}

static void on_back(uv_async_t *back)
{
    struct pen_line *line = back->data;
    uv_thread_join(&line->waiter); /* it is at its end */
    uv_close((uv_handle_t *)back, on_back_closed);
}

/* Where no thread can be had, the line waits in the pool after all. */
static void on_back_unused(uv_handle_t *back)
{
    struct pen_line *line = back->data;
    uv_queue_work(line->pen->loop, &line->work, write_line, on_written);
}

static void wait_aside(struct pen_line *line)
{
    line->waits = true;
    line->back.data = line;
    if (uv_async_init(line->pen->loop, &line->back, on_back) != 0)
        uv_queue_work(line->pen->loop, &line->work, write_line, on_written);
    else if (uv_thread_create(&line->waiter, wait_and_write, line) != 0)
        uv_close((uv_handle_t *)&line->back, on_back_unused);
}

static void on_written(uv_work_t *work, int status)
{
    struct pen_line *line = work->data;
    (void)status; /* nobody cancels it */
    if (line->mode == SERVICE_APPEND_FLOCK && line->error == -EWOULDBLOCK && !line->waits)
        wait_aside(line);
    else
        end_line(line);
}

void pen_init(struct pen *pen, uv_loop_t *loop, int fd)
{
    pen->loop = loop;
    pen->fd = fd;
    pen->bytes = 0;
    list_init(&pen->lines);
}

void pen_write(struct pen *pen, struct pen_line *line)
{
    bool idle = list_empty(&pen->lines);
    line->pen = pen;
    line->error = 0;
    line->writes = 0;
    line->waits = false;
    line->work.data = line;
    list_append(&pen->lines, &line->link);
    pen->bytes += line->length;
    if (idle)
        write_first(pen);
}
