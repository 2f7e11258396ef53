/*
 * Jobs: requests whose answer takes more than a word of the service.
 *
 * A job stands in the worker's line until its turn comes (work.c). What it does then is said by its response: it occupies the
 * worker, waits for an alarm, or runs an errand (errands.c): a function that fetches the answer from elsewhere - a file, another
 * worker, a store - and ends in job_answer, at once or later.
 *
 * Rules for errands
 * - job->request is NULL as soon as the client has gone, and what job->response.argument points to goes with it: copy what is
 *   needed later before the first return to the loop.
 * - http_respond_begin and _piece may find that the client has gone: job->request is NULL behind them, and the job itself is freed
 *   unless it is held. So hold it around them.
 * - Who gives the job away (a file operation, a question to another process) calls job_hold first and job_back when it returns;
 *   job_back says whether anybody still waits. A worker does not end before all of them are back.
 */
#ifndef CLUSTER_WORK_H
#define CLUSTER_WORK_H

#include "base/list.h"
#include "cluster/alarm.h"
#include "http/server.h"
#include "service/service.h"

struct worker;

struct job {
    struct alarm alarm;
    struct list link;
    struct worker *worker;
    struct http_request *request; /* NULL when its client has gone */
    struct service_response response;
    uint64_t begin_ns;                /* when its request was whole */
    unsigned out;                     /* job_hold less job_back */
    bool in_line;                     /* its turn has not come */
    bool dropped;                     /* freed when it is back */
    void (*then)(struct job *job);    /* what its alarm rings for: job_after */
    void (*drained)(struct job *job); /* of a streamed answer: all pieces have left; or NULL */
    void *errand;                     /* what the errand keeps */
    void (*dispose)(struct job *job); /* frees it, when the job is freed; or NULL */
};

/* The complete answer, or none when the client has gone. The job is freed. Not while it is held. */
void job_answer(struct job *job, const struct http_response *response);

/* The same with a status and one line of text ("503 Service Unavailable: redis unix:/x: connection refused"); printf. */
void job_answer_text(struct job *job, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * The end of a streamed answer (http_respond_begin and _piece, on job->request): whole, or cut so that the client sees it. The
 * job is freed. Not while it is held. Use these and not http_respond_end or _abort: the next request of the same client may come
 * inside, in the same struct, and make a job of its own.
 */
void job_end(struct job *job);
void job_abort(struct job *job);

/* Calls `then` so much later, unless the client goes or the worker ends before. 0 or -ENOMEM. */
int job_after(struct job *job, uint64_t delay_ns, void (*then)(struct job *job));

/* It is out: something will come back with it, whatever happens to its client and its worker. */
void job_hold(struct job *job);

/* It is back. False: nobody waits any more, and the job is freed unless it is still held by something else. */
bool job_back(struct job *job);

/* errands.c: what runs for job->response.errand. */
void errand_run(struct job *job);

#endif
