/*
 * Who is worker N of a server that cannot be asked? Its child processes have places, in the order they were started. The place of
 * one that has died is taken by the oldest child without a place: the one that was started instead.
 */
#ifndef HARNESS_ROSTER_H
#define HARNESS_ROSTER_H

#include <sys/types.h>

struct roster {
    pid_t *pids; /* 0: an empty place */
    unsigned count;
};

/* With so many places, all of them empty. */
void roster_open(struct roster *roster, unsigned places);
void roster_close(struct roster *roster);

/* Looks who lives now below `server`. 0 or negative errno. */
int roster_look(struct roster *roster, pid_t server);

#endif
