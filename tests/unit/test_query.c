/*
 * The query of a request: which pair is found, what its value is.
 */
#include "support.h"

#include <errno.h>

#include "service/query.h"

static const struct {
    const char *query, *name, *value; /* NULL: there is none */
} table[] = {
    {"", "mode", NULL},
    {"mode=flock", "mode", "flock"},
    {"a=1&mode=flock&b=2", "mode", "flock"},
    {"mode=flock&mode=append", "mode", "flock"},
    {"mode", "mode", ""},
    {"mode=", "mode", ""},
    {"mode=a=b", "mode", "a=b"},
    {"&&mode=x&&", "mode", "x"},
    {"mod=x", "mode", NULL},
    {"modes=x", "mode", NULL},
    {"Mode=x", "mode", NULL},
    {"xmode=x", "mode", NULL},
    {"=x", "mode", NULL},
    {"mode=%41+b", "mode", "%41+b"},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        struct guarded guarded;
        struct slice value = {NULL, 0};
        guarded_init(&guarded, table[i].query, strlen(table[i].query));
        bool found = query_value((struct slice){guarded.text, guarded.length}, table[i].name, &value);
        if (found != (table[i].value != NULL) || (found && !slice_is(value, table[i].value)))
            fail_msg("'%s': %s '%.*s'", table[i].query, found ? "found" : "not found", (int)value.length, value.at);
        guarded_close(&guarded);
    }
}

static void test_choices(void **state)
{
    static const char *const choices[] = {"append", "flock", NULL};
    (void)state;
    assert_int_equal(query_choice(SLICE("append"), choices), 0);
    assert_int_equal(query_choice(SLICE("flock"), choices), 1);
    assert_int_equal(query_choice(SLICE("flocks"), choices), -1);
    assert_int_equal(query_choice(SLICE(""), choices), -1);
}

static const struct {
    const char *value;
    long length; /* or -EINVAL */
    const char *text;
} decodings[] = {
    {"", 0, ""},
    {"plain", 5, "plain"},
    {"a+b%20c", 5, "a b c"},
    {"%2B", 1, "+"},
    {"%25%32%65", 3, "%2e"}, /* decoded once */
    {"%aF%Af", 2, "\xaf\xaf"},
    {"%00x", 2, "\0x"},
    {"%", -EINVAL, ""},
    {"%4", -EINVAL, ""},
    {"ab%4", -EINVAL, ""},
    {"%4g", -EINVAL, ""},
    {"%g4", -EINVAL, ""},
    {"%%41", -EINVAL, ""},
    {"% 1", -EINVAL, ""},
};

static void test_decoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(decodings); i++) {
        struct guarded guarded;
        char text[16];
        guarded_init(&guarded, decodings[i].value, strlen(decodings[i].value));
        long length = query_decode((struct slice){guarded.text, guarded.length}, text, sizeof text);
        if (length != decodings[i].length || (length > 0 && memcmp(text, decodings[i].text, (size_t)length) != 0))
            fail_msg("'%s': %ld", decodings[i].value, length);
        guarded_close(&guarded);
    }
}

/* Of a text that does not fit, the length is told, and nothing is written behind the room there is. */
static void test_decoding_into_too_little_room(void **state)
{
    char text[4] = "....";
    (void)state;
    assert_int_equal(query_decode(SLICE("a%62cdef"), text, 3), 6);
    assert_memory_equal(text, "abc.", 4);
    assert_int_equal(query_decode(SLICE("a%62c"), NULL, 0), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_decoding),
        cmocka_unit_test(test_decoding_into_too_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
