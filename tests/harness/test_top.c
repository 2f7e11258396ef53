/*
 * `clusterbench top` on a terminal, looking at a real server: what it draws, how it ends, and that the terminal is as it was then.
 *
 * usage: test_top CLUSTERBENCH SERVER
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/net.h"

#define DEADLINE_NS (20 * CLOCK_NS_PER_S)
#define BYTES_MAX   (512 * 1024)
#define ENTER       "\033[?1049h\033[?25l"
#define LEAVE       "\033[?25h\033[?1049l"
#define FRAME       "\033[H"

static const char *clusterbench, *server_program;

/* ---- a server ---- */

struct server {
    pid_t pid;
    char admin[128];
};

static void end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
}

static int set_up(void **state)
{
    struct server *server = calloc(1, sizeof *server);
    char line[512] = "";
    int out[2];
    pid_t parent = getpid();
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    server->pid = fork();
    if (server->pid == 0) {
        end_with_parent(parent);
        dup2(out[1], STDOUT_FILENO);
        execl(server_program, server_program, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "3", (char *)NULL);
        _exit(127);
    }
    assert_true(server->pid > 0);
    close(out[1]);
    FILE *stream = fdopen(out[0], "r");
    assert_non_null(fgets(line, sizeof line, stream));
    fclose(stream);
    const char *admin = strstr(line, "admin=http://");
    assert_non_null(admin);
    assert_int_equal(sscanf(admin, "admin=http://%127s", server->admin), 1);
    *state = server;
    return 0;
}

static void end_server(struct server *server)
{
    int status;
    if (server->pid == 0)
        return;
    assert_int_equal(kill(server->pid, SIGTERM), 0);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    server->pid = 0;
}

static int tear_down(void **state)
{
    end_server(*state);
    free(*state);
    return 0;
}

/* ---- top on a terminal ---- */

struct session {
    pid_t pid;
    int ours, theirs, errors;
    struct termios before;
    char *bytes;
    size_t length, mark;
};

static void begin(struct session *session, const struct server *server, const char *option, const char *value)
{
    struct winsize size = {.ws_row = 24, .ws_col = 120};
    pid_t parent = getpid();
    *session = (struct session){.bytes = calloc(1, BYTES_MAX), .errors = memfd_create("stderr", MFD_CLOEXEC)};
    assert_non_null(session->bytes);
    assert_int_equal(openpty(&session->ours, &session->theirs, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(session->theirs, &session->before), 0);
    session->pid = fork();
    if (session->pid == 0) {
        end_with_parent(parent);
        close(session->ours);
        login_tty(session->theirs);
        dup2(session->errors, STDERR_FILENO);
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        execl(clusterbench, clusterbench, "top", server->admin, "--interval", "100ms", option, value, (char *)NULL);
        _exit(127);
    }
    assert_true(session->pid > 0);
}

/* Reads what there is, or comes within the deadline. */
static void read_some(struct session *session)
{
    struct pollfd poller = {.fd = session->ours, .events = POLLIN};
    if (poll(&poller, 1, (int)(DEADLINE_NS / CLOCK_NS_PER_MS)) != 1)
        fail_msg("nothing comes; so far:\n%s", session->bytes);
    ssize_t got = read(session->ours, session->bytes + session->length, BYTES_MAX - 1 - session->length);
    assert_true(got > 0);
    session->length += (size_t)got;
}

static const char *find(const struct session *session, const char *text)
{
    return memmem(session->bytes + session->mark, session->length - session->mark, text, strlen(text));
}

static void wait_for(struct session *session, const char *text)
{
    while (!find(session, text))
        read_some(session);
}

/* Whatever comes from here on. */
static void mark(struct session *session)
{
    session->mark = session->length;
}

static void press(const struct session *session, char key)
{
    assert_int_equal(write(session->ours, &key, 1), 1);
}

static void expect_terminal_as_before(const struct session *session)
{
    struct termios now;
    assert_int_equal(tcgetattr(session->theirs, &now), 0);
    assert_int_equal(now.c_lflag, session->before.c_lflag);
    assert_int_equal(now.c_iflag, session->before.c_iflag);
    assert_int_equal(now.c_oflag, session->before.c_oflag);
    assert_memory_equal(now.c_cc, session->before.c_cc, sizeof now.c_cc);
}

/* Waits for its end: the exit status. The cursor is shown and the other screen left, last of all. */
static int end(struct session *session)
{
    int status;
    wait_for(session, LEAVE);
    assert_int_equal(waitpid(session->pid, &status, 0), session->pid);
    expect_terminal_as_before(session);
    assert_int_equal(fcntl(session->ours, F_SETFL, O_NONBLOCK), 0);
    ssize_t got = read(session->ours, session->bytes + session->length, BYTES_MAX - 1 - session->length);
    session->length += got > 0 ? (size_t)got : 0;
    assert_true(session->length >= sizeof LEAVE - 1);
    assert_memory_equal(session->bytes + session->length - (sizeof LEAVE - 1), LEAVE, sizeof LEAVE - 1);
    assert_memory_equal(session->bytes, ENTER, sizeof ENTER - 1);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *errors_of(const struct session *session, char text[512])
{
    ssize_t length = pread(session->errors, text, 511, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

static void release(struct session *session)
{
    close(session->ours);
    close(session->theirs);
    close(session->errors);
    free(session->bytes);
}

/* ---- tests ---- */

static void ended_by_key(struct server *server, char key)
{
    struct session session;
    char text[512];
    begin(&session, server, NULL, NULL);
    wait_for(&session, ": serving, up ");
    wait_for(&session, "3 of 3 workers ready");
    wait_for(&session, "LAST END");
    wait_for(&session, "\n2       ready ");
    mark(&session);
    wait_for(&session, FRAME); /* it goes on by itself */
    press(&session, 'x');
    mark(&session);
    wait_for(&session, "3 of 3 workers ready");
    press(&session, key);
    assert_int_equal(end(&session), 0);
    assert_string_equal(errors_of(&session, text), "");
    release(&session);
}

static void q_ends_it(void **state)
{
    ended_by_key(*state, 'q');
}

static void ctrl_c_ends_it(void **state)
{
    ended_by_key(*state, 3);
}

static void ends_after_so_many_tables(void **state)
{
    struct session session;
    begin(&session, *state, "--count", "2");
    assert_int_equal(end(&session), 0);
    release(&session);
}

/* The longest line of the last whole frame, escape sequences not counted. */
static size_t longest_line(const struct session *session)
{
    const char *last = NULL, *next = session->bytes;
    const char *frame = NULL;
    while ((next = memmem(next, session->length - (size_t)(next - session->bytes), FRAME, sizeof FRAME - 1)) != NULL) {
        frame = last;
        last = next;
        next += sizeof FRAME - 1;
    }
    assert_non_null(frame);
    size_t longest = 0, column = 0;
    for (const char *at = frame; at < last; at++) {
        if (*at == '\033')
            at += strcspn(at, "HKJmhl");
        else
            column = *at == '\n' || *at == '\r' ? 0 : column + 1;
        longest = column > longest ? column : longest;
    }
    return longest;
}

static void a_smaller_terminal_gets_a_smaller_table(void **state)
{
    struct session session;
    const struct winsize small = {.ws_row = 6, .ws_col = 50};
    begin(&session, *state, "--interval", "3s"); /* the new size is drawn at once, not at the next look */
    wait_for(&session, "LAST END");
    mark(&session);
    assert_int_equal(ioctl(session.ours, TIOCSWINSZ, &small), 0);
    wait_for(&session, "... and 2 more");
    mark(&session);
    wait_for(&session, FRAME);
    size_t longest = longest_line(&session);
    assert_in_range(longest, 30, 49);
    press(&session, 'q');
    assert_int_equal(end(&session), 0);
    release(&session);
}

/* While it is stopped the terminal is the shell's; afterwards it draws again. */
static void ctrl_z_gives_the_terminal_back(void **state)
{
    struct session session;
    int status;
    begin(&session, *state, NULL, NULL);
    wait_for(&session, "3 of 3 workers ready");
    press(&session, 26);
    assert_int_equal(waitpid(session.pid, &status, WUNTRACED), session.pid);
    assert_true(WIFSTOPPED(status));
    wait_for(&session, LEAVE);
    expect_terminal_as_before(&session);
    mark(&session);
    assert_int_equal(kill(session.pid, SIGCONT), 0);
    wait_for(&session, ENTER);
    wait_for(&session, "3 of 3 workers ready");
    press(&session, 'q');
    assert_int_equal(end(&session), 0);
    release(&session);
}

static void a_server_that_is_gone_ends_it(void **state)
{
    struct server *server = *state;
    struct session session;
    char text[512], wanted[256];
    begin(&session, server, NULL, NULL);
    wait_for(&session, "3 of 3 workers ready");
    end_server(server);
    assert_int_equal(end(&session), 1);
    snprintf(wanted, sizeof wanted, "clusterbench: top: %s: the server is gone: ", server->admin);
    errors_of(&session, text);
    assert_memory_equal(text, wanted, strlen(wanted));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    release(&session);
}

/* A server that is stopped has not gone: what was seen last stays, with a note. */
static void a_server_that_is_stopped_is_waited_for(void **state)
{
    struct server *server = *state;
    struct session session;
    begin(&session, server, NULL, NULL);
    wait_for(&session, "3 of 3 workers ready");
    assert_int_equal(kill(server->pid, SIGSTOP), 0);
    wait_for(&session, "no answer for ");
    wait_for(&session, "3 of 3 workers ready");
    assert_int_equal(kill(server->pid, SIGCONT), 0);
    mark(&session);
    wait_for(&session, "3 of 3 workers ready");
    press(&session, 'q');
    assert_int_equal(end(&session), 0);
    release(&session);
}

/* Its question is given up: it is not waited for an answer that does not come. */
static void q_ends_it_while_it_asks(void **state)
{
    struct net_address address;
    struct server silent = {.pid = 0};
    struct session session;
    (void)state;
    assert_int_equal(net_parse_address("127.0.0.1:0", &address), 0);
    int listener = net_listen(&address, 0, 4);
    assert_true(listener >= 0);
    assert_int_equal(net_local_address(listener, &address), 0);
    net_format_address(&address, true, silent.admin);
    begin(&session, &silent, NULL, NULL);
    struct pollfd poller = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, (int)(DEADLINE_NS / CLOCK_NS_PER_MS)), 1);
    int asked = net_accept(listener);
    assert_true(asked >= 0);
    press(&session, 'q');
    assert_int_equal(end(&session), 0);
    assert_null(find(&session, "no answer"));
    close(asked);
    close(listener);
    release(&session);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: test_top CLUSTERBENCH SERVER\n");
        return 1;
    }
    clusterbench = argv[1];
    server_program = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(q_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ctrl_c_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_after_so_many_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_smaller_terminal_gets_a_smaller_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ctrl_z_gives_the_terminal_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_is_gone_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_is_stopped_is_waited_for, set_up, tear_down),
        cmocka_unit_test(q_ends_it_while_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
