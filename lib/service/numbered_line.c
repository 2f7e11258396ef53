/*
 * Writing and reading the numbered lines. The fields before the text have a fixed order and form, so that reading them back is
 * strict: what differs in one byte is not whole.
 */
#include "service/numbered_line.h"

#include <stdio.h>

#define SUM_DIGITS 16

/* FNV-1a, Fowler, Noll, Vo; draft-eastlake-fnv */
static uint64_t add_to_sum(uint64_t sum, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* Of a line without newline whose sum stands at `digits`. */
static uint64_t sum_of(const char *text, size_t length, const char *digits)
{
    size_t before = (size_t)(digits - text), behind = before + SUM_DIGITS;
    uint64_t sum = add_to_sum(UINT64_C(0xcbf29ce484222325), text, before);
    return add_to_sum(sum, text + behind, length - behind);
}

static void put_sum(char *digits, uint64_t sum)
{
    for (size_t i = SUM_DIGITS; i-- > 0; sum >>= 4)
        digits[i] = "0123456789abcdef"[sum & 15];
}

static int put_head(const struct numbered_line *line, size_t length, char *out)
{
    return snprintf(out, NUMBERED_LINE_HEAD_MOST, "worker=%u pid=%d life=%u line=%llu length=%010zu sum=%0*d ", line->worker,
                    line->pid, line->life, (unsigned long long)line->number, length, SUM_DIGITS, 0);
}

size_t numbered_line_begin(const struct numbered_line *line, size_t text_length, char *out)
{
    size_t head = (size_t)put_head(line, 0, out); /* as long for any length: that field has a width */
    put_head(line, head + text_length + 1, out);
    return head;
}

static char *find_sum(const char *text, size_t length)
{
    static const char name[] = " sum=";
    char *field = memmem(text, length, name, sizeof name - 1);
    return field ? field + sizeof name - 1 : NULL;
}

void numbered_line_seal(char *out, size_t length)
{
    char *digits = find_sum(out, length);
    put_sum(digits, sum_of(out, length - 1, digits));
    out[length - 1] = '\n';
}

/* Takes "name=" and a number off the front, and the blank behind it. */
static bool take_field(struct slice *text, const char *name, uint64_t *number)
{
    size_t count = 0;
    if (!slice_begins(*text, name))
        return false;
    *text = slice_after(*text, strlen(name));
    *number = 0;
    for (; count < text->length && text->at[count] >= '0' && text->at[count] <= '9'; count++) {
        if (*number > UINT64_MAX / 10 - 1)
            return false;
        *number = *number * 10 + (uint64_t)(text->at[count] - '0');
    }
    if (count == 0 || count == text->length || text->at[count] != ' ')
        return false;
    *text = slice_after(*text, count + 1);
    return true;
}

bool numbered_line_read(struct slice text, struct numbered_line *line)
{
    struct slice rest = text;
    uint64_t worker, pid, life, number, length;
    char digits[SUM_DIGITS];
    if (!take_field(&rest, "worker=", &worker) || !take_field(&rest, "pid=", &pid) || !take_field(&rest, "life=", &life) ||
        !take_field(&rest, "line=", &number) || !take_field(&rest, "length=", &length) || !slice_begins(rest, "sum="))
        return false;
    rest = slice_after(rest, 4);
    if (rest.length < SUM_DIGITS + 1 || rest.at[SUM_DIGITS] != ' ' || length != text.length + 1 || number == 0)
        return false;
    put_sum(digits, sum_of(text.at, text.length, rest.at));
    if (memcmp(digits, rest.at, SUM_DIGITS) != 0)
        return false;
    *line = (struct numbered_line){(unsigned)worker, (int)pid, (unsigned)life, number};
    return true;
}
