/*
 * Arrivals read from a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

int trace_read(const char *path, struct trace *trace, char *message)
{
    (void)trace;
    snprintf(message, MESSAGE_SIZE, "--arrivals: '%s' cannot be read yet", path);
    return -ENOSYS;
}

void trace_close(struct trace *trace)
{
    free(trace->offsets_ns);
    *trace = (struct trace){.count = 0};
}
