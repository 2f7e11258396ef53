/*
 * Bad input, a row each: loadgen must end with the right status and one line on stderr that names the thing, the value and what is
 * allowed; a command line that cannot be carried out prints nothing else and leaves no file behind. The table is complete: an
 * option of --help without a row here fails the test.
 *
 * In the rows URL stands for an address where nobody listens (at the end when it is not written), and in what must be said for
 * nothing. Files are made beforehand, see `fixtures`.
 *
 * usage: test_input PATH-OF-LOADGEN
 */
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 60000
#define WORDS_MAX   10

struct row {
    const char *words[WORDS_MAX];
    int status;
    const char *says[3];
};

/* ---- what the rows name ---- */

/* In the folder the program is run in; `text` NULL: a folder. */
static const struct fixture {
    const char *name, *text;
    mode_t mode;
} fixtures[] = {
    {"folder", NULL, 0700},
    {"unreadable", "secret", 0},
    {"readonly", NULL, 0500},
    {"empty", "", 0600},
    {"body", "hello", 0600},
    {"badmix", "[one]\nweight = 1\nflavour = sweet\n", 0600},
    {"heavymix", "[one]\nweight = heavy\n", 0600},
    {"headless", "weight = 1\n", 0600},
    {"badtrace", "0.1\n0.2\nlater\n", 0600},
    {"backtrace", "0.2\n0.1\n", 0600},
};

static const struct row rows[] = {
    /* no option at all */
    {{"--flags", "URL"}, 1, {"unknown option --flags", "--help"}},
    {{"--thread", "2"}, 1, {"unknown option --thread", "did you mean --threads?"}},
    {{"--conections=2"}, 1, {"--conections", "did you mean --connections?"}},
    {{"--no-threads"}, 1, {"--no-threads", "did you mean"}},
    {{"-x"}, 1, {"unknown option -x", "--help"}},
    {{"-t1x"}, 1, {"--threads", "'1x'", "1..256"}},
    {{"URL", "URL"}, 1, {"URL", "exactly one"}},
    {{"URL", ""}, 1, {"URL", "''", "exactly one"}},

    /* every option: its type, its range, its value missing */
    {{"--threads", "0"}, 1, {"--threads", "'0'", "1..256"}},
    {{"--threads", "257"}, 1, {"--threads", "'257'", "1..256"}},
    {{"--threads", "-1"}, 1, {"--threads", "'-1'", "1..256"}},
    {{"--threads", "1.5"}, 1, {"--threads", "'1.5'", "1..256"}},
    {{"--threads="}, 1, {"--threads", "''", "1..256"}},
    {{"URL", "-t"}, 1, {"--threads needs a value"}},
    {{"--connections", "0"}, 1, {"--connections", "'0'", "1..1000000"}},
    {{"-c", "99999999999999999999999"}, 1, {"--connections", "'99999999999999999999999'", "1..1000000"}},
    {{"-t", "4", "-c", "3"}, 1, {"--connections", "'3'", "at least one connection a thread"}},
    {{"--duration", "5"}, 1, {"--duration", "'5'", "a time such as"}},
    {{"-z", "5"}, 1, {"--duration", "'5'", "a time such as"}},
    {{"-d", "0"}, 1, {"--duration", "'0'", "1ms..24h"}},
    {{"-d", "25h"}, 1, {"--duration", "'25h'", "1ms..24h"}},
    {{"-d", "-1s"}, 1, {"--duration", "'-1s'", "1ms..24h"}},
    {{"-d", "1 s"}, 1, {"--duration", "'1 s'", "1ms..24h"}},
    {{"-d", "1S"}, 1, {"--duration", "'1S'", "1ms..24h"}},
    {{"--requests", "0"}, 1, {"--requests", "'0'", "1 or more"}},
    {{"-n", "many"}, 1, {"--requests", "'many'", "1 or more"}},
    {{"--pipeline", "0"}, 1, {"--pipeline", "'0'", "1..1024"}},
    {{"--pipeline", "1025"}, 1, {"--pipeline", "'1025'", "1..1024"}},
    {{"--warmup", "2"}, 1, {"--warmup", "'2'", "a time such as"}},
    {{"--linger", "2h"}, 1, {"--linger", "'2h'", "0..1h"}},
    {{"--timeout", "0"}, 1, {"--timeout", "'0'", "1ms..1h"}},
    {{"--timeout", "forever"}, 1, {"--timeout", "'forever'", "1ms..1h"}},
    {{"--think", "often"}, 1, {"--think", "'often'", "exp:"}},
    {{"--think", "exp:5"}, 1, {"--think", "'exp:5'", "exp:"}},
    {{"--think", "10ms", "-R", "10"}, 1, {"--think", "'10ms'", "open loop"}},
    {{"--seed", "0"}, 1, {"--seed", "'0'", "1..9223372036854775807"}},
    {{"--seed", "0x1"}, 1, {"--seed", "'0x1'", "1..9223372036854775807"}},
    {{"--pin", "a-b"}, 1, {"--pin", "'a-b'", "CPU numbers"}},
    {{"--pin", "1000000"}, 1, {"--pin", "'1000000'", "CPU"}},
    {{"--rate", "0"}, 1, {"--rate", "'0'", "above 0"}},
    {{"-R", "-5"}, 1, {"--rate", "'-5'", "0..100000000"}},
    {{"-q", "fast"}, 1, {"--rate", "'fast'", "0..100000000"}},
    {{"-R", "nan"}, 1, {"--rate", "'nan'", "0..100000000"}},
    {{"-R", "1e9"}, 1, {"--rate", "'1e9'", "0..100000000"}},
    {{"--arrivals", "often"}, 1, {"--arrivals", "'often'", "use constant, poisson, uniform-jitter or trace:FILE"}},
    {{"--arrivals", "trace:"}, 1, {"--arrivals", "'trace:'", "trace:FILE"}},
    {{"--arrivals", "poisson"}, 1, {"--arrivals", "'poisson'", "--rate"}},
    {{"--arrivals", "trace:badtrace", "-R", "5"}, 1, {"--arrivals", "trace", "leave out --rate"}},
    {{"--arrivals", "trace:missing"}, 1, {"missing", "No such file"}},
    {{"--arrivals", "trace:folder"}, 1, {"folder", "directory"}},
    {{"--arrivals", "trace:empty"}, 1, {"empty"}},
    {{"--arrivals", "trace:badtrace"}, 1, {"badtrace", "3", "later"}},
    {{"--arrivals", "trace:backtrace"}, 1, {"backtrace", "2"}},
    {{"--arrivals", "trace:unreadable"}, 1, {"unreadable", "Permission denied"}},
    {{"--profile", "ramp"}, 1, {"--profile", "'ramp'", "ramp RATE..RATE over TIME"}},
    {{"--profile", "jump 5 for 5s"}, 1, {"--profile", "jump"}},
    {{"--profile", "hold 5 for 5"}, 1, {"--profile", "hold 5 for 5"}},
    {{"--profile", ""}, 1, {"--profile", "''"}},
    {{"--profile", "hold 5 for 5s", "-R", "5"}, 1, {"--profile", "hold 5 for 5s", "--rate"}},
    {{"--dispatch", "random"}, 1, {"--dispatch", "'random'", "idle, pinned or open"}},
    {{"--dispatch", "pinned"}, 1, {"--dispatch", "'pinned'", "--rate"}},
    {{"--connections-max", "0", "-R", "5"}, 1, {"--connections-max", "'0'", "1..1000000"}},
    {{"--connections-max", "20", "-R", "5"}, 1, {"--connections-max", "'20'", "--dispatch open"}},
    {{"--connections-max", "5", "-R", "5", "--dispatch", "open"}, 1, {"--connections-max", "'5'", "at least as many"}},
    {{"--spin", "1s"}, 1, {"--spin", "'1s'", "0..1ms"}},
    {{"--spin", "50us"}, 1, {"--spin", "'50us'", "--rate"}},
    {{"--requests-per-connection", "0"}, 1, {"--requests-per-connection", "'0'", "use 1 or more, or geometric:N"}},
    {{"--requests-per-connection", "geometric:"}, 1, {"--requests-per-connection", "'geometric:'", "geometric:N"}},
    {{"--disable-keepalive=yes"}, 1, {"--disable-keepalive", "'yes'", "--requests-per-connection 1"}},
    {{"--connect-rate", "0"}, 1, {"--connect-rate", "'0'", "above 0"}},
    {{"--connect-rate", "x"}, 1, {"--connect-rate", "'x'", "0..10000000"}},
    {{"--source", "here"}, 1, {"--source", "'here'", "use ADDRESS or FIRST-LAST"}},
    {{"--source", "127.0.0.9-127.0.0.2"}, 1, {"--source", "'127.0.0.9-127.0.0.2'", "FIRST-LAST"}},
    {{"--source", "127.0.0.2-::1"}, 1, {"--source", "'127.0.0.2-::1'", "FIRST-LAST"}},
    {{"--source", "::1"}, 1, {"--source", "::1", "IPv"}},
    {{"--source", "127.0.0.2", "http://unix:/tmp/s:/"}, 1, {"--source", "127.0.0.2", "unix"}},
    {{"--source-ports", "mine"}, 1, {"--source-ports", "'mine'", "kernel or seeded"}},
    {{"--source-ports", "seeded", "http://unix:/tmp/s:/"}, 1, {"--source-ports", "'seeded'", "unix"}},
    {{"--method", "get it"}, 1, {"--method", "'get it'"}},
    {{"-m", ""}, 1, {"--method", "''"}},
    {{"-m", "CONNECT"}, 1, {"--method", "'CONNECT'"}},
    {{"--header", "no colon"}, 1, {"--header", "'no colon'", "Name: value"}},
    {{"-H", ": empty"}, 1, {"--header", "': empty'"}},
    {{"-H", "Content-Length: 5"}, 1, {"--header", "'Content-Length: 5'"}},
    {{"-H", "A: b\r\nC: d"}, 1, {"--header"}},
    {{"URL", "--body"}, 1, {"--body needs a value"}},
    {{"--body", "{zipf:0}"}, 1, {"zipf:0"}},
    {{"--body", "x", "--body-file", "body"}, 1, {"--body-file", "'body'", "--body"}},
    {{"--body-file", "missing"}, 1, {"missing", "No such file"}},
    {{"--body-file", "folder"}, 1, {"folder", "directory"}},
    {{"--body-file", "unreadable"}, 1, {"unreadable", "Permission denied"}},
    {{"--mix", "missing"}, 1, {"missing", "No such file"}},
    {{"--mix", "folder"}, 1, {"folder", "directory"}},
    {{"--mix", "empty"}, 1, {"empty"}},
    {{"--mix", "headless"}, 1, {"headless", "1"}},
    {{"--mix", "badmix"}, 1, {"badmix", "3", "flavour"}},
    {{"--mix", "heavymix"}, 1, {"heavymix", "2", "heavy"}},
    {{"--mix", "unreadable"}, 1, {"unreadable", "Permission denied"}},
    {{"--cookies=some"}, 1, {"--cookies", "'some'", "on or off"}},
    {{"--cookies", "-H", "Cookie: a=b"}, 1, {"Cookie", "--cookies"}},
    {{"--check", "colour=red"}, 1, {"--check", "colour=red", "status="}},
    {{"--check", "status=99"}, 1, {"--check", "status=99"}},
    {{"--check", "length=5", "-m", "HEAD"}, 1, {"check", "HEAD"}},
    {{"--latency=maybe"}, 1, {"--latency", "'maybe'", "on or off"}},
    {{"--uncorrected=maybe"}, 1, {"--uncorrected", "'maybe'", "on or off"}},
    {{"--backend-header", "X Worker"}, 1, {"--backend-header", "'X Worker'", "none"}},
    {{"--format", "xml"}, 1, {"--format", "'xml'", "text, json or csv"}},
    {{"--output", "no/such/file"}, 2, {"--output no/such/file", "No such file"}},
    {{"-o", "folder"}, 2, {"--output folder", "directory"}},
    {{"-o", "readonly/file"}, 2, {"--output readonly/file", "Permission denied"}},
    {{"--hgrm", "no/such/file"}, 2, {"--hgrm no/such/file", "No such file"}},
    {{"--hgrm", "folder"}, 2, {"--hgrm folder", "directory"}},
    {{"--hlog", "no/such/file"}, 2, {"--hlog no/such/file", "No such file"}},
    {{"--hlog", "folder"}, 2, {"--hlog folder", "directory"}},
    {{"--series", "no/such/file"}, 2, {"--series no/such/file", "No such file"}},
    {{"--series", "folder"}, 2, {"--series folder", "directory"}},
    {{"--series-interval", "50ms"}, 1, {"--series-interval", "'50ms'", "100ms..1h"}},
    {{"--series-interval", "150ms"}, 1, {"--series-interval", "'150ms'", "multiple"}},
    {{"--html", "no/such/file"}, 2, {"--html no/such/file", "No such file"}},
    {{"--html", "folder"}, 2, {"--html folder", "directory"}},
    {{"-o", "-"}, 1, {"--output", "'-'", "stdout"}},
    {{"--series", "-"}, 1, {"--series", "'-'", "stdout"}},
    {{"--heat", "no/such/file"}, 2, {"--heat no/such/file", "No such file"}},
    {{"--heat", "-"}, 1, {"--heat", "'-'", "stdout"}},
    {{"--announce=maybe"}, 1, {"--announce", "'maybe'"}},
    {{"--retry-idle=maybe"}, 1, {"--retry-idle", "'maybe'", "on or off"}},
    {{"-o", "same", "--hgrm", "./same"}, 1, {"--hgrm", "'./same'", "another output"}},
    {{"--hgrm", "same", "--hgrm-service", "./same"}, 1, {"--hgrm-service", "'./same'", "another output"}},
    {{"--html", "./body", "--series", "body"}, 1, {"--html", "'./body'", "another output"}},
    {{"--live", "yes"}, 1, {"--live", "'yes'", "auto, on or off"}},
    {{"--quiet=very"}, 1, {"--quiet", "'very'", "on or off"}},
    {{"--slo", "p99"}, 1, {"--slo", "'p99'", "<"}},
    {{"--slo", "p99<5"}, 1, {"--slo", "p99<5"}},
    {{"--slo", "p101<5ms"}, 1, {"--slo", "p101"}},
    {{"--find-max", "speed>5"}, 1, {"--find-max", "speed>5"}},
    {{"--find-max", "p99<5ms", "--profile", "hold 5 for 5s"}, 1, {"--profile", "hold 5 for 5s"}},
    {{"--repeat", "0"}, 1, {"--repeat", "'0'", "1..1000"}},
    {{"--repeat", "1001"}, 1, {"--repeat", "'1001'", "1..1000"}},
    {{"--compare", "https://127.0.0.1/"}, 1, {"--compare", "https://127.0.0.1/", "https"}},
    {{"--compare", "URL", "--find-max", "p99<5ms"}, 1, {"--compare", "--find-max"}},
    {{"--selftest=twice"}, 1, {"--selftest", "'twice'", "on or off"}},
    {{"--help=me"}, 1, {"--help", "'me'", "on or off"}},
    {{"--version=2"}, 1, {"--version", "'2'", "on or off"}},
    {{"--man=page"}, 1, {"--man", "'page'", "on or off"}},
    {{"--completion", "fish"}, 1, {"--completion", "'fish'", "bash"}},
};

/* Instead of a URL. */
static const struct row url_rows[] = {
    {{NULL}, 1, {"URL", "exactly one"}},
    {{"-c", "1"}, 1, {"URL", "exactly one"}},
    {{""}, 1, {"URL", "''", "http://"}},
    {{"https://127.0.0.1/"}, 1, {"URL", "'https://127.0.0.1/'", "https"}},
    {{"ftp://127.0.0.1/"}, 1, {"URL", "'ftp://127.0.0.1/'", "http://"}},
    {{"127.0.0.1:8080/"}, 1, {"URL", "'127.0.0.1:8080/'", "http://"}},
    {{"http://"}, 1, {"URL", "'http://'", "host"}},
    {{"http:///path"}, 1, {"URL", "'http:///path'", "host"}},
    {{"http://:80/"}, 1, {"URL", "'http://:80/'", "host"}},
    {{"http://127.0.0.1:/"}, 1, {"URL", "port"}},
    {{"http://127.0.0.1:x/"}, 1, {"URL", "port"}},
    {{"http://127.0.0.1:0/"}, 1, {"URL", "port 0"}},
    {{"http://127.0.0.1:65536/"}, 1, {"URL", "port"}},
    {{"http://127.0.0.1:-1/"}, 1, {"URL", "port"}},
    {{"http://[::1/"}, 1, {"URL", "'http://[::1/'"}},
    {{"http://[zz]:80/"}, 1, {"URL", "'http://[zz]:80/'"}},
    {{"http://127.0.0.1:80/a b"}, 1, {"URL", "space"}},
    {{"http://127.0.0.1:80/\n"}, 1, {"URL", "control character"}},
    {{"http://127.0.0.1:80/\xc3\xa4"}, 1, {"URL", "ASCII"}},
    {{"http://user:secret@127.0.0.1:80/"}, 1, {"URL", "'@'"}},
    {{"http://127.0.0.1:80/{exp:5}"}, 1, {"exp:5"}},
    {{"http://127.0.0.1:80/{colour}"}, 1, {"colour"}},
    {{"http://127.0.0.1:80/{exp:5ms"}, 1, {"exp:5ms"}},
    {{"http://unix::/"}, 1, {"URL", "socket"}},
    {{"http://nobody.invalid/"}, 1, {"URL", "nobody.invalid"}},
};

static const struct row silent_rows[] = {
    {{"-d", "1s", "URL"}, 2, {"cannot connect to http://127.0.0.1:", "Connection refused"}},
    {{"-d", "1s", "-R", "10", "URL"}, 2, {"cannot connect to http://127.0.0.1:", "Connection refused"}},
    {{"-d", "1s", "--format", "json", "URL"}, 2, {"cannot connect to http://127.0.0.1:", "Connection refused"}},
    {{"-d", "1s", "http://unix:/nowhere/socket:/"}, 2, {"cannot connect to http://unix:/nowhere/socket:/", "No such file"}},
};

/* ---- running ---- */

static const char *program;
static char closed_url[64];

/* 0 when it has ended by then. */
static int await_exit(pid_t pid)
{
    struct pollfd poller = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    assert_true(poller.fd >= 0);
    int count = poll(&poller, 1, DEADLINE_MS);
    close(poller.fd);
    return count == 1 ? 0 : -ETIMEDOUT;
}

static void read_text(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    close(fd);
}

/* Runs it with the words to its end; `url` is put for "URL", or, unless NULL, behind the words when none has "://" in it. */
static struct result run_words(const char *const *words, const char *url)
{
    const char *argv[WORDS_MAX + 3] = {program};
    struct result result = {.status = -1};
    int out = program_capture("out"), err = program_capture("err"), status;
    bool has_url = !url;
    unsigned count = 1;
    for (; *words && count <= WORDS_MAX; words++) {
        bool is_url = strcmp(*words, "URL") == 0;
        has_url |= (is_url || strstr(*words, "://")) && strncmp(argv[count - 1], "--compare", 9) != 0;
        argv[count++] = is_url ? url : *words;
    }
    if (!has_url)
        argv[count++] = url;
    pid_t pid = program_spawn(argv, out, err);
    if (await_exit(pid) != 0)
        assert_int_equal(kill(pid, SIGKILL), 0); /* then its status is no exit */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    read_text(out, result.out, sizeof(result.out));
    read_text(err, result.err, sizeof(result.err));
    return result;
}

/* ---- the files ---- */

static char folder[64]; /* the program is run in it */

static void make_fixtures(void)
{
    snprintf(folder, sizeof(folder), "%s/run", program_folder());
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chdir(folder), 0);
    for (unsigned i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
        const struct fixture *fixture = &fixtures[i];
        if (!fixture->text) {
            assert_int_equal(mkdir(fixture->name, fixture->mode), 0);
            continue;
        }
        int fd = open(fixture->name, O_WRONLY | O_CREAT | O_CLOEXEC, fixture->mode);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, fixture->text, strlen(fixture->text)), strlen(fixture->text));
        close(fd);
    }
}

/* Names in the folder; "." and ".." included. */
static unsigned count_files(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static bool left_something(void)
{
    return count_files(".") != 2 + sizeof(fixtures) / sizeof(fixtures[0]) || count_files("folder") != 2 ||
           count_files("readonly") != 2;
}

static void remove_fixtures(void)
{
    for (unsigned i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++)
        assert_int_equal(remove(fixtures[i].name), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- judging ---- */

static const char *join(const char *const *words)
{
    static char text[512];
    text[0] = '\0';
    for (; *words; words++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " '%s'", *words);
    return text;
}

/* What is wrong with the result, or NULL. */
static const char *judge(const struct row *row, const struct result *result)
{
    static char text[128];
    const char *newline = strchr(result->err, '\n');
    if (result->status != row->status) {
        snprintf(text, sizeof(text), "exit status %d instead of %d", result->status, row->status);
        return text;
    }
    if (!newline || newline[1])
        return "stderr is not one line";
    if (strncmp(result->err, "loadgen: ", 9) != 0)
        return "the line does not say who speaks";
    for (const char *at = result->err; at < newline; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return "the line has a control character in it";
    for (unsigned i = 0; i < sizeof(row->says) / sizeof(row->says[0]) && row->says[i]; i++)
        if (!strstr(result->err, row->says[i])) {
            snprintf(text, sizeof(text), "the line lacks: %s", row->says[i]);
            return text;
        }
    if (row->status == 1 && result->out[0])
        return "stdout is not empty";
    return left_something() ? "a file was left behind" : NULL;
}

/* Root is denied nothing. */
static bool is_for_users(const struct row *row)
{
    return row->says[1] && strcmp(row->says[1], "Permission denied") == 0;
}

/* Says what is wrong with each row before it fails. */
static void expect_rows(const struct row *from, size_t count, const char *url)
{
    unsigned failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_for_users(&from[i]) && geteuid() == 0)
            continue;
        struct result result = run_words(from[i].words, url);
        const char *wrong = judge(&from[i], &result);
        if (wrong) {
            print_error("loadgen%s: %s:\n    %s\n", join(from[i].words), wrong, result.err);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void test_rows(void **state)
{
    (void)state;
    expect_rows(rows, sizeof(rows) / sizeof(rows[0]), closed_url);
}

static void test_urls(void **state)
{
    (void)state;
    expect_rows(url_rows, sizeof(url_rows) / sizeof(url_rows[0]), NULL);
}

static void test_nobody_there(void **state)
{
    (void)state;
    expect_rows(silent_rows, sizeof(silent_rows) / sizeof(silent_rows[0]), closed_url);
}

/* ---- every option ---- */

static bool has_row(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned j = 0; j < WORDS_MAX && rows[i].words[j]; j++) {
            const char *word = rows[i].words[j];
            if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0 && strchr("=", word[2 + length]))
                return true;
        }
    return false;
}

static void test_every_option_has_a_row(void **state)
{
    (void)state;
    const char *const words[] = {"--help", NULL};
    struct result result = run_words(words, NULL);
    unsigned options = 0, missing = 0;
    char *rest = NULL;
    assert_int_equal(result.status, 0);
    for (char *line = strtok_r(result.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool is_option = strncmp(line, "      --", 8) == 0 || (strncmp(line, "  -", 3) == 0 && strncmp(line + 4, ", --", 4) == 0);
        const char *name = line + 8;
        size_t length = is_option ? strcspn(name, " ") : 0;
        options += is_option;
        if (is_option && !has_row(name, length)) {
            print_error("--%.*s has no row\n", (int)length, name);
            missing++;
        }
    }
    assert_true(options > 40);
    assert_int_equal(missing, 0);
}

/* The lines under "Examples" can be carried out: with their servers gone they fail for that alone. */
static void test_examples(void **state)
{
    (void)state;
    const char *const words[] = {"--help", NULL};
    struct result help = run_words(words, NULL);
    char *rest = NULL, *examples = strstr(help.out, "\nExamples:\n");
    unsigned count = 0;
    assert_non_null(examples);
    for (char *line = strtok_r(examples + 11, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), count++) {
        char command[1024], text[1024] = "";
        snprintf(command, sizeof(command),
                 "exec 2>&1; set -- %s; shift; for a do case $a in http*) a=\"%s${a#http://*:808?}\";; esac; "
                 "set -- \"$@\" \"$a\"; shift; done; exec '%s' --quiet \"$@\"",
                 line, closed_url, program);
        FILE *out = popen(command, "r");
        assert_non_null(out);
        assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
        int status = pclose(out);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 2 || !strstr(text, "Connection refused"))
            fail_msg("%s: status %x: %s", line, (unsigned)status, text);
    }
    assert_true(count >= 3);
    unlink("ramp.html"); /* of a run, be it one that got no answer */
    assert_false(left_something());
}

/* ---- servers that are none ---- */

/* Accepts, says something, closes. */
struct rude_server {
    int listener, stop_fd;
    const char *greeting;
    pthread_t thread;
    char url[64];
};

static void *be_rude(void *context)
{
    struct rude_server *server = context;
    struct pollfd pollers[] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};
    while (poll(pollers, 2, -1) > 0 && !pollers[1].revents) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (send(fd, server->greeting, strlen(server->greeting), MSG_NOSIGNAL) < 0)
            server->greeting = "";
        char rest[4096]; /* closed with something unread it would be reset, and the greeting lost */
        shutdown(fd, SHUT_WR);
        while (read(fd, rest, sizeof(rest)) > 0)
            ;
        close(fd);
    }
    return NULL;
}

/* A port of 127.0.0.1; nobody listens unless `listens`. */
static int take_port(bool listens, char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_true(!listens || listen(fd, 64) == 0);
    snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    return fd;
}

static void test_rude_servers(void **state)
{
    (void)state;
    static const struct {
        const char *greeting;
        struct row row;
    } cases[] = {
        {"SSH-2.0-OpenSSH_9.2\r\n", {{"-d", "500ms"}, 2, {"http://127.0.0.1:", "no whole HTTP/1.x response from"}}},
        {"", {{"-d", "500ms"}, 2, {"no response from http://127.0.0.1:"}}},
        {"", {{"-n", "3", "-R", "1000"}, 2, {"no response from http://127.0.0.1:"}}},
        {"HTTP/1.1 200 OK\r\nContent-Len", {{"-n", "3"}, 2, {"no whole HTTP/1.x response from http://127.0.0.1:"}}},
        {"HTTP/2.0 200 OK\r\n\r\n", {{"-n", "3"}, 2, {"no whole HTTP/1.x response from"}}},
        {"HTTP/1.1 99999 OK\r\n\r\n", {{"-n", "3"}, 2, {"no whole HTTP/1.x response from"}}},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rude_server server = {.greeting = cases[i].greeting};
        uint64_t one = 1;
        server.listener = take_port(true, server.url);
        server.stop_fd = eventfd(0, EFD_CLOEXEC);
        assert_int_equal(pthread_create(&server.thread, NULL, be_rude, &server), 0);
        struct result result = run_words(cases[i].row.words, server.url);
        const char *wrong = judge(&cases[i].row, &result);
        assert_int_equal(write(server.stop_fd, &one, sizeof(one)), sizeof(one));
        assert_int_equal(pthread_join(server.thread, NULL), 0);
        close(server.listener);
        close(server.stop_fd);
        if (wrong)
            fail_msg("%s: %s: %s", cases[i].greeting, wrong, result.err);
    }
}

/* A server that speaks HTTP up to a point. */
static void test_broken_servers(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        struct row row;
    } cases[] = {
        {"/garbage", {{"-n", "4"}, 2, {"no whole HTTP/1.x response from"}}},
        {"/reset", {{"-n", "4"}, 2, {"no response from"}}},
        {"/cut", {{"-n", "4"}, 2, {"no whole HTTP/1.x response from", "/cut"}}},
        {"/silent", {{"-n", "4", "--timeout", "100ms"}, 2, {"no response from", "timed out"}}},
        {"/slow/1000",
         {{"-c", "1", "--warmup", "200ms", "-d", "1400ms", "--linger", "0"}, 2, {"only requests of the warm-up were answered"}}},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script_server server;
        char url[128];
        script_server_start(&server, "127.0.0.1:0");
        snprintf(url, sizeof(url), "%s%s", server.url, cases[i].path);
        struct result result = run_words(cases[i].row.words, url);
        script_server_stop(&server);
        script_server_free(&server);
        const char *wrong = judge(&cases[i].row, &result);
        if (wrong)
            fail_msg("%s: %s: %s", cases[i].path, wrong, result.err);
    }
}

/* ---- the documents ---- */

/* bash can read it; what it offers is tested where it is made. */
static void test_completion(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof(command), "'%s' --completion bash | bash -n", program);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "'%s' --completion bash | grep -q '^complete -F _loadgen loadgen$'", program);
    assert_int_equal(system(command), 0);
}

/* man's formatter has nothing to complain of, where there is one. */
static void test_manual_page(void **state)
{
    (void)state;
    char command[512], text[512] = "";
    if (system("command -v groff >/dev/null") != 0)
        skip();
    snprintf(command, sizeof(command), "'%s' --man | groff -man -Tascii -ww -z 2>&1", program);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    (void)!fread(text, 1, sizeof(text) - 1, out);
    assert_int_equal(pclose(out), 0);
    assert_string_equal(text, "");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_urls),
        cmocka_unit_test(test_nobody_there),   cmocka_unit_test(test_every_option_has_a_row),
        cmocka_unit_test(test_examples),       cmocka_unit_test(test_rude_servers),
        cmocka_unit_test(test_broken_servers), cmocka_unit_test(test_completion),
        cmocka_unit_test(test_manual_page),
    };
    if (argc != 2 || program_open(argv[1]) != 0) {
        fprintf(stderr, "usage: test_input PATH-OF-LOADGEN\n");
        return 1;
    }
    program = realpath(argv[1], NULL);
    int closed = take_port(false, closed_url);
    if (!program || closed < 0)
        return 1;
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1); /* a resolver that does not answer is given up soon */
    make_fixtures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_fixtures();
    close(closed);
    free((char *)(uintptr_t)program);
    return program_close() != 0 || failed;
}
