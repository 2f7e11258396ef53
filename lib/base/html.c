/*
 * Text for HTML and SVG.
 */
#include "base/html.h"

#define REPLACEMENT "&#xfffd;" /* control characters are no text of HTML, not even as references */

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
    case 127:
        return REPLACEMENT;
    default:
        return character >= 0 && character < ' ' && character != '\n' && character != '\t' ? REPLACEMENT : NULL;
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
