/*
 * loadgen: puts load on an HTTP/1.1 server and reports honestly what it saw. loadgen.h is the table of contents.
 *
 * This file turns results into files, lines and exit statuses; only it exits.
 */
#include <errno.h>
#include <string.h>

#include "loadgen/study/study.h"

static int complain(const char *what, const char *which, int error)
{
    fprintf(stderr, "loadgen: %s %s: %s\n", what, which, strerror(-error));
    return EXIT_UNMEASURED;
}

static int write_text(const char *path, const struct summary *summary)
{
    struct file_draft draft;
    int error = file_draft(&draft, path);
    if (error)
        return error;
    report_text_head(summary->settings, draft.out);
    report_text(summary, draft.out);
    return file_commit(&draft);
}

static int write_json(const char *path, const struct summary *summary)
{
    json_t *json = report_json(summary);
    int error = json ? file_write_json(path, json) : -ENOMEM;
    json_decref(json);
    return error;
}

static int write_hgrm(const char *path, const struct summary *summary)
{
    struct file_draft draft;
    int error = file_draft(&draft, path);
    if (error)
        return error;
    error = histogram_print_hgrm(&summary->response, draft.out, 5, 1000);
    if (error) {
        file_discard(&draft);
        return error;
    }
    return file_commit(&draft);
}

/* Does stdout get the text? Not when it gets the JSON. */
static bool prints_text(const struct settings *settings)
{
    return !settings->quiet && (settings->format == FORMAT_TEXT || settings->output);
}

static int write_reports(const struct summary *summary)
{
    const struct settings *settings = summary->settings;
    const char *path = settings->output ? settings->output : "-";
    int error = 0;
    if (prints_text(settings))
        report_text(summary, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain("cannot write", "to stdout", errno ? -errno : -EIO);
    if (settings->format == FORMAT_JSON && (settings->output || !settings->quiet))
        error = write_json(path, summary);
    else if (settings->output)
        error = write_text(path, summary);
    if (error)
        return complain("cannot write", path, error);
    error = settings->hgrm ? write_hgrm(settings->hgrm, summary) : 0;
    return error ? complain("cannot write", settings->hgrm, error) : 0;
}

static int load_and_report(const struct settings *settings)
{
    struct summary summary;
    char message[MESSAGE_SIZE];
    bool measured;
    if (prints_text(settings))
        report_text_head(settings, stdout);
    int status = measure_once(settings, &summary, &measured, message);
    if (*message)
        fprintf(stderr, "%s\n", message);
    if (measured) {
        int write_status = write_reports(&summary);
        status = write_status ? write_status : status;
        summary_close(&summary);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct settings settings;
    char message[MESSAGE_SIZE];
    int status = EXIT_DONE, outcome = settings_read(&settings, argc, argv, message);
    if (outcome == OPTIONS_RUN) {
        status = load_and_report(&settings);
    } else if (outcome < 0) {
        fprintf(stderr, "%s\n", message);
        status = EXIT_USAGE;
    }
    settings_close(&settings);
    return status;
}
