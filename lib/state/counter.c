/*
 * One number. What it is worth depends on where it lies: four stores, and the primary's side of one of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "state/store.h"

#define COUNTER_KEY "clusterbench:counter"

/* Signed numbers that wrap around instead of being undefined. */
static int64_t wrapping_sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void state_count(struct state *state, enum state_store store, int64_t add, state_counted *done, void *context)
{
    const char *why;
    int error = state_check(state, STATE_COUNTER, store, &why);
    if (error)
        done(context, error, why, 0);
    else
        counter_stores[store]->count(state, add, done, context);
}

/* ---- local, shared ---- */

static void count_local(struct state *state, int64_t add, state_counted *done, void *context)
{
    state->counter = wrapping_sum(state->counter, add);
    done(context, 0, NULL, state->counter);
}

static void count_shared(struct state *state, int64_t add, state_counted *done, void *context)
{
    done(context, 0, NULL, wrapping_sum(atomic_fetch_add(&state->shared->counter, add), add));
}

/* ---- primary ---- */

/* What travels over the channel: both ends are of this file, but a reload may have put another build at one of them. */
struct question {
    uint32_t layout;
    uint32_t kind; /* enum state_kind */
    int64_t add;
};

#define QUESTION_LAYOUT UINT32_C(1)

int state_primary_answer(struct state_primary *primary, struct slice text, void *answer)
{
    struct question question;
    if (text.length != sizeof question)
        return -EPROTO;
    memcpy(&question, text.at, sizeof question);
    if (question.layout != QUESTION_LAYOUT || question.kind != STATE_COUNTER)
        return -EPROTO;
    primary->counter = wrapping_sum(primary->counter, question.add);
    memcpy(answer, &primary->counter, sizeof primary->counter);
    return sizeof primary->counter;
}

/* Asked, not answered. It outlives the state, if need be: the answer finds `done` NULL then. */
struct asked {
    struct list link;
    state_counted *done;
    void *context;
};

static void tell_asker(struct asked *asked, int error, int64_t value)
{
    char reason[64] = "", why[96];
    state_counted *done = asked->done;
    list_remove(&asked->link);
    asked->done = NULL;
    if (error)
        uv_strerror_r(error, reason, sizeof reason);
    snprintf(why, sizeof why, "the primary: %s", reason);
    done(asked->context, error, error ? why : NULL, value);
}

static void on_primary_answer(void *context, int error, struct slice answer)
{
    struct asked *asked = context;
    int64_t value = 0;
    if (!error && answer.length != sizeof value)
        error = -EPROTO;
    if (!error)
        memcpy(&value, answer.at, sizeof value);
    if (asked->done)
        tell_asker(asked, error, value);
    free(asked);
}

static void count_at_primary(struct state *state, int64_t add, state_counted *done, void *context)
{
    const struct question question = {QUESTION_LAYOUT, STATE_COUNTER, add};
    struct asked *asked = malloc(sizeof *asked);
    if (!asked) {
        done(context, -ENOMEM, "out of memory", 0);
        return;
    }
    asked->done = done;
    asked->context = context;
    list_append(&state->questions, &asked->link);
    int error = state->settings.ask(state->settings.ask_context, (struct slice){(const char *)&question, sizeof question},
                                    on_primary_answer, asked);
    if (error) {
        tell_asker(asked, error, 0);
        free(asked);
    }
}

void counter_close(struct state *state)
{
    while (!list_empty(&state->questions))
        tell_asker(list_entry(state->questions.next, struct asked, link), -ECANCELED, 0);
}

/* ---- redis ---- */

struct redis_count {
    state_counted *done;
    void *context;
};

/* INCRBY answers with a number, GET with its digits, or with nothing before the first INCRBY. */
static int read_number(const redisReply *reply, int64_t *value)
{
    char rest;
    *value = reply->integer;
    if (reply->type == REDIS_REPLY_INTEGER)
        return 0;
    *value = 0;
    if (reply->type == REDIS_REPLY_NIL)
        return 0;
    return reply->type == REDIS_REPLY_STRING && sscanf(reply->str, "%" SCNd64 "%c", value, &rest) == 1 ? 0 : -EPROTO;
}

static void on_redis_count(void *context, int error, const char *why, const redisReply *reply)
{
    struct redis_count *count = context;
    int64_t value = 0;
    if (!error && (error = read_number(reply, &value)) != 0)
        why = "redis: the counter holds no number";
    count->done(count->context, error, why, value);
    free(count);
}

static void count_in_redis(struct state *state, int64_t add, state_counted *done, void *context)
{
    struct redis_count *count = malloc(sizeof *count);
    struct redis_words words = {0};
    if (!count) {
        done(context, -ENOMEM, "out of memory", 0);
        return;
    }
    *count = (struct redis_count){done, context};
    redis_word(&words, add ? SLICE("INCRBY") : SLICE("GET"));
    redis_word(&words, SLICE(COUNTER_KEY));
    if (add)
        redis_format_word(&words, "%" PRId64, add);
    redis_command(state->redis, &words, on_redis_count, count);
}

static const struct counter_store local = {count_local}, primary = {count_at_primary}, shared = {count_shared},
                                  redis = {count_in_redis};

const struct counter_store *const counter_stores[STATE_STORES] = {
    [STATE_LOCAL] = &local, [STATE_PRIMARY] = &primary, [STATE_SHARED] = &shared, [STATE_REDIS] = &redis};
