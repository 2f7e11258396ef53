/*
 * An end of a channel on a libuv loop: messages, questions and replies, both ways, between processes and between threads.
 *
 * Order. What one end sends arrives in the order it was sent: nothing overtakes. A hand-off (post_hand) is sent now or refused;
 * while messages wait in the queue it is refused, so that it overtakes none of them either.
 *
 * Back-pressure. A message leaves at once when the socket has room. Otherwise it waits in this end's queue, which holds at most
 * POST_QUEUE_MESSAGES messages and POST_QUEUE_BYTES bytes; beyond that it is refused with -ENOBUFS ("the receiver is behind"), and
 * counted. At most POST_ASKS_MAX questions may be unanswered at a time. So an end that does not read costs the other one a bounded
 * amount of memory and no time, and the sender learns of it from what post_send returns. Orders and news (kinds below
 * CHANNEL_TELL) are few and are never refused for want of room.
 *
 * Everything here belongs to the loop's thread.
 */
#ifndef IPC_POST_H
#define IPC_POST_H

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "ipc/channel.h"

#define POST_QUEUE_MESSAGES 1024
#define POST_QUEUE_BYTES    (1024 * 1024)
#define POST_ASKS_MAX       1024
#define POST_BATCH          64 /* messages taken a wake-up, so that a flood leaves the loop some turns */

struct post_events {
    /*
     * A message; a CHANNEL_ASK wants post_reply with its id, now or later. `message` and `bytes` last until the return. `fd` is
     * the callee's now; -1 when there is none, or when it was lost on its way in (no free descriptor). post_close is allowed.
     */
    void (*message)(void *context, const struct channel_message *message, struct slice bytes, int fd);
    /* The other end is gone, and everything it had sent was told. Once. post_close is what is left to do. */
    void (*ended)(void *context);
};

/*
 * What becomes of a question: any number of parts (status is POST_PART), then one end: 0, or the negative errno that post_reply was
 * given, or -ETIMEDOUT, or -EPIPE when the other end is gone or this one is closed. Never called before post_ask has returned.
 */
typedef void post_replied(void *context, int status, struct slice bytes);
enum { POST_PART = 1 };

struct post_counts {
    uint64_t sent;      /* to the socket, whatever the kind */
    uint64_t received;  /* the same, from it */
    uint64_t delayed;   /* had to wait in the queue first */
    uint64_t refused;   /* queue full, or too many questions */
    uint64_t timed_out; /* questions */
    uint64_t late;      /* replies that nobody waited for any more: dropped */
};

struct post {
    uv_poll_t poll;
    uv_timer_t timer; /* to the first deadline of a question */
    int fd;
    const struct post_events *events;
    void *context;
    struct list queue; /* messages the socket had no room for */
    unsigned queued;
    size_t queued_bytes;
    struct list asks; /* questions without their reply, by deadline */
    unsigned asked;
    uint64_t last_id;
    struct post_counts counts;
    bool gone;    /* the other end is */
    bool closing; /* post_close was called */
    unsigned handles;
    void (*closed)(void *context);
};

/* Begins to receive from `fd`, an end of channel_pair, which is the post's from now on. 0 or a negative errno (then nothing is). */
int post_open(struct post *post, uv_loop_t *loop, int fd, const struct post_events *events, void *context);

/*
 * Ends it: what waits in the queue is dropped, and when the loop has let go, open questions are told -EPIPE, then `closed` (or
 * NULL) is called. Only once.
 */
void post_close(struct post *post, void (*closed)(void *context));

/*
 * Sends now, or queues. 0; -ENOBUFS when the queue is full; -EMSGSIZE for more than CHANNEL_BYTES_MAX; -EPIPE when the other end is
 * gone; -ENOMEM.
 */
int post_send(struct post *post, enum channel_kind kind, int32_t value, struct slice bytes);

/*
 * Hands a connection over: now or not at all. `fd` as in channel_send, -1 where `value` is its number. 0; -EAGAIN when the receiver
 * is behind; -EPIPE.
 */
int post_hand(struct post *post, enum channel_kind kind, int32_t value, int fd);

/*
 * Asks about `topic` and tells the reply, or that there was none within timeout_ms (a deadline for all of its parts). A reply that
 * has arrived counts as in time even when the loop was too busy to read it. 0 and `replied` follows; or post_send's errors and it
 * does not; -ENOBUFS also when POST_ASKS_MAX are open.
 */
int post_ask(struct post *post, int32_t topic, struct slice bytes, uint64_t timeout_ms, post_replied *replied, void *context);

/* The reply to the question `id`, once; `error` is 0 or a negative errno. As post_send; without it the asker waits for its
 * deadline. */
int post_reply(struct post *post, uint64_t id, int error, struct slice bytes);

/* A piece of it, before post_reply. As post_send. */
int post_reply_part(struct post *post, uint64_t id, struct slice bytes);

#endif
