/*
 * Opening and closing what /static and /append use. A worker has descriptors of its own, also where workers are threads: flock(2)
 * keeps apart what was opened apart.
 */
#include "cluster/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/worker.h"

static int open_root(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int check(const char *program, const char *option, const char *path, const char *allowed, int (*opener)(const char *))
{
    int fd = path ? opener(path) : -1;
    if (!path)
        return 0;
    if (fd < 0) {
        fprintf(stderr, "%s: %s: '%s' is not allowed; use %s (%s)\n", program, option, path, allowed, strerror(-fd));
        return fd;
    }
    close(fd);
    return 0;
}

int files_check(const char *program, const struct cluster_options *options)
{
    int error = check(program, "--root", options->root, "a directory", open_root);
    return error ? error : check(program, "--append-file", options->append_file, "a file that can be written", pen_open);
}

static int open_logged(struct worker *worker, const char *option, const char *path, int (*opener)(const char *))
{
    int fd = path ? opener(path) : -ENOENT;
    if (path && fd < 0)
        log_line(worker->log, LOG_WARN, "worker %u: %s %s: %s", worker->index, option, path, strerror(-fd));
    return fd;
}

void files_open(struct worker *worker)
{
    struct files *files = &worker->private->files;
    const struct cluster_options *options = worker->options;
    bool serves = worker->role == ROLE_WORKER;
    files->root = open_logged(worker, "--root", serves ? options->root : NULL, open_root);
    pen_init(&files->pen, worker->loop, open_logged(worker, "--append-file", serves ? options->append_file : NULL, pen_open));
    files->lines = 0;
}

void files_close(struct worker *worker)
{
    struct files *files = &worker->private->files;
    if (files->root >= 0)
        close(files->root);
    if (files->pen.fd >= 0)
        close(files->pen.fd);
}
