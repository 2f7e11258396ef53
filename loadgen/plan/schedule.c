/*
 * When requests are due in the open loop.
 *
 * Plans are absolute: the k-th of a constant schedule lies at start + k/rate, so nothing drifts and nothing is ever skipped.
 * Threads share it out like cards: thread i takes plans i, i+t, i+2t, ... For Poisson arrivals each thread draws its own process of
 * rate/t; together they are one of the whole rate (superposition).
 *
 * Offsets are doubles until they are known to lie before the end: at 0.000001/s the next plan may be centuries away.
 *
 * A schedule is also its own backlog: plans are taken one after the other when a connection can take them, so the next one may
 * lie far in the past, and a backlog of any length costs no memory.
 */
#include <errno.h>
#include <string.h>

#include "loadgen/plan/plan.h"

const char *const arrivals_names[] = {"constant", "poisson", "uniform-jitter", "trace"};

int arrivals_parse(const char *text, void *field)
{
    struct arrivals_choice *choice = field;
    for (unsigned kind = ARRIVALS_CONSTANT; kind <= ARRIVALS_POISSON; kind++)
        if (strcmp(text, arrivals_names[kind]) == 0) {
            choice->kind = (enum arrivals)kind;
            return 0;
        }
    return -EINVAL;
}

#define OFFSET_MOST_NS 9e18 /* as far as a uint64_t of nanoseconds reaches from any start */

static double constant_offset(struct schedule *schedule)
{
    const struct schedule_plan *plan = &schedule->plan;
    return profile_offset_ns(plan->profile, (double)schedule->taken * plan->parts + plan->part);
}

static double poisson_offset(struct schedule *schedule)
{
    const struct schedule_plan *plan = &schedule->plan;
    schedule->elapsed += random_exponential(&schedule->random) * plan->parts;
    return profile_offset_ns(plan->profile, schedule->elapsed);
}

static double (*const offsets[])(struct schedule *) = {
    [ARRIVALS_CONSTANT] = constant_offset,
    [ARRIVALS_POISSON] = poisson_offset,
};

static void find_next(struct schedule *schedule)
{
    const struct schedule_plan *plan = &schedule->plan;
    if (schedule->taken >= plan->limit) {
        schedule->next_ns = UINT64_MAX;
        return;
    }
    double offset_ns = offsets[plan->arrivals](schedule);
    uint64_t at = offset_ns < OFFSET_MOST_NS ? plan->start_ns + (uint64_t)offset_ns : UINT64_MAX;
    schedule->next_ns = at < plan->end_ns ? at : UINT64_MAX;
}

void schedule_init(struct schedule *schedule, const struct schedule_plan *plan)
{
    *schedule = (struct schedule){.plan = *plan};
    random_init_stream(&schedule->random, plan->seed, plan->stream);
    find_next(schedule);
}

void schedule_advance(struct schedule *schedule)
{
    schedule->taken++;
    find_next(schedule);
}

uint64_t schedule_drain(struct schedule *schedule, void (*each)(void *context, uint64_t planned_ns), void *context)
{
    uint64_t count = 0;
    if (schedule->plan.end_ns == UINT64_MAX && schedule->next_ns != UINT64_MAX) { /* no need to walk through them */
        count = schedule->plan.limit - schedule->taken;
        schedule->taken = schedule->plan.limit;
        schedule->next_ns = UINT64_MAX;
        return count;
    }
    for (; schedule->next_ns != UINT64_MAX; count++) {
        if (each)
            each(context, schedule->next_ns);
        schedule_advance(schedule);
    }
    return count;
}

uint64_t share_of(uint64_t total, unsigned part, unsigned parts)
{
    return total / parts + (part < total % parts);
}
