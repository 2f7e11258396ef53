/*
 * The command line: addresses of every kind, help and version, and refusals. A refusal is one line on stderr that names the thing,
 * the value and what is allowed; nothing on stdout; exit status 1 (usage) or 2 (could not start); nothing left running.
 */
#include "client.h"
#include "server_process.h"
#include "tests.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program's output on a plain run with one argument: it must exit 0. */
static const char *run_for_text(struct contract *contract, const char *argument)
{
    const char *const arguments[] = {argument, NULL};
    struct server_plan plan = {.bare = true, .arguments = arguments};
    char how[64];
    struct server *server = server_spawn(contract, &plan);
    const char *text = server_output(server);
    bool over = server_wait_exit(server);
    CHECK(contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0, "%s: the program %s", argument,
          server_describe_exit(server, how, sizeof how));
    return text;
}

void test_help(struct contract *contract)
{
    static const char *const names[] = {
        "--listen",        "--workers",    "--backlog",          "--max-connections", "--pin",
        "--admin",         "--grace",      "--header-timeout",   "--body-timeout",    "--idle-timeout",
        "--write-timeout", "--max-header", "--max-header-lines", "--max-target",      "--max-body",
        "--faults",        "--log",        "--version"};
    const char *text = run_for_text(contract, "--help");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK(contract, strstr(text, names[i]) != NULL, "--help does not show %s", names[i]);
    /* where a worker cannot die alone, the user must know before it does */
    CHECK(contract,
          !contract_has(contract, TRAIT_WHOLE) || strcasestr(text, "kill") || strcasestr(text, "crash") || strcasestr(text, "dies"),
          "--help does not say that a dead worker takes the whole program with it");
}

void test_version(struct contract *contract)
{
    const char *text = run_for_text(contract, "--version");
    CHECK(contract, strstr(text, "libuv") && strstr(text, "llhttp"), "--version names no libuv and llhttp: \"%s\"", text);
}

/* ---- refusals ---- */

/* The program must have refused to run, in one line that has both words (NULL: any). */
static void check_refused(struct server *server, const char *what, int status, const char *word, const char *other)
{
    struct contract *contract = server->contract;
    char how[64], text[SERVER_TEXT];
    bool over = server_wait_exit(server);
    server_describe_exit(server, how, sizeof how);
    CHECK(contract, over, "%s: the program still runs, wanted a refusal", what);
    CHECK(contract, WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == status, "%s: the program %s, wanted %d",
          what, how, status);
    CHECK(contract, server_output(server)[0] == '\0', "%s: stdout is not empty: \"%s\"", what, server->output);
    server_errors(server, text, sizeof text);
    const char *newline = strchr(text, '\n');
    CHECK(contract, newline != NULL && newline[1] == '\0', "%s: stderr is not one line: \"%s\"", what, text);
    CHECK(contract, word == NULL || strstr(text, word), "%s: stderr does not name '%s': \"%s\"", what, word, text);
    CHECK(contract, other == NULL || strstr(text, other), "%s: stderr does not name '%s': \"%s\"", what, other, text);
}

static void check_nothing_left(struct contract *contract, const char *what)
{
    pid_t left = 0;
    CHECK(contract, server_wait_no_orphans(contract, &left), "%s: process %d was left behind", what, left);
}

static const struct bad_option {
    const char *arguments[4];
    const char *word, *other; /* in the message */
} bad_options[] = {
    {{"--worker", "2"}, "--worker", "--workers"}, /* the nearest is suggested */
    {{"--idle-timeuot", "2s"}, "--idle-timeuot", "--idle-timeout"},
    {{"--completely-unknown"}, "--completely-unknown", NULL},
    {{"stray"}, "stray", NULL},
    {{"--workers", "0"}, "--workers", "0"},
    {{"--workers", "-1"}, "--workers", "-1"},
    {{"--workers", "many"}, "--workers", "many"},
    {{"--workers", "1000000"}, "--workers", "1000000"},
    {{"--workers"}, "--workers", NULL},
    {{"--listen", "nonsense"}, "--listen", "nonsense"},
    {{"--listen", "127.0.0.1:99999"}, "--listen", "127.0.0.1:99999"},
    {{"--listen", "127.0.0.1:"}, "--listen", "127.0.0.1:"},
    {{"--listen", "[::1:80"}, "--listen", "[::1:80"},
    {{"--listen"}, "--listen", NULL},
    {{"--admin", "here"}, "--admin", "here"},
    {{"--backlog", "x"}, "--backlog", "x"},
    {{"--max-connections", "-5"}, "--max-connections", "-5"},
    {{"--pin", "a-b"}, "--pin", "a-b"},
    {{"--grace", "5"}, "--grace", "5"}, /* a time without a unit */
    {{"--header-timeout", "soon"}, "--header-timeout", "soon"},
    {{"--idle-timeout", "-1s"}, "--idle-timeout", "-1s"},
    {{"--max-header", "big"}, "--max-header", "big"},
    {{"--max-body", "1x"}, "--max-body", "1x"},
    {{"--log", "loud"}, "--log", "debug"}, /* what is allowed is listed */
    {{"--faults=maybe"}, "--faults", NULL},
};

void test_bad_options(struct contract *contract)
{
    for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
        const struct bad_option *bad = &bad_options[i];
        char what[128];
        struct server_plan plan = {.bare = true, .arguments = bad->arguments};
        snprintf(what, sizeof what, "%s%s%s", bad->arguments[0], bad->arguments[1] ? " " : "",
                 bad->arguments[1] ? bad->arguments[1] : "");
        check_refused(server_spawn(contract, &plan), what, 1, bad->word, bad->other);
    }
    check_nothing_left(contract, "refused options");
}

/* Whom the admin address may be shown to. */
static const struct bad_token {
    struct bad_option option;
    int status;
} bad_tokens[] = {
    {{{"--admin", "0.0.0.0:0"}, "--admin", "0.0.0.0:0"}, 1},
    {{{"--admin", "[::]:0"}, "--admin", "token"}, 1},
    {{{"--admin-token", "fifteen-letters"}, "--admin-token", "16..256"}, 1},
    {{{"--admin-token", "with blanks in it all"}, "--admin-token", "16..256"}, 1},
    {{{"--admin-token"}, "--admin-token", NULL}, 1},
    {{{"--admin-token=sixteen-letters-", "--admin-token-file=/dev/null"}, "--admin-token", "--admin-token-file"}, 1},
    {{{"--listen=127.0.0.1:0", "--admin-token-file=/no/such/file"}, "--admin-token-file", "/no/such/file"}, 2},
    {{{"--listen=127.0.0.1:0", "--admin-token-file=/dev/null"}, "--admin-token-file", "16..256"}, 2},
};

void test_admin_token_rules(struct contract *contract)
{
    for (size_t i = 0; i < sizeof bad_tokens / sizeof bad_tokens[0]; i++) {
        const struct bad_option *bad = &bad_tokens[i].option;
        struct server_plan plan = {.bare = true, .arguments = bad->arguments};
        check_refused(server_spawn(contract, &plan), bad->arguments[1] ? bad->arguments[1] : bad->arguments[0],
                      bad_tokens[i].status, bad->word, bad->other);
    }
    check_nothing_left(contract, "refused tokens");
}

/* Nobody writes into it, ever: the program does not wait for that. */
void test_fifo_without_writer(struct contract *contract)
{
    static const char *const options[] = {"--admin-token-file", "--config"};
    static const int statuses[] = {2, 1};
    char path[CONTRACT_PATH];
    contract_file(contract, "fifo", path);
    CHECK(contract, mkfifo(path, 0600) == 0, "%s: %s", path, strerror(errno));
    struct server *servers[2]; /* both at once: each waits for a while */
    for (size_t i = 0; i < 2; i++) {
        const char *const arguments[] = {"--listen", "127.0.0.1:0", options[i], path, NULL};
        struct server_plan plan = {.bare = true, .arguments = arguments};
        servers[i] = server_spawn(contract, &plan);
    }
    for (size_t i = 0; i < 2; i++)
        check_refused(servers[i], options[i], statuses[i], options[i], "nobody writes");
    check_nothing_left(contract, "FIFOs");
}

void test_one_worker_only(struct contract *contract)
{
    const char *const arguments[] = {"--listen", "127.0.0.1:0", "--workers", "2", NULL};
    struct server_plan plan = {.bare = true, .arguments = arguments};
    check_refused(server_spawn(contract, &plan), "--workers 2", 1, "--workers", "2");
}

/* ---- ports ---- */

static const char *address_of(const char *url)
{
    return url + strlen("http://");
}

/* What the other tests do not need is taken, too, and writes nothing but the ready line to stdout. */
void test_other_options(struct contract *contract)
{
    static const char *const arguments[] = {"--listen", "127.0.0.1:0", "--workers", "auto",  "--backlog",         "16",
                                            "--pin",    "auto",        "--log",     "debug", "--max-connections", "100",
                                            NULL};
    struct server_plan plan = {.bare = true, .arguments = arguments};
    struct response response;
    struct server *server = server_start_plan(contract, &plan);
    CHECK(contract, server->workers >= 1, "--workers auto: %s", server->ready);
    CHECK(contract, server->admin_length == 0, "no --admin was given: %s", server->ready);
    client_get(client_open(contract, server), "/hello", 200, &response);
    CHECK(contract, kill(server->pid, SIGTERM) == 0, "kill: %s", strerror(errno));
    CHECK(contract, server_wait_exit(server), "TERM: the program still runs");
    const char *text = server_output(server);
    CHECK(contract, strcmp(strchr(text, '\n'), "\n") == 0, "more than one line on stdout: \"%s\"", text);
}

void test_busy_port(struct contract *contract)
{
    struct response response;
    struct server *server = server_start(contract, 0, NULL);
    struct server_plan plan = {.listen = address_of(server->url)};
    struct server *second = server_spawn(contract, &plan);
    check_refused(second, "a second program on the same port", 2, strrchr(server->url, ':') + 1, NULL);
    check_nothing_left(contract, "a second program on the same port");
    for (unsigned i = 0; i < 4 * contract->workers; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_close(client);
    }
}

void test_busy_admin_port(struct contract *contract)
{
    struct server *server = server_start(contract, 0, NULL);
    const char *const arguments[] = {"--listen", "127.0.0.1:0", "--admin", address_of(server->admin_url), NULL};
    struct server_plan plan = {.bare = true, .arguments = arguments};
    check_refused(server_spawn(contract, &plan), "a second program on the same admin port", 2, strrchr(server->admin_url, ':') + 1,
                  NULL);
    check_nothing_left(contract, "a second program on the same admin port");
}

/* A port that was free a moment ago; another program may take it, so the caller tries again. */
static unsigned free_port(struct contract *contract)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound =
        fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0;
    close(fd);
    CHECK(contract, bound, "no free port: %s", strerror(errno));
    return ntohs(address.sin_port);
}

void test_stated_port(struct contract *contract)
{
    struct response response;
    struct server *server = NULL;
    char listen[64], url[80];
    for (int attempt = 0; attempt < 5 && server == NULL; attempt++) {
        snprintf(listen, sizeof listen, "127.0.0.1:%u", free_port(contract));
        struct server_plan plan = {.listen = listen};
        server = server_spawn(contract, &plan);
        if (!server_wait_ready(server))
            server = NULL;
    }
    CHECK(contract, server != NULL, "five attempts, and no program that listens on the port it is told");
    snprintf(url, sizeof url, "http://%s", listen);
    CHECK(contract, strcmp(server->url, url) == 0, "--listen %s, but ready says %s", listen, server->url);
    client_get(client_open(contract, server), "/hello", 200, &response);
}

void test_ipv6(struct contract *contract)
{
    struct response response;
    struct server_plan plan = {.listen = "[::1]:0"};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool here = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0)
        close(fd);
    if (!here)
        return; /* this machine has no IPv6 loopback */
    struct server *server = server_start_plan(contract, &plan);
    CHECK(contract, strncmp(server->url, "http://[::1]:", 13) == 0, "--listen [::1]:0, but ready says %s", server->url);
    client_get(client_open(contract, server), "/hello", 200, &response);
}

static void check_unix_path(struct contract *contract, const char *path, int signal)
{
    struct response response;
    char listen[160];
    struct stat status;
    struct family family;
    pid_t left;
    snprintf(listen, sizeof listen, "unix:%s", path);
    struct server_plan plan = {.listen = listen, .arguments = contract->profile->unix_arguments};
    struct server *server = server_start_plan(contract, &plan);
    CHECK(contract, strstr(server->url, path) != NULL, "--listen %s, but ready says %s", listen, server->url);
    for (unsigned i = 0; i < 2 * contract->workers; i++) {
        struct client *client = client_open(contract, server);
        client_get(client, "/hello", 200, &response);
        client_close(client);
    }
    family_collect(contract, server->pid, &family);
    CHECK(contract, kill(server->pid, signal) == 0, "kill: %s", strerror(errno));
    CHECK(contract, server_wait_exit(server), "signal %d: the program still runs", signal);
    bool gone = family_wait_gone(contract, &family, &left); /* as long as one lives it listens, and the path is no left-over */
    family_release(&family);
    CHECK(contract, gone, "signal %d: process %d still lives", signal, (int)left);
    CHECK(contract, signal == SIGKILL || (stat(path, &status) != 0 && errno == ENOENT), "the path %s is left behind", path);
}

void test_unix_path(struct contract *contract)
{
    char path[CONTRACT_PATH];
    contract_file(contract, "socket", path);
    check_unix_path(contract, path, SIGKILL);
    check_unix_path(contract, path, SIGTERM); /* takes over what the dead one left */
}

void test_unix_path_refused(struct contract *contract)
{
    struct server_plan plan = {.listen = "unix:/tmp/contract-refused.socket"};
    struct server *server = server_spawn(contract, &plan);
    bool over = server_wait_exit(server);
    CHECK(contract, over, "unix:PATH: the program still runs, wanted a refusal");
    check_refused(server, "--listen unix:PATH", WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 1 ? 1 : 2,
                  "unix:", NULL);
}
