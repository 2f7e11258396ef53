/*
 * The escape sequences are those every terminal since xterm knows (ECMA-48 and DEC private modes): ESC [ ? 1049 h and l enter and
 * leave the other screen, ESC [ ? 25 l and h hide and show the cursor, ESC [ H goes to the upper left corner, ESC [ K clears to the
 * end of the line, ESC [ J to the end of the screen.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

#include "screen.h"
#include "text.h"

#define ENTER   "\033[?1049h\033[?25l"
#define LEAVE   "\033[?25h\033[?1049l"
#define WAIT_MS 500 /* for a terminal that takes nothing (Ctrl-S) */

bool screen_is_there(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

bool screen_is_coloured(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return !no_colour || !*no_colour;
}

void screen_size(unsigned *columns, unsigned *lines)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col ? size.ws_col : 80;
    *lines = known && size.ws_row ? size.ws_row : 24;
}

/* ---- in and out ---- */

static void write_all(const char *text, size_t length)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while (length > 0 && poll(&out, 1, WAIT_MS) > 0) {
        ssize_t wrote = write(STDOUT_FILENO, text, length);
        if (wrote < 0 && errno != EAGAIN && errno != EINTR)
            return;
        text += wrote > 0 ? wrote : 0;
        length -= wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Ctrl-C and Ctrl-Z stay signals. */
static void enter(struct screen *screen)
{
    if (screen->key_fd >= 0) {
        struct termios raw = screen->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(screen->key_fd, TCSADRAIN, &raw);
    }
    write_all(ENTER, sizeof(ENTER) - 1);
    screen->drawn = true;
}

static void leave(struct screen *screen)
{
    if (!screen->drawn)
        return;
    write_all(LEAVE, sizeof(LEAVE) - 1);
    if (screen->key_fd >= 0)
        tcsetattr(screen->key_fd, TCSADRAIN, &screen->before);
    screen->drawn = false;
}

static void watched_signals(sigset_t *signals)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
    sigemptyset(signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaddset(signals, numbers[i]);
}

int screen_open(struct screen *screen)
{
    sigset_t signals;
    *screen = (struct screen){.key_fd = -1};
    watched_signals(&signals);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || (screen->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return -errno;
    if (tcgetattr(STDIN_FILENO, &screen->before) == 0)
        screen->key_fd = STDIN_FILENO;
    enter(screen);
    return 0;
}

void screen_close(struct screen *screen)
{
    leave(screen);
    close(screen->signal_fd);
}

/* One write, over what stands there: nothing flickers. The last line end is left out, or the screen would scroll. */
void screen_draw(struct screen *screen, const char *lines)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return;
    fputs("\033[H", out);
    for (const char *at = lines; *at; at++)
        if (*at != '\n')
            fputc(*at, out);
        else
            fputs(at[1] ? "\033[K\r\n" : "\033[K", out);
    fputs("\033[J", out);
    fclose(out);
    if (screen->drawn)
        write_all(text, length);
    free(text);
}

/* ---- what happens ---- */

unsigned screen_fds(const struct screen *screen, int fds[2])
{
    fds[0] = screen->signal_fd;
    fds[1] = screen->key_fd;
    return screen->key_fd >= 0 ? 2 : 1;
}

/* Ctrl-Z: the terminal is the shell's until somebody says fg. */
static enum screen_event stop_for_a_while(struct screen *screen)
{
    leave(screen);
    raise(SIGSTOP);
    enter(screen);
    return SCREEN_RESIZED;
}

/* SCREEN_TIME: nothing that matters. */
static enum screen_event read_signal(struct screen *screen)
{
    struct signalfd_siginfo info;
    if (read(screen->signal_fd, &info, sizeof(info)) != sizeof(info))
        return SCREEN_TIME;
    if (info.ssi_signo == SIGTSTP)
        return stop_for_a_while(screen);
    return info.ssi_signo == SIGWINCH ? SCREEN_RESIZED : SCREEN_OVER;
}

static enum screen_event read_key(const struct screen *screen)
{
    char key;
    ssize_t got = read(screen->key_fd, &key, 1);
    return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN) || (got > 0 && (key == 'q' || key == 'Q')) ? SCREEN_OVER
                                                                                                                 : SCREEN_TIME;
}

enum screen_event screen_wait(struct screen *screen, uint64_t deadline_ns)
{
    struct pollfd fds[2] = {{.fd = screen->signal_fd, .events = POLLIN}, {.fd = screen->key_fd, .events = POLLIN}};
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        int left_ms = deadline_ns > now_ns ? (int)((deadline_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS) : 0;
        int ready = poll(fds, 2, left_ms);
        enum screen_event event = SCREEN_TIME;
        if (ready > 0 && fds[0].revents)
            event = read_signal(screen);
        else if (ready > 0 && fds[1].revents)
            event = read_key(screen);
        if (event != SCREEN_TIME || (ready == 0 && left_ms == 0))
            return event;
    }
}
