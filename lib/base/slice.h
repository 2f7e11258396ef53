/*
 * A piece of somebody else's text: where it begins and how long it is. No terminating NUL, no ownership.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *at;
    size_t length;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_is(struct slice slice, const char *text)
{
    size_t length = strlen(text);
    return slice.length == length && memcmp(slice.at, text, length) == 0;
}

/* ASCII letters of either case are the same: field names, codings, schemes. */
static inline bool slice_is_nocase(struct slice slice, const char *text)
{
    size_t length = strlen(text);
    return slice.length == length && strncasecmp(slice.at, text, length) == 0;
}

static inline bool slice_begins(struct slice slice, const char *text)
{
    size_t length = strlen(text);
    return slice.length >= length && memcmp(slice.at, text, length) == 0;
}

/* What is left behind the first `count` bytes. */
static inline struct slice slice_after(struct slice slice, size_t count)
{
    return (struct slice){slice.at + count, slice.length - count};
}

/* Spaces and tabs taken off both ends: OWS, RFC 9110 5.6.3. */
static inline struct slice slice_trim(struct slice slice)
{
    while (slice.length > 0 && (*slice.at == ' ' || *slice.at == '\t'))
        slice = slice_after(slice, 1);
    while (slice.length > 0 && (slice.at[slice.length - 1] == ' ' || slice.at[slice.length - 1] == '\t'))
        slice.length--;
    return slice;
}

/*
 * Takes the next member off a comma-separated list (RFC 9110 5.6.1), trimmed; empty members are passed over.
 * False when none is left.
 */
static inline bool slice_next_member(struct slice *list, struct slice *member)
{
    while (list->length > 0) {
        const char *comma = memchr(list->at, ',', list->length);
        size_t length = comma ? (size_t)(comma - list->at) : list->length;
        *member = slice_trim((struct slice){list->at, length});
        *list = slice_after(*list, comma ? length + 1 : length);
        if (member->length > 0)
            return true;
    }
    return false;
}

#endif
