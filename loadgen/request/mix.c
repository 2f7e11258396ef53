/*
 * Several requests and how often each.
 *
 * The mix file is INI. What is wrong with a value is said at its line; a section is made into a request once it has ended.
 *
 * A section's headers and checks come on top of the command line's: only a header of the same name, a check of the same kind,
 * takes the other's place. All other keys replace.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/ini.h"
#include "base/units.h"
#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

#define MIX_FILE_LIMIT  (16 << 20)
#define BODY_FILE_LIMIT (64 << 20)
#define NAME_LONGEST    64
#define WEIGHT_MOST     1e9
#define SHOWN_LONGEST   80

/* What one request is made of, before it is. */
struct recipe {
    const char *name, *method;
    double weight;
    struct slice target, body; /* body at NULL: none */
    struct option_list headers, checks;
};

static int say(char *message, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int say(char *message, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return error;
}

static int add_item(struct option_list *list, const char *item)
{
    const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items)
        return -ENOMEM;
    list->items = items;
    list->items[list->count++] = item;
    return 0;
}

/* ---- one request ---- */

static int make_templates(struct request_kind *kind, const struct recipe *recipe, const struct url *url, bool cookies, char *why)
{
    struct request_parts parts = {
        .method = recipe->method,
        .url = url,
        .target = recipe->target,
        .headers = &recipe->headers,
        .body = recipe->body,
        .cookies = cookies,
    };
    int error = template_init(&kind->keep, &parts, why);
    parts.last = true;
    return error ? error : template_init(&kind->last, &parts, why);
}

static int make_check(struct request_kind *kind, const struct recipe *recipe, char *why)
{
    int error = 0;
    for (size_t i = 0; i < recipe->checks.count && !error; i++)
        error = check_add(&kind->check, recipe->checks.items[i], why);
    kind->checked = !check_is_empty(&kind->check);
    if (!error && kind->is_head && check_needs_body(&kind->check))
        return say(why, -EINVAL, "check: a response to HEAD has no body; use status or header");
    return error;
}

static bool has_cookie_header(const struct option_list *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        if (slice_is_nocase(template_header_name(headers->items[i]), "cookie"))
            return true;
    return false;
}

/* Adds the request to the mix, which owns what there is of it even where this fails. */
static int make_kind(struct request_mix *mix, const struct recipe *recipe, const struct url *url, char *why)
{
    if (mix->cookies && has_cookie_header(&recipe->headers))
        return say(why, -EINVAL, "there can be one Cookie field; leave out the header Cookie or --cookies");
    struct request_kind *kinds = realloc(mix->kinds, (mix->count + 1) * sizeof(*kinds));
    if (!kinds)
        return -ENOMEM;
    mix->kinds = kinds;
    struct request_kind *kind = &kinds[mix->count++];
    *kind = (struct request_kind){.weight = recipe->weight, .name = strdup(recipe->name)};
    if (!kind->name)
        return -ENOMEM;
    kind->is_head = strcmp(recipe->method, "HEAD") == 0;
    kind->is_idempotent = template_is_idempotent(recipe->method);
    int error = make_check(kind, recipe, why);
    return error ? error : make_templates(kind, recipe, url, mix->cookies, why);
}

/* ---- the command line's ---- */

/* Checks what nobody has looked at yet; a message begins with the option. */
static int check_options(const struct request_options *options, const struct url *url, char *message)
{
    char why[MESSAGE_SIZE];
    if (template_check_text(url->target, true, why))
        return say(message, -EINVAL, "URL: %.480s", why);
    if (options->body && template_check_text(slice_of(options->body), false, why))
        return say(message, -EINVAL, "--body: %.480s", why);
    for (size_t i = 0; i < options->headers.count; i++)
        if (template_check_text(slice_of(options->headers.items[i]), false, why))
            return say(message, -EINVAL, "--header: %.480s", why);
    struct check check = {.status_from = 0};
    int error = 0;
    for (size_t i = 0; i < options->checks.count && !error; i++)
        if ((error = check_add(&check, options->checks.items[i], why)))
            say(message, error, "--check: '%.*s' is not allowed; %.380s", SHOWN_LONGEST, options->checks.items[i],
                error == -EINVAL ? why : strerror(-error));
    check_close(&check);
    return error;
}

/* The file's bytes, kept by the mix. */
static int read_body(struct request_mix *mix, const char *path, struct slice *body, char *why)
{
    char **texts = realloc(mix->texts, (mix->text_count + 1) * sizeof(*texts)), *text = NULL;
    if (!texts)
        return -ENOMEM;
    mix->texts = texts;
    size_t length;
    int error = file_read(path, BODY_FILE_LIMIT, &text, &length);
    if (error == -EFBIG)
        return say(why, error, "the file has more than %d MiB", BODY_FILE_LIMIT >> 20);
    if (error)
        return say(why, error, "%s", strerror(-error));
    texts[mix->text_count++] = text;
    *body = (struct slice){text, length};
    return template_check_text(*body, false, why);
}

/* What a request is as long as no section says otherwise. The lists are borrowed. */
static int read_defaults(struct request_mix *mix, const struct request_options *options, struct recipe *defaults, char *message)
{
    char why[MESSAGE_SIZE] = "";
    *defaults = (struct recipe){.method = options->method, .weight = 1, .headers = options->headers, .checks = options->checks};
    if (options->body)
        defaults->body = slice_of(options->body);
    int error = options->body_file ? read_body(mix, options->body_file, &defaults->body, why) : 0;
    if (error)
        say(message, error, "--body-file: '%.*s': %.380s", SHOWN_LONGEST, options->body_file, *why ? why : strerror(-error));
    return error;
}

/* Without a mix file: one request, named by its path. */
static int make_only_kind(struct request_mix *mix, const struct recipe *defaults, const struct url *url, char *message)
{
    char why[MESSAGE_SIZE] = "";
    char *name = url->target.length ? strndup(url->target.at, url->target.length) : strdup("/");
    if (!name)
        return say(message, -ENOMEM, "%s", strerror(ENOMEM));
    struct recipe only = *defaults;
    only.name = name;
    int error = make_kind(mix, &only, url, why);
    if (error)
        say(message, error, "%.480s", *why ? why : strerror(-error));
    free(name);
    return error;
}

/* ---- the mix file ---- */

enum key { KEY_WEIGHT, KEY_METHOD, KEY_PATH, KEY_BODY, KEY_BODY_FILE, KEYS_ONCE, KEY_HEADER = KEYS_ONCE, KEY_CHECK, KEY_COUNT };

static const char *const key_names[KEY_COUNT] = {"weight", "method", "path", "body", "body-file", "header", "check"};

struct reading {
    struct request_mix *mix;
    const struct recipe *defaults;
    const struct url *url;
    const char *file; /* its path */
    char *message;
    unsigned line;
    /* The section under way: */
    bool in_section;
    unsigned section_line, key_line[KEYS_ONCE]; /* 0: not given */
    struct recipe recipe;                       /* its lists are owned, and hold the section's own items only */
};

static int complain(const struct reading *reading, int error, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int complain(const struct reading *reading, int error, unsigned line, const char *format, ...)
{
    char what[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return say(reading->message, error, "%.120s:%u: %.360s", reading->file, line, what);
}

static int refuse(const struct reading *reading, const char *key, const char *value, const char *why)
{
    return complain(reading, -EINVAL, reading->line, "%s: '%.*s' is not allowed; %s", key, SHOWN_LONGEST, value, why);
}

static int out_of_memory(const struct reading *reading)
{
    return complain(reading, -ENOMEM, reading->line, "%s", strerror(ENOMEM));
}

static int set_weight(struct reading *reading, const char *value)
{
    double weight;
    if (units_parse_decimal(value, strlen(value), &weight) != 0 || !(weight > 0 && weight <= WEIGHT_MOST))
        return refuse(reading, "weight", value, "use a number above 0, up to 1000000000");
    reading->recipe.weight = weight;
    return 0;
}

static int set_method(struct reading *reading, const char *value)
{
    const char *why = template_check_method(value);
    reading->recipe.method = value;
    return why ? refuse(reading, "method", value, why) : 0;
}

static int set_path(struct reading *reading, const char *value)
{
    char why[MESSAGE_SIZE];
    reading->recipe.target = slice_of(value);
    if (*value != '/')
        return refuse(reading, "path", value, "use /PATH, as in a URL behind the host");
    if (!url_is_target(reading->recipe.target) || strchr(value, '#'))
        return refuse(reading, "path", value, "it holds a space, a '#' or a byte outside ASCII (write it as %XX)");
    return template_check_text(reading->recipe.target, true, why) ? complain(reading, -EINVAL, reading->line, "path: %s", why) : 0;
}

static int set_body(struct reading *reading, const char *value)
{
    char why[MESSAGE_SIZE];
    reading->recipe.body = slice_of(value);
    return template_check_text(reading->recipe.body, false, why) ? complain(reading, -EINVAL, reading->line, "body: %s", why) : 0;
}

/* A relative name is meant from where the mix file lies. */
static int set_body_file(struct reading *reading, const char *value)
{
    const char *slash = *value == '/' ? NULL : strrchr(reading->file, '/');
    char *path, why[MESSAGE_SIZE] = "";
    if (*value == '\0')
        return refuse(reading, "body-file", value, "use a file's name");
    if (asprintf(&path, "%.*s%s", slash ? (int)(slash + 1 - reading->file) : 0, reading->file, value) < 0)
        return out_of_memory(reading);
    int error = read_body(reading->mix, path, &reading->recipe.body, why);
    free(path);
    if (error)
        return complain(reading, error, reading->line, "body-file: '%.*s': %s", SHOWN_LONGEST, value,
                        *why ? why : strerror(-error));
    return 0;
}

static int add_header(struct reading *reading, const char *value)
{
    char why[MESSAGE_SIZE];
    const char *wrong = template_check_header(value);
    if (wrong)
        return refuse(reading, "header", value, wrong);
    if (template_check_text(slice_of(value), false, why))
        return complain(reading, -EINVAL, reading->line, "header: %s", why);
    return add_item(&reading->recipe.headers, value) ? out_of_memory(reading) : 0;
}

/* Tried on a check of its own: together they are looked at when the section ends. */
static int add_check(struct reading *reading, const char *value)
{
    char why[MESSAGE_SIZE] = "";
    struct check check = {.status_from = 0};
    int error = check_add(&check, value, why);
    check_close(&check);
    if (error == -EINVAL)
        return refuse(reading, "check", value, why);
    return error || add_item(&reading->recipe.checks, value) ? out_of_memory(reading) : 0;
}

static int (*const setters[KEY_COUNT])(struct reading *, const char *) = {
    [KEY_WEIGHT] = set_weight,       [KEY_METHOD] = set_method, [KEY_PATH] = set_path,   [KEY_BODY] = set_body,
    [KEY_BODY_FILE] = set_body_file, [KEY_HEADER] = add_header, [KEY_CHECK] = add_check,
};

static int set_key(struct reading *reading, const char *name, const char *value)
{
    unsigned key = 0;
    while (key < KEY_COUNT && strcmp(name, key_names[key]) != 0)
        key++;
    if (key == KEY_COUNT)
        return complain(reading, -EINVAL, reading->line,
                        "unknown key '%.*s'; use weight, method, path, header, body, body-file or check", SHOWN_LONGEST, name);
    if (!reading->in_section)
        return complain(reading, -EINVAL, reading->line, "%s stands before the first [NAME]; begin with one", key_names[key]);
    if (key < KEYS_ONCE && reading->key_line[key])
        return complain(reading, -EINVAL, reading->line, "%s stands in line %u already; give it once a section", key_names[key],
                        reading->key_line[key]);
    if ((key == KEY_BODY && reading->key_line[KEY_BODY_FILE]) || (key == KEY_BODY_FILE && reading->key_line[KEY_BODY]))
        return complain(reading, -EINVAL, reading->line, "a section has a body or a body-file; use one of them");
    if (key < KEYS_ONCE)
        reading->key_line[key] = reading->line;
    return setters[key](reading, value);
}

static bool same_header(const char *one, const char *other)
{
    struct slice a = template_header_name(one), b = template_header_name(other);
    return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

static bool same_check(const char *one, const char *other)
{
    return check_kind_of(one) == check_kind_of(other);
}

/* Adds those of the defaults that the section's own do not replace. They come behind: nobody's order is at stake. */
static int inherit(struct option_list *list, const struct option_list *defaults, bool (*same)(const char *, const char *))
{
    size_t own = list->count;
    int error = 0;
    for (size_t i = 0; i < defaults->count && !error; i++) {
        bool replaced = false;
        for (size_t j = 0; j < own && !replaced; j++)
            replaced = same(list->items[j], defaults->items[i]);
        if (!replaced)
            error = add_item(list, defaults->items[i]);
    }
    return error;
}

static int end_section(struct reading *reading)
{
    char why[MESSAGE_SIZE] = "";
    if (!reading->in_section)
        return 0;
    int error = inherit(&reading->recipe.headers, &reading->defaults->headers, same_header);
    if (!error)
        error = inherit(&reading->recipe.checks, &reading->defaults->checks, same_check);
    if (!error)
        error = make_kind(reading->mix, &reading->recipe, reading->url, why);
    if (error)
        complain(reading, error, reading->section_line, "[%.*s]: %s", NAME_LONGEST, reading->recipe.name,
                 *why ? why : strerror(-error));
    return error;
}

static void drop_section(struct reading *reading)
{
    if (!reading->in_section)
        return;
    options_free_list(&reading->recipe.headers);
    options_free_list(&reading->recipe.checks);
    reading->in_section = false;
}

static int begin_section(struct reading *reading, const char *name)
{
    if (*name == '\0' || strlen(name) > NAME_LONGEST)
        return complain(reading, -EINVAL, reading->line, "a section's name has 1 to %d bytes", NAME_LONGEST);
    int error = end_section(reading);
    drop_section(reading);
    if (error)
        return error;
    for (unsigned i = 0; i < reading->mix->count; i++)
        if (strcmp(name, reading->mix->kinds[i].name) == 0)
            return complain(reading, -EINVAL, reading->line, "[%s] is there already; give each section its own name",
                            reading->mix->kinds[i].name);
    if (reading->mix->count == MIX_KINDS_MAX)
        return complain(reading, -EINVAL, reading->line, "too many sections; %d are allowed", MIX_KINDS_MAX);
    reading->recipe = *reading->defaults;
    reading->recipe.headers = reading->recipe.checks = (struct option_list){NULL, 0};
    reading->recipe.name = name;
    reading->section_line = reading->line;
    memset(reading->key_line, 0, sizeof(reading->key_line));
    reading->in_section = true;
    return 0;
}

/* The kinds' checks go on pointing into the text. */
static int read_items(struct reading *reading, char *text, size_t length)
{
    char why[INI_WHY_SIZE];
    struct ini ini;
    struct ini_item item;
    int error = 0, got = 0;
    ini_begin(&ini, text, length);
    while (!error && (got = ini_next(&ini, &item, why)) > 0) {
        reading->line = ini.line;
        error = item.value ? set_key(reading, item.name, item.value) : begin_section(reading, item.name);
    }
    return got < 0 ? complain(reading, got, ini.line, "%s", why) : error;
}

static int make_kinds(struct request_mix *mix, const struct recipe *defaults, const char *file, const struct url *url,
                      char *message)
{
    struct reading reading = {.mix = mix, .defaults = defaults, .url = url, .file = file, .message = message};
    char **texts = realloc(mix->texts, (mix->text_count + 1) * sizeof(*texts)), *text = NULL;
    size_t length;
    if (!texts)
        return say(message, -ENOMEM, "%s", strerror(ENOMEM));
    mix->texts = texts;
    int error = file_read(file, MIX_FILE_LIMIT, &text, &length);
    if (error == -EFBIG)
        return say(message, error, "--mix: '%.*s': the file has more than %d MiB", SHOWN_LONGEST, file, MIX_FILE_LIMIT >> 20);
    if (error)
        return say(message, error, "--mix: '%.*s': %s", SHOWN_LONGEST, file, strerror(-error));
    texts[mix->text_count++] = text;
    error = read_items(&reading, text, length);
    if (!error)
        error = end_section(&reading);
    drop_section(&reading);
    if (!error && mix->count == 0)
        return say(message, -EINVAL, "--mix: '%.*s' has no section; write [NAME] and below it what one request is", SHOWN_LONGEST,
                   file);
    return error;
}

/* ---- all of them ---- */

/* Shares, and what the kinds have together. */
static void sum_up(struct request_mix *mix)
{
    double total = 0, before = 0;
    for (unsigned i = 0; i < mix->count; i++)
        total += mix->kinds[i].weight;
    for (unsigned i = 0; i < mix->count; i++) {
        struct request_kind *kind = &mix->kinds[i];
        before += kind->weight;
        kind->cumulative = i + 1 == mix->count ? 1 : before / total;
        mix->checked |= kind->checked;
        mix->reads_body |= check_needs_body(&kind->check);
        size_t longest = kind->keep.longest > kind->last.longest ? kind->keep.longest : kind->last.longest;
        mix->longest = mix->longest > longest ? mix->longest : longest;
    }
}

int mix_init(struct request_mix *mix, const struct request_options *options, const struct url *url, char *message)
{
    struct recipe defaults;
    *mix = (struct request_mix){.cookies = options->cookies};
    int error = check_options(options, url, message);
    if (!error)
        error = read_defaults(mix, options, &defaults, message);
    if (!error)
        error = options->mix_file ? make_kinds(mix, &defaults, options->mix_file, url, message)
                                  : make_only_kind(mix, &defaults, url, message);
    if (error)
        mix_close(mix);
    else
        sum_up(mix);
    return error;
}

void mix_close(struct request_mix *mix)
{
    for (unsigned i = 0; i < mix->count; i++) {
        free(mix->kinds[i].name);
        template_close(&mix->kinds[i].keep);
        template_close(&mix->kinds[i].last);
        check_close(&mix->kinds[i].check);
    }
    free(mix->kinds);
    for (unsigned i = 0; i < mix->text_count; i++)
        free(mix->texts[i]);
    free(mix->texts);
    *mix = (struct request_mix){.count = 0};
}

/* The first kind whose share ends above the draw. One kind needs no draw. */
unsigned mix_pick(const struct request_mix *mix, struct random *random)
{
    unsigned low = 0, high = mix->count - 1;
    double drawn = high > 0 ? random_unit(random) : 0;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (drawn < mix->kinds[middle].cumulative)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
