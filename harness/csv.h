/*
 * Reads the CSV files of a cell (docs/formats.md): a heading, then rows of plain or quoted fields. A row that is cut short has
 * fewer fields.
 */
#ifndef HARNESS_CSV_H
#define HARNESS_CSV_H

#include <stdbool.h>

#define CSV_FIELDS_MOST 16u

struct csv {
    char *text, *rest;
    char *fields[CSV_FIELDS_MOST];
    unsigned count;
};

/* Reads the file, its heading included. 0 (end with csv_close) or negative errno. */
int csv_open(struct csv *csv, const char *path);
void csv_close(struct csv *csv);

/* The next row; false behind the last. */
bool csv_next(struct csv *csv);

/* A field of the row, from 0: its text, "" when it is missing; its number, false when it is none. */
const char *csv_text(const struct csv *csv, unsigned field);
bool csv_number(const struct csv *csv, unsigned field, double *number);

#endif
