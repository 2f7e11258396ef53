/*
 * What is done to a server while it is under load, and when. An experiment's key `events` has, with commas between,
 *
 *   at 3s kill worker 1              SIGKILL to its process
 *   at 4s stop worker 2 for 2s       SIGSTOP, then SIGCONT; without `for` it stands still to the end of the measured time
 *   at 7s slow worker 3 x10 for 2s   runs a tenth of the time: stopped and continued every 10 ms
 *   at 2s drain worker 1             POST to the admin address, as the next two
 *   at 5s reload
 *   at 6s scale 4
 *   every 1s stop server for 5ms     at 1s, 2s, ... as long as it fits into the measured time
 *
 * Kill, stop and slow take `worker N`, `backend N` (the same: what a proxy calls it), `front N` (of a proxy) or `server`: the
 * whole tree of processes. Times count from the beginning of the measured time, warm-up over.
 *
 * This is the text and what it means; faults.h carries it out.
 */
#ifndef HARNESS_SCHEDULE_H
#define HARNESS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind { FAULT_KILL, FAULT_STOP, FAULT_SLOW, FAULT_DRAIN, FAULT_RELOAD, FAULT_SCALE };
enum fault_target { TARGET_SERVER, TARGET_WORKER, TARGET_FRONT };

#define FAULT_TEXT_SIZE 96

struct fault {
    enum fault_kind kind;
    enum fault_target target;
    unsigned number; /* of the worker or front; how many workers for FAULT_SCALE */
    double factor;   /* FAULT_SLOW: runs 1 / factor of the time */
    uint64_t at_ns;  /* the first time, and, when it repeats, the time between two */
    uint64_t for_ns; /* FAULT_STOP, FAULT_SLOW: how long; 0: to the end */
    bool repeats;
    char text[FAULT_TEXT_SIZE]; /* "kill worker 1", in one spelling */
};

struct schedule {
    struct fault *faults;
    unsigned count;
};

/* One time that one fault is due. */
struct occasion {
    const struct fault *fault; /* of the schedule, which outlives it */
    uint64_t at_ns, until_ns;  /* until: when what it holds goes on; at_ns where it holds nothing */
};

#define SCHEDULE_ERROR_SIZE    300
#define SCHEDULE_OCCASIONS_MAX 1000u

/* Reads the text above. 0, or -EINVAL with what is wrong and what is allowed in `error`; end with schedule_free in any case. */
int schedule_parse(struct schedule *schedule, const char *text, char error[SCHEDULE_ERROR_SIZE]);
void schedule_free(struct schedule *schedule);

/*
 * Does it fit into the measured time, are there such workers (`workers`: the fewest that a cell begins with), and does nobody
 * hold what another lets go? 0 or -EINVAL as above.
 */
int schedule_check(const struct schedule *schedule, uint64_t duration_ns, unsigned workers, char error[SCHEDULE_ERROR_SIZE]);

/* All times divided by `by`: for a run in a hurry. */
void schedule_hurry(struct schedule *schedule, unsigned by);

/* Everything that is due within the measured time, in the order of time; the caller frees *occasions. Their number, at most
 * SCHEDULE_OCCASIONS_MAX + 1. */
unsigned schedule_occasions(const struct schedule *schedule, uint64_t duration_ns, struct occasion **occasions);

#endif
