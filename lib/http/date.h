/*
 * Dates in HTTP fields, RFC 9110 5.6.7: always in GMT, one form to write, three to read. No locale, no time zone of the machine.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <time.h>

#include "base/slice.h"

#define HTTP_DATE_SIZE 30

/* "Sun, 06 Nov 1994 08:49:37 GMT" into `text` (HTTP_DATE_SIZE), for years 0 to 9999; returns it. */
char *http_date_write(time_t date, char *text);

/*
 * Any of the three forms, to the letter. `now` tells the century of a year of two digits. 0 or -EINVAL.
 * A second 60 is a leap second and taken for the first of the next minute.
 */
int http_date_parse(struct slice text, time_t now, time_t *date);

#endif
