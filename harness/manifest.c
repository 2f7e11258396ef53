/*
 * manifest: INI text to a peer, by a table of keys.
 *
 * `like = NAME` stands first where it stands at all: the manifest of the folder beside this one is read before the rest, its
 * templates are found, too, and the keys that follow change what differs. So three ways to run one program are one template.
 *
 * Rule: the first mistake is the one reported, with file and line; nothing is silently ignored.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ini.h"
#include "base/units.h"

#include "manifest.h"

#define MANIFEST_SIZE_LIMIT (64u << 10)
#define LIKE_DEPTH_MOST     4u

struct reading {
    struct manifest *manifest;
    const char *file;
    char *folder;
    unsigned depth, line;
    bool begun; /* a key other than `like` was read */
    char *section;
    char *error;
};

static int complain(const struct reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(const struct reading *reading, const char *format, ...)
{
    char what[MANIFEST_ERROR_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(reading->error, MANIFEST_ERROR_SIZE, "%.200s:%u: %s", reading->file, reading->line, what);
    return -EINVAL;
}

/* 0: none of those that are allowed. */
static int signal_of(const char *name)
{
    return !strcmp(name, "HUP") ? SIGHUP : !strcmp(name, "USR1") ? SIGUSR1 : !strcmp(name, "USR2") ? SIGUSR2 : 0;
}

/* ---- setters: `field` is the member's address; 0 or -EINVAL ---- */

static int set_text(void *field, const char *value)
{
    text_replace(field, text_copy(value));
    return *value ? 0 : -EINVAL;
}

static int set_path(void *field, const char *value)
{
    return *value == '/' && !strpbrk(value, " \t") ? set_text(field, value) : -EINVAL;
}

static int set_words(void *field, const char *value)
{
    struct names *names = field;
    names_free(names);
    text_words(names, value);
    return names->count ? 0 : -EINVAL;
}

/* They become files of one folder. */
static int set_files(void *field, const char *value)
{
    return strchr(value, '/') ? -EINVAL : set_words(field, value);
}

static int set_paths(void *field, const char *value)
{
    const struct names *paths = field;
    if (set_words(field, value) < 0)
        return -EINVAL;
    for (size_t i = 0; i < paths->count; i++)
        if (*paths->items[i] != '/')
            return -EINVAL;
    return 0;
}

static int set_worker(void *field, const char *value)
{
    *(bool *)field = !strcmp(value, "name");
    return *(bool *)field || !strcmp(value, "index") ? 0 : -EINVAL;
}

static int set_time(void *field, const char *value)
{
    uint64_t ns;
    if (units_parse_time(value, strlen(value), &ns) < 0 || ns > 60 * CLOCK_NS_PER_S)
        return -EINVAL;
    *(uint64_t *)field = ns;
    return 0;
}

/* A word alone is a signal: of a command there would be a placeholder, a path or more words. */
static int set_reload(void *field, const char *value)
{
    return strpbrk(value, " \t/{") || signal_of(value) ? set_text(field, value) : -EINVAL;
}

static int set_processes(void *field, const char *value)
{
    *(bool *)field = !strcmp(value, "children");
    return *(bool *)field || !strcmp(value, "unknown") ? 0 : -EINVAL;
}

static int set_program(void *field, const char *value)
{
    return strpbrk(value, "/ \t") ? -EINVAL : set_text(field, value);
}

#define FIELD(name) offsetof(struct manifest, name)

static const struct key {
    const char *name;
    size_t offset;
    int (*set)(void *field, const char *value);
    const char *allowed;
} keys[] = {
    {"title", FIELD(title), set_text, "a line of text"},
    {"command", FIELD(command), set_text, "a command line, with placeholders"},
    {"version", FIELD(version), set_text, "a command line, with placeholders"},
    {"templates", FIELD(templates), set_files, "files beside the manifest, with blanks between"},
    {"paths", FIELD(paths), set_paths, "paths such as /hello or /wait/*, with blanks between"},
    {"worker", FIELD(names_workers), set_worker, "index (X-Worker is 0..N-1) or name (something else, as a pid)"},
    {"ready", FIELD(ready), set_path, "a path"},
    {"ready_all", FIELD(ready_all), set_path, "a path"},
    {"ready_within", FIELD(ready_within_ns), set_time, "a time such as 10s, up to 60s"},
    {"grace", FIELD(grace_ns), set_time, "a time such as 3s, up to 60s"},
    {"busy", FIELD(busy), set_text, "a piece of what it says when a port is taken"},
    {"install", FIELD(install), set_text, "a command"},
    {"backends", FIELD(backends), set_program, "the name of a program of ours, such as single"},
    {"worker_processes", FIELD(children), set_processes, "children (of the process that is started) or unknown"},
    {"reload", FIELD(reload), set_reload, "HUP, USR1 or USR2, or a command line, with placeholders"},
};

/* ---- one manifest ---- */

static int refuse_key(const struct reading *reading, const char *name)
{
    struct names known = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        names_add(&known, keys[i].name);
    names_add(&known, "like");
    char *all = names_join(&known, ", "), *hint = names_hint(&known, name);
    int result = *hint ? complain(reading, "unknown key '%s' in [peer]%s", name, hint)
                       : complain(reading, "unknown key '%s' in [peer]; known are %s", name, all);
    free(hint);
    free(all);
    names_free(&known);
    return result;
}

static int set_key(struct reading *reading, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(keys[i].name, name))
            continue;
        if (keys[i].set((char *)reading->manifest + keys[i].offset, value) < 0)
            return complain(reading, "%s = '%s' is not allowed; use %s", name, value, keys[i].allowed);
        return 0;
    }
    return refuse_key(reading, name);
}

static bool is_placeholder(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

static int set_value(struct reading *reading, struct values *values, const char *name, const char *text)
{
    if (!is_placeholder(name))
        return complain(reading, "'%s' in [%s]: a name has a-z, 0-9, - and _", name, reading->section);
    values_set(values, name, text);
    return 0;
}

static int read_file(struct reading *reading);

static int read_like(const struct reading *reading, const char *name)
{
    if (reading->begun)
        return complain(reading, "like = %s must stand before everything else", name);
    if (reading->depth >= LIKE_DEPTH_MOST)
        return complain(reading, "like = %s: this is the manifest number %u of a row; at most %u", name, reading->depth + 1,
                        LIKE_DEPTH_MOST);
    if (!is_placeholder(name))
        return complain(reading, "like = '%s' is not allowed; use the name of a folder beside this one", name);
    char *file = text_print("%s/../%s/peer.ini", reading->folder, name);
    struct reading other = {.manifest = reading->manifest, .file = file, .depth = reading->depth + 1, .error = reading->error};
    int result = read_file(&other);
    free(file);
    return result;
}

static int take_item(struct reading *reading, const struct ini_item *item)
{
    static const char *const sections[] = {"peer", "needs", "values"};
    if (!item->value) {
        for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
            if (!strcmp(item->name, sections[i])) {
                reading->section = item->name;
                return 0;
            }
        return complain(reading, "unknown section [%s]; use [peer], [needs] or [values]", item->name);
    }
    if (!reading->section)
        return complain(reading, "%s stands before the first section; begin with [peer]", item->name);
    if (!strcmp(reading->section, "peer") && !strcmp(item->name, "like"))
        return read_like(reading, item->value);
    reading->begun = true;
    if (!strcmp(reading->section, "peer"))
        return set_key(reading, item->name, item->value);
    bool needs = !strcmp(reading->section, "needs");
    if (needs && !*item->value)
        return complain(reading, "%s: the package it comes in is missing", item->name);
    return set_value(reading, needs ? &reading->manifest->needs : &reading->manifest->values, item->name, item->value);
}

static int read_items(struct reading *reading, char *text, size_t length)
{
    struct ini ini;
    struct ini_item item;
    char why[INI_WHY_SIZE];
    ini_begin(&ini, text, length);
    for (;;) {
        int found = ini_next(&ini, &item, why);
        reading->line = ini.line;
        if (found < 0)
            return complain(reading, "%s", why);
        if (found == 0)
            return 0;
        int result = take_item(reading, &item);
        if (result < 0)
            return result;
    }
}

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? text_print("%.*s", (int)(slash - file), file) : text_copy(".");
}

static int read_file(struct reading *reading)
{
    char *text;
    size_t length;
    int result = file_read(reading->file, MANIFEST_SIZE_LIMIT, &text, &length);
    if (result < 0) {
        snprintf(reading->error, MANIFEST_ERROR_SIZE, "%.300s: %s", reading->file, strerror(-result));
        return result;
    }
    reading->folder = folder_of(reading->file);
    names_add(&reading->manifest->folders, reading->folder);
    result = read_items(reading, text, length);
    free(reading->folder);
    free(text);
    return result;
}

/* ---- the whole ---- */

static int check(const struct reading *reading)
{
    const struct manifest *manifest = reading->manifest;
    if (!manifest->command)
        return complain(reading, "command is missing in [peer]");
    if (manifest->children && manifest->backends)
        return complain(reading, "backends = %s are its workers; worker_processes = children cannot be, too", manifest->backends);
    for (size_t i = 0; i < manifest->templates.count; i++) {
        char *file = manifest_file(manifest, manifest->templates.items[i]);
        free(file);
        if (!file)
            return complain(reading, "templates: there is no file '%s' beside the manifest", manifest->templates.items[i]);
    }
    return 0;
}

int manifest_read(struct manifest *manifest, const char *file, char error[MANIFEST_ERROR_SIZE])
{
    *manifest = (struct manifest){.ready_within_ns = 15 * CLOCK_NS_PER_S, .grace_ns = 3 * CLOCK_NS_PER_S};
    *error = '\0';
    char *folder = folder_of(file);
    const char *slash = strrchr(folder, '/');
    manifest->name = text_copy(slash ? slash + 1 : folder);
    manifest->ready = text_copy("/healthz");
    free(folder);
    struct reading reading = {.manifest = manifest, .file = file, .depth = 1, .error = error};
    int result = read_file(&reading);
    if (!result)
        result = check(&reading);
    if (!result && !manifest->title)
        manifest->title = text_copy(manifest->name);
    if (result)
        manifest_close(manifest);
    return result;
}

void manifest_close(struct manifest *manifest)
{
    char *const texts[] = {manifest->name,      manifest->title, manifest->command, manifest->version,  manifest->ready,
                           manifest->ready_all, manifest->busy,  manifest->install, manifest->backends, manifest->reload};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        free(texts[i]);
    names_free(&manifest->folders);
    names_free(&manifest->templates);
    names_free(&manifest->paths);
    values_free(&manifest->needs);
    values_free(&manifest->values);
    *manifest = (struct manifest){0};
}

bool manifest_answers(const struct manifest *manifest, const char *path)
{
    size_t length = strcspn(path, "?");
    for (size_t i = 0; i < manifest->paths.count; i++) {
        const char *allowed = manifest->paths.items[i];
        size_t size = strlen(allowed);
        bool open = allowed[size - 1] == '*';
        if (open ? length >= size - 1 && !strncmp(path, allowed, size - 1) : length == size && !strncmp(path, allowed, size))
            return true;
    }
    return !manifest->paths.count;
}

int manifest_reload_signal(const struct manifest *manifest)
{
    return manifest->reload ? signal_of(manifest->reload) : 0;
}

char *manifest_file(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->folders.count; i++) {
        char *path = text_print("%s/%s", manifest->folders.items[i], name);
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}
