/*
 * handicapped: a server with a planted fault, for scripts/study. Without options it is the baseline: `reuseport`, with the same
 * code on the way of a request as with them.
 *
 *   --busy PERCENT   so much more CPU time a request: every LOOK requests a worker looks how much CPU time its loop has used since
 *                    the last look, and burns that share of it in a busy-wait. So it is the share on any machine, and no figure
 *                    has to be calibrated.
 *   --stall TIME     every --every, the loop of each worker sleeps so long: nobody is served meanwhile, no CPU time is used. The
 *                    first time a quarter of it behind the worker's first request: a short cell knows where its stall lies.
 */
#include "base/clock.h"
#include "cluster/strategy.h"
#include "cluster/worker.h"

#define ACCEPT_MOST 64
#define LOOK        16 /* requests: to look at the clock costs a system call, which is to be no handicap of its own */

struct handicapped_options {
    uint64_t busy_percent, stall_ns, every_ns;
};

static const struct option_spec specs[] = {
    {.name = "busy",
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct handicapped_options, busy_percent),
     .max = 1000,
     .fallback = "0",
     .argument = "PERCENT",
     .group = "Handicaps",
     .help = "so much more CPU time a request, burnt in a busy-wait"},
    {.name = "stall",
     .type = OPTION_TIME,
     OPTION_FIELD(struct handicapped_options, stall_ns),
     .max = CLOCK_NS_PER_S,
     .fallback = "0s",
     .argument = "TIME",
     .help = "the loop of each worker sleeps so long, again and again; 0s: never"},
    {.name = "every",
     .type = OPTION_TIME,
     OPTION_FIELD(struct handicapped_options, every_ns),
     .min = 10 * CLOCK_NS_PER_MS,
     .max = 60 * CLOCK_NS_PER_S,
     .fallback = "1s",
     .argument = "TIME",
     .help = "from one stall to the next"},
    {.name = NULL},
};

/* Of this process, which has one worker. */
static struct handicap {
    const struct handicapped_options *options;
    uint64_t requests, looked_ns; /* CPU time at the last look */
    uv_timer_t stalls;
    bool stalling; /* the timer runs */
} handicap;

static void waste(struct handicap *own)
{
    if (++own->requests % LOOK)
        return;
    uint64_t now_ns = clock_thread_cpu_ns(), end_ns = now_ns + (now_ns - own->looked_ns) * own->options->busy_percent / 100;
    while (now_ns < end_ns)
        now_ns = clock_thread_cpu_ns();
    own->looked_ns = now_ns;
}

static void on_stall(uv_timer_t *timer)
{
    (void)timer;
    clock_sleep_until_ns(clock_now_ns() + handicap.options->stall_ns);
}

/* It cannot fail: the timer is not closing and has its callback. */
static void start_stalls(struct handicap *own)
{
    uint64_t every_ms = own->options->every_ns / CLOCK_NS_PER_MS;
    own->stalling = true;
    uv_timer_start(&own->stalls, on_stall, every_ms / 4, every_ms);
}

static void on_request(void *worker, struct http_request *request)
{
    if (handicap.options->busy_percent)
        waste(&handicap);
    if (handicap.options->stall_ns && !handicap.stalling && !uv_is_closing((uv_handle_t *)&handicap.stalls))
        start_stalls(&handicap);
    work_request(worker, request);
}

static const struct http_server_events events = {
    .request = on_request,
    .abandoned = work_abandoned,
    .drained = work_drained,
};

static void on_closed(uv_handle_t *timer)
{
    worker_closed(timer->data);
}

static void close_handicap(void *worker)
{
    (void)worker;
    uv_close((uv_handle_t *)&handicap.stalls, on_closed);
}

static int open_handicap(struct worker *worker)
{
    int error = uv_timer_init(worker->loop, &handicap.stalls);
    if (error)
        return error;
    handicap.stalls.data = worker;
    worker_handle_requests(worker, &events, worker, close_handicap);
    return 0;
}

static int listen_handicapped(struct worker *worker)
{
    handicap.options = worker->own_options;
    handicap.looked_ns = clock_thread_cpu_ns();
    int error = open_handicap(worker);
    return error ? error : worker_accept_from(worker, worker->listener, ACCEPT_MOST);
}

static const struct strategy handicapped = {
    .name = "handicapped",
    .summary = "reuseport with a planted fault: more CPU time a request, or stalls",
    .place = PROCESSES,
    .options = specs,
    .options_size = sizeof(struct handicapped_options),
    .open = primary_listen_each,
    .start = listen_handicapped,
};

int main(int argc, char **argv)
{
    return cluster_main(&handicapped, argc, argv);
}
