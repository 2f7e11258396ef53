/* Command lines: what fields they fill in, the error lines word for word, and the whole text of --help. */
#include "support.h"

#include "base/options_document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    uint64_t threads, duration_ns, body_bytes;
    double rate;
    bool verbose, latency;
    const char *output;
    struct option_list headers;
    int arrivals;
    unsigned pair[2];
};

static int parse_pair(const char *text, void *field)
{
    unsigned *pair = field;

    return sscanf(text, "%ux%u", &pair[0], &pair[1]) == 2 ? 0 : -EINVAL;
}

static const char *const arrival_names[] = {"constant", "poisson", "burst", NULL};

static const struct option_spec load_specs[] = {
    {.name = "threads",
     .letter = 't',
     .type = OPTION_INTEGER,
     OPTION_FIELD(struct settings, threads),
     .min = 1,
     .max = 256,
     .fallback = "2",
     .argument = "N",
     .group = "Load",
     .help = "how many threads"},
    {.name = "duration",
     .letter = 'd',
     .type = OPTION_TIME,
     OPTION_FIELD(struct settings, duration_ns),
     .min = 1000000,
     .max = 3600000000000,
     .fallback = "10s",
     .also = 'z',
     .argument = "TIME",
     .help = "how long to send; this help is long enough that it must be broken into a second line by the printer"},
    {.name = "rate",
     .letter = 'R',
     .type = OPTION_REAL,
     OPTION_FIELD(struct settings, rate),
     .max = 1000000,
     .argument = "PER-SECOND",
     .help = "open loop"},
    {.name = "body",
     .type = OPTION_SIZE,
     OPTION_FIELD(struct settings, body_bytes),
     .max = 1048576,
     .fallback = "1k",
     .argument = "SIZE",
     .help = "bytes a request"},
    {.name = "arrivals",
     .type = OPTION_CHOICE,
     OPTION_FIELD(struct settings, arrivals),
     .choices = arrival_names,
     .fallback = "poisson",
     .argument = "NAME",
     .help = "spacing"},
    {.name = "pair",
     .type = OPTION_CUSTOM,
     OPTION_FIELD(struct settings, pair),
     .parse = parse_pair,
     .allowed = "AxB",
     .argument = "AxB",
     .help = "two numbers,\nas a child would write their product"},
    {.name = "one-thread", .type = OPTION_ALIAS, .alias = "threads", .value = "1", .help = "as other tools say it"},
    {.name = "time", .letter = 'T', .type = OPTION_ALIAS, .alias = "duration", .argument = "TIME", .help = "as others say it"},
    {.name = "loud", .letter = 'L', .type = OPTION_ALIAS, .alias = "verbose", .value = "on", .help = "as others say it"},
    {.name = NULL}};

static const struct option_spec output_specs[] = {
    {.name = "header",
     .letter = 'H',
     .type = OPTION_LIST,
     OPTION_FIELD(struct settings, headers),
     .argument = "LINE",
     .group = "Output",
     .help = "a field to send"},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     OPTION_FIELD(struct settings, output),
     .fallback = "-",
     .is_file = true,
     .argument = "FILE",
     .help = "where to write"},
    {.name = "a-very-long-name-of-an-option",
     .type = OPTION_FLAG,
     OPTION_FIELD(struct settings, latency),
     .letter = 'l',
     .help = "percentiles, too"},
    {.name = "verbose", .letter = 'v', .type = OPTION_FLAG, OPTION_FIELD(struct settings, verbose), .help = "say more"},
    {.name = NULL}};

static const struct option_section sections[] = {
    {.title = "Description", .text = "Only in the manual page."},
    {.title = "Examples",
     .text = "A paragraph that is long enough, or so the one who wrote it hopes, to be broken into two lines.\nStill it.\n\n"
             "  prog -t 3\n  .hidden 'a' \\n\n\n.starts with a point.",
     .in_help = true},
    {.title = NULL}};

struct fixture {
    struct settings settings;
    struct option_table tables[2];
    struct option_program program;
    char error[OPTIONS_ERROR_SIZE];
    char *argv[16];
    int argc, operand;
};

static void init_fixture(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->tables[0] = (struct option_table){load_specs, &f->settings};
    f->tables[1] = (struct option_table){output_specs, &f->settings};
    f->program = (struct option_program){
        .name = "prog",
        .manual = sections,
        .summary = "prog: sends load.",
        .usage = "[options] URL",
        .epilogue = "Exit status: 0 done.",
        .version = "prog 1.0",
        .tables = f->tables,
        .table_count = 2,
    };
}

/* Parses a command line given as words between blanks. The words live until the next call. */
static int run(struct fixture *f, const char *line)
{
    static char words[512];
    char *word, *rest = NULL;

    options_free_list(&f->settings.headers);
    init_fixture(f);
    assert_true(strlen(line) < sizeof(words));
    strcpy(words, line);
    f->argv[f->argc++] = (char *)"prog";
    for (word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        f->argv[f->argc++] = word;
    return options_parse(&f->program, f->argc, f->argv, &f->operand, f->error);
}

static void end(struct fixture *f)
{
    options_free_list(&f->settings.headers);
}

static void defaults_come_first(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(run(&f, ""), OPTIONS_RUN);
    assert_int_equal(f.settings.threads, 2);
    assert_int_equal(f.settings.duration_ns, 10000000000);
    assert_int_equal(f.settings.body_bytes, 1024);
    assert_int_equal(f.settings.arrivals, 1);
    assert_string_equal(f.settings.output, "-");
    assert_false(f.settings.verbose);
    assert_int_equal(f.operand, f.argc);
    assert_string_equal(f.error, "");
    end(&f);
}

static void written_as_for_wrk(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(run(&f, "-t1 -d5s -R5000 http://127.0.0.1:8080/"), OPTIONS_RUN);
    assert_int_equal(f.settings.threads, 1);
    assert_int_equal(f.settings.duration_ns, 5000000000);
    assert_true(f.settings.rate == 5000);
    assert_int_equal(f.operand, f.argc - 1);
    assert_string_equal(f.argv[f.operand], "http://127.0.0.1:8080/");
    end(&f);
}

static void every_form(void **state)
{
    static const char *const lines[] = {"-t 7 -v",
                                        "-t7 -v",
                                        "--threads 7 --verbose",
                                        "--threads=7 --verbose=on",
                                        "-vt7",
                                        "-lvt 7",
                                        "--threads=8 --verbose --threads 7",
                                        "--no-verbose -v -t7"};
    struct fixture f = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        if (run(&f, lines[i]) != OPTIONS_RUN || f.settings.threads != 7 || !f.settings.verbose || f.operand != f.argc)
            fail_msg("%s: %s", lines[i], f.error);
    }
    assert_int_equal(run(&f, "-v --no-verbose"), OPTIONS_RUN);
    assert_false(f.settings.verbose);
    end(&f);
}

static void values_of_every_type(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(run(&f, "--body 64k --arrivals burst --pair 3x4 -H A:1 -HB:2 --header=C:3=4 -o out -R 0.5"), OPTIONS_RUN);
    assert_int_equal(f.settings.body_bytes, 65536);
    assert_int_equal(f.settings.arrivals, 2);
    assert_int_equal(f.settings.pair[0] * 10 + f.settings.pair[1], 34);
    assert_int_equal(f.settings.headers.count, 3);
    assert_string_equal(f.settings.headers.items[0], "A:1");
    assert_string_equal(f.settings.headers.items[1], "B:2");
    assert_string_equal(f.settings.headers.items[2], "C:3=4");
    assert_string_equal(f.settings.output, "out");
    assert_true(f.settings.rate == 0.5);
    end(&f);
}

static void operands_keep_their_order(void **state)
{
    struct fixture f = {0};

    (void)state;
    assert_int_equal(run(&f, "one -t 3 two - -v three -- -t --help"), OPTIONS_RUN);
    assert_int_equal(f.settings.threads, 3);
    assert_int_equal(f.argc - f.operand, 6);
    assert_string_equal(f.argv[f.operand], "one");
    assert_string_equal(f.argv[f.operand + 1], "two");
    assert_string_equal(f.argv[f.operand + 2], "-");
    assert_string_equal(f.argv[f.operand + 3], "three");
    assert_string_equal(f.argv[f.operand + 4], "-t");
    assert_string_equal(f.argv[f.operand + 5], "--help");
    end(&f);
}

static void error_lines(void **state)
{
    static const char *const rows[][2] = {
        {"-t 0", "prog: --threads: '0' is not allowed; use 1..256"},
        {"--threads=257", "prog: --threads: '257' is not allowed; use 1..256"},
        {"--threads=", "prog: --threads: '' is not allowed; use 1..256"},
        {"-tx", "prog: --threads: 'x' is not allowed; use 1..256"},
        {"--threads", "prog: --threads needs a value: N"},
        {"url -t", "prog: --threads needs a value: N"},
        {"-d 5", "prog: --duration: '5' is not allowed; use 1ms..1h, a time such as 250us, 5ms, 1.5s or 2m"},
        {"-d 2h", "prog: --duration: '2h' is not allowed; use 1ms..1h, a time such as 250us, 5ms, 1.5s or 2m"},
        {"--body 2m", "prog: --body: '2m' is not allowed; use 0..1m, a size such as 512, 64k or 1m"},
        {"-R -1", "prog: --rate: '-1' is not allowed; use 0..1000000"},
        {"-R nan", "prog: --rate: 'nan' is not allowed; use 0..1000000"},
        {"-R 1e9", "prog: --rate: '1e9' is not allowed; use 0..1000000"},
        {"--arrivals pois", "prog: --arrivals: 'pois' is not allowed; use constant, poisson or burst"},
        {"--pair 3", "prog: --pair: '3' is not allowed; use AxB"},
        {"--verbose=maybe", "prog: --verbose: 'maybe' is not allowed; use on or off"},
        {"--thread 3", "prog: unknown option --thread; did you mean --threads?"},
        {"--trheads=3", "prog: unknown option --trheads; did you mean --threads?"},
        {"--one-thread=2", "prog: --one-thread: '2' is not allowed; it takes no value and stands for --threads 1"},
        {"--time", "prog: --time needs a value: TIME"},
        {"-T 5", "prog: --duration: '5' is not allowed; use 1ms..1h, a time such as 250us, 5ms, 1.5s or 2m"},
        {"--hlep", "prog: unknown option --hlep; did you mean --help?"},
        {"--completion", "prog: --completion needs a value: SHELL"},
        {"--completion csh", "prog: --completion: 'csh' is not allowed; use bash"},
        {"--help=maybe", "prog: --help: 'maybe' is not allowed; use on or off"},
        {"--body 1\n\033m", "prog: --body: '1??m' is not allowed; use 0..1m, a size such as 512, 64k or 1m"},
        {"--quux", "prog: unknown option --quux; --help lists all"},
        {"--no-threads", "prog: unknown option --no-threads; did you mean --threads?"},
        {"-x", "prog: unknown option -x; --help lists all"},
        {"-vx", "prog: unknown option -x; --help lists all"},
    };
    struct fixture f = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        assert_int_equal(run(&f, rows[i][0]), -EINVAL);
        assert_string_equal(f.error, rows[i][1]);
    }
    end(&f);
}

static void error_line_is_never_longer_than_its_buffer(void **state)
{
    char *argv[] = {(char *)"prog", NULL};
    struct fixture f;
    int operand;

    (void)state;
    init_fixture(&f);
    argv[1] = malloc(5000);
    assert_non_null(argv[1]);
    memset(argv[1], '-', 5000);
    argv[1][4999] = '\0';
    assert_int_equal(options_parse(&f.program, 2, argv, &operand, f.error), -EINVAL);
    assert_true(strlen(f.error) < OPTIONS_ERROR_SIZE);
    assert_memory_equal(f.error, "prog: unknown option ---", 24);
    free(argv[1]);
}

static void set_by_name(void **state)
{
    struct fixture f;

    (void)state;
    init_fixture(&f);
    assert_int_equal(options_set(&f.program, "threads", "12", f.error), 0);
    assert_int_equal(f.settings.threads, 12);
    assert_int_equal(options_set(&f.program, "verbose", "yes", f.error), 0);
    assert_true(f.settings.verbose);
    assert_int_equal(options_set(&f.program, "verbose", "no", f.error), 0);
    assert_false(f.settings.verbose);
    assert_int_equal(options_set(&f.program, "threads", "many", f.error), -EINVAL);
    assert_string_equal(f.error, "prog: threads: 'many' is not allowed; use 1..256");
    assert_int_equal(options_set(&f.program, "duratoin", "1s", f.error), -EINVAL);
    assert_string_equal(f.error, "prog: unknown key 'duratoin' (value '1s'); did you mean duration?");
    assert_int_equal(options_set(&f.program, "time", "3s", f.error), 0);
    assert_int_equal(f.settings.duration_ns, 3000000000);
    assert_int_equal(options_set(&f.program, "one-thread", "on", f.error), -EINVAL);
    assert_string_equal(f.error, "prog: one-thread: 'on' is not allowed; write threads = 1");
    assert_int_equal(options_set(&f.program, "help", "on", f.error), -EINVAL);
    assert_string_equal(f.error, "prog: unknown key 'help' (value 'on'); use an option of --help without its dashes");
    assert_int_equal(options_set(&f.program, "hlep", "on", f.error), -EINVAL);
    assert_string_equal(f.error, "prog: unknown key 'hlep' (value 'on'); use an option of --help without its dashes");
}

/* Other tools' names for the same things: with a value of their own, with their value built in, and second letters. */
static void aliases(void **state)
{
    static const char *const lines[] = {"--one-thread --time 3s -v", "--one-thread --time=3s --loud", "-t1 -z3s -L", "-LT3s -t 1",
                                        "-t 9 -Lz 3s --one-thread"};
    struct fixture f = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(lines); i++)
        if (run(&f, lines[i]) != OPTIONS_RUN || f.settings.threads != 1 || f.settings.duration_ns != 3000000000 ||
            !f.settings.verbose || f.operand != f.argc)
            fail_msg("%s: %s", lines[i], f.error);
    end(&f);
}

/* Runs with stdout going into a file; returns what was written (caller frees). */
static char *run_captured(struct fixture *f, const char *line, int *outcome)
{
    int kept = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    char *text = calloc(1, 8192);

    assert_true(kept >= 0 && file != NULL && text != NULL);
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    *outcome = run(f, line);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    rewind(file);
    assert_true(fread(text, 1, 8191, file) > 0);
    fclose(file);
    return text;
}

static void help_text(void **state)
{
    static const char expected[] =
        "prog: sends load.\n"
        "\n"
        "usage: prog [options] URL\n"
        "\n"
        "Load:\n"
        "  -t, --threads N         how many threads (1..256; default 2)\n"
        "  -d, --duration TIME     how long to send; this help is long enough that it must be broken into a\n"
        "                          second line by the printer (1ms..1h; default 10s; also -z)\n"
        "  -R, --rate PER-SECOND   open loop (0..1000000)\n"
        "      --body SIZE         bytes a request (0..1m; default 1k)\n"
        "      --arrivals NAME     spacing (constant, poisson or burst; default poisson)\n"
        "      --pair AxB          two numbers,\n"
        "                          as a child would write their product\n"
        "                          (AxB)\n"
        "      --one-thread        as other tools say it (the same as --threads 1)\n"
        "  -T, --time TIME         as others say it (the same as --duration)\n"
        "  -L, --loud              as others say it (the same as --verbose on)\n"
        "\n"
        "Output:\n"
        "  -H, --header LINE       a field to send\n"
        "  -o, --output FILE       where to write (default -)\n"
        "  -l, --a-very-long-name-of-an-option\n"
        "                          percentiles, too\n"
        "  -v, --verbose           say more\n"
        "\n"
        "Help:\n"
        "  -h, --help              this text\n"
        "      --version           what this was built from\n"
        "      --man               the manual page, to be read by man -l -\n"
        "      --completion SHELL  completion, to be sourced (bash)\n"
        "\n"
        "Examples:\n"
        "A paragraph that is long enough, or so the one who wrote it hopes, to be broken into two lines.\n"
        "Still it.\n"
        "\n"
        "  prog -t 3\n"
        "  .hidden 'a' \\n\n"
        "\n"
        ".starts with a point.\n"
        "\n"
        "Exit status: 0 done.\n";
    static const char *const lines[] = {"--help", "-h", "-t 3 --help --nonsense", "-vh"};
    struct fixture f = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        int outcome;
        char *text = run_captured(&f, lines[i], &outcome);

        assert_int_equal(outcome, OPTIONS_DONE);
        assert_string_equal(text, expected);
        free(text);
    }
    end(&f);
}

static void help_stays_within_100_columns(void **state)
{
    struct fixture f = {0};
    int outcome;
    char *text = run_captured(&f, "--help", &outcome), *line, *rest = NULL;

    (void)state;
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        assert_true(strlen(line) <= 100);
    free(text);
    end(&f);
}

static void version_text(void **state)
{
    struct fixture f = {0};
    int outcome;
    char *text = run_captured(&f, "--version", &outcome);

    (void)state;
    assert_int_equal(outcome, OPTIONS_DONE);
    assert_string_equal(text, "prog 1.0\n");
    free(text);
    end(&f);
}

/* Every option once, nothing that roff would take for a request or lose. */
static void manual_page(void **state)
{
    static const char *const expected[] = {
        ".TH PROG 1 \"\" \"prog 1.0\" \"User Commands\"\n",
        ".SH NAME\nprog \\- sends load\n",
        ".SH SYNOPSIS\n\\fBprog\\fR [options] URL\n",
        ".SH DESCRIPTION\nOnly in the manual page.\n",
        ".SH OPTIONS\n.SS Load\n.TP\n\\fB\\-t\\fR, \\fB\\-\\-threads\\fR \\fIN\\fR\nhow many threads\n(1..256; default\\ 2)\n",
        "\\fB\\-d\\fR, \\fB\\-z\\fR, \\fB\\-\\-duration\\fR \\fITIME\\fR\n",
        "two numbers,\n.br\nas a child would write their product\n(AxB)\n",
        "\\fB\\-\\-one\\-thread\\fR\nas other tools say it\n(the same as \\-\\-threads\\ 1)\n",
        ".SS Output\n",
        ".SS Help\n",
        "\\fB\\-\\-completion\\fR \\fISHELL\\fR\n",
        ".SH EXAMPLES\nA paragraph",
        "Still it.\n.PP\n.nf\n  prog \\-t 3\n  .hidden \\(aqa\\(aq \\(rsn\n.fi\n.PP\n\\&.starts with a point.\n",
        ".SH NOTES\n.nf\nExit status: 0 done.\n.fi\n",
    };
    struct fixture f = {0};
    int outcome;
    char *text = run_captured(&f, "--man", &outcome);
    const char *at = text;

    (void)state;
    assert_int_equal(outcome, OPTIONS_DONE);
    for (size_t i = 0; i < LENGTH_OF(expected); i++) {
        const char *found = strstr(at, expected[i]);

        if (found == NULL)
            fail_msg("no\n%s\nin the rest:\n%s", expected[i], at);
        else
            at = found + strlen(expected[i]);
    }
    free(text);
    end(&f);
}

/* What bash offers for a command line that ends in the last word; the words of COMPREPLY with blanks between. */
static void complete(const char *script, const char *words, char *reply, size_t size)
{
    static const char driver[] = "source /dev/stdin <<<\"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
                                 "$(complete -p prog | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo \"${COMPREPLY[*]}\"";
    char path[] = "/tmp/test-options-XXXXXX", command[512];
    int fd = mkstemp(path);
    FILE *out;

    assert_true(fd >= 0);
    assert_true(write(fd, driver, strlen(driver)) == (ssize_t)strlen(driver));
    close(fd);
    snprintf(command, sizeof(command), "bash -c \"$(cat %s)\" \"$SCRIPT\" %s", path, words);
    assert_int_equal(setenv("SCRIPT", script, 1), 0);
    out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(reply, (int)size, out));
    assert_int_equal(pclose(out), 0);
    unlink(path);
    reply[strcspn(reply, "\n")] = '\0';
}

static void completion_of_bash(void **state)
{
    static const char *const operands[] = {"url", "urn", NULL};
    static const struct {
        const char *words, *reply;
    } rows[] = {
        {"prog --th", "--threads"},
        {"prog -t", ""}, /* a letter is a whole word already */
        {"prog --o", "--one-thread --output"},
        {"prog -t 3 x --ver", "--verbose --version"},
        {"prog --arrivals ''", "constant poisson burst"},
        {"prog --arrivals p", "poisson"},
        {"prog --arrivals = p", "poisson"}, /* as bash cuts --arrivals=p */
        {"prog --arrivals =", "constant poisson burst"},
        {"prog --threads ''", ""},
        {"prog --time ''", ""},
        {"prog -z ''", ""},
        {"prog --one-thread u", "url urn"}, /* takes no value */
        {"prog --output /dev/nul", "/dev/null"},
        {"prog -o /dev/nul", "/dev/null"},
        {"prog /dev/nul", ""},
        {"prog --completion ''", "bash"},
    };
    struct fixture f = {0};
    char *script, reply[512];
    size_t length;
    FILE *memory;

    (void)state;
    init_fixture(&f);
    f.program.operands = operands;
    memory = open_memstream(&script, &length);
    assert_non_null(memory);
    options_print_bash(&f.program, memory);
    assert_int_equal(fclose(memory), 0);
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        complete(script, rows[i].words, reply, sizeof(reply));
        if (strcmp(reply, rows[i].reply) != 0)
            fail_msg("%s: '%s' instead of '%s'", rows[i].words, reply, rows[i].reply);
    }
    free(script);
}

static void letter_h_can_be_taken(void **state)
{
    static const struct option_spec specs[] = {{.name = "host",
                                                .letter = 'h',
                                                .type = OPTION_TEXT,
                                                OPTION_FIELD(struct settings, output),
                                                .argument = "NAME",
                                                .help = "where"},
                                               {.name = NULL}};
    struct fixture f = {0};
    struct option_table table = {specs, &f.settings};
    char *argv[] = {(char *)"prog", (char *)"-hlocalhost"};
    int operand;

    (void)state;
    init_fixture(&f);
    f.program.tables = &table;
    f.program.table_count = 1;
    assert_int_equal(options_parse(&f.program, 2, argv, &operand, f.error), OPTIONS_RUN);
    assert_string_equal(f.settings.output, "localhost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_come_first),
        cmocka_unit_test(written_as_for_wrk),
        cmocka_unit_test(every_form),
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(operands_keep_their_order),
        cmocka_unit_test(error_lines),
        cmocka_unit_test(error_line_is_never_longer_than_its_buffer),
        cmocka_unit_test(set_by_name),
        cmocka_unit_test(help_text),
        cmocka_unit_test(help_stays_within_100_columns),
        cmocka_unit_test(version_text),
        cmocka_unit_test(aliases),
        cmocka_unit_test(manual_page),
        cmocka_unit_test(completion_of_bash),
        cmocka_unit_test(letter_h_can_be_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
