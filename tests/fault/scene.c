/*
 * Nothing here sleeps for a time: it looks again until something is so, up to the contract's patience.
 */
#include "scene.h"
#include "crowd.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MOST 32
#define IDLE_TIMEOUT   "1s" /* a front's pool gives up connections in half of it, */
#define POOL_MS        700  /* and is empty behind this */

static uint64_t deadline_of(const struct contract *contract)
{
    return now_ns() + contract->patience_ns;
}

/* ---- servers ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void path_in_folder(const struct contract *contract, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", contract->folder, name);
}

static void path_of_copy(const struct contract *contract, char path[PATH_SIZE])
{
    path_in_folder(contract, base_name(contract->program), path);
}

static void collect_arguments(va_list list, const char *arguments[ARGUMENTS_MOST])
{
    static const char *const usual[] = {"--log", "info", "--idle-timeout", IDLE_TIMEOUT};
    size_t count = 0;
    for (; count < sizeof usual / sizeof usual[0]; count++)
        arguments[count] = usual[count];
    while (count < ARGUMENTS_MOST - 1 && (arguments[count] = va_arg(list, const char *)) != NULL)
        count++;
    arguments[count] = NULL;
}

static struct server *begin(struct contract *contract, unsigned workers, va_list list, const struct server_plan *model)
{
    const char *arguments[ARGUMENTS_MOST];
    char path[PATH_SIZE];
    struct server_plan plan = *model;
    collect_arguments(list, arguments);
    path_of_copy(contract, path);
    plan.workers = workers;
    plan.arguments = arguments;
    plan.program = contract->folder[0] ? path : NULL;
    return server_spawn(contract, &plan);
}

static void expect_ready(struct server *server)
{
    char how[64];
    if (server_wait_ready(server))
        return;
    bool over = server_wait_exit(server);
    contract_fail(server->contract, __FILE__, __LINE__, "no ready line; the program %s",
                  over ? server_describe_exit(server, how, sizeof how) : "still runs");
}

struct server *scene_spawn(struct contract *contract, const struct server_plan *plan, ...)
{
    va_list list;
    va_start(list, plan);
    struct server *server = begin(contract, plan->workers, list, plan);
    va_end(list);
    return server;
}

struct server *scene_start(struct contract *contract, unsigned workers, ...)
{
    static const struct server_plan usual;
    va_list list;
    va_start(list, workers);
    struct server *server = begin(contract, workers, list, &usual);
    va_end(list);
    expect_ready(server);
    return server;
}

void scene_signal(struct contract *contract, pid_t pid, int number)
{
    CHECK(contract, kill(pid, number) == 0, "signal %d to %d: %s", number, pid, strerror(errno));
}

static void expect_port_free(struct server *server, const char *after)
{
    int one = 1;
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(server->contract, fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "socket: %s",
          strerror(errno));
    bool listens = bind(fd, (struct sockaddr *)&server->address, server->address_length) == 0 && listen(fd, 1) == 0;
    int error = errno;
    close(fd);
    CHECK(server->contract, listens, "after %s its port is not free: %s", after, strerror(error));
}

void scene_expect_end(struct server *server, struct family *family, int exit_status, const char *after)
{
    struct contract *contract = server->contract;
    char how[64];
    pid_t left = 0;
    bool over = server_wait_exit(server);
    server_describe_exit(server, how, sizeof how);
    CHECK(contract, over, "after %s the program still runs", after);
    CHECK(contract, exit_status < 0 || (WIFEXITED(server->wait_status) && WEXITSTATUS(server->wait_status) == exit_status),
          "after %s the program %s, wanted exit status %d", after, how, exit_status);
    bool gone = family_wait_gone(contract, family, &left);
    family_release(family);
    CHECK(contract, gone, "after %s process %d still lives", after, left);
    gone = server_wait_no_orphans(contract, &left);
    CHECK(contract, gone, "after %s its process %d still lives", after, left);
    expect_port_free(server, after);
}

void scene_end(struct server *server, int exit_status)
{
    struct family family;
    family_collect(server->contract, server->pid, &family);
    scene_signal(server->contract, server->pid, SIGTERM);
    scene_expect_end(server, &family, exit_status, "TERM");
}

/* ---- requests ---- */

int scene_ask(struct contract *contract, struct server *server, const char *path)
{
    struct response response;
    struct client *client = client_open(contract, server);
    client_get(client, path, 200, &response);
    int worker = response.worker;
    client_close(client);
    return worker;
}

#define WAVE_MOST 64

/* So many clients at once that a worker cannot have them all: who they got is in `found`. */
static void send_wave(struct contract *contract, struct server *server, unsigned count, struct client **clients, int *workers)
{
    struct response response;
    for (unsigned i = 0; i < count; i++) {
        clients[i] = client_open(contract, server);
        client_print(clients[i], "GET /block/20ms HTTP/1.1\r\nHost: fault\r\n\r\n");
    }
    for (unsigned i = 0; i < count; i++) {
        client_expect(clients[i], 200, &response);
        workers[i] = response.worker;
    }
}

static unsigned wave_size(unsigned workers)
{
    return 3 * workers < WAVE_MOST ? 3 * workers : WAVE_MOST;
}

void scene_expect_all_serve(struct contract *contract, struct server *server, unsigned workers)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    bool seen[WAVE_MOST] = {false};
    unsigned missing = workers, size = wave_size(workers);
    uint64_t deadline_ns = deadline_of(contract);
    while (missing > 0) {
        send_wave(contract, server, size, clients, served);
        for (unsigned i = 0; i < size; i++) {
            CHECK(contract, served[i] >= 0 && (unsigned)served[i] < workers, "worker %d answered, wanted 0..%u", served[i],
                  workers - 1);
            missing -= !seen[served[i]];
            seen[served[i]] = true;
            client_close(clients[i]);
        }
        if (missing > 0 && !look_again(deadline_ns))
            contract_fail(contract, __FILE__, __LINE__, "%u of %u workers never answer", missing, workers);
    }
}

/* A kept connection to each worker. */
static void connect_to_each(struct contract *contract, struct server *server, unsigned workers, struct client **each)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    unsigned missing = workers, size = wave_size(workers);
    uint64_t deadline_ns = deadline_of(contract);
    for (unsigned i = 0; i < workers; i++)
        each[i] = NULL;
    while (missing > 0) {
        send_wave(contract, server, size, clients, served);
        for (unsigned i = 0; i < size; i++) {
            bool wanted = served[i] >= 0 && (unsigned)served[i] < workers && each[served[i]] == NULL;
            if (wanted)
                each[served[i]] = clients[i], missing--;
            else
                client_close(clients[i]);
        }
        CHECK(contract, missing == 0 || look_again(deadline_ns), "%u of %u workers never answer", missing, workers);
    }
}

void scene_occupy_all(struct contract *contract, struct server *server, const char *path, unsigned workers, struct client **clients)
{
    bool direct = contract_has(contract, TRAIT_DIRECT);
    if (direct)
        connect_to_each(contract, server, workers, clients);
    uint64_t before = status_total(contract, server, "requests");
    for (unsigned i = 0; i < workers; i++) {
        if (!direct) /* requests are dealt in turn, whatever the connection */
            clients[i] = client_open(contract, server);
        client_print(clients[i], "GET %s HTTP/1.1\r\nHost: fault\r\n\r\n", path);
    }
    CHECK(contract, status_wait_total(contract, server, "requests", before + workers), "%s is not taken by all workers", path);
}

/* ---- the log ---- */

static char *read_log(const struct server *server)
{
    struct stat about;
    size_t size = fstat(server->err, &about) == 0 ? (size_t)about.st_size : 0;
    char *text = malloc(size + 1);
    CHECK(server->contract, text != NULL, "out of memory");
    ssize_t n = pread(server->err, text, size, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

unsigned scene_log_count(const struct server *server, const char *wanted)
{
    char *text = read_log(server), *state = NULL;
    unsigned count = 0;
    for (char *line = strtok_r(text, "\n", &state); line != NULL; line = strtok_r(NULL, "\n", &state))
        count += strstr(line, wanted) != NULL;
    free(text);
    return count;
}

void scene_log_wait(const struct server *server, const char *text, unsigned count)
{
    uint64_t deadline_ns = deadline_of(server->contract);
    while (scene_log_count(server, text) < count)
        CHECK(server->contract, look_again(deadline_ns), "the log has %u lines with '%s', wanted %u", scene_log_count(server, text),
              text, count);
}

void scene_expect_log(const struct server *server, const char *text, unsigned count)
{
    unsigned found = scene_log_count(server, text);
    CHECK(server->contract, found == count, "the log has %u lines with '%s', wanted %u", found, text, count);
}

/* ---- /status ---- */

static const char *role_of(bool front)
{
    return front ? "front" : "worker";
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void read_row(const json_t *json, struct place_row *row)
{
    *row = (struct place_row){
        .front = strcmp(text_of(json, "role"), "front") == 0,
        .index = (unsigned)json_integer_value(json_object_get(json, "index")),
        .pid = (pid_t)json_integer_value(json_object_get(json, "pid")),
        .generation = (unsigned)json_integer_value(json_object_get(json, "generation")),
        .restarts = (unsigned)json_integer_value(json_object_get(json, "restarts")),
        .next_start_s = json_number_value(json_object_get(json, "next_start_in_s")),
        .rss_bytes = (uint64_t)json_integer_value(json_object_get(json, "rss_bytes")),
    };
    snprintf(row->state, sizeof row->state, "%s", text_of(json, "state"));
    snprintf(row->last_end, sizeof row->last_end, "%s", text_of(json, "last_end"));
}

size_t scene_rows(struct contract *contract, const struct server *server, struct place_row rows[PLACE_ROWS])
{
    size_t i, count = 0;
    json_t *json, *status = status_get(contract, server);
    json_array_foreach(json_object_get(status, "workers"), i, json)
    {
        if (count < PLACE_ROWS)
            read_row(json, &rows[count++]);
    }
    json_decref(status);
    return count;
}

bool scene_find(struct contract *contract, const struct server *server, bool front, unsigned index, const char *state,
                struct place_row *row)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].front == front && rows[i].index == index && strcmp(rows[i].state, state) == 0) {
            *row = rows[i];
            return true;
        }
    return false;
}

static _Noreturn void fail_with_rows(struct contract *contract, const struct server *server, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static _Noreturn void fail_with_rows(struct contract *contract, const struct server *server, const char *format, ...)
{
    struct place_row rows[PLACE_ROWS];
    char message[128];
    va_list arguments;
    size_t count = scene_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        print_error("  /status: %s %u: %s, pid %d, generation %u, restarts %u, last end '%s'\n", role_of(rows[i].front),
                    rows[i].index, rows[i].state, rows[i].pid, rows[i].generation, rows[i].restarts, rows[i].last_end);
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    contract_fail(contract, __FILE__, __LINE__, "%s", message);
}

struct place_row scene_wait_state(struct contract *contract, const struct server *server, bool front, unsigned index,
                                  const char *state)
{
    uint64_t deadline_ns = deadline_of(contract);
    struct place_row row;
    while (!scene_find(contract, server, front, index, state, &row))
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "%s %u is never %s", role_of(front), index, state);
    return row;
}

struct place_row scene_wait_replaced(struct contract *contract, const struct server *server, const struct place_row *before)
{
    uint64_t deadline_ns = deadline_of(contract);
    struct place_row row;
    while (!scene_find(contract, server, before->front, before->index, "ready", &row) || row.generation <= before->generation)
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "%s %u is not replaced", role_of(before->front), before->index);
    return row;
}

static bool has_only_ready(struct contract *contract, const struct server *server, unsigned workers)
{
    struct place_row rows[PLACE_ROWS];
    size_t count = scene_rows(contract, server, rows), found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].state, "ready") != 0)
            return false;
        found += !rows[i].front;
    }
    return found == workers;
}

void scene_wait_workers(struct contract *contract, const struct server *server, unsigned workers)
{
    uint64_t deadline_ns = deadline_of(contract);
    while (!has_only_ready(contract, server, workers))
        if (!look_again(deadline_ns))
            fail_with_rows(contract, server, "there are never exactly %u workers, all of them ready", workers);
}

static const json_t *find_in(const json_t *json, const char *path)
{
    char copy[64], *state = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (const char *key = strtok_r(copy, "/", &state); key != NULL; key = strtok_r(NULL, "/", &state))
        json = json_object_get(json, key);
    return json;
}

uint64_t scene_number(struct contract *contract, const struct server *server, const char *path)
{
    json_t *status = status_get(contract, server);
    const json_t *found = find_in(status, path);
    bool is_number = json_is_integer(found);
    uint64_t number = (uint64_t)json_integer_value(found);
    json_decref(status);
    CHECK(contract, is_number, "/status has no number %s", path);
    return number;
}

void scene_text(struct contract *contract, const struct server *server, const char *path, char text[SCENE_TEXT])
{
    json_t *status = status_get(contract, server);
    const char *found = json_string_value(find_in(status, path));
    bool is_text = found != NULL;
    snprintf(text, SCENE_TEXT, "%s", is_text ? found : "");
    json_decref(status);
    CHECK(contract, is_text, "/status has no text %s", path);
}

void scene_wait_reloads(struct contract *contract, const struct server *server, unsigned done, unsigned aborted)
{
    uint64_t deadline_ns = deadline_of(contract);
    for (;;) {
        json_t *status = status_get(contract, server);
        const json_t *reload = json_object_get(status, "reload");
        json_int_t now_done = json_integer_value(json_object_get(reload, "done"));
        json_int_t now_aborted = json_integer_value(json_object_get(reload, "aborted"));
        bool idle = strcmp(text_of(reload, "state"), "idle") == 0;
        json_decref(status);
        if (idle && now_done == done && now_aborted == aborted)
            return;
        CHECK(contract, look_again(deadline_ns), "%u reloads done and %u aborted, %s; wanted %u and %u", (unsigned)now_done,
              (unsigned)now_aborted, idle ? "none runs" : "one runs", done, aborted);
    }
}

void scene_wait_wanted(struct contract *contract, const struct server *server, unsigned workers)
{
    uint64_t deadline_ns = deadline_of(contract);
    while (scene_number(contract, server, "workers_wanted") != workers)
        CHECK(contract, look_again(deadline_ns), "/status never wants %u workers", workers);
}

void scene_post(struct contract *contract, const struct server *server, const char *target, int status)
{
    struct response response;
    struct client *client = client_try_address(contract, &server->admin_address, server->admin_length, 0);
    CHECK(contract, client != NULL, "cannot connect to the admin address %s: %s", server->admin_url, strerror(errno));
    client_print(client, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", target,
                 server->admin_url + strlen("http://"));
    client_expect(client, status, &response);
    client_close(client);
}

/* ---- what its processes hold ---- */

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    return count;
}

static bool same_holdings(const struct holdings *one, const struct holdings *two)
{
    return one->processes == two->processes && one->descriptors == two->descriptors &&
           one->primary_descriptors == two->primary_descriptors;
}

/* A loop opens what streams need with its first one: everybody has had a connection. */
static bool all_are_warm(struct contract *contract, struct server *server)
{
    struct status_row rows[STATUS_ROWS];
    size_t count = status_rows(contract, server, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].accepted == 0)
            return false;
    return true;
}

static void warm_up(struct contract *contract, struct server *server)
{
    struct client *clients[WAVE_MOST];
    int served[WAVE_MOST];
    uint64_t deadline_ns = deadline_of(contract);
    while (!all_are_warm(contract, server)) {
        send_wave(contract, server, wave_size(server->workers), clients, served);
        for (unsigned i = 0; i < wave_size(server->workers); i++)
            client_close(clients[i]);
        CHECK(contract, look_again(deadline_ns), "a worker or front never takes a connection");
    }
}

static void take_stock(struct server *server, struct holdings *holdings)
{
    struct family family;
    memset(holdings, 0, sizeof *holdings);
    family_collect(server->contract, server->pid, &family);
    holdings->processes = (unsigned)family.count;
    holdings->primary_descriptors = count_descriptors(server->pid);
    for (size_t i = 0; i < family.count; i++)
        holdings->descriptors += count_descriptors(family.pids[i]);
    family_release(&family);
}

#define SETTLED_MS 50

void scene_take_stock(struct server *server, struct holdings *holdings)
{
    uint64_t deadline_ns = deadline_of(server->contract), since_ns = now_ns();
    uint64_t quiet_ns = (contract_has(server->contract, TRAIT_FRONTS) ? POOL_MS : SETTLED_MS) * MS;
    struct holdings now;
    warm_up(server->contract, server);
    take_stock(server, holdings);
    while (now_ns() - since_ns < quiet_ns) {
        CHECK(server->contract, look_again(deadline_ns), "what its processes hold does not settle");
        take_stock(server, &now);
        if (!same_holdings(&now, holdings))
            since_ns = now_ns();
        *holdings = now;
    }
}

static bool is_zombie_of(pid_t parent, const char *pid)
{
    char path[64], text[512], state = '?';
    int its_parent = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const char *after_name = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
    bool read = after_name != NULL && sscanf(after_name, ") %c %d", &state, &its_parent) == 2;
    fclose(file);
    return read && state == 'Z' && its_parent == parent;
}

static unsigned count_zombies(pid_t parent)
{
    unsigned count = 0;
    DIR *proc = opendir("/proc");
    for (const struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;)
        count += isdigit((unsigned char)entry->d_name[0]) && is_zombie_of(parent, entry->d_name);
    if (proc != NULL)
        closedir(proc);
    return count;
}

void scene_expect_stock(struct server *server, const struct holdings *before)
{
    struct contract *contract = server->contract;
    uint64_t deadline_ns = deadline_of(contract);
    struct holdings now;
    unsigned zombies;
    warm_up(contract, server);
    do {
        take_stock(server, &now);
        zombies = count_zombies(server->pid);
        if (same_holdings(&now, before) && zombies == 0)
            return;
    } while (look_again(deadline_ns));
    contract_fail(contract, __FILE__, __LINE__,
                  "processes %u -> %u, zombies among them %u, descriptors %u -> %u, of them the primary's %u -> %u",
                  before->processes, now.processes, zombies, before->descriptors, now.descriptors, before->primary_descriptors,
                  now.primary_descriptors);
}

/* ---- a program on disk ---- */

static void copy_file(struct contract *contract, const char *from, const char *to)
{
    struct stat about;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    CHECK(contract, in >= 0 && out >= 0 && fstat(in, &about) == 0, "%s to %s: %s", from, to, strerror(errno));
    off_t left = about.st_size;
    ssize_t n = 1;
    while (left > 0 && (n = sendfile(out, in, NULL, (size_t)left)) > 0)
        left -= n;
    int error = errno;
    close(in);
    close(out);
    CHECK(contract, left == 0, "%s to %s: %s", from, to, strerror(error));
}

static void write_script(struct contract *contract, const char *to, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void write_script(struct contract *contract, const char *to, const char *format, ...)
{
    va_list arguments;
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    CHECK(contract, fd >= 0, "%s: %s", to, strerror(errno));
    va_start(arguments, format);
    bool written = vdprintf(fd, format, arguments) > 0;
    va_end(arguments);
    close(fd);
    CHECK(contract, written, "%s: %s", to, strerror(errno));
}

void scene_copy_program(struct contract *contract)
{
    char path[PATH_SIZE];
    snprintf(contract->folder, sizeof contract->folder, "/tmp/fault-XXXXXX");
    if (mkdtemp(contract->folder) == NULL) {
        contract->folder[0] = '\0';
        contract_fail(contract, __FILE__, __LINE__, "mkdtemp: %s", strerror(errno));
    }
    path_of_copy(contract, path);
    copy_file(contract, contract->program, path);
    path_in_folder(contract, "real", path);
    copy_file(contract, contract->program, path);
}

void scene_replace_program(struct contract *contract, enum program_kind kind)
{
    char path[PATH_SIZE], fresh[PATH_SIZE];
    path_of_copy(contract, path);
    path_in_folder(contract, "new", fresh);
    switch (kind) {
    case PROGRAM_GOOD:
        copy_file(contract, contract->program, fresh);
        break;
    case PROGRAM_GATED:
        write_script(contract, fresh, "#!/bin/sh\nwhile [ ! -e %s/gate ]; do sleep 0.02; done\nexec %s/real \"$@\"\n",
                     contract->folder, contract->folder);
        break;
    case PROGRAM_EXITS:
        write_script(contract, fresh, "#!/bin/sh\nexit 1\n");
        break;
    case PROGRAM_SLEEPS:
        write_script(contract, fresh, "#!/bin/sh\nexec sleep 600\n");
        break;
    case PROGRAM_NONE:
        CHECK(contract, unlink(path) == 0, "%s: %s", path, strerror(errno));
        return;
    }
    CHECK(contract, rename(fresh, path) == 0, "%s: %s", path, strerror(errno));
}

void scene_open_gate(struct contract *contract)
{
    char path[PATH_SIZE];
    path_in_folder(contract, "gate", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(contract, fd >= 0, "%s: %s", path, strerror(errno));
    close(fd);
}

bool scene_runs_program_on_disk(struct contract *contract, pid_t pid)
{
    char path[PATH_SIZE], link[64];
    struct stat on_disk, running;
    path_of_copy(contract, path);
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    CHECK(contract, stat(path, &on_disk) == 0, "%s: %s", path, strerror(errno));
    CHECK(contract, stat(link, &running) == 0, "%s: %s", link, strerror(errno));
    return on_disk.st_ino == running.st_ino && on_disk.st_dev == running.st_dev;
}

static void remove_folder(struct contract *contract)
{
    const char *const names[] = {base_name(contract->program), "real", "new", "gate"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_in_folder(contract, names[i], path);
        if (unlink(path) != 0 && errno != ENOENT)
            print_error("%s: %s\n", path, strerror(errno));
    }
    if (rmdir(contract->folder) != 0)
        print_error("%s: %s\n", contract->folder, strerror(errno));
    contract->folder[0] = '\0';
}

void scene_clear(struct contract *contract)
{
    crowd_end_all(contract);
    if (contract->folder[0] != '\0')
        remove_folder(contract);
}
