/* metric: the table of metric.h, made of its rows. */
#include <stdlib.h>
#include <string.h>

#include "metric.h"

const char *const compared_by_names[] = {[BY_RATIO] = "ratio", [BY_DIFFERENCE] = "difference"};

const struct metric_row metrics[METRIC_COUNT] = {
#define METRIC_ROW(id, name_, label_, unit_, decimals_, better_, factor_, by_) \
    [id] = {.name = name_, .label = label_, .unit = unit_, .decimals = decimals_, .better = better_, .factor = factor_, .by = by_},
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

int metric_find(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (!strcmp(metrics[i].name, name))
            return i;
    return -1;
}

void metric_names(struct names *names)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        names_add(names, metrics[i].name);
}

/* Whole thousands are easier to read apart. */
char *metric_text(double value, enum metric metric)
{
    int decimals = metrics[metric].decimals;
    char *plain = text_print("%.*f", decimals, value * metrics[metric].factor);
    size_t whole = strcspn(plain, ".") - (*plain == '-');
    if (decimals || whole < 4)
        return plain;
    char *grouped = text_copy("");
    for (size_t i = 0; plain[i]; i++)
        text_replace(&grouped,
                     text_print("%s%s%c", grouped, i && (strlen(plain) - i) % 3 == 0 && plain[i - 1] != '-' ? "," : "", plain[i]));
    free(plain);
    return grouped;
}
