/*
 * The primary from the inside, for the rest of this room. Strategies see strategy.h.
 *
 * members.c  the workers and fronts: starting, being told ready, ending, being started again
 * dealer.c   master-accept and its like: accept here, hand to a worker
 * admin.c    GET /status
 * primary.c  the order of events: open, start, ready, serve, drain or stop, end
 */
#ifndef CLUSTER_PRIMARY_H
#define CLUSTER_PRIMARY_H

#include "cluster/acceptor.h"
#include "cluster/strategy.h"
#include "cluster/worker.h"

enum member_state {
    MEMBER_NONE,     /* no life: not started yet, or waiting to be started again */
    MEMBER_STARTING, /* started, not ready */
    MEMBER_READY,
    MEMBER_ENDING, /* told to drain or to stop */
};

/* A place that a worker (or front) fills, one life after the other. */
struct member {
    struct primary *primary;
    enum worker_role role;
    unsigned index;
    enum member_state state;
    unsigned generation; /* lives begun */
    uint64_t started_ns;
    struct scoreboard_slot *slot; /* of the present life, or NULL */
    int channel;                  /* the primary's end, or -1 */
    int worker_channel;           /* a process's end: kept, so that hand-offs it never took can be read back */
    uv_poll_t channel_poll;
    uv_process_t process;
    uv_thread_t thread;
    struct worker *thread_worker; /* THREADS and IN_PLACE */
    uv_timer_t again;             /* to the next life */
    unsigned handles;             /* of a life: channel_poll, and process */
    bool has_channel, has_process, process_running;
    int listener;    /* its own listening socket (upstreams), or -1 */
    uint64_t handed; /* connections, in this life */
};

struct dealer {
    struct balance balance;
    struct balance_member *members;
    struct acceptor acceptor;
    bool dealing;
    int *waiting; /* connections nobody could take yet, the oldest first */
    unsigned waiting_count, waiting_size;
    uv_timer_t retry;
    bool has_timer;
};

struct admin {
    struct net_address address; /* as bound */
    struct http_server server;
    struct acceptor acceptor;
    struct counters counters;
    bool open;
};

struct primary {
    const struct strategy *strategy;
    const struct cluster_options *options;
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
    struct member *members; /* workers first, then fronts */
    unsigned worker_count, member_count;
    struct dealer dealer;
    struct admin admin;
    uv_signal_t signals[3];
    uv_timer_t grace;
    uint64_t started_ns;
    bool serving, draining, stopping, finished;
    int exit_status;
};

/* members.c */
int members_create(struct primary *primary);
int members_start(struct primary *primary);
void members_drain(struct primary *primary, enum worker_role role);
void members_kill(struct primary *primary);
bool members_any_alive(const struct primary *primary, enum worker_role role);
void members_free(struct primary *primary);

/* dealer.c */
void dealer_member_changed(struct primary *primary, struct member *member);
void dealer_reclaim(struct primary *primary, struct member *member);
void dealer_stop(struct primary *primary); /* takes no more connections */
void dealer_close(struct primary *primary);

/* admin.c */
int admin_open(struct primary *primary);
void admin_close(struct primary *primary);

/* primary.c */
int primary_run(const struct strategy *strategy, const struct cluster_options *options, void *own_options, const struct log *log,
                char **argv);
void primary_member_ready(struct primary *primary, struct member *member);
void primary_member_gone(struct primary *primary, struct member *member);

#endif
