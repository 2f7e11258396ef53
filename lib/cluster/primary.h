/*
 * The primary from the inside, for the rest of this room. Strategies see strategy.h.
 *
 * life.c     one worker or front from its start to its end: a process, a thread, or in place
 * places.c   a place is filled by one life after the other: started, replaced, started again with back-off, given up, emptied
 * reload.c   one place after the other gets a new life
 * watch.c    what nobody tells: too late, hung, too large
 * dealer.c   connections dealt to workers: those of master-accept and its like, and what dead or removed workers left behind
 * listeners.c  the sockets: one for all, one a place
 * messages.h  what else passes over the channels; gather.c: one question to all workers
 * admin.h    the admin address: seeing inside, and steering
 * primary.c  the order of events: open, start, ready, serve, drain or stop, end; and what signals ask for
 */
#ifndef CLUSTER_PRIMARY_H
#define CLUSTER_PRIMARY_H

#include <jansson.h>

#include "base/list.h"
#include "base/random.h"
#include "cluster/acceptor.h"
#include "cluster/backoff.h"
#include "cluster/config.h"
#include "cluster/events.h"
#include "cluster/strategy.h"
#include "cluster/worker.h"
#include "ipc/post.h"

#define PLACES_MAX (WORKERS_MAX + FRONTS_MAX)

enum { PRIMARY_WHY_SIZE = 200, END_TEXT_SIZE = 120 };

enum life_state {
    LIFE_STARTING, /* started, not ready */
    LIFE_READY,
    LIFE_DRAINING, /* told to drain */
    LIFE_ENDING,   /* told to end now, or seen to end */
};

/* One worker or front from its start to its end. */
struct life {
    struct primary *primary;
    struct place *place;
    struct list link; /* of the place's lives */
    enum life_state state;
    unsigned generation;
    bool was_ready;
    uint64_t started_ns;
    uint64_t deadline_ns;              /* to be ready, or to have drained: then it is killed; 0: none */
    uint64_t beat_heard_ns, silent_ns; /* watch.c: its latest beat, and how long there was none since */
    struct scoreboard_slot *slot;      /* or NULL */
    struct post post;                  /* the primary's end of the channel */
    int worker_channel;                /* a process's end: kept, so that hand-offs it never took can be read back */
    uv_process_t process;
    uv_thread_t thread;
    struct worker *thread_worker; /* THREADS and IN_PLACE */
    unsigned handles;             /* post, and process */
    bool has_post, has_process, process_running;
    uint64_t handed;                         /* connections dealt to it */
    bool dismissed;                          /* killed because nobody needs it any more: no trouble */
    const char *kill_reason;                 /* why it was killed by us, or could not live; or NULL */
    char foreign[32 + SCOREBOARD_NAME_SIZE]; /* such a reason: another strategy's program */
    char end[END_TEXT_SIZE];                 /* how it ended: "signal 9", "exit status 1" */
};

/* What a person calls "worker 3": it is filled by one life after the other. */
struct place {
    struct primary *primary;
    enum worker_role role;
    unsigned index;
    bool open;            /* its handles are on the loop */
    bool wanted;          /* among those there are to be */
    bool drained;         /* taken out by hand: not filled until restart, reload or scale */
    bool errored;         /* given up after too many short lives: not filled until restart, reload or scale */
    struct life *current; /* serves, or is to serve as soon as it is ready */
    struct life *next;    /* takes over from `current` when it is ready */
    struct list lives;    /* these two, and those that still drain */
    unsigned lives_begun; /* the next generation */
    unsigned restarts;    /* lives begun because the one before had ended unasked */
    struct backoff backoff;
    uv_timer_t again;       /* to the next life */
    uint64_t next_start_ns; /* when that is; 0 when it is not set */
    const char *replacing;  /* why `next` is there: "reload", "memory", "restart"; or NULL */
    uint64_t replace_not_before_ns;
    bool reload_due, reloading;
    char last_end[END_TEXT_SIZE]; /* of the last life that ended; "" at first */
    int listener;                 /* its own listening socket, or -1 */
    struct acceptor adopter;      /* takes from the listener what its worker cannot */
    bool adopting, adopter_closing;
    uint64_t adopted_ns;
};

enum place_state {
    PLACE_REMOVED,    /* not wanted, or still empty */
    PLACE_STARTING,   /* a life is on its way to be ready */
    PLACE_READY,      /* serves */
    PLACE_RESTARTING, /* ended; the next life waits for its time */
    PLACE_ERRORED,    /* given up */
    PLACE_DRAINING,   /* leaving: removed or drained by hand, and not yet gone */
    PLACE_DRAINED,    /* taken out by hand */
};

extern const char *const place_state_names[];

struct dealer {
    struct balance balance;
    struct balance_member members[WORKERS_MAX];
    struct acceptor acceptor;
    bool accepting; /* the primary itself takes connections: master-accept */
    bool stopped;
    int *waiting; /* connections nobody could take yet, the oldest first */
    unsigned waiting_count, waiting_size;
    uv_timer_t retry;
    bool has_timer;
};

struct reload {
    bool running, failing;
    bool again;             /* asked for while one was running, or before all were ready: one more follows */
    unsigned active;        /* places under way */
    unsigned replaced;      /* in the present or last one */
    unsigned done, aborted; /* reloads, so far */
    char last_error[PRIMARY_WHY_SIZE];
};

struct admin {
    struct net_address address; /* as bound */
    struct http_server server;
    struct acceptor acceptor;
    struct counters counters;
    uint64_t start_time_ns; /* of the primary, by CLOCK_REALTIME */
    char *token;            /* what everybody has to show, or NULL */
    bool open;
};

/* What a place listens on by itself, if anything. */
enum own_listeners { LISTEN_NOT, LISTEN_REUSEPORT, LISTEN_UPSTREAM };

#define SIGNALS 6

struct primary {
    const struct strategy *strategy;
    const struct cluster_options *options;
    struct config *config; /* which fills in `options` and `own_options` */
    void *own_options;
    const struct log *log;
    uv_loop_t loop;
    char **argv;
    char executable[4096];
    struct scoreboard *scoreboard;
    int scoreboard_fd;
    int reserved; /* a bound socket that never listens, or -1 */
    int listener; /* workers (or fronts) inherit it, or the dealer accepts from it; or -1 */
    bool listener_is_shared;
    enum own_listeners own_listeners;
    unsigned group[WORKERS_MAX], group_count; /* LISTEN_REUSEPORT: whose socket is where in the kernel's group */
    bool steered;                             /* the kernel chooses among a part of them */
    struct place places[PLACES_MAX];          /* workers from 0 on, fronts from WORKERS_MAX on */
    unsigned worker_count, front_count;       /* wanted */
    struct life *in_place;                    /* the one life of a strategy IN_PLACE, until the end */
    struct random random;
    struct dealer dealer;
    struct reload reload;
    struct admin admin;
    struct pen pen;             /* for --append-file: workers may send their lines here */
    struct state_primary state; /* what workers ask the primary for */
    struct event_log events;
    uv_signal_t signals[SIGNALS];
    uv_timer_t grace, tick;
    uint64_t started_ns, looked_ns, memory_looked_ns; /* the latter two: watch.c */
    bool has_terminal;                                /* at the start: when it is gone at a HUP, the HUP means that */
    bool serving, draining, stopping, finished;
    int exit_status;
};

/* ---- what can be asked of a running primary: 0, or a negative errno with one line in `why` (PRIMARY_WHY_SIZE) ---- */

/* Gives every place a new life, a few at a time. -EALREADY: one is running, and another one will follow it. */
int primary_reload(struct primary *primary, char *why);

/* So many workers from now on, 1..WORKERS_MAX. */
int primary_scale(struct primary *primary, unsigned workers, char *why);

/* Worker `index` finishes what it has and leaves; its place stays empty until it is restarted, or a reload or scale comes. */
int primary_drain_worker(struct primary *primary, unsigned index, char *why);

/* Worker `index` is replaced: the new one is ready before the old one drains. */
int primary_restart_worker(struct primary *primary, unsigned index, char *why);

/* life.c */
int life_start(struct place *place, struct life **life);
void life_drain(struct life *life, uint64_t grace_ns); /* 0: no deadline of its own */
void life_stop(struct life *life);                     /* it writes its logs to the end first: life_kill if it does not end soon */
void life_kill(struct life *life, const char *reason);
void life_dismiss(struct life *life, const char *reason); /* life_kill, of one that nobody needs any more */
void life_reopen_logs(struct life *life);
void life_free_in_place(struct life *life);
const char *role_name(enum worker_role role);

/* places.c */
int places_open(struct primary *primary); /* and start all that are wanted */
void places_close(struct primary *primary);
void places_drain(struct primary *primary, enum worker_role role);
void places_stop(struct primary *primary);
void places_kill(struct primary *primary);
void places_reopen_logs(struct primary *primary);
bool places_any_alive(const struct primary *primary, enum worker_role role);
bool places_all_ready(const struct primary *primary);
enum place_state place_state(const struct place *place);
bool place_serves(const struct place *place); /* its current life is ready and takes connections */
int place_replace(struct place *place, const char *reason);
void place_life_ready(struct place *place, struct life *life);
void place_life_gone(struct place *place, struct life *life);                        /* the life is freed behind this */
struct place *place_next(const struct primary *primary, const struct place *before); /* NULL first; those with handles */

/* reload.c */
void reload_place_settled(struct place *place, bool ok, const char *why);
void reload_go_on(struct primary *primary);
void reload_give_up(struct primary *primary, const char *why);

/* watch.c */
int watch_open(struct primary *primary);
void watch_close(struct primary *primary);

/* dealer.c */
int dealer_open(struct primary *primary);
void dealer_place_changed(struct place *place);
void dealer_count_changed(struct primary *primary);
void dealer_reclaim(struct primary *primary, struct life *life);
void dealer_take(struct primary *primary, int fd); /* deals a connection, now or later */
void dealer_stop(struct primary *primary);         /* takes no more connections */
void dealer_close(struct primary *primary);

/* listeners.c */
int listeners_open_place(struct place *place);      /* its own socket, where places have one */
int listeners_inherited(const struct place *place); /* what its lives inherit, or -1 */
void listeners_review(struct place *place);         /* adopts what nobody would take, gives back, closes what is over */
void listeners_steer(struct primary *primary);      /* after a change of who stays */
void listeners_pause_adopting(struct primary *primary, bool pause);
void listeners_stop_adopting(struct primary *primary);
void listeners_close(struct primary *primary);

/* admin.c */
int admin_read_token(struct primary *primary); /* says itself what is wrong */
int admin_open(struct primary *primary);
void admin_close(struct primary *primary);

/* primary.c */
int primary_run(const struct strategy *strategy, const struct cluster_options *options, void *own_options, struct config *config,
                const struct log *log, char **argv);
void primary_place_ready(struct primary *primary, struct place *place);
void primary_place_gone(struct primary *primary, struct place *place);

/*
 * One line of the event log, if there is one: `format` and what follows are json_pack's for a further object of fields, or NULL.
 * `place` and `life` may be NULL.
 */
void primary_event(struct primary *primary, const char *event, const struct place *place, const struct life *life,
                   const char *format, ...);

#endif
