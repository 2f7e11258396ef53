/*
 * Running the loadgen program and reading its report.
 */
#include "program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;
static char folder[] = "/tmp/test-loadgen-XXXXXX";

int program_open(const char *path)
{
    program = path;
    return mkdtemp(folder) ? 0 : -1;
}

int program_close(void)
{
    return rmdir(folder);
}

const char *program_folder(void)
{
    return folder;
}

/* ---- running the program ---- */

int program_capture(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0); /* it lives as long as somebody has it open */
    return fd;
}

static void read_capture(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    close(fd);
}

pid_t program_spawn(const char *const *argv, int out, int err)
{
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO), 0);
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

pid_t program_start(const char *arguments, const char *base, const char *path, int out, int err)
{
    char copy[1024], url[512], *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t)program}, *state = NULL;
    int count = 1;
    snprintf(copy, sizeof(copy), "%s", arguments);
    snprintf(url, sizeof(url), "%s%s", base, path);
    for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        assert_true(count < ARGUMENTS_MAX - 2);
        argv[count++] = word;
    }
    if (*url)
        argv[count++] = url;
    return program_spawn((const char *const *)argv, out, err);
}

struct running program_begin(const char *arguments, const char *base, const char *path)
{
    struct running running = {.out = program_capture("out"), .err = program_capture("err")};
    running.pid = program_start(arguments, base, path, running.out, running.err);
    return running;
}

struct result program_await(const struct running *running)
{
    struct result result = {.status = -1};
    int status;
    assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
    assert_true(WIFEXITED(status));
    result.status = WEXITSTATUS(status);
    read_capture(running->out, result.out, sizeof(result.out));
    read_capture(running->err, result.err, sizeof(result.err));
    result.json = json_loads(result.out, 0, NULL);
    return result;
}

struct result program_run_url(const char *arguments, const char *base, const char *path)
{
    struct running running = program_begin(arguments, base, path);
    return program_await(&running);
}

struct result program_run(const struct script_server *server, const char *arguments, const char *path)
{
    char all[1024];
    snprintf(all, sizeof(all), "--format json %s", arguments);
    struct result result = program_run_url(all, server->url, path);
    if (!result.json)
        fail_msg("no JSON from '%s': %s%s", all, result.out, result.err);
    return result;
}

/* ---- reading the report ---- */

json_t *report_find(const struct result *result, const char *path)
{
    char copy[128], *state = NULL;
    json_t *json = result->json;
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *key = strtok_r(copy, "/", &state); key && json; key = strtok_r(NULL, "/", &state))
        json = json_object_get(json, key);
    if (!json)
        fail_msg("no %s in the report", path);
    return json;
}

uint64_t report_number(const struct result *result, const char *path)
{
    json_t *json = report_find(result, path);
    assert_true(json_is_number(json));
    return (uint64_t)json_number_value(json);
}

static uint64_t identity_right_side(const struct result *result)
{
    return report_number(result, "requests/ok") + report_number(result, "requests/http_errors") +
           report_number(result, "requests/socket_errors") + report_number(result, "requests/timed_out") +
           report_number(result, "requests/unfinished") + report_number(result, "requests/unsent");
}

void report_expect_identity(const struct result *result)
{
    assert_int_equal(report_number(result, "requests/planned"), identity_right_side(result));
}

uint64_t report_worker_number(const struct result *result, const char *id, const char *key)
{
    size_t index;
    json_t *worker;
    json_array_foreach(report_find(result, "workers"), index, worker)
    {
        if (strcmp(json_string_value(json_object_get(worker, "id")), id) == 0)
            return (uint64_t)json_integer_value(json_object_get(worker, key));
    }
    return 0;
}

void program_finish(struct script_server *server, struct result *result)
{
    json_decref(result->json);
    script_server_free(server);
}
