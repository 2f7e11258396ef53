/*
 * The channel between the primary and a worker: a SOCK_SEQPACKET socketpair. One message is one small struct, bytes behind
 * it if need be, and at most one descriptor; the kernel keeps the borders, so there is no framing to get wrong.
 *
 * Here is the socket. post.h is an end of it on a loop: with a queue, questions and replies.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stdint.h>

#include "base/slice.h"

enum channel_kind {
    /* Orders and news: no bytes. */
    CHANNEL_READY = 1,  /* worker to primary: I can accept */
    CHANNEL_CONNECTION, /* primary to worker: this connection is yours; carries its descriptor */
    CHANNEL_LOCAL,      /* the same between threads: `value` is the descriptor's number */
    CHANNEL_DRAIN,      /* primary to worker: no new connections, end when the last one is gone */
    CHANNEL_STOP,       /* primary to worker: end now */
    CHANNEL_REOPEN,     /* primary to worker: log files have been moved away */
    /* Words, either way; they carry bytes. */
    CHANNEL_TELL,  /* `value` is the topic; nobody answers */
    CHANNEL_ASK,   /* the same, and wants a reply with its `id` */
    CHANNEL_PART,  /* a piece of the reply to `id`: others follow */
    CHANNEL_REPLY, /* the (last of the) reply to `id`; `value` is 0 or a negative errno */
};

struct channel_message {
    uint16_t kind;
    uint16_t layout; /* CHANNEL_LAYOUT */
    int32_t value;
    uint64_t id; /* of a question and its reply, else 0 */
};

#define CHANNEL_LAYOUT    3
#define CHANNEL_BYTES_MAX (60 * 1024) /* behind the struct: three such messages fit into a channel at once */

/* Two connected ends, non-blocking, close-on-exec. 0 or negative errno. */
int channel_pair(int ends[2]);

/*
 * Sends without waiting. `fd` travels along (the caller still owns its copy) unless it is -1.
 * 0; -EAGAIN when the receiver is behind or too many descriptors are under way; another negative errno.
 */
int channel_send(int channel, enum channel_kind kind, int32_t value, int fd);

/* The same with an id and bytes (or none). `layout` is filled in. Also -EMSGSIZE: more than CHANNEL_BYTES_MAX. */
int channel_send_bytes(int channel, const struct channel_message *message, struct slice bytes, int fd);

/*
 * Receives one message; *fd is its descriptor (the caller's now) or -1. Bytes behind it are dropped. Returns 1; 0 at the end of
 * the channel; -EAGAIN when there is none; -EMFILE when a descriptor came and could not be taken (it is gone, the message is
 * not); -ECONNRESET, once, when the other end was closed before it had read everything: what it had sent comes next; -EPROTO
 * for another layout.
 */
int channel_receive(int channel, struct channel_message *message, int *fd);

/* The same with the bytes: up to CHANNEL_BYTES_MAX into `bytes`, how many into *length. */
int channel_receive_bytes(int channel, struct channel_message *message, char *bytes, size_t *length, int *fd);

#endif
