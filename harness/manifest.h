/*
 * A peer's manifest: how a program that is none of ours becomes a row. strategies/peers/NAME/peer.ini, described in docs/peers.md:
 *
 *   [peer]                                [needs]
 *   title = ...                           nginx = nginx-light         program = package it comes in
 *   command = {nginx} -c {config}/...     [values]
 *   templates = nginx.conf                accept_mutex = off          a placeholder of its own, with its default
 *
 * Every key, with what it takes, is a row of a table in manifest.c.
 */
#ifndef HARNESS_MANIFEST_H
#define HARNESS_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "template.h"
#include "text.h"

struct manifest {
    char *name;           /* of the folder, and of the row */
    struct names folders; /* its own, then those it is like: where templates are looked for */
    char *title;
    char *command;          /* template of the command line */
    char *version;          /* template of a command whose first line names the version, or NULL */
    struct names templates; /* files to be rendered into {config} */
    struct names paths;     /* request paths it can answer; a trailing '*' stands for anything; none: all */
    bool names_workers;     /* X-Worker is a name (a pid): the harness numbers the names it has seen */
    char *ready;            /* path that must answer 200 */
    char *ready_all;        /* path whose answers must come in as many kinds as there are workers, or NULL */
    uint64_t ready_within_ns, grace_ns;
    char *busy;     /* what stands in its log when a port was taken, or NULL */
    char *install;  /* what installs what it needs, for messages, or NULL */
    char *backends; /* program of ours that is started behind it, one a worker, or NULL */
    bool children;  /* its child processes are its workers, in the order they were started */
    char *reload;   /* what makes it reload: the name of a signal, or the template of a command line; NULL: nothing does */
    struct values needs, values;
};

#define MANIFEST_ERROR_SIZE 512

/*
 * Reads `file` (.../NAME/peer.ini) and what it is like. 0, or -EINVAL (or the read's errno) with one line in `error`:
 * "FILE:LINE: what is wrong; what is allowed".
 */
int manifest_read(struct manifest *manifest, const char *file, char error[MANIFEST_ERROR_SIZE]);
void manifest_close(struct manifest *manifest);

/* Can it answer a request of this path? */
bool manifest_answers(const struct manifest *manifest, const char *path);

/* The signal that makes it reload, or 0. */
int manifest_reload_signal(const struct manifest *manifest);

/* The file of that name in the first of its folders that has it. The caller frees; NULL when none has. */
char *manifest_file(const struct manifest *manifest, const char *name);

#endif
