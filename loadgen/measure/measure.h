/*
 * Counting: one writer a struct, no locks; merged when the threads have ended, or, for figures by time, handed over interval
 * by interval.
 */
#ifndef LOADGEN_MEASURE_H
#define LOADGEN_MEASURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/slice.h"
#include "loadgen/request/request.h"

/* ---- stats.c ---- */

enum error_kind {
    ERROR_CONNECT,
    ERROR_READ,
    ERROR_WRITE,
    ERROR_MALFORMED,
    ERROR_TIMEOUT,
    ERROR_LOCAL,       /* this machine's or the generator's own: no port, descriptor or memory left */
    ERROR_IDLE_CLOSED, /* a connection that had answered before and was idle ended as a request was sent on it */
    ERROR_KINDS
};

extern const char *const error_names[ERROR_KINDS];

/* Is this errno (positive) one that says nothing of the server? EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ... */
bool error_is_local(int error);

#define BACKEND_ID_MAX 63
#define BACKENDS_MAX   256 /* different values of the header; all further ones count as "(others)" */
#define STATUS_MAX     1000

/* One value of the backend header; bytes that are not printable ASCII stand as '?', for terminals and JSON. */
struct backend {
    char id[BACKEND_ID_MAX + 1];
    size_t id_length;
    unsigned index; /* in stats->backends */
    bool answered;  /* named by a whole response, be it one of the warm-up; else nobody: 103 Early Hints, a torn answer */
    uint64_t connections, requests, bytes; /* bytes: read */
    uint64_t http_errors;                  /* among the requests */
    uint64_t errors;                       /* requests that got no response on a connection this worker had answered on last */
    struct histogram response;             /* of answered requests */
};

/* The same by kind of request; only where there is more than one. */
struct kind_stats {
    uint64_t requests, not_ok; /* answered; those of them that are http errors or fail their check */
    struct histogram response;
};

struct stats {
    uint64_t started;         /* requests taken up */
    uint64_t ok, http_errors; /* responses that are what was asked for (see check.c; without a check: a status
                                 below 400); all others */
    uint64_t status[STATUS_MAX];
    uint64_t check_failed[CHECK_KINDS];            /* by the first part that failed; each of them is an http error */
    uint64_t socket_errors, timed_out, unfinished; /* ends of requests other than a response */
    uint64_t unsent;                               /* planned, never taken up */
    uint64_t warmup;                               /* answered in the warm-up, or sent there */
    uint64_t carried;                              /* of these, answered in the time measured: in the rate, in no other figure */
    uint64_t waited;                               /* open loop: due while no connection was free */
    uint64_t lingered;                             /* answered after the end, within --linger; among ok and http_errors */
    uint64_t retries;                              /* sent once more (--retry-idle); how they ended is counted above */
    uint64_t errors[ERROR_KINDS];                  /* ends of connections, whether or not a request was on them */
    int last_error[ERROR_KINDS];                   /* negative errno, for messages */
    uint64_t bytes_read, bytes_written;
    uint64_t cpu_ns, run_wait_ns; /* of the thread: running; runnable but waiting for a CPU (/proc/thread-self/schedstat) */
    uint64_t spin_ns;             /* part of cpu_ns: --spin's waiting, which no request was in need of */
    double in_flight_ns;          /* integral of the requests in flight over the time measured */
    struct histogram service, send_lag, own_lag, connect;
    struct histogram split_service, split_first; /* service time and first byte of responses that came in more than one read; of
                                                    all others the first byte came with the last */
    struct histogram censored;                   /* response time so far of requests timed out, unfinished, unsent: lower bounds */
    struct histogram censored_service;           /* service time so far of those that had been sent */
    struct backend *backends[BACKENDS_MAX + 1];  /* the first is "-": no such header. Response times are kept here only. */
    unsigned backend_count;
    struct kind_stats *kinds; /* NULL where there is one kind */
    unsigned kind_count;
};

int stats_init(struct stats *stats, unsigned kind_count);
void stats_close(struct stats *stats);

/* The backend of that id, made when new; "(others)" when there are too many, "-" when memory is short. */
struct backend *stats_backend(struct stats *stats, struct slice id);

/* Does "(others)" stand for several? Then how even they are cannot be told. */
bool stats_has_others(const struct stats *stats);

int stats_merge(struct stats *into, const struct stats *from);

/* Merges the response times of all backends into `response` (initialised by the caller). */
int stats_response_times(const struct stats *stats, struct histogram *response);

/* Histograms count microseconds. */
static inline uint64_t stats_us(uint64_t ns)
{
    return (ns + 500) / 1000;
}

/* ---- series.c ---- */

#define SERIES_INTERVAL_NS (100 * UINT64_C(1000000))
#define SERIES_DIGITS      2 /* 1 % is enough for a curve, and keeps an interval at 26 KiB a backend */

/* What one backend did in an interval. The histogram is kept only in a detailed series. */
struct series_backend {
    char id[BACKEND_ID_MAX + 1];
    uint64_t requests, errors, bytes; /* errors: of all kinds */
    struct histogram response;        /* counts NULL until something is recorded */
};

struct series_interval {
    struct series_backend *backends[BACKENDS_MAX + 1]; /* made when first needed, kept; a thread's index is its stats' */
    unsigned backend_count;
    uint64_t started, in_flight; /* taken up in the interval; at its end */
    uint64_t errors;             /* of all kinds: http errors, socket errors, time-outs */
    uint64_t ticks, last_tick;   /* a thread's: how many it spans (of a sum: the most), and the number of the last one, from 1 */
};

/* As of the last turn. */
struct series_counts {
    uint64_t requests, errors, bytes;
};

#define SERIES_RATE_MAX UINT64_C(100000000)

/*
 * A thread writes one interval while run.c reads the one before: two buffers and a counter. The thread moves on only when the
 * reader has emptied the other buffer; until then it goes on with the old one, so that nothing is lost or torn.
 * Counts are differences of the thread's stats, taken at the turn: they cost nothing a request.
 */
struct series {
    bool detailed; /* histograms, too: one record more a request */
    struct series_interval intervals[2];
    struct series_counts *totals; /* by index; the thread's */
    uint64_t started, errors;     /* as of the last turn; the thread's */
    uint64_t tick;                /* ticks over; the thread's */
    struct histogram rates;       /* responses/s of this thread, a value a tick; the thread's */
    bool is_over;                 /* only answers are awaited: no rate any more; the thread's */
    uint64_t in_flight;           /* as last heard; the reader's */
    _Atomic uint64_t written;     /* intervals completed; the thread's */
    _Atomic uint64_t read;        /* intervals emptied; the reader's */
};

int series_init(struct series *series, bool detailed);
void series_close(struct series *series);
/* The measurement begins: what `stats` holds now belongs to no interval. */
void series_begin(struct series *series, const struct stats *stats);
/* Only in a detailed series. */
void series_record(struct series *series, const struct backend *backend, uint64_t response_us);
/* A tick is over (call it for each, also for those overslept). False: the reader is behind, and the interval goes on. */
bool series_turn(struct series *series, const struct stats *stats, uint64_t in_flight);
/* The reader's: is there a completed interval? */
bool series_ready(const struct series *series);
/* The reader's: adds the oldest completed interval to `sum` (by backend id) and frees it, if it ended with `tick` or before. */
bool series_take(struct series *series, uint64_t tick, struct series_interval *sum);
/* The reader's, once the thread has ended: adds all that is left. */
void series_end(struct series *series, const struct stats *stats, struct series_interval *sum);

/* An interval of the reader's own, to sum up in. */
void series_interval_reset(struct series_interval *interval);
/* Adds all but in_flight, which is no sum over time. */
void series_interval_add(struct series_interval *sum, const struct series_interval *interval);
void series_interval_close(struct series_interval *interval);

/* ---- fairness.c ---- */

struct fairness {
    unsigned workers;
    double jain, cv, max_over_mean; /* of requests */
    double chi_square_p;            /* of connections; NAN below 5 expected a worker or with fewer than two workers */
    double jain_100ms, jain_1s;     /* mean over windows with at least 5 requests a worker on the average; NAN without any */
};

double fairness_jain(const uint64_t *counts, unsigned count);
double fairness_chi_square_p(const uint64_t *counts, unsigned count);
/* Probability that chi-square with `freedom` degrees reaches `x`: the regularised upper incomplete gamma function. */
double chi_square_upper_tail(double x, double freedom);
struct fairness fairness_of(const struct stats *stats);

/* ---- windows.c ---- */

/*
 * Jain's index by window, in constant memory: the number of workers is known at the end only, so what is summed up is
 * (sum x)^2 / (sum x^2) of each window, to be divided by the workers then.
 */
struct window_sum {
    double ratios, requests;
    uint64_t windows;
};

struct windows {
    struct window_sum tenth, second;
    uint64_t *of_second; /* requests by backend in the second under way, by index of the summed interval */
    unsigned in_second;  /* tenths of it that are over */
};

int windows_init(struct windows *windows);
void windows_close(struct windows *windows);
/* An interval of 100 ms, of all threads. */
void windows_take(struct windows *windows, const struct series_interval *interval);
/* Mean Jain of the windows; NAN without windows of at least 5 requests a worker on the average. */
double windows_jain(const struct window_sum *sum, unsigned workers);

/* ---- host.c ---- */

/* What the kernel counts for the whole machine; differences of two readings mean something. What cannot be read is 0. */
struct host {
    uint64_t cpu_ticks, steal_ticks;           /* /proc/stat */
    uint64_t listen_overflows, listen_drops;   /* TcpExt in /proc/net/netstat, of this network namespace */
    uint64_t segments_retransmitted, segments; /* Tcp in /proc/net/snmp */
};

void host_read(struct host *host);
/* How much more `after` is; 0 when it is less, as after a wrap-around. */
uint64_t host_grown(uint64_t before, uint64_t after);
double host_steal_share(const struct host *before, const struct host *after); /* of all CPU time, 0..1 */
/* Nanoseconds the calling thread has waited for a CPU while it could run; 0 when the kernel does not tell. */
uint64_t host_thread_wait_ns(void);

/* What the above make of the text they read: of /proc/stat into *host (left alone without a line "cpu"), a counter of
 * /proc/net/netstat or snmp ("TcpExt:", "ListenDrops"; 0 without it), the waiting time of a schedstat file (0 without it). */
void host_parse_stat(struct slice text, struct host *host);
uint64_t host_parse_counter(struct slice text, const char *protocol, const char *name);
uint64_t host_parse_wait_ns(struct slice text);

#endif
