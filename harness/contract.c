/*
 * contract: runs a suite of tests/contract and puts what it says into one line a test.
 *
 * A program of ours, or one that has its outer form, is judged by the whole contract; a peer by its basics, through `clusterbench
 * serve`. The suite's own words about a failure (what was sent, what came back, how to repeat it) follow the line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#include "catalog.h"
#include "contender.h"
#include "serve.h"

#define LINE_SIZE       8192
#define SUITE_DEADLINE  (1800 * CLOCK_NS_PER_S)
#define EXPLAINED_LINES 8u

/* Why the suite stopped asking. */
static const char silent[] = "it never answered a request";

/* What stands before a test's name in the suite's output. */
static const char began[] = "[ RUN      ] ", passed[] = "[       OK ] ", skipped[] = "[  SKIPPED ] ", failed[] = "[  FAILED  ] ";

struct hearing {
    char *test;        /* the one that runs, or NULL */
    struct names said; /* about it */
    unsigned kept, broken, not_asked;
    bool silent; /* it was given up: it never answered */
};

static const char *behind(const char *line, const char *mark)
{
    size_t length = strlen(mark);
    return strncmp(line, mark, length) ? NULL : line + length;
}

static void explain(const struct hearing *hearing)
{
    for (size_t i = 1; i < hearing->said.count && i < EXPLAINED_LINES; i++) /* the first is the reason */
        printf("           %s\n", hearing->said.items[i]);
}

/* "test: why" or "test does not apply to x: why", as the suite says it first. */
static const char *reason(const struct hearing *hearing)
{
    const char *colon = hearing->said.count ? strstr(hearing->said.items[0], ": ") : NULL;
    return colon ? colon + 2 : "";
}

static void end_test(struct hearing *hearing)
{
    free(hearing->test);
    hearing->test = NULL;
    names_free(&hearing->said);
    fflush(stdout);
}

static void hear(struct hearing *hearing, const char *line)
{
    const char *name;
    if ((name = behind(line, began))) {
        text_replace(&hearing->test, text_copy(name));
    } else if (hearing->test && behind(line, passed)) {
        printf("keeps      %s\n", hearing->test);
        hearing->kept++;
        end_test(hearing);
    } else if (hearing->test && behind(line, skipped)) {
        printf("not asked  %s: %s\n", hearing->test, reason(hearing));
        hearing->not_asked++;
        hearing->silent |= !strcmp(reason(hearing), silent);
        end_test(hearing);
    } else if (hearing->test && behind(line, failed)) {
        printf("breaks     %s: %s\n", hearing->test, reason(hearing));
        explain(hearing);
        hearing->broken++;
        end_test(hearing);
    } else if (hearing->test && *line && strncmp(line, "[  ERROR", 8)) {
        names_add(&hearing->said, line);
    }
}

static int listen_to(struct custody *custody, struct process *suite, struct hearing *hearing)
{
    char line[LINE_SIZE];
    uint64_t deadline_ns = clock_now_ns() + SUITE_DEADLINE;
    int result;
    while ((result = process_read_line(custody, suite, line, sizeof(line), deadline_ns)) >= 0)
        hear(hearing, text_tame(line));
    if (result == -EPIPE)
        result = process_wait(custody, suite, deadline_ns, HEED_SIGNALS);
    return result;
}

static int conclude(const struct process *suite, const struct hearing *hearing, const char *name, int result)
{
    char *end = process_describe_end(suite);
    bool whole = !result && suite->ended && WIFEXITED(suite->status) && hearing->kept + hearing->broken > 0;
    if (result == -EINTR)
        fputs("clusterbench: contract: interrupted\n", stderr);
    else if (!whole)
        fprintf(stderr, "clusterbench: contract: the suite %s\n", end);
    printf("%s keeps %u, breaks %u; %u not asked of it%s%s\n", name, hearing->kept, hearing->broken, hearing->not_asked,
           hearing->silent ? ": " : "", hearing->silent ? silent : "");
    free(end);
    return whole && !hearing->broken && WEXITSTATUS(suite->status) == 0 ? 0 : 1;
}

static int run_suite(struct custody *custody, struct names *words, const char *name)
{
    struct process suite;
    struct hearing hearing = {0};
    words->items = memory_grow(words->items, (words->count + 1) * sizeof(*words->items));
    words->items[words->count] = NULL;
    struct process_spec spec = {.argv = words->items, .keep_output = true, .join = true};
    int result = process_start(custody, &suite, &spec);
    if (result) {
        fprintf(stderr, "clusterbench: contract: %s: %s; it is built with the tests\n", words->items[0], strerror(-result));
        return 1;
    }
    result = listen_to(custody, &suite, &hearing);
    process_stop(custody, &suite, result == -EINTR ? CLOCK_NS_PER_S : 0);
    custody_clear(custody, 0);
    int status = conclude(&suite, &hearing, name, result);
    end_test(&hearing);
    return status;
}

static void add_option(struct names *words, const char *option, const char *value)
{
    if (!value)
        return;
    names_add(words, option);
    names_add(words, value);
}

static void add_word(struct names *words, char *word)
{
    names_add(words, word);
    free(word);
}

/* SUITE PROGRAM [--workers N] [-- serve NAME and where it is] */
static void suite_words(const struct serve_settings *settings, const struct contender *contender, const char *programs,
                        struct names *words)
{
    add_word(words, catalog_suite(contender->peer ? "contract_basics" : "contract"));
    add_word(words, contender->peer ? text_print("%s/clusterbench", programs) : text_copy(contender->program));
    names_add(words, "--workers");
    add_word(words, text_print("%llu", (unsigned long long)settings->workers));
    if (!contender->peer)
        return;
    names_add(words, "--");
    names_add(words, "serve");
    names_add(words, contender->name);
    add_option(words, "--bin", settings->programs);
    add_option(words, "--peers", settings->peers);
}

static int judge(const struct serve_settings *settings, const struct contender *contender, const char *programs)
{
    struct custody custody;
    struct names words = {0};
    if (contender->missing) {
        fprintf(stderr, "clusterbench: contract: %s: %s\n", contender->name, contender->missing);
        return 1;
    }
    int result = custody_open(&custody);
    if (result) {
        fprintf(stderr, "clusterbench: contract: signals of this process: %s\n", strerror(-result));
        return 1;
    }
    suite_words(settings, contender, programs, &words);
    int status = run_suite(&custody, &words, contender->name);
    names_free(&words);
    custody_close(&custody);
    return status;
}

int contract_run(const struct serve_settings *settings, const char *name)
{
    struct names peers = {0};
    struct contender contender;
    char error[CONTENDER_ERROR_SIZE], *programs = catalog_programs(settings->programs);
    catalog_peer_folders(&peers, settings->peers);
    struct contender_places places = {programs, &peers};
    int status = 1;
    if (contender_find(&contender, &places, NULL, name, error) < 0) {
        fprintf(stderr, "clusterbench: contract: %s\n", error);
    } else {
        char *own = catalog_programs(NULL); /* where this program lies, whatever --bin says */
        status = judge(settings, &contender, own);
        free(own);
        contender_close(&contender);
    }
    names_free(&peers);
    free(programs);
    return status;
}
