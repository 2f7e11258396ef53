/*
 * INI text. Lines and their parts are ended by NULs written over the line end, the ']' and the '='.
 */
#include "base/ini.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

#define SHOWN_LONGEST 80

void ini_begin(struct ini *ini, char *text, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors write it before UTF-8 */
    size_t skipped = length >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

    *ini = (struct ini){.at = text + skipped, .end = text + length};
}

/* Without the white space around it, and a NUL behind it. */
static char *cut(char *text, size_t length)
{
    struct slice piece = slice_trim((struct slice){text, length});
    char *begin = text + (piece.at - text);

    begin[piece.length] = '\0';
    return begin;
}

/* The next line; NULL at the end. */
static char *take_line(struct ini *ini, size_t *length)
{
    char *line = ini->at, *newline = line < ini->end ? memchr(line, '\n', (size_t)(ini->end - line)) : NULL;

    if (line >= ini->end)
        return NULL;
    ini->at = newline != NULL ? newline + 1 : ini->end;
    ini->line++;
    *length = (size_t)((newline != NULL ? newline : ini->end) - line);
    if (*length > 0 && line[*length - 1] == '\r')
        (*length)--;
    return line;
}

static int find_control(const char *line, size_t length, char *why)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];

        if (byte == '\0')
            return snprintf(why, INI_WHY_SIZE, "the line holds a NUL; this is no text file");
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return snprintf(why, INI_WHY_SIZE, "the line holds a control character");
    }
    return 0;
}

/* `line` is "[name]", white space cut off. */
static int read_section(char *line, struct ini_item *item, char *why)
{
    char *close = strchr(line, ']');

    if (close == NULL || close[1] != '\0') {
        snprintf(why, INI_WHY_SIZE, "'%.*s' is no section; use [NAME]", SHOWN_LONGEST, line);
        return -EINVAL;
    }
    *item = (struct ini_item){cut(line + 1, (size_t)(close - line - 1)), NULL};
    return 1;
}

static int read_key(char *line, struct ini_item *item, char *why)
{
    char *equals = strchr(line, '=');

    if (equals == NULL) {
        snprintf(why, INI_WHY_SIZE, "'%.*s' is neither [NAME] nor KEY = VALUE", SHOWN_LONGEST, line);
        return -EINVAL;
    }
    *item = (struct ini_item){cut(line, (size_t)(equals - line)), cut(equals + 1, strlen(equals + 1))};
    return 1;
}

int ini_next(struct ini *ini, struct ini_item *item, char *why)
{
    size_t length;
    char *line;

    while ((line = take_line(ini, &length)) != NULL) {
        struct slice text = slice_trim((struct slice){line, length});

        if (text.length == 0 || *text.at == '#' || *text.at == ';')
            continue;
        if (find_control(text.at, text.length, why) != 0)
            return -EINVAL;
        size_t indent = (size_t)(text.at - line);
        if (indent > ini->indent && ini->value_is_open && ini->values_go_on) {
            *item = (struct ini_item){NULL, cut(line, length)};
            return 1;
        }
        line = cut(line, length);
        ini->value_is_open = *line != '[';
        ini->indent = indent;
        return ini->value_is_open ? read_key(line, item, why) : read_section(line, item, why);
    }
    return 0;
}
