/*
 * The command line. Each option is a row; what several of them must agree on is checked behind the table, one line a rule, so
 * that a run never begins with a question open.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/loadgen.h"

#define DURATION_DEFAULT_NS (10 * CLOCK_NS_PER_S)
#define DESCRIPTORS_BESIDE  64 /* files, epoll and timers a thread, what the caller left open */

static const char *const format_names[] = {"text", "json", NULL};

static const struct option_spec specs[] = {
    {.group = "Load",
     .name = "threads",
     .letter = 't',
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, threads),
     .min = 1,
     .max = 256,
     .fallback = "1",
     .argument = "N",
     .help = "threads, each with its share of connections and rate"},
    {.name = "connections",
     .letter = 'c',
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, connections),
     .min = 1,
     .max = 1000000,
     .fallback = "10",
     .argument = "N",
     .help = "connections of all threads; in the open loop the most there can be"},
    {.name = "duration",
     .letter = 'd',
     .type = OPTION_TIME,
     OPTION_FIELD(struct settings, duration_ns),
     .min = CLOCK_NS_PER_MS,
     .max = 24 * 3600 * CLOCK_NS_PER_S,
     .argument = "TIME",
     .help = "how long to measure (10s when -n is not given either)"},
    {.name = "requests",
     .letter = 'n',
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, requests),
     .min = 1,
     .argument = "N",
     .help = "how many requests to send, exactly, over all threads"},
    {.name = "rate",
     .letter = 'R',
     .type = OPTION_REAL,
     OPTION_FIELD(struct settings, rate),
     .min = 0,
     .max = 100000000,
     .argument = "PER-S",
     .help = "open loop: requests a second, sent when planned whether or not others were answered; "
             "without it each connection sends its next request once it has an answer (closed loop)"},
    {.name = "arrivals",
     .type = OPTION_CHOICE,
     OPTION_FIELD(struct settings, arrivals),
     .choices = arrivals_names,
     .fallback = "constant",
     .argument = "KIND",
     .help = "open loop: gaps all alike, or those of a Poisson process"},
    {.name = "requests-per-connection",
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, requests_per_connection),
     .min = 1,
     .argument = "N",
     .help = "close a connection after N requests; the next is opened when a request is due on it (1: a connection "
             "a request). Without it connections are opened before the start and kept"},
    {.name = "warmup",
     .type = OPTION_TIME,
     OPTION_FIELD(struct settings, warmup_ns),
     .max = 3600 * CLOCK_NS_PER_S,
     .fallback = "0",
     .argument = "TIME",
     .help = "the same load for so long before, left out of every figure"},
    {.name = "timeout",
     .type = OPTION_TIME,
     OPTION_FIELD(struct settings, timeout_ns),
     .min = CLOCK_NS_PER_MS,
     .max = 3600 * CLOCK_NS_PER_S,
     .fallback = "10s",
     .argument = "TIME",
     .help = "a request (its connect included) that takes longer has failed"},
    {.name = "seed",
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, seed),
     .min = 1,
     .max = INT64_MAX,
     .argument = "N",
     .help = "of arrivals and placeholders: the same seed, the same sequence (drawn and printed without it)"},
    {.name = "pin",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, pin_text),
     .argument = "CPUS",
     .help = "CPUs of the threads in turn, such as 1 or 2,3 or 4-7"},
    {.group = "Request",
     .name = "method",
     .letter = 'm',
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, method),
     .fallback = "GET",
     .argument = "NAME",
     .help = "GET, HEAD, POST, ..."},
    {.name = "header",
     .letter = 'H',
     .type = OPTION_LIST,
     OPTION_FIELD(struct settings, headers),
     .argument = "'NAME: VALUE'",
     .help = "a header field; may be given again and again"},
    {.name = "body",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, body),
     .argument = "TEXT",
     .help = "sent with every request"},
    {.group = "Report",
     .name = "latency",
     .type = OPTION_FLAG,
     OPTION_FIELD(struct settings, latency),
     .help = "print the latency distribution, too, in wrk's lines"},
    {.name = "backend-header",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, backend_header),
     .fallback = "X-Worker",
     .argument = "NAME",
     .help = "the response field that names the worker; 'none' to look at no field"},
    {.name = "format",
     .type = OPTION_CHOICE,
     OPTION_FIELD(struct settings, format),
     .choices = format_names,
     .fallback = "text",
     .argument = "FORMAT",
     .help = "of --output, or of stdout without it; json is schema clusterbench.loadgen/1"},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, output),
     .argument = "FILE",
     .help = "write the report here (the text still goes to stdout, unless --quiet)"},
    {.name = "hgrm",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, hgrm),
     .argument = "FILE",
     .help = "write the response time's percentile distribution, in milliseconds, in HdrHistogram's layout"},
    {.name = "series",
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, series),
     .argument = "FILE",
     .help = "write CSV: time_s,requests,errors,p50_us,p99_us of each 100 ms"},
    {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, OPTION_FIELD(struct settings, quiet), .help = "print nothing to stdout"},
    {.name = NULL}};

static const char epilogue[] =
    "URL: http://HOST:PORT/PATH, http://[IPV6]:PORT/PATH, http://unix:/SOCKET:/PATH. A {DISTRIBUTION} in the path is drawn for "
    "every\n"
    "request and written in microseconds: /block/{exp:5ms}, /wait/{bimodal:1ms@0.99,100ms@0.01}.\n"
    "Times: 250us 5ms 1.5s 2m. In the open loop latency counts from the planned send.\n"
    "Exit status: 0 done, 1 usage, 2 could not measure, 3 measured but INVALID, 130 interrupted (the results so far are printed).";

static int refuse(char *message, const char *what, const char *value, const char *why)
{
    snprintf(message, MESSAGE_SIZE, "loadgen: %s: '%.100s' is not allowed; %.350s", what, value, why);
    return -EINVAL;
}

static int check_method(const struct settings *settings, char *message)
{
    const char *method = settings->method;
    if (strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(method) || *method == '\0' || strcmp(method, "CONNECT") == 0)
        return refuse(message, "--method", method, "use an upper-case HTTP method other than CONNECT");
    return 0;
}

static int check_headers(struct settings *settings, char *message)
{
    for (size_t i = 0; i < settings->headers.count; i++) {
        const char *why = template_check_header(settings->headers.items[i]);
        if (why)
            return refuse(message, "--header", settings->headers.items[i], why);
    }
    if (strcasecmp(settings->backend_header, "none") == 0) {
        settings->backend_header = NULL;
        return 0;
    }
    if (!template_is_token(slice_of(settings->backend_header)))
        return refuse(message, "--backend-header", settings->backend_header, "use a header field's name, or none");
    return 0;
}

static int check_counts(struct settings *settings, char *message)
{
    char text[64];
    if (settings->connections < settings->threads) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)settings->connections);
        return refuse(message, "--connections", text, "use at least one connection a thread (--threads)");
    }
    uint64_t limit = net_raise_file_limit(), wanted = settings->connections + 4 * settings->threads + DESCRIPTORS_BESIDE;
    if (limit && wanted > limit) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)settings->connections);
        char why[128];
        snprintf(why, sizeof(why), "that needs %llu open files and the limit is %llu (ulimit -n)", (unsigned long long)wanted,
                 (unsigned long long)limit);
        return refuse(message, "--connections", text, why);
    }
    return 0;
}

static int check_pin(struct settings *settings, char *message)
{
    if (!settings->pin_text)
        return 0;
    int error = cpus_parse(settings->pin_text, &settings->pin);
    if (!error)
        return 0;
    return refuse(message, "--pin", settings->pin_text,
                  error == -ENXIO ? "that CPU is not one this process may use" : "use CPU numbers such as 0 or 0,2 or 0-3");
}

static int check_url(struct settings *settings, char *message)
{
    char why[MESSAGE_SIZE];
    int error = url_parse(settings->url_text, &settings->url, why);
    return error ? refuse(message, "URL", settings->url_text, why) : 0;
}

/* The request is made here once to see whether it can be. */
static int check_template(struct settings *settings, char *message)
{
    struct request_parts parts = {settings->method, &settings->url, &settings->headers, settings->body, false};
    struct template template;
    char why[MESSAGE_SIZE];
    int error = template_init(&template, &parts, why);
    if (error == -EINVAL)
        return refuse(message, "URL", settings->url_text, why);
    template_close(&template);
    if (error)
        snprintf(message, MESSAGE_SIZE, "loadgen: %s", strerror(-error));
    return error;
}

/* The rate's own zero and the defaults that depend on other options. */
static int settle(struct settings *settings, bool rate_given, char *message)
{
    if (rate_given && settings->rate <= 0)
        return refuse(message, "--rate", "0", "use a rate above 0, or leave it out for the closed loop");
    if (!settings->duration_ns && !settings->requests)
        settings->duration_ns = DURATION_DEFAULT_NS;
    if (!settings->seed)
        settings->seed = (random_seed() & UINT32_MAX) | 1;
    return 0;
}

static int check(struct settings *settings, bool rate_given, char *message)
{
    int (*const rules[])(struct settings *, char *) = {check_url, check_headers, check_template, check_counts, check_pin};
    int error = check_method(settings, message);
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]) && !error; i++)
        error = rules[i](settings, message);
    return error ? error : settle(settings, rate_given, message);
}

int settings_read(struct settings *settings, int argc, char **argv, char *message)
{
    static const double no_rate = -1;
    *settings = (struct settings){.rate = no_rate};
    const struct option_table table = {specs, settings};
    const struct option_program program = {
        .name = "loadgen",
        .summary = "loadgen puts load on an HTTP/1.1 server and says what it saw, worker by worker.",
        .usage = "[options] URL",
        .epilogue = epilogue,
        .version = "loadgen " CLUSTERBENCH_VERSION,
        .tables = &table,
        .table_count = 1,
    };
    int operand = 0, outcome = options_parse(&program, argc, argv, &operand, message);
    if (outcome != OPTIONS_RUN)
        return outcome;
    if (argc - operand != 1)
        return refuse(message, "URL", argc == operand ? "" : argv[operand + 1], "give exactly one URL (loadgen --help)");
    settings->url_text = argv[operand];
    bool rate_given = settings->rate > no_rate;
    settings->rate = rate_given ? settings->rate : 0;
    int error = check(settings, rate_given, message);
    return error ? error : OPTIONS_RUN;
}

void settings_close(struct settings *settings)
{
    options_free_list(&settings->headers);
}
