/*
 * Arrivals read from a file: one a line, ascending.
 *
 * Times come from logs and scripts, so what a printf or a Python float gives is taken (0.0125, 1.25e-2), and rounded to the
 * nanosecond; nothing else is bent: a time that lies before the one above it is an error, not sorted in.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

#define LINES_MOST  100000000
#define OFFSET_MOST (24 * 3600 * CLOCK_NS_PER_S) /* as --duration */
#define WORD_SIZE   64                           /* a longer word is no time */
#define ROOM_FIRST  1024

struct reader {
    FILE *in;
    const char *path;
    char *message;
    uint64_t line, room, last_ns;
    struct trace *trace;
};

static int refuse(const struct reader *reader, const char *word, const char *why)
{
    snprintf(reader->message, MESSAGE_SIZE, "%.200s:%llu: '%.64s' %s", reader->path, (unsigned long long)reader->line, word, why);
    return -EINVAL;
}

/*
 * A line without its comment and the spaces around it, cut to WORD_SIZE - 1 bytes; bytes that are no text stand as '?'.
 * Reading ends with the first byte too many, so that a file that is one endless line does no harm. EOF when there is no line.
 */
static int read_line(FILE *in, char word[WORD_SIZE])
{
    size_t length = 0;
    int c = getc_unlocked(in);
    if (c == EOF)
        return EOF;
    for (; c != EOF && c != '\n' && c != '#' && length < WORD_SIZE - 1; c = getc_unlocked(in))
        if (length > 0 || (c != ' ' && c != '\t'))
            word[length++] = (char)(c >= ' ' && c < 0x7f ? c : c == '\t' || c == '\r' ? ' ' : '?');
    if (length == WORD_SIZE - 1 && c != EOF && c != '\n' && c != '#')
        word[length - 1] = '?'; /* what was cut must not pass for a time */
    if (c == '#')
        while (c != EOF && c != '\n')
            c = getc_unlocked(in);
    while (length > 0 && word[length - 1] == ' ')
        length--;
    word[length] = '\0';
    return 0;
}

/* Seconds without a unit. 0 or -EINVAL. */
static int read_time(const char *word, uint64_t *ns)
{
    static const struct {
        const char *name;
        double worth_ns;
    } units[] = {{"", 1e9}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    char *unit;
    if (*word < '0' || *word > '9' || word[1] == 'x' || word[1] == 'X') /* strtod knows signs, infinities and other bases, too */
        return -EINVAL;
    double number = strtod(word, &unit);
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].name) == 0) {
            double exact = number * units[i].worth_ns;
            *ns = exact <= (double)OFFSET_MOST ? (uint64_t)llround(exact) : UINT64_MAX;
            return 0;
        }
    return -EINVAL;
}

static int append(struct reader *reader, uint64_t ns)
{
    struct trace *trace = reader->trace;
    if (trace->count == reader->room) {
        reader->room = reader->room ? 2 * reader->room : ROOM_FIRST;
        uint64_t *offsets = reallocarray(trace->offsets_ns, reader->room, sizeof(*offsets));
        if (!offsets)
            return -ENOMEM;
        trace->offsets_ns = offsets;
    }
    trace->offsets_ns[trace->count++] = reader->last_ns = ns;
    return 0;
}

static int take_line(struct reader *reader, const char *word)
{
    uint64_t ns;
    reader->line++;
    if (reader->line > LINES_MOST)
        return refuse(reader, word, "is one line too many; at most 100000000 are read");
    if (*word == '\0')
        return 0;
    if (read_time(word, &ns) != 0)
        return refuse(reader, word, "is not a time; use seconds since the start (0.0125) or a time with its unit (12.5ms)");
    if (ns > OFFSET_MOST)
        return refuse(reader, word, "is too late; use times up to 24h");
    if (ns < reader->last_ns)
        return refuse(reader, word, "is earlier than the time before it; use ascending times");
    return append(reader, ns);
}

static int read_lines(struct reader *reader)
{
    char word[WORD_SIZE];
    int error = 0;
    while (!error && read_line(reader->in, word) != EOF)
        error = take_line(reader, word);
    if (!error && ferror(reader->in))
        error = errno ? -errno : -EIO;
    if (error && error != -EINVAL)
        snprintf(reader->message, MESSAGE_SIZE, "--arrivals: '%.200s' cannot be read: %s", reader->path, strerror(-error));
    if (!error && reader->trace->count == 0) {
        snprintf(reader->message, MESSAGE_SIZE, "--arrivals: '%.200s' has no times; use one a line", reader->path);
        error = -EINVAL;
    }
    return error;
}

int trace_read(const char *path, struct trace *trace, char *message)
{
    struct reader reader = {.in = fopen(path, "re"), .path = path, .message = message, .trace = trace};
    *trace = (struct trace){.count = 0};
    if (!reader.in) {
        int error = -errno;
        snprintf(message, MESSAGE_SIZE, "--arrivals: '%.200s' cannot be opened: %s", path, strerror(-error));
        return error;
    }
    int error = read_lines(&reader);
    fclose(reader.in);
    if (error)
        trace_close(trace);
    return error;
}

void trace_close(struct trace *trace)
{
    free(trace->offsets_ns);
    *trace = (struct trace){.count = 0};
}
