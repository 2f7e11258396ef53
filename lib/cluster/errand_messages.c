/*
 * /broadcast tells every worker a text, /stats asks every worker what it has counted: the channel (messages.h), seen from a client.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/errands.h"
#include "cluster/messages.h"
#include "cluster/worker.h"
#include "service/query.h"

#define TIMEOUT_MS 1000

static void answer_no_channel(struct job *job, int error)
{
    if (error == -ENOBUFS)
        job_answer_text(job, 503, "too many messages are under way: the receiver is behind");
    else
        job_answer_text(job, 503, "the primary gave no answer: %s", uv_strerror(error));
}

/* ---- every worker's side ---- */

void text_for_worker(struct worker *worker, uint64_t id, struct slice bytes)
{
    struct worker_messages *messages = &worker->private->messages;
    if (bytes.length > sizeof messages->last) {
        (void)worker_reply(worker, id, -EMSGSIZE, SLICE(""));
        return;
    }
    messages->received++;
    messages->length = bytes.length;
    memcpy(messages->last, bytes.at, bytes.length);
    (void)worker_reply(worker, id, 0, SLICE("")); /* full: then it counts as missing, though it has taken it */
}

static json_t *describe_channel(const struct post_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts->sent, "received", (json_int_t)counts->received,
                     "delayed", (json_int_t)counts->delayed, "refused", (json_int_t)counts->refused, "timed_out",
                     (json_int_t)counts->timed_out, "late", (json_int_t)counts->late);
}

static json_t *describe(const struct worker *worker)
{
    const struct worker_messages *messages = &worker->private->messages;
    const struct counters *counters = &worker->slot->counters;
    json_t *last = messages->received ? json_stringn(messages->last, messages->length) : json_null();
    return json_pack("{s:i, s:i, s:I, s:I, s:I, s:o, s:o}", "index", (int)worker->index, "pid", (int)getpid(), "requests",
                     (json_int_t)counter_read(&counters->requests), "active", (json_int_t)counter_read(&counters->active),
                     "messages", (json_int_t)messages->received, "last_message", last, "channel",
                     describe_channel(&worker->private->post.counts));
}

void stats_of_worker(struct worker *worker, uint64_t id, struct slice bytes)
{
    (void)bytes;
    json_t *stats = describe(worker);
    char *text = stats ? json_dumps(stats, JSON_COMPACT) : NULL;
    (void)worker_reply(worker, id, text ? 0 : -ENOMEM, text ? slice_of(text) : SLICE(""));
    free(text);
    json_decref(stats);
}

/* ---- /broadcast ---- */

static void on_told(void *context, int error, const struct gather_result *result)
{
    struct job *job = context;
    if (!job_back(job))
        return;
    if (error) {
        answer_no_channel(job, error);
    } else if (result->answered == 0) {
        job_answer_text(job, 503, "no worker of %u took the message in time", result->asked);
    } else {
        char *text = job->response.text;
        int length = snprintf(text, sizeof job->response.text, "reached %u of %u workers\n", result->answered, result->asked);
        struct http_response response = {.status = 200, .content_type = SLICE("text/plain"), .body = {text, (size_t)length}};
        job_answer(job, &response);
    }
}

/* JSON, which shows it to people, is in UTF-8 (RFC 8259 8.1). */
static bool is_utf8(struct slice text)
{
    json_t *string = json_stringn(text.at, text.length);
    json_decref(string);
    return string != NULL;
}

void errand_broadcast(struct job *job)
{
    char room[SERVICE_MESSAGE_MAX];
    struct slice text = job->response.argument;
    if (job->response.choice == SERVICE_MESSAGE_ESCAPED)
        text = (struct slice){room, (size_t)query_decode(text, room, sizeof room)}; /* the service has seen that it fits */
    if (!is_utf8(text)) {
        job_answer_text(job, 400, "a message is text in UTF-8");
        return;
    }
    int error = worker_broadcast(job->worker, TOPIC_TEXT, text, TIMEOUT_MS, on_told, job);
    if (error)
        answer_no_channel(job, error);
    else
        job_hold(job);
}

/* ---- /stats ---- */

struct stats {
    struct job *job;
    json_t *workers[WORKERS_MAX]; /* by index */
};

static int on_part(void *context, unsigned index, struct slice bytes)
{
    struct stats *stats = context;
    if (index >= WORKERS_MAX || stats->workers[index])
        return -EPROTO;
    stats->workers[index] = json_loadb(bytes.at, bytes.length, JSON_ALLOW_NUL, NULL); /* texts may hold one */
    return stats->workers[index] ? 0 : -EPROTO;
}

static json_t *list_workers(const struct stats *stats)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        if (stats->workers[i])
            json_array_append(list, stats->workers[i]);
    return list;
}

static json_t *list_missing(const struct gather_result *result)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < result->missing_count; i++)
        json_array_append_new(list, json_integer(result->missing[i]));
    return list;
}

static void answer_stats(const struct stats *stats, const struct gather_result *result)
{
    struct job *job = stats->job;
    json_t *document = json_pack("{s:i, s:o, s:o}", "answered_by", (int)job->worker->index, "workers", list_workers(stats),
                                 "missing", list_missing(result));
    char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (text) {
        struct http_response response = {.status = 200, .content_type = SLICE("application/json"), .body = slice_of(text)};
        job_answer(job, &response);
    } else {
        job_answer_text(job, 500, "out of memory");
    }
    free(text);
}

static void free_stats(struct stats *stats)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        json_decref(stats->workers[i]);
    free(stats);
}

static void on_stats(void *context, int error, const struct gather_result *result)
{
    struct stats *stats = context;
    if (job_back(stats->job)) {
        if (error)
            answer_no_channel(stats->job, error);
        else
            answer_stats(stats, result);
    }
    free_stats(stats);
}

void errand_stats(struct job *job)
{
    struct stats *stats = calloc(1, sizeof *stats);
    if (!stats) {
        answer_no_channel(job, -ENOMEM);
        return;
    }
    stats->job = job;
    int error = worker_gather(job->worker, TOPIC_STATS, SLICE(""), TIMEOUT_MS, on_part, on_stats, stats);
    if (!error) {
        job_hold(job);
        return;
    }
    free_stats(stats);
    answer_no_channel(job, error);
}
