/*
 * Where the cache keeps its bytes, and who may fill a key that is missing.
 *
 * local   the worker's own table. Nobody else fills it, so nobody has to be asked.
 * shared  a slot of the shared memory: bytes and lease lie side by side, under one lock.
 * redis   two keys, one for the bytes and one for the lease (SET NX PX); scripts look at both in one step. A lease is only ended by
 *         the one whose token is in it: who was too late must not end the next one's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "state/store.h"

/* ---- local ---- */

static void look_local(struct state_fill *fill)
{
    struct lru_table_entry *entry = lru_table_find(&fill->state->cache, fill_key(fill), clock_now_ns());
    if (!entry) {
        fill_absent(fill);
        return;
    }
    fill_found(fill, (struct slice){lru_table_value(entry), entry->length});
}

static void keep_local(struct state_fill *fill, uint64_t ttl_ns)
{
    int error =
        lru_table_put(&fill->state->cache, fill_key(fill), (struct slice){fill->bytes, fill->length}, clock_now_ns() + ttl_ns);
    fill_kept(fill, error, error ? "out of memory" : NULL);
}

static void release_local(struct state_fill *fill)
{
    (void)fill;
}

static const struct cache_store local = {look_local, keep_local, release_local};

/* ---- shared ---- */

static const char *shared_why(int error)
{
    return error == -ETIMEDOUT ? "shared memory: a worker that was stopped holds the lock"
           : error == -E2BIG   ? "shared memory: too long for a slot"
           : error == -ENOSPC  ? "shared memory: every slot is being filled"
           : error             ? "shared memory: the lock cannot be had"
                               : NULL;
}

static void look_shared(struct state_fill *fill)
{
    char value[STATE_SHARED_VALUE_MAX];
    size_t length = 0;
    uint64_t now_ns = clock_now_ns();
    const struct shared_lease lease = {fill->single_flight, fill->token, now_ns + fill->state->settings.lease_ns};
    int result = shared_look(fill->state->shared, fill_key(fill), now_ns, &lease, value, &length);
    if (result == SHARED_FOUND)
        fill_found(fill, (struct slice){value, length});
    else if (result == SHARED_ABSENT)
        fill_absent(fill);
    else if (result == SHARED_BUSY)
        fill_busy(fill);
    else
        fill_failed(fill, result, shared_why(result));
}

static void keep_shared(struct state_fill *fill, uint64_t ttl_ns)
{
    uint64_t now_ns = clock_now_ns();
    int error = shared_keep(fill->state->shared, fill_key(fill), (struct slice){fill->bytes, fill->length}, now_ns, now_ns + ttl_ns,
                            fill->token);
    fill_kept(fill, error, shared_why(error));
}

static void release_shared(struct state_fill *fill)
{
    shared_release(fill->state->shared, fill_key(fill), fill->token);
}

static const struct cache_store shared = {look_shared, keep_shared, release_shared};

/* ---- redis ---- */

#define CACHE_KEY "clusterbench:cache:"
#define LEASE_KEY "clusterbench:filling:"

/* KEYS: bytes, lease. ARGV: token, milliseconds of the lease. The bytes; or 1, the lease is ours; or 0, it is another's. */
static const char look_script[] = "local bytes = redis.call('GET', KEYS[1]) if bytes then return bytes end "
                                  "if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 else return 0 end";

/* KEYS: bytes, lease. ARGV: token, the bytes, milliseconds they are good. */
static const char keep_script[] = "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) "
                                  "if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end return 1";

/* KEYS: lease. ARGV: token. */
static const char release_script[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1";

static void word_key(struct redis_words *words, const char *prefix, const struct state_fill *fill)
{
    redis_format_word(words, "%s%.*s", prefix, (int)fill->key_length, fill->key);
}

static void word_token(struct redis_words *words, const struct state_fill *fill)
{
    redis_format_word(words, "%016" PRIx64, fill->token);
}

static void word_ms(struct redis_words *words, uint64_t ns)
{
    redis_format_word(words, "%" PRIu64, (ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

/* EVAL, the script, and both keys or the lease alone. */
static void begin_script(struct redis_words *words, const char *script, bool both_keys, const struct state_fill *fill)
{
    redis_word(words, SLICE("EVAL"));
    redis_word(words, slice_of(script));
    redis_word(words, both_keys ? SLICE("2") : SLICE("1"));
    if (both_keys)
        word_key(words, CACHE_KEY, fill);
    word_key(words, LEASE_KEY, fill);
    word_token(words, fill);
}

static void on_look(void *context, int error, const char *why, const redisReply *reply)
{
    struct state_fill *fill = context;
    if (error)
        fill_failed(fill, error, why);
    else if (reply->type == REDIS_REPLY_STRING)
        fill_found(fill, (struct slice){reply->str, (size_t)reply->len});
    else if (reply->type == REDIS_REPLY_NIL || (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1))
        fill_absent(fill);
    else if (reply->type == REDIS_REPLY_INTEGER)
        fill_busy(fill);
    else
        fill_failed(fill, -EPROTO, "redis: what it has is no bytes");
}

static void look_redis(struct state_fill *fill)
{
    struct redis_words words = {0};
    if (fill->single_flight) {
        begin_script(&words, look_script, true, fill);
        word_ms(&words, fill->state->settings.lease_ns);
    } else {
        redis_word(&words, SLICE("GET"));
        word_key(&words, CACHE_KEY, fill);
    }
    redis_command(fill->state->redis, &words, on_look, fill);
}

static void on_keep(void *context, int error, const char *why, const redisReply *reply)
{
    (void)reply;
    fill_kept(context, error, why);
}

static void keep_redis(struct state_fill *fill, uint64_t ttl_ns)
{
    struct redis_words words = {0};
    begin_script(&words, keep_script, true, fill);
    redis_word(&words, (struct slice){fill->bytes, fill->length});
    word_ms(&words, ttl_ns);
    redis_command(fill->state->redis, &words, on_keep, fill);
}

static void on_release(void *context, int error, const char *why, const redisReply *reply)
{
    (void)context;
    (void)error; /* then it runs out by itself */
    (void)why;
    (void)reply;
}

static void release_redis(struct state_fill *fill)
{
    struct redis_words words = {0};
    if (!fill->single_flight)
        return; /* there is none */
    begin_script(&words, release_script, false, fill);
    redis_command(fill->state->redis, &words, on_release, NULL);
}

static const struct cache_store redis = {look_redis, keep_redis, release_redis};

const struct cache_store *const cache_stores[STATE_STORES] = {
    [STATE_LOCAL] = &local, [STATE_SHARED] = &shared, [STATE_REDIS] = &redis};
