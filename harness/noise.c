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

/* The median of CPU `cpu` over all sittings of all blocks; 0 without any. */
static double median_of_cpu(const json_t *blocks, size_t cpu)
{
    double *values = NULL;
    size_t count = 0, b, s;
    const json_t *block, *sitting;
    json_array_foreach(blocks, b, block)
    {
        json_array_foreach(json_object_get(block, "calibration_us"), s, sitting)
        {
            double value = json_number_value(json_array_get(sitting, cpu));
            if (value <= 0)
                continue;
            values = memory_grow(values, (count + 1) * sizeof(*values));
            values[count++] = value;
        }
    }
    double median = count ? gsl_stats_median(values, 1, count) : 0;
    free(values);
    return median;
}

double noise_calibration_off(const json_t *sittings, const json_t *blocks)
{
    double worst = 0;
    size_t s, cpu;
    const json_t *sitting, *value;
    if (json_array_size(blocks) < CALIBRATED_LEAST)
        return 0;
    json_array_foreach(sittings, s, sitting)
    {
        json_array_foreach(sitting, cpu, value)
        {
            double median = median_of_cpu(blocks, cpu), us = json_number_value(value);
            if (median > 0 && us > 0)
                worst = fmax(worst, 100 * fabs(us / median - 1));
        }
    }
    return worst;
}
