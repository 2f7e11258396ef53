/*
 * Where the settings come from: built-in defaults, a configuration file, the command line; each wins over the ones before it.
 *
 *   # site.ini, for --config site.ini --env production
 *   [default]
 *   workers = 2
 *   log = info
 *   [production]
 *   workers = auto
 *
 * Keys are the names of the options without their dashes. [default] holds for everybody, another section for those that choose it
 * with --env, and wins. The names of all sections are checked, the values of those in use: another machine's CPUs need not exist
 * here. The file's syntax: base/ini.h.
 *
 * Who reads when
 * - The primary reads the file once, at the start, and again at a reload.
 * - A worker never reads it. It is started with the same command line and with the primary's settings in a sealed memfd, every
 *   value as the text it was given by. So a worker that is started again after a crash has the values of all others, whatever has
 *   become of the file since.
 * - At a reload only rows marked `reloadable` change, for the workers to come and in the primary's own fields; for all others the
 *   old value stays and a warning says so. If no worker becomes ready with the new values, config_revert brings the old ones back.
 */
#ifndef CLUSTER_CONFIG_H
#define CLUSTER_CONFIG_H

#include <stdio.h>

#include "base/log.h"
#include "base/options.h"

/* A struct that tables fill in; a reload tries the new values on a copy of it first. */
struct config_area {
    void *fields;
    size_t size;
};

#define CONFIG_AREAS_MAX 4

/* Of a file that somebody named, and that is a FIFO: so long it is waited for a writer. */
#define CONFIG_FIFO_WAIT_MS 5000
#define CONFIG_NO_WRITER    "nobody writes into this FIFO"

/* Stronger ones come later. */
enum config_source { FROM_NOWHERE, FROM_DEFAULT, FROM_COMMON_SECTION, FROM_CHOSEN_SECTION, FROM_COMMAND_LINE };

struct config_row {
    const struct option_spec *spec;
    void *field;
    struct option_list texts; /* its values as they were given, one unless it is a list; none: nobody gave one */
    enum config_source source;
    bool given;          /* on the command line */
    bool changed;        /* by the last reload */
    const char *earlier; /* its text before that, or NULL: it had none */
};

struct config {
    struct option_program program; /* the caller's, and told of every value */
    struct config_area areas[CONFIG_AREAS_MAX];
    size_t area_count;
    struct config_row *rows;
    size_t row_count;
    int argc;
    char **argv; /* the caller's */
    const char *file, *section;
    enum config_source source; /* of what is being set right now */
    bool no_memory;
    char **kept; /* texts of files: fields point into them */
    size_t kept_count;
    int shared, shared_earlier; /* memfds, or -1 */
    void (*changed)(void *context);
    void *changed_context;
};

/*
 * `program` names tables that have rows `config`, `env` (texts) and `check-config` (flag), and fill in the areas. Tables and areas
 * outlive the config; what else `program` points to, too. 0 or -ENOMEM; config_close in either case.
 */
int config_open(struct config *config, const struct option_program *program, const struct config_area *areas, size_t area_count);
void config_close(struct config *config);

/* The primary: reads command line and file. An options_outcome, or -EINVAL with one line in `error` (OPTIONS_ERROR_SIZE). */
int config_read(struct config *config, int argc, char **argv, char *error);

/* A worker: reads its command line, and where that names a file, the primary's settings from `fd` instead. The same. */
int config_inherit(struct config *config, int argc, char **argv, int fd, char *error);

/* True where there is a file: then config_share makes config->shared, which workers inherit. 0 or negative errno. */
bool config_has_file(const struct config *config);
int config_share(struct config *config);

/* The settings as a file that --config takes. 0 or -EINVAL with `error`. */
int config_print(const struct config *config, FILE *out, char *error);

/*
 * Reads the file again. 0: changed values are in the fields and in config->shared, what could not change is said through `log`.
 * -EINVAL with `error`: everything is as it was. Only for workers that are processes: threads read the fields all the time.
 */
int config_reload(struct config *config, const struct log *log, char *error);

/* Takes the last reload back. */
void config_revert(struct config *config);

#endif
