/*
 * What can be seen of a running server from outside: what /status says of its places and reloads, and its log.
 */
#include "scene.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t deadline_of(const struct contract *contract)
{
    return now_ns() + contract->patience_ns;
}

/* ---- the log ---- */

static char *read_log(const struct server *server)
{
    struct stat about;
    size_t size = fstat(server->err, &about) == 0 ? (size_t)about.st_size : 0;
    char *text = malloc(size + 1);
    CHECK(server->contract, text != NULL, "out of memory");
    ssize_t n = pread(server->err, text, size, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

unsigned scene_log_count(const struct server *server, const char *wanted)
{
    char *text = read_log(server), *state = NULL;
    unsigned count = 0;
    for (char *line = strtok_r(text, "\n", &state); line != NULL; line = strtok_r(NULL, "\n", &state))
        count += strstr(line, wanted) != NULL;
    free(text);
    return count;
}

void scene_log_wait(const struct server *server, const char *text, unsigned count)
{
    uint64_t deadline_ns = deadline_of(server->contract);
    while (scene_log_count(server, text) < count)
        CHECK(server->contract, look_again(deadline_ns), "the log has %u lines with '%s', wanted %u", scene_log_count(server, text),
              text, count);
}

void scene_expect_log(const struct server *server, const char *text, unsigned count)
{
    unsigned found = scene_log_count(server, text);
    CHECK(server->contract, found == count, "the log has %u lines with '%s', wanted %u", found, text, count);
}

/* ---- /status ---- */

static const char *role_of(bool front)
{
    return front ? "front" : "worker";
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void read_row(const json_t *json, struct place_row *row)
{
    *row = (struct place_row){
        .front = strcmp(text_of(json, "role"), "front") == 0,
        .index = (unsigned)json_integer_value(json_object_get(json, "index")),
        .pid = (pid_t)json_integer_value(json_object_get(json, "pid")),
        .generation = (unsigned)json_integer_value(json_object_get(json, "generation")),
        .restarts = (unsigned)json_integer_value(json_object_get(json, "restarts")),
        .next_start_s = json_number_value(json_object_get(json, "next_start_in_s")),
        .rss_bytes = (uint64_t)json_integer_value(json_object_get(json, "rss_bytes")),
    };
    snprintf(row->state, sizeof row->state, "%s", text_of(json, "state"));
    snprintf(row->last_end, sizeof row->last_end, "%s", text_of(json, "last_end"));
}

size_t scene_rows(struct contract *contract, const struct server *server, struct place_row rows[PLACE_ROWS])
{
    size_t i, count = 0;
    json_t *json, *status = status_get(contract, server);
    json_array_foreach(json_object_get(status, "workers"), i, json)
    {
        if (count < PLACE_ROWS)
            read_row(json, &rows[count++]);
    }
    json_decref(status);
    return count;
}

bool scene_find(struct contract *contract, const struct server *server, bool front, unsigned index, const char *state,
                struct place_row *row)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].front == front && rows[i].index == index && strcmp(rows[i].state, state) == 0) {
            *row = rows[i];
            return true;
        }
    return false;
}

static _Noreturn void fail_with_rows(struct contract *contract, const struct server *server, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static _Noreturn void fail_with_rows(struct contract *contract, const struct server *server, const char *format, ...)
{
    struct place_row rows[PLACE_ROWS];
    char message[128];
    va_list arguments;
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        print_error("  /status: %s %u: %s, pid %d, generation %u, restarts %u, last end '%s'\n", role_of(rows[i].front),
                    rows[i].index, rows[i].state, rows[i].pid, rows[i].generation, rows[i].restarts, rows[i].last_end);
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    contract_fail(contract, __FILE__, __LINE__, "%s", message);
}

struct place_row scene_wait_state(struct contract *contract, const struct server *server, bool front, unsigned index,
                                  const char *state)
{
    uint64_t deadline_ns = deadline_of(contract);
    struct place_row row;
    while (!scene_find(contract, server, front, index, state, &row))
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "%s %u is never %s", role_of(front), index, state);
    return row;
}

struct place_row scene_wait_replaced(struct contract *contract, const struct server *server, const struct place_row *before)
{
    uint64_t deadline_ns = deadline_of(contract);
    struct place_row row;
    while (!scene_find(contract, server, before->front, before->index, "ready", &row) || row.generation <= before->generation)
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "%s %u is not replaced", role_of(before->front), before->index);
    return row;
}

static bool has_only_ready(struct contract *contract, const struct server *server, unsigned workers)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows), found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].state, "ready") != 0)
            return false;
        found += !rows[i].front;
    }
    return found == workers;
}

void scene_wait_workers(struct contract *contract, const struct server *server, unsigned workers)
{
    uint64_t deadline_ns = deadline_of(contract);
    while (!has_only_ready(contract, server, workers))
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "there are never exactly %u workers, all of them ready", workers);
}

static const json_t *find_in(const json_t *json, const char *path)
{
    char copy[64], *state = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (const char *key = strtok_r(copy, "/", &state); key != NULL; key = strtok_r(NULL, "/", &state))
        json = json_object_get(json, key);
    return json;
}

uint64_t scene_number(struct contract *contract, const struct server *server, const char *path)
{
    json_t *status = status_get(contract, server);
    const json_t *found = find_in(status, path);
    bool is_number = json_is_integer(found);
    uint64_t number = (uint64_t)json_integer_value(found);
    json_decref(status);
    CHECK(contract, is_number, "/status has no number %s", path);
    return number;
}

void scene_text(struct contract *contract, const struct server *server, const char *path, char text[SCENE_TEXT])
{
    json_t *status = status_get(contract, server);
    const char *found = json_string_value(find_in(status, path));
    bool is_text = found != NULL;
    snprintf(text, SCENE_TEXT, "%s", is_text ? found : "");
    json_decref(status);
    CHECK(contract, is_text, "/status has no text %s", path);
}

void scene_wait_reloads(struct contract *contract, const struct server *server, unsigned done, unsigned aborted)
{
    uint64_t deadline_ns = deadline_of(contract);
    for (;;) {
        json_t *status = status_get(contract, server);
        const json_t *reload = json_object_get(status, "reload");
        json_int_t now_done = json_integer_value(json_object_get(reload, "done"));
        json_int_t now_aborted = json_integer_value(json_object_get(reload, "aborted"));
        bool idle = strcmp(text_of(reload, "state"), "idle") == 0;
        json_decref(status);
        if (idle && now_done == done && now_aborted == aborted)
            return;
        CHECK(contract, look_again(deadline_ns), "%u reloads done and %u aborted, %s; wanted %u and %u", (unsigned)now_done,
              (unsigned)now_aborted, idle ? "none runs" : "one runs", done, aborted);
    }
}

void scene_wait_wanted(struct contract *contract, const struct server *server, unsigned workers)
{
    uint64_t deadline_ns = deadline_of(contract);
    while (scene_number(contract, server, "workers_wanted") != workers)
        CHECK(contract, look_again(deadline_ns), "/status never wants %u workers", workers);
}

int scene_try_post(struct contract *contract, const struct server *server, const char *target)
{
    struct response response;
    struct client *client = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    CHECK(contract, client != NULL, "cannot connect to the admin address %s: %s", server->admin_url, strerror(errno));
    client_print(client, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", target,
                 server->admin_url + strlen("http://"));
    client_receive(client, &response);
    int status = response.status;
    client_close(client);
    return status;
}

void scene_post(struct contract *contract, const struct server *server, const char *target, int status)
{
    int got = scene_try_post(contract, server, target);
    CHECK(contract, got == status, "POST %s: status %d, wanted %d", target, got, status);
}
