/* Whole files: read with a limit, and written so that the final name never shows a half of them. */
#include "support.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_file.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a draft was left */
}

static int entries(void)
{
    DIR *dir = opendir(folder);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void expect_text(const char *expected)
{
    char *text;
    size_t length;

    assert_int_equal(file_read(path, 1 << 20, &text, &length), 0);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(text, expected);
    free(text);
}

static void write_text(const char *text)
{
    struct file_draft draft;

    assert_int_equal(file_draft(&draft, path), 0);
    assert_true(fputs(text, draft.out) >= 0);
    assert_int_equal(file_commit(&draft), 0);
}

static void written_and_read(void **state)
{
    (void)state;
    write_text("first\n");
    expect_text("first\n");
    write_text("");
    expect_text("");
    assert_int_equal(entries(), 1);
}

static void limits_of_reading(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8191, 8192, 100000};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        char *bytes = calloc(1, sizes[i] + 1), *text = NULL;
        size_t length = 0;

        assert_non_null(bytes);
        memset(bytes, 'x', sizes[i]);
        write_text(bytes);
        assert_int_equal(file_read(path, sizes[i], &text, &length), 0);
        assert_int_equal(length, sizes[i]);
        assert_string_equal(text, bytes);
        free(text);
        if (sizes[i] > 0)
            assert_int_equal(file_read(path, sizes[i] - 1, &text, &length), -EFBIG);
        free(bytes);
    }
}

static void proc_has_no_size(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(file_read("/proc/self/status", 1 << 20, &text, NULL), 0);
    assert_non_null(strstr(text, "Pid:"));
    free(text);
}

static void read_errors(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(file_read(path, 100, &text, NULL), -ENOENT);
    assert_int_equal(file_read(folder, 100, &text, NULL), -EISDIR);
}

static void nothing_before_the_commit(void **state)
{
    struct file_draft draft;

    (void)state;
    write_text("old");
    assert_int_equal(file_draft(&draft, path), 0);
    assert_true(fputs("new", draft.out) >= 0);
    assert_int_equal(fflush(draft.out), 0);
    expect_text("old");
    assert_int_equal(entries(), 2);
    file_discard(&draft);
    expect_text("old");
    assert_int_equal(entries(), 1);
}

/* A failed write, seen at the latest by the commit, leaves the old file and no draft. */
static void failed_write_commits_nothing(void **state)
{
    struct file_draft draft;

    (void)state;
    write_text("old");
    assert_int_equal(file_draft(&draft, path), 0);
    draft.out = freopen("/dev/full", "w", draft.out);
    assert_non_null(draft.out);
    assert_true(fputs("new", draft.out) >= 0);
    assert_int_equal(file_commit(&draft), -ENOSPC);
    expect_text("old");
    assert_int_equal(entries(), 1);
}

static void a_device_is_written_to_and_stays(void **state)
{
    struct file_draft draft;
    struct stat status;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(file_draft(&draft, path), 0);
    assert_true(fputs("new", draft.out) >= 0);
    assert_int_equal(file_commit(&draft), 0);
    char text[8] = "";
    assert_int_equal(read(reader, text, sizeof(text)), 3);
    assert_string_equal(text, "new");
    close(reader);
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(entries(), 1);
}

static void a_link_stays_a_link(void **state)
{
    struct file_draft draft;
    struct stat status;
    char target[sizeof(path) + 8];

    (void)state;
    snprintf(target, sizeof(target), "%s.target", path);
    FILE *file = fopen(target, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(file_draft(&draft, path), 0);
    assert_true(fputs("new", draft.out) >= 0);
    assert_int_equal(file_commit(&draft), 0);
    expect_text("new");
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(unlink(target), 0);
}

static void draft_of_a_folder(void **state)
{
    struct file_draft draft;

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_draft(&draft, path), -EISDIR);
    assert_int_equal(entries(), 1);
    assert_int_equal(rmdir(path), 0);
}

static void draft_in_no_folder(void **state)
{
    struct file_draft draft;

    (void)state;
    assert_int_equal(file_draft(&draft, "/no/such/folder/file"), -ENOENT);
}

static void json_documents(void **state)
{
    json_t *json = json_pack("{s:i,s:f,s:[s,b]}", "z", 1, "a", 0.1, "list", "text", 1);

    (void)state;
    assert_non_null(json);
    assert_int_equal(file_write_json(path, json), 0);
    expect_text("{\n  \"z\": 1,\n  \"a\": 0.1,\n  \"list\": [\n    \"text\",\n    true\n  ]\n}\n");
    assert_int_equal(file_write_json("/no/such/folder/file", json), -ENOENT);
    json_decref(json);
}

#define file_test(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(written_and_read),
        file_test(limits_of_reading),
        file_test(proc_has_no_size),
        file_test(read_errors),
        file_test(nothing_before_the_commit),
        file_test(failed_write_commits_nothing),
        file_test(a_device_is_written_to_and_stays),
        file_test(a_link_stays_a_link),
        file_test(draft_of_a_folder),
        file_test(draft_in_no_folder),
        file_test(json_documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
