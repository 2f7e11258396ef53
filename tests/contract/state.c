/*
 * contract_state: what a client sees of the state that workers share, each store by its promise: /counter, /session, and in
 * state_shop.c the shop. A suite of its own: any program of the kit has them, other servers have not.
 */
#include "state_parts.h"
#include "status.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- one counter after the other ---- */

void test_counter_stores(struct contract *contract)
{
    static const char *const stores[] = {"local", "primary", "shared", "redis"};
    const struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 1, "--redis", redis->address, NULL);
    struct client *client = client_open(contract, server);
    struct response response;
    char line[64];
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        snprintf(line, sizeof line, "GET /counter?store=%s", stores[i]);
        ask_for(client, line, 200, &response);
        CHECK(contract, response_body_is(&response, "0\n"), "%s: not 0 at first", line);
        snprintf(line, sizeof line, "POST /counter?store=%s", stores[i]);
        ask_for(client, line, 200, &response);
        CHECK(contract, response_body_is(&response, "1\n"), "%s: not 1", line);
        snprintf(line, sizeof line, "POST /counter?add=-43&store=%s", stores[i]);
        ask_for(client, line, 200, &response);
        snprintf(line, sizeof line, "GET /counter?store=%s&add=7", stores[i]); /* a GET does not add */
        ask_for(client, line, 200, &response);
        CHECK(contract, response_body_is(&response, "-42\n"), "%s: not -42", line);
    }
    ask_for(client, "GET /counter", 200, &response);
    CHECK(contract, response_body_is(&response, "-42\n"), "/counter is not the local one");
}

void test_counter_refusals(struct contract *contract)
{
    struct server *server = contract_server(contract);
    struct client *client = client_open(contract, server);
    struct response response;
    ask_for(client, "GET /counter?store=cloud", 400, &response);
    CHECK(contract, body_has(&response, "cloud") && body_has(&response, "local, primary, shared or redis"),
          "not named what is allowed");
    ask_for(client, "POST /counter?add=many", 400, &response);
    CHECK(contract, body_has(&response, "many"), "the value is not named");
    ask_for(client, "GET /counter?store=redis", 503, &response);
    CHECK(contract, body_has(&response, "--redis"), "not said that --redis is missing");
    ask_for(client, "DELETE /counter", 405, &response);
}

/* ---- many increments at once ---- */

#define INCREMENTS 10000
#define BATCH      25

struct tally {
    unsigned long counts[WORKERS_MOST]; /* increments, by X-Worker */
    long long highest[WORKERS_MOST];    /* value it told */
    bool told[INCREMENTS + 1];          /* by anybody */
    unsigned told_twice;
};

static void send_batch(struct client *client, const char *store)
{
    char requests[BATCH * 96];
    size_t used = 0;
    for (unsigned i = 0; i < BATCH; i++)
        used += (size_t)snprintf(requests + used, sizeof requests - used,
                                 "POST /counter?store=%s HTTP/1.1\r\nHost: contract\r\nContent-Length: 0\r\n\r\n", store);
    CHECK(client->contract, client_send(client, requests, used), "the connection ended under a batch of increments");
}

static void take_batch(struct client *client, struct tally *tally)
{
    struct contract *contract = client->contract;
    struct response response;
    for (unsigned i = 0; i < BATCH; i++) {
        client_expect(client, 200, &response);
        long long value = body_number(contract, &response);
        CHECK(contract, response.worker >= 0 && response.worker < WORKERS_MOST, "X-Worker %d", response.worker);
        CHECK(contract, value >= 1 && value <= INCREMENTS, "an increment answers %lld", value);
        tally->counts[response.worker]++;
        if (value > tally->highest[response.worker])
            tally->highest[response.worker] = value;
        tally->told_twice += tally->told[value];
        tally->told[value] = true;
    }
}

/* 10,000 increments over CROWD connections, all of them under way at the same time. How many workers took part. */
static unsigned increment(struct contract *contract, struct server *server, const char *store, struct tally *tally)
{
    struct crowd crowd;
    unsigned workers = 0;
    memset(tally, 0, sizeof *tally);
    crowd_gather(contract, server, &crowd);
    for (unsigned sent = 0; sent < INCREMENTS; sent += CROWD * BATCH) {
        for (unsigned i = 0; i < CROWD; i++)
            send_batch(crowd.clients[i], store);
        for (unsigned i = 0; i < CROWD; i++)
            take_batch(crowd.clients[i], tally);
    }
    for (unsigned i = 0; i < WORKERS_MOST; i++)
        workers += tally->counts[i] > 0;
    CHECK(contract, workers >= 2 || server->workers == 1, "all increments went to one worker");
    return workers;
}

/* Every value from 1 to 10,000 was told exactly once, and the end is 10,000 whoever is asked. */
static void increments_are_exact(struct contract *contract, const char *store, const char *redis_address)
{
    struct server *server =
        redis_address ? server_start(contract, 0, "--redis", redis_address, NULL) : server_start(contract, 0, NULL);
    static struct tally tally;
    struct crowd crowd;
    struct response response;
    char line[64];
    (void)increment(contract, server, store, &tally);
    CHECK(contract, tally.told_twice == 0, "%u values were told twice", tally.told_twice);
    crowd_gather(contract, server, &crowd);
    snprintf(line, sizeof line, "GET /counter?store=%s", store);
    for (unsigned i = 0; i < CROWD; i++) {
        ask_for(crowd.clients[i], line, 200, &response);
        CHECK(contract, body_number(contract, &response) == INCREMENTS, "worker %d says %.*s of 10000", response.worker,
              (int)response.body_length - 1, response.body);
    }
}

void test_increments_primary(struct contract *contract)
{
    increments_are_exact(contract, "primary", NULL);
}

void test_increments_shared(struct contract *contract)
{
    increments_are_exact(contract, "shared", NULL);
}

void test_increments_redis(struct contract *contract)
{
    char answer[64] = "";
    const struct redis_server *redis = state_redis_start(contract);
    increments_are_exact(contract, "redis", redis->address);
    CHECK(contract,
          redis_server_tell(redis, "INCRBY clusterbench:counter 0", answer, sizeof answer) == 0 && strcmp(answer, ":10000") == 0,
          "Redis itself says '%s'", answer);
}

/* Each worker has its own truth: exact for what it took, and 10,000 only when all of them are added up. */
void test_increments_local(struct contract *contract)
{
    static struct tally tally;
    struct server *server = server_start(contract, 0, NULL);
    unsigned workers = increment(contract, server, "local", &tally);
    unsigned long sum = 0;
    for (unsigned i = 0; i < WORKERS_MOST; i++) {
        CHECK(contract, tally.highest[i] == (long long)tally.counts[i], "worker %u took %lu increments and counted to %lld", i,
              tally.counts[i], tally.highest[i]);
        CHECK(contract, workers == 1 || tally.highest[i] < INCREMENTS, "worker %u knows of everybody's increments", i);
        sum += tally.counts[i];
    }
    CHECK(contract, sum == INCREMENTS, "the sum over all workers is %lu", sum);
    CHECK(contract, workers == 1 || tally.told_twice > 0, "%u local counters told no value twice", workers);
}

/* ---- a worker dies, the number stays ---- */

void test_counter_survives_a_crash(struct contract *contract)
{
    struct status_row rows[STATUS_ROWS];
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    struct client *client = client_open(contract, server);
    ask_for(client, "POST /counter?store=shared&add=5", 200, &response);
    ask_for(client, "POST /counter?store=primary&add=6", 200, &response);
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front) {
            CHECK(contract, kill(rows[i].pid, SIGKILL) == 0, "kill %d: %s", rows[i].pid, strerror(errno));
            CHECK(contract, status_wait_replaced(contract, server, false, rows[i].index, rows[i].pid) != 0,
                  "worker %u was not replaced", rows[i].index);
        }
    client = client_open(contract, server);
    ask_until(client, "GET /counter?store=shared", 200, &response);
    CHECK(contract, response_body_is(&response, "5\n"), "the shared counter did not survive");
    ask_for(client, "GET /counter?store=primary", 200, &response);
    CHECK(contract, response_body_is(&response, "6\n"), "the primary's counter did not survive");
    ask_for(client, "GET /counter", 200, &response);
    CHECK(contract, response_body_is(&response, "0\n"), "a new worker's own counter is not 0");
}

/* ---- sessions ---- */

/* "Cookie: session=...\r\n" from the Set-Cookie of a response. */
static void read_cookie(struct contract *contract, const struct response *response, char *field, size_t size)
{
    char cookie[128] = "", id[64] = "";
    CHECK(contract, response_field(response, "Set-Cookie", cookie, sizeof cookie), "no Set-Cookie");
    CHECK(contract, sscanf(cookie, "session=%32[0-9a-f];", id) == 1 && strlen(id) == 32, "Set-Cookie: %s", cookie);
    CHECK(contract, strstr(cookie, "; HttpOnly") && strstr(cookie, "; Path=/"), "Set-Cookie: %s", cookie);
    snprintf(field, size, "Cookie: session=%s\r\n", id);
}

/* Begins a session: its cookie, and which worker has it. */
static int begin_session(struct client *client, char *field, size_t size)
{
    struct response response;
    char line[32];
    ask_for(client, "GET /session", 200, &response);
    snprintf(line, sizeof line, "miss 1 worker %d\n", response.worker);
    CHECK(client->contract, response_body_is(&response, line), "a first visit is no '%s'", line);
    read_cookie(client->contract, &response, field, size);
    return response.worker;
}

/* Stickiness as it can be measured: a hit where the worker is the same, a miss everywhere else. */
void test_session_in_memory(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct crowd crowd;
    char field[96], line[40], again[128];
    unsigned visits = 1, misses = 0;
    crowd_gather(contract, server, &crowd);
    int home = begin_session(crowd.clients[0], field, sizeof field);
    for (unsigned i = 0; i < 2 * CROWD; i++) {
        struct response response;
        ask(crowd.clients[i % CROWD], "GET /session", field, &response);
        if (response.worker == home)
            snprintf(line, sizeof line, "hit %u worker %d\n", ++visits, home);
        else
            snprintf(line, sizeof line, "miss 1 worker %d\n", response.worker);
        misses += response.worker != home;
        CHECK(contract, response_body_is(&response, line), "the session of worker %d at worker %d: wanted %s", home,
              response.worker, line);
        bool given = response_field(&response, "Set-Cookie", again, sizeof again);
        CHECK(contract, given == (response.worker != home), "a Set-Cookie comes with a miss, and with it only");
    }
    CHECK(contract, misses > 0 || server->workers == 1, "every visit came to one worker");
    CHECK(contract, visits > 1 || contract_has(contract, TRAIT_FRONTS), "no visit came to the session's worker again");
    CHECK(contract, status_total(contract, server, "session_hits") == visits - 1, "/status counts other hits");
    CHECK(contract, status_total(contract, server, "session_misses") == misses + 1, "/status counts other misses");
}

void test_session_in_redis(struct contract *contract)
{
    const struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 0, "--redis", redis->address, "--session-store", "redis", NULL);
    struct crowd crowd;
    char field[96], line[40];
    crowd_gather(contract, server, &crowd);
    (void)begin_session(crowd.clients[0], field, sizeof field);
    for (unsigned i = 0; i < 2 * CROWD; i++) {
        struct response response;
        ask(crowd.clients[i % CROWD], "GET /session", field, &response);
        snprintf(line, sizeof line, "hit %u worker %d\n", i + 2, response.worker);
        CHECK(contract, response_body_is(&response, line), "visit %u: wanted %s", i + 2, line);
    }
}

void test_session_cookies(struct contract *contract)
{
    static const char *const unknown[] = {"Cookie: session=\r\n", "Cookie: session=x\r\n", "Cookie: other=1\r\n",
                                          "Cookie: session=0123456789abcdef0123456789abcdef\r\n"};
    struct client *client = client_open(contract, server_start(contract, 1, NULL));
    struct response response;
    char field[96], before[96] = "", among[160];
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ask(client, "GET /session", unknown[i], &response);
        CHECK(contract, response.status == 200 && body_has(&response, "miss 1 "), "%s is taken for a session", unknown[i]);
        read_cookie(contract, &response, field, sizeof field);
        CHECK(contract, strcmp(field, unknown[i]) != 0, "an id that a client made up was taken over");
        CHECK(contract, strcmp(field, before) != 0, "two sessions have one id");
        memcpy(before, field, sizeof before);
    }
    snprintf(among, sizeof among, "Cookie: a=1; %.*s; b=2\r\n", (int)strcspn(field + 8, "\r"), field + 8);
    ask(client, "GET /session", among, &response);
    CHECK(contract, body_has(&response, "hit 2 "), "the session among other cookies is not found");
}

/* ---- Redis is not there ---- */

static void expect_reason(struct contract *contract, const struct redis_server *redis, const struct response *response)
{
    CHECK(contract, response->status == 503 && body_has(response, redis->address), "not a 503 that names %s: %d %.*s",
          redis->address, response->status, (int)response->body_length, response->body);
}

void test_redis_missing_killed_restarted(struct contract *contract)
{
    struct redis_server *redis = state_redis_prepare(contract);
    struct server *server = server_start(contract, 0, "--redis", redis->address, "--session-store", "redis", NULL);
    struct client *client = client_open(contract, server);
    struct response response;
    for (unsigned round = 0; round < 2; round++) {
        ask_until(client, "POST /counter?store=redis", 503, &response);
        expect_reason(contract, redis, &response);
        ask(client, "GET /session", "", &response);
        expect_reason(contract, redis, &response);
        ask_for(client, "POST /counter?store=shared&add=0", 200, &response); /* the rest goes on */
        ask_for(client, "GET /hello", 200, &response);
        CHECK(contract, redis_server_start(redis, 0) == 0, "the Redis does not start");
        ask_until(client, "POST /counter?store=redis", 200, &response);
        CHECK(contract, response_body_is(&response, "1\n"), "an increment that was refused has been done");
        ask_until(client, "GET /session", 200, &response);
        redis_server_kill(redis);
    }
}

/* Lines of the file with both words in them. */
static unsigned count_lines(const char *path, const char *word, const char *other)
{
    char *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &size, file) > 0)
        count += strstr(line, word) && strstr(line, other);
    free(line);
    if (file)
        fclose(file);
    return count;
}

static unsigned count_in_text(const char *text, const char *word)
{
    unsigned count = 0;
    while ((text = strstr(text, word))) {
        text += strlen(word);
        count++;
    }
    return count;
}

#define REDIS_EVENT "\"event\":\"redis\",\"role\":\"worker\""
#define REDIS_DOWN  "\"state\":\"down\",\"reason\":\"redis unix:"
#define REDIS_UP    "\"state\":\"up\"}"

static void wait_for_events(struct contract *contract, const char *path, const char *state, unsigned wanted)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    while (count_lines(path, REDIS_EVENT, state) < wanted && look_again(deadline_ns))
        ;
    CHECK(contract, count_lines(path, REDIS_EVENT, state) == wanted, "%u events of Redis with %s, wanted %u",
          count_lines(path, REDIS_EVENT, state), state, wanted);
}

/* Each worker says it once when its Redis goes and once when it is back, on stderr and in the event log. */
void test_redis_changes_are_told(struct contract *contract)
{
    static char text[SERVER_TEXT];
    char path[CONTRACT_PATH];
    struct redis_server *redis = state_redis_prepare(contract);
    contract_file(contract, "events", path);
    struct server *server = server_start(contract, 0, "--redis", redis->address, "--log", "info", "--event-log", path, NULL);
    for (unsigned round = 1; round <= 2; round++) {
        wait_for_events(contract, path, REDIS_DOWN, round * server->workers);
        CHECK(contract, redis_server_start(redis, 0) == 0, "the Redis does not start");
        wait_for_events(contract, path, REDIS_UP, round * server->workers);
        redis_server_kill(redis);
    }
    wait_for_events(contract, path, REDIS_DOWN, 3 * server->workers);
    CHECK(contract, count_lines(path, REDIS_EVENT, redis->address) == 3 * server->workers, "the events do not name %s",
          redis->address);
    unsigned downs, ups;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    do { /* a line of the log comes behind its event */
        server_errors(server, text, sizeof text);
        downs = count_in_text(text, ": Redis is down: redis unix:");
        ups = count_in_text(text, ": Redis is up again: redis unix:");
    } while ((downs < 3 * server->workers || ups < 2 * server->workers) && look_again(deadline_ns));
    CHECK(contract, downs == 3 * server->workers && ups == 2 * server->workers, "stderr says %u times down, %u times up", downs,
          ups);
}

/* A Redis that takes commands and does not answer: who asks it waits for the deadline, and nobody else does. */
void test_redis_stopped(struct contract *contract)
{
    struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 1, "--redis", redis->address, NULL);
    struct client *asking = client_open(contract, server), *other = client_open(contract, server);
    struct response response;
    ask_until(asking, "POST /counter?store=redis", 200, &response);
    kill(redis->pid, SIGSTOP);
    client_print(asking, "POST /counter?store=redis HTTP/1.1\r\nHost: contract\r\nContent-Length: 0\r\n\r\n");
    for (unsigned i = 0; i < 50; i++)
        ask_for(other, "GET /hello", 200, &response);
    client_receive(asking, &response);
    expect_reason(contract, redis, &response);
    CHECK(contract, body_has(&response, "no answer within"), "the reason is another: %.*s", (int)response.body_length,
          response.body);
    ask_for(asking, "GET /counter?store=redis", 503, &response); /* now at once */
    kill(redis->pid, SIGCONT);
    ask_until(asking, "GET /counter?store=redis", 200, &response);
}

/* TERM with a connection to Redis that has nothing to do. */
void test_end_with_redis(struct contract *contract)
{
    struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 0, "--redis", redis->address, "--grace", "10m", NULL); /* no worker is killed */
    struct client *client = client_open(contract, server);
    struct response response;
    ask_until(client, "POST /counter?store=redis", 200, &response);
    kill(server->pid, SIGTERM);
    state_expect_end(server, SIGTERM);
}

/* INT while commands are at a Redis that is stopped: nobody waits for it. */
void test_end_with_redis_stopped(struct contract *contract)
{
    struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 1, "--redis", redis->address, NULL);
    struct client *client = client_open(contract, server), *leaving = client_open(contract, server);
    struct response response;
    ask_until(client, "POST /counter?store=redis", 200, &response);
    kill(redis->pid, SIGSTOP);
    uint64_t requests = status_total(contract, server, "requests");
    client_print(client, "POST /counter?store=redis HTTP/1.1\r\nHost: contract\r\nContent-Length: 0\r\n\r\n");
    client_print(leaving, "GET /counter?store=redis HTTP/1.1\r\nHost: contract\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", requests + 2), "the requests are not taken");
    client_close(leaving);
    kill(server->pid, SIGINT);
    state_expect_end(server, SIGINT);
}

/* ---- the command line ---- */

static const struct {
    const char *arguments[5];
    const char *option, *word; /* in the message */
} bad_options[] = {
    {{"--session-store", "shared"}, "--session-store", "local or redis"},
    {{"--session-store", "redis"}, "--session-store", "--redis"},
    {{"--cache", "primary"}, "--cache", "local, shared or redis"},
    {{"--cache", "redis"}, "--cache", "--redis"},
    {{"--cache-ttl", "0"}, "--cache-ttl", "0"},
    {{"--database-time", "11m"}, "--database-time", "11m"},
    {{"--redis", "unix:@redis"}, "--redis", "unix:@redis"},
    {{"--redis", "127.0.0.1:0"}, "--redis", "127.0.0.1:0"},
    {{"--redis", "there"}, "--redis", "there"},
};

void test_state_options(struct contract *contract)
{
    for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
        const struct server_plan plan = {.arguments = bad_options[i].arguments};
        struct server *server = server_spawn(contract, &plan);
        char text[SERVER_TEXT];
        CHECK(contract, server_wait_exit(server), "%s: the program still runs", bad_options[i].option);
        CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 1, "%s is not refused",
              bad_options[i].option);
        server_errors(server, text, sizeof text);
        CHECK(contract,
              strstr(text, bad_options[i].option) && strstr(text, bad_options[i].word) &&
                  strchr(text, '\n') == text + strlen(text) - 1,
              "%s: stderr is not one line that names '%s': %s", bad_options[i].option, bad_options[i].word, text);
    }
}

#define STATE_ROW(name, needs) {#name, test_##name, needs},
static const struct suite_test tests[] = {STATE_TESTS(STATE_ROW)};

static const struct suite suite = {
    .name = "contract_state",
    .summary =
        "Starts PROGRAM again and again and judges the state of its workers: /counter, /session, /api/products, /api/cart/add.\n",
    .tests = tests,
    .count = sizeof tests / sizeof tests[0],
    .end_test = state_redis_end,
};

int main(int argc, char **argv)
{
    return suite_main(&suite, argc, argv);
}
