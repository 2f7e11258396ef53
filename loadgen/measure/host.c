/*
 * What the machine did meanwhile.
 */
#include "loadgen/measure/measure.h"

void host_read(struct host *host)
{
    *host = (struct host){.cpu_ticks = 0};
}

double host_steal_share(const struct host *before, const struct host *after)
{
    uint64_t ticks = after->cpu_ticks - before->cpu_ticks;
    return ticks ? (double)(after->steal_ticks - before->steal_ticks) / (double)ticks : 0;
}

uint64_t host_thread_wait_ns(void)
{
    return 0;
}
