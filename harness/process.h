/*
 * Programs that the harness starts, and the promise that none of them outlives it.
 *
 * A `custody` is made once. From then on INT, TERM and HUP do not end the harness but interrupt its waits; orphans of the
 * programs it started become its children (PR_SET_CHILD_SUBREAPER), so that it can find and end them.
 */
#ifndef HARNESS_PROCESS_H
#define HARNESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/cpus.h"
#include "base/list.h"

#include "text.h"

struct custody {
    int signal_fd;
    int interrupted_by; /* the signal, or 0 */
    struct list processes;
};

/* 0 or negative errno. One a program: it changes the signal mask. */
int custody_open(struct custody *custody);
void custody_close(struct custody *custody);

struct process {
    struct list link; /* in custody */
    const char *name; /* for messages */
    pid_t pid;
    int output; /* read end of its stdout, or -1 */
    uint64_t started_ns;
    bool ended;
    bool killed_on_purpose; /* noted by whoever did: its end is no failure of its own */
    int status;             /* waitpid's, once ended */
    struct rusage usage;    /* its own and its waited-for children's, once ended */
};

struct process_spec {
    char *const *argv;           /* argv[0] is the path (or a name to look for in PATH) */
    const struct cpu_list *cpus; /* affinity, inherited by what it starts; NULL: as the harness */
    const char *error_path;      /* its stderr goes to this file; NULL: to /dev/null */
    bool keep_output;            /* stdout to `output`, else to /dev/null */
    bool join;                   /* stdout and stderr go the same way: to `output` if that is kept, else to error_path */
    const char *folder;          /* working directory, or NULL */
    int death_signal;            /* what it gets when the harness dies; 0: KILL */
};

/*
 * Starts a program in a session of its own. It is killed, or sent `death_signal`, when the harness dies
 * (PR_SET_PDEATHSIG between fork and exec).
 * 0 or the negative errno of what failed, exec included. Ended and given back by process_wait or custody_clear.
 */
int process_start(struct custody *custody, struct process *process, const struct process_spec *spec);

enum patience { HEED_SIGNALS, IGNORE_SIGNALS };

/* Waits for its end. 0 ended, -ETIMEDOUT at `deadline_ns` (clock_now_ns), -EINTR interrupted. */
int process_wait(struct custody *custody, struct process *process, uint64_t deadline_ns, enum patience patience);

/*
 * Reads one line of its stdout, without the newline. The line's length; -ETIMEDOUT, -EINTR, -EPIPE when stdout was closed or the
 * program ended before a whole line, -EMSGSIZE when the line does not fit.
 */
int process_read_line(struct custody *custody, struct process *process, char *line, size_t size, uint64_t deadline_ns);

/* All of its stdout until it closes it, at most `size` - 1 bytes, NUL-terminated. The length or negative errno as above. */
int process_read_all(struct custody *custody, struct process *process, char *text, size_t size, uint64_t deadline_ns);

/* Kills it and whoever it has started in its process group, where it has not ended. To be stopped as any other. */
void process_kill_group(struct custody *custody, struct process *process);

/* Asks with TERM, waits `grace_ns`, then kills. True when TERM was enough. Forgets the process. */
bool process_stop(struct custody *custody, struct process *process, uint64_t grace_ns);

/*
 * Kills every descendant of the harness that is still there after `grace_ns` and reaps it. How many had to be killed;
 * -ETIMEDOUT when some would not go.
 */
int custody_clear(struct custody *custody, uint64_t grace_ns);

/* Runs a program to its end and gives its stdout: for versions and hashes. The caller frees; NULL when it fails in any way. */
char *process_capture(struct custody *custody, char *const *argv);

/* The same with its stderr among it: some programs print their version there. */
char *process_capture_all(struct custody *custody, char *const *argv);

/* ": the last line of what it said" by its log, tamed for a terminal, or "". The caller frees. */
char *process_last_words(const char *log);

/* CPU time of one that has ended, and of those it has waited for. */
uint64_t process_cpu_ns(const struct process *process);

/* "ended with status 2", "was ended by signal 11 (Segmentation fault)". The caller frees. */
char *process_describe_end(const struct process *process);

#endif
