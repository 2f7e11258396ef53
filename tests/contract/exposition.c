/*
 * Line by line, with what has to be remembered of the lines before: the families seen, the family under way, the samples of it, and
 * the histogram series under way.
 */
#include "exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE   128
#define LABELS_SIZE 256
#define FAMILIES    256
#define LABELS_MOST 16

enum kind { NO_KIND, COUNTER, GAUGE, HISTOGRAM };

struct reader {
    unsigned line;
    char *why;
    char families[FAMILIES][NAME_SIZE];
    unsigned family_count;
    char helped[NAME_SIZE]; /* HELP has come, TYPE has not */
    char family[NAME_SIZE]; /* under way */
    enum kind kind;
    char **samples; /* of it: name and labels */
    size_t sample_count, sample_size;
    bool in_series;
    char series[LABELS_SIZE]; /* of a histogram: its labels without le */
    double edge, below, infinite;
    unsigned parts; /* of the series: 1 _sum, 2 _count */
};

static __attribute__((format(printf, 2, 3))) bool wrong(struct reader *reader, const char *format, ...)
{
    int head = snprintf(reader->why, EXPOSITION_WHY_SIZE, "line %u: ", reader->line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->why + head, EXPOSITION_WHY_SIZE - (size_t)head, format, arguments);
    va_end(arguments);
    return false;
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

static size_t name_length(const char *text, bool colons)
{
    size_t length = 0;
    while (isalpha((unsigned char)text[length]) || text[length] == '_' || (colons && text[length] == ':') ||
           (length > 0 && isdigit((unsigned char)text[length])))
        length++;
    return length;
}

/* ---- names ---- */

static bool unit_is_base(struct reader *reader, const char *name)
{
    static const char *const refused[] = {"ms",      "us",      "ns",   "milliseconds", "microseconds", "nanoseconds",
                                          "minutes", "hours",   "days", "kilobytes",    "megabytes",    "kb",
                                          "mb",      "percent", "bits", "counter",      "gauge",        "histogram"};
    char copy[NAME_SIZE];
    snprintf(copy, sizeof copy, "%s", name);
    for (char *rest, *word = strtok_r(copy, "_", &rest); word; word = strtok_r(NULL, "_", &rest))
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            if (strcmp(word, refused[i]) == 0)
                return wrong(reader, "'%s': '%s' does not belong into a name", name, word);
    return true;
}

static bool name_fits_kind(struct reader *reader)
{
    bool total = ends_in(reader->family, "_total");
    if (reader->kind == COUNTER && !total)
        return wrong(reader, "the counter '%s' does not end in _total", reader->family);
    if (reader->kind != COUNTER &&
        (total || ends_in(reader->family, "_count") || ends_in(reader->family, "_sum") || ends_in(reader->family, "_bucket")))
        return wrong(reader, "'%s' ends as if it were something else", reader->family);
    return unit_is_base(reader, reader->family);
}

/* ---- the end of what belongs together ---- */

static bool end_series(struct reader *reader)
{
    bool whole = reader->parts == 3 || !reader->in_series;
    reader->in_series = false;
    return whole || wrong(reader, "a series of the histogram '%s' before here lacks _sum or _count", reader->family);
}

static bool end_family(struct reader *reader)
{
    if (!end_series(reader))
        return false;
    if (reader->family[0] != '\0' && reader->sample_count == 0)
        return wrong(reader, "'%s' has no samples", reader->family);
    while (reader->sample_count > 0)
        free(reader->samples[--reader->sample_count]);
    reader->family[0] = '\0';
    return true;
}

/* ---- HELP and TYPE ---- */

static bool read_help(struct reader *reader, const char *text)
{
    size_t length = name_length(text, true);
    if (!end_family(reader))
        return false;
    if (reader->helped[0] != '\0')
        return wrong(reader, "'%s' has a HELP and no TYPE", reader->helped);
    if (length == 0 || length >= NAME_SIZE || text[length] != ' ' || text[length + 1] == '\0' || text[length + 1] == ' ')
        return wrong(reader, "HELP wants a name, one blank and words");
    for (const char *at = strchr(text, '\\'); at; at = strchr(at + 2, '\\'))
        if (at[1] != '\\' && at[1] != 'n')
            return wrong(reader, "a backslash in HELP that is no escape");
    snprintf(reader->helped, sizeof reader->helped, "%.*s", (int)length, text);
    return true;
}

static bool read_type(struct reader *reader, const char *text)
{
    static const char *const names[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    size_t length = name_length(text, true);
    if (strlen(reader->helped) != length || strncmp(reader->helped, text, length) != 0 || text[length] != ' ')
        return wrong(reader, "TYPE for '%s' does not follow its HELP", text);
    reader->kind = NO_KIND;
    for (unsigned i = COUNTER; i <= HISTOGRAM; i++)
        if (strcmp(text + length + 1, names[i]) == 0)
            reader->kind = (enum kind)i;
    if (reader->kind == NO_KIND)
        return wrong(reader, "no such type: '%s'", text + length + 1);
    for (unsigned i = 0; i < reader->family_count; i++)
        if (strcmp(reader->families[i], reader->helped) == 0)
            return wrong(reader, "'%s' was there before", reader->helped);
    if (reader->family_count == FAMILIES)
        return wrong(reader, "too many families for this test");
    snprintf(reader->families[reader->family_count++], NAME_SIZE, "%s", reader->helped);
    snprintf(reader->family, sizeof reader->family, "%s", reader->helped);
    reader->helped[0] = '\0';
    return name_fits_kind(reader);
}

/* ---- samples ---- */

struct sample {
    char name[NAME_SIZE], series[LABELS_SIZE]; /* its labels without le */
    bool has_edge;
    double edge, value;
};

/* name="value" up to the closing brace; gives what is behind that, or NULL. */
static const char *read_labels(struct reader *reader, const char *at, struct sample *sample)
{
    char names[LABELS_MOST][NAME_SIZE];
    unsigned count = 0;
    size_t used = 0;
    for (; *at != '}'; count++) {
        size_t length = name_length(at, false);
        const char *value = at + length + 2, *end = value;
        if (length == 0 || length >= NAME_SIZE || at[length] != '=' || at[length + 1] != '"' || count == LABELS_MOST)
            return wrong(reader, "a label is no name=\"value\": %s", at), NULL;
        while (*end != '"' && *end != '\0')
            end += *end == '\\' && end[1] != '\0' ? 2 : 1;
        snprintf(names[count], NAME_SIZE, "%.*s", (int)length, at);
        for (unsigned i = 0; i < count; i++)
            if (strcmp(names[i], names[count]) == 0)
                return wrong(reader, "the label '%s' stands there twice", names[count]), NULL;
        if (*end != '"' || (end[1] != ',' && end[1] != '}') || (end[1] == ',' && end[2] == '}'))
            return wrong(reader, "the labels do not end as they should"), NULL;
        if (strcmp(names[count], "le") == 0) {
            sample->has_edge = true;
            sample->edge = strtod(value, NULL);
        } else {
            used += (size_t)snprintf(sample->series + used, LABELS_SIZE - used, "%.*s,", (int)(end + 1 - at), at);
        }
        if (used >= LABELS_SIZE)
            return wrong(reader, "labels too long for this test"), NULL;
        at = end + (end[1] == ',' ? 2 : 1);
    }
    return at + 1;
}

static bool remember_sample(struct reader *reader, const char *line, size_t length)
{
    for (size_t i = 0; i < reader->sample_count; i++)
        if (strlen(reader->samples[i]) == length && strncmp(reader->samples[i], line, length) == 0)
            return wrong(reader, "this sample was there before: %.*s", (int)length, line);
    if (reader->sample_count == reader->sample_size) {
        reader->sample_size = reader->sample_size ? 2 * reader->sample_size : 64;
        reader->samples = realloc(reader->samples, reader->sample_size * sizeof *reader->samples);
    }
    reader->samples[reader->sample_count++] = strndup(line, length);
    return true;
}

static bool judge_bucket(struct reader *reader, const struct sample *sample)
{
    if (!reader->in_series || strcmp(reader->series, sample->series) != 0) {
        if (!end_series(reader))
            return false;
        snprintf(reader->series, sizeof reader->series, "%s", sample->series);
        reader->in_series = true;
        reader->edge = -INFINITY;
        reader->below = reader->infinite = -1;
        reader->parts = 0;
    }
    if (!sample->has_edge || !(sample->edge > reader->edge) || sample->value < reader->below || reader->infinite >= 0)
        return wrong(reader, "buckets have to rise, up to +Inf (le %g behind %g, %g behind %g)", sample->edge, reader->edge,
                     sample->value, reader->below);
    reader->edge = sample->edge;
    reader->below = sample->value;
    reader->infinite = isinf(sample->edge) ? sample->value : -1;
    return true;
}

static bool judge_histogram(struct reader *reader, const struct sample *sample)
{
    size_t length = strlen(reader->family);
    const char *part = strncmp(sample->name, reader->family, length) == 0 ? sample->name + length : "";
    if (strcmp(part, "_bucket") == 0)
        return judge_bucket(reader, sample);
    bool is_sum = strcmp(part, "_sum") == 0, is_count = strcmp(part, "_count") == 0;
    if ((!is_sum && !is_count) || sample->has_edge || !reader->in_series || strcmp(reader->series, sample->series) != 0)
        return wrong(reader, "'%s' with these labels does not belong to the histogram '%s'", sample->name, reader->family);
    reader->parts |= is_sum ? 1 : 2;
    if (reader->infinite < 0 || (is_count && sample->value != reader->infinite))
        return wrong(reader, "_count is %g, the bucket +Inf %g", sample->value, reader->infinite);
    return true;
}

static bool judge_sample(struct reader *reader, const struct sample *sample)
{
    if (reader->kind == HISTOGRAM)
        return judge_histogram(reader, sample);
    if (strcmp(sample->name, reader->family) != 0)
        return wrong(reader, "'%s' does not belong to '%s'", sample->name, reader->family);
    if (sample->has_edge)
        return wrong(reader, "the label le is for histograms");
    if (reader->kind == COUNTER && !(sample->value >= 0 && isfinite(sample->value)))
        return wrong(reader, "the counter '%s' is %g", sample->name, sample->value);
    return true;
}

static bool read_sample(struct reader *reader, const char *line)
{
    struct sample sample = {.has_edge = false};
    size_t length = name_length(line, true);
    const char *at = line + length;
    char *end;
    if (length == 0 || length >= NAME_SIZE || (*at != '{' && *at != ' '))
        return wrong(reader, "no sample: %s", line);
    if (reader->family[0] == '\0')
        return wrong(reader, "a sample without HELP and TYPE: %s", line);
    snprintf(sample.name, sizeof sample.name, "%.*s", (int)length, line);
    if (*at == '{' && !(at = read_labels(reader, at + 1, &sample)))
        return false;
    if (!remember_sample(reader, line, (size_t)(at - line)))
        return false;
    sample.value = strtod(at, &end);
    if (*at != ' ' || at[1] == ' ' || end == at || *end != '\0')
        return wrong(reader, "the value is no number: '%s'", at);
    return judge_sample(reader, &sample);
}

/* ---- all of it ---- */

static bool read_line(struct reader *reader, const char *line)
{
    if (strncmp(line, "# HELP ", 7) == 0)
        return read_help(reader, line + 7);
    if (strncmp(line, "# TYPE ", 7) == 0)
        return read_type(reader, line + 7);
    return read_sample(reader, line);
}

bool exposition_check(const char *text, char why[EXPOSITION_WHY_SIZE])
{
    struct reader *reader = calloc(1, sizeof *reader);
    char *copy = strdup(text), *rest = copy;
    reader->why = why;
    bool well = *text != '\0' || wrong(reader, "nothing at all");
    while (well && *rest != '\0') {
        char *end = strchr(rest, '\n');
        reader->line++;
        if (!end) {
            well = wrong(reader, "the last line has no end");
            break;
        }
        *end = '\0';
        well = read_line(reader, rest);
        rest = end + 1;
    }
    well = well && end_family(reader);
    while (reader->sample_count > 0)
        free(reader->samples[--reader->sample_count]);
    free(reader->samples);
    free(reader);
    free(copy);
    return well;
}

double exposition_sum(const char *text, const char *name, const char *label, unsigned *count)
{
    size_t length = strlen(name);
    double sum = 0;
    unsigned found = 0;
    for (const char *line = text; line && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        const char *end = strchr(line, '\n'), *value = end ? memrchr(line, ' ', (size_t)(end - line)) : NULL;
        if (strncmp(line, name, length) != 0 || (line[length] != '{' && line[length] != ' ') || !value ||
            !memmem(line, (size_t)(value - line), label, strlen(label)))
            continue;
        sum += strtod(value, NULL);
        found++;
    }
    if (count)
        *count = found;
    return sum;
}
