/* noise: see noise.h for what is counted and why. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>

#include "base/clock.h"
#include "base/cpus.h"

#include "census.h"
#include "machine.h"
#include "noise.h"
#include "text.h"

#define GOES              5u
#define GOES_TO_WARM_UP   2u
#define WORK              UINT64_C(1000000) /* steps of a go: about 2 ms */
#define CALIBRATED_LEAST  3u
#define CALIBRATIONS_MOST 9u /* of a block, where it is not interrupted */
#define TICKS_OF_ROUNDING 2u
#define DEVIATIONS        3.0

/* ---- reading ---- */

static uint64_t usage_ns(int whose)
{
    struct rusage usage;
    if (getrusage(whose, &usage) < 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CLOCK_NS_PER_S +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * CLOCK_NS_PER_US;
}

int noise_read(struct noise_reading *now)
{
    struct machine_time machine;
    struct census census;
    int result = machine_time(&machine);
    if (!result)
        result = census_take(&census);
    if (result)
        return result;
    *now = (struct noise_reading){.wall_ns = clock_now_ns(),
                                  .all_ns = machine.all_ns,
                                  .busy_ns = machine.busy_ns - machine.interrupts_ns,
                                  .steal_ns = machine.steal_ns,
                                  .interrupts_ns = machine.interrupts_ns,
                                  .own_ns = usage_ns(RUSAGE_SELF) + usage_ns(RUSAGE_CHILDREN),
                                  .others_ns = census_others_ns(&census, getpid())};
    census_free(&census);
    return 0;
}

/* ---- sums ---- */

static const struct {
    const char *key;
    size_t offset;
} parts[] = {
    {"wall_ns", offsetof(struct noise_reading, wall_ns)},         {"all_cpu_ns", offsetof(struct noise_reading, all_ns)},
    {"busy_cpu_ns", offsetof(struct noise_reading, busy_ns)},     {"steal_ns", offsetof(struct noise_reading, steal_ns)},
    {"own_cpu_ns", offsetof(struct noise_reading, own_ns)},       {"interrupts_ns", offsetof(struct noise_reading, interrupts_ns)},
    {"others_cpu_ns", offsetof(struct noise_reading, others_ns)},
};

#define PARTS (sizeof(parts) / sizeof(*parts))

static uint64_t *part_of(struct noise_reading *reading, size_t i)
{
    return (uint64_t *)(void *)((char *)reading + parts[i].offset);
}

static uint64_t part_value(const struct noise_reading *reading, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)reading + parts[i].offset);
}

void noise_add(struct noise_reading *sums, const struct noise_reading *from, const struct noise_reading *to)
{
    for (size_t i = 0; i < PARTS; i++)
        if (part_value(to, i) > part_value(from, i))
            *part_of(sums, i) += part_value(to, i) - part_value(from, i);
}

json_t *noise_json(const struct noise_reading *sums)
{
    json_t *json = json_object();
    for (size_t i = 0; i < PARTS; i++)
        json_object_set_new(json, parts[i].key, json_integer((json_int_t)part_value(sums, i)));
    return json;
}

int noise_from_json(struct noise_reading *sums, const json_t *json)
{
    for (size_t i = 0; i < PARTS; i++) {
        const json_t *value = json_object_get(json, parts[i].key);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return -EINVAL;
        *part_of(sums, i) = (uint64_t)json_integer_value(value);
    }
    return 0;
}

/* ---- judging ---- */

static double part_percent(double part_ns, uint64_t whole_ns)
{
    return part_ns > 0 && whole_ns ? 100 * part_ns / (double)whole_ns : 0;
}

struct noise noise_of(const struct noise_reading *sums, uint64_t tick_ns)
{
    double looks = (double)sums->all_ns / (double)tick_ns, sampling_ns = DEVIATIONS * sqrt(looks) / 2 * (double)tick_ns;
    double by_processes_ns = (double)sums->others_ns - (double)(TICKS_OF_ROUNDING * tick_ns);
    double by_machine_ns = (double)sums->busy_ns - (double)sums->own_ns - sampling_ns;
    by_processes_ns = fmin(by_processes_ns, by_machine_ns + (double)sums->interrupts_ns + 2 * sampling_ns);
    struct noise noise = {.steal_percent = part_percent((double)sums->steal_ns, sums->all_ns),
                          .by_processes_percent = part_percent(by_processes_ns, sums->wall_ns),
                          .by_machine_percent = part_percent(by_machine_ns, sums->wall_ns)};
    noise.foreign_percent = fmax(noise.by_processes_percent, noise.by_machine_percent);
    return noise;
}

char *noise_objection(const struct noise *noise)
{
    struct names reasons = {0};
    char *steal = text_print("steal %.1f %% is above %.0f %%", noise->steal_percent, NOISE_STEAL_MOST_PERCENT),
         *foreign = text_print("foreign CPU %.1f %% of one is above %.0f %%", noise->foreign_percent, NOISE_FOREIGN_MOST_PERCENT);
    if (noise->steal_percent > NOISE_STEAL_MOST_PERCENT)
        names_add(&reasons, steal);
    if (noise->foreign_percent > NOISE_FOREIGN_MOST_PERCENT)
        names_add(&reasons, foreign);
    char *objection = reasons.count ? names_join(&reasons, "; ") : NULL;
    names_free(&reasons);
    free(foreign);
    free(steal);
    return objection;
}

bool noise_too_much(unsigned accepted, unsigned rejected)
{
    return rejected > NOISE_REJECTED_MOST * (accepted + rejected);
}

bool noise_another_block(unsigned planned, unsigned accepted, unsigned lacking, unsigned rejected)
{
    unsigned in_vain = lacking + rejected;
    if (accepted + rejected < planned)
        return true;
    if (accepted - lacking >= planned)
        return false;
    return in_vain <= NOISE_RETRIES_MOST && in_vain <= NOISE_REJECTED_MOST * (planned + in_vain);
}

/* The worst case: all but one are accepted, and that one is thrown out as often as it may be. */
unsigned noise_repeats_most(unsigned planned)
{
    unsigned repeats = 0;
    while (noise_another_block(planned, planned - 1, 0, repeats + 1))
        repeats++;
    return repeats;
}

/* ---- calibration ---- */

struct times {
    double *us;
    size_t count;
};

static volatile uint64_t work_result; /* so that the work is done */

static double go_us(void)
{
    uint64_t begin_ns = clock_now_ns(), value = 1;
    for (uint64_t i = 0; i < WORK; i++)
        value = (value ^ (value >> 29)) * UINT64_C(0xbf58476d1ce4e5b9) + i;
    work_result = value;
    return (double)(clock_now_ns() - begin_ns) / 1e3;
}

static json_t *calibrate_cpus(json_t *array, const struct cpu_list *cpus)
{
    for (unsigned i = 0; array && i < cpus->count; i++) {
        double goes[GOES];
        if (cpus_pin(cpus->cpu[i]) < 0) {
            json_decref(array);
            return NULL;
        }
        for (unsigned g = 0; g < GOES_TO_WARM_UP; g++)
            go_us();
        for (unsigned g = 0; g < GOES; g++)
            goes[g] = go_us();
        json_array_append_new(array, json_real(gsl_stats_median(goes, 1, GOES)));
    }
    return array;
}

json_t *noise_calibrate(const struct placement *placement)
{
    struct cpu_list before;
    if (cpus_allowed(&before) < 0)
        return NULL;
    json_t *array = calibrate_cpus(json_array(), &placement->server);
    if (!placement->together)
        array = calibrate_cpus(array, &placement->generator);
    if (cpus_pin_list(&before) < 0 && array) {
        json_decref(array);
        array = NULL;
    }
    return array;
}

bool noise_calibration_due(unsigned cell, unsigned count)
{
    unsigned apart = (count + CALIBRATIONS_MOST - 1) / CALIBRATIONS_MOST;
    return apart < 2 || cell % apart == 0;
}

/* Adds what is above 0: what could not be measured is no time. */
static void add_time(struct times *times, double us)
{
    if (!(us > 0))
        return;
    times->us = memory_grow(times->us, (times->count + 1) * sizeof(*times->us));
    times->us[times->count++] = us;
}

/* 0 without any; frees them. */
static double take_median(struct times *times)
{
    double median = times->count ? gsl_stats_median(times->us, 1, times->count) : 0;
    free(times->us);
    return median;
}

static double median_of_block(const json_t *readings, size_t cpu)
{
    struct times times = {0};
    size_t i;
    const json_t *reading;
    json_array_foreach(readings, i, reading) add_time(&times, json_number_value(json_array_get(reading, cpu)));
    return take_median(&times);
}

static double median_of_run(const json_t *blocks, size_t cpu)
{
    struct times times = {0};
    size_t i;
    const json_t *block;
    json_array_foreach(blocks, i, block) add_time(&times, median_of_block(json_object_get(block, "calibration_us"), cpu));
    return take_median(&times);
}

double noise_calibration_off(const json_t *readings, const json_t *blocks)
{
    double worst = 0;
    size_t cpus = json_array_size(json_array_get(readings, 0));
    if (json_array_size(blocks) < CALIBRATED_LEAST)
        return 0;
    for (size_t cpu = 0; cpu < cpus; cpu++) {
        double us = median_of_block(readings, cpu), median = median_of_run(blocks, cpu);
        if (median > 0 && us > 0)
            worst = fmax(worst, 100 * fabs(us / median - 1));
    }
    return worst;
}
