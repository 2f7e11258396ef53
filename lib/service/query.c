/*
 * The query component, as forms write it: pairs between '&', escapes with '%', '+' for a blank.
 */
#include "service/query.h"

#include <errno.h>

bool query_value(struct slice query, const char *name, struct slice *value)
{
    while (query.length > 0) {
        const char *end = memchr(query.at, '&', query.length);
        struct slice pair = {query.at, end ? (size_t)(end - query.at) : query.length};
        const char *equals = memchr(pair.at, '=', pair.length);
        struct slice key = {pair.at, equals ? (size_t)(equals - pair.at) : pair.length};
        if (slice_is(key, name)) {
            *value = slice_after(pair, equals ? key.length + 1 : key.length);
            return true;
        }
        query = slice_after(query, end ? pair.length + 1 : pair.length);
    }
    return false;
}

int query_choice(struct slice value, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (slice_is(value, choices[i]))
            return i;
    return -1;
}

static int hexadecimal(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20; /* lower case */
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte that `value` begins with, and how many of its characters say so; -EINVAL. */
static int next_byte(struct slice value, size_t *characters)
{
    *characters = 1;
    if (value.at[0] == '+')
        return ' ';
    if (value.at[0] != '%')
        return (unsigned char)value.at[0];
    int high = value.length > 2 ? hexadecimal(value.at[1]) : -1, low = value.length > 2 ? hexadecimal(value.at[2]) : -1;
    *characters = 3;
    return high < 0 || low < 0 ? -EINVAL : high * 16 + low;
}

long query_decode(struct slice value, char *text, size_t size)
{
    size_t length = 0, characters;
    for (; value.length > 0; value = slice_after(value, characters), length++) {
        int byte = next_byte(value, &characters);
        if (byte < 0)
            return byte;
        if (length < size)
            text[length] = (char)byte;
    }
    return (long)length;
}
