/*
 * loadgen, from the command line to the last line printed. The contents, in the order in which a run passes through them:
 *
 *   options.c      what the user asked for                    -> struct settings
 *   url.c          http://host:port/path                      -> struct url
 *   template.c     the request's bytes, with drawn times       -> struct template
 *   run.c          threads, their common start, their end      -> struct run
 *   engine.c       one thread: epoll, phases, who sends next   -> struct engine
 *   connection.c   one connection: open, send, read, break     -> struct connection
 *   schedule.c     open loop: when each request is planned
 *   timers.c       connections that wait for a moment
 *   stats.c        what is counted, one a thread, merged at the end
 *   series.c       the same by time, while the run goes on
 *   fairness.c     how even are counts?
 *   summary.c      merged figures, the verdict
 *   report_text.c, report_json.c
 *   main.c         exit statuses
 *
 * Words. A request is PLANNED when it is due: by the schedule in the open loop, at once in the closed loop. It is SENT when
 * its bytes are written; RESPONSE TIME runs from the plan, SERVICE TIME from the send, to the response's last byte. The SEND LAG
 * is how long after its plan a request was taken up (its connection opened or its bytes written); OWN LAG is the part of it
 * during which a connection was free, which nobody but the generator can be blamed for.
 *
 * Times are nanoseconds of clock_now_ns(); histograms hold microseconds. Functions return 0 or a negative errno.
 */
#ifndef LOADGEN_H
#define LOADGEN_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cpus.h"
#include "base/distribution.h"
#include "base/file.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/net.h"
#include "base/options.h"
#include "base/random.h"
#include "base/slice.h"
#include "http/response_parser.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,
    EXIT_UNMEASURED = 2, /* nothing answered, or the generator broke */
    EXIT_INVALID = 3,    /* measured, but the figures say more of the generator than of the server */
    EXIT_INTERRUPTED = 130,
};

#define MESSAGE_SIZE OPTIONS_ERROR_SIZE

/* ---- url.c ---- */

struct url {
    struct net_address address;
    struct slice host;   /* for the Host field, as written: "127.0.0.1:8080"; "localhost" for a unix socket */
    struct slice target; /* path and query; may lack its leading '/' when empty or beginning with '?' */
};

/* http://HOST[:PORT][/PATH], http://[IPV6]:PORT/, http://unix:/PATH:/TARGET, http://unix:@NAME:/TARGET. The slices point into
 * `text`. -EINVAL or -ENOENT (no such host) with one clause in `message` (MESSAGE_SIZE) that says what is wrong. */
int url_parse(const char *text, struct url *url, char *message);

/* ---- template.c ---- */

struct template_piece {
    struct slice text;        /* goes out as it is; then, unless this is the last piece, */
    struct distribution time; /* a time drawn from here, in whole microseconds: "5123us" */
};

/* The bytes of a request, made once. Without placeholders there is one piece and rendering copies nothing. */
struct template
{
    struct template_piece *pieces;
    unsigned count;
    size_t longest; /* bytes a rendered request can have */
    char *text;
};

struct request_parts {
    const char *method;
    const struct url *url;
    const struct option_list *headers; /* "Name: value", checked */
    const char *body;                  /* or NULL */
    bool last;                         /* announces `Connection: close` */
};

/* -EINVAL for a bad placeholder in the target, with a clause in `message`; -ENOMEM. */
int template_init(struct template *template, const struct request_parts *parts, char *message);
void template_close(struct template *template);

/* The next request. Points into the template or into `buffer` (template->longest bytes). */
struct slice template_render(const struct template *template, struct random *random, char *buffer);

/* "Name: value" of a header option; NULL, or a clause that says what is wrong with it. */
const char *template_check_header(const char *text);
bool template_is_token(struct slice text); /* RFC 9110 5.6.2: a method, a field's name */

/* ---- options.c ---- */

enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON };
enum report_format { FORMAT_TEXT, FORMAT_JSON };

extern const char *const arrivals_names[];

struct settings {
    const char *url_text;
    uint64_t threads, connections;
    uint64_t requests;    /* 0: until the duration ends */
    uint64_t duration_ns; /* 0: until the requests are done */
    uint64_t warmup_ns, timeout_ns;
    double rate; /* requests/s of all threads; 0: closed loop */
    int arrivals;
    uint64_t requests_per_connection; /* 0: no limit */
    uint64_t seed;
    const char *method, *body;
    struct option_list headers;
    const char *backend_header; /* NULL: no attribution */
    const char *output, *hgrm, *series;
    const char *pin_text;
    int format;
    bool latency, quiet;

    struct url url;
    struct cpu_list pin; /* count 0: nowhere */
};

/* An options_outcome, or -EINVAL with a whole line in `message` (MESSAGE_SIZE). */
int settings_read(struct settings *settings, int argc, char **argv, char *message);
void settings_close(struct settings *settings);

/* ---- schedule.c ---- */

struct schedule_plan {
    enum arrivals arrivals;
    double rate; /* of all threads */
    unsigned thread, threads;
    uint64_t start_ns, end_ns; /* plans lie in [start, end) */
    uint64_t limit;            /* at most so many in this thread */
    uint64_t seed, stream;
};

/* When this thread's requests are due. Its own queue: what is due and not yet sent is simply not yet advanced past. */
struct schedule {
    struct schedule_plan plan;
    uint64_t next_ns; /* the oldest plan not yet taken; UINT64_MAX when there are no more */
    uint64_t taken;
    double elapsed_ns; /* poisson: sum of the gaps so far */
    struct random random;
};

void schedule_init(struct schedule *schedule, const struct schedule_plan *plan);
void schedule_advance(struct schedule *schedule);

/* How many plans are left; takes them all. */
uint64_t schedule_drain(struct schedule *schedule);

/* The part of `total` that falls to `thread`, the first threads taking the remainder. */
uint64_t share_of(uint64_t total, unsigned thread, unsigned threads);

/* ---- timers.c ---- */

struct timer {
    uint64_t when_ns;
    unsigned position; /* in the heap, from 1; 0 when not set */
};

/* A binary heap of timers that live in their owners; room for all of them is made at the start. */
struct timers {
    struct timer **heap;
    unsigned count, size;
};

int timers_init(struct timers *timers, unsigned size);
void timers_close(struct timers *timers);
void timers_set(struct timers *timers, struct timer *timer, uint64_t when_ns);
void timers_cancel(struct timers *timers, struct timer *timer);
uint64_t timers_next_ns(const struct timers *timers);                  /* UINT64_MAX when empty */
struct timer *timers_take_due(struct timers *timers, uint64_t now_ns); /* NULL when none is due */

/* ---- stats.c ---- */

enum error_kind { ERROR_CONNECT, ERROR_READ, ERROR_WRITE, ERROR_MALFORMED, ERROR_TIMEOUT, ERROR_KINDS };

extern const char *const error_names[ERROR_KINDS];

#define BACKEND_ID_MAX 63
#define BACKENDS_MAX   256 /* different values of the header; all further ones count as "(others)" */
#define STATUS_MAX     1000

/* One value of the backend header; bytes that are not printable ASCII stand as '?', for terminals and JSON. */
struct backend {
    char id[BACKEND_ID_MAX + 1];
    size_t id_length;
    bool answered; /* named by a whole response, be it one of the warm-up; else nobody: 103 Early Hints, a torn answer */
    uint64_t connections, requests;
    struct histogram response;
};

struct stats {
    uint64_t started; /* requests taken up */
    uint64_t status[STATUS_MAX];
    uint64_t socket_errors, timed_out, unfinished; /* ends of requests other than a response */
    uint64_t unsent;                               /* planned, never taken up */
    uint64_t waited;                               /* open loop: due while no connection was free */
    uint64_t errors[ERROR_KINDS];                  /* ends of connections, whether or not a request was on them */
    int last_error[ERROR_KINDS];                   /* negative errno, for messages */
    uint64_t bytes_read, bytes_written;
    uint64_t cpu_ns;
    struct histogram service, send_lag, own_lag, connect;
    struct backend *backends[BACKENDS_MAX + 1]; /* the first is "-": no such header. Response times are kept here only. */
    unsigned backend_count;
};

int stats_init(struct stats *stats);
void stats_close(struct stats *stats);

/* The backend of that id, made when new; "(others)" when there are too many, "-" when memory is short. */
struct backend *stats_backend(struct stats *stats, struct slice id);

/* Does "(others)" stand for several? Then how even they are cannot be told. */
bool stats_has_others(const struct stats *stats);

int stats_merge(struct stats *into, const struct stats *from);

/* Merges the response times of all backends into `response` (initialised by the caller). */
int stats_response_times(const struct stats *stats, struct histogram *response);

uint64_t stats_ok(const struct stats *stats);          /* responses below 400 */
uint64_t stats_http_errors(const struct stats *stats); /* from 400 on */

/* Histograms count microseconds. */
static inline uint64_t stats_us(uint64_t ns)
{
    return (ns + 500) / 1000;
}

/* ---- series.c ---- */

#define SERIES_INTERVAL_NS (100 * UINT64_C(1000000))
#define SERIES_DIGITS      2 /* 1 % is enough for a curve, and keeps an interval at 26 KiB */

struct series_interval {
    uint64_t requests, errors;
    struct histogram response;
};

/*
 * A thread writes one interval while run.c reads the one before: two buffers and a counter. The thread moves on only when the
 * reader has emptied the other buffer; until then it goes on with the old one, so that nothing is lost or torn.
 */
struct series {
    struct series_interval intervals[2];
    _Atomic uint64_t written; /* intervals completed; the thread's */
    _Atomic uint64_t read;    /* intervals emptied; the reader's */
};

int series_init(struct series *series);
void series_close(struct series *series);
void series_record(struct series *series, uint64_t response_us);
void series_error(struct series *series);
/* The thread passed the end of its interval. False: the reader is behind, call again later. */
bool series_turn(struct series *series);
/* The reader's: is there a completed interval? */
bool series_ready(const struct series *series);
/* The reader's: adds the oldest completed interval to `sum` and frees it. False when there is none. */
bool series_take(struct series *series, struct series_interval *sum);

/* ---- connection.c ---- */

enum connection_state {
    CONNECTION_CLOSED,     /* no descriptor */
    CONNECTION_CONNECTING, /* until the kernel says yes or no */
    CONNECTION_OPEN,
};

struct connection {
    struct engine *engine;
    int fd;
    enum connection_state state;
    bool busy;               /* a request is on it: planned_ns and sent_ns hold */
    bool counted;            /* ... and belongs to the measurement, not to the warm-up */
    bool credited;           /* this connection has been counted for a backend */
    bool named;              /* the response under way named its backend: */
    struct backend *backend; /* the one named last */
    bool opening;            /* the run's start waits for this connection's first attempt */
    uint64_t served;         /* requests sent on this connection */
    uint64_t planned_ns, sent_ns, opened_ns, deadline_ns;
    uint64_t pause_ns; /* back-off before the next attempt */
    struct list link;  /* in engine->idle, or in engine->waiting while something is awaited */
    struct timer timer;
    char *rest; /* of a request that did not fit into the socket's buffer; NULL nearly always */
    size_t rest_length, rest_done;
    struct response_parser parser;
};

#define READ_BUFFER_SIZE (64 * 1024)

/* What a connection wants of the parser, but for the name of the backend header. */
extern const struct response_events connection_events;

void connection_init(struct connection *connection, struct engine *engine);
void connection_close(struct connection *connection);

/* Begins to connect, for the request it is busy with or for later ones. */
void connection_open(struct connection *connection, uint64_t now_ns);

/* Writes the request it is busy with. */
void connection_send(struct connection *connection, uint64_t now_ns);

/* epoll's news (epoll_ctl(2) event bits). */
void connection_event(struct connection *connection, uint32_t events);

/* deadline_ns has passed. */
void connection_expired(struct connection *connection, uint64_t now_ns);

/* ---- engine.c ---- */

/* What all threads share and none writes. */
struct load {
    const struct settings *settings;
    struct template keep, last; /* requests; `last` is the last on its connection */
    struct response_events events;
    bool is_head;
};

enum engine_phase {
    PHASE_OPENING, /* connections are being opened, then the thread waits for the start */
    PHASE_WAITING, /* the start is known and lies ahead */
    PHASE_WARMUP,
    PHASE_MEASURE,
    PHASE_DONE,
};

/* One thread of load. Everything in it is the thread's own, but for the atomics at the end. */
struct engine {
    const struct load *load;
    unsigned index;
    enum engine_phase phase;
    int epoll, timer_fd;
    uint64_t now_ns;            /* as of the last reading */
    uint64_t armed_ns;          /* what timer_fd is set to; UINT64_MAX when not */
    uint64_t phase_end_ns;      /* UINT64_MAX: no end by time */
    uint64_t from_ns, until_ns; /* the measurement as it was */
    uint64_t expiry_ns;         /* when to look for expired connections next: never later than the first deadline */
    uint64_t series_ns;         /* end of the series' interval */
    uint64_t budget;            /* closed loop: requests still to start */
    uint64_t in_flight;         /* busy connections */
    struct schedule schedule;
    struct timers timers;
    struct list idle, waiting; /* waiting: by deadline, the same time-out for all */
    struct connection *connections;
    unsigned connection_count;
    unsigned opening; /* first attempts not yet decided */
    uint64_t connected, refused_in_row;
    uint64_t last_answer_ns, last_end_ns; /* of requests: by a response; by whatever ended them */
    uint64_t exhausted_ns;                /* open loop: when the last free connection was taken */
    uint64_t cpu_from_ns;
    struct random random; /* for placeholders */
    char *read_buffer, *render_buffer;
    struct stats stats;
    struct series *series; /* or NULL */
    int error;             /* the generator's own failure */
    bool unreachable;      /* gave up: nothing to connect to */

    pthread_t thread;
    int wake_fd, news_fd;      /* eventfds: to this thread, to run.c */
    _Atomic uint64_t start_ns; /* set by run.c once all are ready */
    _Atomic bool stop;         /* set by run.c */
    _Atomic bool ready, done;  /* set by the thread */
};

int engine_init(struct engine *engine, const struct load *load, unsigned index, int news_fd);
void engine_close(struct engine *engine);
void *engine_run(void *engine); /* a pthread's main */

/* What a connection reports. It can take a request now: it is given one that is due, or queues up. */
void engine_free(struct engine *engine, struct connection *connection, uint64_t now_ns);
/* It is shut, and no request is on it: it will be opened, or free to be, after a pause. */
void engine_reopen(struct engine *engine, struct connection *connection, uint64_t pause_ns);
/* An attempt to connect has ended. */
void engine_opened(struct engine *engine, struct connection *connection, bool connected);
/* Its request has ended: by the response in its parser, or without one. */
void engine_answered(struct engine *engine, struct connection *connection, uint64_t now_ns);
void engine_failed(struct engine *engine, struct connection *connection, enum error_kind kind, uint64_t now_ns);

/* ---- run.c ---- */

struct run {
    const struct settings *settings;
    struct load load;
    struct engine *engines;
    unsigned engine_count, thread_count; /* made; started */
    struct series *series;               /* one an engine, or NULL */
    int news_fd, signal_fd;
    bool interrupted, broken;
    bool series_open;
    struct file_draft series_file;
    struct series_interval interval; /* of all threads, being summed up */
    uint64_t series_rows;
};

/* Carries the load out; every error comes with a line in `message` (MESSAGE_SIZE). run_close in any case. */
int run_load(struct run *run, const struct settings *settings, char *message);
void run_close(struct run *run);

/* ---- fairness.c ---- */

struct fairness {
    unsigned workers;
    double jain, cv, max_over_mean; /* of requests */
    double chi_square_p;            /* of connections; NAN below 5 expected a worker or with fewer than two workers */
};

double fairness_jain(const uint64_t *counts, unsigned count);
double fairness_chi_square_p(const uint64_t *counts, unsigned count);
/* Probability that chi-square with `freedom` degrees reaches `x`: the regularised upper incomplete gamma function. */
double chi_square_upper_tail(double x, double freedom);
struct fairness fairness_of(const struct stats *stats);

/* ---- summary.c ---- */

enum verdict { VERDICT_VALID, VERDICT_SUSPECT, VERDICT_INVALID };

extern const char *const verdict_names[];

#define REASONS_MAX 12
#define REASON_SIZE 200

struct summary {
    const struct settings *settings;
    struct stats stats; /* of all threads */
    struct histogram response;
    struct fairness fairness;
    uint64_t planned, ok, http_errors;
    double duration_s, achieved_rate;
    double busiest_thread; /* CPU time of the busiest thread / duration */
    double cpu_us_per_request;
    bool interrupted, identity_holds;
    enum verdict verdict;
    unsigned reason_count;
    char reasons[REASONS_MAX][REASON_SIZE];
};

int summary_init(struct summary *summary, const struct run *run);
void summary_close(struct summary *summary);

/* ---- report_text.c, report_json.c ---- */

void report_text_head(const struct settings *settings, FILE *out);
void report_text(const struct summary *summary, FILE *out);

/* Schema clusterbench.loadgen/1; a new reference, NULL without memory. */
json_t *report_json(const struct summary *summary);

#endif
