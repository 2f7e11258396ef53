/*
 * proxied: front processes accept, and pass every request to a worker.
 *
 * Clients connect to a front (--fronts; several share one listening socket, as the workers of `shared` do). A front reads a
 * request to its end, picks the worker whose turn it is and sends it there over a connection that is kept open; the answer
 * goes back the same way. So requests are dealt out, not connections: one client on one connection keeps all workers busy,
 * and a worker can die or be replaced without any client noticing. The price: every request is read, written and scheduled
 * twice.
 *
 * Rule: what a front lets through, a worker accepts. The fields that the front adds must not push a request over the
 * worker's limits, and a connection is given up by the front before the worker ends it. It is the front that knows its
 * client: while a slow one has not taken what the front holds for it, the worker waits, however long that is.
 */
#include "base/clock.h"
#include "cluster/strategy.h"
#include "proxy/forward.h"
#include "proxy/proxy.h"

#define ACCEPT_MOST       64 /* connections a wake-up: a worker's queue holds connections of the fronts only */
#define FRONT_ACCEPT_MOST 1  /* fronts compete for one queue: leave the others theirs */
#define PARTING_TIMES     2  /* what a leaving worker gives a front that has not looked up yet, of what a client would get */

struct proxied_options {
    uint64_t connect_timeout_ns, upstream_timeout_ns, keep;
};

#define ROW(field) OPTION_FIELD(struct proxied_options, field)

static const struct option_spec specs[] = {
    {.name = "connect-timeout",
     .type = OPTION_TIME,
     ROW(connect_timeout_ns),
     .reloadable = true,
     .min = CLOCK_NS_PER_MS,
     .fallback = "1s",
     .argument = "TIME",
     .group = "Proxying",
     .help = "for a front's connection to a worker: then another one is tried, in the end 504"},
    {.name = "upstream-timeout",
     .type = OPTION_TIME,
     ROW(upstream_timeout_ns),
     .reloadable = true,
     .min = CLOCK_NS_PER_MS,
     .fallback = "60s",
     .argument = "TIME",
     .help = "for a worker that neither takes nor gives a byte while it has a request: 504"},
    {.name = "keep",
     .type = OPTION_INTEGER,
     ROW(keep),
     .reloadable = true,
     .max = 65535,
     .fallback = "64",
     .argument = "N",
     .help = "idle connections a front keeps open to each worker"},
    {.name = NULL},
};

static int listen_twice(struct primary *primary)
{
    int error = primary_listen(primary);
    return error ? error : primary_listen_upstreams(primary);
}

static int accept_from_fronts(struct worker *worker)
{
    worker->server.limits.head_bytes += FORWARD_ADDED_BYTES;
    worker->server.limits.header_lines += FORWARD_ADDED_LINES;
    worker->server.timeouts.write_ms = UINT64_MAX;
    worker->server.timeouts.parting_ms *= PARTING_TIMES;
    return worker_accept_from(worker, worker->listener, ACCEPT_MOST);
}

static void tell_worker(void *worker)
{
    worker_closed(worker);
}

static struct proxy_settings settings_for(struct worker *front)
{
    const struct proxied_options *own = front->own_options;
    return (struct proxy_settings){
        .loop = front->loop,
        .upstreams = front->scoreboard->upstreams,
        .upstream_count = WORKERS_MAX,
        .members = {&front->scoreboard->upstreams_version, front->scoreboard->upstream_states,
                    front->scoreboard->upstream_generations, front->scoreboard->upstream_departures},
        .policy = &balance_round_robin,
        .connect_timeout_ms = own->connect_timeout_ns / CLOCK_NS_PER_MS,
        .response_timeout_ms = own->upstream_timeout_ns / CLOCK_NS_PER_MS,
        .idle_ms = front->options->idle_timeout_ns / CLOCK_NS_PER_MS / 2,
        .idle_most = (unsigned)own->keep,
        .counters = &front->slot->counters,
        .log = front->log,
        .closed = tell_worker,
        .owner = front,
    };
}

static int pass_requests_on(struct worker *front)
{
    struct proxy_settings settings = settings_for(front);
    struct proxy *proxy;
    int error = proxy_open(&proxy, &settings);
    if (error)
        return error;
    worker_handle_requests(front, &proxy_events, proxy, proxy_close);
    return worker_accept_from(front, front->listener, FRONT_ACCEPT_MOST);
}

static const struct strategy proxied = {
    .name = "proxied",
    .summary = "fronts accept and pass each request to the next worker over kept connections",
    .place = PROCESSES,
    .options = specs,
    .options_size = sizeof(struct proxied_options),
    .open = listen_twice,
    .start = accept_from_fronts,
    .front = pass_requests_on,
};

int main(int argc, char **argv)
{
    return cluster_main(&proxied, argc, argv);
}
