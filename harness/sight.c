/* sight: what is missing in the document is 0 or "", so that an older server can be looked at, too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "sight.h"
#include "text.h"

/* ---- reading ---- */

static uint64_t whole(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* What a server says may go to a terminal. */
static void words(const json_t *object, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, key));
    snprintf(text, size, "%s", value ? value : "");
    text_tame(text);
}

/* "buckets": [[edge in us, count], ...]. */
static void read_timings(const json_t *times, struct timings *timings)
{
    const json_t *bucket;
    size_t i;
    json_array_foreach(json_object_get(times, "buckets"), i, bucket)
    {
        double edge_us = json_number_value(json_array_get(bucket, 0));
        json_int_t count = json_integer_value(json_array_get(bucket, 1));
        if (edge_us >= 0 && edge_us <= 1e9 && count > 0)
            timings_note(timings, (uint64_t)(edge_us * 1e3 + 0.5), (uint64_t)count);
    }
}

static void read_row(struct sight_row *row, const json_t *object)
{
    const json_t *counters = json_object_get(object, "counters");
    char role[SIGHT_NAME_SIZE];
    words(object, "role", role, sizeof(role));
    words(object, "state", row->state, sizeof(row->state));
    words(object, "last_end", row->last_end, sizeof(row->last_end));
    row->front = strcmp(role, "front") == 0;
    row->index = (unsigned)whole(object, "index");
    row->slot = (unsigned)whole(object, "slot");
    row->generation = (unsigned)whole(object, "generation");
    row->restarts = (unsigned)whole(object, "restarts");
    row->pid = (int)whole(object, "pid");
    row->uptime_s = number(object, "uptime_s");
    row->next_start_in_s = number(object, "next_start_in_s");
    row->heartbeat_age_s = number(object, "heartbeat_age_s");
    row->cpu_us = whole(object, "cpu_user_us") + whole(object, "cpu_system_us");
    row->rss_bytes = whole(object, "rss_bytes");
    row->pss_bytes = whole(object, "pss_bytes");
    row->requests = whole(counters, "requests");
    row->active = whole(counters, "active");
    row->lag_ns = whole(counters, "loop_lag_ns");
    read_timings(json_object_get(object, "service_time"), &row->timings);
}

static void read_head(struct sight *sight, const json_t *status)
{
    const json_t *reload = json_object_get(status, "reload"), *primary = json_object_get(status, "primary");
    words(status, "strategy", sight->strategy, sizeof(sight->strategy));
    words(status, "state", sight->state, sizeof(sight->state));
    words(reload, "state", sight->reload_state, sizeof(sight->reload_state));
    words(reload, "last_error", sight->reload_error, sizeof(sight->reload_error));
    sight->pid = (int)whole(status, "pid");
    sight->uptime_s = number(status, "uptime_s");
    sight->wanted = (unsigned)whole(status, "workers_wanted");
    sight->fronts_wanted = (unsigned)whole(status, "fronts_wanted");
    sight->reloads_done = (unsigned)whole(reload, "done");
    sight->reloads_aborted = (unsigned)whole(reload, "aborted");
    sight->primary_cpu_us = whole(primary, "cpu_user_us") + whole(primary, "cpu_system_us");
    sight->primary_pss_bytes = whole(primary, "pss_bytes");
    sight->requests = whole(json_object_get(status, "total"), "requests");
}

int sight_read(struct sight *sight, const json_t *status)
{
    const char *schema = json_string_value(json_object_get(status, "schema"));
    const json_t *rows = json_object_get(status, "workers");
    *sight = (struct sight){.taken_ns = clock_now_ns()};
    if (!schema || strcmp(schema, "clusterbench.status/1") != 0 || !json_is_array(rows))
        return -EPROTO;
    read_head(sight, status);
    sight->count = (unsigned)json_array_size(rows);
    sight->rows = memory_get((sight->count + 1) * sizeof(*sight->rows));
    for (unsigned i = 0; i < sight->count; i++)
        read_row(&sight->rows[i], json_array_get(rows, i));
    return 0;
}

void sight_close(struct sight *sight)
{
    free(sight->rows);
    *sight = (struct sight){.count = 0};
}

int sight_take(struct sight *sight, const struct net_address *address, struct fetch_request *request)
{
    struct fetch_answer answer;
    request->method = "GET";
    request->target = "/status?buckets";
    int result = fetch(address, request, &answer);
    if (result)
        return result;
    json_t *status = answer.status == 200 ? json_loads(answer.body, 0, NULL) : NULL;
    free(answer.body);
    result = status ? sight_read(sight, status) : answer.status == 401 ? -EACCES : -EPROTO;
    json_decref(status);
    return result;
}

/* ---- questions ---- */

const struct sight_row *sight_find(const struct sight *earlier, const struct sight_row *row)
{
    for (unsigned i = 0; i < earlier->count; i++) {
        const struct sight_row *other = &earlier->rows[i];
        if (other->pid > 0 && other->pid == row->pid && other->front == row->front && other->index == row->index &&
            other->slot == row->slot && other->generation == row->generation)
            return other;
    }
    return NULL;
}

unsigned sight_count(const struct sight *sight, const char *state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sight->count; i++)
        count += !sight->rows[i].front && strcmp(sight->rows[i].state, state) == 0;
    return count;
}

char *sight_print_states(const struct sight *sight, char *text)
{
    static const char *const states[] = {"starting", "draining", "restarting", "errored", "drained"};
    const size_t size = SIGHT_STATES_SIZE;
    size_t used = (size_t)snprintf(text, size, "%u of %u worker%s ready", sight_count(sight, "ready"), sight->wanted,
                                   sight->wanted == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        unsigned count = sight_count(sight, states[i]);
        if (count && used < size)
            used += (size_t)snprintf(text + used, size - used, ", %u %s", count, states[i]);
    }
    return text;
}

char *sight_print_reload(const struct sight *sight, char *text)
{
    const size_t size = SIGHT_RELOAD_SIZE;
    size_t used = (size_t)snprintf(text, size, "reload %s", sight->reload_state[0] ? sight->reload_state : "-");
    if (sight->reloads_done || sight->reloads_aborted)
        used += (size_t)snprintf(text + used, size - used, ", %u done", sight->reloads_done);
    if (sight->reloads_aborted)
        used += (size_t)snprintf(text + used, size - used, ", %u aborted", sight->reloads_aborted);
    if (sight->reload_error[0])
        snprintf(text + used, size - used, " (%s)", sight->reload_error);
    return text;
}

const char *sight_error(int error)
{
    static const struct {
        int error;
        const char *words;
    } known[] = {
        {-ECONNREFUSED, "connection refused: nobody listens there"},
        {-ECONNRESET, "the connection broke"},
        {-ENOENT, "there is no such socket"},
        {-ETIMEDOUT, "no answer"},
        {-EPROTO, "what answers there is no admin address of a server of this project"},
        {-EMSGSIZE, "the answer is too long: more than 16 MiB, or a head beyond all measure"},
        {-EACCES, "the server wants a token, and this is not it; use --token-file FILE"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].error == error)
            return known[i].words;
    return strerror(-error);
}
