/*
 * HTTP as every server must speak it to a well-behaved client: the paths, keep-alive, versions, pipelining, bodies, and requests
 * cut anywhere on their way. All of it against the one shared server: none of these tests leaves a trace.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct client *open_shared(struct contract *contract)
{
    return client_open(contract, contract_server(contract));
}

void test_ready_line(struct contract *contract)
{
    struct status_row rows[STATUS_ROWS];
    struct server *server = server_start(contract, 0, NULL);
    size_t ready = 0, count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        ready += !rows[i].front;
    CHECK(contract, ready == contract->workers, "the ready line came when %zu of %u workers were ready", ready, contract->workers);
    CHECK(contract, server->workers == contract->workers, "asked for %u workers: %s", contract->workers, server->ready);
    CHECK(contract, server->strategy[0] != '\0', "no strategy: %s", server->ready);
    CHECK(contract, server->admin_length > 0, "--admin was given, but no admin=<url>: %s", server->ready);
    CHECK(contract, strncmp(server->url, "http://127.0.0.1:", 17) == 0 && strcmp(server->url + 17, "0") != 0,
          "the url is not the bound address: %s", server->ready);
    CHECK(contract, !contract->profile->named || strcmp(server->strategy, contract->profile->name) == 0, "strategy=%s, wanted %s",
          server->strategy, contract->profile->name);
    CHECK(contract, strcmp(strchr(server->output, '\n'), "\n") == 0, "more than one line on stdout: \"%s\"", server->output);
}

void test_greeting(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_get(client, "/", 200, &response);
    CHECK(contract, response_is_greeting(&response), "GET /: the body is not 'Hello from worker %d'", response.worker);
    client_get(client, "/hello", 200, &response);
    CHECK(contract, response_is_greeting(&response), "GET /hello: the body is not 'Hello from worker %d'", response.worker);
    client_get(client, "/hello?name=value", 200, &response);
}

void test_worker_header(struct contract *contract)
{
    static const char *const paths[] = {"/", "/hello", "/healthz", "/bytes/10", "/wait/1ms", "/block/1ms", "/cpu/1ms"};
    struct response response;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct client *client = open_shared(contract);
        client_get(client, paths[i], 200, &response);
        CHECK(contract, response.worker >= 0 && (unsigned)response.worker < contract->workers,
              "GET %s: X-Worker %d is not in 0..%u", paths[i], response.worker, contract->workers - 1);
        client_close(client);
    }
}

void test_healthz(struct contract *contract)
{
    struct response response;
    client_get(open_shared(contract), "/healthz", 200, &response);
}

void test_head_request(struct contract *contract)
{
    static const char *const paths[] = {"/hello", "/bytes/64k"};
    struct response response;
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < 2; i++) {
        char of_get[32] = "", of_head[32] = "";
        client_get(client, paths[i], 200, &response);
        response_field(&response, "Content-Length", of_get, sizeof of_get);
        client->no_body = true;
        client_print(client, "HEAD %s HTTP/1.1\r\nHost: contract\r\n\r\n", paths[i]);
        client_expect(client, 200, &response);
        CHECK(contract, response.body_length == 0, "HEAD %s has a body", paths[i]);
        CHECK(contract, !response_field(&response, "Content-Length", of_head, sizeof of_head) || strcmp(of_get, of_head) == 0,
              "HEAD %s says Content-Length %s, GET %s", paths[i], of_head, of_get);
    }
    /* a body after HEAD would now stand in the way of this answer */
    client_get(client, "/hello", 200, &response);
}

void test_keep_alive(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    for (int i = 0; i < 200; i++) {
        client_get(client, "/hello", 200, &response);
        CHECK(contract, response.keep_alive, "response %d of a keep-alive connection says it closes", i);
        CHECK(contract, response_is_greeting(&response), "response %d has another body", i);
    }
}

void test_http_1_0(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_print(client, "GET /hello HTTP/1.0\r\n\r\n");
    client_expect(client, 200, &response);
    CHECK(contract, response_is_greeting(&response), "HTTP/1.0: the body is no greeting");
    CHECK(contract, !response.chunked, "HTTP/1.0 got chunks");
    client_expect_end(client, "HTTP/1.0 without keep-alive");
    client = open_shared(contract);
    for (int i = 0; i < 3; i++) {
        client_print(client, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        client_expect(client, 200, &response);
        char value[32] = "";
        response_field(&response, "Connection", value, sizeof value);
        CHECK(contract, strcasecmp(value, "keep-alive") == 0, "HTTP/1.0 with keep-alive: Connection is '%s'", value);
    }
}

void test_connection_close(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_get(client, "/hello", 200, &response);
    /* what follows a request that closes is not answered: row 43 */
    client_print(client, "GET /hello HTTP/1.1\r\nHost: contract\r\nConnection: close\r\n\r\n"
                         "GET /hello HTTP/1.1\r\nHost: contract\r\n\r\n");
    client_expect(client, 200, &response);
    CHECK(contract, !response.keep_alive, "the response to Connection: close does not say close");
    client_expect_end(client, "Connection: close");
}

#define PIPELINED 1000

/* Sizes that tell the answers apart: neighbours always differ, and any shift shows. */
static unsigned pipelined_size(unsigned i)
{
    return 1 + i * 7 % 997;
}

void test_pipelining(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    size_t length = 0, room = PIPELINED * 64;
    char *requests = malloc(room);
    CHECK(contract, requests != NULL, "out of memory");
    for (unsigned i = 0; i < PIPELINED; i++)
        length += (size_t)snprintf(requests + length, room - length, "GET /bytes/%u HTTP/1.1\r\nHost: contract\r\n\r\n",
                                   pipelined_size(i));
    bool sent = client_send(client, requests, length);
    free(requests);
    CHECK(contract, sent, "the server ended the connection while %d requests were sent", PIPELINED);
    for (unsigned i = 0; i < PIPELINED; i++) {
        client_expect(client, 200, &response);
        CHECK(contract, response.body_length == pipelined_size(i), "answer %u has %zu bytes, wanted %u: lost or out of order", i,
              response.body_length, pipelined_size(i));
    }
    /* a slow answer holds back the quick one behind it, and only that */
    client_print(client, "GET /wait/50ms HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes/77 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_expect(client, 200, &response);
    CHECK(contract, response.body_length != 77, "the answer of /wait came after that of the request behind it");
    client_expect(client, 200, &response);
    CHECK(contract, response.body_length == 77, "the second answer has %zu bytes, wanted 77", response.body_length);
}

static char *pattern(struct contract *contract, size_t length)
{
    char *bytes = malloc(length + 1);
    CHECK(contract, bytes != NULL, "out of memory");
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('!' + (i * 31 + i / 89) % 89);
    return bytes;
}

static void check_echo(struct client *client, const char *body, size_t length)
{
    struct response response;
    client_expect(client, 200, &response);
    bool same = response.body_length == length && memcmp(response.body, body, length) == 0;
    CHECK(client->contract, same, "/echo of %zu bytes gave %zu bytes%s", length, response.body_length,
          response.body_length == length ? " that differ" : "");
}

void test_echo_content_length(struct contract *contract)
{
    static const size_t lengths[] = {0, 1, 5, 4096, 65536, 1000000};
    static const char *const methods[] = {"POST", "PUT"};
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *body = pattern(contract, lengths[i]);
        client_print(client, "%s /echo HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n", methods[i % 2], lengths[i]);
        client_send(client, body, lengths[i]);
        check_echo(client, body, lengths[i]);
        free(body);
    }
}

static void send_chunked(struct client *client, const char *body, size_t length, size_t piece)
{
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        client_print(client, "%zx\r\n", size);
        client_send(client, body + at, size);
        client_print(client, "\r\n");
    }
    client_print(client, "0\r\n\r\n");
}

void test_echo_chunked(struct contract *contract)
{
    static const size_t lengths[] = {0, 1, 300, 70000, 500000}, pieces[] = {1, 1, 7, 4096, 65536};
    struct response response;
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *body = pattern(contract, lengths[i]);
        send_chunked(client, body, lengths[i], pieces[i]);
        check_echo(client, body, lengths[i]);
        free(body);
    }
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3;name=value\r\nabc\r\n0\r\nTrailer: t\r\n\r\n");
    check_echo(client, "abc", 3);
    client_get(client, "/hello", 200, &response);
}

void test_bytes_sizes(struct contract *contract)
{
    static const struct {
        const char *path;
        size_t length;
    } sizes[] = {{"/bytes/0", 0},           {"/bytes/1", 1},         {"/bytes/512", 512},        {"/bytes/1k", 1024},
                 {"/bytes/64k", 64 * 1024}, {"/bytes/65537", 65537}, {"/bytes/1m", 1024 * 1024}, {"/bytes/8m", 8 * 1024 * 1024}};
    struct response response;
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        client_get(client, sizes[i].path, 200, &response);
        CHECK(contract, response.body_length == sizes[i].length, "GET %s gave %zu bytes, wanted %zu", sizes[i].path,
              response.body_length, sizes[i].length);
    }
    client_print(client, "GET /bytes/many HTTP/1.1\r\nHost: contract\r\n\r\n");
    client_receive(client, &response);
    CHECK(contract, response.status == 400 || response.status == 404, "GET /bytes/many gave %d, wanted 400 or 404",
          response.status);
}

void test_date(struct contract *contract)
{
    struct response response;
    char value[64] = "";
    struct tm tm = {0};
    client_get(open_shared(contract), "/hello", 200, &response);
    CHECK(contract, response_field(&response, "Date", value, sizeof value), "no Date field");
    const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    CHECK(contract, end != NULL && *end == '\0' && strlen(value) == 29, "Date '%s' is no IMF-fixdate (RFC 9110 5.6.7)", value);
    long off = (long)(time(NULL) - timegm(&tm));
    CHECK(contract, off >= -5 && off <= 60, "Date '%s' is %ld s off", value, off);
}

void test_unknown_path(struct contract *contract)
{
    static const char *const paths[] = {"/nothing", "/hello/more", "/bytes", "/wait/", "/Hello"};
    struct response response;
    struct client *client = open_shared(contract);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", paths[i]);
        client_receive(client, &response);
        CHECK(contract, response.status == 404 || (i > 1 && response.status == 400), "GET %s gave %d, wanted 404", paths[i],
              response.status);
        CHECK(contract, response.worker >= 0, "GET %s: the %d has no X-Worker", paths[i], response.status);
    }
    client_get(client, "/hello", 200, &response);
}

void test_wrong_method(struct contract *contract)
{
    static const char *const requests[] = {"DELETE /hello", "POST /bytes/10", "PUT /wait/1ms"};
    struct response response;
    char allow[128];
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct client *client = open_shared(contract);
        client_print(client, "%s HTTP/1.1\r\nHost: contract\r\nContent-Length: 0\r\n\r\n", requests[i]);
        client_expect(client, 405, &response);
        CHECK(contract, response_field(&response, "Allow", allow, sizeof allow), "%s: 405 without Allow (RFC 9110 15.5.6)",
              requests[i]);
        CHECK(contract, strstr(allow, "GET") != NULL, "%s: Allow '%s' does not name GET", requests[i], allow);
    }
}

void test_expect_continue(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client_send(client, "hello", 5);
    check_echo(client, "hello", 5);
    client = open_shared(contract);
    client_print(client, "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    client_expect(client, 200, &response);
    CHECK(contract, response.interim == 0, "100 was sent to HTTP/1.0 (RFC 9110 10.1.1)");
}

/* ---- requests cut on their way ---- */

static const struct {
    const char *text;
    unsigned answers;
    const char *body; /* of the last answer; NULL: a greeting */
} cut_requests[] = {
    {"GET /hello HTTP/1.1\r\nHost: contract\r\nX-Long: some value\r\n\r\n", 1, NULL},
    {"POST /echo HTTP/1.1\r\nHost: contract\r\nContent-Length: 5\r\n\r\nhello", 1, "hello"},
    {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n", 1,
     "abcde"},
    {"GET /bytes/3 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 2, NULL},
};
#define CUT_REQUESTS (sizeof cut_requests / sizeof cut_requests[0])

static void check_cut(struct client *client, size_t which)
{
    struct response response = {0};
    for (unsigned i = 0; i < cut_requests[which].answers; i++)
        client_expect(client, 200, &response);
    const char *body = cut_requests[which].body;
    CHECK(client->contract, body ? response_body_is(&response, body) : response_is_greeting(&response),
          "the last answer's body differs");
}

/* The server gets a moment to see the part alone; nothing depends on whether it does. */
#define PART_MS 1

static void send_bytewise(struct client *client, size_t which)
{
    size_t length = strlen(cut_requests[which].text);
    for (size_t i = 0; i < length; i++) {
        CHECK(client->contract, client_send(client, cut_requests[which].text + i, 1), "the server ended the connection at byte %zu",
              i);
        bool early = cut_requests[which].answers == 1 && i + 1 < length && client_stirs(client, PART_MS);
        CHECK(client->contract, !early, "the server spoke before the request was whole, after byte %zu", i);
    }
}

void test_split_requests(struct contract *contract)
{
    for (size_t which = 0; which < CUT_REQUESTS; which++) {
        struct client *client = open_shared(contract);
        const char *text = cut_requests[which].text;
        size_t length = strlen(text);
        send_bytewise(client, which);
        check_cut(client, which);
        for (size_t at = 1; at < length; at++) {
            client_send(client, text, at);
            bool early = client_stirs(client, PART_MS) && cut_requests[which].answers == 1;
            CHECK(contract, !early, "the server spoke before the request was whole, cut at byte %zu", at);
            client_send(client, text + at, length - at);
            check_cut(client, which);
        }
        client_close(client);
    }
}

void test_half_close(struct contract *contract)
{
    static const struct {
        const char *path;
        size_t length; /* 0: any */
    } requests[] = {{"/hello", 0}, {"/wait/100ms", 0}, {"/bytes/4m", 4 * 1024 * 1024}};
    struct response response;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct client *client = open_shared(contract);
        client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n\r\n", requests[i].path);
        client_shutdown_write(client);
        client_expect(client, 200, &response);
        CHECK(contract, requests[i].length == 0 || response.body_length == requests[i].length,
              "%s after half-close: %zu of %zu bytes", requests[i].path, response.body_length, requests[i].length);
        client_expect_end(client, "the client has half-closed");
    }
}

/* ---- faults ---- */

static const char *const fault_paths[] = {"/leak/1k", "/stall/1ms"};

void test_faults_hidden(struct contract *contract)
{
    struct response response;
    struct client *client = open_shared(contract);
    client_get(client, "/crash", 404, &response);
    for (size_t i = 0; i < 2; i++)
        client_get(client, fault_paths[i], 404, &response);
}

void test_faults_shown(struct contract *contract)
{
    struct response response;
    struct client *client = client_open(contract, server_start(contract, 0, "--faults", NULL));
    for (size_t i = 0; i < 2; i++)
        client_get(client, fault_paths[i], 200, &response);
}
