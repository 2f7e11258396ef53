/*
 * A foreign server: it knows nothing of our options, takes a configuration file, answers HTTP and calls its workers by odd names.
 *
 *   fake_peer FILE        lines "port 4711", "workers 2", "pid /path/of/pid-file", "mode MODE", "backend 4712"
 *
 *   plain      /healthz is 503 twice, then 200; every connection is one answer
 *   busy       the first two times it says that its port is taken, and ends; how often is counted by the file $FAKE_BUSY
 *   silent     listens and answers 503 for ever
 *   stubborn   ignores TERM and leaves a child in a session of its own
 *   lonely     plain, but all answers come from one worker
 *   family     plain, with a child that it ends when it is told to end, and only then
 *   daemon     plain, with a child of a child in a session of its own that the first one does not wait for
 *
 * Each process appends its pid to the file $FAKE_PIDS.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/net.h"

struct settings {
    char port[16], mode[32], pid_file[256];
    unsigned workers, backends;
};

static void append(const char *path, const char *text)
{
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fputs(text, file);
    fclose(file);
}

static void record_pid(void)
{
    char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    append(getenv("FAKE_PIDS"), text);
}

static void read_settings(const char *path, struct settings *settings)
{
    char line[512], value[256];
    FILE *file = fopen(path, "r");
    if (!file)
        exit(2);
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "port %15s", settings->port) == 1 || sscanf(line, "mode %31s", settings->mode) == 1 ||
            sscanf(line, "pid %255s", settings->pid_file) == 1 || sscanf(line, "workers %u", &settings->workers) == 1)
            continue;
        settings->backends += sscanf(line, "backend %255s", value) == 1;
    }
    fclose(file);
}

/* A byte a call in $FAKE_BUSY: how many there were before. */
static long calls_before(void)
{
    int fd = open(getenv("FAKE_BUSY"), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    off_t calls = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (calls < 0 || write(fd, ".", 1) != 1)
        exit(2);
    close(fd);
    return (long)calls;
}

static void leave_child(void)
{
    if (fork() != 0)
        return;
    setsid();
    record_pid();
    for (;;)
        pause();
}

static volatile pid_t child;

static void end_family(int number)
{
    (void)number;
    kill(child, SIGKILL);
    _exit(0);
}

static void have_child(void)
{
    child = fork();
    if (child == 0) {
        record_pid();
        for (;;)
            pause();
    }
    if (child < 0 || signal(SIGTERM, end_family) == SIG_ERR)
        exit(1);
}

static int listen_at(const struct settings *settings)
{
    struct net_address address;
    char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%s", settings->port);
    int fd = net_parse_address(text, &address) < 0 ? -1 : net_listen(&address, 0, 16);
    if (fd < 0)
        exit(3);
    return fd;
}

static void answer(int client, const struct settings *settings, unsigned healthy)
{
    char request[1024] = "", body[64];
    struct pollfd readable = {.fd = client, .events = POLLIN};
    if (poll(&readable, 1, 50) != 1) /* the fake load generator asks for nothing */
        return;
    if (recv(client, request, sizeof(request) - 1, 0) <= 0)
        return;
    bool health = strstr(request, " /healthz ") != NULL, ok = strcmp(settings->mode, "silent") && (!health || healthy > 2);
    static unsigned turn;
    snprintf(body, sizeof(body), "Hello from worker %u\n",
             900 + 200 * (turn++ % (strcmp(settings->mode, "lonely") ? settings->workers : 1)));
    dprintf(client, "HTTP/1.1 %s\r\nX-Worker: x\r\nContent-Length: %zu\r\n\r\n%s", ok ? "200 OK" : "503 Not yet", strlen(body),
            body);
}

static _Noreturn void serve(int listener, const struct settings *settings)
{
    for (unsigned healthy = 1;; healthy++) {
        struct pollfd door = {.fd = listener, .events = POLLIN};
        if (poll(&door, 1, -1) < 0)
            exit(1);
        int client = net_accept(listener);
        if (client < 0 || fcntl(client, F_SETFL, 0) < 0)
            exit(1);
        answer(client, settings, healthy);
        close(client);
    }
}

int main(int argc, char **argv)
{
    struct settings settings = {.mode = "plain", .workers = 1};
    if (argc == 2 && !strcmp(argv[1], "--version")) {
        fputs("fake peer 1.2\nand more\n", stderr);
        return 0;
    }
    if (argc != 2)
        return 2;
    read_settings(argv[1], &settings);
    record_pid();
    append(settings.pid_file, "here\n");
    if (!strcmp(settings.mode, "busy") && calls_before() < 2) {
        puts("cannot have the port: it is in use\n");
        return 1;
    }
    if (!strcmp(settings.mode, "stubborn") && signal(SIGTERM, SIG_IGN) == SIG_ERR)
        return 1;
    if (!strcmp(settings.mode, "stubborn") || !strcmp(settings.mode, "daemon"))
        leave_child();
    if (!strcmp(settings.mode, "family"))
        have_child();
    serve(listen_at(&settings), &settings);
}
