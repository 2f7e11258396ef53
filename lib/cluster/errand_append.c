/*
 * /append: all workers write numbered lines to the end of one file.
 *
 * With the modes append, buffered and flock a worker writes for itself (pen.c). With mode=primary it writes nothing: it sends the
 * line to the primary, the one process that does, and is told when it is written. A line is as long as one message then.
 *
 * A line that has a number is written even when its client leaves. GET writes, too, so that any load generator can; but a GET is
 * thought to change nothing (RFC 9110 9.2.1), and a proxy whose worker dies sends it to the next one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/errands.h"
#include "cluster/primary.h"
#include "cluster/worker.h"
#include "service/numbered_line.h"

#define REPLY_TIMEOUT_MS 10000
#define PRIMARY_MOST     (16 << 20) /* bytes of lines that wait for the primary's pen; what it refuses has a number and is missing */

struct append {
    struct pen_line line;
    struct job *job;
    uint64_t number;
    char text[];
};

/* ---- the answer ---- */

static void dispose(struct job *job)
{
    free(job->errand);
}

static const struct {
    int error, status;
    const char *reason; /* NULL: the error's own */
} failures[] = {
    {-EMSGSIZE, 413, "mode=primary: the line is longer than a message"},
    {-ENOBUFS, 503, "mode=primary: the primary is behind"},
    {-EPIPE, 503, "mode=primary: the primary is gone"},
    {-ETIMEDOUT, 504, "mode=primary: the primary does not answer; the line may be written or not"},
    {-ENOMEM, 503, NULL},
};

static void answer_failure(struct job *job, int error)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].error == error) {
            job_answer_text(job, failures[i].status, "%s", failures[i].reason ? failures[i].reason : strerror(-error));
            return;
        }
    job_answer_text(job, 500, "the line was not written whole: %s", strerror(-error));
}

static void answer(struct append *append, int error, unsigned writes)
{
    static const char *const names[] = {"append", "buffered", "flock", "primary"}; /* enum service_append */
    struct job *job = append->job;
    char *text = job->response.text;
    if (error) {
        answer_failure(job, error);
        return;
    }
    int length = snprintf(text, sizeof job->response.text, "line=%llu bytes=%zu writes=%u mode=%s\n",
                          (unsigned long long)append->number, append->line.length, writes, names[job->response.choice]);
    const struct http_response response = {.status = 200, .content_type = SLICE("text/plain"), .body = {text, (size_t)length}};
    job_answer(job, &response);
}

/* ---- with the worker's own pen ---- */

static void on_written(struct pen_line *line)
{
    struct append *append = (struct append *)line;
    if (job_back(append->job))
        answer(append, line->error, line->writes);
}

static int write_here(struct append *append)
{
    struct pen *pen = &append->job->worker->private->files.pen;
    if (pen->fd < 0)
        return pen->fd;
    append->line.written = on_written;
    job_hold(append->job);
    pen_write(pen, &append->line);
    return 0;
}

/* ---- with the primary's ---- */

/* What the primary replies. */
struct written {
    uint32_t writes;
};

static void on_reply(void *context, int status, struct slice bytes)
{
    struct append *append = context;
    struct written written = {0};
    if (status == 0 && bytes.length == sizeof written)
        memcpy(&written, bytes.at, sizeof written);
    if (status != POST_PART && job_back(append->job))
        answer(append, status, written.writes);
}

static int send_to_primary(struct append *append)
{
    struct job *job = append->job;
    struct slice line = {append->line.text, append->line.length};
    job_hold(job);
    int error = worker_ask(job->worker, TOPIC_APPEND, line, REPLY_TIMEOUT_MS, on_reply, append);
    if (error)
        (void)job_back(job); /* its request is still there: it has not been out of this call */
    return error;
}

/* A line on its way through the primary. */
struct sent_line {
    struct pen_line line;
    struct question question;
    char text[];
};

static void on_written_for_worker(struct pen_line *line)
{
    struct sent_line *sent = (struct sent_line *)line;
    const struct written written = {line->writes};
    (void)question_reply(&sent->question, line->error, (struct slice){(const char *)&written, sizeof written});
    free(sent); /* not told: the asker hears by its deadline */
}

static int take_line(struct pen *pen, const struct question *question, struct slice bytes)
{
    if (pen->fd < 0)
        return pen->fd;
    if (pen->bytes + bytes.length > PRIMARY_MOST)
        return -ENOBUFS;
    struct sent_line *sent = malloc(sizeof *sent + bytes.length);
    if (!sent)
        return -ENOMEM;
    sent->question = *question;
    sent->line = (struct pen_line){
        .mode = SERVICE_APPEND_WHOLE, .text = sent->text, .length = bytes.length, .written = on_written_for_worker};
    memcpy(sent->text, bytes.at, bytes.length);
    pen_write(pen, &sent->line);
    return 0;
}

void append_for_worker(const struct question *question, struct slice bytes)
{
    int error = take_line(&question->primary->pen, question, bytes);
    if (error)
        (void)question_reply(question, error, (struct slice){"", 0});
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

static struct numbered_line next_number(const struct worker *worker)
{
    return (struct numbered_line){worker->index, getpid(), worker->slot->generation, worker->private->files.lines + 1};
}

/* From the request's body, or of the size asked for. NULL without memory. */
static struct append *make_append(struct job *job)
{
    const struct numbered_line number = next_number(job->worker);
    struct slice body = job->response.argument;
    char head[NUMBERED_LINE_HEAD_MOST];
    size_t made_up = (size_t)job->response.number - numbered_line_begin(&number, 0, head) - 1;
    size_t text_length = body.at ? body.length : made_up;
    struct append *append = malloc(sizeof *append + sizeof head + text_length + 1);
    if (!append)
        return NULL;
    size_t begin = numbered_line_begin(&number, text_length, append->text);
    append->line = (struct pen_line){.mode = (enum service_append)job->response.choice,
                                     .hold_ns = job->response.work_ns,
                                     .text = append->text,
                                     .length = begin + text_length + 1};
    append->job = job;
    append->number = number.number;
    if (body.at)
        memcpy(append->text + begin, body.at, text_length);
    else
        make_up_text(&number, append->text + begin, text_length);
    numbered_line_seal(append->text, append->line.length);
    return append;
}

/* The number is taken once the line is on its way. */
static void append_line(struct job *job)
{
    struct append *append = make_append(job);
    if (!append) {
        answer_failure(job, -ENOMEM);
        return;
    }
    job->errand = append;
    job->dispose = dispose;
    int error = append->line.mode == SERVICE_APPEND_PRIMARY ? send_to_primary(append) : write_here(append);
    if (error)
        answer_failure(job, error);
    else
        job->worker->private->files.lines = append->number;
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
    if (!job->worker->options->append_file)
        job_answer_text(job, 404, "there is no file to write to: the program was started without --append-file");
    else if (!take_newline_off(&job->response.argument))
        job_answer_text(job, 400, "the body is more than one line");
    else
        append_line(job);
}
