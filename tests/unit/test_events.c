/* The event log: whole lines that parse, files that are moved away, disks that are full, pipes that nobody reads. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cluster/events.h"

static const struct log quiet = {"test", LOG_ERROR};

/* A folder with a file in it. */
struct fixture {
    char folder[32], path[48], moved[48];
    struct event_log events;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.folder = "/tmp/test_events-XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/log", f->folder);
    snprintf(f->moved, sizeof f->moved, "%s/moved", f->folder);
}

static void close_fixture(struct fixture *f)
{
    event_log_close(&f->events);
    assert_int_equal(f->events.fd, -1);
    unlink(f->path);
    unlink(f->moved);
    assert_int_equal(rmdir(f->folder), 0);
}

/* The events in a file, in order, each parsed: an array. */
static json_t *read_events(const char *path)
{
    json_t *all = json_array();
    char *text, *rest = NULL;
    size_t length;
    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_true(length == 0 || text[length - 1] == '\n');
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(event);
        assert_int_equal(json_array_append_new(all, event), 0);
    }
    free(text);
    return all;
}

static const char *text_in(const json_t *events, size_t at, const char *key)
{
    return json_string_value(json_object_get(json_array_get(events, at), key));
}

static json_int_t number_in(const json_t *events, size_t at, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(events, at), key));
}

static void none(void **state)
{
    struct event_log events;
    (void)state;
    assert_int_equal(event_log_open(&events, NULL, &quiet), 0);
    event_write(&events, "start", json_object()); /* freed all the same */
    event_log_reopen(&events);
    assert_int_equal(events.lost, 0);
    event_log_close(&events);
}

static void lines(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
    event_write(&f.events, "start", NULL);
    event_write(&f.events, "exit", json_pack("{s:i, s:s}", "worker", 3, "reason", "a \"quoted\"\nline\x01"));
    json_t *events = read_events(f.path);
    assert_int_equal(json_array_size(events), 2);
    assert_string_equal(text_in(events, 0, "event"), "start");
    assert_int_equal(json_object_size(json_array_get(events, 0)), 2);
    assert_int_equal(number_in(events, 1, "worker"), 3);
    assert_string_equal(text_in(events, 1, "reason"), "a \"quoted\"\nline\x01");
    const char *time = text_in(events, 0, "time");
    int parts[7];
    char z;
    assert_int_equal(sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5],
                            &parts[6], &z),
                     8);
    assert_int_equal(strlen(time), 24);
    assert_int_equal(z, 'Z');
    json_decref(events);
    close_fixture(&f);
}

/* It goes on behind what is there. */
static void appends(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
        event_write(&f.events, "start", NULL);
        event_log_close(&f.events);
    }
    json_t *events = read_events(f.path);
    assert_int_equal(json_array_size(events), 3);
    json_decref(events);
    close_fixture(&f);
}

static void reopened(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
    event_write(&f.events, "one", NULL);
    assert_int_equal(rename(f.path, f.moved), 0);
    event_write(&f.events, "two", NULL);
    event_log_reopen(&f.events);
    event_write(&f.events, "three", NULL);
    json_t *old = read_events(f.moved), *new = read_events(f.path);
    assert_int_equal(json_array_size(old), 2);
    assert_string_equal(text_in(old, 1, "event"), "two");
    assert_int_equal(json_array_size(new), 1);
    assert_string_equal(text_in(new, 0, "event"), "three");
    json_decref(old);
    json_decref(new);
    close_fixture(&f);
}

/* A new file cannot be made: the old one is better than none. */
static void reopened_in_vain(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
    assert_int_equal(rename(f.path, f.moved), 0);
    assert_int_equal(mkdir(f.path, 0700), 0);
    event_log_reopen(&f.events);
    event_write(&f.events, "still", NULL);
    json_t *events = read_events(f.moved);
    assert_int_equal(json_array_size(events), 1);
    json_decref(events);
    assert_int_equal(rmdir(f.path), 0);
    close_fixture(&f);
}

static void cannot_be_opened(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(event_log_open(&f.events, "/nowhere/log", &quiet), -ENOENT);
    assert_int_equal(event_log_open(&f.events, f.folder, &quiet), -EISDIR);
    assert_int_equal(mkfifo(f.path, 0600), 0);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), -ENXIO);
    close_fixture(&f);
}

static void full_disk(void **state)
{
    struct event_log events;
    (void)state;
    assert_int_equal(event_log_open(&events, "/dev/full", &quiet), 0);
    for (unsigned i = 1; i <= 3; i++) {
        event_write(&events, "start", NULL);
        assert_int_equal(events.lost, i);
    }
    event_log_close(&events);
}

/* Writes until nothing fits; how many events that were. */
static unsigned fill(struct event_log *events)
{
    unsigned written = 0;
    for (; events->lost == 0; written++)
        event_write(events, "filler", NULL);
    return written - 1;
}

/* A reader that is behind costs events, not time; then the log says how many. */
static void slow_reader(void **state)
{
    struct fixture f;
    char *got = malloc(1 << 20);
    (void)state;
    open_fixture(&f);
    assert_int_equal(mkfifo(f.path, 0600), 0);
    int reader = open(f.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
    unsigned fits = fill(&f.events);
    event_write(&f.events, "also lost", NULL);
    assert_int_equal(f.events.lost, 2);
    ssize_t length = read(reader, got, 1 << 20);
    assert_true(length > 0);
    event_write(&f.events, "again", NULL);
    assert_int_equal(f.events.lost, 0);
    length += read(reader, got + length, (1 << 20) - (size_t)length);
    got[length] = '\0';
    unsigned lines = 0;
    char *line = got;
    for (char *end; (end = strchr(line, '\n')) != NULL && end[1] != '\0' && lines < fits; line = end + 1)
        lines++;
    assert_int_equal(lines, fits);
    assert_non_null(strstr(line, "\"event\":\"lost\",\"count\":2}\n"));
    assert_non_null(strstr(line, "\"event\":\"again\"}\n"));
    close(reader);
    signal(SIGPIPE, SIG_IGN);
    event_write(&f.events, "nobody", NULL);
    assert_int_equal(f.events.lost, 1);
    free(got);
    close_fixture(&f);
}

/* Half a line came to the disk: it stays alone. RLIMIT_FSIZE cuts a write as a full disk does. */
static void torn_line(void **state)
{
    struct fixture f;
    struct rlimit before, small;
    (void)state;
    open_fixture(&f);
    assert_int_equal(event_log_open(&f.events, f.path, &quiet), 0);
    event_write(&f.events, "one", NULL);
    struct stat status;
    assert_int_equal(stat(f.path, &status), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){(rlim_t)status.st_size + 10, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    event_write(&f.events, "two", NULL);
    event_write(&f.events, "three", NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(f.events.lost, 2);
    event_write(&f.events, "four", NULL);
    char *text, *line;
    assert_int_equal(file_read(f.path, 1 << 20, &text, NULL), 0);
    line = strchr(text, '\n') + 1;
    assert_int_equal(strcspn(line, "\n"), 10);
    line += 11;
    assert_non_null(strstr(line, "\"event\":\"lost\",\"count\":2}\n"));
    line = strchr(line, '\n') + 1;
    assert_non_null(strstr(line, "\"event\":\"four\"}\n"));
    free(text);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),
        cmocka_unit_test(lines),
        cmocka_unit_test(appends),
        cmocka_unit_test(reopened),
        cmocka_unit_test(reopened_in_vain),
        cmocka_unit_test(cannot_be_opened),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(torn_line),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
