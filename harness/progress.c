/* progress: stderr, so that stdout holds nothing but results. The time left is the mean of the cells so far. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#include "progress.h"
#include "text.h"

#define BAR_WIDTH  16u
#define CLEAR_LINE "\r\033[K"

void progress_open(struct progress *progress, unsigned blocks, unsigned cells, uint64_t estimate_ns)
{
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO), .blocks = blocks, .block = 1, .cells = cells};
    progress->begin_ns = progress->block_begin_ns = clock_now_ns();
    progress->estimate_ns = estimate_ns;
}

static uint64_t left_ns(const struct progress *progress)
{
    unsigned done = (progress->block - 1 + progress->rejected) * progress->cells + progress->cell;
    unsigned open = (progress->blocks - (progress->block - 1)) * progress->cells - progress->cell;
    uint64_t each_ns = done ? (clock_now_ns() - progress->begin_ns) / done : progress->estimate_ns;
    return each_ns * open;
}

static char *bar_text(const struct progress *progress)
{
    unsigned all = progress->blocks * progress->cells, done = (progress->block - 1) * progress->cells + progress->cell;
    unsigned full = all ? done * BAR_WIDTH / all : 0;
    char *bar = memory_get(BAR_WIDTH + 1);
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    return bar;
}

void progress_cell(struct progress *progress, const char *what)
{
    if (progress->terminal) {
        char *bar = bar_text(progress),
             *rejected = progress->rejected ? text_print("   %u rejected", progress->rejected) : text_copy("");
        uint64_t left_s = left_ns(progress) / CLOCK_NS_PER_S;
        fprintf(stderr, CLEAR_LINE "[%s] block %u/%u  %s   %llu:%02llu left%s", bar, progress->block, progress->blocks, what,
                (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60), rejected);
        fflush(stderr);
        free(rejected);
        free(bar);
    }
    progress->cell++;
}

void progress_block_done(struct progress *progress)
{
    uint64_t now_ns = clock_now_ns(), took_s = (now_ns - progress->block_begin_ns) / CLOCK_NS_PER_S;
    unsigned block = progress->block;
    progress->cell = 0;
    progress->block++;
    progress->block_begin_ns = now_ns;
    if (!progress->terminal) {
        uint64_t left_s = left_ns(progress) / CLOCK_NS_PER_S;
        fprintf(stderr, "block %u/%u done: %u cells in %llu s, %llu:%02llu left\n", block, progress->blocks, progress->cells,
                (unsigned long long)took_s, (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
    }
}

void progress_say(const struct progress *progress, const char *format, ...)
{
    if (progress->terminal)
        fputs(CLEAR_LINE, stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void progress_close(const struct progress *progress)
{
    if (progress->terminal)
        fputs(CLEAR_LINE, stderr);
}
