/*
 * Lines of the access log, put together by hand: a library's printing would cost more than the request.
 */
#include "cluster/access_line.h"

#include <stdio.h>

#define FIXED_MOST  320 /* all of a line that is not a client's text */
#define ESCAPE_MOST 6   /* bytes that one byte becomes: \u00HH */

const char *const access_format_names[] = {"common", "json", NULL};

size_t access_line_bound(const struct access_entry *entry)
{
    size_t target = entry->target.length < ACCESS_TARGET_MOST ? entry->target.length : ACCESS_TARGET_MOST;
    return FIXED_MOST + ESCAPE_MOST * (entry->client.length + entry->method.length + target + entry->protocol.length);
}

static char *put(char *at, struct slice text)
{
    memcpy(at, text.at, text.length);
    return at + text.length;
}

#define PUT(at, literal) put(at, SLICE(literal))

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put(at, (struct slice){digits + sizeof digits - count, count});
}

/* ---- what clients say ---- */

static char *put_escaped_byte(char *at, unsigned char byte, struct slice prefix)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        *at++ = '\\';
        *at++ = (char)byte;
        return at;
    }
    at = put(at, prefix);
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

static char *put_escaped(char *at, struct slice text, struct slice prefix)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            at = put_escaped_byte(at, byte, prefix);
        else
            *at++ = (char)byte;
    }
    return at;
}

static char *put_target(char *at, struct slice target, struct slice prefix)
{
    if (target.length <= ACCESS_TARGET_MOST)
        return put_escaped(at, target, prefix);
    at = put_escaped(at, (struct slice){target.at, ACCESS_TARGET_MOST}, prefix);
    return PUT(at, "...");
}

/* ---- dates ---- */

static void make_dates(struct access_dates *dates, time_t second)
{
    struct tm utc = {0};
    gmtime_r(&second, &utc);
    strftime(dates->common, sizeof dates->common, "%d/%b/%Y:%H:%M:%S +0000", &utc);
    strftime(dates->json, sizeof dates->json, "%Y-%m-%dT%H:%M:%S", &utc);
    dates->second = second;
}

static void keep_dates(struct access_dates *dates, const struct access_entry *entry)
{
    if (dates->second != entry->time.tv_sec || !dates->common[0])
        make_dates(dates, entry->time.tv_sec);
}

/* ---- the formats ---- */

static char *put_or_dash(char *at, struct slice text)
{
    return text.length > 0 ? put_escaped(at, text, SLICE("\\x")) : PUT(at, "-");
}

static char *put_request_line(char *at, const struct access_entry *entry)
{
    if (entry->method.length == 0 || entry->target.length == 0 || entry->protocol.length == 0)
        return PUT(at, "-");
    at = put_escaped(at, entry->method, SLICE("\\x"));
    *at++ = ' ';
    at = put_target(at, entry->target, SLICE("\\x"));
    *at++ = ' ';
    return put_escaped(at, entry->protocol, SLICE("\\x"));
}

static char *put_common(char *at, const struct access_entry *entry, const struct access_dates *dates)
{
    at = put_or_dash(at, entry->client);
    at = PUT(at, " - - [");
    at = put(at, slice_of(dates->common));
    at = PUT(at, "] \"");
    at = put_request_line(at, entry);
    at = PUT(at, "\" ");
    at = put_number(at, (uint64_t)entry->status);
    *at++ = ' ';
    at = put_number(at, entry->bytes);
    *at++ = ' ';
    at = entry->worker >= 0 ? put_number(at, (uint64_t)entry->worker) : PUT(at, "-");
    *at++ = ' ';
    return put_number(at, entry->duration_us);
}

static char *put_milliseconds(char *at, long ns)
{
    long ms = ns / 1000000;
    *at++ = (char)('0' + ms / 100);
    *at++ = (char)('0' + ms / 10 % 10);
    *at++ = (char)('0' + ms % 10);
    return at;
}

static char *put_json(char *at, const struct access_entry *entry, const struct access_dates *dates)
{
    const struct slice prefix = SLICE("\\u00");
    at = PUT(at, "{\"time\":\"");
    at = put(at, slice_of(dates->json));
    *at++ = '.';
    at = put_milliseconds(at, entry->time.tv_nsec);
    at = PUT(at, "Z\",\"worker\":");
    at = entry->worker >= 0 ? put_number(at, (uint64_t)entry->worker) : PUT(at, "null");
    at = PUT(at, ",\"client\":\"");
    at = put_escaped(at, entry->client, prefix);
    at = PUT(at, "\",\"method\":\"");
    at = put_escaped(at, entry->method, prefix);
    at = PUT(at, "\",\"target\":\"");
    at = put_target(at, entry->target, prefix);
    at = PUT(at, "\",\"protocol\":\"");
    at = put_escaped(at, entry->protocol, prefix);
    at = PUT(at, "\",\"status\":");
    at = put_number(at, (uint64_t)entry->status);
    at = PUT(at, ",\"bytes\":");
    at = put_number(at, entry->bytes);
    at = PUT(at, ",\"duration_us\":");
    at = put_number(at, entry->duration_us);
    return PUT(at, "}");
}

static char *(*const formats[])(char *at, const struct access_entry *entry, const struct access_dates *dates) = {
    [ACCESS_COMMON] = put_common,
    [ACCESS_JSON] = put_json,
};

size_t access_line_put(enum access_format format, const struct access_entry *entry, struct access_dates *dates, char *at)
{
    keep_dates(dates, entry);
    char *end = formats[format](at, entry, dates);
    *end++ = '\n';
    return (size_t)(end - at);
}
