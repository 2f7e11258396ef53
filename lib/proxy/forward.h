/*
 * What a proxy may pass on, and how: pure functions from fields to bytes.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include <stdbool.h>

#include "base/slice.h"

/* A field that concerns one connection only and is never passed on. RFC 9110 7.6.1 */
bool forward_is_hop_by_hop(struct slice name);

#endif
