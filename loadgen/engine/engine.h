/*
 * Sending, receiving, waiting: the threads of a run, their connections, and what a run is from outside.
 *
 *   run.c -> engine.c (a thread: phases, time, epoll) -> dispatch.c (who sends next) -> connection.c (bytes) -> exchange.c (one
 *   request's clocks and what its end counts for)
 */
#ifndef LOADGEN_ENGINE_H
#define LOADGEN_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "http/response_parser.h"
#include "loadgen/measure/measure.h"
#include "loadgen/settings.h"

struct connection;
struct engine;

/* ---- timers.c ---- */

struct timer {
    uint64_t when_ns;
    unsigned position; /* in the heap, from 1; 0 when not set */
};

/* A binary heap of timers that live in their owners; room for all of them is made at the start. */
struct timers {
    struct timer **heap;
    unsigned count, size;
};

int timers_init(struct timers *timers, unsigned size);
void timers_close(struct timers *timers);
void timers_set(struct timers *timers, struct timer *timer, uint64_t when_ns);
void timers_cancel(struct timers *timers, struct timer *timer);
uint64_t timers_next_ns(const struct timers *timers);                  /* UINT64_MAX when empty */
struct timer *timers_take_due(struct timers *timers, uint64_t now_ns); /* NULL when none is due */

/* ---- exchange.c ---- */

/* A request and what becomes of it. Times of clock_now_ns(). */
struct exchange {
    uint64_t planned_ns;
    uint64_t sent_ns;       /* holds once the connection is open and it has been rendered */
    uint64_t first_byte_ns; /* of a response that took more than one read; else 0: it came with the last */
    uint64_t deadline_ns;
    const struct request_kind *kind;
    bool counted; /* belongs to the measurement, not to the warm-up */
    bool last;    /* of its connection: announces the close */
    bool alone;   /* taken up while nothing else was under way on its connection */
    bool expired; /* has been counted as timed out; keeps its place, for its response may still come */
    bool again;   /* sent once more */
};

/* Its place in the ring of `connection`, which has room: taken up, to be sent by connection_flush. */
void exchange_begin(struct connection *connection, uint64_t planned_ns, uint64_t now_ns);
/* The oldest has got the response in the parser: it is counted and leaves the ring. */
void exchange_answered(struct connection *connection, uint64_t now_ns);
/* The connection has ended: the oldest is to be sent again, alone; the others end without a response. */
void exchange_again(struct connection *connection, uint64_t now_ns);
/* All that are left end without a response. */
void exchanges_failed(struct connection *connection, uint64_t now_ns);
/* Those past their deadline have timed out. False when nobody waits for a response any more. */
bool exchanges_expired(struct connection *connection, uint64_t now_ns);
/* The run is over. */
void exchanges_unfinished(struct connection *connection, uint64_t now_ns);

/* ---- connection.c ---- */

enum connection_state {
    CONNECTION_CLOSED,     /* no descriptor */
    CONNECTION_QUEUED,     /* --connect-rate: not yet */
    CONNECTION_CONNECTING, /* until the kernel says yes or no; without a descriptor: to be tried again */
    CONNECTION_OPEN,
};

/*
 * Requests in flight are the `count` places of the ring from `first` on, in the order of their responses; the first `rendered` of
 * them are written (or in `rest`), the others wait to be. One connection is one allocation, with a ring of `mask` + 1 places: the
 * power of two that --pipeline fits into.
 */
struct connection {
    struct engine *engine;
    int fd;
    unsigned index; /* in the engine */
    enum connection_state state;
    uint16_t first, count, rendered, mask;
    bool credited;            /* this connection has been counted for a backend */
    bool named;               /* the response under way named its backend: */
    bool opening;             /* the run's start waits for this connection's first attempt */
    struct backend *backend;  /* the one named last */
    struct backend *answerer; /* the one of the last response on this connection; NULL: none yet */
    uint64_t served;          /* requests rendered on this connection */
    uint64_t left;            /* requests it may still take, by --requests-per-connection */
    uint64_t opened_ns;
    uint64_t filled_ns; /* pinned: when its last place was taken */
    uint64_t think_until_ns;
    uint64_t pause_ns;         /* back-off before the next attempt */
    struct list link;          /* in engine->idle or ->roomy */
    struct list turn;          /* in engine->queued, for its turn to connect */
    struct list unwritten;     /* in engine->unwritten: flush it before this turn ends */
    struct timer timer;        /* its next attempt to connect, the end of its thinking, or, pinned, its next plan */
    struct timer deadline;     /* never later than the first deadline in the ring; looked at when it rings */
    struct cookie_jar *jar;    /* NULL until there is something to keep; outlives the connection, as a browser's does */
    struct render_state drawn; /* --retry-idle: from which the first request of this batch was rendered */
    char *rest;                /* of requests that did not fit into the socket's buffer; NULL nearly always */
    size_t rest_length, rest_done;
    struct check_progress progress;
    struct response_parser parser;
    struct exchange ring[];
};

#define READ_BUFFER_SIZE  (64 * 1024)
#define BATCH_BUFFER_SIZE (16 * 1024) /* requests written at once, but always one */

/* What connections want of the parser: the worker's name; or, with checks or cookies, everything. */
struct response_events connection_events(const struct settings *settings);

void connection_init(struct connection *connection, struct engine *engine, unsigned index);
void connection_close(struct connection *connection); /* drops requests in flight, uncounted */
void connection_free(struct connection *connection);

/* Open, or opened once there is a request for it. */
bool connection_is_usable(const struct connection *connection);

/* Begins to connect, now or when --connect-rate allows it. */
void connection_open(struct connection *connection, uint64_t now_ns);
/* The same when its turn has come or its last attempt is to be repeated. */
void connection_attempt(struct connection *connection, uint64_t now_ns);

/* Writes what waits in the ring, with one send(2) if it fits; opens the connection when it is closed. */
void connection_flush(struct connection *connection, uint64_t now_ns);

/* epoll's news (epoll_ctl(2) event bits). */
void connection_event(struct connection *connection, uint32_t events);

/* Its `deadline` timer rang. */
void connection_expired(struct connection *connection, uint64_t now_ns);

/* ---- dispatch.c ---- */

int dispatch_init(struct engine *engine);
void dispatch_close(struct engine *engine);
/* A phase begins: new plans (or `limit` requests of the closed loop), and everything that is free takes what is due. */
void dispatch_begin(struct engine *engine, uint64_t from_ns, uint64_t until_ns, uint64_t limit);
/* A usable connection may have room: it is given what is due, or waits for it. */
void dispatch_ready(struct engine *engine, struct connection *connection, uint64_t now_ns);
/* It cannot take anything any more, until dispatch_ready. */
void dispatch_gone(struct engine *engine, struct connection *connection);
/* Plans that are due (as of engine->now_ns) go to connections that have room. */
void dispatch_due(struct engine *engine);
/* When something is due next that a connection could take; UINT64_MAX when that depends on an event. */
uint64_t dispatch_next_ns(const struct engine *engine);
/* Nothing is left to be taken up. */
bool dispatch_is_done(const struct engine *engine);
/* Counts what was planned up to `at_ns` and never taken up, with its lower bounds; of a -n given up, the rest, too. */
uint64_t dispatch_unsent(struct engine *engine, uint64_t at_ns);

/* ---- source.c ---- */

/* The range of local ports the kernel draws from. */
struct port_range {
    uint16_t first;
    uint32_t count;
};

struct port_range port_range_read(void);
/* Address `nth` of the range; its port is 0. */
void source_address(const struct source_range *range, uint64_t nth, struct net_address *address);
/* Requests of a connection; UINT64_MAX: no limit. */
uint64_t connection_life_draw(const struct connection_life *life, struct random *random);
/* net_connect_start from where --source and --source-ports say. */
int source_connect(struct connection *connection, bool *in_progress);

/* ---- engine.c ---- */

/* What all threads share and none writes. */
struct load {
    const struct settings *settings;
    struct response_events events;
    struct port_range ports;
};

enum engine_phase {
    PHASE_OPENING, /* connections are being opened, then the thread waits for the start */
    PHASE_WAITING, /* the start is known and lies ahead */
    PHASE_WARMUP,
    PHASE_MEASURE,
    PHASE_LINGER, /* the duration is over: nothing new is sent, responses still count */
    PHASE_DONE,
};

/* One thread of load. Everything in it is the thread's own, but for the atomics at the end. */
struct engine {
    const struct load *load;
    const struct settings *settings; /* load's */
    unsigned index, depth;
    enum engine_phase phase;
    int epoll, timer_fd;
    uint64_t now_ns;            /* as of the last reading */
    uint64_t armed_ns;          /* what timer_fd is set to; UINT64_MAX: not at all; 0: it rang */
    uint64_t phase_end_ns;      /* UINT64_MAX: no end by time */
    uint64_t from_ns, until_ns; /* the measurement as it was */
    uint64_t end_ns;            /* of the duration; responses behind it came by lingering */
    uint64_t series_ns;         /* end of the series' interval */

    /* dispatch.c */
    uint64_t budget; /* closed loop: requests still to start */
    struct schedule schedule;
    struct schedule *pinned; /* a connection each, or NULL */
    unsigned pinned_left;    /* of which so many have plans left */
    struct list idle, roomy; /* connections with room: nothing in flight; something, but less than --pipeline */
    struct list unwritten;
    uint64_t exhausted_ns; /* when the last free place was taken */

    struct timers timers, deadlines;
    char *connections; /* of connection_size each; engine_connection() */
    size_t connection_size;
    unsigned connection_count, connection_most; /* there are; there can be (--dispatch open) */
    unsigned opening;                           /* first attempts not yet decided */
    struct list queued;                         /* --connect-rate: in turn */
    uint64_t connect_ns, connect_gap_ns;        /* when the next may begin; gap 0: any time */
    uint64_t connected, refused_in_row;
    uint64_t last_answer_ns, last_end_ns; /* of requests: by a response; by whatever ended them */

    /* Of requests that are counted: */
    uint64_t in_flight;           /* taken up and not ended */
    uint64_t on_wire;             /* sent and not ended */
    uint64_t wire_ns, changed_ns; /* the integral of on_wire, up to changed_ns */
    uint64_t cpu_from_ns, run_wait_from_ns;
    struct render_state render;
    struct random mixing, thinking, ports, lives;
    char *read_buffer, *batch_buffer;
    size_t batch_size;
    struct stats stats;
    struct series *series; /* or NULL */
    int error;             /* the generator's own failure */
    bool unreachable;      /* gave up: nothing to connect to */

    pthread_t thread;
    int wake_fd, news_fd;      /* eventfds: to this thread, to run.c */
    _Atomic uint64_t start_ns; /* set by run.c once all are ready */
    _Atomic bool stop;         /* set by run.c */
    _Atomic bool ready, done;  /* set by the thread */
};

int engine_init(struct engine *engine, const struct load *load, unsigned index, int news_fd);
void engine_close(struct engine *engine);
void *engine_run(void *engine); /* a pthread's main */

static inline struct connection *engine_connection(const struct engine *engine, unsigned index)
{
    return (struct connection *)(void *)(engine->connections + index * engine->connection_size);
}

static inline struct exchange *connection_exchange(struct connection *connection, unsigned nth)
{
    return &connection->ring[(connection->first + nth) & connection->mask];
}

/* Can it take a request more? Asked of connections that are open or may be opened for it. */
static inline bool connection_has_room(const struct connection *connection)
{
    unsigned count = connection->count;
    return count == 0 ||
           (count < connection->engine->depth && connection->left > 0 && !connection->ring[connection->first].expired);
}

static inline bool engine_is_running(const struct engine *engine)
{
    return engine->phase == PHASE_WARMUP || engine->phase == PHASE_MEASURE;
}

/* `more` requests that are counted are on the wire (or fewer: -1). */
static inline void engine_on_wire(struct engine *engine, int more, uint64_t now_ns)
{
    if (now_ns > engine->changed_ns) {
        engine->wire_ns += engine->on_wire * (now_ns - engine->changed_ns);
        engine->changed_ns = now_ns;
    }
    engine->on_wire += (uint64_t)(int64_t)more;
}

/*
 * It goes out now, on a connection that is open; late by no connection having been free, by the generator, or by its own
 * connection, which had to be opened or was full. Once a request, so inline.
 */
static inline void exchange_sent(struct engine *engine, struct exchange *exchange, uint64_t now_ns)
{
    exchange->sent_ns = now_ns;
    if (!exchange->counted || exchange->expired)
        return;
    engine_on_wire(engine, 1, now_ns);
    if (engine->settings->is_open_loop && !exchange->again)
        histogram_record(&engine->stats.send_lag, stats_us(now_ns - exchange->planned_ns));
}

/* Another connection, beyond those there are; NULL at the most there can be. */
struct connection *engine_more(struct engine *engine);
/* It is shut, and no request is on it: it will be opened, or free to be, after a pause. */
void engine_reopen(struct engine *engine, struct connection *connection, uint64_t pause_ns);
/* May it connect now? If not, it is queued, and connection_attempt is called when it may. */
bool engine_may_connect(struct engine *engine, struct connection *connection, uint64_t now_ns);
/* An attempt to connect has ended. */
void engine_opened(struct engine *engine, struct connection *connection, bool connected);

/* ---- run.c ---- */

/*
 * Somebody who wants the figures by time while the run goes on. Called by the thread that called run_load, with what all threads
 * did in one interval of SERIES_INTERVAL_NS (the last one may be shorter), from_ns and until_ns counted from the start of the
 * measurement. `interval` holds until the call is over.
 */
struct watcher {
    void (*take)(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns);
    void *context;
    bool detailed; /* needs the histograms */
};

#define WATCHERS_MAX 4

struct run {
    const struct settings *settings;
    struct load load;
    struct engine *engines;
    unsigned engine_count, thread_count; /* made; started */
    struct series *series;               /* one an engine */
    struct series_interval interval;     /* of all threads, being summed up */
    uint64_t intervals;                  /* given to the watchers */
    const struct watcher *watchers;
    unsigned watcher_count;
    struct windows windows;
    struct host before, after;
    double headroom; /* rate reached against a null server; 0: not measured */
    int news_fd, signal_fd;
    bool interrupted, broken;
};

/* Carries the load out; every error comes with a line in `message` (MESSAGE_SIZE). run_close in any case. */
int run_load(struct run *run, const struct settings *settings, const struct watcher *watchers, unsigned watcher_count,
             char *message);
void run_close(struct run *run);

#endif
