/*
 * A pen: who has one writes lines to the end of a file that others write to, too. Lines are written in libuv's pool of threads, one
 * at a time and in the order in which they were given; a line that has to wait for the lock does so in a thread of its own. How
 * they are written decides whether lines get torn (pen.c).
 */
#ifndef CLUSTER_PEN_H
#define CLUSTER_PEN_H

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "service/service.h"

struct pen {
    uv_loop_t *loop;
    int fd;            /* opened for appending and reading, or a negative errno; the owner's */
    struct list lines; /* the first is being written */
    size_t bytes;      /* of all of them */
};

/* The owner's, until `written`. */
struct pen_line {
    /* Set by the owner. */
    enum service_append mode; /* not SERVICE_APPEND_PRIMARY: that is about who has the pen */
    uint64_t hold_ns;         /* SERVICE_APPEND_FLOCK: waited in the middle, with the lock */
    char *text;               /* with its newline */
    size_t length;
    void (*written)(struct pen_line *line); /* on the loop; the line is the owner's again */

    /* What came of it. */
    int error;       /* 0 or a negative errno */
    unsigned writes; /* calls of write(2) that took something */

    /* The pen's. */
    struct pen *pen;
    struct list link;
    uv_work_t work;
    bool waits; /* for the lock: */
    uv_thread_t waiter;
    uv_async_t back;
};

/* For a file that pen_open gave, or its error. */
void pen_init(struct pen *pen, uv_loop_t *loop, int fd);

/* Opens the file, creates it; a descriptor or a negative errno. */
int pen_open(const char *path);

/* Takes the line; not where the pen has no file. A pen with lines keeps its loop running. */
void pen_write(struct pen *pen, struct pen_line *line);

#endif
