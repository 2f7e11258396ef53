/*
 * When requests are due in the open loop.
 *
 * Plans are absolute: the k-th of a constant schedule lies where the profile has planned k requests (start + k/rate, while the rate
 * does not change), so nothing drifts and nothing is ever skipped. With jitter it lies anywhere between that and the next one's
 * place. Parts (threads, or connections of their own schedule) share plans out like cards: part i takes plans i, i+t, i+2t, ... For
 * Poisson arrivals each part draws its own process of rate/t; together they are one of the whole rate (superposition).
 *
 * Offsets are doubles until they are known to lie before the end: at 0.000001/s the next plan may be centuries away.
 *
 * A schedule is also its own backlog: plans are taken one after the other when a connection can take them, so the next one may
 * lie far in the past, and a backlog of any length costs no memory.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "loadgen/plan/plan.h"

#define TRACE_PREFIX "trace:"

const char *const arrivals_names[] = {"constant", "poisson", "uniform-jitter", "trace"};

int arrivals_parse(const char *text, void *field)
{
    struct arrivals_choice *choice = field;
    for (unsigned kind = ARRIVALS_CONSTANT; kind < ARRIVALS_TRACE; kind++)
        if (strcmp(text, arrivals_names[kind]) == 0) {
            *choice = (struct arrivals_choice){.kind = (enum arrivals)kind};
            return 0;
        }
    if (strncmp(text, TRACE_PREFIX, strlen(TRACE_PREFIX)) != 0 || text[strlen(TRACE_PREFIX)] == '\0')
        return -EINVAL;
    *choice = (struct arrivals_choice){ARRIVALS_TRACE, text + strlen(TRACE_PREFIX)};
    return 0;
}

#define OFFSET_MOST_NS 9e18 /* as far as a uint64_t of nanoseconds reaches from any start */

/* ---- when is this part's next one due? Each is asked once a plan, in order. ---- */

/* The number of the plan in the whole schedule: parts are dealt like cards. */
static double number_of(const struct schedule *schedule)
{
    return (double)schedule->taken * schedule->plan.parts + schedule->plan.part;
}

static double constant_offset(struct schedule *schedule)
{
    return profile_offset_ns(schedule->plan.profile, number_of(schedule));
}

/* Time rescaled: a process of rate 1 is drawn in requests and laid along the profile. */
static double poisson_offset(struct schedule *schedule)
{
    schedule->elapsed += random_exponential(&schedule->random) * schedule->plan.parts;
    return profile_offset_ns(schedule->plan.profile, schedule->elapsed);
}

static double jitter_offset(struct schedule *schedule)
{
    return profile_offset_ns(schedule->plan.profile, number_of(schedule) + random_unit(&schedule->random));
}

static double trace_offset(struct schedule *schedule)
{
    const struct trace *trace = schedule->plan.trace;
    double number = number_of(schedule);
    return number < (double)trace->count ? (double)trace->offsets_ns[(uint64_t)number] : INFINITY;
}

static double (*const offsets[])(struct schedule *) = {
    [ARRIVALS_CONSTANT] = constant_offset,
    [ARRIVALS_POISSON] = poisson_offset,
    [ARRIVALS_JITTER] = jitter_offset,
    [ARRIVALS_TRACE] = trace_offset,
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
    if (at < schedule->next_ns) /* the last bit of a sine's inverse */
        at = schedule->next_ns;
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

/* Neither the schedule nor the time has an end: only the limit has. */
static bool is_endless(const struct schedule_plan *plan)
{
    return plan->end_ns == UINT64_MAX && plan->arrivals != ARRIVALS_TRACE && plan->profile->length_ns == UINT64_MAX;
}

uint64_t schedule_drain(struct schedule *schedule, void (*each)(void *context, uint64_t planned_ns), void *context)
{
    uint64_t count = 0;
    if (is_endless(&schedule->plan) && schedule->next_ns != UINT64_MAX) { /* no need to walk through them */
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
