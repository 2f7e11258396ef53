/*
 * From which local address and port a connection comes, and how long it lives.
 *
 * One address has some 28,000 ports for connections to one server, so more connections than that, or more short ones than TIME_WAIT
 * lets go, need several addresses; connection i of all takes address i mod their number. With IP_BIND_ADDRESS_NO_PORT the kernel
 * chooses the port at connect(2), when it knows the peer, and a port may serve once for each peer.
 *
 * Seeded ports are drawn from the range the kernel draws from (ip_local_port_range). A server's SO_REUSEPORT hash is a function of
 * addresses and ports, so the same seed gives the same ports, whatever the kernel's counter says, and another seed another
 * independent draw. What is taken is passed over for the next draw.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "loadgen/engine/engine.h"

#define DRAWS_MOST     256 /* ports in use, one after the other, before a connect is given up */
#define ADDRESSES_MOST (1 << 20)

/* ---- options ---- */

int connection_life_parse(const char *text, void *field)
{
    struct connection_life *life = field;
    bool geometric = strncmp(text, "geometric:", strlen("geometric:")) == 0;
    const char *number = geometric ? text + strlen("geometric:") : text;
    uint64_t requests;
    if (units_parse_count(number, strlen(number), &requests) != 0 || requests == 0)
        return -EINVAL;
    *life = (struct connection_life){requests, geometric};
    return 0;
}

/* The address as bytes, most significant first. */
static uint8_t *bytes_of(struct net_address *address, unsigned *count)
{
    bool is_ipv4 = address->storage.ss_family == AF_INET;
    *count = is_ipv4 ? 4 : 16;
    return is_ipv4 ? (uint8_t *)&((struct sockaddr_in *)&address->storage)->sin_addr
                   : (uint8_t *)&((struct sockaddr_in6 *)&address->storage)->sin6_addr;
}

static int parse_ip(const char *text, size_t length, struct net_address *address)
{
    char host[INET6_ADDRSTRLEN];
    unsigned count;
    if (length >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    bool is_ipv4 = strchr(host, ':') == NULL;
    memset(address, 0, sizeof(*address));
    address->storage.ss_family = is_ipv4 ? AF_INET : AF_INET6;
    address->length = is_ipv4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    return inet_pton(address->storage.ss_family, host, bytes_of(address, &count)) == 1 ? 0 : -EINVAL;
}

/* How far `last` lies behind `first`; UINT64_MAX when it does not, or too far. */
static uint64_t distance(struct net_address *first, struct net_address *last)
{
    unsigned count;
    const uint8_t *from = bytes_of(first, &count), *to = bytes_of(last, &count);
    if (first->storage.ss_family != last->storage.ss_family)
        return UINT64_MAX;
    int64_t difference = 0;
    for (unsigned i = 0; i < count; i++) {
        difference = difference * 256 + to[i] - from[i];
        if (difference < 0 || difference > ADDRESSES_MOST)
            return UINT64_MAX;
    }
    return (uint64_t)difference;
}

int source_range_parse(const char *text, void *field)
{
    struct source_range range;
    struct net_address last;
    const char *dash = strchr(text, '-');
    size_t length = dash ? (size_t)(dash - text) : strlen(text);
    if (parse_ip(text, length, &range.first) != 0)
        return -EINVAL;
    last = range.first;
    if (dash && parse_ip(dash + 1, strlen(dash + 1), &last) != 0)
        return -EINVAL;
    uint64_t behind = distance(&range.first, &last);
    if (behind >= ADDRESSES_MOST)
        return -EINVAL;
    range.count = (uint32_t)behind + 1;
    *(struct source_range *)field = range;
    return 0;
}

/* ---- where from ---- */

void source_address(const struct source_range *range, uint64_t nth, struct net_address *address)
{
    unsigned count;
    *address = range->first;
    uint8_t *bytes = bytes_of(address, &count);
    uint64_t carry = nth % range->count;
    for (int i = (int)count - 1; i >= 0 && carry; i--, carry >>= 8) {
        carry += bytes[i];
        bytes[i] = (uint8_t)carry;
    }
}

struct port_range port_range_read(void)
{
    struct port_range range = {32768, 28232}; /* the kernel's own default */
    unsigned first, last;
    char *text = NULL;
    if (file_read("/proc/sys/net/ipv4/ip_local_port_range", 64, &text, NULL) == 0 && sscanf(text, "%u %u", &first, &last) == 2 &&
        first > 0 && first <= last && last <= UINT16_MAX)
        range = (struct port_range){(uint16_t)first, last - first + 1};
    free(text);
    return range;
}

static void set_port(struct net_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET)
        ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
}

/* Any address of the server's family. */
static void any_address(const struct net_address *to, struct net_address *address)
{
    memset(address, 0, sizeof(*address));
    address->storage.ss_family = to->storage.ss_family;
    address->length = to->length;
}

/* EADDRINUSE: somebody else's port; EADDRNOTAVAIL, from connect: the same port has a connection to this server, or just had. */
static bool is_taken(int error)
{
    return error == -EADDRINUSE || error == -EADDRNOTAVAIL;
}

static int connect_seeded(struct engine *engine, struct net_address *source, bool *in_progress)
{
    const struct port_range *ports = &engine->load->ports;
    int fd = -EADDRINUSE;
    for (unsigned draw = 0; draw < DRAWS_MOST && is_taken(fd); draw++) {
        set_port(source, (uint16_t)(ports->first + random_below(&engine->ports, ports->count)));
        fd = net_connect_start(&engine->settings->url.address, source, in_progress);
    }
    return fd;
}

int source_connect(struct connection *connection, bool *in_progress)
{
    struct engine *engine = connection->engine;
    const struct settings *settings = engine->settings;
    const struct net_address *to = &settings->url.address;
    struct net_address source;
    bool seeded = settings->source_ports == SOURCE_PORTS_SEEDED;
    if (!settings->source.count && !seeded)
        return net_connect_start(to, NULL, in_progress);
    if (settings->source.count)
        source_address(&settings->source, connection->index * settings->threads + engine->index, &source);
    else
        any_address(to, &source);
    return seeded ? connect_seeded(engine, &source, in_progress) : net_connect_start(to, &source, in_progress);
}

/* ---- how long ---- */

/* Geometric on 1, 2, ...: the number of trials up to the first success, each of probability 1/mean (by inversion). */
uint64_t connection_life_draw(const struct connection_life *life, struct random *random)
{
    if (life->requests == 0)
        return UINT64_MAX;
    if (!life->geometric || life->requests == 1)
        return life->requests;
    return 1 + (uint64_t)(random_exponential(random) / -log1p(-1.0 / (double)life->requests));
}
