/*
 * master-accept: the primary accepts and deals the connections out.
 *
 * Only the primary listens. Each connection it accepts goes to the next worker in turn, as a descriptor in a message
 * (SCM_RIGHTS); from then on the primary has nothing to do with it. Counts are as even as counts can be, whatever the
 * kernel would have chosen. The price: one process sees every connection, and it deals without knowing who is busy.
 */
#include "cluster/strategy.h"

static int listen_in_primary(struct primary *primary)
{
    return primary_listen_alone(primary);
}

static int deal_in_turn(struct primary *primary)
{
    return primary_deal(primary, &balance_round_robin);
}

static const struct strategy master_accept = {
    .name = "master-accept",
    .summary = "the primary accepts and hands each connection to the next worker in turn",
    .place = PROCESSES,
    .open = listen_in_primary,
    .start = worker_accept_handed,
    .serve = deal_in_turn,
};

int main(int argc, char **argv)
{
    return cluster_main(&master_accept, argc, argv);
}
