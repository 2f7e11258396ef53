/*
 * Small texts and lists of names. Memory comes from the heap and the caller frees it; running out of memory ends the
 * program with one line and status 2: its children die with it (PR_SET_PDEATHSIG) and drafts never stand under a final name.
 */
#ifndef HARNESS_TEXT_H
#define HARNESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory; the same block grown to `size` bytes (what is new is not zeroed). */
void *memory_get(size_t size);
void *memory_grow(void *block, size_t size);

char *text_copy(const char *text);
char *text_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts a new text where *text points, freeing the old one. */
void text_replace(char **text, char *with);

/* Puts '?' for each byte that is not printable ASCII: what a foreign program printed may go to a terminal, JSON and HTML. Returns
 * `text`. */
char *text_tame(char *text);

/* Puts '?' for each byte of a control character (C0, DEL, C1: escape sequences of terminals and ends of lines are made of them) and
 * for each that is no well-formed UTF-8 (RFC 3629): what a results folder says may go to a terminal, HTML, CSV and gnuplot. What
 * people write in any language stays. Returns `text`. */
char *text_clean(char *text);

/* Cuts white space off both ends, in place; returns the first character that is left. */
char *text_trim(char *text);

struct names {
    char **items;
    size_t count;
};

void names_add(struct names *names, const char *name);
/* Adds the parts of "a, b c" (commas or white space between them). */
void names_split(struct names *names, const char *text);
/* Adds the words of a command line: white space between them, nothing else cuts. */
void text_words(struct names *names, const char *text);
bool names_hold(const struct names *names, const char *name);
void names_free(struct names *names);

/* "a, b, c", for messages. The caller frees. */
char *names_join(const struct names *names, const char *between);

/* The name with the fewest edits to `word`, where that is few enough to be a slip of the pen; else NULL. */
const char *names_nearest(const struct names *names, const char *word);

/* " (did you mean 'x'?)" or "". The caller frees. */
char *names_hint(const struct names *names, const char *word);

#endif
