/*
 * Whole files. Writing goes to PATH.tmp-PID and ends with rename(2): whoever looks at PATH sees the old file, the new one or
 * none, even when the writer is killed in between. It is no promise against a power cut: nothing is synced to the disk.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_SIZE   4096
#define WAIT_FOREVER (-1)

/* A text that grows; one byte is always kept for the NUL. */
struct growing {
    char *text;
    size_t length, size;
};

static int make_room(struct growing *g)
{
    size_t size = g->size == 0 ? FIRST_SIZE : g->size * 2;
    char *text = g->length + 1 < g->size ? g->text : realloc(g->text, size);

    if (text == NULL)
        return -ENOMEM;
    if (g->length + 1 >= g->size)
        g->size = size;
    g->text = text;
    return 0;
}

/* A FIFO that nobody writes into is never readable. poll(2), with what it says of a writer that has gone. */
static int wait_readable(int fd, int wait_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    int ready;

    do
        ready = poll(&polled, 1, wait_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : ready == 0 ? -ETIMEDOUT : -errno;
}

/* The size of a file in /proc is not known beforehand, so every file is read until its end. */
static int read_all(int fd, size_t limit, int wait_ms, struct growing *g)
{
    for (;;) {
        int error = make_room(g);
        ssize_t got;

        if (error == 0 && wait_ms != WAIT_FOREVER)
            error = wait_readable(fd, wait_ms);
        if (error < 0)
            return error;
        got = read(fd, g->text + g->length, g->size - g->length - 1);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (got == 0)
            return 0;
        g->length += got > 0 ? (size_t)got : 0;
        if (g->length > limit)
            return -EFBIG;
    }
}

/* Without O_NONBLOCK the open would wait for a FIFO's writer. */
int file_read_within(const char *path, size_t limit, int wait_ms, char **text, size_t *length)
{
    struct growing g = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | (wait_ms == WAIT_FOREVER ? 0 : O_NONBLOCK)), error;

    if (fd < 0)
        return -errno;
    error = read_all(fd, limit, wait_ms, &g);
    close(fd);
    if (error < 0) {
        free(g.text);
        return error;
    }
    g.text[g.length] = '\0';
    *text = g.text;
    if (length != NULL)
        *length = g.length;
    return 0;
}

int file_read(const char *path, size_t limit, char **text, size_t *length)
{
    return file_read_within(path, limit, WAIT_FOREVER, text, length);
}

static void free_names(struct file_draft *draft)
{
    free(draft->path);
    free(draft->draft_path);
    *draft = (struct file_draft){0};
}

/* A device or a pipe is written to: renaming onto /dev/null would destroy it. (So would be a folder, and that is refused at once,
 * not after an hour when the draft is to become it.) */
static bool is_replaceable(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

/* A symbolic link stays one: what it points to is replaced. */
static char *resolve(const char *path)
{
    char *target = realpath(path, NULL);

    return target != NULL ? target : strdup(path);
}

int file_draft(struct file_draft *draft, const char *path)
{
    bool replaceable = is_replaceable(path);
    int error = 0;

    *draft = (struct file_draft){.path = resolve(path)};
    if (draft->path == NULL || (replaceable && asprintf(&draft->draft_path, "%s.tmp-%ld", draft->path, (long)getpid()) < 0)) {
        draft->draft_path = NULL; /* asprintf leaves it undefined */
        free_names(draft);
        return -ENOMEM;
    }
    draft->out = fopen(replaceable ? draft->draft_path : draft->path, "we");
    if (draft->out == NULL) {
        error = -errno;
        free_names(draft);
    }
    return error;
}

/* The errno of an early failed write is gone by now: what is left in the buffer fails again and tells it, or -EIO has to do. */
static int close_stream(FILE *out)
{
    int error = ferror(out) ? -EIO : 0;

    if (error != 0 && fflush(out) != 0)
        error = -errno;
    if (fclose(out) != 0 && error == 0)
        error = -errno;
    return error;
}

int file_commit(struct file_draft *draft)
{
    int error = close_stream(draft->out);

    if (error == 0 && draft->draft_path != NULL && rename(draft->draft_path, draft->path) != 0)
        error = -errno;
    if (error < 0 && draft->draft_path != NULL)
        unlink(draft->draft_path);
    free_names(draft);
    return error;
}

void file_discard(struct file_draft *draft)
{
    fclose(draft->out);
    if (draft->draft_path != NULL)
        unlink(draft->draft_path);
    free_names(draft);
}

/* 15 digits: what a person wrote as 0.1 comes back as 0.1. */
static int print_json(FILE *out, const json_t *json)
{
    errno = 0;
    if (json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0)
        return errno != 0 ? -errno : -EIO;
    return fputc('\n', out) == EOF ? -EIO : 0;
}

int file_write_json(const char *path, const json_t *json)
{
    struct file_draft draft;
    int error;

    if (strcmp(path, "-") == 0) {
        error = print_json(stdout, json);
        return error == 0 && fflush(stdout) != 0 ? -errno : error;
    }
    error = file_draft(&draft, path);
    if (error < 0)
        return error;
    error = print_json(draft.out, json);
    if (error == 0)
        return file_commit(&draft);
    file_discard(&draft);
    return error;
}

/* ---- all of it ---- */

int file_write(int fd, const char *text, size_t length, size_t piece, unsigned *writes)
{
    while (length > 0) {
        ssize_t taken = write(fd, text, length < piece ? length : piece);
        if (taken == 0 || (taken < 0 && errno != EINTR))
            return taken < 0 ? -errno : -EIO;
        if (taken > 0) {
            text += taken;
            length -= (size_t)taken;
            ++*writes;
        }
    }
    return 0;
}
