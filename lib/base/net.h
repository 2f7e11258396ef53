/*
 * Sockets: addresses as people write them, and the few ways this project listens and connects.
 * Every descriptor made here is non-blocking and close-on-exec. Errors are negative errnos.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* What net_parse_address takes, for messages: one line. */
extern const char net_address_allowed[];

/* "127.0.0.1:8080", "[::1]:8080", "*:8080" (all IPv4), "localhost:80" (a name: its IPv4 address if it has one, else IPv6; this may
 * ask a name server and wait for it), "unix:PATH", "unix:@NAME" (abstract). 0, -EINVAL, -ENOENT (unknown host). */
int net_parse_address(const char *text, struct net_address *address);

#define NET_TEXT_SIZE 128

/* The same form back; without the port, and then without brackets, if `with_port` is false (as X-Forwarded-For wants it). A unix
 * client without a name is "unix:". Returns `text` (NET_TEXT_SIZE). */
char *net_format_address(const struct net_address *address, bool with_port, char *text);

/* "http://127.0.0.1:8080" or "http://unix:/path:" for a bound address. Returns `text` (NET_TEXT_SIZE). */
char *net_format_url(const struct net_address *address, char *text);

bool net_is_unix(const struct net_address *address);
bool net_is_loopback(const struct net_address *address); /* 127.0.0.0/8 or ::1 */
uint16_t net_port(const struct net_address *address);    /* 0 for unix */

enum net_flags {
    NET_REUSEPORT = 1, /* SO_REUSEPORT set before bind: joins a group */
    NET_RESERVE = 2,   /* bind without SO_REUSEPORT, then set it: the first of a group. A second program gets EADDRINUSE; workers
                          of the same user that bind with NET_REUSEPORT may join. Such a socket is never listened on. Without
                          meaning on unix */
};

/*
 * A stream socket bound to `address`, not listening. SO_REUSEADDR is set (but for NET_RESERVE), IPv6 is IPv6 only. A unix path left
 * behind by a dead server (connect says ECONNREFUSED) is taken over; removing the path at the end is the caller's. Returns the
 * descriptor; -EADDRINUSE, -EACCES, ...; -EOPNOTSUPP for NET_REUSEPORT on unix.
 */
int net_bind(const struct net_address *address, unsigned flags);

/* net_bind, then listen(2) with `backlog`. Returns the descriptor. */
int net_listen(const struct net_address *address, unsigned flags, int backlog);

/*
 * Of the SO_REUSEPORT group of `fd`, only the sockets at these positions get new connections, chosen at random; with `count` 0 the
 * kernel's hash chooses among all again. Positions are in order of listen(2), but that the last one moves into the place of one
 * that is closed. SO_ATTACH_REUSEPORT_CBPF, socket(7). 0 or negative errno.
 */
int net_steer_group(int fd, const unsigned *positions, unsigned count);

/* Unlinks the path of a unix socket that this program bound; nothing for other addresses. */
void net_remove(const struct net_address *address);

/* The address a socket is bound to (port 0 resolved) or connected to. 0 or negative errno. */
int net_local_address(int fd, struct net_address *address);
int net_peer_address(int fd, struct net_address *address);

/* accept4(2), non-blocking, close-on-exec, TCP_NODELAY inherited from the listener (set there by net_bind). -EAGAIN when none
 * waits. */
int net_accept(int listener);

/* Begins a connect: the descriptor, connecting or connected (*in_progress tells). `source` (or NULL) is bound first. */
int net_connect_start(const struct net_address *to, const struct net_address *source, bool *in_progress);

/* SO_ERROR as a negative errno, 0 when connected. */
int net_connect_result(int fd);

/* net.core.somaxconn, 4096 when it cannot be read. */
int net_somaxconn(void);

/* Raises the soft limit of open files to the hard one; returns what it is then. */
uint64_t net_raise_file_limit(void);

#endif
