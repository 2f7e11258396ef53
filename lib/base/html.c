/*
 * Text for HTML and SVG.
 */
#include "base/html.h"

static const char *reference_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void html_print_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *reference = reference_of(*text);
        if (reference)
            fputs(reference, out);
        else
            fputc(*text, out);
    }
}
