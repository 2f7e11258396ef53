/*
 * text: strings on the heap and lists of names, with the one place that gives up when memory ends.
 *
 * A misspelt name is answered with the nearest one that exists (edit distance of Wagner and Fischer, 1974), so that a
 * message helps instead of only refusing.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void *or_give_up(void *block)
{
    if (block)
        return block;
    fputs("clusterbench: out of memory\n", stderr);
    exit(2); /* 1 says "worse" of compare */
}

void *memory_get(size_t size)
{
    return or_give_up(calloc(1, size ? size : 1));
}

void *memory_grow(void *block, size_t size)
{
    return or_give_up(realloc(block, size ? size : 1));
}

char *text_copy(const char *text)
{
    return or_give_up(strdup(text));
}

char *text_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return or_give_up(length < 0 ? NULL : text);
}

void text_replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

char *text_tame(char *text)
{
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return text;
}

static size_t more_bytes(unsigned char first)
{
    return first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
}

/* Bytes of the character that begins here; 0 when it is a control character or malformed (RFC 3629, section 4). */
static size_t harmless_length(const unsigned char *at)
{
    size_t more = more_bytes(*at);
    if (!more)
        return *at >= ' ' && *at < 127;
    unsigned char least = *at == 0xc2 || *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80; /* C2 80..9F is C1 */
    unsigned char most = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    for (size_t i = 2; i <= more; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return more + 1;
}

char *text_clean(char *text)
{
    for (char *at = text; *at;) {
        size_t length = harmless_length((const unsigned char *)at);
        if (!length)
            *at = '?';
        at += length ? length : 1;
    }
    return text;
}

char *text_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

void names_add(struct names *names, const char *name)
{
    names->items = memory_grow(names->items, (names->count + 1) * sizeof(*names->items));
    names->items[names->count++] = text_copy(name);
}

static void split_at(struct names *names, const char *text, const char *between)
{
    char *copy = text_copy(text), *rest = copy;
    for (char *part; (part = strsep(&rest, between));)
        if (*part)
            names_add(names, part);
    free(copy);
}

void names_split(struct names *names, const char *text)
{
    split_at(names, text, ", \t\n");
}

void text_words(struct names *names, const char *text)
{
    split_at(names, text, " \t\n");
}

bool names_hold(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->items[i], name))
            return true;
    return false;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct names){0};
}

char *names_join(const struct names *names, const char *between)
{
    char *text = text_copy("");
    for (size_t i = 0; i < names->count; i++)
        text_replace(&text, text_print("%s%s%s", text, i ? between : "", names->items[i]));
    return text;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to put in, take out or change to make one word of the other. */
static size_t edits(const char *from, const char *to)
{
    size_t width = strlen(to), *row = memory_get((width + 1) * sizeof(*row));
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; from[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t change = diagonal + (from[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(change, 1 + least(row[j], diagonal));
        }
    }
    size_t distance = row[width];
    free(row);
    return distance;
}

const char *names_nearest(const struct names *names, const char *word)
{
    const char *nearest = NULL;
    size_t best = 2 + strlen(word) / 3;
    for (size_t i = 0; i < names->count; i++) {
        size_t distance = edits(word, names->items[i]);
        if (distance < best) {
            best = distance;
            nearest = names->items[i];
        }
    }
    return nearest;
}

char *names_hint(const struct names *names, const char *word)
{
    const char *nearest = names_nearest(names, word);
    return nearest ? text_print(" (did you mean '%s'?)", nearest) : text_copy("");
}
