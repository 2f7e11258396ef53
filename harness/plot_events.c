/*
 * plot_events: when what was planned to be done to a server was done, as events.csv of the cells recorded it: later than planned,
 * or not at all. Events come in the order of time, so the first of a text that is still free is meant.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "csv.h"

/* Does the text begin with what the plan says, the whole of it? What failed has the reason behind a colon. */
static bool tells_of(const char *text, const struct fault *fault)
{
    size_t length = strlen(fault->text);
    return !strncmp(text, fault->text, length) && (!text[length] || text[length] == ':');
}

enum told { NOTHING, CARRIED_OUT, FAILED, ENDED };

static void take_line(const struct csv *csv, const struct occasion *occasions, unsigned count, enum told *told, struct done *done)
{
    const char *event = csv_text(csv, 1), *text = csv_text(csv, 3);
    bool begins = !strcmp(event, "fault"), fails = !strcmp(event, "fault-failed"), ends = !strcmp(event, "fault-end");
    double at_s;
    unsigned i = 0;
    while (i < count && (told[i] != (ends ? CARRIED_OUT : NOTHING) || !tells_of(text, occasions[i].fault)))
        i++;
    if (i == count || !(begins || fails || ends) || !csv_number(csv, 0, &at_s))
        return;
    told[i] = begins ? CARRIED_OUT : fails ? FAILED : ENDED;
    done[i].at_s += begins ? at_s : 0;
    done[i].carried_out += begins;
    done[i].failed += fails;
    done[i].until_s += ends ? at_s : 0;
    done[i].ended += ends;
}

/* Two workers with one pid. */
struct process {
    long pid, worker;
    bool shared;
};

static void take_process(const struct csv *csv, struct process *process)
{
    static const char word[] = "pid ";
    const char *worker = csv_text(csv, 2), *text = csv_text(csv, 3);
    if (strcmp(csv_text(csv, 1), "start") != 0 || !*worker || strncmp(text, word, strlen(word)) != 0)
        return;
    long pid = strtol(text + strlen(word), NULL, 10), number = strtol(worker, NULL, 10);
    if (process->pid > 0)
        process->shared |= pid == process->pid && number != process->worker;
    else
        *process = (struct process){.pid = pid, .worker = number};
}

static void read_cell(const char *path, const struct occasion *occasions, unsigned count, struct done *done)
{
    struct csv csv;
    if (csv_open(&csv, path) < 0)
        return;
    enum told *told = memory_get((count + 1) * sizeof(*told));
    struct process process = {0};
    while (csv_next(&csv)) {
        take_process(&csv, &process);
        take_line(&csv, occasions, count, told, done);
    }
    for (unsigned i = 0; i < count; i++)
        done[i].together |= process.shared;
    free(told);
    csv_close(&csv);
}

struct done *chart_read_done(const struct drawing *drawing, const struct row *row, bool one_block, const struct occasion *occasions,
                             unsigned count)
{
    struct done *done = memory_get((count + 1) * sizeof(*done));
    const struct cell_record *cell = NULL;
    for (unsigned cells = 0; (cell = chart_next_cell(drawing, row, cell)) && !(one_block && cells); cells++) {
        char *path = chart_cell_path(drawing, cell, "events.csv");
        read_cell(path, occasions, count, done);
        free(path);
    }
    for (unsigned i = 0; i < count; i++) {
        double planned_s = (double)occasions[i].at_ns / 1e9, held_s = (double)(occasions[i].until_ns - occasions[i].at_ns) / 1e9;
        done[i].at_s = done[i].carried_out ? done[i].at_s / done[i].carried_out : planned_s;
        done[i].until_s = done[i].ended ? done[i].until_s / done[i].ended : done[i].at_s + held_s;
    }
    return done;
}
