/*
 * Objectives: what must hold of a run, as --slo and --find-max take it.
 *
 *   OBJECTIVES  FIGURE OP VALUE, parted by ','; blanks anywhere between them
 *   FIGURE      p50 .. p99.999 (any decimals), mean, max: of response time; of service time with `service-` in front
 *               errors: everything planned that did not end as it should, as a share of all that was planned
 *               rate: responses a second, as reported
 *   OP          < <= > >=
 *
 * A figure that is only a lower bound, because slower requests were cut off or never got through, holds no '<': what is not known
 * to be met is missed.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/study/study.h"

#define BOUND_SLACK 1.01 /* as for summary_percentile: what could be 1 % higher is a lower bound */

const char objectives_allowed[] =
    "use FIGURE<VALUE or FIGURE>VALUE with commas between: p99<5ms (p50..p99.999, mean, max, each also "
    "as service-p99), errors<0.1%, rate>1000";

/* ---- reading ---- */

static bool read_decimal(struct slice text, double *value)
{
    return units_parse_decimal(text.at, text.length, value) == 0;
}

static const char *read_percentile(struct objective *objective, struct slice digits)
{
    objective->figure = FIGURE_PERCENTILE;
    if (!read_decimal(digits, &objective->percentile) || objective->percentile <= 0 || objective->percentile >= 100)
        return "a percentile lies above p0 and below p100, such as p99 or p99.9; the highest value is max";
    return NULL;
}

/* Returns NULL, or what is wrong. */
static const char *read_figure(struct objective *objective, struct slice name)
{
    static const char service[] = "service-";
    objective->service = slice_begins(name, service);
    if (objective->service)
        name = slice_after(name, strlen(service));
    if (name.length > 1 && name.at[0] == 'p' && strchr("0123456789.", name.at[1]))
        return read_percentile(objective, slice_after(name, 1));
    objective->figure = slice_is(name, "mean")     ? FIGURE_MEAN
                        : slice_is(name, "max")    ? FIGURE_MAX
                        : slice_is(name, "errors") ? FIGURE_ERRORS
                                                   : FIGURE_RATE;
    bool of_time = objective->figure == FIGURE_MEAN || objective->figure == FIGURE_MAX;
    if ((objective->figure == FIGURE_RATE && !slice_is(name, "rate")) || (objective->service && !of_time))
        return objectives_allowed;
    return NULL;
}

static const char *read_value(struct objective *objective, struct slice text)
{
    uint64_t ns, count;
    switch (objective->figure) {
    case FIGURE_ERRORS:
        if (text.length < 2 || text.at[text.length - 1] != '%' ||
            !read_decimal(slice_trim((struct slice){text.at, text.length - 1}), &objective->bound) || objective->bound > 100)
            return "errors are a share of the planned requests, such as 0.1%";
        objective->bound /= 100;
        return NULL;
    case FIGURE_RATE:
        if (read_decimal(text, &objective->bound))
            return NULL;
        if (units_parse_count(text.at, text.length, &count) != 0)
            return "a rate is a number of responses a second, such as 1000 or 20k";
        objective->bound = (double)count;
        return NULL;
    default:
        if (units_parse_time(text.at, text.length, &ns) != 0)
            return "a time needs its unit, such as 250us, 5ms or 1.5s";
        objective->bound = (double)ns / 1000;
        return NULL;
    }
}

static const char *read_objective(struct objective *objective, struct slice text)
{
    size_t at = 0;
    *objective = (struct objective){.below = true};
    while (at < text.length && text.at[at] != '<' && text.at[at] != '>')
        at++;
    if (at == text.length || text.length >= sizeof(objective->text))
        return objectives_allowed;
    memcpy(objective->text, text.at, text.length);
    const char *wrong = read_figure(objective, slice_trim((struct slice){text.at, at}));
    objective->below = text.at[at++] == '<';
    objective->or_equal = at < text.length && text.at[at] == '=';
    at += objective->or_equal;
    return wrong ? wrong : read_value(objective, slice_trim(slice_after(text, at)));
}

int objectives_parse(const char *text, struct objectives *objectives, char *message)
{
    *objectives = (struct objectives){.count = 0};
    for (const char *at = text;; at++) {
        struct slice item = slice_trim((struct slice){at, strcspn(at, ",")});
        if (objectives->count == OBJECTIVES_MAX) {
            snprintf(message, MESSAGE_SIZE, "use at most %d objectives", OBJECTIVES_MAX);
            return -EINVAL;
        }
        const char *wrong = read_objective(&objectives->items[objectives->count++], item);
        if (wrong) {
            snprintf(message, MESSAGE_SIZE, "'%.*s': %s", (int)item.length, item.at, wrong);
            return -EINVAL;
        }
        at += strcspn(at, ",");
        if (*at == '\0')
            return 0;
    }
}

/* ---- looking ---- */

static const struct histogram *times_of(const struct objective *objective, const struct summary *summary)
{
    return objective->service ? &summary->service : &summary->response;
}

/* Lower bounds among the times above. Over kept connections of a closed loop both times are the same, and are kept once. */
static const struct histogram *censored_of(const struct objective *objective, const struct summary *summary)
{
    const struct settings *settings = summary->settings;
    bool apart = settings->is_open_loop || settings_opens_on_demand(settings);
    return objective->service && apart ? &summary->stats.censored_service : &summary->stats.censored;
}

/* So many times are at most `us`, whatever the censored requests would have come to. */
static double count_surely(const struct histogram *times, const struct histogram *censored, double us)
{
    uint64_t highest = (uint64_t)us;
    return (double)histogram_count_up_to(times, highest) - (double)histogram_count_up_to(censored, highest);
}

static double rank_of(const struct histogram *times, double percentile)
{
    return ceil(percentile / 100 * (double)times->total);
}

/* Would the percentile be more than 1 % higher with the censored requests as slow as can be? */
static bool is_lower_bound(const struct histogram *times, const struct histogram *censored, double percentile, uint64_t value)
{
    return censored->total > 0 && count_surely(times, censored, (double)value * BOUND_SLACK) < rank_of(times, percentile);
}

static double time_value(const struct objective *objective, const struct summary *summary, bool *bound)
{
    const struct histogram *times = times_of(objective, summary), *censored = censored_of(objective, summary);
    *bound = censored->total > 0;
    if (times->total == 0)
        return NAN;
    if (objective->figure == FIGURE_MEAN)
        return histogram_mean(times);
    if (objective->figure == FIGURE_MAX)
        return (double)histogram_maximum(times);
    uint64_t value = histogram_percentile(times, objective->percentile);
    *bound = is_lower_bound(times, censored, objective->percentile, value);
    return (double)value;
}

static double value_of(const struct objective *objective, const struct summary *summary, bool *bound)
{
    *bound = false;
    if (objective->figure == FIGURE_RATE)
        return summary->achieved_rate;
    if (objective->figure == FIGURE_ERRORS)
        return summary->planned ? (double)(summary->planned - summary->stats.ok) / (double)summary->planned : NAN;
    return time_value(objective, summary, bound);
}

/* Does a '<' hold with the censored requests as slow as can be, too? */
static bool is_sure(const struct objective *objective, const struct summary *summary, bool bound)
{
    if (objective->figure != FIGURE_PERCENTILE)
        return !bound;
    const struct histogram *times = times_of(objective, summary);
    double highest = objective->or_equal ? floor(objective->bound) : ceil(objective->bound) - 1;
    return highest >= 0 && count_surely(times, censored_of(objective, summary), highest) >= rank_of(times, objective->percentile);
}

double objective_value(const struct objective *objective, const struct summary *summary, bool *met)
{
    bool bound;
    double value = value_of(objective, summary, &bound);
    bool equal = objective->or_equal && value == objective->bound;
    if (objective->below)
        *met = (value < objective->bound || equal) && is_sure(objective, summary, bound);
    else
        *met = value > objective->bound || equal;
    return value;
}

bool objectives_met(const struct objectives *objectives, const struct summary *summary)
{
    return objectives_missed(objectives, summary) == NULL;
}

const struct objective *objectives_missed(const struct objectives *objectives, const struct summary *summary)
{
    for (unsigned i = 0; i < objectives->count; i++) {
        bool met;
        objective_value(&objectives->items[i], summary, &met);
        if (!met)
            return &objectives->items[i];
    }
    return NULL;
}

/* ---- saying ---- */

static char *print_value(const struct objective *objective, double value, char *text, size_t size)
{
    char time[UNITS_TEXT_SIZE];
    if (isnan(value))
        snprintf(text, size, "nothing was measured");
    else if (objective->figure == FIGURE_ERRORS)
        snprintf(text, size, "%.4g%%", 100 * value);
    else if (objective->figure == FIGURE_RATE)
        snprintf(text, size, "%.2f/s", value);
    else
        snprintf(text, size, "%s", units_print_time(value * 1000, time));
    return text;
}

void objectives_print(const struct objectives *objectives, const struct summary *summary, FILE *out)
{
    for (unsigned i = 0; i < objectives->count; i++) {
        const struct objective *objective = &objectives->items[i];
        char text[64];
        bool met, bound;
        double value = objective_value(objective, summary, &met);
        value_of(objective, summary, &bound);
        fprintf(out, "SLO %s: %s, %s%s\n", objective->text, met ? "met" : "missed", bound ? "at least " : "",
                print_value(objective, value, text, sizeof(text)));
    }
}

json_t *objectives_json(const struct objectives *objectives, const struct summary *summary)
{
    static const char *const units[] = {
        [FIGURE_PERCENTILE] = "us",           [FIGURE_MEAN] = "us",         [FIGURE_MAX] = "us",
        [FIGURE_ERRORS] = "share of planned", [FIGURE_RATE] = "requests/s",
    };
    json_t *array = json_array();
    for (unsigned i = 0; i < objectives->count; i++) {
        const struct objective *objective = &objectives->items[i];
        bool met, bound;
        double value = objective_value(objective, summary, &met);
        value_of(objective, summary, &bound);
        json_array_append_new(array, json_pack("{s:s s:o s:s s:b s:b}", "objective", objective->text, "value",
                                               isfinite(value) ? json_real(value) : json_null(), "unit", units[objective->figure],
                                               "lower_bound", bound, "met", met));
    }
    return array;
}
