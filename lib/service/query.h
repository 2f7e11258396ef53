/*
 * What stands behind the '?' of a request: "mode=flock&size=20k".
 */
#ifndef SERVICE_QUERY_H
#define SERVICE_QUERY_H

#include <stdbool.h>

#include "base/slice.h"

/* The value of the first `name`, as it stands (no escape is decoded); empty for a name without '='. False where there is none. */
bool query_value(struct slice query, const char *name, struct slice *value);

/* Which of `choices` (ended by NULL) it is, or -1. */
int query_choice(struct slice value, const char *const *choices);

#endif
