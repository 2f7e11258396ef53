/*
 * What nobody tells the primary: a life that is not ready in time or has not drained in time, a loop that does not turn, a
 * process that has grown too large. It looks four times a second.
 *
 * A worker beats when its loop comes round, and says how long a request occupies it on purpose: only behind both is it hung.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cluster/primary.h"
#include "cluster/usage.h"

#define TICK_MS         250
#define TICK_NS         (TICK_MS * CLOCK_NS_PER_MS)
#define MEMORY_EVERY_NS CLOCK_NS_PER_S

static void kill_late(struct life *life, uint64_t now_ns)
{
    const struct primary *primary = life->primary;
    if (life->deadline_ns == 0 || now_ns < life->deadline_ns || life->state == LIFE_ENDING)
        return;
    bool starting = life->state == LIFE_STARTING;
    log_line(primary->log, LOG_WARN, "%s %u (pid %d) %s", role_name(life->place->role), life->place->index, (int)life->slot->pid,
             starting ? "was not ready in time: killed" : "had not drained when the grace was over: answers under way are cut off");
    life_kill(life, starting ? "not ready in time" : "grace over");
}

/*
 * Silence is added up over looks, and no look counts more than its due: when the whole program stood still - stopped by a terminal,
 * a machine that was paused or has no CPU to give - the primary comes late, too, and nobody hangs for that.
 */
static void listen_for_beat(struct life *life, uint64_t now_ns, uint64_t passed_ns)
{
    uint64_t beat_ns = life->slot->beat_ns;
    bool heard = beat_ns != life->beat_heard_ns || now_ns < life->slot->occupied_until_ns || life->state != LIFE_READY;
    life->beat_heard_ns = beat_ns;
    life->silent_ns = heard ? 0 : life->silent_ns + (passed_ns < TICK_NS ? passed_ns : TICK_NS);
}

static void kill_hung(struct life *life)
{
    struct primary *primary = life->primary;
    uint64_t most_ns = primary->options->hang_timeout_ns, silent = life->silent_ns;
    if (most_ns == 0 || life->state != LIFE_READY || silent < most_ns)
        return;
    log_line(primary->log, LOG_WARN, "%s %u (pid %d) hangs: its loop has not turned for %llu ms; killed",
             role_name(life->place->role), life->place->index, (int)life->slot->pid,
             (unsigned long long)(silent / CLOCK_NS_PER_MS));
    primary_event(primary, "hang", life->place, life, "{s:I}", "silent_ms", (json_int_t)(silent / CLOCK_NS_PER_MS));
    life_kill(life, "hang");
}

/* Too large: replaced, and killed at twice the limit. */
static void check_memory(struct life *life, uint64_t now_ns)
{
    struct primary *primary = life->primary;
    struct place *place = life->place;
    uint64_t most = primary->options->max_memory_bytes, bytes;
    if (life->slot->pid <= 0 || usage_resident_bytes(life->slot->pid, &bytes) != 0 || bytes <= most)
        return;
    bool too_much = bytes > 2 * most, can_replace = life == place->current && life->state == LIFE_READY && !place->next &&
                                                    now_ns >= place->replace_not_before_ns;
    if (life->state == LIFE_ENDING || (!too_much && !can_replace))
        return;
    log_line(primary->log, LOG_WARN, "%s %u (pid %d) has %llu KiB of memory, more than %sits %llu: %s", role_name(place->role),
             place->index, (int)life->slot->pid, (unsigned long long)(bytes >> 10), too_much ? "twice " : "",
             (unsigned long long)(most >> 10), too_much ? "killed" : "being replaced");
    primary_event(primary, "memory", place, life, "{s:I, s:I, s:s}", "bytes", (json_int_t)bytes, "limit", (json_int_t)most,
                  "action", too_much ? "kill" : "replace");
    if (too_much)
        life_kill(life, "memory");
    else
        (void)place_replace(place, "memory"); /* a failure is said where it happens, and tried again later */
}

static void on_tick(uv_timer_t *timer)
{
    struct primary *primary = timer->data;
    uint64_t now_ns = clock_now_ns(), passed_ns = now_ns - primary->looked_ns;
    primary->looked_ns = now_ns;
    bool memory = primary->options->max_memory_bytes > 0 && now_ns - primary->memory_looked_ns >= MEMORY_EVERY_NS &&
                  primary->serving && !primary->draining && !primary->stopping;
    if (memory)
        primary->memory_looked_ns = now_ns;
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        for (struct list *link = place->lives.next, *next = link->next; link != &place->lives; link = next, next = link->next) {
            struct life *life = list_entry(link, struct life, link);
            kill_late(life, now_ns);
            listen_for_beat(life, now_ns, passed_ns);
            kill_hung(life);
            if (memory)
                check_memory(life, now_ns);
        }
        listeners_review(place);
    }
}

int watch_open(struct primary *primary)
{
    uv_timer_init(&primary->loop, &primary->tick);
    primary->tick.data = primary;
    primary->looked_ns = clock_now_ns();
    return uv_timer_start(&primary->tick, on_tick, TICK_MS, TICK_MS);
}

void watch_close(struct primary *primary)
{
    uv_close((uv_handle_t *)&primary->tick, NULL);
}
