/*
 * What a person sees while the run goes on, on stderr.
 *
 * On a terminal: a few lines, drawn anew over themselves at most five times a second and gone in the end, so that the report
 * stands clean. Elsewhere, for `--live on`: a plain line a second, for logs. Figures are those of the last second, which is the
 * last ten intervals. All of it happens in the thread that waits for the run, never in one that makes load; and a terminal that
 * takes nothing more (Ctrl-S) loses frames instead of holding anybody up.
 *
 * The escape sequences are those of ECMA-48: ESC [ n A goes up n lines, ESC [ K clears to the end of the line, ESC [ J to the end
 * of the screen, ESC [ n m sets a colour.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "loadgen/report/report.h"

#define TENTHS        10                   /* intervals kept: a second */
#define DRAW_EVERY_NS (CLOCK_NS_PER_S / 5) /* frames */
#define LINE_EVERY_NS CLOCK_NS_PER_S       /* plain lines */
#define WORKERS_SHOWN 12
#define ROWS_BESIDE   6 /* lines that are no worker's */
#define ROWS_MAX      (WORKERS_SHOWN + ROWS_BESIDE + 1)
#define BAR_LONGEST   40
#define WIDTH_DEFAULT 80
#define WIDTH_MOST    200
#define CLOSE_WAIT_MS 200

#define GREEN "32"
#define RED   "31"
#define BOLD  "1"
#define PLAIN "0"

/* What happened in one interval. */
struct tenth {
    uint64_t length_ns, requests;
    uint64_t of_backend[BACKENDS_MAX + 1];
    struct histogram response;
};

struct live_view {
    const struct settings *settings;
    bool redraws; /* a terminal whose cursor can be moved */
    bool coloured;
    struct tenth tenths[TENTHS]; /* a ring: interval n is at n % TENTHS */
    uint64_t taken;              /* intervals so far */
    struct histogram second;     /* of the last TENTHS, made when drawn */
    uint64_t requests, errors, in_flight, until_ns;
    uint64_t total_of_backend[BACKENDS_MAX + 1];
    char ids[BACKENDS_MAX + 1][BACKEND_ID_MAX + 1];
    unsigned backend_count;
    uint64_t drawn_ns;         /* by the clock; 0: no figures yet */
    uint64_t lines;            /* of the run's seconds, printed */
    unsigned rows;             /* on the screen now, to be drawn over */
    unsigned widths[ROWS_MAX]; /* of those */
};

/* ---- a frame: lines of text, cut off at the right edge ---- */

struct frame {
    char bytes[ROWS_MAX * (WIDTH_MOST + 64)];
    size_t length;
    bool coloured;
    unsigned width, column, rows;
    unsigned widths[ROWS_MAX];
};

static void add_bytes(struct frame *frame, const char *bytes, size_t length)
{
    if (length > sizeof(frame->bytes) - frame->length)
        return;
    memcpy(frame->bytes + frame->length, bytes, length);
    frame->length += length;
}

static __attribute__((format(printf, 2, 3))) void add_sequence(struct frame *frame, const char *format, ...)
{
    char text[32];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_bytes(frame, text, (size_t)length);
}

static void add_colour(struct frame *frame, const char *colour)
{
    if (frame->coloured)
        add_sequence(frame, "\033[%sm", colour);
}

/* Text, as far as there is room on the line. What is no visible ASCII would move the cursor or be wider than it counts. */
static __attribute__((format(printf, 2, 3))) void add(struct frame *frame, const char *format, ...)
{
    char text[WIDTH_MOST + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t length = strnlen(text, frame->width - frame->column);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    add_bytes(frame, text, length);
    frame->column += (unsigned)length;
}

static void end_line(struct frame *frame)
{
    if (frame->rows == ROWS_MAX)
        return;
    add_bytes(frame, "\033[K\n", 4);
    frame->widths[frame->rows++] = frame->column;
    frame->column = 0;
}

static void add_bar(struct frame *frame, double share, unsigned length, char rest)
{
    char bar[WIDTH_MOST];
    unsigned full = (unsigned)lround(fmin(fmax(share, 0), 1) * length);
    memset(bar, '#', full);
    memset(bar + full, rest, length - full);
    add_colour(frame, GREEN);
    add(frame, "%.*s", (int)(rest == ' ' ? full : length), bar);
    add_colour(frame, PLAIN);
}

/* ---- figures ---- */

static unsigned kept(const struct live_view *view)
{
    return view->taken < TENTHS ? (unsigned)view->taken : TENTHS;
}

/* Responses/s in the last second. */
static double rate_now(const struct live_view *view)
{
    uint64_t requests = 0, length_ns = 0;
    for (unsigned i = 0; i < kept(view); i++) {
        requests += view->tenths[i].requests;
        length_ns += view->tenths[i].length_ns;
    }
    return length_ns ? (double)requests * 1e9 / (double)length_ns : 0;
}

static double rate_mean(const struct live_view *view)
{
    return view->until_ns ? (double)view->requests * 1e9 / (double)view->until_ns : 0;
}

static void sum_second(struct live_view *view)
{
    histogram_reset(&view->second);
    for (unsigned i = 0; i < kept(view); i++)
        if (view->tenths[i].response.total)
            histogram_merge(&view->second, &view->tenths[i].response);
}

static const char *percentile(const struct live_view *view, double which, char text[UNITS_TEXT_SIZE])
{
    if (!view->second.total)
        return strcpy(text, "-");
    return units_print_time(1000.0 * (double)histogram_percentile(&view->second, which), text);
}

/* How much of the run is over, by time or by requests, whichever is further on. */
static double progress(const struct live_view *view)
{
    const struct settings *settings = view->settings;
    double by_time = settings->duration_ns ? (double)view->until_ns / (double)settings->duration_ns : 0;
    double by_count = settings->requests ? (double)view->requests / (double)settings->requests : 0;
    return fmin(fmax(by_time, by_count), 1);
}

static double seconds_left(const struct live_view *view)
{
    double done = progress(view), elapsed = (double)view->until_ns / 1e9;
    return done > 0 ? elapsed / done - elapsed : INFINITY;
}

struct share {
    const char *id;
    double share;
};

/* By number where both are numbers, else as text; numbers first. */
static int compare_ids(const void *left, const void *right)
{
    const char *a = ((const struct share *)left)->id, *b = ((const struct share *)right)->id;
    char *a_end, *b_end;
    unsigned long a_number = strtoul(a, &a_end, 10), b_number = strtoul(b, &b_end, 10);
    bool a_counts = *a && !*a_end, b_counts = *b && !*b_end;
    if (a_counts != b_counts)
        return a_counts ? -1 : 1;
    if (a_counts && a_number != b_number)
        return a_number < b_number ? -1 : 1;
    return strcmp(a, b);
}

/* Each worker's share of the last second's answers, sorted; none where nobody is named. Returns how many. */
static unsigned share_out(const struct live_view *view, struct share shares[BACKENDS_MAX + 1])
{
    unsigned count = 0, named = 0;
    double all = 0;
    for (unsigned i = 0; i < view->backend_count; i++) {
        uint64_t requests = 0;
        if (!view->total_of_backend[i])
            continue;
        for (unsigned j = 0; j < kept(view); j++)
            requests += view->tenths[j].of_backend[i];
        all += (double)requests;
        named += strcmp(view->ids[i], "-") != 0;
        shares[count++] = (struct share){view->ids[i], (double)requests};
    }
    if (!named)
        return 0;
    for (unsigned i = 0; i < count; i++)
        shares[i].share = all > 0 ? shares[i].share / all : 0;
    qsort(shares, count, sizeof(*shares), compare_ids);
    return count;
}

/* ---- drawing ---- */

static struct winsize screen_size(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){.ws_row = 0};
    size.ws_col = size.ws_col ? size.ws_col : WIDTH_DEFAULT;
    size.ws_row = size.ws_row ? size.ws_row : ROWS_MAX + 1;
    return size;
}

static void draw_head(const struct live_view *view, struct frame *frame)
{
    const struct settings *settings = view->settings;
    add_colour(frame, BOLD);
    add(frame, "%s", settings->url_text);
    add_colour(frame, PLAIN);
    add(frame, "  %llu connections, %s loop", (unsigned long long)settings->connections,
        settings->is_open_loop ? "open" : "closed");
    end_line(frame);
}

static void draw_progress(const struct live_view *view, struct frame *frame)
{
    const struct settings *settings = view->settings;
    double left = seconds_left(view);
    if (frame->width >= WIDTH_DEFAULT / 2) {
        unsigned room = frame->width - WIDTH_DEFAULT / 2 + 5;
        add(frame, "  [");
        add_bar(frame, progress(view), room < BAR_LONGEST ? room : BAR_LONGEST, '.');
        add(frame, "]");
    }
    if (settings->duration_ns)
        add(frame, "  %.1fs of %.1fs", (double)view->until_ns / 1e9, (double)settings->duration_ns / 1e9);
    else
        add(frame, "  %llu of %llu", (unsigned long long)view->requests, (unsigned long long)settings->requests);
    if (isfinite(left))
        add(frame, ", %.*fs left", left < 10 ? 1 : 0, left);
    end_line(frame);
}

/* What the plan wants just now; 0 where there is none to tell. */
static double rate_planned(const struct live_view *view)
{
    const struct settings *settings = view->settings;
    if (settings->is_rate_constant)
        return settings->rate;
    return settings->profile_text ? profile_rate(&settings->profile, view->until_ns) : 0;
}

static void draw_rate(const struct live_view *view, struct frame *frame)
{
    double planned = rate_planned(view);
    add(frame, "  answers/s      now %9.0f   mean %9.0f", rate_now(view), rate_mean(view));
    if (planned > 0)
        add(frame, "   planned %9.0f", planned);
    end_line(frame);
}

static void draw_latency(const struct live_view *view, struct frame *frame)
{
    char median[UNITS_TEXT_SIZE], high[UNITS_TEXT_SIZE];
    add(frame, "  response time  p50 %9s   p99  %9s   in the last second", percentile(view, 50, median),
        percentile(view, 99, high));
    end_line(frame);
}

static void draw_errors(const struct live_view *view, struct frame *frame)
{
    add_colour(frame, view->errors ? RED : PLAIN);
    add(frame, "  errors         all %9llu", (unsigned long long)view->errors);
    add_colour(frame, PLAIN);
    add(frame, "   in flight %4llu", (unsigned long long)view->in_flight);
    end_line(frame);
}

/* The bars are as long as shares are of the largest. */
static void draw_workers(const struct live_view *view, struct frame *frame, unsigned most)
{
    struct share shares[BACKENDS_MAX + 1];
    unsigned count = share_out(view, shares), shown = count <= most ? count : most - 1;
    double largest = 0;
    int longest = 6;
    for (unsigned i = 0; i < count; i++) {
        largest = fmax(largest, shares[i].share);
        longest = i < shown && (int)strlen(shares[i].id) > longest ? (int)strlen(shares[i].id) : longest;
    }
    longest = longest > 16 ? 16 : longest;
    for (unsigned i = 0; i < shown; i++) {
        add(frame, "  %*.*s %6.1f%%  ", longest, longest, shares[i].id, 100 * shares[i].share);
        unsigned room = frame->width - frame->column;
        add_bar(frame, largest > 0 ? shares[i].share / largest : 0, room < BAR_LONGEST ? room : BAR_LONGEST, ' ');
        end_line(frame);
    }
    if (shown < count) {
        add(frame, "  ... and %u more", count - shown);
        end_line(frame);
    }
}

static void draw_waiting(const struct live_view *view, struct frame *frame)
{
    char text[UNITS_TEXT_SIZE];
    if (view->settings->warmup_ns)
        add(frame, "  warming up for %s", units_format_time(view->settings->warmup_ns, text));
    else
        add(frame, "  connecting");
    end_line(frame);
}

/* ---- on the screen ---- */

static int write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, length);
        if (written < 0 && errno != EINTR)
            return -errno;
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* Does the terminal take output, and is it ours to write on (a job in the background leaves it alone)? */
static bool is_writable(int wait_ms)
{
    struct pollfd poller = {.fd = STDERR_FILENO, .events = POLLOUT};
    pid_t owner = tcgetpgrp(STDERR_FILENO);
    return (owner < 0 || owner == getpgrp()) && poll(&poller, 1, wait_ms) == 1 && (poller.revents & POLLOUT);
}

/* The lines that what was drawn takes now: a terminal made narrower has broken them. */
static unsigned rows_on_screen(const struct live_view *view, unsigned columns)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < view->rows; i++)
        rows += view->widths[i] > columns ? (view->widths[i] + columns - 1) / columns : 1;
    return rows;
}

static void go_to_top(const struct live_view *view, struct frame *frame, unsigned columns)
{
    if (view->rows)
        add_sequence(frame, "\r\033[%uA", rows_on_screen(view, columns));
}

static void show(struct live_view *view, struct frame *frame)
{
    add_bytes(frame, "\033[J", 3);
    if (write_all(frame->bytes, frame->length) != 0)
        return;
    view->rows = frame->rows;
    memcpy(view->widths, frame->widths, sizeof(view->widths));
}

static void draw(struct live_view *view)
{
    if (!is_writable(0))
        return;
    struct winsize size = screen_size();
    struct frame frame = {.coloured = view->coloured};
    frame.width = size.ws_col - 1u < WIDTH_MOST ? size.ws_col - 1u : WIDTH_MOST;
    unsigned workers = size.ws_row > ROWS_BESIDE + 1 ? size.ws_row - ROWS_BESIDE : 1;
    go_to_top(view, &frame, size.ws_col);
    draw_head(view, &frame);
    if (!view->taken) {
        draw_waiting(view, &frame);
    } else {
        sum_second(view);
        draw_progress(view, &frame);
        draw_rate(view, &frame);
        draw_latency(view, &frame);
        draw_errors(view, &frame);
        draw_workers(view, &frame, workers < WORKERS_SHOWN ? workers : WORKERS_SHOWN);
    }
    show(view, &frame);
}

/* ---- in a log ---- */

static void print_shares(const struct live_view *view, FILE *out)
{
    struct share shares[BACKENDS_MAX + 1];
    unsigned count = share_out(view, shares);
    for (unsigned i = 0; i < count && i < WORKERS_SHOWN; i++)
        fprintf(out, "%s %s %.1f%%", i ? "," : "; workers", shares[i].id, 100 * shares[i].share);
    if (count > WORKERS_SHOWN)
        fprintf(out, " and %u more", count - WORKERS_SHOWN);
}

static void print_line(struct live_view *view)
{
    char median[UNITS_TEXT_SIZE], high[UNITS_TEXT_SIZE];
    if (!view->taken) {
        if (view->settings->warmup_ns)
            fprintf(stderr, "loadgen: warming up for %s\n", units_format_time(view->settings->warmup_ns, median));
        return;
    }
    sum_second(view);
    fprintf(stderr, "loadgen: %.1fs (%.0f%%): %.0f answers/s, p50 %s, p99 %s, %llu errors, %llu in flight",
            (double)view->until_ns / 1e9, 100 * progress(view), rate_now(view), percentile(view, 50, median),
            percentile(view, 99, high), (unsigned long long)view->errors, (unsigned long long)view->in_flight);
    print_shares(view, stderr);
    fputc('\n', stderr);
}

/* ---- the watcher ---- */

static void keep(struct live_view *view, const struct series_interval *interval, uint64_t length_ns)
{
    struct tenth *tenth = &view->tenths[view->taken++ % TENTHS];
    tenth->length_ns = length_ns;
    tenth->requests = 0;
    memset(tenth->of_backend, 0, sizeof(tenth->of_backend));
    histogram_reset(&tenth->response);
    for (unsigned i = 0; i < interval->backend_count; i++) {
        const struct series_backend *backend = interval->backends[i];
        memcpy(view->ids[i], backend->id, sizeof(view->ids[i]));
        tenth->of_backend[i] = backend->requests;
        tenth->requests += backend->requests;
        view->total_of_backend[i] += backend->requests;
        if (backend->response.counts)
            histogram_merge(&tenth->response, &backend->response);
    }
    view->backend_count = interval->backend_count;
    view->requests += tenth->requests;
    view->errors += interval->errors;
    view->in_flight = interval->in_flight;
}

static void take(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns)
{
    struct live_view *view = context;
    keep(view, interval, until_ns - from_ns);
    view->until_ns = until_ns;
    if (view->redraws && clock_now_ns() - view->drawn_ns >= DRAW_EVERY_NS) {
        view->drawn_ns = clock_now_ns();
        draw(view);
    } else if (!view->redraws && until_ns / LINE_EVERY_NS > view->lines) {
        view->lines = until_ns / LINE_EVERY_NS;
        print_line(view);
    }
}

struct watcher live_watcher(struct live_view *view)
{
    return (struct watcher){take, view, true};
}

/* ---- from the beginning to the end ---- */

static bool can_redraw(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static int make_histograms(struct live_view *view)
{
    int error = histogram_init(&view->second, HISTOGRAM_HOUR_US, SERIES_DIGITS);
    for (unsigned i = 0; i < TENTHS && !error; i++)
        error = histogram_init(&view->tenths[i].response, HISTOGRAM_HOUR_US, SERIES_DIGITS);
    return error;
}

static void release(struct live_view *view)
{
    for (unsigned i = 0; i < TENTHS; i++)
        histogram_close(&view->tenths[i].response);
    histogram_close(&view->second);
    free(view);
}

int live_open(const struct settings *settings, struct live_view **view)
{
    const char *no_colour = getenv("NO_COLOR");
    bool redraws = can_redraw();
    *view = NULL;
    if (settings->live == LIVE_OFF || (settings->live == LIVE_AUTO && (settings->quiet || !redraws)))
        return 0;
    struct live_view *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->settings = settings;
    made->redraws = redraws;
    made->coloured = !no_colour || !*no_colour;
    int error = make_histograms(made);
    if (error) {
        release(made);
        return error;
    }
    (redraws ? draw : print_line)(made);
    *view = made;
    return 0;
}

void live_close(struct live_view *view)
{
    if (view->rows && is_writable(CLOSE_WAIT_MS)) {
        struct frame frame = {.rows = 0};
        go_to_top(view, &frame, screen_size().ws_col);
        show(view, &frame);
    }
    release(view);
}
