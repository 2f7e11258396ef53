/* Sockets on loopback: addresses there and back, who may bind what somebody holds, and what accepted sockets inherit. */
#include "support.h"

#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct net_address parse(const char *text)
{
    struct net_address address;

    if (net_parse_address(text, &address) != 0)
        fail_msg("'%s' is refused", text);
    return address;
}

static struct net_address bound_address(int fd)
{
    struct net_address address;

    assert_int_equal(net_local_address(fd, &address), 0);
    return address;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(close(fds[i]), 0);
}

/* ---- texts ---- */

static void good_addresses(void **state)
{
    static const struct {
        const char *text, *with_port, *without, *url;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", "http://127.0.0.1:8080", 8080},
        {"*:0", "0.0.0.0:0", "0.0.0.0", "http://0.0.0.0:0", 0},
        {"[::1]:65535", "[::1]:65535", "::1", "http://[::1]:65535", 65535},
        {"[2001:db8:0::5]:80", "[2001:db8::5]:80", "2001:db8::5", "http://[2001:db8::5]:80", 80},
        {"localhost:80", "127.0.0.1:80", "127.0.0.1", "http://127.0.0.1:80", 80},
        {"unix:/tmp/a:b.sock", "unix:/tmp/a:b.sock", "unix:/tmp/a:b.sock", "http://unix:/tmp/a:b.sock:", 0},
        {"unix:@name", "unix:@name", "unix:@name", "http://unix:@name:", 0},
    };
    char text[NET_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct net_address address = parse(rows[i].text);

        assert_string_equal(net_format_address(&address, true, text), rows[i].with_port);
        assert_string_equal(net_format_address(&address, false, text), rows[i].without);
        assert_string_equal(net_format_url(&address, text), rows[i].url);
        assert_int_equal(net_port(&address), rows[i].port);
        assert_int_equal(net_is_unix(&address), strncmp(rows[i].text, "unix:", 5) == 0);
    }
}

static void bad_addresses(void **state)
{
    static const char *const bad[] = {
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:8o",
        "127.0.0.1:000080",
        "127.1:80",
        "256.0.0.1:80",
        "1.2.3.4.5:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "a b:80",
        "unix:",
        "unix:@",
        "http://127.0.0.1:80",
    };
    struct net_address address;

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        if (net_parse_address(bad[i], &address) != -EINVAL)
            fail_msg("'%s' is taken", bad[i]);
    assert_int_equal(net_parse_address("no-such-host.invalid:80", &address), -ENOENT);
}

static void longest_unix_paths(void **state)
{
    char text[5 + sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "unix:", formatted[NET_TEXT_SIZE];
    struct net_address address;

    (void)state;
    memset(text + 5, 'x', sizeof(text) - 6);
    assert_int_equal(net_parse_address(text, &address), -EINVAL);
    text[sizeof(text) - 2] = '\0';
    assert_int_equal(net_parse_address(text, &address), 0);
    assert_string_equal(net_format_address(&address, true, formatted), text);
    assert_int_equal(strlen(net_format_url(&address, formatted)), strlen("http://") + strlen(text) + 1);
}

static void loopback_addresses(void **state)
{
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {{"127.0.0.1:1", true}, {"127.255.3.4:1", true}, {"[::1]:1", true},      {"128.0.0.1:1", false},
                {"*:1", false},        {"[::]:1", false},       {"[fe80::1]:1", false}, {"unix:/a", false}};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct net_address address = parse(rows[i].text);

        assert_int_equal(net_is_loopback(&address), rows[i].loopback);
    }
}

/* ---- who may bind ---- */

static int listen_on(const struct net_address *address, unsigned flags)
{
    int fd = net_listen(address, flags, 16);

    assert_true(fd >= 0);
    return fd;
}

/* The descriptor of a reserved port, and its address with the port the kernel gave. */
static int reserve(const char *text, struct net_address *address)
{
    struct net_address any = parse(text);
    int fd = net_bind(&any, NET_RESERVE);

    assert_true(fd >= 0);
    *address = bound_address(fd);
    assert_int_not_equal(net_port(address), 0);
    return fd;
}

static void port_zero_is_resolved(void **state)
{
    struct net_address any = parse("127.0.0.1:0"), bound;
    int fd = listen_on(&any, 0);

    (void)state;
    bound = bound_address(fd);
    assert_int_not_equal(net_port(&bound), 0);
    close(fd);
}

static void listening_port_is_taken(void **state)
{
    struct net_address address = parse("127.0.0.1:0");
    int fd = listen_on(&address, 0);

    (void)state;
    address = bound_address(fd);
    assert_int_equal(net_listen(&address, 0, 16), -EADDRINUSE);
    assert_int_equal(net_bind(&address, NET_RESERVE), -EADDRINUSE);
    assert_int_equal(net_bind(&address, NET_REUSEPORT), -EADDRINUSE);
    close(fd);
}

/* Before any worker listens, and after: nobody but members of the group may have the port. */
static void reserved_port_is_for_its_group(void **state)
{
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0", "*:0"};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        struct net_address address;
        int fds[3];

        fds[0] = reserve(texts[i], &address);
        assert_int_equal(net_bind(&address, NET_RESERVE), -EADDRINUSE);
        assert_int_equal(net_bind(&address, 0), -EADDRINUSE);
        fds[1] = listen_on(&address, NET_REUSEPORT);
        fds[2] = listen_on(&address, NET_REUSEPORT);
        assert_int_equal(net_bind(&address, NET_RESERVE), -EADDRINUSE);
        assert_int_equal(net_listen(&address, 0, 16), -EADDRINUSE);
        close_all(fds, 3);
    }
}

static void wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};

    assert_int_equal(poll(&one, 1, 10000), 1);
}

static int connect_to(const struct net_address *address)
{
    bool in_progress;
    int fd = net_connect_start(address, NULL, &in_progress);

    assert_true(fd >= 0);
    if (in_progress)
        wait_for(fd, POLLOUT);
    assert_int_equal(net_connect_result(fd), 0);
    return fd;
}

static int accept_from(int listener)
{
    int fd;

    wait_for(listener, POLLIN);
    fd = net_accept(listener);
    assert_true(fd >= 0);
    return fd;
}

/* A server that closes first leaves a TIME_WAIT behind. That may neither stop the next one nor make the reservation weak. */
static void reserved_over_time_wait(void **state)
{
    struct net_address address = parse("127.0.0.1:0");
    int listener = listen_on(&address, 0), client, accepted, reserved, worker;
    char byte;

    (void)state;
    address = bound_address(listener);
    client = connect_to(&address);
    accepted = accept_from(listener);
    close(accepted);
    wait_for(client, POLLIN);
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    close(listener);

    reserved = net_bind(&address, NET_RESERVE);
    assert_true(reserved >= 0);
    assert_int_equal(net_bind(&address, NET_RESERVE), -EADDRINUSE);
    assert_int_equal(net_bind(&address, 0), -EADDRINUSE);
    worker = listen_on(&address, NET_REUSEPORT);
    assert_int_equal(net_bind(&address, NET_RESERVE), -EADDRINUSE);
    close(worker);
    close(reserved);
}

/* The reservation never listens, so every connection reaches the worker. */
static void reservation_takes_no_connections(void **state)
{
    struct net_address address;
    int reserved = reserve("127.0.0.1:0", &address), worker = listen_on(&address, NET_REUSEPORT);

    (void)state;
    for (int i = 0; i < 32; i++) {
        int client = connect_to(&address);

        close(accept_from(worker));
        close(client);
    }
    close(worker);
    close(reserved);
}

/* ---- unix ---- */

struct folder {
    char path[64], text[NET_TEXT_SIZE];
};

static struct net_address address_in(struct folder *folder)
{
    strcpy(folder->path, "/tmp/test_net.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->text, sizeof(folder->text), "unix:%s/socket", folder->path);
    return parse(folder->text);
}

static void remove_folder(struct folder *folder)
{
    assert_true(unlink(folder->text + 5) == 0 || errno == ENOENT);
    assert_int_equal(rmdir(folder->path), 0);
}

/* ---- a group of SO_REUSEPORT sockets, and who of it gets connections ---- */

#define GROUP 3
#define CALLS 96

/* Connects so often; how many each socket of the group got is added up. */
static void connect_often(const struct net_address *address, const int *fds, unsigned counts[GROUP])
{
    int clients[CALLS], fd;

    for (int i = 0; i < CALLS; i++)
        clients[i] = connect_to(address);
    for (int i = 0; i < GROUP; i++)
        for (counts[i] = 0; fds[i] >= 0 && (fd = net_accept(fds[i])) >= 0; counts[i]++)
            close(fd);
    close_all(clients, CALLS);
}

/* As the servers do: the address is reserved first, by a socket that is none of the group. */
static int open_group(struct net_address *address, int *fds)
{
    struct net_address any = parse("127.0.0.1:0");
    int reserved = net_bind(&any, NET_RESERVE);

    assert_true(reserved >= 0);
    *address = bound_address(reserved);
    for (int i = 0; i < GROUP; i++) {
        fds[i] = net_listen(address, NET_REUSEPORT, 2 * CALLS);
        assert_true(fds[i] >= 0);
    }
    return reserved;
}

static void steered_connections(void **state)
{
    static const unsigned ends[] = {0, 2}, middle[] = {1};
    unsigned counts[GROUP];
    struct net_address address;
    int fds[GROUP], reserved = open_group(&address, fds);

    (void)state;
    assert_int_equal(net_steer_group(fds[1], ends, 2), 0); /* said on any socket of the group */
    connect_often(&address, fds, counts);
    assert_true(counts[0] > 0 && counts[2] > 0);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[0] + counts[2], CALLS);
    assert_int_equal(net_steer_group(fds[0], middle, 1), 0); /* another order takes the place of the one before */
    connect_often(&address, fds, counts);
    assert_int_equal(counts[1], CALLS);
    assert_int_equal(net_steer_group(fds[2], NULL, 0), 0); /* the hash again */
    connect_often(&address, fds, counts);
    assert_true(counts[0] > 0 && counts[1] > 0 && counts[2] > 0);
    assert_int_equal(counts[0] + counts[1] + counts[2], CALLS);
    close_all(fds, GROUP);
    close(reserved);
}

/* The last one moves into the place of one that is closed. */
static void steered_while_one_leaves(void **state)
{
    static const unsigned second[] = {1}, first[] = {0};
    unsigned counts[GROUP];
    struct net_address address;
    int fds[GROUP], reserved = open_group(&address, fds);

    (void)state;
    assert_int_equal(net_steer_group(fds[0], second, 1), 0);
    close(fds[0]);
    fds[0] = -1;
    connect_often(&address, fds, counts);
    assert_int_equal(counts[1], CALLS);
    assert_int_equal(net_steer_group(fds[1], first, 1), 0);
    connect_often(&address, fds, counts);
    assert_int_equal(counts[2], CALLS);
    close_all(fds + 1, GROUP - 1);
    close(reserved);
}

static void steering_that_cannot_be(void **state)
{
    static unsigned far_too_many[100000];
    struct net_address address;
    int fds[GROUP], reserved = open_group(&address, fds);

    (void)state;
    assert_int_equal(net_steer_group(fds[0], far_too_many, LENGTH_OF(far_too_many)), -E2BIG);
    assert_true(net_steer_group(fds[0], NULL, 0) < 0); /* there is nothing to take back */
    close_all(fds, GROUP);
    close(reserved);
    assert_int_equal(net_steer_group(fds[0], NULL, 0), -EBADF);
}

static void unix_path_in_use_is_taken(void **state)
{
    struct folder folder;
    struct net_address address = address_in(&folder);
    int fd = listen_on(&address, 0), client;

    (void)state;
    assert_int_equal(net_listen(&address, 0, 16), -EADDRINUSE);
    client = connect_to(&address);
    close(accept_from(fd));
    close(client);
    close(fd);
    remove_folder(&folder);
}

static void stale_unix_path_is_taken_over(void **state)
{
    struct folder folder;
    struct net_address address = address_in(&folder);
    int fd, client;

    (void)state;
    close(listen_on(&address, 0));
    assert_int_equal(access(folder.text + 5, F_OK), 0);
    fd = listen_on(&address, 0);
    client = connect_to(&address);
    close(accept_from(fd));
    close(client);
    close(fd);
    remove_folder(&folder);
}

static void files_that_are_no_sockets_stay(void **state)
{
    struct folder folder;
    struct net_address address = address_in(&folder);
    struct stat status;
    int file = open(folder.text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, "precious", 8), 8);
    close(file);
    assert_int_equal(net_bind(&address, 0), -EADDRINUSE);
    assert_int_equal(stat(folder.text + 5, &status), 0);
    assert_int_equal(status.st_size, 8);
    remove_folder(&folder);
}

static void unix_in_no_folder(void **state)
{
    struct net_address address = parse("unix:/no/such/folder/socket");

    (void)state;
    assert_int_equal(net_bind(&address, 0), -ENOENT);
    assert_int_equal(net_bind(&address, NET_REUSEPORT), -EOPNOTSUPP);
}

static void abstract_names(void **state)
{
    char text[64], formatted[NET_TEXT_SIZE];
    struct net_address address, bound, peer;
    int fd, client;

    (void)state;
    snprintf(text, sizeof(text), "unix:@test_net-%ld", (long)getpid());
    address = parse(text);
    fd = listen_on(&address, 0);
    assert_int_equal(net_listen(&address, 0, 16), -EADDRINUSE);
    bound = bound_address(fd);
    assert_string_equal(net_format_address(&bound, true, formatted), text);
    client = connect_to(&address);
    assert_int_equal(net_peer_address(client, &peer), 0);
    assert_string_equal(net_format_address(&peer, true, formatted), text);
    bound = bound_address(client);
    assert_string_equal(net_format_address(&bound, true, formatted), "unix:");
    close(accept_from(fd));
    close(client);
    close(fd);
    close(listen_on(&address, 0));
}

/* ---- sockets ---- */

static int option_of(int fd, int level, int option)
{
    socklen_t length = sizeof(int);
    int value = -1;

    assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
    return value;
}

static void check_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void every_socket_is_ready_for_a_loop(void **state)
{
    struct net_address address = parse("127.0.0.1:0");
    int fds[3] = {listen_on(&address, 0), -1, -1};

    (void)state;
    address = bound_address(fds[0]);
    assert_int_equal(net_accept(fds[0]), -EAGAIN);
    fds[1] = connect_to(&address);
    fds[2] = accept_from(fds[0]);
    for (int i = 0; i < 3; i++) {
        check_flags(fds[i]);
        assert_int_not_equal(option_of(fds[i], IPPROTO_TCP, TCP_NODELAY), 0);
    }
    close_all(fds, 3);
}

static void source_address_is_used(void **state)
{
    struct net_address address = parse("127.0.0.1:0"), source = parse("127.0.0.2:0"), peer;
    char text[NET_TEXT_SIZE];
    bool in_progress;
    int listener = listen_on(&address, 0), client, accepted;

    (void)state;
    address = bound_address(listener);
    client = net_connect_start(&address, &source, &in_progress);
    assert_true(client >= 0);
    accepted = accept_from(listener);
    assert_int_equal(net_peer_address(accepted, &peer), 0);
    assert_string_equal(net_format_address(&peer, false, text), "127.0.0.2");
    close(accepted);
    close(client);
    close(listener);
}

static void refused_connect_is_told(void **state)
{
    struct net_address address;
    int reserved = reserve("127.0.0.1:0", &address);
    bool in_progress;
    int fd = net_connect_start(&address, NULL, &in_progress);

    (void)state;
    if (fd >= 0) {
        assert_true(in_progress);
        wait_for(fd, POLLOUT);
        assert_int_equal(net_connect_result(fd), -ECONNREFUSED);
        close(fd);
    } else {
        assert_int_equal(fd, -ECONNREFUSED);
    }
    close(reserved);
}

static void errors_of_wrong_descriptors(void **state)
{
    struct net_address address;

    (void)state;
    assert_int_equal(net_local_address(-1, &address), -EBADF);
    assert_int_equal(net_peer_address(-1, &address), -EBADF);
    assert_int_equal(net_accept(-1), -EBADF);
    assert_int_equal(net_connect_result(-1), -EBADF);
}

static void system_limits(void **state)
{
    struct rlimit limit;

    (void)state;
    assert_true(net_somaxconn() > 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max > 64 ? 64 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(net_raise_file_limit() == limit.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur == limit.rlim_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(bad_addresses),
        cmocka_unit_test(longest_unix_paths),
        cmocka_unit_test(loopback_addresses),
        cmocka_unit_test(port_zero_is_resolved),
        cmocka_unit_test(listening_port_is_taken),
        cmocka_unit_test(reserved_port_is_for_its_group),
        cmocka_unit_test(reserved_over_time_wait),
        cmocka_unit_test(reservation_takes_no_connections),
        cmocka_unit_test(steered_connections),
        cmocka_unit_test(steered_while_one_leaves),
        cmocka_unit_test(steering_that_cannot_be),
        cmocka_unit_test(unix_path_in_use_is_taken),
        cmocka_unit_test(stale_unix_path_is_taken_over),
        cmocka_unit_test(files_that_are_no_sockets_stay),
        cmocka_unit_test(unix_in_no_folder),
        cmocka_unit_test(abstract_names),
        cmocka_unit_test(every_socket_is_ready_for_a_loop),
        cmocka_unit_test(source_address_is_used),
        cmocka_unit_test(refused_connect_is_told),
        cmocka_unit_test(errors_of_wrong_descriptors),
        cmocka_unit_test(system_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
