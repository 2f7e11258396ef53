/*
 * What /status says, as a struct: one look at a running server. The difference of two looks gives rates.
 */
#ifndef HARNESS_SIGHT_H
#define HARNESS_SIGHT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/timings.h"

#include "fetch.h"

#define SIGHT_NAME_SIZE  24
#define SIGHT_WORDS_SIZE 200

struct sight_row { /* a life, or a place without one */
    bool front;
    unsigned index, slot, generation, restarts;
    int pid; /* 0: nobody lives there */
    char state[SIGHT_NAME_SIZE], last_end[SIGHT_WORDS_SIZE];
    double uptime_s, next_start_in_s, heartbeat_age_s;
    uint64_t cpu_us, rss_bytes, pss_bytes, requests, active, lag_ns;
    struct timings timings; /* since its start; empty where the server tells none */
};

struct sight {
    uint64_t taken_ns; /* by clock_now_ns */
    char strategy[SIGHT_NAME_SIZE], state[SIGHT_NAME_SIZE], reload_state[SIGHT_NAME_SIZE], reload_error[SIGHT_WORDS_SIZE];
    int pid;
    double uptime_s;
    unsigned wanted, fronts_wanted, reloads_done, reloads_aborted;
    uint64_t primary_cpu_us, primary_pss_bytes, requests; /* requests: of all workers, the dead ones included */
    struct sight_row *rows;
    unsigned count;
};

/* From a document of schema clusterbench.status/1. 0 (end with sight_close) or -EPROTO. */
int sight_read(struct sight *sight, const json_t *status);
void sight_close(struct sight *sight);

/*
 * Asks for it. 0; what fetch returns; -EPROTO when the answer is no such document, -EACCES when a token is wanted or it is wrong.
 * The request's target and method are filled in here.
 */
int sight_take(struct sight *sight, const struct net_address *address, struct fetch_request *request);

/* The row of the same life in an earlier look, or NULL. */
const struct sight_row *sight_find(const struct sight *earlier, const struct sight_row *row);

/* Workers (not fronts) in that state. */
unsigned sight_count(const struct sight *sight, const char *state);

/* "3 of 4 workers ready, 1 errored"; "reload idle, 2 done, 1 aborted (why)". Return `text`. */
#define SIGHT_STATES_SIZE 200
#define SIGHT_RELOAD_SIZE 300
char *sight_print_states(const struct sight *sight, char *text);
char *sight_print_reload(const struct sight *sight, char *text);

/* "connection refused" and the like: what is wrong with the server, in words that need no errno. */
const char *sight_error(int error);

#endif
