/*
 * The channel between the primary and a worker: a SOCK_SEQPACKET socketpair. One message is one small struct and at most
 * one descriptor; the kernel keeps the borders, so there is no framing to get wrong.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stdint.h>

enum channel_kind {
    CHANNEL_READY = 1,  /* worker to primary: I can accept */
    CHANNEL_CONNECTION, /* primary to worker: this connection is yours; carries its descriptor */
    CHANNEL_LOCAL,      /* the same between threads: `value` is the descriptor's number */
    CHANNEL_DRAIN,      /* primary to worker: no new connections, end when the last one is gone */
    CHANNEL_STOP,       /* primary to worker: end now */
};

struct channel_message {
    uint16_t kind;
    uint16_t layout; /* CHANNEL_LAYOUT */
    int32_t value;
};

#define CHANNEL_LAYOUT 1

/* Two connected ends, non-blocking, close-on-exec. 0 or negative errno. */
int channel_pair(int ends[2]);

/*
 * Sends without waiting. `fd` travels along (the caller still owns its copy) unless it is -1.
 * 0; -EAGAIN when the receiver is behind or too many descriptors are under way; another negative errno.
 */
int channel_send(int channel, enum channel_kind kind, int32_t value, int fd);

/*
 * Receives one message; *fd is its descriptor (the caller's now) or -1. Returns 1; 0 at the end of the channel; -EAGAIN
 * when there is none; -EMFILE when a descriptor came and could not be taken (it is gone); -EPROTO for another layout.
 */
int channel_receive(int channel, struct channel_message *message, int *fd);

#endif
