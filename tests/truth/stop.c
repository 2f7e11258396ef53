/*
 * A server is stopped (SIGSTOP) for 2 s while 5,000/s are planned, in a run of 10 s. 10,000 requests are planned inside the stop,
 * and each of them is late by the rest of the stop; so the number of those slower than x is 5,000 (2 s - x), for every x.
 *
 * truth_server knows when each answer left, stopped or not: loadgen's distribution, line by line, against the count of its stamps.
 *
 * `single` has no stamps. It has to catch up, which makes the requests a little later still: at m answers a second a request
 * planned t after the stop's beginning leaves the queue t 5000/m after the stop's end. So 5,000 (2 s - x) grows by 1 / (1 -
 * 5000/m); m is measured in the closed loop with the same connections just before. As in the table there are three tries.
 *
 * Beside it the uncorrected view, in which no more requests are slow than there are connections. wrk on the same stop sees as many,
 * and then adds samples of requests it never sent (a correction of its own), so that its percentiles are neither the one nor the
 * other.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "truth.h"

#define RATE        5000.0
#define CONNECTIONS 64
#define SECONDS     10
#define STOP_AT_NS  (4 * CLOCK_NS_PER_S)
#define STOP_NS     (2 * CLOCK_NS_PER_S)
#define SHARE       0.01
#define TRIES       3

/* A line of an .hgrm file. */
struct hgrm_line {
    double value_ms;
    double slower; /* requests above it */
};

struct hgrm {
    struct hgrm_line lines[1024];
    unsigned count;
};

static void hgrm_read(struct hgrm *hgrm, const char *path)
{
    char line[256];
    double value, percentile, up_to, total = 0;
    FILE *in = fopen(path, "re");
    hgrm->count = 0;
    if (!in)
        truth_die("%s is missing: loadgen wrote no --hgrm", path);
    while (fgets(line, sizeof(line), in) && hgrm->count < sizeof(hgrm->lines) / sizeof(hgrm->lines[0]))
        if (sscanf(line, "%lf %lf %lf", &value, &percentile, &up_to) == 3) {
            hgrm->lines[hgrm->count++] = (struct hgrm_line){value, up_to};
            total = up_to;
        }
    fclose(in);
    for (unsigned i = 0; i < hgrm->count; i++)
        hgrm->lines[i].slower = total - hgrm->lines[i].slower;
}

/* ---- a run with a stop in it ---- */

/* Stops the server meanwhile; gives the stop's length in seconds as it was. This program must not be late itself. */
static double stop_meanwhile(const struct program *server)
{
    uint64_t begin = clock_now_ns() + STOP_AT_NS;
    program_run_first();
    clock_sleep_until_ns(begin);
    program_signal(server, SIGSTOP);
    uint64_t stopped = clock_now_ns();
    clock_sleep_until_ns(begin + STOP_NS);
    uint64_t continued = clock_now_ns();
    program_signal(server, SIGCONT);
    program_run_ordinarily();
    return (double)(continued - stopped) / 1e9;
}

static json_t *loadgen_with_stop(struct truth *truth, const struct program *server, const char *path, double *stop_s,
                                 struct hgrm *hgrm)
{
    struct program load;
    char options[256], url[256], file[96];
    snprintf(file, sizeof(file), "%s/stop.hgrm", truth->folder);
    snprintf(options, sizeof(options), "-t 1 -c %d -R %.0f -d %ds --hgrm %s", CONNECTIONS, RATE, SECONDS, file);
    snprintf(url, sizeof(url), "%s%s", server->url, path);
    loadgen_start(truth, &load, options, url);
    *stop_s = stop_meanwhile(server);
    program_wait(&load);
    hgrm_read(hgrm, file);
    return loadgen_report(truth, &load);
}

/* ---- against an expectation ---- */

/* Lines worth comparing: slow because of the stop, and enough of them that 1 % can be told. */
static bool is_inside(const struct hgrm_line *line, double stop_s)
{
    return line->value_ms > 50 && line->value_ms < 800 * stop_s;
}

/* What should be there: requests slower than so much. */
typedef double expectation(const void *context, double value_ms);

/* The share by which the worst line is off; infinite when there are too few to tell. */
static double worst_line(const struct hgrm *hgrm, double stop_s, expectation *expect, const void *context)
{
    unsigned lines = 0;
    double worst = 0;
    for (unsigned i = 0; i < hgrm->count; i++) {
        if (!is_inside(&hgrm->lines[i], stop_s))
            continue;
        worst = fmax(worst, fabs(hgrm->lines[i].slower / expect(context, hgrm->lines[i].value_ms) - 1));
        lines++;
    }
    return lines >= 3 ? worst : INFINITY;
}

static void judge_lines(struct truth *truth, const char *what, const struct hgrm *hgrm, double stop_s, expectation *expect,
                        const void *context)
{
    printf("  %-12s %12s %12s %12s %8s\n", what, "slower than", "expected", "loadgen", "off");
    for (unsigned i = 0; i < hgrm->count; i++) {
        const struct hgrm_line *line = &hgrm->lines[i];
        double expected = expect(context, line->value_ms);
        if (is_inside(line, stop_s))
            printf("  %-12s %9.1f ms %12.0f %12.0f %+7.2f%%\n", "", line->value_ms, expected, line->slower,
                   100 * (line->slower / expected - 1));
    }
    double worst = worst_line(hgrm, stop_s, expect, context);
    truth_judge(truth, worst <= SHARE, "%s: no line of the distribution is off by more than 1 %% (worst %.2f %%)", what,
                100 * worst);
}

/* All that was planned appears, and what was planned inside the stop is slow. */
static void judge_counts(struct truth *truth, const char *what, const json_t *report, const struct hgrm *hgrm, double stop_s)
{
    double planned = report_number(report, "requests/planned"), ok = report_number(report, "requests/ok"), slow = 0;
    for (unsigned i = 0; i < hgrm->count; i++)
        if (hgrm->lines[i].value_ms < 5)
            slow = hgrm->lines[i].slower;
    truth_judge(truth, planned == RATE * SECONDS && ok == planned, "%s: all of %.0f planned are there (answered %.0f)", what,
                planned, ok);
    truth_judge(truth, slow >= RATE * stop_s * (1 - SHARE), "%s: %.0f planned inside the stop of %.3f s, %.0f slower than some ms",
                what, RATE * stop_s, stop_s, slow);
}

static void judge_uncorrected(struct truth *truth, const char *what, const json_t *report, double stop_s)
{
    double hidden = report_number(report, "service_time_us/p99"), shown = report_number(report, "response_time_us/p99");
    truth_judge(truth, hidden < 1e4 * stop_s && shown > 5e5 * stop_s,
                "%s: p99 is %.1f ms from the plan; uncorrected, as wrk would have it, %.3f ms", what, shown / 1e3, hidden / 1e3);
}

/* ---- truth_server ---- */

static double count_stamps(const void *context, double value_ms)
{
    const struct sample *responses = context; /* in ms, ascending */
    size_t low = 0, high = responses->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (responses->values[middle] > value_ms)
            high = middle;
        else
            low = middle + 1;
    }
    return (double)(responses->count - low);
}

static void collect_responses(const struct stamps *stamps, struct sample *responses)
{
    double start = INFINITY;
    for (size_t i = 0; i < stamps->count; i++)
        start = fmin(start, (double)stamps->rows[i].arrival_ns - (double)stamps->rows[i].number / RATE * 1e9);
    for (size_t i = 0; i < stamps->count; i++)
        sample_add(responses, ((double)stamps->rows[i].last_ns - start) / 1e6 - (double)stamps->rows[i].number / RATE * 1e3);
    sample_median(responses); /* sorts */
}

static void stop_scripted(struct truth *truth)
{
    struct scripted server;
    struct stamps stamps;
    struct sample responses = {.values = NULL};
    struct hgrm hgrm;
    double stop_s;
    scripted_start(truth, &server, "");
    json_t *report = loadgen_with_stop(truth, &server.program, "/{seq}", &stop_s, &hgrm);
    scripted_stop(&server, &stamps);
    collect_responses(&stamps, &responses);
    judge_counts(truth, "truth_server", report, &hgrm, stop_s);
    judge_lines(truth, "truth_server", &hgrm, stop_s, count_stamps, &responses);
    judge_uncorrected(truth, "truth_server", report, stop_s);
    json_decref(report);
    sample_close(&responses);
    stamps_close(&stamps);
}

/* ---- single ---- */

struct catching_up {
    double stop_s, factor;
};

static double count_planned(const void *context, double value_ms)
{
    const struct catching_up *server = context;
    return server->factor * RATE * (server->stop_s - value_ms / 1e3);
}

static double measure_capacity(struct truth *truth, const struct program *server)
{
    char options[128], url[256];
    snprintf(options, sizeof(options), "-t 1 -c %d -d 2s", CONNECTIONS);
    snprintf(url, sizeof(url), "%s/hello", server->url);
    json_t *report = loadgen_run(truth, options, url, NULL);
    double rate = report_number(report, "rate/achieved");
    json_decref(report);
    return rate;
}

static void stop_wrk(struct truth *truth, const struct program *server)
{
    struct program wrk;
    struct figures said;
    char line[256];
    if (!program_is_installed("wrk")) {
        truth_skip(truth, "wrk on the same stop: not installed (package wrk)");
        return;
    }
    snprintf(line, sizeof(line), "wrk -t 1 -c %d -d %ds --latency %s/hello", CONNECTIONS, SECONDS, server->url);
    program_start(truth, &wrk, truth->generator_cpu, line);
    double stop_s = stop_meanwhile(server);
    program_wait(&wrk);
    char *output = program_output(&wrk);
    wrk_figures(output, &said);
    printf("  wrk, the same stop of %.3f s: %.0f requests, p50 %.3f ms, p90 %.3f ms, p99 %.3f ms (samples it added included)\n",
           stop_s, said.of[ANSWERED], said.of[SERVICE_P50] / 1e3, said.of[SERVICE_P90] / 1e3, said.of[SERVICE_P99] / 1e3);
    free(output);
}

/* Measures how fast it catches up, then stops it. */
static json_t *try_single(struct truth *truth, const struct program *server, struct catching_up *expected, struct hgrm *hgrm)
{
    double capacity = measure_capacity(truth, server);
    expected->factor = 1 / (1 - RATE / capacity);
    json_t *report = loadgen_with_stop(truth, server, "/hello", &expected->stop_s, hgrm);
    printf("  single: %.0f answers a second in the closed loop: catching up makes late requests %.1f %% more\n", capacity,
           100 * (expected->factor - 1));
    return report;
}

static void stop_single(struct truth *truth)
{
    struct program server;
    struct hgrm hgrm;
    struct catching_up expected;
    server_start(truth, &server, "single", "");
    json_t *report = try_single(truth, &server, &expected, &hgrm);
    for (unsigned i = 1; i < TRIES && worst_line(&hgrm, expected.stop_s, count_planned, &expected) > SHARE; i++) {
        json_decref(report);
        report = try_single(truth, &server, &expected, &hgrm);
    }
    judge_counts(truth, "single", report, &hgrm, expected.stop_s);
    judge_lines(truth, "single", &hgrm, expected.stop_s, count_planned, &expected);
    judge_uncorrected(truth, "single", report, expected.stop_s);
    json_decref(report);
    stop_wrk(truth, &server);
    program_stop(&server);
}

void truth_stop(struct truth *truth)
{
    truth->run_first = true;
    stop_scripted(truth);
    stop_single(truth);
    truth->run_first = false;
}
