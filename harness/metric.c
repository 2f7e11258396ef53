/* metric: the table of metric.h, made of its rows. */
#include <string.h>

#include "metric.h"

const struct metric_row metrics[METRIC_COUNT] = {
#define METRIC_ROW(id, name_, label_, unit_, decimals_, better_, factor_) \
    [id] = {.name = name_, .label = label_, .unit = unit_, .decimals = decimals_, .better = better_, .factor = factor_},
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

int metric_find(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (!strcmp(metrics[i].name, name))
            return i;
    return -1;
}

void metric_names(struct names *names)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        names_add(names, metrics[i].name);
}
