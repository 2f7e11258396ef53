/*
 * The live view: what is on the screen while a run goes on, and that nothing is left of it. Its bytes are fed to a small terminal
 * made here, which knows what the view uses and fails the test at anything else, or when a line would break at the right edge.
 *
 * usage: test_live PATH-OF-LOADGEN
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/report/report.h"

#define ROWS_MAX    60
#define COLUMNS_MAX 120
#define BYTES_MAX   (256 * 1024)
#define DEADLINE_NS (30 * CLOCK_NS_PER_S)

/* ---- a pseudo-terminal, and what came out of it ---- */

struct terminal {
    int ours, theirs; /* theirs: -1 once closed */
    unsigned rows, columns;
    struct termios before;
    char *bytes;
    size_t length;
};

static void open_terminal(struct terminal *terminal, unsigned rows, unsigned columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    *terminal = (struct terminal){.rows = rows, .columns = columns, .bytes = calloc(1, BYTES_MAX)};
    assert_non_null(terminal->bytes);
    assert_int_equal(openpty(&terminal->ours, &terminal->theirs, NULL, NULL, &size), 0);
    assert_int_equal(fcntl(terminal->ours, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(fcntl(terminal->theirs, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(tcgetattr(terminal->ours, &terminal->before), 0);
}

/* Reads what there is; false at the end: nobody has the other side open any more. */
static bool read_some(struct terminal *terminal)
{
    struct pollfd poller = {.fd = terminal->ours, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, (int)(DEADLINE_NS / CLOCK_NS_PER_MS)), 1);
    ssize_t length = read(terminal->ours, terminal->bytes + terminal->length, BYTES_MAX - 1 - terminal->length);
    assert_true(length > 0 || (length < 0 && errno == EIO));
    terminal->length += length > 0 ? (size_t)length : 0;
    return length > 0;
}

static void read_all(struct terminal *terminal)
{
    struct termios after;
    memset(&after, 0, sizeof(after)); /* it has holes */
    assert_int_equal(close(terminal->theirs), 0);
    terminal->theirs = -1;
    while (read_some(terminal))
        continue;
    assert_int_equal(tcgetattr(terminal->ours, &after), 0);
    assert_memory_equal(&after, &terminal->before, sizeof(after));
}

static void close_terminal(struct terminal *terminal)
{
    close(terminal->ours);
    free(terminal->bytes);
}

static bool shows(const struct terminal *terminal, const char *text)
{
    return memmem(terminal->bytes, terminal->length, text, strlen(text)) != NULL;
}

static void expect(const struct terminal *terminal, const char *text)
{
    if (!shows(terminal, text))
        fail_msg("no '%s' in what was shown:\n%s", text, terminal->bytes);
}

/* ---- what a screen makes of it ---- */

struct screen {
    unsigned rows, columns, row, column;
    char cells[ROWS_MAX][COLUMNS_MAX];
    unsigned colours, frames; /* sequences seen */
};

static void clear_line(struct screen *screen, unsigned row, unsigned from)
{
    memset(screen->cells[row] + from, ' ', COLUMNS_MAX - from);
}

/* ESC [ number letter; returns its length. */
static size_t obey(struct screen *screen, const char *sequence)
{
    char *end;
    assert_int_equal(sequence[1], '[');
    unsigned number = (unsigned)strtoul(sequence + 2, &end, 10);
    switch (*end) {
    case 'A': /* up */
        assert_true(number >= 1 && number <= screen->row);
        screen->row -= number;
        screen->frames++;
        break;
    case 'K': /* clears the rest of the line */
        clear_line(screen, screen->row, screen->column);
        break;
    case 'J': /* clears the rest of the screen */
        clear_line(screen, screen->row, screen->column);
        for (unsigned row = screen->row + 1; row < screen->rows; row++)
            clear_line(screen, row, 0);
        break;
    case 'm':
        screen->colours++;
        break;
    default:
        fail_msg("unknown sequence ESC %.4s", sequence + 1);
    }
    return (size_t)(end + 1 - sequence);
}

static void put(struct screen *screen, char c)
{
    if (c == '\r') {
        screen->column = 0;
    } else if (c == '\n') {
        screen->row++;
        assert_true(screen->row < screen->rows); /* it never scrolls */
    } else {
        assert_true(c >= ' ' && c <= '~');
        assert_true(screen->column + 1 < screen->columns); /* the last column would break the line */
        screen->cells[screen->row][screen->column++] = c;
    }
}

static void play(struct screen *screen, const struct terminal *terminal)
{
    *screen = (struct screen){.rows = terminal->rows, .columns = terminal->columns};
    assert_true(screen->rows <= ROWS_MAX && screen->columns <= COLUMNS_MAX);
    for (unsigned row = 0; row < screen->rows; row++)
        clear_line(screen, row, 0);
    for (size_t at = 0; at < terminal->length;) {
        if (terminal->bytes[at] == '\033')
            at += obey(screen, terminal->bytes + at);
        else
            put(screen, terminal->bytes[at++]);
    }
}

static void expect_blank(const struct screen *screen)
{
    for (unsigned row = 0; row < screen->rows; row++)
        for (unsigned column = 0; column < screen->columns; column++)
            if (screen->cells[row][column] != ' ')
                fail_msg("left on line %u: %.*s", row, (int)screen->columns, screen->cells[row]);
    assert_int_equal(screen->row, 0);
    assert_int_equal(screen->column, 0);
}

/* ---- the program ---- */

static void set_environment(const char *terminal, const char *no_colour)
{
    assert_int_equal(setenv("TERM", terminal, 1), 0);
    assert_int_equal(no_colour ? setenv("NO_COLOR", no_colour, 1) : unsetenv("NO_COLOR"), 0);
}

/* Runs it with stderr on the terminal to its end; `until` is waited for and answered with `signal`, unless NULL. */
static int run_on(struct terminal *terminal, const struct script_server *server, const char *arguments, const char *until,
                  int signal)
{
    int out = program_capture("out"), status;
    pid_t pid = program_start(arguments, server->url, "/ok", out, terminal->theirs);
    while (until && !shows(terminal, until))
        assert_true(read_some(terminal));
    if (until)
        assert_int_equal(kill(pid, signal), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    close(out);
    read_all(terminal);
    return WEXITSTATUS(status);
}

static void test_on_a_terminal(void **state)
{
    (void)state;
    struct script_server server;
    struct terminal terminal;
    struct screen screen;
    set_environment("xterm", NULL);
    open_terminal(&terminal, 30, 90);
    script_server_start(&server, "127.0.0.1:0");
    run_on(&terminal, &server, "-c 8 -R 500 -d 900ms --warmup 200ms", NULL, 0);
    script_server_stop(&server);
    play(&screen, &terminal);
    expect(&terminal, server.url);
    expect(&terminal, "8 connections, open loop");
    expect(&terminal, "warming up for 200ms");
    expect(&terminal, "s of 0.9s, ");
    expect(&terminal, "planned       500");
    expect(&terminal, "p50 ");
    expect(&terminal, "in flight ");
    for (unsigned i = 0; i < SCRIPT_WORKERS; i++) {
        char worker[16];
        snprintf(worker, sizeof(worker), "\n  %6u ", i);
        expect(&terminal, worker);
    }
    assert_true(screen.colours > 0);
    assert_true(screen.frames >= 2 && screen.frames <= 7); /* five a second, and the last */
    expect_blank(&screen);
    script_server_free(&server);
    close_terminal(&terminal);
}

static void test_interrupted(void **state)
{
    (void)state;
    struct script_server server;
    struct terminal terminal;
    struct screen screen;
    set_environment("xterm", NULL);
    open_terminal(&terminal, 30, 90);
    script_server_start(&server, "127.0.0.1:0");
    assert_int_equal(run_on(&terminal, &server, "-c 8 -R 500 -d 60s", "s left", SIGINT), 130);
    script_server_stop(&server);
    play(&screen, &terminal);
    expect_blank(&screen);
    script_server_free(&server);
    close_terminal(&terminal);
}

/* When it is there, and with which sequences. */
static void test_when(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *terminal, *no_colour;
        bool draws, colours, prints;
    } rows[] = {
        {"-n 1500 -R 5000", "xterm", NULL, true, true, false},
        {"-n 1500 -R 5000", "xterm", "1", true, false, false},
        {"-n 1500 -R 5000", "xterm", "", true, true, false}, /* empty is as good as unset */
        {"-n 1500 -R 5000", "dumb", NULL, false, false, false},
        {"-n 1500 -R 5000", "", NULL, false, false, false},
        {"-n 1500 -R 5000 --quiet", "xterm", NULL, false, false, false},
        {"-n 1500 -R 5000 --quiet --live on", "xterm", NULL, true, true, false},
        {"-n 1500 -R 5000 --live off", "xterm", NULL, false, false, false},
        {"-d 1200ms -R 500 --live on", "dumb", NULL, false, false, true},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct script_server server;
        struct terminal terminal;
        struct screen screen;
        set_environment(rows[i].terminal, rows[i].no_colour);
        open_terminal(&terminal, 30, COLUMNS_MAX);
        script_server_start(&server, "127.0.0.1:0");
        run_on(&terminal, &server, rows[i].arguments, NULL, 0);
        script_server_stop(&server);
        screen = (struct screen){.frames = 0};
        if (!rows[i].prints) /* lines of a log may be longer than the screen is wide */
            play(&screen, &terminal);
        assert_int_equal(screen.frames > 0, rows[i].draws);
        assert_int_equal(screen.colours > 0, rows[i].colours);
        assert_int_equal(shows(&terminal, "loadgen: 1."), rows[i].prints);
        assert_true(!rows[i].prints || !memchr(terminal.bytes, '\033', terminal.length));
        assert_int_equal(terminal.length > 0, rows[i].draws || rows[i].prints);
        script_server_free(&server);
        close_terminal(&terminal);
    }
}

/* stderr is a file: nothing, or plain lines. */
static void test_without_a_terminal(void **state)
{
    (void)state;
    struct script_server server;
    set_environment("xterm", NULL);
    script_server_start(&server, "127.0.0.1:0");
    struct result result = program_run(&server, "-R 500 -d 1200ms", "/ok");
    assert_string_equal(result.err, "");
    json_decref(result.json);
    result = program_run(&server, "-R 500 -d 1200ms --warmup 100ms --live on", "/ok");
    script_server_stop(&server);
    assert_null(strchr(result.err, '\033'));
    assert_non_null(strstr(result.err, "loadgen: warming up for 100ms\nloadgen: 1."));
    assert_non_null(strstr(result.err, " answers/s, p50 "));
    assert_non_null(strstr(result.err, "; workers 0 "));
    program_finish(&server, &result);
}

/* ---- the view alone, with intervals made up ---- */

static void make_interval(struct series_interval *interval, unsigned workers)
{
    for (unsigned i = 0; i < workers; i++) {
        struct series_backend *backend = calloc(1, sizeof(*backend));
        assert_non_null(backend);
        snprintf(backend->id, sizeof(backend->id), "%u", (7 * i) % workers); /* not sorted */
        backend->requests = 10 + i % 5;
        assert_int_equal(histogram_init(&backend->response, HISTOGRAM_HOUR_US, SERIES_DIGITS), 0);
        histogram_record_many(&backend->response, 1000, backend->requests);
        interval->backends[interval->backend_count++] = backend;
    }
    interval->in_flight = 17;
    interval->errors = 2;
}

/* Shows an interval and ends the view; `narrowed`, unless 0, is how wide the terminal is by then. */
static void view_intervals(struct terminal *terminal, const struct settings *settings, unsigned workers, unsigned narrowed)
{
    int kept = dup(STDERR_FILENO);
    struct series_interval interval = {.backend_count = 0};
    struct live_view *view;
    make_interval(&interval, workers);
    assert_true(kept >= 0 && dup2(terminal->theirs, STDERR_FILENO) == STDERR_FILENO);
    int error = live_open(settings, &view);
    if (!error && view) {
        struct watcher watcher = live_watcher(view);
        watcher.take(watcher.context, &interval, 0, SERIES_INTERVAL_NS);
        if (narrowed) {
            struct winsize size = {.ws_row = (unsigned short)terminal->rows, .ws_col = (unsigned short)narrowed};
            error = ioctl(terminal->ours, TIOCSWINSZ, &size);
        }
        live_close(view);
    }
    assert_true(dup2(kept, STDERR_FILENO) == STDERR_FILENO);
    close(kept);
    series_interval_close(&interval);
    assert_int_equal(error, 0);
    read_all(terminal);
}

static void test_many_workers(void **state)
{
    (void)state;
    const struct settings settings = {
        .url_text = "http://127.0.0.1:1/\033[2J\t", .connections = 64, .duration_ns = CLOCK_NS_PER_S, .live = LIVE_ON};
    static const struct {
        unsigned workers, rows;
        const char *first, *last, *more;
    } rows[] = {
        {1, 30, "       0 ", "       0 ", NULL},
        {12, 30, "       0 ", "      11 ", NULL},
        {64, 30, "       0 ", "      10 ", "... and 53 more"},
        {64, 10, "       0 ", "       2 ", "... and 61 more"}, /* a low window: nothing may scroll */
        {200, 8, "       0 ", "       0 ", "... and 199 more"},
    };
    set_environment("xterm", NULL);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct terminal terminal;
        struct screen screen;
        open_terminal(&terminal, rows[i].rows, 80);
        view_intervals(&terminal, &settings, rows[i].workers, 0);
        play(&screen, &terminal);
        expect_blank(&screen);
        assert_int_equal(screen.frames, 2);
        expect(&terminal, "http://127.0.0.1:1/?[2J?"); /* what is shown cannot command */
        expect(&terminal, rows[i].first);
        expect(&terminal, rows[i].last);
        expect(&terminal, "1.00ms");
        expect(&terminal, "0.1s of 1.0s, 0.9s left");
        if (rows[i].more)
            expect(&terminal, rows[i].more);
        else
            assert_false(shows(&terminal, " more"));
        close_terminal(&terminal);
    }
}

/* Nothing reaches the right edge (see put); where there is no room for the bar, the figures stay. */
static void test_narrow(void **state)
{
    (void)state;
    const struct settings settings = {
        .url_text = "http://127.0.0.1:8080/", .connections = 64, .requests = 1000000, .live = LIVE_ON};
    set_environment("xterm", NULL);
    for (unsigned columns = 2; columns <= COLUMNS_MAX; columns += columns < 50 ? 1 : 7) {
        struct terminal terminal;
        struct screen screen;
        open_terminal(&terminal, 30, columns);
        view_intervals(&terminal, &settings, 20, 0);
        play(&screen, &terminal);
        expect_blank(&screen);
        if (columns > 30)
            expect(&terminal, " of 1000000, ");
        close_terminal(&terminal);
    }
}

/* A window made narrower breaks the lines that are there: going back to the top takes more of them. */
static void test_narrowed(void **state)
{
    (void)state;
    const struct settings settings = {
        .url_text = "http://127.0.0.1:8080/", .connections = 64, .duration_ns = CLOCK_NS_PER_S, .live = LIVE_ON};
    struct terminal terminal;
    set_environment("xterm", NULL);
    open_terminal(&terminal, 30, 80);
    view_intervals(&terminal, &settings, 1, 40);
    expect(&terminal, "\033[12A\033[J"); /* six lines, each longer than 40 columns */
    close_terminal(&terminal);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_a_terminal),      cmocka_unit_test(test_interrupted),  cmocka_unit_test(test_when),
        cmocka_unit_test(test_without_a_terminal), cmocka_unit_test(test_many_workers), cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_narrowed),
    };
    if (argc != 2 || program_open(argv[1]) != 0) {
        fprintf(stderr, "usage: test_live PATH-OF-LOADGEN\n");
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return program_close() != 0 || failed;
}
