/*
 * A server that only keeps the contract the harness relies on: it takes --listen, --admin and --workers, prints the ready line,
 * answers /status with counters that grow by 1000 a reading, takes 3 ms of CPU time a connection, and stops on TERM. What else it
 * does depends on the name it is called by:
 *
 *   even, odd   nothing more
 *   dies        ends with status 3 and a reason before it is ready
 *   liar        says in /status that its workers have the pid of the harness
 *   stubborn    ignores TERM and leaves a child in a session of its own
 *
 * The first line of each POST to its admin address is appended to the file $FAKE_ORDERS.
 *
 * Each process appends its pid to the file $FAKE_PIDS, so that a test can see that none is left.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void record_pid(void)
{
    const char *path = getenv("FAKE_PIDS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
}

static int listen_on(const char *text, char *url)
{
    struct net_address address;
    if (net_parse_address(text, &address) < 0)
        exit(1);
    int fd = net_listen(&address, 0, 16);
    if (fd < 0 || net_local_address(fd, &address) < 0)
        exit(1);
    net_format_url(&address, url);
    return fd;
}

static void record_order(const char *request)
{
    const char *path = getenv("FAKE_ORDERS");
    FILE *file = path && !strncmp(request, "POST ", 5) ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%.*s\n", (int)strcspn(request, "\r\n"), request);
    fclose(file);
}

static void answer_status(int client, unsigned workers, unsigned readings, int pid)
{
    char request[1024] = "", body[16384];
    if (recv(client, request, sizeof(request) - 1, 0) <= 0)
        return;
    record_order(request);
    int length = snprintf(body, sizeof(body), "{\"schema\":\"clusterbench.status/1\",\"workers\":[");
    for (unsigned i = 0; i < workers; i++)
        length +=
            snprintf(body + length, sizeof(body) - (size_t)length,
                     "%s{\"index\":%u,\"pid\":%d,\"role\":\"worker\",\"counters\":{\"requests\":%u,\"accepted\":%u,\"busy_ns\":0}}",
                     i ? "," : "", i, pid, 1000 * readings, 10 * readings);
    length += snprintf(body + length, sizeof(body) - (size_t)length, "]}");
    dprintf(client, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
}

static void take_time(void)
{
    uint64_t begin_ns = clock_thread_cpu_ns();
    while (clock_thread_cpu_ns() - begin_ns < 3 * CLOCK_NS_PER_MS)
        ;
}

static void leave_child(void)
{
    if (fork() == 0) {
        setsid();
        record_pid();
        for (;;)
            pause();
    }
}

int main(int argc, char **argv)
{
    const char *name = base_name(argv[0]), *listen_text = "127.0.0.1:0", *admin_text = listen_text;
    unsigned workers = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--listen"))
            listen_text = argv[i + 1];
        else if (!strcmp(argv[i], "--admin"))
            admin_text = argv[i + 1];
        else if (!strcmp(argv[i], "--workers"))
            workers = (unsigned)atoi(argv[i + 1]);
    }
    record_pid();
    if (!strcmp(name, "dies")) {
        fputs("dies: no reason to live\233\n", stderr); /* a byte that is neither UTF-8 nor fit for a terminal */
        return 3;
    }
    if (!strcmp(name, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        leave_child();
    }
    char url[NET_TEXT_SIZE], admin_url[NET_TEXT_SIZE];
    int service = listen_on(listen_text, url), admin = listen_on(admin_text, admin_url);
    printf("ready %s strategy=%s workers=%u pid=%d admin=%s\n", url, name, workers, (int)getpid(), admin_url);
    fflush(stdout);
    struct pollfd doors[] = {{.fd = service, .events = POLLIN}, {.fd = admin, .events = POLLIN}};
    for (unsigned readings = 0;;) {
        if (poll(doors, 2, -1) < 0)
            return 1;
        int client = net_accept(doors[0].revents ? service : admin);
        if (client < 0 || fcntl(client, F_SETFL, 0) < 0)
            return 1;
        if (doors[0].revents)
            take_time();
        else
            answer_status(client, workers, ++readings, (int)(strcmp(name, "liar") ? getpid() : getppid()));
        close(client);
    }
}
