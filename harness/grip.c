/*
 * grip: the guard is told by a byte that all is well; an end of the connection without one means that the harness was killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grip.h"
#include "text.h"

int grip_add(struct grip *grip, pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    grip->pidfds = memory_grow(grip->pidfds, (grip->count + 1) * sizeof(*grip->pidfds));
    grip->pidfds[grip->count++] = pidfd;
    return 0;
}

static int send_signal(int pidfd, int signal_number)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) < 0 ? -errno : 0;
}

int grip_signal(const struct grip *grip, int signal_number)
{
    int result = 0;
    for (unsigned i = 0; i < grip->count; i++) {
        int error = send_signal(grip->pidfds[i], signal_number);
        result = result ? result : error;
    }
    return result;
}

/* In the child, which has one thread: nothing but system calls. */
static void guard(const struct grip *grip, int harness)
{
    char byte;
    ssize_t got;
    do
        got = read(harness, &byte, 1);
    while (got < 0 && errno == EINTR);
    for (unsigned i = 0; got <= 0 && i < grip->count; i++)
        send_signal(grip->pidfds[i], SIGCONT);
    _exit(0);
}

int grip_begin_guard(struct grip *grip)
{
    int ends[2], result = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    grip->guard = fork();
    if (grip->guard == 0) {
        close(ends[0]);
        guard(grip, ends[1]);
    }
    if (grip->guard < 0) {
        result = -errno;
        close(ends[0]);
    }
    close(ends[1]);
    grip->guarded = !result;
    grip->guard_fd = ends[0];
    return result;
}

void grip_end_guard(struct grip *grip)
{
    if (!grip->guarded)
        return;
    while (send(grip->guard_fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ; /* any other failure: it is gone already */
    close(grip->guard_fd);
    while (waitpid(grip->guard, NULL, 0) < 0 && errno == EINTR)
        ;
    grip->guarded = false;
}

void grip_close(struct grip *grip)
{
    grip_end_guard(grip);
    for (unsigned i = 0; i < grip->count; i++)
        close(grip->pidfds[i]);
    free(grip->pidfds);
    *grip = (struct grip){0};
}
