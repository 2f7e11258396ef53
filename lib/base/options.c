/*
 * Command lines from a table.
 *
 * Every fact about an option stands once, in its row. Setting a field, the text of what is allowed, --help and the error line
 * are all made from the row by the few functions below, one column of `types` a type.
 *
 * Parsing walks argv once. What belongs to an option is moved in front of the operands met so far, so that the operands stay in
 * their order and end up at the end of argv.
 */
#include "base/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define NAME_LONGEST     64 /* names longer than this have no near misses */
#define ALLOWED_SIZE     256
#define HELP_WIDTH       100
#define HELP_INDENT_MOST 34 /* longer left columns push their help to the next line */

/* A row together with the struct it fills in. */
struct option_found {
    const struct option_spec *spec;
    void *fields;
};

/* Fills in `error` and returns -EINVAL. */
static __attribute__((format(printf, 3, 4))) int fail(const struct option_program *program, char *error, const char *format, ...)
{
    int length = snprintf(error, OPTIONS_ERROR_SIZE, "%s: ", program->name);
    va_list arguments;

    if (length < 0 || length >= OPTIONS_ERROR_SIZE)
        length = 0;
    va_start(arguments, format);
    vsnprintf(error + length, (size_t)(OPTIONS_ERROR_SIZE - length), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* ---- values: text into a field, and the words for what a field takes ---- */

static bool in_range(const struct option_spec *spec, double value)
{
    return value >= (double)spec->min && (spec->max == 0 || value <= (double)spec->max);
}

static int store_number(const struct option_spec *spec, void *field, int parsed, uint64_t value)
{
    if (parsed < 0 || value < spec->min || (spec->max != 0 && value > spec->max))
        return -EINVAL;
    *(uint64_t *)field = value;
    return 0;
}

static int set_integer(const struct option_spec *spec, void *field, const char *text)
{
    uint64_t value = 0;
    int parsed = units_parse_count(text, strlen(text), &value);

    return store_number(spec, field, parsed, value);
}

static int set_time(const struct option_spec *spec, void *field, const char *text)
{
    uint64_t value = 0;
    int parsed = units_parse_time(text, strlen(text), &value);

    return store_number(spec, field, parsed, value);
}

static int set_size(const struct option_spec *spec, void *field, const char *text)
{
    uint64_t value = 0;
    int parsed = units_parse_size(text, strlen(text), &value);

    return store_number(spec, field, parsed, value);
}

static int set_real(const struct option_spec *spec, void *field, const char *text)
{
    char *end;
    double value;

    if (*text == '\0' || strspn(text, "0123456789.e+-") != strlen(text))
        return -EINVAL;
    value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value) || !in_range(spec, value))
        return -EINVAL;
    *(double *)field = value;
    return 0;
}

static int set_flag(const struct option_spec *spec, void *field, const char *text)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    size_t i;

    (void)spec;
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i]) == 0) {
            *(bool *)field = i % 2 == 1;
            return 0;
        }
    return -EINVAL;
}

static int set_text(const struct option_spec *spec, void *field, const char *text)
{
    (void)spec;
    *(const char **)field = text;
    return 0;
}

static int set_list(const struct option_spec *spec, void *field, const char *text)
{
    struct option_list *list = field;
    const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

    (void)spec;
    if (items == NULL)
        return -ENOMEM;
    items[list->count++] = text;
    list->items = items;
    return 0;
}

static int set_choice(const struct option_spec *spec, void *field, const char *text)
{
    int i;

    for (i = 0; spec->choices[i] != NULL; i++)
        if (strcmp(text, spec->choices[i]) == 0) {
            *(int *)field = i;
            return 0;
        }
    return -EINVAL;
}

static int set_custom(const struct option_spec *spec, void *field, const char *text)
{
    return spec->parse(text, field);
}

/* "1ms..1h", "1ms or more", or nothing where every value of the type will do. */
static void describe_range(const struct option_spec *spec, char *(*format)(uint64_t, char *), char *text)
{
    char least[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];

    if (spec->max != 0)
        snprintf(text, ALLOWED_SIZE, "%s..%s", format(spec->min, least), format(spec->max, most));
    else if (spec->min != 0)
        snprintf(text, ALLOWED_SIZE, "%s or more", format(spec->min, least));
}

static char *format_plain(uint64_t value, char *text)
{
    snprintf(text, UNITS_TEXT_SIZE, "%llu", (unsigned long long)value);
    return text;
}

static void describe_plain(const struct option_spec *spec, char *text)
{
    describe_range(spec, format_plain, text);
}

static void describe_time(const struct option_spec *spec, char *text)
{
    describe_range(spec, units_format_time, text);
}

static void describe_size(const struct option_spec *spec, char *text)
{
    describe_range(spec, units_format_size, text);
}

static void describe_choice(const struct option_spec *spec, char *text)
{
    size_t length = 0;
    int i;

    for (i = 0; spec->choices[i] != NULL && length < ALLOWED_SIZE; i++) {
        const char *joint = i == 0 ? "" : spec->choices[i + 1] != NULL ? ", " : " or ";

        length += (size_t)snprintf(text + length, ALLOWED_SIZE - length, "%s%s", joint, spec->choices[i]);
    }
}

static void describe_nothing(const struct option_spec *spec, char *text)
{
    (void)spec;
    text[0] = '\0';
}

static const struct type {
    int (*set)(const struct option_spec *spec, void *field, const char *text);
    void (*describe)(const struct option_spec *spec, char *text); /* what a row's own range or choices allow */
    const char *noun;                                             /* what any value of the type is, for messages */
} types[] = {
    [OPTION_FLAG] = {set_flag, describe_nothing, "on or off"},
    [OPTION_INTEGER] = {set_integer, describe_plain, "a whole number such as 64 or 10k"},
    [OPTION_REAL] = {set_real, describe_plain, "a number such as 0.5"},
    [OPTION_TIME] = {set_time, describe_time, "a time such as 250us, 5ms, 1.5s or 2m"},
    [OPTION_SIZE] = {set_size, describe_size, "a size such as 512, 64k or 1m"},
    [OPTION_TEXT] = {set_text, describe_nothing, "a text"},
    [OPTION_LIST] = {set_list, describe_nothing, "a text"},
    [OPTION_CHOICE] = {set_choice, describe_choice, "one of its names"},
    [OPTION_CUSTOM] = {set_custom, describe_nothing, "another value"},
};

/* What the row allows: in its own words, else its range or choices; "" when any value of its type will do. */
static const char *allowed_by_row(const struct option_spec *spec, char *text)
{
    if (spec->allowed != NULL)
        return spec->allowed;
    text[0] = '\0';
    types[spec->type].describe(spec, text);
    return text;
}

/* What a message says to use: the range after the kind of value, so that "5" for a time is understood, too. */
static void allowed_for_message(const struct option_spec *spec, char *text, size_t size)
{
    char buffer[ALLOWED_SIZE];
    const char *allowed = allowed_by_row(spec, buffer);
    bool bare_number = spec->allowed == NULL && (spec->type == OPTION_TIME || spec->type == OPTION_SIZE);

    if (allowed[0] == '\0')
        snprintf(text, size, "%s", types[spec->type].noun);
    else if (bare_number)
        snprintf(text, size, "%s, %s", allowed, types[spec->type].noun);
    else
        snprintf(text, size, "%s", allowed);
}

static int set_value(const struct option_program *program, const struct option_found *found, const char *text, char *error)
{
    const struct option_spec *spec = found->spec;
    char allowed[ALLOWED_SIZE + NAME_LONGEST];
    int result = types[spec->type].set(spec, (char *)found->fields + spec->offset, text);

    if (result == 0)
        return 0;
    if (result == -ENOMEM)
        return fail(program, error, "--%s: out of memory", spec->name);
    allowed_for_message(spec, allowed, sizeof(allowed));
    return fail(program, error, "--%s: '%s' is not allowed; use %s", spec->name, text, allowed);
}

/* ---- looking rows up ---- */

/* Steps through all rows of all tables; `next` starts as {0}. */
struct row_cursor {
    size_t table, row;
};

static bool next_row(const struct option_program *program, struct row_cursor *cursor, struct option_found *found)
{
    while (cursor->table < program->table_count) {
        const struct option_table *table = &program->tables[cursor->table];

        if (table->specs != NULL && table->specs[cursor->row].name != NULL) {
            *found = (struct option_found){&table->specs[cursor->row++], table->fields};
            return true;
        }
        cursor->table++;
        cursor->row = 0;
    }
    return false;
}

static bool find_name(const struct option_program *program, const char *name, size_t length, struct option_found *found)
{
    struct row_cursor cursor = {0};

    while (next_row(program, &cursor, found))
        if (strlen(found->spec->name) == length && memcmp(found->spec->name, name, length) == 0)
            return true;
    return false;
}

static bool find_letter(const struct option_program *program, char letter, struct option_found *found)
{
    struct row_cursor cursor = {0};

    while (next_row(program, &cursor, found))
        if (found->spec->letter == letter)
            return true;
    return false;
}

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many letters must be put in, taken out or replaced to make one name of the other (Levenshtein), one row at a time. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b)
{
    unsigned row[NAME_LONGEST + 1];
    size_t b_length = strlen(b), i, j;

    if (a_length > NAME_LONGEST || b_length > NAME_LONGEST)
        return NAME_LONGEST;
    for (j = 0; j <= b_length; j++)
        row[j] = (unsigned)j;
    for (i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (j = 1; j <= b_length; j++) {
            unsigned above = row[j];

            row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

/* The known name closest to `name`, or NULL when none is close enough to have been meant: a third of it may differ. */
static const char *nearest_name(const struct option_program *program, const char *name, size_t length)
{
    unsigned best = (unsigned)length / 3 + 2, distance;
    const char *nearest = NULL;
    struct row_cursor cursor = {0};
    struct option_found row;

    while (next_row(program, &cursor, &row)) {
        distance = edit_distance(name, length, row.spec->name);
        if (distance < best) {
            best = distance;
            nearest = row.spec->name;
        }
    }
    return nearest;
}

static int fail_unknown(const struct option_program *program, const char *dashes, const char *name, size_t length, char *error)
{
    const char *nearest = nearest_name(program, name, length);

    if (nearest != NULL)
        return fail(program, error, "unknown option %s%.*s; did you mean %s%s?", dashes, (int)length, name, dashes, nearest);
    return fail(program, error, "unknown option %s%.*s; --help lists all", dashes, (int)length, name);
}

/* ---- help ---- */

static size_t left_column(const struct option_spec *spec, char *text, size_t size)
{
    char letter[8] = "    ";
    int length;

    if (spec->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
    length = snprintf(text, size, "  %s--%s", letter, spec->name);
    if (spec->type != OPTION_FLAG && length > 0 && (size_t)length < size)
        length += snprintf(text + length, size - (size_t)length, " %s", spec->argument != NULL ? spec->argument : "VALUE");
    return (size_t)length;
}

static size_t help_indent(const struct option_program *program)
{
    struct row_cursor cursor = {0};
    struct option_found row;
    char text[HELP_WIDTH];
    size_t indent = 0;

    while (next_row(program, &cursor, &row)) {
        size_t length = left_column(row.spec, text, sizeof(text)) + 2;

        if (length > indent && length <= HELP_INDENT_MOST)
            indent = length;
    }
    return indent;
}

/* Prints words, beginning a new line at `indent` where one would pass the right edge. Returns the column it ended in. */
static size_t print_words(FILE *out, const char *words, size_t indent, size_t column)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " ");

        if (column > indent && column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fwrite(words, 1, length, out);
        column += length;
        words += length;
        words += strspn(words, " ");
    }
    return column;
}

static void print_row(FILE *out, const char *left, size_t indent, const char *help, const char *note)
{
    size_t column = strlen(left);

    fputs(left, out);
    if (column + 2 > indent) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int)(indent - column), "");
    column = print_words(out, help, indent, indent);
    print_words(out, note, indent, column);
    fputc('\n', out);
}

/* "(1..256; default 1)" */
static void describe_note(const struct option_spec *spec, char *note, size_t size)
{
    char buffer[ALLOWED_SIZE];
    const char *allowed = allowed_by_row(spec, buffer);
    bool has_default = spec->fallback != NULL && spec->type != OPTION_LIST;
    const char *joint = allowed[0] != '\0' && has_default ? "; " : "";

    note[0] = '\0';
    if (allowed[0] != '\0' || has_default)
        snprintf(note, size, "(%s%s%s%s)", allowed, joint, has_default ? "default " : "", has_default ? spec->fallback : "");
}

static void print_option(FILE *out, const struct option_spec *spec, size_t indent)
{
    char left[HELP_WIDTH], note[2 * ALLOWED_SIZE];

    left_column(spec, left, sizeof(left));
    describe_note(spec, note, sizeof(note));
    print_row(out, left, indent, spec->help != NULL ? spec->help : "", note);
}

static void print_help(FILE *out, const struct option_program *program)
{
    size_t indent = help_indent(program);
    struct row_cursor cursor = {0};
    struct option_found row, h_row;
    const char *group = NULL;

    fprintf(out, "%s\n\nusage: %s %s\n", program->summary, program->name, program->usage);
    while (next_row(program, &cursor, &row)) {
        if (row.spec->group != NULL || group == NULL) {
            group = row.spec->group != NULL ? row.spec->group : "Options";
            fprintf(out, "\n%s:\n", group);
        }
        print_option(out, row.spec, indent);
    }
    fputs("\nHelp:\n", out);
    print_row(out, find_letter(program, 'h', &h_row) ? "      --help" : "  -h, --help", indent, "this text", "");
    print_row(out, "      --version", indent, "what this was built from", "");
    if (program->epilogue != NULL)
        fprintf(out, "\n%s\n", program->epilogue);
}

static int finish_output(const struct option_program *program, char *error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OPTIONS_DONE;
    return fail(program, error, "cannot write to standard output: %s", strerror(errno));
}

static int show_help(const struct option_program *program, char *error)
{
    print_help(stdout, program);
    return finish_output(program, error);
}

static int show_version(const struct option_program *program, char *error)
{
    printf("%s\n", program->version);
    return finish_output(program, error);
}

/* ---- the command line ---- */

/* What is being parsed: `at` is the argument looked at, `operands` how many before it belong to nobody. */
struct walk {
    const struct option_program *program;
    int argc, at, operands;
    char **argv;
    char *error;
};

/* Moves the argument at `at` in front of the operands and goes on. Returns it. */
static char *take_argument(struct walk *walk)
{
    char **from = &walk->argv[walk->at], *taken = *from;

    memmove(from - walk->operands + 1, from - walk->operands, (size_t)walk->operands * sizeof(*from));
    from[-walk->operands] = taken;
    walk->at++;
    return taken;
}

static int take_value(struct walk *walk, const struct option_found *found)
{
    if (walk->at == walk->argc)
        return fail(walk->program, walk->error, "--%s needs a value: %s", found->spec->name,
                    found->spec->argument != NULL ? found->spec->argument : "VALUE");
    return set_value(walk->program, found, take_argument(walk), walk->error);
}

/* --no-NAME */
static bool is_negated_flag(struct walk *walk, const char *name, size_t length, struct option_found *found)
{
    return length > 3 && strncmp(name, "no-", 3) == 0 && find_name(walk->program, name + 3, length - 3, found) &&
           found->spec->type == OPTION_FLAG;
}

static int parse_long(struct walk *walk)
{
    const char *name = take_argument(walk) + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    struct option_found found;

    if (find_name(walk->program, name, length, &found)) {
        if (equals != NULL)
            return set_value(walk->program, &found, equals + 1, walk->error);
        return found.spec->type == OPTION_FLAG ? set_value(walk->program, &found, "on", walk->error) : take_value(walk, &found);
    }
    if (equals == NULL && is_negated_flag(walk, name, length, &found))
        return set_value(walk->program, &found, "off", walk->error);
    if (strcmp(name, "help") == 0)
        return show_help(walk->program, walk->error);
    if (strcmp(name, "version") == 0)
        return show_version(walk->program, walk->error);
    return fail_unknown(walk->program, "--", name, length, walk->error);
}

/* -n VALUE, -nVALUE, and flags in a row: -abc. */
static int parse_short(struct walk *walk)
{
    const char *letters = take_argument(walk) + 1;
    struct option_found found;
    int result = OPTIONS_RUN;

    for (; *letters != '\0' && result == OPTIONS_RUN; letters++) {
        if (!find_letter(walk->program, *letters, &found)) {
            if (*letters == 'h')
                return show_help(walk->program, walk->error);
            return fail(walk->program, walk->error, "unknown option -%c; --help lists all", *letters);
        }
        if (found.spec->type != OPTION_FLAG)
            return letters[1] != '\0' ? set_value(walk->program, &found, letters + 1, walk->error) : take_value(walk, &found);
        result = set_value(walk->program, &found, "on", walk->error);
    }
    return result;
}

static int parse_argument(struct walk *walk)
{
    const char *argument = walk->argv[walk->at];

    if (argument[0] != '-' || argument[1] == '\0') {
        walk->operands++;
        walk->at++;
        return OPTIONS_RUN;
    }
    if (strcmp(argument, "--") == 0) {
        take_argument(walk);
        walk->operands += walk->argc - walk->at;
        walk->at = walk->argc;
        return OPTIONS_RUN;
    }
    return argument[1] == '-' ? parse_long(walk) : parse_short(walk);
}

static int set_fallbacks(const struct option_program *program, char *error)
{
    struct row_cursor cursor = {0};
    struct option_found row;
    int result = OPTIONS_RUN;

    while (result == OPTIONS_RUN && next_row(program, &cursor, &row))
        if (row.spec->fallback != NULL && row.spec->type != OPTION_LIST)
            result = set_value(program, &row, row.spec->fallback, error);
    return result;
}

int options_parse(const struct option_program *program, int argc, char **argv, int *first_operand, char *error)
{
    struct walk walk = {.program = program, .argc = argc, .argv = argv, .at = 1, .error = error};
    int result = set_fallbacks(program, error);

    error[0] = result == OPTIONS_RUN ? '\0' : error[0];
    while (result == OPTIONS_RUN && walk.at < argc)
        result = parse_argument(&walk);
    *first_operand = walk.at - walk.operands;
    return result;
}

int options_set(const struct option_program *program, const char *name, const char *value, char *error)
{
    struct option_found found;

    error[0] = '\0';
    if (!find_name(program, name, strlen(name), &found))
        return fail_unknown(program, "", name, strlen(name), error);
    return set_value(program, &found, value, error);
}

void options_free_list(struct option_list *list)
{
    free(list->items);
    *list = (struct option_list){0};
}
