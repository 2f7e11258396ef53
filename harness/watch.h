/*
 * Looking at a running server through its admin address, and steering it: the commands `top` and `ctl`.
 */
#ifndef HARNESS_WATCH_H
#define HARNESS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch_settings {
    const char *token_file; /* NULL: none */
    uint64_t interval_ns;   /* top: between two looks */
    uint64_t count;         /* top: tables; 0: until it is ended, or one where stdout is no terminal */
    bool wait;              /* ctl: until what was begun is complete */
    uint64_t timeout_ns;    /* ctl: for that */
};

/* What is wrong is said in one line on stderr. Both return main's exit status. */
int top_run(const struct watch_settings *settings, const char *address);
int ctl_run(const struct watch_settings *settings, int count, char **words); /* ADDR ACTION [NUMBER] */

/* What both begin with: reads ADDR and the token (NULL without one; the caller frees). 0 or -1 with the line said. */
struct net_address;
int watch_open(const char *command, const struct watch_settings *settings, const char *text, struct net_address *address,
               char **token);

#endif
