/*
 * Settings after the first reading: handed to workers, and read anew at a reload.
 *
 * A reload reads everything into copies of the areas first. Only when that went well, and for rows that may change, the texts are
 * set on the fields in use. The texts and the memfd of before are kept until the next reload: it may have to be taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/config_parts.h"

#define SETTINGS_LIMIT (4u << 20)

/* ---- to workers: "name\0value\0" again and again ---- */

static void put_settings(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config->row_count; i++)
        for (size_t j = 0; j < config->rows[i].texts.count; j++)
            fprintf(out, "%s%c%s%c", config->rows[i].spec->name, '\0', config->rows[i].texts.items[j], '\0');
}

static int write_settings(const struct config *config, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    if (!out) {
        int error = -errno;
        config_close_descriptor(&copy);
        return error;
    }
    put_settings(config, out);
    bool failed = ferror(out) != 0;
    return fclose(out) != 0 || failed ? -EIO : 0;
}

/* A sealed memfd, or a negative errno. */
static int make_shared(const struct config *config)
{
    int fd = memfd_create("clusterbench-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int error = write_settings(config, fd);
    if (!error && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        error = -errno;
    if (error)
        close(fd);
    return error ? error : fd;
}

int config_share(struct config *config)
{
    int fd = make_shared(config);
    if (fd < 0)
        return fd;
    config_close_descriptor(&config->shared);
    config->shared = fd;
    return 0;
}

/* Everybody reads through the same open file: at offsets of their own. */
static int read_shared(int fd, char **text, size_t *length)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    if (status.st_size > SETTINGS_LIMIT)
        return -EFBIG;
    *length = (size_t)status.st_size;
    *text = calloc(1, *length + 1);
    if (!*text)
        return -ENOMEM;
    for (size_t at = 0; at < *length;) {
        ssize_t got = pread(fd, *text + at, *length - at, (off_t)at);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            free(*text);
            return got < 0 ? -errno : -EIO;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int take_settings(struct config *config, const char *at, const char *end, char *error)
{
    struct option_program from_primary = config->program;
    char name[80];
    int result = 0;
    snprintf(name, sizeof name, "%.40s: settings of the primary", config->program.name);
    from_primary.name = name;
    config->source = FROM_DEFAULT;
    while (at < end && result == 0) {
        const char *key = at, *value = key + strlen(key) + 1;
        at = value < end ? value + strlen(value) + 1 : end;
        if (value < end)
            result = options_set(&from_primary, key, value, error);
    }
    return result;
}

int config_inherit(struct config *config, int argc, char **argv, int fd, char *error)
{
    size_t length = 0;
    char *text = NULL;
    int outcome = config_read_command_line(config, argc, argv, error);
    if (outcome != OPTIONS_RUN || !config->file)
        return outcome;
    int result = read_shared(fd, &text, &length);
    if (result == 0)
        result = config_keep_text(config, text);
    if (result != 0)
        return config_complain(config, error, "the settings of the primary cannot be read: %s", strerror(-result));
    config_forget_values(config);
    return take_settings(config, text, text + length, error);
}

/* ---- reload ---- */

static bool same_texts(const struct option_list *one, const struct option_list *two)
{
    if (one->count != two->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->items[i], two->items[i]) != 0)
            return false;
    return true;
}

/* The same tables over copies of the areas, to read everything anew without touching what is in use. */
struct trial {
    struct config config;
    struct config_area areas[CONFIG_AREAS_MAX];
    struct option_table *tables;
};

static void close_trial(struct trial *trial)
{
    config_close(&trial->config);
    for (size_t i = 0; i < CONFIG_AREAS_MAX; i++)
        free(trial->areas[i].fields);
    free(trial->tables);
}

static int open_trial(struct trial *trial, const struct config *config)
{
    struct option_program program = config->program;
    *trial = (struct trial){.config = {.shared = -1, .shared_earlier = -1}};
    trial->tables = calloc(program.table_count + 1, sizeof *trial->tables);
    if (!trial->tables)
        return -ENOMEM;
    for (size_t i = 0; i < config->area_count; i++) {
        trial->areas[i] = (struct config_area){calloc(1, config->areas[i].size), config->areas[i].size};
        if (!trial->areas[i].fields)
            return -ENOMEM;
        for (size_t j = 0; j < program.table_count; j++)
            if (program.tables[j].fields == config->areas[i].fields)
                trial->tables[j] = (struct option_table){program.tables[j].specs, trial->areas[i].fields};
    }
    program.tables = trial->tables;
    return config_open(&trial->config, &program, trial->areas, config->area_count);
}

/* The field of a row that nobody gave a value is zero; how large that is, of custom rows only they know. */
static const size_t field_sizes[] = {
    [OPTION_FLAG] = sizeof(bool),
    [OPTION_INTEGER] = sizeof(uint64_t),
    [OPTION_REAL] = sizeof(double),
    [OPTION_TIME] = sizeof(uint64_t),
    [OPTION_SIZE] = sizeof(uint64_t),
    [OPTION_TEXT] = sizeof(char *),
    [OPTION_CHOICE] = sizeof(int),
    [OPTION_CUSTOM] = 0,
    [OPTION_LIST] = 0,
    [OPTION_ALIAS] = 0,
};

static bool can_change(const struct config_row *row, const struct option_list *texts)
{
    return row->spec->reloadable && !config_is_list(row) && (texts->count > 0 || field_sizes[row->spec->type] > 0);
}

/* `text` NULL: nobody gives a value any more. */
static int change_row(struct config *config, struct config_row *row, const char *text, char *error)
{
    if (text)
        return options_set(&config->program, row->spec->name, text, error);
    memset(row->field, 0, field_sizes[row->spec->type]);
    row->texts.count = 0;
    return 0;
}

static const char *first_text(const struct option_list *texts)
{
    return texts->count > 0 ? texts->items[0] : NULL;
}

static void say_it_stays(const struct config *config, const struct config_row *row, const struct option_list *texts,
                         const struct log *log)
{
    const char *now = first_text(&row->texts), *wanted = first_text(texts);
    if (row->spec->secret)
        now = wanted = "(hidden)";
    log_line(log, LOG_WARN, "%.*s: %s: '%.*s' has no effect before the next start; it stays '%.*s'", CONFIG_SHOWN_LONGEST,
             config->file, row->spec->name, CONFIG_SHOWN_LONGEST, wanted ? wanted : "", CONFIG_SHOWN_LONGEST, now ? now : "");
}

/* Rows stand in the same order in both. */
static int take_changes(struct config *config, const struct config *read, const struct log *log, char *error)
{
    int result = 0;
    for (size_t i = 0; i < config->row_count && result == 0; i++) {
        struct config_row *row = &config->rows[i];
        const struct option_list *texts = &read->rows[i].texts;
        if (same_texts(&row->texts, texts))
            continue;
        if (can_change(row, texts)) {
            row->changed = true;
            row->earlier = first_text(&row->texts);
            config->source = read->rows[i].source;
            result = change_row(config, row, first_text(texts), error);
        } else {
            say_it_stays(config, row, texts, log);
        }
    }
    return result;
}

/* The texts that fields now point into. */
static int take_over_texts(struct config *config, struct config *read)
{
    int error = 0;
    while (read->kept_count > 0 && !error)
        error = config_keep_text(config, read->kept[--read->kept_count]);
    return error;
}

static void tell_change(const struct config *config)
{
    if (config->changed)
        config->changed(config->changed_context);
}

/* What the reload before this one has left for its undoing. */
static void settle_last_reload(struct config *config)
{
    config_close_descriptor(&config->shared_earlier);
    for (size_t i = 0; i < config->row_count; i++)
        config->rows[i].changed = false;
}

void config_revert(struct config *config)
{
    char error[OPTIONS_ERROR_SIZE];
    for (size_t i = 0; i < config->row_count; i++) {
        struct config_row *row = &config->rows[i];
        if (row->changed)
            (void)change_row(config, row, row->earlier, error); /* it was taken once: it is allowed */
        row->changed = false;
    }
    if (config->shared_earlier >= 0) {
        config_close_descriptor(&config->shared);
        config->shared = config->shared_earlier;
        config->shared_earlier = -1;
    }
    tell_change(config);
}

static bool differ(const struct config *one, const struct config *two)
{
    for (size_t i = 0; i < one->row_count; i++)
        if (!same_texts(&one->rows[i].texts, &two->rows[i].texts))
            return true;
    return false;
}

static int take_trial(struct config *config, struct trial *trial, const struct log *log, char *error)
{
    if (take_over_texts(config, &trial->config) != 0)
        return config_complain(config, error, "out of memory");
    settle_last_reload(config);
    int result = take_changes(config, &trial->config, log, error);
    int fd = result == 0 ? make_shared(config) : -1;
    if (result == 0 && fd < 0)
        result = config_complain(config, error, "the settings cannot be passed on: %s", strerror(-fd));
    if (result != 0) {
        config_revert(config);
        return result;
    }
    config->shared_earlier = config->shared;
    config->shared = fd;
    tell_change(config);
    return 0;
}

/* A pipe gives its text once. */
static bool can_be_read_again(const struct config *config)
{
    struct stat status;
    return config->file && (stat(config->file, &status) != 0 || S_ISREG(status.st_mode));
}

int config_reload(struct config *config, const struct log *log, char *error)
{
    struct trial trial;
    if (!can_be_read_again(config))
        return 0;
    int result = open_trial(&trial, config);
    if (result == 0)
        result = config_read(&trial.config, config->argc, config->argv, error);
    else
        config_complain(config, error, "out of memory");
    if (result == OPTIONS_RUN && differ(config, &trial.config))
        result = take_trial(config, &trial, log, error);
    else if (result == OPTIONS_RUN)
        settle_last_reload(config);
    close_trial(&trial);
    return result == 0 ? 0 : -EINVAL;
}
