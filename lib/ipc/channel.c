/*
 * sendmsg and recvmsg with one descriptor, unix(7).
 */
#include "channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM_BYTES (208 * 1024) /* of messages under way in one direction, the kernel's own bookkeeping included */

union control {
    struct cmsghdr header; /* for alignment */
    char text[CMSG_SPACE(sizeof(int))];
};

/*
 * How much may be under way is the project's choice, not that of net.core.wmem_default. The kernel doubles what it is asked for,
 * socket(7).
 */
static int set_room(int end)
{
    int bytes = ROOM_BYTES / 2;
    return setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0 ? 0 : -errno;
}

int channel_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    int error = set_room(ends[0]);
    if (!error)
        error = set_room(ends[1]);
    if (error) {
        close(ends[0]);
        close(ends[1]);
    }
    return error;
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

int channel_send_bytes(int channel, const struct channel_message *text, struct slice bytes, int fd)
{
    struct channel_message head = {text->kind, CHANNEL_LAYOUT, text->value, text->id};
    struct iovec pieces[] = {{&head, sizeof head}, {(void *)bytes.at, bytes.length}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = bytes.length > 0 ? 2 : 1};
    union control control;
    if (bytes.length > CHANNEL_BYTES_MAX)
        return -EMSGSIZE;
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

int channel_send(int channel, enum channel_kind kind, int32_t value, int fd)
{
    struct channel_message message = {.kind = (uint16_t)kind, .value = value};
    return channel_send_bytes(channel, &message, (struct slice){"", 0}, fd);
}

static int attached(struct msghdr *message)
{
    int fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* One message into `pieces`, its descriptor into *fd. The bytes that came; 0 at the end; negative errno. */
static ssize_t receive(int channel, struct iovec *pieces, size_t count, int *fd, int *flags)
{
    union control control;
    struct msghdr message = {
        .msg_iov = pieces, .msg_iovlen = count, .msg_control = control.text, .msg_controllen = sizeof control.text};
    ssize_t received;
    *fd = -1;
    do
        received = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (received > 0)
        *fd = attached(&message);
    *flags = message.msg_flags;
    return received;
}

static int judge(const struct channel_message *message, bool whole, int flags, int *fd)
{
    if (whole && message->layout == CHANNEL_LAYOUT)
        return flags & MSG_CTRUNC ? -EMFILE : 1;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return -EPROTO;
}

int channel_receive_bytes(int channel, struct channel_message *message, char *bytes, size_t *length, int *fd)
{
    struct iovec pieces[] = {{.iov_base = message, .iov_len = sizeof *message}, {.iov_base = bytes, .iov_len = CHANNEL_BYTES_MAX}};
    int flags = 0;
    ssize_t received = receive(channel, pieces, 2, fd, &flags);
    if (received <= 0)
        return (int)received;
    bool whole = received >= (ssize_t)sizeof *message && !(flags & MSG_TRUNC);
    *length = whole ? (size_t)received - sizeof *message : 0;
    return judge(message, whole, flags, fd);
}

int channel_receive(int channel, struct channel_message *message, int *fd)
{
    struct iovec piece = {.iov_base = message, .iov_len = sizeof *message};
    int flags = 0;
    ssize_t received = receive(channel, &piece, 1, fd, &flags);
    return received <= 0 ? (int)received : judge(message, received == sizeof *message, flags, fd);
}
