/*
 * torn_lines FILE: did every line that /append wrote come through whole?
 *
 *   $ torn_lines append.log
 *   1600 lines: 1584 whole, 16 torn, 16 missing, 0 twice; 4 writers
 *
 * A line is whole when its length and checksum are right (service/numbered_line.h), else it is torn; so is what is left behind the
 * last newline. Missing is a number of which only higher ones came whole from the same writer (a worker in one of its lives), twice
 * one that came whole more than once. Exit status: 0 all are there and whole, 1 not so, 2 the file cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/numbered_line.h"

enum { ALL_WHOLE, SOME_TORN, UNUSABLE };

struct counts {
    unsigned long long whole, torn, missing, twice, writers;
};

struct lines {
    struct numbered_line *at;
    size_t count, size;
};

static int keep(struct lines *lines, const struct numbered_line *line)
{
    if (lines->count == lines->size) {
        size_t size = lines->size ? 2 * lines->size : 1024;
        struct numbered_line *at = realloc(lines->at, size * sizeof *at);
        if (!at)
            return -ENOMEM;
        lines->at = at;
        lines->size = size;
    }
    lines->at[lines->count++] = *line;
    return 0;
}

static int read_lines(FILE *file, struct lines *lines, struct counts *counts)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    int error = 0;
    while (!error && (errno = 0, length = getline(&text, &size, file)) > 0) {
        struct numbered_line line;
        bool ended = text[length - 1] == '\n';
        if (ended && numbered_line_read((struct slice){text, (size_t)length - 1}, &line)) {
            counts->whole++;
            error = keep(lines, &line);
        } else {
            counts->torn++;
        }
    }
    if (!error && ferror(file))
        error = errno ? -errno : -EIO;
    free(text);
    return error;
}

/* By writer, then by number. */
static int compare(const void *left, const void *right)
{
    const struct numbered_line *a = left, *b = right;
    if (a->worker != b->worker)
        return a->worker < b->worker ? -1 : 1;
    if (a->pid != b->pid)
        return a->pid < b->pid ? -1 : 1;
    if (a->life != b->life)
        return a->life < b->life ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static bool is_same_writer(const struct numbered_line *a, const struct numbered_line *b)
{
    return a->worker == b->worker && a->pid == b->pid && a->life == b->life;
}

static void count_gaps(struct lines *lines, struct counts *counts)
{
    const struct numbered_line *last = NULL;
    if (lines->count > 0)
        qsort(lines->at, lines->count, sizeof *lines->at, compare);
    for (size_t i = 0; i < lines->count; last = &lines->at[i++]) {
        const struct numbered_line *line = &lines->at[i];
        bool is_first = !last || !is_same_writer(last, line);
        uint64_t before = is_first ? 0 : last->number;
        counts->writers += is_first;
        if (line->number == before)
            counts->twice++;
        else
            counts->missing += line->number - before - 1;
    }
}

int main(int argc, char **argv)
{
    struct lines lines = {NULL, 0, 0};
    struct counts counts = {0};
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: torn_lines FILE\n");
        return UNUSABLE;
    }
    FILE *file = fopen(argv[1], "re");
    int error = file ? read_lines(file, &lines, &counts) : -errno;
    if (file)
        fclose(file);
    count_gaps(&lines, &counts);
    free(lines.at);
    if (error) {
        fprintf(stderr, "torn_lines: %s: %s\n", argv[1], strerror(-error));
        return UNUSABLE;
    }
    printf("%llu lines: %llu whole, %llu torn, %llu missing, %llu twice; %llu writers\n", counts.whole + counts.torn, counts.whole,
           counts.torn, counts.missing, counts.twice, counts.writers);
    return counts.torn + counts.missing + counts.twice == 0 ? ALL_WHOLE : SOME_TORN;
}
