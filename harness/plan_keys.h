/* The keys of a plan's sections. For plan.c alone. */
#ifndef HARNESS_PLAN_KEYS_H
#define HARNESS_PLAN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"

struct key {
    const char *name;
    size_t offset;                              /* of the member in its struct */
    int (*set)(void *field, const char *value); /* `field` is the member's address; 0 or -EINVAL */
    bool grows;                                 /* a text that may go on over indented lines */
    const char *allowed;
};

/* Of struct plan, struct experiment and struct plan_server; each ends with a row without a name. */
extern const struct key plan_keys[], experiment_keys[], server_keys[];

/* NULL when the table has no such key. */
const struct key *key_find(const struct key *keys, const char *name);

#endif
