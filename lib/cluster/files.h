/*
 * What a worker has open for /static (--root) and /append (--append-file). Both are opened when the worker begins and stay so: who
 * puts another folder in place of --root reloads.
 */
#ifndef CLUSTER_FILES_H
#define CLUSTER_FILES_H

#include <stdint.h>

#include "cluster/options.h"
#include "cluster/pen.h"

struct worker;

struct files {
    int root; /* --root, for openat and its like, or a negative errno */
    struct pen pen;
    uint64_t lines; /* numbers given to lines so far */
};

/*
 * Is there what the options name? Asked once, when the program starts; creates --append-file. 0, or a negative errno and one line
 * on stderr.
 */
int files_check(const char *program, const struct cluster_options *options);

/* What cannot be opened is logged, and requests for it are told: a worker that is started later goes on without. */
void files_open(struct worker *worker);
void files_close(struct worker *worker);

#endif
