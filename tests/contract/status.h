/*
 * GET /status on the admin address, as JSON (jansson), and the questions the tests ask of it. Every function fails the test when
 * the answer is no clusterbench.status/1.
 */
#ifndef CONTRACT_STATUS_H
#define CONTRACT_STATUS_H

#include "contract.h"
#include <jansson.h>
#include <sys/types.h>

/* The whole document; the caller lets it go with json_decref. */
json_t *status_get(struct contract *contract, const struct server *server);

/* A counter of "total", or the sum of it over every row of "workers", fronts included. */
uint64_t status_total(struct contract *contract, const struct server *server, const char *counter);
uint64_t status_sum_rows(struct contract *contract, const struct server *server, const char *counter);

/* Waits until the counter in "total" is at least `value`; false at the end of patience. */
bool status_wait_total(struct contract *contract, const struct server *server, const char *counter, uint64_t value);

struct status_row {
    unsigned index;
    pid_t pid;
    bool front, ready;
    uint64_t accepted, requests;
};

#define STATUS_ROWS 64

/* Rows in state "ready", workers and fronts. How many. */
size_t status_rows(struct contract *contract, const struct server *server, struct status_row rows[STATUS_ROWS]);

/* Waits until a ready row of that role and index has another pid than `old`; its pid, 0 at the end of patience. */
pid_t status_wait_replaced(struct contract *contract, const struct server *server, bool front, unsigned index, pid_t old);

/* Waits until `done` reloads have been done, those that failed not counted, and none is running; false at the end of patience. */
bool status_wait_reloads(struct contract *contract, const struct server *server, unsigned done);

#endif
