/*
 * Files: read a whole one, write one so that its final name never holds half of it (a temporary name beside it, then rename),
 * write to a descriptor until all is written.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* The whole file with a NUL behind it (works for /proc, too). `length` may be NULL. The caller frees *text. 0 or negative errno;
 * -EFBIG beyond `limit` bytes. */
int file_read(const char *path, size_t limit, char **text, size_t *length);

/*
 * The same for what a person names: a FIFO, too, or a shell's <(...). -ETIMEDOUT when nobody has written into it for so long: a
 * FIFO may have no writer at all.
 */
int file_read_within(const char *path, size_t limit, int wait_ms, char **text, size_t *length);

struct file_draft {
    FILE *out;               /* write here; errors are seen by file_commit */
    char *path, *draft_path; /* no draft_path: PATH is no plain file and is written to directly */
};

/*
 * Opens PATH.tmp-PID for writing; PATH itself when that is a device, a pipe or the like, which a rename would destroy.
 * 0 or negative errno. End with exactly one of commit (rename to PATH) or discard; both free it.
 */
int file_draft(struct file_draft *draft, const char *path);
int file_commit(struct file_draft *draft); /* 0, or negative errno: then PATH is as it was */
void file_discard(struct file_draft *draft);

/* A whole JSON document by the way above, indented, with a newline at its end. "-" is stdout. 0 or negative errno. */
int file_write_json(const char *path, const json_t *json);

/*
 * Writes all of it, in pieces of at most `piece` bytes; what the kernel does not take at once is written again. *writes grows by
 * the calls that took something. 0 or a negative errno.
 */
int file_write(int fd, const char *text, size_t length, size_t piece, unsigned *writes);

#endif
