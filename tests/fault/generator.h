/*
 * The load generator as a child: the program `loadgen` that lies beside this one. It runs until it is stopped.
 */
#ifndef FAULT_GENERATOR_H
#define FAULT_GENERATOR_H

#include "contract.h"
#include "server_process.h"

struct generator;

struct generator_figures {
    uint64_t sent, ok, idle_closed;
    uint64_t failed; /* HTTP errors, socket errors but idle-closed, time-outs; what was under way at the end is neither */
    char report[1024];
};

/* `arguments` ended by NULL; the URL is added. It has sent nothing yet when this returns. */
struct generator *generator_start(struct contract *contract, const struct server *server, const char *const *arguments);

/* Ends it and reads its report; fails the test without one. */
void generator_stop(struct generator *generator, struct generator_figures *figures);

#endif
