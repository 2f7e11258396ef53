/*
 * Times and sizes as people write them: `250us`, `5ms`, `1.5s`, `2m`, `1h`, also `100ns`; `512`, `64k`, `1m`, `1g` (powers of
 * 1024, capitals too). A time without a unit is refused, so that nobody has to guess what 5 means; a plain 0 is allowed.
 * Nothing is rounded: `1.5k` is 1536 bytes, `1.5` is no size.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Parse exactly `length` bytes of `text`. Return 0, -EINVAL for what is no such thing, -ERANGE when it does not fit; then the
 * result is left alone. */
int units_parse_time(const char *text, size_t length, uint64_t *ns);
int units_parse_size(const char *text, size_t length, uint64_t *bytes);

/* Whole numbers, decimal, with an optional k, m or g meaning 10^3, 10^6, 10^9: requests and rates are counted so. */
int units_parse_count(const char *text, size_t length, uint64_t *count);

/* A plain decimal number, "0.8", at most 31 bytes: no sign, no exponent, nothing else that strtod(3) takes. 0 or -EINVAL. */
int units_parse_decimal(const char *text, size_t length, double *number);

#define UNITS_TEXT_SIZE 32

/* In the largest unit of which it is a whole number ("1500us", "2s", "64k", "0"), so that the parser above takes it back exactly;
 * `text` holds UNITS_TEXT_SIZE. Return `text`. */
char *units_format_time(uint64_t ns, char *text);
char *units_format_size(uint64_t bytes, char *text);

/* For a table, in the style of wrk: "0.08ms", "1.52s", "780.31KB". Return `text` (UNITS_TEXT_SIZE). */
char *units_print_time(double ns, char *text);
char *units_print_size(double bytes, char *text);

#endif
