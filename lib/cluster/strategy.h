/*
 * What a strategy is, and all it needs to know of the kit. A strategy file answers three questions - who accepts, where a
 * worker lives, what stands between - with the functions below, and ends in
 *
 *   int main(int argc, char **argv) { return cluster_main(&reuseport, argc, argv); }
 *
 * Order of events: open (primary) - start (in every worker, and front) - all ready - serve (primary) - the ready line.
 * Every function returns 0 or a negative errno; an error ends the program with one line.
 */
#ifndef CLUSTER_STRATEGY_H
#define CLUSTER_STRATEGY_H

#include <uv.h>

#include "balance/balance.h"
#include "base/log.h"
#include "base/options.h"
#include "cluster/options.h"
#include "http/server.h"
#include "ipc/scoreboard.h"

enum worker_place {
    IN_PLACE,  /* the one worker is the top process itself */
    PROCESSES, /* each is a process of its own */
    THREADS,   /* each is a thread of the top process */
};

struct primary;
struct worker;

struct strategy {
    const char *name;    /* the program's name, in results and on charts */
    const char *summary; /* one line, for --help and chart keys */
    const char *notes;   /* further lines for --help, or NULL */
    enum worker_place place;
    const struct option_spec *options; /* what this strategy alone understands, or NULL */
    size_t options_size;               /* of the struct those rows fill in: primary_own_options, worker->own_options */
    int (*open)(struct primary *);     /* primary, before any worker: open what workers share, or NULL */
    int (*start)(struct worker *);     /* in each worker: begin to take connections */
    int (*serve)(struct primary *);    /* primary, once all workers are ready: begin to deal connections, or NULL */
    int (*front)(struct worker *);     /* in each front process, or NULL: only `proxied` has one */
};

/* Runs the program: the primary, or the worker that the primary started it as. Returns main's exit status. */
int cluster_main(const struct strategy *strategy, int argc, char **argv);

/* ---- for open and serve: the primary ---- */

const struct cluster_options *primary_options(const struct primary *primary);
void *primary_own_options(const struct primary *primary);

/* Listens on --listen, once; every worker (front, where there are fronts) inherits that socket as worker->listener. */
int primary_listen(struct primary *primary);

/* Listens on --listen for itself: primary_deal accepts from it and no worker gets it. */
int primary_listen_alone(struct primary *primary);

/* Takes the address without listening, so that workers can join it with NET_REUSEPORT and nobody else can. */
int primary_reserve(struct primary *primary);

/* A SO_REUSEPORT socket on --listen for each worker, inherited as worker->listener: it outlives its worker, and so does its queue.
 */
int primary_listen_each(struct primary *primary);

/* A listening socket on 127.0.0.1 for each worker, inherited the same way; scoreboard->upstreams tells the fronts where. */
int primary_listen_upstreams(struct primary *primary);

/* Accepts, and hands every connection to the worker that `policy` picks. A full or dead worker is passed over. */
int primary_deal(struct primary *primary, const struct balance_policy *policy);

/* ---- for start and front: a worker ---- */

struct worker {
    uv_loop_t *loop;
    const struct strategy *strategy;
    const struct cluster_options *options;
    const void *own_options;
    const struct log *log;
    enum worker_role role;
    unsigned index;
    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot;
    int listener; /* its own descriptor of the inherited listening socket, or -1 */
    struct http_server server;
    struct worker_private *private;
};

/* Accepts from `listener` (the worker's from now on), at most `batch` connections a wake-up. */
int worker_accept_from(struct worker *worker, int listener, unsigned batch);

/* Nothing to begin: the primary hands connections over, and every worker takes what it is handed. */
int worker_accept_handed(struct worker *worker);

/*
 * Requests go to `events` instead of the service (a front's proxy): request, abandoned and drained, none of them NULL; empty
 * and released stay the worker's. `close` is called when the worker ends: it lets go of
 * everything it has on the loop and calls worker_closed.
 */
void worker_handle_requests(struct worker *worker, const struct http_server_events *events, void *context,
                            void (*close)(void *context));
void worker_closed(struct worker *worker);

#endif
