/*
 * /append: all workers write numbered lines to the end of one file, and how they do it decides whether lines get torn.
 *
 *   append    O_APPEND and the whole line in one write(2): the kernel finds the end and writes under the file's lock
 *   buffered  O_APPEND, too, but the line leaves in pieces, as from a stream's buffer: another one may come in between
 *   flock     in pieces, while flock(2) keeps the others out
 *   primary   the worker writes nothing: it sends its line to the one process that does
 *
 * Files are written in libuv's pool of threads, one line of a worker at a time, in the order in which they were asked for. A line
 * that has a number is written even when its client leaves.
 *
 * A lock lives as long as the process that holds it: whoever is killed in the middle of a line leaves the line torn and the file
 * free. The next one under the lock ends that torn line before its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cluster/errands.h"
#include "cluster/worker.h"
#include "service/numbered_line.h"

#define BUFFER_SIZE 4096 /* of the stream that is played: a page, as BUFSIZ was for long */

static const char *const mode_names[] = {"append", "buffered", "flock", "primary"}; /* enum service_append */

struct append {
    uv_work_t work;
    struct list link;
    struct job *job;
    int fd, mode;
    uint64_t number, hold_ns;
    int error;
    unsigned writes; /* calls of write(2) that it took */
    size_t length;
    char text[]; /* a numbered line, unsealed; `length` bytes */
};

/* ---- in the pool ---- */

static int write_whole(struct append *append)
{
    return file_write(append->fd, append->text, append->length, append->length, &append->writes);
}

static int write_buffered(struct append *append)
{
    return file_write(append->fd, append->text, append->length, BUFFER_SIZE, &append->writes);
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

/* `hold_ns` is waited in the middle: so long everybody else stands before the lock. */
static int write_locked(struct append *append)
{
    size_t half = append->hold_ns > 0 ? append->length / 2 : 0;
    int error = lock(append->fd, LOCK_EX), unlocked;
    if (error)
        return error;
    error = end_torn_line(append->fd);
    if (!error)
        error = file_write(append->fd, append->text, half, BUFFER_SIZE, &append->writes);
    if (!error && append->hold_ns > 0)
        clock_sleep_until_ns(clock_now_ns() + append->hold_ns);
    if (!error)
        error = file_write(append->fd, append->text + half, append->length - half, BUFFER_SIZE, &append->writes);
    unlocked = lock(append->fd, LOCK_UN);
    return error ? error : unlocked;
}

static void write_line(uv_work_t *work)
{
    static int (*const writers[])(struct append *) = {write_whole, write_buffered, write_locked};
    struct append *append = work->data;
    numbered_line_seal(append->text, append->length);
    append->error = writers[append->mode](append);
}

/* ---- on the loop ---- */

static void dispose(struct job *job)
{
    free(job->errand);
}

static void answer(struct append *append)
{
    struct job *job = append->job;
    char *text = job->response.text;
    if (append->error) {
        job_answer_text(job, 500, "line %llu after %u writes: %s", (unsigned long long)append->number, append->writes,
                        strerror(-append->error));
        return;
    }
    int length = snprintf(text, sizeof job->response.text, "line=%llu bytes=%zu writes=%u mode=%s\n",
                          (unsigned long long)append->number, append->length, append->writes, mode_names[append->mode]);
    const struct http_response response = {.status = 200, .content_type = SLICE("text/plain"), .body = {text, (size_t)length}};
    job_answer(job, &response);
}

static void on_written(uv_work_t *work, int status);

static void write_first(struct files *files, uv_loop_t *loop)
{
    if (list_empty(&files->appends))
        return;
    struct append *append = list_entry(files->appends.next, struct append, link);
    uv_queue_work(loop, &append->work, write_line, on_written);
}

static void on_written(uv_work_t *work, int status)
{
    struct append *append = work->data;
    struct worker *worker = append->job->worker;
    (void)status; /* nobody cancels it */
    list_remove(&append->link);
    write_first(&worker->private->files, worker->loop);
    if (job_back(append->job))
        answer(append);
}

static void queue_line(struct append *append)
{
    struct worker *worker = append->job->worker;
    struct files *files = &worker->private->files;
    bool idle = list_empty(&files->appends);
    job_hold(append->job);
    list_append(&files->appends, &append->link);
    if (idle)
        write_first(files, worker->loop);
}

/* ---- the line ---- */

/* "3.17 3.17 3.17 ...": no two lines have the same. */
static void make_up_text(const struct numbered_line *line, char *text, size_t length)
{
    char word[48];
    size_t size = (size_t)snprintf(word, sizeof word, "%u.%llu ", line->worker, (unsigned long long)line->number);
    for (size_t i = 0; i < length; i++)
        text[i] = word[i % size];
}

/* From the request's body, or of the size asked for. NULL without memory. */
static struct append *make_append(struct job *job)
{
    struct worker *worker = job->worker;
    struct slice body = job->response.argument;
    struct numbered_line line = {worker->index, getpid(), worker->slot->generation, worker->private->files.lines + 1};
    char head[NUMBERED_LINE_HEAD_MOST];
    size_t room = (size_t)job->response.number - numbered_line_begin(&line, 0, head) - 1;
    size_t text_length = body.at ? body.length : room;
    struct append *append = malloc(sizeof *append + sizeof head + text_length + 1);
    if (!append)
        return NULL;
    *append = (struct append){.job = job,
                              .fd = worker->private->files.log,
                              .mode = job->response.choice,
                              .number = line.number,
                              .hold_ns = job->response.work_ns};
    append->work.data = append;
    size_t begin = numbered_line_begin(&line, text_length, append->text);
    append->length = begin + text_length + 1;
    if (body.at)
        memcpy(append->text + begin, body.at, body.length);
    else
        make_up_text(&line, append->text + begin, text_length);
    worker->private->files.lines = line.number;
    job->errand = append;
    job->dispose = dispose;
    return append;
}

/* One newline at the end is the line's own; any other would make two lines of it. */
static bool take_newline_off(struct slice *body)
{
    if (body->length > 0 && body->at[body->length - 1] == '\n')
        body->length--;
    return body->length == 0 || !memchr(body->at, '\n', body->length);
}

void errand_append(struct job *job)
{
    const struct worker *worker = job->worker;
    int fd = worker->private->files.log;
    if (!worker->options->append_file)
        job_answer_text(job, 404, "there is no file to write to: the program was started without --append-file");
    else if (job->response.choice == SERVICE_APPEND_PRIMARY)
        job_answer_text(job, 501, "mode=primary is not there yet");
    else if (fd < 0)
        job_answer_text(job, 503, "--append-file cannot be opened: %s", strerror(-fd));
    else if (!take_newline_off(&job->response.argument))
        job_answer_text(job, 400, "the body is more than one line");
    else {
        struct append *append = make_append(job);
        if (append)
            queue_line(append);
        else
            job_answer_text(job, 503, "out of memory");
    }
}
