/* hgrm: the text layout that HdrHistogram's reference implementations print, back into numbers. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "hgrm.h"
#include "text.h"

static void add_line(struct hgrm *hgrm, double value, double quantile, double total)
{
    hgrm->values = memory_grow(hgrm->values, (hgrm->count + 1) * sizeof(*hgrm->values));
    hgrm->quantiles = memory_grow(hgrm->quantiles, (hgrm->count + 1) * sizeof(*hgrm->quantiles));
    hgrm->values[hgrm->count] = value;
    hgrm->quantiles[hgrm->count++] = quantile;
    hgrm->total = total;
}

static int parse_line(struct hgrm *hgrm, const char *line)
{
    double value, quantile, total;
    line += strspn(line, " \t\r");
    if (!*line || *line == '#' || !strncmp(line, "Value", 5))
        return 0;
    if (sscanf(line, "%lf %lf %lf", &value, &quantile, &total) != 3 || !(quantile >= 0 && quantile <= 1) || !isfinite(value))
        return -EINVAL;
    if (hgrm->count && quantile < hgrm->quantiles[hgrm->count - 1])
        return -EINVAL;
    add_line(hgrm, value, quantile, total);
    return 0;
}

int hgrm_parse(const char *text, struct hgrm *hgrm)
{
    *hgrm = (struct hgrm){0};
    char *copy = text_copy(text), *rest = copy;
    int result = 0;
    for (char *line; !result && (line = strsep(&rest, "\n"));)
        result = parse_line(hgrm, line);
    free(copy);
    if (!result && !hgrm->count)
        result = -EINVAL;
    if (result)
        hgrm_free(hgrm);
    return result;
}

int hgrm_read(const char *path, struct hgrm *hgrm)
{
    *hgrm = (struct hgrm){0};
    char *text;
    size_t length;
    int result = file_read(path, 4u << 20, &text, &length);
    if (result < 0)
        return result;
    result = hgrm_parse(text, hgrm);
    free(text);
    return result;
}

void hgrm_free(struct hgrm *hgrm)
{
    free(hgrm->values);
    free(hgrm->quantiles);
    *hgrm = (struct hgrm){0};
}

double hgrm_value(const struct hgrm *hgrm, double quantile)
{
    for (unsigned i = 0; i < hgrm->count; i++)
        if (hgrm->quantiles[i] >= quantile)
            return hgrm->values[i];
    return hgrm->count ? hgrm->values[hgrm->count - 1] : NAN;
}
