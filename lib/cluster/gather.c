/*
 * One question to all workers, and their answers.
 *
 * The primary asks every worker that serves, all at once and with one deadline. A worker that is not there, whose queue is full or
 * that does not answer in time is missing; nobody waits for it longer than that.
 *
 * A worker that wants to ask all asks the primary to do it. The answers come back as parts of one reply, each as soon as it is
 * there, so that no answer has to hold all the others; the last part is the result.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/messages.h"
#include "cluster/primary.h"

#define RELAY_MARGIN_MS 500 /* the primary's result must reach the asker before that gives up */

/* ---- the primary asks ---- */

struct gather;

struct gather_ask {
    struct gather *gather;
    bool answered;
};

struct gather {
    gather_part *part;
    gather_done *done;
    void *context;
    unsigned open; /* answers to come, and one while the asking goes on */
    struct gather_result result;
    struct gather_ask asks[]; /* by index */
};

static void end_one(struct gather *gather)
{
    struct gather_result *result = &gather->result;
    if (--gather->open > 0)
        return;
    for (unsigned i = 0; i < result->asked; i++)
        if (gather->asks[i].answered)
            result->answered++;
        else
            result->missing[result->missing_count++] = (uint16_t)i;
    gather->done(gather->context, 0, result);
    free(gather);
}

static void on_answer(void *context, int status, struct slice bytes)
{
    struct gather_ask *ask = context;
    struct gather *gather = ask->gather;
    unsigned index = (unsigned)(ask - gather->asks);
    if (status == POST_PART)
        return; /* workers answer in one piece */
    ask->answered = status == 0 && (!gather->part || gather->part(gather->context, index, bytes) == 0);
    end_one(gather);
}

int primary_gather(struct primary *primary, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_part *part,
                   gather_done *done, void *context)
{
    unsigned count = primary->worker_count;
    struct gather *gather = calloc(1, sizeof *gather + count * sizeof gather->asks[0]);
    if (!gather)
        return -ENOMEM;
    gather->part = part;
    gather->done = done;
    gather->context = context;
    gather->result.asked = count;
    gather->open = 1;
    for (unsigned i = 0; i < count; i++) {
        gather->asks[i].gather = gather;
        gather->open += primary_ask(primary, i, topic, bytes, timeout_ms, on_answer, &gather->asks[i]) == 0;
    }
    end_one(gather);
    return 0;
}

/* ---- a worker has the primary ask ---- */

/* In front of the bytes of what is to be asked. */
struct relay_order {
    uint32_t topic, timeout_ms;
};

/* In front of the bytes of each answer. */
struct relay_part {
    uint32_t index;
};

_Static_assert(GATHER_BYTES_MAX + sizeof(struct relay_order) <= CHANNEL_BYTES_MAX, "a question fits");
_Static_assert(GATHER_BYTES_MAX + sizeof(struct relay_part) <= CHANNEL_BYTES_MAX, "an answer fits");

/* `head` and behind it `bytes`, in `room` of CHANNEL_BYTES_MAX. */
static struct slice join(char *room, const void *head, size_t head_length, struct slice bytes)
{
    memcpy(room, head, head_length);
    if (bytes.length > 0)
        memcpy(room + head_length, bytes.at, bytes.length);
    return (struct slice){room, head_length + bytes.length};
}

static int relay_part(void *context, unsigned index, struct slice bytes)
{
    const struct question *question = context;
    const struct relay_part head = {index};
    char room[CHANNEL_BYTES_MAX];
    if (bytes.length > GATHER_BYTES_MAX)
        return -EMSGSIZE;
    return question_reply_part(question, join(room, &head, sizeof head, bytes));
}

static void relay_result(void *context, int error, const struct gather_result *result)
{
    struct question *question = context;
    size_t length = offsetof(struct gather_result, missing) + result->missing_count * sizeof result->missing[0];
    (void)question_reply(question, error, (struct slice){(const char *)result, length}); /* full: it hears by its deadline */
    free(question);
}

static void relay(const struct question *question, struct slice bytes, gather_part *part)
{
    struct relay_order order;
    struct question *kept = malloc(sizeof *kept);
    int error = !kept ? -ENOMEM : bytes.length < sizeof order ? -EPROTO : 0;
    if (!error) {
        *kept = *question;
        memcpy(&order, bytes.at, sizeof order);
        error = primary_gather(question->primary, (enum topic)order.topic, slice_after(bytes, sizeof order), order.timeout_ms, part,
                               relay_result, kept);
    }
    if (!error)
        return;
    (void)question_reply(question, error, (struct slice){"", 0});
    free(kept);
}

void gather_for_worker(const struct question *question, struct slice bytes)
{
    relay(question, bytes, relay_part);
}

void broadcast_for_worker(const struct question *question, struct slice bytes)
{
    relay(question, bytes, NULL);
}

/* ---- the worker that asked ---- */

struct relayed {
    gather_part *part;
    gather_done *done;
    void *context;
    bool useless[WORKERS_MAX]; /* by index: answered, but `part` has no use for it. The primary cannot know. */
};

static void take_part(struct relayed *relayed, struct slice bytes)
{
    struct relay_part head;
    if (bytes.length < sizeof head || !relayed->part)
        return;
    memcpy(&head, bytes.at, sizeof head);
    if (head.index < WORKERS_MAX)
        relayed->useless[head.index] = relayed->part(relayed->context, head.index, slice_after(bytes, sizeof head)) != 0;
}

/* Among the missing, in order. */
static void leave_useless_out(struct relayed *relayed, struct gather_result *result)
{
    bool *missing = relayed->useless;
    for (unsigned i = 0; i < result->missing_count; i++)
        if (result->missing[i] < WORKERS_MAX)
            missing[result->missing[i]] = true;
    result->missing_count = 0;
    for (unsigned i = 0; i < result->asked; i++)
        if (missing[i])
            result->missing[result->missing_count++] = (uint16_t)i;
    result->answered = result->asked - result->missing_count;
}

static bool read_result(struct slice bytes, struct gather_result *result)
{
    size_t least = offsetof(struct gather_result, missing);
    if (bytes.length < least || bytes.length > sizeof *result)
        return false;
    memcpy(result, bytes.at, bytes.length);
    return result->asked <= WORKERS_MAX && result->missing_count == (bytes.length - least) / sizeof result->missing[0];
}

static void on_relayed(void *context, int status, struct slice bytes)
{
    struct relayed *relayed = context;
    struct gather_result result = {0};
    if (status == POST_PART) {
        take_part(relayed, bytes);
        return;
    }
    if (status == 0 && !read_result(bytes, &result))
        status = -EPROTO;
    if (status == 0)
        leave_useless_out(relayed, &result);
    relayed->done(relayed->context, status, status == 0 ? &result : NULL);
    free(relayed);
}

static int order_relay(struct worker *worker, enum topic order_topic, enum topic topic, struct slice bytes, uint64_t timeout_ms,
                       const struct relayed *plan)
{
    const struct relay_order order = {topic, (uint32_t)timeout_ms};
    char room[CHANNEL_BYTES_MAX];
    if (bytes.length > GATHER_BYTES_MAX)
        return -EMSGSIZE;
    struct relayed *relayed = malloc(sizeof *relayed);
    if (!relayed)
        return -ENOMEM;
    *relayed = *plan;
    int error =
        worker_ask(worker, order_topic, join(room, &order, sizeof order, bytes), timeout_ms + RELAY_MARGIN_MS, on_relayed, relayed);
    if (error)
        free(relayed);
    return error;
}

int worker_broadcast(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_done *done,
                     void *context)
{
    const struct relayed plan = {.done = done, .context = context};
    return order_relay(worker, TOPIC_BROADCAST, topic, bytes, timeout_ms, &plan);
}

int worker_gather(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, gather_part *part,
                  gather_done *done, void *context)
{
    const struct relayed plan = {.part = part, .done = done, .context = context};
    return order_relay(worker, TOPIC_GATHER, topic, bytes, timeout_ms, &plan);
}
