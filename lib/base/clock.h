/*
 * Time. Everything in this project counts nanoseconds of CLOCK_MONOTONIC in a uint64_t; clocks a person reads (dates in
 * responses, names of results) are the only users of CLOCK_REALTIME.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_US UINT64_C(1000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S  UINT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC: comparable between processes of one boot. clock_gettime(2) */
uint64_t clock_now_ns(void);

/* CPU time of the calling thread, user and system, in nanoseconds. CLOCK_THREAD_CPUTIME_ID */
uint64_t clock_thread_cpu_ns(void);

/* Sleeps until `deadline_ns` of clock_now_ns(); returns at once when it is past. Signals do not shorten it. */
void clock_sleep_until_ns(uint64_t deadline_ns);

#endif
