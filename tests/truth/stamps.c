#include "stamps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fate_names[FATES] = {"answered", "refused", "surplus", "dropped", "reset", "cut", "gone"};

struct stamp *stamps_add(struct stamps *stamps)
{
    if (stamps->count == stamps->size) {
        size_t size = stamps->size ? 2 * stamps->size : 4096;
        struct stamp *rows = realloc(stamps->rows, size * sizeof(*rows));
        if (!rows)
            return NULL;
        stamps->rows = rows;
        stamps->size = size;
    }
    return &stamps->rows[stamps->count++];
}

int stamps_write(const struct stamps *stamps, const char *path)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -errno;
    fprintf(out, "stall %llu %llu\nconnections %llu\n", (unsigned long long)stamps->stall_from_ns,
            (unsigned long long)stamps->stall_until_ns, (unsigned long long)stamps->connections);
    for (size_t i = 0; i < stamps->count; i++) {
        const struct stamp *row = &stamps->rows[i];
        fprintf(out, "request %llu %llu %llu %llu %llu %s\n", (unsigned long long)row->connection, (unsigned long long)row->number,
                (unsigned long long)row->arrival_ns, (unsigned long long)row->first_ns, (unsigned long long)row->last_ns,
                fate_names[row->fate]);
    }
    int failed = ferror(out);
    return fclose(out) == 0 && !failed ? 0 : -EIO;
}

static enum fate fate_parse(const char *name)
{
    unsigned fate = 0;
    while (fate < FATES && strcmp(name, fate_names[fate]) != 0)
        fate++;
    return fate;
}

static int read_row(struct stamps *stamps, FILE *in)
{
    unsigned long long connection, number, arrival, first, last;
    char name[16];
    int fields = fscanf(in, " request %llu %llu %llu %llu %llu %15s", &connection, &number, &arrival, &first, &last, name);
    if (fields == EOF)
        return EOF;
    enum fate fate = fields == 6 ? fate_parse(name) : FATES;
    struct stamp *row = fate < FATES ? stamps_add(stamps) : NULL;
    if (!row)
        return -EINVAL;
    *row = (struct stamp){connection, number, arrival, first, last, fate};
    return 1;
}

int stamps_read(struct stamps *stamps, const char *path)
{
    unsigned long long from, until, connections;
    *stamps = (struct stamps){.rows = NULL};
    FILE *in = fopen(path, "re");
    if (!in)
        return -errno;
    int outcome = fscanf(in, "stall %llu %llu connections %llu", &from, &until, &connections) == 3 ? 1 : -EINVAL;
    if (outcome == 1) {
        stamps->stall_from_ns = from;
        stamps->stall_until_ns = until;
        stamps->connections = connections;
    }
    while (outcome == 1)
        outcome = read_row(stamps, in);
    fclose(in);
    return outcome == EOF ? 0 : outcome;
}

void stamps_close(struct stamps *stamps)
{
    free(stamps->rows);
    *stamps = (struct stamps){.rows = NULL};
}

uint64_t stamps_count(const struct stamps *stamps, enum fate fate)
{
    uint64_t count = 0;
    for (size_t i = 0; i < stamps->count; i++)
        count += stamps->rows[i].fate == fate;
    return count;
}
