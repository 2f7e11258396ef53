/*
 * HdrHistogram's log: a line a histogram, with its tag and when it was. Format 1.3 of the Java implementation's
 * HistogramLogWriter and its encoding V2, as all of its implementations read them:
 *
 *   #[Histogram log format version 1.3]
 *   #[StartTime: 1764000000.123 (seconds since epoch), 2025-11-24T16:00:00Z]
 *   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
 *   Tag=3,0.100,0.100,1.234,HISTFAAAA...
 *
 * Numbers: seconds since the start; seconds; the interval's maximum in milliseconds; base64 of
 *
 *   cookie 0x1c849314, length, and deflated:
 *     cookie 0x1c849313, length of the counts, normalising index offset (0), digits, lowest (1), highest, ratio (1.0),
 *     counts from 0 up to the maximum's as ZigZag LEB128 numbers, of which a negative one stands for so many zeros.
 *
 * Values inside are our microseconds: who reads in other units divides by 1000 to get milliseconds, as the third column does.
 */
#ifndef LOADGEN_HLOG_H
#define LOADGEN_HLOG_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/histogram.h"

/* The comment lines and the legend. Errors are seen by whoever closes `out`. */
void hlog_print_head(FILE *out, const struct timespec *start);

/* One line. `tag` NULL: without one; bytes a tag must not have (blank, comma, line end) become '_'. 0, -ENOMEM, or -EIO when
 * zlib fails. */
int hlog_print(FILE *out, const char *tag, double from_s, double length_s, const struct histogram *histogram);

/* A histogram as the last column of a line: base64, to be freed; NULL without memory. */
char *hlog_encode(const struct histogram *histogram);

/* The other way. Initialises `histogram` (to be closed) if it returns 0; -EINVAL for what is no such text, -ENOMEM. */
int hlog_decode(const char *base64, struct histogram *histogram);

#endif
