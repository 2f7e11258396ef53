/*
 * crosscheck: one row a generator: how it is called, and before which word of its output the figure stands.
 *
 * All of them are given whole seconds and as many connections as loadgen had, wrk as many threads, too (ab has one, hey takes what
 * there is), and keep connections or close them as loadgen did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#include "crosscheck.h"

#define SECONDS_MOST 3u
#define SLACK_NS     (15 * CLOCK_NS_PER_S)
#define OUTPUT_SIZE  65536

static const struct generator {
    const char *name, *package;
    const char *arguments; /* %c connections, %t threads, %s seconds */
    const char *closes;    /* added where every request has a connection of its own; */
    const char *keeps;     /* where connections are kept */
    const char *label;     /* stands before the figure */
} generators[] = {
    {"wrk", "wrk", "-t%t -c%c -d%ss", "-H Connection:close", "", "Requests/sec:"},
    {"ab", "apache2-utils", "-q -c %c -t %s -n 1000000", "", "-k", "Requests per second:"},
    {"hey", "hey", "-c %c -z %ss", "-disable-keepalive", "", "Requests/sec:"},
};

static const struct generator *find_generator(const char *name)
{
    for (size_t i = 0; i < sizeof(generators) / sizeof(*generators); i++)
        if (!strcmp(generators[i].name, name))
            return &generators[i];
    return NULL;
}

bool crosscheck_knows(const char *name)
{
    return find_generator(name) != NULL;
}

const char *crosscheck_declines(const struct experiment *experiment)
{
    for (unsigned i = 0; i < experiment->loads_count; i++)
        if (experiment->loads[i].kind != LOAD_CLOSED)
            return "crosscheck needs a closed loop: leave load out";
    if (strchr(experiment->request, '{'))
        return "crosscheck needs a request without {placeholders}";
    if (experiment->method || experiment->header || experiment->body || experiment->cookies || experiment->think)
        return "crosscheck needs plain GETs one behind the other: leave method, header, body, cookies and think out";
    if (experiment->requests_per_connection > 1)
        return "crosscheck needs connections that are kept, or 1 request each";
    return NULL;
}

char *crosscheck_program(const char *name)
{
    const char *path = getenv("PATH");
    char *folders = text_copy(path ? path : ""), *rest = folders, *found = NULL;
    for (char *folder; !found && (folder = strsep(&rest, ":"));) {
        char *file = text_print("%s/%s", folder, name);
        if (*folder && access(file, X_OK) == 0)
            found = file;
        else
            free(file);
    }
    free(folders);
    return found;
}

char *crosscheck_missing(const char *name)
{
    const struct generator *generator = find_generator(name);
    return text_print("%s is not installed (Debian: %s)", name, generator ? generator->package : "?");
}

double crosscheck_read(const char *name, const char *text)
{
    const struct generator *generator = find_generator(name);
    const char *label = generator ? strstr(text, generator->label) : NULL;
    char *end;
    double figure = label ? strtod(label + strlen(generator->label), &end) : -1;
    return label && end != label + strlen(generator->label) ? figure : -1;
}

/* ---- one run ---- */

static unsigned seconds_of(const struct experiment *experiment)
{
    uint64_t seconds = (experiment->duration_ns + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S;
    return seconds < 1 ? 1 : seconds > SECONDS_MOST ? SECONDS_MOST : (unsigned)seconds;
}

uint64_t crosscheck_ns(const struct experiment *experiment)
{
    return experiment->crosscheck ? seconds_of(experiment) * CLOCK_NS_PER_S : 0;
}

static unsigned number_for(char letter, const struct crosscheck *check)
{
    switch (letter) {
    case 'c':
        return check->experiment->connections;
    case 't':
        return check->threads;
    default:
        return seconds_of(check->experiment);
    }
}

/* Puts the numbers where %c, %t and %s stand. The caller frees. */
static char *fill_in(const char *arguments, const struct crosscheck *check)
{
    char *text = text_copy("");
    for (; *arguments; arguments++) {
        bool number = *arguments == '%';
        unsigned value = number_for(arguments[number], check);
        text_replace(&text, number ? text_print("%s%u", text, value) : text_print("%s%c", text, *arguments));
        arguments += number;
    }
    return text;
}

static void make_words(const struct crosscheck *check, const struct generator *generator, char *program, struct names *words)
{
    char *arguments = fill_in(generator->arguments, check);
    names_add(words, program);
    text_words(words, arguments);
    text_words(words, check->experiment->requests_per_connection ? generator->closes : generator->keeps);
    names_add(words, check->url);
    words->items = memory_grow(words->items, (words->count + 1) * sizeof(*words->items));
    words->items[words->count] = NULL;
    free(arguments);
}

/* Its output, NULL with the reason why there is none; *failure NULL, too: interrupted. */
static char *listen_to(const struct crosscheck *check, const struct names *words, char **failure)
{
    struct process process;
    struct process_spec spec = {.argv = words->items, .cpus = check->cpus, .keep_output = true, .join = true};
    int result = process_start(check->custody, &process, &spec);
    *failure = NULL;
    if (result < 0) {
        *failure = text_print("%s cannot be started: %s", words->items[0], strerror(-result));
        return NULL;
    }
    char *text = memory_get(OUTPUT_SIZE);
    uint64_t deadline_ns = clock_now_ns() + seconds_of(check->experiment) * CLOCK_NS_PER_S + SLACK_NS;
    result = process_read_all(check->custody, &process, text, OUTPUT_SIZE, deadline_ns);
    if (result >= 0)
        result = process_wait(check->custody, &process, deadline_ns, HEED_SIGNALS);
    process_stop(check->custody, &process, 0);
    if (result >= 0 && WIFEXITED(process.status) && WEXITSTATUS(process.status) == 0)
        return text;
    if (!check->custody->interrupted_by) {
        char *end = process_describe_end(&process);
        *failure = text_print("%s %s", process.name, end);
        free(end);
    }
    free(text);
    return NULL;
}

static json_t *document(const struct crosscheck *check, const struct names *words, double figure, const char *failure)
{
    json_t *command = json_array();
    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(command, json_string(words->items[i]));
    bool whole = !failure && figure > 0;
    return json_pack("{s:s, s:s, s:o, s:o, s:f, s:o, s:s?}", "schema", "clusterbench.crosscheck/1", "generator",
                     check->experiment->crosscheck, "command", command, "requests_per_s", whole ? json_real(figure) : json_null(),
                     "ours", check->ours, "ratio", whole && check->ours > 0 ? json_real(figure / check->ours) : json_null(),
                     "failure", failure);
}

json_t *crosscheck_run(const struct crosscheck *check)
{
    const struct generator *generator = find_generator(check->experiment->crosscheck);
    char *program = crosscheck_program(generator->name), *failure = NULL;
    if (!program)
        program = text_copy(generator->name);
    struct names words = {0};
    make_words(check, generator, program, &words);
    char *text = listen_to(check, &words, &failure);
    double figure = text ? crosscheck_read(generator->name, text) : -1;
    if (text && figure < 0)
        failure = text_print("%s printed no '%s'", generator->name, generator->label);
    json_t *json = text || failure ? document(check, &words, figure, failure) : NULL;
    free(failure);
    free(text);
    free(program);
    names_free(&words);
    return json;
}
