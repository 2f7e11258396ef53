/*
 * What the tests of state share: clients spread over several workers, a Redis of the test's own, plain exchanges.
 */
#ifndef CONTRACT_STATE_PARTS_H
#define CONTRACT_STATE_PARTS_H

#include "client.h"
#include "server_process.h"
#include "tests/redis/redis_server.h"

#define CROWD        8
#define WORKERS_MOST 64

/* ---- a crowd ---- */

/* Connections that together have reached more than one worker, where there is more than one. */
struct crowd {
    struct client *clients[CROWD];
    int workers[CROWD]; /* who answered first; where fronts stand between, others may answer next */
};

void crowd_gather(struct contract *contract, struct server *server, struct crowd *crowd);

/* ---- exchanges ---- */

/* "GET /session" and further header lines, each ended by CRLF. */
void ask(struct client *client, const char *request_line, const char *fields, struct response *response);

/* The same, and the status must be that. */
void ask_for(struct client *client, const char *request_line, int status, struct response *response);

/* Asks again and again until the status is that; fails the test at the end of patience. */
void ask_until(struct client *client, const char *request_line, int status, struct response *response);

bool body_has(const struct response *response, const char *text);
long long body_number(struct contract *contract, const struct response *response);

/* The program ends by itself, as it does behind that signal: TERM 0, INT 130. */
void state_expect_end(struct server *server, int signal_number);

/* ---- Redis ---- */

/* A folder and an address for --redis; nothing runs yet. Skips the test where no Redis is installed. */
struct redis_server *state_redis_prepare(struct contract *contract);
struct redis_server *state_redis_start(struct contract *contract); /* the same, and it runs */

/* The suite's end_test. */
void state_redis_end(struct contract *contract);

/* ---- the tests ---- */

/* X(name, traits it needs) */
#define STATE_TESTS(X)                                                   \
    /* state.c */                                                        \
    X(counter_stores, 0)                                                 \
    X(counter_refusals, 0)                                               \
    X(increments_local, 0)                                               \
    X(increments_primary, 0)                                             \
    X(increments_shared, 0)                                              \
    X(increments_redis, 0)                                               \
    X(counter_survives_a_crash, TRAIT_PROCESSES)                         \
    X(session_in_memory, 0)                                              \
    X(session_in_redis, 0)                                               \
    X(session_cookies, 0)                                                \
    X(redis_missing_killed_restarted, 0)                                 \
    X(redis_changes_are_told, 0)                                         \
    X(redis_stopped, 0)                                                  \
    X(end_with_redis, 0)                                                 \
    X(end_with_redis_stopped, 0)                                         \
    X(state_options, 0)                                                  \
    /* state_shop.c */                                                   \
    X(cart, 0)                                                           \
    X(miss_then_hit, 0)                                                  \
    X(ttl_ends, 0)                                                       \
    X(cache_local, 0)                                                    \
    X(cache_shared, 0)                                                   \
    X(cache_redis, 0)                                                    \
    X(storm_without_single_flight, 0)                                    \
    X(storm_local, 0)                                                    \
    X(storm_shared, 0)                                                   \
    X(storm_redis, 0)                                                    \
    X(leader_leaves, 0)                                                  \
    X(killed_while_filling, TRAIT_PROCESSES | TRAIT_DIRECT | TRAIT_MANY) \
    X(cache_survives_a_crash, TRAIT_PROCESSES)                           \
    X(shop_with_redis_down, 0)                                           \
    X(end_while_filling, 0)                                              \
    X(lease_ends_with_its_worker, TRAIT_DIRECT)

#define STATE_DECLARE(name, needs) void test_##name(struct contract *contract);
STATE_TESTS(STATE_DECLARE)
#undef STATE_DECLARE

#endif
