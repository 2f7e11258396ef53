/*
 * The query of a request: which pair is found, what its value is.
 */
#include "support.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
