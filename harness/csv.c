/* csv: fields are cut out of the text in place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "csv.h"
#include "text.h"

#define CSV_LIMIT (64u << 20)

/* Takes a field off *rest and its quotes off the field; doubled quotes become one. */
static char *take_field(char **rest)
{
    char *from = *rest, *to = from, *field = from;
    bool quoted = *from == '"';
    for (from += quoted; *from && (quoted || *from != ','); from++) {
        if (quoted && *from == '"') {
            if (from[1] != '"') {
                from++;
                break;
            }
            from++;
        }
        *to++ = *from;
    }
    *rest = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return field;
}

bool csv_next(struct csv *csv)
{
    char *row = csv->rest ? strsep(&csv->rest, "\n") : NULL;
    csv->count = 0;
    if (!row || (!*row && !csv->rest))
        return false;
    while (row && csv->count < CSV_FIELDS_MOST)
        csv->fields[csv->count++] = take_field(&row);
    return true;
}

int csv_open(struct csv *csv, const char *path)
{
    *csv = (struct csv){0};
    int result = file_read(path, CSV_LIMIT, &csv->text, NULL);
    if (result < 0)
        return result;
    csv->rest = csv->text;
    csv_next(csv);
    return 0;
}

void csv_close(struct csv *csv)
{
    free(csv->text);
    *csv = (struct csv){0};
}

const char *csv_text(const struct csv *csv, unsigned field)
{
    return field < csv->count ? csv->fields[field] : "";
}

bool csv_number(const struct csv *csv, unsigned field, double *number)
{
    const char *text = csv_text(csv, field);
    char *end;
    *number = strtod(text, &end);
    return end != text && !*end && isfinite(*number);
}
