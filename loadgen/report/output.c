/*
 * The files a report goes to. They are opened before anything is measured: a path that cannot be written is found out at once, not
 * after an hour of load.
 */
#include <errno.h>
#include <string.h>

#include "loadgen/report/report.h"

static int complain(const struct output *output, int error, char *message)
{
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: cannot write %s%s%.300s: %s", output->option, *output->option ? " " : "",
                 output->path, strerror(-error));
    return error;
}

int output_open(struct output *output, const char *option, const char *path, char *message)
{
    *output = (struct output){.option = option, .path = path};
    int error = path ? file_draft(&output->draft, path) : 0;
    output->out = output->draft.out;
    return complain(output, error, message);
}

void output_to_stdout(struct output *output)
{
    *output = (struct output){.option = "", .path = "to stdout", .out = stdout};
}

static int flush(FILE *out)
{
    errno = 0;
    return fflush(out) != 0 || ferror(out) ? (errno ? -errno : -EIO) : 0;
}

int output_commit(struct output *output, char *message)
{
    int error = 0;
    if (output->draft.out)
        error = file_commit(&output->draft);
    else if (output->out)
        error = flush(output->out);
    output->out = NULL;
    return complain(output, error, message);
}

void output_discard(struct output *output)
{
    if (output->draft.out)
        file_discard(&output->draft);
    output->out = NULL;
}
