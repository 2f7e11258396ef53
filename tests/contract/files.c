/*
 * contract_files: does a server program serve files, and write lines, as all strategies do?
 */
#include "files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_ROW(name, needs) {#name, test_##name, needs},
static const struct suite_test files_tests[] = {FILES_TESTS(FILES_ROW)};

static const struct suite files_suite = {
    .name = "contract_files",
    .summary = "Starts PROGRAM with --root and --append-file and judges what it does with files.\n",
    .tests = files_tests,
    .count = sizeof files_tests / sizeof files_tests[0],
};

int main(int argc, char **argv)
{
    return suite_main(&files_suite, argc, argv);
}

char *files_path(struct contract *contract, const char *name, char path[CONTRACT_PATH])
{
    contract_file(contract, name, path);
    return path;
}

void files_write(struct contract *contract, const char *name, const char *text, size_t length)
{
    char path[CONTRACT_PATH];
    int fd = open(files_path(contract, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(contract, fd >= 0, "%s: %s", path, strerror(errno));
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        CHECK(contract, written > 0, "%s: %s", path, strerror(errno));
        text += written;
        length -= (size_t)written;
    }
    close(fd);
}

/* Its own place and its page's number, mixed: a piece in the wrong place is seen. */
unsigned char files_byte(size_t offset)
{
    return (unsigned char)(offset * 31 + (offset >> 12) * 17 + (offset >> 20));
}

void files_make(struct contract *contract, const char *name, size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    CHECK(contract, bytes != NULL, "out of memory");
    for (size_t i = 0; i < size; i++)
        bytes[i] = files_byte(i);
    files_write(contract, name, (char *)bytes, size);
    free(bytes);
}

void files_send_get(struct client *client, const char *path, const char *fields)
{
    client_print(client, "GET %s HTTP/1.1\r\nHost: contract\r\n%s\r\n", path, fields);
}
