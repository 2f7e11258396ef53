/*
 * A rate over time.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

const char profile_allowed[] = "use hold, ramp, step, spike or sine";

int profile_constant(struct profile *profile, double rate)
{
    *profile = (struct profile){.segments = calloc(1, sizeof(struct profile_segment)), .count = 1, .length_ns = UINT64_MAX};
    if (!profile->segments)
        return -ENOMEM;
    profile->segments[0] = (struct profile_segment){.from = rate, .to = rate, .length_ns = UINT64_MAX};
    return 0;
}

int profile_parse(const char *text, struct profile *profile, char *message)
{
    (void)text, (void)profile;
    snprintf(message, MESSAGE_SIZE, "%s", profile_allowed);
    return -EINVAL;
}

void profile_close(struct profile *profile)
{
    free(profile->segments);
    *profile = (struct profile){.count = 0};
}

double profile_planned(const struct profile *profile, uint64_t offset_ns)
{
    return profile->segments[0].from * (double)offset_ns / 1e9;
}

double profile_offset_ns(const struct profile *profile, double nth)
{
    return nth * 1e9 / profile->segments[0].from;
}
