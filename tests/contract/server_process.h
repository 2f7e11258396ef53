/*
 * A server under test as a process: started in a process group of its own, with its death tied to the suite's, stdout in a pipe
 * (the ready line is an event) and stderr in a memory file. The suite is a subreaper: what a dead primary leaves behind becomes
 * the suite's child, so that nothing can hide. Processes are ended by their ids only.
 *
 * Servers belong to the contract; server_end_all after each test.
 */
#ifndef CONTRACT_SERVER_PROCESS_H
#define CONTRACT_SERVER_PROCESS_H

#include "contract.h"
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SERVER_TEXT 32768

struct server {
    struct list link;
    struct contract *contract;
    pid_t pid;
    int pidfd, out, err;
    char output[SERVER_TEXT]; /* stdout so far */
    size_t output_length;
    bool output_ended;
    bool exited;
    int wait_status;
    char ready[512]; /* the ready line, without its newline */
    char url[256], strategy[64], admin_url[256];
    unsigned workers;
    struct sockaddr_storage address, admin_address;
    socklen_t address_length, admin_length;
};

/* What a start may differ in; zero means: the usual. */
struct server_plan {
    unsigned workers;             /* 0: the contract's */
    const char *listen;           /* NULL: 127.0.0.1:0 */
    const char *const *arguments; /* ended by NULL, or NULL */
    const char *const *more;      /* the same, added */
    const char *program;          /* NULL: the contract's */
    unsigned descriptors;         /* RLIMIT_NOFILE, soft and hard; 0: as it is */
    int ignored_signal;           /* at its start; 0: none */
    bool bare;                    /* only `arguments`: no --listen, --workers, --admin */
};

/* Starts the program; returns at once. */
struct server *server_spawn(struct contract *contract, const struct server_plan *plan);

/* Starts it and waits for the ready line; fails the test without one. */
struct server *server_start_plan(struct contract *contract, const struct server_plan *plan);

/* The same with the usual plan, `workers` (0: the contract's) and more arguments, ended by NULL. */
struct server *server_start(struct contract *contract, unsigned workers, ...) __attribute__((sentinel));

/* Waits for a line on stdout; false when stdout ends or the patience does. */
bool server_wait_ready(struct server *server);

/* Whether anything waits on its stdout. Looks, does not wait. */
bool server_has_spoken(const struct server *server);

/* Waits until the top process has exited; false at the end of patience. Then wait_status holds. */
bool server_wait_exit(struct server *server);
bool server_has_exited(struct server *server); /* looks, does not wait */

/* stdout until its end, after an exit. stderr so far: the caller's buffer. Both give the text. */
const char *server_output(struct server *server);
char *server_errors(const struct server *server, char *text, size_t size);

/* True when a sanitizer has reported something on the server's stderr; prints it. */
bool server_has_report(const struct server *server);

/* "exit status 2", "killed by signal 9": for messages. */
const char *server_describe_exit(const struct server *server, char *text, size_t size);

#define FAMILY_MAX 128

/* A process and all below it, held by pidfds so that a number used again cannot deceive. */
struct family {
    size_t count;
    pid_t pids[FAMILY_MAX];
    int pidfds[FAMILY_MAX];
};

void family_collect(struct contract *contract, pid_t top, struct family *family);

/* Waits until every member has ended (reaping those that became ours). False at the deadline; *left is one that lives. */
bool family_wait_gone(struct contract *contract, struct family *family, pid_t *left);
void family_release(struct family *family);

/*
 * Sets the limit of descriptors of each member, the first one last: what it accepts it may hand on. NULL: none is free any more.
 * `before` may be NULL: what the first member's was.
 */
void family_limit_descriptors(struct contract *contract, const struct family *family, const struct rlimit *limit,
                              struct rlimit *before);

/* Waits until no process is the suite's child but the servers it started: what a dead one leaves behind comes to the suite. */
bool server_wait_no_orphans(struct contract *contract, pid_t *left);

struct footprint {
    unsigned processes, threads, descriptors;
    uint64_t memory_bytes; /* RSS, summed */
};

/* What the server's processes hold now. */
void server_footprint(struct server *server, struct footprint *footprint);

/* Ends the contract's servers, and whatever else has become the suite's child except the shared server. */
void server_end_all(struct contract *contract);
void server_end_shared(struct contract *contract);

#endif
