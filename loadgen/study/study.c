/*
 * What all studies share: which options go together, how one is interrupted, and where its results go.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/study/study.h"

/* ---- options ---- */

#define FIND_MAX 1u
#define COMPARE  2u
#define REPEAT   4u

static unsigned study_of(const struct settings *settings)
{
    return settings->find_max_text ? FIND_MAX : settings->compare_url ? COMPARE : settings->repeat ? REPEAT : 0;
}

/* What a study has no use for, or would do something else with than one would think. */
static int check_company(const struct settings *settings, char *message)
{
    const struct {
        const char *option, *value;
        unsigned refused_by;
        const char *why;
    } rows[] = {
        {"--compare", settings->find_max_text ? settings->compare_url : NULL, FIND_MAX,
         "--find-max is given already; use one of them"},
        {"--repeat", settings->find_max_text && settings->repeat ? "N" : NULL, FIND_MAX,
         "--find-max repeats what it needs to; leave it out"},
        {"--slo", settings->slo_text, FIND_MAX, "with --find-max the objectives are its own; leave it out"},
        {"--slo", settings->slo_text, COMPARE, "a comparison has no objectives; use it with one run or with --repeat"},
        {"--profile", settings->profile_text, FIND_MAX, "the search sets the rate; use --rate to say where it begins"},
        {"--arrivals", settings->arrivals.kind == ARRIVALS_TRACE ? "trace" : NULL, FIND_MAX, "the search sets the rate"},
        {"--think", settings->think_text, FIND_MAX, "the search is open loop: its schedule says when"},
        {"--requests", settings->requests && settings->arrivals.kind != ARRIVALS_TRACE ? "N" : NULL, FIND_MAX,
         "each rate is measured for --duration"},
        {"--hgrm", settings->hgrm, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--hgrm-service", settings->hgrm_service, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--hlog", settings->hlog, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--series", settings->series, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--heat", settings->heat, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--announce", settings->announce ? "" : NULL, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--html", settings->html, FIND_MAX | COMPARE | REPEAT, "it is of one run, and a study is several"},
        {"--selftest", settings->selftest ? "" : NULL, FIND_MAX | COMPARE | REPEAT, "it is of one run; use it without a study"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].value && (rows[i].refused_by & study_of(settings)))
            return settings_refuse(message, rows[i].option, rows[i].value, rows[i].why);
    return 0;
}

static int read_objectives(const char *option, const char *text, struct objectives *objectives, char *message)
{
    char why[MESSAGE_SIZE];
    *objectives = (struct objectives){.count = 0};
    return text && objectives_parse(text, objectives, why) ? settings_refuse(message, option, text, why) : 0;
}

int study_check(const struct settings *settings, struct objectives *slo, struct objectives *goal, char *message)
{
    int error = check_company(settings, message);
    if (!error)
        error = read_objectives("--slo", settings->slo_text, slo, message);
    return error ? error : read_objectives("--find-max", settings->find_max_text, goal, message);
}

#define WARMUP_LEAST_NS (20 * CLOCK_NS_PER_MS)
#define WARMUP_MOST_NS  CLOCK_NS_PER_S
#define WARMUP_SHARE    5 /* a fifth of the duration */

void study_watch_nothing(struct settings *run)
{
    run->hgrm = run->hlog = run->series = run->heat = run->html = NULL;
    run->selftest = false;
    run->live = LIVE_OFF;
}

/* Behind the last one that --seed takes comes 1. */
uint64_t study_seed(const struct settings *settings, unsigned number)
{
    return (settings->seed - 1 + number) % INT64_MAX + 1;
}

/* Caches and queues fill before anything counts. */
void study_warm_up(struct settings *run)
{
    if (run->warmup_ns)
        return;
    uint64_t share = run->duration_ns / WARMUP_SHARE;
    run->warmup_ns = share < WARMUP_LEAST_NS ? WARMUP_LEAST_NS : share > WARMUP_MOST_NS ? WARMUP_MOST_NS : share;
}

/* ---- a study under way ---- */

bool study_prints_text(const struct settings *settings)
{
    return !settings->quiet && (settings->format == FORMAT_TEXT || settings->output);
}

static int complain(const char *message)
{
    fprintf(stderr, "%s\n", message);
    return EXIT_UNMEASURED;
}

int study_begin(struct study *study, const struct settings *settings)
{
    char message[MESSAGE_SIZE];
    *study = (struct study){.settings = settings, .text = study_prints_text(settings) ? stdout : NULL};
    study->shows_progress =
        isatty(STDERR_FILENO) && (settings->live == LIVE_ON || (settings->live == LIVE_AUTO && !settings->quiet));
    sigemptyset(&study->signals);
    sigaddset(&study->signals, SIGINT);
    sigaddset(&study->signals, SIGTERM);
    int error = pthread_sigmask(SIG_BLOCK, &study->signals, NULL);
    if (error) {
        snprintf(message, sizeof(message), "loadgen: cannot begin: %s", strerror(error));
        return complain(message);
    }
    if (settings->output)
        return output_open(&study->output, "--output", settings->output, message) ? complain(message) : 0;
    if (!settings->quiet)
        output_to_stdout(&study->output);
    return 0;
}

bool study_rest(struct study *study, uint64_t ns)
{
    struct timespec time = {(time_t)(ns / CLOCK_NS_PER_S), (long)(ns % CLOCK_NS_PER_S)};
    if (!study->interrupted)
        study->interrupted = sigtimedwait(&study->signals, NULL, &time) > 0;
    return study->interrupted;
}

void study_progress(const struct study *study, const char *format, ...)
{
    va_list arguments;
    if (!study->shows_progress)
        return;
    fputs("\r\033[K", stderr);
    if (format) {
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
    }
    fflush(stderr);
}

static int dump_json(json_t *json, FILE *out)
{
    int error = json ? 0 : -ENOMEM;
    if (json && (json_dumpf(json, out, JSON_INDENT(2)) != 0 || fputc('\n', out) == EOF))
        error = -EIO;
    json_decref(json);
    return error;
}

/* What stdout has had as text already is not printed again. */
static int write_results(struct study *study, const struct study_forms *forms, const void *results)
{
    FILE *out = study->output.out;
    if (!out)
        return 0;
    if (study->settings->format == FORMAT_JSON)
        return dump_json(forms->json(results), out);
    if (study->settings->format == FORMAT_CSV)
        forms->csv(results, out);
    else if (out != stdout)
        forms->text(results, out);
    return 0;
}

int study_end(struct study *study, const struct study_forms *forms, const void *results, int status)
{
    char message[MESSAGE_SIZE];
    study_progress(study, NULL);
    int error = write_results(study, forms, results);
    if (error) {
        snprintf(message, sizeof(message), "loadgen: cannot write the results: %s", strerror(-error));
        output_discard(&study->output);
        return complain(message);
    }
    if (output_commit(&study->output, message))
        return complain(message);
    if (study->text && (fflush(study->text) != 0 || ferror(study->text)))
        return complain("loadgen: cannot write to stdout");
    return status;
}
