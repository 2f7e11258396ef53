/*
 * contender: names to programs, and programs to paths.
 *
 * A name is looked for in the plan's [server NAME] sections, then among the programs, then among the peers. A peer needs
 * programs of packages; each is looked for in PATH, in the sbin folders that are not in everybody's PATH, and where `make peers`
 * puts what comes from npm, beside the folder of our programs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "contender.h"

/* ---- the programs a peer needs ---- */

static char *program_in(const char *folder, const char *name)
{
    char *path = *folder ? text_print("%s/%s", folder, name) : NULL;
    if (path && access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static char *find_program(const char *name, const char *programs)
{
    const char *path = getenv("PATH");
    char *npm = text_print("%s/../peers/node_modules/.bin", programs);
    char *folders = text_print("%s:/usr/local/sbin:/usr/sbin:/sbin:%s", path ? path : "", npm), *rest = folders, *found = NULL;
    for (char *folder; !found && (folder = strsep(&rest, ":"));)
        found = program_in(folder, name);
    free(folders);
    free(npm);
    return found;
}

/* Gives each needed program's name its path as a value, or says what is missing. */
static void find_needs(struct contender *contender, const char *programs)
{
    struct manifest *peer = contender->peer;
    for (size_t i = 0; i < peer->needs.count && !contender->missing; i++) {
        const struct value *need = &peer->needs.items[i];
        char *path = find_program(need->name, programs);
        if (path)
            values_set(&peer->values, need->name, path);
        else
            contender->missing =
                text_print("%s is not installed%s%s", need->text, peer->install ? "; " : "", peer->install ? peer->install : "");
        free(path);
    }
    if (peer->backends && !contender->missing && !catalog_has_program(programs, peer->backends))
        contender->missing = text_print("its backends need %s, which is not in %s", peer->backends, programs);
}

/* ---- one contender ---- */

static int refuse_option(const struct contender *contender, const char *option, char *error)
{
    struct names known = {0};
    for (size_t i = 0; i < contender->peer->values.count; i++)
        names_add(&known, contender->peer->values.items[i].name);
    char *all = names_join(&known, ", ");
    snprintf(error, CONTENDER_ERROR_SIZE, "server %s: options: '%s' is not allowed; use NAME=VALUE with a name of [values]: %s",
             contender->name, option, *all ? all : "there is none");
    free(all);
    names_free(&known);
    return -EINVAL;
}

/* A peer's options are values of its manifest. */
static int set_values(struct contender *contender, char *error)
{
    for (size_t i = 0; i < contender->options.count; i++) {
        const char *option = contender->options.items[i], *equals = strchr(option, '=');
        char *name = equals ? text_print("%.*s", (int)(equals - option), option) : NULL;
        bool known = name && values_find(&contender->peer->values, name);
        if (known)
            values_set(&contender->peer->values, name, equals + 1);
        free(name);
        if (!known)
            return refuse_option(contender, option, error);
    }
    return 0;
}

static int take_peer(struct contender *contender, const struct contender_places *places, char *file, char *error)
{
    contender->peer = memory_get(sizeof(*contender->peer));
    char why[MANIFEST_ERROR_SIZE];
    int result = manifest_read(contender->peer, file, why);
    if (result)
        snprintf(error, CONTENDER_ERROR_SIZE, "%s", why);
    else
        result = set_values(contender, error);
    if (!result)
        find_needs(contender, places->programs);
    return result;
}

static int refuse_name(const struct contender_places *places, const char *program, char *error)
{
    struct names known = {0};
    catalog_strategies(&known);
    bool built = names_hold(&known, program);
    catalog_peers(places->peers, &known);
    char *hint = built ? text_copy("") : names_hint(&known, program);
    snprintf(error, CONTENDER_ERROR_SIZE,
             "no program %s in %s%s; build it, or name another folder with --bin or other strategies with --only", program,
             places->programs, hint);
    free(hint);
    names_free(&known);
    return -ENOENT;
}

static int take_program(struct contender *contender, const struct contender_places *places, const char *program, char *error)
{
    bool path = strchr(program, '/') != NULL;
    if (path ? catalog_is_program(program) : catalog_has_program(places->programs, program)) {
        contender->program = path ? text_copy(program) : text_print("%s/%s", places->programs, program);
        return 0;
    }
    char *file = path ? NULL : catalog_peer_file(places->peers, program);
    int result = file ? take_peer(contender, places, file, error) : refuse_name(places, program, error);
    free(file);
    return result;
}

int contender_find(struct contender *contender, const struct contender_places *places, const struct plan *plan, const char *name,
                   char error[CONTENDER_ERROR_SIZE])
{
    *contender = (struct contender){.name = text_copy(name)};
    const struct plan_server *server = plan ? plan_server(plan, name) : NULL;
    for (size_t i = 0; server && i < server->options.count; i++)
        names_add(&contender->options, server->options.items[i]);
    contender->of_plan = server != NULL;
    contender->request = server ? server->request : NULL;
    int result = take_program(contender, places, server ? server->program : name, error);
    if (result)
        contender_close(contender);
    return result;
}

void contender_close(struct contender *contender)
{
    if (contender->peer)
        manifest_close(contender->peer);
    free(contender->peer);
    free(contender->name);
    free(contender->program);
    free(contender->version);
    free(contender->missing);
    names_free(&contender->options);
    *contender = (struct contender){0};
}

/* ---- its version ---- */

static char *first_line(char *text)
{
    char *trimmed = text_trim(text);
    trimmed[strcspn(trimmed, "\n")] = '\0';
    return text_copy(text_tame(trimmed));
}

void contender_ask_version(struct contender *contender, struct custody *custody)
{
    struct names words = {0}, argv = {0};
    char error[TEMPLATE_ERROR_SIZE], *said;
    if (!contender->peer || contender->missing || contender->version || !contender->peer->version)
        return;
    text_words(&words, contender->peer->version);
    for (size_t i = 0; i < words.count; i++) {
        char *word = template_render("version", words.items[i], &contender->peer->values, NULL, error);
        names_add(&argv, word ? word : "");
        free(word);
    }
    argv.items = memory_grow(argv.items, (argv.count + 1) * sizeof(*argv.items));
    argv.items[argv.count] = NULL;
    said = process_capture_all(custody, argv.items);
    contender->version = said ? first_line(said) : NULL;
    free(said);
    names_free(&argv);
    names_free(&words);
}

/* ---- what it can do ---- */

static bool has_workers(const struct manifest *peer)
{
    return peer->children || peer->backends;
}

static bool takes_event(const struct manifest *peer, const struct fault *fault)
{
    if (fault->kind == FAULT_RELOAD)
        return peer->reload != NULL;
    bool signals = fault->kind == FAULT_KILL || fault->kind == FAULT_STOP || fault->kind == FAULT_SLOW;
    return signals && (fault->target == TARGET_SERVER || (fault->target == TARGET_WORKER && has_workers(peer)));
}

/* The kill of a backend that something is still planned for, or NULL. */
static const struct fault *last_of_a_backend(const struct schedule *schedule)
{
    for (unsigned i = 0; i < schedule->count; i++) {
        const struct fault *kill = &schedule->faults[i];
        if (kill->kind != FAULT_KILL || kill->target != TARGET_WORKER)
            continue;
        if (kill->repeats)
            return kill;
        for (unsigned j = 0; j < schedule->count; j++) {
            const struct fault *later = &schedule->faults[j];
            if (later != kill && later->target == TARGET_WORKER && later->number == kill->number && later->kind <= FAULT_SLOW &&
                (later->at_ns >= kill->at_ns || later->repeats))
                return kill;
        }
    }
    return NULL;
}

/* A peer has no admin address. NULL: it takes them all. */
static char *refuse_event(const struct contender *contender, const struct experiment *experiment)
{
    const struct manifest *peer = contender->peer;
    const struct schedule *schedule = &experiment->schedule;
    const struct fault *kill = peer->backends ? last_of_a_backend(schedule) : NULL;
    if (kill)
        return text_print("%s in %s: nobody starts worker %u again after '%s', and there is more for it", contender->name,
                          experiment->name, kill->number, kill->text);
    for (unsigned i = 0; i < schedule->count; i++)
        if (!takes_event(peer, &schedule->faults[i]))
            return text_print("%s in %s: it has no admin address for '%s'; it takes kill, stop and slow of 'server'%s%s",
                              contender->name, experiment->name, schedule->faults[i].text,
                              has_workers(peer) ? " and of 'worker N'" : "", peer->reload ? ", and reload" : "");
    return NULL;
}

char *contender_declines(const struct contender *contender, const struct experiment *experiment)
{
    const char *request = contender->request ? contender->request : experiment->request;
    if (contender->missing)
        return text_print("%s: %s", contender->name, contender->missing);
    if (!contender->peer)
        return NULL;
    char *refused = refuse_event(contender, experiment);
    if (refused)
        return refused;
    if (manifest_answers(contender->peer, request))
        return NULL;
    char *paths = names_join(&contender->peer->paths, ", ");
    char *reason = text_print("%s in %s: it does not answer %s, only %s", contender->name, experiment->name, request, paths);
    free(paths);
    return reason;
}

/* ---- all of a plan ---- */

struct contender *contenders_get(const struct contenders *contenders, const char *name)
{
    for (size_t i = 0; i < contenders->count; i++)
        if (!strcmp(contenders->items[i].name, name))
            return &contenders->items[i];
    return NULL;
}

int contenders_find(struct contenders *contenders, const struct contender_places *places, const struct plan *plan,
                    const struct cell_plan *cells, unsigned count, char error[CONTENDER_ERROR_SIZE])
{
    *contenders = (struct contenders){0};
    for (unsigned i = 0; i < count; i++) {
        struct contender found;
        if (contenders_get(contenders, cells[i].strategy))
            continue;
        char why[CONTENDER_ERROR_SIZE];
        int result = contender_find(&found, places, plan, cells[i].strategy, why);
        if (result) {
            const struct experiment *experiment = &plan->experiments[cells[i].experiment];
            char *where = text_print("%s:%u: experiment %s: %s", plan->file, experiment->line, experiment->name, why);
            snprintf(error, CONTENDER_ERROR_SIZE, "%s", where);
            free(where);
            contenders_close(contenders);
            return result;
        }
        contenders->items = memory_grow(contenders->items, (contenders->count + 1) * sizeof(*contenders->items));
        contenders->items[contenders->count++] = found;
    }
    return 0;
}

void contenders_close(struct contenders *contenders)
{
    for (size_t i = 0; i < contenders->count; i++)
        contender_close(&contenders->items[i]);
    free(contenders->items);
    *contenders = (struct contenders){0};
}

unsigned contenders_sift(const struct contenders *contenders, const struct plan *plan, struct cell_plan *cells, unsigned count,
                         struct names *skipped)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct contender *contender = contenders_get(contenders, cells[i].strategy);
        char *reason = contender ? contender_declines(contender, &plan->experiments[cells[i].experiment]) : NULL;
        if (!reason)
            cells[kept++] = cells[i];
        else if (!names_hold(skipped, reason))
            names_add(skipped, reason);
        free(reason);
    }
    return kept;
}

json_t *contenders_json(const struct contenders *contenders)
{
    json_t *array = json_array();
    for (size_t i = 0; i < contenders->count; i++) {
        const struct contender *contender = &contenders->items[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "name", contender->name, "kind",
                                               contender->peer ? "peer" : "program", "program", contender->program, "version",
                                               contender->version, "missing", contender->missing));
    }
    return array;
}
