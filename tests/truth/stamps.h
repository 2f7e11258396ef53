/*
 * What truth_server notes of every request, and the file it passes that on in: a line "stall FROM UNTIL" and "connections N", then
 * one "request CONNECTION NUMBER ARRIVAL FIRST LAST FATE" each, in order of arrival; nanoseconds of CLOCK_MONOTONIC, 0 for what
 * never happened.
 */
#ifndef TRUTH_STAMPS_H
#define TRUTH_STAMPS_H

#include <stddef.h>
#include <stdint.h>

enum fate {
    FATE_ANSWERED,
    FATE_REFUSED, /* 503 */
    FATE_SURPLUS, /* answered, with bytes behind the end */
    FATE_DROPPED, /* never answered */
    FATE_RESET,
    FATE_CUT,  /* half an answer, then closed */
    FATE_GONE, /* the client had left before the answer */
    FATES
};

extern const char *const fate_names[FATES];

#define STAMP_NO_NUMBER UINT64_MAX

struct stamp {
    uint64_t connection, number; /* number: from the path, or STAMP_NO_NUMBER */
    uint64_t arrival_ns, first_ns, last_ns;
    enum fate fate;
};

/* Zeroed: empty. */
struct stamps {
    struct stamp *rows;
    size_t count, size;
    uint64_t connections;
    uint64_t stall_from_ns, stall_until_ns; /* 0: none */
};

struct stamp *stamps_add(struct stamps *stamps); /* NULL without memory */
int stamps_write(const struct stamps *stamps, const char *path);
int stamps_read(struct stamps *stamps, const char *path); /* -EINVAL for what is no such file */
void stamps_close(struct stamps *stamps);
uint64_t stamps_count(const struct stamps *stamps, enum fate fate);

#endif
