/*
 * Sending, receiving, waiting: the threads of a run, their connections, and what a run is from outside.
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

/* ---- connection.c ---- */

enum connection_state {
    CONNECTION_CLOSED,     /* no descriptor */
    CONNECTION_CONNECTING, /* until the kernel says yes or no */
    CONNECTION_OPEN,
};

struct connection {
    struct engine *engine;
    int fd;
    enum connection_state state;
    bool busy;               /* a request is on it: planned_ns and sent_ns hold */
    bool counted;            /* ... and belongs to the measurement, not to the warm-up */
    bool credited;           /* this connection has been counted for a backend */
    bool named;              /* the response under way named its backend: */
    struct backend *backend; /* the one named last */
    bool opening;            /* the run's start waits for this connection's first attempt */
    uint64_t served;         /* requests sent on this connection */
    uint64_t planned_ns, sent_ns, opened_ns, deadline_ns;
    uint64_t pause_ns; /* back-off before the next attempt */
    struct list link;  /* in engine->idle, or in engine->waiting while something is awaited */
    struct timer timer;
    char *rest; /* of a request that did not fit into the socket's buffer; NULL nearly always */
    size_t rest_length, rest_done;
    struct response_parser parser;
};

#define READ_BUFFER_SIZE (64 * 1024)

/* What a connection wants of the parser, but for the name of the backend header. */
extern const struct response_events connection_events;

void connection_init(struct connection *connection, struct engine *engine);
void connection_close(struct connection *connection);

/* Begins to connect, for the request it is busy with or for later ones. */
void connection_open(struct connection *connection, uint64_t now_ns);

/* Writes the request it is busy with. */
void connection_send(struct connection *connection, uint64_t now_ns);

/* epoll's news (epoll_ctl(2) event bits). */
void connection_event(struct connection *connection, uint32_t events);

/* deadline_ns has passed. */
void connection_expired(struct connection *connection, uint64_t now_ns);

/* ---- engine.c ---- */

/* What all threads share and none writes. */
struct load {
    const struct settings *settings;
    struct response_events events;
};

enum engine_phase {
    PHASE_OPENING, /* connections are being opened, then the thread waits for the start */
    PHASE_WAITING, /* the start is known and lies ahead */
    PHASE_WARMUP,
    PHASE_MEASURE,
    PHASE_DONE,
};

/* One thread of load. Everything in it is the thread's own, but for the atomics at the end. */
struct engine {
    const struct load *load;
    unsigned index;
    enum engine_phase phase;
    int epoll, timer_fd;
    uint64_t now_ns;            /* as of the last reading */
    uint64_t armed_ns;          /* what timer_fd is set to; UINT64_MAX when not */
    uint64_t phase_end_ns;      /* UINT64_MAX: no end by time */
    uint64_t from_ns, until_ns; /* the measurement as it was */
    uint64_t expiry_ns;         /* when to look for expired connections next: never later than the first deadline */
    uint64_t series_ns;         /* end of the series' interval */
    uint64_t budget;            /* closed loop: requests still to start */
    uint64_t in_flight;         /* busy connections */
    struct schedule schedule;
    struct timers timers;
    struct list idle, waiting; /* waiting: by deadline, the same time-out for all */
    struct connection *connections;
    unsigned connection_count;
    unsigned opening; /* first attempts not yet decided */
    uint64_t connected, refused_in_row;
    uint64_t last_answer_ns, last_end_ns; /* of requests: by a response; by whatever ended them */
    uint64_t exhausted_ns;                /* open loop: when the last free connection was taken */
    uint64_t cpu_from_ns;
    struct render_state render;
    char *read_buffer, *render_buffer;
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

/* What a connection reports. It can take a request now: it is given one that is due, or queues up. */
void engine_free(struct engine *engine, struct connection *connection, uint64_t now_ns);
/* It is shut, and no request is on it: it will be opened, or free to be, after a pause. */
void engine_reopen(struct engine *engine, struct connection *connection, uint64_t pause_ns);
/* An attempt to connect has ended. */
void engine_opened(struct engine *engine, struct connection *connection, bool connected);
/* Its request has ended: by the response in its parser, or without one. */
void engine_answered(struct engine *engine, struct connection *connection, uint64_t now_ns);
void engine_failed(struct engine *engine, struct connection *connection, enum error_kind kind, uint64_t now_ns);

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
