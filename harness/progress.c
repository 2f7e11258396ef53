/* progress: stderr, so that stdout holds nothing but results. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#include "plan.h"
#include "progress.h"
#include "text.h"

#define BAR_WIDTH  16u
#define CLEAR_LINE "\r\033[K"

void progress_open(struct progress *progress, unsigned blocks, unsigned cells, uint64_t block_planned_ns)
{
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO),
                                  .blocks = blocks,
                                  .cells = cells,
                                  .block_planned_ns = block_planned_ns,
                                  .around_ns = PLAN_AROUND_CELL_NS,
                                  .around_count = 1};
    progress->block_begin_ns = clock_now_ns();
}

void progress_skip(struct progress *progress, unsigned blocks, unsigned cells, uint64_t planned_ns)
{
    progress->done = blocks;
    progress->cell = cells;
    progress->begun_planned_ns = planned_ns;
}

uint64_t progress_left_ns(const struct progress *progress)
{
    uint64_t open = progress->blocks > progress->done ? progress->blocks - progress->done : 1;
    uint64_t planned_ns = open * progress->block_planned_ns - progress->begun_planned_ns;
    uint64_t cells = open * progress->cells - progress->cell;
    return planned_ns + cells * (progress->around_ns / progress->around_count);
}

static char *left_text(const struct progress *progress)
{
    uint64_t left_s = progress_left_ns(progress) / CLOCK_NS_PER_S;
    return text_print("%llu:%02llu left", (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
}

static char *bar_text(const struct progress *progress)
{
    unsigned all = progress->blocks * progress->cells, done = progress->done * progress->cells + progress->cell;
    unsigned full = all ? done * BAR_WIDTH / all : 0;
    char *bar = memory_get(BAR_WIDTH + 1);
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    return bar;
}

/* The cell before this one has ended, whatever it took. */
static void end_cell(struct progress *progress)
{
    if (!progress->cell_begin_ns)
        return;
    uint64_t took_ns = clock_now_ns() - progress->cell_begin_ns;
    progress->around_ns += took_ns > progress->cell_planned_ns ? took_ns - progress->cell_planned_ns : 0;
    progress->around_count++;
    progress->cell_begin_ns = 0;
}

void progress_cell(struct progress *progress, const char *what, uint64_t planned_ns)
{
    end_cell(progress);
    if (progress->terminal) {
        char *bar = bar_text(progress), *left = left_text(progress),
             *rejected = progress->rejected ? text_print("   %u rejected", progress->rejected) : text_copy("");
        fprintf(stderr, CLEAR_LINE "[%s] block %u/%u  %s   %s%s", bar, progress->done + 1, progress->blocks, what, left, rejected);
        fflush(stderr);
        free(rejected);
        free(left);
        free(bar);
    }
    progress->cell++;
    progress->begun_planned_ns += planned_ns;
    progress->cell_planned_ns = planned_ns;
    progress->cell_begin_ns = clock_now_ns();
}

static void begin_block(struct progress *progress)
{
    end_cell(progress);
    progress->cell = 0;
    progress->begun_planned_ns = 0;
    progress->block_begin_ns = clock_now_ns();
}

void progress_block_done(struct progress *progress)
{
    uint64_t took_s = (clock_now_ns() - progress->block_begin_ns) / CLOCK_NS_PER_S;
    begin_block(progress);
    progress->done++;
    if (!progress->terminal) {
        char *left = progress->done < progress->blocks ? left_text(progress) : text_copy("0:00 left");
        fprintf(stderr, "block %u/%u done: %u cells in %llu s, %s\n", progress->done, progress->blocks, progress->cells,
                (unsigned long long)took_s, left);
        free(left);
    }
}

void progress_block_rejected(struct progress *progress, bool was_done)
{
    if (was_done)
        progress->done--;
    else
        begin_block(progress);
    progress->rejected++;
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
