/*
 * Text for HTML and SVG.
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include <stdio.h>

/* Prints `text` so that it stands for itself between tags and inside quoted attributes (HTML Living Standard, 13.1.2.3): &, <, >
 * and " become character references; control characters but for tabs and ends of lines become U+FFFD. Errors are the stream's. */
void html_print_text(FILE *out, const char *text);

#endif
