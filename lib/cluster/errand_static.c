/*
 * /static/FILE: a file below --root, whole or a part of it.
 *
 * Opening, looking and reading happen in libuv's pool of threads; the loop only decides and sends. A file is read in pieces, and
 * the next one only when the client has taken the last: so a download holds one piece of memory and one descriptor, however large
 * the file and however slow the client. What is announced is what fstat(2) said after the open: a file that grows meanwhile does
 * not change that, one that shrinks ends the connection with a reset.
 *
 * Conditions are decided between opening and reading: who has the file already, or asks with HEAD, costs no read. Without any, the
 * first piece is read along with the open, and a small file takes one trip to the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "cluster/errands.h"
#include "cluster/worker.h"
#include "http/conditional.h"
#include "http/date.h"
#include "service/static_file.h"

#define PIECE_SIZE  65536
#define ETAG_SIZE   96
#define FIELDS_SIZE 320

struct download {
    uv_work_t work;
    struct job *job;
    int root, fd;
    int error;  /* of the last trip: 0 or a negative errno */
    bool eager; /* the first piece is wanted in any case */
    bool begun; /* the head is sent */
    struct stat status;
    struct http_selection selection;
    uint64_t offset, left; /* of what is selected: read on from here, so much */
    char *piece;           /* read and not yet sent, or NULL */
    size_t piece_length;
    char path[];
};

/* ---- in the pool ---- */

static size_t next_length(const struct download *download)
{
    return download->left < PIECE_SIZE ? (size_t)download->left : PIECE_SIZE;
}

/* The next piece, whole: -ENODATA when the file has become shorter. */
static int read_whole(struct download *download, size_t length)
{
    size_t used = 0;
    while (used < length) {
        ssize_t got = pread(download->fd, download->piece + used, length - used, (off_t)(download->offset + used));
        if (got == 0)
            return -ENODATA;
        if (got < 0 && errno != EINTR)
            return -errno;
        used += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* Memory is taken here and not before: downloads that wait for a thread have none. */
static void read_piece(uv_work_t *work)
{
    struct download *download = work->data;
    size_t length = next_length(download);
    download->piece = malloc(length);
    download->piece_length = length;
    download->error = download->piece ? read_whole(download, length) : -ENOMEM;
}

/* O_NONBLOCK: a FIFO without a writer, and the like, must not hold the thread; then it is seen not to be a file. */
static int open_file(struct download *download)
{
    int fd = beneath_open(download->root, download->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    download->fd = fd;
    if (fstat(fd, &download->status) != 0)
        return -errno;
    return S_ISREG(download->status.st_mode) ? 0 : -EISDIR;
}

static void open_and_read(uv_work_t *work)
{
    struct download *download = work->data;
    download->error = open_file(download);
    if (download->error || !download->eager)
        return;
    download->left = (uint64_t)download->status.st_size;
    if (download->left > 0)
        read_piece(work);
}

/* ---- on the loop ---- */

static void free_piece(struct download *download)
{
    free(download->piece);
    download->piece = NULL;
}

/* Closing what was only read does not wait for a disk. */
static void dispose(struct job *job)
{
    struct download *download = job->errand;
    if (download->fd >= 0)
        close(download->fd);
    free_piece(download);
    free(download);
}

static void send_to_pool(struct download *download, uv_work_cb work, uv_after_work_cb after)
{
    job_hold(download->job);
    uv_queue_work(download->job->worker->loop, &download->work, work, after); /* fails only without `work` */
}

static const struct {
    int error, status;
    const char *reason; /* NULL: the error's own */
} failures[] = {
    {-ENOENT, 404, "no such file"},
    {-ENOTDIR, 404, "no such file"},
    {-EISDIR, 404, "no such file"},
    {-ENXIO, 404, "no such file"},
    {-ENODEV, 404, "no such file"},
    {-ENAMETOOLONG, 404, "no such file"},
    {-ELOOP, 404, "no such file"},
    {-EXDEV, 404, "no such file"},
    {-EINVAL, 400, "the path is malformed"},
    {-EACCES, 403, NULL},
    {-EPERM, 403, NULL},
    {-EMFILE, 503, NULL},
    {-ENFILE, 503, NULL},
    {-ENOMEM, 503, NULL},
    {-EAGAIN, 503, NULL},
    {-ENODATA, 503, "the file shrank while it was read"},
};

static void answer_failure(struct job *job, int error)
{
    int status = 500;
    const char *reason = NULL;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].error == error) {
            status = failures[i].status;
            reason = failures[i].reason;
        }
    job_answer_text(job, status, "%s", reason ? reason : strerror(-error));
}

static void fail(struct download *download)
{
    if (download->begun)
        job_abort(download->job);
    else
        answer_failure(download->job, download->error);
}

/* ---- heads ---- */

/* Strong, RFC 9110 8.8.3: any change of the bytes that the file system's clock tells apart gives another one. */
static struct slice make_etag(const struct stat *status, char *text)
{
    int length =
        snprintf(text, ETAG_SIZE, "\"%llx-%llx-%llx.%lx\"", (unsigned long long)status->st_ino, (unsigned long long)status->st_size,
                 (unsigned long long)status->st_mtim.tv_sec, (unsigned long)status->st_mtim.tv_nsec);
    return (struct slice){text, (size_t)length};
}

/* Last-Modified is no later than now: RFC 9110 8.8.2.1 */
static struct http_representation describe(const struct stat *status, time_t now, char *etag)
{
    return (struct http_representation){
        .etag = make_etag(status, etag),
        .modified = status->st_mtim.tv_sec < now ? status->st_mtim.tv_sec : now,
        .size = (uint64_t)status->st_size,
    };
}

/* What a head points into. */
struct head_text {
    char etag[ETAG_SIZE], fields[FIELDS_SIZE];
};

/* Of an answer with the file's bytes, or some of them. */
static struct http_response make_head(const struct download *download, struct head_text *text)
{
    const struct http_selection *selection = &download->selection;
    const struct http_representation file = describe(&download->status, time(NULL), text->etag);
    char date[HTTP_DATE_SIZE];
    int length = snprintf(text->fields, FIELDS_SIZE, "ETag: %.*s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n",
                          (int)file.etag.length, file.etag.at, http_date_write(file.modified, date));
    if (selection->status == 206)
        length += snprintf(text->fields + length, FIELDS_SIZE - (size_t)length, "Content-Range: bytes %llu-%llu/%llu\r\n",
                           (unsigned long long)selection->first, (unsigned long long)(selection->first + selection->length - 1),
                           (unsigned long long)file.size);
    return (struct http_response){
        .status = selection->status,
        .content_type = slice_of(static_content_type(download->path)),
        .fields = {text->fields, (size_t)length},
    };
}

/* 304, 412 and 416: nothing of the file. */
static void answer_without_file(struct job *job, const struct http_representation *file, int status)
{
    char fields[ETAG_SIZE + 64], line[64];
    int length;
    if (status == 416)
        length = snprintf(fields, sizeof fields, "Content-Range: bytes */%llu\r\n", (unsigned long long)file->size);
    else
        length = snprintf(fields, sizeof fields, "ETag: %.*s\r\n", (int)file->etag.length, file->etag.at);
    struct http_response response = {.status = status, .fields = {fields, (size_t)length}};
    if (status != 304) {
        length = snprintf(line, sizeof line, "%d %s\n", status, http_status_reason(status));
        response.content_type = SLICE("text/plain");
        response.body = (struct slice){line, (size_t)length};
    }
    job_answer(job, &response);
}

/* ---- bodies ---- */

static void on_read(uv_work_t *work, int status);

static void read_next(struct download *download)
{
    send_to_pool(download, read_piece, on_read);
}

static void on_drained(struct job *job)
{
    job->drained = NULL;
    read_next(job->errand);
}

/* After a piece: the end, the next one now, or once the client has taken this one. */
static void go_on(struct download *download)
{
    struct job *job = download->job;
    if (download->left == 0)
        job_end(job);
    else if (http_respond_backlog(job->request) > 0)
        job->drained = on_drained;
    else
        read_next(download);
}

static void begin_body(struct download *download)
{
    struct head_text text;
    const struct http_response head = make_head(download, &text);
    download->begun = true;
    http_respond_begin(download->job->request, &head, download->selection.length);
}

static void send_piece(struct download *download)
{
    struct job *job = download->job;
    job_hold(job); /* the client may be found gone inside */
    if (!download->begun)
        begin_body(download);
    if (job->request)
        http_respond_piece(job->request, download->piece, download->piece_length);
    download->offset += download->piece_length;
    download->left -= download->piece_length;
    free_piece(download);
    if (job_back(job))
        go_on(download);
}

/* HEAD, nothing at all, or all of it in one piece: one answer. */
static void answer_at_once(struct download *download)
{
    struct head_text text;
    struct http_response response = make_head(download, &text);
    response.body_length = download->selection.length;
    if (download->piece)
        response.body = (struct slice){download->piece, download->piece_length};
    job_answer(download->job, &response);
}

static void deliver(struct download *download)
{
    if (download->piece_length == download->selection.length)
        answer_at_once(download);
    else
        send_piece(download);
}

static void on_read(uv_work_t *work, int status)
{
    struct download *download = work->data;
    (void)status; /* nobody cancels it */
    if (!job_back(download->job))
        return;
    if (download->error)
        fail(download);
    else
        deliver(download);
}

static void answer_file(struct download *download)
{
    struct job *job = download->job;
    struct http_selection *selection = &download->selection;
    time_t now = time(NULL);
    char etag[ETAG_SIZE];
    const struct http_representation file = describe(&download->status, now, etag);
    http_select(job->request, &file, now, selection);
    download->offset = selection->first;
    download->left = selection->length;
    if (selection->status != 200 && selection->status != 206)
        answer_without_file(job, &file, selection->status);
    else if (job->request->is_head || selection->length == 0)
        answer_at_once(download);
    else if (download->piece)
        deliver(download);
    else
        read_next(download);
}

static void on_opened(uv_work_t *work, int status)
{
    struct download *download = work->data;
    (void)status;
    if (!job_back(download->job))
        return;
    if (download->error)
        fail(download);
    else
        answer_file(download);
}

/* ---- the beginning ---- */

static struct download *make_download(struct job *job, const char *path)
{
    size_t size = strlen(path) + 1;
    struct download *download = calloc(1, sizeof *download + size);
    if (!download)
        return NULL;
    memcpy(download->path, path, size);
    download->work.data = download;
    download->job = job;
    download->root = job->worker->private->files.root;
    download->fd = -1;
    download->eager = !job->request->is_head && !http_is_conditional(job->request);
    job->errand = download;
    job->dispose = dispose;
    return download;
}

void errand_static(struct job *job)
{
    char path[STATIC_PATH_SIZE];
    const struct worker *worker = job->worker;
    if (!worker->options->root) {
        job_answer_text(job, 404, "no files are served: the program was started without --root");
        return;
    }
    if (worker->private->files.root < 0) {
        job_answer_text(job, 503, "--root cannot be opened: %s", strerror(-worker->private->files.root));
        return;
    }
    int error = static_path(job->response.argument, path);
    struct download *download = error ? NULL : make_download(job, path);
    if (!download)
        answer_failure(job, error ? error : -ENOMEM);
    else
        send_to_pool(download, open_and_read, on_opened);
}
