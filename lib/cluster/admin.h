/*
 * The admin address: seeing inside a running server and steering it.
 *
 *   access.c   who may ask: the token, and what a browser's page could send without its user knowing
 *   status.c   GET /status: what every worker is and has counted, as JSON
 *   metrics.c  GET /metrics: the same for Prometheus
 *   control.c  POST /reload, /scale, /drain, /restart
 *   admin.c    the address itself, and which path is whose
 */
#ifndef CLUSTER_ADMIN_H
#define CLUSTER_ADMIN_H

#include <jansson.h>
#include <stdio.h>

#include "cluster/primary.h"

/* ---- admin.c ---- */

/* Answers with a JSON object, which is let go; `fields` are further header lines. */
void admin_answer(struct http_request *request, int status, const char *fields, json_t *object);

/* {"ok":false,"error":"..."}; printf. */
void admin_refuse(struct http_request *request, int status, const char *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- access.c ---- */

struct access_rules {
    const char *token;                 /* "": none is asked for */
    const struct net_address *address; /* as bound */
};

#define ACCESS_WHY_SIZE 200

/* 0, or the HTTP status to refuse the request with (401, 403) and one line in `why`. `steers`: it would change something. */
int access_check(const struct access_rules *rules, const struct http_request *request, bool steers, char *why);

/* ---- status.c ---- */

/* The whole document (clusterbench.status/1), or NULL without memory. The caller lets it go. `buckets`: with every worker's times
 * as counted, for who wants percentiles of what came between two looks; /status?buckets. */
json_t *status_describe(const struct primary *primary, bool buckets);

/* ---- metrics.c ---- */

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Everything, in the text format of Prometheus. Errors are the stream's. */
void metrics_print(const struct primary *primary, FILE *out);

/* ---- control.c ---- */

void control_reload(struct primary *primary, struct http_request *request);
void control_scale(struct primary *primary, struct http_request *request);
void control_drain(struct primary *primary, struct http_request *request);
void control_restart(struct primary *primary, struct http_request *request);

#endif
