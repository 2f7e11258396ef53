/*
 * `clusterbench compare A B`: two results folders of the same plan on the same machine, held against each other cell by cell. What
 * the figures rest on is said in docs/statistics.md, the JSON in docs/formats.md.
 */
#ifndef HARNESS_COMPARE_H
#define HARNESS_COMPARE_H

#include <stdbool.h>

/* Which ratio B/A a verdict rests on: of what each row was against the baseline of its own run, or of the figures themselves. */
enum compare_reading { READING_RELATIVE, READING_ABSOLUTE };

enum compare_format { COMPARE_TEXT, COMPARE_JSON, COMPARE_HTML };

struct compare_settings {
    int reading, format; /* of the enums above */
    const char *metrics; /* names with commas between them; "primary": each experiment's own */
    bool only_common;    /* leave out what only one has or has otherwise */
    bool across_machines;
    const char *out; /* a file; NULL: stdout */
};

extern const char *const compare_readings[], *const compare_formats[]; /* the enums' names, ended by NULL */

/* Exit statuses. */
enum { COMPARE_NO_WORSE = 0, COMPARE_WORSE = 1, COMPARE_CANNOT = 2, COMPARE_UNDECIDED = 3 };

/* An exit status; COMPARE_CANNOT comes with one line on stderr. */
int compare_run(const struct compare_settings *settings, const char *folder_a, const char *folder_b);

#endif
