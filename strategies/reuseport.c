/*
 * reuseport: every worker listens for itself.
 *
 * All workers bind the same address with SO_REUSEPORT, and the kernel hashes each new connection onto one of their
 * sockets. Nobody hands anything to anybody: no lock, no primary on the path. The price: the hash knows nothing of load,
 * its counts are as uneven as dice are, and what is queued on a dead worker's socket dies with it.
 *
 * Rule: the primary reserves the address first, so that port 0 means one port for all, and a second instance that would
 * silently take half of the connections is told that the address is in use.
 */
#include "cluster/strategy.h"

#define ACCEPT_MOST 64 /* connections a wake-up: the queue is the worker's own */

static int reserve_address(struct primary *primary)
{
    return primary_reserve(primary);
}

static int listen_alone(struct worker *worker)
{
    int fd = net_listen(&worker->scoreboard->address, NET_REUSEPORT, (int)worker->options->backlog);
    return fd < 0 ? fd : worker_accept_from(worker, fd, ACCEPT_MOST);
}

static const struct strategy reuseport = {
    .name = "reuseport",
    .summary = "each worker listens on its own SO_REUSEPORT socket; the kernel's hash chooses",
    .place = PROCESSES,
    .open = reserve_address,
    .start = listen_alone,
};

int main(int argc, char **argv)
{
    return cluster_main(&reuseport, argc, argv);
}
