/*
 * GET of a small JSON document over HTTP: how the harness reads a server's /status.
 */
#ifndef HARNESS_STATUS_H
#define HARNESS_STATUS_H

#include <jansson.h>
#include <stdint.h>

/*
 * GET PATH from "http://HOST:PORT". 0 and *document (the caller decrefs), or negative: -EPROTO when the answer is no 200 with JSON,
 * -ETIMEDOUT, -ECONNREFUSED, -EINVAL for a url of another kind.
 */
int status_get(const char *url, const char *path, uint64_t deadline_ns, json_t **document);

#endif
