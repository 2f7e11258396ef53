/*
 * Command lines from a table.
 *
 * Every fact about an option stands once, in its row. Setting a field, the text of what is allowed and the error line are all
 * made from the row by the few functions below, one column of `types` a type; --help and its like in options_document.c.
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

#include "base/options_document.h"
#include "base/units.h"

#define NAME_LONGEST  64  /* names longer than this have no near misses */
#define VALUE_LONGEST 160 /* of a value in a message, so that there is room for what is allowed */

/* What every program has; `own_printers` goes along. */
static const char *const shells[] = {"bash", NULL};
static const struct option_spec own_specs[] = {
    {.name = "help", .letter = 'h', .type = OPTION_FLAG, .group = "Help", .help = "this text"},
    {.name = "version", .type = OPTION_FLAG, .help = "what this was built from"},
    {.name = "man", .type = OPTION_FLAG, .help = "the manual page, to be read by man -l -"},
    {.name = "completion", .type = OPTION_CHOICE, .choices = shells, .argument = "SHELL", .help = "completion, to be sourced"},
    {.name = NULL}};

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
    options_make_line(error);
    return -EINVAL;
}

/* ---- values: text into a field, and the words for what a field takes ---- */

static bool in_range(const struct option_spec *spec, double value)
{
    return value >= (double)spec->min && (spec->max == 0 || value <= (double)spec->max);
}

/* 0: there is none. */
static uint64_t upper_limit(const struct option_spec *spec)
{
    return spec->max == 0 && spec->type == OPTION_TIME ? OPTION_TIME_MAX : spec->max;
}

static int store_number(const struct option_spec *spec, void *field, int parsed, uint64_t value)
{
    uint64_t most = upper_limit(spec);

    if (parsed < 0 || value < spec->min || (most != 0 && value > most))
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

/* "1ms..1h", "1 or more", or nothing where every value of the type will do. */
static void describe_range(const struct option_spec *spec, char *(*format)(uint64_t, char *), char *text)
{
    char least[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];

    if (upper_limit(spec) != 0)
        snprintf(text, OPTION_ALLOWED_SIZE, "%s..%s", format(spec->min, least), format(upper_limit(spec), most));
    else if (spec->min != 0)
        snprintf(text, OPTION_ALLOWED_SIZE, "%s or more", format(spec->min, least));
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

    for (i = 0; spec->choices[i] != NULL && length < OPTION_ALLOWED_SIZE; i++) {
        const char *joint = i == 0 ? "" : spec->choices[i + 1] != NULL ? ", " : " or ";

        length += (size_t)snprintf(text + length, OPTION_ALLOWED_SIZE - length, "%s%s", joint, spec->choices[i]);
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
    [OPTION_ALIAS] = {NULL, describe_nothing, ""},
};

const char *options_allowed(const struct option_spec *spec, char *text)
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
    char buffer[OPTION_ALLOWED_SIZE];
    const char *allowed = options_allowed(spec, buffer);
    bool bare_number = spec->allowed == NULL && (spec->type == OPTION_TIME || spec->type == OPTION_SIZE);

    if (allowed[0] == '\0')
        snprintf(text, size, "%s", types[spec->type].noun);
    else if (bare_number)
        snprintf(text, size, "%s, %s", allowed, types[spec->type].noun);
    else
        snprintf(text, size, "%s", allowed);
}

/* `dashes` before the name in a message: "--" on a command line, "" in a file. */
static int set_value(const struct option_program *program, const struct option_found *found, const char *dashes, const char *text,
                     char *error)
{
    const struct option_spec *spec = found->spec;
    char allowed[OPTION_ALLOWED_SIZE + NAME_LONGEST];
    int result = types[spec->type].set(spec, (char *)found->fields + spec->offset, text);

    if (result == 0)
        return 0;
    if (result == -ENOMEM)
        return fail(program, error, "%s%s: out of memory", dashes, spec->name);
    allowed_for_message(spec, allowed, sizeof(allowed));
    return fail(program, error, "%s%s: '%.*s' is not allowed; use %s", dashes, spec->name, VALUE_LONGEST,
                spec->secret ? "(hidden)" : text, allowed);
}

/* The same for a row of the program's tables, which somebody may want to know of. */
static int set_row(const struct option_program *program, const struct option_found *found, const char *dashes, const char *text,
                   char *error)
{
    int result = set_value(program, found, dashes, text, error);

    if (result == 0 && program->noted != NULL)
        program->noted(program->context, found->spec, text);
    return result;
}

/* ---- looking rows up ---- */

bool options_next_row(const struct option_program *program, struct option_cursor *cursor, struct option_found *found)
{
    const struct option_table own = {own_specs, NULL};

    while (cursor->table <= program->table_count) {
        const struct option_table *table = cursor->table < program->table_count ? &program->tables[cursor->table] : &own;

        if (table->specs != NULL && table->specs[cursor->row].name != NULL) {
            *found = (struct option_found){&table->specs[cursor->row++], table->fields};
            return true;
        }
        cursor->table++;
        cursor->row = 0;
    }
    return false;
}

bool options_find_name(const struct option_program *program, const char *name, size_t length, struct option_found *found)
{
    struct option_cursor cursor = {0};

    while (options_next_row(program, &cursor, found))
        if (strlen(found->spec->name) == length && memcmp(found->spec->name, name, length) == 0)
            return true;
    return false;
}

bool options_find_letter(const struct option_program *program, char letter, struct option_found *found)
{
    struct option_cursor cursor = {0};

    while (options_next_row(program, &cursor, found))
        if (found->spec->letter == letter || found->spec->also == letter)
            return true;
    return false;
}

/* The row an alias stands for takes its place. True when the alias brings the value along. */
static bool resolve_alias(const struct option_program *program, struct option_found *found, const char **value)
{
    const struct option_spec *alias = found->spec;

    *value = NULL;
    if (alias->type != OPTION_ALIAS)
        return false;
    *value = alias->value;
    options_find_name(program, alias->alias, strlen(alias->alias), found);
    return alias->value != NULL;
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

/* The known name closest to `name`, or NULL when none is close enough to have been meant: a third of it may differ. `own`: those
 * every program has may have been meant. */
static const char *nearest_name(const struct option_program *program, bool own, const char *name, size_t length)
{
    unsigned best = (unsigned)length / 3 + 2, distance;
    const char *nearest = NULL;
    struct option_cursor cursor = {0};
    struct option_found row;

    while (options_next_row(program, &cursor, &row) && (own || row.fields != NULL)) {
        distance = edit_distance(name, length, row.spec->name);
        if (distance < best) {
            best = distance;
            nearest = row.spec->name;
        }
    }
    return nearest;
}

static int fail_unknown(const struct option_program *program, const char *name, size_t length, char *error)
{
    const char *nearest = nearest_name(program, true, name, length);

    if (nearest != NULL)
        return fail(program, error, "unknown option --%.*s; did you mean --%s?", (int)length, name, nearest);
    return fail(program, error, "unknown option --%.*s; --help lists all", (int)length, name);
}

static int fail_unknown_key(const struct option_program *program, const char *name, const char *value, char *error)
{
    const char *nearest = nearest_name(program, false, name, strlen(name));

    if (nearest != NULL)
        return fail(program, error, "unknown key '%.*s' (value '%.*s'); did you mean %s?", NAME_LONGEST, name, VALUE_LONGEST, value,
                    nearest);
    return fail(program, error, "unknown key '%.*s' (value '%.*s'); use an option of --help without its dashes", NAME_LONGEST, name,
                VALUE_LONGEST, value);
}

/* ---- what every program has ---- */

static void print_version(const struct option_program *program, FILE *out)
{
    fprintf(out, "%s\n", program->version);
}

static void (*const own_printers[])(const struct option_program *program, FILE *out) = {
    options_print_help,
    print_version,
    options_print_man,
    options_print_bash,
};

static int finish_output(const struct option_program *program, char *error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OPTIONS_DONE;
    return fail(program, error, "cannot write to standard output: %s", strerror(errno));
}

static int carry_out_own(const struct option_program *program, const struct option_spec *spec, const char *value, char *error)
{
    union {
        bool on;
        int choice;
    } field = {0};
    const struct option_found found = {spec, &field};
    int result = set_value(program, &found, "--", value, error);

    if (result != 0 || (spec->type == OPTION_FLAG && !field.on))
        return result;
    own_printers[spec - own_specs](program, stdout);
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

/* Carries out one option; `value` is what was attached to it, or NULL. */
static int apply(struct walk *walk, struct option_found found, const char *value)
{
    const char *name = found.spec->name, *brought;

    if (resolve_alias(walk->program, &found, &brought)) {
        if (value != NULL)
            return fail(walk->program, walk->error, "--%s: '%s' is not allowed; it takes no value and stands for --%s %s", name,
                        value, found.spec->name, brought);
        value = brought;
    }
    if (value == NULL && found.spec->type == OPTION_FLAG)
        value = "on";
    if (value == NULL && walk->at == walk->argc)
        return fail(walk->program, walk->error, "--%s needs a value: %s", name,
                    found.spec->argument != NULL ? found.spec->argument : "VALUE");
    if (value == NULL)
        value = take_argument(walk);
    if (found.fields == NULL)
        return carry_out_own(walk->program, found.spec, value, walk->error);
    return set_row(walk->program, &found, "--", value, walk->error);
}

/* --no-NAME */
static bool is_negated_flag(struct walk *walk, const char *name, size_t length, struct option_found *found)
{
    return length > 3 && strncmp(name, "no-", 3) == 0 && options_find_name(walk->program, name + 3, length - 3, found) &&
           found->spec->type == OPTION_FLAG;
}

static int parse_long(struct walk *walk)
{
    const char *name = take_argument(walk) + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    struct option_found found;

    if (options_find_name(walk->program, name, length, &found))
        return apply(walk, found, equals != NULL ? equals + 1 : NULL);
    if (equals == NULL && is_negated_flag(walk, name, length, &found))
        return apply(walk, found, "off");
    return fail_unknown(walk->program, name, length, walk->error);
}

static bool takes_value(const struct option_program *program, struct option_found found)
{
    const char *value;

    return !resolve_alias(program, &found, &value) && found.spec->type != OPTION_FLAG;
}

/* -n VALUE, -nVALUE, and flags in a row: -abc. */
static int parse_short(struct walk *walk)
{
    const char *letters = take_argument(walk) + 1;
    struct option_found found;
    int result = OPTIONS_RUN;

    for (; *letters != '\0' && result == OPTIONS_RUN; letters++) {
        if (!options_find_letter(walk->program, *letters, &found))
            return fail(walk->program, walk->error, "unknown option -%c; --help lists all", *letters);
        if (takes_value(walk->program, found))
            return apply(walk, found, letters[1] != '\0' ? letters + 1 : NULL);
        result = apply(walk, found, NULL);
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

int options_set_defaults(const struct option_program *program, char *error)
{
    struct option_cursor cursor = {0};
    struct option_found row;
    int result = OPTIONS_RUN;

    error[0] = '\0';
    while (result == OPTIONS_RUN && options_next_row(program, &cursor, &row))
        if (row.spec->fallback != NULL && row.spec->type != OPTION_LIST)
            result = set_row(program, &row, "--", row.spec->fallback, error);
    return result;
}

int options_parse_arguments(const struct option_program *program, int argc, char **argv, int *first_operand, char *error)
{
    struct walk walk = {.program = program, .argc = argc, .argv = argv, .at = 1, .error = error};
    int result = OPTIONS_RUN;

    error[0] = '\0';
    while (result == OPTIONS_RUN && walk.at < argc)
        result = parse_argument(&walk);
    *first_operand = walk.at - walk.operands;
    return result;
}

int options_parse(const struct option_program *program, int argc, char **argv, int *first_operand, char *error)
{
    int result = options_set_defaults(program, error);

    *first_operand = 1;
    return result == OPTIONS_RUN ? options_parse_arguments(program, argc, argv, first_operand, error) : result;
}

int options_set(const struct option_program *program, const char *name, const char *value, char *error)
{
    struct option_found found;
    const char *brought;

    error[0] = '\0';
    if (!options_find_name(program, name, strlen(name), &found) || found.fields == NULL)
        return fail_unknown_key(program, name, value, error);
    if (resolve_alias(program, &found, &brought))
        return fail(program, error, "%s: '%.*s' is not allowed; write %s = %s", name, VALUE_LONGEST, value, found.spec->name,
                    brought);
    return set_row(program, &found, "", value, error);
}

void options_make_line(char *message)
{
    for (; *message != '\0'; message++)
        if ((unsigned char)*message < ' ' || *message == 0x7f)
            *message = '?';
}

void options_free_list(struct option_list *list)
{
    free(list->items);
    *list = (struct option_list){0};
}
