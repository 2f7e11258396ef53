/*
 * A crowd of clients in a thread of its own, that asks on while the test does something to the server. Some keep their
 * connection, some open one for each request; what became of every request is counted, so that sent = ok + the rest, and a request
 * that failed is kept with what is known of its connection.
 *
 * A crowd never fails a test by itself. It belongs to the contract: crowd_end_all behind a test ends those that it left.
 */
#ifndef FAULT_CROWD_H
#define FAULT_CROWD_H

#include "contract.h"
#include "server_process.h"

enum crowd_end {
    CROWD_OK,          /* 200 */
    CROWD_IDLE_CLOSED, /* its connection was kept and idle for a while, and ended before a byte of answer: maybe closed as idle */
    CROWD_REFUSED,     /* no connection */
    CROWD_CUT,         /* the connection ended before a whole answer came */
    CROWD_STATUS,      /* another status */
    CROWD_NONSENSE,    /* no HTTP, or without a length */
    CROWD_LATE,        /* no whole answer within the patience */
    CROWD_ENDS,        /* how many there are */
};

extern const char *const crowd_end_names[CROWD_ENDS];

#define CROWD_WORKERS  64
#define CROWD_FAILURES 256

struct crowd_plan {
    const char *path;  /* NULL: /hello */
    unsigned kept;     /* clients that keep their connection, */
    unsigned slow;     /* the same, with long pauses, */
    unsigned single;   /* with a connection for each request */
    unsigned pause_ms; /* between an answer and the next request; 0: 3 */
};

/* A request that was not ok. */
struct crowd_failure {
    enum crowd_end end;
    bool kept;         /* the connection was, or was to be */
    int worker;        /* of the connection's last whole answer; -1 when there was none */
    int status, error; /* status of an answer; errno of an end, 0 for an orderly one */
};

struct crowd_figures {
    uint64_t sent, ends[CROWD_ENDS];
    uint64_t by_worker[CROWD_WORKERS]; /* answers with 200 */
    uint64_t reopened;                 /* kept connections that were closed between two requests: no request is lost */
    unsigned failure_count;            /* also those that found no room below */
    struct crowd_failure failures[CROWD_FAILURES];
};

struct crowd;

/* Begins to ask the server. Fails the test when it cannot. */
struct crowd *crowd_start(struct contract *contract, const struct server *server, const struct crowd_plan *plan);

/* What it has seen so far; requests under way are in `sent` only. */
void crowd_look(struct crowd *crowd, struct crowd_figures *figures);

/* Waits until it has had `more` further good answers; fails the test at the end of patience. */
void crowd_wait(struct crowd *crowd, uint64_t more);

/* Asks no more, awaits what is under way, and is gone. */
void crowd_stop(struct crowd *crowd, struct crowd_figures *figures);

void crowd_end_all(struct contract *contract);

/* All that is neither ok nor idle-closed. */
uint64_t crowd_failed(const struct crowd_figures *figures);

/* Fails the test unless sent = ok + idle-closed + failed, and there was something ok. Of a crowd that was stopped. */
void crowd_check_sum(struct contract *contract, const struct crowd_figures *figures);

/* The same, and unless nothing failed. */
void crowd_check_all_ok(struct contract *contract, const struct crowd_figures *figures, const char *during);

/* "sent 1200 = ok 1198 + idle-closed 1 + cut 1"; returns `text`. */
#define CROWD_TEXT 256
const char *crowd_describe(const struct crowd_figures *figures, char text[CROWD_TEXT]);

/* The failures, a line each, to stderr. */
void crowd_print_failures(const struct crowd_figures *figures);

#endif
