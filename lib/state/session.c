/*
 * Sessions: who was here before? In a worker's own memory only that worker knows, which is what stickiness is for; in Redis they
 * all know.
 *
 * An id has 128 random bits (getrandom(2)): it cannot be guessed. An id that a client brings and nobody knows is never taken over;
 * the client gets another.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "state/store.h"

struct session {
    uint64_t visits, created_s;
};

static uint64_t wall_clock_s(void)
{
    return (uint64_t)time(NULL);
}

static bool is_id(struct slice id)
{
    if (id.length != STATE_SESSION_ID_SIZE - 1)
        return false;
    for (size_t i = 0; i < id.length; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'a' && id.at[i] <= 'f')))
            return false;
    return true;
}

static int make_id(char id[STATE_SESSION_ID_SIZE])
{
    unsigned char bits[(STATE_SESSION_ID_SIZE - 1) / 2];
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return -EIO;
    for (size_t i = 0; i < sizeof bits; i++)
        snprintf(id + 2 * i, 3, "%02x", bits[i]);
    return 0;
}

static void note_visit(struct state *state, const struct state_visit *visit)
{
    if (visit->hit)
        state->counts.session_hits++;
    else
        state->counts.session_misses++;
}

void state_session_visit(struct state *state, enum state_store store, struct slice id, state_visited *done, void *context)
{
    const char *why;
    int error = state_check(state, STATE_SESSION, store, &why);
    if (error)
        done(context, error, why, NULL);
    else
        session_stores[store]->visit(state, is_id(id) ? id : SLICE(""), done, context);
}

/* ---- local ---- */

static int begin_session(struct state *state, uint64_t now_ns, struct state_visit *visit)
{
    const struct session session = {1, wall_clock_s()};
    visit->hit = false;
    visit->visits = session.visits;
    visit->created_s = session.created_s;
    int error = make_id(visit->id);
    return error ? error
                 : lru_table_put(&state->sessions, slice_of(visit->id), (struct slice){(const char *)&session, sizeof session},
                                 now_ns + state->settings.session_ttl_ns);
}

static void go_on(const struct state *state, struct lru_table_entry *entry, uint64_t now_ns, struct state_visit *visit)
{
    struct session session;
    memcpy(&session, lru_table_value(entry), sizeof session);
    session.visits++;
    memcpy(lru_table_value(entry), &session, sizeof session);
    entry->expires_ns = now_ns + state->settings.session_ttl_ns;
    visit->hit = true;
    visit->visits = session.visits;
    visit->created_s = session.created_s;
    memcpy(visit->id, entry->bytes, entry->key_length);
    visit->id[entry->key_length] = '\0';
}

static void visit_local(struct state *state, struct slice id, state_visited *done, void *context)
{
    struct state_visit visit;
    uint64_t now_ns = clock_now_ns();
    struct lru_table_entry *entry = lru_table_find(&state->sessions, id, now_ns);
    int error = 0;
    if (entry)
        go_on(state, entry, now_ns, &visit);
    else
        error = begin_session(state, now_ns, &visit);
    if (!error)
        note_visit(state, &visit);
    done(context, error, error ? "a session could not be made" : NULL, error ? NULL : &visit);
}

/* ---- redis ---- */

#define SESSION_KEY "clusterbench:session:"

/*
 * One step, so that no other worker comes between: the known session is kept for longer, or the new one begun. KEYS: the id asked
 * for, a fresh one. ARGV: milliseconds it is kept, the time of day.
 */
static const char visit_script[] = "local key, hit = KEYS[1], redis.call('PEXPIRE', KEYS[1], ARGV[1]) "
                                   "if hit == 0 then key = KEYS[2] redis.call('HSET', key, 'created', ARGV[2]) end "
                                   "local visits = redis.call('HINCRBY', key, 'visits', 1) "
                                   "redis.call('PEXPIRE', key, ARGV[1]) "
                                   "return {hit, visits, tonumber(redis.call('HGET', key, 'created'))}";

struct redis_visit {
    struct state *state;
    state_visited *done;
    void *context;
    char asked[STATE_SESSION_ID_SIZE], fresh[STATE_SESSION_ID_SIZE];
};

static bool is_visit(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    return true;
}

static void on_redis_visit(void *context, int error, const char *why, const redisReply *reply)
{
    struct redis_visit *asked = context;
    struct state_visit visit;
    if (!error && !is_visit(reply)) {
        error = -EPROTO;
        why = "redis: what it has is no session";
    }
    if (!error) {
        visit.hit = reply->element[0]->integer != 0;
        visit.visits = (uint64_t)reply->element[1]->integer;
        visit.created_s = (uint64_t)reply->element[2]->integer;
        memcpy(visit.id, visit.hit ? asked->asked : asked->fresh, sizeof visit.id);
        note_visit(asked->state, &visit);
    }
    asked->done(asked->context, error, why, error ? NULL : &visit);
    free(asked);
}

static void visit_redis(struct state *state, struct slice id, state_visited *done, void *context)
{
    struct redis_words words = {0};
    struct redis_visit *asked = malloc(sizeof *asked);
    if (!asked || make_id(asked->fresh) != 0) {
        free(asked);
        done(context, -ENOMEM, "a session could not be made", NULL);
        return;
    }
    asked->state = state;
    asked->done = done;
    asked->context = context;
    snprintf(asked->asked, sizeof asked->asked, "%.*s", (int)id.length, id.at);
    redis_word(&words, SLICE("EVAL"));
    redis_word(&words, slice_of(visit_script));
    redis_word(&words, SLICE("2"));
    redis_format_word(&words, SESSION_KEY "%s", asked->asked);
    redis_format_word(&words, SESSION_KEY "%s", asked->fresh);
    redis_format_word(&words, "%" PRIu64, state->settings.session_ttl_ns / CLOCK_NS_PER_MS + 1);
    redis_format_word(&words, "%" PRIu64, wall_clock_s());
    redis_command(state->redis, &words, on_redis_visit, asked);
}

static const struct session_store local = {visit_local}, redis = {visit_redis};

const struct session_store *const session_stores[STATE_STORES] = {[STATE_LOCAL] = &local, [STATE_REDIS] = &redis};
