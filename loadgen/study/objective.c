/*
 * Objectives: p99<5ms,errors<0.1%,rate>1000.
 */
#include <errno.h>
#include <math.h>

#include "loadgen/study/study.h"

const char objectives_allowed[] = "use FIGURE<VALUE or FIGURE>VALUE: p50..p99.999, mean, max, errors, rate";

int objectives_parse(const char *text, struct objectives *objectives, char *message)
{
    (void)text;
    *objectives = (struct objectives){.count = 0};
    snprintf(message, MESSAGE_SIZE, "%s", objectives_allowed);
    return -EINVAL;
}

double objective_value(const struct objective *objective, const struct summary *summary, bool *met)
{
    (void)objective, (void)summary;
    *met = false;
    return NAN;
}

bool objectives_met(const struct objectives *objectives, const struct summary *summary)
{
    (void)objectives, (void)summary;
    return false;
}
