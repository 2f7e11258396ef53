/*
 * One character of percent-encoded text.
 */
#include "service/escape.h"

#include <errno.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20; /* lower case */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int escape_take(struct slice *text, bool *escaped)
{
    *escaped = *text->at == '%';
    if (!*escaped) {
        int plain = (unsigned char)*text->at;
        *text = slice_after(*text, 1);
        return plain;
    }
    int high = text->length > 2 ? hex_digit(text->at[1]) : -1, low = text->length > 2 ? hex_digit(text->at[2]) : -1;
    if (high < 0 || low < 0)
        return -EINVAL;
    *text = slice_after(*text, 3);
    return high << 4 | low;
}
