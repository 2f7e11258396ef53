/*
 * A form is a pattern: '%' and a letter stand for a part of the date, everything else for itself. strptime(3) would read the names
 * of the machine's locale and blanks wherever they are.
 */
#include "http/date.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static const char *const forms[] = {
    "%a, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate, the one that is sent today */
    "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
    "%a %b %e %H:%M:%S %Y",      /* asctime(3) */
};

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *http_date_write(time_t date, char *text)
{
    struct tm tm;
    if (!gmtime_r(&date, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
        tm = (struct tm){.tm_year = 70, .tm_mday = 1, .tm_wday = 4}; /* no clock says so: the epoch */
    snprintf(text, HTTP_DATE_SIZE, "%.3s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday], (unsigned)tm.tm_mday % 100u,
             months[tm.tm_mon], (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u);
    return text;
}

/* Takes one of the names off; its place in the list, or -1. `letters` is how many of a name count, 0 for all. */
static int take_name(struct slice *text, const char *const *names, size_t count, size_t letters)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = letters ? letters : strlen(names[i]);
        if (text->length >= length && memcmp(text->at, names[i], length) == 0) {
            *text = slice_after(*text, length);
            return (int)i;
        }
    }
    return -1;
}

/* Takes `count` digits off, the first of which may be a blank if `blank`; -1 for anything else. */
static int take_number(struct slice *text, size_t count, bool blank)
{
    int number = 0;
    if (text->length < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char c = text->at[i];
        bool is_blank = blank && i == 0 && c == ' ';
        if (!is_blank && (c < '0' || c > '9'))
            return -1;
        number = number * 10 + (is_blank ? 0 : c - '0');
    }
    *text = slice_after(*text, count);
    return number;
}

/* A year more than 50 years ahead is the latest past one with these digits. */
static int full_year(int two_digits, time_t now)
{
    struct tm tm;
    if (!gmtime_r(&now, &tm))
        return -1;
    int year = tm.tm_year + 1900, guess = year - year % 100 + two_digits;
    return guess > year + 50 ? guess - 100 : guess;
}

static const struct number {
    char part;
    size_t field; /* of struct tm */
    size_t digits;
    bool blank;
} numbers[] = {
    {'d', offsetof(struct tm, tm_mday), 2, false}, {'e', offsetof(struct tm, tm_mday), 2, true},
    {'H', offsetof(struct tm, tm_hour), 2, false}, {'M', offsetof(struct tm, tm_min), 2, false},
    {'S', offsetof(struct tm, tm_sec), 2, false},  {'y', offsetof(struct tm, tm_year), 2, false},
    {'Y', offsetof(struct tm, tm_year), 4, false},
};

static const struct number *find_number(char part)
{
    const struct number *number = numbers;
    while (number->part != part)
        number++;
    return number;
}

/* One part of a pattern. False when the text has something else there. */
static bool take_part(char part, struct slice *text, time_t now, struct tm *tm)
{
    if (part == 'a' || part == 'A')
        return take_name(text, days, 7, part == 'a' ? 3 : 0) >= 0;
    if (part == 'b')
        return (tm->tm_mon = take_name(text, months, 12, 3)) >= 0;
    const struct number *number = find_number(part);
    int value = take_number(text, number->digits, number->blank);
    bool good = value >= 0;
    if (good && part == 'y')
        value = full_year(value, now);
    if (part == 'y' || part == 'Y')
        value -= 1900;
    *(int *)((char *)tm + number->field) = value;
    return good;
}

static bool matches(const char *form, struct slice text, time_t now, struct tm *tm)
{
    for (; *form; form++) {
        if (*form == '%') {
            if (!take_part(*++form, &text, now, tm))
                return false;
        } else {
            if (text.length == 0 || *text.at != *form)
                return false;
            text = slice_after(text, 1);
        }
    }
    return text.length == 0;
}

static int days_of_month(int month, int year)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month] + (month == 1 && leap);
}

int http_date_parse(struct slice text, time_t now, time_t *date)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        if (!matches(forms[i], text, now, &tm))
            continue;
        if (tm.tm_mday < 1 || tm.tm_mday > days_of_month(tm.tm_mon, tm.tm_year + 1900) || tm.tm_hour > 23 || tm.tm_min > 59 ||
            tm.tm_sec > 60)
            return -EINVAL;
        *date = timegm(&tm);
        return 0;
    }
    return -EINVAL;
}
