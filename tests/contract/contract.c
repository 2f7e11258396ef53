/*
 * A suite of tests against a server program, as a program of its own: its command line, the table strategies x traits, the run.
 *
 *   contract build/bin/reuseport                       every test that applies
 *   contract build/bin/mine --only 'term_*'            the tests whose name fits
 *   contract build/bin/mine --as master-accept         judged as that strategy, by another row of the table below
 *   contract build/bin/mine -- --accept handoff        arguments after -- go to every start of the server
 *
 * The program's name chooses its row in `profiles`; any name that has no row gets the last one. What a test needs stands in the
 * suite's table; a test that needs a trait the row lacks is skipped, and the reason printed. A program that hangs would cost the
 * whole patience in each test: once the first VAIN_MOST have failed without one answer, the rest is skipped. Exit status: 0 all
 * passed or skipped, 1 usage, else the number of failures as cmocka gives it.
 */
#include "contract.h"
#include "client.h"
#include "server_process.h"
#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VAIN_MOST 2u

/* The table: what each strategy is. DESIGN.md section 12, as traits. */
#define MANY_PROCESSES (TRAIT_MANY | TRAIT_PROCESSES | TRAIT_APART | TRAIT_STEERED | TRAIT_KIT)

static const struct profile profiles[] = {
    {.name = "single", .named = true, .traits = TRAIT_ALONE | TRAIT_WHOLE | TRAIT_DIRECT | TRAIT_UNIX | TRAIT_STEERED | TRAIT_KIT},
    {.name = "shared", .named = true, .traits = MANY_PROCESSES | TRAIT_DIRECT | TRAIT_UNIX},
    {.name = "master-accept", .named = true, .traits = MANY_PROCESSES | TRAIT_DIRECT | TRAIT_EVEN | TRAIT_UNIX},
    {.name = "reuseport", .named = true, .traits = MANY_PROCESSES | TRAIT_DIRECT | TRAIT_NO_UNIX | TRAIT_SOCKETS},
    {.name = "threaded",
     .named = true,
     .traits =
         TRAIT_MANY | TRAIT_WHOLE | TRAIT_DIRECT | TRAIT_EVEN | TRAIT_UNIX | TRAIT_MODES | TRAIT_APART | TRAIT_STEERED | TRAIT_KIT,
     .even_arguments = {"--accept", "handoff"},
     .unix_arguments = {"--accept", "shared"}},
    {.name = "proxied", .named = true, .traits = MANY_PROCESSES | TRAIT_FRONTS | TRAIT_EVEN | TRAIT_UNIX},
    {.name = "any other program", .traits = MANY_PROCESSES | TRAIT_DIRECT},
};

/* Why a test does not apply to a program without the trait. */
static const struct {
    unsigned trait;
    const char *without;
} trait_reasons[TRAIT_COUNT] = {
    {TRAIT_MANY, "it has one worker"},
    {TRAIT_PROCESSES, "its worker is no process of its own that could die alone"},
    {TRAIT_WHOLE, "its workers are processes: see worker_killed"},
    {TRAIT_FRONTS, "nothing stands between its clients and its workers"},
    {TRAIT_DIRECT, "a client's connection ends at a front, not at a worker"},
    {TRAIT_EVEN, "it does not promise even counts"},
    {TRAIT_UNIX, "it does not promise unix:PATH"},
    {TRAIT_NO_UNIX, "it does not promise to refuse unix:PATH"},
    {TRAIT_MODES, "it has one way to accept"},
    {TRAIT_APART, "its one loop answers /status, too"},
    {TRAIT_ALONE, "it takes more than one worker"},
    {TRAIT_SOCKETS, "its workers have no listening sockets of their own"},
    {TRAIT_STEERED, "it has /status and no more (--no-steering)"},
    {TRAIT_KIT, "it has no configuration file and no logs (--no-kit)"},
};

/* A test that is to be run: what cmocka hands to run_one and end_test. */
struct chosen_test {
    const struct suite_test *test;
    struct contract *contract;
};

/* ---- what contract.h promises ---- */

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

int milliseconds_until(uint64_t deadline_ns)
{
    uint64_t now = now_ns();
    return deadline_ns <= now ? 0 : (int)((deadline_ns - now + MS - 1) / MS);
}

bool look_again(uint64_t deadline_ns)
{
    if (now_ns() >= deadline_ns)
        return false;
    poll(NULL, 0, 5);
    return true;
}

bool contract_has(const struct contract *contract, unsigned traits)
{
    return (contract->profile->traits & ~contract->lacks & traits) == traits;
}

struct server *contract_server(struct contract *contract)
{
    if (contract->shared != NULL && server_has_exited(contract->shared))
        server_end_shared(contract);
    if (contract->shared == NULL)
        contract->shared = server_start(contract, 0, NULL);
    return contract->shared;
}

/* Line by line: cmocka cuts what is longer than 1,023 bytes. */
static void print_server_errors(const struct server *server)
{
    char text[SERVER_TEXT], *rest = text;
    if (server_errors(server, text, sizeof text)[0] == '\0')
        return;
    print_error("  stderr of the server (pid %d):\n", server->pid);
    while (rest != NULL && *rest != '\0')
        print_error("%s\n", strsep(&rest, "\n"));
}

static void print_repeat(const struct contract *contract)
{
    print_error("  repeat: %s %s --workers %u --only %s%s", contract->path, contract->program, contract->workers, contract->test,
                contract->full ? " --full" : "");
    if (contract->as != NULL)
        print_error(" --as %s", contract->as);
    for (char **argument = contract->arguments; argument != NULL && *argument != NULL; argument++)
        print_error("%s%s", argument == contract->arguments ? " -- " : " ", *argument);
    print_error("\n");
}

/* For the end of the output, which is what is left of a long log: a test's first failure is its reason. */
static void note_failure(struct contract *contract, const char *file, int line, const char *message)
{
    if (contract->blamed)
        return;
    contract->over = contract->blamed = true;
    contract->failed++;
    fprintf(contract->failures, "failed: %s: %.*s", contract->test, (int)strcspn(message, "\n"), message);
    if (file != NULL)
        fprintf(contract->failures, " (%s:%d)", file, line);
    fputc('\n', contract->failures);
}

_Noreturn void contract_fail(struct contract *contract, const char *file, int line, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    contract->vain += !contract->answered;
    note_failure(contract, file, line, message);
    print_error("%s: %s\n", contract->test, message);
    if (contract->last != NULL)
        client_print_exchange(contract->last);
    for (struct list *link = contract->servers.next; link != &contract->servers; link = link->next)
        print_server_errors(list_entry(link, struct server, link));
    if (contract->shared != NULL && list_empty(&contract->servers))
        print_server_errors(contract->shared);
    print_repeat(contract);
    _fail(file, line);
    abort(); /* _fail does not come back */
}

/* ---- the run ---- */

static const char *why_skipped(const struct contract *contract, const struct suite_test *test)
{
    for (size_t i = 0; i < TRAIT_COUNT; i++)
        if ((test->needs & trait_reasons[i].trait) && !contract_has(contract, trait_reasons[i].trait))
            return trait_reasons[i].without;
    if (contract->suite->gives_up && contract->vain >= VAIN_MOST)
        return "it never answered a request"; /* clusterbench contract knows it by these words */
    return NULL;
}

static void run_one(void **state)
{
    const struct chosen_test *chosen = *state;
    const struct suite_test *test = chosen->test;
    struct contract *contract = chosen->contract;
    const char *reason = why_skipped(contract, test);
    contract->test = test->name;
    contract->last = NULL;
    contract->over = contract->blamed = false;
    if (reason != NULL) {
        print_message("%s does not apply to %s: %s\n", test->name, contract->profile->name, reason);
        contract_skip(contract);
    }
    test->run(contract);
    contract->over = true;
}

void contract_skip(struct contract *contract)
{
    contract->over = true;
    skip();
}

void contract_file(struct contract *contract, const char *name, char path[CONTRACT_PATH])
{
    if (contract->folder[0] == '\0') {
        strcpy(contract->folder, "/tmp/contract-XXXXXX");
        CHECK(contract, mkdtemp(contract->folder) != NULL, "mkdtemp: %s", strerror(errno));
    }
    snprintf(path, CONTRACT_PATH, "%s/%s", contract->folder, name);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status, (void)type, (void)position;
    if (remove(path) != 0)
        print_error("%s: %s\n", path, strerror(errno));
    return 0;
}

static void remove_folder(struct contract *contract)
{
    if (contract->folder[0] != '\0')
        nftw(contract->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    contract->folder[0] = '\0';
}

/* After every test, passed or failed: nothing of it is left. A report of a sanitizer fails even a test that passed. */
static int end_test(void **state)
{
    const struct chosen_test *chosen = *state;
    struct contract *contract = chosen->contract;
    bool report = false;
    if (contract->suite->end_test)
        contract->suite->end_test(contract);
    client_close_all(contract);
    for (struct list *link = contract->servers.next; link != &contract->servers; link = link->next)
        report |= server_has_report(list_entry(link, struct server, link));
    server_end_all(contract);
    remove_folder(contract);
    if (report)
        print_repeat(contract);
    if (report || !contract->over)
        note_failure(contract, NULL, 0, report ? "a sanitizer reports something, see above" : "it crashed, see above");
    return report ? -1 : 0;
}

static const struct profile *find_profile(const char *name)
{
    size_t last = sizeof profiles / sizeof profiles[0] - 1;
    for (size_t i = 0; i < last; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return &profiles[last];
}

static int run_chosen(struct contract *contract, const char *only, struct chosen_test *chosen, struct CMUnitTest *group)
{
    const struct suite *suite = contract->suite;
    size_t count = 0;
    for (size_t i = 0; i < suite->count; i++) {
        if (only != NULL && fnmatch(only, suite->tests[i].name, 0) != 0)
            continue;
        chosen[count] = (struct chosen_test){&suite->tests[i], contract};
        group[count] = (struct CMUnitTest){suite->tests[i].name, run_one, NULL, end_test, &chosen[count]};
        count++;
    }
    if (count == 0) {
        fprintf(stderr, "%s: --only: no test is called '%s'; --list shows them\n", suite->name, only);
        return 1;
    }
    return _cmocka_run_group_tests(contract->profile->name, group, count, NULL, NULL);
}

/* The last lines of the output: which tests failed, and why. */
static void print_failures(struct contract *contract, const char *text)
{
    if (contract->failed > 0)
        fprintf(stderr, "%s %s: %u failed\n%s", contract->suite->name, contract->profile->name, contract->failed, text);
}

static int run_suite(struct contract *contract, const char *only)
{
    struct chosen_test *chosen = calloc(contract->suite->count, sizeof *chosen);
    struct CMUnitTest *group = calloc(contract->suite->count, sizeof *group);
    int failures = 1;
    char *text = NULL;
    size_t length;
    contract->failures = open_memstream(&text, &length);
    if (chosen == NULL || group == NULL || contract->failures == NULL)
        fprintf(stderr, "%s: out of memory\n", contract->suite->name);
    else
        failures = run_chosen(contract, only, chosen, group);
    server_end_shared(contract);
    if (contract->failures != NULL && fclose(contract->failures) == 0)
        print_failures(contract, text);
    free(text);
    free(chosen);
    free(group);
    return failures;
}

/* ---- the command line ---- */

static const char options_text[] =
    "  --workers N          how many workers where the strategy takes many, 1..32 (default 3)\n"
    "  --only NAME          only the tests of that name; a pattern with * and ? is allowed\n"
    "  --as STRATEGY        judge it as this row of the table (default: the program's name)\n"
    "  --no-steering        it answers GET /status on its admin address, and nothing else there\n"
    "  --no-kit             it is not made from lib/cluster: it has no configuration file and no logs\n"
    "  --patience SECONDS   how long anything that must happen may take, 1..600 (default 15, 45 with a sanitizer)\n";

static void print_usage(const struct suite *suite)
{
    printf("usage: %s PROGRAM [--workers N] [--only NAME] [--as STRATEGY] [--patience SECONDS] [--no-steering] [--no-kit]%s\n"
           "       [-- SERVER ARGUMENTS]\n"
           "       %s --list\n%s%s%s",
           suite->name, suite->has_full ? " [--full]" : "", suite->name, suite->summary, options_text,
           suite->has_full ? "  --full               everything at its full length\n" : "");
}

static int refuse(const struct contract *contract, const char *what, const char *value, const char *allowed)
{
    fprintf(stderr, "%s: %s: '%s' is not allowed; use %s\n", contract->suite->name, what, value ? value : "", allowed);
    return -EINVAL;
}

static int parse_number(const struct contract *contract, const char *option, const char *value, unsigned low, unsigned high,
                        unsigned *number)
{
    char *end = NULL, allowed[32];
    unsigned long n = value ? strtoul(value, &end, 10) : 0;
    snprintf(allowed, sizeof allowed, "%u..%u", low, high);
    if (value == NULL || end == value || *end != '\0' || n < low || n > high)
        return refuse(contract, option, value, allowed);
    *number = (unsigned)n;
    return 0;
}

static void list_tests(const struct suite *suite)
{
    for (size_t i = 0; i < suite->count; i++)
        puts(suite->tests[i].name);
}

/* 0 go on, 1 done (--list, --help), negative: refused. */
static int parse_command_line(struct contract *contract, int argc, char **argv, const char **only)
{
    unsigned seconds = MEMORY_MEANS_NOTHING ? 45 : 15;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int error = 0;
        if (strcmp(argv[i], "--") == 0) {
            contract->arguments = argv + i + 1;
            break;
        } else if (strcmp(argv[i], "--list") == 0) {
            list_tests(contract->suite);
            return 1;
        } else if (strcmp(argv[i], "--help") == 0) {
            print_usage(contract->suite);
            return 1;
        } else if (strcmp(argv[i], "--no-steering") == 0) {
            contract->lacks |= TRAIT_STEERED;
        } else if (strcmp(argv[i], "--no-kit") == 0) {
            contract->lacks |= TRAIT_KIT;
        } else if (strcmp(argv[i], "--workers") == 0) {
            error = parse_number(contract, argv[i++], value, 1, 32, &contract->workers);
        } else if (strcmp(argv[i], "--patience") == 0) {
            error = parse_number(contract, argv[i++], value, 1, 600, &seconds);
        } else if (strcmp(argv[i], "--only") == 0 && value != NULL) {
            *only = argv[++i];
        } else if (strcmp(argv[i], "--as") == 0 && value != NULL) {
            contract->as = argv[++i];
        } else if (strcmp(argv[i], "--full") == 0 && contract->suite->has_full) {
            contract->full = true;
        } else if (argv[i][0] != '-' && contract->program == NULL) {
            contract->program = argv[i];
        } else {
            error = refuse(contract, "command line", argv[i], "what --help shows");
        }
        if (error < 0)
            return error;
    }
    contract->patience_ns = seconds * 1000 * MS;
    if (contract->program == NULL || access(contract->program, X_OK) != 0)
        return refuse(contract, "PROGRAM", contract->program, "the path of an executable server program");
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void raise_descriptors(const struct suite *suite)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            fprintf(stderr, "%s: RLIMIT_NOFILE: %s\n", suite->name, strerror(errno));
    }
}

int suite_main(const struct suite *suite, int argc, char **argv)
{
    struct contract contract = {.suite = suite, .path = argv[0], .workers = 3};
    const char *only = NULL;
    list_init(&contract.servers);
    list_init(&contract.clients);
    int parsed = parse_command_line(&contract, argc, argv, &only);
    if (parsed != 0)
        return parsed > 0 ? 0 : 1;
    contract.profile = find_profile(contract.as ? contract.as : base_name(contract.program));
    if (!contract_has(&contract, TRAIT_MANY))
        contract.workers = 1;
    raise_descriptors(suite);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        fprintf(stderr, "%s: subreaper: %s\n", suite->name, strerror(errno));
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return run_suite(&contract, only);
}
