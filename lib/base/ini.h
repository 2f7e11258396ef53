/*
 * INI text, line by line: sections, keys, values.
 *
 *   # a comment
 *   [section]
 *   key = the rest of the line, as it stands
 *
 * A line may be as long as it likes, and a value may hold anything but line ends and other control characters: a '#' or ';' begins
 * a comment at the beginning of a line only. White space around lines, names and values does not count, except where the reader
 * lets long values go on: there a line that is indented more than the key before it is more of its value, whatever it looks like,
 * comments excepted. (Why not inih: its lines have 198 bytes in Debian, it cuts values at " ;", and it says nothing of a section
 * without keys.)
 */
#ifndef BASE_INI_H
#define BASE_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_WHY_SIZE 160

struct ini {
    char *at, *end;
    unsigned line;      /* the number of the last one looked at */
    bool values_go_on;  /* set by the reader after ini_begin: indented lines are more of the value before them */
    bool value_is_open; /* a key was the last item of this section */
    size_t indent;      /* of that key */
};

struct ini_item {
    char *name;  /* NULL: more of the value of the key before */
    char *value; /* NULL: `name` is a section's */
};

/* Begins to read `length` bytes of text and one more, which is written to. The text is cut up in place and outlives the items. */
void ini_begin(struct ini *ini, char *text, size_t length);

/* The next item: 1. 0 at the end; -EINVAL with one clause in `why` (INI_WHY_SIZE bytes) about the line ini->line. */
int ini_next(struct ini *ini, struct ini_item *item, char *why);

#endif
