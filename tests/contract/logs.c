/*
 * The access log and the event log: one line for each answer, whole, in a file that all workers write to, also while it is moved
 * away; and what the program says of its workers' lives.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- files of lines ---- */

struct lines {
    char *text, **at;
    size_t count;
};

static void release_lines(struct lines *lines)
{
    free(lines->text);
    free(lines->at);
}

static char *read_whole(struct contract *contract, const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = NULL;
    size_t length = 0;
    CHECK(contract, in != NULL, "%s: %s", path, strerror(errno));
    FILE *out = open_memstream(&text, &length);
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    CHECK(contract, fclose(out) == 0 && strlen(text) == length, "%s: no text, or out of memory", path);
    return text;
}

/* Every line of a file; the last one must have ended, too. */
static void read_lines(struct contract *contract, const char *path, struct lines *lines)
{
    char *text = read_whole(contract, path), *rest = text;
    size_t length = strlen(text);
    *lines = (struct lines){.text = text};
    CHECK(contract, length == 0 || text[length - 1] == '\n', "%s: the last line is not whole: \"%s\"", path, text);
    while (*rest) {
        lines->at = realloc(lines->at, (lines->count + 1) * sizeof *lines->at);
        CHECK(contract, lines->at != NULL, "out of memory");
        lines->at[lines->count++] = strsep(&rest, "\n");
    }
}

static json_t *parse_json(struct contract *contract, const char *line)
{
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    CHECK(contract, object != NULL, "this line is no JSON: %s", line);
    return object;
}

static void check_ends(struct server *server, int signal)
{
    char how[64];
    CHECK(server->contract, kill(server->pid, signal) == 0, "kill: %s", strerror(errno));
    bool over = server_wait_exit(server);
    CHECK(server->contract, over && WIFEXITED(server->wait_status), "after signal %d the program %s", signal,
          server_describe_exit(server, how, sizeof how));
}

static void wait_for_file(struct contract *contract, const char *path)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (access(path, F_OK) != 0)
        CHECK(contract, look_again(deadline_ns), "%s does not appear", path);
}

/* ---- what a line says ---- */

struct entry {
    char client[64], method[16], target[128], protocol[16];
    int status, worker; /* -1: none */
    unsigned long long bytes, duration_us;
};

/* 127.0.0.1 - - [22/Nov/2026:03:04:05 +0000] "GET /hello HTTP/1.1" 200 20 3 153 */
static void parse_common(struct contract *contract, const char *line, struct entry *entry)
{
    int end = 0, day, year, hour, minute, second;
    char month[4], worker[16];
    int fields = sscanf(line, "%63s - - [%2d/%3[A-Z a-z]/%4d:%2d:%2d:%2d +0000] \"%15s %127s %15[^\"]\" %3d %llu %15s %llu%n",
                        entry->client, &day, month, &year, &hour, &minute, &second, entry->method, entry->target, entry->protocol,
                        &entry->status, &entry->bytes, worker, &entry->duration_us, &end);
    CHECK(contract, fields == 14 && line[end] == '\0', "this line is not in common format: %s", line);
    entry->worker = strcmp(worker, "-") == 0 ? -1 : atoi(worker);
}

static void copy_text(struct contract *contract, const json_t *object, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, key));
    CHECK(contract, value != NULL, "a line of the access log has no text '%s'", key);
    snprintf(text, size, "%s", value);
}

static void parse_json_entry(struct contract *contract, const char *line, struct entry *entry)
{
    json_t *object = parse_json(contract, line);
    const json_t *worker = json_object_get(object, "worker");
    char time[32], z = '\0';
    int parts[7];
    copy_text(contract, object, "client", entry->client, sizeof entry->client);
    copy_text(contract, object, "method", entry->method, sizeof entry->method);
    copy_text(contract, object, "target", entry->target, sizeof entry->target);
    copy_text(contract, object, "protocol", entry->protocol, sizeof entry->protocol);
    copy_text(contract, object, "time", time, sizeof time);
    int fields = sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5],
                        &parts[6], &z);
    CHECK(contract, fields == 8 && z == 'Z', "this is no time: %s", time);
    CHECK(contract, json_is_integer(worker) || json_is_null(worker), "no worker: %s", line);
    entry->worker = json_is_null(worker) ? -1 : (int)json_integer_value(worker);
    entry->status = (int)json_integer_value(json_object_get(object, "status"));
    entry->bytes = (unsigned long long)json_integer_value(json_object_get(object, "bytes"));
    CHECK(contract, json_is_integer(json_object_get(object, "duration_us")), "no duration_us: %s", line);
    entry->duration_us = (unsigned long long)json_integer_value(json_object_get(object, "duration_us"));
    json_decref(object);
}

static const struct format {
    const char *name;
    void (*parse)(struct contract *contract, const char *line, struct entry *entry);
} formats[] = {{"common", parse_common}, {"json", parse_json_entry}};

/* ---- one of each ---- */

static const struct request {
    const char *text; /* behind it: " HTTP/1.1" and so on */
    const char *rest;
    int status;
    const char *method, *target[2]; /* as the two formats have it */
} requests[] = {
    {"GET /hello", "Host: a\r\n\r\n", 200, "GET", {"/hello", "/hello"}},
    {"HEAD /bytes/1k", "Host: a\r\n\r\n", 200, "HEAD", {"/bytes/1k", "/bytes/1k"}},
    {"GET /bytes/100k", "Host: a\r\n\r\n", 200, "GET", {"/bytes/100k", "/bytes/100k"}},
    {"POST /echo?x=1",
     "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     200,
     "POST",
     {"/echo?x=1", "/echo?x=1"}},
    {"GET /wait/20ms", "Host: a\r\n\r\n", 200, "GET", {"/wait/20ms", "/wait/20ms"}},
    {"GET /no\"such\\path", "Host: a\r\n\r\n", 404, "GET", {"/no\\\"such\\\\path", "/no\"such\\path"}},
    {"GET /last", "Host: a\r\nHost: b\r\n\r\n", 400, "GET", {"/last", "/last"}}, /* refused: the connection ends */
};
#define REQUESTS (sizeof requests / sizeof requests[0])

static void check_entry(struct contract *contract, const struct entry *entry, size_t which, int form,
                        const struct response *response)
{
    const struct request *wanted = &requests[which];
    CHECK(contract, strcmp(entry->client, "127.0.0.1") == 0, "client %s, wanted 127.0.0.1", entry->client);
    CHECK(contract, strcmp(entry->method, wanted->method) == 0 && strcmp(entry->target, wanted->target[form]) == 0,
          "\"%s %s\", wanted \"%s %s\"", entry->method, entry->target, wanted->method, wanted->target[form]);
    CHECK(contract, strcmp(entry->protocol, "HTTP/1.1") == 0, "%s: protocol %s", entry->target, entry->protocol);
    CHECK(contract, entry->status == wanted->status, "%s: status %d, wanted %d", entry->target, entry->status, wanted->status);
    CHECK(contract, entry->bytes == response->body_length, "%s: %llu bytes, wanted %zu", entry->target, entry->bytes,
          response->body_length);
    CHECK(contract, entry->worker == response->worker, "%s: worker %d, but X-Worker said %d", entry->target, entry->worker,
          response->worker);
    CHECK(contract, strncmp(entry->target, "/wait", 5) != 0 || entry->duration_us >= 20000, "/wait/20ms took %llu us",
          entry->duration_us);
}

static void ask_all(struct contract *contract, struct server *server, struct response responses[REQUESTS])
{
    struct client *client = client_open(contract, server);
    for (size_t i = 0; i < REQUESTS; i++) {
        client->no_body = requests[i].method[0] == 'H';
        client_print(client, "%s HTTP/1.1\r\n%s", requests[i].text, requests[i].rest);
        client_expect(client, requests[i].status, &responses[i]);
    }
}

/* Everything about an answer is in its line, in the order of the answers. */
void test_access_log(struct contract *contract)
{
    for (int form = 0; form < 2; form++) {
        char path[CONTRACT_PATH];
        struct response responses[REQUESTS];
        struct lines lines;
        struct entry entry;
        contract_file(contract, formats[form].name, path);
        struct server *server = server_start(contract, 0, "--access-log", path, "--access-log-format", formats[form].name, NULL);
        ask_all(contract, server, responses);
        check_ends(server, form == 0 ? SIGTERM : SIGINT); /* neither loses a line */
        read_lines(contract, path, &lines);
        CHECK(contract, lines.count == REQUESTS, "%zu lines, wanted %zu", lines.count, REQUESTS);
        for (size_t i = 0; i < REQUESTS; i++) {
            formats[form].parse(contract, lines.at[i], &entry);
            check_entry(contract, &entry, i, form, &responses[i]);
        }
        release_lines(&lines);
    }
}

/* Refused before it had a whole head: as much of the request line as was read, or "-", and the line is split as any other. */
void test_access_log_refused(struct contract *contract)
{
    static const struct {
        const char *request, *line;
        int status;
    } table[] = {
        {"GET /many HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", "] \"GET /many HTTP/1.1\" 431 ", 431},
        {"GET /later HTTP/2.0\r\nHost: a\r\n\r\n", "] \"-\" 505 ", 505},
        {"GET  /twice HTTP/1.1\r\nHost: a\r\n\r\n", "] \"-\" 400 ", 400},
    };
    char path[CONTRACT_PATH];
    struct lines lines;
    struct response response;
    contract_file(contract, "refused", path);
    struct server *server = server_start(contract, 1, "--access-log", path, "--max-header-lines", "4", NULL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct client *client = client_open(contract, server);
        client_print(client, "%s", table[i].request);
        client_expect(client, table[i].status, &response);
        client_close(client);
    }
    check_ends(server, SIGTERM);
    read_lines(contract, path, &lines);
    CHECK(contract, lines.count == sizeof table / sizeof table[0], "%zu lines of refused requests", lines.count);
    for (size_t i = 0; i < lines.count; i++)
        CHECK(contract, strstr(lines.at[i], table[i].line) != NULL, "'%s', wanted '%s'", lines.at[i], table[i].line);
    release_lines(&lines);
}

/* ---- many of them ---- */

#define CONNECTIONS 8
#define BATCH       25

/* Sends `rounds` batches on each connection; `between` is called while a batch is under way. Answers all. */
static void put_load(struct contract *contract, struct server *server, unsigned rounds,
                     void (*between)(struct server *server, unsigned round))
{
    struct client *clients[CONNECTIONS];
    struct response response;
    unsigned number = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        clients[i] = client_open(contract, server);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < CONNECTIONS; i++)
            for (unsigned j = 0; j < BATCH; j++)
                client_print(clients[i], "GET /hello?%u HTTP/1.1\r\nHost: a\r\n\r\n", number++);
        if (between)
            between(server, round);
        for (unsigned i = 0; i < CONNECTIONS * BATCH; i++)
            client_expect(clients[i / BATCH], 200, &response);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++)
        client_close(clients[i]);
}

/* Notes the numbers of a file's lines, each of which must be whole and there for the first time. How many. */
static size_t collect_numbers(struct contract *contract, const char *path, bool *seen, unsigned most)
{
    struct lines lines;
    struct entry entry;
    read_lines(contract, path, &lines);
    size_t count = lines.count;
    for (size_t i = 0; i < count; i++) {
        unsigned number = most;
        parse_common(contract, lines.at[i], &entry);
        CHECK(contract, sscanf(entry.target, "/hello?%u", &number) == 1 && number < most, "nobody asked for this: %s", lines.at[i]);
        CHECK(contract, !seen[number], "this request has two lines: %s", lines.at[i]);
        CHECK(contract, entry.worker >= 0 && (unsigned)entry.worker < 4, "worker %d of 4: %s", entry.worker, lines.at[i]);
        seen[number] = true;
    }
    release_lines(&lines);
    return count;
}

static unsigned four(const struct contract *contract)
{
    return contract_has(contract, TRAIT_MANY) ? 4 : 1;
}

/* Several workers write to the same file at the same time: one line a request, and no line is torn. */
void test_access_log_lines_are_whole(struct contract *contract)
{
    static bool seen[20 * CONNECTIONS * BATCH];
    char path[CONTRACT_PATH];
    memset(seen, 0, sizeof seen);
    contract_file(contract, "log", path);
    struct server *server = server_start(contract, four(contract), "--access-log", path, NULL);
    put_load(contract, server, 20, NULL);
    check_ends(server, SIGTERM);
    size_t count = collect_numbers(contract, path, seen, sizeof seen);
    CHECK(contract, count == sizeof seen, "%zu lines for %zu requests", count, sizeof seen);
}

#define ROTATIONS 10

static void rotate(struct server *server, unsigned round)
{
    char path[CONTRACT_PATH], name[16], moved[CONTRACT_PATH];
    contract_file(server->contract, "log", path);
    snprintf(name, sizeof name, "log.%u", round);
    contract_file(server->contract, name, moved);
    wait_for_file(server->contract, path); /* since the last time */
    CHECK(server->contract, rename(path, moved) == 0, "rename: %s", strerror(errno));
    CHECK(server->contract, kill(server->pid, SIGUSR1) == 0, "kill: %s", strerror(errno));
}

/* The file is moved away under load, again and again: all files together have one line a request. */
void test_access_log_rotation(struct contract *contract)
{
    static bool seen[ROTATIONS * CONNECTIONS * BATCH];
    char path[CONTRACT_PATH], name[16];
    size_t count = 0;
    memset(seen, 0, sizeof seen);
    contract_file(contract, "log", path);
    struct server *server = server_start(contract, four(contract), "--access-log", path, NULL);
    put_load(contract, server, ROTATIONS, rotate);
    wait_for_file(contract, path);
    check_ends(server, SIGTERM);
    count += collect_numbers(contract, path, seen, sizeof seen);
    for (unsigned i = 0; i < ROTATIONS; i++) {
        snprintf(name, sizeof name, "log.%u", i);
        contract_file(contract, name, path);
        count += collect_numbers(contract, path, seen, sizeof seen);
    }
    CHECK(contract, count == sizeof seen, "%zu lines for %zu requests", count, sizeof seen);
}

/* Quick requests have no line there; how quick they are is their own affair. */
void test_slow_log(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct response response;
    struct lines lines;
    struct entry entry;
    unsigned slow = 0;
    contract_file(contract, "slow", path);
    struct server *server = server_start(contract, 0, "--access-log", path, "--access-log-slower", "100ms", NULL);
    struct client *client = client_open(contract, server);
    for (unsigned i = 0; i < 5; i++)
        client_get(client, "/hello", 200, &response);
    client_get(client, "/wait/110ms", 200, &response);
    client_get(client, "/block/110ms", 200, &response);
    check_ends(server, SIGTERM);
    read_lines(contract, path, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        parse_common(contract, lines.at[i], &entry);
        CHECK(contract, entry.duration_us >= 100000, "this was not slow: %s", lines.at[i]);
        slow += strcmp(entry.target, "/wait/110ms") == 0 || strcmp(entry.target, "/block/110ms") == 0;
    }
    CHECK(contract, slow == 2, "%u of 2 slow requests are in the slow log", slow);
    release_lines(&lines);
}

/* Who goes before the answer comes has a line, too. */
void test_access_log_of_the_impatient(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct lines lines;
    struct entry entry;
    contract_file(contract, "log", path);
    struct server *server = server_start(contract, 0, "--access-log", path, "--grace", "500ms", NULL); /* a front drains so long */
    struct client *client = client_open(contract, server);
    uint64_t before = status_sum_rows(contract, server, "requests");
    client_print(client, "GET /wait/60s HTTP/1.1\r\nHost: a\r\n\r\n");
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (status_sum_rows(contract, server, "requests") == before)
        CHECK(contract, look_again(deadline_ns), "the request is not taken");
    client_reset(client);
    check_ends(server, SIGTERM);
    read_lines(contract, path, &lines);
    CHECK(contract, lines.count == 1, "%zu lines, wanted 1", lines.count);
    parse_common(contract, lines.at[0], &entry);
    CHECK(contract, entry.status == 499 && entry.bytes == 0, "status %d, %llu bytes, wanted 499 and 0", entry.status, entry.bytes);
    release_lines(&lines);
}

/* ---- trouble ---- */

static void check_cannot_log(struct contract *contract, const char *option, const char *path)
{
    char text[SERVER_TEXT], how[64];
    const char *const arguments[] = {option, path, NULL};
    struct server_plan plan = {.arguments = arguments};
    struct server *server = server_spawn(contract, &plan);
    bool over = server_wait_exit(server);
    CHECK(contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 2,
          "%s %s: the program %s, wanted 2", option, path, server_describe_exit(server, how, sizeof how));
    server_errors(server, text, sizeof text);
    const char *newline = strchr(text, '\n');
    CHECK(contract, newline && newline[1] == '\0' && strstr(text, option) && strstr(text, path), "%s %s: stderr says \"%s\"",
          option, path, text);
}

void test_logs_that_cannot_be(struct contract *contract)
{
    check_cannot_log(contract, "--access-log", "/nowhere/log");
    check_cannot_log(contract, "--event-log", "/nowhere/log");
    check_cannot_log(contract, "--access-log", "/tmp");
    check_cannot_log(contract, "--event-log", "/tmp");
}

static unsigned count_words(const char *text, const char *words)
{
    unsigned count = 0;
    for (; (text = strstr(text, words)) != NULL; text++)
        count++;
    return count;
}

static void wait_for_dropped(struct contract *contract, const struct server *server, uint64_t wanted)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns, dropped;
    while ((dropped = status_sum_rows(contract, server, "access_lines_dropped")) < wanted)
        CHECK(contract, look_again(deadline_ns), "%" PRIu64 " lines are counted as lost, wanted %" PRIu64, dropped, wanted);
    CHECK(contract, dropped == wanted, "%" PRIu64 " lines are counted as lost, wanted %" PRIu64, dropped, wanted);
}

/* While the log's folder is away, workers that are started lose lines and nothing else; when it is back, USR1 brings them together.
 */
void test_access_log_without_its_folder(struct contract *contract)
{
    static bool seen[CONNECTIONS * BATCH];
    char folder[CONTRACT_PATH], away[CONTRACT_PATH], path[CONTRACT_PATH];
    struct status_row rows[STATUS_ROWS];
    memset(seen, 0, sizeof seen);
    contract_file(contract, "logs", folder);
    contract_file(contract, "logs.away", away);
    contract_file(contract, "logs/log", path);
    CHECK(contract, mkdir(folder, 0700) == 0, "mkdir: %s", strerror(errno));
    struct server *server = server_start(contract, 0, "--access-log", path, NULL);
    CHECK(contract, rename(folder, away) == 0, "rename: %s", strerror(errno));
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        CHECK(contract, kill(rows[i].pid, SIGKILL) == 0, "kill: %s", strerror(errno));
    for (size_t i = 0; i < count; i++)
        CHECK(contract, status_wait_replaced(contract, server, rows[i].front, rows[i].index, rows[i].pid) > 0,
              "%s %u does not come back without its access log", rows[i].front ? "front" : "worker", rows[i].index);
    put_load(contract, server, 1, NULL);
    wait_for_dropped(contract, server, CONNECTIONS * BATCH);
    CHECK(contract, rename(away, folder) == 0 && unlink(path) == 0, "rename: %s", strerror(errno));
    CHECK(contract, kill(server->pid, SIGUSR1) == 0, "kill: %s", strerror(errno));
    wait_for_file(contract, path);
    check_ends(server, SIGTERM);
    CHECK(contract, collect_numbers(contract, path, seen, sizeof seen) == 0, "what was counted as lost is in the log");
}

/* A full disk is said once by each, counted, and harms nobody. */
void test_logs_on_a_full_disk(struct contract *contract)
{
    char text[SERVER_TEXT];
    struct status_row rows[STATUS_ROWS];
    struct server *server = server_start(contract, 0, "--access-log", "/dev/full", "--event-log", "/dev/full", NULL);
    for (unsigned i = 1; i <= 3; i++) { /* so that several writes fail */
        put_load(contract, server, 1, NULL);
        wait_for_dropped(contract, server, i * CONNECTIONS * BATCH);
    }
    size_t count = status_rows(contract, server, rows);
    server_errors(server, text, sizeof text);
    CHECK(contract, count_words(text, "events are lost") == 1, "the event log's full disk is not said once: %s", text);
    unsigned said = count_words(text, "lines are dropped");
    CHECK(contract, said >= 1 && said <= count, "the access log's full disk is said %u times: %s", said, text);
    check_ends(server, SIGTERM);
}

/* ---- events ---- */

static json_t *read_events(struct contract *contract, const char *path)
{
    struct lines lines;
    json_t *events = json_array();
    read_lines(contract, path, &lines);
    for (size_t i = 0; i < lines.count; i++)
        json_array_append_new(events, parse_json(contract, lines.at[i]));
    release_lines(&lines);
    return events;
}

static const char *word_in(const json_t *event, const char *key)
{
    const char *word = json_string_value(json_object_get(event, key));
    return word ? word : "";
}

/* The first event from `from` on that has this name and, unless NULL, this role; its place, or the end. */
static size_t find_event(const json_t *events, size_t from, const char *name, const char *role)
{
    size_t i = from;
    for (; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (strcmp(word_in(event, "event"), name) == 0 && (!role || strcmp(word_in(event, "role"), role) == 0))
            break;
    }
    return i;
}

static unsigned count_events(const json_t *events, const char *name, const char *role)
{
    unsigned count = 0;
    for (size_t i = 0; (i = find_event(events, i, name, role)) < json_array_size(events); i++)
        count++;
    return count;
}

static void check_count(struct contract *contract, const json_t *events, const char *name, const char *role, unsigned wanted)
{
    unsigned count = count_events(events, name, role);
    CHECK(contract, count == wanted, "%u events %s of role %s, wanted %u", count, name, role, wanted);
}

/* A life from the program's start to its end. */
void test_event_log(struct contract *contract)
{
    char path[CONTRACT_PATH];
    contract_file(contract, "events", path);
    struct server *server = server_start(contract, 0, "--event-log", path, NULL);
    check_ends(server, SIGTERM);
    json_t *events = read_events(contract, path);
    size_t last = json_array_size(events) - 1;
    CHECK(contract, find_event(events, 0, "start", "primary") == 0, "the first event is not the program's start");
    CHECK(contract, find_event(events, 0, "stop", "primary") == last, "the last event is not the program's stop");
    CHECK(contract, json_integer_value(json_object_get(json_array_get(events, last), "exit_status")) == 0, "exit_status is not 0");
    size_t ready = find_event(events, 0, "ready", "primary"), drain = find_event(events, 0, "drain", "primary");
    CHECK(contract, ready < drain && drain < last, "ready, drain and stop are not in this order");
    CHECK(contract, strcmp(word_in(json_array_get(events, ready), "url"), server->url) == 0, "ready does not name the address");
    check_count(contract, events, "start", "worker", server->workers);
    check_count(contract, events, "ready", "worker", server->workers);
    check_count(contract, events, "exit", "worker", server->workers);
    CHECK(contract, find_event(events, ready, "ready", "worker") == last + 1, "a worker is ready behind the program");
    CHECK(contract, find_event(events, drain, "exit", "worker") <= last, "no worker exits behind the drain");
    json_decref(events);
}

static void wait_for_event(struct contract *contract, const char *path, const char *words)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (bool found = false; !found;) {
        char *text = read_whole(contract, path);
        found = strstr(text, words) != NULL;
        free(text);
        CHECK(contract, found || look_again(deadline_ns), "no event with %s", words);
    }
}

/* A worker's death and what follows, with who it was. */
void test_events_of_a_crash(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct status_row rows[STATUS_ROWS];
    contract_file(contract, "events", path);
    struct server *server = server_start(contract, 0, "--event-log", path, NULL);
    status_rows(contract, server, rows);
    CHECK(contract, kill(rows[0].pid, SIGKILL) == 0, "kill: %s", strerror(errno));
    CHECK(contract, status_wait_replaced(contract, server, false, rows[0].index, rows[0].pid) > 0, "no replacement");
    check_ends(server, SIGTERM);
    json_t *events = read_events(contract, path);
    size_t end = json_array_size(events), died = find_event(events, 0, "exit", "worker");
    CHECK(contract, died < end, "no event of the exit");
    const json_t *event = json_array_get(events, died);
    CHECK(contract, json_integer_value(json_object_get(event, "signal")) == SIGKILL, "not killed by signal 9");
    CHECK(contract, json_integer_value(json_object_get(event, "pid")) == rows[0].pid, "another pid");
    CHECK(contract, json_integer_value(json_object_get(event, "worker")) == (json_int_t)rows[0].index, "another worker");
    size_t restart = find_event(events, died, "restart", "worker");
    CHECK(contract, restart < end, "no event of the restart");
    CHECK(contract, json_integer_value(json_object_get(json_array_get(events, restart), "delay_ms")) > 0, "no delay_ms");
    size_t again = find_event(events, restart, "start", "worker"), ready = find_event(events, again, "ready", "worker");
    CHECK(contract, again < ready && ready < end, "restart is not followed by start and ready");
    CHECK(contract, json_integer_value(json_object_get(json_array_get(events, ready), "generation")) == 1, "not the second life");
    json_decref(events);
}

/* A reload's steps, and a file that is moved away. */
void test_events_of_a_reload(struct contract *contract)
{
    char path[CONTRACT_PATH], moved[CONTRACT_PATH];
    contract_file(contract, "events", path);
    contract_file(contract, "moved", moved);
    struct server *server = server_start(contract, 0, "--event-log", path, NULL);
    CHECK(contract, rename(path, moved) == 0 && kill(server->pid, SIGUSR1) == 0, "rename or kill: %s", strerror(errno));
    wait_for_file(contract, path);
    CHECK(contract, kill(server->pid, SIGHUP) == 0, "kill: %s", strerror(errno));
    wait_for_event(contract, path, "\"step\":\"done\"");
    check_ends(server, SIGTERM);
    json_t *events = read_events(contract, path), *before = read_events(contract, moved);
    CHECK(contract, find_event(before, 0, "ready", "primary") < json_array_size(before), "the old file is not what was moved");
    CHECK(contract, find_event(events, 0, "reopen", "primary") == 0, "the new file does not begin with its reopening");
    size_t end = json_array_size(events), begin = find_event(events, 0, "reload", "primary");
    CHECK(contract, begin < end && strcmp(word_in(json_array_get(events, begin), "step"), "begin") == 0, "no begin");
    check_count(contract, events, "reload", "worker", server->workers);
    check_count(contract, events, "ready", "worker", server->workers);
    size_t done = find_event(events, begin + 1, "reload", "primary");
    CHECK(contract, done < end && strcmp(word_in(json_array_get(events, done), "step"), "done") == 0, "no done");
    CHECK(contract, find_event(events, done, "reload", NULL) == done && find_event(events, done + 1, "reload", NULL) == end,
          "done is not the last step");
    json_decref(events);
    json_decref(before);
}
