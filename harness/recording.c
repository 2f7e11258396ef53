/*
 * recording: the generator says when the measured time begins (loadgen --announce), which is before it begins where there is a
 * warm-up; from then on every wait ends at the next thing to be done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "recording.h"

#define EVENT_LOG  "event-log.jsonl"
#define RELOAD_LOG "reload.log"

void recording_open(struct recording *recording, const struct experiment *experiment, const char *folder, struct names *notes)
{
    *recording =
        (struct recording){.wanted = experiment_has_series(experiment), .experiment = experiment, .folder = folder, .notes = notes};
    recording->command_log = text_print("%s/" RELOAD_LOG, folder);
}

void recording_close(struct recording *recording)
{
    recording_end(recording);
    free(recording->undone);
    free(recording->command_log);
    timeline_close(&recording->timeline);
}

static void add_file(struct names *words, const char *option, const char *folder, const char *file)
{
    char *path = text_print("%s/%s", folder, file);
    names_add(words, option);
    names_add(words, path);
    free(path);
}

void recording_server_words(const struct recording *recording, struct names *words)
{
    if (recording->wanted)
        add_file(words, "--event-log", recording->folder, EVENT_LOG);
}

void recording_generator_words(const struct recording *recording, struct names *words)
{
    if (!recording->wanted)
        return;
    add_file(words, "--series", recording->folder, "series.jsonl");
    add_file(words, "--heat", recording->folder, "heat.csv");
    names_add(words, "--quiet");
    names_add(words, "--announce");
}

/* 0 when there is a beginning; -EPIPE when the generator ended without one. */
static int hear_beginning(struct recording *recording, struct custody *custody, struct process *generator, uint64_t deadline_ns)
{
    char line[128];
    unsigned long long from_ns;
    int result = process_read_line(custody, generator, line, sizeof(line), deadline_ns);
    if (result < 0)
        return result;
    if (sscanf(line, "measuring from %llu", &from_ns) != 1)
        return -EPIPE;
    timeline_open(&recording->timeline, from_ns);
    return 0;
}

static int open_faults(struct recording *recording, struct custody *custody, const struct faults_server *server,
                       const struct cpu_list *cpus)
{
    recording->setting = (struct faults_setting){.custody = custody,
                                                 .schedule = &recording->experiment->schedule,
                                                 .duration_ns = recording->experiment->duration_ns,
                                                 .server = *server,
                                                 .cpus = cpus,
                                                 .command_log = recording->command_log,
                                                 .commands_cpu_ns = &recording->commands_cpu_ns,
                                                 .timeline = &recording->timeline,
                                                 .notes = recording->notes,
                                                 .undone = &recording->undone};
    return recording->setting.schedule->count ? faults_open(&recording->faults, &recording->setting) : 0;
}

static int begin(struct recording *recording, struct custody *custody, struct process *generator,
                 const struct faults_server *server, const struct cpu_list *cpus, uint64_t deadline_ns)
{
    if (!recording->wanted || recording->timeline.begin_ns)
        return 0;
    int result = hear_beginning(recording, custody, generator, deadline_ns);
    if (!result)
        result = open_faults(recording, custody, server, cpus);
    return result == -EPIPE || result == -EMSGSIZE ? 0 : result; /* then its end tells why */
}

int recording_wait(struct recording *recording, struct custody *custody, struct process *generator,
                   const struct faults_server *server, const struct cpu_list *cpus, uint64_t deadline_ns)
{
    int result = begin(recording, custody, generator, server, cpus, deadline_ns);
    while (!result && recording->faults) {
        uint64_t next_ns = faults_next_ns(recording->faults);
        if (next_ns >= deadline_ns)
            break;
        result = process_wait(custody, generator, next_ns, HEED_SIGNALS);
        if (result != -ETIMEDOUT)
            return result;
        faults_turn(recording->faults);
        result = 0;
    }
    return result ? result : process_wait(custody, generator, deadline_ns, HEED_SIGNALS);
}

void recording_end(struct recording *recording)
{
    uint64_t killed_ns = faults_close(recording->faults);
    recording->faults = NULL;
    if (killed_ns)
        recording->top_killed_ns = killed_ns;
}

static int read_log(struct recording *recording)
{
    char *path = text_print("%s/" EVENT_LOG, recording->folder);
    int result = timeline_read_log(&recording->timeline, path);
    unlink(path); /* all of it is in events.csv now */
    free(path);
    return result == -ENOENT ? 0 : result; /* a server that keeps none */
}

int recording_write(struct recording *recording)
{
    if (!recording->wanted || !recording->timeline.begin_ns)
        return 0;
    int result = read_log(recording);
    if (recording->top_killed_ns && !recording->setting.server.backend_count) /* backends outlive their proxy */
        timeline_end_all(&recording->timeline, recording->top_killed_ns, recording->experiment->duration_ns);
    char *events = text_print("%s/events.csv", recording->folder), *lanes = text_print("%s/lanes.csv", recording->folder);
    if (!result)
        result = timeline_write_events(&recording->timeline, events);
    if (!result)
        result = timeline_write_lanes(&recording->timeline, lanes);
    free(lanes);
    free(events);
    return result;
}
