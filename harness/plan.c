/*
 * plan: INI text to experiments.
 *
 * base/ini cuts the text into sections, keys and values, and every complaint names a line. The keys are in plan_keys.c. What only
 * the whole section can show (a baseline that is not among the strategies, a load in percent of a capacity nobody knows) is
 * checked at the end, by the line the section begins in.
 *
 * Rule: the first mistake is the one reported; nothing is silently ignored.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/distribution.h"
#include "base/file.h"
#include "base/ini.h"
#include "base/units.h"

#include "catalog.h"
#include "crosscheck.h"
#include "plan_keys.h"

#define PLAN_SIZE_LIMIT (1u << 20)
#define SHOWN_LONGEST   80 /* of what a person wrote, in a complaint */
#define GROWN_LONGEST   4096u
#define PARTS_MOST      100u /* strategies, loads, numbers of workers, experiments: what is compared in pairs */

/* ---- reading ---- */

/* "[experiment x]" as it stands in the file. */
struct section {
    const char *name;
    unsigned line;
};

struct reading {
    struct plan *plan;
    struct section *sections; /* so far; the last is under way */
    unsigned section_count;
    unsigned line;         /* of the item at hand */
    const struct key *key; /* the last one that was set */
    struct names given;    /* keys of this section so far */
    char *error;           /* PLAN_ERROR_SIZE; empty while all is well */
};

static int complain(struct reading *reading, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int complain(struct reading *reading, unsigned line, const char *format, ...)
{
    if (*reading->error)
        return -EINVAL;
    char what[PLAN_ERROR_SIZE - 8];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(reading->error, PLAN_ERROR_SIZE, "%s:%u: %s", reading->plan->file, line, text_tame(what));
    return -EINVAL;
}

/* JSON is UTF-8, and a plan's texts go into it. */
static bool is_utf8(const char *text, size_t length)
{
    json_t *json = json_stringn(text, length);
    json_decref(json);
    return json != NULL;
}

static int check_encoding(struct reading *reading, const char *text)
{
    for (unsigned line = 1; *text; line++) {
        size_t length = strcspn(text, "\n");
        if (!is_utf8(text, length))
            return complain(reading, line, "the line is not UTF-8; a plan is text in UTF-8");
        text += length + (text[length] == '\n');
    }
    return 0;
}

static const struct section *last_section(const struct reading *reading)
{
    return reading->section_count ? &reading->sections[reading->section_count - 1] : NULL;
}

static const char *needed_keys(const char *section)
{
    return !strncmp(section, "experiment ", 11) ? "it needs strategies, request and duration"
           : !strncmp(section, "server ", 7)    ? "it needs program"
                                                : "it takes title, blocks and verdicts";
}

static int end_section(struct reading *reading)
{
    const struct section *section = last_section(reading);
    if (!section || reading->given.count)
        return 0;
    return complain(reading, section->line, "[%s] has no key; %s", section->name, needed_keys(section->name));
}

static bool is_plain_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name) && strlen(name) <= 32;
}

static int open_experiment(struct reading *reading, const char *name)
{
    struct plan *plan = reading->plan;
    if (plan->count == PARTS_MOST)
        return complain(reading, reading->line, "more than %u experiments", PARTS_MOST);
    if (!is_plain_name(name))
        return complain(reading, reading->line, "experiment '%.80s': a name has up to 32 of a-z, 0-9, - and _", name);
    plan->experiments = memory_grow(plan->experiments, (plan->count + 1) * sizeof(*plan->experiments));
    plan->experiments[plan->count++] = (struct experiment){
        .name = text_copy(name),
        .connections = 64,
        .warmup_ns = 300 * CLOCK_NS_PER_MS,
        .line = reading->line,
    };
    return 0;
}

static int open_server(struct reading *reading, const char *name)
{
    struct plan *plan = reading->plan;
    if (!is_plain_name(name))
        return complain(reading, reading->line, "server '%.80s': a name has up to 32 of a-z, 0-9, - and _", name);
    plan->servers = memory_grow(plan->servers, (plan->server_count + 1) * sizeof(*plan->servers));
    plan->servers[plan->server_count++] = (struct plan_server){.name = text_copy(name), .line = reading->line};
    return 0;
}

static int open_section(struct reading *reading, const char *name)
{
    static const char word[] = "experiment ", server[] = "server ";
    if (!strncmp(name, word, sizeof(word) - 1))
        return open_experiment(reading, name + sizeof(word) - 1);
    if (!strncmp(name, server, sizeof(server) - 1))
        return open_server(reading, name + sizeof(server) - 1);
    if (!strcmp(name, "plan"))
        return 0;
    return complain(reading, reading->line, "unknown section [%.80s]; use [plan], [experiment NAME] or [server NAME]", name);
}

static int begin_section(struct reading *reading, const char *name)
{
    if (end_section(reading) < 0)
        return -EINVAL;
    for (unsigned i = 0; i < reading->section_count; i++)
        if (!strcmp(reading->sections[i].name, name))
            return complain(reading, reading->line, "[%s] stands here for the second time; first in line %u", name,
                            reading->sections[i].line);
    reading->sections = memory_grow(reading->sections, (reading->section_count + 1) * sizeof(*reading->sections));
    reading->sections[reading->section_count++] = (struct section){name, reading->line};
    reading->key = NULL;
    names_free(&reading->given);
    return open_section(reading, name);
}

static int refuse_key(struct reading *reading, const struct key *keys, const char *name)
{
    struct names known = {0};
    for (; keys->name; keys++)
        names_add(&known, keys->name);
    const char *section = last_section(reading)->name;
    char *all = names_join(&known, ", "), *hint = names_hint(&known, name);
    int result = *hint ? complain(reading, reading->line, "unknown key '%s' in [%s]%s", name, section, hint)
                       : complain(reading, reading->line, "unknown key '%.80s' in [%s]; known are %s", name, section, all);
    free(hint);
    free(all);
    names_free(&known);
    return result;
}

/* What the section's keys are set in, and which keys it has. */
static char *section_under_way(const struct reading *reading, const struct key **keys)
{
    struct plan *plan = reading->plan;
    const char *name = last_section(reading)->name;
    if (!strcmp(name, "plan")) {
        *keys = plan_keys;
        return (char *)plan;
    }
    if (!strncmp(name, "server ", 7)) {
        *keys = server_keys;
        return (char *)&plan->servers[plan->server_count - 1];
    }
    *keys = experiment_keys;
    return (char *)&plan->experiments[plan->count - 1];
}

static int set_key(struct reading *reading, const char *name, const char *value)
{
    const struct key *keys;
    char *base = section_under_way(reading, &keys);
    reading->key = key_find(keys, name);
    if (!reading->key)
        return refuse_key(reading, keys, name);
    if (names_hold(&reading->given, name))
        return complain(reading, reading->line, "%s stands twice in [%s]", name, last_section(reading)->name);
    names_add(&reading->given, name);
    if (reading->key->set(base + reading->key->offset, value) < 0)
        return complain(reading, reading->line, "%s = '%.*s%s' is not allowed; use %s", name, SHOWN_LONGEST, value,
                        strlen(value) > SHOWN_LONGEST ? "..." : "", reading->key->allowed);
    return 0;
}

static int grow_text(struct reading *reading, const char *more)
{
    const struct key *keys;
    char **text = (char **)(void *)(section_under_way(reading, &keys) + reading->key->offset);
    char *name = text_print("%.*s", (int)strcspn(more, "="), more);
    bool is_key = strchr(more, '=') && key_find(keys, text_trim(name));
    free(name);
    if (is_key)
        return complain(reading, reading->line, "'%.*s' is indented, and would be more of %s; begin it where %s begins",
                        SHOWN_LONGEST, more, reading->key->name, reading->key->name);
    if (!reading->key->grows)
        return complain(reading, reading->line, "%s does not go on in a second line", reading->key->name);
    if (strlen(*text) + strlen(more) > GROWN_LONGEST)
        return complain(reading, reading->line, "%s has more than %u characters", reading->key->name, GROWN_LONGEST);
    text_replace(text, text_print("%s %s", *text, more));
    return 0;
}

static int take_item(struct reading *reading, const struct ini_item *item)
{
    if (!item->value)
        return begin_section(reading, item->name);
    if (!last_section(reading))
        return complain(reading, reading->line, "'%s' stands before the first section; begin with [plan] or [experiment NAME]",
                        item->name);
    return item->name ? set_key(reading, item->name, item->value) : grow_text(reading, item->value);
}

/* `text` is cut up. */
static int read_items(struct reading *reading, char *text)
{
    struct ini ini;
    struct ini_item item;
    char why[INI_WHY_SIZE];
    int found;
    ini_begin(&ini, text, strlen(text));
    ini.values_go_on = true;
    while ((found = ini_next(&ini, &item, why)) > 0) {
        reading->line = ini.line;
        if (take_item(reading, &item) < 0)
            return -EINVAL;
    }
    reading->line = ini.line;
    return found < 0 ? complain(reading, ini.line, "%s", why) : end_section(reading);
}

/* ---- checks of a whole section ---- */

/* Mean seconds that a request of this template occupies a worker: /block/5ms, /cpu/{exp:5ms}. 0 when the path says nothing. */
static int read_service_time(struct experiment *experiment)
{
    const char *path = experiment->request;
    experiment->emulated = !strncmp(path, "/block/", 7);
    size_t prefix = experiment->emulated ? 7 : !strncmp(path, "/cpu/", 5) ? 5 : 0;
    if (!prefix)
        return 0;
    const char *text = path + prefix;
    size_t length = strlen(text);
    if (length > 2 && text[0] == '{' && text[length - 1] == '}') {
        text++;
        length -= 2;
    }
    if (distribution_parse(text, length, &experiment->service) < 0)
        return -EINVAL;
    experiment->service_s = distribution_mean(&experiment->service) / (double)CLOCK_NS_PER_S;
    return isfinite(experiment->service_s) && experiment->service_s > 0 ? 0 : -EINVAL;
}

static int check_exceptions(struct reading *reading, struct experiment *experiment)
{
    struct names left = {0};
    for (size_t i = 0; i < experiment->except.count; i++)
        if (!names_hold(&experiment->strategies, experiment->except.items[i])) {
            char *hint = names_hint(&experiment->strategies, experiment->except.items[i]);
            complain(reading, experiment->line, "experiment %s: except '%s' is not among its strategies%s", experiment->name,
                     experiment->except.items[i], hint);
            free(hint);
            return -EINVAL;
        }
    for (size_t i = 0; i < experiment->strategies.count; i++) {
        const char *name = experiment->strategies.items[i];
        if (names_hold(&left, name)) {
            names_free(&left);
            return complain(reading, experiment->line, "experiment %s: strategy '%s' is named twice", experiment->name, name);
        }
        if (!names_hold(&experiment->except, name))
            names_add(&left, name);
    }
    names_free(&experiment->strategies);
    experiment->strategies = left;
    return left.count ? 0 : complain(reading, experiment->line, "experiment %s: no strategy is left", experiment->name);
}

static int check_baseline(struct reading *reading, const struct experiment *experiment)
{
    if (!experiment->baseline || names_hold(&experiment->strategies, experiment->baseline))
        return 0;
    char *hint = names_hint(&experiment->strategies, experiment->baseline);
    complain(reading, experiment->line, "experiment %s: baseline '%s' is not among its strategies%s", experiment->name,
             experiment->baseline, hint);
    free(hint);
    return -EINVAL;
}

static void fill_in(struct experiment *experiment)
{
    if (!experiment->title)
        experiment->title = text_copy(experiment->name);
    if (!experiment->question)
        experiment->question = text_copy(experiment->title);
    if (!experiment->workers_count) {
        experiment->workers = memory_get(sizeof(*experiment->workers)); /* 0: auto */
        experiment->workers_count = 1;
    }
    if (!experiment->loads_count) {
        experiment->loads = memory_get(sizeof(*experiment->loads));
        experiment->loads_count = 1;
    }
}

static bool same_load(const struct load *one, const struct load *two)
{
    char *label = load_label(one), *other = load_label(two);
    bool same = !strcmp(label, other);
    free(label);
    free(other);
    return same;
}

static int check_loads(struct reading *reading, const struct experiment *experiment)
{
    for (unsigned i = 1; i < experiment->loads_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (same_load(&experiment->loads[i], &experiment->loads[j]))
                return complain(reading, experiment->line, "experiment %s: a load is named twice", experiment->name);
    bool measured = experiment->capacity == CAPACITY_MEASURED;
    if (measured && experiment->workers_count > 1)
        return complain(reading, experiment->line, "experiment %s: capacity = measured goes with one number of workers",
                        experiment->name);
    for (unsigned i = 0; i < experiment->loads_count && !measured; i++)
        if (experiment->loads[i].kind == LOAD_SHARE && !experiment->service_s)
            return complain(reading, experiment->line,
                            "experiment %s: a load in %% needs capacity = measured, or a request that says how long it occupies a "
                            "worker, such as /block/{exp:5ms}",
                            experiment->name);
    if (experiment->think && experiment->loads[0].kind != LOAD_CLOSED)
        return complain(reading, experiment->line, "experiment %s: think goes with the closed loop, without a load",
                        experiment->name);
    if (experiment->dispatch && experiment->loads[0].kind == LOAD_CLOSED)
        return complain(reading, experiment->line, "experiment %s: dispatch needs a load", experiment->name);
    if (experiment->arrivals == ARRIVALS_POISSON && experiment->loads[0].kind == LOAD_CLOSED)
        return complain(reading, experiment->line, "experiment %s: poisson arrivals need a load", experiment->name);
    return 0;
}

static int check_events(struct reading *reading, struct experiment *experiment)
{
    char error[SCHEDULE_ERROR_SIZE];
    unsigned workers = UINT_MAX;
    for (unsigned i = 0; i < experiment->workers_count; i++) { /* auto is at least 2 */
        unsigned here = experiment->workers[i] ? experiment->workers[i] : 2;
        workers = here < workers ? here : workers;
    }
    for (size_t i = 0; i < experiment->strategies.count; i++) {
        const struct plan_server *server = plan_server(reading->plan, experiment->strategies.items[i]);
        workers = server && server->workers && server->workers < workers ? server->workers : workers;
    }
    if (experiment->events && (schedule_parse(&experiment->schedule, experiment->events, error) < 0 ||
                               schedule_check(&experiment->schedule, experiment->duration_ns, workers, error) < 0))
        return complain(reading, experiment->line, "experiment %s: %s", experiment->name, error);
    if (experiment->series == WISH_NO && experiment_has_series(experiment))
        return complain(reading, experiment->line,
                        "experiment %s: series = no, but events and the pictures fairness, heat and "
                        "lanes need it",
                        experiment->name);
    return 0;
}

static int check_experiment(struct reading *reading, struct experiment *experiment)
{
    if (!experiment->strategies.count)
        return complain(reading, experiment->line, "experiment %s: strategies is missing", experiment->name);
    if (experiment->strategies.count > PARTS_MOST || experiment->loads_count > PARTS_MOST ||
        experiment->workers_count > PARTS_MOST || experiment->except.count > PARTS_MOST)
        return complain(reading, experiment->line, "experiment %s: a list has more than %u parts", experiment->name, PARTS_MOST);
    if (!experiment->request)
        return complain(reading, experiment->line, "experiment %s: request is missing", experiment->name);
    if (!experiment->duration_ns)
        return complain(reading, experiment->line, "experiment %s: duration is missing", experiment->name);
    if (read_service_time(experiment) < 0)
        return complain(reading, experiment->line, "experiment %s: '%s' has no time with a finite mean; use %s", experiment->name,
                        experiment->request, distribution_allowed);
    fill_in(experiment);
    const char *why_not = experiment->crosscheck ? crosscheck_declines(experiment) : NULL;
    if (why_not)
        return complain(reading, experiment->line, "experiment %s: %s", experiment->name, why_not);
    if (check_exceptions(reading, experiment) < 0 || check_baseline(reading, experiment) < 0 ||
        check_events(reading, experiment) < 0)
        return -EINVAL;
    return check_loads(reading, experiment);
}

/* Cells are told apart by EXPERIMENT-STRATEGY: `cost` of nginx-shared and `cost-nginx` of shared would be one. */
static int check_names(struct reading *reading, const struct experiment *one, const struct experiment *other)
{
    for (size_t i = 0; i < one->strategies.count; i++)
        for (size_t j = 0; j < other->strategies.count; j++) {
            const char *first = one->strategies.items[i], *second = other->strategies.items[j];
            char *name = text_print("%s-%s", one->name, first), *twin = text_print("%s-%s", other->name, second);
            int result = strcmp(name, twin)
                             ? 0
                             : complain(reading, one->line,
                                        "experiment %s: its cells of %s and those of %s in experiment %s (line %u) would both be "
                                        "called %s; give one of the experiments another name",
                                        one->name, first, second, other->name, other->line, name);
            free(twin);
            free(name);
            if (result)
                return result;
        }
    return 0;
}

static void check_all_names(struct reading *reading)
{
    const struct plan *plan = reading->plan;
    for (unsigned i = 1; i < plan->count && !*reading->error; i++)
        for (unsigned j = 0; j < i && !*reading->error; j++)
            check_names(reading, &plan->experiments[i], &plan->experiments[j]);
}

static char *name_of_file(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *name = text_copy(slash ? slash + 1 : file), *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    return name;
}

int plan_parse(struct plan *plan, const char *file, const char *text, char error[PLAN_ERROR_SIZE])
{
    *plan =
        (struct plan){.file = text_copy(file), .name = name_of_file(file), .text = text_copy(text), .blocks = 6, .verdicts = true};
    *error = '\0';
    struct reading reading = {.plan = plan, .error = error};
    char *items = text_copy(text);
    if (check_encoding(&reading, text) == 0 && read_items(&reading, items) == 0 && !plan->count)
        complain(&reading, reading.line ? reading.line : 1, "no [experiment NAME] section");
    names_free(&reading.given);
    free(reading.sections);
    free(items);
    for (unsigned i = 0; i < plan->server_count && !*error; i++)
        if (!plan->servers[i].program)
            complain(&reading, plan->servers[i].line, "server %s: program is missing", plan->servers[i].name);
    for (unsigned i = 0; i < plan->count && !*error; i++)
        check_experiment(&reading, &plan->experiments[i]);
    check_all_names(&reading);
    if (!*error && !is_utf8(plan->name, strlen(plan->name)))
        complain(&reading, 1, "the name of the file is not UTF-8");
    if (!plan->title)
        plan->title = text_copy(plan->name);
    if (!*error)
        return 0;
    plan_close(plan);
    return -EINVAL;
}

int plan_read(struct plan *plan, const char *file, char error[PLAN_ERROR_SIZE])
{
    char *text;
    size_t length;
    int result = file_read(file, PLAN_SIZE_LIMIT, &text, &length);
    if (result < 0) {
        snprintf(error, PLAN_ERROR_SIZE, "%s: %s%s", file, strerror(-result),
                 result == -EFBIG ? "; at most 1 MiB are allowed" : "");
        return result;
    }
    if (strlen(text) < length) {
        unsigned line = 1;
        for (const char *at = text; *at; at++)
            line += *at == '\n';
        snprintf(error, PLAN_ERROR_SIZE, "%s:%u: the line holds a NUL; a plan is text in UTF-8", file, line);
        result = -EINVAL;
    } else {
        result = plan_parse(plan, file, text, error);
    }
    free(text);
    return result;
}
