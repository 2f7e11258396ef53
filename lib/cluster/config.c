/*
 * Settings from three sources. Every value is set through its row's own setter and noted as a text, so that printing, passing on
 * and comparing need to know nothing of types.
 *
 * The command line is parsed twice: before the file to learn of --config and --env (and to refuse what is wrong with it), behind
 * the file because it wins.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ini.h"
#include "cluster/config_parts.h"

#define FILE_LIMIT     (1u << 20)
#define COMMON_SECTION "default"

/* What says where the file is cannot stand in it. */
static const char *const command_line_only[] = {"config", "env", "check-config"};

int config_complain(const struct config *config, char *error, const char *format, ...)
{
    int length = snprintf(error, OPTIONS_ERROR_SIZE, "%s: ", config->program.name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error + length, OPTIONS_ERROR_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
    options_make_line(error);
    return -EINVAL;
}

/* ---- rows ---- */

static struct config_row *find_row(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->row_count; i++)
        if (strcmp(config->rows[i].spec->name, name) == 0)
            return &config->rows[i];
    return NULL;
}

/* The single text of a row that is no list, or NULL. */
static const char *text_of(const struct config *config, const char *name)
{
    const struct config_row *row = find_row(config, name);
    return row && row->texts.count > 0 ? row->texts.items[0] : NULL;
}

static bool is_on(const struct config_row *row)
{
    return row->spec->type == OPTION_FLAG && *(const bool *)row->field;
}

static void add_text(struct config *config, struct option_list *texts, const char *text)
{
    const char **items = realloc(texts->items, (texts->count + 1) * sizeof *items);
    if (!items) {
        config->no_memory = true;
        return;
    }
    texts->items = items;
    items[texts->count++] = text;
}

/* A weaker source's texts go; a list's grow while the source is the same. */
static void on_noted(void *context, const struct option_spec *spec, const char *text)
{
    struct config *config = context;
    for (size_t i = 0; i < config->row_count; i++) {
        struct config_row *row = &config->rows[i];
        if (row->spec != spec)
            continue;
        if (!config_is_list(row) || row->source != config->source)
            row->texts.count = 0;
        add_text(config, &row->texts, text);
        row->source = config->source;
        row->given |= config->source == FROM_COMMAND_LINE;
    }
}

/* A list's values of a weaker source do not stay in front of those that come now. */
static void make_way(const struct config *config, struct config_row *row)
{
    if (config_is_list(row) && row->source != config->source)
        options_free_list(row->field);
}

void config_forget_values(struct config *config)
{
    for (size_t i = 0; i < config->row_count; i++) {
        struct config_row *row = &config->rows[i];
        if (config_is_list(row))
            options_free_list(row->field);
        row->texts.count = 0;
        row->source = FROM_NOWHERE;
    }
}

static size_t count_rows(const struct option_program *program)
{
    size_t count = 0;
    for (size_t i = 0; i < program->table_count; i++)
        for (const struct option_spec *spec = program->tables[i].specs; spec->name; spec++)
            count++;
    return count;
}

int config_open(struct config *config, const struct option_program *program, const struct config_area *areas, size_t area_count)
{
    *config = (struct config){.program = *program, .area_count = area_count, .shared = -1, .shared_earlier = -1};
    config->program.noted = on_noted;
    config->program.context = config;
    for (size_t i = 0; i < area_count; i++)
        config->areas[i] = areas[i];
    config->rows = calloc(count_rows(program) + 1, sizeof *config->rows);
    if (!config->rows)
        return -ENOMEM;
    for (size_t i = 0; i < program->table_count; i++)
        for (const struct option_spec *spec = program->tables[i].specs; spec->name; spec++)
            config->rows[config->row_count++] =
                (struct config_row){.spec = spec, .field = (char *)program->tables[i].fields + spec->offset};
    return 0;
}

void config_close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void config_close(struct config *config)
{
    for (size_t i = 0; i < config->row_count; i++) {
        if (config_is_list(&config->rows[i]))
            options_free_list(config->rows[i].field);
        options_free_list(&config->rows[i].texts);
    }
    for (size_t i = 0; i < config->kept_count; i++)
        free(config->kept[i]);
    free(config->kept);
    free(config->rows);
    config_close_descriptor(&config->shared);
    config_close_descriptor(&config->shared_earlier);
    *config = (struct config){.shared = -1, .shared_earlier = -1};
}

int config_keep_text(struct config *config, char *text)
{
    char **kept = realloc(config->kept, (config->kept_count + 1) * sizeof *kept);
    if (!kept) {
        free(text);
        return -ENOMEM;
    }
    config->kept = kept;
    kept[config->kept_count++] = text;
    return 0;
}

/* ---- the command line ---- */

/* argv stays as it was given: parsing moves operands about in a copy. */
static int parse_command_line(struct config *config, char *error)
{
    char **copy = calloc((size_t)config->argc + 1, sizeof *copy);
    int operand = config->argc;
    if (!copy)
        return config_complain(config, error, "out of memory");
    memcpy(copy, config->argv, (size_t)config->argc * sizeof *copy);
    config->source = FROM_COMMAND_LINE;
    int outcome = options_parse_arguments(&config->program, config->argc, copy, &operand, error);
    if (outcome == OPTIONS_RUN && operand < config->argc)
        outcome = config_complain(config, error, "'%.*s' is not allowed; use options only, see --help", CONFIG_SHOWN_LONGEST,
                                  copy[operand]);
    free(copy);
    return outcome;
}

static int set_defaults(struct config *config, char *error)
{
    config->source = FROM_DEFAULT;
    return options_set_defaults(&config->program, error);
}

int config_read_command_line(struct config *config, int argc, char **argv, char *error)
{
    config->argc = argc;
    config->argv = argv;
    config_forget_values(config);
    for (size_t i = 0; i < config->row_count; i++)
        config->rows[i].given = false;
    int outcome = set_defaults(config, error);
    if (outcome == OPTIONS_RUN)
        outcome = parse_command_line(config, error);
    config->file = text_of(config, "config");
    config->section = text_of(config, "env");
    return outcome;
}

bool config_has_file(const struct config *config)
{
    return config->file != NULL;
}

/* ---- the file: what stands where ---- */

struct file_key {
    unsigned section, line;
    const char *name, *value;
};

struct file_section {
    const char *name;
    unsigned line;
};

struct file_text {
    struct file_key *keys;
    struct file_section *sections;
    unsigned key_count, section_count;
};

static int complain_at(const struct config *config, char *error, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int complain_at(const struct config *config, char *error, unsigned line, const char *format, ...)
{
    char what[OPTIONS_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return config_complain(config, error, "%.*s:%u: %s", CONFIG_SHOWN_LONGEST, config->file, line, what);
}

static const struct file_section *find_section(const struct file_text *text, const char *name)
{
    for (unsigned i = 0; i < text->section_count; i++)
        if (strcmp(text->sections[i].name, name) == 0)
            return &text->sections[i];
    return NULL;
}

static int add_section(const struct config *config, struct file_text *text, const char *name, unsigned line, char *error)
{
    const struct file_section *same = find_section(text, name);
    if (same)
        return complain_at(config, error, line, "[%.*s] stands in line %u already; give each section its own name",
                           CONFIG_SHOWN_LONGEST, name, same->line);
    struct file_section *sections = realloc(text->sections, (text->section_count + 1) * sizeof *sections);
    if (!sections)
        return config_complain(config, error, "out of memory");
    text->sections = sections;
    sections[text->section_count++] = (struct file_section){name, line};
    return 0;
}

static int add_key(const struct config *config, struct file_text *text, const struct ini_item *item, unsigned line, char *error)
{
    if (text->section_count == 0)
        return complain_at(config, error, line, "'%.*s' stands before the first section; begin with [" COMMON_SECTION "]",
                           CONFIG_SHOWN_LONGEST, item->name);
    struct file_key *keys = realloc(text->keys, (text->key_count + 1) * sizeof *keys);
    if (!keys)
        return config_complain(config, error, "out of memory");
    text->keys = keys;
    keys[text->key_count++] = (struct file_key){text->section_count - 1, line, item->name, item->value};
    return 0;
}

static int read_items(const struct config *config, struct file_text *text, char *at, size_t length, char *error)
{
    char why[INI_WHY_SIZE];
    struct ini ini;
    struct ini_item item;
    int got = 0, result = 0;
    ini_begin(&ini, at, length);
    while (result == 0 && (got = ini_next(&ini, &item, why)) > 0)
        result = item.value ? add_key(config, text, &item, ini.line, error) : add_section(config, text, item.name, ini.line, error);
    return got < 0 ? complain_at(config, error, ini.line, "%s", why) : result;
}

/* ---- the file: what it sets ---- */

/* options_set, whose message begins with the place. */
static int set_key(struct config *config, const struct file_key *key, char *error)
{
    char place[2 * CONFIG_SHOWN_LONGEST];
    struct option_program at_line = config->program;
    snprintf(place, sizeof place, "%.60s: %.*s:%u", config->program.name, CONFIG_SHOWN_LONGEST, config->file, key->line);
    at_line.name = place;
    return options_set(&at_line, key->name, key->value, error);
}

/* The names, whether the section is in use or not. */
static int check_key(struct config *config, const struct file_text *text, unsigned at, char *error)
{
    const struct file_key *key = &text->keys[at];
    const struct config_row *row = find_row(config, key->name);
    if (!row)
        return set_key(config, key, error); /* says what is wrong, and what was meant */
    for (size_t i = 0; i < sizeof command_line_only / sizeof *command_line_only; i++)
        if (strcmp(key->name, command_line_only[i]) == 0)
            return complain_at(config, error, key->line, "%s: '%.*s' is not allowed in a file; use the command line for it",
                               key->name, CONFIG_SHOWN_LONGEST, key->value);
    for (unsigned i = 0; i < at && !config_is_list(row); i++)
        if (text->keys[i].section == key->section && strcmp(text->keys[i].name, key->name) == 0)
            return complain_at(config, error, key->line, "%s: '%.*s' is given twice; it stands in line %u already", key->name,
                               CONFIG_SHOWN_LONGEST, key->value, text->keys[i].line);
    return 0;
}

static int apply_section(struct config *config, const struct file_text *text, const char *name, enum config_source source,
                         char *error)
{
    const struct file_section *section = name ? find_section(text, name) : NULL;
    int result = 0;
    config->source = source;
    for (unsigned i = 0; section && i < text->key_count && result == 0; i++) {
        const struct file_key *key = &text->keys[i];
        if (&text->sections[key->section] != section)
            continue;
        make_way(config, find_row(config, key->name));
        result = set_key(config, key, error);
    }
    return result;
}

static int refuse_section(const struct config *config, const struct file_text *text, char *error)
{
    char known[OPTIONS_ERROR_SIZE] = "no section";
    size_t length = 0;
    for (unsigned i = 0; i < text->section_count && length < sizeof known; i++) {
        const char *joint = i == 0 ? "" : i + 1 < text->section_count ? ", " : " and ";
        length += (size_t)snprintf(known + length, sizeof known - length, "%s[%s]", joint, text->sections[i].name);
    }
    return config_complain(config, error, "--env: '%.*s' is not allowed; %.*s has %s", CONFIG_SHOWN_LONGEST / 2, config->section,
                           CONFIG_SHOWN_LONGEST, config->file, known);
}

static int apply_file(struct config *config, const struct file_text *text, char *error)
{
    int result = 0;
    for (unsigned i = 0; i < text->key_count && result == 0; i++)
        result = check_key(config, text, i, error);
    if (result == 0 && config->section && !find_section(text, config->section))
        result = refuse_section(config, text, error);
    if (result == 0)
        result = apply_section(config, text, COMMON_SECTION, FROM_COMMON_SECTION, error);
    return result ? result : apply_section(config, text, config->section, FROM_CHOSEN_SECTION, error);
}

static int read_file(struct config *config, char *error)
{
    struct file_text text = {0};
    size_t length;
    char *content;
    int result = file_read_within(config->file, FILE_LIMIT, CONFIG_FIFO_WAIT_MS, &content, &length);
    if (result < 0)
        return config_complain(config, error, "--config: '%.*s': %s", CONFIG_SHOWN_LONGEST, config->file,
                               result == -ETIMEDOUT ? CONFIG_NO_WRITER : strerror(-result));
    if (config_keep_text(config, content) != 0)
        return config_complain(config, error, "out of memory");
    result = read_items(config, &text, content, length, error);
    if (result == 0)
        result = apply_file(config, &text, error);
    free(text.keys);
    free(text.sections);
    return result;
}

/* ---- all of it ---- */

int config_read(struct config *config, int argc, char **argv, char *error)
{
    int outcome = config_read_command_line(config, argc, argv, error);
    if (outcome == OPTIONS_RUN && config->section && !config->file)
        return config_complain(config, error, "--env: '%.*s' is not allowed without a file; use --config FILE, too",
                               CONFIG_SHOWN_LONGEST, config->section);
    if (outcome != OPTIONS_RUN || !config->file)
        return outcome;
    config_forget_values(config);
    outcome = set_defaults(config, error);
    if (outcome == OPTIONS_RUN)
        outcome = read_file(config, error);
    config->source = FROM_COMMAND_LINE;
    for (size_t i = 0; i < config->row_count; i++)
        if (config->rows[i].given)
            make_way(config, &config->rows[i]);
    if (outcome == OPTIONS_RUN)
        outcome = parse_command_line(config, error);
    return outcome == OPTIONS_RUN && config->no_memory ? config_complain(config, error, "out of memory") : outcome;
}

/* ---- on paper ---- */

static bool is_command_line_only(const struct config_row *row)
{
    for (size_t i = 0; i < sizeof command_line_only / sizeof *command_line_only; i++)
        if (strcmp(row->spec->name, command_line_only[i]) == 0)
            return true;
    return false;
}

/* Would the file's reader give it back as it is? */
static bool can_be_written(const char *text)
{
    size_t length = strlen(text);
    if (length > 0 && (strchr(" \t", text[0]) || strchr(" \t", text[length - 1])))
        return false;
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static int print_row(const struct config *config, const struct config_row *row, FILE *out, char *error)
{
    const char *name = row->spec->name;
    if (row->texts.count == 0 && row->spec->type == OPTION_FLAG)
        fprintf(out, "%s = %s\n", name, is_on(row) ? "on" : "off");
    else if (row->texts.count == 0)
        fprintf(out, "# %s = %s\n", name, row->spec->argument ? row->spec->argument : "VALUE");
    else if (row->spec->secret)
        fprintf(out, "# %s = %s (given, and not shown)\n", name, row->spec->argument);
    for (size_t i = 0; i < row->texts.count && !row->spec->secret; i++) {
        const char *text = row->texts.items[i];
        if (!can_be_written(text))
            return config_complain(
                config, error,
                "--%s: '%.*s' cannot stand in a file; use a value without control characters, and without white space "
                "around it",
                name, CONFIG_SHOWN_LONGEST, text);
        fprintf(out, "%s = %s\n", name, text);
    }
    return 0;
}

int config_print(const struct config *config, FILE *out, char *error)
{
    const char *group = NULL; /* of the rows to come, not printed yet */
    int result = 0;
    fprintf(out, "# settings of %s; lines behind '#' are not set\n[" COMMON_SECTION "]\n", config->program.name);
    for (size_t i = 0; i < config->row_count && result == 0; i++) {
        const struct config_row *row = &config->rows[i];
        group = row->spec->group ? row->spec->group : group;
        if (row->spec->type == OPTION_ALIAS || is_command_line_only(row))
            continue;
        if (group)
            fprintf(out, "\n# ---- %s ----\n", group);
        group = NULL;
        result = print_row(config, row, out, error);
    }
    if (result == 0 && (fflush(out) != 0 || ferror(out)))
        return config_complain(config, error, "cannot write the settings: %s", strerror(errno));
    return result;
}
