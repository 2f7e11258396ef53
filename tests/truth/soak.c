/*
 * Long runs and wide ones: memory must not grow with the requests planned, nor much with connections and workers. The figure is the
 * peak of resident memory (wait4(2), ru_maxrss, the same as VmHWM).
 *
 * Descriptors: loadgen is given just as many as one run of it asks for, and runs 200 times. Were one lost in each run, or one with
 * each of 20,000 connections, it would have none left before the end.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"
#include "truth.h"

#define SECONDS       60
#define SECONDS_SHORT 5
#define PLANNED_RATE  100000

struct soak {
    const char *name, *script, *load; /* in `load` %s stands for the folder */
    bool stopped;                     /* the server, from before the run to its end */
    unsigned connections;
    uint64_t limit_mib;
};

static const struct soak soaks[] = {
    {
        .name = "a stopped server",
        .script = "",
        .load = "-t 1 -c 64 --linger 0",
        .stopped = true,
        .connections = 64,
        .limit_mib = 64,
    },
    {
        .name = "10,000 connections, a tenth of what is planned is answered",
        .script = "--delay 1s",
        .load = "-t 1 -c 10000 --linger 0",
        .connections = 10000,
        .limit_mib = 64,
    },
    {
        .name = "64 workers attributed, by interval",
        .script = "--delay 1s --workers 64",
        .load = "-t 1 -c 10000 --linger 0 --series %s/soak.jsonl --hlog %s/soak.hlog --html %s/soak.html",
        .connections = 10000,
        .limit_mib = 128,
    },
    {
        .name = "100,000 connections",
        .script = "--delay 2s --workers 64",
        .load = "-t 1 -c 100000 --linger 0 --source 127.0.0.2-127.0.0.9",
        .connections = 100000,
        .limit_mib = 512,
    },
};

static void fill_folder(const struct truth *truth, const char *load, char *text, size_t size)
{
    size_t length = 0;
    for (const char *at = load; *at && length + 1 < size; at++) {
        if (at[0] == '%' && at[1] == 's') {
            length += (size_t)snprintf(text + length, size - length, "%s", truth->folder);
            at++;
        } else {
            text[length++] = *at;
        }
    }
    text[length < size ? length : size - 1] = '\0';
}

static void judge_soak(struct truth *truth, const struct soak *soak, const json_t *report, const struct ended *ended,
                       unsigned seconds)
{
    double planned = report_number(report, "requests/planned"), said = 0;
    static const char *const ends[] = {"ok", "http_errors", "socket_errors", "timed_out", "unfinished", "unsent"};
    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "requests/%s", ends[i]);
        printf("  %s %.0f%s", ends[i], report_number(report, path), i < 5 ? "," : "\n");
        said += report_number(report, path);
    }
    truth_judge(truth, planned == (double)seconds * PLANNED_RATE && said == planned, "%s: %.0f planned are all accounted for",
                soak->name, planned);
    truth_judge(truth, ended->peak_kib < soak->limit_mib * 1024, "%s: %.1f MiB at most, below %llu", soak->name,
                (double)ended->peak_kib / 1024, (unsigned long long)soak->limit_mib);
}

static void run_soak(struct truth *truth, const struct soak *soak, unsigned seconds)
{
    struct program server;
    struct ended ended;
    char options[512], all[640];
    server_start(truth, &server, "truth_server", soak->script);
    if (soak->stopped)
        program_signal(&server, SIGSTOP);
    fill_folder(truth, soak->load, options, sizeof(options));
    snprintf(all, sizeof(all), "%s -R %d -d %us", options, PLANNED_RATE, seconds);
    printf("  loadgen %s\n", all);
    fflush(stdout);
    json_t *report = loadgen_run(truth, all, server.url, &ended);
    program_signal(&server, SIGKILL);
    program_wait(&server);
    judge_soak(truth, soak, report, &ended, seconds);
    json_decref(report);
}

/* Both ends need a descriptor a connection; each of them is a process of its own. */
static void soak_if_allowed(struct truth *truth, const struct soak *soak, unsigned seconds)
{
    uint64_t files = net_raise_file_limit(), wanted = soak->connections + 128;
    if (files < wanted)
        truth_skip(truth, "%s: that needs %llu open files and the limit is %llu (ulimit -n)", soak->name,
                   (unsigned long long)wanted, (unsigned long long)files);
    else
        run_soak(truth, soak, seconds);
}

/* ---- descriptors ---- */

#define DESCRIPTORS 96 /* loadgen refuses to begin with fewer than 20 connections + 4 a thread + 64 beside */
#define RUNS        200
#define RUN_SIZE    100 /* requests, a connection each */

static void soak_descriptors(struct truth *truth)
{
    struct scripted server;
    struct stamps stamps;
    struct program load;
    char line[512];
    scripted_start(truth, &server, "");
    snprintf(line, sizeof(line),
             "prlimit --nofile=%d:%d %s --live off --repeat %d -t 1 -c 20 -n %d --requests-per-connection 1 %s/", DESCRIPTORS,
             DESCRIPTORS, truth->loadgen, RUNS, RUN_SIZE, server.program.url);
    program_start(truth, &load, truth->generator_cpu, line);
    struct ended ended = program_wait(&load);
    char *output = program_output(&load);
    bool short_of = strstr(output, "Too many open files") != NULL;
    scripted_stop(&server, &stamps);
    if (!truth_judge(truth, ended.status == 0 && !short_of && stamps_count(&stamps, FATE_ANSWERED) == RUNS * RUN_SIZE,
                     "descriptors: %d runs of %d connections within %d descriptors: %llu answered, exit %d", RUNS, RUN_SIZE,
                     DESCRIPTORS, (unsigned long long)stamps_count(&stamps, FATE_ANSWERED), ended.status))
        printf("%s\n", output);
    free(output);
    stamps_close(&stamps);
}

void truth_soak(struct truth *truth)
{
    unsigned seconds = truth->counts_only ? SECONDS_SHORT : SECONDS;
    for (unsigned i = 0; i < sizeof(soaks) / sizeof(soaks[0]); i++)
        if (!truth->only || strstr(soaks[i].name, truth->only))
            soak_if_allowed(truth, &soaks[i], seconds);
    soak_descriptors(truth);
}
