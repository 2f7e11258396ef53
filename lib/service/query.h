/*
 * What stands behind the '?' of a request: "mode=flock&size=20k".
 */
#ifndef SERVICE_QUERY_H
#define SERVICE_QUERY_H

#include <stdbool.h>

#include "base/slice.h"

/* The value of the first `name`, as it stands (no escape is decoded); empty for a name without '='. False where there is none. */
bool query_value(struct slice query, const char *name, struct slice *value);

/*
 * What a value says when its escapes are decoded ("a+b%21" is "a b!"). Returns its length, of which the first `size` bytes are in
 * `text`: nothing is lost while the length is not more than `size`. -EINVAL: a '%' without two hexadecimal digits.
 */
long query_decode(struct slice value, char *text, size_t size);

/* Which of `choices` (ended by NULL) it is, or -1. */
int query_choice(struct slice value, const char *const *choices);

#endif
