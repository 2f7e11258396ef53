/* folder: the few things done to folders of results. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#include "folder.h"
#include "text.h"

static int make_one(const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -errno;
}

int folder_make(const char *path)
{
    char *part = text_copy(path);
    int result = 0;
    for (char *slash = strchr(part + 1, '/'); slash && !result; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        result = make_one(part);
        *slash = '/';
    }
    if (!result)
        result = make_one(part);
    free(part);
    return result;
}

/* Links are removed, never followed. */
static int remove_at(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        int error = errno;
        close(fd);
        return -error;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && unlinkat(fd, entry->d_name, 0) < 0 && errno == EISDIR)
            remove_at(fd, entry->d_name); /* what stays makes the rmdir below fail */
    closedir(folder);
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int folder_remove(const char *path)
{
    return remove_at(AT_FDCWD, path);
}

int folder_probe(const char *path)
{
    static const char nothing[65536];
    char *name = text_print("%s/probe.tmp", path);
    unsigned writes = 0;
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), result = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        result = file_write(fd, nothing, sizeof(nothing), sizeof(nothing), &writes);
        if (close(fd) < 0 && !result)
            result = -errno;
        if (unlink(name) < 0 && !result)
            result = -errno;
    }
    free(name);
    return result;
}

int folder_copy_file(const char *from, const char *to)
{
    char *text;
    size_t length;
    int result = file_read(from, 1u << 20, &text, &length);
    if (result < 0)
        return result;
    struct file_draft draft;
    result = file_draft(&draft, to);
    if (!result) {
        fwrite(text, 1, length, draft.out);
        result = file_commit(&draft);
    }
    free(text);
    return result;
}
