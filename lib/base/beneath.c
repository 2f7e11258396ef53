/*
 * The kernel is asked to stay below the folder (openat2(2), Linux 5.6). To look at a path first and open it then would leave time
 * to put a link in its place. Older kernels go step by step, each step a folder that is held open.
 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AGAIN_MOST 8 /* openat2 gives up with EAGAIN when somebody renames folders meanwhile */

/* The folder `name` in `folder`, no link; -ENOTDIR and -ELOOP for anything else. */
static int enter(int folder, const char *name, size_t length)
{
    char component[NAME_MAX + 1];
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    if (length == 0 || (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
        return -EXDEV;
    memcpy(component, name, length);
    component[length] = '\0';
    int fd = openat(folder, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int beneath_open_stepwise(int root, const char *path, int flags)
{
    int folder = root, fd = 0;
    const char *slash;
    for (; fd >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        fd = enter(folder, path, (size_t)(slash - path));
        if (folder != root)
            close(folder);
        folder = fd;
    }
    if (fd < 0)
        return fd;
    if (strcmp(path, "..") == 0)
        fd = -EXDEV;
    else if ((fd = openat(folder, path, flags | O_NOFOLLOW | O_CLOEXEC)) < 0)
        fd = -errno;
    if (folder != root)
        close(folder);
    return fd;
}

static int ask_kernel(int root, const char *path, int flags, unsigned links)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | links};
    int fd, tries = 0;
    do
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how); /* the C library has no name for it yet */
    while (fd < 0 && errno == EAGAIN && ++tries < AGAIN_MOST);
    return fd < 0 ? -errno : fd;
}

/* The name by which the kernel knows it, without any link. proc(5) */
static int real_name(int fd, char name[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, PATH_MAX);
    if (length < 0)
        return -errno;
    if (length == PATH_MAX)
        return -ENAMETOOLONG;
    name[length] = '\0';
    return 0;
}

/* 0 when no component of the file's real name behind the root's begins with a dot. */
static int check_hidden(int root, int fd)
{
    char top[PATH_MAX], name[PATH_MAX];
    int error = real_name(root, top);
    if (!error)
        error = real_name(fd, name);
    if (error)
        return error;
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(name, top, length) != 0 || name[length] != '/')
        return -EXDEV;
    return strstr(name + length, "/.") ? -EXDEV : 0;
}

/* The path as such is the caller's; where its links lead is known behind the open only. */
static int follow_links(int root, const char *path, int flags)
{
    int fd = ask_kernel(root, path, flags, RESOLVE_NO_MAGICLINKS);
    int error = fd < 0 ? fd : check_hidden(root, fd);
    if (!error)
        return fd;
    if (fd >= 0)
        close(fd);
    return error;
}

int beneath_open(int root, const char *path, int flags)
{
    int fd = ask_kernel(root, path, flags, RESOLVE_NO_SYMLINKS);
    if (fd == -ELOOP)
        return follow_links(root, path, flags);
    if (fd == -ENOSYS || fd == -EPERM) /* EPERM: a container's filter that does not know the call */
        return beneath_open_stepwise(root, path, flags);
    return fd;
}
