/*
 * What a cell keeps of what happened by time, for experiments that ask for it (experiment_has_series): series.jsonl and heat.csv
 * from the generator, events.csv and lanes.csv from what was done to the server and what its event log says. All of them count
 * seconds from the beginning of the measured time, which the generator announces.
 */
#ifndef HARNESS_RECORDING_H
#define HARNESS_RECORDING_H

#include "faults.h"
#include "plan.h"
#include "process.h"

struct recording {
    bool wanted;
    const struct experiment *experiment;
    const char *folder; /* of the cell */
    struct names *notes;
    struct timeline timeline; /* begin_ns 0: the generator never began */
    struct faults *faults;
    struct faults_setting setting;
    char *undone;             /* the first event that a living server did not let happen, and why; NULL: none */
    uint64_t commands_cpu_ns; /* of commands that made the server reload */
    char *command_log;        /* what one of them says while it runs */
    uint64_t top_killed_ns;   /* when an event killed the server itself; 0: none did */
};

/* `folder` and `notes` outlive it. */
void recording_open(struct recording *recording, const struct experiment *experiment, const char *folder, struct names *notes);
void recording_close(struct recording *recording);

/* Adds the options that server and generator need; nothing when no record is wanted. The generator's output is to be kept then. */
void recording_server_words(const struct recording *recording, struct names *words);
void recording_generator_words(const struct recording *recording, struct names *words);

/*
 * Waits until the generator has ended, as process_wait does, and meanwhile carries out the experiment's events on the server, with
 * commands on its CPUs (or NULL). Until the generator has announced its beginning, and without a record, it only waits.
 */
int recording_wait(struct recording *recording, struct custody *custody, struct process *generator,
                   const struct faults_server *server, const struct cpu_list *cpus, uint64_t deadline_ns);

/* The load is over: whoever was stopped goes on. */
void recording_end(struct recording *recording);

/* events.csv and lanes.csv; the server has ended. 0 or negative errno. */
int recording_write(struct recording *recording);

#endif
