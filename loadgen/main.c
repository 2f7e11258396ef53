/*
 * loadgen: puts load on an HTTP/1.1 server and reports honestly what it saw. loadgen.h is the table of contents.
 *
 * This file turns results into files, lines and exit statuses; only it exits. A run that went wrong ends with what went wrong: a
 * missed objective is reported only of a run that was measured, whole and not INVALID, because else its figures mean nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "loadgen/study/study.h"

/* Where one run is reported; opened before it begins. */
struct outputs {
    struct output report, hgrm, hgrm_service; /* --output, --hgrm, --hgrm-service */
};

static int complain(const char *message)
{
    fprintf(stderr, "%s\n", message);
    return EXIT_UNMEASURED;
}

static void outputs_discard(struct outputs *outputs)
{
    output_discard(&outputs->report);
    output_discard(&outputs->hgrm);
    output_discard(&outputs->hgrm_service);
}

/* stdout is the report's when there is no file for it. */
static int outputs_open(struct outputs *outputs, const struct settings *settings, char *message)
{
    *outputs = (struct outputs){.report = {.out = NULL}};
    int error = output_open(&outputs->report, "--output", settings->output, message);
    if (!error)
        error = output_open(&outputs->hgrm, "--hgrm", settings->hgrm, message);
    if (!error)
        error = output_open(&outputs->hgrm_service, "--hgrm-service", settings->hgrm_service, message);
    if (!error && !settings->output && !settings->quiet)
        output_to_stdout(&outputs->report);
    if (error)
        outputs_discard(outputs);
    return error;
}

static int outputs_commit(struct outputs *outputs, char *message)
{
    char later[MESSAGE_SIZE] = "";
    int error = output_commit(&outputs->report, message);
    struct output *const others[] = {&outputs->hgrm, &outputs->hgrm_service};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        int late = output_commit(others[i], error ? later : message);
        error = error ? error : late;
    }
    return error;
}

/* ---- forms ---- */

static int write_text(const struct summary *summary, const struct objectives *slo, FILE *out)
{
    report_text(summary, out);
    if (isfinite(summary->headroom) && summary->headroom > 0)
        fprintf(out, "Generator alone: %.2f/s against a null server; this run used %.1f %% of that\n",
                summary->headroom * summary->achieved_rate, 100 / summary->headroom);
    objectives_print(slo, summary, out);
    return 0;
}

static int write_json(const struct summary *summary, const struct objectives *slo, FILE *out)
{
    json_t *json = report_json(summary);
    int error = json ? 0 : -ENOMEM;
    if (json) {
        json_object_set_new(json, "slo", slo->count ? objectives_json(slo, summary) : json_null());
        if (json_dumpf(json, out, JSON_INDENT(2)) != 0 || fputc('\n', out) == EOF)
            error = ferror(out) ? -EIO : -ENOMEM;
    }
    json_decref(json);
    return error;
}

/* What stdout has had as text already is not printed again. */
static int write_report(const struct summary *summary, const struct objectives *slo, FILE *out)
{
    const struct settings *settings = summary->settings;
    if (settings->format == FORMAT_JSON)
        return write_json(summary, slo, out);
    if (settings->format == FORMAT_CSV)
        return report_csv(summary, out);
    if (out == stdout)
        return 0;
    report_text_head(settings, out);
    return write_text(summary, slo, out);
}

static int write_all(const struct summary *summary, const struct objectives *slo, struct outputs *outputs, char *message)
{
    int error = 0;
    if (study_prints_text(summary->settings))
        error = write_text(summary, slo, stdout);
    if (!error && outputs->report.out)
        error = write_report(summary, slo, outputs->report.out);
    if (!error && outputs->hgrm.out)
        error = histogram_print_hgrm(&summary->response, outputs->hgrm.out, 5, 1000);
    if (!error && outputs->hgrm_service.out)
        error = histogram_print_hgrm(&summary->service, outputs->hgrm_service.out, 5, 1000);
    if (!error || error == -EIO) /* of which stream, its commit tells */
        return outputs_commit(outputs, message);
    snprintf(message, MESSAGE_SIZE, "loadgen: cannot write the report: %s", strerror(-error));
    outputs_discard(outputs);
    return error;
}

/* ---- what was asked for ---- */

static int report(const struct summary *summary, const struct objectives *slo, struct outputs *outputs, int status)
{
    char message[MESSAGE_SIZE];
    if (write_all(summary, slo, outputs, message) != 0)
        return complain(message);
    if (study_prints_text(summary->settings) && (fflush(stdout) != 0 || ferror(stdout)))
        return complain("loadgen: cannot write to stdout");
    return status == EXIT_DONE && !objectives_met(slo, summary) ? EXIT_MISSED : status;
}

static int load_and_report(const struct settings *settings, const struct objectives *slo)
{
    struct summary summary;
    struct outputs outputs;
    char message[MESSAGE_SIZE];
    bool measured;
    if (outputs_open(&outputs, settings, message) != 0)
        return complain(message);
    if (study_prints_text(settings))
        report_text_head(settings, stdout);
    int status = measure_once(settings, &summary, &measured, message);
    if (*message)
        fprintf(stderr, "%s\n", message);
    if (measured) {
        status = report(&summary, slo, &outputs, status);
        summary_close(&summary);
    } else {
        outputs_discard(&outputs);
    }
    return status;
}

static int do_what_is_asked(const struct settings *settings)
{
    struct objectives slo, goal;
    char message[MESSAGE_SIZE];
    if (study_check(settings, &slo, &goal, message) != 0) {
        fprintf(stderr, "%s\n", message);
        return EXIT_USAGE;
    }
    if (settings->find_max_text)
        return study_find_max(settings, &goal);
    if (settings->compare_url)
        return study_compare(settings);
    if (settings->repeat)
        return study_repeat(settings, &slo);
    return load_and_report(settings, &slo);
}

/*
 * A standard stream that was closed (>&-) must not become the next file or socket that is opened: text would go into a report, or
 * to the server. In its place comes something that cannot be written.
 */
static int occupy_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -errno : close(fd);
}

int main(int argc, char **argv)
{
    struct settings settings;
    char message[MESSAGE_SIZE];
    if (occupy_standard_streams() != 0)
        return EXIT_UNMEASURED;
    int status = EXIT_DONE, outcome = settings_read(&settings, argc, argv, message);
    if (outcome == OPTIONS_RUN) {
        status = do_what_is_asked(&settings);
    } else if (outcome < 0) {
        fprintf(stderr, "%s\n", message);
        status = EXIT_USAGE;
    }
    settings_close(&settings);
    return status;
}
