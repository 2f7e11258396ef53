/*
 * Command lines from a table. One row describes an option: its name, where its value goes, its type, range, default
 * and help; parsing, --help, defaults and error messages all come from the row.
 *
 *   struct settings { uint64_t workers; uint64_t grace_ns; bool faults; };
 *   static const struct option_spec specs[] = {
 *       { .name = "workers", .letter = 'w', .type = OPTION_INTEGER, OPTION_FIELD(struct settings, workers),
 *         .min = 1, .max = 256, .fallback = "1", .argument = "N", .help = "how many workers" },
 *       ...
 *       { .name = NULL } };
 *
 * Accepted: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags as --name (and --no-name to take one back), operands
 * anywhere, -- ends the options; flags may share a dash (-vq). --help (-h), --version, --man and --completion come by themselves,
 * made from the same rows (options_document.c); a row of letter h takes -h away from help. An unknown name is answered with the
 * nearest known one.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_FLAG,    /* bool; as text: on or off (yes/no, true/false, 1/0) */
    OPTION_INTEGER, /* uint64_t, min..max, units_parse_count */
    OPTION_REAL,    /* double, min..max */
    OPTION_TIME,    /* uint64_t nanoseconds, min..max */
    OPTION_SIZE,    /* uint64_t bytes, min..max */
    OPTION_TEXT,    /* const char *, kept as given (points into argv) */
    OPTION_LIST,    /* struct option_list: may be given again and again; zeroed by the caller, takes no fallback */
    OPTION_CHOICE,  /* int: index into `choices` */
    OPTION_CUSTOM,  /* whatever `parse` fills in */
    OPTION_ALIAS,   /* another name of the row `alias`: takes a value as that does, or, with `value`, none and stands for that */
};

struct option_list {
    const char **items; /* owned by the list: options_free_list */
    size_t count;
};

/* A year, in ns: sums of a few such times, and of a clock, are far from overflowing. */
#define OPTION_TIME_MAX (UINT64_C(365) * 24 * 3600 * 1000000000)

struct option_spec {
    const char *name;
    char letter, also; /* short form, and a second one, or 0 */
    enum option_type type;
    size_t offset;              /* of the field, in the table's struct: OPTION_FIELD */
    uint64_t min, max;          /* numbers, times (ns), sizes; max 0 means no upper limit, of times OPTION_TIME_MAX */
    const char *fallback;       /* the default, as a user would type it; NULL leaves the field alone */
    const char *argument;       /* its name in --help; unused for flags */
    const char *allowed;        /* what is allowed, for messages; NULL: made from type, range or choices */
    const char *const *choices; /* OPTION_CHOICE: names, ended by NULL; else: words a shell may offer */
    bool is_file;               /* the value is a path: a shell may offer files */
    bool secret;                /* no message tells the value */
    bool reloadable;            /* a value that has changed in a configuration file is taken at a reload */
    unsigned scope;             /* the program's own: which of its commands take it, say */
    const char *alias, *value;  /* OPTION_ALIAS */
    int (*parse)(const char *text, void *field); /* OPTION_CUSTOM: 0 or a negative errno */
    const char *group;                           /* heading in --help; NULL goes on under the row before */
    const char *help;                            /* '\n' begins a new line */
};

#define OPTION_FIELD(structure, field) .offset = offsetof(structure, field)

/* A table and the struct its rows fill in. */
struct option_table {
    const struct option_spec *specs; /* ended by a row without a name */
    void *fields;
};

/*
 * Something to say beyond the options. Paragraphs are parted by empty lines and are wrapped where they are printed; a line that
 * begins with a blank stands as it is.
 */
struct option_section {
    const char *title; /* "Exit status" */
    const char *text;
    bool in_help; /* at the end of --help, too, not only in the manual page */
};

struct option_program {
    const char *name;                    /* as in error messages */
    const char *summary;                 /* first line of --help */
    const char *usage;                   /* after "usage: name ", e.g. "[options] URL" */
    const char *epilogue;                /* last lines of --help, or NULL */
    const struct option_section *manual; /* ended by one without a title, or NULL */
    const char *const *operands;         /* words a shell may offer as operands, ended by NULL; or NULL */
    const char *version;                 /* printed by --version, without the newline */
    const struct option_table *tables;
    size_t table_count;
    /* Told of every value that a row of the tables is given, defaults first; of the row an alias stands for. Or NULL. */
    void (*noted)(void *context, const struct option_spec *row, const char *text);
    void *context;
};

#define OPTIONS_ERROR_SIZE 512

enum options_outcome {
    OPTIONS_RUN,  /* parsed: go on */
    OPTIONS_DONE, /* --help or one like it was printed to stdout: exit 0 */
};

/*
 * Fills in the defaults, then what the command line says; moves operands to the end of argv and tells where they begin.
 * Returns an options_outcome, or -EINVAL with one line in `error` (OPTIONS_ERROR_SIZE bytes) that names the option, the
 * value and what is allowed ("loadgen: --threads: '0' is not allowed; use 1..256") without a newline.
 */
int options_parse(const struct option_program *program, int argc, char **argv, int *first_operand, char *error);

/* The two halves of it, for those who have something to put between them: a configuration file. */
int options_set_defaults(const struct option_program *program, char *error);
int options_parse_arguments(const struct option_program *program, int argc, char **argv, int *first_operand, char *error);

/*
 * Sets one option by name from a text that outlives the fields (a config file's value). Returns and `error` as above, but names
 * stand there as in a file, without dashes ("loadgen: threads: '0' is not allowed; use 1..256").
 */
int options_set(const struct option_program *program, const char *name, const char *value, char *error);

/* What came from a user may hold line ends and other control characters: they become '?', so that a message stays one line. */
void options_make_line(char *message);

void options_free_list(struct option_list *list);

#endif
