/*
 * A terminal that is drawn on: its other screen (so that what stood there comes back), no cursor, keys without Enter. What may end
 * or interrupt the program arrives as something to read, so that nothing is left behind on the terminal.
 */
#ifndef HARNESS_SCREEN_H
#define HARNESS_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct screen {
    int signal_fd, key_fd; /* key_fd: -1 where stdin is no terminal */
    bool drawn;
    struct termios before;
};

/* Whether stdout is a terminal that can be drawn on (not TERM=dumb), and whether it may have colours (NO_COLOR is not set). */
bool screen_is_there(void);
bool screen_is_coloured(void);

/* From here on signals are blocked; end with screen_close. 0 or negative errno. */
int screen_open(struct screen *screen);
void screen_close(struct screen *screen);

void screen_size(unsigned *columns, unsigned *lines);

/* Puts these lines in the place of those before. What the terminal does not take within a moment is dropped. */
void screen_draw(struct screen *screen, const char *lines);

/* What can be read when something has happened; for who waits for other things, too. How many of the two there are. */
unsigned screen_fds(const struct screen *screen, int fds[2]);

enum screen_event {
    SCREEN_TIME,    /* the deadline is past */
    SCREEN_RESIZED, /* or come back to, after Ctrl-Z: draw again */
    SCREEN_OVER,    /* q, Ctrl-C, TERM, HUP, the terminal gone */
};

/* Waits until one of them, by clock_now_ns. */
enum screen_event screen_wait(struct screen *screen, uint64_t deadline_ns);

#endif
