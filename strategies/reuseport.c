/*
 * reuseport: every worker listens for itself.
 *
 * All workers have their own socket on the same address with SO_REUSEPORT, and the kernel hashes each new connection onto
 * one of these sockets. Nobody hands anything to anybody: no lock, no primary on the path. The price: the hash knows
 * nothing of load, and its counts are as uneven as dice are.
 *
 * --sockets says whose they are. A worker's own socket dies with it, and so does every connection queued on it. A socket
 * that the primary opened, and the worker only inherited, outlives it: the next worker finds the queue as it was.
 *
 * Rule: the primary reserves the address first, so that port 0 means one port for all, and a second instance that would
 * silently take half of the connections is told that the address is in use.
 */
#include "cluster/strategy.h"

#define ACCEPT_MOST 64 /* connections a wake-up: the queue is the worker's own */

enum { SOCKETS_PRIMARY, SOCKETS_WORKER };

static const char *const sockets_names[] = {"primary", "worker", NULL};

struct reuseport_options {
    int sockets;
};

static const struct option_spec specs[] = {
    {.name = "sockets",
     .type = OPTION_CHOICE,
     OPTION_FIELD(struct reuseport_options, sockets),
     .choices = sockets_names,
     .fallback = "primary",
     .argument = "WHOSE",
     .group = "Sockets",
     .help = "primary: opened there and inherited, the queue outlives its worker; worker: opened by each worker, the queue dies "
             "with it"},
    {.name = NULL},
};

static bool primary_has_them(const void *own_options)
{
    return ((const struct reuseport_options *)own_options)->sockets == SOCKETS_PRIMARY;
}

static int take_address(struct primary *primary)
{
    return primary_has_them(primary_own_options(primary)) ? primary_listen_each(primary) : primary_reserve(primary);
}

static int listen_alone(struct worker *worker)
{
    int fd = worker->listener;
    if (!primary_has_them(worker->own_options))
        fd = net_listen(&worker->scoreboard->address, NET_REUSEPORT, (int)worker->options->backlog);
    return fd < 0 ? fd : worker_accept_from(worker, fd, ACCEPT_MOST);
}

static const struct strategy reuseport = {
    .name = "reuseport",
    .summary = "each worker listens on its own SO_REUSEPORT socket; the kernel's hash chooses",
    .place = PROCESSES,
    .options = specs,
    .options_size = sizeof(struct reuseport_options),
    .open = take_address,
    .start = listen_alone,
};

int main(int argc, char **argv)
{
    return cluster_main(&reuseport, argc, argv);
}
