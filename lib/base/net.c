/*
 * Sockets.
 *
 * Addresses are numbers wherever they can be: only what is neither an IPv4 nor a bracketed IPv6 address is asked of the
 * resolver, and there IPv4 is preferred, so that "localhost" means the same to a server and to its client.
 *
 * Options are set between socket(2) and bind(2), because accepted sockets inherit them from their listener: no connection
 * costs a system call for its options.
 */
#include "base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

const char net_address_allowed[] = "ADDR:PORT such as 127.0.0.1:8080, [::1]:8080, *:8080 or localhost:80; unix:PATH; unix:@NAME";

/* ---- addresses ---- */

static const struct sockaddr_un *as_unix(const struct net_address *address)
{
    return (const struct sockaddr_un *)&address->storage;
}

static const struct sockaddr *as_any(const struct net_address *address)
{
    return (const struct sockaddr *)&address->storage;
}

bool net_is_unix(const struct net_address *address)
{
    return address->storage.ss_family == AF_UNIX;
}

bool net_is_loopback(const struct net_address *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&address->storage)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->storage.ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address->storage)->sin6_addr);
}

uint16_t net_port(const struct net_address *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return 0;
}

static bool net_is_abstract(const struct net_address *address)
{
    return net_is_unix(address) && address->length > offsetof(struct sockaddr_un, sun_path) &&
           as_unix(address)->sun_path[0] == '\0';
}

/* unix(7): a path ends with its NUL; an abstract name begins with one, and its length is part of the address's. */
static int parse_unix(const char *path, struct net_address *address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->storage;
    size_t length = strlen(path);
    bool abstract = path[0] == '@';

    if (length < 1u + abstract || length >= sizeof(un->sun_path))
        return -EINVAL;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, length + 1);
    if (abstract)
        un->sun_path[0] = '\0';
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    return 0;
}

static int parse_port(const char *text, in_port_t *port)
{
    size_t length = strlen(text);
    unsigned long value;

    if (length < 1 || length > 5 || strspn(text, "0123456789") != length)
        return -EINVAL;
    value = strtoul(text, NULL, 10);
    if (value > UINT16_MAX)
        return -EINVAL;
    *port = htons((uint16_t)value);
    return 0;
}

static int parse_ipv4(const char *host, in_port_t port, struct net_address *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->storage;

    if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
        return -EINVAL;
    in->sin_family = AF_INET;
    in->sin_port = port;
    address->length = sizeof(*in);
    return 0;
}

/* A name or, with AI_NUMERICHOST, a numeric address with a scope (fe80::1%eth0). */
static int look_up(const char *host, int family, int flags, in_port_t port, struct net_address *address)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *found;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return -ENOENT;
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    freeaddrinfo(found);
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = port;
    else
        ((struct sockaddr_in *)&address->storage)->sin_port = port;
    return 0;
}

static int parse_ipv6(const char *host, in_port_t port, struct net_address *address)
{
    return look_up(host, AF_INET6, AI_NUMERICHOST, port, address) < 0 ? -EINVAL : 0;
}

/* "127.1" and "8080" are IPv4 addresses to the resolver; here they are mistakes. */
static int parse_name(const char *host, in_port_t port, struct net_address *address)
{
    if (host[0] == '\0' || strspn(host, "0123456789.") == strlen(host) || strpbrk(host, ":[]/ ") != NULL)
        return -EINVAL;
    if (look_up(host, AF_INET, 0, port, address) == 0)
        return 0;
    return look_up(host, AF_INET6, 0, port, address);
}

static int parse_host(char *host, in_port_t port, struct net_address *address)
{
    size_t length = strlen(host);

    if (strcmp(host, "*") == 0)
        return parse_ipv4("0.0.0.0", port, address);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        return parse_ipv6(host + 1, port, address);
    }
    if (parse_ipv4(host, port, address) == 0)
        return 0;
    return parse_name(host, port, address);
}

int net_parse_address(const char *text, struct net_address *address)
{
    const char *colon = strrchr(text, ':');
    char host[NI_MAXHOST];
    in_port_t port;

    memset(address, 0, sizeof(*address));
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, address);
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    return parse_host(host, port, address);
}

/* sun_path need not end with a NUL in what the kernel gives back. A socket without a name has an empty one. */
static char *format_unix(const struct net_address *address, const char *before, const char *behind, char *text)
{
    const char *path = as_unix(address)->sun_path;
    size_t offset = offsetof(struct sockaddr_un, sun_path), length = address->length > offset ? address->length - offset : 0;
    bool abstract = net_is_abstract(address);

    if (abstract)
        snprintf(text, NET_TEXT_SIZE, "%s@%.*s%s", before, (int)length - 1, path + 1, behind);
    else
        snprintf(text, NET_TEXT_SIZE, "%s%.*s%s", before, (int)strnlen(path, length), path, behind);
    return text;
}

static bool format_host(const struct net_address *address, char *host, size_t size)
{
    return getnameinfo(as_any(address), address->length, host, (socklen_t)size, NULL, 0, NI_NUMERICHOST) == 0;
}

char *net_format_address(const struct net_address *address, bool with_port, char *text)
{
    char host[INET6_ADDRSTRLEN + 32];

    if (net_is_unix(address))
        return format_unix(address, "unix:", "", text);
    if (!format_host(address, host, sizeof(host)))
        return strcpy(text, "?");
    if (!with_port)
        snprintf(text, NET_TEXT_SIZE, "%s", host);
    else if (address->storage.ss_family == AF_INET6)
        snprintf(text, NET_TEXT_SIZE, "[%s]:%u", host, net_port(address));
    else
        snprintf(text, NET_TEXT_SIZE, "%s:%u", host, net_port(address));
    return text;
}

char *net_format_url(const struct net_address *address, char *text)
{
    char plain[NET_TEXT_SIZE - 8];

    if (net_is_unix(address))
        return format_unix(address, "http://unix:", ":", text);
    snprintf(plain, sizeof(plain), "%s", net_format_address(address, true, text));
    snprintf(text, NET_TEXT_SIZE, "http://%s", plain);
    return text;
}

/* ---- listening ---- */

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int close_and_fail(int fd, int error)
{
    close(fd);
    return error;
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int bind_to(int fd, const struct net_address *address)
{
    return bind(fd, as_any(address), address->length) == 0 ? 0 : -errno;
}

static int open_tcp_listener(int family)
{
    int fd = open_socket(family), error;

    if (fd < 0)
        return fd;
    error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (error == 0 && family == AF_INET6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return error < 0 ? close_and_fail(fd, error) : fd;
}

/*
 * Holds the address for a SO_REUSEPORT group without ever listening. Two things make it firm. The option is set after bind, so
 * the bind itself does not join anybody. And SO_REUSEADDR is off: with it on both sides, Linux lets a second program bind to
 * what is bound but not listening. It is on only where connections of a former server (TIME_WAIT) make the plain bind fail, and
 * only for the bind.
 */
static int reserve_tcp(int fd, const struct net_address *address)
{
    int error = bind_to(fd, address);

    if (error == -EADDRINUSE) {
        error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (error == 0)
            error = bind_to(fd, address);
        if (error == 0)
            error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    }
    return error < 0 ? error : set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static int bind_tcp(int fd, const struct net_address *address, unsigned flags)
{
    int error;

    if (flags & NET_RESERVE)
        return reserve_tcp(fd, address);
    error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && (flags & NET_REUSEPORT))
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return error < 0 ? error : bind_to(fd, address);
}

/*
 * Nobody listens at this path: a socket file, and connecting to it is refused. The file type is asked first, because connect(2)
 * refuses any other file in the same way, and somebody's file must not be lost. (A server between its bind and its listen
 * looks dead, too; two servers started on one path in the same instant are not told apart.)
 */
static bool is_left_behind(const struct net_address *address)
{
    struct stat status;
    int fd, error;

    if (net_is_abstract(address) || lstat(as_unix(address)->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    fd = open_socket(AF_UNIX);
    if (fd < 0)
        return false;
    error = connect(fd, as_any(address), address->length) == 0 ? 0 : errno;
    close(fd);
    return error == ECONNREFUSED;
}

static int bind_unix(int fd, const struct net_address *address)
{
    int error = bind_to(fd, address);

    if (error != -EADDRINUSE || !is_left_behind(address))
        return error;
    if (unlink(as_unix(address)->sun_path) != 0 && errno != ENOENT)
        return -errno;
    return bind_to(fd, address);
}

int net_bind(const struct net_address *address, unsigned flags)
{
    bool local = net_is_unix(address);
    int fd, error;

    if (local && (flags & NET_REUSEPORT))
        return -EOPNOTSUPP;
    fd = local ? open_socket(AF_UNIX) : open_tcp_listener(address->storage.ss_family);
    if (fd < 0)
        return fd;
    error = local ? bind_unix(fd, address) : bind_tcp(fd, address, flags);
    return error < 0 ? close_and_fail(fd, error) : fd;
}

int net_listen(const struct net_address *address, unsigned flags, int backlog)
{
    int fd = net_bind(address, flags);

    if (fd >= 0 && listen(fd, backlog) != 0)
        return close_and_fail(fd, -errno);
    return fd;
}

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68 /* Linux 5.3 */
#endif

#define STEER_MOST 1000 /* two instructions each, of 4,096 */

static int attach_steering(int fd, const unsigned *positions, unsigned count)
{
    struct sock_filter code[2 * STEER_MOST + 3];
    unsigned short used = 0;
    code[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
    code[used++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count);
    for (unsigned i = 0; i < count; i++) {
        code[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1);
        code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, positions[i]);
    }
    code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, positions[0]);
    struct sock_fprog program = {used, code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0 ? 0 : -errno;
}

int net_steer_group(int fd, const unsigned *positions, unsigned count)
{
    int nothing = 0;
    if (count > STEER_MOST)
        return -E2BIG;
    if (count > 0)
        return attach_steering(fd, positions, count);
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &nothing, sizeof nothing) == 0 ? 0 : -errno;
}

void net_remove(const struct net_address *address)
{
    if (net_is_unix(address) && !net_is_abstract(address))
        unlink(as_unix(address)->sun_path);
}

int net_local_address(int fd, struct net_address *address)
{
    memset(address, 0, sizeof(*address));
    address->length = sizeof(address->storage);
    return getsockname(fd, (struct sockaddr *)&address->storage, &address->length) == 0 ? 0 : -errno;
}

int net_peer_address(int fd, struct net_address *address)
{
    memset(address, 0, sizeof(*address));
    address->length = sizeof(address->storage);
    return getpeername(fd, (struct sockaddr *)&address->storage, &address->length) == 0 ? 0 : -errno;
}

/* A connection that its client gave up while it waited (ECONNABORTED) is no reason to stop looking at the queue. */
int net_accept(int listener)
{
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

/* ---- connecting ---- */

/* ip(7): IP_BIND_ADDRESS_NO_PORT leaves the port to connect, which may then share it between different destinations. A port that
 * was asked for is bound at once; SO_REUSEADDR, because a former connection of it in TIME_WAIT is no reason to refuse. */
static int bind_source(int fd, const struct net_address *source)
{
    int error = 0;

    if (net_port(source) != 0)
        error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    else if (!net_is_unix(source))
        error = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return error < 0 ? error : bind_to(fd, source);
}

static int connect_to(int fd, const struct net_address *to, bool *in_progress)
{
    *in_progress = false;
    if (connect(fd, as_any(to), to->length) == 0)
        return 0;
    *in_progress = errno == EINPROGRESS || errno == EINTR;
    return *in_progress ? 0 : -errno;
}

int net_connect_start(const struct net_address *to, const struct net_address *source, bool *in_progress)
{
    int fd = open_socket(to->storage.ss_family), error = 0;

    if (fd < 0)
        return fd;
    if (!net_is_unix(to))
        error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (error == 0 && source != NULL)
        error = bind_source(fd, source);
    if (error == 0)
        error = connect_to(fd, to, in_progress);
    return error < 0 ? close_and_fail(fd, error) : fd;
}

int net_connect_result(int fd)
{
    socklen_t length = sizeof(int);
    int error = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -errno;
    return -error;
}

/* ---- the system's limits ---- */

int net_somaxconn(void)
{
    char *text = NULL;
    long value = 0;

    if (file_read("/proc/sys/net/core/somaxconn", 64, &text, NULL) == 0)
        value = strtol(text, NULL, 10);
    free(text);
    return value > 0 && value <= INT32_MAX ? (int)value : 4096;
}

uint64_t net_raise_file_limit(void)
{
    struct rlimit limit;
    rlim_t before;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}
