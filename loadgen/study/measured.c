/*
 * One run with everything around it: who watches, what is written meanwhile, what it came to.
 */
#include <errno.h>
#include <string.h>

#include "loadgen/study/study.h"

/* Whoever watches a run. */
struct company {
    struct series_file *series;
    struct page *page;
    struct live_view *live;
    struct output html; /* of the page */
    struct watcher watchers[WATCHERS_MAX];
    unsigned count;
};

static int invite(struct company *company, const struct settings *settings, char *message)
{
    *company = (struct company){.count = 0};
    int error = series_file_open(settings, &company->series, message);
    if (!error)
        error = output_open(&company->html, "--html", settings->html, message);
    if (error)
        return error;
    error = page_new(settings, &company->page);
    if (!error)
        error = live_open(settings, &company->live);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot begin: %s", strerror(-error));
    if (company->series)
        company->watchers[company->count++] = series_file_watcher(company->series);
    if (company->page)
        company->watchers[company->count++] = page_watcher(company->page);
    if (company->live)
        company->watchers[company->count++] = live_watcher(company->live);
    return error;
}

static int dismiss(struct company *company, bool kept, char *message)
{
    int error = company->series ? series_file_close(company->series, kept, message) : 0;
    if (company->live)
        live_close(company->live);
    page_free(company->page);
    if (!kept) {
        output_discard(&company->html);
        return error;
    }
    int late = output_commit(&company->html, message);
    return error ? error : late;
}

/* Why nothing was answered, in one line. */
static void explain_silence(const struct summary *summary, char *message)
{
    const struct stats *stats = &summary->stats;
    const char *url = summary->settings->url_text;
    if (stats->errors[ERROR_LOCAL])
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot connect to %.300s: %s (on this side)", url,
                 strerror(-stats->last_error[ERROR_LOCAL]));
    else if (stats->errors[ERROR_CONNECT])
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot connect to %.300s: %s", url, strerror(-stats->last_error[ERROR_CONNECT]));
    else if (stats->errors[ERROR_MALFORMED])
        snprintf(message, MESSAGE_SIZE, "loadgen: no whole HTTP/1.x response from %.300s", url);
    else
        snprintf(message, MESSAGE_SIZE, "loadgen: no response from %.300s: %s", url,
                 stats->timed_out            ? "every request timed out"
                 : stats->errors[ERROR_READ] ? strerror(-stats->last_error[ERROR_READ])
                 : stats->carried            ? "only requests of the warm-up were answered; measure for longer (-d)"
                                             : "the run ended before the first one");
}

static enum exit_status status_of(const struct summary *summary, char *message)
{
    if (!summary->identity_holds)
        return EXIT_UNMEASURED;
    if (summary->interrupted)
        return EXIT_INTERRUPTED;
    if (summary->stats.ok + summary->stats.http_errors == 0) {
        explain_silence(summary, message);
        return EXIT_UNMEASURED;
    }
    return summary->validity == VALIDITY_INVALID ? EXIT_INVALID : EXIT_DONE;
}

#define SELFTEST_NS (500 * UINT64_C(1000000))

/* Before the run, so as not to disturb it: the null server has ended when this returns. */
static int test_self(const struct settings *settings, double *headroom, char *message)
{
    *headroom = 0;
    return settings->selftest ? headroom_measure(settings, SELFTEST_NS, headroom, message) : 0;
}

static int load_and_sum(const struct settings *settings, struct company *company, struct summary *summary, bool *measured,
                        char *message)
{
    struct run run;
    double headroom;
    int error = test_self(settings, &headroom, message);
    if (error)
        return error;
    error = run_load(&run, settings, company->watchers, company->count, message);
    run.headroom = headroom;
    if (!error) {
        *measured = true;
        error = summary_init(summary, &run);
        if (!error && company->page)
            page_print(company->page, summary, company->html.out); /* whether it came down is seen by its commit */
        if (error)
            snprintf(message, MESSAGE_SIZE, "loadgen: cannot sum up: %s", strerror(-error));
    }
    run_close(&run);
    return error;
}

enum exit_status measure_once(const struct settings *settings, struct summary *summary, bool *measured, char *message)
{
    return measure_watched(settings, NULL, summary, measured, message);
}

enum exit_status measure_watched(const struct settings *settings, const struct watcher *watcher, struct summary *summary,
                                 bool *measured, char *message)
{
    struct company company;
    *measured = false;
    *message = '\0';
    int error = invite(&company, settings, message);
    if (watcher)
        company.watchers[company.count++] = *watcher;
    if (!error)
        error = load_and_sum(settings, &company, summary, measured, message);
    int late = dismiss(&company, *measured && !error, message);
    if (error || late)
        return error == -EINTR ? EXIT_INTERRUPTED : EXIT_UNMEASURED;
    return status_of(summary, message);
}
