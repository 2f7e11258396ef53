/* INI text: what is an item, what is none, and what is refused at which line. */
#include "support.h"

#include "base/ini.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* "[section]" and "key=value" as read, a blank between them; what was refused as "LINE: why". */
static char *read_as(const char *text, size_t length, bool values_go_on)
{
    static char result[65536];
    char why[INI_WHY_SIZE], *copy = malloc(length + 1);
    struct ini ini;
    struct ini_item item;
    int got;

    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '#'; /* the byte that is written to need not be a NUL */
    result[0] = '\0';
    ini_begin(&ini, copy, length);
    ini.values_go_on = values_go_on;
    while ((got = ini_next(&ini, &item, why)) > 0)
        if (item.name == NULL)
            sprintf(result + strlen(result), "+%s ", item.value);
        else
            sprintf(result + strlen(result), item.value != NULL ? "%s=%s " : "[%s] ", item.name, item.value);
    if (got < 0) {
        assert_int_equal(got, -EINVAL);
        sprintf(result + strlen(result), "%u: %s", ini.line, why);
    }
    free(copy);
    return result;
}

static char *read_all(const char *text, size_t length)
{
    return read_as(text, length, false);
}

static void items(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"\n\n  \n\t\n", ""},
        {"[a]\nb = c\n", "[a] b=c "},
        {"[a]\nb=c", "[a] b=c "},
        {"\xef\xbb\xbf[a]\r\nb = c\r\n", "[a] b=c "},
        {"  [ a b ]  \n\t b\t=\t c d \t\n", "[a b] b=c d "},
        {"# x\n; x\n  # = x\n[a] \n", "[a] "},
        {"[a]\nb = c ; d # e\nf = #g\n", "[a] b=c ; d # e f=#g "},
        {"b = c = d\nb =\n= c\n", "b=c = d b= =c "},
        {"[]\n", "[] "},
        {"b = c:d\n", "b=c:d "},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        assert_string_equal(read_all(rows[i].text, strlen(rows[i].text)), rows[i].wanted);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"[a\n", "1: '[a' is no section; use [NAME]"},
        {"[a] b\n", "1: '[a] b' is no section; use [NAME]"},
        {"[a]\n\nb\n", "[a] 3: 'b' is neither [NAME] nor KEY = VALUE"},
        {"b = c\rd\n", "1: the line holds a control character"},
        {"b = \x7f\n", "1: the line holds a control character"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        assert_string_equal(read_all(rows[i].text, strlen(rows[i].text)), rows[i].wanted);
    assert_string_equal(read_all("[a]\nb = \0c\n", 11), "[a] 2: the line holds a NUL; this is no text file");
}

/* Behind a key, and nowhere else, what is indented more than it is more of its value. */
static void values_that_go_on(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"[a]\nb = c\n  d\n\te \n", "[a] b=c +d +e "},
        {"[a]\nb =\n  [c]\n  d = e\n", "[a] b= +[c] +d = e "},
        {"[a]\nb = c\n\n  ; x\n  d\n", "[a] b=c +d "},
        {"  [a]\n  b = c\n[d]\n  e = f\n", "[a] b=c [d] e=f "},
        {"[a]\n  b = c\n  d = e\n    f = g\n h = i\n", "[a] b=c d=e +f = g h=i "},
        {"[a]\n  b = c\n  [d]\n  e = f\n", "[a] b=c [d] e=f "},
        {"[a]\n  b\n", "[a] 2: 'b' is neither [NAME] nor KEY = VALUE"},
        {"[a]\nb = c\n  d\x01\n", "[a] b=c 3: the line holds a control character"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        assert_string_equal(read_as(rows[i].text, strlen(rows[i].text), true), rows[i].wanted);
}

/* Nothing is cut: the whole of a line of 30,000 bytes is there. */
static void long_lines(void **state)
{
    char text[30016] = "key = ";

    (void)state;
    memset(text + 6, 'x', 30000);
    strcpy(text + 6 + 29999, "y\n");
    char *result = read_all(text, strlen(text));
    assert_int_equal(strlen(result), 4 + 30000 + 1);
    assert_string_equal(result + 4 + 29998, "xy ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items),
        cmocka_unit_test(refused),
        cmocka_unit_test(values_that_go_on),
        cmocka_unit_test(long_lines),
    };

    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
