/*
 * schedule: words to faults.
 *
 * An event is WHEN WHAT. The words of each kind of fault are a row of a table: does it take a target, a number, a factor, a length
 * of time? One reader goes along the words and follows the row.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

#include "schedule.h"
#include "text.h"

#define WORKERS_MOST 1024u
#define FACTOR_MOST  100.0 /* of 10 ms a tenth is left to run: no less can be kept to */

static const char allowed_events[] =
    "at|every TIME, then kill|stop|slow TARGET, drain worker N, reload or scale N; TARGET is worker N, front N or server; "
    "stop and slow end with 'for TIME', and slow has xN before that";

struct kind {
    const char *word;
    bool has_target, has_factor, may_last, is_scale, only_workers;
};

static const struct kind kinds[] = {
    [FAULT_KILL] = {.word = "kill", .has_target = true},
    [FAULT_STOP] = {.word = "stop", .has_target = true, .may_last = true},
    [FAULT_SLOW] = {.word = "slow", .has_target = true, .has_factor = true, .may_last = true},
    [FAULT_DRAIN] = {.word = "drain", .has_target = true, .only_workers = true},
    [FAULT_RELOAD] = {.word = "reload"},
    [FAULT_SCALE] = {.word = "scale", .is_scale = true},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct reader {
    const struct names *words;
    size_t next;
    const char *event; /* the whole of it, for messages */
    char *error;
};

static int complain(const struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(const struct reader *reader, const char *format, ...)
{
    va_list arguments;
    int length = snprintf(reader->error, SCHEDULE_ERROR_SIZE, "event '%.60s': ", reader->event);
    va_start(arguments, format);
    vsnprintf(reader->error + length, SCHEDULE_ERROR_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* The next word, or "" behind the last one. */
static const char *take_word(struct reader *reader)
{
    return reader->next < reader->words->count ? reader->words->items[reader->next++] : "";
}

static bool is_next(const struct reader *reader, const char *word)
{
    return reader->next < reader->words->count && !strcmp(reader->words->items[reader->next], word);
}

static int read_time(struct reader *reader, const char *behind, uint64_t *ns)
{
    const char *word = take_word(reader);
    if (units_parse_time(word, strlen(word), ns) < 0 || !*ns || *ns > 3600 * CLOCK_NS_PER_S)
        return complain(reader, "'%s' stands behind %s; use a time such as 500ms or 3s, up to 1h", word, behind);
    return 0;
}

static int read_number(struct reader *reader, const char *what, unsigned least, unsigned most, unsigned *number)
{
    uint64_t count;
    const char *word = take_word(reader);
    if (units_parse_count(word, strlen(word), &count) < 0 || count < least || count > most)
        return complain(reader, "'%s' is no %s; use %u..%u", word, what, least, most);
    *number = (unsigned)count;
    return 0;
}

static int read_target(struct reader *reader, const struct kind *kind, struct fault *fault)
{
    const char *word = take_word(reader);
    if (!strcmp(word, "worker") || !strcmp(word, "backend"))
        fault->target = TARGET_WORKER;
    else if (!strcmp(word, "front") && !kind->only_workers)
        fault->target = TARGET_FRONT;
    else if (!strcmp(word, "server") && !kind->only_workers)
        fault->target = TARGET_SERVER;
    else
        return complain(reader, "'%s' cannot be the target of %s; use %s", word, kind->word,
                        kind->only_workers ? "worker N" : "worker N, backend N, front N or server");
    return fault->target == TARGET_SERVER ? 0 : read_number(reader, word, 0, WORKERS_MOST - 1, &fault->number);
}

/* "x10" */
static int read_factor(struct reader *reader, double *factor)
{
    const char *word = take_word(reader);
    if (*word != 'x' || units_parse_decimal(word + 1, strlen(word + 1), factor) < 0 || *factor <= 1 || *factor > FACTOR_MOST)
        return complain(reader, "'%s' does not say how slow; use x2, x10, ... up to x%.0f", word, FACTOR_MOST);
    return 0;
}

static int read_when(struct reader *reader, struct fault *fault)
{
    const char *word = take_word(reader);
    fault->repeats = !strcmp(word, "every");
    if (!fault->repeats && strcmp(word, "at"))
        return complain(reader, "it begins with '%s'; use %s", word, allowed_events);
    return read_time(reader, word, &fault->at_ns);
}

static int read_kind(struct reader *reader, struct fault *fault)
{
    const char *word = take_word(reader);
    for (size_t i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i].word, word)) {
            fault->kind = (enum fault_kind)i;
            return 0;
        }
    return complain(reader, "'%s' is not known; use %s", word, allowed_events);
}

static int read_rest(struct reader *reader, struct fault *fault)
{
    const struct kind *kind = &kinds[fault->kind];
    int result = kind->has_target ? read_target(reader, kind, fault) : 0;
    if (!result && kind->is_scale)
        result = read_number(reader, "number of workers", 1, WORKERS_MOST, &fault->number);
    if (!result && kind->has_factor)
        result = read_factor(reader, &fault->factor);
    if (!result && kind->may_last && is_next(reader, "for")) {
        reader->next++;
        result = read_time(reader, "for", &fault->for_ns);
    }
    if (!result && reader->next < reader->words->count)
        result = complain(reader, "'%s' is one word too many; use %s", take_word(reader), allowed_events);
    return result;
}

/* The fault in one spelling, for records and pictures. */
static void spell(struct fault *fault)
{
    static const char *const targets[] = {[TARGET_WORKER] = "worker", [TARGET_FRONT] = "front"};
    const struct kind *kind = &kinds[fault->kind];
    char time[UNITS_TEXT_SIZE], *text = text_copy(kind->word);
    if (kind->has_target && fault->target == TARGET_SERVER)
        text_replace(&text, text_print("%s server", text));
    else if (kind->has_target)
        text_replace(&text, text_print("%s %s %u", text, targets[fault->target], fault->number));
    if (kind->is_scale)
        text_replace(&text, text_print("%s %u", text, fault->number));
    if (kind->has_factor)
        text_replace(&text, text_print("%s x%g", text, fault->factor));
    if (fault->for_ns)
        text_replace(&text, text_print("%s for %s", text, units_format_time(fault->for_ns, time)));
    snprintf(fault->text, sizeof(fault->text), "%s", text);
    free(text);
}

static int read_event(struct schedule *schedule, char *event, char *error)
{
    struct names words = {0};
    struct fault fault = {0};
    names_split(&words, event);
    struct reader reader = {.words = &words, .event = text_trim(event), .error = error};
    int result = words.count ? read_when(&reader, &fault) : complain(&reader, "it is empty; use %s", allowed_events);
    if (!result)
        result = read_kind(&reader, &fault);
    if (!result)
        result = read_rest(&reader, &fault);
    if (!result) {
        spell(&fault);
        schedule->faults = memory_grow(schedule->faults, (schedule->count + 1) * sizeof(*schedule->faults));
        schedule->faults[schedule->count++] = fault;
    }
    names_free(&words);
    return result;
}

int schedule_parse(struct schedule *schedule, const char *text, char error[SCHEDULE_ERROR_SIZE])
{
    char *copy = text_copy(text), *rest = copy;
    int result = 0;
    *schedule = (struct schedule){0};
    for (char *event; !result && (event = strsep(&rest, ","));)
        result = read_event(schedule, event, error);
    free(copy);
    return result;
}

void schedule_free(struct schedule *schedule)
{
    free(schedule->faults);
    *schedule = (struct schedule){0};
}

void schedule_hurry(struct schedule *schedule, unsigned by)
{
    for (unsigned i = 0; i < schedule->count; i++) {
        schedule->faults[i].at_ns /= by;
        schedule->faults[i].for_ns /= by;
        spell(&schedule->faults[i]);
    }
}

/* ---- when each is due ---- */

static int compare_occasions(const void *a, const void *b)
{
    const struct occasion *one = a, *other = b;
    if (one->at_ns != other->at_ns)
        return one->at_ns < other->at_ns ? -1 : 1;
    return (one->fault > other->fault) - (one->fault < other->fault); /* as they stand in the plan */
}

static uint64_t end_of(const struct fault *fault, uint64_t at_ns, uint64_t duration_ns)
{
    if (!kinds[fault->kind].may_last)
        return at_ns;
    return fault->for_ns ? at_ns + fault->for_ns : duration_ns;
}

unsigned schedule_occasions(const struct schedule *schedule, uint64_t duration_ns, struct occasion **occasions)
{
    unsigned count = 0;
    *occasions = memory_get((SCHEDULE_OCCASIONS_MAX + 1) * sizeof(**occasions));
    for (unsigned i = 0; i < schedule->count; i++) {
        const struct fault *fault = &schedule->faults[i];
        uint64_t at_ns = fault->at_ns;
        do {
            uint64_t until_ns = end_of(fault, at_ns, duration_ns);
            if (count > SCHEDULE_OCCASIONS_MAX || at_ns >= duration_ns || until_ns > duration_ns)
                break;
            (*occasions)[count++] = (struct occasion){fault, at_ns, until_ns};
            at_ns += fault->at_ns;
        } while (fault->repeats);
    }
    qsort(*occasions, count, sizeof(**occasions), compare_occasions);
    return count;
}

/* ---- does it fit? ---- */

static bool same_target(const struct fault *one, const struct fault *other)
{
    if (one->target == TARGET_SERVER || other->target == TARGET_SERVER)
        return true;
    return one->target == other->target && one->number == other->number;
}

/* A process that is held twice would go on when the first of the two lets go. */
static int check_overlaps(const struct occasion *occasions, unsigned count, char *error)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count && occasions[j].at_ns < occasions[i].until_ns; j++)
            if (kinds[occasions[j].fault->kind].may_last && same_target(occasions[i].fault, occasions[j].fault)) {
                snprintf(error, SCHEDULE_ERROR_SIZE, "event '%s' begins before '%s' is over; let one end first",
                         occasions[j].fault->text, occasions[i].fault->text);
                return -EINVAL;
            }
    return 0;
}

/* Workers there may be by the plan: those at the start, and what it scales to. */
static unsigned most_workers(const struct schedule *schedule, unsigned workers)
{
    for (unsigned i = 0; i < schedule->count; i++)
        if (schedule->faults[i].kind == FAULT_SCALE && schedule->faults[i].number > workers)
            workers = schedule->faults[i].number;
    return workers;
}

static int check_fault(const struct schedule *schedule, const struct fault *fault, uint64_t duration_ns, unsigned workers,
                       char *error)
{
    char at[UNITS_TEXT_SIZE], duration[UNITS_TEXT_SIZE];
    units_format_time(fault->at_ns, at);
    units_format_time(duration_ns, duration);
    if (fault->at_ns >= duration_ns)
        snprintf(error, SCHEDULE_ERROR_SIZE, "event '%s' comes at %s, but the measured time is %s; use a time before its end",
                 fault->text, at, duration);
    else if (end_of(fault, fault->at_ns, duration_ns) > duration_ns)
        snprintf(error, SCHEDULE_ERROR_SIZE, "event '%s' at %s ends after the measured time of %s; use a shorter one", fault->text,
                 at, duration);
    else if (fault->repeats && fault->for_ns > fault->at_ns)
        snprintf(error, SCHEDULE_ERROR_SIZE, "event '%s' lasts longer than the %s after which it comes again", fault->text, at);
    else if (kinds[fault->kind].has_target && fault->target == TARGET_WORKER && fault->number >= most_workers(schedule, workers))
        snprintf(error, SCHEDULE_ERROR_SIZE, "event '%s': there are %u workers; use worker 0..%u", fault->text,
                 most_workers(schedule, workers), most_workers(schedule, workers) - 1);
    else
        return 0;
    return -EINVAL;
}

int schedule_check(const struct schedule *schedule, uint64_t duration_ns, unsigned workers, char error[SCHEDULE_ERROR_SIZE])
{
    struct occasion *occasions;
    unsigned count;
    for (unsigned i = 0; i < schedule->count; i++)
        if (check_fault(schedule, &schedule->faults[i], duration_ns, workers, error) < 0)
            return -EINVAL;
    count = schedule_occasions(schedule, duration_ns, &occasions);
    int result = 0;
    if (count > SCHEDULE_OCCASIONS_MAX) {
        snprintf(error, SCHEDULE_ERROR_SIZE, "the events come to more than %u; let them come less often", SCHEDULE_OCCASIONS_MAX);
        result = -EINVAL;
    }
    if (!result)
        result = check_overlaps(occasions, count, error);
    free(occasions);
    return result;
}
