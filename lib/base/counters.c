/*
 * The loops over the table of counters; everything else about them is in the header.
 */
#include "base/counters.h"

void counters_add(struct counters *into, const struct counters *from)
{
#define COUNTERS_ADD(name, help) counter_add(&into->name, counter_read(&from->name));
    COUNTERS_TABLE(COUNTERS_ADD)
#undef COUNTERS_ADD
}

void counters_each(const struct counters *counters, void (*each)(void *context, const char *name, uint64_t value), void *context)
{
#define COUNTERS_VISIT(name, help) each(context, #name, counter_read(&counters->name));
    COUNTERS_TABLE(COUNTERS_VISIT)
#undef COUNTERS_VISIT
}
