/*
 * Places: "worker 3" is one, and it is filled by one life after the other.
 *
 * A life that ends unasked is followed by another one, after a delay that grows while lives are short; after too many short
 * ones the place is given up and the others serve on. A place is emptied by scaling down or by hand. To replace a life without
 * a gap, the next one is made ready beside it, takes over, and only then does the old one drain.
 *
 * Rule: everybody who chooses among places (dealer, fronts, listeners) is told by publish, and by nothing else.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cluster/primary.h"

#define REPLACE_PAUSE_NS (5 * CLOCK_NS_PER_S) /* behind a replacement that failed */

const char *const place_state_names[] = {
    [PLACE_REMOVED] = "removed", [PLACE_STARTING] = "starting", [PLACE_READY] = "ready",     [PLACE_RESTARTING] = "restarting",
    [PLACE_ERRORED] = "errored", [PLACE_DRAINING] = "draining", [PLACE_DRAINED] = "drained",
};

struct place *place_next(const struct primary *primary, const struct place *before)
{
    struct place *places = (struct place *)primary->places;
    for (struct place *place = before ? places + (before - places) + 1 : places; place < places + PLACES_MAX; place++)
        if (place->open)
            return place;
    return NULL;
}

static bool primary_ends(const struct primary *primary)
{
    return primary->draining || primary->stopping;
}

bool place_serves(const struct place *place)
{
    return place->current && place->current->state == LIFE_READY && place->wanted && !place->drained;
}

enum place_state place_state(const struct place *place)
{
    bool stays = place->wanted && !place->drained;
    if (!stays)
        return !list_empty(&place->lives) ? PLACE_DRAINING : place->wanted ? PLACE_DRAINED : PLACE_REMOVED;
    if (place->current)
        return place->current->state == LIFE_STARTING ? PLACE_STARTING
               : place->current->state == LIFE_READY  ? PLACE_READY
                                                      : PLACE_DRAINING;
    return place->errored ? PLACE_ERRORED : place->next_start_ns ? PLACE_RESTARTING : PLACE_REMOVED;
}

/* ---- telling who chooses ---- */

static void publish(struct place *place)
{
    struct primary *primary = place->primary;
    if (place->role == ROLE_WORKER) {
        enum upstream_state state = place_serves(place)         ? UPSTREAM_OPEN
                                    : list_empty(&place->lives) ? UPSTREAM_CLOSED
                                                                : UPSTREAM_DRAINING;
        scoreboard_set_upstream(primary->scoreboard, place->index, state, place->current ? place->current->generation : 0);
        dealer_place_changed(place);
    }
    listeners_review(place);
}

/* ---- lives begin ---- */

static void stop_waiting(struct place *place)
{
    uv_timer_stop(&place->again);
    place->next_start_ns = 0;
}

static int start_current(struct place *place)
{
    stop_waiting(place);
    int error = listeners_open_place(place);
    if (!error)
        error = life_start(place, &place->current);
    if (error)
        log_line(place->primary->log, LOG_ERROR, "%s %u cannot be started: %s", role_name(place->role), place->index,
                 uv_strerror(error));
    return error;
}

static void schedule_start(struct place *place, uint64_t delay_ns);

/* While the program serves: what could not even begin to live, as nobody's end tells of it, is tried again. */
static int start_or_retry(struct place *place)
{
    int error = start_current(place);
    if (error && !place->current && !place->next_start_ns && !place->errored)
        schedule_start(place, place->primary->options->restart_delay_max_ns);
    return error;
}

static void on_again(uv_timer_t *timer)
{
    struct place *place = timer->data;
    place->next_start_ns = 0;
    if (primary_ends(place->primary) || !place->wanted || place->drained || place->errored || place->current)
        return;
    place->restarts++;
    (void)start_or_retry(place); /* said where it happens */
}

static void schedule_start(struct place *place, uint64_t delay_ns)
{
    place->next_start_ns = clock_now_ns() + delay_ns;
    uv_timer_start(&place->again, on_again, (delay_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS, 0);
}

static struct backoff_settings backoff_settings(const struct primary *primary)
{
    const struct cluster_options *options = primary->options;
    return (struct backoff_settings){options->restart_delay_ns, options->restart_delay_max_ns, options->steady_after_ns,
                                     options->crashes_most};
}

static void give_up(struct place *place)
{
    struct primary *primary = place->primary;
    place->errored = true;
    log_line(primary->log, LOG_ERROR,
             "%s %u is given up: %u lives in a row ended too soon, the last by %s; reload or scale tries again",
             role_name(place->role), place->index, place->backoff.short_lives, place->last_end);
    primary_event(primary, "errored", place, NULL, "{s:i, s:s}", "lives", (int)place->backoff.short_lives, "last_end",
                  place->last_end);
    if (!place->replacing)
        return;
    char why[PRIMARY_WHY_SIZE];
    snprintf(why, sizeof why, "%s %u: the new one is given up: %s", role_name(place->role), place->index, place->last_end);
    place->replacing = NULL;
    reload_place_settled(place, false, why);
}

/* A life has ended that nobody had asked to: the next one, in a while. */
static void start_again(struct place *place, const struct life *ended)
{
    struct primary *primary = place->primary;
    struct backoff_settings settings = backoff_settings(primary);
    uint64_t delay_ns;
    if (backoff_next(&place->backoff, &settings, clock_now_ns() - ended->started_ns, random_next(&primary->random), &delay_ns) !=
        0) {
        give_up(place);
        return;
    }
    schedule_start(place, delay_ns);
    log_line(primary->log, LOG_WARN, "%s %u starts again in %llu ms", role_name(place->role), place->index,
             (unsigned long long)(delay_ns / CLOCK_NS_PER_MS));
    primary_event(primary, "restart", place, NULL, "{s:I}", "delay_ms", (json_int_t)(delay_ns / CLOCK_NS_PER_MS));
}

/* ---- one life takes over from another ---- */

/* A life that was begun before the wish for a new one may run what was on disk then: it makes room. */
static int start_anew(struct place *place)
{
    struct life *current = place->current;
    place->current = NULL;
    if (current)
        life_kill(current, "begun again");
    return start_or_retry(place);
}

/*
 * The next life is made ready beside the current one; where none is ready, it is started as that. 0 when a life was begun:
 * place_life_ready or _gone tell how it went.
 */
int place_replace(struct place *place, const char *reason)
{
    bool serves = place->current && place->current->state != LIFE_STARTING;
    if (place->next)
        return -EALREADY;
    backoff_forgive(&place->backoff);
    place->errored = place->drained = false;
    listeners_steer(place->primary); /* it may have been drained: connections come to its socket again */
    place->replacing = reason;
    int error = serves ? life_start(place, &place->next) : start_anew(place);
    if (error && !place->next && !place->current)
        place->replacing = NULL;
    return error;
}

static void replacement_failed(struct place *place, const struct life *life)
{
    struct primary *primary = place->primary;
    char why[PRIMARY_WHY_SIZE];
    snprintf(why, sizeof why, "%s %u: the new one did not become ready: %s", role_name(place->role), place->index, life->end);
    if (place->replacing) /* else said already: it could not be started */
        log_line(primary->log, primary_ends(primary) ? LOG_DEBUG : LOG_ERROR, "%s (%s)", why, place->replacing);
    place->replacing = NULL;
    place->replace_not_before_ns = clock_now_ns() + REPLACE_PAUSE_NS;
    reload_place_settled(place, false, why);
}

static void take_over(struct place *place)
{
    struct life *old = place->current;
    place->current = place->next;
    place->next = NULL;
    publish(place);
    if (old)
        life_drain(old, place->primary->options->grace_ns);
}

static bool has_old_lives(const struct place *place)
{
    for (const struct list *link = place->lives.next; link != &place->lives; link = link->next) {
        const struct life *life = list_entry(link, struct life, link);
        if (life != place->current && life != place->next)
            return true;
    }
    return false;
}

/* The new life serves, and the old one is gone. */
static void settle_if_replaced(struct place *place)
{
    if (!place->replacing || place->next || !place_serves(place) || has_old_lives(place))
        return;
    place->replacing = NULL;
    reload_place_settled(place, true, "");
}

void place_life_ready(struct place *place, struct life *life)
{
    struct primary *primary = place->primary;
    log_line(primary->log, LOG_DEBUG, "%s %u is ready", role_name(place->role), place->index);
    primary_event(primary, "ready", place, life, NULL);
    if (life == place->next)
        take_over(place);
    else
        publish(place);
    primary_place_ready(primary, place);
    settle_if_replaced(place);
}

/* ---- lives end ---- */

static void current_gone(struct place *place, const struct life *life)
{
    struct primary *primary = place->primary;
    bool failed = place->replacing && !life->was_ready && !place->next;
    place->current = place->next; /* a replacement under way is the current one now */
    place->next = NULL;
    publish(place);
    if (failed)
        replacement_failed(place, life);
    if (!primary->serving || primary_ends(primary) || !place->wanted || place->drained || place->current)
        return;
    if (life->dismissed)
        (void)start_or_retry(place); /* it did nothing wrong; said where it happens */
    else
        start_again(place, life);
}

void place_life_gone(struct place *place, struct life *life)
{
    struct primary *primary = place->primary;
    snprintf(place->last_end, sizeof place->last_end, "%s", life->end);
    if (life == place->current) {
        current_gone(place, life);
    } else if (life == place->next) {
        place->next = NULL;
        replacement_failed(place, life);
    } else {
        publish(place); /* again: if somebody told it to end just as it was replaced, it may have had the last word to the fronts */
    }
    settle_if_replaced(place);
    primary_place_gone(primary, place);
}

/* ---- places come and go ---- */

static void open_place(struct primary *primary, struct place *place, enum worker_role role, unsigned index)
{
    *place = (struct place){.primary = primary, .role = role, .index = index, .listener = -1, .open = true};
    list_init(&place->lives);
    uv_timer_init(&primary->loop, &place->again);
    place->again.data = place;
}

static void want(struct primary *primary, enum worker_role role, unsigned index)
{
    struct place *place = &primary->places[role == ROLE_FRONT ? WORKERS_MAX + index : index];
    if (!place->open)
        open_place(primary, place, role, index);
    place->wanted = true;
    place->drained = place->errored = false;
    backoff_forgive(&place->backoff);
}

int places_open(struct primary *primary)
{
    for (unsigned i = 0; i < primary->worker_count; i++)
        want(primary, ROLE_WORKER, i);
    for (unsigned i = 0; i < primary->front_count; i++)
        want(primary, ROLE_FRONT, i);
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        int error = start_current(place);
        if (error)
            return error;
    }
    return 0;
}

void places_close(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        uv_close((uv_handle_t *)&place->again, NULL);
}

/* What is in it leaves: a life that serves finishes what it has, one that does not yet is ended. */
static void empty(struct place *place)
{
    struct life *current = place->current, *next = place->next;
    stop_waiting(place);
    place->current = place->next = NULL;
    place->errored = false;
    publish(place);
    if (next)
        life_dismiss(next, "not wanted any more");
    if (current && current->state == LIFE_STARTING)
        life_dismiss(current, "not wanted any more");
    else if (current)
        life_drain(current, place->primary->options->grace_ns);
    if (place->replacing) {
        place->replacing = NULL;
        reload_place_settled(place, true, "");
    }
}

bool places_any_alive(const struct primary *primary, enum worker_role role)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->role == role && !list_empty(&place->lives))
            return true;
    return false;
}

bool places_all_ready(const struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->wanted && !place_serves(place))
            return false;
    return true;
}

/* Of every place: the primary ends. Lives that are about to take over are not needed any more. */
void places_drain(struct primary *primary, enum worker_role role)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        if (place->role != role)
            continue;
        stop_waiting(place);
        struct life *current = place->current, *next = place->next;
        if (next)
            life_dismiss(next, "the program ends");
        if (current)
            life_drain(current, 0);
    }
}

/* `each` may end a life. */
static void each_life(struct place *place, void (*each)(struct life *life))
{
    struct list *link = place->lives.next;
    while (link != &place->lives) {
        struct life *life = list_entry(link, struct life, link);
        link = link->next;
        each(life);
    }
}

static void kill_life(struct life *life)
{
    life_kill(life, NULL);
}

void places_stop(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        stop_waiting(place);
        each_life(place, life_stop);
    }
}

void places_kill(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        stop_waiting(place);
        each_life(place, kill_life);
    }
}

void places_reopen_logs(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        each_life(place, life_reopen_logs);
}

/* ---- what can be asked of a running primary ---- */

static int refuse(char *why, int error, const char *text)
{
    snprintf(why, PRIMARY_WHY_SIZE, "%s", text);
    return error;
}

static int refuse_if_it_cannot(const struct primary *primary, char *why)
{
    if (primary->strategy->place == IN_PLACE)
        return refuse(why, -EOPNOTSUPP, "the one worker is the program itself: there is nothing to add, replace or take out");
    if (primary_ends(primary))
        return refuse(why, -ESHUTDOWN, "the program is ending");
    if (!primary->serving)
        return refuse(why, -EAGAIN, "not all workers are ready yet");
    return 0;
}

int primary_scale(struct primary *primary, unsigned workers, char *why)
{
    int error = refuse_if_it_cannot(primary, why);
    if (error)
        return error;
    if (workers < 1 || workers > WORKERS_MAX) {
        snprintf(why, PRIMARY_WHY_SIZE, "workers: '%u' is not allowed; use 1..%d", workers, WORKERS_MAX);
        return -ERANGE;
    }
    unsigned before = primary->worker_count;
    log_line(primary->log, LOG_INFO, "scaling from %u to %u workers", before, workers);
    primary_event(primary, "scale", NULL, NULL, "{s:i, s:i}", "from", (int)before, "to", (int)workers);
    primary->worker_count = workers;
    primary->scoreboard->workers = workers;
    dealer_count_changed(primary);
    for (unsigned i = workers; i < before; i++)
        primary->places[i].wanted = false;
    listeners_steer(primary); /* away from the sockets that go, before anybody leaves them */
    for (unsigned i = before; i-- > workers;)
        empty(&primary->places[i]);
    for (unsigned i = 0; i < workers; i++) {
        struct place *place = &primary->places[i];
        want(primary, ROLE_WORKER, i);
        if (!place->current && !place->next_start_ns && start_or_retry(place) != 0)
            error = -EAGAIN;
    }
    listeners_steer(primary);
    return error ? refuse(why, error, "a worker could not be started; see the log") : 0;
}

static int find_worker(struct primary *primary, unsigned index, struct place **place, char *why)
{
    int error = refuse_if_it_cannot(primary, why);
    if (error)
        return error;
    if (index >= primary->worker_count) {
        snprintf(why, PRIMARY_WHY_SIZE, "worker: '%u' is not allowed; use 0..%u", index, primary->worker_count - 1);
        return -ERANGE;
    }
    *place = &primary->places[index];
    return 0;
}

int primary_drain_worker(struct primary *primary, unsigned index, char *why)
{
    struct place *place;
    unsigned others = 0;
    int error = find_worker(primary, index, &place, why);
    if (error)
        return error;
    if (place->drained)
        return refuse(why, -EALREADY, "it is drained already");
    for (unsigned i = 0; i < primary->worker_count; i++)
        others += i != index && place_serves(&primary->places[i]);
    if (others == 0)
        return refuse(why, -EBUSY, "no other worker serves: it cannot be taken out");
    primary_event(primary, "drain", place, place->current, NULL);
    place->drained = true;
    place->reload_due = false; /* its turn would bring it back */
    listeners_steer(primary);
    empty(place);
    reload_go_on(primary);
    return 0;
}

int primary_restart_worker(struct primary *primary, unsigned index, char *why)
{
    struct place *place;
    int error = find_worker(primary, index, &place, why);
    if (error)
        return error;
    if (place->next || place->reloading)
        return refuse(why, -EALREADY, "it is being replaced already");
    error = place_replace(place, "restart");
    return error ? refuse(why, error, uv_strerror(error)) : 0;
}
