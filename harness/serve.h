/*
 * `clusterbench serve NAME`: a peer by hand, with the outer form of our programs: a ready line, TERM. And `clusterbench contract
 * NAME|PROGRAM`: the suites of tests/contract on it, line by line.
 */
#ifndef HARNESS_SERVE_H
#define HARNESS_SERVE_H

#include <stdint.h>

struct serve_settings {
    const char *programs, *peers; /* folders given on the command line, or NULL */
    const char *listen, *admin;   /* of serve: our options, so that a suite can start it: 127.0.0.1:0 only */
    uint64_t workers;
};

/* The exit status: 0 after TERM or INT, 1 for what cannot be served. */
int serve_run(const struct serve_settings *settings, const char *name);

/* 0 when it keeps everything that it owes, else 1. */
int contract_run(const struct serve_settings *settings, const char *name);

#endif
