/*
 * Distributions of times: parsed once, drawn often.
 *
 * A kind is a row of a table (its word, how its parameters are read) and a case in draw and mean. Everything is kept in
 * nanoseconds as doubles: 53 bits hold an hour to far below a nanosecond.
 */
#include "base/distribution.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

#define LONGEST_NS (3600 * CLOCK_NS_PER_S)

const char distribution_allowed[] =
    "a time such as 5ms, or exp:MEAN, uniform:LOW-HIGH, lognormal:MEDIAN,SIGMA, pareto:LEAST,SHAPE, bimodal:TIME@SHARE,TIME@SHARE";

/* A piece of the text being parsed; never NUL-terminated. */
struct span {
    const char *text;
    size_t length;
};

static int parse_time(struct span span, double *ns)
{
    uint64_t value;

    if (units_parse_time(span.text, span.length, &value) < 0 || value > LONGEST_NS)
        return -EINVAL;
    *ns = (double)value;
    return 0;
}

/* Cuts `whole` at the first `separator`; false when there is none. The pieces may not overlap `whole`. */
static bool split(struct span whole, char separator, struct span *before, struct span *after)
{
    const char *at = whole.length == 0 ? NULL : memchr(whole.text, separator, whole.length);

    if (at == NULL)
        return false;
    before->text = whole.text;
    before->length = (size_t)(at - whole.text);
    after->text = at + 1;
    after->length = whole.length - before->length - 1;
    return true;
}

static int parse_constant(struct span span, struct distribution *d)
{
    return parse_time(span, &d->a);
}

static int parse_exponential(struct span span, struct distribution *d)
{
    return parse_time(span, &d->a);
}

static int parse_uniform(struct span span, struct distribution *d)
{
    struct span low, high;

    if (!split(span, '-', &low, &high) || parse_time(low, &d->a) < 0 || parse_time(high, &d->b) < 0)
        return -EINVAL;
    return d->a <= d->b ? 0 : -EINVAL;
}

static int parse_time_and_number(struct span span, struct distribution *d)
{
    struct span time, number;

    if (!split(span, ',', &time, &number) || parse_time(time, &d->a) < 0 ||
        units_parse_decimal(number.text, number.length, &d->b) < 0)
        return -EINVAL;
    return d->a > 0 ? 0 : -EINVAL;
}

static int parse_lognormal(struct span span, struct distribution *d)
{
    return parse_time_and_number(span, d);
}

static int parse_pareto(struct span span, struct distribution *d)
{
    return parse_time_and_number(span, d) == 0 && d->b > 0 ? 0 : -EINVAL;
}

static int parse_mode(struct span span, double *ns, double *share)
{
    struct span time, part;

    if (!split(span, '@', &time, &part) || parse_time(time, ns) < 0 || units_parse_decimal(part.text, part.length, share) < 0)
        return -EINVAL;
    return *share <= 1 ? 0 : -EINVAL;
}

static int parse_bimodal(struct span span, struct distribution *d)
{
    struct span first, second;
    double rest;

    if (!split(span, ',', &first, &second) || parse_mode(first, &d->a, &d->share) < 0 || parse_mode(second, &d->b, &rest) < 0)
        return -EINVAL;
    return fabs(d->share + rest - 1) < 1e-9 ? 0 : -EINVAL;
}

static const struct kind {
    const char *word;
    enum distribution_kind kind;
    int (*parse)(struct span span, struct distribution *d);
} kinds[] = {
    {"exp", DISTRIBUTION_EXPONENTIAL, parse_exponential},   {"uniform", DISTRIBUTION_UNIFORM, parse_uniform},
    {"lognormal", DISTRIBUTION_LOGNORMAL, parse_lognormal}, {"pareto", DISTRIBUTION_PARETO, parse_pareto},
    {"bimodal", DISTRIBUTION_BIMODAL, parse_bimodal},
};
static const struct kind constant = {"", DISTRIBUTION_CONSTANT, parse_constant};

static const struct kind *find_kind(struct span word)
{
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].word) == word.length && memcmp(kinds[i].word, word.text, word.length) == 0)
            return &kinds[i];
    return NULL;
}

int distribution_parse(const char *text, size_t length, struct distribution *distribution)
{
    struct span parameters = {text, length}, word;
    const struct kind *kind = &constant;
    struct distribution parsed = {0};

    if (split((struct span){text, length}, ':', &word, &parameters))
        kind = find_kind(word);
    if (kind == NULL || kind->parse(parameters, &parsed) < 0)
        return -EINVAL;
    parsed.kind = kind->kind;
    *distribution = parsed;
    return 0;
}

static double draw(const struct distribution *d, struct random *random)
{
    switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
        return d->a;
    case DISTRIBUTION_EXPONENTIAL:
        return d->a * random_exponential(random);
    case DISTRIBUTION_UNIFORM:
        return d->a + (d->b - d->a) * random_unit(random);
    case DISTRIBUTION_LOGNORMAL:
        return d->a * exp(d->b * random_normal(random));
    case DISTRIBUTION_PARETO:
        return d->a / pow(1 - random_unit(random), 1 / d->b);
    case DISTRIBUTION_BIMODAL:
        return random_unit(random) < d->share ? d->a : d->b;
    }
    return 0;
}

uint64_t distribution_draw(const struct distribution *distribution, struct random *random)
{
    double ns = draw(distribution, random);

    return ns < (double)LONGEST_NS ? (uint64_t)(ns + 0.5) : LONGEST_NS;
}

double distribution_mean(const struct distribution *d)
{
    switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_EXPONENTIAL:
        return d->a;
    case DISTRIBUTION_UNIFORM:
        return (d->a + d->b) / 2;
    case DISTRIBUTION_LOGNORMAL:
        return d->a * exp(d->b * d->b / 2);
    case DISTRIBUTION_PARETO:
        return d->b > 1 ? d->a * d->b / (d->b - 1) : INFINITY;
    case DISTRIBUTION_BIMODAL:
        return d->a * d->share + d->b * (1 - d->share);
    }
    return 0;
}
