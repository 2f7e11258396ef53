/*
 * timeline: two clocks brought together, and lives cut into states.
 *
 * The harness counts in CLOCK_MONOTONIC, an event log in UTC with milliseconds; both are shifted to the beginning of the measured
 * time. A life is `starting` until it is ready, then `up`, then `draining` from the moment a successor is ready, or it is drained,
 * scaled away or the program ends, until it is over. A worker whose
 * life ended otherwise is `down` until the next one begins; one that was taken out is wanted no longer. Where only processes are
 * seen, the pid tells lives apart, as the generation does in an event log.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"

#include "text.h"
#include "timeline.h"

#define LOG_LIMIT (16u << 20)

void timeline_open(struct timeline *timeline, uint64_t begin_ns)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    double since_s = ((double)clock_now_ns() - (double)begin_ns) / 1e9;
    *timeline = (struct timeline){
        .begin_ns = begin_ns, .wall_begin_s = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9 - since_s, .last_s = NAN};
}

void timeline_close(struct timeline *timeline)
{
    for (unsigned i = 0; i < timeline->moment_count; i++) {
        free(timeline->moments[i].event);
        free(timeline->moments[i].worker);
        free(timeline->moments[i].text);
    }
    for (unsigned i = 0; i < timeline->life_count; i++)
        free(timeline->lives[i].worker);
    free(timeline->moments);
    free(timeline->lives);
    *timeline = (struct timeline){0};
}

static double seconds_of(const struct timeline *timeline, uint64_t at_ns)
{
    return ((double)at_ns - (double)timeline->begin_ns) / 1e9;
}

static void add_moment(struct timeline *timeline, double at_s, const char *event, const char *worker, char *text)
{
    timeline->moments = memory_grow(timeline->moments, (timeline->moment_count + 1) * sizeof(*timeline->moments));
    timeline->moments[timeline->moment_count++] =
        (struct moment){.at_s = at_s, .event = text_copy(event), .worker = text_copy(worker), .text = text};
}

void timeline_note(struct timeline *timeline, uint64_t at_ns, const char *event, const char *worker, const char *text)
{
    add_moment(timeline, seconds_of(timeline, at_ns), event, worker, text_copy(text));
}

/* ---- the event log ---- */

/* "2026-11-22T03:04:05.678Z" as seconds since the epoch, or NaN. */
static double parse_wall(const char *text)
{
    struct tm tm = {0};
    double second;
    char zone;
    if (!text ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lf%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &second, &zone) !=
            7 ||
        zone != 'Z')
        return NAN;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (double)timegm(&tm) + second;
}

/* Whom it happened to: "1", "front-0", "" for the program. The caller frees. */
static char *subject_of(const json_t *line)
{
    const json_t *worker = json_object_get(line, "worker"), *front = json_object_get(line, "front");
    if (json_is_integer(worker))
        return text_print("%d", (int)json_integer_value(worker));
    return json_is_integer(front) ? text_print("front-%d", (int)json_integer_value(front)) : text_copy("");
}

/* What else the line says: "pid 4711, generation 1, signal 9". */
static char *rest_of(json_t *line)
{
    static const char *const said[] = {"time", "event", "role", "worker", "front"};
    struct names parts = {0};
    const char *key;
    json_t *value;
    json_object_foreach(line, key, value)
    {
        bool is_said = false;
        for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
            is_said |= !strcmp(key, said[i]);
        if (is_said)
            continue;
        char *plain =
            json_is_string(value) ? text_copy(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        char *part = text_print("%s %s", key, plain ? plain : "");
        names_add(&parts, text_tame(part));
        free(part);
        free(plain);
    }
    char *text = names_join(&parts, ", ");
    names_free(&parts);
    return text;
}

static bool is_over(const struct life *life)
{
    return isfinite(life->end_s);
}

/* The worker's last life of that generation, or NULL. */
static struct life *find_life(struct timeline *timeline, const char *worker, int generation)
{
    for (unsigned i = timeline->life_count; i-- > 0;)
        if (!strcmp(timeline->lives[i].worker, worker) && timeline->lives[i].generation == generation)
            return &timeline->lives[i];
    return NULL;
}

static void begin_life(struct timeline *timeline, const char *worker, int generation, double at_s)
{
    unsigned number = 0;
    for (unsigned i = 0; i < timeline->life_count; i++)
        number += !strcmp(timeline->lives[i].worker, worker);
    timeline->lives = memory_grow(timeline->lives, (timeline->life_count + 1) * sizeof(*timeline->lives));
    timeline->lives[timeline->life_count++] = (struct life){.worker = text_copy(worker),
                                                            .number = number,
                                                            .generation = generation,
                                                            .start_s = at_s,
                                                            .ready_s = NAN,
                                                            .drain_s = NAN,
                                                            .end_s = NAN};
}

void timeline_see(struct timeline *timeline, uint64_t at_ns, unsigned worker, int pid)
{
    char *name = text_print("%u", worker);
    double at_s = seconds_of(timeline, at_ns);
    begin_life(timeline, name, pid, at_s);
    timeline->lives[timeline->life_count - 1].ready_s = at_s;
    add_moment(timeline, at_s, "start", name, text_print("pid %d", pid));
    free(name);
}

void timeline_miss(struct timeline *timeline, uint64_t at_ns, unsigned worker, int pid)
{
    char *name = text_print("%u", worker);
    double at_s = seconds_of(timeline, at_ns);
    struct life *life = find_life(timeline, name, pid);
    if (life && !is_over(life))
        life->end_s = at_s;
    add_moment(timeline, at_s, "exit", name, text_print("pid %d", pid));
    free(name);
}

void timeline_look(struct timeline *timeline, uint64_t at_ns)
{
    timeline->last_s = seconds_of(timeline, at_ns);
}

static void drain_life(struct life *life, double at_s)
{
    if (!is_over(life) && !isfinite(life->drain_s))
        life->drain_s = at_s;
}

static void take_start(struct timeline *timeline, const json_t *line, const char *worker, double at_s)
{
    if (!*worker)
        return;
    begin_life(timeline, worker, (int)json_integer_value(json_object_get(line, "generation")), at_s);
    if (json_object_get(line, "error"))
        timeline->lives[timeline->life_count - 1].end_s = at_s;
}

/* Who served in this place until now drains. */
static void take_ready(struct timeline *timeline, const json_t *line, const char *worker, double at_s)
{
    struct life *life = find_life(timeline, worker, (int)json_integer_value(json_object_get(line, "generation")));
    if (!*worker || !life)
        return;
    life->ready_s = at_s;
    for (unsigned i = 0; i < timeline->life_count; i++)
        if (&timeline->lives[i] != life && !strcmp(timeline->lives[i].worker, worker))
            drain_life(&timeline->lives[i], at_s);
}

static void take_exit(struct timeline *timeline, const json_t *line, const char *worker, double at_s)
{
    struct life *life = find_life(timeline, worker, (int)json_integer_value(json_object_get(line, "generation")));
    if (life && !is_over(life))
        life->end_s = at_s;
}

/* A worker's, or, at the end of the program, everybody's. */
static void take_drain(struct timeline *timeline, const json_t *line, const char *worker, double at_s)
{
    (void)line;
    for (unsigned i = 0; i < timeline->life_count; i++)
        if (!*worker || !strcmp(timeline->lives[i].worker, worker))
            drain_life(&timeline->lives[i], at_s);
}

/* Workers beyond the number wanted. */
static void take_scale(struct timeline *timeline, const json_t *line, const char *worker, double at_s)
{
    long wanted = (long)json_integer_value(json_object_get(line, "to"));
    (void)worker;
    for (unsigned i = 0; i < timeline->life_count; i++) {
        char *end, *name = timeline->lives[i].worker;
        long index = strtol(name, &end, 10);
        if (end != name && !*end && index >= wanted)
            drain_life(&timeline->lives[i], at_s);
    }
}

static const struct {
    const char *event;
    void (*take)(struct timeline *timeline, const json_t *line, const char *worker, double at_s);
} takers[] = {{"start", take_start}, {"ready", take_ready}, {"exit", take_exit}, {"drain", take_drain}, {"scale", take_scale}};

static void take_line(struct timeline *timeline, json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    double at_s = parse_wall(json_string_value(json_object_get(line, "time"))) - timeline->wall_begin_s;
    if (!event || !isfinite(at_s))
        return;
    char *worker = subject_of(line);
    for (size_t i = 0; i < sizeof(takers) / sizeof(*takers); i++)
        if (!strcmp(takers[i].event, event))
            takers[i].take(timeline, line, worker, at_s);
    add_moment(timeline, at_s, event, worker, rest_of(line));
    timeline->last_s = at_s;
    free(worker);
}

int timeline_read_log(struct timeline *timeline, const char *path)
{
    char *text;
    int result = file_read(path, LOG_LIMIT, &text, NULL);
    if (result < 0)
        return result;
    char *rest = text;
    for (char *row; (row = strsep(&rest, "\n"));) {
        json_t *line = json_loads(row, 0, NULL);
        if (json_is_object(line))
            take_line(timeline, line);
        json_decref(line);
    }
    free(text);
    return 0;
}

void timeline_end_all(struct timeline *timeline, uint64_t at_ns, uint64_t duration_ns)
{
    double at_s = seconds_of(timeline, at_ns);
    for (unsigned i = 0; i < timeline->life_count; i++)
        if (!is_over(&timeline->lives[i]))
            timeline->lives[i].end_s = at_s;
    timeline->last_s = fmax(fmax(timeline->last_s, at_s), (double)duration_ns / 1e9);
}

/* ---- files ---- */

static int compare_moments(const void *a, const void *b)
{
    const struct moment *one = a, *other = b;
    return (one->at_s > other->at_s) - (one->at_s < other->at_s);
}

static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

int timeline_write_events(struct timeline *timeline, const char *path)
{
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (result < 0)
        return result;
    if (timeline->moment_count)
        qsort(timeline->moments, timeline->moment_count, sizeof(*timeline->moments), compare_moments);
    fputs("time_s,event,worker,text\n", draft.out);
    for (unsigned i = 0; i < timeline->moment_count; i++) {
        const struct moment *moment = &timeline->moments[i];
        fprintf(draft.out, "%.4f,%s,%s,", moment->at_s, moment->event, moment->worker);
        print_quoted(draft.out, moment->text);
        fputc('\n', draft.out);
    }
    return file_commit(&draft);
}

static void print_state(FILE *out, const struct life *life, const char *state, double from_s, double to_s)
{
    if (isfinite(from_s) && to_s > from_s)
        fprintf(out, "%s,%u,%s,%.4f,%.4f\n", life->worker, life->number, state, from_s, to_s);
}

/* The earlier of two times, of which either may not have come. */
static double first_of(double one_s, double other_s)
{
    return fmin(one_s, other_s); /* which takes no NaN where there is a number */
}

/* Nobody lived in this worker's place from the end of `life` until then; NaN when somebody did. */
static double alone_until(const struct timeline *timeline, const struct life *life)
{
    double until_s = timeline->last_s;
    for (unsigned i = 0; i < timeline->life_count; i++) {
        const struct life *other = &timeline->lives[i];
        if (other == life || strcmp(other->worker, life->worker))
            continue;
        if (other->start_s <= life->end_s && !(other->end_s <= life->end_s))
            return NAN;
        if (other->start_s > life->end_s)
            until_s = first_of(until_s, other->start_s);
    }
    return until_s;
}

int timeline_write_lanes(const struct timeline *timeline, const char *path)
{
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (result < 0)
        return result;
    fputs("worker,life,state,from_s,to_s\n", draft.out);
    for (unsigned i = 0; i < timeline->life_count; i++) {
        const struct life *life = &timeline->lives[i];
        double end_s = is_over(life) ? life->end_s : timeline->last_s;
        print_state(draft.out, life, "starting", life->start_s, first_of(first_of(life->ready_s, life->drain_s), end_s));
        print_state(draft.out, life, "up", life->ready_s, first_of(life->drain_s, end_s));
        print_state(draft.out, life, "draining", life->drain_s, end_s);
        if (is_over(life) && !isfinite(life->drain_s))
            print_state(draft.out, life, "down", life->end_s, alone_until(timeline, life));
    }
    return file_commit(&draft);
}
