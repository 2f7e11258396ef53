/*
 * What is made from option tables besides a parser: --help, a manual page, completion for bash. Programs need options.h only;
 * this is between options.c and options_document.c.
 */
#ifndef BASE_OPTIONS_DOCUMENT_H
#define BASE_OPTIONS_DOCUMENT_H

#include <stdio.h>

#include "base/options.h"

#define OPTION_ALLOWED_SIZE 256

/* ---- options.c ---- */

/* A row together with the struct it fills in; fields NULL: one of the options every program has. */
struct option_found {
    const struct option_spec *spec;
    void *fields;
};

/* Steps through all rows of all tables, those every program has coming last; starts as {0}. */
struct option_cursor {
    size_t table, row;
};

bool options_next_row(const struct option_program *program, struct option_cursor *cursor, struct option_found *found);
bool options_find_letter(const struct option_program *program, char letter, struct option_found *found);
bool options_find_name(const struct option_program *program, const char *name, size_t length, struct option_found *found);

/* What the row allows: in its own words, else its range or choices; "" when any value of its type will do. May be put into
 * `text` (OPTION_ALLOWED_SIZE). */
const char *options_allowed(const struct option_spec *spec, char *text);

/* ---- options_document.c ---- */

void options_print_help(const struct option_program *program, FILE *out);
/* man(7), for groff and mandoc. */
void options_print_man(const struct option_program *program, FILE *out);
/* To be sourced by bash 4 or later. */
void options_print_bash(const struct option_program *program, FILE *out);

#endif
