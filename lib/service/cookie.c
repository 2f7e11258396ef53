/*
 * Pairs between semicolons. Lenient: what is no pair is passed over (RFC 6265 5.4 leaves it to the server).
 */
#include "service/cookie.h"

static struct slice without_quotes(struct slice value)
{
    if (value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"')
        return (struct slice){value.at + 1, value.length - 2};
    return value;
}

bool cookie_value(struct slice field, const char *name, struct slice *value)
{
    while (field.length > 0) {
        const char *end = memchr(field.at, ';', field.length);
        size_t length = end ? (size_t)(end - field.at) : field.length;
        struct slice pair = slice_trim((struct slice){field.at, length});
        const char *equals = memchr(pair.at, '=', pair.length);
        if (equals && slice_is((struct slice){pair.at, (size_t)(equals - pair.at)}, name)) {
            *value = without_quotes(slice_after(pair, (size_t)(equals - pair.at) + 1));
            return true;
        }
        field = slice_after(field, end ? length + 1 : length);
    }
    return false;
}
