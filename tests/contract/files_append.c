/*
 * /append: many writers, one file, and which lines come out whole. The program torn_lines beside the suite's own says so.
 */
#include "files.h"
#include "status.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_NAME "log"

static struct server *start(struct contract *contract, unsigned workers)
{
    char path[CONTRACT_PATH];
    bool many = contract_has(contract, TRAIT_MANY);
    return server_start(contract, many ? workers : 1, "--append-file", files_path(contract, LOG_NAME, path), "--faults", NULL);
}

/* ---- what torn_lines says ---- */

struct verdict {
    unsigned lines, whole, torn, missing, twice, writers;
    int status;
};

/* The line of torn_lines about the file `name` of the test's folder; all zero when there is none. */
static struct verdict judge(struct contract *contract, const char *name)
{
    char path[CONTRACT_PATH], command[2 * CONTRACT_PATH + 512];
    struct verdict v = {0};
    const char *slash = strrchr(contract->path, '/');
    int folder = slash ? (int)(slash - contract->path) : 1;
    snprintf(command, sizeof command, "'%.*s/torn_lines' '%s' 2>/dev/null", folder, slash ? contract->path : ".",
             files_path(contract, name, path));
    FILE *output = popen(command, "re");
    CHECK(contract, output != NULL, "%s: %s", command, strerror(errno));
    int fields = fscanf(output, "%u lines: %u whole, %u torn, %u missing, %u twice; %u writers", &v.lines, &v.whole, &v.torn,
                        &v.missing, &v.twice, &v.writers);
    int ended = pclose(output);
    CHECK(contract, WIFEXITED(ended) && WEXITSTATUS(ended) <= 2, "%s: wait status %x", command, (unsigned)ended);
    v.status = WEXITSTATUS(ended);
    CHECK(contract, v.status == 2 || fields == 6, "%s: exit status %d and %d numbers", command, v.status, fields);
    return v;
}

static void expect_verdict(struct contract *contract, const char *name, struct verdict wanted)
{
    struct verdict v = judge(contract, name);
    CHECK(contract,
          v.status == wanted.status && v.lines == wanted.lines && v.whole == wanted.whole && v.torn == wanted.torn &&
              v.missing == wanted.missing && v.twice == wanted.twice,
          "%s: exit status %d, %u lines: %u whole, %u torn, %u missing, %u twice; wanted %d, %u: %u, %u, %u, %u", name, v.status,
          v.lines, v.whole, v.torn, v.missing, v.twice, wanted.status, wanted.lines, wanted.whole, wanted.torn, wanted.missing,
          wanted.twice);
}

/* ---- many lines ---- */

#define WRITERS     4
#define CONNECTIONS 8
#define ROUNDS      200
#define LINES       (CONNECTIONS * ROUNDS)
#define LINE_SIZE   20480

struct written {
    unsigned long long number;
    size_t bytes;
    unsigned writes;
};

static void expect_written(struct client *client, const char *mode, struct written *written)
{
    char text[128], said[16] = "";
    struct response response;
    int end = 0;
    client_expect(client, 200, &response);
    snprintf(text, sizeof text, "%.*s", (int)response.body_length, response.body);
    int fields = sscanf(text, "line=%llu bytes=%zu writes=%u mode=%15[a-z]\n%n", &written->number, &written->bytes,
                        &written->writes, said, &end);
    CHECK(client->contract, fields == 4 && strcmp(said, mode) == 0 && (size_t)end == response.body_length,
          "the answer to mode=%s says something else", mode);
}

static void append_many(struct contract *contract, const char *mode, unsigned writes)
{
    struct server *server = start(contract, WRITERS);
    struct client *clients[CONNECTIONS];
    struct written written;
    char path[64];
    snprintf(path, sizeof path, "/append?mode=%s&size=20k", mode);
    for (size_t i = 0; i < CONNECTIONS; i++)
        clients[i] = client_open(contract, server);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < CONNECTIONS; i++)
            files_send_get(clients[i], path, "");
        for (size_t i = 0; i < CONNECTIONS; i++) {
            expect_written(clients[i], mode, &written);
            CHECK(contract, written.bytes == LINE_SIZE && written.writes == writes, "mode=%s: %zu bytes in %u writes, wanted %u",
                  mode, written.bytes, written.writes, writes);
        }
    }
}

static const struct verdict all_whole = {.lines = LINES, .whole = LINES};

void test_append_whole(struct contract *contract)
{
    append_many(contract, "append", 1);
    expect_verdict(contract, LOG_NAME, all_whole);
}

void test_append_flock(struct contract *contract)
{
    append_many(contract, "flock", LINE_SIZE / 4096);
    expect_verdict(contract, LOG_NAME, all_whole);
}

void test_append_primary(struct contract *contract)
{
    append_many(contract, "primary", 1);
    expect_verdict(contract, LOG_NAME, all_whole);
}

/* Whether lines are torn is a matter of luck; that none of them gets lost uncounted is not. */
void test_append_buffered(struct contract *contract)
{
    append_many(contract, "buffered", LINE_SIZE / 4096);
    struct verdict v = judge(contract, LOG_NAME);
    CHECK(contract, v.lines == LINES && v.whole + v.torn == LINES && v.twice == 0 && v.whole + v.missing <= LINES,
          "%u lines: %u whole, %u torn, %u missing, %u twice", v.lines, v.whole, v.torn, v.missing, v.twice);
    CHECK(contract, v.status == (v.torn > 0), "%u torn lines: exit status %d", v.torn, v.status);
    print_message("%u of %u lines are torn\n", v.torn, v.lines);
}

/* ---- one line ---- */

static void read_log(struct contract *contract, char *text, size_t size)
{
    char path[CONTRACT_PATH];
    int fd = open(files_path(contract, LOG_NAME, path), O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, size - 1);
    CHECK(contract, fd >= 0 && length >= 0, "%s: %s", path, strerror(errno));
    close(fd);
    text[length] = '\0';
}

static void post(struct client *client, const char *path, const char *body, int status, struct response *response)
{
    client_print(client, "POST %s HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n", path, strlen(body));
    client_send(client, body, strlen(body));
    client_expect(client, status, response);
}

static void expect_last_line(struct contract *contract, const char *end)
{
    char text[4096];
    read_log(contract, text, sizeof text);
    size_t length = strlen(text), wanted = strlen(end);
    CHECK(contract, length > wanted && strcmp(text + length - wanted, end) == 0, "the file ends with '%s', wanted '%s'",
          length > 80 ? text + length - 80 : text, end);
}

static const char *const modes[] = {"append", "buffered", "flock", "primary"};

void test_append_bodies(struct contract *contract)
{
    struct response response;
    struct server *server = start(contract, 1);
    struct client *client = client_open(contract, server);
    unsigned lines = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char path[64];
        snprintf(path, sizeof path, "/append?mode=%s", modes[i]);
        post(client, path, "hello", 200, &response);
        expect_last_line(contract, " hello\n");
        post(client, path, "with its newline\n", 200, &response);
        expect_last_line(contract, " with its newline\n");
        post(client, path, "", 200, &response);
        expect_last_line(contract, " \n");
        client_print(client,
                     "POST %s HTTP/1.1\r\nHost: contract\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\nword\r\n0\r\n\r\n",
                     path);
        client_expect(client, 200, &response);
        expect_last_line(contract, " oneword\n");
        post(client, path, "two\nlines", 400, &response);
        post(client, path, "\n\n", 400, &response);
        lines += 4;
    }
    client_get(client, "/append?size=64k", 200, &response);
    client_get(client, "/append?size=1", 400, &response);
    client_get(client, "/append?mode=none", 400, &response);
    client_get(client, "/append?mode=primary&size=64k", 413, &response); /* longer than a message */
    client_print(client, "PUT /append HTTP/1.1\r\nHost: contract\r\nContent-Length: 0\r\n\r\n");
    client_expect(client, 405, &response);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = lines + 1, .whole = lines + 1});
}

void test_append_without_file(struct contract *contract)
{
    struct client *client = client_open(contract, contract_server(contract));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char path[64];
        struct response response;
        snprintf(path, sizeof path, "/append?mode=%s", modes[i]);
        client_get(client, path, 404, &response);
        CHECK(contract, memmem(response.body, response.body_length, "--append-file", 13) != NULL,
              "404 does not say that --append-file is missing");
    }
}

void test_append_full_disk(struct contract *contract)
{
    if (access("/dev/full", W_OK) != 0)
        contract_skip(contract);
    struct client *client = client_open(contract, server_start(contract, 0, "--append-file", "/dev/full", NULL));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char path[64];
        struct response response;
        snprintf(path, sizeof path, "/append?mode=%s", modes[i]);
        client_get(client, path, 500, &response);
        const char *why = strerror(ENOSPC);
        CHECK(contract, memmem(response.body, response.body_length, why, strlen(why)) != NULL, "500 does not say '%s'", why);
        client_get(client, "/hello", 200, &response);
    }
}

/* A client that leaves takes no line with it: none of a number is missing. */
void test_append_client_leaves(struct contract *contract)
{
    static const char *const paths[] = {"/append?size=50k", "/append?size=50k&mode=primary"};
    struct server *server = start(contract, WRITERS);
    struct response response;
    for (unsigned i = 0; i < 80; i++) {
        struct client *client = client_open(contract, server);
        files_send_get(client, paths[i % 2], "");
        if (i % 4 == 0)
            client_stirs(client, 5000);
        client_reset(client);
    }
    client_get(client_open(contract, server), "/append", 200, &response);
    client_close_all(contract);
    CHECK(contract, kill(server->pid, SIGTERM) == 0, "kill: %s", strerror(errno));
    CHECK(contract, server_wait_exit(server), "TERM: the program still runs");
    struct verdict v = judge(contract, LOG_NAME);
    CHECK(contract, v.lines > 0 && v.status == 0, "%u lines: %u whole, %u torn, %u missing, %u twice", v.lines, v.whole, v.torn,
          v.missing, v.twice);
}

/* ---- order ---- */

#define ORDER_ROUNDS 10

/* One worker's lines stand in the order of their numbers, long and short ones. */
static void expect_order(struct contract *contract, unsigned lines)
{
    char path[CONTRACT_PATH], *text = NULL;
    size_t size = 0;
    unsigned long long number, wanted = 1;
    FILE *file = fopen(files_path(contract, LOG_NAME, path), "re");
    CHECK(contract, file != NULL, "%s: %s", path, strerror(errno));
    for (; getline(&text, &size, file) > 0; wanted++)
        if (sscanf(text, "worker=%*u pid=%*d life=%*u line=%llu ", &number) != 1 || number != wanted)
            break;
    free(text);
    fclose(file);
    CHECK(contract, wanted == lines + 1, "line %llu is not where it should be", wanted);
}

void test_append_in_order(struct contract *contract)
{
    struct server *server = start(contract, 1);
    struct client *clients[CONNECTIONS];
    struct response response;
    for (size_t i = 0; i < CONNECTIONS; i++)
        clients[i] = client_open(contract, server);
    for (size_t round = 0; round < ORDER_ROUNDS; round++) {
        for (size_t i = 0; i < CONNECTIONS; i++)
            files_send_get(clients[i], i % 2 ? "/append" : "/append?size=1m", "");
        for (size_t i = 0; i < CONNECTIONS; i++)
            client_expect(clients[i], 200, &response);
    }
    expect_order(contract, ORDER_ROUNDS * CONNECTIONS);
}

/* ---- a primary that does not read ---- */

#define CROWD 60 /* lines of 50 KiB: more than waits for the primary */

static void wait_for_any(struct contract *contract, struct client **clients, size_t count)
{
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    for (;;) {
        for (size_t i = 0; i < count; i++)
            if (client_stirs(clients[i], 0))
                return;
        CHECK(contract, look_again(deadline_ns), "no answer came");
    }
}

void test_append_primary_behind(struct contract *contract)
{
    struct server *server = start(contract, 1);
    struct client *clients[CROWD];
    struct response response;
    unsigned whole = 0, refused = 0;
    for (size_t i = 0; i < CROWD; i++) {
        clients[i] = client_open(contract, server);
        client_get(clients[i], "/hello", 200, &response);
    }
    CHECK(contract, kill(server->pid, SIGSTOP) == 0, "kill: %s", strerror(errno));
    for (size_t i = 0; i < CROWD; i++)
        files_send_get(clients[i], "/append?mode=primary&size=50k", "");
    wait_for_any(contract, clients, CROWD); /* as long as nobody reads, only a refusal can come */
    CHECK(contract, kill(server->pid, SIGCONT) == 0, "kill: %s", strerror(errno));
    for (size_t i = 0; i < CROWD; i++) {
        client_receive(clients[i], &response);
        whole += response.status == 200;
        refused += response.status == 503;
    }
    CHECK(contract, whole > 0 && refused > 0 && whole + refused == CROWD, "%u lines written, %u refused, of %d", whole, refused,
          CROWD);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = whole, .whole = whole});
    client_get(clients[0], "/append?mode=primary", 200, &response);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = whole + 1, .whole = whole + 1}); /* a refused line has no number */
}

/* ---- locks ---- */

/* Whoever waits for the lock is no worker's loop: others are served, and the line is written when the lock is free. */
void test_append_lock_waits_aside(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct response response;
    struct written written;
    struct server *server = start(contract, 1);
    int fd = open(files_path(contract, LOG_NAME, path), O_RDWR | O_CLOEXEC);
    CHECK(contract, fd >= 0 && flock(fd, LOCK_EX) == 0, "%s: %s", path, strerror(errno));
    struct client *waiting = client_open(contract, server), *other = client_open(contract, server);
    files_send_get(waiting, "/append?mode=flock", "");
    files_send_get(waiting, "/append?mode=flock", "");
    for (unsigned i = 0; i < 3; i++) {
        client_get(other, "/wait/50ms", 200, &response);
        client_get(other, "/hello", 200, &response);
    }
    CHECK(contract, !client_stirs(waiting, 0), "a line was written, although somebody else has the lock");
    CHECK(contract, flock(fd, LOCK_UN) == 0, "flock: %s", strerror(errno));
    close(fd);
    expect_written(waiting, "flock", &written);
    expect_written(waiting, "flock", &written);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = 2, .whole = 2});
}

#define WAITERS 16

/* However many workers of a process wait for the lock, its pool of threads is free for files. */
void test_append_waiters_hold_up_no_files(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct response response;
    struct written written;
    struct client *waiting[WAITERS];
    files_write(contract, "hello.txt", "hello", 5);
    struct server *server = server_start(contract, contract_has(contract, TRAIT_MANY) ? WRITERS : 1, "--append-file",
                                         files_path(contract, LOG_NAME, path), "--root", contract->folder, NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(contract, fd >= 0 && flock(fd, LOCK_EX) == 0, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < WAITERS; i++)
        files_send_get(waiting[i] = client_open(contract, server), "/append?mode=flock", "");
    CHECK(contract, status_wait_total(contract, server, "requests", WAITERS), "the requests are not taken");
    for (size_t i = 0; i < WRITERS; i++)
        client_get(client_open(contract, server), "/static/hello.txt", 200, &response);
    for (size_t i = 0; i < WAITERS; i++)
        CHECK(contract, !client_stirs(waiting[i], 0), "a line was written, although somebody else has the lock");
    CHECK(contract, flock(fd, LOCK_UN) == 0, "flock: %s", strerror(errno));
    close(fd);
    for (size_t i = 0; i < WAITERS; i++)
        expect_written(waiting[i], "flock", &written);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = WAITERS, .whole = WAITERS});
}

/* Who has the lock of that file: proc_locks(5). 0: nobody. */
static pid_t lock_holder(ino_t inode)
{
    char line[256];
    pid_t holder = 0;
    FILE *locks = fopen("/proc/locks", "re");
    while (locks && holder == 0 && fgets(line, sizeof line, locks)) {
        int pid;
        unsigned long number;
        if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%lu", &pid, &number) == 2 && number == inode)
            holder = pid;
    }
    if (locks)
        fclose(locks);
    return holder;
}

/* Killed in the middle of its line, with the lock: the line is torn, and the next one is whole and does not wait. */
void test_append_lock_dies_with_its_holder(struct contract *contract)
{
    char path[CONTRACT_PATH], body[LINE_SIZE];
    struct stat status;
    struct written written;
    struct server *server = start(contract, WRITERS);
    struct client *holding = client_open(contract, server);
    memset(body, 'a', sizeof body);
    client_print(holding, "POST /append?mode=flock&hold=10m HTTP/1.1\r\nHost: contract\r\nContent-Length: %zu\r\n\r\n",
                 sizeof body);
    client_send(holding, body, sizeof body); /* no GET: a proxy would send that to the next worker, too */
    CHECK(contract, stat(files_path(contract, LOG_NAME, path), &status) == 0, "%s: %s", path, strerror(errno));
    uint64_t deadline_ns = now_ns() + contract->patience_ns;
    pid_t holder;
    while ((holder = lock_holder(status.st_ino)) == 0 || (stat(path, &status) == 0 && status.st_size < LINE_SIZE / 2))
        CHECK(contract, look_again(deadline_ns), "nobody holds the lock");
    CHECK(contract, kill(holder, SIGKILL) == 0, "kill %d: %s", (int)holder, strerror(errno));
    struct client *next = client_open(contract, server);
    files_send_get(next, "/append?mode=flock&size=20k", "");
    expect_written(next, "flock", &written);
    expect_verdict(contract, LOG_NAME, (struct verdict){.status = 1, .lines = 2, .whole = 1, .torn = 1});
}

/* ---- the checker itself ---- */

#define PLANTED      5
#define PLANTED_SIZE 200

static void plant(struct contract *contract, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void plant(struct contract *contract, const char *name, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    files_write(contract, name, text, (size_t)length);
}

/* Real lines, put together wrongly. */
void test_torn_lines_counts(struct contract *contract)
{
    char text[PLANTED * PLANTED_SIZE + 1], line[PLANTED + 1][PLANTED_SIZE + 1];
    struct response response;
    struct client *client = client_open(contract, start(contract, 1));
    for (size_t i = 1; i <= PLANTED; i++)
        client_get(client, "/append?size=200", 200, &response);
    read_log(contract, text, sizeof text);
    for (size_t i = 1; i <= PLANTED; i++)
        snprintf(line[i], sizeof line[i], "%.*s", PLANTED_SIZE, text + (i - 1) * PLANTED_SIZE);
    expect_verdict(contract, LOG_NAME, (struct verdict){.lines = 5, .whole = 5});
    plant(contract, "interleaved", "%s%.100s%s%s%s%s", line[1], line[2], line[3], line[2] + 100, line[4], line[5]);
    expect_verdict(contract, "interleaved", (struct verdict){.status = 1, .lines = 5, .whole = 3, .torn = 2, .missing = 2});
    plant(contract, "gaps", "%s%s%s%s", line[5], line[2], line[2], line[1]);
    expect_verdict(contract, "gaps", (struct verdict){.status = 1, .lines = 4, .whole = 4, .missing = 2, .twice = 1});
    plant(contract, "gap", "%s%s", line[1], line[3]);
    expect_verdict(contract, "gap", (struct verdict){.status = 1, .lines = 2, .whole = 2, .missing = 1});
    plant(contract, "again", "%s%s", line[1], line[1]);
    expect_verdict(contract, "again", (struct verdict){.status = 1, .lines = 2, .whole = 2, .twice = 1});
    plant(contract, "cut", "%s%.199s", line[1], line[2]);
    expect_verdict(contract, "cut", (struct verdict){.status = 1, .lines = 2, .whole = 1, .torn = 1});
    line[1][150] ^= 1;
    plant(contract, "changed", "%s", line[1]);
    expect_verdict(contract, "changed", (struct verdict){.status = 1, .lines = 1, .torn = 1});
    plant(contract, "empty", "%s", "");
    expect_verdict(contract, "empty", (struct verdict){0});
    expect_verdict(contract, "not-there", (struct verdict){.status = 2});
}
