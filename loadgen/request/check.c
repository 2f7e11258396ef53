/*
 * What a response must be.
 *
 * A check is read once from texts such as "status=2xx" and asked for every response. Nothing of a response is kept: the body
 * goes by in pieces, and what is sought in it is followed with the automaton of Knuth, Morris and Pratt ("Fast pattern matching in
 * strings", 1977), which never looks back and so does not care where a piece ends.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/units.h"
#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

const char *const check_names[CHECK_KINDS] = {"status", "header", "contains", "length", "crc32"};

const char check_allowed[] =
    "use status=200, status=2xx, status=200-299, header=NAME, header=NAME: VALUE, contains=TEXT, length=SIZE or crc32=HEX";

/* ---- reading one ---- */

/* Three digits from 100 on. */
static bool parse_status(const char *text, uint16_t *status)
{
    *status = 0;
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        *status = (uint16_t)(*status * 10 + (text[i] - '0'));
    }
    return *status >= 100;
}

static int add_status(struct check *check, const char *text)
{
    if (*text >= '1' && *text <= '9' && strcasecmp(text + 1, "xx") == 0) {
        check->status_from = (uint16_t)((*text - '0') * 100);
        check->status_to = (uint16_t)(check->status_from + 99);
        return 0;
    }
    if (!parse_status(text, &check->status_from))
        return -EINVAL;
    check->status_to = check->status_from;
    if (text[3] == '\0')
        return 0;
    bool range = text[3] == '-' && parse_status(text + 4, &check->status_to) && text[7] == '\0';
    return range && check->status_from <= check->status_to ? 0 : -EINVAL;
}

static int add_header(struct check *check, const char *text)
{
    size_t length = strcspn(text, ":");
    check->header = (struct slice){text, length};
    check->value = (struct slice){NULL, 0};
    if (!template_is_token(check->header))
        return -EINVAL;
    if (text[length] == ':')
        check->value = slice_trim(slice_of(text + length + 1));
    return 0;
}

/* table[i]: how many of the first i + 1 bytes' last ones are also their first ones, all of them aside. */
static int add_contains(struct check *check, const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > UINT32_MAX)
        return -EINVAL;
    unsigned *table = calloc(length, sizeof(*table)), matched = 0;
    if (!table)
        return -ENOMEM;
    for (size_t i = 1; i < length; i++) {
        while (matched > 0 && text[i] != text[matched])
            matched = table[matched - 1];
        matched += text[i] == text[matched];
        table[i] = matched;
    }
    check->contains = (struct slice){text, length};
    check->contains_table = table;
    return 0;
}

static int add_length(struct check *check, const char *text)
{
    return units_parse_size(text, strlen(text), &check->length) == 0 ? 0 : -EINVAL;
}

static int add_crc32(struct check *check, const char *text)
{
    size_t length = strlen(text);
    if (length < 1 || length > 8 || strspn(text, "0123456789abcdefABCDEF") != length)
        return -EINVAL;
    check->crc32 = (uint32_t)strtoul(text, NULL, 16);
    return 0;
}

static int (*const adders[CHECK_KINDS])(struct check *check, const char *text) = {add_status, add_header, add_contains, add_length,
                                                                                  add_crc32};

enum check_kind check_kind_of(const char *text)
{
    size_t length = strcspn(text, "=");
    unsigned kind = 0;
    while (kind < CHECK_KINDS && !(text[length] == '=' && slice_is((struct slice){text, length}, check_names[kind])))
        kind++;
    return kind;
}

int check_add(struct check *check, const char *text, char *message)
{
    enum check_kind kind = check_kind_of(text);
    if (kind < CHECK_KINDS && check->wanted[kind]) {
        snprintf(message, MESSAGE_SIZE, "%s is checked already; give each kind of check once", check_names[kind]);
        return -EINVAL;
    }
    int error = kind < CHECK_KINDS ? adders[kind](check, text + strlen(check_names[kind]) + 1) : -EINVAL;
    if (error == -EINVAL)
        snprintf(message, MESSAGE_SIZE, "%s", check_allowed);
    if (!error)
        check->wanted[kind] = true;
    return error;
}

void check_close(struct check *check)
{
    free(check->contains_table);
    *check = (struct check){.status_from = 0};
}

bool check_is_empty(const struct check *check)
{
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        if (check->wanted[kind])
            return false;
    return true;
}

bool check_needs_body(const struct check *check)
{
    return check->wanted[CHECK_CONTAINS] || check->wanted[CHECK_LENGTH] || check->wanted[CHECK_CRC32];
}

/* ---- asking it ---- */

void check_begin(struct check_progress *progress)
{
    *progress = (struct check_progress){.length = 0}; /* crc32(0, NULL, 0) is 0, too */
}

void check_header(const struct check *check, struct check_progress *progress, struct slice name, struct slice value)
{
    struct slice wanted = check->header;
    if (!check->wanted[CHECK_HEADER] || name.length != wanted.length || strncasecmp(name.at, wanted.at, name.length) != 0)
        return;
    progress->header_seen |=
        !check->value.at || (value.length == check->value.length && memcmp(value.at, check->value.at, value.length) == 0);
}

static void seek(const struct check *check, struct check_progress *progress, struct slice piece)
{
    struct slice wanted = check->contains;
    unsigned matched = progress->matched;
    for (size_t i = 0; i < piece.length; i++) {
        while (matched > 0 && piece.at[i] != wanted.at[matched])
            matched = check->contains_table[matched - 1];
        matched += piece.at[i] == wanted.at[matched];
        if (matched == wanted.length) {
            progress->contained = true;
            return;
        }
    }
    progress->matched = matched;
}

void check_body(const struct check *check, struct check_progress *progress, struct slice piece)
{
    if (piece.length == 0)
        return;
    progress->length += piece.length;
    if (check->wanted[CHECK_CONTAINS] && !progress->contained)
        seek(check, progress, piece);
    if (check->wanted[CHECK_CRC32])
        progress->crc32 = (uint32_t)crc32_z(progress->crc32, (const Bytef *)piece.at, piece.length);
}

enum check_kind check_end(const struct check *check, const struct check_progress *progress, unsigned status)
{
    const bool holds[CHECK_KINDS] = {
        [CHECK_STATUS] = status >= check->status_from && status <= check->status_to,
        [CHECK_HEADER] = progress->header_seen,
        [CHECK_CONTAINS] = progress->contained,
        [CHECK_LENGTH] = progress->length == check->length,
        [CHECK_CRC32] = progress->crc32 == check->crc32,
    };
    unsigned kind = 0;
    while (kind < CHECK_KINDS && (!check->wanted[kind] || holds[kind]))
        kind++;
    return kind;
}
