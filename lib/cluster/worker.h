/*
 * A worker from the inside, for the rest of this room. Strategies see strategy.h.
 */
#ifndef CLUSTER_WORKER_H
#define CLUSTER_WORKER_H

#include "cluster/acceptor.h"
#include "cluster/access_log.h"
#include "cluster/alarm.h"
#include "cluster/files.h"
#include "cluster/messages.h"
#include "cluster/sampler.h"
#include "cluster/state_share.h"
#include "cluster/strategy.h"
#include "cluster/work.h"
#include "ipc/post.h"

/* Service work that cannot be answered on the spot: /block and its like in turn, /wait on an alarm. */
struct work {
    struct list turns; /* jobs in the order they came; each occupies the loop when its turn comes */
    struct list waits; /* jobs whose alarm is set */
    struct list out;   /* jobs that something else has: they come back */
    uv_idle_t turn;    /* runs one job a loop turn while there are any */
    struct sampler sampler;
};

struct worker_private {
    struct acceptor acceptor;
    bool accepting;
    int channel; /* the worker's end */
    struct post post;
    bool post_open;
    uv_signal_t terminate;
    bool signal_open;
    struct alarm_clock clock;
    struct alarm housekeeping;
    struct work work;
    struct files files;
    struct state_share share;
    char fields[32];        /* "X-Worker: 3\r\n" */
    unsigned closing;       /* parts of the worker the loop still holds */
    bool begun, clock_open; /* what worker_stop has to close */
    bool draining, ending;
    struct access_log *access_log;             /* or NULL */
    const struct http_server_events *unlogged; /* those the access log stands in front of */
    const struct http_server_events *handler;  /* requests go there instead of the service; or NULL */
    void *handler_context;
    void (*close_handler)(void *context);
    void (*ended)(void *context); /* everything is closed: the loop holds nothing of this worker */
    void *ended_context;
    struct worker_messages messages;
};

/*
 * Sets up server, clock and channel on worker->loop and starts the strategy; the caller has filled in the public part and
 * `private->channel`, `ended` and `ended_context`. 0 or a negative errno.
 */
int worker_begin(struct worker *worker);

/* No new connections; answers what is under way; ends by itself. */
void worker_drain(struct worker *worker);

/* Ends now: connections are cut. */
void worker_stop(struct worker *worker);

void worker_free(struct worker *worker); /* after `ended` */

/* Something outside the loop has a part of the worker: it does not end before worker_closed was called as often. */
void worker_hold(struct worker *worker);

/* What the calling thread needs before it serves: its name, timer slack, CPU. */
void worker_prepare_thread(const struct worker *worker);

/*
 * The first thing a worker process does: it writes into its slot which strategy it is. -EPROTO when the primary is another one;
 * that has been said. What else is wrong with `identity` is worker_process_main's business.
 */
int worker_prove_program(const struct strategy *strategy, const char *identity);

/* The life of a worker process, and of a worker thread: begin, run the loop, end. main's exit status. */
int worker_process_main(const struct strategy *strategy, const struct cluster_options *options, const void *own_options,
                        const struct log *log, const char *identity);
int worker_run(struct worker *worker);

/* "index:slot:role:primary's pid": how a worker process learns who it is. */
#define WORKER_IDENTITY_NAME "CLUSTERBENCH_WORKER"
#define WORKER_IDENTITY_SIZE 64
enum { WORKER_CHANNEL_FD = 3, WORKER_SCOREBOARD_FD = 4, WORKER_LISTENER_FD = 5, WORKER_SETTINGS_FD = 6 };

/* worker_log.c: the access log, between the server's events and access_log.c */
int worker_log_open(struct worker *worker); /* where there is to be one; 0, or a negative errno and it has been said */
void worker_log_reopen(struct worker *worker);
void worker_log_close(struct worker *worker, void (*closed)(void *worker)); /* only where it is open */
void worker_use_events(struct worker *worker, const struct http_server_events *events);

/* work.c: requests to the service */
void work_init(struct worker *worker);
void work_close(struct worker *worker, uv_close_cb closed); /* jobs are dropped */
void work_request(void *worker, struct http_request *request);
void work_abandoned(void *worker, struct http_request *request);
void work_drained(void *worker, struct http_request *request);

#endif
