/*
 * Who holds the listening sockets: one for all workers, or one a place.
 *
 * A place's own socket belongs to the primary and is inherited by every life of the place, so that nothing queued on it is lost
 * when a life ends. While nobody serves the place - its worker is dead, given up, drained, removed - the primary adopts the
 * socket: it takes what arrives there and deals it to the other workers.
 *
 * A place that is removed leaves the group of SO_REUSEPORT sockets without losing a handshake: first the kernel is told to
 * choose among the others only, then what is still under way is taken, and only then is the socket closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/primary.h"

#define ADOPT_MOST     64                      /* connections a wake-up */
#define LEAVE_AFTER_NS (500 * CLOCK_NS_PER_MS) /* for handshakes that had begun before the kernel was told */

static void close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- what strategies open ---- */

static int listen_on(struct primary *primary, bool is_shared)
{
    int fd = net_listen(&primary->options->listen, 0, (int)primary->options->backlog);
    if (fd < 0)
        return fd;
    primary->listener = fd;
    primary->listener_is_shared = is_shared;
    return net_local_address(fd, &primary->scoreboard->address);
}

int primary_listen(struct primary *primary)
{
    return listen_on(primary, true);
}

int primary_listen_alone(struct primary *primary)
{
    return listen_on(primary, false);
}

int primary_reserve(struct primary *primary)
{
    int fd = net_is_unix(&primary->options->listen) ? -EOPNOTSUPP : net_bind(&primary->options->listen, NET_RESERVE);
    if (fd < 0)
        return fd;
    primary->reserved = fd;
    return net_local_address(fd, &primary->scoreboard->address);
}

int primary_listen_each(struct primary *primary)
{
    primary->own_listeners = LISTEN_REUSEPORT;
    return primary_reserve(primary);
}

int primary_listen_upstreams(struct primary *primary)
{
    primary->own_listeners = LISTEN_UPSTREAM;
    return 0;
}

/* ---- a place's own ---- */

static int open_upstream(struct place *place)
{
    struct net_address *address = &place->primary->scoreboard->upstreams[place->index];
    struct net_address any_port;
    int error = net_parse_address("127.0.0.1:0", &any_port);
    if (error)
        return error;
    place->listener = net_listen(&any_port, 0, (int)place->primary->options->backlog);
    if (place->listener < 0)
        return place->listener;
    error = net_local_address(place->listener, address);
    place->primary->scoreboard->upstreams_version++;
    return error;
}

static int open_in_group(struct place *place)
{
    struct primary *primary = place->primary;
    place->listener = net_listen(&primary->scoreboard->address, NET_REUSEPORT, (int)primary->options->backlog);
    if (place->listener < 0)
        return place->listener;
    primary->group[primary->group_count++] = place->index;
    listeners_steer(primary); /* the kernel may have been told to choose among others */
    return 0;
}

int listeners_open_place(struct place *place)
{
    enum own_listeners own = place->primary->own_listeners;
    if (own == LISTEN_NOT || place->role == ROLE_FRONT || place->listener >= 0)
        return 0;
    return own == LISTEN_UPSTREAM ? open_upstream(place) : open_in_group(place);
}

int listeners_inherited(const struct place *place)
{
    const struct primary *primary = place->primary;
    if (place->listener >= 0)
        return place->listener;
    if (primary->listener_is_shared && (place->role == ROLE_FRONT || primary->front_count == 0))
        return primary->listener;
    return -1;
}

/* As the kernel does: the last one moves into the hole. */
static void leave_group(struct primary *primary, unsigned index)
{
    for (unsigned i = 0; i < primary->group_count; i++)
        if (primary->group[i] == index)
            primary->group[i] = primary->group[--primary->group_count];
}

static void close_place(struct place *place)
{
    struct primary *primary = place->primary;
    close_descriptor(&place->listener);
    if (primary->own_listeners == LISTEN_UPSTREAM) { /* the port may be another program's soon */
        primary->scoreboard->upstreams[place->index].length = 0;
        primary->scoreboard->upstreams_version++;
    }
    if (primary->own_listeners != LISTEN_REUSEPORT)
        return;
    leave_group(primary, place->index);
    listeners_steer(primary);
}

static bool stays(const struct place *place)
{
    return place->wanted && !place->drained;
}

/* New connections go to the sockets of places that stay; the hash chooses again when those are all. */
void listeners_steer(struct primary *primary)
{
    unsigned positions[WORKERS_MAX], count = 0;
    int any = -1;
    if (primary->own_listeners != LISTEN_REUSEPORT)
        return;
    for (unsigned i = 0; i < primary->group_count; i++) {
        const struct place *place = &primary->places[primary->group[i]];
        any = place->listener;
        if (stays(place))
            positions[count++] = i;
    }
    if (any < 0 || count == 0)
        return;
    bool all = count == primary->group_count;
    if (all && !primary->steered)
        return;
    int error = net_steer_group(any, positions, all ? 0 : count);
    primary->steered = !all && !error;
    if (error)
        log_line(primary->log, LOG_INFO, "connections cannot be kept from workers that leave: %s", uv_strerror(error));
}

/* ---- adoption ---- */

static void on_adopter_gone(void *context)
{
    struct place *place = context;
    place->adopter_closing = false;
    if (!place->primary->finished)
        listeners_review(place);
}

static void take_adopted(void *context, int fd)
{
    const struct place *place = context;
    dealer_take(place->primary, fd);
}

static void adopt(struct place *place)
{
    struct primary *primary = place->primary;
    int fd = fcntl(place->listener, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return; /* no descriptor is free: looked at again at the next tick */
    if (acceptor_open(&place->adopter, &primary->loop, fd, ADOPT_MOST, take_adopted, place) != 0) {
        close(fd);
        return;
    }
    place->adopting = true;
    place->adopted_ns = clock_now_ns();
    log_line(primary->log, LOG_DEBUG, "connections of worker %u go to others", place->index);
}

static void give_back(struct place *place)
{
    place->adopting = false;
    place->adopter_closing = true;
    acceptor_close(&place->adopter, on_adopter_gone);
}

static bool is_over(const struct place *place)
{
    return !place->wanted && place->adopting && list_empty(&place->lives) && clock_now_ns() - place->adopted_ns >= LEAVE_AFTER_NS;
}

void listeners_review(struct place *place)
{
    const struct primary *primary = place->primary;
    if (place->listener < 0 || place->adopter_closing || !primary->serving || primary->draining || primary->stopping)
        return;
    if (is_over(place)) {
        if (!acceptor_take_all(&place->adopter))
            return; /* nobody has room for them, or no descriptor is free: later */
        give_back(place);
        close_place(place);
    } else if (!place->adopting && !place_serves(place)) {
        adopt(place);
    } else if (place->adopting && place_serves(place)) {
        give_back(place);
    }
}

void listeners_stop_adopting(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->adopting) {
            (void)acceptor_take_all(&place->adopter); /* for what is left, there is nobody */
            give_back(place);
        }
}

void listeners_pause_adopting(struct primary *primary, bool pause)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->adopting)
            (pause ? acceptor_pause : acceptor_resume)(&place->adopter);
}

void listeners_close(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        close_descriptor(&place->listener);
    close_descriptor(&primary->listener);
    close_descriptor(&primary->reserved);
}
