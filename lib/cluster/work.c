/*
 * Carries out what the service describes.
 *
 * A worker is one loop: while one request occupies it, the others stand in line. So once a job waits for its turn, every
 * later request queues behind it, and each turn of the loop runs one occupying job: between two of them the loop reads,
 * accepts and sees its signals. /wait occupies nobody: when its turn comes it only sets an alarm.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/worker.h"

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

/* ---- the life of a job ---- */

static void free_job(struct job *job)
{
    list_remove(&job->link);
    if (job->dispose)
        job->dispose(job);
    free(job);
}

/* Nobody waits for it any more. What is out is freed when it comes back. */
static void drop_job(struct job *job)
{
    alarm_cancel(&job->worker->private->clock, &job->alarm);
    job->request = NULL;
    job->dropped = true;
    if (job->out == 0)
        free_job(job);
}

static void note_time(const struct job *job)
{
    timings_note(&job->worker->slot->timings, clock_now_ns() - job->begin_ns, 1);
}

/* The request is the server's again after its answer. */
static struct http_request *take_request(struct job *job)
{
    struct http_request *request = job->request;
    job->request = NULL;
    if (request)
        request->user = NULL;
    return request;
}

static void finish_job(struct job *job)
{
    struct http_request *request = take_request(job);
    list_remove(&job->link);
    if (request) {
        note_time(job); /* before: who has the answer may look at once */
        answer(request, &job->response);
    }
    free_job(job);
}

void job_answer(struct job *job, const struct http_response *response)
{
    struct http_request *request = take_request(job);
    if (request) {
        note_time(job);
        http_respond(request, response);
    }
    free_job(job); /* behind the answer, which may point into it */
}

void job_answer_text(struct job *job, int status, const char *format, ...)
{
    char *text = job->response.text;
    size_t size = sizeof job->response.text;
    int head = snprintf(text, size, "%d %s: ", status, http_status_reason(status));
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + head, size - (size_t)head - 1, format, arguments);
    va_end(arguments);
    size_t used = strlen(text);
    text[used] = length < 0 ? '\0' : '\n';
    struct http_response response = {
        .status = status, .content_type = SLICE("text/plain"), .body = {text, used + (length < 0 ? 0 : 1)}};
    job_answer(job, &response);
}

void job_end(struct job *job)
{
    struct http_request *request = take_request(job);
    if (request)
        note_time(job);
    free_job(job);
    if (request)
        http_respond_end(request);
}

void job_abort(struct job *job)
{
    struct http_request *request = take_request(job);
    free_job(job);
    if (request)
        http_respond_abort(request);
}

void job_hold(struct job *job)
{
    if (job->out++ > 0)
        return;
    worker_hold(job->worker);
    list_remove(&job->link);
    list_append(&job->worker->private->work.out, &job->link);
}

bool job_back(struct job *job)
{
    struct worker *worker = job->worker;
    bool wanted = !job->dropped && job->request;
    if (--job->out > 0)
        return wanted;
    if (!wanted)
        free_job(job);
    worker_closed(worker); /* last: it may be what the worker's end waited for */
    return wanted;
}

/* ---- what occupies a worker ---- */

static uint64_t begin_occupation(struct worker *worker, uint64_t planned_ns)
{
    uint64_t begin_ns = clock_now_ns();
    worker->slot->occupied_until_ns = begin_ns + planned_ns;
    return begin_ns;
}

/* The loop has not looked at the clock meanwhile: without this, Date and new time-outs would count from the beginning. */
static void end_occupation(struct worker *worker, uint64_t begin_ns, uint64_t planned_ns)
{
    struct counters *counters = &worker->slot->counters;
    uint64_t now_ns = clock_now_ns();
    worker->slot->beat_ns = now_ns;
    counter_add(&counters->busy_ns, now_ns - begin_ns);
    counter_add(&counters->busy_planned_ns, planned_ns);
    uv_update_time(worker->loop);
}

static void block(struct worker *worker, uint64_t work_ns)
{
    uint64_t begin_ns = begin_occupation(worker, work_ns);
    clock_sleep_until_ns(begin_ns + work_ns);
    end_occupation(worker, begin_ns, work_ns);
}

/* As block, but nobody is told that it is on purpose: to a watchdog it is a hang. */
static void stall(struct worker *worker, uint64_t work_ns)
{
    uint64_t begin_ns = begin_occupation(worker, 0);
    clock_sleep_until_ns(begin_ns + work_ns);
    end_occupation(worker, begin_ns, work_ns);
}

static void burn(struct worker *worker, uint64_t work_ns)
{
    uint64_t begin_ns = begin_occupation(worker, work_ns), end_cpu_ns = clock_thread_cpu_ns() + work_ns;
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

/* Nobody gives it back: that is the fault. Mapped, because what is lost from the heap is a finding to a leak checker. */
static void leak(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
        memset(memory, 1, bytes);
}

static void on_alarm(struct alarm *alarm)
{
    struct job *job = (struct job *)alarm;
    job->then(job);
}

int job_after(struct job *job, uint64_t delay_ns, void (*then)(struct job *job))
{
    struct worker *worker = job->worker;
    job->then = then;
    list_remove(&job->link);
    list_append(&worker->private->work.waits, &job->link);
    return alarm_set(&worker->private->clock, &job->alarm, clock_now_ns() + delay_ns);
}

static void begin_wait(struct job *job)
{
    if (job_after(job, job->response.work_ns, finish_job) != 0)
        finish_job(job); /* without memory for an alarm: early rather than never */
}

static void begin_errand(struct job *job)
{
    list_remove(&job->link);
    list_append(&job->worker->private->work.out, &job->link);
    errand_run(job);
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
        stall(worker, work_ns);
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
    case SERVICE_ERRAND:
        begin_errand(job);
        return false;
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
        job->in_line = false;
        if (!job->request)
            drop_job(job); /* nobody waits for it any more */
        else
            occupied = run_job(job);
    }
    if (list_empty(&work->turns))
        uv_idle_stop(idle);
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

static struct job *make_job(struct worker *worker, struct http_request *request, uint64_t begin_ns)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return NULL;
    ask_service(worker, request, &job->response); /* again, in place: the response may point into itself */
    job->alarm = (struct alarm){.ring = on_alarm};
    list_init(&job->link);
    job->worker = worker;
    job->request = request;
    job->begin_ns = begin_ns;
    job->out = 0;
    job->in_line = job->dropped = false;
    job->then = job->drained = job->dispose = NULL;
    job->errand = NULL;
    request->user = job;
    return job;
}

/* Only what occupies the worker, or came behind something that will, has to stand in line. */
static void queue_request(struct worker *worker, struct http_request *request, uint64_t begin_ns)
{
    static const struct http_response no_memory = {.status = 503, .close = true};
    struct work *work = &worker->private->work;
    struct job *job = make_job(worker, request, begin_ns);
    if (!job) {
        http_respond(request, &no_memory);
    } else if (list_empty(&work->turns) && (job->response.work == SERVICE_WAIT || job->response.work == SERVICE_ERRAND)) {
        (void)run_job(job);
    } else {
        job->in_line = true;
        list_append(&work->turns, &job->link);
        uv_idle_start(&work->turn, on_turn);
    }
}

static bool is_answer(const struct worker *worker, const struct service_response *response)
{
    return response->work == SERVICE_ANSWER && list_empty(&worker->private->work.turns);
}

/* Its answer's turn to be timed, if it is one that is given on the spot. */
static void request_timed(struct worker *worker, struct http_request *request)
{
    uint64_t begin_ns = clock_now_ns();
    struct service_response response;
    ask_service(worker, request, &response);
    if (!is_answer(worker, &response))
        return queue_request(worker, request, begin_ns);
    answer(request, &response);
    sampler_note(&worker->private->work.sampler, &worker->slot->timings, begin_ns);
}

void work_request(void *context, struct http_request *request)
{
    struct worker *worker = context;
    struct sampler *sampler = &worker->private->work.sampler;
    struct service_response response;
    if (sampler_is_due(sampler))
        return request_timed(worker, request);
    ask_service(worker, request, &response);
    if (!is_answer(worker, &response))
        return queue_request(worker, request, clock_now_ns());
    answer(request, &response);
    sampler_skip(sampler);
}

void work_abandoned(void *context, struct http_request *request)
{
    (void)context;
    struct job *job = request->user;
    if (!job)
        return;
    request->user = NULL;
    if (job->in_line)
        job->request = NULL; /* passed over when its turn comes */
    else
        drop_job(job);
}

void work_drained(void *context, struct http_request *request)
{
    (void)context;
    struct job *job = request->user;
    if (job && job->drained)
        job->drained(job);
}

void work_init(struct worker *worker)
{
    struct work *work = &worker->private->work;
    list_init(&work->turns);
    list_init(&work->waits);
    list_init(&work->out);
    sampler_init(&work->sampler, worker->index);
    uv_idle_init(worker->loop, &work->turn);
    work->turn.data = worker;
}

static void drop_all(struct list *jobs)
{
    while (!list_empty(jobs)) {
        struct job *job = list_entry(jobs->next, struct job, link);
        list_remove(&job->link);
        drop_job(job);
    }
}

void work_close(struct worker *worker, uv_close_cb closed)
{
    struct work *work = &worker->private->work;
    drop_all(&work->turns);
    drop_all(&work->waits);
    drop_all(&work->out);
    uv_close((uv_handle_t *)&work->turn, closed);
}
