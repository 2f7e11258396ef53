/*
 * Who takes which topic, and the two ends of a channel as a worker and the primary see them.
 *
 * A topic that nobody takes is answered with -ENOSYS: the other side may be of another build. A message that wants no answer has
 * the id 0.
 */
#include "cluster/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/primary.h"

#define nothing ((struct slice){"", 0})

typedef void primary_takes(const struct question *question, struct slice bytes);
typedef void worker_takes(struct worker *worker, uint64_t id, struct slice bytes);

static primary_takes *const primary_topics[TOPICS] = {
    [TOPIC_BROADCAST] = broadcast_for_worker, [TOPIC_GATHER] = gather_for_worker, [TOPIC_APPEND] = append_for_worker,
    [TOPIC_STATE] = state_for_worker,         [TOPIC_REDIS] = redis_of_worker,
};

static worker_takes *const worker_topics[TOPICS] = {
    [TOPIC_TEXT] = text_for_worker,
    [TOPIC_STATS] = stats_of_worker,
};

static bool is_word(const struct channel_message *message)
{
    return message->kind == CHANNEL_TELL || message->kind == CHANNEL_ASK;
}

static bool is_topic(const struct channel_message *message)
{
    return message->value >= 0 && message->value < TOPICS;
}

/* ---- a worker ---- */

int worker_send(struct worker *worker, enum topic topic, struct slice bytes)
{
    return post_send(&worker->private->post, CHANNEL_TELL, topic, bytes);
}

int worker_ask(struct worker *worker, enum topic topic, struct slice bytes, uint64_t timeout_ms, post_replied *replied,
               void *context)
{
    return post_ask(&worker->private->post, topic, bytes, timeout_ms, replied, context);
}

int worker_reply(struct worker *worker, uint64_t id, int error, struct slice bytes)
{
    return id ? post_reply(&worker->private->post, id, error, bytes) : 0;
}

void messages_from_primary(struct worker *worker, const struct channel_message *message, struct slice bytes)
{
    if (!is_word(message))
        return;
    worker_takes *takes = is_topic(message) ? worker_topics[message->value] : NULL;
    if (takes)
        takes(worker, message->id, bytes);
    else
        (void)worker_reply(worker, message->id, -ENOSYS, nothing); /* full: the asker hears by its deadline */
}

/* ---- the primary ---- */

static struct life *serving(struct primary *primary, unsigned index)
{
    struct place *place = index < WORKERS_MAX ? &primary->places[index] : NULL;
    return place && place->open && place_serves(place) ? place->current : NULL;
}

int primary_send(struct primary *primary, unsigned index, enum topic topic, struct slice bytes)
{
    struct life *life = serving(primary, index);
    return life ? post_send(&life->post, CHANNEL_TELL, topic, bytes) : -ENOENT;
}

int primary_ask(struct primary *primary, unsigned index, enum topic topic, struct slice bytes, uint64_t timeout_ms,
                post_replied *replied, void *context)
{
    struct life *life = serving(primary, index);
    return life ? post_ask(&life->post, topic, bytes, timeout_ms, replied, context) : -ENOENT;
}

unsigned primary_broadcast(struct primary *primary, enum topic topic, struct slice bytes)
{
    unsigned told = 0;
    for (unsigned i = 0; i < primary->worker_count; i++)
        told += primary_send(primary, i, topic, bytes) == 0;
    return told;
}

struct life *question_asker(const struct question *question)
{
    struct place *place = &question->primary->places[question->place];
    for (struct list *link = place->lives.next; link != &place->lives; link = link->next) {
        struct life *life = list_entry(link, struct life, link);
        if (life->generation == question->generation)
            return life;
    }
    return NULL;
}

int question_reply(const struct question *question, int error, struct slice bytes)
{
    struct life *life = question->id ? question_asker(question) : NULL;
    return life ? post_reply(&life->post, question->id, error, bytes) : -EPIPE;
}

int question_reply_part(const struct question *question, struct slice bytes)
{
    struct life *life = question->id ? question_asker(question) : NULL;
    return life ? post_reply_part(&life->post, question->id, bytes) : -EPIPE;
}

void messages_from_worker(struct life *life, const struct channel_message *message, struct slice bytes)
{
    if (!is_word(message))
        return;
    primary_takes *takes = is_topic(message) ? primary_topics[message->value] : NULL;
    const struct question question = {.primary = life->primary,
                                      .place = (unsigned)(life->place - life->primary->places),
                                      .generation = life->generation,
                                      .id = message->id};
    if (takes)
        takes(&question, bytes);
    else
        (void)question_reply(&question, -ENOSYS, nothing); /* full: the asker hears by its deadline */
}
