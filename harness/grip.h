/*
 * Processes held by pidfds (pidfd_open(2)), so that no signal ever reaches somebody else who got a number.
 *
 * Who is stopped has a guard: a child that lets it go on should the harness be killed meanwhile. What stands still takes no TERM.
 */
#ifndef HARNESS_GRIP_H
#define HARNESS_GRIP_H

#include <stdbool.h>
#include <sys/types.h>

struct grip { /* zeroed: holds nobody */
    int *pidfds;
    unsigned count;
    bool guarded; /* by `guard`, which listens at the other end of guard_fd */
    pid_t guard;
    int guard_fd;
};

/* 0 or negative errno: -ESRCH where there is no such process. */
int grip_add(struct grip *grip, pid_t pid);
/* To all of them. 0 or the first negative errno. */
int grip_signal(const struct grip *grip, int signal_number);

/* From now on all of them go on when this process ends without having called grip_end_guard. 0 or negative errno. */
int grip_begin_guard(struct grip *grip);
void grip_end_guard(struct grip *grip);

void grip_close(struct grip *grip);

#endif
