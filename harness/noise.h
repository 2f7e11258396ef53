/*
 * How quiet the machine was during a block, and whether the block counts. Judged from the machine's readings alone, never from
 * results: arithmetic, but for noise_read and noise_calibrate.
 *
 * Foreign CPU time is read in two ways, and the greater counts. Each errs on the side of silence:
 *
 * - by processes: what all processes that are not below the harness used (census.h). Threads of the kernel and interrupts are
 *   nobody's: on a machine that is otherwise idle it is our own traffic that makes them work. Two ticks are taken off, since the
 *   kernel tells these times in ticks, and it is never more than the CPUs worked at all: a process that ends in the midst of a
 *   walk through /proc may be seen twice.
 * - by the machine: user, nice and system time of /proc/stat, less what the harness and all it started used. It also sees
 *   programs outside this container. Time in interrupts is left out: kernels with IRQ_TIME_ACCOUNTING keep it apart from the
 *   process, others count it there, too, and then this reading is too low by it. Kernels without VIRT_CPU_ACCOUNTING sample: one
 *   look a tick and CPU, so that n looks are off by up to sqrt(n)/2 ticks (standard deviation); three of them are taken off.
 *
 * Checked on two CPUs with others at work, ten seconds of kept and of short connections: busy time and interrupts were 18.99 s, our
 * own and the others' processes 18.94 s, so that what is called foreign holds none of our own traffic.
 */
#ifndef HARNESS_NOISE_H
#define HARNESS_NOISE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "placement.h"

#define NOISE_STEAL_MOST_PERCENT       2.0 /* of all CPU time */
#define NOISE_FOREIGN_MOST_PERCENT     5.0 /* of one CPU */
#define NOISE_CALIBRATION_MOST_PERCENT 5.0 /* off the run's median */
#define NOISE_RETRIES_MOST             3u
#define NOISE_REJECTED_MOST            0.3

/* Times since some beginning, or between two readings. All in nanoseconds. */
struct noise_reading {
    uint64_t wall_ns;
    uint64_t all_ns, busy_ns, steal_ns; /* of all CPUs; busy without interrupts */
    uint64_t interrupts_ns;
    uint64_t own_ns;    /* the harness and everything it started and waited for */
    uint64_t others_ns; /* census_others_ns */
};

/* Now; nothing that the harness started may be running. 0 or negative errno. */
int noise_read(struct noise_reading *now);

/* sums += to - from; what went backwards adds nothing. */
void noise_add(struct noise_reading *sums, const struct noise_reading *from, const struct noise_reading *to);

json_t *noise_json(const struct noise_reading *sums);
/* 0, or -EINVAL for what is no such object. */
int noise_from_json(struct noise_reading *sums, const json_t *json);

struct noise {
    double steal_percent;                            /* of all CPU time */
    double by_processes_percent, by_machine_percent; /* foreign, of one CPU */
    double foreign_percent;                          /* the greater */
};

/* tick_ns: of the kernel's accounting (sysconf(_SC_CLK_TCK)). */
struct noise noise_of(const struct noise_reading *sums, uint64_t tick_ns);

/* Why a block as noisy as that does not count: "steal 3.1 % is above 2 %". The caller frees; NULL: it counts. */
char *noise_objection(const struct noise *noise);

/*
 * A fixed piece of work, timed by the wall on each CPU of the placement, servers' first: microseconds, the median of five goes
 * each, so that one interruption is not seen but a slower clock and a neighbour that stays are. Afterwards this process runs on
 * all of them again. A new array; NULL when it cannot be pinned.
 */
json_t *noise_calibrate(const struct placement *placement);

/* A block's loop runs before its first cell, before the first of those it is gone on with, and on the way: is it due before cell
 * number `cell` (from 0) of `count`? At most nine times in all, evenly spread. */
bool noise_calibration_due(unsigned cell, unsigned count);

/*
 * How far a block's `readings` (arrays of noise_calibrate) lie off those of all `blocks`, objects with "calibration_us": percent,
 * of the CPU that is furthest off. A block stands for itself with its median, CPU by CPU, and so does the run with that of its
 * blocks: one reading is a moment and says nothing of minutes. 0 while there are fewer than three blocks.
 */
double noise_calibration_off(const json_t *readings, const json_t *blocks);

/*
 * All planned blocks run once; then as many again as were thrown out or, `lacking` of the accepted, are without a cell that the
 * generator spoiled, unless they are too many.
 */
bool noise_another_block(unsigned planned, unsigned accepted, unsigned lacking, unsigned rejected);
/* How many blocks more than planned that can come to. */
unsigned noise_repeats_most(unsigned planned);
/* Were too many thrown out for verdicts? */
bool noise_too_much(unsigned accepted, unsigned rejected);

#endif
