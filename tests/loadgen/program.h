/*
 * Running the loadgen program and reading its report: what every end-to-end test of it needs. A program of tests calls
 * program_open once, with the path of loadgen.
 */
#ifndef TESTS_LOADGEN_PROGRAM_H
#define TESTS_LOADGEN_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "script_server.h"

#define ARGUMENTS_MAX 40

struct result {
    int status; /* exit status */
    char out[65536], err[2048];
    json_t *json; /* of stdout, or NULL */
};

struct running {
    pid_t pid;
    int out, err; /* what it prints goes to these files */
};

/* `path` is loadgen's. Makes a folder for what the runs print. 0 or -1. */
int program_open(const char *path);
/* Removes the folder, which must be empty by then. 0 or -1. */
int program_close(void);
const char *program_folder(void);

/* A file for program_start's `out` or `err`; it has a descriptor, but no name any more. */
int program_capture(const char *name);

/* Starts loadgen. `arguments` as a shell would take them, single spaces between, no quoting; the URL is `base` followed by `path`;
 * both empty: none. */
pid_t program_start(const char *arguments, const char *base, const char *path, int out, int err);
/* The same with arguments as they are, ended by NULL; the first is for the program's own name. */
pid_t program_spawn(const char *const *argv, int out, int err);
struct running program_begin(const char *arguments, const char *base, const char *path);
/* Waits for its exit. result.json is the caller's. */
struct result program_await(const struct running *running);
struct result program_run_url(const char *arguments, const char *base, const char *path);
/* With --format json; fails the test when there is none. */
struct result program_run(const struct script_server *server, const char *arguments, const char *path);
/* Releases both. */
void program_finish(struct script_server *server, struct result *result);

/* ---- the report: "requests/ok"; each fails the test when there is no such thing ---- */

json_t *report_find(const struct result *result, const char *path);
uint64_t report_number(const struct result *result, const char *path);
/* planned = ok + http errors + socket errors + timed out + unfinished + unsent */
void report_expect_identity(const struct result *result);
/* Figure `key` of worker `id`; 0 when it is not there. */
uint64_t report_worker_number(const struct result *result, const char *id, const char *key);

#endif
