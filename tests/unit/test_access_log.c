/*
 * The access log's file: everything that is added is there, in whole lines, once - with many writers, over a rotation, at the end;
 * what is not there is counted.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cluster/access_log.h"

#define FILE_MOST (64 << 20)

static const struct log quiet = {"test", LOG_ERROR};

/* A folder with the log's file in it, and one log. */
struct fixture {
    char folder[40], path[56], moved[56];
    uv_loop_t loop;
    struct counters counters;
    struct access_log *log;
    bool closed;
};

static void open_folder(struct fixture *f)
{
    *f = (struct fixture){.folder = "/tmp/test_access_log-XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/log", f->folder);
    snprintf(f->moved, sizeof f->moved, "%s/moved", f->folder);
}

static int open_log(struct fixture *f)
{
    struct access_log_settings settings = {
        .path = f->path, .format = ACCESS_COMMON, .loop = &f->loop, .counters = &f->counters, .log = &quiet};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    return access_log_open(&f->log, &settings);
}

static void open_fixture(struct fixture *f)
{
    open_folder(f);
    assert_int_equal(open_log(f), 0);
}

static void on_closed(void *context)
{
    ((struct fixture *)context)->closed = true;
}

static void close_log(struct fixture *f)
{
    access_log_close(f->log, on_closed, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->closed);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void remove_folder(struct fixture *f)
{
    unlink(f->path);
    unlink(f->moved);
    assert_int_equal(rmdir(f->folder), 0);
}

/* A line that says `writer` (as the worker) and `number` (as the bytes); `padding` bytes of target make it longer. */
static void add(struct access_log *log, int writer, uint64_t number, size_t padding)
{
    static const char filler[16384];
    const struct access_entry entry = {
        .worker = writer,
        .client = SLICE("c"),
        .method = SLICE("GET"),
        .target = {padding ? filler : "/", padding ? padding : 1},
        .protocol = SLICE("HTTP/1.1"),
        .status = 200,
        .bytes = number,
    };
    access_log_add(log, &entry);
}

/* Notes in `seen` which lines of `writer` are in the file; fails for anything that is no whole line of ours, or there twice. */
static unsigned read_lines(const char *path, int writer, bool *seen, unsigned most)
{
    char *text, *rest = NULL;
    unsigned found = 0;
    assert_int_equal(file_read(path, FILE_MOST, &text, NULL), 0);
    size_t length = strlen(text);
    assert_true(length == 0 || text[length - 1] == '\n');
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *behind = strstr(line, " HTTP/1.1\" 200 ");
        unsigned number;
        int by, end = 0;
        assert_memory_equal(line, "c - - [", 7);
        assert_non_null(behind);
        assert_int_equal(sscanf(behind, " HTTP/1.1\" 200 %u %d 0%n", &number, &by, &end), 2);
        assert_int_equal(behind[end], '\0');
        if (by != writer)
            continue;
        assert_true(number < most && !seen[number]);
        seen[number] = true;
        found++;
    }
    free(text);
    return found;
}

static unsigned count_lines(const char *path, unsigned most)
{
    bool *seen = calloc(most, sizeof *seen);
    assert_non_null(seen);
    unsigned found = read_lines(path, 0, seen, most);
    free(seen);
    return found;
}

static bool is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* Turns the loop until the file has `size` bytes or more; its timer brings it. The test's own time-out is the deadline. */
static void wait_for_size(struct fixture *f, const char *path, off_t size)
{
    struct stat status;
    while (stat(path, &status) != 0 || status.st_size < size)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void all_at_the_end(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 500; i++)
        add(f.log, 0, i, 10);
    close_log(&f);
    assert_int_equal(count_lines(f.path, 500), 500);
    assert_int_equal(f.counters.access_lines_dropped, 0);
    remove_folder(&f);
}

/* A few lines do not wait for more. */
static void soon(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    add(f.log, 0, 0, 0);
    wait_for_size(&f, f.path, 1);
    assert_int_equal(count_lines(f.path, 1), 1);
    add(f.log, 0, 1, 0);
    add(f.log, 0, 2, 0);
    close_log(&f);
    assert_int_equal(count_lines(f.path, 3), 3);
    remove_folder(&f);
}

/* Without a turn of the loop there is nobody to write: the buffers fill, the rest is counted, what was kept is whole. */
static void full_buffers(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 10000; i++)
        add(f.log, 0, i, 100); /* about 480 bytes: \x00 each */
    uint64_t dropped = f.counters.access_lines_dropped;
    assert_true(dropped > 0 && dropped < 10000);
    close_log(&f);
    assert_int_equal(count_lines(f.path, 10000), 10000 - dropped);
    assert_int_equal(f.counters.access_lines_dropped, dropped);
    remove_folder(&f);
}

/* Lines of 32 KiB, the longest there are. */
static void longest_lines(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 30; i++) {
        add(f.log, 0, i, 16384);
        if (i % 3 == 2)
            uv_run(&f.loop, UV_RUN_DEFAULT); /* until all is written */
    }
    close_log(&f);
    assert_int_equal(count_lines(f.path, 30), 30);
    remove_folder(&f);
}

/* ---- many writers ---- */

#define WRITERS   4
#define THEIR_OWN 20000

struct writer {
    struct fixture f;
    const char *path;
    int number;
};

static void *write_many(void *context)
{
    struct writer *writer = context;
    for (unsigned i = 0; i < THEIR_OWN; i++) {
        add(writer->f.log, writer->number, i, i % 97);
        if (i % 16 == 0)
            uv_run(&writer->f.loop, UV_RUN_NOWAIT);
    }
    close_log(&writer->f);
    return NULL;
}

static void writers_together(void **state)
{
    struct fixture f;
    static struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    bool *seen = calloc(THEIR_OWN, sizeof *seen);
    (void)state;
    open_folder(&f);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.number = i};
        strcpy(writers[i].f.path, f.path);
        assert_int_equal(open_log(&writers[i].f), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < WRITERS; i++) {
        memset(seen, 0, THEIR_OWN * sizeof *seen);
        assert_int_equal(read_lines(f.path, i, seen, THEIR_OWN) + writers[i].f.counters.access_lines_dropped, THEIR_OWN);
    }
    free(seen);
    remove_folder(&f);
}

/* ---- rotation ---- */

/* Lines before the reopening are in the old file, those behind it in the new one. */
static void rotation(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    add(f.log, 0, 0, 0);
    assert_int_equal(rename(f.path, f.moved), 0);
    access_log_reopen(f.log);
    while (!is_there(f.path))
        uv_run(&f.loop, UV_RUN_ONCE);
    add(f.log, 0, 1, 0);
    close_log(&f);
    bool seen[2] = {false, false};
    assert_int_equal(read_lines(f.moved, 0, seen, 2), 1);
    assert_true(seen[0]);
    assert_int_equal(read_lines(f.path, 0, seen, 2), 1);
    assert_true(seen[1]);
    remove_folder(&f);
}

/* Again and again, with writes under way. */
static void rotations_under_load(void **state)
{
    struct fixture f;
    bool *seen = calloc(100000, sizeof *seen);
    unsigned found = 0, files = 0;
    char names[64][64];
    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 100000; i++) {
        add(f.log, 0, i, 20);
        if (i % 2000 == 1000) {
            while (!is_there(f.path)) /* since the last one */
                uv_run(&f.loop, UV_RUN_ONCE);
            snprintf(names[files], sizeof names[files], "%s/%u", f.folder, files);
            assert_int_equal(rename(f.path, names[files++]), 0);
            access_log_reopen(f.log);
        }
        if (i % 5000 == 0)
            access_log_reopen(f.log); /* with the file where it was */
        if (i % 10 == 0)
            uv_run(&f.loop, UV_RUN_NOWAIT);
    }
    close_log(&f);
    for (unsigned i = 0; i < files; i++) {
        found += read_lines(names[i], 0, seen, 100000);
        unlink(names[i]);
    }
    assert_int_equal(files, 50);
    found += is_there(f.path) ? read_lines(f.path, 0, seen, 100000) : 0;
    assert_int_equal(found + f.counters.access_lines_dropped, 100000);
    free(seen);
    remove_folder(&f);
}

static void rotation_and_end(void **state)
{
    struct fixture f;
    bool seen[2] = {false, false};
    (void)state;
    open_fixture(&f);
    add(f.log, 0, 0, 0);
    assert_int_equal(rename(f.path, f.moved), 0);
    access_log_reopen(f.log); /* its write is under way */
    add(f.log, 0, 1, 0);
    close_log(&f);
    unsigned found = read_lines(f.moved, 0, seen, 2);
    found += is_there(f.path) ? read_lines(f.path, 0, seen, 2) : 0;
    assert_int_equal(found, 2);
    remove_folder(&f);
}

/* The folder is gone: lines go on to where they went. */
static void rotation_in_vain(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(rename(f.path, f.moved), 0);
    assert_int_equal(mkdir(f.path, 0700), 0);
    access_log_reopen(f.log);
    while (uv_run(&f.loop, UV_RUN_NOWAIT))
        ;
    add(f.log, 0, 0, 0);
    close_log(&f);
    assert_int_equal(count_lines(f.moved, 1), 1);
    assert_int_equal(rmdir(f.path), 0);
    remove_folder(&f);
}

/* ---- trouble ---- */

static void cannot_be_opened(void **state)
{
    struct fixture f;
    (void)state;
    open_folder(&f);
    assert_int_equal(access_log_check("/nowhere/log"), -ENOENT);
    assert_int_equal(access_log_check(f.folder), -EISDIR);
    assert_int_equal(access_log_check(f.path), 0);
    remove_folder(&f);
}

/* Lines are lost, and counted, until it can be. */
static void opened_later(void **state)
{
    struct fixture f;
    (void)state;
    open_folder(&f);
    assert_int_equal(mkdir(f.path, 0700), 0);
    assert_int_equal(open_log(&f), 0);
    add(f.log, 0, 0, 0);
    while (f.counters.access_lines_dropped == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    assert_int_equal(rmdir(f.path), 0);
    access_log_reopen(f.log);
    add(f.log, 0, 0, 0);
    close_log(&f);
    assert_int_equal(count_lines(f.path, 1), 1);
    assert_int_equal(f.counters.access_lines_dropped, 1);
    remove_folder(&f);
}

static void full_disk(void **state)
{
    struct fixture f;
    (void)state;
    open_folder(&f);
    char path[sizeof f.path];
    strcpy(path, f.path);
    strcpy(f.path, "/dev/full");
    assert_int_equal(open_log(&f), 0);
    for (unsigned i = 0; i < 1000; i++) {
        add(f.log, 0, i, 0);
        uv_run(&f.loop, UV_RUN_NOWAIT);
    }
    close_log(&f);
    assert_int_equal(f.counters.access_lines_dropped, 1000);
    strcpy(f.path, path);
    remove_folder(&f);
}

/* 200 lines into a file that takes 1,000 bytes, as if the disk were full then (RLIMIT_FSIZE cuts in the same way). */
static void tear(struct fixture *f)
{
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {1000, before.rlim_max};
    for (unsigned i = 0; i < 200; i++)
        add(f->log, 0, i, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    while (f->counters.access_lines_dropped == 0 || uv_loop_alive(&f->loop))
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* Takes the part of a line out that ends at 1,000 bytes: without it, all lines are whole. */
static void remove_torn(const char *path)
{
    char *text;
    size_t length;
    assert_int_equal(file_read(path, FILE_MOST, &text, &length), 0);
    assert_true(length >= 1000 && text[999] != '\n');
    const char *line = memrchr(text, '\n', 999);
    size_t before = (size_t)(line - text) + 1, behind = length > 1000 ? 1001 : 1000;
    assert_true(length == 1000 || text[1000] == '\n');
    FILE *out = fopen(path, "we");
    assert_int_equal(fwrite(text, 1, before, out) + fwrite(text + behind, 1, length - behind, out), before + length - behind);
    assert_int_equal(fclose(out), 0);
    free(text);
}

/* There is room again: what comes now begins on a new line. */
static void torn_line(void **state)
{
    struct fixture f;
    bool seen[400] = {false};
    (void)state;
    open_fixture(&f);
    tear(&f);
    uint64_t dropped = f.counters.access_lines_dropped;
    for (unsigned i = 200; i < 400; i++)
        add(f.log, 0, i, 0);
    close_log(&f);
    assert_int_equal(f.counters.access_lines_dropped, dropped);
    remove_torn(f.path);
    assert_int_equal(read_lines(f.path, 0, seen, 400) + dropped, 400);
    assert_true(seen[0] && seen[200] && seen[399]);
    remove_folder(&f);
}

/* A new file has no torn line to end. */
static void torn_line_and_rotation(void **state)
{
    struct fixture f;
    char *text;
    (void)state;
    open_fixture(&f);
    tear(&f);
    assert_int_equal(rename(f.path, f.moved), 0);
    access_log_reopen(f.log);
    while (uv_run(&f.loop, UV_RUN_NOWAIT))
        ;
    add(f.log, 0, 200, 0);
    close_log(&f);
    assert_int_equal(file_read(f.path, FILE_MOST, &text, NULL), 0);
    assert_int_equal(text[0], 'c');
    free(text);
    remove_folder(&f);
}

/* ---- pipes ---- */

/* What came through a pipe. */
struct reader {
    int fd;
    char *text;
    size_t length;
};

static void open_pipe(struct fixture *f, struct reader *reader)
{
    open_folder(f);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(access_log_check(f->path), -ENXIO);
    *reader = (struct reader){.fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .text = malloc(4 << 20)};
    assert_true(reader->fd >= 0 && reader->text);
    assert_int_equal(open_log(f), 0);
}

/* Takes what is there, 4 MiB in all; false when there was nothing. */
static bool read_some(struct reader *reader)
{
    ssize_t some = read(reader->fd, reader->text + reader->length, (4 << 20) - reader->length);
    reader->length += some > 0 ? (size_t)some : 0;
    return some > 0;
}

/* Adds until a line is dropped: how many that were. */
static unsigned fill(struct fixture *f)
{
    unsigned added = 0;
    for (; f->counters.access_lines_dropped == 0; added++) {
        add(f->log, 0, added, 20);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_true(added > 1000); /* the pipe's 64 KiB and one buffer of 128 KiB, at 146 bytes a line */
    return added;
}

/* What was read goes to a file, so that read_lines can judge it. */
static void check_read(struct fixture *f, struct reader *reader, unsigned added)
{
    bool *seen = calloc(added, sizeof *seen);
    assert_non_null(seen);
    assert_int_equal(unlink(f->path), 0);
    FILE *out = fopen(f->path, "we");
    assert_int_equal(fwrite(reader->text, 1, reader->length, out), reader->length);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(read_lines(f->path, 0, seen, added) + f->counters.access_lines_dropped, added);
    close(reader->fd);
    free(reader->text);
    free(seen);
}

/* Nobody reads for a while: the loop goes on, what fits is kept, the rest is counted, and nothing else is lost. */
static void slow_pipe(void **state)
{
    struct fixture f;
    struct reader reader;
    (void)state;
    open_pipe(&f, &reader);
    unsigned added = fill(&f);
    while (read_some(&reader) || uv_loop_alive(&f.loop))
        uv_run(&f.loop, UV_RUN_NOWAIT);
    add(f.log, 0, added, 0);
    close_log(&f);
    while (read_some(&reader))
        ;
    check_read(&f, &reader, added + 1);
    remove_folder(&f);
}

/* To the end of the pipe, in bites so small that the log is faster. */
static void *read_slowly(void *context)
{
    struct reader *reader = context;
    struct pollfd wait = {.fd = reader->fd, .events = POLLIN};
    ssize_t some = 1;
    while (poll(&wait, 1, -1) > 0 && (some > 0 || !(wait.revents & POLLHUP))) {
        some = read(reader->fd, reader->text + reader->length, 256);
        reader->length += some > 0 ? (size_t)some : 0;
    }
    return NULL;
}

/* The end waits for a reader that is slower than the log. */
static void slow_pipe_at_the_end(void **state)
{
    struct fixture f;
    struct reader reader;
    pthread_t thread;
    (void)state;
    open_pipe(&f, &reader);
    unsigned added = fill(&f);
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    close_log(&f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(f.counters.access_lines_dropped, 1);
    check_read(&f, &reader, added);
    remove_folder(&f);
}

/* ... but not for ever. */
static void stopped_pipe_at_the_end(void **state)
{
    struct fixture f;
    struct reader reader;
    (void)state;
    open_pipe(&f, &reader);
    unsigned added = fill(&f);
    close_log(&f);
    assert_true(f.counters.access_lines_dropped > 1);
    while (read_some(&reader))
        ;
    check_read(&f, &reader, added);
    remove_folder(&f);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_at_the_end),
        cmocka_unit_test(soon),
        cmocka_unit_test(full_buffers),
        cmocka_unit_test(longest_lines),
        cmocka_unit_test(writers_together),
        cmocka_unit_test(rotation),
        cmocka_unit_test(rotations_under_load),
        cmocka_unit_test(rotation_and_end),
        cmocka_unit_test(rotation_in_vain),
        cmocka_unit_test(cannot_be_opened),
        cmocka_unit_test(opened_later),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(torn_line),
        cmocka_unit_test(torn_line_and_rotation),
        cmocka_unit_test(slow_pipe),
        cmocka_unit_test(slow_pipe_at_the_end),
        cmocka_unit_test(stopped_pipe_at_the_end),
    };
    return cmocka_run_group_tests_name("access_log", tests, NULL, NULL);
}
