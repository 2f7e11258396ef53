/*
 * What the fuzz targets share.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static char *copy_out(const uint8_t *at, size_t length)
{
    char *copy = malloc(length + 1);
    fuzz_require(copy != NULL);
    memcpy(copy, at, length);
    copy[length] = '\0';
    return copy;
}

char *fuzz_line(struct fuzz_input *input)
{
    const uint8_t *end = input->left ? memchr(input->at, '\n', input->left) : NULL;
    size_t length = end ? (size_t)(end - input->at) : input->left;
    char *line = length ? copy_out(input->at, length) : copy_out((const uint8_t *)"", 0);
    size_t taken = length + (end ? 1 : 0);
    input->at += taken;
    input->left -= taken;
    return line;
}

char *fuzz_rest(struct fuzz_input *input, size_t *length)
{
    *length = input->left;
    return copy_out(input->left ? input->at : (const uint8_t *)"", input->left);
}

bool fuzz_is_string(const uint8_t *data, size_t size)
{
    return size == 0 || !memchr(data, '\0', size);
}

/* Mostly short pieces: that is where things break. */
size_t fuzz_cut(struct fuzz_cuts *cuts, size_t left)
{
    cuts->state = cuts->state * 1664525 + 1013904223;
    uint32_t most = cuts->state >> 30 == 0 ? 4096 : cuts->state >> 30 == 1 ? 64 : 4;
    size_t length = 1 + (cuts->state >> 8) % most;
    return length < left ? length : left;
}

void fuzz_open_file(struct fuzz_file *file, const char *text, size_t length)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_require(file->fd >= 0);
    while (length > 0) {
        ssize_t written = write(file->fd, text, length);
        fuzz_require(written > 0 || errno == EINTR);
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

void fuzz_close_file(struct fuzz_file *file)
{
    fuzz_require(close(file->fd) == 0);
}

bool fuzz_is_message(const char *message)
{
    return *message && !strchr(message, '\n');
}
