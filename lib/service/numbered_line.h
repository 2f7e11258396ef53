/*
 * The lines of /append: each says who wrote it, as which of its lines, how long it is, and a checksum, so that a reader can tell
 * for certain whether it came through whole and which ones are missing:
 *
 *   worker=3 pid=4711 life=1 line=17 length=0000020480 sum=89abcdef01234567 TEXT
 *
 * `length` counts all bytes of the line with its newline; `sum` is FNV-1a, 64 bits, over all of them but itself and the newline.
 * PURE: no file is touched.
 */
#ifndef SERVICE_NUMBERED_LINE_H
#define SERVICE_NUMBERED_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct numbered_line {
    unsigned worker;
    int pid;
    unsigned life;   /* of that worker in this run of the program, from 0 on */
    uint64_t number; /* from 1 on, in this life */
};

#define NUMBERED_LINE_HEAD_MOST 120 /* bytes of the longest head */

/* Writes the head of a line whose text has that many bytes into `out` (NUMBERED_LINE_HEAD_MOST); returns how long it is: the text
 * goes behind it. */
size_t numbered_line_begin(const struct numbered_line *line, size_t text_length, char *out);

/* Head and text are there, `length` bytes with room for a newline as the last: fills in the sum and that newline. */
void numbered_line_seal(char *out, size_t length);

/* Is this line (without its newline) whole? Then *line is filled in. */
bool numbered_line_read(struct slice text, struct numbered_line *line);

#endif
