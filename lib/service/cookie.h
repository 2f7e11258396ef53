/*
 * What a client gives back of its cookies: "a=1; session=0123; b=2" (RFC 6265 4.2).
 */
#ifndef SERVICE_COOKIE_H
#define SERVICE_COOKIE_H

#include <stdbool.h>

#include "base/slice.h"

/* The value of the first cookie of that name in a Cookie field, without the double quotes it may stand in. False: there is none. */
bool cookie_value(struct slice field, const char *name, struct slice *value);

#endif
