/*
 * contrast: ratio or difference, chosen by the metric and never by the figures.
 *
 * A strategy that loses nothing is what is looked for, and nothing has no ratio to anything: pairs with a 0 would fall out, and
 * with them what was to be found. The metrics of which 0 is a good figure are compared by differences for this reason; order
 * statistics and the sign test ask for nothing else but pairs. All others are ratios, since a disturbed block is slower by a
 * factor.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrast.h"

#define VOID_FROM 0.01 /* as estimate_voids has it */

static bool by_ratio(enum metric metric)
{
    return metrics[metric].by == BY_RATIO;
}

static double difference_p(const double *a, const double *b, unsigned count)
{
    unsigned above = 0, below = 0;
    for (unsigned i = 0; i < count; i++) { /* a NaN is neither */
        above += a[i] > b[i];
        below += a[i] < b[i];
    }
    return estimate_signs_p(above, below);
}

struct contrast contrast_make(enum metric metric, const double *a, const double *b, unsigned count)
{
    struct contrast contrast = {.of = by_ratio(metric) ? estimate_ratio(a, b, count) : estimate_difference(a, b, count), .p = NAN};
    if (contrast.of.n)
        contrast.p = by_ratio(metric) ? estimate_sign_p(a, b, count) : difference_p(a, b, count);
    return contrast;
}

static double part_of_level(double part, double level)
{
    return isfinite(level) ? part * fabs(level) : 0;
}

double contrast_delta(enum metric metric, const struct estimate *again, double level)
{
    if (by_ratio(metric))
        return estimate_delta(again);
    return fmax(part_of_level(DELTA_LEAST, level), (again->high - again->low) / 2); /* fmax gives what is no NaN */
}

bool contrast_voids(enum metric metric, const struct estimate *again, double level)
{
    double least = part_of_level(VOID_FROM, level);
    return by_ratio(metric) ? estimate_voids(again) : again->low > least || again->high < -least;
}

enum verdict contrast_verdict(enum metric metric, const struct estimate *of, double delta)
{
    if (by_ratio(metric))
        return estimate_verdict(of, delta);
    if (!isfinite(of->low) || !isfinite(of->high))
        return VERDICT_NONE;
    if (of->low > delta || of->high < -delta)
        return VERDICT_DIFFERENT;
    return of->low >= -delta && of->high <= delta ? VERDICT_SAME : VERDICT_UNDECIDED;
}

/* ---- words ---- */

/* Less than half of the last decimal that is shown. */
static bool looks_like_nothing(enum metric metric, double value)
{
    return fabs(value) * metrics[metric].factor < 0.5 * pow(10, -metrics[metric].decimals);
}

static char *signed_text(enum metric metric, double value)
{
    char *plain = looks_like_nothing(metric, value) ? text_copy("0") : metric_text(value, metric);
    char *text = text_print("%s%s", value > 0 && strcmp(plain, "0") ? "+" : "", plain);
    free(plain);
    return text;
}

static char *difference_text(enum metric metric, const struct estimate *of, const char *unit)
{
    char *median = signed_text(metric, of->median), *text;
    if (isfinite(of->low)) {
        char *low = signed_text(metric, of->low), *high = signed_text(metric, of->high);
        text = text_print("%s [%s, %s]%s%s", median, low, high, *unit ? " " : "", unit);
        free(high);
        free(low);
    } else {
        text = text_print("%s%s%s", median, *unit ? " " : "", unit);
    }
    free(median);
    return text;
}

static char *ratio_words(const struct estimate *of, const char *after)
{
    return isfinite(of->low) ? text_print("%.2f [%.2f, %.2f]%s", of->median, of->low, of->high, after)
                             : text_print("%.2f%s", of->median, after);
}

char *contrast_text(enum metric metric, const struct estimate *of)
{
    if (!isfinite(of->median))
        return text_copy("-");
    return by_ratio(metric) ? ratio_words(of, "") : difference_text(metric, of, "");
}

char *contrast_phrase(enum metric metric, const struct estimate *of)
{
    if (!isfinite(of->median))
        return text_copy("-");
    return by_ratio(metric) ? ratio_words(of, " times") : difference_text(metric, of, metrics[metric].unit);
}

/* One decimal below 10 %: "-3" beside a limit of 3 % would not tell on which side of it the end lies. */
static char *percent_text(double part)
{
    double percent = 100 * part;
    return fabs(percent) < 0.05 ? text_copy("0") : text_print("%+.*f", fabs(percent) < 9.95 ? 1 : 0, percent);
}

char *contrast_range(enum metric metric, const struct estimate *of)
{
    if (by_ratio(metric)) {
        char *low = percent_text(of->low - 1), *high = percent_text(of->high - 1), *both = text_print("%s..%s %%", low, high);
        free(high);
        free(low);
        return both;
    }
    const char *unit = metrics[metric].unit;
    char *low = signed_text(metric, of->low), *high = signed_text(metric, of->high);
    char *text = text_print("%s..%s%s%s", low, high, *unit ? " " : "", unit);
    free(high);
    free(low);
    return text;
}

char *contrast_size(enum metric metric, double size)
{
    if (by_ratio(metric))
        return text_print("%.*f %%", size < 0.0995 ? 1 : 0, 100 * size);
    const char *unit = metrics[metric].unit;
    char *number = looks_like_nothing(metric, size) ? text_copy("0") : metric_text(size, metric);
    char *text = text_print("%s%s%s", number, *unit ? " " : "", unit);
    free(number);
    return text;
}
