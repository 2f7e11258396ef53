/*
 * What is said of a run: merged figures, whether they may be believed, and the forms they are printed in.
 */
#ifndef LOADGEN_REPORT_H
#define LOADGEN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "base/file.h"
#include "loadgen/engine/engine.h"
#include "loadgen/measure/measure.h"
#include "loadgen/settings.h"

/* ---- summary.c ---- */

enum validity { VALIDITY_VALID, VALIDITY_SUSPECT, VALIDITY_INVALID };

extern const char *const validity_names[];

#define REASONS_MAX 16
#define REASON_SIZE 200

struct summary {
    const struct settings *settings;
    struct stats stats;          /* of all threads */
    struct histogram response;   /* answered requests and, as lower bounds, censored ones */
    struct histogram answered;   /* answered requests alone */
    struct histogram service;    /* sent requests, lower bounds included */
    struct histogram first_byte; /* from the send */
    struct histogram rates;      /* responses/s of a thread, a value a thread a 100 ms */
    struct fairness fairness;
    uint64_t planned;
    double duration_s;
    double achieved_rate;                    /* responses that came in the time measured / duration */
    double busiest_thread;                   /* CPU time of the busiest thread / duration */
    double run_wait;                         /* of the thread that waited most for a CPU / duration */
    double cpu_us_per_request;               /* the generator's own */
    double in_flight;                        /* L: mean number of requests in flight */
    double little;                           /* lambda W: requests/s times mean service time, censored ones included */
    double steal;                            /* share of the machine's CPU time */
    uint64_t cpu_ticks;                      /* of the machine, meanwhile: how fine `steal` is */
    uint64_t listen_overflows, listen_drops; /* of the whole machine, meanwhile */
    double headroom; /* rate the generator reaches against a null server / achieved rate; NAN: not measured */
    bool interrupted, identity_holds;
    enum validity validity;
    unsigned reason_count;
    char reasons[REASONS_MAX][REASON_SIZE];
};

int summary_init(struct summary *summary, const struct run *run);
void summary_close(struct summary *summary);

/*
 * A percentile of response time, in microseconds. *bound: it is a lower bound, because with the censored requests as slow as
 * can be it would be more than 1 % higher.
 */
uint64_t summary_percentile(const struct summary *summary, double percentile, bool *bound);
uint64_t summary_service_percentile(const struct summary *summary, double percentile, bool *bound);

/* Service times of the answered requests alone: what a closed-loop generator such as wrk would have reported. */
const struct histogram *summary_uncorrected(const struct summary *summary);

/* ---- validity.c ---- */

/* Fills in validity and reasons from everything else. */
void summary_judge(struct summary *summary);

/* ---- forms ---- */

void report_text_head(const struct settings *settings, FILE *out);
void report_text(const struct summary *summary, FILE *out);

/* Schema clusterbench.loadgen/1; a new reference, NULL without memory. */
json_t *report_json(const struct summary *summary);

/* One line of names, one of figures: what the JSON has, flattened. 0 or -EIO. */
int report_csv(const struct summary *summary, FILE *out);

/* ---- output.c: the files of a report, opened before anything is measured ---- */

struct output {
    const char *option, *path;
    FILE *out; /* NULL: not asked for */
    struct file_draft draft;
};

/* `path` NULL: not asked for. 0, or negative errno with a line in `message` that names the option. */
int output_open(struct output *output, const char *option, const char *path, char *message);
void output_to_stdout(struct output *output);
/* Completes and renames (stdout: flushes). 0, or negative errno with a line in `message`. Nothing to do when not asked for. */
int output_commit(struct output *output, char *message);
void output_discard(struct output *output); /* also after a failed open, or a commit */

/* ---- series_file.c: --series and --hlog, written while the run goes on ---- */

struct series_file;

/* NULL in *file when neither was asked for. 0, or negative errno with a line in `message`. */
int series_file_open(const struct settings *settings, struct series_file **file, char *message);
struct watcher series_file_watcher(struct series_file *file);
/* Completes and renames; `kept` false: discards. 0 or negative errno with a line in `message`. Frees the file. */
int series_file_close(struct series_file *file, bool kept, char *message);

/* ---- html.c: --html ---- */

/* Remembers the intervals of a run for its page. */
struct page;

int page_new(const struct settings *settings, struct page **page);
struct watcher page_watcher(struct page *page);
/* Self-contained: no network, no script needed. 0 or -EIO. */
int page_print(const struct page *page, const struct summary *summary, FILE *out);
void page_free(struct page *page);

/* ---- live.c: what a person at a terminal sees meanwhile, on stderr ---- */

struct live_view;

/* NULL in *view when stderr is no terminal and --live auto, or --live off. */
int live_open(const struct settings *settings, struct live_view **view);
struct watcher live_watcher(struct live_view *view);
void live_close(struct live_view *view); /* clears what it drew */

#endif
