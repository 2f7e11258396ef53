/*
 * /status, asked over a connection of its own each time, so that a question changes nothing of what the tests count.
 */
#include "status.h"
#include "client.h"
#include "server_process.h"
#include <errno.h>
#include <string.h>

json_t *status_get(struct contract *contract, const struct server *server)
{
    struct response response;
    char type[64] = "";
    json_error_t error;
    struct client *last = contract->last;
    CHECK(contract, server->admin_length > 0, "the ready line names no admin address: %s", server->ready);
    struct client *client = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    CHECK(contract, client != NULL, "cannot connect to the admin address %s: %s", server->admin_url, strerror(errno));
    client_get(client, "/status", 200, &response);
    response_field(&response, "Content-Type", type, sizeof type);
    CHECK(contract, strncmp(type, "application/json", 16) == 0, "/status has Content-Type '%s', wanted application/json", type);
    json_t *status = json_loadb(response.body, response.body_length, 0, &error);
    CHECK(contract, status != NULL, "/status is no JSON: %s", error.text);
    const char *schema = json_string_value(json_object_get(status, "schema"));
    CHECK(contract, schema != NULL && strcmp(schema, "clusterbench.status/1") == 0, "/status has schema '%s'",
          schema ? schema : "");
    CHECK(contract, json_is_array(json_object_get(status, "workers")), "/status has no array \"workers\"");
    client_close(client);
    contract->last = last;
    return status;
}

static uint64_t counter_of(struct contract *contract, const json_t *counters, const char *name)
{
    const json_t *value = json_object_get(counters, name);
    CHECK(contract, json_is_integer(value), "/status lacks the counter '%s'", name);
    return (uint64_t)json_integer_value(value);
}

uint64_t status_total(struct contract *contract, const struct server *server, const char *counter)
{
    json_t *status = status_get(contract, server);
    uint64_t value = counter_of(contract, json_object_get(status, "total"), counter);
    json_decref(status);
    return value;
}

uint64_t status_sum_rows(struct contract *contract, const struct server *server, const char *counter)
{
    size_t i;
    json_t *row, *status = status_get(contract, server);
    uint64_t sum = 0;
    json_array_foreach(json_object_get(status, "workers"), i, row) sum +=
        counter_of(contract, json_object_get(row, "counters"), counter);
    json_decref(status);
    return sum;
}

bool status_wait_total(struct contract *contract, const struct server *server, const char *counter, uint64_t value)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (status_total(contract, server, counter) < value)
        if (!look_again(deadline_ns))
            return false;
    return true;
}

static bool text_is(const json_t *row, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL && strcmp(text, wanted) == 0;
}

size_t status_rows(struct contract *contract, const struct server *server, struct status_row rows[STATUS_ROWS])
{
    size_t i, count = 0;
    json_t *row, *status = status_get(contract, server);
    json_array_foreach(json_object_get(status, "workers"), i, row)
    {
        const json_t *counters = json_object_get(row, "counters");
        if (!text_is(row, "state", "ready") || count == STATUS_ROWS)
            continue;
        rows[count++] = (struct status_row){
            .index = (unsigned)json_integer_value(json_object_get(row, "index")),
            .pid = (pid_t)json_integer_value(json_object_get(row, "pid")),
            .front = text_is(row, "role", "front"),
            .ready = true,
            .accepted = counter_of(contract, counters, "accepted"),
            .requests = counter_of(contract, counters, "requests"),
        };
    }
    json_decref(status);
    return count;
}

pid_t status_wait_replaced(struct contract *contract, const struct server *server, bool front, unsigned index, pid_t old)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct status_row rows[STATUS_ROWS];
    do {
        size_t count = status_rows(contract, server, rows);
        for (size_t i = 0; i < count; i++)
            if (rows[i].front == front && rows[i].index == index && rows[i].pid != old)
                return rows[i].pid;
    } while (look_again(deadline_ns));
    return 0;
}

bool status_wait_reloads(struct contract *contract, const struct server *server, unsigned done)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    bool settled;
    do {
        json_t *status = status_get(contract, server);
        const json_t *reload = json_object_get(status, "reload");
        settled = json_integer_value(json_object_get(reload, "done")) >= (json_int_t)done && text_is(reload, "state", "idle");
        json_decref(status);
    } while (!settled && look_again(deadline_ns));
    return settled;
}
