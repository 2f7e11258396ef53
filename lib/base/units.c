/*
 * Times, sizes and counts as people write them.
 *
 * A quantity is digits, perhaps a point and more digits, then a unit out of a table. The digits are read as one whole number and
 * the point as a power of ten, so no floating point is involved and nothing is rounded: what is no whole number of nanoseconds,
 * bytes or things ("1.5", "0.3k") is refused rather than bent.
 */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DECIMAL_LONGEST 31

struct unit {
    const char *name;
    uint64_t worth;
};

/* Ascending; the formatters look from the last down. */
static const struct unit time_units[] = {
    {"ns", 1},
    {"us", CLOCK_NS_PER_US},
    {"ms", CLOCK_NS_PER_MS},
    {"s", CLOCK_NS_PER_S},
    {"m", 60 * CLOCK_NS_PER_S},
    {"h", 3600 * CLOCK_NS_PER_S},
};
static const struct unit size_units[] = {{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}};
static const struct unit count_units[] = {{"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}};

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* digits * 10^-decimals, and the rest of the text. */
struct quantity {
    uint64_t digits;
    uint64_t divisor; /* 10^decimals */
    bool too_long;    /* more digits than fit */
    const char *unit;
    size_t unit_length;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *read_digits(struct quantity *q, const char *at, const char *end, bool decimals)
{
    for (; at < end && is_digit(*at); at++) {
        q->too_long |= __builtin_mul_overflow(q->digits, 10, &q->digits);
        q->too_long |= __builtin_add_overflow(q->digits, (uint64_t)(*at - '0'), &q->digits);
        if (decimals)
            q->too_long |= __builtin_mul_overflow(q->divisor, 10, &q->divisor);
    }
    return at;
}

static int read_quantity(const char *text, size_t length, struct quantity *q)
{
    const char *end = text + length, *at;

    *q = (struct quantity){.divisor = 1};
    at = read_digits(q, text, end, false);
    if (at == text)
        return -EINVAL;
    if (at < end && *at == '.') {
        const char *point = at;

        at = read_digits(q, at + 1, end, true);
        if (at == point + 1)
            return -EINVAL;
    }
    q->unit = at;
    q->unit_length = (size_t)(end - at);
    return 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool unit_is(const struct quantity *q, const char *name, bool any_case)
{
    size_t i;

    if (strlen(name) != q->unit_length)
        return false;
    for (i = 0; i < q->unit_length; i++)
        if ((any_case ? lower(q->unit[i]) : q->unit[i]) != name[i])
            return false;
    return true;
}

static const struct unit *find_unit(const struct quantity *q, const struct unit *units, size_t count, bool any_case)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (unit_is(q, units[i].name, any_case))
            return &units[i];
    return NULL;
}

static int parse_in(const char *text, size_t length, const struct unit *units, size_t count, bool any_case, uint64_t *value)
{
    const struct unit *unit;
    struct quantity q;
    unsigned __int128 exact;

    if (read_quantity(text, length, &q) < 0)
        return -EINVAL;
    unit = find_unit(&q, units, count, any_case);
    if (unit == NULL)
        return -EINVAL;
    if (q.too_long)
        return -ERANGE;
    exact = (unsigned __int128)q.digits * unit->worth;
    if (exact % q.divisor != 0)
        return -EINVAL;
    exact /= q.divisor;
    if (exact > UINT64_MAX)
        return -ERANGE;
    *value = (uint64_t)exact;
    return 0;
}

int units_parse_time(const char *text, size_t length, uint64_t *ns)
{
    if (length == 1 && text[0] == '0') {
        *ns = 0;
        return 0;
    }
    return parse_in(text, length, time_units, LENGTH_OF(time_units), false, ns);
}

int units_parse_size(const char *text, size_t length, uint64_t *bytes)
{
    return parse_in(text, length, size_units, LENGTH_OF(size_units), true, bytes);
}

int units_parse_count(const char *text, size_t length, uint64_t *count)
{
    return parse_in(text, length, count_units, LENGTH_OF(count_units), true, count);
}

int units_parse_decimal(const char *text, size_t length, double *number)
{
    char copy[DECIMAL_LONGEST + 1], *end;

    if (length == 0 || length > DECIMAL_LONGEST)
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strspn(copy, "0123456789.") != length)
        return -EINVAL;
    double value = strtod(copy, &end);
    if (end != copy + length)
        return -EINVAL;
    *number = value;
    return 0;
}

static char *format_in(uint64_t value, const struct unit *units, size_t count, char *text)
{
    size_t i = count - 1;

    while (i > 0 && value % units[i].worth != 0)
        i--;
    snprintf(text, UNITS_TEXT_SIZE, "%" PRIu64 "%s", value / units[i].worth, units[i].name);
    return text;
}

char *units_format_time(uint64_t ns, char *text)
{
    return ns == 0 ? strcpy(text, "0") : format_in(ns, time_units, LENGTH_OF(time_units), text);
}

char *units_format_size(uint64_t bytes, char *text)
{
    return bytes == 0 ? strcpy(text, "0") : format_in(bytes, size_units, LENGTH_OF(size_units), text);
}

/* One step of a printed scale: the unit's name, and how many of it make one of the next. */
struct step {
    const char *name;
    double next;
};

/* Divides until two decimals would no longer print as a whole one of the next unit: never "60.00s" or "1024.00KB". */
static char *print_scaled(double value, const struct step *step, char *text)
{
    for (; step->next > 0 && value >= step->next - 0.005; step++)
        value /= step->next;
    snprintf(text, UNITS_TEXT_SIZE, "%.2f%s", value, step->name);
    return text;
}

char *units_print_time(double ns, char *text)
{
    static const struct step steps[] = {{"ms", 1000}, {"s", 60}, {"m", 60}, {"h", 0}};

    return print_scaled(ns / (double)CLOCK_NS_PER_MS, steps, text);
}

char *units_print_size(double bytes, char *text)
{
    static const struct step steps[] = {{"B", 1024}, {"KB", 1024}, {"MB", 1024}, {"GB", 1024}, {"TB", 0}};

    return print_scaled(bytes, steps, text);
}
