/*
 * fork, exec, and PING until it answers.
 */
#include "tests/redis/redis_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- the program ---- */

/* The first of these in PATH. One program with several names: it serves when it is called redis-server. */
static bool find_program(char *found, size_t size)
{
    static const char *const names[] = {"redis-server", "redis-check-rdb"};
    const char *path = getenv("PATH");
    for (size_t i = 0; path && i < sizeof names / sizeof *names; i++) {
        for (const char *folder = path; folder; folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
            snprintf(found, size, "%.*s/%s", (int)strcspn(folder, ":"), folder, names[i]);
            if (access(found, X_OK) == 0)
                return true;
        }
    }
    return false;
}

bool redis_server_available(void)
{
    char program[512];
    return find_program(program, sizeof program);
}

int redis_server_prepare(struct redis_server *server)
{
    memset(server, 0, sizeof *server);
    snprintf(server->folder, sizeof server->folder, "/tmp/clusterbench-redis-XXXXXX");
    if (!mkdtemp(server->folder))
        return -errno;
    snprintf(server->path, sizeof server->path, "%s/socket", server->folder);
    snprintf(server->address, sizeof server->address, "unix:%s", server->path);
    return 0;
}

_Noreturn static void become_server(const struct redis_server *server, uint16_t port, pid_t parent)
{
    char program[512], number[8];
    int nowhere = open("/dev/null", O_RDWR);
    snprintf(number, sizeof number, "%u", port);
    char *const arguments[] = {
        "redis-server", "--port", number,         "--bind", "127.0.0.1", "--unixsocket",         (char *)server->path,
        "--save",       "",       "--appendonly", "no",     "--dir",     (char *)server->folder, "--daemonize",
        "no",           NULL};
    if (nowhere < 0 || dup2(nowhere, 0) < 0 || dup2(nowhere, 1) < 0 || dup2(nowhere, 2) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || !find_program(program, sizeof program))
        _exit(127);
    execv(program, arguments);
    _exit(127);
}

/* ---- talking to it ---- */

static int connect_to(const struct redis_server *server)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 10};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", server->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

static int exchange(int fd, const char *line, char *answer, size_t size)
{
    size_t used = 0;
    char command[256];
    int length = snprintf(command, sizeof command, "%s\r\n", line);
    if (send(fd, command, (size_t)length, MSG_NOSIGNAL) != length)
        return -EPIPE;
    while (used + 1 < size) {
        ssize_t got = recv(fd, answer + used, size - 1 - used, 0);
        if (got <= 0)
            return got == 0 ? -ECONNRESET : -errno;
        used += (size_t)got;
        answer[used] = '\0';
        if (strstr(answer, "\r\n"))
            break;
    }
    answer[strcspn(answer, "\r")] = '\0';
    return 0;
}

int redis_server_tell(const struct redis_server *server, const char *line, char *answer, size_t size)
{
    int fd = connect_to(server);
    if (fd < 0)
        return fd;
    int error = exchange(fd, line, answer, size);
    close(fd);
    return error;
}

/* ---- its life ---- */

static bool has_ended(struct redis_server *server)
{
    if (waitpid(server->pid, NULL, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    return true;
}

int redis_server_start(struct redis_server *server, uint16_t port)
{
    char answer[64];
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid < 0)
        return -errno;
    if (server->pid == 0)
        become_server(server, port, parent);
    uint64_t deadline_ns = clock_now_ns() + REDIS_SERVER_WAIT_MS * CLOCK_NS_PER_MS;
    while (clock_now_ns() < deadline_ns && !has_ended(server)) {
        if (redis_server_tell(server, "PING", answer, sizeof answer) == 0 && strcmp(answer, "+PONG") == 0)
            return 0;
        clock_sleep_until_ns(clock_now_ns() + 10 * CLOCK_NS_PER_MS);
    }
    redis_server_kill(server);
    return -ETIMEDOUT;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL); /* also when it is stopped */
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    server->pid = 0;
}

void redis_server_remove(struct redis_server *server)
{
    redis_server_kill(server);
    unlink(server->path);
    rmdir(server->folder);
}
