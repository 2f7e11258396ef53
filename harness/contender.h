/*
 * Contenders: what a row's name stands for. A [server NAME] section of the plan, a program in the folder of programs, or a peer:
 * a folder with a manifest (manifest.h). All are started, seen ready, asked and stopped through runner.h; nothing behind it knows
 * which kind a row is.
 */
#ifndef HARNESS_CONTENDER_H
#define HARNESS_CONTENDER_H

#include <jansson.h>

#include "manifest.h"
#include "plan.h"
#include "process.h"
#include "text.h"

/* Where programs and peers are looked for. The texts are the caller's. */
struct contender_places {
    const char *programs;      /* folder of our programs */
    const struct names *peers; /* folders of peers */
};

struct contender {
    char *name;            /* of the row */
    bool of_plan;          /* made by a [server NAME] section */
    char *program;         /* path of a program that keeps the contract of ours, or NULL: a peer */
    struct names options;  /* words: added to the program's command line; of a peer NAME=VALUE, already in its values */
    struct manifest *peer; /* or NULL */
    const char *request;   /* instead of the experiment's (the plan's text), or NULL */
    char *version;         /* first line of what the peer says of itself, or NULL: contender_ask_version */
    char *missing;         /* why it cannot run here, "pm2 (npm) is not installed; make peers"; NULL when it can */
};

#define CONTENDER_ERROR_SIZE 768

/*
 * 0; a peer whose programs are not installed is found, with `missing`. -ENOENT when nothing has that name, -EINVAL when its
 * manifest or options are wrong: one line in `error`.
 */
int contender_find(struct contender *contender, const struct contender_places *places, const struct plan *plan, const char *name,
                   char error[CONTENDER_ERROR_SIZE]);
void contender_close(struct contender *contender);

/* Asks a peer that is not missing for its version, which may take a moment. */
void contender_ask_version(struct contender *contender, struct custody *custody);

/* Why it cannot answer the requests of this experiment, or take its events; the caller frees; NULL when it can. */
char *contender_declines(const struct contender *contender, const struct experiment *experiment);

/* All contenders of a plan's cells, each once. */
struct contenders {
    struct contender *items;
    size_t count;
};

/* Finds the contender of every cell. 0, or as contender_find. */
int contenders_find(struct contenders *contenders, const struct contender_places *places, const struct plan *plan,
                    const struct cell_plan *cells, unsigned count, char error[CONTENDER_ERROR_SIZE]);
struct contender *contenders_get(const struct contenders *contenders, const char *name);
void contenders_close(struct contenders *contenders);

/*
 * Takes the cells away that cannot run here, and adds a line for each reason to `skipped`: "pm2: pm2 (npm) is not installed; make
 * peers". How many cells are left.
 */
unsigned contenders_sift(const struct contenders *contenders, const struct plan *plan, struct cell_plan *cells, unsigned count,
                         struct names *skipped);

/* [{"name", "kind": "program" or "peer", "program", "version", "missing"}], for run.json. */
json_t *contenders_json(const struct contenders *contenders);

/* ---- contender_files.c: what a machine's record knows of them. New references ---- */

/*
 * {"even": PATH, "server mine": PATH, "peer nginx-shared/nginx.conf": PATH}: the programs of rows that are programs, by the row's
 * name ("server NAME" where the plan has a section for it), and of peers every file of theirs that is read or run.
 */
json_t *contenders_files(const struct contenders *contenders);

/* {"nginx-shared": "nginx version: nginx/1.22.1"}: what peers say now, whatever they said before; null where they say nothing. */
json_t *contenders_versions(struct contenders *contenders, struct custody *custody);

#endif
