/*
 * A connection to a Redis server, on a loop, that keeps itself up: hiredis speaks the protocol, and here is what it leaves to its
 * user: when to connect again, when to stop waiting, whom to tell.
 *
 * Commands wait for the first connection. Once that has failed, or the connection has broken, they fail at once with -ENOTCONN
 * until Redis has answered a PING again. Nothing here waits.
 */
#ifndef STATE_REDIS_H
#define STATE_REDIS_H

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <uv.h>

#include "base/net.h"
#include "base/slice.h"

#define REDIS_WHY_SIZE  320
#define REDIS_WORDS_MAX 8
#define REDIS_ROOM_SIZE 512

struct redis;

/* A command while it is put together: {0}, then its words in their order. */
struct redis_words {
    unsigned count;
    struct slice words[REDIS_WORDS_MAX];
    size_t used;
    char room[REDIS_ROOM_SIZE]; /* of the formatted ones */
};

/* A word that stays where it is until the command is sent; and one made by printf, for keys and numbers. */
void redis_word(struct redis_words *words, struct slice word);
void redis_format_word(struct redis_words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * 0 and the reply, which is valid during the call; or a negative errno and a text for people: -ENOTCONN (it is down), -ECONNRESET
 * (the connection broke, and what became of the command is not known), -ETIMEDOUT (the same: no answer within the deadline),
 * -EREMOTEIO (Redis answered with an error), -ECANCELED (redis_close), -ENOMEM.
 */
typedef void redis_replied(void *context, int error, const char *why, const redisReply *reply);

/*
 * Told once when Redis goes, or is not there at the first try, with the reason; and once when it is back, with `why` NULL. Not told
 * of a first connection that succeeds, nor of further tries that fail. `name` is the address as text. It must not close the redis.
 */
typedef void redis_changed(void *context, const char *name, const char *why);

struct redis_settings {
    struct net_address address;
    uint64_t deadline_ns;   /* for one command */
    redis_changed *changed; /* or NULL; may be called before redis_open returns */
    void *changed_context;
};

/* Begins to connect. 0; -EINVAL: an abstract unix address, which Redis does not know; or another negative errno. */
int redis_open(struct redis **redis, uv_loop_t *loop, const struct redis_settings *settings);

/* Sends it (a copy); `done` is called once, during the call or later. -E2BIG: it has more words than there is room for. */
void redis_command(struct redis *redis, const struct redis_words *words, redis_replied *done, void *context);

/*
 * Commands under way are answered with -ECANCELED before this returns, later ones as well; `closed` is told when the loop has let
 * go, and the redis is freed. Commands that were given before are sent, as far as the socket takes them without waiting.
 */
void redis_close(struct redis *redis, void (*closed)(void *context), void *context);

#endif
