/* What the two files of doctor share. */
#ifndef HARNESS_DOCTOR_PARTS_H
#define HARNESS_DOCTOR_PARTS_H

#include <stdbool.h>

#include "census.h"
#include "machine.h"
#include "process.h"

enum finding_grade { FINE, NOTED, MISSING, NOISY, SPOILING, GRADES };

/* The machine over a short while in which nothing is measured. */
struct watch {
    bool worked;
    uint64_t wall_ns;
    struct machine_time from, to;
    struct census before, after;
};

struct checkup {
    struct custody *custody;
    const char *programs;
    const struct watch *watch;
    enum finding_grade grade; /* of the check under way */
    char *what;
    const char *remedy;
};

struct check {
    const char *name;
    void (*look)(struct checkup *checkup);
};

/* What a check has found; `what` is handed over, `remedy` may be NULL. */
void doctor_find(struct checkup *checkup, enum finding_grade grade, char *what, const char *remedy);

/* Ended by one without a name. */
extern const struct check doctor_noise_checks[];

#endif
