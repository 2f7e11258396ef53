/*
 * Carries out a schedule on a server under load. Whoever waits for the generator calls faults_turn whenever faults_next_ns has
 * come; nothing in it blocks: what asks the server over HTTP does so in a thread of its own.
 *
 * Rule: whatever was stopped goes on, at the latest in faults_close.
 */
#ifndef HARNESS_FAULTS_H
#define HARNESS_FAULTS_H

#include <stdint.h>
#include <sys/types.h>

#include "process.h"
#include "schedule.h"
#include "text.h"
#include "timeline.h"

/* Who is met by faults, and how a server without an admin address is told what to do. */
struct faults_server {
    const struct process *top; /* of the tree of processes; only processes of that tree, and backends, are touched */
    const char *admin;         /* its address; NULL: there is none */

    /* without one: */
    unsigned workers;
    bool children;            /* its child processes are its workers */
    struct process *backends; /* or these are */
    size_t backend_count;
    int reload_signal;           /* makes it reload; 0: none does */
    char *const *reload_command; /* does the same; NULL: none does */
};

struct faults_setting {
    struct custody *custody; /* for commands */
    const struct schedule *schedule;
    uint64_t duration_ns; /* of the measured time, which begins with the timeline's */
    struct faults_server server;
    const struct cpu_list *cpus; /* for commands: the server's; or NULL */
    const char *command_log;     /* what one says while it runs; its last line is in the note where it fails */
    struct timeline *timeline;   /* what was done, with the time it was done at */
    struct names *notes;         /* what could not be done, and why */
    uint64_t *commands_cpu_ns;   /* grows by the CPU time of commands */
    char **undone; /* the first that a server which lives did not let happen, a text for the caller to free; else as it is */
};

struct faults;

/* What `setting` points to outlives it. 0 (end with faults_close) or negative errno. */
int faults_open(struct faults **faults, const struct faults_setting *setting);

/* When faults_turn is to be called next, by clock_now_ns; UINT64_MAX: not any more. */
uint64_t faults_next_ns(const struct faults *faults);
void faults_turn(struct faults *faults);

/*
 * Everybody goes on; what was not carried out is noted. Takes NULL. Returns when the top process was killed by one of the
 * faults (clock_now_ns), or 0.
 */
uint64_t faults_close(struct faults *faults);

#endif
