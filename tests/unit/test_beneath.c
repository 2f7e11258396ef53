/*
 * Opening below a folder: what lies there is opened, every way out is not - by the kernel's own rule and by the older way step by
 * step, which a seccomp filter makes the only one.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/beneath.h"

static char top[64];
static int root;

static const char *const folders[] = {"root", "root/a", "root/a/b", "root/.git", "outside"};
static const char *const files[] = {"root/file", "root/a/b/deep", "root/a/.hidden", "root/.git/config", "outside/secret"};
static const struct {
    const char *name, *target;
} links[] = {
    {"root/link", "file"},
    {"root/a/up", "../file"},
    {"root/out", "../outside/secret"},
    {"root/folder-out", "../outside"},
    {"root/absolute", "/etc/passwd"},
    {"root/inside-absolute", NULL}, /* root/file by its absolute name */
    {"root/magic", "/proc/self/fd/0"},
    {"root/round", "round"},
    {"root/nowhere", "missing"},
    {"root/to-hidden", "a/.hidden"},
    {"root/to-folder", ".git"},
    {"root/a/again", "../to-hidden"},
};

static char *name_of(char *path, const char *name)
{
    snprintf(path, 256, "%s/%s", top, name);
    return path;
}

static int set_up(void **state)
{
    char path[256], target[256];
    (void)state;
    strcpy(top, "/tmp/test_beneath.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    for (size_t i = 0; i < LENGTH_OF(folders); i++)
        if (mkdir(name_of(path, folders[i]), 0700) != 0)
            return -1;
    for (size_t i = 0; i < LENGTH_OF(files); i++)
        if (close(open(name_of(path, files[i]), O_WRONLY | O_CREAT | O_EXCL, 0600)) != 0)
            return -1;
    for (size_t i = 0; i < LENGTH_OF(links); i++)
        if (symlink(links[i].target ? links[i].target : name_of(target, "root/file"), name_of(path, links[i].name)) != 0)
            return -1;
    if (mkfifo(name_of(path, "root/fifo"), 0600) != 0)
        return -1;
    root = open(name_of(path, "root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    char path[256];
    int error = close(root);
    (void)state;
    error |= unlink(name_of(path, "root/fifo"));
    for (size_t i = 0; i < LENGTH_OF(links); i++)
        error |= unlink(name_of(path, links[i].name));
    for (size_t i = 0; i < LENGTH_OF(files); i++)
        error |= unlink(name_of(path, files[i]));
    for (size_t i = LENGTH_OF(folders); i-- > 0;)
        error |= rmdir(name_of(path, folders[i]));
    return error | rmdir(top);
}

#define EITHER 1 /* refused, whatever the errno */

static const struct {
    const char *path;
    int kernel, stepwise; /* 0, a negative errno, or EITHER */
} table[] = {
    {"file", 0, 0},
    {"a/b/deep", 0, 0},
    {"fifo", 0, 0}, /* opens without a writer: the caller asked for O_NONBLOCK */
    {"a/b", 0, 0},
    {"link", 0, -ELOOP},
    {"a/up", 0, -ELOOP},
    {"out", -EXDEV, -ELOOP},
    {"folder-out/secret", -EXDEV, EITHER},
    {"absolute", -EXDEV, -ELOOP},
    {"inside-absolute", -EXDEV, -ELOOP},
    {"magic", EITHER, -ELOOP},
    {"round", -ELOOP, -ELOOP},
    {"nowhere", -ENOENT, -ELOOP},
    {"a/.hidden", 0, 0}, /* asked for by that name: the caller's to refuse */
    {"to-hidden", -EXDEV, -ELOOP},
    {"to-folder/config", -EXDEV, EITHER},
    {"a/again", -EXDEV, -ELOOP},
    {"missing", -ENOENT, -ENOENT},
    {"missing/file", -ENOENT, -ENOENT},
    {"file/below", -ENOTDIR, EITHER},
    {"..", -EXDEV, -EXDEV},
    {"../outside/secret", -EXDEV, -EXDEV},
    {"a/../../outside/secret", -EXDEV, -EXDEV},
    {"/etc/passwd", -EXDEV, -EXDEV},
    {"", -ENOENT, -ENOENT},
};

static bool is_as_wanted(int (*opener)(int, const char *, int), const char *path, int wanted)
{
    int fd = opener(root, path, O_RDONLY | O_NONBLOCK);
    bool good = wanted == EITHER ? fd < 0 : wanted == 0 ? fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC : fd == wanted;
    if (!good)
        print_error("'%s': %d, wanted %d\n", path, fd, wanted);
    if (fd >= 0)
        close(fd);
    return good;
}

static void test_by_the_kernel(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++)
        assert_true(is_as_wanted(beneath_open, table[i].path, table[i].kernel));
}

static void test_stepwise(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++)
        assert_true(is_as_wanted(beneath_open_stepwise, table[i].path, table[i].stepwise));
}

static void test_long_component(void **state)
{
    char path[600];
    (void)state;
    memset(path, 'a', sizeof path);
    path[300] = '/';
    path[sizeof path - 1] = '\0';
    assert_true(is_as_wanted(beneath_open, path, -ENAMETOOLONG));
    assert_true(is_as_wanted(beneath_open_stepwise, path, -ENAMETOOLONG));
}

/* openat2 fails with `error` from now on, in this process. */
static int forbid_openat2(unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH_OF(filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
}

enum { AS_WANTED, OTHERWISE, NO_FILTERS };

static int try_without_openat2(unsigned error)
{
    if (forbid_openat2(error) != 0)
        return NO_FILTERS;
    for (size_t i = 0; i < LENGTH_OF(table); i++)
        if (!is_as_wanted(beneath_open, table[i].path, table[i].stepwise))
            return OTHERWISE;
    return AS_WANTED;
}

static void test_kernels_without_openat2(void **state)
{
    static const unsigned errors[] = {ENOSYS, EPERM};
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(try_without_openat2(errors[i]));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == NO_FILTERS)
            skip();
        assert_int_equal(WEXITSTATUS(status), AS_WANTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_the_kernel),
        cmocka_unit_test(test_stepwise),
        cmocka_unit_test(test_long_component),
        cmocka_unit_test(test_kernels_without_openat2),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
