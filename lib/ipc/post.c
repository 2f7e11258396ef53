/*
 * An end of a channel on a loop.
 *
 * Sending tries the socket first; what has no room there waits in a list until the socket is writable. Receiving takes a batch a
 * wake-up. Questions stand in a list in the order of their deadlines: replies mostly come in the order of the questions, so the
 * search for one that begins at the oldest ends there, too.
 *
 * Rules
 * - Once a message waits, every later one waits behind it.
 * - A deadline acts only after everything that had arrived by then was read: after a long request libuv runs timers first, and the
 *   reply may lie in the socket.
 * - An end that died with messages unread makes uv_poll report UV_EBADF and stop, and recvmsg say ECONNRESET before it gives what
 * the dead one had sent: so read on, and believe only the end of the channel.
 */
#include "post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* More than a channel can hold, so that one pass takes everything that was there when it began. */
#define PASS_MESSAGES 2048

struct letter {
    struct list link;
    struct channel_message message;
    size_t length;
    char bytes[];
};

struct ask {
    struct list link;
    uint64_t id, deadline_ns;
    post_replied *replied;
    void *context;
};

static const struct slice nothing = {"", 0};

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct post *post)
{
    int writable = list_empty(&post->queue) ? 0 : UV_WRITABLE;
    (void)uv_poll_start(&post->poll, UV_READABLE | UV_DISCONNECT | writable, on_poll); /* fails for a closing handle only */
}

/* ---- sending ---- */

static void drop_queue(struct post *post)
{
    while (!list_empty(&post->queue)) {
        struct letter *letter = list_entry(post->queue.next, struct letter, link);
        list_remove(&letter->link);
        free(letter);
    }
    post->queued = 0;
    post->queued_bytes = 0;
}

static int enqueue(struct post *post, const struct channel_message *message, struct slice bytes)
{
    bool full = post->queued >= POST_QUEUE_MESSAGES || post->queued_bytes + bytes.length > POST_QUEUE_BYTES;
    if (full && message->kind >= CHANNEL_TELL) {
        post->counts.refused++;
        return -ENOBUFS;
    }
    struct letter *letter = malloc(sizeof *letter + bytes.length);
    if (!letter)
        return -ENOMEM;
    letter->message = *message;
    letter->length = bytes.length;
    if (bytes.length > 0)
        memcpy(letter->bytes, bytes.at, bytes.length);
    list_append(&post->queue, &letter->link);
    post->queued_bytes += bytes.length;
    post->counts.delayed++;
    if (post->queued++ == 0)
        watch(post);
    return 0;
}

static int send_now(struct post *post, const struct channel_message *message, struct slice bytes, int fd)
{
    int error = channel_send_bytes(post->fd, message, bytes, fd);
    if (!error)
        post->counts.sent++;
    return error == -ECONNRESET ? -EPIPE : error;
}

static int send_or_queue(struct post *post, const struct channel_message *message, struct slice bytes)
{
    if (post->gone || post->closing)
        return -EPIPE;
    if (bytes.length > CHANNEL_BYTES_MAX)
        return -EMSGSIZE;
    int error = list_empty(&post->queue) ? send_now(post, message, bytes, -1) : -EAGAIN;
    return error == -EAGAIN ? enqueue(post, message, bytes) : error;
}

int post_send(struct post *post, enum channel_kind kind, int32_t value, struct slice bytes)
{
    struct channel_message message = {.kind = (uint16_t)kind, .value = value};
    return send_or_queue(post, &message, bytes);
}

int post_hand(struct post *post, enum channel_kind kind, int32_t value, int fd)
{
    struct channel_message message = {.kind = (uint16_t)kind, .value = value};
    if (post->gone || post->closing)
        return -EPIPE;
    return list_empty(&post->queue) ? send_now(post, &message, nothing, fd) : -EAGAIN;
}

int post_reply(struct post *post, uint64_t id, int error, struct slice bytes)
{
    struct channel_message message = {.kind = CHANNEL_REPLY, .value = error, .id = id};
    return send_or_queue(post, &message, bytes);
}

int post_reply_part(struct post *post, uint64_t id, struct slice bytes)
{
    struct channel_message message = {.kind = CHANNEL_PART, .id = id};
    return send_or_queue(post, &message, bytes);
}

/* The socket has room again. */
static void flush(struct post *post)
{
    int error = 0;
    while (!error && !list_empty(&post->queue)) {
        struct letter *letter = list_entry(post->queue.next, struct letter, link);
        error = send_now(post, &letter->message, (struct slice){letter->bytes, letter->length}, -1);
        if (error)
            break;
        list_remove(&letter->link);
        post->queued--;
        post->queued_bytes -= letter->length;
        free(letter);
    }
    if (error && error != -EAGAIN)
        drop_queue(post); /* nobody will take it: the reading side tells that it is the end */
    if (list_empty(&post->queue))
        watch(post);
}

/* ---- questions ---- */

static void on_timer(uv_timer_t *timer);

/* To the first deadline. A timer that rings too early, for a question long answered, finds nothing due and is set again. */
static void set_timer(struct post *post)
{
    if (list_empty(&post->asks) || post->closing)
        return;
    uint64_t due_ns = list_entry(post->asks.next, struct ask, link)->deadline_ns, now_ns = clock_now_ns();
    uint64_t delay_ms = due_ns > now_ns ? (due_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS : 0;
    if (!uv_is_active((uv_handle_t *)&post->timer) || uv_timer_get_due_in(&post->timer) > delay_ms)
        uv_timer_start(&post->timer, on_timer, delay_ms, 0);
}

/* By deadline: mostly the last place. */
static void insert_ask(struct post *post, struct ask *ask)
{
    struct list *before = post->asks.previous;
    while (before != &post->asks && list_entry(before, struct ask, link)->deadline_ns > ask->deadline_ns)
        before = before->previous;
    list_append(before->next, &ask->link);
    post->asked++;
}

int post_ask(struct post *post, int32_t topic, struct slice bytes, uint64_t timeout_ms, post_replied *replied, void *context)
{
    struct channel_message message = {.kind = CHANNEL_ASK, .value = topic, .id = post->last_id + 1};
    if (post->asked >= POST_ASKS_MAX) {
        post->counts.refused++;
        return -ENOBUFS;
    }
    struct ask *ask = malloc(sizeof *ask);
    if (!ask)
        return -ENOMEM;
    int error = send_or_queue(post, &message, bytes);
    if (error) {
        free(ask);
        return error;
    }
    uint64_t deadline_ns = clock_now_ns() + timeout_ms * CLOCK_NS_PER_MS;
    *ask = (struct ask){.id = ++post->last_id, .deadline_ns = deadline_ns, .replied = replied, .context = context};
    insert_ask(post, ask);
    set_timer(post);
    return 0;
}

static void end_ask(struct post *post, struct ask *ask, int status, struct slice bytes)
{
    post_replied *replied = ask->replied;
    void *context = ask->context;
    list_remove(&ask->link);
    post->asked--;
    free(ask);
    replied(context, status, bytes);
}

/* Those that are open now; what `replied` asks meanwhile is refused, as nobody would answer. */
static void end_all_asks(struct post *post)
{
    while (!list_empty(&post->asks))
        end_ask(post, list_entry(post->asks.next, struct ask, link), -EPIPE, nothing);
}

static void take_reply(struct post *post, const struct channel_message *message, struct slice bytes)
{
    struct list *link = post->asks.next;
    while (link != &post->asks && list_entry(link, struct ask, link)->id != message->id)
        link = link->next;
    if (link == &post->asks) {
        post->counts.late++;
        return;
    }
    struct ask *ask = list_entry(link, struct ask, link);
    if (message->kind == CHANNEL_PART)
        ask->replied(ask->context, POST_PART, bytes);
    else
        end_ask(post, ask, message->value < 0 ? message->value : 0, bytes);
}

/* ---- receiving ---- */

static void end(struct post *post)
{
    post->gone = true;
    uv_poll_stop(&post->poll);
    drop_queue(post);
    end_all_asks(post);
    if (!post->closing)
        post->events->ended(post->context);
}

static void deliver(struct post *post, const struct channel_message *message, struct slice bytes, int fd)
{
    post->counts.received++;
    if (message->kind != CHANNEL_PART && message->kind != CHANNEL_REPLY) {
        post->events->message(post->context, message, bytes, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    take_reply(post, message, bytes);
}

/* At most so many messages. -EMFILE: the message is there, its descriptor is not. */
static void take(struct post *post, unsigned most)
{
    char bytes[CHANNEL_BYTES_MAX];
    struct channel_message message;
    size_t length;
    int fd;
    for (unsigned i = 0; i < most && !post->closing && !post->gone; i++) {
        int got = channel_receive_bytes(post->fd, &message, bytes, &length, &fd);
        if (got > 0 || got == -EMFILE)
            deliver(post, &message, (struct slice){bytes, length}, fd);
        else if (got == -EAGAIN)
            return;
        else if (got != -ECONNRESET)
            end(post);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct post *post = poll->data;
    if (status < 0) { /* libuv has stopped polling; receiving takes the error away */
        take(post, POST_BATCH);
        if (!post->gone && !post->closing)
            watch(post);
        return;
    }
    if (events & UV_WRITABLE)
        flush(post);
    if (events & (UV_READABLE | UV_DISCONNECT))
        take(post, POST_BATCH);
}

static bool any_due(const struct post *post, uint64_t now_ns)
{
    return !post->closing && !list_empty(&post->asks) && list_entry(post->asks.next, struct ask, link)->deadline_ns <= now_ns;
}

/* What is due now, after everything that has arrived was read; not what `replied` asks meanwhile. */
static void on_timer(uv_timer_t *timer)
{
    struct post *post = timer->data;
    uint64_t now_ns = clock_now_ns();
    if (any_due(post, now_ns))
        take(post, PASS_MESSAGES);
    while (any_due(post, now_ns)) {
        post->counts.timed_out++;
        end_ask(post, list_entry(post->asks.next, struct ask, link), -ETIMEDOUT, nothing);
    }
    set_timer(post);
}

/* ---- the life of a post ---- */

int post_open(struct post *post, uv_loop_t *loop, int fd, const struct post_events *events, void *context)
{
    *post = (struct post){.fd = fd, .events = events, .context = context, .handles = 2};
    list_init(&post->queue);
    list_init(&post->asks);
    int error = uv_poll_init(loop, &post->poll, fd);
    if (error)
        return error;
    uv_timer_init(loop, &post->timer);
    post->poll.data = post->timer.data = post;
    watch(post);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct post *post = handle->data;
    if (--post->handles > 0)
        return;
    end_all_asks(post);
    if (post->closed)
        post->closed(post->context);
}

void post_close(struct post *post, void (*closed)(void *context))
{
    post->closing = true;
    post->closed = closed;
    drop_queue(post);
    uv_close((uv_handle_t *)&post->poll, on_closed);
    uv_close((uv_handle_t *)&post->timer, on_closed);
    close(post->fd);
}
