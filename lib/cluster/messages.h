/*
 * Messages between the primary and its workers, over the channel that each of them has to it (ipc/post.h).
 *
 * Either side sends and asks about a topic; the tables in messages.c say who takes which topic. Workers have no channels among
 * each other: what is for all of them goes through the primary (gather.c), which asks every worker that serves and collects the
 * replies until all are there or the deadline has passed.
 *
 * Order. One channel keeps its order, and everything for all workers is put into all channels by one process: so all workers take
 * broadcasts in the same order.
 *
 * Delivery. At most once. "Reached" means that the worker said so in time. One that did not - dead, stopped, occupied for longer
 * than the deadline - is named as missing; when it goes on, it may still take what waits for it.
 *
 * Back-pressure. Nobody waits for a receiver that is behind. Its queue is bounded (POST_QUEUE_MESSAGES, POST_QUEUE_BYTES), and so
 * is the number of questions under way to it (POST_ASKS_MAX); beyond that a message is refused with -ENOBUFS. A worker that asks
 * hears it at once. In a gather, a worker whose queue is full is missing, and the others are not delayed.
 */
#ifndef CLUSTER_MESSAGES_H
#define CLUSTER_MESSAGES_H

#include "ipc/post.h"
#include "ipc/scoreboard.h"
#include "service/service.h"

struct life;
struct primary;
struct worker;

enum topic {
    /* To the primary. */
    TOPIC_BROADCAST, /* tell it to all workers: worker_broadcast */
    TOPIC_GATHER,    /* ask all workers: worker_gather */
    TOPIC_APPEND,    /* a line for --append-file */
    TOPIC_STATE,     /* a question of state/state.h */
    TOPIC_REDIS,     /* its Redis is down, for this reason; or up again, without one */
    /* To a worker. */
    TOPIC_TEXT,  /* a text to be kept and counted */
    TOPIC_STATS, /* what it has counted: a JSON object */
    TOPICS
};

/* What of a message may be used by a gather's question and its answers: the rest says what it is. */
#define GATHER_BYTES_MAX (CHANNEL_BYTES_MAX - 16)

struct gather_result {
    uint32_t asked;    /* workers there are to be */
    uint32_t answered; /* in time */
    uint32_t missing_count;
    uint16_t missing[WORKERS_MAX]; /* the indices of the others, in order */
};

/* The end: an error, or the result. The errors are those of a question to the primary: see post_replied. */
typedef void gather_done(void *context, int error, const struct gather_result *result);

/* Worker `index` has answered. Not 0: the answer is of no use, and the worker counts as missing. */
typedef int gather_part(void *context, unsigned index, struct slice bytes);

/* ---- for a worker ---- */

/* Tells the primary. As post_send. */
int worker_send(struct worker *worker, enum topic topic, struct slice bytes);

/* Asks the primary. As post_ask: with 0 `replied` follows, later, exactly once, also when the worker ends (-EPIPE). */
int worker_ask(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, post_replied *replied,
               void *context);

/* The reply to what the primary asked. Does nothing for id 0, which is what a message has that wants none. */
int worker_reply(struct worker *worker, uint64_t id, int error, struct slice bytes);

/*
 * Tells every worker, this one included, and counts who has taken it. With 0 `done` follows, later, exactly once; or -ENOBUFS,
 * -EPIPE, -EMSGSIZE, -ENOMEM, and it does not.
 */
int worker_broadcast(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_done *done,
                     void *context);

/* Asks every worker, this one included; each answer is a call of `part`. Otherwise as worker_broadcast. */
int worker_gather(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_part *part,
                  gather_done *done, void *context);

/* worker.c passes on what the channel brings. */
void messages_from_primary(struct worker *worker, const struct channel_message *message, struct slice bytes);

/* ---- for the primary ---- */

/* Tells worker `index`, or asks it. As post_send and post_ask; -ENOENT when nobody serves there. */
int primary_send(struct primary *primary, unsigned index, enum topic topic, struct slice bytes);
int primary_ask(struct primary *primary, unsigned index, enum topic topic, struct slice bytes, uint64_t timeout_ms,
                post_replied *replied, void *context);

/* Tells every worker that serves, and waits for nothing. How many were told: the others' queues are full. */
unsigned primary_broadcast(struct primary *primary, enum topic topic, struct slice bytes);

/*
 * Asks every worker that serves; `part` (or NULL) for each answer, then `done`, during the call or later, exactly once, without an
 * error. 0, or -ENOMEM and nothing follows.
 */
int primary_gather(struct primary *primary, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_part *part,
                   gather_done *done, void *context);

/* A worker's question, to be answered now or later: its life may be over by then. */
struct question {
    struct primary *primary;
    unsigned place; /* in primary->places */
    unsigned generation;
    uint64_t id; /* 0: it wants no answer */
};

/* As post_reply and post_reply_part; -EPIPE when the asker has ended. */
int question_reply(const struct question *question, int error, struct slice bytes);
int question_reply_part(const struct question *question, struct slice bytes);

/* The life that asked, or NULL when it is over. */
struct life *question_asker(const struct question *question);

/* life.c passes on what the channel brings. */
void messages_from_worker(struct life *life, const struct channel_message *message, struct slice bytes);

/* gather.c: a worker's question that is for all workers. */
void gather_for_worker(const struct question *question, struct slice bytes);
void broadcast_for_worker(const struct question *question, struct slice bytes);

/* errand_append.c: a line that the primary is to write. */
void append_for_worker(const struct question *question, struct slice bytes);

/* errand_state.c: the state that the primary keeps; and news of a worker's Redis, for the event log. */
void state_for_worker(const struct question *question, struct slice bytes);
void redis_of_worker(const struct question *question, struct slice reason);

/* ---- what a worker keeps of them ---- */

struct worker_messages {
    uint64_t received; /* texts */
    size_t length;
    char last[SERVICE_MESSAGE_MAX];
};

/* errand_messages.c: a worker's side of the topics. */
void text_for_worker(struct worker *worker, uint64_t id, struct slice bytes);
void stats_of_worker(struct worker *worker, uint64_t id, struct slice bytes);

#endif
