/*
 * The shop: /api/products behind a cache, /api/cart/add. Counts of X-Cache and the reading that stands in a list decide; what takes
 * time is the database, and what is told of it is an order of events.
 */
#include "state_parts.h"
#include "status.h"
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum source { HIT, MISS, COLLAPSED, SOURCES };

static const char *const source_names[] = {"hit", "miss", "collapsed"};

/* A list: where it came from, and whose reading it is. */
struct list_seen {
    enum source source;
    long long read_by, reading;
};

static enum source source_of(struct contract *contract, const struct response *response)
{
    char value[32] = "";
    CHECK(contract, response->status == 200, "/api/products: status %d", response->status);
    CHECK(contract, response_field(response, "X-Cache", value, sizeof value), "no X-Cache");
    for (unsigned i = 0; i < SOURCES; i++)
        if (strcmp(value, source_names[i]) == 0)
            return (enum source)i;
    CHECK(contract, false, "X-Cache: %s", value);
    return HIT;
}

static struct list_seen read_list(struct contract *contract, const struct response *response)
{
    struct list_seen seen = {.source = source_of(contract, response)};
    char type[64] = "";
    json_t *list = json_loadb(response->body, response->body_length, 0, NULL);
    response_field(response, "Content-Type", type, sizeof type);
    CHECK(contract, list && strcmp(type, "application/json") == 0, "/api/products is no JSON (%s)", type);
    size_t products = json_array_size(json_object_get(list, "products"));
    seen.read_by = json_integer_value(json_object_get(list, "read_by"));
    seen.reading = json_integer_value(json_object_get(list, "reading"));
    json_decref(list);
    CHECK(contract, products > 0 && seen.reading > 0, "/api/products has no products");
    return seen;
}

static struct list_seen get_list(struct client *client, int *worker)
{
    struct response response;
    ask_for(client, "GET /api/products", 200, &response);
    if (worker)
        *worker = response.worker;
    return read_list(client->contract, &response);
}

/* ---- the cart ---- */

static void post_item(struct client *client, const char *body, int status, const char *text)
{
    struct response response;
    client_print(client, "POST /api/cart/add HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    client_expect(client, status, &response);
    CHECK(client->contract, body_has(&response, text), "%s: the answer does not say '%s': %.*s", body, text,
          (int)response.body_length, response.body);
}

void test_cart(struct contract *contract)
{
    struct client *client = client_open(contract, contract_server(contract));
    struct response response;
    char allow[64] = "";
    post_item(client, "{\"product\": 3, \"quantity\": 2}", 200, "\"quantity\": 2");
    post_item(client, "{\"product\": 3}", 200, "\"quantity\": 1");
    post_item(client, "{\"product\": 0}", 400, "'product' has to be a whole number from 1 to");
    post_item(client, "{\"product\": 1, \"quantity\": \"two\"}", 400, "'quantity'");
    post_item(client, "{\"product\": ", 400, "no JSON");
    post_item(client, "", 400, "no JSON");
    ask_for(client, "GET /api/cart/add", 405, &response);
    CHECK(contract, response_field(&response, "Allow", allow, sizeof allow) && strcmp(allow, "POST, OPTIONS") == 0, "Allow: %s",
          allow);
}

/* ---- one client ---- */

void test_miss_then_hit(struct contract *contract)
{
    struct server *server = server_start(contract, 1, NULL);
    struct client *client = client_open(contract, server);
    struct list_seen first = get_list(client, NULL), second = get_list(client, NULL);
    CHECK(contract, first.source == MISS && first.reading == 1, "the first is a %s", source_names[first.source]);
    CHECK(contract, second.source == HIT && second.reading == 1, "the second is a %s", source_names[second.source]);
    CHECK(contract,
          status_total(contract, server, "cache_hits") == 1 && status_total(contract, server, "cache_misses") == 1 &&
              status_total(contract, server, "cache_fills") == 1,
          "/status counts otherwise");
}

/* Whatever the cache: once its time is over, the list is read again. */
static void check_ttl(struct contract *contract, const char *cache, const char *redis_address)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    struct server *server = server_start(contract, 1, "--cache-ttl", "400ms", "--database-time", "10ms", "--cache", cache,
                                         redis_address ? "--redis" : NULL, redis_address, NULL);
    struct client *client = client_open(contract, server);
    struct list_seen seen = get_list(client, NULL);
    unsigned hits = 0;
    CHECK(contract, seen.source == MISS, "%s: the first is a %s", cache, source_names[seen.source]);
    while ((hits == 0 || seen.reading < 2) && look_again(deadline_ns)) { /* a slow machine may see no hit in the first round */
        long long before = seen.reading;
        seen = get_list(client, NULL);
        hits += seen.source == HIT;
        CHECK(contract, seen.reading == before + (seen.source == MISS), "%s: a %s of reading %lld behind %lld", cache,
              source_names[seen.source], seen.reading, before);
    }
    CHECK(contract, seen.reading >= 2, "%s: the list is never read again", cache);
    CHECK(contract, hits > 0, "%s: it is not kept at all", cache);
}

void test_ttl_ends(struct contract *contract)
{
    const struct redis_server *redis = state_redis_start(contract);
    check_ttl(contract, "local", NULL);
    check_ttl(contract, "shared", NULL);
    check_ttl(contract, "redis", redis->address);
}

/* ---- several workers ---- */

/* Each worker reads once for itself. */
void test_cache_local(struct contract *contract)
{
    struct server *server = server_start(contract, 0, "--database-time", "10ms", NULL);
    bool has[WORKERS_MOST] = {false};
    struct crowd crowd;
    crowd_gather(contract, server, &crowd);
    for (unsigned i = 0; i < 2 * CROWD; i++) {
        int worker;
        struct list_seen seen = get_list(crowd.clients[i % CROWD], &worker);
        CHECK(contract, seen.source == (has[worker] ? HIT : MISS), "worker %d: a %s", worker, source_names[seen.source]);
        CHECK(contract, seen.read_by == worker && seen.reading == 1, "worker %d has reading %lld of worker %lld", worker,
              seen.reading, seen.read_by);
        has[worker] = true;
    }
}

/* One reads, all have it. */
static void check_common_cache(struct contract *contract, struct server *server)
{
    struct crowd crowd;
    crowd_gather(contract, server, &crowd);
    struct list_seen first = get_list(crowd.clients[0], NULL);
    CHECK(contract, first.source == MISS, "the first is a %s", source_names[first.source]);
    for (unsigned i = 0; i < 2 * CROWD; i++) {
        struct list_seen seen = get_list(crowd.clients[i % CROWD], NULL);
        CHECK(contract, seen.source == HIT && seen.read_by == first.read_by && seen.reading == first.reading,
              "a %s: reading %lld of worker %lld", source_names[seen.source], seen.reading, seen.read_by);
    }
}

void test_cache_shared(struct contract *contract)
{
    check_common_cache(contract, server_start(contract, 0, "--cache", "shared", "--database-time", "10ms", NULL));
}

void test_cache_redis(struct contract *contract)
{
    char answer[64] = "";
    const struct redis_server *redis = state_redis_start(contract);
    check_common_cache(contract,
                       server_start(contract, 0, "--cache", "redis", "--redis", redis->address, "--database-time", "10ms", NULL));
    CHECK(contract,
          redis_server_tell(redis, "EXISTS clusterbench:cache:products", answer, sizeof answer) == 0 && strcmp(answer, ":1") == 0,
          "it is not in Redis");
}

/* ---- storms ---- */

#define STORM (3 * CROWD)

/* Three crowds ask at the same time; how each answer came about, and which workers answered. */
struct storm {
    unsigned counts[SOURCES], readings; /* readings: different ones */
    bool workers[WORKERS_MOST];
};

static void note_answer(struct contract *contract, const struct response *response, struct storm *storm, struct list_seen *known)
{
    struct list_seen seen = read_list(contract, response);
    unsigned i = 0;
    storm->counts[seen.source]++;
    storm->workers[response->worker] = true;
    while (i < storm->readings && (known[i].read_by != seen.read_by || known[i].reading != seen.reading))
        i++;
    if (i == storm->readings)
        known[storm->readings++] = seen;
}

static struct storm let_storm(struct contract *contract, struct server *server)
{
    struct storm storm = {0};
    struct list_seen known[STORM] = {0};
    struct crowd crowds[STORM / CROWD];
    struct response response;
    for (unsigned i = 0; i < STORM / CROWD; i++)
        crowd_gather(contract, server, &crowds[i]);
    for (unsigned i = 0; i < STORM; i++)
        client_print(crowds[i / CROWD].clients[i % CROWD], "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
    for (unsigned i = 0; i < STORM; i++) {
        client_receive(crowds[i / CROWD].clients[i % CROWD], &response);
        note_answer(contract, &response, &storm, known);
    }
    CHECK(contract,
          status_total(contract, server, "cache_fills") == storm.counts[MISS] &&
              status_total(contract, server, "cache_collapsed") == storm.counts[COLLAPSED],
          "/status counts otherwise");
    return storm;
}

static unsigned count_workers(const struct storm *storm)
{
    unsigned count = 0;
    for (unsigned i = 0; i < WORKERS_MOST; i++)
        count += storm->workers[i];
    return count;
}

/*
 * How long a reading takes at the nth try. A machine that stood still for the whole of it has seen no storm: the second request
 * came when the first was answered. Then a new server, with a slower database, sees another one.
 */
static const char *const database_times[] = {"300ms", "1s", "3s"};
#define TRIES (sizeof database_times / sizeof database_times[0])

void test_storm_without_single_flight(struct contract *contract)
{
    struct storm storm = {0};
    for (size_t i = 0; i < TRIES && storm.counts[MISS] < 2; i++) {
        storm = let_storm(contract, server_start(contract, 0, "--cache", "shared", "--database-time", database_times[i], NULL));
        CHECK(contract, storm.counts[COLLAPSED] == 0, "without single flight %u requests waited for another",
              storm.counts[COLLAPSED]);
    }
    CHECK(contract, storm.counts[MISS] >= 2, "a storm of %d requests made %u reading", STORM, storm.counts[MISS]);
}

static void forget_list(struct contract *contract, const struct redis_server *redis)
{
    char answer[64] = "";
    int error = redis_server_tell(redis, "DEL clusterbench:cache:products", answer, sizeof answer);
    CHECK(contract, error == 0 && answer[0] == ':', "DEL: %s", error ? strerror(-error) : answer);
}

/* One reading in all, whoever it is that reads, and the others wait for it. `redis` may be NULL. */
static void check_one_reading(struct contract *contract, const char *cache, const struct redis_server *redis)
{
    unsigned waited = 0;
    for (size_t i = 0; i < TRIES && waited == 0; i++) {
        if (redis != NULL)
            forget_list(contract, redis); /* of an earlier try */
        struct server *server = server_start(contract, 0, "--cache", cache, "--single-flight", "--database-time", database_times[i],
                                             redis ? "--redis" : NULL, redis ? redis->address : NULL, NULL);
        struct storm storm = let_storm(contract, server);
        CHECK(contract, storm.counts[MISS] == 1 && storm.readings == 1, "%u readings for a storm of %d requests",
              storm.counts[MISS], STORM);
        CHECK(contract, server->workers == 1 || count_workers(&storm) > 1, "one worker had them all");
        waited = storm.counts[COLLAPSED];
    }
    CHECK(contract, waited > 0, "nobody waited for it");
}

void test_storm_shared(struct contract *contract)
{
    check_one_reading(contract, "shared", NULL);
}

void test_storm_redis(struct contract *contract)
{
    check_one_reading(contract, "redis", state_redis_start(contract));
}

/* A reading for each worker. */
void test_storm_local(struct contract *contract)
{
    struct server *server = server_start(contract, 0, "--single-flight", "--database-time", "300ms", NULL);
    struct storm storm = let_storm(contract, server);
    unsigned workers = count_workers(&storm);
    CHECK(contract, storm.counts[MISS] == workers && storm.readings == workers, "%u readings by %u workers", storm.counts[MISS],
          workers);
}

/* ---- those who read leave ---- */

/* The client that caused the reading goes: the others have it all the same. */
void test_leader_leaves(struct contract *contract)
{
    struct server *server = server_start(contract, 1, "--single-flight", "--database-time", "500ms", NULL);
    struct client *leader = client_open(contract, server), *other = client_open(contract, server);
    struct response response;
    client_print(leader, "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", 1), "the request is not taken");
    client_print(other, "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", 2), "the request is not taken");
    client_reset(leader);
    client_receive(other, &response);
    struct list_seen seen = read_list(contract, &response);
    CHECK(contract, seen.source != MISS && seen.reading == 1, "a %s of reading %lld", source_names[seen.source], seen.reading);
}

static pid_t pid_of(struct contract *contract, struct server *server, int worker)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front && (int)rows[i].index == worker)
            return rows[i].pid;
    return 0;
}

/* False: the reading was done before its worker was killed, and nothing is shown. */
static bool try_killed_while_filling(struct contract *contract, const char *database_time)
{
    struct server *server =
        server_start(contract, 0, "--cache", "shared", "--single-flight", "--database-time", database_time, NULL);
    struct crowd crowd;
    struct response response;
    unsigned other = 1;
    crowd_gather(contract, server, &crowd);
    while (crowd.workers[other] == crowd.workers[0])
        other++;
    uint64_t requests = status_total(contract, server, "requests");
    client_print(crowd.clients[0], "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", requests + 1), "the request is not taken");
    client_print(crowd.clients[other], "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
    CHECK(contract, status_wait_total(contract, server, "requests", requests + 2), "the request is not taken");
    pid_t pid = pid_of(contract, server, crowd.workers[0]);
    CHECK(contract, pid > 0 && kill(pid, SIGKILL) == 0, "kill %d: %s", pid, strerror(errno));
    bool in_time = !client_try_receive(crowd.clients[0], &response);
    client_receive(crowd.clients[other], &response); /* when the lease has run out, at the latest */
    struct list_seen seen = read_list(contract, &response);
    CHECK(contract, !in_time || (seen.source == MISS && seen.read_by == crowd.workers[other]), "a %s, read by worker %lld",
          source_names[seen.source], seen.read_by);
    return in_time;
}

void test_killed_while_filling(struct contract *contract)
{
    size_t tries = 0;
    while (!try_killed_while_filling(contract, database_times[tries]))
        CHECK(contract, ++tries < TRIES, "no worker could be killed while it was filling");
}

void test_cache_survives_a_crash(struct contract *contract)
{
    struct status_row rows[STATUS_ROWS];
    struct server *server = server_start(contract, 0, "--cache", "shared", "--database-time", "10ms", NULL);
    (void)get_list(client_open(contract, server), NULL);
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].front) {
            CHECK(contract, kill(rows[i].pid, SIGKILL) == 0, "kill %d: %s", rows[i].pid, strerror(errno));
            CHECK(contract, status_wait_replaced(contract, server, false, rows[i].index, rows[i].pid) != 0,
                  "worker %u was not replaced", rows[i].index);
        }
    struct response response;
    struct client *client = client_open(contract, server);
    ask_until(client, "GET /api/products", 200, &response);
    CHECK(contract, read_list(contract, &response).source == HIT, "the shared cache did not survive its workers");
    CHECK(contract, status_total(contract, server, "cache_misses") == 1, "what a dead worker had counted is lost");
}

/* ---- and the store ---- */

void test_shop_with_redis_down(struct contract *contract)
{
    struct redis_server *redis = state_redis_start(contract);
    struct server *server = server_start(contract, 0, "--cache", "redis", "--redis", redis->address, "--single-flight",
                                         "--database-time", "10ms", NULL);
    struct client *client = client_open(contract, server);
    struct response response;
    ask_until(client, "GET /api/products", 200, &response);
    CHECK(contract, get_list(client, NULL).source == HIT, "it was not kept");
    redis_server_kill(redis);
    ask_until(client, "GET /api/products", 503, &response);
    CHECK(contract, body_has(&response, redis->address), "503 without its reason");
    CHECK(contract, redis_server_start(redis, 0) == 0, "the Redis does not start");
    ask_until(client, "GET /api/products", 200, &response);
    CHECK(contract, read_list(contract, &response).source == MISS, "a new Redis has the old list");
}

/* TERM answers who waits for the database first; INT waits for nobody. */
void test_end_while_filling(struct contract *contract)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        struct server *server = server_start(contract, 1, "--cache", "shared", "--single-flight", "--database-time",
                                             signals[i] == SIGTERM ? "300ms" : "30s", "--grace", "10m", NULL);
        struct client *clients[3];
        struct response response;
        for (unsigned j = 0; j < 3; j++) {
            clients[j] = client_open(contract, server);
            client_print(clients[j], "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
        }
        CHECK(contract, status_wait_total(contract, server, "requests", 3), "the requests are not taken");
        client_reset(clients[2]);
        kill(server->pid, signals[i]);
        for (unsigned j = 0; j < 2 && signals[i] == SIGTERM; j++)
            client_expect(clients[j], 200, &response);
        state_expect_end(server, signals[i]);
    }
}

/*
 * Nobody waits for a worker that has ended in the middle of a reading: its lease in Redis ends with it, at a reload and at TERM.
 * (Where fronts stand between, a front waits for the answer when its client has left, and a drain waits for the front.)
 */
void test_lease_ends_with_its_worker(struct contract *contract)
{
    static const int signals[] = {SIGHUP, SIGTERM};
    const char *lease = "EXISTS clusterbench:filling:products";
    const struct redis_server *redis = state_redis_start(contract);
    for (size_t i = contract_has(contract, TRAIT_PROCESSES) ? 0 : 1; i < 2; i++) {
        struct status_row rows[STATUS_ROWS];
        char answer[64] = "";
        struct server *server = server_start(contract, 1, "--cache", "redis", "--redis", redis->address, "--single-flight",
                                             "--database-time", "5m", "--grace", "1s", NULL);
        size_t count = status_rows(contract, server, rows);
        struct client *client = client_open(contract, server);
        client_print(client, "GET /api/products HTTP/1.1\r\nHost: contract\r\n\r\n");
        uint64_t deadline_ns = now_ns() + contract->patience_ns;
        while ((redis_server_tell(redis, lease, answer, sizeof answer) != 0 || strcmp(answer, ":1") != 0) &&
               look_again(deadline_ns))
            ;
        CHECK(contract, strcmp(answer, ":1") == 0, "nobody has the lease: %s", answer);
        client_reset(client); /* the reading goes on, for whoever else may want it */
        kill(server->pid, signals[i]);
        for (size_t j = 0; signals[i] == SIGHUP && j < count; j++)
            CHECK(contract, status_wait_replaced(contract, server, rows[j].front, rows[j].index, rows[j].pid) != 0,
                  "worker %u is not replaced", rows[j].index);
        if (signals[i] == SIGTERM)
            state_expect_end(server, SIGTERM);
        while ((redis_server_tell(redis, lease, answer, sizeof answer) != 0 || strcmp(answer, ":0") != 0) &&
               look_again(deadline_ns))
            ;
        CHECK(contract, strcmp(answer, ":0") == 0, "signal %d: the lease is still there: %s", signals[i], answer);
    }
}
