/*
 * What a server asked one connection to say again. RFC 6265, as far as it applies to one connection to one server.
 *
 * The jar is its own header: "a=1; b=2". A cookie's name and value hold no ';' (5.2 cuts at the first one), so "; " parts them
 * without doubt and nothing else has to be kept; a jar without cookies is a few words of memory. A cookie that is set again keeps
 * its place (5.3, step 11.3).
 *
 * Rule: the header never grows beyond COOKIES_LONGEST bytes, COOKIES_MAX cookies, and never holds a control character: it goes
 * into a request as it is. Whatever would break the rule is passed over, and the jar stays as it was.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadgen/request/request.h"

#define COOKIES_MAX 64

struct cookie_jar {
    char *text;
    size_t length, size;
    unsigned count;
};

struct cookie_jar *cookie_jar_new(void)
{
    return calloc(1, sizeof(struct cookie_jar));
}

void cookie_jar_free(struct cookie_jar *jar)
{
    if (jar)
        free(jar->text);
    free(jar);
}

struct slice cookie_jar_header(const struct cookie_jar *jar)
{
    return (struct slice){jar->text, jar->length};
}

/* ---- dates: RFC 6265 5.1.1 ---- */

struct date {
    int day, month, year, hour, minute, second; /* -1: not found yet */
};

/* Up to `most` digits at the beginning; returns how many, 0 when there are fewer than `least` or one more follows. */
static size_t take_number(struct slice text, size_t least, size_t most, int *number)
{
    size_t digits = 0;
    int value = 0;
    while (digits < text.length && digits < most && isdigit((unsigned char)text.at[digits]))
        value = value * 10 + (text.at[digits++] - '0');
    if (digits < least || (digits < text.length && isdigit((unsigned char)text.at[digits])))
        return 0;
    *number = value;
    return digits;
}

static bool take_time(struct slice token, struct date *date)
{
    int parts[3];
    for (int i = 0; i < 3; i++) {
        size_t digits = take_number(token, 1, 2, &parts[i]);
        if (digits == 0 || (i < 2 && (digits == token.length || token.at[digits] != ':')))
            return false;
        token = slice_after(token, digits + (i < 2));
    }
    date->hour = parts[0];
    date->minute = parts[1];
    date->second = parts[2];
    return true;
}

static bool take_month(struct slice token, struct date *date)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12 && token.length >= 3; i++)
        if (strncasecmp(token.at, months + (ptrdiff_t)3 * i, 3) == 0) {
            date->month = i;
            return true;
        }
    return false;
}

/* Each token is the first of these that is still missing and that it looks like. */
static void take_token(struct slice token, struct date *date)
{
    if (date->hour < 0 && take_time(token, date))
        return;
    if (date->day < 0 && take_number(token, 1, 2, &date->day))
        return;
    if (date->month < 0 && take_month(token, date))
        return;
    if (date->year < 0)
        take_number(token, 2, 4, &date->year);
}

static bool is_delimiter(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c == 0x09 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) || (c >= 0x5b && c <= 0x60) ||
           (c >= 0x7b && c <= 0x7e);
}

/* Seconds since 1970, any time zone taken for GMT as the RFC says. False for what is no date. */
static bool parse_date(struct slice text, int64_t *seconds)
{
    struct date date = {-1, -1, -1, -1, -1, -1};
    while (text.length > 0) {
        size_t length = 0;
        while (length < text.length && !is_delimiter(text.at[length]))
            length++;
        if (length > 0)
            take_token((struct slice){text.at, length}, &date);
        text = slice_after(text, length < text.length ? length + 1 : length);
    }
    if (date.year >= 0 && date.year <= 99)
        date.year += date.year >= 70 ? 1900 : 2000;
    if (date.day < 1 || date.day > 31 || date.month < 0 || date.year < 1601 || date.hour < 0 || date.hour > 23 ||
        date.minute > 59 || date.second > 59)
        return false;
    struct tm tm = {.tm_mday = date.day,
                    .tm_mon = date.month,
                    .tm_year = date.year - 1900,
                    .tm_hour = date.hour,
                    .tm_min = date.minute,
                    .tm_sec = date.second};
    *seconds = timegm(&tm);
    return tm.tm_mday == date.day; /* timegm makes 3 March of 31 February */
}

/* ---- attributes: RFC 6265 5.2 ---- */

/* What the attributes say of the end; the last of each kind counts, and Max-Age before Expires. */
struct lifetime {
    bool has_age, has_date;
    bool age_is_over;
    int64_t date;
};

/* "-" and digits, or digits; else the attribute is passed over. */
static void read_age(struct slice value, struct lifetime *lifetime)
{
    bool negative = value.length > 0 && *value.at == '-', zero = true;
    struct slice digits = slice_after(value, negative);
    if (value.length == 0)
        return;
    for (size_t i = 0; i < digits.length; i++) {
        if (!isdigit((unsigned char)digits.at[i]))
            return;
        zero &= digits.at[i] == '0';
    }
    lifetime->has_age = true;
    lifetime->age_is_over = negative || zero;
}

static void read_attribute(struct slice attribute, struct lifetime *lifetime)
{
    const char *equals = attribute.length ? memchr(attribute.at, '=', attribute.length) : NULL;
    if (!equals)
        return;
    struct slice name = slice_trim((struct slice){attribute.at, (size_t)(equals - attribute.at)});
    struct slice value = slice_trim(slice_after(attribute, (size_t)(equals - attribute.at) + 1));
    if (slice_is_nocase(name, "max-age"))
        read_age(value, lifetime);
    else if (slice_is_nocase(name, "expires") && parse_date(value, &lifetime->date))
        lifetime->has_date = true;
}

/* The one look at a clock in this folder: an Expires means nothing without. */
static bool is_over(const struct lifetime *lifetime)
{
    if (lifetime->has_age)
        return lifetime->age_is_over;
    return lifetime->has_date && lifetime->date <= (int64_t)time(NULL);
}

/* ---- the jar ---- */

/* Takes what lies before the next ';' off `text`. */
static struct slice next_part(struct slice *text)
{
    const char *end = text->length ? memchr(text->at, ';', text->length) : NULL;
    struct slice part = {text->at, end ? (size_t)(end - text->at) : text->length};
    *text = slice_after(*text, part.length + (end ? 1 : 0));
    return part;
}

/* The cookie of that name: its bytes "a=1" in the jar; length 0 without. `name` ends with its '='. */
static struct slice find(const struct cookie_jar *jar, struct slice name)
{
    struct slice rest = cookie_jar_header(jar);
    while (rest.length > 0) {
        struct slice cookie = next_part(&rest);
        if (rest.length > 0)
            rest = slice_after(rest, 1); /* the space behind the ';' */
        if (cookie.length >= name.length && memcmp(cookie.at, name.at, name.length) == 0)
            return cookie;
    }
    return rest;
}

static bool make_room(struct cookie_jar *jar, size_t length)
{
    if (length <= jar->size)
        return true;
    size_t size = 2 * length < COOKIES_LONGEST ? 2 * length : COOKIES_LONGEST;
    char *text = realloc(jar->text, size);
    if (!text)
        return false;
    jar->text = text;
    jar->size = size;
    return true;
}

/* Puts `cookie` in the place of `count` bytes at `at`; false when it does not fit. `cookie` lies outside the jar. */
static bool replace(struct cookie_jar *jar, size_t at, size_t count, struct slice cookie)
{
    size_t length = jar->length - count + cookie.length, behind = jar->length - at - count;
    if (length > COOKIES_LONGEST || !make_room(jar, length))
        return false;
    if (behind > 0)
        memmove(jar->text + at + cookie.length, jar->text + at + count, behind);
    if (cookie.length > 0)
        memcpy(jar->text + at, cookie.at, cookie.length);
    jar->length = length;
    return true;
}

static void take_back(struct cookie_jar *jar, struct slice old)
{
    size_t at = (size_t)(old.at - jar->text), count = old.length;
    if (at > 0) {
        at -= strlen("; ");
        count += strlen("; ");
    } else if (count < jar->length)
        count += strlen("; ");
    replace(jar, at, count, (struct slice){NULL, 0});
    jar->count--;
}

static void append(struct cookie_jar *jar, struct slice cookie)
{
    size_t before = jar->length;
    if (jar->count == COOKIES_MAX || (before > 0 && !replace(jar, before, 0, SLICE("; "))))
        return;
    if (replace(jar, jar->length, 0, cookie))
        jar->count++;
    else
        jar->length = before;
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f)
            return false;
    return true;
}

/* "name=value" without white space around either, written to `pair` (COOKIES_LONGEST); length 0 for what is no cookie. The name's
 * length, with the '=', goes to *name_length. */
static size_t read_pair(struct slice text, char *pair, size_t *name_length)
{
    const char *equals = text.length ? memchr(text.at, '=', text.length) : NULL;
    if (!equals || !is_printable(text))
        return 0;
    struct slice name = slice_trim((struct slice){text.at, (size_t)(equals - text.at)});
    struct slice value = slice_trim(slice_after(text, (size_t)(equals - text.at) + 1));
    if (name.length == 0 || name.length + 1 + value.length > COOKIES_LONGEST)
        return 0;
    char *at = mempcpy(pair, name.at, name.length);
    *at++ = '=';
    *name_length = name.length + 1;
    at = value.length ? mempcpy(at, value.at, value.length) : at;
    return (size_t)(at - pair);
}

void cookie_jar_set(struct cookie_jar *jar, struct slice set_cookie)
{
    char pair[COOKIES_LONGEST];
    size_t name_length = 0, length = read_pair(next_part(&set_cookie), pair, &name_length);
    if (length == 0)
        return;
    struct lifetime lifetime = {.has_age = false};
    while (set_cookie.length > 0)
        read_attribute(next_part(&set_cookie), &lifetime);
    struct slice old = find(jar, (struct slice){pair, name_length});
    if (is_over(&lifetime)) {
        if (old.length > 0)
            take_back(jar, old);
    } else if (old.length > 0)
        replace(jar, (size_t)(old.at - jar->text), old.length, (struct slice){pair, length});
    else
        append(jar, (struct slice){pair, length});
}
