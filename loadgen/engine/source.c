/*
 * From which local address and port a connection comes, and how long it lives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/engine/engine.h"

int connection_life_parse(const char *text, void *field)
{
    struct connection_life *life = field;
    bool geometric = strncmp(text, "geometric:", strlen("geometric:")) == 0;
    const char *number = geometric ? text + strlen("geometric:") : text;
    uint64_t requests;
    if (units_parse_count(number, strlen(number), &requests) != 0 || requests == 0)
        return -EINVAL;
    *life = (struct connection_life){requests, geometric};
    return 0;
}

int source_range_parse(const char *text, void *field)
{
    (void)text, (void)field;
    return -EINVAL;
}
