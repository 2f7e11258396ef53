/*
 * Settings from a file: who wins, what is refused, --check-config, and what becomes of a changed file when a worker dies or a
 * reload comes. What a worker was given shows in --max-body: a larger body is answered with 413.
 */
#include "client.h"
#include "server_process.h"
#include "status.h"
#include "tests.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* A file with that text in the test's folder; replaces the one before it. */
static void write_config(struct contract *contract, const char *text, char path[CONTRACT_PATH])
{
    contract_file(contract, "site.ini", path);
    FILE *out = fopen(path, "we");
    CHECK(contract, out != NULL, "%s: %s", path, strerror(errno));
    bool written = fputs(text, out) >= 0;
    CHECK(contract, fclose(out) == 0 && written, "%s: cannot be written", path);
}

static struct server *spawn_plain(struct contract *contract, const char *const *arguments)
{
    struct server_plan plan = {.bare = true, .arguments = arguments};
    return server_spawn(contract, &plan);
}

/* ---- the command line and the file ---- */

/* The program's output, which must end with exit status 0. */
static void run_for_text(struct contract *contract, const char *const *arguments, char text[SERVER_TEXT])
{
    char how[64], errors[SERVER_TEXT];
    struct server *server = spawn_plain(contract, arguments);
    snprintf(text, SERVER_TEXT, "%s", server_output(server));
    bool over = server_wait_exit(server);
    CHECK(contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 0,
          "--check-config: the program %s", server_describe_exit(server, how, sizeof how));
    CHECK(contract, server_errors(server, errors, sizeof errors)[0] == '\0', "--check-config: stderr says \"%s\"", errors);
}

static bool has_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
        if ((at == text || at[-1] == '\n') && at[length] == '\n')
            return true;
    return false;
}

/* The command line wins over [NAME], that over [default]. What is printed is a file that says the same. */
void test_check_config(struct contract *contract)
{
    static const char *const wanted[] = {"grace = 1s", "max-body = 2k", "idle-timeout = 3s", "faults = on", "max-header = 32k"};
    char path[CONTRACT_PATH], first[SERVER_TEXT], second[SERVER_TEXT];
    write_config(
        contract,
        "[default]\ngrace = 9s\nmax-body = 1k\nidle-timeout = 3s\n[other]\ngrace = 8s\n[site]\nmax-body = 2k\nfaults = on\n", path);
    const char *const arguments[] = {"--config", path, "--env", "site", "--grace", "1s", "--check-config", NULL};
    run_for_text(contract, arguments, first);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        CHECK(contract, has_line(first, wanted[i]), "no line '%s' in:\n%s", wanted[i], first);
    write_config(contract, first, path);
    const char *const again[] = {"--check-config", "--config", path, NULL};
    run_for_text(contract, again, second);
    CHECK(contract, strcmp(first, second) == 0, "fed back, it prints:\n%s\nwanted:\n%s", second, first);
}

#define TOKEN "a-token-that-nobody-may-see"

/* Neither the settings nor a complaint about one tell a token. */
void test_config_hides_the_token(struct contract *contract)
{
    char path[CONTRACT_PATH], text[SERVER_TEXT];
    const char *const on_command_line[] = {"--admin-token", TOKEN, "--check-config", NULL};
    const char *const in_file[] = {"--config", path, "--check-config", NULL};
    const char *const wrong[] = {"--admin-token", TOKEN " and a blank", NULL};
    run_for_text(contract, on_command_line, text);
    CHECK(contract, !strstr(text, TOKEN) && strstr(text, "# admin-token"), "--check-config prints:\n%s", text);
    write_config(contract, "[default]\nadmin-token = " TOKEN "\n", path);
    run_for_text(contract, in_file, text);
    CHECK(contract, !strstr(text, TOKEN) && strstr(text, "# admin-token"), "--check-config prints:\n%s", text);
    struct server *server = spawn_plain(contract, wrong);
    CHECK(contract, server_wait_exit(server), "a bad token is taken");
    server_errors(server, text, sizeof text);
    CHECK(contract, !strstr(text, TOKEN) && strstr(text, "--admin-token"), "a bad token is told: %s", text);
}

static const struct {
    const char *text, *arguments[3]; /* behind --config FILE */
    const char *words[4];            /* in the message */
} refusals[] = {
    {"[default]\ngraec = 1s\n", {NULL}, {"site.ini:2:", "graec", "1s", "grace"}},
    {"[default]\n\ngrace = 1\n", {NULL}, {"site.ini:3:", "grace", "'1'", "5ms"}},
    {"[default]\ngrace = 5000000h\n", {NULL}, {"site.ini:2:", "grace", "5000000h", "8760h"}},
    {"[default]\nmax-body = 99999m\n", {NULL}, {"site.ini:2:", "max-body", "99999m", "1g"}},
    {"[default]\ngrace = 1s\n[one]\n[two]\n", {"--env", "three"}, {"--env", "three", "[one]", "[two]"}},
    {"[default]\nnonsense\n", {NULL}, {"site.ini:2:", "nonsense", "KEY = VALUE"}},
};

static void check_refusal(struct contract *contract, size_t i, bool only_check)
{
    char path[CONTRACT_PATH], how[64], text[SERVER_TEXT];
    write_config(contract, refusals[i].text, path);
    const char *arguments[8] = {"--config", path};
    size_t count = 2;
    for (size_t j = 0; refusals[i].arguments[j]; j++)
        arguments[count++] = refusals[i].arguments[j];
    arguments[count] = only_check ? "--check-config" : NULL;
    struct server *server = spawn_plain(contract, arguments);
    bool over = server_wait_exit(server);
    CHECK(contract, over && WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == 1,
          "file %zu: the program %s, wanted 1", i, server_describe_exit(server, how, sizeof how));
    CHECK(contract, server_output(server)[0] == '\0', "file %zu: stdout is not empty: \"%s\"", i, server->output);
    server_errors(server, text, sizeof text);
    CHECK(contract, strchr(text, '\n') == text + strlen(text) - 1, "file %zu: stderr is not one line: \"%s\"", i, text);
    for (size_t j = 0; j < 4 && refusals[i].words[j]; j++)
        CHECK(contract, strstr(text, refusals[i].words[j]), "file %zu: stderr does not say '%s': \"%s\"", i, refusals[i].words[j],
              text);
}

void test_bad_config(struct contract *contract)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        check_refusal(contract, i, true);
        check_refusal(contract, i, false);
    }
}

/* ---- what workers are given ---- */

/* What a body of `size` bytes on a new connection is answered with. */
static int echo_status(struct contract *contract, struct server *server, unsigned size)
{
    struct response response;
    struct client *client = client_open(contract, server);
    client_print(client, "POST /echo HTTP/1.1\r\nHost: contract\r\nConnection: close\r\nContent-Length: %u\r\n\r\n%0*d", size,
                 (int)size, 0);
    client_receive(client, &response);
    client_close(client);
    return response.status;
}

/* So many connections that every worker gets some. */
static void check_limit(struct contract *contract, struct server *server, unsigned limit, const char *when)
{
    for (unsigned i = 0; i < 4 * contract->workers; i++) {
        int inside = echo_status(contract, server, limit), outside = echo_status(contract, server, limit + 1);
        CHECK(contract, inside == 200, "%s: a body of %u bytes: status %d, wanted 200", when, limit, inside);
        CHECK(contract, outside == 413, "%s: a body of %u bytes: status %d, wanted 413", when, limit + 1, outside);
    }
}

void test_config_reaches_workers(struct contract *contract)
{
    char path[CONTRACT_PATH];
    write_config(contract, "[default]\nmax-body = 10\nworkers = 200\n[site]\nmax-body = 20\n", path);
    check_limit(contract, server_start(contract, 0, "--config", path, NULL), 10, "[default]");
    check_limit(contract, server_start(contract, 0, "--config", path, "--env", "site", NULL), 20, "[site]");
    check_limit(contract, server_start(contract, 0, "--config", path, "--env", "site", "--max-body", "30", NULL), 30,
                "the command line");
}

/* Whatever has been done to the file: who takes the place of a dead worker is like all others. */
void test_config_outlives_its_file(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct status_row rows[STATUS_ROWS];
    write_config(contract, "[default]\nmax-body = 10\n", path);
    struct server *server = server_start(contract, 0, "--config", path, NULL);
    write_config(contract, "[default\nmax-body = 20\n", path);
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        CHECK(contract, kill(rows[i].pid, SIGKILL) == 0, "kill: %s", strerror(errno));
    for (size_t i = 0; i < count; i++)
        CHECK(contract, status_wait_replaced(contract, server, rows[i].front, rows[i].index, rows[i].pid) > 0,
              "worker %u has not been replaced", rows[i].index);
    check_limit(contract, server, 10, "after a crash");
}

/* ---- reload ---- */

static void wait_for_words(struct server *server, const char *words)
{
    char text[SERVER_TEXT];
    uint64_t deadline_ns = now_ns() + server->contract->patience_ns;
    while (strstr(server_errors(server, text, sizeof text), words) == NULL)
        CHECK(server->contract, look_again(deadline_ns), "stderr does not say '%s'", words);
}

static void check_nobody_changed(struct contract *contract, struct server *server, const struct status_row *rows, size_t count)
{
    struct status_row now[STATUS_ROWS];
    size_t still = status_rows(contract, server, now);
    CHECK(contract, still == count, "%zu rows are ready, wanted %zu", still, count);
    for (size_t i = 0; i < count; i++)
        CHECK(contract, now[i].pid == rows[i].pid, "worker %u has been replaced", rows[i].index);
}

void test_config_at_a_reload(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct status_row rows[STATUS_ROWS];
    write_config(contract, "[default]\nmax-body = 10\nbacklog = 100\n", path);
    struct server *server = server_start(contract, 0, "--config", path, NULL);
    size_t count = status_rows(contract, server, rows);

    write_config(contract, "[default]\nmax-body = 20\nbacklgo = 200\n", path);
    CHECK(contract, kill(server->pid, SIGHUP) == 0, "kill: %s", strerror(errno));
    wait_for_words(server, "site.ini:3: unknown key 'backlgo'");
    check_nobody_changed(contract, server, rows, count);
    check_limit(contract, server, 10, "after a reload with a broken file");

    write_config(contract, "[default]\nmax-body = 20\nbacklog = 200\n", path);
    CHECK(contract, kill(server->pid, SIGHUP) == 0, "kill: %s", strerror(errno));
    for (size_t i = 0; i < count; i++)
        CHECK(contract, status_wait_replaced(contract, server, rows[i].front, rows[i].index, rows[i].pid) > 0,
              "worker %u has not been replaced", rows[i].index);
    wait_for_words(server, "backlog: '200' has no effect before the next start; it stays '100'");
    CHECK(contract, status_wait_reloads(contract, server, 1), "the reload is not done"); /* until then the old ones still accept */
    check_limit(contract, server, 20, "after a reload");
}

/* The file is well-formed, and no worker could log with it: the old settings hold, also for lives to come. */
void test_config_that_nobody_can_use(struct contract *contract)
{
    char path[CONTRACT_PATH];
    struct status_row rows[STATUS_ROWS];
    write_config(contract, "[default]\nmax-body = 10\n", path);
    struct server *server = server_start(contract, 0, "--config", path, NULL);
    size_t count = status_rows(contract, server, rows);
    write_config(contract, "[default]\nmax-body = 20\naccess-log = /nowhere/log\n", path);
    CHECK(contract, kill(server->pid, SIGHUP) == 0, "kill: %s", strerror(errno));
    wait_for_words(server, "reload: aborted before it began: --access-log: '/nowhere/log': No such file or directory");
    CHECK(contract, kill(rows[0].pid, SIGKILL) == 0, "kill: %s", strerror(errno));
    CHECK(contract, status_wait_replaced(contract, server, rows[0].front, rows[0].index, rows[0].pid) > 0, "no replacement");
    check_limit(contract, server, 10, "after an aborted reload");
    for (size_t i = 1; i < count; i++)
        CHECK(contract, kill(rows[i].pid, 0) == 0, "worker %u has been replaced", rows[i].index);
}
