/*
 * /static: files whole and in part, what is not given away, and what a download may cost.
 */
#include "files.h"
#include "status.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIELD_SIZE 128
#define MIB        ((size_t)1 << 20)
#define LARGE      (32 * MIB) /* more than all buffers between a server and a client that does not read */

/* ---- the root ---- */

static void make_folder(struct contract *contract, const char *name)
{
    char path[CONTRACT_PATH];
    CHECK(contract, mkdir(files_path(contract, name, path), 0755) == 0, "%s: %s", path, strerror(errno));
}

static void make_link(struct contract *contract, const char *name, const char *target)
{
    char path[CONTRACT_PATH];
    CHECK(contract, symlink(target, files_path(contract, name, path)) == 0, "%s: %s", path, strerror(errno));
}

/* A file of zeros that takes no room. */
static void make_hollow(struct contract *contract, const char *name, size_t size)
{
    char path[CONTRACT_PATH];
    files_write(contract, name, "", 0);
    CHECK(contract, truncate(files_path(contract, name, path), (off_t)size) == 0, "%s: %s", path, strerror(errno));
}

/* An hour ago: what was written within the last second is no strong validator. */
static void make_old(struct contract *contract, const char *name, long nanoseconds)
{
    char path[CONTRACT_PATH];
    struct timespec now, times[2];
    clock_gettime(CLOCK_REALTIME, &now);
    times[0] = times[1] = (struct timespec){now.tv_sec - 3600, nanoseconds};
    CHECK(contract, utimensat(AT_FDCWD, files_path(contract, name, path), times, 0) == 0, "%s: %s", path, strerror(errno));
}

static struct server *start(struct contract *contract, unsigned workers)
{
    char root[CONTRACT_PATH];
    return server_start(contract, workers, "--root", files_path(contract, "root", root), NULL);
}

static void expect_field(struct client *client, const struct response *response, const char *name, const char *wanted)
{
    char value[FIELD_SIZE] = "";
    bool found = response_field(response, name, value, sizeof value);
    CHECK(client->contract, found && strcmp(value, wanted) == 0, "%s: '%s', wanted '%s'", name, value, wanted);
}

/* The body is that part of a file of files_make. */
static void expect_part(struct client *client, const struct response *response, size_t first, size_t length)
{
    CHECK(client->contract, response->body_length == length, "a body of %zu bytes, wanted %zu", response->body_length, length);
    for (size_t i = 0; i < length; i++)
        CHECK(client->contract, (unsigned char)response->body[i] == files_byte(first + i), "byte %zu of the body is another one",
              i);
}

/* ---- whole files ---- */

static const struct {
    const char *name, *path, *type;
    size_t size;
} files[] = {
    {"root/empty.html", "/static/empty.html", "text/html; charset=utf-8", 0},
    {"root/one.txt", "/static/one.txt", "text/plain; charset=utf-8", 1},
    {"root/exact.bin", "/static/exact.bin", "application/octet-stream", 65536},
    {"root/more.JSON", "/static/more.JSON", "application/json", 65537},
    {"root/two.svg", "/static/two.svg", "image/svg+xml", 131072},
    {"root/large", "/static/large", "application/octet-stream", 1000001},
    {"root/sub/deep.css", "/static/sub/deep.css", "text/css; charset=utf-8", 100},
    {"root/a b\xc3\xa9.md", "/static/a%20b%C3%a9.md", "text/markdown; charset=utf-8", 10},
    {"root/a..b", "/static/a..b", "application/octet-stream", 10},
};

#define FILE_COUNT (sizeof files / sizeof *files)

static struct server *start_with_files(struct contract *contract)
{
    make_folder(contract, "root");
    make_folder(contract, "root/sub");
    for (size_t i = 0; i < FILE_COUNT; i++) {
        files_make(contract, files[i].name, files[i].size);
        make_old(contract, files[i].name, 5);
    }
    return start(contract, 0);
}

static void expect_file_fields(struct client *client, const struct response *response, size_t index)
{
    char value[FIELD_SIZE] = "", wanted[FIELD_SIZE];
    snprintf(wanted, sizeof wanted, "%zu", files[index].size);
    expect_field(client, response, "Content-Length", wanted);
    expect_field(client, response, "Content-Type", files[index].type);
    expect_field(client, response, "Accept-Ranges", "bytes");
    response_field(response, "ETag", value, sizeof value);
    CHECK(client->contract, value[0] == '"' && strlen(value) > 2 && value[strlen(value) - 1] == '"', "ETag: '%s'", value);
    value[0] = '\0';
    response_field(response, "Last-Modified", value, sizeof value);
    CHECK(client->contract, strlen(value) == 29 && strcmp(value + 26, "GMT") == 0, "Last-Modified: '%s'", value);
}

void test_static_files(struct contract *contract)
{
    struct server *server = start_with_files(contract);
    struct client *client = client_open(contract, server);
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < FILE_COUNT; i++) {
            struct response response;
            client_get(client, files[i].path, 200, &response);
            expect_file_fields(client, &response, i);
            expect_part(client, &response, 0, files[i].size);
        }
}

void test_static_head(struct contract *contract)
{
    struct server *server = start_with_files(contract);
    struct client *client = client_open(contract, server);
    struct response response;
    for (size_t i = 0; i < FILE_COUNT; i++) {
        client_print(client, "HEAD %s HTTP/1.1\r\nHost: contract\r\n\r\n", files[i].path);
        client->no_body = true;
        client_expect(client, 200, &response);
        expect_file_fields(client, &response, i);
    }
    client_get(client, "/hello", 200, &response);
    CHECK(contract, response_is_greeting(&response), "HEAD: a body came, too");
}

void test_static_http_1_0(struct contract *contract)
{
    struct server *server = start_with_files(contract);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct client *client = client_open(contract, server);
        struct response response;
        client_print(client, "GET %s HTTP/1.0\r\n\r\n", files[i].path);
        client_expect(client, 200, &response);
        expect_file_fields(client, &response, i);
        expect_part(client, &response, 0, files[i].size);
        client_expect_end(client, "HTTP/1.0");
    }
}

/* Many requests at once on a connection; then clients that leave in the middle of that. */
void test_static_pipelined(struct contract *contract)
{
    struct server *server = start_with_files(contract);
    struct client *client = client_open(contract, server);
    struct response response;
    for (size_t i = 0; i < 5 * FILE_COUNT; i++)
        files_send_get(client, files[i % FILE_COUNT].path, i % 2 ? "Range: bytes=0-\r\n" : "");
    for (size_t i = 0; i < 5 * FILE_COUNT; i++) {
        size_t size = files[i % FILE_COUNT].size;
        client_expect(client, i % 2 == 0 ? 200 : size == 0 ? 416 : 206, &response);
        if (response.status != 416)
            expect_part(client, &response, 0, size);
    }
    for (unsigned i = 0; i < 60; i++) {
        struct client *leaving = client_open(contract, server);
        for (unsigned j = 0; j < 6; j++)
            files_send_get(leaving, files[(i + j) % FILE_COUNT].path, "");
        if (i % 3 > 0)
            client_stirs(leaving, 5000);
        if (i % 2)
            client_reset(leaving);
        else
            client_close(leaving);
    }
    client_get(client, "/static/large", 200, &response);
    expect_part(client, &response, 0, 1000001);
}

/* ---- what is not given away ---- */

#define SECRET "the secret\n"

static const struct {
    const char *path;
    int status, or_else; /* two statuses are right where kernels or parsers differ */
} ways_out[] = {
    {"/static/a.txt", 200, 0},
    {"/static/../secret", 404, 400},
    {"/static/../../../../../../etc/passwd", 404, 400},
    {"/static/sub/../../secret", 404, 400},
    {"/static/sub/../a.txt", 404, 400},
    {"/static/./a.txt", 404, 400},
    {"/static/%2e%2e/secret", 404, 0},
    {"/static/%2E%2E/secret", 404, 0},
    {"/static/.%2e/secret", 404, 0},
    {"/static/%2e%2e%2fsecret", 404, 0},
    {"/static/..%2fsecret", 404, 0},
    {"/static/sub%2f..%2f..%2fsecret", 404, 0},
    {"/static/%252e%252e/secret", 404, 0},
    {"/static/%c0%ae%c0%ae/secret", 404, 0},
    {"/static//etc/passwd", 404, 0},
    {"/static/%2fetc/passwd", 404, 0},
    {"/static/%2fetc%2fpasswd", 404, 0},
    {"/static/..\\secret", 404, 400},
    {"/static/..%5csecret", 404, 0},
    {"/static/sub\\a.txt", 404, 400},
    {"/static/a.txt%00", 400, 0},
    {"/static/a.txt%00.html", 400, 0},
    {"/static/%00", 400, 0},
    {"/static/%", 400, 0},
    {"/static/a.txt%", 400, 0},
    {"/static/%4", 400, 0},
    {"/static/%zz", 400, 0},
    {"/static/%u002e", 400, 0},
    {"/static/", 404, 0},
    {"/static", 404, 0},
    {"/static/sub", 404, 0},
    {"/static/sub/", 404, 0},
    {"/static/a.txt/", 404, 0},
    {"/static/a.txt/b", 404, 0},
    {"/static/.hidden", 404, 0},
    {"/static/%2ehidden", 404, 0},
    {"/static/.git/config", 404, 0},
    {"/static/sub/.hidden", 404, 0},
    {"/static/missing", 404, 0},
    {"/static/missing/a.txt", 404, 0},
    {"/static/A.TXT", 404, 0},
    {"/static/fifo", 404, 0},
    {"/static/out", 404, 0},
    {"/static/out-absolute", 404, 0},
    {"/static/folder-out/secret", 404, 0},
    {"/static/round", 404, 0},
    {"/static/to-hidden", 404, 0},
    {"/static/sub/to-git/config", 404, 0},
    {"/static/proc/self/environ", 404, 0},
    {"/static/link", 200, 404}, /* inside of the root: kernels without openat2 follow none */
    {"/static/a.txt?x=../secret", 200, 0},
};

static void make_ways_out(struct contract *contract)
{
    char path[CONTRACT_PATH];
    make_folder(contract, "root");
    make_folder(contract, "root/sub");
    make_folder(contract, "root/.git");
    files_write(contract, "secret", SECRET, strlen(SECRET));
    files_write(contract, "root/.hidden", SECRET, strlen(SECRET));
    files_write(contract, "root/sub/.hidden", SECRET, strlen(SECRET));
    files_write(contract, "root/.git/config", SECRET, strlen(SECRET));
    files_write(contract, "root/a.txt", "hello\n", 6);
    make_link(contract, "root/out", "../secret");
    make_link(contract, "root/out-absolute", files_path(contract, "secret", path));
    make_link(contract, "root/folder-out", "..");
    make_link(contract, "root/round", "round");
    make_link(contract, "root/proc", "/proc");
    make_link(contract, "root/to-hidden", "sub/.hidden");
    make_link(contract, "root/sub/to-git", "../.git");
    make_link(contract, "root/link", "a.txt");
    CHECK(contract, mkfifo(files_path(contract, "root/fifo", path), 0644) == 0, "%s: %s", path, strerror(errno));
}

static void try_way_out(struct client *client, const char *path, int status, int or_else)
{
    struct response response;
    files_send_get(client, path, "");
    client_receive(client, &response);
    CHECK(client->contract, response.status == status || response.status == or_else, "GET %s: %d, wanted %d", path, response.status,
          status);
    CHECK(client->contract, response.status != 200 || response_body_is(&response, "hello\n"), "GET %s: not the file", path);
    CHECK(client->contract, memmem(response.body, response.body_length, "secret", 6) == NULL, "GET %s tells the secret", path);
}

void test_static_ways_out(struct contract *contract)
{
    char path[6000] = "/static/";
    make_ways_out(contract);
    struct server *server = start(contract, 0);
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++) {
        struct client *client = client_open(contract, server); /* another one: a refused request may end its connection */
        try_way_out(client, ways_out[i].path, ways_out[i].status, ways_out[i].or_else);
        client_close(client);
    }
    memset(path + 8, 'a', 300);
    try_way_out(client_open(contract, server), path, 404, 0);
    memset(path + 8, 'a', sizeof path - 9);
    struct client *client = client_open(contract, server);
    struct response response;
    client_send(client, "GET ", 4);
    client_send(client, path, strlen(path));
    client_print(client, " HTTP/1.1\r\nHost: contract\r\n\r\n");
    client_expect(client, 404, &response);
}

void test_static_without_root(struct contract *contract)
{
    struct client *client = client_open(contract, contract_server(contract));
    struct response response;
    client_get(client, "/static/a.txt", 404, &response);
    CHECK(contract, memmem(response.body, response.body_length, "--root", 6) != NULL, "404 does not say that --root is missing");
}

static void check_refused(struct contract *contract, const char *option, const char *value)
{
    char errors[SERVER_TEXT];
    const char *const arguments[] = {option, value, NULL};
    struct server_plan plan = {.arguments = arguments};
    struct server *server = server_spawn(contract, &plan);
    CHECK(contract, server_wait_exit(server), "%s %s: the program runs", option, value);
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 1, "%s %s: wait status %x", option, value,
          (unsigned)server->wait_status);
    server_errors(server, errors, sizeof errors);
    char *newline = strchr(errors, '\n');
    CHECK(contract, newline && newline[1] == '\0' && strstr(errors, option) && strstr(errors, value),
          "%s %s: not one line that names both: '%s'", option, value, errors);
}

void test_static_bad_options(struct contract *contract)
{
    char path[CONTRACT_PATH];
    files_write(contract, "file", "", 0);
    check_refused(contract, "--root", files_path(contract, "missing", path));
    check_refused(contract, "--root", files_path(contract, "file", path));
    check_refused(contract, "--append-file", files_path(contract, "missing/file", path));
    check_refused(contract, "--append-file", contract->folder);
}

/* ---- conditions and ranges: that they reach the file; what they mean is tested in unit/test_http_conditional.c ---- */

#define PART_SIZE 200000

struct validators {
    char etag[FIELD_SIZE], modified[FIELD_SIZE];
};

static void get_validators(struct client *client, const char *path, struct validators *validators)
{
    struct response response;
    client_get(client, path, 200, &response);
    CHECK(client->contract,
          response_field(&response, "ETag", validators->etag, sizeof validators->etag) &&
              response_field(&response, "Last-Modified", validators->modified, sizeof validators->modified),
          "no ETag or no Last-Modified");
}

/* A GET with more fields; the last one ends with a validator. */
static void expect_status(struct client *client, int status, const char *fields, const char *validator)
{
    char text[3 * FIELD_SIZE];
    struct response response;
    snprintf(text, sizeof text, "%s%s\r\n", fields, validator);
    files_send_get(client, "/static/file", text);
    client_expect(client, status, &response);
    bool has_body = status == 200 || status == 206 || status == 412;
    CHECK(client->contract, has_body == (response.body_length > 0), "%s: %d with %zu bytes", text, status, response.body_length);
}

static struct client *open_part_file(struct contract *contract)
{
    make_folder(contract, "root");
    files_make(contract, "root/file", PART_SIZE);
    make_old(contract, "root/file", 1);
    return client_open(contract, start(contract, 0));
}

void test_static_conditions(struct contract *contract)
{
    struct client *client = open_part_file(contract);
    struct validators first, second, third;
    get_validators(client, "/static/file", &first);
    expect_status(client, 304, "If-None-Match: ", first.etag);
    expect_status(client, 304, "If-None-Match: \"other\", W/", first.etag);
    expect_status(client, 304, "If-None-Match: *", "");
    expect_status(client, 200, "If-None-Match: \"other\"", "");
    expect_status(client, 304, "If-Modified-Since: ", first.modified);
    expect_status(client, 200, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "");
    expect_status(client, 200, "If-Match: ", first.etag);
    expect_status(client, 412, "If-Match: W/", first.etag);
    expect_status(client, 412, "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "");
    make_old(contract, "root/file", 2); /* a nanosecond later */
    get_validators(client, "/static/file", &second);
    CHECK(contract, strcmp(first.etag, second.etag) != 0, "changed a nanosecond later: the same ETag %s", first.etag);
    expect_status(client, 200, "If-None-Match: ", first.etag);
    files_make(contract, "root/file", PART_SIZE + 1);
    make_old(contract, "root/file", 2);
    get_validators(client, "/static/file", &third);
    CHECK(contract, strcmp(second.etag, third.etag) != 0, "a byte longer: the same ETag %s", second.etag);
}

static const struct {
    const char *range;
    int status;
    size_t first, length;
    const char *content_range;
} ranges[] = {
    {"bytes=0-0", 206, 0, 1, "bytes 0-0/200000"},
    {"bytes=0-199999", 206, 0, 200000, "bytes 0-199999/200000"},
    {"bytes=65536-131072", 206, 65536, 65537, "bytes 65536-131072/200000"},
    {"bytes=100-", 206, 100, 199900, "bytes 100-199999/200000"},
    {"bytes=199999-", 206, 199999, 1, "bytes 199999-199999/200000"},
    {"bytes=-1", 206, 199999, 1, "bytes 199999-199999/200000"},
    {"bytes=-70000", 206, 130000, 70000, "bytes 130000-199999/200000"},
    {"bytes=-300000", 206, 0, 200000, "bytes 0-199999/200000"},
    {"bytes=5-999999999999999999999999", 206, 5, 199995, "bytes 5-199999/200000"},
    {"bytes=200000-", 416, 0, 0, "bytes */200000"},
    {"bytes=999999999999999999999999-", 416, 0, 0, "bytes */200000"},
    {"bytes=-0", 416, 0, 0, "bytes */200000"},
    {"bytes=9-8", 200, 0, 200000, NULL},
    {"bytes=x-", 200, 0, 200000, NULL},
    {"lines=0-1", 200, 0, 200000, NULL},
    {"bytes=0-1,5-6", 200, 0, 200000, NULL}, /* several: the whole */
};

void test_static_ranges(struct contract *contract)
{
    struct client *client = open_part_file(contract);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char field[FIELD_SIZE];
        struct response response;
        snprintf(field, sizeof field, "Range: %s\r\n", ranges[i].range);
        files_send_get(client, "/static/file", field);
        client_expect(client, ranges[i].status, &response);
        if (ranges[i].content_range)
            expect_field(client, &response, "Content-Range", ranges[i].content_range);
        else
            CHECK(contract, !response_field(&response, "Content-Range", field, sizeof field), "200 with Content-Range: %s", field);
        if (response.status != 416)
            expect_part(client, &response, ranges[i].first, ranges[i].length);
    }
    struct response response;
    client_print(client, "HEAD /static/file HTTP/1.1\r\nHost: contract\r\nRange: bytes=0-0\r\n\r\n");
    client->no_body = true;
    client_expect(client, 200, &response); /* ranges are for GET */
}

void test_static_if_range(struct contract *contract)
{
    struct client *client = open_part_file(contract);
    struct validators validators;
    get_validators(client, "/static/file", &validators);
    expect_status(client, 206, "Range: bytes=5-6\r\nIf-Range: ", validators.etag);
    expect_status(client, 200, "Range: bytes=5-6\r\nIf-Range: W/", validators.etag);
    expect_status(client, 200, "Range: bytes=5-6\r\nIf-Range: \"other\"", "");
    expect_status(client, 206, "Range: bytes=5-6\r\nIf-Range: ", validators.modified);
    expect_status(client, 200, "Range: bytes=5-6\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT", "");
    expect_status(client, 304, "Range: bytes=5-6\r\nIf-None-Match: ", validators.etag);
}

/* ---- what it costs ---- */

/* Bytes that the server's processes have read by read(2) and its like; UINT64_MAX where the kernel does not tell. */
static uint64_t bytes_read(struct server *server)
{
    struct family family;
    uint64_t sum = 0;
    family_collect(server->contract, server->pid, &family);
    for (size_t i = 0; i < family.count && sum != UINT64_MAX; i++) {
        char path[64];
        unsigned long long count;
        snprintf(path, sizeof path, "/proc/%d/io", family.pids[i]);
        FILE *file = fopen(path, "re");
        bool told = file && fscanf(file, "rchar: %llu", &count) == 1;
        sum = told ? sum + count : UINT64_MAX;
        if (file)
            fclose(file);
    }
    family_release(&family);
    return sum;
}

#define ASKED 50

void test_static_reads_nothing_for_nothing(struct contract *contract)
{
    struct response response;
    make_folder(contract, "root");
    make_hollow(contract, "root/file", MIB);
    struct server *server = start(contract, 0);
    struct client *client = client_open(contract, server);
    uint64_t before = bytes_read(server);
    if (before == UINT64_MAX)
        contract_skip(contract);
    for (unsigned i = 0; i < ASKED; i++) {
        client_print(client, "HEAD /static/file HTTP/1.1\r\nHost: contract\r\n\r\n");
        client->no_body = true;
        client_expect(client, 200, &response);
        expect_status(client, 304, "If-None-Match: *", "");
        files_send_get(client, "/static/file", "Range: bytes=1048576-\r\n");
        client_expect(client, 416, &response);
    }
    uint64_t read = bytes_read(server) - before;
    CHECK(contract, read < 3 * ASKED * 4096, "%d answers without a file's bytes read %llu bytes", 3 * ASKED,
          (unsigned long long)read);
    client_get(client, "/static/file", 200, &response);
    CHECK(contract, bytes_read(server) - before >= MIB, "what is read is not counted: this test cannot judge");
}

struct download {
    struct client *client;
    size_t offset; /* of the body, so far */
    bool begun;
};

/* Past the head, if it has come. */
static void begin_download(struct download *download)
{
    struct client *client = download->client;
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", LARGE);
    const char *text = client->received + client->taken;
    const char *end = memmem(text, client->length - client->taken, "\r\n\r\n", 4);
    if (end == NULL)
        return;
    CHECK(client->contract, memcmp(text, "HTTP/1.1 200", 12) == 0 && memmem(text, (size_t)(end + 2 - text), length, strlen(length)),
          "not 200 with %s", length);
    client->taken = (size_t)(end + 4 - client->received);
    download->begun = true;
}

/* Compares what has come and forgets it. */
static void take_download(struct download *download, const char *bytes)
{
    struct client *client = download->client;
    client_take_some(client, 65536);
    if (!download->begun)
        begin_download(download);
    if (!download->begun)
        return;
    size_t length = client->length - client->taken;
    CHECK(client->contract, download->offset + length <= LARGE, "more bytes than announced");
    CHECK(client->contract, memcmp(client->received + client->taken, bytes + download->offset, length) == 0,
          "wrong bytes behind %zu", download->offset);
    download->offset += length;
    client->taken = client->length;
    CHECK(client->contract, !client->ended || download->offset == LARGE, "the connection ended after %zu bytes", download->offset);
}

#define MANY 8

void test_static_large_file_for_many(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct download downloads[MANY] = {{NULL, 0, false}};
    struct pollfd polled[MANY];
    make_folder(contract, "root");
    files_make(contract, "root/large", LARGE);
    int fd = open(files_path(contract, "root/large", path), O_RDONLY | O_CLOEXEC);
    char *bytes = mmap(NULL, LARGE, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    CHECK(contract, bytes != MAP_FAILED, "mmap: %s", strerror(errno));
    struct server *server = start(contract, 0);
    for (size_t i = 0; i < MANY; i++) {
        downloads[i].client = client_open(contract, server);
        files_send_get(downloads[i].client, "/static/large", "");
    }
    uint64_t deadline_ns = now_ns() + 2 * contract->patience_ns;
    for (size_t open = MANY; open > 0;) {
        open = 0;
        for (size_t i = 0; i < MANY; i++) {
            bool whole = downloads[i].offset == LARGE;
            polled[i] = (struct pollfd){.fd = whole ? -1 : downloads[i].client->fd, .events = POLLIN};
            open += !whole;
        }
        CHECK(contract, open == 0 || poll(polled, MANY, milliseconds_until(deadline_ns)) > 0, "%zu downloads are not whole", open);
        for (size_t i = 0; i < MANY; i++)
            if (polled[i].fd >= 0 && polled[i].revents)
                take_download(&downloads[i], bytes);
    }
    munmap(bytes, LARGE);
}

static bool is_link_to(const char *link, const char *path)
{
    char target[512];
    ssize_t length = readlink(link, target, sizeof target - 1);
    return length > 0 && (size_t)length == strlen(path) && memcmp(target, path, (size_t)length) == 0;
}

/* How many descriptors of the server's processes are open on that file. */
static unsigned count_open(struct server *server, const char *name)
{
    char path[CONTRACT_PATH], link[320];
    struct family family;
    unsigned count = 0;
    files_path(server->contract, name, path);
    family_collect(server->contract, server->pid, &family);
    for (size_t i = 0; i < family.count; i++) {
        snprintf(link, sizeof link, "/proc/%d/fd", family.pids[i]);
        DIR *entries = opendir(link);
        for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
            snprintf(link, sizeof link, "/proc/%d/fd/%s", family.pids[i], entry->d_name);
            count += is_link_to(link, path);
        }
        if (entries)
            closedir(entries);
    }
    family_release(&family);
    return count;
}

static void wait_open(struct server *server, const char *name, unsigned wanted)
{
    struct contract *contract = server->contract;
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    unsigned count;
    while ((count = count_open(server, name)) != wanted)
        CHECK(contract, look_again(deadline_ns), "%u descriptors are open on the file, wanted %u", count, wanted);
}

#define NARROW 4096 /* bytes of receive buffer: the download waits for its client */

static struct client *open_slow_download(struct contract *contract, struct server *server, const char *path)
{
    struct client *client = client_open_narrow(contract, server, NARROW);
    files_send_get(client, path, "");
    return client;
}

/* Reads the first bytes, no more. */
static void expect_begun(struct client *client)
{
    uint64_t deadline_ns = now_ns() + client->contract->patience_ns;
    while (client->length == 0) {
        struct pollfd polled = {.fd = client->fd, .events = POLLIN};
        CHECK(client->contract, poll(&polled, 1, milliseconds_until(deadline_ns)) > 0, "the download does not begin");
        client_take_some(client, 12);
        CHECK(client->contract, !client->ended, "the download ends at once");
    }
}

void test_static_clients_leave(struct contract *contract)
{
    struct client *clients[30];
    struct response response;
    make_folder(contract, "root");
    make_hollow(contract, "root/file", LARGE);
    struct server *server = start(contract, 0);
    for (size_t i = 0; i < 30; i++)
        clients[i] = open_slow_download(contract, server, "/static/file");
    for (size_t i = 0; i < 20; i++)
        expect_begun(clients[i]);
    wait_open(server, "root/file", 30);
    for (size_t i = 0; i < 30; i++)
        if (i % 2)
            client_reset(clients[i]);
        else
            client_close(clients[i]);
    wait_open(server, "root/file", 0);
    for (size_t i = 0; i < 30; i++) { /* and at once */
        struct client *client = open_slow_download(contract, server, "/static/file");
        if (i % 2)
            client_reset(client);
        else
            client_close(client);
    }
    client_get(client_open(contract, server), "/hello", 200, &response);
    wait_open(server, "root/file", 0);
}

#define QUIET_LOOKS 20
#define QUIET_BYTES 16384 /* from one look to the next: timers and the like, but no piece of a file */

/* Nothing more is read for a while: all downloads wait for their clients. */
static void wait_quiet(struct server *server)
{
    struct contract *contract = server->contract;
    uint64_t deadline_ns = now_ns() + contract->patience_ns, last = 0;
    for (unsigned quiet = 0; quiet < QUIET_LOOKS;) {
        uint64_t read = bytes_read(server);
        quiet = read - last < QUIET_BYTES ? quiet + 1 : 0;
        last = read;
        CHECK(contract, look_again(deadline_ns), "clients do not read, but the server does");
    }
}

#define SLOW       50
#define SLOW_BYTES (160 * 1024) /* a piece of 64 KiB, its connection, and what malloc makes of them */

void test_static_slow_clients_are_small(struct contract *contract)
{
    struct footprint before, after;
    struct client *clients[SLOW];
    make_folder(contract, "root");
    make_hollow(contract, "root/warm", MIB);
    make_hollow(contract, "root/file", LARGE);
    struct server *server = start(contract, 1);
    struct client *client = client_open(contract, server);
    struct response response;
    for (unsigned i = 0; i < 20; i++)
        client_get(client, "/static/warm", 200, &response);
    server_footprint(server, &before);
    for (size_t i = 0; i < SLOW; i++)
        clients[i] = open_slow_download(contract, server, "/static/file");
    for (size_t i = 0; i < SLOW; i++)
        expect_begun(clients[i]);
    wait_quiet(server);
    wait_open(server, "root/file", SLOW);
    server_footprint(server, &after);
    uint64_t grown = after.memory_bytes > before.memory_bytes ? after.memory_bytes - before.memory_bytes : 0;
    CHECK(contract, MEMORY_MEANS_NOTHING || grown / SLOW <= SLOW_BYTES, "a waiting download costs %llu bytes, wanted at most %d",
          (unsigned long long)(grown / SLOW), SLOW_BYTES);
}

/* ---- files that change while they are sent ---- */

void test_static_file_shrinks(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct response response;
    make_folder(contract, "root");
    make_hollow(contract, "root/file", 2 * LARGE);
    struct server *server = start(contract, 0);
    struct client *client = open_slow_download(contract, server, "/static/file");
    expect_begun(client);
    CHECK(contract, truncate(files_path(contract, "root/file", path), 100) == 0, "%s: %s", path, strerror(errno));
    bool ended = client_wait_end(client, now_ns() + contract->patience_ns);
    CHECK(contract, ended, "the file shrank: the connection is still open");
    CHECK(contract, client->received_total < 2 * LARGE, "the file shrank: all of it came nevertheless");
    CHECK(contract, client->error == ECONNRESET, "the file shrank: the connection ended with %s, wanted a reset",
          client->error ? strerror(client->error) : "an orderly close");
    wait_open(server, "root/file", 0);
    client_get(client_open(contract, server), "/static/file", 200, &response);
    CHECK(contract, response.body_length == 100, "then it has %zu bytes, wanted 100", response.body_length);
}

void test_static_file_grows(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct response response;
    size_t size = LARGE / 2;
    make_folder(contract, "root");
    files_make(contract, "root/file", size);
    struct server *server = start(contract, 0);
    struct client *client = open_slow_download(contract, server, "/static/file");
    expect_begun(client);
    int fd = open(files_path(contract, "root/file", path), O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK(contract, fd >= 0 && write(fd, "more", 4) == 4, "%s: %s", path, strerror(errno));
    close(fd);
    client_expect(client, 200, &response);
    expect_part(client, &response, 0, size);
    client_print(client, "HEAD /static/file HTTP/1.1\r\nHost: contract\r\n\r\n");
    client->no_body = true;
    client_expect(client, 200, &response);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%zu", size + 4);
    expect_field(client, &response, "Content-Length", wanted);
}

/* ---- running out, and the end ---- */

#define DESCRIPTORS 64
#define CROWD       40

void test_static_descriptors_exhausted(struct contract *contract)
{
    char root[CONTRACT_PATH];
    struct client *crowd[CROWD];
    unsigned refused = 0, served = 0;
    struct response response;
    make_folder(contract, "root");
    make_hollow(contract, "root/file", LARGE);
    const char *const more[] = {"--root", files_path(contract, "root", root), NULL};
    struct server_plan plan = {.workers = 1, .descriptors = DESCRIPTORS, .more = more};
    struct server *server = server_start_plan(contract, &plan);
    for (size_t i = 0; i < CROWD; i++)
        crowd[i] = open_slow_download(contract, server, "/static/file");
    for (size_t i = 0; i < CROWD; i++) {
        struct pollfd polled = {.fd = crowd[i]->fd, .events = POLLIN};
        if (poll(&polled, 1, 1000) <= 0)
            break; /* beyond --max-connections: this one and those behind it wait */
        client_take_some(crowd[i], 12);
        served += crowd[i]->length == 12 && memcmp(crowd[i]->received, "HTTP/1.1 200", 12) == 0;
        refused += crowd[i]->length == 12 && memcmp(crowd[i]->received, "HTTP/1.1 503", 12) == 0;
    }
    CHECK(contract, !server_has_exited(server), "descriptors ran out: the program ended");
    CHECK(contract, served > 0, "%d descriptors: no download was served", DESCRIPTORS);
    CHECK(contract, refused > 0 || contract_has(contract, TRAIT_FRONTS), "%d descriptors, %u downloads: nobody got 503",
          DESCRIPTORS, served);
    client_close_all(contract);
    wait_open(server, "root/file", 0);
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    do {
        struct client *client = client_open(contract, server);
        client_print(client, "HEAD /static/file HTTP/1.1\r\nHost: contract\r\n\r\n");
        client->no_body = true;
        client_receive(client, &response);
        client_close(client);
        CHECK(contract, response.status == 200 || look_again(deadline_ns), "the crowd has gone: %d", response.status);
    } while (response.status != 200);
}

/* TERM: what has begun is sent to its end, however slow its client. */
void test_static_term_lets_downloads_end(struct contract *contract)
{
    char root[CONTRACT_PATH];
    struct response response;
    make_folder(contract, "root");
    files_make(contract, "root/file", LARGE / 2);
    struct server *server = server_start(contract, 0, "--root", files_path(contract, "root", root), "--grace", "1m", NULL);
    struct client *client = open_slow_download(contract, server, "/static/file");
    expect_begun(client);
    CHECK(contract, kill(server->pid, SIGTERM) == 0, "kill: %s", strerror(errno));
    client_expect(client, 200, &response);
    expect_part(client, &response, 0, LARGE / 2);
    client_close(client);
    CHECK(contract, server_wait_exit(server), "TERM: the download is over, but the program runs");
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0, "TERM: wait status %x",
          (unsigned)server->wait_status);
}
