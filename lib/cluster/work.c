/*
 * Carries out what the service describes.
 *
 * A worker is one loop: while one request occupies it, the others stand in line. So once a job waits for its turn, every
 * later request queues behind it, and each turn of the loop runs one occupying job: between two of them the loop reads,
 * accepts and sees its signals. /wait occupies nobody: when its turn comes it only sets an alarm.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/worker.h"
#include "service/service.h"

struct job {
    struct alarm alarm;
    struct list link;
    struct worker *worker;
    struct http_request *request; /* NULL when its client has gone */
    struct service_response response;
};

static void on_turn(uv_idle_t *idle);

static void answer(struct http_request *request, const struct service_response *service)
{
    struct http_response response = {
        .status = service->status,
        .content_type = slice_of(service->content_type),
        .fields = service->fields,
        .body = service->body,
        .body_length = service->body_length,
    };
    http_respond(request, &response);
}

static void finish_job(struct job *job)
{
    struct http_request *request = job->request;
    list_remove(&job->link);
    if (request) {
        request->user = NULL;
        answer(request, &job->response);
    }
    free(job);
}

static void drop_job(struct job *job)
{
    alarm_cancel(&job->worker->private->clock, &job->alarm);
    list_remove(&job->link);
    free(job);
}

/* ---- what occupies a worker ---- */

/* The loop has not looked at the clock meanwhile: without this, Date and new time-outs would count from the beginning. */
static void end_occupation(struct worker *worker, uint64_t begin_ns, uint64_t planned_ns)
{
    struct counters *counters = &worker->slot->counters;
    counter_add(&counters->busy_ns, clock_now_ns() - begin_ns);
    counter_add(&counters->busy_planned_ns, planned_ns);
    uv_update_time(worker->loop);
}

static void block(struct worker *worker, uint64_t work_ns)
{
    uint64_t begin_ns = clock_now_ns();
    clock_sleep_until_ns(begin_ns + work_ns);
    end_occupation(worker, begin_ns, work_ns);
}

static void burn(struct worker *worker, uint64_t work_ns)
{
    uint64_t begin_ns = clock_now_ns(), end_cpu_ns = clock_thread_cpu_ns() + work_ns;
    while (clock_thread_cpu_ns() < end_cpu_ns)
        for (volatile int spin = 0; spin < 200; spin++)
            ;
    end_occupation(worker, begin_ns, work_ns);
}

/* A death that leaves no core file: it is wanted. */
static void crash(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    raise(SIGKILL);
}

static void leak(uint64_t bytes)
{
    char *memory = malloc(bytes);
    if (memory)
        memset(memory, 1, bytes);
    /* Nobody frees it: that is the fault. The barrier keeps the compiler from seeing so. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void on_wait_over(struct alarm *alarm)
{
    finish_job((struct job *)alarm);
}

static void begin_wait(struct job *job)
{
    struct worker *worker = job->worker;
    list_remove(&job->link);
    list_append(&worker->private->work.waits, &job->link);
    if (alarm_set(&worker->private->clock, &job->alarm, clock_now_ns() + job->response.work_ns) != 0)
        finish_job(job); /* without memory for an alarm: early rather than never */
}

/* Returns whether the worker was occupied. */
static bool run_job(struct job *job)
{
    struct worker *worker = job->worker;
    const uint64_t work_ns = job->response.work_ns;
    switch (job->response.work) {
    case SERVICE_BLOCK:
        block(worker, work_ns);
        finish_job(job);
        return true;
    case SERVICE_CPU:
        burn(worker, work_ns);
        finish_job(job);
        return true;
    case SERVICE_STALL:
        finish_job(job);
        block(worker, work_ns);
        return true;
    case SERVICE_WAIT:
        begin_wait(job);
        return false;
    case SERVICE_LEAK:
        leak(job->response.work_bytes);
        break;
    case SERVICE_CRASH:
        crash();
        break;
    case SERVICE_ANSWER:
        break;
    }
    finish_job(job);
    return false;
}

/* ---- the line ---- */

/* Jobs up to and including the first that occupies the worker. */
static void on_turn(uv_idle_t *idle)
{
    struct worker *worker = idle->data;
    struct work *work = &worker->private->work;
    bool occupied = false;
    while (!occupied && !list_empty(&work->turns)) {
        struct job *job = list_entry(work->turns.next, struct job, link);
        if (!job->request)
            drop_job(job); /* nobody waits for it any more */
        else
            occupied = run_job(job);
    }
    if (list_empty(&work->turns))
        uv_idle_stop(idle);
}

static void stand_in_line(struct worker *worker, struct http_request *request, struct job *job)
{
    struct work *work = &worker->private->work;
    job->worker = worker;
    job->request = request;
    job->alarm = (struct alarm){.ring = on_wait_over};
    request->user = job;
    list_append(&work->turns, &job->link);
    uv_idle_start(&work->turn, on_turn);
}

static void ask_service(struct worker *worker, const struct http_request *request, struct service_response *response)
{
    struct service_request asked = {
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .body = request->body,
        .worker = worker->index,
        .draining = worker->private->draining || worker->scoreboard->draining,
        .faults = worker->options->faults,
    };
    service_answer(&asked, response);
}

static void queue_request(struct worker *worker, struct http_request *request)
{
    static const struct http_response no_memory = {.status = 503, .close = true};
    struct job *job = malloc(sizeof *job);
    if (!job) {
        http_respond(request, &no_memory);
        return;
    }
    ask_service(worker, request, &job->response); /* again, in place: the response may point into itself */
    if (job->response.work == SERVICE_WAIT && list_empty(&worker->private->work.turns)) {
        job->worker = worker;
        job->request = request;
        job->alarm = (struct alarm){.ring = on_wait_over};
        request->user = job;
        list_init(&job->link);
        begin_wait(job);
    } else {
        stand_in_line(worker, request, job);
    }
}

void work_request(void *context, struct http_request *request)
{
    struct worker *worker = context;
    struct service_response response;
    ask_service(worker, request, &response);
    if (response.work == SERVICE_ANSWER && list_empty(&worker->private->work.turns))
        answer(request, &response);
    else
        queue_request(worker, request);
}

void work_abandoned(void *context, struct http_request *request)
{
    (void)context;
    struct job *job = request->user;
    if (!job)
        return;
    job->request = NULL;
    if (job->alarm.position > 0)
        drop_job(job);
}

void work_init(struct worker *worker)
{
    struct work *work = &worker->private->work;
    list_init(&work->turns);
    list_init(&work->waits);
    uv_idle_init(worker->loop, &work->turn);
    work->turn.data = worker;
}

void work_close(struct worker *worker, uv_close_cb closed)
{
    struct work *work = &worker->private->work;
    while (!list_empty(&work->turns))
        drop_job(list_entry(work->turns.next, struct job, link));
    while (!list_empty(&work->waits))
        drop_job(list_entry(work->waits.next, struct job, link));
    uv_close((uv_handle_t *)&work->turn, closed);
}
