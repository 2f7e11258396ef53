/*
 * shared: all workers accept from one listening socket.
 *
 * The primary opens the socket, every worker inherits it. A new connection wakes the workers that sleep, and the first
 * to call accept has it: nobody decides, so busy workers are passed over, but the kernel's order of waking decides among
 * the idle ones, and under light load a few workers get nearly everything.
 *
 * Rule: one connection a wake-up. A worker that drained the queue would keep connections that its idle siblings could
 * have answered.
 */
#include "cluster/strategy.h"

static int listen_for_all(struct primary *primary)
{
    return primary_listen(primary);
}

static int accept_in_competition(struct worker *worker)
{
    return worker_accept_from(worker, worker->listener, 1);
}

static const struct strategy shared = {
    .name = "shared",
    .summary = "all workers accept from one inherited socket; whoever wakes first has the connection",
    .place = PROCESSES,
    .open = listen_for_all,
    .start = accept_in_competition,
};

int main(int argc, char **argv)
{
    return cluster_main(&shared, argc, argv);
}
