/*
 * The query component, as forms write it: pairs between '&', escapes with '%', '+' for a blank.
 */
#include "service/query.h"

#include "service/escape.h"

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

long query_decode(struct slice value, char *text, size_t size)
{
    size_t length = 0;
    for (; value.length > 0; length++) {
        bool escaped;
        int c = escape_take(&value, &escaped);
        if (c < 0)
            return c;
        if (length < size)
            text[length] = c == '+' && !escaped ? ' ' : (char)c;
    }
    return (long)length;
}
