/*
 * The life of the connection.
 *
 *   FIRST  the first connection is being made: commands are taken and sent with it
 *   UP     Redis has answered our PING
 *   DOWN   it could not be reached, or stopped answering: commands fail with the reason; every now and then a new connection is
 * tried, later and later (100 ms doubling to 5 s, the upper half of each delay at random, so that workers that lost Redis together
 * do not come back together)
 *
 * A connection counts as up only behind the answer to its PING: the kernel connects to a Redis that is stopped, and one that is
 * still loading its data answers with an error.
 *
 * One timer serves both: while there is no connection it rings for the next try, while commands are under way it ticks. The
 * deadline of a command is a number of ticks. A timer ticks once a turn of the loop at most and the loop reads between two ticks:
 * so a worker that was occupied for long (/block) does not hold its own absence against Redis.
 *
 * The part that joins hiredis to the loop is ours: the adapter that hiredis ships ignores what libuv reports of a broken socket
 * (UV_EBADF) and would never see a refused TCP connection, and it does not tell when its handle is closed.
 *
 * Rule: hiredis frees its context itself when a connection fails; `cleanup` is when we hear of it. What belongs to the loop, struct
 * redis_link, lives on until its handle is closed.
 */
#include "state/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"

#define FIRST_DELAY_MS UINT64_C(100)
#define MOST_DELAY_MS  UINT64_C(5000)
#define DEADLINE_TICKS 8

enum redis_status { REDIS_FIRST, REDIS_UP, REDIS_DOWN };

struct redis {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct redis_settings settings;
    char name[NET_TEXT_SIZE];
    uint64_t ticks;
    enum redis_status status;
    unsigned failures;       /* tries in a row */
    struct redis_link *link; /* the connection, also one that is being made; or NULL */
    struct list commands;    /* under way, in the order Redis answers */
    struct random random;
    char why[REDIS_WHY_SIZE]; /* it is down */
    unsigned parts;           /* that the loop still holds: the timer, links */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

struct redis_link {
    uv_poll_t poll;
    int events;
    struct redis *redis;
    redisAsyncContext *context; /* NULL once hiredis has freed it */
};

struct redis_command {
    struct list link;
    uint64_t born;       /* tick */
    redis_replied *done; /* NULL when it has been answered */
    void *context;
};

static void part_closed(struct redis *redis)
{
    if (--redis->parts > 0 || !redis->closing)
        return;
    redis->closed(redis->closed_context);
    free(redis);
}

/* ---- losing the connection ---- */

static void answer_command(struct redis_command *command, int error, const char *why, const redisReply *reply)
{
    redis_replied *done = command->done;
    list_remove(&command->link);
    command->done = NULL; /* hiredis gives the command back later, or just now: on_reply frees it */
    done(command->context, error, why, reply);
}

static void on_time(uv_timer_t *timer);

static void try_later(struct redis *redis)
{
    uint64_t delay_ms = FIRST_DELAY_MS;
    for (unsigned i = 0; i < redis->failures && delay_ms < MOST_DELAY_MS; i++)
        delay_ms *= 2;
    if (delay_ms > MOST_DELAY_MS)
        delay_ms = MOST_DELAY_MS;
    delay_ms = delay_ms / 2 + random_below(&redis->random, delay_ms / 2 + 1);
    redis->failures++;
    uv_timer_start(&redis->timer, on_time, delay_ms, 0);
}

/* `why` NULL: it is back. */
static void tell_change(const struct redis *redis, const char *why)
{
    if (redis->settings.changed)
        redis->settings.changed(redis->settings.changed_context, redis->name, why);
}

/* Everybody who waits is told. The status says so first: what is asked for meanwhile fails at once. */
static void lose_link(struct redis *redis, int error, const char *reason)
{
    bool was_down = redis->status == REDIS_DOWN;
    redis->link = NULL;
    redis->status = REDIS_DOWN;
    snprintf(redis->why, sizeof redis->why, "redis %s: %s", redis->name, reason);
    if (!redis->closing) {
        try_later(redis);
        if (!was_down)
            tell_change(redis, redis->why);
    }
    while (!list_empty(&redis->commands))
        answer_command(list_entry(redis->commands.next, struct redis_command, link), error, redis->why, NULL);
}

/* hiredis has found it broken. */
static void find_broken(struct redis_link *link)
{
    struct redis *redis = link->redis;
    if (redis->link == link)
        lose_link(redis, redis->status == REDIS_UP ? -ECONNRESET : -ENOTCONN,
                  link->context->errstr && *link->context->errstr ? link->context->errstr : "the connection ended");
}

/* We give it up. */
static void cut_link(struct redis *redis, int error, const char *reason)
{
    redisAsyncContext *context = redis->link->context;
    lose_link(redis, error, reason);
    redisAsyncFree(context); /* calls `cleanup`, now or when hiredis is back from the callback we are in */
}

/* ---- hiredis on the loop ---- */

static void on_link_ready(uv_poll_t *poll, int status, int events)
{
    struct redis_link *link = poll->data;
    if (status < 0) /* a broken socket: libuv has stopped the poll, reading tells what happened */
        events = UV_READABLE;
    if (link->context && (events & UV_READABLE))
        redisAsyncHandleRead(link->context);
    if (link->context && (events & UV_WRITABLE))
        redisAsyncHandleWrite(link->context);
}

static void watch(struct redis_link *link, int events)
{
    link->events = events;
    if (events)
        uv_poll_start(&link->poll, events, on_link_ready);
    else
        uv_poll_stop(&link->poll);
}

static void add_read(void *link)
{
    watch(link, ((struct redis_link *)link)->events | UV_READABLE);
}

static void del_read(void *link)
{
    watch(link, ((struct redis_link *)link)->events & ~UV_READABLE);
}

static void add_write(void *link)
{
    watch(link, ((struct redis_link *)link)->events | UV_WRITABLE);
}

static void del_write(void *link)
{
    watch(link, ((struct redis_link *)link)->events & ~UV_WRITABLE);
}

static void on_link_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    struct redis *redis = link->redis;
    free(link);
    part_closed(redis);
}

/* hiredis is about to free its context and close the socket. */
static void clean_up(void *data)
{
    struct redis_link *link = data;
    find_broken(link);
    link->context = NULL;
    uv_close((uv_handle_t *)&link->poll, on_link_closed);
}

/* ---- commands ---- */

static void on_reply(redisAsyncContext *context, void *data, void *user)
{
    struct redis_command *command = user;
    const redisReply *reply = data;
    struct redis_link *link = context->data;
    if (!reply)
        find_broken(link); /* which answers this command, too */
    if (command->done && reply->type == REDIS_REPLY_ERROR) {
        char why[REDIS_WHY_SIZE];
        snprintf(why, sizeof why, "redis %s: %s", link->redis->name, reply->str);
        answer_command(command, -EREMOTEIO, why, NULL);
    } else if (command->done) {
        answer_command(command, 0, NULL, reply);
    }
    free(command);
}

static void start_ticking(struct redis *redis)
{
    uint64_t tick_ms = redis->settings.deadline_ns / DEADLINE_TICKS / CLOCK_NS_PER_MS;
    tick_ms += tick_ms == 0;
    uv_timer_start(&redis->timer, on_time, tick_ms, tick_ms);
}

/* One word too many is noted in the count, and the command is refused. */
void redis_word(struct redis_words *words, struct slice word)
{
    if (words->count < REDIS_WORDS_MAX)
        words->words[words->count] = word;
    words->count++;
}

void redis_format_word(struct redis_words *words, const char *format, ...)
{
    char *at = words->room + words->used;
    size_t room = sizeof words->room - words->used;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        words->count = REDIS_WORDS_MAX + 1;
        return;
    }
    words->used += (size_t)length;
    redis_word(words, (struct slice){at, (size_t)length});
}

static int pass_to_hiredis(struct redis *redis, const struct redis_words *words, struct redis_command *command)
{
    const char *at[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    for (unsigned i = 0; i < words->count; i++) {
        at[i] = words->words[i].at;
        lengths[i] = words->words[i].length;
    }
    return redisAsyncCommandArgv(redis->link->context, on_reply, command, (int)words->count, at, lengths);
}

static void send_command(struct redis *redis, const struct redis_words *words, redis_replied *done, void *context)
{
    struct redis_command *command = malloc(sizeof *command);
    if (!command || pass_to_hiredis(redis, words, command) != REDIS_OK) {
        free(command);
        done(context, -ENOMEM, "out of memory", NULL);
        return;
    }
    *command = (struct redis_command){.born = redis->ticks, .done = done, .context = context};
    if (list_empty(&redis->commands))
        start_ticking(redis);
    list_append(&redis->commands, &command->link);
}

void redis_command(struct redis *redis, const struct redis_words *words, redis_replied *done, void *context)
{
    if (words->count > REDIS_WORDS_MAX)
        done(context, -E2BIG, "too long for a command", NULL);
    else if (redis->closing)
        done(context, -ECANCELED, "redis is being closed", NULL);
    else if (redis->status == REDIS_DOWN)
        done(context, -ENOTCONN, redis->why, NULL);
    else
        send_command(redis, words, done, context);
}

/* ---- making a connection ---- */

static void on_pong(void *context, int error, const char *why, const redisReply *reply)
{
    struct redis *redis = context;
    (void)reply;
    if (error == 0) {
        bool was_down = redis->status == REDIS_DOWN;
        redis->status = REDIS_UP;
        redis->failures = 0;
        if (was_down)
            tell_change(redis, NULL);
    } else if (redis->link) { /* it answered, but will not serve us: loading, no password */
        char reason[REDIS_WHY_SIZE];
        snprintf(reason, sizeof reason, "%s", why + strlen("redis ") + strlen(redis->name) + strlen(": "));
        cut_link(redis, -ENOTCONN, reason);
    }
}

/* hiredis copies the address. */
static redisAsyncContext *begin_connect(const struct redis *redis)
{
    char host[NET_TEXT_SIZE];
    if (net_is_unix(&redis->settings.address))
        return redisAsyncConnectUnix(((const struct sockaddr_un *)&redis->settings.address.storage)->sun_path);
    return redisAsyncConnect(net_format_address(&redis->settings.address, false, host), net_port(&redis->settings.address));
}

static int join_loop(struct redis_link *link)
{
    redisAsyncContext *context = link->context;
    int error = uv_poll_init(link->redis->loop, &link->poll, context->c.fd);
    if (error)
        return error;
    fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);
    link->poll.data = link;
    context->data = link;
    context->ev.data = link;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = clean_up;
    link->redis->parts++;
    return 0;
}

/* Of a context that never came to the loop: nobody hears of it. */
static void drop_context(redisAsyncContext *context)
{
    if (context)
        redisAsyncFree(context);
}

/* The link, or NULL and the reason. */
static struct redis_link *make_link(struct redis *redis, char *reason)
{
    struct redis_link *link = calloc(1, sizeof *link);
    redisAsyncContext *context = link ? begin_connect(redis) : NULL;
    snprintf(reason, REDIS_WHY_SIZE, "%s", context && context->err ? context->errstr : "out of memory");
    if (context && !context->err) {
        link->redis = redis;
        link->context = context;
        int error = join_loop(link);
        if (error == 0)
            return link;
        snprintf(reason, REDIS_WHY_SIZE, "%s", uv_strerror(error));
    }
    drop_context(context);
    free(link);
    return NULL;
}

static void connect_link(struct redis *redis)
{
    struct redis_words ping = {0};
    char reason[REDIS_WHY_SIZE];
    struct redis_link *link = make_link(redis, reason);
    if (!link) {
        lose_link(redis, -ENOTCONN, reason);
        return;
    }
    redis->link = link;
    redis_word(&ping, SLICE("PING"));
    send_command(redis, &ping, on_pong, redis);
}

static void tick(struct redis *redis)
{
    char reason[64];
    redis->ticks++;
    if (list_empty(&redis->commands)) {
        uv_timer_stop(&redis->timer);
        return;
    }
    if (redis->ticks - list_entry(redis->commands.next, struct redis_command, link)->born <= DEADLINE_TICKS)
        return;
    snprintf(reason, sizeof reason, "no answer within %" PRIu64 " ms", redis->settings.deadline_ns / CLOCK_NS_PER_MS);
    cut_link(redis, -ETIMEDOUT, reason);
}

static void on_time(uv_timer_t *timer)
{
    struct redis *redis = timer->data;
    if (redis->link)
        tick(redis);
    else
        connect_link(redis);
}

/* ---- open and close ---- */

static bool is_abstract(const struct net_address *address)
{
    return net_is_unix(address) && ((const struct sockaddr_un *)&address->storage)->sun_path[0] == '\0';
}

int redis_open(struct redis **opened, uv_loop_t *loop, const struct redis_settings *settings)
{
    if (is_abstract(&settings->address))
        return -EINVAL;
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis)
        return -ENOMEM;
    redis->loop = loop;
    redis->settings = *settings;
    redis->parts = 1;
    net_format_address(&settings->address, true, redis->name);
    list_init(&redis->commands);
    random_init(&redis->random, random_seed());
    uv_timer_init(loop, &redis->timer);
    redis->timer.data = redis;
    *opened = redis;
    connect_link(redis);
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

/*
 * Commands lie in hiredis' buffer until the loop turns, and there will be no more turns for them: one write takes what the socket
 * has room for. Redis does what it has read, also when nobody is left to be told.
 */
static void send_what_is_left(const struct redis_link *link)
{
    int all;
    if (link->context->c.flags & REDIS_CONNECTED)
        (void)redisBufferWrite(&link->context->c, &all); /* else the rest is lost with the connection, which is told here */
}

void redis_close(struct redis *redis, void (*closed)(void *context), void *context)
{
    redis->closing = true;
    redis->closed = closed;
    redis->closed_context = context;
    if (redis->link) {
        send_what_is_left(redis->link);
        cut_link(redis, -ECANCELED, "the worker is ending");
    }
    uv_close((uv_handle_t *)&redis->timer, on_timer_closed);
}
