/*
 * A results folder, read back: the same path for the end of `run` and for `report`, so that what is shown never rests on
 * anything but what is recorded.
 */
#ifndef HARNESS_RESULTS_H
#define HARNESS_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "metric.h"
#include "plan.h"

struct block_record {
    unsigned number;
    bool accepted;
    char *reason; /* why not */
    double steal_percent, foreign_percent;
};

struct cell_record {
    char *folder; /* its name below cells/ */
    unsigned block;
    unsigned experiment;   /* index in the plan */
    char *strategy, *load; /* load: the label */
    bool again;
    unsigned workers;
    double rate;
    bool ranked;
    char *failure; /* why it is not, or NULL */
    struct names notes;
    double value[METRIC_COUNT];     /* NaN where there is none */
    double *requests, *connections; /* a worker each, as the client saw them; NULL without a measurement */
};

struct results {
    char *folder;
    json_t *run;      /* run.json */
    struct plan plan; /* the snapshot, with --only and --quick applied as they were */
    uint64_t seed;
    bool complete;
    struct block_record *blocks;
    unsigned block_count;
    struct cell_record *cells;
    unsigned cell_count;
    struct names unreadable; /* "cells/NAME: why", of folders that hold no whole cell, and of cells that are gone */
};

#define RESULTS_ERROR_SIZE 768

/* Every text of the results has been through text_clean, but for the names of folders: those lead to files.
 *
 * 0, or -EINVAL / the read's errno with one line in `error`. A cell that cannot be read is no error: it is listed. */
int results_read(struct results *results, const char *folder, char error[RESULTS_ERROR_SIZE]);
/* Cleans all strings in a document (text_clean): for what else is read from the folder. */
void results_clean(json_t *json);
void results_close(struct results *results);

/* Adds the names of cells that `run` (run.json) says were measured in settled blocks, but that are not in FOLDER/cells. */
void results_missing_cells(const char *folder, const json_t *run, struct names *missing);

/* A complete run whose cells/ are not there any more: what is left is the report. */
bool results_lack_cells(const struct results *results);

#endif
