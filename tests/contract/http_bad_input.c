/*
 * What a server must do with requests it should not serve, as a table of raw bytes: one row a case, numbered as in the list of HTTP
 * cases this project works through (framing 1-20, syntax 21-41, connection 42-53). Sources are RFC 9112 and RFC 9110.
 *
 * Rows marked REQUIRED fail the suite. A LATER row that does not hold is printed, so that the distance to the whole list is always
 * on view, and fails nothing.
 */
#include "client.h"
#include "server_process.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATER, REQUIRED };

enum wanted {
    REFUSED,  /* one of the statuses, then the connection ends; what follows is never answered */
    ANSWERED, /* one of the statuses; with `answers`, so many of them */
    DROPPED,  /* after a half-close: an error status or nothing, but never success */
};

struct bad_request {
    unsigned row;
    int required;
    enum wanted wanted;
    const char *statuses; /* allowed ones, with blanks between */
    unsigned answers;     /* ANSWERED: how many, 0 means 1 */
    const char *raw;
    size_t length;
};

#define RAW(text)                                       text, sizeof(text) - 1
#define POST                                            "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define GET                                             "GET /hello HTTP/1.1\r\nHost: a\r\n"
#define CHUNKS                                          "5\r\nhello\r\n0\r\n\r\n"
#define CHUNKED                                         "Transfer-Encoding: chunked\r\n\r\n"
#define NEXT                                            "GET /bytes/7 HTTP/1.1\r\nHost: a\r\n\r\n"
#define BAD(number, required, statuses, text)           {number, required, REFUSED, statuses, 0, RAW(text)},
#define GOOD(number, required, statuses, answers, text) {number, required, ANSWERED, statuses, answers, RAW(text)},

/* clang-format off */
static const struct bad_request bad_requests[] = {
    /* framing */
    BAD(1, REQUIRED, "400", POST "Content-Length: 6\r\n" CHUNKED "0\r\n\r\nX")
    BAD(1, REQUIRED, "400", POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX")
    BAD(2, REQUIRED, "400", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" CHUNKS)
    BAD(3, LATER, "501", POST "Transfer-Encoding: x, chunked\r\n\r\n" CHUNKS)
    BAD(4, LATER, "400", POST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKS)
    BAD(5, LATER, "400", POST "Transfer-Encoding: chunked, gzip\r\n\r\n" CHUNKS)
    BAD(5, LATER, "400", POST "Transfer-Encoding: identity\r\n\r\nhello")
    BAD(6, LATER, "400 501", POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKS)
    BAD(6, LATER, "400 501", POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n" CHUNKS)
    BAD(6, LATER, "400 501", POST "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNKS)
    GOOD(7, LATER, "200", 2, POST "Transfer-Encoding:\tChUnKeD\r\n\r\n" CHUNKS NEXT)
    BAD(8, LATER, "400", "POST /echo HTTP/1.0\r\n" CHUNKED CHUNKS)
    BAD(9, REQUIRED, "400", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
    GOOD(10, LATER, "400 200", 1, POST "Content-Length: 5, 5\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: +5\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: -5\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: 5 5\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: 0x5\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: 5_0\r\n\r\nhello")
    BAD(11, REQUIRED, "400", POST "Content-Length: \r\n\r\nhello")
    BAD(12, REQUIRED, "400 413", POST "Content-Length: 99999999999999999999\r\n\r\nhello")
    BAD(13, REQUIRED, "400", POST "Content-Length : 5\r\n\r\nhello")
    BAD(14, REQUIRED, "400", POST CHUNKED "0x5\r\nhello\r\n0\r\n\r\n")
    BAD(14, REQUIRED, "400", POST CHUNKED "+5\r\nhello\r\n0\r\n\r\n")
    BAD(14, REQUIRED, "400", POST CHUNKED "-1\r\nhello\r\n0\r\n\r\n")
    BAD(14, REQUIRED, "400", POST CHUNKED "5_0\r\nhello\r\n0\r\n\r\n")
    BAD(14, REQUIRED, "400", POST CHUNKED "\r\nhello\r\n0\r\n\r\n")
    BAD(15, REQUIRED, "400 413", POST CHUNKED "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n")
    BAD(16, LATER, "400", POST CHUNKED "5;a=\nhello\r\n0\r\n\r\n")
    GOOD(16, LATER, "200", 2, POST CHUNKED "5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n" NEXT)
    BAD(17, REQUIRED, "400", POST CHUNKED "5\r\nhelloX0\r\n\r\n")
    BAD(18, LATER, "400", POST CHUNKED "5\nhello\n0\n\n")
    GOOD(19, LATER, "200", 2, POST CHUNKED "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n" NEXT)
    {20, REQUIRED, DROPPED, "", 0, RAW(POST "Content-Length: 10\r\n\r\nhello")},
    {20, REQUIRED, DROPPED, "", 0, RAW(POST CHUNKED "5\r\nhello\r\n")},
    /* syntax */
    BAD(21, LATER, "400", "GET /hello HTTP/1.1\nHost: a\n\n")
    BAD(22, REQUIRED, "400", GET "X: a\rTransfer-Encoding: chunked\r\n\r\n")
    BAD(23, REQUIRED, "400", GET "X: a\0b\r\n\r\n")
    BAD(24, REQUIRED, "400", GET "X: a\x01" "b\r\n\r\n")
    BAD(24, REQUIRED, "400", GET "X: a\x7f" "b\r\n\r\n")
    BAD(25, REQUIRED, "400", GET "X: a\r\n b\r\n\r\n")
    BAD(26, LATER, "400", "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n")
    BAD(27, REQUIRED, "400", GET ": x\r\n\r\n")
    BAD(27, REQUIRED, "400", "GET /hello HTTP/1.1\r\nHost\r\n\r\n")
    BAD(27, REQUIRED, "400", GET "X[]: 1\r\n\r\n")
    BAD(27, REQUIRED, "400", GET "X\xc3\xa9: 1\r\n\r\n")
    GOOD(28, LATER, "200", 1, "\r\n" GET "\r\n")
    BAD(29, LATER, "400", "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(29, LATER, "400", "GET /hello  HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(29, LATER, "400", "GET\t/hello HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(30, REQUIRED, "400", "GET /\r\n\r\n")
    BAD(30, REQUIRED, "400", "GET /hello\r\nHost: a\r\n\r\n")
    GOOD(31, LATER, "200", 1, "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n")
    BAD(31, LATER, "505", "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n")
    BAD(31, LATER, "505", "GET /hello HTTP/9.9\r\nHost: a\r\n\r\n")
    BAD(31, LATER, "400", "GET /hello http/1.1\r\nHost: a\r\n\r\n")
    BAD(32, LATER, "400 505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    BAD(33, REQUIRED, "400", "GET /hello HTTP/1.1\r\n\r\n")
    BAD(33, REQUIRED, "400", GET "Host: b\r\n\r\n")
    BAD(33, REQUIRED, "400", "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n")
    BAD(33, REQUIRED, "400", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n")
    BAD(33, REQUIRED, "400", "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n")
    GOOD(34, LATER, "200", 1, "GET http://b/hello HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(35, LATER, "200 204", 1, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(35, LATER, "400", 1, "GET * HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(36, REQUIRED, "405 501", 1, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    BAD(37, LATER, "400", "GET /he llo HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(37, LATER, "400", "GET /he\x01llo HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(37, LATER, "400", "GET /hello#part HTTP/1.1\r\nHost: a\r\n\r\n")
    BAD(37, LATER, "400", "GET /h\xc3\xa9llo HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(38, REQUIRED, "501", 1, "FOO /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(38, REQUIRED, "501", 1, "get /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(38, REQUIRED, "405", 1, "DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    GOOD(41, REQUIRED, "405", 1, "TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    /* connection: the rows a single exchange can show; the others are tests of their own */
    GOOD(49, LATER, "404 200", 2, "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT)
    GOOD(51, LATER, "200", 2, GET "Content-Length: 5\r\n\r\nhello" NEXT)
    GOOD(52, LATER, "200", 2, GET "Connection: Upgrade\r\nUpgrade: unheard-of\r\n\r\n" NEXT)
};
/* clang-format on */
#define BAD_REQUESTS (sizeof bad_requests / sizeof bad_requests[0])

#define WHY_SIZE 160

static bool status_allowed(const struct bad_request *row, int status)
{
    char text[8];
    snprintf(text, sizeof text, "%d", status);
    return strstr(row->statuses, text) != NULL;
}

static bool judge_status(struct client *client, const struct bad_request *row, uint64_t deadline_ns, char *why)
{
    struct response response;
    enum client_outcome outcome = client_await(client, &response, deadline_ns);
    if (outcome != CLIENT_WHOLE)
        snprintf(why, WHY_SIZE, "%s, wanted %s", outcome == CLIENT_ENDED ? "closed without an answer" : "no answer", row->statuses);
    else if (!status_allowed(row, response.status))
        snprintf(why, WHY_SIZE, "got %d, wanted %s", response.status, row->statuses);
    else
        return true;
    return false;
}

static bool judge_refused(struct client *client, const struct bad_request *row, uint64_t deadline_ns, char *why)
{
    struct response response;
    if (!judge_status(client, row, deadline_ns, why))
        return false;
    enum client_outcome outcome = client_await(client, &response, deadline_ns);
    if (outcome == CLIENT_WHOLE)
        snprintf(why, WHY_SIZE, "what followed the refused request was answered, with %d", response.status);
    else if (outcome == CLIENT_LATE)
        snprintf(why, WHY_SIZE, "refused, but the connection stays open");
    return outcome == CLIENT_ENDED;
}

static bool judge_answered(struct client *client, const struct bad_request *row, uint64_t deadline_ns, char *why)
{
    for (unsigned i = 0; i < (row->answers ? row->answers : 1); i++)
        if (!judge_status(client, row, deadline_ns, why))
            return false;
    return true;
}

static bool judge_dropped(struct client *client, const struct bad_request *row, uint64_t deadline_ns, char *why)
{
    (void)row;
    struct response response;
    client_shutdown_write(client);
    enum client_outcome outcome = client_await(client, &response, deadline_ns);
    if (outcome == CLIENT_LATE)
        snprintf(why, WHY_SIZE, "the connection stays open after the client has ended it");
    else if (outcome == CLIENT_WHOLE && response.status < 400)
        snprintf(why, WHY_SIZE, "a request that was cut short was served, with %d", response.status);
    else
        return true;
    return false;
}

static bool judge(struct client *client, const struct bad_request *row, bool hurried, char *why)
{
    static bool (*const judges[])(struct client *, const struct bad_request *, uint64_t,
                                  char *) = {[REFUSED] = judge_refused, [ANSWERED] = judge_answered, [DROPPED] = judge_dropped};
    uint64_t patience_ns = client->contract->patience_ns;
    if (row->required == LATER && patience_ns > 2000 * MS)
        patience_ns = 2000 * MS; /* its outcome fails nothing */
    if (hurried)
        patience_ns = 300 * MS;
    return judges[row->wanted](client, row, now_ns() + patience_ns, why);
}

static void send_row(struct client *client, const struct bad_request *row, size_t piece)
{
    for (size_t at = 0; at < row->length; at += piece)
        if (!client_send(client, row->raw + at, row->length - at < piece ? row->length - at : piece))
            return;
    if (row->wanted == REFUSED)
        client_send(client, NEXT, sizeof NEXT - 1);
}

static void try_rows(struct contract *contract, size_t piece)
{
    char why[WHY_SIZE];
    unsigned failed = 0, last_failed = 0;
    struct server *server = contract_server(contract);
    for (size_t i = 0; i < BAD_REQUESTS; i++) {
        const struct bad_request *row = &bad_requests[i];
        struct client *client = client_open(contract, server);
        send_row(client, row, piece ? piece : row->length);
        if (!judge(client, row, failed > 0, why)) { /* the first failure decides: the rest is told without much waiting */
            print_message("%s: row %u: %s\n", row->required ? "FAILED" : "later", row->row, why);
            if (row->required)
                client_print_exchange(client);
            else if (piece == 0)
                client_print_sent(client);
            failed += row->required != LATER;
            last_failed = row->required ? row->row : last_failed;
        }
        client_close(client);
        CHECK(contract, !server_has_exited(server), "the server died of row %u", row->row);
    }
    CHECK(contract, failed == 0, "%u required cases do not hold, the last of row %u (see above)", failed, last_failed);
}

void test_bad_requests(struct contract *contract)
{
    try_rows(contract, 0);
}

void test_bad_requests_bytewise(struct contract *contract)
{
    try_rows(contract, 1);
}

/* ---- limits ---- */

/* GET /hello?aaa... with a target of exactly `length` bytes. */
static void send_target(struct client *client, size_t length)
{
    char target[16384];
    memset(target, 'a', sizeof target);
    memcpy(target, "/hello?", 7);
    client_print(client, "GET ");
    client_send(client, target, length);
    client_print(client, " HTTP/1.1\r\nHost: contract\r\n\r\n");
}

static void send_header_lines(struct client *client, unsigned lines)
{
    client_print(client, "GET /hello HTTP/1.1\r\nHost: contract\r\n");
    for (unsigned i = 0; i < lines; i++)
        if (!client_print(client, "X-%u: a\r\n", i))
            return;
    client_print(client, "\r\n");
}

/* One field of `length` bytes that goes on: the header is not ended. */
static void send_endless_field(struct client *client, size_t length)
{
    char value[1024];
    memset(value, 'v', sizeof value);
    client_print(client, "GET /hello HTTP/1.1\r\nHost: contract\r\nX: ");
    for (; length > 0; length -= length < sizeof value ? length : sizeof value)
        if (!client_send(client, value, length < sizeof value ? length : sizeof value))
            return;
}

static void send_header_bytes(struct client *client, size_t length)
{
    send_endless_field(client, length);
    client_print(client, "\r\n\r\n");
}

static void send_body(struct client *client, size_t length)
{
    char *body = malloc(length);
    CHECK(client->contract, body != NULL, "out of memory");
    memset(body, 'b', length);
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n", length);
    client_send(client, body, length);
    free(body);
}

static void send_body_in_chunks(struct client *client, size_t length)
{
    char body[1024];
    memset(body, 'b', sizeof body);
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < length; at += sizeof body) {
        size_t size = length - at < sizeof body ? length - at : sizeof body;
        if (!client_print(client, "%zx\r\n", size) || !client_send(client, body, size) || !client_print(client, "\r\n"))
            return;
    }
    client_print(client, "0\r\n\r\n");
}

static void send_lines_wide(struct client *client, size_t lines)
{
    send_header_lines(client, (unsigned)lines);
}

static const struct limit_case {
    const char *what;
    void (*send)(struct client *client, size_t amount);
    size_t amount;
    int status;
} given_limits[] =
    {
        {"a target of --max-target", send_target, 1024, 200},
        {"a target one longer than --max-target", send_target, 1025, 414},
        {"15 fields under --max-header-lines 20", send_lines_wide, 15, 200},
        {"25 fields over --max-header-lines 20", send_lines_wide, 25, 431},
        {"a header of 4k under --max-header 8k", send_header_bytes, 4096, 200},
        {"a header of 9k over --max-header 8k", send_header_bytes, 9216, 431},
        {"a body of --max-body", send_body, 4096, 200},
        {"a body one longer than --max-body", send_body, 4097, 413},
        {"a chunked body of --max-body", send_body_in_chunks, 4096, 200},
        {"a chunked body one longer than --max-body", send_body_in_chunks, 4097, 413},
},
  default_limits[] = {
      {"row 39: a target of 8000 bytes", send_target, 8000, 200},
      {"row 39: a target of 12000 bytes", send_target, 12000, 414},
      {"row 40: a header of 64 KiB", send_header_bytes, 65536, 431},
      {"row 40: 1000 header lines", send_lines_wide, 1000, 431},
      {"a body of 2 MiB", send_body, 2 * 1024 * 1024, 413},
      {"a chunked body of 2 MiB", send_body_in_chunks, 2 * 1024 * 1024, 413},
};

static void check_limits(struct contract *contract, struct server *server, const struct limit_case *cases, size_t count)
{
    struct response response;
    for (size_t i = 0; i < count; i++) {
        struct client *client = client_open(contract, server);
        cases[i].send(client, cases[i].amount);
        bool whole = client_try_receive(client, &response);
        CHECK(contract, whole, "%s: closed without an answer, wanted %d", cases[i].what, cases[i].status);
        CHECK(contract, response.status == cases[i].status, "%s: status %d, wanted %d", cases[i].what, response.status,
              cases[i].status);
        client_close(client);
    }
}

void test_limits(struct contract *contract)
{
    struct server *server =
        server_start(contract, 0, "--max-target", "1k", "--max-header", "8k", "--max-header-lines", "20", "--max-body", "4k", NULL);
    check_limits(contract, server, given_limits, sizeof given_limits / sizeof given_limits[0]);
    check_limits(contract, contract_server(contract), default_limits, sizeof default_limits / sizeof default_limits[0]);
}

#define FLOODS      32
#define FLOOD_BYTES (1024 * 1024)

void test_header_flood(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    struct footprint before, after;
    struct response response;
    struct client *clients[FLOODS];
    client_get(client_open(contract, server), "/hello", 200, &response);
    server_footprint(server, &before);
    for (size_t i = 0; i < FLOODS; i++) {
        clients[i] = client_open(contract, server);
        send_endless_field(clients[i], FLOOD_BYTES);
    }
    for (size_t i = 0; i < FLOODS; i++)
        client_expect(clients[i], 431, &response);
    server_footprint(server, &after);
    uint64_t grown = after.memory_bytes > before.memory_bytes ? after.memory_bytes - before.memory_bytes : 0;
    CHECK(contract, MEMORY_MEANS_NOTHING || grown < FLOODS * FLOOD_BYTES / 4,
          "%d headers of %d bytes made the server grow by %llu bytes: it keeps what it refuses", FLOODS, FLOOD_BYTES,
          (unsigned long long)grown);
}
