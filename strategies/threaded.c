/*
 * threaded: workers are threads of one process, each with a loop of its own.
 *
 * Threads share memory and descriptors, so all three ways of taking connections are open to them, and --accept chooses:
 *   own      each thread listens on its own SO_REUSEPORT socket, as `reuseport` does
 *   shared   all threads accept from one socket, as `shared` does
 *   handoff  the main thread accepts and deals in turn, as `master-accept` does: a number in a message, nothing is copied
 * The price: what kills one worker kills them all.
 */
#include "cluster/strategy.h"

#define ACCEPT_MOST 64

enum { ACCEPT_OWN, ACCEPT_SHARED, ACCEPT_HANDOFF };

static const char *const accept_names[] = {"own", "shared", "handoff", NULL};

struct threaded_options {
    int accept;
};

static const struct option_spec specs[] = {
    {.name = "accept",
     .type = OPTION_CHOICE,
     OPTION_FIELD(struct threaded_options, accept),
     .choices = accept_names,
     .fallback = "own",
     .argument = "HOW",
     .group = "Threads",
     .help = "own: a SO_REUSEPORT socket each; shared: one socket for all; handoff: the main thread accepts and deals in turn"},
    {.name = NULL},
};

static int accept_mode(const void *own_options)
{
    return ((const struct threaded_options *)own_options)->accept;
}

static int open_address(struct primary *primary)
{
    switch (accept_mode(primary_own_options(primary))) {
    case ACCEPT_SHARED:
        return primary_listen(primary);
    case ACCEPT_HANDOFF:
        return primary_listen_alone(primary);
    default:
        return primary_listen_each(primary);
    }
}

static int start(struct worker *worker)
{
    switch (accept_mode(worker->own_options)) {
    case ACCEPT_SHARED:
        return worker_accept_from(worker, worker->listener, 1);
    case ACCEPT_HANDOFF:
        return worker_accept_handed(worker);
    default:
        return worker_accept_from(worker, worker->listener, ACCEPT_MOST);
    }
}

static int serve(struct primary *primary)
{
    return accept_mode(primary_own_options(primary)) == ACCEPT_HANDOFF ? primary_deal(primary, &balance_round_robin) : 0;
}

static const struct strategy threaded = {
    .name = "threaded",
    .summary = "workers are threads of one process; each has its own SO_REUSEPORT socket, or see --accept",
    .notes = "A crash in one thread is the end of all of them: threaded starts nothing again.\n"
             "Its workers are one program and share one memory: it can be scaled and drained, not reloaded, and no worker can be\n"
             "killed or limited in memory alone.",
    .place = THREADS,
    .options = specs,
    .options_size = sizeof(struct threaded_options),
    .open = open_address,
    .start = start,
    .serve = serve,
};

int main(int argc, char **argv)
{
    return cluster_main(&threaded, argc, argv);
}
