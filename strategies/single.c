/*
 * single: one loop does everything.
 *
 * The top process listens, accepts and answers. There is nobody to share with and nobody to take over: it uses one core,
 * when it crashes the service is gone, and while a request occupies it, it sees no signal either. The baseline of every
 * comparison.
 */
#include "cluster/strategy.h"

#define ACCEPT_MOST 64 /* connections a wake-up: nobody else wants them */

static int listen_in_place(struct primary *primary)
{
    return primary_listen(primary);
}

static int accept_in_place(struct worker *worker)
{
    return worker_accept_from(worker, worker->listener, ACCEPT_MOST);
}

static const struct strategy single = {
    .name = "single",
    .summary = "one process, one loop: the baseline",
    .notes = "A crash of the process is the end of the service: single starts nothing again, and it can be neither reloaded nor "
             "scaled.\n"
             "While a request occupies its one loop it sees no signal: TERM and INT act when the work is done.",
    .place = IN_PLACE,
    .open = listen_in_place,
    .start = accept_in_place,
};

int main(int argc, char **argv)
{
    return cluster_main(&single, argc, argv);
}
