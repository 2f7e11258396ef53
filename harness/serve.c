/*
 * serve: a contender outside of any run.
 *
 * Its configuration lies in a folder of its own below the system's temporary one and goes with it. On INT and TERM everything it
 * started is stopped as after a cell.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"

#include "catalog.h"
#include "folder.h"
#include "runner.h"
#include "serve.h"

#define ANY_PORT "127.0.0.1:0"

static int complain(const char *text)
{
    fprintf(stderr, "clusterbench: serve: %s\n", text);
    return 1;
}

/* Says where it is, and waits for its end or ours. */
static int attend(struct runner *runner, const char *name, unsigned workers)
{
    struct custody *custody = runner->setting->custody;
    printf("ready %s strategy=%s workers=%u pid=%d\n", runner->url, name, workers, (int)getpid());
    if (fflush(stdout) != 0)
        return complain(strerror(errno));
    process_wait(custody, &runner->server, UINT64_MAX, HEED_SIGNALS);
    if (custody->interrupted_by)
        return 0;
    char *end = process_describe_end(&runner->server);
    fprintf(stderr, "clusterbench: serve: %s %s\n", name, end);
    free(end);
    return 1;
}

static int serve_in(const struct serve_settings *settings, struct custody *custody, const struct contender *contender,
                    const char *folder)
{
    struct runner runner;
    char *programs = catalog_programs(settings->programs);
    struct runner_setting setting = {
        .custody = custody, .contender = contender, .programs = programs, .folder = folder, .workers = (unsigned)settings->workers};
    int result = runner_start(&runner, &setting);
    int status = result == 0 ? attend(&runner, contender->name, setting.workers) : 1;
    if (result == -ECANCELED)
        complain(runner.failure);
    runner_stop(&runner, UINT64_MAX);
    custody_clear(custody, 0);
    runner_close(&runner);
    free(programs);
    return status;
}

static int serve_contender(const struct serve_settings *settings, const struct contender *contender)
{
    struct custody custody;
    const char *given = getenv("TMPDIR");
    char *folder = text_print("%s/clusterbench-XXXXXX", given ? given : "/tmp");
    int status = 1;
    if (contender->missing) {
        fprintf(stderr, "clusterbench: serve: %s: %s\n", contender->name, contender->missing);
    } else if (!mkdtemp(folder)) {
        fprintf(stderr, "clusterbench: serve: cannot make %s: %s\n", folder, strerror(errno));
    } else {
        int result = custody_open(&custody);
        status = result ? complain(strerror(-result)) : serve_in(settings, &custody, contender, folder);
        custody_close(&custody);
        folder_remove(folder);
    }
    free(folder);
    return status;
}

int serve_run(const struct serve_settings *settings, const char *name)
{
    struct names peers = {0};
    struct contender contender;
    char error[CONTENDER_ERROR_SIZE], *programs = catalog_programs(settings->programs);
    if (strcmp(settings->listen, ANY_PORT) || strcmp(settings->admin, ANY_PORT)) {
        free(programs);
        return complain("--listen and --admin: only " ANY_PORT " is allowed; the port is chosen, and there is no /status");
    }
    net_raise_file_limit();
    catalog_peer_folders(&peers, settings->peers);
    struct contender_places places = {programs, &peers};
    int status = 1;
    if (contender_find(&contender, &places, NULL, name, error) < 0) {
        complain(error);
    } else {
        status = serve_contender(settings, &contender);
        contender_close(&contender);
    }
    names_free(&peers);
    free(programs);
    return status;
}
