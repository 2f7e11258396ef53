/*
 * A copy of the program in the test's folder, which can be replaced while it runs, as an upgrade does.
 */
#include "scene.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of_copy(struct contract *contract, char path[CONTRACT_PATH])
{
    const char *slash = strrchr(contract->program, '/');
    contract_file(contract, slash ? slash + 1 : contract->program, path);
}

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
    char path[CONTRACT_PATH];
    path_of_copy(contract, path);
    copy_file(contract, contract->program, path);
    contract_file(contract, "real", path);
    copy_file(contract, contract->program, path);
}

void scene_replace_program(struct contract *contract, enum program_kind kind)
{
    char path[CONTRACT_PATH], fresh[CONTRACT_PATH];
    path_of_copy(contract, path);
    contract_file(contract, "new", fresh);
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
    case PROGRAM_FIRST_GATED:
        write_script(contract, fresh,
                     "#!/bin/sh\ncase $CLUSTERBENCH_WORKER in 0:*) ;; *) exit 1 ;; esac\n"
                     "while [ ! -e %s/gate ]; do sleep 0.02; done\nexec %s/real \"$@\"\n",
                     contract->folder, contract->folder);
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

bool scene_replace_program_by(struct contract *contract, const char *name)
{
    char path[CONTRACT_PATH], fresh[CONTRACT_PATH], other[CONTRACT_PATH];
    const char *slash = strrchr(contract->program, '/');
    int folder_length = slash ? (int)(slash + 1 - contract->program) : 0;
    snprintf(other, sizeof other, "%.*s%s", folder_length, contract->program, name);
    if (access(other, X_OK) != 0)
        return false;
    path_of_copy(contract, path);
    contract_file(contract, "new", fresh);
    copy_file(contract, other, fresh);
    CHECK(contract, rename(fresh, path) == 0, "%s: %s", path, strerror(errno));
    return true;
}

void scene_open_gate(struct contract *contract)
{
    char path[CONTRACT_PATH];
    contract_file(contract, "gate", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(contract, fd >= 0, "%s: %s", path, strerror(errno));
    close(fd);
}

bool scene_runs_program_on_disk(struct contract *contract, pid_t pid)
{
    char path[CONTRACT_PATH], link[64];
    struct stat on_disk, running;
    path_of_copy(contract, path);
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    CHECK(contract, stat(path, &on_disk) == 0, "%s: %s", path, strerror(errno));
    CHECK(contract, stat(link, &running) == 0, "%s: %s", link, strerror(errno));
    return on_disk.st_ino == running.st_ino && on_disk.st_dev == running.st_dev;
}

const char *scene_copied_program(struct contract *contract, char path[CONTRACT_PATH])
{
    if (contract->folder[0] == '\0')
        return NULL;
    path_of_copy(contract, path);
    return path;
}
