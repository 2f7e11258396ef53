/*
 * status: one blocking exchange with a deadline. HTTP/1.0 is asked for, so that the body ends where the connection ends
 * (RFC 9112, section 6.3) and no chunks have to be undone.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"

#include "status.h"
#include "text.h"

#define ANSWER_LIMIT (4u << 20)

static int wait_ready(int fd, short events, uint64_t deadline_ns)
{
    uint64_t now_ns = clock_now_ns();
    struct pollfd poll_fd = {.fd = fd, .events = events};
    int ready = poll(&poll_fd, 1, deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / CLOCK_NS_PER_MS) + 1 : 0);
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    return ready || clock_now_ns() < deadline_ns ? 0 : -ETIMEDOUT;
}

static int open_connection(const char *url, uint64_t deadline_ns)
{
    static const char scheme[] = "http://";
    struct net_address address;
    if (strncmp(url, scheme, sizeof(scheme) - 1) || net_parse_address(url + sizeof(scheme) - 1, &address) < 0)
        return -EINVAL;
    bool in_progress;
    int fd = net_connect_start(&address, NULL, &in_progress);
    if (fd < 0)
        return fd;
    int result = in_progress ? wait_ready(fd, POLLOUT, deadline_ns) : 0;
    if (!result)
        result = net_connect_result(fd);
    if (result < 0)
        close(fd);
    return result < 0 ? result : fd;
}

static int send_request(int fd, const char *path, uint64_t deadline_ns)
{
    char *request = text_print("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    size_t length = strlen(request), sent = 0;
    int result = 0;
    while (!result && sent < length) {
        ssize_t wrote = send(fd, request + sent, length - sent, MSG_NOSIGNAL);
        if (wrote > 0)
            sent += (size_t)wrote;
        else
            result = errno == EAGAIN ? wait_ready(fd, POLLOUT, deadline_ns) : -errno;
    }
    free(request);
    return result;
}

/* Everything until the server closes, NUL-terminated. */
static int read_answer(int fd, uint64_t deadline_ns, char **answer)
{
    size_t length = 0;
    for (;;) {
        *answer = memory_grow(*answer, length + 4097);
        ssize_t got = recv(fd, *answer + length, 4096, 0);
        (*answer)[length + (got > 0 ? (size_t)got : 0)] = '\0';
        if (got == 0)
            return 0;
        if (got > 0)
            length += (size_t)got;
        else if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int result = length > ANSWER_LIMIT ? -EPROTO : got < 0 ? wait_ready(fd, POLLIN, deadline_ns) : 0;
        if (result < 0)
            return result;
    }
}

static int parse_answer(const char *answer, json_t **document)
{
    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.", 7) || strncmp(answer + 8, " 200", 4) || !body)
        return -EPROTO;
    *document = json_loads(body + 4, 0, NULL);
    return *document ? 0 : -EPROTO;
}

int status_get(const char *url, const char *path, uint64_t deadline_ns, json_t **document)
{
    *document = NULL;
    int fd = open_connection(url, deadline_ns);
    if (fd < 0)
        return fd;
    char *answer = NULL;
    int result = send_request(fd, path, deadline_ns);
    if (!result)
        result = read_answer(fd, deadline_ns, &answer);
    if (!result)
        result = parse_answer(answer, document);
    free(answer);
    close(fd);
    return result;
}
