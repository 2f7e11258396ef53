/*
 * Suites: programs that start any strategy program as a user would and judge it from outside, through its command line, its
 * sockets, its signals and /proc. They link nothing of what they judge. This one is `contract`; tests/fault has another.
 *
 *   contract.c           a suite as a program: its command line, the table strategies x traits, the run
 *   main.c tests.h       the table of this suite's tests: name, function, which traits it needs
 *   files.[ch] files_static.c files_append.c     another suite: /static and /append
 *   server_process.[ch]  a server under test: start, ready line, signals, descendants
 *   client.[ch]          a raw socket client with deadlines
 *   status.[ch]          GET /status and what is in it
 *   http_basic.c http_bad_input.c timeouts.c dispatch.c lifecycle.c resources.c admin.c command_line.c config.c
 *   logs.c               the tests, by topic
 *   exposition.[ch]      a strict reader of /metrics
 *   stand_in.c self.c    the negative control: a small server with planted bugs, and the proof that the tests find them
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "base/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h> /* wants the four above before it */

/* What a program has to be for a test to apply. A program has a set of them: its row in contract.c. */
enum trait {
    TRAIT_MANY = 1,       /* takes more than one worker */
    TRAIT_PROCESSES = 2,  /* a worker is a process: killed alone, replaced alone */
    TRAIT_WHOLE = 4,      /* workers live in the one process: killed, all is gone */
    TRAIT_FRONTS = 8,     /* front processes stand between clients and workers */
    TRAIT_DIRECT = 16,    /* a client's connection is a worker's connection */
    TRAIT_EVEN = 32,      /* deals so that counts differ by at most 1 */
    TRAIT_UNIX = 64,      /* listens on unix:PATH */
    TRAIT_NO_UNIX = 128,  /* refuses unix:PATH, saying why */
    TRAIT_MODES = 256,    /* has --accept own|shared|handoff */
    TRAIT_APART = 512,    /* /status is answered by a loop that no worker occupies */
    TRAIT_ALONE = 1024,   /* takes exactly one worker */
    TRAIT_STEERED = 2048, /* all of the admin address, not /status alone; --no-steering takes it away */
    TRAIT_KIT = 4096,     /* made from lib/cluster: configuration file, logs; --no-kit takes it away */
    TRAIT_SOCKETS = 8192, /* has --sockets primary|worker */
    TRAIT_COUNT = 14,     /* how many there are */
};

#define ARGUMENTS_MAX 8

/* A column of the table: a strategy, or what holds for any other program. */
struct profile {
    const char *name;
    bool named; /* `name` is a strategy's, and the program calls itself so */
    unsigned traits;
    const char *even_arguments[3]; /* what makes it deal evenly, where it does not by itself */
    const char *unix_arguments[3]; /* what makes it take unix:PATH */
};

struct contract;

struct suite_test {
    const char *name;
    void (*run)(struct contract *contract);
    unsigned needs; /* traits */
};

struct suite {
    const char *name;    /* the program's */
    const char *summary; /* a line for --help, with its newline */
    const struct suite_test *tests;
    size_t count;
    bool has_full;                               /* takes --full */
    bool gives_up;                               /* on a server that never answers: the first tests say it, the rest is skipped */
    void (*end_test)(struct contract *contract); /* after each test, before its clients and servers are ended; or NULL */
};

/* The program's main: its exit status. */
int suite_main(const struct suite *suite, int argc, char **argv);

/* One run of a suite. */
struct contract {
    const struct suite *suite;
    const char *path;    /* argv[0], for the line that repeats a test */
    const char *program; /* the server under test */
    const char *as;      /* --as, or NULL */
    char **arguments;    /* given after --, ended by NULL: added to every start */
    const struct profile *profile;
    bool full;      /* --full */
    unsigned lacks; /* traits the program has not, whatever its row says */
    unsigned workers;
    uint64_t patience_ns;  /* how long anything that must happen may take */
    const char *test;      /* the one that runs */
    bool over;             /* it has passed, failed or been skipped: else a crash has cut it short */
    bool blamed;           /* it has its line among the failures */
    unsigned failed;       /* tests */
    FILE *failures;        /* a line for each of them, printed last */
    struct server *shared; /* for tests that leave no trace; started on first use */
    char folder[32];       /* of the running test, for sockets and files: contract_file; "" without */
    struct list servers;   /* of the running test; ended after it */
    struct list clients;   /* the same; closed after it */
    struct client *last;   /* the client that spoke last: its exchange stands in a failure's message */
    bool answered;         /* some server has answered some request of this run */
    unsigned vain;         /* tests that failed before that */
};

bool contract_has(const struct contract *contract, unsigned traits);

/* The server that cheap tests share, alive. Fails the test when it cannot be started. */
struct server *contract_server(struct contract *contract);

/* A path for `name` in a folder that goes after the test, with everything in it. */
#define CONTRACT_PATH 96
void contract_file(struct contract *contract, const char *name, char path[CONTRACT_PATH]);

/* Prints the message, the last exchange, the servers' stderr and the command that repeats the test, then fails it. */
_Noreturn void contract_fail(struct contract *contract, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends the test as skipped. The caller has said why. */
void contract_skip(struct contract *contract);

#define CHECK(contract, condition, ...)                                 \
    do {                                                                \
        if (!(condition))                                               \
            contract_fail((contract), __FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

#define MS UINT64_C(1000000)

/* Milliseconds until `deadline_ns`, at least 0, as poll(2) wants them. */
int milliseconds_until(uint64_t deadline_ns);

/* Waits between two looks at something that tells no event (a counter, /proc); false once `deadline_ns` is past. */
bool look_again(uint64_t deadline_ns);

/* Sanitizers keep freed memory and need their own; figures of memory mean nothing then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_MEANS_NOTHING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_MEANS_NOTHING 1
#endif
#endif
#ifndef MEMORY_MEANS_NOTHING
#define MEMORY_MEANS_NOTHING 0
#endif

#endif
