/*
 * Deals connections: the primary accepts and hands each one to the worker that a policy picks. Every strategy has a dealer: for
 * what dead or removed workers left on their sockets.
 *
 * A worker counts what it takes of what it is handed, and what it loses in taking, apart from what it accepts by itself; so what
 * it has not taken yet is known without any answer from it. A worker with too many of those, or at its limit of connections, is
 * passed over; when nobody is left, the connection waits here, and the primary stops accepting: the kernel's queue holds the rest.
 * A full worker does not say when it has room again, so it is looked at again and again. While nobody serves at all, nothing is:
 * the next place that serves says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/primary.h"

#define UNTAKEN_MAX 128 /* hand-offs a worker may be behind; well below what a channel holds */
#define ACCEPT_MOST 64  /* connections a wake-up */
#define RETRY_MS    2   /* while everybody who serves is full */

static void deal_waiting(struct primary *primary);

/* At the end of the program nobody else will come for it: --max-connections does not count then. */
static bool has_room(const struct primary *primary, const struct life *life)
{
    const struct counters *counters = &life->slot->counters;
    uint64_t untaken = life->handed - counter_read(&life->slot->handed_taken);
    if (life->slot->state != WORKER_READY) /* somebody else told it to drain */
        return false;
    if (primary->draining)
        return untaken < UNTAKEN_MAX;
    return untaken < UNTAKEN_MAX && counter_read(&counters->active) + untaken < primary->options->max_connections;
}

/* A thread is given the number, a process a copy. */
static int hand(struct life *life, int fd)
{
    if (life->primary->strategy->place == THREADS)
        return post_hand(&life->post, CHANNEL_LOCAL, fd, -1);
    int error = post_hand(&life->post, CHANNEL_CONNECTION, 0, fd);
    if (!error)
        close(fd);
    return error;
}

/* Offers the connection to one member after the other, in the policy's order. */
static int deal(struct primary *primary, int fd)
{
    struct balance *balance = &primary->dealer.balance;
    int error = -EAGAIN, choice;
    bool passed[WORKERS_MAX] = {false};
    while (error && (choice = balance_pick(balance)) >= 0) {
        struct life *life = primary->places[choice].current;
        error = has_room(primary, life) ? hand(life, fd) : -EAGAIN;
        if (error) {
            passed[choice] = true;
            balance->members[choice].chosen--;
            balance_set_usable(balance, (unsigned)choice, false);
        } else {
            life->handed++;
        }
    }
    for (unsigned i = 0; i < balance->count; i++)
        if (passed[i])
            balance_set_usable(balance, i, true);
    return error;
}

static void on_retry(uv_timer_t *timer)
{
    deal_waiting(timer->data);
}

static bool anybody_serves(const struct balance *balance)
{
    for (unsigned i = 0; i < balance->count; i++)
        if (balance->members[i].usable)
            return true;
    return false;
}

/* Else dealer_place_changed deals what waits. */
static void retry_if_anybody_serves(struct primary *primary)
{
    struct dealer *dealer = &primary->dealer;
    if (anybody_serves(&dealer->balance))
        uv_timer_start(&dealer->retry, on_retry, RETRY_MS, 0);
}

/* While connections wait here, the kernel's queues hold the others. */
static void take_more(struct primary *primary, bool more)
{
    if (primary->dealer.accepting)
        (more ? acceptor_resume : acceptor_pause)(&primary->dealer.acceptor);
    listeners_pause_adopting(primary, !more);
}

static void keep_waiting(struct primary *primary, int fd)
{
    struct dealer *dealer = &primary->dealer;
    if (dealer->waiting_count == dealer->waiting_size) {
        unsigned size = dealer->waiting_size ? 2 * dealer->waiting_size : 16;
        int *waiting = realloc(dealer->waiting, size * sizeof *waiting);
        if (!waiting) {
            close(fd);
            return;
        }
        dealer->waiting = waiting;
        dealer->waiting_size = size;
    }
    dealer->waiting[dealer->waiting_count++] = fd;
    take_more(primary, false);
    retry_if_anybody_serves(primary);
}

static void deal_waiting(struct primary *primary)
{
    struct dealer *dealer = &primary->dealer;
    unsigned dealt = 0;
    if (dealer->waiting_count == 0)
        return;
    while (dealt < dealer->waiting_count && deal(primary, dealer->waiting[dealt]) == 0)
        dealt++;
    dealer->waiting_count -= dealt;
    memmove(dealer->waiting, dealer->waiting + dealt, dealer->waiting_count * sizeof *dealer->waiting);
    if (dealer->waiting_count > 0)
        retry_if_anybody_serves(primary);
    else
        take_more(primary, true);
}

void dealer_take(struct primary *primary, int fd)
{
    if (deal(primary, fd) != 0)
        keep_waiting(primary, fd);
}

static void on_connection(void *primary, int fd)
{
    dealer_take(primary, fd);
}

int dealer_open(struct primary *primary)
{
    struct dealer *dealer = &primary->dealer;
    balance_init(&dealer->balance, &balance_round_robin, dealer->members, primary->worker_count);
    dealer->has_timer = true;
    dealer->retry.data = primary;
    return uv_timer_init(&primary->loop, &dealer->retry);
}

int primary_deal(struct primary *primary, const struct balance_policy *policy)
{
    struct dealer *dealer = &primary->dealer;
    dealer->balance.policy = policy;
    int error = acceptor_open(&dealer->acceptor, &primary->loop, primary->listener, ACCEPT_MOST, on_connection, primary);
    if (error)
        return error;
    primary->listener = -1; /* the acceptor's now */
    dealer->accepting = true;
    return 0;
}

void dealer_count_changed(struct primary *primary)
{
    balance_set_count(&primary->dealer.balance, primary->worker_count);
}

void dealer_place_changed(struct place *place)
{
    struct primary *primary = place->primary;
    if (primary->dealer.stopped || place->index >= primary->dealer.balance.count)
        return;
    balance_set_usable(&primary->dealer.balance, place->index, place_serves(place));
    if (place_serves(place))
        deal_waiting(primary);
}

/* Connections a dead worker never took come back and go to somebody else. */
void dealer_reclaim(struct primary *primary, struct life *life)
{
    struct channel_message message;
    unsigned untaken = 0;
    int fd;
    if (primary->dealer.stopped || life->worker_channel < 0)
        return;
    if (life == life->place->current && life->place->index < primary->dealer.balance.count)
        balance_set_usable(&primary->dealer.balance, life->place->index, false);
    while (channel_receive(life->worker_channel, &message, &fd) > 0) {
        if (fd < 0)
            continue;
        untaken++;
        dealer_take(primary, fd);
    }
    if (untaken > 0)
        log_line(primary->log, LOG_INFO, "worker %u left connections untaken: %u, dealt again", life->place->index, untaken);
}

void dealer_stop(struct primary *primary)
{
    struct dealer *dealer = &primary->dealer;
    if (dealer->stopped || !dealer->has_timer)
        return;
    deal_waiting(primary); /* which resumes what was paused, when nothing is left */
    if (dealer->accepting)
        (void)acceptor_take_all(&dealer->acceptor);
    listeners_stop_adopting(primary);
    dealer->stopped = true;
    for (unsigned i = 0; i < dealer->waiting_count; i++)
        close(dealer->waiting[i]);
    dealer->waiting_count = 0;
    uv_timer_stop(&dealer->retry);
    if (dealer->accepting)
        acceptor_close(&dealer->acceptor, NULL);
    dealer->accepting = false;
}

void dealer_close(struct primary *primary)
{
    struct dealer *dealer = &primary->dealer;
    dealer_stop(primary);
    if (!dealer->has_timer)
        return;
    dealer->has_timer = false;
    uv_close((uv_handle_t *)&dealer->retry, NULL);
}
