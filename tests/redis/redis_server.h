/*
 * A Redis server of a test's own: on a unix socket in a folder of its own, without a service, a port (unless asked for), a log or
 * anything on disk. It is ended by its pid, and dies with the test.
 */
#ifndef TESTS_REDIS_REDIS_SERVER_H
#define TESTS_REDIS_REDIS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REDIS_SERVER_WAIT_MS 20000

struct redis_server {
    pid_t pid; /* 0 while it does not run */
    char folder[64];
    char path[80];    /* of its socket */
    char address[96]; /* "unix:PATH": for --redis and net_parse_address */
};

/* Whether there is a program to start. Debian's redis-tools holds the server under the name redis-check-rdb. */
bool redis_server_available(void);

/* Makes the folder. 0 or a negative errno. */
int redis_server_prepare(struct redis_server *server);

/* Starts it (again), on a TCP port of 127.0.0.1 as well unless `port` is 0; returns when it answers. 0 or a negative errno. */
int redis_server_start(struct redis_server *server, uint16_t port);

/* Ends it at once, data and all; does nothing when it does not run. */
void redis_server_kill(struct redis_server *server);

/* Ends it and removes the folder. */
void redis_server_remove(struct redis_server *server);

/*
 * Sends one line ("GET clusterbench:counter") over a connection of its own and copies the first line of the answer, without its
 * end, to `answer`. 0 or a negative errno. For what a test wants to know or set behind the back of the program it tests.
 */
int redis_server_tell(const struct redis_server *server, const char *line, char *answer, size_t size);

#endif
