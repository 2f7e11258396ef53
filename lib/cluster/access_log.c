/*
 * The access log: two chunks, one being filled by the loop, one being written by the pool. They change places when the writer is
 * free and there is enough to write, or enough time has gone by.
 *
 * One operation is under way at a time: a write, or the opening of the new file and the closing of the old one. So nobody writes to
 * a descriptor that is being changed. The end is the one moment when the loop itself writes and waits.
 *
 * A write that was cut (a full disk) may leave a part of a line in the file. The rest of it would stand behind somebody else's
 * lines: it is given up, and the next line begins with a newline that ends the part.
 */
#include "cluster/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK) /* O_NONBLOCK is for pipes */
#define OPEN_MODE  0644
#define LAST_MS    1000 /* a full pipe gets at the end */

struct chunk {
    size_t at, used; /* written, and there */
    char text[ACCESS_LOG_BUFFER];
};

struct access_log {
    struct access_log_settings settings;
    int fd; /* -1: it could not be opened, and writing fails */
    bool is_pipe;
    struct chunk *filling, *flying; /* `flying` is being written, is to be tried again, or is empty */
    struct access_dates dates;
    uv_timer_t timer;
    bool timer_set;
    uv_fs_t operation;
    bool busy;           /* with the operation */
    bool torn;           /* the file ends in a part of a line */
    bool has_complained; /* about this file */
    bool reopen;         /* as soon as nothing flies */
    bool filled_first;   /* ... and what was being filled then has flown, too */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static void go_on(struct access_log *log);
static void on_timer(uv_timer_t *timer);
static void begin_reopen(struct access_log *log);

/* ---- chunks ---- */

static bool is_empty(const struct chunk *chunk)
{
    return chunk->at == chunk->used;
}

static void drop_lines(struct access_log *log, uint64_t lines, int error)
{
    if (lines == 0)
        return;
    counter_add(&log->settings.counters->access_lines_dropped, lines);
    if (!log->has_complained)
        log_line(log->settings.log, LOG_WARN, "--access-log %s: %s: lines are dropped", log->settings.path,
                 error ? strerror(-error) : "it is too slow");
    log->has_complained = true;
}

static void drop_chunk(struct access_log *log, struct chunk *chunk, int error)
{
    uint64_t lines = 0;
    for (size_t i = chunk->at; i < chunk->used; i++)
        lines += chunk->text[i] == '\n';
    chunk->at = chunk->used = 0;
    drop_lines(log, lines, error);
}

/* `length` bytes of it are in the file. What is left of a torn line is given up. */
static void advance(struct access_log *log, struct chunk *chunk, size_t length)
{
    chunk->at += length;
    if (length > 0 && !is_empty(chunk) && chunk->text[chunk->at - 1] != '\n') {
        const char *rest = chunk->text + chunk->at, *end = memchr(rest, '\n', chunk->used - chunk->at);
        chunk->at += (size_t)(end - rest) + 1;
        log->torn = true;
        drop_lines(log, 1, -ENOSPC);
    }
    if (is_empty(chunk))
        chunk->at = chunk->used = 0;
}

/* Whole lines, all of them or as many as the file takes in one piece. */
static size_t piece_length(const struct access_log *log, const struct chunk *chunk)
{
    const char *begin = chunk->text + chunk->at;
    size_t there = chunk->used - chunk->at, most = PIPE_BUF - (log->torn ? 1 : 0);
    if (!log->is_pipe || there <= most)
        return there;
    const char *last = memrchr(begin, '\n', most);
    if (!last)
        last = memchr(begin, '\n', there);
    return (size_t)(last - begin) + 1;
}

/* The buffers of the next write; how many. */
static unsigned next_piece(const struct access_log *log, struct chunk *chunk, uv_buf_t pieces[2])
{
    static char newline[] = "\n";
    unsigned count = 0;
    if (log->torn)
        pieces[count++] = uv_buf_init(newline, 1);
    pieces[count++] = uv_buf_init(chunk->text + chunk->at, (unsigned)piece_length(log, chunk));
    return count;
}

/* What a write of the chunk came to: bytes or a negative errno. True when it is to be tried again later. */
static bool take_result(struct access_log *log, struct chunk *chunk, ssize_t result)
{
    if (result == -EAGAIN)
        return true;
    if (result <= 0 && result != -EINTR) {
        drop_chunk(log, chunk, result ? (int)result : -EIO);
    } else if (result > 0) {
        size_t newline = log->torn ? 1 : 0;
        log->torn = false;
        advance(log, chunk, (size_t)result - newline);
    }
    return false;
}

/* ---- writing ---- */

static void set_timer(struct access_log *log)
{
    if (log->timer_set || log->closing)
        return;
    log->timer_set = true;
    uv_timer_start(&log->timer, on_timer, ACCESS_LOG_MS, 0);
}

static void on_written(uv_fs_t *operation)
{
    struct access_log *log = operation->data;
    ssize_t result = operation->result;
    uv_fs_req_cleanup(operation);
    log->busy = false;
    bool later = take_result(log, log->flying, result);
    if (later && log->reopen && !log->closing)
        begin_reopen(log); /* the new one may have room */
    else if (later && !log->closing)
        set_timer(log);
    else
        go_on(log);
}

static void begin_write(struct access_log *log)
{
    uv_buf_t pieces[2];
    unsigned count = next_piece(log, log->flying, pieces);
    int error = uv_fs_write(log->settings.loop, &log->operation, log->fd, pieces, count, -1, on_written);
    log->busy = !error;
    if (error)
        drop_chunk(log, log->flying, error);
}

/* Only while nothing flies. */
static void write_filled(struct access_log *log)
{
    struct chunk *filled = log->filling;
    log->filling = log->flying;
    log->flying = filled;
    log->filled_first = false;
    begin_write(log);
}

static void on_timer(uv_timer_t *timer)
{
    struct access_log *log = timer->data;
    log->timer_set = false;
    if (log->busy)
        return; /* what comes behind that sets it again */
    if (!is_empty(log->flying))
        begin_write(log);
    else if (!is_empty(log->filling))
        write_filled(log);
}

void access_log_add(struct access_log *log, const struct access_entry *entry)
{
    size_t bound = access_line_bound(entry);
    bool idle = !log->busy && is_empty(log->flying);
    if (idle && log->filling->used + bound > ACCESS_LOG_BUFFER) {
        write_filled(log);
        idle = false;
    }
    struct chunk *chunk = log->filling;
    if (log->closing || chunk->used + bound > ACCESS_LOG_BUFFER) {
        drop_lines(log, 1, 0);
        return;
    }
    chunk->used += access_line_put(log->settings.format, entry, &log->dates, chunk->text + chunk->used);
    if (idle && chunk->used >= ACCESS_LOG_ENOUGH)
        write_filled(log);
    else
        set_timer(log);
}

/* ---- the file ---- */

static bool is_pipe(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static void use_file(struct access_log *log, int fd)
{
    log->fd = fd;
    log->is_pipe = is_pipe(fd);
    log->torn = log->has_complained = false;
}

static void close_file(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void on_old_closed(uv_fs_t *operation)
{
    struct access_log *log = operation->data;
    uv_fs_req_cleanup(operation);
    log->busy = false;
    go_on(log);
}

static void on_opened(uv_fs_t *operation)
{
    struct access_log *log = operation->data;
    int fd = (int)operation->result, old = log->fd;
    uv_fs_req_cleanup(operation);
    log->busy = false;
    if (fd < 0) {
        log_line(log->settings.log, LOG_ERROR, "--access-log %s cannot be opened again: %s", log->settings.path, strerror(-fd));
    } else {
        use_file(log, fd);
        log->busy = old >= 0 && uv_fs_close(log->settings.loop, &log->operation, old, on_old_closed) == 0;
        if (!log->busy)
            close_file(old);
    }
    if (!log->busy)
        go_on(log);
}

static void begin_reopen(struct access_log *log)
{
    log->reopen = log->filled_first = false;
    int error = uv_fs_open(log->settings.loop, &log->operation, log->settings.path, OPEN_FLAGS, OPEN_MODE, on_opened);
    log->busy = !error;
    if (error)
        log_line(log->settings.log, LOG_ERROR, "--access-log %s cannot be opened again: %s", log->settings.path, strerror(-error));
}

void access_log_reopen(struct access_log *log)
{
    log->reopen = true;
    log->filled_first = !is_empty(log->filling);
    if (!log->busy)
        go_on(log);
}

const char *access_log_error(int error)
{
    return error == -ENXIO ? "nobody reads this pipe" : strerror(-error);
}

int access_log_check(const char *path)
{
    int fd = open(path, OPEN_FLAGS, OPEN_MODE);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static void drop_lines_until_reopened(struct access_log *log, int error)
{
    log->has_complained = true;
    log_line(log->settings.log, LOG_ERROR, "--access-log %s: %s: lines are dropped until USR1 opens it", log->settings.path,
             access_log_error(error));
}

int access_log_open(struct access_log **result, const struct access_log_settings *settings)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log)
        return -ENOMEM;
    log->filling = malloc(sizeof *log->filling);
    log->flying = malloc(sizeof *log->flying);
    if (!log->filling || !log->flying) {
        free(log->filling);
        free(log->flying);
        free(log);
        return -ENOMEM;
    }
    int fd = open(settings->path, OPEN_FLAGS, OPEN_MODE), error = -errno;
    log->settings = *settings;
    log->filling->at = log->filling->used = log->flying->at = log->flying->used = 0;
    log->operation.data = log;
    use_file(log, fd);
    if (fd < 0)
        drop_lines_until_reopened(log, error);
    uv_timer_init(settings->loop, &log->timer); /* cannot fail */
    log->timer.data = log;
    *result = log;
    return 0;
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *timer)
{
    struct access_log *log = timer->data;
    void (*closed)(void *) = log->closed;
    void *context = log->closed_context;
    close_file(log->fd);
    free(log->filling);
    free(log->flying);
    free(log);
    closed(context);
}

/* Until `deadline_ns`. */
static bool wait_for_room(const struct access_log *log, uint64_t deadline_ns)
{
    struct pollfd full = {.fd = log->fd, .events = POLLOUT};
    uint64_t now_ns = clock_now_ns();
    int left_ms = now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / CLOCK_NS_PER_MS) + 1 : 0;
    return left_ms > 0 && poll(&full, 1, left_ms) > 0;
}

static void write_to_the_end(struct access_log *log, struct chunk *chunk, uint64_t deadline_ns)
{
    while (!is_empty(chunk)) {
        uv_fs_t operation;
        uv_buf_t pieces[2];
        unsigned count = next_piece(log, chunk, pieces);
        ssize_t result = uv_fs_write(log->settings.loop, &operation, log->fd, pieces, count, -1, NULL);
        uv_fs_req_cleanup(&operation);
        if (take_result(log, chunk, result) && !wait_for_room(log, deadline_ns))
            drop_chunk(log, chunk, -EAGAIN);
    }
}

static void finish(struct access_log *log)
{
    uint64_t deadline_ns = clock_now_ns() + LAST_MS * CLOCK_NS_PER_MS;
    write_to_the_end(log, log->flying, deadline_ns);
    write_to_the_end(log, log->filling, deadline_ns);
    uv_close((uv_handle_t *)&log->timer, on_timer_closed);
}

void access_log_close(struct access_log *log, void (*closed)(void *context), void *context)
{
    log->closing = true;
    log->closed = closed;
    log->closed_context = context;
    uv_timer_stop(&log->timer);
    if (!log->busy)
        finish(log);
}

/* Nothing is under way: what comes next? */
static void go_on(struct access_log *log)
{
    if (log->closing)
        finish(log);
    else if (!is_empty(log->flying))
        begin_write(log);
    else if (log->filled_first)
        write_filled(log);
    else if (log->reopen)
        begin_reopen(log);
    else if (log->filling->used >= ACCESS_LOG_ENOUGH)
        write_filled(log);
    else if (!is_empty(log->filling))
        set_timer(log);
}
