/*
 * top: looks again and again, and draws what has changed. On a terminal until q, Ctrl-C or --count; elsewhere one plain table (or
 * --count of them) of the time between two looks.
 *
 * A server that does not answer in time may only be busy (that of `single` is, in /block): the last table stays, with a note. One
 * that is gone ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#include "screen.h"
#include "text.h"
#include "top_view.h"
#include "watch.h"

#define FIFO_WAIT_MS 5000                 /* for a writer of a FIFO, as the servers wait */
#define PATIENCE_NS  (5 * CLOCK_NS_PER_S) /* for one look */
#define TOKEN_LIMIT  4096

int watch_open(const char *command, const struct watch_settings *settings, const char *text, struct net_address *address,
               char **token)
{
    *token = NULL;
    int result = fetch_parse_address(text, address);
    if (result < 0) {
        fprintf(stderr, "clusterbench: %s: '%s' is no address; use %s, as --admin of the server\n", command, text,
                net_address_allowed);
        return -1;
    }
    if (!settings->token_file)
        return 0;
    result = file_read_within(settings->token_file, TOKEN_LIMIT, FIFO_WAIT_MS, token, NULL);
    if (result < 0) {
        fprintf(stderr, "clusterbench: %s: --token-file: '%s': %s\n", command, settings->token_file, strerror(-result));
        return -1;
    }
    (*token)[strcspn(*token, "\r\n")] = '\0';
    return 0;
}

struct top {
    const struct watch_settings *settings;
    const char *text; /* of the address */
    struct net_address address;
    char *token;
    struct sight sights[2]; /* the look before, and the last one */
    unsigned looks;
    uint64_t last_ns; /* of the last one */
    struct screen screen;
    bool on_screen;
};

/* The later look takes the earlier one's place. */
static int look(struct top *top)
{
    int fds[2];
    struct sight sight;
    struct fetch_request request = {.token = top->token, .deadline_ns = clock_now_ns() + PATIENCE_NS, .stop_fds = fds};
    if (top->on_screen)
        request.stop_count = screen_fds(&top->screen, fds);
    int result = sight_take(&sight, &top->address, &request);
    if (result)
        return result;
    sight_close(&top->sights[0]);
    top->sights[0] = top->sights[1];
    top->sights[1] = sight;
    top->looks++;
    top->last_ns = sight.taken_ns;
    return 0;
}

static void complain(const struct top *top, int error)
{
    fprintf(stderr, "clusterbench: top: %s: %s%s\n", top->text, top->looks ? "the server is gone: " : "", sight_error(error));
}

static struct top_view view_of(const struct top *top)
{
    return (struct top_view){
        .address = top->text,
        .now = top->looks ? &top->sights[1] : NULL,
        .earlier = top->looks > 1 ? &top->sights[0] : NULL,
        .note = "",
    };
}

/* ---- a terminal ---- */

static void draw(struct top *top, bool late)
{
    struct top_view view = view_of(top);
    char note[80] = "";
    if (late)
        snprintf(note, sizeof(note), "no answer for %llu s: it is busy, or stopped",
                 (unsigned long long)((clock_now_ns() - top->last_ns) / CLOCK_NS_PER_S));
    view.note = note;
    view.coloured = screen_is_coloured();
    view.keys = top->screen.key_fd >= 0;
    screen_size(&view.width, &view.height);
    view.width -= view.width > 1; /* behind the last column a terminal does not know where it is */
    char *text = top_view_text(&view);
    screen_draw(&top->screen, text);
    free(text);
}

/* Waits for the next look, drawing again when the terminal has changed. True at the end. */
static bool wait_for_next(struct top *top, uint64_t next_ns, bool late)
{
    enum screen_event event;
    while ((event = screen_wait(&top->screen, next_ns)) == SCREEN_RESIZED)
        draw(top, late);
    return event == SCREEN_OVER;
}

/* The first two looks come close together, so that rates are there soon. */
static uint64_t next_look_ns(const struct top *top)
{
    uint64_t interval_ns = top->settings->interval_ns;
    uint64_t soon_ns = top->looks < 2 && interval_ns > CLOCK_NS_PER_S / 2 ? CLOCK_NS_PER_S / 2 : interval_ns;
    return clock_now_ns() + soon_ns;
}

static int run_on_screen(struct top *top)
{
    int result = screen_open(&top->screen);
    if (result < 0)
        return result;
    top->on_screen = true;
    top->last_ns = clock_now_ns();
    draw(top, false);
    for (;;) {
        result = look(top);
        bool late = result == -ETIMEDOUT;
        if (result && !late && result != -EINTR)
            break;
        if (result != -EINTR)
            draw(top, late);
        bool enough = top->settings->count && top->looks >= top->settings->count;
        if (enough || wait_for_next(top, result ? clock_now_ns() : next_look_ns(top), late))
            break;
    }
    screen_close(&top->screen);
    return result == -ETIMEDOUT || result == -EINTR ? 0 : result;
}

/* ---- elsewhere ---- */

static int print_tables(struct top *top)
{
    uint64_t tables = top->settings->count ? top->settings->count : 1;
    int result = look(top);
    for (uint64_t i = 0; i < tables && !result; i++) {
        clock_sleep_until_ns(top->last_ns + top->settings->interval_ns);
        result = look(top);
        if (result)
            break;
        struct top_view view = view_of(top);
        char *text = top_view_text(&view);
        fputs(i ? "\n" : "", stdout);
        fputs(text, stdout);
        free(text);
        if (fflush(stdout) != 0)
            return -errno;
    }
    return result;
}

int top_run(const struct watch_settings *settings, const char *address)
{
    struct top top = {.settings = settings, .text = address};
    if (watch_open("top", settings, address, &top.address, &top.token) < 0)
        return 1;
    int result = screen_is_there() ? run_on_screen(&top) : print_tables(&top);
    if (result)
        complain(&top, result);
    sight_close(&top.sights[0]);
    sight_close(&top.sights[1]);
    free(top.token);
    return result ? 1 : 0;
}
