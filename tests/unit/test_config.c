/*
 * Settings: who wins, what is refused in which words, the printed form read back, what workers are given, and what a reload does
 * to which row.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cluster/config.h"

struct settings {
    const char *config, *env, *root;
    bool check_config, faults;
    uint64_t workers, grace_ns, backlog;
    int level;
    struct option_list words;
    unsigned pair[2];
};

struct own {
    double share;
    uint64_t size;
};

static int parse_pair(const char *text, void *field)
{
    unsigned *pair = field;
    return sscanf(text, "%ux%u", &pair[0], &pair[1]) == 2 ? 0 : -EINVAL;
}

static const char *const level_names[] = {"error", "info", NULL};

#define ROW(field) OPTION_FIELD(struct settings, field)

static const struct option_spec specs[] = {
    {.name = "config", .type = OPTION_TEXT, ROW(config)},
    {.name = "env", .type = OPTION_TEXT, ROW(env)},
    {.name = "check-config", .type = OPTION_FLAG, ROW(check_config)},
    {.name = "root", .type = OPTION_TEXT, ROW(root), .reloadable = true, .argument = "DIR", .group = "Files"},
    {.name = "faults", .type = OPTION_FLAG, ROW(faults), .reloadable = true},
    {.name = "workers", .letter = 'w', .type = OPTION_INTEGER, ROW(workers), .min = 1, .max = 64, .fallback = "1"},
    {.name = "grace", .type = OPTION_TIME, ROW(grace_ns), .fallback = "5s", .reloadable = true},
    {.name = "backlog", .type = OPTION_INTEGER, ROW(backlog), .min = 1, .reloadable = true, .argument = "N"},
    {.name = "log", .type = OPTION_CHOICE, ROW(level), .choices = level_names, .fallback = "error", .reloadable = true},
    {.name = "word", .type = OPTION_LIST, ROW(words)},
    {.name = "pair", .type = OPTION_CUSTOM, ROW(pair), .parse = parse_pair, .fallback = "1x2", .reloadable = true},
    {.name = "threads", .type = OPTION_ALIAS, .alias = "workers"},
    {.name = NULL},
};

static const struct option_spec own_specs[] = {
    {.name = "share", .type = OPTION_REAL, OPTION_FIELD(struct own, share), .max = 1, .fallback = "0.5", .group = "Own"},
    {.name = "size", .type = OPTION_SIZE, OPTION_FIELD(struct own, size), .fallback = "1k", .reloadable = true},
    {.name = NULL},
};

/* A program with a file of its own. */
struct fixture {
    struct settings settings;
    struct own own;
    struct option_table tables[2];
    struct config config;
    char path[32], error[OPTIONS_ERROR_SIZE];
    unsigned changes;
};

static void on_changed(void *context)
{
    ((struct fixture *)context)->changes++;
}

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.path = "/tmp/test_config-XXXXXX"};
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    f->tables[0] = (struct option_table){specs, &f->settings};
    f->tables[1] = (struct option_table){own_specs, &f->own};
    const struct option_program program = {.name = "prog", .tables = f->tables, .table_count = 2};
    const struct config_area areas[] = {{&f->settings, sizeof f->settings}, {&f->own, sizeof f->own}};
    assert_int_equal(config_open(&f->config, &program, areas, 2), 0);
    f->config.changed = on_changed;
    f->config.changed_context = f;
}

static void close_fixture(struct fixture *f)
{
    config_close(&f->config);
    assert_int_equal(unlink(f->path), 0);
}

static void write_file(const struct fixture *f, const char *text)
{
    FILE *out = fopen(f->path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static char *words[16];

/* argv of a line; "FILE" stands for the fixture's. It lasts until the next. */
static int split(const struct fixture *f, const char *line)
{
    static char copy[256];
    int count = 0;
    words[count++] = (char *)(uintptr_t) "prog";
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = strcmp(word, "FILE") == 0 ? (char *)(uintptr_t)f->path : word;
    words[count] = NULL;
    return count;
}

static int read_line(struct fixture *f, const char *line)
{
    return config_read(&f->config, split(f, line), words, f->error);
}

/* The settings as a line a row; the caller frees. */
static char *print(const struct fixture *f)
{
    char *text = NULL, error[OPTIONS_ERROR_SIZE];
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    assert_int_equal(config_print(&f->config, out, error), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void no_file(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    assert_int_equal(read_line(&f, "--workers 3 --word a --word b"), OPTIONS_RUN);
    assert_int_equal(f.settings.workers, 3);
    assert_int_equal(f.settings.grace_ns, 5000000000);
    assert_int_equal(f.settings.words.count, 2);
    assert_false(config_has_file(&f.config));
    close_fixture(&f);
}

/* Each of the four sources wins over those before it. */
static void who_wins(void **state)
{
    static const struct {
        const char *line;
        uint64_t workers, grace_s, size;
        int level;
        bool faults;
    } rows[] = {
        {"--config FILE", 2, 7, 2048, 0, true},
        {"--config FILE --env one", 3, 7, 2048, 1, true},
        {"--config FILE --env two", 2, 9, 4096, 0, false},
        {"--config FILE --env default", 2, 7, 2048, 0, true},
        {"--env one --workers=4 --config FILE", 4, 7, 2048, 1, true},
        {"-w 5 --no-faults --config FILE --size 1k", 5, 7, 1024, 0, false},
        {"--grace 1s --config FILE --env two --faults", 2, 1, 4096, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fixture f;
        open_fixture(&f);
        write_file(&f, "[one]\nworkers = 3\nlog = info\n[default]\nworkers = 2\ngrace = 7s\nfaults = on\nsize = 2k\n"
                       "[two]\ngrace=9s\nsize=4k\nfaults=no\n");
        assert_int_equal(read_line(&f, rows[i].line), OPTIONS_RUN);
        assert_string_equal(f.error, "");
        assert_int_equal(f.settings.workers, rows[i].workers);
        assert_int_equal(f.settings.grace_ns, rows[i].grace_s * 1000000000);
        assert_int_equal(f.own.size, rows[i].size);
        assert_int_equal(f.settings.level, rows[i].level);
        assert_int_equal(f.settings.faults, rows[i].faults);
        assert_true(f.own.share == 0.5);
        close_fixture(&f);
    }
}

static void check_words(const struct fixture *f, const char *wanted)
{
    char joined[128] = "";
    for (size_t i = 0; i < f->settings.words.count; i++)
        strcat(strcat(joined, f->settings.words.items[i]), " ");
    assert_string_equal(joined, wanted);
}

/* A list is one value: a stronger source's takes the place of all of it. */
static void lists(void **state)
{
    static const char *const rows[][2] = {
        {"--config FILE", "a b "}, {"--config FILE --env one", "c "}, {"--word d --config FILE --word e --env one", "d e "}};
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fixture f;
        open_fixture(&f);
        write_file(&f, "[default]\nword = a\nword = b\n[one]\nword = c\n");
        assert_int_equal(read_line(&f, rows[i][0]), OPTIONS_RUN);
        check_words(&f, rows[i][1]);
        close_fixture(&f);
    }
}

/* One line each: file, line, key, value, what is allowed or was meant. FILE stands for the path. */
static const struct {
    const char *text, *line, *wanted;
} refusals[] = {
    {"[default]\nwrokers = 3\n", "--config FILE", "prog: FILE:2: unknown key 'wrokers' (value '3'); did you mean workers?"},
    {"[default]\nwholly-else = 3\n", "--config FILE",
     "prog: FILE:2: unknown key 'wholly-else' (value '3'); use an option of --help without its dashes"},
    {"[default]\n--workers = 3\n", "--config FILE", "prog: FILE:2: unknown key '--workers' (value '3'); did you mean workers?"},
    {"[default]\nhelp = on\n", "--config FILE",
     "prog: FILE:2: unknown key 'help' (value 'on'); use an option of --help without its dashes"},
    {"# x\n[default]\n\nworkers = 0\n", "--config FILE", "prog: FILE:4: workers: '0' is not allowed; use 1..64"},
    {"[default]\nworkers = 0\n", "--config FILE --workers 2", "prog: FILE:2: workers: '0' is not allowed; use 1..64"},
    {"[default]\nworkers = 1\n[x]\ngrace = 5\n", "--config FILE --env x",
     "prog: FILE:4: grace: '5' is not allowed; use 0..8760h, a time such as 250us, 5ms, 1.5s or 2m"},
    {"[default]\nfaults = perhaps\n", "--config FILE", "prog: FILE:2: faults: 'perhaps' is not allowed; use on or off"},
    {"[x]\nworkrs = 0\n", "--config FILE", "prog: FILE:2: unknown key 'workrs' (value '0'); did you mean workers?"},
    {"workers = 1\n", "--config FILE", "prog: FILE:1: 'workers' stands before the first section; begin with [default]"},
    {"[default]\n[x]\n[default]\n", "--config FILE",
     "prog: FILE:3: [default] stands in line 1 already; give each section its own name"},
    {"[default]\nworkers = 1\nlog = info\nworkers = 2\n", "--config FILE",
     "prog: FILE:4: workers: '2' is given twice; it stands in line 2 already"},
    {"[default]\nenv = x\n", "--config FILE", "prog: FILE:2: env: 'x' is not allowed in a file; use the command line for it"},
    {"[default]\nworkers 3\n", "--config FILE", "prog: FILE:2: 'workers 3' is neither [NAME] nor KEY = VALUE"},
    {"[default\n", "--config FILE", "prog: FILE:1: '[default' is no section; use [NAME]"},
    {"[default]\n[a]\n[b]\n", "--config FILE --env c", "prog: --env: 'c' is not allowed; FILE has [default], [a] and [b]"},
    {"", "--config FILE --env c", "prog: --env: 'c' is not allowed; FILE has no section"},
    {"", "--env c", "prog: --env: 'c' is not allowed without a file; use --config FILE, too"},
    {"", "--config /nowhere/x.ini", "prog: --config: '/nowhere/x.ini': No such file or directory"},
    {"", "--config /tmp", "prog: --config: '/tmp': Is a directory"},
    {"[default]\nworkers = 0\n", "--config FILE --grace 5", /* the command line's mistakes come first */
     "prog: --grace: '5' is not allowed; use 0..8760h, a time such as 250us, 5ms, 1.5s or 2m"},
    {"", "--config FILE stray", "prog: 'stray' is not allowed; use options only, see --help"},
};

/* FILE replaced by the path. */
static void name_file(const struct fixture *f, const char *text, char *result)
{
    for (const char *at; (at = strstr(text, "FILE")) != NULL && strncmp(at, "FILE, too", 9) != 0; text = at + 4)
        result += sprintf(result, "%.*s%s", (int)(at - text), text, f->path);
    strcpy(result, text);
}

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(refusals); i++) {
        struct fixture f;
        char wanted[512];
        open_fixture(&f);
        write_file(&f, refusals[i].text);
        name_file(&f, refusals[i].wanted, wanted);
        assert_int_equal(read_line(&f, refusals[i].line), -EINVAL);
        assert_string_equal(f.error, wanted);
        close_fixture(&f);
    }
}

/* Another machine's section may say what makes no sense here. */
static void other_sections_are_only_read(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    write_file(&f, "[default]\nworkers = 2\n[big]\nworkers = 100\n");
    assert_int_equal(read_line(&f, "--config FILE"), OPTIONS_RUN);
    assert_int_equal(f.settings.workers, 2);
    close_fixture(&f);
}

/* Nothing is cut, neither after so many bytes nor at a " ;". */
static void long_values(void **state)
{
    struct fixture f;
    char text[6000] = "[default]\nroot = ", *end = text + strlen(text);
    (void)state;
    memset(end, 'x', 5000);
    strcpy(end + 5000, " ;y\nworkers = 2\n");
    open_fixture(&f);
    write_file(&f, text);
    assert_int_equal(read_line(&f, "--config FILE"), OPTIONS_RUN);
    assert_int_equal(strlen(f.settings.root), 5003);
    assert_string_equal(f.settings.root + 4999, "x ;y");
    assert_int_equal(f.settings.workers, 2);
    memset(end, 'x', 5000);
    strcpy(end + 5000, "\nworkers = 0\n");
    write_file(&f, text);
    assert_int_equal(config_read(&f.config, f.config.argc, f.config.argv, f.error), -EINVAL);
    assert_non_null(strstr(f.error, ":3: workers: '0'"));
    close_fixture(&f);
}

/* ---- on paper ---- */

static const char printed[] =
    "# settings of prog; lines behind '#' are not set\n[default]\n"
    "\n# ---- Files ----\nroot = /a ;b\nfaults = off\nworkers = 3\ngrace = 1500ms\n# backlog = N\nlog = error\n"
    "word = a\nword = b\npair = 3x4\n"
    "\n# ---- Own ----\nshare = 0.5\nsize = 2k\n";

/* What is printed, read again, is printed the same. */
static void round_trip(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f);
    write_file(&f, "[default]\nroot = /a ;b\nthreads = 3\nword = a\n word=b\n[x]\nsize = 2k\npair=3x4\n");
    assert_int_equal(read_line(&f, "--config FILE --env x --grace 1500ms"), OPTIONS_RUN);
    char *first = print(&f);
    assert_string_equal(first, printed);
    write_file(&f, first);
    assert_int_equal(read_line(&f, "--config FILE"), OPTIONS_RUN);
    char *second = print(&f);
    assert_string_equal(second, printed);
    assert_int_equal(f.settings.workers, 3);
    assert_int_equal(f.settings.pair[1], 4);
    free(first);
    free(second);
    close_fixture(&f);
}

/* A file could not say it: nobody shall find out by feeding it back. */
static void what_cannot_be_printed(void **state)
{
    static const char *const roots[] = {" a", "a\t", "a\nworkers = 9", "a\x7f"};
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(roots); i++) {
        struct fixture f;
        char *argv[] = {(char *)(uintptr_t) "prog", (char *)(uintptr_t) "--root", (char *)(uintptr_t)roots[i], NULL};
        FILE *out = fopen("/dev/null", "we");
        open_fixture(&f);
        assert_int_equal(config_read(&f.config, 3, argv, f.error), OPTIONS_RUN);
        assert_int_equal(config_print(&f.config, out, f.error), -EINVAL);
        assert_memory_equal(f.error, "prog: --root: '", 15);
        assert_null(strchr(f.error, '\n'));
        assert_int_equal(fclose(out), 0);
        close_fixture(&f);
    }
}

/* ---- workers ---- */

/* Reads what `primary` shares, with the same command line. */
static void inherit(struct fixture *worker, const struct fixture *primary)
{
    open_fixture(worker);
    assert_int_equal(
        config_inherit(&worker->config, primary->config.argc, primary->config.argv, primary->config.shared, worker->error),
        OPTIONS_RUN);
}

/* A worker has the primary's values, whatever is in the file by then. */
static void inherited(void **state)
{
    struct fixture primary, worker;
    (void)state;
    open_fixture(&primary);
    write_file(&primary, "[default]\nworkers = 3\ngrace = 1s\nword = a\nroot =\n[x]\nsize = 8k\n");
    assert_int_equal(read_line(&primary, "--config FILE --env x --log info --word b --word c"), OPTIONS_RUN);
    assert_int_equal(config_share(&primary.config), 0);
    write_file(&primary, "[default\nbroken");
    for (unsigned i = 0; i < 2; i++) { /* again: the first has not moved a common file position */
        inherit(&worker, &primary);
        assert_int_equal(worker.settings.workers, 3);
        assert_int_equal(worker.settings.grace_ns, 1000000000);
        assert_int_equal(worker.own.size, 8192);
        assert_int_equal(worker.settings.level, 1);
        assert_string_equal(worker.settings.root, "");
        check_words(&worker, "b c ");
        assert_int_equal(worker.settings.backlog, 0);
        close_fixture(&worker);
    }
    assert_int_equal(pwrite(primary.config.shared, "x", 1, 0), -1); /* sealed */
    close_fixture(&primary);
}

/* An option that this program no longer has: it says so and does not start. */
static void inherited_from_a_stranger(void **state)
{
    static const char text[] = "workers\0002\0wheels\0004";
    struct fixture worker;
    (void)state;
    open_fixture(&worker);
    int fd = open(worker.path, O_RDWR | O_CLOEXEC);
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    int count = split(&worker, "--config FILE");
    assert_int_equal(config_inherit(&worker.config, count, words, fd, worker.error), -EINVAL);
    assert_non_null(strstr(worker.error, "prog: settings of the primary: unknown key 'wheels' (value '4')"));
    close(fd);
    assert_int_equal(config_inherit(&worker.config, count, words, fd, worker.error), -EINVAL);
    assert_string_equal(worker.error, "prog: the settings of the primary cannot be read: Bad file descriptor");
    close_fixture(&worker);
}

/* ---- reload ---- */

static const struct log quiet = {"prog", LOG_ERROR};

static const char before_reload[] = "[default]\nworkers = 2\ngrace = 1s\nroot = /old\nbacklog = 7\nsize = 2k\npair = 5x6\n";

static void begin_reload(struct fixture *f, const char *line)
{
    open_fixture(f);
    write_file(f, before_reload);
    assert_int_equal(read_line(f, line), OPTIONS_RUN);
    assert_int_equal(config_share(&f->config), 0);
}

static void check_old(const struct fixture *f)
{
    assert_int_equal(f->settings.workers, 2);
    assert_int_equal(f->settings.grace_ns, 1000000000);
    assert_string_equal(f->settings.root, "/old");
    assert_int_equal(f->settings.backlog, 7);
    assert_int_equal(f->own.size, 2048);
    assert_int_equal(f->settings.pair[0], 5);
    assert_false(f->settings.faults);
}

/* Reloadable rows change, in the primary and for workers; others stay; what the command line says stays, too. */
static void reload(void **state)
{
    struct fixture f, worker;
    (void)state;
    begin_reload(&f, "--config FILE --log info");
    write_file(&f, "[default]\nworkers = 3\ngrace = 4s\nroot = /new\nlog = error\nfaults = on\nshare = 0.1\nword = a\n");
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
    assert_int_equal(f.changes, 1);
    inherit(&worker, &f);
    const struct fixture *both[] = {&f, &worker};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(both[i]->settings.workers, 2);
        assert_true(both[i]->own.share == 0.5);
        check_words(both[i], "");
        assert_int_equal(both[i]->settings.grace_ns, 4000000000);
        assert_string_equal(both[i]->settings.root, "/new");
        assert_true(both[i]->settings.faults);
        assert_int_equal(both[i]->settings.backlog, 0); /* taken out of the file, and without a default */
        assert_int_equal(both[i]->own.size, 1024);      /* the default again */
        assert_int_equal(both[i]->settings.pair[0], 1);
        assert_int_equal(both[i]->settings.level, 1);
    }
    close_fixture(&worker);
    close_fixture(&f);
}

static void reverted(void **state)
{
    struct fixture f, worker;
    (void)state;
    begin_reload(&f, "--config FILE");
    write_file(&f, "[default]\nworkers = 2\ngrace = 4s\nroot = /new\nfaults = on\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
        assert_string_equal(f.settings.root, "/new");
        config_revert(&f.config);
        check_old(&f);
        inherit(&worker, &f);
        check_old(&worker);
        close_fixture(&worker);
    }
    close_fixture(&f);
}

/* Only the last reload is taken back. */
static void reverted_once(void **state)
{
    struct fixture f;
    (void)state;
    begin_reload(&f, "--config FILE");
    write_file(&f, "[default]\nworkers = 2\nroot = /second\n");
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0); /* changes nothing, and leaves nothing to take back */
    config_revert(&f.config);
    assert_string_equal(f.settings.root, "/second");
    write_file(&f, "[default]\nworkers = 2\nroot = /third\n");
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
    config_revert(&f.config);
    config_revert(&f.config);
    assert_string_equal(f.settings.root, "/second");
    close_fixture(&f);
}

static void broken_reload(void **state)
{
    static const char *const texts[] = {"[default]\ngrace = 9s\nworkers = 0\n", "[default]\ngrace = 9s\nwrokers = 1\n",
                                        "[default\n"};
    struct fixture f, worker;
    (void)state;
    begin_reload(&f, "--config FILE");
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        write_file(&f, texts[i]);
        assert_int_equal(config_reload(&f.config, &quiet, f.error), -EINVAL);
        assert_memory_equal(f.error, "prog: /tmp/test_config-", 23);
        check_old(&f);
        inherit(&worker, &f);
        check_old(&worker);
        close_fixture(&worker);
    }
    assert_int_equal(f.changes, 0);
    write_file(&f, before_reload);
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
    close_fixture(&f);
}

/* What is read once (a pipe, a shell's <(...)) stays. */
static void pipe_is_not_read_again(void **state)
{
    struct fixture f;
    int ends[2];
    char path[64];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], before_reload, strlen(before_reload)), strlen(before_reload));
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    char *argv[] = {(char *)(uintptr_t) "prog", (char *)(uintptr_t) "--config", path, NULL};
    open_fixture(&f);
    assert_int_equal(config_read(&f.config, 3, argv, f.error), OPTIONS_RUN);
    check_old(&f);
    assert_int_equal(config_reload(&f.config, &quiet, f.error), 0);
    check_old(&f);
    close(ends[0]);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file),
        cmocka_unit_test(who_wins),
        cmocka_unit_test(lists),
        cmocka_unit_test(refused),
        cmocka_unit_test(other_sections_are_only_read),
        cmocka_unit_test(long_values),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(what_cannot_be_printed),
        cmocka_unit_test(inherited),
        cmocka_unit_test(inherited_from_a_stranger),
        cmocka_unit_test(reload),
        cmocka_unit_test(reverted),
        cmocka_unit_test(reverted_once),
        cmocka_unit_test(broken_reload),
        cmocka_unit_test(pipe_is_not_read_again),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
