/*
 * sendmsg and recvmsg with one descriptor, unix(7).
 */
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr header; /* for alignment */
    char text[CMSG_SPACE(sizeof(int))];
};

int channel_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : -errno;
}

static void attach(struct msghdr *message, union control *control, int fd)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control->text;
    message->msg_controllen = sizeof control->text;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

int channel_send(int channel, enum channel_kind kind, int32_t value, int fd)
{
    struct channel_message text = {(uint16_t)kind, CHANNEL_LAYOUT, value};
    struct iovec piece = {&text, sizeof text};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union control control;
    if (fd >= 0)
        attach(&message, &control, fd);
    ssize_t sent;
    do
        sent = sendmsg(channel, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    /* ETOOMANYREFS: more descriptors under way than RLIMIT_NOFILE; they get fewer as the receiver takes them. */
    return errno == EWOULDBLOCK || errno == ETOOMANYREFS || errno == ENOBUFS ? -EAGAIN : -errno;
}

static int attached(struct msghdr *message)
{
    int fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int channel_receive(int channel, struct channel_message *text, int *fd)
{
    struct iovec piece = {text, sizeof *text};
    union control control;
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.text, .msg_controllen = sizeof control.text};
    ssize_t received;
    *fd = -1;
    do
        received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (received == 0)
        return 0;
    *fd = attached(&message);
    if (received == sizeof *text && text->layout == CHANNEL_LAYOUT)
        return message.msg_flags & MSG_CTRUNC ? -EMFILE : 1;
    if (*fd >= 0)
        close(*fd);
    return -EPROTO;
}
