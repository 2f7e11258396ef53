/*
 * Who gets the next request: an upstream that is open, in the order of the policy.
 *
 * Failure is seen in passing: an upstream that refuses a connection is passed over for a moment, unless there is no other.
 *
 * Where upstreams come and go, their keeper writes that down and the proxy looks at one number with every choice. So a kept
 * connection is given up before the worker at its other end is told to leave, and a request that must not be sent twice does
 * not meet that end. Two moments count. When another worker takes over (`generations`), nothing more is sent to the old one.
 * But while it still accepts, connections that were meant for the new one may end up with it; so those, too, are given up when
 * it has stopped accepting (`departures`).
 *
 * Rule: when nobody is open, a request still goes to an address that is known, and every address is known that has been written
 * down, open or not. A worker that is being started again, or whoever looks after its socket until then, will find it there; only
 * when nobody listens any more it is refused.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/scoreboard.h"
#include "proxy/exchange.h"

#define PASSED_OVER_MS 100

/* ---- those that refuse ---- */

static void forget_refusal(struct proxy *proxy, struct upstream *upstream)
{
    proxy->passed_over -= upstream->passed_over_until_ms != 0;
    upstream->passed_over_until_ms = 0;
}

void members_pass_over(struct proxy *proxy, unsigned upstream)
{
    struct upstream *refuses = &proxy->pool.upstreams[upstream];
    if (!refuses->open)
        return;
    proxy->passed_over += refuses->passed_over_until_ms == 0;
    refuses->passed_over_until_ms = uv_now(proxy->settings.loop) + PASSED_OVER_MS;
    balance_set_usable(&proxy->balance, upstream, false);
}

/* Those whose time is over; all, when there is nobody else. */
static void take_back_passed_over(struct proxy *proxy)
{
    bool all = proxy->passed_over == proxy->open;
    uint64_t now_ms = uv_now(proxy->settings.loop);
    for (unsigned i = 0; i < proxy->pool.count; i++) {
        struct upstream *upstream = &proxy->pool.upstreams[i];
        if (upstream->passed_over_until_ms == 0 || (!all && upstream->passed_over_until_ms > now_ms))
            continue;
        forget_refusal(proxy, upstream);
        balance_set_usable(&proxy->balance, i, true);
    }
}

/* ---- those that come and go ---- */

static bool is_same(const struct upstream *upstream, bool open, const struct net_address *address)
{
    return open == upstream->open && upstream->address.length == address->length &&
           memcmp(&upstream->address.storage, &address->storage, address->length) == 0;
}

static void look_at(struct proxy *proxy, unsigned i)
{
    const struct proxy_members *members = &proxy->settings.members;
    struct upstream *upstream = &proxy->pool.upstreams[i];
    const bool open = !members->states || members->states[i] == UPSTREAM_OPEN;
    const uint32_t generation = members->generations ? members->generations[i] : 0,
                   departures = members->departures ? members->departures[i] : 0;
    if (is_same(upstream, open, &proxy->settings.upstreams[i]) && generation == upstream->generation &&
        departures == upstream->departures)
        return;
    upstream_renew(upstream);
    forget_refusal(proxy, upstream);
    upstream->open = open;
    upstream->generation = generation;
    upstream->departures = departures;
    upstream->address = proxy->settings.upstreams[i];
}

/* The policy chooses among the first so many; the others are not even looked at. */
static void look_at_all(struct proxy *proxy)
{
    unsigned behind_last = 0;
    proxy->open = 0;
    for (unsigned i = 0; i < proxy->pool.count; i++) {
        look_at(proxy, i);
        if (!proxy->pool.upstreams[i].open)
            continue;
        proxy->open++;
        behind_last = i + 1;
    }
    balance_set_count(&proxy->balance, behind_last);
    for (unsigned i = 0; i < proxy->pool.count; i++) {
        const struct upstream *upstream = &proxy->pool.upstreams[i];
        balance_set_usable(&proxy->balance, i, upstream->open && upstream->passed_over_until_ms == 0);
    }
}

/* What is written down while we look has its version written behind it: then the next choice looks again. */
static void follow(struct proxy *proxy)
{
    const struct proxy_members *members = &proxy->settings.members;
    if (!members->version)
        return;
    uint32_t version = atomic_load_explicit(members->version, memory_order_acquire);
    if (version == proxy->version)
        return;
    proxy->version = version;
    look_at_all(proxy);
}

/* ---- choices ---- */

static int choose_known(const struct proxy *proxy, int tried)
{
    unsigned count = proxy->pool.count, next = (unsigned)(tried + 1);
    for (unsigned i = 0; i < count; i++) {
        unsigned upstream = (next + i) % count;
        if (proxy->pool.upstreams[upstream].address.length > 0)
            return (int)upstream;
    }
    return -1;
}

int members_choose(struct proxy *proxy, int tried)
{
    follow(proxy);
    if (proxy->open == 0)
        return choose_known(proxy, tried);
    if (proxy->passed_over > 0)
        take_back_passed_over(proxy);
    bool hide = tried >= 0 && proxy->members[tried].usable && proxy->open - proxy->passed_over > 1;
    if (hide)
        balance_set_usable(&proxy->balance, (unsigned)tried, false);
    int upstream = balance_pick(&proxy->balance);
    if (hide)
        balance_set_usable(&proxy->balance, (unsigned)tried, true);
    return upstream;
}

int members_open(struct proxy *proxy)
{
    const struct proxy_settings *settings = &proxy->settings;
    proxy->members = calloc(settings->upstream_count, sizeof *proxy->members);
    if (!proxy->members)
        return -ENOMEM;
    balance_init(&proxy->balance, settings->policy, proxy->members, settings->upstream_count);
    if (settings->members.version)
        proxy->version = atomic_load_explicit(settings->members.version, memory_order_acquire);
    look_at_all(proxy);
    return 0;
}
